"""Train the headline results of all lessons, store them, and load what is stored.

    play("14 Improved GAN, 100 labels", seed=1, folder="gan_lessons/results/headlines")
    found = headline("14 Improved GAN, 100 labels")
    print(found.provenance); found.rows, found.curve(1), found.picture("sheet")

A file seed_1.json a seed: scores, curve, CPU-seconds, versions, and the fingerprint of the code
that made it; pictures beside the first. `python lessons.py long 14` plays those of a lesson.
Declared for lessons 14, 15, 17, 18 and 19.
"""
from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median

import numpy as np

from ..data.downloads import cache
from ..data.files import atomic_write
from ..exact.checks import fits
from ..map.fingerprint import changes, fingerprint, parts, versions
from ..map.long_runs import LongRunError, slug
from ..map.stored_runs import compare, read_png, write_png
from .headline import Headline

RESULTS = Path(__file__).parents[1] / "results" / "headlines"
_OWN = {"headline", "table", "__init__"}


def headlines() -> dict[str, Headline]:
    """All that are declared: {"14 Improved GAN, 100 labels": Headline, …}, by lesson."""
    modules = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    found = {}
    for stem in modules:
        if stem not in _OWN:
            found |= import_module(f".{stem}", __package__).HEADLINES
    return dict(sorted(found.items()))


def known(name: str) -> Headline:
    """headlines()[name]; LongRunError, listing the names, for an unknown one."""
    found = headlines()
    if not isinstance(name, str) or name not in found:
        raise LongRunError(f"no headline result {name!r}; there are: {'; '.join(found) or 'none'}")
    return found[name]


# -- training --------------------------------------------------------------------------------------

def play(name: str, seed: int, folder=RESULTS, *, watch: Callable | None = None,
         again: bool = False) -> Path:
    """Train one seed, or go on with it, and store it in `folder`; the file where it now lies.

    watch: called with (step, CPU-seconds, score) at each point of the curve. again: forget an
    unfinished one. LongRunError for an unknown name, a seed that is none of its own, an unfinished
    run of other code, and where there is no room.
    """
    declared = known(name)
    if seed not in declared.seeds:
        raise LongRunError(f"{name!r} is trained with the seeds {declared.seeds}, not {seed!r}")
    work, found = work_of(name, seed), code_of(name)
    try:
        if again:
            shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True, exist_ok=True)
        notes = _Notes(name, work, found, watch)
        scores = dict(declared.train(seed, notes, work))
        pictures = scores.pop("pictures", {})
        row = {"name": name, "seed": seed, **scores, "cpu_seconds": round(notes.cpu_now(), 1),
               "curve": notes.points, "machine": f"{platform.machine()}, {platform.system()}",
               "versions": versions(), "fingerprint": fingerprint(found), "parts": found,
               "probe": probe(name)}
        place = Path(folder) / slug(name)
        place.mkdir(parents=True, exist_ok=True)
        for title, picture in pictures.items() if seed == declared.seeds[0] else ():
            write_png(place / f"{title}.png", picture)
        with atomic_write(place / f"seed_{seed}.json") as file:             # last: now it is whole
            file.write(json.dumps(row, indent=1, ensure_ascii=False).encode())
    except OSError as error:
        raise LongRunError(f"{name}: {error}. Free some space, or set GAN_LESSONS_CACHE to a "
                           "folder with more; what was trained so far is kept") from error
    shutil.rmtree(work, ignore_errors=True)
    return place / f"seed_{seed}.json"


def work_of(name: str, seed: int) -> Path:
    """The folder where an unfinished seed lies, in the cache."""
    return cache() / "headlines" / slug(name) / str(seed)


def code_of(name: str) -> dict[str, str]:
    """On which code and versions a result depends: {module: hash}."""
    return parts(known(name).train, {})


def probe(name: str) -> dict[str, float]:
    """The scores of seed 0 in a handful of rounds: whether changed code still computes the same."""
    with _smoke(), tempfile.TemporaryDirectory() as folder:
        scores = known(name).train(0, lambda step, **scores: None, Path(folder))
    return {key: round(float(value), 5) for key, value in scores.items() if key != "pictures"}


@contextmanager
def _smoke():
    """The budget of a smoke test, for a while."""
    before = os.environ.get("GAN_LESSONS_BUDGET")
    os.environ["GAN_LESSONS_BUDGET"] = "smoke"
    try:
        yield
    finally:
        del os.environ["GAN_LESSONS_BUDGET"]
        if before is not None:
            os.environ["GAN_LESSONS_BUDGET"] = before


