"""Earth mover: the plan by hand and by POT, quantiles, the dual, closed forms, the pictures."""
import numpy as np
import ot
import pytest
from helpers import shifted, title_of
from scipy import stats
from scipy.integrate import quad
from scipy.spatial.distance import cdist

from gan_lessons import Grid, Mixture, Normal, Uniform, earth_mover, js, wasserstein_1
from gan_lessons.drawing import plots
from gan_lessons.exact import transport
from gan_lessons.exact.transport import wasserstein_1_slope
from gan_lessons.explorers import transport as explorers

X, P = np.array([0., 1., 4.]), np.array([.5, .3, .2])
FAKE, Q = np.array([2., 5.]), np.array([.6, .4])
SIZES = [(5, 8), (8, 3), (1, 6), (40, 40)]


def weighted_samples(n, m, seed, dim=None):
    """Points in any order, with weights that differ, one of them 0."""
    rng = np.random.default_rng(seed)
    p, q = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    if n > 2:
        p[1] += p[0]
        p[0] = 0
    shape = lambda k: k if dim is None else (k, dim)
    return rng.normal(size=shape(n)) * [1.7], rng.normal(size=shape(m)) + .8, p, q


# ---------------------------------------------------------------- the plan

def test_the_samples_of_the_lesson():
    best = transport.plan(P, Q, np.abs(X[:, None] - FAKE))
    assert best.cost == pytest.approx(2.1, abs=1e-12)
    assert earth_mover(X, FAKE, P, Q) == pytest.approx(2.1, abs=1e-12)
    assert transport.plan(P, Q, (X[:, None] - FAKE) ** 2).cost == pytest.approx(5.5, abs=1e-12)
    np.testing.assert_allclose(transport.monotone_plan(X, FAKE, P, Q),
                               [[.5, 0], [.1, .2], [0, .2]], atol=1e-15)


@pytest.mark.parametrize("n, m", SIZES)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("power", [1, 2])
def test_the_plan_is_feasible_best_and_proved_so(n, m, seed, power):
    x, x_fake, p, q = weighted_samples(n, m, seed, dim=3)
    cost = cdist(x, x_fake) ** power
    best = transport.plan(p, q, cost)
    assert (best.moved >= 0).all()
    np.testing.assert_allclose(best.moved.sum(1), p, atol=1e-12)
    np.testing.assert_allclose(best.moved.sum(0), q, atol=1e-12)
    assert best.cost == pytest.approx(ot.emd2(p, q, cost), abs=1e-9)
    assert p @ best.f + q @ best.h == pytest.approx(best.cost, abs=1e-9)
    assert p @ best.f == pytest.approx(0, abs=1e-9)
    slack = cost - best.f[:, None] - best.h
    assert slack.min() > -1e-9 and np.abs(slack[best.moved > 1e-12]).max() < 1e-9


@pytest.mark.parametrize("scale", [1e-6, 1e7])
def test_units_do_not_matter(scale):
    x, x_fake, p, q = weighted_samples(12, 9, 0, dim=2)
    plain, scaled = (transport.plan(p, q, cdist(s * x, s * x_fake)) for s in (1, scale))
    assert scaled.cost == pytest.approx(scale * plain.cost, rel=1e-9)
    np.testing.assert_allclose(scaled.f, scale * plain.f, atol=1e-8 * scale)


def test_two_hundred_points_against_pot():
    x, x_fake, p, q = weighted_samples(200, 200, 7, dim=2)
    cost = cdist(x, x_fake)
    best = transport.plan(p, q, cost)
    assert best.cost == pytest.approx(ot.emd2(p, q, cost), abs=1e-9)
    f = transport.potential_critic(x_fake, best.h)
    assert p @ f(x) - q @ f(x_fake) == pytest.approx(best.cost, abs=1e-9)


@pytest.mark.parametrize("theta", [2., -.01])
def test_parallel_lines(theta):
    height, w = np.linspace(0, 1, 11), np.full(11, 1 / 11)
    line = lambda at: np.stack([np.full(11, at), height], 1)
    best = transport.plan(w, w, cdist(line(0.), line(theta)))
    assert best.cost == pytest.approx(abs(theta), abs=1e-12)


