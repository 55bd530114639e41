"""Files that are written whole or not at all: checkpoints, weights, drawn sets, stored lessons.

And where a file can be written at all: `usable` says so before hours of work depend on it.
"""
from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import time
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:                              # Windows, where an open file cannot be deleted
    fcntl = None

ADDRESS = re.compile("[a-zA-Z][a-zA-Z0-9+.-]+:/")            # of the network, also as a Path: none
PARTS = re.compile(r"\.gan-lessons-[0-9a-f]{8}\.part")       # no reader calls a file so
STALE = 60.0        # where nothing can be locked: seconds after which a part has no writer any more

REMEDIES = {
    "free some disk space, or choose a path on another disk": "ENOSPC EDQUOT EFBIG",
    "choose a folder that you may write to": "EACCES EPERM EROFS",
    "something above it is a file, no folder: name another place": "ENOTDIR EEXIST",
    "choose a shorter name": "ENAMETOOLONG",
}


class Unwritable(OSError):
    """A file that cannot be written; the message says why and names the remedy."""


def remedy(error: OSError) -> str:
    """What to do about a file that could not be written."""
    code = errno.errorcode.get(error.errno, "")
    return next((what for what, codes in REMEDIES.items() if code in codes.split()),
                "name another place")


def usable(path, what: str = "path", example: str = "run.pt") -> Path:
    """`path` as a Path that a file can be written to now; folders above it are made.

    TypeError, ValueError for what is no path; Unwritable for a folder, a device, a write-protected
    file and for a place where nothing can be written. what, example: for the message.
    """
    if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str):
        raise TypeError(f"{what} is the path of a file, as {example!r}, not {path!r}")
    if not (text := os.fspath(path)) or "\0" in text:
        raise ValueError(f"{what}={text!r} names no file: give a path, as {example!r}")
    if ADDRESS.match(text):
        raise ValueError(f"{what}={text!r} is an address: give a path on this machine, as "
                         f"{example!r}")
    with contextlib.suppress(RuntimeError):                  # no such user: "~" stays what it is
        path = Path(path).expanduser()
    path = Path(path)
    try:
        if path.is_dir() or text.endswith(("/", os.sep)):
            raise Unwritable(f"{path} is a folder: name a file in it, as {path / example}")
        if path.exists() and not path.is_file():
            raise Unwritable(f"{path} is a device or a pipe, no file: choose another path")
        effective = {"effective_ids": True} if os.access in os.supports_effective_ids else {}
        if path.exists() and not os.access(path, os.W_OK, **effective):
            raise Unwritable(f"{path} is write-protected: choose another path, or make it writable")
        target = path.resolve()                              # a link stays one, its file is written
        target.parent.mkdir(parents=True, exist_ok=True)
        probe = target.parent / _part_name()
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        probe.unlink()
    except Unwritable:
        raise
    except (OSError, RuntimeError) as error:                 # RuntimeError: links in a circle
        error = error if isinstance(error, OSError) else OSError(errno.ELOOP, str(error))
        raise Unwritable(f"{path} cannot be written ({error.strerror}): {remedy(error)}") from error
    return path


@contextmanager
def atomic_write(path):
    """A binary file to write into; when the block ends without an error, it becomes `path`.

    Until then `path` is what it was, or is not there: an error in the block, a full disk or a
    crash never leave half a file under that name. What a killed writer left beside it is removed
    by the next one. Folders above `path` are made where they are missing; a link stays a link.
    OSError where nothing can be written.
    """
    path = Path(path)
    path = path.resolve() if path.is_symlink() else path
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    # Beside `path`, because a rename is atomic only within one file system; under a name of its
    # own, so that two processes that write the same file do not write into each other's.
    part = path.parent / _part_name()
    try:
        with new_part(part) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())              # the contents are on the disk before the name is
            if fcntl:                            # while it is locked, so that nobody sweeps it away
                os.replace(part, path)
        if not fcntl:                            # Windows renames no open file
            os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def sweep(folder: Path) -> None:
    """Remove the parts that killed writers left in `folder`; not those of living ones."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if PARTS.fullmatch(entry.name) and (file := claim(Path(entry.path))):
                with file, contextlib.suppress(OSError):
                    if fcntl is None:
                        file.close()
                    os.unlink(entry.path)


def claim(part: Path):
    """A part whose writer is dead, opened and locked to go on with; None for any other.

    The operating system holds the lock of a writer, and frees it when the writer dies.
    """
    try:
        if part.is_symlink() or not part.is_file():
            return None
        if fcntl is None and time.time() - part.stat().st_mtime <= STALE:
            return None
        file = open(part, "r+b")
    except OSError:
        return None
    if fcntl is None or (_locked(file) and _still(file, part)):
        return file
    file.close()
    return None


def _part_name() -> str:
    return f".gan-lessons-{secrets.token_hex(4)}.part"


def new_part(part: Path):
    """A new file `part`, open, and locked as long as it is. FileExistsError where it is there."""
    while True:
        file = open(part, "xb")
        if fcntl is None:
            return file
        _locked(file)                            # where locks do not work, nobody sweeps either
        if _still(file, part):
            return file
        file.close()                             # swept away before it was locked: once more


def _locked(file) -> bool:
    """Whether the open file could be locked for this process alone."""
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False


def _still(file, part: Path) -> bool:
    """Whether the open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(part))
    except OSError:
        return False
