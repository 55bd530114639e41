"""Wasserstein divergence: the loss by hand, the best critic on the line against a search, gap / p,
and what it is not."""
import itertools
import math

import numpy as np
import pytest
import torch
from helpers import FAKE, REAL, itself
from scipy.integrate import quad
from scipy.optimize import minimize

from gan_lessons import Mixture, Normal, Uniform, mlp_critic, wasserstein_1
from gan_lessons.drawing import plots
from gan_lessons.exact import wasserstein_divergence as exact
from gan_lessons.exact.lipschitz import penalised_gap, sample_density, segment_density
from gan_lessons.exact.transport import cdf_difference
from gan_lessons.explorers import wasserstein_divergence as explorers
from gan_lessons.objectives.wasserstein_divergence import wasserstein_divergence
from gan_lessons.players.penalties import at_both, between
from gan_lessons.questions.wasserstein_divergence import QUESTIONS

REAL_LAW, FAKE_LAW = Normal(0, 1), Normal(3, 1)


# ---------------------------------------------------------------- the loss

@pytest.mark.parametrize("k, p", [(2., 6.), (10., 6.), (.5, 2.), (.7, 3.5)])
@pytest.mark.parametrize("real, fake", [(REAL, FAKE), (FAKE[:3], REAL[:3])])
def test_values_and_gradients_by_hand(k, p, real, fake):
    """f(x) = w x² / 2 at the samples themselves: slopes |w x|."""
    x, z = (torch.tensor(values, dtype=torch.float64) for values in (real, fake))
    w = torch.tensor(-1.3, dtype=torch.float64, requires_grad=True)
    game = wasserstein_divergence(k, p, where=at_both)
    assert game.players == ("f", "g")
    loss = game["f"](lambda x: w * x ** 2 / 2, itself, x, z)
    square = lambda values: sum(v ** 2 for v in values) / len(values) / 2
    sixth = sum(abs(v) ** p for v in real + fake) / (len(real) + len(fake))
    gap = square(real) - square(fake)
    assert loss.item() == pytest.approx(1.3 * gap + k * 1.3 ** p * sixth, rel=1e-12)
    loss.backward()
    assert w.grad.item() == pytest.approx(-gap - k * p * 1.3 ** (p - 1) * sixth, rel=1e-12)

    z.requires_grad_()
    loss = game["g"](itself, itself, z)
    loss.backward()
    assert loss.item() == pytest.approx(-sum(fake) / len(fake))
    assert z.grad.tolist() == [-1 / len(fake)] * len(fake)


@pytest.mark.parametrize("shape", [(3,), (2, 4, 4)])
@pytest.mark.parametrize("n, seed", [(4, 0), (9, 1)])
def test_the_power_is_of_the_norm_over_all_axes(shape, n, seed):
    torch.manual_seed(seed)
    w = torch.randn(shape).double()
    x = torch.randn(n, *shape).double()
    x_fake = torch.randn(n, *shape).double()
    f = lambda x: (w * x).flatten(1).sum(1)
    loss = wasserstein_divergence(2., 6.)["f"](f, lambda z: x_fake, x, x_fake)
    expected = -(f(x).mean() - f(x_fake).mean()) + 2 * (w ** 2).sum() ** 3
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    elementwise, twelfth = 2 * (w.abs() ** 6).sum(), 2 * (w ** 2).sum() ** 6
    assert min(abs(2 * (w ** 2).sum() ** 3 - wrong) for wrong in (elementwise, twelfth)) > .1


@pytest.mark.parametrize("where", [between, at_both])
def test_a_network_gets_the_gradient_of_its_loss(where):
    """One weight moved by ±h, against autograd through the second derivative."""
    f = mlp_critic(2, width=5, act=torch.nn.Tanh).double()
    x, x_fake = torch.randn(6, 2).double(), torch.randn(6, 2).double() + 1

    def loss():
        torch.manual_seed(3)
        return wasserstein_divergence(2., 6., where)["f"](f, itself, x, x_fake)
    loss().backward()
    for weight in f.parameters():
        index, h = (0,) * weight.dim(), 1e-6
        with torch.no_grad():
            weight[index] += h
            up = loss().item()
            weight[index] -= 2 * h
            down = loss().item()
            weight[index] += h
        assert weight.grad[index].item() == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("k", [0., -2., math.inf, math.nan])
