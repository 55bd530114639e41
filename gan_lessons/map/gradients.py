"""The gradient that every objective gives its generator at the best critic: the gradient atlas.

Real samples have the law p = N(0, σ²), fake ones q = N(θ, σ²); θ is the distance. Every entry says
whether its curve is exact (a closed form, or quadrature to the last digits) or the result of a
numerical program, and where there is no curve, why. With δ = θ/σ most curves are one function of δ,
times a power of σ: the costly `shape` of δ is computed once, the cheap `feel` for every σ.

Shown in notebooks/20_map.ipynb, each derived in its objective's lesson. NumPy and SciPy; torch for
games of your own only.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from inspect import signature
from typing import NamedTuple

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import expit, ndtr

from ..exact.checks import as_numbers, fits, told
from ..exact.f_table import F_DIVERGENCES, f_divergence
from ..exact.laws import Normal
from ..exact.lipschitz import segment_density
from ..exact.mmd import cramer_slope_of_normals, normal_mmd2_slope, shadow
from ..exact.transport import cdf_difference
from ..exact.wasserstein_divergence import check
from .objectives import Objective, objective

_WIDE = 12.0            # integrals run from 12 standard deviations left of p to 12 right of q


class Own(NamedTuple):
    """A parameter that an objective has to itself.

    argument: its name in `Entry.gradient` · sign: its symbol in a text · values: positions of a
    slider · usual: the value that the objective's lesson takes.
    """

    argument: str
    sign: str
    values: tuple
    usual: object


class Entry(NamedTuple):
    """One curve of the atlas.

    name: of an objective, after " · " a setting · how: "exact", "linear program" or "none" · says:
    what exactly is shown, or why nothing is · shape(δ, **own): the part that σ does not change,
    δ (k,) -> array · feel(shape, δ, σ, **own): the gradient (k,) · own: the objective's parameter.
    """

    name: str
    how: str
    says: str
    shape: Callable | None = None
    feel: Callable | None = None
    own: Own | None = None

    @property
    def objective(self) -> Objective:
        """The objective that the curve belongs to."""
        return objective(self.name.split(" · ")[0])

    def parameters(self) -> set[str]:
        """Names that `gradient` takes besides the distance and σ."""
        own = [*signature(self.shape).parameters.values()][1:]
        own += [*signature(self.feel).parameters.values()][3:]
        return {one.name for one in own if one.kind is not one.VAR_KEYWORD} | (
            {self.own.argument} if self.own else set())

    def gradient(self, distance, sigma: float = 1.0, **own) -> np.ndarray:
        """d/dθ of the generator's loss when all fakes move by θ and the best critic stays.

        Distances of any shape -> that shape. Positive where the fakes are drawn towards the real
        samples, odd in the distance; inf where it leaves the range of floats. ValueError for σ ≤ 0,
        for a value of `own` that has no best critic, and for an entry without a curve, TypeError
        for a parameter that the objective has not.
        """
        if self.shape is None:
            raise ValueError(f"{self.name} has no curve: {self.says}")
        if not fits(sigma, above=0):
            raise ValueError(f"sigma = {sigma!r}: the width of p and q is above 0")
        if strange := own.keys() - self.parameters():
            raise TypeError(f"{self.name} has no parameter {sorted(strange)[0]!r}: its own are "
                            f"{', '.join(sorted(self.parameters())) or 'none'}")
        distance = as_numbers(distance, "distance")
        delta = np.abs(distance).ravel() / sigma
        with np.errstate(over="ignore"):
            felt = self.feel(self.shape(delta, **own), delta, sigma, **own)
        return np.sign(distance) * np.reshape(felt, distance.shape)


# -- integrals over the line, for many δ at once -------------------------------------------------

def _line(delta):
    """x (k, n), log p and log q there, and the distance (k,) between neighbouring x.

    Sums over equal steps are exact to the last digits for functions of log p/q: their poles lie π/δ
    off the line, and the error is e^(-2π²/(δ step)). So far distances need more nodes.
    """
    far = delta.max(initial=1.0)
    n = int(40 + (far + 2 * _WIDE) * max(4.0, 2 * far))
    delta_ = delta[:, None]                                          # (k, 1)
    x = delta_ / 2 + (delta_ / 2 + _WIDE) * np.linspace(-1, 1, n)    # (k, n)
    half = np.log(2 * np.pi) / 2
    log_p, log_q = -x ** 2 / 2 - half, -(x - delta_) ** 2 / 2 - half
    return x, log_p, log_q, (delta + 2 * _WIDE) / (n - 1)


def _saturating(delta):
    """2 dJS/dδ = δ ∫ pq/(p + q)."""
    _, log_p, log_q, step = _line(delta)
    return delta * step * np.exp(log_p + log_q - np.logaddexp(log_p, log_q)).sum(1)


def _non_saturating(delta):
    """d/dδ (KL(q‖p) - 2 JS) = δ - 2 dJS/dδ."""
    return delta - _saturating(delta)


def _rsgan(delta):
    """The non-saturating game's slope for pairs, whose JS is that of p and q at √2 δ."""
    return delta - _saturating(2 ** .5 * delta) / 2 ** .5


