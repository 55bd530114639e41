"""Least squares: the losses by hand, the best critic, the identity for every a, b, c, and what the
generator feels."""
import math

import numpy as np
import pytest
import torch
from helpers import FEWER, REAL, itself, leaf, title_of
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from gan_lessons import Mixture, Normal, Uniform, js, mlp_critic
from gan_lessons.drawing import plots
from gan_lessons.exact import least_squares as exact
from gan_lessons.explorers import least_squares as explorers
from gan_lessons.objectives.least_squares import least_squares
from gan_lessons.questions.least_squares import QUESTIONS

CODINGS = [(-1., 1., 0.), (0., 1., 1.), (0., 1., .5), (2.5, -1.25, 3.75)]


def random_laws(seed):
    rng = np.random.default_rng(seed)
    p, q = (Normal(rng.uniform(-3, 3), rng.uniform(.4, 2.5)) for _ in "pq")
    return p, q, rng.uniform(-3, 3, 3)


# ---------------------------------------------------------------- the losses

@pytest.mark.parametrize("a, b, c", CODINGS)
@pytest.mark.parametrize("real, fake", [(REAL, FEWER), (FEWER, REAL)])
def test_values_and_gradients_on_asymmetric_scores(a, b, c, real, fake):
    game = least_squares(fake=a, real=b, target=c)
    x, z = leaf(real), leaf(fake)
    loss = game["f"](itself, itself, x, z)
    by_hand = (sum((s - b) ** 2 for s in real) / len(real)
               + sum((s - a) ** 2 for s in fake) / len(fake)) / 2
    assert loss.item() == pytest.approx(by_hand, rel=1e-14) and loss.dtype == torch.float64
    loss.backward()
    assert x.grad.tolist() == pytest.approx([(s - b) / len(real) for s in real], rel=1e-14)
    assert z.grad.tolist() == pytest.approx([(s - a) / len(fake) for s in fake], rel=1e-14)

    z = leaf(fake)
    loss = game["g"](itself, itself, z)
    assert loss.item() == pytest.approx(sum((s - c) ** 2 for s in fake) / len(fake) / 2, rel=1e-14)
    loss.backward()
    assert z.grad.tolist() == pytest.approx([(s - c) / len(fake) for s in fake], rel=1e-14)


def test_hand_numbers():
    game = least_squares(fake=-1, real=1, target=0)
    assert game["f"](itself, itself, leaf([3., 0.]), leaf([1.])).item() == (4 + 1) / 4 + 4 / 2
    assert game["g"](itself, itself, leaf([3., 0.])).item() == 9 / 4


def test_by_default_zero_one_one_in_the_order_f_g():
    game = least_squares()
    assert game.players == ("f", "g") and game.moves[0].needs == ("f", "g", "x", "z")
    x, z = leaf(REAL), leaf(FEWER)
    for player, args in [("f", (itself, itself, x, z)), ("g", (itself, itself, z))]:
        assert game[player](*args).item() == least_squares(0., 1., 1.)[player](*args).item()


@pytest.mark.parametrize("n", [3, 8])
def test_a_network_of_either_batch_size(n):
    torch.manual_seed(n)
    x, z, f = torch.randn(n, 2).double(), torch.randn(n, 2).double(), mlp_critic(2).double()
    game, g = least_squares(-1, 2, 1.5), lambda z: 2 * z + 1
    together = game["f"](f, g, x, z)                          # one pass of [x; g(z)]
    apart = game["f"](lambda x: f(x), g, x, z)                # a plain function: two passes
    torch.testing.assert_close(together, apart, rtol=1e-13, atol=0)
    assert game["g"](f, g, z).item() == pytest.approx(((f(g(z)) - 1.5) ** 2).mean().item() / 2,
                                                      rel=1e-14)


@pytest.mark.parametrize("labels",
                         [dict(fake=1), dict(fake=.5, real=.5), dict(fake=-1, real=-1.0, target=0)])
def test_equal_labels_are_refused(labels):
    with pytest.raises(ValueError, match="paper's a.*choose two labels"):
        least_squares(**labels)


@pytest.mark.parametrize("labels",
                         [dict(fake=math.nan), dict(real=math.inf), dict(target=math.nan)])
def test_labels_must_be_finite(labels):
    with pytest.raises(ValueError, match="finite"):
        least_squares(**labels)


# ---------------------------------------------------------------- the best critic and its value

