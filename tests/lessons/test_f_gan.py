"""The games of lesson 03: signs and values by hand, GAN's row is minimax, trained duals."""
import math

import numpy as np
import pytest
import torch
from helpers import itself, leaf

import gan_lessons as gl
from gan_lessons import Game, Normal, f_divergence
from gan_lessons.exact.f_table import F_DIVERGENCES
from gan_lessons.explorers import f_gan as explorers
from gan_lessons.objectives.f_gan import f_gan
from gan_lessons.objectives.own_divergence import own_divergence
from gan_lessons.questions.f_gan import QUESTIONS

REAL, FAKE = [-5., 1.4, 2.5, 2.7], [0.3, -7.1, 1.]

BY_HAND = {  # T(v) and φ*(T(v)), written without the table
    "KL": (lambda v: v, lambda v: math.exp(v - 1)),
    "reverse KL": (lambda v: -math.exp(-v), lambda v: v - 1),
    "Pearson": (lambda v: v, lambda v: v * v / 4 + v if v > -2 else -1),
    "squared Hellinger": (lambda v: 1 - math.exp(-v), lambda v: math.exp(v) - 1),
    "JS": (lambda v: math.log(2 / (1 + math.exp(-v))),
           lambda v: -math.log(2 - 2 / (1 + math.exp(-v)))),
    "total variation": (lambda v: math.tanh(v) / 2, lambda v: math.tanh(v) / 2),
}


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("real, fake", [(REAL, FAKE), (FAKE, REAL)])
def test_losses_on_asymmetric_scores(name, real, fake):
    T, cost = BY_HAND[name]
    for bend, by_hand in [(None, itself), (torch.asinh, math.asinh)]:
        average = lambda of, scores: sum(of(by_hand(v)) for v in scores) / len(scores)
        x, z = leaf(real), leaf(fake)
        critic = f_gan(name, bend=bend)["f"](itself, itself, x, z)
        assert critic.item() == pytest.approx(-average(T, real) + average(cost, fake))
        assert f_gan(name, bend=bend)["g"](itself, itself, z).item() == pytest.approx(
            -average(cost, fake))
        assert f_gan(name, "trick", bend=bend)["g"](itself, itself, z).item() == pytest.approx(
            -average(T, fake))


@pytest.mark.parametrize("name", ["GAN", "JS"])
def test_gan_is_minimax_and_its_trick_is_non_saturating(name):
    shift = 0 if name == "GAN" else math.log(2)
    for mine, theirs, factor in [(f_gan(name), gl.minimax(), 1),
                                 (f_gan(name, "trick"), gl.non_saturating(), -1)]:
        x, z = leaf(REAL), leaf(FAKE)
        for player, arguments, constant in [("f", (x, z), -2 * shift), ("g", (z,), factor * shift)]:
            a, b = (game[player](itself, itself, *arguments) for game in (mine, theirs))
            assert a.item() == pytest.approx(b.item() + constant)
            for one, two in zip(torch.autograd.grad(a, arguments),
                                torch.autograd.grad(b, arguments)):
                torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", F_DIVERGENCES)
def test_every_row_plays(name):
    parameter = {"alpha": dict(alpha=.7), "JS-weighted": dict(pi=.3)}.get(name, {})
    for generator in ("conjugate", "trick"):
        game = f_gan(name, generator, **parameter)
        run = gl.train(game, dict(f=gl.mlp_critic(1), g=gl.Line(1.)),
                       gl.batches(Normal(), z=Normal(dim=1), batch=64), steps=5, watch=None)
        assert game.players == ("f", "g")
        assert np.isfinite([*run.losses["f"], *run.losses["g"]]).all()


