"""One-step clustering: the joint bound by hand, responsibilities, EM, components that die, and two
classical clusterings."""
import copy
import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, norm

import gan_lessons as gl
from gan_lessons.data.deskew import deskew
from gan_lessons.drawing import plots
from gan_lessons.exact.clustering import gaussian_mixture, kmeans, matching_accuracy, vote_accuracy
from gan_lessons.exact.information import mutual_information
from gan_lessons.explorers import clustering as explorers
from gan_lessons.objectives.clustering import (
    GaussianMixturePrior,
    clustering,
    mixture_kl,
    responsibilities,
    restart_empty,
    usage_kl,
)
from gan_lessons.objectives.variational import draw_code, gaussian_code, vae

Z = torch.tensor([[1.4, -5.], [0., .7], [2.7, 12.5]], dtype=torch.float64)


def prior(K=3, k=2, seed=1):
    """A mixture whose components have covariances and shares of their own."""
    h = GaussianMixturePrior(K, k, widths=True, shares=True, tilts=True, seed=seed).double()
    return h.start(*given(K, k, seed))


def given(K, k, seed):
    r = np.random.default_rng(seed)
    root = r.normal(size=(K, k, k))
    covariances = root @ root.swapaxes(1, 2) + .3 * np.eye(k)          # (K, k, k)
    return r.normal(size=(K, k)), covariances, r.dirichlet(np.ones(K))


# ---------------------------------------------------------------- the prior and its KL term

@pytest.mark.parametrize("seed", range(3))
def test_components_are_weighted_normal_log_densities(seed):
    h = prior(seed=seed)
    by_hand = [np.log(q) + multivariate_normal(m, C).logpdf(Z.numpy())
               for m, C, q in zip(*given(3, 2, seed))]
    np.testing.assert_allclose(h(Z).detach().numpy(), np.stack(by_hand, 1), rtol=1e-10)
    # as ema keeps it
    np.testing.assert_allclose(copy.deepcopy(h).requires_grad_(False)(Z), h(Z).detach(), rtol=1e-14)


def test_components_that_do_not_tilt_take_the_diagonals():
    centres, C, shares = given(3, 2, 0)
    h = GaussianMixturePrior(3, 2, widths=True, shares=True).double().start(centres, C, shares)
    by_hand = [np.log(q) + norm(m, np.diag(c)**.5).logpdf(Z.numpy()).sum(1)
               for m, c, q in zip(centres, C, shares)]
    np.testing.assert_allclose(h(Z).detach().numpy(), np.stack(by_hand, 1), rtol=1e-10)
    assert h.tilt.abs().max() < 1e-12


def test_plain_components_are_unit_normals_equally_likely_and_only_centres_learn():
    h = GaussianMixturePrior(4, 2).double()
    by_hand = [norm(m, 1).logpdf(Z.numpy()).sum(1) - np.log(4) for m in h.centres.detach().numpy()]
    np.testing.assert_allclose(h(Z).detach().numpy(), np.stack(by_hand, 1), rtol=1e-12)
    assert [name for name, w in h.named_parameters() if w.requires_grad] == ["centres"]


@pytest.mark.parametrize("seed", range(5))
def test_no_answer_is_cheaper_than_the_responsibilities(seed):
    log_joint = prior(4, 2, seed)(Z).detach()
    floor, best = -log_joint.logsumexp(1), responsibilities(log_joint)
    torch.testing.assert_close(mixture_kl(log_joint, best.log()), floor, rtol=1e-12, atol=1e-12)
    r = torch.tensor(np.random.default_rng(seed).dirichlet(np.ones(4), 3))
    gap = (r * (r / best).log()).sum(1)  # KL(r ‖ responsibilities)
    torch.testing.assert_close(mixture_kl(log_joint, r.log()), floor + gap, rtol=1e-10, atol=1e-10)
    assert (gap > 0).all()


def test_the_slope_is_zero_at_the_responsibilities():
    log_joint = prior()(Z).detach()
    logits = log_joint.clone().requires_grad_()
    mixture_kl(log_joint, logits.log_softmax(1)).sum().backward()
    assert logits.grad.abs().max() < 1e-12


