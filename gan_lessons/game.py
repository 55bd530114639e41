"""An objective is a game: for each player, the loss that it alone minimises.

    Game({"f": critic_loss, "g": generator_loss})                        players in order of play
    Game([Move("f", critic_loss, after=clip), Move("g", generator_loss)])
    Game([Move("e d", negative_elbo)])                                   two players move together

A loss asks for what it needs by the names of its arguments: players (f l g e d a …) and parts of
a batch (x y u z). Arguments with a default are optional. Introduced in
notebooks/00_start_here.ipynb.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from .exact.checks import told


def arguments(loss: Callable) -> Mapping[str, inspect.Parameter]:
    """What a loss asks for: name -> `inspect.Parameter`, in order.

    They are read off its signature. A loss that is made of another one, such as those of
    `conditional(game)`, has no signature of its own to read and says them itself, as the mapping
    `loss.arguments`. ValueError or TypeError where there is neither.
    """
    if hasattr(loss, "arguments"):
        return loss.arguments
    return inspect.signature(loss).parameters


@dataclass(frozen=True)
class Move:
    """One player's turn: minimise `loss` over the weights of `player`.

    player: a symbol such as "f", or several ("e d") that move together.
    loss: function whose argument names say what it needs, returns a scalar Tensor.
    after: called with the player's network once its weights have moved, for example to clip them.
    TypeError for a loss that is no function of named arguments, NameError, in `asks`, for a name
    that nobody provides. Introduced in notebooks/00_start_here.ipynb.
    """

    player: str
    loss: Callable[..., Tensor]
    after: Callable[[nn.Module], None] | None = None

    def __post_init__(self):
        if not callable(self.loss) or not isinstance(self.player, str) or not self.player.split():
            raise TypeError("Move takes a player's symbol and its loss, "
                            f"not {self.player!r}, {self.loss!r}")
        if isinstance(self.loss, nn.Module) or isinstance(self.loss, type):
            raise TypeError(f"the loss of {self.player!r} is a function such as lambda f, x: "
                            f"f(x).mean(), not a network: {told(self.loss)}")
        if self.after is not None and not callable(self.after):
            raise TypeError(f"after is a function of the player's network, not {told(self.after)}")
        if any(a.kind in (a.VAR_POSITIONAL, a.VAR_KEYWORD) for a in arguments(self.loss).values()):
            raise TypeError(f"the loss of {self.player!r} must name its arguments: "
                            "no *args, no **kwargs")

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """The names that the loss cannot do without: its arguments that have no default."""
        return tuple(n for n, a in arguments(self.loss).items() if a.default is a.empty)

    @cached_property
    def optional(self) -> tuple[str, ...]:
        """The names that the loss takes where somebody provides them."""
        return tuple(n for n, a in arguments(self.loss).items() if a.default is not a.empty)

    @property
    def movers(self) -> tuple[str, ...]:
        """The players that move: ("e", "d") for "e d"."""
        return tuple(self.player.split())

    def asks(self, known: Iterable[str]) -> tuple[str, ...]:
        """The names to hand to the loss, out of `known`.

        NameError, listing the known ones, if one that it needs is missing.
        """
        known = tuple(known)
        for name in self.needs:
            if name not in known:
                raise NameError(f"the loss of player {self.player!r} asks for {name!r}, "
                                "which is not among: " + ", ".join(sorted(known)))
        return self.needs + tuple(name for name in self.optional if name in known)


class Game:
    """The moves of a round, in order. `game["f"]` is the (first) loss of player f.

    TypeError for anything but {player: loss} or a list of Moves, KeyError for a player without a
    move. Introduced in notebooks/00_start_here.ipynb.
    """

    def __init__(self, moves: Mapping[str, Callable[..., Tensor]] | Iterable[Move]):
        if isinstance(moves, Mapping):
            moves = [Move(player, loss) for player, loss in moves.items()]
        self.moves = tuple(moves) if isinstance(moves, Iterable) else ()
        if not self.moves or not all(isinstance(move, Move) for move in self.moves):
            raise TypeError('a Game takes {"f": loss, …} or a list of Move(player, loss), not '
                            f"{told(moves)}")

    @property
    def players(self) -> tuple[str, ...]:
        """Symbols of all who move, in order of first appearance."""
        return tuple(dict.fromkeys(name for move in self.moves for name in move.movers))

    def __getitem__(self, player: str) -> Callable[..., Tensor]:
        for move in self.moves:
            if player in (move.player, *move.movers):
                return move.loss
        raise KeyError(f"{player!r} does not move in this game; "
                       f"its players are {', '.join(self.players)}")

    def __repr__(self):
        moves = ", ".join(f"{m.player}: {getattr(m.loss, '__name__', m.loss)}" for m in self.moves)
        return f"Game({moves})"


def couples_batch(network) -> bool:
    """True if some layer lets one sample of a batch change another's output.

    Batch norm in training does. A plain function, into which nobody can look, counts as one that
    does, too.
    """
    if not isinstance(network, nn.Module):
        return True
    norms = nn.modules.batchnorm._BatchNorm
    return any(isinstance(m, norms) and m.training for m in network.modules())


def both(f, x: Tensor, x_fake: Tensor) -> tuple[Tensor, Tensor]:
    """(f(x), f(x_fake)): (n, ...), (m, ...) -> (n,), (m,).

    In one pass of [x; x_fake] where that gives the same numbers. Plain functions and networks with
    batch norm are called twice, so that the formula on the page holds.
    """
    if couples_batch(f) or x.shape[1:] != x_fake.shape[1:] or x.dtype != x_fake.dtype:
        return f(x), f(x_fake)
    return f(torch.cat([x, x_fake])).split([len(x), len(x_fake)])
