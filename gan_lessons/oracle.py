"""What perfect players do: optimal critics, values and generator gradients for laws on the line.

Here q is shifted by theta and every number is exact (quadrature, see divergences). NumPy only.
Derived in notebooks/01_minimax.ipynb, 02_vanishing_gradients.ipynb and 04_least_squares.ipynb.
"""
from __future__ import annotations

import numpy as np
from scipy.special import expit

from .divergences import _edges, expectation, js, log_ratio, softplus
from .f_table import f_divergence


def optimal_logit(p, q):
    """x -> c*(x) = log p(x)/q(x), so that D* = σ(c*) = p / (p + q). Any shape -> same shape."""
    return log_ratio(p, q)


def optimal_discriminator(p, q):
    """x -> D*(x) = p(x) / (p(x) + q(x)), without dividing 0 by 0 far away."""
    c = log_ratio(p, q)
    return lambda x: expit(c(x))


def gan_value(p, q, c=None):
    """V(D) = E_p log σ(c) + E_q log(1 - σ(c)) for a logit c(x); the optimal one if none is given.

    At the optimum this is 2 JS(p, q) - 2 log 2 (Goodfellow et al. 2014, arXiv 1406.2661).
    """
    if c is None:
        return 2 * js(p, q) - 2 * np.log(2)
    edges = _edges(p, q)
    return -expectation(p, lambda x: softplus(-c(x)), edges) - expectation(q, lambda x: softplus(c(x)), edges)


# The derivative of what the generator minimises with respect to the logit c of its fakes.
GENERATOR_LOSSES = {
    "saturating": lambda c: -expit(c),                 # -softplus(c)
    "non-saturating": lambda c: -expit(-c),            # softplus(-c)
}


def generator_gradient(p, q, loss="saturating"):
    """d/dtheta of the generator's loss when all its fakes move by theta and the best critic stays: E_q h'(c*) c*'.

    loss: a key of GENERATOR_LOSSES, or the function h' itself. For "saturating" this is 2 dJS/dtheta,
    for "non-saturating" the slope of KL(q ‖ p) - 2 JS (Arjovsky & Bottou 2017, arXiv 1701.04862).
    """
    if isinstance(loss, str):
        if loss not in GENERATOR_LOSSES:
            raise KeyError(f"no generator loss {loss!r}; there are {', '.join(GENERATOR_LOSSES)}")
        loss = GENERATOR_LOSSES[loss]
    c = log_ratio(p, q)
    return expectation(q, lambda x: loss(c(x)) * (p.score(x) - q.score(x)), _edges(p, q))


# Least squares (notebooks/04_least_squares.ipynb). With s = (p - q) / (p + q) = 2 σ(log p/q) - 1 the
# best critic is (a + b) / 2 + s (b - a) / 2; a = fake, b = real, c = target as in objectives/least_squares.

def least_squares_critic(p, q, fake=0.0, real=1.0):
    """x -> f*(x) = (b p(x) + a q(x)) / (p(x) + q(x)): a on fakes, b on real, never outside [a, b]."""
    c = log_ratio(p, q)
    return lambda x: fake + (real - fake) * expit(c(x))


def triangular(p, q):
    """χ² = ∫ (p - q)² / (p + q), between 0 and 2: Le Cam's or triangular divergence, without a factor.

    This is the Pearson χ² of the two masses p + q and 2 q of Mao et al. 2017, arXiv 1611.04076;
    the Le Cam row of the table of lesson 03.
    """
    return f_divergence("Le Cam")(p, q)


def triangular_slope(p, q):
    """d χ² / d theta when q is shifted by theta."""
    return f_divergence("Le Cam").slope(p, q)


def least_squares_value(p, q, fake=0.0, real=1.0, target=1.0):
    """C = ½ E_p (f* - c)² + ½ E_q (f* - c)², what the paper's generator minimises at the best critic."""
    edges, f = _edges(p, q), least_squares_critic(p, q, fake, real)
    square = lambda x: (f(x) - target) ** 2
    return (expectation(p, square, edges) + expectation(q, square, edges)) / 2


def least_squares_gradient(p, q, fake=0.0, real=1.0, target=1.0):
    """d/dtheta ½ E_q (f*(x + theta) - c)²: all fakes move and the best critic stays, E_q (f* - c) f*'."""
    gap = real - fake
    return generator_gradient(p, q, lambda c: (fake - target + gap * expit(c)) * gap * expit(c) * expit(-c))
