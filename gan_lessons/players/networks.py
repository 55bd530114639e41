"""Networks for the players: on the line, in the plane, with labels; dense ones for pictures.

Critics map (n, ...) -> (n,), never (n, 1): scores of two batches then subtract sample by sample.
Every function takes a `seed` and always returns the same initial weights for it. Outputs come in
the input's dtype, also under autocast, so that losses are computed in full precision.
Introduced in notebooks/00_start_here.ipynb; those with labels in notebooks/12_conditional.ipynb,
`noisy` in notebooks/14_semi_supervised.ipynb.
"""
from __future__ import annotations

import contextlib
import math

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot
from torch.nn.utils.parametrizations import weight_norm

from ..exact.checks import MANY, as_numbers, as_shape, check_count, check_room, fits, told
from ..game import check_noisy, check_player, check_samples, check_tensors, one_format


class Player(nn.Module):
    """A stack of layers whose output is reshaped: (n, ...) -> (n, *shape), in the input's dtype.

    layers: a function that makes them, called with the generator of random numbers at `seed`.
    shape: that of one sample's output, () for a score. takes: that of one sample, where layers
    would not notice another one.
    """

    takes: tuple[int, ...] | None = None

    def __init__(self, layers, shape: tuple[int, ...], seed: int):
        super().__init__()
        check_count("seed", seed, least=0)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = nn.Sequential(*layers())
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        check_tensors(x=x)
        if self.takes is not None and x.shape[1:] != self.takes:
            raise ValueError(f"a network does not take samples of shape {tuple(x.shape)}: give "
                             "(n, ...) of the size that it was built for, "
                             f"(n, {', '.join(map(str, self.takes))})")
        with one_format(self, x, shapes=True):
            return self.layers(x).reshape(len(x), *self.shape).to(x.dtype)   # (n, 1) -> (n,)

    def features(self, x: Tensor) -> Tensor:
        """h(x), what the last layer sees: (n, ...) -> (n, d). Lesson 14 matches them."""
        check_tensors(x=x)
        with one_format(self, x, shapes=True):
            return self.layers[:-1](x).to(x.dtype)


class Line(nn.Module):
    """The smallest generator: g(z) = mean + sd · z, (n, 1) -> (n, 1). Both numbers are weights.

    `Line(3.0, learn="mean")` lets only the mean move, `learn=""` neither: a generator at rest.
    ValueError for other names, and numbers that are not finite. Lesson 00.
    """

    def __init__(self, mean: float = 3.0, sd: float = 1.0, learn: str = "mean sd"):
        super().__init__()
        if not (fits(mean) and fits(sd)):
            raise ValueError(f"mean = {mean!r}, sd = {sd!r}: finite numbers to begin with")
        learnt = set(learn.split()) if isinstance(learn, str) else {repr(learn)}
        if unknown := learnt - {"mean", "sd"}:
            raise ValueError("learn names weights among 'mean sd', "
                             f"not {', '.join(sorted(unknown))}")
        self.mean = nn.Parameter(torch.tensor([float(mean)]), requires_grad="mean" in learnt)
        self.sd = nn.Parameter(torch.tensor([float(sd)]), requires_grad="sd" in learnt)

    def forward(self, z: Tensor) -> Tensor:
        check_tensors(z=z)
        with one_format(self, z):
            return self.mean + self.sd * z


# -- fully connected -------------------------------------------------------------------------------

def _mlp(sizes, act):
    """Linear layers from each size to the next, with activations between them. TypeError for an
    `act` that makes no layer."""
    for size in sizes:
        check_count("width", size)
    for wide, next_wide in zip(sizes, sizes[1:]):
        check_room("the weights of a layer", int(wide), int(next_wide))
    layers = []
    for wide, next_wide in zip(sizes, sizes[1:]):
        layers += [nn.Linear(wide, next_wide), _made_by(act)]
    return layers[:-1]


def _made_by(act) -> nn.Module:
    """The layer that `act()` makes; TypeError for a layer, a function or a name in its place."""
    layer = None
    if callable(act) and not isinstance(act, nn.Module):
        with contextlib.suppress(TypeError):             # it asks for the numbers themselves
            layer = act()
    if not isinstance(layer, nn.Module):
        raise TypeError("act makes an activation layer when it is called, as nn.ReLU or "
                        f"lambda: nn.LeakyReLU(0.2) do, and {told(act)} does not")
    return layer


