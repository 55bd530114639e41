"""How long a lesson trains: GAN_LESSONS_BUDGET=smoke|laptop|full (laptop when unset).

Introduced in notebooks/00_start_here.ipynb.
"""
from __future__ import annotations

import os

from ..exact.checks import check_count

BUDGETS = ("smoke", "laptop", "full")


def budget() -> str:
    """The budget in force. ValueError, listing the three, if the variable holds anything else."""
    name = os.environ.get("GAN_LESSONS_BUDGET", "laptop").strip().lower() or "laptop"
    if name not in BUDGETS:
        raise ValueError(f"GAN_LESSONS_BUDGET is {name!r}; set it to one of {', '.join(BUDGETS)} "
                         "or unset it")
    return name


def pictures(n: int) -> int:
    """How many of n pictures are really drawn, or tested: all, but under smoke at most 500.

    Used by `Run.samples`, which repeats them up to n, and where a page tests a classifier.
    """
    return min(n, 500) if budget() == "smoke" else n


def steps(*unnamed, laptop: int | None = None, full: int | None = None, smoke: int = 3) -> int:
    """Rounds to train under the budget in force: `steps(laptop=1_200, full=40_000)`.

    smoke runs a handful of rounds, to prove that every cell works; full defaults to laptop.
    TypeError for a number without a name; ValueError as in `budget`, and for what is no whole
    number above 0, under every budget.
    """
    if unnamed:
        raise TypeError(f"steps are named by their budget, steps(laptop={unnamed[0]!r})")
    full = laptop if full is None else full
    rounds = {"smoke": smoke, "laptop": laptop, "full": full}
    for name, asked in rounds.items():
        check_count(name, asked, why="of rounds, as steps(laptop=1_000)")
    return rounds[budget()]
