"""Pictures of notebooks/06_wasserstein.ipynb: critics of three distances, clipped weights, reports
beside the quality of samples, and a critic drawn by hand.
"""
from __future__ import annotations

import numpy as np

from ..drawing.explorer import Explorer, choice, slider
from ..drawing.plots import BAD, CRITIC, FAKE, GOOD, REAL, SKY, draw_density, open_axes
from ..exact.laws import Mixture, Normal
from ..exact.minimax import optimal_discriminator
from ..exact.quadrature import expectation
from ..exact.transport import best_critic, wasserstein_1

KNOTS = np.array([-1.0, 0.0, 1.0])
X = np.linspace(-6, 6, 481)
PAIRS = {
    "moved: N(0, 1) and N(3, 1)": (Normal(0, 1), Normal(3, 1)),
    "wider: N(0, 0.6) and N(0, 2)": (Normal(0, .6), Normal(0, 2)),
    "split: components at -4, 4 and at -2.2, 2.2": (Mixture([Normal(-4, .35), Normal(4, .35)]),
                                               Mixture([Normal(-2.2, .35), Normal(2.2, .35)])),
    "skewed: N(1, 0.5) and N(0, 2)": (Normal(1, .5), Normal(0, 2)),
}


# -- still pictures --------------------------------------------------------------------------------

def discriminator_and_critic(left, right, theta=8):
    """The optimal discriminator and the optimal 1-Lipschitz critic of N(0, 1) and N(theta, 1)."""
    p, q = Normal(0, 1), Normal(theta, 1)
    x = np.linspace(-4, theta + 4, 500)
    f = best_critic(p, q)
    curves = [(left, optimal_discriminator(p, q), BAD, "discriminator $D^*$", (-.02, 1.45),
               (0, .5, 1)),
              (right, lambda x: f(x) - f(theta / 2), GOOD, "critic $f^*$", (-9, 15),
               (-8, -4, 0, 4, 8))]
    for ax, curve, colour, label, limits, ticks in curves:
        draw_density(ax, x, p, REAL, "real, $p$")
        draw_density(ax, x, q, FAKE, "fake, $q$")
        ax.set(xlabel="$x$", yticks=[], ylim=(0, .85))
        own = _own_axis(ax, x, curve(x), colour, limits)
        own.set_yticks(ticks)
        own.spines["right"].set_bounds(ticks[0], ticks[-1])
        own.set_ylabel(label, color=colour)
        ax.plot([], [], color=colour, lw=2.2, label=label)
        ax.legend(frameon=False, ncols=3, fontsize=9, loc="upper center", handlelength=1.2,
                  columnspacing=1, handletextpad=.5)
    left.set_title("probability: flat under the fakes")
    right.set_title("score: slope $-1$ everywhere")


def _own_axis(ax, x, values, colour, limits):
    """A curve over densities, with its own scale and ticks on the right."""
    own = ax.twinx()
    own.plot(x, values, color=colour, lw=2.2)
    own.set(ylim=limits)
    own.tick_params(axis="y", colors=colour, labelsize=9)
    own.spines["top"].set_visible(False)
    return own


def three_critics(axes, p, q, x=np.linspace(-4, 9, 500)):
    """The optimal critics of three distances for two Normals: total variation, MMD and W₁.

    The kernel of MMD is exp(-(x - y)²/2). Each critic has its own scale, on the right.
    """
    smooth = lambda one: Normal(one.mean, np.hypot(one.sd, 1))    # as the kernel sees it
    witness = lambda x: np.sqrt(2 * np.pi) * (smooth(p).pdf(x) - smooth(q).pdf(x))
    mmd = np.sqrt(expectation(p, witness) - expectation(q, witness))
    f = best_critic(p, q)
    curves = {"TV: $|f| \\leq$ ½": np.sign(p.pdf(x) - q.pdf(x)) / 2,
              "MMD: smooth bumps": witness(x) / mmd,
              "$W$: slope at most 1": f(x) - f((p.mean + q.mean) / 2)}
    for ax, (name, values) in zip(axes, curves.items()):
        draw_density(ax, x, p, REAL)
        draw_density(ax, x, q, FAKE)
        ax.set(title=name, xlabel="$x$", yticks=[], ylim=(-.5, .5))
        ax.title.set_fontsize(10)
        _own_axis(ax, x, values, CRITIC, np.array([-1.25, 1.25]) * np.abs(values).max())


