"""Toy distributions on the line and in the plane: densities, scores and samples.

On the line (`dim == 1`) `logpdf`, `pdf`, `cdf`, `sf` and `score` act on each number of an array of
any shape; in more dimensions the last axis holds the coordinates: (..., dim) -> (...).
`sample(n, rng)` always returns float64 (n, dim). Introduced in notebooks/01_minimax.ipynb; Moons in
14_semi_supervised.ipynb, SwissRoll in 15_adversarial_autoencoder.ipynb. NumPy and SciPy, no torch.
"""
from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from .checks import MANY, as_numbers, as_shares, check_count, check_room, fits

MOST_MODES = 10_000          # components of one law: every density asks them all

# Where a standard Normal bends: panels between these points make Gauss-Legendre exact to 1e-14.
BENDS = np.array([0, .5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 10, 12, 15, 20, 27, 38])


def log_ratio(p, q):
    """x -> log p(x) - log q(x), 0 where neither law reaches x; any shape -> same shape.

    The logit of the best discriminator between p and q (lesson 01). NaN where a density is NaN.
    ValueError for what is no law, and for laws of two dimensions.
    """
    for name, law in dict(p=p, q=q).items():
        if not hasattr(law, "logpdf") or isinstance(law, type):
            raise ValueError(f"{name} = {law!r} is no law with logpdf, such as Normal(0, 1)")
    if len({getattr(law, "dim", 0) for law in (p, q)} - {0}) > 1:
        raise ValueError(f"p = {p!r} and q = {q!r}: samples of {p.dim} and of {q.dim} numbers have "
                         "no ratio; take two laws of one dim")

    def ratio(x):
        lp, lq = (as_numbers(law.logpdf(x), "a log density", finite=False) for law in (p, q))
        with np.errstate(invalid="ignore"):                    # -∞ - -∞ is nan
            return np.where((lp == -np.inf) & (lq == -np.inf), 0.0, lp - lq)
    return ratio


def _number(what: str, value, remedy: str = "a finite number", **bounds) -> float:
    """value as a float; ValueError, by its name, unless `fits(value, **bounds)`."""
    if not fits(value, **bounds):
        raise ValueError(f"{what} must be {remedy}, not {value!r}")
    return float(value)


def _refuse_coarse(name: str, place: float, size: float):
    """ValueError where floats at `place` are too coarse to tell points of a law of this size."""
    if not place <= 1e10 * size:
        raise ValueError(f"{name} {place:g} is more than 1e10 times the size {size:g} of the law: "
                         "no float tells its points apart there; move the origin")


class Law:
    """What the laws below share. A law of your own needs `dim`, `logpdf` and `sample`."""

    dim = 1
    jumps = False                  # True where the density has edges, so that its score misses mass

    def pdf(self, x):
        """Density, the exponential of `logpdf`; units 1 / length**dim."""
        return np.exp(self.logpdf(x))

    def _coordinates(self, x):
        """x as an array whose last axis holds `dim` coordinates; any numbers on the line."""
        if not isinstance(x, np.ndarray) or x.dtype.kind not in "fiub":
            x = as_numbers(x, "x", finite=False)
        if self.dim > 1 and x.shape[-1:] != (self.dim,):
            raise ValueError(f"points of {self!r} are (..., {self.dim}), not of shape {x.shape}")
        return x

    def _refuse_off_line(self, what: str):
        if self.dim != 1:
            raise ValueError(f"{what} is that of laws on the line, and {self!r} has "
                             f"dim={self.dim}")

    def _check_draw(self, n, rng):
        check_count("n", n, least=0, why="it is how many points to draw")
        check_room("points", int(n), self.dim)
        if not (hasattr(rng, "standard_normal") and hasattr(rng, "integers")):
            raise ValueError(f"rng = {rng!r}: a generator, np.random.default_rng(0)")


