"""The best l(x, y): weights while margins are asked, exact l by cutting planes, where the game
rests; pictures and answers."""
import copy
import math

import numpy as np
import pytest
import torch
from helpers import answers_to
from scipy.optimize import minimize
from scipy.special import log_softmax

from gan_lessons import mlp_critic, mlp_generator
from gan_lessons.drawing import plots
from gan_lessons.exact.conditional import log_posterior
from gan_lessons.exact.conditional_loss_sensitive import (
    asked_posterior,
    asked_weights,
    best_class_loss,
)
from gan_lessons.exact.loss_sensitive import best_loss
from gan_lessons.explorers import conditional_loss_sensitive as explorers
from gan_lessons.measures.prediction import ClassLoss, reliability
from gan_lessons.players.networks import Concatenated
from gan_lessons.questions.conditional_loss_sensitive import two_rounds

AT = np.arange(4.)
DELTA = abs(AT[:, None] - AT)


def tables(seed, m=4, K=2, mixed=.25):
    """Joint masses (m, K) of real and fake with the same shares of the labels."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(m * K, 2.)).reshape(m, K)
    return p, p + mixed * (rng.dirichlet(np.ones(m), K).T * p.sum(0) - p)


def objective(l, p, q, delta, weight, first=1.):
    """S, written as a loop over pairs."""
    S = first * (p * l).sum()
    for y in range(p.shape[1]):
        for i in range(len(p)):
            for j in range(len(p)):
                S += weight * p[i, y] * q[j, y] / p[:, y].sum() * max(
                    0., delta[i, j] + l[i, y] - l[j, y])
    return S


# ---------------------------------------------------------------- all margins asked

@pytest.mark.parametrize("seed, K", [(0, 2), (1, 3), (2, 5)])
def test_asked_posterior_is_the_minimum_over_softmaxes(seed, K):
    p, q = tables(seed, K=K)
    w = asked_weights(p, q, .4)
    assert w == pytest.approx(1.4 * p - .4 * q)
    for row, C in zip(w, asked_posterior(p, q, .4)):
        if row.min() < 0:
            assert C[row < 0].max() == 0
            continue
        best = minimize(lambda a: -row @ log_softmax(a), np.zeros(K), tol=1e-13).x
        assert C == pytest.approx(np.exp(log_softmax(best)), abs=2e-5)
    # a perfect generator bends nothing
    assert asked_posterior(p, p, 7.) == pytest.approx(p / p.sum(1, keepdims=True))
    # nor does one nobody listens to
    assert asked_posterior(p, q, 0.) == pytest.approx(p / p.sum(1, keepdims=True))


def test_the_largest_weight_is_named_in_every_case():
    p, q = np.array([[.1, .2], [.0, .0], [.3, .1]]), np.array([[.05, .9], [.4, .3], [.31, .1]])
    C = asked_posterior(p, q, 1.)
    assert C.sum(1) == pytest.approx(1) and (C.argmax(1) == asked_weights(p, q, 1.).argmax(1)).all()
    assert C[0].tolist() == [1, 0] and C[1].tolist() == [0, 1]


@pytest.mark.parametrize("wrong", [dict(weight=-1.), dict(weight=math.inf), dict(q=np.ones((2, 3))),
                                   dict(q=-np.ones((2, 2))),
                                   dict(q=np.array([[1., 1.], [-.1, 1.]])),
                                   dict(p=np.array([[1., 1.], [-.1, 1.]]))])
def test_asked_weights_refuse(wrong):
    with pytest.raises(ValueError, match="0 or more"):
        asked_weights(**dict(p=np.ones((2, 2)), q=np.ones((2, 2)), weight=1.) | wrong)


# ---------------------------------------------------------------- the exact loss function

@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weight", [.3, 2.])
def test_no_softmax_is_better_than_the_exact_one(seed, weight):
    """Against a descent from several starts, over logits, on the objective written as a loop."""
    p, q = tables(seed, m=3)
    delta = .5 * DELTA[:3, :3]
    exact = best_class_loss(p, q, delta, weight)
    assert exact.value == pytest.approx(objective(exact.l, p, q, delta, weight), abs=1e-6)
    assert exact.l.min() >= 0 and abs(exact.room).max() < 1e-6
    of = lambda a: objective(-log_softmax(a.reshape(3, 2), 1), p, q, delta, weight)
    rng = np.random.default_rng(seed)
    starts = [log_softmax(-exact.l, 1).ravel(), *rng.normal(0, 1, (3, 6))]
    found = min(minimize(of, start, method="Powell", options=dict(xtol=1e-6, ftol=1e-12)).fun
                for start in starts)
    assert exact.value <= found + 1e-6 and found <= exact.value + 2e-3


@pytest.mark.parametrize("seed", range(4))
def test_generous_margins_give_the_formula(seed):
    p, q = tables(seed, mixed=.1)
    q = np.minimum(q, 1.5 * p)
    q = q * p.sum(0) / q.sum(0)
    w = asked_weights(p, q, 1.)
    assert w.min() > 0
    exact = best_class_loss(p, q, 50 + DELTA, 1.)
    assert np.exp(-exact.l) == pytest.approx(asked_posterior(p, q, 1.), abs=2e-4)


@pytest.mark.parametrize("weight", [.5, 3.])
@pytest.mark.parametrize("k", [.05, .6])
def test_at_the_truth_margins_are_a_penalty_on_steepness(weight, k):
    p, _ = tables(7, K=3)
    l = np.random.default_rng(1).exponential(2, (4, 3))
    fine = mean = 0.
    for y, mass in enumerate(p.T):
        pairs = np.outer(mass, mass) / mass.sum()
        mean += (pairs * k * DELTA).sum()
        fine += (pairs * np.maximum(0, abs(l[:, y][:, None] - l[:, y]) - k * DELTA)).sum() / 2
    assert objective(l, p, p, k * DELTA, weight) == pytest.approx(
        (p * l).sum() + weight * (mean + fine), rel=1e-12)


def test_small_margins_flatten_and_large_ones_are_honest():
    p, _ = tables(3)
    truth = p / p.sum(1, keepdims=True)
    spread = [np.ptp(best_class_loss(p, p, k * DELTA, 3.).l, axis=0).max() for k in (0., .2, 20.)]
    assert spread[0] < 1e-3 < spread[1] < spread[2]
    assert np.exp(-best_class_loss(p, p, 20 * DELTA, 3.).l) == pytest.approx(truth, abs=2e-4)


def test_an_overdone_label_is_ruled_out_as_far_as_the_margin_asks():
    p = np.array([[.30, .02], [.15, .15], [.05, .33]])
    q = np.array([[.15, .02], [.20, .15], [.15, .33]])
    for k in (1., 4.):
        l = best_class_loss(p, q, k * DELTA[:3, :3], 1.).l
        assert l[2, 0] - l[0, 0] == pytest.approx(2 * k, abs=1e-4)


@pytest.mark.parametrize("share", [.7, .55])
@pytest.mark.parametrize("weight", [1., 3., 9.])
def test_the_readable_rest(share, weight):
    """Neither player gains: l by the program, g because both places cost the same, or A less."""
    p = np.array([[share, 0], [1 - share, 1 - share], [0, share]]) / 2
    left = max(0., 1 - (1 + 1 / weight) * share)
    q = np.array([[1 - left, 0], [left, left], [0, 1 - left]]) / 2
    cost = math.log(2) if left else 0.
    l = np.array([[cost, 30], [math.log(2)] * 2, [30, cost]])
    best = best_class_loss(p, q, DELTA[:3, :3], weight)
    assert objective(l, p, q, DELTA[:3, :3], weight) == pytest.approx(best.value, abs=1e-6)
    truth = best_class_loss(p, p, DELTA[:3, :3], weight).l
    # g would rather be at A
    assert truth[0, 0] < 1e-4 and truth[1, 0] == pytest.approx(math.log(2), abs=1e-3)


def test_with_one_label_far_from_the_others_it_is_lesson_nine_with_a_way_out():
    """Samples of two labels that never meet: raising l(x, 0) costs no more, as in lesson 09."""
    places = np.arange(3.)
    delta = abs(places[:, None] - places)
    a, b = np.array([.6, .3, .1]), np.array([.2, .3, .5])
    apart = np.zeros((6, 2))
    real, fake, wide = apart.copy(), apart.copy(), np.full((6, 6), 9.)
    real[:3, 0], fake[:3, 0], real[3:, 1], fake[3:, 1] = a / 2, b / 2, a / 2, a / 2
    wide[:3, :3] = wide[3:, 3:] = delta
    l = best_class_loss(real, fake, wide, 2.).l
    alone = best_loss(places, places, weight=2., mass=a, mass_fake=b)
    assert l[:3, 0] == pytest.approx(alone.values, abs=1e-3)


@pytest.mark.parametrize("wrong",
                         [dict(q=np.array([[.4, .2], [.2, .2]])), dict(delta=np.ones((3, 3))),
                          dict(delta=-np.ones((2, 2))),
                          dict(p=np.array([[.5, 0], [.5, 0]]), q=np.array([[.5, 0], [.5, 0]]))])
def test_tables_that_do_not_fit(wrong):
    good = dict(p=np.full((2, 2), .25), q=np.full((2, 2), .25), delta=np.ones((2, 2)))
    with pytest.raises(ValueError, match="shares must be above 0 and the same"):
        best_class_loss(**good | wrong)


# ---------------------------------------------------------------- explorers, figures, answers

def test_the_surfaces():
    C, named, (right, sure, banned) = explorers.judged(0., 1., 3.)
    p = explorers.joint(explorers.SPOTS, explorers.PLANE)
    # ties on the borders
    assert right == pytest.approx(sure) and banned == 0 and (named == p.argmax(-1)).mean() > .98
    assert C == pytest.approx(p / p.sum(-1, keepdims=True))
    samples, y = explorers.SPOTS.sample_with_modes(40_000, np.random.default_rng(0))
    assert right == pytest.approx((explorers.joint(explorers.SPOTS, samples).argmax(1) == y).mean(),
                                  abs=.006)
    right, sure, banned = explorers.judged(1., 1., 1.)[2]
    assert .74 < right < .77 and .82 < sure < .86 and banned > .1
    right, sure, banned = explorers.judged(-1., 1., 1.)[2]
    assert right > .86 and sure > .96
    ex = explorers.surfaces()
    frames = {ex.draw(push=push, weight=weight) for push in (0., 1.) for weight in (.5, 2.)}
    assert len(frames) == 3  # at push 0 the weight changes nothing
    ex.draw(push=1., weight=1.)
    assert "predicted correctly 75." in ex._artists[-1].get_text()


def test_joint_masses_are_the_laws():
    x = np.array([-.9, 1.2])
    p = explorers.joint(explorers.CLASSES, x)
    for y in range(3):
        assert np.log(p[:, y] / p.sum(1)) == pytest.approx(log_posterior(explorers.CLASSES, y)(x))


def test_figures_show_what_they_are_given():
    figure, axes = plots.figure(3, 2)
    axes = axes.ravel()
    explorers.class_losses(axes[0])
    assert [text.get_text() for text in axes[0].texts] == ["0", "1", "2"]
    explorers.counts(axes[1], [[5, 1], [0, 7]], "ab")
    assert [text.get_text() for text in axes[1].texts] == ["5", "1", "7"]
    assert axes[1].images[0].get_array().tolist() == [[0, 1], [0, 0]]  # only mistakes are shaded
    table = reliability(-torch.tensor([[.9, .1]] * 20).log(), torch.tensor([0, 1] * 10))
    explorers.diagram(axes[2], {"one": table})
    assert axes[2].lines[1].get_xdata() == pytest.approx([.9])
    assert axes[2].lines[1].get_ydata() == pytest.approx([.5])
    explorers.mistakes(axes[3], torch.zeros(3, 1, 28, 28, dtype=torch.uint8),
                       torch.tensor([4, 5, 6]), torch.tensor([.2, .9, .5]))
    assert [text.get_text() for text in axes[3].texts] == ["5", "6", "4"]
    explorers.mistakes(axes[3], torch.zeros(0, 1, 28, 28, dtype=torch.uint8), torch.zeros(0).long(),
                       torch.zeros(0))
    explorers.margins_met(axes[4], [.1, 1.], [[.5, .4], [.6, .3]], [.7, .2])
    assert len(axes[4].lines) == 4
    explorers.regions(axes[5], np.zeros(explorers.SIDE ** 2, int), np.zeros((4, 2)), [0, 1, 2, 0])
    assert len(axes[5].images) == 1


def test_answers_by_independent_means():
    known = answers_to("13")
    logits = np.vstack([np.zeros(10), np.random.default_rng(0).normal(0, 1, (200, 10))])
    worst = max(min(-log_softmax(a)) for a in logits)
    assert known["13 least loss"] == pytest.approx([worst, math.exp(-worst)])
    C, turn = known["13 overdone"]
    best = minimize(lambda a: -np.array([.04, .06]) @ log_softmax(a), np.zeros(2), tol=1e-12).x
    assert C == pytest.approx(np.exp(log_softmax(best))[0], abs=1e-4)
    assert 1.5 * .06 - .5 * .08 == pytest.approx(1.5 * .04 - .5 * .02)
    assert turn == pytest.approx(.5)
    assert known["13 shared place"] == pytest.approx([1.5, 3.])
    sure = [.95] * 5 + [.6] * 5
    table = reliability(-torch.tensor([[s, 1 - s] for s in sure]).double().log(),
                        torch.tensor([0, 0, 0, 0, 1] * 2))
    cooler = 1 / (1 + math.exp(-math.log(19) / known["13 confidence"][1]))
    assert known["13 confidence"][0] == pytest.approx(table.error) and cooler == pytest.approx(.8)
    ruled_out = lambda width: explorers.judged(0., width, 1.)[2][2]
    assert ruled_out(known["13 narrow"] + .01) == 0 < ruled_out(known["13 narrow"] - .01)


def test_two_rounds_are_those_of_the_game():
    torch.manual_seed(0)
    l = ClassLoss(mlp_critic(2, outputs=3), 3).double()
    g = Concatenated(mlp_generator(2 + 3, 2), 3).double()
    x, z, y = torch.randn(6, 2).double(), torch.randn(6, 2).double(), torch.arange(6) % 3
    before = [w.clone() for w in l.parameters()]
    found, mine = two_rounds(l, g, x, y, z), copy.deepcopy(dict(l=l, g=g))
    assert all(torch.equal(a, b) for a, b in zip(before, l.parameters()))
    moves = {name: torch.optim.SGD(net.parameters(), lr=.1) for name, net in mine.items()}
    for _ in range(2):
        moves["l"].zero_grad()
        x_fake = mine["g"](z, y).detach()
        lack = .5 * (x - x_fake).abs().sum(1) + mine["l"](x, y) - mine["l"](x_fake, y)
        (mine["l"](x, y) + lack.relu()).mean().backward()
        moves["l"].step()
        moves["g"].zero_grad()
        mine["l"](mine["g"](z, y), y).mean().backward()
        moves["g"].step()
    assert found == pytest.approx(mine["l"](x, y).mean().item(), rel=1e-12)
