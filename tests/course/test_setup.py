"""lessons.py: every way in which a set-up can fail says so in one line, with the remedy.

No package is installed here: pip, venv and nvidia-smi are played by `Machine`. The two tools that
lessons.py starts, install.py and course.py, do run, in this process and on the same machine.
"""
import ast
import contextlib
import errno
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
TOOLS = ("course", "install", "lab")
HERE = "cp%d%d" % sys.version_info[:2]


class Machine:
    """Stands in for `subprocess`: keeps the commands, answers as told, else plays a good one.

    A tool of the course is run: its own commands come here too, and what it asks of nb.py,
    static_site.py and the arena is kept as a command, as `nb.py html ...`.
    """

    PIPE, STDOUT, TimeoutExpired = subprocess.PIPE, subprocess.STDOUT, subprocess.TimeoutExpired

    def __init__(self, python):
        self.python, self.commands, self.environments, self.replies = python, [], [], {}
        self.modules = {name: types.SimpleNamespace(main=self.keeper(command)) for name, command in
                        [("nb", "nb.py"), ("static_site", "static_site.py"),
                         ("gan_lessons.map.arena", "-m gan_lessons.map.arena")]}

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

    def run(self, command, text=False, **options):
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


linux = pytest.mark.skipif(sys.platform != "linux", reason="only PyPI's Linux build brings CUDA")


# ------------------------------------------------------------------------ the script itself

def test_an_old_python_can_read_the_script_and_is_told_what_it_lacks():
    source = (ROOT / "lessons.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 6))
    top = [n for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))]
    names = {a.name.split(".")[0] for n in top for a in n.names}
    assert names <= sys.stdlib_module_names - {"tomllib", "zoneinfo", "graphlib"}    # all in 3.6
    assert not any(isinstance(n, ast.ImportFrom) for n in top)


@pytest.mark.parametrize("name", ["lab", "test", "run", "site", "slides", "refresh", "arena",
                                  "afresh", "wheels", "doctor", "setup", "help"])
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
    (["arena", "toys", "--seeds", "x"], "argument --seeds: invalid int value: 'x'"),
    (["run", "--foo", "1"], "unrecognized arguments: --foo"),
    (["wheels", "--all", "x"], "unrecognized arguments: --all"),
    (["lab", "--port=http"], "'http' is no number from 0 to 65535"),
    (["--port", "65536"], "'65536' is no number from 0 to 65535"),
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


@pytest.mark.parametrize("name", ["arena", "site", "refresh"])
def test_a_command_ends_as_its_tool_ends(ready, name, capsys):
    module, machine = ready
    part = {"arena": "gan_lessons.map.arena", "site": "static_site.py", "refresh": "nb.py"}[name]
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
        def __init__(self, command):
            assert command == ("python", "tool.py", "x")

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
    main_call, = machine.ran("-e " + str(folder))
    assert "constraints.txt" in main_call and "nbval>=" in main_call and " torch" not in main_call
    quiet = module.VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert "fetchNews" in quiet.read_text()            # JupyterLab greets nobody with a question
    done = len(machine.commands)
    assert module.main(["setup"]) == 0
    assert "Already set up" in capsys.readouterr().out and len(machine.commands) == done


def test_second_set_up_takes_less_than_a_second(course, folder):
    module, _ = course
    module.main(["setup"])
    seconds = []
    for _ in range(3):                                 # the best of three, on a busy machine
        start = time.perf_counter()
        said = subprocess.run([sys.executable, str(folder / "lessons.py"), "setup"], text=True,
                              capture_output=True)
        seconds.append(time.perf_counter() - start)
        assert said.returncode == 0 and "Already set up" in said.stdout, said
    assert min(seconds) < 1, seconds


def test_changed_requirements_and_another_torch_are_installed(course, folder, monkeypatch):
    module, machine = course
    module.main(["setup"])
    (folder / "pyproject.toml").write_text(
        (folder / "pyproject.toml").read_text(encoding="utf-8") + "\n# newer\n", encoding="utf-8")
    module.main(["setup"])
    assert len(machine.ran("-e " + str(folder))) == 2
    monkeypatch.setenv("GAN_LESSONS_TORCH", "pypi")
    module.main(["setup"])
    assert len(machine.ran("-e " + str(folder))) == 3 and len(machine.ran("-m venv")) == 1


