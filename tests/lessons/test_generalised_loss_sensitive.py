"""Generalised LS-GAN: costs, from LS-GAN to WGAN, and transport with a cap for every pair."""
import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import FAKE, REAL, itself, title_of
from scipy.integrate import quad
from scipy.optimize import linear_sum_assignment, minimize
from scipy.stats import norm
from torch.nn import functional as F

from gan_lessons import Normal, mlp_critic, wasserstein
from gan_lessons.drawing import plots
from gan_lessons.exact.generalised_loss_sensitive import capped_transport
from gan_lessons.explorers import generalised_loss_sensitive as explorers
from gan_lessons.objectives.loss_sensitive import leaky, loss_sensitive, margin, own_cost
from gan_lessons.questions import generalised_loss_sensitive as questions

score = lambda x: x[:, 0]
NUS = [1., .5, .2, 0., -.3, -1., -4.]


def column(values):
    return torch.tensor(values, dtype=torch.float64)[:, None].requires_grad_()


def played(loss, l=score, real=REAL, fake=FAKE):
    """Value and gradients of a loss of l, by the scores of real and fake."""
    x, z = column(real), column(fake)
    value = loss(l, itself, x, z)
    return value.item(), *(g.flatten().tolist() for g in torch.autograd.grad(value, [x, z]))


# ---------------------------------------------------------------- the family C_ν

@pytest.mark.parametrize("nu", NUS)
def test_the_leaky_cost(nu):
    a = torch.tensor([-5., 1.4, 12.5, 2.7, -.03, 0.], dtype=torch.float64, requires_grad=True)
    value = leaky(nu)(a)
    assert value.tolist() == pytest.approx([-5 * nu, 1.4, 12.5, 2.7, -.03 * nu, 0], abs=1e-15)
    torch.testing.assert_close(value, a + (1 - nu) * F.relu(-a), rtol=1e-14, atol=1e-14)
    slope, = torch.autograd.grad(value.sum(), a)
    assert slope.tolist() == [nu, 1, 1, 1, nu, (1 + nu) / 2]
    assert explorers.slope(a.detach().numpy(), nu).tolist() == slope.tolist()
    assert own_cost(leaky(nu)).surplus == nu


def test_the_cost_falls_as_nu_rises():
    a = torch.linspace(-3, 3, 61, dtype=torch.float64)
    for low, high in itertools.pairwise(sorted(NUS)):
        assert (leaky(low)(a) >= leaky(high)(a)).all()
        assert (leaky(low)(a) > leaky(high)(a))[a < 0].all()


@pytest.mark.parametrize("nu", [1.0001, 2, math.inf, -math.inf, math.nan])
def test_nu_above_one_is_refused(nu):
    with pytest.raises(ValueError, match="nu ≤ 1"):
        leaky(nu)


# ---------------------------------------------------------------- a cost of one's own

GOOD_COSTS = {
    "relu": (F.relu, 0),
    "abs": (torch.abs, -1),
    "itself": (lambda a: 1 * a, 1),
    "elu": (F.elu, 0),
    "leaky_relu": (lambda a: F.leaky_relu(a, .2), .2),
    "square": (lambda a: a + F.relu(-a) ** 2, -1999),
    "tangent": (lambda a: torch.where(a > 0, a, 2 * F.softplus(a) - 2 * math.log(2)), 0),
    "logarithm": (lambda a: a.clamp(min=0) - torch.log1p(F.relu(-a)), 1 / 1001),
}
BAD_COSTS = {
    "softplus": (F.softplus, r"at a = 1 your cost is 1.31326; C\(a\) = a"),
    "doubled": (lambda a: torch.maximum(2 * a, a), r"at a = 1 .* C\(a\) = a"),
    "swapped": (lambda a: torch.where(a > 0, 0 * a, a), r"at a = 1 your cost is 0; C\(a\) = a"),
    "steep": (lambda a: F.leaky_relu(a, 1.2), r"at a = -1 your cost is -1.2; C\(a\) ≥ a"),
    "only far away": (lambda a: torch.where(a > -900, F.relu(a), 2 * a),
                      r"at a = -9.. .* C\(a\) ≥ a"),
    "overflow": (lambda a: torch.where(a > 0, a, torch.exp(a) - 1), r"slope there is not.*clamp"),
    "infinite": (lambda a: torch.where(a > 0, a, torch.log(a)), "finite for every a"),
    "mean": (lambda a: F.relu(a).mean(), "number by number"),
    "centred": (lambda a: F.relu(a - a.mean()), "number by number"),
    "detached": (lambda a: F.relu(a).detach(), "keeps the gradient"),
    "numpy": (lambda a: np.maximum(a.detach().numpy(), 0), "keeps the gradient"),
}


