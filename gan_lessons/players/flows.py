"""Invertible networks: each step gives its log-determinant with its output and can be undone.

step(x) -> (y, log |det dy/dx|), (n, ...) -> (n, ...), (n,); step.inverse(y) -> x. So the change of variables reads
log q(x) = log q(y) + log |det dy/dx|. NICE: Dinh et al. 2015, arXiv 1410.8516; RealNVP: Dinh et al. 2017, arXiv
1605.08803; Glow: Kingma & Dhariwal 2018, arXiv 1807.03039. Derived in notebooks/18_f_vae.ipynb.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .networks import Player


class Flow(nn.Module):
    """Steps one after the other; their log-determinants add up."""

    def __init__(self, *steps: nn.Module):
        super().__init__()
        self.steps = nn.ModuleList(steps)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        total = x.new_zeros(len(x))
        for step in self.steps:
            x, log_det = step(x)
            total = total + log_det
        return x, total

    def inverse(self, y: Tensor) -> Tensor:
        for step in reversed(self.steps):
            y = step.inverse(y)
        return y


class Coupling(nn.Module):
    """The half x₁ of axis 1 passes, the other is moved, and stretched if `affine`, by what a network says of x₁.

    y₁ = x₁, y₂ = x₂ e^s + t with (s, t) = net(x₁): log |det| = Σ s. Additive (NICE): y₂ = x₂ + net(x₁), log |det| = 0.
    s is at most `bound` in size, so that no step can overflow. swap=True: the second half passes.
    net: (n, k, ...) -> (n, 2 (d - k), ...) if affine, else (n, d - k, ...); k = d // 2 of d channels, d - k if swapped.
    ValueError for d < 2, and for a network of another size.
    """

    def __init__(self, net: nn.Module, swap: bool = False, affine: bool = True, bound: float = 2.0):
        super().__init__()
        self.net, self.swap, self.affine, self.bound = net, swap, affine, bound

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        d = x.shape[1]
        if d < 2:
            raise ValueError("a coupling needs two parts of axis 1, and here is one number: squeeze pictures first, add a "
                             "coordinate to points")
        one, two = x[:, :d // 2], x[:, d // 2:]
        return (two, one) if self.swap else (one, two)

    def _join(self, passed: Tensor, moved: Tensor) -> Tensor:
        return torch.cat((moved, passed) if self.swap else (passed, moved), 1)

    def _asked(self, passed: Tensor, moved: Tensor) -> tuple[Tensor, Tensor]:
        said = self.net(passed)
        times = 2 if self.affine else 1
        if said.shape != (len(moved), times * moved.shape[1], *moved.shape[2:]):
            raise ValueError(f"the network of this coupling says {tuple(said.shape[1:])} of {tuple(passed.shape[1:])}; to "
                             f"move {tuple(moved.shape[1:])} it must say {times} times that many channels")
        if not self.affine:
            return torch.zeros_like(moved), said
        s, t = said.chunk(2, 1)
        return self.bound * torch.tanh(s / self.bound), t

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        passed, moved = self._split(x)
        s, t = self._asked(passed, moved)
        return self._join(passed, moved * s.exp() + t), s.flatten(1).sum(1)

    def inverse(self, y: Tensor) -> Tensor:
        passed, moved = self._split(y)
        s, t = self._asked(passed, moved)
        return self._join(passed, (moved - t) * (-s).exp())


class ActNorm(nn.Module):
    """y = (x - b) e^s, b and s a number for each channel; log |det| = pixels · Σ s.

    The first batch in training sets them so that y has mean 0 and deviation 1 in each channel; ValueError where a
    channel of it is constant, for then no scale can do that.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.b, self.s = nn.Parameter(torch.zeros(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("begun", torch.tensor(False))

    @torch.no_grad()
    def _begin(self, x: Tensor):
        columns = x.transpose(0, 1).flatten(1).float()
        sd = columns.std(1)
        if not (sd > 1e-6).all():
            raise ValueError(f"channel {int((sd <= 1e-6).nonzero()[0])} of the first batch is constant (or the batch has one "
                             "sample): no scale gives it deviation 1; add a little noise, as `dequantised` does")
        self.b.copy_(columns.mean(1))
        self.s.copy_(-sd.log())
        self.begun.fill_(True)

    def _wide(self, values: Tensor, x: Tensor) -> Tensor:
        return values.reshape(-1, *[1] * (x.dim() - 2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.training and not self.begun:
            self._begin(x)
        log_det = self.s.sum() * math.prod(x.shape[2:])
        return (x - self._wide(self.b, x)) * self._wide(self.s, x).exp(), log_det.expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        return y * (-self._wide(self.s, y)).exp() + self._wide(self.b, y)


class Mixing(nn.Module):
    """A square matrix on axis 1, at every pixel the same (Glow's invertible 1 × 1 convolution): y = A x.

    log |det| = pixels · log |det A|. Begins as a random rotation. ValueError, in `inverse`, where A has become singular.
    """

    def __init__(self, channels: int, seed: int = 0):
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        self.A = nn.Parameter(torch.linalg.qr(torch.randn(channels, channels, generator=rng))[0])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        log_det = torch.linalg.slogdet(self.A)[1] * math.prod(x.shape[2:])
        return torch.einsum("ij,nj...->ni...", self.A, x), log_det.expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        if not torch.linalg.slogdet(self.A)[1] > -80:
            raise ValueError("the matrix of this step has become singular: it cannot be undone; lower the learning rate")
        return torch.einsum("ij,nj...->ni...", torch.linalg.inv(self.A), y)


class Squeeze(nn.Module):
    """Blocks of 2 × 2 pixels become channels: (n, c, h, w) -> (n, 4 c, h/2, w/2), log |det| = 0. ValueError for odd sides."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if x.dim() != 4 or x.shape[2] % 2 or x.shape[3] % 2:
            raise ValueError(f"blocks of 2 × 2 pixels do not tile samples of shape {tuple(x.shape[1:])}")
        return nn.functional.pixel_unshuffle(x, 2), x.new_zeros(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        return nn.functional.pixel_shuffle(y, 2)


class Shaped(nn.Module):
    """Vectors (n, k) become pictures (n, *shape), log |det| = 0: for a flow of codes as large as pictures."""

    def __init__(self, shape=(1, 28, 28)):
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.reshape(len(x), *self.shape), x.new_zeros(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        return y.flatten(1)


def point_flow(dim: int = 2, couplings: int = 6, width: int = 64, affine: bool = True, mix: bool = False,
               seed: int = 4) -> Flow:
    """A flow of vectors (n, dim): actnorm, a mixing matrix if `mix`, and a coupling, again and again.

    Without mixing the two halves take turns. It begins near a mere normalisation: each coupling's last layer at 0.
    ValueError below dim = 2.
    """
    if dim < 2:
        raise ValueError(f"dim={dim}: couplings move one part of a vector by another, so it needs 2 numbers or more")

    def net(swap, number):
        passed = dim - dim // 2 if swap else dim // 2
        moved = dim - passed
        return _quiet(Player(lambda: [nn.Linear(passed, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
                                      nn.Linear(width, (1 + affine) * moved)], ((1 + affine) * moved,), seed + number))
    return _stack(dim, couplings, net, affine, mix, seed)


def image_flow(shape=(1, 28, 28), levels: int = 2, couplings: int = 4, width: int = 32, affine: bool = True,
               mix: bool = True, seed: int = 4) -> Flow:
    """A flow of pictures (n, c, size, size) -> (n, 4^levels c, size / 2^levels, …): at each level a squeeze, then
    `couplings` times actnorm, 1 × 1 mixing and a coupling with three convolutions. Nothing is split off on the way.

    ValueError unless 2^levels divides the side of the square.
    """
    channels, size = shape[0], shape[1]
    if size % 2 ** levels or shape[1] != shape[2]:
        raise ValueError(f"{levels} squeezes need square pictures with a side that 2^{levels} divides, not {tuple(shape)}")
    steps = []
    for level in range(levels):
        channels, size = 4 * channels, size // 2

        def net(swap, number, channels=channels, size=size):
            passed, moved = channels // 2, channels - channels // 2
            return _quiet(Player(lambda: [nn.Conv2d(passed, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 1),
                                          nn.ReLU(), nn.Conv2d(width, (1 + affine) * moved, 3, padding=1)],
                                 ((1 + affine) * moved, size, size), seed + 100 * level + number))
        steps += [Squeeze(), *_stack(channels, couplings, net, affine, mix, seed + level).steps]
    return Flow(*steps)


def picture_net(shape=(1, 28, 28), times: int = 1, width: int = 32, seed: int = 3) -> Player:
    """Pictures (n, c, h, w) -> (n, times · c, h, w) by a squeeze, three convolutions, as in a coupling, and its undoing."""
    channels, *size = shape
    return Player(lambda: [nn.PixelUnshuffle(2), nn.Conv2d(4 * channels, width, 3, padding=1), nn.ReLU(),
                           nn.Conv2d(width, width, 1), nn.ReLU(), nn.Conv2d(width, 4 * times * channels, 3, padding=1),
                           nn.PixelShuffle(2)], (times * channels, *size), seed)


def _stack(channels: int, couplings: int, net, affine: bool, mix: bool, seed: int) -> Flow:
    steps = []
    for number in range(couplings):
        swap = bool(number % 2) and not mix
        steps += [ActNorm(channels), *([Mixing(channels, seed + number)] if mix else []),
                  Coupling(net(swap, number), swap, affine)]
    return Flow(*steps)


def _quiet(player: Player) -> Player:
    """The same network with a last layer of zeros: it says 0 at first."""
    for weight in player.layers[-1].parameters():
        nn.init.zeros_(weight)
    return player
