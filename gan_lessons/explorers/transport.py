"""Pictures of notebooks/05_transport.ipynb: distributions on a few atoms and their plans, W and JS
against the distance, dual potentials, and digits made of ink.
"""
from __future__ import annotations

import numpy as np
from matplotlib.collections import LineCollection
from scipy.ndimage import gaussian_filter, maximum_filter
from scipy.special import expit, ndtr

from ..drawing.explorer import Explorer, choice, slider
from ..drawing.plots import (
    BAD,
    CRITIC,
    FAKE,
    GOOD,
    REAL,
    SKY,
    draw_density,
    open_axes,
    pictures,
    square_grid,
)
from ..exact.divergences import js, js_slope, softplus
from ..exact.laws import Normal
from ..exact.transport import earth_mover, monotone_plan

X_REAL, P_REAL = np.array([1., 3., 7.]), np.array([.4, .25, .35])     # the explorer's real atoms
WIDEST, GAP = 14.0, .3       # points: a line that carries all; half the way between the rows


# -- atoms on a line -------------------------------------------------------------------------------

def atoms(ax, x, x_fake, p, q, moved):
    """Real atoms (n,) of weights p above, fake ones (m,) of weights q below, and a transport plan.

    Each entry of `moved` (n, m) is a line as wide as the mass that it carries. Returns the fake
    bars and the lines.
    """
    ax.bar(x, p, bottom=GAP, width=.22, color=REAL, label="real, $p$", zorder=3)
    for place, mass in zip(x, p):
        ax.text(place, GAP + mass + .03, f"{mass:g}", ha="center", va="bottom", color=REAL)
    hanging = ax.bar(x_fake, -np.asarray(q), bottom=-GAP, width=.22, color=FAKE, label="fake, $q$",
                     zorder=3)
    lines = LineCollection([], colors=CRITIC, alpha=.35, capstyle="butt", zorder=2)
    ax.add_collection(lines)
    load(lines, x, x_fake, moved)
    for height in (GAP, -GAP):
        ax.axhline(height, color=CRITIC, lw=.8)
    ax.set(yticks=[], xlabel="$x$")
    ax.spines["left"].set_visible(False)
    return hanging, lines


def load(lines, x, x_fake, moved):
    """Lay the lines of a plan (n, m) between fake atoms (m,) below and real ones (n,) above."""
    i, j = np.nonzero(moved > 1e-12)
    lines.set_segments([[(x_fake[b], -GAP), (x[a], GAP)] for a, b in zip(i, j)])
    lines.set_linewidths(WIDEST * moved[i, j])


def areas(left, right, x, x_fake, p, q):
    """W as one area, read twice: left between the quantile functions, right between F and G.

    x, x_fake, p, q: atoms and their weights.
    """
    t = np.linspace(0, 1, 2001)[:-1] + 2.5e-4     # middles of steps: no level is a tie
    quantile = lambda x, p: np.asarray(x)[np.searchsorted(np.cumsum(p)[:-1], t)]
    real, fake = quantile(x, p), quantile(x_fake, q)
    left.fill_between(t, real, fake, color=SKY, alpha=.4, lw=0)
    left.plot(t, real, color=REAL, lw=2, label="real, $F^{-1}$")
    left.plot(t, fake, color=FAKE, lw=2, label="fake, $G^{-1}$")
    left.set(xlabel="level $t$", ylabel="$x$", title="by quantiles")
    line = np.linspace(min(*x, *x_fake) - .5, max(*x, *x_fake) + .5, 2001)
    F, G = (share_below(line, *density) for density in ((x, p), (x_fake, q)))
    right.fill_between(line, F, G, color=SKY, alpha=.4, lw=0)
    right.plot(line, F, color=REAL, lw=2, label="real, $F$")
    right.plot(line, G, color=FAKE, lw=2, label="fake, $G$")
    right.set(xlabel="$x$", title="by distribution functions")
    left.legend(frameon=False, loc="upper left")
    right.legend(frameon=False, loc="lower right")


