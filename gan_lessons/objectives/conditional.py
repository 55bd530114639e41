"""Any game with labels: `conditional(game)` hands every network the label of its sample.

And ACGAN, whose discriminator predicts the label. Derived in notebooks/12_conditional.ipynb.
Mirza & Osindero 2014, arXiv 1411.1784; Odena et al. 2017, arXiv 1610.09585.
"""
from __future__ import annotations

import inspect

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..exact.checks import fits
from ..game import Game, Move, arguments, both, in_full, softplus
from ..players.networks import takes_labels


class WithLabels(nn.Module):
    """A network with its labels filled in: (n, ...) -> net(x, y). All else is the network's own.

    x may hold several batches one after the other, as [real; fake]: the labels repeat.
    ValueError for another number of samples, and for a network that takes no labels.
    """

    def __init__(self, net, y: Tensor):
        super().__init__()
        # Not `takes_labels`: a network of a reader's own may do without `classes`
        if isinstance(net, nn.Module) and len(inspect.signature(net.forward).parameters) < 2:
            raise ValueError(f"{type(net).__name__} takes no labels, and a conditional game hands "
                             "it some: wrap it in Concatenated(net, classes) or "
                             "Projected(critic, classes)")
        self.net = net
        self.y = y

    def forward(self, x: Tensor) -> Tensor:
        if not len(self.y):
            raise ValueError(f"{len(x)} samples and no labels: each sample needs one")
        times, rest = divmod(len(x), len(self.y))
        if rest:
            raise ValueError(f"{len(x)} samples and {len(self.y)} labels: each sample needs one")
        return self.net(x, self.y if times == 1 else self.y.repeat(times))

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)         # torch keeps `net` and the parameters there
        except AttributeError:
            if name == "net":                        # not there yet: asking it would never end
                raise
            return getattr(self.net, name)


class _LabelledLoss:
    """The loss of a move, handed networks with their labels filled in: loss(f, g, x, z, y=y).

    `arguments`: what it asks for, namely what the move's own loss does, and y.
    """

    def __init__(self, move: Move):
        self.loss = move.bare
        self.arguments = {**arguments(move.bare),
                          "y": inspect.Parameter("y", inspect.Parameter.KEYWORD_ONLY)}
        self.__name__ = getattr(move.bare, "__name__", "loss")       # what Game shows

    def __call__(self, *given, y: Tensor, **named) -> Tensor:
        def filled(value):
            return WithLabels(value, y) if callable(value) else value
        return self.loss(*map(filled, given), **{name: filled(v) for name, v in named.items()})


def conditional(game: Game) -> Game:
    """The same game with f(x, y), g(z, y) … in place of f(x), g(z).

    The losses keep their text and also ask for y. Real samples come with their labels, and the
    i-th fake is made for the i-th label: both sides have the law of y of the data, and the game is
    played within each class.
    Networks: Concatenated, Projected, or any of your own with forward(x, y) and their number of
    `classes`. ValueError for a game that asks for y already, or for u, whose labels nobody knows.
    TypeError for what is no Game. Mirza & Osindero 2014, arXiv 1411.1784; lesson 12.
    """
    if not isinstance(game, Game):
        raise TypeError(f"conditional takes a Game, such as minimax(), not {game!r}")
    for move in game.moves:
        asked = arguments(move.bare)
        if "y" in asked:
            raise ValueError(f"the loss of player {move.player!r} asks for y already: "
                             "it is conditional")
        if "u" in asked:
            raise ValueError(f"the loss of player {move.player!r} asks for u: "
                             "there is no label to hand on for it")
    return Game([Move(move.player, _LabelledLoss(move), move.after) for move in game.moves])


def acgan(weight: float = 1.0) -> Game:
    """The discriminator sees x alone and predicts y; both players want the label to be read off.

    f   E sp(-c(x)) + E sp(c(g(z, y))) + weight · (CE(a(x), y) + CE(a(g(z, y)), y))
    g   E sp(-c(g(z, y)))              + weight · CE(a(g(z, y)), y)

    f(x): (n, ...) -> (n, 1 + K), a source logit c(x) and K class logits a(x); sp is softplus.
    Cross-entropy takes logits: a softmax before it leaves a loss of at least 1.461 nats for ten
    classes. ValueError for weight < 0, for an f that takes labels, and for one whose class logits
    are not as many as the classes. Odena et al. 2017, arXiv 1610.09585; lesson 12.
    """
    if not fits(weight, least=0):
        raise ValueError(f"weight = {weight}: the class loss is weighed with a number of 0 or more")

    def loss_of_f(f, g, x, y, z):
        _check_sees_x_alone(f)
        real, fake = both(f, x, g(z, y))                             # (n, 1 + K)
        _check_predicts(fake, g)
        source = softplus(-real[:, 0]).mean() + softplus(fake[:, 0]).mean()
        return source + weight * (cross_entropy(real[:, 1:], y) + cross_entropy(fake[:, 1:], y))

    def loss_of_g(f, g, y, z):
        fake = in_full(f(g(z, y)))
        return softplus(-fake[:, 0]).mean() + weight * cross_entropy(fake[:, 1:], y)

    return Game({"f": loss_of_f, "g": loss_of_g})


def _check_sees_x_alone(f):
    if takes_labels(f):
        raise ValueError(f"{type(f).__name__} takes labels; the discriminator of ACGAN sees x "
                         "alone and predicts them: build the critic with outputs=1 + classes")


def _check_predicts(output: Tensor, g):
    """Refuses an output that is not one source logit and a logit for each class of g."""
    heads = output.shape[1] - 1 if output.dim() == 2 else 0
    classes = g.classes if takes_labels(g) else max(heads, 1)
    if heads != classes:
        raise ValueError(f"f gives {tuple(output.shape)} where g draws {classes} classes: build f "
                         f"with outputs={1 + classes}, a source logit and one logit a class")
