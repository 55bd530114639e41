"""Questions of notebooks/19_clustering.ipynb and their answers."""
from copy import deepcopy

import numpy as np
import torch
from scipy.special import entr

from ..exact.laws import Mixture, Normal
from ..exact.quadrature import expectation
from ..objectives.clustering import clustering, responsibilities
from ..objectives.variational import gaussian_code


def _code() -> list[float]:
    """For the code 1: the responsibility of N(2, 1), beside N(-1, 1), and -log of the density."""
    near, far = Normal(2), Normal(-1)
    return [1 / (1 + far.pdf(1) / near.pdf(1)), -Mixture([far, near]).logpdf(1)]


def _third(r) -> list[float]:
    """Of probabilities r (n, K): their KL from uniform, that less the mean's own, and that."""
    p = r.mean(0)
    term = np.log(r.shape[1]) - entr(r).sum(1).mean()
    usage = np.log(r.shape[1]) - entr(p).sum()
    return [term, term - usage, usage]


def _em_step(D: float) -> float:
    """The mean of codes N(0, .5), weighted by the share of a component at D beside one at 0."""
    r = lambda z: 1 / (1 + np.exp(D**2 / 2 - D * z))
    codes = Normal(0, .5)
    return expectation(codes, lambda z: r(z) * z) / expectation(codes, r)


def two_rounds(e, d, h, x) -> float:
    """Exercise 7: twice, a step of EM for the centres of h, then a step of rate .01 for e and d.

    On copies of the networks. Returns the sum of the squares of the centres.
    """
    e, d, h = map(deepcopy, (e, d, h))
    weights = [*e.parameters(), *d.parameters()]
    loss = clustering(sd=.3)["e d h"]
    for _ in range(2):
        with torch.no_grad():
            m, _ = gaussian_code(e, x)
            r = responsibilities(h(m))
            h.centres.copy_(r.T @ m / r.sum(0)[:, None])
        slopes = torch.autograd.grad(loss(e, d, h, x), weights)
        with torch.no_grad():
            for weight, slope in zip(weights, slopes):
                weight -= .01 * slope
    return h.centres.square().sum().item()


QUESTIONS = {
    "19 code": (_code, "the two summands are ½ N(2; 0, 1) and ½ N(1; 0, 1), "
                       "the density at the two distances"),
    "19 third": (lambda: _third(np.array([[1, 0, 0], [0, 1, 0]])),
                 "a certain r has the KL log 3 from uniform"),
    "19 parts": (lambda: [3 ** .5, 3 ** .5 / 2, _em_step(8.)],
                 "variance of a uniform distribution: a²/3; weights e^{Dz} shift N(0, v) by vD"),
    "19 merge": (3.2, "a little above the deviation of all codes, which is about 3"),
    "19 log": (lambda: [1.90 - .25, np.log(10) - 1.90],
               "the choice term is I + KL(p(y)‖q(y)), and for each code log K - H(r)"),
    "19 target": (True, "a mode needs a component that owns it and nothing else; spare ones cost "
                        "nothing"),
}
