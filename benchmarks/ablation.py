"""What pays: the non-saturating minute with one thing changed at a time; seeds that chose nothing.

    python benchmarks/ablation.py [--seeds 1 2] [--only NAME ...] [--out FILE]

Each way gets about the same CPU-seconds: where a round costs more or less, there are fewer or more
rounds of it. Rows go to gan_lessons/results/digits_ablation.csv; stopped, the command goes on.
"""
import argparse
import pathlib
import sys
import time
from dataclasses import replace
from functools import partial

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from gan_lessons import load_images  # noqa: E402
from gan_lessons.map.recipes import RECIPES  # noqa: E402
from gan_lessons.map.study import depends, study  # noqa: E402
from gan_lessons.measures.metrics import frechet_distance  # noqa: E402
from gan_lessons.players.image_networks import dcgan_critic, dcgan_generator  # noqa: E402

OUT = pathlib.Path(__file__).resolve().parents[1] / "gan_lessons/results/digits_ablation.csv"
WHOLE = RECIPES["non-saturating"]

WAYS = {
    "the recipe": WHOLE,
    "β₁ = 0.5": replace(WHOLE, betas=(.5, .99)),
    "no spectral normalisation": replace(WHOLE, normalised=False, rates=dict(f=4e-3, g=4e-3),
                                         steps=5_000),
    "DCGAN's usual rates, 2e-4": replace(WHOLE, rates=dict(f=2e-4, g=2e-4)),
    "batches of 64, half the rounds": replace(WHOLE, batch=64, steps=2_700),
    "no averaged generator": replace(WHOLE, ema=1e-9),              # as good as none
    "rates that fade to 0 in the second half": replace(WHOLE, fade=.5),
    "DCGAN's networks": replace(WHOLE, critic=partial(dcgan_critic), generator=dcgan_generator,
                                steps=1_100),
}


@depends(lambda way, seed: {"recipe": WAYS[way]}, apart=[WAYS, RECIPES, WHOLE])
def minute(way, seed):
    """One training and its score."""
    images, test = load_images("mnist"), load_images("mnist", "test")
    WAYS[way].train(images, steps=5, seed=seed, watch=None)              # what is paid once
    began = time.process_time()
    run = WAYS[way].train(images, seed=seed, watch=None)
    cpu = time.process_time() - began
    if run.interrupted:
        raise KeyboardInterrupt
    return {"distance": round(frechet_distance(run.samples(10_000), test), 2), "rounds": run.step,
            "cpu_seconds": round(cpu, 1)}


def main():
    ask = argparse.ArgumentParser(description=__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    ask.add_argument("--only", nargs="+", default=list(WAYS), choices=list(WAYS))
    ask.add_argument("--out", type=pathlib.Path, default=OUT)
    ask.add_argument("--processes", type=int, default=None)
    ask.add_argument("--again", action="store_true", help="compute anew what other code has left")
    asked = ask.parse_args()
    settings = [dict(way=way, seed=seed) for seed in asked.seeds for way in asked.only]
    rows = study(minute, settings, asked.out, processes=asked.processes,
                 stale="again" if asked.again else "refuse")
    for way in asked.only:
        of = [row for row in rows if row["way"] == way and not row.get("error")]
        found = " · ".join(f"{row['distance']:.0f}" for row in of)
        print(f"| {way} | {found} | {max((row['cpu_seconds'] for row in of), default=0):.0f} |")


if __name__ == "__main__":
    main()
