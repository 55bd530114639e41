"""Questions of notebooks/07_lipschitz.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq

from ..exact.laws import Normal, Uniform
from ..exact.lipschitz import segment_density
from ..exact.transport import cdf_difference, wasserstein_1


def _distance(gap: float, weight: float) -> float:
    """The distance θ at which the penalised critic reports this gap."""
    return brentq(lambda theta: theta + theta ** 2 / (2 * weight) - gap, 0, gap)


def _kernel(entry: float, side: int) -> list[float]:
    """Norms of a constant kernel, as a row of numbers and as a layer, and their ratio."""
    kernel = np.full((side, side), entry)
    reshaped = np.linalg.norm(kernel)
    layer = np.abs(np.fft.fft2(kernel, (28, 28))).max()         # its gain at any frequency
    return [reshaped, layer, layer / reshaped]


def _two_summits(distance: float) -> float:
    """|F - G|/2ρ, the slope less 1 for λ = 1, midway between two Normals."""
    p, q = Normal(0, 1), Normal(distance, 1)
    middle = distance / 2
    return float(cdf_difference(p, q)(middle) / (2 * segment_density(p, q)(middle)))


def _hinge() -> list[float]:
    """2 ∫ min(p, q), by midpoints between 0 and 2, and W₁, for two uniform laws."""
    p, q = Uniform(0, 1), Uniform(.25, 1.25)
    x = (np.arange(4000) + .5) / 2000
    shared = float(np.minimum(p.pdf(x), q.pdf(x)).mean() * 2)
    return [2 * shared, wasserstein_1(p, q)]


QUESTIONS = {
    "07 linear": (lambda: [_distance(2.4, 5), _distance(2.4, 5) ** 2 / (4 * 5)],
                  "θ + θ²/2λ = 2.4, and the penalty is θ²/4λ"),
    "07 kernel": (lambda: _kernel(-.3, 5),
                  "a row of 25 numbers; a grey picture; divide the second by the first"),
    "07 summits": (lambda: _two_summits(5),
                   "d/2ρ midway: use the arrow keys and read the title"),
    "07 hinge": (_hinge, "2 ∫ min(p, q), and lesson 05"),
}
