"""Spectral norms: how far a layer can stretch a vector.

They are measured, bounded, divided by, and asked to be small. σ is the largest singular value of a
layer's matrix. A convolution's matrix is here, as in the papers, its kernel reshaped to
(channels, rest): quick, but not the stretch of the whole convolution. Derived in
notebooks/07_lipschitz.ipynb.
"""
from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from ..exact.checks import MANY, as_shape, check_count, check_room, fits
from ..game import check_network, check_tensors, in_full, one_format
from .networks import Player

LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
HARMLESS = (nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid, nn.Softplus,
            nn.Flatten, nn.Unflatten, nn.Identity)

# -- the norm of a matrix --------------------------------------------------------------------------

def matrix(layer: nn.Module) -> Tensor:
    """The weight of a Linear or convolution as (a, b).

    A transposed convolution has its convolution's matrix. TypeError for layers of other kinds.
    """
    if not isinstance(layer, LAYERS):
        raise TypeError(f"{layer!r} has no matrix here: Linear, Conv2d and ConvTranspose2d have")
    check_tensors(weight=layer.weight)
    return layer.weight.flatten(1)                       # (out, in, kh, kw) -> (out, in kh kw)


def power_iteration(
    A: Tensor, steps: int = 1, v: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """(σ, u, v) with u = A v / ‖A v‖, v = Aᵀ u / ‖Aᵀ u‖ repeated `steps` times and σ = uᵀ A v.

    A: (a, b), u: (a,), v: (b,). σ never exceeds the true norm, and its error shrinks by (σ₂/σ₁)² a
    step. Without `v` it begins at a fixed random vector. ValueError unless steps ≥ 1, and for an A
    that is no matrix. Lesson 07.
    """
    check_tensors(A=A)
    if not fits(steps, least=1, most=MANY, whole=True):
        raise ValueError(f"steps = {steps}: power iteration takes one step at least, and a "
                         "million at most")
    A = in_full(A, "a matrix")
    if v is not None:
        check_tensors(v=v)
    if A.dim() != 2 or v is not None and v.shape != A.shape[1:]:
        raise ValueError(f"A of shape {tuple(A.shape)} and v of shape "
                         f"{None if v is None else tuple(v.shape)}: a matrix (a, b) and (b,)")
    if v is not None and v.dtype != A.dtype:
        raise ValueError(f"A in {A.dtype} and v in {v.dtype}: of one format, as v.to(A.dtype)")
    if v is None:
        rng = torch.Generator().manual_seed(0)
        v = torch.randn(A.shape[1], generator=rng, dtype=torch.float64).to(A)
    # u and v are constants: at the singular vectors σ does not change to first order with them, so
    # the gradient of uᵀ A v by A, u vᵀ, is that of σ
    with torch.no_grad():
        # A matrix that was 0 leaves v = 0, from which nothing would ever grow again
        v = torch.where(v.any(), v, torch.linspace(1, 2, len(v)).to(v))
        # 1 but for entries so small or large that their squares are no numbers
        size = A.abs().amax()
        B = A / torch.where((size > 1e-6) & (size < 1e6) | (size == 0), 1, size)
        for _ in range(steps):
            u = nn.functional.normalize(B @ v, dim=0)
            v = nn.functional.normalize(B.T @ u, dim=0)
    return u @ A @ v, u, v


# -- the true norm of a convolution ----------------------------------------------------------------

def unrolled(layer, shape) -> Tensor:
    """The matrix of the linear part of `layer` on inputs of `shape` (c, h, w): (outputs, inputs).

    For small shapes: each of its columns is the layer's answer to one unit vector. ValueError for
    more than 10,000 inputs, and for a layer without weights. Lesson 07.
    """
    size, weight = _size(shape), _weight(layer)
    if size > 10_000:
        raise ValueError(f"a matrix of {size:,} columns does not fit in memory: take a smaller "
                         "shape, or operator_norm")
    basis = torch.eye(size, dtype=weight.dtype, device=weight.device)
    basis = basis.reshape(size, *shape)                              # (inputs, c, h, w)
    with torch.no_grad(), _fitting(layer, shape):
        columns = layer(basis) - layer(torch.zeros_like(basis[:1]))  # without the bias
    return columns.flatten(1).T                                      # (outputs, inputs)


def circular_norm(kernel: Tensor, size: int) -> float:
    """Norm of the circular convolution, stride 1, of size × size pictures.

    kernel: (out, in, kh, kw), no larger than a picture, or a ValueError.
    Sedghi, Gupta & Long 2019, arXiv 1805.10408; lesson 07.
    """
    check_tensors(kernel=kernel)
    check_count("size", size, most=10_000)
    kernel = _finite(in_full(kernel.detach(), "a kernel"))
    if kernel.dim() != 4 or max(kernel.shape[2:]) > size:
        raise ValueError(f"a kernel (out, in, kh, kw) no larger than {size} × {size} is needed, "
                         f"not {tuple(kernel.shape)}")
    check_room("the matrices of all frequencies", *kernel.shape[:2], size, size)
    # A Fourier transform, which changes no norm, turns the convolution into one small matrix for
    # every frequency, and these do not mix: the norm of it all is the largest of theirs
    frequencies = torch.fft.fft2(kernel, (size, size))               # (out, in, size, size)
    matrices = frequencies.permute(2, 3, 0, 1)                       # (size, size, out, in)
    return torch.linalg.matrix_norm(matrices, 2).max().item()


def operator_norm(layer, shape, steps: int = 100) -> float:
    """Norm of the linear part of `layer` on inputs of `shape` (c, h, w): a lower estimate.

    Power iteration, which needs no matrix: the layer is A, and its backward pass Aᵀ. 0 for a layer
    of zeros. ValueError for a layer without weights, or with such that are not finite. Lesson 07.
    """
    check_count("steps", steps, most=MANY)
    _size(shape)
    weight = _finite(_weight(layer))
    if weight.dtype in (torch.float16, torch.bfloat16):
        return operator_norm(copy.deepcopy(layer).float(), shape, steps)
    x = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0)).to(weight)
    for _ in range(steps):                               # x <- Aᵀ A x / ‖x‖
        x = (x / x.norm()).requires_grad_()
        with torch.enable_grad(), _fitting(layer, shape):
            y = layer(x)
            stretched = (y - layer(torch.zeros_like(x))).detach()    # A x, without the bias
            back, = torch.autograd.grad(y, x, stretched)
        x = back.detach()
        if not x.any():
            # nothing comes back: a layer of zeros, or squares too small for float32
            if weight.dtype == torch.float64 or not weight.any():
                return 0.0
            return operator_norm(copy.deepcopy(layer).double(), shape, steps)
    return x.norm().sqrt().item()                        # ‖Aᵀ A x‖ is σ² once x is its eigenvector


