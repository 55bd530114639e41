"""A divergence of your own: type a convex φ, and conjugate, critic, dual and exact value follow.

Derived in notebooks/03_f_gan.ipynb. torch differentiates φ; nothing else is needed.
"""
from __future__ import annotations

import numpy as np
import torch

from ..exact.f_divergences import FDivergence
from ..exact.quadrature import bisect
from ..game import in_full

_REACH = 20.0                  # log p/q between -20 and 20 is told apart: u from 2e-9 to 5e8
_GRID = np.exp(np.linspace(-16, 16, 1601))


def own_divergence(phi, name: str = "yours") -> FDivergence:
    """The f-divergence of a convex φ with φ(1) = 0, such as lambda u: u * torch.log(u).

    phi: (...) -> (...), of tensors, differentiable.
    T = φ'(u) with u = exp(20 tanh(v / 20)), so that v is log p/q at the optimum (up to the bend),
    every T is admissible and φ*(T) = u φ'(u) - φ(u) needs no inverse. Convexity is tested on 1,601
    points from 1e-7 to 9e6. A φ made of straight pieces trains no critic, because its T is a step.
    ValueError where φ is not finite, not convex, a straight line, or not 0 at 1; TypeError where it
    is no function of tensors, as np.log is none, or leaves float64. Lesson 03.
    """
    _check_function(phi)
    value = _on_arrays(phi)
    prime = _on_arrays(lambda u: _prime(phi, u))
    _check(value)
    at_0 = _limit([value(np.exp(-k)) for k in (26., 28., 30.)])      # φ(0)
    t_max = _limit([prime(np.exp(k)) for k in (26., 28., 30.)])      # φ'(∞)

    def whole_phi(u):
        u = np.asarray(u, dtype=float)
        return np.where(u > 0, value(np.where(u > 0, u, 1)), at_0)

    def conjugate(t):
        # φ*(t) = sup over u of u t - φ(u). φ' rises, so the best u is where φ'(u) = t: halve log u
        t = np.asarray(t, dtype=float)
        low, high = np.full(t.shape, -100.0), np.full(t.shape, 100.0)
        low, high = bisect(lambda c: prime(np.exp(c)) < t, low, high)
        u = np.exp((low + high) / 2)
        at_most = np.maximum(u * t - value(u), -at_0)                # u = 0 is allowed, too
        return np.where(t > t_max, np.inf, at_most)

    return FDivergence(
        name,
        phi=whole_phi,
        conjugate=conjugate,
        t_max=t_max,
        activation=_either(lambda v: _prime(phi, _ratio(v))),
        composed=_either(lambda v: _composed(phi, _ratio(v))),
        best=lambda c: _REACH * np.arctanh(np.clip(c / _REACH, -1 + 1e-15, 1 - 1e-15)),
        integrand=_integrand(value, prime),
    )


# -- what is refused -------------------------------------------------------------------------------

def _check_function(phi):
    """TypeError unless φ maps tensors to tensors of their shape, with a gradient."""
    u = torch.tensor([.5, 1., 2.], dtype=torch.float64, requires_grad=True)
    try:
        value, why = phi(u), ""
        alone = phi(u[0])
    except Exception as error:  # noqa: BLE001  a reader's function may fail in any way
        value, alone, why = None, None, f" ({type(error).__name__}: {error})"
    if not (isinstance(value, torch.Tensor) and value.shape == u.shape and value.requires_grad
            and alone.shape == ()):
        raise TypeError("φ is a function of tensors, number by number and with a gradient, such as "
                        f"lambda u: u * torch.log(u), not {phi!r}{why}")
    if value.dtype != u.dtype:
        raise TypeError(f"φ gives {value.dtype} for numbers of {u.dtype}, which is too coarse to "
                        "divide by: leave the format as it comes, without .float()")


