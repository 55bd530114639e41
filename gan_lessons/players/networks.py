"""Networks for the players: on the line, in the plane, and for pictures of 28, 32 or 64 pixels.

Critics map (n, ...) -> (n,), never (n, 1): scores of two batches then subtract sample by sample.
Every function takes a `seed` and always returns the same initial weights for it. Outputs come in
the input's dtype, also under autocast, so that losses are computed in full precision.
Introduced in notebooks/00_start_here.ipynb; those with labels in 12_conditional.ipynb, `noisy` in 14_semi_supervised.ipynb.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot
from torch.nn.utils.parametrizations import weight_norm


class Player(nn.Module):
    """A stack of layers with a reshaped output in the dtype of its input; `shape` is one sample's, () a score."""

    def __init__(self, layers, shape: tuple[int, ...], seed: int):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = nn.Sequential(*layers())
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).reshape(len(x), *self.shape).to(x.dtype)

    def features(self, x: Tensor) -> Tensor:
        """h(x), what the last layer sees: (n, ...) -> (n, d). Lesson 14 matches them."""
        return self.layers[:-1](x).to(x.dtype)


class Line(nn.Module):
    """The smallest generator: g(z) = mean + sd · z, (n, 1) -> (n, 1). Both numbers are weights.

    `Line(3.0, learn="mean")` lets only the mean move, `learn=""` neither: a forger who rests. ValueError for other names.
    """

    def __init__(self, mean: float = 3.0, sd: float = 1.0, learn: str = "mean sd"):
        super().__init__()
        if unknown := set(learn.split()) - {"mean", "sd"}:
            raise ValueError(f"learn names weights among 'mean sd', not {', '.join(sorted(unknown))}")
        self.mean = nn.Parameter(torch.tensor([float(mean)]), requires_grad="mean" in learn.split())
        self.sd = nn.Parameter(torch.tensor([float(sd)]), requires_grad="sd" in learn.split())

    def forward(self, z: Tensor) -> Tensor:
        return self.mean + self.sd * z


def _mlp(sizes, act):
    layers = []
    for wide, next_wide in zip(sizes, sizes[1:]):
        layers += [nn.Linear(wide, next_wide), act()]
    return layers[:-1]


def mlp_critic(shape=1, width: int = 64, depth: int = 2, act=lambda: nn.LeakyReLU(0.2), seed: int = 1,
               outputs: int | None = None) -> nn.Module:
    """Fully connected critic (判别器) (n, *shape) -> (n,), or (n, outputs) class logits. shape: 1, 2 or (1, 28, 28)."""
    size = math.prod(_shape(shape))
    return Player(lambda: [nn.Flatten(), *_mlp([size, *[width] * depth, outputs or 1], act)], _outputs(outputs), seed)


def mlp_generator(noise: int = 2, shape=2, width: int = 64, depth: int = 2, act=nn.ReLU, seed: int = 2) -> nn.Module:
    """Fully connected generator (生成器) (n, noise) -> (n, *shape); pictures end in tanh."""
    shape = _shape(shape)
    end = [nn.Tanh()] if len(shape) > 1 else []
    return Player(lambda: [*_mlp([noise, *[width] * depth, math.prod(shape)], act), *end], shape, seed)


def image_critic(shape=(1, 28, 28), width: int = 32, batch_norm: bool = False, seed: int = 1,
                 outputs: int | None = None) -> nn.Module:
    """Convolutional critic (n, c, size, size) -> (n,): strides of 2 down to 7 or 8 pixels, then one score.

    With `outputs`, that many class logits instead: (n, outputs).

    No batch norm by default: it lets one picture of a batch change another's score.
    """
    channels, size = _picture(shape)

    def layers():
        wide, small = width, size // 2
        stack = [nn.Conv2d(channels, wide, 4, 2, 1), nn.LeakyReLU(0.2)]
        while small > 8:
            norm = [nn.BatchNorm2d(2 * wide)] if batch_norm else []
            stack += [nn.Conv2d(wide, 2 * wide, 4, 2, 1), *norm, nn.LeakyReLU(0.2)]
            wide, small = 2 * wide, small // 2
        return [*stack, nn.Flatten(), nn.Linear(wide * small ** 2, outputs or 1)]
    return Player(layers, _outputs(outputs), seed).to(memory_format=torch.channels_last)


