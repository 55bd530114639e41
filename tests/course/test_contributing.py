"""The path of CONTRIBUTING.md, walked: whoever follows it adds an objective, and all is green.

newcomer/ holds what is written on the way for a small objective, in the project's own folders: a
model of a minimal lesson, whose number is NN. rows.toml beside them are the lines that go into
files which are there.
"""
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import nb as tool
import nbformat
import pytest
from cells import trimmed

ROOT = Path(__file__).resolve().parents[2]
NEWCOMER = Path(__file__).with_name("newcomer")
STEM, LAST = "exponential", tool.lessons()[-1].stem
NUMBER = f"{int(LAST[:2]) + 1:02}"
LESSON, MAP = f"notebooks/{NUMBER}_{STEM}.ipynb", "notebooks/20_map.ipynb"
GALLERY = "docs/gallery/20.png"


def numbered(text):
    """The text of the model with the numbers that it has today."""
    for sign, today in {"LASTSTEM": LAST[3:], "LAST": LAST[:2], "NN": NUMBER}.items():
        text = text.replace(sign, today)
    return text


ROWS = tomllib.loads(numbered((NEWCOMER / "rows.toml").read_text(encoding="utf-8")))["row"]
WRITTEN = sorted(path.relative_to(NEWCOMER).as_posix() for path in NEWCOMER.rglob("*.*")
                 if path.is_file() and path.name != "rows.toml" and path.suffix != ".pyc")

# what depends on a new objective; the rest of the suite does not know of it
CHECKS = [
    "tests/course/test_structure.py", "tests/course/test_readme.py",
    f"tests/course/test_notebooks.py::test_stored_lesson_is_fresh_and_normal[{NUMBER}_{STEM}]",
    f"tests/course/test_notebooks.py::test_stored_lesson_is_fresh_and_normal[{Path(MAP).stem}]",
    f"tests/course/test_solutions.py::test_published_solutions_are_judged_right[{NUMBER}_{STEM}]",
    f"tests/course/test_launch.py::test_lesson_has_its_own_buttons_and_the_line[{NUMBER}_{STEM}]",
    "tests/course/test_gallery.py", f"tests/lessons/test_{STEM}.py", "tests/lessons/test_map.py",
    "tests/machinery/test_judges.py", "tests/machinery/test_gradients.py",
    "tests/machinery/test_arena.py::test_everybody_in_the_catalogue_is_here_or_says_why_not",
    "tests/machinery/test_arena.py::test_the_common_networks_are_common",
    "tests/machinery/test_arena.py::test_committed_rows_are_whole", LESSON,
]
# in these files, what no new objective can change; and an import of every module, ten seconds long
APART = ["test_every_module_imports_first", "test_what_an_old", "test_an_old_import", "test_ruff",
         "test_the_rules_see", "test_its_commands", "test_the_objective_in_ten_lines",
         "test_links_in_outputs", "test_agree", "test_the_linear_program", "test_the_best_bound",
         "test_rows_of_the_table", "test_no_free_critic", "test_one_slope_steeper",
         "test_bound_slopes", "test_one_margin", "test_a_new_objective",
         "test_transport", "test_margins", "test_comparisons", "test_labels_and_encoders",
         *(f"answer[{number:02}" for number in range(int(NUMBER))),
         *(f"{kind}[{path.stem}" for path in tool.lessons()
           for kind in ("test_lesson", "test_a_module_that_a_lesson_names_exists"))]

# a step's file, left out -> the test that says so
LEFT_OUT = {
    f"gan_lessons/explorers/{STEM}.py":
        "tests/course/test_structure.py::"
        "test_one_stem_names_a_lesson_its_explorer_its_questions_and_its_test",
    "gan_lessons/questions/__init__.py":
        "tests/course/test_structure.py::test_every_lesson_has_its_number_among_the_questions",
    "README.md": "tests/course/test_readme.py::test_every_lesson_has_its_row",
    "notebooks/00_start_here.ipynb":
        "tests/course/test_readme.py::test_lesson_00_lists_every_lesson_after_it",
    GALLERY: "tests/course/test_gallery.py::test_each_picture_is_the_stored_one[20]",
}

