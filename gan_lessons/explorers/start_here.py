"""Pictures of notebooks/00_start_here.ipynb: the game as a drawing, and a critic that answers the
same to everything.
"""
from __future__ import annotations

import numpy as np

from ..drawing.explorer import Explorer, slider
from ..drawing.plots import BAD, CRITIC, FAKE, REAL, open_axes


def game_picture(ax):
    """Boxes and arrows: z -> g -> fakes -> f <- real x. Nothing moves."""
    box = dict(boxstyle="round,pad=0.5", lw=1.5)
    nodes = {"noise $z$": (.07, .25, "#777777"), "generator $g$": (.31, .25, FAKE),
             "fakes $g(z)$": (.55, .25, FAKE), "real $x$": (.55, .8, REAL),
             "critic $f$": (.78, .52, CRITIC), "score": (.95, .52, "#777777")}
    for text, (x, y, colour) in nodes.items():
        ax.text(x, y, text, ha="center", va="center", bbox=dict(box, fc="white", ec=colour),
                fontsize=11)
    arrows = [((.125, .25), (.21, .25)), ((.41, .25), (.465, .25)), ((.64, .27), (.715, .43)),
              ((.61, .78), (.715, .61)), ((.85, .52), (.905, .52))]
    for start, end in arrows:
        ax.annotate("", end, start, arrowprops=dict(arrowstyle="->", color=CRITIC, lw=1.4))
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_axis_off()


def coin_tosser():
    """One answer D for every sample, set by a slider: its cost on real ones, on fakes, together."""
    D = np.linspace(.005, .995, 397)

    def setup(figure):
        ax = figure.subplots()
        ax.plot(D, -np.log(D), color=REAL, label="cost of a real one, $-\\log D$")
        ax.plot(D, -np.log(1 - D), color=FAKE, label="cost of a fake one, $-\\log(1-D)$")
        ax.plot(D, -np.log(D) - np.log(1 - D), color=CRITIC, lw=2.2, label="together")
        dot, = ax.plot([.5], [1], "o", color=BAD, ms=10)
        title = ax.text(.5, 1.04, "", transform=ax.transAxes, ha="center", fontsize=11)
        open_axes(ax)
        ax.set(xlabel="the officer's one answer, $D$", ylim=(0, 5.4), xlim=(0, 1))
        ax.legend(frameon=False, loc="upper center")
        return dot, title

    def update(artists, D):
        dot, title = artists
        dot.set_data([D], [-np.log(D) - np.log(1 - D)])
        title.set_text(f"real {-np.log(D):.3f}  +  fake {-np.log(1 - D):.3f}"
                       f"  =  {-np.log(D * (1 - D)):.3f}      (2 log 2 = {2 * np.log(2):.3f})")

    return Explorer(
        setup, update,
        dict(D=slider(.01, .99, .01, .7, "D, the answer to everything")),
        alt="The cost of one constant answer D on real and on fake samples, and their sum, "
            "least at one half.")
