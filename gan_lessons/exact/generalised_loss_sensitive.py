"""What the costs C_ν of generalised LS-GAN compute: transport whose pairs have a capacity.

No pair carries more than 1 - ν times its share. Derived in
notebooks/10_generalised_loss_sensitive.ipynb. Nearest relative in the literature: optimal transport
with capacity constraints, Korman & McCann 2012, arXiv 1201.6404. NumPy and SciPy, no torch.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from .checks import as_masses, as_numbers, fits

# four real and four fake points of the plane, an example of lesson 10
REAL_POINTS = np.array([[-1., -.6], [-.7, .8], [.2, -.1], [.9, .5]])
FAKE_POINTS = np.array([[.1, .9], [.6, -.8], [-.6, .1], [-.1, -.3]])
_LIGHT = 1e-9                  # places with less mass of both are beyond the solver's tolerance


class CappedTransport(NamedTuple):
    """work = W_ν = Σ plan · distance, the plan (n, n) and the best loss function l (n,).

    plan[i, j] is what moves from place i to place j; l is nan at places that were left out.
    """

    work: float
    plan: np.ndarray
    l: np.ndarray


def capped_transport(p, q, distance, nu: float) -> CappedTransport:
    """The best loss function under the cost C_ν, and its dual: the cheapest plan under capacities.

    min over l of Σ p_i q_j C_ν(distance_ij + l_i - l_j) = Σ p_i q_j distance_ij - W_ν, a linear
    program in l and one slack a pair; 80 places take under a second. The plan has plan_ij ≤
    (1 - ν) p_i q_j and turns p into q: what leaves a place less what arrives is p - q.
    p, q: masses (n,) of sum 1 on the same n places, which may hold none; distance (n, n). Places
    with less than 1e-9 of both are left out, and l is nan there. ValueError for ν > 1, and where
    the minimum is -∞: then no such plan exists; and for masses or distances that do not fit
    or are not finite. RuntimeError where the solver fails.
    """
    if not fits(nu, most=1):
        raise ValueError(f"nu = {nu}: the costs C_ν need ν ≤ 1")
    p = as_masses(p, "p")
    q, distance = as_masses(q, "q", p.shape), as_numbers(distance, "distance")
    if distance.shape != (len(p), len(p)):
        raise ValueError(f"distance has shape {distance.shape}; {len(p)} places need "
                         f"({len(p)}, {len(p)})")
    held = np.flatnonzero(p + q > _LIGHT)
    mass, mass_q = p[held] / p[held].sum(), q[held] / q[held].sum()
    apart = distance[np.ix_(held, held)]
    # pairs (i, j) of two different places, with p at i and q at j
    i, j = np.nonzero(np.outer(mass, mass_q) * (1 - np.eye(len(held))))           # (r,) each
    n, r = len(held), len(i)

    # C_ν(a) = a + (1 - ν) (-a)₊ at a = distance_ij + l_i - l_j. The first part sums to a constant
    # plus Σ (p - q) l, the second is a slack: unknown are l at the n places, of any sign, and a
    # slack ≥ 0 for each of the r pairs. A row for each pair says slack_ij ≥ -a, in the form
    # l_j - l_i - slack_ij ≤ distance_ij; its multiplier is what the plan moves from i to j.
    pairs, ones = np.arange(r), np.ones(r)
    rows, columns = np.tile(pairs, 3), np.concatenate([j, i, n + pairs])          # (3 r,)
    A = coo_array((np.concatenate([ones, -ones, -ones]), (rows, columns)), shape=(r, n + r))
    # times n, as the solver's tolerances are absolute and masses are about 1 / n
    cost = n * np.concatenate([mass - mass_q, (1 - nu) * mass[i] * mass_q[j]])
    solved = linprog(cost, A_ub=A.tocsr(), b_ub=apart[i, j], method="highs",
                     bounds=[(None, None)] * n + [(0, None)] * r)
    if solved.status == 3:
        raise ValueError(f"nu = {nu:g}: no plan keeps every pair below {1 - nu:g} times its share, "
                         "and the loss of l has no minimum")
    if solved.status:
        raise RuntimeError(f"the linear program was not solved: {solved.message}")
    plan, l = np.zeros_like(distance), np.full(len(p), np.nan)
    plan[held[i], held[j]] = -solved.ineqlin.marginals / n
    l[held] = solved.x[:n]
    return CappedTransport(-solved.fun / n, plan, l)
