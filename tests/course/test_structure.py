"""The house and its pages keep their own rules: imports go one way, lessons have one shape."""
import re
import subprocess
import sys
from functools import cache
from importlib import import_module

import import_rules
import lesson_rules as rules
import nbformat
import pytest
from nb import ROOT, lessons, pages

import gan_lessons
from gan_lessons import moved, questions

STEMS = [path.stem[3:] for path in lessons()]
# a recipe trains by its method `train`; what has been stored is read by pages, and not trained
TRAINERS = rules.trainers(path.read_text(encoding="utf-8") for path in import_rules.modules()
                          if path.parent.name != "headlines" and path.stem not in
                          ("recipes", "long_runs", "long_training", "stored_runs"))


# -- the house ----------------------------------------------------------------------------------

def test_imports_go_one_way():
    assert import_rules.wrong_ways() == []


def test_nobody_uses_the_private_names_of_another_module():
    assert import_rules.private_names() == []


def test_no_module_imports_itself_in_a_circle():
    assert import_rules.circle() == []


def test_the_rule_stands_where_a_reader_looks():
    assert import_rules.RULE in " ".join(gan_lessons.__doc__.split())
    assert import_rules.RULE in " ".join((ROOT / "CONTRIBUTING.md").read_text("utf-8").split())


def test_every_wing_is_on_a_floor_and_says_what_it_is():
    wings = {path.parent.name for path in import_rules.PACKAGE.glob("*/__init__.py")}
    assert wings | {"game", "pixels"} == set(import_rules.FLOOR)
    top = {path.stem for path in import_rules.PACKAGE.glob("*.py")}
    assert {"__init__", "game", "pixels"} <= top and len(top) <= 5
    for wing in wings:
        said = import_module(f"gan_lessons.{wing}").__doc__
        assert len(said.split()) > 25 and "import" in said, wing


@pytest.mark.parametrize("source, complaint", [
    ("exact/laws.py: import torch", "exact.laws imports torch"),
    ("exact/laws.py: from ..players import networks", "exact.laws imports players"),
    ("objectives/vae.py: from ..training.loop import train", "objectives.vae imports training"),
    ("players/a.py: def f():\n    from gan_lessons.map import study", "players.a imports map"),
    ("cellar/a.py: import numpy", "cellar.a stands on no floor"),
    ("map/a.py: import tests", "map.a imports tests"),
    ("map/a.py: import ipywidgets", "map.a imports ipywidgets"),
    ("map/a.py: from ..exact.laws import Normal", None),
    ("players/a.py: from . import b", None),
])
def test_the_rules_see_what_they_forbid(tmp_path, source, complaint):
    name, _, text = source.partition(": ")
    path = tmp_path / "gan_lessons" / name
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    found = import_rules.wrong_ways(tmp_path / "gan_lessons")
    assert [line.startswith(complaint) for line in found] == [True] if complaint else found == []


def test_the_rules_see_circles_and_private_names(tmp_path):
    package = tmp_path / "gan_lessons"
    (package / "map").mkdir(parents=True)
    (package / "map" / "a.py").write_text("from .b import _c", encoding="utf-8")
    (package / "map" / "b.py").write_text("def f():\n    from . import a\n    return a._x",
                                          encoding="utf-8")
    assert set(import_rules.circle(package)) == {"map.a", "map.b"}
    assert import_rules.private_names(package) == ["map.a imports _c of b", "map.b reads a._x"]


def test_ruff_finds_nothing():
    """Names, line lengths, import order: the rules are in pyproject.toml."""
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "--no-cache", str(ROOT)],
                          capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


# -- names --------------------------------------------------------------------------------------

def test_about_forty_names_stand_at_the_top():
    assert 35 <= len(gan_lessons.__all__) <= 45
    assert all(getattr(gan_lessons, name) is not None for name in gan_lessons.__all__)
    wings = {path.parent.name for path in import_rules.PACKAGE.glob("*/__init__.py")}
    assert not set(gan_lessons.__all__) & wings


def test_one_stem_names_a_lesson_its_explorer_its_questions_and_its_test():
    for stem in STEMS:
        for place in (f"gan_lessons/explorers/{stem}.py", f"gan_lessons/questions/{stem}.py",
                      f"tests/lessons/test_{stem}.py"):
            assert (ROOT / place).exists(), place


def test_every_lesson_has_its_number_among_the_questions():
    assert list(questions.STEMS) == STEMS


def test_objectives_and_what_is_exact_about_them_bear_the_stem_of_a_lesson():
    shared = {"checks", "laws", "quadrature", "divergences", "f_divergences", "f_table",
              "information", "sinkhorn"}
    exact = {path.stem for path in import_rules.PACKAGE.glob("exact/*.py")} - {"__init__"}
    objectives = {path.stem for path in import_rules.PACKAGE.glob("objectives/*.py")} - {"__init__"}
    assert exact - shared <= set(STEMS)
    assert objectives - {"own_divergence"} <= set(STEMS)


ALONE = """
import importlib, pkgutil, sys
import gan_lessons
HEAVY = {"torch", "ipywidgets", "matplotlib.pyplot"}
for name in sys.argv[1:]:
    for module in [m for m in sys.modules if m.split(".")[0] == "gan_lessons" and m != "gan_lessons"
                   and m != "gan_lessons.moved"]:
        del sys.modules[module]
    importlib.import_module(name)
    print(name, *sorted(HEAVY & set(sys.modules)))
"""


