"""Explorers of notebooks/01_minimax.ipynb: set the discriminator by hand, then the generator."""
from __future__ import annotations

import numpy as np
from scipy.special import expit

from ..drawing.explorer import Explorer, slider
from ..drawing.plots import CRITIC, FAKE, REAL, draw_density, open_axes
from ..exact.divergences import js, js_slope
from ..exact.laws import Normal
from ..exact.minimax import gan_value, optimal_discriminator

X = np.linspace(-4, 8, 481)
P, Q = Normal(0, 1), Normal(2, 1)        # the data, and the fakes where they do not move


def _axes(figure):
    """Axes with the real density, and room for a title."""
    ax = figure.subplots()
    draw_density(ax, X, P, REAL, "genuine, $p$")
    open_axes(ax)
    ax.set(xlabel="weight of the coin, $x$", xlim=(X[0], X[-1]), ylim=(0, 1.04))
    title = ax.text(.5, 1.04, "", transform=ax.transAxes, ha="center", fontsize=11)
    return ax, title


def discriminator():
    """Set the discriminator D = σ(c) of two fixed Normals, with c(x) = slope · (threshold - x).

    Its value moves against the best one, in the title.
    """
    best = gan_value(P, Q)

    def setup(figure):
        ax, title = _axes(figure)
        draw_density(ax, X, Q, FAKE, "forged, $q$")
        mine, = ax.plot(X, X, color=CRITIC, lw=2.2, label="your $D$")
        ax.legend(frameon=False, loc="center left")
        return mine, title

    def update(artists, slope, threshold):
        mine, title = artists
        c = lambda x: slope * (threshold - x)
        mine.set_ydata(expit(c(X)))
        value = gan_value(P, Q, c)
        title.set_text(f"V(D) = {value:.4f}      the best possible is {best:.4f}"
                       f"      you lose {best - value:.4f}")

    return Explorer(
        setup, update,
        dict(slope=slider(-2.0, 6.0, .1, .5, "slope of the logit"),
             threshold=slider(-2.0, 4.0, .1, 0.0, "threshold")),
        alt="Two heaps of coins, the discriminator you set with the sliders, its value and the "
            "best value.")


def generator():
    """Move and widen the fakes N(μ, σ²); the best discriminator answers at once.

    The title gives JS, the value at D*, and the slope of JS.
    """
    def setup(figure):
        ax, title = _axes(figure)
        fake, = ax.plot(X, X, color=FAKE, lw=2.2, label="forged, $q$")
        best, = ax.plot(X, X, color=CRITIC, lw=2.2, label="$D^*$")
        ax.legend(frameon=False, loc="center left")
        return fake, best, title

    def update(artists, distance, sigma):
        fake, best, title = artists
        q = Normal(distance, sigma)
        fake.set_ydata(q.pdf(X))
        best.set_ydata(optimal_discriminator(P, q)(X))
        title.set_text(f"JS = {js(P, q):.4f}      V(D*) = {gan_value(P, q):.4f}"
                       f"      dJS/dμ = {js_slope(P, q):.6f}")

    return Explorer(
        setup, update,
        dict(distance=slider(0.0, 8.0, .1, 3.0, "distance μ"),
             sigma=slider(.4, 3.0, .1, 1.0, "width σ")),
        alt="Genuine and forged coins with the best discriminator; the title gives JS, the "
            "value and the slope.")
