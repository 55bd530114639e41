"""The loss-sensitive games of Qi 2017, arXiv 1701.06264: l is low on real samples, by a margin.

Derived in notebooks/09_loss_sensitive.ipynb; other costs in notebooks/10_generalised_loss_sensitive.ipynb.
"""
from __future__ import annotations

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
    """C_ν(a) = max(a, ν a), ν ≤ 1: relu at 0, |a| at -1, a itself at 1. Any shape -> same shape."""
    if not nu <= 1:
        raise ValueError(f"nu = {nu}: a cost must be at least a everywhere, so the slope ν is 1 at most")
    return lambda a: torch.maximum(a, nu * a)


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
