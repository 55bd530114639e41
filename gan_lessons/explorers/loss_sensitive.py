"""Pictures of notebooks/09_loss_sensitive.ipynb: the street of the SVM, margins that follow the distance, and cones."""
from __future__ import annotations

from functools import lru_cache, partial

import numpy as np

from ..drawing.explorer import Explorer, choice, slider
from ..drawing.plots import BAD, CRITIC, FAKE, GOOD, REAL, SKY, open_axes
from ..exact.loss_sensitive import best_loss, distances, svm
from .least_squares import sheets  # noqa: F401  the lesson shows its pictures with it

# weight, diameter
REAL_COINS = np.array([[-1.7, .4], [-1.1, -1.0], [-.8, 1.0], [-.3, -.3], [-1.4, -.3]])
FAKE_COINS = np.array([[1.0, .9], [1.6, -.7], [.9, -1.1], [2.1, .3]])  # and one that moves
REACH = 2.6
ON_LINE, FAKES_ON_LINE = np.array([-1., 0., 1.5]), np.array([-.6, .4, 1.2])
LINE = np.linspace(-4, 10, 421)


def what_is_asked(left, right):
    """Four fakes, near and far, and how far l (or f) must set them apart from the real coin at 0."""
    fakes = np.array([.4, 1.5, 3.5, 6])
    for ax, asked, title in [(left, np.ones(4), "a street: 1 of every coin"),
                             (right, fakes, "a loss: as much as they differ")]:
        ax.vlines(fakes, 0, asked, color=GOOD, lw=3)
        ax.plot(fakes, asked, "_", color=GOOD, ms=14, mew=3)
        ax.plot(fakes, 0 * fakes, "o", color=FAKE, ms=9, label="fake")
        ax.plot([0], [0], "o", color=REAL, ms=9, label="real")
        ax.set(xlabel="weight of the coin", ylabel="margin asked", ylim=(-.5, 6.5), title=title)
    left.legend(frameon=False, loc="upper left")


def _street(w, b):
    """The fence and its two kerbs across the picture: three pairs of (x, y), empty if there is no street."""
    size = np.linalg.norm(w)
    if size < 1e-6:
        return [([], [])] * 3
    along = np.array([-w[1], w[0]]) / size * 9
    feet = [(level - b) / size**2 * w for level in (0, 1, -1)]
    return [tuple(np.stack([foot - along, foot + along], axis=1)) for foot in feet]


def _segments(starts, ends):
    """Many separate strokes as one line: (n, 2), (n, 2) -> x, y with gaps."""
    gap = np.full(len(starts), np.nan)
    return (np.stack([starts[:, k], ends[:, k], gap], axis=1).ravel() for k in (0, 1))


def _coins(ax):
    ax.set(xlim=(-REACH, REACH), ylim=(-2.1, 2.1), xlabel="weight")
    return [ax.plot(*coins.T, "o", color=colour, ms=6)[0]
            for coins, colour in ((REAL_COINS, REAL), (FAKE_COINS, FAKE))]


def svm_margin(ax, x, y, C=np.inf):
    """Real (+1) and fake (-1) coins in the plane, the fence, its kerbs, and slack in red. Returns the SVM."""
    found = svm(x, y, C)
    for (a, b), style in zip(_street(found.w, found.b), ("-", "--", "--")):
        ax.plot(a, b, color=CRITIC, ls=style, lw=2 if style == "-" else 1)
    pull = (found.slack * y)[:, None] * found.w / (found.w @ found.w)
    ax.plot(*_segments(x, x + pull), color=BAD, lw=2.5)
    for sign, colour, name in ((1, REAL, "real"), (-1, FAKE, "fake")):
        ax.plot(*x[y == sign].T, "o", color=colour, ms=6, label=name)
    ax.set(xlim=(-REACH, REACH), ylim=(-2.1, 2.1), xlabel="weight")
    return found


@lru_cache(maxsize=512)
def _fence(weight, across, up):
    x = np.vstack([REAL_COINS, FAKE_COINS, [[across, up]]])
    y = np.r_[np.ones(len(REAL_COINS)), -np.ones(len(FAKE_COINS) + 1)]
    return x, y, svm(x, y, weight)


@lru_cache(maxsize=512)
def _best(weight, across, up, kappa, p):
    fakes = np.vstack([FAKE_COINS, [[across, up]]])
    return fakes, best_loss(REAL_COINS, fakes, margin=partial(distances, p=p), weight=weight,
                            kappa=kappa, pairs="matched")


