"""Studies: every combination once, whatever dies in between."""
import json
import math
import os
import pathlib
import platform
import signal
import subprocess
import sys
import time

import pytest

from gan_lessons.map import fingerprint as of
from gan_lessons.map.study import combinations, depends, load, study

GRID = {"name": ["gan", "wgan"], "seed": range(3)}
TABLE = {}


def score(name, seed):
    return {"distance": len(name) + seed / 7, "good": seed > 0, "word": name.upper()}


def picky(name, seed):
    if (name, seed) == ("wgan", 1):
        raise ArithmeticError("the loss became nan")
    return score(name, seed)


def logged(name, seed, folder):
    """Leaves a mark for each time it is begun."""
    with open(pathlib.Path(folder) / f"{name}{seed}", "a") as file:
        file.write("x")
    time.sleep(.1)
    return score(name, seed)


def deadly_once(name, seed, folder):
    """The process that runs it dies, the first time."""
    mark = pathlib.Path(folder) / f"died{name}{seed}"
    if (name, seed) == ("gan", 1) and not mark.exists():
        mark.write_text("")
        os._exit(1)
    return logged(name, seed, folder)


def deadly(name, seed):
    os._exit(1)


def results(rows):
    """Rows without what may differ from run to run."""
    differ = "seconds", "finished", "versions", "fingerprint", "folder"
    return [{k: v for k, v in row.items() if k not in differ} for row in rows]


def right(**more):
    return results(
        [{"name": n, "seed": s, **more, **score(n, s)} for n in ("gan", "wgan") for s in range(3)]
    )


def test_combinations():
    assert combinations({"a": [1, 2], "b": "xy", "c": (None, True)}) == [
        {"a": a, "b": "xy", "c": c} for a in (1, 2) for c in (None, True)]
    assert combinations([{"a": 1}, {"b": 2}]) == [{"a": 1}, {"b": 2}]
    for wrong, error, says in [
        ({"a": []}, ValueError, "no combination"),
        ({"a": [1, 1]}, ValueError, "twice"),
        ({"a": [{}]}, TypeError, "by its name"),
    ]:
        with pytest.raises(error, match=says):
            combinations(wrong)


@pytest.mark.parametrize("processes", [1, 2])
def test_every_combination_is_run_once_in_order_and_written_down(tmp_path, processes):
    path = tmp_path / "new folder" / "arena.csv"
    rows = study(score, GRID, path, processes=processes, watch=False)
    keyless = [{k: v for k, v in row.items() if k != "key"} for row in rows]
    assert results(keyless) == right() and results(load(path)) == right()
    assert load(path)[0].keys() == {
        "name",
        "seed",
        "distance",
        "good",
        "word",
        "seconds",
        "finished",
        "versions",
        "fingerprint",
    }
    assert "torch 2" in load(path)[0]["versions"] and load(path)[0]["seconds"] >= 0


LOADED = []


@depends(lambda name, seed: {"modules": f"{len(LOADED)} loaded"})
def loads_a_module(name, seed):
    LOADED.append(name)
    return score(name, seed)


def test_the_table_keeps_rows_of_earlier_calls_whatever_a_run_has_loaded(tmp_path):
    """What counts for an earlier row is asked before a run changes it."""
    for seed in (0, 1):
        LOADED.clear()
        study(loads_a_module, {"name": ["gan"], "seed": [seed]}, tmp_path / "a.csv", processes=1,
              watch=False)
    assert sorted(row["seed"] for row in load(tmp_path / "a.csv")) == [0, 1]


def test_one_failing_run_is_reported_and_tried_again(tmp_path, capsys):
    path = tmp_path / "arena.csv"
    rows = study(picky, GRID, path, processes=1)
    assert [("error" in row) for row in rows] == [False] * 4 + [True, False]
    assert (
        load(path)[4]["error"] == "ArithmeticError: the loss became nan"
        and "distance" not in load(path)[4]
    )
    assert "failed: {'name': 'wgan', 'seed': 1}: ArithmeticError" in capsys.readouterr().out
    again = study(picky, GRID, path, processes=1, watch=False)
    assert sum("error" in row for row in again) == 1 and len(load(path)) == 6


