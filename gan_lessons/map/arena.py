"""The arena of notebooks/20_map.ipynb: every objective on the same toys and digits, scored in
one way.

    contest("WGAN-GP", "ring", seed=1)                     one training and its scores
    contest("WGAN-GP", "mnist", 1, track="common")         with the networks that all share
    contest("my game", "ring", 1, own={"my game": game})   a game of your own, common networks
    run_arena("mnist", "mine.csv", only=["hinge"])         a study of seeds, that can be resumed

From the command line: python lessons.py arena toys|mnist, or python -m gan_lessons.map.arena. Who
plays how stands in `contestants` and `own_settings`, scores in `scores`; results are read by
`results`.
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

import torch

from ..data.batches import batches
from ..data.datasets import DataUnavailable
from ..data.files import usable
from ..exact.checks import as_list, check_flag, fits, told
from ..exact.laws import Normal
from ..game import Game, check_takes
from ..players.spectral import spectrally_normalised
from ..training.budgets import budget
from ..training.budgets import steps as budgeted
from ..training.loop import train
from ..training.optimizers import adam, fading, rmsprop
from ..training.run import TrainingDiverged
from .conditional_recipes import CONDITIONAL
from .contestants import CONTESTANTS, Contestant, OneGame, labelled
from .gradients import named_games
from .ground import TOYS, Ground, Play, ground
from .journal import write_table, written_so_far
from .objectives import OBJECTIVES
from .own_settings import OWN, played
from .recipes import RECIPES, Recipe
from .results import ANCHORS, FILES, TRACKS, sheet_path, table
from .scores import (
    Reached,
    anchor,
    assignment_distance,
    described,
    goal_of,
    keep_sheet,
    loaded,
    score,
    wanted,
)
from .study import depends, study

__all__ = ["assignment_distance", "contest", "main", "run_arena", "score"]

RATES = {"adam": adam, "rmsprop": rmsprop}
FULL = 20                   # the full budget plays so many times the laptop's steps on the toys
SEEDS = range(1, 6)         # seed 0 chose the rates of the recipes
SHEET_OF = 1                # the seed whose pictures are kept


# -- one contest -------------------------------------------------------------------------------

def contest(objective: str, data: str, seed: int = 1, steps: int | None = None,
            own: Mapping | None = None, keep: str | Path | None = None,
            track: str = "own") -> dict:
    """Train one contestant on "ring", "grid", "swiss roll" or "mnist" and score it: a row of plain
    numbers and words.

    objective: a name of CONTESTANTS, "real data" or "noise" (the anchors), or a name in `own`.
    own: {name: Game}, {name: (Game, dict(turns={"f": 3}, lr=1e-3, optimizer="adam",
        normalised=True))}, {name: Recipe}, or {name: function of the Ground -> Play}. A Game's
        players f or l and g are the common networks, with labels if a loss asks for y.
    steps: generator updates, by default those of the contestant and the budget.
    keep: a folder for a sheet of a contestant's pictures; it changes no number.
    track: on digits "own", the settings of its lesson, or "common", those that all share.
    The data that were really loaded stand in the row: `source`, and `test` for pictures.
    Who cannot compete has `absent`, the reason; a training whose loss became nan, or whose samples
    did, has `failed`. KeyError for unknown names, ValueError for unknown data or track and for
    games that need players of their own; KeyboardInterrupt for a training that was stopped.
    """
    at = ground(data, seed)
    if track not in TRACKS:
        raise ValueError(f"no track {track!r}; there are {', '.join(TRACKS)}")
    row = {"objective": objective, "data": data, "track": track, "seed": seed, "budget": budget(),
           **_machine(), "source": described(at.source)}
    if not at.toy:
        # drawn digits where MNIST cannot be had
        row["images"] = at.source.name
    if objective in ANCHORS:
        return {**row, "steps": 0, "family": "anchor", **_scored(anchor(objective, at), at)}
    known, row["family"], row["lesson"], row["needs"] = _known(objective, own)
    if data in known.absent:
        return {**row, "steps": 0, "absent": known.absent[data]}
    play = _play(known, at, track, own)
    if not isinstance(play, Play):
        raise TypeError(f"{objective!r} gives {told(play)} for the Ground, and a Play is needed: a "
                        "game, its players and their settings")
    row["steps"] = steps = length(play, at) if steps is None else steps
    row |= _settings(play, at)
    draw = play.draw or (lambda run, n: run.samples(n))
    try:
        run, costs = _trained(play, at, seed, steps, draw)
        with torch.no_grad():
            fakes = draw(run, wanted(at)).float().cpu()
    except TrainingDiverged as error:
        return {**row, "failed": str(error).split(":")[0]}
    row |= costs
    if not fakes.isfinite().all():
        return {**row, "failed": "samples hold nan or inf"}
    if keep and not at.toy:
        keep_sheet(fakes, sheet_path(keep, track, objective))
    return {**row, **_scored(fakes, at)}


def length(play: Play | None, at: Ground) -> int:
    """Generator updates of a contestant under the budget in force."""
    laptop = play.steps if play and play.steps else at.steps
    return budgeted(laptop=laptop, full=FULL * laptop if at.toy else laptop)


def _scored(fakes, at: Ground) -> dict:
    """The scores, and which test pictures they compare with."""
    return {**({} if at.toy else {"test": goal_of(at.data)[1]}), **score(fakes, at)}


def _play(known: Contestant, at: Ground, track: str, own) -> Play:
    """The Play of a contestant, or of a game of one's own, on a track."""
    if at.toy or own and known.name in own:
        return known.play(at)
    return known.own_play(at) if track == "own" else known.common_play(at)


