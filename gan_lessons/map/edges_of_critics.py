"""Edges between objectives that tell real from fake: divergence, transport, margin, comparison.

Each function returns both sides of an edge; its arguments are the setting in which the statement
holds, and `wrong` is one in which it does not. EDGES_OF_CRITICS, at the end, lists them in the
order of their numbers. Used in notebooks/20_map.ipynb.
"""
from __future__ import annotations

import math

import numpy as np
import torch
from scipy.optimize import brentq
from scipy.special import rel_entr

from ..exact.divergences import kl_slope, reverse_kl_slope
from ..exact.f_table import f_divergence
from ..exact.laws import Normal
from ..exact.least_squares import least_squares_critic, least_squares_value, triangular
from ..exact.lipschitz import penalised_gap, segment_density
from ..exact.loss_sensitive import best_loss, distances
from ..exact.minimax import gan_value, generator_gradient
from ..exact.relativistic import average_value, pairwise_value
from ..exact.transport import cdf_difference, earth_mover, wasserstein_1
from ..exact.wasserstein_divergence import divergence
from ..objectives.f_gan import f_gan
from ..objectives.loss_sensitive import leaky, loss_sensitive, margin
from ..objectives.minimax import minimax, non_saturating
from ..objectives.relativistic import relativistic
from ..objectives.wasserstein import hinge, wasserstein
from ..objectives.wasserstein_divergence import wasserstein_divergence
from ..players.penalties import at_both, at_most_one, equal_one, penalised, power, zero_centred
from .edge import FAKE, MASS, MASS_FAKE, PLACES, REAL, P, Q, itself, leaf, played, related, rounds


def _best_slope(ask, place: float, weight: float) -> float:
    """The slope s ≥ 0 that is best at one place, where d/ds (-|F - G| s + λ ρ ask(s)) is 0."""
    at = np.array([place])
    d, density = abs(cdf_difference(P, Q)(at)[0]), segment_density(P, Q)(at)[0]

    def derivative(s):
        return played(lambda s: -d * s + weight * density * ask(s), leaf(s))[1]
    return brentq(derivative, 1e-9, 1e3, xtol=1e-13)


# -- divergence: one lower bound, many losses ----------------------------------------------------

@related("minimax GAN", "f-GAN · GAN", "is",
         "The row GAN of the table is the minimax game: both losses, all gradients",
         wrong=dict(row="KL"),
         test="lessons/test_f_gan.py::test_gan_is_minimax_and_its_trick_is_non_saturating")
def gan_row(row="GAN"):
    return rounds(f_gan(row)), rounds(minimax())


@related("non-saturating GAN", "f-GAN · GAN, trick", "is",
         "With the trick −E T the row GAN is the non-saturating game",
         wrong=dict(row="squared Hellinger"),
         test="lessons/test_f_gan.py::test_gan_is_minimax_and_its_trick_is_non_saturating")
def gan_row_trick(row="GAN"):
    return rounds(f_gan(row, "trick")), rounds(non_saturating())


@related("minimax GAN", "non-saturating GAN", "part",
         "At the best critic both generators' slopes add up to that of KL(q‖p)",
         wrong=dict(slope=kl_slope),
         test="lessons/test_vanishing_gradients.py::test_theorem_of_the_two_gradients_for_any_smooth_laws")
def two_slopes(slope=reverse_kl_slope):
    both = generator_gradient(P, Q) + generator_gradient(P, Q, "non-saturating")
    return both, slope(P, Q)


@related("f-GAN · KL, trick", "f-GAN · reverse KL", "is",
         "The trick on the row KL(p‖q) descends KL(q‖p), the row reverse KL",
         wrong=dict(row="Neyman"),
         test="machinery/test_f_divergences.py::test_the_trick_descends_another_divergence")
def kl_trick(row="reverse KL"):
    return f_divergence("KL").trick_slope(P, Q), f_divergence(row).slope(P, Q)


@related("least squares GAN", "f-GAN · Le Cam", "is",
         "2C = ¼ (b − a)² Le Cam + ½ (b − a)² + 2 (b − c)(a − c) for all labels",
         wrong=dict(row="Pearson"),
         test="lessons/test_least_squares.py::test_the_identity_for_every_a_b_c")
def labels_of_least_squares(row="Le Cam"):
    left, right = [], []
    for a, b, c in ((-1, 1, 0), (0, 1, 1), (-.4, 1.7, 2.3)):
        left.append(2 * least_squares_value(P, Q, a, b, c))
        le_cam = f_divergence(row)(P, Q)
        right.append((b - a)**2 / 4 * le_cam + (b - a)**2 / 2 + 2 * (b - c) * (a - c))
    return left, right


