"""The arena of notebooks/20_map.ipynb: every objective on the same toys and pictures, scored in
one way.

    contest("WGAN-GP", "ring", seed=0)                     one training and its scores
    contest("my game", "ring", 0, own={"my game": game})   a game of your own, common networks
    run_arena("toys", "mine.csv", seeds=range(3))          a study of all, that can be resumed

From the command line: python lessons.py arena toys|mnist|cifar10, or python -m
gan_lessons.map.arena. Who plays how stands in gan_lessons/map/contestants.py; results are read by
gan_lessons/map/results.py.
"""
from __future__ import annotations

import argparse
import gc
import os
import platform
import sys
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from ..data.batches import batches
from ..data.datasets import DataUnavailable
from ..data.files import usable
from ..exact.checks import check_flag, fits, told
from ..exact.laws import Normal
from ..game import Game, check_takes
from ..measures import metrics
from ..measures.classifier import judge
from ..players.spectral import spectrally_normalised
from ..training.budgets import budget
from ..training.budgets import steps as budgeted
from ..training.code import bytes_hash
from ..training.loop import train
from ..training.optimizers import adam, rmsprop
from ..training.run import TrainingDiverged
from .contestants import (
    CONTESTANTS,
    TOYS,
    Contestant,
    Ground,
    Play,
    ground,
    labelled,
    pictures_of,
)
from .gradients import named_games
from .objectives import OBJECTIVES
from .results import ANCHORS, FILES, table
from .study import depends, study

POINTS, CARRIED, PICTURES_MADE, NEIGHBOURS = 2_000, 1_000, 10_000, 2_000
RATES = {"adam": adam, "rmsprop": rmsprop}
SHOWN = 8                   # pictures of each contest that are kept where a folder is given
FULL = 20                   # the full budget plays so many times the laptop's steps


# -- one contest -------------------------------------------------------------------------------

def contest(objective: str, data: str, seed: int = 0, steps: int | None = None,
            own: Mapping | None = None, keep: str | Path | None = None) -> dict:
    """Train one contestant on "ring", "grid", "swiss roll", "mnist" or "cifar10" and score it: a
    row of plain numbers and words.

    objective: a name of CONTESTANTS, "real data" or "noise" (the anchors), or a name in `own`.
    own: {name: Game}, {name: (Game, dict(turns={"f": 3}, lr=1e-3, optimizer="adam",
        normalised=True))}, or {name: function of the Ground -> Play}. A Game's players f or l and
        g are the common networks, with labels if a loss asks for y.
    steps: generator updates, by default those of the budget.
    keep: a folder for the first eight pictures of a contestant; it changes no number.
    The data that were really loaded stand in the row: `source`, and `test` for pictures.
    Who cannot compete has `absent`, the reason; a training whose loss became nan, or whose samples
    did, has `failed`. KeyError for unknown names, ValueError for unknown data and for games that
    need players of their own.
    """
    at = ground(data, seed)
    steps = budgeted(laptop=at.steps, full=FULL * at.steps) if steps is None else steps
    row = {"objective": objective, "data": data, "seed": seed, "steps": steps, "budget": budget(),
           **_machine(), "source": described(at.source)}
    if not at.toy:
        # drawn digits where MNIST cannot be had
        row["images"] = at.source.name
    if objective in ANCHORS:
        return {**row, "family": "anchor", **_scored(_anchor(objective, at), at)}
    known, row["family"], row["lesson"], row["needs"] = _known(objective, own)
    if data in known.absent:
        return {**row, "absent": known.absent[data]}
    play = known.play(at)
    if not isinstance(play, Play):
        raise TypeError(f"{objective!r} gives {told(play)} for the Ground, and a Play is needed: a "
                        "game, its players and their settings")
    row |= _settings(play, at)
    try:
        run, costs = _trained(play, at, seed, steps)
        with torch.no_grad():
            draw = play.draw or (lambda run, n: run.samples(n))
            fakes = draw(run, POINTS if at.toy else PICTURES_MADE).float().cpu()
    except TrainingDiverged as error:
        return {**row, "failed": str(error).split(":")[0]}
    row |= costs
    if not fakes.isfinite().all():
        return {**row, "failed": "samples hold nan or inf"}
    if keep and not at.toy and objective in CONTESTANTS:
        number = list(CONTESTANTS).index(objective)
        _keep(fakes[:SHOWN], Path(keep) / f"{data}_{number}_{seed}.npy")
    return {**row, **_scored(fakes, at)}


