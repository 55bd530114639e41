"""Integrals along the line: the one place with panels, nodes, expectations and bisection. NumPy only.

Gauss-Legendre with 24 nodes on panels between which everything is smooth is exact to about 1e-14.
Used from notebooks/01_minimax.ipynb on.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np

from .laws import log_ratio

ORDER = 24                                   # nodes on a panel
_legendre = lru_cache(np.polynomial.legendre.leggauss)


def nodes(edges, order: int = ORDER):
    """Nodes and weights on the panels between neighbouring edges: (m,) -> x, weight (order (m - 1),).

    Σ weight · h(x) is ∫ h dx from the first edge to the last, exactly for polynomials of a degree
    below 2 · order on every panel. Units: x and weight in those of the edges.
    """
    points, shares = _legendre(order)                                     # on [-1, 1]
    edges = np.asarray(edges, dtype=float)
    half = np.diff(edges)[:, None] / 2                                    # (m - 1, 1)
    centre = (edges[1:] + edges[:-1])[:, None] / 2
    return (centre + half * points).ravel(), (half * shares).ravel()


def expectation(law, h, edges=None) -> float:
    """E h(x) = ∫ p(x) h(x) dx for x ~ law on the line; h: (k,) -> (k,).

    edges: borders of the panels, by default those of the law; `panels(p, q)` where h compares two.
    A point where the law has no mass counts nothing, whatever h is there.
    """
    x, mass = masses(law, edges)
    return float(mass @ h(x))


def masses(law, edges=None, least: float = 0.0):
    """Nodes and the mass p(x) dx of the law at each, those above `least`: (m,) -> (k,), (k,)."""
    x, weight = nodes(law.edges() if edges is None else edges)
    mass = law.pdf(x) * weight
    kept = mass > least
    return x[kept], mass[kept]


def panels(p, q):
    """Borders of panels for two laws on the line: (m,), increasing.

    Where either density bends, halfway between, and closely around each point where p = q: there a
    function of log p/q, such as a sigmoid, changes within a width of 1 / |score of p - score of q|.
    """
    edges = np.unique(np.concatenate([p.edges(), q.edges()]))
    edges = np.unique(np.concatenate([edges, (edges[1:] + edges[:-1]) / 2]))
    ratio = log_ratio(p, q)
    sign = np.sign(ratio(edges))
    # p = q inside a panel, or on its left border
    swaps = (sign[:-1] * sign[1:] < 0) | (sign[:-1] == 0)
    left = sign[:-1][swaps]
    equal, _ = bisect(lambda x: np.sign(ratio(x)) == left, edges[:-1][swaps], edges[1:][swaps], 48)
    with np.errstate(divide="ignore", invalid="ignore"):
        width = 1 / np.abs(p.score(equal) - q.score(equal))
    near = equal[:, None] + np.nan_to_num(width, posinf=0)[:, None] * np.arange(-40, 41, 2)
    inside = np.concatenate([edges, near], axis=None)
    return np.unique(inside[(inside >= edges[0]) & (inside <= edges[-1])])


def bisect(before, low, high, steps: int = 60):
    """Halve many brackets at once, `steps` times: (k,), (k,) -> low, high (k,), 2^-steps as wide.

    before: x (k,) -> (k,) true where the place that is sought lies above x.
    """
    for _ in range(steps):
        middle = (low + high) / 2
        above = before(middle)
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return low, high
