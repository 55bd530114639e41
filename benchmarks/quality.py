"""Time to quality: CPU-seconds until the digits reach a Fréchet distance of 100, and of 50.

    python benchmarks/quality.py [--limit 400] [--only NAME ...]

The popular scripts, unmodified in networks, rates and loop (see loop.py), beside recipes of the
course. The score is taken sixteen times, from 5,000 samples; only training is
counted, on one thread. Seed 1, which chose nothing.
"""
import argparse
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import loop  # noqa: E402
from torch.nn.functional import pad  # noqa: E402

import gan_lessons as gl  # noqa: E402
from gan_lessons.map.long_runs import LONG  # noqa: E402
from gan_lessons.map.recipes import RECIPES  # noqa: E402
from gan_lessons.measures.metrics import frechet_distance  # noqa: E402

GOALS = (100, 50)


class Enough(Exception):
    """The last goal is reached, or the limit."""


class Clock:
    """Scores a generator now and then, and leaves out of the seconds what that costs."""

    def __init__(self, limit, test):
        self.limit, self.test, self.best, self.reached = limit, test, float("inf"), {}
        self.spent, self.due, self.since = 0.0, limit / 16, time.process_time()

    def look(self, sample):
        """sample: n -> (n, 1, 28, 28); Enough where nothing more is to be learnt."""
        now = self.spent + time.process_time() - self.since
        if now < self.due:
            return
        self.spent, self.due = now, now + self.limit / 16
        score = frechet_distance(sample(5_000), self.test)
        self.best = min(self.best, score)
        for goal in GOALS:
            if score <= goal:
                self.reached.setdefault(goal, now)
        if now >= self.limit or GOALS[-1] in self.reached:
            raise Enough
        self.since = time.process_time()


def script(play, nets, images, crop=False):
    """A popular script, stopped every few rounds for a look; it keeps its optimisers' state."""
    def run(clock):
        f, g = nets()
        batches, z = loop.loaded(images), loop.drawn_noise()

        @torch.no_grad()
        def sample(n):
            g.eval()
            made = torch.cat([g(next(z)) for _ in range(-(-n // loop.BATCH))])[:n]
            g.train()
            return made[..., 2:-2, 2:-2] if crop else made

        def looked_at():                    # a look between two batches of noise of the loop
            for batch in z:
                clock.look(sample)
                yield batch
        play(f, g, batches, looked_at(), 10 ** 9)
    return run


def recipe(made):
    """A recipe of the course, on seed 1."""
    def run(clock):
        made.train(gl.load_images("mnist"), seed=1,
                   watch=lambda run: clock.look(run.samples))
    return run


def ways():
    """Name -> function of a Clock."""
    images = gl.load_images("mnist").images
    padded = pad(images, (2, 2, 2, 2))
    return {
        "script: DCGAN, 32 × 32": script(loop.plain_dcgan, loop.dcgan, padded, crop=True),
        "script: WGAN-GP, dense": script(loop.plain_wgan_gp, loop.mlp, images),
        "script: WGAN, dense": script(loop.plain_wgan, loop.mlp, images),
        "recipe: non-saturating, a minute": recipe(RECIPES["non-saturating"]),
        "recipe: non-saturating, ten minutes": recipe(LONG["01 non-saturating"].recipe),
        "recipe: WGAN-GP, a minute": recipe(RECIPES["WGAN-GP"]),
    }


def main():
    ask = argparse.ArgumentParser(description=__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--limit", type=float, default=400, help="CPU-seconds of each at most")
    ask.add_argument("--only", nargs="+")
    asked = ask.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    test = gl.load_images("mnist", "test")
    print("| way | to 100 | to 50 | best | CPU-seconds |\n|---|---|---|---|---|")
    for name, run in ways().items():
        if asked.only and name not in asked.only:
            continue
        clock = Clock(asked.limit, test)
        try:
            run(clock)
            clock.spent += time.process_time() - clock.since
        except Enough:
            pass
        to = [f"{clock.reached[goal]:.0f}" if goal in clock.reached else "–" for goal in GOALS]
        print(f"| {name} | {to[0]} | {to[1]} | {clock.best:.0f} | {clock.spent:.0f} |", flush=True)


if __name__ == "__main__":
    main()