def _straight_rasgan(delta):
    """The slope of the swapped loss at the best straight-line critic."""
    return 4 * delta - 2 * _saturating(2 * delta)


def _least_squares(delta, **own):
    """E_q σ(c) σ(-c), E_q σ(c)² σ(-c) and χ², with c = log p/q, whatever the labels: (3, k)."""
    _, log_p, log_q, step = _line(delta)
    sigma, other, q = expit(log_p - log_q), expit(log_q - log_p), np.exp(log_q)
    chi2 = ((sigma - other) ** 2 * (q + np.exp(log_p))).sum(1)
    return step * np.stack([(q * sigma * other).sum(1), (q * sigma ** 2 * other).sum(1), chi2])


def _of_least_squares(shape, delta, sigma, fake=0.0, real=1.0, target=1.0):
    """E_q (D - target) D', D = fake + (real - fake) σ(c), for the labels of lesson 04."""
    gap = real - fake
    return -delta * gap * ((fake - target) * shape[0] + gap * shape[1]) / sigma


def _of_ralsgan(shape, delta, sigma):
    """2 E_q (f + E_q f - 2 E_p f - 2) f', f = a (2σ - 1), E_p f = -E_q f = a χ²/2."""
    one, two, chi2 = shape
    a = 4 / (2 + 3 * chi2)
    return -delta * 4 * a * (a * (2 * two - one) - (1.5 * a * chi2 + 2) * one) / sigma


# Rows of the table of lesson 03 whose p²φ''(p/q)/q is a sum of weight · p^a q^(1-a): {a: weight}.
# They need no quadrature, as ∫ p^a q^(1-a) = exp(a (a - 1) δ²/2).
_POWERS = {
    "KL": {1: 1},
    "reverse KL": {0: 1},
    "Pearson": {2: 2},
    "Neyman": {-1: 2},
    "squared Hellinger": {.5: .5},
    "Jeffrey": {1: 1, 0: 1},
}
# the generator's loss is -E φ*(T) or -E T; the second takes one factor p/q out of the integral
_GENERATORS = ("conjugate", "trick")


def _row(name):
    """The shape of a row of the table of f-divergences: δ ∫ p²φ''(p/q)/q, or that times q/p."""
    def shape(delta, generator="conjugate", **parameter):
        if generator not in _GENERATORS:
            raise ValueError(f"no generator {generator!r}; there are {', '.join(_GENERATORS)}")
        trick = _GENERATORS.index(generator)                         # 0 or 1
        powers = {parameter.get("alpha", .5): 1} if name == "alpha" else _POWERS.get(name)
        if powers:
            with np.errstate(over="ignore"):
                return sum(weight * delta * np.exp((a - trick) * (a - trick - 1) * delta ** 2 / 2)
                           for a, weight in powers.items())
        if name == "JS-weighted":
            parameter = {"pi": .5, **parameter}
        row = f_divergence(name, **parameter)
        if row.log_weight is None:                                   # total variation
            if trick:
                raise ValueError(f"{name} has no curve through -E T: its best T is a step")
            return np.exp(-delta ** 2 / 8) / np.sqrt(2 * np.pi)
        _, log_p, log_q, step = _line(delta)
        log_weight = row.log_weight(log_p, log_q) + trick * (log_q - log_p)
        return delta * step * np.exp(log_weight).sum(1)
    return shape