# the same of the tables of the map, for an objective that stands in the list and nowhere else
ONLY_LISTED = {
    "gan_lessons/map/gradients.py":
        "tests/machinery/test_gradients.py::"
        "test_every_objective_of_the_catalogue_is_here_or_says_why_not",
    "gan_lessons/map/contestants.py":
        "tests/machinery/test_arena.py::"
        "test_everybody_in_the_catalogue_is_here_or_says_why_not",
    "gan_lessons/map/edges_of_critics.py":
        "tests/lessons/test_map.py::test_the_map_is_one_piece_and_leaves_nobody_out",
}


# -- the walk ----------------------------------------------------------------------------------

def copy_of(project, folder):
    """The project without what git does not hold."""
    apart = {project / name for name in (".git", ".venv", "build", "dist", "data", ".data",
                                         "notebooks/mine")}
    shutil.copytree(project, folder, ignore=lambda where, names: [
        name for name in names
        if Path(where, name) in apart or name in (".pytest_cache", ".ruff_cache",
                                                          ".ipynb_checkpoints")])
    return folder


def below(path, after, text):
    """Put `text` below the line `after`, which stands once: in a file, or in a cell of a page.

    A line that ends in … is the beginning of one.
    """
    begins = after.endswith("…")

    def found(source):
        return [at for at, line in enumerate(source.split("\n"), 1)
                if line == after or begins and line.startswith(after[:-1])]

    def put(source):
        lines, (at,) = source.split("\n"), found(source)
        return "\n".join([*lines[:at], text.strip("\n") if text.strip() else text, *lines[at:]])
    if path.suffix != ".ipynb":
        return path.write_text(put(path.read_text(encoding="utf-8")), encoding="utf-8")
    page = tool.read(path)
    cell, = (cell for cell in page.cells if found(cell.source))
    cell.source = put(cell.source)
    tool.write(path, tool.dumps(page))


def run(copy, *words):
    """A command of Python in the copy, by the copy's own package."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run([sys.executable, *words], cwd=copy, env=environment, text=True,
                          capture_output=True)


def draw_the_map_again(copy):
    """`refresh 20` without its trainings and its atlas: the cells that show the map."""
    page = tool.read(copy / MAP)
    shown = [cell for cell in page.cells if cell.cell_type == "code"
             and re.search(r"\bmaps\.|\bedge_table\(", cell.source)]
    part = nbformat.from_dict(page)
    trimmed(part, {cell.id for cell in shown})
    tool.execute(part, Path(MAP).name, copy / "notebooks", PYTHONPATH=str(copy),
                 GAN_LESSONS_BUDGET="laptop")
    fresh = {cell.id: cell.outputs for cell in part.cells}
    page = tool.read(copy / MAP)
    for cell in page.cells:
        if cell.id in {one.id for one in shown}:
            cell.outputs = fresh[cell.id]
    tool.write(copy / MAP, tool.dumps(tool.normalise(page)))


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """A copy of the project in which somebody has followed every step."""
    copy = copy_of(ROOT, tmp_path_factory.mktemp("walk") / "course")
    for name in WRITTEN:
        new = copy / numbered(name)
        assert not new.exists(), f"{new.name} is there already: choose another stem"
        new.write_text(numbered((NEWCOMER / name).read_text(encoding="utf-8")), encoding="utf-8")
    for row in ROWS:
        below(copy / row["file"], row["after"], row["text"])
    stored = run(copy, "tools/nb.py", "refresh", "--force", LESSON)
    assert stored.returncode == 0, stored.stderr
    draw_the_map_again(copy)
    drawn = run(copy, "tools/gallery.py")
    assert drawn.returncode == 0, drawn.stderr
    return copy


def pytest_in(copy, *words):
    return run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *words)


def test_whoever_walks_the_path_arrives(walked):
    """The page of the new lesson is among the tests: nbval runs its cells."""
    done = pytest_in(walked, "-x", "-k", f"not ({' or '.join(APART)})", *CHECKS)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    written = sorted(name for name in touched(walked) if name.endswith(".py"))
    done = run(walked, "-m", "ruff", "check", "--no-cache", *written)
    assert done.returncode == 0, done.stdout


def touched(copy):
    """Files of the copy that are new or no longer what they were."""
    return {path.relative_to(copy).as_posix() for path in copy.rglob("*")
            if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & {*path.parts}
            and not same(path, ROOT / path.relative_to(copy))}


def same(path, other):
    return other.exists() and path.read_bytes() == other.read_bytes()


# -- the path and the walk are one ---------------------------------------------------------------

def steps():
    """Of each step: is it required, the files it names, the tests that tell when it is missing."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("\n## A new objective, step by step\n")[2].partition("\n## ")[0]
    parts = re.split(r"^\d+\. ", section.partition("\nAt the end")[0], flags=re.M)[1:]
    for part in parts:
        quoted = [" ".join(word.split()).replace("<stem>", STEM).replace("NN", NUMBER)
                  for word in re.findall(r"`([^`]+)`", part)]
        yield (not part.startswith("*Optional"),
               {word for word in quoted if re.fullmatch(r"[\w./]+\.(py|ipynb|md|png)", word)},
               {word for word in quoted if re.fullmatch(r"test_\w+", word)})


