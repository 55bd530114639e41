"""Pictures of the arena in notebooks/20_map.ipynb: a dashboard that sorts and filters, the two
tracks beside each other, and everyone's pictures.

Dots are medians over seeds, bars reach from the lowest to the highest seed; anchors are
dotted lines.
"""
from __future__ import annotations

import math

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ..drawing.explorer import Explorer, choice
from ..drawing.plots import CRITIC
from ..exact.checks import told
from ..map.objectives import BEYOND, FAMILIES
from ..map.results import (
    ANCHORS,
    FILES,
    MEASURES,
    RESULTS,
    TRACKS,
    arena_rows,
    coverage,
    sheet_path,
    short,
    summary,
)
from .map import FAMILY_COLOURS, FAMILY_MARKERS

MENU = {"distance to the data": ("wasserstein", "frechet"),      # plane, pictures
        "kernel distance": ("kernel",), "modes or classes covered": ("modes", "classes"),
        "high-quality share": ("quality",), "precision": ("precision",), "recall": ("recall",),
        "CPU-seconds to FD 100": ("seconds_to_100",), "CPU-seconds in all": ("cpu_seconds",),
        "memory of training": ("memory",)}
FAMILY_MENU = {"all families": (*FAMILIES, "yours"), "f-divergence, transport": FAMILIES[:2],
               "margin, comparison": FAMILIES[2:4], "labels, encoders": FAMILIES[4:6]}
LOGARITHMIC = ("wasserstein", "frechet", "kernel", "seconds_to_100", "cpu_seconds", "memory")
COLOURS = {**FAMILY_COLOURS, "yours": CRITIC}
MARKERS = {**FAMILY_MARKERS, "yours": "*"}
ROWS = 34                                                        # of the dashboard, at most
NOTHING = "nothing is stored yet: python lessons.py arena toys, arena mnist"
PLACES = {"ring": ("ring", "own"), "grid": ("grid", "own"), "swiss roll": ("swiss roll", "own"),
          "digits, own settings": ("mnist", "own"), "digits, common settings": ("mnist", "common")}


def all_rows() -> list[dict]:
    """Every committed row there is."""
    return [row for name in FILES for row in arena_rows(name)]


def _measured(found, place, measures):
    """The first of `measures` that a place, (data, track), has, or None, and its entries, best
    first."""
    for measure in measures:
        if some := [one for one in found if (one["data"], one["track"]) == place
                    and one["measure"] == measure]:
            return measure, some
    return None, []


