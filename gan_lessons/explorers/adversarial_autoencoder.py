"""Pictures of notebooks/15_adversarial_autoencoder.ipynb: who is connected to whom, codes that fill
a prior like tiles, a cursor among the codes of pictures, cluster heads and styles.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from matplotlib.patheffects import withStroke
from scipy.stats import norm

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
)
from ..exact.laws import Normal
from ..measures.metrics import class_probabilities
from ..players.modes import evaluating

PRIOR = Normal(0, 1)
Z = np.linspace(-5, 6, 1761)            # steps of 1/160, fine enough for codes of width .02
LOG_PRIOR = PRIOR.logpdf(Z)
LABEL_COLOURS = (REAL, FAKE, GOOD, BAD, THIRD, SKY, CRITIC)


# -- who is connected to whom ----------------------------------------------------------------------

def architecture(ax):
    """The adversarial autoencoder: reconstruction above, the critic of codes below."""
    boxes(ax, {"x": (.8, 3, "picture\n$x$", REAL),
                "e": (2.6, 3, "encoder\n$e$", CRITIC),
                "z": (4.7, 3, "code\n$z$", FAKE),
                "d": (6.8, 3, "decoder\n$d$", CRITIC),
                "again": (9.1, 3, "redrawn\n$d(z)$", REAL),
                "q": (1.6, .8, "sample of\nthe prior", REAL),
                "f": (4.7, .8, "critic\n$f$", CRITIC),
                "score": (8.1, .8, "real or fake?", "none")},
           ("x>e", "e>z", "z>d", "d>again", "q>f", "f>score", "z>f"))
    ax.text(3.25, .98, "real", color=REAL, fontsize=12, ha="center")
    ax.text(4.85, 1.9, "fake", color=BAD, fontsize=12, va="center")
    blank(ax, 10, 3.9)


def class_and_style_architecture(ax):
    """Two codes, class and style, with a critic each; the few labels enter at the class."""
    boxes(ax, {"x": (.8, 3.1, "picture\n$x$ or $u$", REAL),
                "e": (2.6, 3.1, "encoder\n$e$", CRITIC),
                "a": (4.7, 4.1, "class\n(softmax)", FAKE),
                "s": (4.7, 2.1, "style", FAKE),
                "d": (6.9, 3.1, "decoder\n$d$", CRITIC),
                "again": (9.1, 3.1, "redrawn", REAL),
                "fy": (4.7, 5.8, "critic $f_y$", CRITIC),
                "one": (1.9, 5.8, "random\none-hot", REAL),
                "f": (4.7, .5, "critic $f$", CRITIC),
                "q": (1.9, .5, "Normal\nsample", REAL),
                "y": (8.2, 5.4, "label $y$\nof a few $x$", GOOD)},
           ("x>e", "e>a", "e>s", "a>d", "s>d", "d>again", "a>fy", "one>fy", "s>f", "q>f", "y>a"))
    blank(ax, 10, 6.4)


# -- tiles: n samples whose codes together fill the prior ------------------------------------------

def tile_means(n: int, s: float) -> np.ndarray:
    """Means (n,) of n codes of width s whose mixture has mean 0 and variance 1.

    They are quantiles of the prior, scaled.
    """
    quantiles = norm.ppf((np.arange(n) + .5) / n)
    return np.sqrt(1 - s**2) * quantiles / np.sqrt(np.mean(quantiles**2))


def tile_numbers(n: int, s: float, shift: float = 0.0, every: int = 1):
    """Five things about the tiles, by sums over every `every`-th point of the grid Z.

    Densities of the n codes (n, k), mean KL of a code from the prior, I(x; z), JS of aggregate and
    prior, all in nats, and the share of samples that are recognised by their code.
    """
    z, log_prior, step = Z[::every], LOG_PRIOR[::every], every * (Z[1] - Z[0])
    means = tile_means(n, s) + shift
    each = np.exp(-((z - means[:, None]) / s)**2 / 2) / (s * np.sqrt(2 * np.pi))     # (n, k)
    whole, prior = each.mean(0), np.exp(log_prior)
    mean_kl = np.mean(means**2 + s**2 - 1 - 2 * np.log(s)) / 2       # of Normals: in closed form
    log_whole = np.log(np.maximum(whole, 1e-300))
    aggregate = whole @ (log_whole - log_prior) * step
    log_mean = np.log(np.maximum(whole + prior, 1e-300) / 2)
    js = (whole @ (log_whole - log_mean) + prior @ (log_prior - log_mean)) * step / 2
    recognised = each.max(0).sum() * step / n          # by whoever names the likeliest sample
    return each, mean_kl, mean_kl - aggregate, js, recognised


def two_ideas(axes):
    """Eight codes: left each by itself is like the prior, right only all of them together are."""
    titles = "each code by itself", "all codes together"
    for ax, s, title in zip(axes, (1., .3), titles):
        each, mean_kl, _, _, right = tile_numbers(8, s)
        draw_density(ax, Z, PRIOR, REAL, "prior, $q(z)$")
        for code in each:
            ax.plot(Z, code / 8, color=FAKE, lw=1.2)
        ax.plot([], [], color=FAKE, lw=1.2, label="one code each, $p(z\\,|\\,x)/8$")
        ax.plot(Z, each.mean(0), color=BAD, ls="--", lw=2, label="all codes, $p(z)$")
        ax.set(title=f"{title}\nmean KL {abs(mean_kl):.2f}, recognised {right:.0%}",
               xlabel="code $z$", xlim=(-3.5, 3.5), ylim=(0, .56))
    axes[0].set_ylabel("density")
    axes[0].legend(frameon=False, fontsize=9, loc="upper left")


@lru_cache
def tile_curves(n: int, shift: float):
    """Widths (k,), and for each of them mean KL of a code, information and JS: (3, k)."""
    widths = np.geomspace(.02, 1, 30)
    return widths, np.array([tile_numbers(n, s, shift, every=3)[1:4] for s in widths]).T


def information():
    """The codes of n samples under their prior; sliders for n, the codes' width and a shift.

    Left the densities of the codes move, right dots run along the curves of three numbers: the mean
    KL of a code, which a VAE pays, the information I(x; z), and the JS that a perfect critic of
    codes sees.
    """
    def setup(figure):
        left, right = figure.subplots(1, 2, width_ratios=(1.3, 1))
        title = figure.suptitle(" ", fontsize=11)
        draw_density(left, Z, PRIOR, REAL, "prior, $q(z)$")
        codes = [left.plot(Z, Z, color=FAKE, lw=.9)[0] for _ in range(32)]
        whole, = left.plot(Z, Z, color=BAD, ls="--", lw=2, label="all codes, $p(z)$")
        left.plot([], [], color=FAKE, lw=.9, label="one code each, divided by $n$")
        left.set(xlabel="code, $z$", ylabel="density", xlim=(-4, 4), ylim=(0, .62))
        left.legend(frameon=False, fontsize=9, loc="upper left")
        curves = [right.plot([], [], color=colour, lw=2, label=name)[0]
                  for colour, name in ((BAD, "KL of each code, mean"),
                                       (FAKE, "information $I(x;z)$"),
                                       (GOOD, "JS, what the critic sees"))]
        dots = [right.plot([0], [0], "o", color=line.get_color(), ms=7)[0] for line in curves]
        right.set(xlabel="width of each code, $s$", xlim=(0, 1.03), ylim=(-.1, 4.3), ylabel="nats")
        right.legend(frameon=False, fontsize=9)
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
        mean_kl, known, js = (abs(v) for v in values)
        title.set_text(f"KL of each code {mean_kl:.3f}"
                       f"      information {known:.3f} (at most log n = {np.log(n):.3f})"
                       f"      JS {js:.4f}      recognised {recognised:.0%}")

    return Explorer(
        setup, update,
        dict(n=slider(2, 32, 1, 8, "samples n"),
             s=slider(.02, 1.0, .02, .12, "width s of each code"),
             shift=slider(0.0, 2.0, .1, 0.0, "all codes moved by")),
        figsize=(9.6, 3.5),
        alt="Left, the density of the prior, a narrow one for each sample's code and their sum; "
            "right, the mean KL of each code, the information and the Jensen-Shannon divergence "
            "against the width of the codes.")


# -- codes of pictures -----------------------------------------------------------------------------

def codes(run, images, player: str = "e"):
    """Codes of pictures by a run's averaged encoder: (n, ...) -> (n, k) on the CPU.

    images: uint8 or in [-1, 1].
    """
    e = run.ema.get(player, run.players[player])
    scale = (lambda x: x / 127.5 - 1) if images.dtype == torch.uint8 else (lambda x: x)
    with evaluating(e), torch.no_grad():
        return torch.cat([e(scale(part).to(run.device)).float().cpu()
                          for part in images.split(1000)])


def decode(run, code, player: str = "d"):
    """What a run's averaged decoder makes of codes: (n, k) -> (n, ...) on the CPU."""
    d = run.ema.get(player, run.players[player])
    with evaluating(d), torch.no_grad():
        return torch.cat([d(part.to(run.device)).float().cpu()
                          for part in torch.as_tensor(code).float().split(1000)])


