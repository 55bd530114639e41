"""Edges beyond the map: what lessons 21 to 23 add, and where it touches the older objectives.

Each function returns both sides of an edge; its arguments are the setting in which the statement
holds, and `wrong` is one in which it does not. EDGES_BEYOND, at the end, lists them in the order of
their numbers. Used in notebooks/20_map.ipynb.
"""
from __future__ import annotations

from functools import partial

import numpy as np
import torch
from scipy.stats import norm

from ..exact.convergence import Dirac
from ..exact.laws import Normal
from ..exact.mmd import cramer
from ..exact.particles import flow_weight, velocity
from ..exact.sinkhorn import sinkhorn_divergence
from ..exact.transport import earth_mover, wasserstein_1
from ..measures.metrics import kernel_distance
from ..objectives.f_gan import f_gan
from ..objectives.minimax import minimax, non_saturating
from ..objectives.mmd import cubic, gaussian, matching, minus_distance, mmd2, mmd_gan, sliced
from ..objectives.particles import distribution_matching, noised, rescaled
from ..objectives.semi_supervised import improved_gan
from ..objectives.wasserstein import wasserstein
from ..players.penalties import at_fake, at_real, penalised, zero_centred
from .best_critic import best_score, score_losses
from .edge import (
    FAKE,
    MASS,
    MASS_FAKE,
    PLACES,
    REAL,
    P,
    Q,
    draws,
    itself,
    leaf,
    played,
    related,
    rounds,
)

# -- lesson 21: penalties that let the game converge ---------------------------------------------

# samples in the plane, and a critic a · x that is equally steep everywhere
IN_PLANE, FAKES_IN_PLANE = [[-1.2, .7], [.4, 2.1], [3., -.5]], [[.9, -.3], [-2.2, 1.], [.1, .6]]


def _weights_feel(where, gamma, bend=0.0):
    """The critic's loss under a penalty, with its gradients by the weights of a · x + bend x²."""
    game = penalised(non_saturating(), zero_centred(where), gamma)
    x, z = (torch.tensor(some, dtype=torch.float64) for some in (IN_PLANE, FAKES_IN_PLANE))

    def loss(a):
        f = lambda x: x @ a + bend * x.square().sum(1)
        return game["f"](f=f, g=itself, x=x, z=z)
    return played(loss, leaf([.8, -1.7]))


def _turn(game: Dirac, h=1e-3):
    """The Jacobian of a Dirac-GAN at its equilibrium, by differences of its field: (2, 2)."""
    column = lambda unit: sum(weight * game.field(step * h * unit) for weight, step in
                              ((8, 1), (-8, -1), (-1, 2), (1, -2))) / (12 * h)
    return np.stack([column(unit) for unit in np.eye(2)], 1)


@related("GAN + R1", "non-saturating GAN", "contains",
         "Without its penalty, γ = 0, it is the non-saturating game",
         wrong=dict(gamma=.3), test="lessons/test_map.py::test_r1_at_zero_weight_is_the_plain_game")
def no_r1(gamma=0.0):
    game = non_saturating()
    feel = lambda game: played(lambda a: game["f"](
        f=lambda x: x @ a, g=itself, x=torch.tensor(IN_PLANE, dtype=torch.float64),
        z=torch.tensor(FAKES_IN_PLANE, dtype=torch.float64)), leaf([.8, -1.7]))
    return _weights_feel(at_real, gamma), feel(game)


@related("GAN + R2", "GAN + R1", "if",
         "A straight critic, as on the Dirac-GAN, is equally steep everywhere: R₂ is R₁",
         wrong=dict(bend=.2),
         test="lessons/test_map.py::test_r1_and_r2_are_one_for_a_straight_critic")
def straight_critic(bend=0.0, gamma=.7):
    return _weights_feel(at_fake, gamma, bend), _weights_feel(at_real, gamma, bend)


