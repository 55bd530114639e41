"""What makes a training this one and no other: the part of a checkpoint that is compared.

Code and constants count, as hashes. Weights that learn do not, for they are what a training
changes; those that are frozen do, and all of a network that never moves, or that is the data.
"""
from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

from .code import PACKAGE, PLAIN, Code, bytes_hash, short
from .held import words
from .run import Run

LARGE = 1 << 20         # bytes of a tensor from which on it is hashed once in a training
POINTS = 128            # of a rate, besides its code
BUFFER = "buffer "      # begins the name of numbers that a network keeps beside its weights

_hashed = WeakIdKeyDictionary()                 # large tensor -> (its version, its hash)


def plan(loop, unseen: set | None = None, generators: list | None = None) -> dict[str, object]:
    """{what: how} of a training: its moves, settings and shapes, then hashes of losses, networks
    and data. Two trainings with equal plans play the same game on the same data.

    unseen: takes the kinds of what nobody can look into; generators: the random generators that
    losses, networks and laws hold, besides those that a training has itself.
    """
    # Anew for each training: what is changed through NumPy, or .data, leaves the version as it was
    _hashed.clear()
    asked, players, samples = loop.asked, loop.players, loop.samples
    movers = {planned.label: planned for planned in loop.moves}
    return _words({
        "moves": list(movers),
        "round": [planned.label for planned in loop.schedule],
        "players": sorted(players),
        "ema": asked.decays["g"] if asked.decays.keys() == {"g"} else asked.ema,
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
        "rate between these points": None if asked.rate is None else short(str(
            [float(asked.rate(k / POINTS)) for k in range(POINTS)])),
        **{f"weights of {label}": _weights(planned.optimizer, players)
           for label, planned in movers.items()},
        **{f"optimizer of {label}": _settings(planned.optimizer)
           for label, planned in movers.items()},
        **hashes(loop, unseen, generators)})


def hashes(loop, unseen: set | None = None, generators: list | None = None) -> dict[str, str]:
    """The part of a plan that a run may change while it plays: what a loss holds, as a list that it
    fills, a counter of a network's own, or its buffers. None where there is nothing to tell.

    unseen: takes the kinds of what nobody can look into, so that it counts as equal; generators:
    random generators, as in `plan`.
    """
    nets = list(loop.players.values())
    # a network that a loss holds and nobody plays is a constant, weights and all
    described = partial(_described, generators=generators, fixed=True, but=nets)
    made_of = getattr(loop.samples, "made_of", lambda: {"samples": loop.samples})
    unseen = set() if unseen is None else unseen
    moving = {name for planned in loop.moves for name in planned.move.movers}
    found = {}
    for planned in loop.moves:
        found[f"loss of {planned.label}"] = described(planned.move.bare, unseen)
        found[f"after of {planned.label}"] = described(planned.move.after, unseen)
        found[f"step of {planned.label}"] = _step(planned.optimizer, unseen, generators)
    for name, net in loop.players.items():
        found[f"network {name}"] = described(net, unseen, fixed=name not in moving, but=())
        if name in moving:
            kept = net.state_dict()
            found |= {f"{BUFFER}{name}.{key}": tensor_hash(tensor)
                      for key, tensor in net.named_buffers() if key in kept}
    found["code of the rate"] = described(loop.asked.rate, unseen)
    return found | {name: described(value, unseen)
                    for name, value in made_of().items()}


def described(value, unseen: set | None = None, *, fixed: bool = False, but=()) -> str:
    """A function, a network, a law or a tensor in few words, with a hash of code and constants;
    plain numbers and words as they are.

    fixed: weights count by their numbers, except those of the networks in `but`. unseen: takes the
    kinds of what nobody can look into.
    """
    return _described(value, unseen, fixed=fixed, but=but)


def _described(value, unseen=None, *, fixed=False, but=(), generators=None):
    if isinstance(value, PLAIN) and type(value).__module__ == "builtins":
        return value
    if isinstance(value, Tensor):
        name = f"{' × '.join(map(str, value.shape))} {value.dtype}"
    elif isinstance(value, nn.Module) or " at 0x" in (name := words(value)):
        name = getattr(value, "__qualname__", type(value).__name__)
    found = _Parts(value, fixed, but)
    seen = found.look(value, "")
    if unseen is not None:
        unseen |= found.unseen
    if generators is not None:
        generators += [one for one in found.generators if all(one is not had for had in generators)]
    digest = short(str(sorted((where, *texts) for where, texts in found.texts.items())))
    return f"{name[-50:]} {digest if seen else 'not looked into'}"


class _Parts(Code):
    """Code that is followed through the whole package, and networks without the weights that
    learn."""

    def __init__(self, value, fixed: bool = False, but=()):
        super().__init__(value)
        self.wing = PACKAGE + "."
        self.fixed = fixed
        self.but = {id(part) for net in but for part in (*net.modules(), *net.parameters())}

    def array(self, value, where):
        if isinstance(value, Tensor) and value.requires_grad and not (
                self.fixed and id(value) not in self.but):
            self.texts[where].append(f"{tuple(value.shape)} {value.dtype}")
        elif isinstance(value, Tensor):
            self.weight(value, where)
        else:
            super().array(value, where)

    def weight(self, tensor, where):
        self.texts[where].append(tensor_hash(tensor))

    def instance(self, value, where):
        if isinstance(value, Run):
            value = dict(value.players)
            self.each([part for item in value.items() for part in item], where)
        else:
            super().instance(value, where)

    def is_fixed(self, net) -> bool:
        if self.fixed:
            return id(net) not in self.but
        return not any(w.requires_grad for w in net.parameters())


def tensor_hash(tensor: Tensor) -> str:
    """`bytes_hash` of a tensor; that of a large one is remembered until it is written to."""
    if tensor.nbytes < LARGE or tensor.is_inference():
        return bytes_hash(tensor)
    version, digest = _hashed.get(tensor, (None, None))
    if version != tensor._version:
        digest = bytes_hash(tensor)
        _hashed[tensor] = tensor._version, digest
    return digest


def _step(optimizer, unseen: set, generators=None) -> str | None:
    """What an optimiser does beyond torch's own of its kind: a class of the reader's, attributes,
    hooks that clip gradients; None for torch's own."""
    kind = type(optimizer)
    usual = vars(torch.optim.SGD([torch.zeros(1, requires_grad=True)])).keys()
    own = {key: value for key, value in vars(optimizer).items()
           # a LambdaLR counts steps by these
           if key not in usual and key not in ("step", "_opt_called")}
    hooks = [list(vars(optimizer).get(f"_optimizer_step_{when}_hooks", {}).values())
             for when in ("pre", "post")]
    if kind.__module__.startswith("torch.") and not any(hooks):
        return None                              # its settings say the rest
    return _described([kind, own, *hooks], unseen, generators=generators)


def _weights(optimizer, players) -> list[list[str]]:
    """The weights that an optimiser moves, by name, group by group."""
    names = {id(w): f"{player}.{name}" for player, net in players.items()
             for name, w in net.named_parameters()}
    return [[names.get(id(w), "?") for w in group["params"]] for group in optimizer.param_groups]


def _settings(optimizer) -> list[dict]:
    """What an optimiser was told, group by group: betas and the like, where they are not what they
    would be untold. So a setting that a later torch adds makes no other training."""
    untold = {name: one.default
              for name, one in inspect.signature(type(optimizer)).parameters.items()}
    return [{key: value for key, value in group.items() if key != "params"
             and not (key in untold and _words(value) == _words(untold[key]))}
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
