"""Pictures of notebooks/08_wasserstein_divergence.ipynb: what a penalty makes of a slope, and what
four critics report.
"""
from __future__ import annotations

import numpy as np

from ..drawing.explorer import Explorer, choice, slider
from ..drawing.plots import BAD, CRITIC, FAKE, GOOD, REAL, SKY, THIRD, open_axes
from ..exact.laws import Normal
from ..exact.lipschitz import sample_density, segment_density
from ..exact.transport import cdf_difference
from ..exact.wasserstein_divergence import divergence_slope

DISTANCES = np.linspace(0, 6, 61)
AROUND = np.linspace(-8, 8, 401)            # places, from the middle between the means on


def slope_costs(left, right):
    """Left the penalty for a slope s, right the optimal slope where the mean displacement is m."""
    s, m = np.linspace(0, 2.2, 300), np.linspace(0, 12, 300)
    left.axvspan(1, 2.2, color=CRITIC, alpha=.12, lw=0)
    left.plot([0, 1, 1], [0, 0, 30], color=CRITIC, lw=2)
    left.plot(s, 10 * (s - 1) ** 2, color=THIRD, lw=2, ls="--")
    left.plot(s, 2 * s ** 6, color=GOOD, lw=2.4)
    left.plot(s, s ** 2 / 2, color=BAD, lw=2.4, ls="-.")
    left.set(xlabel="slope $s$", ylim=(0, 12), xlim=(0, 2.2), title="penalty for a slope")
    right.plot(m, m, color=BAD, lw=2.4, ls="-.", label="square: $k=\\frac{1}{2}$, $p=2$")
    right.plot(m, 1 + m / 20, color=THIRD, lw=2, ls="--",
               label="gradient penalty, $\\lambda=10$")
    right.plot(m, 0 * m + 1, color=CRITIC, lw=2, label="wall of $W_1$")
    right.plot(m, (m / 12) ** .2, color=GOOD, lw=2.4, label="sixth power: $k=2$, $p=6$")
    right.set(xlabel="mean displacement there, $m$", ylim=(0, 3), xlim=(0, 12),
              title="optimal slope $s^*(m)$")
    right.legend(frameon=False, fontsize=9, loc="upper right", bbox_to_anchor=(1.02, 1.06))


def where_measured(left, right, distance):
    """Left the best critics, 0 half way, right their slopes, where these are measured between the
    samples, and at them: N(0, 1) and N(distance, 1), k = 2, p = 6. Below, not to scale, densities.
    """
    laws = Normal(0, 1), Normal(distance, 1)
    x = np.linspace(-2.5, distance + 2.5, 801)
    for where, colour, style, name in ((sample_density, BAD, "-", "measured at the samples"),
                                       (segment_density, GOOD, "--", "measured between")):
        slope = divergence_slope(*laws, where=where)(x)
        critic = np.concatenate([[0], np.cumsum((slope[1:] + slope[:-1]) / 2 * np.diff(x))])
        left.plot(x, critic - critic[400], color=colour, ls=style, lw=2.2, label=name)
        right.plot(x, np.abs(slope), color=colour, ls=style, lw=2.2)
    for ax, title in ((left, "critic $f$"), (right, "slope $|f'|$")):
        low, high = ax.get_ylim()
        for law, colour in zip(laws, (REAL, FAKE)):
            ax.fill_between(x, low, low + .8 * (high - low) * law.pdf(x), color=colour, alpha=.4,
                            lw=0)
        ax.set(xlabel="$x$", xticks=np.linspace(0, distance, 5), ylim=(low, high), title=title)
    left.legend(frameon=False, fontsize=9, loc="upper right")


def _two_normals():
    """|F - G| and ρ of N(0, 1) and N(θ, 1), (distances, places) each, and the places' spacing."""
    apart, density = np.zeros((2, len(DISTANCES), len(AROUND)))
    for row, theta in enumerate(DISTANCES):
        x, laws = AROUND + theta / 2, (Normal(0, 1), Normal(theta, 1))
        apart[row], density[row] = np.abs(cdf_difference(*laws)(x)), segment_density(*laws)(x)
    return apart, density, AROUND[1] - AROUND[0]


