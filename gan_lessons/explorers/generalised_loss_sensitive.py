"""Pictures of notebooks/10_generalised_loss_sensitive.ipynb: what a surplus over the margin is
worth, and what that makes of the loss function l.
"""
from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from ..drawing.explorer import Explorer, slider
from ..drawing.plots import BAD, CRITIC, FAKE, GOOD, REAL, SKY, THIRD, open_axes, smooth
from ..exact.generalised_loss_sensitive import FAKE_POINTS, REAL_POINTS, capped_transport
from ..exact.laws import Normal
from ..players.modes import evaluating

# five pairs: the i-th real sample and the i-th fake one, before all fakes are shifted
X_REAL, X_FAKE = np.array([-1.2, -.5, .1, .6, 1.3]), np.array([.3, -1., .7, -.6, .9])
SLOPES = np.linspace(-1, 3, 161)
NUS = np.arange(-4, .1, .5)
KINDS = {"shortfall": BAD, "just right": CRITIC, "surplus": GOOD}             # a > 0, 0, below 0


def leaky(a, nu):
    """C_ν(a) = max(a, ν a) for NumPy arrays; see objectives/loss_sensitive.py."""
    return np.maximum(a, nu * a)


def slope(a, nu):
    """C_ν′(a): 1 above 0, ν below, and their mean at 0, as torch has it."""
    return np.where(a > 0, 1., np.where(a < 0, nu, (1 + nu) / 2))


def cost_functions(left, right):
    """Left one pair under three loss functions, right the cost of its violation under four ν."""
    x = np.linspace(-.6, 2.6, 50)
    left.plot(x, abs(x), color=CRITIC, lw=1, ls=":", label="$l(x)+\\Delta$")
    for height, colour, text in [(1, BAD, "shortfall, $a=1$"), (2, CRITIC, "just right, $a=0$"),
                                 (3, GOOD, "surplus, $a=-1$")]:
        left.plot([0, 2], [0, height], color=colour, lw=1.5)
        left.plot([2], [height], "o", color=colour, ms=7)
        left.annotate(text, (2, height), xytext=(8, -3), textcoords="offset points", color=colour,
                      fontsize=9)
    left.plot([0], [0], "o", color=REAL, ms=8, label="real")
    left.plot([2], [0], "o", color=FAKE, ms=8, label="fake")
    left.set(xlim=(-.7, 3.9), ylim=(-.3, 3.6), xlabel="$x$", ylabel="loss $l$",
             title="on the fake, $l$ should be $\\Delta=2$ higher")
    left.legend(frameon=False, loc="upper left", fontsize=9)
    cost_curves(right)


def cost_curves(ax, reach=2.2):
    """C_ν for four ν, named at their left ends; no cost may lie in the region C(a) < a."""
    a = np.linspace(-reach, reach, 201)
    ax.fill_between(a, a, -3, color=BAD, alpha=.08, lw=0)
    for nu, colour, name in [(1, BAD, "$\\nu=1$\nWGAN"), (.5, THIRD, "$\\nu=.5$"),
                             (0, CRITIC, "$\\nu=0$\nLS-GAN"), (-1, GOOD, "$\\nu=-1$\n$|a|$")]:
        ax.plot(a, leaky(a, nu), color=colour, lw=2)
        ax.text(-reach - .15, -reach * nu, name, color=colour, fontsize=9, ha="right", va="center")
    ax.text(2.1, -1.6, "not allowed: $C(a)<a$", color=BAD, fontsize=9, ha="right")
    ax.set(xlabel="violation $a$ (left of 0: surplus)", xlim=(-3.7, reach), ylim=(-2.6, 2.6),
           title="cost $C_\\nu(a)$")


# -- straight loss functions -----------------------------------------------------------------------

def straight(k, nu, shift):
    """Five pairs under l(x) = k x: violations a (..., 5), S = mean C_ν(a), and dS/dk (...).

    k: a number or an array (m,).
    """
    ahead = X_FAKE + shift - X_REAL
    a = abs(ahead) - np.multiply.outer(k, ahead)
    return a, leaky(a, nu).mean(-1), (-slope(a, nu) * ahead).mean(-1)


