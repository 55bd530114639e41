"""Invertible networks: each step gives its log-determinant with its output and can be undone.

step(x) -> (y, log |det dy/dx|), (n, ...) -> (n, ...), (n,); step.inverse(y) -> x. So the change of
variables reads log q(x) = log q(y) + log |det dy/dx|, in nats.
NICE: Dinh et al. 2015, arXiv 1410.8516; RealNVP: Dinh et al. 2017, arXiv 1605.08803; Glow: Kingma &
Dhariwal 2018, arXiv 1807.03039. Derived in notebooks/18_f_vae.ipynb.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..exact.checks import as_shape, check_count, check_flag, fits
from ..game import check_player, check_samples, check_tensors, one_format
from .networks import Player


class Flow(nn.Module):
    """Steps one after the other; their log-determinants add up, by the chain rule. Lesson 18."""

    def __init__(self, *steps: nn.Module):
        super().__init__()
        self.steps = nn.ModuleList(steps)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        check_samples(x=x)
        if not x.is_floating_point():
            raise ValueError(f"a flow bends floating-point numbers, not {x.dtype}: x.float()")
        total = x.new_zeros(len(x))
        with one_format(self, x, shapes=True):
            for step in self.steps:
                x, log_det = step(x)
                total = total + log_det
        return x, total

    def inverse(self, y: Tensor) -> Tensor:
        for step in reversed(self.steps):
            y = step.inverse(y)
        return y


class Coupling(nn.Module):
    """One part x₁ of axis 1 passes; a network of x₁ says how the other, x₂, is moved.

    Affine (RealNVP): y₁ = x₁, y₂ = x₂ e^s + t with (s, t) = net(x₁), log |det| = Σ s.
    Additive (NICE): y₁ = x₁, y₂ = x₂ + net(x₁), log |det| = 0.

    The network itself is never inverted: x₁ is known from y₁, and with it s and t. The Jacobian is
    triangular, with 1 and e^s on its diagonal.
    net: (n, k, ...) -> (n, 2 (d - k), ...) if affine, else (n, d - k, ...). k of d channels pass:
        the first d // 2, or with swap=True the others.
    bound: the largest size of s, so that no step can overflow.
    ValueError for d < 2, for a network of another size, and for bound ≤ 0. Lesson 18.
    """

    def __init__(self, net: nn.Module, swap: bool = False, affine: bool = True, bound: float = 2.0):
        super().__init__()
        check_player("net", net)
        check_flag(swap=swap, affine=affine)
        if not fits(bound, above=0):
            raise ValueError(f"bound = {bound!r}: the largest size of s is finite and above 0")
        self.net, self.swap, self.affine, self.bound = net, swap, affine, bound

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x -> (the part that passes, the part that is moved)."""
        check_tensors(x=x)
        d = x.shape[1] if x.dim() > 1 else 1
        if d < 2:
            raise ValueError("a coupling needs two parts of axis 1, and here is one number: "
                             "squeeze pictures first, add a coordinate to points")
        one, two = x[:, :d // 2], x[:, d // 2:]
        return (two, one) if self.swap else (one, two)

    def _join(self, passed: Tensor, moved: Tensor) -> Tensor:
        return torch.cat((moved, passed) if self.swap else (passed, moved), 1)

    def _scale_and_shift(self, passed: Tensor, moved: Tensor) -> tuple[Tensor, Tensor]:
        """(s, t), each of the shape of `moved`."""
        with one_format(self.net, passed, shapes=True):
            said = self.net(passed)
        check_tensors(**{"what the network of a coupling says": said})
        times = 2 if self.affine else 1
        if said.shape != (len(moved), times * moved.shape[1], *moved.shape[2:]):
            raise ValueError(f"the network of this coupling says {tuple(said.shape[1:])} of "
                             f"{tuple(passed.shape[1:])}; to move {tuple(moved.shape[1:])} it must "
                             f"say {times} times that many channels")
        if not self.affine:
            return torch.zeros_like(moved), said
        s, t = said.chunk(2, 1)
        return self.bound * torch.tanh(s / self.bound), t                # small s stay as they are

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        passed, moved = self._split(x)
        s, t = self._scale_and_shift(passed, moved)
        return self._join(passed, moved * s.exp() + t), s.flatten(1).sum(1)

    def inverse(self, y: Tensor) -> Tensor:
        passed, moved = self._split(y)
        s, t = self._scale_and_shift(passed, moved)
        return self._join(passed, (moved - t) * (-s).exp())


class ActNorm(nn.Module):
    """y = (x - b) e^s, b and s a number for each channel; log |det| = pixels · Σ s.

    The first batch in training sets them so that y has mean 0 and deviation 1 in each channel;
    ValueError where a channel of it is constant, for then no scale can do that, where it is not
    finite, and for samples of other channels.
    Kingma & Dhariwal 2018, arXiv 1807.03039; lesson 18.
    """

    def __init__(self, channels: int):
        super().__init__()
        check_count("channels", channels, most=10_000)
        self.b = nn.Parameter(torch.zeros(channels))
        self.s = nn.Parameter(torch.zeros(channels))
        self.register_buffer("begun", torch.tensor(False))               # kept with the weights

    @torch.no_grad()
    def _begin(self, x: Tensor):
        columns = x.transpose(0, 1).flatten(1).float()                   # (channels, n pixels)
        sd = columns.std(1, correction=min(1, columns.shape[1] - 1))     # 0 for a single number
        if not columns.isfinite().all() or not sd.isfinite().all():
            raise ValueError("the first batch holds nan, inf or numbers whose squares are none: no "
                             "scale gives it deviation 1; rescale the data")
        if not (sd > 1e-6).all():
            raise ValueError(f"channel {int((sd <= 1e-6).nonzero()[0])} of the first batch is "
                             "constant (or the batch has one sample): no scale gives it deviation "
                             "1; add a little noise, as `dequantised` does")
        self.b.copy_(columns.mean(1))
        self.s.copy_(-sd.log())
        self.begun.fill_(True)

    def _wide(self, values: Tensor, x: Tensor) -> Tensor:
        """Numbers of channels, to be broadcast over x: (c,) -> (c,) for vectors, (c, 1, 1)."""
        _check_channels(x, len(values))
        return values.reshape(-1, *[1] * (x.dim() - 2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        _check_channels(x, len(self.b))
        check_tensors(**{"the numbers of this step": self.b})
        if self.training and not self.begun:
            self._begin(x)
        b, s = self._wide(self.b, x), self._wide(self.s, x)
        log_det = self.s.sum() * math.prod(x.shape[2:])                  # the same for every sample
        return (x - b) * s.exp(), log_det.expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        check_tensors(**{"the numbers of this step": self.b})
        b, s = self._wide(self.b, y), self._wide(self.s, y)
        return y * (-s).exp() + b


class Mixing(nn.Module):
    """y = A x, a square matrix on axis 1, at every pixel the same.

    log |det| = pixels · log |det A|. Glow's invertible 1 × 1 convolution: between couplings, it
    decides anew what passes. Begins as a random orthogonal matrix, whose log |det| is 0.
    ValueError, in `inverse`, where A has become singular, and for samples of other channels.
    Kingma & Dhariwal 2018, arXiv 1807.03039; lesson 18.
    """

    def __init__(self, channels: int, seed: int = 0):
        super().__init__()
        check_count("channels", channels, most=10_000)
        check_count("seed", seed, least=0)
        rng = torch.Generator().manual_seed(seed)
        Q, _ = torch.linalg.qr(torch.randn(channels, channels, generator=rng))
        self.A = nn.Parameter(Q)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        _check_channels(x, len(self.A))
        check_tensors(**{"the matrix of this step": self.A})
        _, log_abs_det = torch.linalg.slogdet(self.A)
        log_det = log_abs_det * math.prod(x.shape[2:])
        with one_format(self, x, shapes=True):
            return torch.einsum("ij,nj...->ni...", self.A, x), log_det.expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        _check_channels(y, len(self.A))
        check_tensors(**{"the matrix of this step": self.A})
        _, log_abs_det = torch.linalg.slogdet(self.A)
        if not log_abs_det > -80:                                        # NaN is refused, too
            raise ValueError("the matrix of this step has become singular: it cannot be undone; "
                             "lower the learning rate")
        with one_format(self, y, shapes=True):
            return torch.einsum("ij,nj...->ni...", torch.linalg.inv(self.A), y)


def _check_channels(x: Tensor, channels: int):
    """ValueError unless axis 1 of x has as many channels as a step was built for, and n ≥ 1."""
    check_tensors(x=x)
    if x.dim() < 2 or x.shape[1] != channels or not x.numel() or not x.is_floating_point():
        raise ValueError(f"samples of shape {tuple(x.shape)} for a step of {channels} channels: "
                         f"it takes floating-point numbers (n, {channels}, ...) with n ≥ 1")


class Squeeze(nn.Module):
    """Blocks of 2 × 2 pixels become channels: (n, c, h, w) -> (n, 4 c, h/2, w/2), log |det| = 0.

    ValueError for odd sides. Dinh et al. 2017, arXiv 1605.08803; lesson 18.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        check_tensors(x=x)
        if x.dim() != 4 or x.shape[2] % 2 or x.shape[3] % 2:
            raise ValueError("blocks of 2 × 2 pixels do not tile samples of shape "
                             f"{tuple(x.shape[1:])}")
        return nn.functional.pixel_unshuffle(x, 2), x.new_zeros(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        check_tensors(y=y)
        if y.dim() != 4 or y.shape[1] % 4:
            raise ValueError("channels of 2 × 2 pixels come in fours, and samples of shape "
                             f"{tuple(y.shape[1:])} do not")
        return nn.functional.pixel_shuffle(y, 2)


class Shaped(nn.Module):
    """Vectors (n, k) become pictures (n, *shape), log |det| = 0.

    For a flow of codes as large as pictures. ValueError for codes of another size. Lesson 18.
    """

    def __init__(self, shape=(1, 28, 28)):
        super().__init__()
        self.shape = as_shape(shape)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        check_tensors(x=x)
        if x.dim() != 2 or x.shape[1] != math.prod(self.shape):
            raise ValueError(f"codes of shape {tuple(x.shape)} make no pictures {self.shape}: they "
                             f"are (n, {math.prod(self.shape)})")
        return x.reshape(len(x), *self.shape), x.new_zeros(len(x))       # (n, c, h, w)

    def inverse(self, y: Tensor) -> Tensor:
        check_samples(y=y)
        return y.flatten(1)                                              # (n, k)


# -- whole flows -----------------------------------------------------------------------------------

def point_flow(dim: int = 2, couplings: int = 6, width: int = 64, affine: bool = True,
               mix: bool = False, seed: int = 4) -> Flow:
    """A flow of vectors (n, dim): actnorm, a mixing matrix if `mix`, a coupling, again and again.

    Without mixing the two halves take turns. It begins near a mere normalisation: each coupling's
    last layer at 0. ValueError below dim = 2. Lesson 18.
    """
    if not fits(dim, least=2, most=10_000, whole=True):
        raise ValueError(f"dim={dim}: couplings move one part of a vector by another, "
                         "so it needs 2 numbers or more, and at most 10,000")
    dim, couplings = int(dim), check_count("couplings", couplings, most=1000)
    width = check_count("width", width, most=10_000)
    check_flag(affine=affine, mix=mix)
    check_count("seed", seed, least=0)

    def net(swap, number):
        passed = dim - dim // 2 if swap else dim // 2
        out = (1 + affine) * (dim - passed)                              # s and t, or t alone

        def layers():
            return [nn.Linear(passed, width), nn.ReLU(),
                    nn.Linear(width, width), nn.ReLU(),
                    nn.Linear(width, out)]
        return _zero_at_first(Player(layers, (out,), seed + number))

    return _stack(dim, couplings, net, affine, mix, seed)


def image_flow(shape=(1, 28, 28), levels: int = 2, couplings: int = 4, width: int = 32,
               affine: bool = True, mix: bool = True, seed: int = 4) -> Flow:
    """A flow of pictures: (n, c, size, size) -> (n, 4^levels c, size / 2^levels, size / 2^levels).

    At each level a squeeze, then `couplings` times actnorm, 1 × 1 mixing and a coupling with three
    convolutions. Nothing is split off on the way.
    ValueError unless 2^levels divides the side of the square. Lesson 18.
    """
    for name, number in dict(levels=levels, couplings=couplings, width=width).items():
        check_count(name, number, most=1000)
    levels, couplings, width = int(levels), int(couplings), int(width)
    check_flag(affine=affine, mix=mix)
    check_count("seed", seed, least=0)
    if len(as_shape(shape)) != 3:
        raise ValueError(f"shape = {tuple(shape)}: pictures are (channels, size, size)")
    channels, size, _ = as_shape(shape)
    if size % 2 ** levels or shape[1] != shape[2]:
        raise ValueError(f"{levels} squeezes need square pictures with a side that 2^{levels} "
                         f"divides, not {tuple(shape)}")
    steps = []
    for level in range(levels):
        channels, size = 4 * channels, size // 2

        def net(swap, number, channels=channels, size=size, level=level):
            passed = channels // 2               # channels come in fours: both parts are equal
            out = (1 + affine) * (channels - passed)

            def layers():
                return [nn.Conv2d(passed, width, 3, padding=1), nn.ReLU(),
                        nn.Conv2d(width, width, 1), nn.ReLU(),
                        nn.Conv2d(width, out, 3, padding=1)]
            return _zero_at_first(Player(layers, (out, size, size), seed + 100 * level + number))

        steps += [Squeeze(), *_stack(channels, couplings, net, affine, mix, seed + level).steps]
    return Flow(*steps)


def picture_net(shape=(1, 28, 28), times: int = 1, width: int = 32, seed: int = 3) -> Player:
    """Pictures (n, c, h, w) -> (n, times · c, h, w): a squeeze, three convolutions, its undoing.

    The convolutions are those of a coupling. For the `Residual` of an f-VAE. ValueError for odd
    sides and sizes below 1. Lesson 18.
    """
    channels, *size = as_shape(shape, least=1)
    if len(size) != 2 or size[0] % 2 or size[1] % 2:
        raise ValueError(f"pictures are (channels, height, width) with even sides, not {shape}")
    times = check_count("times", times, most=1000)
    width = check_count("width", width, most=10_000)

    def layers():
        return [nn.PixelUnshuffle(2),
                nn.Conv2d(4 * channels, width, 3, padding=1), nn.ReLU(),
                nn.Conv2d(width, width, 1), nn.ReLU(),
                nn.Conv2d(width, 4 * times * channels, 3, padding=1),
                nn.PixelShuffle(2)]
    return Player(layers, (times * channels, *size), seed)


def _stack(channels: int, couplings: int, net, affine: bool, mix: bool, seed: int) -> Flow:
    """`couplings` times actnorm, mixing if `mix`, and a coupling with net(swap, number)."""
    steps = []
    for number in range(couplings):
        swap = number % 2 == 1 and not mix       # a mixing matrix changes what passes, too
        steps.append(ActNorm(channels))
        if mix:
            steps.append(Mixing(channels, seed + number))
        steps.append(Coupling(net(swap, number), swap, affine))
    return Flow(*steps)


def _zero_at_first(player: Player) -> Player:
    """The same network with a last layer of zeros: its coupling begins as the identity."""
    for weight in player.layers[-1].parameters():
        nn.init.zeros_(weight)
    return player
