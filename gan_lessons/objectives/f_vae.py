"""Flows and f-VAE: a bijection b trained by its exact likelihood, of samples or of a VAE's codes.

Change of variables: log q(x) = log N(b(x); 0, I) + log |det db/dx|. Bijections are made in
gan_lessons/players/flows.py. Dinh et al. 2015, arXiv 1410.8516; Su & Wu 2018, arXiv 1809.05861
(their F is our b). Derived in notebooks/18_f_vae.ipynb.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..exact.checks import as_numbers, as_shape, fits, told
from ..game import (
    Game,
    Move,
    check_player,
    check_samples,
    check_tensors,
    in_full,
    one_format,
)
from ..pixels import GREY
from .variational import draw_code, gaussian_code, gaussian_nll

# -- units and likelihoods -------------------------------------------------------------------------

def bits_per_dimension(nll, shape, step: float = GREY):
    """Nats of a whole dequantised picture -> bits for each of its numbers. Any shape -> same shape.

    nll / (D log 2) - log₂ step, with D numbers in a picture of `shape`.
    step: distance of neighbouring grey values in the units of x; 1/127.5 for pictures in [-1, 1] as
    batches() draws them (about +7), 1/256 for [0, 1) (+8), 1 for bytes. Guessing all 256 values
    alike costs exactly 8. ValueError for step ≤ 0 and a shape without numbers. Lesson 18.
    """
    as_shape(shape, least=1)
    if not fits(step, above=0):
        raise ValueError(f"step = {step}: the distance of grey values is above 0")
    if isinstance(nll, Tensor):
        check_tensors(nll=nll)
        if nll.is_complex():
            raise ValueError(f"nll of {nll.dtype}: nats are real numbers")
    else:
        nll = nll if fits(nll) else as_numbers(nll, "nll", finite=False)
    return nll / (math.prod(shape) * math.log(2)) - math.log2(step)


def dequantised(x: Tensor, step: float = GREY) -> Tensor:
    """x + step · U, U uniform on [-½, ½] for each number: any shape -> same shape.

    Grey values become cells, so that a density cannot grow without end on them. ValueError for
    bytes, which have no room for it, and for step < 0. Lesson 18.
    """
    check_tensors(x=x)
    if not (x.is_floating_point() and fits(step, least=0)):
        raise ValueError(f"x of {x.dtype}, step = {step}: noise of 0 or more is added to numbers, "
                         "not to bytes; gan_lessons.pixels.scaled makes them")
    return x + step * (torch.rand_like(x) - .5)


def normal_nll(z: Tensor) -> Tensor:
    """-log N(z; 0, I) in nats, a sum over all axes but the first: (n, ...) -> (n,)."""
    check_samples(z=z)
    z = in_full(z, "codes")
    return gaussian_nll(z, torch.zeros_like(z))


def flow_nll(b, x: Tensor) -> Tensor:
    """-log q(x) = -log N(b(x); 0, I) - log |det db/dx| in nats: (n, ...) -> (n,).

    b(x) = (z, log_det), as flows give it. Lesson 18.
    """
    check_player("b", b)
    check_samples(x=x)
    with one_format(b, x, shapes=True):
        made = b(x)
    if not (isinstance(made, tuple) and len(made) == 2
            and all(isinstance(part, Tensor) for part in made)):
        raise ValueError(f"b(x) gives {told(made)}: a bijection gives a pair, z and log_det, as "
                         "point_flow() does")
    z, log_det = made
    if log_det.shape != (len(z),):
        raise ValueError(f"log_det of shape {tuple(log_det.shape)} for {len(z)} samples: a "
                         "bijection gives one number each, (n,)")
    return normal_nll(z) - in_full(log_det, "log determinants")


def flow(step: float = 0.0) -> Game:
    """b   E -log q(x + step · U), U uniform on [-½, ½] for each number: exact maximum likelihood.

    b: (n, ...) -> (n, ...), (n,), in nats. step: the distance of neighbouring grey values, 1/127.5
    for pictures of batches(); 0 for points, which have a density. ValueError for step < 0.
    Dinh et al. 2015, arXiv 1410.8516; lesson 18.
    """
    if not fits(step, least=0):
        raise ValueError(f"step = {step}: the distance of neighbouring grey values is 0 (points) "
                         "or more")

    def likelihood(b, x):
        return flow_nll(b, dequantised(x, step) if step else x).mean()
    return Game([Move("b", likelihood)])


# -- encoders and decoders of an f-VAE -------------------------------------------------------------

class LearntNoise(nn.Module):
    """A decoder with a pixel noise of its own: d(v), (n, k) -> (n, *shape), and d.log_sd, learnt.

    log_sd: `shape` or (), the logarithm of a deviation in units of x. start: that deviation at the
    beginning. Each weight counts `pace` times, so that a deviation can fall by many powers of e in
    a few thousand steps of Adam, which are about as large for every weight.
    ValueError for start ≤ 0 and pace ≤ 0. Lesson 18.
    """

    def __init__(self, net: nn.Module, shape=(), start: float = .3, pace: float = 10.0):
        super().__init__()
        check_player("net", net)
        if not fits(start, above=0):
            raise ValueError(f"start = {start}: a deviation is above 0")
        if not fits(pace, above=0):
            raise ValueError(f"pace = {pace}: how often a weight counts is above 0")
        if not isinstance(shape, tuple) or shape:
            as_shape(shape)
        self.net = net
        self.start = math.log(start)
        self.pace = pace
        self.grown = nn.Parameter(torch.zeros(shape))

    @property
    def log_sd(self) -> Tensor:
        """The logarithm of the deviation of each pixel, `shape` or ()."""
        return self.start + self.pace * self.grown

    def forward(self, v: Tensor) -> Tensor:
        check_tensors(v=v)
        with one_format(self.net, v, shapes=True):
            return self.net(v)


class Residual(nn.Module):
    """A network that begins as the identity: v + net(v), (n, k) -> (n, k).

    The last layer of `net` is set to 0. With `sd` an encoder: (x, log sd) + net(x),
    (n, ...) -> (n, 2k), m(x) = x and s = sd at first. Between two of them an f-VAE begins as its
    flow alone, on x + sd · u.
    shape: of the pictures that a decoder makes of codes (n, k); an encoder of pictures needs none.
    Nets for pictures: `picture_net`. ValueError for sd ≤ 0 and a net of another size. Lesson 18.
    """

    def __init__(self, net: nn.Module, sd: float | None = None, shape=None):
        super().__init__()
        if sd is not None and not fits(sd, above=0):
            raise ValueError(f"sd = {sd}: a deviation is above 0")
        self.net = net
        self.log_sd = None if sd is None else math.log(sd)
        self.shape = shape
        if not isinstance(getattr(net, "layers", None), nn.Sequential):
            raise TypeError(f"net is a network with .layers, such as mlp_generator(...) and "
                            f"picture_net(...) make, not {net!r}")
        last = [layer for layer in net.layers if list(layer.parameters())][-1]
        for weight in last.parameters():
            nn.init.zeros_(weight)

    def forward(self, x: Tensor) -> Tensor:
        if self.shape is not None:
            x = x.reshape(len(x), *self.shape)                               # (n, k) -> pictures
        begun = x if self.log_sd is None else torch.cat([x, torch.full_like(x, self.log_sd)], 1)
        change = self.net(x)
        if change.shape != begun.shape:
            raise ValueError(f"the network gives {tuple(change.shape[1:])}, the shortcut "
                             f"connections carry {tuple(begun.shape[1:])}")
        moved = begun + change
        return moved if self.log_sd is None else moved.flatten(1)            # (n, 2k) for a code


# -- f-VAE -----------------------------------------------------------------------------------------

def f_vae_terms(
    e, d, b, x: Tensor, sd: float | None = None, step: float = 0.0
) -> tuple[Tensor, Tensor]:
    """(-log q(x | v), log p(v | x) - log q(v)), (n,) each, in nats, at one drawn code v.

    v = m(x) + s(x) u, u ~ N(0, I), so log p(v | x) = log N(u; 0, I) - Σ log s. b(v) = z is Normal
    under the model: -log q(v) is `flow_nll`.
    sd: deviation of a pixel; None for a decoder that brings its own, d.log_sd (`LearntNoise`).
    Lesson 18.
    """
    if not fits(step, least=0):
        raise ValueError(f"step = {step}: the distance of grey values is 0 or more")
    x = dequantised(x, step) if step else x
    check_player("d", d)
    m, log_s = gaussian_code(e, x)
    v = draw_code(m, log_s)
    u = (v - m) * (-log_s).exp()
    if sd is None:
        if not hasattr(d, "log_sd"):
            raise ValueError("sd = None is for a decoder that brings its own, d.log_sd: "
                             "LearntNoise(d), or give sd")
        # -log N(x; d(v), sd²): the residual in units of sd, and log sd once for every number of x
        residual = (x - d(v)) * (-d.log_sd).exp()
        distortion = normal_nll(residual) + d.log_sd.expand_as(x[0]).sum()
    else:
        distortion = gaussian_nll(x, d(v), sd)
    return distortion, flow_nll(b, v) - normal_nll(u) - log_s.sum(1)


def f_vae(sd: float | None = 1.0, step: float = 0.0) -> Game:
    """e d b   E [-log q(x | v) + log p(v | x) - log q(v)],  z = b(v) ~ N(0, I)

    A VAE whose prior of codes learns, in nats. e: (n, ...) -> (n, 2k), d: (n, k) -> (n, ...), b: a
    bijection of codes (n, k). Samples: d(b.inverse(noise)). With b = id the mean over u is the loss
    of vae(sd=sd). With e = d = id and s = sd it is the flow's, on x + sd · u.
    sd=None: the decoder brings its own, see `LearntNoise`. ValueError for sd ≤ 0 or step < 0.
    Su & Wu 2018, arXiv 1809.05861; lesson 18.
    """
    if not ((sd is None or fits(sd, above=0)) and fits(step, least=0)):
        raise ValueError(f"sd = {sd}, step = {step}: the deviation of a pixel is above 0, "
                         "the distance of grey values 0 or more")

    def negative_elbo(e, d, b, x):
        distortion, rate = f_vae_terms(e, d, b, x, sd, step)
        return (distortion + rate).mean()
    return Game([Move("e d b", negative_elbo)])
