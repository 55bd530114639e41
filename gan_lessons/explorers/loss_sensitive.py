"""Pictures of notebooks/09_loss_sensitive.ipynb: the margin of an SVM, margins that follow the
distance, and the cones between which every best loss function runs.
"""
from __future__ import annotations

from functools import lru_cache, partial

import numpy as np

from ..drawing.explorer import Explorer, choice, slider
from ..drawing.plots import BAD, CRITIC, FAKE, GOOD, REAL, SKY, open_axes
from ..exact.loss_sensitive import best_loss, distances, svm
from .least_squares import sheets  # noqa: F401  the lesson shows its pictures with it

REAL_POINTS = np.array([[-1.7, .4], [-1.1, -1.0], [-.8, 1.0], [-.3, -.3], [-1.4, -.3]])
FAKE_POINTS = np.array([[1.0, .9], [1.6, -.7], [.9, -1.1], [2.1, .3]])      # and one that moves
REACH = 2.6
ON_LINE, FAKES_ON_LINE = np.array([-1., 0., 1.5]), np.array([-.6, .4, 1.2])
LINE = np.linspace(-4, 10, 421)


def what_is_asked(left, right):
    """Four fakes, near and far, and the margin asked of f, or of l, over the real sample at 0."""
    fakes = np.array([.4, 1.5, 3.5, 6])
    for ax, asked, title in [(left, np.ones(4), "SVM: margin 1 for every sample"),
                             (right, fakes, "LS-GAN: as much as they differ")]:
        ax.vlines(fakes, 0, asked, color=GOOD, lw=3)
        ax.plot(fakes, asked, "_", color=GOOD, ms=14, mew=3)
        ax.plot(fakes, 0 * fakes, "o", color=FAKE, ms=9, label="fake")
        ax.plot([0], [0], "o", color=REAL, ms=9, label="real")
        ax.set(xlabel="$x$", ylabel="margin asked", ylim=(-.5, 6.5), title=title)
    left.legend(frameon=False, loc="upper left")


def _margin_lines(w, b):
    """w·x + b = 0, 1 and -1 across the picture: three pairs of (x, y), empty where w is 0."""
    size = np.linalg.norm(w)
    if size < 1e-6:
        return [([], [])] * 3
    along = np.array([-w[1], w[0]]) / size * 9                      # beyond the picture's edge
    feet = [(level - b) / size**2 * w for level in (0, 1, -1)]      # the points nearest to 0
    return [tuple(np.stack([foot - along, foot + along], axis=1)) for foot in feet]


def _segments(starts, ends):
    """Many strokes as one line, a nan between two of them: (n, 2), (n, 2) -> x, y, (3n,) each."""
    gap = np.full(len(starts), np.nan)
    return (np.stack([starts[:, k], ends[:, k], gap], axis=1).ravel() for k in (0, 1))


def _points(ax):
    """The points that do not move."""
    ax.set(xlim=(-REACH, REACH), ylim=(-2.1, 2.1), xlabel="$x_1$")
    return [ax.plot(*points.T, "o", color=colour, ms=6)[0]
            for points, colour in ((REAL_POINTS, REAL), (FAKE_POINTS, FAKE))]


def svm_margin(ax, x, y, C=np.inf):
    """Points (n, 2) with labels y = ±1, the SVM's boundary, its margin, and slack in red.

    Returns the SVM.
    """
    found = svm(x, y, C)
    for (a, b), style in zip(_margin_lines(found.w, found.b), ("-", "--", "--")):
        ax.plot(a, b, color=CRITIC, ls=style, lw=2 if style == "-" else 1)
    pull = (found.slack * y)[:, None] * found.w / (found.w @ found.w)       # (n, 2), to the margin
    ax.plot(*_segments(x, x + pull), color=BAD, lw=2.5)
    for sign, colour, name in ((1, REAL, "real"), (-1, FAKE, "fake")):
        ax.plot(*x[y == sign].T, "o", color=colour, ms=6, label=name)
    ax.set(xlim=(-REACH, REACH), ylim=(-2.1, 2.1), xlabel="$x_1$")
    return found


@lru_cache(maxsize=512)
def _svm(weight, across, up):
    """Points and labels with the moving fake at (across, up), and their SVM with C = weight."""
    x = np.vstack([REAL_POINTS, FAKE_POINTS, [[across, up]]])
    y = np.r_[np.ones(len(REAL_POINTS)), -np.ones(len(FAKE_POINTS) + 1)]
    return x, y, svm(x, y, weight)


