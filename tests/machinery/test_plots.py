"""Drawing: data in, artists out, nothing left open, no torch."""
import base64
import io
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from PIL import Image

from gan_lessons import Mixture, Normal, Uniform
from gan_lessons.drawing import plots


def test_a_fresh_process_draws_without_torch_or_pyplot():
    code = "import sys, gan_lessons.drawing.plots as p; p.png(p.figure()[0]); " \
           "sys.exit(any(m in sys.modules for m in ('torch', 'matplotlib.pyplot')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_figures_are_pngs_of_their_size():
    fig, axes = plots.figure(2, 3, width=5, height=4)
    assert axes.shape == (3, 2)
    picture = Image.open(io.BytesIO(base64.b64decode(plots.png(fig))))
    assert picture.size == (550, 440)


def test_show_wants_a_sentence_and_displays_once(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **how: shown.append((data, how)))
    fig, _ = plots.figure()
    for alt in ("", "a plot"):
        with pytest.raises(ValueError, match="a sentence that says what the picture shows"):
            plots.show(fig, alt=alt)
    assert shown == [] and plots.show(fig, alt="Two densities far from each other.") is None
    (data, how), = shown
    assert (
        data["text/plain"]
        == how["metadata"]["image/png"]["alt"]
        == "Two densities far from each other."
    )


def test_both_areas_are_densities_and_the_line_is_the_best_discriminator():
    p, q, x = Normal(-1, .5), Normal(2, 1), np.linspace(-3, 4, 15)
    _, ax = plots.figure()
    plots.draw_densities(ax, x, p, q, lambda x: p.logpdf(x) - q.logpdf(x))
    drawn, = ax.lines
    np.testing.assert_allclose(drawn.get_ydata(), p.pdf(x) / (p.pdf(x) + q.pdf(x)), rtol=1e-9)
    tops = [area.get_paths()[0].vertices[:, 1].max() for area in ax.collections]
    np.testing.assert_allclose(tops, [p.pdf(x).max(), q.pdf(x).max()])
    assert [tuple(area.get_facecolor()[0][:3]) for area in ax.collections] == [
        to_rgba(plots.REAL)[:3], to_rgba(plots.FAKE)[:3]]
    plots.draw_densities(ax, x, Uniform(0, 1), Mixture([q]), lambda x: np.full_like(x, -1e9))
    assert (ax.lines[-1].get_ydata() < 1e-300).all()


@pytest.mark.parametrize("k, span", [(1, 25), (7, 3), (100, 25)])
def test_smooth_is_a_running_mean_of_the_past(k, span):
    values = np.random.default_rng(0).normal(size=k)
    by_hand = [values[max(0, i + 1 - span):i + 1].mean() for i in range(k)]
    np.testing.assert_allclose(plots.smooth(values, span), by_hand, rtol=1e-10, atol=1e-14)


def test_losses_draws_each_player_once_with_its_mean():
    run = SimpleNamespace(
        losses={"f": [1.0, 3, 2], "g": [4.0, 4, 4], "e d": [.0, 1, 2], "a₂": [5.0, 6, 7]}
    )
    fig, ax = plots.figure()
    plots.losses(ax, run)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        f"loss of {name}" for name in run.losses
    ]
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [1, 2, 2])
    assert len({line.get_color() for line in ax.lines[:4]}) == 2
    plots.png(fig)  # whatever a player is called, it can be drawn


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_of_pictures_row_by_row(channels):
    images = (
        np.arange(7, dtype=np.uint8)[:, None, None, None]
        * np.ones((1, channels, 4, 5), dtype=np.uint8)
        * 30
    )
    sheet = plots.pictures(plots.figure()[1], images, columns=3).get_array()
    assert sheet.shape[:2] == (8, 15)
    np.testing.assert_allclose(
        np.asarray(sheet)[2, 7].max(), 30 / 255, atol=1e-6
    )  # second of the first row
    np.testing.assert_allclose(
        np.asarray(sheet)[5, 12].max(), 150 / 255, atol=1e-6
    )  # last of the second
    as_float = plots.pictures(plots.figure()[1], images / 127.5 - 1, columns=3).get_array()
    np.testing.assert_allclose(as_float, sheet, atol=1e-6)
    assert plots.pictures(plots.figure()[1], images[:2]).get_array().shape[:2] == (4, 10)


