"""What is declared of a result that stands beside a paper's.

    HEADLINES = {"14 Improved GAN, 100 labels": Headline(improved_gan, "accuracy", paper="…")}

    def improved_gan(seed, note, folder):
        ...                                          trains from nothing, with this seed
        note(step, accuracy=.97)                     now and then: a point of the curve
        return {"accuracy": .981, "pictures": {"sheet": array}}

`table` trains and loads. Declared for lessons 14, 15, 17, 18 and 19.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Headline:
    """A training, and the score that a paper has as well.

    train     (seed, note, folder) -> {score: number, …}. Rounds are asked from `steps(laptop=…)`,
              so that a smoke budget plays a few; `folder` is where checkpoints may lie, so that a
              stopped run goes on. "pictures": {name: (h, w[, 3]) from 0 to 1} may be among what
              is returned.
    score     which of the numbers is the headline
    paper     the published figure with its table, or why there is none
    seeds     those that chose nothing
    form      how a score is written: "{:.1%}", "{:.2f} bits"
    """

    train: Callable
    score: str
    paper: str
    seeds: tuple[int, ...] = (1, 2, 3)
    form: str = "{:.1%}"
