"""Relativistic games: losses by hand, the best critics and their values, what generators feel, and
a trained critic."""
import math

import numpy as np
import pytest
import torch
from helpers import FAKE, REAL, itself, leaf, softplus
from scipy.integrate import dblquad, quad
from scipy.optimize import minimize, minimize_scalar
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from gan_lessons import (
    Game,
    Images,
    Line,
    Mixture,
    Normal,
    Uniform,
    adam,
    batches,
    js,
    js_slope,
    kl,
    log_ratio,
    mlp_critic,
    non_saturating,
    on_arrays,
    train,
    wasserstein,
)
from gan_lessons.drawing import plots
from gan_lessons.exact import relativistic as exact
from gan_lessons.exact.minimax import generator_gradient
from gan_lessons.explorers import relativistic as explorers
from gan_lessons.objectives.relativistic import KINDS, PAIR_LOSSES, average, pairwise, relativistic
from gan_lessons.players.image_networks import dcgan_critic, dcgan_generator
from gan_lessons.questions import relativistic as questions

BY_HAND = {
    "S": lambda t: softplus(-t),
    "LS": lambda t: (t - 1) ** 2,
    "Hinge": lambda t: max(.0, 1 - t),
    "": lambda t: -t,
}
SLOPE = {
    "S": lambda t: -1 / (1 + math.exp(t)),
    "LS": lambda t: 2 * (t - 1),
    "Hinge": lambda t: -float(t < 1),
    "": lambda t: -1.0,
}


def pair_loss_of(kind):
    return kind.removeprefix("Ra").removeprefix("R").removesuffix("GAN")


def by_hand(kind, first, second):
    """Value and both gradients, written with sums."""
    h, d = BY_HAND[pair_loss_of(kind)], SLOPE[pair_loss_of(kind)]
    if not kind.startswith("Ra"):
        leads = [a - b for a, b in zip(first, second)]
        n = len(leads)
        return sum(map(h, leads)) / n, [d(t) / n for t in leads], [-d(t) / n for t in leads]
    n, m = len(first), len(second)
    one, two = sum(first) / n, sum(second) / m
    ahead, behind = [a - two for a in first], [one - b for b in second]
    value = sum(map(h, ahead)) / n + sum(map(h, behind)) / m
    on_first = [d(t) / n + sum(map(d, behind)) / m / n for t in ahead]
    on_second = [-d(t) / m - sum(map(d, ahead)) / n / m for t in behind]
    return value, on_first, on_second


# ---------------------------------------------------------------- the losses

@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("real, fake", [(REAL, FAKE), (FAKE, REAL), (REAL[:3], FAKE[1:])])
def test_values_and_gradients_on_asymmetric_scores(kind, real, fake):
    game = relativistic(kind)
    for player, swapped in (("f", False), ("g", True)):
        x, z = leaf(real), leaf(fake)
        loss = game[player](itself, itself, x, z)
        loss.backward()
        value, first, second = by_hand(kind, *((fake, real) if swapped else (real, fake)))
        on_real, on_fake = (second, first) if swapped else (first, second)
        assert loss.dtype == torch.float64 and loss.item() == pytest.approx(value, rel=1e-13)
        assert x.grad.tolist() == pytest.approx(on_real, rel=1e-12, abs=1e-15)
        assert z.grad.tolist() == pytest.approx(on_fake, rel=1e-12, abs=1e-15)


def test_hand_numbers():
    x, z = leaf([3., 1.]), leaf([0., 2.])
    assert relativistic("RaLSGAN")["f"](itself, itself, x, z).item() == 2
    assert relativistic("RaLSGAN")["g"](itself, itself, x, z).item() == 10
    assert relativistic("RHinge")["f"](itself, itself, x, z).item() == (0 + 2) / 2
    assert relativistic("RGAN")["g"](itself, itself, x, z).item() == 1


@pytest.mark.parametrize("kind, nothing", [("RGAN", 0), ("RSGAN", math.log(2)), ("RLSGAN", 1),
                                           ("RHinge", 1), ("RaGAN", 0), ("RaSGAN", 2 * math.log(2)),
                                           ("RaLSGAN", 2), ("RaHinge", 2)])
def test_who_says_one_thing_to_everything(kind, nothing):
    same = leaf([1.7] * 5)
    for player in "fg":
        loss = relativistic(kind)[player](itself, itself, same, same)
        assert loss.item() == pytest.approx(nothing, abs=1e-15)