@related("GAN + R1", "minimax GAN · noise", "if",
         "Dirac-GAN: noise of variance 2γ on all samples turns the game near 0 as R₁ does",
         wrong=dict(variance=.7), tolerance=1e-9,
         test="lessons/test_convergence.py::test_noise_damps_as_r1_of_half_its_variance")
def noise_damps(variance=1.4, gamma=.7):
    noise = variance ** .5
    return ([_turn(Dirac(game, noise=noise)) for game in ("minimax", "non-saturating")],
            [_turn(Dirac("non-saturating", r1=gamma))] * 2)


@related("RpGAN + R1 + R2", "GAN + R1", "if",
         "Dirac-GAN: R3GAN of weight γ turns near 0 as the GAN with R₁ of weight 2γ does",
         wrong=dict(r2=0.), tolerance=1e-9,
         test="lessons/test_map.py::test_pairs_change_nothing_near_the_equilibrium")
def pairs_near_zero(r2=.7, gamma=.7):
    return _turn(Dirac("RpGAN", r1=gamma, r2=r2)), _turn(Dirac("minimax", r1=2 * gamma))


# -- lesson 22: distances without a trained critic -----------------------------------------------

def _mmd2_of_masses(kernel):
    """MMD² of MASS and MASS_FAKE on the four places, and its slope by every place of a fake."""
    def value(fakes):
        x = torch.tensor(PLACES)[:, None]
        p, q = torch.tensor(MASS), torch.tensor(MASS_FAKE)
        y = fakes[:, None]
        return p @ kernel(x, x) @ p + q @ kernel(y, y) @ q - 2 * p @ kernel(x, y) @ q
    return played(value, leaf(PLACES + .05))


@related("MMD · kernel −|x − x′|", "energy distance", "is",
         "With the kernel −|x − x′| MMD² is the energy distance, on the line 2 ∫ (F − G)²",
         wrong=dict(kernel=gaussian(2.)), tolerance=1e-10,
         test="lessons/test_mmd.py::test_the_energy_distance_is_that_of_scipy")
def energy_is_mmd(kernel=minus_distance):
    def integral(fakes):                                # 2 ∫ (F - G)² of steps, place by place
        at, order = torch.cat([torch.tensor(PLACES), fakes]).sort()
        jumps = torch.cat([torch.tensor(MASS), -torch.tensor(MASS_FAKE)])[order]
        return 2 * (jumps.cumsum(0)[:-1].square() * at.diff()).sum()
    apart = lambda a, b: _mean_distance(a.mean - b.mean, (a.sd ** 2 + b.sd ** 2) ** .5)
    energy = 2 * apart(P, Q) - apart(P, P) - apart(Q, Q)
    return ([*_mmd2_of_masses(kernel), energy],
            [*played(integral, leaf(PLACES + .05)), 2 * cramer(P, Q)])


def _mean_distance(mean, sd):
    """E |N(mean, sd²)|."""
    return sd * np.sqrt(2 / np.pi) * np.exp(-(mean / sd) ** 2 / 2) + mean * (
        2 * norm.cdf(mean / sd) - 1)


@related("energy distance", "WGAN", "bounds",
         "Energy distance ≤ 2 W₁, as (F − G)² ≤ |F − G|",
         wrong=dict(factor=.5), test="lessons/test_map.py::test_the_energy_distance_below_two_w")
def energy_below_w(factor=2.0):
    laws = [(P, Q), (Normal(0, .3), Normal(2., .5)), (Normal(0, 1), Normal(9., 1))]
    return ([2 * cramer(p, q) for p, q in laws], [factor * wasserstein_1(p, q) for p, q in laws])


@related("Sinkhorn", "WGAN", "limit",
         "As ε → 0 the Sinkhorn divergence becomes W₁",
         wrong=dict(epsilon=1.), tolerance=1e-6,
         test="lessons/test_mmd.py::test_the_ends_of_the_divergence")
