"""Pictures of notebooks/16_variational.ipynb: codes of samples, what they cost, and when they
collapse into the prior.
"""
from __future__ import annotations

import numpy as np

from ..drawing.diagrams import arrow, blank, boxes
from ..drawing.explorer import Explorer, slider
from ..drawing.plots import (
    BAD,
    CRITIC,
    FAKE,
    GOOD,
    REAL,
    SKY,
    THIRD,
    draw_density,
    open_axes,
    pictures,
    sheet,
)
from ..exact.divergences import kl
from ..exact.laws import Mixture, Normal
from ..exact.variational import best_linear

CODES = {"empty codes": (0., 1.), "short codes": (.65, .39), "long codes": (1.25, .08)}
VARIANCES = np.array([4, 2.4, 1.4, .8, .5, .3, .2, .1])
PRIOR = Normal(0, 1)


def codes(step: float, sd: float):
    """p(z | x) of five samples, equally frequent, `step` apart: a list of Normals."""
    return [Normal(step * i, sd) for i in range(-2, 3)]


def split(clouds):
    """(rate, information, aggregate) in nats of equally frequent codes, a list of laws on the line.

    Each is an integral of its own, so that their sum proves something.
    """
    aggregate = Mixture(clouds)
    mean = lambda other: float(np.mean([kl(cloud, other) for cloud in clouds]))
    return mean(PRIOR), mean(aggregate), kl(aggregate, PRIOR)


def three_codes(axes):
    """Codes that say nothing, little and much: p(z | x) of five samples, their sum, the prior."""
    z = np.linspace(-3.6, 3.6, 721)
    for ax, (name, (step, sd)) in zip(axes, CODES.items()):
        clouds = codes(step, sd)
        rate, information, aggregate = (abs(number) for number in split(clouds))
        draw_density(ax, z, PRIOR, CRITIC, "prior $q(z)$")
        for i, cloud in enumerate(clouds):
            ax.plot(z, cloud.pdf(z) / 5, color=REAL, lw=1.2, zorder=3,
                    label="$p(z\\,|\\,x)/5$ of each sample" if i == 0 else None)
        ax.plot(z, Mixture(clouds).pdf(z), color=FAKE, lw=4, alpha=.6, label="their sum $p(z)$")
        ax.set(xlabel="$z$", yticks=[], ylim=(0, 1.05),
               title=f"{name}: {rate:.2f} nats\n= I {information:.2f} + KL {aggregate:.2f}")
    axes[0].legend(frameon=False, fontsize=9.5, loc="upper left", bbox_to_anchor=(0, 1.02))


def architecture(ax):
    """A VAE: encoder, drawn code, decoder and the two costs; dashed, the way to new samples."""
    blank(ax, 10.8, 6)
    ax.set_ylim(-.3, 6)
    drawn = boxes(ax, {"x": (.5, 3.4, "$x$", REAL), "e": (2.6, 3.4, "encoder\n$m, s$", GOOD),
                       "z": (5.3, 3.4, "code\n$z = m + s\\varepsilon$", CRITIC),
                       "d": (8.0, 3.4, "decoder\n$d$", GOOD), "made": (10.1, 3.4, "$d(z)$", FAKE),
                       "noise": (5.3, 5.5, "noise $\\varepsilon$", CRITIC),
                       "prior": (5.3, .9, "prior\n$q(z)$", SKY),
                       "rate": (2.2, .9, "rate: $m, s$\nagainst prior", BAD),
                       "distortion": (8.9, .9, "distortion:\n$x$ against $d(z)$", BAD)},
                  ("x>e", "e>z", "noise>z", "z>d", "d>made", "e>rate", "prior>rate",
                   "made>distortion"), fill=.12, size=12.5, pad=.5)
    ax.plot([.5, .5, 8.9], [3.03, -.2, -.2], color=CRITIC, lw=1.4, zorder=1)    # x>distortion
    arrow(ax, (8.9, -.2), drawn["distortion"])
    arrow(ax, drawn["prior"], drawn["z"], SKY, dashed=True)


