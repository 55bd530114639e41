"""The exponential game, exactly: best critic, its loss, and the generator's gradient on the line.

All for smooth laws p and q; q is shifted by theta. Derived in notebooks/NN_exponential.ipynb.
NumPy and SciPy, no torch.
"""
from __future__ import annotations

import numpy as np

from .f_table import f_divergence
from .laws import log_ratio
from .minimax import generator_gradient


def exponential_critic(p, q):
    """x -> f*(x) = ½ log p(x)/q(x). Any shape -> same shape."""
    c = log_ratio(p, q)
    return lambda x: c(x) / 2


def exponential_value(p, q):
    """The critic's least loss, 2 ∫ √(pq) = 2 - squared Hellinger: 2 for p = q, 0 for laws apart."""
    return 2 - f_divergence("squared Hellinger")(p, q)


def exponential_gradient(p, q):
    """d/dtheta E_q exp(-f*(x + theta)): all fakes move, f* is fixed. -½ E_q √(q/p) d(log p/q)/dx.

    Far away it overflows to ∞, as the loss itself does.
    """
    return generator_gradient(p, q, lambda c: -np.exp(-c / 2) / 2)