@pytest.mark.parametrize("name", GOOD_COSTS)
def test_a_cost_with_both_properties_is_returned_as_it_is(name):
    cost, surplus = GOOD_COSTS[name]
    mine, a = own_cost(cost, name), torch.tensor([-5., 1.4, -.2], dtype=torch.float64)
    assert torch.equal(mine(a), cost(a)) and mine.surplus == pytest.approx(surplus, abs=1e-9)
    assert repr(mine).startswith(f"{name}: C(a) = a")
    assert ("no bottom" in repr(mine)) == (surplus > 0)
    here, there = (played(loss_sensitive(cost=c, first=0)["l"]) for c in (cost, mine))
    assert here == there


@pytest.mark.parametrize("name", BAD_COSTS)
def test_a_cost_without_them_is_refused(name):
    cost, why = BAD_COSTS[name]
    with pytest.raises(ValueError, match=why):
        own_cost(cost)


# ---------------------------------------------------------------- the two properties of a cost

def finite_laws(seed, n=5):
    rng = np.random.default_rng(seed)
    p, q = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(n))
    places = rng.normal(size=(n, 2))
    return p, q, np.linalg.norm(places[:, None] - places, axis=-1)


def S(p, q, distance, l, cost, first=0., weight=1.):
    violation = torch.as_tensor(distance + l[:, None] - l)
    return first * p @ l + weight * (np.outer(p, q) * cost(violation).numpy()).sum()


@pytest.mark.parametrize("name", [*GOOD_COSTS])
@pytest.mark.parametrize("seed", range(3))
def test_both_halves_of_the_equilibrium_theorem(name, seed):
    cost, (p, q, distance), first, weight = GOOD_COSTS[name][0], finite_laws(seed), .7, 2.
    floor = weight * p @ distance @ q
    h = np.maximum(weight * q - (first + weight) * p, 0)
    alpha = np.min(distance[distance > 0]) / h.max() / 2  # never rises faster than Δ
    assert S(p, q, distance, alpha * h, cost, first, weight) == pytest.approx(
        floor - alpha * h @ h, abs=1e-12)
    rng = np.random.default_rng(seed)
    for _ in range(50):
        l = rng.exponential(3, len(p))
        if q @ l <= p @ l:  # the generator is at its best
            assert S(p, q, distance, l, cost, first, weight) >= floor - 1e-12


@pytest.mark.parametrize("cost, fails", [(lambda a: F.leaky_relu(a, 1.2), True),
                                         (lambda a: F.relu(a).sqrt(), True), (F.relu, False),
                                         (torch.abs, False), (F.elu, False)])
def test_at_perfection_only_a_cost_finds_no_difference(cost, fails):
    p, _, distance = finite_laws(7)
    flat = S(p, p, distance, np.zeros(5), cost)
    tries = [S(p, p, distance, t * np.array([0, 1., 0, 0, 1]), cost) for t in (.1, 1, 30)]
    assert (min(tries) < flat - 1e-3) == fails


# ---------------------------------------------------------------- from LS-GAN to WGAN

