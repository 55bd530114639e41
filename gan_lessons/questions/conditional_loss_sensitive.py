"""Questions of notebooks/13_conditional_loss_sensitive.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq
from scipy.special import logit

from ..exact.conditional_loss_sensitive import asked_posterior, asked_weights


def _overdone() -> tuple[float, float]:
    """C*(0 | x) at λ = 1, and the λ at which the weights of the two labels are equal."""
    p, q = np.array([.06, .04]), np.array([.08, .02])
    difference = lambda weight: -np.diff(asked_weights(p, q, weight))[0]
    return asked_posterior(p, q, 1.)[0], brentq(difference, 0, 2)


def _shared_place() -> list[float]:
    """The λ at which the share at B, 1 - (1 + 1/λ) · .6, leaves 0, and that at which it is .2."""
    share = lambda weight: 1 - (1 + 1 / weight) * .6
    return [brentq(share, .5, 9), brentq(lambda weight: max(0., share(weight)) - .2, 1.6, 99)]


def two_rounds(l, g, x, y, z):
    """Two rounds of CLS-GAN on one batch, λ = 1, L1 margins of scale ½, gradient descent with rate
    0.1: the mean loss of the real samples afterwards, a number. l and g stay as they are.
    """
    import copy

    import torch

    from ..objectives.conditional import conditional
    from ..objectives.loss_sensitive import loss_sensitive, margin
    l, g, game = copy.deepcopy(l), copy.deepcopy(g), conditional(loss_sensitive(margin(.5)))
    weights = {"l": list(l.parameters()), "g": list(g.parameters())}
    losses = {"l": lambda: game["l"](l, g, x, z, y=y), "g": lambda: game["g"](l, g, z, y=y)}
    for player in ("l", "g") * 2:
        slopes = torch.autograd.grad(losses[player](), weights[player])
        with torch.no_grad():
            for weight, slope in zip(weights[player], slopes):
                weight -= .1 * slope
    return l(x, y).mean().item()


QUESTIONS = {
    "13 least loss": (lambda: [np.log(10), .1],
                      "Σ_y exp -l = 1: if one loss is above log 10, what of the other nine?"),
    "13 overdone": (_overdone, "w = (1 + λ) p - λ q for either label; "
                               "where two weights are equal, neither label is the more likely"),
    "13 shared place": (_shared_place,
                        "the share at B is 1 - (1 + 1/λ) p(A | 0), while that is above 0"),
    "13 confidence": (lambda: [(abs(.8 - .95) + abs(.8 - .6)) / 2, logit(.95) / logit(.8)],
                      "first: sum over bins of count / n times |right - confidence|; second: the "
                      "logit of the confidence over that of the share right"),
    "13 narrow": (lambda: .5 ** .5,
                  "push 0, λ = 1: narrow the classes until the third number leaves 0.0 %"),
}
