"""Pictures of notebooks/13_conditional_loss_sensitive.ipynb: a loss for every label, and the label
whose loss is least.
"""
from __future__ import annotations

import numpy as np
import torch
from matplotlib.colors import ListedColormap

from ..drawing.explorer import Explorer, slider
from ..drawing.plots import BAD, CRITIC, FAKE, GOOD, REAL, SKY, THIRD, pictures
from ..exact.conditional_loss_sensitive import asked_posterior, asked_weights
from ..exact.laws import Mixture, Normal
from ..players.modes import evaluating

COLOURS = (REAL, BAD, GOOD, THIRD, SKY, FAKE)
# three classes on the line, and three in the plane
CLASSES = Mixture([Normal(-2, 1), Normal(0, .7), Normal(3, 1)], [.5, .3, .2])
SPOTS = Mixture([Normal(1.5 * np.array([np.cos(t), np.sin(t)]), .9)
                 for t in np.pi * np.array([.5, 7 / 6, 11 / 6])], [.4, .3, .3])
REACH, SIDE, CEILING = 4.2, 61, 6.0
WIDE = 6.0                                                   # of pictures of generated samples
LINE = np.linspace(-REACH, REACH, SIDE)
PLANE = np.stack(np.meshgrid(LINE, LINE), axis=-1)           # (SIDE, SIDE, 2)
BOX = (-REACH, REACH, -REACH, REACH)


def joint(law, x):
    """p(x, y) of a mixture whose components are the classes: (...) or (..., d) -> (..., K)."""
    return np.stack([share * part.pdf(x) for share, part in zip(law.weights, law.laws)], axis=-1)


def class_losses(ax):
    """The three losses -log p(y | x) on a line; below them the label whose loss is least."""
    x = np.linspace(-5, 6, 600)
    p = joint(CLASSES, x)
    l = -np.log(p / p.sum(-1, keepdims=True))                # (n, 3)
    for y, colour in enumerate(COLOURS[:3]):
        ax.fill_between(x, 4 * p[:, y], color=colour, alpha=.25, lw=0)
        ax.plot(x, l[:, y], color=colour, lw=2.2, label=f"$l(x,{y})$")
        ax.fill_between(x, -.45, -.12, where=l.argmin(-1) == y, color=colour, lw=0, step="mid")
        ax.text(x[l.argmin(-1) == y].mean(), -.3, f"{y}", ha="center", va="center",
                color="white", fontsize=10)
    ax.set(xlabel="$x$; in the strip, the label of the smallest loss", ylabel="loss, nats",
           ylim=(-.45, 5), xlim=(-5, 6))
    ax.legend(frameon=False, loc="upper right")


# -- the loss surfaces -----------------------------------------------------------------------------

def pushed(push: float = 0.0, width: float = 1.0):
    """Fakes in the plane: each class moved outwards by `push` and `width` times as wide."""
    return Mixture([Normal(law.mean * (1 + push / 1.5), law.sd * width) for law in SPOTS.laws],
                   SPOTS.weights)


_REAL = joint(SPOTS, PLANE)
_FINE = np.linspace(-WIDE, WIDE, 500)
_BAYES = joint(SPOTS, np.stack(np.meshgrid(_FINE, _FINE), axis=-1)).argmax(-1)


def borders(ax):
    """Where Bayes's rule for SPOTS passes from one label to another."""
    for k in range(3):
        ax.contour(_FINE, _FINE, _BAYES == k, [.5], colors=CRITIC, linewidths=1)


def judged(push: float, width: float, weight: float):
    """C* on the grid with every margin asked, its labels, and three shares.

    C* is (SIDE, SIDE, 3), the labels (SIDE, SIDE). The shares are taken over real samples: how many
    are named rightly, the mean confidence, and how many have their own label ruled out (w < 0).
    """
    q = joint(pushed(push, width), PLANE)
    w, C = asked_weights(_REAL, q, weight), asked_posterior(_REAL, q, weight)
    named, total = w.argmax(-1), _REAL.sum()
    right = np.take_along_axis(_REAL, named[..., None], -1).sum() / total      # p(x, named label)
    sure = (C.max(-1) * _REAL.sum(-1)).sum() / total
    return C, named, (right, sure, _REAL[w < 0].sum() / total)


