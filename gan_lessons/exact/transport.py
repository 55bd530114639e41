"""The earth mover distance W₁ (推土机距离): its plan, its quantiles, its dual. SciPy only, no torch.

p: (n,) weights of the real piles · q: (m,) weights of the fake ones · laws p and q for the functions of laws.
Weights are ≥ 0 and sum to 1; where they may be left out, every point weighs the same. Derived in
notebooks/05_transport.ipynb. Kantorovich 1942; Villani 2003, Topics in Optimal Transportation.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csc_array
from scipy.spatial.distance import cdist
from scipy.special import ndtr

from .laws import Normal
from .quadrature import bisect, nodes, panels

# -- piles: the plan and its prices -----------------------------------------------------------------------

class Plan(NamedTuple):
    """A best plan and the prices that prove it best.

    moved (n, m): moved[i, j] ≥ 0 goes between real pile i and fake pile j; rows sum to p, columns to q
    cost: Σ moved · cost, the least there is · f (n,), h (m,): the two potentials, f_i + h_j ≤ cost_ij with equality
    where moved > 0, so that Σ p f + Σ q h = cost; the mean of f under p is 0 and what is left stands in h.
    """

    moved: np.ndarray
    cost: float
    f: np.ndarray
    h: np.ndarray


def plan(p, q, cost) -> Plan:
    """(n,), (m,), (n, m) -> Plan: the least Σ γ_ij cost_ij over γ ≥ 0 with row sums p and column sums q.

    A linear program with n + m equations, solved by HiGHS; 200 × 200 piles take under a second. Any cost:
    distances give W₁, squared distances W₂². ValueError for weights or shapes that do not fit.
    """
    p, q, cost = _weights(p, "p"), _weights(q, "q"), np.asarray(cost, dtype=float)
    n, m = len(p), len(q)
    if cost.shape != (n, m):
        raise ValueError(f"cost has shape {cost.shape}; {n} real and {m} fake piles need ({n}, {m}), row i for pile i of p")
    if not np.isfinite(cost).all():
        raise ValueError("cost must be finite: forbid a road by a large number, not by inf")
    scale = max(np.abs(cost).max(), 1e-300)                 # the solver's tolerances are absolute
    row, column = np.divmod(np.arange(n * m), m)
    sums = csc_array((np.ones(2 * n * m), np.stack([row, n + column], 1).ravel(), np.arange(0, 2 * n * m + 1, 2)))
    found = linprog(cost.ravel() / scale, A_eq=sums, b_eq=np.concatenate([p, q]) * (n + m), method="highs-ds",
                    options=dict(presolve=False, dual_feasibility_tolerance=1e-10))
    if found.status:
        raise RuntimeError(f"the linear program was not solved: {found.message}")
    moved = np.clip(found.x, 0, None).reshape(n, m) / (n + m)
    f, h = np.split(found.eqlin.marginals * scale, [n])
    return Plan(moved, float((moved * cost).sum()), f - p @ f, h + p @ f)


def potential_critic(x_fake, h):
    """x -> f(x) = min_j |x - x̃_j| - h_j: one critic for both heaps, 1-Lipschitz everywhere; (k, d) -> (k,).

    x_fake (m, d), or (m,) on the line; h (m,) a potential of the plan with cost |x - x̃|. Then f is a best critic:
    Σ p f(x) - Σ q f(x̃) is the cost of the plan. For h that is not best it is less (weak duality).
    """
    x_fake, h = _points(x_fake), np.asarray(h, dtype=float)
    if h.shape != (len(x_fake),):
        raise ValueError(f"h has shape {h.shape}; {len(x_fake)} fake piles need ({len(x_fake)},)")
    return lambda x: (cdist(_points(x), x_fake) - h).min(1)


# -- on the line: quantiles -------------------------------------------------------------------------------

def earth_mover(x, x_fake, p=None, q=None, power=1.0):
    """W_power between piles on the line: (∫₀¹ |F⁻¹(t) - G⁻¹(t)|^power dt)^(1/power), the power-th root included.

    x (n,) and x_fake (m,) in any order, p (n,) and q (m,). power ≥ 1; 1 is the earth mover distance.
    ValueError for other powers, weights or shapes.
    """
    if not 1 <= power < np.inf:
        raise ValueError(f"power = {power}: crossing roads are only dearer for a power of 1 or more")
    x, p, levels = _quantiles(x, p, "p")
    x_fake, q, fake_levels = _quantiles(x_fake, q, "q")
    t = np.sort(np.concatenate([levels, fake_levels]))
    middle, share = (t[1:] + t[:-1]) / 2, np.diff(t)        # between two levels both quantiles are constant
    apart = np.abs(x[np.searchsorted(levels[1:-1], middle)] - x_fake[np.searchsorted(fake_levels[1:-1], middle)])
    return np.float64((share @ apart ** power) ** (1 / power))


def monotone_plan(x, x_fake, p=None, q=None):
    """(n, m): the plan without crossings, best on the line for every power ≥ 1: lowest to lowest."""
    x, x_fake = np.asarray(x, dtype=float), np.asarray(x_fake, dtype=float)
    (_, p, level), (_, q, fake_level) = _quantiles(x, p, "p"), _quantiles(x_fake, q, "q")
    top, bottom = np.minimum.outer(level[1:], fake_level[1:]), np.maximum.outer(level[:-1], fake_level[:-1])
    moved = np.empty((len(x), len(x_fake)))
    moved[np.ix_(np.argsort(x, kind="stable"), np.argsort(x_fake, kind="stable"))] = np.clip(top - bottom, 0, None)
    return moved


def projected_bound(p, q, places, directions=8):
    """(a, k), (b, k), (k, 2) -> (a, b): a lower bound of W₁ between any heap of p and any of q, on the same k places.

    Project the places on a line: a best critic of what one sees there is 1-Lipschitz in the plane too, so it is a
    feasible critic. The largest of `directions` bounds is kept. No linear program: distances between running sums.
    """
    p, q, places = (np.asarray(v, dtype=float) for v in (p, q, places))
    if places.ndim != 2 or places.shape[1] != 2 or not p.shape[1:] == q.shape[1:] == (len(places),):
        raise ValueError(f"heaps {p.shape} and {q.shape} on places {places.shape}: they are (a, k), (b, k) and (k, 2)")
    angles = np.pi * np.arange(directions) / directions
    bounds = np.zeros((len(p), len(q)))
    for direction in np.stack([np.cos(angles), np.sin(angles)], 1):
        seen = places @ direction
        order = np.argsort(seen)
        running = [np.cumsum(heaps[:, order], 1)[:, :-1] * np.diff(seen[order]) for heaps in (p, q)]
        bounds = np.maximum(bounds, cdist(*running, "cityblock"))
    return bounds


# -- laws on the line: exact ------------------------------------------------------------------------------

def cdf_difference(p, q):
    """x -> F(x) - G(x), how much more of p than of q lies below x; right in both tails. Any shape -> same shape."""
    for name, law in dict(p=p, q=q).items():
        if law.dim != 1 or not hasattr(law, "cdf"):
            raise ValueError(f"{name} = {law!r} has no distribution function: use laws on the line with cdf and sf, "
                             "or samples and plan(...)")

    def difference(x):
        below, below_fake = p.cdf(x), q.cdf(x)
        return np.where(below + below_fake < 1, below - below_fake, q.sf(x) - p.sf(x))
    return difference


def pieces(p, q):
    """Borders (m,) of pieces of the line on which F - G keeps its sign, and that sign (m - 1,)."""
    difference = cdf_difference(p, q)
    edges = panels(p, q)                                    # between two of them F - G is monotone
    sign = np.sign(difference(edges))
    swaps = sign[:-1] * sign[1:] < 0
    left = sign[:-1][swaps]
    zero, _ = bisect(lambda x: np.sign(difference(x)) == left, edges[:-1][swaps], edges[1:][swaps])
    edges = np.unique(np.concatenate([edges, zero]))
    return edges, np.sign(difference((edges[1:] + edges[:-1]) / 2))


def wasserstein_1(p, q) -> float:
    """W₁(p, q) = ∫ |F - G| dx, the earth mover distance of two laws on the line, in the units of x.

    By quadrature between the points where F = G. ValueError for laws without a distribution function.
    """
    edges, sign = pieces(p, q)
    x, weight = nodes(edges)
    areas = (weight * cdf_difference(p, q)(x)).reshape(len(sign), -1).sum(1)        # (pieces,)
    return float(sign @ areas)


def wasserstein_1_slope(p, q) -> float:
    """d W₁ / d theta = E_q sign(F - G), when q is shifted by theta: the share of q that should come back, less the rest.

    Of q alone: it needs no score and no density. Where F = G on a stretch that carries mass, W₁ has a kink
    there and this is the middle of both slopes.
    """
    edges, sign = pieces(p, q)
    return float(sign @ np.diff(q.cdf(edges)))


def best_critic(p, q):
    """x -> f*(x), slope 1 where F < G, -1 where F > G: E_p f* - E_q f* = W₁(p, q). Any shape -> same shape.

    High on real, 1-Lipschitz, with (E_p + E_q) f* = 0. Where F = G there is no slope to be earned, and it is 0.
    """
    edges, sign = pieces(p, q)
    heights = np.concatenate([[0.0], np.cumsum(-sign * np.diff(edges))])
    ends = [np.concatenate([s[s != 0], [0.0]])[0] for s in (sign, sign[::-1])]

    def climb(x):
        x = np.asarray(x, dtype=float)
        beyond = ends[0] * np.clip(edges[0] - x, 0, None) - ends[1] * np.clip(x - edges[-1], 0, None)
        return np.interp(x, edges, heights) + beyond

    x, weight = nodes(edges)
    middle = float((climb(x) * (p.pdf(x) + q.pdf(x)) * weight).sum() / 2)
    return lambda x: climb(x) - middle


# -- Normals: closed forms --------------------------------------------------------------------------------

def normal_w1(p, q) -> float:
    """W₁ of two Normals on the line: E|X|, X ~ N(Δ, s²), s = |sd - sd'|; √(2/π) s exp(-Δ²/2s²) + Δ (1 - 2Φ(-Δ/s))."""
    _check_normals(p, q)
    if p.dim > 1:
        raise ValueError(f"in {p.dim} dimensions W₁ of two Normals has no closed form; normal_w2 has one")
    gap, s = float(abs(p.mean - q.mean)), abs(p.sd - q.sd)
    if s == 0:
        return gap
    return float(np.sqrt(2 / np.pi) * s * np.exp(-(gap / s) ** 2 / 2) + gap * (1 - 2 * ndtr(-gap / s)))


