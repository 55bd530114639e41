"""Kernels that start in a fraction of a second: forks of a process that has the libraries loaded.

A fresh kernel spends seconds on importing torch, matplotlib and what they need; the suite starts
some eighty of them. Here one process imports these libraries, no module of the course, and each
kernel is a fork of it: its namespace and every module of gan_lessons are as fresh as ever.

    install(folder)                                      a kernel `python3` in a Jupyter data folder
    python warm_kernels.py OWNER kernel -f FILE          what that kernel runs: asks for a fork
    python warm_kernels.py OWNER serve                   the process that is forked

The first kernel starts the server, which ends when the folder or the process OWNER is gone. Where
anything is amiss the plain kernel is started in the same place, only slower.
"""
import array
import contextlib
import fcntl
import gc
import hashlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve()
LIBRARIES = """ipykernel.kernelapp ipywidgets joblib matplotlib.pyplot numpy pooch safetensors.torch
    scipy.integrate scipy.linalg scipy.optimize scipy.sparse.linalg scipy.spatial scipy.special
    scipy.stats torch torch._dynamo tqdm.auto urllib.request""".split()
INLINE = "module://matplotlib_inline.backend_inline"    # as ipykernel sets it
PATIENCE = 120                                          # seconds for the imports, on a busy machine


def install(folder):
    """Write the kernel specification into the Jupyter data folder `folder`, for this process."""
    place = pathlib.Path(folder) / "kernels" / "python3"
    place.mkdir(parents=True)
    argv = [sys.executable, "-S", "-I", str(HERE), str(folder), str(os.getpid())]
    (place / "kernel.json").write_text(json.dumps({
        "argv": [*argv, "kernel", "-f", "{connection_file}"],
        "display_name": "Python 3 (ipykernel)", "language": "python"}))


def key(env):
    """Kernels of one key can be forks of one process: what is read at start and import is equal.

    PYTHONPATH is not: the fork looks there for what it imports itself, and only a folder in which
    one of the libraries lies makes a difference.
    """
    read = sorted((name, value) for name, value in {"PYTHONHASHSEED": "random", **env}.items()
                  if name.startswith(("PYTHON", "MPL", "MALLOC")) or name.endswith("_NUM_THREADS"))
    read = [(name, value) for name, value in read
            if name != "PYTHONPATH" or any(holds_a_library(place) for place in paths(value))]
    return hashlib.sha256(repr(read).encode()).hexdigest()[:12]


def paths(value):
    """The folders of a PYTHONPATH, as Python puts them into sys.path."""
    return [os.path.abspath(place) for place in value.split(os.pathsep) if place]


def holds_a_library(folder):
    names = {library.partition(".")[0] for library in LIBRARIES}
    return any(os.path.exists(os.path.join(folder, name + end))
               for name in names for end in ("", ".py"))


# ------------------------------------------------------------------------------- asking for a fork

def kernel(folder, owner, arguments):
    """Stand in for a forked kernel: signals go there, and with the parent or one both end."""
    place, parent = folder / key(os.environ), os.getppid()
    try:
        link, pid = forked(place, owner, arguments)
    except OSError:
        os.execv(sys.executable, [sys.executable, "-m", "ipykernel_launcher", *arguments])
    for name in "SIGINT", "SIGTERM", "SIGHUP":
        signal.signal(getattr(signal, name), lambda number, _: send(pid, number))
    link.settimeout(1)
    while os.getppid() == parent:       # a client that was killed has no word for us
        with contextlib.suppress(TimeoutError):
            if not link.recv(1):
                break