@pytest.mark.parametrize("result, says", [
    ({"x": object()}, "plain numbers"), ({"seed": 3}, "rename"), (3, "a dictionary"),
    ({"fingerprint": "a"}, "rename"),
])
def test_results_that_no_file_can_hold_are_errors_of_their_run(tmp_path, result, says):
    row, = study(lambda seed: result, {"seed": [0]}, tmp_path / "a.csv", processes=1, watch=False)
    assert says in row["error"]


def test_numbers_survive_the_file(tmp_path):
    values = {
        "a": 1e-17,
        "b": math.inf,
        "c": -3,
        "d": True,
        "e": None,
        "f": 'a, "b"\nc',
        "g": .1 + .2,
    }
    study(lambda seed: values, {"seed": [0]}, tmp_path / "a.csv", processes=1, watch=False)
    found = load(tmp_path / "a.csv")[0]
    assert {k: found[k] for k in values} == values
    study(lambda seed: {"a": math.nan}, {"seed": [0]}, tmp_path / "b.csv", processes=1, watch=False)
    assert math.isnan(load(tmp_path / "b.csv")[0]["a"])


def test_a_larger_study_runs_only_what_is_new(tmp_path):
    folder = str(tmp_path)
    path = tmp_path / "arena.csv"
    study(
        logged, {"name": ["gan"], "seed": [0, 1], "folder": folder}, path, processes=1, watch=False
    )
    rows = study(logged, {**GRID, "folder": folder}, path, processes=1, watch=False)
    assert results([{k: v for k, v in row.items() if k != "key"} for row in rows]) == right()
    assert all((tmp_path / f"{n}{s}").read_text() == "x" for n in ("gan", "wgan") for s in range(3))


def test_a_torn_line_is_run_again(tmp_path):
    path, folder = tmp_path / "arena.csv", str(tmp_path)
    study(logged, {**GRID, "folder": folder}, path, processes=1, watch=False)
    runs = path.with_name("arena.csv.runs")
    runs.write_text(runs.read_text()[:-30])
    study(logged, {**GRID, "folder": folder}, path, processes=1, watch=False)
    assert (tmp_path / "wgan2").read_text() == "xx" and (tmp_path / "wgan1").read_text() == "x"
    assert results(load(path)) == right() and len(runs.read_text().splitlines()) == 7


def test_results_of_another_study_are_not_mixed_in(tmp_path):
    path = tmp_path / "arena.csv"
    study(score, GRID, path, processes=1, watch=False)
    with pytest.raises(
        ValueError, match="another study .score.: choose another path, or fresh=True"
    ):
        study(picky, GRID, path, watch=False)
    assert results(load(path)) == right()
    assert len(study(picky, GRID, path, processes=1, watch=False, fresh=True)) == 6


def test_a_journal_without_fingerprints_is_refused_and_kept(tmp_path):
    """As the first edition wrote it: {"study", "code"}, rows that say nothing of their code."""
    path = tmp_path / "arena.csv"
    study(score, GRID, path, processes=1, watch=False)
    runs = path.with_name("arena.csv.runs")
    lines = [json.loads(text) for text in runs.read_text().splitlines()]
    lines[0] = {"study": "score", "code": "5f0c1a2b3c4d5e6f"}
    for row in lines[1:]:
        del row["fingerprint"], row["checksum"]
    before = "".join(json.dumps(line) + "\n" for line in lines)
    runs.write_text(before)
    says = "holds 6 results .score. of other code.*of 6 asked for.*which was not written down"
    with pytest.raises(ValueError, match=says):
        study(score, GRID, path, watch=False)
    assert runs.read_text() == before and results(load(path)) == right()


def of_table(name, seed):
    return {"x": TABLE[name](seed)}


def test_a_changed_entry_makes_its_rows_stale_alone_and_again_computes_these(tmp_path, monkeypatch):
    path = tmp_path / "arena.csv"
    monkeypatch.setitem(globals(), "TABLE", {"gan": lambda seed: seed, "wgan": lambda seed: -seed})
    depends(lambda name, seed: {"entry": TABLE[name]}, apart=[TABLE])(of_table)
    before = study(of_table, GRID, path, processes=1, watch=False)
    TABLE["wgan"] = lambda seed: -2 * seed
    runs, text = path.with_name("arena.csv.runs"), path.read_text()
    lines = runs.read_text()
    with pytest.raises(ValueError, match="holds 3 results .*, of 6 asked for. Changed: test_study"):
        study(of_table, GRID, path, processes=1, watch=False)
    assert runs.read_text() == lines and path.read_text() == text           # nothing lost
    assert study(of_table, {**GRID, "name": ["gan"]}, path, watch=False) == before[:3]
    with pytest.raises(ValueError, match="holds 2 results .*, of 2 asked for"):
        study(of_table, {"name": ["wgan"], "seed": [1, 2]}, path, watch=False)
    again = study(of_table, GRID, path, processes=1, watch=False, stale="again")
    assert again[:3] == before[:3]              # with the times of the first run
    assert [row["x"] for row in again] == [0, 1, 2, 0, -2, -4]
    assert study(of_table, GRID, path, processes=1, watch=False) == again
    assert [row["x"] for row in load(path)] == [0, 1, 2, 0, -2, -4]
    with pytest.raises(ValueError, match="choose .refuse. or .again."):
        study(of_table, GRID, path, stale="mix")


