"""Questions of notebooks/07_lipschitz.ipynb and their answers."""
import numpy as np

from ..exact.laws import Normal
from ..exact.lipschitz import penalised_gap, sample_density


def _w_of_two(first: tuple[float, float], second: tuple[float, float]) -> float:
    """W from two pairs (λ, minus the loss): minus the loss is W + c/4λ with the same c."""
    (weight, value), (weight2, value2) = first, second
    c = (value - value2) / (1 / (4 * weight) - 1 / (4 * weight2))
    return value - c / (4 * weight)


def _kernel(entry: float, side: int) -> list[float]:
    """Norms of a constant kernel, as a row of numbers and as a layer, and their ratio."""
    kernel = np.full((side, side), entry)
    reshaped = np.linalg.norm(kernel)
    layer = np.abs(np.fft.fft2(kernel, (28, 28))).max()         # its gain at any frequency
    return [reshaped, layer, layer / reshaped]


def _twice(weight: float) -> list[float]:
    """The first distance, in steps of 0.1, at which slopes measured at the samples let the gap
    exceed 2 W, and the gap at this distance for slopes measured on the segments."""
    p = Normal(0, 1)
    for tenth in range(1, 61):
        q = Normal(tenth / 10, 1)
        if penalised_gap(p, q, weight, sample_density)[0] > 2 * tenth / 10:
            return [tenth / 10, penalised_gap(p, q, weight)[0]]
    raise ValueError("no distance of the slider")


QUESTIONS = {
    "07 log": (lambda: _w_of_two((5, 2.70), (20, 2.35)),
               "minus the loss is W + c/4λ: two equations for W and c"),
    "07 kernel": (lambda: _kernel(-.3, 5),
                  "a row of 25 numbers; a constant picture; divide the second by the first"),
    "07 samples": (lambda: _twice(10.),
                   "choose \"at real and fake\", use the arrow keys and read the title"),
}
