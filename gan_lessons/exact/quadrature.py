"""Integrals along the line: the one place with panels, nodes, expectations and bisection.

Gauss-Legendre with 24 nodes on panels between which everything is smooth is exact to about 1e-14.
Used from notebooks/01_minimax.ipynb on. NumPy only, no torch.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np

from .checks import as_numbers, check_count, check_flag, check_function, fits, told
from .laws import log_ratio

ORDER = 24                                                     # nodes on a panel
WHOLE = 1e-5                                                   # what a law's mass may miss of 1
_legendre = lru_cache(np.polynomial.legendre.leggauss)


def on_the_line(**laws):
    """ValueError, by its name, for what is no law on the line with edges: `on_the_line(p=p)`.

    Integrals along the line of a law in the plane would be those of another law.
    """
    for name, law in laws.items():
        if isinstance(law, type) or getattr(law, "dim", None) != 1 or not all(
                hasattr(law, part) for part in ("logpdf", "edges")):
            raise ValueError(f"{name} = {law!r}: integrals need a law on the line with dim = 1, "
                             "logpdf and edges(), such as Normal(0, 1); in the plane compare "
                             "samples")


def nodes(edges, order: int = ORDER):
    """Nodes and weights on the panels between neighbouring edges: (m,) -> two (order (m - 1),).

    Σ weight · h(x) is ∫ h dx from the first edge to the last, exactly for polynomials of a degree
    below 2 · order on every panel. Units: x and weight in those of the edges. ValueError for fewer
    than two edges or such that are not finite.
    """
    check_count("order", order, most=1000)
    points, shares = _legendre(order)                          # on [-1, 1]
    edges = as_numbers(edges, "edges")
    if edges.ndim != 1 or len(edges) < 2:
        raise ValueError(f"edges of panels are two numbers or more, not of shape {edges.shape}")
    if (np.diff(edges) < 0).any():
        raise ValueError("edges of panels rise, from left to right: np.sort(edges)")
    half = np.diff(edges)[:, None] / 2                         # (m - 1, 1)
    centre = (edges[1:] + edges[:-1])[:, None] / 2             # (m - 1, 1)
    x, weight = centre + half * points, half * shares          # (m - 1, order)
    return x.ravel(), weight.ravel()                           # panel by panel


def expectation(law, h, edges=None) -> float:
    """E h(x) = ∫ p(x) h(x) dx for x ~ law on the line; h: (k,) -> (k,).

    edges: borders of the panels, by default those of the law; `panels(p, q)` where h compares two.
    A point where the law has no mass counts nothing, whatever h is there. ValueError for a law that
    is not on the line, whose density is NaN or does not integrate to 1 between the edges, and for
    an h that is NaN or gives another shape.

    What nobody can see here: h is taken for smooth on a panel, a polynomial of degree 47. Where it
    jumps or has a pole, hand over that place among the edges; a panel of a Normal, half an sd wide,
    holds five waves of a fast h and no more. An h that overflows counts as ∞.
    """
    check_function("h", h)
    x, mass = masses(law, edges)
    _check_whole(law, mass.sum())
    try:
        with np.errstate(invalid="ignore"):                    # nan is named below
            value = h(x)
    except TypeError as error:                                 # math.sin and its kind
        raise ValueError(f"h is asked for {len(x)} points at once and cannot ({error}): write it "
                         "with NumPy, np.sin in place of math.sin") from error
    if np.ma.is_masked(value):
        raise ValueError("h masks some of its values: an expectation counts them all; fill them, "
                         "as value.filled(0) does")
    value = np.asarray(value.detach() if hasattr(value, "detach") else value)
    if value.dtype.kind not in "fiub":
        raise ValueError(f"h gives {value.dtype}: real numbers have an expectation here; ask for "
                         "h(x).real and h(x).imag one by one, or write return")
    if value.shape not in ((), x.shape):
        raise ValueError(f"h gives shape {value.shape} for {len(x)} points: one number each, "
                         "(k,) -> (k,)")
    value = np.broadcast_to(value, x.shape)
    if np.isnan(value).any():
        raise ValueError(f"h is nan at x = {x[np.isnan(value)][0]:g}, where {told(law)} has mass: "
                         "it has no expectation")
    if (value == np.inf).any() and (value == -np.inf).any():
        raise ValueError("h is inf at some points and -inf at others: it has no expectation")
    return float(mass @ value)


def check_whole(*laws):
    """ValueError for a law whose density does not integrate to 1 between its edges: what lies
    beyond them no integral sees."""
    for law in laws:
        _check_whole(law, masses(law)[1].sum())


def _check_whole(law, total: float):
    if not abs(total - 1) <= WHOLE:
        raise ValueError(f"the density of {told(law)} integrates to {total:.6g} between its edges, "
                         "not to 1: normalise logpdf, and let edges() reach as far as the law does "
                         "and name the places where it bends")


def masses(law, edges=None, least: float = 0.0, order: int = ORDER):
    """Nodes and the mass p(x) dx of the law at each, those above `least`: (m,) -> (k,), (k,).

    edges: borders of the panels, by default those of the law; order: nodes on a panel. ValueError
    for a law that is not on the line, and for a density that is NaN somewhere.
    """
    on_the_line(law=law)
    if not fits(least, least=0):
        raise ValueError(f"least = {least!r}: the mass that is left out is 0 or more")
    x, weight = nodes(law.edges() if edges is None else edges, order)
    density = law.pdf(x) if hasattr(law, "pdf") else np.exp(law.logpdf(x))
    density = np.asarray(density.detach() if hasattr(density, "detach") else density)
    if density.shape not in ((), x.shape):
        raise ValueError(f"the density of {told(law)} has shape {density.shape} at {len(x)} "
                         "points: one number each, (k,) -> (k,)")
    mass = density * weight
    if np.isnan(mass).any():
        raise ValueError(f"the density of {law!r} is nan at x = {x[np.isnan(mass)][0]:g}: no "
                         "integral over it is a number")
    kept = mass > least
    return x[kept], mass[kept]


def panels(p, q):
    """Borders of panels for two laws on the line: (m,), increasing.

    Where either density bends, halfway between, and closely around each point where p = q: there a
    function of log p/q, such as a sigmoid, changes within a width of 1 / |score of p - score of q|.
    ValueError for what is no law on the line.
    """
    on_the_line(p=p, q=q)
    edges = np.unique(np.concatenate([p.edges(), q.edges()]))
    edges = np.unique(np.concatenate([edges, (edges[1:] + edges[:-1]) / 2]))
    # a panel that starts with p = q counts as well: its left border is then the point
    equal = sign_changes(log_ratio(p, q), edges, steps=48, from_zero=True)           # (j,)
    # where the scores are equal too, log p/q does not change at a width: no panels are added
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.nan_to_num(1 / np.abs(p.score(equal) - q.score(equal)), posinf=0)
    near = equal[:, None] + width[:, None] * np.arange(-40, 41, 2)                   # (j, 41)
    inside = np.concatenate([edges, near], axis=None)
    return np.unique(inside[(inside >= edges[0]) & (inside <= edges[-1])])


def sign_changes(h, edges, steps: int = 60, from_zero: bool = False):
    """Where h changes its sign between neighbouring edges: (m,) -> (j,), increasing.

    h: (k,) -> (k,), with at most one change on a panel; found, from below, to 2^-steps of it.
    from_zero: a panel on whose left border h is 0 counts as well. ValueError where h is NaN.
    """
    check_function("h", h)
    check_count("steps", steps, most=2000, why="no float can be halved more often")
    edges = as_numbers(edges, "edges")
    if edges.ndim != 1:
        raise ValueError(f"edges are (m,), not of shape {edges.shape}")
    check_flag(from_zero=from_zero)
    sign = np.sign(as_numbers(h(edges), "h of the edges", finite=False))
    if sign.shape != edges.shape:
        raise ValueError(f"h gives shape {sign.shape} for {len(edges)} points: one number each")
    if np.isnan(sign).any():
        raise ValueError(f"h is nan at x = {edges[np.isnan(sign)][0]:g}, and nan has no sign")
    changes = sign[:-1] * sign[1:] < 0
    if from_zero:
        changes |= sign[:-1] == 0
    left = sign[:-1][changes]                                                     # (j,)
    low, high = edges[:-1][changes], edges[1:][changes]
    # the change lies above x as long as h has the sign of the left border there
    def before(x):
        at = np.sign(as_numbers(h(x), "h", finite=False))
        return at == left if at.shape == left.shape else at
    return bisect(before, low, high, steps)[0]


def bisect(before, low, high, steps: int = 60):
    """Halve many brackets at once, `steps` times: (k,), (k,) -> low, high (k,), 2^-steps as wide.

    before: x (k,) -> (k,) true where the place that is sought lies above x. ValueError for brackets
    that are not finite.
    """
    check_function("before", before)
    check_count("steps", steps, most=2000, why="no float can be halved more often")
    low, high = as_numbers(low, "low"), as_numbers(high, "high")
    if low.shape != high.shape:
        raise ValueError(f"brackets from {low.shape} to {high.shape}: two of one shape")
    for _ in range(steps):
        middle = (low + high) / 2
        above = np.asarray(before(middle))
        if above.shape != middle.shape or above.dtype.kind not in "biuf":
            raise ValueError(f"before gives {above.dtype} of shape {above.shape} for places of "
                             f"shape {middle.shape}: true or false for each")
        # every bracket keeps its own half, so a mask chooses and nothing branches
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return low, high
