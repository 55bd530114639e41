"""lessons.py: every way in which a set-up can fail says so in one line, with the remedy.

No package is installed here: pip, venv and nvidia-smi are played by `Machine`. The two tools that
lessons.py starts, install.py and course.py, do run, in this process and on the same machine.
"""
import ast
import contextlib
import errno
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import platform
import re
import shutil
import socket
import subprocess
import sys
import time
import types
import unittest.mock
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ("course", "install", "lab", "family", "checkup")
HERE = "cp%d%d" % sys.version_info[:2]
ALL = "constraints.txt"        # what only the call of pip that installs everything has


class LessonFailed(Exception):
    """That of nb.py, which is played here."""


class Machine:
    """Stands in for `subprocess`: keeps the commands, answers as told, else plays a good one.

    A tool of the course is run: its own commands come here too, and what it asks of nb.py,
    book.py and the arena is kept as a command, as `nb.py html ...`.
    """

    PIPE, STDOUT, DEVNULL = subprocess.PIPE, subprocess.STDOUT, subprocess.DEVNULL
    TimeoutExpired = subprocess.TimeoutExpired

    def __init__(self, python):
        self.python, self.commands, self.environments, self.replies = python, [], [], {}
        self.modules = {name: types.SimpleNamespace(main=self.keeper(command)) for name, command in
                        [("nb", "nb.py"), ("book", "book.py"),
                         ("gan_lessons.map.arena", "-m gan_lessons.map.arena")]}
        self.modules["app"] = types.SimpleNamespace(
            serve=lambda *given: self.call(["app.py", *given]))
        self.modules["nb"].LessonFailed = LessonFailed

    def keeper(self, command):
        return lambda arguments: self.call([command, *arguments])

    def says(self, part, code=0, output=""):
        """Commands that contain `part` give this; `output` may be an exception to raise."""
        self.replies[part] = (code, output)

    def ran(self, part):
        return [c for c in self.commands if part in c]

    def _answer(self, command, env=None):
        text = " ".join(map(str, command))
        self.commands.append(text)
        self.environments.append(env)
        for part, (code, output) in self.replies.items():
            if part in text:
                if isinstance(output, BaseException):
                    raise output
                return code, output
        tool = pathlib.Path(str(command[1])).stem if len(command) > 1 else ""
        if tool in ("course", "install"):
            return self.plays(tool, *map(str, command[2:])), ""
        if "-m venv" in text:
            self.python.parent.mkdir(parents=True, exist_ok=True)
            self.python.write_text("")
            (self.python.parents[1] / "pyvenv.cfg").write_text("")
        elif text.endswith("doctor.py missing"):
            return 0, "nothing"
        elif "import pip" in text:
            if not self.python.exists():
                raise FileNotFoundError(text)
            return 0, "%d.%d" % sys.version_info[:2]
        elif "nvidia-smi" in text:
            raise FileNotFoundError(text)
        return 0, ""

    def plays(self, name, *arguments):
        """Run a tool as its last lines do; its exit code."""
        lessons = sys.modules["lessons"]
        assert pathlib.Path(self.python).exists() or arguments[0] == "afresh"
        with self.inside():
            tool = importlib.import_module(name)
            if name == "install":
                return lessons.finish(tool.install, *arguments)
            return lessons.finish(tool.main, arguments[0], list(arguments[1:]))

    @contextlib.contextmanager
    def inside(self):
        """Another process: tools are imported anew, on this machine; what takes long is played."""
        with (contextlib.chdir("."),                           # the arena changes the folder
              unittest.mock.patch.dict(sys.modules, {**self.modules, "subprocess": self})):
            for name in TOOLS:
                sys.modules.pop(name, None)
            yield

    def run(self, command, text=False, **_):
        code, output = self._answer(command)
        empty = "" if text else b""
        return types.SimpleNamespace(returncode=code, stderr=empty,
                                     stdout=output if text else output.encode())

    def call(self, command, env=None, **_):
        return self._answer(command, env)[0]

    def Popen(self, command, env=None, **_):
        return Process(*self._answer(command, env), env=env)


class Process:
    """A finished pip, or a JupyterLab that writes its address down and runs until Ctrl-C."""

    def __init__(self, code, output, env):
        self.returncode, self.stdout, self.waits = code, output.splitlines(True), 0
        if "JUPYTER_RUNTIME_DIR" in (env or {}):
            self.returncode = None
            info = {"url": "http://localhost:8890/", "token": "t0ken", "port": 8890}
            runtime = pathlib.Path(env["JUPYTER_RUNTIME_DIR"])
            (runtime / "jpserver-7.json").write_text(json.dumps(info))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def poll(self):
        return self.returncode

    def wait(self, timeout=None):
        self.waits += 1
        if self.returncode is None and self.waits == 1:
            raise KeyboardInterrupt
        return self.returncode or 0


