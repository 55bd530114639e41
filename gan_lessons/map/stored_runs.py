"""What a long run has left behind: pictures, a curve, weights, and where they come from.

    run = long_run("07 WGAN-GP")
    run.samples(64), run.sheet(), run.strip(), run.curve(), print(run.provenance)

A folder of `row.json` (settings, seed, versions, CPU-seconds, curve, fingerprint, a probe),
`weights.safetensors` (the averaged generator, float16), `sheet.png` and `strip.png`. Nothing is
downloaded and nothing is unpickled: the network is built by the recipe of that name.
Introduced in notebooks/01_minimax.ipynb.
"""
from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import shutil
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ..data.datasets import Images
from ..data.files import atomic_write
from ..drawing.plots import sheet
from ..exact.checks import as_numbers, check_count, told
from ..exact.laws import Normal
from ..measures.metrics import class_probabilities, frechet_distance, precision_recall
from ..measures.prediction import predict
from ..pixels import scaled
from ..players.modes import evaluating
from ..players.networks import takes_labels
from .fingerprint import changes, fingerprint, parts, versions
from .long_runs import (
    LONG,
    LongRunError,
    data_words,
    generator,
    images_of,
    known,
    slug,
    train_long,
)

RESULTS = Path(__file__).parents[1] / "results" / "long"
SHEET, STRIP = 100, (8, 4)                # pictures of a sheet; of a strip, and how many times
SCORED = 10_000                           # pictures of a distance
ROW = {"steps", "seed", "recipe", "data", "shape", "classes", "cpu_seconds", "curve", "distance",
       "machine", "versions", "fingerprint", "parts", "probe", "weights"}    # what is read of a row


class Look(NamedTuple):
    """The averaged generator after some rounds."""

    step: int
    cpu: float                   # CPU-seconds of training up to here
    path: Path


# -- writing ---------------------------------------------------------------------------------------

def store(name: str, folder, looks: list[Look], found: dict, cpu: float, device,
          judge: nn.Module) -> Path:
    """Score the looks of a training on `device` and write its folder below `folder`. OSError.

    judge: the trained player against the generator; one that predicts classes is scored as well.
    """
    images, test, recipe = images_of(name), images_of(name, "test"), LONG[name].recipe
    nets = [generator(name, images.shape, look.path) for look in looks]
    curve = [(look.step, round(look.cpu, 1), round(_score(net, recipe, test), 2))
             for look, net in zip(looks, nets)]
    last = _draw(nets[-1], recipe, SCORED)
    precision, recall = precision_recall(last, test, most=min(SCORED, 5000))
    row = {
        "name": name, "seed": LONG[name].seed, "steps": recipe.steps, "recipe": str(recipe),
        "data": data_words(images), "shape": list(images.shape),
        "classes": len(images.classes),
        "cpu_seconds": round(cpu, 1), "curve": curve, "distance": curve[-1][2],
        "precision": round(precision, 3), "recall": round(recall, 3),
        "machine": f"{platform.machine()}, {platform.system()}", "device": str(device),
        "versions": versions(), "fingerprint": fingerprint(found), "parts": found,
        "probe": probe(name)}
    place = Path(folder) / slug(name)
    place.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(looks[-1].path, place / "weights.safetensors")
    row["weights"] = _hash(place / "weights.safetensors")
    row |= _of_labels(last, nets[-1], judge, LONG[name].data, test)
    write_png(place / "sheet.png", sheet(last[:SHEET].numpy(), 10))
    chosen = [nets[k] for k in strip_looks(len(nets))]
    across = nets[-1].classes if takes_labels(nets[-1]) else STRIP[0]      # a column a class
    rows = torch.cat([_draw(net, recipe, across) for net in chosen])
    write_png(place / "strip.png", sheet(rows.numpy(), across))
    row["strip"] = [curve[k][0] for k in strip_looks(len(nets))]
    with atomic_write(place / "row.json") as file:               # last: now it is whole
        file.write(json.dumps(row, indent=1, ensure_ascii=False).encode())
    return place


