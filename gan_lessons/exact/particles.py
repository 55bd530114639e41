"""Samples that flow downhill: the gradient flow of a divergence, particle by particle.

A sample x of q moves with the velocity -∇ δD/δq, for D_φ(p ‖ q) = ∫ q φ(r), r = p/q, that is

    v = w(r) ∇ log r,   w(r) = r² φ''(r).

Jordan, Kinderlehrer, Otto 1998; Yi, Zhu, Liu 2023, arXiv 2302.01075. Derived in
notebooks/23_particles.ipynb. NumPy and SciPy only.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import ndtr

from .checks import as_numbers, check_count, fits
from .f_table import f_divergence
from .laws import Law, Normal, log_ratio
from .quadrature import on_the_line

_FAR = 3.5                       # standard deviations of a Normal between which the particles lie


def flow_weight(divergence, c):
    """w(r) = r² φ''(r) where log p/q = c, how fast a sample follows ∇ log r: (...) -> (...).

    divergence: a name of the table of lesson 03, or a row of it. ValueError for one without a
    second derivative. Xu, Nie, Vahdat 2025, arXiv 2502.15681; lesson 23.
    """
    row = _smooth(divergence)
    c = as_numbers(c, "c", finite=False)
    with np.errstate(over="ignore"):
        return np.exp(row.log_weight(c, np.zeros_like(c)))


def velocity(divergence, p, q):
    """x -> v(x) = w(p/q) (log p/q)': what moves a sample of q, on the line. Lesson 23."""
    row, c = _smooth(divergence), log_ratio(p, q)
    return lambda x: flow_weight(row, c(x)) * (p.score(x) - q.score(x))


def normal_flow(q: Normal, t: float) -> Normal:
    """Where the flow of KL(q ‖ N(0, 1)) has a Normal q after the time t: a Normal again.

    Mean m e^-t and variance 1 + (s² - 1) e^-2t. ValueError for t < 0. Lesson 23.
    """
    if not fits(t, least=0):
        raise ValueError(f"t = {t!r}: a time is 0 or more")
    if not isinstance(q, Normal) or q.dim != 1:
        raise ValueError(f"{q!r} is no Normal on the line: LineFlow moves any other law")
    return Normal(q.mean * np.exp(-t), np.sqrt(1 + (q.sd**2 - 1) * np.exp(-2 * t)))


@dataclass(frozen=True, eq=False)
class LineFlow:
    """n sorted particles on the line that flow towards p: `LineFlow("JS", p, q)`.

    x (n,): where they start, quantiles of q · masses (n - 1,): of q between neighbours, the less
    the farther out, so that beyond the outermost two lies less than a thousandth.

    In the gap i the density is q = m_i / Δ_i, so r_i = p(middle) Δ_i / m_i, and the energy is
    D = Σ m_i φ(r_i), and a = φ'(∞) for each unit of p that no gap covers, as q is 0 there. (Where
    φ'(∞) is infinite the price a is φ'(1): take a q that covers p.) On the line the flow of D in
    the space of distributions is gradient descent of D on the positions, each divided by its mass.
    ValueError for fewer than 4 particles, and for positions that are not one number each, rising:
    particles on the line never pass each other. Lesson 23.
    """

    divergence: object
    p: Law
    q: Law
    n: int = 60

    def __post_init__(self):
        check_count("n", self.n, least=4, most=10_000, why="the particles of a flow")
        on_the_line(p=self.p, q=self.q)
        object.__setattr__(self, "divergence", _smooth(self.divergence))
        share = ndtr(np.linspace(-_FAR, _FAR, self.n))
        object.__setattr__(self, "masses", np.diff(share))
        object.__setattr__(self, "x", quantiles(self.q, share))
        row = self.divergence
        object.__setattr__(self, "_price", row.t_max if np.isfinite(row.t_max) else row.threshold)

    def energy(self, x) -> float:
        """Σ m_i (φ(r_i) - φ(1) + a (1 - r_i)), 0 at p = q: (n,) -> number. See `a` above."""
        r, row = np.exp(self._gaps(self._places(x))[0]), self.divergence
        return float(self.masses @ (row.phi(r) - row.phi(1.0) + self._price * (1 - r)))

    def velocity(self, x):
        """-d energy / dx_i over the mass of particle i, half of its two gaps': (n,) -> (n,)."""
        return self._velocity(self._places(x))

    def _velocity(self, x):
        log_r, p_gap, lean = self._gaps(x)
        row = self.divergence
        T = row.activation(row.best(log_r)) - self._price                    # φ'(r) - a, (n - 1,)
        right, left = np.pad(T * (p_gap - lean), (0, 1)), np.pad(T * (p_gap + lean), (1, 0))
        mass = (np.pad(self.masses, (0, 1)) + np.pad(self.masses, (1, 0))) / 2
        return (right - left) / mass

    def __call__(self, times):
        """Positions at `times`, (k,) -> (k, n): steps that SciPy's LSODA chooses.

        ValueError for times that do not rise from 0 or more, and where particles run away.
        """
        times = as_numbers(times, "times")
        if times.ndim != 1 or not len(times) or times[0] < 0 or (np.diff(times) <= 0).any():
            raise ValueError("times rise from 0 or more, as np.linspace(0, 5, 51)")
        solved = solve_ivp(lambda t, x: self._velocity(x), (0, max(times[-1], 1e-12)), self.x,
                           "LSODA", times, rtol=1e-6, atol=1e-8, lband=1, uband=1)
        found = solved.y.T
        if len(found) < len(times) or not (np.diff(found, axis=1) > 0).all():
            raise ValueError(f"particles of {self.divergence.name} run away or meet: take fewer, "
                             "or a shorter time")
        return found

    def density(self, x):
        """Middles of the gaps and the density m_i / Δ_i there: (n,) -> (n - 1,), (n - 1,)."""
        x = self._places(x)
        return (x[1:] + x[:-1]) / 2, self.masses / np.diff(x)

    def _places(self, x):
        x = as_numbers(x, "positions")
        if x.shape != (self.n,) or not (np.diff(x) > 0).all():
            what = "that do not rise" if x.shape == (self.n,) else f"of shape {x.shape}"
            raise ValueError(f"positions {what}: this flow has {self.n} particles, from left to "
                             "right")
        return x

    def _gaps(self, x):
        """log r_i, p(middle_i), and Δ_i p'(middle_i) / 2: (n - 1,) each."""
        gap, middle = np.diff(x), (x[1:] + x[:-1]) / 2
        log_p = self.p.logpdf(middle)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (np.log(gap / self.masses) + log_p, np.exp(log_p),
                    gap * np.exp(log_p) * self.p.score(middle) / 2)


def quantiles(q, share) -> np.ndarray:
    """Where the distribution function of q reaches each share: (n,) -> (n,), by bisection.

    ValueError for shares that are not between 0 and 1, and for a law that is not on the line.
    Lesson 23.
    """
    share = as_numbers(share, "share")
    if not ((share > 0) & (share < 1)).all():
        raise ValueError("shares lie between 0 and 1, without the two")
    on_the_line(q=q)
    low, high = (np.full(share.shape, edge) for edge in (min(q.edges()), max(q.edges())))
    for _ in range(80):
        middle = (low + high) / 2
        below = q.cdf(middle) < share
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def _smooth(divergence):
    row = f_divergence(divergence)
    if row.log_weight is None:
        raise ValueError(f"{row.name} has no second derivative, so its flow has no velocity: take "
                         "KL, reverse KL, JS, Pearson, squared Hellinger …")
    return row
