"""Maximum mean discrepancy (最大均值差异) of laws on the line: best critic, value, estimate.

    MMD² = E k(x, x') + E k(y, y') - 2 E k(x, y),   x, x' ~ p and y, y' ~ q

is the largest gap E_p f - E_q f of a critic of norm 1, squared. A kernel is a function of NumPy,
(n, 1), (m,) -> (n, m). Derived in notebooks/22_mmd.ipynb. Gretton et al. 2012, "A kernel two-sample
test"; the energy distance is that of Székely and Rizzo. NumPy and SciPy, no torch.
"""
from __future__ import annotations

import numpy as np
from scipy.special import gammaln, ndtr

from .checks import as_numbers, check_count, check_function, fits, told
from .laws import Normal
from .quadrature import check_whole, expectation, masses, nodes
from .transport import cdf_difference, pieces

SHAPE = "(n, 1), (m,) -> (n, m)"
LEAST = 1e-18                       # nodes that carry less mass are left out of double integrals


def gaussian(bandwidth: float = 1.0):
    """(x, y) -> exp(-(x - y)²/2h²), broadcast. ValueError unless the bandwidth h is above 0."""
    if not fits(bandwidth, above=0):
        raise ValueError(f"bandwidth = {bandwidth!r}: the width of a kernel is a number above 0")
    return lambda x, y: np.exp(-((x - y) / bandwidth) ** 2 / 2)


# -- laws on the line ------------------------------------------------------------------------------

def _table(p, q, kernel):
    """The kernel between nodes of p and of q, (n, m), with their masses (n,), (m,)."""
    check_function("kernel", kernel, SHAPE, many=0)
    check_whole(p, q)
    (x, a), (y, b) = masses(p, least=LEAST), masses(q, least=LEAST)
    return _of_pairs(kernel, x[:, None], y), a, b


def _of_pairs(kernel, x, y):
    """The kernel of all pairs of x (n, 1) and y (m,): (n, m). TypeError for one that takes
    something else, ValueError for one that gives something else."""
    try:
        if getattr(kernel, "nin", 2) != 2:               # of NumPy: y would be its "out"
            raise TypeError(f"it takes {kernel.nin} argument")
        k = kernel(x, y)
    except TypeError as error:
        raise TypeError(f"{told(kernel)} is no kernel, a function {SHAPE}, as gaussian(1.) makes "
                        f"one ({error})") from error
    k = as_numbers(k, "kernel", finite=False)
    if k.shape != (len(x), len(y)) or not np.isfinite(k).all():
        raise ValueError(f"kernel gives shape {k.shape}, finite numbers of shape "
                         f"{(len(x), len(y))} are needed for {len(x)} and {len(y)} points")
    return k


def mean_kernel(p, q, kernel) -> float:
    """E k(x, y) over independent x ~ p and y ~ q, for a kernel that is smooth."""
    k, a, b = _table(p, q, kernel)
    return float(a @ k @ b)


def mmd2(p, q, kernel) -> float:
    """MMD²(p, q) of two laws on the line, by quadrature; the kernel is smooth, as `gaussian(h)`.

    ValueError for laws off the line and kernels that are not finite. For -|x - y|, which has a
    bend, twice `cramer` is exact.
    """
    return (mean_kernel(p, p, kernel) + mean_kernel(q, q, kernel)
            - 2 * mean_kernel(p, q, kernel))


def witness(p, q, kernel):
    """x -> E_p k(x, ·) - E_q k(x, ·), the best critic up to a positive factor; (k,) -> (k,).

    Divided by MMD it has norm 1 and the gap MMD; as it is, its gap is MMD².
    """
    check_function("kernel", kernel, SHAPE, many=0)
    check_whole(p, q)
    (x, a), (y, b) = masses(p, least=LEAST), masses(q, least=LEAST)

    def critic(at):
        at = as_numbers(at, "x")
        column = at.reshape(-1, 1)
        return (_of_pairs(kernel, column, x) @ a - _of_pairs(kernel, column, y) @ b).reshape(
            at.shape)
    return critic


def estimate_variance(p, q, kernel, n: int) -> float:
    """Var of `unbiased` for n samples of each: (4 (n - 2) ζ₁ + 2 ζ₂) / (n (n - 1)).

    ζ₁ = Var_p f + Var_q f with f the `witness`, ζ₂ = Var (k(x, x') + k(y, y') - k(x, y') -
    k(x', y)): Hoeffding's formula for a mean over pairs. ValueError for n < 2.
    """
    check_count("n", n, least=2, why="an estimate takes pairs")
    real, a, _ = _table(p, p, kernel)
    fake, b, _ = _table(q, q, kernel)
    cross, _, _ = _table(p, q, kernel)
    at_p, at_q = (real @ a, cross @ b), (cross.T @ a, fake @ b)      # E_p k, E_q k at x, at y
    one = sum(m @ (u - v) ** 2 - (m @ (u - v)) ** 2 for m, (u, v) in ((a, at_p), (b, at_q)))
    A, B, C = a @ at_p[0], b @ at_q[1], a @ at_p[1]
    square = (a @ real ** 2 @ a + b @ fake ** 2 @ b + 2 * (a @ cross ** 2 @ b) + 2 * A * B
              + 2 * C ** 2 - 4 * (a @ (at_p[0] * at_p[1])) - 4 * (b @ (at_q[0] * at_q[1])))
    two = square - (A + B - 2 * C) ** 2
    return float((4 * (n - 2) * one + 2 * two) / (n * (n - 1)))


