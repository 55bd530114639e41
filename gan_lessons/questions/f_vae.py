"""Questions of notebooks/18_f_vae.ipynb and their answers."""
import math

import numpy as np
from scipy.integrate import quad

from ..exact.divergences import kl
from ..exact.laws import Normal

QUESTIONS = {
    "18 ruler": (lambda: quad(lambda x: Normal().pdf(x ** 3 + x) * (3 * x ** 2 + 1), -.5, 1)[0],
                 "the share of coins between two weights is that of the bell between their b: Φ(2) - Φ(-0.625)"),
    "18 determinant": (lambda: np.linalg.slogdet(math.exp(-.5) * np.kron(np.diag([2., 3.]), np.eye(4)))[1],
                       "a squeeze gives 0, actnorm pixels · Σ s, mixing pixels · log |det A|; there are four pixels"),
    "18 bits": (lambda: [(2000 + 784 * math.log(128)) / 784 / math.log(2), (784 * math.log(256) - 1500) / 784 / math.log(2)],
                "nats / (784 log 2) - log₂ step; a log-likelihood is minus the nats of the formula"),
    "18 hat": (lambda: [1.3 + kl(Normal(1, 2), Normal()), 1.3],
               "rate = I + KL(p(v) ‖ q(v)): the flow lowers the KL to 0, and I stays"),
}
