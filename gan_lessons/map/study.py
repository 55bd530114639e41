"""Studies: one function over all combinations of its settings, from one core to a cluster.

    def train_one(objective, seed): ...; return {"distance": 12.3, "seconds": 40.1}

    rows = study(train_one, dict(objective=["gan", "wgan"], seed=[0, 1, 2]), "arena.csv")
    rows = study(train_one, dict(…), "arena.csv", cluster="tcp://10.0.0.1:8786")    on Dask workers

Every finished run is written down at once, in arena.csv.runs; a study that was stopped, or killed,
goes on where it was. Results of other code, data or versions are refused, never mixed: each row
bears the fingerprint of what it depends on (gan_lessons/map/fingerprint.py).
Used in notebooks/20_map.ipynb.
"""
from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import itertools
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ..training.code import PLAIN
from .fingerprint import changes, fingerprint, parts, versions

STUDYS_OWN = ("error", "seconds", "finished", "versions", "fingerprint")     # the last columns
SHOWN = 8                                   # changed modules that a refusal names


def combinations(settings) -> list[dict]:
    """{name: values} -> every combination, the last name moving fastest; a list of dictionaries
    stays as it is.

    ValueError for no combination, or one that stands twice; TypeError for values that are no plain
    numbers or words.
    """
    if isinstance(settings, Mapping):
        values = [list(v) if isinstance(v, Iterable) and not isinstance(v, str) else [v]
                  for v in settings.values()]
        settings = [dict(zip(settings, chosen)) for chosen in itertools.product(*values)]
    settings = [dict(one) for one in settings]
    for one in settings:
        for name, value in one.items():
            if not isinstance(value, PLAIN):
                raise TypeError(f"{name} = {value!r}: settings are numbers and words, so that a "
                                "file can hold them; look the object up by its name inside the "
                                "function")
    if not settings:
        raise ValueError("no combination of settings: give each name one value or more")
    if len({_key(one) for one in settings}) < len(settings):
        raise ValueError("a combination of settings stands twice; a repetition wants a setting of "
                         "its own, as seed=range(5)")
    return settings


def depends(also: Callable[..., Mapping], apart: Iterable = ()):
    """@depends(also, apart) above a study function: what a row depends on, where rows differ in it.

        TABLE = {"gan": play_gan, "wgan": play_wgan}

        @depends(lambda name, seed: {"entry": TABLE[name], "data": "mnist, a1b2c3"}, apart=[TABLE])
        def train_one(name, seed): ...

    also: settings -> a dictionary of functions or other objects, whose code counts, and of words
        that count as they are. Where the result bears one of its names it must say the same words.
    apart: objects that the function uses but that do not count as a whole. Here a change of
        play_wgan makes the rows of "wgan" stale, and no others.
    """
    def mark(run):
        run.depends, run.apart = also, tuple(apart)
        return run
    return mark


def study(run: Callable[..., Mapping], settings, path, *, cluster: str | None = None,
          processes: int | None = None, watch: bool = True, fresh: bool = False,
          stale: str = "refuse", aside: Mapping | None = None) -> list[dict]:
    """run(**one) for every combination; the rows, in order, also as a tidy CSV file at `path`.

    run: settings -> a dictionary of numbers and words. What it raises is written down as `error`;
        the others go on, and a failed run is tried again the next time.
    cluster: address of a Dask scheduler, or a `distributed.Client`; without one, joblib with
        `processes` (all cores).
    fresh: forget what is written at `path`.
    stale: rows that were computed by other code, data or versions are refused; with "again" these
        alone are computed anew, and none of them is returned before it is.
    aside: what every run is handed besides its settings and that changes no result, as a folder.
    A row holds the settings, the result, `error`, `seconds`, `finished`, `versions`, `fingerprint`.
    ValueError where `path` holds another study, or stale rows; RuntimeError where another process
    plays this study at this moment, or where processes die again and again.
    """
    if stale not in ("refuse", "again"):
        raise ValueError(f'stale={stale!r}: choose "refuse" or "again"')
    todo = combinations(settings)
    path, aside = Path(path), dict(aside or {})
    found = {_key(one): parts(run, one) for one in todo}
    with _alone(path):
        journal = _Journal(path, run, found, fresh)
        if (old := journal.stale()) and stale == "refuse":
            raise ValueError(journal.refusal(old))
        journal.open()
        done = journal.done()
        work = [(one, found[_key(one)]) for one in todo if _key(one) not in done]
        bar = _bar(len(todo), len(done), watch)
        try:
            for one, outcome in (_on_cluster(run, work, aside, cluster) if cluster
                                 else _on_cores(run, work, aside, processes)):
                journal.add(one, outcome)
                bar.update(1)
                if "error" in outcome:
                    bar.write(f"failed: {one}: {outcome['error']}")
        finally:
            bar.close()
            journal.close()
            rows = journal.current(todo)
            _write_csv(rows, path)
    return rows


