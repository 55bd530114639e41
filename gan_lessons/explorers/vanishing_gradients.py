"""Pictures of notebooks/02_vanishing_gradients.ipynb: gradients that vanish, lost modes."""
from __future__ import annotations

import numpy as np

from ..drawing.explorer import Explorer, slider
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
from ..exact.divergences import js, js_slope
from ..exact.laws import Mixture, Normal
from ..exact.minimax import generator_gradient, optimal_discriminator

FLOOR = 1e-12                                             # the least gradient that the atlas draws


def stages(axes, distances, sigma: float = 1.0):
    """A generator on its way, one distance on each axes: both densities and the optimal
    discriminator, and JS in the title.
    """
    for ax, distance in zip(axes, distances):
        x = np.linspace(-4 * sigma, max(distances) + 4 * sigma, 400)
        p, q = Normal(0, sigma), Normal(distance, sigma)
        draw_density(ax, x, p, REAL, "real, $p$")
        draw_density(ax, x, q, FAKE, "fake, $q$")
        ax.plot(x, optimal_discriminator(p, q)(x), color=CRITIC, lw=1.8, label="$D^*$")
        ax.set(yticks=[0, 1], ylim=(-.02, 1.06),
               title=f"distance {distance:g}:  JS = {js(p, q):.3f}")
    axes[-1].set_xlabel("$x$")
    axes[-1].legend(frameon=False, loc="upper right")


def blurred(axes, noises, narrow: float = .1, broad: float = 1.0):
    """Two narrow components and one broad Normal under instance noise, one width on each axes.

    JS in the title; needles and Normal have the same mean and nearly the same variance.
    """
    x = np.linspace(-4, 4, 800)
    for ax, noise in zip(axes, noises):
        needle = np.hypot(narrow, noise)
        p = Mixture([Normal(-1, needle), Normal(1, needle)])
        q = Normal(0, float(np.hypot(broad, noise)))
        draw_density(ax, x, p, REAL, "real, $p$")
        draw_density(ax, x, q, FAKE, "fake, $q$")
        ax.set(yticks=[], xlabel="$x$", title=f"$\\tau$ = {noise:g}:  JS = {js(p, q):.3f}")
        ax.spines["left"].set_visible(False)
    axes[0].figure.legend(*axes[0].get_legend_handles_labels(), frameon=False, ncols=2,
                          loc="outside upper center")


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
        ax.set_xlabel("distance of the means")
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
        real, = left.plot(x, x, color=REAL, lw=2, label="real, $p$")
        fake, = left.plot(x, x, color=FAKE, lw=2, label="fake, $q$")
        best, = left.plot(x, x, color=CRITIC, lw=2, label="$D^*$")
        left.set(xlabel="$x$ as the discriminator sees it", xlim=(x[0], x[-1]), ylim=(0, 1.04))
        left.legend(frameon=False, loc="lower center", bbox_to_anchor=(.5, 1), ncols=3)
        curves = [right.semilogy(delta, weak, color=BAD, lw=2, label="saturating")[0],
                  right.semilogy(delta, strong, color=GOOD, lw=2, label="non-saturating")[0]]
        dots = [right.plot([1], [1], "o", color=colour, ms=9)[0] for colour in (BAD, GOOD)]
        right.set(xlabel="distance", xlim=(0, reach), ylim=(FLOOR, 1e3),
                  title="gradient for the generator")
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
        slopes = generator_gradient(p, q), generator_gradient(p, q, "non-saturating")
        for curve, height in zip(curves, (weak, strong)):
            curve.set_data(delta * width, height / width)
        for spot, value in zip((dot, dot2), slopes):
            spot.set_data([distance], [max(value, FLOOR)])
        title.set_text(f"JS = {js(p, q):.4f}      saturating {slopes[0]:.3g}"
                       f"      non-saturating {slopes[1]:.4g}"
                       f"      ratio {slopes[1] / slopes[0]:,.3g}")

    return Explorer(
        setup, update,
        dict(distance=slider(.1, 14.0, .1, 8.0, "distance"),
             sigma=slider(.5, 3.0, .1, 1.0, "width σ"),
             noise=slider(0.0, 6.0, .1, 0.0, "instance noise τ")),
        figsize=(8.4, 3.5),
        alt="Left, both densities and the optimal discriminator; right, both gradients of the "
            "generator against the distance on a log scale. The title gives JS, both gradients "
            "and their ratio.")


def trail(axes, snapshots, data, labels):
    """A generator at several moments: real points in blue, fakes (n, 2) in orange."""
    real = data.sample(400, np.random.default_rng(0))
    for ax, fakes, label in zip(axes, snapshots, labels):
        ax.scatter(*real.T, s=3, color=REAL, alpha=.35, lw=0)
        ax.scatter(*np.asarray(fakes).T, s=4, color=FAKE, alpha=.6, lw=0)
        ax.set(xlim=(-3.5, 3.5), ylim=(-3.5, 3.5), xticks=[], yticks=[], title=label,
               aspect="equal")
        ax.spines[:].set(visible=True, color="#bbbbbb")
        ax.title.set_fontsize(9)


