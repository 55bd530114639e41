"""Any game with labels: conditional(game) hands every network the label of its sample; and ACGAN, which predicts it.

Derived in notebooks/12_conditional.ipynb. Mirza & Osindero 2014, arXiv 1411.1784; Odena et al. 2017, arXiv 1610.09585.
"""
from __future__ import annotations

import inspect

from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus

from ..game import Game, Move, both


class Given(nn.Module):
    """A network with its labels filled in: (n, ...) -> net(x, y). Everything else is the network's own.

    x may hold several batches one after the other, as [real; fake]: the labels repeat.
    """

    def __init__(self, net, y: Tensor):
        super().__init__()
        self.net, self.y = net, y

    def forward(self, x: Tensor) -> Tensor:
        times, rest = divmod(len(x), len(self.y))
        if rest:
            raise ValueError(f"{len(x)} samples and {len(self.y)} labels: each sample needs one")
        return self.net(x, self.y.repeat(times))

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("net"), name)


def conditional(game: Game) -> Game:
    """The same game with f(x, y), g(z, y) … in place of f(x), g(z): the losses keep their text and also ask for y.

    Real samples come with their labels, and the i-th fake is made for the i-th label: both sides have the law of y
    of the data, and the game is played within each class. Networks: Concatenated, Projected, or any that take (x, y).
    """
    return Game([Move(move.player, _with_labels(move), move.after) for move in game.moves])


def _with_labels(move: Move):
    def loss(y, **asked):
        return move.loss(**{name: value if isinstance(value, Tensor) else Given(value, y)
                            for name, value in asked.items()})
    names = inspect.signature(move.loss).parameters
    if "y" in names:
        raise ValueError(f"the loss of player {move.player!r} asks for y already: it is conditional")
    label = inspect.Parameter("y", inspect.Parameter.KEYWORD_ONLY)
    loss.__signature__ = inspect.Signature([p.replace(kind=p.KEYWORD_ONLY) for p in names.values()] + [label])
    loss.__name__ = getattr(move.loss, "__name__", "loss")
    return loss


def acgan(weight: float = 1.0) -> Game:
    """The discriminator sees x alone and predicts y; both players want the label to be read off.

    f(x): (n, ...) -> (n, 1 + K), a source logit c(x) and K class logits a(x).
    f   E sp(-c(x)) + E sp(c(g(z, y))) + weight · (CE(a(x), y) + CE(a(g(z, y)), y))
    g   E sp(-c(g(z, y)))              + weight · CE(a(g(z, y)), y)
    Cross-entropy takes logits: a softmax before it leaves a loss of at least 1.461 for ten classes.
    """
    if not weight >= 0:
        raise ValueError(f"weight = {weight}: the class loss is weighed with a number of 0 or more")

    def loss_of_f(f, g, x, y, z):
        real, fake = both(f, x, g(z, y))
        source = softplus(-real[:, 0]).mean() + softplus(fake[:, 0]).mean()
        return source + weight * (cross_entropy(real[:, 1:], y) + cross_entropy(fake[:, 1:], y))

    def loss_of_g(f, g, y, z):
        fake = f(g(z, y))
        return softplus(-fake[:, 0]).mean() + weight * cross_entropy(fake[:, 1:], y)

    return Game({"f": loss_of_f, "g": loss_of_g})
