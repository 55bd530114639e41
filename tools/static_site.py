"""The course as pages that need neither kernel nor network: mathematics set ahead, sliders alive.

    python tools/static_site.py --out DIR [PATH ...]

Every explorer is drawn ahead in a grid of its states (film.py); only the cells it needs are run for
that, in the budget that GAN_LESSONS_BUDGET says. All other outputs are the stored ones. A page that
is up to date is left alone, so a build that was stopped goes on.
"""
from __future__ import annotations

import argparse
import ast
import copy
import html
import os
import pathlib
import re
import sys
import time
import zlib

import nbformat
from cells import trimmed
from nb import LessonFailed, execute, fingerprint, lessons, pages, read, tags, write
from pages import UnknownMarkup, page

STYLE = """<style>
.gan-film label { display: flex; align-items: center; gap: .6em;
  font: 14px/1.8 "DejaVu Sans", Arial, sans-serif; }
.gan-film label span { min-width: 11em; text-align: right; }
.gan-film input { width: 22em; max-width: 50vw; } .gan-film output { min-width: 4em; }
nav.gan { display: flex; justify-content: space-between; gap: 1em; max-width: 1000px;
  margin: 1em auto; padding: 0 1em; font: 15px "DejaVu Sans", Arial, sans-serif; }
</style>"""
SCRIPT = """<script>
for (const film of document.querySelectorAll(".gan-film")) {
  const frames = film.querySelector("[hidden]").textContent.split(" ");
  const counts = film.dataset.counts.split(" ").map(Number);
  const controls = [...film.querySelectorAll("input, select")];
  const picture = film.querySelector("img");
  const together = film.dataset.together === "1";
  const value = (control) =>
    control.tagName === "SELECT" ? control.selectedIndex : Number(control.value);
  const move = (event) => {
    let at = 0;
    controls.forEach((control, i) => {
      if (!together && control !== event.target) {
        if (control.tagName === "SELECT") control.selectedIndex = control.dataset.start;
        else control.value = control.dataset.start;
      }
      if (together) at = at * counts[i] + value(control);
      else if (control === event.target)
        at = counts.slice(0, i).reduce((a, b) => a + b, 0) + value(control);
      if (control.dataset.says) {
        const says = control.dataset.says.split(" ")[value(control)];
        control.setAttribute("aria-valuetext", says);
        control.parentElement.querySelector("output").textContent = says;
      }
    });
    picture.src = "data:image/png;base64," + frames[at];
  };
  controls.forEach((control) => control.addEventListener("input", move));
}
</script>"""


def filmed(nb, path, timeout=1800):
    """id of each explorer's cell -> HTML of its film. Only the cells they need are run."""
    nb = copy.deepcopy(nb)
    asked = set()
    for cell in nb.cells:
        if cell.cell_type == "code" and "explore" in tags(cell):
            body = ast.parse(cell.source)
            if isinstance(body.body[-1], ast.Expr):
                shown = ast.unparse(body.body.pop().value)
                cell.source = f"{ast.unparse(body)}\nimport film\nfilm.film({shown})".strip()
                asked.add(cell.id)
    if not asked:
        return {}
    trimmed(nb, asked)
    places = [str(pathlib.Path(__file__).parent), os.environ.get("PYTHONPATH")]
    execute(nb, path.name, path.parent, timeout,
            PYTHONPATH=os.pathsep.join(filter(None, places)))       # the kernel imports film.py
    made = {cell.id: output.data["text/html"]
            for cell in nb.cells if cell.id in asked for output in cell.outputs
            if "gan-film" in output.get("data", {}).get("text/html", "")}
    if missing := asked - set(made):
        raise LessonFailed(f"{path.name}: cells {', '.join(sorted(missing))} are tagged explore "
                           "and show no explorer")
    return made


