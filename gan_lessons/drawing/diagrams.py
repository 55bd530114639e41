"""Diagrams: boxes with a text each, and arrows between them.

    blank(ax, 10, 4)
    boxes(ax, {"x": (.6, 3, "picture\n$x$", REAL), "e": (3, 3, "encoder\n$e$", CRITIC)}, ["x>e"])

Introduced in notebooks/14_semi_supervised.ipynb.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real

from matplotlib.colors import to_rgba

from .plots import CRITIC, check_colour


def blank(ax, width: float, height: float):
    """Axes without a frame, from 0 to `width` and from 0 to `height`."""
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.set_axis_off()


def box(ax, x: float, y: float, text: str, colour: str = CRITIC, *, fill: float = 0.0,
        size: float = 12, pad: float = .35):
    """A rounded box around a text; gives the text, which `arrow` takes for a start or an end.

    colour: of the frame, "none" for a text alone; fill: how much of the colour is inside, from 0 to
    1; a box in the colour of the critic, the plain one, stays white.
    """
    if colour != "none":
        check_colour(colour)
    inside = "white" if colour in ("none", CRITIC) else to_rgba(colour, fill)
    return ax.text(x, y, text, ha="center", va="center", fontsize=size, linespacing=1.3, zorder=3,
                   bbox=dict(boxstyle=f"round,pad={pad}", fc=inside, ec=colour, lw=1.5))


def arrow(ax, start, end, colour: str = CRITIC, *, both_ways: bool = False, dashed: bool = False):
    """An arrow from rim to rim of two boxes, or between points (x, y)."""
    check_colour(colour)
    (start, at_start), (end, at_end) = _rim(start), _rim(end)
    ax.annotate("", end, start, zorder=1, arrowprops=dict(
        arrowstyle="<|-|>" if both_ways else "-|>", color=colour, lw=1.4,
        linestyle="--" if dashed else "-", shrinkA=0, shrinkB=0, patchA=at_start, patchB=at_end))


def _rim(place):
    """Where an arrow points to, and the frame at which it ends: (x, y), patch or None."""
    if hasattr(place, "get_bbox_patch"):
        return place.get_position(), place.get_bbox_patch()
    if not isinstance(place, (tuple, list)) or len(place) != 2 or not all(
            isinstance(one, Real) for one in place):
        raise ValueError(f"an arrow goes between boxes, or points (x, y), not to {place!r:.60}")
    return place, None


def boxes(ax, named: Mapping[str, tuple], arrows: Iterable[str] = (), **look) -> dict:
    """Boxes name -> (x, y, text, colour) and arrows "from>to" or, both ways, "from<>to".

    Gives name -> text, for more arrows; look: fill, size and pad of `box`. ValueError for an arrow
    to a box that is not there, and for boxes that are described otherwise.
    """
    if not isinstance(named, Mapping) or not all(
            isinstance(what, (tuple, list)) and 3 <= len(what) <= 4 for what in named.values()):
        raise ValueError("boxes are a dictionary, name -> (x, y, text) or (x, y, text, colour), "
                         f"not {named!r:.80}")
    drawn = {name: box(ax, *what, **look) for name, what in named.items()}
    for which in arrows:
        sign = "<>" if "<>" in which else ">"
        start, _, end = which.partition(sign)
        if not {start, end} <= drawn.keys():
            raise ValueError(f"an arrow {which!r}, and the boxes are {', '.join(drawn)}: write "
                             "\"from>to\", or \"from<>to\" for both ways")
        arrow(ax, drawn[start], drawn[end], both_ways=sign == "<>")
    return drawn
