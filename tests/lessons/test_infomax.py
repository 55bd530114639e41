"""Deep InfoMax: bounds by hand and on exact pairs, closed forms, the game, encoders and probes, the
pictures of lesson 17."""
import copy
import inspect
import math
from itertools import product

import numpy as np
import pytest
import torch
from helpers import leaf, sigma, softplus
from scipy.integrate import quad
from torch import nn

import gan_lessons as gl
from gan_lessons.drawing import plots
from gan_lessons.exact import infomax as exact
from gan_lessons.exact.infomax import CorrelatedNormal
from gan_lessons.exact.information import gaussian_information, gaussian_kl, mutual_information
from gan_lessons.explorers import infomax as explorers
from gan_lessons.measures import probes
from gan_lessons.objectives.infomax import (
    BOUNDS,
    deep_infomax,
    donsker_varadhan,
    info_nce,
    information_bound,
    jensen_shannon,
    nwj,
    own_and_other,
)
from gan_lessons.players.encoders import (
    Statistics,
    codes,
    image_encoder,
    linear_encoder,
    statistics_network,
)

OWN, OTHER = [-5., 1.4, 12.5, 2.7], [0.3, -7.1, 4., 1.1, -2.6, 0.7]


def log_r(pair):
    return lambda x, z: pair.log_ratio(x[:, None], z[:, None])


# ---------------------------------------------------------------- bounds by hand

def by_hand(name, own, other):
    """(value, gradients of own, of other)."""
    n, m, total = len(own), len(other), sum(map(math.exp, other))
    if name == "DV":
        slopes = [-math.exp(t) / total for t in other]
        return sum(own) / n - math.log(total / m), [1 / n] * n, slopes
    if name == "NWJ":
        return sum(own) / n - total / m / math.e, [1 / n] * n, [-math.exp(t - 1) / m for t in other]
    return (-sum(softplus(-t) for t in own) / n - sum(map(softplus, other)) / m,
            [sigma(-t) / n for t in own], [-sigma(t) / m for t in other])


@pytest.mark.parametrize("name, bound",
                         [("DV", donsker_varadhan), ("NWJ", nwj), ("JSD", jensen_shannon)])
@pytest.mark.parametrize("own, other", [(OWN, OTHER), (OTHER, OWN)])
def test_values_and_gradients_on_asymmetric_scores(name, bound, own, other):
    mine, theirs = leaf(own), leaf(other)
    value, of_own, of_other = by_hand(name, own, other)
    found = bound(mine, theirs)
    assert found.item() == pytest.approx(value, rel=1e-13) and found.dtype == torch.float64
    found.backward()
    assert mine.grad.tolist() == pytest.approx(of_own, rel=1e-12)
    assert theirs.grad.tolist() == pytest.approx(of_other, rel=1e-12)


@pytest.mark.parametrize("n", [2, 5])
def test_info_nce_is_log_n_minus_a_cross_entropy_of_columns(n):
    scores = torch.randn(n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(n)) * 3
    by_hand = math.log(n) - nn.functional.cross_entropy(scores.T, torch.arange(n))
    assert info_nce(scores).item() == pytest.approx(by_hand.item(), rel=1e-13)
    rows = math.log(n) - nn.functional.cross_entropy(scores, torch.arange(n))
    assert abs(info_nce(scores) - rows) > 1e-3  # the transposed question has another answer
    shifted = scores + torch.linspace(-9, 4, n)[None]                    # any function of the code
    assert info_nce(shifted).item() == pytest.approx(info_nce(scores).item(), abs=1e-12)


