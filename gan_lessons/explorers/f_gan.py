"""Pictures of notebooks/03_f_gan.ipynb: tangents, bounds, and fits."""
from __future__ import annotations

import numpy as np

from ..drawing.explorer import Explorer, choice, slider
from ..drawing.plots import BAD, CRITIC, FAKE, GOOD, REAL, SKY, draw_density, open_axes
from ..exact.f_table import F_DIVERGENCES, f_divergence
from ..exact.laws import Normal, log_ratio

ROWS = [*F_DIVERGENCES[:-2], "alpha", "JS-weighted"]


def row(name):
    """A divergence of the table by name, with α = 1.5 and π = 0.3 for the two families."""
    parameters = {"alpha": dict(alpha=1.5), "JS-weighted": dict(pi=.3)}
    return f_divergence(name, **parameters.get(name, {}))


def tangents():
    """The conjugate by hand: a line of slope t slides up until it touches φ from below.

    Minus its height at 0 is φ*(t), the dot on the right. A menu chooses the divergence, a slider t.
    """
    u, ts = np.linspace(0, 4, 401), np.linspace(-4, 4, 801)

    def setup(figure):
        left, right = figure.subplots(1, 2)
        title = figure.suptitle(" ", fontsize=11)
        phi, = left.plot(u, u, color=CRITIC, lw=2.2, label="$\\varphi(u)$")
        line, = left.plot(u, u, color=BAD, lw=1.6, label="$ut-\\varphi^*(t)$")
        touch, = left.plot([1], [0], "o", color=BAD, ms=7)
        foot, = left.plot([0], [0], "s", color=GOOD, ms=7, clip_on=False)
        left.set(xlabel="$u$", xlim=(0, 4), ylim=(-3, 4))
        left.legend(frameon=False, loc="lower right")
        star, = right.plot(ts, ts, color=CRITIC, lw=2.2)
        dot, = right.plot([0], [0], "s", color=GOOD, ms=7)
        end = right.axvline(0, color=BAD, lw=1, ls=":")
        right.set(xlabel="$t$", xlim=(-4, 4), ylim=(-3, 4), title="$\\varphi^*(t)$")
        for ax in (left, right):
            ax.axhline(0, color=CRITIC, lw=.5)
            open_axes(ax)
        return phi, line, touch, foot, star, dot, end, title

    def update(artists, name, t):
        phi, line, touch, foot, star, dot, end, title = artists
        D = row(name)
        with np.errstate(divide="ignore", invalid="ignore"):
            heights, conjugates, best = D.phi(u), D.conjugate(ts), float(D.conjugate(np.float64(t)))
        phi.set_ydata(np.where(np.isfinite(heights), heights, np.nan))
        star.set_ydata(np.where(np.isfinite(conjugates), conjugates, np.nan))
        end.set_xdata([D.t_max if np.isfinite(D.t_max) else 99] * 2)       # 99: out of sight
        fits = np.isfinite(best)
        line.set_ydata(u * t - best if fits else u * np.nan)
        grid = np.concatenate([[0], np.exp(np.linspace(-9, 9, 4001))])     # u from 1e-4 to 8,000
        with np.errstate(divide="ignore", invalid="ignore"):
            at = grid[np.nanargmax(grid * t - D.phi(grid))]
        touch.set_data([at if fits else np.nan], [at * t - best if fits else np.nan])
        foot.set_data([0], [-best if fits else np.nan])
        dot.set_data([t], [best if fits else np.nan])
        title.set_text(f"{D.name}:   φ*({t:.2f}) = {best:.4f}      touches at u = {at:.3g}"
                       if fits else
                       f"{D.name}:   slope {t:.2f} is not admissible: "
                       "no such line stays below φ, φ* = ∞")

    controls = dict(name=choice(ROWS, "KL", "divergence"), t=slider(-4.0, 4.0, .05, .5, "slope t"))
    return Explorer(
        setup, update, controls,
        figsize=(7.2, 3.4),
        alt="Left, a convex function and the highest line of slope t below it; right, the "
            "conjugate against t. The title gives the conjugate and where the line touches.")