def test_the_kl_of_responsibilities_that_underflow_has_a_gradient():
    h = GaussianMixturePrior(2, 1).double()
    h.start(np.array([[0.], [80.]]))
    log_joint = h(torch.zeros(3, 1).double())
    assert responsibilities(log_joint)[0, 1] == 0
    mixture_kl(log_joint, log_joint.log_softmax(1)).mean().backward()
    assert h.centres.grad.isfinite().all()


@pytest.mark.parametrize("seed", range(3))
def test_third_term_is_information_plus_usage(seed):
    r = torch.tensor(np.random.default_rng(seed).dirichlet(np.ones(4) / 2, 50))
    term = (r * (r * 4).log()).sum(1).mean().item()
    assert term == pytest.approx(mutual_information(r.numpy() / 50) + usage_kl(r).item(), abs=1e-12)


def test_usage_of_sure_answers():
    assert usage_kl(torch.eye(4).double()).item() == pytest.approx(0, abs=1e-15)
    assert usage_kl(torch.eye(4).double()[[0, 0, 1, 1]]).item() == pytest.approx(math.log(2))
    lonely = torch.eye(3).double()[[0, 0]].requires_grad_()
    usage_kl(lonely).backward()
    assert usage_kl(lonely).item() == pytest.approx(math.log(3)) and lonely.grad.isfinite().all()


# ---------------------------------------------------------------- EM, parting and dying