def parallel_lines(left, right, theta=.5):
    """The two segments of step 5 and their plan; W, JS and TV against the distance."""
    for at, colour, name in ((0, REAL, "real"), (theta, FAKE, "fake")):
        left.plot([at, at], [0, 1], color=colour, lw=5, solid_capstyle="butt")
        left.text(at, 1.05, name, color=colour if at == 0 else "#8a5a00", ha="center")
    for height in np.linspace(.1, .9, 5):
        left.annotate("", (.02, height), (theta - .02, height),
                      arrowprops=dict(arrowstyle="-|>", color=CRITIC, lw=1.2))
    left.text(theta / 2, -.04, "$\\theta$", ha="center", va="top")
    left.set(xlim=(-.25, theta + .25), ylim=(-.2, 1.2), xticks=[], yticks=[])
    left.spines[:].set_visible(False)
    away = np.linspace(-2, 2, 401)
    right.plot(away, np.abs(away), color=GOOD, lw=2.2)
    right.text(1.72, 1.82, "$W$", color=GOOD, ha="right", fontsize=11)
    for height, name in ((1, "TV = 1"), (np.log(2), "JS = log 2")):
        right.axhline(height, color=BAD, lw=2.2, ls="-" if height < 1 else "--")
        right.plot([0], [height], "o", mfc="white", color=BAD, ms=6)
        right.text(-2, height + .05, name, color=BAD, fontsize=10)
    right.plot([0], [0], "o", color=CRITIC, ms=6)
    right.set(xlabel="$\\theta$", xlim=(-2.05, 2.05), ylim=(-.1, 2.1))


def sample_distances(ax, sizes, means):
    """Mean distances of two samples of one distribution against their size: dimension -> (k,).

    Dotted beside each, through its last point, the power that theory gives: n^(-1/2) on the line
    and n^(-1/d) above it.
    """
    sizes = np.asarray(sizes, dtype=float)
    for (d, values), colour in zip(means.items(), (CRITIC, REAL, GOOD, BAD)):
        ax.loglog(sizes, values, "o-", color=colour, lw=2, ms=5)
        ax.loglog(sizes, values[-1] * (sizes / sizes[-1]) ** (-1 / max(d, 2)), ":", color=colour)
        ax.text(1.06 * sizes[-1], values[-1], f"$d = {d}$", color=colour, va="center")
    ax.set(xlabel="$n$", ylabel="distance of two samples", xlim=(sizes[0] * .9, sizes[-1] * 1.5))
    ax.set_xticks(sizes, [f"{n:g}" for n in sizes])
    ax.set_yticks([.1, .3, 1, 3], ["0.1", "0.3", "1", "3"])
    ax.minorticks_off()


def share_below(line, x, p):
    """Distribution function of atoms x of weights p: (k,), (n,), (n,) -> (k,)."""
    return (np.asarray(p) * (np.asarray(x) <= np.asarray(line)[:, None])).sum(1)


def plan_tables(axes, plans, x, x_fake, p, q):
    """Transport plans (n, m) as heat maps, with their marginals as bars: title -> plan.

    Rows are real atoms x with masses p, columns fake ones x_fake with masses q; each entry is
    written into its field.
    """
    top = max(moved.max() for moved in plans.values())
    for ax, (title, moved) in zip(axes, plans.items()):
        n, m = moved.shape
        ax.imshow(moved, cmap="Blues", vmin=0, vmax=1.25 * top, aspect="auto",
                  extent=(0, m, n, 0))
        for (i, j), mass in np.ndenumerate(moved):
            ax.text(j + .5, i + .5, f"{mass:.2f}" if mass > 1e-12 else "0", ha="center",
                    va="center", color="white" if mass > .7 * top else CRITIC)
        ax.barh(np.arange(n) + .5, p, left=m + .1, height=.6, color=REAL)
        for i, mass in enumerate(p):
            ax.text(m + .15 + mass, i + .5, f"{mass:g}", va="center", color=REAL)
        ax.bar(np.arange(m) + .5, -np.asarray(q), bottom=-.1, width=.6, color=FAKE)
        for j, mass in enumerate(q):
            ax.text(j + .5, -.18 - mass, f"{mass:g}", ha="center", color="#8a5a00")
        ax.set(xlim=(0, m + 1), ylim=(n, -1.05), title=title)
        ax.set_xticks(np.arange(m) + .5, [f"fake at {at:g}" for at in x_fake])
        ax.set_yticks(np.arange(n) + .5, [f"real at {at:g}" for at in x])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.title.set_fontsize(11)


