"""The Wasserstein game: losses by hand, clipped weights, what the best clipped critic reports, and
the critic drawn by hand."""
import math

import numpy as np
import pytest
import torch
from helpers import FEWER, REAL, itself, leaf, title_of
from scipy.integrate import quad
from scipy.optimize import linprog, minimize

from gan_lessons import (
    Game,
    Line,
    Mixture,
    Normal,
    batches,
    expectation,
    mlp_critic,
    on_arrays,
    rmsprop,
    train,
    wasserstein,
    wasserstein_1,
)
from gan_lessons.drawing import plots
from gan_lessons.explorers import wasserstein as explorers
from gan_lessons.objectives.wasserstein import hinge
from gan_lessons.questions.wasserstein import QUESTIONS, one_round

leaky = lambda v: np.where(v > 0, v, .2 * v)


# ---------------------------------------------------------------- the losses

@pytest.mark.parametrize("real, fake", [(REAL, FEWER), (FEWER, REAL)])
def test_values_and_gradients_on_asymmetric_scores(real, fake):
    game = wasserstein()
    x, z = leaf(real), leaf(fake)
    loss = game["f"](itself, itself, x, z)
    assert loss.item() == pytest.approx(sum(fake) / len(fake) - sum(real) / len(real), rel=1e-14)
    loss.backward()
    assert x.grad.tolist() == pytest.approx([-1 / len(real)] * len(real))          # high on real
    assert z.grad.tolist() == pytest.approx([1 / len(fake)] * len(fake))

    z = leaf(fake)
    loss = game["g"](itself, itself, z)
    assert loss.item() == pytest.approx(-sum(fake) / len(fake), rel=1e-14)
    assert loss.dtype == torch.float64
    loss.backward()
    assert z.grad.tolist() == pytest.approx([-1 / len(fake)] * len(fake))


def test_hinge_by_hand():
    game = hinge()
    x, z = leaf([-5., 1.4, .5]), leaf([.3, -7.1])
    loss = game["f"](itself, itself, x, z)
    assert loss.item() == pytest.approx((6 + 0 + .5) / 3 + (1.3 + 0) / 2, rel=1e-14)
    loss.backward()
    assert x.grad.tolist() == pytest.approx([-1 / 3, 0, -1 / 3])
    assert z.grad.tolist() == pytest.approx([1 / 2, 0])
    assert game["g"](itself, itself, leaf([3., -1.])).item() == -1


@pytest.mark.parametrize("n", [3, 8])
@pytest.mark.parametrize("make", [wasserstein, hinge])
def test_a_network_of_either_batch_size(n, make):
    torch.manual_seed(n)
    x, z, f = torch.randn(n, 2).double(), torch.randn(n, 2).double(), mlp_critic(2).double()
    g = lambda z: 2 * z + 1
    together = make()["f"](f, g, x, z)                        # one pass of [x; g(z)]
    apart = make()["f"](lambda x: f(x), g, x, z)              # a plain function: two passes
    torch.testing.assert_close(together, apart, rtol=1e-13, atol=0)


def test_a_penalty_is_weighed_and_sees_the_fakes():
    seen = []
    def penalty(f, x, x_fake):
        seen.append(x_fake)
        return (f(x_fake) ** 2).mean()
    x, z = leaf(REAL), leaf(FEWER)
    plain = wasserstein()["f"](itself, lambda z: 3 * z, x, z).item()
    for weight in (0., .5, 10.):
        loss = wasserstein(penalty, weight=weight)["f"](itself, lambda z: 3 * z, x, z).item()
        assert loss == pytest.approx(plain + weight * np.mean([9 * s ** 2 for s in FEWER]),
                                     rel=1e-14)
    assert torch.equal(seen[0], 3 * z)


@pytest.mark.parametrize("bad",
                         [dict(weight=-1), dict(weight=math.nan), dict(weight=math.inf),
                          dict(clip=0.), dict(clip=-.01), dict(clip=math.inf), dict(clip=math.nan)])
def test_bad_numbers_are_refused(bad):
    with pytest.raises(ValueError, match="such as 0.01|the paper takes 10"):
        wasserstein(**bad)


def test_the_gap_is_unchanged_by_a_constant_and_scales_with_f():
    x, z, game = leaf(REAL), leaf(FEWER), wasserstein()
    gap = -game["f"](itself, itself, x, z).item()
    assert -game["f"](lambda s: 3 * s + 7, itself, x, z).item() == pytest.approx(3 * gap, rel=1e-13)