def _row_parameter(name) -> Own | None:
    """What the slider moves in a row of the table: its own parameter, or the generator's loss."""
    if name == "alpha":
        values = np.round(np.arange(-1, 2.01, .25), 2) + 0.0         # + 0.0: no -0.0 among them
        return Own("alpha", "α", tuple(values.tolist()), .5)
    if name == "JS-weighted":
        return Own("pi", "π", (.01, .03, .1, .25, .5, .75, .9, .97, .99), .5)
    if name == "total variation":
        return None
    return Own("generator", "generator", _GENERATORS, "conjugate")


def _bounded(delta, K=1.0):
    """K, the slope of WGAN's best critic, wherever p and q differ."""
    return K * (delta > 0)


@lru_cache(maxsize=8)
def _crowding(deltas):
    """(F - G)/ρ at 171 nodes around each δ (k, 171), and the mass of q there (171,).

    ρ is the density of the points between real and fake samples at which slopes are penalised.
    """
    nodes = np.linspace(-8.5, 8.5, 171)
    found = []
    for delta in deltas:
        p, q = Normal(0, 1), Normal(delta, 1)
        x = delta + nodes
        found.append(cdf_difference(p, q)(x) / segment_density(p, q)(x))
    mass = np.exp(-nodes ** 2 / 2)
    return np.array(found), mass / mass.sum()


def _crowded(delta, power=2.0):
    """E_q ((F - G)/ρ)^(1/(power - 1)): (k,) -> (k,)."""
    ratio, mass = _crowding(tuple(delta.tolist()))
    return ratio ** (1 / (power - 1)) @ mass


def _penalised(delta, **own):
    """E_q (F - G)/ρ, whatever the penalty's weight."""
    return _crowded(delta)


def _of_penalty(shape, delta, sigma, weight=10.0):
    """1 + E_q |F - G|/2λρ, of which the second part has the unit of σ."""
    if not 0 < weight < np.inf:
        raise ValueError(f"weight = {weight}: without a penalty λ > 0 on slopes a critic has no "
                         "best slope")
    return 1 + sigma * shape / (2 * weight)


def _div_shape(delta, k=2.0, power=6.0):
    check(k, power)
    return _crowded(delta, power)


def _of_div(shape, delta, sigma, k=2.0, power=6.0):
    """E_q (|F - G|/kpρ)^(1/(p - 1)) for the penalty k |slope|^p of lesson 08."""
    return (sigma / (k * power)) ** (1 / (power - 1)) * shape


def _of_hinge(shape, delta, sigma, K=1.0):
    """The best critic of slope at most K is a ramp from 1 to -1 with its middle where p = q."""
    if not K > 0:
        raise ValueError(f"K = {K}: a bound of slopes is above 0, np.inf for none")
    if K == np.inf:
        return 2 * np.exp(-delta ** 2 / 8) / np.sqrt(2 * np.pi) / sigma
    half = 1 / (K * sigma)                              # half of the ramp's base, in units of σ
    return K * (ndtr(half - delta / 2) - ndtr(-half - delta / 2))


def _generalised(delta, nu=0.0):
    """1, the slope of the best l, wherever p and q, shifted copies, differ."""
    if not nu <= 0:
        raise ValueError(f"nu = {nu}: for ν > 0 the loss of l has no minimum for these laws "
                         "(lesson 10, step 7)")
    return np.ones_like(delta) * (delta > 0)


def _of_features(shape, delta, sigma, a=1.0):
    """d/dθ (a θ)², the squared distance of the means of the features h(x) = a x."""
    return 2 * a ** 2 * sigma * delta


