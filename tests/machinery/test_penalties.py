"""Slopes, where they are measured, what is asked of them, and clipped weights."""
import math

import pytest
import torch
from helpers import FAKE, REAL, itself, leaf
from torch import nn

from gan_lessons import Game, mlp_critic, wasserstein
from gan_lessons.objectives.wasserstein import hinge
from gan_lessons.players.image_networks import dcgan_critic
from gan_lessons.players.penalties import (
    at_both,
    at_fake,
    at_few,
    at_most_one,
    at_real,
    between,
    clip_weights,
    equal_one,
    gradient_penalty,
    lipschitz_penalty,
    penalised,
    penalty,
    power,
    slopes,
    zero_centred,
)


def smooth_critic(seed, shape=(3,)):
    return mlp_critic(shape, width=11, act=nn.Tanh, seed=seed).double()


# ---------------------------------------------------------------- slopes

@pytest.mark.parametrize("n", [1, 6])
@pytest.mark.parametrize("shape", [(3,), (2, 4, 5)])
def test_slopes_are_norms_of_difference_quotients_over_all_axes(n, shape):
    f = smooth_critic(n, shape)
    x, h = torch.randn(n, *shape, generator=torch.Generator().manual_seed(n)).double(), 1e-5
    found = slopes(f, x)
    for i in range(n):
        quotients = []
        for step in h * torch.eye(math.prod(shape)).double().reshape(-1, *shape):
            quotients.append((f(x[i:i + 1] + step) - f(x[i:i + 1] - step)).item() / (2 * h))
        assert found[i].item() == pytest.approx(math.hypot(*quotients), rel=1e-7)


def test_slopes_of_known_functions_in_any_shape():
    x = torch.tensor([[-5., 1.4], [12.5, 2.7]], dtype=torch.float64)
    assert slopes(lambda x: 3 * x[:, 0] - 4 * x[:, 1], x).tolist() == [5, 5]
    of_squares = slopes(lambda x: x.square().sum(1) / 2, x)
    assert of_squares.tolist() == pytest.approx(x.norm(dim=1).tolist())
    of_cubes = slopes(lambda x: (x ** 3)[:, None], leaf(REAL))
    assert of_cubes.tolist() == pytest.approx([3 * v * v for v in REAL])
    assert slopes(lambda x: 0 * x.sum(1), x).tolist() == [0, 0]


@pytest.mark.parametrize("seed", range(3))
def test_a_penalty_can_be_lowered_by_the_weights(seed):
    """A penalty's gradient by the weights is a difference quotient: right second derivatives."""
    f = smooth_critic(seed)
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(seed)).double()
    weight = f.layers[1].weight
    value = lambda: equal_one(slopes(f, x)).mean()
    gradient, = torch.autograd.grad(value(), weight)
    h, i, j = 1e-6, 4, 1
    with torch.no_grad():
        weight[i, j] += h
    up = value().item()
    with torch.no_grad():
        weight[i, j] -= 2 * h
    assert gradient[i, j].item() == pytest.approx((up - value().item()) / (2 * h),
                                                  rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("act", [nn.ReLU, lambda: nn.LeakyReLU(.2), nn.Tanh])
def test_slopes_of_rectified_critics_have_the_gradients_of_autograd(act):
    f = mlp_critic(3, width=9, depth=3, act=act, seed=4).double()
    x = torch.randn(7, 3, generator=torch.Generator().manual_seed(2)).double()
    plain = x.clone().requires_grad_()
    direct, = torch.autograd.grad(f(plain).sum(), plain, create_graph=True)
    mine, theirs = slopes(f, x), direct.flatten(1).norm(dim=1)
    torch.testing.assert_close(mine, theirs, rtol=1e-13, atol=0)
    weights = [w for w in f.parameters() if w.dim() > 1]
    for a, b in zip(*(torch.autograd.grad(equal_one(s).mean(), weights) for s in (mine, theirs))):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-15)


