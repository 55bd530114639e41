"""The notebook tool: normal form, freshness, a reader's edits, errors, pages without a network."""
import base64
import io
import os
import pathlib
import signal
import subprocess
import sys
import time

import nb as tool
import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pictures import difference
from PIL import Image


def png(array, **options):
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG", **options)
    return base64.b64encode(out.getvalue()).decode()


def noisy(colours=1000):
    return np.random.default_rng(0).integers(0, 255, (40, colours // 40, 3)).astype(np.uint8)


def lesson(folder, *cells, name="07_made_up.ipynb"):
    path = folder / name
    tool.write(path, tool.dumps(tool.normalise(new_notebook(cells=list(cells)))))
    return path


@pytest.fixture
def checkout(tmp_path):
    def git(*words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=tmp_path,
                       check=True, capture_output=True)
    git("init")
    path = lesson(tmp_path, new_code_cell("print(6 * 7)"), new_markdown_cell("Read."),
                  new_code_cell("import os; os.environ['GAN_LESSONS_BUDGET']"))
    git("add", "."), git("commit", "-m", "a lesson")
    return path


def test_normal_form_is_a_fixed_point():
    cell = new_code_cell("x", metadata={"tags": ["train"], "collapsed": True,
                                        "slideshow": {"slide_type": "slide"}}, execution_count=9)
    cell.outputs = [new_output("stream", name="stdout", text="1 %\r50 %"),
                    new_output("stream", name="stdout", text="\r100 %\nend\n"),
                    new_output("display_data",
                               data={"image/png": png(noisy()), tool.WIDGET: {"model_id": "ab"}},
                               metadata={"image/png": {"alt": "Noise.", "needs": 1}, "x": 1}),
                    new_output("execute_result", data={"text/plain": "3"}, execution_count=9)]
    nb = tool.normalise(new_notebook(cells=[cell],
                                     metadata={"widgets": {"state": 1}, "signature": "x"}))
    assert set(nb.metadata) == {"kernelspec", "language_info"}
    assert cell.metadata == {"tags": ["train"], "slideshow": {"slide_type": "slide"}}
    stream, picture, result = cell.outputs
    assert stream.text == "100 %\nend\n"
    assert picture.metadata == {"image/png": {"alt": "Noise."}} and tool.WIDGET not in picture.data
    assert Image.open(io.BytesIO(base64.b64decode(picture.data["image/png"]))).mode == "P"
    assert cell.execution_count == result.execution_count == 1
    once = tool.dumps(nb)
    assert tool.dumps(tool.normalise(nbformat.reads(once, as_version=4))) == once


def test_few_colours_look_the_same_and_stay():
    smooth = np.sin(
        np.arange(300)[:, None, None] / 50 + np.arange(400)[:, None] / 70 + np.arange(3))
    picture = png((smooth * 10).astype(np.uint8) * 10 + 100)              # as a plot has
    small = tool.few_colours(picture)
    assert difference([picture], [small]) is None and len(small) < len(picture)
    assert tool.few_colours(small) == small


def test_photographs_keep_their_colours():
    pixels = np.random.default_rng(0).integers(0, 256, (90, 80, 3), dtype=np.uint8)
    stored = tool.few_colours(png(pixels))
    image = Image.open(io.BytesIO(base64.b64decode(stored)))
    assert image.mode == "RGB" and (np.asarray(image) == pixels).all()
    assert tool.few_colours(stored) == stored


def test_a_plot_whose_lines_cross_in_many_colours_is_no_photograph():
    pixels = np.full((200, 200, 3), 255, dtype=np.uint8)
    pixels[:, :30] = np.random.default_rng(0).integers(0, 256, (200, 30, 3), dtype=np.uint8)
    image = Image.open(io.BytesIO(base64.b64decode(tool.few_colours(png(pixels)))))
    assert image.mode == "P"
    pixels[:, :60] = np.random.default_rng(0).integers(0, 256, (200, 60, 3), dtype=np.uint8)
    image = Image.open(io.BytesIO(base64.b64decode(tool.few_colours(png(pixels)))))
    assert image.mode == "RGB"


def test_pictures_that_differ_are_seen():
    white, line = np.full((100, 100, 3), 255, np.uint8), np.full((100, 100, 3), 255, np.uint8)
    line[50] = 0
    assert "1.00%" in difference([png(white)], [png(line)])
    assert "1 stored, 0 drawn" in difference([png(white)], [])
    assert "size" in difference([png(white)], [png(white[:50])])
    assert difference([png(white)], [png(white - 40)]) is None


def test_refresh_stores_outputs_and_a_rerun_changes_nothing(checkout):
    assert tool.main(["check", str(checkout)]) == 1
    assert tool.main(["refresh", str(checkout)]) == 0
    assert tool.problems(checkout) == []
    text = checkout.read_text(encoding="utf-8")
    first, _, second = nbformat.reads(text, as_version=4).cells
    assert first.outputs[0].text == "42\n" and second.outputs[0].data["text/plain"] == "'laptop'"
    assert tool.main(["refresh", "--force", str(checkout)]) == 0
    assert checkout.read_text(encoding="utf-8") == text


def test_refresh_does_not_overwrite_edits(checkout, tmp_path, capsys):
    nb = nbformat.read(checkout, as_version=4)
    nb.cells[0].source = "print('mine')"
    nbformat.write(nb, checkout)
    before = checkout.read_bytes()
    assert tool.main(["refresh", str(checkout)]) == 1
    assert "changes that git does not hold" in capsys.readouterr().err
    assert checkout.read_bytes() == before
    new = lesson(tmp_path, new_code_cell("1"), name="08_untracked.ipynb")
    assert tool.main(["refresh", str(new)]) == 1


def test_a_failing_cell_is_named_and_nothing_is_written(tmp_path, capsys):
    path = lesson(tmp_path, new_code_cell("x = 1"), new_code_cell("x / 0  # division"))
    before = path.read_bytes()
    assert tool.main(["refresh", "--force", str(path)]) == 1
    error = capsys.readouterr().err
    assert "07_made_up.ipynb, cell 2" in error and "«x / 0  # division»" in error
    assert "ZeroDivisionError: division by zero" in error and path.read_bytes() == before
    allowed = lesson(tmp_path,
                     new_code_cell("1 / 0", metadata={"tags": ["nbval-raises-exception"]}))
    assert tool.main(["run", str(allowed)]) == 0


def as_stored(cell):
    nb = tool.normalise(new_notebook(cells=[cell]))
    nb.metadata["gan_lessons"] = {"code": tool.fingerprint(nb), "matplotlib": "3"}
    return nb


@pytest.mark.parametrize("spoil, problem", [
        (lambda nb: nb.cells[0].update(source="y"), "newer than the stored outputs"),
        (lambda nb: nb.metadata.pop("gan_lessons"), "newer than the stored outputs"),
        (lambda nb: nb.cells[0].metadata.update(tags=["train"]), "newer than the stored outputs"),
        (lambda nb: nb.cells[0].metadata.update(editable=True), "not in normal form"),
        (lambda nb: nb.cells[0].update(execution_count=4), "not in normal form"),
        (lambda nb: nb.cells[0].update(execution_count=None), "was not run"),
        (lambda nb: nb.cells[0].outputs.append(new_output("stream", name="stderr", text="oh")),
         "stderr"),
        (lambda nb: nb.cells[0].outputs.append(new_output("error", ename="E", evalue="v")),
         "stores an error"),
        (lambda nb: nb.cells.append(new_markdown_cell("x" * 1_100_000)), "at most 1000")])
def test_problems_are_found(tmp_path, spoil, problem):
    nb, path = as_stored(new_code_cell("x", execution_count=1)), tmp_path / "09_x.ipynb"
    tool.write(path, tool.dumps(nb))
    assert tool.problems(path) == []
    spoil(nb)
    tool.write(path, tool.dumps(nb))
    assert problem in " ".join(tool.problems(path))


def test_missing_and_broken_files_are_named(tmp_path, capsys):
    broken = tmp_path / "broken.ipynb"
    broken.write_text("{")
    assert tool.main(["check", str(tmp_path / "none.ipynb"), str(broken)]) == 1
    error = capsys.readouterr().err
    assert "none.ipynb: No such file" in error and "broken.ipynb: not a notebook" in error


def page_of(tmp_path, *cells):
    path = lesson(tmp_path, *cells)
    assert tool.main(["html", "--stored", "--out", str(tmp_path / "out"), str(path)]) == 0
    return (tmp_path / "out" / "07_made_up.html").read_text(encoding="utf-8")


def test_a_page_stands_alone(tmp_path):
    shown = new_code_cell("shown = 1")
    hidden = new_code_cell("unseen = 2", metadata={"tags": ["hide-input"]})
    hidden.outputs = [new_output("display_data", data={"image/png": png(noisy())},
                                 metadata={"image/png": {"alt": "Only noise."}})]
    text = page_of(tmp_path, shown, hidden, new_markdown_cell(
        "Some $p(x)$.\n\n<details><summary>Hint</summary>\n\n$$x^2$$\n\n</details>"))
    assert 'alt="Only noise."' in text and "shown" in text and "unseen" not in text
    assert "<summary>Hint</summary>" in text and text.count("<math") == 2
    assert "<script" not in text and 'src="http' not in text and "@import" not in text


def test_a_page_is_refused_with_the_cell_and_the_formula(tmp_path, capsys):
    path = lesson(tmp_path, new_markdown_cell(r"Look: $\nosuchcommand{x}$", id="formula"))
    assert tool.main(["html", "--stored", "--out", str(tmp_path), str(path)]) == 1
    error = capsys.readouterr().err
    assert "07_made_up.ipynb, cell formula" in error and r"\nosuchcommand" in error


def test_a_kernel_ends_with_its_lesson(tmp_path):
    nb = new_notebook(cells=[new_code_cell("import os; os.getpid()")])
    tool.execute(nb, "07_made_up.ipynb", tmp_path)
    kernel = int(nb.cells[0].outputs[0].data["text/plain"])
    for _ in range(100):                        # a fork's end is seen by who forked it
        try:
            os.kill(kernel, 0)
        except ProcessLookupError:
            return
        time.sleep(.1)
    pytest.fail("the kernel lives on")


@pytest.mark.skipif(os.name == "nt", reason="no process of Windows handles signals so")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_while_a_lesson_runs_is_no_death_of_its_kernel(tmp_path, sent):
    """The tool would go on with the next lesson, and say that memory ran out."""
    script = f"""
import os, sys
sys.path[:0] = [{str(pathlib.Path(tool.__file__).parent)!r}]
import nb
from nbformat.v4 import new_code_cell, new_notebook
stop = f"import os, time; os.kill({{os.getpid()}}, {int(sent)}); time.sleep(20)"
try:
    nb.execute(new_notebook(cells=[new_code_cell(stop)]), "07_made_up.ipynb", {str(tmp_path)!r})
except KeyboardInterrupt:
    print("stopped")
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "stopped", ran.stderr
