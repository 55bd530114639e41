"""Distances without a critic: kernels, energy, slices, Sinkhorn; by SciPy, POT and closed forms."""
from functools import partial

import numpy as np
import ot
import pytest
import torch
from helpers import title_of
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import cdist

from gan_lessons import (
    Game,
    Line,
    Mixture,
    Normal,
    Uniform,
    batches,
    expectation,
    fading,
    on_arrays,
    train,
    wasserstein_1,
)
from gan_lessons.drawing import plots
from gan_lessons.exact import mmd as exact
from gan_lessons.exact import sinkhorn as entropic
from gan_lessons.exact import transport
from gan_lessons.explorers import mmd as explorers
from gan_lessons.measures.metrics import kernel_distance
from gan_lessons.objectives import mmd as objective
from gan_lessons.players.fourier import Waves, fourier_critic
from gan_lessons.questions import mmd as questions

TWO = Mixture([Normal(-2, .5), Normal(2, .8)], weights=[.6, .4])
PAIRS = [(Normal(0, 1), Normal(1.3, .7)), (TWO, Normal(.5, 1.5)), (Normal(-1, .3), TWO)]


def point_masses(seed, n=23, m=31, dim=2):
    rng = np.random.default_rng(seed)
    return (rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m)),
            rng.normal(size=(n, dim)) * 1.7, rng.normal(size=(m, dim)) + .8)


# ---------------------------------------------------------------- MMD of laws