def test_no_slope_no_nan():
    w = torch.ones(2, dtype=torch.float64, requires_grad=True)
    dead = lambda x: torch.relu(x @ w - 9)
    fine = penalty()(dead, torch.zeros(4, 2).double(), torch.ones(4, 2).double())
    gradient, = torch.autograd.grad(fine, w)
    assert fine.item() == 1 and gradient.tolist() == [0, 0]


def test_what_has_no_slope_a_sample_is_refused():
    with pytest.raises(ValueError, match="batch norm.*without it"):
        slopes(dcgan_critic(batch_norm=True), torch.zeros(2, 1, 28, 28))
    assert slopes(dcgan_critic(batch_norm=True).eval(), torch.zeros(2, 1, 28, 28)).shape == (2,)
    with pytest.raises(ValueError, match=r"one score a sample: f gave \(\) for 4"):
        slopes(lambda x: x.mean(), torch.zeros(4, 2))
    with pytest.raises(ValueError, match=r"gave \(4, 3\) for 4"):
        slopes(nn.Linear(2, 3), torch.zeros(4, 2))


def test_slopes_work_while_gradients_are_off_and_leave_the_sample_alone():
    x = torch.randn(3, 2)
    with torch.no_grad():
        assert slopes(mlp_critic(2), x).shape == (3,)
    assert not x.requires_grad and x.grad is None


# ---------------------------------------------------------------- where

@pytest.mark.parametrize("shape", [(5, 2), (4, 3, 6, 6)])
def test_between_lies_on_the_segment_one_share_per_sample(shape):
    torch.manual_seed(3)
    x, x_fake = torch.randn(shape).double(), 5 + torch.randn(shape).double()
    shares = ((between(x, x_fake) - x_fake) / (x - x_fake)).flatten(1)
    torch.testing.assert_close(shares, shares[:, :1].expand_as(shares), rtol=0, atol=1e-12)
    assert ((0 <= shares) & (shares <= 1)).all() and len(set(shares[:, 0].tolist())) == len(x)


def test_shares_are_uniform():
    torch.manual_seed(0)
    shares = between(torch.ones(20_000, 1), torch.zeros(20_000, 1))
    for level in (.1, .5, .9):
        assert (shares < level).float().mean().item() == pytest.approx(level, abs=.012)


def test_at_both_takes_all_and_shapes_are_checked():
    x, x_fake = torch.randn(3, 2), torch.randn(5, 2)
    assert torch.equal(at_both(x, x_fake), torch.cat([x, x_fake]))
    with pytest.raises(ValueError, match="draw as many fakes as real"):
        between(x, x_fake)
    with pytest.raises(ValueError, match="draw as many fakes as real"):
        gradient_penalty(lambda x: x.sum(1), x, x_fake)
    with pytest.raises(ValueError, match=r"shape \(2,\), one fake \(4,\)"):
        at_both(x, torch.randn(3, 4))


# ---------------------------------------------------------------- what is asked

def test_what_is_asked_on_asymmetric_slopes_in_values_and_gradients():
    slope = leaf([0., .25, 1., 1.4, 12.5])
    for ask, value, gradient in [(equal_one, [1, .5625, 0, .16, 132.25], [-2, -1.5, 0, .8, 23]),
                                 (at_most_one, [0, 0, 0, .16, 132.25], [0, 0, 0, .8, 23]),
                                 (power(2), [0, .0625, 1, 1.96, 156.25], [0, .5, 2, 2.8, 25])]:
        asked = ask(slope)
        assert asked.tolist() == pytest.approx(value, abs=1e-13)
        assert torch.autograd.grad(asked.sum(), slope)[0].tolist() == pytest.approx(
            gradient, abs=1e-13)


