"""Recipes, and long runs: made, stopped, stored, loaded, and refused where they must be."""
import csv
import errno
import json
import os
import shutil
import signal
import statistics
from dataclasses import replace

import numpy as np
import pytest
import torch

import gan_lessons as gl
from gan_lessons.drawing.plots import sheet
from gan_lessons.explorers.latent_space import between_codes, walk
from gan_lessons.map import long_training, stored_runs
from gan_lessons.map.conditional_recipes import CONDITIONAL, CONDITIONAL_PHOTOGRAPHS
from gan_lessons.map.long_runs import LONG, LongRunError, slug, train_long
from gan_lessons.map.long_training import LOOKS, looks, make, work_of
from gan_lessons.map.recipes import PHOTOGRAPHS, RECIPES, longer
from gan_lessons.map.stored_runs import RESULTS, long_run

NAME = "01 non-saturating"
STORED = [name for name in LONG if (RESULTS / slug(name) / "row.json").exists()]


@pytest.fixture(scope="module")
def images():
    return gl.load_images()


# -- recipes ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains_and_says_what_it_is(name, images):
    recipe = RECIPES[name]
    run = recipe.train(images, steps=2, watch=None)
    assert run.step == 2 and run.samples(3).shape == (3, *images.shape)
    said = str(recipe)
    assert f"{recipe.rates[recipe.judge]:g}" in said and f"{recipe.steps:,} rounds" in said
    assert "<" not in said                                  # no <function … at 0x…>


@pytest.mark.parametrize("seed, fade, rate", [(0, None, None), (3, .5, gl.fading(.5))])
def test_a_recipe_is_the_training_that_one_would_type(seed, fade, rate, images):
    recipe = replace(RECIPES["LSGAN"], fade=fade)
    f, g = recipe.players(images.shape, seed).values()
    by_hand = gl.train(
        recipe.game(), dict(f=f, g=g),
        gl.batches(images, z=gl.Normal(dim=64), batch=32, seed=seed), steps=3, watch=None,
        optimizer={"f": gl.adam(1e-2, (0, .99)), "g": gl.adam(4e-3, (0, .99))}, ema=.998,
        rate=rate, precision="bfloat16", reuse="g", seed=seed)
    run = recipe.train(images, steps=3, seed=seed, watch=None)
    assert run.losses == by_hand.losses
    assert torch.equal(run.samples(4), by_hand.samples(4))


def test_photographs_have_a_recipe():
    run = PHOTOGRAPHS["hinge"].train(
        gl.Images(torch.randint(0, 256, (64, 3, 32, 32), dtype=torch.uint8)), steps=1, watch=None)
    assert run.samples(2).shape == (2, 3, 32, 32)


@pytest.mark.parametrize("recipe, size, channels", [
    (PHOTOGRAPHS["RpGAN + R1 + R2"], 32, 3), (CONDITIONAL_PHOTOGRAPHS["projection"], 32, 3),
    (CONDITIONAL["projection"], 28, 1)])
def test_more_recipes_make_pictures_of_their_size(recipe, size, channels):
    shape, random = (64, channels, size, size), np.random.default_rng(0)
    images = gl.Images(torch.as_tensor(random.integers(0, 256, shape), dtype=torch.uint8),
                       torch.arange(64) % 10)
    assert recipe.train(images, steps=1, watch=None).samples(2).shape == (2, *shape[1:])


# -- making ----------------------------------------------------------------------------------------

@pytest.fixture
def short(monkeypatch, tmp_path):
    """The same long run in 24 rounds, scored with 200 pictures, in a cache of its own."""
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "cache"))
    shorten(monkeypatch)
    return tmp_path / "stored"


def shorten(patch):
    patch.setattr(stored_runs, "SCORED", 200)
    patch.setattr(long_training, "LOOKS", 5)
    patch.setitem(LONG, NAME, replace(LONG[NAME], recipe=longer(RECIPES["hinge"], 24),
                                      data=gl.load_images().name))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The short run, made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_LESSONS_CACHE", str(tmp_path_factory.mktemp("cache")))
        shorten(patch)
        seen, folder = [], tmp_path_factory.mktemp("stored")
        place = make(NAME, folder, watch=lambda *at: seen.append(at))
        assert place == folder / "01" / "non-saturating"
        assert not work_of(NAME).exists()
    assert seen[0][:2] == (1, 24) and seen[-1][:2] == (24, 24)
    return folder


def test_a_long_run_is_made_and_loaded(short, whole):
    run = long_run(NAME, whole)
    assert np.abs(sheet(run.samples(100).numpy(), 10) - run.sheet()).max() < .003   # one byte
    assert run.strip().shape == (4 * 28, 8 * 28)
    curve = run.curve()
    assert curve[-1][0] == 24 and (np.diff(curve[:, :2], axis=0) >= 0).all()
    assert curve[-1][2] == run.row["distance"] and "24 rounds" in run.provenance
    assert not run.stale()
    run.verify()
    again = run.samples(5)
    assert torch.equal(again, run.samples(5)) and not torch.equal(again, run.samples(5, seed=1))


