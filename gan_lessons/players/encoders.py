"""Encoders that show their features on the way, and networks that score pictures with codes.

Used in notebooks/17_infomax.ipynb. Hjelm et al. 2019, arXiv 1808.06670.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from ..exact.checks import MANY, as_shape, check_count, check_flag, check_room, fits, told
from ..game import check_player, check_tensors, one_format
from ..pixels import scaled
from .modes import evaluating


class Encoder(nn.Module):
    """e(x) = z, (n, c, h, w) -> (n, code), in two parts: features eye(x), and z = rest(eye(x)).

    channels, places, code: how large features (n, channels, places) and code are. squash: codes
    between 0 and 1, by a sigmoid. Lesson 17.
    """

    def __init__(self, eye, rest, channels: int, places: int, code: int, squash: bool = False):
        super().__init__()
        self.eye, self.rest = eye, rest
        self.channels, self.places, self.code = channels, places, code
        self.squash = squash

    def views(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(features, z): (n, c, h, w) -> (n, channels, places), (n, code)."""
        check_tensors(x=x)
        with one_format(self, x, shapes=True):
            seen = self.eye(x)
            z = self.rest(seen).to(x.dtype)
        features = seen.flatten(2)                               # (n, channels, places)
        return features, z.sigmoid() if self.squash else z

    def forward(self, x: Tensor) -> Tensor:
        return self.views(x)[1]


