"""The exponential game: a mistake costs the exponential of the score. Critics return scores.

Derived in notebooks/NN_exponential.ipynb: the optimum f* = ½ log p/q, the critic's least loss
2 ∫ √(pq), and what it leaves to the generator, half the slope of the divergence alpha = -½.
"""
from __future__ import annotations

from ..game import Game, both


def critic_loss(f, g, x, z):
    """E exp(-f(x)) + E exp(f(g(z))). f: (n, ...) -> (n,); the loss is a scalar, inf above 88."""
    real, fake = both(f, x, g(z))
    return (-real).exp().mean() + fake.exp().mean()


def generator_loss(f, g, z):
    """E exp(-f(g(z))): fakes presented as real. f: (n, ...) -> (n,); the loss is a scalar."""
    return (-f(g(z))).exp().mean()


def exponential() -> Game:
    """Boosting's loss for the critic, and for the generator what a real sample costs the critic.

    Friedman, Hastie and Tibshirani 2000, Annals of Statistics 28; lesson NN.
    """
    return Game({"f": critic_loss, "g": generator_loss})
