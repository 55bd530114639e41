"""What perfect players do in relativistic games, for laws on the line. NumPy only, no torch.

A real x ~ p and a fake y ~ q are drawn independently and judged by the lead f(x) - f(y); the average games compare
each with the mean score of the others. Derived in notebooks/11_relativistic.ipynb; q is shifted by theta.
"""
from __future__ import annotations

import numpy as np
from scipy.special import expit

from .divergences import _NODES, _WEIGHTS, _edges, expectation, log_ratio, softplus
from .oracle import triangular


def logistic(lead):
    """softplus(-lead), the price of RSGAN and RaSGAN: any shape -> same shape."""
    return softplus(-lead)


def pairwise_value(p, q, f=None, h=logistic):
    """E h(f(x) - f(y)) over independent pairs, by quadrature in both; f: (k,) -> (k,), h: any shape -> same shape.

    Without f the best critic of RSGAN, log p/q: then this is log 2 - JS(p⊗q, q⊗p).
    """
    f, edges = log_ratio(p, q) if f is None else f, _edges(p, q)
    (x, real), (y, fake) = _nodes(p, edges), _nodes(q, edges)
    others = f(y)
    return float(sum(mass * (fake @ h(score - others)) for mass, score in zip(real, f(x))))


def product_js(p, q):
    """JS(p⊗q, q⊗p), how well (real, fake) can be told from (fake, real): 0 to log 2. Unit Normals: JS at √2 · distance."""
    return float(np.clip(np.log(2) - pairwise_value(p, q), 0, np.log(2)))


def rsgan_gradient(p, q):
    """d/dtheta E softplus(-(f(y) - f(x))) when all fakes y move and f = log p/q stays: -E σ(f(x) - f(y)) f'(y).

    This is the slope of KL(q ‖ p) - JS(p⊗q, q⊗p).
    """
    f, edges = log_ratio(p, q), _edges(p, q)
    (x, real), (y, fake) = _nodes(p, edges), _nodes(q, edges)
    scores = f(x)
    caught = np.array([real @ expit(scores - score) for score in f(y)])
    return -float(fake @ (caught * (p.score(y) - q.score(y))))


def average_value(p, q, f, h=logistic):
    """E h(f(x) - E f(y)) + E h(E f(x) - f(y)), with the means over the whole laws; f: (k,) -> (k,)."""
    edges = _edges(p, q)
    real, fake = expectation(p, f, edges), expectation(q, f, edges)
    return expectation(p, lambda x: h(f(x) - fake), edges) + expectation(q, lambda y: h(real - f(y)), edges)


# RaLSGAN costs Var f(x) + Var f(y) + 2 (m - 1)², m = E f(x) - E f(y). Its best critic is that of least squares,
# stretched: a s with s = (p - q) / (p + q) and a = 4 / (2 + 3 χ²), χ² the triangular divergence of lesson 04.

def ralsgan_critic(p, q):
    """x -> 4 / (2 + 3 χ²) · (p - q) / (p + q), the best critic of RaLSGAN up to a constant."""
    f, a = log_ratio(p, q), 4 / (2 + 3 * triangular(p, q))
    return lambda x: a * (2 * expit(f(x)) - 1)


def ralsgan_value(p, q):
    """2 (2 - χ²) / (2 + 3 χ²), what RaLSGAN's best critic pays: 2 for equal laws, 0 for laws that do not meet."""
    chi2 = triangular(p, q)
    return 2 * (2 - chi2) / (2 + 3 * chi2)


def ralsgan_gradient(p, q):
    """d/dtheta of the generator's loss, roles swapped, at the best critic: 2 E (f(y) + E f(y) - 2 E f(x) - 2) f'(y)."""
    f, edges, a = ralsgan_critic(p, q), _edges(p, q), 4 / (2 + 3 * triangular(p, q))
    real, fake = expectation(p, f, edges), expectation(q, f, edges)
    slope = lambda y: (a - f(y) ** 2 / a) / 2 * (p.score(y) - q.score(y))      # s' = ½ (1 - s²) (log p/q)'
    return 2 * expectation(q, lambda y: (f(y) + fake - 2 * real - 2) * slope(y), edges)


def _nodes(law, edges):
    """Gauss-Legendre points on the panels and their masses: (k,), (k,), without those of no mass."""
    half, centre = np.diff(edges)[:, None] / 2, (edges[1:] + edges[:-1])[:, None] / 2
    x = (centre + half * _NODES).ravel()
    mass = law.pdf(x) * (half * _WEIGHTS).ravel()
    kept = mass > 1e-20
    return x[kept], mass[kept]
