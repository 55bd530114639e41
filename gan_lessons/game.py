"""An objective is a game: for each player, the loss that it alone minimises.

    Game({"f": critic_loss, "g": generator_loss})                        players in order of play
    Game([Move("f", critic_loss, after=clip), Move("g", generator_loss)])
    Game([Move("e d", negative_elbo)])                                   two players move together

A loss asks for what it needs by the names of its arguments: players (f l g e d a …) and parts of
a batch (x y u z). Arguments with a default are optional. Introduced in notebooks/00_start_here.ipynb.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Move:
    """One player's turn: minimise `loss` over the weights of `player`.

    player: a symbol such as "f", or several ("e d") that move together.
    loss: function whose argument names say what it needs, returns a scalar Tensor.
    after: called with the player's network once its weights have moved, for example to clip them.
    TypeError for a loss that is no function of named arguments, NameError for a name that nobody provides.
    """

    player: str
    loss: Callable[..., Tensor]
    after: Callable[[nn.Module], None] | None = None
    needs: tuple[str, ...] = field(init=False, repr=False)
    optional: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self):
        if not callable(self.loss) or not self.player.split():
            raise TypeError(f"Move takes a player's symbol and its loss, not {self.player!r}, {self.loss!r}")
        arguments = inspect.signature(self.loss).parameters.values()
        if any(a.kind in (a.VAR_POSITIONAL, a.VAR_KEYWORD) for a in arguments):
            raise TypeError(f"the loss of {self.player!r} must name its arguments: no *args, no **kwargs")
        named = {a.name: a.default is a.empty for a in arguments}
        object.__setattr__(self, "needs", tuple(n for n, must in named.items() if must))
        object.__setattr__(self, "optional", tuple(n for n, must in named.items() if not must))

    @property
    def movers(self) -> tuple[str, ...]:
        return tuple(self.player.split())

    def asks(self, known: Iterable[str]) -> tuple[str, ...]:
        """The names to hand to the loss, out of `known`. Raises NameError, listing them, if one is missing."""
        known = tuple(known)
        for name in self.needs:
            if name not in known:
                raise NameError(f"the loss of player {self.player!r} asks for {name!r}, which is not among: "
                                + ", ".join(sorted(known)))
        return self.needs + tuple(name for name in self.optional if name in known)


class Game:
    """The moves of a round, in order. `game["f"]` is the (first) loss of player f.

    TypeError for anything but {player: loss} or a list of Moves, KeyError for a player without a move.
    """

    def __init__(self, moves: Mapping[str, Callable[..., Tensor]] | Iterable[Move]):
        if isinstance(moves, Mapping):
            moves = [Move(player, loss) for player, loss in moves.items()]
        self.moves = tuple(moves)
        if not self.moves or not all(isinstance(move, Move) for move in self.moves):
            raise TypeError('a Game takes {"f": loss, …} or a list of Move(player, loss)')

    @property
    def players(self) -> tuple[str, ...]:
        """Symbols of all who move, in order of first appearance."""
        return tuple(dict.fromkeys(name for move in self.moves for name in move.movers))

    def __getitem__(self, player: str) -> Callable[..., Tensor]:
        for move in self.moves:
            if player in (move.player, *move.movers):
                return move.loss
        raise KeyError(f"{player!r} does not move in this game; its players are {', '.join(self.players)}")

    def __repr__(self):
        moves = ", ".join(f"{m.player}: {getattr(m.loss, '__name__', m.loss)}" for m in self.moves)
        return f"Game({moves})"


def couples_batch(network) -> bool:
    """True if some layer lets one sample of a batch change another's output (batch norm in training)."""
    norms = nn.modules.batchnorm._BatchNorm
    return not isinstance(network, nn.Module) or any(isinstance(m, norms) and m.training for m in network.modules())


def both(f, x: Tensor, x_fake: Tensor) -> tuple[Tensor, Tensor]:
    """(f(x), f(x_fake)), in one pass of [x; x_fake] where that gives the same numbers.

    Plain functions and networks with batch norm are called twice, so that the formula on the page holds.
    """
    if couples_batch(f) or x.shape[1:] != x_fake.shape[1:] or x.dtype != x_fake.dtype:
        return f(x), f(x_fake)
    return f(torch.cat([x, x_fake])).split([len(x), len(x_fake)])
