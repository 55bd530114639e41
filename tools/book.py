"""The course as a book: pages with search, contents and living sliders, without kernel or network.

    python tools/book.py --out DIR [--no-films] [PATH ...]

Sphinx and myst-nb set the stored notebooks; nothing is executed but what an explorer needs, for its
frames (film.py), which the page fetches one by one. Frames that are up to date are left alone, so
a build that was stopped goes on. All is built aside and published at the end, in one move.
"""
from __future__ import annotations

import argparse
import base64
import copy
import html
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import nbformat
from book_pages import chapters, write_appendix
from films import drawn, filmed
from launch import ANY_BUTTONS, BRANCH, REPOSITORY, without
from nb import ROOT, WIDGET, LessonFailed, pages, read
from pages import FONT
from PIL import Image

HERE = ROOT / "docs" / "book"


# -- pages -----------------------------------------------------------------------------------------

def prepared(path, nb, films: dict[str, str], out: pathlib.Path):
    """The notebook as the book sets it: pictures as files with their alt text, explorers as films.

    Pictures go to `out`/_pictures/stem.
    """
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            cell.source = for_book(cell.source)
            continue
        cell.source = without(cell.source)                   # the line for Colab
        if cell.get("id") in films:
            cell.outputs = [output for output in cell.outputs
                            if not {"image/png", WIDGET} & output.get("data", {}).keys()]
            cell.outputs.append(nbformat.v4.new_output(
                "display_data", {"text/html": films[cell.id]}))
        for k, output in enumerate(cell.outputs):
            data = output.get("data", {})
            if "image/png" in data:
                picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
                place = out / "_pictures" / path.stem / f"{cell.id}_{k}.webp"
                place.parent.mkdir(parents=True, exist_ok=True)
                photo = is_photograph(picture)
                picture.convert("RGB").save(place, lossless=not photo, quality=85 if photo else 60)
                said = output.metadata.get("image/png", {})
                options = {"class": "dark-light " + ("gan-photo" if photo else "gan-plot"),
                           "loading": "lazy", **said,
                           "src": f"_pictures/{path.stem}/{place.name}"}
                output.data = {"text/html": "<img " + " ".join(
                    f'{key}="{html.escape(str(value))}"' for key, value in options.items()) + ">"}
            if "text/html" in data:
                output.data["text/html"] = re.sub(r'href="(\d\d_\w+|reference)\.ipynb',
                                                  r'href="\1.html', output.data["text/html"])
            data.pop(WIDGET, None)
    return nb


def unrun(nb):
    """A notebook without outputs, as a reader who wants to run it takes it away."""
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nb


def for_book(source: str) -> str:
    """Markdown of a lesson, without the buttons that the book has at its head; links to files that
    are no pages of it lead to the repository."""
    source = ANY_BUTTONS.sub("", source)

    def elsewhere(link):
        path = (ROOT / "notebooks" / link[1]).resolve()
        if path.exists() and ROOT in path.parents:
            return f"]({REPOSITORY}/blob/{BRANCH}/{path.relative_to(ROOT).as_posix()})"
        return link[0]
    return re.sub(r"\]\((\.\./[^)\s]+)\)", elsewhere, source)


def is_photograph(picture: Image.Image) -> bool:
    """Whether a picture holds photographs: their colours must not be turned in the dark."""
    return picture.mode != "P" and picture.convert("RGB").getcolors(4096) is None


# -- building --------------------------------------------------------------------------------------

def build(paths, out: pathlib.Path, films: bool = True) -> int:
    """The book of `paths` (all pages by default) in `out`. 0 where all went well.

    LessonFailed for a lesson whose cells fail; the book that stood in `out` stays then.
    """
    work = out.parent / f".{out.name}.work"
    source, ready = work / "source", drawn(out)
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    extra = work / "extra"
    shutil.rmtree(extra, ignore_errors=True)
    extra.mkdir()
    shutil.copytree(HERE, source, dirs_exist_ok=True)
    style = FONT.removeprefix("<style>").removesuffix("</style>")
    (source / "_static" / "math.css").write_text(style, encoding="utf-8")
    failed = False
    for path in paths:
        start, nb = time.perf_counter(), read(path)
        try:
            made = filmed(path, nb, ready) if films else {}
        except LessonFailed as error:
            print(error, file=sys.stderr, flush=True)
            failed = True
            continue
        page = prepared(path, nb, made, extra)
        nbformat.write(page, source / path.name)
        print(f"{path.stem}: {time.perf_counter() - start:.0f} s", flush=True)
    if failed:
        print(f"Nothing was published; what was drawn is kept in {work}.", file=sys.stderr)
        return 1
    if films:
        for path in paths:
            if (ready / path.stem).exists():
                shutil.copytree(ready / path.stem, extra / "_films" / path.stem)
    write_appendix(source, paths)
    chapters(source, paths)
    shutil.rmtree(work / "html", ignore_errors=True)        # an earlier build may have had more
    code = subprocess.call(
        [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-j", "1", "-d", str(work / "trees"),
         str(source), str(work / "html")],
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(
            [str(ROOT), str(pathlib.Path(__file__).parent)]), GAN_LESSONS_BOOK_EXTRA=str(extra)))
    if code:
        return code
    slim(work / "html")
    for path in paths:                                      # to be downloaded
        nbformat.write(unrun(read(path)), work / "html" / "_sources" / path.name)
    old = work / "old"
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    (work / "html").rename(out)
    shutil.rmtree(old, ignore_errors=True)
    weight = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    drawn_now = len(list(out.glob("_films/*/*/?[0-9]*.webp")))
    print(f"{out / 'index.html'}: {weight / 1e6:.0f} MB, {drawn_now:,} frames", flush=True)
    return 0


ICON = re.compile(r'"?([\w-]+)"?:\[\d+,\d+,\[([^\]]*)\],"[0-9a-f]+",'          # name, other names
                  r'(?:"[^"]*"|\[(?:"[^"]*",?)*\])\],?')


def slim(html: pathlib.Path):
    """Take out of a built book what no page of it shows: source maps, two thousand icons, fonts of
    icons that a script draws, words of the theme in forty languages."""
    for path in html.rglob("*.map"):
        path.unlink()
    shutil.rmtree(html / "_static" / "locales", ignore_errors=True)
    for path in html.glob("_static/styles/*.css"):          # a script draws the icons of brands
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"@font-face\{[^}]*fa-(brands|v4)[^}]*\}", "", text)
        path.write_text(text, encoding="utf-8")
    for path in html.glob("_static/vendor/fontawesome/webfonts/fa-[bv]*"):
        path.unlink()
    icons = html / "_static" / "scripts" / "fontawesome.js"
    if not icons.exists():
        return
    sources = [*html.glob("*.html"), *html.glob("_static/scripts/*theme.js")]
    used = set().union(*(re.findall(r"fa-([a-z0-9-]+)", path.read_text(encoding="utf-8"))
                         for path in sources))
    named = lambda icon: {icon[1], *re.findall(r'"([\w-]+)"', icon[2])} & used
    text = icons.read_text(encoding="utf-8")
    icons.write_text(ICON.sub(lambda icon: icon[0] if named(icon) else "", text), encoding="utf-8")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=pathlib.Path, metavar="PATH")
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--no-films", action="store_true", help="sliders stay pictures")
    args = parser.parse_args(argv)
    return build([path.resolve() for path in args.paths] or pages(), args.out.resolve(),
                 not args.no_films)


if __name__ == "__main__":
    sys.exit(main())
