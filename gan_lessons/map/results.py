"""The results of the arena, as committed files: read, summed up, and how to compute them again.

    rows = arena_rows("mnist")                one row a contest, numbers and words
    summary(rows)                             medians over seeds, [lowest, highest], ranks
    recompute(rows[0])                        the command line that computes this row again

Intervals are those of a few independent runs, [lowest, highest], and hold the true median with an
exact probability (`coverage`). Without torch. Used in notebooks/20_map.ipynb; rows come from
gan_lessons/map/arena.py, advice is drawn from them in gan_lessons/map/advice.py.
"""
from __future__ import annotations

import math
import os
import statistics
from collections.abc import Iterable, Mapping
from numbers import Real
from pathlib import Path
from typing import NamedTuple

from ..exact.checks import as_list, check_count, fits, told
from .study import load

RESULTS = Path(__file__).parents[1] / "results"
FILES = {"toys": ("ring", "grid", "swiss roll"), "mnist": ("mnist",)}
ANCHORS = ("real data", "noise")
TRACKS = {"own": "each with the networks and settings of its lesson",
          "common": "the same networks, optimiser and turns for all, nothing normalised"}
STEADY = 1.5                # a seed counts as steady that ends within so many times the median


class Measure(NamedTuple):
    """label: for an axis · best: "lowest" or "highest" · what: what the number is of."""

    label: str
    best: str
    what: str


MEASURES = {
    # of the samples
    "wasserstein": Measure("earth mover distance W", "lowest",
                           "exact between 1,000 fakes and 1,000 real points"),
    "frechet": Measure("Fréchet distance", "lowest",
                       "10,000 fakes against the test pictures, in features"),
    "kernel": Measure("kernel distance", "lowest",
                      "10,000 fakes against the test pictures, in features, unbiased"),
    "precision": Measure("precision", "highest",
                         "share of fakes in the 3-neighbour balls of real samples"),
    "recall": Measure("recall", "highest",
                      "share of real samples in the 3-neighbour balls of fakes"),
    "quality": Measure("high-quality share", "highest",
                       "share of fakes within 3 deviations of a mode"),
    "modes": Measure("modes covered", "highest", "modes with 1 % of the fakes or more"),
    "classes": Measure("classes covered", "highest",
                       "digits that 1 % of the fakes or more are read as"),
    # of the training
    "cpu_seconds": Measure("CPU-seconds of training", "lowest",
                           "one thread; wall-clock seconds on a graphics card"),
    "seconds_to_100": Measure("CPU-seconds to FD 100", "lowest",
                              "of training until 2,500 fakes lie within 100, looked at 14 times"),
    "images_per_second": Measure("real samples a CPU-second", "highest",
                                 "shown to the critic or encoder in training"),
    "memory": Measure("memory of training, MB", "lowest",
                      "highest resident memory while it trains, less that before"),
}


def arena_rows(name: str = "toys") -> list[dict]:
    """The committed rows of "toys" or "mnist", none where nothing is stored, or those of a file.

    One dictionary for each contest, numbers as numbers, empty fields left out. FileNotFoundError,
    listing the two, where there is no such file.
    """
    if not isinstance(name, (str, os.PathLike)):
        raise TypeError(f"results are {', '.join(FILES)}, or the path of a file, not {told(name)}")
    path = RESULTS / f"arena_{name}.csv" if name in FILES else Path(name)
    if name in FILES and not path.exists():
        return []
    if not path.is_file():
        raise FileNotFoundError(f"no results {str(name)!r}: there are {', '.join(FILES)}, or the "
                                "path of a file that `python lessons.py arena` wrote")
    return load(path)


def coverage(n: int) -> float:
    """The probability that [lowest, highest] of n independent runs holds the true median.

    It is exactly 1 - 2^(1 - n): all n lie on one side of the median with probability 2 · 2^-n, if
    no two are equal; ties only help. ValueError for n < 1. Derived in notebooks/20_map.ipynb.
    """
    check_count("n", n, why="an interval needs one run or more")
    return 1 - 2.0 ** (1 - n)


