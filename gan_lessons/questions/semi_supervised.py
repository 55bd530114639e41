"""Questions of notebooks/14_semi_supervised.ipynb and their answers."""
import numpy as np
from scipy.special import expit

from ..exact.laws import Mixture, Normal


def _lost() -> float:
    """The smallest η, in steps of ½, at which a border that starts at 3 does not come home downhill."""
    law, x, b = Mixture([Normal(-2, .8), Normal(2, .8)], [.3, .7]), np.linspace(-8, 8, 8001), np.linspace(-4.5, 4.5, 361)
    s = expit(3 * (x - b[:, None]))
    doubt = -np.log(np.maximum(s, 1 - s)) @ law.pdf(x) * (x[1] - x[0])
    named = (np.logaddexp(0, 3 * (-2.6 - b)) + np.logaddexp(0, -3 * (.8 - b))) / 2
    start = np.abs(b - 3).argmin()
    for eta in np.arange(0, 30.5, .5):
        between = np.diff(named + eta * doubt)[:start]           # home lies to the left: the slope must be positive all the way
        if between[-1] < 0 or (between[np.abs(b[:-1] - 1.5).argmin():] < 0).any():
            return float(eta)
    raise ArithmeticError("it comes home for every η of the slider")


QUESTIONS = {
    "14 fresh": (np.log(1.01) + np.log(101), "log Z = log 100 for a coin of the vault as for a fake"),
    "14 best logits": ((np.log(2.4), np.log(.6)), "a_k = log p(k|x) + log p(x)/q(x)"),
    "14 margin": (np.log(10) - .1, "m(x') cannot exceed log K"),
    "14 lost": (_lost, "set the border to 3 and raise η until the green mark no longer lies in the gap"),
}