def send(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def forked(place, owner, arguments):
    """(socket that closes when the kernel ends, its process id); OSError if there is no server."""
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(PATIENCE)
    with open(place.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)                # of several kernels one starts the server
        try:
            link.connect(str(place))
        except OSError:
            start(place, owner)
            link.connect(str(place))
    request = json.dumps({"argv": arguments, "env": dict(os.environ), "cwd": os.getcwd()}).encode()
    streams = array.array("i", [0, 1, 2])
    header = len(request).to_bytes(4, "big")
    link.sendmsg([header], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
    link.sendall(request)
    answer = link.recv(4)
    if len(answer) < 4:
        raise OSError("no fork")
    return link, int.from_bytes(answer, "big")


def start(place, owner):
    failed = place.with_suffix(".failed")
    if failed.exists():
        raise OSError("the server did not start, and will not")
    env = {name: value for name, value in os.environ.items() if not name.startswith("JPY_")}
    command = [sys.executable, str(HERE), str(place.parent), str(owner), "serve", place.name]
    with open(place.with_suffix(".log"), "wb") as log:
        server = subprocess.Popen(command, env=env, cwd=place.parent, stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=log, start_new_session=True)
    end = time.monotonic() + PATIENCE
    while not place.exists():
        if server.poll() is not None or time.monotonic() > end:
            failed.touch()
            raise OSError("the server did not start")
        time.sleep(0.02)


# ------------------------------------------------------------------------------- the forked process

def serve(folder, owner, name):
    """Import the libraries, then fork at each request. Returns in the fork, never in the server."""
    import shutil  # here, as a kernel that asks should start quickly
    from importlib import import_module
    os.environ.setdefault("MPLBACKEND", INLINE)
    os.environ["JPY_PARENT_PID"] = "1"      # to ipykernel: do not watch the parent, we do
    for library in LIBRARIES:
        import_module(library)
    if len(os.listdir("/proc/self/task")) > 1:
        sys.exit("a process with several threads must not be forked")
    gc.collect()
    gc.freeze()         # a collection in a fork would touch, and so copy, every page it shares
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / (name + ".part")))
    listener.listen(16)
    listener.settimeout(2)
    os.rename(folder / (name + ".part"), folder / name)     # there only once it listens
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)           # nobody waits for the forks
    while folder.exists() and alive(owner):
        try:
            link, _ = listener.accept()
        except TimeoutError:
            continue
        link.settimeout(10)
        try:
            request, streams = received(link)
        except (OSError, ValueError):
            link.close()
            continue
        if os.fork() == 0:
            listener.close()
            return become(link, request, streams)
        link.close()
        for stream in streams:
            os.close(stream)
    shutil.rmtree(folder, ignore_errors=True)               # of an owner that was killed
    sys.exit()


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def received(link):
    header, streams, *_ = socket.recv_fds(link, 4, 3)
    size, text = int.from_bytes(header, "big"), b""
    while len(text) < size:
        part = link.recv(size - len(text))
        if not part:
            raise ValueError("half a request")
        text += part
    return json.loads(text), streams


def become(link, request, streams):
    """In the fork: take over what a process started in the plain way would have been given."""
    os.setsid()
    own = paths(os.environ.get("PYTHONPATH", ""))           # those of the kernel that came first
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    asked = paths(os.environ.get("PYTHONPATH", ""))
    sys.path[:] = asked + [place for place in sys.path if place not in own]
    sys.argv[1:] = request["argv"]
    sys.modules["numpy"].random.seed()                      # two forks must not draw alike
    sys.modules["torch"].default_generator.seed()
    link.sendall(os.getpid().to_bytes(4, "big"))
    link.settimeout(None)
    threading.Thread(target=die_with, args=(link,), daemon=True).start()


def die_with(link):
    """The asking process was killed: end at once, with all that the kernel has started."""
    while link.recv(1):
        pass
    os.killpg(0, signal.SIGKILL)


def main(folder, owner, role, *arguments):
    folder, owner = pathlib.Path(folder), int(owner)
    if role == "kernel":
        return kernel(folder, owner, list(arguments))
    if sys.path[0] == str(HERE.parent):                     # no module of tests/ for a notebook
        del sys.path[0]
    serve(folder, owner, *arguments)
    from ipykernel import kernelapp
    kernelapp.launch_new_instance()


if __name__ == "__main__":
    main(*sys.argv[1:])