@pytest.mark.parametrize("weight", [1., .3, 7.])
@pytest.mark.parametrize("real, fake", [(REAL, FAKE), ([2.5, -1.], [-.5, 4.25])])
def test_nu_one_is_the_wasserstein_game_and_nu_zero_is_ls_gan(weight, real, fake):
    delta = margin(1.3, 2)
    mean_margin = delta(column(real), column(fake)).mean().item()
    game = lambda nu: loss_sensitive(delta, weight, leaky(nu), first=0)["l"]
    value, *grads = played(game(1), real=real, fake=fake)
    theirs, *wanted = played(
        lambda l, g, x, z: weight * wasserstein()["f"](lambda x: -l(x), g, x, z),
        real=real, fake=fake)
    assert value - weight * mean_margin == pytest.approx(theirs, abs=1e-12)
    np.testing.assert_allclose(grads, wanted, rtol=0, atol=1e-15)
    n = len(real)
    np.testing.assert_allclose(grads, [[weight / n] * n, [-weight / n] * n], atol=1e-15)

    value, *grads = played(game(0), real=real, fake=fake)
    theirs, *wanted = played(loss_sensitive(delta, weight, first=0)["l"], real=real, fake=fake)
    assert value == pytest.approx(theirs, abs=1e-12)
    np.testing.assert_allclose(grads, wanted, atol=1e-15)
    a = [abs(r - f) * 1.3 + r - f for r, f in zip(real, fake)]
    assert value == pytest.approx(weight * sum(max(v, 0) for v in a) / n, abs=1e-12)

    value, *_ = played(game(-1), real=real, fake=fake)
    assert value == pytest.approx(weight * sum(map(abs, a)) / n, abs=1e-12)


@pytest.mark.parametrize("n", [3, 8])
@pytest.mark.parametrize("seed", [0, 1])
def test_nu_one_of_networks_by_every_weight(n, seed):
    torch.manual_seed(seed)
    x = torch.randn(n, 2).double()
    z = torch.randn(n, 2).double()
    l = mlp_critic(2, seed=seed).double()
    g, delta = lambda z: 2 * z + 1, margin(.7)
    mine = loss_sensitive(delta, 3., leaky(1), first=0)["l"](l, g, x, z)
    theirs = 3 * wasserstein()["f"](lambda x: -l(x), g, x, z)
    assert (mine - theirs).item() == pytest.approx(3 * delta(x, g(z)).mean().item(), abs=1e-12)
    for a, b in zip(*(torch.autograd.grad(loss, list(l.parameters())) for loss in (mine, theirs))):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    assert loss_sensitive(first=0)["g"](l, g, z).item() == wasserstein()["g"](lambda x: -l(x), g,
                                                                              z).item()


@pytest.mark.parametrize("weight", [1., 10., 1000.])
def test_the_first_term_keeps_nu_one_from_wgan_and_drops_out(weight):
    _, real, fake = played(loss_sensitive(weight=weight, cost=leaky(1), first=1)["l"])
    np.testing.assert_allclose([real, fake],
                               [[(1 + weight) / 4] * 4, [-weight / 4] * 4], rtol=1e-14)
    lifted = played(loss_sensitive(weight=weight, cost=leaky(1), first=1)["l"],
                    l=lambda x: x[:, 0] - 5)[0]
    plain = played(loss_sensitive(weight=weight, cost=leaky(1), first=1)["l"])[0]
    assert lifted - plain == pytest.approx(-5, abs=1e-10)


@pytest.mark.parametrize("nu", NUS)
def test_a_loss_that_never_outruns_the_margin_pays_the_same_under_every_cost(nu):
    torch.manual_seed(3)
    x, x_fake = torch.randn(40, 2).double(), 2 * torch.randn(40, 2).double() + 1
    l = lambda x: torch.sin(x[:, 0]) * .8 + .5 * x[:, 1].abs()  # slopes at most √(.64 + .25)
    value = loss_sensitive(margin(1, 2), 1, leaky(nu), 0)["l"](l, itself, x, x_fake)
    assert value.item() == pytest.approx(
        ((x - x_fake).norm(dim=1) + l(x) - l(x_fake)).mean().item(), abs=1e-13)


