"""Questions of notebooks/12_conditional.ipynb and their answers."""
import numpy as np

from ..exact.conditional import acgan_rest, label_entropy, within
from ..exact.laws import Mixture, Normal, Uniform


def _one_of_four() -> float:
    """The critic's loss, 2 log 2 - 2 JS of the pairs."""
    good = [Uniform(k, k + 1) for k in range(4)]
    return 2 * np.log(2) - 2 * within(Mixture(good), Mixture([*good[:3], Uniform(9, 10)]))


def _tenth() -> float:
    """The smallest weight, in steps of 0.1, that leaves under a tenth of p's label entropy."""
    p = q = Mixture([Normal(-1, 1), Normal(1, 1)])
    for tenths in range(1, 31):
        q = acgan_rest(p, tenths / 10, q)               # begun where the last weight ended
        if label_entropy(q) < label_entropy(p) / 10:
            return tenths / 10
    raise ArithmeticError("not within the slider's reach")


QUESTIONS = {
    "12 one of four": (_one_of_four,
                       "the value is 2 E_y JS - 2 log 2, and the critic's loss is minus that"),
    "12 line": ((.75, .5), "write both densities out: the squares of x cancel"),
    "12 tenth": (_tenth, "a tenth of 0.356, between λ = 1 and λ = 2: use the arrow keys"),
    "12 floor": (lambda: [np.log(np.e + K - 1) - 1 for K in (2, 100)],
                 "the best softmax is 1 for the right class, 0 for others"),
}
