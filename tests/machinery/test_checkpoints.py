"""Checkpoints: whole or not at all, bit-identical, and never code."""
import os
import pickle
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest
import torch
from helpers import FullDisk, assert_same
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_lessons import Normal, Ring, adam, batches, fading, non_saturating, rmsprop, train
from gan_lessons.data import files
from gan_lessons.training import checkpoints, loop
from gan_lessons.training.checkpoints import CheckpointError


def play(path, steps=12, *, stop_at=None, dropout=True, wide=6, deep=(), seed=4, **options):
    """A training of fresh objects with everything that has a memory: dropout, norms, EMA, order."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        f = nn.Sequential(spectral_norm(nn.Linear(2, wide)), nn.Tanh(), *deep,
                          nn.Dropout(.3 * dropout), nn.Linear(wide, 1), nn.Flatten(0))
        g = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2))

    def watch(run):
        if run.step == stop_at:
            os.kill(os.getpid(), signal.SIGINT)

    return train(non_saturating(), dict(f=f, g=g),
                 batches(Ring(), z=Normal(dim=3), batch=8, seed=7), steps=steps,
                 checkpoint=path, **dict(watch=watch, turns={"f": 2}, ema=.9, seed=seed) | options)


def contents(path):
    state = torch.load(path, weights_only=True)
    assert {"players", "ema", "optimizers", "losses", "random", "samples", "step"} <= state.keys()
    return {key: value for key, value in state.items() if key != "seconds"}


posix = pytest.mark.skipif(os.name == "nt", reason="os.kill ends the process there")
OPTIMISERS = {"adam": adam(1e-2), "rmsprop": rmsprop(1e-2),
              "sgd": partial(torch.optim.SGD, lr=.1, momentum=.9)}


@posix
@pytest.mark.parametrize("optimizer", OPTIMISERS)
@pytest.mark.parametrize("reuse", [None, "g"])
@pytest.mark.parametrize("stops", [(5,), (1, 2, 11)])
def test_interrupted_and_continued_is_bit_identical(tmp_path, capsys, stops, reuse, optimizer):
    options = dict(reuse=reuse, optimizer=OPTIMISERS[optimizer])
    whole = play(tmp_path / "whole.pt", **options)
    for stop in stops:
        part = play(tmp_path / "parts.pt", stop_at=stop, **options)
        assert part.interrupted and part.step == stop
        torch.manual_seed(stop)                                     # whatever happens in between
    end = play(tmp_path / "parts.pt", **options)
    said = capsys.readouterr().out
    assert f"Continuing from {tmp_path / 'parts.pt'} at step {stops[-1]} of 12." in said
    assert not end.interrupted
    assert end.step == 12
    assert end.losses == whole.losses
    assert end.images == whole.images
    for name in "fg":
        assert_same(end.players[name].state_dict(), whole.players[name].state_dict())
    assert torch.equal(end.samples(9), whole.samples(9))
    assert_same(contents(tmp_path / "parts.pt"), contents(tmp_path / "whole.pt"))


@posix
@pytest.mark.parametrize("optimizer", OPTIMISERS)
def test_a_rate_that_fades_goes_on_bit_identically(tmp_path, optimizer):
    options = dict(optimizer=OPTIMISERS[optimizer], rate=fading(.25))
    whole = play(tmp_path / "whole.pt", **options)
    for stop in (2, 8):                                             # before and while it falls
        play(tmp_path / "parts.pt", stop_at=stop, **options)
    end = play(tmp_path / "parts.pt", **options)
    assert end.losses == whole.losses
    for name in "fg":
        assert_same(end.players[name].state_dict(), whole.players[name].state_dict())
    assert_same(contents(tmp_path / "parts.pt"), contents(tmp_path / "whole.pt"))
    assert play(None, optimizer=OPTIMISERS[optimizer]).losses != whole.losses


@posix
@pytest.mark.parametrize("changed", [dict(rate=fading(.5)), dict(rate=None),
                                     dict(rate=fading(.25), steps=13)])
def test_another_rate_or_length_of_it_is_another_training(tmp_path, changed):
    play(tmp_path / "run.pt", stop_at=3, rate=fading(.25))
    with pytest.raises(CheckpointError, match="its rate is"):
        play(tmp_path / "run.pt", **changed)


def test_more_steps_continue_and_fewer_are_refused(tmp_path):
    whole = play(None)
    play(tmp_path / "run.pt", steps=5)
    assert play(tmp_path / "run.pt", steps=12).losses == whole.losses
    before = (tmp_path / "run.pt").read_bytes()
    with pytest.raises(CheckpointError, match="holds 12 steps, and steps=4 are asked for: ask for "
                                              "as many or more, or use another file name"):
        play(tmp_path / "run.pt", steps=4)
    assert (tmp_path / "run.pt").read_bytes() == before
    assert play(tmp_path / "run.pt", steps=14).losses["f"][:12] == whole.losses["f"]


def test_a_checkpoint_does_not_change_the_run(tmp_path):
    assert play(tmp_path / "deeper" / "run.pt").losses == play(None).losses
    assert os.listdir(tmp_path / "deeper") == ["run.pt"]


# -- whole or not at all ---------------------------------------------------------------------------

STATE = {"plan": {"players": ["f"]}, "w": torch.arange(5.)}


@pytest.mark.parametrize("where", ["in the middle of writing", "before the rename"])
def test_a_crash_leaves_the_old_file_whole(tmp_path, where):
    path = tmp_path / "run.pt"
    checkpoints.save(STATE, path)
    crash = {
        "in the middle of writing":
            "def die(state, file): file.write(b'half a file'); file.flush(); os._exit(9)\n"
            "torch.save = die",
        "before the rename": "os.replace = lambda a, b: os._exit(9)",
    }[where]
    script = f"import os, torch\nfrom gan_lessons.training import checkpoints\n{crash}\n" \
             f"checkpoints.save({{'plan': {STATE['plan']}, 'w': torch.ones(3)}}, " \
             f"{str(path)!r})"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 9
    assert len(os.listdir(tmp_path)) == 2
    assert_same(checkpoints.load(path, STATE), STATE)
    checkpoints.save({**STATE, "w": torch.ones(2)}, path)
    assert torch.equal(checkpoints.load(path, STATE)["w"], torch.ones(2))
    assert os.listdir(tmp_path) == ["run.pt"]               # what the crash left is gone


def open_on_a_full_disk(path, mode):
    return FullDisk(open(path, mode), 700)


def test_a_full_disk_is_an_oserror_and_leaves_nothing_behind(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    checkpoints.save(STATE, path)
    monkeypatch.setattr(files, "open", open_on_a_full_disk, raising=False)
    with pytest.raises(OSError):
        checkpoints.save({**STATE, "w": torch.ones(10_000)}, path)
    assert os.listdir(tmp_path) == ["run.pt"]
    assert_same(checkpoints.load(path, STATE), STATE)


def test_training_goes_on_when_the_disk_is_full(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(files, "open", open_on_a_full_disk, raising=False)
    run = play(tmp_path / "run.pt")
    assert run.step == 12 and run.losses == play(None).losses
    said = capsys.readouterr().out
    assert "Checkpoint not written ([Errno 28] No space left on device); training goes on: free " \
           "some disk space" in said and os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX limits")
def test_a_real_limit_on_file_size(tmp_path):
    script = (
        "import resource, torch\nfrom gan_lessons.training import checkpoints\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: checkpoints.save({'plan': {}, 'w': torch.ones(10_000)}, "
        f"{str(tmp_path / 'run.pt')!r})\n"
        "except OSError as error: print('refused', error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.startswith("refused") and os.listdir(tmp_path) == [], done.stderr


# -- broken, foreign, malicious --------------------------------------------------------------------

class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def break_it(name, path, tmp_path):
    whole = path.read_bytes()
    broken = {"empty": b"", "truncated": whole[:len(whole) // 2], "text": b"hello",
              "corrupt": whole[:40] + bytes(60) + whole[100:],
              "pickled code": pickle.dumps(Malicious(str(tmp_path / "executed")), protocol=2)}
    if name in broken:
        path.write_bytes(broken[name])
    else:
        torch.save({"code in a checkpoint": {"plan": Malicious(str(tmp_path / "executed"))},
                    "no state": [1, 2], "no plan": {"step": 3}, "odd plan": {"plan": 7}}[name],
                   path)


@pytest.mark.parametrize("name", [
    "empty", "truncated", "text", "corrupt", "pickled code", "code in a checkpoint", "no state",
    "no plan", "odd plan"])
def test_what_is_no_checkpoint_is_refused_and_never_run(tmp_path, name):
    path = tmp_path / "run.pt"
    play(path, steps=2)
    break_it(name, path, tmp_path)
    before = path.read_bytes()
    with pytest.raises(CheckpointError,
                       match="run.pt is not a readable checkpoint .*delete it to start afresh"):
        play(path)
    assert not (tmp_path / "executed").exists() and path.read_bytes() == before


def test_the_malicious_file_would_have_done_it(tmp_path):
    torch.save({"plan": Malicious(str(tmp_path / "executed"))}, tmp_path / "run.pt")
    torch.load(tmp_path / "run.pt", weights_only=False)
    assert (tmp_path / "executed").exists()


def test_a_checkpoint_without_all_its_parts_is_refused(tmp_path):
    play(tmp_path / "run.pt", steps=2)
    state = torch.load(tmp_path / "run.pt", weights_only=True)
    del state["optimizers"]
    torch.save(state, tmp_path / "run.pt")
    with pytest.raises(CheckpointError, match="lacks optimizers; use another file name"):
        play(tmp_path / "run.pt")


@pytest.mark.parametrize("options, says", [
    (dict(wide=9), "its shapes of f is"),
    (dict(deep=[nn.Linear(6, 6)]), "its shapes of f is"),
    (dict(ema=None), "its ema is 0.9, here it is None"),
    (dict(ema=.5), "its ema is 0.9, here it is 0.5"),
    (dict(turns={"f": 3}), "its round is"),
    (dict(seed=5), "its seed is 4, here it is 5"),
    (dict(optimizer=adam(7e-3)),
     r"its learning rates is .0.0002, 0.0002., here it is .0.007, 0.007."),
    (dict(optimizer=OPTIMISERS["sgd"]),
     "its optimizers is .'Adam', 'Adam'., here it is .'SGD', 'SGD'."),
])
def test_another_trainings_checkpoint_is_refused(tmp_path, options, says):
    play(tmp_path / "run.pt", steps=2)
    with pytest.raises(CheckpointError,
                       match=f"belongs to another training: {says}.*Use another file name"):
        play(tmp_path / "run.pt", **options)


def test_networks_of_equal_size_but_other_shape_are_told_apart(tmp_path):
    def one(*sizes):
        f = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
        g = nn.Sequential(*[nn.Linear(a, b, bias=False) for a, b in zip(sizes, sizes[1:])])
        train(non_saturating(), dict(f=f, g=g), batches(Ring(), z=Normal(dim=2)), steps=1,
              watch=None, checkpoint=tmp_path / "run.pt")
        return sum(w.numel() for w in g.parameters())
    assert one(2, 4, 6, 2) == sum(a * b for a, b in ((2, 6), (6, 4), (4, 2)))
    with pytest.raises(CheckpointError, match="its shapes of g is"):
        one(2, 6, 4, 2)


KILLS = int(os.environ.get("GAN_LESSONS_KILLS", 3))                 # 20 in the weekly run


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a child is killed")
def test_killed_again_and_again_is_bit_identical(tmp_path, monkeypatch):
    """SIGKILL at any moment, also in the middle of writing; every round is written down."""
    path, steps, rng = tmp_path / "run.pt", 15 * (KILLS + 1), np.random.default_rng(KILLS)
    whole = play(tmp_path / "whole.pt", steps)

    def written():
        return path.exists() and path.stat().st_mtime_ns
    for _ in range(KILLS):
        before = written()
        if (child := os.fork()) == 0:
            try:
                monkeypatch.setattr(loop, "SAVE_EVERY", 0.)
                play(path, steps)
            finally:
                os._exit(0)
        end = time.monotonic() + 60
        while written() == before and time.monotonic() < end:
            time.sleep(.002)
        time.sleep(rng.uniform(0, .02))
        os.kill(child, signal.SIGKILL)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    end = play(path, steps)
    assert end.losses == whole.losses and end.images == whole.images
    assert_same(contents(path), contents(tmp_path / "whole.pt"))
    assert sorted(os.listdir(tmp_path)) == ["run.pt", "whole.pt"]   # no part of a killed write


@posix
def test_seconds_go_on_where_they_stopped(tmp_path):
    """The clock of a resumed training counts what was trained before."""
    part = play(tmp_path / "run.pt", stop_at=6)
    assert 0 < part.seconds < play(tmp_path / "run.pt").seconds
