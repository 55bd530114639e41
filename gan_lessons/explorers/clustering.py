"""Pictures of notebooks/19_clustering.ipynb: a prior of one component or of three, components that
follow their codes, and a column of pictures for each component.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from matplotlib.colors import to_rgb
from scipy.special import logsumexp

from ..drawing.explorer import Explorer, choice, slider
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

COLOURS = (REAL, FAKE, GOOD, BAD, THIRD, SKY)
CODES = Mixture([Normal(-2.4, .5), Normal(.1, .45), Normal(2.3, .6)])


def one_component_or_three(axes):
    """Codes of three kinds under three priors: N(0, 1), a Normal as wide as they are, a mixture."""
    z = np.linspace(-6, 6, 601)
    spread = np.sqrt(np.mean([law.mean**2 + law.sd**2 for law in CODES.laws])
                     - np.mean([law.mean for law in CODES.laws])**2)
    priors = {"one hat": Normal(0, 1), "one wide hat": Normal(0, spread),
              "three hats": Mixture([Normal(law.mean, .6) for law in CODES.laws])}
    for ax, (name, prior) in zip(axes, priors.items()):
        draw_density(ax, z, CODES, FAKE, "notes, $p(z)$")
        ax.plot(z, prior.pdf(z), color=CRITIC, lw=2, label="hat, $q(z)$")
        ax.set(xlabel="note $z$", yticks=[], ylim=(0, .48),
               title=f"{name}: KL {kl(CODES, prior):.3f} nats")
    axes[0].legend(frameon=False, fontsize=8, loc="upper left")


# -- components that follow their codes ------------------------------------------------------------

def groups(kinds: int, apart: float, n: int = 160, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """n codes in the plane and their kinds: (n, 2), (n,).

    The kinds are round Normals of deviation 1 whose means lie on a circle of radius `apart`.
    """
    rng = np.random.default_rng(seed)
    y = np.arange(n) % kinds
    turn = 2 * np.pi * y / kinds + .4
    return apart * np.stack([np.cos(turn), np.sin(turn)], 1) + rng.normal(size=(n, 2)), y


def starts(K: int, seed: int) -> dict[str, np.ndarray]:
    """Three ways to place K centres, (K, 2) each: spread, in one corner, one of them far away."""
    rng = np.random.default_rng(seed)
    spread = 2 * rng.normal(size=(K, 2))
    far = spread.copy()
    far[-1] = 14, 8
    return {"spread": spread, "all in one corner": [5, 4] + .05 * rng.normal(size=(K, 2)),
            "one far away": far}


def soft_step(z: np.ndarray, centres: np.ndarray, width: float):
    """A step of EM for q(y) = 1/K, q(z | y) = N(μ_y, width² I): (n, 2), (K, 2) -> three arrays.

    log q(y) q(z | y) (n, K), responsibilities r(y | z) (n, K), and the centres after
    the step (K, 2).
    """
    K = len(centres)
    square = np.square(z).sum(1)[:, None] - 2 * z @ centres.T + np.square(centres).sum(1)  # (n, K)
    log_joint = -square / (2 * width**2) - np.log(2 * np.pi * width**2) - np.log(K)
    log_r = log_joint - logsumexp(log_joint, 1)[:, None]
    share = log_r - logsumexp(log_r, 0)          # of each code in its centre's mean
    return log_joint, np.exp(log_r), np.exp(share).T @ z


@lru_cache(200)
def _way(kinds, apart, K, width, begin, steps=25):
    """The centres before and after each step, (steps + 1, K, 2)."""
    z, way = groups(kinds, apart)[0], [np.asarray(starts(K, 5)[begin])]
    for _ in range(steps):
        way.append(soft_step(z, way[-1], width)[2])
    return np.array(way)


def components_and_codes():
    """EM by hand: 160 codes of four kinds, K components of one width, and where these start.

    Left the centres move along their paths and the codes take the colours of those that answer for
    them; right the share of the codes in each component.
    """
    kinds = 4

    def setup(figure):
        ax, bars = figure.subplots(1, 2, width_ratios=(1.5, 1))
        title = figure.suptitle(" ", fontsize=10.5)
        dots = ax.scatter(np.zeros(160), np.zeros(160), s=14, c=np.zeros((160, 3)), lw=0)
        paths = [ax.plot([], [], color=CRITIC, lw=1, alpha=.6)[0] for _ in range(6)]
        centres, = ax.plot([], [], "P", color=CRITIC, ms=11, mec="white")
        ax.set(xlim=(-9, 9), ylim=(-6.5, 6.5), aspect="equal", xlabel="$z_1$", ylabel="$z_2$",
               title="notes, and hats (+) on their way")
        shares = bars.bar(np.arange(1, 7), np.zeros(6), color=COLOURS)
        bars.axhline(.25, color=CRITIC, lw=1, ls=":")
        bars.set(xlabel="hat", ylim=(0, 1), xticks=range(1, 7), title="share of the notes $p(y)$")
        open_axes(ax, bars)
        return dots, paths, centres, list(shares), title

    colours = np.array([to_rgb(c) for c in COLOURS])

    def update(artists, steps, K, apart, width, begin):
        dots, paths, centres, shares, title = artists
        z, _ = groups(kinds, apart)
        way = _way(kinds, apart, K, width, begin)[:steps + 1]
        log_joint, r, _ = soft_step(z, way[-1], width)
        usage = r.mean(0)
        dots.set_offsets(z)
        dots.set_facecolor(r @ colours[:K])
        centres.set_data(*way[-1].T)
        for y, path in enumerate(paths):
            path.set_data(*(way[:, y].T if y < K else np.zeros((2, 0))))
        for bar, share in zip(shares, np.append(usage, np.zeros(6 - K))):
            bar.set_height(share)
        log_r = np.log(np.maximum(r, 1e-300))
        entropy = (r * log_r).sum(1).mean()
        usage_kl = np.log(K) + (usage * np.log(np.maximum(usage, 1e-300))).sum()
        information = abs(entropy + np.log(K) - usage_kl)
        fit = -(r * (log_joint + np.log(K))).sum(1).mean()
        title.set_text(f"-log q(z) {-logsumexp(log_joint, 1).mean():.3f} = fit {fit:.3f} + "
                       f"I(y;z) {information:.3f} + KL(p(y)‖q(y)) {abs(usage_kl):.3f}"
                       f"      {int((usage > .01).sum())} of {K} hats in use")

    return Explorer(
        setup, update,
        dict(steps=slider(0, 25, 1, 0, "steps of EM"),
             K=slider(2, 6, 1, 4, "K, number of hats"),
             apart=slider(0.0, 5.0, .1, 4.0, "radius of the circle"),
             width=slider(.3, 4.0, .1, 1.0, "s, width of the hats"),
             begin=choice(["spread", "all in one corner", "one far away"], "spread", "hats start")),
        figsize=(9.2, 4.3),
        alt="Left, 160 notes of four kinds, coloured by the hats that answer for them, and the "
            "way of the hats over the steps; right, the share of the notes in each hat. The "
            "title splits minus log q(z) into its parts.")


def wander(run, test):
    """Choose a component and how far to stray from its centre, in deviations.

    Left samples decoded from there, right test pictures whose code belongs to that component,
    surest first. run: a game of e, d and h with averages; test: an Images.
    """
    e, d, h = (run.ema[name].eval() for name in "edh")
    with torch.no_grad():
        from ..objectives.variational import gaussian_code
        pool = test.images[:3000] / 127.5 - 1
        log_joint = h(gaussian_code(e, pool)[0])
        owner, sure = log_joint.argmax(1), log_joint.max(1).values
        with torch.random.fork_rng():                   # the same noise whenever it is drawn
            torch.manual_seed(0)
            away = [h.draw(torch.full((24,), y)) - centre for y, centre in enumerate(h.centres)]

    def setup(figure):
        drawn, held = figure.subplots(1, 2)
        title = figure.suptitle(" ", fontsize=11)
        blank = np.zeros((24, *pool.shape[1:]))
        artists = [pictures(drawn, blank, 6), pictures(held, blank, 6)]
        drawn.set_title("drawn from the hat", fontsize=10)
        held.set_title("test digits in the hat, surest first", fontsize=10)
        return artists, title

    def update(artists, hat, stray):
        (drawn, held), title = artists
        y = hat - 1
        with torch.no_grad():
            samples = d(h.centres[y] + stray * away[y])
        mine = (owner == y).nonzero()[:, 0]
        mine = mine[sure[mine].argsort(descending=True)][:24]
        shown = torch.full((24, *pool.shape[1:]), -1.)
        shown[:len(mine)] = pool[mine]
        drawn.set_data(sheet(samples.numpy(), 6))
        held.set_data(sheet(shown.numpy(), 6))
        counts = np.bincount(test.labels[:3000][owner == y].numpy(), minlength=10)
        title.set_text(f"hat {hat}: {counts.sum()} of 3,000 test digits, of which "
                       f"{counts.max()} are a {counts.argmax()}"
                       if counts.sum() else f"hat {hat}: empty")

    return Explorer(
        setup, update,
        dict(hat=slider(1, len(h.centres), 1, 1, "hat"),
             stray=slider(0.0, 2.5, .1, 1.0, "stray, in deviations")),
        figsize=(8.6, 3.4),
        alt="Left, twenty-four digits drawn from the chosen hat; right, twenty-four test digits "
            "whose notes lie in it.")


# -- figures ---------------------------------------------------------------------------------------

def codes_by_component(ax, z, prior, owner, reach=None):
    """Codes (n, 2) coloured by the component that owns them (n,), and its circle of one deviation.

    prior: a `GaussianMixturePrior` of the plane.
    """
    from matplotlib import colormaps
    z, owner = np.asarray(z), np.asarray(owner)
    colours = colormaps["tab10"]
    ax.scatter(*z.T, s=5, c=[colours(int(y) % 10) for y in owner], lw=0, alpha=.7)
    turn = np.linspace(0, 2 * np.pi, 100)
    centres, widths = prior.centres.detach().numpy(), prior.log_s.detach().exp().numpy()
    for y, (centre, width) in enumerate(zip(centres, widths)):
        ax.plot(centre[0] + width[0] * np.cos(turn), centre[1] + width[1] * np.sin(turn),
                color=colours(y % 10), lw=1.2)
        ax.plot(*centre, "P", color=CRITIC, ms=8, mec="white")
    ax.set(xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
    if reach:
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach))


def density(ax, law, prior, reach=(-6, 6)):
    """Exact density of a law on the line, over it a trained mixture prior and its components."""
    x = np.linspace(*reach, 601)
    draw_density(ax, x, law, REAL, "real, $p$")
    with torch.no_grad():
        log_joint = prior(torch.tensor(x)[:, None].to(prior.centres)).double().numpy()
    ax.plot(x, np.exp(logsumexp(log_joint, 1)), color=CRITIC, lw=2,
            label="hats, $\\Sigma_y q(y)q(z|y)$")
    for y, each in enumerate(log_joint.T):
        ax.plot(x, np.exp(each), color=COLOURS[y % 6], lw=1.2, ls="--")
    ax.set(xlabel="$z$", yticks=[])
    ax.legend(frameon=False, fontsize=8)


def columns(ax, stacks, names):
    """A column of pictures (rows, c, h, w) for each component, side by side, a name above each."""
    stacks = np.asarray(stacks)                                            # (K, rows, c, h, w)
    K, rows, *shape = stacks.shape
    by_row = stacks.swapaxes(0, 1).reshape(rows * K, *shape)               # a sheet runs along rows
    ax.imshow(sheet(by_row, K), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    ax.set_xticks((np.arange(K) + .5) * shape[-1], names, fontsize=9)
    ax.xaxis.tick_top()
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)


def confusion(ax, table, names):
    """Counts (K, classes) as a picture, a row for each component.

    A number stands in every field that holds a thousandth of all counts or more.
    """
    table = np.asarray(table)
    ax.imshow(table, cmap="Blues", aspect="auto")
    for (row, column), count in np.ndenumerate(table):
        if count >= .01 * table.sum() / 10:
            ax.text(column, row, count, ha="center", va="center", fontsize=8,
                    color="white" if count > .5 * table.max() else CRITIC)
    ax.set(xticks=range(table.shape[1]), yticks=range(len(table)), xlabel="label", ylabel="hat")
    ax.set_yticklabels(names, fontsize=8)
    ax.spines[:].set_visible(False)
