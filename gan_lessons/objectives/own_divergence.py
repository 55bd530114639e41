"""A divergence of your own: type a convex φ, and its conjugate, critic, dual and exact value follow.

Derived in notebooks/03_f_gan.ipynb. torch differentiates φ; nothing else is needed.
"""
from __future__ import annotations

import numpy as np
import torch

from ..exact.f_divergences import FDivergence
from ..exact.quadrature import bisect

_REACH = 20.0                  # log p/q between -20 and 20 is told apart: u from 2e-9 to 5e8
_GRID = np.exp(np.linspace(-16, 16, 1601))


def own_divergence(phi, name: str = "yours") -> FDivergence:
    """The f-divergence of a convex function φ with φ(1) = 0, written for tensors: lambda u: u * torch.log(u).

    T = φ'(u) with u = exp(20 tanh(v / 20)), so that v is log p/q at the optimum (up to the bend), every T is
    admissible and φ*(T) = u φ'(u) - φ(u) needs no inverse. Convexity is tested on 1,601 points from
    1e-7 to 9e6. A φ made of straight pieces trains no critic, because its T is a step.
    ValueError where φ is not finite, not convex, a straight line, or not 0 at 1.
    """
    value, prime = _on_arrays(phi), _on_arrays(lambda u: _prime(phi, u))
    _check(value)
    at_0 = _limit([value(np.exp(-k)) for k in (26., 28., 30.)])
    t_max = _limit([prime(np.exp(k)) for k in (26., 28., 30.)])

    def whole_phi(u):
        u = np.asarray(u, dtype=float)
        return np.where(u > 0, value(np.where(u > 0, u, 1)), at_0)

    def conjugate(t):
        t = np.asarray(t, dtype=float)
        low, high = np.full(t.shape, -100.0), np.full(t.shape, 100.0)
        # φ' rises: halve towards φ'(u) = t
        low, high = bisect(lambda c: prime(np.exp(c)) < t, low, high)
        u = np.exp((low + high) / 2)
        at_most = np.maximum(u * t - value(u), -at_0)
        return np.where(t > t_max, np.inf, at_most)

    return FDivergence(
        name, phi=whole_phi, conjugate=conjugate, t_max=t_max,
        activation=_either(lambda v: _prime(phi, _ratio(v))), composed=_either(lambda v: _composed(phi, _ratio(v))),
        best=lambda c: _REACH * np.arctanh(np.clip(c / _REACH, -1 + 1e-15, 1 - 1e-15)),
        integrand=_integrand(value, prime))


def _check(value):
    u, heights = _GRID, value(_GRID)
    if not np.isfinite(heights).all():
        raise ValueError(f"φ is not finite at u = {u[~np.isfinite(heights)][0]:.3g}: it must be, for every u > 0")
    at_1 = float(value(1.0))
    if abs(at_1) > 1e-9:
        raise ValueError(f"φ(1) = {at_1:.6g}, not 0, so D(p ‖ p) would not be 0: subtract the constant")
    share = (u[1:-1] - u[:-2]) / (u[2:] - u[:-2])
    above = heights[1:-1] - (1 - share) * heights[:-2] - share * heights[2:]
    size = 1e-12 * (abs(heights[:-2]) + abs(heights[2:]) + 1)
    if (above > size).any():
        raise ValueError(f"φ is not convex: around u = {u[1:-1][above > size][0]:.3g} it lies above its chord")
    if (abs(above) <= size).all():
        raise ValueError("φ is a straight line, and its divergence is 0 between any two laws")


def _limit(values) -> float:
    """Limit of a sequence with equal steps in log u, by Aitken's rule; ±∞ where the steps do not shrink."""
    a, b, c = map(float, values)
    if abs(c - b) <= 1e-9 * (1 + abs(c)):
        return c
    shrink = (c - b) / (b - a)
    return c + (c - b) * shrink / (1 - shrink) if shrink < .99 else np.inf * np.sign(c - b)


def _integrand(value, prime):
    """q φ(p/q) minus its tangent; beyond |log p/q| = 90 continued as k c^b e^{ac}."""
    ends, slope = np.array([45., 65., 90.]), prime(1.0)

    def log_excess(c):
        u = np.exp(c)
        return np.log(np.maximum(value(u) - slope * (u - 1), 0))
    fits = {s: np.linalg.solve(np.stack([ends, np.log(ends), np.ones(3)], 1), np.maximum(log_excess(s * ends), -1e4))
            for s in (1, -1)}

    def integrand(lp, lq):
        c = lp - lq
        size = np.maximum(abs(c), 1.0)
        a, b, k = np.where(c > 0, fits[1][:, None], fits[-1][:, None])
        inside = log_excess(np.clip(c, -90, 90))
        return np.exp(lq + np.where(abs(c) > 90, a * size + b * np.log(size) + k, inside))
    return integrand


def _ratio(v):
    return torch.exp(_REACH * torch.tanh(v / _REACH))


def _prime(phi, u):
    """φ'(u), itself differentiable where u is."""
    with torch.enable_grad():
        leaf = u if u.requires_grad else u.detach().requires_grad_()
        slope, = torch.autograd.grad(phi(leaf).sum(), leaf, create_graph=True)
    return slope if u.requires_grad else slope.detach()


def _composed(phi, u):
    return u * _prime(phi, u) - phi(u)


def _on_arrays(function):
    return lambda u: function(torch.as_tensor(np.asarray(u, dtype=float))).detach().numpy()


def _either(function):
    arrays = _on_arrays(function)
    return lambda v: function(v) if isinstance(v, torch.Tensor) else arrays(v)
