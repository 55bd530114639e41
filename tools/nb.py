"""Run, store, check and print the lessons.

    python tools/nb.py run     [PATH ...]      execute copies, say how it went, write nothing
    python tools/nb.py refresh [PATH ...]      execute and store the outputs, in normal form
    python tools/nb.py check   [PATH ...]      what is stale or not in normal form
    python tools/nb.py clean   [PATH ...]      bring into normal form without executing
    python tools/nb.py html PATH ... --out DIR [--stored]     one HTML file each, no network needed
    python tools/nb.py slides PATH ... --out DIR [--no-films] a deck of slides each, as stored

Without a PATH, every lesson in notebooks/ and the page of reference. The normal form is what git
stores: outputs kept, counts 1..n, no widget state, whitelisted metadata, pictures of at most 256
colours (photographs keep theirs), streams in one piece, and a fingerprint of the code cells, so
that a test sees code that was edited and not rerun.
"""
from __future__ import annotations

import argparse
import asyncio
import base64
import copy
import hashlib
import io
import os
import pathlib
import subprocess
import sys
import time
from importlib.metadata import version

import nbformat
from PIL import Image
from tqdm import tqdm

from gan_lessons.data.files import atomic_write

ROOT = pathlib.Path(__file__).resolve().parents[1]
PHOTOGRAPH = 4096         # colours from which a picture may hold photographs; few plots have more
COMMON, RARE = 64, .25    # ... and the share of its pixels that have none of the commonest colours
MAX_KIB = 1000            # the map has 650, and grows; photographs in true colour weigh more
KEEP_CELL = ("tags", "jupyter", "slideshow")
KEEP_OUTPUT = {"image/png": ("alt", "width", "height")}
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
WIDGET = "application/vnd.jupyter.widget-view+json"


class LessonFailed(Exception):
    """One line for a person: which lesson, which cell, what happened."""


def lessons():
    return sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def pages():
    """The lessons, and after them the page of reference, which is none."""
    return [*lessons(), ROOT / "notebooks" / "reference.ipynb"]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def may_raise(cell):
    return any(tag.endswith("raises-exception") for tag in tags(cell))


def fingerprint(nb):
    """What the outputs depend on: source and tags of every code cell, in order.

    Not the tag of what a deck leaves out.
    """
    parts = [[cell.source, *sorted(tags(cell) - {"lecture-skip"})] for cell in nb.cells
             if cell.cell_type == "code"]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


# ---------------------------------------------------------------- normal form

def few_colours(png: str) -> str:
    """base64 PNG -> base64 PNG of at most 256 colours, without text chunks; one that is, stays.

    Photographs keep theirs, and lose only what cannot be seen.
    """
    image = Image.open(io.BytesIO(base64.b64decode(png)))
    opaque = image.mode != "RGBA" or image.getchannel("A").getextrema() == (255, 255)
    if image.mode in ("RGB", "RGBA") and opaque and _is_photograph(image.convert("RGB")):
        return _in_true_colour(image)
    if image.mode in ("P", "L", "1") and not getattr(image, "text", None):
        return png
    if image.mode == "RGBA" and image.getchannel("A").getextrema() != (255, 255):
        image = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    elif image.mode not in ("P", "L", "1"):     # maximum coverage: the smallest worst error of all
        image = image.convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE,
                                              dither=Image.Dither.NONE)
    image.info.clear()
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return base64.b64encode(out.getvalue()).decode()


def _is_photograph(image) -> bool:
    """Whether most of it has rare colours: a plot has many only where its lines cross."""
    if image.getcolors(PHOTOGRAPH):
        return False
    counts = sorted((count for count, _ in image.getcolors(1 << 24)), reverse=True)
    return 1 - sum(counts[:COMMON]) / sum(counts) > RARE


def _in_true_colour(image) -> str:
    out = io.BytesIO()
    image = image.convert("RGB")
    image.info.clear()
    image.save(out, "PNG", optimize=True)
    return base64.b64encode(out.getvalue()).decode()