def cones(ax, x, x_fake, h, f):
    """The cones |x - x_fake[j]| - h[j] and their lower envelope f: (k,) -> (k,), with all atoms."""
    low, high = min(*x, *x_fake) - 2, max(*x, *x_fake) + 2
    line = np.linspace(low, high, 601)
    for at, height in zip(x_fake, h):
        ax.plot(line, np.abs(line - at) - height, color=FAKE, lw=1.2, ls="--")
    ax.plot([], [], color=FAKE, lw=1.2, ls="--", label="cones $|x-\\tilde x_j|-h_j$")
    ax.plot(line, f(line), color=CRITIC, lw=2.6, label="their lower envelope $f$")
    ax.plot(x, f(np.asarray(x)), "o", color=REAL, ms=8, label="$f$ at real atoms")
    ax.plot(x_fake, f(np.asarray(x_fake)), "o", color=FAKE, ms=8, label="$f$ at fake atoms")
    bottom = f(line).min()
    ax.set(xlabel="$x$", ylim=(bottom - .6, f(line).max() + 1.2), xlim=(low, high))
    ax.legend(frameon=False, loc="lower center", ncols=4, fontsize=9, bbox_to_anchor=(.5, 1))


def drag_atoms():
    """Two fake atoms to be dragged before three real ones, and the mass of the first.

    Left the best plan moves, right G and the area between F and G; the title gives the least cost
    and JS. A menu chooses the distance or its square.
    """
    return _dragged(first=slider(0.0, 8.0, .1, 2.0, "first fake atom at"),
                    second=slider(0.0, 8.0, .1, 5.0, "second fake atom at"),
                    share=slider(0.0, 1.0, .05, .5, "mass of the first"))


def drag_second():
    """The same where the first fake atom stands at 1 with mass 0.4: only the second is dragged."""
    return _dragged({"first": 1.0, "share": .4},
                    second=slider(2.0, 8.0, .1, 4.0, "second fake atom at"))


def _dragged(held=None, **controls):
    """The Explorer of both: `held` are the numbers that no control moves."""
    held = held or {}
    line = np.linspace(0, 8, 801)
    F = share_below(line, X_REAL, P_REAL)

    def setup(figure):
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
        title = figure.suptitle(" ", fontsize=11)
        hanging, lines = atoms(left, X_REAL, np.array([2., 5.]), P_REAL, [.5, .5], np.zeros((3, 2)))
        left.set(xlim=(-.4, 8.4), ylim=(-1.35, .95))
        left.legend(frameon=False, loc="lower right", fontsize=9)
        right.plot(line, F, color=REAL, lw=2, label="$F$")
        G, = right.plot(line, F, color=FAKE, lw=2, label="$G$")
        area = right.fill_between(line, F, F, color=SKY, alpha=.45, lw=0)
        right.set(xlabel="$x$", ylim=(-.03, 1.05),
                  title="the blue area is the cost of $|x-\\tilde x|$")
        right.title.set_fontsize(10)
        right.legend(frameon=False, loc="upper left")
        open_axes(left, right)
        return list(hanging), lines, G, area, title

    def update(artists, power, **numbers):
        bars, lines, G, area, title = artists
        first, second, share = ((held | numbers)[name] for name in ("first", "second", "share"))
        x_fake, q = np.array([first, second]), np.array([share, 1 - share])
        for bar, place, weight in zip(bars, x_fake, q):
            bar.set(x=place - .11, height=-weight)
        load(lines, X_REAL, x_fake, monotone_plan(X_REAL, x_fake, P_REAL, q))
        below = share_below(line, x_fake, q)
        G.set_ydata(below)
        area.set_data(line, F, below)
        cost = earth_mover(X_REAL, x_fake, P_REAL, q, power) ** power
        name = {1: "$|x-\\tilde x|$", 2: "$(x-\\tilde x)^2$"}[power]
        title.set_text(f"least cost with {name}: {cost:.4f}"
                       f"      JS = {js_of_atoms(X_REAL, x_fake, P_REAL, q):.4f}")

    controls["power"] = choice({"distance": 1, "distance squared": 2}, 1, "cost of a path")
    return Explorer(
        setup, update, controls,
        figsize=(8.4, 3.4),
        alt="Left, three real atoms above the line, two fake ones below it, and the paths of "
            "the optimal plan; right, both distribution functions and the area between them. The "
            "title gives the least cost.")


