"""Which device a training runs on, asked once whether it can compute at all.

A graphics card may be there and still refuse every kernel ("no kernel image is available"), when it
is older or newer than what PyTorch was built for, or when its memory is taken.
"""
from __future__ import annotations

import os
import re
from functools import lru_cache

import torch

VARIABLE = "GAN_LESSONS_DEVICE"
NAMES = 'cpu, cuda, cuda:1 or mps'


def choose(asked="auto") -> torch.device:
    """The device for device=`asked`.

    "auto": what $GAN_LESSONS_DEVICE says, else a CUDA device where there is one, else the CPU. A
    device that cannot compute is told in one line, and the CPU taken instead. A device that was
    asked for by name, device="cuda", is used or refused.
    ValueError for a name that is none, and for a named device that cannot compute; TypeError for
    what is no name.
    """
    if isinstance(asked, torch.device):
        asked = str(asked)
    if not isinstance(asked, str):
        raise TypeError(f'device is "auto", or {NAMES}, not {asked!r}')
    if asked.strip().lower() != "auto":
        device = _named(asked, f"device={asked!r}")
        if reason := trouble(device):
            raise ValueError(f'device={asked!r} cannot compute here ({reason}): choose "auto" or '
                             '"cpu"')
        return device
    if (wanted := os.environ.get(VARIABLE, "").strip()) and wanted.lower() != "auto":
        device = _named(wanted, f"{VARIABLE}={wanted}")
    else:
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if reason := trouble(device):
        _say_once(f"{device} cannot compute here ({reason}); the CPU is used. {VARIABLE}=cpu keeps "
                  "this line away.")
        return torch.device("cpu")
    return device


def _named(name: str, said: str) -> torch.device:
    """ValueError, calling it as it was `said`, for what names no device of ours."""
    if not re.fullmatch(r"(cpu|mps)(:0)?|(cuda|xpu)(:(0|[1-9][0-9]?))?",
                        name := name.strip().lower()):
        raise ValueError(f"{said} names no device: choose {NAMES}")
    return torch.device(name)


@lru_cache
def trouble(device: torch.device) -> str:
    """Why the device cannot compute, in a few words; "" if it can. Tried once a process."""
    if device.type == "cpu":
        return ""
    if device.type == "cuda":
        if not torch.cuda.is_available():
            return "PyTorch sees no CUDA device"
        if (device.index or 0) >= (many := torch.cuda.device_count()):
            return f"there are {many}, numbered from 0"
    elif device.type == "mps" and not torch.backends.mps.is_available():
        return "PyTorch sees no such device"
    try:
        return "" if _kernel(device) == 285 else "it computes something else than the CPU"
    except Exception as error:                  # RuntimeError, AcceleratorError, out of memory
        return (str(error).splitlines() or [type(error).__name__])[0][:120]


def _kernel(device: torch.device) -> float:
    """0² + 1² + … + 9² on the device, as one product."""
    x = torch.arange(10., device=device)
    return float(x @ x)


@lru_cache
def _say_once(line: str) -> None:
    print(line, flush=True)
