"""Labels counted: a semi-supervised result is worth what its labels cost.

Derived in notebooks/14_semi_supervised.ipynb.
"""
from __future__ import annotations

import numpy as np
import torch
from scipy.stats import t
from torch import Tensor

from ..exact.checks import check_count, fits, told
from .images import Images, as_tensor


class LabelBudgetSpent(RuntimeError):
    """More distinct labels were asked for than the budget allows."""


class Ledger:
    """The labels of a set behind a counter: distinct ones are counted, none above `budget` given.

    labels (n,) int64, kept private; reads as labels do: `ledger[rows]`,
    `ledger.index_select(0, rows)`, `len(ledger)`, so `Images(pictures, ledger)` trains like
    labelled pictures until the budget is spent. `spent`: how many distinct ones were read so far.
    LabelBudgetSpent for a read above the budget, ValueError for a budget that is no whole number
    from 1 to n.
    """

    def __init__(self, labels: Tensor, budget: int):
        labels = as_tensor(labels, "labels are whole numbers, one for each picture")
        if labels.dim() != 1 or labels.is_floating_point() or labels.is_complex():
            raise ValueError(f"labels are whole numbers (n,), not {labels.dtype} of shape "
                             f"{tuple(labels.shape)}")
        if not (type(budget) is int and 1 <= budget <= len(labels)):
            raise ValueError(f"budget={budget!r}: a whole number of labels from 1 to "
                             f"{len(labels):,}; without any, play a game that asks for no y")
        self.budget = budget
        self._labels = labels.cpu()
        self._seen = torch.zeros(len(labels), dtype=torch.bool)
        self.shape = tuple(labels.shape)

    @property
    def spent(self) -> int:
        """How many distinct labels were read so far."""
        return int(self._seen.sum())

    def index_select(self, axis: int, rows: Tensor) -> Tensor:
        """`ledger[rows]`, under the name by which batches read labels; the axis is the only one."""
        return self[rows]

    def __getitem__(self, rows) -> Tensor:
        where = self._labels.device
        if isinstance(rows, Tensor):
            where, rows = rows.device, rows.cpu()
        try:
            rows = torch.arange(len(self))[rows]    # slices, masks and -1 as numbers of rows
        except (IndexError, TypeError, ValueError, RuntimeError) as error:
            raise IndexError(f"rows {told(rows)} are none of {len(self):,} labels: whole numbers "
                             "from 0, a mask or a slice") from error
        asked = self._seen.clone()                  # a copy, as a refused read counts nothing
        asked[rows] = True
        if (more := int(asked.sum())) > self.budget:
            raise LabelBudgetSpent(
                f"{more:,} distinct labels asked for, the budget is {self.budget:,}: train on "
                "few_labels(images, budget), and hand all pictures over as unlabelled=")
        self._seen = asked
        return self._labels[rows].to(where)

    def __len__(self):
        return len(self._labels)

    def __repr__(self):
        return f"Ledger({self.spent:,} of {self.budget:,} labels spent, {len(self):,} in all)"


def few_labels(images: Images, n: int, seed: int = 0, ledger: Ledger | None = None) -> Images:
    """n labelled pictures drawn at random, equally many of each class as far as n allows.

    To balance the classes one has to look at all labels. As in the papers, that look is free: it
    is the draw's and not the training's, which sees the n labels and no other. A `ledger` of the
    labels of all pictures counts those n.

    TypeError for what is no Images; ValueError for pictures without labels or with a ledger in
    their place, for a label beyond the classes, for a class without pictures, for fewer labels than
    classes, for more labels than there are, in all or in a class, and for an n or a seed that is no
    whole number.
    """
    if not isinstance(images, Images):
        raise TypeError(f"few_labels takes an Images, as load_images(), not {told(images)}")
    if images.labels is None:
        raise ValueError("these pictures have no labels to give away: load a labelled set, as "
                         "load_images()")
    if isinstance(images.labels, Ledger):
        raise ValueError("whoever draws must see all labels: give the pictures with their labels, "
                         "and the ledger as ledger=")
    check_count("seed", seed, least=0)
    labels, classes = torch.as_tensor(images.labels).numpy(), len(images.classes)
    if labels.max(initial=0) > len(labels) + 10_000:         # a count of each would fill the memory
        raise ValueError(f"label {labels.max():,} among {len(labels):,} pictures: number the "
                         "classes from 0, without gaps")
    counts = np.bincount(labels, minlength=classes)                                       # (K,)
    if len(counts) > classes > 0:
        raise ValueError(f"label {labels.max()} is none of the {classes} classes: number them 0 to "
                         f"{classes - 1}")
    if (counts == 0).any():
        raise ValueError(f"no picture of class {np.flatnonzero(counts == 0)[0]} to label: give a "
                         "set with all classes")
    if not fits(n, least=len(counts), most=len(labels), whole=True):
        raise ValueError(f"n={n!r} labels for {len(counts)} classes of {len(labels):,} pictures: "
                         "at least one each, at most all")
    share = n // len(counts) + (np.arange(len(counts)) < n % len(counts))  # the first get the rest
    if (share > counts).any():
        raise ValueError(f"class {np.flatnonzero(share > counts)[0]} has fewer than {share.max()} "
                         "pictures: take fewer labels")
    rng = np.random.default_rng(seed)
    drawn = [rng.choice(np.flatnonzero(labels == y), size, replace=False)
             for y, size in enumerate(share)]
    rows = torch.from_numpy(np.sort(np.concatenate(drawn)))   # in order, so not class after class
    known = images.labels if ledger is None else ledger
    return Images(images.images[rows], known[rows], images.classes, images.name)


def t_interval(values, level: float = .95) -> tuple[float, float]:
    """Mean of a few runs, and half the width of its `level` interval: (k,) -> two numbers.

    half = t · s / √k, with the standard deviation s of the runs and the quantile t of Student's
    law with k - 1 degrees of freedom. For paired runs, hand over their differences. ValueError for
    fewer than two values, for one that is not finite, and for a level outside 0 to 1.
    """
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError, OverflowError):
        values = np.empty(())
    if not fits(level, above=0, below=1):
        raise ValueError(f"level={level!r}: a share between 0 and 1, as .95")
    if values.ndim != 1 or len(values) < 2:
        raise ValueError("an interval needs two runs or more, one number each, not shape "
                         f"{values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"an interval needs finite numbers, not {values}: leave out no run, but "
                         "say that it failed")
    half = t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / len(values) ** .5
    return float(values.mean()), float(half)
