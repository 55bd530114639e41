"""`python lessons.py app NN`: the explorers of a lesson alone, by Voilà, until Ctrl-C.

Each with the words that lead to it and the answer folded below it. The page comes from 127.0.0.1,
behind a token, and asks no other machine for anything: formulas are MathML, set ahead.
"""
from __future__ import annotations

import copy
import os
import pathlib
import re
import secrets
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import webbrowser

from cells import trimmed
from family import tied
from lab import has_display, taken
from launch import ANY_BUTTONS, without
from nb import KERNEL, LessonFailed, dumps, read, tags
from nbformat.v4 import new_markdown_cell, new_notebook
from pages import UnknownMarkup, to_html

from lessons import PYTHON, ROOT, Stop, say

TEMPLATES = ROOT / "docs" / "app"
FIRST_PORT = 8866                       # Voilà's own; the next that is free is taken
PATIENCE = 120                          # seconds until the server must have answered


# -- the page --------------------------------------------------------------------------------------

def explorers_alone(nb, name: str):
    """A notebook of a lesson's explorers, the words around them, and the cells that they need.

    What the needed cells print or draw is not shown. LessonFailed for a lesson without explorers,
    and for a cell that is no Python.
    """
    nb = copy.deepcopy(nb)
    asked = [k for k, cell in enumerate(nb.cells)
             if cell.cell_type == "code" and "explore" in tags(cell)]
    if not asked:
        raise LessonFailed(f"{name} has no explorer: no cell is tagged explore")
    words = {nb.cells[k].id: (lead(nb.cells, k), answer(nb.cells, k)) for k in asked}
    shown = [new_markdown_cell(for_app(title(nb.cells[0].source), name))]
    try:
        trimmed(nb, set(words))
    except SyntaxError as error:
        raise LessonFailed(f"{name}: a cell is no Python: {error}") from None
    for cell in nb.cells:
        cell.source, cell.outputs = without(cell.source), []
        before, after = words.get(cell.id, ("", ""))
        if before:
            shown.append(new_markdown_cell(for_app("---\n\n" + before, name)))
        if cell.id not in words:
            cell.source = "%%capture\n" + cell.source
        shown.append(cell)
        if after:
            shown.append(new_markdown_cell(for_app(after, name)))
    return new_notebook(cells=shown, metadata={"kernelspec": KERNEL})


def title(source: str) -> str:
    """The first heading of a lesson and its question."""
    kept = re.findall(r"^(?:# .*|> .*)$", ANY_BUTTONS.sub("", source), re.M)
    return "\n".join(line + "\n" * line.startswith("#") for line in kept)


END = "</details>"


def lead(cells, k: int) -> str:
    """What stands before an explorer in the cell before it, after the last fold and heading."""
    text = _words(cells, k - 1).rpartition(END)[2]
    text = re.split(r"^(?=#{2,3} )", text, flags=re.M)[-1]         # from the last heading on
    return re.sub(r"^## .*$", "", text, flags=re.M).strip()        # a part of the lesson, not ours


def answer(cells, k: int) -> str:
    """What stands after an explorer, to the end of the first fold; the rest leads to the next."""
    before, end, _ = _words(cells, k + 1).partition(END)
    return re.split(r"^#{1,3} ", before + end, flags=re.M)[0].strip()


def _words(cells, k: int) -> str:
    return cells[k].source if 0 <= k < len(cells) and cells[k].cell_type == "markdown" else ""


def for_app(source: str, name: str) -> str:
    """Markdown as HTML in one piece, its formulas set; links to other pages are words here."""
    source = re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", source)
    try:
        made = to_html(source)
    except UnknownMarkup as error:
        raise LessonFailed(f"{name}: {error}") from None
    made = re.sub(r'<a class="anchor-link".*?</a>', "", made)
    return "<div>" + re.sub(r"\n\s*\n", "\n", made) + "</div>"     # a blank line would end it


# -- the server ------------------------------------------------------------------------------------

def serve(path: pathlib.Path, port: int | None = None, opened: bool = True) -> int:
    """Show the explorers of a lesson until Ctrl-C; the exit code, 0 for Ctrl-C.

    LessonFailed for a page that cannot be read, Stop for a server that does not start.
    """
    page = explorers_alone(read(path), path.name)
    port, token = port or free_from(FIRST_PORT), secrets.token_hex(24)
    say(f"Starting the explorers of {path.stem} ...")
    with tempfile.TemporaryDirectory(prefix="gan-lessons-app-") as folder:
        notebook, log = pathlib.Path(folder, path.name), pathlib.Path(folder, "server.log")
        notebook.write_text(dumps(page), encoding="utf-8")
        with open(log, "wb") as out:
            server = subprocess.Popen(command(notebook, port), env=environment(token),
                                      cwd=str(path.parent), stdout=out,
                                      stderr=subprocess.STDOUT, **tied())
        # also where a script has begun it in the background, and Ctrl-C would be ignored
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        try:
            address = f"http://127.0.0.1:{port}/"
            await_server(server, address, log)
            address += f"?token={token}"
            shown = opened and has_display() and webbrowser.open(address)
            say("\n  " + ("They open in your browser, at" if shown else
                          "Open this address in a browser:") + f"\n\n      {address}\n")
            say("  Ctrl-C here ends it.")
            return server.wait()
        except KeyboardInterrupt:               # the server had it too, and ends its kernels
            end(server)
            say("The explorers have stopped.")
            return 0
        finally:
            end(server)


def command(notebook, port: int) -> list[str]:
    """How Voilà is started. The token is not on it: everybody on a machine may read command lines.
    """
    return [str(PYTHON), "-m", "voila", str(notebook), "--template=gan", "--theme=light",
            "--no-browser", "--Voila.ip=127.0.0.1", f"--port={port}", "--Voila.port_retries=0",
            "--Voila.auto_token=True", "--Voila.log_level=ERROR", "--show_tracebacks=True",
            "--VoilaConfiguration.allow_template_override=NO",
            "--VoilaConfiguration.allow_theme_override=NO",
            "--VoilaConfiguration.file_allowlist=[]", "--VoilaExecutor.timeout=3600",
            "--Voila.kernel_websocket_connection_class="
            "gan_lessons.drawing.server.PromptConnection"]


def environment(token: str) -> dict[str, str]:
    """Of the server: its token, and where the page's template lies."""
    places = [str(TEMPLATES), os.environ.get("JUPYTER_PATH")]
    return dict(os.environ, JUPYTER_TOKEN=token,
                JUPYTER_PATH=os.pathsep.join(filter(None, places)))


def free_from(port: int) -> int:
    """The first port from this one on that is not taken. Stop where a hundred are."""
    for one in range(port, port + 100):
        if not taken(one):
            return one
    raise Stop(f"the ports {port} to {port + 99} are all taken; choose another with --port=")


def await_server(server, address: str, log: pathlib.Path):
    """Return when the server answers. Stop, with its last words, where it ends or is silent."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(address + "voila/static/", timeout=5).close()
            return
        except urllib.error.HTTPError:          # it answers, if with a refusal
            return
        except OSError:
            time.sleep(.1)
    end(server)
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
             if line.strip()]
    raise Stop(f"the server of the explorers did not start ({(lines or ['it said nothing'])[-1]});"
               " run `python lessons.py doctor` to see what is wrong.")


def end(server):
    """End the server and its kernels."""
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