def normal_w2(p, q) -> float:
    """W₂ of two Normals N(mean, sd² I): √(|mean - mean'|² + dim (sd - sd')²); costs are squared distances."""
    _check_normals(p, q)
    gap = np.broadcast_to(p.mean - q.mean, p.dim)
    return float(np.sqrt(gap @ gap + p.dim * (p.sd - q.sd) ** 2))


# -- checks -----------------------------------------------------------------------------------------------

def _check_normals(p, q):
    if not (isinstance(p, Normal) and isinstance(q, Normal) and p.dim == q.dim):
        raise ValueError(f"this closed form is for two Normals of one dimension, not {p!r} and {q!r}")


def _weights(p, name, n=None):
    """Checked weights (n,) as float64; equal ones for None."""
    if p is None:
        return np.full(n, 1 / n)
    p = np.asarray(p, dtype=float)
    if p.ndim != 1 or not p.size or n not in (None, len(p)):
        raise ValueError(f"{name} has shape {p.shape}; weights are (n,), one for each point" + (f", here ({n},)" if n else ""))
    if not (p >= 0).all():
        raise ValueError(f"{name} holds {p.min():g}: a pile cannot weigh less than nothing; clip the weights at 0")
    if not abs(p.sum() - 1) <= 1e-9:
        raise ValueError(f"{name} sums to {p.sum():g}: a plan needs two heaps of the same weight; divide by {name}.sum()")
    return p / p.sum()


def _points(x):
    """Points as (k, d); numbers on the line become (k, 1)."""
    x = np.asarray(x, dtype=float)
    if x.ndim not in (1, 2):
        raise ValueError(f"points have shape {x.shape}; they are (n, d), or (n,) on the line")
    return x[:, None] if x.ndim == 1 else x


def _quantiles(x, p, name):
    """Sorted points, their weights, and the levels 0 = t_0 ≤ … ≤ t_n = 1 between which each is the quantile."""
    x = np.asarray(x, dtype=float)
    if x.ndim != 1 or not x.size:
        raise ValueError(f"points on the line have shape (n,), not {x.shape}: flatten (n, 1), and use plan(...) in the plane")
    if not np.isfinite(x).all():
        raise ValueError("the points hold nan or inf")
    order, p = np.argsort(x, kind="stable"), _weights(p, name, len(x))
    levels = np.concatenate([[0.0], np.cumsum(p[order])])
    levels[-1] = 1.0
    return x[order], p[order], levels
