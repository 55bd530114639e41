"""What an f-divergence D_φ(p ‖ q) = ∫ q φ(p/q) can do: exact value, slope and dual on the line.

φ is the literature's f, renamed because f is the critic in this course; the rows are in f_table.py.
Nowozin, Cseke, Tomioka 2016, arXiv 1606.00709. Derived in notebooks/03_f_gan.ipynb. NumPy only, no
torch.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .checks import as_numbers, check_function, told
from .divergences import refuse_jumps
from .laws import log_ratio
from .quadrature import check_whole, nodes, panels

_FAR = 1e6                   # where a tail is tested, in half-widths of the panels around both laws
_NEGLIGIBLE = 1e-300         # what an integrand has to fall below out there
_VANISHED = -300             # log of a density that counts as none where a value is no number


@dataclass(frozen=True, eq=False)
class FDivergence:
    """One row of the table; call it with two laws on the line for D_φ(p ‖ q), in nats.

    phi(u), conjugate(t)   φ on u ≥ 0 and φ*(t) = sup over u ≥ 0 of ut - φ(u), ∞ above t_max = φ'(∞)
    activation(v)          T for any real score v of a critic, always admissible
    composed(v)            φ*(activation(v)) in one stable step: use this in code
    best(c)                the best critic's score where log p/q = c: activation(best(c)) = φ'(e^c)
    integrand(lp, lq)      q φ(p/q) minus its tangent at p = q, from log-densities: never negative
    log_weight(lp, lq)     log of p² φ''(p/q) / q, which weighs the slope; None without a φ''
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

    def __post_init__(self):
        for name, what in dict(phi="u", conjugate="t", activation="v", composed="v",
                               best="c").items():
            object.__setattr__(self, name, _of_numbers(getattr(self, name), what))

    @property
    def threshold(self) -> float:
        """φ'(1): the critic takes x for real where T(x) is larger, that is, where p > q."""
        return float(self.phi_prime(1.0)) + 0.0                # + 0.0: never -0

    def phi_prime(self, u):
        """φ'(u), the optimal T where p/q = u: any shape -> same shape. NumPy only.

        ValueError for a ratio below 0.
        """
        u = as_numbers(u, "u", finite=False)
        if (u < 0).any():
            raise ValueError(f"u = {u.min():g}: a ratio of densities p/q is 0 or more")
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            return self.activation(self.best(np.log(u)))

    def __call__(self, p, q) -> float:
        """D_φ(p ‖ q) between laws on the line with bounded support or Normal tails; ∞ where it is.

        Computed as φ(1) plus the integral of what q φ(p/q) lies above its tangent at p = q. Both
        integrate to the same up to φ(1), as ∫ (p - q) = 0, but here nothing cancels where p ≈ q.
        """
        at_1 = float(self.phi(1.0))
        # Where one density is 0 the integrand is the limit of u → ∞ or u → 0, times the other one:
        # (φ'(∞) - φ'(1)) p, or (φ(0) - φ(1) + φ'(1)) q. From log-densities it would be ∞ - ∞.
        only_p = self.t_max - self.threshold
        only_q = float(self.phi(0.0)) + self.threshold - at_1

        def above_tangent(x, lp, lq):
            value = self.integrand(lp, lq)
            value = np.where(lq == -np.inf, _times(only_p, np.exp(lp)), value)
            return np.where(lp == -np.inf, _times(only_q, np.exp(lq)), value)

        return at_1 + max(_integral(p, q, above_tangent), 0.0)

    def slope(self, p, q) -> float:
        """d D_φ / d theta when q alone is shifted by theta, at 0; nan where D_φ is infinite.

        It is what the generator feels through -E φ*(T) while the optimal critic is frozen,
        -∫ p²φ''(p/q)/q · (log p/q)' dx. ValueError where a density jumps.
        """
        refuse_jumps(p=p, q=q)
        if not np.isfinite(self(p, q)):
            return np.nan
        if self.log_weight is None:
            # without φ'' the derivative is moved onto q: E_q φ*(T*) score_q, by parts
            force = lambda x, lp, lq: np.exp(lq) * self.composed(self.best(lp - lq)) * q.score(x)
        else:
            force = lambda x, lp, lq: np.exp(self.log_weight(lp, lq)) * (q.score(x) - p.score(x))
        return _integral(p, q, force)

    def trick_slope(self, p, q) -> float:
        """The same through -E T, the trick: every point's share is divided by p/q. May be ±∞.

        It is the slope of another divergence, whose second derivative is φ''(u)/u. ValueError where
        a density jumps, and where φ'' is not on record.
        """
        refuse_jumps(p=p, q=q)
        if self.log_weight is None:
            raise ValueError(f"{self.name} has no second derivative on record: trick_slope needs "
                             "it (the best T of total variation is a step)")

        def force(x, lp, lq):
            return np.exp(self.log_weight(lp, lq) + lq - lp) * (q.score(x) - p.score(x))

        return _integral(p, q, force)

    def best_T(self, p, q):
        """x -> T*(x) = φ'(p(x)/q(x)), the critic at which the dual is tight."""
        c = log_ratio(p, q)
        return lambda x: self.activation(self.best(c(x)))

    def dual(self, p, q, T=None, *, v=None) -> float:
        """E_p T - E_q φ*(T) ≤ D_φ(p ‖ q), for T(x), or for a score v(x) with T = activation(v).

        T, v: (k,) -> (k,). With neither, the optimal critic's. -∞ where q reaches a T that is not
        admissible, NaN where it is ∞ - ∞. ValueError for both, for what gives another shape, and
        for a T or v that is NaN where there is mass.
        """
        if T is not None and v is not None:
            raise ValueError("T is given, and v, of which another T would follow: give one")
        T, v = _of_points("T", T), _of_points("v", v)
        if T is None:
            c = log_ratio(p, q)
            v = v or (lambda x: self.best(c(x)))
            T = lambda x: self.activation(v(x))
            conjugate = lambda x: self.composed(v(x))
        else:
            # an admissible T may be rounded up to t_max or past it, where φ* is ∞
            step = 4 * np.spacing(abs(self.t_max))
            near = lambda t: np.where(abs(t - self.t_max) <= step, self.t_max - step, t)
            conjugate = lambda x: self.conjugate(near(T(x)))

        def real_less_fake(x, lp, lq):
            nan = np.isnan((v or T)(x)) & (np.maximum(lp, lq) > _VANISHED)
            if nan.any():
                raise ValueError(f"{'v' if v else 'T'} is nan at x = {x[nan][0]:g}, where there is "
                                 "mass: the critic has diverged, or its formula leaves the range "
                                 "of floats")
            return _mass(lp, T(x)) - _mass(lq, conjugate(x))

        return _integral(p, q, real_less_fake)

    def __repr__(self):
        return f"FDivergence({self.name!r})"


