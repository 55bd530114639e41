"""What a study writes down: a journal, a line for each finished run, and the table made of it.

Used by gan_lessons/map/study.py.
"""
from __future__ import annotations

import contextlib
import csv
import functools
import hashlib
import io
import json
import math
import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path

from ..data.files import Unwritable, atomic_write, remedy, usable
from ..training.code import PLAIN
from .fingerprint import changes, fingerprint, parts

OWN = ("error", "seconds", "finished", "versions", "fingerprint")     # the last columns of a table
SHOWN = 8                                   # changed modules that a refusal names
FORGET = "choose another path, or fresh=True to forget it"


def key_of(one: Mapping) -> str:
    """Sixteen hexadecimal digits for a combination of settings."""
    return hashlib.sha256(json.dumps(dict(one), sort_keys=True).encode()).hexdigest()[:16]


def _summed(row: Mapping) -> dict:
    """The row with a checksum of all that it holds: a number that is changed by hand is noticed."""
    row = {name: value for name, value in row.items() if name != "checksum"}
    return row | {"checksum": key_of(row)}


def some(words: list[str]) -> str:
    """The first words of a list, and how many more there are."""
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more


def places(path, fresh: bool = False) -> tuple[Path, Path]:
    """(the table, its journal): both can be written, and the table is no file of the reader's, nor,
    unless it is begun `fresh`, one whose journal is gone: its rows would vanish.

    TypeError, ValueError, OSError with the remedy, before anything was computed.
    """
    path = usable(path, example="arena.csv").absolute()     # a run may change the folder
    beside = {kind: usable(path.with_name(path.name + kind), example="arena.csv")
              for kind in (".runs", ".runs.odd", ".lock")}
    if path.exists() and path.stat().st_size and not beside[".runs"].exists():
        with open(path, "rb") as file:
            head, rows = file.readline(100_000), file.read(1)
        if ",".join(OWN[:-1]).encode() not in head:          # older tables had no fingerprints
            raise ValueError(f"{path} is there and is no table of a study: choose another path, or "
                             "move it away")
        if rows and not fresh:
            raise ValueError(f"{path} holds results, and their journal {beside['.runs'].name}, by "
                             f"which a study goes on, is not beside it: bring it back, or {FORGET}")
    return path, beside[".runs"]


