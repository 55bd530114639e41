"""What the generator feels of every objective: its gradient at the best critic, p = N(0, σ²), q = N(θ, σ²).

θ is the distance. Every entry says whether its curve is exact (a closed form, or quadrature to the last digits) or the
result of a numerical program, and where there is no curve, why. With δ = θ/σ most curves are one function of δ, times a
power of σ. Shown in notebooks/20_map.ipynb, each derived in its objective's lesson. NumPy and SciPy; torch for games of
your own only.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import expit, ndtr

from ..exact.f_table import F_DIVERGENCES, f_divergence
from ..exact.laws import Normal
from ..exact.lipschitz import segment_density
from ..exact.transport import cdf_difference
from ..exact.wasserstein_divergence import check
from .objectives import Objective, objective

_WIDE = 12.0                                         # integrals run from 12 sd left of p to 12 sd right of q


class Own(NamedTuple):
    """A parameter of an objective: the argument of `gradient`, its sign in a text, values for a slider, the usual one."""

    argument: str
    sign: str
    values: tuple
    usual: object


class Entry(NamedTuple):
    """One curve of the atlas.

    name: from the catalogue, or "f-GAN · KL" · how: "exact", "linear program" or "none" · says: what exactly is shown, or
    why nothing is · shape(δ, **own): the costly part, δ (k,) -> array · feel(shape, δ, σ, **own): the gradient (k,).
    """

    name: str
    how: str
    says: str
    shape: Callable | None = None
    feel: Callable | None = None
    own: Own | None = None

    @property
    def objective(self) -> Objective:
        return objective(self.name.split(" · ")[0])

    def gradient(self, distance, sigma: float = 1.0, **own) -> np.ndarray:
        """d/dθ of the generator's loss when all fakes move by θ and the best critic stays: distances (k,) -> (k,).

        Positive where the fakes are pulled home, odd in the distance; inf where it leaves the range of floats.
        ValueError for σ ≤ 0, for a value of `own` that has no best critic, and for an entry without a curve.
        """
        if self.shape is None:
            raise ValueError(f"{self.name} has no curve: {self.says}")
        if not sigma > 0:
            raise ValueError(f"sigma = {sigma}: the width of the heaps is above 0")
        distance = np.asarray(distance, dtype=float)
        delta = np.abs(distance).ravel() / sigma
        with np.errstate(over="ignore"):
            felt = self.feel(self.shape(delta, **own), delta, sigma, **own)
        return np.sign(distance) * np.reshape(felt, distance.shape)


# -- integrals over the line, for many δ at once ----------------------------------------------------------

def _line(delta):
    """x (k, n), log p and log q there, and the step (k,): equal steps, exact to the last digits for functions of log p/q.

    Their poles lie π/δ off the line, and the error is e^(-2π²/(δ step)).
    """
    n = int(40 + (delta.max(initial=1.0) + 2 * _WIDE) * max(4.0, 2 * delta.max(initial=1.0)))
    x = delta[:, None] / 2 + (delta[:, None] / 2 + _WIDE) * np.linspace(-1, 1, n)
    half = np.log(2 * np.pi) / 2
    return x, -x ** 2 / 2 - half, -(x - delta[:, None]) ** 2 / 2 - half, (delta + 2 * _WIDE) / (n - 1)


def _saturating(delta):
    """2 dJS/dδ = δ ∫ pq/(p + q)."""
    _, lp, lq, step = _line(delta)
    return delta * step * np.exp(lp + lq - np.logaddexp(lp, lq)).sum(1)


def _least_squares(delta):
    """E_q σ(c) σ(-c), E_q σ(c)² σ(-c) and χ², with c = log p/q."""
    _, lp, lq, step = _line(delta)
    sigma, other, q = expit(lp - lq), expit(lq - lp), np.exp(lq)
    chi2 = ((sigma - other) ** 2 * (q + np.exp(lp))).sum(1)
    return step * np.stack([(q * sigma * other).sum(1), (q * sigma ** 2 * other).sum(1), chi2])


def _of_least_squares(shape, delta, sigma, fake=0.0, real=1.0, target=1.0):
    gap = real - fake
    return -delta * gap * ((fake - target) * shape[0] + gap * shape[1]) / sigma


def _of_ralsgan(shape, delta, sigma):
    """2 E_q (f + E_q f - 2 E_p f - 2) f', f = a (2σ - 1), E_p f = -E_q f = a χ²/2."""
    one, two, chi2 = shape
    a = 4 / (2 + 3 * chi2)
    return -delta * 4 * a * (a * (2 * two - one) - (1.5 * a * chi2 + 2) * one) / sigma