class Normal(Law):
    """N(mean, sd² I). `Normal(dim=100)` is the usual noise, `Normal(2, .5)` a density on the line.

    mean: a number or (dim,); sd: a positive number; both in the units of x. ValueError for others.
    """

    def __init__(self, mean=0.0, sd=1.0, dim=None):
        self.mean = as_numbers(mean, "mean")
        check_count("dim", self.mean.size if dim is None else dim, most=MANY)
        self.dim = int(dim if dim is not None else self.mean.size)
        self.sd = _number("sd", sd, "positive", above=0)
        if not 1e-100 <= self.sd <= 1e100:
            raise ValueError(f"sd = {sd!r}: its square leaves the range of floats; rescale x")
        _refuse_coarse("mean", abs(self.mean).max(initial=0), self.sd)
        if self.mean.ndim > 1 or self.mean.size not in (1, self.dim):
            raise ValueError(f"mean of shape {self.mean.shape} does not fit dim={self.dim}")
        if self.dim == 1:
            self.mean = self.mean.reshape(())

    def logpdf(self, x):
        """-|x - mean|² / 2 sd² - dim/2 log(2 pi sd²): (..., dim) -> (...)."""
        with np.errstate(over="ignore"):                       # ∞ is the square, 0 the density
            square = ((self._coordinates(x) - self.mean) / self.sd) ** 2
        if self.dim > 1:
            square = square.sum(-1)
        return -square / 2 - self.dim * np.log(self.sd * np.sqrt(2 * np.pi))

    def score(self, x):
        """d/dx log density: (mean - x) / sd², same shape as x."""
        return (self.mean - self._coordinates(x)) / self.sd ** 2

    def cdf(self, x):
        """Share of the law below x, on the line: Φ((x - mean) / sd), same shape as x."""
        self._refuse_off_line("cdf")
        return ndtr((self._coordinates(x) - self.mean) / self.sd)

    def sf(self, x):
        """Share of the law above x, on the line; right to the last digits of 1e-300 too."""
        self._refuse_off_line("sf")
        return ndtr((self.mean - self._coordinates(x)) / self.sd)

    def sample(self, n, rng):
        """n points from a numpy Generator: (n, dim)."""
        self._check_draw(n, rng)
        return self.mean + self.sd * rng.standard_normal((n, self.dim))

    def edges(self):
        """Points on the line between which the density is smooth: (k,), increasing."""
        self._refuse_off_line("edges")
        return self.mean + self.sd * np.concatenate([-BENDS[:0:-1], BENDS])

    def __repr__(self):
        if self.dim == 1:
            return f"Normal({float(self.mean):g}, {self.sd:g})"
        return f"Normal({self.mean.tolist()}, {self.sd:g}, dim={self.dim})"


class Uniform(Law):
    """Uniform on the cube [low, high]^dim; two of them can have supports that do not meet.

    ValueError unless low < high.
    """

    jumps = True

    def __init__(self, low=-1.0, high=1.0, dim=1):
        if not (fits(low) and fits(high, above=float(low)) and fits(float(high) - float(low))):
            raise ValueError(f"Uniform needs low < high, not {low} and {high}")
        check_count("dim", dim, most=MANY)
        self.low, self.high, self.dim = float(low), float(high), int(dim)
        _refuse_coarse("a border at", max(-self.low, self.high), self.high - self.low)

    def logpdf(self, x):
        """-dim log(high - low) on the cube, its border included, and -∞ outside."""
        x = np.asarray(self._coordinates(x), dtype=float)
        outside = (x < self.low) | (x > self.high)
        unknown = np.isnan(x)
        if self.dim > 1:
            outside, unknown = outside.any(-1), unknown.any(-1)
        inside = np.where(unknown, np.nan, -self.dim * np.log(self.high - self.low))
        return np.where(outside & ~unknown, -np.inf, inside)

    def score(self, x):
        """0 everywhere: the jumps at the border are in no score, see `jumps`. NaN at NaN."""
        x = np.asarray(self._coordinates(x), dtype=float)
        return np.where(np.isnan(x), np.nan, 0.0)

    def cdf(self, x):
        """Share of the law below x, on the line."""
        self._refuse_off_line("cdf")
        x = np.asarray(self._coordinates(x), dtype=float)
        return np.clip((x - self.low) / (self.high - self.low), 0, 1)

    def sf(self, x):
        """Share of the law above x, on the line."""
        self._refuse_off_line("sf")
        x = np.asarray(self._coordinates(x), dtype=float)
        return np.clip((self.high - x) / (self.high - self.low), 0, 1)

    def sample(self, n, rng):
        """n points from a numpy Generator: (n, dim)."""
        self._check_draw(n, rng)
        return rng.uniform(self.low, self.high, (n, self.dim))

    def edges(self):
        """Borders of 16 equal panels: fine enough for what is compared with the law there."""
        self._refuse_off_line("edges")
        return np.linspace(self.low, self.high, 17)

    def __repr__(self):
        return f"Uniform({self.low:g}, {self.high:g}, dim={self.dim})"


