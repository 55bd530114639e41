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
    """Bits a dimension of 784: of 2000 nats on [-1, 1], of a log-likelihood of 1500 on [0, 1]."""
    return [(2000 + 784 * math.log(128)) / 784 / math.log(2),
            (784 * math.log(256) - 1500) / 784 / math.log(2)]


QUESTIONS = {
    "18 ruler": (_ruler, "the share of samples between two places is that of the standard Normal "
                         "between their b: Φ(2) - Φ(-0.625)"),
    "18 determinant": (_determinant, "a squeeze gives 0, actnorm pixels · Σ s, "
                                     "mixing pixels · log |det A|; there are four pixels"),
    "18 bits": (_bits, "nats / (784 log 2) - log₂ step; "
                       "a log-likelihood is minus the nats of the formula"),
    "18 hat": (lambda: [1.3 + kl(Normal(1, 2), Normal()), 1.3],
               "rate = I + KL(p(v) ‖ q(v)): the flow lowers the KL to 0, and I stays"),
}