def surfaces():
    """l*(x, y) over the plane, a picture for each label, and the regions where each is the least.

    Sliders push the fakes outwards, widen them, and weigh the margins.
    """
    ring = np.exp(2j * np.pi * np.linspace(0, 1, 60))

    def setup(figure):
        axes = figure.subplots(1, 4, sharey=True)
        title = figure.suptitle(" ", fontsize=10.5)
        images, lines, real = [], [], []
        for y, ax in enumerate(axes):
            ax.spines[:].set_color("#999999")
            ax.set(xticks=[], yticks=[], xlim=BOX[:2], ylim=BOX[2:], aspect="equal")
            if y < 3:
                images.append(ax.imshow(np.zeros((SIDE, SIDE)), extent=BOX, origin="lower",
                                        cmap="gray_r", vmin=0, vmax=CEILING,
                                        interpolation="bilinear"))
                ax.set_title(f"$l(x,{y})$", color=COLOURS[y])
            else:
                images.append(ax.imshow(np.zeros((SIDE, SIDE)), extent=BOX, origin="lower", vmin=0,
                                        vmax=2, alpha=.6, cmap=ListedColormap(COLOURS[:3]),
                                        interpolation="nearest"))
                ax.set_title("$\\mathrm{argmin}_y\\,l(x,y)$")
                borders(ax)
            for k, (law, colour) in enumerate(zip(SPOTS.laws, COLOURS)):
                if y in (k, 3):
                    real += ax.plot(law.mean[0] + law.sd * ring.real,
                                    law.mean[1] + law.sd * ring.imag, color=colour, lw=1.8)
                    lines += ax.plot(ring.real, ring.imag, color=FAKE, lw=1.6, ls="--")
        return images, real, lines, title    # real ones stay, but must lie above the images

    def update(artists, push, weight, width):
        images, _, lines, title = artists
        C, named, (right, sure, banned) = judged(push, width, weight)
        l = -np.log(np.maximum(C, np.exp(-CEILING)))
        for image, values in zip(images, [*np.moveaxis(l, -1, 0), named]):
            image.set_data(values)
        q = pushed(push, width)
        for law, line in zip([*q.laws, *q.laws], lines):
            line.set_data(law.mean[0] + law.sd * ring.real, law.mean[1] + law.sd * ring.imag)
        title.set_text(f"real samples predicted correctly {right:.1%}"
                       f"      mean confidence {sure:.1%}"
                       f"      their own label ruled out {banned:.1%}")

    return Explorer(
        setup, update,
        dict(push=slider(-1.5, 2.5, .1, 1.0, "generated samples pushed outwards by"),
             weight=slider(0.0, 4.0, .1, 1.0, "weight λ of the margins"),
             width=slider(.3, 1.5, .1, 1.0, "width of the generated classes, times")),
        figsize=(9.6, 2.9), dpi=120,
        alt="Three shaded planes, the loss of each label, bright where it is low, with circles "
            "for the real and dashed ones for the generated class; on the right the regions of "
            "the least loss in three colours.")


# -- what a finite margin does ---------------------------------------------------------------------

def margins_met(ax, scales, said, truth):
    """How sure the best loss is of label 0 at each place, against the scale k of the margins.

    scales (k,), said (k, places), truth (places,): the dotted lines p(0 | x).
    """
    for place, (values, goal) in enumerate(zip(np.transpose(said), truth)):
        ax.plot(scales, values, "o-", color=COLOURS[place], ms=4, lw=1.6)
        ax.axhline(goal, color=COLOURS[place], ls=":", lw=1.2)
        ax.annotate(f"place {place}", (1.01, goal), xycoords=("axes fraction", "data"),
                    color=COLOURS[place], fontsize=10, va="center")
    ax.set(xscale="log", xlabel="scale $k$ of the margins", ylabel="predicted $C(0\\,|\\,x)$",
           ylim=(0, 1))


