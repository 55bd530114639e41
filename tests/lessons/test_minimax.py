"""Minimax and non-saturating: losses by hand, the best discriminator, the value, what g feels."""
import math

import numpy as np
import pytest
import torch
from helpers import FEWER, REAL, itself, leaf, sigma
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from gan_lessons import Mixture, Normal, Uniform, js, minimax, non_saturating
from gan_lessons.exact.minimax import gan_value, optimal_discriminator, optimal_logit
from gan_lessons.objectives.minimax import critic_loss, non_saturating_loss, saturating_loss

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
        assert game.players == ("f", "g") and game["f"] is critic_loss and game["g"] is loss


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
