"""Questions of notebooks/14_semi_supervised.ipynb and their answers."""
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit

from ..exact.laws import Mixture, Normal
from ..exact.quadrature import expectation


def _matched() -> tuple[float, float]:
    """The σ at which N(0, σ²) matches E |x| of two narrow components, and the least feature loss
    of h = (|x|, x²) over all σ.
    """
    p, absolute = Mixture([Normal(-2, .5), Normal(2, .5)]), lambda x: np.abs(x)
    wanted = [expectation(p, h, np.unique([*p.edges(), 0])) for h in (absolute, np.square)]

    def loss(sd):                        # E |x| and E x² of N(0, sd²), sizes of sd and of sd²
        return ((sd * (2 / np.pi) ** .5 - wanted[0]) ** 2 + (sd ** 2 - wanted[1]) ** 2) / 2
    return wanted[0] * (np.pi / 2) ** .5, minimize_scalar(loss, (1., 3.)).fun


def _watershed(eta: float = 20.) -> float:
    """The least border above 0, in steps of .05, from which the walk ends outside the gap: the top
    of the hill to the right of the gap, rounded up.

    The border b between two classes, σ(3 (x - b)), goes downhill on the loss of two labelled
    samples plus η times the mean doubt of unlabelled ones.
    """
    law = Mixture([Normal(-2, .8), Normal(2, .8)], [.3, .7])
    x, b = np.linspace(-8, 8, 4001), np.linspace(1, 3.2, 441)
    s = expit(3 * (x - b[:, None]))                                              # (b, x)
    unlabelled = -np.log(np.maximum(s, 1 - s)) @ law.pdf(x) * (x[1] - x[0])
    labelled = (np.logaddexp(0, 3 * (-2.6 - b)) + np.logaddexp(0, -3 * (.8 - b))) / 2
    top = b[(labelled + eta * unlabelled).argmax()]
    return float(np.ceil(top / .05) * .05)


def two_rounds(f, g, x, y, u, z):
    """Two rounds of Improved GAN on one batch, λ = ½, gradient descent with rate 0.1: the mean
    log Z of the unlabelled samples afterwards, a number. f and g stay as they are.
    """
    import copy

    import torch

    from ..objectives.semi_supervised import improved_gan, source_logit
    f, g, game = copy.deepcopy(f), copy.deepcopy(g), improved_gan(.5)
    weights = {"f": list(f.parameters()), "g": list(g.parameters())}
    losses = {"f": lambda: game["f"](f, g, x, y, u, z), "g": lambda: game["g"](f, g, u, z)}
    for player in ("f", "g") * 2:
        slopes = torch.autograd.grad(losses[player](), weights[player], allow_unused=True)
        with torch.no_grad():
            for weight, slope in zip(weights[player], slopes):
                weight -= 0 if slope is None else .1 * slope
    return source_logit(f(u)).mean().item()


QUESTIONS = {
    "14 feature matching": (_matched, "E |x| of N(0, σ²) is σ √(2/π), E x² is σ²; the loss is the "
                                      "mean of two squares"),
    "14 log": (lambda: [np.exp(-.02), .5 / (1 - np.exp(-.02))],
               "the term of an unlabelled sample is -log D; its push on a logit is (1 - D) s"),
    "14 watershed": (_watershed, "set η to 20 and move the border right from 0 "
                                 "until the green mark no longer lies in the gap"),
}
