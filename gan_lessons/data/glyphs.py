"""Digits drawn offline from stencils of seventeen fonts: labelled, 28 x 28, endless.

Introduced in notebooks/00_start_here.ipynb, where MNIST cannot be had.
"""
from __future__ import annotations

import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..exact.checks import check_count
from .formats import DataUnavailable

SIDE = 56  # pixels of a stencil: twice the picture, so that the mean of 2 x 2 is smooth
SHEET = Path(__file__).with_name("stencils.png")     # made by tools/stencils.py
STENCILS = "9e0d304d"                                # CRC-32 of its pixels


@lru_cache
def stencils() -> np.ndarray:
    """(fonts, 10, 56, 56) float32 in [0, 1]: each digit of each font, 40 pixels high, centred.

    DataUnavailable where the file of the package is damaged.
    """
    from PIL import Image
    try:
        with Image.open(SHEET) as sheet:            # a row for each font, a column for each digit
            grey = np.asarray(sheet)
        if f"{zlib.crc32(grey.tobytes()):08x}" != STENCILS:
            raise ValueError("other pixels than those that were shipped")
    except (OSError, ValueError, SyntaxError) as error:
        raise DataUnavailable(f"the stencils of the drawn digits, {SHEET}, are damaged ({error}): "
                              f"git checkout -- {SHEET}, or install the package again") from error
    tiles = grey.reshape(-1, SIDE, 10, SIDE).transpose(0, 2, 1, 3)
    return tiles / np.float32(255)


def draw(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """n digits: images (n, 1, 28, 28) uint8 and labels (n,) int64; the same for the same seed.

    Font and digit are uniform. Each stencil is turned by up to 17°, slanted by up to 0.3,
    stretched by 0.8 to 1.15 along each axis, and moved by up to 2 pixels.
    """
    import torch
    from torch.nn.functional import affine_grid, avg_pool2d, grid_sample

    check_count("n", n, most=200_000, why="pictures that are drawn")
    check_count("seed", seed, least=0)
    rng = np.random.default_rng(seed)
    font, digit = rng.integers(len(stencils()), size=n), rng.integers(10, size=n)
    turn, slant = rng.uniform(-0.3, 0.3, (2, n))
    (wide, high), (right, down) = rng.uniform(0.8, 1.15, (2, n)), rng.uniform(-2, 2, (2, n)) / 14
    cos, sin = np.cos(turn), np.sin(turn)
    # Rows of the inverse map, because grid_sample asks of each pixel of the picture where in the
    # stencil it comes from: rotate, slant, shrink, shift.
    inverse = np.stack([(cos + slant * sin) / wide, (slant * cos - sin) / wide, right,
                        sin / high, cos / high, down], 1).reshape(n, 2, 3)   # (n, 6) -> (n, 2, 3)
    inverse, shapes = torch.from_numpy(inverse).float(), torch.from_numpy(stencils())
    images = np.empty((n, 1, 28, 28), np.uint8)
    for start in range(0, n, 500):
        part = slice(start, start + 500)
        stencil = shapes[font[part], digit[part]][:, None]                    # (500, 1, 56, 56)
        grid = affine_grid(inverse[part], list(stencil.shape), align_corners=False)
        fine = grid_sample(stencil, grid, align_corners=False)
        pixels = avg_pool2d(fine, 2)                                          # (500, 1, 28, 28)
        images[part] = (255 * pixels).round_().to(torch.uint8).numpy()
    return images, digit
