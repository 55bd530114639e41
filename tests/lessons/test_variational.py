"""Variational autoencoders: the loss by hand, rate = information + aggregate, linear models, and
the pictures."""
import math

import numpy as np
import pytest
import torch
from helpers import title_of
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

import gan_lessons as gl
from gan_lessons import Normal
from gan_lessons.drawing import plots
from gan_lessons.exact import variational
from gan_lessons.exact.information import discrete_kl, entropy, gaussian_information
from gan_lessons.explorers import variational as explorers
from gan_lessons.objectives.variational import (
    code_logpdf,
    draw_code,
    gaussian_code,
    gaussian_nll,
    kl_to_normal,
    split_rate,
    vae,
)
from gan_lessons.questions.variational import WATER, two_rounds


def tables(seed, n=5, k=3):
    r = np.random.default_rng(seed)
    p, encoder = r.dirichlet(np.ones(n)), r.dirichlet(np.ones(k), n)
    return p, encoder, r.dirichlet(np.ones(k)), r.dirichlet(np.ones(n), k)


def lines(seed, d=4, k=2):
    r = np.random.default_rng(seed)
    A = r.normal(size=(d, d))
    return variational.LinearVAE(A @ A.T, r.normal(size=(k, d)), r.uniform(.2, 2, k),
                                 r.normal(size=(d, k)), r.uniform(.3, 2))


# ---------------------------------------------------------------- the loss

M, LOG_S = [[1.4, -5.], [0., .7], [2.7, .3]], [[.2, -1.], [0., .5], [-.4, .1]]


