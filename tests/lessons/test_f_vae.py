"""The likelihood of a flow, bits, and f-VAE between its two ends."""
import math

import numpy as np
import pytest
import torch
from helpers import title_of
from scipy import stats
from torch import nn

from gan_lessons import Normal, adam, batches, mlp_critic, mlp_generator, train
from gan_lessons.exact.laws import Moons
from gan_lessons.explorers import f_vae as explorers
from gan_lessons.objectives.f_vae import (
    LearntNoise,
    Residual,
    bits_per_dimension,
    dequantised,
    f_vae,
    f_vae_terms,
    flow,
    flow_nll,
)
from gan_lessons.objectives.variational import draw_code, gaussian_code, kl_to_normal, vae
from gan_lessons.players.flow_decoder import FlowDecoder
from gan_lessons.players.flows import Flow, Shaped, image_flow, picture_net, point_flow
from gan_lessons.players.marginals import Marginals


class Stretch(nn.Module):
    """b(x) = A x, with a log-determinant that numpy knows too."""

    def __init__(self, A):
        super().__init__()
        self.A = nn.Parameter(torch.tensor(A, dtype=torch.float64))

    def forward(self, x):
        return x @ self.A.T, torch.linalg.slogdet(self.A)[1].expand(len(x))


def normals(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("n", [2, 5])
def test_a_linear_flow_is_a_normal_law(n):
    A, x = [[1.4, -.5], [.3, 2.7]], normals(n, 2)
    inverse = np.linalg.inv(A)
    law = stats.multivariate_normal(np.zeros(2), inverse @ inverse.T)
    b = Stretch(A)
    np.testing.assert_allclose(flow_nll(b, x).detach(), -law.logpdf(x), rtol=1e-12)
    slope, = torch.autograd.grad(flow()["b"](b, x), b.A)
    right = (b.A.detach() @ (x.T @ x / n)) - torch.tensor(inverse.T)  # of E|Ax|²/2 - log |det A|
    torch.testing.assert_close(slope, right, rtol=1e-12, atol=1e-12)


def test_bits():
    for shape, step in [((1, 28, 28), 1 / 127.5), ((3, 32, 32), 1 / 256), ((2,), 1)]:
        uniform = math.prod(shape) * math.log(256 * step)          # -log of its density, in nats
        assert bits_per_dimension(uniform, shape, step) == pytest.approx(8, abs=1e-12)
    x = torch.full((4, 1000), .2)
    noisy = dequantised(x)
    assert (noisy - x).abs().max() <= .5 / 127.5 + 1e-7
    assert (noisy - x).std() == pytest.approx(1 / 127.5 / 12**.5, rel=.05)


def linear(rows, columns, seed=0):
    net = nn.Linear(columns, rows).double()
    with torch.no_grad():
        net.weight.copy_(.5 * normals(rows, columns, seed=seed))
    return net


def test_with_the_identity_f_vae_is_the_vae():
    e, d, x = linear(4, 3), linear(3, 2, seed=1), normals(3, 3, seed=2)
    m, log_s = gaussian_code(e, x)
    many = 200_000
    torch.manual_seed(0)
    with torch.no_grad():
        distortion, rate = f_vae_terms(e, d, Flow(), x.repeat_interleave(many, 0), .7)
        for k in range(3):
            part = rate[k * many:(k + 1) * many]
            error = part.std() / many**.5
            assert abs(part.mean() - kl_to_normal(m, log_s)[k]) < 4 * error
            assert error < .01
    losses = [[], []]
    for seed in range(3):
        for found, game in zip(losses, (f_vae(.7), vae(sd=.7))):
            torch.manual_seed(seed)
            players = dict(e=e, d=d, x=x) | ({"b": Flow()}
                                             if game.players == ("e", "d", "b") else {})
            found.append(game["e"](**players).item())
    torch.manual_seed(0)
    u = torch.randn_like(m)
    gap = (-u.square().sum(1) / 2 + (m + log_s.exp() * u).square().sum(1) / 2 - log_s.sum(1)
           - kl_to_normal(m, log_s)).mean()
    # one draw of the KL, less its mean
    assert losses[0][0] - losses[1][0] == pytest.approx(gap.item(), rel=1e-10)


@pytest.mark.parametrize("sd", [.01, .3, 2.])
def test_with_straight_wires_f_vae_is_the_flow(sd):
    b, x = point_flow(3, couplings=2, width=8).double().eval(), normals(5, 3)
    with torch.no_grad():
        for weight in b.parameters():
            weight += .2 * normals(*weight.shape, seed=3)
    wires = lambda x: torch.cat([x, math.log(sd) * torch.ones_like(x)], 1)
    torch.manual_seed(1)
    terms = f_vae_terms(wires, lambda v: v, b, x, sd)
    torch.manual_seed(1)
    torch.testing.assert_close(sum(terms), flow_nll(b, x + sd * torch.randn_like(x)),
                               rtol=1e-11, atol=1e-11)


def test_the_bound_of_f_vae_is_below_the_evidence():
    e, d, b = linear(4, 3), linear(3, 2, seed=1), Stretch([[1.4, -.5], [.3, .7]])
    x = normals(4, 3, seed=2)
    inverse = np.linalg.inv(b.A.detach().numpy())
    W, bias = d.weight.detach().numpy(), d.bias.detach().numpy()
    law = stats.multivariate_normal(bias, W @ inverse @ inverse.T @ W.T + .49 * np.eye(3))
    torch.manual_seed(0)
    with torch.no_grad():
        distortion, rate = f_vae_terms(e, d, b, x.repeat_interleave(20_000, 0), .7)
    bound = (distortion + rate).reshape(4, -1).mean(1).numpy()
    assert (bound >= -law.logpdf(x)).all()
    weights = -(distortion + rate).reshape(4, -1)
    # importance weighting: no bound, an estimate
    evidence = weights.logsumexp(1) - math.log(weights.shape[1])
    np.testing.assert_allclose(evidence, law.logpdf(x), atol=.1)


def test_a_flow_learns_the_moons():
    moons = Moons()
    rng = np.random.default_rng(0)
    points = moons.sample(2000, rng)
    b = point_flow(2, couplings=6, width=32)
    run = train(flow(), {"b": b}, batches(moons, batch=256), steps=150, optimizer=adam(5e-3),
                watch=None, precision="highest")
    with torch.no_grad():
        nll = flow_nll(b.eval(), torch.tensor(points, dtype=torch.float32)).mean().item()
    normal = stats.multivariate_normal(points.mean(0), np.cov(points.T)).logpdf(points).mean()
    assert -moons.logpdf(points).mean() - .02 < nll < -normal - .1
    assert run.losses["b"][-1] < run.losses["b"][0]


def test_games_of_pictures_step():
    x = torch.randint(0, 256, (50, 1, 28, 28), dtype=torch.uint8,
                      generator=torch.Generator().manual_seed(0))
    k = 4
    players = dict(e=mlp_critic((1, 28, 28), width=8, outputs=2 * k),
                   d=mlp_generator(k, (1, 28, 28), width=8), b=point_flow(k, couplings=2, width=8))
    run = train(f_vae(.3, step=1 / 127.5), players, batches(x, z=Normal(dim=k), batch=8),
                steps=2, watch=None)
    assert np.isfinite(run.losses["e d b"]).all()


@pytest.mark.parametrize("wrong", [lambda: flow(-1), lambda: flow(math.nan), lambda: f_vae(0),
                                   lambda: f_vae(1, -1)])
def test_scales_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="or more"):
        wrong()


