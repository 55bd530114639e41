"""Pictures of notebooks/23_particles.ipynb: samples that flow, the weight of each divergence, and
the difference of two denoisers on a ring.
"""
from __future__ import annotations

from functools import cache

import numpy as np

from ..drawing.explorer import Explorer, choice, slider
from ..drawing.plots import (
    BAD,
    CRITIC,
    FAKE,
    GOOD,
    REAL,
    SKY,
    THIRD,
    draw_density,
    open_axes,
)
from ..exact.laws import Mixture, Normal
from ..exact.particles import LineFlow, flow_weight, velocity

DATA = Mixture([Normal(-1.6, .6), Normal(1.8, .8)], weights=[.4, .6])
STARTS = {"wide": Normal(0, 3), "beside": Normal(5, .7), "between": Normal(.1, .5)}
# of finite price for what q leaves out: φ'(∞) < ∞
FLOWS = ("reverse KL", "JS", "squared Hellinger")
NAMES = {"reverse KL": "KL(q‖p)", "KL": "KL(p‖q)", "JS": "2 JS", "squared Hellinger": "Hellinger²"}
COLOURS = {"reverse KL": GOOD, "JS": BAD, "squared Hellinger": THIRD, "KL": SKY}
TIMES = np.round(np.arange(0, 4.01, .1), 1)


def arrows(ax, p=DATA, q=STARTS["beside"], n: int = 9, step: float = .3):
    """Densities of data and fakes, and an arrow v = ∇ log p/q at n of the fakes."""
    line = np.linspace(-4.5, 8, 500)
    draw_density(ax, line, p, REAL, "data $p$")
    draw_density(ax, line, q, FAKE, "fakes $q$")
    start = LineFlow("reverse KL", p, q, n).x
    push = velocity("reverse KL", p, q)(start)
    heights = -.05 - .022 * np.arange(n)                      # one below the other: none is covered
    for x, v, y in zip(start, push, heights):
        ax.annotate("", (x + step * v, y), (x, y), arrowprops=dict(
            arrowstyle="-|>", color=CRITIC, lw=1.1, shrinkA=0, shrinkB=0))
    ax.plot(start, heights, "o", color=FAKE, ms=6, mec="white", zorder=4)
    ax.set(ylim=(-.27, .65), yticks=[], xlabel="$x$")
    ax.legend(frameon=False, loc="upper left")


def weights(ax):
    """log w(r) against log r for four divergences: a power of r is a straight line."""
    c = np.linspace(-7, 7, 200)
    for name in (*FLOWS, "KL"):
        ax.plot(c, np.log(flow_weight(name, c)), color=COLOURS[name], lw=2.2, label=NAMES[name])
    ax.plot(c, -np.logaddexp(0, c), color=CRITIC, lw=2, ls="--", label="KL(q‖p) − 2 JS")
    ax.axvline(0, color=CRITIC, lw=.8)
    ax.set(xlabel="$\\log r$:  fakes too many  ←  0  →  fakes too few", ylabel="$\\log w$",
           ylim=(-7.4, 7.4))
    ax.legend(frameon=False, ncols=2, loc="upper left")


@cache
def _flowed(name: str, start: str, n: int = 40):
    """The flow, its positions at TIMES (k, n), and its energies (k,)."""
    flow = LineFlow(name, DATA, STARTS[start], n)
    x = flow(TIMES)
    return flow, x, np.array([flow.energy(row) for row in x])


