"""Exact divergences between laws on the line, by quadrature in log space. SciPy only, no torch.

Derived in notebooks/01_minimax.ipynb; the slopes in notebooks/02_vanishing_gradients.ipynb.
Every value is in nats. `*_slope` is the derivative when q alone is shifted by theta, at theta = 0;
ValueError where it needs the score of a density that jumps (Uniform).
"""
from __future__ import annotations

import numpy as np
from scipy.special import expit

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


def softplus(c):
    """log(1 + exp(c)) without overflow, any shape."""
    return np.logaddexp(0, c)


def log_ratio(p, q):
    """x -> log p(x) - log q(x): the logit of the best discriminator (lesson 01)."""
    def ratio(x):
        with np.errstate(invalid="ignore"):
            c = p.logpdf(x) - q.logpdf(x)
        return np.where(np.isnan(c), 0.0, c)                      # neither law reaches x
    return ratio


def _edges(p, q):
    """Panel borders: where either density bends, and closely around each point where p = q."""
    edges = np.unique(np.concatenate([p.edges(), q.edges()]))
    edges = np.unique(np.concatenate([edges, (edges[1:] + edges[:-1]) / 2]))
    ratio = log_ratio(p, q)
    low, high = edges[:-1], edges[1:]
    sign = np.sign(ratio(edges))
    swaps = (sign[:-1] * sign[1:] < 0) | (sign[:-1] == 0)         # p = q inside a panel, or on its border
    low, high, left = low[swaps], high[swaps], sign[:-1][swaps]
    for _ in range(48):                                           # bisection, all swaps at once
        middle = (low + high) / 2
        same = np.sign(ratio(middle)) == left
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    with np.errstate(divide="ignore", invalid="ignore"):
        width = 1 / np.abs(p.score(low) - q.score(low))
    near = [low[:, None] + np.nan_to_num(width, posinf=0)[:, None] * np.arange(-40, 41, 2)]
    inside = np.concatenate([edges, *near], axis=None)
    return np.unique(inside[(inside >= edges[0]) & (inside <= edges[-1])])


def expectation(law, h, edges=None):
    """E h(x) for x ~ law on the line, by 24-point Gauss-Legendre on every panel. h: (k,) -> (k,).

    A point where the law has no mass counts nothing, whatever h is there.
    """
    edges = law.edges() if edges is None else edges
    half, centre = np.diff(edges)[:, None] / 2, (edges[1:] + edges[:-1])[:, None] / 2
    x = (centre + half * _NODES).ravel()
    mass = law.pdf(x) * (half * _WEIGHTS).ravel()
    x, mass = x[mass > 0], mass[mass > 0]
    return float(mass @ h(x))


def kl(p, q):
    """KL(p ‖ q) = E_p log p/q, the Kullback-Leibler divergence (散度). ∞ where q lacks p's support."""
    return expectation(p, log_ratio(p, q), _edges(p, q))


def reverse_kl(p, q):
    """KL(q ‖ p)."""
    return kl(q, p)


def js(p, q):
    """JS(p, q) = ½ KL(p ‖ m) + ½ KL(q ‖ m), m = (p + q) / 2: between 0 and log 2.

    Written with c = log p/q as log 2 - ½ E_p softplus(-c) - ½ E_q softplus(c), so that nothing
    under- or overflows, however far apart the laws are. Goodfellow et al. 2014, arXiv 1406.2661.
    """
    edges, c = _edges(p, q), log_ratio(p, q)
    real = expectation(p, lambda x: softplus(-c(x)), edges)
    fake = expectation(q, lambda x: softplus(c(x)), edges)
    return float(np.clip(np.log(2) - real / 2 - fake / 2, 0, np.log(2)))


def _refuse_jumps(**laws):
    for name, law in laws.items():
        if getattr(law, "jumps", False):
            raise ValueError(f"the density of {name} = {law!r} jumps, and no score sees an edge move: "
                             "take a difference quotient of the divergence")


def kl_slope(p, q):
    """d KL(p ‖ q) / d theta = E_p score_q(x), because log q(x - theta) falls by theta · score_q."""
    _refuse_jumps(q=q)
    return expectation(p, q.score, _edges(p, q))


def reverse_kl_slope(p, q):
    """d KL(q ‖ p) / d theta = -E_q c'(x), c = log p/q: move every point of q, the ratio stays."""
    _refuse_jumps(p=p)
    return expectation(q, lambda x: q.score(x) - p.score(x), _edges(p, q))


def js_slope(p, q):
    """d JS / d theta = -½ E_q[σ(c) c'], c = log p/q. Right to the last digits of 1e-200 too."""
    _refuse_jumps(p=p, q=q)
    c = log_ratio(p, q)
    pull = lambda x: expit(c(x)) * (q.score(x) - p.score(x)) / 2
    return expectation(q, pull, _edges(p, q))
