"""Minimax and non-saturating: losses by hand, the best discriminator, the value, what g feels;
the pictures and the answers of lesson 01."""
import copy
import math

import numpy as np
import pytest
import torch
from helpers import FEWER, REAL, itself, leaf, sigma, title_of
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from gan_lessons import (
    Line,
    Mixture,
    Normal,
    Uniform,
    agree,
    js,
    minimax,
    mlp_critic,
    non_saturating,
    plots,
)
from gan_lessons.exact.minimax import gan_value, optimal_discriminator, optimal_logit
from gan_lessons.explorers import minimax as explorers
from gan_lessons.objectives.minimax import critic_loss, non_saturating_loss, saturating_loss
from gan_lessons.questions.minimax import QUESTIONS, two_rounds

P, Q = Normal(.4, .7), Mixture([Normal(-1, .5), Normal(2, 1.1)], [.3, .7])


# ---------------------------------------------------------------- the losses

@pytest.mark.parametrize("real, fake", [(REAL, FEWER), (FEWER, REAL)])
def test_values_and_gradients_on_asymmetric_scores(real, fake):
    x, z = leaf(real), leaf(fake)
    loss = critic_loss(itself, itself, x, z)
    by_hand = (-sum(math.log(sigma(c)) for c in real) / len(real)
               - sum(math.log(1 - sigma(c)) for c in fake) / len(fake))
    assert loss.item() == pytest.approx(by_hand, rel=1e-10)
    loss.backward()
    assert x.grad.tolist() == pytest.approx([-(1 - sigma(c)) / len(real) for c in real])
    assert z.grad.tolist() == pytest.approx([sigma(c) / len(fake) for c in fake])

    for generator, value, slope in [
            (saturating_loss, lambda c: math.log(1 - sigma(c)), lambda c: -sigma(c)),
            (non_saturating_loss, lambda c: -math.log(sigma(c)), lambda c: sigma(c) - 1)]:
        z = leaf(fake)
        loss = generator(itself, itself, z)
        assert loss.item() == pytest.approx(sum(map(value, fake)) / len(fake), rel=1e-10)
        loss.backward()
        assert z.grad.tolist() == pytest.approx([slope(c) / len(fake) for c in fake], rel=1e-10)


@pytest.mark.parametrize("n", [3, 8])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_they_are_binary_cross_entropies(n, seed):
    torch.manual_seed(seed)
    x, z = torch.randn(n, 2).double() * 3, torch.randn(n + 1, 2).double()
    f, g = lambda x: x[:, 0] * 2 - x[:, 1], lambda z: 3 * z + 1
    real, fake = f(x), f(g(z))
    ones, zeros = torch.ones_like, torch.zeros_like
    close = lambda a, b: torch.testing.assert_close(a, b, rtol=1e-13, atol=1e-14)
    close(critic_loss(f, g, x, z), bce(real, ones(real)) + bce(fake, zeros(fake)))
    close(saturating_loss(f, g, z), -bce(fake, zeros(fake)))
    close(non_saturating_loss(f, g, z), bce(fake, ones(fake)))


def test_landmarks_and_far_scores():
    zero = torch.zeros(4)
    assert critic_loss(itself, itself, zero, zero).item() == pytest.approx(2 * math.log(2))
    far = leaf([-1e4, 1e4])
    loss = critic_loss(itself, itself, far, far) + saturating_loss(itself, itself, far)
    loss.backward()
    assert loss.item() == pytest.approx(5e3) and far.grad.isfinite().all()


def test_the_games():
    for game, loss in [(minimax(), saturating_loss), (non_saturating(), non_saturating_loss)]:
        assert game.players == ("f", "g")
        assert [move.loss for move in game.moves] == [critic_loss, loss]


# ---------------------------------------------------------------- the best discriminator

def test_the_value_at_the_optimum_is_twice_js_less_twice_log_two():
    for p, q in [(P, Q), (Q, P), (Normal(), Normal(1e4)), (Uniform(0, 1), Uniform(.3, 2))]:
        best = gan_value(p, q, optimal_logit(p, q))
        assert best == pytest.approx(2 * js(p, q) - 2 * np.log(2), abs=1e-14) == gan_value(p, q)
    assert gan_value(P, P) == pytest.approx(-1.3862943611, abs=1e-10)
    assert gan_value(Uniform(0, 1), Uniform(2, 3)) == pytest.approx(0, abs=1e-15)


def test_no_other_critic_reaches_the_value():
    best, c = gan_value(P, Q), optimal_logit(P, Q)
    for other in (lambda x: c(x) + .1, lambda x: 1.05 * c(x), lambda x: np.zeros_like(x),
                  lambda x: c(x - .05)):
        assert gan_value(P, Q, other) < best - 1e-5
    assert gan_value(P, Q, lambda x: np.zeros_like(x)) == pytest.approx(-2 * np.log(2))


