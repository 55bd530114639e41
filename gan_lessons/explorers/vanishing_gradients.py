"""Pictures of notebooks/02_vanishing_gradients.ipynb: two classic figures and an atlas."""
from __future__ import annotations

import numpy as np

from ..drawing.explorer import Explorer, slider
from ..drawing.plots import BAD, CRITIC, FAKE, GOOD, REAL, SKY, draw_density, open_axes
from ..exact.divergences import js, js_slope
from ..exact.laws import Normal
from ..exact.minimax import generator_gradient, optimal_discriminator

FLOOR = 1e-12                                             # the least gradient that the atlas draws


def stages(axes, distances, sigma: float = 1.0):
    """A generator on its way, one distance on each axes: both densities, and JS in the title."""
    for ax, distance in zip(axes, distances):
        x = np.linspace(-4 * sigma, max(distances) + 4 * sigma, 400)
        p, q = Normal(0, sigma), Normal(distance, sigma)
        draw_density(ax, x, p, REAL, "genuine, $p$")
        draw_density(ax, x, q, FAKE, "forged, $q$")
        ax.set(yticks=[], xlabel="weight", title=f"distance {distance:g}:  JS = {js(p, q):.3f}")
        ax.spines["left"].set_visible(False)
    axes[-1].legend(frameon=False, loc="upper right")


def js_and_slope(left, right, sigmas=(.5, 1, 2), reach: float = 12.0):
    """Left JS, right its slope, against the distance of two Normals of one width.

    One curve for each of `sigmas`; the dotted line is distance 5.
    """
    distances = np.linspace(0, reach, 121)
    for sigma, colour in zip(sigmas, (SKY, CRITIC, BAD)):
        pairs = [(Normal(0, sigma), Normal(d, sigma)) for d in distances]
        left.plot(distances, [js(p, q) for p, q in pairs], color=colour, lw=2,
                  label=f"$\\sigma$ = {sigma:g}")
        right.plot(distances, [js_slope(p, q) for p, q in pairs], color=colour, lw=2)
    left.axhline(np.log(2), color=CRITIC, lw=.8, ls="--")
    left.text(.2, np.log(2) + .012, "log 2")
    left.set(title="JS", ylim=(0, .76))
    right.set(title="slope of JS")
    for ax in (left, right):
        ax.axvline(5, color=CRITIC, lw=1, ls=":")
        ax.set_xlabel("distance of the heaps")
    left.legend(frameon=False, loc="lower right")


def _standard_slopes(reach: float, points: int = 241):
    """Distances, |saturating| and |non-saturating| gradients of two unit Normals, (k,) each.

    Other widths are a change of units.
    """
    delta = np.concatenate([np.geomspace(1e-3, .2, 30), np.linspace(.25, reach, points)])
    weak = np.array([2 * js_slope(Normal(0, 1), Normal(d, 1)) for d in delta])
    return delta, np.maximum(weak, 1e-300), delta - weak


def atlas():
    """Both generator gradients at the perfect critic, against the distance, on a log scale.

    Sliders move the distance, the width of both Normals and the width of added noise. Noise of
    width tau on every sample makes a Normal of width sigma one of width sqrt(sigma² + tau²).
    """
    x, reach = np.linspace(-6, 20, 521), 14.0
    delta, weak, strong = _standard_slopes(50)

    def setup(figure):
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
        title = figure.suptitle(" ", fontsize=11)
        real, = left.plot(x, x, color=REAL, lw=2, label="genuine, $p$")
        fake, = left.plot(x, x, color=FAKE, lw=2, label="forged, $q$")
        best, = left.plot(x, x, color=CRITIC, lw=2, label="$D^*$")
        left.set(xlabel="weight as the police see it", xlim=(x[0], x[-1]), ylim=(0, 1.04))
        left.legend(frameon=False, loc="lower center", bbox_to_anchor=(.5, 1), ncols=3)
        curves = [right.semilogy(delta, weak, color=BAD, lw=2, label="saturating")[0],
                  right.semilogy(delta, strong, color=GOOD, lw=2, label="non-saturating")[0]]
        dots = [right.plot([1], [1], "o", color=colour, ms=9)[0] for colour in (BAD, GOOD)]
        right.set(xlabel="distance", xlim=(0, reach), ylim=(FLOOR, 1e3),
                  title="what the forger feels")
        right.legend(frameon=False, loc="lower left")
        open_axes(left, right)
        return real, fake, best, *curves, *dots, title

    def update(artists, distance, sigma, noise):
        real, fake, best, *curves, dot, dot2, title = artists
        width = float(np.hypot(sigma, noise))
        p, q = Normal(0, width), Normal(distance, width)
        real.set_ydata(p.pdf(x))
        fake.set_ydata(q.pdf(x))
        best.set_ydata(optimal_discriminator(p, q)(x))
        felt = generator_gradient(p, q), generator_gradient(p, q, "non-saturating")
        for curve, height in zip(curves, (weak, strong)):
            curve.set_data(delta * width, height / width)
        for spot, value in zip((dot, dot2), felt):
            spot.set_data([distance], [max(value, FLOOR)])
        title.set_text(f"JS = {js(p, q):.4f}      saturating {felt[0]:.3g}"
                       f"      non-saturating {felt[1]:.4g}      ratio {felt[1] / felt[0]:,.3g}")

    return Explorer(
        setup, update,
        dict(distance=slider(.1, 14.0, .1, 3.0, "distance"),
             sigma=slider(.5, 3.0, .1, 1.0, "width σ of the heaps"),
             noise=slider(0.0, 6.0, .1, 0.0, "noise τ on every coin")),
        figsize=(8.4, 3.5),
        alt="Left, the two heaps and the best discriminator; right, both gradients of the "
            "generator against the distance on a log scale. The title gives JS, both gradients "
            "and their ratio.")


def trail(axes, snapshots, law, labels):
    """A generator at several moments: real points in blue, fakes (n, 2) in orange."""
    real = law.sample(400, np.random.default_rng(0))
    for ax, fakes, label in zip(axes, snapshots, labels):
        ax.scatter(*real.T, s=3, color=REAL, alpha=.35, lw=0)
        ax.scatter(*np.asarray(fakes).T, s=4, color=FAKE, alpha=.6, lw=0)
        ax.set(xlim=(-3.5, 3.5), ylim=(-3.5, 3.5), xticks=[], yticks=[], title=label,
               aspect="equal")
        ax.spines[:].set(visible=True, color="#bbbbbb")
        ax.title.set_fontsize(9)
