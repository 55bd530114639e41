"""Train a long run, or go on with one that was stopped, and store what it leaves.

    make("07 WGAN-GP", "gan_lessons/results/long")
    python lessons.py long 07             the same for all of lesson 07, two at a time

Introduced in notebooks/01_minimax.ipynb.
"""
from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.torch import save

from ..data.downloads import cache
from ..data.files import atomic_write
from ..exact.checks import fits
from .fingerprint import changes, parts
from .long_runs import LONG, LongRunError, known, slug, train_long
from .stored_runs import Look, store

LOOKS = 14                       # how often the averaged generator is kept on the way
SAVED = 20.0                     # seconds between two notes of how far a training is


def looks(steps: int) -> list[int]:
    """The rounds at which the generator is kept: `LOOKS` of them, denser at the beginning."""
    return sorted({max(1, round(steps * part ** 2)) for part in np.linspace(0, 1, LOOKS + 1)[1:]})


def make(name: str, folder, *, watch: Callable | None = None, again: bool = False) -> Path:
    """Train the long run `name`, or go on with it, and store it in `folder`; where it now lies.

    watch: called now and then with (step, steps, CPU-seconds). again: forget an unfinished one.
    LongRunError for an unknown name, for an unfinished run of other code, for one stopped by
    Ctrl-C, and where there is no room.
    """
    known(name)
    work, found = work_of(name), parts(train_long, {"name": name})
    if again:
        shutil.rmtree(work, ignore_errors=True)
    try:
        work.mkdir(parents=True, exist_ok=True)
        record = _Record(name, work, found, watch)
        run = train_long(name, checkpoint=work / "training.pt", watch=record)
        if run.interrupted:
            record.note(run)
            raise LongRunError(f"{name} was stopped at round {run.step:,} of {run.steps:,}; the "
                               "same command goes on from there")
        record.finish(run)
        stored = store(name, folder, record.looks(), found, record.cpu, run.device,
                       run.players[LONG[name].recipe.judge])
    except OSError as error:
        raise LongRunError(f"{name}: {error}. Free some space, or set GAN_LESSONS_CACHE to a "
                           "folder with more; what was trained so far is kept") from error
    shutil.rmtree(work, ignore_errors=True)
    return stored


def work_of(name: str) -> Path:
    """The folder where an unfinished run lies, in the cache."""
    return cache() / "long" / slug(name)


class _Record:
    """Watches a training: keeps its generator at the looks, its CPU-seconds, and its fingerprint.

    All that it needs to go on after a stop lies in `work`.
    """

    def __init__(self, name, work, found, watch):
        self.work, self.found, self.watch = work, found, watch
        self.steps = LONG[name].recipe.steps
        self.at = set(looks(self.steps))
        self.cpu, self.since, self.saved = 0.0, None, time.monotonic()
        self.before = self._noted()
        if self.before and (changed := changes(self.before["parts"], found)):
            raise LongRunError(f"the code of {name!r} has changed since its training began: "
                               f"{', '.join(changed[:6])}. Begin again with --again")

    def _noted(self):
        try:
            noted = json.loads((self.work / "progress.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        whole = (isinstance(noted, dict) and isinstance(noted.get("parts"), dict)
                 and all(fits(noted.get(name), least=0) for name in ("step", "cpu")))
        return noted if whole else None

    def __call__(self, run):
        now = time.process_time()
        if self.since is None:               # the first round after a start: what was before it
            if self.before:
                self.cpu = self.before["cpu"] * run.step / max(self.before["step"], 1)
        else:
            self.cpu += now - self.since
        self.since = now
        if run.step in self.at:
            self.keep(run)
        if time.monotonic() - self.saved > SAVED or self.before is None:
            self.note(run)

    def keep(self, run):
        weights = {key: (value.half() if value.is_floating_point() else value).cpu().contiguous()
                   for key, value in run.ema["g"].state_dict().items()}
        with atomic_write(self.work / f"look_{run.step:07d}.safetensors") as file:
            file.write(save(weights, {"cpu": f"{self.cpu:.2f}"}))

    def note(self, run):
        self.saved = time.monotonic()
        self.before = {"step": run.step, "cpu": self.cpu, "parts": self.found}
        with atomic_write(self.work / "progress.json") as file:
            file.write(json.dumps(self.before).encode())
        if self.watch is not None:
            self.watch(run.step, run.steps, self.cpu)

    def finish(self, run):
        if self.since is None and self.before:       # it had been trained to the end before
            self.cpu = self.before["cpu"]
        if not (self.work / f"look_{run.step:07d}.safetensors").exists():
            self.keep(run)
        self.note(run)

    def looks(self) -> list[Look]:
        """What was kept, by round."""
        found = []
        for path in sorted(self.work.glob("look_*.safetensors")):
            with safe_open(path, "pt") as file:
                cpu = float(file.metadata()["cpu"])
            found.append(Look(int(path.stem.partition("_")[2]), cpu, path))
        return found
