"""Perfect penalised critics on the line against brute force, and the pictures of lesson 07."""

import numpy as np
import pytest
import torch
from helpers import title_of
from scipy.integrate import quad
from scipy.optimize import minimize, minimize_scalar

from gan_lessons import (
    Game,
    Line,
    Mixture,
    Normal,
    Ring,
    Uniform,
    adam,
    batches,
    expectation,
    mlp_critic,
    on_arrays,
    train,
    wasserstein,
    wasserstein_1,
)
from gan_lessons.drawing import plots
from gan_lessons.exact import lipschitz as exact
from gan_lessons.exact.transport import cdf_difference
from gan_lessons.explorers import lipschitz as explorers
from gan_lessons.players.penalties import gradient_penalty, lipschitz_penalty
from gan_lessons.players.spectral import spectrally_normalised

PAIRS = [
    (Normal(0, 1), Normal(3, 1)),
    (Normal(0, 1), Normal(0, 2)),
    (Normal(-1, .4), Normal(2, 1.7)),
    (Mixture([Normal(-2, .5), Normal(1, 1)], [.3, .7]), Normal(.5, .8)),
]
PAIR = PAIRS[0]


# ---------------------------------------------------------------- where

@pytest.mark.parametrize("p, q", PAIRS)
def test_the_density_on_segments_is_that_of_points_on_segments(p, q):
    rho, rng = exact.segment_density(p, q), np.random.default_rng(0)
    epsilon = rng.random((400_000, 1))
    points = epsilon * p.sample(len(epsilon), rng) + (1 - epsilon) * q.sample(len(epsilon), rng)
    edges = np.quantile(points, [.01, .2, .5, .8, .99])
    for low, high in zip(edges, edges[1:]):
        share = quad(rho, low, high, epsabs=1e-9)[0]
        assert ((points > low) & (points < high)).mean() == pytest.approx(share, abs=.004)
    assert quad(rho, -15, 15, limit=200, epsabs=1e-10)[0] == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize("p, q", PAIRS[:3])
def test_the_density_on_segments_by_another_integral(p, q):
    """ρ(t) = ∫ dε E_{x~p} q((t - ε x)/(1 - ε))/(1 - ε), without the sum of two Normals."""
    for t in (-.7, 1.3):
        slow = lambda e: quad(lambda x: p.pdf(x) * q.pdf((t - e * x) / (1 - e)) / (1 - e), -12, 12,
                              limit=200)[0]
        by_hand = quad(slow, 0, .5, epsabs=1e-9)[0]
        p2, q2 = q, p  # the other half, by symmetry
        slow2 = lambda e: quad(lambda x: p2.pdf(x) * q2.pdf((t - e * x) / (1 - e)) / (1 - e),
                               -12, 12, limit=200)[0]
        by_hand += quad(slow2, 0, .5, epsabs=1e-9)[0]
        assert exact.segment_density(p, q)(t) == pytest.approx(by_hand, abs=1e-6)


def test_the_density_between_narrow_distributions_far_apart_is_flat():
    """There ρ = E 1/|x - x'|, x - x' ~ N(8, s²): 1/8 + s²/8³ to second order."""
    rho = exact.segment_density(Normal(0, .01), Normal(8, .01))
    assert rho(np.array([1., 4., 7.])) == pytest.approx([1 / 8 + 2e-4 / 8 ** 3] * 3, rel=1e-9)


def test_laws_without_a_known_density_are_refused():
    with pytest.raises(TypeError, match="sample_density"):
        exact.segment_density(Uniform(0, 1), Normal())
    gap, penalty = exact.penalised_gap(Uniform(0, 1), Uniform(.5, 1.5), where=exact.sample_density)
    assert gap - 2 * penalty == pytest.approx(.5, abs=1e-9)


# ---------------------------------------------------------------- the best slope

@pytest.mark.parametrize("p, q", PAIRS)
@pytest.mark.parametrize("weight", [.7, 10.])
@pytest.mark.parametrize("where", [exact.segment_density, exact.sample_density])
def test_the_best_slope_is_found_by_search_for_both_penalties(p, q, weight, where):
    slope, rho, d = exact.penalised_slope(p, q, weight, where), where(p, q), cdf_difference(p, q)
    for x in (-1.1, .4, 2.3):
        for ask in (lambda s: (abs(s) - 1) ** 2, lambda s: max(abs(s) - 1, 0) ** 2):
            loss = lambda s: s * d(x) + weight * rho(x) * ask(s)  # -∫ f' (F - G), to be made large
            best = min((minimize_scalar(loss, bounds=side, method="bounded",
                                        options=dict(xatol=1e-10)) for side in ((-60, 0), (0, 60))),
                       key=lambda found: found.fun)
            assert slope(x) == pytest.approx(best.x, abs=1e-5)


