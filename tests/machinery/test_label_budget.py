"""labels: what a label costs, and who pays."""
import numpy as np
import pytest
import torch

from gan_lessons import Images, Normal, batches, mlp_critic, mlp_generator, train
from gan_lessons.data.label_budget import LabelBudgetSpent, Ledger, few_labels
from gan_lessons.objectives.semi_supervised import improved_gan, supervised


def pictures(n=200, classes=4, seed=0, labels=None):
    rng = np.random.default_rng(seed)
    y = torch.from_numpy(rng.integers(0, classes, n)) if labels is None else torch.as_tensor(labels)
    images = torch.from_numpy(rng.integers(0, 256, (len(y), 1, 28, 28), dtype=np.uint8))
    return Images(images, y, tuple("abcdefghij"[:classes]), "made up")


# ---------------------------------------------------------------- the ledger

def test_every_distinct_label_counts_once():
    labels = torch.tensor([3, 1, 4, 1, 5, 9, 2, 6])
    ledger = Ledger(labels, 5)
    assert torch.equal(ledger[torch.tensor([2, 2, 0])], torch.tensor([4, 4, 3]))
    assert ledger.spent == 2
    assert torch.equal(ledger.index_select(0, torch.tensor([0, 7])), torch.tensor([3, 6]))
    assert ledger.spent == 3
    assert ledger[1:3].tolist() == [1, 4] and ledger.spent == 4
    assert ledger[-1] == 6 and ledger.spent == 4
    mask = torch.tensor([True] + [False] * 4 + [True] + [False] * 2)
    assert ledger[mask].tolist() == [3, 9] and ledger.spent == 5
    assert len(ledger) == 8 and repr(ledger) == "Ledger(5 of 5 labels spent, 8 in all)"


def test_the_budget_stops_and_nothing_is_given_above_it():
    ledger = Ledger(torch.arange(10), 4)
    ledger[:3]
    with pytest.raises(LabelBudgetSpent,
                       match=r"5 distinct labels asked for, the budget is 4.*few_labels"):
        ledger[torch.tensor([8, 9])]
    assert ledger.spent == 3  # a refused question tells nothing and costs nothing
    assert ledger[7] == 7 and ledger.spent == 4
    with pytest.raises(LabelBudgetSpent):
        ledger[:]


@pytest.mark.parametrize("budget", [0, -3, 11, 2.5, None])
def test_budgets_that_are_none(budget):
    with pytest.raises(ValueError, match=r"a whole number of labels from 1 to 10"):
        Ledger(torch.arange(10), budget)


def test_a_training_runs_on_a_ledger_until_it_is_spent():
    few = pictures(40)
    honest = Images(few.images, Ledger(few.labels, 40), few.classes)
    f = lambda: mlp_critic(few.shape, width=8, outputs=4)
    train(supervised(), dict(f=f()), batches(honest, batch=16), steps=20, watch=None)
    assert 30 < honest.labels.spent <= 40
    greedy = Images(few.images, Ledger(few.labels, 20), few.classes)
    with pytest.raises(LabelBudgetSpent):
        train(supervised(), dict(f=f()), batches(greedy, batch=16), steps=20, watch=None)
    assert greedy.labels.spent <= 20


def test_a_ledger_trains_like_the_labels_themselves():
    few, runs = pictures(40), []
    for labels in (few.labels, Ledger(few.labels, 40)):
        f = mlp_critic(few.shape, width=8, outputs=4)
        runs.append(train(supervised(), dict(f=f), batches(Images(few.images, labels, few.classes),
                                                           batch=16), steps=4, watch=None))
    assert runs[0].losses == runs[1].losses


# ---------------------------------------------------------------- few labels

@pytest.mark.parametrize("n, seed", [(4, 0), (20, 1), (23, 2)])
def test_few_labels_are_balanced_and_true(n, seed):
    images = pictures(300)
    ledger = Ledger(images.labels, n)
    few = few_labels(images, n, seed, ledger)
    assert len(few) == n == ledger.spent and few.classes == images.classes
    counts = np.bincount(few.labels.numpy(), minlength=4)
    assert counts.max() - counts.min() <= 1
    for picture, label in zip(few.images, few.labels):           # each picture keeps its own label
        where = (images.images == picture).flatten(1).all(1).nonzero()[0]
        assert images.labels[where] == label


def test_few_labels_depend_on_the_seed_alone():
    images = pictures(300)
    a, b, c = (few_labels(images, 12, seed) for seed in (0, 0, 1))
    assert torch.equal(a.images, b.images) and not torch.equal(a.images, c.images)


@pytest.mark.parametrize("images, n, message", [
    (Images(torch.zeros(5, 1, 28, 28, dtype=torch.uint8)), 3, "no labels to give away"),
    (pictures(), 0, "n=0 labels for 4 classes"),
    (pictures(), 3, "n=3 labels for 4 classes"),
    (pictures(), 201, "n=201 labels"),
    (pictures(labels=[0, 1, 3] * 9), 6, "no picture of class 2 to label"),
    (pictures(labels=[0, 1, 2] * 9), 6, "no picture of class 3 to label"),
    (pictures(labels=[0] * 9 + [1, 2, 3]), 12, "class 1 has fewer than 3"),
])
def test_labels_that_cannot_be_had(images, n, message):
    with pytest.raises(ValueError, match=message):
        few_labels(images, n)


def test_a_ledger_is_no_set_of_labels_to_draw_from():
    images = pictures()
    hidden = Images(images.images, Ledger(images.labels, 20), images.classes)
    with pytest.raises(ValueError, match="whoever draws must see all labels"):
        few_labels(hidden, 8)


# ---------------------------------------------------------------- hidden labels are hidden

def played(few, everything):
    nets = dict(f=mlp_critic(few.shape, width=8, outputs=4), g=mlp_generator(3, few.shape, width=8))
    run = train(improved_gan(), nets, batches(few, z=Normal(dim=3), batch=8, unlabelled=everything),
                steps=4, watch=None)
    return [w for net in run.players.values() for w in net.state_dict().values()]


def test_permuting_hidden_labels_changes_no_bit():
    images = pictures(300)
    few = few_labels(images, 8)
    shuffled = Images(images.images, images.labels[torch.randperm(300)], images.classes)
    assert all(torch.equal(a, b) for a, b in zip(played(few, images), played(few, shuffled)))
    assert not all(torch.equal(a, b) for a, b in zip(played(few_labels(images, 8), images),
                                                     played(few_labels(shuffled, 8), images)))