def js_of_atoms(x, x_fake, p, q):
    """JS in nats of two sets of atoms: they share only what lies at the very same place."""
    places = np.union1d(x, x_fake)
    weights_of = lambda at, w: np.array([w[np.asarray(at) == place].sum() for place in places])
    a, b = weights_of(x, p), weights_of(x_fake, q)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = [np.where(w > 0, w * np.log(2 * w / (a + b)), 0).sum() / 2 for w in (a, b)]
    return abs(float(sum(terms)))


# -- W and JS against the distance -----------------------------------------------------------------

_Z = np.linspace(-8, 8, 193)
_SHARE = np.exp(-_Z ** 2 / 2) / np.exp(-_Z ** 2 / 2).sum()


def _js_curve(theta, sd, sd_fake):
    """JS of N(0, sd²) and N(theta, sd_fake²) and its slope in theta: (k,) -> (k,), (k,).

    A width of 0 is an atom. Expectations are sums over the standard Normal's grid _Z.
    """
    if min(sd, sd_fake) == 0:
        same = (theta == 0) & (sd == sd_fake)
        return np.where(same, 0, np.log(2)), np.zeros_like(theta)
    log_ratio = lambda x: (((x - theta[:, None]) / sd_fake) ** 2 / 2
                           - (x / sd) ** 2 / 2 + np.log(sd_fake / sd))
    real = log_ratio(sd * _Z[None, :])                                            # (k, grid)
    fake = log_ratio(theta[:, None] + sd_fake * _Z)
    value = np.log(2) - (softplus(-real) @ _SHARE + softplus(fake) @ _SHARE) / 2
    score = _Z / sd_fake - (theta[:, None] + sd_fake * _Z) / sd ** 2    # its slope at the fakes
    return value, -(expit(fake) * score) @ _SHARE / 2


def _w_curve(theta, sd, sd_fake):
    """W₁ of the same laws and its slope, in closed form (step 6 of the lesson)."""
    s = abs(sd - sd_fake)
    if s == 0:
        return np.abs(theta), np.sign(theta)
    slope = 1 - 2 * ndtr(-theta / s)
    return np.sqrt(2 / np.pi) * s * np.exp(-(theta / s) ** 2 / 2) + theta * slope, slope


