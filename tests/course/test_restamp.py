"""A page keeps its outputs where only imports, names and prose changed, and nowhere else."""
import subprocess

import nbformat
import pytest
from nb import LessonFailed, dumps, fingerprint, normalise, problems, write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from restamp import main, restamp

OLD = ["import gan_lessons as gl\nfrom gan_lessons import Hats, oracle, plots",
       "def ask(p, q, more=2):\n    return gl.kl(p, q) + more * oracle.triangular(p, q)",
       "h = Hats(3, 2); print(ask(gl.Normal(0), gl.Normal(1)), gl.slopes)",
       "plots.heap(1)\nfor kl in range(3):\n    print(kl)",
       "print(h.known.pays(1), h.kl)"]
NEW = ["from gan_lessons import Normal, kl as KL, plots\n"
       "from gan_lessons.exact import least_squares as exact",
       "def ask(p, q, more=2):\n    return KL(p, q) + more * exact.triangular(p, q)",
       "from gan_lessons.objectives.clustering import GaussianMixturePrior\n"
       "from gan_lessons.players import penalties\n"
       "h = GaussianMixturePrior(3, 2); print(ask(Normal(0), Normal(1)), penalties.slopes)",
       "plots.draw_density(1)\nfor kl in range(3):\n    print(kl)",
       "print(h.known.generator(1), h.kl)"]


def notebook(sources, tags=(), title="# A page"):
    cells = [new_markdown_cell(title, id="title")]
    for number, source in enumerate(sources):
        cell = new_code_cell(source, id=f"cell-{number}", execution_count=number + 1)
        cell.metadata["tags"] = list(tags)
        cells.append(cell)
    nb = new_notebook(cells=cells)
    nb.metadata["gan_lessons"] = {"matplotlib": "3"}
    return nb


@pytest.fixture
def page(tmp_path):
    """A page of the first edition, stored and committed: its path."""
    path = tmp_path / "30_page.ipynb"
    nb = notebook(OLD)
    nb.cells[3].outputs = [new_output("stream", name="stdout", text="1.5 <slopes>\n")]
    nb.metadata["gan_lessons"]["code"] = fingerprint(nb)
    write(path, dumps(normalise(nb)))
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "a page"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return path


def rewrite(path, *changes, tags=(), title="# A page"):
    sources = list(NEW)
    for number, old, new in changes:
        assert old in sources[number]
        sources[number] = sources[number].replace(old, new)
    write(path, dumps(notebook(sources, tags, title)))


def test_new_names_and_prose_keep_the_outputs(page):
    rewrite(page, title="# A better title")
    assert main([str(page)]) == 0
    nb = nbformat.read(page, as_version=4)
    assert nb.cells[3].outputs[0].text == "1.5 <slopes>\n" and problems(page) == []
    assert nb.cells[0].source == "# A better title" and "GaussianMixturePrior" in nb.cells[3].source


@pytest.mark.parametrize("change, cell", [
    ((1, "more=2", "more=3"), 2),                                   # a number
    ((1, "more * ", ""), 2),                                        # a step of the formula
    ((1, "triangular", "triangular_slope"), 2),                     # another function of the module
    ((2, "print(", "print(1, "), 3),
    ((2, "GaussianMixturePrior(3, 2);", "GaussianMixturePrior(3, 4);"), 3),
    ((2, "penalties.slopes", "penalties.penalty"), 3),
    # a loop variable that hides an imported name
    ((3, "for kl in range(3):\n    print(kl)", "for KL in range(3):\n    print(KL)"), 4),
    ((4, "generator(", "fake("), 5),                                # another attribute
])
def test_anything_else_is_refused_by_name(page, change, cell):
    rewrite(page, change)
    kept = page.read_bytes()
    with pytest.raises(LessonFailed, match=f"code cell {cell} has changed.*refresh 30"):
        restamp(page)
    assert page.read_bytes() == kept


def test_tags_and_the_number_of_cells_count(page):
    rewrite(page, tags=["train"])
    with pytest.raises(LessonFailed, match="tags of code cell 1"):
        restamp(page)
    write(page, dumps(notebook(NEW[:3])))
    with pytest.raises(LessonFailed, match="5 code cells have become 3"):
        restamp(page)


def test_a_name_with_two_meanings_is_refused(page):
    rewrite(page, (3, "plots.draw", "from gan_lessons import js as KL\nplots.draw"))
    with pytest.raises(LessonFailed, match="KL is imported as kl and as js"):
        restamp(page)


def test_an_import_of_another_package_is_code(page):
    rewrite(page, (0, "from gan", "import numpy as np\nfrom gan"))
    with pytest.raises(LessonFailed, match="code cell 1 has changed"):
        restamp(page)


