"""Fills the environment that lessons.py has made, and collects the same packages in a folder.

    .venv/bin/python tools/install.py cpu|gpu|pypi     (lessons.py holds its standard input)

lessons.py runs this with the environment's Python, before any package is there: the standard
library and pip are all it has.
"""
import ast
import glob
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
import urllib.parse
import urllib.request
import zipfile

sys.path[:0] = map(str, pathlib.Path(__file__).resolve().parents[:2])

from family import follow_parent, tied  # noqa: E402

from lessons import (  # noqa: E402
    LOG,
    PUBLISHED,
    PYTHON,
    ROOM,
    ROOT,
    VENV,
    WHOLE,
    Stop,
    answers,
    check_room,
    finish,
    lessons,
    read_stamp,
    say,
)

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
NEW_PIP = "pip>=25.2"       # an older one neither resumes a broken download nor resolves as fast
CONSTRAINTS = ROOT / "constraints.txt"
running = []                # pip, while it runs


def requirements():
    """What pyproject.toml says; Stop where it is damaged."""
    try:
        known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        known["project"]["dependencies"], known["dependency-groups"]["book"]
    except (ValueError, KeyError) as error:
        raise Stop(f"{ROOT / 'pyproject.toml'} is damaged ({error}): {WHOLE}") from None
    return known


def wanted():
    """What the course needs besides torch's build: the package's own needs and both groups."""
    known = requirements()
    groups = known["dependency-groups"]
    return [*known["project"]["dependencies"], *groups["course"], *groups["test"]]


def need(group, *modules):
    """Install a group of pyproject.toml that one command alone needs, where a module is missing.

    Stop, with the remedy, where it cannot be had.
    """
    if all(importlib.util.find_spec(name) for name in modules):
        return
    say(f"What `{group}` needs is installed, once ...")
    LOG.write_text("", encoding="utf-8")
    pip("-c", str(CONSTRAINTS), *requirements()["dependency-groups"][group])
    importlib.invalidate_caches()


def install(wish):
    """All packages, with the build of PyTorch that `wish` (cpu, gpu, pypi) asks for."""
    LOG.write_text("", encoding="utf-8")
    keep_published()
    try:
        pip("-q", NEW_PIP)
    except Stop as stop:                # without an index the one that is here must do
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
            raise Stop(f"the CPU build of PyTorch could not be had from {CPU_INDEX} "
                       f"({str(stop).split(';')[0]}); check the connection, put its wheel into a "
                       "pip find-links folder, or set GAN_LESSONS_TORCH=pypi for PyPI's build "
                       "(several GB with CUDA).") from None
    pip("-c", str(CONSTRAINTS), *extra, *wanted())
    register()
    quieten_lab()


def wheels(folder):
    """Every package that `install` installs, as files in a folder."""
    folder = folder.expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    wish = read_stamp()["torch"]
    check_room(ROOM[wish] / 4, folder)
    first, extra, what = torch_plan(wish)
    into = ["-d", str(folder), "-f", str(folder)]
    say("  PyTorch: " + what)
    if first:
        run_pip("download", "--no-deps", *into, *first)
    run_pip("download", *into, "-c", str(CONSTRAINTS), *extra, NEW_PIP, *wanted(),
            *requirements()["dependency-groups"]["book"],
            *requirements()["dependency-groups"]["app"])
    say(f"{len(list(folder.glob('*.whl')))} packages in {folder}. In a room without network:\n\n"
        f"    PIP_NO_INDEX=1 PIP_FIND_LINKS={folder} python lessons.py\n")


