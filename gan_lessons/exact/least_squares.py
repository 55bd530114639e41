"""The least-squares game, exactly: best critic, value and generator gradient for laws on the line.

With s = (p - q) / (p + q) = 2 σ(log p/q) - 1 the best critic is (a + b) / 2 + s (b - a) / 2;
a = fake, b = real, c = target as in objectives/least_squares. q is shifted by theta.
Derived in notebooks/04_least_squares.ipynb. Mao et al. 2017, arXiv 1611.04076. SciPy, no torch.
"""
from __future__ import annotations

from scipy.special import expit

from .checks import fits
from .f_table import f_divergence
from .laws import log_ratio
from .minimax import generator_gradient
from .quadrature import expectation, panels


def least_squares_critic(p, q, fake=0.0, real=1.0):
    """x -> f*(x) = (b p(x) + a q(x)) / (p(x) + q(x)), within [a, b]. Any shape -> same shape.

    ValueError for labels that are not finite, here and in what is made of it.
    """
    _check_labels(fake=fake, real=real)
    c = log_ratio(p, q)
    return lambda x: fake + (real - fake) * expit(c(x))


def triangular(p, q):
    """χ² = ∫ (p - q)² / (p + q), between 0 and 2: Le Cam's or the triangular divergence.

    Without a factor before it this is the Pearson χ² of the two masses p + q and 2 q of Mao et al.
    2017, arXiv 1611.04076; the Le Cam row of the table of lesson 03.
    """
    return f_divergence("Le Cam")(p, q)


def triangular_slope(p, q):
    """d χ² / d theta when q is shifted by theta. ValueError where a density jumps."""
    return f_divergence("Le Cam").slope(p, q)


def least_squares_value(p, q, fake=0.0, real=1.0, target=1.0):
    """C = ½ E_p (f* - c)² + ½ E_q (f* - c)²: the generator's objective against the best critic."""
    _check_labels(target=target)
    edges, f = panels(p, q), least_squares_critic(p, q, fake, real)
    square = lambda x: (f(x) - target) ** 2
    return (expectation(p, square, edges) + expectation(q, square, edges)) / 2


def least_squares_gradient(p, q, fake=0.0, real=1.0, target=1.0):
    """d/dtheta ½ E_q (f*(x + theta) - c)²: all fakes move, f* is fixed. E_q (f* - c) f*'."""
    _check_labels(fake=fake, real=real, target=target)
    gap = real - fake
    # by the chain rule f*' = (b - a) σ(c*) σ(-c*) c*', and generator_gradient multiplies by c*'
    push = lambda c: (fake - target + gap * expit(c)) * gap * expit(c) * expit(-c)
    return generator_gradient(p, q, push)


def _check_labels(**labels):
    for name, label in labels.items():
        if not fits(label):
            raise ValueError(f"{name} = {label!r}: a label is a finite number")
