"""The flow that needs no training: every number of a sample bent by its own histogram.

b(x)ᵢ = Φ⁻¹(Fᵢ(xᵢ)), with Fᵢ the distribution function of number i in the data: afterwards each
number is standard Normal by itself, and couplings have only dependences left to learn.
Gaussianization: Chen & Gopinath 2000. Derived in notebooks/18_f_vae.ipynb.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..exact.checks import fits
from ..game import check_tensors

LEVELS = 256                        # grey values of a byte
NEVER = 1e-7                        # the outermost shares, left and right, are cut off: |b| < 5.3


class Marginals(nn.Module):
    """A fixed step of a flow, fitted to pictures: (n, c, h, w) in [-1, 1] -> (n, c, h, w), (n,).

    images: bytes (n, c, h, w), or Images. The density of a number is a histogram: even over each of
    256 grey values, so q of the step alone gives a grey value the share that it has there.
    smooth: counts from elsewhere, added to those of each number so that no grey value has share 0:
    mostly of the 3 × 3 pixels around, some of the whole picture, a few even.
    ValueError for what is no bytes of pictures, and for samples of another shape. Lesson 18.
    """

    def __init__(self, images, smooth: float = 100.0):
        super().__init__()
        images = getattr(images, "images", images)
        check_tensors(images=images)
        if images.dtype != torch.uint8 or images.dim() != 4 or not len(images):
            raise ValueError(f"a histogram is that of bytes (n, c, h, w), not of {images.dtype} "
                             f"{tuple(images.shape)}")
        if not fits(smooth, above=0):
            raise ValueError(f"smooth = {smooth!r}: counts above 0, so that each grey value can be")
        self.shape = tuple(images.shape[1:])
        share = _shares(images, smooth)                                  # (d, 256)
        below = torch.cat([torch.zeros(len(share), 1), share.cumsum(1)], 1)
        self.register_buffer("share", share)
        self.register_buffer("below", below / below[:, -1:])             # F at the edges, (d, 257)

    def _places(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Number and cell of each entry, (n, d) each: where share and below are looked up."""
        cell = x.floor().clamp(0, LEVELS - 1).long()
        return torch.arange(x.shape[1], device=x.device).expand_as(cell), cell

    def _checked(self, x: Tensor) -> Tensor:
        """x as (n, d) in float64; ValueError for another shape."""
        check_tensors(x=x)
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"samples of shape {tuple(x.shape[1:])} for histograms of "
                             f"{self.shape}")
        check_tensors(**{"the histograms": self.share})
        if not x.isfinite().all():
            raise ValueError("samples hold nan or inf, which have no place in a histogram")
        return x.flatten(1).double()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        at = (self._checked(x) + 1) * 127.5 + .5                         # from 0 to 256
        number, cell = self._places(at)
        share = self.share[number, cell]
        F = (self.below[number, cell] + share * (at - cell)).clamp(NEVER, 1 - NEVER)
        z = torch.special.ndtri(F)
        # db/dx = F' / φ(z), and F' = share in each of the 127.5 cells that fit into one unit of x
        log_det = (share * 127.5).log() + z.square() / 2 + math.log(2 * math.pi) / 2
        return z.reshape(x.shape).to(x.dtype), log_det.sum(1).to(x.dtype)

    def inverse(self, z: Tensor) -> Tensor:
        F = torch.special.ndtr(self._checked(z)).clamp(NEVER, 1 - NEVER)
        edges = self.below[:, 1:-1].contiguous()                         # (d, 255)
        cell = torch.searchsorted(edges, F.T.contiguous(), right=True).T
        number, cell = self._places(cell.double())
        at = cell + (F - self.below[number, cell]) / self.share[number, cell]
        return (((at - .5) / 127.5) - 1).reshape(z.shape).to(z.dtype)


def _shares(images: Tensor, smooth: float) -> Tensor:
    """Smoothed shares of the 256 grey values at each number: bytes (n, c, h, w) -> (d, 256)."""
    n, c, h, w = images.shape
    first = LEVELS * torch.arange(c * h * w, device=images.device)       # of each number's counts
    counts = torch.zeros(c * h * w * LEVELS, dtype=torch.float64, device=images.device)
    for part in images.flatten(1).split(5000):
        counts += torch.bincount((first + part.long()).flatten(), minlength=len(counts))
    counts = counts.reshape(-1, LEVELS)
    planes = counts.T.reshape(LEVELS * c, 1, h, w)
    around = nn.functional.avg_pool2d(planes, 3, 1, 1, count_include_pad=False)
    around = around.reshape(LEVELS, -1).T / n                            # (d, 256)
    anywhere = .75 * around + .15 * counts.mean(0) / n + .1 / LEVELS
    return (counts + smooth * anywhere) / (n + smooth)
