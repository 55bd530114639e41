"""Pictures of notebooks/19_clustering.ipynb: a prior of one component or of three, the parts of
the model, components that part and follow their codes, a column of pictures for each component.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from matplotlib.colors import to_rgb
from scipy.special import logsumexp

from ..drawing.diagrams import blank, boxes
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
    """Codes of three classes under three priors: N(0, 1), a Normal as wide as they, a mixture."""
    z = np.linspace(-6, 6, 601)
    means = np.array([part.mean for part in CODES.laws])
    spread = np.sqrt(np.mean([part.sd**2 for part in CODES.laws]) + means.var())
    priors = {"standard Normal": Normal(0, 1), "wide Normal": Normal(0, spread),
              "three components": Mixture([Normal(mean, .6) for mean in means])}
    for ax, (name, prior) in zip(axes, priors.items()):
        draw_density(ax, z, CODES, FAKE, "codes, $p(z)$")
        ax.plot(z, prior.pdf(z), color=CRITIC, lw=2, label="prior, $q(z)$")
        for part, colour in zip(getattr(prior, "laws", ()), (REAL, GOOD, BAD)):
            ax.fill_between(z, part.pdf(z) / len(means), color=colour, alpha=.45, lw=0)
        ax.set(xlabel="code $z$", xticks=range(-6, 7, 3), yticks=[], ylim=(0, .48),
               title=f"{name}\nKL(p‖q) {kl(CODES, prior):.3f} nats")
    axes[0].legend(frameon=False, fontsize=9, loc="upper left")


def parts_of_the_model(ax):
    """A diagram: picture, encoder, code, decoder, copy; below, the mixture and the class."""
    blank(ax, 100, 46)
    boxes(ax, {"x": (7, 37, "picture\n$x$", CRITIC), "e": (29, 37, "encoder\n$e$", REAL),
               "z": (51, 37, "code\n$z$", CRITIC), "d": (73, 37, "decoder\n$d$", FAKE),
               "again": (93, 37, "copy\n$d(z)$", CRITIC), "y": (91, 9, "class\n$y$", CRITIC),
               "h": (51, 9, "mixture $h$\n$q(y)\\,q(z|y)$", GOOD)},
          ("x>e", "e>z", "z>d", "d>again", "h<>z", "h>y"), fill=.15, size=11)
    for x, y, text, side in ((40.5, 41, "$p(z|x)$", "center"), (49, 23, "prior", "right"),
                             (53, 23, "which component?", "left"), (75, 12, "$p(y|z)$", "center")):
        ax.text(x, y, text, ha=side, va="center" if side != "center" else "bottom", fontsize=10)


# -- when two components part ----------------------------------------------------------------------

def gain_of_parting(delta, v):
    """E[-log ½(N(z; δ, 1) + N(z; -δ, 1))] less its value at δ = 0, for codes N(0, v).

    Arrays that broadcast. By Gauss and Hermite's quadrature with 80 nodes.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    z = np.sqrt(np.asarray(v, float))[..., None] * nodes
    delta = np.asarray(delta, float)[..., None]
    log_cosh = np.logaddexp(delta * z, -delta * z) - np.log(2)
    return (delta[..., 0]**2 / 2
            - (log_cosh * weights).sum(-1) / weights.sum())


def parting(axes):
    """Left, what a push ±δ costs at four variances of the codes; right, the best δ at each."""
    left, right = axes
    delta = np.linspace(0, 1.6, 161)
    for v, colour in ((.5, REAL), (1, CRITIC), (1.5, FAKE), (2, BAD)):
        cost = gain_of_parting(delta, v)
        left.plot(delta, cost, color=colour, lw=2, label=f"v = {v:g}")
        left.plot(delta[cost.argmin()], cost.min(), "o", color=colour, ms=6)
    left.axhline(0, color="0.8", lw=1, zorder=0)
    left.set(xlabel=r"push $\delta$", ylabel="loss, less that at 0 (nats)", ylim=(-.2, .3))
    left.legend(frameon=False, fontsize=9, loc="upper left")
    v = np.linspace(.25, 3, 111)
    reach = np.linspace(0, 2.5, 501)
    best = reach[gain_of_parting(reach, v[:, None]).argmin(1)]
    for sign in (1, -1):
        right.plot(v, sign * best, color=GOOD, lw=2.5)
    right.axvline(1, color=CRITIC, lw=1, ls=":")
    right.text(1.06, -1.25, "variance of a component", fontsize=9, va="center")
    right.text(.62, .12, "together", fontsize=10, ha="center", color=GOOD)
    right.text(2.1, 0, "apart", fontsize=10, ha="center", va="center", color=GOOD)
    right.set(xlabel="variance $v$ of the codes", ylabel=r"best centres, $\pm\delta$")


# -- components that follow their codes ------------------------------------------------------------

