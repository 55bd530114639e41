"""Distances between two batches that need no critic, and the MMD GAN, whose critic makes features.

    game = matching(partial(mmd2, gaussian(2., 5.)))       only the generator moves
    game = mmd_gan()                                       the critic chooses what is compared

A kernel of this module is a function of tensors (n, d), (m, d) -> (n, m). Derived in
notebooks/22_mmd.ipynb. Li et al. 2015, arXiv 1502.02761; Bińkowski et al. 2018, arXiv 1801.01401;
Feydy et al. 2018, arXiv 1810.08278; Wang et al. 2019, arXiv 1812.09916.
"""
from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from ..exact.checks import check_count, check_flag, fits, told
from ..game import Game, both, check_samples, check_takes, check_tensors, in_full

# -- kernels ---------------------------------------------------------------------------------------

def _check_rows(x, y):
    """ValueError unless a kernel is handed (n, d) and (m, d), floating-point numbers of one format.
    """
    check_tensors(x=x, y=y)
    if not (x.dim() == y.dim() == 2 and x.shape[1] == y.shape[1]):
        raise ValueError(f"x {tuple(x.shape)} and y {tuple(y.shape)}: a kernel is one of samples "
                         "in rows, (n, d) and (m, d); x.flatten(1) makes rows of pictures")
    if x.dtype != y.dtype or not x.is_floating_point():
        raise ValueError(f"x in {x.dtype}, y in {y.dtype}: floating-point numbers of one format, "
                         "as x.float() and y.float()")


def gaussian(*bandwidths: float):
    """Σ_h exp(-|x - y|²/2h²) over the bandwidths: (n, d), (m, d) -> (n, m).

    ValueError for no bandwidth, and for one that is not above 0.
    """
    if not bandwidths or not all(fits(h, above=0) for h in bandwidths):
        raise ValueError(f"bandwidths = {bandwidths!r}: one or more numbers above 0")

    def kernel(x, y):
        _check_rows(x, y)
        square = (x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T).clamp(min=0)
        return sum((-square / (2 * h ** 2)).exp() for h in bandwidths)
    kernel.__name__ = f"gaussian({', '.join(f'{h:g}' for h in bandwidths)})"
    return kernel


def minus_distance(x: Tensor, y: Tensor) -> Tensor:
    """-|x - y|, whose MMD² is the energy distance: (n, d), (m, d) -> (n, m).

    Where two points are one the slope is taken as 0.
    """
    _check_rows(x, y)
    return -torch.cdist(x, y)


def cubic(x: Tensor, y: Tensor) -> Tensor:
    """(x · y / d + 1)³, the kernel of KID: (n, d), (m, d) -> (n, m)."""
    _check_rows(x, y)
    return (x @ y.T / x.shape[1] + 1) ** 3


def _check_kernel(kernel):
    check_takes("kernel", kernel, 2, "two batches, (n, d), (m, d) -> (n, m), as gaussian(1.)")


# -- distances -------------------------------------------------------------------------------------

def _exactly(distance):
    """The same function with autocast off: differences of means that are nearly equal need all
    digits of float32."""
    @functools.wraps(distance)
    def careful(*args, **settings):
        with torch.autocast("cuda" if torch.cuda.is_available() else "cpu", enabled=False):
            return distance(*args, **settings)
    return careful


def _rows(x, x_fake, alike=False):
    """Two batches as rows (n, d), (m, d); ValueError for what does not fit."""
    check_samples(x=x, x_fake=x_fake)
    if x.dtype != x_fake.dtype:
        raise ValueError(f"real samples in {x.dtype}, fakes in {x_fake.dtype}: bring them to one "
                         "format, as x.float()")
    if x.shape[1:] != x_fake.shape[1:] or min(len(x), len(x_fake)) < 2:
        raise ValueError(f"real {tuple(x.shape)} and fake {tuple(x_fake.shape)}: two samples or "
                         "more of each, all of one size")
    if alike and len(x) != len(x_fake):
        raise ValueError(f"{len(x)} real and {len(x_fake)} fakes: they are sorted and paired, so "
                         "draw as many of each")
    return [in_full(a, "samples").reshape(len(a), -1) for a in (x, x_fake)]


@_exactly
def mmd2(kernel, x: Tensor, x_fake: Tensor) -> Tensor:
    """The estimate of MMD² whose mean is right: (n, ...), (m, ...) -> scalar.

    Means of the kernel over pairs of real samples, plus that over pairs of fakes, minus twice that
    over pairs of both; no sample is paired with itself. ValueError for fewer than two of a kind.
    """
    x, x_fake = _rows(x, x_fake)
    return _within(kernel, x) + _within(kernel, x_fake) - 2 * _table(kernel, x, x_fake).mean()


def _within(kernel, a):
    """Mean of the kernel over pairs of different samples: (n, d) -> scalar."""
    k = _table(kernel, a, a)
    return (k.sum() - k.diagonal().sum()) / (len(a) * (len(a) - 1))


@_exactly
def _contrast(kernel, x, x_fake):
    """E k(x, x') - E k(y, y'): (n, ...), (m, ...) -> scalar."""
    x, x_fake = _rows(x, x_fake)
    return _within(kernel, x) - _within(kernel, x_fake)


