"""The films of a page's explorers, drawn once for the book and for slides.

Frames that are up to date are left alone, so a build that was stopped goes on.
"""
from __future__ import annotations

import ast
import base64
import copy
import hashlib
import html
import json
import os
import pathlib
import re
import shutil

from cells import trimmed
from nb import ROOT, LessonFailed, execute, fingerprint, tags

SCRIPT = ROOT / "docs" / "book" / "_static" / "film.js"


def drawn(out: pathlib.Path) -> pathlib.Path:
    """Where films lie that the book in, or the decks of, a folder beside `out` use in common."""
    return out.parent / ".book.work" / "films"


def filmed(path, nb, folder: pathlib.Path, timeout=3600) -> dict[str, str]:
    """id of each explorer's cell -> HTML of its film, frames below `folder`/stem/id.

    Only the cells that an explorer needs are run. What is there and up to date stays.
    """
    asked = {cell.id: cell for cell in nb.cells
             if cell.cell_type == "code" and "explore" in tags(cell)}
    if not asked:
        return {}
    here, stamp = folder / path.stem, stamp_of(nb)
    known = here / "films.json"
    try:
        found = json.loads(known.read_text(encoding="utf-8"))
        if found["stamp"] == stamp:
            return found["films"]
    except (OSError, ValueError, KeyError):
        pass
    shutil.rmtree(here, ignore_errors=True)
    here.mkdir(parents=True)
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        if cell.get("id") in asked:
            body = parsed(path, cell)
            if not isinstance(body.body[-1], ast.Expr):
                raise LessonFailed(f"{path.name}: cell {cell.id} is tagged explore and shows "
                                   "no explorer")
            shown = ast.unparse(body.body.pop().value)
            cell.source = (f"{ast.unparse(body)}\nimport film\n"
                           f"film.film({shown}, {str(here / cell.id)!r})").strip()
    try:
        trimmed(nb, set(asked))
    except SyntaxError as error:
        raise LessonFailed(f"{path.name}: a cell is no Python: {error}") from None
    places = [str(pathlib.Path(__file__).parent), os.environ.get("PYTHONPATH")]
    execute(nb, path.name, path.parent, timeout,
            PYTHONPATH=os.pathsep.join(filter(None, places)))       # the kernel imports film.py
    made = {cell.id: output.data["text/html"]
            for cell in nb.cells if cell.id in asked for output in cell.outputs
            if "gan-film" in output.get("data", {}).get("text/html", "")}
    if missing := set(asked) - set(made):
        raise LessonFailed(f"{path.name}: cells {', '.join(sorted(missing))} are tagged explore "
                           "and show no explorer")
    known.write_text(json.dumps({"stamp": stamp, "films": made}), encoding="utf-8")
    return made


def parsed(path, cell):
    """Syntax tree of a cell; LessonFailed for one that is no Python."""
    try:
        return ast.parse(cell.source)
    except SyntaxError as error:
        raise LessonFailed(f"{path.name}, cell {cell.id}: {error}") from None


def stamp_of(nb) -> str:
    """On what the films of a page depend: its cells, the way films are made, the budget."""
    film = (pathlib.Path(__file__).parent / "film.py").read_text(encoding="utf-8")
    said = [fingerprint(nb), film, os.environ.get("GAN_LESSONS_BUDGET", "")]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


# -- in one file -----------------------------------------------------------------------------------

def embedded(film: str, folder: pathlib.Path) -> tuple[str, dict[str, str]]:
    """A film's HTML with its first pictures in it, and all of them by name as addresses of data.

    folder: that of the page's frames, below which the film's HTML looks for them by two names.
    """
    frames = re.search(r'data-frames="(.*?)"', film)[1]
    here = folder / pathlib.PurePosixPath(html.unescape(frames)).name
    data = lambda path: "data:image/webp;base64," + base64.b64encode(path.read_bytes()).decode()
    made = re.sub(r'src="[^"]*/(\w+\.webp)"', lambda found: f'src="{data(here / found[1])}"', film)
    return made, {path.stem: data(path) for path in sorted(here.glob("?[0-9]*.webp"))}


def script(frames: dict[str, dict[str, str]]) -> str:
    """What moves films whose frames are in the file: name of a film -> its pictures."""
    return (f"<script>window.GAN_FRAMES = {json.dumps(frames)};</script>"
            f"<script>{SCRIPT.read_text(encoding='utf-8')}</script>")
