"""Questions of notebooks/09_loss_sensitive.ipynb and their answers."""
import numpy as np

from ..exact.loss_sensitive import best_loss, svm


def _margin_slopes() -> list[float]:
    """The slope of the support vector machine between 1 and 6, without slack and with C = .05."""
    return [abs(svm([[1.], [6.]], [1, -1], C).w[0]) for C in (np.inf, .05)]


def _left_out(kinds: int, weight: float) -> int:
    """How many of equally common kinds may be missing at an equilibrium.

    Found by trying q on ever more kinds, until no best l is above 0 anywhere.
    """
    places, p = np.arange(kinds), np.ones(kinds)
    for kept in range(1, kinds + 1):
        q = (places < kept).astype(float)
        best = best_loss(places, places, weight=weight, mass=p, mass_fake=q)
        if best.values.max() < 1e-6:
            return kinds - kept


def _steepest(shift: float) -> float:
    """The smallest κ, in steps of .2, at which no pair of the explorer's samples lacks margin."""
    real, fakes = [-1., 0., 1.5], shift + np.array([-.6, .4, 1.2])
    return next(kappa for kappa in np.arange(1, 41) / 5
                if best_loss(real, fakes, weight=8, kappa=kappa).slack.max() < 1e-6)


QUESTIONS = {
    "09 street": (_margin_slopes, "w = 2/d without slack, and the smaller of 2/d and C d with it"),
    "09 left out": (lambda: [_left_out(10, 3), 9],
                    "the kinds that are kept hold at most 1 + 1/λ of their share"),
    "09 one pair": (lambda: best_loss([0.], [5.], weight=4, kappa=.7).value,
                    "S = λ max(0, 1 - κ) Δ"),
    "09 steep": (lambda: [_steepest(3), _steepest(0)],
                 "raise κ until the red strokes are gone, λ at 8, all nine pairs"),
}
