"""Train the long runs of lessons and store them: python lessons.py long [NN | NAME ...].

Headline results are among them, each of their seeds a run. Each run is a process of its own on one
core, as many at a time as --jobs says. Ctrl-C stops all after the round under way; the same command
goes on from there, and a killed one loses half a minute. What is stored replaces
gan_lessons/results/long/NN/…, results/headlines/NN/….
"""
from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

SEED = ", seed "                        # "14 Improved GAN, 100 labels, seed 1": a run of its own
LOOK = 1.0                              # seconds between two looks at how far the runs are


def runs() -> dict[str, int | None]:
    """{name of every run: its rounds, where they are known}, by lesson."""
    from gan_lessons.headlines.table import headlines
    from gan_lessons.map.long_runs import LONG
    found = {name: long.recipe.steps for name, long in LONG.items()}
    found |= {f"{name}{SEED}{seed}": None for name, one in headlines().items()
              for seed in one.seeds}
    return dict(sorted(found.items(), key=lambda run: run[0][:2]))


def work_of(name: str) -> pathlib.Path:
    """The folder where an unfinished run lies."""
    from gan_lessons.headlines import table
    from gan_lessons.map import long_training
    title, seed, number = name.rpartition(SEED)
    return table.work_of(title, int(number)) if seed else long_training.work_of(name)


def chosen(wanted, known) -> list[str]:
    """The names that are asked for, by lesson ("07", "7") or by name, of a headline result also
    without its seed; all for none."""
    from lessons import Stop
    found = []
    for word in wanted:
        lesson = word.zfill(2) if word.isdigit() else word
        names = [name for name in known
                 if lesson in (name, name[:2], name.rpartition(SEED)[0] or name)]
        if not names:
            raise Stop(f"no long run {word!r}; there are: {'; '.join(known)}")
        found += [name for name in names if name not in found]
    return found or list(known)


def main(wanted, jobs: int, again: bool, out) -> int:
    """Play the runs; 0 if all are stored, 1 if one failed or was stopped."""
    from tqdm import tqdm

    rounds = runs()
    waiting, running, failed = chosen(wanted, rounds), {}, []
    names = list(waiting)
    bars = {name: tqdm(total=rounds[name], desc=name, unit=" rounds", position=k,
                       leave=True, disable=None) for k, name in enumerate(names)}
    stopping = False
    while waiting or running:
        try:
            while waiting and len(running) < jobs and not stopping:
                name = waiting.pop(0)
                running[name] = _start(name, again, out)
            for name, process in list(running.items()):
                _move(bars[name], work_of(name))
                if process.poll() is not None:
                    del running[name]
                    said = process.communicate()[0].strip()
                    tqdm.write(said.splitlines()[-1] if said else f"{name}: ended")
                    failed += [name] * (process.returncode != 0)
            if stopping and not running:
                break
            time.sleep(LOOK)
        except KeyboardInterrupt:           # the runs had the same Ctrl-C and finish their rounds
            stopping = True
    for bar in bars.values():
        bar.close()
    return int(bool(failed or waiting))


def _start(name, again, out):
    command = [sys.executable, str(pathlib.Path(__file__).resolve()), name,
               *[str(out)] * (out is not None), *["--again"] * again]
    environment = dict(os.environ, OMP_NUM_THREADS="1", PYTHONUNBUFFERED="1")
    return subprocess.Popen(command, env=environment, cwd=str(ROOT), text=True, encoding="utf-8",
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _move(bar, work):
    """The bar to where the run has noted that it is; no note, no move."""
    try:
        step = json.loads((work / "progress.json").read_text(encoding="utf-8"))["step"]
    except (OSError, ValueError, KeyError):
        return
    if bar.n == 0 and step > 1:             # what an earlier session did is not this one's speed
        bar.initial = step
    bar.update(step - bar.n)


def one(name, out=None, again=False) -> int:
    """One run in this process: its last line says how it ended. out: by default our results."""
    from gan_lessons.headlines import table
    from gan_lessons.map import long_training, stored_runs
    from gan_lessons.map.long_runs import LongRunError
    title, seed, number = name.rpartition(SEED)
    try:
        if seed:
            print(f"{name}: stored in", table.play(title, int(number), out or table.RESULTS,
                                                   again=again))
        else:
            out = out or stored_runs.RESULTS
            long_training.make(name, out, again=again)
            print(stored_runs.long_run(name, out).provenance)
    except LongRunError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    given = [word for word in sys.argv[1:] if word != "--again"]
    sys.exit(one(*given[:2], again="--again" in sys.argv))
