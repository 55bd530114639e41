"""Questions of notebooks/01_minimax.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq

from ..exact.divergences import js, js_slope
from ..exact.laws import Normal, Uniform


def _where_equal(real: float, fake: float) -> float:
    """The place where the shares of real and fake samples, N(0, 1) and N(2, 1), are as dense."""
    return brentq(lambda x: real * Normal(0, 1).pdf(x) - fake * Normal(2, 1).pdf(x), -5, 5)


def _steepest() -> float:
    """The distance, in steps of 0.1, at which JS has the largest slope."""
    distances = np.arange(0, 8.05, .1)
    return float(distances[np.argmax([js_slope(Normal(0, 1), Normal(d, 1)) for d in distances])])


QUESTIONS = {
    "01 four of five": (lambda: _where_equal(.8, .2), "solve 2 - 2x = -log 4, and mind the sign"),
    "01 overlap": (lambda: js(Uniform(0, 1), Uniform(.5, 1.5)),
                   "log p/m is log 2 where one law lives alone, else 0"),
    "01 steepest": (_steepest,
                    "the slope rises from 0, then falls: use the arrow keys near the top"),
}