# ---------------------------------------------------------------- clipped weights

def test_only_the_critic_is_clipped_and_after_its_step():
    toy = batches(Normal(0, 1), z=Normal(dim=1), batch=16)
    f, g = mlp_critic(1), Line(8.)
    run = train(wasserstein(clip=.001), dict(f=f, g=g), toy, steps=2,
                optimizer=rmsprop(1e-3), watch=None)
    largest = [weight.abs().max().item() for weight in f.parameters()]
    assert all(value <= .001 + 1e-9 for value in largest) and max(largest) == pytest.approx(.001)
    assert g.mean.item() > 7.9
    # a gap of 8 is at most .001 (64 · .001)² · 8, once weights are clipped
    first, second = np.abs(run.losses["f"])
    assert first > 1e-3 and second < 1e-4


def test_without_clip_nothing_is_clipped():
    assert wasserstein().moves[0].after is None and wasserstein(clip=.1).moves[1].after is None


@pytest.mark.parametrize("depth", range(4))
@pytest.mark.parametrize("c, n", [(.01, 64), (.3, 7)])
def test_no_clipped_network_is_steeper_than_the_bound(depth, c, n):
    bound, x = c * (n * c) ** depth, np.linspace(-30, 30, 601)
    slopes = lambda net: np.abs(np.diff(on_arrays(net)(x)) / np.diff(x))
    for seed in range(3):
        net = mlp_critic(1, width=n, depth=depth, seed=seed).double()
        wasserstein(clip=c).moves[0].after(net)
        assert slopes(net).max() <= bound * (1 + 1e-9)
    with torch.no_grad():
        for weight in net.parameters():
            weight.fill_(c)
    assert slopes(net).max() == pytest.approx(bound, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_best_clipped_linear_critic_in_a_box_and_in_a_ball(seed):
    rng = np.random.default_rng(seed)
    gap, c = rng.normal(size=5), rng.uniform(.01, 2)
    box = linprog(-gap, bounds=(-c, c))
    assert -box.fun == pytest.approx(c * np.abs(gap).sum(), rel=1e-9)
    assert np.allclose(box.x, c * np.sign(gap))
    assert c * np.linalg.norm(gap) <= -box.fun <= c * np.sqrt(5) * np.linalg.norm(gap)


def trained(depth, p, rest, rounds):
    f = mlp_critic(1, depth=depth)
    train(Game([wasserstein(clip=.01).moves[0]]), dict(f=f, g=rest),
          batches(p, z=Normal(dim=1), batch=256), steps=rounds, optimizer=rmsprop(1e-3), watch=None,
          precision="highest")
    return f


def test_trained_critics_report_what_the_lesson_derives():
    """Linear: c |Δ|. One hidden layer: n c Σ of the best neurons, in their first directions."""
    p, q, c, n = Normal(0, 1), Normal(3, 1), .01, 64
    report = lambda f: expectation(p, f) - expectation(q, f)
    linear = on_arrays(trained(0, p, Line(3., learn=""), 300))
    assert report(linear) == pytest.approx(3 * c, rel=1e-4)
    network = trained(1, p, Line(3., learn=""), 600)
    w = next(network.parameters())[:, 0]
    best = {}
    for sign in (1, -1):
        gaps = [report(lambda x: leaky(sign * c * x + b)) for b in np.linspace(-c, c, 81)]
        best[sign] = n * c * np.abs(gaps).max()
    right = (w > 0).double().mean().item()
    assert report(on_arrays(network)) == pytest.approx(right * best[1] + (1 - right) * best[-1],
                                                       rel=.02)
    assert best[1] < c * n * c * 3  # less than K W


# ---------------------------------------------------------------- other limits on the critic

@pytest.mark.parametrize("seed", range(3))
def test_three_suprema_and_their_formulas(seed):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, 8, 6))
    gap = rng.dirichlet(np.ones(6)) - rng.dirichlet(np.ones(6))
    k = np.exp(-(x[:, None] - x) ** 2 / 2)
    assert -linprog(-gap, bounds=(-.5, .5)).fun == pytest.approx(np.abs(gap).sum() / 2, rel=1e-9)
    found = minimize(lambda v: -gap @ k @ v / np.sqrt(v @ k @ v),
                     gap + .1 * rng.normal(size=6), tol=1e-12)
    assert -found.fun == pytest.approx(np.sqrt(gap @ k @ gap), rel=1e-5)


