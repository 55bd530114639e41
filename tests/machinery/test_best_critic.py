"""The losses of a score, read off a game, and what follows, against the lessons' exact results."""
import numpy as np
import pytest
import torch
from scipy.integrate import quad
from torch.nn.functional import relu, softplus

import gan_lessons as gl
from gan_lessons import Game, Mixture, Move, Normal, f_divergence
from gan_lessons.exact.least_squares import least_squares_gradient
from gan_lessons.exact.minimax import gan_value, generator_gradient, optimal_logit
from gan_lessons.map.best_critic import best_score, best_value, push, pushes, score_losses
from gan_lessons.objectives.adversarial_autoencoder import adversarial_autoencoder
from gan_lessons.objectives.conditional import conditional
from gan_lessons.objectives.f_gan import f_gan
from gan_lessons.objectives.least_squares import least_squares
from gan_lessons.objectives.loss_sensitive import loss_sensitive
from gan_lessons.objectives.relativistic import relativistic
from gan_lessons.objectives.variational import vae
from gan_lessons.objectives.wasserstein import hinge
from gan_lessons.players.penalties import gradient_penalty

P, Q = Normal(.4, .7), Mixture([Normal(-1, .5), Normal(2, 1.1)], [.3, .7])
PAIRS = [
    (Normal(0, 1), Normal(.3, 1)),
    (Normal(0, .6), Normal(-1.7, .9)),
    (Normal(0, 1), Normal(4.2, 1)),
    (P, Q),
]
SCORES = np.array([-5, 1.4, 12.5, 2.7, 0])


