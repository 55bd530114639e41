"""Margin (间隔) and slack (松弛变量): the support vector machine, and the best loss of the LS-GAN.

Both are solved exactly on samples, the one as a quadratic program and the other as a linear one.
Derived in notebooks/09_loss_sensitive.ipynb; the game itself is in objectives/loss_sensitive.py.
NumPy and SciPy, no torch.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog, minimize
from scipy.sparse import csr_array, hstack, identity, vstack

from .checks import as_numbers, as_points, as_shares, check_function, fits


class SVM(NamedTuple):
    """f(x) = w·x + b, one slack per sample (n,), and value = ½‖w‖² + C Σ slack.

    The margin between f = -1 and f = 1 is 2 / ‖w‖ wide.
    """

    w: np.ndarray
    b: float
    slack: np.ndarray
    value: float


def svm(x, y, C: float = np.inf) -> SVM:
    """min ½‖w‖² + C Σ ξᵢ subject to yᵢ (w·xᵢ + b) ≥ 1 - ξᵢ and ξᵢ ≥ 0, for samples with labels.

    x: (n, d), y: (n,) of +1 and -1, both present; for C = ∞ no slack ξ is allowed. Cortes & Vapnik
    1995; with slack the sum, not the mean. ValueError for C ≤ 0, other labels, and C = ∞ where no
    hyperplane separates the samples.
    """
    x, y = as_numbers(x, "x"), as_numbers(y, "y", finite=False)
    if not fits(C, above=0, infinite=True):
        raise ValueError(f"C = {C}: the penalty on slack is positive; C = np.inf allows none")
    if x.ndim != 2 or y.shape != x.shape[:1] or set(y) != {-1., 1.}:
        raise ValueError("x is (n, d) with labels y (n,) of +1 and -1, both present, not "
                         f"{x.shape} and {y.shape}")
    C = float(C)
    (n, d), soft = x.shape, np.isfinite(C)
    # The solver's tolerances are absolute, so it sees x' = (x - centre) / size, within [-1, 1].
    # With w' = size w and b' = b + w·centre, f(x) = w'·x' + b', and the objective times size² is
    # ½‖w'‖² + C size² Σ ξᵢ. Unknown is v = (w', b') for C = ∞ and (w', b', ξ) else.
    centre, size = x.mean(0), np.abs(x - x.mean(0)).max() or 1.                   # 1 for one place
    functional = y[:, None] * np.column_stack([(x - centre) / size, np.ones(n)])  # (n, d + 1)
    free = [(None, None)] * (d + 1)                            # w' and b' have no bounds
    if soft:
        rows = np.hstack([functional, np.eye(n)])              # rows @ v = yᵢ f(xᵢ) + ξᵢ ≥ 1
        cost = np.r_[np.zeros(d + 1), np.full(n, C * size**2)]
        bounds = free + [(0, None)] * n
        start = np.r_[np.zeros(d + 1), np.ones(n)]             # f = 0 with all slack is allowed
    else:
        rows, cost, bounds = functional, np.zeros(d + 1), free
        # a linear program without a cost: any f that keeps the margin, or none
        inside = linprog(cost, A_ub=-rows, b_ub=-np.ones(n), bounds=bounds)
        if inside.status == 2:
            raise ValueError("no hyperplane separates the samples: allow slack with a finite C")
        start = inside.x
    unit = max(1, cost[-1])                                    # keeps the objective near 1
    quadratic = lambda v: (v[:d] @ v[:d] / 2 + cost @ v) / unit
    gradient = lambda v: (np.r_[v[:d], np.zeros(len(v) - d)] + cost) / unit
    margins = dict(type="ineq", fun=lambda v: rows @ v - 1, jac=lambda v: rows)
    found = minimize(quadratic, start, jac=gradient, bounds=bounds, constraints=margins,
                     method="SLSQP", options=dict(ftol=1e-16, maxiter=1000))
    w, b = found.x[:d] / size, found.x[d] - found.x[:d] @ centre / size
    if not soft:
        return SVM(w, float(b), np.zeros(n), float(w @ w / 2))
    slack = np.maximum(0, 1 - y * (x @ w + b))
    return SVM(w, float(b), slack, float(w @ w / 2 + C * slack.sum()))


def distances(x, x_fake, p: float = 1.0) -> np.ndarray:
    """‖xᵢ - x'ⱼ‖_p for every pair, the sum over coordinates and not their mean.

    (n, d), (m, d) -> (n, m), or (n,), (m,) on the line. ValueError for other shapes, no samples,
    and p < 1.
    """
    if not fits(p, least=1, infinite=True):
        raise ValueError(f"p = {p}: the p of a norm is 1 or more")
    x, x_fake = _samples_alike(x, x_fake)
    apart = x[:, None] - x_fake[None]                                             # (n, m, d)
    return np.linalg.norm(apart, ord=p, axis=2)


@dataclass(frozen=True)
class BestLoss:
    """The values of the best loss function at the samples, and how far all that fit them can reach.

    points: (k, d), the distinct places; values: (k,) · real: (n,), fake: (m,): the values at x and
    x_fake · slack: (n, m), or (n,) for matched pairs: what each lacks of its margin · value: the
    smallest S · margin, kappa: as given to `best_loss`.
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
        """max(0, maxᵢ lᵢ - kappa Δ(t, xᵢ)): no l ≥ 0 of this Lipschitz constant lies lower.

        (m, d) -> (m,). ValueError for kappa = ∞.
        """
        return np.maximum(0, (self.values - self._reach(t)).max(1))

    def upper(self, t):
        """minᵢ lᵢ + kappa Δ(t, xᵢ): no l of this Lipschitz constant lies higher.

        (m, d) -> (m,). ValueError for kappa = ∞.
        """
        return (self.values + self._reach(t)).min(1)

    def _reach(self, t):
        """kappa Δ(t, xᵢ): (m, d) -> (m, k)."""
        if not np.isfinite(self.kappa):
            raise ValueError("kappa is infinite, so l may do as it likes between the samples: "
                             "there are no cones")
        return self.kappa * self.margin(_samples(t), self.points)