# Rows of the table of lesson 03 whose p²φ''(p/q)/q is a sum of p^a q^(1-a), and ∫ p^a q^(1-a) = exp(a (a - 1) δ²/2).
_POWERS = {"KL": {1: 1}, "reverse KL": {0: 1}, "Pearson": {2: 2}, "Neyman": {-1: 2}, "squared Hellinger": {.5: .5},
           "Jeffrey": {1: 1, 0: 1}}
_GENERATORS = ("conjugate", "trick")


def _row(name):
    def shape(delta, generator="conjugate", **parameter):
        if generator not in _GENERATORS:
            raise ValueError(f"no generator {generator!r}; there are {', '.join(_GENERATORS)}")
        trick = _GENERATORS.index(generator)
        powers = {parameter.get("alpha", .5): 1} if name == "alpha" else _POWERS.get(name)
        if powers:
            with np.errstate(over="ignore"):
                return sum(weight * delta * np.exp((a - trick) * (a - trick - 1) * delta ** 2 / 2)
                           for a, weight in powers.items())
        row = f_divergence(name, **({"pi": .5, **parameter} if name == "JS-weighted" else parameter))
        if row.log_weight is None:
            if trick:
                raise ValueError(f"{name} has no curve through -E T: its best T is a step")
            return np.exp(-delta ** 2 / 8) / np.sqrt(2 * np.pi)
        _, lp, lq, step = _line(delta)
        return delta * step * np.exp(row.log_weight(lp, lq) + trick * (lq - lp)).sum(1)
    return shape


@lru_cache(maxsize=8)
def _crowding(deltas):
    """Nodes of q, their masses, and (F - G)/ρ there, ρ the density of points between real and fake: lists, one a δ."""
    found = []
    for delta in deltas:
        x = delta + np.linspace(-8.5, 8.5, 171)
        p, q = Normal(0, 1), Normal(delta, 1)
        found.append(cdf_difference(p, q)(x) / segment_density(p, q)(x))
    mass = np.exp(-np.linspace(-8.5, 8.5, 171) ** 2 / 2)
    return np.array(found), mass / mass.sum()


def _crowded(delta, power=2.0):
    """E_q ((F - G)/ρ)^(1/(power - 1))."""
    ratio, mass = _crowding(tuple(delta.tolist()))
    return ratio ** (1 / (power - 1)) @ mass


def _of_penalty(shape, delta, sigma, weight=10.0):
    if not 0 < weight < np.inf:
        raise ValueError(f"weight = {weight}: without a penalty λ > 0 on slopes a critic has no best slope")
    return 1 + sigma * shape / (2 * weight)


def _div_shape(delta, k=2.0, power=6.0):
    check(k, power)
    return _crowded(delta, power)


def _of_div(shape, delta, sigma, k=2.0, power=6.0):
    return (sigma / (k * power)) ** (1 / (power - 1)) * shape


def _of_hinge(shape, delta, sigma, K=1.0):
    """The best critic of slope at most K is a ramp from 1 to -1 with its middle where p = q."""
    if not K > 0:
        raise ValueError(f"K = {K}: a bound of slopes is above 0, np.inf for none")
    if K == np.inf:
        return 2 * np.exp(-delta ** 2 / 8) / np.sqrt(2 * np.pi) / sigma
    half = 1 / (K * sigma)                                            # of the ramp's base, in widths
    return K * (ndtr(half - delta / 2) - ndtr(-half - delta / 2))


def _no_surplus(delta, nu=0.0):
    if not nu <= 0:
        raise ValueError(f"nu = {nu}: for ν > 0 the loss of l has no minimum on these heaps (lesson 10, step 7)")
    return np.ones_like(delta)


def _clustering(delta, share=.5):
    """d/dδ of -E_p log((1 - s) p + s q) = E_p r (δ - x), r the far hat's responsibility."""
    if not 0 < share < 1:
        raise ValueError(f"share = {share}: the far hat's q(y) lies between 0 and 1")
    x, lp, lq, step = _line(delta)
    r = expit(np.log(share) - np.log1p(-share) + lq - lp)
    return step * (np.exp(lp) * r * (delta[:, None] - x)).sum(1)


# -- LS-GAN: a linear program, solved ahead ----------------------------------------------------------------

