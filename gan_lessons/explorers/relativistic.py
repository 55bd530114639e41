"""Pictures of notebooks/11_relativistic.ipynb: pairs, scores that push each other, gradients."""
from __future__ import annotations

import numpy as np
import torch

from ..drawing.explorer import Explorer, choice, slider
from ..drawing.plots import BAD, CRITIC, FAKE, GOOD, REAL, SKY, THIRD, open_axes
from ..exact.divergences import js, js_slope
from ..exact.laws import Normal
from ..exact.relativistic import ralsgan_gradient
from ..objectives.minimax import non_saturating
from ..objectives.relativistic import relativistic
from ..objectives.wasserstein import wasserstein
from ..players.modes import evaluating

P = Normal(0, 1)                                          # the data
FLOOR = 1e-5                                              # the least gradient that is drawn


def two_tests(left, right, real=(1.1, 2.6, .9, 3.1), fake=(-.8, 1.4, 1.9, .2)):
    """The same scores twice: left each against a threshold at 0, right in pairs."""
    for ax in (left, right):
        ax.set(xlim=(-.35, 1.35), ylim=(-1.6, 3.8), xticks=[0, 1], xticklabels=["fake", "real"],
               ylabel="score $f$")
    left.axhline(0, color=CRITIC, ls="--", lw=1.2)
    left.text(.5, .12, "threshold", ha="center", color=CRITIC)
    left.set_title("one sample at a time")
    right.set_title("two samples at a time")
    for r, s in zip(real, fake):
        right.plot([0, 1], [s, r], color=GOOD if r > s else BAD, lw=2)
    for ax in (left, right):
        ax.plot(np.zeros(len(fake)), fake, "o", color=FAKE, ms=9)
        ax.plot(np.ones(len(real)), real, "o", color=REAL, ms=9)


def pair_plane(ax, theta, reach=(-3.2, 6.2)):
    """Densities of (real, fake) and (fake, real) in the plane, and where they are equal."""
    line = np.linspace(*reach, 160)
    p, q = P.pdf(line), Normal(theta, 1).pdf(line)
    levels = np.array([.01, .04, .09]) / (2 * np.pi) * 5
    ax.contour(line, line, np.outer(q, p), levels=levels, colors=REAL, linewidths=1.4)
    ax.contour(line, line, np.outer(p, q), levels=levels, colors=FAKE, linewidths=1.4)
    ax.plot(reach, reach, color=CRITIC, ls="--", lw=1.2)
    ax.plot([0, theta], [theta, 0], color=GOOD, lw=1.8)
    ax.annotate(f"$\\sqrt{{2}}\\,\\theta$ = {2 ** .5 * theta:.2f}",
                (theta / 2 + .1, theta / 2 - .1), (theta + 1.7, theta + .4), color="#00694e",
                arrowprops=dict(arrowstyle="-", color=GOOD, lw=.8))
    ax.text(0, theta + 2.55, "first real,\nsecond fake", color=REAL, ha="center", va="bottom",
            fontsize=9)
    ax.text(theta + .1, -2.5, "first fake, second real", color="#9a6a00", ha="center", va="top",
            fontsize=9)
    ax.set(xlim=reach, ylim=(reach[0] - .2, reach[1] + .6), aspect="equal",
           xlabel="first sample, $x_1$", ylabel="second sample, $x_2$")


# -- scores on a line ------------------------------------------------------------------------------

GAMES = {"RSGAN": relativistic("RSGAN"), "RaSGAN": relativistic("RaSGAN"),
         "RaLSGAN": relativistic("RaLSGAN"), "RaHinge": relativistic("RaHinge"),
         "non-saturating": non_saturating(), "WGAN": wasserstein()}
SCORES = np.array([2.6, 1.3, .6, 1.9]), np.array([-.1, 1.7, .8, -.8])


def pushes(game, player, real, fake):
    """Minus the gradient of a player's loss for every score: (n,), (n,) -> (n,), (n,).

    Critic and generator are stripped away: the scores themselves are f(x) and f(g(z)).
    """
    move = next(move for move in game.moves if move.player == player)
    x, z = (torch.tensor(scores, dtype=torch.float64, requires_grad=True)
            for scores in (real, fake))
    known = dict(f=lambda score: score, g=lambda score: score, x=x, z=z)
    loss = move.loss(**{name: known[name] for name in move.needs})
    found = torch.autograd.grad(loss, (x, z), allow_unused=True)
    return [np.zeros(len(scores)) if grad is None else -grad.numpy()
            for scores, grad in zip((real, fake), found)]


