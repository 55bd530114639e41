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
import inspect
import io
import itertools
import json
import math
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from ..data.files import ADDRESS
from ..training.code import PLAIN
from .fingerprint import changes, fingerprint, parts, versions
from .journal import OWN, Journal, alone, key_of, places, read, some, write_table

MOST = 1_000_000                        # combinations of one study
RESERVED = {*OWN, "key", "settings", "checksum"}        # names of the study's own in a row


def combinations(settings) -> list[dict]:
    """{name: values} -> every combination, the last name moving fastest; a list of dictionaries
    stays as it is.

    ValueError for no combination, one that stands twice, or a name of the study's own; TypeError
    for values that are no plain numbers or words.
    """
    if isinstance(settings, Mapping):
        values = [_values(name, found) for name, found in settings.items()]
        _check_many(math.prod(map(len, values)))
        settings = [dict(zip(settings, chosen)) for chosen in itertools.product(*values)]
    settings = list(itertools.islice(settings, MOST + 1)) if isinstance(settings, Iterable) else [
        settings]
    _check_many(len(settings))
    if not all(isinstance(one, Mapping) for one in settings):
        raise TypeError("settings are {name: values}, or a list of dictionaries, not "
                        f"{settings!r:.80}")
    settings = [{name: value.item() if isinstance(value, (np.generic, np.ndarray))
                 and value.shape == () else value for name, value in one.items()}
                for one in settings]
    for one in settings:
        for name, value in one.items():
            if not isinstance(name, str) or not name.strip() or name in RESERVED:
                raise ValueError(f"{name!r} is no name for a setting: the study's own are "
                                 f"{', '.join(sorted(RESERVED))}")
            if not isinstance(value, PLAIN):
                raise TypeError(f"{name} = {value!r}: settings are numbers and words, so that a "
                                "file can hold them; look the object up by its name inside the "
                                "function")
            if isinstance(value, int) and value.bit_length() > 1000:
                raise ValueError(f"{name} is a number of more than 300 digits: settings are "
                                 "numbers that a table can hold")
    if not settings:
        raise ValueError("no combination of settings: give each name one value or more")
    if len({key_of(_as_real(one)) for one in settings}) < len(settings):
        raise ValueError("a combination of settings stands twice; a repetition wants a setting of "
                         "its own, as seed=range(5)")
    return settings


def _values(name, values) -> list:
    """The values of one name: those of a list or the like, or a single one."""
    single = not isinstance(values, Iterable) or isinstance(values, (str, bytes, Mapping))
    if single or getattr(values, "shape", None) == ():
        return [values]
    values = list(itertools.islice(values, MOST + 1))        # some never end
    _check_many(len(values))
    return values


def _check_many(combinations: int):
    if combinations > MOST:
        raise ValueError(f"more than {MOST:,} combinations of settings: give each name fewer "
                         "values")