def test_outputs_that_were_stale_before_are_not_blessed(page, capsys):
    nb = nbformat.read(page, as_version=4)
    nb.metadata["gan_lessons"]["code"] = "0" * 16
    write(page, dumps(nb))
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "stale"],
                   cwd=page.parent, check=True)
    rewrite(page)
    assert main([str(page)]) == 1 and "stale at HEAD already" in capsys.readouterr().err
    with pytest.raises(LessonFailed, match="no v1:30_page.ipynb; name another --since"):
        restamp(page, "v1")


# -- with a run of what depends on no training ----------------------------------------------------

LEARNT = ["import math", "a = 2\nprint('a', a)", "learnt = a + 1", "print('seen', learnt)\nb = 7",
          "print(b)"]
TAGS = [["setup"], ["derive"], ["train"], ["train"], ["derive"]]


@pytest.fixture
def trained(tmp_path):
    """A committed page whose third cell trains on what the second binds."""
    path = tmp_path / "31_page.ipynb"
    nb = notebook(LEARNT)
    for cell, tags, text in zip(nb.cells[1:], TAGS, ["", "a 2\n", "", "seen 3, from a long run\n",
                                                     "7\n"]):
        cell.metadata["tags"] = tags
        cell.outputs = [new_output("stream", name="stdout", text=text)] if text else []
    nb.metadata["gan_lessons"]["code"] = fingerprint(nb)
    write(path, dumps(normalise(nb)))
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "a page"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return path


def edit(path, number, old, new):
    nb = nbformat.read(path, as_version=4)
    assert old in nb.cells[number].source
    nb.cells[number].source = nb.cells[number].source.replace(old, new)
    write(path, dumps(nb))


def test_a_cell_without_training_is_run_again_and_the_long_run_is_kept(trained):
    edit(trained, 2, "'a', a", "'a =', a")
    with pytest.raises(LessonFailed, match="code cell 2 has changed"):
        restamp(trained)
    assert "1 made anew" in restamp(trained, rerun=True)
    cells = nbformat.read(trained, as_version=4).cells
    assert cells[2].outputs[0].text == "a = 2\n"
    assert cells[4].outputs[0].text == "seen 3, from a long run\n" and problems(trained) == []


def test_what_a_training_depends_on_is_not_changed_behind_it(trained):
    edit(trained, 2, "a = 2", "a = 5")
    with pytest.raises(LessonFailed, match="a training depends on its a; run: .* refresh 31"):
        restamp(trained, rerun=True)


def test_a_training_itself_is_never_taken_from_a_short_run(trained):
    edit(trained, 4, "'seen'", "'saw'")
    with pytest.raises(LessonFailed, match="code cell 4 has changed"):
        restamp(trained, rerun=True)


# -- sizes of the smoke budget ------------------------------------------------------------------

SIZES = ["import gan_lessons as gl", "x, rows = list(range(9)), 3\nprint(sum(x), x[:4])",
         "for i in range(4):\n    print(x[i], rows)"]


@pytest.fixture
def sized(page):
    nb = notebook(SIZES, ["train"])
    nb.cells[2].outputs = [new_output("stream", name="stdout", text="36 [0, 1, 2, 3]\n")]
    nb.metadata["gan_lessons"]["code"] = fingerprint(nb)
    write(page, dumps(normalise(nb)))
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "sizes"],
                   cwd=page.parent, check=True)
    return page


@pytest.mark.parametrize("number, old, new, kept", [
    (2, "x[:4]", "x[:gl.steps(laptop=4, smoke=1)]", True),
    (2, "x[:4]", "x[:gl.steps(laptop=4, full=8)]", True),
    (2, "x[:4]", "x[:gl.steps(laptop=5, smoke=4)]", False),
    (2, "x[:4]", "x[:gl.budget(laptop=4)]", False),
    (2, "sum(x)", "sum(x[:gl.steps(laptop=None, smoke=1)])", True),
    (2, "x[:4]", "x[gl.steps(laptop=None):4]", True),
    (2, "sum(x)", "sum(x[1:gl.steps(laptop=None, smoke=1)])", False),
    (3, "for i in range(4)", "few = gl.steps(laptop=4)\nfor i in range(few)", True),
    (3, "for i in range(4)", "few = gl.steps(laptop=3)\nfor i in range(few)", False),
    (3, "for i in range(4)", "few = 4\nfew += 1\nfor i in range(few)", False),
    (3, "for i in range(4)", "few = 4\nfor few in range(few)", False),
    (3, "for i in range(4)", "few = 4\nf = lambda few: few\nfor i in range(4)", False),
    (3, "for i in range(4)", "i = 4\nfor i in range(4)", False),
    (3, "rows", "3", False),                        # bound in a pair: not followed
])
def test_a_size_that_only_the_smoke_budget_changes_keeps_the_outputs(sized, number, old, new, kept):
    edit(sized, number, old, new)
    if kept:
        restamp(sized)
        nb = nbformat.read(sized, as_version=4)
        assert nb.cells[2].outputs[0].text == "36 [0, 1, 2, 3]\n" and problems(sized) == []
    else:
        with pytest.raises(LessonFailed, match=f"code cell {number} has changed"):
            restamp(sized)