class _Notes:
    """note(step, score=…): keeps the curve and the CPU-seconds in `work`, over stops."""

    def __init__(self, name, work, found, watch):
        self.file, self.found, self.watch = work / "progress.json", found, watch
        self.score = known(name).score
        self.points, self.before = [], 0.0
        self.since = time.process_time()
        try:
            noted = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return
        if not (isinstance(noted, dict) and isinstance(noted.get("parts"), dict)
                and isinstance(noted.get("curve"), list) and fits(noted.get("cpu"), least=0)):
            return
        if changed := changes(noted["parts"], found):
            raise LongRunError(f"the code of {name!r} has changed since its training began: "
                               f"{', '.join(changed[:6])}. Begin again with --again")
        self.points, self.before = noted["curve"], noted["cpu"]

    def cpu_now(self) -> float:
        return self.before + time.process_time() - self.since

    def __call__(self, step: int, **scores):
        if any(step <= done for done, *_ in self.points):          # noted before a stop
            return
        score = round(float(scores[self.score]), 5)
        self.points.append([int(step), round(self.cpu_now(), 1), score])
        noted = {"step": int(step), "cpu": self.cpu_now(), "curve": self.points,
                 "parts": self.found}
        with atomic_write(self.file) as file:
            file.write(json.dumps(noted).encode())
        if self.watch is not None:
            self.watch(int(step), self.cpu_now(), score)


# -- reading ---------------------------------------------------------------------------------------

@dataclass(eq=False)
class Stored:
    """The stored seeds of a headline result. `rows`: a dictionary a seed, all that is known."""

    name: str
    folder: Path
    rows: list[dict]

    @property
    def scores(self) -> list[float]:
        """The headline score of each stored seed."""
        return [row[known(self.name).score] for row in self.rows]

    def curve(self, seed: int | None = None) -> np.ndarray:
        """(k, 3): step, CPU-seconds of training, score; of the first stored seed by default."""
        for row in self.rows:
            if seed is None or row["seed"] == seed:
                return np.array(row["curve"], dtype=float)
        raise LongRunError(f"seed {seed!r} of {self.name!r} is not stored; there are "
                           f"{[row['seed'] for row in self.rows]}")

    def picture(self, title: str = "sheet") -> np.ndarray:
        """A picture that the first seed has left: (h, w[, 3]) from 0 to 1. LongRunError."""
        there = sorted(path.stem for path in self.folder.glob("*.png"))
        if title not in there:
            raise LongRunError(f"{self.name!r} has no picture {title!r}; it has "
                               f"{', '.join(there) or 'none'}")
        return read_png(self.folder / f"{title}.png")

    @property
    def provenance(self) -> str:
        """What it reaches beside the paper, and where it comes from, in lines for a phone."""
        declared, row = known(self.name), self.rows[0]
        said = [declared.form.format(score) for score in sorted(self.scores)]
        middle = declared.form.format(median(self.scores))
        minutes = median(row["cpu_seconds"] for row in self.rows) / 60
        return (f"{self.name}\n"
                f"{declared.score} {middle} (seeds {said[0]} to {said[-1]})\n"
                f"paper: {declared.paper}\n"
                f"{len(self.rows)} seeds, {minutes:.0f} CPU-minutes of one core each\n"
                f"torch {row['versions']['torch']}, {row['machine']}\n"
                f"code {row['fingerprint']}")

    def stale(self) -> list[str]:
        """Modules and versions that have changed since; empty where all are the same."""
        now = code_of(self.name)
        return sorted({change for row in self.rows for change in changes(row["parts"], now)})

    def verify(self):
        """LongRunError if today's code trains otherwise than the code that made these rows.

        Where a text has changed, a handful of rounds are trained again and compared.
        """
        if not self.stale():
            return
        now = probe(self.name)
        for row in self.rows:
            compare(self.name, row["probe"], now)

    def __repr__(self):
        return f"Stored({self.provenance})"


def _odd(row: dict, score: str) -> str:
    """What of a row is not what was stored; "" if all is."""
    for name in (score, "seed", *({"cpu_seconds"} & row.keys())):
        if not fits(row[name]):
            return name
    if not isinstance(row.get("versions", {}), dict):
        return "versions"
    try:
        curve = np.array(row["curve"], dtype=float)
    except (TypeError, ValueError):
        return "curve"
    whole = curve.ndim == 2 and curve.shape[1] == 3 or not curve.size
    return "" if whole and isinstance(row["parts"], dict) else "parts" if whole else "curve"


def headline(name: str, folder=RESULTS) -> Stored:
    """A stored headline result by its name. LongRunError, listing the names, for an unknown one,
    and for one of which no seed is stored or a file is damaged."""
    declared = known(name)
    place = Path(folder) / slug(name)
    again = f"train it with python lessons.py long {name[:2]}"
    rows = []
    for seed in declared.seeds:
        path = place / f"seed_{seed}.json"
        if not path.exists():
            continue
        try:
            row = json.loads(path.read_text(encoding="utf-8"))
            missing = {"seed", "curve", "probe", "parts", declared.score} - row.keys()
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            raise LongRunError(f"{path} cannot be read ({error}): fetch it again "
                               f"(git checkout -- {path}), or {again}") from error
        if missing:
            raise LongRunError(f"{path} lacks {', '.join(sorted(missing))}: {again}")
        if odd := _odd(row, declared.score):
            raise LongRunError(f"{odd} in {path} is no number, or no list of them: fetch it again "
                               f"(git checkout -- {path}), or {again}")
        rows.append(row)
    if not rows:
        stored = "; ".join(one for one in headlines() if any((Path(folder) / slug(one))
                                                             .glob("seed_*.json")))
        raise LongRunError(f"{name!r} is not stored here: {again}. Stored are: {stored or 'none'}")
    return Stored(name, place, rows)
