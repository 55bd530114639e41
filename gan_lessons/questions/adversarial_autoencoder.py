"""Questions of notebooks/15_adversarial_autoencoder.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from ..exact.divergences import js
from ..exact.laws import Mixture, Normal
from ..exact.quadrature import expectation


def _charged():
    """The mean KL of one sample's code to the prior, and the best critic's loss 2 log 2 - 2 JS.

    Codes are Normal around sqrt(1 - s²) x, with deviation s = .03; the KL is averaged over x.
    """
    s = .03
    mean_kl = expectation(Normal(), lambda x: ((1 - s**2) * x**2 + s**2 - 1 - 2 * np.log(s)) / 2)
    aggregate = Normal(0, np.sqrt(1 - s**2 + s**2))     # of all codes: the prior itself
    return mean_kl, 2 * np.log(2) - 2 * js(Normal(), aggregate)


def _log() -> int:
    """The number m of 16 clusters in use for which both critics together lose nearest to 2.469.

    The critic of the style loses 2 log 2, that of the class 2 log 2 - 2 JS between the uniform
    distributions on 16 corners and on m of them.
    """
    def class_loss(m):
        prior, used = np.full(16, 1 / 16), np.repeat([1 / m, 0], [m, 16 - m])
        real = prior * np.logaddexp(0, np.log(np.maximum(used, 1e-300) / prior))
        fake = used[:m] * np.logaddexp(0, np.log(prior[:m] / used[:m]))
        return real.sum() + fake.sum()
    return min(range(1, 17), key=lambda m: abs(2 * np.log(2) + class_loss(m) - 2.469))


def _weight() -> float:
    """λ for which 784 (w - 3)² + λ w² is least at w = 2."""
    return brentq(lambda weight: 2 * 784 * (2 - 3) + 2 * weight * 2, 0, 1e4)


def three_phases(e, d, f, x, z):
    """A round of the AAE in three phases of gradient descent with rate 0.1: f's loss afterwards.

    A number; the networks stay as they are.
    """
    import copy

    import torch

    from ..objectives.adversarial_autoencoder import adversarial_autoencoder
    e, d, f = copy.deepcopy(e), copy.deepcopy(d), copy.deepcopy(f)
    redraw, critic, fool = (move.loss for move in adversarial_autoencoder().moves)
    for loss, nets in ((lambda: redraw(e, d, x), (e, d)), (lambda: critic(f, e, x, z), (f,)),
                       (lambda: fool(e, f, x), (e,))):
        weights = [weight for net in nets for weight in net.parameters()]
        slopes = torch.autograd.grad(loss(), weights)
        with torch.no_grad():
            for weight, slope in zip(weights, slopes):
                weight -= .1 * slope
    return critic(f, e, x, z).item()


def _narrow() -> float:
    """The narrowest of the slider's widths at which 16 codes leave the critic under 0.01 nats."""
    def seen(s):
        quantiles = norm.ppf((np.arange(16) + .5) / 16)
        # together the codes have variance 1, as the prior
        means = np.sqrt(1 - s**2) * quantiles / np.sqrt(np.mean(quantiles**2))
        return js(Normal(), Mixture([Normal(m, s) for m in means]))
    at = brentq(lambda s: seen(s) - .01, .1, .3)
    return float(np.ceil(at / .02) * .02)               # up to the slider's next position


QUESTIONS = {
    "15 charged": (_charged, "the mean KL is -log s, and the aggregate is exactly the prior"),
    "15 log": (_log, "style: 2 log 2; class: (1 + t) log(1 + t) - t log t, with t the share of "
                     "clusters in use"),
    "15 narrow": (_narrow, "16 samples, shift 0: between 0.1 and 0.3, in steps of 0.02"),
    "15 weight": (_weight, "the slope of 784 (w - 3)² + λ w² is 0 at w = 2"),
}
