"""Relativistic games, exactly, for laws on the line: values, best critics, generator gradients.

A real x ~ p and a fake x' ~ q are drawn independently and judged by the difference f(x) - f(x');
the average games compare each with the mean score of the others. q is shifted by theta.
Derived in notebooks/11_relativistic.ipynb. Jolicoeur-Martineau 2018, arXiv 1807.00734. NumPy and
SciPy, no torch.
"""
from __future__ import annotations

import numpy as np
from scipy.special import expit

from .checks import as_numbers, check_function
from .divergences import softplus
from .laws import log_ratio
from .least_squares import triangular
from .quadrature import check_whole, expectation, masses, panels

NOTHING = 1e-20                # lighter nodes are left out of double integrals


def logistic(lead):
    """softplus(-lead), the loss of a pair in RSGAN and RaSGAN: any shape -> same shape.

    lead: by how much the real score is above the fake one.
    """
    return softplus(-lead)


def pairwise_value(p, q, f=None, h=logistic):
    """E h(f(x) - f(x')) over independent pairs, by quadrature in both.

    f: (k,) -> (k,), h: any shape -> same shape. Without f the best critic of RSGAN, log p/q: then
    this is log 2 - JS(p⊗q, q⊗p).
    """
    f, edges = log_ratio(p, q) if f is None else f, panels(p, q)
    check_function("f", f)
    check_function("h", h, "any shape -> same shape")
    check_whole(p, q)
    (x, real), (x_fake, fake) = masses(p, edges, NOTHING), masses(q, edges, NOTHING)
    others, scores = (as_numbers(f(at), "f of the places", finite=False) for at in (x_fake, x))
    if others.shape != x_fake.shape or scores.shape != x.shape:
        raise ValueError(f"f gives shape {scores.shape} for {len(x)} places: one score each")
    # a row of the double integral at a time: (k, m) scores at once would take 100 MB
    return float(sum(mass * (fake @ _costs(h, score - others))
                     for mass, score in zip(real, scores)))


def _costs(h, leads):
    """h of differences of scores; ValueError where it does not give a number for each."""
    found = as_numbers(h(leads), "h of differences", finite=False)
    if found.shape != leads.shape:
        raise ValueError(f"h gives shape {found.shape} for {len(leads)} differences: one cost each")
    return found


def product_js(p, q):
    """JS(p⊗q, q⊗p), how well (real, fake) can be told from (fake, real): 0 to log 2, in nats.

    For Normals of sd 1 it is the JS of two of them √2 times as far apart.
    """
    return float(np.clip(np.log(2) - pairwise_value(p, q), 0, np.log(2)))


def rsgan_gradient(p, q):
    """d/dtheta E softplus(-(f(x') - f(x))) when all fakes move: -E σ(f(x) - f(x')) f'(x').

    The best critic f = log p/q stays as it is. This is the slope of KL(q ‖ p) - JS(p⊗q, q⊗p).
    """
    f, edges = log_ratio(p, q), panels(p, q)
    check_whole(p, q)
    (x, real), (x_fake, fake) = masses(p, edges, NOTHING), masses(q, edges, NOTHING)
    scores = f(x)
    recognised = np.array([real @ expit(scores - score) for score in f(x_fake)])  # E_p σ(f(x) - ·)
    return -float(fake @ (recognised * (p.score(x_fake) - q.score(x_fake))))


def average_value(p, q, f, h=logistic):
    """E h(f(x) - E f(x')) + E h(E f(x) - f(x')), with the means over the whole laws.

    f: (k,) -> (k,), h: any shape -> same shape.
    """
    check_function("f", f)
    check_function("h", h, "any shape -> same shape")
    edges = panels(p, q)
    real, fake = expectation(p, f, edges), expectation(q, f, edges)
    return (expectation(p, lambda x: h(f(x) - fake), edges)
            + expectation(q, lambda x: h(real - f(x)), edges))


# RaLSGAN's loss is Var f(x) + Var f(x') + 2 (m - 1)², m = E f(x) - E f(x'). Its best critic is that
# of least squares, stretched: a s with s = (p - q) / (p + q) and a = 4 / (2 + 3 χ²), χ² the
# triangular divergence of lesson 04.

def ralsgan_critic(p, q):
    """x -> 4 / (2 + 3 χ²) · (p - q) / (p + q), the best critic of RaLSGAN up to a constant.

    Any shape -> same shape.
    """
    f, a = log_ratio(p, q), 4 / (2 + 3 * triangular(p, q))
    return lambda x: a * (2 * expit(f(x)) - 1)


def ralsgan_value(p, q):
    """2 (2 - χ²) / (2 + 3 χ²), RaLSGAN's loss at the best critic.

    2 for equal laws, 0 for laws that do not meet.
    """
    chi2 = triangular(p, q)
    return 2 * (2 - chi2) / (2 + 3 * chi2)


def ralsgan_gradient(p, q):
    """d/dtheta of the generator's loss, roles swapped: 2 E_q (f + E_q f - 2 E_p f - 2) f'.

    f is the best critic and stays as it is while the fakes move.
    """
    f, edges, a = ralsgan_critic(p, q), panels(p, q), 4 / (2 + 3 * triangular(p, q))
    real, fake = expectation(p, f, edges), expectation(q, f, edges)
    # f' = a s' with s = f / a and s' = ½ (1 - s²) (log p/q)'
    slope = lambda x: (a - f(x) ** 2 / a) / 2 * (p.score(x) - q.score(x))
    return 2 * expectation(q, lambda x: (f(x) + fake - 2 * real - 2) * slope(x), edges)
