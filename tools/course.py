"""The commands of `python lessons.py` that need the course's environment.

    .venv/bin/python tools/course.py COMMAND [arguments of the command]

lessons.py runs this file with the environment's Python. Before that it imports it with its own, to
have the arguments read (`parse`): a mistyped lesson is refused at once, and help is given, before a
set-up of minutes. So only the standard library is imported here; a command imports what it needs.
"""
import argparse
import inspect
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import lessons  # noqa: E402
from lessons import PUBLISHED, PYTHON, ROOT, Stop, answers, say  # noqa: E402

BUILD = ROOT / "build"
# To glibc: memory that a process has given back is used again, not fetched anew from the system.
# On ten thousand pictures a third of the time went into fetching.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "1000000000000",
               "MALLOC_TOP_PAD_": "67108864"}


def lab(asked, arguments):
    """Sets up on first use, then opens notebooks/00_start_here.ipynb in JupyterLab. Further options
    go to JupyterLab, for example --port=8899 or --no-browser. Without a display, or over SSH, no
    browser is started; the address is printed with its token. Ctrl-C ends it.
    """
    from lab import serve
    return serve(arguments, asked.port)


def test(asked, arguments):
    """Sets up on first use, then runs every test and every notebook, two files at a time. Further
    arguments go to pytest, for example: tests/machinery/test_game.py -k gradients, or -n 0 for one
    process. Image sets are not downloaded for this; set GAN_LESSONS_OFFLINE=0 to allow it. On Linux
    kernels are forks of one process that has torch loaded; GAN_LESSONS_WARM=0 starts each anew.
    """
    environment = dict(os.environ, GAN_LESSONS_BUDGET="smoke", OMP_NUM_THREADS="1")
    environment.setdefault("GAN_LESSONS_OFFLINE", "1")
    environment.pop("MPLBACKEND", None)       # the notebooks bring their own
    for name, value in KEEP_MEMORY.items():
        environment.setdefault(name, value)
    from family import tied
    workers = str(min(2, os.cpu_count() or 1))        # a third one on two cores is slower
    start = time.time()
    say(f"Running the tests and the notebooks, {workers} at a time ...")
    code = subprocess.call([str(PYTHON), "-m", "pytest", "-n", workers, "--dist=loadfile",
                            "--no-loadscope-reorder",     # conftest.py puts the long files first
                            *arguments], cwd=str(ROOT), env=environment, **tied())
    ended = {0: "All tests passed", 1: "Tests did not pass", 2: "The tests were stopped",
             5: "No test was run: none that is there bears that name"}
    say(f"{ended.get(code, 'The tests could not be run')} after {time.time() - start:.0f} s.")
    return code


def run(asked, arguments):
    """Runs a lesson (01, or 01_minimax) from top to bottom without a browser and writes it as a
    page into build/html. The notebook itself is left alone. GAN_LESSONS_BUDGET=smoke|laptop|full
    says how long its trainings are (default laptop: at most ten minutes).
    """
    import nb
    for path in asked.lessons:
        code = nb.main(["html", str(path), "--out", str(BUILD / "html")])
        if code:
            return code
    return 0


def book(asked, arguments):
    """Makes a book of lessons (all, if none is named) in build/book: stored outputs, search,
    sliders that move between pictures drawn ahead. It needs no kernel and no network; put the
    folder on any web server, or open its index.html. Sphinx is installed when first asked for. What
    is drawn and up to date is left alone, so a build that was stopped goes on. With --no-films
    sliders stay pictures, and the whole book takes a minute.
    """
    from install import need
    need("book", "sphinx", "myst_nb", "sphinx_book_theme")
    import book as maker
    return maker.main(["--out", str(BUILD / "book"), *["--no-films"] * asked.no_films,
                       *map(str, asked.lessons)])


def app(asked, arguments):
    """Shows the explorers of a lesson alone, each with its question, as a page that a browser opens
    from this machine: no code, no notebook, for a lecture or a screen in a corridor. What they need
    is computed first, seconds for most lessons, some minutes where networks are trained. The page
    is served to this machine only, behind a token, until Ctrl-C. Voilà is installed when first
    asked for.
    """
    from install import need
    need("app", "voila")
    from app import serve
    from nb import LessonFailed
    try:
        return serve(asked.lessons[0], asked.port, not asked.no_browser)
    except LessonFailed as problem:
        raise Stop(f"{problem}; `python lessons.py afresh` brings back what was published"
                   ) from None


