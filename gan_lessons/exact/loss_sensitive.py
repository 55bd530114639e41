"""Margin (间隔) and slack (松弛变量): the support vector machine, and the best loss function of the LS-GAN.

Both are solved exactly, as a quadratic and as a linear program. SciPy only, no torch. Derived in
notebooks/09_loss_sensitive.ipynb; the game itself is in objectives/loss_sensitive.py.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog, minimize
from scipy.sparse import csr_array, hstack, identity, vstack


class SVM(NamedTuple):
    """f(x) = w·x + b, one slack per sample, and ½‖w‖² + C Σ slack; the street is 2 / ‖w‖ wide."""

    w: np.ndarray
    b: float
    slack: np.ndarray
    value: float


def svm(x, y, C: float = np.inf) -> SVM:
    """min ½‖w‖² + C Σ ξᵢ subject to yᵢ (w·xᵢ + b) ≥ 1 - ξᵢ and ξᵢ ≥ 0; for C = ∞ no slack is allowed.

    x: (n, d), y: (n,) of +1 and -1, both present. Cortes & Vapnik 1995; with slack the sum, not the mean.
    ValueError for C ≤ 0, other labels, and C = ∞ where no hyperplane separates the samples.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if not C > 0:
        raise ValueError(f"C = {C}: the price of slack is positive; C = np.inf allows none")
    if x.ndim != 2 or y.shape != x.shape[:1] or set(y) != {-1., 1.}:
        raise ValueError(f"x is (n, d) with labels y (n,) of +1 and -1, both present, not {x.shape} and {y.shape}")
    (n, d), centre, size, soft = x.shape, x.mean(0), np.abs(x - x.mean(0)).max(), np.isfinite(C)
    street = y[:, None] * np.column_stack([(x - centre) / size, np.ones(n)])         # yᵢ f(xᵢ) = street @ (w, b)
    rows = np.hstack([street, np.eye(n)]) if soft else street
    price = np.r_[np.zeros(d + 1), np.full(n if soft else 0, C * size**2)]
    bounds = [(None, None)] * (d + 1) + [(0, None)] * (n if soft else 0)
    start = np.r_[np.zeros(d + 1), np.ones(n)]
    if not soft:
        inside = linprog(price, A_ub=-rows, b_ub=-np.ones(n), bounds=bounds)
        if inside.status == 2:
            raise ValueError("no hyperplane separates the samples: allow slack with a finite C")
        start = inside.x
    unit = max(1, price[-1])
    found = minimize(lambda v: (v[:d] @ v[:d] / 2 + price @ v) / unit, start, method="SLSQP",
                     jac=lambda v: (np.r_[v[:d], np.zeros(len(v) - d)] + price) / unit, bounds=bounds,
                     constraints=dict(type="ineq", fun=lambda v: rows @ v - 1, jac=lambda v: rows),
                     options=dict(ftol=1e-16, maxiter=1000))
    w, b = found.x[:d] / size, found.x[d] - found.x[:d] @ centre / size
    slack = np.maximum(0, 1 - y * (x @ w + b)) if soft else np.zeros(n)
    return SVM(w, float(b), slack, float(w @ w / 2 + (C * slack.sum() if soft else 0)))


def distances(x, x_fake, p: float = 1.0) -> np.ndarray:
    """‖xᵢ - x'ⱼ‖_p for every pair, the sum over coordinates and not their mean: (n, d), (m, d) -> (n, m)."""
    return np.linalg.norm(_points(x)[:, None] - _points(x_fake)[None], ord=p, axis=2)


@dataclass(frozen=True)
class BestLoss:
    """The values of the best loss function at the samples, and how far every function that fits them can reach.

    points: (k, d), the distinct places; values: (k,) · real: (n,), fake: (m,): the values at x and x_fake
    slack: (n, m), or (n,) for matched pairs: what each lacks of its margin · value: the smallest S.
    """

    points: np.ndarray
    values: np.ndarray
    real: np.ndarray
    fake: np.ndarray
    slack: np.ndarray
    value: float
    margin: Callable
    kappa: float

    def lower(self, t):
        """max(0, maxᵢ lᵢ - kappa Δ(t, xᵢ)): no l ≥ 0 of this Lipschitz constant lies lower. (m, d) -> (m,)."""
        return np.maximum(0, (self.values - self._reach(t)).max(1))

    def upper(self, t):
        """minᵢ lᵢ + kappa Δ(t, xᵢ): no l of this Lipschitz constant lies higher. (m, d) -> (m,)."""
        return (self.values + self._reach(t)).min(1)

    def _reach(self, t):
        if not np.isfinite(self.kappa):
            raise ValueError("kappa is infinite, so l may do as it likes between the samples: there are no cones")
        return self.kappa * self.margin(_points(t), self.points)