@related("minimax GAN", "least squares GAN", "bounds",
         "Le Cam/4 ≤ JS ≤ Le Cam · (log 2)/2: far in one is far in the other",
         wrong=dict(lower=1 / 2), test="lessons/test_least_squares.py::test_between_js_and_four_js")
def js_and_le_cam(lower=1 / 4):
    js = gan_value(P, Q) / 2 + math.log(2)
    le_cam = triangular(P, Q)
    return [lower * le_cam, js], [js, math.log(2) / 2 * le_cam]


# -- transport: slopes are bound -----------------------------------------------------------------

@related("hinge", "f-GAN · total variation", "is",
         "A critic of any shape at best pays 2 − 2 TV: the row total variation",
         wrong=dict(height=.5),
         test="lessons/test_map.py::test_no_free_critic_pays_less_than_two_minus_two_tv")
def hinge_tv(height=1.0):
    best = torch.tensor(height * np.sign(MASS - MASS_FAKE))
    # batches of ten samples that hold each place as often as its mass says
    counts = [torch.tensor(np.round(10 * mass)).long() for mass in (MASS, MASS_FAKE)]
    x, x_fake = (best.repeat_interleave(count) for count in counts)
    tv = MASS_FAKE @ f_divergence("total variation").phi(MASS / MASS_FAKE)
    return hinge()["f"](itself, itself, x, x_fake), 2 - 2 * tv


@related("hinge", "WGAN", "if",
         "While all scores stay within ±1, hinge plays WGAN: its critic's loss plus 2",
         wrong=dict(stretch=3.),
         test="machinery/test_penalties.py::"
              "test_hinge_is_two_minus_the_gap_while_scores_stay_within_one")
def hinge_within_one(stretch=1.0):
    real = stretch * np.array([-.4, .9, .2, .7])
    fake = stretch * np.array([-.95, .7, .3, -.2])
    right = rounds(wasserstein(), real, fake)
    right[0] += 2                                       # the value; the gradients stay
    return rounds(hinge(), real, fake), right


@related("WGAN-GP", "WGAN", "limit",
         "The reported gap less two fines is W₁ at every λ; the fines vanish as λ → ∞",
         wrong=dict(fines=1), tolerance=1e-8,
         test="lessons/test_lipschitz.py::test_the_gap_less_two_penalties_is_w")
def gap_and_fines(fines=2):
    less_fines = []
    for weight in (10., .7):
        gap, fine = penalised_gap(P, Q, weight)
        less_fines.append(gap - fines * fine)
    limit, _ = penalised_gap(P, Q, 1e9)                 # λ → ∞: the gap itself
    return [*less_fines, limit], [wasserstein_1(P, Q)] * 3


@related("WGAN-GP", "WGAN-LP", "if",
         "On the line both have one best slope wherever F ≠ G: 1 + |F − G|/(2λρ)",
         wrong=dict(ask=power(2)),
         test="lessons/test_lipschitz.py::test_the_best_slope_is_found_by_search_for_both_penalties")
def one_best_slope(ask=equal_one):
    places = (.6, -1.1, 2.3)
    return ([_best_slope(ask, x, 2.5) for x in places],
            [_best_slope(at_most_one, x, 2.5) for x in places])


@related("WGAN-div · p = 2", "WGAN-GP", "if",
         "For p = 2 and k = λ the gradient penalty's best slope is 1 steeper, where F ≠ G",
         wrong=dict(p=3), test="lessons/test_map.py::test_one_slope_steeper_than_the_square")
def one_steeper(p=2, weight=2.5):
    places = (.6, -1.1, 2.3)
    return ([1 + _best_slope(power(p), x, weight) for x in places],
            [_best_slope(equal_one, x, weight) for x in places])


@related("WGAN-div", "WGAN", "limit",
         "As p → ∞ gap and divergence become W₁, whatever k; at k = 2, p = 6 they are not",
         wrong=dict(p=6), tolerance=1e-6,
         test="lessons/test_wasserstein_divergence.py::test_large_powers_recover_the_earth_mover")
def large_powers(p=1e9):
    read = [divergence(P, Q, k, p) for k in (2, .3)]
    return [part for one in read for part in (one.gap, one.value)], [wasserstein_1(P, Q)] * 4


# -- margin: l = -f, and a margin for each pair --------------------------------------------------

def _column(values):
    """Scores (n,) as samples (n, 1), between which a margin can be measured."""
    return [[value] for value in values]


def _loss_sensitive_round(game, real=REAL, fake=FAKE):
    """Losses of l and g with their gradients, on given values of l."""
    l = lambda x: x[:, 0]
    x, z = _column(real), _column(fake)
    critic = played(lambda x, z: game["l"](l, itself, x, z), leaf(x), leaf(z))
    generator = played(lambda z: game["g"](l, itself, z), leaf(z))
    return np.concatenate([critic, generator])


