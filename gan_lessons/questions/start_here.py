"""Questions of notebooks/00_start_here.ipynb and their answers."""
import numpy as np
from scipy.optimize import minimize_scalar


def _best_answer(real: int = 3, fake: int = 1) -> float:
    """The constant D of the least loss, `real` samples for every `fake` ones."""
    loss = lambda c: real * np.logaddexp(0, -c) + fake * np.logaddexp(0, c)
    return 1 / (1 + np.exp(-minimize_scalar(loss, bounds=(-9, 9), method="bounded",
                                            options={"xatol": 1e-9}).x))


QUESTIONS = {
    "00 quarter": (_best_answer, "set the derivative to 0: -3 σ(-c) + σ(c) = 0"),
    "00 slider": (lambda: (1 + np.sqrt(1 - 4 * np.exp(-2))) / 2, "between 0.8 and 0.9"),
    "00 log": (lambda: [2 * .61, np.log(2)], "an average of two numbers is half of their sum"),
}