@pytest.mark.parametrize("n", [1, 16, 64])
def test_a_critic_of_slope_one_pays_nothing_whatever_the_batch(n):
    torch.manual_seed(n)
    x, x_fake = torch.randn(n, 2), torch.randn(n, 2)
    assert gradient_penalty(lambda x: x[:, 0], x, x_fake).item() == 0
    assert gradient_penalty(lambda x: 3 * x[:, 0], x, x_fake).item() == pytest.approx(4)
    assert lipschitz_penalty(lambda x: .25 * x[:, 0], x, x_fake).item() == 0
    assert gradient_penalty(lambda x: .25 * x[:, 0], x, x_fake).item() == pytest.approx(.5625)


def test_a_penalty_is_where_times_what():
    f, x, x_fake = smooth_critic(1), torch.randn(6, 3).double(), torch.randn(6, 3).double()
    at = penalty(at_both, at_most_one)(f, x, x_fake)
    assert at.item() == pytest.approx(at_most_one(slopes(f, torch.cat([x, x_fake]))).mean().item(),
                                      rel=1e-14)


# ---------------------------------------------------------------- in the games

@pytest.mark.parametrize("weight", [0., 2.5, 10.])
def test_the_weighed_penalty_is_added_to_the_critic_alone(weight):
    x, z = leaf(REAL)[:, None], leaf(FAKE)[:, None]
    f, g = lambda x: 3 * x[:, 0], itself
    game = wasserstein(gradient_penalty, weight=weight)
    gap = 3 * (sum(REAL) - sum(FAKE)) / 4
    assert game["f"](f, g, x, z).item() == pytest.approx(-gap + weight * 4, rel=1e-13)
    assert game["g"](f, g, z).item() == pytest.approx(-3 * sum(FAKE) / 4, rel=1e-13)


@pytest.mark.parametrize("weight", [-1., -1e-9, math.nan])
def test_negative_weights_are_refused(weight):
    with pytest.raises(ValueError, match="0 or more"):
        wasserstein(gradient_penalty, weight=weight)


@pytest.mark.parametrize("real, fake", [(REAL, FAKE), (FAKE[:3], REAL)])
def test_hinge_values_and_gradients(real, fake):
    game, x, z = hinge(), leaf(real), leaf(fake)
    loss = game["f"](itself, itself, x, z)
    by_hand = sum(max(0, 1 - s) for s in real) / len(real) + sum(max(0, 1 + s)
                                                                 for s in fake) / len(fake)
    assert loss.item() == pytest.approx(by_hand, rel=1e-14)
    loss.backward()
    assert x.grad.tolist() == pytest.approx([-(s < 1) / len(real) for s in real])
    assert z.grad.tolist() == pytest.approx([(s > -1) / len(fake) for s in fake])
    z = leaf(fake)
    loss = game["g"](itself, itself, z)
    loss.backward()
    assert loss.item() == pytest.approx(-sum(fake) / len(fake))
    assert z.grad.tolist() == pytest.approx([-1 / len(fake)] * len(fake))


def test_hinge_is_two_minus_the_gap_while_scores_stay_within_one():
    x, z = leaf([-.4, .9, .2]), leaf([-1., .7])
    assert hinge()["f"](itself, itself, x, z).item() == pytest.approx(
        2 - (x.mean() - z.mean()).item(), rel=1e-14)


def test_clipping_moves_weights_into_the_box_and_no_others():
    f = mlp_critic(2, seed=8)
    before = [w.detach().clone() for w in f.parameters()]
    clip_weights(.1)(f)
    for weight, old in zip(f.parameters(), before):
        assert weight.abs().max() <= .1 and torch.equal(weight, old.clamp(-.1, .1))
    for c in (0, -.01, math.inf, math.nan):
        with pytest.raises(ValueError, match="c > 0"):
            clip_weights(c)


# ---------------------------------------------------------------- zero-centred: R1 and R2

