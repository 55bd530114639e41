"""The loss-sensitive games of Qi 2017, arXiv 1701.06264: l is low on real samples, by a margin.

Derived in notebooks/09_loss_sensitive.ipynb; other costs in notebooks/10_generalised_loss_sensitive.ipynb.
"""
from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import relu

from ..game import Game, both


def margin(scale: float = 1.0, p: float = 1.0) -> Callable[[Tensor, Tensor], Tensor]:
    """Δ(x, x') = scale · ‖x - x'‖_p over all axes but the first: (n, ...), (n, ...) -> (n,). A sum, not a mean."""
    if not (scale >= 0 and p >= 1):
        raise ValueError(f"scale = {scale}, p = {p}: a margin is scale ≥ 0 times a p-norm, p ≥ 1")

    def delta(x: Tensor, x_fake: Tensor) -> Tensor:
        return scale * (x - x_fake).flatten(1).norm(p, dim=1)
    return delta


def leaky(nu: float = 0.0) -> Callable[[Tensor], Tensor]:
    """C_ν(a) = max(a, ν a) = a + (1 - ν) max(-a, 0), ν ≤ 1: relu at 0, |a| at -1, a itself at 1. Any shape -> same.

    ν is what a surplus is worth: l unbounded without a Lipschitz constraint for ν > 0. Lesson 10. ValueError for ν > 1.
    """
    if not -math.inf < nu <= 1:
        raise ValueError(f"nu = {nu}: max(a, nu·a) is a cost (a itself for a ≥ 0) for finite nu ≤ 1 only; 1 is "
                         "the Wasserstein game, 0 LS-GAN, -1 the cost |a|")
    return lambda a: torch.maximum(a, nu * a)


def own_cost(cost: Callable[[Tensor], Tensor], name: str = "yours") -> OwnCost:
    """A cost of your own, (n,) -> (n,), once it keeps C(a) = a for a ≥ 0 and C(a) ≥ a: own_cost(torch.relu).

    Tested in float64 on 1,201 numbers from -1000 to 1000, with its slopes. What comes back is called like `cost` and
    its repr is the report. ValueError naming the first a where a property fails, where value or slope is not finite,
    and for a cost that does not work number by number. Derived in notebooks/10_generalised_loss_sensitive.ipynb.
    """
    size = torch.logspace(-6, 3, 600, dtype=torch.float64)
    a = torch.cat([-size.flip(0), torch.zeros(1, dtype=torch.float64), size]).requires_grad_()
    value = cost(a)
    if value.shape != a.shape or not torch.allclose(cost(a[:7]), value[:7], rtol=1e-9, equal_nan=True):
        raise ValueError("a cost works number by number, (n,) -> (n,): leave the mean to loss_sensitive")
    slope, = torch.autograd.grad(value.sum(), a) if value.requires_grad else (torch.zeros_like(a),)
    a, value = a.detach(), value.detach()

    def refuse(where, why):
        if where.any():
            worst = a[where][a[where].abs().argmin()]
            raise ValueError(f"at a = {worst:.3g} your cost is {value[a == worst].item():.6g}: {why}")
    refuse(~value.isfinite(), "it must be finite for every a")
    refuse(~slope.isfinite(), "but its slope is not finite. torch.where computes both branches: clamp what overflows, "
                              "as in torch.exp(a.clamp(max=0))")
    room = 1e-9 * (1 + a.abs())
    refuse((a >= 0) & ((value - a).abs() > room), "C(a) = a is asked for every a ≥ 0, the price of a violation")
    refuse(value < a - room, "C(a) ≥ a is asked for every a, so that no surplus is worth more than it is")
    return OwnCost(cost, name, (value[1] - value[0]).item() / (a[1] - a[0]).item())


class OwnCost:
    """What `own_cost` returns: the cost, and `surplus`, its slope at a = -1000, which plays the part of ν far away."""

    def __init__(self, cost, name: str, surplus: float):
        self.cost, self.name, self.surplus = cost, name, surplus

    def __call__(self, a: Tensor) -> Tensor:
        return self.cost(a)

    def __repr__(self):
        need = "; constrain the slopes of l, or it has no minimum" if self.surplus > 1e-9 else ""
        return (f"{self.name}: C(a) = a for a ≥ 0 and C(a) ≥ a, on 1,201 numbers from -1000 to 1000; slope "
                f"{self.surplus:.3g} far on the left{need}")


def loss_sensitive(margin=margin(), weight: float = 1.0, cost=relu, first: float = 1.0) -> Game:
    """l(x) should stay below l(g(z)) by the margin Δ(x, g(z)); `cost` says what a violation costs.

    l   first · E l(x) + weight · E cost(Δ(x, g(z)) + l(x) - l(g(z)))        weight is the paper's λ
    g   E l(g(z))
    Pairs are the i-th real with the i-th fake of a batch. l: (n, ...) -> (n,). The margin is a constant for both.
    ValueError for weight < 0, first < 0, and batches that do not pair.
    """
    if not (weight >= 0 and first >= 0):
        raise ValueError(f"weight = {weight}, first = {first}: both weigh a term of the loss and are 0 or more")

    def loss_of_l(l, g, x, z):
        x_fake = g(z)
        if x.shape != x_fake.shape:
            raise ValueError(f"real {tuple(x.shape)} and fake {tuple(x_fake.shape)} do not pair: draw as many of each")
        real, fake = both(l, x, x_fake)
        violation = margin(x, x_fake).detach() + real - fake
        return first * real.mean() + weight * cost(violation).mean()

    def loss_of_g(l, g, z):
        return l(g(z)).mean()

    return Game({"l": loss_of_l, "g": loss_of_g})
