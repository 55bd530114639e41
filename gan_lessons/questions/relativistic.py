"""Questions of notebooks/11_relativistic.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq

from ..exact.divergences import js
from ..exact.laws import Normal, Uniform
from ..exact.relativistic import pairwise_value


def _squares(real, fake) -> float:
    """RaLSGAN's loss of the critic on scores of a batch."""
    real, fake = np.array(real, dtype=float), np.array(fake, dtype=float)
    return float(((real - fake.mean() - 1) ** 2).mean() + ((real.mean() - fake - 1) ** 2).mean())


def _log_2_less_js() -> float:
    """The distance at which RSGAN's best loss is 0.3."""
    loss = lambda d: np.log(2) - js(Normal(0, 1), Normal(2 ** .5 * d, 1))
    return brentq(lambda d: loss(d) - .3, .5, 4)


def _own_push(score: float) -> float:
    """RaHinge: minus the derivative of the critic's loss for the first of four fakes."""
    real = np.array([2.6, 1.3, .6, 1.9])

    def loss(own):
        fake = np.array([own, 1.7, .8, -.8])
        return (np.maximum(0, 1 - real + fake.mean()).mean()
                + np.maximum(0, 1 - real.mean() + fake).mean())
    return float(loss(score - 1e-6) - loss(score + 1e-6)) / 2e-6


QUESTIONS = {
    "11 batch": (lambda: [_squares([3, 1], [0, 2]), _squares([0, 2], [3, 1])],
                 "variances divided by n, and m changes its sign when the roles are swapped"),
    "11 uniform": (lambda: pairwise_value(Uniform(0, 1), Uniform(.25, 1.25)),
                   "a pair is a toss-up only if both samples lie where both laws live"),
    "11 log": (_log_2_less_js, "log 2 - 0.3 is at most JS at √2 times the distance"),
    "11 hinge": (lambda: [_own_push(-.1), _own_push(4.)],
                 "its own hinge, if its lead is short of 1, and a quarter of the share of real "
                 "samples that lead too little"),
}