def register():
    """Let the environment's Python find the package in this folder, which is not written to.

    What `pip install -e` does, but that builds in the folder: a class shares one that is read-only.
    A folder that holds its environment may be moved; the path of any other is written as bytes, so
    that it is read in every locale.
    """
    run_pip("uninstall", "-y", "gan-lessons")       # what an earlier version left, of whatever kind
    packages = pathlib.Path(sysconfig.get_path(
        "purelib", "venv", {"base": str(VENV), "platbase": str(VENV)}))
    project = requirements()["project"]
    about = packages / f"gan_lessons-{project['version']}.dist-info"
    about.mkdir(parents=True, exist_ok=True)
    line = f"import os, sys; sys.path.append(os.fsdecode({os.fsencode(ROOT)!r}))"
    if VENV.resolve().is_relative_to(ROOT):
        line = os.path.relpath(ROOT, packages.resolve())
    needs = "".join(f"Requires-Dist: {need}\n" for need in project["dependencies"])
    files = {packages / "gan_lessons.pth": line + "\n",
             about / "INSTALLER": "lessons.py\n",
             about / "METADATA": f"Metadata-Version: 2.1\nName: gan-lessons\n"
                                 f"Version: {project['version']}\n{needs}"}
    record = [path.relative_to(packages).as_posix() for path in [*files, about / "RECORD"]]
    files[about / "RECORD"] = "".join(f"{name},,\n" for name in record)
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")


def keep_published():
    """A folder that was downloaded without git: copies of the lessons, for `afresh`."""
    if (PUBLISHED.exists() or not os.access(ROOT, os.W_OK)     # where nobody can spoil them
            or answers("git", "-C", str(ROOT), "rev-parse", "HEAD")):
        return
    part = PUBLISHED.with_name(PUBLISHED.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for path in lessons():
        shutil.copy(path, part / path.name)
    os.replace(part, PUBLISHED)


def quieten_lab():
    """A learner is not asked about Jupyter's news, and sees the whole names of the lessons.

    A setting of their own goes before these.
    """
    settings = VENV / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    news = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "overrides.json").write_text(json.dumps({
        "@jupyterlab/apputils-extension:notification": news,
        "@jupyterlab/filebrowser-extension:browser": {"showLastModifiedColumn": False},
    }), encoding="utf-8")


# -------------------------------------------------------------------------------------------- pip

def pip(*arguments):
    """`pip install` into the environment."""
    run_pip("install", "--no-compile",       # half the time; Python compiles what is first used
            "--no-warn-script-location", *arguments)