def _known(objective, own):
    """(contestant, family, lesson, needs) of a name."""
    own = named_games(own)
    if objective in own:
        mine = own[objective]
        if isinstance(mine, Recipe):
            play = played(mine, mine.steps, fade=mine.fade)
            return Contestant(objective, play), "yours", "", ""
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
    rates = play.lr or at.lr
    said = (" ".join(f"{name} {rate:g}" for name, rate in rates.items())
            if isinstance(rates, Mapping) else rates)
    return {"batch": play.batch or at.batch, "noise": play.noise or at.noise,
            "optimizer": play.optimizer, "betas": " ".join(map(str, play.betas or at.betas)),
            "lr": said, "turns": turns, "ema": play.decay or at.decay, "fade": play.fade,
            "arithmetic": play.precision or at.precision, "own": play.own,
            "parameters": sum(w.numel() for w in learnt)}


def _rates(play: Play, at: Ground):
    """`optimizer` of `train`: one for all, or player -> its own."""
    make = (partial(adam, betas=play.betas or at.betas) if play.optimizer == "adam"
            else RATES[play.optimizer])
    rates = play.lr or at.lr
    if isinstance(rates, Mapping):
        return {name: make(rate) for name, rate in rates.items()}
    return make(rates)


def _trained(play: Play, at: Ground, seed: int, steps: int, draw):
    """The run, and what it cost."""
    source = batches(play.source if play.source is not None else at.source,
                     z=Normal(dim=play.noise or at.noise), batch=play.batch or at.batch, seed=seed,
                     unlabelled=play.unlabelled)
    _warm()
    # samples are drawn from generators, decoders and flows; a critic's average would serve nobody
    averaged = {name: play.decay or at.decay for name, net in play.players.items()
                if name not in "fl" and any(w.requires_grad for w in net.parameters())}
    common = dict(optimizer=_rates(play, at), seed=seed, precision=play.precision or at.precision,
                  rate=None if play.fade is None else fading(play.fade))
    before = _resident()
    cpu, wall = time.process_time(), time.perf_counter()
    shown, left, reached = 0, steps, Reached(draw, at, steps)
    if play.opening:
        game, share, after = play.opening
        first = max(1, round(share * steps))
        left = max(1, steps - first)
        nets = {name: play.players[name] for name in game.players}
        run = _whole(train(game, nets, source, steps=first, watch=None,
                           ema={k: v for k, v in averaged.items() if k in nets}, **common))
        after(run, play.players)
        shown, reached.looks = run.images, {max(1, look - first) for look in reached.looks}
    run = _whole(train(play.game, play.players, source, steps=left, turns=play.turns, ema=averaged,
                       watch=reached if reached.looks else None, reuse=play.reuse, **common))
    # CPU-seconds do not see a graphics card work, and wall-clock seconds see other programs
    on_gpu = run.device.type == "cuda"
    seconds = time.perf_counter() - wall if on_gpu else time.process_time() - cpu - reached.spent
    costs = {"cpu_seconds": round(seconds, 3),
             "images_per_second": round((run.images + shown) / max(seconds, 1e-9), 1),
             "memory": _grown(before),
             "device": torch.cuda.get_device_name() if on_gpu else run.device.type}
    return run, costs if at.toy else {**costs, "seconds_to_100": round(reached.seconds, 1)}


def _whole(run):
    """The run; KeyboardInterrupt for part of one, which is no result."""
    if run.interrupted:
        raise KeyboardInterrupt
    return run


@lru_cache
def _warm():
    """A first step loads parts of torch: seconds and megabytes that no contestant should be
    charged for."""
    x = torch.nn.Linear(1, 1)
    for make in RATES.values():
        step = make(1e-3)(x.parameters())
        x(torch.ones(2, 1)).sum().backward()
        step.step()


# -- what it ran on ----------------------------------------------------------------------------

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

