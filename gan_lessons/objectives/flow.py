"""Flows: a bijection b of samples and noise, trained by its exact likelihood; and f-VAE, a bijection of a VAE's codes.

Change of variables: log q(x) = log N(b(x); 0, I) + log |det db/dx|. For notebooks/18_f_vae.ipynb; bijections are made in
gan_lessons/flows.py. Dinh et al. 2015, arXiv 1410.8516; Su & Wu 2018, arXiv 1809.05861 (their F is our b).
"""
from __future__ import annotations

import math

import torch
from torch import Tensor

from ..game import Game, Move
from .variational import draw_code, gaussian_code, gaussian_nll


def bits_per_dimension(nll, shape, step: float = 1 / 127.5):
    """Nats of a whole dequantised picture -> bits for each of its numbers: nll / (D log 2) - log₂ step.

    `step`: distance of neighbouring grey values in the units of x; 1/127.5 for pictures in [-1, 1] as batches() draws
    them (about +7), 1/256 for [0, 1) (+8), 1 for bytes. Guessing all 256 values alike costs exactly 8.
    """
    return nll / (math.prod(shape) * math.log(2)) - math.log2(step)


def dequantised(x: Tensor, step: float = 1 / 127.5) -> Tensor:
    """x + step · U, U uniform on [-½, ½]: grey values become cells, so that a density cannot grow without end on them."""
    return x + step * (torch.rand_like(x) - .5)


def normal_nll(z: Tensor) -> Tensor:
    """-log N(z; 0, I) in nats, a sum over all axes but the first: (n, ...) -> (n,)."""
    return gaussian_nll(z, torch.zeros_like(z))


def flow_nll(b, x: Tensor) -> Tensor:
    """-log q(x) = -log N(b(x); 0, I) - log |det db/dx| in nats: (n, ...) -> (n,), for b(x) = (z, log_det)."""
    z, log_det = b(x)
    return normal_nll(z) - log_det


def flow(step: float = 0.0) -> Game:
    """b   E -log q(x + step · U), U uniform on [-½, ½] for each number: exact maximum likelihood.

    step: the distance of neighbouring grey values, 1/127.5 for pictures of batches(); 0 for points, which have a density.
    ValueError for step < 0.
    """
    if not step >= 0:
        raise ValueError(f"step = {step}: the distance of neighbouring grey values is 0 (points) or more")

    def likelihood(b, x):
        return flow_nll(b, dequantised(x, step) if step else x).mean()
    return Game([Move("b", likelihood)])


def f_vae_terms(e, d, b, x: Tensor, sd: float, step: float = 0.0) -> tuple[Tensor, Tensor]:
    """(-log q(x | v), log p(v | x) - log q(v)), (n,) each, at one drawn code v = m(x) + s(x) u, u ~ N(0, I).

    b(v) = z is Normal under the model: -log q(v) is `flow_nll`. log p(v | x) = log N(u; 0, I) - Σ log s.
    """
    x = dequantised(x, step) if step else x
    m, log_s = gaussian_code(e, x)
    v = draw_code(m, log_s)
    u = (v - m) * (-log_s).exp()
    return gaussian_nll(x, d(v), sd), flow_nll(b, v) - normal_nll(u) - log_s.sum(1)


def f_vae(sd: float = 1.0, step: float = 0.0) -> Game:
    """e d b   E [-log q(x | v) + log p(v | x) - log q(v)],  z = b(v) ~ N(0, I): a VAE whose prior of codes learns.

    e: (n, ...) -> (n, 2k), d: (n, k) -> (n, ...), b: a bijection of codes (n, k). Samples: d(b.inverse(noise)).
    With b = id the mean over u is the loss of vae(sd=sd). With e = d = id and s = sd it is the flow's, on x + sd · u.
    ValueError for sd ≤ 0 or step < 0.
    """
    if not (sd > 0 and step >= 0):
        raise ValueError(f"sd = {sd}, step = {step}: the deviation of a pixel is above 0, the distance of grey values 0 or more")

    def negative_elbo(e, d, b, x):
        distortion, rate = f_vae_terms(e, d, b, x, sd, step)
        return (distortion + rate).mean()
    return Game([Move("e d b", negative_elbo)])
