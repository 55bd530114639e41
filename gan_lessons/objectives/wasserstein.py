"""The Wasserstein game of Arjovsky et al. 2017, arXiv 1701.07875, and the hinge game: no sigmoid.

Derived in notebooks/06_wasserstein.ipynb from the dual of notebooks/05_transport.ipynb; the
penalties in notebooks/07_lipschitz.ipynb. The critic f is high on real samples.
"""
from __future__ import annotations

from torch.nn.functional import relu

from ..exact.checks import fits
from ..game import Game, Move, both, check_takes, check_tensors, in_full
from ..players.penalties import clip_weights


def wasserstein(penalty=None, weight: float = 10.0, clip: float | None = None) -> Game:
    """f maximises the gap E f(x) - E f(g(z)), g minimises it.

    critic      -(E f(x) - E f(g(z))) + weight · penalty(f, x, g(z))
    generator   -E f(g(z))

    Over all 1-Lipschitz f the largest gap is W₁(p, q), in the units of x. The critic's loss is
    minus the gap, so that it rises to 0 as the laws come together.
    penalty: (f, x, x_fake) -> one number, such as gradient_penalty.
    clip: every weight of f is moved into [-clip, clip] after each step (the paper's c = 0.01); the
        gap is then no longer W₁, nor W₁ in a fixed unit.
    f: (n, ...) -> (n,). ValueError for a weight that is not finite and ≥ 0, and for clip ≤ 0;
    TypeError for a penalty that is no function.
    Arjovsky et al. 2017, arXiv 1701.07875; lesson 06.
    """
    if not fits(weight, least=0):
        raise ValueError(f"weight = {weight}: a penalty is weighed with a number of 0 or more; "
                         "the paper takes 10")
    if penalty is not None:
        check_takes("penalty", penalty, 3, "(f, x, x_fake) -> one number, such as gradient_penalty")

    def critic_loss(f, g, x, z):
        x_fake = g(z)
        real, fake = both(f, x, x_fake)
        loss = -(real.mean() - fake.mean())
        if penalty is None:
            return loss
        price = penalty(f, x, x_fake)
        check_tensors(**{"what the penalty gives": price})
        return loss + weight * price

    def generator_loss(f, g, z):
        return -in_full(f(g(z))).mean()

    after = None if clip is None else clip_weights(clip)
    return Game([Move("f", critic_loss, after=after), Move("g", generator_loss)])


def hinge() -> Game:
    """The hinge game, to be played with spectral normalisation of f.

    critic      E relu(1 - f(x)) + E relu(1 + f(g(z)))
    generator   -E f(g(z))

    f: (n, ...) -> (n,). Lim & Ye 2017, arXiv 1705.02894; Miyato et al. 2018, arXiv 1802.05957;
    lesson 07.
    """
    def critic_loss(f, g, x, z):
        real, fake = both(f, x, g(z))
        return relu(1 - real).mean() + relu(1 + fake).mean()

    return Game({"f": critic_loss, "g": lambda f, g, z: -in_full(f(g(z))).mean()})
