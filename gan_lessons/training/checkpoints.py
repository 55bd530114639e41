"""Checkpoints: written whole or not at all, read without unpickling code."""
from __future__ import annotations

import torch

from ..data.files import atomic_write


class CheckpointError(RuntimeError):
    """A checkpoint that is broken or belongs to another training; the message names the remedy."""


def save(state: dict, path) -> None:
    """Write `state` to `path`; a crash or a full disk leaves the old file whole. OSError."""
    with atomic_write(path) as file:
        try:
            torch.save(state, file)
        except RuntimeError as error:                      # so torch reports a full disk
            raise OSError(str(error).splitlines()[0]) from error


def load(path, like: dict) -> dict:
    """The state in `path`, on the CPU, with all the keys of `like` and the same "plan".

    CheckpointError for a file that cannot be read, that has another plan or lacks a key.
    """
    try:
        # weights_only: tensors, numbers and containers of them; a pickle that calls code is refused
        state = torch.load(path, map_location="cpu", weights_only=True)
        plan = dict(state["plan"])
    except Exception as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise CheckpointError(f"{path} is not a readable checkpoint ({reason}); delete it to start "
                              "afresh") from error
    for key, value in like["plan"].items():
        if plan.get(key) != value:
            raise CheckpointError(
                f"{path} belongs to another training: its {key} is {plan.get(key)!r:.80}, here it "
                f"is {value!r:.80}. Use another file name, or delete it to start afresh")
    if missing := like.keys() - state.keys():
        raise CheckpointError(f"{path} lacks {', '.join(sorted(missing))}; delete it to start "
                              "afresh")
    return state
