"""Pictures of notebooks/18_f_vae.ipynb: a change of variables on the line, diagrams of a coupling,
of Glow and of the f-VAE, two couplings by hand, and the way between two pictures.
"""
from __future__ import annotations

import numpy as np

from ..drawing.diagrams import arrow, blank, box, boxes
from ..drawing.explorer import Explorer, choice, slider
from ..drawing.plots import (
    BAD,
    CRITIC,
    FAKE,
    GOOD,
    REAL,
    SKY,
    THIRD,
    open_axes,
    pictures,
    sheet,
    smooth,
    square_grid,
)
from .variational import rows_of  # noqa: F401  the lesson shows its pictures with it

BEND, STRETCH, LEAN = 1.0, 1.2, .6                       # what makes the points of `couplings`
ENTROPY = np.log(2 * np.pi) + 1 - STRETCH                # of their law, in nats
SIGNS = {"log-determinant added": 1, "forgotten": 0, "subtracted": -1}


def b_of(x1, x2, bend, stretch, lean):
    """z = b(x) of two couplings: x₂ is moved and stretched, then x₁ moved by the new x₂.

    Arrays of one shape -> two of it. The log-determinant is `stretch` everywhere.
    """
    z2 = (x2 - bend * (x1 ** 2 - 1)) * np.exp(stretch)
    return x1 - lean * z2, z2


def b_undone(z1, z2, bend, stretch, lean):
    """x with b(x) = z."""
    x1 = z1 + lean * z2
    return x1, z2 * np.exp(-stretch) + bend * (x1 ** 2 - 1)


def negative_log_q(x1, x2, bend, stretch, lean, sign: int = 1):
    """-log N(b(x)) - sign · log |det db/dx| in nats; only sign = 1 is a density."""
    z1, z2 = b_of(x1, x2, bend, stretch, lean)
    return (z1 ** 2 + z2 ** 2) / 2 + np.log(2 * np.pi) - sign * stretch


def banana():
    """The points of `couplings`, (2, 500)."""
    noise = np.random.default_rng(5).standard_normal((2, 500))
    return np.stack(b_undone(*noise, BEND, STRETCH, LEAN))


def ruler(steps, three, b, slope):
    """Equal steps in z and in x; and N(b(x)) times the slope, without it, and divided by it.

    b, slope: functions (k,) -> (k,).
    """
    x = np.linspace(-3.2, 3.2, 641)
    normal = np.exp(-b(x) ** 2 / 2) / np.sqrt(2 * np.pi)
    marks = np.interp(np.linspace(-3, 3, 25), b(x), x)
    steps.plot(x, b(x), color=CRITIC, lw=2)
    for mark in marks:
        steps.plot([mark, mark, -3.2], [-3.4, b(mark), b(mark)], color=SKY, lw=.7)
    steps.set(xlabel="sample $x$", ylabel="$z = b(x)$", xlim=(-3.2, 3.2), ylim=(-3.4, 3.4),
              title="equal steps of $z$, unequal ones of $x$")
    three.fill_between(x, normal * slope(x), color=GOOD, alpha=.35, lw=0,
                       label="times the slope: $q(x)$")
    three.plot(x, normal, color=CRITIC, lw=1.4, ls="--", label="slope forgotten")
    three.plot(x, normal / slope(x), color=BAD, lw=1.6, label="divided by the slope")
    three.set(xlabel="sample $x$", yticks=[], xlim=(-3.2, 3.2), title="three candidates")
    three.legend(frameon=False, fontsize=9)


