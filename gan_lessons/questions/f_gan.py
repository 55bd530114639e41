"""Questions of notebooks/03_f_gan.ipynb and their answers."""
import numpy as np
import torch
from scipy.optimize import brentq

from ..exact.f_table import f_divergence
from ..exact.laws import Normal, Uniform
from ..objectives.f_gan import f_gan

LOGS = {"A": [-.31, -.45, -.49], "B": [-.38, -.55, -.61], "C": [.20, -.02, -.11]}


def _conjugate() -> list[float]:
    """φ*(2) and φ*(0.1) of φ(u) = e^(u - 1) - 1, the best of many u ≥ 0."""
    u = np.linspace(0, 5, 500_001)
    return [float((u * t - np.expm1(u - 1)).max()) for t in (2, .1)]


def _apart() -> list[float]:
    """Three divergences of distributions that share no point."""
    p, q = Uniform(0, 1), Uniform(2, 3)
    return [f_divergence(name)(p, q) for name in ("total variation", "squared Hellinger", "JS")]


def _safe() -> float:
    """Critic's loss of φ(u) = 1/(1+u)² - 1/4 where real and fake scores are -200 and 200.

    φ* ∘ φ' = u φ' - φ there, whose limits at u = 0 and ∞ are -φ(0) and -φ(∞).
    """
    phi, slope = lambda u: (1 + u) ** -2 - 1 / 4, lambda u: -2 * (1 + u) ** -3
    ends = 0.0, 1e30                                                 # u φ'(u) is 0 at both
    return float(np.mean([-slope(u) for u in ends]) + np.mean([-phi(u) for u in ends]))


def _step() -> float:
    """The weight of f(x) = w x, from 0.5, after one step of rate 0.1 on the critic's loss of KL."""
    w = torch.tensor(.5, requires_grad=True)
    x, fake = torch.tensor([1., 2.]), torch.tensor([-1., 0.])
    loss = f_gan("KL")["f"](lambda x: w * x, lambda z: z, x, fake)
    return .5 - .1 * torch.autograd.grad(loss, w)[0].item()


def _impossible(divergence: float) -> str:
    """The log that claims more than the divergence."""
    return next(name for name, losses in LOGS.items() if -min(losses) > divergence)


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
    "03 conjugate": (_conjugate, "a ratio is never negative: where does the line lean?"),
    "03 apart": (_apart, "φ(0) from the fakes, φ'(∞) from the data"),
    "03 safe": (_safe, "with w = 1/(1 + u) = sigmoid(-v) no term can overflow"),
    "03 step": (_step, "w - 0.1 · the gradient; the loss is -mean f(x) + mean e^(f(fake) - 1)"),
    "03 log": (lambda: _impossible(.5), "a bound from below never lies above"),
    "03 width": (lambda: _widest(f_divergence("alpha", alpha=1.5)),
                 "the exponents of p^1.5 q^-0.5 must add up to a fall"),
    "03 trick": (lambda: _alpha_of_the_trick("squared Hellinger"),
                 "φ'' of the α-family is u^(α - 2): divide it by u"),
}
