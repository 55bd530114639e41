"""The likelihood of a flow, bits, and f-VAE between its two ends."""
import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from gan_lessons.batching import batches
from gan_lessons.flows import Flow, point_flow
from gan_lessons.laws import Moons, Normal
from gan_lessons.networks import mlp_critic, mlp_generator
from gan_lessons.objectives.flow import (bits_per_dimension, dequantised, f_vae, f_vae_terms, flow, flow_nll, normal_nll)
from gan_lessons.objectives.variational import gaussian_code, gaussian_nll, kl_to_normal, vae
from gan_lessons.optimizers import adam
from gan_lessons.training import train


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
    right = (b.A.detach() @ (x.T @ x / n)) - torch.tensor(inverse.T)          # of E|Ax|²/2 - log |det A|
    torch.testing.assert_close(slope, right, rtol=1e-12, atol=1e-12)


def test_bits():
    for shape, step, low in [((1, 28, 28), 1 / 127.5, -1 - .5 / 127.5), ((3, 32, 32), 1 / 256, 0), ((2,), 1, -.5)]:
        assert bits_per_dimension(math.prod(shape) * math.log(256 * step), shape, step) == pytest.approx(8, abs=1e-12)
    x = torch.full((4, 1000), .2)
    noisy = dequantised(x)
    assert (noisy - x).abs().max() <= .5 / 127.5 + 1e-7 and (noisy - x).std() == pytest.approx(1 / 127.5 / 12**.5, rel=.05)



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
            players = dict(e=e, d=d, x=x) | ({"b": Flow()} if game.players == ("e", "d", "b") else {})
            found.append(game["e"](**players).item())
    torch.manual_seed(0)
    u = torch.randn_like(m)
    gap = (-u.square().sum(1) / 2 + (m + log_s.exp() * u).square().sum(1) / 2 - log_s.sum(1) - kl_to_normal(m, log_s)).mean()
    assert losses[0][0] - losses[1][0] == pytest.approx(gap.item(), rel=1e-10)      # one draw of the KL, less its mean


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
    torch.testing.assert_close(sum(terms), flow_nll(b, x + sd * torch.randn_like(x)), rtol=1e-11, atol=1e-11)


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
    evidence = weights.logsumexp(1) - math.log(weights.shape[1])            # importance weighting: no bound, an estimate
    np.testing.assert_allclose(evidence, law.logpdf(x), atol=.1)


def test_a_flow_learns_the_moons():
    moons = Moons()
    rng = np.random.default_rng(0)
    points = moons.sample(2000, rng)
    b = point_flow(2, couplings=6, width=32)
    run = train(flow(), {"b": b}, batches(moons, batch=256), steps=150, optimizer=adam(5e-3), watch=None, precision="highest")
    with torch.no_grad():
        nll = flow_nll(b.eval(), torch.tensor(points, dtype=torch.float32)).mean().item()
    normal = stats.multivariate_normal(points.mean(0), np.cov(points.T)).logpdf(points).mean()
    assert -moons.logpdf(points).mean() - .02 < nll < -normal - .1
    assert run.losses["b"][-1] < run.losses["b"][0]


def test_games_of_pictures_step():
    x = torch.randint(0, 256, (50, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    k = 4
    players = dict(e=mlp_critic((1, 28, 28), width=8, outputs=2 * k), d=mlp_generator(k, (1, 28, 28), width=8),
                   b=point_flow(k, couplings=2, width=8))
    run = train(f_vae(.3, step=1 / 127.5), players, batches(x, z=Normal(dim=k), batch=8), steps=2, watch=None)
    assert np.isfinite(run.losses["e d b"]).all()


@pytest.mark.parametrize("wrong", [lambda: flow(-1), lambda: flow(math.nan), lambda: f_vae(0), lambda: f_vae(1, -1)])
def test_scales_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="or more"):
        wrong()