def _scored(fakes, at: Ground) -> dict:
    """The scores, and which test pictures they compare with."""
    return {**({} if at.toy else {"test": _goal(at.data)[1]}), **score(fakes, at)}


def _known(objective, own):
    """(contestant, family, lesson, needs) of a name."""
    own = named_games(own)
    if objective in own:
        mine = own[objective]
        game, settings = mine if isinstance(mine, tuple) and len(mine) == 2 else (mine, {})
        if not (isinstance(game, Game) or callable(game)) or not isinstance(settings, Mapping):
            raise TypeError(f"own[{objective!r}] is a Game, (Game, dict(lr=1e-3)) or a function of "
                            f"the Ground, not {mine!r:.80}")
        if alone := not isinstance(game, Game):
            check_takes(f"own[{objective!r}]", game, 1, "the Ground that returns a Play")
        play = game if alone else partial(_with_common, game, settings)
        return Contestant(objective, play), "yours", "", ""
    if objective not in CONTESTANTS:
        raise KeyError(f"no contestant {objective!r}; there are "
                       f"{', '.join([*CONTESTANTS, *ANCHORS])}, and your own, own=")
    one = CONTESTANTS[objective]
    return one, one.objective.family, one.objective.lesson, one.needs


def _with_common(game: Game, settings: Mapping, at: Ground) -> Play:
    """A learner's game, played by the common networks. ValueError where its players are others."""
    settings = dict(settings)
    critic = next((name for name in game.players if name != "g"), None)
    if set(game.players) not in ({"f", "g"}, {"l", "g"}):
        raise ValueError(f"the players of this game are {', '.join(game.players)}; the arena has "
                         "networks for f or l and g at hand: give a function of the Ground that "
                         "returns a Play with all players")
    if unknown := settings.keys() - {"turns", "lr", "optimizer", "normalised"}:
        raise ValueError(f"unknown settings {', '.join(sorted(unknown))}; there are turns, lr, "
                         "optimizer, normalised")
    if not isinstance(settings.get("turns", {}), Mapping):
        raise TypeError(f"turns = {told(settings['turns'])}: moves a round by players, as "
                        '{"f": 5}')
    if not fits(settings.get("lr", 1.), above=0):
        raise ValueError(f"lr = {told(settings['lr'])}: a learning rate is a number above 0")
    if settings.get("optimizer", "adam") not in list(RATES):
        raise ValueError(f"optimizer = {told(settings['optimizer'])}: one of {', '.join(RATES)}")
    check_flag(normalised=settings.get("normalised", False))
    nets = dict(f=at.critic(), g=at.generator())
    if any("y" in move.needs for move in game.moves):
        if at.classes is None:
            raise ValueError(f"this game asks for labels, and {at.data} has none: take the ring, "
                             "the grid or pictures")
        nets = labelled(at)
    if settings.pop("normalised", False):
        nets["f"] = spectrally_normalised(nets["f"])
    return Play(game, {critic: nets["f"], "g": nets["g"]},
                **{"turns": {critic: 2 if at.toy else 1}, **settings})


def _settings(play: Play, at: Ground) -> dict:
    """What is common, and what is this contestant's own."""
    turns = " ".join(f"{name} {many}" for name, many in play.turns.items()) or "1"
    learnt = [w for net in play.players.values() for w in net.parameters() if w.requires_grad]
    return {"batch": at.batch, "width": at.width, "noise": play.noise or at.noise,
            "optimizer": play.optimizer, "lr": play.lr or at.lr, "turns": turns, "ema": at.decay,
            "own": play.own, "parameters": sum(w.numel() for w in learnt)}