def costs():
    """Five pairs under a straight loss function; sliders for ν, its slope k, a shift of the fakes.

    Left the samples on the line l(x) = k x, the push on each of their losses, and a step for each
    pair, as wide as its margin and as high as l rises from real to fake; right their violations on
    the curve C_ν, below S against k.
    """
    def setup(figure):
        axes = figure.subplot_mosaic([["pairs", "cost"], ["mean", "mean"]], height_ratios=(1.3, 1))
        left, centre, right = axes["pairs"], axes["cost"], axes["mean"]
        title = figure.suptitle(" ", fontsize=11)
        line, = left.plot([-3, 5], [0, 0], color=CRITIC, lw=1.5)
        steps = [left.plot([0, 0], [0, 0], lw=1.3, alpha=.9, zorder=1.5)[0] for _ in X_REAL]
        points = [left.plot([], [], "o", color=colour, ms=6, label=name)[0]
                  for colour, name in [(REAL, "real"), (FAKE, "fake")]]
        pushes = [left.plot([], [], color=colour, lw=2.5, alpha=.8)[0] for colour in (REAL, FAKE)]
        tips = [left.plot([], [], ls="", marker=mark, color=colour, ms=6)[0]
                for colour in (REAL, FAKE) for mark in ("^", "v")]
        left.set(xlim=(-2, 4.2), ylim=(-4, 7), xlabel="$x$", title="pushes on the values of $l$")
        left.legend(frameon=False, fontsize=9.5, loc="upper left")
        a = np.linspace(-7, 6, 200)
        centre.plot(a, a, color=CRITIC, lw=1, ls=":")
        curve, = centre.plot(a, a, color=CRITIC, lw=2)
        dots = [centre.plot([], [], "o", color=colour, ms=7, label=name)[0]
                for name, colour in KINDS.items()]
        centre.legend(frameon=False, fontsize=9.5, loc="upper left")
        centre.set(xlim=(-7, 6), ylim=(-7, 7), xlabel="violation $a$",
                   title="cost $C_\\nu$ and the five pairs")
        total, = right.plot(SLOPES, SLOPES, color=CRITIC, lw=2)
        here, = right.plot([], [], "o", color=FAKE, ms=9)
        right.axvline(1, color=CRITIC, lw=.8, ls=":")
        right.set(xlim=(-1, 3), ylim=(-2, 4), xlabel="slope $k$ of $l$", ylabel="$S$, mean cost")
        open_axes(left, centre, right)
        return line, steps, points, pushes, tips, curve, dots, total, here, title

    def update(artists, nu, k, shift):
        line, steps, points, pushes, tips, curve, dots, total, here, title = artists
        x_fake = X_FAKE + shift
        a, S, dS = straight(k, nu, shift)
        line.set_ydata([-3 * k, 5 * k])
        kinds = np.where(a > 1e-9, 0, np.where(a < -1e-9, 2, 1))        # places in KINDS
        for step, kind, x, y in zip(steps, kinds, X_REAL, x_fake):
            step.set_data([x, y, y], [k * x, k * x, k * y])
            step.set_color(list(KINDS.values())[kind])
        push, gap = slope(a, nu), np.full(5, np.nan)      # l(x) goes down by C′, l(g(z)) up
        sides = [(X_REAL, -1), (x_fake, 1)]
        for (x, sign), dot, bar, up, down in zip(sides, points, pushes, tips[::2], tips[1::2]):
            ends = k * x + sign * push
            dot.set_data(x, k * x)
            # five strokes as one line (15,): the nan between two of them lifts the pen
            bar.set_data(np.stack([x, x, gap], 1).ravel(), np.stack([k * x, ends, gap], 1).ravel())
            up.set_data(x[sign * push > 0], ends[sign * push > 0])
            down.set_data(x[sign * push < 0], ends[sign * push < 0])
        curve.set_ydata(leaky(curve.get_xdata(), nu))
        for kind, some in enumerate(dots):
            some.set_data(a[kinds == kind], leaky(a[kinds == kind], nu))
        total.set_ydata(straight(SLOPES, nu, shift)[1])
        here.set_data([k], [S])
        wish = ("l wants to be steeper" if dS < -1e-9 else
                "l wants to be flatter" if dS > 1e-9 else
                "l is content")
        title.set_text(f"S = {S:.4f}      dS/dk = {dS:+z.4f}: {wish}")

    return Explorer(
        setup, update,
        dict(nu=slider(-2.0, 1.0, .05, 0.0, "ν, worth of a surplus"),
             k=slider(-1.0, 3.0, .1, .5, "k, slope of l"),
             shift=slider(0.0, 3.0, .1, 1.0, "shift of the fakes")),
        figsize=(7.6, 5.8),
        alt="Left, five real and five fake samples on a straight loss function, each pair joined "
            "by a step, with the push on every value; beside it the cost curve with the five "
            "violations on it; below, the mean cost against the slope of the line. The title "
            "gives the mean cost and its derivative.")