def generator_losses(left, right):
    """Both losses of the generator against D of a fake, and their slopes against its logit.

    Left log(1 - D) and -log D; right |slope|, D and 1 - D. The shade is where fakes are recognised.
    """
    D = np.linspace(.002, .998, 500)
    left.plot(D, np.log(1 - D), color=BAD, lw=2)
    left.plot(D, -np.log(D), color=GOOD, lw=2)
    left.text(.66, -2.5, r"$\log(1-D)$", color=BAD)
    left.text(.16, 2.3, r"$-\log D$", color=GOOD)
    left.axvspan(0, .1, color="0.92", lw=0, zorder=0)
    left.set(xlabel="$D(g(z))$", title="loss of the generator", xlim=(0, 1), ylim=(-4, 4))
    c = np.linspace(-8, 8, 400)
    right.plot(c, 1 / (1 + np.exp(-c)), color=BAD, lw=2, label="saturating $D$")
    right.plot(c, 1 / (1 + np.exp(c)), color=GOOD, lw=2, label="non-sat. $1-D$")
    right.axvspan(-8, np.log(1 / 9), color="0.92", lw=0, zorder=0)
    right.set(xlabel="logit $c$ of the fake", title="|slope| against the logit", xlim=(-8, 8),
              ylim=(0, 1.3))
    right.legend(frameon=False, loc="upper center", ncols=2, fontsize=9, columnspacing=1,
                 handlelength=1)


def best_fits(ax, p, fits):
    """The density of p, filled, and over it one Normal for each divergence that it minimises.

    fits: name of the divergence -> Normal.
    """
    x = np.linspace(-11, 11, 600)
    draw_density(ax, x, p, REAL, "data, $p$")
    for (name, q), colour, style in zip(fits.items(), (BAD, GOOD, CRITIC), ("-", "-", "--")):
        ax.plot(x, q.pdf(x), color=colour, lw=2, ls=style, label=f"least {name}")
    ax.set(xlabel="$x$", ylabel="density")
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))


def phase_portrait(axes, flows, paths, reach: float = 3.5):
    """The plane of two parameters (θ, ψ) under each flow: arrows, shades of speed, one path.

    flows: name -> f(t, (θ, ψ)) = (θ', ψ'); paths: name -> the path from one start, (2, k).
    """
    line, grid = square_grid(reach, 61)
    for ax, (name, flow) in zip(axes, flows.items()):
        speed = np.stack(flow(0, grid.T)).reshape(2, 61, 61)                 # θ', ψ'
        size = np.log10(np.hypot(*speed) + 1e-9)
        shade = ax.imshow(size, extent=(-reach, reach, -reach, reach), origin="lower",
                          cmap="Blues", vmin=-4, vmax=1, alpha=.8)
        ax.streamplot(line, line, *speed, color="0.35", linewidth=.6, density=.8, arrowsize=.8)
        ax.plot(*paths[name], color=BAD, lw=2)
        ax.plot(*paths[name][:, 0], "o", color=BAD, ms=7)
        ax.plot(*paths[name][:, -1], "s", color=FAKE, ms=7, mec=CRITIC)
        ax.plot(0, 0, "+", color=CRITIC, ms=12, mew=2)
        ax.set(title=name, xlabel="generator: place θ of the fakes", aspect="equal",
               xlim=(-reach, reach), ylim=(-reach, reach))
    axes[0].set_ylabel("critic: slope ψ")
    axes[0].figure.colorbar(shade, ax=list(axes), label="$\\log_{10}$ speed", shrink=.8)


def coverage(ax, curves, modes: int = 8):
    """How many modes are covered against the round: a line for the mean, a band from least to most.

    curves: name -> list of (rounds, modes), one for each seed, all at the same rounds.
    """
    for (name, seeds), colour in zip(curves.items(), (BAD, GOOD, THIRD)):
        rounds, covered = np.transpose(np.array(seeds, float), (2, 0, 1))      # (seeds, looks) each
        ax.fill_between(rounds[0], covered.min(0), covered.max(0), color=colour, alpha=.25, lw=0)
        ax.plot(rounds[0], covered.mean(0), color=colour, lw=1.8, label=name)
    ax.axhline(modes, color=CRITIC, ls=":", lw=1)
    ax.set(xlabel="round", ylabel=f"modes covered, of {modes}", ylim=(-.3, modes + .5))
    ax.legend(frameon=False, loc="center right")


# Three trainings on MNIST of which the page shows none; losses averaged over 20 rounds, the other
# columns over 500 fakes. A: two networks of 256 × 2 dense neurons, non-saturating, adam(5e-4).
# B: RECIPES["non-saturating"], 600 rounds. C: RECIPES["minimax"].players, Adam 1e-3 for the critic,
# plain steps of .02 for the generator. All with seed 4.
LOGS = """
  round  loss f  loss g D(fake) largest
A   100   1.332   0.941   0.677     62%
    200   1.354   0.953   0.391    100%
    300   0.971   1.318   0.408    100%
    400   0.806   2.336   0.600    100%
    500   0.452   3.312   0.289    100%
    600   0.496   3.283   0.105     56%

B   100   1.368   0.866   0.486     29%
    200   1.372   0.797   0.508     28%
    300   1.360   0.820   0.453     22%
    400   1.340   0.810   0.403     22%
    500   1.310   0.781   0.467     18%
    600   1.317   0.743   0.482     20%

C    25   0.722  -0.481   0.157    100%
     50   0.081  -0.046   0.029    100%
    100   0.007  -0.004   0.004    100%
    150   0.002  -0.001   0.001    100%
    200   0.001  -0.001   0.000    100%
    300   0.000  -0.000   0.000    100%
""".strip("\n")
