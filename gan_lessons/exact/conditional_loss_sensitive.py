"""The perfect loss l(x, y) with Σ_y exp -l(x, y) = 1: what it predicts, and what margins do to its probabilities.

Pairs (x, y) are tables of masses, a row for each place and a column for each label. Derived in
notebooks/13_conditional_loss_sensitive.ipynb. Qi 2017, arXiv 1701.06264. NumPy and SciPy only, no torch.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack


def asked_weights(p, q, weight: float = 1.0):
    """w = (1 + λ) p - λ q, (..., K): what one unit of l(x, y) costs while every margin is still asked for."""
    p, q = (np.asarray(masses, dtype=float) for masses in (p, q))
    if not 0 <= weight < np.inf:
        raise ValueError(f"weight = {weight}: λ weighs the margins and is a finite number of 0 or more")
    if p.shape != q.shape or min(p.min(), q.min()) < 0:
        raise ValueError(f"real and fake masses are tables of one shape, 0 or more, not {p.shape} and {q.shape}")
    return (1 + weight) * p - weight * q


def asked_posterior(p, q, weight: float = 1.0):
    """C* = exp -l*, (..., K): w / Σ_y w where no w is negative; a label with w < 0 gets 0, as margins grow without end.

    Where all w are negative the largest gets 1. argmin_y l* is argmax_y w in every case.
    """
    w = asked_weights(p, q, weight)
    kept = np.maximum(w, 0)
    total = kept.sum(-1, keepdims=True)
    alone = (w == w.max(-1, keepdims=True)).astype(float)
    return np.where(total > 0, kept / np.where(total > 0, total, 1), alone / alone.sum(-1, keepdims=True))


class BestClassLoss(NamedTuple):
    """l (m, K), the value S of the police's objective, and room (m,) = 1 - Σ_y exp -l, 0 where l is a softmax's."""

    l: np.ndarray
    value: float
    room: np.ndarray


def best_class_loss(p, q, delta, weight: float = 1.0, first: float = 1.0, ceiling: float = 30.0) -> BestClassLoss:
    """min over 0 ≤ l ≤ ceiling with Σ_y exp -l(x, y) ≤ 1 of S on m places: the exact police of the conditional LS-GAN.

    S = first Σ p l + weight Σ_y Σ_ij p(i, y) q(j, y) / p(y) [Δ(i, j) + l(i, y) - l(j, y)]_+
    p, q: (m, K) masses with the same share of each label, delta: (m, m). The set of such l is convex: Gibbs's inequality
    Σ_y c_y l_y ≥ H(c) holds for every c on the simplex, and a linear program gets as many of these as it needs.
    ValueError for tables that do not fit, and for a label without mass.
    """
    asked_weights(p, q, weight)
    p, q, delta = (np.asarray(table, dtype=float) for table in (p, q, delta))
    (m, K), shares = p.shape, p.sum(0)
    if not np.allclose(shares, q.sum(0)) or shares.min() <= 0 or delta.shape != (m, m) or delta.min() < 0:
        raise ValueError(f"the labels' shares must be above 0 and the same for real, {shares.round(4).tolist()}, and fake, "
                         f"{q.sum(0).round(4).tolist()}; margins are ({m}, {m}) and 0 or more")
    i, j, y = (index.ravel() for index in np.indices((m, m, K)))
    mass = p[i, y] * q[j, y] / shares[y]
    there = mass > 0
    i, j, y, mass = i[there], j[there], y[there], mass[there]
    n, rows = len(i), np.arange(len(i))
    pairs = csr_array((np.r_[np.ones(n), -np.ones(n), -np.ones(n)],                  # l(x) - l(x') - slack ≤ -Δ
                       (np.r_[rows, rows, rows], np.r_[i * K + y, j * K + y, m * K + rows])), shape=(n, m * K + n))
    pairs.sum_duplicates()
    cost, A, b = np.r_[first * p.ravel(), weight * mass], pairs, -delta[i, j]
    c, before = np.full((m, K), 1 / K), -1.
    for _ in range(200):
        cuts = csr_array((-c.ravel(), (np.repeat(np.arange(m), K), np.arange(m * K))), shape=(m, m * K + n))
        A, b = vstack([A, cuts]), np.r_[b, np.sum(c * np.log(c), 1)]
        found = linprog(cost, A_ub=A.tocsr(), b_ub=b, bounds=[(0, ceiling)] * (m * K) + [(0, None)] * n,
                        method="highs", options=dict(primal_feasibility_tolerance=1e-9))
        l = found.x[:m * K].reshape(m, K)
        c = np.exp(-l)
        room = 1 - c.sum(1)
        c = np.maximum(c / c.sum(1, keepdims=True), 1e-14)
        c = c / c.sum(1, keepdims=True)
        if room.min() > -1e-9 or room.min() > -1e-7 and room.min() <= .9 * before:      # no cut helps any more
            return BestClassLoss(l, float(found.fun), room)
        before = room.min()
    raise ArithmeticError(f"no best loss found in 200 rounds; Σ exp -l is still {1 - room.min():.3g} somewhere")
