"""pyproject.toml, constraints.txt and environment.yml ask for the same set, and it is here.

constraints/ holds further sets that the package must run with: the lowest that it admits, and what
Colab and Kaggle have. A workflow runs the tests under each.
"""
import json
import pathlib
import re
import sys
import tomllib
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONDA = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}     # conda's names for them


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETS = sorted((ROOT / "constraints").glob("*.txt"))


def needed():
    """What the package itself needs."""
    return {r.name: r.specifier for r in map(Requirement, PROJECT["project"]["dependencies"])}


def declared():
    """The same, with what opens the lessons and what tests them."""
    groups = PROJECT["dependency-groups"]
    texts = groups["course"] + groups["test"]
    return needed() | {r.name: r.specifier for r in map(Requirement, texts)}


def pinned(path=ROOT / "constraints.txt"):
    lines = path.read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {r.name.lower().replace("_", "-"): r.specifier for r in pins}


def conda():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    items = re.findall(r"^ +- ([a-z][\w.-]*[<>=][^#\n]*)", text, re.M)
    found = {r.name: r.specifier for r in map(Requirement, items)}
    return {CONDA.get(name, name): wanted for name, wanted in found.items()}, text


def test_conda_is_asked_for_what_pip_is_asked_for():
    asked, text = conda()
    python = asked.pop("python")
    assert python.contains("3.11") and not python.contains("3.10")
    assert asked == declared()
    assert re.search(r"- pip:\n( +- .*\n)* +- -e \.$", text, re.M)


def test_every_declared_package_is_pinned_inside_its_range():
    pins = pinned()
    for name, wanted in declared().items():
        pin, = pins[name]
        assert pin.operator == "==", f"{name}{pin} is not exact"
        assert wanted.contains(pin.version), f"{name}{pin} is not in {wanted}"


def test_pins_are_exact_and_name_torch_without_a_local_tag():
    for name, specifier in pinned().items():
        assert re.fullmatch(r"==[\w.]+", str(specifier)), f"{name}{specifier}"


@pytest.mark.parametrize("name", declared())
def test_what_is_installed_is_in_the_range(name):
    wanted, have = declared()[name], metadata.version(name)
    assert wanted.contains(have), f"{name} {have} is not {wanted}: run python lessons.py setup"


@pytest.mark.skipif(sys.platform != "linux", reason="the tested set was frozen on Linux")
def test_what_is_installed_needs_nothing_that_is_not_pinned():
    """The tested set is complete: all that our packages pull in here stands in constraints.txt."""
    pins, todo, seen = pinned(), [*declared()], set()
    while todo:
        name = todo.pop().lower().replace("_", "-").replace(".", "-")
        if name in seen:
            continue
        seen.add(name)
        assert name in pins, f"constraints.txt does not pin {name}"
        for text in metadata.requires(name) or []:
            needs = Requirement(text)
            if needs.marker is None or needs.marker.evaluate({"extra": ""}):
                todo.append(needs.name)


def test_the_package_needs_no_jupyterlab():
    assert not needed().keys() & {"jupyterlab", "latex2mathml", "nbconvert", "pytest"}


def test_lower_bounds_are_the_tested_releases():
    """A range starts at a release that is tested, so that an older one is never let in."""
    lowest, tested = pinned(ROOT / "constraints" / "lowest.txt"), pinned()
    for name, wanted in declared().items():
        low = min(Version(s.version) for s in wanted if s.operator == ">=")
        pin = Version(next(iter((lowest if name in needed() else tested)[name])).version)
        assert pin.release[: len(low.release)] == low.release, f"{name}: {low}, tested {pin}"


def test_the_suite_keeps_bytecode_and_memory(monkeypatch):
    """Without either each of its hundred processes takes seconds more."""
    import course
    given = {}
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("MALLOC_TOP_PAD_", "7")
    monkeypatch.delenv("MALLOC_MMAP_MAX_", raising=False)
    monkeypatch.setattr(course.subprocess, "call",
                        lambda command, cwd, env, **_: given.update(env) or 0)
    assert course.main("test", ["tests/machinery/test_game.py"]) == 0
    assert not {"PYTHONDONTWRITEBYTECODE", "MPLBACKEND"} & given.keys()
    assert given["MALLOC_MMAP_MAX_"] == "0" and given["MALLOC_TOP_PAD_"] == "7"     # the user's own


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_the_package_admits_what_others_have(path):
    """So pip replaces nothing on Colab and Kaggle, even where it may."""
    pins = pinned(path)
    for name, wanted in needed().items():
        pin, = pins[name]
        assert pin.operator == "==" and wanted.contains(pin.version), f"{path.name}: {name}{pin}"
    stem, _, month = path.stem.partition("-")
    assert stem == "lowest" or re.fullmatch(r"20\d\d-\d\d", month), "how old is this set?"


def test_every_set_is_run_by_the_workflow():
    text = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    assert len(SETS) >= 3 and all(path.stem in text for path in SETS)


def test_what_other_services_read_says_the_same():
    """Zenodo, CITATION, Codespaces, pre-commit and the workflow, each in its own words."""
    zenodo = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = PROJECT["project"]
    assert zenodo["license"] == cited["license"] == project["license"]
    assert zenodo["title"] == cited["title"] and cited["version"] == project["version"]
    assert cited["repository-code"] == project["urls"]["Repository"]
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert container["postCreateCommand"] == "python lessons.py setup"
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert pinned()["ruff"] == SpecifierSet(f"=={hooks[0]['rev'].removeprefix('v')}")
    files = [word for hook in hooks[1]["hooks"] for word in hook["entry"].split() if "/" in word]
    assert len(files) == 6 and all((ROOT / name).exists() for name in files if ".venv" not in name)
    jobs = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())["jobs"]
    asked = {str(entry["python"]) for job in jobs.values()
             for entry in job.get("strategy", {}).get("matrix", {}).get("include", [])
             if "python" in entry}
    assert {"3.11", "3.12", "3.13", "3.14"} <= asked
