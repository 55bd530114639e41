"""Networks: shapes, seeds, precision, and who couples a batch."""
import numpy as np
import pytest
import torch

from gan_lessons import networks
from gan_lessons.game import couples_batch
from gan_lessons.networks import Line, image_critic, image_generator, mlp_critic, mlp_generator, on_arrays

SHAPES = [1, 2, (1, 28, 28), (3, 32, 32)]
PICTURES = [(1, 28, 28), (1, 32, 32), (3, 32, 32), (3, 64, 64)]


def sized(shape):
    return (shape,) if isinstance(shape, int) else shape


@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize("make, shape", [*[(mlp_critic, s) for s in SHAPES], *[(image_critic, s) for s in PICTURES]])
def test_critics_give_one_score_per_sample(make, shape, n):
    x = torch.randn(n, *sized(shape))
    scores = make(shape)(x)
    assert scores.shape == (n,)
    assert not couples_batch(make(shape)) and torch.allclose(make(shape)(x[:1]), scores[:1], atol=1e-5)


@pytest.mark.parametrize("make, shape", [*[(mlp_generator, s) for s in SHAPES], *[(image_generator, s) for s in PICTURES]])
def test_generators_make_samples(make, shape):
    g = make(noise=7, shape=shape)
    for n in (2, 5):
        samples = g(torch.randn(n, 7))
        assert samples.shape == (n, *sized(shape))
        if len(sized(shape)) == 3:
            assert g(30 * torch.randn(n, 7)).abs().max() <= 1
    samples.sum().backward()
    assert all(w.grad is not None and w.grad.isfinite().all() for w in g.parameters())


@pytest.mark.parametrize("make", [mlp_critic, mlp_generator, image_critic, image_generator])
def test_the_seed_makes_the_weights_and_nothing_else(make):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = make(seed=5).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    two, other = make(seed=5).state_dict(), make(seed=6).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_scores_come_in_the_precision_of_the_input_also_under_autocast():
    for f, x in [(mlp_critic(2), torch.randn(4, 2)), (image_critic(), torch.randn(2, 1, 28, 28))]:
        exact = f(x)
        with torch.autocast("cpu", torch.bfloat16):
            fast = f(x)
        assert fast.dtype == torch.float32 and not torch.equal(fast, exact)
        torch.testing.assert_close(fast, exact, rtol=.1, atol=.02)
    assert mlp_critic(2).double()(torch.randn(4, 2).double()).dtype == torch.float64


def test_batch_norm_is_where_it_is_asked_for():
    count = lambda net: sum(isinstance(m, torch.nn.BatchNorm2d) for m in net.modules())
    assert count(image_critic()) == 0 and count(image_critic(batch_norm=True)) >= 1
    assert count(image_generator()) >= 1 and count(image_generator(batch_norm=False)) == 0
    assert couples_batch(image_critic(batch_norm=True))


@pytest.mark.parametrize("shape", [(1, 28, 32), (1, 30, 30), 28, (28, 28)])
@pytest.mark.parametrize("make", [image_critic, image_generator])
def test_odd_pictures_are_refused(make, shape):
    with pytest.raises(ValueError, match="size 28, 32 or 64"):
        make(shape)


def test_the_smallest_generator():
    z = torch.tensor([[-1.], [0.], [2.]])
    g = Line(3., .5)
    assert g(z).flatten().tolist() == [2.5, 3, 4]
    g(z).sum().backward()
    assert g.mean.grad.item() == 3 and g.sd.grad.item() == 1
    assert [w.requires_grad for w in Line(learn="mean").parameters()] == [True, False]
    assert not any(w.requires_grad for w in Line(learn="").parameters())
    with pytest.raises(ValueError, match="among 'mean sd', not slope"):
        Line(learn="slope")


def test_on_arrays_is_the_network():
    f, plane = mlp_critic(1), mlp_critic(2)
    x = np.linspace(-2, 2, 5)
    values = on_arrays(f)(x)
    assert values.dtype == np.float64 and values.shape == (5,)
    np.testing.assert_allclose(values, f(torch.tensor(x[:, None]).float()).detach(), rtol=1e-6)
    points = np.array([[.5, -1], [2, 3], [0, 0]])
    np.testing.assert_allclose(on_arrays(plane)(points), plane(torch.tensor(points).float()).detach(), rtol=1e-6)


def test_width_and_depth():
    linear = [m for m in mlp_critic(3, width=11, depth=4).modules() if isinstance(m, torch.nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [(3, 11), (11, 11), (11, 11), (11, 11), (11, 1)]
    assert networks.mlp_generator(4, 2, width=9, depth=0)(torch.ones(1, 4)).shape == (1, 2)