def slides(asked, arguments):
    """Makes a deck of slides (reveal.js) of a lesson as it is stored: one file in build/slides that
    needs no network. Sliders move between pictures that are drawn ahead, a minute or more for a
    lesson, once; with --no-films they stay pictures. Space goes on, Esc shows all slides,
    ?print-pdf in the address prints.
    """
    import nb
    return nb.main(["slides", *map(str, asked.lessons), *["--no-films"] * asked.no_films,
                    "--out", str(BUILD / "slides")])


def refresh(asked, arguments):
    """Runs lessons (all, if none is named) in a clean kernel and stores their outputs in the
    notebooks. It refuses to touch a notebook with changes that git does not have.
    """
    import nb
    force = ["--force"] if asked.force else []
    return nb.main(["refresh", *force, *map(str, asked.lessons)])


def arena(asked, arguments):
    """Every objective of the course on the same data, five seeds each, scored in one way; rows go
    to build/arena, medians to the screen. It uses all cores and shows its progress; stopped, or
    killed, the same command goes on where it was, and no figure changes. `toys` takes about ten
    minutes on two cores. `mnist` has two tracks, each of about four core-hours: 32 contestants,
    five seeds, 90 CPU-seconds each. So it can be played in parts, over days:

        python lessons.py arena mnist --track own --seed 1
        python lessons.py arena mnist --only hinge "WGAN-GP" --seeds 3
        python lessons.py arena mnist --so-far          the table of what is done

    Several machines, or several graphics cards, are a Dask cluster: one scheduler, one worker for
    each core or card, all with this project and its .venv.

        .venv/bin/dask scheduler --port 8786
        CUDA_VISIBLE_DEVICES=0 .venv/bin/dask worker tcp://ADDRESS:8786 --nworkers 1 --nthreads 1
        CUDA_VISIBLE_DEVICES=1 .venv/bin/dask worker tcp://ADDRESS:8786 --nworkers 1 --nthreads 1
        python lessons.py arena mnist --cluster tcp://ADDRESS:8786

    A worker that dies takes no result with it: its contests are given to the others.
    """
    os.chdir(ROOT)                      # a relative --out is meant from here
    from gan_lessons.map.arena import main
    return main(arguments)


def long(asked, arguments):
    """Trains the long runs of lessons (all, if none is named): ten minutes to an hour of one core
    each, two at a time on two cores, with progress and an estimate. What they make, sheet, film
    strip, curve and weights, is stored in gan_lessons/results/long, and results that stand beside
    a paper's, three seeds each, in gan_lessons/results/headlines. Ctrl-C stops them, the same
    command goes on; a run whose code has changed since it began is refused (--again begins anew).
    """
    from long_runs import main

    from gan_lessons.data.files import usable
    if asked.out:
        usable(asked.out / "row.json", "--out", "row.json")         # before an hour is spent
    return main(asked.runs, asked.jobs or min(2, os.cpu_count() or 1), asked.again, asked.out)


def afresh(asked, arguments):
    """Puts a lesson back to what was published. What you wrote is not lost: your copy goes to
    notebooks/mine, with the time in its name, and runs from there.
    """
    for path in asked.lessons:
        fresh = published(path)
        mine = path.read_bytes() if path.exists() else None
        if mine == fresh:
            say(f"{path.name} is as published; nothing to do.")
            continue
        kept = path.parent / "mine" / (path.stem + time.strftime("_%Y-%m-%d_%H%M%S.ipynb"))
        if kept.parent.exists() and not kept.parent.is_dir():
            raise Stop(f"{kept.parent} is a file, and your copies go to a folder of that name: "
                       "move the file away.")
        if mine is not None:                            # before anything is overwritten
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(mine)
        part = path.with_name(path.name + ".part")
        part.write_bytes(fresh)
        os.replace(part, path)
        yours = f"yours is {kept.relative_to(ROOT).as_posix()}" if mine else "it had been deleted"
        say(f"{path.name} is as published again; {yours}. Open pages must be reloaded.")