def svm_and_loss():
    """One fake coin to drag; on the left the SVM with C = λ, in the middle the lowest best l, on the right its slack."""
    side = np.linspace(-REACH, REACH, 53), np.linspace(-2.1, 2.1, 43)
    grid = np.stack(np.meshgrid(*side), axis=-1).reshape(-1, 2)

    def setup(figure):
        left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, .8))
        title = figure.suptitle(" ", fontsize=10.5)
        shade = middle.imshow(np.zeros((43, 53)), extent=(-REACH, REACH, -2.1, 2.1), origin="lower",
                              cmap="Greys", vmin=0, vmax=6, aspect="auto", interpolation="nearest")
        links, = middle.plot([], [], color=SKY, lw=1)
        lines = [left.plot([], [], color=CRITIC, ls=style, lw=wide)[0]
                 for style, wide in [("-", 2), ("--", 1), ("--", 1)]]
        short, = left.plot([], [], color=BAD, lw=2.5)
        still = [*_coins(left), *_coins(middle)]
        dots = [ax.plot([0], [0], "D", color=FAKE, ms=8, mec=CRITIC)[0] for ax in (left, middle)]
        left.set(ylabel="diameter", title="SVM: fence, street, slack")
        middle.set(yticks=[], title="LS-GAN: lowest best $l$, pairs")
        asked, = right.plot([], [], color=CRITIC, alpha=.25, lw=16, solid_capstyle="butt",
                            label="margin $\\Delta$")
        gained, = right.plot([], [], color=GOOD, lw=7, solid_capstyle="butt",
                             label="$l$(fake) $- l$(real)")
        lacking, = right.plot([], [], color=BAD, lw=7, solid_capstyle="butt", label="slack")
        right.axhline(0, color=CRITIC, lw=.8)
        right.set(xlim=(.4, 5.6), ylim=(-1, 7.5), xticks=range(1, 6),
                  xlabel="pair (5 has the moving coin)", title="the five pairs")
        right.legend(frameon=False, fontsize=8, loc="upper right")
        open_axes(left, middle, right)
        return shade, links, lines, short, still, dots, asked, gained, lacking, title

    def update(artists, across, up, weight, kappa, p):
        shade, links, lines, short, _, dots, asked, gained, lacking, title = artists
        x, y, fence = _fence(weight, across, up)
        for line, (a, b) in zip(lines, _street(fence.w, fence.b)):
            line.set_data(a, b)
        size = fence.w @ fence.w
        short.set_data(*_segments(x, x + (fence.slack * y)[:, None] * fence.w / size)
                       if size > 1e-12 else ([], []))
        fakes, best = _best(weight, across, up, kappa, p)
        for dot in dots:
            dot.set_data([across], [up])
        links.set_data(*_segments(REAL_COINS, fakes))
        shade.set_data(best.lower(grid).reshape(43, 53))
        gain, pair = best.fake - best.real, np.arange(1., 6)
        ends = lambda low, high: tuple(_segments(np.stack([pair, low], 1),
                                                 np.stack([pair, high], 1)))
        asked.set_data(*ends(0 * pair, _margins(fakes, p)))
        gained.set_data(*ends(0 * pair, gain))
        lacking.set_data(*ends(gain, gain + best.slack))
        wrong = int((y * (x @ fence.w + fence.b) <= 1e-9).sum())
        wide = f"{2 / size**.5:.2f} wide" if size > 1e-12 else "without end"
        title.set_text(f"SVM: street {wide}, slack {fence.slack.sum():.3f}, {wrong} on the "
                       f"wrong side        LS-GAN: S = {best.value:.3f}, slack "
                       f"{best.slack.sum():.3f} in {(best.slack > 1e-6).sum()} of 5 pairs")

    return Explorer(
        setup, update,
        dict(across=slider(-2.0, 2.4, .1, 1.2, "weight of the moving coin"),
             up=slider(-2.0, 2.0, .1, .0, "its diameter"),
             weight=slider(.2, 8.0, .2, 2.0, "λ (the SVM's C)"),
             kappa=slider(.2, 3.0, .1, 1.0, "κ, slopes of l"),
             p=choice({"1, a diamond": 1, "2, a circle": 2, "infinity, a square": np.inf}, 1,
                      "p of the norm")),
        figsize=(9.6, 3.5),
        alt="Left, real and fake coins in the plane with a fence, its street and red strokes of "
            "slack; in the middle the same coins over a shaded loss function, each real coin "
            "linked to its fake; right, for each pair the margin asked, what the loss function "
            "gives of it, and the slack. The title gives the sums.")


def _margins(fakes, p):
    return np.diag(distances(REAL_COINS, fakes, p))


@lru_cache(maxsize=1024)
def _best_on_line(shift, weight, kappa, pairs):
    fakes = FAKES_ON_LINE + shift
    best = best_loss(ON_LINE, fakes, weight=weight, kappa=kappa, pairs=pairs)
    return fakes, best, best.lower(LINE), best.upper(LINE)


def cones():
    """Three real and three fake coins on the line: every best l runs between the lower and the upper cones."""
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
        ax.set(xlim=(LINE[0], LINE[-1]), ylim=(-.3, 9), xlabel="weight of the coin", ylabel="$l$")
        ax.legend(frameon=False, fontsize=8, loc="upper left")
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
        title.set_text(f"S = {best.value:.3f} = E l(x) {best.real.mean():.3f} + λ · mean slack "
                       f"{best.slack.mean():.3f}      {(best.slack > 1e-6).sum()} of "
                       f"{best.slack.size} pairs lack margin")

    return Explorer(
        setup, update,
        dict(shift=slider(-3.0, 6.0, .1, 3.0, "shift of the fakes"),
             weight=slider(.2, 8.0, .2, 2.0, "λ"),
             kappa=slider(.2, 8.0, .2, .8, "κ, slopes of l"),
             pairs=choice({"all nine": "all", "matched, three": "matched"}, "all", "pairs")),
        figsize=(7.6, 3.6),
        alt="Three blue and three orange dots on the line at the heights that the best loss "
            "function gives them, the lower and upper cones between which every such function "
            "runs, and red strokes where a fake lies below its margin. The title gives S and "
            "its two parts.")
