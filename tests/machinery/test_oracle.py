"""Perfect players: tables, the value, and autograd through the very losses of lesson 01."""
import numpy as np
import pytest
import torch
from numpy.polynomial.hermite_e import hermegauss

from gan_lessons import Mixture, Normal, Uniform, js, js_slope, kl
from gan_lessons.exact.divergences import reverse_kl_slope
from gan_lessons.exact.minimax import (
    GENERATOR_LOSSES,
    gan_value,
    generator_gradient,
    optimal_discriminator,
    optimal_logit,
)
from gan_lessons.objectives.minimax import critic_loss, non_saturating_loss, saturating_loss

# distance: gradient of the saturating loss, to what precision, and of the non-saturating one; N(0, 1), N(distance, 1)
TABLE = {1: (.397973, 6e-7, .602027), 3: (.295864, 6e-7, 2.704136), 5: (.047380, 6e-7, 4.952620),
         8: (3.9e-4, 6e-6, 7.999607), 12: (1.8e-8, 6e-10, 12.)}
P, Q = Normal(.4, .7), Mixture([Normal(-1, .5), Normal(2, 1.1)], [.3, .7])


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
    """The package's loss on a quadrature of z, repeated in proportion to its weights: mean() becomes E."""
    nodes, weights = hermegauss(120)
    weights = torch.tensor(weights / weights.sum())
    p = Normal(0, 1)
    theta = torch.tensor(distance, dtype=torch.float64, requires_grad=True)

    class Weighted(torch.Tensor):
        def mean(self):
            return (self.as_subclass(torch.Tensor) * weights).sum()

    def critic(x):                                          # the optimal logit, frozen
        return (
            -x ** 2 / 2 + (x - distance) ** 2 / (2 * sd ** 2) + np.log(sd)).as_subclass(Weighted)

    value = loss(critic, lambda z: theta + sd * z, torch.tensor(nodes))
    value.as_subclass(torch.Tensor).backward()
    exact = generator_gradient(p, Normal(distance, sd), name)
    assert float(theta.grad) == pytest.approx(exact, rel=1e-6)


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


def test_losses_of_your_own():
    assert generator_gradient(P, Q,
                              lambda c: np.ones_like(c)) == pytest.approx(-reverse_kl_slope(P, Q))
    numeric = (kl(Normal(.1 + 1e-4, 1), Normal()) - kl(Normal(.1 - 1e-4, 1), Normal())) / 2e-4
    assert -generator_gradient(Normal(), Normal(.1),
                               lambda c: np.ones_like(c)) == pytest.approx(numeric)
    with pytest.raises(KeyError, match="saturating, non-saturating"):
        generator_gradient(P, Q, "hinge")


@pytest.mark.parametrize("name, value", [("saturating", lambda c: -np.logaddexp(0, c)),
                                         ("non-saturating", lambda c: np.logaddexp(0, -c))])
def test_the_derivatives_in_the_table_of_losses(name, value):
    c = np.array([-30, -2.1, 0, .7, 40])
    np.testing.assert_allclose(GENERATOR_LOSSES[name](c),
                               (value(c + 1e-6) - value(c - 1e-6)) / 2e-6, atol=1e-8)
