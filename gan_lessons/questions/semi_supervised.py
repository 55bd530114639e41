"""Questions of notebooks/14_semi_supervised.ipynb and their answers."""
import numpy as np
from scipy.special import expit

from ..exact.laws import Mixture, Normal


def _lost() -> float:
    """The smallest η, in steps of ½, at which a border that starts at 3 does not reach the gap.

    The border b between two classes, σ(3 (x - b)), goes downhill on the loss of two labelled
    samples plus η times the mean loss of unlabelled ones, each taken as what it most looks like.
    """
    law = Mixture([Normal(-2, .8), Normal(2, .8)], [.3, .7])
    x, b = np.linspace(-8, 8, 8001), np.linspace(-4.5, 4.5, 361)
    s = expit(3 * (x - b[:, None]))                                  # (b, x)
    unlabelled = -np.log(np.maximum(s, 1 - s)) @ law.pdf(x) * (x[1] - x[0])
    labelled = (np.logaddexp(0, 3 * (-2.6 - b)) + np.logaddexp(0, -3 * (.8 - b))) / 2
    start, gap_ends = np.abs(b - 3).argmin(), np.abs(b[:-1] - 1.5).argmin()
    for eta in np.arange(0, 30.5, .5):
        # the gap lies to the left of the start: all slopes between must be positive
        slopes = np.diff(labelled + eta * unlabelled)[:start]
        if slopes[-1] < 0 or (slopes[gap_ends:] < 0).any():
            return float(eta)
    raise ArithmeticError("it reaches the gap for every η of the slider")


QUESTIONS = {
    "14 fresh": (np.log(1.01) + np.log(101),
                 "log Z = log 100 for an unlabelled sample as for a fake"),
    "14 best logits": ((np.log(2.4), np.log(.6)), "a_k = log p(k|x) + log p(x)/q(x)"),
    "14 margin": (np.log(10) - .1, "m(x') cannot exceed log K"),
    "14 lost": (_lost, "set the border to 3 and raise η "
                       "until the green mark no longer lies in the gap"),
}
