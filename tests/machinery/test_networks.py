"""Networks: shapes, seeds, precision, and who couples a batch."""
import numpy as np
import pytest
import torch

from gan_lessons import Line, image_critic, image_generator, mlp_critic, mlp_generator, on_arrays
from gan_lessons.game import couples_batch
from gan_lessons.players import networks
from gan_lessons.players.image_networks import dcgan_critic, dcgan_generator
from gan_lessons.players.networks import Concatenated, Projected

SHAPES = [1, 2, (1, 28, 28), (3, 32, 32)]
PICTURES = [(1, 28, 28), (1, 32, 32), (3, 32, 32), (3, 64, 64)]


def sized(shape):
    return (shape,) if isinstance(shape, int) else shape


@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize("make, shape", [*[(mlp_critic, s) for s in SHAPES],
                                         *[(make, s) for s in PICTURES
                                           for make in (image_critic, dcgan_critic)]])
def test_critics_give_one_score_per_sample(make, shape, n):
    x = torch.randn(n, *sized(shape))
    scores = make(shape)(x)
    assert scores.shape == (n,)
    assert not couples_batch(make(shape))
    assert torch.allclose(make(shape)(x[:1]), scores[:1], atol=1e-5)


@pytest.mark.parametrize("make, shape", [*[(mlp_generator, s) for s in SHAPES],
                                         *[(make, s) for s in PICTURES
                                           for make in (image_generator, dcgan_generator)]])
def test_generators_make_samples(make, shape):
    g = make(noise=7, shape=shape)
    for n in (2, 5):
        samples = g(torch.randn(n, 7))
        assert samples.shape == (n, *sized(shape))
        if len(sized(shape)) == 3:
            assert g(30 * torch.randn(n, 7)).abs().max() <= 1
    samples.sum().backward()
    assert all(w.grad is not None and w.grad.isfinite().all() for w in g.parameters())


@pytest.mark.parametrize("make", [mlp_critic, mlp_generator, image_critic, image_generator,
                                  dcgan_critic, dcgan_generator])
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
    assert count(image_critic()) == 0 and count(dcgan_critic(batch_norm=True)) >= 1
    assert count(image_generator()) >= 1 and count(image_generator(batch_norm=False)) == 0
    assert couples_batch(dcgan_critic(batch_norm=True))


@pytest.mark.parametrize("shape", [(1, 28, 32), (1, 30, 30), 28, (28, 28)])
@pytest.mark.parametrize("make", [image_critic, image_generator, dcgan_critic, dcgan_generator])
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
    np.testing.assert_allclose(on_arrays(plane)(points),
                               plane(torch.tensor(points).float()).detach(), rtol=1e-6)


def test_width_and_depth():
    linear = [m
              for m in mlp_critic(3, width=11, depth=4).modules() if isinstance(m, torch.nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [(3, 11), (11, 11), (11, 11),
                                                                 (11, 11), (11, 1)]
    assert networks.mlp_generator(4, 2, width=9, depth=0)(torch.ones(1, 4)).shape == (1, 2)


# ---------------------------------------------------------------- with labels

@pytest.mark.parametrize("make, shape",
                         [(mlp_critic, 2), (mlp_critic, (1, 28, 28)), (image_critic, (3, 32, 32))])
def test_outputs_are_logits_in_rows(make, shape):
    x = torch.randn(5, *sized(shape))
    logits, score = make(shape, outputs=7)(x), make(shape)(x)
    assert logits.shape == (5, 7)
    assert make(shape, outputs=1)(x).shape == (5, 1)
    assert score.shape == (5,)
    assert make(shape, outputs=7).shape == (7,)


@pytest.mark.parametrize("n", [1, 5])
def test_concatenated_is_the_network_on_one_hot_labels(n):
    y = torch.tensor([2, 0, 1, 2, 2])[:n]
    net, x = mlp_critic(2 + 3).double(), torch.randn(n, 2).double()
    row = torch.tensor([[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]])[:n].double()
    assert torch.equal(Concatenated(net, 3)(x, y), net(torch.cat([x, row], 1)))
    assert torch.equal(Concatenated(net, 3)(x, y.to(torch.uint8)), Concatenated(net, 3)(x, y))
    picture = torch.randn(n, 1, 28, 28)
    channels = row.float()[:, :, None, None] * torch.ones(28, 28)
    critic = image_critic((1 + 3, 28, 28), width=4)
    assert torch.equal(Concatenated(critic, 3)(picture, y),
                       critic(torch.cat([picture, channels], 1)))
    g = Concatenated(image_generator((1, 28, 28), noise=5 + 3, width=4), 3)
    assert g(torch.randn(n, 5), y).shape == (n, 1, 28, 28)


@pytest.mark.parametrize("critic, x", [(mlp_critic(2, width=16), torch.randn(6, 2)),
                                       (image_critic(width=4), torch.randn(6, 1, 28, 28))])
def test_projected_is_the_critic_plus_a_scalar_product(critic, x):
    y = torch.tensor([0, 1, 2, 2, 1, 0])
    f = Projected(critic, 3)
    hidden = critic.layers[:-1](x)
    by_hand = critic(x) + torch.stack([hidden[i] @ f.embedding.weight[k] for i, k in enumerate(y)])
    torch.testing.assert_close(f(x, y), by_hand)
    turned = f(x, (y + 1) % 3) - f(x, y)                         # only the product knows the label
    torch.testing.assert_close(
        turned, ((f.embedding.weight[(y + 1) % 3] - f.embedding.weight[y]) * hidden).sum(1),
        rtol=1e-4, atol=1e-5)
    f(x, y).sum().backward()
    assert f.embedding.weight.grad.abs().sum() > 0
    assert next(critic.parameters()).grad.abs().sum() > 0
    with torch.autocast("cpu", torch.bfloat16):
        assert f(x, y).dtype == torch.float32


def test_the_seed_of_the_projection_is_its_own():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, two, other = (Projected(mlp_critic(2), 3, seed=s).embedding.weight for s in (5, 5, 6))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("labelled",
                         [Concatenated(mlp_critic(2 + 3), 3), Projected(mlp_critic(2), 3)])
@pytest.mark.parametrize(
    "y, message",
    [([0, 1, 3, 0], "labels from 0 to 3 for a network of 3 classes, 0 to 2: build it for as many"),
     ([-1, 0, 1, 2], "from -1 to 2"),
     ([0, 1, 2], "4 samples need 4 whole-number labels"),
     ([[0], [1], [2], [0]], "4 whole-number labels"),
     ([0., 1., 2., 0.], "whole-number labels, not torch.float32")])
def test_labels_that_a_network_does_not_know(labelled, y, message):
    with pytest.raises(ValueError, match=message):
        labelled(torch.randn(4, 2), torch.tensor(y))


@pytest.mark.parametrize("classes", [1, 0, 2.5, "ten"])
def test_two_classes_at_least(classes):
    for make in (lambda: Concatenated(mlp_critic(3), classes),
                 lambda: Projected(mlp_critic(2), classes)):
        with pytest.raises(ValueError, match="two classes or more"):
            make()


@pytest.mark.parametrize("net",
                         [mlp_critic(2, outputs=3), mlp_generator(2, 2), torch.nn.Linear(2, 1)])
def test_projection_needs_a_critic_of_ours(net):
    with pytest.raises(ValueError, match="Projected adds.*without outputs"):
        Projected(net, 3)
