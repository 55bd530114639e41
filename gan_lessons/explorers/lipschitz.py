"""Pictures of notebooks/07_lipschitz.ipynb: limits on a critic's slope, where slopes are measured,
and what a limit does to the weights.
"""
from __future__ import annotations

import numpy as np
from scipy.integrate import cumulative_trapezoid

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
    square_grid,
)
from ..exact.laws import Normal
from ..exact.lipschitz import sample_density, segment_density
from ..exact.transport import cdf_difference

X = np.linspace(-7, 13, 481)
SLOPES = np.linspace(-2.5, 3.5, 481)
P = Normal(0, 1)                             # the data
WHERE = {"on the segments": segment_density, "at real and fake": sample_density,
         "at real alone": lambda p, q: p.pdf, "at fake alone": lambda p, q: q.pdf}
ASK = {"slope = 1, gradient penalty": lambda slope: (np.abs(slope) - 1) ** 2,
       "slope ≤ 1, Lipschitz penalty": lambda slope: np.maximum(np.abs(slope) - 1, 0) ** 2}


def lipschitz_limits(left, right):
    """Left three critics without a limit, all of them right; right the best of slope 1 at most."""
    x, p, q = np.linspace(-4, 7, 500), Normal(0, .6), Normal(3, .6)
    for ax in (left, right):
        draw_density(ax, x, p, REAL, "real, $p$")
        draw_density(ax, x, q, FAKE, "fake, $q$")
        ax.set(xlabel="weight of the coin, $x$", ylim=(-4.6, 4.6))
    for steep, style in ((1, "-"), (2, "--"), (8, ":")):
        left.plot(x, steep * (1.5 - x), color=CRITIC, lw=1.8, ls=style,
                  label=f"slope {steep}: gap {3 * steep}")
    left.set_title("no limit: any gap you like")
    left.legend(frameon=False, fontsize=8, loc="lower left")
    right.plot(x, 1.5 - x, color=GOOD, lw=2.4, label="slope 1: gap 3")
    right.fill_between(x, 1.5 - np.abs(x), 1.5 + np.abs(x), color=SKY, alpha=.18, lw=0,
                       label="within the limit from $x=0$")
    right.set_title("limit 1: the gap is a distance")
    right.legend(frameon=False, fontsize=8, loc="lower left")


def stretched(left, right, W, turns: int = 4):
    """The unit circle and its image under W (2, 2), with the directions of power iteration."""
    angle = np.linspace(0, 2 * np.pi, 200)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    left.plot(*circle, color=CRITIC, lw=1.2)
    right.plot(*(W @ circle), color=CRITIC, lw=1.2)
    v = np.array([np.cos(2.25), np.sin(2.25)])
    for turn in range(turns):
        shade = dict(color=GOOD, alpha=.3 + .7 * turn / (turns - 1), length_includes_head=True,
                     head_width=.09, lw=1.5)
        left.arrow(0, 0, *v, **shade)
        right.arrow(0, 0, *(W @ v), **shade)
        left.annotate(f"{turn}", 1.14 * v, ha="center", va="center", fontsize=9)
        right.annotate(f"{np.linalg.norm(W @ v):.2f}", W @ v * (1 + .24 / np.linalg.norm(W @ v)),
                       ha="center", va="center", fontsize=9)
        v = W.T @ (W @ v)
        v /= np.linalg.norm(v)
    left.set_title("directions $v$, turn by turn")
    right.set_title("their images $Wv$ and lengths")
    for ax, reach in ((left, 1.35), (right, 2.1)):
        ax.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach))
        ax.set_axis_off()