def load(folder, monkeypatch, **environment):
    for name in ("GAN_LESSONS_VENV", "GAN_LESSONS_TORCH", "SSH_CONNECTION", "SSH_TTY", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("lessons_under_test", folder / "lessons.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.signal, "signal", lambda *_: None)
    monkeypatch.syspath_prepend(folder / "tools")
    monkeypatch.setitem(sys.modules, "lessons", module)        # as the tools import it
    for name in TOOLS:                                         # those of this folder, imported anew
        monkeypatch.setitem(sys.modules, name, None)
        del sys.modules[name]
    module.subprocess = Machine(module.PYTHON)
    return module, module.subprocess


@pytest.fixture
def folder(tmp_path):
    """A copy of the course in a folder with spaces in its name."""
    home = tmp_path / "my GAN lessons"
    (home / "notebooks").mkdir(parents=True)
    (home / "tools").mkdir()
    for name in ("lessons.py", "pyproject.toml", "constraints.txt",
                 *(f"tools/{tool}.py" for tool in TOOLS)):
        shutil.copy(ROOT / name, home / name)
    for name in ("00_start_here", "01_minimax"):
        (home / "notebooks" / (name + ".ipynb")).write_text("{}")
    return home


@pytest.fixture
def course(folder, monkeypatch):
    return load(folder, monkeypatch)


@pytest.fixture
def fails(capsys):
    """Run a command that must fail; give back its one line."""
    def go(module, *arguments):
        assert module.main(list(arguments)) == 1
        error = capsys.readouterr().err
        assert error.startswith("lessons.py: ") and error.count("\n") == 1, error
        return error
    return go


def wheel(folder, name, needs=()):
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as archive:
        archive.writestr("torch-2.13.0.dist-info/METADATA",
                         "Name: torch\n" + "".join(f"Requires-Dist: {n}\n" for n in needs))
    return folder / name


def wheel_name(version="2.13.0+cpu", python=HERE):
    system = {"darwin": "macosx_11_0_", "win32": "win_"}.get(sys.platform, "manylinux_2_28_")
    return f"torch-{version}-{python}-{python}-{system}{platform.machine().lower()}.whl"


posix = pytest.mark.skipif(os.name == "nt", reason="signals, locks and scripts of POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="only PyPI's Linux build brings CUDA")


# ------------------------------------------------------------------------ the script itself

def test_an_old_python_can_read_the_script_and_is_told_what_it_lacks():
    source = (ROOT / "lessons.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 6))
    top = [n for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))]
    names = {a.name.split(".")[0] for n in top for a in n.names}
    assert names <= sys.stdlib_module_names - {"tomllib", "zoneinfo", "graphlib"}    # all in 3.6
    assert not any(isinstance(n, ast.ImportFrom) for n in top)


@pytest.mark.parametrize("name", ["lab", "test", "run", "book", "app", "slides", "refresh",
                                  "arena", "afresh", "wheels", "doctor", "setup", "help"])
def test_every_command_explains_itself_and_then_does_nothing(course, name, capsys):
    module, machine = course
    assert module.main([name, "--help"]) == 0 and module.main(["help", name]) == 0
    said = capsys.readouterr().out
    written = "[lab]" if name == "lab" else "arena [-h]" if name == "arena" else name
    if name != "help":                                 # asked for help, it shows all commands
        assert said.count("python lessons.py " + written) == 2
    assert len(said.split()) > 20 and not machine.commands


def test_help_lists_every_command(course, capsys):
    module, _ = course
    assert module.main(["--help"]) == module.main(["-h"]) == module.main(["help"]) == 0
    said = capsys.readouterr().out
    for name in set(module.COMMANDS) - {"lab"}:
        assert said.count(f"python lessons.py {name} ") == 3


def test_unknown_command_lesson_and_arguments(course, fails):
    module, machine = course
    assert "no command 'tset'" in (line := fails(module, "tset")) and "test, run" in line
    assert "no command 'tset'" in fails(module, "help", "tset")
    assert "no lesson '77'" in (line := fails(module, "run", "77")) and "01_minimax" in line
    assert "00_start_here" in fails(module, "run")
    assert "no lesson 'xx'" in fails(module, "refresh", "xx")
    assert "takes no arguments" in fails(module, "setup", "--fast")
    assert not machine.commands


@pytest.mark.parametrize("words, says", [
    (["arena"], "arguments are required: where"),
    (["arena", "nowhere"], "invalid choice: 'nowhere' (choose from "),
    (["arena", "toys", "--seeds", "x"], "argument --seeds: 'x' is no whole number from 1"),
    (["arena", "toys", "--steps", "-5"], "argument --steps: '-5' is no whole number from 1"),
    (["arena", "toys", "--seed", "-1"], "argument --seed: '-1' is no whole number from 0"),
    (["run", "--foo", "1"], "unrecognized arguments: --foo"),
    (["wheels", "--all", "x"], "unrecognized arguments: --all"),
    (["wheels", "https://x.org/w"], "'https://x.org/w' is an address"),
    (["long", "01", "--out", "s3://x/y"], "'s3://x/y' is an address"),
    (["lab", "--port=http"], "'http' is no number from 0 to 65535"),
    (["--port", "65536"], "'65536' is no number from 0 to 65535"),
    (["--port=99999999"], "'99999999' is no number from 0 to 65535"),
    (["--port=-1"], "'-1' is no number from 0 to 65535"), (["--port="], "'' is no number"),
    (["--port=80.5"], "'80.5' is no number"), (["--ServerApp.port=1e4"], "'1e4' is no number"),
    (["--port=" + "9" * 5000], "is no number from 0 to 65535"),
    (["lab", "--port"], "expected one argument")])
def test_a_mistake_that_argparse_finds_is_one_line_and_names_the_help(course, fails, words, says):
    module, machine = course
    line = fails(module, *words)
    name = "lab" if words[0].startswith("-") else words[0]
    assert says in line and f"for help: python lessons.py {name} --help" in line
    assert not machine.commands                        # before the set-up, not after it


def test_without_a_set_up_a_fresh_process_helps_and_refuses(folder, monkeypatch):
    """lessons.py and the tools it starts, as they are called: nothing of them is imported here."""
    monkeypatch.delenv("GAN_LESSONS_VENV", raising=False)

    def go(*words):
        return subprocess.run([sys.executable, str(folder / "lessons.py"), *words], text=True,
                              capture_output=True, cwd=folder.parent)
    said = go("arena", "--help")
    assert said.returncode == 0 and "tcp://ADDRESS:8786" in said.stdout and not said.stderr
    said = go("run", "77")
    assert said.returncode == 1 and not said.stdout
    assert said.stderr == "lessons.py: no lesson '77'; there are: 00_start_here, 01_minimax\n"
    said = go("afresh", "01")                          # this one is refused by tools/course.py
    assert said.returncode == 1 and "01_minimax.ipynb as published is not at hand" in said.stderr
    assert said.stderr.startswith("lessons.py: ") and said.stderr.count("\n") == 1
    assert not (folder / ".venv").exists()


def test_an_old_python_is_told_so_by_every_command_and_still_lists_them(course, fails, monkeypatch,
                                                                        capsys):
    module, machine = course
    old = types.SimpleNamespace(version_info=(3, 9, 2), executable="python3", stderr=sys.stderr)
    monkeypatch.setattr(module, "sys", old)
    assert module.main(["help"]) == 0 and "python lessons.py run NN" in capsys.readouterr().out
    for name in module.COMMANDS.keys() - {"help", "doctor"}:
        assert "3.11 or newer is needed" in fails(module, name)
    assert not machine.ran("-m venv")


@pytest.mark.parametrize("name", ["arena", "book", "refresh"])
def test_a_command_ends_as_its_tool_ends(ready, name, capsys):
    module, machine = ready
    part = {"arena": "gan_lessons.map.arena", "book": "book.py", "refresh": "nb.py"}[name]
    words = [name] + ["toys"] * (name == "arena")
    machine.says(part, 3)
    assert module.main(words) == 3
    machine.says(part, 0, KeyboardInterrupt())
    assert module.main(words) == 130
    assert capsys.readouterr().out.count("Stopped; the same command goes on from here.") == 1
    machine.says(part, 0, OSError(errno.ENOSPC, "No space left on device"))
    assert module.main(words) == 1 and "free some space" in capsys.readouterr().err


def test_ctrl_c_is_left_to_the_tool_and_a_polite_kill_is_handed_on(course, monkeypatch):
    module, _ = course
    events, handlers = [KeyboardInterrupt, KeyboardInterrupt, None], {}

    class Tool:
        def __init__(self, command, env, **_):
            assert command == ("python", "tool.py", "x")
            assert env["PYTHONPATH"].split(os.pathsep)[0] == str(module.ROOT)

        def wait(self):
            if event := events.pop(0):
                raise event
            return 7

        def terminate(self):
            events.append("terminated")
    monkeypatch.setattr(module.signal, "signal", handlers.__setitem__)
    monkeypatch.setattr(module.subprocess, "Popen", Tool)
    assert module.start("python", "tool.py", "x") == 7 and not events
    handlers[module.signal.SIGTERM]()
    assert events == ["terminated"]


# ------------------------------------------------------------------------ set-up that works

def test_first_set_up_then_nothing_to_do(course, folder, capsys):
    module, machine = course
    assert module.main(["setup"]) == 0
    assert "Set up in" in capsys.readouterr().out
    main_call, = machine.ran(ALL)
    assert "jupyterlab>=" in main_call and "nbval>=" in main_call and "numpy>=" in main_call
    assert " -e " not in main_call                     # the folder itself is not written to
    quiet = module.VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert "fetchNews" in quiet.read_text()            # JupyterLab greets nobody with a question
    done = len(machine.commands)
    assert module.main(["setup"]) == 0
    assert "Already set up" in capsys.readouterr().out
    asked, = machine.commands[done:]
    assert asked.endswith("doctor.py missing")


def test_what_doctor_misses_setup_brings(course, capsys):
    """Removed by hand, of another version, or an environment whose Python no longer starts."""
    module, machine = course
    module.main(["setup"])
    machine.says("doctor.py missing", 0, "pot missing, tqdm 3.0")
    machine.says("constraints.txt", 0, "")
    assert module.main(["setup"]) == 0
    assert "Not as pyproject.toml asks: pot missing, tqdm 3.0" in capsys.readouterr().out
    assert len(machine.ran(ALL)) == 2 and len(machine.ran("-m venv")) == 1 and module.ready()
    machine.says("import pip", 0, "3.14")              # a common one, of another Python: it works
    machine.says("doctor.py missing", 0, "nothing")
    assert module.main(["doctor"]) == module.main(["setup"]) == 0
    assert "Already set up" in capsys.readouterr().out
    machine.says("doctor.py missing", 1)
    machine.says("import pip", 1)
    assert module.main(["doctor"]) == 1 and "incomplete; run" in capsys.readouterr().out
    assert module.main(["setup"]) == 0
    assert "does not start" in capsys.readouterr().out and len(machine.ran("-m venv")) == 2


@posix
def test_second_set_up_takes_less_than_a_second(course, folder):
    module, _ = course
    module.main(["setup"])
    shutil.copy(ROOT / "tools" / "doctor.py", folder / "tools")
    module.PYTHON.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    module.PYTHON.chmod(0o755)
    before = os.times()
    said = subprocess.run([sys.executable, str(folder / "lessons.py"), "setup"], text=True,
                          capture_output=True)
    after = os.times()
    assert said.returncode == 0 and "Already set up" in said.stdout, said
    # of the processor: a busy machine has other clocks
    assert sum(after[2:4]) - sum(before[2:4]) < 1, (before, after)


def test_changed_requirements_and_another_torch_are_installed(course, folder, monkeypatch):
    module, machine = course
    module.main(["setup"])
    (folder / "pyproject.toml").write_text(
        (folder / "pyproject.toml").read_text(encoding="utf-8") + "\n# newer\n", encoding="utf-8")
    module.main(["setup"])
    assert len(machine.ran(ALL)) == 2
    monkeypatch.setenv("GAN_LESSONS_TORCH", "pypi")
    module.main(["setup"])
    assert len(machine.ran(ALL)) == 3 and len(machine.ran("-m venv")) == 1


def test_a_broken_environment_is_repaired(course, capsys):
    module, machine = course
    assert module.main(["setup"]) == 0 and len(machine.ran("-m venv")) == 1
    (module.VENV / "half").write_text("made")
    module.write_stamp("installing", "cpu")            # killed in the middle of pip
    assert module.main(["setup"]) == 0 and len(machine.ran("-m venv")) == 2
    assert "making it anew" in capsys.readouterr().out
    assert not (module.VENV / "half").exists()
    module.PYTHON.unlink()                             # its Python was uninstalled
    assert module.main(["setup"]) == 0 and len(machine.ran("-m venv")) == 3
    module.STAMP.write_text("half a sta")              # a disk that was full
    machine.says("import pip", 1)
    assert module.main(["setup"]) == 0 and len(machine.ran("-m venv")) == 4


def test_what_a_kill_before_the_first_stamp_leaves_is_ours(course):
    module, machine = course
    module.VENV.mkdir()
    for name in ("gan-lessons.lock", "gan-lessons.json.part"):
        (module.VENV / name).write_text("")
    assert module.main(["setup"]) == 0 and module.ready()


@pytest.mark.parametrize("moment", ["-m venv", "pip>=25.2", ALL, "uninstall"])
def test_after_a_kill_at_any_moment_the_next_one_goes_through(course, moment):
    """Played by an exception that nothing catches: what is on the disk then is all that is left."""
    module, machine = course

    class Killed(BaseException):
        pass
    machine.says(moment, 0, Killed())
    with pytest.raises(Killed):
        module.main(["setup"])
    machine.replies.clear()
    assert module.main(["setup"]) == 0 and module.ready()


def test_an_environment_of_another_python_is_replaced(course):
    module, machine = course
    module.main(["setup"])
    module.write_stamp("of other requirements", "cpu")
    machine.says("import pip", 0, "3.9")
    assert module.main(["setup"]) == 0 and len(machine.ran("-m venv")) == 2


def test_an_environment_of_an_older_version_of_the_course_is_adopted(course, folder):
    """Its stamp counted the folder in, and it was installed with -e: brought up to date, kept."""
    module, machine = course
    module.main(["setup"])
    machine.commands.clear()
    module.STAMP.write_text('{"state": "%s", "torch": "cpu"}' % ("0" * 64))
    assert module.main(["setup"]) == 0 and module.ready()
    assert not machine.ran("-m venv") and len(machine.ran(ALL)) == 1
    assert machine.ran("pip uninstall")[0].endswith("-y gan-lessons")


FOREIGN = {"photos": ["me.png"], "a work folder": ["pyvenv.cfg", "bin/python"],      # as uv makes
           "with pip": ["pyvenv.cfg", "bin/python", "lib/python3.11/site-packages/pip/__init__.py"],
           "conda": ["conda-meta/history", "bin/python"], "hidden": [".git/HEAD"],
           "of the stamp's name": ["gan-lessons.json", "me.png"]}


@pytest.mark.parametrize("place", ["elsewhere", ".venv"])
@pytest.mark.parametrize("kind", FOREIGN)
def test_what_bears_no_stamp_of_ours_is_never_touched(folder, monkeypatch, tmp_path, fails, kind,
                                                      place, capsys):
    home = folder / ".venv" if place == ".venv" else tmp_path / kind
    settings = {} if place == ".venv" else {"GAN_LESSONS_VENV": str(home)}
    for name in FOREIGN[kind]:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("mine")
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    module, machine = load(folder, monkeypatch, **settings)
    for words in (["setup"], ["lab"], ["test"], ["run", "1"]):
        line = fails(module, *words)
        assert "was not made by this set-up" in line and str(home) in line
        assert "set GAN_LESSONS_VENV to a new or empty folder" in line
    assert module.main(["doctor"]) == 1                # and doctor says the same
    assert "was not made by this set-up" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before
    assert not machine.ran("-m venv") and not machine.ran("-m pip")


@pytest.mark.parametrize("given, meant", [("--versoin", "--version"), ("--hlep", "--help")])
def test_a_mistyped_option_sets_nothing_up(folder, monkeypatch, fails, given, meant):
    module, machine = load(folder, monkeypatch)
    assert f"did you mean {meant}?" in fails(module, given) and not machine.commands


def test_a_file_where_the_environment_should_be(folder, monkeypatch, tmp_path, fails):
    (tmp_path / "file").write_text("mine")
    module, machine = load(folder, monkeypatch, GAN_LESSONS_VENV=str(tmp_path / "file"))
    assert "is no folder" in fails(module, "setup") and not machine.commands
    module, _ = load(folder, monkeypatch, GAN_LESSONS_VENV="~/a/b")
    assert module.VENV == pathlib.Path.home() / "a" / "b"


# ------------------------------------------------------------------------ one environment for many

def test_an_environment_serves_every_copy_of_the_course(course, folder, tmp_path, monkeypatch):
    """Another copy, read-only or not, finds it ready: nothing is installed, nothing written."""
    module, machine = course
    module.main(["setup"])
    copy = tmp_path / "a student's copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".venv"))
    files = sorted(p for p in copy.rglob("*") if "__pycache__" not in str(p))
    other, played = load(copy, monkeypatch, GAN_LESSONS_VENV=str(module.VENV))
    assert other.ready() and other.main(["setup"]) == other.main(["test"]) == 0
    assert not played.ran("pip install") and not played.ran("-m venv")
    assert sorted(p for p in copy.rglob("*") if "__pycache__" not in str(p)) == files
    tools = [env for command, env in zip(played.commands, played.environments)
             if "course.py" in command]
    assert tools[0]["PYTHONPATH"].split(os.pathsep)[0] == str(copy)


def test_a_common_environment_that_may_not_be_written_is_used_and_never_repaired(
        course, folder, fails, monkeypatch, capsys):
    module, machine = course
    module.main(["setup"])
    monkeypatch.setattr(module.os, "access", lambda path, mode: False)
    assert module.main(["setup"]) == 0 and "Already set up" in capsys.readouterr().out
    (folder / "pyproject.toml").write_text("# newer\n", encoding="utf-8")
    done = len(machine.commands)
    for words in (["setup"], ["lab"], ["run", "1"]):
        line = fails(module, *words)
        assert "is out of date, and may not be written by you" in line and "whoever made it" in line
    assert module.main(["doctor"]) == 1
    assert "may not be written by you" in capsys.readouterr().out
    assert not [c for c in machine.commands[done:] if "-m pip" in c or "-m venv" in c]


def test_a_folder_that_may_not_be_written_is_set_up_from(course, folder, monkeypatch):
    """Only the environment is written to: no copies of the lessons, no metadata of a build."""
    module, machine = course
    machine.says("rev-parse HEAD", 128)                # not even a git checkout
    monkeypatch.setattr(module.os, "access", lambda path, mode: pathlib.Path(path) != folder)
    before = sorted(folder.iterdir())
    assert module.main(["setup"]) == 0
    new = {path.name for path in folder.iterdir()} - {path.name for path in before}
    assert new == {".venv"} and "uninstall" in " ".join(machine.commands)


def test_the_package_is_found_from_everywhere_and_after_a_move(folder, monkeypatch, tmp_path):
    """Paths with spaces and letters beyond ASCII; read in UTF-8 and in the plain C locale."""
    (folder / "gan_lessons").mkdir()
    (folder / "gan_lessons" / "__init__.py").write_text("")
    for home, kept in [(tmp_path / "Schüler 学 x", False), (None, True)]:
        if home:
            shutil.copytree(folder, home)
        home = home or folder
        venv = home / ".venv" if kept else tmp_path / "umgebung ä"
        module, machine = load(home, monkeypatch, GAN_LESSONS_VENV=str(venv))
        assert module.main(["setup"]) == 0
        pth, = venv.rglob("gan_lessons.pth")
        assert pth.read_bytes().isascii()
        if kept:                                       # the folder is moved with what it holds
            shutil.move(home, tmp_path / "moved")
            home, pth = tmp_path / "moved", next((tmp_path / "moved").rglob("gan_lessons.pth"))
        for mode in ({}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
            said = subprocess.run(
                [sys.executable, "-S", "-c", "import site, os, sys; site.addsitedir(sys.argv[1]);"
                 "import gan_lessons; sys.stdout.buffer.write(os.fsencode(gan_lessons.__file__))",
                 str(pth.parent)], capture_output=True, cwd=tmp_path,
                env={**{k: v for k, v in os.environ.items() if k != "PYTHONPATH"}, **mode})
            assert said.stdout == os.fsencode(home / "gan_lessons" / "__init__.py"), said
        about, = pth.parent.glob("gan_lessons-*.dist-info")
        found, = importlib.metadata.distributions(path=[str(pth.parent)])
        assert found.metadata["Name"] == "gan-lessons" and "numpy>=2.0,<3" in found.requires
        assert all(file.locate().exists() for file in found.files) and (about / "RECORD").exists()


# ------------------------------------------------------------------------ one at a time, no orphan

HOLD = """
import pathlib, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
import family
with family.alone(pathlib.Path(sys.argv[2]), lambda text: print(text, flush=True)):
    child = subprocess.Popen([sys.executable, "-c", "import time; print('child', flush=True);"
                              "time.sleep(60)"], **{**family.tied(), **eval(sys.argv[3])})
    print("held", child.pid, flush=True)
    time.sleep(float(sys.argv[4]))
    child.kill()
"""


def holder(place, options="{}", seconds=60):
    return subprocess.Popen([sys.executable, "-S", "-c", HOLD, str(ROOT / "tools"), str(place),
                             options, str(seconds)], text=True, stdout=subprocess.PIPE)


def lines_until(process, word):
    found = []
    while not found or word not in found[-1]:
        found.append(process.stdout.readline())
        assert found[-1], found
    return found


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_running(pid):
    try:
        os.kill(pid, 0)
        state = pathlib.Path(f"/proc/{pid}/stat")
        return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@posix
def test_the_second_set_up_says_who_is_at_work_and_waits(tmp_path):
    first = holder(tmp_path / "venv", seconds=1)
    lines_until(first, "held")
    second = holder(tmp_path / "venv", seconds=0)
    said = lines_until(second, "held")
    assert f"another set-up is at work there (process {first.pid} on " in said[0]
    assert first.wait(20) == second.wait(20) == 0


@linux
def test_a_killed_set_up_takes_its_children_along_and_lets_the_next_one_in(tmp_path):
    first = holder(tmp_path / "venv")
    child = int(lines_until(first, "held")[-1].split()[1])
    first.kill()
    first.wait()
    second = holder(tmp_path / "venv", seconds=0)
    lines_until(second, "held")
    assert second.wait(20) == 0
    wait_for(lambda: not is_running(child))


@posix
def test_as_long_as_a_child_of_a_killed_set_up_lives_the_next_one_waits(tmp_path):
    """Where the kernel ends no orphans: they have inherited the lock."""
    first = holder(tmp_path / "venv", '{"preexec_fn": None}')
    child = int(lines_until(first, "held")[-1].split()[1])
    first.kill()
    first.wait()
    second = holder(tmp_path / "venv", seconds=0)
    assert "another set-up is at work there" in second.stdout.readline()
    assert is_running(child) and second.poll() is None
    os.kill(child, 9)
    lines_until(second, "held")
    assert second.wait(20) == 0


@posix
def test_where_the_kernel_does_not_a_closed_pipe_ends_pip(tmp_path):
    code = ("import subprocess, sys, time; sys.path.insert(0, sys.argv[1]); import family;"
            "pip = subprocess.Popen(['sleep', '60']); print(pip.pid, flush=True);"
            "family.follow_parent([pip]); pip.wait(); time.sleep(60)")
    tool = subprocess.Popen([sys.executable, "-S", "-c", code, str(ROOT / "tools")], text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    pip = int(tool.stdout.readline())
    assert is_running(pip)
    tool.stdin.close()                                 # as when lessons.py is killed
    assert tool.wait(20) == 143
    wait_for(lambda: not is_running(pip))


@posix
def test_a_tool_whose_pipe_is_still_held_ends_as_it_likes(tmp_path):
    code = ("import sys, time; sys.path.insert(0, sys.argv[1]); import family;"
            "family.follow_parent([]); time.sleep(.2); print('done')")
    tool = subprocess.Popen([sys.executable, "-S", "-c", code, str(ROOT / "tools")], text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert tool.wait(20) == 0 and tool.stdout.read() == "done\n" and not tool.stderr.read()


def test_a_set_up_that_another_has_made_meanwhile_is_not_made_again(course, monkeypatch):
    module, machine = course
    ready = iter([False, True])
    monkeypatch.setattr(module, "ready", lambda wish="": next(ready))
    module.setup()
    assert not machine.ran("-m venv") and not machine.ran("pip install")


# ------------------------------------------------------------------------ set-up that fails

@pytest.mark.parametrize("name, what, words", [
    ("constraints.txt", None, ["setup"]), ("pyproject.toml", None, ["doctor"]),
    ("pyproject.toml", b"", ["setup"]), ("constraints.txt", b"", ["run", "01"]),
    ("tools/checkup.py", b"", ["doctor"]), ("tools/course.py", b"", ["run", "01"]),
    ("tools/family.py", b"def alone(", ["setup"]), ("tools/checkup.py", b"def main(:", ["doctor"]),
    ("tools/family.py", b"x = 1", ["setup"]), ("tools/course.py", b"x = 1", ["run", "01"]),
    ("tools/checkup.py", b"x = 1", ["doctor"]), ("tools/lab.py", b"x = 1", ["--port=8899"])])
def test_a_copy_that_broke_off_is_told_before_anything_is_made(course, fails, folder, name, what,
                                                               words):
    module, machine = course
    (folder / name).unlink()
    if what is not None:
        (folder / name).write_bytes(what)
    said = fails(module, *words)
    assert name in said.replace(os.sep, "/") and said.endswith("copy or clone the course whole.\n")
    assert not machine.commands or words == ["setup"]


def test_an_empty_file_of_the_readers_beside_ours_is_no_damage(course, folder, capsys):
    (folder / "tools" / "mine.py").write_text("")
    assert course[0].main(["help"]) == 0


@pytest.mark.parametrize("text", ["<<<<<<< HEAD", "[project]\n", "[dependency-groups]\nbook = []"])
def test_damaged_requirements_are_no_traceback(course, folder, text):
    module, _ = course
    (folder / "pyproject.toml").write_text(text)
    install = module.tool("install")
    with pytest.raises(module.Stop, match="pyproject.toml is damaged .*copy or clone"):
        install.requirements()


def test_too_old_a_python(course, fails, monkeypatch):
    module, machine = course
    old = types.SimpleNamespace(version_info=(3, 9, 2), executable="python3", stderr=sys.stderr)
    monkeypatch.setattr(module, "sys", old)
    monkeypatch.setattr(module.platform, "python_version", lambda: "3.9.2")
    for name in ("python3.13", "python3.12", "python3.11"):
        machine.says(name + " --version", 127)
    assert "3.11 or newer is needed and this is 3.9.2; get one from" in fails(module, "setup")
    machine.says("python3.12 --version", 0, "Python 3.12.1")
    assert "run: python3.12 lessons.py" in fails(module, "lab")


def test_no_venv_on_debian(course, fails, monkeypatch):
    module, machine = course
    machine.says("-m venv", 1, "The virtual environment was not created because ensurepip is ...")
    assert "apt install python3-venv" in fails(module, "setup")
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: name == "venv" or None)
    assert "apt install python3-venv" in fails(module, "setup")


def test_no_network(course, fails):
    module, machine = course
    machine.says("pip install", 1, "WARNING: Retrying ... NewConnectionError('Failed to establish "
                 "a new connection')\nERROR: No matching distribution found for pip>=25.2")
    line = fails(module, "setup")
    assert "no network" in line and "HTTPS_PROXY" in line and str(module.LOG) in line
    assert module.LOG.exists() and len(machine.ran("pip install")) == 1


def test_untrusted_certificate(course, fails):
    module, machine = course
    machine.says("pip install", 1, "SSLError(SSLCertVerificationError(CERTIFICATE_VERIFY_FAILED))")
    assert "PIP_CERT" in fails(module, "setup")


def test_pip_failure_shows_its_last_error_and_keeps_the_log(course, fails, folder):
    module, machine = course
    machine.says(ALL, 1, "Collecting numpy\nERROR: Cannot install a and b because "
                 "these package versions have conflicting dependencies.\n\nnotice: anything")
    line = fails(module, "setup")
    assert "Cannot install a and b" in line and str(module.LOG) in line
    assert "Collecting numpy" in module.LOG.read_text(encoding="utf-8")
    machine.replies.clear()
    assert module.main(["setup"]) == 0                # and the same command mends it


def test_an_old_pip_without_an_index_is_used_as_it_is(course, capsys):
    module, machine = course
    machine.says("pip>=25.2", 1, "ERROR: No matching distribution found for pip>=25.2")
    assert module.main(["setup"]) == 0


def test_disk_full_before_and_during(course, fails, monkeypatch, folder):
    module, machine = course
    machine.says(ALL, 1, "ERROR: Could not install packages due to an OSError: "
                 "[Errno 28] No space left on device")
    assert "disk is full; free some" in fails(module, "setup")
    full = types.SimpleNamespace(free=0.3e9)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: full)
    done = len(machine.commands)
    line = fails(module, "setup")
    assert "0.3 GB free" in line and "2.5 GB needed" in line and "GAN_LESSONS_VENV" in line
    assert not [c for c in machine.commands[done:] if "venv" in c and "nvidia" not in c]


def test_disk_full_while_the_environment_is_made(course, fails):
    module, machine = course
    machine.says("-m venv", 1, "Error: [Errno 28] No space left on device: '.venv/lib'")
    assert "disk is full" in fails(module, "setup")


@pytest.mark.parametrize("number, remedy", [(errno.EACCES, "where you may write"),
                                            (errno.EROFS, "where you may write"),
                                            (errno.ENOSPC, "free some space")])
def test_a_folder_that_cannot_be_written(course, fails, number, remedy):
    module, machine = course
    machine.says("-m venv", 0, OSError(number, os.strerror(number), str(module.VENV)))
    assert remedy in fails(module, "setup")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_a_result_that_cannot_be_written_names_the_copy_and_not_the_environment(
        ready, fails, folder, number):
    module, machine = ready
    machine.says("nb.py html", 0, OSError(number, os.strerror(number), str(folder / "build")))
    line = fails(module, "run", "1")
    assert "copy the course into a folder of yours" in line and str(folder / "build") in line


def test_a_log_that_is_named_is_there(course, fails, monkeypatch, tmp_path):
    module, machine = course
    machine.says("-m venv", 1, "Error: something odd")
    line = fails(module, "setup")
    log = pathlib.Path(re.search(r"read (\S.*log)", line)[1])
    assert "something odd" in log.read_text()
    machine.replies.clear()
    assert module.main(["setup"]) == 0
    monkeypatch.setattr(module.os, "access", lambda path, mode: False)      # a common one
    machine.says("pip download", 1, "ERROR: no such thing")
    with machine.inside():
        import install
        monkeypatch.setattr(install.tempfile, "gettempdir", lambda: str(tmp_path))
        with pytest.raises(module.Stop, match="no such thing"):
            install.wheels(tmp_path / "w")
    assert "no such thing" in (tmp_path / "gan-lessons-install.log").read_text()


def test_unknown_kind_of_torch(folder, monkeypatch, fails):
    module, _ = load(folder, monkeypatch, GAN_LESSONS_TORCH="cuda")
    assert "cpu, gpu or pypi" in fails(module, "setup")


def test_settings_of_pip_that_send_packages_elsewhere_do_not_count_here(course, monkeypatch):
    module, machine = course
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"):
        monkeypatch.setenv(name, "/somewhere")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    assert module.main(["setup"]) == 0
    asked = [env for command, env in zip(machine.commands, machine.environments)
             if "pip install" in command]
    assert asked and not any("/somewhere" in env.values() for env in asked)
    assert all(env["PIP_INDEX_URL"] == "https://mirror.example/simple" for env in asked)


def test_ctrl_c_ends_cleanly_and_the_next_run_repairs(course, folder, capsys):
    module, machine = course
    machine.says(ALL, 0, KeyboardInterrupt())
    assert module.main(["setup"]) == 130
    assert capsys.readouterr().err == ""
    machine.replies.clear()
    assert module.main(["setup"]) == 0 and len(machine.ran("-m venv")) == 2


# ------------------------------------------------------------------------ which torch

@linux
def test_the_cpu_build_is_asked_for_by_its_full_version(course):
    module, machine = course
    module.main(["setup"])
    call, = machine.ran("torch==")
    assert "torch==2.13.0+cpu" in call and "--no-deps" in call
    assert "--index-url https://download.pytorch.org/whl/cpu" in call


@linux
def test_without_a_cpu_build_nothing_is_installed_rather_than_cuda(course, fails, folder):
    module, machine = course
    machine.says("torch==2.13.0+cpu", 1, "Temporary failure in name resolution\n"
                 "ERROR: No matching distribution found for torch==2.13.0+cpu")
    line = fails(module, "setup")
    assert "GAN_LESSONS_TORCH=pypi" in line and "find-links" in line and "no network" in line
    assert not machine.ran(ALL)


@pytest.mark.parametrize("section", [":env:", "global", "install"])
def test_a_wheel_in_a_find_links_folder_is_taken(course, tmp_path, section, capsys):
    module, machine = course
    offered = wheel(tmp_path / "wheels", wheel_name())
    wheel(tmp_path / "wheels", wheel_name(python="cp39"))
    wheel(tmp_path / "wheels", wheel_name("2.12.1+cpu"))
    machine.says("config list", 0, f"global.cert='x'\n{section}.find-links="
                 f"{'https://example.org/ ' + str(tmp_path / 'wheels')!r}\n")
    assert module.main(["setup"]) == 0
    call, = machine.ran(str(offered))
    assert ALL in call and not machine.ran("--index-url")
    assert offered.name in capsys.readouterr().out


@pytest.mark.parametrize("name, fits", [
    (wheel_name(), True),
    (wheel_name("2.13.0"), True),
    (wheel_name("2.13.0%2Bcpu"), True),                # as a browser saves it
    (wheel_name("2.13.1+cpu"), False),
    (wheel_name(python="cp39"), False),
    (wheel_name().replace(f"{HERE}-{HERE}", f"{HERE}-{HERE}t"), False),      # a Python without GIL
    (f"torch-2.13.0-{HERE}-{HERE}-manylinux_2_99_x86_64.whl", False),        # of a system to come
    (f"torch-2.13.0-{HERE}-{HERE}-linux_riscv64.whl", False),
    ("torch-2.13.0-py3-none-any.whl", True),
    ("torch-2.13.0.whl", False), ("torch-new-py3-none-any.whl", False)])
def test_which_wheels_fit_is_what_pip_says(course, name, fits):
    _, machine = course
    with machine.inside():
        import install
    assert install.wheel_fits(name, "2.13.0") == fits


def test_a_find_links_address_with_spaces(course, tmp_path):
    module, machine = course
    offered = wheel(tmp_path / "my wheels", wheel_name())
    machine.says("config list", 0, f"x.find-links={(tmp_path / 'my wheels').as_uri()!r}\n")
    assert module.main(["setup"]) == 0 and machine.ran(str(offered))


@linux
def test_a_wheel_that_would_bring_cuda_is_not_taken_by_accident(course, tmp_path):
    module, machine = course
    offered = wheel(tmp_path / "w", wheel_name("2.13.0"), ["nvidia-cublas==13.1.0.3; platform"])
    machine.says("config list", 0, f":env:.find-links={str(tmp_path / 'w')!r}\n")
    assert module.main(["setup"]) == 0
    assert not machine.ran(str(offered)) and machine.ran("torch==2.13.0+cpu")


def test_a_broken_wheel_is_named(course, tmp_path, fails):
    module, machine = course
    wheel(tmp_path / "w", wheel_name()).write_bytes(b"PK half a file")
    machine.says("config list", 0, f":env:.find-links={str(tmp_path / 'w')!r}\n")
    assert "cannot be read; remove it" in fails(module, "setup")


@linux
def test_when_a_gpu_answers(course, tmp_path, capsys, monkeypatch):
    module, machine = course
    machine.says("nvidia-smi -L", 0, "GPU 0: a card\n")
    assert module.main(["setup"]) == 0
    assert "torch!=2.13.0+cpu" in machine.ran(ALL)[-1] and "CUDA" in capsys.readouterr().out
    cpu = wheel(tmp_path / "w", wheel_name())
    machine.says("config list", 0, f":env:.find-links={str(tmp_path / 'w')!r}\n")
    module.write_stamp("of other requirements", "gpu")
    assert module.main(["setup"]) == 0            # what lies ready is taken, and says what it is
    assert str(cpu) in machine.ran(ALL)[-1] and "a CPU build" in capsys.readouterr().out
    gpu = wheel(tmp_path / "w", wheel_name("2.13.0+cu130"), ["nvidia-cublas"])
    module.write_stamp("of other requirements", "gpu")
    assert module.main(["setup"]) == 0 and str(gpu) in machine.ran(ALL)[-1]
    gpu.unlink()
    module.write_stamp("of other requirements", "gpu")
    monkeypatch.setenv("GAN_LESSONS_TORCH", "gpu")
    assert module.main(["setup"]) == 0 and "torch!=2.13.0+cpu" in machine.ran(ALL)[-1]


@pytest.mark.parametrize("reply", [(0, "No devices found"), (9, "GPU lost"), OSError("no")])
def test_a_silent_gpu_is_no_gpu(course, reply):
    module, machine = course
    machine.says("nvidia-smi", *((0, reply) if isinstance(reply, OSError) else reply))
    assert module.main(["setup"]) == 0 and module.read_stamp()["torch"] == "cpu"


# ------------------------------------------------------------------------ JupyterLab

@pytest.fixture
def ready(course, capsys):
    """Set up, nothing printed yet."""
    module, machine = course
    module.main(["setup"])
    capsys.readouterr()
    return module, machine


def test_the_address_is_printed_with_its_token_and_ctrl_c_ends_it(ready, capsys):
    module, machine = ready
    assert module.main(["--no-browser", "--collaborative"]) == 0
    said = capsys.readouterr().out
    assert "Open this address" in said and "has stopped" in said
    assert "http://localhost:8890/lab/tree/notebooks/00_start_here.ipynb?token=t0ken" in said
    assert machine.commands[-1].endswith("--no-browser --collaborative")


def test_over_ssh_no_browser_is_started_and_the_tunnel_is_spelled_out(ready, capsys, monkeypatch):
    module, machine = ready
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 50000 10.0.0.2 22")
    assert module.main([]) == 0
    assert "--no-browser" in machine.commands[-1]
    assert "ssh -N -L 8890:localhost:8890" in capsys.readouterr().out


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="always have a display")
def test_display_decides_about_the_browser(ready, monkeypatch):
    module, machine = ready
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    module.main([])
    assert "--no-browser" in machine.commands[-1]
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    module.main([])
    assert "--no-browser" not in machine.commands[-1]


@pytest.mark.parametrize("uid", [0, 1000])
def test_root_in_a_container_is_allowed(ready, monkeypatch, uid):
    module, machine = ready
    monkeypatch.setattr(module.os, "geteuid", lambda: uid, raising=False)
    module.main([])
    assert ("--allow-root" in machine.commands[-1]) == (uid == 0)


def test_a_port_of_the_system(ready, fails, monkeypatch):
    module, machine = ready
    done = len(machine.commands)

    class Socket(socket.socket):
        def bind(self, address):
            raise PermissionError(errno.EACCES, "Permission denied")
    monkeypatch.setattr(socket, "socket", Socket)
    assert "port 80 is the system's; choose one from 1024" in fails(module, "--port=80")
    assert len(machine.commands) == done


@pytest.mark.parametrize("form", [["--port={}"], ["--port", "{}"], ["lab", "--ServerApp.port={}"]])
def test_a_taken_port(ready, fails, form):
    module, machine = ready
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = len(machine.commands)
        assert f"port {port} is taken; choose another" in fails(
            module, *(part.format(port) for part in form))
        assert len(machine.commands) == done
    assert module.main([part.format(port) for part in form]) == 0
    assert "--ServerApp.port_retries=0" in machine.commands[-1]


# ------------------------------------------------------------------------ test, run, refresh

def test_tests_run_small_on_one_thread_each(ready, monkeypatch):
    module, machine = ready
    monkeypatch.setenv("MPLBACKEND", "agg")
    machine.says("-m pytest", 5)
    assert module.main(["test", "-k", "game", "tests/machinery/test_game.py"]) == 5
    environment = machine.environments[-1]
    assert environment["GAN_LESSONS_BUDGET"] == "smoke" and environment["OMP_NUM_THREADS"] == "1"
    assert "MPLBACKEND" not in environment
    assert machine.commands[-1].endswith(
        "--dist=loadfile --no-loadscope-reorder -k game tests/machinery/test_game.py")


@pytest.mark.parametrize("code, says", [
    (0, "All tests passed"), (1, "Tests did not pass"), (4, "could not be run"),
    (5, "No test was run: none that is there bears that name")])
def test_how_the_tests_ended_is_said_as_it_was(ready, capsys, code, says):
    module, machine = ready
    machine.says("-m pytest", code)
    assert module.main(["test", "-k", "nothing"]) == code
    assert says in capsys.readouterr().out


@pytest.mark.parametrize("name", ["1", "01", "01_minimax", "notebooks/01_minimax.ipynb"])
def test_run_and_refresh_find_the_lesson(ready, folder, name):
    module, machine = ready
    path = folder / "notebooks" / "01_minimax.ipynb"
    assert module.main(["run", name]) == 0
    assert machine.commands[-1].endswith(f"nb.py html {path} --out {folder / 'build' / 'html'}")
    assert module.main(["slides", name]) == 0
    assert machine.commands[-1].endswith(f"nb.py slides {path} --out {folder / 'build' / 'slides'}")
    assert module.main(["book", name]) == 0
    assert machine.commands[-1].endswith(f"book.py --out {folder / 'build' / 'book'} {path}")
    assert module.main(["book", "--no-films"]) == 0
    assert machine.commands[-1].endswith(f"book.py --out {folder / 'build' / 'book'} --no-films")
    assert module.main(["refresh", "--force", name]) == 0
    assert machine.commands[-1].endswith(f"nb.py refresh --force {path}")
    machine.says("nb.py refresh", 1)
    assert module.main(["refresh", name]) == 1
    assert machine.commands[-1].endswith(f"nb.py refresh {path}")


def test_the_app_shows_one_lesson_where_it_is_told(ready, folder, fails):
    module, machine = ready
    path = folder / "notebooks" / "01_minimax.ipynb"
    assert module.main(["app", "1"]) == 0
    assert machine.commands[-1] == f"app.py {path} None True"
    assert module.main(["app", "01", "--no-browser", "--port=8899"]) == 0
    assert machine.commands[-1] == f"app.py {path} 8899 False"
    done = len(machine.commands)
    assert "one lesson at a time" in fails(module, "app", "0", "1")
    assert "app needs the number of a lesson; there are: 00_start_here" in fails(module, "app")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert f"port {port} is taken" in fails(module, "app", "1", f"--port={port}")
    assert len(machine.commands) == done
    machine.says("app.py", 0, KeyboardInterrupt())
    assert module.main(["app", "1"]) == 130


@pytest.mark.parametrize("group, name", [("book", "myst-nb"), ("app", "voila")])
def test_what_one_command_needs_is_installed_when_it_is_first_asked_for(ready, fails, monkeypatch,
                                                                        group, name):
    module, machine = ready
    found = importlib.util.find_spec
    hidden = {"myst_nb", "sphinx", "sphinx_book_theme", "voila"}
    monkeypatch.setattr(importlib.util, "find_spec",
                        lambda name, *more: None if name in hidden else found(name, *more))
    words = [group, "1"]
    machine.says(name + ">=", 1, "Temporary failure in name resolution")
    assert "no network: pip cannot reach its package index" in fails(module, *words)
    assert group + ".py" not in machine.commands[-1]
    machine.says(name + ">=", 0, "")
    assert module.main(words) == 0
    assert machine.ran(name + ">=") and machine.commands[-1].startswith(group + ".py")


def test_every_command_runs_in_the_environment(ready, folder):
    module, machine = ready
    for words in (["run", "1"], ["book"], ["slides", "1"], ["refresh"], ["arena", "toys"], ["test"],
                  ["wheels", str(folder / "w")], ["lab"]):
        done = len(machine.commands)
        assert module.main(words) == 0
        assert machine.commands[done] == f"{module.PYTHON} {folder / 'tools' / 'course.py'} " + (
            " ".join(words))
        assert len(machine.commands) > done + 1        # and there it did something


def test_the_arena_gets_its_words_as_they_are(ready):
    module, machine = ready
    words = ["toys", "--only", "VAE", "--only", "real data", "--seeds", "5", "--fresh"]
    assert module.main(["arena", *words]) == 0
    assert machine.commands[-1] == "-m gan_lessons.map.arena " + " ".join(words)


def test_the_arena_has_the_options_that_its_help_lists(course, capsys):
    """Before set-up the arena itself cannot be asked, so they stand in two places."""
    import course

    from gan_lessons.map import arena
    assert pathlib.Path(course.__file__).parent != ROOT / "tools"      # the copy of this test
    listed = []
    for shown in (course.parse, lambda _, words: arena.main(words)):
        with pytest.raises(SystemExit):
            shown("arena", ["--help"])
        said = capsys.readouterr().out
        options = set(re.findall(r"^  (--\w+(?: [A-Z]+)?)", said, re.M))
        listed.append((options, re.search(r"\{.*?\}", said)[0]))
    assert listed[0] == listed[1] and len(listed[0][0]) > 8


# ------------------------------------------------------------------------ afresh

def copies(folder):
    return sorted((folder / "notebooks" / "mine").glob("*.ipynb"))


def test_afresh_keeps_the_readers_copy_beside(ready, folder, capsys):
    module, machine = ready
    path = folder / "notebooks" / "01_minimax.ipynb"
    machine.says("show HEAD:./notebooks/01_minimax.ipynb", 0, "{}")
    assert module.main(["afresh", "1"]) == 0 and not copies(folder)
    assert "as published; nothing to do" in capsys.readouterr().out
    path.write_text("my notes")
    assert module.main(["afresh", "1"]) == 0
    mine, = copies(folder)
    assert path.read_text() == "{}" and mine.read_text() == "my notes"
    assert f"notebooks/mine/{mine.name}" in capsys.readouterr().out


def test_afresh_needs_no_set_up(course, folder):
    module, machine = course
    path = folder / "notebooks" / "01_minimax.ipynb"
    path.write_text("my notes")
    machine.says("show HEAD:./notebooks/01_minimax.ipynb", 0, "{}")
    assert module.main(["afresh", "1"]) == 0 and path.read_text() == "{}"
    assert not machine.ran("-m venv") and machine.commands[0].startswith(sys.executable)


def test_a_deleted_lesson_comes_back(course, folder, capsys):
    module, machine = course
    path = folder / "notebooks" / "01_minimax.ipynb"
    path.unlink()
    machine.says("ls-files", 0, "notebooks/01_minimax.ipynb\n")
    machine.says("show HEAD:./notebooks/01_minimax.ipynb", 0, "{}")
    assert module.main(["afresh", "1"]) == 0 and path.read_text() == "{}"
    assert "it had been deleted" in capsys.readouterr().out


def test_afresh_without_git_uses_what_set_up_kept(course, folder, capsys):
    module, machine = course
    for part in ("rev-parse HEAD", "show HEAD"):
        machine.says(part, 128)
    module.main(["setup"])
    path = folder / "notebooks" / "00_start_here.ipynb"
    path.write_text("my notes")
    shutil.rmtree(module.VENV)
    module.main(["setup"])                          # an environment made anew keeps nothing of mine
    assert module.main(["afresh", "00", "01"]) == 0
    assert path.read_text() == "{}" and copies(folder)[0].read_text() == "my notes"
    assert module.lessons() == [path, folder / "notebooks" / "01_minimax.ipynb"]


def test_afresh_where_nothing_was_kept_leaves_the_lesson_alone(ready, folder, fails):
    module, machine = ready
    for part in ("rev-parse HEAD", "show HEAD"):
        machine.says(part, 128)
    path = folder / "notebooks" / "00_start_here.ipynb"
    path.write_text("my notes")
    shutil.rmtree(module.PUBLISHED)
    assert "no git checkout" in fails(module, "afresh", "0")
    assert path.read_text() == "my notes" and not copies(folder)
    assert "needs the number" in fails(module, "afresh")
    assert "no lesson '77'" in fails(module, "afresh", "77")


def test_afresh_on_a_full_disk_overwrites_nothing(ready, folder, fails, monkeypatch):
    module, machine = ready
    machine.says("show HEAD", 0, "{}")
    path = folder / "notebooks" / "00_start_here.ipynb"
    path.write_text("my notes")

    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    assert "free some space" in fails(module, "afresh", "0")
    assert path.read_text() == "my notes"


# ------------------------------------------------------------------------ wheels

def test_wheels_collects_all_that_set_up_installs(ready, tmp_path, capsys):
    module, machine = ready
    target = tmp_path / "wheels"
    assert module.main(["wheels", str(target)]) == 0
    assert "PIP_NO_INDEX=1 PIP_FIND_LINKS=%s python lessons.py" % target in capsys.readouterr().out
    downloads = " ".join(machine.ran("pip download"))
    with machine.inside():
        import install
    known = install.requirements()
    for need in [*known["project"]["dependencies"], *known["dependency-groups"]["course"],
                 *known["dependency-groups"]["test"], "pip>=25.2"]:
        assert need in downloads
    assert downloads.count(f"-d {target}") == len(machine.ran("pip download"))
    torch = wheel(target, wheel_name())
    machine.says("config list", 0, f":env:.find-links={str(target)!r}\n")
    # what lies in the folder is what set-up takes
    assert install.torch_plan("cpu")[1] == [str(torch)]


def test_wheels_needs_a_folder_and_room(ready, fails, tmp_path, monkeypatch):
    module, _ = ready
    assert "needs the folder" in fails(module, "wheels")
    assert "needs the folder" in fails(module, "wheels", "a", "b")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=1e8))
    assert "too full" in fails(module, "wheels", str(tmp_path / "w"))