def test_r1_r2_and_their_mean_are_expectations_of_squared_slopes():
    f = smooth_critic(1)
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(1)).double()
    x_fake = torch.randn(6, 3, generator=torch.Generator().manual_seed(2)).double() + 1
    r1 = (slopes(f, x) ** 2).mean().item()
    r2 = (slopes(f, x_fake) ** 2).mean().item()
    assert zero_centred(at_real)(f, x, x_fake).item() == pytest.approx(r1)
    assert zero_centred(at_fake)(f, x, x_fake).item() == pytest.approx(r2)
    assert zero_centred(at_both)(f, x, x_fake).item() == pytest.approx((r1 + r2) / 2)
    few = (slopes(f, x[:2]) ** 2).mean().item()
    assert zero_centred(at_few(at_real, 2))(f, x, x_fake).item() == pytest.approx(few)


@pytest.mark.parametrize("where", [at_real, at_fake, at_both])
def test_differences_converge_to_the_exact_penalty(where):
    """E (f(x + sd ε) - f(x))² / sd² -> E ‖∇f‖²: the bias goes with sd², the noise with 1/√n."""
    f = smooth_critic(3)
    x = torch.randn(7, 3, generator=torch.Generator().manual_seed(5)).double()
    x_fake = x.flip(0) * 2
    exact = zero_centred(where)(f, x, x_fake).item()
    many, many_fakes = x.repeat(20_000, 1), x_fake.repeat(20_000, 1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        found = {sd: zero_centred(where, sd=sd)(f, many, many_fakes).item()
                 for sd in (2.0, .5, 1e-3)}
    assert found[1e-3] == pytest.approx(exact, rel=.02)
    assert abs(found[2.0] - exact) > abs(found[.5] - exact) > abs(found[1e-3] - exact)


def test_differences_have_the_slope_penaltys_gradient_by_the_weights():
    f = smooth_critic(2)
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(5)).double()
    weight = f.layers[1].weight
    exact, = torch.autograd.grad(zero_centred(at_real)(f, x, x), weight)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        many = x.repeat(20_000, 1)
        found, = torch.autograd.grad(zero_centred(at_real, sd=1e-3)(f, many, many), weight)
    assert (found - exact).norm() < .05 * exact.norm()


@pytest.mark.parametrize("make", [lambda: zero_centred(sd=0.), lambda: zero_centred(sd=-1.),
                                  lambda: zero_centred(sd=math.nan), lambda: at_few(at_real, 0),
                                  lambda: penalised(hinge(), gradient_penalty, -1.),
                                  lambda: penalised(hinge(), gradient_penalty, math.inf)])
def test_what_is_no_step_no_number_and_no_weight_is_refused(make):
    with pytest.raises(ValueError):
        make()


def test_a_penalised_game_adds_to_the_critics_loss_alone():
    f, g = smooth_critic(1), lambda z: 2 * z
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(1)).double()
    z = x.flip(0) + .5
    game = penalised(hinge(), zero_centred(at_real), .3)
    plain = hinge()["f"](f, g, x, z).item()
    added = .3 * zero_centred(at_real)(f, x, g(z)).item()
    assert game["f"](f=f, g=g, x=x, z=z).item() == pytest.approx(plain + added)
    assert game["g"](f=f, g=g, z=z).item() == hinge()["g"](f, g, z).item()
    assert wasserstein(gradient_penalty, weight=2.).moves[0].needs == game.moves[0].needs
    with pytest.raises(KeyError):
        penalised(hinge(), zero_centred(), 1., player="l")


def test_a_loss_that_needs_no_real_sample_is_given_one_for_its_penalty():
    game = penalised(Game({"l": lambda l, z: l(z).mean(), "g": lambda l, g, z: l(g(z)).mean()}),
                     zero_centred(at_real), 1., player="l")
    assert set(game.moves[0].needs) == {"l", "z", "g", "x"}
    l = smooth_critic(1)
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(1)).double()
    found = game["l"](l=l, g=itself, x=x, z=2 * x).item()
    assert found == pytest.approx((l(2 * x).mean() + (slopes(l, x) ** 2).mean()).item())
