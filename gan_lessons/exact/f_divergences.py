"""What an f-divergence D_φ(p ‖ q) = ∫ q φ(p/q) can do: exact value, slope and dual on the line. No torch.

φ is the literature's f, renamed because f is the critic in this course. The rows are in f_table.py.
Nowozin, Cseke, Tomioka 2016, arXiv 1606.00709. Derived in notebooks/03_f_gan.ipynb.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .divergences import refuse_jumps
from .laws import log_ratio
from .quadrature import nodes, panels

_FAR = 1e6                     # where a tail is tested, in half-widths of the panels around both laws
_NOTHING = 1e-300              # what an integrand has to fall below out there


@dataclass(frozen=True, eq=False)
class FDivergence:
    """One row of the table; call it with two laws on the line for D_φ(p ‖ q).

    phi(u), conjugate(t)   φ on u ≥ 0 and φ*(t) = sup over u ≥ 0 of ut - φ(u), ∞ above t_max = φ'(∞)
    activation(v)          T for any real score v of a critic, always admissible
    composed(v)            φ*(activation(v)) in one stable step: use this in code
    best(c)                the score of the optimal critic where log p/q = c: activation(best(c)) = φ'(e^c)
    integrand(lp, lq)      q φ(p/q) minus its tangent at p = q, from log-densities: never negative
    log_weight(lp, lq)     log of p² φ''(p/q) / q, which weighs the slope; None: φ has no second derivative
    All of them (...) -> (...). `trick_slope` raises ValueError where there is no second derivative.
    """

    name: str
    phi: Callable
    conjugate: Callable
    t_max: float
    activation: Callable
    composed: Callable
    best: Callable
    integrand: Callable
    log_weight: Callable | None = None

    @property
    def threshold(self) -> float:
        """φ'(1): the critic takes x for real where T(x) is larger, that is, where p > q."""
        return float(self.phi_prime(1.0)) + 0.0                       # never -0

    def phi_prime(self, u):
        """φ'(u), the optimal T where p/q = u. NumPy only."""
        with np.errstate(divide="ignore", over="ignore"):
            return self.activation(self.best(np.log(u)))

    def __call__(self, p, q) -> float:
        """D_φ(p ‖ q) between laws on the line with bounded support or tails like a Normal's; ∞ where it is."""
        at_1 = float(self.phi(1.0))
        only_p, only_q = self.t_max - self.threshold, float(self.phi(0.0)) + self.threshold - at_1

        def share(x, lp, lq):
            inside = self.integrand(lp, lq)
            inside = np.where(lq == -np.inf, _times(only_p, np.exp(lp)), inside)
            return np.where(lp == -np.inf, _times(only_q, np.exp(lq)), inside)
        return at_1 + max(_integral(p, q, share), 0.0)

    def slope(self, p, q) -> float:
        """d D_φ / d theta when q alone is shifted by theta, at 0; nan where the divergence is infinite.

        It is what the generator feels through -E φ*(T) while the optimal critic is frozen,
        -∫ p²φ''(p/q)/q · (log p/q)' dx. ValueError where a density jumps.
        """
        refuse_jumps(p=p, q=q)
        if not np.isfinite(self(p, q)):
            return np.nan
        if self.log_weight is None:                                    # E_q φ*(T*) score_q: no second derivative
            return _integral(p, q, lambda x, lp, lq: np.exp(lq) * self.composed(self.best(lp - lq)) * q.score(x))
        return _integral(p, q, lambda x, lp, lq: np.exp(self.log_weight(lp, lq)) * (q.score(x) - p.score(x)))

    def trick_slope(self, p, q) -> float:
        """The same through -E T, the trick: every point's share is divided by p/q. May be ±∞.

        It is the slope of another divergence, whose second derivative is φ''(u)/u.
        """
        refuse_jumps(p=p, q=q)
        if self.log_weight is None:
            raise ValueError(f"{self.name} has no second derivative on record: trick_slope needs it "
                             "(the best T of total variation is a step)")
        force = lambda x, lp, lq: np.exp(self.log_weight(lp, lq) + lq - lp) * (q.score(x) - p.score(x))
        return _integral(p, q, force)

    def best_T(self, p, q):
        """x -> T*(x) = φ'(p(x)/q(x)), the critic at which the dual is tight."""
        c = log_ratio(p, q)
        return lambda x: self.activation(self.best(c(x)))

    def dual(self, p, q, T=None, *, v=None) -> float:
        """E_p T - E_q φ*(T) ≤ D_φ(p ‖ q), for T(x), or for a score v(x) with T = activation(v).

        T, v: (k,) -> (k,). With neither, the optimal critic's. -∞ where q reaches a T that is not admissible.
        """
        if T is None:
            c = log_ratio(p, q)
            v = v or (lambda x: self.best(c(x)))
            T, cost = lambda x: self.activation(v(x)), lambda x: self.composed(v(x))
        else:
            step = 4 * np.spacing(abs(self.t_max))
            near = lambda t: np.where(abs(t - self.t_max) <= step, self.t_max - step, t)   # rounded up to t_max
            cost = lambda x: self.conjugate(near(T(x)))
        return _integral(p, q, lambda x, lp, lq: _mass(lp, T(x)) - _mass(lq, cost(x)))

    def __repr__(self):
        return f"FDivergence({self.name!r})"


def _times(limit, mass):
    return np.where(mass > 0, limit, 0) * mass


def _mass(log_density, value):
    """density · value, where one of them may leave the range of floats; 0 where there is no law to speak of."""
    root = np.exp(log_density / 2)
    product = root * (root * value)
    return np.where((log_density < -300) & ~np.isfinite(product), 0, product)


def _integral(p, q, value) -> float:
    """∫ value(x, log p, log q) dx, as far out as it takes; ∞ if it does not end."""
    edges = panels(p, q)
    centre, reach = (edges[0] + edges[-1]) / 2, (edges[-1] - edges[0]) / 2
    far = _at(centre + reach * _FAR * np.array([-1, 1]), p, q, value)
    if not (abs(far) < _NOTHING).all():
        return float(far[np.argmax(abs(far))] * np.inf)
    if _at(edges[[0, -1]], p, q, value).any():
        ring = reach * np.geomspace(1, _FAR, 60)[1:]
        edges = np.concatenate([centre - ring[::-1], edges, centre + ring])
    x, weight = nodes(edges)
    with np.errstate(invalid="ignore"):
        return float(weight @ _at(x, p, q, value))


def _at(x, p, q, value):
    lp, lq = p.logpdf(x), q.logpdf(x)
    somewhere = np.maximum(lp, lq) > -np.inf
    result = np.zeros_like(x)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        result[somewhere] = value(x[somewhere], lp[somewhere], lq[somewhere])
    return result
