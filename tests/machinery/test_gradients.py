"""The gradient atlas: every curve against something computed another way."""
import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import linprog
from scipy.special import expit

import gan_lessons as gl
from gan_lessons import Game, Mixture, Normal, f_divergence, js, js_slope
from gan_lessons.exact.conditional import acgan_gradient
from gan_lessons.exact.divergences import reverse_kl_slope
from gan_lessons.exact.f_table import F_DIVERGENCES
from gan_lessons.exact.generalised_loss_sensitive import capped_transport
from gan_lessons.exact.least_squares import least_squares_gradient
from gan_lessons.exact.lipschitz import penalised_slope
from gan_lessons.exact.loss_sensitive import best_loss
from gan_lessons.exact.minimax import generator_gradient
from gan_lessons.exact.mmd import cramer, gaussian, mmd2
from gan_lessons.exact.relativistic import average_value, ralsgan_gradient, rsgan_gradient
from gan_lessons.exact.sinkhorn import divergence_slope
from gan_lessons.exact.transport import wasserstein_1_slope
from gan_lessons.exact.wasserstein_divergence import divergence_gradient
from gan_lessons.explorers import gradients as pictures
from gan_lessons.map.gradients import ATLAS, LP_DELTAS, LP_LOSS_SENSITIVE, atlas_curve
from gan_lessons.map.objectives import OBJECTIVES

DISTANCES, SIGMAS = np.array([.3, 1.7, 4.2]), (1.0, .6)


def pairs(sigma, distances=DISTANCES):
    return [(Normal(0, sigma), Normal(d, sigma)) for d in distances]


def agrees(name, one, rtol=1e-10, **own):
    """The entry at both widths against one(p, q), pair by pair."""
    for sigma in SIGMAS:
        np.testing.assert_allclose(
            atlas_curve(name, DISTANCES, sigma, **own),
            [one(p, q) for p, q in pairs(sigma)],
            rtol=rtol,
        )


def shifted(value, p, q, h=1e-4):
    """Central difference of value(p, q) as q moves."""
    ends = [value(p, Normal(q.mean + s * h, q.sd)) for s in (2, 1, -1, -2)]
    return (8 * (ends[1] - ends[2]) - ends[0] + ends[3]) / (12 * h)


def test_every_objective_of_the_catalogue_is_here_or_says_why_not():
    assert {entry.objective.name for entry in ATLAS.values()} == set(OBJECTIVES)
    for entry in ATLAS.values():
        assert entry.how in ("exact", "linear program", "Sinkhorn's rounds", "none")
        assert len(entry.says) > 8
        assert (entry.shape is None) == (entry.how == "none")
        if entry.own:
            assert entry.own.usual in entry.own.values
    assert [name for name, entry in ATLAS.items() if entry.how == "none"] == [
        "RaSGAN",
        "RaHinge",
        "RpGAN + R1 + R2",
        "Deep InfoMax",
        "GAN + R1",
        "GAN + R2",
        "MMD GAN",
    ]


def test_f_family():
    agrees("minimax GAN", lambda p, q: 2 * js_slope(p, q))
    agrees("minimax GAN", lambda p, q: shifted(lambda p, q: 2 * js(p, q), p, q), rtol=1e-8)
    for name in ("non-saturating GAN", "CGAN", "AAE"):
        agrees(name, lambda p, q: generator_gradient(p, q, "non-saturating"))
    for labels in [(0, 1, 1), (-1, 1, 0), (-2, .5, .3)]:
        own = dict(zip(("fake", "real", "target"), labels))
        agrees("least squares GAN", lambda p, q: least_squares_gradient(p, q, *labels), **own)


@pytest.mark.parametrize("name", F_DIVERGENCES)
def test_rows_of_the_table_of_divergences(name):
    for parameter in {"alpha": [{"alpha": -.7}, {"alpha": 1.6}], "JS-weighted": [{"pi": .2}]}.get(
        name, [{}]
    ):
        row = f_divergence(name, **parameter)
        agrees(f"f-GAN · {name}", row.slope, **parameter)
        if row.log_weight:
            agrees(f"f-GAN · {name}", row.trick_slope, generator="trick", **parameter)


