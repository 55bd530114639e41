"""The map of notebooks/20_map.ipynb: all objectives as boxes, the edges between them as numbered
curves; and the colours, markers and lines of the families.

Everything is computed: an entry of `map.objectives` becomes a box in its family's region, an entry
of `map.edges` a curve. All lengths are inches.
"""
from __future__ import annotations

import base64
import html
import io
import itertools
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.textpath import TextPath
from PIL import Image

from ..drawing.explorer import Explorer, choice, slider
from ..drawing.plots import BAD, CRITIC, FAKE, GOOD, REAL, SKY, THIRD
from ..map.edges import EDGES, KIND_WORDS, both_sides, check_edge, edges_of
from ..map.objectives import BEYOND, FAMILIES, OBJECTIVES

FAMILY_COLOURS = dict(zip(FAMILIES, (REAL, GOOD, BAD, THIRD, FAKE, SKY, "#6a5acd"), strict=True))
FAMILY_MARKERS = dict(zip(FAMILIES, "os^DvPX", strict=True))
FAMILY_LINES = dict(zip(FAMILIES, ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)),
                                   (0, (3, 1, 1, 1))), strict=True))
KIND_LINES = {"is": "-", "if": (0, (7, 2)), "part": (0, (1, 1.5)), "contains": (0, (4, 1.5)),
              "limit": (0, (2.5, 1.2)), "bounds": "-."}
KIND_NAMES = {"is": "is, in the setting named", "if": "is, if …", "part": "is a part of",
              "contains": "contains", "limit": "tends to", "bounds": "bounds"}
HEADS = ("contains", "limit")               # kinds that lead somewhere: an arrowhead at b

# -- where things stand, in inches -----------------------------------------------------------------

WIDE, HIGH = 9.6, 8.6                       # of the map; one unit of its axes is an inch
_REGIONS = {"comparison": (0, 0), "f-divergence": (1, 0), "encoders": (2, 0),
            "transport": (0, 1), "margin": (1, 1), "labels": (2, 1), BEYOND: (0, 2)}
_ROOM, _LEGEND = (WIDE / 3, 3.24), .32      # of a region; of the strip below them all
_LOWER = 1.7                                # height of the region below the six, as wide as all
# how far a curve may bend, as a share of its length; the straightest that is free is taken
_BENDS = np.array([0, .1, -.1, .15, -.15, .2, -.2, .25, -.25, .3, -.3, .4, -.4, .46, -.46,
                   .62, -.62, .8, -.8])
_SHARES = (.5, .3, .7, .2, .8, .05, .95)            # where along it the bend pulls


class Box(NamedTuple):
    """Centre, width and height of a node, and its name in lines."""

    x: float
    y: float
    w: float
    h: float
    text: str


class Route(NamedTuple):
    """The curve of an edge outside its boxes (k, 2), and where its number stands."""

    curve: np.ndarray
    number: np.ndarray


def _lines(name: str) -> str:
    """A name of more than 13 letters in two lines."""
    return name if len(name) <= 13 or " " not in name else "\n".join(name.rsplit(" ", 1))


def _corner(family: str) -> tuple[float, float]:
    """Left and lower end of a family's region."""
    column, row = _REGIONS[family]
    return column * _ROOM[0], HIGH - row * _ROOM[1] - _room(family)[1]


def _room(family: str) -> tuple[float, float]:
    """Width and height of a family's region."""
    return (WIDE, _LOWER) if family == BEYOND else _ROOM


_TITLES = [Box(_corner(family)[0] + .05 + wide / 2, _corner(family)[1] + _room(family)[1] - .17,
               wide, .2, family)
           for family, wide in ((family, 1.7 if family == BEYOND else 1.2) for family in FAMILIES)]


@lru_cache(maxsize=1)
def _layout() -> tuple[dict[str, Box], tuple[Route, ...]]:
    """Boxes by name, and routes in the order of EDGES; the same every time."""
    names = list(OBJECTIVES)
    members = {family: [i for i, name in enumerate(names) if OBJECTIVES[name].family == family]
               for family in FAMILIES}
    sizes = np.array([_size(name) for name in names])
    ends = np.array([[names.index(name) for name in edge.ends] for edge in EDGES])
    slots = {family: np.add(_corner(family), _seats(family, len(here)))
             for family, here in members.items()}
    at = np.empty((len(names), 2))
    for family, here in members.items():
        at[here] = slots[family][:len(here)]

    def length(at):
        return (np.linalg.norm(at[ends[:, 0]] - at[ends[:, 1]], axis=1) ** 1.3).sum()

    for _ in range(3):        # family by family, the seats with short edges that run into few boxes
        for family, here in members.items():
            seatings = []
            for seats in _seatings(slots[family], at[here]):
                at[here] = seats
                seatings.append((length(at), seats))
            best = sorted(seatings, key=lambda one: one[0])[:60]      # crossings are dear to count:
            for i, (cost, seats) in enumerate(best):                  # only for the sixty shortest
                at[here] = seats
                tangled = .8 * _run_into(at, sizes, ends) + .5 * _crossings(at, ends)
                best[i] = cost + tangled, i, seats
            at[here] = min(best, key=lambda one: one[:2])[2]
    boxes = {name: Box(*at[i], *sizes[i], _lines(name)) for i, name in enumerate(names)}
    return boxes, _routes(boxes)


