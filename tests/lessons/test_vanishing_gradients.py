"""What a generator feels, saturating or not: the table, autograd, and the facts of lesson 02."""
import re
import warnings

import numpy as np
import pytest
import torch
from numpy.polynomial.hermite_e import hermegauss

from gan_lessons import Mixture, Normal, expectation, js, js_slope, kl
from gan_lessons.drawing import plots
from gan_lessons.exact.divergences import reverse_kl_slope
from gan_lessons.exact.minimax import (
    GENERATOR_LOSSES,
    generator_gradient,
    optimal_discriminator,
)
from gan_lessons.explorers import vanishing_gradients as explorers
from gan_lessons.objectives.minimax import non_saturating_loss, saturating_loss
from gan_lessons.questions.vanishing_gradients import QUESTIONS

# N(0, 1) and N(distance, 1): the saturating gradient, its precision, the non-saturating gradient
TABLE = {1: (.397973, 6e-7, .602027), 3: (.295864, 6e-7, 2.704136), 5: (.047380, 6e-7, 4.952620),
         8: (3.9e-4, 6e-6, 7.999607), 12: (1.8e-8, 6e-10, 12.)}
P, Q = Normal(.4, .7), Mixture([Normal(-1, .5), Normal(2, 1.1)], [.3, .7])


# ---------------------------------------------------------------- the gradients

@pytest.mark.parametrize("distance", TABLE)
def test_generator_gradients_of_the_table(distance):
    p, q = Normal(0, 1), Normal(distance, 1)
    saturating, other = (generator_gradient(p, q, name)
                         for name in ("saturating", "non-saturating"))
    expected, precision, expected_other = TABLE[distance]
    assert saturating == pytest.approx(expected, rel=0, abs=precision)
    assert other == pytest.approx(expected_other, abs=6e-7)
    assert saturating == pytest.approx(2 * js_slope(p, q), rel=1e-11)
    assert saturating + other == pytest.approx(distance, rel=1e-13)


def test_theorem_of_the_two_gradients_for_any_smooth_laws():
    assert generator_gradient(P, Q) == pytest.approx(2 * js_slope(P, Q), rel=1e-10)
    assert generator_gradient(P, Q, "non-saturating") == pytest.approx(
        reverse_kl_slope(P, Q) - 2 * js_slope(P, Q), rel=1e-10)


@pytest.mark.parametrize("sd, distance", [(1., 1.), (.6, 2.), (1.7, -3.)])
@pytest.mark.parametrize("name, loss",
                         [("saturating", saturating_loss), ("non-saturating", non_saturating_loss)])
def test_autograd_through_the_losses_gives_the_same_number(sd, distance, name, loss):
    """The package's loss on nodes of a quadrature of z: mean() becomes the weighted sum, E."""
    nodes, weights = hermegauss(120)
    weights = torch.tensor(weights / weights.sum())
    p = Normal(0, 1)
    theta = torch.tensor(distance, dtype=torch.float64, requires_grad=True)

    class Weighted(torch.Tensor):
        def mean(self):
            return (self.as_subclass(torch.Tensor) * weights).sum()

    def critic(x):                                          # the optimal logit, frozen
        logit = -x ** 2 / 2 + (x - distance) ** 2 / (2 * sd ** 2) + np.log(sd)
        return logit.as_subclass(Weighted)

    value = loss(critic, lambda z: theta + sd * z, torch.tensor(nodes))
    value.as_subclass(torch.Tensor).backward()
    exact = generator_gradient(p, Normal(distance, sd), name)
    assert float(theta.grad) == pytest.approx(exact, rel=1e-6)