# ------------------------------------------------------------------------ doctor

def test_doctor_before_and_after_set_up(course, capsys):
    module, machine = course
    assert module.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "not made yet; run: python lessons.py setup" in said and "GB free" in said
    assert not machine.ran("doctor.py")
    module.main(["setup"])
    assert module.main(["doctor"]) == 0 and machine.ran("doctor.py")
    assert "FAIL" not in capsys.readouterr().out
    machine.says("doctor.py", 1)
    assert module.main(["doctor"]) == 1
    module.write_stamp("installing", "cpu")
    module.main(["doctor"])
    assert "incomplete; run: python lessons.py setup" in capsys.readouterr().out


def test_doctor_sees_a_full_disk(ready, capsys, monkeypatch):
    module, _ = ready
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=1e8))
    assert module.main(["doctor"]) == 1
    assert "FAIL  disk      the disk is too full: 0.1 GB free" in capsys.readouterr().out


@pytest.mark.parametrize("words", ["long 99", "long 07 --jobs 0", "arena toys --seeds 0"])
def test_what_cannot_be_meant_is_refused_before_the_set_up(tmp_path, words):
    said = subprocess.run([sys.executable, ROOT / "lessons.py", *words.split()], text=True,
                          env=os.environ | {"GAN_LESSONS_VENV": str(tmp_path / "env")},
                          capture_output=True)
    assert said.returncode == 1 and "for help" in said.stderr, said
    assert not (tmp_path / "env").exists()


