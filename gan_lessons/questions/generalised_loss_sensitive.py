"""Questions of notebooks/10_generalised_loss_sensitive.ipynb and their answers."""
import numpy as np

from ..exact.generalised_loss_sensitive import capped_transport


def _border(differences) -> float:
    """The ν at which E max(-D, 0) = ν E max(D, 0)."""
    D = np.array(differences)
    return np.maximum(-D, 0).sum() / np.maximum(D, 0).sum()


def _odds(share: float) -> float:
    return share / (1 - share)


def _work(real, fake, nu: float) -> float:
    """The work of the best plan from real to fake points of equal mass, capped for ν."""
    places = np.array([*real, *fake], dtype=float)
    p = np.repeat([1 / len(real), 0], len(real))        # the reverse is q: as many points each
    return capped_transport(p, p[::-1], abs(places[:, None] - places), nu).work


QUESTIONS = {
    "10 straight": (lambda: _border([3, 1, -2, .5]),
                    "beyond slope 1 only pairs with D > 0 have a surplus: "
                    "E max(-D, 0) = ν E max(D, 0)"),
    "10 odds": (lambda: _odds(.2) / _odds(.5),
                "which set is rarer among real samples? Step 7, with odds"),
    "10 cap": (lambda: _work([0, 4], [1, 5], -.5),
               "a pair may carry 1.5 · ¼; the rest must take the longer ways"),
}
