"""`python lessons.py lab`: the course in JupyterLab, its address told, until Ctrl-C."""
import errno
import glob
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time

from family import tied

from lessons import PYTHON, ROOT, say

FIRST = "lab/tree/notebooks/00_start_here.ipynb"
EXTENSIONS = ROOT / "tools" / "labextensions"       # the course's own, plain JavaScript


def serve(arguments, port=None):
    """JupyterLab with these options of the reader until it ends; its exit code, 0 for Ctrl-C."""
    command = [str(PYTHON), "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}",
               f"--LabApp.default_url=/{FIRST}", "--Application.log_level=WARN",
               f"--LabServerApp.extra_labextensions_path={EXTENSIONS}",
               "--ServerApp.answer_yes=True",       # Ctrl-C ends it without a question
               "--ServerApp.kernel_websocket_connection_class=gan_lessons.drawing.server.PromptConnection"]
    if port is not None:                            # this one, not the next that is free
        command.append("--ServerApp.port_retries=0")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")              # in a container everybody is root
    if not has_display() and "--no-browser" not in arguments:
        command.append("--no-browser")
    command += arguments
    say("Starting JupyterLab ...")
    with tempfile.TemporaryDirectory(prefix="gan-lessons-") as runtime:
        # a token of ours: of one that it makes itself JupyterLab prints the address, too
        environment = {"JUPYTER_TOKEN": secrets.token_hex(24), **os.environ}
        server = subprocess.Popen(command, cwd=str(ROOT), **tied(),
                                  env=dict(environment, JUPYTER_RUNTIME_DIR=runtime))
        signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        try:
            announce(server, runtime, opened="--no-browser" not in command)
            return server.wait()
        except KeyboardInterrupt:                   # the server had it too, and ends its kernels
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
            url = info["url"] + FIRST
            url += "?token=" + info["token"] if info.get("token") else ""
            where = ("The course opens in your browser, at" if opened
                     else "Open this address in a browser:")
            say(f"\n  {where}\n\n      {url}\n")
            port = info["port"]
            if os.environ.get("SSH_CONNECTION"):
                say("  From another machine, first:  "
                    f"ssh -N -L {port}:localhost:{port} {socket.gethostname()}\n")
            elif os.path.exists("/.dockerenv") and "localhost" in info["url"]:
                say(f"  In a container: publish port {port} and add --ip=0.0.0.0 to reach it from "
                    "outside.\n")
            say("  Ctrl-C here ends it.")
            return
        time.sleep(0.1)


def taken(port):
    return refused(port) in (errno.EADDRINUSE, 10013, 10048)


def forbidden(port):
    """A port below 1024, where the system keeps these for itself."""
    return refused(port) in (errno.EACCES, errno.EPERM)


def refused(port):
    """The number of the error with which the system refuses a port; None where it does not."""
    with socket.socket() as probe:
        if os.name != "nt":       # on Windows this option would share the port instead
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno
    return None


def has_display():
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY") or os.environ.get("CI"):
        return False
    return (os.name == "nt" or sys.platform == "darwin"
            or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))
