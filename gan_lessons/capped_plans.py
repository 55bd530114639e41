"""What the costs C_ν of generalised LS-GAN compute: transport in which no pair carries more than its share.

Derived in notebooks/10_generalised_loss_sensitive.ipynb. Nearest relative in the literature: optimal transport with
capacity constraints, Korman & McCann 2012, arXiv 1201.6404. NumPy and SciPy, no torch.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array


class CappedTransport(NamedTuple):
    """work: W_ν = Σ plan · distance; plan (n, n): what moves from place to place; l (n,): the best loss function."""

    work: float
    plan: np.ndarray
    l: np.ndarray


def capped_transport(p, q, distance, nu: float) -> CappedTransport:
    """The cheapest plan that turns p into q, plan_ij ≤ (1 - ν) p_i q_j, with its dual: l, low on p.

    p, q: masses (n,) on the same n places, each of sum 1; a place may have none. distance: (n, n). The plan is
    net: what leaves a place less what arrives is p - q. Strong duality of the linear program:
    min over l of Σ p_i q_j C_ν(distance_ij + l_i - l_j) = Σ p_i q_j distance_ij - W_ν.
    ValueError where no such plan exists: then that minimum is -∞.
    """
    p, q, distance = (np.asarray(part, dtype=float) for part in (p, q, distance))
    if not nu <= 1:
        raise ValueError(f"nu = {nu}: the costs C_ν need ν ≤ 1")
    source, goal = np.nonzero(np.outer(p, q))
    share, pair = p[source] * q[goal], np.arange(len(source))
    scale = 1 / np.maximum(p + q, np.finfo(float).tiny)                 # every place counts alike, however light
    net = coo_array((np.concatenate([share * scale[source], -share * scale[goal]]),
                     (np.concatenate([source, goal]), np.concatenate([pair, pair]))), shape=(len(p), len(pair)))
    solved = linprog(share * distance[source, goal], A_eq=net.tocsr(), b_eq=(p - q) * scale, bounds=(0, 1 - nu),
                     method="highs")
    if solved.status:
        raise ValueError(f"nu = {nu:g}: no plan keeps below {1 - nu:g} times its share for every pair, so that the loss "
                         f"of l has no minimum ({solved.message.split('.')[0]})")
    plan = np.zeros_like(distance)
    plan[source, goal] = share * solved.x
    return CappedTransport(float(solved.fun), plan, -solved.eqlin.marginals * scale)