def _trained(play: Play, at: Ground, seed: int, steps: int):
    """The run, and what it cost."""
    source = batches(play.source if play.source is not None else at.source,
                     z=Normal(dim=play.noise or at.noise), batch=at.batch, seed=seed,
                     unlabelled=play.unlabelled)
    rate = RATES[play.optimizer](play.lr or at.lr)
    _warm()
    # samples are drawn from generators, decoders and flows; a critic's average would serve nobody
    averaged = {name: at.decay for name, net in play.players.items()
                if name not in "fl" and any(w.requires_grad for w in net.parameters())}
    common = dict(optimizer=rate, watch=None, seed=seed, precision=at.precision)
    before = _resident()
    cpu, wall = time.process_time(), time.perf_counter()
    shown, left = 0, steps
    if play.opening:
        game, after = play.opening
        left = steps - steps // 2
        nets = {name: play.players[name] for name in game.players}
        first = train(game, nets, source, steps=max(1, steps // 2),
                      ema={k: v for k, v in averaged.items() if k in nets}, **common)
        after(first, play.players)
        shown = first.images
    run = train(play.game, play.players, source, steps=left, turns=play.turns, ema=averaged,
                **common)
    # CPU-seconds do not see a graphics card work, and wall-clock seconds see other programs
    on_gpu = run.device.type == "cuda"
    seconds = time.perf_counter() - wall if on_gpu else time.process_time() - cpu
    return run, {"cpu_seconds": round(seconds, 3),
                 "images_per_second": round((run.images + shown) / max(seconds, 1e-9), 1),
                 "memory": _grown(before),
                 "device": torch.cuda.get_device_name() if on_gpu else run.device.type}


def _anchor(name: str, at: Ground):
    """Real samples that are not those of the judge, or pure noise."""
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


@lru_cache
def _warm():
    """A first step loads parts of torch: seconds and megabytes that no contestant should be
    charged for."""
    x = torch.nn.Linear(1, 1)
    for make in RATES.values():
        step = make(1e-3)(x.parameters())
        x(torch.ones(2, 1)).sum().backward()
        step.step()


def _keep(fakes, path: Path):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, ((fakes.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).numpy())


def picture_rows(folder, data: str, path, seed: int = 0):
    """What was kept in `folder`, as one PNG at `path`: a row of 8 pictures for each of CONTESTANTS,
    in order; empty for who made none."""
    from PIL import Image
    at = ground(data)
    rows = np.full((len(CONTESTANTS), SHOWN, *at.shape), 255, np.uint8)     # (n, 8, c, h, w)
    for i in range(len(CONTESTANTS)):
        if (one := Path(folder) / f"{data}_{i}_{seed}.npy").exists():
            # digits are printed as ink on paper
            rows[i] = np.load(one) if at.shape[0] == 3 else 255 - np.load(one)
    n, many, channels, high, wide = rows.shape
    # (n, 8, c, h, w) -> (n h, 8 w, c)
    sheet = rows.transpose(0, 3, 1, 4, 2).reshape(n * high, many * wide, channels)
    image = Image.fromarray(sheet[..., 0] if channels == 1 else sheet)
    (image.quantize(16) if channels == 1 else image.quantize(96)).save(path, optimize=True)


# -- scores ------------------------------------------------------------------------------------

def score(fakes, at: Ground) -> dict:
    """The measures of `results.MEASURES` that the data allow: points (n, 2), or pictures
    (n, c, h, w) in [-1, 1] or uint8, -> numbers."""
    if at.toy:
        real = at.source.sample(POINTS, np.random.default_rng(0))
        covered = metrics.modes_covered(fakes, at.source)
        near = metrics.precision_recall(fakes, torch.tensor(real, dtype=torch.float32),
                                        most=CARRIED)
        spots = {} if at.classes is None else {"modes": covered.covered}
        return {**spots, "quality": covered.quality,
                "precision": near.precision, "recall": near.recall,
                "wasserstein": assignment_distance(fakes[:CARRIED], real[:CARRIED])}
    fakes = fakes if fakes.dtype == torch.uint8 else fakes.clamp(-1, 1)
    goal, seen = _goal(at.data)[0], _features(fakes, at.data)
    near = metrics.precision_recall(seen, goal, most=NEIGHBOURS)
    found = {"frechet": metrics.frechet_distance(seen, goal), "precision": near.precision,
             "recall": near.recall}
    if at.data == "mnist":
        with torch.no_grad():
            read = torch.bincount(judge("mnist").net.head(seen).argmax(1), minlength=10)
        found["classes"] = int((read >= .01 * len(seen)).sum())
    return found


def assignment_distance(fakes, real) -> float:
    """The earth mover distance between two samples of equal size, exactly: (n, d), (n, d) -> a
    number, in the unit of the points.

    With equal weights some best plan carries each point whole to one other (Birkhoff), so it is the
    best assignment. ValueError for unequal sizes.
    """
    fakes, real = (np.asarray(x, dtype=float) for x in (fakes, real))
    if fakes.shape != real.shape:
        raise ValueError(f"{fakes.shape} and {real.shape}: an assignment needs as many of each; "
                         "for other weights see transport.plan")
    cost = cdist(real, fakes)
    return float(cost[linear_sum_assignment(cost)].mean())


def _features(images, data):
    return metrics.features(images) if data == "mnist" else metrics.colour_features(images)


@lru_cache
def _goal(data: str):
    """Features of the real test pictures, computed once a process, and what pictures they are."""
    real = pictures_of(data, "test")
    return _features(real.images[:PICTURES_MADE], data), described(real)


# -- what it ran on ----------------------------------------------------------------------------

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
def _loaded(data: str, folder: str | None) -> dict:
    """What `contest` on these data will say that it used, by the files in `folder`."""
    if data in TOYS:
        return {"source": described(TOYS[data]())}
    return {"source": described(pictures_of(data)), "test": described(pictures_of(data, "test"))}


@lru_cache
def _machine() -> dict:
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next(line.split(":", 1)[1].strip() for line in file
                        if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {"machine": f"{name}, {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}"}


def _status(name: str) -> int | None:
    """A line of /proc/self/status in bytes; None where there is no such file."""
    try:
        with open("/proc/self/status", encoding="utf-8") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))
    except (OSError, StopIteration):
        return None