# -- a whole network -------------------------------------------------------------------------------

def layers(net: nn.Module) -> list[nn.Module]:
    """The layers with a matrix, in the order of their registration. TypeError for no network."""
    check_network("net", net)
    return [m for m in net.modules() if isinstance(m, LAYERS)]


def sigmas(net: nn.Module) -> list[float]:
    """σ of every layer's matrix, exactly (SVD), in the order of `layers`.

    ValueError for weights that are not finite.
    """
    return [_sigma(layer) for layer in layers(net)]


def _sigma(layer) -> float:
    """The largest singular value of a layer's matrix."""
    weights = _finite(in_full(matrix(layer).detach(), "weights"))
    return torch.linalg.matrix_norm(weights, 2).item()


def _finite(weights: Tensor) -> Tensor:
    """The weights themselves; ValueError for NaN and ±∞ among them."""
    if not weights.isfinite().all():
        raise ValueError("the weights hold nan or inf: the training that made them has diverged")
    return weights


def _weight(layer) -> Tensor:
    """The first weights of a layer, whose format and device are its own."""
    weight = next(layer.parameters(), None) if isinstance(layer, nn.Module) else None
    if weight is None:
        raise ValueError(f"{layer!r} has no weights, and no linear part to measure")
    check_tensors(weight=weight)
    return weight.detach()


@contextlib.contextmanager
def _fitting(layer, shape):
    """ValueError, with both, where a layer cannot take samples of this shape."""
    try:
        with one_format(layer):
            yield
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        if error.__cause__ is not None:                      # two formats: said already
            raise
        raise ValueError(f"{layer} takes no samples of shape {tuple(as_shape(shape))} ({error}): "
                         "give (channels, height, width) of what goes into it") from error


def _size(shape) -> int:
    """How many numbers a sample of `shape` has; ValueError for sides that are no whole numbers."""
    return math.prod(as_shape(shape))


def lipschitz_bound(net: nn.Module) -> float:
    """No slope of a feed-forward network exceeds this product: Π σ · √(patches an input lies in).

    That root is 1 for Linear; in a convolution a number lies in ⌈kh/sh⌉ ⌈kw/sw⌉ patches at most.
    Activations of slope ≤ 1 count as 1, and a layer that stands in line twice counts twice.
    TypeError for layers whose norm is unknown here, such as batch norm, and for networks that are
    not Sequential or a critic made here: nobody knows what their forward adds. ValueError for
    weights that are not finite. Lesson 07.
    """
    check_network("net", net)
    bound = 1.0
    for m in _leaves(net):
        if _is_a(m, LAYERS):
            bound *= _sigma(m) * math.sqrt(_overlap(m))
        elif not _is_a(m, HARMLESS) or abs(getattr(m, "negative_slope", 0)) > 1:
            raise TypeError(f"the norm of {m} is not known here: this bound is for Linear, Conv2d, "
                            "ConvTranspose2d and activations of slope 1 at most")
    return bound