def image_encoder(shape=(1, 28, 28), code: int = 64, width: int = 32, squash: bool = False,
                  normalise: bool = False, seed: int = 1) -> Encoder:
    """Convolutional encoder (编码器) (n, c, size, size) -> (n, code), size 28 or 32.

    With batch norm. Strides of 2 to 7 or 8 pixels a side, 2 width channels: the features, one
    column for each place; a third stride and a linear layer make the code.
    normalise: first brings every colour channel of every picture to mean 0 and variance 1, so that
        the encoder cannot tell a picture by its overall colour and contrast.
    ValueError for other sizes. Lesson 17.
    """
    shape = as_shape(shape)
    if len(shape) != 3 or shape[1] != shape[2] or shape[1] not in (28, 32):
        raise ValueError(f"pictures are (channels, size, size) with size 28 or 32, not {shape}")
    for name, size in dict(channels=shape[0], code=code, width=width).items():
        check_count(name, size, most=1000)
    code, width = int(code), int(width)
    check_flag(squash=squash, normalise=normalise)
    check_count("seed", seed, least=0)
    side = shape[1] // 4                                         # of the features: 7 or 8

    def halved(a, b):
        return [nn.Conv2d(a, b, 4, 2, 1), nn.BatchNorm2d(b), nn.ReLU()]

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        first = [nn.InstanceNorm2d(shape[0])] if normalise else []
        eye = nn.Sequential(*first, *halved(shape[0], width), *halved(width, 2 * width))
        rest = nn.Sequential(*halved(2 * width, 4 * width), nn.Flatten(),
                             nn.Linear(4 * width * (side // 2) ** 2, code))
    encoder = Encoder(eye, rest, 2 * width, side ** 2, code, squash)
    return encoder.to(memory_format=torch.channels_last)


class _Patches(nn.Module):
    """(n, patches · size) -> (n, size, patches), for numbers that stand patch by patch."""

    def __init__(self, patches: int):
        super().__init__()
        self.patches = patches

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), self.patches, -1).transpose(1, 2)       # (n, size, patches)


class _AddedNoise(nn.Module):
    """x + sd · ε, in evaluation mode too: the noise belongs to the code."""

    def __init__(self, sd: float):
        super().__init__()
        self.sd = sd

    def forward(self, x: Tensor) -> Tensor:
        return x + self.sd * torch.randn_like(x)


def linear_encoder(patches: int, size: int, noise: float = 0.3, seed: int = 1) -> Encoder:
    """A code of one number: a weighted sum of variance 1, plus noise · ε.

    (n, patches · size) -> (n, 1). Its features are the patches themselves. `e.rest[1].weight` holds
    the weights, (1, size · patches), all patches' first numbers before all second ones.
    ValueError for sizes below 1 and for noise < 0. Lesson 17.
    """
    patches = check_count("patches", patches, most=MANY)
    size = check_count("size", size, most=MANY)
    check_room("the weights of a layer", patches, size)
    if not fits(noise, least=0):
        raise ValueError(f"noise = {noise!r}: the deviation of noise is 0 or more")
    check_count("seed", seed, least=0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        rest = nn.Sequential(nn.Flatten(), nn.Linear(patches * size, 1, bias=False),
                             nn.BatchNorm1d(1, affine=False), _AddedNoise(noise))
    return Encoder(_Patches(patches), rest, size, patches, 1)


class Statistics(nn.Module):
    """T, a score of every picture of a batch with every code, as a whole and place by place.

    Every score is a scalar product u(features) · v(z): all n · m · places of them are one product
    of matrices. ValueError for sizes below 1. Lesson 17.
    """

    def __init__(self, channels: int, places: int, code: int, width: int = 128, seed: int = 3):
        super().__init__()
        for name, size in dict(channels=channels, places=places, code=code, width=width).items():
            check_count(name, size, most=MANY)
        channels, places, code, width = map(int, (channels, places, code, width))
        check_room("the weights of a layer", channels * places, width)
        check_room("the weights of a layer", max(code, width), width)
        check_count("seed", seed, least=0)

        def two_layers(k):
            return nn.Sequential(nn.Linear(k, width), nn.ReLU(), nn.Linear(width, width))

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.picture = two_layers(channels * places)         # u of `whole`
            self.place = two_layers(channels)                    # u of `local`
            self.code = two_layers(code)                         # v of `whole`
            self.local_code = two_layers(code)                   # v of `local`
        self.scale = width ** -.5          # a sum of `width` random products is about √width

    def whole(self, features: Tensor, z: Tensor) -> Tensor:
        """T(x_i, z_j): (n, channels, places), (m, code) -> (n, m)."""
        check_tensors(features=features, z=z)
        with one_format(self, features, z, shapes=True):
            return (self.picture(features.flatten(1)) @ self.code(z).T * self.scale).to(z.dtype)

    def local(self, features: Tensor, z: Tensor) -> Tensor:
        """T(x_i at each place, z_j): (n, channels, places), (m, code) -> (n, m, places)."""
        check_tensors(features=features, z=z)
        if features.dim() != 3:
            raise ValueError(f"features of shape {tuple(features.shape)}: (n, channels, places)")
        n, _, places = features.shape
        with one_format(self, features, z, shapes=True):
            u = self.place(features.transpose(1, 2)).reshape(n * places, -1)     # (n places, width)
            scores = (u @ self.local_code(z).T * self.scale).to(z.dtype)         # (n places, m)
        return scores.reshape(n, places, len(z)).transpose(1, 2)             # (n, m, places)


def statistics_network(
    e: Encoder, code: int | None = None, width: int = 128, seed: int = 3
) -> Statistics:
    """A `Statistics` for the features and the code of e.

    code: numbers of z, where e gives means and deviations. ValueError for an e that does not say
    its channels, places and code, and for sizes below 1. Lesson 17.
    """
    if not all(hasattr(e, size) for size in ("channels", "places", "code")):
        raise ValueError(f"{type(e).__name__} does not say its channels, places and code, as an "
                         "Encoder does")
    return Statistics(e.channels, e.places, e.code if code is None else code, width, seed)


def codes(net, images, batch: int = 1000) -> Tensor:
    """net of every picture, in evaluation mode without gradients: -> (n, k) float32.

    net: a network, or any function of a batch in [-1, 1]; more axes than two are flattened.
    images: Images, or (n, ...) uint8 or float. ValueError for none.
    """
    pictures = getattr(images, "images", images)
    check_count("batch", batch)
    check_player("net", net)
    if not (isinstance(pictures, Tensor) and pictures.dim() and len(pictures)):
        raise ValueError("codes are those of one picture or more, a tensor (n, ...) or Images")
    check_tensors(images=pictures)
    with torch.no_grad(), one_format(net, pictures, shapes=True):
        if not isinstance(net, nn.Module):
            return torch.cat([_codes(net(scaled(x))) for x in pictures.split(batch)])
        weight = next(net.parameters(), torch.zeros(()))         # its device and dtype are net's
        with evaluating(net):
            return torch.cat([_codes(net(scaled(x).to(weight))).cpu()
                              for x in pictures.split(batch)])


def _codes(made) -> Tensor:
    """(n, ...) as (n, k) float32; ValueError for what is no tensor of codes."""
    if not (isinstance(made, Tensor) and made.dim() and not made.is_complex()):
        raise ValueError(f"net gives {told(made)} for a batch of pictures: a tensor (n, ...) of "
                         "codes is needed")
    return made.reshape(len(made), -1).float()
