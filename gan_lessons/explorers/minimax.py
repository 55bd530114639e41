"""Explorers of notebooks/01_minimax.ipynb: set the discriminator by hand, then the generator; and
the picture of a generator as a map from noise to samples.
"""
from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.special import expit, ndtri, rel_entr

from ..drawing.explorer import Explorer, slider
from ..drawing.plots import BAD, CRITIC, FAKE, REAL, draw_density, open_axes
from ..exact.divergences import js, js_slope
from ..exact.laws import Normal
from ..exact.minimax import gan_value, optimal_discriminator, optimal_logit

X = np.linspace(-4, 8, 481)
P, Q = Normal(0, 1), Normal(2, 1)        # the data, and the fakes where they do not move
DISTANCES = np.linspace(0, 8, 41)


def _axes(ax):
    """Axes with the density of the real samples."""
    draw_density(ax, X, P, REAL, "real, $p$")
    open_axes(ax)
    ax.set(xlabel="$x$", xlim=(X[0], X[-1]), ylim=(0, 1.04))


def _title(ax, figure_wide: float = .5):
    return ax.text(figure_wide, 1.04, "", transform=ax.transAxes, ha="center", fontsize=11)


def discriminator():
    """Set the discriminator D = σ(c) of two fixed Normals, with c(x) = slope · (threshold - x).

    The title compares its value with that of the optimal one; a line shows at which x the
    difference arises: p log D*/D + q log (1 - D*)/(1 - D), whose integral it is.
    """
    best = gan_value(P, Q)
    D, c_star = optimal_discriminator(P, Q)(X), optimal_logit(P, Q)(X)

    def setup(figure):
        ax = figure.subplots()
        _axes(ax)
        draw_density(ax, X, Q, FAKE, "fake, $q$")
        mine, = ax.plot(X, X, color=CRITIC, lw=2.2, label="your $D$")
        lost, = ax.plot(X, X, color=BAD, lw=1.6, ls="--", label="loss at $x$")
        ax.legend(frameon=False, loc="center right")
        return mine, lost, _title(ax)

    def update(artists, slope, threshold):
        mine, lost, title = artists
        c = lambda x: slope * (threshold - x)
        mine.set_ydata(expit(c(X)))
        bracket = rel_entr(D, expit(c(X))) + rel_entr(expit(-c_star), expit(-c(X)))
        lost.set_ydata((P.pdf(X) + Q.pdf(X)) * bracket)
        value = gan_value(P, Q, c)
        title.set_text(f"V(D) = {value:.4f}    best {best:.4f}    you lose {best - value:.4f}")

    return Explorer(
        setup, update,
        dict(slope=slider(-2.0, 6.0, .1, .5, "slope of the logit"),
             threshold=slider(-2.0, 4.0, .1, 0.0, "threshold")), figsize=(5.4, 3.4),
        alt="The densities of real and fake samples, the discriminator set with the sliders, and "
            "at which x it loses against the optimal one; the title gives its value and the best "
            "value.")


