"""Fetching a file once: several mirrors, a known checksum, resumed after a broken transfer.

Used by `datasets`, so from notebooks/00_start_here.ipynb on.
"""
from __future__ import annotations

import contextlib
import glob
import os
import secrets
import stat
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from .files import ADDRESS, Unwritable, claim, fcntl, new_part, usable
from .formats import DataUnavailable

CONNECT = 3.0       # seconds for a mirror to answer at all
OFF = ("", "0", "false", "no", "off")
FORGET = 300.0      # seconds for which a silent mirror is not asked again

_silent: dict[str, float] = {}      # host -> when it was found silent


def cache() -> Path:
    """What was fetched, drawn or trained once: $GAN_LESSONS_CACHE or the system's folder."""
    import pooch
    named = os.environ.get("GAN_LESSONS_CACHE", "").strip()
    try:
        if ADDRESS.match(named):
            raise RuntimeError("it is an address")
        return Path(named or pooch.os_cache("gan-lessons")).expanduser()
    except RuntimeError as error:                           # ~nobody
        raise ValueError(f"GAN_LESSONS_CACHE is {named!r}, which names no folder ({error}): "
                         "correct or unset it") from error


def fetch(name: str, known_hash: str, mirrors, folder: Path, most: int = 1 << 31) -> Path:
    """The file `name`, out of `folder` or from the first mirror that has it whole.

    name        what is appended to each mirror's address
    known_hash  as pooch writes it, "md5:..." or "sha256:..."
    most        bytes that the file has at most; a mirror that sends more is given up

    What is returned has the known checksum, and is readable by whom the umask lets read it.
    DataUnavailable, with the reason of each mirror, where none has the file, where
    GAN_LESSONS_OFFLINE forbids to ask, or where `folder` cannot be read or written.
    """
    for what, value, kind in (("name", name, str), ("known_hash", known_hash, str),
                              ("folder", folder, (str, os.PathLike))):
        if not isinstance(value, kind) or "\0" in os.fspath(value) or not os.fspath(value):
            raise TypeError(f"{what} = {value!r}: fetch(name, known_hash, mirrors, folder) takes "
                            "names, as fetch(\"a.gz\", \"md5:…\", [\"https://…/\"], cache())")
    folder = Path(folder)
    target = folder / name
    if _is_right(target, known_hash):
        for piece in folder.glob(f".{glob.escape(name)}.*part"):       # of a killed transfer
            if claimed := claim(piece):
                with claimed, contextlib.suppress(OSError):
                    piece.unlink()
        return target
    if os.environ.get("GAN_LESSONS_OFFLINE", "").strip().lower() not in OFF:
        raise DataUnavailable(f"{name} is not here, and GAN_LESSONS_OFFLINE forbids downloads")
    try:
        usable(target)
    except OSError as error:
        raise DataUnavailable(f"the cache cannot be written ({error}): set GAN_LESSONS_CACHE to a "
                              "folder of yours") from error
    reasons = []
    # Not pooch's retrieve: it writes under a name and with rights that no other user can read,
    # leaves that file behind when it is killed, and does not go on from a broken transfer. Here a
    # try is worth another as long as the last one brought something.
    for mirror in answering(mirrors):
        stuck = 0                                        # tries that got no further
        while stuck < 2:
            before = _left(folder, name)
            try:
                _download(mirror + name, known_hash, target, most)
                return target
            except OSError as error:                     # requests' errors are OSErrors too
                reasons.append(f"{urlsplit(mirror).hostname}: {_short(error)}")
                if isinstance(error, Unwritable):        # no mirror helps
                    raise DataUnavailable(
                        f"{name} cannot be kept in {folder} ({error}): free some disk space, or "
                        "set GAN_LESSONS_CACHE to a folder on another disk") from error
                if _left(folder, name) > before:
                    stuck = 0
                elif _final(error):
                    break
                else:
                    stuck += 1
            except _Wrong as error:
                reasons.append(f"{urlsplit(mirror).hostname}: {error}")
                if error.final or not before:            # a whole file, and another one than ours
                    break
                stuck += 1                               # perhaps the pieces did not fit together
    raise DataUnavailable(f"{name} could not be downloaded: "
                          + ("; ".join(dict.fromkeys(reasons)) or "no mirror answers"))


class _Wrong(Exception):
    """What came is not the file; `final` where another try would bring the same."""

    def __init__(self, why: str, final: bool = False):
        super().__init__(why)
        self.final = final


def _is_right(path: Path, known_hash: str) -> bool:
    """Whether the file is there with the known checksum. DataUnavailable where nobody can tell."""
    import pooch
    kind, digest = known_hash.split(":")
    try:
        if not stat.S_ISREG(path.stat().st_mode):   # exists() hides a circle of links since 3.13
            raise DataUnavailable(f"{path} is a folder or a device, and should be a file: move it "
                                  "away, or set GAN_LESSONS_CACHE to another folder")
        return pooch.file_hash(path, kind) == digest
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise DataUnavailable(f"{path} cannot be read ({error.strerror}): ask its owner for "
                              "permission, or set GAN_LESSONS_CACHE to a folder of yours"
                              ) from error


