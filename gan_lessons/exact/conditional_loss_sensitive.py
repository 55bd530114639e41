"""The best class loss l(x, y) with Σ_y exp -l(x, y) = 1, on tables, and what margins do to it.

exp -l are the probabilities that it gives to the labels. Pairs (x, y) are tables of masses, a row
for each place and a column for each label. Derived in
notebooks/13_conditional_loss_sensitive.ipynb. Qi 2017, arXiv 1701.06264. NumPy and SciPy, no torch.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from .checks import as_numbers, fits
from .information import normalised_rows


def asked_weights(p, q, weight: float = 1.0):
    """w = (1 + λ) p - λ q, (..., K): what a unit of l(x, y) costs while all margins are asked for.

    p, q: (..., K), masses ≥ 0 of real and fake pairs; weight: λ ≥ 0. ValueError for others.
    """
    p, q = as_numbers(p, "p"), as_numbers(q, "q")
    if not fits(weight, least=0):
        raise ValueError(f"weight = {weight}: λ weighs the margins and is a finite number of 0 or "
                         "more")
    if p.shape != q.shape or not (p.size and p.ndim) or min(p.min(), q.min()) < 0:
        raise ValueError("real and fake masses are tables of one shape, 0 or more, not "
                         f"{p.shape} and {q.shape}")
    weight = float(weight)
    return (1 + weight) * p - weight * q


def asked_posterior(p, q, weight: float = 1.0):
    """C* = exp -l*, (..., K): w / Σ_y w where no w = asked_weights(p, q, weight) is negative.

    A label with w < 0 gets 0, as margins grow without end; where all w are negative the largest
    gets 1. argmin_y l* is argmax_y w in every case. ValueError as in `asked_weights`.
    """
    w = asked_weights(p, q, weight)
    largest = (w == w.max(-1, keepdims=True)).astype(float)    # several where they are equal
    return normalised_rows(np.maximum(w, 0), largest / largest.sum(-1, keepdims=True))


class BestClassLoss(NamedTuple):
    """l (m, K), the value S of the critic's objective, and room (m,) = 1 - Σ_y exp -l.

    room is 0 where l is the loss of a softmax.
    """

    l: np.ndarray
    value: float
    room: np.ndarray


def best_class_loss(p, q, delta, weight: float = 1.0, first: float = 1.0,
                    ceiling: float = 30.0) -> BestClassLoss:
    """The best l of the conditional LS-GAN: least S, 0 ≤ l ≤ ceiling, Σ_y exp -l(x, y) ≤ 1.

    S = first Σ p l + weight Σ_y Σ_ij p(i, y) q(j, y) / p(y) [Δ(i, j) + l(i, y) - l(j, y)]₊ on m
    places. p, q: (m, K) masses with the same share of each label, delta: (m, m). ValueError for
    tables that do not fit, for a label without mass and a ceiling below log K; ArithmeticError
    where 200 rounds of cutting planes do not suffice.
    """
    asked_weights(p, q, weight)                                # refuses what it refuses
    p, q, delta = (as_numbers(part, name)
                   for name, part in (("p", p), ("q", q), ("delta", delta)))
    if p.ndim != 2:
        raise ValueError(f"masses of pairs (x, y) are tables (m, K), not of shape {p.shape}")
    if not (fits(first, least=0) and fits(ceiling, least=np.log(p.shape[1]))):
        raise ValueError(f"first = {first} is 0 or more, and ceiling = {ceiling} is log K = "
                         f"{np.log(p.shape[1]):.3g} or more: K equal probabilities lose that much")
    (m, K), shares = p.shape, p.sum(0)
    same = np.allclose(shares, q.sum(0)) and shares.min() > 0
    if not same or delta.shape != (m, m) or delta.min() < 0:
        raise ValueError("the labels' shares must be above 0 and the same for real, "
                         f"{shares.round(4).tolist()}, and fake, {q.sum(0).round(4).tolist()}; "
                         f"margins are ({m}, {m}) and 0 or more")
    i, j, y = (index.ravel() for index in np.indices((m, m, K)))                  # (m m K,) each
    mass = p[i, y] * q[j, y] / shares[y]
    there = mass > 0
    i, j, y, mass = i[there], j[there], y[there], mass[there]                     # (n,) each

    # Unknown are l(x, y) at x K + y, then a slack for each of the n triples (i, j, y).
    # A row for each triple: l(i, y) - l(j, y) - slack ≤ -Δ(i, j).
    n, rows, ones = len(i), np.arange(len(i)), np.ones(len(i))
    columns = np.r_[i * K + y, j * K + y, m * K + rows]
    pairs = csr_array((np.r_[ones, -ones, -ones], (np.r_[rows, rows, rows], columns)),
                      shape=(n, m * K + n))
    pairs.sum_duplicates()                                     # i = j: + l and - l are one entry 0
    cost = np.r_[first * p.ravel(), weight * mass]
    bounds = [(0, ceiling)] * (m * K) + [(0, None)] * n

    # The set Σ_y exp -l_y ≤ 1 is convex but no polyhedron: Gibbs's inequality Σ_y c_y l_y ≥ H(c)
    # holds on it for every c on the simplex, and all of them together cut it out. So in every round
    # each place gets the row of one more c, -c·l ≤ -H(c), the one that is tangent where the last l
    # points: c ∝ exp -l. l comes from outside, and room rises to 0.
    A, b = pairs, -delta[i, j]
    c, before = np.full((m, K), 1 / K), -1.
    place, entry = np.repeat(np.arange(m), K), np.arange(m * K)
    for _ in range(200):
        cuts = csr_array((-c.ravel(), (place, entry)), shape=(m, m * K + n))
        A, b = vstack([A, cuts]), np.r_[b, np.sum(c * np.log(c), 1)]
        found = linprog(cost, A_ub=A.tocsr(), b_ub=b, bounds=bounds, method="highs",
                        options=dict(primal_feasibility_tolerance=1e-9))
        if found.status:
            raise ArithmeticError(f"the linear program was not solved: {found.message}")
        l = found.x[:m * K].reshape(m, K)                      # (m, K)
        c = np.exp(-l)
        room = 1 - c.sum(1)                                                       # (m,)
        c = np.maximum(c / c.sum(1, keepdims=True), 1e-14)     # log c is finite, c still on the
        c = c / c.sum(1, keepdims=True)                        # simplex
        stalled = room.min() <= .9 * before                    # no cut helps any more
        if room.min() > -1e-9 or (room.min() > -1e-7 and stalled):
            return BestClassLoss(l, float(found.fun), room)
        before = room.min()
    raise ArithmeticError("no best loss found in 200 rounds; Σ exp -l is still "
                          f"{1 - room.min():.3g} somewhere")
