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


def _log() -> list[float]:
    """Variances of three directions by their rates at β t² = ¼, and the error that is left."""
    alive = list(np.exp(2 * np.array([1.15, .6, .2])) / 4)
    best = best_linear([*alive, .1, .08, .05], 1, .5)                  # the last three collapse
    return [*alive, .98 - (best.residual() - .23)]


def _two() -> list[float]:
    """The smallest β, in steps of 0.1, that leaves two directions in use, and the information."""
    for beta in np.arange(1, 81) / 10:
        best = best_linear(WATER, beta, .7)
        if (best.noise < 1).sum() == 2:
            return [beta, best.terms().information]
    raise ArithmeticError("not within the slider's reach")


def two_rounds(e, d, x, noise):
    """Two rounds of a VAE whose decoder gives means and log deviations, (n, 2D), by gradient
    descent with rate 0.01; β is 0 in the first and 1 in the second, the noise of the codes the
    same: the loss before the second step, a number. e and d stay as they are.
    """
    import copy

    import torch

    from ..objectives.variational import gaussian_code, kl_to_normal
    e, d = copy.deepcopy(e), copy.deepcopy(d)
    weights = [*e.parameters(), *d.parameters()]
    for beta in (0, 1):
        m, log_s = gaussian_code(e, x)
        again, log_t = d(m + log_s.exp() * noise).chunk(2, dim=1)
        apart = (x - again) / log_t.exp()
        distortion = (apart.square() / 2 + log_t + np.log(2 * np.pi) / 2).sum(1)
        loss = (distortion + beta * kl_to_normal(m, log_s)).mean()
        slopes = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for weight, slope in zip(weights, slopes):
                weight -= .01 * slope
    return loss.item()


QUESTIONS = {
    "16 price": (_rate, "½ (m² + s² - 1 - log s²), number by number; s² is ¼"),
    "16 channel": (_channel, "p(z) is even by symmetry, and I = log 2 - H(0.9, 0.1)"),
    "16 log": (_log, "I = ½ log(σ² / t²) for a living direction, whose error is t²; the rest of "
                     "the error are the variances of the dead"),
    "16 two": (_two, "the third variance is 1.4, and t² = 0.49"),
}
