"""The arena: everybody can play, seeds repeat, intervals are what they say, and the committed rows
are whole."""
import dataclasses
import itertools
import math
import os
import re
import shlex
import statistics
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import binom

from gan_lessons import Game, TrainingDiverged, non_saturating
from gan_lessons.exact import transport
from gan_lessons.map import arena, contestants, objectives
from gan_lessons.map import results as exact_results
from gan_lessons.map.arena import assignment_distance, contest
from gan_lessons.map.contestants import CONTESTANTS, Play, ground
from gan_lessons.map.results import FILES, MEASURES, arena_rows, coverage, recompute, summary

COSTS = ("cpu_seconds", "images_per_second", "memory")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A few fakes are enough to see that scores come out."""
    for name, many in dict(POINTS=120, CARRIED=60, PICTURES_MADE=80, NEIGHBOURS=40).items():
        monkeypatch.setattr(arena, name, many)
    monkeypatch.setattr(arena, "_resident", lambda: None)        # a second for thirty contests
    monkeypatch.setattr(contestants, "kmeans", partial(contestants.kmeans, tries=1))
    monkeypatch.setattr(
        contestants, "gaussian_mixture", partial(contestants.gaussian_mixture, steps=3)
    )
    arena._goal.cache_clear()
    yield
    arena._goal.cache_clear()


def results(row):
    return {name: value for name, value in row.items() if name not in COSTS}


# -- who plays ---------------------------------------------------------------------------------

def test_everybody_in_the_catalogue_is_here_or_says_why_not():
    assert {one.objective.name for one in CONTESTANTS.values()} == set(objectives.OBJECTIVES)
    assert list(CONTESTANTS["Deep InfoMax"].absent) == [*contestants.TOYS, *contestants.PICTURES]
    assert (
        contest("Deep InfoMax", "mnist", 0, 2)["absent"] == "it learns codes and generates nothing"
    )
    absent = {name for name, one in CONTESTANTS.items() if "swiss roll" in one.absent}
    assert absent == {
        "Deep InfoMax",
        "CGAN",
        "ACGAN",
        "CLS-GAN",
        "Improved GAN",
        "semi-supervised CLS-GAN",
    }
    assert contest("CGAN", "swiss roll", 0, 2)["absent"] == "the swiss roll has no kinds to label"


@pytest.mark.parametrize("data, measures", [("ring", {"modes", "quality", "wasserstein"}),
                                            ("mnist", {"frechet", "classes"})])
def test_everybody_plays_two_steps(data, measures):
    for name in CONTESTANTS:
        row = contest(name, data, 1, 2)
        assert ("absent" in row) == (name == "Deep InfoMax"), row
        if "absent" not in row:
            assert (
                measures | {"precision", "recall", *COSTS[:2]} <= row.keys() and "failed" not in row
            )
            assert (
                all(math.isfinite(row[measure]) for measure in measures)
                and row["images_per_second"] > 0
            )
            assert (
                row["steps"] == 2
                and {"batch", "width", "lr", "turns", "optimizer", "parameters"} <= row.keys()
            )


def test_the_common_networks_are_common():
    at = ground("ring", 3)
    sizes = {
        name: [tuple(w.shape) for w in one.play(at).players["g"].parameters()]
        for name, one in CONTESTANTS.items()
        if one.play and not one.needs and "g" in one.play(at).players
    }
    assert len(sizes) >= 19 and len({str(shapes) for shapes in sizes.values()}) == 1
    starts = [
        one.play(at).players["g"].layers[0].weight
        for name, one in CONTESTANTS.items()
        if name in sizes
    ]
    assert all(torch.equal(starts[0], other) for other in starts)
    assert not torch.equal(
        starts[0], CONTESTANTS["WGAN"].play(ground("ring", 4)).players["g"].layers[0].weight
    )


@pytest.mark.parametrize("name", ["WGAN-GP", "VAE clustering", "f-VAE"])
def test_a_seed_repeats_to_the_last_digit(name):
    one, again, other = (contest(name, "grid", seed, 4) for seed in (5, 5, 6))
    assert results(one) == results(again)
    assert one["wasserstein"] != other["wasserstein"]


def test_a_contestants_own_rate_optimiser_and_noise_reach_the_training(monkeypatch):
    asked = {}

    def seen(game, players, source, *, optimizer, **_):
        step = optimizer([torch.nn.Parameter(torch.ones(1))])
        group = step.param_groups[0]
        asked["now"] = (group["lr"], group["betas"], source.z.dim)
        raise TrainingDiverged(1, "f", math.nan, None)

    monkeypatch.setattr(arena, "train", seen)
    adams, rms = (0.5, 0.999), (0.0, 0.99)
    for name, data, expected in [
        ("non-saturating GAN", "ring", (2e-3, adams, 2)),           # what is common
        ("non-saturating GAN", "mnist", (1e-3, adams, 64)),
        ("WGAN", "ring", (1e-3, rms, 2)),
        ("WGAN", "mnist", (5e-4, rms, 64)),
        ("flow", "ring", (3e-3, adams, 2)),
        ("flow", "mnist", (2e-3, adams, 784)),
        ("f-VAE", "mnist", (2e-3, adams, 10)),
        ("VAE", "mnist", (1e-3, adams, 10)),
    ]:
        row = contest(name, data, 0, 1)
        assert asked.pop("now") == expected, name
        # the row says what was done
        assert (row["lr"], row["noise"]) == (expected[0], expected[2]) and "failed" in row
        assert row["optimizer"] == ("rmsprop" if expected[1] == rms else "adam")


def test_the_weight_of_cls_gan_is_eight_in_the_plane_and_one_on_pictures():
    """E l(x, y) + weight · E (Δ + l(x, y) - l(g(z, y), y))_+ with constant l, so that Δ is all."""
    l = lambda x, y: 1.5 + 0 * x.flatten(1).sum(1)
    y = torch.tensor([0, 1])
    for data, shape, delta, weight in [("ring", (2,), math.sqrt(2), 8.),
                                       ("mnist", (1, 28, 28), 8e-4 * 784, 1.)]:
        game = CONTESTANTS["CLS-GAN"].play(ground(data)).game
        x, z = torch.zeros(2, *shape), torch.zeros(2, 3)
        g = lambda z, y, shape=shape: torch.ones(len(z), *shape)
        assert game["l"](l, g, x, y=y, z=z).item() == pytest.approx(1.5 + weight * delta, rel=1e-6)


# -- a game of one's own -----------------------------------------------------------------------

def test_a_game_of_ones_own_competes_like_the_others():
    mine = {"copied": non_saturating(), "slow": (non_saturating(), dict(turns={"f": 3}, lr=1e-5))}
    row, theirs = (
        contest("copied", "ring", 2, 5, own=mine),
        contest("non-saturating GAN", "ring", 2, 5),
    )
    differ = {"objective", "family", "lesson", *COSTS}
    assert {k: v for k, v in row.items() if k not in differ} == {
        k: v for k, v in theirs.items() if k not in differ
    }
    assert row["family"] == "yours"
    slow = contest("slow", "ring", 2, 5, own=mine)
    assert (slow["lr"], slow["turns"]) == (1e-5, "f 3") and slow["wasserstein"] != row[
        "wasserstein"
    ]


def test_own_games_with_labels_and_with_players_of_their_own():
    told = Game(
        {
            "f": lambda f, g, x, y, z: f(g(z, y), y).mean() - f(x, y).mean(),
            "g": lambda f, g, y, z: -f(g(z, y), y).mean(),
        }
    )
    assert (
        contest("told", "ring", 0, 2, own={"told": told})["parameters"]
        > contest("WGAN", "ring", 0, 2)["parameters"]
    )
    with pytest.raises(ValueError, match="asks for labels, and swiss roll has none"):
        contest("told", "swiss roll", 0, 2, own={"told": told})
    alone = Game({"d": lambda d, z, x: (d(z) - x).square().mean()})
    with pytest.raises(ValueError, match="a function of the Ground"):
        contest("alone", "ring", 0, 2, own={"alone": alone})
    play = lambda at: Play(
        alone, dict(d=at.generator()), draw=lambda run, n: run.samples(n, player="d")
    )
    assert "wasserstein" in contest("alone", "ring", 0, 2, own={"alone": play})
    with pytest.raises(ValueError, match="unknown settings rate"):
        contest("odd", "ring", 0, 2, own={"odd": (non_saturating(), dict(rate=1))})


def test_a_training_that_breaks_down_is_a_row():
    broken = Game({"f": lambda f, x: f(x).mean() + math.inf, "g": lambda f, g, z: -f(g(z)).mean()})
    row = contest("broken", "ring", 0, 3, own={"broken": broken})
    assert row["failed"].startswith("the loss of player 'f' became ") and row["failed"].endswith(
        "at step 1"
    )
    assert row["lr"] == 2e-3 and "wasserstein" not in row
    wild = dataclasses.replace(
        CONTESTANTS["VAE"].play(ground("ring")), draw=lambda run, n: torch.full((n, 2), math.nan)
    )
    assert (
        contest("wild", "ring", 0, 1, own={"wild": lambda at: wild})["failed"]
        == "samples hold nan or inf"
    )


@pytest.mark.parametrize("name, data, error, says", [
    ("wgan", "ring", KeyError, "there are minimax GAN"),
    ("WGAN", "moons", ValueError, "no arena on 'moons'"),
])
def test_unknown_names(name, data, error, says):
    with pytest.raises(error, match=says):
        contest(name, data, 0, 1)


# -- scores ------------------------------------------------------------------------------------

@pytest.mark.parametrize("n", [2, 7, 40])
def test_the_best_assignment_costs_what_the_best_plan_costs(n):
    rng = np.random.default_rng(n)
    real, fake = rng.normal(size=(n, 2)), rng.normal(size=(n, 2)) * [2, .5] + [1, 0]
    away = np.linalg.norm(real[:, None] - fake, axis=2)
    assert assignment_distance(fake, real) == pytest.approx(
        transport.plan(np.full(n, 1 / n), np.full(n, 1 / n), away).cost, rel=1e-9
    )
    assert (
        assignment_distance(real + [3, 4], real) == pytest.approx(5.0)
        and assignment_distance(real[::-1], real) == 0
    )
    with pytest.raises(ValueError, match="as many of each"):
        assignment_distance(fake[1:], real)


def test_anchors_hold_the_scale():
    for data in ("ring", "mnist"):
        real, noise = (contest(name, data, 0, 1) for name in ("real data", "noise"))
        distance = "wasserstein" if data == "ring" else "frechet"
        assert real[distance] < .6 * noise[distance] and real["precision"] >= noise["precision"]
        assert "cpu_seconds" not in real


# -- medians with intervals --------------------------------------------------------------------

@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_lowest_to_highest_holds_the_median_as_often_as_said(n):
    below = binom(n, .5)  # runs below the true median
    assert (
        coverage(n) == pytest.approx(1 - below.pmf(0) - below.pmf(n), abs=1e-15)
        if n > 1
        else coverage(n) == 0
    )
    x = np.random.default_rng(n).exponential(size=(40_000, n))
    held = ((x.min(1) <= math.log(2)) & (math.log(2) <= x.max(1))).mean()
    assert abs(held - coverage(n)) < 4 * math.sqrt(.25 / 40_000)


def made(name, values, data="ring", **more):
    return [
        {"objective": name, "data": data, "seed": i, "family": "f", "wasserstein": v, **more}
        for i, v in enumerate(values)
    ]


def test_summary_by_hand():
    rows = (
        made("b", [3.0, 1.0, 2.0])
        + made("a", [.5, 9.0, .7])
        + made("real data", [.1, .1, .1])
        + made("c", [2.0, 2.0, 2.0])
    )
    found = {one["objective"]: one for one in summary(rows, "wasserstein")}
    assert list(found) == ["real data", "a", "b", "c"]
    assert [found[k]["median"] for k in "abc"] == [.7, 2.0, 2.0] and [
        found[k]["rank"] for k in "abc"
    ] == [1, 2, 2]
    assert (found["a"]["low"], found["a"]["high"], found["a"]["n"], found["a"]["coverage"]) == (
        .5,
        9.0,
        3,
        .75,
    )
    assert "rank" not in found["real data"]
    assert summary(rows + made("a", [1.], "grid"), "wasserstein")[-1]["median"] == 1.
    for values in itertools.permutations([4., 1., 3., 2.]):
        assert (
            summary(made("a", values), "wasserstein")[0]["median"]
            == statistics.median(values)
            == 2.5
        )


def test_highest_is_best_where_more_is_better_and_a_breakdown_is_worst():
    rows = [
        {**row, "precision": p}
        for row, p in zip(
            made("a", [1, 1, 1]) + made("b", [1, 1, 1]), (.2, .9, .3, .4, .5, .1)
        )
    ]
    assert [one["objective"] for one in summary(rows, "precision")] == ["b", "a"]
    broken = [
        {k: v for k, v in row.items() if k != "wasserstein"} | {"failed": "nan"}
        for row in made("c", [.0, .0, .0])
    ]
    mixed = broken[:1] + made("c", [5., 1., 2.])[1:]
    one, = summary(mixed, "wasserstein")
    assert (one["median"], one["high"], one["failed"], one["n"]) == (2., math.inf, 1, 3)
    two = {
        row["objective"]: row for row in summary(broken + made("a", [7.0, 8.0, 9.0]), "wasserstein")
    }
    assert two["c"]["median"] == math.inf and "rank" not in two["c"] and two["a"]["rank"] == 1
    gone = [{"objective": "d", "data": "ring", "seed": 0, "absent": "no labels"}]
    assert summary(gone + made("a", [1.0]), "wasserstein")[-1] == {
        "data": "ring",
        "measure": "wasserstein",
        "objective": "d",
        "family": None,
        "n": 1,
        "absent": "no labels",
    }


def test_summary_refuses_what_would_count_twice():
    with pytest.raises(ValueError, match="stands twice"):
        summary(made("a", [1.]) + made("a", [2.]))
    with pytest.raises(KeyError, match="no measure 'fid'"):
        summary(made("a", [1.]), "fid")


# -- what is committed -------------------------------------------------------------------------

@pytest.fixture(params=FILES)
def rows(request):
    return request.param, arena_rows(request.param)


def test_committed_rows_are_whole(rows):
    where, rows = rows
    seeds = sorted({row["seed"] for row in rows})
    assert seeds == list(range(len(seeds))) and len(seeds) >= 3
    found = [(row["objective"], row["data"], row["seed"]) for row in rows]
    assert len(found) == len(set(found))
    names = {row["objective"] for row in rows}
    # all rows are of one machine: an objective of a later lesson than the map may wait for the
    # next time that everybody plays
    asked = {name for name, one in CONTESTANTS.items() if one.objective.lesson < "20_map"}
    assert asked <= names <= {*exact_results.ANCHORS, *CONTESTANTS}
    assert set(found) == set(itertools.product(names, FILES[where], seeds))
    assert set(exact_results.ANCHORS) <= names
    for row in rows:
        assert {
            "steps",
            "budget",
            "machine",
            "versions",
            "finished",
            "seconds",
            "family",
        } <= row.keys(), row
        assert "torch" in row["versions"] and row["finished"].endswith("Z")
        if not {"absent", "failed", "error"} & row.keys():
            measures = {"wasserstein", "quality"} if where == "toys" else {"frechet"}
            assert all(math.isfinite(row[name]) for name in {*measures, "precision", "recall"})
            if row["family"] != "anchor":
                assert {
                    "batch",
                    "width",
                    "optimizer",
                    "lr",
                    "turns",
                    "parameters",
                    *COSTS,
                } <= row.keys()
                assert (
                    objectives.objective(row["objective"].split(" · ")[0]).family == row["family"]
                )
    assert all("error" not in row for row in rows)
    assert len({row["steps"] for row in rows}) == 1 and len({row["machine"] for row in rows}) == 1


def test_committed_rows_can_be_summed_up_and_say_how_to_be_recomputed(rows, monkeypatch):
    where, rows = rows
    best = summary(rows, "wasserstein" if where == "toys" else "frechet")
    for data in FILES[where]:
        real, noise = (
            next(one["median"] for one in best if (one["data"], one["objective"]) == (data, name))
            for name in exact_results.ANCHORS
        )
        first = next(one for one in best if one["data"] == data and one.get("rank") == 1)
        assert real < first["median"] < noise
    asked = []
    monkeypatch.setattr(arena, "run_arena", lambda *args, **how: asked.append((args, how)) or [])
    for row in rows[:3] + rows[-3:]:
        words = shlex.split(recompute(row))
        assert words[:3] == ["python", "lessons.py", "arena"]
        arena.main(words[3:])
        (place, _), how = asked.pop()
        assert (
            place == where
            and how["only"] == [row["objective"]]
            and list(how["seeds"]) == [row["seed"]]
        )
        assert how["steps"] == row["steps"] and how["data"] in (None, row["data"])


def test_files_that_are_not_there():
    with pytest.raises(FileNotFoundError, match="toys, mnist, cifar10"):
        arena_rows("imagenet")


# -- the study and the command -----------------------------------------------------------------

def test_the_command_writes_rows_and_goes_on(tmp_path, capsys):
    out = tmp_path / "a.csv"
    words = [
        "toys",
        "--data",
        "ring",
        "--only",
        "VAE",
        "--only",
        "real data",
        "--steps",
        "2",
        "--processes",
        "1",
        "--out",
        str(out),
    ]
    assert arena.main([*words, "--seeds", "1"]) == 0
    first = arena_rows(out)
    assert [row["objective"] for row in first] == [
        "VAE",
        "real data",
    ] and "2 contestants, 1 seeds" in capsys.readouterr().out
    assert arena.main([*words, "--seeds", "2"]) == 0
    assert arena_rows(out)[:2] == first and len(arena_rows(out)) == 4
    assert arena.main(["toys", "--only", "wgan", "--out", str(out)]) == 1
    assert "no contestant 'wgan'" in capsys.readouterr().err
    for wrong, says in [
        (dict(data="moons"), "no data 'moons'"),
        (dict(only=["x"]), "no contestant"),
    ]:
        with pytest.raises((KeyError, ValueError), match=says):
            arena.run_arena("toys", out, **wrong)
    with pytest.raises(ValueError, match="no arena 'imagenet'"):
        arena.run_arena("imagenet", out)


def digits(folder, first=0, labels=0):
    """300 pictures of either split in the files of MNIST; `first` is a pixel, `labels` a label."""
    place = folder / "mnist"
    place.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for split in ("train", "t10k"):
        x = rng.integers(0, 256, (300, 28, 28), dtype=np.uint8)
        y = rng.integers(0, 10, 300).astype(np.uint8)
        if split == "t10k":
            x[0, 0, 0], y[0] = first, labels
        for kind, data in (("images-idx3", x), ("labels-idx1", y)):
            head = bytes([0, 0, 8, data.ndim]) + np.array(data.shape, ">i4").tobytes()
            (place / f"{split}-{kind}-ubyte").write_bytes(head + data.tobytes())
    return str(folder)


def test_other_pictures_are_other_results(tmp_path, monkeypatch, capsys):
    path = tmp_path / "a.csv"
    ask = dict(only="noise", seeds=[0], steps=1, processes=1, watch=False)
    monkeypatch.setenv("GAN_LESSONS_DATA", digits(tmp_path / "one"))
    row, = arena.run_arena("mnist", path, **ask)
    assert row["images"] == "mnist" and "error" not in row
    said = r"mnist: 300 images, 1 × 28 × 28, 10 classes, \w{12}"
    assert re.fullmatch(said, row["source"]) and re.fullmatch(said, row["test"])
    assert row["source"] != row["test"]
    monkeypatch.setenv("GAN_LESSONS_DATA", digits(tmp_path / "the same"))
    assert arena.run_arena("mnist", path, **ask) == [row]
    for other in (dict(first=1), dict(labels=1)):
        monkeypatch.setenv("GAN_LESSONS_DATA", digits(tmp_path / str(other), **other))
        with pytest.raises(ValueError, match=f"Changed: test {said} → {said}. Choose another path"):
            arena.run_arena("mnist", path, **ask)
    arena._goal.cache_clear()                   # as in a new process
    words = ["mnist", "--only", "noise", "--seeds", "1", "--steps", "1", "--processes", "1",
             "--out", str(path)]
    assert arena.main(words) == 1
    assert "Choose another file (--out), or --again to compute these" in capsys.readouterr().err
    assert arena.main([*words, "--again"]) == 0
    new, = arena_rows(path)
    assert new["test"] != row["test"] and new["source"] == row["source"]


def test_pictures_that_change_under_a_study_are_an_error_of_the_run(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LESSONS_DATA", digits(tmp_path / "one"))
    arena._goal("mnist")                        # this process has seen these test pictures
    monkeypatch.setenv("GAN_LESSONS_DATA", digits(tmp_path / "two", first=1))
    row, = arena.run_arena("mnist", tmp_path / "a.csv", only="noise", seeds=[0], steps=1,
                           processes=1, watch=False)
    assert "test of the result is mnist: 300 images" in row["error"] and "frechet" not in row


def made_small():
    """In a worker what the fixture does here: numbers in the code count in the fingerprint."""
    for name, many in dict(POINTS=120, CARRIED=60, PICTURES_MADE=80, NEIGHBOURS=40).items():
        setattr(arena, name, many)


def test_pictures_are_kept_by_the_workers_of_a_cluster(tmp_path, monkeypatch, capsys,
                                                        dask_can_start):
    from distributed import Client, LocalCluster
    monkeypatch.undo()                          # workers find their own functions, not patched ones
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAN_LESSONS_DATA", digits(tmp_path / "data"))
    for name, many in dict(POINTS=120, CARRIED=60, PICTURES_MADE=80, NEIGHBOURS=40).items():
        monkeypatch.setattr(arena, name, many)
    with (LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None,
                       local_directory=str(tmp_path / "dask")) as cluster,
          Client(cluster) as client):
        client.run(os.chdir, "/")          # a worker elsewhere; the folder is ours all the same
        client.run(lambda here: sys.path.insert(0, here), str(Path(__file__).parent))
        client.run(made_small)
        assert arena.main(["mnist", "--only", "LS-GAN", "--only", "noise", "--seeds", "1",
                           "--steps", "1", "--cluster", cluster.scheduler_address, "--out", "a.csv",
                           "--keep", "kept"]) == 0, capsys.readouterr()
    number = list(CONTESTANTS).index("LS-GAN")
    kept, = (tmp_path / "kept").iterdir()
    assert kept.name == f"mnist_{number}_0.npy"
    pictures = np.load(kept)
    assert pictures.shape == (8, 1, 28, 28) and pictures.dtype == np.uint8
    with Image.open(tmp_path / "a.png") as sheet:
        assert sheet.size == (8 * 28, len(CONTESTANTS) * 28)


@pytest.mark.skipif(arena._status("VmHWM") is None, reason="no /proc/self/status")
def test_memory_is_what_a_training_adds(monkeypatch):
    monkeypatch.undo()
    before = arena._resident()
    assert before is not None
    held = torch.ones(40_000_000)                                # 160 MB
    assert 155 < arena._grown(before) < 200
    del held
    before = arena._resident()
    assert arena._grown(before) < 40                             # the peak began anew


def test_every_measure_says_what_it_is():
    assert {one.best for one in MEASURES.values()} == {"lowest", "highest"} and all(
        one.what for one in MEASURES.values()
    )


# -- pictures ----------------------------------------------------------------------------------

def test_the_dashboard_sorts_filters_and_takes_a_game_of_ones_own():
    from gan_lessons.explorers.arena import FAMILY_MENU, MENU, dashboard
    toys = arena_rows("toys")
    mine = [
        {**row, "objective": "mine", "family": "yours"}
        for row in toys
        if row["objective"] == "WGAN-LP"
    ]
    explorer = dashboard(toys + mine)
    artists, states = explorer._artists, list(itertools.product(FILES["toys"], MENU, FAMILY_MENU))
    for data, measure, family in states:
        explorer._update(artists, data=data, measure=measure, family=family)
        names = [text.get_text() for text in artists["names"] if text.get_text()]
        dots = sum(len(line.get_xdata()) for line in artists["dots"])
        assert dots == len(names) == len(artists["bars"].get_segments())
        assert (not names) == any(
            says in artists["title"].get_text() for says in ("not measured", "nobody")
        )
    explorer._update(artists, data="ring", measure="distance to the data", family="all families")
    names = [text.get_text().rsplit("  ", 1) for text in artists["names"] if text.get_text()]
    expected = [
        one
        for one in summary(toys + mine, "wasserstein")
        if one["data"] == "ring" and "rank" in one
    ]
    assert [name for name, _ in names] == [one["objective"] for one in expected] and "mine" in dict(
        names
    )
    assert [int(rank) for _, rank in names] == [one["rank"] for one in expected]
    explorer.draw()
    box = explorer.figure.bbox
    for text in [*artists["names"], *artists["values"], artists["title"], artists["note"]]:
        extent = text.get_window_extent()
        assert not text.get_text() or (
            extent.x0 >= 0 and extent.x1 <= box.x1 and text.get_fontsize() >= 8
        )


def test_who_is_named_on_the_front_is_beaten_by_nobody():
    from gan_lessons.drawing import plots
    from gan_lessons.explorers.arena import quality_against_cost
    fig, ax = plots.figure(width=9, height=5)
    front = quality_against_cost(ax, arena_rows("toys"), "grid")
    both = {}
    for one in summary(arena_rows("toys"), ["wasserstein", "cpu_seconds"]):
        if one["data"] == "grid" and "rank" in one:
            both.setdefault(one["objective"], {})[one["measure"]] = one["median"]
    beaten = {
        a
        for a, b in itertools.permutations(both, 2)
        if all(both[b][m] <= both[a][m] for m in both[a]) and both[a] != both[b]
    }
    assert set(front) == both.keys() - beaten and len(front) >= 2
    assert set(front) <= {text.get_text() for text in ax.texts}
