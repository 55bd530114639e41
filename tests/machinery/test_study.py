"""Studies: every combination once, whatever dies in between."""
import json
import math
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from gan_lessons.map.study import combinations, load, study

GRID = {"name": ["gan", "wgan"], "seed": range(3)}


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


@pytest.mark.parametrize("result, says", [({"x": object()}, "plain numbers"), (3, "not iterable"),
                                          ({"seed": 3}, "rename"), ({"fingerprint": "a"}, "rename")])
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
    """As the first edition wrote it: {"study", "code"}, then rows that say nothing of their code."""
    path = tmp_path / "arena.csv"
    study(score, GRID, path, processes=1, watch=False)
    runs = path.with_name("arena.csv.runs")
    lines = [json.loads(text) for text in runs.read_text().splitlines()]
    lines[0] = {"study": "score", "code": "5f0c1a2b3c4d5e6f"}
    for row in lines[1:]:
        del row["fingerprint"]
    before = "".join(json.dumps(line) + "\n" for line in lines)
    runs.write_text(before)
    with pytest.raises(ValueError, match="6 results .score. of other code.*of 6.*not written down"):
        study(score, GRID, path, watch=False)
    assert runs.read_text() == before and results(load(path)) == right()


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
def dask():
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


def test_a_cluster_that_is_not_there_is_named(tmp_path):
    import dask.config

    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(OSError, match="127.0.0.1:1"),
    ):
        study(score, GRID, tmp_path / "a.csv", cluster="tcp://127.0.0.1:1", watch=False)