def _gaussian_kl(delta, beta=1.0):
    """d/dδ β KL = β δ for two Normals of one width."""
    return beta * delta


def _clustering(delta, share=.5):
    """d/dδ of -E_p log((1 - s) p + s q) = E_p r (δ - x), r the far component's responsibility."""
    if not 0 < share < 1:
        raise ValueError(f"share = {share}: the far component's q(y) lies between 0 and 1")
    x, log_p, log_q, step = _line(delta)
    r = expit(np.log(share) - np.log1p(-share) + log_q - log_p)      # (k, n)
    return step * (np.exp(log_p) * r * (delta[:, None] - x)).sum(1)


# -- LS-GAN: a linear program, solved ahead ------------------------------------------------------

LP_DELTAS = (.1, .25, .5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 14)
# λ: the gradient at each δ, for first = 1, 101 places, laws cut off at 5 standard deviations
LP_LOSS_SENSITIVE = {
    0.5: (0.0, 0.0, 0.114, 0.848, 1.5, 1.935, 2.215,
          2.316, 2.2, 1.763, 1.29, 0.998, 1.002, 1.0),
    1: (0.0, 0.02, 0.353, 1.073, 1.574, 1.911, 2.115,
        2.213, 2.111, 1.719, 1.273, 0.967, 0.982, 0.985),
    2: (0.0, 0.167, 0.618, 1.142, 1.538, 1.829, 1.999,
        2.075, 2.012, 1.677, 1.265, 0.987, 0.979, 0.983),
    4: (0.038, 0.51, 0.816, 1.052, 1.42, 1.699, 1.879,
        1.971, 1.937, 1.64, 1.239, 1.0, 0.993, 1.01),
    8: (0.324, 0.771, 0.92, 1.009, 1.22, 1.55, 1.745,
        1.854, 1.866, 1.624, 1.229, 1.007, 0.97, 0.979),
    16: (0.638, 0.895, 0.966, 1.0, 1.098, 1.37, 1.614,
         1.752, 1.817, 1.574, 1.238, 0.979, 1.0, 0.987),
}


def _ls_gan(delta, weight=1.0):
    """The gradient of LS-GAN between the distances that were solved for: cubics that keep order."""
    if weight not in LP_LOSS_SENSITIVE:
        raise ValueError(
            f"weight = {weight}: the linear program was solved for λ of "
            f"{', '.join(map(str, LP_LOSS_SENSITIVE))}; lesson 09 solves it for any")
    solved, last = LP_LOSS_SENSITIVE[weight], LP_DELTAS[-1]
    curve = PchipInterpolator((0, *LP_DELTAS), (0, *solved))
    return np.where(delta > last, solved[-1], curve(np.minimum(delta, last)))


def _semi_supervised(delta, eta=1.0):
    """Unlabelled pictures bring η times the gradient of the labelled ones."""
    return _ls_gan(delta) * (1 + eta)


# -- beyond the map ------------------------------------------------------------------------------

def _of_mmd(shape, delta, sigma, bandwidth=2.0):
    """d/dθ MMD² with the Gaussian kernel of width h: θ and σ against h."""
    return normal_mmd2_slope(sigma * delta, bandwidth, sigma)


def _energy(delta, **own):
    """d/dθ 2 ∫ (F - G)², whatever σ."""
    return 2 * cramer_slope_of_normals(delta)


def _sliced(delta, dim=2):
    """d/dθ of the mean W₁ over directions: E |ω₁| in `dim` dimensions, at any distance."""
    return shadow(dim) * (delta > 0)


