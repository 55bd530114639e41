"""A lesson cut into screens: what a slide of 1280 × 720 holds, in the lesson's order.

A heading begins a slide. Text is cut between blocks, never inside a formula, a table or a fold;
long code stands alone, its output after it; a picture is as high as the screen allows. Cells tagged
`lecture-skip` are left out. Heights are estimated here, and what is still too high is made smaller
by the deck (pages.py).
"""
from __future__ import annotations

import base64
import copy
import math
import re
import struct

from nbformat.v4 import new_markdown_cell

ROOM = 600                              # pixels of a screen that cells may fill
LINE, CODE_LINE = 37, 27                # heights of a line of text and of code
LETTERS, CODE_LETTERS = 92, 104         # of a line
CODE_ALONE = 8                          # longer code stands without its output


def screens(nb):
    """The same lesson with its cells cut and their slide types set."""
    nb = copy.deepcopy(nb)
    cut, left = [], 0.0
    for piece in pieces(nb):
        title = re.match(r"(#+) ", piece.source) if piece.cell_type == "markdown" else None
        height = height_of(piece)
        if title and len(title[1]) <= 2:
            kind, left = "slide", ROOM
        elif title or height > left:
            kind, left = "subslide", ROOM
        else:
            kind = "-"
        left -= height
        piece.metadata["slideshow"] = {"slide_type": kind}
        cut.append(piece)
    _no_lonely_end(cut)
    nb.cells = cut
    return nb


def _no_lonely_end(cells):
    """A heading, or a sentence that reads the next cell, goes with it: ends with a colon, alone."""
    for here, after in zip(cells, cells[1:]):
        lonely = here.cell_type == "markdown" and after.cell_type == "code" and (
            here.source.rstrip().endswith(":"))
        if (lonely and after.metadata["slideshow"]["slide_type"] == "subslide"
                and here.metadata["slideshow"]["slide_type"] == "-"):
            here.metadata["slideshow"] = {"slide_type": "subslide"}
            if height_of(here) + height_of(after) <= ROOM:
                after.metadata["slideshow"] = {"slide_type": "-"}


def pieces(nb):
    """Cells of one screen at most, as far as one can cut."""
    for cell in nb.cells:
        tags = set(cell.metadata.get("tags", []))
        if "lecture-skip" in tags:
            continue
        if cell.cell_type == "markdown":
            yield from (new_markdown_cell(text) for text in parts(cell.source))
        elif "hide-input" in tags or cell.source.count("\n") < CODE_ALONE and height_of(
                cell) <= ROOM:
            yield cell
        else:
            code, output = copy.deepcopy(cell), copy.deepcopy(cell)
            code.outputs = []
            yield code
            if cell.outputs:
                output.metadata["tags"] = sorted(tags | {"hide-input"})
                output.id = f"{cell.id[:58]}-out"
                yield output


def parts(source: str) -> list[str]:
    """Markdown cut before headings and, between blocks, where a screen would be full."""
    found, now, height = [], [], 0.0
    for block in blocks(source):
        more = _text_height(block)
        if now and (re.match("#+ ", block) or height + more > ROOM):
            found.append("\n\n".join(now))
            now, height = [], 0.0
        now.append(block)
        height += more
    return [*found, "\n\n".join(now)] if now else found


def blocks(source: str) -> list[str]:
    """What blank lines part, but formulas, fences and folds in one piece."""
    found, open_ = [], False
    for block in re.split(r"\n\s*\n|\n(?=#{2,3} )", source.strip()):
        if open_:
            found[-1] += "\n\n" + block
        else:
            found.append(block)
        text = found[-1]
        open_ = (text.count("$$") % 2 == 1 or len(re.findall("^```", text, re.M)) % 2 == 1
                 or text.count("<details>") > text.count("</details>"))
    return found


def _text_height(block: str) -> float:
    if block.startswith("<details"):
        return LINE * block.count("<summary>") * 1.3             # folded
    if block.startswith("#"):
        return 2 * LINE
    if block.lstrip().startswith("|"):
        rows = block.splitlines()
        return sum(LINE * .85 * max(1, math.ceil(len(row) / 120)) for row in rows)
    shown = re.findall(r"\$\$.*?\$\$", block, re.S)
    text = re.sub(r"\$\$.*?\$\$", "", block, flags=re.S)
    text = re.sub(r"\]\([^)]*\)", "]", re.sub(r"\\[a-z]+|[{}]", "", text))
    rows = sum(math.ceil(len(line) / LETTERS) for line in text.splitlines() if line.strip())
    formulas = sum(80 + 55 * one.count(r"\\") for one in shown)
    return LINE * rows + formulas + LINE / 2


def height_of(cell) -> float:
    """About how many pixels of a screen a cell fills."""
    if cell.cell_type == "markdown":
        return sum(map(_text_height, blocks(cell.source)))
    height = 0.0
    if "hide-input" not in cell.metadata.get("tags", []):
        height += CODE_LINE * (cell.source.count("\n") + 1) + 24
    for output in cell.outputs:
        data = output.get("data", {})
        if "gan_film" in output.get("metadata", {}):
            rows, width, high = output.metadata["gan_film"]
            wide = min(1150.0, 1.3 * width)
            height += 44 * rows + min(580.0 - 44 * rows, wide * high / width)
        elif "image/png" in data:
            height += _picture_height(data["image/png"], output.metadata.get("image/png", {}))
        elif "text/html" in data or "text/markdown" in data:
            height += LINE * .85 * (str(data).count("<tr") + str(data).count("\\n") + 1)
        else:
            text = output.get("text") or data.get("text/plain", "")
            height += sum(CODE_LINE * max(1, math.ceil(len(line) / CODE_LETTERS))
                          for line in text.rstrip("\n").splitlines()) + 12
    return height


def _picture_height(png: str, options) -> float:
    """Of a picture in a deck: 1,150 pixels wide or ROOM high at most, and not above its own size by
    more than a half."""
    width, height = struct.unpack(">II", base64.b64decode(png[:64])[16:24])
    wide = min(1150.0, 1.5 * float(options.get("width", width)))
    return min(ROOM - 60.0, wide * height / width) + 16