# ---------------------------------------------------------------- learnt noise, residual decoders

def test_a_learnt_deviation_is_the_fixed_one_of_its_value():
    e = linear(4, 3)
    d = linear(3, 2, seed=1)
    b = Stretch([[1.4, -.5], [.3, .7]])
    x = normals(5, 3, seed=2)
    for shape in ((), (3,)):
        own = LearntNoise(d, shape, start=.7).double()
        assert own.log_sd.shape == shape
        terms = []
        for decoder, sd in ((own, None), (d, .7)):
            torch.manual_seed(3)
            terms.append(torch.stack(f_vae_terms(e, decoder, b, x, sd)))
        torch.testing.assert_close(*terms, rtol=1e-12, atol=1e-12)
    with torch.no_grad():
        own.grown += torch.tensor([.02, 0, -.13])
    torch.testing.assert_close(own.log_sd.exp(),
                               .7 * torch.tensor([.2, 0, -1.3], dtype=torch.float64).exp())
    torch.manual_seed(3)
    distortion, _ = f_vae_terms(e, own, b, x, None)
    torch.manual_seed(3)
    again = own(draw_code(*gaussian_code(e, x))).detach().numpy()
    right = -stats.norm(again, own.log_sd.exp().detach().numpy()).logpdf(x.numpy()).sum(1)
    np.testing.assert_allclose(distortion.detach(), right, rtol=1e-12)


def test_a_learnt_deviation_finds_the_residual():
    """If the encoder and the decoder say nothing, the best deviation of a number is the data's."""
    data = normals(4000, 3).float() * torch.tensor([2., .3, .01])
    silent = nn.Linear(2, 3).requires_grad_(False)
    nn.init.zeros_(silent.weight), nn.init.zeros_(silent.bias)
    own, deaf = LearntNoise(silent, (3,)), nn.Linear(3, 4)
    train(f_vae(None), dict(e=deaf, d=own, b=Flow()), batches(data, z=Normal(dim=2), batch=500),
          steps=400, optimizer=adam(1e-2), watch=None, precision="highest")
    torch.testing.assert_close(own.log_sd.exp(), data.std(0), rtol=.1, atol=0)