LP_DELTAS = (.1, .25, .5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 14)
LP_LOSS_SENSITIVE = {                                # λ: the pull at each δ, first = 1, 101 places, heaps cut off at 5 sd
    0.5: (0.0, 0.0, 0.114, 0.848, 1.5, 1.935, 2.215, 2.316, 2.2, 1.763, 1.29, 0.998, 1.002, 1.0),
    1: (0.0, 0.02, 0.353, 1.073, 1.574, 1.911, 2.115, 2.213, 2.111, 1.719, 1.273, 0.967, 0.982, 0.985),
    2: (0.0, 0.167, 0.618, 1.142, 1.538, 1.829, 1.999, 2.075, 2.012, 1.677, 1.265, 0.987, 0.979, 0.983),
    4: (0.038, 0.51, 0.816, 1.052, 1.42, 1.699, 1.879, 1.971, 1.937, 1.64, 1.239, 1.0, 0.993, 1.01),
    8: (0.324, 0.771, 0.92, 1.009, 1.22, 1.55, 1.745, 1.854, 1.866, 1.624, 1.229, 1.007, 0.97, 0.979),
    16: (0.638, 0.895, 0.966, 1.0, 1.098, 1.37, 1.614, 1.752, 1.817, 1.574, 1.238, 0.979, 1.0, 0.987),
}


def _ls_gan(delta, weight=1.0):
    if weight not in LP_LOSS_SENSITIVE:
        raise ValueError(f"weight = {weight}: the linear program was solved for λ of {', '.join(map(str, LP_LOSS_SENSITIVE))}; "
                         "lesson 09 solves it for any")
    curve = PchipInterpolator((0, *LP_DELTAS), (0, *LP_LOSS_SENSITIVE[weight]))
    return np.where(delta > LP_DELTAS[-1], LP_LOSS_SENSITIVE[weight][-1], curve(np.minimum(delta, LP_DELTAS[-1])))


# -- the table ---------------------------------------------------------------------------------------------

_over = lambda shape, delta, sigma, **own: shape / sigma
_as_is = lambda shape, delta, sigma, **own: shape
_delta = lambda delta, **own: delta
_non_saturating = lambda delta: delta - _saturating(delta)
_powers_of_2 = lambda low, high: tuple(2.0 ** k for k in range(low, high + 1))


