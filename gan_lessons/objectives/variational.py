"""Variational autoencoders: e and d move together and minimise the negative evidence bound.

Derived in notebooks/16_variational.ipynb; in one page in
notebooks/15_adversarial_autoencoder.ipynb. Kingma & Welling 2014, arXiv 1312.6114.
"""
from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..exact.checks import check_count, fits
from ..game import (
    Game,
    Move,
    check_player,
    check_samples,
    check_tensors,
    in_full,
    one_format,
)

# -- Gaussian codes --------------------------------------------------------------------------------

def gaussian_code(e, x: Tensor) -> tuple[Tensor, Tensor]:
    """p(z | x) = N(m(x), s(x)² I): the encoder's (n, 2k) numbers as m and log s, (n, k) each.

    ValueError for an odd number of them.
    """
    check_player("e", e)
    check_samples(x=x)
    with one_format(e, x, shapes=True):
        numbers = e(x)
    check_tensors(**{"what e gives": numbers})
    if numbers.dim() != 2 or numbers.shape[1] % 2:
        raise ValueError("a Gaussian code of k numbers needs an encoder with outputs=2 * k, a mean "
                         f"and a log deviation each; this one gives {tuple(numbers.shape)}")
    return in_full(numbers, "codes").chunk(2, dim=1)


def draw_code(m: Tensor, log_s: Tensor) -> Tensor:
    """z = m + s ε with ε ~ N(0, I): (n, k), (n, k) -> (n, k). The gradient reaches m and s.

    ValueError for shapes that differ, here and below.
    """
    m, log_s = _code(m, log_s)
    return m + log_s.exp() * torch.randn_like(m)


def kl_to_normal(m: Tensor, log_s: Tensor) -> Tensor:
    """KL(N(m, s² I) ‖ N(0, I)) = ½ Σ (m² + s² - 1 - 2 log s), in nats: (n, k), (n, k) -> (n,)."""
    m, log_s = _code(m, log_s)
    return (m.square() + (2 * log_s).exp() - 1 - 2 * log_s).sum(1) / 2


def code_logpdf(z: Tensor, m: Tensor, log_s: Tensor) -> Tensor:
    """log N(z_a; m_i, s_i²) of every code under every picture: (b, k), (n, k), (n, k) -> (b, n).

    In nats. |(z - m)/s|² is multiplied out, so that two products of matrices do it all: in float64,
    for in float32 the difference of large terms would be off by nats where s is small.
    """
    check_tensors(z=z)
    m, log_s = _code(m, log_s)
    if z.dim() != 2 or z.shape[1] != m.shape[1]:
        raise ValueError(f"codes {tuple(z.shape)} under laws of {m.shape[1]} numbers: (b, k)")
    given = in_full(z, "codes").dtype
    z, m, log_s = z.double(), m.double(), log_s.double()
    precision = (-2 * log_s).exp()                                           # (n, k)
    square = (z.square() @ precision.T
              - 2 * z @ (m * precision).T
              + (m.square() * precision).sum(1))                             # (b, n)
    return (-square / 2 - log_s.sum(1) - m.shape[1] / 2 * math.log(2 * math.pi)).to(given)


def _code(m: Tensor, log_s: Tensor) -> tuple[Tensor, Tensor]:
    """Both read `in_full`; ValueError unless they are (n, k) each, or one is (1, k) for all."""
    check_tensors(m=m, log_s=log_s)
    alike = m.dim() == log_s.dim() == 2 and m.shape[1] == log_s.shape[1]
    if not alike or (len(m) != len(log_s) and 1 not in (len(m), len(log_s))):
        raise ValueError(f"means {tuple(m.shape)} and log deviations {tuple(log_s.shape)} of codes "
                         "are (n, k) each")
    return in_full(m, "means"), in_full(log_s, "log deviations")


# -- what the rate consists of ---------------------------------------------------------------------

class RateSplit(NamedTuple):
    """rate ≈ information + aggregate, in nats, as `split_rate` estimates them.

    One standard error of each of the two estimates; ceiling = log n.
    """

    rate: float
    information: float
    aggregate: float
    information_error: float
    aggregate_error: float
    ceiling: float