def reports():
    """Four optimal critics: left the size of their slopes, right the gaps they report.

    A menu chooses two atoms or two Normals, sliders the distance, k and p of the divergence, λ of
    the gradient penalties and c of clipping.
    """
    apart, density, step = _two_normals()
    walk = apart / density                                                      # m = |F - G| / ρ
    of_penalty = DISTANCES, (apart * walk).sum(1) * step                  # GP: W₁ + this / 2λ
    names = {"div": GOOD, "GP": THIRD, "clip": SKY}

    def gaps(atoms, k, p, weight, c):
        """Reported gap against the distance, for div, GP (and LP), clip."""
        if atoms:
            div, square = DISTANCES * (DISTANCES / (k * p)) ** (1 / (p - 1)), DISTANCES ** 2
        else:
            div, square = (apart * (walk / (k * p)) ** (1 / (p - 1))).sum(1) * step, of_penalty[1]
        return div, DISTANCES + square / (2 * weight), c * DISTANCES

    def setup(figure):
        left, right = figure.subplots(1, 2, width_ratios=(1.1, 1))
        title = figure.suptitle(" ", fontsize=11)
        real, = left.plot(AROUND, AROUND, color=REAL, lw=2, label="real")
        fake, = left.plot(AROUND, AROUND, color=FAKE, lw=2, label="fake")
        sizes = [left.plot(AROUND, AROUND, color=colour, lw=2.2)[0] for colour in names.values()]
        left.axhline(1, color=CRITIC, lw=1, ls=":")
        left.set(xlabel="$x$", xlim=(-3, 9), ylim=(0, 3), title="size of the best slope, $|f'|$")
        left.legend(frameon=False, fontsize=9, loc="upper left")
        right.plot(DISTANCES, DISTANCES, color=CRITIC, lw=4, alpha=.35, label="$W_1$")
        labels = ("div: $k,\\ p$", "GP and LP: $\\lambda$", "clip, straight line: $c$")
        curves = [right.plot(DISTANCES, DISTANCES, color=colour, lw=2, label=label)[0]
                  for colour, label in zip(names.values(), labels)]
        dots = [right.plot([0], [0], "o", color=colour, ms=8)[0] for colour in names.values()]
        right.set(xlabel="distance", xlim=(0, 6.1), ylim=(0, 12), title="reported gap")
        right.legend(frameon=False, fontsize=9, loc="upper left")
        open_axes(left, right)
        return real, fake, sizes, curves, dots, title

    def update(artists, laws, distance, k, p, weight, c):
        real, fake, sizes, curves, dots, title = artists
        row, x, atoms = int(round(10 * distance)), AROUND + distance / 2, laws == "atoms"
        if atoms:
            real.set_data([0, 0], [0, .4])
            fake.set_data([distance, distance], [0, .4])
            m = np.where((x >= 0) & (x <= distance), distance, np.nan)
        else:
            real.set_data(x, Normal(0, 1).pdf(x))
            fake.set_data(x, Normal(distance, 1).pdf(x))
            m = walk[row]
        slopes = ((m / (k * p)) ** (1 / (p - 1)), np.where(m > 0, 1 + m / (2 * weight), np.nan),
                  np.full_like(x, c))
        for curve, size in zip(sizes, slopes):
            curve.set_data(x, size)
        found = gaps(atoms, k, p, weight, c)
        for curve, dot, gap in zip(curves, dots, found):
            curve.set_ydata(gap)
            dot.set_data([distance], [gap[row]])
        div, gp, clip = (gap[row] for gap in found)
        title.set_text(f"$W_1$ = {distance:.3f}      reported: div {div:.3f}"
                       f"      GP, LP {gp:.3f}      clip {clip:.3f}")

    return Explorer(
        setup, update,
        dict(laws=choice({"two atoms": "atoms", "N(0, 1) and N(distance, 1)": "normals"}, "normals",
                         "distributions"),
             distance=slider(0.0, 6.0, .1, 3.0, "distance"),
             k=slider(.1, 10.0, .1, 2.0, "k, weight of the penalty"),
             p=slider(1.5, 20.0, .5, 6.0, "p, its power"),
             weight=slider(1.0, 20.0, .5, 10.0, "λ of GP and LP"),
             c=slider(.05, 1.5, .05, .5, "c of the clip")),
        figsize=(8.8, 3.6),
        alt="Left, real and fake distributions and the size of the best slope under the "
            "divergence, the gradient penalty and clipping. Right, the gap each of them reports "
            "against the distance, beside W1. The title gives the four numbers.")


def exact_and_trained(left, right, x, best_slope, f):
    """A trained critic and its slope over the exact ones, both critics 0 in the middle of x (k,).

    best_slope, f: functions (k,) -> (k,).
    """
    steps = (best_slope(x[1:]) + best_slope(x[:-1])) / 2 * np.diff(x)      # trapezoids, (k - 1,)
    exact = np.concatenate([[0], np.cumsum(steps)])
    for ax, wide, thin in ((left, exact - exact[len(x) // 2], f(x) - f(x)[len(x) // 2]),
                           (right, best_slope(x), np.gradient(f(x), x))):
        ax.plot(x, wide, color=CRITIC, lw=4, alpha=.35, label="exact")
        ax.plot(x, thin, color=BAD, lw=1.5, label="trained")
        ax.set_xlabel("$x$")
    left.set_title("critic $f$")
    right.set(title="slope $f'$", ylim=(-1.05, -.45))
    left.legend(frameon=False)
