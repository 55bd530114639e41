"""Questions of notebooks/23_particles.ipynb and their answers."""
import numpy as np

from ..exact.f_table import f_divergence
from ..exact.laws import Mixture, Normal, log_ratio
from ..exact.particles import LineFlow
from ..exact.quadrature import expectation


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


def _worth(d: float = 2.0, n: int = 256) -> float:
    """n (E w)² / E w² of the weight √r, by integration, for two unit Normals at distance d."""
    p, q = Normal(0, 1), Normal(d, 1)
    ratio, edges = log_ratio(p, q), np.linspace(-20, 20, 161)
    moment = lambda power: expectation(q, lambda x: np.exp(power * ratio(x)), edges=edges)
    return n * moment(.5)**2 / moment(1)


LOGGED = np.array([.01, .02, .05, .10, .20, .40, .60, .80])          # D on the fakes of exercise 4

QUESTIONS = {
    "23 lsgan": (.5, "the push is (1 - D) ∇D, and ∇D = D (1 - D) ∇ log r"),
    "23 log": ([LOGGED[:4].sum() / LOGGED.sum(), (1 - LOGGED[:4]).sum() / (1 - LOGGED).sum()],
               "the two weights are D and 1 - D; a share is a sum over a sum"),
    "23 slider": (lambda: _first_below(1.0), "the title has the number; arrow keys move by 0.1"),
    "23 worth": (_worth, "n (E w)² / E w², with E √r = exp(-d²/8) and E r = 1"),
    "23 noise": ((2 / .34) / (1 / .34 - 1 / 1.25),
                 "the push is the difference of two scores: of Normals with variances 1 + σ² and "
                 "0.3² + σ²"),
}
