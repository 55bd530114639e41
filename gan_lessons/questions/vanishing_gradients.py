"""Questions of notebooks/02_vanishing_gradients.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq

from ..exact.divergences import js, js_slope
from ..exact.laws import Normal
from ..exact.minimax import GENERATOR_LOSSES, generator_gradient

QUESTIONS = {
    "02 sigma": (lambda: 3 * _distance_at(.336), "JS of two equal widths depends on distance / σ alone"),
    "02 sum": (lambda: sum(generator_gradient(Normal(0, 2), Normal(6, 2), loss) for loss in GENERATOR_LOSSES),
               "σ(c) + σ(-c) = 1, so the sum is -E_q c'(x), and c is a straight line here"),
    "02 half": (np.log(1e-8), "σ / (σ + ε) = ½, and σ(c) is about exp(c) far below 0"),
    "02 fog": (lambda: _best_fog(), "between 2 and 4: use the arrow keys and read the title"),
}


def _distance_at(divergence: float) -> float:
    return brentq(lambda d: js(Normal(0, 1), Normal(d, 1)) - divergence, 1, 5)


def _best_fog() -> float:
    fogs = np.arange(0, 6.05, .1)
    felt = [js_slope(Normal(0, width), Normal(8, width)) for width in np.hypot(1, fogs)]
    return float(fogs[np.argmax(felt)])