@pytest.mark.parametrize("n, K", [(30, 2), (7, 5)])
def test_gradient_over_share_is_a_step_of_em(n, K):
    z, h = torch.randn(n, 3).double(), GaussianMixturePrior(K, 3, seed=n).double()
    (-h(z).logsumexp(1)).mean().backward()
    r = responsibilities(h(z)).detach()
    em = r.T @ z / r.sum(0)[:, None]
    torch.testing.assert_close(h.centres - h.centres.grad / r.mean(0)[:, None], em,
                               rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        torch.tensor(explorers.soft_step(z.numpy(), h.centres.detach().numpy(), 1.)[2]), em,
        rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("sd, part", [(.7, False), (.95, False), (1.1, True), (2., True)])
def test_components_part_only_under_codes_wider_than_they_are(sd, part):
    z = np.linspace(-1, 1, 400)[:, None]
    z *= sd / z.std()
    centres = np.array([[.1], [-.1]])
    for _ in range(400):
        centres = explorers.soft_step(z, centres, 1.)[2]
    assert (np.ptp(centres) > .2) == part


def test_components_in_one_place_move_alike():
    h = GaussianMixturePrior(3, 2, sd=0.).double()
    (-h(Z).logsumexp(1)).mean().backward()
    assert torch.equal(h.centres.grad[0], h.centres.grad[1])
    assert torch.equal(h.centres.grad[0], h.centres.grad[2])
    assert h.centres.grad.abs().max() > .1


def test_a_far_component_has_no_gradient_but_em_brings_it_home():
    z = .3 * np.random.default_rng(0).normal(size=(500, 1))
    h = GaussianMixturePrior(2, 1).double().start(np.array([[0.], [10.]]))
    (-h(torch.tensor(z)).logsumexp(1)).mean().backward()
    assert 0 < h.centres.grad[1].abs().item() < 1e-15
    assert explorers.soft_step(z, np.array([[0.], [10.]]), 1.)[2][1, 0] < z.max()


def test_an_empty_component_goes_to_the_worst_served_code_of_the_fullest():
    codes = torch.tensor([[0.], [.2], [3.], [9.]]).double()
    h = prior(3, 1).start(np.array([[0.], [9.], [500.]]), np.ones((3, 1, 1)) / 2,
                          np.array([.5, .25, .25]))
    assert restart_empty(h, codes, .1) == [2]
    assert h.centres[:, 0].tolist() == pytest.approx([0, 9, 3])
    np.testing.assert_allclose(h.log_q.softmax(0).detach(), [1 / 3, 1 / 3, 1 / 3])
    assert restart_empty(h, codes, .1) == []


# ---------------------------------------------------------------- the game

@pytest.mark.parametrize("n, beta, sd, balance",
                         [(5, 1., .3, 0.), (8, 2.5, 1., 0.), (6, 1., .5, 3.)])
def test_joint_bound_by_hand(n, beta, sd, balance):
    torch.manual_seed(n)
    e, d, h = gl.mlp_critic(2, outputs=6).double(), gl.mlp_generator(3, 2).double(), prior(4, 3)
    x = torch.randn(n, 2).double()
    torch.manual_seed(7)
    loss = clustering(beta, sd, balance)["e d h"](e, d, h, x)
    torch.manual_seed(7)
    m, log_s = e(x).detach().chunk(2, 1)
    z = m + log_s.exp() * torch.randn(n, 3, dtype=torch.float64)
    joint = h(z).exp().detach().numpy()
    r, copy = joint / joint.sum(1, keepdims=True), d(z).detach()
    total = 0.
    for i in range(n):
        total -= norm(copy[i], sd).logpdf(x[i]).sum()
        total += beta * sum(-math.log(math.exp(a) * math.sqrt(2 * math.pi * math.e))
                            for a in log_s[i])
        total += beta * sum(r[i, y] * math.log(r[i, y] / joint[i, y]) for y in range(4))
    total = total / n + balance * sum(p * math.log(4 * p) for p in r.mean(0))
    assert loss.item() == pytest.approx(total, rel=1e-10)
    loss.backward()
    assert all(w.grad.abs().sum() > 0 for net in (e, d, h) for w in net.parameters())


def test_answers_of_a_network_cost_their_kl():
    e = gl.mlp_critic(2, outputs=4).double()
    d = gl.mlp_generator(2, 2).double()
    h = prior()
    a = gl.mlp_critic(2, outputs=3).double()
    x, costs = torch.randn(9, 2).double(), []
    for game, more in [(clustering(), {}), (clustering(answers=True), {"a": a})]:
        torch.manual_seed(1)
        costs.append(game["e"](**dict(e=e, d=d, h=h), **more, x=x).item())
    torch.manual_seed(1)
    z = draw_code(*gaussian_code(e, x))
    r, best = a(z).softmax(1), responsibilities(h(z))
    assert costs[1] - costs[0] == pytest.approx((r * (r / best).log()).sum(1).mean().item(),
                                                rel=1e-9)
    assert clustering(answers=True).players == ("e", "d", "h", "a")


def test_components_in_one_place_at_zero_are_the_vae():
    e = gl.mlp_critic(2, outputs=4).double()
    d = gl.mlp_generator(2, 2).double()
    x = torch.randn(5, 2).double().repeat(40_000, 1)
    values = []
    for game, more in [(vae(sd=.5), {}),
                       (clustering(sd=.5), {"h": GaussianMixturePrior(3, 2, sd=0.).double()})]:
        torch.manual_seed(0)
        values.append(game["e"](e=e, d=d, **more, x=x).item())
    assert values[0] == pytest.approx(values[1], abs=.02)  # same codes, five standard errors


def test_three_components_are_found():
    law = gl.Mixture([gl.Normal(-3, .5), gl.Normal(0, .5), gl.Normal(3, .5)])
    game = gl.Game({"h": lambda h, x: -h(x).logsumexp(1).mean()})
    run = gl.train(game, dict(h=GaussianMixturePrior(3, 1, widths=True, sd=2.)),
                   gl.batches(law, batch=256), steps=500, optimizer=gl.adam(3e-2), watch=None,
                   precision="highest")
    assert sorted(run.players["h"].centres[:, 0].tolist()) == pytest.approx([-3, 0, 3], abs=.15)


@pytest.mark.parametrize("wrong",
                         [dict(beta=-1.), dict(sd=0.), dict(balance=-.1), dict(sd=math.nan)])
def test_weights_that_cannot_be(wrong):
    with pytest.raises(ValueError, match="0 or more, the deviation of a pixel above 0"):
        clustering(**wrong)


@pytest.mark.parametrize("K", [1, 0, -2])
def test_fewer_than_two_components(K):
    with pytest.raises(ValueError, match="two .* or more"):
        GaussianMixturePrior(K, 3)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"\(4, 3\) for .* of 2 numbers"):
        GaussianMixturePrior(3, 2)(torch.zeros(4, 3))
    with pytest.raises(ValueError, match=r"centres of shape \(2, 2\)"):
        GaussianMixturePrior(3, 2).start(np.zeros((2, 2)))


def test_draws_of_a_component():
    h = prior(2, 3)
    centres, C, _ = given(2, 3, 1)
    torch.manual_seed(0)
    z = h.draw(torch.ones(50_000, dtype=torch.int64)).numpy()
    np.testing.assert_allclose(z.mean(0), centres[1], atol=.05)
    np.testing.assert_allclose(np.cov(z.T), C[1], atol=.05 * np.abs(C[1]).max())