# ---------------------------------------------------------------- straight lines

@pytest.mark.parametrize("theta", [.5, 1., 3.])
@pytest.mark.parametrize("k, nu", [(.4, -1), (1.7, 0), (2.5, .5), (-1.8, -3)])
def test_a_straight_line_has_its_kink_at_one(theta, k, nu):
    D = norm(theta, math.sqrt(2))
    up = theta * norm.cdf(theta / math.sqrt(2)) + math.sqrt(2) * norm.pdf(theta / math.sqrt(2))
    total = None
    down = up - theta
    total = quad(lambda d: D.pdf(d) * max(abs(d) - k * d, nu * (abs(d) - k * d)), -15, 15,
                 points=[0], limit=200)[0]
    fine = (k - 1) * up if k > 1 else (-k - 1) * down if k < -1 else 0
    assert total == pytest.approx(up + down - k * theta + (1 - nu) * fine, abs=1e-8)


# ---------------------------------------------------------------- capped transport

def grid(q, n=61):
    x = np.linspace(-5, 6, n)
    P, Q = (law.pdf(x) / law.pdf(x).sum() for law in (Normal(0, 1), q))
    return x, P, Q, abs(x[:, None] - x), np.abs(np.cumsum(P - Q))[:-1] @ np.diff(x)


@pytest.mark.parametrize("nu", [0, -.3, -1, -5])
@pytest.mark.parametrize("seed", range(3))
def test_strong_duality_and_the_plan(nu, seed):
    p, q, distance = finite_laws(seed)
    best = capped_transport(p, q, distance, nu)
    assert S(p, q, distance, best.l, leaky(nu)) == pytest.approx(p @ distance @ q - best.work,
                                                                 abs=1e-9)
    assert best.plan.min() >= 0 and (best.plan <= (1 - nu) * np.outer(p, q) + 1e-12).all()
    np.testing.assert_allclose(best.plan.sum(1) - best.plan.sum(0), p - q, atol=1e-9)
    assert (best.plan * distance).sum() == pytest.approx(best.work)
    rng = np.random.default_rng(seed)
    for _ in range(100):  # weak duality: nobody does better
        l = best.l + rng.normal(size=5) * rng.exponential()
        assert S(p, q, distance, l, leaky(nu)) >= p @ distance @ q - best.work - 1e-9


@pytest.mark.parametrize("nu", [-.2, -2])
def test_a_blind_search_finds_no_lower_loss(nu):
    p, q, distance = finite_laws(11, 3)
    search = min(minimize(lambda l: S(p, q, distance, l, leaky(nu)), start, method="Nelder-Mead",
                          options=dict(xatol=1e-10, fatol=1e-12, maxiter=4000)).fun
                 for start in np.eye(3))
    assert search == pytest.approx(p @ distance @ q - capped_transport(p, q, distance, nu).work,
                                   abs=1e-5)


@pytest.mark.parametrize("theta", [.5, 1, 2])
@pytest.mark.parametrize("nu", [0, -1, -6])
def test_shifted_normals_need_no_constraint(theta, nu):
    x, P, Q, distance, W = grid(Normal(theta, 1))
    best = capped_transport(P, Q, distance, nu)
    assert best.work == pytest.approx(W, abs=1e-7) and W == pytest.approx(theta, abs=1e-2)
    heavy = (P + Q)[1:] > 1e-4  # slope 1: the Wasserstein critic
    np.testing.assert_allclose(np.diff(best.l)[heavy], np.diff(x)[heavy], atol=1e-6)
    trade = np.maximum(np.outer(P, Q) - np.outer(Q, P), 0)  # feasible at ν = 0, for any laws
    np.testing.assert_allclose(trade.sum(1) - trade.sum(0), P - Q, atol=1e-14)
    assert (trade * distance).sum() == pytest.approx(W) and (trade <= np.outer(P, Q)).all()