def compare(name: str, before: dict, now: dict) -> None:
    """LongRunError where two results of `probe` differ: {what: number or numbers}."""
    for what, numbers in before.items():
        if not np.allclose(numbers, now.get(what, np.nan), rtol=2e-3, atol=2e-3):
            was, is_now = (np.atleast_1d(one.get(what, "missing"))[:3].tolist()
                           for one in (before, now))
            raise LongRunError(
                f"{name!r} was made by other code: {what} of its first rounds was {was}, and is "
                f"{is_now} now. Train it again: python lessons.py long {name[:2]}")


def strip_looks(n: int) -> list[int]:
    """Which of n looks stand on the film strip: the first, two on the way, the last."""
    check_count("n", n, why="looks")
    return [round(k) for k in np.linspace(0, n - 1, STRIP[1])]


def probe(name: str) -> dict[str, list[float]]:
    """Eight rounds of the same training, whole, in full precision: its losses and its pictures.

    It says whether code whose text has changed still computes the same.
    """
    run = train_long(name, steps=8, precision="highest", watch=None)
    made = run.samples(16)
    return {**{player: [round(v, 5) for v in values] for player, values in run.losses.items()},
            "pictures": [round(made.mean().item(), 5), round(made.std().item(), 5)]}


def _score(net, recipe, test) -> float:
    return frechet_distance(_draw(net, recipe, SCORED), test)


def _of_labels(samples, net, judge, data: str, test: Images) -> dict:
    """What a row says about labels: the share of samples that the set's classifier reads as the
    label asked for, and the share of test pictures that a judge with `losses` predicts rightly."""
    said = {}
    if takes_labels(net):
        asked = torch.arange(len(samples)) % net.classes
        right = class_probabilities(samples, data).argmax(1) == asked
        said["as_asked"] = round(right.double().mean().item(), 4)
    if hasattr(judge, "losses"):
        with evaluating(judge):
            right = predict(judge, test.images) == test.labels
        said["accuracy"] = round(right.double().mean().item(), 4)
    return said


def _draw(net, recipe, n: int, seed: int = 0, y=None) -> Tensor:
    """n pictures of `net`; labels y (n,), by default 0, 1, 2, … in turn, where it takes them."""
    given = [latent(recipe.noise, n, seed)]
    if takes_labels(net):
        given.append(torch.arange(n) % net.classes if y is None else y)
    with torch.no_grad():
        return torch.cat([net(*part) for part in zip(*(whole.split(500) for whole in given))])


def latent(dim: int, n: int, seed: int = 0) -> Tensor:
    """n latent codes of the prior N(0, I): (n, dim) float32, the same for the same seed."""
    drawn = Normal(dim=dim).sample(n, np.random.default_rng(seed))
    return torch.as_tensor(drawn, dtype=torch.float32)


def write_png(path, picture):
    """A picture (h, w) or (h, w, 3) of numbers from 0 to 1, as a file. ValueError for another."""
    picture = as_numbers(picture, "a picture")
    if picture.ndim not in (2, 3) or not picture.size or not 0 <= picture.min() <= (
            picture.max()) <= 1:
        raise ValueError(f"a picture is (h, w) or (h, w, 3) numbers from 0 to 1, as sheet(images) "
                         f"gives it, not of shape {picture.shape}")
    buffer = io.BytesIO()
    Image.fromarray((picture * 255).round().astype(np.uint8)).save(buffer, "png",
                                                                              optimize=True)
    with atomic_write(path) as file:
        file.write(buffer.getvalue())


