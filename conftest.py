"""What nbval leaves out: pictures, and answers judged wrong.

nbval never compares pictures. Here the stored pictures of every cell not tagged `train` must look
like the ones just drawn, if matplotlib's version is the one that drew them; and no cell may say ✗.
"""
import os
import pathlib
import shutil
import sys
import tempfile
from functools import cache
from importlib.metadata import version

os.environ.setdefault("GAN_LESSONS_BUDGET", "smoke")     # before nbval starts a kernel
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("PYTHONHASHSEED", "random")        # said aloud, or nb.py's kernels take 0

import nbformat  # noqa: E402
import pytest  # noqa: E402

sys.path[:0] = [str(pathlib.Path(__file__).parent / folder) for folder in ("tests", "tools")]

from pictures import difference, pngs  # noqa: E402

WARM = "GAN_LESSONS_WARM_FOLDER"        # where kernels are asked for that are forks
# Files by what they take, from minutes to a second; "" is the rest.
LONG = ["browser/test_lessons", "test_contributing", "test_processors", "notebooks/",
        "test_solutions", "browser/", "test_fingerprint", "test_structure", "test_warm_kernels",
        "test_arena", "test_study", "test_loop", "test_checkpoints", "lessons/", "machinery/", ""]


def pytest_configure(config):
    """Kernels of all tests and notebooks are forks of one process that has torch loaded.

    On Linux only: macOS forbids its own libraries after a fork, and Windows has none. There, and
    with GAN_LESSONS_WARM=0, kernels start as always.
    """
    if sys.platform != "linux" or os.environ.get("GAN_LESSONS_WARM") == "0":
        return
    # xdist's workers inherit it, and so does a run of pytest that a test starts
    if not os.path.isdir(os.environ.get(WARM, "")):
        import warm_kernels
        folder = os.environ[WARM] = tempfile.mkdtemp(prefix="gl-")      # short: it holds a socket
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        warm_kernels.install(folder)
        paths = [folder, os.environ.get("JUPYTER_PATH")]
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, paths))
    config.option.nbval_current_env = False             # so nbval asks for "python3", as others do


def pytest_collection_modifyitems(items):
    """The long files first: the workers that share them (--dist=loadfile) then end together."""
    items.sort(key=lambda item: LONG.index(next(
        kind for kind in LONG if item.path.match(f"{kind}*.*"))))


@cache
def drawn_by(path):
    """matplotlib's version when the notebook was stored."""
    return nbformat.read(path, as_version=4).metadata.get("gan_lessons", {}).get("matplotlib")


def complaint(cell, outputs, path):
    """What is wrong with a cell's fresh `outputs`, or None."""
    said = "\n".join(
        str(out.get("text") or out.get("data", {}).get("text/plain", "")) for out in outputs
    )
    if "✗" in said:
        return "an answer was judged wrong: " + next(
            line for line in said.splitlines() if "✗" in line
        )
    if "train" in cell.metadata.get("tags", []) or drawn_by(path) != version("matplotlib"):
        return None
    found = difference(pngs(cell.outputs), pngs(outputs))
    return found and f"the stored picture is stale ({found}): python lessons.py refresh"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    result = yield
    cell, outputs = getattr(item, "cell", None), getattr(item, "test_outputs", None)
    if cell is not None and outputs is not None and (found := complaint(cell, outputs, item.path)):
        item.raise_cell_error(found)
    return result
