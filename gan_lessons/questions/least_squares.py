"""Questions of notebooks/04_least_squares.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq

from ..exact.laws import Normal, Uniform
from ..exact.least_squares import least_squares_gradient, least_squares_value, triangular


def _ends() -> list[float]:
    """The value for labels 2, 5, 3 where p and q are one law, and where they share no place."""
    p = Uniform(0, 1)
    return [least_squares_value(p, q, 2, 5, 3) for q in (p, Uniform(2, 3))]


def _hardest(*labels) -> float:
    """The distance, in steps of 0.1, at which the generator's gradient is largest."""
    distances = np.arange(0, 8.05, .1)
    p = Normal(0, 1)
    gradients = [least_squares_gradient(p, Normal(d, 1), *labels) for d in distances]
    return float(distances[np.argmax(gradients)])


def _silent_target(distance: float) -> float:
    """The target c for which the gradient at this distance is 0."""
    p, q = Normal(0, 1), Normal(distance, 1)
    return brentq(lambda c: least_squares_gradient(p, q, 0, 1, c), 0, 1)


QUESTIONS = {
    "04 ends": (_ends, "χ² is 0 in the one case and 2 in the other"),
    "04 log": (lambda: (2 - triangular(Uniform(0, 1), Uniform(.25, 1.25))) / 2,
               "χ² = ½, then step 6 with b - a = 2"),
    "04 hardest": (lambda: [_hardest(0, 1, 1), _hardest(-1, 1, 0)],
                   "between 1.5 and 2.5: use the arrow keys near the top"),
    "04 silent": (lambda: _silent_target(2), "r + κ (1 + r) = 0, and c = ½ + κ/2"),
}