def sharp_plan(epsilon=1e-7):
    points = PLACES[:, None]
    return (sinkhorn_divergence(MASS, MASS_FAKE, points, points + .07, epsilon),
            earth_mover(PLACES, PLACES + .07, MASS, MASS_FAKE))


@related("Sinkhorn", "energy distance", "limit",
         "As ε → ∞ the Sinkhorn divergence becomes half of the energy distance",
         wrong=dict(epsilon=1.), tolerance=1e-6,
         test="lessons/test_mmd.py::test_the_ends_of_the_divergence")
def blunt_plan(epsilon=1e7):
    points = PLACES[:, None]
    apart = lambda a, b, x, y: a @ np.abs(x - y.T) @ b
    energy = (2 * apart(MASS, MASS_FAKE, points, points + .07) - apart(MASS, MASS, points, points)
              - apart(MASS_FAKE, MASS_FAKE, points, points))
    return sinkhorn_divergence(MASS, MASS_FAKE, points, points + .07, epsilon), energy / 2


@related("sliced W₁", "WGAN", "if",
         "On the line every direction is ±1, and sliced W₁ is W₁",
         wrong=dict(dim=2), test="lessons/test_mmd.py::test_slices_on_a_line_are_the_earth_mover")
def slices_of_a_line(dim=1):
    def value(x, z):
        with torch.random.fork_rng():                   # directions are drawn
            torch.manual_seed(0)
            return sliced(x, z)
    flat = lambda values: [[value, *[0.] * (dim - 1)] for value in values]
    share = np.full(len(REAL), 1 / len(REAL))
    plain = lambda x, z: (x[:, 0].sort().values - z[:, 0].sort().values).abs().mean()
    leaves = [leaf(flat(values)) for values in (REAL, FAKE)]
    return ([*played(value, *leaves), value(*leaves).item()],
            [*played(plain, *leaves), earth_mover(REAL, FAKE, share, share)])


@related("MMD GAN", "MMD", "contains",
         "With the features f(x) = x its generator plays plain MMD",
         wrong=dict(stretch=1.3),
         test="lessons/test_map.py::test_plain_features_make_the_mmd_gan_mmd")
def plain_features(stretch=1.0, kernel=gaussian(.5, 2.)):
    f = lambda x: stretch * x
    x, z = leaf(IN_PLANE), leaf(FAKES_IN_PLANE)
    return (played(lambda x, z: mmd_gan(kernel)["g"](f, itself, x, z), x, z),
            played(lambda x, z: matching(partial(mmd2, kernel))["g"](itself, x, z), x, z))


@related("MMD GAN · one feature", "WGAN", "if",
         "One feature f and the kernel f(x) f(x′): MMD is the gap E f − E f of WGAN",
         wrong=dict(cube=True), test="lessons/test_map.py::test_one_linear_feature_is_wgans_gap")
def one_feature(cube=False):
    kernel = cubic if cube else (lambda x, y: x @ y.T)
    count = [torch.tensor(np.round(10 * mass)).long() for mass in (MASS, MASS_FAKE)]

    def gap(fakes):                                     # batches that hold each place 10 m times
        x, z = (a.repeat_interleave(n) for a, n in zip((torch.tensor(PLACES), fakes), count))
        return wasserstein()["f"](itself, itself, x, z).square()
    return _mmd2_of_masses(kernel), played(gap, leaf(PLACES + .05))


class _Curved(torch.nn.Module):
    """A network without weights whose features are curved: (n, 2) -> (n, 3)."""

    def features(self, x):
        return torch.stack([x[:, 0].square(), x.prod(1), torch.sin(x[:, 1])], 1)


@related("Improved GAN", "MMD · linear kernel", "is",
         "Feature matching is MMD² with h(x) · h(x′)/d; the kernel (h(x) · h(x′)/d + 1)³ "
         "makes KID",
         wrong=dict(power=2), test="lessons/test_map.py::test_feature_matching_is_an_mmd")