def best_loss(x, x_fake, *, margin=distances, weight: float = 1.0, first: float = 1.0, kappa: float = np.inf,
              pairs: str = "all", mass=None, mass_fake=None) -> BestLoss:
    """The l ≥ 0 that minimises S = first · E l(x) + weight · E (Δ(x, x') + l(x) - l(x'))₊ over samples, by a linear program.

    margin: Δ for all pairs, (n, d), (m, d) -> (n, m) · kappa: |l(x) - l(x')| ≤ kappa Δ(x, x') between any two samples;
    ∞ asks nothing · pairs: "all" n · m, or "matched", the i-th with the i-th · mass, mass_fake: what each sample weighs,
    by default the same. x: (n, d) real, x_fake: (m, d) fake, on the line (n,); a place that is both has one value.
    Among equally good l the lowest. Qi 2017, arXiv 1701.06264. ValueError for negative numbers or margins, and for
    samples that do not pair.
    """
    x, x_fake = _points(x), _points(x_fake)
    n, m = len(x), len(x_fake)
    if not (weight >= 0 and first >= 0 and kappa >= 0):
        raise ValueError(f"weight = {weight}, first = {first} and kappa = {kappa} must be 0 or more")
    if pairs not in ("all", "matched"):
        raise ValueError(f'pairs is "all" or "matched", not {pairs!r}')
    if pairs == "matched" and n != m:
        raise ValueError(f"{n} real and {m} fake samples do not match one to one: take as many of each, or all pairs")
    mass, mass_fake = _shares(mass, n), _shares(mass_fake, m)
    i, j = np.indices((n, m)).reshape(2, -1) if pairs == "all" else (np.arange(n), np.arange(n))
    share = mass[i] * mass_fake[j] if pairs == "all" else mass
    delta = margin(x, x_fake)[i, j]
    if (delta < 0).any():
        raise ValueError(f"a margin of {delta.min():g}: no real sample may ask to cost more than a fake; take Δ ≥ 0")
    points, where = np.unique(np.vstack([x, x_fake]), axis=0, return_inverse=True)
    k, real, fake = len(points), where.ravel()[:n], where.ravel()[n:]

    cost = np.r_[first * np.bincount(real, mass, minlength=k), weight * share]       # of the k values and the slacks
    rows = hstack([_difference(real[i], fake[j], k), -identity(len(i))])             # l(x) - l(x') - slack ≤ -Δ
    limits = -delta
    if np.isfinite(kappa):
        a, b = np.nonzero(~np.eye(k, dtype=bool))
        rows = vstack([rows, hstack([_difference(a, b, k), csr_array((len(a), len(i)))])])
        limits = np.r_[limits, kappa * margin(points, points)[a, b]]
    lowest = 1e-7 * np.r_[np.ones(k), np.zeros(len(i))]
    found = linprog(cost + lowest, A_ub=rows.tocsr(), b_ub=limits, bounds=(0, None), method="highs")
    values = np.maximum(found.x[:k], 0)
    slack = np.maximum(0, delta + values[real[i]] - values[fake[j]])
    value = float(first * mass @ values[real] + weight * share @ slack)
    return BestLoss(points, values, values[real], values[fake], slack.reshape(n, m) if pairs == "all" else slack,
                    value, margin, kappa)


def _shares(mass, n: int):
    mass = np.ones(n) if mass is None else np.asarray(mass, dtype=float)
    if mass.shape != (n,) or (mass < 0).any() or not mass.sum() > 0:
        raise ValueError(f"{n} samples need as many masses ≥ 0, not {mass}")
    return mass / mass.sum()


def _difference(a, b, k: int):
    """Rows that take l at place a minus l at place b out of k values: (r,), (r,) -> (r, k)."""
    r = np.arange(len(a))
    return csr_array((np.r_[np.ones(len(a)), -np.ones(len(a))], (np.r_[r, r], np.r_[a, b])), shape=(len(a), k))


def _points(x):
    x = np.asarray(x, dtype=float)
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or not len(x):
        raise ValueError(f"samples are (n, d) or, on the line, (n,), not {x.shape}")
    return x
