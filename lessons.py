#!/usr/bin/env python3
"""GAN Lessons: one command on a fresh machine (Linux, macOS, Windows).

    python lessons.py [JupyterLab options]     set up on first use, then open the course
    python lessons.py test [pytest options]    set up, then run every test and every notebook
    python lessons.py run NN ...               run a lesson headless; its page goes to build/html
    python lessons.py site [NN ...]            the course as pages without kernel or network, in build/site
    python lessons.py slides NN ...            a lesson as a deck of slides, into build/slides
    python lessons.py refresh [NN ...]         run lessons and store their outputs
    python lessons.py arena toys|mnist|cifar10 every objective on the same data, scored in one table
    python lessons.py afresh NN ...            start a lesson afresh; your copy is kept beside it
    python lessons.py wheels FOLDER            collect all packages, to set up where there is no network
    python lessons.py doctor                   what is here, what is missing, what to do about it
    python lessons.py setup                    set up only
    python lessons.py help [COMMAND]           this text, or more about one command

Environment:
    GAN_LESSONS_VENV    folder of the virtual environment (default: .venv beside this file)
    GAN_LESSONS_TORCH   cpu, gpu, or pypi: what pip prefers (default: gpu if nvidia-smi answers)
"""
# Standard library only. This file stays readable for Python 3.6, which is told what it lacks.
import ast
import errno
import glob
import hashlib
import importlib.util
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent
DEFAULT_VENV = ROOT / ".venv"
VENV = pathlib.Path(os.path.abspath(os.environ.get("GAN_LESSONS_VENV") or DEFAULT_VENV))
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "gan-lessons.json"      # what was installed; {"state": "installing"} while at it
LOG = VENV / "install.log"
PUBLISHED = ROOT / ".published"       # the lessons as downloaded, where there is no git
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
OLDEST = (3, 11)
GB = 1e9
ROOM = {"cpu": 2.5 * GB, "gpu": 10 * GB, "pypi": 10 * GB}     # measured: 1.6 GB; CUDA about 8


class Stop(Exception):
    """The command cannot go on. The message is one line: what is wrong, and the remedy."""


def say(text):
    print(text, flush=True)


# ------------------------------------------------------------------------------------- set-up

def setup():
    """Make the virtual environment, or repair it; return at once when it is up to date."""
    check_python()
    wish = os.environ.get("GAN_LESSONS_TORCH", "")
    if wish not in ("", "cpu", "gpu", "pypi"):
        raise Stop("GAN_LESSONS_TORCH is %r: set it to cpu, gpu or pypi, or leave it out." % wish)
    stamp = read_stamp()
    if PYTHON.exists() and stamp.get("state") == fingerprint() and wish in ("", stamp["torch"]):
        return
    start = time.time()
    wish = wish or ("gpu" if b"GPU" in answers("nvidia-smi", "-L") else "cpu")
    update = stamp.get("torch") == wish and stamp["state"] != "installing"
    check_room(0.5 * GB if update else ROOM[wish])
    say(("Updating %s" if update else "Setting up GAN Lessons in %s (once; a few minutes)") % VENV)
    keep_published()
    make_venv()
    write_stamp("installing", wish)
    install(wish)
    quieten_lab()
    write_stamp(fingerprint(), wish)
    say("Set up in %.0f s." % (time.time() - start))


def check_python():
    if sys.version_info[:2] >= OLDEST:
        if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
            return
        raise Stop(NO_VENV)
    newer = [n for n in ("python3.13", "python3.12", "python3.11") if answers(n, "--version")]
    remedy = "run: %s lessons.py" % newer[0] if newer else "get one from https://www.python.org"
    raise Stop("Python 3.11 or newer is needed and this is %s; %s"
               % (platform.python_version(), remedy))


NO_VENV = ("this Python cannot make virtual environments; on Debian or Ubuntu run: "
           "apt install python3-venv   (elsewhere install Python from https://www.python.org)")


