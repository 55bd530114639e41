"""Questions of notebooks/16_variational.ipynb and their answers."""
import numpy as np

from ..exact.divergences import kl
from ..exact.information import discrete_kl, mutual_information
from ..exact.laws import Normal
from ..exact.variational import best_linear

WATER = [4, 2.4, 1.4, .8, .5, .3, .2, .1]               # the variances of the explorer


def _rate() -> list[float]:
    """The KL to the standard Normal of a code of two numbers, and of its second number alone."""
    first, second = kl(Normal(1, 1), Normal()), kl(Normal(0, .5), Normal())
    return [first + second, second]


def _channel() -> list[float]:
    """I, KL(p(z) ‖ prior) and the rate of a channel that errs one time in ten."""
    joint, prior = np.array([[.45, .05], [.05, .45]]), np.array([.8, .2])
    rate = sum(discrete_kl(row / row.sum(), prior) / 2 for row in joint)
    return [mutual_information(joint), discrete_kl(joint.sum(0), prior), rate]


def _water() -> list[float]:
    """Rate and error of the best linear VAE, and the β at which the third direction is lost."""
    best = best_linear([3, 1, .4, .1], 1, .5)
    return [best.terms().rate, best.residual(), .4 / .25]


def _two() -> list[float]:
    """The smallest β, in steps of 0.1, that leaves two directions in use, and the information."""
    for beta in np.arange(1, 81) / 10:
        best = best_linear(WATER, beta, .7)
        if (best.noise < 1).sum() == 2:
            return [beta, best.terms().information]
    raise ArithmeticError("not within the slider's reach")


QUESTIONS = {
    "16 price": (_rate, "½ (m² + s² - 1 - log s²), number by number; s² is ¼"),
    "16 channel": (_channel, "p(z) is even by symmetry, and I = log 2 - H(0.9, 0.1)"),
    "16 water": (_water, "the level is β t² = ¼: directions above it are left with the level as "
                         "error, those below with all"),
    "16 two": (_two, "the third variance is 1.4, and t² = 0.49"),
}
