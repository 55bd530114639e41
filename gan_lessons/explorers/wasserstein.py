"""Pictures of notebooks/06_wasserstein.ipynb: a critic drawn by hand, clipped weights, and which
settings survive.
"""
from __future__ import annotations

import numpy as np

from ..drawing.explorer import Explorer, choice, slider
from ..drawing.plots import BAD, CRITIC, FAKE, GOOD, REAL, SKY, draw_density, open_axes
from ..exact.laws import Mixture, Normal
from ..exact.minimax import optimal_discriminator
from ..exact.quadrature import expectation
from ..exact.transport import best_critic, wasserstein_1
from .least_squares import sheets  # noqa: F401, the same sheets

KNOTS = np.array([-1.0, 0.0, 1.0])
X = np.linspace(-6, 6, 481)
PAIRS = {
    "moved: N(0, 1) and N(3, 1)": (Normal(0, 1), Normal(3, 1)),
    "wider: N(0, 0.6) and N(0, 2)": (Normal(0, .6), Normal(0, 2)),
    "split: heaps at -4, 4 and at -2.2, 2.2": (Mixture([Normal(-4, .35), Normal(4, .35)]),
                                               Mixture([Normal(-2.2, .35), Normal(2.2, .35)])),
    "skewed: N(1, 0.5) and N(0, 2)": (Normal(1, .5), Normal(0, 2)),
}


# -- still pictures --------------------------------------------------------------------------------

def verdict_and_price(left, right, theta=8):
    """The best discriminator and the best 1-Lipschitz critic of N(0, 1) and N(theta, 1)."""
    p, q = Normal(0, 1), Normal(theta, 1)
    x = np.linspace(-4, theta + 4, 500)
    for ax in (left, right):
        draw_density(ax, x, p, REAL, "real, $p$")
        draw_density(ax, x, q, FAKE, "fake, $q$")
        ax.set(xlabel="weight of the coin, $x$", yticks=[])
    left.plot(x, .6 * optimal_discriminator(p, q)(x), color=BAD, lw=2.2, label="verdict $D^*$")
    left.set_title("a perfect verdict: flat under the fakes")
    right.plot(x, .35 + .04 * best_critic(p, q)(x), color=GOOD, lw=2.2, label="price $f^*$")
    right.set_title("a perfect price: one slope everywhere")
    for ax in (left, right):
        ax.set_ylim(0, .85)
        ax.legend(frameon=False, ncols=3, fontsize=9, loc="upper center")


def three_critics(axes, p, q, x=np.linspace(-4, 9, 500)):
    """The best critics of three distances for two Normals: total variation, MMD and W₁.

    The kernel of MMD is exp(-(x - y)²/2). Each critic is drawn at the same height.
    """
    smooth = lambda law: Normal(law.mean, np.hypot(law.sd, 1))    # the law, seen by the kernel
    curves = {"TV: $|f| \\leq$ ½": np.sign(p.pdf(x) - q.pdf(x)) / 2,
              "MMD: smooth bumps": smooth(p).pdf(x) - smooth(q).pdf(x),
              "$W$: slope at most 1": best_critic(p, q)(x)}
    for ax, (name, f) in zip(axes, curves.items()):
        top = np.abs(f).max()
        draw_density(ax, x, p, REAL)
        draw_density(ax, x, q, FAKE)
        ax.plot(x, f * .4 / top, color=CRITIC, lw=2.2)
        ax.set(title=name, xlabel="$x$", yticks=[])


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
           ylim=(-1.2, 1.9))
    ax.legend(frameon=False, fontsize=8, loc="upper left")


def weights(ax, network, c, colour=CRITIC):
    """Histogram of all weights of a network, over [-c, c]; returns the share on the border."""
    values = np.concatenate([w.detach().numpy().ravel() for w in network.parameters()]) / c
    ax.hist(values, bins=np.linspace(-1.025, 1.025, 42), color=colour)
    ax.set(xlabel="weight / c", yticks=[], xlim=(-1.15, 1.15))
    return float((np.abs(values) > .999).mean())


