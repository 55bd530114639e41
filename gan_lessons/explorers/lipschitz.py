"""Pictures of notebooks/07_lipschitz.ipynb: constraints on a critic's slope, where slopes are
measured, and what a constraint does to surfaces, singular values and gradients.
"""
from __future__ import annotations

import numpy as np
from scipy.integrate import cumulative_trapezoid
from scipy.ndimage import maximum_filter
from scipy.spatial import cKDTree

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
        ax.set(xlabel="$x$", ylim=(-4.6, 4.6))
    for steep, style in ((1, "-"), (2, "--"), (8, ":")):
        left.plot(x, steep * (1.5 - x), color=CRITIC, lw=1.8, ls=style,
                  label=f"slope {steep}: gap {3 * steep}")
    left.set_title("no constraint: any gap")
    left.legend(frameon=False, fontsize=9, loc="lower left")
    right.plot(x, 1.5 - x, color=GOOD, lw=2.4, label="slope 1: gap 3")
    right.fill_between(x, 1.5 - np.abs(x), 1.5 + np.abs(x), color=SKY, alpha=.18, lw=0,
                       label="values that slope 1 allows from $x=0$")
    right.set_title("slope at most 1: the gap is $W$")
    right.legend(frameon=False, fontsize=9, loc="lower left")


def stretched(left, right, A, turns: int = 4):
    """The unit circle and its image under A (2, 2), with the directions of power iteration."""
    angle = np.linspace(0, 2 * np.pi, 200)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    left.plot(*circle, color=CRITIC, lw=1.2)
    right.plot(*(A @ circle), color=CRITIC, lw=1.2)
    v = np.array([np.cos(2.25), np.sin(2.25)])
    for turn in range(turns):
        shade = dict(color=GOOD, alpha=.3 + .7 * turn / (turns - 1), length_includes_head=True,
                     head_width=.09, lw=1.5)
        left.arrow(0, 0, *v, **shade)
        right.arrow(0, 0, *(A @ v), **shade)
        left.annotate(f"{turn}", 1.14 * v, ha="center", va="center", fontsize=9)
        right.annotate(f"{np.linalg.norm(A @ v):.2f}", A @ v * (1 + .24 / np.linalg.norm(A @ v)),
                       ha="center", va="center", fontsize=9)
        v = A.T @ (A @ v)
        v /= np.linalg.norm(v)
    left.set_title("directions $v$, turn by turn")
    right.set_title("their images $Av$ and lengths")
    for ax, reach in ((left, 1.35), (right, 2.1)):
        ax.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach))
        ax.set_axis_off()


def penalty_points():
    """Where slopes are measured × what is asked of them, for the best critic of two Normals.

    Left the density of the points where slopes are measured, in the middle the critic's objective
    midway between the Normals as a function of its slope there, right the best critic's slope.
    Menus choose where and what, sliders the penalty's weight λ and the distance.
    """
    def setup(figure):
        left, centre, right = figure.subplots(1, 3, width_ratios=(1.1, 1, 1.1))
        title = figure.suptitle(" ", fontsize=11)
        draw_density(left, X, P, REAL, "real, $p$")
        fake, = left.plot(X, X, color=FAKE, lw=2, label="fake, $q$")
        points, = left.plot(X, X, color=BAD, lw=2, ls="--", label="$\\rho$: slopes measured")
        left.set(xlabel="$x$", ylim=(0, .68), xlim=(-5, 11), yticks=[], title="where")
        left.legend(frameon=False, fontsize=9, loc="upper right")
        worth, = centre.plot(SLOPES, SLOPES, color=CRITIC, lw=2)
        summit, = centre.plot([0], [0], "o", color=GOOD, ms=8, label="maximum")
        wrong, = centre.plot([0], [0], "X", color=BAD, ms=9, label="wrong maximum")
        centre.axvline(0, color=CRITIC, lw=.6)
        centre.set(xlabel="slope $s$ towards the real samples", ylim=(-12, 4.5),
                   xlim=(SLOPES[0], SLOPES[-1]), title="objective, midpoint")
        centre.legend(frameon=False, fontsize=9, loc="lower center")
        best, = right.plot(X, X, color=GOOD, lw=2.2, label="optimal critic")
        right.axhline(1, color=CRITIC, ls=":", lw=1)
        right.set(xlabel="$x$", ylim=(0, 4), xlim=(-5, 11), title="optimal slope")
        right.legend(frameon=False, fontsize=9, loc="lower right")
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
        # both penalties are quadratic beyond slope 1, so the maxima are found by hand
        top = 1 + middle / (2 * lam)
        summit.set_data([top], [middle * top - lam * ask(top)])
        bottom = middle / (2 * lam) - 1
        trap = ask(0.0) > 0 and bottom < 0
        wrong.set_data(*([bottom], [middle * bottom - lam * ask(bottom)]) if trap else ([], []))
        title.set_text(f"$W_1$ = {distance:.2f}"
                       f"      optimal critic: gap {_short(reported)}"
                       f"      penalty {_short((reported - distance) / 2)}"
                       f"      midpoint: {'two maxima' if trap else 'one maximum'}")

    return Explorer(
        setup, update,
        dict(where=choice(list(WHERE), "on the segments", "where"),
             ask=choice(list(ASK), "slope = 1, gradient penalty", "what is asked"),
             weight=slider(.1, 20.0, .1, 10.0, "λ, weight of the penalty"),
             distance=slider(.1, 6.0, .1, 3.0, "distance")),
        figsize=(8.8, 3.4),
        alt="Left, the real and the fake density and that of the points where slopes are measured; "
            "in the middle, the critic's objective at the midpoint as a function of the slope "
            "there, with its maxima; right, the optimal critic's slope at every place against 1. "
            "The title gives W, the optimal critic's gap, and its penalty.")