def mean_features(power=1):
    f, x, z = _Curved(), leaf(IN_PLANE), leaf(FAKES_IN_PLANE)

    def of_all_pairs(x, z):                             # a sample with itself too
        a, b = f.features(x), f.features(z)
        k = lambda a, b: (a @ b.T / a.shape[1]).pow(power).mean()
        return k(a, a) + k(b, b) - 2 * k(a, b)
    read = played(lambda x, z: improved_gan()["g"](f, itself, x, z), x, z)
    h, h_fake = f.features(x).detach(), f.features(z).detach()
    return ([*read, kernel_distance(h_fake, h)],
            [*played(of_all_pairs, x, z), mmd2(cubic, h, h_fake).item()])


# -- lesson 23: samples that move ----------------------------------------------------------------

@related("gradient flow · h = −sp(−c)", "non-saturating GAN", "is",
         "The critic rescaled by h(c) = −softplus(−c): the non-saturating game",
         wrong=dict(h="half"), test="lessons/test_map.py::test_two_rescalings_are_old_games")
def falling_softplus(h="non-saturating"):
    return rounds(rescaled(h)), rounds(non_saturating())


@related("gradient flow · h = sp(c)", "minimax GAN", "is",
         "The critic rescaled by h(c) = softplus(c): the minimax game",
         wrong=dict(h="exponential"), test="lessons/test_map.py::test_two_rescalings_are_old_games")
def rising_softplus(h="saturating"):
    return rounds(rescaled(h)), rounds(minimax())


@related("gradient flow · of D_φ", "f-GAN", "is",
         "A row's push at its best critic is the velocity of D_φ's flow: r² φ″(r) ∇ log r",
         wrong=dict(other="KL"), tolerance=1e-9,
         test="lessons/test_map.py::test_every_row_pushes_as_its_flow_moves")
def push_is_velocity(other=None):
    log_r, rows = np.array([-1.3, .2, 2.]), ("reverse KL", "Pearson", "squared Hellinger", "JS")

    def gain(row):
        game = f_gan(row)
        best = best_score(game, log_r)
        return -score_losses(game).generator_slope(best.score) * best.slope
    return [gain(row) for row in rows], [flow_weight(other or row, log_r) for row in rows]


@related("distribution matching", "gradient flow · KL(q‖p)", "if",
         "Exact denoisers push a fake as the flow of KL(q‖p) moves it, both with noise σ added",
         wrong=dict(trained_on=.5), test="lessons/test_particles.py::"
              "test_the_difference_of_two_denoisers_is_the_gradient_of_the_log_ratio")
def exact_denoisers(trained_on=.8, sigma=.8):
    def denoiser(law):                                  # E[x | x + σ ε] of a Normal
        keep = law.sd ** 2 / (law.sd ** 2 + trained_on ** 2)
        return lambda y: keep * y + (1 - keep) * float(law.mean)

    fakes = draws(5, 1, seed=3) * float(Q.sd) + float(Q.mean)
    with torch.random.fork_rng():
        torch.manual_seed(5)                            # the same noise for both sides
        game = distribution_matching(sigma)
        push = -played(lambda z: game["g"](itself, denoiser(P), denoiser(Q), z),
                       leaf(fakes.tolist()))[1:]
        torch.manual_seed(5)
        y = noised(fakes, sigma).numpy()[:, 0]
    blurred = [Normal(law.mean, (law.sd ** 2 + sigma ** 2) ** .5) for law in (P, Q)]
    return len(fakes) * push / sigma ** 2, velocity("reverse KL", *blurred)(y)


EDGES_BEYOND = (
    # does the game converge?
    no_r1, straight_critic, noise_damps, pairs_near_zero,
    # without a trained critic
    energy_is_mmd, energy_below_w, sharp_plan, blunt_plan, slices_of_a_line, plain_features,
    one_feature, mean_features,
    # samples that move
    falling_softplus, rising_softplus, push_is_velocity, exact_denoisers,
)
