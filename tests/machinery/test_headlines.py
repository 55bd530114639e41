"""Headline results: declared, trained, stopped, stored, loaded, and refused where they must be."""
import json

import numpy as np
import pytest
import torch

import gan_lessons as gl
from gan_lessons.data.datasets import DataUnavailable, load_images
from gan_lessons.headlines import table
from gan_lessons.headlines.headline import Headline
from gan_lessons.headlines.table import RESULTS, headline, headlines, play, work_of
from gan_lessons.map.long_runs import LONG, LongRunError, slug
from lessons import Stop

NAME, SEEDS = "99 a test, 100 labels", (1, 2, 3)
STORED = [name for name in headlines() if list((RESULTS / slug(name)).glob("seed_*.json"))]


def guess(seed, note, folder):
    """Something with a seed, a curve, a file and a picture, in no time."""
    drawn = torch.Generator().manual_seed(seed)
    for step in range(1, gl.steps(laptop=4, smoke=2) + 1):
        score = .9 + .01 * torch.rand((), generator=drawn).item()
        note(step, accuracy=score)
    (folder / "weights.txt").write_text(str(score))
    return {"accuracy": score, "other": 3, "pictures": {"sheet": np.full((4, 5), .5)}}


@pytest.fixture
def place(monkeypatch, tmp_path):
    declare(monkeypatch, Headline(guess, "accuracy", "99 % (nobody, Table 1)"))
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GAN_LESSONS_BUDGET", raising=False)
    return tmp_path / "stored"


def declare(patch, one):
    patch.setattr(table, "headlines", lambda: {NAME: one})


def test_what_is_played_is_loaded(place):
    seen = []
    for seed in SEEDS:
        path = play(NAME, seed, place, watch=lambda *at: seen.append(at))
        assert path == place / slug(NAME) / f"seed_{seed}.json" and not work_of(NAME, seed).exists()
    found = headline(NAME, place)
    assert [row["seed"] for row in found.rows] == [1, 2, 3] and len(seen) == 12
    assert found.scores == [row["curve"][-1][2] for row in found.rows] or np.allclose(
        found.scores, [row["curve"][-1][2] for row in found.rows], atol=1e-5)
    assert found.curve(2).shape == (4, 3) and found.picture("sheet").shape == (4, 5)
    assert "paper: 99 %" in found.provenance and "3 seeds" in found.provenance
    low, middle, high = (f"{score:.1%}" for score in sorted(found.scores))
    assert f"accuracy {middle} (seeds {low} to {high})" in found.provenance
    assert not found.stale()
    found.verify()


def test_one_seed_does_not_change_another(place):
    play(NAME, 2, place)
    before = headline(NAME, place).scores
    play(NAME, 1, place)
    assert headline(NAME, place).scores[1:] == before


def test_a_stopped_seed_goes_on_with_its_curve_and_its_seconds(place, monkeypatch):
    def stop(seed, note, folder):
        note(1, accuracy=.5)
        raise KeyboardInterrupt
    real = table.code_of(NAME)
    declare(monkeypatch, Headline(stop, "accuracy", ""))
    monkeypatch.setattr(table, "code_of", lambda name: real)
    with pytest.raises(KeyboardInterrupt):
        play(NAME, 1, place)
    noted = work_of(NAME, 1) / "progress.json"
    noted.write_text(json.dumps(json.loads(noted.read_text()) | {"cpu": 1000.0}))
    declare(monkeypatch, Headline(guess, "accuracy", ""))
    play(NAME, 1, place)
    found = headline(NAME, place)
    assert found.curve()[0][2] == .5 and len(found.curve()) == 4         # noted before the stop
    assert found.rows[0]["cpu_seconds"] >= 1000


def test_an_unfinished_seed_of_other_code_is_refused(place, monkeypatch):
    work_of(NAME, 1).mkdir(parents=True)
    (work_of(NAME, 1) / "progress.json").write_text(json.dumps(
        {"step": 1, "cpu": 3.0, "curve": [[1, 3.0, .5]], "parts": {"a module": "0123"}}))
    with pytest.raises(LongRunError, match="has changed since.*--again"):
        play(NAME, 1, place)
    play(NAME, 1, place, again=True)
    assert headline(NAME, place).rows[0]["cpu_seconds"] < 3


@pytest.mark.parametrize("name, value", [
    ("accuracy", "x"), ("accuracy", None), ("accuracy", float("nan")), ("seed", "1"),
    ("cpu_seconds", "x"), ("curve", "x"), ("curve", [[1, 2, 3], [1]]), ("curve", [[1, 2]]),
    ("parts", None)])
def test_a_row_that_was_changed_by_hand_is_named(place, name, value):
    path = play(NAME, 1, place)
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(LongRunError, match=f"{name} in .*seed_1.json is no number.*git checkout"):
        headline(NAME, place)


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "3", "{}", '{"parts": 3, "curve": []}',
                                  '{"parts": {}, "curve": [], "cpu": "x"}', '{"parts": {}}', "\0"])
