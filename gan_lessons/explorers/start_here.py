"""Pictures of notebooks/00_start_here.ipynb: the game as a drawing, and a critic that answers the
same to everything.
"""
from __future__ import annotations

import numpy as np

from ..drawing.explorer import Explorer, slider
from ..drawing.plots import BAD, CRITIC, FAKE, REAL, open_axes


def game_picture(ax):
    """Boxes and arrows: z -> g -> fakes -> f <- real x, f -> losses; and, dashed, the gradient of
    each loss back to its player. Nothing moves.
    """
    box = dict(boxstyle="round,pad=0.5", lw=1.5)
    nodes = {"noise\n$z$": (.07, .36, "#777777"), "generator\n$g$": (.3, .36, FAKE),
             "fakes\n$g(z)$": (.53, .36, FAKE), "real\n$x$": (.53, .84, REAL),
             "critic\n$f$": (.74, .6, CRITIC), "losses\n$L_f$, $L_g$": (.93, .6, "#777777")}
    for text, (x, y, colour) in nodes.items():
        ax.text(x, y, text, ha="center", va="center", bbox=dict(box, fc="white", ec=colour),
                fontsize=12)
    arrows = [((.135, .36), (.205, .36)), ((.395, .36), (.455, .36)), ((.605, .41), (.67, .52)),
              ((.59, .82), (.67, .7)), ((.805, .6), (.845, .6))]
    for start, end in arrows:
        ax.annotate("", end, start, arrowprops=dict(arrowstyle="->", color=CRITIC, lw=1.4,
                                                    shrinkA=0, shrinkB=0))
    back = dict(arrowstyle="->", color=BAD, lw=1.6, ls=(0, (4, 3)), shrinkA=0)
    ax.annotate("", (.74, .74), (.93, .74), arrowprops=dict(back, connectionstyle="arc3,rad=0.6"))
    ax.plot([.93, .93, .3], [.46, .09, .09], color=BAD, lw=1.6, ls=(0, (4, 3)))
    ax.annotate("", (.3, .22), (.3, .09), arrowprops=back)
    ax.text(.835, .93, "gradient of $L_f$", ha="center", color=BAD, fontsize=12)
    ax.text(.62, .12, "gradient of $L_g$", ha="center", color=BAD, fontsize=12)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_axis_off()


def constant_answer():
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
        ax.set(xlabel="the answer to everything, $D$", ylim=(0, 5.4), xlim=(0, 1))
        ax.legend(frameon=False, loc="upper center")
        return dot, title

    def update(artists, D):
        dot, title = artists
        dot.set_data([D], [-np.log(D) - np.log(1 - D)])
        title.set_text(f"real {-np.log(D):.3f}  +  fake {-np.log(1 - D):.3f}"
                       f"  =  {-np.log(D * (1 - D)):.3f}    (2 log 2 = {2 * np.log(2):.3f})")

    return Explorer(
        setup, update,
        dict(D=slider(.01, .99, .01, .7, "D, the answer to everything")), figsize=(5.4, 3.4),
        alt="The cost of one constant answer D on real and on fake samples, and their sum, "
            "least at one half.")