def couplings():
    """Two couplings fitted to points by three sliders; a menu adds, forgets or subtracts log |det|.

    Left the model's density moves under the points, right the points are mapped to noise. The title
    gives the mean of -log q and the integral of what is called a density.
    """
    points = banana()
    line = np.linspace(-6, 6, 181)
    grid = np.meshgrid(line, line)                           # x₁ and x₂, (181, 181) each
    turn = np.linspace(0, 2 * np.pi, 200)
    rings = np.stack([np.cos(turn), np.sin(turn)])

    def setup(figure):
        left, right = figure.subplots(1, 2)
        title = figure.suptitle(" ", fontsize=10.5)
        shade = left.imshow(np.zeros((181, 181)), extent=(-6, 6, -6, 6), origin="lower",
                            cmap="Oranges", vmin=0, vmax=.5)
        data = left.scatter(*points, s=4, color=REAL, lw=0, alpha=.8, zorder=3)
        circles = [left.plot(*rings, color=CRITIC, lw=.9, zorder=4)[0] for _ in range(2)]
        left.set(xlim=(-3.4, 3.4), ylim=(-3, 6), aspect="equal", xlabel="$x_1$", ylabel="$x_2$",
                 title="samples and model")
        cloud = right.scatter(*points, s=3, color=REAL, lw=0, alpha=.7)
        for r in (1, 2):
            right.plot(*(r * rings), color=CRITIC, lw=.9)
        right.set(xlim=(-5, 5), ylim=(-5, 5), aspect="equal", xlabel="$z_1$", ylabel="$z_2$",
                  title="the same points as noise, $z = b(x)$")
        open_axes(left, right)
        return shade, data, circles, cloud, title

    def update(artists, bend, stretch, lean, sign):
        shade, _, circles, cloud, title = artists
        density = np.exp(-negative_log_q(*grid, bend, stretch, lean, sign))
        shade.set_data(density)
        for r, circle in zip((1, 2), circles):
            circle.set_data(*b_undone(*(r * rings), bend, stretch, lean))
        cloud.set_offsets(np.stack(b_of(*points, bend, stretch, lean), 1))
        loss = negative_log_q(*points, bend, stretch, lean, sign).mean()
        title.set_text(f"mean of −log q: {loss:.3f} nats      log det {stretch:+.2f}      "
                       f"the \"density\" integrates to {np.exp((sign - 1) * stretch):.3f}")

    return Explorer(
        setup, update,
        dict(bend=slider(-1.0, 2.0, .1, 0.5, "bend: shift of x₂ by x₁"),
             stretch=slider(-1.5, 2.5, .1, 0.4, "stretch of x₂, logarithm"),
             lean=slider(-1.0, 1.5, .1, 0.0, "lean: shift of x₁ by x₂"),
             sign=choice(SIGNS, 1, "log-determinant")),
        figsize=(9.2, 4.2),
        alt="Left, blue points in the shape of a banana over the orange density of a model with "
            "two couplings; right, the same points mapped to noise, with the circles at one and "
            "two deviations. The title gives the mean of minus log q, the log-determinant, and "
            "the integral of the density.")


def between(rows):
    """A slider walks from one picture to another, in several ways at once; a menu chooses the pair.

    rows: name of the way -> pictures (pairs, frames, c, h, w), made beforehand.
    """
    frames = [np.asarray(row) for row in rows.values()]
    pairs, count = frames[0].shape[:2]

    def setup(figure):
        axes = figure.subplots(1, len(frames))
        title = figure.suptitle(" ", fontsize=10.5)
        shown = []
        for ax, name, row in zip(np.ravel(axes), rows, frames):
            shown.append(pictures(ax, row[0, :1], 1))
            ax.set_title(name, fontsize=9.5)
        return shown, title

    def update(artists, pair, way):
        shown, title = artists
        at = round(way * (count - 1))
        for image, row in zip(shown, frames):
            image.set_data(sheet(row[pair, at][None], 1))
        title.set_text(f"{way:.2f} of the way from one real picture to another")

    return Explorer(
        setup, update,
        dict(pair=choice({f"pair {i + 1}": i for i in range(pairs)}, 0, "which two"),
             way=slider(0.0, 1.0, round(1 / (count - 1), 3), 0.5, "way")),
        figsize=(7.6, 2.9),
        alt="A picture on the way from one real digit to another, by a straight line in pixels, "
            "in the noise of a flow, and in the noise of an f-VAE.")


# -- diagrams --------------------------------------------------------------------------------------

def coupling_diagram(axes):
    """An affine coupling forwards and backwards: what passes tells how the other half is moved."""
    ways = (("$x_1$", "$x_2$", "$y_1$", "$y_2$", r"$\times\,e^{s}$", "$+\\,t$"),
            ("$y_1$", "$y_2$", "$x_1$", "$x_2$", "$-\\,t$", r"$\times\,e^{-s}$"))
    for ax, (top, low, top_out, low_out, first, second) in zip(axes, ways):
        blank(ax, 8.4, 3.6)
        drawn = boxes(ax, {"top": (.7, 3, top, REAL), "top out": (7.7, 3, top_out, FAKE),
                           "low": (.7, .6, low, REAL), "low out": (7.7, .6, low_out, FAKE),
                           "net": (4.2, 1.95, "network: $s, t$", GOOD),
                           "first": (3.2, .6, first, CRITIC), "second": (5.2, .6, second, CRITIC)},
                      ("top>top out", "low>first", "first>second", "second>low out"),
                      fill=.12, size=13, pad=.5)
        arrow(ax, (4.2, 3), drawn["net"])
        for x, name in ((3.2, "first"), (5.2, "second")):
            arrow(ax, (x, 1.6), drawn[name], GOOD)
    axes[0].set_title("forwards", fontsize=12)
    axes[1].set_title("backwards", fontsize=12)