def test_different_widths_need_nu_minus_one():
    x = np.linspace(-5, 5, 45)
    P, Q = (law.pdf(x) / law.pdf(x).sum() for law in (Normal(0, 1), Normal(0, 2)))
    distance, W = abs(x[:, None] - x), np.abs(np.cumsum(P - Q))[:-1] @ np.diff(x)
    works = [capped_transport(P, Q, distance, nu).work for nu in (0, -.5, -1, -2)]
    assert works[0] > works[1] + .01 > W + .02
    assert works[2:] == pytest.approx([W, W], abs=1e-9)


def test_samples_that_all_differ():
    rng = np.random.default_rng(2)
    places = rng.normal(size=(10, 2))
    distance = np.linalg.norm(places[:, None] - places, axis=-1)
    p = np.repeat([.2, 0], 5)
    between = distance[:5, 5:]
    rows, columns = linear_sum_assignment(between)
    # only the mean margin
    assert capped_transport(p, p[::-1], distance, 0).work == pytest.approx(between.mean())
    for nu in (-4, -9):  # 1 - ν = n suffices
        assert capped_transport(p, p[::-1], distance, nu).work == pytest.approx(
            between[rows, columns].mean())
    with pytest.raises(ValueError, match="no minimum"):
        capped_transport(p, p[::-1], distance, .01)


@pytest.mark.parametrize("seed", range(4))
def test_a_plan_exists_up_to_the_smallest_odds_ratio(seed):
    p, q, distance = finite_laws(seed, 4)
    events = [list(e) for k in (1, 2, 3) for e in itertools.combinations(range(4), k)]
    odds = lambda m: m / (1 - m)
    limit = min(odds(p[A].sum()) / odds(q[A].sum()) for A in events)
    capped_transport(p, q, distance, limit - 1e-4)
    with pytest.raises(ValueError, match="no plan"):
        capped_transport(p, q, distance, limit + 1e-4)
    A = min(events, key=lambda A: odds(p[A].sum()) / odds(q[A].sum()))
    l = np.zeros(4)
    l[A] = 1e4
    assert S(p, q, distance, l, leaky(limit + .01)) < S(p, q, distance, l / 10,
                                                        leaky(limit + .01)) < 0


@pytest.mark.parametrize("reach", [5, 9])
@pytest.mark.parametrize("q", [Normal(2, 1), Normal(0, 2), Normal(.3, .5)])
def test_light_places_do_not_upset_the_solver(reach, q):
    x = np.linspace(-reach, reach, 41)
    P, Q = (law.pdf(x) / law.pdf(x).sum() for law in (Normal(0, 1), q))
    best = capped_transport(P, Q, abs(x[:, None] - x), 0)
    held = P + Q > 1e-9
    assert np.isfinite(best.l[held]).all() and np.isnan(best.l[~held]).all()
    W = np.abs(np.cumsum(P - Q))[:-1] @ np.diff(x)
    assert W - 1e-7 <= best.work <= P @ abs(x[:, None] - x) @ Q + 1e-7
    with pytest.raises(ValueError, match="no minimum"):
        capped_transport(P, Q, abs(x[:, None] - x), .2)


def test_nu_above_one_has_no_cap():
    with pytest.raises(ValueError, match="ν ≤ 1"):
        capped_transport([.5, .5], [.2, .8], np.ones((2, 2)), 1.5)


# ---------------------------------------------------------------- the pictures of lesson 10

