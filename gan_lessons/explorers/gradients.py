"""The gradient atlas of notebooks/20_map.ipynb: the generator's gradient at the best critic of
every objective, against the distance of two Normals.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from ..drawing.explorer import Explorer, choice, slider
from ..drawing.plots import CRITIC, FAKE, SKY, THIRD, open_axes
from ..map.gradients import ATLAS, named_games, own_entry
from .map import FAMILY_COLOURS, FAMILY_LINES

DELTAS = np.concatenate([np.geomspace(.01, .5, 14), np.linspace(.7, 14, 39),
                         np.linspace(14.5, 28, 14)])
FLOOR, TOP, REACH = 1e-8, 3e3, 14.0             # of the picture: gradients, and distances
LABELS = 30                                     # that the ladder has room for
SHORT = {"minimax GAN": "minimax", "non-saturating GAN": "non-saturating",
         "least squares GAN": "least squares", "f-GAN · total variation": "TV",
         "f-GAN · squared Hellinger": "Hellinger", "f-GAN · JS-weighted": "JS-weighted",
         "f-GAN · alpha": "α = ½", "RaSGAN · straight line": "RaSGAN, straight line",
         "semi-supervised CLS-GAN": "semi-sup. CLS-GAN"}


def entries(own=None) -> dict:
    """The entries with a curve, games of one's own, {name: Game}, last."""
    known = {name: entry for name, entry in ATLAS.items() if entry.shape}
    return known | {name: own_entry(name, game) for name, game in named_games(own).items()}


def style(entry) -> dict:
    """Colour and line of an entry's family; games of one's own are dark."""
    if entry.name not in ATLAS:
        return dict(color=CRITIC, ls="-")
    family = entry.objective.family
    return dict(color=FAMILY_COLOURS[family], ls=FAMILY_LINES[family])


def ink(entry) -> str:
    """The family's colour, dark enough for small print."""
    colour = style(entry)["color"]
    return {FAKE: "#8f6200", SKY: "#1f78a8", THIRD: "#a8487f"}.get(colour, colour)


def families(ax):
    """A legend of the families' colours and lines, in the lower left corner."""
    lines = [Line2D([], [], color=FAMILY_COLOURS[family], ls=FAMILY_LINES[family], lw=1.6)
             for family in FAMILY_COLOURS]
    ax.legend(lines, list(FAMILY_COLOURS), fontsize=8, loc="lower left", handlelength=2.6,
              borderpad=.3, labelspacing=.25, facecolor="white", framealpha=.9, edgecolor="none")


def groups(known, own=None) -> list:
    """[names whose curves coincide at their usual parameters, …]; own games stand alone."""
    found = []
    for name, entry in known.items():
        curve = np.concatenate([entry.gradient(np.array([.3, 1.7, 4.2]) * sigma, sigma)
                                for sigma in (1.0, 2.0)])
        for names, other in found:
            if name in ATLAS and np.allclose(curve, other, rtol=1e-9):
                names.append(name)
                break
        else:
            found.append(([name], curve))
    return [names for names, _ in found]


def label(names, most: int = 39) -> str:
    """The names of a group in one short line."""
    shorts = [_short(name) for name in names]
    for many in range(len(shorts), 0, -1):
        more = f" and {len(shorts) - many} more" if many < len(shorts) else ""
        said = " = ".join(shorts[:many]) + more
        if len(said) <= most:
            break
    return said


def _short(name):
    """The name of an objective where there is little room."""
    return SHORT.get(name, name.removeprefix("f-GAN · "))