def heading(nb):
    """(title, question) of a lesson, in plain text."""
    first = nb.cells[0].source
    title = re.search(r"^# (.*)", first, re.M)[1]
    question = re.search(r"^> (.*(?:\n> .*)*)", first, re.M)
    return plain(title), plain(question[1].replace("\n> ", " ")) if question else ""


def plain(text):
    return re.sub(r"[*`$\\]", "", text)


def navigation(path, paths):
    """Links to the lesson before, the table of contents and the lesson after."""
    at = paths.index(path) if path in paths else len(paths)  # the page of reference is no lesson
    before, after = "<span></span>", "<span></span>"         # they keep the middle in the middle
    if 0 < at < len(paths):
        stem = paths[at - 1].stem
        before = f'<a href="{stem}.html">← {stem[:2]}</a>'
    if at + 1 < len(paths):
        stem = paths[at + 1].stem
        after = f'<a href="{stem}.html">{stem[:2]} →</a>'
    return (f'<nav class="gan" aria-label="lessons">{before}'
            f'<a href="index.html">All lessons</a>{after}</nav>')


def lesson(path, paths, out):
    """Write the page of one lesson; False if it was up to date."""
    nb, target = read(path), out / f"{path.stem}.html"
    known = repr([fingerprint(nb), [cell.source for cell in nb.cells],
                  [path.stem for path in paths]])
    stamp = f"<!-- {zlib.crc32(known.encode()):08x} -->"
    if target.exists() and target.read_text(encoding="utf-8").endswith(stamp):
        return False
    films = filmed(nb, path)
    for cell in nb.cells:
        if cell.get("id") in films:
            film = nbformat.v4.new_output("display_data", {"text/html": films[cell.id]})
            cell.outputs = [output for output in cell.outputs
                            if "image/png" not in output.get("data", {})] + [film]
    try:
        text = page(nb, path.stem)
    except UnknownMarkup as error:
        raise LessonFailed(f"{path.name}, {error}") from None
    text = re.sub(r'href="(\d\d_\w+|reference)\.ipynb', r'href="\1.html', text)
    bar = navigation(path, paths)
    text = text.replace("</head>", STYLE + "</head>", 1)
    text = re.sub(r"(<body[^>]*>)", lambda body: body[1] + bar, text, count=1)
    write(target, text.replace("</body>", bar + SCRIPT + "</body>", 1) + stamp)
    return True


def contents(paths, out):
    """The table of contents: each lesson with its question."""
    rows = ""
    for path in paths:
        title, question = heading(read(path))
        title = title.partition("·")[2].strip() or title        # the list has the number already
        rows += (f'<li value="{int(path.stem[:2])}">'
                 f'<a href="{path.stem}.html">{html.escape(title)}</a>'
                 f'<br><span>{html.escape(question)}</span></li>')
    write(out / "index.html", f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>GAN Lessons</title>
<meta name="viewport" content="width=device-width"><style>
body {{ font: 17px/1.5 "DejaVu Sans", Arial, sans-serif; max-width: 46em; margin: 2em auto;
  padding: 0 1em; color: #222; }}
li {{ margin-bottom: .8em; }} li span {{ color: #555; }} a {{ color: #0072B2; }}
</style></head><body><h1>GAN Lessons</h1>
<p>Every objective of generative adversarial networks derived, executed and dragged. These pages
need no network; their sliders move between pictures drawn ahead. To run, change and train
everything, take the notebooks.</p>
<ol>{rows}</ol></body></html>
""")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=pathlib.Path, metavar="PATH")
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="DIR")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    everything, failed = lessons(), False
    for path in [path.resolve() for path in args.paths] or pages():
        start = time.perf_counter()
        try:
            done = lesson(path, everything, args.out)
            print(f"{path.stem}: {'written' if done else 'up to date'}, "
                  f"{time.perf_counter() - start:.0f} s", flush=True)
        except LessonFailed as error:
            failed = True
            print(error, file=sys.stderr, flush=True)
    contents(everything, args.out)
    print(args.out / "index.html", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
