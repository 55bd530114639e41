"""LS-GAN: the losses by hand, the SVM against scikit-learn, the best loss function, and where the
game can rest."""
import copy
import itertools

import numpy as np
import pytest
import torch
from helpers import answers_to, itself, leaf, title_of
from scipy.optimize import linprog, minimize
from torch import nn

from gan_lessons import Game, Line, Normal, adam, batches, mlp_critic, on_arrays, train
from gan_lessons.drawing import plots
from gan_lessons.exact.loss_sensitive import best_loss, distances, svm
from gan_lessons.explorers import loss_sensitive as explorers
from gan_lessons.objectives.loss_sensitive import all_pairs, loss_sensitive, margin, matched
from gan_lessons.questions.loss_sensitive import one_step

REAL = [[-5., 1.4], [12.5, 2.7], [.3, -7.1]]  # the first number of a sample is its l below
FAKE = [[4., -.6], [-2.2, 3.5], [9.1, .8], [.1, 20.]]
first_number = lambda x: x[:, 0]


def lp_norm(a, b, p):
    gaps = [abs(u - v) for u, v in zip(a, b)]
    return max(gaps) if p == np.inf else sum(gap ** p for gap in gaps) ** (1 / p)


# ---------------------------------------------------------------- the losses

@pytest.mark.parametrize("scale, p, weight, first",
                         [(1, 1, 1, 1), (.3, 2, 4.5, 0), (2e-4, 1, .7, 2.5), (1.7, np.inf, 3, .1)])
@pytest.mark.parametrize("real, fake, pairs",
                         [(REAL, FAKE[:3], matched), (FAKE[:2], REAL[:2], matched),
                          (REAL, FAKE, all_pairs), (FAKE, REAL, all_pairs)],
                         ids=["3:3", "2:2", "3x4", "4x3"])
def test_values_and_gradients_by_hand(scale, p, weight, first, real, fake, pairs):
    join = zip if pairs is matched else itertools.product
    chosen = list(join(range(len(real)), range(len(fake))))
    value, slopes_x, slopes_z = 0., [first / len(real)] * len(real), [0.] * len(fake)
    for i, j in chosen:
        lack = scale * lp_norm(real[i], fake[j], p) + real[i][0] - fake[j][0]
        value += weight * max(0, lack) / len(chosen)
        slopes_x[i] += weight / len(chosen) * (lack > 0)
        slopes_z[j] -= weight / len(chosen) * (lack > 0)
    value += first * sum(x[0] for x in real) / len(real)

    x, z = leaf(real), leaf(fake)
    game = loss_sensitive(margin(scale, p), weight, first=first, pairs=pairs)
    loss = game["l"](first_number, itself, x, z)
    assert loss.item() == pytest.approx(value, abs=1e-12) and loss.dtype == torch.float64
    loss.backward()
    assert x.grad[:, 0].tolist() == pytest.approx(slopes_x, abs=1e-13)
    assert z.grad[:, 0].tolist() == pytest.approx(slopes_z, abs=1e-13)
    assert x.grad[:, 1].abs().max() == z.grad[:, 1].abs().max() == 0  # the margin is a constant


def test_the_batch_of_the_page():
    l = {0: .5, 1: 0, 3: 1, 4: .2, 2: 1.8, 1.5: .3, 3.001: 2.5, 7: 3}
    x, z = (torch.tensor(values, dtype=torch.float64)[:, None]
            for values in ([0, 1, 3, 4], [2, 1.5, 3.001, 7]))
    score = lambda x: torch.tensor([l[value] for value in x[:, 0].tolist()], dtype=torch.float64)
    game = lambda **how: loss_sensitive(weight=2, **how)["l"](score, itself, x, z).item()
    assert game() == pytest.approx(.425 + 2 * .275, abs=1e-12)
    assert game(first=0) == pytest.approx(2 * .275, abs=1e-12)


def test_the_generator_minimises_l_of_its_fakes():
    game, z = loss_sensitive(margin(3), 5), leaf(FAKE)
    loss = game["g"](first_number, itself, z)
    loss.backward()
    assert loss.item() == pytest.approx((4 - 2.2 + 9.1 + .1) / 4, abs=1e-14)
    assert z.grad.tolist() == [[.25, 0]] * 4
    assert game.players == ("l", "g") and game.moves[0].needs == ("l", "g", "x", "z")


