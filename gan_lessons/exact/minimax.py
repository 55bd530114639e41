"""The original game, exactly: best discriminators, values and generator gradients on the line.

All is quadrature between two laws p and q; q is shifted by theta. Derived in
notebooks/01_minimax.ipynb and notebooks/02_vanishing_gradients.ipynb. NumPy and SciPy, no torch.
"""
from __future__ import annotations

import numpy as np
from scipy.special import expit

from .checks import check_function
from .divergences import js, softplus
from .laws import log_ratio
from .quadrature import check_whole, expectation, on_the_line, panels


def optimal_logit(p, q):
    """x -> c*(x) = log p(x)/q(x), so that D* = σ(c*) = p / (p + q). Any shape -> same shape."""
    return log_ratio(p, q)


def optimal_discriminator(p, q):
    """x -> D*(x) = p(x) / (p(x) + q(x)), without dividing 0 by 0 far away. Any shape -> same shape.

    Goodfellow et al. 2014, arXiv 1406.2661, proposition 1.
    """
    c = log_ratio(p, q)
    return lambda x: expit(c(x))


def gan_value(p, q, c=None):
    """V(D) = E_p log σ(c) + E_q log(1 - σ(c)), in nats, for the discriminator D = σ(c).

    c: (k,) -> (k,), the best logit if none is given. There V is 2 JS(p, q) - 2 log 2 (Goodfellow
    et al. 2014, arXiv 1406.2661, theorem 1).
    """
    on_the_line(p=p, q=q)
    if c is None:
        return 2 * js(p, q) - 2 * np.log(2)
    check_function("c", c)
    edges = panels(p, q)
    return (-expectation(p, lambda x: softplus(-c(x)), edges)
            - expectation(q, lambda x: softplus(c(x)), edges))


# The derivative of what the generator minimises with respect to the logit c of its fakes.
GENERATOR_LOSSES = {
    "saturating": lambda c: -expit(c),                         # of -softplus(c)
    "non-saturating": lambda c: -expit(-c),                    # of softplus(-c)
}


def generator_gradient(p, q, loss="saturating"):
    """d/dtheta of the generator's loss when all its fakes move by theta: E_q h'(c*) c*'.

    The best critic stays as it is while the fakes move.
    loss: a key of GENERATOR_LOSSES, or the function h' itself, (k,) -> (k,). For "saturating" this
    is 2 dJS/dtheta, for "non-saturating" the slope of KL(q ‖ p) - 2 JS (Arjovsky & Bottou 2017,
    arXiv 1701.04862). KeyError, listing the names, for an unknown one; TypeError for no function.
    """
    if isinstance(loss, str):
        if loss not in GENERATOR_LOSSES:
            raise KeyError(f"no generator loss {loss!r}; there are {', '.join(GENERATOR_LOSSES)}")
        loss = GENERATOR_LOSSES[loss]
    check_function("loss", loss, "h'(c), (k,) -> (k,), or its name")
    c = log_ratio(p, q)
    check_whole(p)
    return expectation(q, lambda x: loss(c(x)) * (p.score(x) - q.score(x)), panels(p, q))
