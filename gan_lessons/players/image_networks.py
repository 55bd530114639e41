"""Convolutional networks for pictures of 28, 32 or 64 pixels a side.

`image_critic` and `image_generator` are small networks of today, the defaults of the course: fast
on one core and good at a minute's digits. `dcgan_critic` and `dcgan_generator` are those of 2016.
Conventions as in `networks`; introduced in notebooks/00_start_here.ipynb.
"""
from __future__ import annotations

import math

import torch
from torch import nn

from ..exact.checks import check_count, check_flag
from .networks import Player, output_shape, shape_of

WIDEST = 512                 # channels: the largest layer then has 150 million weights

# -- small networks of today -----------------------------------------------------------------------

def image_critic(shape=(1, 28, 28), width: int = 32, dense: int | None = None, seed: int = 1,
                 outputs: int | None = None) -> nn.Module:
    """Critic of overlapping patches (n, c, size, size) -> (n,), or (n, outputs) class logits.

    Digits: 28 -> 7 pixels a side in one convolution 6 × 6 of stride 4, 7 -> 4 in a second one.
    Pictures of 32 or 64: strides of 2 down to 4, then a convolution 3 × 3. No layer lets one
    picture of a batch change another's score. `dense`: neurons of a hidden layer before the last,
    which a critic under a gradient penalty makes good use of. ValueError for other shapes.
    Lesson 00.
    """
    channels, size = picture_shape(shape)
    end = output_shape(outputs)
    width = check_count("width", width, most=WIDEST)
    if dense is not None:
        dense = check_count("dense", dense, most=10_000, why="None is for no hidden layer")

    def layers():
        if size == 28:
            stack = [nn.Conv2d(channels, width, 6, 4, 1), nn.LeakyReLU(0.2),
                     nn.Conv2d(width, 2 * width, 3, 2, 1), nn.LeakyReLU(0.2)]
            wide = 2 * width
        else:
            stack, wide = [], channels
            for k in range(int(math.log2(size // 4))):                   # size -> 4, width doubled
                stack += [nn.Conv2d(wide, width * 2 ** k, 4, 2, 1), nn.LeakyReLU(0.2)]
                wide = width * 2 ** k
            stack += [nn.Conv2d(wide, wide, 3, 1, 1), nn.LeakyReLU(0.2)]
        hidden = [nn.Linear(16 * wide, dense), nn.LeakyReLU(0.2)] if dense else []
        return [*stack, nn.Flatten(), *hidden, nn.Linear(dense or 16 * wide, outputs or 1)]
    return _sized(layers, end, seed, (channels, size, size))


def _sized(layers, end, seed, takes) -> Player:
    """The network, which refuses pictures of another size: its strides would not notice."""
    made = Player(layers, end, seed).to(memory_format=torch.channels_last)
    made.takes = takes
    return made


def image_generator(shape=(1, 28, 28), noise: int = 100, width: int = 32, batch_norm: bool = True,
                    seed: int = 2) -> nn.Module:
    """Generator that paints from a coarse map (n, noise) -> (n, c, size, size) in [-1, 1].

    All thinking is done at 7 × 7 places (digits) or from 8 × 8 on (others). For digits each place
    then paints its own 4 × 4 pixels: 16 channels, laid out by PixelShuffle (Shi et al. 2016,
    arXiv 1609.05158). Larger pictures are doubled so step by step. ValueError for other shapes.
    Lesson 00.
    """
    channels, size = picture_shape(shape)
    check_flag(batch_norm=batch_norm)
    width = check_count("width", width, most=WIDEST)
    noise = check_count("noise", noise, most=10_000)

    def block(ins, outs):                       # width is kept: 3 × 3, norm, ReLU
        norm = [nn.BatchNorm2d(outs)] if batch_norm else []
        return [nn.Conv2d(ins, outs, 3, 1, 1), *norm, nn.ReLU()]

    def layers():
        coarse, scale = (7, 4) if size == 28 else (8, 2)
        doublings = 0 if size == 28 else int(math.log2(size // 8)) - 1
        wide = width if size == 28 else width * 2 ** (doublings + 1) // 2
        norm = [nn.BatchNorm2d(wide)] if batch_norm else []
        stack = [nn.Linear(noise, wide * coarse ** 2), nn.Unflatten(1, (wide, coarse, coarse)),
                 *norm, nn.ReLU(), *block(wide, wide)]
        for _ in range(doublings):              # (n, 4 w, s, s) -> (n, w, 2 s, 2 s)
            narrow = wide // 2
            norm = [nn.BatchNorm2d(narrow)] if batch_norm else []
            stack += [nn.Conv2d(wide, 4 * narrow, 3, 1, 1), nn.PixelShuffle(2), *norm, nn.ReLU()]
            wide = narrow
        return [*stack, nn.Conv2d(wide, channels * scale ** 2, 3, 1, 1), nn.PixelShuffle(scale),
                nn.Tanh()]
    return Player(layers, (channels, size, size), seed).to(memory_format=torch.channels_last)


# -- DCGAN's: Radford et al. 2016, arXiv 1511.06434 ------------------------------------------------

def dcgan_critic(shape=(1, 28, 28), width: int = 32, batch_norm: bool = False, seed: int = 1,
                 outputs: int | None = None) -> nn.Module:
    """Convolutional critic (n, c, size, size) -> (n,), or (n, outputs) class logits.

    Strides of 2 down to 7 or 8 pixels, then a linear layer. No batch norm by default: it lets one
    picture of a batch change another's score. ValueError for pictures of other shapes. Lesson 00.
    """
    channels, size = picture_shape(shape)
    check_flag(batch_norm=batch_norm)
    end = output_shape(outputs)
    width = check_count("width", width, most=WIDEST)

    def layers():
        wide, small = width, size // 2
        stack = [nn.Conv2d(channels, wide, 4, 2, 1), nn.LeakyReLU(0.2)]
        while small > 8:
            norm = [nn.BatchNorm2d(2 * wide)] if batch_norm else []
            stack += [nn.Conv2d(wide, 2 * wide, 4, 2, 1), *norm, nn.LeakyReLU(0.2)]
            wide, small = 2 * wide, small // 2
        return [*stack, nn.Flatten(), nn.Linear(wide * small ** 2, outputs or 1)]
    return _sized(layers, end, seed, (channels, size, size))


def dcgan_generator(shape=(1, 28, 28), noise: int = 100, width: int = 32, batch_norm: bool = True,
                    seed: int = 2) -> nn.Module:
    """Convolutional generator (n, noise) -> (n, c, size, size) in [-1, 1].

    From 7 or 8 pixels a side by doublings: transposed convolutions 4 × 4, stride 2, as in DCGAN
    (Radford et al. 2016, arXiv 1511.06434). ValueError for pictures of other shapes. Lesson 00.
    """
    channels, size = picture_shape(shape)
    check_flag(batch_norm=batch_norm)
    width = check_count("width", width, most=WIDEST)
    noise = check_count("noise", noise, most=10_000)

    def norm(n):
        return [nn.BatchNorm2d(n)] if batch_norm else []

    def layers():
        doublings = int(math.log2(size // 7))
        wide, small = width * 2 ** (doublings - 1), size // 2 ** doublings
        stack = [nn.Linear(noise, 2 * wide * small ** 2), nn.Unflatten(1, (2 * wide, small, small)),
                 *norm(2 * wide), nn.ReLU()]
        for _ in range(doublings - 1):
            stack += [nn.ConvTranspose2d(2 * wide, wide, 4, 2, 1), *norm(wide), nn.ReLU()]
            wide //= 2
        return [*stack, nn.ConvTranspose2d(2 * wide, channels, 4, 2, 1), nn.Tanh()]
    return Player(layers, (channels, size, size), seed).to(memory_format=torch.channels_last)


def picture_shape(shape) -> tuple[int, int]:
    """(channels, size) of a shape of pictures; ValueError for others."""
    shape = shape_of(shape)
    if len(shape) != 3 or shape[1] != shape[2] or shape[1] not in (28, 32, 64):
        raise ValueError(f"pictures are (channels, size, size) with size 28, 32 or 64, not {shape}")
    check_count("channels", shape[0], most=1000)
    return shape[0], shape[1]
