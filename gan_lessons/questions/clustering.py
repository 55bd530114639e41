"""Questions of notebooks/19_clustering.ipynb and their answers."""
import numpy as np
from scipy.special import entr

from ..exact.laws import Mixture, Normal
from ..exact.quadrature import expectation


def _code() -> list[float]:
    """For the code 1: the responsibility of N(2, 1), beside N(-1, 1), and -log of the density."""
    near, far = Normal(2), Normal(-1)
    return [1 / (1 + far.pdf(1) / near.pdf(1)), -Mixture([far, near]).logpdf(1)]


def _third(r) -> list[float]:
    """Of answers r (n, K): their KL from uniform, that less the mean's own, the mean's own."""
    p = r.mean(0)
    term = np.log(r.shape[1]) - entr(r).sum(1).mean()
    usage = np.log(r.shape[1]) - entr(p).sum()
    return [term, term - usage, usage]


def _em_step(D: float) -> float:
    """The mean of codes N(0, .3), weighted by the share of a component at D beside one at 0."""
    r = lambda z: 1 / (1 + np.exp(D**2 / 2 - D * z))
    codes = Normal(0, .3)
    return expectation(codes, lambda z: r(z) * z) / expectation(codes, r)


QUESTIONS = {
    "19 note": (_code, "the two summands are ½ N(2; 0, 1) and ½ N(1; 0, 1), "
                       "the bell at the two distances"),
    "19 third": (lambda: _third(np.array([[1, 0, 0], [0, 1, 0]])),
                 "a certain answer has the KL log 3 from uniform"),
    "19 parts": (lambda: [3 ** .5, 3 ** .5 / 2, _em_step(8.)],
                 "variance of a uniform law: a²/3; weights e^{Dz} shift N(0, v) by vD"),
    "19 merge": (3.2, "a little above the deviation of all codes, which is about 3"),
}