def best_loss(x, x_fake, *, margin=distances, weight: float = 1.0, first: float = 1.0,
              kappa: float = np.inf, pairs: str = "all", mass=None, mass_fake=None) -> BestLoss:
    """The l ≥ 0 on samples that minimises S, by a linear program; among equally good l the lowest.

    S = first · E l(x) + weight · E (Δ(x, x') + l(x) - l(x'))₊. x: (n, d) real, x_fake: (m, d) fake,
    on the line (n,), (m,); a place that is both has one value.
    margin: Δ for all pairs, (n, d), (m, d) -> (n, m) · kappa: |l(x) - l(x')| ≤ kappa Δ(x, x')
    between any two samples; ∞ asks nothing · pairs: "all" n · m, or "matched", the i-th with the
    i-th · mass (n,), mass_fake (m,): what each sample weighs, by default the same.
    Qi 2017, arXiv 1701.06264. ValueError for negative numbers or margins, and for samples that do
    not pair; RuntimeError where the solver fails.
    """
    x, x_fake = _samples_alike(x, x_fake)
    n, m = len(x), len(x_fake)
    if not (fits(weight, least=0) and fits(first, least=0)
            and fits(kappa, least=0, infinite=True)):
        raise ValueError(f"weight = {weight}, first = {first} and kappa = {kappa} must be 0 or "
                         "more")
    check_function("margin", margin, "(n, d), (m, d) -> (n, m)", many=2)
    if pairs not in ("all", "matched"):
        raise ValueError(f'pairs is "all" or "matched", not {pairs!r}')
    if pairs == "matched" and n != m:
        raise ValueError(f"{n} real and {m} fake samples do not match one to one: take as many of "
                         "each, or all pairs")
    mass = as_shares(mass, n, word="masses")
    mass_fake = as_shares(mass_fake, m, word="masses")
    if pairs == "all":
        i, j = np.indices((n, m)).reshape(2, -1)               # (n m,) each: real i with fake j
        share = mass[i] * mass_fake[j]
    else:
        i, j, share = np.arange(n), np.arange(n), mass
    margins = as_numbers(margin(x, x_fake), "margin")
    if margins.shape != (n, m):
        raise ValueError(f"margin gives shape {margins.shape} for all pairs of {n} and {m} samples")
    delta = margins[i, j]                                      # (r,), r the number of pairs
    if (delta < 0).any():
        raise ValueError(f"a margin of {delta.min():g}: no real sample may ask to cost more than "
                         "a fake; take Δ ≥ 0")
    points, where = np.unique(np.vstack([x, x_fake]), axis=0, return_inverse=True)
    k, real, fake = len(points), where.ravel()[:n], where.ravel()[n:]     # numbers of the places

    # The unknowns are l at the k places and a slack for each of the r pairs, all ≥ 0; a slack that
    # costs something is as small as its row allows: (Δ + l(x) - l(x'))₊.
    # A row for each pair: l(x) - l(x') - slack ≤ -Δ. For a finite kappa a row for each two places
    # in either order as well: l(a) - l(b) ≤ kappa Δ(a, b).
    cost = np.r_[first * np.bincount(real, mass, minlength=k), weight * share]    # (k + r,)
    rows = hstack([_difference(real[i], fake[j], k), -identity(len(i))])          # (r, k + r)
    limits = -delta
    if np.isfinite(kappa):
        a, b = np.nonzero(~np.eye(k, dtype=bool))
        no_slack = csr_array((len(a), len(i)))
        rows = vstack([rows, hstack([_difference(a, b, k), no_slack])])
        limits = np.r_[limits, kappa * margin(points, points)[a, b]]
    lowest = 1e-7 * np.r_[np.ones(k), np.zeros(len(i))]        # decides between equally good l
    found = linprog(cost + lowest, A_ub=rows.tocsr(), b_ub=limits, bounds=(0, None),
                    method="highs")
    if found.status:
        raise RuntimeError(f"the linear program was not solved: {found.message}")
    values = np.maximum(found.x[:k], 0)
    # computed afresh from l: S is then that of a function, free of the solver's tolerance
    slack = np.maximum(0, delta + values[real[i]] - values[fake[j]])
    value = float(first * mass @ values[real] + weight * share @ slack)
    if pairs == "all":
        slack = slack.reshape(n, m)
    return BestLoss(points, values, values[real], values[fake], slack, value, margin, kappa)


def _samples(x):
    return as_points(x, "samples", least=1)


def _samples_alike(x, x_fake):
    """Both as (n, d), (m, d); ValueError for unlike d, which might broadcast without a word."""
    x, x_fake = _samples(x), _samples(x_fake)
    if x.shape[1] != x_fake.shape[1]:
        raise ValueError(f"real samples of {x.shape[1]} numbers and fakes of {x_fake.shape[1]}: "
                         "distances need samples of one size")
    return x, x_fake


def _difference(a, b, k: int):
    """Rows that take l at place a minus l at place b out of k values: (r,), (r,) -> (r, k)."""
    r, ones = np.arange(len(a)), np.ones(len(a))
    return csr_array((np.r_[ones, -ones], (np.r_[r, r], np.r_[a, b])), shape=(len(a), k))