def test_slopes_at_zero_lead_and_without_points():
    p, q = Normal(0, 1), Normal(0, 2)
    assert exact.penalised_slope(p, q)(0.) == 0
    assert np.isinf(exact.penalised_slope(Uniform(0, 1), Uniform(2, 3),
                                          where=exact.sample_density)(1.5))
    assert exact.penalised_gap(Uniform(0, 1), Uniform(2, 3),
                               where=exact.sample_density)[0] == np.inf


# ---------------------------------------------------------------- what it reports

def test_the_numbers_of_the_lesson():
    gap, penalty = exact.penalised_gap(*PAIR, 10.)
    assert gap == pytest.approx(3.4630, abs=5e-5)
    assert gap - penalty == pytest.approx(3.2315, abs=5e-5)


@pytest.mark.parametrize("p, q", PAIRS)
@pytest.mark.parametrize("weight", [1., 10., 1e6])
def test_the_gap_less_two_penalties_is_w(p, q, weight):
    gap, penalty = exact.penalised_gap(p, q, weight)
    slope = exact.penalised_slope(p, q, weight)
    rho = exact.segment_density(p, q)
    d = cdf_difference(p, q)
    assert gap - 2 * penalty == pytest.approx(wasserstein_1(p, q), abs=1e-9)
    x = np.linspace(-12, 14, 6_001)
    assert np.trapezoid(-slope(x) * d(x), x) == pytest.approx(gap, rel=1e-4)
    density = np.where(d(x) == 0, 0, rho(x) * (np.abs(slope(x)) - 1) ** 2)
    assert weight * np.trapezoid(density, x) == pytest.approx(penalty, rel=1e-3)


def test_no_other_critic_reaches_more():
    """A concave maximum over all slopes at 41 places: a search from 1 finds the exact sum."""
    p, q = PAIRS[2]
    x = np.linspace(-4, 7, 41)
    d, rho = np.abs(cdf_difference(p, q)(x)), exact.segment_density(p, q)(x)
    worth = lambda s: -(d * s - 5 * rho * np.maximum(s - 1, 0) ** 2).sum()
    found = minimize(worth, np.ones_like(x), method="L-BFGS-B",
                     options=dict(maxiter=5000, ftol=1e-15))
    best = np.abs(exact.penalised_slope(p, q, 5.)(x))
    assert -found.fun == pytest.approx(-worth(best), rel=1e-5) and -found.fun <= -worth(best) + 1e-9


def test_it_is_symmetric_and_moves_and_scales_with_the_distributions():
    p, q = PAIRS[2]
    gap, penalty = exact.penalised_gap(p, q, 3.)
    assert exact.penalised_gap(q, p, 3.) == pytest.approx((gap, penalty), rel=1e-9)
    moved = exact.penalised_gap(Normal(9, .4), Normal(12, 1.7), 3.)
    assert moved == pytest.approx((gap, penalty), rel=1e-9)
    scaled = exact.penalised_gap(Normal(-5, 2.), Normal(10, 8.5), 15.)  # lengths and λ both times 5
    assert scaled == pytest.approx((5 * gap, 5 * penalty), rel=1e-9)


def test_far_points_alone_leave_the_report_without_bound():
    reports = [exact.penalised_gap(Normal(0, 1), Normal(d, 1), where=exact.sample_density)[0] / d
               for d in (3, 6, 9, 12)]
    assert reports[0] < 1.3 and reports[-1] > 1e4 and reports == sorted(reports)


@pytest.mark.parametrize("weight", [0, -10., np.nan, np.inf])
def test_without_a_weight_there_is_no_best_critic(weight):
    for ask in (exact.penalised_slope, exact.penalised_gap):
        with pytest.raises(ValueError, match="λ > 0"):
            ask(*PAIR, weight)


@pytest.mark.parametrize("penalty", [gradient_penalty, lipschitz_penalty])
def test_a_trained_critic_reports_what_the_exact_module_says_within_two_percent(penalty):
    p, q = PAIR
    f = mlp_critic(1, width=32)
    for steps, rate in ((200, 5e-3), (100, 5e-4)):
        train(Game(wasserstein(penalty).moves[:1]), dict(f=f, g=Line(3., learn="")),
              batches(p, z=Normal(dim=1), batch=256), steps=steps, optimizer=adam(rate), watch=None,
              precision="highest")
    score = on_arrays(f)
    assert expectation(p, score) - expectation(q, score) == pytest.approx(
        exact.penalised_gap(p, q)[0], rel=.02)


# ---------------------------------------------------------------- the pictures

@pytest.fixture(scope="module")
def explorer():
    return explorers.penalty_points()


@pytest.mark.parametrize("where, density", [("on the segments", exact.segment_density),
                                            ("at real and fake", exact.sample_density)])