def dashboard(rows=None, data: str = "digits, own settings",
              measure: str = "distance to the data") -> Explorer:
    """A row for each objective, best first, from three menus: data, measure, families.

    rows: as `arena_rows` and `contest` give them; by default all that are committed. data, measure:
    what it opens on. ValueError for none at all, and for entries that no menu has.
    """
    for what, menu in ((data, PLACES), (measure, MENU)):
        if what not in list(menu):
            raise ValueError(f"no {told(what)} in the menus; there are {', '.join(menu)}")
    if rows is not None and not list(rows):
        raise ValueError("no rows to show: give those of arena_rows(...) or contest(...)")
    found = summary(all_rows() if rows is None else list(rows))
    there = {(one["data"], one["track"]) for one in found}
    places = [name for name, place in PLACES.items() if place in there] or list(PLACES)

    def setup(fig):
        fig.set_layout_engine("none")
        ax = fig.add_axes([.215, .105, .71, .79])
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.set(yticks=[], ylim=(-ROWS + .4, .9))
        across = ax.get_yaxis_transform()
        text = lambda x, side, **more: [
            ax.text(x, -i, "", transform=across, ha=side, va="center", fontsize=8.5, **more)
            for i in range(ROWS)]
        marks = [Line2D([], [], color=COLOURS[family], marker=MARKERS[family], ls="", label=family)
                 for family in FAMILIES if family != BEYOND]             # who plays no arena
        ax.legend(handles=marks, loc="lower right", bbox_to_anchor=(1.1, 1.012), ncols=6,
                  frameon=False, fontsize=8.5, handletextpad=.1, columnspacing=1.2)
        bars = LineCollection([], lw=1.6, alpha=.65)
        anchors = LineCollection([], colors=CRITIC, linestyles=":", lw=1.1)
        return {"names": text(-.015, "right"), "values": text(1.015, "left", color=CRITIC),
                "bars": ax.add_collection(bars, autolim=False),
                "anchors": ax.add_collection(anchors, autolim=False),
                "anchor names": [ax.text(0, .45, "", fontsize=8, color=CRITIC, ha="center")
                                 for _ in ANCHORS],
                "dots": [ax.plot([], [], ls="", marker=MARKERS[f], color=COLOURS[f], ms=7)[0]
                         for f in COLOURS],
                "title": fig.text(.012, .985, "", fontsize=10.5, va="top"),
                "note": fig.text(.012, .012, "", fontsize=8, color=CRITIC)}

    def update(artists, data, measure, family):
        ax = artists["bars"].axes
        which, some = _measured(found, PLACES[data], MENU[measure])
        shown = [one for one in some if "median" in one and one["objective"] not in ANCHORS
                 and one["family"] in FAMILY_MENU[family]][:ROWS]
        fixed = [one for one in some if "median" in one and one["objective"] in ANCHORS]
        low, high, log = _reach([*shown, *fixed], which)
        ax.set_xscale("log" if log else "linear")
        if log:
            _plain(ax.xaxis)
        ax.set_xlim(low, high)
        ax.set_xlabel(MEASURES[which].label if which else "", fontsize=9, labelpad=1)
        place = lambda value: min(max(value, low), high)
        for i, (name, value) in enumerate(zip(artists["names"], artists["values"])):
            one = shown[i] if i < len(shown) else None
            name.set_text("" if one is None else
                          f"{one['objective']}  {one['rank']}" if "rank" in one else
                          one["objective"])
            value.set_text("" if one is None else short(one["median"]))
        bars = [[(place(one["low"]), -i), (place(one["high"]), -i)] for i, one in enumerate(shown)]
        artists["bars"].set_segments(bars)
        artists["bars"].set_color([COLOURS[one["family"]] for one in shown])
        for dots, one_family in zip(artists["dots"], COLOURS):
            mine = [(place(one["median"]), -i) for i, one in enumerate(shown)
                    if one["family"] == one_family]
            dots.set_data(*zip(*mine) if mine else ((), ()))
        artists["anchors"].set_segments([[(one["median"], -len(shown) + .4), (one["median"], .4)]
                                         for one in fixed])
        for label, i in zip(artists["anchor names"], range(len(ANCHORS))):
            label.set_text(fixed[i]["objective"] if i < len(fixed) else "")
            label.set_x(fixed[i]["median"] if i < len(fixed) else low)
        artists["title"].set_text(_title(shown, which, data, measure))
        artists["note"].set_text(_absent(some, data))

    controls = {"data": choice(places, data if data in places else places[0], "data"),
                "measure": choice(list(MENU), measure, "measure"),
                "family": choice(list(FAMILY_MENU), "all families", "families")}
    return Explorer(
        setup, update, controls,
        figsize=(9.6, 8.2), dpi=100,
        alt="A row for each objective, best first: a dot at the median over seeds, a bar from "
            "the lowest to the highest seed, in the colour and with the marker of its family, "
            "and dotted lines at the anchors.")


def _reach(some, which):
    """Limits of the axis, and whether it is logarithmic."""
    values = [one[k] for one in some for k in ("low", "high", "median") if math.isfinite(one[k])]
    if not values:
        return 0, 1, False
    if which in LOGARITHMIC and min(values) > 0:
        return min(values) / 1.15, max(values) * 1.15, True
    room = .04 * (max(values) - min(values) or 1)
    return min(values) - room, max(values) + room, False