@related("GLS-GAN · ν = 0", "LS-GAN", "contains",
         "The cost C_ν(a) = max(a, νa) at ν = 0 is LS-GAN's",
         wrong=dict(nu=-1.),
         test="lessons/test_generalised_loss_sensitive.py::"
              "test_nu_one_is_the_wasserstein_game_and_nu_zero_is_ls_gan")
def nu_zero(nu=0.0):
    return (_loss_sensitive_round(loss_sensitive(margin(.7), 1.5, cost=leaky(nu))),
            _loss_sensitive_round(loss_sensitive(margin(.7), 1.5)))


@related("GLS-GAN · ν = 1, first = 0", "WGAN", "is",
         "Without its first term, ν = 1 is λ times WGAN with f = −l, plus λ E Δ",
         wrong=dict(first=1),
         test="lessons/test_generalised_loss_sensitive.py::test_nu_one_of_networks_by_every_weight")
def nu_one(nu=1.0, first=0.0, weight=1.5):
    l, f, delta = lambda x: x[:, 0], lambda x: -x[:, 0], margin(.7)
    game, wgan = loss_sensitive(delta, weight, leaky(nu), first), wasserstein()

    def with_margin(x, z):
        return weight * (wgan["f"](f, itself, x, z) + delta(x, z).mean().detach())
    scores = leaf(_column(REAL)), leaf(_column(FAKE))
    return (played(lambda x, z: game["l"](l, itself, x, z), *scores),
            played(with_margin, *scores))


@related("LS-GAN · first = 0, κ = 1", "WGAN", "is",
         "If l is 1-Lipschitz in Δ and has no first term, the best S is λ (E Δ − W₁)",
         wrong=dict(kappa=.5), tolerance=1e-8,
         test="lessons/test_map.py::test_bound_slopes_make_ls_gan_transport")
def bound_slopes(kappa=1.0, weight=1.5):
    best = best_loss(PLACES, PLACES, weight=weight, first=0, kappa=kappa,
                     mass=MASS, mass_fake=MASS_FAKE)
    between = MASS @ distances(PLACES, PLACES) @ MASS_FAKE
    return best.value, weight * (between - earth_mover(PLACES, PLACES, MASS, MASS_FAKE))


@related("LS-GAN · one margin", "f-GAN · total variation", "is",
         "One Δ for all pairs, 0 ≤ l ≤ Δ, no first term: the best S is λΔ (1 − TV)",
         wrong=dict(kappa=.5), tolerance=1e-8,
         test="lessons/test_map.py::test_one_margin_for_all_pairs_is_total_variation")
def one_margin(kappa=1.0, delta=1.7, weight=1.5):
    best = best_loss(PLACES, PLACES, margin=lambda a, b: np.full((len(a), len(b)), delta),
                     weight=weight, first=0, kappa=kappa, mass=MASS, mass_fake=MASS_FAKE)
    tv = MASS_FAKE @ f_divergence("total variation").phi(MASS / MASS_FAKE)
    return best.value, weight * delta * (1 - tv)


# -- comparison: only differences of scores count ------------------------------------------------

@related("RSGAN", "minimax GAN · pairs", "is",
         "Minimax on pairs (x, x′) against (x′, x) pays twice RSGAN: at best 2 log 2 − 2 JS",
         wrong=dict(swapped=False), tolerance=1e-10,
         test="lessons/test_map.py::test_rsgan_is_minimax_on_pairs")
def js_of_pairs(swapped=True):
    d = lambda pair: pair[:, 0] - pair[:, 1]            # a critic of pairs: the lead of the first

    def on_pairs(x, z):
        pairs = torch.stack([x, z], 1)                  # (n, 2)
        others = pairs.flip(1) if swapped else pairs
        return minimax()["f"](d, itself, pairs, others)
    mine = played(lambda x, z: 2 * relativistic("RSGAN")["f"](itself, itself, x, z),
                  leaf(REAL), leaf(FAKE))
    places = np.linspace(-12, 14, 521)                  # sums over equal steps: exact for Normals
    real, fake = (law.pdf(places) * (places[1] - places[0]) for law in (P, Q))
    a, b = np.outer(real, fake), np.outer(fake, real)   # p(x) q(x′) and q(x) p(x′)
    js = (rel_entr(a, (a + b) / 2) + rel_entr(b, (a + b) / 2)).sum() / 2
    return ([*mine, 2 * pairwise_value(P, Q)],
            [*played(on_pairs, leaf(REAL), leaf(FAKE)), 2 * math.log(2) - 2 * js])


@related("RSGAN", "minimax GAN", "if",
         "Normals of one width: RSGAN's best loss is half of minimax's, at √2 times the distance",
         wrong=dict(stretch=1.),
         test="lessons/test_map.py::test_pairs_of_normals_stand_root_two_apart")