SINKHORN_DELTAS = (.125, .25, .5, .75, 1, 1.5, 2, 3, 4, 6, 8)
# ε at σ = 1: the slope of S_ε at each δ, cost |x - y|, places 1/32 or 1/16 apart
SOLVED_SINKHORN = {
    .03: (.747, .86, .929, .956, .97, .985, .993, .998, 1.0, 1.0, 1.0),
    .1: (.481, .68, .829, .891, .926, .963, .982, .996, .999, 1.0, 1.0),
    .3: (.212, .385, .608, .734, .813, .906, .953, .991, .999, 1.0, 1.0),
    1: (.098, .194, .37, .519, .638, .805, .902, .98, .997, 1.0, 1.0),
    3: (.077, .153, .3, .436, .556, .744, .865, .972, .996, 1.0, 1.0),
    10: (.072, .144, .283, .413, .53, .721, .85, .968, .996, 1.0, 1.0),
    30: (.071, .141, .278, .407, .524, .714, .845, .967, .995, 1.0, 1.0),
    100: (.071, .141, .277, .405, .521, .712, .843, .966, .995, 1.0, 1.0),
}


def _of_sinkhorn(shape, delta, sigma, epsilon=1.0):
    """The slope of S_ε depends on δ and ε/σ alone: cubics in δ, straight in log ε between."""
    if not epsilon > 0:
        raise ValueError(f"epsilon = {epsilon}: a softness above 0")
    solved = np.log([*SOLVED_SINKHORN])
    curves = np.array([np.where(delta > SINKHORN_DELTAS[-1], 1.0, PchipInterpolator(
        (0, *SINKHORN_DELTAS), (0, *row))(np.minimum(delta, SINKHORN_DELTAS[-1])))
        for row in SOLVED_SINKHORN.values()])                        # (solved, k)
    at = np.clip(np.log(epsilon / sigma), solved[0], solved[-1])
    low = min(np.searchsorted(solved, at, side="right"), len(solved) - 1) - 1
    share = (at - solved[low]) / (solved[low + 1] - solved[low])
    return (1 - share) * curves[low] + share * curves[low + 1]


def _flow(delta, h="h(c) = c"):
    """E_q h'(log r) times δ: what a rescaling h of the best critic makes the fakes feel."""
    shapes = {"h(c) = c": lambda delta: delta, "non-saturating": _non_saturating,
              "saturating": _saturating, "half": _row("squared Hellinger"),
              "exponential": _row("KL")}
    if h not in shapes:
        raise ValueError(f"no rescaling {h!r}; there are {', '.join(shapes)}")
    return shapes[h](delta)


def _of_matching(shape, delta, sigma, noise=1.0):
    """d/dθ KL of N(0, σ² + s²) and N(θ, σ² + s²): noise of deviation s makes both wider."""
    if not noise >= 0:
        raise ValueError(f"noise = {noise}: a deviation of 0 or more")
    return delta * sigma / (sigma ** 2 + noise ** 2)


# -- the table -----------------------------------------------------------------------------------
#
# A row: name, what it says, shape(δ, **own), feel(shape, δ, σ, **own), own parameter. By default
# `feel` divides by σ, as d/dθ = 1/σ d/dδ for losses that know p and q through δ alone.

_over_sigma = lambda shape, delta, sigma, **own: shape / sigma
_as_it_is = lambda shape, delta, sigma, **own: shape                 # σ cancels
_delta = lambda delta, **own: delta                                  # for KL: it is δ²/2


def _powers_of_2(low, high):
    return tuple(2.0 ** k for k in range(low, high + 1))


def _exact(name, says, shape, feel=_over_sigma, own=None) -> Entry:
    return Entry(name, "exact", says, shape, feel, own)


_LP_SAYS = ("l ≥ 0 by a linear program, γ = 1, 101 places, densities cut off at 5 sd; "
            "right to about 3 %")
_LP_WEIGHT = Own("weight", "λ", tuple(LP_LOSS_SENSITIVE), 1.0)


def _solved_ahead(name, says, shape, own) -> Entry:
    return Entry(name, "linear program", says + _LP_SAYS, shape, _as_it_is, own)


_BOUGHT = ("no critic is best: an average can be bought by a few far points, and the infimum is 0 "
           "(lesson 11)")
_BLUNTED = ("the best critic solves a differential equation; lesson 21 solves it on a grid; "
            "γ = 0: the non-saturating curve")