def test_transport():
    agrees("WGAN", wasserstein_1_slope)
    agrees("WGAN", lambda p, q: .01, K=.01)
    for name in ("WGAN-GP", "WGAN-LP"):
        agrees(
            name,
            lambda p, q: (
                -gl.expectation(q, penalised_slope(p, q, 3.0), p.sd * np.linspace(-9, 16, 80))
            ),
            rtol=1e-7,
            weight=3.0,
        )
    for k, power in [(2., 6.), (.5, 2.), (3., 1.5)]:
        agrees(
            "WGAN-div",
            lambda p, q: divergence_gradient(p, q, k, power),
            rtol=2e-6,
            k=k,
            power=power,
        )


@pytest.mark.parametrize("K, distance", [(.4, 1.7), (2., .9)])
def test_the_best_bound_hinge_critic_is_a_ramp(K, distance):
    """Against a linear program over all critics of slope K on a grid, all weights equal."""
    x = np.linspace(-4, 4 + distance, 201)
    step, n = x[1] - x[0], len(x)
    p, q = Normal(0, 1).pdf(x) * step, Normal(distance, 1).pdf(x) * step
    one, difference = np.eye(n), np.diff(np.eye(n), axis=0)
    rows = np.block(
        [
            [-one, -one, 0 * one],
            [one, 0 * one, -one],
            [difference, np.zeros((n - 1, 2 * n))],
            [-difference, np.zeros((n - 1, 2 * n))],
        ]
    )
    limits = np.r_[-np.ones(n), -np.ones(n), np.full(2 * n - 2, K * step)]
    best = linprog(
        np.r_[np.zeros(n), p, q],
        A_ub=rows,
        b_ub=limits,
        bounds=[(None, None)] * n + [(0, None)] * 2 * n,
    )
    ramp = np.clip(-K * (x - distance / 2), -1, 1)
    assert best.fun == pytest.approx(
        p @ np.maximum(0, 1 - ramp) + q @ np.maximum(0, 1 + ramp), rel=1e-6
    )
    felt = quad(
        lambda t: K * Normal(distance, 1).pdf(t), distance / 2 - 1 / K, distance / 2 + 1 / K
    )[0]
    assert atlas_curve("hinge", distance, K=K) == pytest.approx(felt, rel=1e-10)


def test_hinge_between_wgan_and_total_variation():
    agrees("hinge", lambda p, q: 2 * f_divergence("total variation").slope(p, q), K=np.inf)
    np.testing.assert_allclose(
        atlas_curve("hinge", DISTANCES, K=1e4), atlas_curve("hinge", DISTANCES, K=np.inf), rtol=1e-6
    )
    np.testing.assert_allclose(atlas_curve("hinge", DISTANCES, K=.01), .01, rtol=1e-12)


@pytest.mark.parametrize("weight, delta", [(.5, 2), (1, .5), (1, 3), (4, 1), (16, 2), (16, 5)])
def test_the_linear_program_that_was_solved_ahead(weight, delta):
    """Solved again on fewer places; the gradient as E l', not as E l (x - θ)."""
    x, q = np.linspace(-5, 5 + delta, 61), Normal(delta, 1)
    l = best_loss(x, x, mass=Normal(0, 1).pdf(x), mass_fake=q.pdf(x), weight=weight).values
    felt = q.pdf(x) @ np.gradient(l, x) / q.pdf(x).sum()
    assert atlas_curve("LS-GAN", delta, weight=weight) == pytest.approx(felt, rel=.03, abs=.02)
    assert (
        atlas_curve("LS-GAN", 2.0 * delta, 2.0, weight=weight)
        == LP_LOSS_SENSITIVE[weight][LP_DELTAS.index(delta)]
    )