@pytest.mark.parametrize("theta", [.7, 2., 5.])
def test_mmd_of_two_normals(theta):
    k = lambda x, y: np.exp(-(x - y) ** 2 / 2)
    mean = lambda a, b: expectation(
        a, lambda x: np.array([expectation(b, lambda y: k(t, y)) for t in x]))
    p, q = Normal(0, 1), Normal(theta, 1)
    square = mean(p, p) + mean(q, q) - 2 * mean(p, q)
    assert square == pytest.approx(2 / np.sqrt(3) * -np.expm1(-theta ** 2 / 6), rel=1e-9)


# ---------------------------------------------------------------- the pictures of lesson 06

@pytest.mark.parametrize("name", explorers.PAIRS)
def test_stretches_are_integrals_of_the_lead(name):
    p, q = explorers.PAIRS[name]
    borders = [-25, *explorers.KNOTS, 25]
    cdf = lambda law, x: law.cdf(x)
    for gain, low, high in zip(explorers.stretches(p, q), borders, borders[1:]):
        area = quad(lambda x: cdf(q, x) - cdf(p, x), low, high, limit=400, epsabs=1e-12)[0]
        assert gain == pytest.approx(area, abs=2e-5)


@pytest.mark.parametrize("name", explorers.PAIRS)
def test_drawn_critics_obey_weak_duality(name):
    p, q = explorers.PAIRS[name]
    gains, W, rng = explorers.stretches(p, q), wasserstein_1(p, q), np.random.default_rng(0)
    for slopes in rng.uniform(-2, 2, (20, 4)):
        assert slopes @ gains <= np.abs(slopes).max() * W + 1e-9
        f = lambda x: explorers.drawn(slopes, x)
        edges = np.unique(np.concatenate([p.edges(), q.edges(), explorers.KNOTS]))
        assert slopes @ gains == pytest.approx(expectation(p, f, edges) - expectation(q, f, edges),
                                               abs=1e-9)
    reached = np.abs(gains).sum()
    assert (reached == pytest.approx(W, abs=1e-3)) == (not name.startswith("skewed"))


def test_a_drawn_critic_has_the_slopes_it_was_given():
    slopes = np.array([.5, -2., 1.25, -.75])
    middles = np.array([-3., -.5, .5, 3.])
    rise = (explorers.drawn(slopes, middles + .01) - explorers.drawn(slopes, middles - .01)) / .02
    assert np.allclose(rise, slopes) and explorers.drawn(slopes, 0.) == 0
    for knot in explorers.KNOTS:
        assert explorers.drawn(slopes, knot - 1e-9) == pytest.approx(
            explorers.drawn(slopes, knot + 1e-9), abs=1e-8)


def test_the_explorer_says_what_is_drawn():
    explorer, names = explorers.critic_by_hand(), list(explorers.PAIRS)
    best = title_of(explorer, pair=names[0], a=-1., b=-1., c=-1., d=-1.)
    assert "gap 3.0000" in best and "gap / steepest 3.0000" in best and "exact W 3.0000" in best
    assert "gap 6.0000" in title_of(explorer, pair=names[0], a=-2., b=-2., c=-2., d=-2.)
    # a straight line sees means only
    assert "gap 0.0000" in title_of(explorer, pair=names[1], a=.5, b=.5, c=.5, d=.5)
    assert "0/0" in title_of(explorer, pair=names[2], a=0., b=0., c=0., d=0.)
    free = [title_of(explorer, pair=names[2], a=-1., b=s, c=-s, d=1.) for s in (-1., .75)]
    assert all("gap 1.80" in text or "gap 1.7999" in text for text in free)
    first = explorer.draw(pair=names[0], a=.5, b=-.5, c=-1.5, d=-.75)
    assert first == explorers.critic_by_hand().draw()


def test_answers_by_other_means():
    answers = {name: answer() for name, (answer, _) in QUESTIONS.items()}
    assert answers["06 three"] == pytest.approx([1, 12, math.sqrt(2)])
    assert answers["06 linear"] == pytest.approx([.11, 7, .07])
    c, steep = answers["06 box"]
    assert c * (200 * c) ** 3 == pytest.approx(1) and steep == pytest.approx(.08)
    p, q = explorers.PAIRS["skewed: N(1, 0.5) and N(0, 2)"]
    assert answers["06 drawn"] == pytest.approx(np.abs(explorers.stretches(p, q)).sum(), abs=1e-5)
    assert answers["06 drawn"] < wasserstein_1(p, q) - .05


