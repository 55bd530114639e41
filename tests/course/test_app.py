"""The explorers of a lesson alone: which words and cells go with them, and what is refused."""
import socket
import types

import app
import pytest
from nb import LessonFailed, lessons, read, tags
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import lessons as course

TITLE = ("# 07 · Slopes\n\n> How steep?\n\nMinutes: 5\n\n"
         "[**▶ Open in Colab**](https://colab.example)")


def lesson(*cells):
    made = [new_markdown_cell(TITLE)]
    for kind, source in cells:
        tagged = {"tags": ["explore"] if kind == "explore" else []}
        made.append(new_markdown_cell(source) if kind == "words" else new_code_cell(
            source, id=f"c{len(made)}", metadata=tagged))
    return new_notebook(cells=made)


def test_an_explorer_keeps_its_words_and_the_cells_that_it_needs():
    nb = lesson(("code", "import math\nk = 3"), ("code", "unused = 5"), ("words", "A derivation."),
                ("words", "before\n\n</details>\n\n## By hand\n\nDrag it: **Question:** is "
                          "$\\frac12$ enough? See [step 2](06_wasserstein.ipynb#step-2)."),
                ("explore", "explorers.one(k)"),
                ("words", "<details><summary>Found</summary>\n\nYes, $x^2$.\n\n</details>\n\n"
                          "Now the second:"),
                ("explore", "explorers.two()"),
                ("words", "It moves.\n\n## What goes wrong\n\nAll."))
    page = app.explorers_alone(nb, "07_slopes.ipynb")
    kinds = [cell.cell_type for cell in page.cells]
    assert kinds == ["markdown", "code", "markdown", "code", "markdown", "markdown", "code",
                     "markdown"]
    words = [cell.source for cell in page.cells if cell.cell_type == "markdown"]
    code = [cell.source for cell in page.cells if cell.cell_type == "code"]
    assert code == ["%%capture\nimport math\nk = 3", "explorers.one(k)", "explorers.two()"]
    assert "07 · Slopes" in words[0].replace("&#183;", "·") and "How steep?" in words[0]
    assert "Minutes" not in words[0] and "Colab" not in words[0]
    assert "Drag it" in words[1] and "<mfrac>" in words[1] and "See step 2." in words[1]
    assert "By hand" not in words[1] and "before" not in words[1]
    assert "Found" in words[2] and "<msup>" in words[2] and "second" not in words[2]
    assert "Now the second" in words[3] and "Found" not in words[3]
    assert "It moves." in words[4] and "goes wrong" not in words[4]
    assert not any("\n\n" in text or "$" in text for text in words)     # each is one block of HTML


@pytest.mark.parametrize("cells, says", [
    ([("code", "x = 1")], "07_slopes.ipynb has no explorer"),
    ([("code", "x = = 1"), ("explore", "show(x)")], "a cell is no Python"),
    ([("words", "It is $\\nosuchthing x$ high."), ("explore", "show()")], "nosuchthing")])
def test_a_page_that_cannot_be_shown_is_refused_by_name(cells, says):
    with pytest.raises(LessonFailed, match="07_slopes.ipynb") as refused:
        app.explorers_alone(lesson(*cells), "07_slopes.ipynb")
    assert says in str(refused.value)


@pytest.mark.parametrize("path", lessons(), ids=lambda path: path.stem)
def test_every_lesson_has_its_page(path):
    nb = read(path)
    asked = [cell.source for cell in nb.cells if "explore" in tags(cell)]
    page = app.explorers_alone(nb, path.name)
    shown = [cell.source for cell in page.cells if cell.cell_type == "code"
             and not cell.source.startswith("%%capture")]
    assert shown == asked and asked
    words = " ".join(cell.source for cell in page.cells if cell.cell_type == "markdown")
    assert words.count("Question") >= 1 and ".ipynb" not in words


def test_a_server_that_does_not_start_says_why(tmp_path):
    log = tmp_path / "server.log"
    log.write_text("Traceback\n  …\nValueError: no such template\n\n", encoding="utf-8")
    gone = types.SimpleNamespace(poll=lambda: 1)
    with pytest.raises(course.Stop, match="ValueError: no such template.*doctor"):
        app.await_server(gone, "http://127.0.0.1:1/", log)


def test_a_port_that_is_taken_is_passed_over(monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert app.free_from(port) > port
    monkeypatch.setattr(app, "taken", lambda port: True)
    with pytest.raises(course.Stop, match="ports 8866 to 8965 are all taken"):
        app.free_from(8866)


def test_nobody_reads_the_token_off_the_command_line():
    said = app.command("page.ipynb", 8866)
    assert not any("s3cret" in word for word in said)
    assert app.environment("s3cret")["JUPYTER_TOKEN"] == "s3cret"
    assert "--Voila.ip=127.0.0.1" in said and "--Voila.auto_token=True" in said