def test_margins_and_their_relatives():
    x = np.linspace(-3, 5, 61)
    p, q = (Normal(m, 1).pdf(x) / Normal(m, 1).pdf(x).sum() for m in (0, 2))
    for nu in (0., -2.):
        l = capped_transport(p, q, abs(x[:, None] - x), nu).l
        assert q @ np.gradient(l, x) == pytest.approx(
            float(atlas_curve("GLS-GAN", 2.0, nu=nu)), abs=.01
        )
    ls = atlas_curve("LS-GAN", DISTANCES)
    np.testing.assert_array_equal(atlas_curve("CLS-GAN", DISTANCES), ls)
    np.testing.assert_allclose(atlas_curve("semi-supervised CLS-GAN", DISTANCES, eta=.5), 1.5 * ls)


def test_comparisons():
    agrees("RSGAN", rsgan_gradient, rtol=1e-9)
    agrees("RaLSGAN", ralsgan_gradient)

    def straight(p, q):
        """-Δ of the swapped loss for f = k x, k where the critic's loss is least."""
        ks = -np.linspace(.05, 12, 60) / p.sd
        loss = lambda k: average_value(p, q, lambda x: k * x)
        for _ in range(4):
            k = ks[np.argmin([loss(k) for k in ks])]
            ks = np.linspace(k - (ks[0] - ks[1]), k + (ks[0] - ks[1]), 21)
        swapped = lambda p, q: average_value(q, p, lambda x: k * x)
        return shifted(swapped, p, q)
    p, q = Normal(0, .6), Normal(1.02, .6)
    assert atlas_curve("RaSGAN · straight line", 1.02, .6) == pytest.approx(
        straight(p, q), rel=1e-3
    )


def test_labels_and_encoders():
    for p, q in pairs(1.0):
        means, _ = acgan_gradient(Mixture([p]), Mixture([q]), weight=3.)
        assert means[0] == pytest.approx(
            float(atlas_curve("ACGAN", q.mean)), rel=1e-9
        )  # one class: no class loss
    agrees(
        "Improved GAN",
        lambda p, q: shifted(lambda p, q: (.5 * (q.mean - p.mean)) ** 2, p, q),
        rtol=1e-9,
        a=.5,
    )
    agrees("VAE", lambda p, q: 2 * reverse_kl_slope(p, q), beta=2.)
    for name in ("flow", "f-VAE"):
        agrees(
            name, lambda p, q: shifted(lambda p, q: -gl.expectation(p, q.logpdf), p, q), rtol=1e-8
        )
    mixture = lambda p, q: -gl.expectation(p, Mixture([p, q], [.7, .3]).logpdf)
    agrees("VAE clustering", lambda p, q: shifted(mixture, p, q), rtol=1e-8, share=.3)


def test_distances_without_a_trained_critic():
    for h in (2., .4):
        agrees("MMD", lambda p, q: shifted(lambda p, q: mmd2(p, q, gaussian(h)), p, q), rtol=1e-6,
               bandwidth=h)
    agrees("energy distance", lambda p, q: shifted(lambda p, q: 2 * cramer(p, q), p, q), rtol=1e-6)
    agrees("sliced W₁", wasserstein_1_slope, dim=1)
    angle = np.linspace(0, 2 * np.pi, 4000, endpoint=False)         # directions of the plane
    assert atlas_curve("sliced W₁", 3.) == pytest.approx(np.abs(np.cos(angle)).mean(), rel=1e-5)


@pytest.mark.parametrize("sigma, epsilon, distance", [
    (1., 1., .5), (2., 6., 3.), (1., .3, 1.25), (.5, 1., 1.), (1., 5., 2.5)])
def test_the_sinkhorn_slopes_that_were_solved_ahead(sigma, epsilon, distance):
    """Solved again on places that lie otherwise, also where the atlas interpolates."""
    x = np.arange(-55, 56) / 12 * sigma
    mass = Normal(0, sigma).pdf(x) / Normal(0, sigma).pdf(x).sum()
    moved = round(12 * distance / sigma) / 12 * sigma
    felt = divergence_slope(mass, mass, x, x + moved, epsilon)
    assert atlas_curve("Sinkhorn", moved, sigma, epsilon=epsilon) == pytest.approx(felt, rel=.03)