@contextlib.contextmanager
def alone(path: Path):
    """RuntimeError while another process plays the study at `path`. The operating system holds the
    lock, so that it is free as soon as its holder is dead; the empty file beside the journal stays.
    """
    from filelock import FileLock, Timeout
    lock = FileLock(path.with_name(path.name + ".lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        try:
            holder = _read(path.with_name(path.name + ".runs"))[0]["holder"]
        except (OSError, ValueError, KeyError, TypeError):
            holder = "another process"
        raise RuntimeError(f"{path} is being written by {holder}: wait until it is done, stop it, "
                           "or choose another path; two studies in one file would undo each "
                           "other's rows") from None
    try:
        yield
    finally:
        lock.release()


def _read(path: Path) -> tuple[dict | None, list[dict], dict[int, bytes]]:
    """(head, rows, {number of a line: an odd one}) of a journal; head None where nothing is there.

    The last line of a killed study may be torn, and is left out. ValueError for an odd head.
    """
    if not path.exists():
        return None, [], {}
    lines = path.read_bytes().split(b"\n")
    torn = lines.pop()
    if _row(torn):
        lines.append(torn)
    if not any(lines):
        return None, [], {}
    head, rows, odd = _json(lines[0]), [], {}
    if not _is_head(head):
        raise ValueError(f"line 1 of {path} is no head of a study's journal: {FORGET}")
    for number, line in enumerate(lines[1:], 2):
        row = _row(line)
        if row and ("checksum" in row or not head.get("checksums")):       # older rows have none
            rows.append(row)
        elif line.strip():
            odd[number] = line
    return head, rows, odd


def _json(line: bytes):
    try:
        return json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


def _is_head(head) -> bool:
    """A study's name; where there are fingerprints, lists of places in the list of parts."""
    if not isinstance(head, dict) or not isinstance(head.get("study"), str):
        return False
    table, known = head.get("parts", []), head.get("fingerprints", {})
    return (isinstance(table, list) and isinstance(known, dict)
            and all(isinstance(item, list) and len(item) == 2
                    and all(isinstance(word, str) for word in item) for item in table)
            and all(isinstance(numbers, list)
                    and all(type(i) is int and 0 <= i < len(table) for i in numbers)
                    for numbers in known.values()))


def _row(line: bytes) -> dict | None:
    """A result that a study wrote; None for anything else, also one that was changed since."""
    row = _json(line)
    if not isinstance(row, dict) or not all(isinstance(row.get(name, ""), str)
                                            for name in ("key", "fingerprint", "error")):
        return None
    names = row.get("settings", [])
    if "key" not in row or not isinstance(names, list) or not all(
            isinstance(name, str) and name in row for name in names):
        return None
    if not all(isinstance(value, PLAIN) for name, value in row.items() if name != "settings"):
        return None
    if "settings" in row and key_of({name: row[name] for name in names}) != row["key"]:
        return None
    if "checksum" in row and _summed(row) != row:
        return None
    return row


def written_so_far(path) -> list[dict]:
    """The rows of a study at `path` that is done, stopped, or played at this moment, without those
    that ended with an error. ValueError where no study has begun there."""
    _, runs = places(path, fresh=True)
    rows = [row for row in _read(runs)[1] if "error" not in row]
    if not rows:
        raise ValueError(f"no contest is done yet in {runs}: choose another path, or wait")
    return [_shown(row) for row in {row["key"]: row for row in rows}.values()]


class Journal:
    """A head, then a line for each finished run, written when it finishes.

    The head names the study, who writes, and for each fingerprint what it was made of, so that a
    refusal can say what changed: `parts` is the list of all [name, value], `fingerprints` their
    numbers. ValueError for the journal of another study.
    """

    def __init__(self, path: Path, run, found: Mapping[str, dict], fresh: bool):
        self.path = path
        self.found, self.now = found, {key: fingerprint(made) for key, made in found.items()}
        while isinstance(run, functools.partial):
            run = run.func
        self.study = getattr(run, "__qualname__", type(run).__qualname__)
        head, rows, self.odd = (None, [], {}) if fresh else _read(path)
        head = head or {"study": self.study}
        if head["study"] != self.study:
            raise ValueError(f"{self.path} holds another study ({head['study']}): {FORGET}")
        self.rows = {row["key"]: row for row in rows}
        table = head.get("parts", [])
        self.known = {name: dict(table[i] for i in numbers)
                      for name, numbers in head.get("fingerprints", {}).items()}

    def stale(self) -> list[str]:
        """Keys of the results asked for that something else than now has computed."""
        return [key for key in self.now if key in self.rows and "error" not in self.rows[key]
                and not self._is_current(key)]

    def refusal(self, old: list[str]) -> str:
        """What changed, how many rows it concerns, and what can be done."""
        said = {}
        for key in old:
            made = self.known.get(self.rows[key].get("fingerprint"))
            said |= dict.fromkeys(["their code, which was not written down"] if made is None
                                  else changes(made, self.found[key]))
        return (f"{self.path} holds {len(old)} results ({self.study}) of other code, data or "
                f"versions, of {len(self.now)} asked for. Changed: {some(list(said))}. Choose "
                'another path, or stale="again" to compute these anew and keep the others, or '
                "fresh=True to forget all; nothing has been touched")

    def open(self):
        """Anew, without torn or doubled lines, and with this process as the holder."""
        self._keep_odd_lines()
        kept = {row.get("fingerprint") for row in self.rows.values()}
        self.known = {name: made for name, made in self.known.items() if name in kept}
        self.known |= {name: self.found[key] for key, name in self.now.items()}
        table = {}
        numbers = {name: [table.setdefault(item, len(table)) for item in made.items()]
                   for name, made in self.known.items()}
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        self.rows = {key: _summed(row) for key, row in self.rows.items()}
        head = {"study": self.study, "checksums": True,
                "holder": f"process {os.getpid()} on {platform.node()}, since {since}",
                "fingerprints": numbers, "parts": list(table)}
        with _told(self.path), atomic_write(self.path) as file:
            file.write("".join(json.dumps(line) + "\n"
                               for line in [head, *self.rows.values()]).encode())
        self.file = open(self.path, "ab", buffering=0)

    def _keep_odd_lines(self):
        if not self.odd:
            return
        aside = self.path.with_name(self.path.name + ".odd")
        with _told(aside), open(aside, "ab") as file:
            file.writelines(line + b"\n" for line in self.odd.values())
        some_lines = some([str(number) for number in self.odd])
        print(f"{self.path}: no results in line {some_lines}; kept aside in {aside}", flush=True)

    def _is_current(self, key: str) -> bool:
        return self.rows[key].get("fingerprint") == self.now[key]

    def done(self) -> set[str]:
        """Keys that need no run."""
        return {key for key in self.now if key in self.rows and "error" not in self.rows[key]
                and self._is_current(key)}

    def current(self, todo) -> list[dict]:
        """The rows of now's code, also those with an error, in order; stale ones stay in the file.
        """
        return [_shown(self.rows[key]) for key in map(key_of, todo)
                if key in self.rows and self._is_current(key)]

    def others(self, run, todo) -> list[dict]:
        """Rows of earlier calls that the code of now would compute again, in their order."""
        names, found = list(todo[0]), []
        for key, row in self.rows.items():
            one = {name: row.get(name) for name in row.get("settings", names)}
            if key in self.now or "error" in row or key_of(one) != key:
                continue
            with contextlib.suppress(Exception):         # settings that the function knows no more
                if row.get("fingerprint") == fingerprint(parts(run, one)):
                    found.append(_shown(row))
        return found

    def add(self, one: dict, outcome: dict):
        """One result, on the disk when this returns. OSError where the disk is full: the journal
        then ends with the result before it."""
        key = key_of(one)
        row = _summed({"key": key, "settings": list(one), **one, **outcome,
                       "fingerprint": self.now[key]})
        left, before = json.dumps(row).encode() + b"\n", os.fstat(self.file.fileno()).st_size
        with _told(self.path, f"; {len(self.done())} results are kept, and the same call goes on "
                              "from there"):
            try:
                while left:
                    left = left[self.file.write(left):]
                os.fsync(self.file.fileno())
            except OSError:
                with contextlib.suppress(OSError):
                    self.file.truncate(before)
                raise
        self.rows[key] = row

    def close(self):
        with contextlib.suppress(OSError):
            self.file.close()


def _shown(row: dict) -> dict:
    return {name: value for name, value in row.items() if name not in ("settings", "checksum")}


@contextlib.contextmanager
def _told(path: Path, more: str = ""):
    """OSErrors with the file and the remedy."""
    try:
        yield
    except OSError as error:
        raise Unwritable(f"{path} cannot be written ({error.strerror or error}): {remedy(error)}"
                         f"{more}") from error


def read(text: str):
    """The number, truth value or word that a field of a table holds."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}.get(text, text)
    return value if isinstance(value, PLAIN) else text


def written(value):
    """A field that `read` reads as this very value: a word that looks like a number, as "1e5",
    stands in quotation marks, and so does one with a zero byte, which no table holds."""
    if isinstance(value, str):
        plain = value != "" and "\0" not in value and read(value) == value
        return value if plain else json.dumps(value)
    return json.dumps(value) if isinstance(value, (bool, type(None))) else value


def write_table(rows, path: Path) -> None:
    """One row a run, atomically; columns in the order in which they first appear, the study's own
    last. OSError."""
    names = dict.fromkeys(name for row in rows for name in row if name not in (*OWN, "key"))
    text = io.StringIO()
    table = csv.DictWriter(text, [*names, *OWN], extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    # True and None as JSON writes them, so that `load` gives back what was put in
    table.writerows({name: written(value) for name, value in row.items()} for row in rows)
    with _told(path), atomic_write(path) as file:
        # a word with half a character, as names of files may have, spoils no table
        file.write(text.getvalue().encode("utf-8", "backslashreplace"))