def test_the_straight_explorer_says_what_torch_says():
    explorer = explorers.costs()
    for nu, k, shift in [(-.5, 1.5, .5), (.25, 2.4, 1.), (0., -.5, 2.), (1., .3, 0.)]:
        x, z = (torch.tensor(v, dtype=torch.float64)[:, None]
                for v in (explorers.X_REAL, explorers.X_FAKE))
        slope = torch.tensor(k, dtype=torch.float64, requires_grad=True)
        value = loss_sensitive(cost=leaky(nu), first=0)["l"](lambda x: slope * x[:, 0],
                                                             lambda z: z + shift, x, z)
        said = title_of(explorer, nu=nu, k=k, shift=shift)
        assert f"S = {value.item():.4f}" in said
        assert f"{torch.autograd.grad(value, slope)[0].item():+z.4f}" in said
    assert "wants to be steeper" in title_of(explorer, nu=0., k=.5, shift=1.)
    assert "wants to be flatter" in title_of(explorer, nu=0., k=1.5, shift=1.)


def test_the_capped_explorer():
    explorer = explorers.capped()
    for nu in (-4., -1., 0.):
        places, distance, best = explorers.four_and_four(.4, nu)
        said = title_of(explorer, nu=nu, shift=.4)
        assert f"{best.work:.4f}" in said
        assert f"lowest S = {distance[:4, 4:].mean() - best.work:.4f}" in said
    assert "No plan" in title_of(explorer, nu=.5, shift=.4)
    before = explorer.draw(nu=-1., shift=.4)
    explorer.draw(nu=.5, shift=1.)
    assert explorer.draw(nu=-1., shift=.4) == before  # nothing is left behind


def test_intervals():
    values = [3., 5., 4.5]
    mean, half = explorers.interval(values)
    assert mean == pytest.approx(25 / 6)
    assert half == pytest.approx(4.302653 * np.std(values, ddof=1) / math.sqrt(3), rel=1e-6)
    assert explorers.interval([2.]) == (2., 0.)


def test_cloud_distance_is_the_cheapest_matching():
    a = np.array([[0., 0], [1, 0], [5, 5]])
    assert explorers.cloud_distance(a, a[::-1] + [0, .5]) == pytest.approx(.5)
    # 0 -> 1, 1 -> 2, or 1 stays
    assert explorers.cloud_distance(a[:2], a[:2] + [1, 0]) == pytest.approx(1)


def test_bars_stand_at_their_nu():
    _, ax = plots.figure()
    explorers.bars(ax, {"free": {-3: [1., 2], 0: [2., 3]}, "bound": {0: [1., 1.5], 1: [4., 5]}})
    assert [label.get_text() for label in ax.get_xticklabels()] == ["-3", "0", "1"]
    middles = [container[0].get_xdata() for container in ax.containers]
    np.testing.assert_allclose(np.round(np.concatenate(middles)), [0, 1, 1, 2])


def test_critics_draw_the_exact_line():
    _, ax = plots.figure()
    explorers.critics(ax, {-1: lambda x: x + 7}, 2., 1.)
    exact, trained = ax.lines[:2]
    np.testing.assert_allclose(exact.get_ydata()[8:-8], trained.get_ydata()[8:-8], atol=1e-3)


def test_reconstruction_finds_what_the_generator_made():
    g = torch.nn.Linear(3, 16)
    made = lambda z: g(z).reshape(-1, 1, 4, 4)
    net = torch.nn.Sequential(g, torch.nn.Unflatten(1, (1, 4, 4)))
    noise = lambda n, seed=0: torch.randn(n, 3, generator=torch.Generator().manual_seed(seed))
    run = SimpleNamespace(ema={"g": net}, source=SimpleNamespace(noise=noise))
    with torch.no_grad():
        wanted = made(noise(5, seed=9))
    found = explorers.reconstruct(run, wanted, steps=400)
    assert found.shape == wanted.shape and not found.requires_grad
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-2)
    assert g.weight.grad is None                              # the generator is left alone
    rough = explorers.reconstruct(run, wanted, steps=1)
    assert (rough - wanted).square().sum() > (found - wanted).square().sum()


def test_questions_of_lesson_10():
    assert questions._part(.4, -1) == pytest.approx(.870, abs=.001)
    assert questions._part(2., -1) == pytest.approx(.853, abs=.001)