def _plain(axis):
    """1, 2, 5 and their decades, written as numbers."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())


def _title(shown, which, data, measure):
    """The best of a measure, and how far the bars may be trusted."""
    if which is None:
        return f"{measure}: nothing is stored of {data}"
    if not shown:
        return f"{MEASURES[which].label} on {data}: nobody of these families competes"
    best, seeds = shown[0], {one["n"] for one in shown}
    if seeds == {1}:
        return (f"{MEASURES[which].label} on {data}: {short(best['median'])}, {best['objective']}; "
                f"one seed, so no bars ({MEASURES[which].best} is best)")
    n = f"{max(seeds)} seeds" if len(seeds) == 1 else f"{min(seeds)} to {max(seeds)} seeds"
    return (f"{MEASURES[which].label} on {data}: best median {short(best['median'])}, "
            f"{best['objective']}; {n},\nbars from the lowest to the highest hold the true median "
            f"with probability {100 * coverage(min(seeds)):.4g} % or more "
            f"({MEASURES[which].best} is best)")


def _absent(some, data):
    """Who is missing on a data set, one line for each reason."""
    reasons = {}
    for one in some:
        if "absent" in one and one["absent"] != "not measured":
            reasons.setdefault(one["absent"], []).append(one["objective"])
    return "\n".join(f"Not on {data}: {', '.join(names)}: {why}." for why, names in reasons.items())


def two_tracks(ax, rows, data: str = "mnist", measure: str = "frechet"):
    """A row for each objective, best own median first: its own settings (filled, in the colour of
    its family) and the common ones (hollow), each with a bar from lowest to highest seed; an arrow
    in the place of the highest where a seed has no finite number. measure: a name of MEASURES.

    Returns (own, common): objective -> median, of those with a finite one.
    """
    found = summary(list(rows), measure)
    own, common = ({one["objective"]: one for one in found if one["track"] == track
                    and one["data"] == data and math.isfinite(one.get("median", math.inf))
                    and one["objective"] not in ANCHORS} for track in TRACKS)
    names = sorted({**own, **common},
                   key=lambda name: own.get(name, {}).get("median", math.inf))
    for place, name in enumerate(names):
        colour, marker = (table[(own.get(name) or common[name])["family"]]
                          for table in (COLOURS, MARKERS))
        both = [one for one in (own.get(name), common.get(name)) if one]
        at = {"own": .16 - place, "common": -.16 - place}       # so that no bar covers the other
        ax.plot([one["median"] for one in both], [at[one["track"]] for one in both], color=colour,
                lw=1, alpha=.4)
        for one in both:
            y, filled = at[one["track"]], one["track"] == "own"
            beyond = not math.isfinite(one["high"])
            high = 1.25 * one["median"] if beyond else one["high"]
            ax.plot([one["low"], high], [y] * 2, color=colour, lw=3, alpha=.5,
                    solid_capstyle="butt")
            if beyond:
                ax.plot(high, y, ">", color=colour, ms=5, alpha=.7)
            ax.plot(one["median"], y, marker, color=colour, ms=6, mew=1.4,
                    mfc=colour if filled else "white")
    ax.set(xscale="log", xlabel=MEASURES[measure].label, ylim=(-len(names) + .4, .6),
           yticks=[-i for i in range(len(names))], yticklabels=names)
    ax.tick_params(axis="y", labelsize=8.5, length=0)
    _plain(ax.xaxis)
    ax.grid(axis="x", alpha=.3)
    marks = [Line2D([], [], color=CRITIC, marker="o", ls="", mfc=fill, label=label)
             for label, fill, some in (("own settings", CRITIC, own),
                                       ("common settings", "white", common)) if some]
    families = {one["family"] for one in (*own.values(), *common.values())}
    marks += [Line2D([], [], color=COLOURS[family], marker=MARKERS[family], ls="", label=family)
              for family in COLOURS if family in families]
    if marks:
        ax.legend(handles=marks, frameon=False, fontsize=9, loc="lower left")   # the best are above
    return tuple({name: one["median"] for name, one in some.items()} for some in (own, common))


def picture_sheet(fig, track: str = "own", columns: int = 3, rows=None):
    """Twenty digits of every contestant, seed 1, as the committed runs made them, best first.

    Each under its name and median distance. A contestant without a stored sheet is left out.
    """
    from PIL import Image
    found = [one for one in summary(arena_rows("mnist") if rows is None else rows, "frechet")
             if one["track"] == track and "median" in one]
    shown = [(one, path) for one in found
             if (path := sheet_path(RESULTS / "arena_mnist", track, one["objective"])).exists()]
    if not shown:
        fig.set_size_inches(9.6, .6)
        fig.text(.5, .5, f"{track} settings: {NOTHING}", ha="center", va="center", fontsize=10)
        return
    fig.set_layout_engine("constrained", w_pad=.13, h_pad=.02)
    axes = fig.subplots(-(-len(shown) // columns), columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (one, path) in zip(axes.T.flat, shown):
        ax.imshow(np.asarray(Image.open(path).convert("L")), cmap="gray", vmin=0, vmax=255,
                  interpolation="nearest")
        ax.set_title(f"{one['objective']}  {short(one['median'])}", fontsize=8.5, pad=2,
                     color=CRITIC)