def box_and_ball(ax, gap, c=1.0):
    """Slopes w (2,) that a clipped linear critic may have, a box, and a 1-Lipschitz one, a disc.

    Arrows show the best of each for a difference `gap` (2,) of the means.
    """
    gap = np.asarray(gap, dtype=float)
    turn = np.linspace(0, 2 * np.pi, 200)
    ax.fill(c * np.array([-1, 1, 1, -1]), c * np.array([-1, -1, 1, 1]), color=BAD, alpha=.18, lw=0)
    ax.fill(c * np.cos(turn), c * np.sin(turn), color=GOOD, alpha=.35, lw=0)
    best = [(c * gap / np.linalg.norm(gap), GOOD, "best in the disc: along the gap"),
            (c * np.sign(gap), BAD, "best in the box: a corner")]
    for w, colour, name in best:
        ax.annotate("", xy=w, xytext=(0, 0),
                    arrowprops=dict(arrowstyle="-|>", color=colour, lw=2.2, mutation_scale=16))
        ax.plot([], [], color=colour, lw=2.2, label=name)
    far = 1.9 * gap / np.abs(gap).max()
    ax.plot([0, far[0]], [0, far[1]], color=CRITIC, ls=":", lw=1.4, label="towards the real mean")
    ax.set(aspect="equal", xlabel="$w_1 / c$", ylabel="$w_2 / c$", xlim=(-1.3, 2.1),
           ylim=(-1.2, 2.5), xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    ax.legend(frameon=False, fontsize=10, loc="upper left")


def bounds_by_depth(ax, c, widths, depths=range(7)):
    """The steepest slope c (n c)^depth of a clipped network, against its depth, for some widths."""
    for n, colour in zip(widths, (REAL, BAD, GOOD)):
        slopes = [c * (n * c) ** depth for depth in depths]
        ax.semilogy(depths, slopes, "o-", color=colour, lw=2, ms=5)
        ax.text(depths[-1] + .15, slopes[-1], f"$n = {n}$", color=colour, va="center")
    ax.axhline(1, color=CRITIC, lw=1, ls=":")
    ax.set(xlabel="hidden layers", ylabel="bound $K$", xlim=(-.2, depths[-1] + 1.3),
           xticks=list(depths))


def weights(ax, network, c, colour=CRITIC):
    """Histogram of all weights of a network, over [-c, c]; returns the share on the border."""
    values = np.concatenate([w.detach().numpy().ravel() for w in network.parameters()]) / c
    ax.hist(values, bins=np.linspace(-1.025, 1.025, 42), color=colour,
            weights=np.full(len(values), 1 / len(values)))
    ax.set(xlabel="weight / c", xlim=(-1.15, 1.15), xticks=[-1, 0, 1], ylim=(0, 1.05),
           yticks=[0, .5, 1])
    return float((np.abs(values) > .999).mean())


def report_and_quality(axes, logs):
    """The critic's report and the Fréchet distance of each run, each on its own scale.

    logs: name -> rows of (step, report, distance).
    """
    for ax, (name, rows) in zip(axes, logs.items()):
        step, report, distance = np.array(rows).T
        ax.plot(step, report, "o-", color=CRITIC, ms=4)
        ax.set(xlabel="round", title=name)
        margin = .08 * max(np.ptp(report), 1e-9)
        ax.set_ylim(min(0, report.min()) - margin * (report.min() < 0),
                    max(0, report.max()) + margin * (report.max() > 0))
        ax.set_ylabel("report of the critic", color=CRITIC)
        other = ax.twinx()
        other.plot(step, distance, "s-", color=FAKE, ms=4)
        other.set_ylabel("Fréchet distance", color="#8a5a00")
        other.set_ylim(0, 1.08 * distance.max())
        other.spines["top"].set_visible(False)


# -- a critic by hand ------------------------------------------------------------------------------

def stretches(p, q):
    """E_p f - E_q f for f of slope 1 on one of four stretches and 0 elsewhere: (4,).

    The stretches lie left of, between and right of the KNOTS.
    """
    inner = [lambda x, a=a, b=b: np.clip(x, a, b) - a for a, b in zip(KNOTS, KNOTS[1:])]
    unit = [lambda x: np.minimum(x - KNOTS[0], 0), *inner, lambda x: np.maximum(x - KNOTS[-1], 0)]
    edges = np.unique(np.concatenate([p.edges(), q.edges(), KNOTS]))       # f bends at the knots
    return np.array([expectation(p, f, edges) - expectation(q, f, edges) for f in unit])


def drawn(slopes, x):
    """The critic with f(0) = 0 and these slopes (4,) on the stretches, at x: any shape -> same."""
    x, (a, b, c, d) = np.asarray(x, dtype=float), slopes
    left = b * np.clip(x, KNOTS[0], 0) + a * np.minimum(x - KNOTS[0], 0)
    return left + c * np.clip(x, 0, KNOTS[2]) + d * np.maximum(x - KNOTS[2], 0)


def critic_by_hand():
    """A critic with bends at -1, 0, 1, drawn by hand: a slider for each of its four slopes.

    Above the critic, below it the densities of the pair from the menu, right what each stretch
    adds to the gap. The title gives gap, steepest slope, their quotient and the exact W.
    """
    known = {name: (stretches(p, q), wasserstein_1(p, q), p.pdf(X), q.pdf(X))
             for name, (p, q) in PAIRS.items()}
    borders = [X[0], *KNOTS, X[-1]]
    parts = [np.linspace(low, high, 60) for low, high in zip(borders, borders[1:])]

    def setup(figure):
        axes = figure.subplot_mosaic([["f", "bars"], ["laws", "bars"]], width_ratios=(1.7, 1),
                                     height_ratios=(1.3, 1))
        critic, laws, bars = axes["f"], axes["laws"], axes["bars"]
        title = figure.suptitle(" ", fontsize=11)
        curves = [critic.plot(x, x, lw=2.6)[0] for x in parts]
        critic.set(ylim=(-8, 8), xlim=(X[0], X[-1]), xticklabels=[],
                   title="the critic that you draw", ylabel="$f$")
        p, = laws.plot(X, X, color=REAL, lw=2, label="real, $p$")
        q, = laws.plot(X, X, color=FAKE, lw=2, label="fake, $q$")
        laws.set(xlabel="$x$", xlim=(X[0], X[-1]), ylim=(0, .85), yticks=[])
        laws.legend(frameon=False, fontsize=9, loc="upper right")
        for ax in (critic, laws):
            for knot in KNOTS:
                ax.axvline(knot, color=CRITIC, lw=.6, ls=":")
        places = np.arange(4)
        limits = bars.bar(places, np.ones(4), width=.7, color=SKY, alpha=.35,
                          label="most for slopes up to 1")
        earned = bars.bar(places, np.ones(4), width=.4, color=GOOD, label="yours")
        bars.axhline(0, color=CRITIC, lw=.8)
        bars.set(ylim=(-4.1, 5.2), title="added by each stretch")
        bars.set_xticks(places, ["left\nof -1", "-1\nto 0", "0\nto 1", "right\nof 1"], fontsize=9)
        bars.legend(frameon=False, fontsize=9, loc="upper center")
        open_axes(*axes.values())
        return curves, p, q, list(limits), list(earned), title

    def update(artists, pair, a, b, c, d):
        curves, p, q, limits, earned, title = artists
        gains, distance, real, fake = known[pair]
        slopes = np.array([a, b, c, d])
        for curve, slope in zip(curves, slopes):
            curve.set_ydata(drawn(slopes, curve.get_xdata()))
            curve.set_color(GOOD if abs(slope) <= 1 else BAD)
        p.set_ydata(real)
        q.set_ydata(fake)
        for limit, bar, gain, slope in zip(limits, earned, gains, slopes):
            limit.set_height(abs(gain))
            bar.set_height(slope * gain)
            bar.set_color(GOOD if abs(slope) <= 1 else BAD)
        gap, steepest = slopes @ gains, np.abs(slopes).max()
        bound = f"{gap / steepest:.4f}" if steepest else "0/0"
        title.set_text(f"gap {gap:z.4f}      steepest slope {steepest:.2f}"
                       f"      gap / steepest {bound}      exact W {distance:.4f}")

    first = next(iter(PAIRS))
    slope = lambda label, first: slider(-2.0, 2.0, .25, first, label)
    return Explorer(
        setup, update,
        dict(pair=choice(list(PAIRS), first, "pair"),
             a=slope("slope left of -1", 0.5),
             b=slope("slope from -1 to 0", -0.5),
             c=slope("slope from 0 to 1", -1.5),
             d=slope("slope right of 1", -0.75)),
        figsize=(8.6, 4.0),
        alt="Above, a critic of four straight pieces, drawn by hand; below it, the densities of "
            "real and fake samples; right, what each piece adds to the gap, beside the most "
            "that a slope up to 1 can add. The title gives the gap, the steepest slope, their "
            "quotient and the exact Wasserstein distance.")
