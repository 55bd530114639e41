"""Spectral norms of layers and networks, against singular values of whole matrices."""
import math

import pytest
import torch
from torch import nn

from gan_lessons import Game, Normal, batches, image_critic, mlp_critic, train
from gan_lessons.players import spectral
from gan_lessons.players.image_networks import dcgan_critic
from gan_lessons.players.penalties import slopes

norm = lambda A: torch.linalg.matrix_norm(A, 2).item()


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def conv(kernel, kind=nn.Conv2d, **how):
    a, b, *size = kernel.shape
    layer = kind(*((b, a) if kind is nn.Conv2d else (a, b)), size, **how).double()
    layer.weight = nn.Parameter(kernel)
    return layer


# ---------------------------------------------------------------- power iteration

@pytest.mark.parametrize("shape", [(7, 3), (4, 9), (5, 5), (1, 6)])
@pytest.mark.parametrize("seed", range(3))
def test_power_iteration_rises_to_the_largest_singular_value(shape, seed):
    A = random(*shape, seed=seed)
    estimates = [spectral.power_iteration(A, steps)[0].item() for steps in (1, 2, 5, 30, 3000)]
    assert all(a <= b + 1e-12 for a, b in zip(estimates, estimates[1:]))
    assert estimates[-1] <= norm(A) + 1e-12
    assert estimates[-1] == pytest.approx(norm(A), rel=1e-9)


def test_the_error_shrinks_by_the_square_of_the_ratio():
    A = torch.diag(torch.tensor([2., 1.5, .3])).double()
    v = torch.tensor([1., 1., 1.]).double()
    errors = [2 - spectral.power_iteration(A, k, v)[0].item() for k in (20, 21)]
    # of σ: twice that of the direction
    assert errors[1] / errors[0] == pytest.approx((1.5 / 2) ** 4, rel=1e-4)
    _, _, once = spectral.power_iteration(A, 1, v)
    kept = spectral.power_iteration(A, 1, once)[0]
    assert kept.item() == pytest.approx(spectral.power_iteration(A, 2, v)[0].item(), rel=1e-14)


def test_its_gradient_is_u_v():
    A = random(6, 4, seed=3).requires_grad_()
    sigma, u, v = spectral.power_iteration(A, 2000)
    by_svd, = torch.autograd.grad(torch.linalg.matrix_norm(A, 2), A)
    torch.testing.assert_close(torch.autograd.grad(sigma, A)[0], by_svd, rtol=0, atol=1e-9)
    torch.testing.assert_close(torch.outer(u, v), by_svd, rtol=0, atol=1e-9)
    with pytest.raises(ValueError, match="one step at least"):
        spectral.power_iteration(A, 0)


# ---------------------------------------------------------------- convolutions

def test_nine_ones():
    ones = torch.ones(1, 1, 3, 3).double()
    zero, circle = conv(ones, padding=1), conv(ones, padding=1, padding_mode="circular")
    assert norm(spectral.matrix(zero)) == pytest.approx(3, rel=1e-12)
    assert norm(spectral.unrolled(zero, (1, 28, 28))) == pytest.approx(8.930, abs=5e-4)
    assert norm(spectral.unrolled(circle, (1, 28, 28))) == pytest.approx(9, rel=1e-12)
    assert spectral.circular_norm(ones, 28) == pytest.approx(9, rel=1e-12)
    assert spectral.operator_norm(zero, (1, 28, 28), 300) == pytest.approx(8.930, abs=5e-4)


@pytest.mark.parametrize("seed", range(3))
def test_the_fourier_transform_knows_the_circular_norm(seed):
    kernel = random(4, 3, 3, 5, seed=seed)
    layer = conv(kernel, padding=(1, 2), padding_mode="circular")
    assert spectral.circular_norm(kernel, 8) == pytest.approx(
        norm(spectral.unrolled(layer, (3, 8, 8))), rel=1e-10)


