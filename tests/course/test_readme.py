"""The README tells the truth: its code runs, its table and its commands are the real ones."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_objective_in_ten_lines_trains(monkeypatch):
    monkeypatch.setenv("GAN_LESSONS_BUDGET", "smoke")
    code, _ = re.findall(r"```python\n(.*?)```", README, re.S)
    namespace = {}
    exec(compile(code, "README.md", "exec"), namespace)
    assert set(namespace["run"].losses) == {"f", "g"}
    written = [line for line in code.splitlines() if line.strip() and "import" not in line]
    assert len(written) <= 10


def test_every_lesson_has_its_row():
    rows = re.findall(r"^\| \[(\d\d)\]\(notebooks/(\d\d_\w+)\.ipynb\) \|(.*)\|$", README, re.M)
    lessons = [path.stem for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))]
    assert set(lessons) <= {stem for _, stem, _ in rows}
    for number, stem, cells in rows:
        assert stem.startswith(number) and len(cells.split("|")) == 4
        assert re.search(r"\d", cells.rsplit("|")[-1])


def test_lesson_00_lists_every_lesson_after_it():
    import nbformat
    first = nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in first.cells if cell.cell_type == "markdown")
    rows = re.findall(r"^\| \[\d\d [^]]+\]\((\d\d_\w+)\.ipynb\) \|", text, re.M)
    assert rows == [path.stem for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))][1:]


def test_its_commands_exist():
    said = subprocess.run([sys.executable, str(ROOT / "lessons.py"), "help"], text=True,
                          capture_output=True, check=True).stdout
    for name in re.findall(r"python lessons\.py ([a-z]+)", README):
        assert f"python lessons.py {name}" in said


def test_the_lines_about_recipes_run(capsys):
    _, code = re.findall(r"```python\n(.*?)```", README, re.S)
    assert ".train(gl.load_images())" in code
    exec(code.replace(".train(gl.load_images())", ".train(gl.load_images(), steps=1)"), {})
    assert "07 WGAN-GP: Fréchet distance" in capsys.readouterr().out