@pytest.mark.parametrize("n", [3, 8])
def test_one_pass_or_two_and_either_batch_size(n):
    torch.manual_seed(n)
    x = torch.randn(n, 2).double()
    z = torch.randn(n, 2).double()
    l = nn.Sequential(mlp_critic(2), nn.Softplus()).double()
    for pairs in (matched, all_pairs):
        loss = loss_sensitive(margin(.5), 2, pairs=pairs)["l"]
        torch.testing.assert_close(loss(l, itself, x, z), loss(lambda x: l(x), itself, x, z),
                                   rtol=1e-13, atol=0)


@pytest.mark.parametrize("seed", range(3))
def test_all_pairs_are_the_mean_over_all_ways_to_match(seed):
    torch.manual_seed(seed)
    n = 5
    x = torch.randn(n, 3).double()
    z = torch.randn(n, 3).double()
    l = mlp_critic(3, seed=seed).double()
    shifted = [loss_sensitive(weight=3)["l"](l, itself, x, z.roll(k, 0)).item() for k in range(n)]
    assert loss_sensitive(weight=3, pairs=all_pairs)["l"](l, itself, x, z).item() == pytest.approx(
        np.mean(shifted), abs=1e-13)


def test_the_scale_is_a_unit_of_l():
    torch.manual_seed(0)
    x, z, l = torch.randn(6, 2).double(), torch.randn(6, 2).double(), mlp_critic(2).double()
    one = loss_sensitive(margin(1), 3)["l"](l, itself, x, z).item()
    for k in (1e-4, .3, 50.):
        scaled = loss_sensitive(margin(k), 3)["l"](lambda x: k * l(x), itself, x, z).item()
        assert scaled == pytest.approx(k * one, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_positive_part_of_the_mean_is_smaller(seed):
    torch.manual_seed(seed)
    x = torch.randn(9, 2).double()
    z = torch.randn(9, 2).double() + 1
    l = mlp_critic(2, seed=seed).double()
    wrong = (margin()(x, z).mean() + l(x).mean() - l(z).mean()).relu()
    far = lambda x: 3 * x[:, 0].double()
    assert wrong.item() <= loss_sensitive(first=0)["l"](l, itself, x, z).item() + 1e-15
    of_means = (margin()(x, z).mean() + far(x).mean() - far(z).mean()).relu()
    assert of_means < loss_sensitive(first=0)["l"](far, itself, x, z)


def test_a_constant_added_to_l_shows_in_the_first_term_only():
    x, z = leaf(REAL), leaf(FAKE[:3])
    lifted = lambda x: x[:, 0] - 7
    for first in (0, 1, 2.5):
        game = loss_sensitive(weight=3, first=first)["l"]
        assert game(lifted, itself, x, z).item() == pytest.approx(
            game(first_number, itself, x, z).item() - 7 * first, abs=1e-12)


# ---------------------------------------------------------------- the margin

@pytest.mark.parametrize("p", [1, 1.5, 2, 3, np.inf])
def test_a_margin_is_a_norm_of_the_difference(p):
    x, z = leaf(REAL), leaf(FAKE[:3])
    by_hand = [.7 * lp_norm(a, b, p) for a, b in zip(REAL, FAKE)]
    assert margin(.7, p)(x, z).tolist() == pytest.approx(by_hand, rel=1e-14)
    table = [[lp_norm(a, b, p) for b in FAKE] for a in REAL]
    assert distances(REAL, FAKE, p) == pytest.approx(np.array(table), rel=1e-14)


def test_a_margin_is_a_sum_and_zero_at_home():
    x, half = torch.zeros(2, 3, 64, 64), torch.full((2, 3, 64, 64), .5)
    assert margin()(x, half).tolist() == [6144, 6144]
    assert margin()(x, half)[0] / (x - half).abs().mean() == 12288
    assert margin(2e-4)(x, half)[0].item() == pytest.approx(1.2288)
    assert margin()(half, half).tolist() == [0, 0]  # nn.PairwiseDistance(1) would say 0.0123


@pytest.mark.parametrize("bad", [dict(scale=-1), dict(p=.5), dict(scale=float("nan"))])
def test_negative_scales_and_no_norms_are_refused(bad):
    with pytest.raises(ValueError, match="scale ≥ 0 times a p-norm"):
        margin(**bad)


@pytest.mark.parametrize("bad", [dict(weight=-1), dict(first=-.1), dict(weight=float("nan"))])
def test_negative_weights_are_refused(bad):
    with pytest.raises(ValueError, match="0 or more"):
        loss_sensitive(**bad)


def test_what_does_not_pair_is_refused():
    x, z = leaf(REAL), leaf(FAKE)
    with pytest.raises(ValueError, match="3 real and 4 fake .* draw as many of each"):
        loss_sensitive()["l"](first_number, itself, x, z)
    with pytest.raises(ValueError, match="same shape"):
        loss_sensitive(pairs=all_pairs)["l"](first_number, lambda z: z[:, :1], x, z)


def test_margins_of_ones_own_are_checked():
    x, z = leaf(REAL), leaf(FAKE[:3])
    with pytest.raises(ValueError, match="margin of -2"):
        loss_sensitive(lambda x, y: torch.tensor([1., -2., 3.]))["l"](first_number, itself, x, z)
    with pytest.raises(ValueError, match="one number a pair"):
        loss_sensitive(lambda x, y: torch.ones(3, 1))["l"](first_number, itself, x, z)


# ---------------------------------------------------------------- the SVM

def two_clusters(seed, n, d, apart):
    rng = np.random.default_rng(seed)
    y = np.where(np.arange(n) % 3 == 0, 1., -1.)
    return 1.3 * rng.normal(size=(n, d)) + apart * y[:, None] + 5, y


@pytest.mark.parametrize("C", [.3, 3., 100.])
@pytest.mark.parametrize("seed, n, d, apart",
                         [(0, 7, 1, .8), (1, 13, 2, .8), (2, 31, 5, .5), (3, 24, 2, .2)])
def test_objective_and_slack_equal_those_of_scikit_learn(seed, n, d, apart, C):
    sklearn = pytest.importorskip("sklearn.svm")
    x, y = two_clusters(seed, n, d, apart)
    theirs, mine = sklearn.SVC(kernel="linear", C=C, tol=1e-9).fit(x, y), svm(x, y, C)
    square = theirs.coef_[0] @ theirs.coef_[0] / 2
    slack = np.maximum(0, 1 - y * theirs.decision_function(x))
    # of its dual, of its primal
    below, above = abs(theirs.dual_coef_).sum() - square, square + C * slack.sum()
    assert mine.value == pytest.approx(below, rel=1e-4)
    assert mine.value == pytest.approx(above, rel=1e-3)
    assert below * (1 - 1e-9) <= mine.value <= above * (1 + 1e-9)
    assert mine.w == pytest.approx(theirs.coef_[0], abs=1e-3)
    assert mine.slack.sum() == pytest.approx(slack.sum(), abs=1e-4 * (1 + slack.sum()))


@pytest.mark.parametrize("seed", range(3))
def test_without_slack_it_is_the_widest_margin(seed):
    sklearn = pytest.importorskip("sklearn.svm")
    x, y = two_clusters(seed, 20, 2, 4.)
    hard, soft = svm(x, y), sklearn.SVC(kernel="linear", C=1e5, tol=1e-10).fit(x, y)
    assert hard.w == pytest.approx(soft.coef_[0], abs=1e-4) and hard.slack.tolist() == [0] * 20
    reach = y * (x @ hard.w + hard.b)
    assert reach.min() == pytest.approx(1, abs=1e-7)
    assert (np.isclose(reach, 1, atol=1e-6)).sum() >= 2
    both = np.array([np.min(distances(x[y > 0], x[y < 0], 2))])
    assert 2 / np.linalg.norm(hard.w) <= both + 1e-9               # no margin is wider than the gap


@pytest.mark.parametrize("d, C", [(4, np.inf), (.3, np.inf), (4, 1), (1, 1), (.5, 1), (.5, 20)])
def test_two_samples_in_closed_form(d, C):
    found = svm([[1.], [1 + d]], [1, -1], C)
    assert abs(found.w[0]) == pytest.approx(min(2 / d, C * d), rel=1e-6)
    assert found.slack.sum() == pytest.approx(max(0, 2 - C * d * d) if np.isfinite(C) else 0,
                                              abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_slack_is_the_positive_part_and_no_boundary_costs_less(seed):
    x, y = two_clusters(seed, 9, 2, .4)
    found = svm(x, y, .7)
    assert found.slack == pytest.approx(np.maximum(0, 1 - y * (x @ found.w + found.b)), abs=1e-12)
    cost = lambda v: v[:2] @ v[:2] / 2 + .7 * np.maximum(0, 1 - y * (x @ v[:2] + v[2])).sum()
    blind = minimize(cost, np.zeros(3), method="Nelder-Mead",
                     options=dict(maxiter=20_000, maxfev=20_000, xatol=1e-9, fatol=1e-12))
    assert found.value <= blind.fun + 1e-9
    for step in np.random.default_rng(seed).normal(0, .05, (50, 3)):
        assert cost(np.r_[found.w, found.b] + step) > found.value - 1e-12


def test_units_and_places_do_not_matter():
    x, y = two_clusters(4, 12, 2, 1.)
    here, there = svm(x, y, 2.), svm(1000 * x - 3, y, 2e-6)
    assert there.w * 1000 == pytest.approx(here.w, rel=1e-5)
    assert there.slack == pytest.approx(here.slack, abs=1e-5)


def test_slack_counts_how_much_and_not_how_many():
    x, y = np.array([1., 2, 3, 5, 6, 7, -4]), np.array([1] * 3 + [-1] * 4)
    found = svm(x[:, None], y, .2)
    errors = lambda boundary: (y * (boundary - x) < 0).sum()
    assert (y * (x * found.w + found.b) < 0).sum() == 4
    assert min(map(errors, np.arange(-5, 8, .5))) == 1
    slack = lambda boundary: np.maximum(0, 1 - y * .2 * (boundary - x)).sum()
    assert slack(1.) == pytest.approx(found.slack.sum(), abs=1e-5) and slack(1.) < slack(4.)


def test_svms_that_cannot_be():
    with pytest.raises(ValueError, match="finite C"):
        svm([[0.], [1.], [2.]], [1, -1, 1])
    with pytest.raises(ValueError, match="penalty on slack"):
        svm([[0.], [1.]], [1, -1], 0)
    for labels in ([1, 1], [0, 1], [1, -1, 1]):
        with pytest.raises(ValueError, match=r"\+1 and -1"):
            svm([[0.], [1.]], labels)


# ---------------------------------------------------------------- the best loss function

@pytest.mark.parametrize("kappa", [0, .25, .8, 1, 2.5, np.inf])
def test_one_pair(kappa):
    best = best_loss([[1., 2.]], [[4., -2.]], weight=3, kappa=kappa)
    assert best.value == pytest.approx(3 * max(0, 1 - kappa) * 7, abs=1e-6)
    assert best.real[0] == pytest.approx(0, abs=1e-9)
    assert best.fake[0] == pytest.approx(min(kappa, 1) * 7, abs=1e-6)


def dual(p, q, delta, weight, first):
    """The largest Σ y Δ, 0 ≤ y ≤ weight p q, no place receiving more than it sends + first · p."""
    n = len(p)
    flow = np.zeros((n, n, n))
    for a in range(n):
        flow[a, :, a] += 1                                            # as a fake
        flow[a, a, :] -= 1                                            # as a real one
    found = linprog(-delta.ravel(), A_ub=flow.reshape(n, -1), b_ub=first * p,
                    bounds=np.c_[np.zeros(n * n), weight * np.outer(p, q).ravel()])
    return -found.fun


@pytest.mark.parametrize("seed, weight, first", [(0, 1, 1), (1, 4, 1), (2, .3, 0), (3, 20, .5)])
def test_the_value_is_that_of_the_dual_program(seed, weight, first):
    rng = np.random.default_rng(seed)
    places, p, q = rng.normal(size=(7, 2)), rng.dirichlet(np.ones(7)), rng.dirichlet(np.ones(7))
    best = best_loss(places, places, weight=weight, first=first, mass=p, mass_fake=q)
    assert best.value == pytest.approx(dual(p, q, distances(places, places), weight, first),
                                       abs=1e-6)


@pytest.mark.parametrize("pairs", ["all", "matched"])
@pytest.mark.parametrize("kappa", [.6, 1.5, np.inf])
def test_the_value_is_S_and_no_other_l_has_less(pairs, kappa):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(4, 2))
    fake = rng.normal(size=(4, 2)) + .7
    norm = lambda a, b: distances(a, b, 2)
    best = best_loss(x, fake, margin=norm, weight=2.5, kappa=kappa, pairs=pairs)

    def S(real, other):
        lacks = np.maximum(0, norm(x, fake) + real[:, None] - other)
        return real.mean() + 2.5 * (lacks if pairs == "all" else np.diag(lacks)).mean()
    assert best.value == pytest.approx(S(best.real, best.fake), abs=1e-12)
    mine = loss_sensitive(margin(p=2), 2.5, pairs=all_pairs if pairs == "all" else matched)["l"]
    known = {tuple(point): value for point, value in zip(best.points, best.values)}
    l = lambda x: torch.tensor([known[tuple(row)] for row in x.tolist()], dtype=torch.float64)
    loss = mine(l, itself, torch.tensor(x), torch.tensor(fake)).item()
    assert loss == pytest.approx(best.value, abs=1e-12)
    allowed = lambda v: not np.isfinite(kappa) or (
        abs(v[:, None] - v) <= kappa * norm(best.points, best.points) + 1e-12).all()
    tried = 0
    for size in (.3, .05, .01):
        for step in rng.normal(0, size, (200, 8)):
            other = np.maximum(0, best.values * rng.uniform(.8, 1) + step * rng.integers(0, 2, 8))
            if allowed(other):
                tried, where = tried + 1, {tuple(p): v for p, v in zip(best.points, other)}
                at = lambda points: np.array([where[tuple(point)] for point in points])
                assert S(at(x), at(fake)) >= best.value - 1e-9
    assert tried > 5


def test_masses_are_repeated_samples():
    x, fake = [0., 0, 2, 5], [1., 4, 4, 4]
    whole = best_loss(x, fake, weight=3, kappa=.7)
    short = best_loss([0., 2, 5], [1., 4], weight=3, kappa=.7, mass=[2, 1, 1], mass_fake=[1, 3])
    assert whole.value == pytest.approx(short.value, abs=1e-9)
    assert whole.values == pytest.approx(short.values, abs=1e-7)


def test_between_others_l_is_steeper_than_the_margin():
    best = best_loss([0., 10], [1., 9], weight=30)
    assert best.values == pytest.approx([0, 9, 9, 0], abs=1e-6)
    assert best.value == pytest.approx(0, abs=1e-6)
    assert best_loss([0., 10], [1., 9], weight=30, kappa=5).value > 1


def test_constraints_of_overlapping_distributions_contradict_each_other():
    for weight in (1, 100, 1e4):
        assert best_loss([0., 1], [0., 1], weight=weight).slack.sum() == pytest.approx(2, abs=1e-9)


@pytest.mark.parametrize("p", [1, 2, np.inf])
def test_both_cones_interpolate_and_are_lipschitz(p):
    rng, norm = np.random.default_rng(2), lambda a, b: distances(a, b, p)
    best = best_loss(rng.normal(size=(6, 2)), rng.normal(size=(5, 2)) + 1, margin=norm,
                     weight=6, kappa=.8)
    a, b = rng.uniform(-5, 5, (2, 400, 2))
    for cone in (best.lower, best.upper):
        assert cone(best.points) == pytest.approx(best.values, abs=1e-9)
        slopes = abs(cone(a) - cone(b)) / np.linalg.norm(a - b, ord=p, axis=1)
        assert slopes.max() <= .8 + 1e-9
        near = a + 1e-6 * rng.normal(size=a.shape)
        steep = abs(cone(a) - cone(near)) / np.linalg.norm(a - near, ord=p, axis=1)
        assert steep.max() <= .8 + 1e-6 and (cone is best.lower or steep.max() > .79)
    assert (best.lower(a) <= best.upper(a) + 1e-12).all() and (best.lower(a) >= 0).all()


def test_slack_falls_as_slopes_are_allowed():
    rng = np.random.default_rng(3)
    x, fake = rng.normal(size=5), rng.normal(size=5) + 1
    values = [best_loss(x, fake, weight=4, kappa=kappa).value for kappa in (0, .5, 1, 2, 5, np.inf)]
    assert all(a >= b - 1e-9 for a, b in zip(values, values[1:])) and values[0] > values[-1] + .1
    assert values[0] == pytest.approx(4 * distances(x, fake).mean(), abs=1e-6)


@pytest.mark.parametrize(
    "bad, says",
    [(dict(weight=-1), "0 or more"), (dict(kappa=-1), "0 or more"), (dict(first=-1), "0 or more"),
     (dict(pairs="some"), "matched"), (dict(pairs="matched"), "one to one"),
     (dict(mass=[1.]), "as many masses"), (dict(mass=[1., -1.]), "as many masses"),
     (dict(margin=lambda a, b: -distances(a, b)), "margin of -")])
def test_what_has_no_best_loss_is_refused(bad, says):
    with pytest.raises(ValueError, match=says):
        best_loss([0., 1.], [2., 3., 4.], **bad)


def test_samples_are_points_and_cones_need_a_slope():
    with pytest.raises(ValueError, match="samples are"):
        best_loss(np.zeros((2, 3, 4)), [1.])
    with pytest.raises(ValueError, match="no cones"):
        best_loss([0.], [1.]).upper([.5])


# ---------------------------------------------------------------- where the game can rest

@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("kappa", [np.inf, .5])
def test_zero_loss_is_best_exactly_under_the_ceiling(seed, kappa):
    rng = np.random.default_rng(seed)
    weight, p = rng.choice([.5, 1, 2, 4, 9]), rng.dirichlet(np.ones(6))
    q = p + rng.uniform() * (rng.dirichlet(np.ones(6)) - p)
    places = rng.normal(size=(6, 2))
    best = best_loss(places, places, weight=weight, kappa=kappa, mass=p, mass_fake=q)
    under = (q <= (1 + 1 / weight) * p).all()
    assert (best.values.max() < 1e-6) == under
    if under:
        assert abs(p - q).sum() <= 2 / (1 + weight) + 1e-12
        assert best.value == pytest.approx(weight * p @ distances(places, places) @ q, abs=1e-9)


@pytest.mark.parametrize("weight", [1, 3])
def test_the_bound_is_attained_by_leaving_samples_out(weight):
    places, p = np.arange(4.), np.ones(4) / 4
    kept = places < 4 * weight / (1 + weight)
    q = (1 + 1 / weight) * p * kept
    assert q.sum() == pytest.approx(1) and abs(p - q).sum() == pytest.approx(2 / (1 + weight))
    assert best_loss(places, places, weight=weight, mass=p, mass_fake=q).values.max() < 1e-6
    one_fewer = np.where(places < kept.sum() - 1, 1., 0)
    assert best_loss(places, places, weight=weight, mass=p, mass_fake=one_fewer).values.max() > .1


@pytest.mark.parametrize("scale", [.1, 30.])
def test_the_scale_moves_no_rest(scale):
    rng = np.random.default_rng(0)
    p, q, places = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(5)), np.arange(5.)
    one = best_loss(places, places, weight=2, mass=p, mass_fake=q)
    other = best_loss(places, places, weight=2, mass=p, mass_fake=q,
                      margin=lambda a, b: scale * distances(a, b))
    assert one.values.max() > .1
    assert other.values == pytest.approx(scale * one.values, abs=1e-5 * scale)