def test_sinkhorn_lies_between_w_and_half_the_energy_distance():
    half = atlas_curve("energy distance", DISTANCES) / 2
    soft, sharp = (atlas_curve("Sinkhorn", DISTANCES, epsilon=e) for e in (100., .03))
    np.testing.assert_allclose(soft, half, atol=2e-3)
    assert (half - 2e-3 < soft).all() and (soft < sharp).all() and (sharp <= 1).all()
    assert atlas_curve("Sinkhorn", 40.) == 1


def test_flows():
    agrees("gradient flow", reverse_kl_slope)
    for h, other in {"non-saturating": "non-saturating GAN", "saturating": "minimax GAN",
                     "half": "f-GAN · squared Hellinger", "exponential": "f-GAN · KL"}.items():
        for sigma in SIGMAS:
            np.testing.assert_allclose(atlas_curve("gradient flow", DISTANCES, sigma, h=h),
                                       atlas_curve(other, DISTANCES, sigma))
    wide = lambda law: Normal(law.mean, (law.sd ** 2 + .25) ** .5)
    agrees("distribution matching", lambda p, q: reverse_kl_slope(wide(p), wide(q)), noise=.5)
    # a rescaling of the game itself: h' of the best score, log r, times its slope
    for h, change in (("half", lambda c: np.exp(c / 2) / 2), ("saturating", expit)):
        agrees("gradient flow", lambda p, q: -gl.expectation(q, lambda x: change(
            gl.log_ratio(p, q)(x)) * (p.score(x) - q.score(x))), rtol=1e-8, h=h)


def test_numbers_of_the_second_lesson():
    for distance, weak, strong in [
        (1, .397973, .602027),
        (3, .295864, 2.704136),
        (5, .047380, 4.952620),
        (8, 3.9e-4, 7.999607),
    ]:
        assert atlas_curve("minimax GAN", distance) == pytest.approx(weak, abs=3.1e-6)
        assert atlas_curve("non-saturating GAN", distance) == pytest.approx(strong, abs=6e-7)
    assert atlas_curve("minimax GAN", 12.) == pytest.approx(1.8e-8, abs=6e-10)
    far = atlas_curve("minimax GAN", 28.)
    assert far == pytest.approx(2 * js_slope(Normal(), Normal(28)), rel=1e-10) and far < 1e-40


@pytest.mark.parametrize("name", [name for name, entry in ATLAS.items() if entry.shape])
def test_curves_are_odd_and_of_any_shape(name):
    table = np.array([[.3, 1.7], [4.2, 0]])
    felt = atlas_curve(name, table, .8)
    np.testing.assert_allclose(atlas_curve(name, -table, .8), -felt)
    np.testing.assert_allclose(atlas_curve(name, table.ravel(), .8), felt.ravel(), rtol=1e-12)
    assert felt[1, 1] == 0 and (felt.ravel()[:3] >= 0).all()


@pytest.mark.parametrize("name, power", [
    ("minimax GAN", -1), ("least squares GAN", -1), ("f-GAN · Jeffrey", -1), ("RaLSGAN", -1),
    ("WGAN", 0), ("LS-GAN", 0), ("WGAN-div", 1 / 5), ("Improved GAN", 1), ("energy distance", 0)])
def test_how_curves_scale_with_the_width(name, power):
    np.testing.assert_allclose(
        atlas_curve(name, 1.7 * DISTANCES, 1.7),
        1.7**power * atlas_curve(name, DISTANCES),
        rtol=1e-12,
    )


