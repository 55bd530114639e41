"""Checkpoints: written whole or not at all, read without unpickling code, compared before use."""
from __future__ import annotations

import contextlib
import math
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..data.files import Unwritable, atomic_write, usable
from ..exact.checks import fits
from .plan import BUFFER

AFRESH = "use another file name, or delete it to start afresh"
_known: dict[tuple[str, str], tuple | None] = {}    # path, plan -> the file as it was written
FUSED = {torch.optim.Adam: {"step", "exp_avg", "exp_avg_sq"}, torch.optim.Adagrad: {"step", "sum"}}


class CheckpointError(RuntimeError):
    """A checkpoint that is broken, belongs to another training or cannot be written; the message
    names the remedy."""


def target(path) -> Path | None:
    """Where the checkpoint of a training goes, before it begins; None for none.

    CheckpointError for a folder, a device, a place that cannot be written; TypeError, ValueError
    for what is no path.
    """
    if path is None:
        return None
    try:
        # absolute: a watcher or another thread may change the folder while it trains
        return usable(path, "checkpoint").absolute()
    except Unwritable as error:
        raise CheckpointError(str(error)) from error


def save(state: dict, path) -> None:
    """Write `state` to `path`; a crash or a full disk leaves the old file whole. OSError;
    CheckpointError for what could not be read again, and where another training has written there
    since this one looked."""
    state = _plain(state)
    mine, there = (str(path), repr(state.get("plan"))), _stamp(path)
    if "plan" in state and there and _known.get(mine) != there:
        found = None
        with contextlib.suppress(CheckpointError):         # a damaged one is nobody's
            found = _read(Path(path))
        if found is not None:
            _refuse_another(path, found, state["plan"])
    with atomic_write(path) as file:
        watched = _Watched(file)
        try:
            torch.save(state, watched)
        except RuntimeError as error:                      # so torch reports a full disk
            raise watched.error or OSError(str(error).splitlines()[0]) from error
    _known[mine] = _stamp(path)


def _stamp(path) -> tuple | None:
    """What tells a file from one that somebody else has put in its place; None where none is."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


class _Watched:
    """A file that remembers what went wrong in it: torch reports another error instead."""

    def __init__(self, file):
        self.file, self.error = file, None

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, data):
        try:
            return self.file.write(data)
        except OSError as error:
            self.error = error
            raise


def _plain(value, where: str = ""):
    """The same with Python's numbers for NumPy's: others would need code to be read again."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        made = {key: _plain(one, f"{where}/{key}") for key, one in value.items()}
        same = all(made[key] is value[key] for key in made)
        return value if same else made
    if isinstance(value, (list, tuple)):
        made = [_plain(one, where) for one in value]
        return value if all(a is b for a, b in zip(made, value)) else type(value)(made)
    if not isinstance(value, (Tensor, str, bytes, int, float, complex, type(None))):
        raise CheckpointError(f"a checkpoint holds tensors, numbers and words, and {where} is "
                              f"{type(value).__name__}")
    return value


def load(path, like: dict) -> dict:
    """The state in `path`, on the CPU, with all the keys of `like` and the same "plan".

    CheckpointError for a file that cannot be read or is damaged, that has another plan or lacks a
    key.
    """
    state = _read(Path(path))
    _refuse_another(path, state, like["plan"])
    if missing := like.keys() - state.keys():
        raise CheckpointError(f"{path} lacks {', '.join(sorted(missing))}; {AFRESH}")
    return state


def _refuse_another(path, state: dict, mine: dict) -> None:
    """CheckpointError where the `state` of a file has another plan than `mine`."""
    plan, left = state["plan"], state.get("left", {})
    for key, value in mine.items():
        # a buffer that the run itself has changed, as a running mean, is a memory and no constant;
        # older files do not say theirs
        if key.startswith(BUFFER) and not (key in plan and plan[key] == left.get(key)):
            continue
        if key not in plan and value is not None:
            raise CheckpointError(f"{path} does not say its {key}: another version of the course "
                                  f"wrote it; {AFRESH}")
        # what a loss holds may be changed by the run itself, as a list that it fills
        if value != plan.get(key) and value != left.get(key, plan.get(key)):
            raise CheckpointError(
                f"{path} belongs to another training: its {key} is {plan.get(key)!r:.90}, here it "
                f"is {value!r:.90}. Use another file name, or delete it to start afresh")
    for key in (key for key in plan.keys() - mine.keys() if not key.startswith(BUFFER)):
        raise CheckpointError(f"{path} says its {key!r:.60}, of which this version of the course "
                              f"knows nothing; {AFRESH}")


def _read(path: Path) -> dict:
    """A dictionary with a plan, out of a file whose own checksums are right."""
    try:
        if path.exists() and not path.is_file():           # to open a pipe would wait for ever
            raise CheckpointError(f"{path} is no file but a folder or a device: choose another "
                                  "path")
        with open(path, "rb"):
            pass
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}): ask its owner for "
                              "permission, or use another file name") from error
    try:
        with zipfile.ZipFile(path) as archive:
            if any(one.compress_type != zipfile.ZIP_STORED for one in archive.infolist()):
                raise ValueError("torch packs nothing")
            if damaged := archive.testzip():
                raise ValueError(f"{damaged} is damaged: its checksum is wrong")
        # weights_only: tensors, numbers and containers of them; a pickle that calls code is refused
        state = torch.load(path, map_location="cpu", weights_only=True)
        dict(state["plan"]), dict(state.get("left", {}))
    except Exception as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        if isinstance(error, pickle.UnpicklingError):      # its own words advise to run such code
            reason = "it holds more than tensors, numbers and words, or is no file of train"
        raise CheckpointError(f"{path} is not a readable checkpoint ({reason}); use another file "
                              "name, or delete it to start afresh") from error
    return state


