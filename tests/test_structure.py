"""The house and its pages keep their own rules: imports one way, lessons of one shape."""
import subprocess
import sys

import nbformat
import pytest

import import_rules
import lesson_rules as rules
from nb import ROOT, lessons

import gan_lessons

HOMES = sorted({home for home in gan_lessons._WHERE.values()})
TORCH_FREE = {"answers", "atlas", "budgets", "capped_plans", "clusters", "divergences", "explorer", "f_divergences", "f_table", "information", "infomax_oracle", "laws", "margins", "oracle", "plots", "standings", "transport"}
TRAINERS = rules.trainers(path.read_text(encoding="utf-8") for path in import_rules.modules())


def test_imports_go_one_way():
    assert import_rules.one_way() == []


def test_no_exported_name_equals_a_module():
    modules = {path.stem for path in import_rules.PACKAGE.glob("*.py")}
    modules |= {path.parent.name for path in import_rules.PACKAGE.glob("*/__init__.py")}
    assert not set(gan_lessons.__all__) & modules


@pytest.mark.parametrize("home", HOMES)
def test_exported_names_import_in_a_fresh_process(home):
    names = [name for name, where in gan_lessons._WHERE.items() if where == home]
    code = (f"import sys\nfrom gan_lessons import {', '.join(names)}\n"
            "print(*{'torch', 'ipywidgets', 'matplotlib.pyplot'} & set(sys.modules))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    allowed = {"ipywidgets"} if home == "explorer" else set()
    if home in TORCH_FREE:
        assert set(done.stdout.split()) <= allowed


@pytest.mark.parametrize("path", [*import_rules.PACKAGE.glob("explorers/*.py"),
                                  import_rules.PACKAGE / "plots.py"], ids=lambda path: path.stem)
def test_no_chinese_in_the_code_of_figures(path):
    assert rules.chinese_strings(path.read_text(encoding="utf-8")) == []


@pytest.fixture(params=lessons(), ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.mark.parametrize("rule", [rules.form, rules.setup_cell, rules.parts, rules.tables, rules.stored_outputs,
                                  rules.no_chinese_in_code, rules.steps_are_budgeted,
                                  rules.exercises, rules.train_tags], ids=lambda rule: rule.__name__)
def test_lesson(path, rule):
    nb = nbformat.read(path, as_version=4)
    assert (rule(nb, TRAINERS) if rule is rules.train_tags else rule(nb)) == []


def test_lessons_are_numbered_without_gaps():
    numbers = [int(path.stem[:2]) for path in lessons()]
    assert numbers == list(range(len(numbers)))


def test_a_module_that_a_lesson_names_exists(path):
    for cell in nbformat.read(path, as_version=4).cells:
        for part in cell.source.split("gan_lessons/")[1:]:
            name = part.split(".py")[0] + ".py"
            if len(name) < 60 and "\n" not in name and " " not in name:
                assert (ROOT / "gan_lessons" / name).exists(), name
