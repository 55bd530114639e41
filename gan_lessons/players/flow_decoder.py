"""Decoders that are flows of their own: what a Normal decoder leaves out, couplings add.

q(y | v): r = (y - d(v)) / sd, z = c(r, d(v)) ~ N(0, I), where c is a flow whose couplings see d(v).
Without couplings this is the Normal decoder of a VAE, with a deviation for each pixel.
Derived in notebooks/18_f_vae.ipynb.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from ..exact.checks import as_shape, check_count, fits
from ..game import check_player, check_tensors, one_format
from .flows import ActNorm, Mixing


class FlowDecoder(nn.Module):
    """d(v), (n, k) -> (n, *shape), with `nll(y, v)` = -log q(y | v), (n,), and `sample(v)`.

    net: the mean of y, (n, k) -> (n, *shape). couplings: at each of two levels, as in `image_flow`;
    0 for a Normal decoder. width: of their convolutions. start: the deviation at first; `log_sd` is
    learnt, a number for each pixel. It begins as the Normal decoder.
    ValueError for pictures that two squeezes do not divide, and for sizes and start ≤ 0. Lesson 18.
    """

    def __init__(self, net: nn.Module, shape=(1, 28, 28), couplings: int = 0, width: int = 32,
                 start: float = 0.8, seed: int = 5):
        super().__init__()
        channels, *size = as_shape(shape, least=1)
        if len(size) != 2 or size[0] % 4 or size[1] % 4:
            raise ValueError(f"pictures are (channels, height, width) with sides that 4 divides, "
                             f"not {tuple(shape)}")
        check_player("net", net)
        check_count("seed", seed, least=0)
        couplings = check_count("couplings", couplings, least=0, most=1000)
        width = check_count("width", width, most=10_000)
        if not fits(start, above=0):
            raise ValueError(f"start = {start}: a deviation is above 0")
        self.net, self.shape = net, (channels, *size)
        self.start = math.log(start)
        self.grown = nn.Parameter(torch.zeros(self.shape))
        levels = [] if couplings == 0 else [4 * channels, 16 * channels]
        self.levels = nn.ModuleList(nn.ModuleList(
            _Step(wide, width, seed + 100 * level + number) for number in range(couplings))
            for level, wide in enumerate(levels))

    @property
    def log_sd(self) -> Tensor:
        """The logarithm of the deviation of each pixel, before the couplings: `shape`."""
        return self.start + 10 * self.grown            # so that Adam can move it by powers of e

    def forward(self, v: Tensor) -> Tensor:
        check_tensors(v=v)
        with one_format(self.net, v, shapes=True):
            made = self.net(v)
        if made.shape[1:] != self.shape:
            raise ValueError(f"net makes {tuple(made.shape[1:])} of a code, and this decoder is "
                             f"for pictures {self.shape}: build both for one shape")
        return made

    def nll(self, y: Tensor, v: Tensor) -> Tensor:
        """-log q(y | v) in nats, (n, *shape), (n, k) -> (n,)."""
        check_tensors(y=y, v=v)
        seen = self(v)
        if seen.shape != y.shape:
            raise ValueError(f"the decoder makes {tuple(seen.shape)} of v, and y is "
                             f"{tuple(y.shape)}: pictures of one shape, one for each code")
        z = (y - seen) * (-self.log_sd).exp()
        log_det = -self.log_sd.sum() + z.new_zeros(len(z))
        for steps in self.levels:
            z, seen = pixel_unshuffle(z, 2), pixel_unshuffle(seen, 2)
            for step in steps:
                z, more = step(z, seen)
                log_det = log_det + more
        square = z.square().flatten(1)
        return square.sum(1) / 2 + square.shape[1] / 2 * math.log(2 * math.pi) - log_det

    def sample(self, v: Tensor) -> Tensor:
        """y drawn from q(y | v): (n, k) -> (n, *shape)."""
        seen = [self(v)]
        for _ in self.levels:
            seen.append(pixel_unshuffle(seen[-1], 2))
        z = torch.randn_like(seen[-1])
        for steps, picture in zip(reversed(self.levels), reversed(seen)):
            for step in reversed(steps):
                z = step.inverse(z, picture)
            z = pixel_shuffle(z, 2)
        return seen[0] + z * self.log_sd.exp()


class _Step(nn.Module):
    """Actnorm, mixing, and an affine coupling whose network sees `seen` as well."""

    def __init__(self, channels: int, width: int, seed: int, bound: float = 2.0):
        super().__init__()
        self.norm, self.mix, self.bound = ActNorm(channels), Mixing(channels, seed), bound
        half = channels // 2

        def layers():
            return [nn.Conv2d(half + channels, width, 3, padding=1), nn.ReLU(),
                    nn.Conv2d(width, width, 1), nn.ReLU(),
                    nn.Conv2d(width, 2 * half, 3, padding=1)]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net = nn.Sequential(*layers())
        for weight in self.net[-1].parameters():
            nn.init.zeros_(weight)

    def _scale_and_shift(self, passed: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        with one_format(self.net, passed, seen, shapes=True):
            s, t = self.net(torch.cat([passed, seen], 1)).to(passed.dtype).chunk(2, 1)
        return self.bound * torch.tanh(s / self.bound), t

    def forward(self, x: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        x, first = self.norm(x)
        x, second = self.mix(x)
        passed, moved = x.chunk(2, 1)
        s, t = self._scale_and_shift(passed, seen)
        out = torch.cat([passed, moved * s.exp() + t], 1)
        return out, first + second + s.flatten(1).sum(1)

    def inverse(self, y: Tensor, seen: Tensor) -> Tensor:
        passed, moved = y.chunk(2, 1)
        s, t = self._scale_and_shift(passed, seen)
        x = torch.cat([passed, (moved - t) * (-s).exp()], 1)
        return self.norm.inverse(self.mix.inverse(x))
