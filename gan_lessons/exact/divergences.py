"""Exact divergences between laws on the line, by quadrature in log space. Every value is in nats.

`*_slope` is the derivative when q alone is shifted by theta, at theta = 0. Derived in
notebooks/01_minimax.ipynb, the slopes in notebooks/02_vanishing_gradients.ipynb. NumPy and SciPy,
no torch.
"""
from __future__ import annotations

import numpy as np
from scipy.special import expit

from .checks import as_numbers
from .laws import log_ratio
from .quadrature import expectation, on_the_line, panels


def softplus(c):
    """log(1 + exp(c)) without overflow: any shape -> same shape. ValueError for no numbers."""
    return np.logaddexp(0, as_numbers(c, "c", finite=False))


def kl(p, q):
    """KL(p ‖ q) = E_p log p/q, the Kullback-Leibler divergence (散度).

    ∞ where q lacks p's support. Where p is below 1e-308 it counts as 0: 38 sds from the mean of a
    Normal and beyond.
    """
    return expectation(p, log_ratio(p, q), panels(p, q))


def reverse_kl(p, q):
    """KL(q ‖ p) = E_q log q/p. ∞ where p lacks q's support."""
    on_the_line(p=p, q=q)                                      # by their own names
    return kl(q, p)


def js(p, q):
    """JS(p, q) = ½ KL(p ‖ m) + ½ KL(q ‖ m), m = (p + q) / 2: between 0 and log 2.

    The row "JS" of the table of lesson 03, f_divergence("JS"), is twice this.
    Written with c = log p/q as log 2 - ½ E_p softplus(-c) - ½ E_q softplus(c), so that nothing
    under- or overflows, however far apart the laws are. Goodfellow et al. 2014, arXiv 1406.2661.
    """
    edges, c = panels(p, q), log_ratio(p, q)
    real = expectation(p, lambda x: softplus(-c(x)), edges)
    fake = expectation(q, lambda x: softplus(c(x)), edges)
    return float(np.clip(np.log(2) - real / 2 - fake / 2, 0, np.log(2)))


def refuse_jumps(**laws):
    """ValueError, by its name, for a law whose density has edges: `refuse_jumps(p=p, q=q)`.

    A slope is an expectation of scores, and the score misses the mass that an edge carries along.
    """
    for name, law in laws.items():
        if getattr(law, "jumps", False):
            raise ValueError(f"the density of {name} = {law!r} jumps, and no score sees an edge "
                             "move: take a difference quotient of the divergence")


def kl_slope(p, q):
    """d KL(p ‖ q) / d theta = E_p score_q(x), because log q(x - theta) falls by theta · score_q.

    ValueError where the density of q jumps.
    """
    refuse_jumps(q=q)
    on_the_line(p=p, q=q)
    return expectation(p, q.score, panels(p, q))


def reverse_kl_slope(p, q):
    """d KL(q ‖ p) / d theta = -E_q c'(x), c = log p/q: move every point of q, the ratio stays.

    ValueError where the density of p jumps.
    """
    refuse_jumps(p=p)
    return expectation(q, lambda x: q.score(x) - p.score(x), panels(p, q))


def js_slope(p, q):
    """d JS / d theta = -½ E_q[σ(c) c'], c = log p/q. Right to the last digits of 1e-200 too.

    ValueError where a density jumps.
    """
    refuse_jumps(p=p, q=q)
    c = log_ratio(p, q)
    pull = lambda x: expit(c(x)) * (q.score(x) - p.score(x)) / 2
    return expectation(q, pull, panels(p, q))
