"""Pairs whose mutual information is known: Normal numbers with a correlation, and coins with a perfect note.

Derived in notebooks/17_infomax.ipynb. NumPy and SciPy only, no torch; everything in nats.
"""
from __future__ import annotations

import numpy as np
from scipy.stats import binom

from .divergences import softplus
from .information import gaussian_information, mutual_information
from .laws import BENDS
from .quadrature import nodes


class CorrelatedNormal:
    """Pairs (x, z) of k standard Normal numbers each, coordinate i of x correlated by rho with coordinate i of z.

    A law on 2k numbers, x first, so that `batches` can draw from it. `information` is -k/2 log(1 - rho²).
    ValueError unless -1 < rho < 1 and k ≥ 1.
    """

    def __init__(self, rho: float, k: int = 1):
        if not -1 < rho < 1:
            raise ValueError(f"rho = {rho}: a correlation strictly between -1 and 1, where a density exists")
        if not (isinstance(k, int) and k >= 1):
            raise ValueError(f"k = {k!r}: x and z have k numbers each, 1 or more")
        self.rho, self.k, self.dim = float(rho), k, 2 * k
        self.information = float(k * gaussian_information(rho))

    def pairs(self, n: int, rng):
        """n draws: x (n, k) and z (n, k)."""
        x, noise = rng.standard_normal((2, n, self.k))
        return x, self.rho * x + np.sqrt(1 - self.rho ** 2) * noise

    def sample(self, n: int, rng):
        return np.concatenate(self.pairs(n, rng), axis=1)

    def log_ratio(self, x, z):
        """log r = log p(x, z) - log p(x) p(z): (..., k), (..., k) -> (...)."""
        x, z, square = np.asarray(x), np.asarray(z), self.rho ** 2
        terms = (self.rho * x * z - square * (x ** 2 + z ** 2) / 2) / (1 - square)
        return terms.sum(-1) + self.information

    def scores(self, x, z):
        """log r of every coin with every note: (n, k), (m, k) -> (n, m)."""
        square = self.rho ** 2
        alone = [square * (v ** 2).sum(1) / 2 for v in (x, z)]
        return (self.rho * x @ z.T - alone[0][:, None] - alone[1]) / (1 - square) + self.information

    def own(self, h) -> float:
        """E h(x, z) over p(x, z), by quadrature, for k = 1. h: (m,), (m,) -> (m,)."""
        return self._expect(h, np.sqrt(1 + self.rho), np.sqrt(1 - self.rho))

    def other(self, h) -> float:
        """E h(x, z) over p(x) p(z), by quadrature, for k = 1."""
        return self._expect(h, 1., 1.)

    def _expect(self, h, sd_sum, sd_difference) -> float:
        """Along (x + z)/√2 and (x - z)/√2, which are independent under both laws; panels fine enough for either."""
        if self.k != 1:
            raise ValueError(f"quadrature is for k = 1, not {self.k}: coordinates are independent, add their terms")
        finest = np.sqrt(1 - abs(self.rho))
        (u, wu), (v, wv) = _panels(sd_sum, finest), _panels(sd_difference, finest)
        u, v = u[:, None], v[None, :]
        values = h(((u + v) / np.sqrt(2)).ravel(), ((u - v) / np.sqrt(2)).ravel())
        return float(wu @ np.reshape(values, (len(wu), len(wv))) @ wv)

    def js(self) -> float:
        """JS(p(x, z), p(x) p(z)), by quadrature, for k = 1."""
        c = lambda x, z: self.log_ratio(x[:, None], z[:, None])
        return float(np.log(2) - self.own(lambda x, z: softplus(-c(x, z))) / 2
                     - self.other(lambda x, z: softplus(c(x, z))) / 2)

    def __repr__(self):
        return f"CorrelatedNormal({self.rho:g}, k={self.k})"


def _panels(sd, finest):
    """Nodes and weights for N(0, sd²) on the line, in panels that resolve a bump of width `finest` at 0 as well."""
    edges = np.unique(np.concatenate([BENDS * sd, BENDS[BENDS * finest < 38 * sd] * finest]))
    edges = np.concatenate([-edges[:0:-1], edges])
    x, weight = nodes(edges, order=16)
    return x, weight * np.exp(-(x / sd) ** 2 / 2) / (sd * np.sqrt(2 * np.pi))


