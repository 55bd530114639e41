"""Games whose generator follows a flow of samples: rescaled critics, and denoisers as critics.

Yi, Zhu, Liu 2023, arXiv 2302.01075 (any increasing rescaling of log p/q); Yin et al. 2023,
arXiv 2311.18828 (a difference of scores); Xu, Nie, Vahdat 2025, arXiv 2502.15681 (its weights).
Derived in notebooks/23_particles.ipynb.

Players: f critic, g generator, m denoiser of the data, m_q denoiser of the fakes.
"""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..exact.checks import fits, told
from ..exact.particles import flow_weight
from ..game import (
    Game,
    Move,
    check_noisy,
    check_player,
    check_tensors,
    in_full,
    one_format,
)
from .minimax import critic_loss

RESCALINGS = {                                # h, and h' as a function of log p/q = c
    "h(c) = c": lambda c: c,                                          # 1: flow of KL(q ‖ p)
    "non-saturating": lambda c: -torch.nn.functional.softplus(-c),    # 1 - D: KL(q ‖ p) - 2 JS
    "saturating": torch.nn.functional.softplus,                       # D: twice JS
    "half": lambda c: (c / 2).exp(),                                  # √r / 2: squared Hellinger
    "exponential": torch.exp,                                         # r: KL(p ‖ q)
}


def rescaled(h: str | Callable = "h(c) = c") -> Game:
    """The critic of the standard GAN; a generator that minimises -E h(f(g(z))) for a rising h.

    At the best critic, f = log p/q, every fake is pushed by h'(log r) ∇ log r. h: (n,) -> (n,), or
    a name of RESCALINGS. ValueError for another name and for an h that falls, TypeError for what is
    no function of tensors.
    Yi, Zhu, Liu 2023, arXiv 2302.01075; lesson 23.
    """
    if isinstance(h, str):
        if h not in RESCALINGS:
            raise ValueError(f"no rescaling {h!r}; there are: {', '.join(RESCALINGS)}, or a "
                             "function of the scores")
        h = RESCALINGS[h]
    _check_rising(h)

    def generator_loss(f, g, z):
        return -h(in_full(f(g(z)))).mean()

    return Game({"f": critic_loss, "g": generator_loss})


def _check_rising(h):
    """h tried on three scores: TypeError unless it maps tensors to tensors with a gradient,
    ValueError where it falls."""
    scores = torch.tensor([-1., 0., 1.], requires_grad=True)
    try:
        heights, why = h(scores), ""
    except Exception as error:  # noqa: BLE001  a reader's function may fail in any way
        heights, why = None, f" ({type(error).__name__}: {error})"
    if not (isinstance(heights, Tensor) and heights.shape == scores.shape
            and heights.requires_grad):
        raise TypeError(f"h = {told(h)}: a rising function of tensors, (n,) -> (n,), with a "
                        f"gradient, as torch.exp{why}")
    if (heights.diff() < 0).any():
        raise ValueError(f"h = {told(h)} falls between -1 and 1: the generator would flee what the "
                         "critic takes for real; take -h")


def noised(x: Tensor, sigma: float) -> Tensor:
    """x + σ ε, ε ~ N(0, I), drawn with torch's generator: (n, ...) -> (n, ...). ValueError for a
    σ that is not above 0. Lesson 23."""
    check_noisy(x=x)
    if not fits(sigma, above=0):
        raise ValueError(f"sigma = {sigma!r}: the deviation of the noise is above 0")
    return x + sigma * torch.randn_like(x)


def denoising_loss(m, x: Tensor, sigma: float) -> Tensor:
    """E |m(x + σ ε) - x|² per number, least for m = E[x | x + σ ε]: (n, ...) -> ().

    Then (m(y) - y) / σ² is the score of p ∗ N(0, σ²) at y. ValueError for a network that changes
    the shape. Vincent 2011; lesson 23.
    """
    check_player("m", m)
    with one_format(m, x, shapes=True):
        cleaned = m(noised(x, sigma))
    check_tensors(**{"what the denoiser makes": cleaned})
    if cleaned.shape != x.shape:
        raise ValueError(f"a denoiser makes {tuple(cleaned.shape)} of {tuple(x.shape)}: it gives "
                         "back the shape that it is given")
    return (in_full(cleaned, "what the denoiser makes") - in_full(x, "samples")).square().mean()


def distribution_matching(sigma: float, divergence: str | None = None) -> Game:
    """Two denoisers take the critic's place: each fake follows the difference of two scores.

    m     E |m(x + σ ε) - x|²                     m_q   E |m_q(g(z) + σ ε) - g(z)|²
    g     -E <g(z), w (m(y) - m_q(y))>,  y = g(z) + σ ε;  only the first g(z) is differentiated

    (m - m_q) / σ² is ∇ log p/q of the two noised distributions. w = 1 is the flow of KL(q ‖ p).
    divergence: a name of the table of lesson 03; then w = r² φ''(r), and a critic f of noised
    samples, trained first, says log r. batches(x, z=...). ValueError for σ ≤ 0 and for a
    divergence without φ''. Lesson 23.
    """
    if not fits(sigma, above=0):
        raise ValueError(f"sigma = {sigma!r}: the deviation of the noise is above 0")
    if divergence is not None:
        flow_weight(divergence, 0.0)                             # an unknown one is told here

    def denoiser_of_data(m, x):
        return denoising_loss(m, x, sigma)

    def denoiser_of_fakes(m_q, g, z):
        return denoising_loss(m_q, g(z), sigma)

    def noised_critic(f, g, x, z):
        return critic_loss(f, lambda z: noised(g(z), sigma), noised(x, sigma), z)

    def follow(g, m, m_q, z):
        fakes = g(z)
        y = noised(fakes.detach(), sigma)
        return _led(fakes, m(y) - m_q(y))

    def follow_weighted(g, f, m, m_q, z):
        fakes = g(z)
        y = noised(fakes.detach(), sigma)
        c = in_full(f(y).detach())
        if c.numel() != len(y):
            raise ValueError(f"f gives {tuple(c.shape)} for {len(y)} samples: one score each, as "
                             "mlp_critic(...) does")
        c = c.double().cpu().numpy()
        w = torch.as_tensor(flow_weight(divergence, c)).to(fakes)              # (n,)
        return _led(fakes, w.reshape(-1, *[1] * (fakes.dim() - 1)) * (m(y) - m_q(y)))

    moves = [Move("m", denoiser_of_data), Move("m_q", denoiser_of_fakes)]
    if divergence is None:
        return Game([*moves, Move("g", follow)])
    return Game([*moves, Move("f", noised_critic), Move("g", follow_weighted)])


def _led(fakes: Tensor, push: Tensor) -> Tensor:
    """-mean <fake, push>, whose gradient by a fake is -push / n: (n, ...), (n, ...) -> ()."""
    return -(in_full(fakes, "fakes") * push.detach()).flatten(1).sum(1).mean()
