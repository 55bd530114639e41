"""A critic that is linear in fixed waves: the ball of a Gaussian kernel, as a network.

Its ½ |w|² is half the squared norm of the kernel's space, so weight decay keeps it in a ball.
Rahimi & Recht 2007, "Random features for large-scale kernel machines". Lesson 22.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..exact.checks import check_count, fits
from .networks import Player, shape_of


class Waves(nn.Module):
    """φ(x) = (cos Ωx, sin Ωx) / √k with k fixed frequencies Ω: (n, d) -> (n, 2 k).

    Ω ~ N(0, 1/h²), so that φ(x) · φ(y) is about exp(-|x - y|²/2h²); on a line the frequencies are
    the middle levels of that Normal, and the product is right to many digits.
    """

    def __init__(self, dim: int, k: int, bandwidth: float):
        super().__init__()
        check_count("dim", dim)
        check_count("k", k)
        if not fits(bandwidth, above=0):
            raise ValueError(f"bandwidth = {bandwidth!r}: the width of a kernel is a number above "
                             "0")
        levels = (torch.arange(k) + 0.5) / k
        drawn = torch.special.ndtri(levels.double())[None].float() if dim == 1 else \
            torch.randn(dim, k)
        self.register_buffer("frequencies", drawn / bandwidth)                    # (d, k)

    def forward(self, x: Tensor) -> Tensor:
        if x.device != self.frequencies.device:
            raise ValueError(f"these weights are on {self.frequencies.device}, the samples on "
                             f"{x.device}: bring them to one device, as x.to(…)")
        angle = x @ self.frequencies.to(x.dtype)                                  # (n, k)
        return torch.cat([angle.cos(), angle.sin()], 1) / math.sqrt(angle.shape[1])


def fourier_critic(shape=1, bandwidth: float = 1.0, waves: int = 128, seed: int = 1) -> nn.Module:
    """Critic f(x) = w · φ(x), (n, *shape) -> (n,), φ the `Waves` of a Gaussian kernel.

    It begins at w = 0. Among all w with |w| ≤ 1 the largest gap is MMD, so far as the waves make up
    the kernel. ValueError for sizes below 1 and a bandwidth that is not above 0.
    Lesson 22.
    """
    dim = math.prod(shape_of(shape))

    def layers():
        made = Waves(dim, waves, bandwidth)
        last = nn.Linear(2 * waves, 1, bias=False)
        nn.init.zeros_(last.weight)
        return [nn.Flatten(), made, last]
    return Player(layers, (), seed)
