"""Games with labels, exactly: divergences within the classes, and the equilibrium of ACGAN.

A law of pairs (x, y) is a Mixture of laws on the line: p(y) its weights, p(x | y) its laws. Every
number is exact, by quadrature. Derived in notebooks/12_conditional.ipynb. ACGAN: Odena, Olah,
Shlens 2017, arXiv 1610.09585. NumPy and SciPy, no torch.
"""
from __future__ import annotations

from numbers import Real

import numpy as np
from scipy.optimize import root
from scipy.special import expit

from .checks import check_function, fits, told
from .divergences import js, refuse_jumps
from .laws import Mixture, Normal
from .quadrature import expectation


def within(p, q, divergence=js):
    """Σ_y p(y) divergence(p(· | y), q(· | y)): for js, the JS of the pairs (x, y).

    ValueError unless p(y) = q(y).
    """
    _same_labels(p, q)
    check_function("divergence", divergence, "(p, q) -> a number", many=2)
    apart = [divergence(real, fake) for real, fake in zip(p.laws, q.laws)]
    if not all(isinstance(one, Real) for one in apart):
        raise ValueError(f"{told(divergence)} gives {told(apart[0])}: a divergence is one number")
    return sum(share * one for share, one in zip(p.weights, apart))


def log_posterior(p, y: int):
    """x -> log p(y | x) = log p(x, y) - log p(x), any shape -> same shape.

    ValueError for what is no Mixture, and for a label that it does not have.
    """
    _check_mixture(p=p)
    if not fits(y, least=0, most=len(p.laws) - 1, whole=True):
        raise ValueError(f"y = {y!r}: the labels of {p!r} are 0 to {len(p.laws) - 1}")
    return lambda x: _log(p.weights[y]) + p.laws[y].logpdf(x) - p.logpdf(x)


def label_entropy(p):
    """H(y | x) = E -log p(y | x), in nats: how uncertain y is where x is known. 0 to log K.

    ValueError for what is no Mixture.
    """
    _check_mixture(p=p)
    return _cross_entropy(p, p)


def mixed(p, q):
    """The pairs of both, half each: what ACGAN's classifier learns from.

    Its best answer is their p(y | x). ValueError unless p(y) = q(y).
    """
    _same_labels(p, q)
    return Mixture([Mixture([real, fake]) for real, fake in zip(p.laws, q.laws)], p.weights)


def class_loss(p, q):
    """E_q -log C*(y | x), the class loss of fakes for the best classifier of acgan(), in nats.

    ValueError unless p(y) = q(y).
    """
    return _cross_entropy(q, mixed(p, q))


def acgan_gradient(p, q, weight: float = 1.0):
    """(means (K,), sds (K,)): the gradient of g's loss in acgan(weight), for q(x | y) Normal.

    A fake x of label y is pushed by -σ(-c*) c*'(x) - weight · (log C*(y | x))', c* = log p(x)/q(x);
    it moves by 1 with its mean and by (x - mean)/sd with its sd. f and C are the best ones and stay
    as they are while g moves. ValueError for other labels or laws, and for a weight below 0.
    """
    _check_weight(weight)
    _same_labels(p, q)
    if not all(isinstance(law, Normal) for law in q.laws):
        raise ValueError(f"the laws of q = {q!r} are Normals: a mean and a sd each is what moves")
    refuse_jumps(p=p)
    both, means, sds = mixed(p, q), [], []
    edges = both.edges()[::4]                  # smooth laws: 24 nodes a panel are still exact
    for y, (share, law) in enumerate(zip(q.weights, q.laws)):
        def slope(x):
            source = -expit(q.logpdf(x) - p.logpdf(x)) * (p.score(x) - q.score(x))
            return source - weight * (both.laws[y].score(x) - both.score(x))
        means.append(share * expectation(law, slope, edges))
        sds.append(share * expectation(law, lambda x: (x - law.mean) / law.sd * slope(x), edges))
    return np.array(means), np.array(sds)


def acgan_rest(p, weight: float = 1.0, start=None):
    """Where acgan_gradient vanishes: q with q(x | y) Normal, one mean and one sd a class.

    Found from `start` (or p). At weight 0 that is p itself. ValueError for weight < 0,
    ArithmeticError where no such place is found.
    """
    _check_weight(weight)
    _check_mixture(p=p)
    start = p if start is None else start
    _same_labels(p, start)
    K = len(p.laws)

    # unknown are K means and K logarithms of sds: every real number is then allowed
    def made(at):
        return Mixture([Normal(mean, np.exp(log_sd)) for mean, log_sd in zip(at[:K], at[K:])],
                       p.weights)

    before = [*(law.mean for law in start.laws), *(np.log(law.sd) for law in start.laws)]
    force = lambda at: np.concatenate(acgan_gradient(p, made(at), weight))
    try:
        found = root(force, before, tol=1e-10)
        failed = "" if found.success else found.message
    except ValueError as error:                # the search has left the laws that floats can hold
        failed = f"{error}."
    if failed:
        raise ArithmeticError(f"no resting place found at weight {weight}: {failed} Start from a "
                              "smaller weight's")
    return made(found.x)


def _cross_entropy(q, p):
    """E_q -log p(y | x), in nats, by quadrature on the panels of p; a label of no mass adds 0."""
    return sum(share * expectation(law, lambda x: -log_posterior(p, y)(x), p.edges())
               for y, (share, law) in enumerate(zip(q.weights, q.laws)) if share > 0)


def _log(share):
    with np.errstate(divide="ignore"):                         # -∞ for a label of no mass
        return np.log(share)


def _check_weight(weight):
    if not fits(weight, least=0):
        raise ValueError(f"weight = {weight}: the class loss is weighed with a finite number of 0 "
                         "or more")


def _check_mixture(**laws):
    for name, law in laws.items():
        if not isinstance(law, Mixture):
            raise ValueError(f"{name} = {law!r}: a law of pairs (x, y) is a Mixture, its weights "
                             "are p(y) and its laws p(x | y)")


def _same_labels(p, q):
    _check_mixture(p=p, q=q)
    if len(p.laws) != len(q.laws) or not np.allclose(p.weights, q.weights):
        raise ValueError(f"labels must have one law: p(y) is {np.round(p.weights, 4).tolist()}, "
                         f"q(y) is {np.round(q.weights, 4).tolist()}; in a conditional game g is "
                         "asked for the data's labels")