def _entries():
    exact = lambda name, says, shape, feel=_over, own=None: Entry(name, "exact", says, shape, feel, own)
    yield exact("minimax GAN", "the slope of 2 JS", _saturating)
    yield exact("non-saturating GAN", "the slope of KL(q‖p) - 2 JS", _non_saturating)
    for name in F_DIVERGENCES:
        which = Own("generator", "generator", _GENERATORS, "conjugate")
        if name == "alpha":
            which = Own("alpha", "α", tuple((np.round(np.arange(-1, 2.01, .25), 2) + 0.0).tolist()), .5)
        elif name == "JS-weighted":
            which = Own("pi", "π", (.01, .03, .1, .25, .5, .75, .9, .97, .99), .5)
        elif name == "total variation":
            which = None
        yield exact(f"f-GAN · {name}", "slope of the divergence, through -E φ*(T); \"trick\": through -E T", _row(name),
                    own=which)
    yield exact("least squares GAN", "a = 0, b = 1; frozen critic, not the slope of χ²",
                lambda delta, **own: _least_squares(delta), _of_least_squares,
                Own("target", "c", tuple(np.round(np.arange(0, 2.01, .1), 1).tolist()), 1.0))
    yield exact("WGAN", "slopes at most K; K = c for a straight critic clipped at c, another unit for any other",
                lambda delta, K=1.0: K * (delta > 0), _as_is, Own("K", "K", _powers_of_2(-7, 3), 1.0))
    for name in ("WGAN-GP", "WGAN-LP"):
        yield exact(name, "slope 1 + |F - G|/2λρ, ρ the density of points between real and fake",
                    lambda delta, **own: _crowded(delta), _of_penalty,
                    Own("weight", "λ", (.1, .3, 1.0, 3.0, 10.0, 30.0, 100.0), 10.0))
    yield exact("hinge", "the best critic of slope at most K: a ramp from 1 to -1; K = ∞: a step",
                lambda delta, **own: delta, _of_hinge,
                Own("K", "K", (*np.round(2 ** np.arange(-4, 4.1, .5), 4).tolist(), np.inf), 1.0))
    yield exact("WGAN-div", "k = 2; slope (|F - G|/kpρ)^(1/(p - 1))", _div_shape, _of_div,
                Own("power", "p", (1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0), 6.0))
    lp = "l ≥ 0 by a linear program, γ = 1, 101 places, heaps cut off at 5 sd; right to about 3 %"
    weights = Own("weight", "λ", tuple(LP_LOSS_SENSITIVE), 1.0)
    yield Entry("LS-GAN", "linear program", lp, _ls_gan, _as_is, weights)
    yield exact("GLS-GAN", "γ = 0: for ν ≤ 0 the best l has slope 1 on shifted heaps; for ν > 0 there is none",
                lambda delta, nu=0.0: _no_surplus(delta, nu) * (delta > 0), _as_is,
                Own("nu", "ν", (-4.0, -3.0, -2.0, -1.0, -.5, 0.0), 0.0))
    yield exact("RSGAN", "the slope of KL(q‖p) - JS of pairs, which is JS at √2 θ",
                lambda delta: delta - _saturating(2 ** .5 * delta) / 2 ** .5)
    bought = "no critic is best: an average can be bought by a few far points, and the infimum is 0 (lesson 11)"
    yield Entry("RaSGAN", "none", bought)
    yield exact("RaSGAN · straight line", "the best straight-line critic", lambda delta: 4 * delta - 2 * _saturating(2 * delta))
    yield exact("RaLSGAN", "best critic a (p - q)/(p + q), a = 4/(2 + 3 χ²)", _least_squares, _of_ralsgan)
    yield Entry("RaHinge", "none", bought)
    yield exact("CGAN", "within a class: the game it was made of, here the non-saturating one", _non_saturating)
    yield exact("ACGAN", "one class, where the class loss is silent: the non-saturating game; for more see lesson 12",
                _non_saturating)
    yield Entry("CLS-GAN", "linear program", "within a class: LS-GAN; " + lp, _ls_gan, _as_is, weights)
    yield exact("Improved GAN", "features h(x) = a x", lambda delta, **own: delta,
                lambda shape, delta, sigma, a=1.0: 2 * a ** 2 * sigma * delta, Own("a", "a", _powers_of_2(-4, 2), 1.0))
    yield Entry("semi-supervised CLS-GAN", "linear program", "one class, λ = 1: 1 + η times LS-GAN; " + lp,
                lambda delta, eta=1.0: _ls_gan(delta) * (1 + eta), _as_is,
                Own("eta", "η", (0.0, .25, .5, 1.0, 2.0, 4.0), 1.0))
    yield exact("AAE", "codes N(θ, σ²), prior N(0, σ²), encoder as generator: the non-saturating game", _non_saturating)
    yield exact("VAE", "β KL of one code N(θ, σ²) and its prior N(0, σ²)", lambda delta, beta=1.0: beta * delta,
                own=Own("beta", "β", _powers_of_2(-4, 4), 1.0))
    yield Entry("Deep InfoMax", "none", "no generator: an encoder maximises a bound of information, and nobody forges")
    yield exact("flow", "-E_p log q, one straight bijection: KL(p‖q)", _delta)
    yield exact("f-VAE", "straight wires: the flow's", _delta)
    yield exact("VAE clustering", "two hats, at 0 and θ; what the far one feels: KL(p‖(1 - s) p + s q)", _clustering,
                own=Own("share", "s", (.001, .01, .1, .25, .5, .75, .9), .5))


ATLAS = {entry.name: entry for entry in _entries()}


def atlas_curve(entry, distances, sigma: float = 1.0, **own) -> np.ndarray:
    """The gradients (k,) at distances (k,) of an entry of ATLAS by name, or of a Game of your own.

    A Game of a critic and a generator whose losses are means over single scores needs nothing but itself (see `stakes_of`);
    its curve is G(θ/σ)/σ. KeyError, listing the names, for an unknown entry; ValueError where there is no curve.
    """
    if isinstance(entry, str):
        if entry not in ATLAS:
            raise KeyError(f"no entry {entry!r} in the atlas; there are {', '.join(ATLAS)}")
        return ATLAS[entry].gradient(distances, sigma, **own)
    return own_entry("yours", entry).gradient(distances, sigma, **own)


def own_entry(name: str, game) -> Entry:
    """The Entry of a Game of your own: its gradient at its best critic, by `stakes_of`. ValueError where it has none."""
    from .best_critic import pushes, score_losses
    known = score_losses(game)

    def shape(delta):
        felt = np.zeros_like(delta)
        apart = delta > 0
        felt[apart] = pushes(known, [(Normal(0, 1), Normal(d, 1)) for d in delta[apart]])
        return felt
    return Entry(name, "exact", "read off the game's own losses", shape, _over)