# -- a cap for every pair --------------------------------------------------------------------------

def four_and_four(shift, nu):
    """Four real and four fake points (8, 2), their distances (8, 8), and the capped transport."""
    places = np.concatenate([REAL_POINTS, FAKE_POINTS + [shift, 0]])
    distance = np.linalg.norm(places[:, None] - places, axis=-1)
    p = np.repeat([.25, 0], 4)
    return places, distance, capped_transport(p, p[::-1], distance, nu)


def capped():
    """Transport with a cap of (1 - ν)/16 on every pair: sliders for ν and the shift of the fakes.

    Left lines as wide as what the best plan moves between two points, right its work W_ν against ν,
    between W and the mean margin. Everything is solved beforehand.
    """
    shifts = np.round(np.arange(0, 2.01, .2), 1)
    solved = {(s, nu): four_and_four(s, nu) for s in shifts for nu in NUS}

    def setup(figure):
        left, right = figure.subplots(1, 2, width_ratios=(1.2, 1))
        title = figure.suptitle(" ", fontsize=11)
        lines = [left.plot([0, 0], [0, 0], color=CRITIC, alpha=.6, solid_capstyle="round")[0]
                 for _ in range(16)]
        real, = left.plot(*REAL_POINTS.T, "o", color=REAL, ms=9, label="real", zorder=3)
        fake, = left.plot(*FAKE_POINTS.T, "o", color=FAKE, ms=9, label="fake", zorder=3)
        left.set(xlim=(-1.4, 3.1), ylim=(-1.7, 1.9), xlabel="$x_1$", ylabel="$x_2$",
                 title="the plan: width is what moves")
        left.set_aspect("equal")
        left.legend(frameon=False, fontsize=9.5, loc="upper right", ncols=2)
        work, = right.plot(NUS, NUS, color=GOOD, lw=2, label="$W_\\nu$")
        low, = right.plot(NUS, NUS, color=CRITIC, lw=1, ls=":", label="$W$, earth mover")
        high, = right.plot(NUS, NUS, color=SKY, lw=1.4, ls="--", label="$\\mathbb{E}\\,\\Delta$")
        here, = right.plot([], [], "o", color=BAD, ms=8)
        right.axvspan(0, 1, color=BAD, alpha=.08, lw=0)
        right.text(.5, .05, "no plan", color=BAD, fontsize=9.5, rotation=90, ha="center",
                   transform=right.get_xaxis_transform())
        right.set(xlim=(-4, 1), ylim=(0, 2.6), xlabel="$\\nu$", title="its work")
        right.legend(frameon=False, fontsize=9.5, loc="lower left")
        open_axes(left, right)
        return lines, real, fake, work, low, high, here, title

    def update(artists, nu, shift):
        lines, _, fake, work, low, high, here, title = artists
        shift = float(shifts[abs(shifts - shift).argmin()])
        works = [solved[shift, at][2].work for at in NUS]
        fake.set_data(*(FAKE_POINTS + [shift, 0]).T)
        mean = solved[shift, 0.][1][:4, 4:].mean()
        for curve, values in [(work, works), (low, np.full(len(NUS), works[0])),
                              (high, np.full(len(NUS), mean))]:
            curve.set_ydata(values)
        if nu > 0:
            for line in lines:
                line.set_linewidth(0)
            here.set_data([], [])
            return title.set_text(f"ν = {nu:g}: a pair may carry {1 - nu:g}/16,\n"
                                  "all sixteen less than 1. No plan; S has no minimum")
        places, _, best = solved[shift, NUS[abs(NUS - nu).argmin()]]
        for line, (i, j) in zip(lines, np.ndindex(4, 4)):
            line.set_data(*places[[i, 4 + j]].T)
            line.set_linewidth(40 * best.plan[i, 4 + j])
        here.set_data([nu], [best.work])
        title.set_text(f"at most {1 - nu:g}/16 a pair: work $W_\\nu$ = {best.work:.4f}\n"
                       f"earth mover W = {works[0]:.4f}   lowest S = {mean - best.work:.4f}")

    return Explorer(
        setup, update,
        dict(nu=slider(-4.0, 1.0, .5, 0.0, "ν, worth of a surplus"),
             shift=slider(0.0, 2.0, .2, .4, "shift of the fakes")),
        figsize=(7.6, 4.0),
        alt="Left, four real and four fake points in the plane, joined by lines as wide as "
            "what the best capped plan moves; right, the work of that plan against ν, between "
            "the earth mover distance and the mean margin; no plan exists right of 0. The title "
            "gives the cap and the work.")