def load(path) -> list[dict]:
    """The rows of a tidy file that `study` wrote: numbers as numbers, empty fields left out.
    FileNotFoundError names it."""
    with open(path, encoding="utf-8", newline="") as file:
        return [{name: _value(text) for name, text in row.items() if text != ""}
                for row in csv.DictReader(file)]


# -- where runs happen -------------------------------------------------------------------------

_agreed: set[str] = set()           # fingerprints that this process has found to be its own


def _attempt(run, one: dict, expected: dict, aside: dict) -> dict:
    """The result of one run, or its error, with seconds and versions. Runs in a worker."""
    start = time.perf_counter()
    try:
        _agree(run, one, expected)
        outcome = dict(run(**one, **aside))
        _check(outcome, one, expected)
    except Exception as error:
        outcome = {"error": f"{type(error).__name__}: {error}"}
    return {**outcome, "seconds": round(outcome.get("seconds", time.perf_counter() - start), 3),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "versions": ", ".join(f"{name} {number}" for name, number in versions().items())}


def _agree(run, one, expected):
    """RuntimeError where this worker would compute by other code or data than the study's."""
    if fingerprint(expected) in _agreed:
        return
    if other := changes(expected, parts(run, one)):
        raise RuntimeError(f"process {os.getpid()} on {platform.node()} has other code, data or "
                           f"versions than the study: {_some(other)}; bring it up to date and "
                           "start it again")
    _agreed.add(fingerprint(expected))


def _check(outcome, one, expected):
    if strange := [name for name, value in outcome.items() if not isinstance(value, PLAIN)]:
        raise TypeError(f"{', '.join(strange)} of the result are no plain numbers or words: use "
                        "float(...) or .item()")
    if twice := outcome.keys() & ({*one, *STUDYS_OWN} - {"seconds"}):
        raise ValueError(f"{', '.join(sorted(twice))} of the result are names of settings or of "
                         "the study: rename them")
    for name in outcome.keys() & expected.keys():       # the data, loaded again by the run
        if outcome[name] != expected[name]:
            raise ValueError(f"{name} of the result is {outcome[name]}, and was {expected[name]} "
                             "when the study began")
    json.dumps(outcome)


def _on_cores(run, work, aside, processes):
    """(settings, outcome) as runs finish. A process that dies takes no result with it: the rest is
    begun again."""
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    def numbered(i, one, expected):
        return i, _attempt(run, one, expected, aside)

    left, deaths = dict(enumerate(work)), 0
    while left:
        try:
            with parallel_config(backend="loky", inner_max_num_threads=1):
                done = Parallel(n_jobs=processes or os.cpu_count(),
                                return_as="generator_unordered")(
                    delayed(numbered)(i, *one) for i, one in list(left.items()))
                for i, outcome in done:
                    yield left.pop(i)[0], outcome
                    deaths = 0
        except TerminatedWorkerError as error:
            deaths += 1
            if deaths == 3:
                raise RuntimeError(f"a process died three times with {len(left)} runs to go, the "
                                   f"first of them {next(iter(left.values()))[0]}: out of memory? "
                                   "What is done is kept; give fewer processes=, and run the study "
                                   "again to go on") from error


def _on_cluster(run, work, aside, cluster):
    """(settings, outcome) as runs finish on a Dask cluster; runs of a worker that dies are given to
    another."""
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise ImportError("a cluster needs Dask: pip install distributed, here and on the "
                          "workers") from error
    ours = not isinstance(cluster, Client)
    client = Client(cluster) if ours else cluster
    try:
        futures = {client.submit(_attempt, run, one, expected, aside, pure=False): one
                   for one, expected in work}
        for future in as_completed(list(futures)):
            one = futures.pop(future)
            if future.status == "finished":
                yield one, future.result()
            else:
                yield one, {"error": f"{type(future.exception()).__name__}: {future.exception()}"}
    finally:
        if ours:
            client.close()


# -- what is written down ----------------------------------------------------------------------

