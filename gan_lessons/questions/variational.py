"""Questions of notebooks/16_variational.ipynb and their answers."""
import numpy as np

from ..exact.divergences import kl
from ..exact.information import discrete_kl, mutual_information
from ..exact.laws import Normal
from ..exact.variational import best_linear

WATER = [4, 2.4, 1.4, .8, .5, .3, .2, .1]             # the variances of the explorer

QUESTIONS = {
    "16 price": (lambda: [kl(Normal(1, 1), Normal()) + kl(Normal(0, .5), Normal()), kl(Normal(0, .5), Normal())],
                 "½ (m² + s² - 1 - log s²), number by number; s² is ¼"),
    "16 channel": (lambda: _channel(), "p(z) is even by symmetry, and I = log 2 - H(0.9, 0.1)"),
    "16 water": (lambda: [(best := best_linear([3, 1, .4, .1], 1, .5)).terms().rate, best.residual(), .4 / .25],
                 "the level is β t² = ¼: living directions are left with the level as error, drowned ones with all"),
    "16 two": (lambda: _two(), "the third variance is 1.4, and t² = 0.49"),
}


def _channel():
    joint, hat = np.array([[.45, .05], [.05, .45]]), np.array([.8, .2])
    rate = sum(discrete_kl(row / row.sum(), hat) / 2 for row in joint)
    return [mutual_information(joint), discrete_kl(joint.sum(0), hat), rate]


def _two():
    for beta in np.arange(1, 81) / 10:
        best = best_linear(WATER, beta, .7)
        if (best.noise < 1).sum() == 2:
            return [beta, best.terms().information]