def _table(kernel, a, b):
    """The kernel of all pairs, (n, m); ValueError where it gives something else."""
    try:
        k = kernel(a, b)
    except TypeError as error:
        _check_kernel(kernel)
        raise TypeError(f"{told(kernel)} is no kernel, a function of two batches, as gaussian(1.) "
                        f"makes one ({error})") from error
    if not isinstance(k, Tensor) or k.shape != (len(a), len(b)):
        shape = tuple(k.shape) if isinstance(k, Tensor) else told(k)
        raise ValueError(f"the kernel gives {shape} for {len(a)} and {len(b)} samples: it is a "
                         "function of tensors (n, d), (m, d) -> (n, m), as gaussian(1.) of "
                         "gan_lessons.objectives.mmd")
    return k


@_exactly
def sliced(x: Tensor, x_fake: Tensor, directions: int = 100) -> Tensor:
    """Mean over random directions ω of W₁ between ω · x and ω · g(z): (n, ...) twice -> scalar.

    On a line the best plan joins the lowest with the lowest, so both are sorted and subtracted.
    ValueError unless there are as many of each kind.
    """
    check_count("directions", directions)
    x, x_fake = _rows(x, x_fake, alike=True)
    ways = torch.randn(x.shape[1], directions, dtype=x.dtype, device=x.device)
    ways = ways / ways.norm(dim=0)                                           # (d, directions)
    return ((x @ ways).sort(0).values - (x_fake @ ways).sort(0).values).abs().mean()


@_exactly
def entropic(x: Tensor, x_fake: Tensor, epsilon: float = 1.0, rounds: int = 30) -> Tensor:
    """The Sinkhorn divergence S_ε with the cost |x - y|: (n, ...), (m, ...) -> scalar.

    OT_ε(x, x̃) - ½ OT_ε(x, x) - ½ OT_ε(x̃, x̃). The plans are found without gradients, in log space;
    then they are held, which by the envelope theorem leaves the slope of S_ε. ValueError for ε that
    is not above 0.
    """
    if not fits(epsilon, above=0):
        raise ValueError(f"epsilon = {epsilon!r}: a softness above 0")
    check_count("rounds", rounds)
    x, x_fake = _rows(x, x_fake)
    cost = lambda a, b: _smoothed(torch.cdist(a, b), epsilon, rounds)
    return cost(x, x_fake) - cost(x, x) / 2 - cost(x_fake, x_fake) / 2


def _smoothed(cost: Tensor, epsilon: float, rounds: int) -> Tensor:
    """OT_ε of equal masses at a cost (n, m), with the slope Σ γ dcost."""
    n, m = cost.shape
    with torch.no_grad():
        softmin = lambda c, v: -epsilon * (((v - c) / epsilon).logsumexp(1)
                                         - math.log(c.shape[1]))
        f, h = cost.new_zeros(n), cost.new_zeros(m)
        for _ in range(rounds):
            # both from the old ones, then the middle: a problem with itself settles at once
            f, h = (f + softmin(cost, h)) / 2, (h + softmin(cost.T, f)) / 2
        f = softmin(cost, h)
        moved = ((f[:, None] + h - cost) / epsilon).exp() / (n * m)
        value = f.mean() + h.mean()
    slope = (moved * cost).sum()
    return value + slope - slope.detach()


# -- games -----------------------------------------------------------------------------------------

def matching(distance, features=None) -> Game:
    """Only the generator moves: it minimises distance(h(x), h(g(z))).

    distance: two batches -> scalar, as `sliced` or partial(mmd2, kernel); features: a function h of
    a batch that stays as it is, or None for the samples themselves. TypeError for what is no
    function. Li et al. 2015, arXiv 1502.02761; lesson 22.
    """
    check_takes("distance", distance, 2, "two batches, as sliced or partial(mmd2, gaussian(1.))")
    if features is not None:
        check_takes("features", features, 1, "a batch")
    h = features or (lambda x: x)

    def generator_loss(g, x, z):
        return distance(h(x), h(g(z)))
    return Game({"g": generator_loss})


def mmd_gan(kernel=minus_distance, repulsive: bool = False) -> Game:
    """The MMD GAN: critic f (n, ...) -> (n, d) makes features, and MMD² compares them.

    critic      -MMD²(f(x), f(g(z)));   repulsive: E k(f(x), f(x')) - E k(f(y), f(y')),  y = g(z)
    generator   +MMD²(f(x), f(g(z)))

    -MMD² draws the features of all real samples together, the repulsive loss drives them apart.
    The critic needs a bound of its slopes, such as spectral normalisation, else it only enlarges
    its features. TypeError for a kernel that is no function, ValueError for a flag that is none.
    Li et al. 2017, arXiv 1705.08584; Bińkowski et al. 2018, arXiv 1801.01401; repulsive: Wang, Sun
    & Halgamuge 2019, arXiv 1812.09916; lesson 22.
    """
    _check_kernel(kernel)
    check_flag(repulsive=repulsive)

    def gap(f, g, x, z):
        return mmd2(kernel, *both(f, x, g(z)))

    def critic_loss(f, g, x, z):
        return _contrast(kernel, *both(f, x, g(z))) if repulsive else -gap(f, g, x, z)
    return Game({"f": critic_loss, "g": gap})
