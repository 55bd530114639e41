#!/usr/bin/env python3
"""GAN Lessons: one command on a fresh machine (Linux, macOS, Windows).

    python lessons.py help

Here stands what must run before anything is installed: the set-up, and the way to the commands.
What runs after it is in tools/: install.py fills the new environment, course.py holds the commands,
and the environment's Python executes both; family.py and checkup.py help this file itself.
"""
# Standard library only, and no argparse: a command's own options are read in tools/course.py.
# This file stays readable for Python 3.6, which is told what it lacks.
import difflib
import errno
import hashlib
import importlib
import importlib.util
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent
TOOLS = ROOT / "tools"
DEFAULT_VENV = ROOT / ".venv"
VENV = pathlib.Path(os.path.abspath(os.path.expanduser(
    os.environ.get("GAN_LESSONS_VENV", "").strip() or str(DEFAULT_VENV))))
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "gan-lessons.json"      # what was installed; {"state": "installing"} while at it.
                                       # An environment without it was not made here: hands off
LOG = VENV / "install.log"
PUBLISHED = ROOT / ".published"       # the lessons as downloaded, where there is no git
OLDEST = (3, 11)
GB = 1e9
ROOM = {"cpu": 2.5 * GB, "gpu": 10 * GB, "pypi": 10 * GB}     # measured: 1.6 GB; CUDA about 8


class Stop(Exception):
    """The command cannot go on. The message is one line: what is wrong, and the remedy."""


def say(text):
    print(text, flush=True)


# ----------------------------------------------------------------------------------------- set-up

def setup():
    """Make the virtual environment, or repair it; return at once when it is up to date."""
    check_python()
    wish = os.environ.get("GAN_LESSONS_TORCH", "")
    if wish not in ("", "cpu", "gpu", "pypi"):
        raise Stop("GAN_LESSONS_TORCH is %r: set it to cpu, gpu or pypi, or leave it out." % wish)
    if not ready(wish):
        check_ours()
        with tool("family").alone(VENV, say):
            if not ready(wish):         # another set-up may have made it meanwhile
                fill(wish)


def ready(wish=""):
    stamp = read_stamp()
    return (PYTHON.exists() and stamp.get("state") == fingerprint()
            and wish in ("", stamp.get("torch")))


def fill(wish):
    began, stamp = time.time(), read_stamp()
    wish = wish or ("gpu" if b"GPU" in answers("nvidia-smi", "-L") else "cpu")
    update = stamp.get("torch") == wish and stamp.get("state") != "installing"
    check_room(0.5 * GB if update else ROOM[wish])
    say(("Updating %s" if update else "Setting up GAN Lessons in %s (once; a few minutes)") % VENV)
    make_venv(wish)
    write_stamp("installing", wish)
    code = start(str(PYTHON), str(TOOLS / "install.py"), wish, held=True)
    if code:
        raise SystemExit(code)          # it has said why
    write_stamp(fingerprint(), wish)
    say("Set up in %.0f s." % (time.time() - began))


def check_ours():
    """Stop where VENV is not ours to fill: another's, a file, or a common one without a pen."""
    if any(path.exists() and not path.is_dir() for path in (VENV, *VENV.parents)):
        raise Stop("%s is no folder; %s" % (VENV, NEW_FOLDER))
    if re.match("[a-zA-Z][a-zA-Z0-9+.-]+://", os.environ.get("GAN_LESSONS_VENV", "").strip()):
        raise Stop("GAN_LESSONS_VENV is an address, and no folder; " + NEW_FOLDER)
    if os.environ.get("GAN_LESSONS_VENV", "").strip().startswith("~") and "~" in str(VENV):
        raise Stop("there is nobody of that name to have %s; %s" % (VENV, NEW_FOLDER))
    if VENV.exists() and not stamped() and any(
            not path.name.startswith("gan-lessons.") for path in VENV.iterdir()):
        raise Stop("%s was not made by this set-up, which changes nothing that others made; %s"
                   % (VENV, NEW_FOLDER))
    if VENV.exists() and not os.access(str(VENV), os.W_OK):
        raise Stop("%s is %s, and may not be written by you: whoever made it has to run "
                   "`python lessons.py setup`, or set GAN_LESSONS_VENV to a folder of your own."
                   % (VENV, condition()))