def by_class(ax, points, labels, size: float = 5, names: bool = True, reach: float | None = None):
    """Points (n, 2), a colour and a mark for each label (n,), its number at the median."""
    points, labels = np.asarray(points), np.asarray(labels)
    for y in np.unique(labels):
        mine = points[labels == y]
        ax.scatter(*mine.T, s=size, color=LABEL_COLOURS[y % 7], marker="o^"[y // 7 % 2],
                   alpha=.55, lw=0)
    if names:
        for y in np.unique(labels):
            ax.text(*np.median(points[labels == y], axis=0), f"{y}", ha="center", va="center",
                    fontsize=12, weight="bold", color="black",
                    path_effects=[withStroke(linewidth=3, foreground="white")])
    ax.set(aspect="equal", xticks=[], yticks=[])
    if reach:
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach))


def latent_cursor(runs, images, prior: str | None = None, at=(0.0, 0.0), reach: float = 4.0,
                  step: float = .25):
    """A cursor on the plane of codes of several runs {prior: run}, moved by two sliders.

    prior, at: which run and which point are shown first.

    Left the codes of test pictures and the cursor, in the middle the decoder's picture there, right
    the classes that a classifier reads in it. Every picture is decoded beforehand: a slider that
    has to wait for a network is no slider.
    """
    stops = np.arange(-reach, reach + step / 2, step)
    grid = torch.tensor(np.stack(np.meshgrid(stops, stops, indexing="ij"), -1).reshape(-1, 2),
                        dtype=torch.float32)
    k, made = len(stops), {}                              # prior -> codes, pictures, classes, law
    for name, run in runs.items():
        drawn = decode(run, grid)
        made[name] = (codes(run, images.images[:1500]).numpy(),
                      drawn.numpy()[:, 0].reshape(k, k, *drawn.shape[2:]),       # (k, k, h, w)
                      class_probabilities(drawn).numpy().reshape(k, k, -1), run.source.z)
    labels = np.asarray(images.labels[:1500])
    shown = next(iter(runs)) if prior is None else prior

    def setup(figure):
        left, middle, right = figure.subplots(1, 3, width_ratios=(1.25, 1, 1.25))
        title = figure.suptitle(" ", fontsize=11)
        clouds = [left.plot([], [], "o^"[y // 7], ms=2.2, color=LABEL_COLOURS[y % 7], alpha=.6)[0]
                  for y in range(int(labels.max()) + 1)]
        cursor, = left.plot([0], [0], "+", color="black", ms=18, mew=2.5)
        left.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="$z_1$",
                 ylabel="$z_2$", title="codes of test pictures")
        picture = middle.imshow(made[shown][1][0, 0], cmap="gray_r", vmin=-1, vmax=1)
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
                       f"      density of the prior {density:.4f}"
                       f"      codes within ¼ of it {near:.1%}"
                       f"      read as {said[i, j].argmax()}, {said[i, j].max():.0%} sure")

    axis = lambda name, value: slider(-reach, reach, step, value, name)
    return Explorer(
        setup, update,
        dict(prior=choice(list(runs), shown, "prior"),
             first=axis("z, first number", at[0]),
             second=axis("z, second number", at[1])),
        figsize=(9.4, 3.4),
        alt="Codes of test digits in the plane with a cursor, the digit that the decoder draws "
            "at the cursor, and what a classifier reads in it; the title gives the density of "
            "the prior there.")