@pytest.mark.parametrize("channels, paper", [(1, 0), (3, 1)])
def test_gaps_of_a_sheet_are_paper(channels, paper):
    images = np.zeros((6, channels, 4, 5))                         # grey of one half
    joined = plots.sheet(images, 3, gap=2)
    assert joined.shape[:2] == (2 * 4 + 2, 3 * 5 + 2 * 2)
    assert (joined[:4, :5] == .5).all() and (joined[6:, 14:] == .5).all()
    assert (joined[4:6] == paper).all() and (joined[:, 5:7] == paper).all()
    assert (joined == .5).sum() == 6 * 4 * 5 * channels
    assert (plots.sheet(images, 3) == .5).all()


@pytest.mark.parametrize("shape, scale", [((4, 6), 3), ((4, 6, 3), 2)])
def test_a_sheet_is_shown_pixel_by_pixel(monkeypatch, shape, scale):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **more: shown.append(data))
    joined = np.linspace(0, 1, np.prod(shape)).reshape(shape)
    plots.show_sheet(joined, "Four rows of grey or coloured fields.", scale)
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown[0]["image/png"]))))
    assert picture.shape[:2] == (4 * scale, 6 * scale)
    first = picture[::scale, ::scale] / 255
    np.testing.assert_allclose(first, joined if len(shape) == 3 else 1 - joined, atol=.003)
    assert (picture[1::scale, 1::scale] == picture[::scale, ::scale]).all()


@pytest.mark.parametrize("joined, alt, scale", [
    (np.zeros(4), "four words of text", 2), (np.zeros((4, 4, 2)), "four words of text", 2),
    (np.zeros((4, 4)), "short", 2), (np.zeros((4, 4)), "four words of text", 0)])
def test_what_is_no_sheet_is_not_shown(joined, alt, scale):
    with pytest.raises(ValueError):
        plots.show_sheet(joined, alt, scale)


def test_scores_are_drawn_against_seconds():
    run = SimpleNamespace(curve=lambda: np.array([[10, 2., 300.], [50, 9., 80.]]))
    fig, ax = plots.figure()
    plots.scores(ax, {"long": run})
    line = ax.lines[0]
    assert line.get_xdata().tolist() == [2, 9] and line.get_ydata().tolist() == [300, 80]
    assert [text.get_text() for text in ax.texts] == ["80"]
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_the_end_labels_of_close_curves_do_not_touch():
    ends = {"a": 16.7, "b": 15.2, "c": 16., "d": 90.}
    runs = {name: SimpleNamespace(curve=lambda end=end: np.array([[1, 2., 500.], [9, 650., end]]))
            for name, end in ends.items()}
    fig, ax = plots.figure(width=4)
    plots.scores(ax, runs)
    fig.canvas.draw()
    boxes = sorted((text.get_window_extent() for text in ax.texts), key=lambda box: box.y0)
    assert [text.get_text() for text in ax.texts] == ["15", "16", "17", "90"]
    assert all(low.y1 <= high.y0 for low, high in zip(boxes, boxes[1:]))


def test_points_in_the_plane_and_on_the_line():
    x = np.random.default_rng(0).normal(size=(50, 2))
    np.testing.assert_array_equal(plots.points(plots.figure()[1], x, plots.FAKE).get_offsets(), x)
    counts, edges, _ = plots.points(plots.figure()[1], x[:, :1], plots.FAKE)
    assert (counts * np.diff(edges)).sum() == pytest.approx(1)


def test_the_plane_of_a_critic_has_its_scores_where_they_belong():
    ax = plots.figure()[1]
    shades = plots.plane(ax, lambda x: 3 * x[:, 0] - x[:, 1], reach=2, points_a_side=5).get_array()
    line = np.linspace(-2, 2, 5)
    np.testing.assert_allclose(shades, 1 / (1 + np.exp(-(3 * line[None, :] - line[:, None]))))


def test_classes_and_their_fair_share():
    ax = plots.figure()[1]
    plots.classes(ax, [3, 9, 0], ["a", "b", "c"])
    assert [bar.get_height() for bar in ax.patches] == [3, 9, 0] and ax.lines[0].get_ydata()[0] == 4
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]


class Run:
    def __init__(self, shape, players="fg"):
        self.losses, self.players, self.shape = {"f": [1., 2]}, players, shape

    def samples(self, n):
        return np.zeros((n, *self.shape))


@pytest.mark.parametrize("run, artists", [
    (Run((1, 8, 8)), "images"),
    (Run((3, 8, 8)), "images"),
    (Run((2,)), "collections"),
    (Run((1,)), "patches"),
    (Run((2,), players="a"), None),
])
def test_the_live_picture_fits_what_the_generator_makes(run, artists):
    fig = plots.progress(run)
    right = fig.axes[1]
    for kind in ("images", "collections", "patches"):
        assert bool(len(getattr(right, kind))) == (kind == artists)
    plots.png(fig)