def stamped():
    """Whether this set-up made VENV: its stamp says so, or one that was damaged in a real one."""
    return "state" in read_stamp() or STAMP.exists() and (VENV / "pyvenv.cfg").exists()


def condition():
    """What is wrong with an environment that is not ready, in a word."""
    if not PYTHON.exists() and not STAMP.exists():
        return "not made yet"
    return ("incomplete" if read_stamp().get("state") == "installing" or not venv_python()
            else "out of date")


NEW_FOLDER = "set GAN_LESSONS_VENV to a new or empty folder (or move that one away)."


def check_python():
    """Stop where this Python cannot make the environment."""
    check_version()
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise Stop(NO_VENV)


def check_version():
    if sys.version_info[:2] >= OLDEST:
        return
    newer = [n for n in ("python3.13", "python3.12", "python3.11") if answers(n, "--version")]
    remedy = "run: %s lessons.py" % newer[0] if newer else "get one from https://www.python.org"
    raise Stop("Python 3.11 or newer is needed and this is %s; %s"
               % (platform.python_version(), remedy))


NO_VENV = ("this Python cannot make virtual environments; on Debian or Ubuntu run: "
           "apt install python3-venv   (elsewhere install Python from https://www.python.org)")


def fingerprint():
    """Changes when the requirements do. Not with the folder: a class shares one environment."""
    parts = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def read_stamp():
    if not STAMP.is_file():              # a pipe would be waited for
        return {}
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):            # "[[[[…": damaged, whatever it was
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(state, wish):
    part = STAMP.with_name(STAMP.name + ".part")
    part.write_text(json.dumps({"state": state, "torch": wish}), encoding="utf-8")
    os.replace(str(part), str(STAMP))


def check_room(need, place=VENV):
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(str(place)).free
    if free < need:
        raise Stop("the disk is too full: %.1f GB free at %s, %.1f GB needed; free some, or set "
                   "GAN_LESSONS_VENV to a folder on another disk." % (free / GB, place, need / GB))


def answers(*command):
    """What a program says; nothing if it is missing or fails."""
    try:
        said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return b"" if said.returncode else said.stdout + said.stderr