# -- sheets ----------------------------------------------------------------------------------------

def greys(ax, images, columns: int = 8, levels: int = 12, names=None):
    """A sheet of pictures (n, 1, h, w) in a few shades of grey, `names` under its columns.

    Blurred strokes in 256 shades make the stored picture several times as large.
    """
    images = torch.as_tensor(images).float()
    drawn = pictures(ax, ((images + 1) / 2 * (levels - 1)).round() / (levels - 1) * 2 - 1, columns)
    if names is not None:
        bottom, wide = drawn.get_array().shape[0], images.shape[-1]
        for i, name in enumerate(names):
            ax.text(wide * (i + .5) - .5, bottom + 4, str(name), ha="center", va="top", fontsize=9)
    return drawn


def one_hot_codes(classes: int, styles):
    """Every style (m, k) under every class, classes fastest: (m · classes, classes + k)."""
    styles = torch.as_tensor(styles).float()
    return torch.cat([torch.eye(classes).repeat(len(styles), 1),
                      styles.repeat_interleave(classes, 0)], 1)


def style_sheet(ax, run, classes: int = 10, styles: int = 6):
    """A row for each style, a column for each class, by a decoder of [class, style]."""
    greys(ax, decode(run, one_hot_codes(classes, run.source.noise(styles, seed=4))),
          columns=classes, names=range(classes))