def test_a_trained_loss_function_comes_close_to_the_linear_program():
    p, q, at = Normal(0, 1), Normal(2, 1), np.linspace(-4, 6, 61)
    P, Q = (law.pdf(at) / law.pdf(at).sum() for law in (p, q))
    best = best_loss(at, at, weight=4, mass=P, mass_fake=Q)
    net = nn.Sequential(mlp_critic(1, width=32), nn.ReLU())
    train(Game({"l": loss_sensitive(weight=4)["l"]}), dict(l=net, g=Line(2., learn="")),
          batches(p, z=Normal(dim=1), batch=256), steps=250, optimizer=adam(5e-3), watch=None)
    l = on_arrays(net)(at)
    S = P @ l + 4 * P @ np.maximum(0, distances(at, at) + l[:, None] - l) @ Q
    assert best.value - 1e-9 <= S <= 1.03 * best.value


# ---------------------------------------------------------------- the pictures of lesson 09

def test_the_first_explorer_says_what_the_programs_say():
    explorer = explorers.svm_and_loss()
    for state in (dict(across=1.2, up=0., weight=2., kappa=1., p=1),
                  dict(across=-.5, up=.1, weight=4., kappa=.6, p=2)):
        text = title_of(explorer, **state)
        fakes = np.vstack([explorers.FAKE_POINTS, [[state["across"], state["up"]]]])
        best = best_loss(explorers.REAL_POINTS, fakes,
                         margin=lambda a, b: distances(a, b, state["p"]), weight=state["weight"],
                         kappa=state["kappa"], pairs="matched")
        labels = [1] * 5 + [-1] * 5
        boundary = svm(np.vstack([explorers.REAL_POINTS, fakes]), labels, state["weight"])
        assert f"S = {best.value:.3f}" in text
        assert f"margin {2 / np.linalg.norm(boundary.w):.2f} wide" in text
        asked, gained, lacking = (artist.get_ydata().reshape(5, 3)
                                  for artist in explorer._artists[6:9])
        assert asked[:, 1] == pytest.approx(
            np.diag(distances(explorers.REAL_POINTS, fakes, state["p"])))
        assert lacking[:, 1] - lacking[:, 0] == pytest.approx(best.slack)
        assert gained[:, 1] == pytest.approx(best.fake - best.real)
    assert explorer.draw(across=1.2) == explorers.svm_and_loss().draw(across=1.2)