def test_a_version_is_said_without_a_set_up(tmp_path):
    said = subprocess.run([sys.executable, ROOT / "lessons.py", "--version"], text=True,
                          env=os.environ | {"GAN_LESSONS_VENV": str(tmp_path / "env")},
                          capture_output=True, check=True).stdout
    assert said.count(".") == 2 and not (tmp_path / "env").exists()


@pytest.mark.parametrize("place, said", [("~nobody-of-that-name/x", "nobody of that name"),
                                         (str(ROOT / "README.md" / "x"), "is no folder")])
def test_doctor_and_setup_say_the_same_of_a_place_that_is_none(place, said):
    for command in ("doctor", "setup"):
        told = subprocess.run([sys.executable, ROOT / "lessons.py", command], text=True,
                              env=os.environ | {"GAN_LESSONS_VENV": place}, capture_output=True)
        assert told.returncode == 1 and said in told.stdout + told.stderr, told


@pytest.mark.parametrize("words, says", [
    (["--setup"], "did you mean setup"), (["--doctor", "x"], "did you mean doctor"),
    (["run", "1.5"], "no lesson '1.5'"), (["run", "01_minimax.ipy"], "no lesson"),
    (["lab", "01"], "lab opens the whole course"), (["wheels", ""], "wheels needs the folder")])
