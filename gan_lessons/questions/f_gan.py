"""Questions of notebooks/03_f_gan.ipynb and their answers."""
import numpy as np
from scipy.optimize import brentq

from ..exact.f_table import f_divergence
from ..exact.laws import Normal, Uniform


def _uniforms() -> list[float]:
    p, q = Uniform(0, 1), Uniform(.25, 1.25)
    return [f_divergence(name)(p, q) for name in ("squared Hellinger", "KL")]


def _widest(D) -> float:
    """The widest p = N(0, w), w in steps of 0.1, whose divergence from N(0, 1) is finite."""
    widths = np.arange(.4, 2.05, .1)
    return float(max(w for w in widths if np.isfinite(D(Normal(0, w), Normal(0, 1)))))


def _alpha_of_the_trick(name: str) -> float:
    """The α whose slope has the trick's proportions at two distances."""
    pairs = [(Normal(0, 1), Normal(far, 1)) for far in (1, 2)]
    trick = np.divide(*(f_divergence(name).trick_slope(*pair) for pair in pairs))
    slopes = lambda a: np.divide(*(f_divergence("alpha", alpha=a).slope(*pair) for pair in pairs))
    return brentq(lambda a: slopes(a) - trick, -.99, -.01)


QUESTIONS = {
    "03 corner": (lambda: f_divergence("Pearson").conjugate(np.array([-1., -3.])),
                  "a ratio is never negative: where does the line lean?"),
    "03 uniforms": (_uniforms, "look at each place where only one of the two lives"),
    "03 width": (lambda: _widest(f_divergence("alpha", alpha=1.5)),
                 "the exponents of p^1.5 q^-0.5 must add up to a fall"),
    "03 trick": (lambda: _alpha_of_the_trick("squared Hellinger"),
                 "φ'' of the α-family is u^(α - 2): divide it by u"),
}
