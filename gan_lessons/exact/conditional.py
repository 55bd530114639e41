"""Perfect players where coins bear labels: what is at stake within the classes, and where ACGAN's forger comes to rest.

A law of pairs (x, y) is a Mixture of laws on the line: p(y) its weights, p(x | y) its laws. Every number is exact
(quadrature, see divergences). Derived in notebooks/12_conditional.ipynb. NumPy and SciPy only, no torch.
"""
from __future__ import annotations

import numpy as np
from scipy.optimize import root
from scipy.special import expit

from .divergences import js
from .laws import Mixture, Normal
from .quadrature import expectation


def within(p, q, divergence=js):
    """Σ_y p(y) divergence(p(· | y), q(· | y)): for js, the JS of the pairs (x, y). ValueError unless p(y) = q(y)."""
    _same_labels(p, q)
    return sum(share * divergence(real, fake) for share, real, fake in zip(p.weights, p.laws, q.laws))


def log_posterior(p, y: int):
    """x -> log p(y | x) = log p(x, y) - log p(x), any shape -> same shape."""
    return lambda x: np.log(p.weights[y]) + p.laws[y].logpdf(x) - p.logpdf(x)


def label_entropy(p):
    """H(y | x) = E -log p(y | x), in nats: how unsure of the label the best reader of x is. 0 to log K."""
    return sum(share * expectation(law, lambda x: -log_posterior(p, y)(x), p.edges())
               for y, (share, law) in enumerate(zip(p.weights, p.laws)))


def mixed(p, q):
    """The pairs of both, half each: what ACGAN's classifier learns from. Its best answer is their p(y | x)."""
    _same_labels(p, q)
    return Mixture([Mixture([real, fake]) for real, fake in zip(p.laws, q.laws)], p.weights)


def class_loss(p, q):
    """E_q -log C*(y | x), the class loss of fakes when the classifier of acgan() is perfect."""
    both = mixed(p, q)
    return sum(share * expectation(law, lambda x: -log_posterior(both, y)(x), both.edges())
               for y, (share, law) in enumerate(zip(q.weights, q.laws)))


def acgan_gradient(p, q, weight: float = 1.0):
    """(means (K,), sds (K,)): the gradient of g's loss in acgan(weight), for q(x | y) Normal and f perfect and frozen.

    A fake x of label y is pushed by -σ(-c*) c*'(x) - weight · (log C*(y | x))', c* = log p(x)/q(x); it moves by 1
    with its mean and by (x - mean)/sd with its sd.
    """
    both, means, sds = mixed(p, q), [], []
    edges = both.edges()[::4]                                     # smooth laws: 24 nodes a panel are still exact
    for y, (share, law) in enumerate(zip(q.weights, q.laws)):
        def slope(x):
            source = -expit(q.logpdf(x) - p.logpdf(x)) * (p.score(x) - q.score(x))
            return source - weight * (both.laws[y].score(x) - both.score(x))
        means.append(share * expectation(law, slope, edges))
        sds.append(share * expectation(law, lambda x: (x - law.mean) / law.sd * slope(x), edges))
    return np.array(means), np.array(sds)


def acgan_rest(p, weight: float = 1.0, start=None):
    """Where acgan_gradient vanishes: q with q(x | y) Normal, one mean and one sd a class, found from `start` (or p).

    At weight 0 that is p itself. ValueError for weight < 0, ArithmeticError where no such place is found.
    """
    if not 0 <= weight < np.inf:
        raise ValueError(f"weight = {weight}: the class loss is weighed with a finite number of 0 or more")
    start = p if start is None else start
    K = len(p.laws)
    made = lambda at: Mixture([Normal(mean, np.exp(log_sd)) for mean, log_sd in zip(at[:K], at[K:])], p.weights)
    found = root(lambda at: np.concatenate(acgan_gradient(p, made(at), weight)),
                 [*(law.mean for law in start.laws), *(np.log(law.sd) for law in start.laws)], tol=1e-10)
    if not found.success:
        raise ArithmeticError(f"no resting place found at weight {weight}: {found.message} Start from a smaller weight's")
    return made(found.x)


def _same_labels(p, q):
    if len(p.laws) != len(q.laws) or not np.allclose(p.weights, q.weights):
        raise ValueError(f"labels must have one law: p(y) is {np.round(p.weights, 4).tolist()}, "
                         f"q(y) is {np.round(q.weights, 4).tolist()}; in a conditional game g is asked for the data's labels")
