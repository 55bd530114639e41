"""The losses of lessons 01 and 02, with numbers written by hand and against binary cross-entropy."""
import math

import pytest
import torch
from helpers import leaf as scores
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from gan_lessons import minimax, non_saturating
from gan_lessons.objectives.minimax import critic_loss, non_saturating_loss, saturating_loss

REAL, FAKE = [-5., 1.4, 12.5, 2.7], [0.3, -7.1, 4.]
itself = lambda x: x


def sigma(c):
    return 1 / (1 + math.exp(-c))


@pytest.mark.parametrize("real, fake", [(REAL, FAKE), (FAKE, REAL)])
def test_values_and_gradients_on_asymmetric_scores(real, fake):
    x, z = scores(real), scores(fake)
    loss = critic_loss(itself, itself, x, z)
    by_hand = -sum(math.log(sigma(c)) for c in real) / len(real) - sum(math.log(1 - sigma(c))
                                                                       for c in fake) / len(fake)
    assert loss.item() == pytest.approx(by_hand, rel=1e-10)
    loss.backward()
    assert x.grad.tolist() == pytest.approx([-(1 - sigma(c)) / len(real) for c in real])
    assert z.grad.tolist() == pytest.approx([sigma(c) / len(fake) for c in fake])

    for generator, value, slope in [
            (saturating_loss, lambda c: math.log(1 - sigma(c)), lambda c: -sigma(c)),
            (non_saturating_loss, lambda c: -math.log(sigma(c)), lambda c: sigma(c) - 1)]:
        z = scores(fake)
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
    far = scores([-1e4, 1e4])
    loss = critic_loss(itself, itself, far, far) + saturating_loss(itself, itself, far)
    loss.backward()
    assert loss.item() == pytest.approx(5e3) and far.grad.isfinite().all()


def test_the_games():
    for game, loss in [(minimax(), saturating_loss), (non_saturating(), non_saturating_loss)]:
        assert game.players == ("f", "g") and game["f"] is critic_loss and game["g"] is loss