def test_info_nce_gradient():
    scores = leaf([[2., -1., .3], [0., 1.5, -4.], [.7, .2, 3.1]])
    info_nce(scores).backward()
    right = (torch.eye(3) - scores.detach().softmax(0)) / 3
    torch.testing.assert_close(scores.grad, right.double(), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", BOUNDS)
def test_places_are_averaged(name):
    scores = torch.randn(4, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    apart = [information_bound(name)(scores[..., m]).item() for m in range(3)]
    assert information_bound(name)(scores).item() == pytest.approx(np.mean(apart), rel=1e-13)


def test_own_and_other():
    own, other = own_and_other(torch.arange(9.).reshape(3, 3))
    assert own.tolist() == [0, 4, 8] and other.tolist() == [1, 2, 3, 5, 6, 7]
    own, other = own_and_other(torch.arange(18.).reshape(3, 3, 2))
    assert own.tolist() == [[0, 1], [8, 9], [16, 17]] and other.shape == (6, 2)


@pytest.mark.parametrize("scores", [torch.zeros(4), torch.zeros(3, 4), torch.zeros(1, 1),
                                    torch.zeros(2, 3, 2)])
def test_scores_must_be_square_with_two_samples(scores):
    for bound in BOUNDS.values():
        with pytest.raises(ValueError, match="square table"):
            bound(scores)


def test_an_unknown_bound_lists_the_known():
    with pytest.raises(KeyError, match="DV, NWJ, JSD, InfoNCE"):
        information_bound("MINE")


def test_large_scores_do_not_overflow():
    scores = torch.tensor([[900., -900.], [-900., 800.]])
    for name in ("DV", "JSD", "InfoNCE"):
        assert information_bound(name)(scores).isfinite()
    assert info_nce(scores) == pytest.approx(math.log(2), rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_inequalities_that_hold_on_every_batch(seed):
    scores = torch.randn(7, 7, dtype=torch.float64,
                         generator=torch.Generator().manual_seed(seed)) * (1 + 3 * seed)
    own, other = own_and_other(scores)
    assert nwj(own, other) <= donsker_varadhan(own, other) + 1e-12
    best = 1 - (other.logsumexp(0) - math.log(42))          # DV is NWJ at its best constant
    assert nwj(own + best, other + best).item() == pytest.approx(
        donsker_varadhan(own, other).item(), rel=1e-12)
    assert info_nce(scores) <= math.log(7) and jensen_shannon(own, other) <= 0
    zero = torch.zeros(5, 5, dtype=torch.float64)
    values = [round(bound(zero).item(), 12) for bound in BOUNDS.values()]
    assert values == [0, round(-1 / math.e, 12), round(-2 * math.log(2), 12), 0]


# ---------------------------------------------------------------- pairs with known information

@pytest.mark.parametrize("rho, information, js", [(.5, .143841, .036921), (.8, .510826, .133644),
                                                  (.9, .830366, .214553), (.95, 1.163951, .292064)])
def test_the_numbers_of_normal_pairs(rho, information, js):
    for sign in (1, -1):
        pair = CorrelatedNormal(sign * rho)
        assert pair.information == pytest.approx(information, abs=5e-7)
        assert pair.js() == pytest.approx(js, abs=1e-6)
        T = log_r(pair)
        ratio = lambda x, z: np.exp(T(x, z))
        assert pair.own(T) == pytest.approx(pair.information, abs=1e-12)
        assert pair.other(ratio) == pytest.approx(1, abs=1e-12)
        assert pair.other(lambda x, z: np.exp(2 * T(x, z))) == pytest.approx(
            1 / (1 - rho ** 2), rel=1e-11 if rho < .95 else 1e-8)
        # NWJ at 1 + log r
        assert pair.own(T) + 1 - pair.other(ratio) == pytest.approx(pair.information, abs=1e-12)


def test_js_by_polar_coordinates():
    """An independent double integral, over the angle inside and the radius outside."""
    pair = CorrelatedNormal(.8)

    def over_angle(radius):
        angle = np.arange(400) * 2 * np.pi / 400
        x, z = radius * np.cos(angle), radius * np.sin(angle)
        c, product_law = log_r(pair)(x, z), np.exp(-radius ** 2 / 2) / (2 * np.pi)
        joint = product_law * np.exp(c)
        value = joint * (np.log(2) - np.logaddexp(0, -c)) + product_law * (
            np.log(2) - np.logaddexp(0, c))
        return radius * value.mean() * 2 * np.pi / 2
    assert pair.js() == pytest.approx(quad(over_angle, 0, 30, epsabs=1e-12, limit=300)[0], abs=1e-9)


@pytest.mark.parametrize("rho, wrong", [(.8, .5), (.3, -.6), (-.9, -.2)])
def test_dv_lacks_exactly_a_kl(rho, wrong):
    pair, T = CorrelatedNormal(rho), log_r(CorrelatedNormal(wrong))
    DV = pair.own(T) - np.log(pair.other(lambda x, z: np.exp(T(x, z))))
    square = lambda rho: np.array([[1, rho], [rho, 1]])
    assert pair.information - DV == pytest.approx(gaussian_kl([0, 0], square(rho), [0, 0],
                                                              square(wrong)), abs=1e-11)


def test_pairs_are_a_law_to_draw_from():
    pair, rng = CorrelatedNormal(-.7, k=3), np.random.default_rng(0)
    drawn = pair.sample(40_000, rng)
    right = np.block([[np.eye(3), -.7 * np.eye(3)], [-.7 * np.eye(3), np.eye(3)]])
    assert drawn.shape == (40_000, 6) and np.abs(np.cov(drawn.T) - right).max() < .03
    assert gl.batches(pair, batch=5).draw({"x"})["x"].shape == (5, 6)
    assert pair.information == pytest.approx(3 * gaussian_information(.7))
    x, z = pair.pairs(4, rng)
    np.testing.assert_allclose(pair.scores(x, z), pair.log_ratio(x[:, None], z[None]), rtol=1e-12)
    with pytest.raises(ValueError, match="k = 1"):
        pair.own(lambda x, z: x)
    for bad in (dict(rho=1.), dict(rho=-2), dict(rho=.5, k=0), dict(rho=math.nan)):
        with pytest.raises(ValueError, match="rho|k ="):
            CorrelatedNormal(**bad)


def test_estimates_are_the_package_bounds():
    for k, rho in [(1, .6), (4, .9)]:
        pair = CorrelatedNormal(rho, k)
        found = explorers.estimates(pair, 12, 3)
        for seed in range(3):
            scores = torch.tensor(pair.scores(*pair.pairs(12, np.random.default_rng(seed))))
            own, other = own_and_other(scores)
            right = [donsker_varadhan(own, other), nwj(own + 1, other + 1), info_nce(scores),
                     2 * math.log(2) + jensen_shannon(own, other)]
            np.testing.assert_allclose(found[:, seed], right, rtol=2e-4, atol=2e-5)


def test_bias_of_the_bounds_over_seeds():
    pair, seeds = CorrelatedNormal(.8), 3000
    DV, NWJ, NCE, _ = explorers.estimates(pair, 4, seeds)
    error = lambda values: values.std() / math.sqrt(seeds)
    assert abs(NWJ.mean() - pair.information) < 4 * error(NWJ)
    assert DV.mean() - pair.information > 3 * error(DV)
    assert pair.information - NCE.mean() > 10 * error(NCE) and (DV >= NWJ - 1e-5).all()


@pytest.mark.parametrize("rho", [.3, .6, .8])
def test_the_spread_of_ratios(rho):
    """Both variances as traces of Mehler's operator, of eigenvalues rho^k; and one by sampling."""
    pair, n = CorrelatedNormal(rho), 6
    assert exact.ratio_spread(pair.information, n) == pytest.approx(
        math.sqrt((1 / (1 - rho ** 2) - 1) / n))
    k = np.arange(1, 200)
    own, crossed = (rho ** (2 * k)).sum(), (rho ** (4 * k)).sum()
    assert exact.ratio_spread(pair.information, n, shuffled=True) ** 2 == pytest.approx(
        (own + crossed) / (n * (n - 1)))
    if rho == .3:  # the fourth moment of r is finite: sampling works
        rng, means = np.random.default_rng(0), []
        for _ in range(20_000):
            ratio = np.exp(pair.scores(*pair.pairs(n, rng)))
            means.append((ratio.sum() - np.trace(ratio)) / (n * (n - 1)))
        assert np.std(means) == pytest.approx(exact.ratio_spread(pair.information, n,
                                                                 shuffled=True), rel=.04)
        assert np.mean(means) == pytest.approx(1, abs=.005)


@pytest.mark.parametrize("kinds, n", [(2, 3), (3, 4), (4, 2)])
def test_info_nce_of_copies_by_all_bags(kinds, n):
    scores = lambda bag: torch.tensor([[0. if a == b else -1e9 for b in bag] for a in bag],
                                      dtype=torch.float64)
    every = [info_nce(scores(bag)).item() for bag in product(range(kinds), repeat=n)]
    right = exact.copies_info_nce(kinds, n)
    assert np.mean(every) == pytest.approx(right, abs=1e-12)
    assert right < min(math.log(kinds), math.log(n))


def test_copies_at_the_edges():
    assert exact.copies_info_nce(1, 9) == pytest.approx(0, abs=1e-12)
    assert exact.copies_info_nce(5, 1) == 0
    assert exact.copies_info_nce(10, 20_000) == pytest.approx(math.log(10), abs=1e-3)
    for bad in [(0, 3), (3, 0), (2.5, 3)]:
        with pytest.raises(ValueError, match="whole numbers"):
            exact.copies_info_nce(*bad)


# ---------------------------------------------------------------- pictures of patches

def test_all_codes_of_one_bit_know_as_much_and_only_the_motif_is_known_to_all_patches():
    pictures = exact.patch_pictures(4)
    assert pictures.shape == (32, 4, 2) and len(np.unique(pictures.reshape(32, -1), axis=0)) == 32
    errors, local = {}, {}
    for name, code in explorers.CODES.items():
        table = exact.code_table(pictures, code)
        assert mutual_information(table) == pytest.approx(math.log(2), abs=1e-14)
        local[name] = exact.patch_information(pictures, code).mean()
        errors[name] = exact.reconstruction_error(pictures, code, (1, 3))
    assert local["motif"] == pytest.approx(math.log(2))
    assert local["first speck"] == pytest.approx(math.log(2) / 4)
    assert abs(local["parity of specks"]) < 1e-14
    assert errors["first speck"] == pytest.approx(40 - 9)
    assert errors["motif"] == pytest.approx(40 - 4)
    assert errors["parity of specks"] == pytest.approx(40)


def test_no_code_of_one_bit_beats_the_motif_locally():
    pictures = exact.patch_pictures(2)                # 8 pictures: all 2^7 codes
    best = exact.patch_information(pictures, lambda x: x[0, 0]).mean()
    rows = {tuple(p.ravel()): i for i, p in enumerate(pictures)}
    every = [exact.patch_information(pictures, lambda x: rule >> rows[tuple(x.ravel())] & 1).mean()
             for rule in range(128)]
    assert max(every) == pytest.approx(best) and sum(v > best - 1e-9 for v in every) == 1


def test_linear_information_is_the_determinant_formula():
    rng = np.random.default_rng(1)
    root = rng.normal(size=(6, 6))
    covariance, w, noise = root @ root.T, rng.normal(size=(3, 2)), .4
    whole, local = exact.linear_information(covariance, w, noise)
    c = covariance @ w.ravel() / np.sqrt(w.ravel() @ covariance @ w.ravel())
    joint = np.block([[covariance, c[:, None]], [c[None], np.array([[1 + noise ** 2]])]])

    def by_determinants(rows):
        both = [*rows, 6]
        det = lambda r: np.linalg.slogdet(joint[np.ix_(r, r)])[1]
        return (det(rows) + det([6]) - det(both)) / 2
    assert whole == pytest.approx(by_determinants(list(range(6))), rel=1e-9)
    assert local == pytest.approx([by_determinants([2 * m, 2 * m + 1]) for m in range(3)], rel=1e-9)
    assert exact.linear_information(covariance, 7 * w, noise)[0] == pytest.approx(whole)
    with pytest.raises(ValueError, match="never changes"):
        exact.linear_information(covariance, 0 * w, noise)


# ---------------------------------------------------------------- encoders and the game

def small(squash=True, code=3):
    e = image_encoder((1, 28, 28), code, width=4, squash=squash).double()
    return e, statistics_network(e, code=3, width=8).double()


@pytest.mark.parametrize("shape, side", [((1, 28, 28), 7), ((3, 32, 32), 8)])
@pytest.mark.parametrize("n", [2, 5])
def test_shapes_of_views_and_scores(shape, side, n):
    e = image_encoder(shape, code=6, width=4, squash=True)
    t = statistics_network(e, width=8)
    features, z = e.views(torch.rand(n, *shape) * 2 - 1)
    assert features.shape == (n, 8, side ** 2) == (n, e.channels, e.places) and z.shape == (n, 6)
    assert (0 < z).all() and (z < 1).all()
    assert t.whole(features, z).shape == (n, n) and t.local(features, z).shape == (n, n, side ** 2)


def test_a_normalising_encoder_does_not_see_colour_and_contrast():
    pictures = torch.rand(3, 3, 32, 32) * 2 - 1
    stretch = torch.tensor([.5, 2., .8])[:, None, None, None]
    dyed = pictures * stretch + torch.tensor([.3, -.1, .6])[:, None, None]
    blind, plain = (image_encoder((3, 32, 32), 4, width=4, normalise=on).eval()
                    for on in (True, False))
    torch.testing.assert_close(blind(dyed), blind(pictures), rtol=1e-3, atol=1e-4)
    assert (plain(dyed) - plain(pictures)).abs().max() > 1e-2
    assert codes(nn.InstanceNorm2d(3), pictures).shape == (3, 3072)


def test_one_product_of_matrices_is_all_scalar_products():
    t = Statistics(2, 3, 4, width=5).double()
    features, z = torch.randn(3, 2, 3).double(), torch.randn(3, 4).double()
    local, whole = t.local(features, z), t.whole(features, z)
    for i, j, m in product(range(3), range(3), range(3)):
        u, v = t.place(features[i, :, m]), t.local_code(z[j])
        assert local[i, j, m].item() == pytest.approx((u @ v).item() * t.scale, rel=1e-12)
    assert whole[2, 1].item() == pytest.approx(
        (t.picture(features[2].flatten()) @ t.code(z[1])).item() * t.scale)


def test_encoders_say_what_they_cannot():
    for shape in [(1, 64, 64), (3, 32, 28), (28, 28)]:
        with pytest.raises(ValueError, match="28 or 32"):
            image_encoder(shape)


def test_the_linear_encoder_is_a_standardised_sum_plus_noise():
    e = linear_encoder(3, 2, noise=0.)
    x = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    w = e.rest[1].weight.detach().reshape(2, 3).T.flatten()
    features, z = e.views(x)
    plain = x @ w
    torch.testing.assert_close(z[:, 0],
                               (plain - plain.mean()) / (plain.var(correction=0) + 1e-5).sqrt(),
                               rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(features[:, :, 1], x[:, 2:4])
    torch.manual_seed(0)
    noisy = linear_encoder(3, 2, noise=.5).views(x.repeat(200, 1))[1] - e.views(x.repeat(200, 1))[1]
    assert noisy.std().item() == pytest.approx(.5, rel=.05)


@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize("bound", BOUNDS)
def test_the_losses_of_the_uniform_prior(bound, n):
    e, t = small()
    f = gl.mlp_critic(3).double()
    x = torch.randn(n, 1, 28, 28).double()
    z = torch.rand(n, 3).double()
    game = deep_infomax(.5, 1.5, .2, bound=bound)
    assert game.players == ("f", "e", "t") and game.moves[0].needs == ("f", "e", "x", "z")
    features, code = e.views(x)
    score, soft = information_bound(bound), nn.functional.softplus
    right = (-.5 * score(t.whole(features, code)) - 1.5 * score(t.local(features, code))
             + .2 * soft(-f(code)).mean())
    torch.testing.assert_close(game["e t"](e=e, t=t, f=f, x=x), right, rtol=1e-12, atol=0)
    torch.testing.assert_close(game["f"](f=f, e=e, x=x, z=z),
                               soft(-f(z)).mean() + soft(f(code)).mean(), rtol=1e-12, atol=0)
    weights = [*e.parameters(), *t.parameters()]
    mine, theirs = (torch.autograd.grad(v, weights)
                    for v in (game["e t"](e=e, t=t, f=f, x=x), right))
    for a, b in zip(mine, theirs):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-14)


def test_the_losses_of_the_normal_prior_and_of_none():
    e, t = small(squash=False, code=6)
    x = torch.randn(4, 1, 28, 28).double()
    game = deep_infomax(1, 0, .3, prior="normal")
    assert game.players == ("e", "t")
    torch.manual_seed(5)
    found = game["e t"](e=e, t=t, x=x)
    torch.manual_seed(5)
    features, numbers = e.views(x)
    m, log_s = numbers[:, :3], numbers[:, 3:]
    z = m + log_s.exp() * torch.randn_like(m)
    kl = sum((a ** 2 + math.exp(2 * b) - 1 - 2 * b) / 2
             for a, b in zip(m.flatten().tolist(), log_s.flatten().tolist())) / 4
    assert found.item() == pytest.approx(
        .3 * kl - information_bound("JSD")(t.whole(features, z)).item(), rel=1e-12)
    with pytest.raises(ValueError, match="2 \\* k"):
        deep_infomax(1, 0, .3, prior="normal")["e t"](e=small(False)[0], t=t, x=x)

    e, t = small()
    bare = deep_infomax(0, 1, 0)
    assert bare.players == ("e", "t")
    features, z = e.views(x)
    torch.testing.assert_close(bare["e t"](e=e, t=t, x=x),
                               -information_bound("JSD")(t.local(features, z)))


@pytest.mark.parametrize(
    "asked, problem", [(dict(alpha=-1), "0 or more"), (dict(alpha=0, beta=0), "know its picture"),
                       (dict(gamma=math.nan), "0 or more"), (dict(beta=math.inf), "0 or more"),
                       (dict(prior="gauss"), "uniform.*normal")])
def test_impossible_games_are_refused(asked, problem):
    with pytest.raises(ValueError, match=problem):
        deep_infomax(**asked)
    with pytest.raises(KeyError, match="InfoNCE"):
        deep_infomax(bound="nce")


def test_the_normal_prior_charges_for_information():
    """E KL(p(z | x) ‖ N(0, 1)) = I(x; z) + KL(p(z) ‖ N(0, 1)) for z = a x + s ε."""
    for a, s in [(.6, .8), (2., .5), (.1, 1.3)]:
        kl = lambda x: (a ** 2 * x ** 2 + s ** 2 - 1 - math.log(s ** 2)) / 2
        density = lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        rate = quad(lambda x: kl(x) * density(x), -12, 12)[0]
        assert rate == pytest.approx(
            gaussian_information(a / math.hypot(a, s)) + gaussian_kl(0., a ** 2 + s ** 2), abs=1e-9)


def test_training_finds_the_motif_and_the_information():
    e = linear_encoder(4, 2)
    run = gl.train(deep_infomax(0, 1, 0), dict(e=e, t=statistics_network(e, width=32)),
                   gl.batches(explorers.patches(4000), batch=128), steps=250,
                   optimizer=gl.adam(1e-2), watch=None)
    w = explorers.weights_of(run.players["e"])
    assert np.abs(w[:, 1]).max() < .2 * np.abs(w[:, 0]).min()
    whole, local = explorers.information_of(w)
    assert local.mean() > .9 and whole == pytest.approx(math.log(1 + 1 / .09) / 2)


# ---------------------------------------------------------------- probes

def clouds(seed=0, n=200):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    x = rng.normal(size=(n, 5)) * [1, 1, 1, 4, .1] + np.eye(3, 5)[y] * 1.7
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def test_neighbours_as_scikit_learn_finds_them():
    neighbors = pytest.importorskip("sklearn.neighbors")
    (a, y), (b, truth) = clouds(0), clouds(1, 90)
    for k in (1, 7):
        theirs = neighbors.KNeighborsClassifier(k, metric="cosine", algorithm="brute").fit(a, y)
        right = theirs.kneighbors(b, return_distance=False)
        assert (probes.nearest(a, b, k).numpy() == right).mean() > .99
        assert probes.neighbours_agree(a, y, b, truth, k).value == pytest.approx(
            theirs.score(b, truth), abs=.012)


def test_the_probe_as_scikit_learn_fits_it():
    linear = pytest.importorskip("sklearn.linear_model")
    (a, y), (b, truth) = clouds(0), clouds(1, 90)
    mean, sd = a.mean(0), a.std(0, correction=0)
    for ridge in (0., .3):
        theirs = linear.Ridge(alpha=ridge * len(a)).fit((a - mean) / sd, np.eye(3)[y])
        right = (theirs.predict(((b - mean) / sd).numpy()).argmax(1) == truth.numpy()).mean()
        assert probes.linear_probe(a, y, b, truth, ridge).value == pytest.approx(right, abs=1e-12)
    dead = [torch.cat([points, torch.full((len(points), 1), value)], 1)
            for points, value in ((a, 3.), (b, 4.))]
    found = probes.linear_probe(dead[0], y, dead[1], truth, .3)
    assert found.value == pytest.approx(right, abs=1e-12)


def test_probes_do_not_see_scale():
    (a, y), (b, truth) = clouds(0), clouds(1, 90)
    stretched = torch.tensor([1e-3, 20, 1, 5, 100])
    found = probes.linear_probe(a * stretched + 4, y, b * stretched + 4, truth)
    assert found == probes.linear_probe(a, y, b, truth)
    lengths = torch.linspace(.1, 9, len(a))[:, None]
    assert (probes.nearest(a * lengths, b, 5) == probes.nearest(a, b, 5)).all()


def test_the_interval_of_a_share():
    share = probes.share(30, 100)
    for end in (share.low, share.high):  # Wilson: |p - end| is 1.96 deviations at the end itself
        assert abs(.3 - end) == pytest.approx(1.959963984540054 * math.sqrt(end * (1 - end) / 100),
                                              rel=1e-12)
    assert probes.share(0, 10).low == 0
    assert probes.share(10, 10).high == pytest.approx(1)
    assert "30.0%" in str(share)
    with pytest.raises(ValueError, match="hits"):
        probes.share(5, 4)


def test_probes_say_what_does_not_fit():
    (a, y), (b, truth) = clouds(0), clouds(1, 90)
    for wrong in [lambda: probes.nearest(a, b[:, :3]), lambda: probes.nearest(a, b, 0),
                  lambda: probes.nearest(a, b, 999),
                  lambda: probes.neighbours_agree(a, y[:-1], b, truth),
                  lambda: probes.linear_probe(a, y.float(), b, truth),
                  lambda: probes.linear_probe(a, y, b, truth, ridge=-1)]:
        with pytest.raises(ValueError):
            wrong()


def test_codes_in_evaluation_mode_whatever_the_batch():
    e = image_encoder((1, 28, 28), 3, width=4)
    pictures = torch.randint(0, 256, (7, 1, 28, 28), dtype=torch.uint8)
    assert e.training
    z = codes(e, pictures, batch=3)
    assert e.training and z.shape == (7, 3) and not z.requires_grad
    torch.testing.assert_close(z, codes(e, pictures.float() / 127.5 - 1), rtol=1e-4, atol=1e-5)
    assert codes(lambda x: x, pictures).shape == (7, 784)


# ---------------------------------------------------------------- the pictures of lesson 17

def test_the_explorer_says_what_the_exact_module_says():
    explorer = explorers.bounds(seeds=3)
    for rho, n, k in [(.8, 64, 1), (.95, 8, 6), (0., 16, 1)]:
        explorer.draw(rho=rho, n=n, k=k)
        truth, cap, *_, title = explorer._artists
        pair = CorrelatedNormal(rho, k)
        top = CorrelatedNormal(.95, k).information
        assert f"I {pair.information:.3f}" in title.get_text()
        assert f"log N {math.log(n):.2f}" in title.get_text()
        assert cap.get_ydata()[0] == pytest.approx(math.log(n) / top)
        mean = explorers.estimates(pair, n, 3).mean(1)
        assert f"InfoNCE {mean[2]:.2f}" in title.get_text()
    assert explorer.draw(rho=.95, n=32, k=6) == explorer.draw()


def test_the_drawings():
    fig, axes = plots.figure(2)
    explorers.code_bars(*axes)
    reconstructed = [bar.get_width() for bar in axes[1].patches[:4]]
    assert reconstructed == pytest.approx([.1, 9 / 40, 6.75 / 40, 0])
    explorers.over_the_exact(plots.figure(2)[1], CorrelatedNormal(.9), lambda x, z: x * z)
    explorers.code_weights(plots.figure()[1], {"a": np.ones((4, 2)), "b": np.eye(4, 2)})
    fig, ax = plots.figure()
    explorers.architecture(ax)
    assert len([text for text in ax.texts if "T(x" in text.get_text()]) == 1
    for shape in ((1, 28, 28), (3, 32, 32)):
        images = torch.randint(0, 256, (6, *shape), dtype=torch.uint8)
        near = torch.tensor([[0, 1], [2, 3]])
        axes = plots.figure(2)[1]
        explorers.neighbours(axes, images[:2], images, dict(a=near, b=near))
        explorers.neighbours(axes, images[:2], images, dict(a=near, b=near),
                             dict(a=near > 2, b=near < 0))
        assert [len(ax.patches) for ax in axes] == [1, 0]
        frame, = axes[0].patches                       # around the third of the second row
        size = shape[-1]
        assert frame.get_x() < 2 * (size + 4) < frame.get_x() + frame.get_width()
        assert frame.get_y() < size + 4 < frame.get_y() + frame.get_height()


def test_accuracies_show_both_layers_and_the_papers_figures():
    marks = {"pixels": {"": (probes.share(3, 10), probes.share(4, 10))},
             "DIM": {layer: (probes.share(5, 10), probes.share(6, 10))
                     for layer in ("conv", "code")}}
    for published in (None, {"DIM": {"conv": 75.0, "code": 66.0}}):
        axes = plots.figure(2)[1]
        explorers.accuracies(axes, marks, published)
        shown = [sorted(line.get_xdata()[0] for line in ax.lines if line.get_marker() in "soD")
                 for ax in axes]
        paper = [[.75], [.66]] if published else [[], []]
        assert shown == [pytest.approx(sorted([.3, .4, .5, .6, *more])) for more in paper]


@pytest.mark.parametrize("seed", range(2))
def test_toy_pictures_have_the_stated_covariance(seed):
    drawn = explorers.patches(50_000, seed)
    assert np.abs(np.cov(drawn.T) - explorers.COVARIANCE).max() < .2


def test_the_weights_left_out_are_those_of_the_paper():
    """The local objective alone, with the prior at 0.1: Hjelm et al. 2019, DIM(L)."""
    left_out = {name: parameter.default
                for name, parameter in inspect.signature(deep_infomax).parameters.items()}
    assert (left_out["alpha"], left_out["beta"], left_out["gamma"]) == (0, 1, .1)


# ---------------------------------------------------------------- questions

def test_two_rounds_are_those_of_the_game():
    from gan_lessons.questions.infomax import two_rounds
    torch.manual_seed(0)
    e, t = small()
    x, z = torch.rand(4, 1, 28, 28).double(), torch.rand(4, 3).double()
    f = gl.mlp_critic(3).double()
    before = [weight.clone() for weight in (*e.parameters(), *t.parameters(), *f.parameters())]
    found, mine, game = two_rounds(e, t, f, x, z), copy.deepcopy([e, t, f]), deep_infomax()
    assert all(map(torch.equal, before, (*e.parameters(), *t.parameters(), *f.parameters())))
    e, t, f = mine
    move_f = torch.optim.SGD(f.parameters(), lr=.1)
    move_e = torch.optim.SGD([*e.parameters(), *t.parameters()], lr=.1)
    for _ in range(2):
        for move, loss in ((move_f, lambda: game["f"](f=f, e=e, x=x, z=z)),
                           (move_e, lambda: game["e t"](e=e, t=t, f=f, x=x))):
            move.zero_grad()
            loss().backward()
            move.step()
    assert found == pytest.approx(information_bound("JSD")(t.local(*e.views(x))).item(), rel=1e-10)


def test_answers_against_other_ways():
    from gan_lessons.questions.infomax import QUESTIONS
    answer = {key: right() for key, (right, _) in QUESTIONS.items()}
    size, lacks = answer["17 slider"]
    means = {n: explorers.estimates(CorrelatedNormal(.95, 6), n, 16).mean(1)
             for n in explorers.SIZES}
    truth = CorrelatedNormal(.95, 6).information
    assert size == next(n for n, mean in means.items() if abs(mean[0] - truth) < .1)
    assert lacks == pytest.approx(truth - means[size][2], abs=1e-3)
    variance = np.linalg.eigvalsh(np.kron(np.ones((4, 4)), [[1.]]) + .09 * np.eye(4)).max()
    assert answer["17 speck"] == pytest.approx(math.sqrt(variance))
    N, spread = answer["17 target"], lambda n: exact.ratio_spread(
        CorrelatedNormal(.9).information, n, shuffled=True)
    assert spread(N) <= .01 < spread(N - 1)