def _of_numbers(function, what: str):
    """`function` for numbers, arrays, tensors and lists; ValueError, by its name, for all else, and
    for a ratio u below 0."""
    if not callable(function):
        raise TypeError(f"{told(function)} is no function of {what}: a row of the table consists "
                        "of functions, (...) -> (...)")

    @functools.wraps(function)
    def of(x):
        if not hasattr(x, "detach"):
            x = x if isinstance(x, float) else as_numbers(x, what, finite=False)
            if what == "u" and np.min(x, initial=0) < 0:
                raise ValueError(f"u = {np.min(x):g}: a ratio of densities p/q is 0 or more")
        return function(x)
    return of


def _of_points(name: str, function):
    """A reader's function of points, whose values are looked at; None for none."""
    if function is None:
        return None
    check_function(name, function)

    def values(x):
        found = as_numbers(function(x), name, finite=False)
        if found.shape not in ((), x.shape):
            raise ValueError(f"{name} gives shape {found.shape} for {len(x)} points: one number "
                             "each, (k,) -> (k,)")
        return found if found.ndim else np.full(x.shape, float(found))
    return values


def _times(limit, mass):
    """limit · mass with ∞ · 0 = 0: (), (...) -> (...)."""
    return np.where(mass > 0, limit, 0) * mass


def _mass(log_density, value):
    """density · value, where one of them may leave the range of floats: (...), (...) -> (...).

    0 where the density has all but vanished and the product is not finite.
    """
    root = np.exp(log_density / 2)
    product = root * (root * value)          # in two halves: density · value alone may underflow
    return np.where((log_density < _VANISHED) & ~np.isfinite(product), 0, product)


def _integral(p, q, value) -> float:
    """∫ value(x, log p, log q) dx, as far out as it takes; ∞, with its sign, if it does not end."""
    edges = panels(p, q)
    check_whole(p, q)
    centre, reach = (edges[0] + edges[-1]) / 2, (edges[-1] - edges[0]) / 2
    # an integrand that has not vanished a million half-widths away never does
    far = _at(centre + reach * _FAR * np.array([-1, 1]), p, q, value)             # (2,)
    if not (abs(far) < _NEGLIGIBLE).all():
        return float(far[np.argmax(abs(far))] * np.inf)
    # one that still lives at the last panel gets panels that grow geometrically until there
    if _at(edges[[0, -1]], p, q, value).any():
        ring = reach * np.geomspace(1, _FAR, 60)[1:]
        edges = np.concatenate([centre - ring[::-1], edges, centre + ring])
    x, weight = nodes(edges)
    with np.errstate(invalid="ignore"):
        return float(weight @ _at(x, p, q, value))


def _at(x, p, q, value):
    """value(x, log p(x), log q(x)), and 0 where neither law reaches: (k,) -> (k,)."""
    lp, lq = (np.broadcast_to(as_numbers(law.logpdf(x), f"the log density of {law!r}", False),
                              x.shape) for law in (p, q))
    if np.isnan(lp).any() or np.isnan(lq).any():
        raise ValueError(f"the density of {p!r} or {q!r} is nan somewhere: no integral over it is "
                         "a number")
    somewhere = np.maximum(lp, lq) > -np.inf
    result = np.zeros_like(x)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        result[somewhere] = value(x[somewhere], lp[somewhere], lq[somewhere])
    return result