def _hash(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


# -- reading ---------------------------------------------------------------------------------------

@dataclass(eq=False)
class LongRun:
    """A stored training. `row` is all that is known about it."""

    name: str
    folder: Path
    row: dict

    @cached_property
    def generator(self) -> nn.Module:
        """The averaged generator at the end: (n, noise) -> (n, c, h, w), in evaluation mode."""
        return generator(self.name, self.row["shape"], self.folder / "weights.safetensors")

    def latent(self, n: int, seed: int = 0) -> Tensor:
        """n codes of the prior N(0, I): (n, noise), the same for the same seed."""
        return latent(LONG[self.name].recipe.noise, n, seed)

    def samples(self, n: int = 64, y=None, *, seed: int = 0) -> Tensor:
        """n pictures of the stored generator: (n, c, h, w) in [-1, 1].

        y: labels (n,), or one for all, for a generator that takes them; by default 0, 1, 2, … in
        turn. ValueError for labels that do not fit or are not taken.
        """
        net = self.generator
        if y is not None and not takes_labels(net):
            raise ValueError(f"the generator of {self.name!r} takes no labels")
        if y is not None:
            y = torch.as_tensor(y)
            if (y.shape not in ((), (n,)) or y.is_floating_point()
                    or not 0 <= y.min() <= y.max() < net.classes):
                raise ValueError(f"{n} samples of {net.classes} classes need {n} labels from 0 to "
                                 f"{net.classes - 1}, or one for all, not {told(y)}")
            y = y.expand(n)
        return _draw(net, LONG[self.name].recipe, n, seed, y)

    def neighbours(self, images: Images, n: int = 8, seed: int = 0) -> tuple[Tensor, Tensor]:
        """n pictures, and to each that of `images` at the least Euclidean distance in pixels.

        (n, c, h, w) in [-1, 1] and (n, c, h, w) uint8. Only what was memorised would look alike.
        """
        if getattr(getattr(images, "images", None), "shape", ())[1:] != tuple(self.row["shape"]):
            raise ValueError(f"neighbours are looked for among Images of shape "
                             f"{tuple(self.row['shape'])}, as load_images() gives them, not in "
                             f"{told(images)}")
        made, images = self.samples(n, seed=seed), images.images
        best, at = torch.full((n,), torch.inf), torch.zeros(n, dtype=torch.int64)
        for first in range(0, len(images), 5000):
            part = scaled(images[first:first + 5000]).flatten(1)
            distance, row = torch.cdist(made.flatten(1), part).min(1)            # (n,)
            at = torch.where(distance < best, first + row, at)
            best = torch.minimum(best, distance)
        return made, images[at]

    def by_class(self, n: int = 10, seed: int = 0, draws: int = 2000) -> Tensor:
        """n pictures of each class as the set's classifier names them: (classes, n, c, h, w).

        The first ones that come, unchosen; a class of fewer than n among `draws` ends in blanks. A
        generator that takes labels is asked for each class.
        """
        check_count("n", n)
        check_count("draws", draws)
        if takes_labels(self.generator):
            classes = self.generator.classes
            made = self.samples(n * classes, torch.arange(classes).repeat_interleave(n), seed=seed)
            return made.unflatten(0, (classes, n))
        made = self.samples(draws, seed=seed)
        kind = class_probabilities(made, LONG[self.name].data).argmax(1)
        classes = self.row["classes"]
        found_of = torch.full((classes, n, *made.shape[1:]), -1.0)
        for y in range(classes):
            found = made[kind == y][:n]
            found_of[y, :len(found)] = found
        return found_of

    def sheet(self) -> np.ndarray:
        """A hundred pictures as they were stored, 10 × 10: (10 h, 10 w[, 3]) from 0 to 1."""
        return read_png(self.folder / "sheet.png")

    def strip(self) -> np.ndarray:
        """The film strip, a row of eight pictures, or one of each label, at each of four rounds:
        (4 h, 8 w[, 3])."""
        return read_png(self.folder / "strip.png")

    def curve(self) -> np.ndarray:
        """(k, 3): round, CPU-seconds of training, Fréchet distance of 10,000 pictures."""
        return np.array(self.row["curve"], dtype=float)

    @property
    def provenance(self) -> str:
        """Where it comes from, in five lines that a phone can show."""
        row = self.row
        return (f"{self.name}: Fréchet distance {row['distance']:.1f}\n"
                f"{row['steps']:,} rounds, {row['cpu_seconds'] / 60:.0f} CPU-minutes of one core\n"
                f"seed {row['seed']}, {row['data'].rpartition(',')[0]}\n"
                f"torch {row['versions']['torch']}, {row['machine']}\n"
                f"code {row['fingerprint']}")

    def stale(self) -> list[str]:
        """Modules and versions that have changed since; empty where code and versions are same."""
        return changes(self.row["parts"], parts(train_long, {"name": self.name}))

    def verify(self):
        """LongRunError if today's code trains otherwise than the code that made this run.

        Where a text has changed, eight rounds are trained again and compared.
        """
        if not self.stale():
            return
        compare(self.name, self.row["probe"], probe(self.name))

    def __repr__(self):
        return f"LongRun({self.provenance})"


def long_run(name: str, folder=RESULTS) -> LongRun:
    """A stored long run by its name, as "07 WGAN-GP".

    LongRunError, listing the names, for an unknown one, and for one that is not stored, damaged,
    or made by another recipe than today's.
    """
    known(name)
    if not isinstance(folder, (str, os.PathLike)):
        raise LongRunError(f"folder = {told(folder)}: the path of a folder of stored runs, or "
                           "leave it out")
    place = Path(folder) / slug(name)
    again = f"train it with python lessons.py long {name[:2]}"
    try:
        row = json.loads((place / "row.json").read_text(encoding="utf-8"))
        weights = _hash(place / "weights.safetensors")
    except (OSError, ValueError, RecursionError) as error:
        stored = ", ".join(n for n in LONG if (Path(folder) / slug(n) / "row.json").exists())
        raise LongRunError(f"{name!r} is not stored here ({error}): {again}. Stored are: "
                           f"{stored or 'none'}") from error
    lost = sorted(ROW - row.keys()) if isinstance(row, dict) else ["everything"]
    if lost or any(not (place / name).is_file() for name in ("sheet.png", "strip.png")):
        raise LongRunError(f"{name!r} in {place} is not whole ({', '.join(lost) or 'a picture'} is "
                           f"missing): fetch it again (git checkout -- {place}), or {again}")
    if odd := _odd(row):
        raise LongRunError(f"{odd} of {name!r} in {place} {'is' if odd != 'versions' else 'are'} "
                           f"none any more: fetch row.json again (git checkout -- {place}), or "
                           f"{again}")
    if weights != row.get("weights"):
        raise LongRunError(f"the weights of {name!r} in {place} are damaged: fetch them again "
                           f"(git checkout -- {place}), or {again}")
    if str(row.get("recipe")).split() != str(LONG[name].recipe).split():        # as words
        raise LongRunError(f"{name!r} was stored with another recipe than today's: {again}")
    return LongRun(name, place, row)


KINDS = {"steps": Real, "seed": Real, "cpu_seconds": Real, "distance": Real, "classes": Real,
         "recipe": str, "data": str, "machine": str, "fingerprint": str, "shape": list,
         "versions": dict, "parts": dict, "probe": dict}      # of what stands in a row


def _odd(row: dict) -> str:
    """What of a row is no longer what was stored, as a number that has become a word; "" if all
    is."""
    for name, kind in KINDS.items():
        if not isinstance(row[name], kind) or isinstance(row[name], bool):
            return name
    try:
        curve = np.array(row["curve"], dtype=float)
    except (TypeError, ValueError):
        return "curve"
    if curve.ndim != 2 or curve.shape[1] != 3 or "torch" not in row["versions"]:
        return "curve" if "torch" in row["versions"] else "versions"
    return ""


def read_png(path) -> np.ndarray:
    """A stored picture from 0 to 1; LongRunError for one that is damaged."""
    try:
        with Image.open(path) as picture:
            return np.asarray(picture, dtype=np.float64) / 255
    except (OSError, SyntaxError) as error:
        raise LongRunError(f"{path} is no picture that can be read ({error}): fetch it again "
                           f"(git checkout -- {path})") from error
