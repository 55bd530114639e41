"""Lesson 02: the facts its page and its explorer state."""
import re
import warnings

import numpy as np
import pytest

from gan_lessons import Mixture, Normal, expectation, js, js_slope, kl
from gan_lessons.drawing import plots
from gan_lessons.exact.minimax import generator_gradient, optimal_discriminator
from gan_lessons.explorers import vanishing_gradients as explorers


@pytest.mark.parametrize("theta, sigma", [(.3, 1), (3, 1), (8, 1), (6, 2.5)])
def test_gradient_is_distance_times_the_share_that_passes(theta, sigma):
    p, q = Normal(0, sigma), Normal(theta, sigma)
    passing = expectation(q, optimal_discriminator(p, q))
    assert generator_gradient(p, q, "saturating") == pytest.approx(theta / sigma**2 * passing,
                                                                   rel=1e-9)
    assert generator_gradient(p, q, "non-saturating") == pytest.approx(
        theta / sigma**2 * (1 - passing), rel=1e-9)


def test_non_saturating_gradient_is_that_of_reverse_kl_minus_twice_js():
    p, h = Mixture([Normal(-2, .7), Normal(2, 1.2)], weights=[.3, .7]), 1e-4
    divergence = lambda mean: kl(Normal(mean, 1.5), p) - 2 * js(p, Normal(mean, 1.5))
    slope = (divergence(1 + h) - divergence(1 - h)) / (2 * h)
    assert generator_gradient(p, Normal(1, 1.5), "non-saturating") == pytest.approx(slope, abs=1e-7)


@pytest.mark.parametrize("distance", [.1, 14.])
@pytest.mark.parametrize("sigma", [.5, 3.])
@pytest.mark.parametrize("noise", [0., 6.])
def test_the_atlas_draws_its_extremes_and_its_title_is_right(distance, sigma, noise):
    atlas, width = explorers.atlas(), float(np.hypot(sigma, noise))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert atlas.draw(distance=distance, sigma=sigma, noise=noise).startswith(b"\x89PNG")
    title = atlas.figure._suptitle.get_text()
    said = float(re.search(r"saturating (\S+)", title)[1])
    assert said == pytest.approx(2 * js_slope(Normal(0, width), Normal(distance, width)), rel=6e-3)


def test_the_dots_lie_on_the_curves():
    atlas = explorers.atlas()
    artists = atlas._artists
    atlas.draw(distance=7.3, sigma=1.7, noise=.9)
    for curve, dot in zip(artists[3:5], artists[5:7]):
        x, y = dot.get_data()
        on_curve = np.exp(np.interp(x[0], curve.get_xdata(), np.log(curve.get_ydata())))
        assert on_curve == pytest.approx(y[0], rel=.02)


def test_the_three_stages_print_the_classic_numbers():
    figure, axes = plots.figure(3)
    explorers.stages(axes, (12, 8, 1.996))
    assert [ax.get_title()[-5:] for ax in axes] == ["0.693", "0.693", "0.336"]