@pytest.mark.parametrize("name", ["KL", "reverse KL", "Pearson", "squared Hellinger", "JS", "own"])
def test_a_trained_dual_comes_within_two_percent_from_below(name):
    D = own_divergence(lambda u: (u - 1) ** 2 / (u + 1)) if name == "own" else f_divergence(name)
    p, q = Normal(0, 1), Normal(1, 1.2)
    critic = gl.mlp_critic(1, width=16, act=torch.nn.Tanh)
    game = Game({"f": f_gan(D)["f"]})
    for rate, rounds in ((1e-2, 150), (1e-3, 100)):
        gl.train(game, dict(f=critic, g=gl.Line(1., 1.2, learn="")),
                 gl.batches(p, z=Normal(dim=1), batch=512), steps=rounds,
                 optimizer=gl.adam(rate, (.9, .99)), watch=None)
    bound = D.dual(p, q, v=gl.on_arrays(critic))
    assert .98 * D(p, q) < bound <= D(p, q)


def test_with_asinh_far_scores_train_calmly():
    """Gradients of squared Hellinger stay below 2 where those of e^v reach 1e17."""
    v = torch.tensor([-1e4, -40., 0., 40., 1e4], requires_grad=True)
    for game in (f_gan("squared Hellinger", bend=torch.asinh),
                 f_gan("squared Hellinger", "trick", bend=torch.asinh)):
        for loss in (game["f"](itself, itself, v, v), game["g"](itself, itself, v)):
            gradient, = torch.autograd.grad(loss, v)
            assert loss.isfinite() and (len(v) * gradient.abs() <= 4).all()


@pytest.mark.parametrize("make, states",
                         [(explorers.tangents, [dict(name=name, t=t) for name in explorers.ROWS
                                                for t in (-4., -.5, .5, 4.)]),
                          (explorers.workbench, [dict(name=name, sharpness=sharpness, p_sd=width)
                                                 for name in explorers.ROWS
                                                 for sharpness in (0., 2.) for width in (.4, 2.)])])
@pytest.mark.filterwarnings("error", "ignore::DeprecationWarning")
def test_every_state_of_the_explorers_can_be_drawn(make, states):
    explorer = make()
    title = explorer._artists[-1]
    for state in states:
        explorer.draw(**state)
        assert "nan" not in title.get_text()
        assert state["name"].split()[0].lower() in title.get_text().lower()
    explorer.draw(**states[0])


def test_the_workbench_says_what_is_true():
    explorer = explorers.workbench()
    says = lambda **state: (explorer.draw(**state), explorer._artists[-1].get_text())[1]
    assert "D = ∞" in says(name="Pearson", p_sd=1.5, mean=0.)
    assert "∞" not in says(name="Pearson", p_sd=1.4, mean=0.)
    assert says(name="KL", sharpness=1.).count("0.5000") == 3


def test_errors():
    with pytest.raises(KeyError, match="there are KL"):
        f_gan("wasserstein")
    with pytest.raises(ValueError, match="conjugate, trick"):
        f_gan("KL", generator="saturating")
    with pytest.raises(ValueError, match="between 0 and 1"):
        f_gan("JS-weighted", pi=2)


def test_the_questions_have_the_answers_of_the_page():
    answer = {name: right() for name, (right, _) in QUESTIONS.items()}
    assert answer["03 conjugate"] == pytest.approx([2 * math.log(2) + 1, 1 - math.exp(-1)])
    assert answer["03 apart"] == pytest.approx([1, 2, 2 * math.log(2)])
    assert answer["03 step"] == pytest.approx(.5 + .1 * (1.5 + math.exp(-1.5) / 2))
    assert answer["03 safe"] == pytest.approx(.75)   # w is 1 and 0: (2 + 0)/2 + (-¾ + ¼)/2
    assert answer["03 log"] == "B"


def test_an_end_of_the_admissible_slopes():
    """α < 0: the conjugate is finite at the end, -1/α; 0 < α < 1: it is not."""
    D = f_divergence("alpha", alpha=-1)
    assert D.conjugate(np.float64(.5)) == pytest.approx(1)
    assert np.isinf(D.conjugate(np.float64(.51)))
    assert np.isinf(f_divergence("alpha", alpha=.5).conjugate(np.float64(2.)))