def test_every_module_imports_first_and_only_those_load_torch_that_need_it():
    """One process: before each module all others of the package are forgotten, so each comes first.

    Modules without torch are imported before the rest, so that what they load is seen.
    """
    names = [f"gan_lessons.{import_rules.dotted(path)}" for path in import_rules.modules()
             if path.parent != import_rules.PACKAGE or path.stem in ("game", "pixels")]
    light = [name for name in names if name.split(".")[1] in ("exact", "drawing")
             or name in LIGHT]
    light.sort(key=lambda name: name == "gan_lessons.drawing.explorer")        # widgets come last
    heavy = [name for name in names if name not in light]
    done = subprocess.run([sys.executable, "-c", ALONE, *light, *heavy], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    loaded = {line.split()[0]: set(line.split()[1:]) for line in done.stdout.splitlines()}
    assert loaded.keys() == set(names)
    for name in light:
        assert loaded[name] <= ({"ipywidgets"} if name.endswith("explorer") else set()), name


LIGHT = {f"gan_lessons.{name}" for name in (
    "questions", "questions.judges", "map", "map.gradients", "map.objectives", "map.results",
    "map.study", "training", "training.budgets", "players", "data", "measures", "objectives",
    "explorers")}


# -- what the first edition called otherwise ------------------------------------------------------

@pytest.mark.parametrize("old, place", sorted(moved.TABLE.items()))
def test_what_an_old_name_stands_for_exists(old, place):
    module, _, name = place.rpartition(".")
    try:
        import_module(f"gan_lessons.{place}")
    except ModuleNotFoundError:
        assert hasattr(import_module(f"gan_lessons.{module}"), name), place


@pytest.mark.parametrize("place", moved.ATTRIBUTES)
def test_what_an_old_attribute_stands_for_exists(place):
    module, _, name = place.rpartition(".")
    owner = getattr(import_module(f"gan_lessons.{module}"), name)
    for pair in moved.ATTRIBUTES[place].split():
        old, new = pair.split(">")
        assert hasattr(owner, new) and not hasattr(owner, old)


@pytest.mark.parametrize("statement, said", [
    ("from gan_lessons import Hats", "write  from gan_lessons.objectives.clustering import "
                                     "GaussianMixturePrior  (Hats is called"),
    ("import gan_lessons; gan_lessons.slopes", "from gan_lessons.players.penalties import slopes"),
    ("from gan_lessons import oracle", "from gan_lessons.exact import minimax"),
    ("import gan_lessons.live", "from gan_lessons.training import progress"),
    ("from gan_lessons.transport import price", "from gan_lessons.exact import transport"),
    ("from gan_lessons.training import train", "from gan_lessons import train"),
])
def test_an_old_import_says_where_the_name_lives_now(statement, said):
    with pytest.raises(ImportError) as caught:
        exec(statement, {})
    assert said in str(caught.value)


def test_what_never_was_is_still_an_attribute_error():
    with pytest.raises(AttributeError, match="no 'zork'; it has DataUnavailable, Game"):
        gan_lessons.zork  # noqa: B018
    with pytest.raises(ModuleNotFoundError, match="No module named"):
        import_module("gan_lessons.zork")


# -- pages --------------------------------------------------------------------------------------

@pytest.mark.parametrize("path", [*import_rules.PACKAGE.glob("explorers/*.py"),
                                  import_rules.PACKAGE / "drawing" / "plots.py"],
                         ids=lambda path: path.stem)
def test_no_chinese_in_the_code_of_figures(path):
    assert rules.chinese_strings(path.read_text(encoding="utf-8")) == []


@pytest.fixture(params=lessons(), ids=lambda path: path.stem)
def path(request):
    return request.param


@cache
def page(path):
    """A lesson, read once for all rules: none of them changes it."""
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("rule", [
    rules.form, rules.setup_cell, rules.parts, rules.tables, rules.stored_outputs,
    rules.no_chinese_in_code, rules.steps_are_budgeted, rules.exercises, rules.train_tags,
], ids=lambda rule: rule.__name__)
def test_lesson(path, rule):
    nb = page(path)
    assert (rule(nb, TRAINERS) if rule is rules.train_tags else rule(nb)) == []


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_github_sets_every_formula(path):
    assert not rules.github(page(path))


def test_no_story_outside_idea(path):
    """In a page, its explorers and its questions."""
    told = rules.story(page(path))
    stem = STEMS[int(path.stem[:2])] if path.stem[:2].isdigit() else None
    for module in import_rules.PACKAGE.glob(f"*/{stem}.py"):
        if module.parent.name in {"explorers", "questions"}:
            told += [f"{module.parent.name}: {word}" for word in
                     rules.STORY.findall(module.read_text(encoding="utf-8"))]
    assert not told


def test_a_lesson_is_short_enough(path):
    """At most 4,500 words, 1,500 for the first."""
    words = sum(len(cell.source.split()) for cell in page(path).cells
                if cell.cell_type == "markdown")
    assert words <= {"00": 1_500}.get(path.stem[:2], 4_500), words


def test_lessons_are_numbered_without_gaps():
    numbers = [int(path.stem[:2]) for path in lessons()]
    assert numbers == list(range(len(numbers)))


def test_a_module_that_a_lesson_names_exists(path):
    for cell in page(path).cells:
        for part in cell.source.split("gan_lessons/")[1:]:
            name = part.split(".py")[0] + ".py"
            if len(name) < 60 and "\n" not in name and " " not in name:
                assert (ROOT / "gan_lessons" / name).exists(), name


def test_a_module_that_a_title_lists_exists(path):
    """"Package: `gan_lessons/exact/laws.py`, `quadrature.py`": short names count as well."""
    known = {module.name for module in import_rules.modules()}
    title = page(path).cells[0].source
    listed = title.partition("Package:")[2]
    assert set(re.findall(r"`(?:\w+/)*(\w+\.py)`", listed)) <= known
