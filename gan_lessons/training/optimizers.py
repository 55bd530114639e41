"""Optimisers for `train(optimizer=...)`, each step in one fused pass over the weights.

Introduced in notebooks/00_start_here.ipynb; why clipped critics take RMSprop, in
06_wasserstein.ipynb.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch

from ..exact.checks import fits, told


def adam(lr: float = 2e-4, betas: tuple[float, float] = (0.5, 0.999), **others) -> Callable:
    """Adam, w -= lr · m / (√v + 1e-8): parameters -> optimiser.

    m and v are moving averages of grad and grad², corrected for their start at 0. Kingma & Ba 2015,
    arXiv 1412.6980; these defaults for GANs: Radford et al. 2016, arXiv 1511.06434.
    ValueError for numbers out of range, TypeError for other settings, with how to have them.
    """
    _refuse("adam", "lr and betas", "Adam", others)
    if not (isinstance(betas, (tuple, list)) and len(betas) == 2
            and all(fits(beta, least=0, below=1) for beta in betas)):
        raise ValueError(f"betas={told(betas)}: two numbers from 0 to below 1, as (0.5, 0.999)")
    return partial(torch.optim.Adam, lr=_learning_rate(lr), betas=tuple(map(float, betas)),
                   fused=True)


def rmsprop(lr: float = 5e-5, alpha: float = 0.99, **others) -> Callable:
    """RMSprop, w -= lr · grad / (√v + 1e-8), v a moving average of grad²: parameters -> optimiser.

    The updates of torch.optim.RMSprop in a fifth of the passes over memory. Tieleman & Hinton 2012.
    Errors as those of `adam`.
    """
    _refuse("rmsprop", "lr and alpha", "RMSprop", others)
    if not fits(alpha, least=0, below=1):
        raise ValueError(f"alpha={told(alpha)}: a number from 0 to below 1, as 0.99")
    return partial(_RMSprop, lr=_learning_rate(lr), betas=(0.0, alpha), fused=True)


def _refuse(name: str, known: str, kind: str, others):
    """TypeError for settings that a maker of optimisers does not have."""
    if others:
        moments = name == "adam" and set(others) <= {"beta1", "beta2"}
        more = "betas=(beta1, beta2)" if moments else (
            f"functools.partial(torch.optim.{kind}, lr=2e-4, …) has all of torch's")
        raise TypeError(f"{name} takes {known}, not {', '.join(others)}: {more}")


def _learning_rate(lr):
    """A learning rate; ValueError, for a list of weights too, which `train` hands over itself."""
    if not fits(lr, least=0):
        raise ValueError(f"lr={told(lr)}: a learning rate is a finite number of 0 or more, as 2e-4")
    return lr


def fading(start: float = 0.5) -> Callable[[float], float]:
    """A rate for `train(rate=...)`: 1 up to the part `start` of the training, then linearly to 0.

    t in [0, 1] -> min(1, (1 - t) / (1 - start)). Late steps that grow small let the averages of
    a game settle. ValueError unless 0 ≤ start < 1. Lesson 01.
    """
    if not fits(start, least=0, below=1):
        raise ValueError(f"start = {told(start)}: the part of the training after which the rate "
                         "falls lies from 0 to below 1")

    def rate(t: float) -> float:
        if not fits(t):
            raise ValueError(f"t = {told(t)}: the part of the training that is over, from 0 to 1")
        return min(1.0, (1 - t) / (1 - start))
    return rate


class _RMSprop(torch.optim.Adam):
    """RMSprop is Adam without momentum and with its correction of the start undone.

    Adam divides by √(v / c) + eps, c = 1 - alphaᵗ. With lr / √c and eps / √c in place of lr and eps
    that is RMSprop's step, lr · grad / (√v + eps).
    """

    def step(self, closure=None):
        before = [(group["lr"], group["eps"]) for group in self.param_groups]
        for group in self.param_groups:
            group["t"] = group.get("t", 0) + 1
            correction = math.sqrt(1 - group["betas"][1] ** group["t"])
            group["lr"] = group["lr"] / correction
            group["eps"] = group["eps"] / correction
        try:
            return super().step(closure)
        finally:
            for group, (lr, eps) in zip(self.param_groups, before):
                group.update(lr=lr, eps=eps)
