"""Questions of notebooks/10_generalised_loss_sensitive.ipynb and their answers."""
import numpy as np

from ..exact.generalised_loss_sensitive import capped_transport

QUESTIONS = {
    "10 straight": (lambda: _border([3, 1, -2, .5]), "beyond slope 1 only pairs with D > 0 have a surplus: E max(-D, 0) = ν E max(D, 0)"),
    "10 odds": (lambda: _odds(.2) / _odds(.5), "which set of coins is rarer among genuine ones? Step 7, with odds"),
    "10 cap": (lambda: _work([0, 4], [1, 5], -.5), "a pair may carry 1.5 · ¼; the rest must take the dear roads"),
}


def _border(leads) -> float:
    leads = np.array(leads)
    return np.maximum(-leads, 0).sum() / np.maximum(leads, 0).sum()


def _odds(share: float) -> float:
    return share / (1 - share)


def _work(genuine, fakes, nu: float) -> float:
    places = np.array([*genuine, *fakes], dtype=float)
    p = np.repeat([1 / len(genuine), 0], len(genuine))
    return capped_transport(p, p[::-1], abs(places[:, None] - places), nu).work