def mlp_critic(shape=1, width: int = 64, depth: int = 2, act=lambda: nn.LeakyReLU(0.2),
               seed: int = 1, outputs: int | None = None) -> nn.Module:
    """Fully connected critic (判别器) (n, *shape) -> (n,), or (n, outputs) class logits.

    shape: of a sample: 1, 2 or (1, 28, 28). `depth` hidden layers of `width` neurons. ValueError
    for sizes below 1. Lesson 00.
    """
    check_count("depth", depth, least=0, most=1000)
    end = output_shape(outputs)
    sizes = [math.prod(shape_of(shape)), *[width] * depth, outputs or 1]
    return Player(lambda: [nn.Flatten(), *_mlp(sizes, act)], end, seed)


def mlp_generator(noise: int = 2, shape=2, width: int = 64, depth: int = 2, act=nn.ReLU,
                  seed: int = 2) -> nn.Module:
    """Fully connected generator (生成器) (n, noise) -> (n, *shape); pictures end in tanh.

    `depth` hidden layers of `width` neurons. ValueError for sizes below 1. Lesson 00.
    """
    shape = shape_of(shape)
    check_count("depth", depth, least=0, most=1000)
    sizes = [noise, *[width] * depth, math.prod(shape)]
    end = [nn.Tanh()] if len(shape) > 1 else []
    return Player(lambda: [*_mlp(sizes, act), *end], shape, seed)


# -- noise inside a network ------------------------------------------------------------------------

class Noise(nn.Module):
    """x + sd · ε while training, ε ~ N(0, 1) for each number: any shape -> same shape.

    x itself in evaluation mode. ValueError for sd < 0.
    """

    def __init__(self, sd: float):
        super().__init__()
        if not fits(sd, least=0):
            raise ValueError(f"sd = {sd!r}: the deviation of noise is 0 or more")
        self.sd = sd

    def forward(self, x: Tensor) -> Tensor:
        check_noisy(x=x)
        return x + self.sd * torch.randn_like(x) if self.training else x


def noisy(net: Player, first: float = 0.6, sd: float = 0.5) -> Player:
    """The same network with normalised weights and Gaussian noise before every layer, in training.

    Each row of a weight is w = s v/‖v‖. Noise of `first` on what comes in, of `sd` after every
    activation; ± 0.6 on pixels from -1 to 1 and 0.5 are those of Salimans et al. 2016,
    arXiv 1606.03498. ValueError unless `net` was made here, by mlp_critic or image_critic.
    Lesson 14.
    """
    if not isinstance(net, Player):
        raise ValueError("noisy takes what mlp_critic(...) or image_critic(...) made")
    if any(isinstance(layer, Noise) for layer in net.layers):
        raise ValueError("this network is noisy already: build it anew")
    layers = [Noise(first)]
    for layer in net.layers[:-1]:
        layers.append(weight_norm(layer) if hasattr(layer, "weight") else layer)
        if isinstance(layer, nn.LeakyReLU):
            layers.append(Noise(sd))
    net.layers = nn.Sequential(*layers, net.layers[-1])      # the last layer, of scores, as it is
    return net


# -- labels ----------------------------------------------------------------------------------------

class Concatenated(nn.Module):
    """net([x; one-hot y]): (n, d) or (n, c, size, size), labels (n,) int64 -> what net returns.

    The one-hot label joins axis 1, for pictures as `classes` constant channels: build `net` for
    d + classes numbers or c + classes channels. So noise becomes g(z, y) and samples f(x, y).
    ValueError for fewer than 2 classes and for labels that do not fit.
    Mirza & Osindero 2014, arXiv 1411.1784; lesson 12.
    """

    def __init__(self, net: nn.Module, classes: int = 10):
        super().__init__()
        check_player("net", net)
        self.net = net
        self.classes = check_classes(classes)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        check_tensors(x=x)
        label = one_hot(check_labels(x, y, self.classes), self.classes).to(x.dtype)
        ones = [1] * (x.dim() - 2)
        label = label.reshape(*label.shape, *ones)           # (n, K), for pictures (n, K, 1, 1)
        label = label.expand(-1, -1, *x.shape[2:])           # (n, K, h, w): a constant channel each
        with one_format(self, x, shapes=True):
            return self.net(torch.cat([x, label], 1))