@lru_cache(maxsize=512)
def _best(weight, across, up, kappa, p):
    """The fakes, and the best loss function for five pairs under the p-norm."""
    fakes = np.vstack([FAKE_POINTS, [[across, up]]])
    return fakes, best_loss(REAL_POINTS, fakes, margin=partial(distances, p=p), weight=weight,
                            kappa=kappa, pairs="matched")


def svm_and_loss():
    """An SVM beside the best loss function of LS-GAN, with one fake that two sliders move.

    Left the SVM with C = λ, right the lowest best l as shades, below the five pairs:
    margin, what l gives of it, and slack. More sliders for λ and κ, a menu for the norm.
    """
    side = np.linspace(-REACH, REACH, 53), np.linspace(-2.1, 2.1, 43)
    grid = np.stack(np.meshgrid(*side), axis=-1).reshape(-1, 2)           # (43 · 53, 2)

    def setup(figure):
        axes = figure.subplot_mosaic([["svm", "l"], ["pairs", "pairs"]], height_ratios=(1.2, 1))
        left, middle, right = axes["svm"], axes["l"], axes["pairs"]
        title = figure.suptitle(" ", fontsize=11)
        shade = middle.imshow(np.zeros((43, 53)), extent=(-REACH, REACH, -2.1, 2.1), origin="lower",
                              cmap="Greys", vmin=0, vmax=6, aspect="auto", interpolation="nearest")
        links, = middle.plot([], [], color=SKY, lw=1)
        lines = [left.plot([], [], color=CRITIC, ls=style, lw=wide)[0]
                 for style, wide in [("-", 2), ("--", 1), ("--", 1)]]
        short, = left.plot([], [], color=BAD, lw=2.5)
        still = [*_points(left), *_points(middle)]
        dots = [ax.plot([0], [0], "D", color=FAKE, ms=8, mec=CRITIC)[0] for ax in (left, middle)]
        left.set(ylabel="$x_2$", title="SVM: boundary, margin, slack")
        middle.set(yticks=[], title="LS-GAN: lowest best $l$, pairs")
        asked, = right.plot([], [], color=CRITIC, alpha=.25, lw=22, solid_capstyle="butt",
                            label="margin $\\Delta$")
        gained, = right.plot([], [], color=GOOD, lw=10, solid_capstyle="butt",
                             label="$l$(fake) $- l$(real)")
        lacking, = right.plot([], [], color=BAD, lw=10, solid_capstyle="butt", label="slack")
        right.axhline(0, color=CRITIC, lw=.8)
        right.set(xlim=(.4, 5.6), ylim=(-1, 7.5), xticks=range(1, 6),
                  xlabel="pair (5 has the moving sample)", ylabel="margin and gain")
        right.legend(frameon=False, fontsize=9.5, loc="upper center", ncols=3)
        open_axes(left, middle, right)
        return shade, links, lines, short, still, dots, asked, gained, lacking, title

    def update(artists, across, up, weight, kappa, p):
        shade, links, lines, short, _, dots, asked, gained, lacking, title = artists
        x, y, found = _svm(weight, across, up)
        for line, (a, b) in zip(lines, _margin_lines(found.w, found.b)):
            line.set_data(a, b)
        size = found.w @ found.w
        pull = lambda: (found.slack * y)[:, None] * found.w / size
        short.set_data(*_segments(x, x + pull()) if size > 1e-12 else ([], []))
        fakes, best = _best(weight, across, up, kappa, p)
        for dot in dots:
            dot.set_data([across], [up])
        links.set_data(*_segments(REAL_POINTS, fakes))
        shade.set_data(best.lower(grid).reshape(43, 53))
        gain, pair = best.fake - best.real, np.arange(1., 6)
        bars = lambda low, high: _segments(np.stack([pair, low], 1), np.stack([pair, high], 1))
        asked.set_data(*bars(0 * pair, _margins(fakes, p)))
        gained.set_data(*bars(0 * pair, gain))
        lacking.set_data(*bars(gain, gain + best.slack))
        wrong = int((y * (x @ found.w + found.b) <= 1e-9).sum())
        wide = f"{2 / size**.5:.2f} wide" if size > 1e-12 else "without end"
        lack = (best.slack > 1e-6).sum()
        title.set_text(f"SVM: margin {wide}, slack {found.slack.sum():.3f}, {wrong} on the wrong "
                       f"side\nLS-GAN: S = {best.value:.3f}, "
                       f"slack {best.slack.sum():.3f} in {lack} of 5 pairs")

    return Explorer(
        setup, update,
        dict(across=slider(-2.0, 2.4, .1, 1.2, "first coordinate of the fake"),
             up=slider(-2.0, 2.0, .1, .0, "second coordinate"),
             weight=slider(.2, 8.0, .2, 2.0, "λ (the SVM's C)"),
             kappa=slider(.2, 3.0, .1, 1.0, "κ, slopes of l"),
             p=choice({"1, a diamond": 1, "2, a circle": 2, "infinity, a square": np.inf}, 1,
                      "p of the norm")),
        figsize=(7.6, 5.8),
        alt="Above left, real and fake samples in the plane with a boundary, its margin and red "
            "strokes of slack; on the right the same samples over a shaded loss function, each "
            "real one linked to its fake; below, for each pair the margin asked, what the loss "
            "function gives of it, and the slack. The title gives the sums.")