def test_k_must_be_positive(k):
    with pytest.raises(ValueError, match="the paper takes k = 2"):
        wasserstein_divergence(k=k)
    with pytest.raises(ValueError, match="the paper takes k = 2"):
        exact.divergence(REAL_LAW, FAKE_LAW, k=k)


@pytest.mark.parametrize("p", [1., .5, -6., math.inf, math.nan])
def test_p_must_be_above_one(p):
    with pytest.raises(ValueError, match="above 1 and finite"):
        wasserstein_divergence(p=p)
    for call in (
            lambda: exact.divergence(REAL_LAW, FAKE_LAW, power=p),
            lambda: exact.linear_divergence(1., power=p),
            lambda: exact.divergence_slope(REAL_LAW, FAKE_LAW, power=p)):
        with pytest.raises(ValueError, match="above 1 and finite"):
            call()


# ---------------------------------------------------------------- the best critic on the line

def test_the_numbers_of_the_page():
    report = exact.divergence(REAL_LAW, FAKE_LAW, 2, 6)
    assert report.gap == pytest.approx(2.2810, abs=5e-5)
    assert report.value == pytest.approx(1.9008, abs=5e-5)
    assert report.penalty == pytest.approx(report.gap / 6, rel=1e-14)


LAWS = [(Normal(0, 1), Normal(3, 1)), (Normal(.4, .7), Normal(-1, 2.5)),
        (Mixture([Normal(-2, .5), Normal(1, 1)], [.3, .7]), Normal(.5, 1.2))]


@pytest.mark.parametrize("where", [segment_density, sample_density])
@pytest.mark.parametrize("k, p", [(2, 6), (.5, 2), (1.3, 3)])
@pytest.mark.parametrize("real, fake", LAWS)
def test_gap_penalty_and_value_by_quadrature_of_the_slope(real, fake, k, p, where):
    slope = exact.divergence_slope(real, fake, k, p, where)
    rho = where(real, fake)
    report = exact.divergence(real, fake, k, p, where)
    x = np.linspace(-14, 16, 12_001)
    F_G, s = cdf_difference(real, fake)(x), slope(x)
    assert report.gap == pytest.approx(np.trapezoid(-F_G * s, x), rel=1e-6)
    assert report.penalty == pytest.approx(np.trapezoid(k * rho(x) * np.abs(s) ** p, x), rel=1e-6)
    assert report.penalty == pytest.approx(report.gap / p, rel=1e-12)
    formula = (1 - 1 / p) * (k * p) ** (-1 / (p - 1)) * np.trapezoid(
        np.abs(F_G) ** (p / (p - 1)) * rho(x) ** (-1 / (p - 1)), x)
    assert report.value == pytest.approx(formula, rel=1e-6)


def test_no_other_critic_keeps_more():
    """Slopes constant on 40 cells, searched from a flat start: nearly as good, never better."""
    edges = np.linspace(-5, 8, 41)
    F_G, rho = cdf_difference(REAL_LAW, FAKE_LAW), segment_density(REAL_LAW, FAKE_LAW)
    earns = np.array([quad(F_G, *cell)[0] for cell in itertools.pairwise(edges)])
    mass = np.array([quad(rho, *cell)[0] for cell in itertools.pairwise(edges)])
    best = minimize(lambda s: -(earns @ s - 2 * mass @ np.abs(s) ** 6), np.full(40, .1),
                    jac=lambda s: -(earns - 12 * mass * np.abs(s) ** 5 * np.sign(s)), method="BFGS",
                    options=dict(gtol=1e-9))
    value = exact.divergence(REAL_LAW, FAKE_LAW).value
    assert value - 2e-3 < -best.fun < value
    slope = exact.divergence_slope(REAL_LAW, FAKE_LAW)((edges[1:] + edges[:-1]) / 2)
    assert np.abs(best.x + slope)[8:-8].max() < 5e-3