@torch.no_grad()
def split_rate(m: Tensor, log_s: Tensor, draws: int = 2000, seed: int = 0) -> RateSplit:
    """E KL(p(z | x) ‖ N(0, I)) = I(x; z) + KL(p(z) ‖ N(0, I)), x one of n pictures, each as likely.

    m, log_s: (n, k), (n, k). The rate is exact, and p(z) the mean of all n codes.
    I = E log p(z | x)/p(z) and KL = E log p(z)/q(z) are means over as many drawn codes as `draws`
    says. I is at most log n: near it, it counts pictures, and does not say what codes of new ones
    tell. ValueError for shapes that differ, numbers that are not finite, and fewer than 2 draws.
    Lesson 16.
    """
    check_count("draws", draws, least=2, most=10_000_000)
    check_count("seed", seed, least=0)
    m, log_s = torch.broadcast_tensors(*(part.double() for part in _code(m, log_s)))
    if not (m.isfinite().all() and log_s.isfinite().all()):
        raise ValueError("m or log_s hold nan or inf: the encoder that made them has diverged")
    rng = torch.Generator().manual_seed(seed)
    one = torch.randint(len(m), (draws,), generator=rng)                     # whose code it is
    z = m[one] + log_s[one].exp() * torch.randn(draws, m.shape[1], generator=rng, dtype=m.dtype)
    own, whole = [], []                                  # log p(z | x) and log p(z) of every code
    for part, x in zip(z.split(200), one.split(200)):    # in parts, for the table is (200, n)
        each = code_logpdf(part, m, log_s)
        own.append(each.gather(1, x[:, None])[:, 0])
        whole.append(each.logsumexp(1) - math.log(len(m)))
    own, whole = torch.cat(own), torch.cat(whole)
    prior = -z.square().sum(1) / 2 - z.shape[1] / 2 * math.log(2 * math.pi)  # log q(z)
    information, aggregate = own - whole, whole - prior
    return RateSplit(
        rate=kl_to_normal(m, log_s).mean().item(),
        information=information.mean().item(),
        aggregate=aggregate.mean().item(),
        information_error=(information.std() / draws ** .5).item(),
        aggregate_error=(aggregate.std() / draws ** .5).item(),
        ceiling=math.log(len(m)),
    )


# -- the game --------------------------------------------------------------------------------------

def gaussian_nll(x: Tensor, mean: Tensor, sd: float = 1.0) -> Tensor:
    """-log N(x; mean, sd² I) in nats: (n, ...), (n, ...) -> (n,).

    A sum over all axes but the first. sd in units of x. ValueError for shapes that differ and for
    sd ≤ 0.
    """
    check_tensors(x=x, mean=mean)
    if not fits(sd, above=0):
        raise ValueError(f"sd = {sd}: the deviation of a pixel is above 0")
    if x.shape != mean.shape:
        raise ValueError(f"the decoder makes {tuple(mean.shape)} of {tuple(x.shape)}: "
                         "choose one for samples of that shape")
    apart = in_full(x, "samples") - in_full(mean, "what the decoder makes")
    square = (apart / sd).square().flatten(1)                                # (n, D)
    return square.sum(1) / 2 + square.shape[1] * math.log(sd * math.sqrt(2 * math.pi))


def vae(beta: float = 1.0, sd: float = 1.0) -> Game:
    """e d   E [-log q(x | z) + beta · KL(p(z | x) ‖ N(0, I))],  z ~ p(z | x)

    with q(x | z) = N(d(z), sd² I). e: (n, ...) -> (n, 2k), means and log deviations;
    d: (n, k) -> (n, ...). Both terms are sums, in nats: beta = 1 is minus the evidence lower bound;
    an average over pixels in its place would be beta = their number.
    sd in units of x. ValueError for beta < 0 or sd ≤ 0.
    Kingma & Welling 2014, arXiv 1312.6114; lesson 16.
    """
    if not (fits(beta, least=0) and fits(sd, above=0)):
        raise ValueError(f"beta = {beta}, sd = {sd}: the weight of the KL is 0 or more, "
                         "the deviation of a pixel above 0")

    def negative_elbo(e, d, x):
        m, log_s = gaussian_code(e, x)
        return (gaussian_nll(x, d(draw_code(m, log_s)), sd) + beta * kl_to_normal(m, log_s)).mean()

    return Game([Move("e d", negative_elbo)])