@contextlib.contextmanager
def _alone(path: Path):
    """RuntimeError while another process plays the study at `path`. The operating system holds the
    lock, so that it is free as soon as its holder is dead; the empty file beside the journal stays.
    """
    from filelock import FileLock, Timeout
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(path.name + ".lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        runs = path.with_name(path.name + ".runs")
        holder = next(iter(_lines(runs)), {}).get("holder", "another process")
        raise RuntimeError(f"{path} is being written by {holder}: wait until it is done, stop it, "
                           "or choose another path; two studies in one file would undo each "
                           "other's rows") from None
    try:
        yield
    finally:
        lock.release()


def _lines(path: Path) -> list[dict]:
    """The lines of a journal; the last one of a killed study may be torn."""
    lines = []
    if path.exists():
        for text in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                lines.append(json.loads(text))
    return lines


class _Journal:
    """A head, then a line for each finished run, written when it finishes.

    The head names the study, who writes, and for each fingerprint what it was made of, so that a
    refusal can say what changed: `parts` is the list of all [name, value], `fingerprints` their
    numbers.
    """

    def __init__(self, path: Path, run, found: Mapping[str, dict], fresh: bool):
        self.path = path.with_name(path.name + ".runs")
        self.found, self.now = found, {key: fingerprint(made) for key, made in found.items()}
        self.study = getattr(run, "__qualname__", repr(run))
        head, *rows = ([] if fresh else _lines(self.path)) or [{"study": self.study}]
        if head.get("study") != self.study:
            raise ValueError(f"{self.path} holds another study ({head.get('study')}): choose "
                             "another path, or fresh=True to forget it")
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
                f"versions, of {len(self.now)} asked for. Changed: {_some(list(said))}. Choose "
                'another path, or stale="again" to compute these anew and keep the others, or '
                "fresh=True to forget all; nothing has been touched")

    def open(self):
        """Anew, without torn or doubled lines, and with this process as the holder."""
        kept = {row.get("fingerprint") for row in self.rows.values()}
        self.known = {name: made for name, made in self.known.items() if name in kept}
        self.known |= {name: self.found[key] for key, name in self.now.items()}
        table = {}
        numbers = {name: [table.setdefault(item, len(table)) for item in made.items()]
                   for name, made in self.known.items()}
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        head = {"study": self.study,
                "holder": f"process {os.getpid()} on {platform.node()}, since {since}",
                "fingerprints": numbers, "parts": list(table)}
        part = self.path.with_name(self.path.name + ".part")
        part.write_text("".join(json.dumps(line) + "\n" for line in [head, *self.rows.values()]),
                        encoding="utf-8")
        os.replace(part, self.path)
        self.file = open(self.path, "a", encoding="utf-8")

    def _is_current(self, key: str) -> bool:
        return self.rows[key].get("fingerprint") == self.now[key]

    def done(self) -> set[str]:
        """Keys that need no run."""
        return {key for key in self.now if key in self.rows and "error" not in self.rows[key]
                and self._is_current(key)}

    def current(self, todo) -> list[dict]:
        """The rows of now's code, also those with an error, in order; stale ones stay in the file.
        """
        return [self.rows[key] for key in map(_key, todo)
                if key in self.rows and self._is_current(key)]

    def add(self, one: dict, outcome: dict):
        key = _key(one)
        row = {"key": key, **one, **outcome, "fingerprint": self.now[key]}
        self.rows[key] = row
        self.file.write(json.dumps(row) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def close(self):
        self.file.close()


def _some(words: list[str]) -> str:
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more


def _key(one: dict) -> str:
    return hashlib.sha256(json.dumps(one, sort_keys=True).encode()).hexdigest()[:16]


def _write_csv(rows, path: Path):
    """One row a run, atomically; columns in the order in which they first appear, the study's own
    last."""
    names = dict.fromkeys(name for row in rows for name in row
                          if name not in (*STUDYS_OWN, "key"))
    text = io.StringIO()
    table = csv.DictWriter(text, [*names, *STUDYS_OWN], extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    # True and None as JSON writes them, so that `load` gives back what was put in
    table.writerows({name: json.dumps(value) if isinstance(value, (bool, type(None))) else value
                     for name, value in row.items()} for row in rows)
    part = path.with_name(path.name + ".part")
    part.write_text(text.getvalue(), encoding="utf-8")
    os.replace(part, path)


def _value(text: str):
    try:
        return json.loads(text)
    except ValueError:
        return {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}.get(text, text)


def _bar(total: int, done: int, watch: bool):
    from tqdm import tqdm
    return tqdm(total=total, initial=done, desc="runs", disable=not watch, file=sys.stdout)
