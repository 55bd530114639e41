"""The ways into a lesson: buttons, and the line that fetches the package where it is missing."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from types import SimpleNamespace

import launch
import nbformat
import pytest
from nb import lessons

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", lessons(), ids=lambda path: path.stem)
def test_lesson_has_its_own_buttons_and_the_line(path):
    assert launch.problems(nbformat.read(path, as_version=4), path.stem) == []


def page(title, *sources):
    new = nbformat.v4
    return new.new_notebook(cells=[new.new_markdown_cell(title), *map(new.new_code_cell, sources)])


def test_what_is_missing_or_of_another_lesson_is_seen_and_mended_once():
    nb = page("# 05 · A title", "import numpy as np")
    assert len(launch.problems(nb, "05_x")) == 2
    once = launch.add(nb, "05_x").cells[1].source
    assert launch.problems(nb, "05_x") == []
    assert launch.add(nb, "05_x").cells[1].source == once and launch.problems(nb, "05_x") == []
    assert "its own buttons" in launch.problems(nb, "06_x")[0]
    nb.cells[1].source = launch.LINE + once
    assert "line for Colab" in launch.problems(nb, "05_x")[0]
    nb.cells[1].source = once.replace("git+https://github.com/", "git+https://example.org/")
    assert "line for Colab" in launch.problems(nb, "05_x")[0]
    assert launch.without(nb.cells[1].source) == "import numpy as np"


def test_the_address_of_the_repository_is_the_same_everywhere():
    """pyproject.toml says it; whoever moves the course finds here what is left to change."""
    project = launch.OWNER_NAME.partition("/")[2]
    texts = [p for name in ("*.md", "*.cff", "*.json", ".devcontainer/*", ".github/**/*.yml",
                            "docs/*.md") for p in ROOT.glob(name)]
    found = {(path.name, match) for path in texts
             for match in re.findall(rf"(?:github\.com|/gh|/github)/([\w.-]+/{project})\b",
                                     path.read_text(encoding="utf-8"))}
    assert {name for name, _ in found} >= {"README.md", "CITATION.cff"}
    assert {address for _, address in found} == {launch.OWNER_NAME}


HOSTS = ("COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE")


def test_where_the_package_is_found_the_line_does_nothing(monkeypatch):
    monkeypatch.setenv(HOSTS[0], "release-colab_20260801")
    exec(launch.LINE, {})                              # there is not even a get_ipython


@pytest.mark.parametrize("host", [*HOSTS, None])
def test_only_colab_and_kaggle_are_given_what_is_missing(monkeypatch, host):
    """Somebody's own environment without the package, and somebody's Kaggle key, stay alone."""
    for name in HOSTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KAGGLE_USERNAME", "somebody")
    monkeypatch.setenv(host or "HOST", "x")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    asked = []
    shell = SimpleNamespace(run_line_magic=lambda *words: asked.append(words))
    exec(launch.LINE, {"get_ipython": lambda: shell})
    assert len(asked) == (host is not None)


FRESH = """
import pathlib, sys
root, place, line = sys.argv[1:]
sys.path[:] = [p for p in sys.path if p and pathlib.Path(p).resolve() != pathlib.Path(root)]
sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in f"{f} {type(f)}".lower()]
sys.path.append(place)
from IPython.core.interactiveshell import InteractiveShell
for _ in range(2):
    InteractiveShell.instance().run_cell(line).raise_error()
    import gan_lessons
    print(gan_lessons.__file__, gan_lessons.kl(gan_lessons.Normal(), gan_lessons.Normal(1)))
"""


@pytest.mark.skipif(not shutil.which("git"), reason="pip fetches the repository with git")
@pytest.mark.skipif(int(version("setuptools").partition(".")[0]) < 77,
                    reason="without a network, what builds the package must be here")
def test_where_it_is_missing_it_alone_is_fetched_from_the_repository(tmp_path):
    """The very line of the lessons, in IPython; git is told that the address means this folder."""
    home, place = tmp_path / "repository", tmp_path / "site"
    home.mkdir()
    place.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, home)
    shutil.copytree(ROOT / "gan_lessons", home / "gan_lessons",
                    ignore=shutil.ignore_patterns("__pycache__", "long"))
    git = ["git", "-C", str(home), "-c", "user.name=x", "-c", "user.email=x@localhost"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*git, *words], check=True)
    # no network: what builds the package is here, and no index is asked
    settings = {"PIP_TARGET": str(place), "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_INDEX": "1",
                "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{home.as_uri()}.insteadOf",
                "GIT_CONFIG_VALUE_0": launch.REPOSITORY, HOSTS[1]: "Interactive",
                "IPYTHONDIR": str(tmp_path / "ipython")}
    said = subprocess.run([sys.executable, "-c", FRESH, str(ROOT), str(place), launch.LINE],
                          env={**{k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
                               **settings}, cwd=tmp_path, text=True, capture_output=True)
    lines = [line for line in said.stdout.splitlines() if "__init__" in line]
    assert lines == [f"{place / 'gan_lessons' / '__init__.py'} 0.5"] * 2, said
    assert {path.name.partition("-")[0] for path in place.iterdir()} == {"gan_lessons"}
    assert said.stdout.count("restart the kernel") == 1        # the second time pip was not asked
    assert (place / "gan_lessons" / "data" / "stencils.png").exists()
