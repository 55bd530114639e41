"""Questions of notebooks/09_loss_sensitive.ipynb and their answers."""
import numpy as np

from ..exact.loss_sensitive import best_loss, svm
from ..objectives.loss_sensitive import loss_sensitive


def _where_slack_begins(C: float) -> list[float]:
    """The distance of two samples below which an SVM uses slack, by bisection, and w there."""
    low, high = .01, 100.
    for _ in range(50):
        d = (low * high) ** .5
        lacks = svm([[0.], [d]], [1, -1], C).slack.sum() > 1e-7
        low, high = (d, high) if lacks else (low, d)
    return [d, abs(svm([[0.], [d]], [1, -1], C).w[0])]


def _from_log(S: float, on_real: float, on_fake: float, margin: float, weight: float):
    """Mean slack and mean surplus: E a₊ and E (-a)₊ of a = Δ + l(x) - l(g(z))."""
    slack = (S - on_real) / weight
    return [slack, slack - (margin + on_real - on_fake)]


def one_step(l, g, x, z):
    """One step of plain gradient descent of l, rate .1, first term 0; then the loss of g."""
    import torch

    game, weights = loss_sensitive(first=0), list(l.parameters())
    slopes = torch.autograd.grad(game["l"](l, g, x, z), weights, allow_unused=True)
    with torch.no_grad():
        for weight, slope in zip(weights, slopes):
            if slope is not None:                        # the last bias: l(x) - l(x') lacks it
                weight -= .1 * slope
    return game["g"](l, g, z)


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
    "09 slack": (lambda: _where_slack_begins(2.), "the smaller of 2/d and C d: they meet at one d"),
    "09 log": (lambda: _from_log(8., .4, 1.9, 3., 4.), "S = E l(x) + λ · slack; a = a₊ - (-a)₊"),
    "09 left out": (lambda: [_left_out(10, 3), 9],
                    "the kinds that are kept hold at most 1 + 1/λ of their share"),
    "09 steep": (lambda: [_steepest(3), _steepest(0)],
                 "raise κ until the red strokes are gone, λ at 8, all nine pairs"),
}
