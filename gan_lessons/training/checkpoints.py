"""Checkpoints: written whole or not at all, read without unpickling code."""
from __future__ import annotations

import os
import tempfile
from pathlib import Path

import torch


class CheckpointError(RuntimeError):
    """A checkpoint that is broken or belongs to another training; the message names the remedy."""


def save(state: dict, path) -> None:
    """Write `state` beside `path`, then rename: a crash or full disk leaves the old file whole. OSError."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, RuntimeError):                # torch reports a full disk as RuntimeError
            raise OSError(str(error).splitlines()[0]) from error
        raise


def load(path, like: dict) -> dict:
    """The state in `path`, on the CPU; CheckpointError if it is broken or its `plan` is not that of `like`."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        plan = dict(state["plan"])
    except Exception as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise CheckpointError(f"{path} is not a readable checkpoint ({reason}); delete it to start afresh") from error
    for key, value in like["plan"].items():
        if plan.get(key) != value:
            raise CheckpointError(f"{path} belongs to another training: its {key} is {plan.get(key)!r:.80}, here it is "
                                  f"{value!r:.80}. Use another file name, or delete it to start afresh")
    if missing := like.keys() - state.keys():
        raise CheckpointError(f"{path} lacks {', '.join(sorted(missing))}; delete it to start afresh")
    return state
