"""Straightens slanted writing, from the moments of each picture alone. Used in notebooks/19_clustering.ipynb."""
from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from .datasets import Images


def deskew(images: Images) -> Images:
    """The same pictures, centred on their ink and sheared upright: in each, rows are shifted by -slant · height.

    With ink w(x, y) as a law of places, slant = cov(x, y) / var(y), the least squares line through the ink; afterwards the
    covariance is 0. No label is used. Empty pictures stay as they are.
    """
    return replace(images, images=torch.cat([_upright(part) for part in images.images.split(5000)]))


def _upright(pictures: Tensor) -> Tensor:
    x = pictures.float()
    ink = x.mean(1) / x.mean(1).sum((1, 2)).clamp_min(1e-9)[:, None, None]                 # (n, h, w), sums to 1
    at_y, at_x = (torch.arange(1 - size, size, 2) / size for size in ink.shape[1:])        # -1 to 1, as grid_sample has it
    y, x_mean = ink.sum(2) @ at_y, ink.sum(1) @ at_x
    dy, dx = at_y - y[:, None], at_x - x_mean[:, None]
    slant = torch.einsum("nij,ni,nj->n", ink, dy, dx) / torch.einsum("nij,ni->n", ink, dy.square()).clamp_min(1e-6)
    back = torch.zeros(len(x), 2, 3)                                                       # from the new place to the old
    back[:, 0, 0] = back[:, 1, 1] = 1
    back[:, 0, 1], back[:, 0, 2], back[:, 1, 2] = slant, x_mean, y
    moved = grid_sample(x, affine_grid(back, list(x.shape), align_corners=False), align_corners=False)
    return moved.round().clamp(0, 255).to(torch.uint8)