# -- explorers -------------------------------------------------------------------------------------

def terms():
    """The terms of a VAE with one direction and data N(0, 1), as the information I(x; z) grows.

    Left the codes of five samples, their aggregate and the prior; right distortion + β · rate for a
    linear decoder of fixed deviation and for the best decoder. Sliders for β, the deviation t, I
    and the width of the aggregate.
    """
    z, amount = np.linspace(-4, 4, 321), np.linspace(0, 3, 181)

    def setup(figure):
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
        title = figure.suptitle(" ", fontsize=10.5)
        draw_density(left, z, PRIOR, CRITIC, "prior $q(z)$")
        names = ["$p(z\\,|\\,x)/2$, $x$ from -2 to 2", *[None] * 4]
        clouds = [left.plot(z, z, color=REAL, lw=1.1, label=name)[0] for name in names]
        whole, = left.plot(z, z, color=FAKE, lw=2.2, label="aggregate $p(z)$")
        left.set(xlabel="$z$", yticks=[], ylim=(0, 1.3), title="the codes")
        left.legend(frameon=False, fontsize=8, loc="upper left")
        fixed, = right.plot(amount, amount, color=GOOD, lw=2.2,
                            label="linear decoder, its sd fixed")
        best, = right.plot(amount, amount, color=THIRD, lw=2.2, ls="--", label="best decoder")
        dots, = right.plot([0, 0], [0, 0], "o", color=CRITIC, ms=7)
        lowest = right.axvline(0, color=GOOD, lw=1, ls=":")
        right.set(xlabel="information $I(x;z)$, nats", ylim=(.5, 6),
                  title="distortion + $\\beta\\cdot$ rate")
        right.legend(frameon=False, fontsize=8, loc="upper right")
        open_axes(left, right)
        return clouds, whole, fixed, best, dots, lowest, title

    def update(artists, beta, sd, information, width):
        clouds, whole, fixed, best, dots, lowest, title = artists
        aggregate = (width ** 2 - 1) / 2 - np.log(width)
        narrow = width * np.exp(-information)
        slope = np.sqrt(width ** 2 - narrow ** 2)
        for x, cloud in zip(range(-2, 3), clouds):
            cloud.set_ydata(Normal(slope * x, narrow).pdf(z) / 2)
        whole.set_ydata(Normal(0, width).pdf(z))
        distortion = lambda I: np.exp(-2 * I) / (2 * sd ** 2) + np.log(sd * np.sqrt(2 * np.pi))
        ideal = lambda I: (1 + np.log(2 * np.pi)) / 2 - I                              # H(x) - I
        cost = lambda I: beta * (I + aggregate)
        fixed.set_ydata(distortion(amount) + cost(amount))
        best.set_ydata(ideal(amount) + cost(amount))
        loss = distortion(information) + cost(information)
        lower = ideal(information) + cost(information)
        dots.set_data([information] * 2, [loss, lower])
        # where the derivative of the loss by I is 0: exp(-2 I) = β t²
        there = max(0., -np.log(max(beta, 1e-300) * sd ** 2) / 2)
        lowest.set_xdata([there] * 2)
        where = "collapsed, I = 0" if there == 0 else f"I = {there:.2f}" if beta > 0 else "I = ∞"
        title.set_text(f"rate {information + aggregate:.3f} = I {information:.3f} + "
                       f"KL(p(z)‖q(z)) {aggregate:.3f}"
                       f"      loss {loss:.3f}, best decoder {lower:.3f}"
                       f"      $\\beta t^2$ = {beta * sd ** 2:.2f}: lowest at {where}")

    return Explorer(
        setup, update,
        dict(beta=slider(0.0, 3.0, .05, 1.0, "β, price of a nat"),
             sd=slider(.2, 2.0, .05, .5, "t, the decoder's sd"),
             information=slider(0.0, 3.0, .05, .5, "I, what a code says"),
             width=slider(.4, 2.0, .05, 1.0, "sd of the aggregate p(z)")),
        figsize=(9.6, 3.5),
        alt="Left, the prior, the codes of five samples and their sum; right, distortion plus "
            "beta times rate against the information, for a linear decoder and for the best "
            "one. The title splits the rate into information and aggregate divergence and says "
            "where the lowest loss lies.")