@pytest.mark.parametrize("wrong", [torch.zeros(3, 3), torch.zeros(1, 1, 9, 3)])
def test_kernels_that_do_not_fit_are_refused(wrong):
    with pytest.raises(ValueError, match="no larger than 8 × 8"):
        spectral.circular_norm(wrong, 8)


def test_unrolled_is_the_layer_without_its_bias():
    layer, x = nn.Conv2d(2, 3, 3, 2, 1).double(), random(5, 2, 6, 6)
    A = spectral.unrolled(layer, (2, 6, 6))
    linear = layer(x) - layer.bias[:, None, None]
    torch.testing.assert_close(x.flatten(1) @ A.T, linear.flatten(1).detach(), rtol=0, atol=1e-12)
    torch.testing.assert_close(spectral.unrolled(nn.Linear(4, 3).double(), (4,)).shape,
                               torch.Size([3, 4]))


SIZES = [(1, 1, 0), (4, 4, 0), (4, 2, 1), (3, 1, 1), (5, 3, 2), (3, 2, 1)]


@pytest.mark.parametrize("size, stride, padding", SIZES)
def test_a_layer_stretches_at_most_root_m_times_its_kernel(size, stride, padding):
    kernel = random(8, 3, size, size, seed=size)
    layer = conv(kernel, stride=stride, padding=padding)
    transposed = conv(kernel, nn.ConvTranspose2d, stride=stride, padding=padding)
    true, bound = norm(spectral.unrolled(layer, (3, 16, 16))), spectral.lipschitz_bound(layer)
    assert true <= bound * (1 + 1e-12)
    assert bound == pytest.approx(norm(kernel.flatten(1)) * math.ceil(size / stride), rel=1e-12)
    if size == stride:
        assert true == pytest.approx(norm(spectral.matrix(layer)), rel=1e-12)
    out = tuple(layer(torch.zeros(1, 3, 16, 16).double()).shape[1:])
    assert norm(spectral.unrolled(transposed, out)) == pytest.approx(
        norm(spectral.unrolled(layer, tuple(transposed(torch.zeros(1, *out).double()).shape[1:]))),
        rel=1e-10)
    assert spectral.lipschitz_bound(transposed) == pytest.approx(bound, rel=1e-12)
    assert spectral.operator_norm(layer, (3, 16, 16), 400) == pytest.approx(true, rel=2e-3)


def test_a_dilated_kernel_keeps_its_bound():
    layer = conv(torch.ones(1, 1, 3, 3).double(), padding=2, dilation=2, padding_mode="circular")
    assert norm(spectral.unrolled(layer, (1, 12, 12))) == pytest.approx(9)
    assert spectral.lipschitz_bound(layer) == pytest.approx(9)


# ---------------------------------------------------------------- networks

@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", [lambda s: mlp_critic(2, depth=3, seed=s),
                                  lambda s: mlp_critic(2, act=nn.Tanh, seed=s)])
def test_no_slope_and_no_quotient_exceeds_the_bound(make, seed):
    f, x = make(seed).double(), 3 * random(500, 2, seed=seed)
    bound = spectral.lipschitz_bound(f)
    assert bound == pytest.approx(math.prod(spectral.sigmas(f)), rel=1e-12)
    y = x.roll(1, 0)
    assert slopes(f, x).max() <= bound
    assert ((f(x) - f(y)).abs() / (x - y).norm(dim=1)).max() <= bound


def test_the_bound_is_attained_by_a_chain_of_aligned_layers():
    f = nn.Sequential(nn.Linear(3, 3, bias=False), nn.ReLU(), nn.Linear(3, 1, bias=False),
                      nn.Flatten(0)).double()
    with torch.no_grad():
        f[0].weight.copy_(torch.diag(torch.tensor([.5, 4., 1.])))
        f[2].weight.copy_(torch.tensor([[0., -3., 0.]]))
    assert slopes(f, torch.ones(1, 3).double()).item() == pytest.approx(12)
    assert spectral.lipschitz_bound(f) == pytest.approx(12)