def test_the_value_is_minus_the_package_critic_loss():
    rng = np.random.default_rng(0)
    x, z = (torch.tensor(law.sample(200_000, rng)[:, 0]) for law in (P, Q))
    c = optimal_logit(P, Q)
    estimate = -float(critic_loss(lambda x: torch.tensor(c(x.numpy())), lambda z: z, x, z))
    assert estimate == pytest.approx(gan_value(P, Q), abs=.01)


def test_the_optimal_discriminator_is_a_share_and_never_zero_over_zero():
    x = np.array([[-3, -1.2], [.1, 2.3]])
    D = optimal_discriminator(P, Q)
    np.testing.assert_allclose(D(x), P.pdf(x) / (P.pdf(x) + Q.pdf(x)), rtol=1e-12)
    np.testing.assert_array_equal(
        optimal_discriminator(Normal(), Normal(10))(np.array([-1e4, 5, 1e4])), [1, .5, 0])
    assert np.isfinite(optimal_logit(P, Q)(np.array([-1e4, 1e4]))).all()


# ---------------------------------------------------------------- the pictures

def test_the_discriminator_set_by_hand_loses_what_its_line_encloses():
    explorer = explorers.discriminator()
    said = title_of(explorer, slope=4, threshold=1)
    assert said.endswith("you lose 0.1517")
    lost = explorer._artists[1].get_ydata()
    assert np.trapezoid(lost, explorers.X) == pytest.approx(.151669, abs=1e-5)
    title_of(explorer, slope=2, threshold=1)
    assert np.abs(explorer._artists[1].get_ydata()).max() < 1e-12


def test_the_generator_set_by_hand():
    explorer = explorers.generator()
    assert "JS = 0.3368    V(D*) = -0.7126" in title_of(explorer, distance=2, sigma=1)
    curve = explorer._artists[2].get_ydata()
    assert curve[10] == pytest.approx(js(Normal(), Normal(2))) and np.all(np.diff(curve) >= 0)


def test_arrows_go_from_noise_to_what_the_generator_makes_of_it():
    _, ax = plots.figure()
    explorers.noise_to_samples(ax, P, lambda x: 0 * x + .5, lambda z: 2 * z + .5)
    arrows = [text for text in ax.texts if not text.get_text()]
    assert len(arrows) == explorers.ARROWS
    for arrow in arrows:
        assert arrow.xy[0] == pytest.approx(2 * arrow.get_position()[0] + .5)
    area = ax.collections[1].get_paths()[0].vertices
    assert 0 < area[:, 1].max() == pytest.approx(Normal(.5, 2).pdf(.5), rel=.05)
    best = next(line for line in ax.lines if line.get_label() == "$D^*$")
    at = np.abs(best.get_xdata() - P.mean).argmin()              # where the data are densest
    share = optimal_discriminator(P, Normal(.5, 2))(best.get_xdata()[at:at + 1])
    assert best.get_ydata()[at] == pytest.approx(share.item(), abs=.02)


# ---------------------------------------------------------------- the answers

def test_a_width_and_its_inverse_are_as_far_from_one():
    assert QUESTIONS["01 width"][0]() == pytest.approx(.5)


def test_two_rounds_are_those_of_the_training_loop():
    torch.manual_seed(0)
    x, z = torch.randn(64, 1), torch.randn(64, 1)
    f, g = mlp_critic(1), Line(1.)
    mine = two_rounds(copy.deepcopy(f), copy.deepcopy(g), x, z)
    for _ in range(2):
        for player, loss in (("f", critic_loss), ("g", saturating_loss)):
            net, batch = (f, (x, z)) if player == "f" else (g, (z,))
            move = torch.optim.SGD(net.parameters(), lr=.1)
            move.zero_grad()
            loss(f, g, *batch).backward()
            move.step()
    assert mine == pytest.approx(f(g(z)).mean().item(), rel=1e-5)


def step_of(rounds=2, clean=True, sign=1):
    """A solution of exercise 5, right or wrong."""
    def mine(f, g, x, z):
        move = {net: torch.optim.SGD(net.parameters(), lr=.1) for net in (f, g)}
        for _ in range(rounds):
            for net, loss in [(f, lambda: critic_loss(f, g, x, z)),
                              (g, lambda: sign * saturating_loss(f, g, z))]:
                if clean:
                    move[net].zero_grad()
                loss().backward()
                move[net].step()
        return f(g(z)).mean().item()
    return mine


@pytest.mark.parametrize("given, mark", [({}, "✓"), (dict(rounds=1), "✗"), (dict(clean=False), "✗"),
                                         (dict(sign=-1), "✗")])
def test_a_training_step_is_judged_by_where_it_leads(given, mark, capsys):
    agree(step_of(**given), two_rounds, name="two rounds")
    assert capsys.readouterr().out.startswith(mark)
