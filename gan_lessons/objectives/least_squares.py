"""The least-squares game of Mao et al. 2017, arXiv 1611.04076. Critics return scores: no sigmoid.

Derived in notebooks/04_least_squares.ipynb: the optimum f* = (b p + a q) / (p + q), and what it
leaves to the generator, a multiple of ∫ (p - q)² / (p + q) for every a, b, c.
"""
from __future__ import annotations

from ..exact.checks import fits
from ..game import Game, both, in_full


def least_squares(fake: float = 0.0, real: float = 1.0, target: float = 1.0) -> Game:
    """Scores are pulled to labels by squares. The paper's letters: a = fake, b = real, c = target.

    critic      ½ E (f(x) - b)² + ½ E (f(g(z)) - a)²
    generator   ½ E (f(g(z)) - c)²

    The paper's codings (a, b, c) are (-1, 1, 0) and (0, 1, 1). f: (n, ...) -> (n,).
    ValueError for a = b, where the critic may give everything one score, and for labels that are
    not finite. Mao et al. 2017, arXiv 1611.04076; lesson 04.
    """
    if not all(fits(label) for label in (fake, real, target)):
        raise ValueError("labels must be finite numbers, "
                         f"not fake={fake}, real={real}, target={target}")
    if fake == real:
        raise ValueError(f"fake (the paper's a) and real (b) are both {real:g}: "
                         f"a critic that says {real:g} to everything is then perfect; "
                         "choose two labels, such as fake=0, real=1")

    def critic_loss(f, g, x, z):
        score, score_fake = both(f, x, g(z))
        return (score - real).square().mean() / 2 + (score_fake - fake).square().mean() / 2

    def generator_loss(f, g, z):
        return (in_full(f(g(z))) - target).square().mean() / 2

    return Game({"f": critic_loss, "g": generator_loss})
