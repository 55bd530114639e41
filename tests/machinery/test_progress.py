"""Progress: in place, seldom, and never in the way of a training."""
import io
import re
from types import SimpleNamespace

import pytest
import torch

from gan_lessons import Normal, Ring, batches, mlp_critic, mlp_generator, non_saturating, train
from gan_lessons.training import progress as live
from gan_lessons.training.progress import Progress, in_notebook, line


def at(step, steps=1_000, seconds=6.0):
    return SimpleNamespace(step=step, steps=steps, seconds=seconds, images_per_second=2410.4,
                           losses={}, players={})


def test_the_line_tells_how_far_how_fast_and_how_long():
    assert line(at(600)) == "━" * 14 + "┈" * 10 + " 600 / 1,000 steps · 2,410 samples/s · 4 s left"
    assert line(at(0)).startswith("┈" * 24 + " 0 / 1,000 steps")
    assert line(at(1_000)).startswith("━" * 24) and line(at(1_000)).endswith(" · 6 s")


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(live.time, "monotonic", lambda: clock.now)
    return clock


class Shown:
    """Stands for IPython's display and for the handle that it returns."""
    def __init__(self):
        self.displays, self.updates = [], []

    def __call__(self, content, raw, display_id, metadata=None):
        assert raw and display_id is True
        self.record(self.displays, content, metadata)
        return SimpleNamespace(
            update=lambda content, raw, metadata=None: self.record(self.updates, content, metadata))

    @staticmethod
    def record(where, content, metadata):
        assert "image/png" not in content or len(metadata["image/png"]["alt"].split()) > 4
        where.append(content)


@pytest.fixture
def notebook(monkeypatch):
    shown = Shown()
    monkeypatch.setattr(live, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", shown)
    return shown


def test_a_terminal_line_is_redrawn_at_most_twice_a_second(clock, capsys, monkeypatch):
    monkeypatch.setattr(live.sys.stderr, "isatty", lambda: True, raising=False)
    progress = Progress(at(0))
    for step in range(1, 101):
        clock.now += .02                                           # two seconds in all
        progress(at(step))
    progress.close(at(100))
    err = capsys.readouterr().err
    assert 4 <= err.count("\r") <= 5 and err.endswith("\x1b[K\n") and err.count("\n") == 1
    assert "100 / 1,000" in err.split("\r")[-1]


class Ascii(io.TextIOWrapper):
    def __init__(self):
        super().__init__(io.BytesIO(), "ascii")

    def isatty(self):
        return True


def test_a_terminal_that_knows_ascii_alone_ends_no_training(clock, monkeypatch):
    terminal = Ascii()
    monkeypatch.setattr(live.sys, "stderr", terminal)
    progress = Progress(at(0))
    clock.now += 1
    progress(at(600))
    progress.close(at(1_000))
    terminal.flush()
    said = terminal.buffer.getvalue().decode("ascii")
    assert "600 / 1,000 steps" in said and "1,000 / 1,000 steps" in said and "?" in said


def test_a_program_without_a_console_trains(clock, monkeypatch):
    closed = Ascii()
    closed.close()
    for stream in (None, closed):
        monkeypatch.setattr(live.sys, "stderr", stream)
        progress = Progress(at(0))
        clock.now += 1
        progress(at(600))
        progress.close(at(1_000))


def test_without_a_terminal_nothing_is_written(capsys):
    train(non_saturating(), dict(f=mlp_critic(2), g=mlp_generator(2, 2)),
          batches(Ring(), z=Normal(dim=2)), steps=2)
    assert capsys.readouterr() == ("", "")
    assert not in_notebook()


def test_in_a_notebook_one_text_and_one_picture_are_updated_in_place(clock, notebook, monkeypatch):
    drawn = []
    def draw(run):
        drawn.append(clock.now)
        clock.now += .2                                            # a slow picture
        return "figure"
    monkeypatch.setattr("gan_lessons.drawing.plots.progress", draw)
    monkeypatch.setattr("gan_lessons.drawing.plots.png", lambda figure: "png")
    progress = Progress(at(0))
    for step in range(1, 1_001):
        clock.now += .1
        progress(at(step))
    progress.close(at(1_000))
    assert [set(content) for content in notebook.displays] == [{"text/plain"},
                                                               {"image/png", "text/plain"}]
    assert notebook.updates[-2]["text/plain"].startswith("━" * 24)
    assert notebook.updates[-1] == {"text/plain": ""}
    assert drawn[0] == pytest.approx(103, abs=.6)
    assert len(drawn) * .2 < .02 * 100 + .2
    assert len(drawn) > 2


def test_a_picture_that_fails_does_not_end_the_training(clock, notebook, capsys, monkeypatch):
    def draw(run):
        raise TypeError("g wants labels")
    monkeypatch.setattr("gan_lessons.drawing.plots.progress", draw)
    progress = Progress(at(0))
    for step in range(20):
        clock.now += 5
        progress(at(step))
    said = capsys.readouterr().out
    assert said == "No live picture (TypeError: g wants labels); training goes on.\n"


def test_the_real_picture_of_a_real_run(notebook, clock):
    def tick(run):
        clock.now += 1.1

    run = train(non_saturating(), dict(f=mlp_critic(2), g=mlp_generator(2, 2)),
                batches(Ring(), z=Normal(dim=2)), steps=5, watch=tick)
    assert run.step == 5
    pictures = [c for c in notebook.displays + notebook.updates if "image/png" in c]
    assert pictures and re.match("iVBOR", pictures[0]["image/png"])


def test_watching_costs_nothing_that_the_run_can_notice():
    def play(watch):
        torch.manual_seed(0)
        return train(non_saturating(), dict(f=mlp_critic(2), g=mlp_generator(2, 2)),
                     batches(Ring(), z=Normal(dim=2)), steps=4, watch=watch).losses
    assert play(None) == play("auto") == play(lambda run: None)