def run_arena(where: str, path, *, only=None, seeds=SEEDS, data=None, steps: int | None = None,
              track: str | None = None, keep: str | Path | None = None, tell: bool = False,
              **how) -> list[dict]:
    """A study of every contestant, and the anchors, on "toys" or "mnist"; rows, also as CSV at
    `path`.

    only: one name or several · data: one of the toys · track: one of the tracks of digits, by
    default both, "own" first · keep: a folder, which all workers see, for sheets of pictures ·
    tell: a line for each contest that is done · how: cluster=, processes=, fresh=, stale=, watch=
    of `study`.
    It goes on where it was stopped, or killed. Rows of other code or other data are refused; a
    change of one contestant concerns its rows alone. KeyError for unknown names, ValueError for an
    unknown place, DataUnavailable where the pictures cannot be had, OSError where nothing can be
    written, both before the first run.
    """
    names, grounds, tracks = asked_for(where, only, data, track)
    known = "cluster", "processes", "fresh", "stale", "watch"
    if unknown := [name for name in how if name not in known]:
        raise TypeError(f"run_arena has no {', '.join(unknown)}; of study it takes "
                        f"{', '.join(known)}")
    if steps is not None and (type(steps) is not int or steps < 1):
        raise ValueError(f"steps={steps!r}: a whole number of generator updates, 1 or more")
    if not isinstance(seeds, Iterable):
        raise ValueError(f"seeds={seeds!r:.80}: one whole number or more, as range(3)")
    seeds = as_list("seeds", seeds)
    if not seeds or any(type(seed) is not int or seed < 0 for seed in seeds):
        raise ValueError(f"seeds={seeds!r:.80}: one whole number or more, none below 0")
    if keep is not None and not isinstance(keep, (str, os.PathLike)):
        raise TypeError(f"keep = {told(keep)}: a folder for sheets of pictures, or None")
    if keep:
        usable(Path(keep) / "own" / "pictures.png", "keep", "pictures.png")
    combinations = [dict(objective=name, data=one, track=way, seed=seed,
                         steps=_length(name, one, way) if steps is None else steps)
                    for way in tracks for seed in seeds for one in grounds for name in names
                    if not (name in ANCHORS and way != tracks[0])]
    loaded.cache_clear()                # files may have changed since the last study
    # a worker has its own current folder
    aside = {"keep": str(Path(keep).resolve())} if keep else {}
    return study(_of_a_study, combinations, path, aside=aside | {"tell": tell}, **how)


def asked_for(where, only=None, data=None, track=None):
    """(names, data sets, tracks) of a study; the errors are those of `run_arena`."""
    if where not in FILES:
        raise ValueError(f"no arena {where!r}; there are {', '.join(FILES)}")
    names = [only] if isinstance(only, str) else as_list("only", only or [*ANCHORS, *CONTESTANTS])
    if unknown := [name for name in names if name not in CONTESTANTS and name not in ANCHORS]:
        raise KeyError(f"no contestant {unknown[0]!r}; there are "
                       f"{', '.join([*ANCHORS, *CONTESTANTS])}")
    grounds = [data] if data else list(FILES[where])
    if unknown := [name for name in grounds if name not in FILES[where]]:
        raise ValueError(f"{where} has no data {unknown[0]!r}; there is {', '.join(FILES[where])}")
    if track is not None and track not in TRACKS:
        raise ValueError(f"no track {track!r}; there are {', '.join(TRACKS)}")
    return list(dict.fromkeys(names)), grounds, (
        ["own"] if where == "toys" else [track] if track else list(TRACKS))


@lru_cache
def _length(name: str, data: str, track: str) -> int:
    """Generator updates of a contestant under the budget in force, 0 for an anchor or an absent."""
    if name in ANCHORS or data in CONTESTANTS[name].absent:
        return 0
    at = ground(data)
    return length(None if at.toy or track == "common" else CONTESTANTS[name].own_play(at), at)


def _of_this_row(objective, data, track, **_):
    """What one row depends on: one contestant of many, its entry in the catalogue, its data."""
    one = CONTESTANTS.get(objective)
    mine = one and Contestant(*one)        # how it plays on the common track concerns no other
    if data not in TOYS and track == "own":
        mine = OWN.get(objective, mine)
    elif data not in TOYS and isinstance(one, OneGame):
        mine = one, OWN[objective]
    return {"contestant": mine, "entry": one and one.objective, "toy": TOYS.get(data),
            **loaded(data, os.environ.get("GAN_LESSONS_DATA"))}


@depends(_of_this_row, apart=(CONTESTANTS, OBJECTIVES, TOYS, OWN, RECIPES, CONDITIONAL))
def _of_a_study(objective, data, track, seed, steps, keep=None, tell=False):
    """contest(...) without what the study writes down itself."""
    keep = keep if seed == SHEET_OF else None
    row = contest(objective, data, seed, steps or None, keep=keep, track=track)
    if tell:
        print(_told(row), flush=True)
    return {name: value for name, value in row.items()
            if name not in ("objective", "data", "track", "seed", "steps")
            and value not in (None, "")}


