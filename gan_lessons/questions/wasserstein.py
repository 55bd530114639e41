"""Questions of notebooks/06_wasserstein.ipynb and their answers."""
import numpy as np


def _three(distance: float) -> list[float]:
    """TV, W₁ and MMD, with a Gaussian kernel of width 1, of two point masses."""
    gap = np.array([1., -1.])
    k = np.exp(-np.array([[0., distance], [distance, 0.]]) ** 2 / 2)
    return [np.abs(gap).sum() / 2, distance, np.sqrt(gap @ k @ gap)]


def _linear(real, fake, c: float = .01) -> list[float]:
    """What a linear critic clipped at c reports of a shift, its W₁, the report along an axis."""
    gap = np.subtract(real, fake)
    length = np.linalg.norm(gap)
    return [c * np.abs(gap).sum(), length, c * length]


def one_round(f, g, x, z):
    """A round of Algorithm 1: two critic steps clipped at 0.05, then one of the generator.

    Plain gradient steps of rate 0.1 on one batch; returns f(g(z)) after them.
    """
    import torch

    def step(network, loss):
        weights = list(network.parameters())
        grads = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for weight, grad in zip(weights, grads):
                weight -= .1 * grad

    for _ in range(2):
        step(f, f(g(z)).mean() - f(x).mean())
        with torch.no_grad():
            for weight in f.parameters():
                weight.clamp_(-.05, .05)
    step(g, -f(g(z)).mean())
    return f(g(z))


def _drawn() -> float:
    """The most that a critic with bends at -1, 0 and 1 can report of N(1, 0.5) and N(0, 2).

    On each of the four pieces its slope is 1 or -1: Σ |∫ (G - F)|.
    """
    from scipy.integrate import quad
    from scipy.stats import norm
    lead = lambda x: norm.cdf(x, 0, 2) - norm.cdf(x, 1, .5)
    return sum(abs(quad(lead, a, b)[0]) for a, b in [(-20, -1), (-1, 0), (0, 1), (1, 20)])


QUESTIONS = {
    "06 three": (lambda: _three(12),
                 "TV is ½ Σ|p - q|, W the way to go, MMD² = k(x, x) + k(x', x') - 2 k(x, x')"),
    "06 linear": (lambda: _linear([4, 1, 5], [2, 4, -1]),
                  "c times the sum of |differences|; W is the length of the shift"),
    "06 box": (lambda: [200 ** (-3 / 4), .01 * (200 * .01) ** 3], "K = c (n c)³ = n³ c⁴"),
    "06 drawn": (_drawn,
                 "every stretch should fill its pale bar: only the signs of the slopes matter"),
    "06 reach": (lambda: True,
                 "the generator needs steps long enough to come home, and a critic that follows"),
}
