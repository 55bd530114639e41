"""Pictures of notebooks/15_adversarial_autoencoder.ipynb: tiles under a plan, a cursor among the codes, heads and styles."""
from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from matplotlib.patheffects import withStroke
from scipy.stats import norm

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
)
from ..exact.laws import Mixture, Normal
from ..measures.metrics import class_probabilities
from ..players.modes import evaluating

PLAN = Normal(0, 1)                                               # the prior of the tiles
Z = np.linspace(-5, 6, 1761)                                       # steps of 1/160
LOG_PLAN = PLAN.logpdf(Z)
LABEL_COLOURS = (REAL, FAKE, GOOD, BAD, THIRD, SKY, CRITIC)


# -- tiles: n coins whose codes together fill the plan ---------------------------------------------------

def tile_means(n: int, s: float) -> np.ndarray:
    """Means of n codes of width s whose mixture has mean 0 and variance 1: scaled quantiles of the plan, (n,)."""
    quantiles = norm.ppf((np.arange(n) + .5) / n)
    return np.sqrt(1 - s**2) * quantiles / np.sqrt(np.mean(quantiles**2))


def tiles(n: int, s: float, shift: float = 0.0) -> Mixture:
    """The aggregate p(z) of n equally frequent coins with codes N(m_i + shift, s²)."""
    return Mixture([Normal(m + shift, s) for m in tile_means(n, s)])


def tile_numbers(n: int, s: float, shift: float = 0.0, every: int = 1):
    """On a grid: the codes' densities (n, k), then mean KL per coin, I(x; z), JS and the share of coins recognised."""
    z, log_plan, step = Z[::every], LOG_PLAN[::every], every * (Z[1] - Z[0])
    means = tile_means(n, s) + shift
    each = np.exp(-((z - means[:, None]) / s)**2 / 2) / (s * np.sqrt(2 * np.pi))
    whole, plan = each.mean(0), np.exp(log_plan)
    per_coin = np.mean(means**2 + s**2 - 1 - 2 * np.log(s)) / 2
    log_whole = np.log(np.maximum(whole, 1e-300))
    aggregate = whole @ (log_whole - log_plan) * step
    log_mean = np.log(np.maximum(whole + plan, 1e-300) / 2)
    js = (whole @ (log_whole - log_mean) + plan @ (log_plan - log_mean)) * step / 2
    recognised = each.max(0).sum() * step / n
    return each, per_coin, per_coin - aggregate, js, recognised


def two_ideas(axes):
    """Left every code by itself like the plan, right all codes together: n = 8."""
    for ax, s, title in zip(axes, (1., .3), ("every card by itself", "all cards together")):
        each, per_coin, information, js, right = tile_numbers(8, s)
        draw_density(ax, Z, PLAN, REAL, "plan, $q(z)$")
        for code in each:
            ax.plot(Z, code / 8, color=FAKE, lw=1.2)
        ax.plot([], [], color=FAKE, lw=1.2, label="each card, $p(z\\,|\\,x)/8$")
        ax.plot(Z, each.mean(0), color=BAD, ls="--", lw=2, label="all cards, $p(z)$")
        ax.set(title=f"{title}\nKL per card {abs(per_coin):.2f}, coins recognised {right:.0%}",
               xlabel="place $z$", xlim=(-3.5, 3.5), ylim=(0, .5))
    axes[0].legend(frameon=False, fontsize=8.5, loc="upper left")


@lru_cache
def tile_curves(n: int, shift: float):
    """Widths (k,), and for each of them mean KL per coin, information and JS."""
    widths = np.concatenate([np.geomspace(.02, .1, 9)[:-1], np.linspace(.1, 1, 13)])
    return widths, np.array([tile_numbers(n, s, shift, every=3)[1:4] for s in widths]).T


