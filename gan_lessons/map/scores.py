"""The scores of the arena of notebooks/20_map.ipynb, the anchors of its scales, and its sheets.

    score(fakes, ground("mnist"))           {"frechet": 48.1, "kernel": .8, "precision": .62, …}
    Reached(play, at, steps=7_200)          a watcher: CPU-seconds until the distance is below 100
"""
from __future__ import annotations

import math
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from ..data.files import atomic_write
from ..exact.checks import as_points, told
from ..measures import metrics
from ..measures.classifier import judge
from ..training.code import bytes_hash
from .ground import TOYS, Ground, pictures_of
from .results import ANCHORS

POINTS, CARRIED, PICTURES_MADE, NEIGHBOURS = 2_000, 1_000, 10_000, 2_000
GOAL, LOOKS, LOOKED_AT = 100.0, 14, 2_500       # the distance to reach, how often, by how many
ROWS, COLUMNS, GAP = 2, 10, 2                   # of a sheet, and pixels between its pictures


def wanted(at: Ground) -> int:
    """How many samples are scored."""
    return POINTS if at.toy else PICTURES_MADE


def score(fakes, at: Ground) -> dict:
    """The measures of `results.MEASURES` that the data allow: points (n, 2), or pictures
    (n, c, h, w) in [-1, 1] or uint8, -> numbers. TypeError for what is no Ground."""
    _check_ground(at)
    if at.toy:
        real = at.source.sample(POINTS, np.random.default_rng(0))
        covered = metrics.modes_covered(fakes, at.source)
        near = metrics.precision_recall(fakes, torch.tensor(real, dtype=torch.float32),
                                        most=CARRIED)
        modes = {} if at.classes is None else {"modes": covered.covered}
        return {**modes, "quality": covered.quality,
                "precision": near.precision, "recall": near.recall,
                "wasserstein": assignment_distance(fakes[:CARRIED], real[:CARRIED])}
    fakes = fakes if fakes.dtype == torch.uint8 else fakes.clamp(-1, 1)
    goal, seen = goal_of(at.data)[0], metrics.features(fakes)
    near = metrics.precision_recall(seen, goal, most=NEIGHBOURS)
    with torch.no_grad():
        read = torch.bincount(judge("mnist").net.head(seen).argmax(1), minlength=10)
    return {"frechet": metrics.frechet_distance(seen, goal),
            "kernel": metrics.kernel_distance(seen, goal),
            "precision": near.precision, "recall": near.recall,
            "classes": int((read >= .01 * len(seen)).sum())}


def _check_ground(at):
    if not isinstance(at, Ground):
        raise TypeError(f"at = {told(at)}: a Ground, as ground(\"ring\") gives it")


def assignment_distance(fakes, real) -> float:
    """The earth mover distance between two samples of equal size, exactly: (n, d), (n, d) -> a
    number, in the unit of the points.

    With equal weights some best plan carries each point whole to one other (Birkhoff), so it is the
    best assignment. ValueError for unequal sizes.
    """
    fakes, real = as_points(fakes, "fakes", least=1), as_points(real, "real samples", least=1)
    if fakes.shape != real.shape:
        raise ValueError(f"{fakes.shape} and {real.shape}: an assignment needs as many of each; "
                         "for other weights see transport.plan")
    cost = cdist(real, fakes)
    return float(cost[linear_sum_assignment(cost)].mean())


@lru_cache
def goal_of(data: str):
    """Features of the real test pictures, computed once a process, and what pictures they are."""
    real = pictures_of(data, "test")
    return metrics.features(real.images[:PICTURES_MADE]), described(real)


class Reached:
    """Watches a training: the CPU-seconds after which a few samples first lie within `GOAL`.

    It looks `LOOKS` times, more often in the beginning; its own seconds are `spent`, and count for
    nobody. draw(run, n) -> samples. `seconds` is infinite until the goal is reached.
    """

    def __init__(self, draw, at: Ground, steps: int, clock=time.process_time):
        self.draw, self.at, self.clock = draw, at, clock
        self.looks = set() if at.toy else {max(1, round(steps * (k / LOOKS) ** 1.5))
                                           for k in range(1, LOOKS + 1)}
        self.goal = None if at.toy else goal_of(at.data)[0]     # here, for a training may round
        self.seconds, self.spent, self.began = math.inf, 0.0, clock()

    def __call__(self, run):
        if run.step not in self.looks or self.seconds < math.inf:
            return
        now = self.clock()
        with torch.no_grad(), torch.random.fork_rng():
            fakes = self.draw(run, LOOKED_AT).float().cpu()
        for net in run.players.values():
            net.train()
        if fakes.isfinite().all():
            seen = metrics.features(fakes.clamp(-1, 1))
            if metrics.frechet_distance(seen, self.goal) <= GOAL:
                self.seconds = now - self.began - self.spent
        self.spent += self.clock() - now


# -- anchors ---------------------------------------------------------------------------------------

def anchor(name: str, at: Ground):
    """Real samples that are not those of the judge ("real data"), or pure noise ("noise").

    KeyError for another name, TypeError for what is no Ground."""
    _check_ground(at)
    if name not in ANCHORS:
        raise KeyError(f"no anchor {name!r}; there are {', '.join(ANCHORS)}")
    rng = np.random.default_rng([1, at.seed])
    if at.toy:
        x = (at.source.sample(POINTS, rng) if name == "real data"
             else rng.standard_normal((POINTS, 2)))
        return torch.tensor(x, dtype=torch.float32)
    n = min(PICTURES_MADE, len(at.source.images))
    if name == "real data":
        rows = rng.choice(len(at.source.images), n, replace=False)
        return at.source.images[torch.from_numpy(rows)]
    return torch.from_numpy(rng.integers(0, 256, (n, *at.shape), dtype=np.uint8))


def described(source) -> str:
    """A distribution or an Images in words, with a short hash of what is drawn from it: "mnist:
    60,000 images, 1 × 28 × 28, 10 classes, 5f0c1a2b3c4d"."""
    if hasattr(source, "images"):
        labels = [] if source.labels is None else [source.labels]
        return f"{source!r}, {bytes_hash(source.images, *labels)}"
    # rounded, as another processor may compute the last digits otherwise; + 0 takes the sign of -0
    points = np.round(source.sample(256, np.random.default_rng(0)), 4) + 0
    return f"{source!r}, {bytes_hash(points)}"


@lru_cache
def loaded(data: str, folder: str | None) -> dict:
    """What `contest` on these data will say that it used, by the files in `folder`."""
    if data in TOYS:
        return {"source": described(TOYS[data]())}
    return {"source": described(pictures_of(data)), "test": described(pictures_of(data, "test"))}


# -- sheets ----------------------------------------------------------------------------------------

def keep_sheet(fakes, path: Path):
    """The first twenty pictures in two rows, as ink on paper: a small grey PNG, written whole."""
    from PIL import Image
    ink = 255 - ((fakes[:ROWS * COLUMNS, 0].clamp(-1, 1) + 1) * 127.5).round().numpy()
    high, wide = ink.shape[1:]
    sheet = np.full((ROWS * (high + GAP) - GAP, COLUMNS * (wide + GAP) - GAP), 255, np.uint8)
    for i, one in enumerate(ink):
        y, x = i // COLUMNS * (high + GAP), i % COLUMNS * (wide + GAP)
        sheet[y:y + high, x:x + wide] = one
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        Image.fromarray(sheet).quantize(16).save(file, "png", optimize=True)