def glow_diagram(ax):
    """A flow of digits in the manner of Glow, after histograms: levels above, one step below."""
    blank(ax, 10.4, 5.4)
    levels = (("x", .8, "$x$\n1·28·28", REAL), ("4 14 14", 2.7, "squeeze\n4·14·14", SKY),
              ("first", 4.6, "4 steps", GOOD), ("16 7 7", 6.5, "squeeze\n16·7·7", SKY),
              ("second", 8.4, "4 steps", GOOD), ("z", 9.9, "$z$", FAKE))
    names = [name for name, *_ in levels]
    boxes(ax, {name: (x, 4.4, text, colour) for name, x, text, colour in levels},
          map(">".join, zip(names, names[1:])), fill=.12, size=13, pad=.55)
    ax.plot([4.0, 1.2], [3.9, 2.6], color=GOOD, lw=1, ls=":")
    ax.plot([5.2, 9.6], [3.9, 2.6], color=GOOD, lw=1, ls=":")
    boxes(ax, {"actnorm": (1.9, 1.8, "actnorm\nscale, shift", GOOD),
               "mixing": (5.4, 1.8, "1 × 1 mixing\nmatrix $A$", GOOD),
               "coupling": (8.8, 1.8, "coupling\n$s, t$", GOOD)},
          ("actnorm>mixing", "mixing>coupling"), fill=.06, size=13, pad=.6)
    ax.text(5.4, .35, "one step: three bijections, their log-determinants added", ha="center",
            fontsize=12)


def f_vae_diagram(ax):
    """Encoder, code, decoder; and the flow from the code to noise, which is the prior."""
    blank(ax, 10.2, 4.6)
    drawn = boxes(ax, {"x": (.5, 3.4, "$x$", REAL), "e": (2.7, 3.4, "encoder\n$m, s$", GOOD),
                       "v": (5.2, 3.4, "code $v$", CRITIC), "d": (7.6, 3.4, "decoder\n$d$", GOOD),
                       "again": (9.7, 3.4, "$\\hat x$", FAKE), "b": (5.2, 1.3, "flow $b$", SKY),
                       "z": (8.4, 1.3, "$z\\sim\\mathcal{N}(0, I)$", FAKE)},
                  ("x>e", "e>v", "v>d", "d>again"), fill=.12, size=13, pad=.55)
    arrow(ax, box(ax, 2.0, 1.3, "noise $u$", size=13, pad=.55), drawn["v"])
    for start, end in (("v", "b"), ("b", "z")):
        arrow(ax, drawn[start], drawn[end], SKY, both_ways=True)
    ax.text(5.2, .15, "prior: backwards through $b$; price of a code: forwards", ha="center",
            fontsize=12)


# -- figures ---------------------------------------------------------------------------------------

def densities(axes, laws, points, reach: float = 2.6):
    """Densities as shades over a square, with points (n, 2) on the first.

    laws: name -> log-density (k, 2) -> (k,).
    """
    _, grid = square_grid(reach, 160)
    for ax, (name, logpdf) in zip(axes, laws.items()):
        density = np.exp(np.asarray(logpdf(grid)).reshape(160, 160))
        ax.imshow(density, extent=(-reach, reach, -reach, reach), origin="lower",
                  cmap="Oranges", vmin=0, vmax=.55)
        ax.set_title(name, fontsize=10)
        ax.set(xticks=[], yticks=[])
    axes[0].scatter(*np.asarray(points).T, s=2, color=REAL, lw=0, alpha=.5)


def depth(ax, found):
    """Nats above the entropy against the number of couplings; found: name -> {couplings: nats}."""
    for (name, values), colour in zip(found.items(), (THIRD, GOOD)):
        ax.plot(list(values), list(values.values()), "o-", color=colour, lw=2, label=name)
    ax.axhline(0, color=CRITIC, lw=.8, ls=":")
    ax.set(xlabel="couplings", ylabel="nats above the entropy", ylim=(-.03, None))
    ax.legend(frameon=False, fontsize=9)


def curves(axes, runs, bits, top: float = 7.0):
    """Bits per number against the step and against seconds of one core.

    runs: name -> Run of one loss; bits: nats -> bits.
    """
    lowest = top
    for (name, run), colour in zip(runs.items(), (THIRD, SKY, GOOD, FAKE)):
        values = [bits(nats) for nats in next(iter(run.losses.values()))]
        step = np.arange(1, len(values) + 1)
        lowest = min(lowest, *smooth(values))
        for ax, places in zip(axes, (step, step * run.seconds / len(values))):
            ax.plot(places, smooth(values), color=colour, lw=1.8, label=name)
    for ax, what in zip(axes, ("step", "seconds of one core")):
        ax.set(xlabel=what, ylim=(lowest - .3, top))
    axes[0].set_ylabel("bits per number")
    axes[1].legend(frameon=False, fontsize=9)
