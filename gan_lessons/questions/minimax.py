"""Questions of notebooks/01_minimax.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq

from ..exact.divergences import js
from ..exact.laws import Normal, Uniform


def _where_equal(real: float, fake: float) -> float:
    """The place where the shares of real and fake samples, N(0, 1) and N(2, 1), are as dense."""
    return brentq(lambda x: real * Normal(0, 1).pdf(x) - fake * Normal(2, 1).pdf(x), -5, 5)


def _other_width(sd: float) -> float:
    """The width below 1 that has the same JS from N(0, 1) as this one above 1."""
    apart = lambda s: js(Normal(0, 1), Normal(0, s))
    return brentq(lambda s: apart(s) - apart(sd), .05, 1)


def two_rounds(f, g, x, z):
    """Two rounds of Algorithm 1 with k = 1 on one batch, gradient descent with rate 0.1: the mean
    score of the fakes afterwards, a number. The networks are changed.
    """
    import torch

    from ..objectives.minimax import minimax
    game, weights = minimax(), {"f": list(f.parameters()), "g": list(g.parameters())}
    for player in ("f", "g") * 2:
        given = dict(f=f, g=g, x=x, z=z) if player == "f" else dict(f=f, g=g, z=z)
        slopes = torch.autograd.grad(game[player](**given), weights[player])
        with torch.no_grad():
            for weight, slope in zip(weights[player], slopes):
                weight -= .1 * slope
    return f(g(z)).mean().item()


QUESTIONS = {
    "01 four of five": (lambda: _where_equal(.8, .2), "solve 2 - 2x = -log 4, and mind the sign"),
    "01 overlap": (lambda: js(Uniform(0, 1), Uniform(.5, 1.5)),
                   "log p/m is log 2 where only one density is positive, else 0"),
    "01 width": (lambda: _other_width(2), "read JS at width 2, then look for it below 1; the "
                 "Normals may be measured in any unit"),
    "01 log": (lambda: np.log(2) - .3 / 2, "log 2 minus half of the critic's last loss"),
}