def endings(axes, fakes, ring, names):
    """Real points in blue and fakes (n, 2) in orange, a panel for each ending."""
    for ax, points, name in zip(axes, fakes, names):
        real = ring.sample(400, np.random.default_rng(0))
        ax.scatter(*real.T, s=3, color=REAL, lw=0)
        ax.scatter(*np.asarray(points).T, s=3, color=FAKE, alpha=.6, lw=0)
        ax.set(xlim=(-3.4, 3.4), ylim=(-3.4, 3.4), aspect="equal", xticks=[], yticks=[])
        ax.set_title(name, fontsize=9)


def survivors(axes, scores, alive, critic_steps, rates):
    """Heat maps of learning rate and critic steps, one for each title.

    scores, alive: title -> (critic steps, rates, seeds). A cell holds the Fréchet distances of all
    seeds, coloured by the share that survived.
    """
    from matplotlib.colors import LinearSegmentedColormap
    shades = LinearSegmentedColormap.from_list("alive", [BAD, "#f5f0d0", GOOD])
    for ax, title in zip(axes, scores):
        share = np.asarray(alive[title]).mean(-1)
        ax.imshow(share, cmap=shades, vmin=0, vmax=1, aspect="auto", alpha=.55)
        for (i, j), _ in np.ndenumerate(share):
            ax.text(j, i, "\n".join(f"{score:.0f}" for score in scores[title][i][j]), ha="center",
                    va="center", fontsize=9)
        ax.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
        ax.set_yticks(range(len(critic_steps)), critic_steps)
        seeds = np.asarray(alive[title])
        ax.set_title(f"{title}: {int(seeds.sum())} of {seeds.size}", fontsize=10)
        ax.set_xlabel("learning rate")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    axes[0].set_ylabel("critic steps")


def report_and_quality(axes, gauges):
    """The critic's report and the Fréchet distance of each run, each on its own scale.

    gauges: name -> rows of (step, report, distance).
    """
    for ax, (name, rows) in zip(axes, gauges.items()):
        step, report, distance = np.array(rows).T
        ax.plot(step, report, "o-", color=CRITIC, ms=4)
        ax.set(xlabel="round", title=name, ylim=(0, 1.08 * report.max()))
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
        laws.legend(frameon=False, fontsize=8, loc="upper right")
        for ax in (critic, laws):
            for knot in KNOTS:
                ax.axvline(knot, color=CRITIC, lw=.6, ls=":")
        places = np.arange(4)
        limits = bars.bar(places, np.ones(4), width=.7, color=SKY, alpha=.35,
                          label="most for slopes up to 1")
        earned = bars.bar(places, np.ones(4), width=.4, color=GOOD, label="yours")
        bars.axhline(0, color=CRITIC, lw=.8)
        bars.set(ylim=(-4.1, 5.2), title="earned on each stretch")
        bars.set_xticks(places, ["left\nof -1", "-1\nto 0", "0\nto 1", "right\nof 1"], fontsize=8)
        bars.legend(frameon=False, fontsize=8, loc="upper center")
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
    slope = lambda label: slider(-2.0, 2.0, .25, 0.5, label)
    return Explorer(
        setup, update,
        dict(pair=choice(list(PAIRS), first, "heaps"),
             a=slope("slope left of -1"),
             b=slope("slope from -1 to 0"),
             c=slope("slope from 0 to 1"),
             d=slope("slope right of 1")),
        figsize=(9.6, 4.0),
        alt="Above, a critic of four straight pieces, drawn by hand; below it, the heaps of "
            "real and fake coins; right, what each piece adds to the gap, beside the most that "
            "a slope up to 1 can add. The title gives the gap, the steepest slope, their "
            "quotient and the exact earth mover distance.")
