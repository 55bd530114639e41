"""Pictures of notebooks/17_infomax.ipynb: codes of pictures, bounds of information, neighbours."""
from __future__ import annotations

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from ..drawing.diagrams import arrow, blank, boxes
from ..drawing.explorer import Explorer, choice, slider
from ..drawing.plots import BAD, CRITIC, FAKE, GOOD, REAL, SKY, THIRD, open_axes, sheet
from ..exact.infomax import (
    CorrelatedNormal,
    linear_information,
    patch_information,
    patch_pictures,
    reconstruction_error,
)

PICTURES, SCALE = patch_pictures(4), (1, 3)
CODES = {"motif": lambda x: x[0, 0], "first speck": lambda x: x[0, 1],
         "most specks": lambda x: np.sign(x[:, 1].sum() + .5 * x[0, 1]),
         "parity of specks": lambda x: x[:, 1].prod()}
COLOURS = {"DV": REAL, "NWJ": BAD, "InfoNCE": GOOD, "JSD + 2 log 2": THIRD}
RHOS = np.round(np.arange(0, .96, .05), 2)
SIZES = (8, 16, 32, 64, 128, 256)


# -- the idea --------------------------------------------------------------------------------------

def code_bars(album, bars):
    """Above six pictures of four patches, below what four codes of one bit are worth.

    Two bars for each code: the share of the pixels' variance that the best decoder reconstructs
    from it, and the share of a bit that it tells about a patch, in the mean.
    """
    for place, row in enumerate((0, 3, 12, 17, 22, 29)):
        top, left = -3 * (place // 3), 6 * (place % 3)
        for patch, values in enumerate(PICTURES[row] * np.array(SCALE)):
            for below, value in enumerate(values):                    # the motif, then the speck
                album.add_patch(Rectangle((left + 1.12 * patch, top - below), 1, 1, lw=0,
                                          fc=str(.5 + value / 7.2)))
    album.set(xlim=(-.1, 16.5), ylim=(-4.1, 1.1), aspect="equal")
    album.set_axis_off()
    album.set_title("six pictures of four patches: motif above, speck below", fontsize=11)
    at = np.arange(len(CODES))
    total = (np.square(SCALE).sum()) * PICTURES.shape[1]
    pixels = [1 - reconstruction_error(PICTURES, code, SCALE) / total for code in CODES.values()]
    patches = [patch_information(PICTURES, code).mean() / np.log(2) for code in CODES.values()]
    for shift, values, colour, label in ((-.2, pixels, FAKE, "share of the pixels' variance"),
                                         (.2, patches, GOOD, "bits about a patch, in the mean")):
        drawn = bars.barh(at + shift, values, .36, color=colour, label=label)
        bars.bar_label(drawn, [f"{value:.2f}" for value in values], padding=3, fontsize=10)
    bars.set_yticks(at, CODES)
    bars.invert_yaxis()
    bars.set(xlim=(0, 1.12), xlabel="what a code of one bit tells")
    bars.legend(frameon=False, fontsize=10, loc="lower right")


# -- bounds by hand --------------------------------------------------------------------------------

def estimates(pair, n: int, seeds: int) -> np.ndarray:
    """The four bounds, in nats, on `seeds` batches of n pairs: (4, seeds), as in COLOURS.

    Each is estimated at its best scores T: NWJ at 1 + log r, the others at log r.
    """
    found = []
    for seed in range(seeds):
        x, z = (v.astype(np.float32) for v in pair.pairs(n, np.random.default_rng(seed)))
        scores = pair.scores(x, z)                         # (n, n): x of the row, z of the column
        own, ratio = np.diagonal(scores), np.exp(np.minimum(scores, 80))  # no float32 overflows
        own_ratio, columns, others = np.diagonal(ratio), ratio.sum(0, dtype=np.float64), n * (n - 1)
        away = (columns.sum() - own_ratio.sum(dtype=np.float64)) / others
        # sums over all pairs less those over the n true ones: what lies off the diagonal
        misses = (np.log1p(ratio).sum(dtype=np.float64)
                  - np.log1p(own_ratio).sum(dtype=np.float64)) / others
        found.append([own.mean() - np.log(max(away, 1e-300)), own.mean() + 1 - away,
                      (own - np.log(columns)).mean() + np.log(n),
                      2 * np.log(2) - np.log1p(1 / own_ratio).mean() - misses])
    return np.array(found).T


def bounds(seeds: int = 16):
    """Four estimates of mutual information against its exact value, over many batches.

    Sliders move the correlation, menus choose the size of a batch and the number of coordinates;
    above means and the middle 80 % of the batches against the exact value, below a dot a batch.
    """
    at_every_rho = lambda k, n: np.stack(
        [estimates(CorrelatedNormal(rho, k), n, seeds) for rho in RHOS], axis=1)
    table = {(k, n): at_every_rho(k, n) for k in (1, 6) for n in SIZES}      # (4, rhos, seeds)
    exact = {k: np.array([CorrelatedNormal(rho, k).information for rho in RHOS]) for k in (1, 6)}
    order = list(COLOURS)

    def setup(figure):
        left, right = figure.subplots(2, 1, height_ratios=(1.5, 1))
        title = figure.suptitle(" ", fontsize=11)
        truth, = left.plot([], [], color=CRITIC, lw=4, alpha=.3, label="exact $I$")
        cap, = left.plot([], [], color=CRITIC, ls=":", lw=1.2, label="$\\log N$")
        curves = [left.plot([], [], color=COLOURS[name], lw=2, label=name)[0] for name in order]
        spans = [[left.plot([], [], color=COLOURS[name], lw=.8, alpha=.6)[0] for _ in "ab"]
                 for name in order]
        here, = left.plot([], [], color=CRITIC, lw=.8, ls="--")
        left.set(xlim=(0, 1), ylim=(-.04, 1.3), xlabel="exact $I$, as a share of its largest here",
                 ylabel="estimate, share of the largest $I$")
        left.legend(frameon=False, fontsize=9, loc="upper left")
        dots = [right.plot([], [], "o", color=COLOURS[name], ms=4, alpha=.6)[0] for name in order]
        line, = right.plot([], [], color=CRITIC, lw=4, alpha=.3)
        right.set_xticks(range(4), order, fontsize=10)
        right.set(xlim=(-.6, 3.6), ylim=(-.04, 1.3), ylabel="one dot a batch")
        open_axes(left, right)
        return truth, cap, curves, spans, here, dots, line, title

    def update(artists, rho, n, k):
        truth, cap, curves, spans, here, dots, line, title = artists
        at, top = int(np.argmin(abs(RHOS - rho))), exact[k][-1]
        share, values = exact[k] / top, table[k, n] / top
        truth.set_data(share, share)
        cap.set_data([0, 1], [np.log(n) / top] * 2)
        for curve, (low, high), found in zip(curves, spans, values):
            curve.set_data(share, found.mean(1))
            low.set_data(share, np.quantile(found, .1, axis=1))
            high.set_data(share, np.quantile(found, .9, axis=1))
        here.set_data([share[at]] * 2, [-.04, 1.3])
        for i, (dot, found) in enumerate(zip(dots, values[:, at])):
            dot.set_data(i + np.linspace(-.22, .22, len(found)), np.clip(found, -.03, 1.29))
        line.set_data([-.6, 3.6], [share[at]] * 2)
        mean = dict(zip(order, table[k, n][:, at].mean(1)))
        title.set_text(f"I {exact[k][at]:.3f}    log N {np.log(n):.2f}"
                       f"    mean of {seeds} batches:  DV {mean['DV']:.2f}"
                       f"   NWJ {mean['NWJ']:.2f}   InfoNCE {mean['InfoNCE']:.2f}")

    return Explorer(
        setup, update,
        dict(rho=slider(0.0, .95, .05, .95, "rho, correlation"),
             n=choice(list(SIZES), 32, "N, pairs in a batch"),
             k=choice({"1 number each": 1, "6 numbers each": 6}, 6, "x and z have")),
        figsize=(6.8, 6.6),
        alt="Above, four estimates of mutual information against its exact value, with the "
            "diagonal and log N; below, one dot per batch for each estimate. The title gives "
            "the exact value and three means.")


# -- play ------------------------------------------------------------------------------------------

def over_the_exact(axes, pair, trained, reach: float = 2.6):
    """Contours of the exact log r and of trained scores T over the plane of x and z.

    trained: (m,), (m,) -> (m,).
    """
    line = np.linspace(-reach, reach, 61)
    x, z = np.meshgrid(line, line)
    exact = pair.log_ratio(x.ravel()[:, None], z.ravel()[:, None]).reshape(x.shape)
    levels = [-6, -3, -1, 0, .5, 1]
    for ax, values, name in zip(axes, (exact, trained(x.ravel(), z.ravel()).reshape(x.shape)),
                                ("exact $\\log r$", "trained $T$")):
        ax.contourf(x, z, pair_density(pair, x, z), levels=8, cmap="Blues", alpha=.55)
        drawn = ax.contour(x, z, values, levels=levels, colors=CRITIC, linewidths=1.1)
        ax.clabel(drawn, fontsize=9, fmt="%g")
        ax.text(.04, .96, name, transform=ax.transAxes, va="top", fontsize=12)
        ax.set(xlabel="$x$", aspect="equal")
    axes[0].set_ylabel("code $z$")


def pair_density(pair, x, z):
    """p(x, z) of a `CorrelatedNormal` with one coordinate: arrays of one shape -> same shape."""
    square = (x ** 2 - 2 * pair.rho * x * z + z ** 2) / (1 - pair.rho ** 2)
    return np.exp(-square / 2) / (2 * np.pi * np.sqrt(1 - pair.rho ** 2))


# Four patches of two numbers: a motif that they share, blurred by .3 in each, and a speck of
# deviation 3 of their own.
COVARIANCE = np.kron(np.ones((4, 4)), [[1, 0], [0, 0]]) + np.kron(np.eye(4), [[.09, 0], [0, 9]])


def patches(n: int, seed: int = 0) -> np.ndarray:
    """n pictures of four patches: motif and speck of the first, of the second, …, (n, 8)."""
    return np.random.default_rng(seed).multivariate_normal(np.zeros(8), COVARIANCE, n,
                                                           method="cholesky")


def weights_of(e) -> np.ndarray:
    """The weights of a `linear_encoder(4, 2)`: (4, 2), motif and speck of each patch."""
    return e.rest[1].weight.detach().double().cpu().numpy().reshape(2, 4).T


def information_of(weights):
    """Exact (global, (4,) local) information of a linear code with noise .3."""
    return linear_information(COVARIANCE, weights, .3)


def code_weights(ax, weights):
    """How much each linear encoder takes from each number: name -> weights (patches, 2)."""
    width = .8 / len(weights)
    for i, ((name, w), colour) in enumerate(zip(weights.items(), (FAKE, SKY, GOOD))):
        size = np.abs(w).T.ravel() / np.linalg.norm(w)     # (2 · patches,), all motifs first
        ax.bar(np.arange(len(size)) + (i - (len(weights) - 1) / 2) * width, size, width,
               color=colour, label=name)
    patches = len(w)
    ax.set_xticks(range(2 * patches),
                  [f"{part} {m + 1}" for part in ("motif", "speck") for m in range(patches)],
                  fontsize=8)
    ax.set(ylabel="|weight|, scaled to length 1", ylim=(0, 1.25))
    ax.legend(frameon=False, ncols=3, fontsize=8, loc="upper left")


# -- the networks ----------------------------------------------------------------------------------

def architecture(ax):
    """Deep InfoMax's local score: a place of the feature map of x_i against the code of x_j."""
    def cells(left, bottom, columns, rows, size, colour, marked=()):
        for row in range(rows):
            for column in range(columns):
                ax.add_patch(Rectangle((left + column * size, bottom + row * size), size, size,
                                       lw=.8, ec="white", fc=colour,
                                       alpha=1 if (column, row) in marked else .35))

    blank(ax, 10, 11)
    drawn = boxes(ax, {"x_i": (2, 10.5, "picture $x_i$", CRITIC),
                       "x_j": (7.4, 10.5, "picture $x_j$", CRITIC),
                       "map": (7.4, 8.7, "feature map", REAL),
                       "u": (2.75, 4.7, "$u(x_{i,m})$", REAL), "v": (7.4, 4.7, "$v(z_j)$", GOOD),
                       "T": (4.9, 3.1, "$T(x_{i,m},z_j)=u\\cdot v$", THIRD),
                       "own": (2.3, 1.1, "$i=j$, own pair:\nhigh score", GOOD),
                       "shuffled": (7.5, 1.1, "$i\\neq j$, shuffled:\nlow score", FAKE)},
                  ("x_j>map", "u>T", "v>T", "T>own", "T>shuffled"), fill=.15, pad=.55)
    cells(.8, 6.7, 8, 8, .3, REAL, marked={(6, 3)})
    cells(5.9, 7.0, 10, 1, .3, GOOD, marked={(i, 0) for i in range(10)})
    arrow(ax, drawn["x_i"], (2, 9.2))
    arrow(ax, drawn["map"], (7.4, 7.4))
    arrow(ax, (2.75, 7.6), drawn["u"])
    arrow(ax, (7.4, 6.4), drawn["v"])
    for x, y, text in ((2.15, 9.6, "convolutions"), (7.55, 9.6, "convolutions"),
                       (7.55, 7.85, "layers above"), (2.9, 5.7, "$u$"), (7.55, 5.8, "$v$"),
                       (6.95, 6.7, "code $z_j$"), (.95, 6.4, "$8\\times8$ places")):
        ax.text(x, y, text, va="center", fontsize=11.5)
    ax.text(.65, 7.9, "feature map", rotation=90, ha="right", va="center", fontsize=12)
    ax.set_aspect("equal")


# -- full size -------------------------------------------------------------------------------------

def accuracies(axes, table, published=None):
    """Shares of right answers with their intervals, one axes for each layer of an encoder.

    table: name -> {layer: (share of the neighbours, share of the linear probe)}, layers "conv" and
    "code"; a name with the layer "" stands in both. published: name -> {layer: percent}.
    """
    layers = {"conv": "last convolution", "code": "code of 64 numbers"}
    for ax, (layer, title) in zip(axes, layers.items()):
        for row, (name, found) in enumerate(table.items()):
            colour = GOOD if "DIM" in name else REAL if "VAE" in name else CRITIC
            for i, (share, marker) in enumerate(zip(found.get(layer, found.get("")), "so")):
                at = row + .36 * i - .18
                ax.plot([share.low, share.high], [at, at], color=colour, lw=1.4)
                ax.plot(share.value, at, marker, color=colour, ms=6, mfc="white" if i else colour)
            if name in (published or {}):
                ax.plot(published[name][layer] / 100, row, "D", color=BAD, ms=6)
        ax.set_yticks(range(len(table)), table, fontsize=10)
        ax.set(title=title, xlabel="share of test photographs right")
        ax.grid(axis="x", color="0.9")
        ax.set_axisbelow(True)
        ax.invert_yaxis()
    marks = {"neighbours": dict(marker="s", color=CRITIC),
             "linear probe": dict(marker="o", color=CRITIC, mfc="white")}
    if published:
        marks["paper, small network"] = dict(marker="D", color=BAD)
    lines = [Line2D([], [], ls="", ms=6, label=name, **look) for name, look in marks.items()]
    axes[0].legend(handles=lines, frameon=False, fontsize=9, loc="upper right")


def neighbours(axes, queries, images, found, right=None):
    """Rows of a query and its nearest pictures, one axes for each search.

    queries (m, c, h, w) uint8; found: name -> (m, k) indices into images. right: name -> (m, k),
    which of them are of the query's class; they get a frame.
    """
    for ax, (name, rows) in zip(axes, found.items()):
        m, k = rows.shape
        size = queries.shape[-1] + 4                           # a picture and the gap beside it
        pairs = [(query, image) for query, row in zip(queries, rows) for image in (images[row],)]
        strips = [np.concatenate([np.asarray(query)[None], np.asarray(near)])
                  for query, near in pairs]
        joined = sheet(np.concatenate(strips), k + 1, gap=4)
        ax.imshow(joined, cmap="gray_r" if joined.ndim == 2 else None, vmin=0, vmax=1,
                  interpolation="nearest")
        ax.axvline(size - 2.5, color=CRITIC, lw=1)
        for row, column in zip(*np.nonzero(np.asarray(right[name]))) if right else ():
            ax.add_patch(Rectangle(((column + 1) * size - 1.5, row * size - 1.5), size - 2,
                                   size - 2, fill=False, ec=GOOD, lw=2.2))
        ax.set_xlim(-2.5, (k + 1) * size - 1.5)
        ax.set_ylim(m * size - 1.5, -2.5)
        ax.set_axis_off()
        ax.set_title(name)
