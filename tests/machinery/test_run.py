"""What a run draws: all of it, but under the smoke budget the first pictures, repeated."""
import pytest
import torch
from torch import nn

from gan_lessons import Normal, Ring, Run, batches
from gan_lessons.training.budgets import pictures

FEW = 500


class Counting(nn.Module):
    """z -> what is made of it, with a trace of the label; counts what it is asked for.

    `part` keeps each number of z apart from the rest, so the same noise gives the same bits in a
    batch of any size.
    """

    def __init__(self, shape, classes=None):
        super().__init__()
        self.shape, self.asked = shape, []
        if classes is not None:
            self.classes = classes

    def forward(self, z, y=None):
        self.asked.append(len(z))
        made = z.tanh() if y is None else z.tanh() / 2 + y[:, None] * 100
        return made.reshape(len(z), *self.shape)


PICTURE, POINT = (1, 2, 2), (4,)


def run_of(g):
    return Run({"g": g}, batches(Ring(), z=Normal(dim=4)), 1, torch.device("cpu"))


@pytest.fixture
def drawn(monkeypatch):
    """(g, n, y) -> its samples under the smoke budget, the same in full, how many were computed."""
    def draw(g, n, y=None):
        monkeypatch.setenv("GAN_LESSONS_BUDGET", "laptop")
        full = run_of(g).samples(n, y)
        assert sum(g.asked) == n                       # nothing left out, and nothing tried first
        monkeypatch.setenv("GAN_LESSONS_BUDGET", "smoke")
        g.asked.clear()
        few = run_of(g).samples(n, y)
        assert few.shape == full.shape == (n, *g.shape) and few.dtype == torch.float32
        return few, full, sum(g.asked)
    return draw


def assert_repeated(few, full):
    assert torch.equal(few[:FEW], full[:FEW])
    assert torch.equal(few, few[torch.arange(len(few)) % FEW])
    assert not torch.equal(few, full)


@pytest.mark.parametrize("n", [501, 1200, 2500])
def test_under_smoke_the_first_pictures_are_repeated_in_turn(drawn, n):
    few, full, computed = drawn(Counting(PICTURE), n)
    assert_repeated(few, full)
    assert computed == FEW + 1                         # one more tells that they are pictures


@pytest.mark.parametrize("n", [1, 499, 500])
def test_few_pictures_are_all_drawn(drawn, n):
    few, full, computed = drawn(Counting(PICTURE), n)
    assert torch.equal(few, full) and computed == n


@pytest.mark.parametrize("n", [1200, 501])
def test_points_are_never_fewer(drawn, n):
    few, full, computed = drawn(Counting(POINT), n)
    assert torch.equal(few, full) and n <= computed <= n + 1


@pytest.mark.parametrize("y", [None, 3, torch.arange(1200) % 10, torch.arange(1200) % 4 + 5])
def test_pictures_with_labels_in_turn_keep_their_labels(drawn, y):
    """10 labels in turn, or 4, begin anew after 500 pictures; so does one label for all."""
    g = Counting(PICTURE, classes=10)
    few, full, computed = drawn(g, 1200, y)
    assert_repeated(few, full)
    assert computed == FEW + 1
    labels = (few / 100).round().amin((1, 2, 3))
    asked = torch.arange(1200) % 10 if y is None else torch.as_tensor(y).expand(1200)
    assert torch.equal(labels.long(), asked)


@pytest.mark.parametrize("classes, y", [
    (7, None),                                         # 500 is no multiple of 7
    (10, torch.arange(1200) // 120),                   # class after class
    (10, (torch.arange(1200) % 10).index_fill(0, torch.tensor([1199]), 0)),     # but for the last
])
def test_labels_that_are_not_in_turn_are_computed_in_full(drawn, classes, y):
    few, full, computed = drawn(Counting(PICTURE, classes), 1200, y)
    assert torch.equal(few, full) and computed == 1201


@pytest.mark.parametrize("name", ["laptop", "full"])
def test_other_budgets_draw_all_that_is_asked_for(monkeypatch, name):
    monkeypatch.setenv("GAN_LESSONS_BUDGET", name)
    g = Counting(PICTURE)
    made = run_of(g).samples(2500)
    assert g.asked == 10 * [250]                       # in parts that stay in the cache
    assert len(made.flatten(1).unique(dim=0)) == 2500 == pictures(2500)