def test_damaged_notes_of_an_unfinished_seed_are_begun_anew(place, text):
    work_of(NAME, 1).mkdir(parents=True)
    (work_of(NAME, 1) / "progress.json").write_text(text)
    play(NAME, 1, place)
    assert len(headline(NAME, place).curve()) > 1


def test_other_code_is_seen_and_verified(place, monkeypatch):
    play(NAME, 1, place)

    def otherwise(seed, note, folder):
        return guess(seed, note, folder) | {"accuracy": .123}
    declare(monkeypatch, Headline(otherwise, "accuracy", ""))
    assert headline(NAME, place).stale()
    with pytest.raises(LongRunError, match="accuracy of its first rounds.*python lessons.py long"):
        headline(NAME, place).verify()

    def alike(seed, note, folder):
        return guess(seed, note, folder)
    declare(monkeypatch, Headline(alike, "accuracy", ""))
    assert headline(NAME, place).stale()
    headline(NAME, place).verify()                                  # another text, the same numbers


def test_what_is_not_there_is_refused_by_name(place):
    with pytest.raises(LongRunError, match=f"no headline result '07 x'; there are: {NAME}"):
        headline("07 x")
    with pytest.raises(LongRunError, match="not stored here: train it with python lessons.py long"):
        headline(NAME, place)
    with pytest.raises(LongRunError, match="seeds .1, 2, 3., not 4"):
        play(NAME, 4, place)
    play(NAME, 1, place)
    with pytest.raises(LongRunError, match="no picture 'strip'; it has sheet"):
        headline(NAME, place).picture("strip")
    with pytest.raises(LongRunError, match="seed 2 of"):
        headline(NAME, place).curve(2)


@pytest.mark.parametrize("text, why", [("{", "cannot be read"), ("[]", "cannot be read"),
                                       ("[" * 100_000, "cannot be read"),
                                       ("{}", "lacks")])
def test_a_damaged_file_is_refused_by_name(place, text, why):
    play(NAME, 1, place).write_text(text)
    with pytest.raises(LongRunError, match=f"seed_1.json.*{why}"):
        headline(NAME, place)


def test_a_folder_that_cannot_be_written_loses_nothing(place):
    place.parent.mkdir(exist_ok=True)
    place.write_text("a file where the folder should be")
    with pytest.raises(LongRunError, match="what was trained so far is kept"):
        play(NAME, 1, place)
    assert work_of(NAME, 1).exists()


def test_the_command_plays_each_seed(place, monkeypatch):
    import long_runs as tool
    names = tool.runs()
    assert names.keys() == {*LONG, *(f"{NAME}, seed {seed}" for seed in SEEDS)}
    assert tool.chosen(["99"], names) == tool.chosen([NAME], names) == list(names)[-3:]
    assert tool.chosen([f"{NAME}, seed 2"], names) == [f"{NAME}, seed 2"]
    with pytest.raises(Stop, match="no long run"):
        tool.chosen([f"{NAME}, seed 9"], names)
    assert tool.one(f"{NAME}, seed 2", place) == 0 and tool.one(f"{NAME}, seed 9", place) == 1
    assert tool.work_of(f"{NAME}, seed 2") == work_of(NAME, 2)
    assert headline(NAME, place).rows[0]["seed"] == 2


# -- what is declared and stored -------------------------------------------------------------------

def test_names_begin_with_their_lesson_and_lie_in_folders_of_their_own():
    names = [*headlines(), *LONG]
    assert all(name[:2].isdigit() and name[2] == " " for name in names)
    assert len({slug(name) for name in names}) == len(names)


@pytest.mark.parametrize("name", headlines())
def test_a_headline_result_trains_and_gives_its_score(name, tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LESSONS_BUDGET", "smoke")
    curve, one = [], headlines()[name]
    scores = one.train(0, lambda step, **scores: curve.append((step, scores[one.score])), tmp_path)
    assert curve and np.isfinite(scores[one.score]) and one.paper
    assert [step for step, _ in curve] == sorted({step for step, _ in curve})
    assert one.form.format(scores[one.score]) and len(one.seeds) >= 3 and 0 not in one.seeds
    assert all(isinstance(value, (int, float)) for key, value in scores.items()
               if key != "pictures")


@pytest.mark.parametrize("name", STORED)
def test_a_stored_headline_result_is_that_of_todays_code(name):
    found = headline(name)
    assert len(found.rows) == len(headlines()[name].seeds)
    assert len({row["fingerprint"] for row in found.rows}) == 1
    for row, score in zip(found.rows, found.scores):
        assert row["cpu_seconds"] > 30 and np.isclose(row["curve"][-1][2], score, atol=.02)
    data = "cifar10" if "CIFAR-10" in name else "mnist"
    try:
        load_images(data)
    except DataUnavailable:
        pytest.skip(f"{data} is not here to train the first rounds on")
    found.verify()
