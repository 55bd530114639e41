"""Questions of notebooks/08_wasserstein_divergence.ipynb and their answers."""
from ..exact.laws import Normal
from ..exact.wasserstein_divergence import divergence, linear_divergence

QUESTIONS = {
    "08 atoms": (lambda: (*linear_divergence(12, 1, 3), linear_divergence(12, 1, 3).value), "the slope first: 3 s² = 12"),
    "08 gauge": (lambda: _stretched(2.4, .6, 6), "t⁵ = gap / (6 · fine); then the fine is a sixth of the gap"),
    "08 legs": (lambda: next(n for n in range(1, 1000) if n * linear_divergence(3 / n, .5, 2).value < .1 - 1e-12),
                "n legs cost n · ½ (3/n)²"),
    "08 report": (lambda: (4.8 / 6, divergence(Normal(0, 1), Normal(4.8, 1), 4.8 / 6, 6).gap), "θ = kp; then read the title"),
}


def _stretched(gap: float, fine: float, power: float) -> tuple[float, float]:
    """The factor that suits a critic best, and what it keeps then."""
    t = (gap / (power * fine)) ** (1 / (power - 1))
    return t, t * gap - t ** power * fine