def test_a_broken_environment_is_repaired(course, capsys):
    module, machine = course
    module.VENV.mkdir()
    (module.VENV / "half").write_text("made")
    assert module.main(["setup"]) == 0 and len(machine.ran("-m venv --clear")) == 1
    assert "making it anew" in capsys.readouterr().out
    module.write_stamp("installing", "cpu")            # killed in the middle of pip
    assert module.main(["setup"]) == 0 and len(machine.ran("-m venv --clear")) == 2
    module.PYTHON.unlink()                             # its Python was uninstalled
    assert module.main(["setup"]) == 0 and len(machine.ran("-m venv --clear")) == 3


def test_an_environment_of_another_python_is_replaced(course):
    module, machine = course
    module.main(["setup"])
    module.STAMP.unlink()
    machine.says("import pip", 0, "3.9")
    assert module.main(["setup"]) == 0 and len(machine.ran("-m venv --clear")) == 2


def test_a_folder_that_is_no_environment_is_never_cleared(folder, monkeypatch, tmp_path, fails):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.png").write_text("")
    module, machine = load(folder, monkeypatch, GAN_LESSONS_VENV=str(tmp_path / "photos"))
    assert "set GAN_LESSONS_VENV to a new or empty folder" in fails(module, "setup")
    assert (tmp_path / "photos" / "me.png").exists() and not machine.ran("-m venv")


# ------------------------------------------------------------------------ set-up that fails

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
    machine.says("-e " + str(folder), 1, "Collecting numpy\nERROR: Cannot install a and b because "
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
    machine.says("-e " + str(folder), 1, "ERROR: Could not install packages due to an OSError: "
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


def test_unknown_kind_of_torch(folder, monkeypatch, fails):
    module, _ = load(folder, monkeypatch, GAN_LESSONS_TORCH="cuda")
    assert "cpu, gpu or pypi" in fails(module, "setup")


def test_ctrl_c_ends_cleanly_and_the_next_run_repairs(course, folder, capsys):
    module, machine = course
    machine.says("-e " + str(folder), 0, KeyboardInterrupt())
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
    assert not machine.ran("-e " + str(folder))


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
    assert "-e " in call and not machine.ran("--index-url")
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
    assert "torch!=2.13.0+cpu" in machine.commands[-1] and "CUDA" in capsys.readouterr().out
    cpu = wheel(tmp_path / "w", wheel_name())
    machine.says("config list", 0, f":env:.find-links={str(tmp_path / 'w')!r}\n")
    module.STAMP.unlink()
    assert module.main(["setup"]) == 0            # what lies ready is taken, and says what it is
    assert str(cpu) in machine.commands[-1] and "a CPU build" in capsys.readouterr().out
    gpu = wheel(tmp_path / "w", wheel_name("2.13.0+cu130"), ["nvidia-cublas"])
    module.STAMP.unlink()
    assert module.main(["setup"]) == 0 and str(gpu) in machine.commands[-1]
    gpu.unlink()
    module.STAMP.unlink()
    monkeypatch.setenv("GAN_LESSONS_TORCH", "gpu")
    assert module.main(["setup"]) == 0 and "torch!=2.13.0+cpu" in machine.commands[-1]


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


@pytest.mark.parametrize("name", ["1", "01", "01_minimax", "notebooks/01_minimax.ipynb"])
def test_run_and_refresh_find_the_lesson(ready, folder, name):
    module, machine = ready
    path = folder / "notebooks" / "01_minimax.ipynb"
    assert module.main(["run", name]) == 0
    assert machine.commands[-1].endswith(f"nb.py html {path} --out {folder / 'build' / 'html'}")
    assert module.main(["slides", name]) == 0
    assert machine.commands[-1].endswith(f"nb.py slides {path} --out {folder / 'build' / 'slides'}")
    assert module.main(["site", name]) == 0
    assert machine.commands[-1].endswith(f"static_site.py --out {folder / 'build' / 'site'} {path}")
    assert module.main(["refresh", "--force", name]) == 0
    assert machine.commands[-1].endswith(f"nb.py refresh --force {path}")
    machine.says("nb.py refresh", 1)
    assert module.main(["refresh", name]) == 1
    assert machine.commands[-1].endswith(f"nb.py refresh {path}")


def test_every_command_runs_in_the_environment(ready, folder):
    module, machine = ready
    for words in (["run", "1"], ["site"], ["slides", "1"], ["refresh"], ["arena", "toys"], ["test"],
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
    for need in [*known["build-system"]["requires"], *known["project"]["dependencies"],
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