def test_stale_rows_are_kept_but_not_returned_while_they_are_computed_anew(tmp_path, monkeypatch):
    path = tmp_path / "arena.csv"
    study(score, GRID, path, processes=1, watch=False)
    monkeypatch.setattr(of, "versions", lambda: {"torch": "0.0.1"})

    def stopped(run, work, *_):
        yield work[0][0], {"distance": 1.0}
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["gan_lessons.map.study"], "_on_cores", stopped)
        with pytest.raises(KeyboardInterrupt):
            study(score, GRID, path, watch=False, stale="again")
    assert [row["distance"] for row in load(path)] == [1.0]
    assert len({json.loads(line).get("key") for line in
                path.with_name("arena.csv.runs").read_text().splitlines()[1:]}) == 6
    with pytest.raises(ValueError, match="holds 5 results .*torch 2.* → 0.0.1"):
        study(score, GRID, path, watch=False)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="holds 1 results .*torch 0.0.1 → 2"):
        study(score, GRID, path, watch=False)


def test_what_is_handed_aside_reaches_every_run_and_counts_for_nothing(tmp_path):
    path = tmp_path / "arena.csv"
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        rows = study(logged, GRID, path, processes=2, watch=False,
                     aside={"folder": str(tmp_path / folder)})
        assert len(rows) == 6 and "folder" not in rows[0]
    assert len(list((tmp_path / "a").iterdir())) == 6 and not list((tmp_path / "b").iterdir())


@depends(lambda seed: {"source": "noon"})
def tells_its_data(seed):
    return {"source": "noon" if seed else "night"}


def test_a_run_that_loads_other_data_than_the_study_began_with_is_an_error(tmp_path):
    rows = study(tells_its_data, {"seed": [0, 1]}, tmp_path / "a.csv", processes=1, watch=False)
    assert rows[0]["error"] == "ValueError: source of the result is night, and was noon when the " \
                               "study began"
    assert rows[1]["source"] == "noon" and "error" not in rows[1]


# -- two studies of one file ---------------------------------------------------------------------

HOLDS = """
import sys, time; sys.path[:0] = [{tests!r}]
from test_study import GRID, logged
from gan_lessons.map.study import study

def waits(seed):
    print("begun", flush=True)
    time.sleep(600)

study(waits, {{"seed": [0]}}, {path!r}, processes=1, watch=False)
"""


def test_a_second_study_is_told_who_writes_and_a_killed_one_leaves_no_lock(tmp_path):
    path = tmp_path / "arena.csv"
    code = HOLDS.format(tests=str(pathlib.Path(__file__).parent), path=str(path))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline().strip() == b"begun"
        holder = rf"process {process.pid} on {platform.node()}, since \d{{4}}-\d\d-\d\d \d\d:\d\d"
        for fresh in (False, True):
            with pytest.raises(RuntimeError, match=f"written by {holder}.*: wait.* another path"):
                study(score, GRID, path, watch=False, fresh=fresh)
        study(score, GRID, tmp_path / "other.csv", processes=1, watch=False)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert len(study(score, GRID, path, processes=1, watch=False, fresh=True)) == 6
    assert results(load(path)) == right()


def test_a_study_inside_a_study_of_the_same_file_is_refused_and_a_failed_one_frees_it(tmp_path):
    path = tmp_path / "arena.csv"
    inner = lambda seed: {"n": len(study(score, GRID, str(path), processes=1, watch=False))}
    row, = study(inner, {"seed": [0]}, path, processes=1, watch=False)
    assert f"is being written by process {os.getpid()} on" in row["error"]
    with pytest.raises(ValueError, match="another study"):
        study(score, GRID, path, watch=False)
    assert "error" in study(inner, {"seed": [0]}, path, processes=1, watch=False)[0]