def run_pip(verb, *arguments):
    """pip, logged, its long steps shown, a failure in one line.

    As a process: pip offers no interface for programs. Its own progress bar redraws a line, which
    neither a log nor a pipe can show; so its lines are read and the long steps named.
    """
    fetching = ["--progress-bar=off", "--only-binary=:all:"] * (verb != "uninstall")
    command = [str(PYTHON), "-m", "pip", verb, "--no-input", "--disable-pip-version-check",
               *fetching, *arguments]
    # a reader's own settings may send packages elsewhere; the way to an index stays theirs
    ours = {name: value for name, value in os.environ.items()
            if name not in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONHOME")}
    ours.update(PIP_USER="0", PYTHONUTF8="1")
    lines = []
    with open(log_file(), "a", encoding="utf-8", errors="backslashreplace") as log:
        log.write(f"\n$ {' '.join(command)}\n")
        process = subprocess.Popen(command, cwd=str(ROOT), env=ours, text=True,
                                   encoding="utf-8", errors="replace", stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   **{"close_fds": False, **tied()})       # it keeps the lock, too
        running.append(process)
        with process:
            for line in process.stdout:
                log.write(line)
                lines.append(line)
                show_progress(line)
        running.remove(process)
    if process.returncode:
        raise Stop(diagnose("".join(lines)))


def log_file():
    """Where pip's words go: into the environment, or beside where that may not be written."""
    if os.access(VENV, os.W_OK):
        return LOG
    return pathlib.Path(tempfile.gettempdir()) / "gan-lessons-install.log"


def show_progress(line):
    big = re.match(r"\s*Downloading (?:\S*/)?(\S+?)-\d\S* \((\d{2,}\.?\d* MB|.* GB)\)", line)
    if big:
        say("  downloading {}, {}".format(*big.groups()))
    elif line.startswith("Installing collected packages:"):
        say(f"  installing {line.count(',') + 1} packages")


FULL = r"No space left on device|Errno 28\b|WinError 112|not enough space|Disk quota exceeded"
OFFLINE = (r"Failed to establish a new connection|NameResolutionError|Name or service not known|"
           r"Temporary failure in name resolution|getaddrinfo failed|Network is unreachable|"
           r"ConnectTimeout|Read timed out|Connection refused|ProxyError|RemoteDisconnected|"
           r"Connection reset|IncompleteRead")


def diagnose(output):
    """One line for a failed pip or venv: the cause, the remedy."""
    if re.search(FULL, output, re.I):
        return ("the disk is full; free some space, set GAN_LESSONS_VENV to a folder on another "
                f"disk, or TMPDIR if {tempfile.gettempdir()} is the full one.")
    if "CERTIFICATE_VERIFY_FAILED" in output:
        return ("the network's certificate is not trusted; set PIP_CERT to your organisation's "
                "certificate file and run this again.")
    if re.search(OFFLINE, output):
        return ("no network: pip cannot reach its package index; check the connection (behind a "
                f"proxy set HTTPS_PROXY) and run this again. Details: {log_file()}")
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(ERROR|error|\w*Error)\b", line)]
    last = (errors or lines or ["it said nothing"])[-1]
    remedy = f"run this again, or read {log_file()}"
    if sys.version_info[:2] > (3, 13) and "No matching distribution" in last:
        remedy = "this Python may be too new: 3.11 to 3.13 are tested"
    return f"pip failed: {re.sub(r'^(ERROR|error): ', '', last)[:300].rstrip('.')}; {remedy}"


# ---------------------------------------------------------------------------- which build of torch

def torch_plan(wish):
    """(arguments of a first pip call or None, further requirements, a sentence for the reader).

    On Linux a plain `torch` from PyPI brings several GB of CUDA. So the CPU build is asked for by
    its full version, which PyPI does not have: where there is none, pip fails and takes nothing.
    """
    version = re.search(r"^torch==(\S+)", CONSTRAINTS.read_text(encoding="utf-8"), re.M)[1]
    if wish == "pypi":
        return None, [], "the build that pip prefers"
    asked = os.environ.get("GAN_LESSONS_TORCH")
    found = sorted(local_wheels(version), key=needs_cuda, reverse=wish == "gpu")
    if wish == "cpu" or asked == "gpu":
        found = [wheel for wheel in found if needs_cuda(wheel) == (wish == "gpu")]
    if found:
        what = f"{found[0].name} from {found[0].parent}"
        if wish == "gpu" and not needs_cuda(found[0]):
            what += " (a CPU build; GAN_LESSONS_TORCH=gpu fetches the one for your GPU)"
        return None, [str(found[0])], what
    if sys.platform.startswith("linux"):
        if wish == "cpu":
            first = ["--index-url", CPU_INDEX, f"torch=={version}+cpu"]
            return first, [], "CPU build (about 200 MB)"
        return None, [f"torch!={version}+cpu"], "CUDA build, as a GPU answers (several GB)"
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
    """Whether pip would take this wheel here, as that version of torch, with any local tag."""
    # pip's own copy of `packaging`: the only one there is before the first package is installed
    from pip._vendor.packaging.tags import sys_tags
    from pip._vendor.packaging.utils import InvalidWheelFilename, parse_wheel_filename
    try:
        _, have, _, tags = parse_wheel_filename(urllib.parse.unquote(name))
    except InvalidWheelFilename:
        return False
    return have.public == version and not tags.isdisjoint(sys_tags())


def needs_cuda(wheel):
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            needs = re.search(rb"^Requires-Dist: (nvidia|cuda)", archive.read(name), re.M)
            return needs is not None
    except (OSError, StopIteration, zipfile.BadZipFile):
        raise Stop(f"{wheel} cannot be read; remove it from pip's find-links folder, or replace "
                   "it.") from None


if __name__ == "__main__":
    if not sys.stdin.isatty():
        follow_parent(running)
    sys.exit(finish(install, sys.argv[1]))
