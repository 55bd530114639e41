"""Questions of notebooks/02_vanishing_gradients.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq

from ..exact.divergences import js, js_slope
from ..exact.laws import Normal
from ..exact.minimax import GENERATOR_LOSSES, generator_gradient


def _distance_at(divergence: float) -> float:
    """The distance of two Normals of width 1 with this JS."""
    return brentq(lambda d: js(Normal(0, 1), Normal(d, 1)) - divergence, 1, 5)


def _sum() -> float:
    """The sum of the gradients of the saturating and the non-saturating loss."""
    p, q = Normal(0, 2), Normal(6, 1)
    return sum(generator_gradient(p, q, loss) for loss in GENERATOR_LOSSES)


def _best_noise() -> float:
    """The deviation of added noise, in steps of 0.1, of the largest slope of JS at distance 12."""
    deviations = np.arange(0, 6.05, .1)
    slopes = [js_slope(Normal(0, width), Normal(12, width)) for width in np.hypot(2, deviations)]
    return float(deviations[np.argmax(slopes)])


def _one_step(theta: float = 4., psi: float = -1., rate: float = .1) -> float:
    """Where θ is after one step of the critic f(x) = ψx, then one non-saturating step of θ.

    All data lie at 0, all fakes at θ.
    """
    psi -= rate * theta / (1 + np.exp(-psi * theta))
    return theta + rate * psi / (1 + np.exp(psi * theta))


QUESTIONS = {
    "02 sigma": (lambda: 3 * _distance_at(.5),
                 "JS of two equal widths depends on distance / σ alone"),
    "02 sum": (_sum, "σ(c) + σ(-c) = 1, so the sum is -E_q c'(x), and E_q of log q's slope is 0"),
    "02 half": (np.log(1e-8), "σ / (σ + ε) = ½, and σ(c) is about exp(c) far below 0"),
    "02 noise": (_best_noise, "between 4 and 5: use the arrow keys and read the title"),
    "02 ring": (lambda: True,
                "the critic must keep pace with three moves: look at the two learning rates"),
    "02 step": (_one_step, "no detach in the generator's loss, and its fakes have the label real: "
                           "softplus(-f)"),
    "02 logs": ([2, 3, 1],
                "where D of the fakes is 0, log(1 - D) has no slope; then look at the last column"),
}