def summary(rows, measures=None) -> list[dict]:
    """One dictionary for each (data, track, measure, objective), for each measure best first.

    n runs with their median, low and high, the lowest and the highest, the interval's coverage, the
    rank, how many failed, and, where low is best, `steady`, the share within 1.5 times the median.
    A run that diverged, or broke down, counts as worse than any number. Who is absent has `absent`,
    the reason, and no numbers. Anchors have no rank, and stand in every track.

    measures: a name, or a list of names, of MEASURES, by default all. KeyError for an unknown
    measure, ValueError for rows where one contest stands twice.
    """
    measures, rows = _measures(measures), checked_rows(rows)
    runs, found = _runs(rows), []
    for data, track in dict.fromkeys((data, track) for data, track, _ in runs):  # each once
        here = {name: some for (where, way, name), some in runs.items()
                if where == data and (way == track or name in ANCHORS)}
        for measure in measures:
            if any(measure in row for some in here.values() for row in some):
                medians = [_median(data, track, measure, name, some) for name, some in here.items()]
                found += _ranked(medians, measure)
    return found


def _measures(measures) -> list[str]:
    """Names of measures, all for None; KeyError for an unknown one."""
    if measures is None:
        return list(MEASURES)
    measures = [measures] if isinstance(measures, str) else measures
    if not isinstance(measures, (list, tuple)) or not all(isinstance(m, str) for m in measures):
        raise TypeError(f"measures are names, as [\"frechet\"], not {told(measures)}")
    if unknown := [name for name in measures if name not in MEASURES]:
        raise KeyError(f"no measure {unknown[0]!r}; there are {', '.join(MEASURES)}")
    return list(measures)


def checked_rows(rows) -> list[dict]:
    """The rows of an arena as a list; TypeError and ValueError for what are none."""
    if isinstance(rows, (str, bytes, Mapping)) or not isinstance(rows, Iterable) or hasattr(
            rows, "detach"):
        raise TypeError("rows are a list of dictionaries, as arena_rows() gives them, not "
                        f"{told(rows)}")
    rows = as_list("rows", rows)
    for row in rows:
        _check_row(row, ("data", "objective", "seed"))
        if odd := [name for name in ("data", "objective") if not isinstance(row[name], str)]:
            raise ValueError(f"{odd[0]} of a row is {told(row[odd[0]])}, and is a name")
        if odd := [name for name in MEASURES if name in row and (
                isinstance(row[name], bool) or not isinstance(row[name], Real))]:
            raise ValueError(f"{odd[0]} of {row['objective']} on {row['data']} is "
                             f"{told(row[odd[0]])}, no number: leave the field out, or the row")
    return rows


def _check_row(row, names):
    if not isinstance(row, Mapping):
        raise TypeError(f"a row is a dictionary, as arena_rows() gives them, not {told(row)}")
    if missing := [name for name in names if name not in row]:
        raise ValueError(f"a row of results lacks {', '.join(missing)}: take rows as arena_rows() "
                         "gives them")


def _runs(rows) -> dict:
    """(data, track, objective) -> its rows, one a seed. ValueError where a seed stands twice."""
    groups = {}
    for row in rows:
        key = row["data"], row.get("track", "own"), row["objective"]
        of_seed = groups.setdefault(key, {})
        if row["seed"] in of_seed:
            raise ValueError(f"{row['objective']} on {row['data']}, seed {row['seed']}, stands "
                             "twice: count no run twice")
        of_seed[row["seed"]] = row
    return {key: list(of_seed.values()) for key, of_seed in groups.items()}


