"""Checks of points and weights that several modules of this wing share. NumPy only.

No lesson derives them. A refusal says what was given and what is needed.
"""
from __future__ import annotations

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