def distances():
    """W and JS, and below them their slopes, against the distance of two Normals.

    Sliders move the distance and both widths; dots mark the present state.
    """
    theta, x = np.linspace(-8, 8, 161), np.linspace(-9, 9, 721)

    def setup(figure):
        axes = figure.subplot_mosaic([["laws", "W", "JS"], ["laws", "W slope", "JS slope"]],
                                     width_ratios=(1.2, 1, 1))
        title = figure.suptitle(" ", fontsize=11)
        laws = [axes["laws"].plot(x, x, color=colour, lw=2, label=label)[0]
                for colour, label in ((REAL, "real, $p$"), (FAKE, "fake, $q$"))]
        axes["laws"].set(xlabel="$x$", yticks=[], ylim=(0, .85), xlim=(x[0], x[-1]))
        axes["laws"].spines["left"].set_visible(False)
        axes["laws"].legend(frameon=False, loc="upper left", fontsize=9)
        curves, dots = [], []
        limits = {"W": (-.4, 8.4), "JS": (-.04, .8), "W slope": (-1.15, 1.15),
                  "JS slope": (-.5, .5)}
        for name, colour in (("W", GOOD), ("W slope", GOOD), ("JS", BAD), ("JS slope", BAD)):
            ax = axes[name]
            curves += ax.plot(theta, theta, color=colour, lw=2)
            dots += ax.plot([0], [0], "o", color=CRITIC, ms=6)
            ax.set(title=name if "slope" not in name else f"slope of {name.split()[0]}",
                   ylim=limits[name], xlim=(-8, 8))
            ax.title.set_fontsize(10)
            ax.axhline(0, color=CRITIC, lw=.5)
            if "slope" in name:
                ax.set_xlabel("distance")
            else:
                ax.tick_params(labelbottom=False)
        open_axes(*axes.values())
        return laws, curves, dots, title

    def update(artists, distance, sd, sd_fake):
        laws, curves, dots, title = artists
        for line, place, width in zip(laws, (0, distance), (sd, sd_fake)):
            spike = np.where(np.abs(x - place) < .02, np.inf, 0)
            density = Normal(0, width).pdf(x - place) if width else spike
            line.set_ydata(np.minimum(density, .85))                  # .85 ends the picture
        drawn = [*_w_curve(theta, sd, sd_fake), *_js_curve(theta, sd, sd_fake)]
        at = np.array([distance])
        here = [float(v[0]) for v in (*_w_curve(at, sd, sd_fake), *_js_curve(at, sd, sd_fake))]
        if min(sd, sd_fake) > 0:                                      # the title: by quadrature
            p, q = Normal(0, sd), Normal(distance, sd_fake)
            here[2:] = js(p, q), js_slope(p, q)
        for curve, dot, values, value in zip(curves, dots, drawn, here):
            curve.set_ydata(values)
            dot.set_data(at, [value])
        title.set_text(f"W = {here[0]:.4f}, slope {here[1]:+z.4f}"
                       f"          JS = {here[2]:.4f}, slope {here[3]:+z.4f}")

    controls = dict(distance=slider(-8.0, 8.0, .1, 3.0, "distance"),
                    sd=slider(0.0, 2.0, .1, 1.0, "width of p"),
                    sd_fake=slider(0.0, 2.0, .1, 1.0, "width of q"))
    return Explorer(
        setup, update, controls,
        figsize=(8.4, 3.7),
        alt="Left, a real and a fake density; then W and JS against their distance, and below "
            "each its slope. The title gives all four numbers.")


# -- plans and potentials in the plane -------------------------------------------------------------

def paths(ax, x, x_fake, moved, f, reach):
    """Points (n, 2) and (m, 2), the plan's entries as lines, over shades of a potential.

    moved (n, m) is the plan, f: (k, 2) -> (k,) the potential.
    """
    line, grid = square_grid(reach, 120)
    heights = f(grid).reshape(120, 120)
    ax.contourf(line, line, heights, levels=14, cmap="Greys_r", alpha=.6)
    ax.contour(line, line, heights, levels=14, colors="white", linewidths=1, linestyles="solid")
    i, j = np.nonzero(moved > 1e-12)
    segments = [[x_fake[b], x[a]] for a, b in zip(i, j)]
    widths = np.clip(.9 * moved[i, j] / moved.max(), .4, None)
    ax.add_collection(LineCollection(segments, colors=CRITIC, zorder=2, linewidths=widths))
    ax.scatter(*np.asarray(x).T, s=16, color=REAL, label="real", zorder=3)
    ax.scatter(*np.asarray(x_fake).T, s=16, color=FAKE, label="fake", zorder=3)
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.legend(frameon=True, loc="upper left", fontsize=9)