@pytest.mark.parametrize("p, q", PAIRS)
@pytest.mark.parametrize("h", [.3, 1.7])
def test_mmd_by_characteristic_functions(p, q, h):
    """E over ω ~ N(0, 1/h²) of |E e^(iωx) - E e^(iωy)|², by SciPy's quadrature."""
    def wave(law, w):
        parts = getattr(law, "laws", [law])
        shares = getattr(law, "weights", [1.])
        return sum(s * np.exp(1j * w * one.mean - (w * one.sd) ** 2 / 2)
                   for s, one in zip(shares, parts))
    density = stats.norm(0, 1 / h).pdf
    by_waves = quad(lambda w: density(w) * abs(wave(p, w) - wave(q, w)) ** 2, -9 / h, 9 / h,
                    limit=400, epsabs=1e-12)[0]
    assert exact.mmd2(p, q, exact.gaussian(h)) == pytest.approx(by_waves, abs=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_the_closed_form_of_normals(seed):
    rng = np.random.default_rng(seed)
    p, q = (Normal(rng.uniform(-2, 2), rng.uniform(.3, 2)) for _ in "pq")
    h = rng.uniform(.3, 3)
    assert exact.normal_mmd2(p, q, h) == pytest.approx(exact.mmd2(p, q, exact.gaussian(h)),
                                                       abs=1e-12)


def test_the_closed_form_in_five_dimensions_by_samples():
    rng, h = np.random.default_rng(0), 2.
    p, q = Normal(np.zeros(5), 1.2, dim=5), Normal(np.arange(5) / 3, .7, dim=5)
    found = []
    for _ in range(40):
        x, y = p.sample(200, rng), q.sample(200, rng)
        tables = [np.exp(-cdist(*pair, "sqeuclidean") / (2 * h ** 2))
                  for pair in ((x, x), (y, y), (x, y))]
        found.append(exact.unbiased(*tables))
    assert np.mean(found) == pytest.approx(exact.normal_mmd2(p, q, h),
                                           abs=4 * np.std(found) / 40 ** .5)


@pytest.mark.parametrize("theta", [-2.4, .3, 5.])
def test_the_slope_of_normals(theta):
    D = lambda t: exact.normal_mmd2(Normal(0, .8), Normal(t, .8), 1.6)
    assert exact.normal_mmd2_slope(theta, 1.6, .8) == pytest.approx(
        (D(theta + 1e-5) - D(theta - 1e-5)) / 2e-5, abs=1e-8)


@pytest.mark.parametrize("p, q", PAIRS)
def test_the_witness_is_the_best_of_its_ball(p, q):
    """Its gap is MMD², its norm is MMD, and combinations of kernels at random places do less."""
    k, rng = exact.gaussian(.9), np.random.default_rng(0)
    f, best = exact.witness(p, q, k), exact.mmd2(p, q, k)
    assert expectation(p, f) - expectation(q, f) == pytest.approx(best, abs=1e-11)
    for _ in range(20):
        at, v = rng.uniform(-4, 4, 6), rng.normal(size=6)
        norm = np.sqrt(v @ k(at[:, None], at) @ v)
        other = lambda x: k(x[:, None], at) @ v / norm
        assert expectation(p, other) - expectation(q, other) < best ** .5


@pytest.mark.parametrize("p, q", PAIRS[:2])
@pytest.mark.parametrize("n", [5, 30])
def test_the_variance_of_the_estimate(p, q, n):
    k, rng = exact.gaussian(.8), np.random.default_rng(n)
    found = []
    for _ in range(4_000):
        x, y = p.sample(n, rng)[:, 0], q.sample(n, rng)[:, 0]
        found.append(exact.unbiased(k(x[:, None], x), k(y[:, None], y), k(x[:, None], y)))
    formula = exact.estimate_variance(p, q, k, n)
    assert np.mean(found) == pytest.approx(exact.mmd2(p, q, k), abs=4 * (formula / 4_000) ** .5)
    assert np.var(found) == pytest.approx(formula, rel=.1)


def test_without_a_difference_the_error_falls_like_one_over_n():
    k, p = exact.gaussian(.8), PAIRS[0][0]
    few, many = (exact.estimate_variance(p, p, k, n) for n in (100, 400))
    assert few / many == pytest.approx(400 * 399 / (100 * 99), rel=1e-6)


def test_the_estimate_by_a_loop():
    rng, n = np.random.default_rng(3), 6
    x, y, k = rng.normal(size=n), rng.normal(size=n) + 1, exact.gaussian(.7)
    by_hand = np.mean([k(x[i], x[j]) + k(y[i], y[j]) - k(x[i], y[j]) - k(x[j], y[i])
                       for i in range(n) for j in range(n) if i != j])
    assert exact.unbiased(k(x[:, None], x), k(y[:, None], y), k(x[:, None], y)) == \
        pytest.approx(by_hand, abs=1e-14)


# ---------------------------------------------------------------- the energy distance

@pytest.mark.parametrize("p, q", [*PAIRS, (Uniform(0, 1), Uniform(.5, 2.5))])
def test_the_energy_distance_is_that_of_scipy(p, q):
    """SciPy's is the root of ∫ (F - G)² times √2, of weighted points; here 4,001 of them."""
    at = np.linspace(-9, 9, 4_001)
    masses = [np.diff(law.cdf(at)) for law in (p, q)]
    middle = (at[1:] + at[:-1]) / 2
    root = stats.energy_distance(middle, middle, *masses)
    assert exact.cramer(p, q) == pytest.approx(root ** 2 / 2, rel=1e-3)
    area = quad(lambda x: (p.cdf(x) - q.cdf(x)) ** 2, -9, 9, limit=500, epsabs=1e-12,
                points=[0, .5, 1, 2.5])[0]
    assert exact.cramer(p, q) == pytest.approx(area, abs=1e-9)


@pytest.mark.parametrize("p, mean, sd", [(TWO, .7, 1.5), (Normal(0, 1), -2., .4)])
def test_the_slope_of_the_energy_distance(p, mean, sd):
    D = lambda t: exact.cramer(p, Normal(mean + t, sd))
    assert exact.cramer_slope(p, Normal(mean, sd)) == pytest.approx((D(1e-4) - D(-1e-4)) / 2e-4,
                                                                    rel=1e-6)


@pytest.mark.parametrize("theta", [-1., .4, 6.])
def test_the_slope_of_unit_normals(theta):
    assert exact.cramer_slope_of_normals(theta) == pytest.approx(
        exact.cramer_slope(Normal(0, 1), Normal(theta, 1)), abs=1e-12)


@pytest.mark.parametrize("dim", [1, 2, 3, 7])
def test_what_slicing_shortens(dim):
    ways = np.random.default_rng(dim).normal(size=(400_000, dim))
    shadows = np.abs(ways[:, 0]) / np.linalg.norm(ways, axis=1)
    assert exact.shadow(dim) == pytest.approx(shadows.mean(), abs=.003)
    assert [exact.shadow(1), exact.shadow(2), exact.shadow(3)] == pytest.approx(
        [1, 2 / np.pi, .5], abs=1e-14)


# ---------------------------------------------------------------- transport with entropy

@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("epsilon", [.2, 1., 20.])
@pytest.mark.parametrize("power", [1, 2])
def test_the_plan_is_that_of_pot(seed, epsilon, power):
    p, q, x, y = point_masses(seed)
    cost = cdist(x, y) ** power
    found = entropic.sinkhorn(p, q, cost, epsilon)
    np.testing.assert_allclose(found.moved.sum(1), p, atol=1e-11)
    np.testing.assert_allclose(found.moved.sum(0), q, atol=1e-11)
    theirs = ot.sinkhorn(p, q, cost, epsilon, method="sinkhorn_log", numItermax=20_000,
                         stopThr=1e-10)
    np.testing.assert_allclose(found.moved, theirs, atol=1e-7)
    objective_there = (found.moved * cost).sum() + epsilon * (
        found.moved * np.log(found.moved / np.outer(p, q))).sum()
    assert found.value == pytest.approx(objective_there, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_ends_of_the_divergence(seed):
    p, q, x, y = point_masses(seed)
    S = partial(entropic.sinkhorn_divergence, p, q, x, y)
    assert S(1e-4) == pytest.approx(transport.plan(p, q, cdist(x, y)).cost, abs=2e-3)
    half = p @ cdist(x, y) @ q - p @ cdist(x, x) @ p / 2 - q @ cdist(y, y) @ q / 2
    assert S(1e7) == pytest.approx(half, abs=1e-6)
    values = [S(e) for e in (.01, .1, 1., 10.)]
    assert values == sorted(values, reverse=True) and min(values) > 0
    assert abs(entropic.sinkhorn_divergence(p, p, x, x, .3)) < 1e-12


@pytest.mark.parametrize("epsilon", [.3, 1., 8.])
def test_two_points_against_two_by_their_quadratic(epsilon):
    """One unknown, a = γ₁₁, and γ₁₁ γ₂₂ / (γ₁₂ γ₂₁) = exp(-(C₁₁ + C₂₂ - C₁₂ - C₂₁)/ε)."""
    p, q, cost = np.array([.3, .7]), np.array([.6, .4]), np.array([[1., 2.5], [.5, 3.]])
    odds = np.exp(-(cost[0, 0] + cost[1, 1] - cost[0, 1] - cost[1, 0]) / epsilon)
    roots = np.roots([1 - odds, q[1] - p[0] + odds * (p[0] + q[0]), -odds * p[0] * q[0]])
    a, = [r for r in roots.real if 0 < r < .3]
    moved = np.array([[a, p[0] - a], [q[0] - a, q[1] - p[0] + a]])
    np.testing.assert_allclose(entropic.sinkhorn(p, q, cost, epsilon).moved, moved, atol=1e-10)


@pytest.mark.parametrize("epsilon", [1.5, 4., 30.])
@pytest.mark.parametrize("mean, sd", [(1.3, .7), (-.4, 2.)])
def test_normals_by_quadrature(epsilon, mean, sd):
    z, w = np.polynomial.hermite_e.hermegauss(60)
    p, q, w = Normal(0, 1), Normal(mean, sd), w / w.sum()
    cost = (z[:, None] - (mean + sd * z)) ** 2
    assert entropic.sinkhorn(w, w, cost, epsilon).value == pytest.approx(
        entropic.normal_entropic(p, q, epsilon), abs=1e-6)


@pytest.mark.parametrize("epsilon", [.3, 1.1, 1.9])
def test_the_bias_of_the_width(epsilon):
    value = lambda t: entropic.normal_entropic(Normal(0, 1), Normal(0, t), epsilon)
    own = lambda t: entropic.normal_entropic(Normal(0, t), Normal(0, t), epsilon)
    find = lambda loss: minimize_scalar(loss, bounds=(1e-4, 3), method="bounded",
                                        options={"xatol": 1e-10}).x
    assert find(value) == pytest.approx((1 - epsilon / 2) ** .5, abs=1e-5)
    assert find(lambda t: value(t) - own(t) / 2) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("epsilon", [.1, 1., 30.])
def test_the_slope_of_the_divergence(epsilon):
    p, q, x, y = point_masses(5, dim=1)
    x, y = x[:, 0], y[:, 0]
    S = lambda t: entropic.sinkhorn_divergence(p, q, x, y + t, epsilon)
    assert entropic.divergence_slope(p, q, x, y, epsilon) == pytest.approx(
        (S(1e-6) - S(-1e-6)) / 2e-6, abs=1e-6)


def test_the_soft_minimum_becomes_a_cone_envelope():
    rng = np.random.default_rng(0)
    cost, h, q = rng.random((4, 6)), rng.normal(size=6), rng.dirichlet(np.ones(6))
    np.testing.assert_allclose(entropic.softmin(cost, h, q, 1e-4), (cost - h).min(1), atol=1e-3)
    q = np.array([0, .5, .5, 0, 0, 0])                          # a mass of 0 has no say
    np.testing.assert_allclose(entropic.softmin(cost, h, q, 1e-5), (cost - h)[:, 1:3].min(1),
                               atol=1e-4)


@pytest.mark.parametrize("call, said", [
    (lambda: entropic.sinkhorn([.5, .5], [1.], np.ones((2, 2)), 1.), "need"),
    (lambda: entropic.sinkhorn([.5, .6], [1.], np.ones((2, 1)), 1.), "sum"),
    (lambda: entropic.sinkhorn([1.], [1.], [[1.]], 0.), "plan"),
    (lambda: entropic.sinkhorn([1.], [1.], [[np.nan]], 1.), "nan"),
    (lambda: entropic.sinkhorn_divergence([1.], [1.], [0.], [1.], 1., power=3), "power"),
    (lambda: entropic.normal_entropic(Normal(0, 1), Uniform(0, 1), 1.), "Normals"),
    (lambda: exact.gaussian(0.), "bandwidth"),
    (lambda: exact.mmd2(Normal(0, 1), Normal(0, 1), lambda x, y: x), "shape"),
    (lambda: exact.mmd2(Normal(0, 1, dim=2), Normal(0, 1), exact.gaussian()), "line"),
    (lambda: exact.normal_mmd2(Normal(0, 1), Normal(0, 1, dim=2)), "one dimension"),
    (lambda: exact.unbiased(np.ones((3, 3)), np.ones((2, 2)), np.ones((3, 2))), "tables"),
    (lambda: exact.estimate_variance(Normal(0, 1), Normal(0, 1), exact.gaussian(), 1), "pairs"),
    (lambda: objective.mmd2(objective.cubic, torch.ones(3, 2), torch.ones(3, 1)), "one size"),
    (lambda: objective.mmd2(objective.cubic, torch.ones(1, 2), torch.ones(3, 2)), "two samples"),
    (lambda: objective.sliced(torch.ones(3, 2), torch.ones(4, 2)), "as many"),
    (lambda: objective.entropic(torch.ones(3, 2), torch.ones(4, 2), 0.), "epsilon"),
    (lambda: objective.gaussian(), "bandwidths"),
    (lambda: objective.mmd_gan(repulsive="yes"), "repulsive"),
    (lambda: fourier_critic(1, bandwidth=-1.), "bandwidth"),
])
def test_bad_input_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_a_distance_and_a_kernel_are_functions():
    for call in (lambda: objective.matching(3), lambda: objective.matching(objective.sliced, 3),
                 lambda: objective.mmd_gan("energy")):
        with pytest.raises(TypeError, match="is a function"):
            call()


# ---------------------------------------------------------------- losses

def two_batches(seed, n=6, m=9, dim=3):
    make = torch.Generator().manual_seed(seed)
    draw = lambda k: torch.randn(k, dim, generator=make, dtype=torch.float64)
    return 1.4 * draw(n) - .2, (draw(m) + .7).requires_grad_()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kernel, one", [
    (objective.gaussian(.7, 2.), lambda a, b: sum(
        torch.exp(-(a - b).square().sum() / (2 * h ** 2)) for h in (.7, 2.))),
    (objective.minus_distance, lambda a, b: -(a - b).square().sum().sqrt()),
    (objective.cubic, lambda a, b: (a @ b / 3 + 1) ** 3)])