# -- trainings -------------------------------------------------------------------------------------

def critics(ax, losses, mean, sd):
    """Trained loss functions {ν: l} over the exact ones, each less its mean over the data, N(0, 1).

    The fakes are N(mean, sd²).
    """
    real, fake = Normal(0, 1), Normal(mean, sd)
    x = np.linspace(min(-3.2, mean - 3 * sd), max(3.2, mean + 3 * sd), 61)
    p, q = (law.pdf(x) / law.pdf(x).sum() for law in (real, fake))
    for (nu, l), colour in zip(losses.items(), (CRITIC, GOOD)):
        exact = capped_transport(p, q, abs(x[:, None] - x), nu).l
        ax.plot(x, exact - p @ exact, color=colour, lw=5, alpha=.25)
        ax.plot(x, l(x) - p @ l(x), color=colour, lw=1.5, label=f"$\\nu={nu}$")
    for law, colour in [(real, REAL), (fake, FAKE)]:
        ax.fill_between(x, -2.4 + 2 * law.pdf(x), -2.4, color=colour, alpha=.35, lw=0)
    ax.set(xlabel="$x$", ylabel="$l$", ylim=(-2.4, 8),
           title=f"fakes of mean {mean:g}, sd {sd:g}")
    ax.legend(frameon=False, loc="upper center")


def runaways(ax, logs):
    """Losses {name: (steps,)} of several l against the step, on a scale that is linear near 0."""
    colours, styles = (GOOD, CRITIC, THIRD, BAD, FAKE, SKY), ("-",) * 4 + ("--",) * 2
    for (name, values), colour, style in zip(logs.items(), colours, styles):
        ax.plot(smooth(values), color=colour, ls=style, lw=2, label=name)
    ax.set_yscale("symlog", linthresh=1)
    ax.set(xlabel="step", ylabel="loss of $l$")
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, .5))


def cloud_distance(a, b):
    """Earth mover distance of two clouds of points (n, d): their cheapest one-to-one matching."""
    apart = np.linalg.norm(np.asarray(a)[:, None] - b, axis=-1)
    return apart[linear_sum_assignment(apart)].mean()


def bars(ax, results, colours=(GOOD, FAKE, CRITIC)):
    """Mean and 95 % interval over seeds against ν, and every seed as a faint dot.

    results: {name: {ν: [a number for each seed]}}.
    """
    nus = sorted({nu for by_nu in results.values() for nu in by_nu})
    for place, ((name, by_nu), colour) in enumerate(zip(results.items(), colours)):
        x = np.array([nus.index(nu) for nu in by_nu]) + .2 * (place - (len(results) - 1) / 2)
        middle, half = np.array([interval(values) for values in by_nu.values()]).T
        ax.errorbar(x, middle, half, fmt="o", color=colour, capsize=4, label=name)
        for at, values in zip(x, by_nu.values()):
            ax.plot([at + .06] * len(values), values, ".", color=colour, alpha=.45, ms=6)
    ax.set_xticks(range(len(nus)), [f"{nu:g}" for nu in nus])
    ax.set(xlabel="$\\nu$", xlim=(-.6, len(nus) - .4))


def interval(values):
    """(mean, half width of its 95 % interval) of a few seeds; half width 0 for one."""
    from ..data.label_budget import t_interval  # loads torch, which no drawing here needs
    return t_interval(values) if len(values) > 1 else (float(values[0]), 0.)


def reconstruct(run, pictures, steps: int, starts: int = 2, rate: float = .1, seed: int = 0):
    """The pictures nearest to the given ones that a trained generator can make: (n, c, h, w).

    Adam searches the code of each, from several random codes; the best end counts. run: what
    `train` returned, with an averaged generator g.
    """
    generator, n = run.ema["g"], len(pictures)
    z = run.source.noise(starts * n, seed=seed).clone().requires_grad_()
    wanted, search = pictures.repeat(starts, 1, 1, 1), torch.optim.Adam([z], lr=rate)
    with evaluating(generator):
        for _ in range(steps):
            error = (generator(z) - wanted).square().flatten(1).sum(1)
            z.grad, = torch.autograd.grad(error.sum(), z)
            search.step()
        with torch.no_grad():
            made = generator(z).float()
    error = (made - wanted).square().flatten(1).sum(1).reshape(starts, n)
    return made.reshape(starts, n, *pictures.shape[1:])[error.argmin(0), torch.arange(n)]
