"""Questions of notebooks/11_relativistic.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from ..exact.divergences import js
from ..exact.laws import Normal, Uniform
from ..exact.relativistic import average_value, pairwise_value


def _squares(real, fake) -> float:
    """RaLSGAN's loss of the critic on scores of a batch."""
    real, fake = np.array(real, dtype=float), np.array(fake, dtype=float)
    return float(((real - fake.mean() - 1) ** 2).mean() + ((real.mean() - fake - 1) ** 2).mean())


def _log_2_less_js() -> float:
    """The distance at which RSGAN's best loss is 0.3."""
    loss = lambda d: np.log(2) - js(Normal(0, 1), Normal(2 ** .5 * d, 1))
    return brentq(lambda d: loss(d) - .3, .5, 4)


def _left_alone() -> float:
    """The first of four fake scores at which RaLSGAN's critic does not push it."""
    real = [2.6, 1.3, .6, 1.9]
    loss = lambda own: _squares(real, [own, 1.7, .8, -.8])
    return brentq(lambda own: loss(own + 1e-4) - loss(own - 1e-4), -4, 4)


def bought_hinge(T: float, K: float) -> float:
    """RaHinge's loss of a critic that buys its mean: N(0, 1) against N(1, 1).

    It scores K/ε below -T, where a share ε of the real samples lies, -K/ε above 1 + T, else 0.
    """
    share = norm.cdf(-T)
    f = lambda x: K / share * ((x < -T) * 1. - (x > 1 + T) * 1.)
    return average_value(Normal(0, 1), Normal(1, 1), f, lambda t: np.maximum(0, 1 - t))


def two_rounds(f, g, x, z):
    """Two rounds of RSGAN on one batch, gradient descent with rate 0.1: the mean score of the
    fakes afterwards, a number. The networks are changed.
    """
    import torch

    from ..objectives.relativistic import relativistic
    game, weights = relativistic("RSGAN"), {"f": list(f.parameters()), "g": list(g.parameters())}
    for player in ("f", "g") * 2:
        slopes = torch.autograd.grad(game[player](f, g, x, z), weights[player])
        with torch.no_grad():
            for weight, slope in zip(weights[player], slopes):
                weight -= .1 * slope
    return f(g(z)).mean().item()


QUESTIONS = {
    "11 batch": (lambda: [_squares([3, 1], [0, 2]), _squares([0, 2], [3, 1])],
                 "variances divided by n, and m changes its sign when the roles are swapped"),
    "11 uniform": (lambda: pairwise_value(Uniform(0, 1), Uniform(.25, 1.25)),
                   "a pair is undecided only if both samples lie where p and q are both positive"),
    "11 log": (_log_2_less_js, "log 2 - 0.3 is at most JS at √2 times the distance"),
    "11 alone": (_left_alone, "the variance of the fakes pulls this score one way, the distance "
                 "of the two groups the other; the number beside it changes its sign"),
    "11 reach": (True, "a lead of 1 is enough for the hinge, and the mean of the real scores is a "
                 "little less than K"),
}
