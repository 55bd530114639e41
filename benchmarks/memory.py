"""Memory of a kernel: without torch, and after each lesson (smoke budget).

    python benchmarks/memory.py [PATH ...]

Prints a markdown table. Resident memory as the kernel itself sees it, now and at its peak.
"""
from __future__ import annotations

import argparse
import pathlib
import sys
import tempfile

import nbformat

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

from nb import execute, lessons, read  # noqa: E402

TARGET = 200    # MB, for a kernel that has not imported torch
REPORT = """
import os, sys, psutil
now = psutil.Process().memory_info()
try:
    import resource
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
except ImportError:
    peak = now.peak_wset
print(now.rss, peak, int("torch" in sys.modules))
"""
TORCH_FREE = """
import gan_lessons as gl
from gan_lessons.drawing.explorer import Explorer, slider
p, q = gl.Normal(0, 1), gl.Normal(2, 1)
gl.js(p, q)
def setup(figure):
    return figure.subplots().plot([0, 1], [0, 1])
def update(lines, top):
    lines[0].set_ydata([0, top])
Explorer(setup, update, {"top": slider(0., 1., .1, .5, "top")}, alt="A line that rises to the top.")
"""


def measure(name, nb, folder):
    nb.cells.append(nbformat.v4.new_code_cell(REPORT))
    execute(nb, name, folder, GAN_LESSONS_BUDGET="smoke")
    now, peak, torch = map(int, nb.cells[-1].outputs[-1].text.split())
    print(
        f"| {name} | {now / 1e6:.0f} | {peak / 1e6:.0f} | {'yes' if torch else 'no'} |", flush=True
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    print(f"| kernel | MB | peak MB | torch (without: at most {TARGET} MB) |\n|---|---|---|---|")
    empty = nbformat.v4.new_notebook()
    with tempfile.TemporaryDirectory() as folder:
        measure("empty", empty, folder)
        free = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(TORCH_FREE)])
        measure("laws, divergences and an explorer", free, folder)
    for path in args.paths or lessons():
        measure(path.stem, read(path), path.parent)
