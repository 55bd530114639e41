"""Fetching a file once: several mirrors, a known checksum, resumed after a broken transfer.

Used by `datasets`, so from notebooks/00_start_here.ipynb on.
"""
from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from .formats import DataUnavailable

CONNECT = 3.0       # seconds for a mirror to answer at all
FORGET = 300.0      # seconds for which a silent mirror is not asked again
STALE = 60.0        # seconds without growth after which a half-written file has no writer any more

_silent: dict[str, float] = {}      # host -> when it was found silent


def cache() -> Path:
    """What was fetched, drawn or trained once: $GAN_LESSONS_CACHE or the system's folder."""
    import pooch
    return Path(os.environ.get("GAN_LESSONS_CACHE") or pooch.os_cache("gan-lessons")).expanduser()


def fetch(name: str, known_hash: str, mirrors, folder: Path) -> Path:
    """The file `name`, out of `folder` or from the first mirror that has it whole.

    name        what is appended to each mirror's address
    known_hash  as pooch writes it, "md5:..." or "sha256:..."

    What is returned has the known checksum. DataUnavailable, with the reason of each mirror, where
    none has the file, where GAN_LESSONS_OFFLINE forbids to ask, or where `folder` cannot be made.
    """
    import pooch
    pooch.get_logger().setLevel("WARNING")               # our progress bar says it all
    target = folder / name
    kind, digest = known_hash.split(":")
    if target.exists() and pooch.file_hash(target, kind) == digest:
        return target
    if os.environ.get("GAN_LESSONS_OFFLINE", "0") not in ("", "0"):
        raise DataUnavailable(f"{name} is not here, and GAN_LESSONS_OFFLINE forbids downloads")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataUnavailable(f"the cache cannot be written ({error}): set GAN_LESSONS_CACHE to a "
                              "folder of yours") from error
    reasons = []
    # Not pooch's retry_if_failed (its Pooch has it, its retrieve has not): it tries a fixed number
    # of times, each from the first byte, waits in between, and asks again after a 404 or for a
    # whole file of another checksum. Here a try is worth another as long as the last one brought
    # something.
    for mirror in answering(mirrors):
        stuck = 0                                        # tries that got no further
        while stuck < 2:
            before = _left(folder, name)
            try:
                pooch.retrieve(mirror + name, known_hash, name, folder, downloader=_resuming)
                return target
            except OSError as error:                     # requests' errors are OSErrors too
                reasons.append(f"{urlsplit(mirror).hostname}: {_short(error)}")
                if _left(folder, name) > before:
                    stuck = 0
                elif _final(error):
                    break
                else:
                    stuck += 1
            except ValueError:                           # pooch: the checksum is wrong
                reasons.append(f"{urlsplit(mirror).hostname}: the checksum is wrong")
                if not before:                           # a whole file, and another one than ours
                    break
                stuck += 1                               # perhaps the pieces did not fit together
    raise DataUnavailable(f"{name} could not be downloaded: "
                          + ("; ".join(dict.fromkeys(reasons)) or "no mirror answers"))


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


def _resuming(url, output, _pooch):
    """A downloader for pooch that goes on where an earlier transfer of the same file broke off.

    Of pooch's own none can: HTTPDownloader always writes a new file from its first byte. `output`
    is a file of pooch's, which moves it to its place when the checksum is right. OSError for a
    transfer that breaks off; what came is kept for the next.
    """
    import requests
    from tqdm import tqdm
    name = url.rsplit("/", 1)[1]
    with _part(Path(output).parent, name) as part:
        have = part.stat().st_size if part.exists() else 0
        headers = {"Accept-Encoding": "identity"}        # else bytes counted are not bytes stored
        if have:
            headers["Range"] = f"bytes={have}-"
        with requests.get(url, headers=headers, stream=True, timeout=(CONNECT, 20)) as answer:
            if answer.status_code == 416:                # nothing beyond what we have
                total = have
            else:
                answer.raise_for_status()
                have = have if answer.status_code == 206 else 0      # 200: the whole file again
                length = answer.headers.get("Content-Length")
                total = have + int(length) if length else None
                with open(part, "ab" if have else "wb") as file, tqdm(
                        total=total, initial=have, unit="B", unit_scale=True, desc=name,
                        leave=False, file=sys.stdout) as bar:
                    for chunk in answer.iter_content(1 << 13):
                        file.write(chunk)
                        bar.update(len(chunk))
        if total is not None and part.stat().st_size != total:
            raise OSError(f"the transfer ended after {part.stat().st_size:,} of {total:,} bytes")
        os.replace(part, output)


@contextmanager
def _part(folder: Path, name: str):
    """The path of a half-written file of this process alone.

    It begins as the largest piece that an earlier transfer left and nobody writes any more; an
    error leaves it behind as such a piece.
    """
    mine = folder / f".{name}.{os.getpid()}.part"
    left = [p for p in folder.glob(f".{name}.*part")
            if p == mine or ".left." in p.name or time.time() - p.stat().st_mtime > STALE]
    for piece in sorted(left, key=lambda p: p.stat().st_size):     # the largest, the last, stays
        try:
            os.replace(piece, mine)
        except FileNotFoundError:                        # another process was faster
            pass
    try:
        yield mine
    except BaseException:
        if mine.exists():
            os.replace(mine, folder / f".{name}.left.part")
        raise


def _left(folder: Path, name: str) -> int:
    """Bytes of an earlier transfer that the next one can go on from."""
    return max((piece.stat().st_size for piece in folder.glob(f".{name}.left.part")), default=0)


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