def scores():
    """Four real and four fake scores, partners in one row, and the push of a loss on each.

    Sliders drag the first of each, a menu chooses the objective; left the critic's move, right the
    generator's.
    """
    rows = np.arange(len(SCORES[0]))[::-1]
    length = lambda push: .8 * np.arcsinh(6 * push)       # of a bar: large pushes are shortened

    def setup(figure):
        axes = figure.subplots(1, 2, sharey=True)
        title = figure.suptitle(" ", fontsize=11)
        moving = []
        for ax, name in zip(axes, ("the critic's move pushes", "the generator's move pushes")):
            ax.set(xlim=(-4.4, 4.4), ylim=(-.7, len(rows) - .3), yticks=rows,
                   yticklabels=[f"pair {i + 1}" for i in range(len(rows))],
                   xlabel="score $f$", title=name)
            open_axes(ax)
            links = [ax.plot([0, 1], [row, row], color="#cccccc", lw=1)[0] for row in rows]
            arrows = [[ax.plot([0, 1], [row, row], color=colour, lw=3.5, alpha=.55,
                               solid_capstyle="butt")[0] for row in rows]
                      for colour in (REAL, FAKE)]
            dots = [ax.plot(values, rows, "o", color=colour, ms=8)[0]
                    for values, colour in zip(SCORES, (REAL, FAKE))]
            texts = [[ax.text(0, row + up, "", color=colour, ha="center", va=side, fontsize=9.5)
                      for row in rows]
                     for colour, up, side in ((REAL, .14, "bottom"), ("#9a6a00", -.16, "top"))]
            moving.append((links, arrows, dots, texts))
        return moving, title

    def update(artists, objective, real, fake):
        moving, title = artists
        x, y = (np.concatenate([[first], rest[1:]]) for first, rest in zip((real, fake), SCORES))
        sums = {}
        for (links, arrows, dots, texts), player in zip(moving, "fg"):
            both = pushes(GAMES[objective], player, x, y)
            if player == "g":
                both[0] = np.zeros(len(x))                # no generator moves a real sample
            sums[player] = sum(map(np.sum, both))
            for link, a, b in zip(links, x, y):
                link.set_xdata([a, b])
            for values, push, lines, dot, labels in zip((x, y), both, arrows, dots, texts):
                dot.set_xdata(values)
                for value, strength, line, label in zip(values, push, lines, labels):
                    line.set_xdata([value, value + length(strength)])
                    label.set_position((value, label.get_position()[1]))
                    real_and_still = player == "g" and labels is texts[0]
                    label.set_text("" if real_and_still else
                                   f"{strength + 0:+.2f}".replace("-0.00", "+0.00"))
        title.set_text(f"{objective}: all pushes of the critic add up to {sums['f'] + 0.:+.3f},\n"
                       f"those of the generator to {sums['g']:+.3f}".replace("-0.000", "+0.000"))

    return Explorer(
        setup, update,
        dict(objective=choice(list(GAMES), "RSGAN", "objective"),
             real=slider(-4.0, 4.0, .1, 2.6, "real score of pair 1"),
             fake=slider(-4.0, 4.0, .1, -.1, "fake score of pair 1")),
        figsize=(7.6, 4.2),
        alt="Four real scores in blue and four fake ones in orange, partners in one row, with "
            "bars for the push on each score, on the left in the critic's move, on the right in "
            "the generator's; the title gives the sum of the pushes.")


# -- gradients against the distance ----------------------------------------------------------------

def felt(distances):
    """Gradients of unit Normals at their best critics: distances (k,) -> {name: (k,)}."""
    slope = lambda stretch: np.array([js_slope(P, Normal(stretch * d, 1))
                                      for d in distances])
    single, paired, doubled = slope(1), slope(2 ** .5), slope(2)
    return {"saturating": 2 * single, "non-saturating": distances - 2 * single,
            "RSGAN": distances - 2 ** .5 * paired,
            "RaSGAN, best straight line": 4 * (distances - doubled),
            "RaLSGAN": np.array([ralsgan_gradient(P, Normal(d, 1)) for d in distances])}


STYLES = {"saturating": (BAD, "-"), "non-saturating": (GOOD, "-"), "RSGAN": (REAL, "-"),
          "RaSGAN, best straight line": (SKY, "--"), "RaLSGAN": (THIRD, "-")}


def gradients(ax, distances, curves):
    """`felt` against the distance, on a log scale; RSGAN lies over a wide non-saturating curve."""
    for name, values in curves.items():
        colour, style = STYLES[name]
        wide = dict(lw=6, alpha=.4) if name == "non-saturating" else dict(lw=2)
        ax.semilogy(distances, np.maximum(values, FLOOR / 10), color=colour, ls=style, label=name,
                    **wide)
    ax.set(xlabel="distance $\\theta$", ylim=(FLOOR, 300), xlim=(0, distances[-1]),
           title="what the generator feels")
    ax.legend(frameon=False, loc="lower left", fontsize=9)