def groups(classes: int, apart: float, n: int = 160,
           seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """n codes in the plane and their classes: (n, 2), (n,).

    The classes are round Normals of deviation 1 whose means lie on a circle of radius `apart`.
    """
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    turn = 2 * np.pi * y / classes + .4
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
def _way(classes, apart, K, width, begin, steps=25):
    """The centres before and after each step, (steps + 1, K, 2)."""
    z, way = groups(classes, apart)[0], [np.asarray(starts(K, 5)[begin])]
    for _ in range(steps):
        way.append(soft_step(z, way[-1], width)[2])
    return np.array(way)


def components_and_codes():
    """EM by hand: 160 codes of four classes, K components of one width, and where these start.

    Left the centres move along their paths and the codes take the colours of those that answer for
    them; right the share of the codes in each component.
    """
    classes = 4

    def setup(figure):
        ax, bars = figure.subplots(1, 2, width_ratios=(1.5, 1))
        title = figure.suptitle(" ", fontsize=10.5)
        dots = ax.scatter(np.zeros(160), np.zeros(160), s=14, c=np.zeros((160, 3)), lw=0)
        paths = [ax.plot([], [], color=CRITIC, lw=1, alpha=.6)[0] for _ in range(6)]
        centres, = ax.plot([], [], "P", color=CRITIC, ms=11, mec="white")
        ax.set(xlim=(-9, 9), ylim=(-6.5, 6.5), aspect="equal", xlabel="$z_1$", ylabel="$z_2$",
               title="codes, and centres (+) on their way")
        shares = bars.bar(np.arange(1, 7), np.zeros(6), color=COLOURS)
        bars.axhline(.25, color=CRITIC, lw=1, ls=":")
        bars.set(xlabel="component", ylim=(0, 1), xticks=range(1, 7),
                 title="share of the codes, $p(y)$")
        open_axes(ax, bars)
        return dots, paths, centres, list(shares), title

    colours = np.array([to_rgb(c) for c in COLOURS])

    def update(artists, steps, K, apart, width, begin):
        dots, paths, centres, shares, title = artists
        z, _ = groups(classes, apart)
        way = _way(classes, apart, K, width, begin)[:steps + 1]
        log_joint, r, _ = soft_step(z, way[-1], width)
        usage = r.mean(0)
        dots.set_offsets(z)
        dots.set_facecolor(r @ colours[:K])
        centres.set_data(*way[-1].T)
        for y, path in enumerate(paths):
            path.set_data(*(way[:, y].T if y < K else np.zeros((2, 0))))
        for bar, share in zip(shares, np.append(usage, np.zeros(6 - K))):
            bar.set_height(share)
        shares[0].axes.set_xlim(.4, K + .6)
        log_r = np.log(np.maximum(r, 1e-300))
        entropy = (r * log_r).sum(1).mean()
        usage_kl = np.log(K) + (usage * np.log(np.maximum(usage, 1e-300))).sum()
        information = abs(entropy + np.log(K) - usage_kl)
        fit = -(r * (log_joint + np.log(K))).sum(1).mean()
        title.set_text(f"−log q(z) {-logsumexp(log_joint, 1).mean():.3f} = fit {fit:.3f} + "
                       f"I(y;z) {information:.3f} + KL(p(y)‖q(y)) {abs(usage_kl):.3f}"
                       f"      {int((usage > .01).sum())} of {K} components in use")

    return Explorer(
        setup, update,
        dict(steps=slider(0, 25, 1, 4, "steps of EM"),
             K=slider(2, 6, 1, 4, "K, number of components"),
             apart=slider(0.0, 5.0, .1, 4.0, "radius of the circle"),
             width=slider(.3, 4.0, .1, 1.0, "s, width of the components"),
             begin=choice(["spread", "all in one corner", "one far away"], "all in one corner",
                          "centres start")),
        figsize=(9.2, 4.3),
        alt="Left, 160 codes of four classes, coloured by the components responsible for them, and "
            "the paths of the centres over the steps; right, the share of the codes in each "
            "component. The title splits minus log q(z) into its parts.")


def wander(nets, test, component=1):
    """Choose a component and how far to stray from its centre, in deviations.

    Left samples decoded from there, right test pictures whose code belongs to that component,
    surest first. nets: encoder, decoder and prior by their letters, e, d, h; test: an Images;
    component: the one shown first, from 1.
    """
    e, d, h = (nets[name].eval() for name in "edh")
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
        drawn.set_title("drawn from the component", fontsize=10)
        held.set_title("test digits in it, surest first", fontsize=10)
        return artists, title

    def update(artists, component, stray):
        (drawn, held), title = artists
        y = component - 1
        with torch.no_grad():
            samples = d(h.centres[y] + stray * away[y])
        mine = (owner == y).nonzero()[:, 0]
        mine = mine[sure[mine].argsort(descending=True)][:24]
        shown = torch.full((24, *pool.shape[1:]), -1.)
        shown[:len(mine)] = pool[mine]
        drawn.set_data(sheet(samples.numpy(), 6))
        held.set_data(sheet(shown.numpy(), 6))
        counts = np.bincount(test.labels[:3000][owner == y].numpy(), minlength=10)
        title.set_text(f"component {component}: {counts.sum()} of 3,000 test digits, of which "
                       f"{counts.max()} are a {counts.argmax()}"
                       if counts.sum() else f"component {component}: empty")

    return Explorer(
        setup, update,
        dict(component=slider(1, len(h.centres), 1, component, "component"),
             stray=slider(0.0, 2.5, .1, 1.0, "stray, in deviations")),
        figsize=(8.6, 3.4),
        alt="Left, twenty-four digits drawn from the chosen component; right, twenty-four test "
            "digits whose codes belong to it.")


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


def density(ax, p, prior, reach=(-6, 6)):
    """Exact density of p on the line, over it a trained mixture prior and its components."""
    x = np.linspace(*reach, 601)
    draw_density(ax, x, p, REAL, "data, $p$")
    with torch.no_grad():
        log_joint = prior(torch.tensor(x)[:, None].to(prior.centres)).double().numpy()
    ax.plot(x, np.exp(logsumexp(log_joint, 1)), color=CRITIC, lw=2,
            label="mixture, $\\Sigma_y q(y)q(z|y)$")
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
    ax.set(xticks=range(table.shape[1]), yticks=range(len(table)), xlabel="label",
           ylabel="component")
    ax.set_yticklabels(names, fontsize=8)
    ax.spines[:].set_visible(False)
