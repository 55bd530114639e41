"""Questions of notebooks/21_convergence.ipynb and their answers."""
import numpy as np

from ..exact.convergence import Dirac, round_matrix, spectral_radius, walk


def _best_weight() -> float:
    """The γ of R₁ at which the slower eigenvalue of the WGAN's Dirac-GAN decays fastest."""
    weights = np.linspace(0, 4, 4_001)
    slower = [np.linalg.eigvals(Dirac("WGAN", r1=weight).jacobian()).real.max()
              for weight in weights]
    return float(weights[np.argmin(slower)])


def _largest_step() -> float:
    """The step at which WGAN's alternating rounds with five critic moves leave the circle."""
    steps = np.linspace(.8, 1, 2_001)
    stays = [spectral_radius(round_matrix(Dirac("WGAN").jacobian(), step, moves=5)) < 1 + 1e-6
             for step in steps]
    return float(steps[np.flatnonzero(stays)[-1]])


def _fastest_momentum() -> float:
    """The β of the slider, in steps of 0.05, that is fastest for WGAN at γ = 1 and steps of 0.1."""
    J, betas = Dirac("WGAN", r1=1.).jacobian(), np.arange(-18, 19) * .05
    radii = [spectral_radius(round_matrix(J, .1, momentum=float(beta))) for beta in betas]
    return float(betas[np.argmin(radii)])


LOGGED = Dirac(r1=.3), .05                                  # the game of the log, and its step


def log_of_peaks(count: int = 4):
    """(round, θ) at each turn of a walk near the equilibrium, for the log of exercise 5."""
    game, step = LOGGED
    theta = walk(game.field, (0., .1), 1_000, step)[:, 1]
    turns = [t for t in range(1, 999) if (theta[t] - theta[t - 1]) * (theta[t + 1] - theta[t]) < 0]
    return [(t, float(theta[t])) for t in turns[:count]]


def left_after(momentum: float, step: float, rounds: int = 200) -> float:
    """What is left of the distance from (1, 1) in the minimax game, moves alternating."""
    return float(np.hypot(*walk(Dirac("minimax").field, (1., 1.), rounds, step,
                                momentum=momentum)[-1]))


def r3gan_round(f, g, x, z):
    """One round of RpGAN + ½ (R₁ + R₂) on one batch, gradient descent with rate 0.1: the mean
    score of the fakes afterwards, a number. The networks are changed.
    """
    import torch

    from ..objectives.relativistic import relativistic
    from ..players.penalties import at_both, penalised, zero_centred
    game = penalised(relativistic("RSGAN"), zero_centred(at_both), 1.0)
    for player, net in (("f", f), ("g", g)):
        weights = list(net.parameters())
        slopes = torch.autograd.grad(game[player](f=f, g=g, x=x, z=z), weights, allow_unused=True)
        with torch.no_grad():
            for weight, slope in zip(weights, slopes):
                if slope is not None:
                    weight -= .1 * slope
    return f(g(z)).mean().item()


QUESTIONS = {
    "21 wgan": (_best_weight, "λ² + γλ + s² = 0 with s = 1: the slower root is farthest left where "
                "the two meet"),
    "21 five": (_largest_step, "five critic moves are one of five times the step: the trace of the "
                "round's matrix must stay above -2"),
    "21 momentum": (_fastest_momentum, "the title's radius falls with β at first, and then rises"),
    "21 log": (lambda: LOGGED[0].r1, "between two turns |θ| shrinks by exp(-γ t / 2), and t is "
               "the step times the rounds"),
    "21 reach": (True, "momentum below 0 damps; a larger step damps faster, up to a point"),
}