def test_a_game_of_ones_own():
    np.testing.assert_allclose(atlas_curve(gl.non_saturating(), DISTANCES, .6),
                               atlas_curve("non-saturating GAN", DISTANCES, .6), rtol=1e-9)
    boosting = Game({"f": lambda f, g, x, z: torch.exp(-f(x)).mean() + torch.exp(f(g(z))).mean(),
                     "g": lambda f, g, z: -f(g(z)).mean()})
    np.testing.assert_allclose(
        atlas_curve(boosting, [-1.7, 0, 4.2], 2.0), [-1.7 / 8, 0, 4.2 / 8], rtol=1e-12
    )
    with pytest.raises(ValueError, match="needs a constraint"):
        atlas_curve(gl.wasserstein(), DISTANCES)


@pytest.mark.parametrize("name, own, why", [
    ("RaSGAN", {}, "bought"),
    ("Deep InfoMax", {}, "no generator"),
    ("GLS-GAN", dict(nu=.5), "no minimum"),
    ("LS-GAN", dict(weight=3.), "solved for"),
    ("f-GAN · total variation", dict(generator="trick"), "a step"),
    ("f-GAN · KL", dict(generator="neither"), "conjugate, trick"),
    ("hinge", dict(K=0.), "above 0"),
    ("WGAN-GP", dict(weight=0.), "without a penalty"),
    ("WGAN-div", dict(power=1.), "power of a slope"),
    ("VAE clustering", dict(share=1.), "between 0 and 1"),
    ("GAN + R1", {}, "differential equation"),
    ("MMD", dict(bandwidth=0.), "above 0"),
    ("Sinkhorn", dict(epsilon=0.), "above 0"),
    ("gradient flow", dict(h="none"), "no rescaling 'none'; there are h"),
    ("distribution matching", dict(noise=-1.), "0 or more"),
    ("minimax GAN", dict(sigma=0.), "width"),
])
def test_what_has_no_curve_says_so(name, own, why):
    with pytest.raises(ValueError, match=why):
        atlas_curve(name, DISTANCES, **own)


def test_unknown_entries():
    with pytest.raises(KeyError, match="WGAN-GP"):
        atlas_curve("WGAN-QP", DISTANCES)


# -- pictures ------------------------------------------------------------------------------------

def test_labels_never_overlap():
    for heights in ([3., 1, 1, 1, 2.9], [0.] * 9, np.random.default_rng(0).normal(size=12)):
        placed = pictures.apart(heights, .4)
        assert np.diff(np.sort(placed)).min() >= .4 - 1e-9
        assert abs(np.sum(placed - heights)) < 1e-9  # nobody is pushed more than the others
        assert (np.argsort(placed, kind="stable") == np.argsort(heights, kind="stable")).all()
    for values in (
        10.0 ** np.linspace(-30, 30, 23),
        np.full(23, 1e-20),
        np.full(23, np.inf),
        np.arange(23) * 1e-3,
    ):
        _, placed = pictures._label_heights(values)
        assert (
            np.diff(np.sort(placed)).min() > .38
            and -8 < placed.min()
            and placed.max() < np.log10(pictures.TOP)
        )
    known = pictures.entries()
    together = pictures.groups(known)
    assert sorted(sum(together, [])) == sorted(known)
    assert ["f-GAN · KL", "f-GAN · reverse KL", "VAE", "flow", "f-VAE",
            "gradient flow"] in together
    # and one for a game of one's own, one for a parameter that was moved
    assert len(together) + 2 <= pictures.LABELS


def test_the_explorer_tells_the_number():
    explorer = pictures.gradients(own={"my game": gl.non_saturating()})
    title = explorer.figure._suptitle
    explorer.draw(objective="hinge", distance=8.0, sigma=1.0, own=-10)
    assert "K = 0.0625: gradient 0.0625, 0.0625 times WGAN's 1" in title.get_text()
    explorer.draw(objective="my game", distance=3.0, sigma=1.0, own=0)
    assert "my game: gradient 2.704" in title.get_text()
    explorer.draw(objective="least squares GAN", distance=2.0, sigma=2.0, own=-10)
    assert "c = 0: gradient -0.04227, away from home" in title.get_text()
    explorer.draw(objective="Deep InfoMax", distance=3.0, sigma=1.0, own=0)
    assert "no generator" in title.get_text()