def flows():
    """Particles under each divergence: a menu for it, one for where they start, a time."""
    line = np.linspace(-6, 8, 400)
    dense = DATA.pdf(line)

    def setup(figure):
        ax, side = figure.subplots(1, 2, width_ratios=[2, 1])
        title = figure.suptitle(" ", fontsize=11)
        ax.fill_between(line, dense, color=REAL, alpha=.18)
        ax.plot(line, dense, color=REAL, lw=1.6)
        curve, = ax.plot(line, 0 * line, color=FAKE, lw=2)
        tracks = [ax.plot([], [], color=FAKE, lw=.9, alpha=.9)[0] for _ in range(40)]
        dots, = ax.plot([], [], "o", color=FAKE, ms=5, mec="white", mew=.6)
        ax.axhline(0, color=CRITIC, lw=.6)
        ax.set(xlim=(-6, 8), ylim=(-.62, .85), yticks=[], xlabel="$x$")
        ax.text(-5.8, -.58, "below: the way of each particle", fontsize=9)
        lines = {name: side.plot([0], [1], color=COLOURS[name], lw=1.6, label=NAMES[name])[0]
                 for name in FLOWS}
        now, = side.plot([0], [1], "o", color=CRITIC, ms=7)
        side.set(xlim=(0, TIMES[-1]), ylim=(1e-3, 30), yscale="log", xlabel="time $t$",
                 title="what is left of each $D$")
        side.legend(frameon=False, fontsize=9, loc="upper right")
        open_axes(ax, side)
        return curve, tracks, dots, lines, now, title

    def update(artists, divergence, start, t):
        curve, tracks, dots, lines, now, title = artists
        k = int(np.argmin(abs(TIMES - t)))
        for name, drawn in lines.items():
            drawn.set_data(TIMES, _flowed(name, start)[2])
        flow, x, energy = _flowed(divergence, start)
        curve.set_data(*flow.density(x[k]))
        for i, track in enumerate(tracks):
            track.set_data(x[:k + 1, i], -.1 - .45 * TIMES[:k + 1] / TIMES[-1])
        dots.set_data(x[k], np.full(len(x[k]), -.05))
        now.set_data([TIMES[k]], [energy[k]])
        left = flow.masses[flow.density(x[k])[0] < .2].sum()
        title.set_text(f"{NAMES[divergence]} {energy[k]:.4f} after t = {t:.1f}      "
                       f"left of 0.2: {left:.0%} of the fakes, {DATA.cdf(.2):.0%} of the data")

    return Explorer(
        setup, update,
        dict(divergence=choice({NAMES[name]: name for name in FLOWS}, "reverse KL", "divergence"),
             start=choice(list(STARTS), "beside", "fakes begin"),
             t=slider(0.0, TIMES[-1], .1, 2.0, "time")),
        figsize=(9, 4.2),
        alt="Forty fakes on the line under the density of the data with two components, the way "
            "that each has come, and their density; on the right what is left of each divergence "
            "over time.")


# -- denoisers on a ring ---------------------------------------------------------------------------

def pushes_on_the_ring(axes, exact, fields, points, p, reach: float = 3.1):
    """Trained pushes over the exact one, one axes each, arrows of one scale.

    exact (k, 2) at points (k, 2) of a square grid; fields: name -> (k, 2); p: the ring.
    """
    points, exact = np.asarray(points), np.asarray(exact)
    step = np.ptp(points[:, 0]) / (len(points) ** .5 - 1)
    scale = np.quantile(np.hypot(*exact.T), .9) / (1.1 * step)          # most arrows do not touch
    arrows = dict(angles="xy", scale_units="xy", scale=scale)
    for ax, (name, field) in zip(axes, fields.items()):
        ax.quiver(*points.T, *exact.T, color="0.72", width=.013, **arrows)
        ax.quiver(*points.T, *np.asarray(field).T, color=CRITIC, width=.0045, **arrows)
        ax.scatter(*np.asarray(p.centres).T, s=70, color=REAL, zorder=3, lw=0, alpha=.8)
        ax.set(title=name, aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach), xticks=[],
               yticks=[])


def clouds(axes, samples, p, reach: float = 3.0):
    """Samples (n, 2) of several generators, one axes each, with the modes of a ring as circles."""
    for ax, (name, x) in zip(axes, samples.items()):
        ax.plot(*np.asarray(x).T, ".", color=FAKE, ms=3, alpha=.6)
        ax.scatter(*np.asarray(p.centres).T, s=90, facecolor="none", edgecolor=REAL, lw=1.4)
        ax.set(title=name, aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach), xticks=[],
               yticks=[])