_ROW_SAYS = "slope of the divergence, through -E φ*(T); \"trick\": through -E T"
_PENALTY_SAYS = "slope 1 + |F - G|/2λρ, ρ the density of points between real and fake"
_PENALTY_WEIGHT = Own("weight", "λ", (.1, .3, 1.0, 3.0, 10.0, 30.0, 100.0), 10.0)
# slopes of a critic from 1/16 to 16, in steps of √2, and no bound at all
_HINGE_BOUNDS = (*np.round(2 ** np.arange(-4, 4.1, .5), 4).tolist(), np.inf)

_ENTRIES = (
    # divergence
    _exact("minimax GAN", "the slope of 2 JS", _saturating),
    _exact("non-saturating GAN", "the slope of KL(q‖p) - 2 JS", _non_saturating),
    *(_exact(f"f-GAN · {name}", _ROW_SAYS, _row(name), own=_row_parameter(name))
      for name in F_DIVERGENCES),
    _exact("least squares GAN", "a = 0, b = 1; frozen critic, not the slope of Le Cam",
           _least_squares, _of_least_squares,
           Own("target", "c", tuple(np.round(np.arange(0, 2.01, .1), 1).tolist()), 1.0)),

    # transport
    _exact("WGAN", "slopes at most K; K = c for a straight critic clipped at c, another unit for "
           "any other",
           _bounded, _as_it_is, Own("K", "K", _powers_of_2(-7, 3), 1.0)),
    _exact("WGAN-GP", _PENALTY_SAYS, _penalised, _of_penalty, _PENALTY_WEIGHT),
    _exact("WGAN-LP", _PENALTY_SAYS, _penalised, _of_penalty, _PENALTY_WEIGHT),
    _exact("hinge", "the best critic of slope at most K: a ramp from 1 to -1; K = ∞: a step",
           _delta, _of_hinge, Own("K", "K", _HINGE_BOUNDS, 1.0)),
    _exact("WGAN-div", "k = 2; slope (|F - G|/kpρ)^(1/(p - 1))",
           _div_shape, _of_div,
           Own("power", "p", (1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0), 6.0)),

    # margin
    _solved_ahead("LS-GAN", "", _ls_gan, _LP_WEIGHT),
    _exact("GLS-GAN", "γ = 0: for ν ≤ 0 the best l has slope 1 on shifted densities; for ν > 0 "
           "there is none",
           _generalised, _as_it_is, Own("nu", "ν", (-4.0, -3.0, -2.0, -1.0, -.5, 0.0), 0.0)),

    # comparison
    _exact("RSGAN", "the slope of KL(q‖p) - JS of pairs, which is JS at √2 θ", _rsgan),
    Entry("RaSGAN", "none", _BOUGHT),
    _exact("RaSGAN · straight line", "the best straight-line critic", _straight_rasgan),
    _exact("RaLSGAN", "best critic a (p - q)/(p + q), a = 4/(2 + 3 Le Cam)",
           _least_squares, _of_ralsgan),
    Entry("RaHinge", "none", _BOUGHT),
    Entry("RpGAN + R1 + R2", "none",
          "the best critic solves a differential equation, of which the lessons solve no case; "
          "without its penalties: RSGAN's curve"),

    # labels: one class
    _exact("CGAN", "within a class: the game it was made of, here the non-saturating one",
           _non_saturating),
    _exact("ACGAN", "one class, where the class loss is silent: the non-saturating game; for more "
           "see lesson 12",
           _non_saturating),
    _solved_ahead("CLS-GAN", "within a class: LS-GAN; ", _ls_gan, _LP_WEIGHT),
    _exact("Improved GAN", "features h(x) = a x",
           _delta, _of_features, Own("a", "a", _powers_of_2(-4, 2), 1.0)),
    _solved_ahead("semi-supervised CLS-GAN", "one class, λ = 1: 1 + η times LS-GAN; ",
                  _semi_supervised, Own("eta", "η", (0.0, .25, .5, 1.0, 2.0, 4.0), 1.0)),

    # encoders
    _exact("AAE", "codes N(θ, σ²), prior N(0, σ²), encoder as generator: the non-saturating game",
           _non_saturating),
    _exact("VAE", "β KL of one code N(θ, σ²) and its prior N(0, σ²)",
           _gaussian_kl, own=Own("beta", "β", _powers_of_2(-4, 4), 1.0)),
    Entry("Deep InfoMax", "none",
          "no generator: an encoder maximises a bound of information"),
    _exact("flow", "-E_p log q, one straight bijection: KL(p‖q)", _delta),
    _exact("f-VAE", "straight wires: the flow's", _delta),
    _exact("VAE clustering", "two components, at 0 and θ; what the far one feels: "
           "KL(p‖(1 - s) p + s q)",
           _clustering, own=Own("share", "s", (.001, .01, .1, .25, .5, .75, .9), .5)),

    # beyond the map
    Entry("GAN + R1", "none", _BLUNTED),
    Entry("GAN + R2", "none", _BLUNTED),
    _exact("MMD", "MMD² with the kernel exp(-(x - y)²/2h²), no critic trained",
           _delta, _of_mmd, Own("bandwidth", "h", _powers_of_2(-2, 5), 2.0)),
    _exact("energy distance", "2 ∫ (F - G)², which is MMD² with the kernel -|x - y|",
           _energy, _as_it_is),
    _exact("sliced W₁", "shifted in d dimensions, the mean over directions: E |ω₁|",
           _sliced, _as_it_is, Own("dim", "d", (1, 2, 3, 10, 100, 784), 2)),
    Entry("Sinkhorn", "Sinkhorn's rounds",
          "the slope of S_ε, cost |x - y|, on places 1/16 apart; right to about 3 %",
          _delta, _of_sinkhorn, Own("epsilon", "ε", (.1, .3, 1.0, 3.0, 10.0, 30.0), 1.0)),
    Entry("MMD GAN", "none",
          "the best features are not known in closed form; with f(x) = x: MMD's curve"),
    _exact("gradient flow", "E_q h'(log r) ∇ log r; with h(c) = c the flow of KL(q‖p)",
           _flow, own=Own("h", "h", ("h(c) = c", "non-saturating", "saturating", "half",
                                     "exponential"), "h(c) = c")),
    _exact("distribution matching", "exact denoisers at noise s: KL(q‖p) of both plus noise",
           _delta, _of_matching, Own("noise", "s", _powers_of_2(-3, 3), 1.0)),
)
ATLAS = {entry.name: entry for entry in _ENTRIES}


