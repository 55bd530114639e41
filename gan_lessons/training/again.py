"""Who has been trained before: a cell that is run twice goes on from trained weights.

Nothing is wrong with that, but it should be known: its losses are those of a longer training.
"""
from __future__ import annotations

from weakref import WeakKeyDictionary

from torch import nn

# network -> the game and settings of its last training, and how its weights looked at the end
_seen: WeakKeyDictionary[nn.Module, tuple] = WeakKeyDictionary()


def remember(nets, game_and_settings: tuple) -> None:
    """These networks were trained just now."""
    for net in nets:
        _seen[net] = game_and_settings, _versions(net)


def trained_before(nets, game_and_settings: tuple) -> bool:
    """Whether all of these networks come as the same training has left them."""
    return all(_seen.get(net) == (game_and_settings, _versions(net)) for net in nets)


def _versions(net: nn.Module) -> tuple:
    """Which weights these are and how often they were changed: loading others counts as a change.
    """
    return tuple((id(weight), weight._version) for weight in net.parameters())