def atlas():
    """A slider for the distance of two Normals: the plane of pairs, and the generators' gradients.

    Left circles around the two laws of pairs, right a dot on each curve of `felt`.
    """
    circle = np.exp(1j * np.linspace(0, 2 * np.pi, 80))
    distances = np.linspace(.1, 11, 110)                  # where the slider stops
    curves = felt(distances)
    single, paired = ([js(P, Normal(stretch * d, 1)) for d in distances]
                      for stretch in (1, 2 ** .5))

    def setup(figure):
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
        title = figure.suptitle(" ", fontsize=11)
        left.plot([-4, 15], [-4, 15], color=CRITIC, ls="--", lw=1)
        rings = [[left.plot([0], [0], color=colour, lw=1.4)[0] for _ in range(3)]
                 for colour in (REAL, FAKE)]
        span, = left.plot([0, 1], [1, 0], color=GOOD, lw=1.8)
        left.set(xlim=(-3.6, 14), ylim=(-3.6, 14), aspect="equal", xlabel="first sample",
                 ylabel="second sample", title="(real, fake), (fake, real)")
        gradients(right, distances, curves)
        dots = [right.plot([1], [1], "o", color=STYLES[name][0], ms=8)[0] for name in curves]
        open_axes(left, right)
        return rings, span, dots, title

    def update(artists, distance):
        rings, span, dots, title = artists
        for centre, group in zip((1j * distance, distance), rings):
            for radius, ring in zip((.7, 1.5, 2.5), group):
                ring.set_data((centre + radius * circle).real, (centre + radius * circle).imag)
        span.set_data([0, distance], [distance, 0])
        at = int(round((distance - distances[0]) / (distances[1] - distances[0])))
        for dot, values in zip(dots, curves.values()):
            dot.set_data([distance], [max(values[at], FLOOR)])
        one, two = curves["non-saturating"][at], curves["RSGAN"][at]
        title.set_text(f"JS of pairs {paired[at]:.4f}, of samples {single[at]:.4f}\n"
                       f"RSGAN feels {two:.4f}, non-saturating {one:.4f}, "
                       f"ratio {two / one:.4f}")

    return Explorer(
        setup, update,
        dict(distance=slider(.1, 11.0, .1, 2.0, "distance θ")),
        figsize=(7.6, 4.0),
        alt="Left, the densities of pairs (real, fake) and (fake, real) in the plane, on both "
            "sides of the diagonal; right, on a log scale, the gradients that generators feel at "
            "their best critics against the distance, with a dot at the slider's. The title "
            "gives both divergences and the ratio of RSGAN's gradient to the non-saturating one.")


# -- scores along a training -----------------------------------------------------------------------

class Along:
    """A watcher that keeps the critic's scores of n real and n fake pictures along a training.

    images: Images, the first n of which are scored; looks: how often. real and fake are lists of
    scores (n,), one for each look, and steps are their rounds.
    """

    def __init__(self, images, n: int = 500, looks: int = 100):
        self.pictures, self.looks = images.images[:n] / 127.5 - 1, looks
        self.steps, self.real, self.fake = [], [], []

    def __call__(self, run):
        if run.step % max(1, run.steps // self.looks) and run.step != run.steps:
            return
        f = run.players["f"]
        fakes = run.samples(len(self.pictures), averaged=False, seed=run.step)
        with evaluating(f), torch.no_grad():
            for kept, pictures in ((self.real, self.pictures), (self.fake, fakes)):
                kept.append(f(pictures).numpy())
        self.steps.append(run.step)

    def height(self):
        """The mean score of real and fake together at each look: (k,)."""
        return (np.mean(self.real, 1) + np.mean(self.fake, 1)) / 2


def along(ax, record, title: str):
    """An `Along`: mean scores of real and fake pictures against the round, bands for 80 %."""
    for scores, colour, name in ((record.real, REAL, "real"), (record.fake, FAKE, "fake")):
        low, high = np.quantile(scores, (.1, .9), axis=1)
        ax.fill_between(record.steps, low, high, color=colour, alpha=.2, lw=0)
        ax.plot(record.steps, np.mean(scores, 1), color=colour, lw=1.5, label=name)
    ax.axhline(0, color=CRITIC, lw=1, ls=":")
    ax.set(xlabel="round", title=title)