@pytest.mark.parametrize("weight, distance", [(10., 3.), (.5, 1.2), (20., 5.)])
def test_the_explorer_says_what_the_exact_module_says(explorer, where, density, weight, distance):
    gap, penalty = exact.penalised_gap(Normal(0, 1), Normal(distance, 1), weight, density)
    text = title_of(explorer, where=where, weight=weight, distance=distance)
    shown = float(text.split("gap ")[1].split()[0])
    assert shown == pytest.approx(gap, rel=1e-4) and f"= {distance:.2f}" in text
    assert float(text.split("penalty ")[1].split()[0]) == pytest.approx(penalty, rel=1e-3, abs=1e-4)


def test_maxima_appear_where_the_derivation_puts_them(explorer):
    for distance in (1., 3., 5.):
        p, q = Normal(0, 1), Normal(distance, 1)
        threshold = cdf_difference(p, q)(distance / 2) / (
            2 * exact.segment_density(p, q)(distance / 2))
        for weight in (np.ceil(threshold * 10) / 10, np.floor(threshold * 10) / 10):
            count = "two maxima" if weight > threshold else "one maximum"
            assert count in title_of(explorer, weight=weight, distance=distance)
            assert "one maximum" in title_of(explorer, weight=weight, distance=distance,
                                            ask="slope ≤ 1, Lipschitz penalty")


def test_the_explorers_maxima_are_maxima(explorer):
    for ask in explorers.ASK:
        explorer.draw(weight=6., distance=2.5, ask=ask)
        _, _, worth, summit, wrong, *_ = explorer._artists
        x, y = worth.get_data()
        assert summit.get_ydata()[0] == pytest.approx(y.max(), abs=1e-3)
        left = y[x < 0]
        peaks = (left[1:-1] > left[:-2]) & (left[1:-1] > left[2:])
        assert peaks.sum() == len(wrong.get_xdata())
        if peaks.any():
            assert wrong.get_xdata()[0] == pytest.approx(x[x < 0][1:-1][peaks][0], abs=.02)


def test_the_explorer_at_its_edges(explorer):
    for where in explorers.WHERE:
        for weight, distance in ((.1, 6.), (20., .1), (.1, .1)):
            assert explorer.draw(where=where, weight=weight, distance=distance)
    assert "e+12" in title_of(explorer, where="at real alone", weight=10., distance=6.)
    first = dict(where="on the segments", ask="slope = 1, gradient penalty", weight=10.)
    assert explorer.draw(**first, distance=3.) == explorers.penalty_points().draw()


def test_the_idea_and_the_ellipse():
    figure, (left, right) = plots.figure(2)
    explorers.lipschitz_limits(left, right)
    for line, steep in zip(left.lines, (1, 2, 8)):
        assert np.diff(line.get_ydata()) / np.diff(line.get_xdata()) == pytest.approx(-steep)
    figure, (left, right) = plots.figure(2)
    A = np.array([[1.6, .5], [-.3, 1.2]])
    explorers.stretched(left, right, A)
    lengths = [float(text.get_text()) for text in right.texts]
    assert lengths == sorted(lengths) and lengths[-1] <= np.linalg.norm(A, 2)


def test_maxima_are_counted_at_modes_and_nowhere_else():
    ring = Ring()
    near = lambda x, centres: np.linalg.norm(x[:, None] - centres, axis=2).min(axis=1)
    assert explorers.maxima_at_modes(lambda x: -near(x, ring.centres), ring) == 8
    assert explorers.maxima_at_modes(lambda x: -near(x, ring.centres[:3]), ring) == 3
    assert explorers.maxima_at_modes(lambda x: x[:, 0], ring) == 0           # highest at the edge
    assert explorers.maxima_at_modes(lambda x: -np.linalg.norm(x, axis=1), ring) == 0


def test_the_spectrum_is_that_of_the_matrix_in_use():
    f = mlp_critic(2, width=16)
    second = [layer for layer in f.layers if isinstance(layer, torch.nn.Linear)][1].weight.detach()
    assert explorers.spectrum(f) == pytest.approx(torch.linalg.svdvals(second).numpy(), rel=1e-5)
    assert explorers.spectrum(spectrally_normalised(f))[0] == pytest.approx(1, rel=.1)
    figure, ax = plots.figure()
    explorers.spectra(ax, {"one": f, "normalised": spectrally_normalised(f)})
    assert all(line.get_ydata()[0] == 1 for line in ax.lines)


def test_shares_of_w_are_gap_by_largest_slope_by_w():
    readings = {("ring", "gradient penalty"): {800: (.6, .9, 2.), 2_500: (.9, 1., 1.5)},
                ("ring", "one-sided"): {800: (1., .9, 1.25)}}
    figure, axes = plots.figure(2)
    explorers.shares_of_w(axes[:1], readings, {"ring": .8})
    two_sided, one_sided = axes[0].lines
    assert two_sided.get_xydata() == pytest.approx(np.array([[800, .375], [2_500, .75]]))
    assert one_sided.get_ydata() == pytest.approx([1.])
