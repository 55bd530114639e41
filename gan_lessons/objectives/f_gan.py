"""f-GAN: the dual of an f-divergence, played as a game.

A critic's score v = f(x) is any number; T = activation(v) is admissible in the dual
D_φ(p ‖ q) = sup over T of E_p T - E_q φ*(T).
Nowozin, Cseke, Tomioka 2016, arXiv 1606.00709. Derived in notebooks/03_f_gan.ipynb.
"""
from __future__ import annotations

from ..exact.f_divergences import FDivergence
from ..exact.f_table import f_divergence
from ..game import Game, both, check_takes, in_full

GENERATORS = ("conjugate", "trick")


def f_gan(
    divergence: str | FDivergence, generator: str = "conjugate", *, bend=None, **parameter
) -> Game:
    """The game of one f-divergence. f: (n, ...) -> (n,) scores of any size, g(z) -> (n, ...).

    critic        -E T(f(x)) + E φ*(T(f(g(z)))), minus the dual
    "conjugate"   -E φ*(T(f(g(z)))), the generator on the same dual
    "trick"       -E T(f(g(z))), whose gradient does not fade where the critic wins

    divergence: a name in F_DIVERGENCES (with alpha= or pi= where it has one) or an FDivergence.
    bend: a rising function of the score onto the whole line. Divergence, dual and best T stay the
        same; with torch.asinh, a T and a φ*(T) that grew like e^v grow like 2v, and large scores
        train calmly.
    KeyError for an unknown name, ValueError for an unknown generator or a parameter out of range,
    TypeError for a bend that is no function.
    Nowozin et al. 2016, arXiv 1606.00709; lesson 03.
    """
    row = f_divergence(divergence, **parameter)
    if bend is not None:
        check_takes("bend", bend, 1, "scores that rises, such as torch.asinh")
    bend = bend or (lambda v: v)
    if not isinstance(generator, str) or generator not in GENERATORS:
        raise ValueError(f"no generator loss {generator!r}; there are {', '.join(GENERATORS)}")

    def critic_loss(f, g, x, z):
        real, fake = both(f, x, g(z))
        return -row.activation(bend(real)).mean() + row.composed(bend(fake)).mean()

    def conjugate_loss(f, g, z):
        return -row.composed(bend(in_full(f(g(z))))).mean()

    def trick_loss(f, g, z):
        return -row.activation(bend(in_full(f(g(z))))).mean()

    return Game({"f": critic_loss, "g": conjugate_loss if generator == "conjugate" else trick_loss})
