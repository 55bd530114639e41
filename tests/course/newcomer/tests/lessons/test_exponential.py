"""The exponential game: losses by hand, the best critic, its loss, what the generator feels."""
import math

import numpy as np
import pytest
import torch
from helpers import FEWER, REAL, itself, leaf, shifted, title_of
from scipy.integrate import quad

from gan_lessons import Mixture, Normal, f_divergence
from gan_lessons.exact.exponential import (
    exponential_critic,
    exponential_gradient,
    exponential_value,
)
from gan_lessons.explorers import exponential as explorers
from gan_lessons.map.best_critic import best_score, push
from gan_lessons.map.gradients import atlas_curve
from gan_lessons.objectives.exponential import critic_loss, exponential, generator_loss
from gan_lessons.objectives.f_gan import f_gan

P, Q = Normal(.4, 1.1), Mixture([Normal(-1, .7), Normal(1, .9)], [.3, .7])


# -- the losses --------------------------------------------------------------------------------

@pytest.mark.parametrize("real, fake", [(REAL, FEWER), (FEWER, REAL)])
def test_values_and_gradients_on_asymmetric_scores(real, fake):
    x, z = leaf(real), leaf(fake)
    loss = critic_loss(itself, itself, x, z)
    by_hand = (sum(math.exp(-c) for c in real) / len(real)
               + sum(math.exp(c) for c in fake) / len(fake))
    assert loss.item() == pytest.approx(by_hand, rel=1e-12)
    loss.backward()
    assert x.grad.tolist() == pytest.approx([-math.exp(-c) / len(real) for c in real])
    assert z.grad.tolist() == pytest.approx([math.exp(c) / len(fake) for c in fake])

    z = leaf(fake)
    loss = generator_loss(itself, itself, z)
    assert loss.item() == pytest.approx(sum(math.exp(-c) for c in fake) / len(fake), rel=1e-12)
    loss.backward()
    assert z.grad.tolist() == pytest.approx([-math.exp(-c) / len(fake) for c in fake])


@pytest.mark.parametrize("n", [3, 8])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_critic_of_the_row_squared_hellinger(n, seed):
    torch.manual_seed(seed)
    x, z = (torch.randn(size, dtype=torch.float64, requires_grad=True) for size in (n, n + 1))
    mine = exponential()["f"](itself, itself, x, z)
    row = f_gan("squared Hellinger")["f"](itself, itself, x, z)
    torch.testing.assert_close(mine, row + 2, rtol=1e-12, atol=1e-12)
    for a, b in zip(*(torch.autograd.grad(loss, (x, z)) for loss in (mine, row))):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


# -- the best critic ---------------------------------------------------------------------------

def test_the_best_critic_is_half_the_log_ratio():
    x = np.array([[-3, -1.2], [.1, 2.3]])
    f = exponential_critic(P, Q)(x)
    np.testing.assert_allclose(f, np.log(P.pdf(x) / Q.pdf(x)) / 2, rtol=1e-12)
    np.testing.assert_allclose(best_score(exponential(), 2 * f).score, f, rtol=1e-10)


def test_its_loss_is_twice_the_overlap_of_the_roots():
    overlap = quad(lambda x: np.sqrt(P.pdf(x) * Q.pdf(x)), -12, 12, epsabs=1e-13)[0]
    assert exponential_value(P, Q) == pytest.approx(2 * overlap, rel=1e-10)
    assert exponential_value(P, P) == pytest.approx(2) and exponential_value(
        Normal(0, 1), Normal(60, 1)) == pytest.approx(0, abs=1e-12)


def test_the_generator_descends_half_of_alpha_minus_one_half():
    for p, q in [(P, Q), (Normal(0, .8), Normal(1.7, .8))]:
        assert exponential_gradient(p, q) == pytest.approx(
            f_divergence("alpha", alpha=-.5).slope(p, q) / 2, rel=1e-10)
        assert exponential_gradient(p, q) == pytest.approx(push(exponential(), p, q), rel=1e-10)
    h, loss = 1e-4, lambda q: 2 / 3 * quad(lambda x: q.pdf(x) ** 1.5 / P.pdf(x) ** .5, -12, 12,
                                           epsabs=1e-13)[0]
    slope = (loss(shifted(Q, h)) - loss(shifted(Q, -h))) / (2 * h)
    assert exponential_gradient(P, Q) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("distance, sd", [(.3, 1), (1.7, .8), (4.2, 2)])
def test_its_curve_in_the_atlas(distance, sd):
    felt = exponential_gradient(Normal(0, sd), Normal(distance, sd))
    assert atlas_curve("exponential GAN", distance, sd) == pytest.approx(felt, rel=1e-9)


def test_the_explorer_tells_both_numbers():
    said = title_of(explorers.best_critic(), distance=2.0)
    assert "loss 1.2131" in said and "4.482" in said       # 2 exp(-1/2) and exp(3/2)
