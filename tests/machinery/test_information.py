"""Entropies, divergences and mutual information against integrals, other forms, and their laws."""
import numpy as np
import pytest
from scipy.integrate import dblquad, quad
from scipy.stats import entropy as scipy_entropy
from scipy.stats import multivariate_normal

from gan_lessons import Normal
from gan_lessons.exact.information import (
    discrete_kl,
    entropy,
    gaussian_information,
    gaussian_kl,
    mutual_information,
)


def random_table(seed, *shape):
    return np.random.default_rng(seed).dirichlet(np.ones(int(np.prod(shape)))).reshape(shape)


# ---------------------------------------------------------------- tables

@pytest.mark.parametrize("seed, n", [(0, 2), (1, 5), (2, 40)])
def test_tables_against_scipy(seed, n):
    p, q = random_table(seed, n), random_table(seed + 50, n)
    assert entropy(p) == pytest.approx(scipy_entropy(p), rel=1e-13)
    assert discrete_kl(p, q) == pytest.approx(scipy_entropy(p, q), rel=1e-13)
    assert discrete_kl(p, q) != pytest.approx(discrete_kl(q, p), rel=1e-3)  # KL has a direction


def test_zeros_in_tables():
    assert entropy([0, 1, 0]) == 0 and entropy([.5, .5]) == pytest.approx(np.log(2), rel=1e-15)
    assert discrete_kl([0, 1], [.25, .75]) == pytest.approx(-np.log(.75), rel=1e-15)
    assert discrete_kl([.25, .75], [0, 1]) == np.inf


@pytest.mark.parametrize("seed, shape", [(0, (2, 2)), (1, (5, 3)), (2, (4, 9))])
def test_mutual_information_in_other_words(seed, shape):
    joint = random_table(seed, *shape)
    x, z = joint.sum(1), joint.sum(0)
    I = mutual_information(joint)
    assert I == pytest.approx(entropy(x) + entropy(z) - entropy(joint), abs=1e-13)
    assert I == pytest.approx(mutual_information(joint.T), abs=1e-14)
    assert 0 < I < min(entropy(x), entropy(z))
    assert mutual_information(np.outer(x, z)) == pytest.approx(0, abs=1e-14)


def test_a_symmetric_channel():
    for flip in (0, .1, .5):
        joint = np.array([[1 - flip, flip], [flip, 1 - flip]]) / 2
        assert mutual_information(joint) == pytest.approx(np.log(2) - entropy([flip, 1 - flip]),
                                                          abs=1e-14)


@pytest.mark.parametrize("bad, what", [([.5, .6], "sum to 1"), ([1.2, -.2], "0 or more"),
                                       ([], "sum to 1"), ([np.nan, 1], "sum to 1")])
def test_what_is_no_table_is_refused(bad, what):
    with pytest.raises(ValueError, match=what):
        entropy(bad)


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="one shape"):
        discrete_kl([.5, .5], [1.])
    with pytest.raises(ValueError, match=r"table \(n, k\)"):
        mutual_information([.5, .5])


# ---------------------------------------------------------------- Normal laws

@pytest.mark.parametrize("rho, nats",
                         [(.5, .143841), (.8, .510826), (.9, .830366), (.95, 1.163951)])
def test_gaussian_information_by_integral(rho, nats):
    assert gaussian_information(rho) == pytest.approx(nats, abs=5e-7) == gaussian_information(-rho)
    pair = multivariate_normal([0, 0], [[1, rho], [rho, 1]])
    one = multivariate_normal(0, 1)
    gain = lambda z, x: pair.pdf([x, z]) * (pair.logpdf([x, z]) - one.logpdf(x) - one.logpdf(z))
    if rho == .8:
        integral = dblquad(gain, -7, 7, -7, 7, epsabs=1e-5, epsrel=1e-5)[0]
        assert integral == pytest.approx(nats, abs=1e-4)


def test_gaussian_information_at_its_ends():
    assert gaussian_information([0, 1, -1]).tolist() == [0, np.inf, np.inf]
    assert gaussian_information(1e-9) == pytest.approx(5e-19, rel=1e-9)  # no loss of digits near 0
    with pytest.raises(ValueError, match="between -1 and 1"):
        gaussian_information(1.01)


@pytest.mark.parametrize("m, v, m2, v2",
                         [(1, 1, 0, 1), (0, 4, 0, 1), (0, .25, 0, 1), (-1.3, .4, 2.1, 3.)])
def test_gaussian_kl_of_numbers_by_integral(m, v, m2, v2):
    p, q = Normal(m, v ** .5), Normal(m2, v2 ** .5)
    integral = quad(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), -25, 25, limit=200)[0]
    assert gaussian_kl(m, v, m2, v2) == pytest.approx(integral, abs=1e-9)


def test_gaussian_kl_of_vectors():
    rng = np.random.default_rng(3)
    A = rng.normal(size=(3, 3))
    B = rng.normal(size=(3, 3))
    m = rng.normal(size=3)
    m2 = rng.normal(size=3)
    C, C2 = A @ A.T, B @ B.T + np.eye(3)
    x = rng.multivariate_normal(m, C, 200_000)
    gain = multivariate_normal(m, C).logpdf(x) - multivariate_normal(m2, C2).logpdf(x)
    assert abs(gaussian_kl(m, C, m2, C2) - gain.mean()) < 5 * gain.std() / len(x) ** .5
    T = rng.normal(size=(3, 3))  # any change of coordinates changes nothing
    assert gaussian_kl(T @ m, T @ C @ T.T, T @ m2, T @ C2 @ T.T) == pytest.approx(
        gaussian_kl(m, C, m2, C2), rel=1e-9)
    assert gaussian_kl(m, C) == pytest.approx(gaussian_kl(m, C, np.zeros(3), np.eye(3)), rel=1e-14)


def test_singular_scales():
    line = np.outer([1, 2], [1, 2.])
    assert gaussian_kl([0, 0], line) == np.inf and gaussian_kl(0, 0) == np.inf
    with pytest.raises(ValueError, match="singular.*add noise"):
        gaussian_kl([0, 0], np.eye(2), [0, 0], line)
    with pytest.raises(ValueError, match="no covariance"):
        gaussian_kl([0, 0], [[1, 0], [0, -1]])
    with pytest.raises(ValueError, match="no covariance"):
        gaussian_kl([0, 0], [[1, .5], [0, 1]])
    with pytest.raises(ValueError, match="do not fit"):
        gaussian_kl([0, 0], np.eye(3))