# -- trained ones ----------------------------------------------------------------------------------

def grid():
    """Points of the plane up to WIDE, (SIDE², 2) float32."""
    side = np.linspace(-WIDE, WIDE, SIDE)
    return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2).astype(np.float32)


def regions(ax, named, points=None, labels=None, title=""):
    """The label given to each place of the grid (SIDE²,), Bayes's borders, points (n, 2)."""
    ax.imshow(np.reshape(named, (SIDE, SIDE)), extent=(-WIDE, WIDE, -WIDE, WIDE), origin="lower",
              cmap=ListedColormap(COLOURS[:3]), vmin=0, vmax=2, alpha=.3, interpolation="nearest")
    borders(ax)
    if points is not None:
        ax.scatter(*np.asarray(points).T, s=3, color=[COLOURS[y] for y in labels], lw=0, alpha=.7)
    ax.set(xticks=[], yticks=[], xlim=(-WIDE, WIDE), ylim=(-WIDE, WIDE), aspect="equal")
    ax.text(.03, .97, title, transform=ax.transAxes, va="top", fontsize=11)    # never cut off


def counts(ax, table, names):
    """A confusion table (K, K), true labels down, predicted ones across; mistakes are shaded."""
    table = np.asarray(table)
    wrong = np.where(np.eye(len(table), dtype=bool), 0, table)
    ax.imshow(wrong, cmap="Oranges", vmin=0, vmax=max(1, 1.3 * wrong.max()))
    for a, row in enumerate(table):
        for b, n in enumerate(row):
            if n:
                ax.text(b, a, f"{n}", ha="center", va="center", fontsize=8, color=CRITIC)
    ax.set_xticks(range(len(table)), names, rotation=0 if max(map(len, names)) < 3 else 60,
                  fontsize=8.5)
    ax.set_yticks(range(len(table)), names, fontsize=8.5)
    ax.set(xlabel="predicted", ylabel="true label")
    ax.spines[:].set_visible(False)


def diagram(ax, tables):
    """How often right against how sure; tables: name -> `reliability(...)`."""
    ax.plot([0, 1], [0, 1], color=CRITIC, ls=":", lw=1)
    for (name, table), colour, mark in zip(tables.items(), (REAL, BAD, GOOD), "os^"):
        seen = table.count >= 10
        ax.plot(table.confidence[seen], table.right[seen], mark + "-", color=colour, ms=5, lw=1.5,
                label=name)
    ax.set(xlabel="confidence", ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.02))
    ax.legend(frameon=False, fontsize=9, loc="upper left")


def style_sheet(ax, run, styles: int = 6, seed: int = 4):
    """A row for each noise, a column for each label: the same noise all along a row."""
    g = run.ema.get("g", run.players["g"])
    z = run.source.noise(styles, seed=seed).to(run.device).repeat_interleave(g.classes, 0)
    y = torch.arange(g.classes, device=run.device).repeat(styles)
    with evaluating(g), torch.no_grad():
        pictures(ax, g(z, y).float().cpu(), columns=g.classes, gap=2)


def mistakes(ax, images, predicted, sure, columns: int = 6, rows: int = 6):
    """The pictures that were named wrongly with the greatest confidence, with the wrong label.

    images (n, c, h, w), predicted (n,), sure (n,), all of mistakes; of none, an empty frame.
    """
    ax.set_axis_off()
    order = np.argsort(-np.asarray(sure))[:columns * rows]
    columns = min(columns, len(order))
    order = order[:len(order) // max(columns, 1) * columns]      # full rows only, as in a sheet
    if len(order):
        pictures(ax, np.asarray(images)[order], columns, gap=2)
    size = images.shape[-1] + 2
    for place, i in enumerate(order):
        row, column = divmod(place, columns)
        ax.text(column * size + 1, row * size + 1, f"{int(predicted[i])}", color=BAD, fontsize=10,
                ha="left", va="top")