def image_generator(shape=(1, 28, 28), noise: int = 100, width: int = 32, batch_norm: bool = True,
                    seed: int = 2) -> nn.Module:
    """Convolutional generator (n, noise) -> (n, c, size, size) in [-1, 1], from 7 or 8 pixels by doublings.

    Transposed convolutions 4 × 4, stride 2, as in DCGAN (Radford et al. 2016, arXiv 1511.06434).
    """
    channels, size = _picture(shape)

    def layers():
        doublings = int(math.log2(size // 7))
        wide, small = width * 2 ** (doublings - 1), size // 2 ** doublings
        norm = lambda n: [nn.BatchNorm2d(n)] if batch_norm else []
        stack = [nn.Linear(noise, 2 * wide * small ** 2), nn.Unflatten(1, (2 * wide, small, small)),
                 *norm(2 * wide), nn.ReLU()]
        for _ in range(doublings - 1):
            stack += [nn.ConvTranspose2d(2 * wide, wide, 4, 2, 1), *norm(wide), nn.ReLU()]
            wide //= 2
        return [*stack, nn.ConvTranspose2d(2 * wide, channels, 4, 2, 1), nn.Tanh()]
    return Player(layers, (channels, size, size), seed).to(memory_format=torch.channels_last)


class Noise(nn.Module):
    """x + sd · ε while training, ε ~ N(0, 1) for each number; x itself in evaluation mode. Any shape -> same."""

    def __init__(self, sd: float):
        super().__init__()
        self.sd = sd

    def forward(self, x: Tensor) -> Tensor:
        return x + self.sd * torch.randn_like(x) if self.training else x


def noisy(net: Player, first: float = 0.6, sd: float = 0.5) -> Player:
    """The same network with normalised weights (w = s v/‖v‖ a row) and Gaussian noise before every layer, in training.

    Noise of `first` on what comes in, of `sd` after every activation; ± 0.6 on pixels from -1 to 1 and 0.5 are those of
    Salimans et al. 2016, arXiv 1606.03498. ValueError unless `net` was made here, by mlp_critic or image_critic.
    """
    if not isinstance(net, Player):
        raise ValueError("noisy takes what mlp_critic(...) or image_critic(...) made")
    layers = [Noise(first)]
    for layer in net.layers[:-1]:
        layers.append(weight_norm(layer) if hasattr(layer, "weight") else layer)
        if isinstance(layer, nn.LeakyReLU):
            layers.append(Noise(sd))
    net.layers = nn.Sequential(*layers, net.layers[-1])
    return net


class Concatenated(nn.Module):
    """net([x; one-hot y]): (n, d) or (n, c, size, size), labels (n,) int64 -> what net returns.

    The one-hot label joins axis 1, for pictures as `classes` constant channels: build `net` for d + classes numbers
    or c + classes channels. So noise becomes g(z, y) and samples f(x, y) (Mirza & Osindero 2014, arXiv 1411.1784).
    """

    def __init__(self, net: nn.Module, classes: int = 10):
        super().__init__()
        self.net, self.classes = net, check_classes(classes)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        label = one_hot(check_labels(x, y, self.classes), self.classes).to(x.dtype)
        return self.net(torch.cat([x, label.reshape(*label.shape, *[1] * (x.dim() - 2)).expand(-1, -1, *x.shape[2:])], 1))


class Projected(nn.Module):
    """f(x, y) = f(x) + w_y · h(x), h the last hidden layer of a critic made here: (n, ...), (n,) int64 -> (n,).

    Miyato & Koyama 2018, arXiv 1802.05637: the part of log p(x, y)/q(x, y) that knows the label is a scalar product.
    ValueError for a critic with `outputs`.
    """

    def __init__(self, net: Player, classes: int = 10, seed: int = 3):
        super().__init__()
        if not (isinstance(net, Player) and net.shape == ()):
            raise ValueError("Projected adds w_y · h(x) to a score: give it mlp_critic(...) or image_critic(...) without "
                             "outputs")
        self.net, self.classes = net, check_classes(classes)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embedding = nn.Embedding(classes, net.layers[-1].in_features)
            nn.init.normal_(self.embedding.weight, std=net.layers[-1].in_features ** -0.5)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        hidden = self.net.layers[:-1](x)
        known = (self.embedding(check_labels(x, y, self.classes)) * hidden).sum(1)
        return self.net.layers[-1](hidden)[:, 0].to(x.dtype) + known.to(x.dtype)


def takes_labels(net) -> bool:
    """Whether a network takes labels beside its input: the ones that do say how many `classes` they know.

    This is the protocol of all conditional networks: `forward(x, y)` and a whole number `classes`.
    """
    return hasattr(net, "classes")


def check_classes(classes) -> int:
    """`classes` itself, a whole number of 2 or more; else ValueError."""
    if not (isinstance(classes, int) and classes >= 2):
        raise ValueError(f"classes={classes!r}: labels tell apart two classes or more")
    return classes


def check_labels(x: Tensor, y: Tensor, classes: int) -> Tensor:
    """The labels, int64, if there is one for each sample and the network knows it; else ValueError."""
    if y.shape != (len(x),) or y.is_floating_point():
        raise ValueError(f"{len(x)} samples need {len(x)} whole-number labels, not {y.dtype} of shape {tuple(y.shape)}")
    if len(y) and y.device.type == "cpu" and not 0 <= int(y.min()) <= int(y.max()) < classes:
        raise ValueError(f"labels from {y.min()} to {y.max()} for a network of {classes} classes, 0 to {classes - 1}: "
                         "build it for as many classes as the data have")
    return y.long()


def on_arrays(f: nn.Module):
    """f as a function of NumPy arrays, for plots and exact integrals: (k,) or (k, d) -> float64 (k,)."""
    weight = next(f.parameters())

    def function(x):
        x = torch.as_tensor(x).to(weight)
        with torch.no_grad():
            return f(x if x.dim() > 1 else x[:, None]).double().cpu().numpy()
    return function


def _outputs(outputs: int | None) -> tuple[int, ...]:
    return () if outputs is None else (outputs,)


def _shape(shape) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


def _picture(shape) -> tuple[int, int]:
    shape = _shape(shape)
    if len(shape) != 3 or shape[1] != shape[2] or shape[1] not in (28, 32, 64):
        raise ValueError(f"pictures are (channels, size, size) with size 28, 32 or 64, not {shape}")
    return shape[0], shape[1]
