"""Pictures of notebooks/04_least_squares.ipynb: the labels a, b, c, and where training leads."""
from __future__ import annotations

import numpy as np

from ..drawing.explorer import Explorer, slider
from ..drawing.plots import BAD, CRITIC, FAKE, GOOD, REAL, draw_density, open_axes, pictures
from ..exact.laws import Normal
from ..exact.least_squares import (
    least_squares_critic,
    least_squares_gradient,
    least_squares_value,
    triangular,
    triangular_slope,
)

SCORES = np.linspace(-3, 3, 241)
X = np.linspace(-4, 12, 481)
P = Normal(0, 1)                             # the data


def two_losses(left, right, reach=(-8, 4)):
    """`left`: data and fakes; `right`: the push of two losses on a fake at x, if f(x) = 1 - x."""
    x = np.linspace(*reach, 400)
    score = 1 - x
    draw_density(left, x, P, REAL, "real, $p$")
    draw_density(left, x, Normal(2, .6), FAKE, "fake, $q$")
    left.axvline(1, color=CRITIC, ls=":", lw=1)
    left.plot([-6], [.03], "o", color=BAD, ms=9, label="a fake gone too far")
    left.set(xlabel="$x$", yticks=[], title="decision boundary at $x = 1$")
    left.legend(frameon=False, loc="upper left")
    right.plot(x, -1 / (1 + np.exp(score)), color=BAD, lw=2.2, label="sigmoid: $-\\sigma(-f)$")
    right.plot(x, score - 1, color=GOOD, lw=2.2, label="squares: $f-1$")
    right.axhline(0, color=CRITIC, lw=.8)
    right.set(xlabel="$x$", ylim=(-3, 9), title="push on a fake, to the right")
    right.legend(frameon=False)


def _felt():
    """Distances (k,), and for each χ², half its slope, and the gradient of the labels (-1, 1, 0).

    Both slopes are in units of (b - a)²/4.
    """
    distances = np.linspace(0, 10, 101)
    pairs = [Normal(d, 1) for d in distances]
    chi2 = [triangular(P, q) for q in pairs]
    slope = [triangular_slope(P, q) / 2 for q in pairs]
    middle = [least_squares_gradient(P, q, -1, 1, 0) for q in pairs]
    return distances, *map(np.array, (chi2, slope, middle))


def labels():
    """Sliders for the labels a, b, c and the distance of two Normals.

    Above the densities, the best critic and the target c; below, left the three parabolas, right
    the gradient that the generator feels beside half the slope of χ².
    """
    distances, chi2, slope, middle = _felt()

    def setup(figure):
        axes = figure.subplot_mosaic([["critic"] * 2, ["losses", "gradient"]])
        left, centre, right = (axes[name] for name in ("losses", "critic", "gradient"))
        title = figure.suptitle(" ", fontsize=11)
        parabolas = [left.plot(SCORES, SCORES, color=colour, lw=2, ls=style)[0]
                     for colour, style in [(FAKE, "-"), (REAL, "-"), (GOOD, "--")]]
        left.set(xlabel="score $f$", ylim=(0, 4), title="losses: feet at $a$, $b$, $c$")
        draw_density(centre, X, P, REAL, "real, $p$")
        fake, = centre.plot(X, X, color=FAKE, lw=2, label="fake, $q$")
        best, = centre.plot(X, X, color=CRITIC, lw=2.2, label="best critic $f^*$")
        goal, = centre.plot(X, X, color=GOOD, lw=1.2, ls="--", label="target $c$")
        centre.set(xlabel="$x$", ylim=(-2.1, 2.1), xlim=(X[0], X[-1]), title="the best critic")
        centre.legend(frameon=False, fontsize=9, loc="upper right", ncols=2)
        right.plot(distances, slope, color=CRITIC, lw=4, alpha=.35, label="½ slope of $\\chi^2$")
        felt, = right.plot(distances, slope, color=GOOD, lw=2, label="felt, frozen critic")
        dot, = right.plot([0], [0], "o", color=GOOD, ms=8)
        right.axhline(0, color=CRITIC, lw=.8)
        right.set(xlabel="distance", ylim=(-.5, 1), title="gradient, over $(b-a)^2/4$")
        right.legend(frameon=False, fontsize=9)
        open_axes(left, centre, right)
        return parabolas, fake, best, goal, felt, dot, title

    def update(artists, a, b, c, distance):
        parabolas, fake, best, goal, felt, dot, title = artists
        q = Normal(distance, 1)
        for curve, label in zip(parabolas, (a, b, c)):
            curve.set_ydata((SCORES - label) ** 2 / 2)
        fake.set_ydata(q.pdf(X))
        best.set_ydata(least_squares_critic(P, q, a, b)(X))
        goal.set_ydata(np.full_like(X, c))
        if a == b:
            felt.set_ydata(np.full_like(distances, np.nan))
            dot.set_data([], [])
            return title.set_text(f"a = b: the best critic says {a:g} to everything, "
                                  "and no generator learns from it")
        kappa = (2 * c - a - b) / (b - a)         # how far c lies from the middle of a and b
        felt.set_ydata(middle + kappa * (slope + middle))
        here = least_squares_gradient(P, q, a, b, c)
        dot.set_data([distance], [here / ((b - a) ** 2 / 4)])
        title.set_text(f"$\\chi^2$ = {triangular(P, q):.4f}"
                       f"      C = {least_squares_value(P, q, a, b, c):.4f}"
                       f"      gradient felt {here:.4f}\n"
                       f"ratio to the slope of C {_ratio(here, q, a, b)}")

    return Explorer(
        setup, update,
        dict(a=slider(-2.0, 2.0, .1, -1.0, "a, label of fakes"),
             b=slider(-2.0, 2.0, .1, 1.0, "b, label of real"),
             c=slider(-2.0, 2.0, .1, 0.0, "c, the generator's target"),
             distance=slider(0.0, 10.0, .1, 2.0, "distance")),
        figsize=(6.8, 5.2),
        alt="Above, the densities, the best critic between a and b, and the target. Below left, "
            "three parabolas with their feet at a, b and c; right, the gradient the generator "
            "feels against the distance, over half the slope of chi squared. The title gives "
            "both and their ratio.")


def _ratio(felt, q, a, b):
    """The gradient felt over the slope of the value C."""
    slope = (b - a) ** 2 / 8 * triangular_slope(P, q)
    return f"{felt / slope:.3f}" if abs(slope) > 1e-12 else "0/0"


def sheets(axes, runs, count: int = 64, columns: int = 8, **font):
    """`count` pictures of each of several runs (name -> run) side by side, from the same noises."""
    for ax, (name, run) in zip(axes, runs.items()):
        pictures(ax, run.samples(count), columns)
        ax.set_title(name, **font)
