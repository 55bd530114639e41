"""What the costs C_ν of generalised LS-GAN compute: transport in which no pair carries more than its share.

Derived in notebooks/10_generalised_loss_sensitive.ipynb. Nearest relative in the literature: optimal transport with
capacity constraints, Korman & McCann 2012, arXiv 1201.6404. NumPy and SciPy, no torch.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

_LIGHT = 1e-9                              # places with less of both heaps are beyond the solver's tolerance


class CappedTransport(NamedTuple):
    """work: W_ν = Σ plan · distance; plan (n, n): what moves from place to place; l (n,): the best loss function."""

    work: float
    plan: np.ndarray
    l: np.ndarray


def capped_transport(p, q, distance, nu: float) -> CappedTransport:
    """The best loss function under the cost C_ν, and its dual: the cheapest plan with plan_ij ≤ (1 - ν) p_i q_j.

    min over l of Σ p_i q_j C_ν(distance_ij + l_i - l_j) = Σ p_i q_j distance_ij - W_ν, a linear program in l and one
    slack a pair; 80 places take under a second. The plan turns p into q: what leaves a place less what arrives
    is p - q. p, q: masses (n,) of sum 1 on the same n places, which may hold none; distance (n, n).
    Places with less than 1e-9 of both are left out, and l is nan there.
    ValueError for ν > 1, and where the minimum is -∞: then no such plan exists.
    """
    if not nu <= 1:
        raise ValueError(f"nu = {nu}: the costs C_ν need ν ≤ 1")
    p, q, distance = (np.asarray(part, dtype=float) for part in (p, q, distance))
    held = np.flatnonzero(p + q > _LIGHT)
    mass, mass_q, apart = p[held] / p[held].sum(), q[held] / q[held].sum(), distance[np.ix_(held, held)]
    i, j = np.nonzero(np.outer(mass, mass_q) * (1 - np.eye(len(held))))
    n, pairs = len(held), np.arange(len(i))
    ones = np.ones(len(i))
    excess = coo_array((np.concatenate([ones, -ones, -ones]),                    # l_j - l_i - slack_ij ≤ distance_ij
                        (np.tile(pairs, 3), np.concatenate([j, i, n + pairs]))), shape=(len(i), n + len(i)))
    price = n * np.concatenate([mass - mass_q, (1 - nu) * mass[i] * mass_q[j]])
    solved = linprog(price, A_ub=excess.tocsr(), b_ub=apart[i, j], method="highs",
                     bounds=[(None, None)] * n + [(0, None)] * len(i))
    if solved.status == 3:
        raise ValueError(f"nu = {nu:g}: no plan keeps every pair below {1 - nu:g} times its share, and the loss of l "
                         "has no minimum")
    if solved.status:
        raise RuntimeError(f"the linear program was not solved: {solved.message}")
    plan, l = np.zeros_like(distance), np.full(len(p), np.nan)
    plan[held[i], held[j]] = -solved.ineqlin.marginals / n
    l[held] = solved.x[:n]
    return CappedTransport(-solved.fun / n, plan, l)
