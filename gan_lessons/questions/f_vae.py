"""Questions of notebooks/18_f_vae.ipynb and their answers."""
import math

import numpy as np
from scipy.integrate import quad

from ..exact.divergences import kl
from ..exact.laws import Normal


def _ruler() -> float:
    """The share of samples between -½ and 1 where b(x) = x³ + x is standard Normal."""
    density = lambda x: Normal().pdf(x ** 3 + x) * (3 * x ** 2 + 1)
    return quad(density, -.5, 1)[0]


def _determinant() -> float:
    """log |det| of a scale e^-½ and a mixing of channels by 2 and 3, at four pixels."""
    return np.linalg.slogdet(math.exp(-.5) * np.kron(np.diag([2., 3.]), np.eye(4)))[1]


def _bits() -> list[float]:
    """Bits of 784 numbers: a log-likelihood of 1980.5 nats, cells of 1/256; 2000 nats, of 1/128."""
    return [(784 * math.log(256) - 1980.5) / 784 / math.log(2),
            (2000 + 784 * math.log(128)) / 784 / math.log(2)]


def _stretch() -> float:
    """The stretch, in tenths, that is best for the explorer's points without bend and lean."""
    z1, z2 = np.random.default_rng(5).standard_normal((2, 500))
    x1 = z1 + .6 * z2
    x2 = z2 * math.exp(-1.2) + x1 ** 2 - 1
    loss = lambda tenths: np.square(x2 * math.exp(tenths / 10)).mean() / 2 - tenths / 10
    return min(range(-15, 26), key=loss) / 10


def three_steps(b, x):
    """Three steps of gradient descent with rate 0.01 on the likelihood of points: the loss before
    the last of them, a number. b stays as it is.
    """
    import copy

    import torch

    from ..objectives.f_vae import flow_nll
    b = copy.deepcopy(b)
    weights = list(b.parameters())
    for _ in range(3):
        loss = flow_nll(b, x).mean()
        slopes = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for weight, slope in zip(weights, slopes):
                weight -= .01 * slope
    return loss.item()


QUESTIONS = {
    "18 ruler": (_ruler, "the share of samples between two places is that of the standard Normal "
                         "between their b: Φ(2) - Φ(-0.625)"),
    "18 determinant": (_determinant, "a squeeze gives 0, actnorm pixels · Σ s, "
                                     "mixing pixels · log |det A|; there are four pixels"),
    "18 bits": (_bits, "nats / (784 log 2) - log₂ step; "
                       "a log-likelihood is minus the nats of the formula"),
    "18 stretch": (_stretch, "move stretch alone and watch the mean of -log q in the title"),
    "18 prior": (lambda: [1.3 + kl(Normal(1, 2), Normal()), 1.3],
               "rate = I + KL(p(v) ‖ q(v)): the flow lowers the KL to 0, and I stays"),
}
