"""What the book has besides the lessons: its first page, indexes, references, the package."""
from __future__ import annotations

import inspect
import re

from nb import read

CHAPTERS = [("From cross-entropy to f-divergences", range(5)), ("Transport", range(5, 9)),
            ("Margins and comparisons", range(9, 12)), ("Labels", range(12, 15)),
            ("Encoders", range(15, 20)), ("The map", range(20, 21)),
            ("Beyond the map", range(21, 100))]


def heading(nb):
    """(title, question) of a lesson, as markdown."""
    first = nb.cells[0].source
    title = re.search(r"^# (.*)", first, re.M)[1]
    question = re.search(r"^> (.*(?:\n> .*)*)", first, re.M)
    return title, question[1].replace("\n> ", " ") if question else ""


def chapters(source, paths):
    """index.md: what the book is, each lesson with its question, and the order of the pages."""
    numbered = {int(path.stem[:2]): path for path in paths if path.stem[:2].isdigit()}
    text = ["# GAN Lessons", "", INTRODUCTION]
    trees = []
    for title, numbers in CHAPTERS:
        here = [numbered[k] for k in numbers if k in numbered]
        if not here:
            continue
        text += ["", f"**{title}**", ""]
        for path in here:
            name, question = heading(read(path))
            text.append(f"- [{name}]({path.name}): {question}")
        trees += [_tree(title, [path.stem for path in here])]
    more = [name for name in ("reference", "objectives", "terms", "literature", "package")
            if list(source.glob(f"{name}.*"))]
    trees.append(_tree("Look things up", more))
    (source / "index.md").write_text("\n".join([*text, "", *trees]), encoding="utf-8")


INTRODUCTION = """\
Every objective of generative adversarial networks: derived step by step, each formula executed
beside it, each figure moved by sliders, each game trained on real images. These pages need no
network, and their sliders move between pictures that were drawn ahead. To run, change and train
everything, open a lesson on Colab or Binder with the rocket at its head, or take the
notebooks: `python lessons.py`.
"""


def _tree(title, names) -> str:
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {title}", "", *names, "```", ""])


# -- appendix --------------------------------------------------------------------------------------

def write_appendix(source, paths):
    """The indexes of objectives and of terms, the literature, and the package's public names."""
    pages = {path: read(path) for path in paths}
    write = lambda name, text: (source / name).write_text(text, encoding="utf-8")
    write("objectives.md", objectives({path.stem for path in paths}))
    write("terms.md", terms(pages))
    write("literature.md", literature(pages))
    write("package.md", package())


def objectives(stems) -> str:
    """A table of all objectives: family, lesson, what each leaves to the generator."""
    from gan_lessons.map.objectives import _ALL
    rows = ["# Index of objectives", "",
            "What each leaves to the generator when the critic is at its best.", "",
            "| objective | family | lesson | measures |", "|---|---|---|---|"]
    for one in sorted(_ALL, key=lambda one: one.name.lower()):
        number = one.lesson[:2]
        link = f"[{number}]({one.lesson}.ipynb)" if one.lesson in stems else number
        rows.append(f"| {one.name} | {one.family} | {link} | {one.measures} |")
    return "\n".join(rows) + "\n"


CHINESE = r"[\u4e00-\u9fff][\u4e00-\u9fff、\s\w-]*"


def terms(pages) -> str:
    """English terms that a page gives with their Chinese ones, and where they stand first; the
    capital of a sentence's first word is none of the term's."""
    found = {}
    text = "\n".join(cell.source for nb in pages.values() for cell in nb.cells
                     if cell.cell_type == "markdown")
    for path, nb in pages.items():
        for cell in nb.cells:
            if cell.cell_type != "markdown":
                continue
            for english, chinese in re.findall(
                    rf"\*\*([A-Za-z][^*\n]{{1,50}}?)\*\* \((?:[A-Z-]+, )?({CHINESE})\)",
                    cell.source):
                small = english[0].lower() + english[1:]
                term = small if re.search(rf"\b{re.escape(small)}\b", text) else english
                found.setdefault(term.strip(), (chinese.strip(), path))
    rows = ["# Index of terms", "", "| term | 中文 | explained in |", "|---|---|---|"]
    for english, (chinese, path) in sorted(found.items(), key=lambda one: one[0].lower()):
        rows.append(f"| {english} | {chinese} | [{path.stem[:2]}]({path.name}) |")
    return "\n".join(rows) + "\n"


def literature(pages) -> str:
    """Every reference of the lessons once, with the lessons that use it."""
    found = {}
    for path, nb in pages.items():
        text = "\n\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
        for entry in re.split(r"\n| · ", text.partition("## References\n")[2]):
            entry = re.sub(r"^[-*] ", "", entry.strip()).rstrip(".")
            if re.match(r"[A-Z][^*]{1,150}(19|20)\d\d", entry) and "Next:" not in entry:
                number = re.search(r"\d{4}\.\d{4,5}", entry)
                key = number[0] if number else re.sub(r"\W", "", entry)[:30]
                found.setdefault(key, (entry, {}))[1][path] = None
    rows = ["# Literature", "",
            "What the lessons rest on, once, with what was read of it and the lessons that use it.",
            ""]
    for entry, places in sorted(found.values(), key=lambda one: one[0].lower()):
        links = ", ".join(f"[{path.stem[:2]}]({path.name})" for path in places)
        rows.append(f"- {entry}. Lessons: {links}.")
    return "\n".join(rows) + "\n"


def package() -> str:
    """The names that a reader types again and again, and the wings of the package."""
    import gan_lessons as gl
    rows = ["# The package", "", "```{eval-rst}", ".. highlight:: none"]
    homes = {}
    for name in gl.__all__:
        thing = getattr(gl, name)
        if inspect.ismodule(thing):
            continue
        homes.setdefault(gl._WHERE[name], []).append(name)
    for home, names in homes.items():
        rows += ["", f"gan_lessons.{home}", "-" * (len(home) + 12), ""]
        for name in names:
            kind = "class" if inspect.isclass(getattr(gl, name)) else "function"
            rows.append(f".. auto{kind}:: gan_lessons.{home}.{name}")
    return "\n".join([*rows, "```", ""])