def _is_a(m: nn.Module, kinds) -> bool:
    """A module of one of the kinds that computes as they do: no forward or hook of its own."""
    return (any(isinstance(m, kind) and type(m).forward is kind.forward for kind in kinds)
            and not (m._forward_hooks or m._forward_pre_hooks or "forward" in vars(m)))


def _overlap(layer) -> int:
    """In how many patches of a convolution one number of its input lies, at most.

    Each patch is stretched by σ at most, and the squares of what comes out of them add up. Along an
    axis with a dilation the stride is not counted on: as many patches as the kernel is wide. Nor is
    it where a picture is padded with its own numbers, which count as often as they stand there.
    """
    if isinstance(layer, nn.Linear):
        return 1
    overlap = 1
    for axis, (k, s, d) in enumerate(zip(layer.kernel_size, layer.stride, layer.dilation)):
        reach = d * (k - 1)
        padded = {"same": reach, "valid": 0}.get(layer.padding) if isinstance(
            layer.padding, str) else 2 * layer.padding[axis]
        # How often one number meets one place of the kernel. Around a circle that is no longer than
        # the picture only once; a mirror adds one image at either end; a border repeats `padded`
        # times at most
        copies = {"zeros": 1, "circular": 1 if padded <= reach else 3, "reflect": 3,
                  "replicate": 1 + padded}[layer.padding_mode]
        if layer.padding_mode == "zeros" or not padded:
            overlap *= math.ceil(k / s) if d == 1 else k
        else:
            overlap *= k * copies
    return overlap


def _leaves(net):
    """What a Sequential or Player computes one after the other, a layer used twice twice."""
    if _is_a(net, (Player,)):
        return _leaves(net.layers)
    if _is_a(net, (nn.Sequential,)):
        # not children(), which names a layer that is used twice once
        return [leaf for child in net._modules.values() for leaf in _leaves(child)]
    return [net]


# -- what to do about it ---------------------------------------------------------------------------

def spectrally_normalised(net: nn.Module, steps: int = 1, seed: int = 0) -> nn.Module:
    """A copy of `net` whose layers compute with A / σ, A their matrix.

    σ comes from power iteration, `steps` per forward pass in training mode; `train` iterates once
    per move of the network's own player. ValueError if there is nothing to normalise or it has been
    done, and for a layer of zeros, of NaN, or in half precision. Miyato et al. 2018,
    arXiv 1802.05957; lesson 07.
    """
    check_count("steps", steps, most=1000)
    check_count("seed", seed, least=0)
    check_network("net", net)
    net = copy.deepcopy(net)
    if not layers(net) or any(parametrize.is_parametrized(layer) for layer in layers(net)):
        raise ValueError("spectral normalisation needs a network with Linear or convolutional "
                         "layers that are not normalised yet: build it anew")
    for layer in layers(net):
        weights = _finite(matrix(layer).detach())
        if not weights.any() or weights.dtype in (torch.float16, torch.bfloat16):
            raise ValueError(f"{layer} in {weights.dtype} cannot be divided by its norm: it needs "
                             "weights that are not all 0, in float32 or float64")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in layers(net):
            # dim=0 for all: torch would reshape a transposed convolution to another matrix
            spectral_norm(layer, n_power_iterations=steps, dim=0)
    return net


def spectral_regularisation(weight: float = 0.01) -> Callable[[nn.Module], Tensor]:
    """f -> ½ λ Σ σ² over the layers of f, to be added to its loss; λ is `weight`.

    Its gradient by a layer's matrix is λ σ u vᵀ. One power step a call, continuing from the last.
    ValueError for weight < 0, and for an f without layers. Yoshida & Miyato 2017,
    arXiv 1705.10941; lesson 07.
    """
    if not fits(weight, least=0):
        raise ValueError(f"weight = {weight}: a penalty is weighed with a number of 0 or more, "
                         "such as 0.01")
    directions = WeakKeyDictionary()                     # layer -> v, forgotten with the layer

    def regularise(f: nn.Module) -> Tensor:
        if not layers(f):
            raise ValueError(f"{type(f).__name__} has no Linear or convolutional layer, and no σ")
        total = 0.0
        for layer in layers(f):
            v = directions.get(layer)
            # Weights move little between calls: one step follows them, once v has been found
            steps = 15 if v is None else 1
            sigma, _, directions[layer] = power_iteration(matrix(layer), steps, v)
            total = total + sigma.square()
        return weight / 2 * total
    return regularise