@pytest.mark.parametrize("place", [-1.2, .3, 2.])
def test_lead_over_density_is_how_far_the_walkers_walk(place):
    """E[x' - x | x̂] for Normals by an integral over ε, with Gaussian conditioning."""
    real, fake = Normal(.4, .7), Normal(2, 1.5)

    def at(e):
        mean, var = e * .4 + (1 - e) * 2, (e * .7) ** 2 + ((1 - e) * 1.5) ** 2
        density = math.exp(-(place - mean) ** 2 / 2 / var) / math.sqrt(2 * math.pi * var)
        covariance = (1 - e) * 1.5 ** 2 - e * .7 ** 2
        return density, density * (1.6 + covariance / var * (place - mean))
    rho, walk = (quad(lambda e: at(e)[i], 0, 1, epsabs=1e-12)[0] for i in (0, 1))
    assert segment_density(real, fake)(place) == pytest.approx(rho, rel=1e-9)
    assert cdf_difference(real, fake)(place) == pytest.approx(walk, rel=1e-8)


@pytest.mark.parametrize("theta", [.3, 2.7, 12.])
def test_two_atoms_and_linear_critics(theta):
    spring = exact.linear_divergence(theta, .5, 2)
    assert spring.value == pytest.approx(theta ** 2 / 2, rel=1e-14)
    for k, p in [(2, 6), (.7, 3)]:
        report = exact.linear_divergence(theta, k, p)
        best = minimize(lambda s: k * abs(s[0]) ** p - theta * s[0], [.7], tol=1e-12)
        assert report.value == pytest.approx(-best.fun, rel=1e-7)
        assert report.gap == pytest.approx(theta * best.x[0], rel=1e-4)
        thin = exact.divergence(Normal(0, .03), Normal(theta, .03), k, p)
        assert report.gap < thin.gap < 1.02 * report.gap
        assert exact.divergence(Normal(0, 1), Normal(theta, 1), k, p).value > report.value
    # slope 1 where θ = kp
    assert exact.linear_divergence(12.).gap == pytest.approx(12.)


def test_large_powers_recover_the_earth_mover():
    real, fake = Normal(0, 1), Normal(1, 2)
    reported = [exact.divergence(real, fake, 2, p).gap
                for p in (6, 100, 1e4, 1e6)]
    away = np.abs(np.subtract(reported, wasserstein_1(real, fake)))
    assert (np.diff(away) < 0).all() and away[-1] < 1e-4


@pytest.mark.parametrize("real, fake", LAWS)
def test_symmetric_and_zero_only_at_home(real, fake):
    for where in (segment_density, sample_density):
        there, back = (exact.divergence(*pair, where=where)
                       for pair in ((real, fake), (fake, real)))
        assert there.gap == pytest.approx(back.gap, rel=1e-10) and there.value > 0
    assert exact.divergence(real, real).gap == 0


def test_no_distance():
    twice = exact.divergence(Normal(0, 2), Normal(6, 2)).value
    stretched = twice / exact.divergence(REAL_LAW, FAKE_LAW).value
    assert stretched == pytest.approx(2 ** (6 / 5), rel=1e-9)
    leg = lambda a, b: exact.divergence(Normal(a, .1), Normal(b, .1)).value
    assert leg(0, 2) > leg(0, 1) + leg(1, 2) + .1


@pytest.mark.parametrize("theta", [1, 4, 12])
def test_between_every_segment_bounds_what_is_kept(theta):
    value = exact.divergence(Normal(0, 1), Normal(theta, 1)).value
    walk = quad(lambda d: abs(d) ** 1.2 * Normal(theta, 2 ** .5).pdf(d), theta - 15, theta + 15,
                limit=200)[0]
    assert value < 5 / 6 * 12 ** -.2 * walk < 1.6 * value


def test_slopes_measured_at_the_samples_miss_the_way_between():
    assert exact.divergence(Uniform(0, 1), Uniform(2, 3), where=sample_density).gap == math.inf
    smoothstep = lambda x: 1e6 * (1 - 3 * x ** 2 + 2 * x ** 3)[:, 0]
    x, x_fake = torch.zeros(200, 1).double(), torch.ones(200, 1).double()
    loss = [wasserstein_divergence(2., 6., where)["f"](smoothstep, itself, x, x_fake).item()
            for where in (at_both, between)]
    assert loss[0] == -1e6 and loss[1] > 1e30