def _as_real(one: Mapping) -> dict:
    """Settings in which 1 and 1.0 are one number, and True another."""
    return {name: float(value) if type(value) is int and abs(value) < 2 ** 53 else value
            for name, value in one.items()}


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
    if not callable(also):
        raise TypeError(f"depends takes a function of the settings that gives a dictionary, as "
                        f"lambda name, seed: TABLE[name], not {also!r:.80}")

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
    The file also keeps what earlier calls computed with the same code. Lines of the journal that
    are no results are named and kept aside.
    Before the first run: TypeError, ValueError for what cannot be played; ValueError where `path`
    holds another study, a reader's own file, stale rows, or rows whose journal is gone; OSError
    where nothing can be written; RuntimeError where another process plays this study at this
    moment. Later: OSError where the disk fills up, RuntimeError where processes die again and
    again; what is done is kept.
    """
    if type(fresh) is not bool:              # a word as "no" is true: it would delete all results
        raise ValueError(f"fresh={fresh!r}: True to forget what is written there, or False")
    if stale not in ("refuse", "again"):
        raise ValueError(f'stale={stale!r}: choose "refuse" or "again"')
    if not isinstance(aside or {}, Mapping):
        raise TypeError(f"aside = {aside!r:.80}: a dictionary of what every run is handed besides, "
                        "as dict(folder=...)")
    _check_cluster(cluster)
    todo, aside = combinations(settings), dict(aside or {})
    _check_call(run, todo, aside, processes)
    path, runs = places(path, fresh)
    with alone(path):
        unseen = set()
        found = {key_of(one): parts(run, one, unseen) for one in todo}
        if unseen:
            print(f"cannot be compared: {', '.join(sorted(unseen))}. A study takes another one "
                  "for the same.", flush=True)
        journal = Journal(runs, run, found, fresh)
        if (old := journal.stale()) and stale == "refuse":
            raise ValueError(journal.refusal(old))
        others = journal.others(run, todo)      # before a run loads modules that would count anew
        journal.open()
        done = journal.done()
        work = [(one, found[key_of(one)]) for one in todo if key_of(one) not in done]
        bar = _bar(len(todo), len(done), watch)
        try:
            for one, outcome in (_on_cluster(run, work, aside, cluster) if cluster
                                 else _on_cores(run, work, aside, processes)):
                journal.add(one, outcome)
                bar.update(1)
                if "error" in outcome:
                    bar.write(f"failed: {one}: {outcome['error']}")
        except BaseException:
            with contextlib.suppress(OSError):           # the first error says what is wrong
                write_table([*journal.current(todo), *others], path)
            raise
        finally:
            bar.close()
            journal.close()
        rows = journal.current(todo)
        write_table([*rows, *others], path)
    return rows


def _check_cluster(cluster):
    """TypeError, ValueError for what is no address of a scheduler; of a Client itself, nothing."""
    if cluster is None or hasattr(cluster, "submit"):
        return
    if not isinstance(cluster, str):
        raise TypeError(f"cluster is the address of a Dask scheduler or a Client, not {cluster!r}")
    if cluster and not re.search(r":\d+$|^inproc://", cluster.rstrip("/")):
        raise ValueError(f"cluster = {cluster!r}: the address of a Dask scheduler ends with its "
                         "port, as tcp://10.0.0.1:8786")


def _check_call(run, todo, aside, processes):
    """TypeError, ValueError where no run could begin: better once than for every combination."""
    if not callable(run):
        raise TypeError(f"a study plays a function of its settings, not {run!r:.80}")
    if processes is not None and (type(processes) is not int or processes < 1):
        raise ValueError(f"processes={processes!r}: a whole number, 1 or more, or None for all "
                         "cores")
    if twice := sorted({name for one in todo for name in one} & aside.keys()):
        raise ValueError(f"{', '.join(twice)} of aside are settings as well: rename them")
    try:
        signature = inspect.signature(run)
    except (TypeError, ValueError):                      # built in: it says what it wants itself
        return
    for one in todo:
        try:
            signature.bind(**one, **aside)
        except TypeError as error:
            raise TypeError(f"{getattr(run, '__name__', run)}{signature} cannot be called with "
                            f"{', '.join([*one, *aside])}: {error}") from None


def load(path) -> list[dict]:
    """The rows of a tidy file that `study` wrote: numbers as numbers, empty fields left out, words
    as words, also where they look like numbers. OSError names a file that is not there or cannot be
    read, ValueError one that is no table: empty, damaged, of lines that differ in length, of a
    column that stands twice or has no name, of fields parted by semicolons or tabs; TypeError for
    what is no path."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"a table is loaded from the path of a file, as 'arena.csv', not {path!r}")
    if ADDRESS.match(os.fspath(path)):
        raise ValueError(f"{os.fspath(path)!r} is an address: fetch the file, and give its path "
                         "here")
    limit = csv.field_size_limit(2 ** 31 - 1)       # a word may have more than 131,072 letters
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:  # Excel begins it with a mark
            text = file.read()
        table = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        rows, names = list(table), table.fieldnames or []
    except OSError as error:
        raise type(error)(error.errno, f"{path} cannot be read ({error.strerror}): give the path "
                          "of the table that a study wrote, as 'arena.csv'") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is no table of a study ({error}): save it as a table with commas "
                         "in UTF-8, or run the study again") from error
    finally:
        csv.field_size_limit(limit)
    if not names or "\0" in text:
        what = "holds zeros in place of letters" if names else "is empty"
        raise ValueError(f"{path} is no table of a study: it {what}, as a write that was broken "
                         "off leaves it; run the study again, which knows what is done")
    if any(None in row or None in row.values() for row in rows):
        raise ValueError(f"{path} is no table of a study: its lines have not the same length")
    if len(set(names)) < len(names):
        raise ValueError(f"{path} is no table of a study: a column stands twice, one of "
                         f"{', '.join(names):.200}; rename it")
    if text.lstrip()[:1] == "<":
        raise ValueError(f"{path} is no table of a study but a page of the web: fetch the file "
                         "itself")
    if "" in names and len(names) > 1:
        raise ValueError(f"{path} is no table of a study: a column has no name; name it, or save "
                         "the table without the numbers of its rows")
    for mark, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and mark in names[0]:
            raise ValueError(f"{path} is no table of a study: its fields are parted by {word}; "
                             "save it with commas")
    return [{name: read(text) for name, text in row.items() if text != ""} for row in rows]


