"""Digits after a minute: every recipe, three seeds that chose none of its settings.

    python benchmarks/digits.py [--seeds 1 2 3] [--only NAME ...] [--again] [--out FILE]

Each recipe trains for its own number of rounds, which were set to take 60 CPU-seconds of a quiet
core; the seconds that it took stand in the row. Seed 0 chose the rates and is left out. Rows go to
gan_lessons/results/digits_minute.csv; stopped, the same command goes on.
"""
import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from gan_lessons import load_images  # noqa: E402
from gan_lessons.map.recipes import RECIPES  # noqa: E402
from gan_lessons.map.study import depends, study  # noqa: E402
from gan_lessons.measures.metrics import frechet_distance, precision_recall  # noqa: E402

OUT = pathlib.Path(__file__).resolve().parents[1] / "gan_lessons/results/digits_minute.csv"


@depends(lambda recipe, seed: {"recipe": RECIPES[recipe]}, apart=[RECIPES])
def minute(recipe, seed):
    """One training and its score."""
    images, test = load_images("mnist"), load_images("mnist", "test")
    RECIPES[recipe].train(images, steps=5, seed=seed, watch=None)        # what is paid once
    began = time.process_time()
    run = RECIPES[recipe].train(images, seed=seed, watch=None)
    cpu = time.process_time() - began
    if run.interrupted:
        raise KeyboardInterrupt                         # part of a minute is no result
    samples = run.samples(10_000)
    precision, recall = precision_recall(samples, test)
    return {"distance": round(frechet_distance(samples, test), 2), "precision": round(precision, 3),
            "recall": round(recall, 3), "rounds": run.step, "cpu_seconds": round(cpu, 1)}


def main():
    ask = argparse.ArgumentParser(description=__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    ask.add_argument("--only", nargs="+", default=list(RECIPES))
    ask.add_argument("--out", type=pathlib.Path, default=OUT)
    ask.add_argument("--processes", type=int, default=None)
    ask.add_argument("--again", action="store_true", help="compute anew what other code has left")
    asked = ask.parse_args()
    settings = [dict(recipe=name, seed=seed) for seed in asked.seeds for name in asked.only]
    rows = study(minute, settings, asked.out, processes=asked.processes,
                 stale="again" if asked.again else "refuse")
    for name in asked.only:
        found = sorted(row["distance"] for row in rows if row["recipe"] == name and
                       not row.get("error"))
        if found:
            print(f"{name:20} median {found[len(found) // 2]:6.1f}   "
                  f"[{found[0]:.1f}, {found[-1]:.1f}]   {len(found)} seeds")


if __name__ == "__main__":
    main()
