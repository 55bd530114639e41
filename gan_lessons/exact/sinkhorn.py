"""Transport with an entropy term (熵正则化最优传输): Sinkhorn's rounds, bias, and divergence.

    OT_ε(p, q) = min_γ  Σ γ_ij cost_ij + ε KL(γ ‖ p ⊗ q),   γ ≥ 0 with row sums p, column sums q
    S_ε(p, q)  = OT_ε(p, q) - ½ OT_ε(p, p) - ½ OT_ε(q, q)

All in log space, so that a small ε does not underflow. Derived in notebooks/22_mmd.ipynb. Cuturi
2013, arXiv 1306.0895; Feydy et al. 2018, arXiv 1810.08278. NumPy and SciPy, no torch.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .checks import as_masses, as_numbers, as_points, fits
from .laws import Normal

ROUNDS, MOST = 20, 60               # rounds at each level of softness, and steps at the last


@dataclass(frozen=True, eq=False)
class Entropic:
    """The best plan and its potentials.

    moved: (n, m), moved_ij = p_i q_j exp((f_i + h_j - cost_ij)/ε) · value: OT_ε = Σ p f + Σ q h ·
    f (n,), h (m,): as in `transport.plan`, f + h = cost where all that moves moves at ε = 0.
    """

    moved: np.ndarray
    value: float
    f: np.ndarray
    h: np.ndarray


def softmin(cost, potential, masses, epsilon):
    """-ε log Σ_j masses_j exp((potential_j - cost_ij)/ε): (n, m), (m,), (m,) -> (n,).

    For ε -> 0 it is min_j (cost_ij - potential_j) over the masses above 0, a cone envelope.
    ValueError for shapes that do not fit, numbers that are none, masses that are not all 0 or more
    with one above it, and an ε that is not above 0.
    """
    cost, potential, masses = (as_numbers(given, name) for given, name in (
        (cost, "cost"), (potential, "potential"), (masses, "masses")))
    shape = cost.shape
    if not len(shape) == 2 or not shape[1:] == potential.shape == masses.shape:
        raise ValueError(f"cost {shape}, potential {potential.shape}, masses {masses.shape}: they "
                         "are (n, m), (m,) and (m,)")
    if not (masses >= 0).all() or not masses.any():
        raise ValueError(f"masses = {masses}: they are 0 or more, and one of them above it")
    if not fits(epsilon, above=0):
        raise ValueError(f"epsilon = {epsilon!r}: above 0 and finite")
    return _softmin(cost, potential, masses, epsilon)


def _softmin(cost, potential, masses, epsilon):
    """`softmin` of arrays that have been looked at."""
    with np.errstate(divide="ignore"):
        exponent = (potential - cost) / epsilon + np.log(masses)                  # (n, m)
    top = exponent.max(1)
    return -epsilon * (top + np.log(np.exp(exponent - top[:, None]).sum(1)))


def sinkhorn(p, q, cost, epsilon: float, tolerance: float = 1e-12) -> Entropic:
    """OT_ε of point masses p (n,), q (m,) at a cost (n, m): the plan and the potentials.

    Sinkhorn's rounds, f = softmin over h and h = softmin over f, from a soft ε down to the one that
    is asked for; the last digits by Newton's method on the concave dual, as the rounds themselves
    become slow where ε is small. The row sums of the plan are then p up to `tolerance` in all.
    ValueError for masses, shapes and ε that do not fit; RuntimeError where ε is so small beside the
    costs that floats cannot tell.
    """
    p, q = as_masses(p, "p"), as_masses(q, "q")
    p, q = p / p.sum(), q / q.sum()
    cost = as_numbers(cost, "cost")
    if cost.shape != (len(p), len(q)):
        raise ValueError(f"cost has shape {cost.shape}; {len(p)} real and {len(q)} fake points "
                         f"need ({len(p)}, {len(q)})")
    if not fits(epsilon, above=0):
        raise ValueError(f"epsilon = {epsilon!r}: above 0 and finite; transport.plan(p, q, cost) "
                         "is ε = 0")
    if not fits(tolerance, least=0):
        raise ValueError(f"tolerance = {tolerance!r}: how far off the row sums may be, 0 or more")
    h, soft = np.zeros(len(q)), max(float(np.ptp(cost)), epsilon)
    while True:                                 # a blunt plan is found fast, and begins a sharp one
        for _ in range(ROUNDS):
            f = _softmin(cost, h, q, soft)
            h = _softmin(cost.T, f, p, soft)
        if soft == epsilon:
            break
        soft = max(soft / 2, epsilon)
    return _polished(p, q, cost, epsilon, f, tolerance)


def _polished(p, q, cost, epsilon, f, tolerance) -> Entropic:
    """Newton's method on f -> p f + q h(f), h(f) = softmin over f, a concave function."""
    def at(f):
        h = _softmin(cost.T, f, p, epsilon)
        return p @ f + q @ h, h

    value, h = at(f)
    damping = 1e-14
    for _ in range(MOST):
        moved = p[:, None] * q * np.exp((f[:, None] + h - cost) / epsilon)        # columns sum to q
        rows = moved.sum(1)
        if np.abs(rows - p).sum() <= tolerance:
            break
        # minus the Hessian, times ε, is diag(rows) - γ diag(1/q) γᵀ; both sides scaled by √rows,
        # and the constant, which no value sees, held by one more square
        root = np.sqrt(np.maximum(rows, 1e-300))
        half = moved / root[:, None] / np.sqrt(np.maximum(q, 1e-300))
        matrix = np.eye(len(p)) - half @ half.T + np.outer(root, root)
        # parts of the plan that hardly meet make the matrix singular: then the step is damped
        while damping < 1e6:
            step = epsilon * np.linalg.solve(matrix + damping * np.eye(len(p)), (p - rows) / root)
            new_value, new_h = at(f + step / root)
            if new_value >= value - 1e-15 * abs(value):
                break
            damping = 10 * damping
        # a round of Sinkhorn never lowers the value, and mends rows of little mass
        f, damping = _softmin(cost, new_h, q, epsilon), max(damping / 100, 1e-14)
        value, h = at(f)
    else:
        if np.abs(rows - p).sum() > 1e-6:
            raise RuntimeError(f"ε = {epsilon:g} beside costs up to {cost.max():g} was not solved: "
                               "take a larger ε, or transport.plan for ε = 0")
    return Entropic(moved, float(value), f, h)