def test_two_questions_for_a_pair_are_one():
    lead = torch.tensor(REAL, dtype=torch.float64) - torch.tensor(FAKE, dtype=torch.float64)
    yes = binary_cross_entropy_with_logits(lead, torch.ones_like(lead))
    no = binary_cross_entropy_with_logits(-lead, torch.zeros_like(lead))
    loss = relativistic("RSGAN")["f"](itself, itself, leaf(REAL), leaf(FAKE))
    assert loss.item() == pytest.approx(yes.item(), rel=1e-14)
    assert loss.item() == pytest.approx(no.item(), rel=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_only_differences_count(kind):
    for player in "fg":
        x, z = leaf(REAL), leaf(FAKE)
        loss = relativistic(kind)[player](itself, itself, x, z)
        loss.backward()
        moved = relativistic(kind)[player](itself, itself, x + 3.25, z + 3.25)
        assert moved.item() == pytest.approx(loss.item(), rel=1e-12)
        assert (x.grad.sum() + z.grad.sum()).item() == pytest.approx(0, abs=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_the_generator_plays_with_roles_swapped(kind):
    game, x, z = relativistic(kind), leaf(REAL), leaf(FAKE)
    assert game["g"](itself, itself, x, z).item() == game["f"](itself, itself, z, x).item()


def test_identity_is_wgan_and_twice_wgan():
    for n in (3, 4):
        for times, kind in ((1, "RGAN"), (2, "RaGAN")):
            x, z, u, v = (leaf(values[:n]) for values in (REAL, FAKE, REAL, FAKE))
            mine = relativistic(kind)["f"](itself, itself, x, z)
            theirs = wasserstein()["f"](itself, itself, u, v)
            mine.backward(), theirs.backward()
            assert mine.item() == pytest.approx(times * theirs.item(), rel=1e-14)
            assert torch.equal(x.grad, times * u.grad) and torch.equal(z.grad, times * v.grad)


@pytest.mark.parametrize("n, m", [(4, 4), (4, 3), (2, 4)])
def test_squares_are_variances(n, m):
    x, z = leaf(REAL[:n]), leaf(FAKE[:m])
    variances = np.var(REAL[:n]) + np.var(FAKE[:m])                # population: divided by n
    gap = np.mean(REAL[:n]) - np.mean(FAKE[:m])
    assert relativistic("RaLSGAN")["f"](itself, itself, x, z).item() == pytest.approx(
        variances + 2 * (gap - 1) ** 2, rel=1e-13)
    assert relativistic("RaLSGAN")["g"](itself, itself, x, z).item() == pytest.approx(
        variances + 2 * (gap + 1) ** 2, rel=1e-13)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [3, 8])
def test_a_network_of_either_batch_size(kind, n):
    torch.manual_seed(n)
    x, z, f = torch.randn(n, 2).double(), torch.randn(n, 2).double(), mlp_critic(2).double()
    game, g = relativistic(kind), lambda z: 2 * z + 1
    for player in "fg":                                      # one pass of [x; g(z)] or two
        torch.testing.assert_close(game[player](f, g, x, z), game[player](lambda x: f(x), g, x, z),
                                   rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("kind", ["RaSGAN", "RaLSGAN", "RaHinge", "RaGAN"])
def test_averages_take_batches_of_any_two_sizes(kind):
    value, *_ = by_hand(kind, REAL, FAKE[:3])
    loss = relativistic(kind)["f"](itself, itself, leaf(REAL), leaf(FAKE[:3]))
    assert loss.item() == pytest.approx(value, rel=1e-13)


# ---------------------------------------------------------------- what is refused

@pytest.mark.parametrize("kind", ["RGAN", "RSGAN", "RLSGAN", "RHinge"])
@pytest.mark.parametrize("other", [leaf(FAKE[:3]), leaf([1.]), leaf(FAKE)[:, None]])
def test_pairs_need_partners(kind, other):
    for player in "fg":
        with pytest.raises(ValueError, match="do not pair.*RaSGAN"):
            relativistic(kind)[player](itself, itself, leaf(REAL), other)


@pytest.mark.parametrize("x, z", [(leaf(REAL)[:, None], leaf(FAKE)[:, None]),
                                  (leaf(REAL), leaf(FAKE)[:, None])])
def test_averages_need_one_number_a_sample(x, z):
    with pytest.raises(ValueError, match="Flatten"):
        relativistic("RaSGAN")["f"](itself, itself, x, z)


def test_unknown_names_list_the_choices():
    with pytest.raises(KeyError, match="RSGAN, RLSGAN, RHinge, RaGAN, RaSGAN"):
        relativistic("rsgan")
    with pytest.raises(KeyError, match="logistic, squares, hinge, identity"):
        relativistic((pairwise, "softplus"))


def test_a_comparison_and_a_pair_loss_of_ones_own():
    cubes = relativistic((average, lambda lead: lead ** 3))
    value = cubes["f"](itself, itself, leaf([2., 0.]), leaf([1., -1.]))
    assert value.item() == ((2 ** 3 + 0) + (0 + 2 ** 3)) / 2
    both = relativistic((pairwise, "squares")), relativistic("RLSGAN")
    assert len({game["f"](itself, itself, leaf(REAL), leaf(FAKE)).item() for game in both}) == 1
    assert set(PAIR_LOSSES) == {"logistic", "squares", "hinge", "identity"}


# ---------------------------------------------------------------- in the training loop

def test_both_losses_ask_for_real_samples():
    game = relativistic()
    assert game.players == ("f", "g")
    assert all(move.needs == ("f", "g", "x", "z") for move in game.moves)


def test_the_generator_learns_from_its_own_batch_and_the_last_bias_of_the_critic_never_does():
    critic, generator = mlp_critic(1), Line(3.)
    bias = critic.layers[-1].bias.clone()
    train(relativistic("RSGAN"), dict(f=critic, g=generator), batches(Normal(), z=Normal(dim=1)),
          steps=20, watch=None, optimizer=lambda weights: torch.optim.SGD(weights, lr=.1),
          precision="highest", reuse="g")
    assert generator.mean.item() != 3. and generator.sd.item() != 1.
    torch.testing.assert_close(critic.layers[-1].bias, bias, rtol=0, atol=1e-5)


@pytest.mark.parametrize("reuse", [None, "g"])
def test_pictures_and_batch_norm(reuse):
    images = torch.randint(0, 256, (40, 1, 28, 28), dtype=torch.uint8,
                           generator=torch.Generator().manual_seed(0))
    players = dict(f=dcgan_critic(width=4, batch_norm=True), g=dcgan_generator(noise=5, width=4))
    norm = next(m for m in players["f"].modules() if isinstance(m, nn.BatchNorm2d))
    run = train(relativistic("RaSGAN"), players, batches(images, z=Normal(dim=5), batch=8), steps=2,
                watch=None, reuse=reuse)
    assert np.isfinite(run.losses["f"]).all() and np.isfinite(run.losses["g"]).all()
    assert norm.num_batches_tracked == 4  # real and fake in the critic's own moves, none in g's


# ---------------------------------------------------------------- RSGAN's best critic and its value

CLOSED = {.5: .634269, 1: .491802, 2: .193075, 3: .045551}
BIMODAL, WIDE = Mixture([Normal(-2, .7), Normal(2, 1.2)], [.3, .7]), Normal(1, 1.5)


@pytest.mark.parametrize("theta, value", CLOSED.items())
def test_the_value_for_unit_normals(theta, value):
    p, q = Normal(0, 1), Normal(theta, 1)
    assert exact.pairwise_value(p, q) == pytest.approx(value, abs=6e-7)
    assert exact.pairwise_value(p, q) == pytest.approx(
        np.log(2) - js(p, Normal(2 ** .5 * theta, 1)), abs=1e-12)


def test_the_value_is_a_js_of_pairs():
    def integrand(v, u):
        one, two = BIMODAL.pdf(u) * WIDE.pdf(v), WIDE.pdf(u) * BIMODAL.pdf(v)
        middle = (one + two) / 2
        return (one * np.log(one / middle) + two * np.log(two / middle)) / 2
    by_definition = dblquad(integrand, -7, 9, -7, 9, epsabs=1e-5)[0]
    assert exact.product_js(BIMODAL, WIDE) == pytest.approx(by_definition, abs=2e-5)
    assert exact.product_js(WIDE, BIMODAL) == pytest.approx(exact.product_js(BIMODAL, WIDE),
                                                            abs=1e-9)


def test_ends_of_the_scale():
    assert exact.product_js(Normal(1, 2), Normal(1, 2)) == pytest.approx(0, abs=1e-12)
    assert exact.product_js(Uniform(0, 1), Uniform(2, 3)) == pytest.approx(np.log(2), abs=1e-12)
    overlapping = exact.pairwise_value(Uniform(0, 1), Uniform(.25, 1.25))
    assert overlapping == pytest.approx(9 / 16 * np.log(2), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_two_samples_say_more_than_one_and_at_most_twice_as_much(seed):
    rng = np.random.default_rng(seed)
    p, q = (Normal(rng.uniform(-2, 2), rng.uniform(.5, 2)) for _ in "pq")
    assert js(p, q) < exact.product_js(p, q) < 2 * js(p, q)


def test_no_other_critic_costs_less():
    p, q = Normal(0, 1), Normal(1, 1.4)
    f = log_ratio(p, q)
    best = exact.pairwise_value(p, q)
    assert exact.pairwise_value(p, q, lambda x: f(x) - 4) == pytest.approx(best, abs=1e-12)
    for other in (lambda x: 1.1 * f(x), lambda x: f(x) + .3 * np.sin(2 * x),
                  lambda x: np.clip(f(x), -1, 1)):
        assert exact.pairwise_value(p, q, other) > best + 1e-4


def test_the_best_critic_on_three_weights_by_search():
    """Laws on three points, all of it by sums: the minimiser is log p/q up to a constant."""
    p, q = np.array([.2, .5, .3]), np.array([.4, .1, .5])
    cost = lambda f: p @ np.logaddexp(0, -(f[:, None] - f)) @ q
    found = minimize(cost, np.zeros(3), tol=1e-12).x
    assert found - found[0] == pytest.approx(np.log(p / q) - np.log(p[0] / q[0]), abs=1e-4)


def test_a_trained_critic_reaches_the_value():
    for theta, tolerance in ((1., .02), (3., .02)):
        p, q = Normal(0, 1), Normal(theta, 1)
        run = train(Game({"f": relativistic("RSGAN")["f"]}),
                    dict(f=mlp_critic(1, width=32), g=Line(theta, learn="")),
                    batches(p, z=Normal(dim=1), batch=512), steps=300,
                    optimizer=adam(4e-3), watch=None)
        paid = exact.pairwise_value(p, q, on_arrays(run.players["f"]))
        best = exact.pairwise_value(p, q)
        assert best < paid < (1 + tolerance) * best


# ---------------------------------------------------------------- what the generator feels

@pytest.mark.parametrize("theta", [.3, 1.6, 4.])
def test_the_gradient_for_unit_normals(theta):
    p, q = Normal(0, 1), Normal(theta, 1)
    felt = exact.rsgan_gradient(p, q)
    assert felt == pytest.approx(theta - 2 ** .5 * js_slope(p, Normal(2 ** .5 * theta, 1)),
                                 rel=1e-10)
    plain = generator_gradient(p, q, "non-saturating")
    assert plain < felt < 1.151 * plain


@pytest.mark.parametrize("mean", [-2.5, .4, 3.])
def test_the_gradient_is_the_slope_of_kl_minus_the_js_of_pairs(mean):
    h = 1e-4
    moved = lambda t: Normal(mean + t, 1.5)
    value = lambda t: kl(moved(t), BIMODAL) - exact.product_js(BIMODAL, moved(t))
    assert exact.rsgan_gradient(BIMODAL, moved(0)) == pytest.approx(
        (value(h) - value(-h)) / (2 * h), rel=1e-5)


def test_the_gradient_is_that_of_the_loss_with_a_frozen_critic():
    p, q, h = Normal(0, 1), Normal(1.2, .8), 1e-4
    f = log_ratio(p, q)
    loss = lambda t: exact.pairwise_value(Normal(1.2 + t, .8), p, f)  # roles swapped
    assert exact.rsgan_gradient(p, q) == pytest.approx((loss(h) - loss(-h)) / (2 * h), rel=1e-6)


# ---------------------------------------------------------------- averages

@pytest.mark.parametrize("seed", range(4))
def test_ralsgan_is_solved(seed):
    rng = np.random.default_rng(seed)
    p, q = (Normal(rng.uniform(-2, 2), rng.uniform(.5, 2)) for _ in "pq")
    f, squares = exact.ralsgan_critic(p, q), lambda lead: (lead - 1) ** 2
    best = exact.average_value(p, q, f, squares)
    assert best == pytest.approx(exact.ralsgan_value(p, q), abs=1e-11)
    for other in (lambda x: 1.1 * f(x), lambda x: f(x) + .1 * np.sin(x), lambda x: f(x) ** 3):
        assert exact.average_value(p, q, other, squares) > best + 1e-5
    assert exact.average_value(p, q, lambda x: f(x) + 7, squares) == pytest.approx(best, abs=1e-11)


def test_ralsgan_on_three_weights_by_search():
    p, q = np.array([.2, .5, .3]), np.array([.4, .1, .5])
    cost = lambda f: p @ (f - q @ f - 1) ** 2 + q @ (p @ f - f - 1) ** 2
    chi2 = ((p - q) ** 2 / (p + q)).sum()
    found = minimize(cost, np.zeros(3), tol=1e-14)
    assert found.fun == pytest.approx(2 * (2 - chi2) / (2 + 3 * chi2), abs=1e-8)
    wanted = 4 / (2 + 3 * chi2) * (p - q) / (p + q)
    assert found.x - found.x[0] == pytest.approx(wanted - wanted[0], abs=1e-4)


@pytest.mark.parametrize("theta", [.5, 1., 2.7])
def test_straight_lines(theta):
    p, q = Normal(0, 1), Normal(theta, 1)
    squares = minimize_scalar(lambda w: exact.average_value(p, q, lambda x: -w * x,
                                                            lambda t: (t - 1) ** 2))
    assert squares.x == pytest.approx(theta / (1 + theta ** 2), abs=1e-6)
    assert squares.fun == pytest.approx(2 / (1 + theta ** 2), abs=1e-12)
    logistic = minimize_scalar(lambda w: exact.average_value(p, q, lambda x: -w * x), bounds=(0, 9),
                               method="bounded")
    assert logistic.x == pytest.approx(2 * theta, abs=1e-3)
    assert logistic.fun == pytest.approx(2 * np.log(2) - 2 * js(p, Normal(2 * theta, 1)), abs=1e-7)


@pytest.mark.parametrize("theta", [.4, 1.3, 5.])
def test_ralsgans_gradient_is_that_of_the_loss_with_a_frozen_critic(theta):
    p, h = Normal(.2, 1.1), 1e-4
    f = exact.ralsgan_critic(p, Normal(theta, .8))

    def loss(t):  # roles swapped
        q = Normal(theta + t, .8)
        real, fake = (quad(lambda x: law.pdf(x) * f(x), -12, 14, limit=200)[0] for law in (p, q))
        integral = lambda h: quad(h, -12, 14, limit=200, epsabs=1e-12)[0]
        return (integral(lambda x: q.pdf(x) * (f(x) - real - 1) ** 2)
                + integral(lambda x: p.pdf(x) * (fake - f(x) - 1) ** 2))

    assert exact.ralsgan_gradient(p, Normal(theta, .8)) == pytest.approx(
        (loss(h) - loss(-h)) / (2 * h), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("pair_loss", [exact.logistic, lambda t: np.maximum(0, 1 - t)])
def test_an_average_can_be_bought(pair_loss):
    from scipy.stats import norm
    p, q = Normal(0, 1), Normal(1, 1)
    def cost(T, K):
        return exact.average_value(
            p, q, lambda x: K / norm.cdf(-T) * ((x < -T) * 1. - (x > 1 + T) * 1.), pair_loss)

    costs = [cost(*bribe) for bribe in [(2, 1), (4, 4), (6, 8), (8, 8)]]
    assert costs[-1] < .01 < exact.average_value(p, q, lambda x: -2 * x, pair_loss)
    assert costs == sorted(costs, reverse=True)
    squares = exact.average_value(p, q, lambda x: 4 / norm.cdf(-4) * ((x < -4) * 1. - (x > 5) * 1.),
                                  lambda t: (t - 1) ** 2)
    assert squares > 2                                          # worse than saying nothing


# ---------------------------------------------------------------- the pictures of lesson 11

def test_pushes_are_minus_the_gradients_by_hand():
    for kind in ("RSGAN", "RaSGAN", "RaLSGAN", "RaHinge"):
        up, down = explorers.pushes(explorers.GAMES[kind], "f", np.array(REAL), np.array(FAKE))
        _, first, second = by_hand(kind, REAL, FAKE)
        assert -up == pytest.approx(first, rel=1e-12, abs=1e-15)
        assert -down == pytest.approx(second, rel=1e-12, abs=1e-15)
    nobody, felt = explorers.pushes(non_saturating(), "g", np.array(REAL), np.array(FAKE))
    assert not nobody.any()
    assert felt == pytest.approx([1 / (1 + math.exp(s)) / 4 for s in FAKE], rel=1e-12)


@pytest.mark.parametrize("objective, changed",
                         [("RSGAN", [True, False, False, False]), ("RaSGAN", [True] * 4),
                          ("RaLSGAN", [True] * 4), ("non-saturating", [False] * 4),
                          ("WGAN", [False] * 4)])
def test_which_pushes_change_when_a_real_score_is_dragged(objective, changed):
    real, fake = explorers.SCORES
    game = explorers.GAMES[objective]
    before, after = (explorers.pushes(game, "g", np.array([first, *real[1:]]), fake)[1]
                     for first in (2.6, 3.9))
    assert (np.abs(before - after) > 1e-6).tolist() == changed


def test_the_scores_explorer_says_what_the_games_say():
    explorer = explorers.scores()
    for objective in explorers.GAMES:
        explorer.draw(objective=objective, real=.4, fake=1.2)
        title = explorer._artists[-1].get_text()
        x, z = np.array([.4, *explorers.SCORES[0][1:]]), np.array([1.2, *explorers.SCORES[1][1:]])
        total = sum(part.sum() for part in explorers.pushes(explorers.GAMES[objective], "f", x, z))
        assert title.startswith(objective)
        assert f"add up to {total + 0.0:+.3f}".replace("-0.000", "+0.000") in title
        assert (abs(total) > .01) == (objective == "non-saturating")
    # nothing is left behind
    assert explorer.draw(objective="RSGAN", real=2.6, fake=-.1) == explorers.scores().draw()


def test_the_atlas_says_what_the_exact_module_says():
    atlas, p = explorers.atlas(), Normal(0, 1)
    for distance in (.1, 1.6, 7.3, 11.):
        atlas.draw(distance=distance)
        *_, dots, title = atlas._artists
        q = Normal(distance, 1)
        pairs, plain = exact.rsgan_gradient(p, q), generator_gradient(p, q, "non-saturating")
        said = title.get_text()
        assert f"feels {pairs:.4f}, non-saturating {plain:.4f}, ratio {pairs / plain:.4f}" in said
        assert f"JS of pairs {exact.product_js(p, q):.4f}, of samples {js(p, q):.4f}" in said
        heights = [dot.get_ydata()[0] for dot in dots]
        assert heights[2] == pytest.approx(pairs, rel=1e-9)
        assert heights[4] == pytest.approx(max(exact.ralsgan_gradient(p, q), explorers.FLOOR),
                                           rel=1e-9)


def test_the_line_for_rasgan_feels_four_times_the_slope():
    """A frozen critic of slope -2θ; roles swapped; the average loss as a difference quotient."""
    theta, h, p = 1.4, 1e-4, Normal(0, 1)
    loss = lambda t: exact.average_value(Normal(theta + t, 1), p, lambda x: -2 * theta * x)
    felt = explorers.felt(np.array([theta]))["RaSGAN, best straight line"][0]
    assert felt == pytest.approx((loss(h) - loss(-h)) / (2 * h), rel=1e-6)


def test_pictures_without_sliders():
    figure, (left, right) = plots.figure(2)
    explorers.two_tests(left, right)
    wrong = [line for line in right.lines if line.get_color() == plots.BAD]
    # the fake is ahead
    assert len(wrong) == 1 and wrong[0].get_ydata()[0] > wrong[0].get_ydata()[1]
    figure, ax = plots.figure()
    explorers.pair_plane(ax, 2.)
    assert any("2.83" in text.get_text() for text in ax.texts)


def test_scores_along_a_training():
    images = Images(torch.randint(0, 256, (40, 1, 28, 28), dtype=torch.uint8,
                                  generator=torch.Generator().manual_seed(0)),
                    torch.zeros(40, dtype=torch.int64), ("noise",))
    record = explorers.Along(images, n=8, looks=2)
    players = lambda: dict(f=dcgan_critic(width=4), g=dcgan_generator(noise=5, width=4))
    source = lambda: batches(images, z=Normal(dim=5), batch=8)
    watched, alone = (train(relativistic("RSGAN"), players(), source(), steps=4, watch=watch)
                      for watch in (record, None))
    assert watched.losses == alone.losses                        # to look in changes nothing
    assert record.steps == [2, 4] and np.shape(record.real) == np.shape(record.fake) == (2, 8)
    assert record.height()[1] == pytest.approx(
        np.concatenate([record.real[1], record.fake[1]]).mean(), rel=1e-5)
    figure, ax = plots.figure()
    explorers.along(ax, record, "RSGAN")
    assert ax.lines[0].get_ydata() == pytest.approx(np.mean(record.real, 1))


def test_questions_of_lesson_11():
    assert questions._left_alone() == pytest.approx(.62, abs=1e-6)
    assert questions.bought_hinge(5, 1.1) < .01 < min(questions.bought_hinge(5, K) for K in (1, 2))
