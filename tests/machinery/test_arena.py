"""The arena: everybody can play, seeds repeat, intervals are what they say, and the committed rows
are whole."""
import dataclasses
import itertools
import math
import os
import re
import shlex
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import binom

from gan_lessons import Game, TrainingDiverged, non_saturating
from gan_lessons.exact import transport
from gan_lessons.map import arena, contestants, journal, objectives, own_settings, scores
from gan_lessons.map import results as exact_results
from gan_lessons.map.arena import assignment_distance, contest
from gan_lessons.map.best_critic import best_score, score_losses
from gan_lessons.map.contestants import CONTESTANTS, Play, ground
from gan_lessons.map.own_settings import OWN
from gan_lessons.map.recipes import RECIPES
from gan_lessons.map.results import (
    FILES,
    MEASURES,
    TRACKS,
    arena_rows,
    coverage,
    recompute,
    summary,
    table,
)

COSTS = ("cpu_seconds", "images_per_second", "memory", "seconds_to_100")
SMALL = dict(POINTS=120, CARRIED=60, PICTURES_MADE=80, NEIGHBOURS=40, LOOKED_AT=70)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A few fakes are enough to see that scores come out."""
    for name, many in SMALL.items():
        monkeypatch.setattr(scores, name, many)
    monkeypatch.setattr(arena, "_resident", lambda: None)        # a second for thirty contests
    monkeypatch.setattr(contestants, "kmeans", partial(contestants.kmeans, tries=1))
    for module in (contestants, own_settings):
        monkeypatch.setattr(module, "gaussian_mixture", partial(module.gaussian_mixture, steps=3))
    monkeypatch.setattr(own_settings, "codes_of",
                        lambda run, n: contestants.codes_of(run, min(n, 500)))
    scores.goal_of.cache_clear()
    yield
    scores.goal_of.cache_clear()


def results(row):
    return {name: value for name, value in row.items() if name not in COSTS}


# -- who plays ---------------------------------------------------------------------------------

def test_everybody_in_the_catalogue_is_here_or_says_why_not():
    # what lies beyond the map may compete, and need not
    asked = {name for name, one in objectives.OBJECTIVES.items() if one.lesson < "20_map"}
    assert asked <= {one.objective.name for one in CONTESTANTS.values()}
    assert list(CONTESTANTS["Deep InfoMax"].absent) == [*contestants.TOYS, *contestants.PICTURES]
    assert (
        contest("Deep InfoMax", "mnist", 0, 2)["absent"] == "it learns codes and generates nothing"
    )
    absent = {name for name, one in CONTESTANTS.items() if "swiss roll" in one.absent}
    assert absent == {
        "Deep InfoMax",
        "CGAN · projection",
        "CGAN · concatenation",
        "ACGAN",
        "CLS-GAN",
        "Improved GAN",
        "semi-supervised CLS-GAN",
    }
    assert (contest("CGAN · projection", "swiss roll", 0, 2)["absent"]
            == "the swiss roll has no classes to label")


def test_settings_of_its_own_has_who_competes_and_nobody_else():
    competing = {name for name, one in CONTESTANTS.items() if "mnist" not in one.absent}
    # an objective of a later lesson than the map may play with the common settings
    assert OWN.keys() <= competing
    assert {name for name in competing if CONTESTANTS[name].objective.lesson < "20_map"} <= {*OWN}


@pytest.mark.parametrize("data, track, measures", [
    ("ring", "own", {"modes", "quality", "wasserstein"}),
    *(("mnist", track, {"frechet", "kernel", "classes", "seconds_to_100"}) for track in TRACKS)])
def test_everybody_plays_two_steps(data, track, measures):
    for name in CONTESTANTS:
        row = contest(name, data, 1, 2, track=track)
        assert ("absent" in row) == (name == "Deep InfoMax"), row
        if "absent" not in row:
            assert (
                measures | {"precision", "recall", *COSTS[:2]} <= row.keys() and "failed" not in row
            )
            assert (
                all(math.isfinite(row[measure]) for measure in measures - {"seconds_to_100"})
                and row["images_per_second"] > 0
            )
            assert (
                row["steps"] == 2 and row["track"] == track
                and {"batch", "lr", "turns", "optimizer", "betas", "parameters"} <= row.keys()
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


def test_the_common_track_gives_all_the_same_networks_and_settings():
    at = ground("mnist", 3)
    plays = {name: one.common_play(at) for name, one in CONTESTANTS.items() if one.play}
    assert all((play.turns, play.optimizer, play.lr, play.batch, play.fade) ==
               ({}, "adam", None, None, None) for play in plays.values())
    free = [play for name, play in plays.items() if play.players.keys() <= {"f", "l", "g"}
            and not CONTESTANTS[name].needs]
    assert len(free) >= 20
    assert len({str([(key.replace("l.", "f."), tuple(w.shape)) for net in play.players.values()
                     for key, w in net.named_parameters()]) for play in free}) == 1
    first = [[w for w in play.players["g"].parameters()][0] for play in free]
    assert all(torch.equal(first[0], other) for other in first)


def test_both_tracks_of_digits_play_one_game_and_the_toys_may_play_another():
    """Gains and losses of the own game, by numbers; two games are bound by other means."""
    at, ring = ground("mnist", 1), ground("ring", 1)
    log_r = np.array([-2., .3, 1.7])

    def gain(game):
        best = best_score(game, log_r)
        return -score_losses(game).generator_slope(best.score) * best.slope
    r = np.exp(log_r)
    felt = {"f-GAN · KL": (r, 1 + 0 * r), "f-GAN · reverse KL": (1 + 0 * r, 1 / r),
            "f-GAN · Pearson": (2 * r**2, 2 * r),
            "f-GAN · squared Hellinger": (np.sqrt(r) / 2, 1 / np.sqrt(r) / 2)}
    for name, (digits, toys) in felt.items():
        one = CONTESTANTS[name]
        for game in (one.own_play(at).game, one.common_play(at).game):
            np.testing.assert_allclose(gain(game), digits, rtol=1e-9)
        np.testing.assert_allclose(gain(one.play(ring).game), toys, rtol=1e-9)
    for name, one in CONTESTANTS.items():
        if isinstance(one, contestants.OneGame):
            own, common = one.own_play(at), one.common_play(at)
            assert own.game.players == common.game.players, name
            assert "normalis" not in common.own
            assert set(common.own.split(", ")) - set(own.own.split(", ")) <= {
                "", *(word for _, word in contestants._UNBOUND.values())}, name
    l = lambda x: 0 * x.flatten(1).sum(1)
    x, g = torch.zeros(3, 1, 28, 28), lambda z: torch.ones(3, 1, 28, 28)
    for name in ("LS-GAN", "GLS-GAN · ν = −1"):                     # 5e-4 times the 1-norm, 784
        game = CONTESTANTS[name].common_play(at).game
        assert game["l"](l, g, x, torch.zeros(3, 64)).item() == pytest.approx(.392)
    assert CONTESTANTS["WGAN-GP"].common_play(at).own == "slope penalty"
    flat = lambda x: 0 * x.flatten(1).sum(1)                        # a slope of 0 costs λ (0 - 1)²
    assert CONTESTANTS["WGAN-GP"].common_play(at).game["f"](
        flat, g, x, torch.zeros(3, 64)).item() == pytest.approx(1.)


def test_how_it_plays_on_the_common_track_concerns_no_other_row():
    of = lambda data, track: arena._of_this_row("f-GAN · KL", data, track)["contestant"]
    assert type(of("ring", "own")) is contestants.Contestant
    assert of("mnist", "own") is OWN["f-GAN · KL"]
    assert of("mnist", "common") == (CONTESTANTS["f-GAN · KL"], OWN["f-GAN · KL"])
    assert type(arena._of_this_row("VAE", "mnist", "common")["contestant"]) is (
        contestants.Contestant)
    assert arena._of_this_row("noise", "mnist", "common")["contestant"] is None


def test_the_own_track_plays_the_recipes(monkeypatch):
    """Rates, networks, turns and batches of a recipe; its rounds are half as many again."""
    recipe, play = RECIPES["WGAN-GP"], OWN["WGAN-GP"](ground("mnist", 2))
    assert play.lr == recipe.rates and play.steps == 1.5 * recipe.steps
    assert (play.batch, play.betas, play.reuse, play.precision) == (
        recipe.batch, recipe.betas, recipe.reuse, recipe.precision)
    mine, theirs = play.players, recipe.players((1, 28, 28), 2)
    assert all(torch.equal(a, b) for name in mine
               for a, b in zip(mine[name].parameters(), theirs[name].parameters()))
    row = contest("mine", "mnist", 2, 2, own={"mine": dataclasses.replace(recipe, fade=.5)})
    other = contest("WGAN-GP", "mnist", 2, 2)
    assert row["frechet"] == other["frechet"] and row["family"] == "yours"


def test_a_contestants_own_rate_optimiser_and_noise_reach_the_training(monkeypatch):
    asked = {}

    def seen(game, players, source, *, optimizer, **_):
        made = optimizer["f"] if isinstance(optimizer, dict) else optimizer
        group = made([torch.nn.Parameter(torch.ones(1))]).param_groups[0]
        asked["now"] = (group["lr"], group["betas"], source.z.dim, source.batch)
        raise TrainingDiverged(1, "f", math.nan, None)

    monkeypatch.setattr(arena, "train", seen)
    adams, today = (0.5, 0.999), (0.0, 0.99)                        # RMSprop is Adam with β = 0
    for name, data, track, expected in [
        ("non-saturating GAN", "ring", "own", (2e-3, adams, 2, 128)),           # what is common
        ("non-saturating GAN", "mnist", "common", (4e-3, today, 64, 32)),
        ("non-saturating GAN", "mnist", "own", (2e-2, today, 64, 32)),
        ("WGAN", "ring", "own", (1e-3, today, 2, 128)),
        ("WGAN", "mnist", "common", (4e-3, today, 64, 32)),
        ("WGAN", "mnist", "own", (5e-4, today, 64, 32)),
        ("flow", "ring", "own", (3e-3, adams, 2, 128)),
        ("flow", "mnist", "own", (2e-3, adams, 784, 64)),
        ("VAE", "mnist", "common", (4e-3, today, 10, 32)),
        ("VAE", "mnist", "own", (1e-3, adams, 10, 128)),
    ]:
        row = contest(name, data, 0, 1, track=track)
        assert asked.pop("now") == expected, name
        # the row says what was done
        rate = f"f {expected[0]:g}"
        assert row["lr"] == expected[0] or row["lr"].startswith(rate)
        assert (row["noise"], row["batch"]) == expected[2:] and "failed" in row
    assert contest("WGAN", "ring", 0, 1)["optimizer"] == "rmsprop"


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


def test_a_training_that_was_stopped_is_no_result(monkeypatch):
    """The stop button ends a training after its round: part of a contest must not be a row."""
    monkeypatch.setattr(arena, "train", lambda *_, **__: SimpleNamespace(interrupted=True))
    with pytest.raises(KeyboardInterrupt):
        contest("VAE", "ring", 0, 3)


def test_looking_on_the_way_changes_no_figure(monkeypatch):
    """CPU-seconds to a distance are found by samples on the way; a training must not notice."""
    seen = []
    monkeypatch.setattr(scores, "LOOKS", 4)
    looked = contest("f-VAE", "mnist", 1, 4, track="common")
    monkeypatch.setattr(scores.Reached, "__call__", lambda self, run: seen.append(run.step))
    plain = contest("f-VAE", "mnist", 1, 4, track="common")
    assert seen == [1, 2, 3, 4] and results(looked) == results(plain)


def test_the_goal_is_reached_when_a_look_finds_it(monkeypatch):
    clock = iter(range(0, 1000, 10)).__next__
    at, look = ground("mnist"), SimpleNamespace(step=1, players={})
    real = at.source.images[:400]
    watch = scores.Reached(lambda run, n: 2 * torch.rand(70, 1, 28, 28) - 1, at, 1, clock)
    watch.looks = {1, 2}
    watch(look)
    assert watch.seconds == math.inf and watch.spent == 10          # began 0, looked from 10 to 20
    watch.draw = lambda run, n: real / 127.5 - 1
    monkeypatch.setattr(scores, "GOAL", 1e9)
    look.step = 3
    watch(look)
    assert watch.seconds == math.inf                                # no look at round 3
    look.step = 2
    watch(look)
    assert watch.seconds == 30 - 0 - 10 and watch.spent == 20


def test_a_training_that_breaks_down_is_a_row():
    broken = Game({"f": lambda f, x: f(x).mean() + math.inf, "g": lambda f, g, z: -f(g(z)).mean()})
    row = contest("broken", "ring", 0, 3, own={"broken": broken})
    assert row["failed"].startswith("the loss of player 'f' became ") and row["failed"].endswith(
        "at step 1"
    )
    assert row["lr"] == 2e-3 and "wasserstein" not in row
    assert summary([row], "precision") == []       # its arithmetic is no score: the row can be read
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
        "track": "own",
        "measure": "wasserstein",
        "objective": "d",
        "family": None,
        "n": 1,
        "absent": "no labels",
    }


def test_tracks_are_summed_up_apart_and_anchors_stand_in_both():
    rows = (made("real data", [.1], family="anchor") + made("a", [3., 5.])
            + made("a", [1.], track="common") + made("b", [2.], track="common"))
    found = {(one["track"], one["objective"]): one for one in summary(rows, "wasserstein")}
    assert found["own", "a"]["median"] == 4 and found["common", "a"]["rank"] == 1
    assert {track for track, name in found if name == "real data"} == {"own", "common"}
    assert ("own", "b") not in found


def test_steady_is_the_share_within_half_as_much_again_as_the_median():
    rows = made("a", [10., 15., 15.1, 9., 8.]) + made("b", [math.inf, math.inf, 1.])
    found = {one["objective"]: one for one in summary(rows, "wasserstein")}
    assert found["a"]["steady"] == 4 / 5 and "steady" not in found["b"]
    assert all("steady" not in one for one in summary(
        [{**row, "precision": .5} for row in rows], "precision"))


def test_a_table_of_nobody_names_them_and_other_places_are_refused():
    absent = [{"objective": "d", "data": "ring", "seed": 1, "absent": "no labels"}]
    error = [{"objective": "e", "data": "ring", "seed": 1, "error": "MemoryError"}]
    assert table(absent + error, ["wasserstein"], "ring").splitlines()[1:] == [
        "d  " + "–".rjust(26), "e  " + "broke down".rjust(26)]
    for data, track in ("grid", "own"), ("ring", "common"):
        with pytest.raises(ValueError, match=rf"no results of '{data}' on the .*ring \(own\)"):
            table(made("a", [1.]), ["wasserstein"], data, track)
    assert table(made("a", [1.]) + absent, ["wasserstein"], "ring").splitlines()[1:] == [
        "a  " + "1 [1 – 1]".rjust(26), "d  " + "–".rjust(26)]


def test_summary_refuses_what_would_count_twice():
    with pytest.raises(ValueError, match="stands twice"):
        summary(made("a", [1.]) + made("a", [2.]))
    with pytest.raises(KeyError, match="no measure 'fid'"):
        summary(made("a", [1.]), "fid")


# -- what is committed -------------------------------------------------------------------------

STORED = [name for name in FILES if (exact_results.RESULTS / f"arena_{name}.csv").exists()]


@pytest.fixture(params=STORED)
def rows(request):
    return request.param, arena_rows(request.param)


def test_committed_rows_are_whole(rows):
    """Of each track as many seeds as were played, 1, 2, 3, …; the toys whole, digits as far as
    they came."""
    where, rows = rows
    found = [(row["objective"], row["data"], row["track"], row["seed"]) for row in rows]
    assert len(found) == len(set(found))
    names = {row["objective"] for row in rows}
    assert {*exact_results.ANCHORS} <= names <= {*exact_results.ANCHORS, *CONTESTANTS}
    # an objective of a later lesson than the map may wait for the next time that everybody plays
    asked = {name for name, one in CONTESTANTS.items() if one.objective.lesson < "20_map"}
    if where == "toys":
        assert asked <= names
        assert set(found) == set(itertools.product(names, FILES[where], ["own"], range(1, 6)))
    for key in {key[:3] for key in found}:
        seeds = sorted(one[3] for one in found if one[:3] == key)
        assert seeds == list(range(1, len(seeds) + 1)), key
    for row in rows:
        assert {"budget", "machine", "versions", "finished", "seconds", "family", "fingerprint",
                "source"} <= row.keys(), row
        assert row["budget"] == "laptop" and row["track"] in TRACKS
        assert "torch" in row["versions"] and row["finished"].endswith("Z")
        if not {"absent", "failed", "error"} & row.keys():
            measures = ({"wasserstein", "quality"} if where == "toys" else
                        {"frechet", "kernel", "classes"})
            assert all(math.isfinite(row[name]) for name in {*measures, "precision", "recall"})
            if row["family"] != "anchor":
                assert {"steps", "batch", "optimizer", "lr", "betas", "turns", "parameters",
                        "cpu_seconds", "device"} <= row.keys()
                assert (
                    objectives.objective(row["objective"].split(" · ")[0]).family == row["family"]
                )
    assert all("error" not in row for row in rows)
    assert len({(row["images"], row["test"]) for row in rows if "images" in row
                and not {"absent", "failed"} & row.keys()}) <= 1


def test_where_nothing_is_stored_there_are_no_rows(monkeypatch, tmp_path):
    monkeypatch.setattr(exact_results, "RESULTS", tmp_path)
    assert [arena_rows(name) for name in FILES] == [[]] * len(FILES)


def test_committed_sheets_are_those_of_committed_rows():
    from gan_lessons.map.results import RESULTS
    rows = arena_rows("mnist")
    kept = {path.relative_to(RESULTS) for path in (RESULTS / "arena_mnist").rglob("*.png")}
    assert kept == {exact_results.sheet_path("arena_mnist", row["track"], row["objective"])
                    for row in rows if row["seed"] == arena.SHEET_OF and "frechet" in row
                    and row["family"] != "anchor"}
    for path in kept:
        with Image.open(RESULTS / path) as sheet:
            assert sheet.size == (10 * 30 - 2, 2 * 30 - 2)


def test_committed_rows_can_be_summed_up_and_say_how_to_be_recomputed(rows, monkeypatch):
    where, rows = rows
    best = summary(rows, "wasserstein" if where == "toys" else "frechet")
    for data in FILES[where]:
        real, noise = (
            next(one for one in best if (one["data"], one["objective"]) == (data, name))
            for name in exact_results.ANCHORS
        )
        first = next(one for one in best if one["data"] == data and one.get("rank") == 1)
        # two samples of the data are apart, too: a very good one may lie as near
        assert real["low"] < first["median"] < noise["low"]
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
        assert how["steps"] in (None, row["steps"]) and how["data"] in (None, row["data"])
        assert how["track"] in (None, row["track"])


def test_files_that_are_not_there():
    with pytest.raises(FileNotFoundError, match="toys, mnist, or"):
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
        "--contestants",
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
    ]
    said = capsys.readouterr().out
    assert "1 contests; rows go to" in said and "ring, own, seed 1: VAE: W " in said
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


def test_the_table_so_far_plays_nothing(tmp_path, capsys, monkeypatch):
    out = tmp_path / "a.csv"
    words = ["toys", "--data", "ring", "--only", "noise", "real data", "--processes", "1", "--out",
             str(out)]
    assert arena.main([*words, "--so-far"]) == 1
    assert "no contest is done yet" in capsys.readouterr().err
    assert arena.main([*words, "--seeds", "1"]) == 0
    whole = arena_rows(out)
    out.unlink()                                # as a run that was killed leaves it: its journal
    monkeypatch.setattr(arena, "contest", None)
    with journal.alone(out):                    # as while another run plays
        assert arena.main([*words, "--so-far"]) == 0
    assert arena_rows(out) == whole and "2 rows in" in capsys.readouterr().out


def test_parts_of_an_arena_make_one_table(tmp_path, monkeypatch):
    """By contestant, by track, by seed: the rows of all parts stand in one file, each once."""
    monkeypatch.setattr(arena, "_of_a_study", one_row)
    path, how = tmp_path / "a.csv", dict(steps=1, processes=1, watch=False)
    arena.run_arena("mnist", path, only="VAE", track="own", seeds=[1], **how)
    arena.run_arena("mnist", path, only=["VAE", "noise"], seeds=[2, 1], **how)
    found = [(row["objective"], row["track"], row["seed"]) for row in arena_rows(path)]
    assert found == [("VAE", "own", 2), ("noise", "own", 2), ("VAE", "own", 1),
                     ("noise", "own", 1), ("VAE", "common", 2), ("VAE", "common", 1)]


def one_row(objective, data, track, seed, steps, keep=None, tell=False):
    return {"frechet": 1.5}


def test_a_killed_arena_goes_on_and_changes_no_figure(tmp_path):
    """SIGKILL amid a contest: the rest is played, and every figure is that of an unbroken run."""
    words = ["-m", "gan_lessons.map.arena", "toys", "--data", "ring", "--only", "VAE", "hinge",
             "LS-GAN", "--seeds", "2", "--steps", "60", "--processes", "1", "--out"]
    killed, whole = tmp_path / "killed.csv", tmp_path / "whole.csv"
    process = subprocess.Popen([sys.executable, *words, str(killed)], stdout=subprocess.DEVNULL)
    runs, began = tmp_path / "killed.csv.runs", time.monotonic()
    while not runs.exists() or len(runs.read_text().splitlines()) < 3:
        assert process.poll() is None and time.monotonic() - began < 300
        time.sleep(.02)
    process.kill()
    process.wait()
    assert 2 <= len(runs.read_text().splitlines()) - 1 < 6
    for path in (killed, whole):
        subprocess.run([sys.executable, *words, str(path)], check=True, stdout=subprocess.DEVNULL)
    mine, theirs = (
        [{name: value for name, value in row.items() if name not in
          (*COSTS, "seconds", "finished")} for row in arena_rows(path)] for path in (killed, whole))
    assert mine == theirs and len(mine) == 6


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
    scores.goal_of.cache_clear()                # as in a new process
    words = ["mnist", "--only", "noise", "--seed", "0", "--steps", "1", "--processes", "1",
             "--out", str(path)]
    assert arena.main(words) == 1
    assert "Choose another file (--out), or --again to compute these" in capsys.readouterr().err
    assert arena.main([*words, "--again"]) == 0
    new, = arena_rows(path)
    assert new["test"] != row["test"] and new["source"] == row["source"]


def test_pictures_that_change_under_a_study_are_an_error_of_the_run(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LESSONS_DATA", digits(tmp_path / "one"))
    scores.goal_of("mnist")                     # this process has seen these test pictures
    monkeypatch.setenv("GAN_LESSONS_DATA", digits(tmp_path / "two", first=1))
    row, = arena.run_arena("mnist", tmp_path / "a.csv", only="noise", seeds=[0], steps=1,
                           processes=1, watch=False)
    assert "test of the result is mnist: 300 images" in row["error"] and "frechet" not in row


def made_small():
    """In a worker what the fixture does here: numbers in the code count in the fingerprint."""
    for name, many in SMALL.items():
        setattr(scores, name, many)


def test_pictures_are_kept_by_the_workers_of_a_cluster(tmp_path, monkeypatch, capsys,
                                                        dask_can_start):
    from distributed import Client, LocalCluster
    monkeypatch.undo()                          # workers find their own functions, not patched ones
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAN_LESSONS_DATA", digits(tmp_path / "data"))
    made_small()
    with (LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None,
                       local_directory=str(tmp_path / "dask")) as cluster,
          Client(cluster) as client):
        client.run(os.chdir, "/")          # a worker elsewhere; the folder is ours all the same
        client.run(lambda here: sys.path.insert(0, here), str(Path(__file__).parent))
        client.run(made_small)
        assert arena.main(["mnist", "--only", "LS-GAN", "noise", "--seeds", "1",
                           "--track", "own", "--steps", "1", "--cluster",
                           cluster.scheduler_address, "--out", "a.csv", "--keep", "kept"]
                          ) == 0, capsys.readouterr()
    with Image.open(tmp_path / "kept" / "own" / "ls-gan.png") as sheet:
        assert sheet.size == (10 * 30 - 2, 2 * 30 - 2)


def test_a_sheet_is_small_and_shows_ink_on_paper(tmp_path):
    fakes = torch.full((25, 1, 28, 28), -1.)
    fakes[11] = 1.
    path = exact_results.sheet_path(tmp_path, "common", "GLS-GAN · ν = −1")
    assert path.relative_to(tmp_path).as_posix() == "common/gls-gan-nu-minus-1.png"
    scores.keep_sheet(fakes, path)
    with Image.open(path) as sheet:
        seen = np.asarray(sheet.convert("L"))
    assert seen[:28].min() == 255 and (seen[30:, 30:58] == 0).all() and seen[30:, :28].min() == 255
    assert path.stat().st_size < 1000


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

def everybody(*grounds, track="own", seeds=3):
    """Rows as of a study, with made-up numbers."""
    rng, rows = np.random.default_rng(0), []
    for data, (name, one), seed in itertools.product(grounds, CONTESTANTS.items(), range(1, seeds)):
        row = {"objective": name, "data": data, "track": track, "seed": seed,
               "family": one.objective.family}
        numbers = {"wasserstein" if data != "mnist" else "frechet": rng.lognormal(),
                   "cpu_seconds": rng.lognormal(), "recall": rng.uniform(), "quality": .5}
        if data in ("ring", "grid"):
            numbers["modes"] = int(rng.integers(0, 9))
        absent = {"absent": one.absent[data]} if data in one.absent else None
        rows.append(row | (absent or numbers))
    for data in grounds:
        measure = "wasserstein" if data != "mnist" else "frechet"
        rows += [{"objective": name, "data": data, "track": track, "seed": 1, "family": "anchor",
                  measure: value} for name, value in zip(exact_results.ANCHORS, (.05, 9.))]
    return rows


def test_pictures_of_nothing_say_so(monkeypatch):
    from matplotlib.figure import Figure

    from gan_lessons.explorers import arena as drawn
    monkeypatch.setattr(drawn, "arena_rows", lambda name: [])
    explorer = drawn.dashboard()
    assert "nothing is stored" in explorer._artists["title"].get_text()
    with pytest.raises(ValueError, match="no rows to show"):
        drawn.dashboard([])
    assert drawn.two_tracks(Figure().subplots(), []) == ({}, {})
    drawn.picture_sheet(fig := Figure())
    assert [text.get_text() for text in fig.texts] == [f"own settings: {drawn.NOTHING}"]


def test_two_tracks_side_by_side():
    from matplotlib.figure import Figure

    from gan_lessons.explorers.arena import two_tracks
    rows = everybody("mnist") + [row for row in everybody("mnist", track="common")
                                 if row["family"] != "anchor" and row["objective"] != "hinge"]
    ax = Figure(figsize=(8, 8)).subplots()
    own, common = two_tracks(ax, rows)
    assert own.keys() - common.keys() == {"hinge"} and len(own) == len(CONTESTANTS) - 1
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == sorted(own, key=own.get)
    for one in summary(rows, "frechet"):
        if "rank" in one:
            assert (own if one["track"] == "own" else common)[one["objective"]] == one["median"]
    hollow = sum(line.get_markerfacecolor() == "white" for line in ax.lines
                 if line.get_marker() not in ("None", ""))
    assert hollow == len(common)
    late = [{**row, "seconds_to_100": math.inf if row["objective"] == "WGAN"
             or (row["objective"], row["seed"]) == ("RSGAN", 3) else 10. + row["seed"]}
            for row in everybody("mnist", seeds=4)]
    ax = Figure(figsize=(8, 8)).subplots()
    soon = two_tracks(ax, late, measure="seconds_to_100")[0]
    assert soon.keys() == own.keys() - {"WGAN"} and ax.get_xlabel() == "CPU-seconds to FD 100"
    assert [line.get_ydata()[0] for line in ax.lines if line.get_marker() == ">"] == [
        .16 - list(soon).index("RSGAN")]


def test_sheets_stand_best_first(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    from gan_lessons.explorers import arena as drawn
    monkeypatch.setattr(drawn, "RESULTS", tmp_path)
    for name in ("WGAN", "RSGAN"):
        scores.keep_sheet(torch.zeros(20, 1, 28, 28),
                          exact_results.sheet_path(tmp_path / "arena_mnist", "own", name))
    drawn.picture_sheet(fig := Figure(), rows=everybody("mnist"))
    found = [one["objective"] for one in summary(everybody("mnist"), "frechet")
             if one["objective"] in ("WGAN", "RSGAN")]
    assert [ax.get_title().split("  ")[0] for ax in fig.axes if ax.get_title()] == found


def test_the_dashboard_sorts_filters_and_takes_a_game_of_ones_own():
    from gan_lessons.explorers.arena import FAMILY_MENU, MENU, dashboard
    toys = everybody(*FILES["toys"])
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
            says in artists["title"].get_text() for says in ("nothing is stored", "nobody")
        )
    opened = dashboard(toys, data="grid", measure="modes or classes covered")
    assert "modes covered on grid" in opened._artists["title"].get_text()
    with pytest.raises(ValueError, match="no 'moons' in the menus; there are ring"):
        dashboard(toys, data="moons")
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
