"""Questions of notebooks/15_adversarial_autoencoder.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from ..exact.divergences import js
from ..exact.laws import Mixture, Normal
from ..exact.quadrature import expectation


def _charged():
    """The mean KL of one sample's code to the prior, and the best critic's loss 2 log 2 - 2 JS.

    Codes are Normal around sqrt(1 - s²) x, with deviation s = .05; the KL is averaged over x.
    """
    s = .05
    mean_kl = expectation(Normal(), lambda x: ((1 - s**2) * x**2 + s**2 - 1 - 2 * np.log(s)) / 2)
    aggregate = Normal(0, np.sqrt(1 - s**2 + s**2))     # of all codes: the prior itself
    return mean_kl, 2 * np.log(2) - 2 * js(Normal(), aggregate)


def _five_of_twenty() -> float:
    """2 log 2 - 2 JS of the uniform laws on 20 corners and on 5 of them."""
    prior, used = np.full(20, 1 / 20), np.repeat([1 / 5, 0], [5, 15])
    real = prior * np.logaddexp(0, np.log(np.maximum(used, 1e-300) / prior))
    fake = used[:5] * np.logaddexp(0, np.log(prior[:5] / used[:5]))
    return float(real.sum() + fake.sum())


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
    "15 drawers": (_five_of_twenty, "2 log 2 - 2 JS = (1 + t) log(1 + t) - t log t, "
                             "with t the share of clusters in use"),
    "15 narrow": (_narrow, "16 samples, shift 0: between 0.1 and 0.3, in steps of 0.02"),
    "15 two scores": ((.8, .65), "a vote may name two clusters alike; "
                                 "a matching gives each class one cluster"),
}