def make_venv(wish):
    """Keep an environment that works; replace one half made or of another Python."""
    if read_stamp().get("state") != "installing" and venv_works():
        return
    write_stamp("installing", wish)     # first: whoever is killed from here on leaves his stamp
    keep = (STAMP, VENV / tool("family").LOCK)
    old = [path for path in VENV.iterdir() if path not in keep]
    if old:
        say("  the environment there is broken or of another Python: making it anew")
    for path in old:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(str(path))
        else:
            path.unlink()
    # not the environment's own Python, which is gone now
    python = getattr(sys, "_base_executable", None) or sys.executable
    made = subprocess.run([python, "-m", "venv", str(VENV)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **tool("family").tied())
    if made.returncode:
        if "ensurepip" in made.stdout:
            raise Stop(NO_VENV)
        LOG.write_text(made.stdout, encoding="utf-8", errors="backslashreplace")
        raise Stop(tool("install").diagnose(made.stdout))


def venv_works():
    return venv_python().split() == [b"%d.%d" % sys.version_info[:2]]


def venv_python():
    """Version of the environment's Python; nothing where it does not start."""
    return answers(str(PYTHON), "-c", "import pip, sys; print('%d.%d' % sys.version_info[:2])")


def lessons():
    return sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


# --------------------------------------------------------------------- commands that run out here

def doctor(arguments):
    """python lessons.py doctor

    Prints versions, device, data sets found, free disk and the browser for the tests, and for each
    problem what to do about it. Works before set-up too. Exit code 1 when something is broken.
    """
    return tool("checkup").main()


def setup_(arguments):
    """python lessons.py setup

    Makes or repairs the virtual environment with all that the course needs, and opens nothing.
    Does nothing when all is up to date, down to every package that doctor looks at.
    """
    if ready():
        said = answers(str(PYTHON), str(TOOLS / "doctor.py"), "missing").decode().strip()
        if said != "nothing":
            check_ours()
            say("Not as pyproject.toml asks: %s" % (said or "the environment does not start"))
            write_stamp("repair" if venv_works() else "installing", read_stamp().get("torch"))
    before = read_stamp()
    setup()
    if before == read_stamp():
        say("Already set up: %s" % VENV)


# ---------------------------------------------------------------------------- the way to a command

def inside(name, arguments):
    """A command of tools/course.py, in the environment; its exit code."""
    check_version()
    tool("course").parse(name, arguments)     # a mistyped number is refused now, not after set-up
    python = str(PYTHON)
    if name == "afresh":                # needs nothing that is installed: it works on a full disk
        python = sys.executable
    else:
        setup()
    return start(python, str(TOOLS / "course.py"), name, *arguments)


def tool(name):
    """One of tools/, imported here: these need the standard library only, until they run."""
    if str(TOOLS) not in sys.path:
        sys.path.insert(0, str(TOOLS))
    if not (TOOLS / (name + ".py")).exists():
        raise Stop("%s is missing: %s" % (TOOLS / (name + ".py"), WHOLE))
    try:
        return importlib.import_module(name)
    except SyntaxError as error:
        raise Stop("%s is damaged (%s): %s" % (TOOLS / (name + ".py"), error, WHOLE)) from None


def start(*command, held=False):
    """Run a tool until it ends by itself, also after Ctrl-C; its exit code.

    It imports the package from this folder, whichever folder the environment was made for. held:
    its standard input is a pipe whose end tells it that this process is gone.
    """
    paths = [str(ROOT)] + [path for path in [os.environ.get("PYTHONPATH")] if path]
    options = dict(tool("family").tied(), env=dict(os.environ, PYTHONPATH=os.pathsep.join(paths)))
    if held:
        options["stdin"] = subprocess.PIPE
    process = subprocess.Popen(command, **options)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:       # it had the same Ctrl-C, and says itself how it ends
            pass


def help_(arguments):
    """python lessons.py help [COMMAND]

    Says what there is, or more about one command.
    """
    if not arguments:
        return say(overview())
    name = arguments[0]
    if name not in COMMANDS:
        raise Stop(unknown(name))
    command = COMMANDS[name][0]
    if command is None:
        return inside(name, ["--help"])
    say(re.sub(r"^    ", "", command.__doc__, flags=re.M).strip())


# name -> what runs it (None: tools/course.py), its arguments, one line for `help`
COMMANDS = {
    "lab": (None, "[JupyterLab options]", "set up on first use, then open the course"),
    "test": (None, "[pytest options]", "set up, then run every test and every notebook"),
    "run": (None, "NN ...", "run a lesson headless; its page goes to build/html"),
    "book": (None, "[NN ...]", "the course as a book, without kernel or network"),
    "app": (None, "NN", "a lesson's explorers alone, in a browser"),
    "slides": (None, "NN ...", "a lesson as a deck of slides, into build/slides"),
    "refresh": (None, "[NN ...]", "run lessons and store their outputs"),
    "arena": (None, "toys|mnist", "every objective on the same data, in one table"),
    "long": (None, "[NN ...]", "train the long runs of lessons, and store them"),
    "afresh": (None, "NN ...", "start a lesson afresh; your copy is kept beside it"),
    "wheels": (None, "FOLDER", "collect all packages, for a place without network"),
    "doctor": (doctor, "", "what is here, what is missing, what to do about it"),
    "setup": (setup_, "", "set up only"),
    "help": (help_, "[COMMAND]", "this text, or more about one command"),
}


def overview():
    rows = ["GAN Lessons: one command on a fresh machine (Linux, macOS, Windows).", ""]
    for name, (_, arguments, line) in COMMANDS.items():
        words = arguments if name == "lab" else name + " " + arguments
        rows.append("    python lessons.py %-26s %s" % (words, line))
    return "\n".join(rows) + """

Environment:
    GAN_LESSONS_VENV    folder of the virtual environment (default: .venv beside lessons.py)
    GAN_LESSONS_TORCH   cpu, gpu, or pypi: what pip prefers (default: gpu if nvidia-smi answers)"""


def unknown(name):
    return "no command %r; there are: %s" % (name, ", ".join(COMMANDS))


OWN = ("course", "checkup", "family", "nb", "lab", "app", "book", "book_pages", "film", "films",
       "screens", "install", "long_runs", "pages", "cells", "launch")    # of tools
WRITABLE = "set GAN_LESSONS_VENV to a folder where you may write."
COPY = ("that place may not be written: copy the course into a folder of yours (the environment "
        "can stay where it is: GAN_LESSONS_VENV).")


WHOLE = "copy or clone the course whole."
UNLIKE = "damaged, or of another version than the files beside it"


def remedy(error):
    place = str(error.filename or "")
    if error.errno == errno.ENOENT and place.startswith(str(ROOT) + os.sep):
        return WHOLE
    if error.errno == errno.ENOTDIR:
        return "something above it is a file, no folder: name another place."
    if error.errno == errno.ENOSPC:
        return "free some space and run this again."
    if error.errno in (errno.ELOOP, errno.ENAMETOOLONG) or (
            error.errno in (errno.ENOENT, errno.EISDIR) and place.startswith(str(VENV))):
        return NEW_FOLDER
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return WRITABLE if str(error.filename or VENV).startswith(str(VENV)) else COPY
    return "run `python lessons.py doctor` to see what is wrong."


def main(arguments):
    name, rest = "lab", arguments
    if arguments[:1] in (["--version"], ["-V"]):
        return finish(say_version)
    command = "".join(arguments[:1]).partition("--")
    if command[:2] == ("", "--") and command[2] in set(COMMANDS) - {"help"}:
        return finish(mistyped, arguments[0], command[2])
    for meant in difflib.get_close_matches("".join(arguments[:1]), ["--version", "--help"], 1, .75):
        if arguments[0].startswith("--") and meant != arguments[0]:
            return finish(mistyped, arguments[0], meant)
    if arguments and not arguments[0].startswith("-"):
        name, rest = arguments[0], arguments[1:]
    if name in COMMANDS and ("-h" in rest or "--help" in rest):
        name, rest = "help", ([] if name == "help" or rest is arguments else [name])
    return finish(dispatch, name, rest)


def say_version():
    found = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(
        encoding="utf-8"), re.M)
    if not found:
        raise Stop("pyproject.toml says no version: " + WHOLE)
    say(found.group(1))