def test_a_long_run_with_labels_is_made_to_order(short, monkeypatch):
    name = "13 CLS-GAN"
    monkeypatch.setitem(LONG, name, replace(
        LONG[name], recipe=longer(LONG[name].recipe, 12), data=gl.load_images().name))
    run = long_run(name, make(name, short).parents[1])
    assert run.strip().shape == (4 * 28, 10 * 28)                   # a column a class
    threes = run.samples(6, 3)
    assert torch.equal(threes, run.samples(6, [3] * 6)) and not torch.equal(threes, run.samples(6))
    assert torch.equal(run.by_class(2, seed=1)[3], run.samples(20, torch.arange(10)
                                                               .repeat_interleave(2), seed=1)[6:8])
    assert 0 <= run.row["as_asked"] <= 1 and 0 <= run.row["accuracy"] <= 1
    for labels in ([3] * 5, 10, -1, 1.5):
        with pytest.raises(ValueError, match="labels"):
            run.samples(6, labels)


def test_a_generator_without_labels_takes_none(short, whole):
    with pytest.raises(ValueError, match="takes no labels"):
        long_run(NAME, whole).samples(6, 3)
    assert "as_asked" not in long_run(NAME, whole).row


@pytest.mark.skipif(os.name == "nt", reason="os.kill ends the process there")
def test_a_stopped_run_goes_on_to_the_same_end(short, whole, monkeypatch):
    began = long_training._Record.__call__

    def stop_at_ten(self, run):
        began(self, run)
        if run.step == 10:
            os.kill(os.getpid(), signal.SIGINT)
    monkeypatch.setattr(long_training._Record, "__call__", stop_at_ten)
    with pytest.raises(LongRunError, match="stopped at round 10 of 24.*goes on"):
        make(NAME, short)
    monkeypatch.setattr(long_training._Record, "__call__", began)
    make(NAME, short)
    one, two = (long_run(NAME, folder) for folder in (whole, short))
    assert all(torch.equal(a, b) for a, b in zip(one.generator.state_dict().values(),
                                                 two.generator.state_dict().values()))
    assert [at[::2] for at in one.row["curve"]] == [at[::2] for at in two.row["curve"]]
    assert (one.strip() == two.strip()).all() and (one.sheet() == two.sheet()).all()


def test_an_unfinished_run_of_other_code_is_refused(short):
    work = work_of(NAME)
    work.mkdir(parents=True)
    found = long_training.parts(train_long, {"name": NAME})
    old = {**found, "gan_lessons.training.loop": "0" * 16}
    (work / "progress.json").write_text(json.dumps({"step": 5, "cpu": 1.0, "parts": old}))
    with pytest.raises(LongRunError, match="changed since.*training.loop.*--again"):
        make(NAME, short)
    make(NAME, short, again=True)                       # what was unfinished is forgotten
    assert long_run(NAME, short).row["steps"] == 24


