"""Toy laws: densities, scores and samples that belong together."""
import numpy as np
import pytest
from scipy import integrate, stats

from gan_lessons import Grid, Mixture, Normal, Ring, SwissRoll, Uniform

ON_THE_LINE = {
    "normal": (Normal(1.3, .4), stats.norm(1.3, .4)),
    "uniform": (Uniform(-.7, 2.1), stats.uniform(-.7, 2.8)),
}
MIXTURE = Mixture([Normal(-1, .25), Normal(2, 1.4)], [1, 3])
POINTS = np.array([[-2.2, -.7, -.3], [.41, 1.9, 7.]])


@pytest.mark.parametrize("name", ON_THE_LINE)
def test_densities_and_samples_are_those_of_scipy(name):
    law, theirs = ON_THE_LINE[name]
    np.testing.assert_allclose(law.logpdf(POINTS), theirs.logpdf(POINTS), rtol=1e-13)
    np.testing.assert_allclose(law.pdf(POINTS), theirs.pdf(POINTS), rtol=1e-13)
    for seed in range(3):
        x = law.sample(3_000, np.random.default_rng(seed))
        assert x.shape == (3_000, 1) and x.dtype == np.float64
        assert stats.kstest(x[:, 0], theirs.cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", ON_THE_LINE)
def test_distribution_functions_are_those_of_scipy(name):
    law, theirs = ON_THE_LINE[name]
    np.testing.assert_allclose(law.cdf(POINTS), theirs.cdf(POINTS), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(law.sf(POINTS), theirs.sf(POINTS), rtol=1e-12, atol=1e-300)


def test_the_distribution_function_of_a_mixture():
    below = [integrate.quad(MIXTURE.pdf, -30, at, points=[-1.], limit=200)[0]
             for at in POINTS.ravel()]
    np.testing.assert_allclose(MIXTURE.cdf(POINTS).ravel(), below, atol=1e-8)
    np.testing.assert_allclose(MIXTURE.cdf(POINTS) + MIXTURE.sf(POINTS), 1)
    assert 0 < MIXTURE.sf(40.) < 1e-150


def test_a_mixture_is_the_weighted_sum_and_its_samples_follow_it():
    theirs = lambda x: .25 * stats.norm(-1, .25).pdf(x) + .75 * stats.norm(2, 1.4).pdf(x)
    np.testing.assert_allclose(MIXTURE.pdf(POINTS), theirs(POINTS), rtol=1e-12)
    cdf = lambda x: .25 * stats.norm(-1, .25).cdf(x) + .75 * stats.norm(2, 1.4).cdf(x)
    x, mode = MIXTURE.sample_with_modes(4_000, np.random.default_rng(5))
    assert stats.kstest(x[:, 0], cdf).pvalue > 1e-3
    assert stats.kstest(x[mode == 0, 0], stats.norm(-1, .25).cdf).pvalue > 1e-3
    assert abs((mode == 1).mean() - .75) < 4 * np.sqrt(.75 * .25 / 4_000)
    assert not stats.kstest(x[:, 0], stats.norm(2, 1.4).cdf).pvalue > 1e-3


@pytest.mark.parametrize("law", [Normal(1.3, .4), Uniform(-.7, 2.1), MIXTURE,
                                 Mixture([Uniform(0, 1), Uniform(3, 3.5)], [.9, .1])], ids=repr)
def test_density_integrates_to_one_between_its_edges(law):
    edges = law.edges()
    assert (np.diff(edges) > 0).all()
    total = integrate.quad(law.pdf, edges[0], edges[-1], points=[-1, 0, 1, 2, 3], limit=400)[0]
    assert total == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize("law", [Normal(1.3, .4), MIXTURE], ids=repr)
def test_score_is_the_derivative_of_the_log_density(law):
    step = 1e-5
    slope = (law.logpdf(POINTS + step) - law.logpdf(POINTS - step)) / (2 * step)
    np.testing.assert_allclose(law.score(POINTS), slope, rtol=1e-7, atol=1e-7)


def test_far_away_nothing_overflows():
    far = np.array([-1e4, 1e4])
    np.testing.assert_allclose(Normal().logpdf(far), -5e7 - np.log(2 * np.pi) / 2)
    np.testing.assert_allclose(MIXTURE.score(far), Normal(2, 1.4).score(far), rtol=1e-12)
    assert (MIXTURE.logpdf(far) < -1e7).all() and np.isfinite(MIXTURE.logpdf(far)).all()
    assert (Uniform(0, 1).logpdf(far) == -np.inf).all()


def test_many_dimensions_use_the_last_axis():
    law, theirs = Normal([1, -2, .5], .3), stats.multivariate_normal([1, -2, .5], .09)
    x = np.random.default_rng(0).normal(size=(4, 2, 3))
    np.testing.assert_allclose(law.logpdf(x), theirs.logpdf(x), rtol=1e-13)
    cube = Uniform(-1, 3, dim=2)
    np.testing.assert_allclose(cube.pdf([[0, 0], [0, 3.1]]), [1 / 16, 0])
    assert Normal(dim=100).sample(7, np.random.default_rng(0)).shape == (7, 100)
    n = 5_000
    sample = law.sample(n, np.random.default_rng(3))
    assert (abs(sample.mean(0) - [1, -2, .5]) < 4.5 * .3 / np.sqrt(n)).all()
    assert (abs(sample.var(0) - .09) < 4.5 * .09 * np.sqrt(2 / n)).all()


@pytest.mark.parametrize("law, modes",
                         [(Ring(modes=7, radius=1.5, sd=.1), 7), (Grid(3, spacing=2, sd=.2), 9),
                          (SwissRoll(spots=50, sd=.3), 50)], ids=repr)
def test_spots_in_the_plane(law, modes):
    assert law.centres.shape == (modes, 2)
    square = stats.multivariate_normal
    x = np.random.default_rng(0).normal(size=(6, 2))
    theirs = np.mean([square(c, law.sd ** 2).pdf(x) for c in law.centres], axis=0)
    np.testing.assert_allclose(law.pdf(x), theirs, rtol=1e-10)
    n = 20_000
    points, mode = law.sample_with_modes(n, np.random.default_rng(1))
    share = np.bincount(mode, minlength=modes) / n
    assert (abs(share - 1 / modes) < 5 * np.sqrt(1 / modes / n)).all()
    offset = (points - law.centres[mode]) / law.sd
    assert stats.kstest(offset.ravel(), "norm").pvalue > 1e-3


def test_ring_and_grid_lie_where_they_say():
    np.testing.assert_allclose(np.hypot(*Ring(modes=5, radius=3).centres.T), 3)
    np.testing.assert_allclose(Ring(modes=4, radius=2).centres[1], [0, 2], atol=1e-12)
    assert {tuple(c) for c in Grid(2, spacing=3).centres} == {(-1.5, -1.5), (-1.5, 1.5),
                                                              (1.5, -1.5), (1.5, 1.5)}
    distance = np.diff(np.hypot(*SwissRoll().centres.T))
    assert (distance > 0).all()


def test_samples_follow_their_generator():
    for law in (Normal(1.3, .4), Uniform(0, 2), MIXTURE, Ring()):
        a, b, c = (law.sample(9, np.random.default_rng(seed)) for seed in (4, 4, 5))
        assert (a == b).all() and (a != c).any()


@pytest.mark.parametrize("make, says",
                         [(lambda: Normal(0, 0), "sd must be positive"),
                          (lambda: Normal(0, -1), "sd must be positive"),
                          (lambda: Normal([1, 2], 1, dim=3), "does not fit dim=3"),
                          (lambda: Uniform(1, 1), "low < high"),
                          (lambda: Mixture([]), "at least one law"),
                          (lambda: Mixture([Normal(), Normal()], [1]), "as many weights"),
                          (lambda: Mixture([Normal(), Normal()], [2, -1]), "as many weights"),
                          (lambda: Mixture([Normal(), Normal(dim=2)]), "same dim")])
def test_what_is_no_law_is_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()