def normal_mmd2(p, q, bandwidth: float = 1.0) -> float:
    """MMD² of two Normals N(mean, sd² I) with the Gaussian kernel, in any dimension.

    E k = (h²/v)^(dim/2) exp(-|Δ|²/2v) with v = h² + sd² + sd'². ValueError for other laws.
    """
    gaussian(bandwidth)
    if not (isinstance(p, Normal) and isinstance(q, Normal) and p.dim == q.dim):
        raise ValueError(f"this closed form is for two Normals of one dimension, not {p!r} and "
                         f"{q!r}")

    def mean(a, b):
        v = bandwidth ** 2 + a.sd ** 2 + b.sd ** 2
        gap = np.broadcast_to(np.subtract(a.mean, b.mean), a.dim)
        return (bandwidth ** 2 / v) ** (a.dim / 2) * np.exp(-(gap @ gap) / (2 * v))
    return float(mean(p, p) + mean(q, q) - 2 * mean(p, q))


def normal_mmd2_slope(distance, bandwidth: float = 1.0, sd: float = 1.0):
    """d/dθ MMD² of N(0, sd²) and N(θ, sd²), Gaussian kernel: 2 h θ v^(-3/2) exp(-θ²/2v).

    v = h² + 2 sd². Distances of any shape -> that shape. ValueError for a bandwidth and an sd that
    are not above 0.
    """
    gaussian(bandwidth)
    if not fits(sd, above=0):
        raise ValueError(f"sd = {sd!r}: the standard deviation of both laws is above 0")
    theta, v = as_numbers(distance, "distance"), bandwidth ** 2 + 2 * sd ** 2
    return 2 * bandwidth * theta / v ** 1.5 * np.exp(-theta ** 2 / (2 * v))


# -- the energy distance ---------------------------------------------------------------------------

def cramer(p, q) -> float:
    """∫ (F - G)² dx, half the energy distance 2 E|x - y| - E|x - x'| - E|y - y'|, in units of x.

    The energy distance is MMD² with the kernel -|x - y|. ValueError for laws without a distribution
    function.
    """
    edges, _ = pieces(p, q)
    x, weight = nodes(edges)
    return float(weight @ cdf_difference(p, q)(x) ** 2)


def cramer_slope(p, q) -> float:
    """d/dtheta ∫ (F - G)² dx = 2 E_q (F - G), when q is shifted by theta."""
    edges, _ = pieces(p, q)
    return 2 * expectation(q, cdf_difference(p, q), edges)


def cramer_slope_of_normals(distance):
    """2 Φ(θ/√2) - 1, `cramer_slope` of N(0, 1) and N(θ, 1): any shape -> same shape."""
    return 2 * ndtr(as_numbers(distance, "distance") / 2 ** .5) - 1


# -- samples ---------------------------------------------------------------------------------------

def unbiased(kxx, kyy, kxy) -> float:
    """The estimate of MMD² from n samples of each, tables (n, n), whose mean is MMD² itself.

    Mean of k(xᵢ, xⱼ) + k(yᵢ, yⱼ) - k(xᵢ, yⱼ) - k(xⱼ, yᵢ) over i ≠ j. ValueError for other shapes.
    """
    kxx, kyy, kxy = (as_numbers(k, name) for k, name in
                     ((kxx, "kxx"), (kyy, "kyy"), (kxy, "kxy")))
    n = len(kxx) if kxx.ndim else 0
    if n < 2 or not kxx.shape == kyy.shape == kxy.shape == (n, n):
        raise ValueError(f"tables of {kxx.shape}, {kyy.shape} and {kxy.shape}: three of (n, n), "
                         "n ≥ 2 samples of each kind")
    h = kxx + kyy - kxy - kxy.T
    return float((h.sum() - np.trace(h)) / (n * (n - 1)))


def shadow(dim: int) -> float:
    """E |ω · v| for a random direction ω of `dim` dimensions and |v| = 1: what slicing shortens.

    Γ(d/2) / (√π Γ((d + 1)/2)): 1, 0.637, 0.5, …
    """
    check_count("dim", dim)
    return float(np.exp(gammaln(dim / 2) - gammaln((dim + 1) / 2)) / np.sqrt(np.pi))
