"""Any game with labels: conditional(game) hands every network the label of its sample; and ACGAN, which predicts it.

Derived in notebooks/12_conditional.ipynb. Mirza & Osindero 2014, arXiv 1411.1784; Odena et al. 2017, arXiv 1610.09585.
"""
from __future__ import annotations

import inspect

from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus

from ..game import Game, Move, both
from ..players.networks import takes_labels


class WithLabels(nn.Module):
    """A network with its labels filled in: (n, ...) -> net(x, y). Everything else is the network's own.

    x may hold several batches one after the other, as [real; fake]: the labels repeat. ValueError for another
    number of samples, and for a network that takes no labels.
    """

    def __init__(self, net, y: Tensor):
        super().__init__()
        if isinstance(net, nn.Module) and len(inspect.signature(net.forward).parameters) < 2:
            raise ValueError(f"{type(net).__name__} takes no labels, and a conditional game hands it some: wrap it in "
                             "Concatenated(net, classes) or Projected(critic, classes)")
        self.net, self.y = net, y

    def forward(self, x: Tensor) -> Tensor:
        times, rest = divmod(len(x), len(self.y))
        if rest:
            raise ValueError(f"{len(x)} samples and {len(self.y)} labels: each sample needs one")
        return self.net(x, self.y if times == 1 else self.y.repeat(times))

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "net":
                raise
            return getattr(self.net, name)


def conditional(game: Game) -> Game:
    """The same game with f(x, y), g(z, y) … in place of f(x), g(z): the losses keep their text and also ask for y.

    Real samples come with their labels, and the i-th fake is made for the i-th label: both sides have the law of y
    of the data, and the game is played within each class. Networks: Concatenated, Projected, or any of your own with
    forward(x, y) and their number of `classes`. ValueError for a game that asks for y already, or for u, whose labels
    nobody knows.
    """
    return Game([Move(move.player, _with_labels(move), move.after) for move in game.moves])


def _with_labels(move: Move):
    signature = inspect.signature(move.loss)
    if "y" in signature.parameters:
        raise ValueError(f"the loss of player {move.player!r} asks for y already: it is conditional")
    if "u" in signature.parameters:
        raise ValueError(f"the loss of player {move.player!r} asks for u: there is no label to hand on for it")

    def loss(*named, y, **others):
        asked = signature.bind(*named, **others).arguments
        return move.loss(**{name: WithLabels(value, y) if callable(value) else value for name, value in asked.items()})
    label = inspect.Parameter("y", inspect.Parameter.KEYWORD_ONLY)
    loss.__signature__ = signature.replace(parameters=[*signature.parameters.values(), label])
    loss.__name__ = getattr(move.loss, "__name__", "loss")
    return loss


def acgan(weight: float = 1.0) -> Game:
    """The discriminator sees x alone and predicts y; both players want the label to be read off.

    f(x): (n, ...) -> (n, 1 + K), a source logit c(x) and K class logits a(x).
    f   E sp(-c(x)) + E sp(c(g(z, y))) + weight · (CE(a(x), y) + CE(a(g(z, y)), y))
    g   E sp(-c(g(z, y)))              + weight · CE(a(g(z, y)), y)
    Cross-entropy takes logits: a softmax before it leaves a loss of at least 1.461 for ten classes.
    ValueError for weight < 0, for an f that takes labels, and for one whose class logits are not as many as the classes.
    """
    if not weight >= 0:
        raise ValueError(f"weight = {weight}: the class loss is weighed with a number of 0 or more")

    def loss_of_f(f, g, x, y, z):
        _sees_x_alone(f)
        real, fake = both(f, x, g(z, y))
        _predicts(fake, g)
        source = softplus(-real[:, 0]).mean() + softplus(fake[:, 0]).mean()
        return source + weight * (cross_entropy(real[:, 1:], y) + cross_entropy(fake[:, 1:], y))

    def loss_of_g(f, g, y, z):
        fake = f(g(z, y))
        return softplus(-fake[:, 0]).mean() + weight * cross_entropy(fake[:, 1:], y)

    return Game({"f": loss_of_f, "g": loss_of_g})


def _sees_x_alone(f):
    if takes_labels(f):
        raise ValueError(f"{type(f).__name__} takes labels; the discriminator of ACGAN sees x alone and predicts them: "
                         "build the critic with outputs=1 + classes")


def _predicts(output: Tensor, g):
    heads = output.shape[1] - 1 if output.dim() == 2 else 0
    classes = getattr(g, "classes", max(heads, 1))
    if heads != classes:
        raise ValueError(f"f gives {tuple(output.shape)} where g draws {classes} classes: build f with "
                         f"outputs={1 + classes}, a source logit and one logit a class")
