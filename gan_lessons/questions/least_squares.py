"""Questions of notebooks/04_least_squares.ipynb and their answers."""
import numpy as np
import torch
from scipy.optimize import brentq, minimize_scalar

from ..exact.laws import Normal, Uniform
from ..exact.least_squares import least_squares_gradient, least_squares_value, triangular
from ..objectives.least_squares import least_squares

LOGS = {"A": (.02, .48), "B": (.25, .125), "C": (.25, .50)}          # losses of critic, generator


def _ends() -> list[float]:
    """The value for labels 2, 5, 3 where p and q are one law, and where they share no place."""
    p = Uniform(0, 1)
    return [least_squares_value(p, q, 2, 5, 3) for q in (p, Uniform(2, 3))]


def _hardest(*labels) -> float:
    """The distance, in steps of 0.1, at which the generator's gradient is largest."""
    distances = np.arange(0, 8.05, .1)
    p = Normal(0, 1)
    gradients = [least_squares_gradient(p, Normal(d, 1), *labels) for d in distances]
    return float(distances[np.argmax(gradients)])


def _silent_target(distance: float) -> float:
    """The target c for which the gradient at this distance is 0."""
    p, q = Normal(0, 1), Normal(distance, 1)
    return brentq(lambda c: least_squares_gradient(p, q, 0, 1, c), 0, 1)


def _noisy(wrong: float) -> float:
    """The best score at x = 1 where this share of the real samples is labelled 0."""
    u, v = (q.pdf(1.0) for q in (Normal(0, 1), Normal(2, 1)))
    cost = lambda f: (1 - wrong) * u * (f - 1) ** 2 + (wrong * u + v) * f ** 2
    return minimize_scalar(cost).x


def _step() -> float:
    """m of g(z) = m + z, from 2, after one step of rate 0.1 against f(x) = 1 - x/2."""
    m, z = torch.tensor(2.0, requires_grad=True), torch.tensor([0.0, 1.0])
    loss = least_squares()["g"](lambda x: 1 - x / 2, lambda z: m + z, z)
    return 2 - 0.1 * torch.autograd.grad(loss, m)[0].item()


def _arrived() -> str:
    """The log whose losses are those of the best critic where q = p."""
    p = Uniform(0, 1)
    at_home = (2 - triangular(p, p)) / 8, least_squares_value(p, p) / 2
    return next(name for name, losses in LOGS.items() if np.allclose(losses, at_home))


QUESTIONS = {
    "04 ends": (_ends, "χ² is 0 in the one case and 2 in the other"),
    "04 noisy": (lambda: _noisy(.1), "the mean of the labels at x = 1, half of them real"),
    "04 step": (_step, "the target is 1, and descent subtracts the gradient"),
    "04 log": (_arrived, "where q = p the best critic says ½ to everything"),
    "04 hardest": (lambda: [_hardest(0, 1, 1), _hardest(-1, 1, 0)],
                   "between 1.5 and 2.5: use the arrow keys near the top"),
    "04 silent": (lambda: _silent_target(4), "ρ + κ (1 + ρ) = 0, and c = ½ + κ/2"),
}