def test_a_full_disk_names_the_remedy(short, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(long_training, "atomic_write", full)
    with pytest.raises(LongRunError, match="No space left.*Free some space"):
        make(NAME, short)


# -- reading ---------------------------------------------------------------------------------------

def test_neighbours_are_the_nearest_in_pixels_and_classes_those_of_the_classifier(short, whole,
                                                                                  images):
    run = long_run(NAME, whole)
    made, near = run.neighbours(gl.Images(images.images[:600]), 3)
    distance = torch.cdist(made.flatten(1), images.images[:600].flatten(1) / 127.5 - 1)
    assert torch.equal(near, images.images[:600][distance.argmin(1)])
    sheet_of = run.by_class(4, draws=50)
    assert sheet_of.shape == (10, 4, *images.shape)
    kinds = gl.metrics.class_probabilities(run.samples(50), images.name).argmax(1)
    for y in range(10):
        assert torch.equal(sheet_of[y, 0], run.samples(50)[kinds == y][0]
                           if (kinds == y).any() else torch.full(images.shape, -1.))


def test_a_walk_begins_and_ends_at_its_codes_and_keeps_their_length():
    a, b = torch.randn(2, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(between_codes(a, b, 0.), a)
    torch.testing.assert_close(between_codes(a, b, 1.), b)
    b = b * a.norm() / b.norm()
    half = between_codes(a, b, .5)
    assert half.norm().item() == pytest.approx(a.norm().item(), rel=1e-5)
    assert (half @ a).item() == pytest.approx((half @ b).item(), rel=1e-4)
    torch.testing.assert_close(between_codes(a, a, .3), a)
    with pytest.raises(ValueError, match="no direction"):
        between_codes(0 * a, b, .5)


def test_a_walk_shows_what_the_generator_makes(short, whole):
    run = long_run(NAME, whole)
    explorer = walk(run)
    assert explorer.draw(t=0.) != explorer.draw(t=1.)
    assert explorer.draw(t=0., a=3) != explorer.draw(t=0., a=4)
    assert explorer.draw(t=.5, a=2, b=2) == explorer.draw(t=.5, a=2, b=2)
    assert walk(run, a=3, b=4).draw(t=0.) == explorer.draw(t=0., a=3, b=4)


def test_an_unknown_run_lists_the_known():
    with pytest.raises(LongRunError, match="no long run 'nonsense'.*07 WGAN-GP"):
        long_run("nonsense")


def test_what_is_not_stored_says_how_to_make_it(tmp_path):
    with pytest.raises(LongRunError, match="not stored.*lessons.py long 01"):
        long_run(NAME, tmp_path)


@pytest.fixture
def made(short, whole):
    shutil.copytree(whole, short)
    return short


def edit(folder, **changed):
    path = folder / slug(NAME) / "row.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


@pytest.mark.parametrize("name, value", [
    ("curve", "x"), ("curve", None), ("curve", [[1, 2, 3], [1]]), ("curve", [[1, 2]]),
    ("distance", "x"), ("steps", None), ("cpu_seconds", "x"), ("data", None), ("shape", "x"),
    ("versions", []), ("versions", {}), ("parts", None), ("probe", [1]), ("machine", 3),
    ("classes", True), ("seed", None)])
def test_a_row_that_was_changed_by_hand_is_named(made, name, value):
    edit(made, **{name: value})
    with pytest.raises(LongRunError, match=f"{name} of '{NAME}' in .* none any more.*git checkout"):
        long_run(NAME, made)


def test_damaged_foreign_and_outdated_runs_are_refused(made):
    weights = made / slug(NAME) / "weights.safetensors"
    whole = weights.read_bytes()
    for bad in (whole[:-40], whole[:2000] + b"\xff" + whole[2001:], b""):
        weights.write_bytes(bad)
        with pytest.raises(LongRunError, match="damaged"):
            long_run(NAME, made)
    weights.write_bytes(whole)
    edit(made, recipe="another game")
    with pytest.raises(LongRunError, match="another recipe"):
        long_run(NAME, made)
    (made / slug(NAME) / "row.json").write_text("{half")
    with pytest.raises(LongRunError, match="not stored"):
        long_run(NAME, made)


def test_code_that_computes_the_same_passes_and_other_code_does_not(made):
    edit(made, parts={"gan_lessons.training.loop": "0" * 16})
    run = long_run(NAME, made)
    assert run.stale()
    run.verify()                                        # the text differs, eight rounds do not
    losses = run.row["probe"]["f"]
    run.row["probe"]["f"] = [*losses[:-1], losses[-1] + .1]
    with pytest.raises(LongRunError, match="made by other code.*lessons.py long 01"):
        run.verify()


def test_weights_of_another_network_are_refused(made, monkeypatch):
    run = long_run(NAME, made)
    wide = longer(LONG[NAME].recipe, 24, noise=63)
    monkeypatch.setitem(LONG, NAME, replace(LONG[NAME], recipe=wide))
    with pytest.raises(LongRunError, match="do not fit"):
        run.samples(1)


# -- what the course has stored --------------------------------------------------------------------

@pytest.mark.parametrize("name", STORED)
def test_a_stored_run_draws_its_sheet_and_was_made_by_todays_code(name):
    run = long_run(name)
    drawn = sheet(run.samples(100).numpy(), 10)
    assert np.abs(drawn - run.sheet()).mean() < .004, name
    assert run.curve()[-1][2] == run.row["distance"]
    try:
        gl.load_images(LONG[name].data)
    except gl.DataUnavailable:
        pytest.skip(f"{LONG[name].data} is not here to train the first rounds on")
    run.verify()


def test_stored_runs_are_small_and_all_declared():
    size = sum(path.stat().st_size for path in RESULTS.rglob("*") if path.is_file())
    assert size <= 25 << 20
    found = {path.parent.relative_to(RESULTS).as_posix() for path in RESULTS.rglob("row.json")}
    assert found <= {slug(name) for name in LONG}


@pytest.mark.parametrize("steps", [1, 5, 60, 36_000])
def test_looks_end_with_the_last_round(steps):
    found = looks(steps)
    assert found[-1] == steps and found[0] >= 1 and len(found) <= LOOKS


def test_the_readme_says_what_the_stored_runs_reached():
    text = (RESULTS.parents[2] / "README.md").read_text(encoding="utf-8")
    for name in STORED:
        row = long_run(name).row
        minutes = f"{row['cpu_seconds'] / 60:.0f}"
        assert f"| {name} | {minutes} | {row['distance']:.1f} |" in text, name


def test_the_readme_says_what_a_minute_reached():
    """Medians and ends of results/digits_minute.csv, recipe by recipe."""
    with (RESULTS.parent / "digits_minute.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    text = (RESULTS.parents[2] / "README.md").read_text(encoding="utf-8")
    for name in {row["recipe"] for row in rows}:
        found = sorted(float(row["distance"]) for row in rows if row["recipe"] == name)
        assert "0" not in {row["seed"] for row in rows}              # it chose the rates
        assert (f"| {name} | {statistics.median(found):.0f} | {found[0]:.0f} – {found[-1]:.0f} | "
                f"{len(found)} |") in text, name
