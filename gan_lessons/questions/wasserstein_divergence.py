"""Questions of notebooks/08_wasserstein_divergence.ipynb and their answers."""
import numpy as np

from ..exact.laws import Normal
from ..exact.wasserstein_divergence import divergence, linear_divergence


def _atoms() -> tuple[float, ...]:
    """Gap, penalty and value of the best critic of two point masses, 12 apart."""
    found = linear_divergence(12, 1, 3)
    return (*found, found.value)


def _stretched(gap: float, penalty: float, power: float) -> tuple[float, float]:
    """The factor that suits a critic best, and what is left of its gap then."""
    t = (gap / (power * penalty)) ** (1 / (power - 1))
    return t, t * gap - t ** power * penalty


def _legs() -> int:
    """The number of equal parts of distance 3 whose divergences add up to less than 0.1."""
    total = lambda n: n * linear_divergence(3 / n, .5, 2).value
    return next(n for n in range(1, 1000) if total(n) < .1 - 1e-12)


def _report() -> tuple[float, float]:
    """The k at which the gap of distance 4.8 is W₁ for p = 6, and that gap."""
    k = 4.8 / 6
    return k, divergence(Normal(0, 1), Normal(4.8, 1), k, 6).gap


def _damping() -> tuple[float, float]:
    """The least k without a complex eigenvalue for p = 2, and the largest real part at k = ¼."""
    eigenvalues = lambda k: np.linalg.eigvals([[-2 * k, -1], [1, 0]])
    circles = lambda k: abs(eigenvalues(k).imag).max() > 1e-12
    first = next(k for k in np.arange(1, 4001) / 1000 if not circles(k + 1e-9))
    return first, float(eigenvalues(.25).real.max())


QUESTIONS = {
    "08 atoms": (_atoms, "the slope first: 3 s² = 12"),
    "08 gauge": (lambda: _stretched(2.4, .6, 6),
                 "t⁵ = gap / (6 · penalty); then the penalty is a sixth of the gap"),
    "08 legs": (_legs, "n legs cost n · ½ (3/n)²"),
    "08 damping": (_damping, "μ² + 2 k μ + 1 = 0"),
    "08 report": (_report, "θ = kp; then read the title"),
}
