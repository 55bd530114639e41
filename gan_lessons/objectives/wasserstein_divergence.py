"""The game of the Wasserstein divergence, Wu et al. 2018, arXiv 1712.01026.

A penalty on slopes takes the place of a Lipschitz constraint. Derived in
notebooks/08_wasserstein_divergence.ipynb. The critic f is high on real samples.
"""
from __future__ import annotations

from ..exact.checks import fits
from ..game import Game
from ..players.penalties import between, penalty, power
from .wasserstein import wasserstein


def wasserstein_divergence(k: float = 2.0, p: float = 6.0, where=between) -> Game:
    """f maximises E f(x) - E f(g(z)) - k E ‖∇f(x̂)‖ᵖ; the supremum, W_{k,p}, is not W₁.

    critic      -(E f(x) - E f(g(z))) + k E ‖∇f(x̂)‖ᵖ, x̂ = where(x, g(z))
    generator   -E f(g(z))

    At the best critic the penalty is gap / p. The paper's k = 2, p = 6; the official code takes
    k = 10.
    where: `between` (paper and official code) or `at_both`, under which the supremum is infinite
        for samples that lie apart.
    f: (n, ...) -> (n,), without batch norm. ValueError for k ≤ 0 or p ≤ 1.
    Wu et al. 2018, arXiv 1712.01026; lesson 08.
    """
    if not fits(k, above=0):
        raise ValueError(f"k = {k}: without a penalty k > 0 on slopes the critic's supremum is "
                         "infinite; the paper takes k = 2, the official code 10")
    return wasserstein(penalty(where, power(p)), weight=k)
