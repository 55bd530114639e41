"""Checks of points and weights that several modules of this wing share. NumPy only.

No lesson derives them. A refusal says what was given and what is needed.
"""
from __future__ import annotations

from numbers import Integral

import numpy as np


def as_points(x, what: str = "points", least: int = 0):
    """x as float64 points: (k, d) -> (k, d), and numbers on the line (k,) -> (k, 1).

    what: how the message calls them. ValueError for other shapes and for fewer than `least` points.
    """
    x = np.asarray(x, dtype=float)
    x = x[:, None] if x.ndim == 1 else x                                          # (k, d)
    if x.ndim != 2 or len(x) < least:
        raise ValueError(f"{what} are (n, d), or (n,) on the line, not of shape {x.shape}")
    return x


def as_shares(weights, n: int, of: str = "samples", word: str = "weights"):
    """n weights ≥ 0, scaled to sum 1: (n,) -> (n,), equal ones for None.

    of, word: how the message calls the n things and their weights. ValueError for another number
    of weights, for negative ones, and where all are 0.
    """
    weights = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    if weights.shape != (n,) or (weights < 0).any() or not weights.sum() > 0:
        raise ValueError(f"{n} {of} need as many {word} ≥ 0, not {weights}")
    return weights / weights.sum()


def whole(name: str, value, least=1, most=None, remedy: str = "") -> int:
    """value as an int, for an argument `name` that is a whole number from `least` to `most`.

    Whole numbers of NumPy are taken; True, 3.0 and "3" are not. ValueError that says what came.
    """
    good = isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))
    if not good or not (least is None or value >= least) or not (most is None or value <= most):
        reach = (f"from {least:,} to {most:,}" if None not in (least, most)
                 else "of any size" if least is None else f"above {least - 1:,}")
        raise ValueError(f"{name} must be a whole number {reach}, not {told(value)}"
                         + (f": {remedy}" if remedy else ""))
    return int(value)


def told(value) -> str:
    """What came, for a message: its text where that is short and tells something, else its type."""
    if isinstance(value, type) or callable(value) and hasattr(value, "__name__"):
        return f"the {'class' if isinstance(value, type) else 'function'} {value.__name__}"
    try:
        text = repr(value)
    except Exception:                                    # a foreign object need not have a text
        text = ""
    short = 0 < len(text) <= 40 and "\n" not in text and " at 0x" not in text
    return text if short else type(value).__name__