def test_costs_may_be_anything_finite():
    assert transport.plan([1.], [1.], [[-3.5]]).cost == -3.5
    assert transport.plan([.5, .5], [.5, .5], np.zeros((2, 2))).cost == 0


# ---------------------------------------------------------------- on the line

@pytest.mark.parametrize("n, m", SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_quantiles_against_scipy_and_the_plan(n, m, seed):
    x, x_fake, p, q = weighted_samples(n, m, seed)
    W = earth_mover(x, x_fake, p, q)
    assert W == pytest.approx(stats.wasserstein_distance(x, x_fake, p, q), abs=1e-12)
    roads = np.abs(x[:, None] - x_fake)
    moved = transport.monotone_plan(x, x_fake, p, q)
    np.testing.assert_allclose(moved.sum(1), p, atol=1e-12)
    np.testing.assert_allclose(moved.sum(0), q, atol=1e-12)
    for power in (1, 2, 3.5):
        W = earth_mover(x, x_fake, p, q, power)
        assert W ** power == pytest.approx((moved * roads ** power).sum(), abs=1e-10)
        assert W ** power == pytest.approx(transport.plan(p, q, roads ** power).cost, abs=1e-9)
    assert earth_mover(x, x_fake) == pytest.approx(stats.wasserstein_distance(x, x_fake), abs=1e-12)


def test_facts_of_a_distance():
    x, y, p, q = weighted_samples(6, 9, 3)
    z = np.random.default_rng(1).normal(size=4)
    W = earth_mover(x, y, p, q)
    assert earth_mover(y, x, q, p) == pytest.approx(W, abs=1e-14)
    assert earth_mover(x, x[::-1], p, p[::-1]) < 1e-15
    assert earth_mover(x, x + 1.3, p, p) == pytest.approx(1.3)
    assert earth_mover(10 * x, 10 * y, p, q) == pytest.approx(10 * W)
    assert W <= earth_mover(x, z, p) + earth_mover(z, y, None, q) + 1e-12
    assert W <= earth_mover(x, y, p, q, power=2) + 1e-12


def test_a_sample_may_be_split():
    np.testing.assert_allclose(earth_mover([-5, 1.4, 12.5, 2.7], [3., 3., 7.]),
                               earth_mover([-5, 1.4, 12.5, 2.7], [3., 7.], q=[2 / 3, 1 / 3]))


def test_two_samples_of_one_law_are_not_equal():
    rng = np.random.default_rng(0)
    bills = [earth_mover(*rng.normal(size=(2, 100))) for _ in range(3_000)]
    assert np.mean(bills) == pytest.approx(.1762, abs=4 * np.std(bills) / 3_000 ** .5)


# ---------------------------------------------------------------- one critic

@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dim", [None, 2, 5])
def test_one_critic_earns_the_bill_and_is_lipschitz(seed, dim):
    x, x_fake, p, q = weighted_samples(9, 7, seed, dim)
    column = (lambda v: v[:, None]) if dim is None else (lambda v: v)
    best = transport.plan(p, q, cdist(column(x), column(x_fake)))
    f = transport.potential_critic(x_fake, best.h)
    assert p @ f(x) - q @ f(x_fake) == pytest.approx(best.cost, abs=1e-9)
    rng = np.random.default_rng(seed)
    a, b = (rng.normal(size=(200, dim or 1)) * 4 for _ in "ab")
    assert (np.abs(f(a) - f(b)) <= np.linalg.norm(a - b, axis=1) + 1e-12).all()
    silly = transport.potential_critic(x_fake, rng.normal(size=7) * 2)
    assert p @ silly(x) - q @ silly(x_fake) < best.cost


def test_bounds_along_lines_stay_below():
    rng = np.random.default_rng(0)
    places = np.stack(np.mgrid[:5, :6], -1).reshape(-1, 2) * 1.5
    p, q = rng.dirichlet(np.full(30, .2), size=4), rng.dirichlet(np.full(30, .2), size=3)
    bounds = transport.projected_bound(p, q, places)
    exact = np.array([[ot.emd2(a, b, cdist(places, places)) for b in q] for a in p])
    assert bounds.shape == (4, 3)
    assert (bounds <= exact + 1e-12).all()
    assert (bounds > .3 * exact).all()
    pushed = np.zeros((5, 6)), np.zeros((5, 6))
    pushed[0][1, 1:4], pushed[1][1, 2:5] = 1 / 3, 1 / 3
    bound = transport.projected_bound(*(s.reshape(1, -1) for s in pushed), places)
    assert bound[0, 0] == pytest.approx(1.5)


# ---------------------------------------------------------------- laws

BIMODAL = Mixture([Normal(-2, .5), Normal(2, .8)], [.6, .4])
PAIRS = [
    (Normal(0, 1), Normal(3, 1)),
    (Normal(0, 1), Normal(1, 2)),
    (BIMODAL, Normal(.3, 1.5)),
    (Normal(-1, .2), BIMODAL),
    (Uniform(0, 1), Uniform(-1, 3)),
    (Uniform(0, 1), Uniform(3, 3.5)),
    (BIMODAL, Uniform(-3, 4)),
]


@pytest.mark.parametrize("p, q", PAIRS, ids=str)
def test_the_area_between_distribution_functions(p, q):
    by_quad = quad(lambda x: abs(p.cdf(x) - q.cdf(x)), -16, 16, limit=2_000,
                   points=[-3, -1, 0, 1, 3, 3.5, 4], epsabs=1e-11)[0]
    assert wasserstein_1(p, q) == pytest.approx(by_quad, abs=1e-7)
    assert wasserstein_1(q, p) == pytest.approx(wasserstein_1(p, q), abs=1e-12)
    rng = np.random.default_rng(0)
    x, x_fake = (law.sample(200_000, rng)[:, 0] for law in (p, q))
    assert earth_mover(x, x_fake) == pytest.approx(wasserstein_1(p, q), abs=.02)


@pytest.mark.parametrize("p, q", PAIRS, ids=str)
def test_the_best_critic_earns_the_area_with_slopes_of_one(p, q):
    f, x = transport.best_critic(p, q), np.linspace(-14, 14, 28_001)
    real, fake = (np.diff(law.cdf(x)) @ f((x[1:] + x[:-1]) / 2) for law in (p, q))
    assert real - fake == pytest.approx(wasserstein_1(p, q), abs=1e-5)
    assert real + fake == pytest.approx(0, abs=1e-5)
    slope, gap = np.diff(f(x)) / np.diff(x), p.cdf(x) - q.cdf(x)
    assert np.abs(slope).max() <= 1 + 1e-9
    clear = np.abs(gap) > 1e-9
    sure = (np.sign(gap[1:]) == np.sign(gap[:-1])) & clear[1:] & clear[:-1]
    np.testing.assert_allclose(slope[sure], -np.sign(gap[1:][sure]), atol=1e-9)


@pytest.mark.parametrize("p, q", PAIRS, ids=str)
def test_the_slope_is_a_difference_quotient(p, q):
    eps = 1e-5
    quotient = (wasserstein_1(p, shifted(q, eps)) - wasserstein_1(p, shifted(q, -eps))) / (2 * eps)
    assert wasserstein_1_slope(p, q) == pytest.approx(quotient, abs=2e-5)


@pytest.mark.parametrize("theta", [-12, .01, 3, 40])
def test_equal_widths_feel_one_at_every_distance(theta):
    assert wasserstein_1_slope(Normal(0, 1), Normal(theta, 1)) == pytest.approx(np.sign(theta),
                                                                                abs=1e-12)
    assert wasserstein_1(Normal(0, 1), Normal(theta, 1)) == pytest.approx(abs(theta), abs=1e-10)


@pytest.mark.parametrize("p, q",
                         [(Normal(0, 1), Normal(1, 2)), (Normal(2, .3), Normal(-1, .3)),
                          (Normal(0, 1), Normal(0, 2)), (Normal(.4, 3), Normal(-.5, .7))], ids=str)
def test_normals_in_closed_form(p, q):
    assert transport.normal_w1(p, q) == pytest.approx(wasserstein_1(p, q), abs=1e-10)
    level = (np.arange(400_000) + .5) / 400_000
    x, x_fake = (stats.norm(law.mean, law.sd).ppf(level) for law in (p, q))
    assert transport.normal_w1(p, q) == pytest.approx(earth_mover(x, x_fake), abs=1e-4)
    assert transport.normal_w2(p, q) == pytest.approx(earth_mover(x, x_fake, power=2), abs=1e-4)


def test_the_numbers_of_the_lesson():
    assert transport.normal_w1(Normal(0, 1), Normal(1, 2)) == pytest.approx(1.1666309, abs=5e-8)
    assert transport.normal_w1(Normal(0, 1), Normal(0, 2)) == pytest.approx(.7978846, abs=5e-8)
    w2 = transport.normal_w2(Normal([0, 0, 0.], 1), Normal([1., 2, 2], 3))
    assert w2 == pytest.approx((9 + 3 * 4) ** .5)
    assert transport.normal_w2(Normal(dim=3), Normal(dim=3)) == 0


def test_far_and_narrow_laws():
    assert wasserstein_1(Normal(0, 1e-3), Normal(0, 1e3)) == pytest.approx(
        np.sqrt(2 / np.pi) * (1e3 - 1e-3), rel=1e-10)
    assert wasserstein_1(Normal(0, 1), Normal(1e4, 1)) == pytest.approx(1e4, rel=1e-12)
    f = transport.best_critic(Normal(0, 1), Normal(3, 1))
    np.testing.assert_allclose(np.diff(f(np.array([-400., -300., 300., 400.]))), [-100, -600, -100])


# ---------------------------------------------------------------- what is refused

@pytest.mark.parametrize("bad, says",
                         [([.5, .6], "divide by p.sum"), ([1.5, -.5], "clip the weights at 0"),
                          ([[.5, .5]], "one for each point"), ([1.], r"here \(2,\)"),
                          ([np.nan, 1.], "less than nothing"), ([], "one for each point")])
def test_weights_that_are_no_distribution(bad, says):
    with pytest.raises(ValueError, match=says):
        earth_mover([0., 1.], [2., 3.], p=bad)
    if says != r"here \(2,\)":
        with pytest.raises(ValueError, match=says):
            transport.plan(bad, [.5, .5], np.ones((2, 2)))


def test_shapes_and_powers_that_do_not_fit():
    half = [.5, .5]
    for cost, says in [(np.ones((2, 3)), r"need \(2, 2\)"), (np.ones(4), r"need \(2, 2\)"),
                       ([[1, np.inf], [0, 1]], "finite")]:
        with pytest.raises(ValueError, match=says):
            transport.plan(half, half, cost)
    for x in (np.ones((3, 1)), [], 2.):
        with pytest.raises(ValueError, match="flatten"):
            earth_mover(x, [1.])
    with pytest.raises(ValueError, match="nan or inf"):
        earth_mover([1., np.nan], [1.])
    for power in (.5, np.inf, np.nan):
        with pytest.raises(ValueError, match="1 or more"):
            earth_mover([1.], [2.], power=power)
    with pytest.raises(ValueError, match="2 fake points"):
        transport.potential_critic([1., 2.], [1., 2., 3.])
    with pytest.raises(ValueError, match=r"\(n, d\)"):
        transport.potential_critic(np.ones((2, 2, 2)), [1., 2.])
    with pytest.raises(ValueError, match=r"\(a, k\)"):
        transport.projected_bound(np.ones((2, 4)), np.ones((2, 5)), np.ones((4, 2)))


def test_laws_without_a_formula():
    with pytest.raises(ValueError, match="plan"):
        wasserstein_1(Normal(dim=2), Normal(dim=2))
    with pytest.raises(ValueError, match="plan"):
        transport.best_critic(Grid(), Normal())
    with pytest.raises(ValueError, match="two Normals"):
        transport.normal_w1(Normal(), Uniform())
    with pytest.raises(ValueError, match="normal_w2"):
        transport.normal_w1(Normal(dim=2), Normal(dim=2))


# ---------------------------------------------------------------- the pictures of lesson 05

def test_dragging_the_samples():
    explorer = explorers.drag_atoms()
    for state in (dict(first=2., second=5., share=.5, power=1),
                  dict(first=6., second=.3, share=.85, power=2)):
        x_fake = np.array([state["first"], state["second"]])
        q = [state["share"], 1 - state["share"]]
        costs = np.abs(explorers.X_REAL[:, None] - x_fake) ** state["power"]
        cost = transport.plan(explorers.P_REAL, q, costs).cost
        assert f"{cost:.4f}" in title_of(explorer, **state)
    assert "JS = 0.6931" in title_of(explorer, first=2., second=5.)
    assert "JS = 0.6931" not in title_of(explorer, first=3., second=5.)
    places = np.arange(0, 8.05, .1)
    for power, best in ((1, 3.), (2, 3.6)):
        bills = []
        for at in places:
            explorer._update(explorer._artists, first=at, second=5., share=1., power=power)
            bills.append(float(explorer._artists[-1].get_text().split(": ")[1].split()[0]))
        assert places[np.argmin(bills)] == pytest.approx(best)
    fresh = explorers.drag_atoms()
    assert explorer.draw(**fresh.values) == fresh.draw()


def test_the_second_atom_alone_answers_its_exercise():
    explorer = explorers.drag_second()
    assert list(explorer.controls) == ["second", "power"]
    cost = lambda **state: float(title_of(explorer, **state).split(": ")[1].split()[0])
    places = np.arange(2, 8.05, .1)
    best = [places[np.argmin([cost(second=at, power=power) for at in places])] for power in (1, 2)]
    assert best == pytest.approx([7.0, 5.3])


def test_w_and_js_side_by_side():
    explorer = explorers.distances()
    for state in (dict(distance=3., sd=1., sd_fake=1.), dict(distance=-1., sd=.4, sd_fake=1.7)):
        p, q = Normal(0, state["sd"]), Normal(state["distance"], state["sd_fake"])
        said = title_of(explorer, **state)
        assert f"W = {wasserstein_1(p, q):.4f}, slope {wasserstein_1_slope(p, q):+.4f}" in said
        assert f"JS = {js(p, q):.4f}" in said
        _, curves, dots, _ = explorer._artists
        for curve, dot in zip(curves, dots):
            there = np.interp(state["distance"], curve.get_xdata(), curve.get_ydata())
            assert there == pytest.approx(dot.get_ydata()[0], abs=2e-5)
    assert "W = 3.0000, slope +1.0000" in title_of(explorer, distance=3., sd=0., sd_fake=0.)
    assert "JS = 0.6931, slope +0.0000" in title_of(explorer, distance=.1, sd=0., sd_fake=0.)
    assert "W = 0.0000" in title_of(explorer, distance=0., sd=0., sd_fake=0.)


def test_ink_is_neither_made_nor_lost():
    rng = np.random.default_rng(0)
    places, weights = rng.uniform(0, 27, size=(50, 2)), rng.dirichlet(np.ones(50))
    sheet = explorers.ink(places, weights)
    assert sheet.sum() == pytest.approx(1) and (sheet >= 0).all()
    rows, columns = np.mgrid[:28, :28]
    np.testing.assert_allclose([(rows * sheet).sum(), (columns * sheet).sum()], weights @ places)
    np.testing.assert_array_equal(explorers.ink(np.array([[27., 27.], [0, 3]]),
                                                np.array([.25, .75])).nonzero(), [[0, 27], [3, 27]])


def test_a_walk_begins_and_ends_at_the_digits():
    places = np.stack(np.mgrid[:28, :28], -1).reshape(-1, 2).astype(float)
    p, q = np.zeros((2, 784))
    p[[100, 101, 400]], q[[300, 301]] = [.25, .5, .25], [.5, .5]
    a, b = np.flatnonzero(p), np.flatnonzero(q)
    moved = np.zeros((784, 784))
    moved[np.ix_(a, b)] = transport.plan(p[a], q[b], cdist(places[a], places[b]) ** 2).moved
    _, axes = plots.figure(5, 2)
    explorers.walk(axes, places, p, q, moved)
    shown = [ax.images[0].get_array() for ax in (axes[0, 0], axes[1, 0], axes[0, -1], axes[1, -1])]
    np.testing.assert_allclose(shown[0], shown[1])
    np.testing.assert_allclose(shown[2], shown[3])


def test_still_pictures():
    x, x_fake, p, q = [0., 1., 4.], [2., 5.], [.5, .3, .2], [.6, .4]
    plans = {"one": np.array([[.5, 0], [.1, .2], [0, .2]]), "other": np.outer(p, q)}
    _, axes = plots.figure(2)
    explorers.plan_tables(axes, plans, x, x_fake, p, q)
    assert [text.get_text() for text in axes[0].texts[:6]] == ["0.50", "0", "0.10", "0.20", "0",
                                                               "0.20"]
    _, ax = plots.figure()
    f = transport.potential_critic(x_fake, [.9, 3.9])
    explorers.cones(ax, x, x_fake, [.9, 3.9], f)
    envelope = next(line for line in ax.lines if line.get_label().startswith("their"))
    above = [line for line in ax.lines if line.get_linestyle() == "--" and len(line.get_xdata())]
    assert all((line.get_ydata() >= envelope.get_ydata() - 1e-12).all() for line in above)


def test_digits_in_colours():
    p, q = np.zeros((2, 784))
    p[[100, 101]], q[[101, 102]] = .5, .5
    _, ax = plots.figure()
    explorers.ink_paths(ax, np.stack(np.mgrid[:28, :28], -1).reshape(-1, 2) * 1., p, q)
    sheet = ax.images[0].get_array().reshape(784, 3)
    rgb = lambda colour: [int(colour[k:k + 2], 16) / 255 for k in (1, 3, 5)]
    np.testing.assert_allclose(sheet[100], rgb(plots.REAL))
    np.testing.assert_allclose(sheet[102], rgb(plots.FAKE))
    assert sheet[101].std() < 1e-9 < sheet[0].min()                     # common ink is grey
    explorers.one_ink(ax, p, plots.REAL)
    np.testing.assert_allclose(ax.images[1].get_array().reshape(784, 3)[101], rgb(plots.REAL))


def test_wrong_neighbours_are_framed():
    _, axes = plots.figure(2, 3)
    shelf, labels = np.zeros((3, 8, 8)), np.array([1, 2, 3])
    found = {"pixels": np.array([0, 1]), "W": np.array([0, 0])}
    explorers.neighbours(axes, np.zeros((2, 8, 8)), np.array([1, 2]), shelf, labels, found)
    titles = [[ax.get_title() for ax in column] for column in axes.T]
    assert titles == [["2", "2", "1"], ["1", "1", "1"]]                 # first where they disagree
    framed = [[ax.axison for ax in column] for column in axes.T]
    assert framed == [[False, False, True], [False, False, False]]


def test_parallel_lines_and_distances_of_samples_are_drawn():
    fig, axes = plots.figure(2)
    explorers.parallel_lines(*axes)
    theta, W = axes[1].lines[0].get_data()
    np.testing.assert_allclose(W, np.abs(theta))
    fig, ax = plots.figure()
    explorers.sample_distances(ax, (25, 100), {1: [.2, .1], 20: [4.9, 4.5]})
    drawn = [line.get_ydata() for line in ax.lines]
    np.testing.assert_allclose(drawn[1], [.2, .1])                       # n^(-1/2), exactly
    np.testing.assert_allclose(drawn[3], 4.5 * np.array([4 ** (1 / 20), 1]))