def workbench():
    """Two Normals, a divergence, and a critic that the reader may spoil: its bound and the value.

    Left the densities move, right the best critic T* = φ'(p/q) and the reader's T, whose logit is
    `sharpness` · log p/q + `shift`.
    """
    x = np.linspace(-6, 6, 481)

    def setup(figure):
        left, right = figure.subplots(1, 2)
        title = figure.suptitle(" ", fontsize=11)
        real, = left.plot(x, x, color=REAL, lw=2, label="real, $p$")
        fake, = left.plot(x, x, color=FAKE, lw=2, label="fake, $q$")
        left.set(xlabel="$x$", xlim=(x[0], x[-1]), ylim=(0, 1.02))
        left.legend(frameon=False, loc="upper right")
        best, = right.plot(x, x, color=CRITIC, lw=4, alpha=.3, label="best, $\\varphi'(p/q)$")
        mine, = right.plot(x, x, color=BAD, lw=1.8, label="your $T$")
        bar = right.axhline(0, color=GOOD, lw=1, ls="--", label="threshold $\\varphi'(1)$")
        top = right.axhline(9, color=SKY, lw=1, ls=":", label="$T$ must stay below")
        right.set(xlabel="$x$", xlim=(x[0], x[-1]), ylim=(-6, 6))
        right.legend(frameon=False, loc="lower left", fontsize=9)
        open_axes(left, right)
        return real, fake, best, mine, bar, top, title

    def update(artists, name, p_sd, mean, sd, sharpness, shift):
        real, fake, best, mine, bar, top, title = artists
        D, p, q = row(name), Normal(0, p_sd), Normal(mean, sd)
        c = log_ratio(p, q)
        spoiled = lambda x: D.best(sharpness * c(x) + shift)
        real.set_ydata(p.pdf(x))
        fake.set_ydata(q.pdf(x))
        with np.errstate(over="ignore"):
            best.set_ydata(D.activation(D.best(c(x))))
            mine.set_ydata(D.activation(spoiled(x)))
            exact, bound = D(p, q), D.dual(p, q, v=spoiled)
        bar.set_ydata([D.threshold] * 2)
        top.set_ydata([min(D.t_max, 99)] * 2)
        if np.isinf(exact):
            return title.set_text(
                f"{D.name}:   D = ∞: the ratio p/q grows too fast for this divergence")
        title.set_text(f"{D.name}:   D = {exact:z.4f}      bound at T* = {D.dual(p, q):z.4f}"
                       f"      bound at your T = {bound:z.4f}")

    controls = dict(name=choice(ROWS, "KL", "divergence"),
                    p_sd=slider(.4, 2.0, .1, 1.0, "width of p"),
                    mean=slider(-3.0, 3.0, .1, 1.0, "mean of q"),
                    sd=slider(.4, 2.0, .1, 1.0, "width of q"),
                    sharpness=slider(0.0, 2.0, .05, .6, "sharpness of your critic"),
                    shift=slider(-1.0, 1.0, .05, 0.0, "bias of your critic"))
    return Explorer(
        setup, update, controls,
        figsize=(7.2, 3.4), still=("p_sd", "sd"),
        alt="Left, the densities of data and fakes; right, the best critic of the divergence, "
            "yours and the threshold. The title gives the divergence and both bounds.")


def fits(ax, x, p, curves, colours=(BAD, FAKE, SKY, GOOD, CRITIC)):
    """The data's density p, filled, and a fitted Normal for each divergence: name -> (mean, sd)."""
    draw_density(ax, x, p, REAL, "data, $p$")
    for (name, (mean, sd)), colour in zip(curves.items(), colours):
        ax.plot(x, Normal(mean, sd).pdf(x), color=colour, lw=2, label=name)
    ax.set(xlabel="$x$", yticks=[])
    ax.legend(frameon=False)