def answering(mirrors) -> list[str]:
    """The mirrors whose host answers, in the given order, after at most `CONNECT` seconds.

    All are asked at once; a host that was silent is left out for `FORGET` seconds, so that a
    notebook without a network waits once.
    """
    import requests
    hosts = {mirror: "{0.scheme}://{0.netloc}/".format(urlsplit(mirror)) for mirror in mirrors}
    now = time.monotonic()
    asked = {h for h in hosts.values() if now - _silent.get(h, -FORGET) >= FORGET}
    heard = set()

    def ask(host):
        try:
            requests.head(host, timeout=CONNECT)
            heard.add(host)
        except requests.RequestException:
            pass

    threads = [threading.Thread(target=ask, args=(host,), daemon=True) for host in asked]
    for thread in threads:
        thread.start()
    # Threads, because looking up a name has no time limit of its own; who is not back by then
    # counts as silent, and is left to end by itself.
    for thread in threads:
        thread.join(max(0.0, now + CONNECT - time.monotonic()))
    _silent.update({host: now for host in asked - heard})
    return [mirror for mirror, host in hosts.items() if host in heard]


def _download(url: str, known_hash: str, target: Path, most: int) -> None:
    """Fetch, going on where an earlier transfer of the same file broke off; check; name.

    OSError for a transfer that breaks off: what came is kept for the next. `_Wrong` for another
    file than the known one, which is thrown away; Unwritable for a disk that is full.
    """
    with _part(target.parent, target.name) as (part, file):
        _transfer(url, file, most)
        if not _is_right(part, known_hash):
            raise _Wrong("the checksum is wrong")
        if fcntl is None:                                # Windows renames no open file
            file.close()
        os.replace(part, target)


def _transfer(url: str, file, most: int) -> None:
    """The whole of `url` into a file that holds its beginning, or nothing yet."""
    import requests
    from tqdm import tqdm
    have = file.seek(0, os.SEEK_END)
    headers = {"Accept-Encoding": "identity"}            # else bytes counted are not bytes stored
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.get(url, headers=headers, stream=True, timeout=(CONNECT, 20)) as answer:
        total = have
        if answer.status_code != 416:                    # 416: nothing beyond what we have
            answer.raise_for_status()
            if answer.status_code != 206:                # 200: the whole file again
                have = file.seek(0)
                file.truncate()
            length = answer.headers.get("Content-Length")
            total = have + int(length) if length and length.isdecimal() else None
            if total is not None and total > most:
                raise _Wrong(f"sends {total:,} bytes, and the file has at most {most:,}", True)
            with tqdm(total=total, initial=have, unit="B", unit_scale=True, leave=False,
                      desc=url.rsplit("/", 1)[1], file=sys.stdout) as bar:
                for chunk in answer.iter_content(1 << 13):
                    have += len(chunk)
                    if have > most:
                        raise _Wrong(f"sends more than {most:,} bytes", True)
                    _write(file, chunk)
                    bar.update(len(chunk))
        _write(file, b"")
    if total is not None and have != total:
        raise OSError(f"the transfer ended after {have:,} of {total:,} bytes")


def _write(file, chunk: bytes) -> None:
    """Errors of the disk told apart from those of the network, which are OSErrors, too."""
    try:
        file.write(chunk)
        if not chunk:
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Unwritable(error.strerror or str(error)) from error


@contextmanager
def _part(folder: Path, name: str):
    """(path, open file): a half-written file of this transfer alone, removed when it is done.

    It begins as the largest piece that an earlier transfer left and nobody writes any more; a
    transfer that breaks off leaves it behind as such a piece.
    """
    mine, file = folder / f".{name}.{secrets.token_hex(4)}.part", None
    pieces = sorted(folder.glob(f".{glob.escape(name)}.*part"), key=_size, reverse=True)
    for piece in pieces:                                 # the largest is gone on from
        if claimed := claim(piece):
            with contextlib.suppress(OSError):
                if file is None and fcntl is not None:
                    os.replace(piece, mine)
                    file, claimed = claimed, None
                elif file is None:                       # Windows renames no open file
                    claimed.close()
                    os.replace(piece, mine)
                    file = open(mine, "r+b")
            if claimed and not claimed.closed:
                with claimed, contextlib.suppress(OSError):
                    piece.unlink()
    if file is None:
        file = new_part(mine)
    try:
        with file:
            yield mine, file
    except _Wrong:
        mine.unlink(missing_ok=True)
        raise
    except BaseException:
        with contextlib.suppress(OSError):
            os.replace(mine, folder / f".{name}.left.part")
        raise


def _size(piece: Path) -> int:
    try:
        return piece.stat().st_size
    except OSError:                                      # another process was faster
        return 0


def _left(folder: Path, name: str) -> int:
    """Bytes of an earlier transfer that the next one can go on from."""
    return _size(folder / f".{name}.left.part")


def _status(error) -> int | None:
    """The HTTP status that an error of requests carries; None for any other."""
    return getattr(getattr(error, "response", None), "status_code", None)


def _final(error) -> bool:
    """Whether asking again is no use: the server said no, or the disk is full."""
    return _status(error) is not None or error.errno is not None


def _short(error) -> str:
    """An error in a few words."""
    from requests.exceptions import ChunkedEncodingError
    if _status(error) is not None:
        return f"HTTP status {_status(error)}"
    if isinstance(error, ChunkedEncodingError):
        return "the transfer broke off"
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
