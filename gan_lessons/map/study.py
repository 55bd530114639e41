"""Studies: one function over all combinations of its settings, from one core to a cluster.

    def train_one(objective, seed): ...; return {"distance": 12.3, "seconds": 40.1}

    rows = study(train_one, dict(objective=["gan", "wgan"], seed=[0, 1, 2]), "arena.csv")
    rows = study(train_one, dict(…), "arena.csv", cluster="tcp://10.0.0.1:8786")          the same, on a Dask cluster

Every finished run is written down at once, in arena.csv.runs; a study that was stopped, or killed, goes on where it was.
Used in notebooks/20_map.ipynb.
"""
from __future__ import annotations

import contextlib
import csv
import hashlib
import inspect
import io
import itertools
import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

PLAIN = (str, int, float, bool, type(None))


def combinations(settings) -> list[dict]:
    """{name: values} -> every combination, the last name moving fastest; a list of dictionaries stays as it is.

    ValueError for no combination, or one that stands twice; TypeError for values that are no plain numbers or words.
    """
    if isinstance(settings, Mapping):
        values = [list(v) if isinstance(v, Iterable) and not isinstance(v, str) else [v] for v in settings.values()]
        settings = [dict(zip(settings, chosen)) for chosen in itertools.product(*values)]
    settings = [dict(one) for one in settings]
    for one in settings:
        for name, value in one.items():
            if not isinstance(value, PLAIN):
                raise TypeError(f"{name} = {value!r}: settings are numbers and words, so that a file can hold them; look "
                                "the object up by its name inside the function")
    if not settings:
        raise ValueError("no combination of settings: give each name one value or more")
    if len({_key(one) for one in settings}) < len(settings):
        raise ValueError("a combination of settings stands twice; a repetition wants a setting of its own, as seed=range(5)")
    return settings


def study(run: Callable[..., Mapping], settings, path, *, cluster: str | None = None, processes: int | None = None,
          watch: bool = True, fresh: bool = False) -> list[dict]:
    """run(**one) for every combination; the rows, in order, also as a tidy CSV file at `path`.

    run: settings -> a dictionary of numbers and words. What it raises is written down as `error`; the others go on,
        and a failed run is tried again the next time.
    cluster: address of a Dask scheduler, or a `distributed.Client`; without one, joblib with `processes` (all cores).
    fresh: forget what is written at `path`. A row holds the settings, the result, `error`, `seconds`, `finished`, `versions`.
    ValueError where `path` holds another study, or one of other code; RuntimeError where processes die again and again.
    """
    todo = combinations(settings)
    journal = _Journal(Path(path), run, fresh)
    wanted = [one for one in todo if "error" in journal.rows.get(_key(one), {"error": ""})]
    bar = _bar(len(todo), len(todo) - len(wanted), watch)
    try:
        for one, outcome in _on_cluster(run, wanted, cluster) if cluster else _on_cores(run, wanted, processes):
            journal.add(one, outcome)
            bar.update(1)
            if "error" in outcome:
                bar.write(f"failed: {one}: {outcome['error']}")
    finally:
        bar.close()
        journal.close()
        rows = [journal.rows[_key(one)] for one in todo if _key(one) in journal.rows]
        _write_csv(rows, Path(path))
    return rows


def load(path) -> list[dict]:
    """The rows of a tidy file that `study` wrote: numbers as numbers, empty fields left out. FileNotFoundError names it."""
    with open(path, encoding="utf-8", newline="") as file:
        return [{name: _value(text) for name, text in row.items() if text != ""} for row in csv.DictReader(file)]


# -- where runs happen ---------------------------------------------------------------------------------

def _attempt(run, one: dict) -> dict:
    """The result of one run, or its error, with seconds and versions. Runs in a worker."""
    start = time.perf_counter()
    try:
        outcome = dict(run(**one))
        if strange := [name for name, value in outcome.items() if not isinstance(value, PLAIN)]:
            raise TypeError(f"{', '.join(strange)} of the result are no plain numbers or words: use float(...) or .item()")
        if twice := outcome.keys() & (one.keys() | {"error", "seconds", "finished", "versions"}) - {"seconds"}:
            raise ValueError(f"{', '.join(sorted(twice))} of the result are names of settings or of the study: rename them")
        json.dumps(outcome)
    except Exception as error:
        outcome = {"error": f"{type(error).__name__}: {error}"}
    return {**outcome, "seconds": round(outcome.get("seconds", time.perf_counter() - start), 3),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "versions": _versions()}