def test_losses_of_your_own():
    one = lambda c: np.ones_like(c)                         # the derivative of the loss E c
    assert generator_gradient(P, Q, one) == pytest.approx(-reverse_kl_slope(P, Q))
    numeric = (kl(Normal(.1 + 1e-4, 1), Normal()) - kl(Normal(.1 - 1e-4, 1), Normal())) / 2e-4
    assert -generator_gradient(Normal(), Normal(.1), one) == pytest.approx(numeric)
    with pytest.raises(KeyError, match="saturating, non-saturating"):
        generator_gradient(P, Q, "hinge")


@pytest.mark.parametrize("name, value", [("saturating", lambda c: -np.logaddexp(0, c)),
                                         ("non-saturating", lambda c: np.logaddexp(0, -c))])
def test_the_derivatives_in_the_table_of_losses(name, value):
    c = np.array([-30, -2.1, 0, .7, 40])
    np.testing.assert_allclose(GENERATOR_LOSSES[name](c),
                               (value(c + 1e-6) - value(c - 1e-6)) / 2e-6, atol=1e-8)


@pytest.mark.parametrize("theta, sigma", [(.3, 1), (3, 1), (8, 1), (6, 2.5)])
def test_gradient_is_distance_times_the_mean_of_the_discriminator(theta, sigma):
    p, q = Normal(0, sigma), Normal(theta, sigma)
    believed = expectation(q, optimal_discriminator(p, q))
    assert generator_gradient(p, q, "saturating") == pytest.approx(theta / sigma**2 * believed,
                                                                   rel=1e-9)
    assert generator_gradient(p, q, "non-saturating") == pytest.approx(
        theta / sigma**2 * (1 - believed), rel=1e-9)


def test_non_saturating_gradient_is_that_of_reverse_kl_minus_twice_js():
    p, h = Mixture([Normal(-2, .7), Normal(2, 1.2)], weights=[.3, .7]), 1e-4
    divergence = lambda mean: kl(Normal(mean, 1.5), p) - 2 * js(p, Normal(mean, 1.5))
    slope = (divergence(1 + h) - divergence(1 - h)) / (2 * h)
    assert generator_gradient(p, Normal(1, 1.5), "non-saturating") == pytest.approx(slope, abs=1e-7)


def test_the_divergence_of_the_non_saturating_gradient_is_an_f_divergence():
    f = lambda c: (1 + np.exp(c)) * (np.logaddexp(0, c) - np.log(2) - c)           # t = e^c
    value = expectation(P, lambda x: f(Q.logpdf(x) - P.logpdf(x)))
    assert value == pytest.approx(kl(P, Q) - 2 * js(P, Q), rel=1e-9)


def test_one_step_of_the_smallest_game_is_that_of_autograd():
    theta, psi = (torch.tensor(start, requires_grad=True) for start in (4., -1.))
    loss = torch.nn.functional.softplus(psi * theta.detach())
    psi = (psi - .1 * torch.autograd.grad(loss, psi)[0]).detach()
    slope, = torch.autograd.grad(torch.nn.functional.softplus(-psi * theta), theta)
    assert QUESTIONS["02 step"][0]() == pytest.approx((theta - .1 * slope).item(), rel=1e-6)


# ---------------------------------------------------------------- the explorers

@pytest.mark.parametrize("distance", [.1, 14.])
@pytest.mark.parametrize("sigma", [.5, 3.])
@pytest.mark.parametrize("noise", [0., 6.])
def test_the_atlas_draws_its_extremes_and_its_title_is_right(distance, sigma, noise):
    atlas, width = explorers.atlas(), float(np.hypot(sigma, noise))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert atlas.draw(distance=distance, sigma=sigma, noise=noise).startswith(b"\x89PNG")
    title = atlas.figure._suptitle.get_text()
    said = float(re.search(r"saturating (\S+)", title)[1])
    assert said == pytest.approx(2 * js_slope(Normal(0, width), Normal(distance, width)), rel=6e-3)


