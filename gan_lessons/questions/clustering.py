"""Questions of notebooks/19_clustering.ipynb and their answers."""
import numpy as np
from scipy.special import entr

from ..exact.laws import Mixture, Normal
from ..exact.quadrature import expectation

QUESTIONS = {
    "19 note": (lambda: [1 / (1 + Normal(-1).pdf(1) / Normal(2).pdf(1)), -Mixture([Normal(-1), Normal(2)]).logpdf(1)],
                "the two summands are ½ N(2; 0, 1) and ½ N(1; 0, 1), the bell at the two distances"),
    "19 third": (lambda: _third(np.array([[1, 0, 0], [0, 1, 0]])), "a certain answer has the KL log 3 from uniform"),
    "19 parts": (lambda: [3 ** .5, 3 ** .5 / 2, _em_step(8.)], "variance of a uniform law: a²/3; weights e^{Dz} shift N(0, v) by vD"),
    "19 merge": (3.2, "a little above the deviation of all notes, which is about 3"),
}


def _third(r):
    p = r.mean(0)
    term = np.log(r.shape[1]) - entr(r).sum(1).mean()
    usage = np.log(r.shape[1]) - entr(p).sum()
    return [term, term - usage, usage]


def _em_step(D):
    r = lambda z: 1 / (1 + np.exp(D**2 / 2 - D * z))
    notes = Normal(0, .3)
    return expectation(notes, lambda z: r(z) * z) / expectation(notes, r)