def generator():
    """Move and widen the fakes N(μ, σ²); the optimal discriminator answers at once.

    Above the densities, below JS against the distance at this width. The title gives JS, the value
    at D*, and the slope of JS.
    """
    def setup(figure):
        upper, lower = figure.subplots(2, 1, height_ratios=[1.5, 1])
        _axes(upper)
        open_axes(lower)
        fake, = upper.plot(X, X, color=FAKE, lw=2.2, label="fake, $q$")
        best, = upper.plot(X, X, color=CRITIC, lw=2.2, label="$D^*$")
        upper.legend(frameon=False, loc="center right")
        lower.axhline(np.log(2), color=CRITIC, ls=":", lw=1)
        lower.annotate("log 2", (0, np.log(2)), (2, -12), textcoords="offset points", fontsize=9)
        curve, = lower.plot(DISTANCES, DISTANCES, color=CRITIC, lw=1.8)
        here, = lower.plot([0], [0], "o", color=BAD, ms=8)
        lower.set(xlabel="distance μ", ylabel="JS at this width", ylim=(0, .74), xlim=(-.2, 8.2))
        return fake, best, curve, here, _title(upper)

    def update(artists, distance, sigma):
        fake, best, curve, here, title = artists
        q = Normal(distance, sigma)
        fake.set_ydata(q.pdf(X))
        best.set_ydata(optimal_discriminator(P, q)(X))
        curve.set_ydata([js(P, Normal(mu, sigma)) for mu in DISTANCES])
        here.set_data([distance], [js(P, q)])
        title.set_text(f"JS = {js(P, q):.4f}    V(D*) = {gan_value(P, q):.4f}"
                       f"    dJS/dμ = {js_slope(P, q):.6f}")

    return Explorer(
        setup, update,
        dict(distance=slider(0.0, 8.0, .1, 3.0, "distance μ"),
             sigma=slider(.4, 3.0, .1, 1.0, "width σ")), figsize=(5.4, 4.8),
        alt="Above, the densities of real and fake samples with the optimal discriminator; below, "
            "JS against their distance, flat under its ceiling log 2; the title gives JS, the "
            "value and the slope.")


# -- noise to samples ------------------------------------------------------------------------------

ARROWS = 15                              # equally probable noises
FLOOR, ROOF = -.62, -.16                 # where the line of z and the line of x are drawn
NONE = .005                              # of a density this low no sample falls


def noise_to_samples(ax, p, D, g, reach: float = 3.6, ticks=()):
    """A generator on the line as in figure 1 of Goodfellow et al. 2014, arXiv 1406.2661.

    Above, the density of the data and of g(z), z ~ N(0, 1), with the discriminator and, dashed, the
    optimal one; below, arrows from equally probable z to g(z), so that they crowd where the density
    of g(z) is high.
    p: a law on the line; D: (k,) -> (k,), probabilities; g: (k, 1) -> (k, 1); ticks: places to mark
    on the line of x.
    """
    x = np.linspace(-reach, reach, 401)
    made = np.asarray(g(_noises(20_000))).ravel()
    counts, _ = np.histogram(made, bins=400, range=(-reach, reach))
    q = gaussian_filter1d(counts / len(made) / (x[1] - x[0]), 3)
    ax.fill_between(x, p.pdf(x), alpha=.35, color=REAL, lw=0, label="real, $p$")
    middle = (x[1:] + x[:-1]) / 2
    ax.fill_between(middle, q, alpha=.45, color=FAKE, lw=0, label="fake, $q$")
    ax.plot(x, D(x), color=CRITIC, lw=1.8, label="$D$")
    both = p.pdf(middle) + q
    best = np.where(both > NONE, p.pdf(middle) / np.maximum(both, NONE), np.nan)
    ax.plot(middle, best, color=BAD, lw=1.3, ls="--", label="$D^*$")
    ax.axhline(.5, color=CRITIC, lw=.7, ls=":")
    z = _noises(ARROWS)
    for start, end in zip(z.ravel(), np.asarray(g(z)).ravel()):
        ax.annotate("", (end, ROOF), (start, FLOOR),
                    arrowprops=dict(arrowstyle="-|>", color=FAKE, lw=.9, shrinkA=0, shrinkB=0,
                                    mutation_scale=7))
    for height, name in [(FLOOR, "$z$"), (ROOF, "$x$")]:
        ax.axhline(height, color=CRITIC, lw=1)
        ax.text(reach, height + .03, name, ha="right")
    for place in ticks:
        ax.plot([place] * 2, [ROOF, ROOF + .04], color=CRITIC, lw=1)
        ax.text(place, ROOF + .05, f"{place:g}", ha="center", fontsize=8)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.set(xlim=(-reach, reach), ylim=(FLOOR - .03, 1.05), xticks=[], yticks=[0, .5, 1])


def _noises(n: int):
    """n equally probable places of N(0, 1): (n, 1)."""
    return ndtri((np.arange(n) + .5) / n)[:, None]
