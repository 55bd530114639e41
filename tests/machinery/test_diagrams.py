"""Diagrams: arrows end at the rims of boxes, plain boxes stay white, both ways have two heads."""
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import ArrowStyle

from gan_lessons.drawing import plots
from gan_lessons.drawing.diagrams import arrow, blank, box, boxes


@pytest.fixture
def axes():
    fig, ax = plots.figure()
    blank(ax, 10, 4)
    return fig, ax


def _arrow_of(ax):
    """The arrow of the only annotation without a text."""
    line, = (text for text in ax.texts if not text.get_text())
    return line.arrow_patch


def test_an_arrow_ends_at_the_rims_of_its_boxes(axes):
    fig, ax = axes
    named = {"a": (2, 2, "from here", plots.REAL), "b": (8, 2, "to", plots.FAKE)}
    drawn = boxes(ax, named, ["a>b"])
    fig.draw_without_rendering()
    line = _arrow_of(ax).get_window_extent()                               # in pixels
    left, right = (drawn[name].get_bbox_patch().get_window_extent() for name in "ab")
    assert line.x0 == pytest.approx(left.x1, abs=5) and line.x1 == pytest.approx(right.x0, abs=5)


def test_between_points_an_arrow_has_their_length(axes):
    fig, ax = axes
    arrow(ax, (1, 1), (5, 1), plots.GOOD, dashed=True)
    fig.draw_without_rendering()
    line = _arrow_of(ax).get_window_extent().transformed(ax.transData.inverted())
    assert (line.x0, line.x1) == pytest.approx((1, 5), abs=.1)
    assert _arrow_of(ax).get_linestyle() == "--"


@pytest.mark.parametrize("sign, both", [(">", False), ("<>", True)])
def test_a_sign_says_how_many_heads(axes, sign, both):
    _, ax = axes
    boxes(ax, {"a": (2, 2, "a", plots.REAL), "b": (8, 2, "b", plots.FAKE)}, [f"a{sign}b"])
    style = type(_arrow_of(ax).get_arrowstyle())
    assert style is (ArrowStyle.CurveFilledAB if both else ArrowStyle.CurveFilledB)


def test_a_plain_box_stays_white_and_a_coloured_one_is_filled(axes):
    _, ax = axes
    plain = box(ax, 1, 1, "plain", fill=.3).get_bbox_patch()
    blue = box(ax, 5, 1, "blue", plots.REAL, fill=.3).get_bbox_patch()
    assert plain.get_facecolor() == to_rgba("white")
    assert blue.get_facecolor() == to_rgba(plots.REAL, .3)


def test_an_arrow_to_a_box_that_is_not_there_says_so(axes):
    with pytest.raises(ValueError, match="'a>c'.*a, b"):
        boxes(axes[1], {"a": (2, 2, "a", plots.REAL), "b": (8, 2, "b", plots.FAKE)}, ["a>c"])
