"""The plan of two samples in the plane: seconds of the linear program, and its duality gap.

    OMP_NUM_THREADS=1 python benchmarks/transport.py

Prints a markdown table. Weights are equal in one row and random in the other; the potentials must
prove the plan best.
"""
from __future__ import annotations

import time

import numpy as np
from scipy.spatial.distance import cdist

from gan_lessons.exact import transport

TARGET = "200 × 200 points in ≤ 2 s"


def measure(n, equal, rounds=5):
    """Seconds of each round, and the largest relative gap between the cost and the dual value."""
    rng, seconds, worst = np.random.default_rng(0), [], 0.0
    for _ in range(rounds):
        x, x_fake = rng.normal(size=(n, 2)), rng.normal(size=(n, 2)) + 1
        p, q = (np.full(n, 1 / n) if equal else rng.dirichlet(np.ones(n)) for _ in "pq")
        start = time.process_time()
        best = transport.plan(p, q, cdist(x, x_fake))
        seconds.append(time.process_time() - start)
        f = transport.potential_critic(x_fake, best.h)
        worst = max(worst, abs(best.cost - (p @ f(x) - q @ f(x_fake))) / best.cost)
    return np.median(seconds), max(seconds), worst


if __name__ == "__main__":
    print(
        f"Target: {TARGET}\n\n| points | weights | median s | slowest s | duality gap, relative |\n"
        "|---|---|---|---|---|"
    )
    for n in (50, 100, 200, 400):
        for equal in (True, False):
            median, slowest, gap = measure(n, equal)
            print(
                f"| {n} × {n} | {'equal' if equal else 'random'} | {median:.3f} "
                f"| {slowest:.3f} | {gap:.0e} |",
                flush=True,
            )
