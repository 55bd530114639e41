"""Pairs whose mutual information is known: correlated Normals, and pictures with discrete codes.

Derived in notebooks/17_infomax.ipynb. NumPy and SciPy, no torch; everything in nats.
"""
from __future__ import annotations

import numpy as np
from scipy.stats import binom

from .checks import MANY, as_numbers, check_count, check_function, check_room, fits, told
from .divergences import softplus
from .information import gaussian_information, mutual_information
from .laws import BENDS, Normal
from .quadrature import masses


class CorrelatedNormal:
    """Pairs (x, z) of k standard Normal numbers each, x_i correlated by rho with z_i alone.

    A distribution on 2k numbers, x first, for `batches` to draw from. `information` is
    -k/2 log(1 - rho²). ValueError unless -1 < rho < 1 and k ≥ 1.
    """

    def __init__(self, rho: float, k: int = 1):
        if not fits(rho, above=-1, below=1):
            raise ValueError(f"rho = {rho}: a correlation strictly between -1 and 1, where a "
                             "density exists")
        if not fits(k, least=1, most=MANY, whole=True):
            raise ValueError(f"k = {k!r}: x and z have k numbers each, 1 to a million")
        k = int(k)
        self.rho, self.k, self.dim = float(rho), k, 2 * k
        self.information = float(k * gaussian_information(rho))

    def pairs(self, n: int, rng):
        """n draws from a numpy Generator: x (n, k) and z (n, k)."""
        check_count("n", n, least=0, why="it is how many pairs to draw")
        check_room("pairs", int(n), self.dim)
        if not hasattr(rng, "standard_normal"):
            raise ValueError(f"rng = {rng!r}: a generator, np.random.default_rng(0)")
        x, noise = rng.standard_normal((2, n, self.k))
        return x, self.rho * x + np.sqrt(1 - self.rho ** 2) * noise

    def sample(self, n: int, rng):
        """n draws from a numpy Generator, x and z in a row: (n, 2k)."""
        return np.concatenate(self.pairs(n, rng), axis=1)

    def log_ratio(self, x, z):
        """log r = log p(x, z) - log p(x) p(z): (..., k), (..., k) -> (...)."""
        (x, z), square = self._numbers(x, z), self.rho ** 2
        terms = (self.rho * x * z - square * (x ** 2 + z ** 2) / 2) / (1 - square)
        return terms.sum(-1) + self.information

    def scores(self, x, z):
        """log r of every x with every z: (n, k), (m, k) -> (n, m)."""
        (x, z), square = self._numbers(x, z), self.rho ** 2
        if x.ndim != 2 or z.ndim != 2:
            raise ValueError(f"x {x.shape} and z {z.shape} are (n, {self.k}) and (m, {self.k})")
        alone, alone_z = [square * (v ** 2).sum(1) / 2 for v in (x, z)]           # (n,), (m,)
        both = self.rho * x @ z.T                                                 # (n, m)
        return (both - alone[:, None] - alone_z) / (1 - square) + self.information

    def _numbers(self, x, z):
        """x and z as arrays; ValueError unless the last axis of both holds k numbers."""
        x, z = as_numbers(x, "x", finite=False), as_numbers(z, "z", finite=False)
        if not x.shape[-1:] == z.shape[-1:] == (self.k,):
            raise ValueError(f"x {x.shape} and z {z.shape} hold {self.k} numbers each in their "
                             f"last axis, (..., {self.k})")
        return x, z

    def own(self, h) -> float:
        """E h(x, z) over p(x, z), by quadrature; h: (m,), (m,) -> (m,). ValueError unless k = 1."""
        return self._expect(h, np.sqrt(1 + self.rho), np.sqrt(1 - self.rho))

    def other(self, h) -> float:
        """E h(x, z) over p(x) p(z), likewise."""
        return self._expect(h, 1., 1.)

    def _expect(self, h, sd_sum, sd_difference) -> float:
        """E h along u = (x + z)/√2 and v = (x - z)/√2, of the given sds.

        Own or shuffled, u and v are independent: the double integral is a product of two rules.
        """
        if self.k != 1:
            raise ValueError(f"quadrature is for k = 1, not {self.k}: coordinates are independent, "
                             "add their terms")
        check_function("h", h, "(m,), (m,) -> (m,)", many=2)
        # h compares the two: its panels resolve the narrowest sd of either
        finest = np.sqrt(1 - abs(self.rho))
        (u, mass_u), (v, mass_v) = _masses(sd_sum, finest), _masses(sd_difference, finest)
        u, v = u[:, None], v[None, :]
        x, z = (u + v) / np.sqrt(2), (u - v) / np.sqrt(2)      # (a, b) each
        # in pieces that stay in the cache: the layers of a network h are many times as large
        pieces = [np.array_split(points.ravel(), points.size // 8192 + 1) for points in (x, z)]
        try:
            values = np.concatenate([as_numbers(h(*piece), "h", finite=False)
                                     for piece in zip(*pieces)]).reshape(x.shape)     # (a, b)
        except (TypeError, ValueError) as error:
            raise ValueError(f"h is a function of two arrays, (m,), (m,) -> (m,), and "
                             f"{told(h)} is none ({error})") from error
        return float(mass_u @ values @ mass_v)

    def js(self) -> float:
        """JS(p(x, z), p(x) p(z)), by quadrature. ValueError unless k = 1."""
        c = lambda x, z: self.log_ratio(x[:, None], z[:, None])
        return float(np.log(2) - self.own(lambda x, z: softplus(-c(x, z))) / 2
                     - self.other(lambda x, z: softplus(c(x, z))) / 2)

    def __repr__(self):
        return f"CorrelatedNormal({self.rho:g}, k={self.k})"


def _masses(sd, finest):
    """Nodes and masses of N(0, sd²), in panels that resolve a width `finest` at 0 as well."""
    edges = np.unique(np.concatenate([BENDS * sd, BENDS[BENDS * finest < 38 * sd] * finest]))
    return masses(Normal(0, sd), np.concatenate([-edges[:0:-1], edges]), order=16)


def ratio_spread(information, n: int, shuffled: bool = False):
    """Standard deviation of the mean of r = p(x, z)/(p(x) p(z)) over independent x and z.

    For Normal pairs of k = 1 with this information in nats; any shape -> same shape.
    n independent pairs: √((e^{2I} - 1)/n), for any k. shuffled: all n(n - 1) pairs of two different
    members of a batch, √((e^{2I} - 1 + 1/(1 - rho⁴) - 1)/(n(n - 1))), with rho² = 1 - e^{-2I}.
    ∞ beyond the range of floats. ValueError for an information below 0, and for no pair.
    """
    if not isinstance(shuffled, (bool, np.bool_)):
        raise ValueError(f"shuffled = {shuffled!r}: True or False")
    n = check_count("n", n, least=2 if shuffled else 1, why="there must be a pair")
    if (as_numbers(information, "information") < 0).any():
        raise ValueError(f"information = {information}: nats are 0 or more")
    with np.errstate(over="ignore", divide="ignore"):
        return _spread(information, n, shuffled)


def _spread(information, n, shuffled):
    square = -np.expm1(-2 * np.asarray(information, dtype=float))                 # rho²
    one = np.expm1(2 * np.asarray(information, dtype=float))
    if not shuffled:
        return np.sqrt(one / n)
    return np.sqrt((one + square ** 2 / (1 - square ** 2)) / (n * (n - 1)))


def copies_info_nce(kinds: int, n: int) -> float:
    """The best InfoNCE can do, in the mean, where z tells which of equally likely values x has.

    log n - E log(1 + B): of the n samples of a batch B ~ Binomial(n - 1, 1/kinds) others have the
    same value as x, one of `kinds`. Always below both log n and I = log kinds. ValueError for other
    numbers than whole ones of 1 or more.
    """
    if not (fits(kinds, least=1, whole=True) and fits(n, least=1, whole=True)):
        raise ValueError(f"kinds = {kinds!r}, n = {n!r}: whole numbers, 1 or more")
    check_room("batches", int(n))
    kinds, n = int(kinds), int(n)
    b = np.arange(n)
    return float(np.log(n) - binom.pmf(b, n - 1, 1 / kinds) @ np.log1p(b))


# ---------------------------------------------------------------- pictures of patches


def patch_pictures(patches: int = 4):
    """All pictures of `patches` patches: (2^(patches + 1), patches, 2) of ±1, equally likely.

    A patch is (motif, speck): the motif is the same sign in all patches, every speck is a random
    sign of its own. ValueError for patches outside 1 to 20, as their pictures double with each.
    """
    check_count("patches", patches, most=20)
    numbers, places = np.arange(2 ** (patches + 1)), np.arange(patches + 1)
    signs = 1 - 2 * ((numbers[:, None] >> places) & 1)         # (2^(patches + 1), patches + 1)
    motif = np.repeat(signs[:, :1], patches, axis=1)           # (2^(patches + 1), patches)
    return np.stack([motif, signs[:, 1:]], axis=-1)


def code_table(pictures, code) -> np.ndarray:
    """p(picture, code) of equally likely pictures (n, ...): a table (n, k), k the number of codes.

    code: a function of one picture. ValueError for no pictures, and for codes that are no single
    value, such as an array or NaN.
    """
    check_function("code", code, "of one picture")
    if not np.ndim(pictures):
        raise ValueError(f"pictures are (n, ...), not {pictures!r}")
    found = np.array([code(picture) for picture in pictures])
    plain = found.dtype.kind in "fiubUS" and found.ndim == 1 and len(found)
    if not plain or (found != found).any():
        raise ValueError(f"codes of shape {found.shape}: one picture or more, and for each one "
                         "value that equals itself, no array and no nan")
    _, kind = np.unique(found, return_inverse=True)
    joint = np.zeros((len(pictures), kind.max() + 1))
    joint[np.arange(len(pictures)), kind] = 1 / len(pictures)
    return joint


def patch_information(pictures, code) -> np.ndarray:
    """I(patch m; code) for every patch: (n, patches, ...) -> (patches,), in nats.

    ValueError as in `code_table`, and for pictures without patches.
    """
    as_numbers(pictures, "pictures")
    pictures = np.asarray(pictures)                            # code is asked of them as they are
    if pictures.ndim < 2:
        raise ValueError(f"pictures are (n, patches, ...), not of shape {pictures.shape}")
    joint = code_table(pictures, code)                                            # (n, k)
    found = []
    for m in range(pictures.shape[1]):
        _, kind = np.unique(pictures[:, m], axis=0, return_inverse=True)
        table = np.zeros((kind.max() + 1, joint.shape[1]))
        np.add.at(table, kind.ravel(), joint)                  # pictures with the same patch m
        found.append(mutual_information(table))
    return np.array(found)


def reconstruction_error(pictures, code, scale) -> float:
    """Least mean squared error, a sum over pixels, of a decoder that sees the code alone.

    pictures: (n, patches, 2); scale: the size of (motif, speck) in a picture. The best decoder
    gives the mean picture of each code. ValueError as in `code_table`, and for numbers that are not
    finite.
    """
    as_numbers(pictures, "pictures")
    pictures, scale = np.asarray(pictures), as_numbers(scale, "scale")
    if pictures.ndim != 3 or scale.shape not in ((), pictures.shape[2:]):
        raise ValueError(f"pictures of shape {pictures.shape} and a scale of shape {scale.shape}: "
                         "they are (n, patches, size) and (size,)")
    pixels = (pictures * np.asarray(scale, dtype=float)).reshape(len(pictures), -1)  # (n, pixels)
    joint = code_table(pictures, code)                                            # (n, k)
    means = (joint.T @ pixels) / joint.sum(0)[:, None]                            # (k, pixels)
    return float((joint[:, :, None] * (pixels[:, None] - means) ** 2).sum())


def linear_information(covariance, weights, noise: float):
    """(I(x; z), I(x_m; z) of every patch) for x ~ N(0, covariance), z = w·x / sd(w·x) + noise · ε.

    covariance (patches · size, patches · size), weights (patches, size) -> a number, (patches,),
    in nats. -½ log(1 - R²), R² the share of z's variance that the best linear guess from x, or from
    x_m, explains: for Normal numbers no other guess is better. ValueError for w = 0, shapes that do
    not fit and noise ≤ 0, without which the information is infinite.
    """
    covariance, weights = as_numbers(covariance, "covariance"), as_numbers(weights, "weights")
    if weights.ndim != 2 or covariance.shape != (weights.size, weights.size):
        raise ValueError(f"weights {weights.shape} and covariance {covariance.shape} are "
                         "(patches, size) and (patches · size, patches · size)")
    if not fits(noise, above=0, most=1e150):
        raise ValueError(f"noise = {noise}: a code without noise would tell infinitely much; a "
                         "finite number above 0")
    patches, size = weights.shape
    w, total = weights.ravel(), 1 + noise ** 2                 # total: the variance of z
    spread = np.sqrt(w @ covariance @ w)
    if not spread > 0:
        raise ValueError("weights of a code that never changes: its information is 0 and its scale "
                         "undefined")
    with_code = (covariance @ w / spread).reshape(patches, size)          # covariance of x_m and z
    ends = [slice(m * size, (m + 1) * size) for m in range(patches)]
    explained = np.array([c @ np.linalg.solve(covariance[end, end], c)
                          for c, end in zip(with_code, ends)]) / total            # (patches,)
    return float(-np.log1p(-1 / total) / 2), -np.log1p(-explained) / 2