@pytest.mark.parametrize("a, b, c", CODINGS)
def test_the_best_critic_at_single_points(a, b, c):
    p, q = Normal(.4, .7), Mixture([Normal(-1, .5), Normal(2, 1.1)], [.3, .7])
    f = exact.least_squares_critic(p, q, a, b)
    for x in (-1.3, .2, 1.9):
        u, v = p.pdf(x), q.pdf(x)
        assert f(x) == pytest.approx((b * u + a * v) / (u + v), rel=1e-13)
        search = minimize_scalar(lambda t: u * (t - b) ** 2 + v * (t - a) ** 2)
        assert f(x) == pytest.approx(search.x, abs=1e-6)


def test_no_other_critic_costs_less():
    p, q, f = Normal(0, 1), Normal(1, 1.5), exact.least_squares_critic(Normal(0, 1), Normal(1, 1.5))
    cost = lambda f: quad(lambda x: p.pdf(x) * (f(x) - 1) ** 2 + q.pdf(x) * f(x) ** 2,
                          -20, 20)[0] / 2
    best = cost(f)
    assert best == pytest.approx((2 - exact.triangular(p, q)) / 8, abs=1e-9)
    for other in (lambda x: f(x) + .05, lambda x: 1.1 * f(x), lambda x: f(x - .2), lambda x: .5):
        assert cost(other) > best + 1e-4


@pytest.mark.parametrize("seed", range(12))
def test_the_identity_for_every_a_b_c(seed):
    p, q, (a, b, c) = random_laws(seed)
    chi2 = exact.triangular(p, q)
    twice = 2 * exact.least_squares_value(p, q, a, b, c)
    assert twice == pytest.approx(
        (b - a) ** 2 / 4 * chi2 + (b - a) ** 2 / 2 + 2 * (b - c) * (a - c), abs=1e-10)
    assert twice == pytest.approx((b - a) ** 2 / 4 * chi2 + 2 * ((a + b) / 2 - c) ** 2, abs=1e-10)
    plain = quad(lambda x: (p.pdf(x) - q.pdf(x)) ** 2 / (p.pdf(x) + q.pdf(x)), -25, 25, limit=400,
                 epsabs=1e-12)[0]
    assert chi2 == pytest.approx(plain, abs=1e-9)


def test_the_codings_of_the_paper():
    p, q = Normal(0, 1), Normal(1.5, 2)
    chi2 = exact.triangular(p, q)
    assert 2 * exact.least_squares_value(p, q, -1, 1, 0) == pytest.approx(chi2, abs=1e-12)
    assert 2 * exact.least_squares_value(p, q, 0, 1, .5) == pytest.approx(chi2 / 4, abs=1e-12)
    assert 2 * exact.least_squares_value(p, q, 0, 1, 1) == pytest.approx(chi2 / 4 + .5, abs=1e-12)


def test_le_cam_is_bounded_by_two_and_symmetric():
    for p, q in [(Normal(), Normal(1e4)), (Uniform(0, 1), Uniform(2, 3)),
                 (Normal(0, 1e-3), Normal(0, 1e3))]:
        assert 1.99 < exact.triangular(p, q) <= 2 * (1 + 1e-15)      # a rounding of the last digit
    assert exact.triangular(Normal(2, .3), Normal(2, .3)) == 0
    assert exact.triangular(Uniform(0, 1), Uniform(.5, 1.5)) == pytest.approx(1, abs=1e-12)
    p, q = Normal(0, 1), Normal(1, 2)
    assert exact.triangular(p, q) == pytest.approx(exact.triangular(q, p), abs=1e-13)


@pytest.mark.parametrize("seed", range(6))
def test_between_js_and_four_js(seed):
    p, q, _ = random_laws(seed)
    chi2 = exact.triangular(p, q)
    assert chi2 / 4 <= js(p, q) <= chi2 * np.log(2) / 2


# ---------------------------------------------------------------- what the generator feels

# distance: the frozen gradient as a share of ∇χ²/2, coding (-1, 1, 0)
RATIO = {.5: .056, 1: .177, 2: .420, 4: .708, 8: .896}


@pytest.mark.parametrize("theta, ratio", RATIO.items())
def test_the_ratios_of_the_table(theta, ratio):
    p, q = Normal(0, 1), Normal(theta, 1)
    slope = exact.triangular_slope(p, q)
    r = exact.least_squares_gradient(p, q, -1, 1, 0) / (slope / 2)
    assert r == pytest.approx(ratio, abs=5e-4)
    for a, b, c in CODINGS:
        kappa = (2 * c - a - b) / (b - a)
        felt = exact.least_squares_gradient(p, q, a, b, c) / ((b - a) ** 2 / 8 * slope)
        assert felt == pytest.approx(r + kappa * (1 + r), rel=1e-9)