def ratio_spread(information, n: int, shuffled: bool = False):
    """Standard deviation of the mean of r = p(x, z)/(p(x) p(z)) over coins with the notes of others (Normal pairs, k = 1).

    n independent pairs: √((e^{2I} - 1)/n), for any k. shuffled: all n(n - 1) pairs of two different members of a batch,
    √((e^{2I} - 1 + 1/(1 - rho⁴) - 1)/(n(n - 1))), with rho² = 1 - e^{-2I}.
    """
    square = -np.expm1(-2 * np.asarray(information, dtype=float))
    one = np.expm1(2 * np.asarray(information, dtype=float))
    if not shuffled:
        return np.sqrt(one / n)
    return np.sqrt((one + square ** 2 / (1 - square ** 2)) / (n * (n - 1)))


def copies_info_nce(kinds: int, n: int) -> float:
    """The best InfoNCE can do, in the mean, with n coins of `kinds` equally common kinds and notes that say the kind.

    log n - E log(1 + B): B ~ Binomial(n - 1, 1/kinds) of the other coins are of the kind in question.
    Always below both log n and I = log kinds.
    """
    if not (isinstance(kinds, int) and isinstance(n, int) and kinds >= 1 and n >= 1):
        raise ValueError(f"kinds = {kinds!r}, n = {n!r}: whole numbers, 1 or more")
    b = np.arange(n)
    return float(np.log(n) - binom.pmf(b, n - 1, 1 / kinds) @ np.log1p(b))


# ---------------------------------------------------------------- pictures of patches

def patch_pictures(patches: int = 4):
    """All pictures of `patches` patches: (2^(patches + 1), patches, 2) of ±1, equally likely.

    A patch is (motif, speck): the motif is the same sign in all patches, every speck is a toss of its own.
    """
    bits = 1 - 2 * ((np.arange(2 ** (patches + 1))[:, None] >> np.arange(patches + 1)) & 1)
    motif = np.repeat(bits[:, :1], patches, axis=1)
    return np.stack([motif, bits[:, 1:]], axis=-1)


def code_table(pictures, note) -> np.ndarray:
    """p(picture, note) of equally likely pictures (n, ...) and note, a function of one picture: a table (n, k)."""
    _, kind = np.unique([note(picture) for picture in pictures], return_inverse=True)
    joint = np.zeros((len(pictures), kind.max() + 1))
    joint[np.arange(len(pictures)), kind] = 1 / len(pictures)
    return joint


def patch_information(pictures, note) -> np.ndarray:
    """I(patch m; note) for every patch: (patches,)."""
    joint = code_table(pictures, note)
    found = []
    for m in range(pictures.shape[1]):
        _, kind = np.unique(pictures[:, m], axis=0, return_inverse=True)
        table = np.zeros((kind.max() + 1, joint.shape[1]))
        np.add.at(table, kind.ravel(), joint)
        found.append(mutual_information(table))
    return np.array(found)


def reconstruction_error(pictures, note, scale) -> float:
    """Least mean squared error, a sum over pixels, of whoever redraws the picture from the note alone.

    scale: the size of (motif, speck) in a picture. The best redrawing is the mean picture of each note.
    """
    pixels = (pictures * np.asarray(scale, dtype=float)).reshape(len(pictures), -1)
    joint = code_table(pictures, note)
    means = (joint.T @ pixels) / joint.sum(0)[:, None]
    return float((joint[:, :, None] * (pixels[:, None] - means) ** 2).sum())


def linear_information(covariance, weights, noise: float):
    """(I(x; z), I(x_m; z) of every patch) for x ~ N(0, covariance) and z = w·x / sd(w·x) + noise · ε, in closed form.

    covariance (patches · size, patches · size), weights (patches, size). -½ log(1 - R²), R² the share of z's variance
    that the best linear guess from x, or from x_m, explains: Normal numbers know no better one. ValueError for w = 0.
    """
    covariance, weights = np.asarray(covariance, dtype=float), np.asarray(weights, dtype=float)
    patches, size = weights.shape
    w, total = weights.ravel(), 1 + noise ** 2
    spread = np.sqrt(w @ covariance @ w)
    if not spread > 0:
        raise ValueError("weights of a note that never changes: its information is 0 and its scale undefined")
    with_note = (covariance @ w / spread).reshape(patches, size)
    blocks = [covariance[m * size:(m + 1) * size, m * size:(m + 1) * size] for m in range(patches)]
    explained = np.array([c @ np.linalg.solve(block, c) for c, block in zip(with_note, blocks)]) / total
    return float(-np.log1p(-1 / total) / 2), -np.log1p(-explained) / 2