def test_what_would_be_taken_for_something_else_is_refused(ready, fails, words, says):
    module, machine = ready
    before = len(machine.ran("jupyterlab"))
    assert says in fails(module, *words)
    assert len(machine.ran("jupyterlab")) == before


@posix
@pytest.mark.parametrize("place", ["/dev/null/x", "/proc/nowhere", "https://x.y/env"])
def test_a_place_where_no_folder_can_be_says_to_choose_another(folder, monkeypatch, fails, place):
    if place.startswith("/proc") and not os.path.isdir("/proc/self"):
        pytest.skip("no /proc here")
    module, _ = load(folder, monkeypatch, GAN_LESSONS_VENV=place)
    assert "set GAN_LESSONS_VENV to a new or empty folder" in fails(module, "setup")


def test_the_short_option_says_the_version_of_the_course(course, capsys):
    assert course[0].main(["-V"]) == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize("spoil, words, says", [
    (lambda folder: (folder / "pyproject.toml").unlink(), ["--version"], "course whole"),
    (lambda folder: (folder / "pyproject.toml").write_text(""), ["-V"], "course whole"),
    (lambda folder: (folder / "constraints.txt").unlink(), ["setup"], "course whole")])
def test_a_course_that_is_not_whole_says_so(course, folder, fails, spoil, words, says):
    spoil(folder)
    assert says in fails(course[0], *words)


def test_a_tool_that_is_missing_is_named(course, fails):
    module, _ = course
    gone = ModuleNotFoundError("No module named 'nb'", name="nb")

    def work():
        raise gone
    module.TOOLS = module.TOOLS / "nowhere"
    assert module.finish(work) == 1
    gone.name = "numpy"
    with pytest.raises(ModuleNotFoundError):
        module.finish(work)


@pytest.mark.parametrize("text", ["[" * 100_000, "3", "null", "[]", "hello", ""])
def test_a_damaged_stamp_is_read_as_none(course, text):
    module, _ = course
    module.STAMP.parent.mkdir(parents=True)
    module.STAMP.write_text(text)
    assert module.read_stamp() == {}


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_a_pipe_in_place_of_the_stamp_is_not_waited_for(course):
    module, _ = course
    module.STAMP.parent.mkdir(parents=True)
    os.mkfifo(module.STAMP)
    assert module.read_stamp() == {}


def test_a_folder_in_place_of_the_stamp_asks_for_another_environment(course, fails):
    module, _ = course
    module.STAMP.mkdir(parents=True)
    assert "set GAN_LESSONS_VENV to a new or empty folder" in fails(module, "setup")
