"""A device that is there and cannot compute: told once, and the CPU taken instead."""
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from gan_lessons import Normal, Ring, batches, minimax, non_saturating, train
from gan_lessons.training import devices

NO_KERNEL = "CUDA error: no kernel image is available for execution on the device\nCompile with"


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """Every test asks anew."""
    monkeypatch.delenv(devices.VARIABLE, raising=False)
    devices.trouble.cache_clear()
    devices._say_once.cache_clear()
    yield
    devices.trouble.cache_clear()
    devices._say_once.cache_clear()


@pytest.fixture
def card(monkeypatch):
    """A graphics card that answers every kernel as `card` says: an error, or a number."""
    def answers(what, many=1):
        def kernel(device):
            tried.append(device)
            if isinstance(what, Exception):
                raise what
            return what
        monkeypatch.setattr(torch.cuda, "is_available", lambda: many > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: many)
        # what an optimiser asks of a PyTorch built for cards, which has no driver here
        monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
        monkeypatch.setattr(devices, "_kernel", kernel)
        return tried
    tried = []
    return answers


def play(f=None, **options):
    f = f or nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    return train(options.pop("game", minimax()), dict(f=f, g=options.pop("g", nn.Linear(2, 2))),
                 batches(Ring(), z=Normal(dim=2), batch=4), steps=1, **dict(watch=None) | options)


TROUBLES = {
    "too old": (RuntimeError(NO_KERNEL), "no kernel image is available for execution on the dev"),
    "taken": (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 MiB."),
              "CUDA out of memory"),
    "no library": (OSError("libcublas.so: cannot open shared object file"), "libcublas.so"),
    "no words": (RuntimeError(), "RuntimeError"),
    "not built for it": (AssertionError("Torch not compiled with CUDA enabled"), "not compiled"),
    "wrong": (284., "computes something else than the CPU"),
    "NaN": (float("nan"), "something else"),
}


@pytest.mark.parametrize("kind", TROUBLES)
@pytest.mark.parametrize("variable", ["", "cuda", "CUDA:0 "])
def test_a_card_that_cannot_compute_is_told_once_and_the_cpu_taken(card, capsys, monkeypatch, kind,
                                                                   variable):
    what, says = TROUBLES[kind]
    monkeypatch.setenv(devices.VARIABLE, variable)
    tried = card(what)
    assert [play().device.type for _ in range(2)] == ["cpu", "cpu"]
    line, = capsys.readouterr().out.splitlines()
    assert line.startswith("cuda") and says in line
    assert line.endswith("; the CPU is used. GAN_LESSONS_DEVICE=cpu keeps this line away.")
    assert len(tried) == 1                                   # one kernel a process


def test_who_chose_the_cpu_is_asked_nothing_and_told_nothing(card, capsys, monkeypatch):
    tried = card(RuntimeError(NO_KERNEL))
    monkeypatch.setenv(devices.VARIABLE, "cpu")
    assert play().device.type == play(device="cpu").device.type == "cpu"
    assert not tried and capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["cuda", "cuda:0"])
def test_a_card_asked_for_by_name_is_refused_and_not_replaced(card, name):
    card(RuntimeError(NO_KERNEL))
    with pytest.raises(ValueError, match=f"device='{name}' cannot compute here .CUDA error: no ker"
                                         '.*: choose "auto" or "cpu"'):
        play(device=name)


def test_a_card_that_computes_is_taken(card, monkeypatch):
    card(285., many=2)
    assert devices.choose() == torch.device("cuda")
    assert devices.choose("cuda:1") == torch.device("cuda:1")
    monkeypatch.setenv(devices.VARIABLE, "cuda:1")
    assert devices.choose() == torch.device("cuda:1")
    assert devices.choose("cpu") == devices.choose(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("name, many, says", [
    ("cuda", 0, "PyTorch sees no CUDA device"), ("cuda:2", 2, "there are 2, numbered from 0"),
    ("cuda:99", 1, "there are 1"), ("mps", 0, "sees no such device"),
])
def test_a_device_that_is_not_there(card, capsys, monkeypatch, name, many, says):
    tried = card(285., many)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match=f"device='{name}' cannot compute here .*{says}"):
        play(device=name)
    monkeypatch.setenv(devices.VARIABLE, name)
    assert play().device.type == "cpu" and says in capsys.readouterr().out
    assert not tried


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1.0", "cuda:100",
                                  "cuda:9999", "cuda1", "cpu:1", "tpu", "none", "0", "1", "true",
                                  "meta", "auto!", "cuda,cpu", "cuda:0 1", "наш", "cpu;ls"])
def test_nonsense_is_refused_by_name(monkeypatch, name):
    with pytest.raises(ValueError, match="names no device: choose cpu, cuda, cuda:1 or mps"):
        play(device=name)
    monkeypatch.setenv(devices.VARIABLE, name)
    with pytest.raises(ValueError, match="^GAN_LESSONS_DEVICE=.* names no device: choose cpu"):
        play()


@pytest.mark.parametrize("asked", [None, 0, True, ["cuda"], b"cpu", 1.5])
def test_what_is_no_name_is_refused(asked):
    with pytest.raises(TypeError, match='device is "auto", or cpu, cuda, cuda:1 or mps, not '):
        play(device=asked)


def test_the_kernel_is_right_on_the_cpu():
    assert devices._kernel(torch.device("cpu")) == sum(i * i for i in range(10))


def test_the_doctor_asks_the_card_too(card, monkeypatch):
    sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
    import doctor
    card(RuntimeError(NO_KERNEL))
    said = dict(reversed(line) for line in doctor.device())
    assert said.get(next(text for text in said if "no kernel image" in text)) == "note"
    monkeypatch.setenv(devices.VARIABLE, "gpu")
    assert ("FAIL", "GAN_LESSONS_DEVICE=gpu names no device: choose cpu, cuda, cuda:1 or mps, or "
                    "unset GAN_LESSONS_DEVICE") in list(doctor.device())


# -- a cell that is run twice ------------------------------------------------------------------

def again(capsys, f, g, **options):
    """Whether a second training said that it goes on from the first."""
    capsys.readouterr()
    play(f, g=g, **dict(watch=lambda run: None) | options)
    return "f, g come trained by this very game: it goes on from there" in capsys.readouterr().out


def fresh():
    return nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)), nn.Linear(2, 2)


def test_a_training_played_again_on_its_networks_says_so_in_one_line(capsys):
    f, g = fresh()
    assert not again(capsys, f, g)
    assert again(capsys, f, g) and again(capsys, f, g, game=minimax())      # the cell anew
    assert not again(capsys, *fresh())


@pytest.mark.parametrize("change", ["another game", "other weights", "a new network", "silent",
                                    "a checkpoint", "another rate"])
def test_what_is_not_the_same_cell_says_nothing(capsys, tmp_path, change):
    (f, g), (_, other) = fresh(), fresh()
    again(capsys, f, g)
    if change == "other weights":
        g.load_state_dict(other.state_dict())
    options = {"another game": dict(game=non_saturating()), "silent": dict(watch=None),
               "a checkpoint": dict(checkpoint=tmp_path / "run.pt"),
               "another rate": dict(optimizer=lambda w: torch.optim.Adam(w, .1))}
    g = other if change == "a new network" else g
    assert not again(capsys, f, g, **options.get(change, {}))