@pytest.mark.parametrize("n", [1, 6])
def test_f_vae_between_straight_wires_begins_as_the_flow(n):
    b, x = point_flow(3, couplings=2, width=8).double().eval(), normals(n, 3)
    e = Residual(mlp_critic(3, width=8, outputs=6), sd=.2).double()
    d = LearntNoise(Residual(mlp_generator(3, 3, width=8)), start=.2).double()
    torch.manual_seed(1)
    terms = f_vae_terms(e, d, b, x, None)
    torch.manual_seed(1)
    torch.testing.assert_close(sum(terms), flow_nll(b, x + .2 * torch.randn_like(x)),
                               rtol=1e-11, atol=1e-11)
    with torch.no_grad():
        d.net.net.layers[-1].bias += torch.tensor([1., -2., .5])
        assert torch.equal(d(x), x + torch.tensor([1., -2., .5]))


def test_straight_wires_carry_pictures():
    shape, x = (1, 4, 4), normals(3, 1, 4, 4)
    e = Residual(picture_net(shape, 2, width=4), sd=.2).double()
    d = LearntNoise(Residual(picture_net(shape, width=4), shape=shape), start=.2).double()
    b = Flow(Shaped(shape), image_flow(shape, levels=1, couplings=1, width=4)).double().eval()
    torch.manual_seed(1)
    terms = f_vae_terms(e, d, b, x, None)
    torch.manual_seed(1)
    noisy = x.flatten(1) + .2 * torch.randn(3, 16, dtype=torch.float64)
    torch.testing.assert_close(sum(terms), flow_nll(b, noisy), rtol=1e-11, atol=1e-11)
    with torch.no_grad():
        e.net.layers[-2].bias += torch.arange(8.)  # four of m, then four of log s, 2 × 2 pixels
    m, log_s = gaussian_code(e, x)
    torch.testing.assert_close((m - x.flatten(1))[0, :2], torch.tensor([0., 1.]).double())
    torch.testing.assert_close((log_s - math.log(.2))[0, :2], torch.tensor([4., 5.]).double())


@pytest.mark.parametrize(
    "wrong, says", [(lambda: LearntNoise(nn.Identity(), start=0), "above 0"),
                    (lambda: Residual(mlp_generator(2, 2), sd=-1), "above 0"),
                    (lambda: Residual(mlp_generator(2, 2), sd=.1)(torch.ones(1, 2)), "carry")])
def test_decoders_that_cannot_be_are_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong()


# ---------------------------------------------------------------- histograms, flow decoders