def test_what_the_page_says_about_the_first_explorer():
    explorer = explorers.svm_and_loss()
    for p, kappa in ((1, 1.3), (2, 1.2), (np.inf, 1.1)):
        assert "slack 0.000 in 0 of 5" in title_of(explorer, weight=8., kappa=kappa, p=p)
        assert "in 0 of 5" not in title_of(explorer, weight=8., kappa=round(kappa - .1, 1), p=p)


def test_the_cones_pass_through_the_samples():
    explorer = explorers.cones()
    for state in (dict(shift=3., weight=2., kappa=.8, pairs="all"),
                  dict(shift=0., weight=8., kappa=6.2, pairs="matched")):
        text = title_of(explorer, **state)
        _, low, high, _, real, fake, _ = explorer._artists
        for dots in (real, fake):
            for curve in (low, high):
                there = np.interp(dots.get_xdata(), explorers.LINE, curve.get_ydata())
                assert there == pytest.approx(dots.get_ydata(), abs=state["kappa"] * .034)
        best = best_loss(explorers.ON_LINE, explorers.FAKES_ON_LINE + state["shift"],
                         weight=state["weight"], kappa=state["kappa"], pairs=state["pairs"])
        assert f"S = {best.value:.3f}" in text


def test_the_questions_know_the_explorers_samples():
    right = answers_to("09")["09 steep"]
    for shift, kappa in zip((3., 0.), right):
        assert "0 of 9 pairs" in title_of(explorers.cones(), shift=shift, weight=8.,
                                          kappa=kappa, pairs="all")
        assert " 0 of 9 pairs" not in title_of(explorers.cones(), shift=shift, weight=8.,
                                               kappa=round(kappa - .2, 1), pairs="all")