def head_sheet(ax, run, images, clusters, order, members: int = 5, names=None):
    """A column for each cluster of `order`: its head, decoded at style 0, over some of its members.

    images: an Images; clusters (n,), the cluster of each of its pictures. The rest stays white.
    names: of all clusters, (K,), written under the columns.
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
    greys(ax, torch.cat(rows), columns=len(order), names=None if names is None else names[order])


def decode_all_labels(run, styles, classes: int = 10):
    """d(z, y) for every style (m, k) and every label, labels fastest: (m · classes, ...)."""
    d, styles = run.ema.get("d", run.players["d"]), torch.as_tensor(styles).float()
    with evaluating(d), torch.no_grad():
        return d(styles.repeat_interleave(classes, 0).to(run.device),
                 torch.arange(classes, device=run.device).repeat(len(styles))).float().cpu()


def cluster_map(left, right, run, numbers, labels, table, side: int = 12):
    """The plane of a `ClusterHeadDecoder`: left codes of pictures and heads, right what d draws.

    A head in use bears the label that most of its pictures bear.

    numbers (n, K + k) from the encoder, labels (n,), table (K, classes) as from `contingency`.
    """
    d, classes = run.ema.get("d", run.players["d"]), len(table)
    with evaluating(d), torch.no_grad():
        code = torch.cat([numbers[:, :classes].softmax(1), numbers[:, classes:]], 1)    # (n, K + k)
        place = d.place(code.to(run.device)).cpu()
        heads = d.heads.cpu()
        by_class(left, place, labels, size=3, names=False)
        for k in np.flatnonzero(np.asarray(table).sum(1) >= .001 * np.asarray(table).sum()):
            left.text(*heads[k].tolist(), str(table[k].argmax()), fontsize=12, weight="bold",
                      ha="center", va="center",
                      path_effects=[withStroke(linewidth=3, foreground="white")])
        across = torch.linspace(*left.get_xlim(), side)
        down = torch.linspace(*left.get_ylim()[::-1], side)      # a sheet begins at the top
        drawn = d.net(torch.cartesian_prod(down, across).flip(1).to(run.device)).float().cpu()
    greys(right, drawn, columns=side)
    left.set_title("codes of test digits, heads by name")
    right.set_title("what d draws there")