def water_filling():
    """Eight directions under the water level β t²: which of them get a code, and what that costs.

    Left the squared error that is left of each variance, right squared error against rate. Sliders
    for β and the decoder's deviation t.
    """
    levels = np.geomspace(.02, 8, 200)
    rates = np.array([np.log(np.maximum(VARIANCES / level, 1)).sum() / 2 for level in levels])
    errors = np.array([np.minimum(VARIANCES, level).sum() for level in levels])

    def setup(figure):
        left, right = figure.subplots(1, 2, width_ratios=(1.2, 1))
        title = figure.suptitle(" ", fontsize=10.5)
        places = np.arange(1, len(VARIANCES) + 1)
        left.bar(places, VARIANCES, color=SKY, alpha=.45, label="variance of the data $\\sigma^2$")
        lost = left.bar(places, VARIANCES, color=BAD, width=.5, label="squared error left")
        level = left.axhline(1, color=CRITIC, lw=1.4, ls="--", label="water level $\\beta t^2$")
        left.set(yscale="log", ylim=(.03, 8), xticks=places, xlabel="direction",
                 title="what collapses")
        left.legend(frameon=False, fontsize=8, loc="upper right")
        right.plot(rates, errors, color=CRITIC, lw=3, alpha=.35)
        dot, = right.plot([0], [0], "o", color=GOOD, ms=9)
        right.set(xlabel="rate = information, nats", ylabel="squared error", xlim=(-.2, 9),
                  ylim=(0, 10.5), title="short codes or small errors")
        open_axes(left, right)
        return list(lost), level, dot, title

    def update(artists, beta, sd):
        lost, level, dot, title = artists
        best = best_linear(VARIANCES, beta, sd)
        known, error = best.terms(), best.residual()
        for bar, v in zip(lost, VARIANCES):
            bar.set_height(min(v, beta * sd ** 2))
        level.set_ydata([beta * sd ** 2] * 2)
        dot.set_data([known.rate], [error])
        alive = int((best.noise < 1).sum())
        title.set_text(f"$\\beta t^2$ = {beta * sd ** 2:.3f}: "
                       f"{alive} of {len(VARIANCES)} directions alive"
                       f"      rate {known.rate:.3f} = I {known.information:.3f}"
                       f" + KL(p(z)‖q(z)) {abs(known.aggregate):.3f}"
                       f"      squared error {error:.3f}")

    return Explorer(
        setup, update,
        dict(beta=slider(.1, 8.0, .1, 1.0, "β, price of a nat"),
             sd=slider(.2, 1.5, .05, .7, "t, the decoder's sd")),
        figsize=(9.6, 3.3),
        alt="Left, the variances of eight directions as bars, the water level beta t squared, "
            "and the squared error that is left in each; right, squared error against rate with "
            "a dot at the present state.")