def published(path):
    """The lesson as git has it; where there is no git, as it was when the course was set up."""
    text = answers("git", "-C", str(ROOT), "show", f"HEAD:./{path.parent.name}/{path.name}")
    kept = PUBLISHED / path.name
    if not text and not kept.exists():
        raise Stop(f"{path.name} as published is not at hand: this folder is no git checkout, and "
                   "set-up kept no copy; download the course again into another folder.")
    return text or kept.read_bytes()


def wheels(asked, arguments):
    """Collects every package that set-up installs, for this kind of machine and this Python, in a
    folder of about 0.5 GB. Carry it to a room without network, and set up there with

        PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER python lessons.py

    (on Windows: set PIP_NO_INDEX=1, then set PIP_FIND_LINKS=FOLDER, then python lessons.py).
    """
    import install
    install.wheels(*asked.folder)


# ------------------------------------------------------------------------------- reading a command

COMMANDS = {command.__name__: command for command in (lab, test, run, book, app, slides, refresh,
                                                      arena, long, afresh, wheels)}


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake is one line without the usage, as all refusals of lessons.py are."""

    def error(self, message):
        raise Stop(f"{message}; for help: {self.prog} --help")


def parse(name, arguments):
    """The arguments of a command, read; Stop says what is wrong with them, SystemExit ends help."""
    parser = Parser(prog=f"python lessons.py {name}", description=inspect.getdoc(COMMANDS[name]),
                    formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
                    usage=f"python lessons.py {name} {lessons.COMMANDS[name][1]}")
    if name in ("run", "book", "app", "slides", "refresh", "afresh"):
        # `*` where one is needed, too: our own refusal says which lessons there are
        find = find_lesson if name != "afresh" else lambda text: find_lesson(text, once_there)
        parser.add_argument("lessons", nargs="*", type=find, metavar="NN",
                            help="a lesson's number or name, as 01 or 01_minimax")
    if name == "refresh":
        parser.add_argument("--force", action="store_true", help="even with unsaved changes")
    elif name in ("book", "slides"):
        parser.add_argument("--no-films", action="store_true", help="sliders stay pictures")
    elif name == "app":
        parser.add_argument("--port", type=free_port, metavar="PORT",
                            help="where the page is served (default: 8866, or the next free one)")
        parser.add_argument("--no-browser", action="store_true", help="only print the address")
    elif name == "wheels":
        parser.add_argument("folder", nargs="*", type=folder, metavar="FOLDER")
    elif name == "arena":
        arena_options(parser)
    elif name == "long":
        parser.add_argument("runs", nargs="*", type=known_run, metavar="NN",
                            help="a lesson's number, or the name of one run, as \"07 WGAN-GP\"")
        parser.add_argument("--jobs", type=count, metavar="N", help="runs at a time (default 2)")
        parser.add_argument("--again", action="store_true", help="forget what is unfinished")
        parser.add_argument("--out", type=folder, metavar="FOLDER",
                            help="default: gan_lessons/results")
    elif name == "lab":
        parser.usage = "python lessons.py [lab] [JupyterLab options]"
        parser.add_argument("--port", "--ServerApp.port", type=free_port, metavar="PORT",
                            help="where the server listens (default: 8888, or the next free one)")
    if name in ("lab", "test"):         # what is not ours goes to JupyterLab or pytest as it is
        asked, rest = parser.parse_known_args(arguments)
        if name == "lab" and rest and not rest[0].startswith("-"):
            refuse_lesson(rest[0])
    else:
        asked = parser.parse_args(arguments)
    if name in ("run", "app", "slides", "afresh") and not asked.lessons:
        raise Stop(f"{name} needs the number of a lesson; {known_lessons()}")
    if name == "app" and len(asked.lessons) > 1:
        raise Stop("app shows one lesson at a time; start another in a second terminal")
    if name == "wheels" and (len(asked.folder) != 1 or "" in arguments):
        raise Stop("wheels needs the folder to put them in, as: python lessons.py wheels D:/wheels")
    return asked


def arena_options(parser):
    """Those of map/arena.py, which cannot be imported before set-up; a test compares both."""
    parser.usage = None                 # argparse lists them all
    parser.add_argument("where", choices=["toys", "mnist"])
    parser.add_argument("--only", "--contestants", action="extend", nargs="+", metavar="NAME",
                        help="one contestant or more")
    parser.add_argument("--seeds", type=count, metavar="N", help="seeds 1 to N (default 5)")
    parser.add_argument("--seed", type=from_0, metavar="SEED", help="this seed alone")
    parser.add_argument("--track", choices=["own", "common"],
                        help="digits: each with its own settings, or all with common ones")
    parser.add_argument("--data", help="one of the toys, as ring")
    parser.add_argument("--steps", type=count,
                        help="generator updates (default: its own, by GAN_LESSONS_BUDGET)")
    parser.add_argument("--processes", type=count, metavar="N",
                        help="processes on this machine (default: its cores)")
    parser.add_argument("--cluster", metavar="ADDRESS",
                        help="a Dask scheduler, as tcp://10.0.0.1:8786")
    parser.add_argument("--fresh", action="store_true",
                        help="forget what an earlier run left in the file")
    parser.add_argument("--again", action="store_true",
                        help="compute anew what other code, data or versions left in the file")
    parser.add_argument("--so-far", action="store_true",
                        help="play nothing: the table of what is done, also of a run under way")
    parser.add_argument("--out", metavar="FILE", help="default: build/arena/arena_WHERE.csv")
    parser.add_argument("--keep", metavar="FOLDER",
                        help="for a sheet of pictures of each contestant")


def known_lessons():
    return "there are: " + (", ".join(path.stem for path in lessons.lessons()) or "none yet")


def find_lesson(name, more=list):
    wanted = re.sub(r"\.ipynb$", "", pathlib.PurePath(name).name)       # 1.5 is no lesson 1
    if wanted.isdigit():
        wanted = wanted.zfill(2)
    for places in (lessons.lessons, more):              # git is asked for those that are gone
        for path in places():
            if wanted in (path.stem, path.stem[:2]):
                return path
    raise Stop(f"no lesson {name!r}; {known_lessons()}")


def refuse_lesson(word):
    """Stop for a lesson where JupyterLab would look for a file of that name; nothing for a file."""
    if not pathlib.Path(word).exists():
        raise Stop(f"lab opens the whole course, and takes no {word!r}: run it without, and choose "
                   "the lesson in the list on the left")


def once_there():
    """Lessons that were published, be they deleted here: `afresh` brings them back."""
    names = answers("git", "-C", str(ROOT), "ls-files", "notebooks/[0-9][0-9]_*.ipynb")
    kept = PUBLISHED.glob("[0-9][0-9]_*.ipynb")
    return [ROOT / "notebooks" / pathlib.PurePath(name).name
            for name in [*names.decode().splitlines(), *kept]]


def known_run(text):
    """A lesson's number or a run's name; that a lesson has one is seen where the runs are known."""
    if any(path.stem[:2] == text[:2] for path in lessons.lessons()):
        return text
    raise argparse.ArgumentTypeError(f"{text[:40]!r} begins with no lesson's number, as 07 does")


def folder(text):
    if re.match("[a-zA-Z][a-zA-Z0-9+.-]+://", text):
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is an address, and a folder of this "
                                         "machine is asked for")
    return pathlib.Path(text)


def count(text):
    """A whole number from 1."""
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no whole number from 1")
    return int(text)


def from_0(text):
    """A whole number from 0."""
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no whole number from 0")
    return int(text)


def free_port(text):
    from lab import forbidden, taken
    port = int(text) if text.isdecimal() and len(text) < 6 else -1
    if not 0 <= port < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no number from 0 to 65535")
    if 0 < port < 1024 and forbidden(port):
        raise Stop(f"port {port} is the system's; choose one from 1024, with --port=")
    if taken(port):
        raise Stop(f"port {port} is taken; choose another with --port=, or leave --port out and a "
                   "free one is found.")
    return port


def main(name, arguments):
    # Set-up leaves it to the first use to compile a package. Where this variable forbids to keep
    # the result, every process, kernel and test would compile torch again, for seconds.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return COMMANDS[name](parse(name, arguments), arguments)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)     # as Ctrl-C: no worker stays
    sys.exit(lessons.finish(main, sys.argv[1], sys.argv[2:]))
