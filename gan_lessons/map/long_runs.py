"""The long runs of the course: trainings of ten minutes to an hour, each declared once.

    make("07 WGAN-GP")                    train, or go on where it was stopped, then store
    python lessons.py long 07             the same for all of lesson 07, two at a time

What is stored, and `long_run(name)` that loads it: map/stored_runs.py.
Introduced in notebooks/01_minimax.ipynb.
"""
from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.torch import load_file, save

from ..data.datasets import Images, load_images
from ..data.downloads import cache
from ..data.files import atomic_write
from ..players.image_networks import image_critic, image_generator
from ..training.code import bytes_hash
from .fingerprint import changes, parts
from .recipes import PHOTOGRAPHS, RECIPES, Recipe, longer
from .study import depends

LOOKS = 14                       # how often the averaged generator is kept on the way
SAVED = 20.0                     # seconds between two notes of how far a training is


class LongRunError(RuntimeError):
    """A long run that cannot be made, stored or read; the message names the remedy."""


@dataclass(frozen=True)
class Long:
    """One long run: what is trained, on which images. `recipe.steps` is its whole length."""

    recipe: Recipe
    data: str = "mnist"
    seed: int = 0


_WIDE = dict(critic=partial(image_critic, width=64), generator=partial(image_generator, width=48),
             ema=.999)

LONG = {
    "01 non-saturating": Long(longer(
        RECIPES["non-saturating"], 36_000, rates=dict(f=8e-3, g=3e-3), **_WIDE)),
    "07 hinge": Long(longer(RECIPES["hinge"], 36_000, rates=dict(f=8e-3, g=3e-3), **_WIDE)),
    "07 WGAN-GP": Long(longer(RECIPES["WGAN-GP"], 30_000, ema=.999)),
    "07 hinge, photographs": Long(longer(PHOTOGRAPHS["hinge"], 60_000, ema=.9995),
                                  data="cifar10"),
}


class Look(NamedTuple):
    """The averaged generator after some rounds."""

    step: int
    cpu: float                   # CPU-seconds of training up to here
    path: Path


def images_of(name: str, split: str = "train") -> Images:
    """The images of a long run. LongRunError where the real ones are not at hand."""
    data = LONG[name].data
    images = load_images(data, split)
    if images.name != data:
        raise LongRunError(f"{name!r} is trained on {data}, and only {images.name} is here: "
                           "allow the download once, or set GAN_LESSONS_DATA to its folder")
    return images


@depends(lambda name: {"run": LONG[name]}, apart=[LONG, RECIPES, PHOTOGRAPHS])
def train_long(name: str, **options):
    """The training of LONG[name], whole; options as in `Recipe.train`."""
    long = LONG[name]
    return long.recipe.train(images_of(name), seed=long.seed, **options)


def looks(steps: int) -> list[int]:
    """The rounds at which the generator is kept: `LOOKS` of them, denser at the beginning."""
    return sorted({max(1, round(steps * part ** 2)) for part in np.linspace(0, 1, LOOKS + 1)[1:]})


def make(name: str, folder, *, watch: Callable | None = None, again: bool = False) -> Path:
    """Train the long run `name`, or go on with it, and store it in `folder`; where it now lies.

    watch: called now and then with (step, steps, CPU-seconds). again: forget an unfinished one.
    LongRunError for an unknown name, for an unfinished run of other code, for one stopped by
    Ctrl-C, and where there is no room.
    """
    from .stored_runs import store
    known(name)
    work = cache() / "long" / slug(name)
    found = parts(train_long, {"name": name})
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
        stored = store(name, folder, record.looks(), found, record.cpu)
    except OSError as error:
        raise LongRunError(f"{name}: {error}. Free some space, or set GAN_LESSONS_CACHE to a "
                           "folder with more; what was trained so far is kept") from error
    shutil.rmtree(work, ignore_errors=True)
    return stored


def known(name: str) -> Long:
    """LONG[name]; LongRunError, listing the names, for an unknown one."""
    if name not in LONG:
        raise LongRunError(f"no long run {name!r}; there are: {', '.join(LONG)}")
    return LONG[name]


def slug(name: str) -> str:
    """"07 hinge, photographs" -> "07/hinge-photographs", its folder."""
    lesson, _, rest = name.partition(" ")
    words = "".join(c if c.isalnum() else " " for c in rest.lower()).split()
    return f"{lesson}/{'-'.join(words)}"


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
            return json.loads((self.work / "progress.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

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
        weights = {key: value.detach().half().contiguous() if value.is_floating_point() else value
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
        from safetensors import safe_open
        found = []
        for path in sorted(self.work.glob("look_*.safetensors")):
            with safe_open(path, "pt") as file:
                cpu = float(file.metadata()["cpu"])
            found.append(Look(int(path.stem.partition("_")[2]), cpu, path))
        return found


def generator(name: str, shape, weights) -> object:
    """The generator of a long run with the weights of a file, in evaluation mode.

    LongRunError where they do not fit the network that its recipe builds today.
    """
    net = LONG[name].recipe.players(tuple(shape), LONG[name].seed)["g"]
    try:
        net.load_state_dict({key: value.float() if value.is_floating_point() else value
                             for key, value in load_file(weights).items()})
    except Exception as error:
        raise LongRunError(f"the weights in {weights} do not fit {name!r} "
                           f"({str(error).splitlines()[0]}): run python lessons.py long "
                           f"{name[:2]}, or fetch the file again") from error
    return net.eval().requires_grad_(False)


def data_words(images: Images) -> str:
    """"mnist, 60,000 of 1 × 28 × 28, 3f2a…": which data a run has really used."""
    size = " × ".join(map(str, images.shape))
    return f"{images.name}, {len(images):,} of {size}, {bytes_hash(images.images)}"