def information():
    """Width of each code, number of coins, a shift: what the KL of each coin sees and what a perfect code critic sees."""
    def setup(figure):
        left, right = figure.subplots(1, 2, width_ratios=(1.3, 1))
        title = figure.suptitle(" ", fontsize=11)
        draw_density(left, Z, PLAN, REAL, "plan, $q(z)$")
        codes = [left.plot(Z, Z, color=FAKE, lw=.9)[0] for _ in range(32)]
        whole, = left.plot(Z, Z, color=BAD, ls="--", lw=2, label="all codes, $p(z)$")
        left.plot([], [], color=FAKE, lw=.9, label="one code each, divided by $n$")
        left.set(xlabel="place, $z$", xlim=(-4, 4), ylim=(0, .62))
        left.legend(frameon=False, fontsize=8.5, loc="upper left")
        curves = [right.plot([], [], color=colour, lw=2, label=name)[0]
                  for colour, name in ((BAD, "KL of each coin, mean"),
                                       (FAKE, "information $I(x;z)$"),
                                       (GOOD, "JS, what the critic sees"))]
        dots = [right.plot([0], [0], "o", color=line.get_color(), ms=7)[0] for line in curves]
        right.set(xlabel="width of each code, $s$", xlim=(0, 1.03), ylim=(-.1, 4.3), ylabel="nats")
        right.legend(frameon=False, fontsize=8.5)
        open_axes(left, right)
        return codes, whole, curves, dots, title

    def update(artists, n, s, shift):
        codes, whole, curves, dots, title = artists
        each, *values, recognised = tile_numbers(n, s, shift)
        for i, line in enumerate(codes):
            line.set_data((Z[::4], each[i, ::4] / n) if i < n else ([], []))
        whole.set_ydata(each.mean(0))
        widths, table = tile_curves(n, shift)
        for line, dot, along, value in zip(curves, dots, table, values):
            line.set_data(widths, along)
            dot.set_data([s], [value])
        per_coin, told, js = (abs(v) for v in values)
        title.set_text(f"KL of each coin {per_coin:.3f}"
                       f"      information {told:.3f} (at most log n = {np.log(n):.3f})"
                       f"      JS {js:.4f}      coins recognised {recognised:.0%}")

    return Explorer(
        setup, update,
        dict(n=slider(2, 32, 1, 8, "coins n"),
             s=slider(.02, 1.0, .02, .3, "width s of each code"),
             shift=slider(0.0, 2.0, .1, 0.0, "all codes moved by")),
        figsize=(9.6, 3.5),
        alt="Left, the bell of the plan, a narrow bell for each coin's code and their sum; "
            "right, the mean KL of each coin, the information and the Jensen-Shannon divergence "
            "against the width of the codes.")


# -- codes of pictures -----------------------------------------------------------------------------------

def codes(run, images, player: str = "e"):
    """What the (averaged) encoder of a run says to pictures, uint8 or in [-1, 1]: (n, ...) -> (n, k) on the CPU."""
    e = run.ema.get(player, run.players[player])
    scale = (lambda x: x / 127.5 - 1) if images.dtype == torch.uint8 else (lambda x: x)
    with evaluating(e), torch.no_grad():
        return torch.cat([e(scale(part).to(run.device)).float().cpu()
                          for part in images.split(1000)])


def decode(run, code, player: str = "d"):
    """What the (averaged) decoder of a run makes of codes: (n, k) -> (n, ...) on the CPU."""
    d = run.ema.get(player, run.players[player])
    with evaluating(d), torch.no_grad():
        return torch.cat([d(part.to(run.device)).float().cpu()
                          for part in torch.as_tensor(code).float().split(1000)])


def by_class(ax, points, labels, size: float = 5, names: bool = True, reach: float | None = None):
    """Points (n, 2), a colour and a mark for each class, and the class's number at its median."""
    points, labels = np.asarray(points), np.asarray(labels)
    for y in np.unique(labels):
        mine = points[labels == y]
        ax.scatter(*mine.T, s=size, color=LABEL_COLOURS[y % 7], marker="o^"[y // 7 % 2], alpha=.55,
                   lw=0)
    if names:
        for y in np.unique(labels):
            ax.text(*np.median(points[labels == y], axis=0), f"{y}", ha="center", va="center",
                    fontsize=12, weight="bold", color="black",
                    path_effects=[withStroke(linewidth=3, foreground="white")])
    ax.set(aspect="equal", xticks=[], yticks=[])
    if reach:
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach))