def fingerprint():
    """Changes when the requirements or the project's folder change."""
    parts = [str(ROOT).encode("utf-8", "surrogateescape")]
    parts += [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def read_stamp():
    try:
        return dict(json.loads(STAMP.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def write_stamp(state, wish):
    STAMP.write_text(json.dumps({"state": state, "torch": wish}), encoding="utf-8")


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
        said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return b"" if said.returncode else said.stdout + said.stderr


def make_venv():
    """Keep an environment that works; replace one half made or of another Python, nothing else."""
    if read_stamp().get("state") != "installing" and venv_works():
        return
    if VENV.exists() and any(VENV.iterdir()):
        if VENV != DEFAULT_VENV and not (VENV / "pyvenv.cfg").exists():
            raise Stop("%s holds something that is not a virtual environment; set "
                       "GAN_LESSONS_VENV to a new or empty folder." % VENV)
        say("  the environment there is broken or of another Python: making it anew")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if made.returncode:
        raise Stop(NO_VENV if "ensurepip" in made.stdout else diagnose(made.stdout))


def venv_works():
    probe = "import pip, sys; print('%d.%d' % sys.version_info[:2])"
    return answers(str(PYTHON), "-c", probe).split() == [b"%d.%d" % sys.version_info[:2]]


def requirements():
    import tomllib
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def install(wish):
    LOG.write_text("", encoding="utf-8")
    try:       # an old pip neither resumes a broken download nor resolves as fast
        pip("-q", "pip>=25.2")
    except Stop as stop:
        if "No matching distribution" not in str(stop):
            raise
    first, extra, what = torch_plan(wish)
    say("  PyTorch: " + what)
    if first:
        try:
            pip("--no-deps", *first)
        except Stop as stop:
            if "disk" in str(stop) or "too new" in str(stop):
                raise
            raise Stop("the CPU build of PyTorch could not be had from %s (%s); check the "
                       "connection, put its wheel into a pip find-links folder, or set "
                       "GAN_LESSONS_TORCH=pypi for PyPI's build (several GB with CUDA)."
                       % (CPU_INDEX, str(stop).split(";")[0]))
    pip("-e", str(ROOT), "-c", str(ROOT / "constraints.txt"), *extra,
        *requirements()["dependency-groups"]["test"])


def quieten_lab():
    """A learner is not asked about Jupyter's news; a setting of their own goes before this one."""
    settings = VENV / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    news = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "overrides.json").write_text(
        json.dumps({"@jupyterlab/apputils-extension:notification": news}), encoding="utf-8")


def pip(*arguments):
    """`pip install` into the environment."""
    run_pip("install", "--no-compile",       # half the time; Python compiles what is first used
            "--no-warn-script-location", *arguments)


def run_pip(verb, *arguments):
    """pip, logged, its long steps shown, a failure in one line."""
    command = [str(PYTHON), "-m", "pip", verb, "--no-input", "--disable-pip-version-check",
               "--progress-bar=off", "--only-binary=:all:", *arguments]
    environment = dict(os.environ, PIP_USER="0", PYTHONUTF8="1")
    lines = []
    with open(str(LOG), "a", encoding="utf-8") as log:
        log.write("\n$ %s\n" % " ".join(command))
        process = subprocess.Popen(command, cwd=str(ROOT), env=environment, text=True,
                                   encoding="utf-8", errors="replace",
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        with process:
            for line in process.stdout:
                log.write(line)
                lines.append(line)
                show_progress(line)
    if process.returncode:
        raise Stop(diagnose("".join(lines)))


def show_progress(line):
    big = re.match(r"\s*Downloading (?:\S*/)?(\S+?)-\d\S* \((\d{2,}\.?\d* MB|.* GB)\)", line)
    if big:
        say("  downloading %s, %s" % big.groups())
    elif line.startswith("Installing collected packages:"):
        say("  installing %d packages" % (line.count(",") + 1))


FULL = r"No space left on device|Errno 28\b|WinError 112|not enough space|Disk quota exceeded"
OFFLINE = (r"Failed to establish a new connection|NameResolutionError|Name or service not known|"
           r"Temporary failure in name resolution|getaddrinfo failed|Network is unreachable|"
           r"ConnectTimeout|Read timed out|Connection refused|ProxyError|RemoteDisconnected|"
           r"Connection reset|IncompleteRead")


def diagnose(output):
    """One line for a failed pip or venv: the cause, the remedy."""
    if re.search(FULL, output, re.I):
        return ("the disk is full; free some space, set GAN_LESSONS_VENV to a folder on another "
                "disk, or TMPDIR if %s is the full one." % tempfile.gettempdir())
    if "CERTIFICATE_VERIFY_FAILED" in output:
        return ("the network's certificate is not trusted; set PIP_CERT to your organisation's "
                "certificate file and run this again.")
    if re.search(OFFLINE, output):
        return ("no network: pip cannot reach its package index; check the connection (behind a "
                "proxy set HTTPS_PROXY) and run this again. Details: %s" % LOG)
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(ERROR|error|\w*Error)\b", line)]
    last = (errors or lines or ["it said nothing"])[-1]
    remedy = "run this again, or read %s" % LOG
    if sys.version_info[:2] > (3, 13) and "No matching distribution" in last:
        remedy = "this Python may be too new: 3.11 to 3.13 are tested"
    return "pip failed: %s; %s" % (re.sub(r"^(ERROR|error): ", "", last)[:300].rstrip("."), remedy)


# -------------------------------------------------------------------------------------- torch

def torch_plan(wish):
    """(arguments of a first pip call or None, further requirements, a sentence for the reader).

    On Linux a plain `torch` from PyPI brings several GB of CUDA. So the CPU build is asked for by
    its full version, which PyPI does not have: where there is none, pip fails and takes nothing.
    """
    pin = re.search(r"^torch==(\S+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.M)
    version = pin.group(1)
    if wish == "pypi":
        return None, [], "the build that pip prefers"
    asked = os.environ.get("GAN_LESSONS_TORCH")
    wheels = sorted(local_wheels(version), key=needs_cuda, reverse=wish == "gpu")
    if wish == "cpu" or asked == "gpu":
        wheels = [w for w in wheels if needs_cuda(w) == (wish == "gpu")]
    if wheels:
        what = "%s from %s" % (wheels[0].name, wheels[0].parent)
        if wish == "gpu" and not needs_cuda(wheels[0]):
            what += " (a CPU build; GAN_LESSONS_TORCH=gpu fetches the one for your GPU)"
        return None, [str(wheels[0])], what
    if sys.platform.startswith("linux"):
        cpu = "torch==%s+cpu" % version
        if wish == "cpu":
            return ["--index-url", CPU_INDEX, cpu], [], "CPU build (about 200 MB)"
        return None, [cpu.replace("==", "!=")], "CUDA build, as a GPU answers (several GB)"
    hint = "; for CUDA on Windows see https://pytorch.org/get-started" if wish == "gpu" else ""
    return None, [], "the build for this system" + hint


def local_wheels(version):
    """Torch wheels for this Python and machine in the folders that pip's find-links names."""
    listed = os.fsdecode(answers(str(PYTHON), "-m", "pip", "config", "list"))
    for value in re.findall(r"^\S+\.find-links=(.*)$", listed, re.M):
        for place in ast.literal_eval(value).split():
            if place.startswith("file:"):
                place = urllib.request.url2pathname(urllib.parse.urlparse(place).path)
            folder = os.path.expanduser(place)
            for path in glob.glob(os.path.join(glob.escape(folder), "torch-*.whl")):
                wheel = pathlib.Path(os.path.abspath(path))
                if wheel_fits(wheel.name, version):
                    yield wheel


def wheel_fits(name, version):
    parts = urllib.parse.unquote(name)[:-len(".whl")].split("-")
    system = {"darwin": "macosx", "win32": "win"}.get(sys.platform, "linux")
    machine = platform.machine().lower()
    return (len(parts) >= 5 and parts[1].split("+")[0] == version
            and parts[-3] == "cp%d%d" % sys.version_info[:2] and not parts[-2].endswith("t")
            and system in parts[-1] and parts[-1].lower().endswith((machine, "universal2")))


def needs_cuda(wheel):
    try:
        with zipfile.ZipFile(str(wheel)) as archive:
            name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            needs = re.search(rb"^Requires-Dist: (nvidia|cuda)", archive.read(name), re.M)
            return needs is not None
    except (OSError, StopIteration, zipfile.BadZipFile):
        raise Stop("%s cannot be read; remove it from pip's find-links folder, or replace it."
                   % wheel)


# ----------------------------------------------------------------------------------- commands

def lab(arguments):
    """python lessons.py [lab] [JupyterLab options]

    Sets up on first use, then opens notebooks/00_start_here.ipynb in JupyterLab. Further options
    go to JupyterLab, for example --port=8899 or --no-browser. Without a display, or over SSH, no
    browser is started; the address is printed with its token. Ctrl-C ends it.
    """
    port = option(arguments, "port")
    if port and port.isdigit() and taken(int(port)):
        raise Stop("port %s is taken; choose another with --port=, or leave --port out and "
                   "a free one is found." % port)
    setup()
    command = [str(PYTHON), "-m", "jupyterlab", "--ServerApp.root_dir=%s" % ROOT,
               "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb",
               "--Application.log_level=WARN", "--ServerApp.answer_yes=True",     # for Ctrl-C
               "--ServerApp.kernel_websocket_connection_class=gan_lessons.drawing.server.PromptConnection"]
    if port:
        command.append("--ServerApp.port_retries=0")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    if not has_display() and "--no-browser" not in arguments:
        command.append("--no-browser")
    command += arguments
    say("Starting JupyterLab ...")
    with tempfile.TemporaryDirectory(prefix="gan-lessons-") as runtime:
        server = subprocess.Popen(command, cwd=str(ROOT),
                                  env=dict(os.environ, JUPYTER_RUNTIME_DIR=runtime))
        signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        try:
            announce(server, runtime, opened="--no-browser" not in command)
            return server.wait()
        except KeyboardInterrupt:
            try:
                server.wait(20)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                server.terminate()
                server.wait()
            say("JupyterLab has stopped.")
            return 0


def announce(server, runtime, opened):
    """Wait until the server has written down its address; print it with the token."""
    while server.poll() is None:
        for path in glob.glob(os.path.join(runtime, "jpserver-*.json")):
            try:
                with open(path, encoding="utf-8") as file:
                    info = json.load(file)
            except ValueError:
                continue                # still being written
            url = info["url"] + "lab/tree/notebooks/00_start_here.ipynb"
            url += "?token=" + info["token"] if info.get("token") else ""
            say("\n  %s\n\n      %s\n" % ("The course opens in your browser, at" if opened
                                         else "Open this address in a browser:", url))
            if os.environ.get("SSH_CONNECTION"):
                say("  From another machine, first:  ssh -N -L %s:localhost:%s %s\n"
                    % (info["port"], info["port"], socket.gethostname()))
            elif os.path.exists("/.dockerenv") and "localhost" in info["url"]:
                say("  In a container: publish port %s and add --ip=0.0.0.0 to reach it from "
                    "outside.\n" % info["port"])
            say("  Ctrl-C here ends it.")
            return
        time.sleep(0.1)


def option(arguments, name):
    """The value of --name=value, --name value or --ServerApp.name=value; None if not given."""
    for i, argument in enumerate(arguments):
        key, _, value = argument.partition("=")
        if key in ("--" + name, "--ServerApp." + name):
            return value or "".join(arguments[i + 1:i + 2])
    return None


def taken(port):
    with socket.socket() as probe:
        if os.name != "nt":       # on Windows this option would share the port instead
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno in (errno.EADDRINUSE, 10013, 10048)
    return False


def has_display():
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY") or os.environ.get("CI"):
        return False
    return (os.name == "nt" or sys.platform == "darwin"
            or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))


def test(arguments):
    """python lessons.py test [pytest options]

    Sets up on first use, then runs every test and every notebook, two files at a time. Further
    arguments go to pytest, for example: tests/machinery/test_game.py -k gradients, or -n 0 for one process.
    Image sets are not downloaded for this; set GAN_LESSONS_OFFLINE=0 to allow it.
    """
    setup()
    environment = dict(os.environ, GAN_LESSONS_BUDGET="smoke", OMP_NUM_THREADS="1")
    environment.setdefault("GAN_LESSONS_OFFLINE", "1")
    environment.pop("MPLBACKEND", None)       # the notebooks bring their own
    workers = str(min(2, os.cpu_count() or 1))
    start = time.time()
    say("Running the tests and the notebooks, %s at a time ..." % workers)
    code = subprocess.call([str(PYTHON), "-m", "pytest", "-n", workers, "--dist=loadfile",
                            "--no-loadscope-reorder"]       # the browser's long file first, not last
                           + arguments, cwd=str(ROOT), env=environment)
    say("%s after %.0f s." % ("All tests passed" if code == 0 else "Tests did not pass",
                              time.time() - start))
    return code


def run(arguments):
    """python lessons.py run NN ...

    Runs a lesson (01, or 01_minimax) from top to bottom without a browser and writes it as a page
    into build/html. The notebook itself is left alone. GAN_LESSONS_BUDGET=smoke|laptop|full says
    how long its trainings are (default laptop: at most ten minutes).
    """
    if not arguments:
        raise Stop("run needs the number of a lesson; " + known_lessons())
    paths = [find_lesson(name) for name in arguments]
    setup()
    for path in paths:
        code = notebooks_tool("html", path, "--out", ROOT / "build" / "html")
        if code:
            return code
    return 0


def site(arguments):
    """python lessons.py site [NN ...]

    Makes static pages of lessons (all, if none is named) in build/site: stored outputs, mathematics set
    ahead, sliders that move between pictures drawn ahead. They need no kernel and no network; put the
    folder on any web server, or open its index.html. A minute or more for each lesson; pages that are
    up to date are left alone, so a build that was stopped goes on.
    """
    paths = [find_lesson(name) for name in arguments]
    setup()
    return subprocess.call([str(PYTHON), str(ROOT / "tools" / "static_site.py"), "--out",
                            str(ROOT / "build" / "site")] + [str(path) for path in paths], cwd=str(ROOT))


def slides(arguments):
    """python lessons.py slides NN ...

    Makes a deck of slides (reveal.js) of a lesson as it is stored: one file in build/slides that needs
    no network. Space goes on, Esc shows all slides, ?print-pdf in the address prints.
    """
    if not arguments:
        raise Stop("slides needs the number of a lesson; " + known_lessons())
    paths = [find_lesson(name) for name in arguments]
    setup()
    return notebooks_tool("slides", *paths, "--out", ROOT / "build" / "slides")


def refresh(arguments):
    """python lessons.py refresh [NN ...]

    Runs lessons (all, if none is named) in a clean kernel and stores their outputs in the
    notebooks. It refuses to touch a notebook with changes that git does not have.
    """
    paths = [find_lesson(name) for name in arguments]
    setup()
    return notebooks_tool("refresh", *paths)


def arena(arguments):
    """python lessons.py arena toys|mnist|cifar10 [--only NAME] [--seeds N] [--processes N]
                               [--cluster ADDRESS] [--fresh] [--out FILE]

    Every objective of the course on the same data, with the same networks and as many generator
    updates, in several seeds; rows go to build/arena, medians to the screen. It uses all cores and
    shows its progress; stopped, or killed, the same command goes on where it was. On two cores each
    of the three takes about ten minutes with 3 seeds; --seeds 5 later adds the two that are missing.
    GAN_LESSONS_BUDGET=full trains twenty times as long, which is meant for graphics cards.

    Several machines, or several graphics cards, are a Dask cluster: one scheduler, one worker for
    each core or card, all with this project and its .venv.

        .venv/bin/dask scheduler --port 8786
        CUDA_VISIBLE_DEVICES=0 .venv/bin/dask worker tcp://ADDRESS:8786 --nworkers 1 --nthreads 1
        CUDA_VISIBLE_DEVICES=1 .venv/bin/dask worker tcp://ADDRESS:8786 --nworkers 1 --nthreads 1
        python lessons.py arena mnist --cluster tcp://ADDRESS:8786

    A worker that dies takes no result with it: its contests are given to the others.
    """
    setup()
    return subprocess.call([str(PYTHON), "-m", "gan_lessons.map.arena"] + arguments, cwd=str(ROOT))


def afresh(arguments):
    """python lessons.py afresh NN ...

    Puts a lesson back to what was published. What you wrote is not lost: your copy goes to
    notebooks/mine, with the time in its name, and runs from there.
    """
    if not arguments:
        raise Stop("afresh needs the number of a lesson; " + known_lessons())
    for path in [find_lesson(name) for name in arguments]:
        fresh, mine = published(path), path.read_bytes()
        if mine == fresh:
            say("%s is as published; nothing to do." % path.name)
            continue
        kept = path.parent / "mine" / (path.stem + time.strftime("_%Y-%m-%d_%H%M%S.ipynb"))
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(mine)                          # before anything is overwritten
        part = path.with_name(path.name + ".part")
        part.write_bytes(fresh)
        os.replace(str(part), str(path))
        say("%s is as published again; yours is %s. Open pages must be reloaded."
            % (path.name, kept.relative_to(ROOT).as_posix()))


def published(path):
    """The lesson as git has it; where there is no git, as it was when the course was set up."""
    text = answers("git", "-C", str(ROOT), "show", "HEAD:./%s/%s" % (path.parent.name, path.name))
    kept = PUBLISHED / path.name
    if not text and not kept.exists():
        raise Stop("%s as published is not at hand: this folder is no git checkout, and set-up kept "
                   "no copy; download the course again into another folder." % path.name)
    return text or kept.read_bytes()


def keep_published():
    """A folder that was downloaded without git: copies of the lessons, for `afresh`."""
    if PUBLISHED.exists() or answers("git", "-C", str(ROOT), "rev-parse", "HEAD"):
        return
    part = PUBLISHED.with_name(PUBLISHED.name + ".part")
    shutil.rmtree(str(part), ignore_errors=True)
    part.mkdir()
    for path in lessons():
        shutil.copy(str(path), str(part / path.name))
    os.replace(str(part), str(PUBLISHED))


def wheels(arguments):
    """python lessons.py wheels FOLDER

    Collects every package that set-up installs, for this kind of machine and this Python, in a
    folder of about 0.5 GB. Carry it to a room without network, and set up there with

        PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER python lessons.py

    (on Windows: set PIP_NO_INDEX=1, then set PIP_FIND_LINKS=FOLDER, then python lessons.py).
    """
    if len(arguments) != 1:
        raise Stop("wheels needs the folder to put them in, as: python lessons.py wheels D:/wheels")
    folder = pathlib.Path(arguments[0]).expanduser().absolute()
    setup()
    folder.mkdir(parents=True, exist_ok=True)
    check_room(ROOM[read_stamp()["torch"]] / 4, folder)
    first, extra, what = torch_plan(read_stamp()["torch"])
    into = ["-d", str(folder), "-f", str(folder)]
    say("  PyTorch: " + what)
    if first:
        run_pip("download", "--no-deps", *into, *first)
    known = requirements()
    run_pip("download", *into, "-c", str(ROOT / "constraints.txt"), *extra, "pip>=25.2",
            *known["build-system"]["requires"], *known["project"]["dependencies"],
            *known["dependency-groups"]["test"])
    say("%d packages in %s. In a room without network:\n\n"
        "    PIP_NO_INDEX=1 PIP_FIND_LINKS=%s python lessons.py\n"
        % (len(list(folder.glob("*.whl"))), folder, folder))


def notebooks_tool(*arguments):
    return subprocess.call([str(PYTHON), str(ROOT / "tools" / "nb.py")]
                           + [str(a) for a in arguments], cwd=str(ROOT))


def lessons():
    return sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def known_lessons():
    return "there are: " + (", ".join(path.stem for path in lessons()) or "none yet")


def find_lesson(name):
    wanted = pathlib.PurePath(name).stem
    if wanted.isdigit():
        wanted = wanted.zfill(2)
    for path in lessons():
        if wanted in (path.stem, path.stem[:2]):
            return path
    raise Stop("no lesson %r; %s" % (name, known_lessons()))


def doctor(arguments):
    """python lessons.py doctor

    Prints versions, device, data sets found, free disk and the browser for the tests, and for each
    problem what to do about it. Works before set-up too. Exit code 1 when something is broken.
    """
    broken = False

    def line(state, topic, text):
        say("%-5s %-9s %s" % (state, topic, text))
        return state == "FAIL"

    try:
        check_python()
        broken |= line("ok", "Python", "%s, %s, %s %s" % (
            platform.python_version(), sys.executable, platform.system(), platform.machine()))
    except Stop as stop:
        broken |= line("FAIL", "Python", str(stop))
    stamp = read_stamp()
    ready = PYTHON.exists() and stamp.get("state") == fingerprint()
    try:
        check_room(0.5 * GB if ready else ROOM["cpu"])
        place = VENV if VENV.exists() else ROOT
        broken |= line("ok", "disk", "%.1f GB free" % (shutil.disk_usage(str(place)).free / GB))
    except Stop as stop:
        broken |= line("FAIL", "disk", str(stop))
    if ready:
        line("ok", "set-up", str(VENV))
    else:
        state = ("not made yet" if not VENV.exists() else "incomplete"
                 if stamp.get("state") == "installing" or not venv_works() else "out of date")
        broken |= line("FAIL", "set-up", "%s: %s; run: python lessons.py setup" % (VENV, state))
    if venv_works():
        broken |= bool(subprocess.call([str(PYTHON), str(ROOT / "tools" / "doctor.py")],
                                       cwd=str(ROOT)))
    return int(broken)


def help_(arguments):
    if arguments and arguments[0] not in COMMANDS:
        raise Stop(unknown(arguments[0]))
    text = COMMANDS[arguments[0]].__doc__ if arguments else __doc__
    say(re.sub(r"^    ", "", text, flags=re.M).strip() if arguments else text.strip())


def setup_(arguments):
    """python lessons.py setup

    Makes or repairs the virtual environment with all that the course needs, and opens nothing.
    Does nothing when all is up to date.
    """
    fresh = read_stamp().get("state")
    setup()
    if fresh == read_stamp().get("state"):
        say("Already set up: %s" % VENV)


COMMANDS = {"lab": lab, "test": test, "run": run, "site": site, "slides": slides, "refresh": refresh, "arena": arena,
            "afresh": afresh, "wheels": wheels, "doctor": doctor, "setup": setup_, "help": help_}


WRITABLE = "set GAN_LESSONS_VENV to a folder where you may write."
OS_REMEDY = {errno.ENOSPC: "free some space and run this again.",
             errno.EACCES: WRITABLE, errno.EPERM: WRITABLE, errno.EROFS: WRITABLE}


def unknown(name):
    return "no command %r; there are: %s" % (name, ", ".join(COMMANDS))


def main(arguments):
    name, rest = "lab", arguments
    if arguments and not arguments[0].startswith("-"):
        name, rest = arguments[0], arguments[1:]
    try:
        if name not in COMMANDS:
            raise Stop(unknown(name))
        if "-h" in rest or "--help" in rest:
            name, rest = "help", ([] if name == "help" or rest is arguments else [name])
        if rest and name in ("doctor", "setup"):
            raise Stop("%s takes no arguments; it was given: %s" % (name, " ".join(rest)))
        return COMMANDS[name](rest) or 0
    except Stop as stop:
        problem = str(stop)
    except KeyboardInterrupt:
        say("\nStopped; the same command goes on from here.")
        return 130
    except BrokenPipeError:
        return 1
    except OSError as error:
        problem = str(error) + "; " + OS_REMEDY.get(
            error.errno, "run `python lessons.py doctor` to see what is wrong.")
    print("lessons.py: " + " ".join(problem.split()), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