# -- what dies in between ------------------------------------------------------------------------

KILLED = """
import sys; sys.path[:0] = [{tests!r}]
from test_study import GRID, logged
from gan_lessons.map.study import study
study(logged, {{**GRID, "folder": {folder!r}}}, {path!r}, processes=1, watch=False)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_killed_study_goes_on_where_it_was(tmp_path):
    path = tmp_path / "arena.csv"
    code = KILLED.format(
        tests=str(pathlib.Path(__file__).parent), folder=str(tmp_path), path=str(path)
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    runs = path.with_name("arena.csv.runs")
    end = time.monotonic() + 60
    while (
        not (runs.exists() and len(runs.read_text().splitlines()) >= 3) and time.monotonic() < end
    ):
        time.sleep(.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = len(runs.read_text().splitlines()) - 1
    assert 2 <= kept < 6
    study(logged, {**GRID, "folder": str(tmp_path)}, path, processes=1, watch=False)
    assert results(load(path)) == right()
    begun = sorted(
        len((tmp_path / f"{n}{s}").read_text()) for n in ("gan", "wgan") for s in range(3)
    )
    assert begun[:5] == [1] * 5 and begun[5] <= 2  # at most the one that was under way


def test_a_process_that_dies_takes_nothing_with_it(tmp_path):
    path = tmp_path / "arena.csv"
    study(deadly_once, {**GRID, "folder": str(tmp_path)}, path, processes=2, watch=False)
    assert results(load(path)) == right()
    with pytest.raises(RuntimeError, match="out of memory"):
        study(deadly, GRID, tmp_path / "deadly.csv", processes=2, watch=False)


@pytest.fixture(scope="module")
def dask(dask_can_start):
    from distributed import Client, LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        with Client(cluster) as client:
            client.run(lambda path: sys.path.insert(0, path), str(pathlib.Path(__file__).parent))
            yield cluster


def test_the_same_study_on_a_cluster(tmp_path, dask):
    path = tmp_path / "arena.csv"
    rows = study(picky, GRID, path, cluster=dask.scheduler_address, watch=False)
    assert [("error" in row) for row in rows] == [False] * 4 + [True, False]
    here = study(picky, GRID, tmp_path / "here.csv", processes=1, watch=False)
    assert results(rows) == results(here) and results(load(path)) == results(
        load(tmp_path / "here.csv")
    )


def has_other_torch():
    from gan_lessons.map import fingerprint
    known = fingerprint.version
    fingerprint.version = lambda name: "0.0.1" if name == "torch" else known(name)


def has_its_own_again():
    import importlib.metadata

    from gan_lessons.map import fingerprint
    fingerprint.version = importlib.metadata.version


def test_a_worker_of_other_code_computes_nothing(tmp_path, dask):
    from distributed import Client
    path = tmp_path / "arena.csv"
    at = dict(path=path, cluster=dask.scheduler_address, watch=False)
    factor = 3
    run = lambda seed: {"x": factor * len(score("gan", seed))}              # travels by value
    with Client(dask) as client:
        client.run(has_other_torch)
        try:
            rows = study(run, {"seed": [1, 2]}, **at)
        finally:
            client.run(has_its_own_again)
    assert all("has other code, data or versions than the study: torch 2" in row["error"]
               and "→ 0.0.1; bring it up to date" in row["error"] for row in rows)
    assert [row["x"] for row in study(run, {"seed": [1, 2]}, **at)] == [9, 9]


def test_a_worker_killed_in_the_middle_changes_no_figure(tmp_path, dask):
    path = tmp_path / "arena.csv"
    rows = study(
        deadly_once,
        {**GRID, "folder": str(tmp_path)},
        path,
        cluster=dask.scheduler_address,
        watch=False,
    )
    assert (tmp_path / "diedgan1").exists()
    assert results([{k: v for k, v in row.items() if k != "key"} for row in rows]) == right()
    assert len(path.with_name("arena.csv.runs").read_text().splitlines()) == 7


def test_a_cluster_that_is_not_there_is_named(tmp_path, dask_can_start):
    import dask.config

    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(OSError, match="127.0.0.1:1"),
    ):
        study(score, GRID, tmp_path / "a.csv", cluster="tcp://127.0.0.1:1", watch=False)