def _median(data, track, measure, name, rows) -> dict:
    """The entry of `summary` for the runs of one objective, without its rank."""
    one = {"data": data, "track": track, "measure": measure, "objective": name,
           "family": rows[0].get("family"), "n": len(rows)}
    if reason := next((row["absent"] for row in rows if "absent" in row), None):
        return {**one, "absent": reason}
    low_is_best = MEASURES[measure].best == "lowest"
    worst = math.inf if low_is_best else -math.inf
    broken = [bool(row.get("failed") or row.get("error") or math.isnan(row.get(measure, 0)))
              for row in rows]
    values = sorted(worst if bad else row[measure]
                    for bad, row in zip(broken, rows) if bad or measure in row)
    if not values:
        return {**one, "absent": "not measured"}
    if math.isfinite(values[0] + values[-1]):
        middle = statistics.median(values)
    else:                                   # the mean of ∞ and a number, or of ∞ and -∞, is none
        middle = values[len(values) // 2]
    one |= {"n": len(values), "median": middle, "low": values[0], "high": values[-1],
            "coverage": coverage(len(values)), "failed": sum(broken)}
    if low_is_best and math.isfinite(middle):
        one["steady"] = sum(value <= STEADY * middle for value in values) / len(values)
    return one


def _ranked(some, measure) -> list[dict]:
    """Best first; equal medians share a rank; anchors and who is absent have none."""
    sign = 1 if MEASURES[measure].best == "lowest" else -1

    def place(one):
        """Low is good; who is absent comes last, with those that broke down."""
        return sign * one["median"] if "median" in one else math.inf
    competing = [one for one in some
                 if one["objective"] not in ANCHORS and math.isfinite(place(one))]
    for one in competing:
        one["rank"] = 1 + sum(place(other) < place(one) for other in competing)
    return sorted(some, key=place)


def table(rows, measures, data: str, track: str = "own") -> str:
    """Lines of text: the medians of one data set and track, [lowest – highest] beside them.

    Best first by the first measure that somebody reached; where nobody reached one, all rows with
    "broke down". KeyError and ValueError as in `summary`, ValueError for data without a row on
    this track.
    """
    rows, measures = checked_rows(rows), _measures(measures)
    if not isinstance(data, str):
        raise TypeError(f"data is the name of a set, as \"ring\", not {told(data)}")
    found = [one for one in summary(rows, measures) if (one["data"], one["track"]) == (data, track)]
    order = [one["objective"] for one in found if one["measure"] == found[0]["measure"]]
    if not found:
        here = {row["objective"]: row for row in rows
                if (row["data"], row.get("track", "own")) == (data, track)}
        order, worst = list(here), dict.fromkeys(("median", "low", "high"), math.inf)
        found = [{"objective": name, "measure": measure, **({} if "absent" in row else worst)}
                 for name, row in here.items() for measure in measures]
    if not order:
        there = ", ".join(dict.fromkeys(f"{row['data']} ({row.get('track', 'own')})"
                                        for row in rows))
        raise ValueError(f"no results of {data!r} on the track {track!r}; there are some of "
                         f"{there or 'nothing'}")
    cells = {(one["objective"], one["measure"]): _cell(one) for one in found}
    wide = max(map(len, order))
    lines = [" " * wide + "".join(f"  {MEASURES[m].label:>26}" for m in measures)]
    for name in order:
        row = "".join(f"  {cells.get((name, m), ''):>26}" for m in measures)
        lines.append(f"{name:{wide}}{row}")
    return "\n".join(lines)


def _cell(one) -> str:
    """An entry of `summary` in at most 26 characters."""
    if "median" not in one:
        return "–"
    if not math.isfinite(one["low"]) and one["low"] == one["high"]:
        return "broke down"
    return f"{short(one['median'])} [{short(one['low'])} – {short(one['high'])}]"


def short(value: float) -> str:
    """A number in three digits, or in whole ones from 100 on; "broke down" for ∞ and nan."""
    if not fits(value, infinite=True) and value != -math.inf and not _is_nan(value):
        raise TypeError(f"a number is written in short, not {told(value)}")
    if not math.isfinite(value):
        return "broke down"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _is_nan(value) -> bool:
    return isinstance(value, Real) and value != value


def recompute(row) -> str:
    """The command that computes this row again, from the project's folder.

    Numbers agree to the last digit on one machine with one version of torch; elsewhere products
    round otherwise, a game amplifies that, and what agrees is the spread over seeds.
    """
    _check_row(row, ("data", "objective", "seed", "steps"))
    where = next((name for name, data in FILES.items() if row["data"] in data), row["data"])
    place = f'--data "{row["data"]}"' if where == "toys" else f'--track {row["track"]}'
    length = f' --steps {row["steps"]}' if row["steps"] else ""         # an anchor has none
    return (f'python lessons.py arena {where} {place} --only "{row["objective"]}" '
            f'--seed {row["seed"]}{length}')


def sheet_path(folder, track: str, name: str) -> Path:
    """Where the sheet of a contestant lies: folder/own/f-gan-kl.png. TypeError for no path."""
    if not isinstance(folder, (str, os.PathLike)) or not isinstance(name, str):
        raise TypeError(f"folder = {told(folder)}, name = {told(name)}: a folder's path and the "
                        "name of a contestant")
    name = name.lower().replace("−", "minus ").replace("ν", "nu")        # names for any file system
    words = "".join(c if c.isalnum() else " " for c in name).split()
    return Path(folder) / track / f"{'-'.join(words)}.png"
