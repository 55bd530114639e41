"""Entropy, divergence and mutual information (互信息) of tables and of Normals, exactly. In nats.

A table holds the probabilities of a discrete distribution. Derived in
notebooks/16_variational.ipynb, used again in notebooks/17_infomax.ipynb. NumPy only, no torch.
"""
from __future__ import annotations

import numpy as np

from .checks import as_numbers


def table(p, what: str = "p"):
    """p as float64 probabilities of any shape.

    what: how the message calls it. A sum that the rounding of float32 has moved, by up to 1e-6, is
    left as it is. ValueError for negative numbers, or another sum than 1.
    """
    p = as_numbers(p, what, finite=False)
    if (p < 0).any():
        raise ValueError(f"{what} is no table of probabilities, which are 0 or more: it holds "
                         f"{p.min():g}")
    if not (p.size and (p >= 0).all() and abs(p.sum() - 1) < 1e-6):
        raise ValueError(f"{what} is no table of probabilities: numbers of 0 or more that sum to "
                         f"1, not {p.sum():.9g}; divide it by its sum")
    return p


def normalised_rows(mass, otherwise):
    """Each row of masses ≥ 0 divided by its sum: (..., k) -> (..., k).

    From a joint table this is the conditional distribution, p(z | x) = p(x, z) / Σ_z p(x, z).
    otherwise: (..., k) or (k,), what stands where a row holds only 0. ValueError for masses below 0
    or not finite.
    """
    mass = as_numbers(mass, "mass")
    otherwise = as_numbers(otherwise, "otherwise")
    try:
        np.broadcast_to(otherwise, mass.shape)
    except ValueError as error:
        raise ValueError(f"otherwise has shape {otherwise.shape}, which is no row of masses "
                         f"{mass.shape}") from error
    if mass.ndim < 1 or (mass < 0).any():
        raise ValueError(f"masses (..., k) are 0 or more, and these of shape {mass.shape} fall to "
                         f"{mass.min(initial=0):g}")
    total = mass.sum(-1, keepdims=True)                                           # (..., 1)
    safe = np.where(total > 0, total, 1)                       # np.where divides in every row
    return np.where(total > 0, mass / safe, otherwise)


def entropy(p) -> float:
    """H = -Σ p log p, with 0 log 0 = 0: a table of any shape, from 0 to log(number of entries)."""
    p = table(p)
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def discrete_kl(p, q) -> float:
    """KL(p ‖ q) = Σ p log(p/q) of two tables of one shape; ∞ where q is 0 and p is not.

    ValueError for tables of unlike shape.
    """
    p, q = table(p), table(q, "q")
    if p.shape != q.shape:
        raise ValueError(f"tables of one shape are compared, not {p.shape} and {q.shape}")
    there = p > 0
    with np.errstate(divide="ignore"):                         # -log 0 = ∞ is the answer
        return float((p[there] * (np.log(p[there]) - np.log(q[there]))).sum())


def mutual_information(joint) -> float:
    """I(x; z) = KL(p(x, z) ‖ p(x) p(z)) of a table p(x, z), (n, k): from 0 to min(H(x), H(z)).

    ValueError for what is no such table.
    """
    joint = table(joint, "joint")
    if joint.ndim != 2:
        raise ValueError(f"a joint law of x and z is a table (n, k), not of shape {joint.shape}")
    return discrete_kl(joint, joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True))


def gaussian_information(rho):
    """I = -½ log(1 - ρ²) of two Normal numbers with correlation ρ: any shape -> same shape.

    ∞ at ρ = ±1; ValueError beyond.
    """
    rho = as_numbers(rho, "rho", finite=False)
    if not (np.abs(rho) <= 1).all():
        raise ValueError(f"a correlation lies between -1 and 1, not at {rho}")
    with np.errstate(divide="ignore"):
        return np.abs(np.log1p(-rho ** 2) / 2)[()]             # abs, not a minus: 0 and never -0


def gaussian_kl(mean, covariance, mean2=None, covariance2=None) -> float:
    """KL(N(mean, covariance) ‖ N(mean2, covariance2)); by default to N(0, I).

    ½ [tr(C'⁻¹ C) + (m' - m)ᵀ C'⁻¹ (m' - m) - k - log det C / det C']; means (k,), covariances
    (k, k), or numbers on the line. ∞ for a singular covariance. ValueError for shapes that do not
    fit, a negative variance, or a singular covariance2.
    """
    m = np.atleast_1d(as_numbers(mean, "mean"))
    C = np.atleast_2d(as_numbers(covariance, "covariance"))
    k = len(m)
    m2 = np.zeros(k) if mean2 is None else np.atleast_1d(as_numbers(mean2, "mean2"))
    C2 = (np.eye(k) if covariance2 is None
          else np.atleast_2d(as_numbers(covariance2, "covariance2")))
    if not (k and m.ndim == 1 and m2.shape == (k,) and C.shape == C2.shape == (k, k)):
        raise ValueError(f"means {m.shape}, {m2.shape} and covariances {C.shape}, {C2.shape} do "
                         "not fit together")
    log_det, log_det2 = _log_det(C), _log_det(C2)
    if log_det2 == -np.inf:
        raise ValueError("covariance2 is singular: a law on a plane has no density to compare "
                         "with; add noise to it")
    apart = m2 - m
    inside = np.trace(np.linalg.solve(C2, C)) + apart @ np.linalg.solve(C2, apart)
    return float((inside - k - log_det + log_det2) / 2)


def _log_det(C) -> float:
    """log det C, -∞ where it is singular: (k, k) -> a number.

    ValueError unless C is symmetric and positive semi-definite.
    """
    values = np.linalg.eigvalsh(C)                             # (k,), increasing
    # what rounding makes of a variance of 0 may be slightly negative
    # a size of its own for what counts as equal: variances may all be tiny
    alike = np.allclose(C, C.T, atol=1e-8 * min(1, abs(C).max()))
    if not alike or values[0] < -1e-12 * max(abs(values[-1]), 1e-300):
        raise ValueError("no covariance: it must be symmetric without negative variances, and has "
                         f"{values[0]:g}")
    if not values[0] > 1e-15 * values[-1]:
        return -np.inf
    return float(np.log(values).sum())