def _margins(fakes, p):
    """Δ of each real sample and its partner: (n, 2) -> (n,)."""
    return np.diag(distances(REAL_POINTS, fakes, p))


@lru_cache(maxsize=1024)
def _best_on_line(shift, weight, kappa, pairs):
    """The fakes, the best loss function, and the lower and the upper cones on LINE."""
    fakes = FAKES_ON_LINE + shift
    best = best_loss(ON_LINE, fakes, weight=weight, kappa=kappa, pairs=pairs)
    return fakes, best, best.lower(LINE), best.upper(LINE)


def cones():
    """Three real and three fake samples on the line: every best l runs between two sets of cones.

    Sliders for the fakes' shift, λ and κ, a menu for which pairs count. Red strokes are slack.
    """
    def setup(figure):
        ax = figure.subplots()
        title = figure.suptitle(" ", fontsize=11)
        between = ax.fill_between(LINE, LINE, LINE, color=SKY, alpha=.3, lw=0,
                                  label="between the cones")
        low, = ax.plot(LINE, LINE, color=CRITIC, lw=2, label="lower cones")
        high, = ax.plot(LINE, LINE, color=CRITIC, lw=1.2, ls="--", label="upper cones")
        short, = ax.plot([], [], color=BAD, lw=4, solid_capstyle="butt",
                         label="largest slack of a fake")
        real, = ax.plot([], [], "o", color=REAL, ms=9, label="real")
        fake, = ax.plot([], [], "o", color=FAKE, ms=9, label="fake")
        ax.set(xlim=(LINE[0], LINE[-1]), ylim=(-.3, 9), xlabel="$x$", ylabel="$l$")
        ax.legend(frameon=False, fontsize=9.5, loc="upper left")
        open_axes(ax)
        return between, low, high, short, real, fake, title

    def update(artists, shift, weight, kappa, pairs):
        between, low, high, short, real, fake, title = artists
        fakes, best, lower, upper = _best_on_line(shift, weight, kappa, pairs)
        between.set_verts([np.r_[np.c_[LINE, lower], np.c_[LINE, upper][::-1]]])
        low.set_ydata(lower)
        high.set_ydata(upper)
        real.set_data(ON_LINE, best.real)
        fake.set_data(fakes, best.fake)
        worst = best.slack.max(0) if pairs == "all" else best.slack
        short.set_data(*_segments(np.c_[fakes, best.fake], np.c_[fakes, best.fake + worst]))
        lack = (best.slack > 1e-6).sum()
        title.set_text(f"S = {best.value:.3f} = E l(x) {best.real.mean():.3f}"
                       f" + λ · mean slack {best.slack.mean():.3f}"
                       f"      {lack} of {best.slack.size} pairs lack margin")

    return Explorer(
        setup, update,
        dict(shift=slider(-3.0, 6.0, .1, 3.0, "shift of the fakes"),
             weight=slider(.2, 8.0, .2, 2.0, "λ"),
             kappa=slider(.2, 8.0, .2, .8, "κ, slopes of l"),
             pairs=choice({"all nine": "all", "matched, three": "matched"}, "all", "pairs")),
        figsize=(7.6, 3.8),
        alt="Three blue and three orange dots on the line at the heights that the best loss "
            "function gives them, the lower and upper cones between which every such function "
            "runs, and red strokes where a fake lies below its margin. The title gives S and "
            "its two parts.")