def test_score_losses_of_known_games():
    known = score_losses(gl.minimax())
    soft = np.logaddexp(0, SCORES)
    np.testing.assert_allclose(known.real(SCORES), np.logaddexp(0, -SCORES), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(known.fake(SCORES), soft, rtol=1e-12)
    np.testing.assert_allclose(known.generator(SCORES), -soft, rtol=1e-12)
    known = score_losses(least_squares(-2, .5, .3))
    both = ((SCORES - .5) ** 2 + (SCORES + 2) ** 2) / 2
    np.testing.assert_allclose(known.real(SCORES) + known.fake(SCORES), both, rtol=1e-12)
    np.testing.assert_allclose(known.generator(SCORES), (SCORES - .3) ** 2 / 2, rtol=1e-12)
    np.testing.assert_allclose(
        known.slopes(SCORES), [SCORES - .5, SCORES + 2, [1] * 5, [1] * 5], rtol=1e-12
    )
    np.testing.assert_allclose(known.generator_slope(SCORES), SCORES - .3, rtol=1e-12)


@pytest.mark.parametrize("game, best, slope", [
    (gl.minimax(), lambda c: c, lambda c: np.ones_like(c)),
    (least_squares(-1, 2, 0), lambda c: -1 + 3 / (1 + np.exp(-c)),
     lambda c: 3 / (2 + np.exp(c) + np.exp(-c))),
    (f_gan("KL"), lambda c: 1 + c, lambda c: np.ones_like(c)),
    (f_gan("Pearson"), lambda c: 2 * np.expm1(c), lambda c: 2 * np.exp(c)),
    (f_gan("JS-weighted", pi=.3), lambda c: c, lambda c: np.ones_like(c)),
], ids="minimax squares KL Pearson JS".split())
def test_best_scores_far_into_both_tails(game, best, slope):
    c = np.array([[-60, -19.3, -1.2], [.4, 22, 60]])
    found = best_score(game, c)
    np.testing.assert_allclose(
        found.score, best(c), rtol=4e-9, atol=1e-12
    )  # softplus is linear above 20: e^-20 = 2e-9
    np.testing.assert_allclose(found.slope, slope(c), rtol=1e-8, atol=1e-25)
    assert not found.step.any()


@pytest.mark.parametrize("p, q", PAIRS)
def test_pushes_of_the_first_lessons(p, q):
    assert push(gl.minimax(), p, q) == pytest.approx(generator_gradient(p, q), rel=1e-12)
    assert push(gl.non_saturating(), p, q) == pytest.approx(
        generator_gradient(p, q, "non-saturating"), rel=1e-10
    )
    for labels in [(0, 1, 1), (-1, 1, 0), (-2, .5, .3)]:
        assert push(least_squares(*labels), p, q) == pytest.approx(
            least_squares_gradient(p, q, *labels), rel=1e-12
        )


ROWS = [
    ("KL", {}),
    ("reverse KL", {}),
    ("Pearson", {}),
    ("Neyman", {}),
    ("squared Hellinger", {}),
    ("JS", {}),
    ("GAN", {}),
    ("Le Cam", {}),
    ("alpha", dict(alpha=.4)),
    ("alpha", dict(alpha=1.6)),
    ("JS-weighted", dict(pi=.3)),
]


@pytest.mark.parametrize(
    "name, parameter", ROWS, ids=[f"{name} {' '.join(map(str, p.values()))}" for name, p in ROWS])
def test_pushes_of_the_table_of_divergences(name, parameter):
    row, pairs = f_divergence(name, **parameter), PAIRS[:1] + PAIRS[2:3]
    for generator, slope in (("conjugate", row.slope), ("trick", row.trick_slope)):
        np.testing.assert_allclose(
            pushes(f_gan(row, generator), pairs), [slope(p, q) for p, q in pairs], rtol=1e-11
        )


def test_a_divergence_that_torch_differentiates_once_only():
    p, q = PAIRS[0]
    assert not score_losses(f_gan("Jeffrey")).twice
    assert push(f_gan("Jeffrey"), p, q) == pytest.approx(
        f_divergence("Jeffrey").slope(p, q), rel=1e-11
    )


def test_hinge_jumps_where_p_equals_q():
    p, q = Normal(0, 1), Normal(1.7, 1)
    found = best_score(hinge(), np.array([-50, -.01, .01, 50]))
    np.testing.assert_allclose(found.score, [-1, -1, 1, 1], rtol=1e-9)
    assert found.step.all() and not found.slope.any()
    assert push(hinge(), p, q) == pytest.approx(
        2 * q.pdf(.85), rel=1e-12
    )  # a step of 2 at the midpoint
    assert best_value(hinge(), p, q) == pytest.approx(
        2 - 2 * f_divergence("total variation")(p, q), rel=1e-12
    )

    def uneven(f, g, x, z):  # fakes count twice: the step lies where p = 2 q
        return relu(1 - f(x)).mean() + 2 * relu(1 + f(g(z))).mean()
    at = .85 - np.log(2) / 1.7
    game = Game({"f": uneven, "g": lambda f, g, z: -f(g(z)).mean()})
    assert push(game, p, q) == pytest.approx(2 * q.pdf(at), rel=1e-9)


def test_values():
    for p, q in PAIRS[:2] + PAIRS[3:]:
        assert best_value(gl.minimax(), p, q) == pytest.approx(
            -gan_value(p, q, optimal_logit(p, q)), rel=1e-12
        )
    p, q = PAIRS[1]
    assert best_value(f_gan("squared Hellinger"), p, q) == pytest.approx(
        -f_divergence("squared Hellinger")(p, q), rel=1e-11
    )


def test_a_game_of_ones_own():
    """Boosting's exponential loss: e^-f and e^f.

    r e^-c = e^c, so c* = ½ log p/q, and the critic's least loss is 2 ∫√(pq). With -f for the
    generator the push is -½ E_q (log p/q)', for Normals of one width θ/2σ². With e^-f it is
    ½ E_q √(q/p) θ/σ².
    """
    def critic(l, g, x, z):
        return torch.exp(-l(x)).mean() + torch.exp(l(g(z))).mean()
    tame = Game({"l": critic, "g": lambda l, g, z: -l(g(z)).mean()})
    wild = Game(
        {"g": lambda g, l, z, x: torch.exp(-l(g(z))).mean() + l(x).mean(), "l": critic}
    )  # x is in nobody's way
    for theta, sigma in [(.3, 1.), (1.7, .8), (4.2, 2.)]:
        p, q = Normal(0, sigma), Normal(theta, sigma)
        delta = theta / sigma
        assert push(tame, p, q) == pytest.approx(theta / (2 * sigma ** 2), rel=1e-12)
        assert push(wild, p, q) == pytest.approx(
            delta / (2 * sigma) * np.exp(3 * delta**2 / 8), rel=1e-10
        )
        assert best_value(tame, p, q) == pytest.approx(2 * np.exp(-delta ** 2 / 8), rel=1e-11)

    def smoothed(f, g, x, z):  # one label in ten is wrong: σ(c*) = .9 p/(p + q)
        return (.9 * softplus(-f(x)) + .1 * softplus(f(x))).mean() + softplus(f(g(z))).mean()
    game, (p, q) = Game({"f": smoothed, "g": lambda f, g, z: softplus(-f(g(z))).mean()}), PAIRS[0]
    def integrand(x):
        D, slope = .9 / (1 + np.exp(q.logpdf(x) - p.logpdf(x))), -.3
        return -q.pdf(x) * (1 - D / .9) * slope  # -(1 - D) c', and dc/d log r = (1 - D/.9)/(1 - D)

    assert push(game, p, q) == pytest.approx(quad(integrand, -12, 12, epsabs=1e-13)[0], rel=1e-10)


@pytest.mark.parametrize("game, why", [
    (lambda: gl.wasserstein(gradient_penalty), "penalty on slopes"),
    (lambda: loss_sensitive(), "margin between samples"),
    (lambda: relativistic("RSGAN"), "compares"),
    (lambda: relativistic("RaLSGAN"), "compares"),
    (lambda: gl.wasserstein(clip=.1), "leave `after` out"),
    (lambda: conditional(gl.minimax()), "no labels"),
    (lambda: vae(), "two players"),
    (lambda: adversarial_autoencoder(), "two players"),
    (lambda: Game({"f": lambda f, x: f(x).mean()}), "two players"),
])
def test_games_without_score_losses(game, why):
    with pytest.raises(ValueError, match=why):
        score_losses(game())


def _critic(loss):
    return Game([Move("f", loss), Move("g", lambda f, g, z: -f(g(z)).mean())])


@pytest.mark.parametrize("loss, why", [
    (lambda f, g, x, z: f(x).square().sum() + f(g(z)).square().sum(), "no mean"),
    (lambda f, g, x, z: f(x).var(correction=0) + f(x).mean() - f(g(z)).mean(), "no mean"),
    (lambda f, g, x, z: f(x).square(), "end it with .mean"),
    (lambda f, g, x, z: f.features(x).mean() + f(g(z)).mean(),
     "could not be called with scores alone"),
    (lambda f, g, x, z: -torch.log(f(x)).mean() - torch.log(1 - f(g(z))).mean(), "softplus")])
def test_losses_that_are_no_mean_over_scores(loss, why):
    with pytest.raises(ValueError, match=why):
        score_losses(_critic(loss))


@pytest.mark.parametrize("game, why", [
    (gl.wasserstein(), "needs a constraint"),
    (relativistic("RGAN"), "needs a constraint"),
    (f_gan("total variation"), "level off"),
])
def test_games_without_a_best_score(game, why):
    with pytest.raises(ValueError, match=why):
        best_score(game, np.array([-1., .3, 2]))
    with pytest.raises(ValueError, match=why):
        push(game, *PAIRS[0])