def _short(value):
    """Four digits, and powers of ten where the number has grown out of the title."""
    return f"{value:.4f}" if value < 1e3 else f"{value:.1e}"


def surface(ax, f, law, reach: float = 3.0):
    """Scores of a critic f: (k, 2) -> (k,) over the square, bright is high, with real points."""
    line, grid = square_grid(reach, 61)
    scores = f(grid).reshape(61, 61)
    ax.contourf(line, line, scores, 16, cmap="cividis")
    ax.scatter(*law.sample(250, np.random.default_rng(0)).T, s=2, color="white", lw=0)
    ax.set(aspect="equal", xticks=[], yticks=[])


def maxima_at_modes(f, law, within: float = .3, reach: float = 3.0) -> int:
    """At how many centres of the law a critic f: (k, 2) -> (k,) has a local maximum nearby.

    A local maximum is a place of a grid of step 0.1 that no place less than 0.25 away exceeds.
    """
    line, grid = square_grid(reach, int(round(20 * reach)) + 1)
    scores = f(grid).reshape(len(line), len(line))
    peaks = grid[(scores == maximum_filter(scores, size=5)).ravel()]
    distance, _ = cKDTree(peaks).query(law.centres)
    return int((distance <= within).sum())


def shares_of_w(axes, readings, distances):
    """Gap / largest slope as a share of W along training, one panel a toy.

    readings: (toy, constraint) -> steps -> (gap, mean slope, largest slope); distances: toy -> W.
    """
    styles = {"gradient penalty": (BAD, "-"), "one-sided": (GOOD, "--")}
    for ax, (toy, distance) in zip(axes, distances.items()):
        for limit, (colour, style) in styles.items():
            steps, rows = zip(*readings[toy, limit].items())
            ax.plot(steps, [gap / steepest / distance for gap, _, steepest in rows], "o",
                    color=colour, ls=style, lw=1.8, label=limit)
        ax.set(title=toy, xlabel="steps", ylim=(0, 1), xscale="log")
        ax.set_xticks([800, 2_500, 6_000], ["800", "2,500", "6,000"])
        ax.minorticks_off()
    axes[0].set_ylabel("share of W")
    axes[0].legend(frameon=False, fontsize=9, loc="lower right")


def spectra(ax, critics, layer: int = 1):
    """Singular values of one layer, the largest set to 1; critics: name -> network."""
    for (name, f), (colour, style) in zip(critics.items(), (
            (BAD, "-"), (FAKE, "--"), (REAL, "-."), (GOOD, "-"))):
        values = spectrum(f, layer)
        ax.plot(np.arange(1, len(values) + 1), values / values[0], color=colour, ls=style,
                lw=1.8, label=name)
    ax.set(xlabel="singular value, the largest first", ylabel=r"$\sigma_i/\sigma_1$",
           ylim=(0, 1.03))
    ax.legend(frameon=False, fontsize=9)


def spectrum(f, layer: int = 1):
    """All singular values of a layer's matrix, the largest first."""
    matrices = [m.weight for m in f.layers if hasattr(m, "weight")]
    return np.linalg.svd(matrices[layer].detach().numpy(), compute_uv=False)


def through_the_layers(ax, gradients):
    """Norm of the loss's gradient at the output of each layer; gradients: name -> (layers,)."""
    for (name, values), colour in zip(gradients.items(), (BAD, FAKE, THIRD, REAL, GOOD)):
        ax.semilogy(np.arange(1, len(values) + 1), values, marker="o", color=colour, ms=4, lw=1.5,
                    ls="--" if name == "normalised" else "-", label=name)
    ax.set(xlabel="layer, from the input (1) to the score", ylabel="norm of the gradient")
    ax.legend(frameon=False, fontsize=9, loc="lower right")


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
    left.set(xlabel="$x$", title="critics $f$")
    right.set(xlabel="$x$", title="slopes", ylim=(0, 2))
    left.legend(frameon=False, fontsize=9)
