"""Questions of notebooks/23_particles.ipynb and their answers."""
import numpy as np

from ..exact.divergences import js
from ..exact.f_table import f_divergence
from ..exact.laws import Mixture, Normal
from ..exact.particles import LineFlow


def _first_below(most: float) -> float:
    """The first position of the slider at which the flow of KL(q ‖ p) from "beside" is below."""
    p = Mixture([Normal(-1.6, .6), Normal(1.8, .8)], weights=[.4, .6])
    flow, times = LineFlow("reverse KL", p, Normal(5, .7), 40), np.round(np.arange(0, 4.01, .1), 1)
    return next(t for t, x in zip(times, flow(times)) if flow.energy(x) < most)


def le_cam(c):
    """w = r² φ''(r) of Le Cam's divergence at log r = c, found by machine: (n,) -> (n,)."""
    import torch
    r = c.exp().requires_grad_()
    slope, = torch.autograd.grad(f_divergence("Le Cam").phi(r).sum(), r, create_graph=True)
    bend, = torch.autograd.grad(slope.sum(), r, create_graph=True)
    return r**2 * bend


def round_of_matching(m, m_q, g, x, z, eps, sigma: float = .5):
    """One round of distribution matching with given noise, gradient descent with rate 0.1.

    eps (3, n, d), for m, m_q and g. The mean of the fakes afterwards; copies of the networks move.
    """
    from copy import deepcopy

    import torch
    m, m_q, g = deepcopy((m, m_q, g))

    def descend(net, loss):
        slopes = torch.autograd.grad(loss, list(net.parameters()))
        with torch.no_grad():
            for weight, slope in zip(net.parameters(), slopes):
                weight -= .1 * slope

    descend(m, (m(x + sigma * eps[0]) - x).square().mean())
    fakes = g(z).detach()
    descend(m_q, (m_q(fakes + sigma * eps[1]) - fakes).square().mean())
    y = fakes + sigma * eps[2]
    descend(g, -(g(z) * (m(y) - m_q(y)).detach()).sum(1).mean())
    return g(z).mean().item()


QUESTIONS = {
    "23 swapped": (lambda: .5 - 2 * js(Normal(0, 1), Normal(1, 1)),
                   "which two divergences of this page have weights whose difference is 1 - D?"),
    "23 log": ((1 - .02) / .02, "the two weights are D and 1 - D"),
    "23 slider": (lambda: _first_below(1.0), "the title has the number; arrow keys move by 0.1"),
    "23 share": (lambda: np.exp(-1.5 ** 2), "E r is 1, and E r² is the exponential of d²"),
    "23 noise": (lambda: [-2 / (1 + .5**2), 2 / (.3**2 + .5**2)],
                 "the noised distributions are Normal, with variances 1 + σ² and 0.3² + σ²"),
}
