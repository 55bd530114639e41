"""Whose turn it is: while one player moves, every other network is a constant."""
from __future__ import annotations

import contextlib
from collections.abc import Mapping

from torch import nn
from torch.nn.utils import parametrize


class Turn:
    """A context in which only `movers` learn. Flags are put back exactly as they were found.

    The others' weights ask for no gradient, so no `.detach()` is needed in a loss; their batch norm
    still uses the batch but keeps its running statistics; their spectral norms do not iterate. The
    movers' parametrised weights (spectral norm) are computed once, however often the loss calls
    them.
    """

    def __init__(self, movers: tuple[str, ...], players: Mapping[str, nn.Module]):
        others = [m for name, net in players.items() if name not in movers for m in net.modules()]
        ours = [m for name in movers for m in players[name].modules()]
        # only what is on is turned off, and only that on again: who is frozen stays frozen
        self.weights = [w for m in others for w in m.parameters(recurse=False) if w.requires_grad]
        self.norms = [m for m in others if isinstance(m, nn.modules.batchnorm._BatchNorm)
                      and m.track_running_stats]
        # spectral norm iterates when it is asked for a weight in training mode
        self.iterating = [child for m in others if isinstance(m, parametrize.ParametrizationList)
                          for child in m.modules() if child.training]
        parametrized = any(isinstance(m, parametrize.ParametrizationList) for m in [*others, *ours])
        self.cached = parametrize.cached if parametrized else contextlib.nullcontext

    def __enter__(self):
        self._set(False)
        self.cache = self.cached()
        self.cache.__enter__()

    def __exit__(self, *error):
        self.cache.__exit__(*error)
        self._set(True)

    def _set(self, flag: bool):
        for weight in self.weights:
            weight.requires_grad_(flag)
        for norm in self.norms:
            norm.track_running_stats = flag
        for child in self.iterating:
            child.training = flag


def refuse_shared_weights(players: Mapping[str, nn.Module]):
    """ValueError if two players own the same parameter: neither could then be held fixed."""
    owner = {}
    for name, net in players.items():
        for weight in net.parameters():
            if owner.setdefault(id(weight), name) != name:
                raise ValueError(f"players {owner[id(weight)]!r} and {name!r} share a parameter; "
                                 "give each its own network, or let them move together: "
                                 'Move("e d", loss)')