def atlas_curve(entry, distances, sigma: float = 1.0, **own) -> np.ndarray:
    """The gradients (k,) at distances (k,) of an entry of ATLAS by name, or of a Game of your own.

    A Game of a critic and a generator whose losses are means over single scores needs nothing but
    itself (see `score_losses` in map.best_critic); its curve is G(θ/σ)/σ. KeyError, listing the
    names, for an unknown entry; ValueError where there is no curve.
    """
    if isinstance(entry, str):
        if entry not in ATLAS:
            raise KeyError(f"no entry {entry!r} in the atlas; there are {', '.join(ATLAS)}")
        return ATLAS[entry].gradient(distances, sigma, **own)
    return own_entry("yours", entry).gradient(distances, sigma, **own)


def named_games(own) -> dict:
    """Games of your own by their names, {} for None. TypeError for what has no names."""
    if not isinstance(own, Mapping | None):
        raise TypeError(f'own = {told(own)}: games by their names, as {{"mine": game}}')
    return dict(own or {})


def own_entry(name: str, game) -> Entry:
    """The Entry of a Game of your own: its gradient at its best critic. ValueError without one."""
    from .best_critic import pushes, score_losses  # here, as it loads torch

    if not isinstance(name, str):
        raise TypeError(f"name = {told(name)}: what the game is called, as \"mine\"")
    known = score_losses(game)

    def shape(delta):
        felt = np.zeros_like(delta)
        apart = delta > 0
        felt[apart] = pushes(known, [(Normal(0, 1), Normal(d, 1)) for d in delta[apart]])
        return felt
    return Entry(name, "exact", "read off the game's own losses", shape, _over_sigma)
