"""Prediction by loss: l(x, y) by hand, all classes at once, argmin, confusion, reliability.

And labels that do not fit.
"""
import math

import numpy as np
import pytest
import torch
from torch import nn

from gan_lessons import (
    Images,
    Mixture,
    Normal,
    batches,
    mlp_critic,
    mlp_generator,
    non_saturating,
    train,
)
from gan_lessons.measures.prediction import ClassLoss, all_losses, confusion, predict, reliability
from gan_lessons.objectives.conditional import conditional
from gan_lessons.objectives.loss_sensitive import loss_sensitive, margin
from gan_lessons.players.image_networks import dcgan_critic, dcgan_generator
from gan_lessons.players.networks import Concatenated, Projected

LOGITS = [[-5., 1.4, 12.5], [2.7, .3, -7.1], [4., 4., 4.]]


class Fixed(nn.Module):
    """A network whose logits are its input: so that losses can be computed by hand."""
    def forward(self, x):
        return x.flatten(1)


def logits(rows=LOGITS):
    return torch.tensor(rows, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("rows", [LOGITS, LOGITS[:2]])
def test_loss_and_gradient_by_hand(rows):
    x, y = logits(rows), torch.tensor([1, 0, 2][:len(rows)])
    loss = ClassLoss(Fixed(), 3)(x, y)
    by_hand = [math.log(sum(math.exp(a) for a in row)) - row[k] for row, k in zip(rows, y.tolist())]
    assert loss.tolist() == pytest.approx(by_hand, rel=1e-13) and loss.dtype == torch.float64
    loss.sum().backward()
    for row, k, slope in zip(rows, y.tolist(), x.grad.tolist()):
        total = sum(math.exp(a) for a in row)
        assert slope == pytest.approx([math.exp(a) / total - (i == k) for i, a in enumerate(row)],
                                      abs=1e-13)


def test_labels_compete_and_no_loss_is_negative():
    x = 30 * torch.randn(50, 3, generator=torch.Generator().manual_seed(0)).double()
    losses = ClassLoss(Fixed(), 3).losses(x)
    assert losses.min() >= 0
    torch.testing.assert_close(losses.neg().exp().sum(1), torch.ones(50).double(),
                               rtol=1e-12, atol=0)
    # "I do not know" is all that can be said
    assert losses.min(1).values.max() <= math.log(3) + 1e-12
    assert ClassLoss(Fixed(), 3)(torch.tensor([[400., -400., 0.]]), torch.tensor([1])).item() == 800


def test_all_losses_of_any_function_are_those_of_each_label():
    net = ClassLoss(mlp_critic(2, outputs=4), 4)
    x = torch.randn(2503, 2, generator=torch.Generator().manual_seed(1))      # more than one part
    every = all_losses(net, x)
    assert every.shape == (2503, 4) and not every.requires_grad
    for y in range(4):
        torch.testing.assert_close(every[:, y], net(x, torch.full((2503,), y)).detach())
    torch.testing.assert_close(all_losses(lambda x, y: net(x, y), x, classes=4), every)
    assert torch.equal(predict(net, x), every.argmin(1)) and predict(net, x).dtype == torch.int64
    free = Projected(mlp_critic(2), 4)
    torch.testing.assert_close(all_losses(free, x[:3])[:, 2],
                               free(x[:3], torch.tensor([2, 2, 2])).detach())


def test_the_least_loss_wins():
    l = lambda x, y: (x[:, 0] - 3 * y).abs()
    x = torch.tensor([[-5.], [1.4], [12.5], [2.7], [4.6]])
    assert predict(l, x, classes=3).tolist() == [0, 0, 2, 1, 2]


def test_pixels_are_scaled_and_evaluation_mode_is_given_back():
    net = ClassLoss(dcgan_critic((1, 28, 28), width=4, batch_norm=True, outputs=10))
    pixels = torch.randint(0, 256, (7, 1, 28, 28), dtype=torch.uint8,
                           generator=torch.Generator().manual_seed(0))
    net.train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    first = all_losses(net, pixels)
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    torch.testing.assert_close(first, all_losses(net, pixels.float() / 127.5 - 1))
    # alone or in company
    torch.testing.assert_close(all_losses(net, pixels[2:3]), first[2:3], rtol=1e-4, atol=1e-5)


def test_batch_norm_in_training_mode_lets_neighbours_decide():
    net = ClassLoss(dcgan_critic((1, 28, 28), width=4, batch_norm=True, outputs=10)).train()
    x = torch.randn(6, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert not torch.allclose(net.losses(x)[:2], net.losses(x[:2]), atol=1e-4)


# ---------------------------------------------------------------- what is refused

@pytest.mark.parametrize("y", [[0, 3], [-1, 2]])
def test_labels_out_of_range(y):
    with pytest.raises(ValueError,
                       match=f"labels from {min(y)} to {max(y)} for a network of 3 classes"):
        ClassLoss(Fixed(), 3)(logits(LOGITS[:2]), torch.tensor(y))


@pytest.mark.parametrize("y", [torch.tensor([1]), torch.tensor([[0], [1]]), torch.tensor([0., 1.])])
def test_labels_that_are_not_one_whole_number_each(y):
    with pytest.raises(ValueError, match="2 samples need 2 whole-number labels"):
        ClassLoss(Fixed(), 3)(logits(LOGITS[:2]), y)


def test_another_number_of_outputs():
    for net in (mlp_critic(2, outputs=4), mlp_critic(2)):
        with pytest.raises(ValueError, match=r"3 classes need logits \(n, 3\).*outputs=3"):
            ClassLoss(net, 3)(torch.randn(5, 2), torch.zeros(5, dtype=torch.long))
    with pytest.raises(ValueError, match="two classes or more"):
        ClassLoss(Fixed(), 1)


def test_how_many_classes():
    with pytest.raises(ValueError, match="pass classes=10"):
        predict(lambda x, y: x[:, 0], torch.randn(3, 2))
    with pytest.raises(ValueError, match="built for 3 classes, not for 4"):
        predict(ClassLoss(Fixed(), 3), torch.randn(3, 3), classes=4)


def game_on(labels, classes, names=()):
    images = Images(torch.zeros(len(labels), 1, 28, 28, dtype=torch.uint8),
                    torch.tensor(labels), names)
    players = dict(l=ClassLoss(dcgan_critic((1, 28, 28), width=2, outputs=classes), classes),
                   g=Concatenated(dcgan_generator((1, 28, 28), noise=3 + classes,
                                                  width=2), classes))
    return train(conditional(loss_sensitive()), players, batches(images, z=Normal(dim=3), batch=4),
                 steps=1, watch=None)


def test_training_refuses_missing_classes_and_strange_labels():
    assert game_on([0, 1, 2, 2], 3).step == 1
    with pytest.raises(ValueError, match="no sample of class 1, 3 to learn from"):
        game_on([0, 2, 2, 4], 5)
    with pytest.raises(ValueError, match="no sample of class 2, 3, .*, 9 and 5 more to learn from"):
        game_on([0, 1, 15, 1], 16)
    with pytest.raises(ValueError, match=r"label 10+ makes [0-9,]+ classes, and samples bear 2"):
        len(batches(Images(torch.zeros(2, 1, 28, 28, dtype=torch.uint8), [0, 10 ** 12])).absent)
    with pytest.raises(ValueError, match="no sample of class 2 to learn from"):
        game_on([0, 1, 1, 0], 3, ("a", "b", "c"))
    with pytest.raises(ValueError, match="label 3 has no name among the 3 classes: number them"):
        game_on([0, 1, 3, 2], 3, ("a", "b", "c"))
    with pytest.raises(ValueError, match="whole numbers from 0, not -1"):
        game_on([0, 1, -1, 2], 3)
    with pytest.raises(ValueError, match="l is built for 4 classes, the data have 3"):
        game_on([0, 1, 2, 2], 4)


def test_who_asks_for_no_labels_does_not_look_at_them():
    images = Images(torch.zeros(4, 1, 28, 28, dtype=torch.uint8), torch.tensor([0, 3, 3, 9]))
    players = dict(f=dcgan_critic((1, 28, 28), width=2),
                   g=dcgan_generator((1, 28, 28), noise=3, width=2))
    assert train(non_saturating(), players, batches(images, z=Normal(dim=3), batch=4), steps=1,
                 watch=None).step == 1


# ---------------------------------------------------------------- the games

def test_the_conditional_game_by_hand():
    """S and T for numbers small enough to follow, with gradients; two batch sizes."""
    for n in (2, 3):
        a = logits(LOGITS[:n])
        a_fake = logits([[.5, -1., 2.], [0., 3., 1.], [1., 1., -2.]][:n])
        y = torch.tensor([2, 1, 0][:n])
        game = conditional(loss_sensitive(margin(.25), weight=1.5))
        l = ClassLoss(Fixed(), 3)
        S = game["l"](l, lambda z, y: z, a, a_fake, y=y)
        total = 0.
        for row, fake, k in zip(a.tolist(), a_fake.tolist(), y.tolist()):
            loss = lambda r: math.log(sum(math.exp(v) for v in r)) - r[k]
            delta = .25 * sum(abs(u - v) for u, v in zip(row, fake))
            total += loss(row) + 1.5 * max(0, delta + loss(row) - loss(fake))
        assert S.item() == pytest.approx(total / n, rel=1e-13)
        T = game["g"](l, lambda z, y: z, a_fake, y=y)
        torch.testing.assert_close(T, nn.functional.cross_entropy(a_fake, y))


def test_it_learns_bayes_rule_where_margins_are_generous():
    law = Mixture([Normal([-1.5, 0.], .8), Normal([1.5, 0.], .8), Normal([0., 2.], .8)],
                  [.5, .3, .2])
    nets = dict(l=ClassLoss(mlp_critic(2, outputs=3), 3), g=Concatenated(mlp_generator(5, 2), 3))
    run = train(conditional(loss_sensitive(margin(p=2))), nets,
                batches(law, z=Normal(dim=2), batch=128), steps=250, turns={"l": 2},
                ema={"l": .98}, watch=None)
    points, y = law.sample_with_modes(4000, np.random.default_rng(0))
    joint = np.stack([w * part.pdf(points) for w, part in zip(law.weights, law.laws)], 1)
    mine = (predict(run.ema["l"], torch.tensor(points).float()).numpy() == y).mean()
    assert mine > (joint.argmax(1) == y).mean() - .03


# ---------------------------------------------------------------- confusion and reliability

def test_confusion_counts():
    y, said = torch.tensor([0, 0, 2, 1, 2, 2]), torch.tensor([0, 1, 2, 1, 0, 2])
    assert confusion(said, y, 3).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    a, b = rng.integers(7, size=200), rng.integers(7, size=200)
    assert (confusion(torch.tensor(b), torch.tensor(a),
                      7).numpy() == sklearn.confusion_matrix(a, b)).all()
    with pytest.raises(ValueError, match="labels from 0 to 2 for"):
        confusion(said, y, 2)
    with pytest.raises(ValueError, match="need 6 whole-number labels"):
        confusion(said[:5], y, 3)


def losses_of(probabilities):
    return -torch.tensor(probabilities, dtype=torch.float64).log()


def test_reliability_by_hand():
    sure = [.95] * 5 + [.62] * 5
    right = [1, 1, 1, 1, 0] * 2
    table = reliability(losses_of([[s, 1 - s] for s in sure]),
                        torch.tensor([1 - r for r in right]), bins=10)
    assert table.count.tolist() == [0, 0, 0, 0, 0, 0, 5, 0, 0, 5]
    assert table.confidence[[6, 9]].tolist() == pytest.approx([.62, .95])
    assert table.right[[6, 9]].tolist() == pytest.approx([.8, .8])
    assert table.confidence[0].isnan() and table.error == pytest.approx((.15 + .18) / 2)
    # certainty is in the last bin
    assert reliability(losses_of([[1 - 1e-12, 1e-12]]), torch.tensor([0])).count[-1] == 1


@pytest.mark.parametrize("bins", [10, 15])
def test_who_draws_labels_from_his_own_probabilities_is_calibrated(bins):
    rng = np.random.default_rng(bins)
    C = rng.dirichlet(np.ones(4), 40_000)
    y = torch.tensor((C.cumsum(1) > rng.uniform(size=(40_000, 1))).argmax(1))
    honest = reliability(losses_of(C), y, bins).error
    sharper = reliability(losses_of(C ** 2 / (C ** 2).sum(1, keepdims=True)), y, bins).error
    assert honest < .01 and sharper > .1


def test_only_probabilities_have_a_reliability():
    with pytest.raises(ValueError, match="only a softmax's losses"):
        reliability(torch.tensor([[.1, 2.]]), torch.tensor([0]))
    with pytest.raises(ValueError, match="labels from 0 to 2 for"):
        reliability(losses_of([[.5, .5]] * 2), torch.tensor([0, 2]))