def _check(value):
    u, heights = _GRID, value(_GRID)
    if not np.isfinite(heights).all():
        raise ValueError(f"φ is not finite at u = {u[~np.isfinite(heights)][0]:.3g}: "
                         "it must be, for every u > 0")
    at_1 = float(value(1.0))
    if abs(at_1) > 1e-9:
        raise ValueError(f"φ(1) = {at_1:.6g}, not 0, so D(p ‖ p) would not be 0: "
                         "subtract the constant")
    # Convex: no point of the grid lies above the chord between its two neighbours
    share = (u[1:-1] - u[:-2]) / (u[2:] - u[:-2])
    above = heights[1:-1] - (1 - share) * heights[:-2] - share * heights[2:]
    size = 1e-12 * (abs(heights[:-2]) + abs(heights[2:]) + 1)        # what rounding may do
    if (above > size).any():
        raise ValueError(f"φ is not convex: around u = {u[1:-1][above > size][0]:.3g} "
                         "it lies above its chord")
    if (abs(above) <= size).all():
        raise ValueError("φ is a straight line, and its divergence is 0 between any two laws")


# -- limits and tails ------------------------------------------------------------------------------

def _limit(values) -> float:
    """Limit of a sequence with equal steps in log u, by Aitken's rule; ±∞ where it has none.

    What approaches its limit like a power of u shrinks its steps by one factor r, so the steps to
    come add up to (c - b) (r + r² + …) = (c - b) r / (1 - r). Steps that do not shrink have no sum.
    """
    a, b, c = map(float, values)
    if abs(c) == np.inf:                                   # beyond the range of floats, too
        return c
    if abs(c - b) <= 1e-9 * (1 + abs(c)):
        return c
    shrink = (c - b) / (b - a)
    return c + (c - b) * shrink / (1 - shrink) if shrink < .99 else np.inf * np.sign(c - b)


def _integrand(value, prime):
    """q φ(p/q) minus its tangent at p = q, a function of log p and log q: never negative.

    Where |c| = |log p/q| exceeds 90, u = e^c is left to a fit: the logarithm of the excess of φ
    over its tangent is taken as a |c| + b log |c| + k, which holds for powers of u times powers of
    log u. The three numbers are those that fit at |c| = 45, 65 and 90, for each sign of c; nearer
    where φ, as u**8, leaves the range of floats before.
    """
    slope = prime(1.0)

    def log_excess(c):
        u = np.exp(c)
        with np.errstate(divide="ignore"):                           # -∞ where φ is its tangent
            return np.log(np.maximum(value(u) - slope * (u - 1), 0))

    reach = next(far for far in (90., 70., 50., 35., 25., 16.)
                 if np.isfinite(value(np.exp([far, -far]))).all() or far == 16.)
    ends = np.array([45., 65., 90.]) * (reach / 90)
    terms = np.stack([ends, np.log(ends), np.ones(3)], 1)            # (3 ends, 3 terms)
    # -1e4 for -∞, where φ is its tangent: the fit stays finite, and its exponential is 0
    fits = {sign: np.linalg.solve(terms, np.maximum(log_excess(sign * ends), -1e4))
            for sign in (1, -1)}

    def integrand(lp, lq):
        c = lp - lq
        size = np.maximum(abs(c), 1.0)                               # log |c| only counts far out
        a, b, k = np.where(c > 0, fits[1][:, None], fits[-1][:, None])       # (k,) each
        inside = log_excess(np.clip(c, -reach, reach))
        beyond = a * size + b * np.log(size) + k
        return np.exp(lq + np.where(abs(c) > reach, beyond, inside))
    return integrand


# -- φ and φ' of tensors and arrays ----------------------------------------------------------------

def _ratio(v):
    """The u of a score v: exp v where v is small, and never beyond exp ±20."""
    return torch.exp(_REACH * torch.tanh(v / _REACH))


def _prime(phi, u):
    """φ'(u), itself differentiable where u is."""
    with torch.enable_grad():
        leaf = u if u.requires_grad else u.detach().requires_grad_()
        slope, = torch.autograd.grad(phi(leaf).sum(), leaf, create_graph=True)
    return slope if u.requires_grad else slope.detach()


def _composed(phi, u):
    """φ*(φ'(u)) = u φ'(u) - φ(u): the sup of u t - φ(u) is taken where φ' = t."""
    return u * _prime(phi, u) - phi(u)


def _on_arrays(function):
    """A function of tensors as one of NumPy arrays."""
    return lambda u: function(torch.as_tensor(np.asarray(u, dtype=float))).detach().numpy()


def _either(function):
    """A function of tensors as one of tensors or NumPy arrays."""
    arrays = _on_arrays(function)
    return lambda v: function(in_full(v)) if isinstance(v, torch.Tensor) else arrays(v)
