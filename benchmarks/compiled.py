"""Does torch.compile pay for a long run? A round of "01 non-saturating", compiled and not.

    python benchmarks/compiled.py [--rounds 60] [--repeats 5]

Both in one run, in turn, one thread, bfloat16, the same updates written as a plain loop.
"""
import argparse
import pathlib
import statistics
import sys
import time

import torch
from torch.nn.functional import softplus

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from gan_lessons.map.long_runs import LONG  # noqa: E402

RECIPE = LONG["01 non-saturating"].recipe


def players(compiled):
    """f, g and their optimisers."""
    f, g = RECIPE.players((1, 28, 28)).values()
    optimizers = [torch.optim.Adam(net.parameters(), 1e-3, RECIPE.betas, fused=True)
                  for net in (f, g)]
    return [*(map(torch.compile, (f, g)) if compiled else (f, g)), *optimizers]


def move(optimizer, loss):
    optimizer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        value = loss()
    value.backward()
    optimizer.step()


def play(f, g, optimizer_f, optimizer_g, rounds):
    """CPU-seconds of some rounds."""
    x, z = torch.rand(RECIPE.batch, 1, 28, 28) * 2 - 1, torch.randn(RECIPE.batch, RECIPE.noise)
    began = time.process_time()
    for _ in range(rounds):
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            x_fake = g(z)
        move(optimizer_f, lambda: softplus(-f(x)).mean() + softplus(f(x_fake)).mean())
        move(optimizer_g, lambda: softplus(-f(g(z))).mean())
    return time.process_time() - began


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--rounds", type=int, default=60)
    ask.add_argument("--repeats", type=int, default=5)
    asked = ask.parse_args()
    torch.set_num_threads(1)
    plain, compiled = players(False), players(True)
    play(*plain, 3)
    print(f"warm-up of the compiled one: {play(*compiled, 3):.0f} CPU-seconds")
    taken = [(play(*plain, asked.rounds), play(*compiled, asked.rounds))
             for _ in range(asked.repeats)]
    ratios = sorted(a / b for a, b in taken)
    print(f"ms a round: plain {1e3 / asked.rounds * statistics.median(a for a, _ in taken):.1f}, "
          f"compiled {1e3 / asked.rounds * statistics.median(b for _, b in taken):.1f}; "
          f"plain / compiled {statistics.median(ratios):.2f} ({ratios[0]:.2f} – {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