# ---------------------------------------------------------------- straight digits

def test_straightening_takes_the_slant_away():
    y, x = np.mgrid[:28, :28]
    slanted = [np.exp(-((x - 15 - a * (y - 12)) / 2)**2 / 2 - ((y - 12) / 4)**2 / 2) * 255
               for a in (-.5, 0, .7)]
    pictures = gl.Images(torch.tensor(np.array(slanted))[:, None].to(torch.uint8), torch.arange(3))
    upright = deskew(pictures)
    assert torch.equal(upright.labels, pictures.labels) and upright.images.dtype == torch.uint8
    for before, after in zip(pictures.images[:, 0].double().numpy(),
                             upright.images[:, 0].double().numpy()):
        moments = lambda w: np.cov(np.stack([x.ravel(), y.ravel()]), aweights=w.ravel(), bias=True)
        assert abs(moments(after)[0, 1]) < .2
        assert np.average(x, weights=after) == pytest.approx(13.5, abs=.1)
        assert np.average(y, weights=after) == pytest.approx(13.5, abs=.1)
        assert moments(after)[1, 1] == pytest.approx(moments(before)[1, 1], rel=.05)
    assert abs(np.cov(np.stack([x.ravel(), y.ravel()]), aweights=slanted[2].ravel())[0, 1]) > 5


def test_empty_pictures_stay_empty():
    black = gl.Images(torch.zeros(2, 1, 28, 28, dtype=torch.uint8))
    assert torch.equal(deskew(black).images, black.images)


# ---------------------------------------------------------------- classical clusterings

def three_clusters(seed=0, d=3):
    r = np.random.default_rng(seed)
    return np.concatenate([r.normal(m, [1, .5, 2], (300, d)) for m in (-3, 2, 6)])


def test_kmeans_against_scikit_learn():
    from sklearn.cluster import KMeans
    x = three_clusters()
    centres, clusters = kmeans(x, 3)
    theirs = KMeans(3, n_init=10, random_state=0).fit(x)
    assert np.square(x - centres[clusters]).sum() == pytest.approx(theirs.inertia_, rel=1e-6)
    np.testing.assert_allclose(np.sort(centres[:, 0]),
                               np.sort(theirs.cluster_centers_[:, 0]), atol=1e-6)


@pytest.mark.parametrize("seed", range(2))
def test_mixture_against_scikit_learn(seed):
    from sklearn.mixture import GaussianMixture
    x = three_clusters(seed)
    mine = gaussian_mixture(x, 3, steps=300, floor=0.)
    theirs = GaussianMixture(3, tol=1e-6, reg_covar=0, random_state=0).fit(x)
    a, b = mine.centres[:, 0].argsort(), theirs.means_[:, 0].argsort()
    np.testing.assert_allclose(mine.shares[a], theirs.weights_[b], atol=5e-3)
    np.testing.assert_allclose(mine.centres[a], theirs.means_[b], atol=2e-2)
    np.testing.assert_allclose(mine.covariances[a], theirs.covariances_[b], atol=6e-2)
    total = np.logaddexp.reduce(mine.log_joint(x), axis=1)
    assert total.mean() == pytest.approx(theirs.score(x), abs=1e-3)
    given = GaussianMixture(3, weights_init=mine.shares, means_init=mine.centres,
                            precisions_init=np.linalg.inv(mine.covariances), max_iter=1)
    given.weights_, given.means_, given.covariances_ = mine
    given.precisions_cholesky_ = np.linalg.cholesky(np.linalg.inv(mine.covariances))
    np.testing.assert_allclose(total, given.score_samples(x), rtol=1e-9)


def test_a_cluster_of_coinciding_points_keeps_the_variance_of_the_floor():
    """Its own covariance is 0, which has no density: what is left is floor · mean variance of x."""
    spread = np.random.default_rng(0).normal(size=(60, 2))
    x = np.concatenate([np.full((40, 2), 7.), spread])
    floor = .01 * x.var(0).mean() * np.eye(2)
    found = gaussian_mixture(x, 2, floor=.01)
    point, rest = found.centres[:, 0].argmax(), found.centres[:, 0].argmin()
    assert found.shares[point] == pytest.approx(.4, abs=1e-6)
    np.testing.assert_allclose(found.covariances[point], floor, atol=1e-8)
    np.testing.assert_allclose(found.covariances[rest], np.cov(spread.T, bias=True) + floor,
                               atol=1e-6)
    assert np.isfinite(found.log_joint(x)).all()


