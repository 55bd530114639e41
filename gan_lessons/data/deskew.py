"""Straightens slanted writing, from the moments of each picture alone.

Used in notebooks/19_clustering.ipynb.
"""
from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from ..exact.checks import told
from .datasets import Images


def deskew(images: Images) -> Images:
    """The same pictures, centred on their ink and sheared upright; labels and names stay.

    With ink w(x, y) as a distribution of places, slant = cov(x, y) / var(y) is the slope of the
    least squares line x = slant · y through the ink. Each row is shifted by -slant · height, after
    which the covariance is 0. No label is used. Empty pictures stay as they are. TypeError for
    what are no Images.
    """
    if not isinstance(images, Images):
        raise TypeError(f"deskew takes Images, as load_images() gives them, not {told(images)}: "
                        "Images(pictures) makes them of bytes (n, c, h, w)")
    if not len(images):
        return images
    parts = images.images.split(250)                       # as float32 they stay in the cache
    return replace(images, images=torch.cat([_upright(part) for part in parts]))


def _upright(pictures: Tensor) -> Tensor:
    """(n, c, h, w) uint8 -> the same, upright."""
    x = pictures.float()
    grey = x.mean(1)                                                                   # (n, h, w)
    ink = grey / grey.sum((1, 2)).clamp_min(1e-9)[:, None, None]                  # sums to 1, or 0
    # pixel centres on the scale of grid_sample: the borders of a picture are at -1 and 1
    at_y, at_x = (torch.arange(1 - size, size, 2) / size for size in ink.shape[1:])
    y_mean, x_mean = ink.sum(2) @ at_y, ink.sum(1) @ at_x                                    # (n,)
    dy, dx = at_y - y_mean[:, None], at_x - x_mean[:, None]                        # (n, h), (n, w)
    covariance = torch.einsum("nij,ni,nj->n", ink, dy, dx)
    variance = torch.einsum("nij,ni->n", ink, dy.square())
    slant = covariance / variance.clamp_min(1e-6)
    # grid_sample asks where each new pixel comes from, so this is the map from the new place back
    # to the old one: x_old = x + slant · y + x_mean, y_old = y + y_mean.
    back = torch.zeros(len(x), 2, 3)
    back[:, 0, 0] = back[:, 1, 1] = 1
    back[:, 0, 1], back[:, 0, 2], back[:, 1, 2] = slant, x_mean, y_mean
    grid = affine_grid(back, list(x.shape), align_corners=False)
    moved = grid_sample(x, grid, align_corners=False)
    return moved.round().clamp(0, 255).to(torch.uint8)
