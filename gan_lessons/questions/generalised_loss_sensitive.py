"""Questions of notebooks/10_generalised_loss_sensitive.ipynb and their answers."""
import numpy as np

from ..exact.generalised_loss_sensitive import FAKE_POINTS, REAL_POINTS, capped_transport


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


def _part(shift: float, nu: float) -> float:
    """The part of the way from E Δ to W that the capped work has gone, four and four points."""
    places = np.concatenate([REAL_POINTS, FAKE_POINTS + [shift, 0]])                  # (8, 2)
    distance = np.linalg.norm(places[:, None] - places, axis=-1)
    p = np.repeat([.25, 0], 4)
    work, W = (capped_transport(p, p[::-1], distance, v).work for v in (nu, -3))  # cap 4 shares: W
    mean = distance[:4, 4:].mean()
    return (mean - work) / (mean - W)


def two_rounds(l, g, x, z):
    """Two rounds of the game with the cost |a|, without its first term, on one batch.

    Gradient descent with rate 0.1: the mean loss of the fakes afterwards, a number. The networks
    are changed.
    """
    import torch

    from ..objectives.loss_sensitive import leaky, loss_sensitive
    game = loss_sensitive(cost=leaky(-1), first=0)
    weights = {"l": list(l.parameters()), "g": list(g.parameters())}
    for player in ("l", "g") * 2:
        given = dict(l=l, g=g, x=x, z=z) if player == "l" else dict(l=l, g=g, z=z)
        slopes = torch.autograd.grad(game[player](**given), weights[player])
        with torch.no_grad():
            for weight, slope in zip(weights[player], slopes):
                weight -= .1 * slope
    return l(g(z)).mean().item()


QUESTIONS = {
    "10 straight": (lambda: _border([3, 1, -2, .5]),
                    "beyond slope 1 only pairs with D > 0 have a surplus: "
                    "E max(-D, 0) = ν E max(D, 0)"),
    "10 odds": (lambda: _odds(.2) / _odds(.5),
                "which set is rarer among real samples? Step 7, with odds"),
    "10 cap": (lambda: _work([0, 4], [1, 5], -.5),
               "a pair may carry 1.5 · ¼; the rest must take the longer ways"),
    "10 part": (lambda: [_part(.4, -1), _part(2., -1)],
                "the way gone is E Δ less the work, the whole way E Δ less W"),
    "10 log": ([3 - 1.4 / 2, 3.], "divide the loss by λ; the plan p q has cap 1 and work E Δ"),
}