@pytest.mark.parametrize("cluster", [kmeans, gaussian_mixture])
def test_clusterings_that_cannot_be(cluster):
    with pytest.raises(ValueError, match="one cluster says nothing"):
        cluster(three_clusters(), 1)
    with pytest.raises(ValueError, match="one stays empty"):
        cluster(np.ones((50, 2)), 3)


def test_scores_of_the_page():
    table = np.array([[50, 0, 0], [40, 10, 0], [0, 0, 30]])
    assert vote_accuracy(table) * 130 == pytest.approx(120)
    assert matching_accuracy(table) * 130 == pytest.approx(90)


# ---------------------------------------------------------------- pictures

def test_explorer_titles_add_up_and_answer_quickly():
    import re
    import time
    explorer = explorers.components_and_codes()
    for values in [dict(steps=0, K=4, apart=4., width=1., begin="spread"),
                   dict(steps=7, K=6, apart=2., width=.5, begin="one far away")]:
        began = time.perf_counter()
        explorer._update(explorer._artists, **values)
        assert time.perf_counter() - began < .3
        kl, fit, information, usage = map(
            float, re.findall(r"-?\d+\.\d{3}", explorer._artists[-1].get_text())[:4])
        assert kl == pytest.approx(fit + information + usage, abs=.0021)


def test_components_of_the_explorer_merge_where_the_question_says():
    from gan_lessons.questions.clustering import QUESTIONS
    z = explorers.groups(4, 4.)[0]
    for width, merged in [(QUESTIONS["19 merge"][0] - .1, False), (QUESTIONS["19 merge"][0], True)]:
        centres = explorers.starts(4, 5)["spread"]
        for _ in range(25):
            centres = explorers.soft_step(z, centres, width)[2]
        information = mutual_information(explorers.soft_step(z, centres, width)[1] / len(z))
        assert (information < .001) == merged


def test_wander_shows_draws_and_the_digits_that_a_component_owns():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 1, 8, 8), dtype=np.uint8)
    test = gl.Images(torch.tensor(pixels), torch.arange(40) % 10)
    nets = dict(e=gl.mlp_critic((1, 8, 8), outputs=4), d=gl.mlp_generator(2, (1, 8, 8)),
                h=GaussianMixturePrior(3, 2))
    explorer = explorers.wander(nets, test)
    owned = []
    for component in (1, 2, 3):
        explorer._update(explorer._artists, component=component, stray=0.)
        (drawn, _), title = explorer._artists
        assert np.ptp(np.asarray(drawn.get_array())[:8, :8]
                      - np.asarray(drawn.get_array())[8:16, 8:16]) < 1e-6    # the decoded centre
        words = title.get_text().split()
        owned.append(0 if words[-1] == "empty" else int(words[2]))
    assert sum(owned) == 40


@pytest.mark.parametrize("v", [.3, 1., 2.2])
@pytest.mark.parametrize("delta", [.2, 1.5])
def test_gain_of_parting_is_the_change_of_the_mean_loss(v, delta):
    loss = lambda push: gl.expectation(gl.Normal(0, v**.5), lambda z: -np.logaddexp(
        norm(push, 1).logpdf(z), norm(-push, 1).logpdf(z)) + np.log(2))
    assert explorers.gain_of_parting(delta, v) == pytest.approx(loss(delta) - loss(0), abs=1e-5)


def test_figures_of_the_page_draw():
    fig, axes = plots.figure(3)
    explorers.one_component_or_three(axes)
    explorers.parts_of_the_model(axes[0])
    explorers.parting(axes[:2])
    explorers.columns(axes[0], np.zeros((4, 3, 1, 28, 28)), list("1234"))
    explorers.confusion(axes[1], np.arange(12).reshape(4, 3), range(4))
    explorers.codes_by_component(axes[2], np.zeros((5, 2)), GaussianMixturePrior(3, 2),
                                 np.arange(5) % 3)
    explorers.density(axes[2], explorers.CODES, GaussianMixturePrior(3, 1))
    assert plots.png(fig)
