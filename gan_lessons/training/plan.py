"""What makes a training this one and no other: the part of a checkpoint that is compared.

Code and constants count, as hashes; weights do not, for they are what a training changes.
"""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

from .code import PACKAGE, PLAIN, Code, bytes_hash, short
from .run import Run

TORCHS_OWN = vars(nn.Module()).keys()           # hooks, weights, the mode: what every network has

_hashed = WeakIdKeyDictionary()                 # tensor -> (its version, its hash)


def plan(loop) -> dict[str, object]:
    """{what: how} of a training: its moves, settings and shapes, then hashes of losses, networks
    and data. Two trainings with equal plans play the same game on the same data."""
    asked, players, samples = loop.asked, loop.players, loop.samples
    movers = {planned.label: planned for planned in loop.moves}
    return _words({
        "moves": list(movers),
        "round": [planned.label for planned in loop.schedule],
        "players": sorted(players),
        "ema": asked.ema,
        "seed": asked.seed,
        "batch": getattr(samples, "batch", None),
        "optimizers": [type(planned.optimizer).__name__ for planned in loop.moves],
        "learning rates": [planned.optimizer.defaults.get("lr") for planned in loop.moves],
        **{f"shapes of {name}": [list(w.shape) for w in net.state_dict().values()
                                 if isinstance(w, Tensor)] for name, net in players.items()},
        "precision": asked.precision,
        "reuse": asked.reuse,
        # a rate depends on how long the training is: one with more steps is another one
        "rate": None if asked.rate is None else
                [asked.steps, *(float(asked.rate(k / 8)) for k in range(9))],
        **{f"weights of {label}": _weights(planned.optimizer, players)
           for label, planned in movers.items()},
        **{f"optimizer of {label}": _settings(planned.optimizer)
           for label, planned in movers.items()},
        **hashes(loop)})


def hashes(loop) -> dict[str, str]:
    """The part of a plan that a run may change while it plays: what a loss holds, as a list that it
    fills, or a counter of a network's own."""
    made_of = getattr(loop.samples, "made_of", lambda: {"samples": loop.samples})
    found = {}
    for planned in loop.moves:
        found[f"loss of {planned.label}"] = described(planned.move.loss)
        found[f"after of {planned.label}"] = described(planned.move.after)
    for name, net in loop.players.items():
        found[f"network {name}"] = described(net)
    return found | {name: described(value) for name, value in made_of().items()}


def described(value) -> str:
    """A function, a network, a law or a tensor in few words, with a hash of code and constants;
    plain numbers and words as they are."""
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, Tensor):
        name = f"{' × '.join(map(str, value.shape))} {value.dtype}"
    elif isinstance(value, nn.Module) or " at 0x" in (name := repr(value)):
        name = getattr(value, "__qualname__", type(value).__name__)
    try:
        found = _Parts(value)
        found.follow(value, "")
        words = short(str(sorted((where, *texts) for where, texts in found.texts.items())))
    except Exception:              # an object that cannot be looked into ends no training
        words = "not looked into"
    return f"{name[-50:]} {words}"


class _Parts(Code):
    """Code that is followed through the whole package, and networks without their weights."""

    def __init__(self, value):
        super().__init__(value)
        self.wing = PACKAGE + "."

    def array(self, value, where):
        if not isinstance(value, Tensor):
            return super().array(value, where)
        if isinstance(value, nn.Parameter) or value.requires_grad:
            self.texts[where].append(f"{tuple(value.shape)} {value.dtype}")
            return None
        version, digest = _hashed.get(value, (None, None))
        if version != value._version:
            digest = bytes_hash(value)
            _hashed[value] = value._version, digest
        self.texts[where].append(digest)
        return None

    def instance(self, value, where):
        if isinstance(value, Run):
            value = dict(value.players)
            self.each([part for item in value.items() for part in item], where)
        elif isinstance(value, nn.Module):
            self.network(value, where)
        else:
            super().instance(value, where)

    def network(self, net, where):
        """Its layers by name and kind, and the constants that each holds besides its weights."""
        for name, layer in net.named_modules():
            self.met[id(layer)] = layer
            self.texts[where].append(name)
            for kind in type(layer).__mro__[:-1]:
                self.follow(kind, where)
            for key, value in vars(layer).items():
                if key not in TORCHS_OWN:
                    self.texts[where].append(key)
                    self.follow(value, where)


def _weights(optimizer, players) -> list[list[str]]:
    """The weights that an optimiser moves, by name, group by group."""
    names = {id(w): f"{player}.{name}" for player, net in players.items()
             for name, w in net.named_parameters()}
    return [[names.get(id(w), "?") for w in group["params"]] for group in optimizer.param_groups]


def _settings(optimizer) -> list[dict]:
    """What an optimiser was told, group by group: betas and the like."""
    return [{key: value for key, value in group.items() if key != "params"}
            for group in optimizer.param_groups]


def _words(value):
    """The same out of what a file holds and what compares: numbers, words, lists."""
    if isinstance(value, Mapping):
        return {str(key): _words(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_words(one) for one in value]
    if isinstance(value, (Tensor, np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, (str, int, float, type(None))):
        return value
    return described(value)