def climb(left, right, values, cost, x, potential, exact):
    """Left the dual value (rounds,) climbs to the cost of the best plan, right the potential found.

    potential, exact (k,): at the places x (k,), less constants.
    """
    left.plot(values, color=BAD, lw=1.6, label="dual value")
    left.axhline(cost, color=CRITIC, lw=4, alpha=.35, label="cost of the optimal plan")
    left.set(xlabel="round", xscale="log", title="never above the cost")
    right.plot(x, exact, color=CRITIC, lw=4, alpha=.35, label="exact $f^*$, slope $\\pm1$")
    right.plot(x, potential, color=BAD, lw=1.6, label="potential found by ascent")
    right.set(xlabel="$x$", title="the critic")
    for ax in (left, right):
        ax.legend(frameon=False)


def trail(axes, snapshots, x, labels):
    """Snapshots of fakes (m, 2) on their way to the real points (n, 2), one on each axes."""
    for ax, fakes, label in zip(axes, snapshots, labels):
        ax.scatter(*np.asarray(x).T, s=5, color=REAL, alpha=.5, lw=0)
        ax.scatter(*np.asarray(fakes).T, s=7, color=FAKE, alpha=.8, lw=0)
        ax.set(xlim=(-3, 3), ylim=(-3, 3), xticks=[], yticks=[], aspect="equal", title=label)
        ax.title.set_fontsize(10)


# -- digits made of ink ----------------------------------------------------------------------------

def ink_paths(ax, places, p, q, moved=None, f=None, side=28, most=None):
    """What two digits do not share: surplus of p blue, surplus of q orange, common ink grey.

    A plan as lines, a potential as contours: places (side², 2) rows and columns; p, q (side²,);
    moved (side², side²) and f: (k, 2) -> (k,), or None; of the paths, the `most` heaviest. A plus
    stands where the surplus of p is highest on f, near it, a minus where q's is lowest.
    """
    top = max(p.max(), q.max())
    sheet = np.ones((side, side, 3))
    shares = (np.minimum(p, q), "#bbbbbb"), (np.clip(p - q, 0, None), REAL), (
        np.clip(q - p, 0, None), FAKE)
    for mass, colour in shares:
        shade = np.clip(mass / top, 0, 1).reshape(side, side, 1) ** .6
        sheet -= shade * (1 - _rgb(colour))
    ax.imshow(np.clip(sheet, 0, 1), interpolation="nearest")
    if f is not None:
        heights = f(places).reshape(side, side)
        ax.contour(heights, levels=np.arange(np.floor(heights.min()), heights.max(), 2),
                   colors="#777777", linewidths=.9, linestyles="solid")
        for surplus, sign, mark in ((p - q, 1, "+"), (q - p, -1, "−")):
            here = np.where(surplus.reshape(side, side) > .2 * top, sign * heights, -np.inf)
            peaks = (here == maximum_filter(here, 9)) & np.isfinite(here)
            for row, column in np.argwhere(peaks):
                ax.text(column, row, mark, ha="center", va="center", fontsize=16, weight="bold",
                        color=CRITIC)
    if moved is not None:
        i, j = np.nonzero(moved > 1e-9)
        heaviest = np.argsort(-moved[i, j], kind="stable")[:most]
        i, j = i[heaviest], j[heaviest]
        width = np.clip(1.6 * moved[i, j] / moved.max(), .4, None)
        segments = [[places[b][::-1], places[a][::-1]] for a, b in zip(i, j)]     # a column is an x
        ax.add_collection(LineCollection(segments, colors=CRITIC, linewidths=width, alpha=.7))
    ax.set_axis_off()


def one_ink(ax, p, colour, side=28):
    """One digit (side²,) in shades of a colour."""
    shade = (p / p.max()).reshape(side, side, 1) ** .6
    ax.imshow(1 - shade * (1 - _rgb(colour)), interpolation="nearest")
    ax.set_axis_off()


def _rgb(colour):
    """"#rrggbb" -> (3,) from 0 to 1."""
    return np.array([int(colour[k:k + 2], 16) for k in (1, 3, 5)]) / 255


