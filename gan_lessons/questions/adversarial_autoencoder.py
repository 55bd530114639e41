"""Questions of notebooks/15_adversarial_autoencoder.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from ..exact.divergences import js
from ..exact.laws import Mixture, Normal
from ..exact.quadrature import expectation


def _charged():
    """The mean KL of each coin's code, by quadrature over coins, and the loss 2 log 2 - 2 JS of the best critic."""
    s = .05
    per_coin = expectation(Normal(), lambda x: ((1 - s**2) * x**2 + s**2 - 1 - 2 * np.log(s)) / 2)
    return per_coin, 2 * np.log(2) - 2 * js(Normal(), Normal(0, np.sqrt(1 - s**2 + s**2)))


def _drawers() -> float:
    """2 log 2 - 2 JS of the uniform laws on 20 corners and on 5 of them."""
    plan, used = np.full(20, 1 / 20), np.repeat([1 / 5, 0], [5, 15])
    loss = plan * np.logaddexp(0, np.log(np.maximum(used, 1e-300) / plan))
    fake = used[:5] * np.logaddexp(0, np.log(plan[:5] / used[:5]))
    return float(loss.sum() + fake.sum())


def _narrow() -> float:
    """The narrowest of the slider's widths at which 16 tiles leave the critic less than 0.01 nats."""
    def seen(s):
        quantiles = norm.ppf((np.arange(16) + .5) / 16)
        means = np.sqrt(1 - s**2) * quantiles / np.sqrt(np.mean(quantiles**2))
        return js(Normal(), Mixture([Normal(m, s) for m in means]))
    at = brentq(lambda s: seen(s) - .01, .1, .3)
    return float(np.ceil(at / .02) * .02)


QUESTIONS = {
    "15 charged": (_charged, "the mean KL is -log s, and the aggregate is exactly the plan"),
    "15 drawers": (_drawers, "2 log 2 - 2 JS = (1 + t) log(1 + t) - t log t, with t the share of drawers in use"),
    "15 narrow": (_narrow, "16 coins, shift 0: between 0.1 and 0.3, in steps of 0.02"),
    "15 two scores": ((.8, .65), "a vote may name two drawers alike; a matching gives each kind one drawer"),
}