def mistyped(given, meant):
    raise Stop("no option %s; did you mean %s?" % (given, meant))


def check_whole():
    """Stop where the copy of the course broke off: a file of set-up is not there, or empty."""
    needed = [ROOT / "pyproject.toml", ROOT / "constraints.txt"]
    for path in needed + [TOOLS / (name + ".py") for name in OWN]:
        if path in needed and not path.is_file():       # a tool is missed where it is asked for
            raise Stop("%s is missing: %s" % (path, WHOLE))
        if path.is_file() and not path.stat().st_size:
            raise Stop("%s is empty: %s" % (path, WHOLE))


def dispatch(name, arguments):
    if name not in COMMANDS:
        raise Stop(unknown(name))
    check_whole()
    if arguments and name in ("doctor", "setup"):
        raise Stop("%s takes no arguments; it was given: %s" % (name, " ".join(arguments)))
    command = COMMANDS[name][0]
    return command(arguments) if command else inside(name, arguments)


def finish(work, *arguments):
    """The exit code of `work`; whatever stops it is told in one line, with the remedy."""
    try:
        return work(*arguments) or 0
    except Stop as stop:
        problem = str(stop)
    except SystemExit as end:           # argparse has printed its help
        return end.code
    except KeyboardInterrupt:
        say("\nStopped; the same command goes on from here.")
        return 130
    except BrokenPipeError:
        return 1
    except OSError as error:
        problem = "%s; %s" % (error, remedy(error))
    except ImportError as error:
        path = TOOLS / ("%s.py" % error.name)
        if error.name not in OWN:
            raise
        problem = "%s is %s: %s" % (path, UNLIKE if path.exists() else "missing", WHOLE)
    except AttributeError as error:     # half of a file of ours, or one of another version
        path = pathlib.Path(getattr(getattr(error, "obj", None), "__file__", None) or "none")
        if path.parent != TOOLS:
            raise
        problem = "%s is %s: %s" % (path, UNLIKE, WHOLE)
    print("lessons.py: " + " ".join(problem.split()), file=sys.stderr)
    return 1


def in_utf8():
    """Begin again in UTF-8 mode where paths would be ASCII (LC_ALL=C), as do all our children."""
    if sys.version_info >= OLDEST and sys.getfilesystemencoding() == "ascii":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable] + sys.argv)


if __name__ == "__main__":
    in_utf8()
    sys.modules["lessons"] = sys.modules["__main__"]      # the tools import it by this name
    sys.exit(main(sys.argv[1:]))