def penalty_points():
    """Where slopes are measured × what is asked of them, for the best critic of two Normals.

    Left the density of the points where slopes are measured, in the middle what a slope is worth
    midway between the laws, right the best critic's slope. Menus choose where and what, sliders the
    penalty's weight λ and the distance.
    """
    def setup(figure):
        left, centre, right = figure.subplots(1, 3, width_ratios=(1.1, 1, 1.1))
        title = figure.suptitle(" ", fontsize=11)
        draw_density(left, X, P, REAL, "real, $p$")
        fake, = left.plot(X, X, color=FAKE, lw=2, label="fake, $q$")
        points, = left.plot(X, X, color=BAD, lw=2, ls="--", label="$\\rho$: slopes measured")
        left.set(xlabel="$x$", ylim=(0, .62), xlim=(-5, 11), yticks=[], title="where")
        left.legend(frameon=False, fontsize=8, loc="upper right")
        worth, = centre.plot(SLOPES, SLOPES, color=CRITIC, lw=2)
        summit, = centre.plot([0], [0], "o", color=GOOD, ms=8, label="best")
        wrong, = centre.plot([0], [0], "X", color=BAD, ms=9, label="wrong summit")
        centre.axvline(0, color=CRITIC, lw=.6)
        centre.set(xlabel="slope towards real coins", ylim=(-8, 4.5), xlim=(SLOPES[0], SLOPES[-1]),
                   title="worth of a slope, midway")
        centre.legend(frameon=False, fontsize=8, loc="upper left")
        best, = right.plot(X, X, color=GOOD, lw=2.2, label="best critic's slope")
        right.axhline(1, color=CRITIC, ls=":", lw=1)
        right.set(xlabel="$x$", ylim=(0, 4), xlim=(-5, 11), title="best slope at every place")
        right.legend(frameon=False, fontsize=8, loc="lower right")
        open_axes(left, centre, right)
        return fake, points, worth, summit, wrong, best, title

    def update(artists, where, ask, weight, distance):
        fake, points, worth, summit, wrong, best, title = artists
        q, ask = Normal(distance, 1), ASK[ask]
        density, d = WHERE[where](P, q)(X), np.abs(cdf_difference(P, q)(X))
        fake.set_ydata(q.pdf(X))
        points.set_ydata(density)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            excess = np.where(d > 1e-60, d * (d / density), 0)       # d² alone would underflow
        reported = distance + np.trapezoid(excess, X) / (2 * weight)
        slope = 1 + np.divide(d, 2 * weight * density, out=np.full_like(d, np.inf),
                              where=density > 0)
        best.set_ydata(np.where(d > 0, np.minimum(slope, 99), np.nan))
        middle, lam = np.interp(distance / 2, X, d), weight * np.interp(distance / 2, X, density)
        worth.set_ydata(middle * SLOPES - lam * ask(SLOPES))
        # both penalties are quadratic beyond slope 1, so the summits are found by hand
        top = 1 + middle / (2 * lam)
        summit.set_data([top], [middle * top - lam * ask(top)])
        bottom = middle / (2 * lam) - 1
        trap = ask(0.0) > 0 and bottom < 0
        wrong.set_data(*([bottom], [middle * bottom - lam * ask(bottom)]) if trap else ([], []))
        title.set_text(f"$W_1$ = {distance:.2f}"
                       f"      the best critic reports {_short(reported)}"
                       f"      fines {_short((reported - distance) / 2)}"
                       f"      midway {'two summits' if trap else 'one summit'}")

    return Explorer(
        setup, update,
        dict(where=choice(list(WHERE), "on the segments", "where"),
             ask=choice(list(ASK), "slope = 1, gradient penalty", "what is asked"),
             weight=slider(.1, 20.0, .1, 10.0, "λ, weight of the penalty"),
             distance=slider(.1, 6.0, .1, 3.0, "distance")),
        figsize=(9.6, 3.4),
        alt="Left, real and fake heaps and the density of the points where slopes are measured; "
            "in the middle, what a slope is worth midway between the heaps, with its summits; "
            "right, the best critic's slope at every place against 1. The title gives W, what "
            "the critic reports, and the fines it pays.")


def _short(value):
    """Four digits, and powers of ten where the number has grown out of the title."""
    return f"{value:.4f}" if value < 1e3 else f"{value:.1e}"


def surface(ax, f, law, reach: float = 3.0):
    """Scores of a critic f: (k, 2) -> (k,) over the square, bright is real, with real points."""
    line, grid = square_grid(reach, 61)
    scores = f(grid).reshape(61, 61)
    ax.contourf(line, line, scores, 16, cmap="cividis")
    ax.scatter(*law.sample(250, np.random.default_rng(0)).T, s=2, color="white", lw=0)
    ax.set(aspect="equal", xticks=[], yticks=[])


def weights(axes, critics):
    """A histogram of all matrix entries for every critic, each on its own scale."""
    for ax, (name, f) in zip(axes, critics.items()):
        entries = np.concatenate([m.weight.detach().numpy().ravel()
                                  for m in f.layers if hasattr(m, "weight")])
        ax.hist(entries, bins=61, color=CRITIC)
        ax.set(title=name, yticks=[], xlabel="weight")


def through_the_layers(ax, gradients):
    """Norm of the loss's gradient at the output of each layer; gradients: name -> (layers,)."""
    for (name, values), colour in zip(gradients.items(), (BAD, FAKE, THIRD, REAL, GOOD)):
        ax.semilogy(np.arange(1, len(values) + 1), values, "o-", color=colour, ms=4, lw=1.5,
                    label=name)
    ax.set(xlabel="layer, from the coin (1) to the score", ylabel="norm of the gradient")
    ax.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, .5))


def over_the_exact(left, right, x, slope, critics):
    """Trained critics and their slopes over the exact ones.

    slope: x -> f*'(x), (k,) -> (k,); critics: name -> network on the line.
    """
    from ..players.networks import on_arrays  # loads torch, which no drawing else needs
    exact = cumulative_trapezoid(slope(x), x, initial=0)
    left.plot(x, exact - exact.mean(), color=CRITIC, lw=4, alpha=.35, label="exact $f^*$")
    right.plot(x, np.abs(slope(x)), color=CRITIC, lw=4, alpha=.35, label="exact")
    for (name, network), colour in zip(critics.items(), (BAD, GOOD)):
        f = on_arrays(network)(x)
        left.plot(x, f - f.mean(), color=colour, lw=1.4, label=name)
        right.plot(x, np.abs(np.gradient(f, x)), color=colour, lw=1.4)
    left.set(xlabel="$x$", title="prices")
    right.set(xlabel="$x$", title="slopes", ylim=(0, 2))
    left.legend(frameon=False, fontsize=8)
