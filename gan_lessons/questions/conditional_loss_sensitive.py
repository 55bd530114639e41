"""Questions of notebooks/13_conditional_loss_sensitive.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq

from ..exact.conditional_loss_sensitive import asked_posterior, asked_weights


def _overdone() -> tuple[float, float]:
    """C*(0 | x) at λ = 1, and the λ at which the weights of the two labels are equal."""
    p, q = np.array([.06, .04]), np.array([.08, .02])
    difference = lambda weight: -np.diff(asked_weights(p, q, weight))[0]
    return asked_posterior(p, q, 1.)[0], brentq(difference, 0, 2)


def _shared_place() -> list[float]:
    """The λ at which the share at B, 1 - (1 + 1/λ) · .6, leaves 0, and that at which it is .2."""
    share = lambda weight: 1 - (1 + 1 / weight) * .6
    return [brentq(share, .5, 9), brentq(lambda weight: max(0., share(weight)) - .2, 1.6, 99)]


QUESTIONS = {
    "13 least loss": (lambda: [np.log(10), .1],
                      "Σ_y exp -l = 1: if one loss is above log 10, what of the other nine?"),
    "13 overdone": (_overdone, "w = (1 + λ) p - λ q for either label; "
                               "where two weights are equal, neither label is the more likely"),
    "13 shared place": (_shared_place,
                        "the share at B is 1 - (1 + 1/λ) p(A | 0), while that is above 0"),
    "13 confidence": (lambda: [(abs(.8 - .95) + abs(.8 - .6)) / 2, 1 / 3],
                      "sum over bins of count / n times |right - confidence|"),
}