class Mixture(Law):
    """Σ_i weights[i] · laws[i], the laws being its components; equal weights when none are given.

    weights: (k,), scaled to sum 1. ValueError for no laws, laws of unlike dim, and weights below 0.
    """

    def __init__(self, laws, weights=None):
        if not isinstance(laws, (list, tuple)):
            raise ValueError(f"the laws of a mixture come in a list, not as {laws!r}")
        self.laws = list(laws)
        if not self.laws:
            raise ValueError("a mixture needs at least one law")
        for law in self.laws:
            if isinstance(law, type) or not all(hasattr(law, part)
                                                for part in ("dim", "logpdf", "sample")):
                raise ValueError(f"{law!r} is no law with dim, logpdf and sample to be mixed")
        self.weights = as_shares(weights, len(self.laws), of="laws")
        self.dim = self.laws[0].dim
        if any(law.dim != self.dim for law in self.laws):
            raise ValueError("all laws of a mixture need the same dim")
        self.jumps = any(getattr(law, "jumps", False) for law in self.laws)

    def _joint(self, x):
        """log weights[i] + log density of law i: (...) -> (k, ...), -∞ for a weight of 0."""
        with np.errstate(divide="ignore"):
            return np.stack([np.log(w) + law.logpdf(x) for w, law in zip(self.weights, self.laws)])

    def logpdf(self, x):
        """log Σ_i weights[i] p_i(x), summed in log space so that far points do not underflow."""
        return np.logaddexp.reduce(self._joint(x), axis=0)

    def score(self, x):
        """Σ_i P(i | x) score_i(x), on the line."""
        self._refuse_off_line("score")
        joint = self._joint(x)                                 # (k, ...)
        share = np.exp(joint - np.logaddexp.reduce(joint, axis=0))
        return sum(s * law.score(x) for s, law in zip(share, self.laws))

    def cdf(self, x):
        """Σ_i weights[i] · cdf_i(x), on the line."""
        return sum(w * law.cdf(x) for w, law in zip(self.weights, self.laws))

    def sf(self, x):
        """Σ_i weights[i] · sf_i(x), on the line."""
        return sum(w * law.sf(x) for w, law in zip(self.weights, self.laws))

    def sample(self, n, rng):
        """n points from a numpy Generator: (n, dim)."""
        return self.sample_with_modes(n, rng)[0]

    def sample_with_modes(self, n, rng):
        """Points (n, dim) and the number of the component each came from (n,)."""
        self._check_draw(n, rng)
        mode = rng.choice(len(self.laws), size=n, p=self.weights)
        points = np.empty((n, self.dim))
        for i, law in enumerate(self.laws):
            points[mode == i] = law.sample(int((mode == i).sum()), rng)
        return points, mode

    def edges(self):
        """The edges of all components: (k,), increasing."""
        return np.unique(np.concatenate([law.edges() for law in self.laws]))

    def __repr__(self):
        return f"{type(self).__name__}({len(self.laws)} modes, dim={self.dim})"


class _EqualComponents(Mixture):
    """Equally likely Normals of one sd: what the mode-coverage metrics know how to count.

    centres: (k, dim). `logpdf` and `sample` give what Mixture gives, at once instead of in a loop.
    The laws made of it raise ValueError for sizes and sds that are not above 0.
    """

    def __init__(self, centres, sd):
        self.centres, self.sd = np.asarray(centres, dtype=float), _number("sd", sd, above=0)
        super().__init__([Normal(centre, sd) for centre in self.centres])

    def logpdf(self, x):
        """log mean_i N(x; centres[i], sd² I): (..., 2) -> (...), in the plane."""
        x = np.asarray(self._coordinates(x), dtype=float)[..., None, :]          # (..., 1, 2)
        square = (((x - self.centres) / self.sd) ** 2).sum(-1)                    # (..., k)
        total = np.logaddexp.reduce(-square / 2, axis=-1) - np.log(len(self.centres))
        return total - np.log(2 * np.pi * self.sd ** 2)

    def sample_with_modes(self, n, rng):
        """Points (n, dim) and the number of the component each came from (n,)."""
        self._check_draw(n, rng)
        mode = rng.integers(len(self.centres), size=n)
        return self.centres[mode] + self.sd * rng.standard_normal((n, self.dim)), mode


class Ring(_EqualComponents):
    """`modes` Normals on a circle: the classic test of mode collapse (模式崩溃)."""

    def __init__(self, modes=8, radius=2.0, sd=0.05):
        check_count("modes", modes, most=MOST_MODES)
        _number("radius", radius, "positive", above=0)
        turn = 2 * np.pi * np.arange(modes) / modes
        super().__init__(radius * np.stack([np.cos(turn), np.sin(turn)], axis=1), sd)


class Grid(_EqualComponents):
    """side × side Normals, `spacing` apart, centred at the origin."""

    def __init__(self, side=5, spacing=1.0, sd=0.05):
        check_count("side", side, most=100)
        _number("spacing", spacing, "positive", above=0)
        line = spacing * (np.arange(side) - (side - 1) / 2)
        centres = np.stack(np.meshgrid(line, line), axis=-1)   # (side, side, 2)
        super().__init__(centres.reshape(-1, 2), sd)           # (side², 2)


class SwissRoll(_EqualComponents):
    """A spiral of many overlapping Normals: a thin curve, with an exact density.

    spots: how many; radius: of the outer end.
    """

    def __init__(self, turns=1.5, radius=2.0, sd=0.08, spots=200):
        check_count("spots", spots, most=MOST_MODES)
        _number("turns", turns, "positive", above=0)
        _number("radius", radius, "positive", above=0)
        # the arc length of a spiral grows like angle²: equal steps of angle² are about equally long
        angle = 2 * np.pi * turns * np.sqrt(np.linspace(0.04, 1, spots))
        reach = radius * angle / angle[-1]
        super().__init__(reach[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1), sd)


class Moons(Mixture):
    """Two interlocking half circles: thin, curved classes with an exact density.

    Component 0 is the upper one and 1 the lower; spots: how many Normals make up each.
    """

    def __init__(self, radius=1.4, sd=0.15, spots=60):
        check_count("spots", spots, most=MOST_MODES)
        _number("radius", radius, "positive", above=0)
        angle = np.pi * (np.arange(spots) + 0.5) / spots
        upper = np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25], axis=1)
        # the lower one is the upper one, turned by half a turn about the origin
        super().__init__([_EqualComponents(radius * upper, sd),
                          _EqualComponents(-radius * upper, sd)])