def normalise_outputs(outputs, count):
    kept = []
    for output in outputs:
        before = kept[-1] if kept else {}
        if output.output_type == "stream":
            if before.get("output_type") == "stream" and before["name"] == output.name:
                before["text"] += output.text
                continue
        elif output.output_type in ("display_data", "execute_result"):
            if output.output_type == "execute_result":
                output.execution_count = count
            if output.data.keys() & {"image/png", "text/html"}:
                output.data.pop(WIDGET, None)       # a stored model id is dead on arrival
            output.metadata = nbformat.from_dict({
                kind: {key: values[key] for key in KEEP_OUTPUT[kind] if key in values}
                for kind, values in output.metadata.items() if kind in KEEP_OUTPUT and values})
            if "image/png" in output.data:
                output.data["image/png"] = few_colours(output.data["image/png"])
        kept.append(output)
    for output in kept:
        if output.output_type == "stream":          # a progress line counts as last written
            lines = output.text.replace("\r\n", "\n").split("\n")
            output.text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
    return kept


def normalise(nb):
    """Bring `nb` into normal form, in place; it is returned."""
    stamp = {"gan_lessons": nb.metadata["gan_lessons"]} if "gan_lessons" in nb.metadata else {}
    nb.metadata = nbformat.from_dict(
        {**stamp, "kernelspec": KERNEL, "language_info": {"name": "python"}})
    count = 0
    for cell in nb.cells:
        cell.metadata = nbformat.from_dict(
            {key: cell.metadata[key] for key in KEEP_CELL if cell.metadata.get(key)})
        if cell.cell_type == "code":
            if cell.execution_count is not None:
                count += 1
                cell.execution_count = count
            cell.outputs = normalise_outputs(cell.outputs, cell.execution_count)
    return nb


def dumps(nb):
    return nbformat.writes(nb, version=4, indent=1, ensure_ascii=False).rstrip("\n") + "\n"


def write(path, text):
    """Atomically: a lesson is never half-written."""
    with atomic_write(path) as file:
        file.write(text.encode("utf-8"))                 # bytes, so that \n stays \n everywhere


def read(path):
    try:
        return nbformat.read(path, as_version=4)
    except OSError as error:
        raise LessonFailed(f"{path}: {error.strerror or error}") from None
    except Exception as error:
        raise LessonFailed(f"{path}: not a notebook ({str(error).splitlines()[0]})") from None


def problems(path):
    """What keeps a stored lesson from being fresh and in normal form: a list of lines."""
    text = path.read_text(encoding="utf-8")
    nb = nbformat.reads(text, as_version=4)
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    outputs = [(cell, output) for cell in code for output in cell.outputs]
    stamp = nb.metadata.get("gan_lessons", {})
    found = []
    try:
        nbformat.validate(nb)
    except nbformat.ValidationError as error:
        found.append(f"not a valid notebook: {str(error).splitlines()[0]}")
    if stamp.get("code") != fingerprint(nb) or "matplotlib" not in stamp:
        found.append("the code is newer than the stored outputs: python lessons.py refresh")
    if dumps(normalise(copy.deepcopy(nb))) != text:
        found.append(f"not in normal form: python tools/nb.py clean {path.name}")
    if any(cell.execution_count is None for cell in code):
        found.append("a code cell was not run: python lessons.py refresh")
    for cell, output in outputs:
        if output.output_type == "error" and not may_raise(cell):
            found.append(f"cell {cell.id} stores an error: {output.ename}: {output.evalue}")
        if output.output_type == "stream" and output.name == "stderr":
            found.append(f"cell {cell.id} stores stderr: {output.text[:80]!r}")
    if (size := len(text.encode())) > MAX_KIB * 1024:
        found.append(f"{size // 1024} KiB; at most {MAX_KIB}")
    return found


# ---------------------------------------------------------------- execution

