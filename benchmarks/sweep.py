"""A study on one Dask worker and on two, on one process and on two; killed, then resumed.

    python benchmarks/sweep.py [--steps N] [--repeats N]

The study: sixteen contests of the arena on the ring, the same each time. Workers are warm:
imports are not timed.
"""
import argparse
import logging
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread a worker, before torch is loaded

from distributed import Client, LocalCluster

from gan_lessons.map import arena
from gan_lessons.map.study import load

NAMES = ["non-saturating GAN", "LS-GAN", "RSGAN", "WGAN-GP", "VAE", "flow", "CGAN · projection",
         "hinge"]
SEEDS = 2
MAY_DIFFER = ("cpu_seconds", "images_per_second", "memory", "seconds", "finished")


def figures(rows):
    return [
        {name: value for name, value in row.items() if name not in (*MAY_DIFFER, "key")}
        for row in rows
    ]


def held(path, steps, seeds=range(1, 1 + SEEDS), **how):
    """(rows, seconds) of the study, begun afresh."""
    began = time.perf_counter()
    rows = arena.run_arena(
        "toys",
        path,
        only=NAMES,
        data="ring",
        steps=steps,
        seeds=seeds,
        fresh=True,
        watch=False,
        **how,
    )
    return rows, time.perf_counter() - began


def on_workers(many, path, steps):
    with LocalCluster(n_workers=many, threads_per_worker=1, processes=True, dashboard_address=None,
                      silence_logs=logging.CRITICAL) as cluster:
        with Client(cluster) as client:
            client.run(arena.contest, "WGAN-GP", "ring", 0, 5)
            return held(path, steps, cluster=client)


def on_processes(many, path, steps):
    held(path, 5, seeds=range(1), processes=many)
    return held(path, steps, processes=many)


def killed_and_resumed(path, steps):
    """Rows after SIGKILL to the whole process group amid the study; how many were done by then."""
    words = [
        sys.executable,
        "-m",
        "gan_lessons.map.arena",
        "toys",
        "--data",
        "ring",
        "--steps",
        str(steps),
        "--seeds",
        str(SEEDS),
        "--processes",
        "2",
        "--out",
        str(path),
    ] + [word for name in NAMES for word in ("--only", name)]
    process = subprocess.Popen(words, start_new_session=True, stdout=subprocess.DEVNULL)
    journal, total = path.with_name(path.name + ".runs"), len(NAMES) * SEEDS
    while (
        not (journal.exists() and len(journal.read_text().splitlines()) > total // 2)
        and process.poll() is None
    ):
        time.sleep(.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = len(journal.read_text().splitlines()) - 1
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return load(path), done


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=2)
    ways = {"a Dask cluster": on_workers, "joblib": on_processes}
    parser.add_argument("--way", choices=ways, help="this one alone")
    options = parser.parse_args()
    ways = {title: way for title, way in ways.items() if options.way in (None, title)}
    with tempfile.TemporaryDirectory() as folder:
        folder, found, reference = pathlib.Path(folder), {}, None
        for _ in range(options.repeats):
            for title, way in ways.items():
                for many in (1, 2):
                    rows, seconds = way(many, folder / "rows.csv", options.steps)
                    found.setdefault((title, many), []).append(seconds)
                    reference = reference or figures(rows)
                    assert figures(rows) == reference, (title, many)
        print(
            f"| {len(reference)} contests of {options.steps} steps "
            "| one, s | two, s | ratio | lowest – highest |\n"
            "|---|---|---|---|---|"
        )
        for title in ways:
            one, two = found[title, 1], found[title, 2]
            ratios = [a / b for a, b in zip(one, two)]
            print(f"| {title} | {statistics.median(one):.1f} | {statistics.median(two):.1f} | "
                  f"{statistics.median(ratios):.2f} | {min(ratios):.2f} – {max(ratios):.2f} |")
        print(
            f"\nEvery figure of all {2 * len(ways) * options.repeats} studies "
            "is the same to the last digit."
        )
        if os.name != "nt":
            rows, done = killed_and_resumed(folder / "killed.csv", options.steps)
            assert figures(rows) == figures(load(folder / "rows.csv")), "killing changed a figure"
            print(f"Killed after {done} of {len(rows)} contests and resumed: no figure changed.")


if __name__ == "__main__":
    main()