@pytest.mark.parametrize("k, p", [(2, 6), (.5, 2)])
def test_what_the_generator_feels(k, p):
    """The frozen critic, as a difference of mean scores; near the divergence's slope, not equal."""
    h, fake = 1e-4, Normal(2, 1)
    slope = exact.divergence_slope(REAL_LAW, fake, k, p)
    x = np.linspace(-10, 14, 20_001)
    f = np.concatenate([[0], np.cumsum((slope(x[1:]) + slope(x[:-1])) / 2 * np.diff(x))])
    mean_score = lambda theta: np.trapezoid(f * Normal(theta, 1).pdf(x), x)
    felt = exact.divergence_gradient(REAL_LAW, fake, k, p)
    assert felt == pytest.approx(-(mean_score(2 + h) - mean_score(2 - h)) / (2 * h), rel=1e-5)
    up, down = (exact.divergence(REAL_LAW, Normal(t, 1), k, p).value
                for t in (2 + h, 2 - h))
    assert 1.01 < felt / ((up - down) / (2 * h)) < 1.2


# ---------------------------------------------------------------- pictures and questions

@pytest.mark.parametrize("state", [dict(distance=3.), dict(distance=4.8, k=.8),
                                   dict(distance=1.2, k=.5, p=2., weight=1.),
                                   dict(distance=6., p=20., c=1.5)])
def test_the_explorer_says_what_the_exact_module_says(state):
    explorer = explorers.reports()
    values = {**explorer.values, **state}
    laws = Normal(0, 1), Normal(values["distance"], 1)
    for kind in ("normals", "atoms"):
        explorer.draw(**state, laws=kind)
        *_, dots, title = explorer._artists
        if kind == "atoms":
            theta = values["distance"]
            div = exact.linear_divergence(theta, values["k"], values["p"]).gap
            gp = theta + theta ** 2 / 2 / values["weight"]
        else:
            div = exact.divergence(*laws, values["k"], values["p"]).gap
            gp = penalised_gap(*laws, values["weight"])[0]
        shown = [dot.get_ydata()[0] for dot in dots]
        assert shown == pytest.approx([div, gp, values["c"] * values["distance"]], rel=1e-6)
        assert f"div {div:.3f}" in title.get_text() and f"LP {gp:.3f}" in title.get_text()


def test_the_explorer_at_its_edges():
    explorer = explorers.reports()
    for laws, distance in itertools.product(("normals", "atoms"), (0., 6.)):
        explorer.draw(laws=laws, distance=distance, k=.1, p=1.5, weight=1., c=1.5)
        assert "nan" not in explorer._artists[-1].get_text()
    assert explorer.draw() == explorers.reports().draw()


@pytest.mark.parametrize("distance", [9., 12.])
def test_the_critics_of_the_page_are_drawn_with_their_slopes(distance):
    """The critic falls by the integral of its slope, and more if measured at the samples."""
    _, (left, right) = plots.figure(2)
    explorers.where_measured(left, right, distance)
    falls = {}
    for f, slope, where in zip(left.lines, right.lines, (sample_density, segment_density)):
        x, size = slope.get_data()
        exact_slope = exact.divergence_slope(Normal(0, 1), Normal(distance, 1), where=where)
        assert size == pytest.approx(-exact_slope(x), rel=1e-9)
        falls[where] = f.get_ydata()[0] - f.get_ydata()[-1]
        assert falls[where] == pytest.approx(np.trapezoid(size, x), rel=1e-9)
    assert falls[sample_density] > 1.5 * falls[segment_density]


def test_questions():
    answers = {name: np.round(right(), 4).tolist() for name, (right, _) in QUESTIONS.items()}
    assert answers["08 atoms"] == [24, 8, 16]
    assert answers["08 legs"] == 46
    assert answers["08 report"] == [.8, 4.8059]
    assert answers["08 damping"] == [1, -.25]
    t, kept = QUESTIONS["08 gauge"][0]()
    assert all(kept >= s * 2.4 - s ** 6 * .6 for s in np.linspace(.5, 1.5, 101))
    assert kept == pytest.approx(t * 2.4 - t ** 6 * .6)