def test_the_path_names_what_the_walk_touches_and_no_more(walked):
    named = set().union(*(where for _, where, _ in steps()))
    required = set().union(*(where for needed, where, _ in steps() if needed))
    went = touched(walked)
    assert went <= named, f"CONTRIBUTING.md does not name {went - named}"
    assert required <= went, f"the walk leaves out {required - went}"


def test_every_required_step_names_the_test_that_tells():
    known = {path.stem for path in ROOT.glob("tests/*/test_*.py")}
    assert len(list(steps())) > 10
    for needed, where, tests in steps():
        assert tests <= known, tests - known
        assert tests or not needed, where


@pytest.fixture(scope="module")
def complaints(walked, tmp_path_factory):
    """The tests that fail in a copy where the files of LEFT_OUT are as they were before."""
    copy = tmp_path_factory.mktemp("lacking") / "course"
    shutil.copytree(walked, copy)
    for name in LEFT_OUT:
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, copy / name)
        else:
            (copy / name).unlink()
    done = pytest_in(copy, "-rfE", "--tb=no", "--assert=plain", *LEFT_OUT.values())
    assert done.returncode == 1, done.stdout + done.stderr
    return set(re.findall(r"^FAILED (\S+)", done.stdout, flags=re.M))


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_step_that_is_left_out_is_told_of(complaints, name):
    assert LEFT_OUT[name] in complaints


@pytest.mark.parametrize("name", ONLY_LISTED)
def test_a_table_of_the_map_that_is_left_out_is_told_of(monkeypatch, name):
    from gan_lessons.map.objectives import OBJECTIVES
    file, _, function = ONLY_LISTED[name].partition("::")
    spec = spec_from_file_location(f"left_out_{Path(file).stem}", ROOT / file)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(OBJECTIVES, "yours", OBJECTIVES["minimax GAN"]._replace(name="yours"))
    with pytest.raises(AssertionError):
        getattr(module, function)()


@pytest.mark.parametrize("name, node", [*LEFT_OUT.items(), *ONLY_LISTED.items()])
def test_the_path_says_which_test_tells(name, node):
    told, = (tests for _, where, tests in steps() if name in where)
    assert Path(node.partition("::")[0]).stem in told
