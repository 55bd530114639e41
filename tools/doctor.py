"""What `python lessons.py doctor` can only see from inside the environment.

One line per topic: ok, note (the course works, something is missing) or FAIL, with the remedy.
Exit code 1 when something is broken.
"""
import contextlib
import glob
import io
import os
import pathlib
import shutil
import sys
import tomllib
from importlib import metadata

ROOT = pathlib.Path(__file__).resolve().parents[1]
REPAIR = "run: python lessons.py setup"
DATA_SETS = ("mnist", "fashion_mnist", "cifar10", "svhn")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
            "msedge")


def packages():
    """The declared requirements against what is installed."""
    good, bad = compared()
    yield "ok", ", ".join(good)
    if bad:
        yield "FAIL", f"{', '.join(bad)}: not what pyproject.toml asks for; {REPAIR}"


def compared():
    """What is here as asked, and what is missing or of another version: two lists of words."""
    from packaging.requirements import Requirement
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    good, bad = [], []
    for text in project["project"]["dependencies"] + groups["course"] + groups["test"]:
        wanted = Requirement(text)
        try:
            have = metadata.version(wanted.name) or "broken"    # None: its files are half gone
        except metadata.PackageNotFoundError:
            have = "missing"
        fits = have[0].isdigit() and wanted.specifier.contains(have, prereleases=True)
        (good if fits else bad).append(f"{wanted.name} {have}")
    return good, bad


def missing():
    """For `lessons.py setup`, which mends what this names: the bad ones alone, or "nothing"."""
    try:
        print(", ".join(compared()[1]) or "nothing")
    except ImportError as error:
        print(error)
    return 0


def course():
    import gan_lessons
    home = pathlib.Path(gan_lessons.__file__).resolve().parent
    if home == ROOT / "gan_lessons":
        yield "ok", str(home)
    else:
        yield "FAIL", f"gan_lessons is imported from {home}, not from this folder; {REPAIR}"


def device():
    import torch

    from gan_lessons.training.devices import VARIABLE, choose, trouble
    from gan_lessons.training.settings import bfloat16_pays
    threads = f"{os.cpu_count()} cores, {torch.get_num_threads()} threads for torch"
    half = ("bfloat16 in hardware" if bfloat16_pays(torch.device("cpu"))
            else "no bfloat16 (trainings use float32)")
    yield "ok", f"CPU {torch.backends.cpu.get_cpu_capability()}, {threads}, {half}"
    if torch.cuda.is_available() and (reason := trouble(torch.device("cuda"))):
        yield "note", f"the GPU cannot compute ({reason}); trainings use the CPU"
    elif torch.cuda.is_available():
        yield "ok", f"GPU {torch.cuda.get_device_name(0)}, CUDA {torch.version.cuda}"
    elif torch.backends.mps.is_available():
        yield "ok", "GPU of Apple (mps)"
    elif shutil.which("nvidia-smi"):
        yield "note", ("there is an NVIDIA driver, but this PyTorch cannot use it; to change that "
                       "run: GAN_LESSONS_TORCH=gpu python lessons.py setup")
    else:
        yield "ok", "no GPU; the lessons are made for one CPU core"
    if wanted := os.environ.get(VARIABLE):
        try:
            yield "ok", f"{VARIABLE} is {wanted}: trainings use {choose()}"
        except ValueError as error:
            yield "FAIL", f"{error}, or unset {VARIABLE}"


def data():
    """Which image sets are at hand. None has to be: `glyphs` is drawn offline."""
    folder = os.environ.get("GAN_LESSONS_DATA")
    if folder and not pathlib.Path(folder).is_dir():
        yield "FAIL", f"GAN_LESSONS_DATA is {folder}, which is no folder; correct or unset it"
    os.environ["GAN_LESSONS_OFFLINE"] = "1"       # look, do not download
    from gan_lessons import DataUnavailable, load_images
    from gan_lessons.data.downloads import cache
    missing = []
    for name in DATA_SETS:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                n = sum(len(load_images(name, split)) for split in ("train", "test"))
            yield "ok", f"{name}: {n:,} images"
        except DataUnavailable as error:
            if "GAN_LESSONS_OFFLINE" not in str(error):
                yield "FAIL", str(error)
            missing.append(name)
    yield "ok", f"looked in {folder or 'no folder of yours (GAN_LESSONS_DATA)'} and {cache()}"
    if missing:
        yield "note", (f"not here: {', '.join(missing)}; downloaded when first asked for, or put "
                       "the official files into a folder and set GAN_LESSONS_DATA to it")


def browser():
    """Only the browser tests need one."""
    named = os.environ.get("CHROMIUM")
    caches = [os.environ.get("PLAYWRIGHT_BROWSERS_PATH"), "~/.cache/ms-playwright",
              "~/Library/Caches/ms-playwright", "~/AppData/Local/ms-playwright"]
    own = [p for c in caches if c for p in glob.glob(os.path.expanduser(c) + "/chromium*")]
    found = named or next(filter(None, map(shutil.which, BROWSERS)), own[0] if own else None)
    if named and not os.path.exists(named):
        yield "FAIL", f"CHROMIUM is {named}, which does not exist; correct or unset it"
    elif found:
        yield "ok", found
    else:
        yield "note", ("no Chromium: the browser tests are skipped; to have them run: "
                       f'"{sys.executable}" -m playwright install chromium')


def main():
    broken = False
    for topic in (packages, course, device, data, browser):
        try:
            lines = list(topic())
        except ImportError as error:
            lines = [("FAIL", f"{error}; {REPAIR}")]
        except Exception as error:       # a doctor reports; it never falls ill itself
            lines = [("FAIL", f"{type(error).__name__}: {error}; {REPAIR}")]
        for state, text in lines:
            print(f"{state:5} {topic.__name__:9} {' '.join(text.split())}", flush=True)
            broken |= state == "FAIL"
    return int(broken)


if __name__ == "__main__":
    sys.exit(missing() if sys.argv[1:] == ["missing"] else main())