def test_still_pictures():
    def curves(axes):
        """The critic on each panel's own axis, the twin that was made after it."""
        figure = axes[0].figure
        return [ax.lines[0] for ax in figure.axes[len(axes):]]

    p, q = Normal(0, 1), Normal(5, 1)
    _, axes = plots.figure(3)
    explorers.three_critics(axes, p, q)
    step, bumps, linear = curves(axes)
    assert set(step.get_ydata()) <= {-.5, 0, .5}
    assert np.allclose(np.diff(linear.get_ydata()) / np.diff(linear.get_xdata()), -1)
    assert bumps.get_xdata()[np.argmax(bumps.get_ydata())] == pytest.approx(0, abs=.05)
    line = bumps.get_xdata()
    seen = lambda x: np.interp(x, line, bumps.get_ydata())        # its gap is MMD itself
    mmd = np.sqrt(2 / np.sqrt(3) * (1 - np.exp(-25 / 6)))
    assert expectation(p, seen) - expectation(q, seen) == pytest.approx(mmd, abs=2e-3)

    _, ax = plots.figure()
    net = mlp_critic(1)
    wasserstein(clip=1e-4).moves[0].after(net)  # every weight but a few stands at the border
    assert .9 < explorers.weights(ax, net, 1e-4) <= 1
    explorers.box_and_ball(ax, [3., .8])

    _, axes = plots.figure(2)
    explorers.discriminator_and_critic(*axes)
    D, f = curves(axes)
    assert D.get_ydata()[0] == pytest.approx(1) and D.get_ydata()[-1] < 1e-6
    assert np.allclose(np.diff(f.get_ydata()) / np.diff(f.get_xdata()), -1)

    _, axes = plots.figure(2)
    explorers.report_and_quality(axes, {"a": [(1, .5, 300.), (2, .4, 200.)],
                                        "b": [(1, -1.5, 300.), (2, -1.4, 200.)]})
    assert axes[1].get_ylim()[0] < -1.5 and axes[1].get_ylim()[1] >= -1.4


def test_one_round_of_algorithm_1():
    """Linear players, by hand: of each step only the signs and sizes of means matter."""
    x, z = torch.tensor([[1.], [3.]]).double(), torch.tensor([[-2.], [4.]]).double()
    f, g = (torch.nn.Linear(1, 1).double() for _ in "fg")
    with torch.no_grad():
        for weight, value in zip([*f.parameters(), *g.parameters()], (.01, 0., 1., 0.)):
            weight.fill_(value)
    made = one_round(f, g, x, z)
    # means: x 2, g(z) 1; the slope of f climbs to its border in one step, and stays there
    assert f.weight.item() == pytest.approx(.05) and f.bias.item() == pytest.approx(0)
    assert g.weight.item() == pytest.approx(1 + .1 * .05) and g.bias.item() == pytest.approx(.005)
    torch.testing.assert_close(made, f(g(z)))


def test_a_clipped_layer_bends_no_farther_than_its_box():
    """φ(w x + b) with |w|, |b| ≤ c: far from the origin a task earns less, though W is the same."""
    c, earned = .01, []
    for s in (0, 3, 10):
        p, q = Mixture([Normal(s - 2, .5), Normal(s + 2, .5)]), Normal(s, .5)
        assert wasserstein_1(p, q) == pytest.approx(1.60112, abs=1e-4)
        grid = [(w, b) for w in np.linspace(-c, c, 41) for b in np.linspace(-c, c, 41)]
        earned.append(max(abs(expectation(p, lambda x: leaky(w * x + b))
                              - expectation(q, lambda x: leaky(w * x + b))) for w, b in grid))
    assert earned[0] > 2.5 * earned[1] > 6 * earned[2] > 0


def test_bounds_by_depth():
    fig, ax = plots.figure()
    explorers.bounds_by_depth(ax, .01, (64, 100, 512))
    narrow, constant, wide = (line.get_ydata() for line in ax.lines[:3])
    assert np.all(np.diff(narrow) < 0) and np.all(np.diff(wide) > 0)
    np.testing.assert_allclose(constant, .01)
    assert narrow[3] == pytest.approx(.01 * .64 ** 3)