def _told(row) -> str:
    """One contest in a line."""
    found = row.get("failed") or row.get("absent") or ", ".join(
        f"{what} {row[name]:.3g}" for name, what in dict(
            wasserstein="W", frechet="FD", recall="recall", cpu_seconds="CPU-seconds").items()
        if name in row)
    return f"{row['data']}, {row['track']}, seed {row['seed']}: {row['objective']}: {found}"


def main(arguments=None) -> int:
    """python lessons.py arena: every objective on the same data, into a CSV file."""
    parser = argparse.ArgumentParser(prog="python lessons.py arena", description=main.__doc__)
    option = parser.add_argument
    option("where", choices=list(FILES))
    option("--only", "--contestants", action="extend", nargs="+", metavar="NAME",
           help="one contestant or more")
    option("--seeds", type=int, default=len(SEEDS), metavar="N",
           help=f"seeds 1 to N (default {len(SEEDS)})")
    option("--seed", type=int, help="this seed alone")
    option("--track", choices=list(TRACKS),
           help="digits: each with its own settings, or all with common ones (default: both)")
    option("--data", help="one of the toys: " + ", ".join(FILES["toys"]))
    option("--steps", type=int, help="generator updates (default: its own, by GAN_LESSONS_BUDGET)")
    option("--processes", type=int, metavar="N",
           help="processes on this machine (default: its cores)")
    option("--cluster", metavar="ADDRESS", help="a Dask scheduler, as tcp://10.0.0.1:8786")
    option("--fresh", action="store_true", help="forget what an earlier run left in the file")
    option("--again", action="store_true",
           help="compute anew what other code, data or versions left in the file, and only that")
    option("--so-far", action="store_true",
           help="play nothing: the table of what is done, also while another run plays")
    option("--out", metavar="FILE", help="default: build/arena/arena_WHERE.csv")
    option("--keep", metavar="FOLDER",
           help="for a sheet of pictures of each contestant (default: beside the file)")
    asked = parser.parse_args(arguments)
    path = Path(asked.out or Path("build") / "arena" / f"arena_{asked.where}.csv")
    seeds = range(1, asked.seeds + 1) if asked.seed is None else [asked.seed]
    began = time.perf_counter()
    try:
        if asked.so_far:
            rows = written_so_far(path)
            write_table(rows, path)
        else:
            rows = _played(asked, path, seeds)
    except (KeyError, ValueError, OSError, RuntimeError, DataUnavailable) as error:
        said = str(error.args[0] if isinstance(error, KeyError) else error)  # no quotes around it
        # the remedies, as they are written on the command line
        for python, words in {"fresh=True": "--fresh", 'stale="again"': "--again",
                              "another path": "another file (--out)"}.items():
            said = said.replace(python, words)
        print(f"arena: {said}", file=sys.stderr)
        return 1
    distance = "wasserstein" if asked.where == "toys" else "frechet"
    for one, way in dict.fromkeys((row["data"], row["track"]) for row in rows):
        print(f"\n{one}, track {way}: median [lowest – highest] over the seeds\n"
              + table(rows, [distance, "precision", "recall"], one, way))
    broken = sum("error" in row for row in rows)
    print(f"\n{len(rows)} rows in {path}, {broken} with an error, after "
          f"{time.perf_counter() - began:.0f} s.")
    return int(broken > 0)


def _played(asked, path: Path, seeds) -> list[dict]:
    """The rows of what was asked for, played now or before."""
    names, grounds, tracks = asked_for(asked.where, asked.only, asked.data, asked.track)
    beside = path.with_suffix("") if path.suffix else path.with_name(f"{path.name} sheets")
    keep = asked.keep or (None if asked.where == "toys" else beside)
    many = len(seeds) * len(grounds) * len(tracks) * sum(name not in ANCHORS for name in names)
    hours = many * (5 if asked.where == "toys" else 90) / 3600
    cost = (f"{many} contests" if asked.steps or budget() != "laptop" else
            f"{many} contests, about {hours:.1f} core-hours in all")
    print(f"{cost}; rows go to {path}. Ctrl-C stops, the same command goes on.", flush=True)
    return run_arena(asked.where, path, only=names, seeds=seeds, data=asked.data,
                     steps=asked.steps, track=asked.track, keep=keep, tell=True,
                     processes=asked.processes, cluster=asked.cluster, fresh=asked.fresh,
                     stale="again" if asked.again else "refuse")


if __name__ == "__main__":
    from .arena import main as importable  # workers look functions up by the name of their module
    sys.exit(importable())