def latent_cursor(runs, images, reach: float = 4.0, step: float = .25):
    """A cursor on the plane of codes of several runs {prior: run}: the picture there, every one decoded beforehand."""
    stops = np.arange(-reach, reach + step / 2, step)
    grid = torch.tensor(np.stack(np.meshgrid(stops, stops, indexing="ij"), -1).reshape(-1, 2),
                        dtype=torch.float32)
    k, made = len(stops), {}
    for name, run in runs.items():
        drawn = decode(run, grid)
        made[name] = (codes(run, images.images[:1500]).numpy(),
                      drawn.numpy()[:, 0].reshape(k, k, *drawn.shape[2:]),
                      class_probabilities(drawn).numpy().reshape(k, k, -1), run.source.z)
    labels = np.asarray(images.labels[:1500])
    first = next(iter(runs))

    def setup(figure):
        left, middle, right = figure.subplots(1, 3, width_ratios=(1.25, 1, 1.25))
        title = figure.suptitle(" ", fontsize=11)
        clouds = [left.plot([], [], "o^"[y // 7], ms=2.2, color=LABEL_COLOURS[y % 7], alpha=.6)[0]
                  for y in range(int(labels.max()) + 1)]
        cursor, = left.plot([0], [0], "+", color="black", ms=18, mew=2.5)
        left.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="$z_1$",
                 ylabel="$z_2$", title="codes of test pictures")
        picture = middle.imshow(made[first][1][0, 0], cmap="gray_r", vmin=-1, vmax=1)
        middle.set(xticks=[], yticks=[], title="what d makes of z")
        bars = right.bar(range(10), np.zeros(10), color=FAKE)
        right.set(xticks=range(10), ylim=(0, 1), title="what a classifier reads")
        open_axes(right)
        return clouds, cursor, picture, list(bars), title

    def update(artists, prior, first, second):
        clouds, cursor, picture, bars, title = artists
        points, drawn, said, law = made[prior]
        i, j = (int(round((value + reach) / step)) for value in (first, second))
        for y, cloud in enumerate(clouds):
            cloud.set_data(*points[labels == y].T)
        cursor.set_data([first], [second])
        picture.set_data(drawn[i, j])
        for bar, share in zip(bars, said[i, j]):
            bar.set_height(share)
        near = np.mean(np.linalg.norm(points - [first, second], axis=1) < .25)
        density = float(law.pdf(np.array([first, second])))
        title.set_text(f"z = ({first:+.2f}, {second:+.2f})"
                       f"      density of the plan {density:.4f}"
                       f"      codes within ¼ of it {near:.1%}"
                       f"      read as {said[i, j].argmax()}, {said[i, j].max():.0%} sure")

    axis = lambda name: slider(-reach, reach, step, 0.0, name)
    return Explorer(
        setup, update,
        dict(prior=choice(list(runs), first, "plan"),
             first=axis("z, first number"),
             second=axis("z, second number")),
        figsize=(9.4, 3.4),
        alt="Codes of test digits in the plane with a cursor, the digit that the decoder draws "
            "at the cursor, and what a classifier reads in it; the title gives the density of "
            "the prior there.")


# -- sheets ----------------------------------------------------------------------------------------------

def greys(ax, images, columns: int = 8, levels: int = 12):
    """A sheet of pictures in a few shades of grey: blurred strokes in 256 shades would fill a page of their own."""
    images = torch.as_tensor(images).float()
    return pictures(ax, ((images + 1) / 2 * (levels - 1)).round() / (levels - 1) * 2 - 1, columns)


def one_hot_codes(classes: int, styles):
    """Every style (m, k) under every class, classes fastest: (m · classes, classes + k)."""
    styles = torch.as_tensor(styles).float()
    return torch.cat([torch.eye(classes).repeat(len(styles), 1),
                      styles.repeat_interleave(classes, 0)], 1)


def style_sheet(ax, run, classes: int = 10, styles: int = 6):
    """A row for each style, a column for each class, from a decoder of [class, style]."""
    greys(ax, decode(run, one_hot_codes(classes, run.source.noise(styles, seed=4))),
          columns=classes)


def head_sheet(ax, run, images, clusters, order, members: int = 5):
    """A column for each cluster of `order`: its head, decoded at style 0, and below it pictures that fell into it.

    Empty places stay white.
    """
    clusters, blank = np.asarray(clusters), torch.full_like(images.images[:1] / 127.5, -1.)
    k = codes(run, images.images[:2]).shape[1]
    classes = k - run.source.z.dim
    heads = decode(run, one_hot_codes(classes, torch.zeros(1, run.source.z.dim)))[list(order)]
    rows = [heads]
    members_of = [np.flatnonzero(clusters == c)[:members] for c in order]
    for row in range(members):
        rows.append(torch.cat([images.images[[m[row]]] / 127.5 - 1 if row < len(m) else blank
                               for m in members_of]))
    greys(ax, torch.cat(rows), columns=len(order))


def decode_all_labels(run, styles, classes: int = 10):
    """Every style (m, k) under every label of a decoder d(z, y), labels fastest: (m · classes, ...)."""
    d, styles = run.ema.get("d", run.players["d"]), torch.as_tensor(styles).float()
    with evaluating(d), torch.no_grad():
        return d(styles.repeat_interleave(classes, 0).to(run.device),
                 torch.arange(classes, device=run.device).repeat(len(styles))).float().cpu()


def cluster_map(left, right, run, numbers, labels, table, side: int = 12):
    """The plane of a `Headed` decoder: places of pictures and the heads in use with their names; what d draws there.

    numbers (n, K + k) from the encoder, table (K, classes) as from `contingency`.
    """
    d, classes = run.ema.get("d", run.players["d"]), len(table)
    with evaluating(d), torch.no_grad():
        place = d.place(torch.cat([numbers[:, :classes].softmax(1), numbers[:, classes:]],
                                  1).to(run.device)).cpu()
        heads = d.heads.cpu()
        by_class(left, place, labels, size=3, names=False)
        for k in np.flatnonzero(np.asarray(table).sum(1) >= .001 * np.asarray(table).sum()):
            left.text(*heads[k].tolist(), str(table[k].argmax()), fontsize=12, weight="bold",
                      ha="center", va="center",
                      path_effects=[withStroke(linewidth=3, foreground="white")])
        across, down = torch.linspace(*left.get_xlim(),
                                      side), torch.linspace(*left.get_ylim()[::-1], side)
        drawn = d.net(torch.cartesian_prod(down, across).flip(1).to(run.device)).float().cpu()
    greys(right, drawn, columns=side)
    left.set_title("places of test digits, heads by name")
    right.set_title("what d draws there")


# -- phases against a joint step -------------------------------------------------------------------------

def two_losses(optimiser, lr: float, scale: float = 1.0, joint: bool = False, rounds: int = 1,
               **options) -> np.ndarray:
    """Where w = (1, -2) ends under scale · ((w1 - 3)² + w2²) and w1² + 4 (w2 - 1)²: in phases, or as one sum. (2,)

    Every phase has an optimiser of its own, as the moves of a Game do.
    """
    w = torch.tensor([1., -2.], dtype=torch.float64, requires_grad=True)
    first = lambda: scale * ((w[0] - 3)**2 + w[1]**2)
    second = lambda: w[0]**2 + 4 * (w[1] - 1)**2
    phases = [lambda: first() + second()] if joint else [first, second]
    optimisers = [optimiser([w], lr=lr, **options) for _ in phases]
    for _ in range(rounds):
        for loss, step in zip(phases, optimisers):
            step.zero_grad()
            loss().backward()
            step.step()
    return w.detach().numpy()
