"""A ledger of labels: semi-supervised results are worth what their labels cost. Used in notebooks/14_semi_supervised.ipynb."""
from __future__ import annotations

import torch
from torch import Tensor


class LabelBudgetSpent(RuntimeError):
    """More distinct labels were asked for than the budget allows."""


class Ledger:
    """The labels of a set behind a counter: every distinct one ever asked for is counted, none above `budget` given.

    labels (n,) int64, kept private; reads as labels do: `ledger[rows]`, `ledger.index_select(0, rows)`, `len(ledger)`.
    `spent` says how many distinct ones are known by now. Raises LabelBudgetSpent above the budget, and ValueError for
    a budget below 1.
    """

    def __init__(self, labels: Tensor, budget: int):
        if not (isinstance(budget, int) and 1 <= budget <= len(labels)):
            raise ValueError(f"budget={budget!r}: a whole number of labels from 1 to {len(labels):,}; without any, use "
                             "a game that asks for none")
        self._labels, self._seen, self.budget = labels, torch.zeros(len(labels), dtype=torch.bool), budget

    @property
    def spent(self) -> int:
        return int(self._seen.sum())

    def index_select(self, axis: int, rows: Tensor) -> Tensor:
        return self[rows]

    def __getitem__(self, rows) -> Tensor:
        rows = torch.arange(len(self._labels))[rows]
        asked = self._seen.clone()
        asked[rows] = True
        if (more := int(asked.sum())) > self.budget:
            raise LabelBudgetSpent(f"{more:,} distinct labels asked for, the budget is {self.budget:,}: train on the "
                                   "labelled pictures only, and hand the others over as unlabelled=")
        self._seen = asked
        return self._labels[rows]

    def __len__(self):
        return len(self._labels)

    def __repr__(self):
        return f"Ledger({self.spent:,} of {self.budget:,} labels spent, {len(self):,} in all)"
