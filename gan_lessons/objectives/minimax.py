"""The original game of Goodfellow et al. 2014, arXiv 1406.2661.

Critics return logits, D(x) = σ(f(x)). softplus(a) = log(1 + e^a), so -log D(x) = softplus(-f(x))
and -log(1 - D(x)) = softplus(f(x)): no probability is ever rounded to 0 before its logarithm.
Derived in notebooks/01_minimax.ipynb (both losses, the optimum D* = p / (p + q), the value
2 JS(p, q) - 2 log 2) and notebooks/02_vanishing_gradients.ipynb (the non-saturating generator);
under R1 and R2 (players/penalties.py) in notebooks/21_convergence.ipynb.
"""
from __future__ import annotations

from ..game import Game, both, by_hand, in_full, softplus


@by_hand
def critic_loss(f, g, x, z):
    """E softplus(-f(x)) + E softplus(f(g(z))) = -E log D(x) - E log(1 - D(g(z))), in nats.

    f: (n, ...) -> (n,); the loss is a scalar.
    """
    real, fake = both(f, x, g(z))
    return softplus(-real).mean() + softplus(fake).mean()


@by_hand
def saturating_loss(f, g, z):
    """-E softplus(f(g(z))) = E log(1 - D(g(z))), in nats: the generator's share of the value."""
    return -softplus(in_full(f(g(z)))).mean()


@by_hand
def non_saturating_loss(f, g, z):
    """E softplus(-f(g(z))) = -E log D(g(z)), in nats: fakes presented with real labels."""
    return softplus(-in_full(f(g(z)))).mean()


def minimax() -> Game:
    """Both players on one value: the critic raises it, the generator lowers it (lesson 01)."""
    return Game({"f": critic_loss, "g": saturating_loss})


def non_saturating() -> Game:
    """The same critic; the generator minimises -E log D(g(z)) instead (lesson 02)."""
    return Game({"f": critic_loss, "g": non_saturating_loss})