def grey_values(n=400, shape=(1, 4, 4), seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.binomial(255, rng.uniform(.02, .98, math.prod(shape)), (n, math.prod(shape)))
    return torch.tensor(rows, dtype=torch.uint8).reshape(n, *shape)


def test_histograms_cost_the_mean_entropy():
    data = grey_values()
    h = Marginals(data, smooth=1e-9)
    x = dequantised(data.double() / 127.5 - 1)
    bits = bits_per_dimension(flow_nll(h, x).mean().item(), (1, 4, 4))
    shares = [np.bincount(row, minlength=256) / 400 for row in data.flatten(1).T.numpy()]
    wanted = np.mean([stats.entropy(share, base=2) for share in shares])
    assert bits == pytest.approx(wanted, abs=1e-5)
    z = h(x)[0].flatten(1)
    assert z.mean(0).abs().max() < .05 and (z.std(0) - 1).abs().max() < .1


def test_histograms_are_a_bijection_with_the_right_determinant():
    h = Marginals(grey_values())
    x = 2 * torch.rand(3, 1, 4, 4, dtype=torch.float64) - 1
    z, log_det = h(x)
    for one, right in zip(x, log_det):
        J = torch.autograd.functional.jacobian(lambda x: h(x[None])[0].flatten(), one)
        torch.testing.assert_close(torch.linalg.slogdet(J.reshape(16, 16))[1], right)
    seen = grey_values()[:50].double() / 127.5 - 1
    torch.testing.assert_close(h.inverse(h(dequantised(seen))[0]), seen, rtol=0, atol=.51 / 127.5)
    assert h.inverse(9 * z).abs().max() <= 1 + .5 / 127.5


@pytest.mark.parametrize("wrong, says", [
    (lambda: Marginals(torch.zeros(4, 1, 2, 2)), "bytes"),
    (lambda: Marginals(grey_values(), smooth=0.), "above 0"),
    (lambda: Marginals(grey_values())(torch.zeros(2, 1, 2, 2)), "histograms of"),
    (lambda: FlowDecoder(nn.Identity(), (1, 6, 6)), "divides"),
    (lambda: FlowDecoder(nn.Identity(), (1, 4, 4), start=0), "above 0")])
def test_histograms_and_decoders_that_cannot_be(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong()


def decoder(couplings):
    torch.manual_seed(0)
    return FlowDecoder(mlp_generator(2, (1, 4, 4), width=8), (1, 4, 4), couplings, 4).double()


def test_without_couplings_a_flow_decoder_is_normal():
    d, y, v = decoder(0), normals(3, 1, 4, 4), normals(3, 2, seed=1)
    own = LearntNoise(d.net, (1, 4, 4), start=.8).double()
    right = stats.norm(d(v).detach(), own.log_sd.exp().detach()).logpdf(y).sum((1, 2, 3))
    np.testing.assert_allclose(d.nll(y, v).detach(), -right, rtol=1e-12)
    begun = decoder(2).train()
    x = begun(v) + .8 * normals(3, 1, 4, 4)
    noise = [step.norm.b for steps in begun.levels for step in steps]
    assert begun.nll(x, v).shape == (3,) and all(b.abs().max() > 0 for b in noise)


def test_the_density_of_a_flow_decoder():
    """Its samples are undone, and its likelihood has autograd's determinant."""
    d, v = decoder(1).eval(), normals(1, 2)
    with torch.no_grad():
        for weight in d.levels.parameters():
            weight += .1 * normals(*weight.shape, seed=3)
        torch.manual_seed(5)
        y = d.sample(v.expand(4000, 2))
        torch.manual_seed(5)
        z = torch.randn(4000, 16, 1, 1, dtype=torch.float64)
        # at a sample of noise z the density is N(z) |dz/dy|: compare with autograd at one of them
        def noise(y):
            seen, r = d(v), (y[None] - d(v)) * (-d.log_sd).exp()
            for steps in d.levels:
                r, seen = (nn.functional.pixel_unshuffle(part, 2) for part in (r, seen))
                for step in steps:
                    r = step(r, seen)[0]
            return r.flatten()
    torch.testing.assert_close(noise(y[7]), z[7].flatten())
    J = torch.autograd.functional.jacobian(noise, y[7]).reshape(16, 16)
    right = z[7].square().sum() / 2 + 8 * math.log(2 * math.pi) - torch.linalg.slogdet(J)[1]
    torch.testing.assert_close(d.nll(y[7:8], v)[0], right)


# ---------------------------------------------------------------- the pictures of lesson 18

def test_the_explorer_says_what_integrals_and_determinants_say():
    state = dict(bend=.7, stretch=-.4, lean=.3)
    to_noise = lambda x: np.array(explorers.b_of(*x, **state))
    for x in normals(4, 2).numpy():
        J = np.stack([(to_noise(x + h) - to_noise(x - h)) / 2e-6 for h in 1e-6 * np.eye(2)], 1)
        assert np.linalg.slogdet(J)[1] == pytest.approx(-.4, abs=1e-7)
        np.testing.assert_allclose(explorers.b_undone(*to_noise(x), **state), x, atol=1e-12)
    line, explorer = np.linspace(-40, 40, 2001), explorers.couplings()
    for sign in (1, 0, -1):
        density = np.exp(-explorers.negative_log_q(*np.meshgrid(line, line), .7, -.4, .3, sign))
        mass = density.sum() * (line[1] - line[0]) ** 2
        said = title_of(explorer, **state, sign=sign)
        assert f"integrates to {mass:.3f}" in said and "log det -0.40" in said


def test_the_best_sliders_are_those_that_made_the_points():
    explorer = explorers.couplings()
    loss = lambda **state: float(title_of(explorer, **state).split("q: ")[1].split(" ")[0])
    best = dict(bend=1., stretch=1.2, lean=.6)
    assert loss(**best) == pytest.approx(explorers.ENTROPY, abs=.1)
    for name in best:
        assert all(loss(**best | {name: round(best[name] + by, 1)}) > loss(**best) - .005
                   for by in (-.2, .2))


def test_walking_between_pictures():
    rows = {name: np.linspace(-1, 1, 3 * 5 * 16).reshape(3, 5, 1, 4, 4) for name in ("one", "two")}
    explorer = explorers.between(rows)
    assert "0.50 of the way" in title_of(explorer, pair=2, way=.5)
    np.testing.assert_allclose(explorer._artists[0][1].get_array(), (rows["two"][2, 2, 0] + 1) / 2)