# -- where runs happen -------------------------------------------------------------------------

_agreed: set[str] = set()           # fingerprints that this process has found to be its own


def _attempt(run, one: dict, expected: dict, aside: dict) -> dict:
    """The result of one run, or its error, with seconds and versions. Runs in a worker."""
    start = time.perf_counter()
    try:
        _agree(run, one, expected)
        outcome = _returned(run(**one, **aside))
        _check(outcome, one, expected)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:           # also SystemExit: it ends its run and no other
        outcome = {"error": _said(error)}
    return {**outcome, "seconds": round(outcome.get("seconds", time.perf_counter() - start), 3),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "versions": ", ".join(f"{name} {number}" for name, number in versions().items())}


def _returned(result) -> dict:
    """What a run returned as a dictionary; TypeError, with the remedy, for what is none."""
    try:
        return dict(result)
    except (TypeError, ValueError) as error:
        remedy = "write return" if result is None else "as {'score': 1.5}"
        if hasattr(result, "close"):
            result.close()                       # a coroutine that nobody will await
        raise TypeError("a run returns a dictionary of numbers and words, not "
                        f"{type(result).__name__}: {remedy}") from error


def _said(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:                        # an error that cannot be put into words
        return type(error).__name__


def _agree(run, one, expected):
    """RuntimeError where this worker would compute by other code or data than the study's."""
    if fingerprint(expected) in _agreed:
        return
    if other := changes(expected, parts(run, one)):
        raise RuntimeError(f"process {os.getpid()} on {platform.node()} has other code, data or "
                           f"versions than the study: {some(other)}; bring it up to date and "
                           "start it again")
    _agreed.add(fingerprint(expected))


def _check(outcome, one, expected):
    if strange := [name for name, value in outcome.items() if not isinstance(value, PLAIN)]:
        raise TypeError(f"{', '.join(strange)} of the result are no plain numbers or words: use "
                        "float(...) or .item()")
    if strange := [name for name in outcome if not isinstance(name, str) or not name.strip()]:
        raise TypeError(f"{strange[0]!r} of the result is no name: the columns of a file are words")
    if type(outcome.get("seconds", 0)) not in (int, float):
        raise TypeError(f"seconds of the result are {outcome['seconds']!r}, and must be a number")
    if twice := outcome.keys() & ({*one, *RESERVED} - {"seconds"}):
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


def _bar(total: int, done: int, watch: bool):
    from tqdm import tqdm
    return tqdm(total=total, initial=done, desc="runs", disable=not watch, file=sys.stdout)
