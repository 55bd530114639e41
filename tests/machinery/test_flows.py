"""Flows: every step can be undone, and its log-determinant is that of autograd's Jacobian."""
import math

import numpy as np
import pytest
import torch
from torch import nn

from gan_lessons import mlp_generator
from gan_lessons.players.flows import (
    ActNorm,
    Coupling,
    Flow,
    Mixing,
    Shaped,
    Squeeze,
    image_flow,
    picture_net,
    point_flow,
)


def restless(flow, seed=0):
    """The flow in float64 with weights far from where it begins."""
    flow = flow.double()
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in flow.parameters():
            weight += .2 * torch.randn(weight.shape, generator=rng, dtype=torch.float64)
    return flow.eval()


def by_autograd(step, x):
    """log |det| of the Jacobian at each sample, from autograd alone."""
    flat = [torch.autograd.functional.jacobian(lambda one: step(one[None])[0][0].flatten(), sample)
            for sample in x]
    return torch.stack([torch.linalg.slogdet(J.reshape(sample.numel(), -1))[1]
                        for J, sample in zip(flat, x)])


FLOWS = {
    "affine": (lambda: point_flow(3, couplings=3, width=8), (3,)),
    "additive": (lambda: point_flow(5, couplings=2, width=8, affine=False), (5,)),
    "mixed": (lambda: point_flow(4, couplings=2, width=8, mix=True), (4,)),
    "pictures": (lambda: image_flow((1, 4, 4), levels=2, couplings=2, width=4), (1, 4, 4)),
    "colour": (lambda: image_flow((3, 4, 4), levels=1, couplings=3, width=4, mix=False), (3, 4, 4)),
    "vectors": (lambda: Flow(Shaped((1, 4, 4)),
                             image_flow((1, 4, 4), levels=1, couplings=2, width=4)), (16,)),
    "squeeze": (Squeeze, (2, 4, 6)),
    "actnorm": (lambda: ActNorm(3), (3, 2, 5)),
    "mixing": (lambda: Mixing(3), (3, 2, 2)),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", FLOWS)
def test_log_determinants_are_those_of_autograd_and_all_is_undone(name, seed):
    make, shape = FLOWS[name]
    flow = restless(make(), seed)
    x = torch.randn(3, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    y, log_det = flow(x)
    assert y.numel() == x.numel() and log_det.shape == (3,)
    torch.testing.assert_close(log_det, by_autograd(flow, x), rtol=0, atol=1e-9)
    torch.testing.assert_close(flow.inverse(y), x, rtol=0, atol=1e-9)
    one, log_one = flow(x[:1])
    torch.testing.assert_close((one[0], log_one[0]), (y[0], log_det[0]))


@pytest.mark.parametrize("name", ["affine", "mixed", "pictures"])
def test_weights_feel_the_log_determinant(name):
    make, shape = FLOWS[name]
    flow = restless(make())
    x = torch.randn(2, *shape, dtype=torch.float64)
    weight = [w for w in flow.parameters() if w.dim() > 1][-1]
    slope, = torch.autograd.grad(flow(x)[1].sum(), weight)
    at, h = np.unravel_index(slope.abs().argmax().item(), tuple(slope.shape)), 1e-6
    with torch.no_grad():
        weight[at] += h
        up = flow(x)[1].sum()
        weight[at] -= 2 * h
        down = flow(x)[1].sum()
    assert slope[at].item() != 0
    assert slope[at].item() == pytest.approx((up - down).item() / 2 / h, rel=1e-5)


def test_the_density_of_a_flow_integrates_to_one():
    flow = restless(point_flow(2, couplings=3, width=8), 1)
    line = torch.linspace(-14, 14, 701, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2)
    with torch.no_grad():
        y, log_det = flow(grid)
        density = (log_det - y.square().sum(1) / 2 - math.log(2 * math.pi)).exp()
    assert density.sum().item() * (line[1] - line[0]).item()**2 == pytest.approx(1, abs=1e-3)


def test_a_coupling_by_hand():
    x = torch.tensor([[1.4, -5.], [2.7, 12.5]], dtype=torch.float64)
    net = lambda passed: torch.cat([.5 * passed, 3 * passed], 1)               # s, then t
    y, log_det = Coupling(net, bound=1e9)(x)
    right = torch.stack([x[:, 0], x[:, 1] * (.5 * x[:, 0]).exp() + 3 * x[:, 0]], 1)
    torch.testing.assert_close((y, log_det), (right, .5 * x[:, 0]))
    y, log_det = Coupling(lambda passed: passed**2, swap=True, affine=False)(x)
    torch.testing.assert_close((y, log_det), (torch.stack([x[:, 0] + x[:, 1]**2, x[:, 1]], 1),
                                              torch.zeros(2).double()))


def test_stretching_is_bounded():
    y, log_det = Coupling(lambda passed: 1e9 * torch.ones(len(passed), 2))(torch.ones(1, 2))
    assert log_det.item() == pytest.approx(2) and y.isfinite().all()


def test_actnorm_begins_with_mean_0_and_deviation_1_and_only_once():
    mean, sd = (torch.tensor(of)[:, None, None] for of in ([3., -2.], [5., .1]))    # (2, 1, 1)
    x = mean + sd * torch.randn(64, 2, 3, 3)
    norm = ActNorm(2)
    y, log_det = norm(x)
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.transpose(0, 1).flatten(1).std(1), torch.ones(2))
    assert log_det[0].item() == pytest.approx(
        -9 * x.transpose(0, 1).flatten(1).std(1).log().sum().item(), rel=1e-5)
    before = norm.state_dict()["b"].clone()
    norm(x + 100)
    assert torch.equal(norm.b, before)
    resting = ActNorm(2).eval()
    assert torch.equal(resting(x)[0], x)


def test_flows_begin_as_a_normalisation():
    x = 5 + 3 * torch.randn(500, 4)
    y, _ = point_flow(4, couplings=2)(x)
    torch.testing.assert_close(y.std(0), torch.ones(4), rtol=1e-4, atol=0)
    assert y.mean(0).abs().max() < 1e-5


def test_the_same_seed_is_the_same_flow():
    states = [image_flow((1, 8, 8), couplings=1, seed=s).state_dict() for s in (4, 4, 5)]
    same = [all(torch.equal(a, b) for a, b in zip(states[0].values(), other.values()))
            for other in states[1:]]
    assert same == [True, False]


@pytest.mark.parametrize("wrong, says", [
        (lambda: point_flow(1), "2 numbers or more"),
        (lambda: image_flow((1, 30, 30), levels=2), "2\\^2 divides"),
        (lambda: Coupling(nn.Identity())(torch.ones(2, 1)), "squeeze"),
        (lambda: Squeeze()(torch.ones(1, 1, 3, 4)), "do not tile"),
        (lambda: Coupling(mlp_generator(1, 3))(torch.ones(4, 2)), "says \\(3,\\)"),
        (lambda: ActNorm(2)(torch.tensor([[1., 2.], [1., 3.]])), "channel 0 .* constant")])
def test_what_is_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong()


def test_a_singular_matrix_is_named():
    mixing = Mixing(2)
    with torch.no_grad():
        mixing.A.copy_(torch.tensor([[1., 2.], [2., 4.]]))
    with pytest.raises(ValueError, match="singular"):
        mixing.inverse(torch.ones(1, 2))


@pytest.mark.parametrize("shape, times", [((1, 4, 6), 2), ((3, 8, 8), 1)])
def test_nets_of_pictures_keep_the_pixels_in_place(shape, times):
    net = picture_net(shape, times, width=4)
    x = torch.randn(2, *shape)
    assert net(x).shape == (2, times * shape[0], *shape[1:])
    moved = x.clone()
    moved[0, 0, 0, 0] += 1
    changed = (net(moved) != net(x)).any(1)
    assert changed[0, 0, 0] and not changed[1].any()
    assert torch.equal(picture_net(shape, times, width=4)(x), net(x))