def _seats(family: str, n: int):
    """Places in a region, from its lower left corner: two columns, as many rows as n boxes need;
    two rows in the lowest one."""
    if family == BEYOND:
        columns = max(5, (n + 1) // 2)
        return [(x, y) for y in (1.0, .36) for x in (np.arange(columns) + .5) * WIDE / columns]
    return [(x, y) for y in np.linspace(2.45, .45, max(3, (n + 1) // 2)) for x in (.84, 2.36)]


def _seatings(slots, now):
    """All ways to seat up to six boxes; with more, those that differ from `now` in two seats."""
    if len(now) <= 6:
        return itertools.permutations(slots, len(now))
    seats = [*now, *(slot for slot in slots if not (slot == now).all(1).any())]
    swapped = [seats] + [[*seats[:i], seats[j], *seats[i + 1:j], seats[i], *seats[j + 1:]]
                         for i, j in itertools.combinations(range(len(seats)), 2)]
    return [one[:len(now)] for one in swapped]


def _size(name: str) -> tuple[float, float]:
    """Width and height of a box that holds a name, its marker and its lesson."""
    text = _lines(name)
    width = max(TextPath((0, 0), line, size=9).get_extents().width
                for line in text.split("\n")) / 72
    return width + .46, .42 if "\n" in text else .34


def _run_into(at, sizes, ends) -> int:
    """How many times a straight edge crosses a box that is not its own."""
    t = np.linspace(0, 1, 33)[:, None, None]
    points = (1 - t) * at[ends[:, 0]] + t * at[ends[:, 1]]              # (33, edges, 2)
    crossed = _inside(points, at, sizes, .04).any(0)                    # (edges, boxes)
    crossed[np.arange(len(ends))[:, None], ends] = False
    return int(crossed.sum())


def _crossings(at, ends) -> int:
    """How many pairs of straight edges cross, edges that share an end left out."""
    a, b = at[ends[:, 0]], at[ends[:, 1]]                               # (edges, 2)

    def left_of(p):                                                     # (edges, edges)
        d = (b - a)[:, None]
        return d[..., 0] * (p - a[:, None])[..., 1] > d[..., 1] * (p - a[:, None])[..., 0]
    split = left_of(a[None]) != left_of(b[None])
    apart = (ends[:, None, :, None] != ends[None, :, None, :]).all((2, 3))
    return int((split & split.T & apart).sum()) // 2


def _inside(points, centres, sizes, pad: float):
    """Whether points (..., 2) lie in boxes (m, 2), (m, 2): (..., m)."""
    reach = np.asarray(sizes) / 2 + pad
    return ((np.abs(points[..., None, 0] - centres[:, 0]) < reach[:, 0])
            & (np.abs(points[..., None, 1] - centres[:, 1]) < reach[:, 1]))


def _close(points, others, pad: float):
    """Whether points (k, 2) lie within `pad` of others (m, 2), by either coordinate: (k, m)."""
    return ((np.abs(points[:, None, 0] - others[:, 0]) < pad)
            & (np.abs(points[:, None, 1] - others[:, 1]) < pad))


def _routes(boxes) -> tuple[Route, ...]:
    """A bent curve for each edge: through no other box, across few others, near to straight.

    Short edges are drawn first, as they have the least room to give way.
    """
    names, t = list(boxes), np.linspace(0, 1, 81)[:, None]
    centres = np.array([box[:2] for box in [*boxes.values(), *_TITLES]])
    sizes = np.array([box[2:4] for box in [*boxes.values(), *_TITLES]])
    ends = [[names.index(name) for name in edge.ends] for edge in EDGES]
    routes, drawn, numbers = [None] * len(ends), np.empty((0, 2)), np.full((1, 2), -9.)
    twins = {}                          # what is drawn between the same two boxes
    length = lambda i: np.linalg.norm(centres[ends[i][0]] - centres[ends[i][1]])
    for i in sorted(range(len(ends)), key=length):
        a, b = ends[i]
        best = np.inf
        if a == b:                                          # of an objective to itself: a loop
            turn = np.linspace(-.5 * np.pi, 1.1 * np.pi, 60)
            knot = centres[a] + sizes[a] / 2
            shown = knot + [-.06, 0] + .17 * np.stack([np.cos(turn), np.sin(turn)], 1)
            shown = shown[~_inside(shown, centres[[a]], sizes[[a]], .01)[:, 0]]
            number = knot + [.02, .17]
        for bend, share in itertools.product(_BENDS, _SHARES) if a != b else ():
            span = centres[b] - centres[a]
            if (cost := 14 * abs(bend) * np.hypot(*span)) >= best:
                continue                                    # the bend alone costs more already
            pull = centres[a] + share * span + bend * span[::-1] * [-1, 1]
            curve = (1 - t) ** 2 * centres[a] + 2 * t * (1 - t) * pull + t ** 2 * centres[b]
            curve = curve[~_inside(curve, centres[[a, b]], sizes[[a, b]], .01).any(1)]
            others = np.delete(centres, [a, b], 0), np.delete(sizes, [a, b], 0)
            hits = _inside(curve, *others, .05).sum()
            outside = ((curve < [.06, _LEGEND + .05]) | (curve > [WIDE - .06, HIGH - .02])).sum()
            cost += 50 * (hits + outside) + 1.5 * _close(curve, drawn, .05).sum()
            if (pair := frozenset((a, b))) in twins:
                middle = curve[len(curve) // 4:3 * len(curve) // 4]
                cost += 4 * _close(middle, twins[pair], .18).sum()
            if cost < best:
                best, shown = cost, curve
        if a != b:              # the number: near the middle, over no box, number or other curve
            middle = np.abs(np.arange(len(shown)) - len(shown) / 2) / len(shown)
            taken = (9. * _inside(shown, centres, sizes, .13).any(1)
                     + 9. * _close(shown, numbers, .22).any(1))
            number = shown[np.argmin(middle + taken + .6 * _close(shown, drawn, .12).any(1))]
        routes[i], twins[frozenset((a, b))] = Route(shown, number), shown
        numbers, drawn = np.vstack([numbers, number]), np.vstack([drawn, shown[::2]])
    return tuple(routes)


# -- the picture -----------------------------------------------------------------------------------

def the_map(ax, faint: bool = False, low: float = 0.0):
    """All objectives and edges on axes of WIDE × (HIGH + low) inches.

    `faint` draws the edges light, for an explorer that lights some of them. Returns (boxes by name,
    routes in the order of EDGES).
    """
    boxes, routes = _layout()
    ax.set(xlim=(0, WIDE), ylim=(-low, HIGH))
    ax.set_axis_off()
    for family in FAMILIES:
        (x, y), (wide, high) = _corner(family), _room(family)
        ax.add_patch(Rectangle((x + .03, y + .03), wide - .06, high - .06,
                               color=FAMILY_COLOURS[family], alpha=.12, lw=0))
        ax.plot(x + .17, y + high - .17, FAMILY_MARKERS[family], color=FAMILY_COLOURS[family],
                ms=7)
        ax.text(x + .3, y + high - .17, family, va="center", fontsize=10, weight="bold")
    for i, (edge, route) in enumerate(zip(EDGES, routes)):
        ax.plot(*route.curve.T, ls=KIND_LINES[edge.kind], color="#b5b5b5" if faint else "#666666",
                lw=1.1, zorder=2)
        if edge.kind in HEADS:
            _head(ax, route.curve, "#b5b5b5" if faint else "#666666")
        _number(ax, i, route.number, "#8a8a8a" if faint else CRITIC)
    for name, box in boxes.items():
        _node(ax, name, box)
    said = {kind: f"{KIND_WORDS[kind]} {KIND_NAMES[kind]}" for kind in KIND_LINES}
    widths = [.54 + TextPath((0, 0), text, size=8.5).get_extents().width / 72
              for text in said.values()]
    gap = (WIDE - .24 - sum(widths)) / (len(said) - 1)
    x = .12
    for kind, width in zip(KIND_LINES, widths):
        ax.plot([x, x + .42], [_LEGEND / 2] * 2, ls=KIND_LINES[kind], color="#666666", lw=1.4)
        if kind in HEADS:
            _head(ax, np.array([[x, _LEGEND / 2], [x + .44, _LEGEND / 2]]), "#666666")
        ax.text(x + .54, _LEGEND / 2, said[kind], va="center", fontsize=8.5)
        x += width + gap
    return boxes, routes


def _head(ax, curve, colour, **style):
    """An arrowhead at the end of a curve (k, 2)."""
    head, = ax.plot([], [], ls="", ms=6.5, color=colour, mew=0, **{"zorder": 4, **style})
    _turn(head, curve)
    return head


def _turn(head, curve):
    """Puts an arrowhead at the end of a curve, in its direction."""
    before, tip = curve[max(-4, -len(curve))], curve[-1]
    angle = np.degrees(np.arctan2(*(tip - before)[::-1])) - 90          # a triangle points upwards
    head.set_data([tip[0]], [tip[1]])
    head.set_marker((3, 0, angle))


def _number(ax, i, at, colour, **style):
    """The number of an edge on a white ground."""
    return ax.text(*at, str(i + 1), ha="center", va="center", fontsize=8, color=colour, zorder=4,
                   bbox=dict(boxstyle="round,pad=.12", fc="white", ec="none"), **style)


def _node(ax, name, box: Box):
    """An objective's box: the marker of its family, its lesson, its name."""
    family = OBJECTIVES[name].family
    colour = FAMILY_COLOURS[family]
    ax.add_patch(_frame(box, fc="white", ec=colour, lw=1.5, zorder=5))
    left = box.x - box.w / 2
    ax.plot(left + .16, box.y + .075, FAMILY_MARKERS[family], color=colour, ms=5, zorder=6)
    ax.text(left + .16, box.y - .075, OBJECTIVES[name].lesson[:2], ha="center", va="center",
            fontsize=8, zorder=6)
    ax.text(left + .31, box.y, box.text, va="center", fontsize=9, linespacing=1.05, zorder=6)


def _frame(box: Box, **style):
    """A rounded frame as large as the box: less its padding, which the style adds again."""
    return FancyBboxPatch((box.x - box.w / 2 + .04, box.y - box.h / 2 + .04), box.w - .08,
                          box.h - .08, boxstyle="round,pad=.04", **style)


def map_figure() -> Figure:
    """The whole map as one figure of WIDE × HIGH inches."""
    fig = Figure(figsize=(WIDE, HIGH), dpi=110)
    the_map(fig.add_axes((0, 0, 1, 1)))
    return fig


ALT = ("Map of all objectives of the course as boxes in seven regions, divergence, transport, "
       "margin, comparison, labels, encoders and beyond the map, joined by numbered curves, one "
       "for each exact statement of the table.")


# -- boxes that are links --------------------------------------------------------------------------

class LinkedMap:
    """The map as HTML: over each box lies a link to its lesson.

    Where styles are not kept, a list of links stands under the picture.
    """

    def __init__(self):
        buffer = io.BytesIO()
        map_figure().savefig(buffer, format="png")
        small = io.BytesIO()
        picture = Image.open(buffer).convert("RGB").quantize(64, dither=Image.Dither.NONE)
        picture.save(small, "png", optimize=True)          # small, as every stored page holds it
        self._png = small.getvalue()

    def _repr_html_(self):
        picture = (f'<img alt="{html.escape(ALT)}" style="width:100%" '
                   f'src="data:image/png;base64,{base64.b64encode(self._png).decode()}">')
        links = "".join(_link(name, box) for name, box in _layout()[0].items())
        return (f'<div style="position:relative; max-width:{100 * WIDE:.0f}px">{picture}'
                f'<ul style="list-style:none; margin:0; padding:0">{links}</ul></div>')

    def __repr__(self):
        return ALT


def _link(name: str, box: Box) -> str:
    """A link as large as its box, in per cent of the picture: it fits at every width."""
    objective = OBJECTIVES[name]
    title = f"{name}, lesson {objective.lesson[:2]}: {objective.measures}"
    place = dict(left=(box.x - box.w / 2) / WIDE, top=1 - (box.y + box.h / 2) / HIGH,
                 width=box.w / WIDE, height=box.h / HIGH)
    style = "; ".join(f"{side}:{100 * share:.2f}%" for side, share in place.items())
    return (f'<li><a href="{objective.lesson}.ipynb" title="{html.escape(title)}" '
            f'style="position:absolute; {style}; color:transparent; overflow:hidden; '
            f'text-decoration:none">{html.escape(name)}</a></li>')


def linked_map() -> LinkedMap:
    """The map, each box a link to its lesson: show it as the last line of a cell."""
    return LinkedMap()


# -- choose an objective ---------------------------------------------------------------------------

def edges() -> Explorer:
    """Choose an objective in the menu: its edges light up, and their statements stand below.

    Each statement comes with the numbers of both its sides. The slider picks one of them.
    """
    says, most = [_says(edge) for edge in EDGES], max(len(edges_of(name)) for name in OBJECTIVES)
    step, top, low = .33, .42, .5 + .33 * most
    boxes, routes = _layout()

    def setup(figure):
        figure.set_layout_engine("none")
        ax = figure.add_axes((0, 0, 1, 1))
        the_map(ax, faint=True, low=low)
        curves = [ax.plot([], [], lw=2.4, zorder=3)[0] for _ in range(most)]
        heads = [_head(ax, routes[0].curve, CRITIC, zorder=7) for _ in range(most)]
        numbers = [ax.text(0, 0, "", ha="center", va="center", fontsize=9, weight="bold",
                           color="white", zorder=8, bbox=dict(boxstyle="round,pad=.2", ec="none"))
                   for _ in range(most)]
        frames = {name: ax.add_patch(_frame(box, fc="none", ec=CRITIC, lw=2.6, zorder=7))
                  for name, box in boxes.items()}
        title = ax.text(.12, -.1, "", va="top", fontsize=11, weight="bold")
        lines = {}
        for name in OBJECTIVES:                              # \u2007 is as wide as a digit
            entries = [f"{i + 1:\u2007>2}   {says[i][0]}\n\u2007\u2007   {says[i][1]}"
                       for i in _touching(name)]
            lines[name] = [
                ax.text(.2, -top - step * at, entry, va="top", fontsize=9, linespacing=1.15)
                for at, entry in enumerate(entries)]
        bar = ax.plot([.12, .12], [0, 0], color=BAD, lw=3)[0]
        return curves, heads, numbers, frames, lines, title, bar

    def update(artists, name, edge):
        curves, heads, numbers, frames, lines, title, bar = artists
        found = _touching(name)
        picked = found[min(edge, len(found)) - 1]
        ends = {end for i in found for end in EDGES[i].ends}
        for at, (curve, head, number) in enumerate(zip(curves, heads, numbers)):
            shown = at < len(found)
            curve.set_visible(shown)
            number.set_visible(shown)
            head.set_visible(shown and EDGES[found[at]].kind in HEADS)
            if shown:
                i = found[at]
                colour = BAD if i == picked else CRITIC
                curve.set_data(*routes[i].curve.T)
                _turn(head, routes[i].curve)
                head.set_color(colour)
                curve.set(linestyle=KIND_LINES[EDGES[i].kind], color=colour)
                number.set(position=routes[i].number, text=str(i + 1))
                number.get_bbox_patch().set_facecolor(colour)
        for other in OBJECTIVES:
            frames[other].set_visible(other in ends)
            for text in lines[other]:
                text.set_visible(other == name)
        at = -top - step * found.index(picked)
        bar.set_ydata([at + .01, at - step + .06])
        largest = max(says[i][2] for i in found)
        title.set_text(f"{name}, lesson {OBJECTIVES[name].lesson[:2]}: "
                       f"{len(found)} exact relation{'s' * (len(found) > 1)}, "
                       f"largest difference of two sides {_short(largest)}")

    return Explorer(
        setup, update,
        dict(name=choice(list(OBJECTIVES), "RSGAN", "objective"),
             edge=slider(1, most, 1, 1, "which of its edges")),
        figsize=(WIDE, HIGH + low), dpi=100,
        alt=ALT + " The edges of one objective are lit and listed.")


def _short(difference: float) -> str:
    """One digit and a power of ten; rounding, which differs between processors, is not shown."""
    return f"{difference:.0e}" if difference >= 1e-11 else "below 1e-11"


def _touching(name: str) -> list[int]:
    """Indices of the edges that end at an objective."""
    return [i for i, edge in enumerate(EDGES) if name in edge.ends]


def _says(edge) -> tuple[str, str, float]:
    """(statement, its numbers, the largest difference)."""
    (left, *_), (right, *_) = both_sides(edge)
    difference = check_edge(edge)
    lessons = " and ".join(stem[:2] for stem in edge.lessons)
    found = ("left ≤ right" if edge.kind == "bounds" and difference <= edge.tolerance
             else f"difference {_short(difference)}")
    numbers = (f"{edge.a} {KIND_WORDS[edge.kind]} {edge.b};  "
               f"left {left:.6g}, right {right:.6g}, {found};  "
               f"lesson{'s' * (len(edge.lessons) > 1)} {lessons}")
    return edge.statement, numbers, difference