def _versions() -> str:
    from importlib.metadata import PackageNotFoundError, version
    found = [f"python {platform.python_version()}"]
    for name in ("gan-lessons", "torch", "numpy"):
        with contextlib.suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return ", ".join(found)


def _on_cores(run, wanted, processes):
    """(settings, outcome) as runs finish. A process that dies takes no result with it: the rest is begun again."""
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    def numbered(i, one):
        return i, _attempt(run, one)

    left, deaths = dict(enumerate(wanted)), 0
    while left:
        try:
            with parallel_config(backend="loky", inner_max_num_threads=1):
                done = Parallel(n_jobs=processes or os.cpu_count(), return_as="generator_unordered")(
                    delayed(numbered)(i, one) for i, one in list(left.items()))
                for i, outcome in done:
                    yield left.pop(i), outcome
                    deaths = 0
        except TerminatedWorkerError as error:
            deaths += 1
            if deaths == 3:
                raise RuntimeError(f"a process died three times with {len(left)} runs to go, the first of them "
                                   f"{next(iter(left.values()))}: out of memory? What is done is kept; give fewer "
                                   "processes=, and run the study again to go on") from error


def _on_cluster(run, wanted, cluster):
    """(settings, outcome) as runs finish on a Dask cluster; runs of a worker that dies are given to another."""
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise ImportError("a cluster needs Dask: pip install distributed, here and on the workers") from error
    ours = not isinstance(cluster, Client)
    client = Client(cluster) if ours else cluster
    try:
        futures = {client.submit(_attempt, run, one, pure=False): one for one in wanted}
        for future in as_completed(list(futures)):
            one = futures.pop(future)
            if future.status == "finished":
                yield one, future.result()
            else:
                yield one, {"error": f"{type(future.exception()).__name__}: {future.exception()}"}
    finally:
        if ours:
            client.close()


# -- what is written down ------------------------------------------------------------------------------

class _Journal:
    """A line for each finished run, written when it finishes; the last line of a killed study may be torn."""

    def __init__(self, path: Path, run, fresh: bool):
        self.path = path.with_name(path.name + ".runs")
        head = {"study": getattr(run, "__qualname__", repr(run)), "code": _code(run)}
        self.rows = {} if fresh else self._read(head)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = [head, *self.rows.values()]                      # anew, without torn or doubled lines
        part = self.path.with_name(self.path.name + ".part")
        part.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        os.replace(part, self.path)
        self.file = open(self.path, "a", encoding="utf-8")

    def _read(self, head) -> dict:
        if not self.path.exists():
            return {}
        lines = []
        for text in self.path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                lines.append(json.loads(text))
        was, rows = (lines or [{}])[0], lines[1:]
        if was != head:
            what = "another study" if was.get("study") != head["study"] else "a study of other code"
            raise ValueError(f"{self.path} holds {what} ({was.get('study')}): choose another path, or fresh=True to "
                             "forget it")
        return {row["key"]: row for row in rows}

    def add(self, one: dict, outcome: dict):
        row = {"key": _key(one), **one, **outcome}
        self.rows[row["key"]] = row
        self.file.write(json.dumps(row) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def close(self):
        self.file.close()


def _key(one: dict) -> str:
    return hashlib.sha256(json.dumps(one, sort_keys=True).encode()).hexdigest()[:16]


def _code(run) -> str:
    """A fingerprint of the function's text, so that results of other code are not mixed in."""
    try:
        text = inspect.getsource(run)
    except (OSError, TypeError):
        text = ""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _write_csv(rows, path: Path):
    """One row a run, atomically; columns in the order in which they first appear, the study's own last."""
    last = ("error", "seconds", "finished", "versions")
    names = dict.fromkeys(name for row in rows for name in row if name not in (*last, "key"))
    text = io.StringIO()
    table = csv.DictWriter(text, [*names, *last], extrasaction="ignore", lineterminator="\n")
    table.writeheader()
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
    import sys

    from tqdm import tqdm
    return tqdm(total=total, initial=done, desc="runs", disable=not watch, file=sys.stdout)
