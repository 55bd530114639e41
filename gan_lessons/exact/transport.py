"""The earth mover distance W₁ (推土机距离): its plan, its potentials, its quantiles and its dual.

Between discrete distributions, real points with weights p (n,) and fake ones with weights q (m,),
and between laws on the line. Weights are ≥ 0 and sum to 1; where they may be left out, every point
weighs the same. Derived in notebooks/05_transport.ipynb. Kantorovich 1942; Villani 2003, Topics in
Optimal Transportation. NumPy and SciPy, no torch.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import linear_sum_assignment, linprog
from scipy.sparse import csc_array
from scipy.spatial.distance import cdist
from scipy.special import ndtr

from .checks import as_numbers, as_points, check_count, fits, told
from .laws import Normal
from .quadrature import WHOLE, check_whole, expectation, nodes, panels, sign_changes

# -- points anywhere: the plan and its potentials ------------------------------------------------


@dataclass(frozen=True, eq=False)
class Plan:
    """A best plan and the potentials that prove it best.

    moved: (n, m), moved[i, j] ≥ 0 goes between real point i and fake point j; rows sum to p,
    columns to q · cost: Σ moved · cost, the least there is · f (n,), h (m,): the two potentials,
    f_i + h_j ≤ cost_ij with equality where moved > 0, so that Σ p f + Σ q h = cost. The mean of f
    under p is 0 and what is left stands in h.
    """

    moved: np.ndarray
    cost: float
    _potentials: Callable                       # () -> f, h; asked once, when one of them is wanted

    @cached_property
    def _pair(self):
        return self._potentials()

    f = property(lambda self: self._pair[0])
    h = property(lambda self: self._pair[1])


def plan(p, q, cost) -> Plan:
    """The least Σ γ_ij cost_ij over γ ≥ 0 with row sums p and column sums q: (n,), (m,), (n, m).

    A linear program with n + m equations, solved by HiGHS; 200 × 200 points take under a second.
    As many fake as real points, all of one weight, are sent each to one other by a best plan: from
    `MATCHED` points on that assignment is found, in milliseconds, and the potentials are solved for
    when they are asked for.
    Any cost: distances give W₁, squared distances W₂². A mass below 1e-10 may be left out.
    ValueError for weights or shapes that do not
    fit and for a cost that is not finite, RuntimeError where HiGHS fails.
    """
    p, q, cost = _weights(p, "p"), _weights(q, "q"), as_numbers(cost, "cost", finite=False)
    n, m = len(p), len(q)
    if cost.shape != (n, m):
        raise ValueError(f"cost has shape {cost.shape}; {n} real and {m} fake points need "
                         f"({n}, {m}), row i for point i of p")
    if not np.isfinite(cost).all():
        raise ValueError("cost must be finite: forbid a pair by a large number, not by inf")
    if n == m >= MATCHED and (p == p[0]).all() and (q == p[0]).all():
        # Birkhoff: the corners of these plans are the permutations, so one of them is best
        moved = np.zeros((n, n))                                                  # (n, n)
        moved[linear_sum_assignment(cost)] = p[0]
        return Plan(moved, float((moved * cost).sum()), lambda: _solved(p, q, cost)[1:])
    moved, f, h = _solved(p, q, cost)
    return Plan(moved, float((moved * cost).sum()), lambda: (f, h))


MATCHED = 25        # fewer points: the program is as fast, and of several best plans it shows one


def _solved(p, q, cost):
    """The linear program of `plan`: moved (n, m) and the potentials (n,), (m,)."""
    n, m = len(p), len(q)
    # The solver's tolerances are absolute: costs are scaled to 1, and masses by n + m
    scale = max(np.abs(cost).max(), 1e-300)
    # One unknown a pair, γ_ij at i m + j. The rows of A are the n equations Σ_j γ_ij = p_i, then
    # the m equations Σ_i γ_ij = q_j; so every column holds two ones, at i and at n + j.
    row, column = np.divmod(np.arange(n * m), m)                                  # (n m,)
    places = np.stack([row, n + column], 1).ravel()                               # (2 n m,)
    A = csc_array((np.ones(2 * n * m), places, np.arange(0, 2 * n * m + 1, 2)))
    for exact in ({}, dict(primal_feasibility_tolerance=1e-10)):
        found = linprog(cost.ravel() / scale, A_eq=A, b_eq=np.concatenate([p, q]) * (n + m),
                        method="highs-ds",
                        options=dict(presolve=False, dual_feasibility_tolerance=1e-10) | exact)
        if found.status:
            raise RuntimeError(f"the linear program was not solved: {found.message}")
        moved = np.clip(found.x, 0, None).reshape(n, m) / (n + m)                 # (n, m)
        # a mass below the usual tolerance, 1e-7, may have stayed where it was
        if max(abs(moved.sum(1) - p).max(), abs(moved.sum(0) - q).max()) < 1e-12:
            break
    f, h = np.split(found.eqlin.marginals * scale, [n])                           # (n,), (m,)
    # one potential may rise by what the other falls: f is the one that has mean 0
    return moved, f - p @ f, h + p @ f


def potential_critic(x_fake, h):
    """x -> f(x) = min_j |x - x̃_j| - h_j, a critic that is 1-Lipschitz everywhere; (k, d) -> (k,).

    x_fake (m, d), or (m,) on the line; h (m,) a potential of the plan with cost |x - x̃|. Then f is
    a best critic: Σ p f(x) - Σ q f(x̃) is the cost of the plan. For h that is not best it is less
    (weak duality). ValueError for shapes that do not fit and numbers that are not finite.
    """
    x_fake, h = as_points(x_fake, least=1), as_numbers(h, "h")
    if h.shape != (len(x_fake),):
        raise ValueError(f"h has shape {h.shape}; {len(x_fake)} fake points need "
                         f"({len(x_fake)},)")

    def critic(x):
        x = as_points(x)
        if x.shape[1] != x_fake.shape[1]:
            raise ValueError(f"points of {x.shape[1]} numbers, and the fakes have "
                             f"{x_fake.shape[1]}")
        return (cdist(x, x_fake) - h).min(1)
    return critic


def projected_bound(p, q, places, directions=8):
    """(a, k), (b, k), (k, 2) -> (a, b): a lower bound of W₁ between each row of p and each of q.

    A row is a distribution on the same k places of the plane. Project the places on a line: a
    best critic of what one sees there is 1-Lipschitz in the plane too, so it is a feasible critic.
    The largest of `directions` bounds is kept. No linear program: on a line W₁ is a distance
    between running sums. ValueError for other shapes, and for rows that are no distributions.
    """
    check_count("directions", directions, most=10_000)
    p, q, places = (as_numbers(v, name) for v, name in ((p, "p"), (q, "q"), (places, "places")))
    in_plane = places.ndim == p.ndim == q.ndim == 2 and places.shape[1] == 2
    if not (in_plane and p.shape[1:] == q.shape[1:] == (len(places),)):
        raise ValueError(f"distributions {p.shape} and {q.shape} on places {places.shape}: they "
                         "are (a, k), (b, k) and (k, 2)")
    for name, rows in dict(p=p, q=q).items():
        if not ((rows >= 0).all() and (abs(rows.sum(1) - 1) < 1e-6).all()):
            raise ValueError(f"a row of {name} is no distribution: numbers of 0 or more that sum "
                             "to 1")
    angles = np.pi * np.arange(directions) / directions
    bounds = np.zeros((len(p), len(q)))
    for direction in np.stack([np.cos(angles), np.sin(angles)], 1):               # (2,)
        seen = places @ direction                                                 # (k,)
        order = np.argsort(seen)
        # F at each place, times the way to the next one: ∫ |F - G| is then an L₁ distance
        gaps = np.diff(seen[order])                                               # (k - 1,)
        running = [np.cumsum(masses[:, order], 1)[:, :-1] * gaps for masses in (p, q)]
        bounds = np.maximum(bounds, cdist(*running, "cityblock"))
    return bounds


# -- points on the line: quantiles ---------------------------------------------------------------


def earth_mover(x, x_fake, p=None, q=None, power=1.0):
    """W_power between points on the line: (∫₀¹ |F⁻¹(t) - G⁻¹(t)|^power dt)^(1/power).

    The power-th root is included. x (n,) and x_fake (m,) in any order, p (n,) and q (m,).
    power ≥ 1; 1 is the earth mover distance. In the units of x. ValueError for other powers,
    weights or shapes.
    """
    if not fits(power, least=1):
        raise ValueError(f"power = {power}: plans that cross cost more only for a power of 1 or "
                         "more")
    x, p, levels = _quantiles(x, p, "p")
    x_fake, q, fake_levels = _quantiles(x_fake, q, "q")
    # between two neighbouring levels of either both quantiles are constant: the integral is a sum
    t = np.sort(np.concatenate([levels, fake_levels]))                            # (n + m + 2,)
    middle, share = (t[1:] + t[:-1]) / 2, np.diff(t)                              # (n + m + 1,)
    quantile = x[np.searchsorted(levels[1:-1], middle)]
    fake_quantile = x_fake[np.searchsorted(fake_levels[1:-1], middle)]
    apart = np.abs(quantile - fake_quantile)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        total = share @ apart ** power
    if not 1e-290 < total < 1e290 and (largest := apart[share > 0].max()) > 0:
        # a large power leaves the range of floats: the largest way is taken out of the sum
        with np.errstate(under="ignore"):
            return np.float64(largest * (share @ (apart / largest).clip(0, 1) ** power)
                              ** (1 / power))
    return np.float64(total ** (1 / power))


def monotone_plan(x, x_fake, p=None, q=None):
    """(n,), (m,) -> (n, m): the plan without crossings, which moves the lowest to the lowest.

    On the line it is best for every power ≥ 1; x and x_fake are in any order. ValueError as in
    `earth_mover`.
    """
    x, x_fake = as_numbers(x, "x", finite=False), as_numbers(x_fake, "x_fake", finite=False)
    _, p, level = _quantiles(x, p, "p")
    _, q, fake_level = _quantiles(x_fake, q, "q")
    # both sorted: i and j share the levels between the larger bottom and the smaller top
    top = np.minimum.outer(level[1:], fake_level[1:])                             # (n, m)
    bottom = np.maximum.outer(level[:-1], fake_level[:-1])                        # (n, m)
    order, fake_order = np.argsort(x, kind="stable"), np.argsort(x_fake, kind="stable")
    moved = np.empty((len(x), len(x_fake)))
    moved[np.ix_(order, fake_order)] = np.clip(top - bottom, 0, None)
    return moved


# -- laws on the line: exact ---------------------------------------------------------------------


def cdf_difference(p, q):
    """x -> F(x) - G(x), how much more of p than of q lies below x. Any shape -> same shape.

    Right to the last digits in both tails. ValueError for laws without a distribution function.
    """
    for name, law in dict(p=p, q=q).items():
        if isinstance(law, type) or getattr(law, "dim", None) != 1 or not (
                hasattr(law, "cdf") and hasattr(law, "sf")):
            raise ValueError(f"{name} = {law!r} has no distribution function: use laws on the "
                             "line with cdf and sf, or samples and plan(...)")

    def difference(x):
        below, below_fake = p.cdf(x), q.cdf(x)
        # F - G = (1 - G) - (1 - F): subtract the two that are small
        return np.where(below + below_fake < 1, below - below_fake, q.sf(x) - p.sf(x))
    return difference


def pieces(p, q):
    """Borders (m,) of pieces of the line on which F - G keeps its sign, and that sign (m - 1,)."""
    difference = cdf_difference(p, q)
    edges = panels(p, q)                                       # between two F - G is monotone
    check_whole(p, q)
    edges = np.unique(np.concatenate([edges, sign_changes(difference, edges)]))
    for law in (p, q):
        _check_distribution(law, edges)
    return edges, np.sign(difference((edges[1:] + edges[:-1]) / 2))


def _check_distribution(law, x):
    """ValueError unless cdf goes from 0 to 1 over the points x (m,), and sf from 1 to 0."""
    below, above = np.asarray(law.cdf(x)), np.asarray(law.sf(x))
    ends = np.abs([below[0], above[-1]]).max()
    whole = np.abs(below + above - 1).max() < WHOLE and ends < WHOLE
    if not whole or (np.diff(below) < -WHOLE).any():
        raise ValueError(f"cdf and sf of {told(law)} are no shares of a law below and above x: "
                         "cdf rises from 0 to 1 between its edges, and sf is 1 - cdf")


def wasserstein_1(p, q) -> float:
    """W₁(p, q) = ∫ |F - G| dx, the earth mover distance of two laws on the line, in the units of x.

    By quadrature between the points where F = G. ValueError for laws without a distribution
    function.
    """
    edges, sign = pieces(p, q)
    x, weight = nodes(edges)
    areas = (weight * cdf_difference(p, q)(x)).reshape(len(sign), -1).sum(1)      # (m - 1,)
    return float(sign @ areas)


def wasserstein_1_slope(p, q) -> float:
    """d W₁ / d theta = E_q sign(F - G), when q is shifted by theta.

    It is the share of q that lies too far right, less the share that lies too far left. Of q alone:
    it needs no score and no density. Where F = G on a stretch that carries mass, W₁ has a kink
    there and this is the middle of both slopes.
    """
    edges, sign = pieces(p, q)
    return float(sign @ np.diff(q.cdf(edges)))


def best_critic(p, q):
    """x -> f*(x) with E_p f* - E_q f* = W₁(p, q). Any shape -> same shape.

    High on real and 1-Lipschitz: slope 1 where F < G, -1 where F > G, and 0 where F = G, where no
    slope gains anything. The constant is the one with (E_p + E_q) f* = 0.
    """
    edges, sign = pieces(p, q)
    heights = np.concatenate([[0.0], np.cumsum(-sign * np.diff(edges))])          # f* at the edges
    # Beyond the last panel f* goes on as on the last piece where F ≠ G: a law's cdf may be exactly
    # 0 or 1 there, and then the sign is 0
    first, last = [np.concatenate([s[s != 0], [0.0]])[0] for s in (sign, sign[::-1])]

    def critic(x):
        x = as_numbers(x, "x", finite=False)
        beyond = first * np.clip(edges[0] - x, 0, None) - last * np.clip(x - edges[-1], 0, None)
        return np.interp(x, edges, heights) + beyond

    middle = (expectation(p, critic, edges) + expectation(q, critic, edges)) / 2
    return lambda x: critic(x) - middle


# -- Normals: closed forms -----------------------------------------------------------------------


def normal_w1(p, q) -> float:
    """W₁ of two Normals on the line: E|X| for X ~ N(Δ, s²), Δ = |mean - mean'|, s = |sd - sd'|.

    That is √(2/π) s exp(-Δ²/2s²) + Δ (1 - 2Φ(-Δ/s)). ValueError for other laws and dimensions.
    """
    _check_normals(p, q)
    if p.dim > 1:
        raise ValueError(f"in {p.dim} dimensions W₁ of two Normals has no closed form; normal_w2 "
                         "has one")
    gap, s = float(abs(p.mean - q.mean)), abs(p.sd - q.sd)
    if s == 0:
        return gap
    bell = np.sqrt(2 / np.pi) * s * np.exp(-(gap / s) ** 2 / 2)
    return float(bell + gap * (1 - 2 * ndtr(-gap / s)))


def normal_w2(p, q) -> float:
    """W₂ of two Normals N(mean, sd² I): √(|mean - mean'|² + dim (sd - sd')²).

    Costs are squared distances, and the root is taken. ValueError for other laws.
    """
    _check_normals(p, q)
    gap = np.broadcast_to(p.mean - q.mean, p.dim)
    return float(np.sqrt(gap @ gap + p.dim * (p.sd - q.sd) ** 2))


# -- checks --------------------------------------------------------------------------------------


def _check_normals(p, q):
    if not (isinstance(p, Normal) and isinstance(q, Normal) and p.dim == q.dim):
        raise ValueError("this closed form is for two Normals of one dimension, not "
                         f"{p!r} and {q!r}")


def _weights(p, name, n=None):
    """Checked weights (n,) as float64; equal ones for None."""
    if p is None and n is not None:
        return np.full(n, 1 / n)
    p = as_numbers(np.nan if p is None else p, name, finite=False)
    if p.ndim != 1 or not p.size or n not in (None, len(p)):
        raise ValueError(f"{name} has shape {p.shape}; weights are (n,), one for each point"
                         + (f", here ({n},)" if n else ""))
    if not (p >= 0).all():
        raise ValueError(f"{name} holds {p.min():g}: a pile cannot weigh less than nothing; clip "
                         "the weights at 0")
    if not abs(p.sum() - 1) <= 1e-6:                           # weights may come in float32
        raise ValueError(f"{name} sums to {p.sum():.9g}: "
                         "a plan needs two samples of the same weight; "
                         f"divide by {name}.sum()")
    return p / p.sum()


def _quantiles(x, p, name):
    """Sorted points (n,), their weights (n,), and the levels 0 = t_0 ≤ … ≤ t_n = 1 (n + 1,).

    Point i of the sorted ones is the quantile between levels i and i + 1.
    """
    x = as_numbers(x, "points on the line", finite=False)
    if x.ndim != 1 or not x.size:
        raise ValueError(f"points on the line have shape (n,), not {x.shape}: flatten (n, 1), and "
                         "use plan(...) in the plane")
    if not np.isfinite(x).all():
        raise ValueError("the points hold nan or inf")
    if abs(x).max() > 1e300:
        raise ValueError(f"points as far out as {abs(x).max():g} are too far apart for floats: "
                         "rescale them")
    order, p = np.argsort(x, kind="stable"), _weights(p, name, len(x))
    levels = np.concatenate([[0.0], np.cumsum(p[order])])
    levels[-1] = 1.0                                           # a running sum misses it by rounding
    return x[order], p[order], levels
