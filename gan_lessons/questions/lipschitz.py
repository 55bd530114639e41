"""Questions of notebooks/07_lipschitz.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq

from ..exact.laws import Normal, Uniform
from ..exact.lipschitz import segment_density
from ..exact.transport import cdf_difference, wasserstein_1

QUESTIONS = {
    "07 linear": (lambda: [_distance(2.4, 5), _distance(2.4, 5) ** 2 / (4 * 5)], "θ + θ²/2λ = 2.4, and the fine is θ²/4λ"),
    "07 kernel": (lambda: _kernel(-.3, 5), "a row of 25 numbers; a grey picture; divide the second by the first"),
    "07 summits": (lambda: _two_summits(5), "d/2ρ midway: use the arrow keys and read the title"),
    "07 hinge": (lambda: [2 * _shared(), wasserstein_1(Uniform(0, 1), Uniform(.25, 1.25))], "2 ∫ min(p, q), and lesson 05"),
}


def _distance(gap: float, weight: float) -> float:
    return brentq(lambda theta: theta + theta ** 2 / (2 * weight) - gap, 0, gap)


def _kernel(entry: float, side: int) -> list[float]:
    kernel = np.full((side, side), entry)
    reshaped, layer = np.linalg.norm(kernel), np.abs(np.fft.fft2(kernel, (28, 28))).max()
    return [reshaped, layer, layer / reshaped]


def _two_summits(distance: float) -> float:
    p, q = Normal(0, 1), Normal(distance, 1)
    return float(cdf_difference(p, q)(distance / 2) / (2 * segment_density(p, q)(distance / 2)))


def _shared() -> float:
    x = (np.arange(4000) + .5) / 2000
    return float(np.minimum(Uniform(0, 1).pdf(x), Uniform(.25, 1.25).pdf(x)).mean() * 2)