def _resident() -> int | None:
    """Resident memory now, after what is free was handed back; the peak begins anew. Linux only;
    None elsewhere."""
    gc.collect()
    try:
        import ctypes
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    except (OSError, AttributeError):
        return None
    return _status("VmRSS")


def _grown(before: int | None) -> float | None:
    """Megabytes by which resident memory rose at its peak; None where it cannot be asked."""
    return None if before is None else round(max(0, _status("VmHWM") - before) / 1e6, 1)


# -- a study of all ----------------------------------------------------------------------------

def run_arena(where: str, path, *, only=None, seeds=range(3), data=None, steps: int | None = None,
              keep: str | Path | None = None, **how) -> list[dict]:
    """A study of every contestant, and the anchors, on "toys", "mnist" or "cifar10"; rows, also as
    CSV at `path`.

    only: one name or several · data: one of the toys · keep: a folder, which all workers see, for
    pictures · how: cluster=, processes=, fresh=, stale=, watch= of `study`.
    It goes on where it was stopped. Rows of other code or other data are refused; a change of one
    contestant concerns its rows alone. KeyError for unknown names, ValueError for an unknown place,
    DataUnavailable where the pictures cannot be had, OSError where nothing can be written, both
    before the first run.
    """
    if where not in FILES:
        raise ValueError(f"no arena {where!r}; there are {', '.join(FILES)}")
    names = [only] if isinstance(only, str) else list(only or [*ANCHORS, *CONTESTANTS])
    if unknown := [name for name in names if name not in CONTESTANTS and name not in ANCHORS]:
        raise KeyError(f"no contestant {unknown[0]!r}; there are "
                       f"{', '.join([*ANCHORS, *CONTESTANTS])}")
    grounds = [data] if data else list(FILES[where])
    if unknown := [name for name in grounds if name not in FILES[where]]:
        raise ValueError(f"{where} has no data {unknown[0]!r}; there is {', '.join(FILES[where])}")
    if steps is None:
        laptop = ground(grounds[0]).steps
        steps = budgeted(laptop=laptop, full=FULL * laptop)
    if type(steps) is not int or steps < 1:
        raise ValueError(f"steps={steps!r}: a whole number of generator updates, 1 or more")
    if not isinstance(seeds, Iterable):
        raise ValueError(f"seeds={seeds!r:.80}: one whole number or more, as range(3)")
    seeds = list(seeds)
    if not seeds or any(type(seed) is not int or seed < 0 for seed in seeds):
        raise ValueError(f"seeds={seeds!r:.80}: one whole number or more, none below 0")
    if keep:
        usable(Path(keep) / "pictures.npy", "keep", "pictures.npy")
    combinations = [dict(objective=name, data=one, seed=seed, steps=steps)
                    for seed in seeds for one in grounds for name in names]
    _loaded.cache_clear()               # files may have changed since the last study
    # a worker has its own current folder
    aside = {"keep": str(Path(keep).resolve())} if keep else {}
    return study(_of_a_study, combinations, path, aside=aside, **how)