def test_kl_of_a_code_by_hand():
    m, log_s = (torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
                for numbers in (M, LOG_S))
    kl = kl_to_normal(m, log_s)
    by_hand = [sum(gl.kl(Normal(a, math.exp(b)), Normal()) for a, b in zip(*row))
               for row in zip(M, LOG_S)]
    assert kl.tolist() == pytest.approx(by_hand, rel=1e-10) and kl.dtype == torch.float64
    kl.sum().backward()
    torch.testing.assert_close(m.grad, m.detach(), rtol=1e-14, atol=0)
    torch.testing.assert_close(log_s.grad, (2 * log_s.detach()).exp() - 1, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("m, s, nats", [(2, 1, 2), (0, 2, .806853), (0, .4, .496291), (0, 1, 0)])
def test_rates_of_the_page(m, s, nats):
    kl = kl_to_normal(torch.tensor([[m]]).double(), torch.tensor([[s]]).double().log())
    assert kl.item() == pytest.approx(nats, abs=5e-7)


@pytest.mark.parametrize("shape", [(3,), (1, 2, 2)])
@pytest.mark.parametrize("sd", [.3, 1., 2.5])
def test_distortion_is_a_normal_log_density(shape, sd):
    x, mean = torch.randn(4, *shape).double(), torch.randn(4, *shape).double()
    theirs = -torch.distributions.Normal(mean, sd).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(gaussian_nll(x, mean, sd), theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n, k, beta, sd", [(5, 1, 1., 1.), (8, 3, 2.5, .3), (3, 2, 0., .7)])
def test_negative_elbo_by_hand(n, k, beta, sd):
    torch.manual_seed(n)
    e = gl.mlp_critic(2, outputs=2 * k).double()
    d = gl.mlp_generator(k, 2).double()
    x = torch.randn(n, 2).double()
    torch.manual_seed(7)
    loss = vae(beta, sd)["e d"](e, d, x)
    torch.manual_seed(7)
    m, log_s = e(x).detach()[:, :k], e(x).detach()[:, k:]
    copy = d(m + log_s.exp() * torch.randn(n, k, dtype=torch.float64))
    total = 0.
    for i in range(n):
        total += ((x[i] - copy[i]) ** 2).sum() / (2 * sd ** 2)
        total += 2 * math.log(sd * math.sqrt(2 * math.pi))
        total += beta * sum(m[i, j] ** 2 + math.exp(2 * log_s[i, j]) - 1 - 2 * log_s[i, j]
                            for j in range(k)) / 2
    assert loss.item() == pytest.approx(total.item() / n, rel=1e-12)
    assert vae(beta, sd).moves[0].player == "e d"


def test_the_gradient_reaches_the_encoder_through_the_code():
    m, log_s = (torch.zeros(1000, 1, requires_grad=True, dtype=torch.float64) for _ in "ms")
    z = draw_code(m, log_s)
    z.square().sum().backward()  # d(m + s ε)²/dm = 2z, d/dlog s = 2 z s ε = 2 z²
    torch.testing.assert_close(m.grad, 2 * z.detach())
    torch.testing.assert_close(log_s.grad, 2 * z.detach() ** 2)


def test_an_encoder_that_is_exact_gives_the_evidence():
    """At the model's own posterior q(z | x) the mean loss is -log q(x), here of a linear model."""
    best = variational.best_linear([3., .4], beta=1, sd=.9)
    W, V, log_s = (torch.tensor(a) for a in (best.encoder, best.decoder, np.log(best.noise)))
    x = torch.tensor([[1.7, -.2]]).double().expand(200_000, 2)
    e = lambda x: torch.cat([x @ W.T, log_s.expand(len(x), 2)], 1)
    torch.manual_seed(0)
    loss = vae(1., .9)["e d"](e, lambda z: z @ V.T, x)
    covariance = best.decoder @ best.decoder.T + .81 * np.eye(2)
    evidence = -multivariate_normal([0, 0], covariance).logpdf([1.7, -.2])
    assert loss.item() == pytest.approx(evidence, abs=.01)       # 5 standard errors


@pytest.mark.parametrize("wrong", [dict(beta=-1.), dict(sd=0.), dict(sd=-.1), dict(beta=math.nan),
                                   dict(sd=math.nan)])
def test_weights_and_noises_that_cannot_be(wrong):
    with pytest.raises(ValueError, match="0 or more, the deviation of a pixel above 0"):
        vae(**wrong)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"outputs=2 \* k.*\(4, 3\)"):
        gaussian_code(gl.mlp_critic(2, outputs=3), torch.zeros(4, 2))
    with pytest.raises(ValueError, match="outputs=2"):
        gaussian_code(gl.mlp_critic(2), torch.zeros(4, 2))
    with pytest.raises(ValueError, match="decoder makes"):
        gaussian_nll(torch.zeros(4, 2), torch.zeros(4, 3))


# ---------------------------------------------------------------- tables

@pytest.mark.parametrize("seed", range(20))
def test_rate_is_information_plus_aggregate(seed):
    p, encoder, prior, decoder = tables(seed, n=3 + seed % 4, k=2 + seed % 3)
    t = variational.discrete_terms(p, encoder, prior, decoder)
    assert t.rate == pytest.approx(t.information + t.aggregate, abs=1e-12)
    joint, model = p[:, None] * encoder, (prior[:, None] * decoder).T
    assert t.loss() == pytest.approx(discrete_kl(joint, model) + entropy(p), abs=1e-12)
    t = lines(seed).terms()
    assert t.rate == pytest.approx(t.information + t.aggregate, abs=1e-12 * max(1, t.rate))


@pytest.mark.parametrize("seed", range(5))
def test_the_line_at_the_top_of_the_page(seed):
    p, encoder, prior, decoder = tables(seed)
    t = variational.discrete_terms(p, encoder, prior, decoder)
    best = variational.best_decoder(p, encoder)
    miss = (p @ encoder) @ [discrete_kl(row, guess) for row, guess in zip(best, decoder)]
    for beta in (0, .3, 1, 5):
        right = entropy(p) + beta * t.aggregate + miss + (beta - 1) * t.information
        assert t.loss(beta) == pytest.approx(right, abs=1e-12)
    assert variational.discrete_terms(p, encoder, prior, best).distortion == pytest.approx(
        entropy(p) - t.information, abs=1e-12)
    assert entropy(p) - t.distortion < t.information


def test_no_decoder_beats_bayes():
    p, encoder, prior, _ = tables(4)
    best = variational.best_decoder(p, encoder)
    lowest = variational.discrete_terms(p, encoder, prior, best).distortion
    for seed in range(10):
        other = .95 * best + .05 * np.random.default_rng(seed).dirichlet(np.ones(5), 3)
        assert variational.discrete_terms(p, encoder, prior, other).distortion > lowest


def test_codes_that_are_never_drawn():
    p, encoder = [.5, .5], [[1, 0], [1, 0]]
    assert variational.best_decoder(p, encoder).tolist() == [[.5, .5], [.5, .5]]
    t = variational.discrete_terms(p, encoder, [.5, .5], [[.5, .5], [1, 0]])
    assert t.information == 0 and t.rate == t.aggregate == pytest.approx(np.log(2))
    assert variational.discrete_terms(p, encoder, [0, 1], [[.5, .5], [1, 0]]).rate == np.inf
    assert variational.discrete_terms(p, encoder, [1, 0], [[1, 0], [.5, .5]]).distortion == np.inf


def test_tables_that_do_not_fit():
    p, encoder, prior, decoder = tables(0)
    for wrong in ((p, encoder.T, prior, decoder), (p, encoder, prior, decoder.T),
                  (p, encoder, [.5, .5], decoder)):
        with pytest.raises(ValueError, match="needed is"):
            variational.discrete_terms(*wrong)
    with pytest.raises(ValueError, match="a row of encoder is no table"):
        variational.discrete_terms(p, 2 * encoder, prior, decoder)


# ---------------------------------------------------------------- straight lines

@pytest.mark.parametrize("seed", range(3))
def test_terms_of_lines_by_sampling(seed):
    model, r = lines(seed), np.random.default_rng(seed + 10)
    d, k = model.decoder.shape
    x = r.multivariate_normal(np.zeros(d), model.covariance, 200_000)
    z = x @ model.encoder.T + model.noise * r.normal(size=(len(x), k))
    code = (Normal().logpdf((z - x @ model.encoder.T) / model.noise) - np.log(model.noise)).sum(1)
    whole = multivariate_normal(np.zeros(k), model.aggregate()).logpdf(z)
    prior = Normal().logpdf(z).sum(1)
    distortion = -(Normal().logpdf((x - z @ model.decoder.T) / model.sd) - np.log(model.sd)).sum(1)
    for exact, drawn in zip(model.terms(), (distortion, code - prior, code - whole, whole - prior)):
        assert abs(exact - drawn.mean()) < 5 * drawn.std() / len(x) ** .5
    assert model.terms().loss() > model.evidence()
    squares = ((x - z @ model.decoder.T) ** 2).sum(1)
    assert abs(model.residual() - squares.mean()) < .02 * model.residual()


def test_one_direction_has_the_information_of_its_correlation():
    model = variational.LinearVAE(np.array([[2.5]]), np.array([[.7]]), np.array([.4]),
                                  np.array([[1.]]), 1.)
    rho = .7 * 2.5 ** .5 / (.49 * 2.5 + .16) ** .5
    assert model.terms().information == pytest.approx(gaussian_information(rho), rel=1e-12)


@pytest.mark.parametrize("beta, t", [(1, .5), (2, .5), (.3, 1.2), (1, .99), (3, .6), (1, 1.7)])
def test_the_best_line_by_search(beta, t):
    def loss(at):
        w, log_s, v = at
        model = variational.LinearVAE(np.eye(1), np.array([[w]]), np.exp([log_s]),
                                      np.array([[v]]), t)
        return model.terms().loss(beta)

    found = min(minimize(loss, start, tol=1e-12).fun
                for start in ([1, -.5, 1], [.3, 0, .8], [-1, .2, -.5]))
    best = variational.best_linear([1.], beta, t)
    assert best.terms().loss(beta) == pytest.approx(found, abs=1e-8)
    assert best.terms().information == pytest.approx(max(0, -np.log(beta * t * t) / 2), abs=1e-12)
    assert best.residual() == pytest.approx(min(1, beta * t * t), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_no_other_matrices_are_better(seed):
    variances, beta, sd = np.array([3., 1.3, .6, .2]), 1.4, .7
    best, r = variational.best_linear(variances, beta, sd, k=3), np.random.default_rng(seed)
    lowest = best.terms().loss(beta)
    for size in (.3, .03):
        other = best._replace(encoder=best.encoder + size * r.normal(size=(3, 4)),
                              noise=best.noise * np.exp(size * r.normal(size=3)),
                              decoder=best.decoder + size * r.normal(size=(4, 3)))
        assert other.terms().loss(beta) > lowest


def test_water_filling():
    best = variational.best_linear([.25, 4, .5, 2, 1], beta=1, sd=.8)                    # any order
    t = best.terms()
    assert t.information == pytest.approx(np.log(4 * 2 * 1 / .64 ** 3) / 2, rel=1e-12)
    assert abs(t.aggregate) < 1e-12
    assert best.residual() == pytest.approx(3 * .64 + .5 + .25, rel=1e-12)
    assert t.loss() == pytest.approx(best.evidence(), abs=1e-12)  # tight at beta = 1
    best = variational.best_linear([4., 2.], 1.5, .8)
    assert best.terms().loss() > best.evidence() + .01
    few = variational.best_linear([.25, 4, .5, 2, 1], 1, .8, k=2)
    assert few.decoder.shape == (5, 2)
    assert few.residual() == pytest.approx(2 * .64 + 1 + .5 + .25, rel=1e-12)
    same = variational.best_linear([4., 2.], 4, .4), variational.best_linear([4., 2.], 1, .8)
    assert np.allclose(same[0].encoder, same[1].encoder)
    assert np.allclose(same[0].noise, same[1].noise)


@pytest.mark.parametrize("variances, beta, sd",
                         [([1, 0], 1, 1), ([1, -1], 1, 1), ([1], 0, 1), ([1], 1, 0), ([], 1, 1),
                          ([1, np.inf], 1, 1), ([1], np.nan, 1)])
def test_singular_scales_are_refused(variances, beta, sd):
    with pytest.raises(ValueError, match="finite and above 0"):
        variational.best_linear(variances, beta, sd)


def test_lines_at_singular_scales():
    model = variational.best_linear([2., 1.], 1, .5)
    with pytest.raises(ValueError, match="infinitely many nats"):
        model._replace(noise=np.array([.5, 0.])).terms()
    with pytest.raises(ValueError, match="above 0"):
        model._replace(sd=0.).terms()
    with pytest.raises(ValueError, match="lie on a plane.*add noise"):
        model._replace(covariance=np.outer([1, 2], [1, 2.])).terms()


def test_more_codes_than_directions():
    with pytest.raises(ValueError, match="choose 1 to 2"):
        variational.best_linear([1, 2], k=3)


# ---------------------------------------------------------------- codes of many pictures

@pytest.mark.parametrize("n, k", [(7, 1), (300, 3)])
def test_code_logpdf_is_the_log_density_of_every_pair(n, k):
    torch.manual_seed(n)
    z = torch.randn(4, k).double()
    m = 2 * torch.randn(n, k).double()
    log_s = torch.randn(n, k).double() / 2 - 1
    theirs = torch.distributions.Normal(m, log_s.exp()).log_prob(z[:, None]).sum(-1)
    torch.testing.assert_close(code_logpdf(z, m, log_s), theirs, rtol=1e-10, atol=1e-10)


def test_split_rate_against_integrals():
    clouds = [Normal(-1.5, .3), Normal(.2, .5), Normal(1, .2), Normal(1.1, .9)]
    exact = [np.mean([gl.kl(cloud, Normal()) for cloud in clouds])]
    mixed = gl.Mixture(clouds)
    exact += [np.mean([gl.kl(cloud, mixed) for cloud in clouds]), gl.kl(mixed, Normal())]
    m = torch.tensor([[float(cloud.mean)] for cloud in clouds])
    log_s = torch.tensor([[math.log(cloud.sd)] for cloud in clouds])
    s = split_rate(m, log_s, draws=20_000)
    assert s.rate == pytest.approx(exact[0], rel=1e-6) and s.ceiling == pytest.approx(math.log(4))
    assert abs(s.information - exact[1]) < 4 * s.information_error and s.information_error < .01
    assert abs(s.aggregate - exact[2]) < 4 * s.aggregate_error
    assert split_rate(m, log_s, draws=20_000) == s                                # seeded


def test_information_of_codes_at_its_ends():
    apart = split_rate(100. * torch.arange(8.)[:, None], torch.zeros(8, 1), draws=500)
    assert apart.information == pytest.approx(math.log(8), abs=1e-9)
    empty = split_rate(torch.zeros(8, 2), torch.zeros(8, 2), draws=500)
    assert abs(empty.information) < 1e-12 and empty.rate == 0 and abs(empty.aggregate) < 1e-12


# ---------------------------------------------------------------- training and pictures

@pytest.mark.parametrize("sd, lives", [(.6, True), (1.6, False)])
def test_a_trained_line_lives_or_drowns(sd, lives):
    x = torch.tensor(np.random.default_rng(0).normal(size=(4000, 1))).float()
    pair = dict(e=gl.mlp_critic(1, depth=0, outputs=2), d=gl.mlp_generator(1, 1, depth=0))
    run = gl.train(vae(1., sd), pair, gl.batches(x, batch=256), steps=800,
                   optimizer=gl.adam(1e-2), watch=None, ema={"e": .99, "d": .99})
    with torch.no_grad():
        m, log_s = gaussian_code(run.ema["e"], x)
    rate = kl_to_normal(m, log_s).mean().item()
    exact = variational.best_linear([float(x.var())], 1, sd).terms().rate
    assert rate == pytest.approx(exact, abs=.03) and (exact > .4) == lives


def test_rate_and_distortion_in_the_title():
    explorer = explorers.terms()
    text = title_of(explorer, beta=1.5, sd=.6, information=.8, width=1.3)
    # v = w σ²/(w² σ² + s²)
    model = variational.LinearVAE(np.eye(1), np.array([[1.3 * (1 - math.exp(-1.6)) ** .5]]),
                                  np.array([1.3 * math.exp(-.8)]),
                                  np.array([[(1 - math.exp(-1.6)) ** .5 / 1.3]]), .6)
    t = model.terms()
    assert f"rate {t.rate:.3f} = I {t.information:.3f} + KL(p(z)‖q(z)) {t.aggregate:.3f}" in text
    assert f"loss {t.loss(1.5):.3f}" in text
    assert f"lowest at I = {-math.log(1.5 * .36) / 2:.2f}" in text
    curve = explorer._artists[2]
    assert curve.get_xdata()[np.argmin(curve.get_ydata())] == pytest.approx(
        -math.log(1.5 * .36) / 2, abs=.02)
    best = explorer._artists[3].get_ydata()
    assert np.allclose(np.diff(best), .5 * np.diff(curve.get_xdata()))
    assert (best <= curve.get_ydata() + 1e-12).all()


def test_rate_and_distortion_at_their_edges():
    explorer = explorers.terms()
    assert "collapsed" in title_of(explorer, beta=1., sd=1.)
    assert "I = ∞" in title_of(explorer, beta=0., information=0.)
    assert np.isfinite(explorer._artists[2].get_ydata()).all()
    flat = (title_of(explorer, beta=1., sd=.5, width=1.), explorer._artists[3].get_ydata())[1]
    assert np.ptp(flat) < 1e-12


def test_the_water_filling_explorer_says_what_the_exact_module_says():
    assert explorers.VARIANCES.tolist() == WATER
    explorer = explorers.water_filling()
    text = title_of(explorer, beta=1., sd=.7)
    t = variational.best_linear(WATER, 1, .7).terms()
    assert "5 of 8 directions alive" in text and f"rate {t.rate:.3f} = I {t.rate:.3f}" in text
    assert "2 of 8" in title_of(explorer, beta=2.9, sd=.7)
    assert "3 of 8" in title_of(explorer, beta=2.8, sd=.7)
    assert "0 of 8" in title_of(explorer, beta=8., sd=1.5)


def test_codes_of_the_first_picture():
    for step, sd in explorers.CODES.values():
        rate, information, aggregate = explorers.split(explorers.codes(step, sd))
        assert rate == pytest.approx(information + aggregate, abs=1e-9)
    far_apart = explorers.split(explorers.codes(*explorers.CODES["long codes"]))
    assert far_apart[1] == pytest.approx(math.log(5), abs=1e-6)
    figure, axes = plots.figure(3)
    explorers.three_codes(axes)
    assert "I 1.61" in axes[2].get_title()


def test_the_diagram_names_both_networks_and_both_costs():
    _, ax = plots.figure()
    explorers.architecture(ax)
    said = " ".join(text.get_text() for text in ax.texts)
    wanted = ("encoder", "code", "decoder", "prior", "rate", "distortion")
    assert all(name in said for name in wanted)
    assert sum(text.arrow_patch is not None for text in ax.texts
               if hasattr(text, "arrow_patch")) == 10


def test_the_map_of_codes_cuts_none_off():
    _, (near, far) = plots.figure(2)
    for ax, reach in ((near, 1.), (far, 5.)):
        explorers.map_of_codes(ax, [[0., reach], [-reach, .5]], [0, 1])
        assert ax.get_xlim()[0] < -reach and ax.get_ylim()[1] > reach
    assert near.get_xlim() == (-3.6, 3.6)                       # all three circles of the prior


def test_the_map_of_codes_draws_a_square():
    _, ax = plots.figure()
    explorers.map_of_codes(ax, [[0., 1.], [-1., .5]], [0, 1], square=1.86)
    assert {tuple(abs(corner)) for corner in ax.lines[-1].get_xydata()} == {(1.86, 1.86)}


def test_codes_of_the_explorer_have_half_their_height():
    explorer = explorers.terms()
    explorer.draw(beta=1., sd=.5, information=.9, width=1.2)
    cloud = explorer._artists[0][4]                                                   # x = 2
    area = np.trapezoid(cloud.get_ydata(), cloud.get_xdata())
    assert "/2" in explorer._artists[0][0].get_label() and area == pytest.approx(.5, abs=1e-3)


# ---------------------------------------------------------------- questions

def test_two_rounds_against_densities_of_torch():
    torch.manual_seed(0)
    e, d = gl.mlp_critic(2, outputs=6).double(), gl.mlp_generator(3, 4).double()
    x, noise = torch.randn(6, 2).double(), torch.randn(6, 3).double()
    before = [weight.clone() for weight in (*e.parameters(), *d.parameters())]
    found = two_rounds(e, d, x, noise)
    assert all(map(torch.equal, before, (*e.parameters(), *d.parameters())))
    move = torch.optim.SGD([*e.parameters(), *d.parameters()], lr=.01)
    normal = torch.distributions.Normal
    for beta in (0., 1.):
        m, log_s = e(x)[:, :3], e(x)[:, 3:]
        numbers = d(m + log_s.exp() * noise)
        loss = -normal(numbers[:, :2], numbers[:, 2:].exp()).log_prob(x).sum()
        rates = torch.distributions.kl_divergence(normal(m, log_s.exp()), normal(0., 1.))
        loss = (loss + beta * rates.sum()) / len(x)
        move.zero_grad()
        loss.backward()
        move.step()
    assert found == pytest.approx(loss.item(), rel=1e-12)


def test_pictures_that_share_a_code():
    torch.manual_seed(0)
    images = torch.rand(30, 1, 28, 28) * 2 - 1
    pair = dict(e=gl.mlp_critic((1, 28, 28), outputs=4, width=8),
                d=gl.mlp_generator(2, (1, 28, 28), width=8))
    run = gl.train(vae(), pair, gl.batches(images, z=Normal(dim=2)),
                   steps=2, watch=None)
    with torch.no_grad():
        codes = gaussian_code(run.players["e"], images)
    explorer = explorers.shared(run, images, codes)
    explorer.draw(z1=.5, z2=-1.)
    (decoded, mean, most), text = explorer._artists
    near = code_logpdf(torch.tensor([[.5, -1.]]), *codes).softmax(1)[0]
    wanted = sum(w * image for w, image in zip(near, images))[0]
    assert np.allclose(mean.get_array(), (wanted.numpy() + 1) / 2, atol=1e-5)
    assert np.allclose(decoded.get_array(),
                       (run.players["d"](torch.tensor([[.5, -1.]])).detach().numpy()[0, 0] + 1) / 2,
                       atol=1e-5)
    assert "of 30 pictures share this z" in text.get_text()
