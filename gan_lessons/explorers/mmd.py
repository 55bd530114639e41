"""Pictures of notebooks/22_mmd.ipynb: critics made of kernels, plans of every softness, what each
distance makes a generator feel, and what samples of it say.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..drawing.explorer import Explorer, choice, slider
from ..drawing.plots import BAD, CRITIC, FAKE, GOOD, REAL, SKY, THIRD, draw_density, open_axes
from ..exact.divergences import js_slope
from ..exact.laws import Mixture, Normal
from ..exact.mmd import (
    cramer_slope,
    cramer_slope_of_normals,
    gaussian,
    mmd2,
    normal_mmd2_slope,
    witness,
)
from ..exact.sinkhorn import Entropic, divergence_slope, normal_entropic, sinkhorn, softmin
from ..exact.transport import best_critic, earth_mover

# -- the idea --------------------------------------------------------------------------------------

SAMPLES = np.array([-2.1, -1.2, -.9, -.2, .4]), np.array([1.7, 2.6, 3.1, 3.3, 5.2])


def idea(axes, bandwidths=(.4, 2.)):
    """Five real and five fake samples, a bump up or down at each, and their sum; two widths."""
    x = np.linspace(-5, 8, 500)
    real, fake = SAMPLES
    for ax, h in zip(axes, bandwidths):
        k = gaussian(h)
        for at, colour, sign in [(real, REAL, 1), (fake, FAKE, -1)]:
            bumps = sign * k(x[:, None], at) / len(at)                             # (500, 5)
            ax.plot(x, bumps, color=colour, lw=.9, alpha=.7)
            ax.plot(at, np.zeros(len(at)), "o", color=colour, ms=7, zorder=3,
                    label="real" if sign > 0 else "fake")
        f = lambda at: (k(at[:, None], real) - k(at[:, None], fake)).mean(1)
        ax.plot(x, f(x), color=CRITIC, lw=2.4, label="critic: their sum")
        slope = (f(fake + 1e-4) - f(fake - 1e-4)) / 2e-4
        for at, s in zip(fake, slope):
            ax.annotate("", (at + 3 * s, -.72), (at, -.72),
                        arrowprops=dict(arrowstyle="-|>", color=BAD, lw=1.6, shrinkA=0, shrinkB=0))
        ax.plot(fake, np.full(len(fake), -.72), "|", color=BAD, ms=7)
        ax.axhline(0, color=CRITIC, lw=.6)
        ax.set(xlabel="$x$", ylim=(-.82, .95), title=f"bumps of width {h:g}", xlim=(-5, 8))
    axes[0].legend(frameon=False, fontsize=9, loc="upper right")


# -- laws on places --------------------------------------------------------------------------------

TWO = Mixture([Normal(-2, .5), Normal(2, .8)], weights=[.6, .4])
ONE = Normal(.5, 1.5)
PLACES = np.linspace(-6, 7, 66)


def on_places(law, places=PLACES):
    """The masses of a law on places (k,), each that of the cell around it: (k,), sum 1."""
    borders = (places[1:] + places[:-1]) / 2
    return np.diff(np.concatenate([[0.0], law.cdf(borders), [1.0]]))


def levels(law, n=100):
    """n points of equal mass, at the middle levels of a Normal: (n,)."""
    from scipy.special import ndtri
    return law.mean + law.sd * ndtri((np.arange(n) + .5) / n)


# -- bias ------------------------------------------------------------------------------------------

def bias(left, right, epsilons=(.1, .8, 1.6)):
    """OT_ε and S_ε of N(0, 1) and N(0, t²) with squared costs, against t; dots at their minima."""
    t, p = np.linspace(.01, 1.8, 180), Normal(0, 1)
    for epsilon, colour in zip(epsilons, (SKY, REAL, CRITIC)):
        plain = np.array([normal_entropic(p, Normal(0, s), epsilon) for s in t])
        own = np.array([normal_entropic(Normal(0, s), Normal(0, s), epsilon) for s in t])
        free = plain - own / 2 - normal_entropic(p, p, epsilon) / 2
        for ax, values in ((left, plain), (right, free)):
            ax.plot(t, values, color=colour, lw=2, label=f"$\\varepsilon={epsilon:g}$")
            ax.plot(t[values.argmin()], values.min(), "o", color=colour, ms=7)
    for ax, name in ((left, "$\\mathrm{OT}_\\varepsilon$"), (right, "$S_\\varepsilon$")):
        ax.axvline(1, color=GOOD, lw=1, ls=":")
        ax.set(xlabel="standard deviation $t$ of the fakes", title=name, xlim=(0, 1.8))
    right.set_ylim(-.05, 1.4)
    left.legend(frameon=False)


# -- from W₁ to MMD --------------------------------------------------------------------------------

@lru_cache(maxsize=64)
def solved(epsilon: float) -> tuple[Entropic, Entropic, float]:
    """Of TWO and ONE on PLACES: the plan between them, that of ONE with itself, and S_ε."""
    p, q = on_places(TWO), on_places(ONE)
    cost = np.abs(PLACES[:, None] - PLACES)
    both, real, fake = sinkhorn(p, q, cost, epsilon), *(sinkhorn(m, m, cost, epsilon)
                                                        for m in (p, q))
    return both, fake, both.value - real.value / 2 - fake.value / 2


@lru_cache(maxsize=1)
def ends() -> tuple[float, float]:
    """W₁ and ∫ (F - G)² of TWO and ONE on PLACES."""
    p, q = on_places(TWO), on_places(ONE)
    apart = np.cumsum(p - q)[:-1]
    return earth_mover(PLACES, PLACES, p, q), float((apart ** 2 * np.diff(PLACES)).sum())


LOG_EPSILONS = np.arange(-2.25, 1.76, .25)                # of ε to the base 10
EPSILONS = 10 ** LOG_EPSILONS


def _between(ax):
    """S_ε of TWO and ONE against ε, between its two limits."""
    low, high = EPSILONS[0], EPSILONS[-1]
    for value, colour, name, side in [(ends()[0], REAL, "$W_1=\\int|F-G|\\,dx$", "bottom"),
                                      (ends()[1], GOOD, "$\\int(F-G)^2dx$", "bottom")]:
        ax.axhline(value, color=colour, lw=2)
        ax.text(high if side == "bottom" and colour == REAL else low, value * 1.01, name,
                color=colour, va="bottom", ha="right" if colour == REAL else "left")
    ax.semilogx(EPSILONS, [solved(e)[2] for e in EPSILONS], color=CRITIC, lw=2.4)
    ax.set(xlabel="$\\varepsilon$", title="$S_\\varepsilon$", ylim=(0, ends()[0] * 1.2),
           xlim=(low, high))


def _plan(ax, moved):
    """A plan on PLACES as shades: across the fakes, upwards the real samples."""
    reach = PLACES[0], PLACES[-1]
    picture = ax.imshow(_shades(moved), origin="lower", extent=(*reach, *reach), cmap="Blues",
                        vmin=0, vmax=1, aspect="equal")
    ax.plot(reach, reach, color=CRITIC, lw=.6, ls=":")
    return picture


def _shades(moved):
    return np.sqrt(moved / moved.max())


def bridge(axes, log_epsilons=(-1.75, -.25, 1.75)):
    """Three plans, from nearly deterministic to nearly independent, and the curve between."""
    for ax, log_epsilon in zip(axes, log_epsilons):
        _plan(ax, solved(10.0 ** log_epsilon)[0].moved)
        ax.set(title=f"plan at $\\varepsilon={10 ** log_epsilon:.2g}$", xlabel="fake",
               xticks=[-5, 0, 5], yticks=[-5, 0, 5])
    axes[0].set_ylabel("real")
    _between(axes[3])


# -- what a generator feels ------------------------------------------------------------------------

STYLES = {"2 JS": (BAD, "--"), "$W_1$": (REAL, "-"), "$S_\\varepsilon$, $\\varepsilon=0.3$":
          (SKY, "-"), "$S_\\varepsilon$, $\\varepsilon=2$": (SKY, "--"),
          "$\\int(F-G)^2$": (GOOD, "-"), "MMD², $h=1$": (FAKE, "-"), "MMD², $h=4$": (FAKE, "--")}


def pulls(distances):
    """Slopes of seven distances of N(0, 1) and N(θ, 1) at θ (k,): {name: (k,)}."""
    p, masses, x = Normal(0, 1), np.full(100, .01), levels(Normal(0, 1))
    soft = lambda epsilon: np.array([divergence_slope(masses, masses, x, x + d, epsilon)
                                     for d in distances])
    found = (2 * np.array([js_slope(p, Normal(d, 1)) for d in distances]),
             np.ones(len(distances)), soft(.3), soft(2.), cramer_slope_of_normals(distances),
             normal_mmd2_slope(distances, 1.), normal_mmd2_slope(distances, 4.))
    return dict(zip(STYLES, found))


def all_pulls(ax, distances, curves):
    """`pulls` against the distance, each named at its line."""
    for name, values in curves.items():
        colour, line = STYLES[name]
        ax.plot(distances, values, color=colour, ls=line, lw=2.2, label=name)
    ax.set(xlabel="distance $\\theta$", ylabel="slope in $\\theta$", xlim=(0, distances[-1]),
           ylim=(0, 1.06))
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, .5))


def paths(ax, played, rate=.1):
    """Means of the fakes against the round, over what descent by the exact slopes does, in grey."""
    even, x = np.full(100, .01), levels(Normal(0, 1))
    exactly = {"MMD², $h=1$": lambda t: float(normal_mmd2_slope(t)),
               "half energy": lambda t: float(cramer_slope_of_normals(t)),
               "$S_1$": lambda t: divergence_slope(even, even, x, x + t, 1.0),
               "$W_1$": lambda t: float(np.sign(t))}
    for (name, path), colour in zip(played.items(), (FAKE, GOOD, SKY, REAL)):
        ideal = [path[0]]
        for _ in path[1:]:
            ideal.append(ideal[-1] - rate * exactly[name](ideal[-1]))
        ax.plot(ideal, color=CRITIC, lw=5, alpha=.2)
        ax.plot(path, color=colour, lw=1.6, label=name)
    ax.axhline(0, color=CRITIC, lw=.8, ls=":")
    ax.set(xlabel="round", ylabel="mean of the fakes")
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, .5))


def errors(ax, sizes, found):
    """What each distance says of two samples of one law, against their size; found: name -> (k,)"""
    colours = (REAL, SKY, THIRD, GOOD)
    for (name, values), colour in zip(found.items(), colours):
        ax.loglog(sizes, values, "o-", color=colour, lw=2, ms=5, label=name)
    ax.set(xlabel="samples of each, $n$")
    ax.set_xticks(sizes, map(str, sizes))
    ticks = (.1, .2, .5, 1, 2, 3)
    ax.set_yticks(ticks, map(str, ticks))
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, .5))


# -- by hand: the bandwidth ------------------------------------------------------------------------

PAIRS = {"two Normals": (Normal(0, 1), lambda theta: Normal(theta, 1)),
         "two components, one Normal": (Mixture([Normal(-1.5, .5), Normal(1.5, .5)]),
                                        lambda theta: Normal(theta, 1.6))}


def bandwidth():
    """Critic of a Gaussian kernel for two laws, and the slope of MMD² against their distance."""
    x, distances = np.linspace(-6, 14, 500), np.linspace(0, 12, 121)

    @lru_cache(maxsize=256)
    def curve(pair, h):
        """Slopes at `distances`, by the critic of each: differences of MMD² on a finer grid."""
        if pair == "two Normals":
            return normal_mmd2_slope(distances, h)
        p, q = PAIRS[pair]
        v = h ** 2 + .25 + 1.6 ** 2
        return sum(h * (distances - m) / v ** 1.5 * np.exp(-(distances - m) ** 2 / (2 * v))
                   for m in (-1.5, 1.5))

    reference = {name: np.array([cramer_slope(p, q(d)) for d in distances[::5]])
                 for name, (p, q) in PAIRS.items()}

    def setup(figure):
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
        title = figure.suptitle(" ", fontsize=11)
        p, = left.plot(x, x, color=REAL, lw=2, label="real, $p$")
        q, = left.plot(x, x, color=FAKE, lw=2, label="fake, $q$")
        f, = left.plot(x, x, color=CRITIC, lw=2.4, label="critic $f^*$")
        left.axhline(0, color=CRITIC, lw=.6)
        left.set(xlabel="$x$", xlim=(-6, 14), ylim=(-1.05, 1.05), title="densities and critic")
        left.legend(frameon=False, fontsize=9, loc="upper right")
        slopes, = right.plot(distances, distances, color=CRITIC, lw=2.4, label="of MMD²")
        other, = right.plot(distances[::5], distances[::5], color=GOOD, lw=1.6,
                            label="of $\\int(F-G)^2dx$")
        dot, = right.plot([0], [0], "o", color=CRITIC, ms=8)
        right.axhline(1, color=REAL, lw=1.6, label="of $W_1$, far away")
        right.set(xlabel="distance $\\theta$", xlim=(0, 12), ylim=(-.3, 1.12),
                  title="slope in $\\theta$")
        right.legend(frameon=False, fontsize=9, loc="upper right", bbox_to_anchor=(1, .93))
        open_axes(left, right)
        return p, q, f, slopes, other, dot, title

    def update(artists, pair, theta, log_h):
        p, q, f, slopes, other, dot, title = artists
        real, fake, h = PAIRS[pair][0], PAIRS[pair][1](theta), 2.0 ** log_h
        value = mmd2(real, fake, gaussian(h))
        p.set_ydata(real.pdf(x))
        q.set_ydata(fake.pdf(x))
        heights = witness(real, fake, gaussian(h))(x)
        f.set_ydata(heights / np.sqrt(max(value, 1e-12)))
        slopes.set_ydata(curve(pair, h))
        other.set_ydata(reference[pair])
        here = float(np.interp(theta, distances, curve(pair, h)))
        dot.set_data([theta], [here])
        title.set_text(f"bandwidth h = {h:.3g}      MMD² {value:.4f}      slope {here + 0:.4f}")

    return Explorer(
        setup, update,
        dict(pair=choice(list(PAIRS), "two Normals", "pair"),
             theta=slider(0.0, 12.0, .25, 6.0, "distance θ"),
             log_h=slider(-2.0, 4.0, .25, 0.0, "log₂ of the bandwidth h")),
        figsize=(8.6, 3.8),
        alt="Left, densities of real and fake samples and the critic of a Gaussian kernel; right, "
            "the slope of MMD² against the distance, beside that of half the energy distance and "
            "of W₁. The title gives the bandwidth, MMD² and its slope.")


# -- by hand: the softness -------------------------------------------------------------------------

def softness():
    """The plan, the critic and S_ε for every ε, from W₁ to half the energy distance."""
    cost, q, p = np.abs(PLACES[:, None] - PLACES), on_places(ONE), on_places(TWO)
    sharp, apart = best_critic(TWO, ONE)(PLACES), np.cumsum(p - q)
    blunt = -np.concatenate([[0.0], np.cumsum(2 * apart[:-1] * np.diff(PLACES))])
    centred = lambda f: f - (p + q) @ f / 2

    @lru_cache(maxsize=64)
    def critic(epsilon):
        both, own, _ = solved(epsilon)
        return centred(softmin(cost, own.f, q, epsilon) - softmin(cost, both.f, p, epsilon))

    def setup(figure):
        plan, f, between = figure.subplots(1, 3, width_ratios=(1, 1.25, 1.1))
        title = figure.suptitle(" ", fontsize=11)
        picture = _plan(plan, solved(float(EPSILONS[0]))[0].moved)
        plan.set(title="transport plan", xlabel="fake", ylabel="real", xticks=[-5, 0, 5],
                 yticks=[-5, 0, 5])
        draw_density(f, PLACES, TWO, REAL)
        draw_density(f, PLACES, ONE, FAKE)
        f.plot(PLACES, centred(sharp), color=REAL, lw=1.4, label="of $W_1$")
        f.plot(PLACES, centred(blunt), color=GOOD, lw=1.4, label="of $\\int(F-G)^2dx$")
        line, = f.plot(PLACES, sharp, color=CRITIC, lw=2.6, label="of $S_\\varepsilon$")
        f.set(title="critic", xlabel="$x$", ylim=(-2.4, 3.6), xlim=(PLACES[0], PLACES[-1]))
        f.legend(frameon=False, fontsize=9, loc="upper center", ncols=3, handlelength=1,
                 columnspacing=.8)
        _between(between)
        dot, = between.plot([1], [0], "o", color=CRITIC, ms=8)
        open_axes(f, between)
        return picture, line, dot, title

    def update(artists, log_epsilon):
        picture, line, dot, title = artists
        epsilon = 10.0 ** log_epsilon
        both, _, value = solved(epsilon)
        picture.set_data(_shades(both.moved))
        line.set_ydata(critic(epsilon))
        dot.set_data([epsilon], [value])
        title.set_text(f"ε = {epsilon:.3g}      cost with entropy, OT {both.value:.4f}      "
                       f"S {value:.4f}      between {ends()[1]:.4f} and {ends()[0]:.4f}")

    return Explorer(
        setup, update,
        dict(log_epsilon=slider(-2.25, 1.75, .25, -.75, "log₁₀ of the softness ε")),
        figsize=(9.6, 3.7),
        alt="Left, the transport plan as shades, a thin line for small ε and a cloud for large; in "
            "the middle the critic of the Sinkhorn divergence between those of W₁ and of the "
            "energy distance; right, the divergence against ε, between its two limits.")