def root_two(stretch=2**.5):
    laws = [(.5, 1.), (3., .6)]                         # distance, standard deviation
    return ([pairwise_value(Normal(.4, sd), Normal(.4 + d, sd)) for d, sd in laws],
            [-gan_value(Normal(.4, sd), Normal(.4 + stretch * d, sd)) / 2 for d, sd in laws])


@related("RSGAN · price −lead", "WGAN", "is",
         "With the price −lead pairs play WGAN's critic loss, and averages twice it",
         wrong=dict(loss="LS"),
         test="lessons/test_relativistic.py::test_identity_is_wgan_and_twice_wgan")
def identity_loss(loss=""):                             # RGAN and RaGAN, without a prefix
    def critic(game):
        return played(lambda x, z: game["f"](itself, itself, x, z), leaf(REAL), leaf(FAKE))
    wgan = critic(wasserstein())
    pairs, averages = relativistic(f"R{loss}GAN"), relativistic(f"Ra{loss}GAN")
    return [critic(pairs), critic(averages)], [wgan, 2 * wgan]


@related("RaSGAN", "RSGAN", "if",
         "On a batch of one pair an average is its only member: RaSGAN is twice RSGAN",
         wrong=dict(n=4), test="lessons/test_map.py::test_one_pair_has_no_average")
def one_pair(n=1):
    def both_losses(kind):
        game = relativistic(kind)
        x, z = leaf(REAL[-n:]), leaf(FAKE[-n:])
        return np.concatenate([
            played(lambda x, z: game[player](itself, itself, x, z), x, z) for player in "fg"])
    return both_losses("RaSGAN"), 2 * both_losses("RSGAN")


@related("RaLSGAN", "least squares GAN", "is",
         "Its best critic is that of labels ±1, × 4/(2 + 3L); it pays 2 (2 − L)/(2 + 3L), "
         "L = Le Cam",
         wrong=dict(stretched=False),
         test="lessons/test_relativistic.py::test_ralsgan_is_solved")
def stretched_critic(stretched=True):
    chi2, critic = triangular(P, Q), least_squares_critic(P, Q, -1, 1)
    stretch = 4 / (2 + 3 * chi2) if stretched else 1
    value = average_value(P, Q, lambda x: stretch * critic(x), lambda lead: (lead - 1)**2)
    return value, 2 * (2 - chi2) / (2 + 3 * chi2)


@related("RaHinge", "hinge", "if",
         "Where the mean score is 0 on real and on fake, its critic pays hinge's price",
         wrong=dict(centred=False),
         test="lessons/test_map.py::test_centred_averages_pay_the_plain_price")
def centred_scores(centred=True):
    x, z = (leaf(values) - centred * np.mean(values) for values in (REAL, FAKE))
    return tuple(game["f"](itself, itself, x, z).item()
                 for game in (relativistic("RaHinge"), hinge()))


def _slopes_at_samples(game, real=REAL, fake=FAKE):
    """A critic's loss with its gradients by samples, for a critic of many slopes."""
    f = lambda x: (torch.sin(x) + x.square() / 7).sum(1)             # (n, 1) -> (n,)
    return played(lambda x, z: game["f"](f=f, g=itself, x=x, z=z),
                  leaf(_column(real)), leaf(_column(fake)))


@related("RpGAN + R1 + R2", "RSGAN", "contains",
         "Without its penalty, γ = 0, it is RSGAN",
         wrong=dict(gamma=.3),
         test="lessons/test_map.py::test_r1_and_r2_are_added_to_pairs")
def no_penalty(gamma=0.0):
    game = relativistic("RSGAN")
    return (_slopes_at_samples(penalised(game, zero_centred(at_both), gamma)),
            _slopes_at_samples(game))


@related("RpGAN + R1 + R2", "WGAN-div · p = 2", "part",
         "R₁ + R₂ is WGAN-div's penalty for p = 2, k = γ, taken at real and fake samples",
         wrong=dict(p=3.),
         test="lessons/test_map.py::test_r1_and_r2_are_added_to_pairs")
def squared_slopes(p=2.0, gamma=.3):
    game = relativistic("RSGAN")
    whole = _slopes_at_samples(penalised(game, zero_centred(at_both), gamma))
    div = _slopes_at_samples(wasserstein_divergence(gamma, p, at_both))
    return (whole - _slopes_at_samples(game), div - _slopes_at_samples(wasserstein()))


EDGES_OF_CRITICS = (
    # divergence
    gan_row, gan_row_trick, two_slopes, kl_trick, labels_of_least_squares, js_and_le_cam,
    # transport
    hinge_tv, hinge_within_one, gap_and_fines, one_best_slope, one_steeper, large_powers,
    # margin
    nu_zero, nu_one, bound_slopes, one_margin,
    # comparison
    js_of_pairs, root_two, identity_loss, one_pair, stretched_critic, centred_scores,
    no_penalty, squared_slopes,
)
