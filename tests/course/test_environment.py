"""pyproject.toml, constraints.txt and environment.yml ask for the same set, and it is here."""
import pathlib
import re
import sys
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONDA = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}     # conda's names for them


def declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    texts = project["project"]["dependencies"] + project["dependency-groups"]["test"]
    return {r.name: r.specifier for r in map(Requirement, texts)}


def pinned():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
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


def test_lower_bounds_are_the_tested_releases():
    """A range starts at the release that is tested, so an older one is never let in."""
    pins = pinned()
    for name, wanted in declared().items():
        low = min(Version(s.version) for s in wanted if s.operator == ">=")
        tested = Version(next(iter(pins[name])).version)
        assert tested.release[: len(low.release)] == low.release, f"{name}: {low}, tested {tested}"


def test_the_suite_keeps_bytecode_and_memory(monkeypatch):
    """Without either each of its hundred processes takes seconds more."""
    import course
    given = {}
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("MALLOC_TOP_PAD_", "7")
    monkeypatch.delenv("MALLOC_MMAP_MAX_", raising=False)
    monkeypatch.setattr(course.subprocess, "call", lambda command, cwd, env: given.update(env) or 0)
    assert course.main("test", ["tests/machinery/test_game.py"]) == 0
    assert not {"PYTHONDONTWRITEBYTECODE", "MPLBACKEND"} & given.keys()
    assert given["MALLOC_MMAP_MAX_"] == "0" and given["MALLOC_TOP_PAD_"] == "7"     # the user's own