@pytest.mark.parametrize("theta, ratio", [(.5, 1.11), (1, 1.35), (2, 1.84)])
def test_the_ratios_of_zero_one_one(theta, ratio):
    p, q = Normal(0, 1), Normal(theta, 1)
    felt = exact.least_squares_gradient(p, q, 0, 1, 1) / (exact.triangular_slope(p, q) / 8)
    assert felt == pytest.approx(ratio, abs=5e-3)


@pytest.mark.parametrize("theta", [.3, 1.7, 6.])
def test_slopes_are_difference_quotients(theta):
    p, h = Normal(.2, 1.1), 1e-4
    moved = lambda t: Normal(t, .8)
    chi2 = (exact.triangular(p, moved(theta + h)) - exact.triangular(p, moved(theta - h))) / (2 * h)
    assert exact.triangular_slope(p, moved(theta)) == pytest.approx(chi2, rel=1e-5, abs=1e-9)
    for a, b, c in CODINGS:
        f = exact.least_squares_critic(p, moved(theta), a, b)                        # frozen
        loss = lambda t: quad(lambda x: moved(t).pdf(x) * (f(x) - c) ** 2, -14, 16, limit=200,
                              epsabs=1e-13)[0] / 2
        felt = (loss(theta + h) - loss(theta - h)) / (2 * h)
        assert exact.least_squares_gradient(p, moved(theta), a, b, c) == pytest.approx(
            felt, rel=1e-5, abs=1e-8)


def test_against_the_critic_itself_the_slope_is_exact():
    """A generator that maximises f's loss, -½ E (f - a)², descends χ² (envelope theorem)."""
    p, q = Normal(0, 1), Normal(1.3, 1.6)
    for a, b, _ in CODINGS:
        zero_sum = -exact.least_squares_gradient(p, q, a, b, a)
        assert zero_sum == pytest.approx((b - a) ** 2 / 8 * exact.triangular_slope(p, q), rel=1e-10)


def test_no_score_sees_an_edge_move():
    with pytest.raises(ValueError, match="jumps"):
        exact.triangular_slope(Uniform(0, 1), Uniform(.5, 1.5))


# ---------------------------------------------------------------- the pictures of lesson 04

def test_the_explorer_says_what_the_exact_module_says():
    labels = explorers.labels()
    for state in (dict(a=-1., b=1., c=0., distance=4.), dict(a=0., b=1., c=1., distance=2.),
                  dict(a=1., b=-.5, c=2., distance=.5)):
        labels.draw(**state)
        *_, felt, dot, title = labels._artists
        q, (a, b, c) = Normal(state["distance"], 1), (state[name] for name in "abc")
        here = exact.least_squares_gradient(Normal(0, 1), q, a, b, c)
        assert dot.get_ydata()[0] == pytest.approx(here / ((b - a) ** 2 / 4))
        curve = np.interp(state["distance"], felt.get_xdata(), felt.get_ydata())
        assert curve == pytest.approx(dot.get_ydata()[0], rel=1e-9)
        assert f"{here:.4f}" in title.get_text()
    assert "ratio to the slope of C 0.708" in title_of(labels, a=-1., b=1., c=0., distance=4.)


def test_the_explorer_at_its_edges():
    labels = explorers.labels()
    assert "no generator learns" in title_of(labels, a=.5, b=.5)
    assert "0/0" in title_of(labels, a=0., b=1., distance=0.)
    # nothing is left behind
    assert labels.draw(a=-1., b=1., c=0., distance=2.) == explorers.labels().draw()


def test_moving_all_labels_together_changes_nothing():
    explorer = explorers.labels()
    before, after = (title_of(explorer, a=d, b=1 + d, c=1 + d, distance=3.) for d in (0., .5))
    assert before == after


def test_two_losses():
    figure, (left, right) = plots.figure(2)
    explorers.two_losses(left, right)
    sigmoid, squares = (line.get_ydata() for line in right.lines[:2])
    x = right.lines[0].get_xdata()
    # pushes on the sample at x
    assert np.allclose(squares, -x) and (sigmoid < 0).all() and sigmoid[0] > -2e-4


def test_the_questions_have_the_answers_of_the_page():
    answer = {name: right() for name, (right, _) in QUESTIONS.items()}
    assert answer["04 noisy"] == pytest.approx(.45)
    assert answer["04 step"] == pytest.approx(2 - .0625)
    assert answer["04 log"] == "B"