def test_unknown_layers_are_refused():
    with pytest.raises(TypeError, match="norm of BatchNorm2d.* is not known"):
        spectral.lipschitz_bound(dcgan_critic(batch_norm=True))
    with pytest.raises(TypeError, match="is not known"):
        spectral.lipschitz_bound(nn.LeakyReLU(1.5))


@pytest.mark.parametrize("make, shape", [(lambda: mlp_critic(2, depth=3), (2,)),
                                         (lambda: image_critic(width=8), (1, 28, 28))])
def test_a_normalised_copy_has_layers_of_norm_one_and_leaves_the_original_alone(make, shape):
    f = make()
    before = {name: w.clone() for name, w in f.state_dict().items()}
    governed = spectral.spectrally_normalised(f)
    for _ in range(300):
        governed(torch.zeros(1, *shape))
    governed.eval()
    assert spectral.sigmas(governed) == pytest.approx([1] * len(spectral.layers(f)), abs=2e-3)
    assert all(torch.equal(w, before[name]) for name, w in f.state_dict().items())
    x = torch.randn(40, *shape)
    assert slopes(governed, x).max() <= spectral.lipschitz_bound(governed)
    for layer, plain in zip(spectral.layers(governed), spectral.layers(f)):
        ratio = layer.weight / plain.weight
        # one number divides
        torch.testing.assert_close(ratio, ratio.flatten()[0].expand_as(ratio), rtol=1e-4, atol=0)


def test_a_transposed_convolution_is_divided_by_its_convolutions_norm():
    layer = spectral.spectrally_normalised(nn.ConvTranspose2d(5, 2, 4, 4, bias=False), steps=200)
    layer(torch.zeros(1, 5, 3, 3))
    assert norm(spectral.unrolled(layer.eval(), (5, 3, 3))) == pytest.approx(1, abs=1e-4)


def test_the_seed_makes_the_normalisation_and_nothing_else():
    torch.manual_seed(1)
    state = torch.get_rng_state()
    one, two = (spectral.spectrally_normalised(mlp_critic(2)).state_dict() for _ in range(2))
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_normalising_twice_or_nothing_is_refused():
    for net in (spectral.spectrally_normalised(mlp_critic(2)), nn.Sequential(nn.ReLU())):
        with pytest.raises(ValueError, match="not normalised yet"):
            spectral.spectrally_normalised(net)


# ---------------------------------------------------------------- regularisation

def test_regularisation_is_half_the_weighed_sum_of_squares_with_its_gradient():
    f, regularise = mlp_critic(3, width=5, depth=1).double(), spectral.spectral_regularisation(.3)
    for _ in range(400):
        value = regularise(f)
    assert value.item() == pytest.approx(.15 * sum(s * s for s in spectral.sigmas(f)), rel=1e-9)
    value.backward()
    for layer in spectral.layers(f):
        u, s, v = torch.linalg.svd(layer.weight.detach(), full_matrices=False)
        torch.testing.assert_close(layer.weight.grad, .3 * s[0] * torch.outer(u[:, 0], v[0]),
                                   rtol=0, atol=1e-7)


def test_regularisation_follows_a_network_in_training_and_shrinks_its_norms():
    loss = lambda f, x: (f(x) - 9 * x[:, 0]).square().mean()
    ends = {}
    for weight in (0., .5):
        f, regularise = mlp_critic(2, width=16), spectral.spectral_regularisation(weight)
        train(Game({"f": lambda f, x: loss(f, x) + regularise(f)}), dict(f=f),
              batches(Normal(dim=2)), steps=60, watch=None)
        sigma = torch.tensor(spectral.sigmas(f))
        ends[weight] = sigma.prod().item()
        if weight:
            assert regularise(f).item() == pytest.approx(.25 * sigma.square().sum().item(), rel=.01)
    assert ends[.5] < ends[0.]


@pytest.mark.parametrize("weight", [-.01, math.nan])
def test_negative_regularisation_is_refused(weight):
    with pytest.raises(ValueError, match="0 or more"):
        spectral.spectral_regularisation(weight)
