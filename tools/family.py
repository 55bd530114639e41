"""One set-up at a time, and no child that outlives its parent.

Standard library only: it runs before anything is installed.
"""
import contextlib
import os
import signal
import socket
import sys
import threading
import time

LOCK = "gan-lessons.lock"
_held = []                              # descriptors of the lock, for the children to inherit


def tied():
    """Options of Popen: the child ends when this process does, however this one ends.

    On Linux the kernel sees to it (SIGTERM, so that a server can end its own children); elsewhere
    `follow_parent` does, in the child. A child inherits the lock too: as long as the pip of a
    killed set-up lives, nobody else begins.
    """
    options = {"pass_fds": tuple(_held)} if _held and os.name == "posix" else {}
    if sys.platform == "linux":
        with contextlib.suppress(ImportError, OSError, AttributeError):    # a Python without ctypes
            import ctypes
            prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

            def tie():
                prctl(1, signal.SIGTERM)            # PR_SET_PDEATHSIG
                if os.getppid() != parent:          # which was gone before that line
                    os._exit(143)
            options["preexec_fn"] = tie
    return options


def follow_parent(children):
    """End these processes and this one when standard input ends, a pipe that the parent holds."""
    def wait():
        # not sys.stdin, whose lock a thread that still waits would hold when the interpreter ends
        while os.read(0, 1024):
            pass
        for child in children:
            with contextlib.suppress(OSError):
                child.terminate()
        os._exit(143)
    threading.Thread(target=wait, daemon=True).start()


@contextlib.contextmanager
def alone(folder, say):
    """Hold the lock of a folder, which is made; wait for whoever has it, and say who that is.

    The system gives it free when its last holder ends, so a killed set-up leaves nothing behind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / LOCK, "a+", encoding="utf-8") as file:
        told = False
        while not _taken(file):
            if not told:
                file.seek(0)
                say(f"  another set-up is at work there ({file.read() or 'just begun'}); waiting "
                    "for it to end (Ctrl-C stops waiting)")
            told = True
            time.sleep(0.3)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}, since {time.strftime('%X')}")
        file.flush()
        _held.append(file.fileno())
        try:
            yield
        finally:
            _held.remove(file.fileno())
            file.truncate(0)


def _taken(file):
    """Whether the lock is ours now. A file system that knows no locks lets everybody through."""
    try:
        if os.name == "nt":
            import msvcrt
            file.seek(1 << 20)          # one byte far behind the text, which others read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        pass
    return True
