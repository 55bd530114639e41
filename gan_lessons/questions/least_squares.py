"""Questions of notebooks/04_least_squares.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq

from ..exact.laws import Normal, Uniform
from ..exact.least_squares import least_squares_gradient, least_squares_value, triangular

QUESTIONS = {
    "04 ends": (lambda: [least_squares_value(Uniform(0, 1), law, 2, 5, 3) for law in (Uniform(0, 1), Uniform(2, 3))],
                "χ² is 0 in the one case and 2 in the other"),
    "04 log": (lambda: (2 - triangular(Uniform(0, 1), Uniform(.25, 1.25))) / 2, "χ² = ½, then step 6 with b - a = 2"),
    "04 hardest": (lambda: [_hardest(0, 1, 1), _hardest(-1, 1, 0)], "between 1.5 and 2.5: use the arrow keys near the top"),
    "04 silent": (lambda: _silent_target(2), "r + κ (1 + r) = 0, and c = ½ + κ/2"),
}


def _hardest(*labels) -> float:
    distances = np.arange(0, 8.05, .1)
    return float(distances[np.argmax([least_squares_gradient(Normal(0, 1), Normal(d, 1), *labels) for d in distances])])


def _silent_target(distance: float) -> float:
    return brentq(lambda c: least_squares_gradient(Normal(0, 1), Normal(distance, 1), 0, 1, c), 0, 1)