class Projected(nn.Module):
    """f(x, y) = f(x) + w_y · h(x), h the last hidden layer of a critic made here.

    (n, ...), (n,) int64 -> (n,). The part of log p(x, y)/q(x, y) that knows the label is a scalar
    product where both laws of the label given x are softmax functions of h(x).
    ValueError for a critic with `outputs`, fewer than 2 classes, and labels that do not fit.
    Miyato & Koyama 2018, arXiv 1802.05637; lesson 12.
    """

    def __init__(self, net: Player, classes: int = 10, seed: int = 3):
        super().__init__()
        if not (isinstance(net, Player) and net.shape == ()):
            raise ValueError("Projected adds w_y · h(x) to a score: give it mlp_critic(...) or "
                             "image_critic(...) without outputs")
        check_count("seed", seed, least=0)
        self.net = net
        self.classes = check_classes(classes)
        hidden = net.layers[-1].in_features
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embedding = nn.Embedding(classes, hidden)               # row y is w_y
            # A sum of d products: so it begins about as large as one number of h(x)
            nn.init.normal_(self.embedding.weight, std=hidden ** -0.5)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        check_tensors(x=x)
        with one_format(self, x, shapes=True):
            hidden = self.net.layers[:-1](x)                             # h(x), (n, d)
        known = (self.embedding(check_labels(x, y, self.classes)) * hidden).sum(1)
        # Added in the input's dtype, also under autocast
        return self.net.layers[-1](hidden)[:, 0].to(x.dtype) + known.to(x.dtype)


def takes_labels(net) -> bool:
    """Whether a network takes labels beside its input.

    The ones that do say how many `classes` they know. This is the protocol of all conditional
    networks: `forward(x, y)` and a whole number `classes`. Lesson 12.
    """
    return hasattr(net, "classes")


def check_classes(classes) -> int:
    """`classes` itself, a whole number of 2 or more; else ValueError."""
    if not (isinstance(classes, int) and 2 <= classes <= MANY):
        raise ValueError(f"classes={classes!r}: labels tell apart two classes or more, up to "
                         f"{MANY:,}")
    return classes


def check_labels(x: Tensor, y: Tensor, classes: int) -> Tensor:
    """The labels as int64, (n,) -> (n,), if each sample of x has one that the network knows.

    Else ValueError. On an accelerator their size is not looked at: the processor would have to
    wait.
    """
    check_samples(x=x)
    check_classes(classes)
    if not isinstance(y, Tensor):
        raise ValueError(f"labels are a tensor of whole numbers, not {type(y).__name__}: "
                         "torch.as_tensor(labels)")
    if y.shape != (len(x),) or y.is_floating_point() or y.is_complex():
        raise ValueError(f"{len(x)} samples need {len(x)} whole-number labels, "
                         f"not {y.dtype} of shape {tuple(y.shape)}")
    if len(y) and y.device.type == "cpu" and not 0 <= int(y.min()) <= int(y.max()) < classes:
        raise ValueError(f"labels from {y.min()} to {y.max()} for a network of {classes} classes, "
                         f"0 to {classes - 1}: build it for as many classes as the data have")
    return y.long()


# -- shapes, and networks seen from outside --------------------------------------------------------

def on_arrays(f: nn.Module):
    """f as a function of NumPy arrays, for plots and exact integrals.

    (k,) or (k, d) -> float64 (k,), without gradients. ValueError for what has no weights, or has
    them on the device meta; of the function for points that f does not take.
    Lesson 01.
    """
    weight = next(f.parameters(), None) if isinstance(f, nn.Module) else None
    if weight is None:                                       # its device and dtype are f's
        raise ValueError(f"{f!r} has no weights: a function of arrays is that already")
    if weight.is_meta:
        raise ValueError("the weights of f are on the device meta, where there are shapes and no "
                         "numbers: build it on cpu")

    def function(x):
        x = torch.as_tensor(as_numbers(x, "x", finite=False)).to(weight)
        if not x.dim():
            raise ValueError("x is (k,) or (k, d), not a single number")
        x = x if x.dim() > 1 else x[:, None]
        try:
            with torch.no_grad():
                return f(x).double().cpu().numpy()
        except (RuntimeError, TypeError, IndexError, AttributeError) as error:
            raise ValueError(f"f takes no points of shape {tuple(x.shape)} ({error})") from error
    return function


def output_shape(outputs: int | None) -> tuple[int, ...]:
    """The shape of one sample's output: () for a score, (outputs,) for class logits.

    ValueError for outputs < 1.
    """
    if outputs is not None:
        check_count("outputs", outputs, most=MANY, why="None is for one score a sample, (n,)")
    return () if outputs is None else (outputs,)


def shape_of(shape) -> tuple[int, ...]:
    """The shape of one sample, given as a tuple or as one number. ValueError for what is none."""
    return as_shape(shape, least=1)