def apart(heights, gap):
    """Heights of labels (k,), the nearest ones of the same order that lie `gap` apart: (k,).

    Labels that would overlap are pushed together into blocks, each as near to its own as a block
    can be: the least squares of isotonic regression, by pooling neighbours.
    """
    order = np.argsort(heights, kind="stable")
    blocks = []                                             # [sum, count] of each block
    for i, height in enumerate(np.asarray(heights, dtype=float)[order]):
        blocks.append([height - i * gap, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1] = [blocks[-1][0] + total, blocks[-1][1] + count]
    level = np.concatenate([np.full(count, total / count) for total, count in blocks])
    placed = np.empty(len(order))
    placed[order] = level + gap * np.arange(len(order))
    return placed


def _label_heights(values, low=np.log10(FLOOR), high=np.log10(TOP), labels=LABELS):
    """log10 of values (k,), kept inside the picture, and the heights of their labels (k,)."""
    gap, order = (high - low) / labels, np.argsort(np.abs(values), kind="stable")
    with np.errstate(divide="ignore"):
        at = np.clip(np.log10(np.abs(values)), low, high)
    rank, top = np.arange(len(order)), high - gap / 2
    placed = np.empty(len(order))
    placed[order] = np.clip(apart(at[order], gap), low + gap * (.5 + rank), top - gap * rank[::-1])
    return at, placed


def curves(sigma: float = 1.0, own=None, distances=None) -> dict:
    """{label: (entry, distances, gradients)} of all objectives at their usual parameters.

    Objectives whose curves coincide share one.
    """
    if distances is None:
        distances = np.linspace(.1, REACH, 100)
    distances = np.asarray(distances, dtype=float)
    known = entries(own)
    return {label(names): (known[names[0]], distances, known[names[0]].gradient(distances, sigma))
            for names in groups(known)}


def atlas(ax, curves):
    """All `curves` on a log scale, named at their right ends; for axes of about 9 × 4.5 inches."""
    for entry, distances, values in curves.values():
        own = entry.name not in ATLAS
        ax.semilogy(distances, np.clip(np.abs(values), FLOOR / 100, TOP * 100),
                    lw=2.8 if own else 1.4, **style(entry))
    right = max(distances[-1] for _, distances, _ in curves.values())
    at, placed = _label_heights([values[-1] for _, _, values in curves.values()])
    for (name, (entry, *_)), from_, to in zip(curves.items(), at, placed):
        colour = style(entry)["color"]
        ax.plot([right, right * 1.03], 10 ** np.array([from_, to]), color=colour, lw=.6,
                clip_on=False)
        ax.text(right * 1.043, 10 ** to, name, color="#222222", fontsize=8, va="center",
                clip_on=False)
        ax.plot([right * 1.03], [10 ** to], "o", color=colour, ms=3, clip_on=False)
    ax.set(xlim=(0, right), ylim=(FLOOR, TOP), xlabel="distance $\\theta$",
           ylabel="gradient at the best critic")
    families(ax)


def gradients(own=None):
    """|gradient| against the distance for every objective, one of them chosen in a menu.

    Sliders move the distance, the width of both Normals and the chosen objective's own parameter;
    on the right all names stand in the order of the gradients at that distance. own: {name: Game},
    games of one's own, drawn dark. Curves are computed beforehand, and scaled by `entry.feel`.
    """
    known = entries(own)
    together = groups(known)
    steps = {name: entry.own.values if entry.own else (None,) for name, entry in known.items()}
    settings = lambda entry, value: {entry.own.argument: value} if entry.own else {}
    shapes = {name: [entry.shape(DELTAS, **settings(entry, value)) for value in steps[name]]
              for name, entry in known.items()}
    usual = {name: steps[name].index(entry.own.usual) if entry.own else 0
             for name, entry in known.items()}

    def felt(name, sigma, at=None):
        entry, at = known[name], usual[name] if at is None else at
        with np.errstate(over="ignore"):
            return entry.feel(shapes[name][at], DELTAS, sigma, **settings(entry, steps[name][at]))

    def setup(figure):
        left, right = figure.subplots(1, 2, width_ratios=(1.55, 1), sharey=True)
        title = figure.suptitle(" \n ", fontsize=10)
        lines = {}
        for name, *_ in together:
            stroke = style(known[name]) | dict(lw=2.6)
            if name in ATLAS:                               # pale, not clear: fewer colours
                stroke |= dict(lw=1, color=[.5 + c / 2 for c in to_rgb(stroke["color"])])
            lines[name], = left.semilogy(DELTAS, DELTAS, zorder=2, **stroke)
        chosen, = left.semilogy(DELTAS, DELTAS, lw=3.4, color=CRITIC, zorder=4)
        dot, = left.plot([1], [1], "o", color=CRITIC, ms=8, zorder=5)
        here, = left.plot([1, 1], [1, TOP], color=CRITIC, lw=.8, ls=":", zorder=1)
        left.set(xlim=(0, REACH), ylim=(FLOOR, TOP), xlabel="distance $\\theta$",
                 ylabel="gradient at the best critic")
        families(left)
        right.set(xlim=(0, 1), xticks=[], xlabel="at the slider's distance")
        right.tick_params(left=False, labelleft=False, which="both")
        right.spines[["top", "right", "bottom", "left"]].set_visible(False)
        open_axes(left)
        links, = right.plot([0], [0], color="#999999", lw=.6)
        # names as outlines in one collection: drawn much faster than as many texts
        texts = PathCollection([], offsets=np.zeros((0, 2)), offset_transform=right.transData, lw=0,
                               transform=Affine2D().scale(figure.dpi / 72))
        right.add_collection(texts, autolim=False)
        return lines, chosen, dot, here, links, texts, title

    def update(artists, objective, distance, sigma, own):
        lines, chosen, dot, here, links, texts, title = artists
        rows = []                                 # name, value, entry, whether it is the chosen one
        for names, (name, line) in zip(together, lines.items()):
            values = np.clip(np.abs(felt(name, sigma)), FLOOR / 100, TOP * 100)
            line.set_data(DELTAS * sigma, values)
            value = np.exp(np.interp(distance / sigma, DELTAS, np.log(values)))
            rows.append((label(names), value, known[name], objective in names))
        if objective in known:
            entry = known[objective]
            step = int(np.clip(usual[objective] + own, 0, len(steps[objective]) - 1))
            value, colour = steps[objective][step], style(entry)["color"]
            number = float(entry.gradient(distance, sigma, **settings(entry, value)))
            curve = np.clip(np.abs(felt(objective, sigma, step)), FLOOR / 100, TOP * 100)
            chosen.set(data=(DELTAS * sigma, curve), color=colour)
            dot.set(data=([distance], [np.clip(abs(number), FLOOR, TOP)]), color=colour)
            shown = value if isinstance(value, str) or value is None else f"{value:g}"
            setting = "" if value is None else f", {entry.own.sign} = {shown}"
            if step != usual[objective]:
                rows = [(*row[:3], False) for row in rows]
                rows.append((_short(objective) + setting, abs(number), entry, True))
            way = "" if number >= 0 else ", away from home"
            title.set_text(f"{objective}{setting}: gradient {number:.4g}{way}, "
                           f"{abs(number):.3g} times WGAN's 1\n"
                           f"({entry.how}) {entry.says}")
        else:
            chosen.set_data([], [])
            dot.set_data([], [])
            title.set_text(f"{objective}: no curve\n{ATLAS[objective].says}")
        # the longest words would be cut at the picture's edges
        title.set_fontsize(min(10, 1_200 / max(map(len, title.get_text().split("\n")))))
        low = dot.get_ydata()[0] if objective in known else FLOOR
        here.set_data([distance, distance], [low, TOP])
        _ranking(links, texts, rows)

    return Explorer(
        setup, update,
        dict(objective=choice([*ATLAS, *(own or {})], next(iter(own or {}), "minimax GAN"),
                              "objective"),
             distance=slider(.1, REACH, .1, 4.0, "distance θ"),
             sigma=slider(.5, 3.0, .1, 1.0, "width σ of both"),
             own=slider(-10, 10, 1, 0, "its own parameter, steps from the usual")),
        figsize=(9.6, 5.5), dpi=110, still=("own", "sigma"),
        alt="Left, on a log scale, the generator's gradient at the best critic against the "
            "distance for every objective, the chosen one thick; right, their names in the "
            "order of the gradients at the slider's distance. The title gives the chosen one's "
            "gradient and its ratio to WGAN's.")


def _ranking(links, texts, rows):
    """Each name with its value, at the nearest free height, and a line that leads to it."""
    words, values, entries, chosen = zip(*rows)
    at, placed = _label_heights(np.array(values))
    link = np.full((len(at), 3, 2), np.nan)                # from, to, and a nan that lifts the pen
    link[:, 0] = np.stack([0 * at, 10 ** at], 1)
    link[:, 1] = np.stack([0 * at + .085, 10 ** placed], 1)
    links.set_data(*link.reshape(-1, 2).T)
    names = [_word(f"{word}:", bold) for word, bold in zip(words, chosen)]
    numbers = [_word(_number(value), bold, name.vertices[:, 0].max() + 9)
               for value, name, bold in zip(values, names, chosen)]
    texts.set_paths(names + numbers)
    texts.set_offsets(np.tile(np.stack([0 * at + .1, 10 ** placed], 1), (2, 1)))
    colours = [CRITIC if bold else ink(entry) for entry, bold in zip(entries, chosen)]
    texts.set_facecolor(colours * 2)                       # names, then numbers


@lru_cache(maxsize=4096)
def _word(text, bold=False, x=0.0):
    """Outlines of a word, in points: it begins at x and has its middle at height 0."""
    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    return TextPath((x, -2.9), text, size=8.3, prop=font)


def _number(value):
    """A gradient in few letters."""
    if not value < TOP * 10:
        return "off the chart"
    return f"below {FLOOR:.0e}" if value < FLOOR else f"{value:.2g}"
