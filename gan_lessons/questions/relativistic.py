"""Questions of notebooks/11_relativistic.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq

from ..exact.divergences import js
from ..exact.laws import Normal, Uniform
from ..exact.relativistic import pairwise_value

QUESTIONS = {
    "11 batch": (lambda: [_squares([3, 1], [0, 2]), _squares([0, 2], [3, 1])],
                 "variances divided by n, and m changes its sign when the roles are swapped"),
    "11 uniform": (lambda: pairwise_value(Uniform(0, 1), Uniform(.25, 1.25)),
                   "a pair is a toss-up only if both coins lie where both laws live"),
    "11 log": (lambda: brentq(lambda d: np.log(2) - js(Normal(0, 1), Normal(2 ** .5 * d, 1)) - .3, .5, 4),
               "log 2 - 0.3 is at most JS at √2 times the distance"),
    "11 hinge": (lambda: [_own_push(-.1), _own_push(4.)],
                 "its own hinge, if its lead is short of 1, and a quarter of the share of real coins that lead too little"),
}


def _squares(first, second) -> float:
    first, second = np.array(first, dtype=float), np.array(second, dtype=float)
    return float(((first - second.mean() - 1) ** 2).mean() + ((first.mean() - second - 1) ** 2).mean())


def _own_push(score: float) -> float:
    """RaHinge: minus the derivative of the critic's loss for the first of four fakes."""
    real, fake = np.array([2.6, 1.3, .6, 1.9]), np.array([score, 1.7, .8, -.8])
    loss = lambda own: (np.maximum(0, 1 - real + np.mean([own, *fake[1:]])).mean()
                        + np.maximum(0, 1 - real.mean() + np.array([own, *fake[1:]])).mean())
    return float(loss(score - 1e-6) - loss(score + 1e-6)) / 2e-6