def shared(run, images, codes, count: int = 20):
    """A code z under two sliders: the decoder's picture, the exact mean, the likeliest pictures.

    The mean is that of all `images`, weighted by how likely they share z. run: a game of e and d
    with a code of 2 numbers; images (n, c, h, w) in [-1, 1]; codes: their (m, log s), (n, 2) each.
    """
    import torch

    from ..objectives.variational import code_logpdf
    d = run.ema.get("d", run.players["d"]).eval()
    flat = images.flatten(1)

    def setup(figure):
        decoded, mean, most = figure.subplots(1, 3, width_ratios=(1, 1, 2))
        title = figure.suptitle(" ", fontsize=11)
        blank = np.zeros((count, *images.shape[1:]))
        artists = [pictures(decoded, blank[:1], 1), pictures(mean, blank[:1], 1),
                   pictures(most, blank, count // 2)]
        decoded.set_title("decoder $d(z)$", fontsize=10)
        mean.set_title("mean of those that share $z$", fontsize=10)
        most.set_title("the likeliest of them", fontsize=10)
        return artists, title

    def update(artists, z1, z2):
        (decoded, mean, most), title = artists
        z = torch.tensor([[z1, z2]])
        with torch.no_grad():
            weight = code_logpdf(z, *codes).softmax(1)[0]
            said = d(z)[0]
        exact = (weight @ flat).reshape(said.shape)
        first = weight.topk(count).indices
        decoded.set_data(sheet(said[None].numpy(), 1))
        mean.set_data(sheet(exact[None].numpy(), 1))
        most.set_data(sheet(images[first].numpy(), count // 2))
        crowd = torch.special.entr(weight).sum().exp().item()     # e to the entropy: how many count
        title.set_text(f"about {crowd:,.0f} of {len(images):,} pictures share this z"
                       "      mean square of a pixel between the first two "
                       f"{(said - exact).square().mean():.4f}")

    return Explorer(
        setup, update,
        dict(z1=slider(-2.5, 2.5, .1, 0.0, "z, first number"),
             z2=slider(-2.5, 2.5, .1, 0.0, "z, second number")),
        figsize=(9.2, 2.9),
        alt="The decoder's picture for a code, the mean of many training pictures weighted by "
            "how likely they share that code, and the likeliest of those pictures themselves.")


# -- figures ---------------------------------------------------------------------------------------

def bars(axes, rows):
    """Rows of tiny pictures, one on each axes; rows: name -> (n, h, w) in [0, 1]."""
    for ax, (name, stack) in zip(axes, rows.items()):
        n, height, wide = stack.shape
        strip = stack.transpose(1, 0, 2).reshape(height, -1)                # (h, n · w)
        ax.imshow(strip, cmap="gray_r", vmin=0, vmax=1)
        for border in np.arange(n + 1) * wide - .5:
            ax.plot([border] * 2, [-.5, height - .5], color=SKY, lw=2)
        ax.set_title(name, fontsize=9, loc="left")
        ax.set_axis_off()


def rows_of(ax, stacks):
    """Rows of pictures, each with its name; stacks: name -> (n, c, h, w) in [-1, 1]."""
    joined = [sheet(np.asarray(stack), len(stack)) for stack in stacks.values()]
    grey = {"cmap": "gray_r"} if joined[0].ndim == 2 else {}
    ax.imshow(np.concatenate(joined), vmin=0, vmax=1, interpolation="nearest", **grey)
    high = joined[0].shape[0]
    ax.set_yticks([high * (i + .5) for i in range(len(joined))], list(stacks), fontsize=9)
    ax.set_xticks([])
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)


def map_of_codes(ax, m, labels, count: int = 3000, square: float | None = None):
    """Mean codes (n, 2) coloured by label (n,), over circles of the prior at 1, 2, 3 deviations.

    The first `count` of them; the axes reach as far as they do. square: half the side of a dashed
    square about 0, such as the grid of codes drawn beside them.
    """
    from matplotlib import colormaps
    m, labels = np.asarray(m)[:count], np.asarray(labels)[:count]
    colours = colormaps["tab10"]
    for k in np.unique(labels):
        ax.scatter(*m[labels == k].T, s=5, color=colours(int(k) % 10), lw=0, alpha=.6, label=str(k))
    turn = np.linspace(0, 2 * np.pi, 200)
    for r in (1, 2, 3):
        ax.plot(r * np.cos(turn), r * np.sin(turn), color=CRITIC, lw=.7, ls=":")
    if square is not None:
        corners = square * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
        ax.plot(*corners.T, color=CRITIC, lw=1.6, ls="--")
    reach = max(3.6, 1.05 * float(np.abs(m).max()))
    ax.set(xlabel="$z_1$", ylabel="$z_2$", xlim=(-reach, reach), ylim=(-reach, reach),
           aspect="equal")