def execute(nb, name, folder, timeout=900, **environment):
    """Run every cell of `nb` in place, in a clean kernel of this Python.

    LessonFailed says which cell failed, and how.
    """
    from jupyter_client import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    stored_tags = [cell.metadata.get("tags") for cell in nb.cells]
    for cell in nb.cells:
        if may_raise(cell):
            cell.metadata["tags"] = [*cell.metadata["tags"], "raises-exception"]
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    kernel = AsyncKernelManager(kernel_name="python3")
    kernel.kernel_spec.argv[0] = sys.executable     # a kernel of the same name may stand elsewhere
    # on a terminal it is shown where a run stands; elsewhere nothing (disable=None)
    bar = tqdm(total=len(nb.cells), desc=name, unit="cell", leave=False, disable=None)
    client = NotebookClient(
        nb, km=kernel, timeout=timeout, store_widget_state=False, record_timing=False,
        startup_timeout=180, iopub_timeout=60, raise_on_iopub_timeout=True,     # a busy machine
        shutdown_kernel="immediate",            # all is said; a farewell takes half a second
        resources={"metadata": {"path": str(folder)}}, extra_arguments=["--log-level=ERROR"],
        on_cell_start=lambda cell, cell_index: bar.update(cell_index - bar.n))
    env = {"PYTHONHASHSEED": "0", **os.environ, "OMP_NUM_THREADS": "1", **environment}
    try:
        with bar:
            client.execute(env=env, cleanup_kc=True)        # or the kernel lives as long as we do
    except asyncio.CancelledError:          # what nbclient makes of Ctrl-C …
        raise KeyboardInterrupt from None
    except Exception as error:
        if hasattr(client, "_async_cleanup_kernel_future"):     # … or other errors, by chance
            raise KeyboardInterrupt from None
        if not isinstance(error, (CellExecutionError, CellTimeoutError, DeadKernelError)):
            raise
        index = next((i for i, cell in enumerate(nb.cells) if cell.cell_type == "code"
                      and any(o.output_type == "error" for o in cell.outputs)), None)
        if isinstance(error, CellExecutionError):
            what = f"{error.ename}: {error.evalue}"
        elif isinstance(error, CellTimeoutError):
            what = f"ran longer than {timeout} s"
        else:
            what = "the kernel died (out of memory?)"
        if index is None:
            raise LessonFailed(f"{name}: {what}") from None
        cell = nb.cells[index]
        source = cell.source.strip().splitlines() or [""]
        raise LessonFailed(
            f"{name}, cell {index + 1} ({cell.id}, «{source[0]}»): {what}") from None
    finally:
        for cell, old in zip(nb.cells, stored_tags):
            if old is not None:
                cell.metadata["tags"] = old
    return nb


def run(path, timeout):
    nb, start = read(path), time.perf_counter()
    execute(nb, path.name, path.parent, timeout)
    return f"{path.name}: every cell ran, {time.perf_counter() - start:.0f} s"


def refuse_unsaved(path):
    """A reader's own edits are not overwritten."""
    try:
        state = subprocess.run(["git", "status", "--porcelain", "--", path.name], cwd=path.parent,
                               capture_output=True, text=True)
    except OSError:
        state = None
    if state is None or state.returncode:
        raise LessonFailed(f"{path.name}: cannot ask git whether it holds edits of yours; "
                           "--force overwrites its outputs all the same")
    if state.stdout.strip():
        raise LessonFailed(f"{path.name} has changes that git does not hold; commit them first, "
                           "or --force to overwrite its outputs")


def refresh(path, timeout, force=False):
    if not force:
        refuse_unsaved(path)
    old, start = read(path), time.perf_counter()
    nb = execute(copy.deepcopy(old), path.name, path.parent, timeout, GAN_LESSONS_BUDGET="laptop")
    nb.metadata["gan_lessons"] = {"code": fingerprint(nb), "matplotlib": version("matplotlib")}
    if read(path) != old:
        raise LessonFailed(f"{path.name} was edited while it ran; refresh it again")
    write(path, dumps(normalise(nb)))
    return f"{path.name}: {path.stat().st_size // 1024} KiB, {time.perf_counter() - start:.0f} s"