def test_mmd_and_its_gradient_by_loops(seed, kernel, one):
    x, y = two_batches(seed)
    def by_hand(x, y):
        mean = lambda a, b, same: sum(one(u, v) for i, u in enumerate(a) for j, v in enumerate(b)
                                      if not (same and i == j)) / (
            len(a) * (len(a) - 1) if same else len(a) * len(b))
        return mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)
    mine, theirs = objective.mmd2(kernel, x, y), by_hand(x, y)
    assert mine.item() == pytest.approx(theirs.item(), abs=1e-9)
    np.testing.assert_allclose(*(torch.autograd.grad(loss, y)[0] for loss in (mine, theirs)),
                               atol=1e-9)


@pytest.mark.parametrize("n", [2, 30])
def test_a_batch_of_copies_has_a_finite_slope(n):
    y = torch.ones(n, 2, dtype=torch.float64, requires_grad=True)
    for loss in (partial(objective.mmd2, objective.minus_distance), objective.entropic):
        slope, = torch.autograd.grad(loss(torch.zeros(n, 2).double(), y), y)
        assert slope.isfinite().all() and slope.abs().max() > 0


def test_kid_is_this_mmd():
    x, y = two_batches(3, 40, 40)
    assert kernel_distance(y.detach(), x) == pytest.approx(
        objective.mmd2(objective.cubic, x, y).item(), rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_slices_on_a_line_are_the_earth_mover(seed):
    x, y = two_batches(seed, 8, 8, dim=1)
    y = y.detach()
    assert objective.sliced(x, y, 5).item() == pytest.approx(
        stats.wasserstein_distance(x[:, 0], y[:, 0]), abs=1e-12)


def test_slices_in_the_plane_are_those_of_pot():
    x, y = two_batches(0, 50, 50, dim=2)
    torch.manual_seed(0)
    mine = objective.sliced(x, y, 20_000).item()
    theirs = ot.sliced_wasserstein_distance(x.numpy(), y.detach().numpy(), n_projections=20_000,
                                            p=1, seed=0)
    assert mine == pytest.approx(theirs, rel=.02)
    plan = transport.plan(*[np.full(50, .02)] * 2, cdist(x, y.detach()))
    assert mine < exact.shadow(2) * plan.cost


@pytest.mark.parametrize("epsilon", [.5, 3.])
@pytest.mark.parametrize("seed", range(2))
def test_the_sinkhorn_loss_and_its_gradient(epsilon, seed):
    x, y = two_batches(seed)
    p, q = np.full(6, 1 / 6), np.full(9, 1 / 9)
    S = lambda at: entropic.sinkhorn_divergence(p, q, x.numpy(), at, epsilon)
    loss = objective.entropic(x, y, epsilon, rounds=300)
    assert loss.item() == pytest.approx(S(y.detach().numpy()), abs=1e-8)
    slope, = torch.autograd.grad(loss, y)
    for i, j in ((0, 0), (4, 2)):
        step = np.zeros((9, 3))
        step[i, j] = 1e-5
        at = y.detach().numpy()
        assert slope[i, j].item() == pytest.approx((S(at + step) - S(at - step)) / 2e-5, abs=1e-6)


def test_distances_keep_their_digits_under_autocast():
    x, y = (part.float() for part in two_batches(1, 20, 20))
    plain = objective.mmd2(objective.gaussian(1.), x, y)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(objective.mmd2(objective.gaussian(1.), x, y), plain)


# ---------------------------------------------------------------- games

def test_only_the_generator_moves():
    x, y = two_batches(0)
    game = objective.matching(partial(objective.mmd2, objective.minus_distance))
    assert game.players == ("g",)
    assert game["g"](g=lambda z: z, x=x, z=y).item() == \
        objective.mmd2(objective.minus_distance, x, y).item()
    halved = objective.matching(objective.sliced, features=lambda x: x[:, :1] / 2)
    x, y = two_batches(0, 7, 7)
    assert halved["g"](g=lambda z: z, x=x, z=y).item() == pytest.approx(
        stats.wasserstein_distance(x[:, 0], y[:, 0].detach()) / 2, abs=1e-12)


def test_the_critic_of_the_mmd_gan_wants_what_its_generator_fears():
    x, y = two_batches(2)
    game, weight = objective.mmd_gan(), torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    given = dict(f=lambda x: weight * x[:, :2], g=lambda z: z, x=x, z=y)
    f, g = (game[player](**given) for player in "fg")
    assert f.item() == pytest.approx(-g.item(), abs=1e-14)
    assert g.item() == pytest.approx(
        1.3 * objective.mmd2(objective.minus_distance, x[:, :2], y[:, :2]).item(), abs=1e-12)
    assert torch.autograd.grad(f, weight)[0] < 0               # larger features, a larger gap


def test_the_repulsive_critic_drives_real_features_apart():
    x, y = two_batches(2)
    kernel, mean = objective.gaussian(1.), lambda k: k[~torch.eye(len(k), dtype=bool)].mean()
    plain, game = objective.mmd_gan(kernel), objective.mmd_gan(kernel, repulsive=True)
    weight = torch.tensor(.8, dtype=torch.float64, requires_grad=True)
    given = dict(f=lambda x: weight * x[:, :2], g=lambda z: z, x=x, z=y)
    h, h_fake = .8 * x[:, :2], .8 * y[:, :2]
    assert game["f"](**given).item() == pytest.approx(
        (mean(kernel(h, h)) - mean(kernel(h_fake, h_fake))).item(), abs=1e-12)
    assert torch.equal(game["g"](**given), plain["g"](**given))
    moved = x.clone().requires_grad_()
    for wanted, one in ((game, 1), (plain, -1)):                # fakes far away: no term of both
        slope, = torch.autograd.grad(wanted["f"](**given | dict(x=moved, z=y + 99)), moved)
        spread = lambda a: torch.pdist(a[:, :2]).mean().item()
        assert one * (spread(x - 1e-3 * slope) - spread(x)) > 0


# ---------------------------------------------------------------- waves, and a trained critic

@pytest.mark.parametrize("h", [.5, 2.])
def test_waves_make_up_the_kernel(h):
    x = torch.linspace(-2, 2, 9).double()[:, None]
    waves = Waves(1, 2_000, h)(x)
    wanted = torch.exp(-(x - x.T) ** 2 / (2 * h ** 2))
    assert (waves @ waves.T - wanted).abs().max() < 2e-3
    plane = torch.randn(30, 3, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    waves = Waves(3, 20_000, h)(plane)
    assert (waves @ waves.T - objective.gaussian(h)(plane, plane)).abs().max() < .04


def critic_loss(f, g, x, z):
    return -(f(x).mean() - f(g(z)).mean()) + sum(w.square().sum() for w in f.parameters()) / 2


@pytest.mark.parametrize("theta", [1., 3.])
def test_a_trained_critic_comes_near_the_witness(theta):
    p, q = Normal(0, 1), Normal(theta, 1)
    run = train(Game({"f": critic_loss}), dict(f=fourier_critic(1), g=Line(theta, learn="")),
                batches(p, z=Normal(dim=1), batch=512), steps=300, rate=fading(0.), watch=None,
                optimizer=lambda w: torch.optim.SGD(w, lr=.1))
    f, best = on_arrays(run.players["f"]), exact.normal_mmd2(p, q)
    assert expectation(p, f) - expectation(q, f) == pytest.approx(best, rel=.02)
    at = np.linspace(-3, theta + 3, 50)
    assert np.abs(f(at) - exact.witness(p, q, exact.gaussian(1.))(at)).max() < .03


@pytest.mark.parametrize("loss", [
    partial(objective.mmd2, objective.minus_distance), objective.sliced,
    partial(objective.entropic, epsilon=1., rounds=20)])
def test_a_generator_on_the_line_comes_home(loss):
    p, line = Normal(0, 1), Line(4., learn="mean")
    train(objective.matching(loss), dict(g=line), batches(p, z=Normal(dim=1), batch=64), steps=80,
          optimizer=lambda w: torch.optim.SGD(w, lr=.1), watch=None)
    assert abs(line.mean.item()) < .4


def test_a_narrow_kernel_does_not_feel_distant_samples():
    line = Line(8., learn="mean")
    train(objective.matching(partial(objective.mmd2, objective.gaussian(1.))), dict(g=line),
          batches(Normal(0, 1), z=Normal(dim=1), batch=64), steps=80,
          optimizer=lambda w: torch.optim.SGD(w, lr=.1), watch=None)
    assert line.mean.item() > 7.9


# ---------------------------------------------------------------- pictures

def test_the_ends_of_the_picture():
    high, low = explorers.ends()
    assert high == pytest.approx(wasserstein_1(explorers.TWO, explorers.ONE), rel=.01)
    assert low == pytest.approx(exact.cramer(explorers.TWO, explorers.ONE), rel=.01)
    values = [explorers.solved(float(e))[2] for e in explorers.EPSILONS]
    assert high > values[0] > values[-1] > low and values == sorted(values, reverse=True)


def test_the_pulls_are_slopes():
    d, (theta,) = 1e-4, (1.7,)
    found = explorers.pulls(np.array([theta]))
    p, q = Normal(0, 1), lambda t: Normal(t, 1)
    slope = lambda D: (D(theta + d) - D(theta - d)) / (2 * d)
    assert found["$W_1$"][0] == pytest.approx(slope(lambda t: wasserstein_1(p, q(t))), abs=1e-6)
    assert found["$\\int(F-G)^2$"][0] == pytest.approx(slope(lambda t: exact.cramer(p, q(t))),
                                                       abs=1e-6)
    assert found["MMD², $h=4$"][0] == pytest.approx(
        slope(lambda t: exact.normal_mmd2(p, q(t), 4.)), abs=1e-6)
    soft = [found[f"$S_\\varepsilon$, $\\varepsilon={e}$"][0] for e in ("0.3", "2")]
    assert 1 > soft[0] > soft[1] > found["$\\int(F-G)^2$"][0]


def test_the_bandwidth_explorer_says_what_the_exact_module_says():
    explorer = explorers.bandwidth()
    for theta, log_h in ((6., 2.), (1., -1.)):
        explorer.draw(theta=theta, log_h=log_h)
        value = exact.normal_mmd2(Normal(0, 1), Normal(theta, 1), 2 ** log_h)
        said = explorer._artists[-1].get_text()
        assert f"MMD² {value:.4f}" in said
        assert f"slope {exact.normal_mmd2_slope(theta, 2 ** log_h):.4f}" in said
    pair = "two components, one Normal"
    explorer.draw(pair=pair, theta=2., log_h=0.)
    D = lambda t: exact.mmd2(*[part(t) if callable(part) else part
                               for part in explorers.PAIRS[pair]], exact.gaussian(1.))
    slope = float(explorer._artists[-1].get_text().rpartition(" ")[2])
    assert slope == pytest.approx((D(2 + 1e-4) - D(2 - 1e-4)) / 2e-4, abs=1e-4)


def test_the_softness_explorer_draws_the_critic_of_the_divergence():
    """Its gap, for a small move of mass between two places, is minus the change of S."""
    explorer = explorers.softness()
    epsilon = 10 ** .25
    explorer.draw(log_epsilon=.25)
    _, line, *_ = explorer._artists
    heights, places = line.get_ydata(), explorers.PLACES
    p, q = explorers.on_places(explorers.TWO), explorers.on_places(explorers.ONE)
    S = lambda q: entropic.sinkhorn_divergence(p, q, places, places, epsilon)
    moved = np.zeros(len(q))
    moved[25], moved[40] = -1e-6, 1e-6                          # from place 25 to place 40
    assert (S(q + moved) - S(q - moved)) / 2e-6 == pytest.approx(heights[25] - heights[40],
                                                                 abs=1e-4)
    assert f"S {S(q):.4f}" in title_of(explorer, log_epsilon=.25)


def test_still_pictures():
    figure, axes = plots.figure(2)
    explorers.idea(axes)
    assert len(axes[0].texts) == 5                              # an arrow a fake
    figure, axes = plots.figure(2)
    explorers.bias(*axes)
    least = [line.get_xdata()[0] for line in axes[0].lines if len(line.get_xdata()) == 1]
    assert least == pytest.approx([(1 - e / 2) ** .5 for e in (.1, .8, 1.6)], abs=.01)
    figure, ax = plots.figure()
    explorers.paths(ax, {"$W_1$": [1., .95, .8], "half energy": [1., .9, .85]})
    assert ax.lines[0].get_ydata() == pytest.approx([1, .9, .8])
    figure, ax = plots.figure()
    explorers.errors(ax, (10, 20), {"a": [1, .5], "b": [1, .7]})
    assert len(ax.lines) == 2


def test_questions_of_lesson_22():
    assert questions._of_points() == pytest.approx([3, 3, 3], abs=1e-12)
    assert questions._against_itself() == pytest.approx(-np.log((1 + np.exp(-1)) / 2), abs=1e-12)
    assert questions._best_bandwidth() == 2.5 and questions._best_bandwidth(6.) == 2
    assert questions.least_pull((1, 8, 11)) > .05 > questions.least_pull((8, 11))
    x, y = np.array([.3, 2., -1.]), np.array([0., .3, .3, 5.])
    assert questions.half_energy(x, y) == pytest.approx(stats.energy_distance(x, y) ** 2 / 2,
                                                        abs=1e-12)