def ink(places, weights, side=28):
    """Ink lying anywhere on the pixels around it: places (k, 2), weights (k,) -> (side, side).

    The total stays: each part goes to four pixels, in bilinear shares.
    """
    low = np.clip(np.floor(places).astype(int), 0, side - 2)
    part = places - low
    sheet = np.zeros((side, side))
    for down in (0, 1):
        for across in (0, 1):
            share = np.abs(1 - down - part[:, 0]) * np.abs(1 - across - part[:, 1])
            np.add.at(sheet, (low[:, 0] + down, low[:, 1] + across), weights * share)
    return sheet


def walk(axes, places, p, q, moved, shares=(0, .25, .5, .75, 1)):
    """Upper row, ink on its way along the plan; lower row, q faded into p.

    places (side², 2); p, q (side²,); moved (side², side²). Both rows are smoothed by half a pixel,
    since ink on its way lands between pixels.
    """
    i, j = np.nonzero(moved > 1e-12)
    top = max(p.max(), q.max())
    for (upper, lower), share in zip(np.transpose(axes), shares):
        on_the_way = ink((1 - share) * places[j] + share * places[i], moved[i, j])
        faded = ((1 - share) * q + share * p).reshape(on_the_way.shape)
        for ax, sheet in ((upper, on_the_way), (lower, faded)):
            pictures(ax, np.clip(2.4 * gaussian_filter(sheet, .5) / top - 1, -1, 1)[None, None])
        upper.set_title(f"{share:g}")
    for ax, name in zip(axes[:, 0], ("moved", "faded")):
        ax.text(-3, 14, name, rotation=90, va="center", ha="right")


def neighbours(axes, queries, truth, shelf, labels, found):
    """Digits above their nearest neighbours by each distance: some on which these disagree.

    queries (m, h, w) and shelf (n, h, w) from 0 to 255, as floats; truth (m,), labels (n,); found:
    name -> (m,) indices into the shelf. A neighbour of the wrong class has an orange frame.
    """
    rows = np.stack([labels[at] for at in found.values()])
    disagree = (rows != rows[0]).any(0)
    first = np.resize(np.argsort(~disagree, kind="stable"), axes.shape[1])
    for column, k in zip(axes.T, first):
        named = [(queries[k], truth[k]), *((shelf[at[k]], labels[at[k]]) for at in found.values())]
        for ax, (sheet, label) in zip(column, named):
            pictures(ax, (sheet / 127.5 - 1)[None, None])
            right = label == truth[k]
            ax.set_title(str(label), fontsize=10, color=CRITIC if right else BAD, pad=2)
            if not right:
                ax.set_axis_on()
                ax.set(xticks=[], yticks=[])
                ax.spines[:].set(visible=True, color=BAD, linewidth=1.6)
    for ax, name in zip(axes[:, 0], ("asked", *found)):
        ax.text(-4, 14, name, va="center", ha="right")


def measured(axes, sets, values, most=12):
    """The first pictures of each set, with its distance to real digits where it has one.

    sets: name -> (n, h, w) from 0 to 1; values: name -> distance.
    """
    for ax, (name, shown) in zip(axes, sets.items()):
        pictures(ax, 2 * np.asarray(shown)[:most, None] - 1, columns=4, gap=2)
        distance = f"$W = {values[name]:.2f}$" if name in values else ""
        ax.set_title(f"{name}\n{distance}", fontsize=11)


def idea(axes, places=(12, 8, 2)):
    """Fakes on their way to the data, as in lesson 02, with JS and W."""
    for ax, distance in zip(axes, places):
        p, q = Normal(0, 1), Normal(distance, 1)
        x = np.linspace(-4, max(places) + 4, 400)
        draw_density(ax, x, p, REAL, "real, $p$")
        draw_density(ax, x, q, FAKE, "fake, $q$")
        ax.annotate("", (.1, .2), (distance - .1, .2),
                    arrowprops=dict(arrowstyle="-|>", color=CRITIC, lw=1.4))
        ax.set(yticks=[], xlabel="$x$", title=f"JS = {js(p, q):.3f},  W = {distance:g}")
        ax.title.set_fontsize(11)
        ax.spines["left"].set_visible(False)
    axes[-1].legend(frameon=False, loc="upper right", handlelength=1)