def test_the_questions_by_hand():
    right = answers_to("09")
    assert right["09 slack"] == pytest.approx([1, 2], abs=1e-3)
    assert right["09 log"] == pytest.approx([1.9, .4])
    assert right["09 left out"] == [2, 9]


def test_one_step_is_that_of_plain_pytorch():
    torch.manual_seed(0)
    l = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1), nn.Flatten(0))
    g = nn.Linear(2, 2)
    mine, x, z = copy.deepcopy(l), torch.randn(7, 2), torch.randn(7, 2)
    optimiser, x_fake = torch.optim.SGD(mine.parameters(), lr=.1), g(z).detach()
    delta = (x - x_fake).abs().flatten(1).sum(1)
    (delta + mine(x) - mine(x_fake)).relu().mean().backward()
    optimiser.step()
    assert one_step(l, g, x, z).item() == pytest.approx(mine(g(z)).mean().item(), abs=1e-6)
    assert torch.allclose(l[0].weight, mine[0].weight)


def test_pictures():
    figure, (left, right) = plots.figure(2)
    explorers.what_is_asked(left, right)
    found = explorers.svm_margin(left, np.vstack([explorers.REAL_POINTS, explorers.FAKE_POINTS]),
                                 np.r_[np.ones(5), -np.ones(4)], 1.)
    assert found.w[0] < 0