def test_the_dots_lie_on_the_curves():
    atlas = explorers.atlas()
    artists = atlas._artists
    atlas.draw(distance=7.3, sigma=1.7, noise=.9)
    for curve, dot in zip(artists[3:5], artists[5:7]):
        x, y = dot.get_data()
        on_curve = np.exp(np.interp(x[0], curve.get_xdata(), np.log(curve.get_ydata())))
        assert on_curve == pytest.approx(y[0], rel=.02)


def test_the_three_stages_print_the_classic_numbers():
    figure, axes = plots.figure(3)
    explorers.stages(axes, (12, 8, 2))
    assert [ax.get_title()[-5:] for ax in axes] == ["0.693", "0.693", "0.337"]
    x, D = axes[-1].get_lines()[0].get_data()
    np.testing.assert_allclose(D, Normal().pdf(x) / (Normal().pdf(x) + Normal(2).pdf(x)))


def test_noise_makes_two_needles_and_a_normal_alike():
    figure, axes = plots.figure(3)
    explorers.blurred(axes, (0, .3, 1))
    assert [ax.get_title()[-5:] for ax in axes] == ["0.400", "0.142", "0.002"]


def test_the_two_losses_are_drawn_with_their_slopes():
    figure, (left, right) = plots.figure(2)
    explorers.generator_losses(left, right)
    for ax, curves in ((left, (lambda D: np.log(1 - D), lambda D: -np.log(D))),
                       (right, (lambda c: 1 / (1 + np.exp(-c)), lambda c: 1 / (1 + np.exp(c))))):
        for line, curve in zip(ax.get_lines(), curves):
            np.testing.assert_allclose(line.get_ydata(), curve(line.get_xdata()))


def test_each_best_fit_is_a_curve():
    figure, ax = plots.figure()
    fits = {"KL(p, q)": Normal(0, 4.1), "KL(q, p)": Normal(4, 1)}
    explorers.best_fits(ax, Mixture([Normal(-4, 1), Normal(4, 1)]), fits)
    for line, q in zip(ax.get_lines(), fits.values()):
        np.testing.assert_allclose(line.get_ydata(), q.pdf(line.get_xdata()))


def test_the_phase_portrait_marks_start_and_end():
    figure, axes = plots.figure(2)
    flows = dict.fromkeys(("one", "two"), lambda t, v: (v[1], -v[0]))
    paths = dict.fromkeys(flows, np.array([[1., 0], [0, -1]]))
    explorers.phase_portrait(axes, flows, paths)
    for ax, name in zip(axes, flows):
        assert ax.get_title() == name
        spots = {line.get_marker(): line.get_xydata()[0] for line in ax.get_lines()[1:]}
        assert spots["o"].tolist() == [1, 0] and spots["s"].tolist() == [0, -1]


def test_coverage_draws_the_mean_of_the_seeds_in_their_range():
    figure, ax = plots.figure()
    explorers.coverage(ax, {"a": [[(10, 0), (20, 8)], [(10, 2), (20, 4)]],
                            "b": [[(10, 1), (20, 1)]]})
    first, second, modes = ax.get_lines()
    assert first.get_xydata().tolist() == [[10, 1], [20, 6]]
    assert second.get_xydata().tolist() == [[10, 1], [20, 1]]
    band = ax.collections[0].get_paths()[0].vertices
    assert {(10, 0), (10, 2), (20, 4), (20, 8)} <= set(map(tuple, band))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]


def test_the_three_logs_have_the_diagnoses_that_are_judged_right():
    """1: D of the fakes ends at 0 under log(1 - D); 2: one class has all fakes; 3: neither."""
    found = []
    for log in explorers.LOGS.split("\n\n"):
        rows = [[float(word.rstrip("%")) for word in line[1:].split()]
                for line in log.splitlines() if line.endswith("%")]
        _, _, loss, fake, largest = np.transpose(rows)
        vanished = (loss <= 0).all() and fake[-1] < .001
        found.append(1 if vanished else 2 if largest.max() == 100 else 3)
    assert found == QUESTIONS["02 logs"][0]