def html(path, out, timeout, stored=False):
    from pages import page  # tools/ is on the path when this file is run
    nb = read(path)
    if not stored:
        execute(nb, path.name, path.parent, timeout)
    return write_page(path, out, page, nb)


def slides(path, out, films=True):
    from films import drawn, filmed
    from pages import deck
    nb, player = read(path), reveal()
    made = filmed(path, nb, drawn(out)) if films else {}
    return write_page(path, out, deck, nb, player, made, drawn(out) / path.stem)


def write_page(path, out, make, nb, *more):
    """The HTML that `make` gives, as a file of the lesson's name in `out`: its path."""
    from pages import UnknownMarkup
    try:
        text = make(nb, path.stem, *more)
    except UnknownMarkup as error:
        raise LessonFailed(f"{path.name}, {error}") from None
    out.mkdir(parents=True, exist_ok=True)
    write(out / f"{path.stem}.html", text)
    return str(out / f"{path.stem}.html")


REVEAL = "reveal.js-5.2.1.tgz"          # MIT licence, Hakim El Hattab and others
REVEAL_HASH = "sha256:359b575dd51bbda32f89b2fd4c7dc46ad7389a805572158916c29252f7a27333"
REGISTRIES = ("https://registry.npmjs.org/reveal.js/-/",
              "https://registry.npmmirror.com/reveal.js/-/")


def reveal():
    """The files of reveal.js that a deck needs, name -> text; fetched once, then from the cache."""
    import tarfile

    from gan_lessons import DataUnavailable
    from gan_lessons.data.downloads import cache, fetch
    try:
        path = fetch(REVEAL, REVEAL_HASH, REGISTRIES, cache())
    except DataUnavailable as error:
        raise LessonFailed(f"slides need reveal.js once, 3 MB: {error}. Try again with a network, "
                           f"or put {REVEAL} from {REGISTRIES[0]} into {cache()}") from None
    with tarfile.open(path) as archive:
        return {name: archive.extractfile(f"package/dist/{name}").read().decode("utf-8")
                for name in ("reset.css", "reveal.css", "reveal.js")}


# ---------------------------------------------------------------- command line

def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("run", "refresh", "check", "clean", "html", "slides"):
        sub = commands.add_parser(name)
        sub.add_argument("paths", nargs="*", type=pathlib.Path, metavar="PATH")
        sub.add_argument("--timeout", type=int, default=900, help="seconds for one cell")
        if name == "refresh":
            sub.add_argument("--force", action="store_true", help="even with unsaved changes")
        if name in ("html", "slides"):
            sub.add_argument("--out", type=pathlib.Path, required=True, metavar="DIR")
        if name == "slides":
            sub.add_argument("--no-films", action="store_true", help="sliders stay pictures")
        if name == "html":
            sub.add_argument("--stored", action="store_true", help="do not execute")
    args = parser.parse_args(argv)
    failed = False
    for path in args.paths or pages():
        try:
            if args.command == "check":
                read(path)
                lines = [f"{path.name}: {line}" for line in problems(path)]
                if lines:
                    raise LessonFailed("\n".join(lines))
                continue
            if args.command == "run":
                done = run(path, args.timeout)
            elif args.command == "refresh":
                done = refresh(path, args.timeout, args.force)
            elif args.command == "html":
                done = html(path, args.out, args.timeout, args.stored)
            elif args.command == "slides":
                done = slides(path, args.out, not args.no_films)
            else:
                write(path, dumps(normalise(read(path))))
                done = f"{path.name}: {path.stat().st_size // 1024} KiB"
            print(done, flush=True)
        except LessonFailed as error:
            failed = True
            print(error, file=sys.stderr, flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.modules["nb"] = sys.modules["__main__"]         # films.py imports it by this name
    sys.exit(main())