def _of_this_row(objective, data, **_):
    """What one row depends on: one contestant of many, its entry in the catalogue, its data."""
    one = CONTESTANTS.get(objective)
    return {"contestant": one, "entry": one and one.objective, "toy": TOYS.get(data),
            **_loaded(data, os.environ.get("GAN_LESSONS_DATA"))}


@depends(_of_this_row, apart=(CONTESTANTS, OBJECTIVES, TOYS))
def _of_a_study(objective, data, seed, steps, keep=None):
    """contest(...) without what the study writes down itself."""
    row = contest(objective, data, seed, steps, keep=keep)
    return {name: value for name, value in row.items()
            if name not in ("objective", "data", "seed", "steps") and value not in (None, "")}


def main(arguments=None) -> int:
    """python lessons.py arena: every objective on the same data, into a CSV file."""
    parser = argparse.ArgumentParser(prog="python lessons.py arena", description=main.__doc__)
    option = parser.add_argument
    option("where", choices=list(FILES))
    option("--only", action="append", metavar="NAME",
           help="a contestant, may be given several times")
    option("--seeds", type=int, default=3, metavar="N", help="seeds 0 to N - 1 (default 3)")
    option("--seed", type=int, help="this seed alone")
    option("--data", help="one of the toys: " + ", ".join(FILES["toys"]))
    option("--steps", type=int, help="generator updates (default: those of GAN_LESSONS_BUDGET)")
    option("--processes", type=int, metavar="N",
           help="processes on this machine (default: its cores)")
    option("--cluster", metavar="ADDRESS", help="a Dask scheduler, as tcp://10.0.0.1:8786")
    option("--fresh", action="store_true", help="forget what an earlier run left in the file")
    option("--again", action="store_true",
           help="compute anew what other code, data or versions left in the file, and only that")
    option("--out", metavar="FILE", help="default: build/arena/arena_WHERE.csv")
    option("--keep", metavar="FOLDER",
           help="keep eight pictures of each contest, and a sheet of seed 0")
    asked = parser.parse_args(arguments)
    path = Path(asked.out or Path("build") / "arena" / f"arena_{asked.where}.csv")
    seeds = range(asked.seeds) if asked.seed is None else [asked.seed]
    print(f"{len(asked.only or [*ANCHORS, *CONTESTANTS])} contestants, {len(seeds)} seeds, on "
          f"{asked.data or asked.where}; rows go to {path}. Ctrl-C stops; the same command goes on "
          "from there.", flush=True)
    began = time.perf_counter()
    try:
        if asked.keep and asked.where != "toys":
            sheet = usable(path.with_suffix(".png"), "--out")
            if sheet == path.expanduser():
                raise ValueError(f"{path} is the sheet of pictures, too: let --out end on .csv")
        rows = run_arena(asked.where, path, only=asked.only, seeds=seeds, data=asked.data,
                         steps=asked.steps, keep=asked.keep, processes=asked.processes,
                         cluster=asked.cluster, fresh=asked.fresh,
                         stale="again" if asked.again else "refuse")
    except (KeyError, ValueError, OSError, RuntimeError, DataUnavailable) as error:
        said = str(error.args[0] if isinstance(error, KeyError) else error)  # no quotes around it
        # the remedies, as they are written on the command line
        for python, words in {"fresh=True": "--fresh", 'stale="again"': "--again",
                              "another path": "another file (--out)"}.items():
            said = said.replace(python, words)
        print(f"arena: {said}", file=sys.stderr)
        return 1
    distance = "wasserstein" if asked.where == "toys" else "frechet"
    for one in dict.fromkeys(row["data"] for row in rows):
        here = [row for row in rows if row["data"] == one]
        print(f"\n{one}: median [lowest – highest] of {len(seeds)}\n"
              f"{table(here, [distance, 'precision', 'recall'], one)}")
    if asked.keep and asked.where != "toys":
        picture_rows(asked.keep, asked.where, sheet)
    broken = sum("error" in row for row in rows)
    print(f"\n{len(rows)} rows in {path}, {broken} with an error, after "
          f"{time.perf_counter() - began:.0f} s.")
    return int(broken > 0)


if __name__ == "__main__":
    from .arena import main as importable  # workers look functions up by the name of their module
    sys.exit(importable())