def sinkhorn_divergence(p, q, x, x_fake, epsilon: float, power: float = 1.0) -> float:
    """S_ε of point masses p (n,) at x (n, d) and q (m,) at x_fake (m, d), cost |x - x̃|^power.

    0 for equal distributions and above 0 for others (Feydy et al. 2018, theorem 1, for powers 1 and
    2). For ε -> 0 it is the transport cost, for ε -> ∞ half of MMD² with the kernel -cost.
    """
    from scipy.spatial.distance import cdist
    if not fits(power, least=1, most=2):
        raise ValueError(f"power = {power!r}: from 1 to 2, for which -|x - y|^power is a kernel")
    x, x_fake = as_points(x, least=1), as_points(x_fake, least=1)
    if x.shape[1] != x_fake.shape[1]:
        raise ValueError(f"real points have {x.shape[1]} numbers each, fake ones "
                         f"{x_fake.shape[1]}: both lie in one space")
    value = lambda a, b, at, to: sinkhorn(a, b, cdist(at, to) ** power, epsilon).value
    return (value(p, q, x, x_fake) - value(p, p, x, x) / 2 - value(q, q, x_fake, x_fake) / 2)


def divergence_slope(p, q, x, x_fake, epsilon: float) -> float:
    """d S_ε/dtheta = Σ γ_ij sign(x̃_j - x_i), points on the line, when all fakes move by theta.

    The plan may be held, by the envelope theorem, and OT_ε(q, q) does not feel a shift: what is
    left is the mass that comes from the right less that from the left.
    """
    x, x_fake = as_numbers(x, "x"), as_numbers(x_fake, "x_fake")
    if x.ndim != 1 or x_fake.ndim != 1:
        raise ValueError(f"points on the line are (n,) and (m,), not {x.shape} and {x_fake.shape}")
    away = x_fake - x[:, None]                                                    # (n, m)
    return float((sinkhorn(p, q, np.abs(away), epsilon).moved * np.sign(away)).sum())


# -- Normals and squared distances: closed forms ---------------------------------------------------

def normal_entropic(p, q, epsilon: float) -> float:
    """OT_ε of two Normals on the line, cost (x - y)²: Δ² + s² + t² - 2 s t ρ - ε/2 log(1 - ρ²).

    The best plan is a Normal of correlation ρ, with ρ/(1 - ρ²) = 2 s t/ε. Janati et al. 2020,
    arXiv 2006.02572, in all dimensions. ValueError for other laws and ε that is not above 0.
    """
    if not (isinstance(p, Normal) and isinstance(q, Normal) and p.dim == q.dim == 1):
        raise ValueError(f"this closed form is for two Normals on the line, not {p!r} and {q!r}")
    if not fits(epsilon, above=0):
        raise ValueError(f"epsilon = {epsilon!r}: above 0 and finite")
    rho = _correlation(p.sd * q.sd, epsilon)
    return float((p.mean - q.mean) ** 2 + p.sd ** 2 + q.sd ** 2 - 2 * p.sd * q.sd * rho
                 - epsilon / 2 * np.log1p(-rho ** 2))


def _correlation(st, epsilon):
    """ρ with ρ/(1 - ρ²) = 2 st/ε: the positive root of 2 st ρ² + ε ρ - 2 st = 0."""
    return 4 * st / (epsilon + np.sqrt(epsilon ** 2 + 16 * st ** 2))
