"""The results of the arena, as committed files: read, summed up with intervals that are exact, and how to compute them again.

    rows = arena_rows("mnist")                one row a contest, numbers and words
    summary(rows)                             medians over seeds, [lowest, highest], ranks
    recompute(rows[0])                        the command line that computes this row again

Torch-free. Used in notebooks/20_map.ipynb; rows come from gan_lessons/map/arena.py.
"""
from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import NamedTuple

from .study import load

RESULTS = Path(__file__).parents[1] / "results"
FILES = {"toys": ("ring", "grid", "swiss roll"), "mnist": ("mnist",), "cifar10": ("cifar10",)}
ANCHORS = ("real data", "noise")


class Measure(NamedTuple):
    """label for an axis, and whether the best is the "lowest" or the "highest"; `exact`: what the number is of."""

    label: str
    best: str
    what: str


MEASURES = {
    "wasserstein": Measure("earth mover distance W", "lowest", "exact between 1,000 fakes and 1,000 real points"),
    "frechet": Measure("Fréchet distance", "lowest", "10,000 fakes against the test pictures, in features"),
    "precision": Measure("precision", "highest", "share of fakes in the 3-neighbour balls of real samples"),
    "recall": Measure("recall", "highest", "share of real samples in the 3-neighbour balls of fakes"),
    "quality": Measure("high-quality share", "highest", "share of fakes within 3 deviations of a spot"),
    "modes": Measure("modes covered", "highest", "spots with 1 % of the fakes or more"),
    "classes": Measure("classes covered", "highest", "digits that 1 % of the fakes or more are read as"),
    "cpu_seconds": Measure("CPU-seconds of training", "lowest", "one thread; wall-clock seconds on a graphics card"),
    "images_per_second": Measure("real samples a CPU-second", "highest", "shown to the critic or encoder in training"),
    "memory": Measure("memory of training, MB", "lowest", "highest resident memory while it trains, less that before"),
}


def arena_rows(name: str = "toys") -> list[dict]:
    """The committed rows of "toys", "mnist" or "cifar10", or those of a file. FileNotFoundError, listing the three."""
    path = RESULTS / f"arena_{name}.csv" if name in FILES else Path(name)
    if not path.exists():
        raise FileNotFoundError(f"no results {str(name)!r}: there are {', '.join(FILES)}, or the path of a file that "
                                "`python lessons.py arena` wrote")
    return load(path)


def coverage(n: int) -> float:
    """How surely [lowest, highest] of n independent runs holds the true median: 1 - 2^(1 - n), exact.

    All n lie on one side of it with probability 2 · 2^-n, if no two are equal; ties only help. ValueError for n < 1.
    """
    if n < 1:
        raise ValueError("an interval needs one run or more")
    return 1 - 2.0 ** (1 - n)


def summary(rows, measures=None) -> list[dict]:
    """One dictionary for each (data, measure, objective): n, median, low, high, coverage, rank, failed.

    low and high are the lowest and the highest of n runs. A run that diverged, or broke down, counts as worse than any
    number (`failed` of n). Who is absent has `absent`, the reason, and no numbers. Anchors have no rank. Best first.
    KeyError for an unknown measure, ValueError for rows where one contest stands twice.
    """
    measures = list(MEASURES) if measures is None else [measures] if isinstance(measures, str) else list(measures)
    if unknown := [name for name in measures if name not in MEASURES]:
        raise KeyError(f"no measure {unknown[0]!r}; there are {', '.join(MEASURES)}")
    groups = {}
    for row in rows:
        of_seed = groups.setdefault((row["data"], row["objective"]), {})
        if row["seed"] in of_seed:
            raise ValueError(f"{row['objective']} on {row['data']}, seed {row['seed']}, stands twice: count no run twice")
        of_seed[row["seed"]] = row
    found = []
    for data in dict.fromkeys(data for data, _ in groups):
        here = {name: list(of_seed.values()) for (where, name), of_seed in groups.items() if where == data}
        for measure in measures:
            if any(measure in row for some in here.values() for row in some):
                found += _ranked([_median(data, measure, name, some) for name, some in here.items()], measure)
    return found


def _median(data, measure, name, rows) -> dict:
    one = {"data": data, "measure": measure, "objective": name, "family": rows[0].get("family"), "n": len(rows)}
    if reason := next((row["absent"] for row in rows if "absent" in row), None):
        return {**one, "absent": reason}
    worst = math.inf if MEASURES[measure].best == "lowest" else -math.inf
    broken = [bool(row.get("failed") or row.get("error")) for row in rows]
    values = sorted(worst if bad else row[measure] for bad, row in zip(broken, rows) if bad or measure in row)
    if not values:
        return {**one, "absent": "not measured"}
    middle = statistics.median(values) if math.isfinite(values[0] + values[-1]) else values[len(values) // 2]
    return {**one, "n": len(values), "median": middle, "low": values[0], "high": values[-1],
            "coverage": coverage(len(values)), "failed": sum(broken)}


def _ranked(some, measure) -> list[dict]:
    """Best first; equal medians share a rank; anchors and who is absent have none."""
    sign = 1 if MEASURES[measure].best == "lowest" else -1
    place = lambda one: sign * one["median"] if "median" in one else math.inf
    competing = [place(one) for one in some if one["objective"] not in ANCHORS and math.isfinite(place(one))]
    for one in some:
        if one["objective"] not in ANCHORS and math.isfinite(place(one)):
            one["rank"] = 1 + sum(other < place(one) for other in competing)
    return sorted(some, key=place)


def table(rows, measures, data: str) -> str:
    """Lines of text: the medians of one data set, [lowest – highest] beside them, best first by the first measure."""
    found = [one for one in summary(rows, measures) if one["data"] == data]
    order = [one["objective"] for one in found if one["measure"] == found[0]["measure"]]
    cells = {(one["objective"], one["measure"]): _cell(one) for one in found}
    wide = max(map(len, order))
    lines = [" " * wide + "".join(f"  {MEASURES[m].label:>26}" for m in measures)]
    for name in order:
        lines.append(f"{name:{wide}}" + "".join(f"  {cells.get((name, m), ''):>26}" for m in measures))
    return "\n".join(lines)


def _cell(one) -> str:
    if "median" not in one:
        return "–"
    return f"{short(one['median'])} [{short(one['low'])} – {short(one['high'])}]"


def short(value: float) -> str:
    if not math.isfinite(value):
        return "broke down"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def recompute(row) -> str:
    """The command that computes this row again, from the project's folder.

    Numbers agree to the last digit on one machine with one version of torch; elsewhere products round otherwise, a game
    amplifies that, and what agrees is the spread over seeds.
    """
    where = next((name for name, data in FILES.items() if row["data"] in data), row["data"])
    data = f' --data "{row["data"]}"' if where == "toys" else ""
    return f'python lessons.py arena {where}{data} --only "{row["objective"]}" --seed {row["seed"]} --steps {row["steps"]}'