def refuse_misfit(state: dict, like: dict, optimizers, samples, path) -> None:
    """CheckpointError where a tensor of `state` has not the shape and type of its place in `like`.

    Nothing was put back by then; only `samples` stand where they stood. Fused optimisers write into
    their memories without looking at their shapes, so that another one would end the process.
    """
    try:
        step = state["step"]
        _need(type(step) is int and step >= 0, "step")
        _need(type(state["images"]) is int and state["images"] >= 0, "images")
        _need(type(state["seconds"]) in (int, float) and state["seconds"] >= 0, "seconds")
        for part in ("players", "ema"):
            _need(state[part].keys() == like[part].keys(), part)
            for name, expected in like[part].items():
                _alike(state[part][name], expected, f"{part} {name}")
                _need(not any(isinstance(value, Tensor) and bool(value.isnan().any())
                              for value in state[part][name].values()),
                      f"weights of {name}, which hold nan,")
        _need(state["losses"].keys() == like["losses"].keys(), "losses")
        for values in state["losses"].values():
            _need(values.shape == (step,) and values.is_floating_point(), "losses")
            _need(bool(values.isfinite().all()), "losses")
        _alike({"": state["random"]}, {"": like["random"]}, "random")
        torch.Generator().set_state(state["random"])       # an error where no generator stands so
        _need(state["cuda"] is None or state["cuda"].dtype == torch.uint8, "cuda")
        _check_rates(state["rates"], like["rates"], step)
        _need(isinstance(state["samples"], type(like["samples"])), "samples")
        _need(list(map(type, state["generators"])) == list(map(type, like["generators"])),
              "random generators")
        _need(len(state["optimizers"]) == len(optimizers), "optimizers")
        for stored, optimizer in zip(state["optimizers"], optimizers):
            _check_memory(stored, optimizer)
        try:
            samples.load_state(state["samples"])
        except Exception:
            samples.load_state(like["samples"])
            raise
    except CheckpointError:
        raise
    except Exception as error:                             # a missing key, a list for a dictionary
        raise CheckpointError(f"{path} does not fit this training ({error}); {AFRESH}") from error


def _need(holds: bool, what: str):
    if not holds:
        raise ValueError(f"its {what} is not what a checkpoint of it holds")


def _alike(state, expected, what: str):
    _need(state.keys() == expected.keys(), what)
    for key, value in expected.items():
        if isinstance(value, Tensor):
            _need(isinstance(state[key], Tensor) and state[key].shape == value.shape
                  and state[key].dtype == value.dtype and state[key].layout is torch.strided
                  and not state[key].is_meta, f"{what} {key}".strip())


def _check_rates(stored, like: list, step: int):
    """The counters of the rates: as many, of the same learning rates, at this step."""
    _need(isinstance(stored, list) and len(stored) == len(like), "rates")
    for one, mine in zip(stored, like):
        _need(one.keys() == mine.keys() and one["base_lrs"] == mine["base_lrs"]
              and one["last_epoch"] == step
              and all(_of_kind(one[key], value) for key, value in mine.items()), "rates")


def _of_kind(stored, mine) -> bool:
    """A setting may have changed in the course of a training; of its kind it still is."""
    if isinstance(mine, (list, tuple)):
        return isinstance(stored, (list, tuple)) and len(stored) == len(mine) and all(
            map(_of_kind, stored, mine))
    if isinstance(mine, (int, float)) and not isinstance(mine, bool):
        return fits(stored, least=0 if mine >= 0 else -math.inf)
    return mine is None or isinstance(stored, type(mine))


def _check_memory(stored: dict, optimizer):
    """The memories of one optimiser against the weights that it moves."""
    mine = optimizer.state_dict()["param_groups"]
    groups = stored["param_groups"]
    _need([one["params"] for one in groups] == [one["params"] for one in mine], "groups of weights")
    _need(all(one.keys() <= theirs.keys() and one.get("fused") == theirs.get("fused")
              and all(_of_kind(theirs[key], value) for key, value in one.items())
              for one, theirs in zip(mine, groups)), "settings of an optimiser")
    needed = next((keys for kind, keys in FUSED.items() if isinstance(optimizer, kind)), set())
    weights = {number: (weight, group) for group, live in zip(mine, optimizer.param_groups)
               for number, weight in zip(group["params"], live["params"])}
    for number, memory in stored["state"].items():
        weight, group = weights[number]
        if not group.get("fused"):
            continue                                       # torch compares them itself
        _need(not memory or needed <= memory.keys(), "memory of an optimiser")
        for key, value in memory.items():
            if value is None:
                continue
            _need(value.shape == (() if key == "step" else weight.shape)
                  and value.is_floating_point() and bool((value.isfinite()).all())
                  and bool(key not in ("step", "exp_avg_sq", "sum") or (value >= 0).all()),
                  f"memory {key} of an optimiser")
            # laid out in memory as the weight is, which a fused step takes for granted
            memory[key] = (value.float() if key == "step" else torch.empty_like(
                weight, device="cpu", requires_grad=False).copy_(value))
