"""Labels counted: a semi-supervised result is worth what its labels cost. Derived in notebooks/14_semi_supervised.ipynb."""
from __future__ import annotations

import numpy as np
import torch
from scipy.stats import t
from torch import Tensor

from .datasets import Images


class LabelBudgetSpent(RuntimeError):
    """More distinct labels were asked for than the budget allows."""


class Ledger:
    """The labels of a set behind a counter: every distinct one ever asked for is counted, none above `budget` given.

    labels (n,) int64, kept private; reads as labels do: `ledger[rows]`, `ledger.index_select(0, rows)`, `len(ledger)`,
    so `Images(pictures, ledger)` trains like labelled pictures until the budget is spent. `spent`: how many distinct
    ones are known by now. Raises LabelBudgetSpent above the budget, ValueError for a budget that is none.
    """

    def __init__(self, labels: Tensor, budget: int):
        if not (isinstance(budget, int) and 1 <= budget <= len(labels)):
            raise ValueError(f"budget={budget!r}: a whole number of labels from 1 to {len(labels):,}; without any, play a "
                             "game that asks for no y")
        self._labels, self._seen, self.budget = labels.cpu(), torch.zeros(len(labels), dtype=torch.bool), budget
        self.shape = tuple(labels.shape)

    @property
    def spent(self) -> int:
        return int(self._seen.sum())

    def index_select(self, axis: int, rows: Tensor) -> Tensor:
        return self[rows]

    def __getitem__(self, rows) -> Tensor:
        where = rows.device if isinstance(rows, Tensor) else self._labels.device
        rows = torch.arange(len(self))[rows.cpu() if isinstance(rows, Tensor) else rows]
        asked = self._seen.clone()
        asked[rows] = True
        if (more := int(asked.sum())) > self.budget:
            raise LabelBudgetSpent(f"{more:,} distinct labels asked for, the budget is {self.budget:,}: train on "
                                   "few_labels(images, budget), and hand all pictures over as unlabelled=")
        self._seen = asked
        return self._labels[rows].to(where)

    def __len__(self):
        return len(self._labels)

    def __repr__(self):
        return f"Ledger({self.spent:,} of {self.budget:,} labels spent, {len(self):,} in all)"


def few_labels(images: Images, n: int, seed: int = 0, ledger: Ledger | None = None) -> Images:
    """n labelled pictures drawn at random, equally many of each class as far as n allows; `ledger` counts their labels.

    The balance is a gift of the data set's keeper, as in the papers: whoever draws looks at the labels, the player does
    not. ValueError for labels that are missing, and for more labels than there are, in all or in a class, or fewer than
    classes.
    """
    if images.labels is None:
        raise ValueError("these pictures have no labels to give away: load a labelled set, as load_images()")
    if isinstance(images.labels, Ledger):
        raise ValueError("whoever draws must see all labels: give the pictures with their labels, and the ledger as ledger=")
    labels, rng = torch.as_tensor(images.labels).numpy(), np.random.default_rng(seed)
    counts = np.bincount(labels, minlength=len(images.classes))
    if len(counts) > len(images.classes) > 0:
        raise ValueError(f"label {labels.max()} is none of the {len(images.classes)} classes: number them 0 to "
                         f"{len(images.classes) - 1}")
    if (counts == 0).any():
        raise ValueError(f"no picture of class {np.flatnonzero(counts == 0)[0]} to label: give a set with all classes")
    if not len(counts) <= n <= len(labels):
        raise ValueError(f"n={n} labels for {len(counts)} classes of {len(labels):,} pictures: at least one each, at most all")
    share = n // len(counts) + (np.arange(len(counts)) < n % len(counts))
    if (share > counts).any():
        raise ValueError(f"class {np.flatnonzero(share > counts)[0]} has fewer than {share.max()} pictures: take fewer labels")
    rows = torch.from_numpy(np.sort(np.concatenate(
        [rng.choice(np.flatnonzero(labels == y), size, replace=False) for y, size in enumerate(share)])))
    return Images(images.images[rows], (images.labels if ledger is None else ledger)[rows], images.classes, images.name)


def t_interval(values, level: float = .95) -> tuple[float, float]:
    """(mean, half the width of its interval) of a few runs: (k,) -> two numbers; Student's t with k - 1 degrees of freedom.

    For differences of paired runs, hand over the differences. ValueError for fewer than two values.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"an interval needs two runs or more, one number each, not shape {values.shape}")
    half = t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / len(values) ** .5
    return float(values.mean()), float(half)
