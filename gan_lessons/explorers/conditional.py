"""Pictures of notebooks/12_conditional.ipynb: laws with labels, the weight of a class loss, class
by class, class against style.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from scipy.special import expit

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
from ..exact.conditional import acgan_rest, class_loss, label_entropy, log_posterior, mixed, within
from ..exact.laws import Mixture, Normal
from ..measures.frechet import frechet, moments
from ..measures.metrics import class_probabilities, features
from ..players.modes import evaluating

X = np.linspace(-7, 9, 641)
X_WIDE = np.linspace(-14, 18, 1601)                            # for sums: no tail is cut off
LABELLED = Mixture([Normal(-1.5, 1), Normal(1.5, 1)])           # real samples, of label 0 and 1
CLOSE = Mixture([Normal(-1, 1), Normal(1, 1)])                 # two that overlap more
LABEL_COLOURS = (REAL, FAKE, GOOD, THIRD, SKY, BAD)


# -- with the label and without --------------------------------------------------------------------

def muddled(mixed_up: float = 0.0, shift: float = 0.0):
    """A generator with two faults: samples are shifted, a share of the labels is mixed up."""
    low, high = (Normal(law.mean + shift, law.sd) for law in LABELLED.laws)
    return Mixture([Mixture([low, high], [1 - mixed_up, mixed_up]),
                    Mixture([high, low], [1 - mixed_up, mixed_up])])


def views(p, q):
    """All samples, those of label 0, those of label 1: [(title, p, q), …]."""
    return [("all samples", p, q),
            *((f"label {y}", *pair) for y, pair in enumerate(zip(p.laws, q.laws)))]


def three_views(axes, p, q):
    """Real densities filled, fake ones as lines, D* dotted; returns the two that move."""
    moving = []
    for ax, (title, real, fake) in zip(axes, views(p, q)):
        draw_density(ax, X, real, REAL, "real")
        density, = ax.plot(X, fake.pdf(X), color=FAKE, lw=2.2, label="generated")
        D, = ax.plot(X, expit(real.logpdf(X) - fake.logpdf(X)), color=CRITIC, ls=":", lw=2,
                     label="$D^*$")
        ax.set(title=title, xlabel="$x$", xlim=(-5.5, 7.5), ylim=(0, 1.02))
        open_axes(ax)
        moving.append((density, D))
    axes[0].legend(frameon=False, loc="upper right", fontsize=9)
    return moving


def grid_js(p, q):
    """JS in nats of two laws on the line, by a sum over a fine even grid.

    For smooth densities that is as good as quadrature, and quick enough for a slider.
    """
    real, fake, c = p.pdf(X_WIDE), q.pdf(X_WIDE), p.logpdf(X_WIDE) - q.logpdf(X_WIDE)
    costs = real @ np.logaddexp(0, -c) + fake @ np.logaddexp(0, c)
    return np.log(2) - costs * (X_WIDE[1] - X_WIDE[0]) / 2


def labels():
    """Two faults of a generator, a slider each: labels mixed up, and samples shifted.

    The fake densities and D* move, for all samples and for each label; the title gives JS with the
    label and without it.
    """
    def setup(figure):
        axes = figure.subplots(1, 3, sharey=True)
        title = figure.suptitle(" ", fontsize=11)
        return three_views(axes, LABELLED, muddled()), title

    def update(artists, mixed_up, shift):
        moving, title = artists
        q = muddled(mixed_up, shift)
        for (density, D), (_, real, fake) in zip(moving, views(LABELLED, q)):
            density.set_ydata(fake.pdf(X))
            D.set_ydata(expit(real.logpdf(X) - fake.logpdf(X)))
        blind, sharp = abs(grid_js(LABELLED, q)), abs(within(LABELLED, q, grid_js))
        title.set_text(f"JS without the label {blind:.4f}"
                       f"      JS with the label {sharp:.4f}"
                       f"      value of the conditional game {2 * sharp - 2 * np.log(2):.4f}")

    return Explorer(
        setup, update,
        dict(mixed_up=slider(0.0, 1.0, .05, .3, "share of labels mixed up"),
             shift=slider(0.0, 4.0, .1, 0.0, "all generated samples shifted by")),
        figsize=(9.6, 3.2),
        alt="Real and generated densities and the optimal discriminator, for all samples, for "
            "label 0 and for label 1; the title gives the Jensen-Shannon divergence without "
            "the label and with it.")


# -- what the class loss buys ----------------------------------------------------------------------

@lru_cache
def rests(most: float = 3.0, step: float = .1):
    """Weights (k,) of the class loss, and for each where ACGAN's generator rests.

    Each is found from the one before.
    """
    weights, found = np.round(np.arange(0, most + step / 2, step), 10), [CLOSE]
    for weight in weights[1:]:
        found.append(acgan_rest(CLOSE, weight, found[-1]))
    return weights, found


def class_weight():
    """A slider for the weight λ of the class loss: where does the generator of ACGAN rest?

    Left its two densities and the best classifier move, right dots run along the curves of class
    loss, label entropy and JS.
    """
    weights, found = rests()
    curves = {"class loss": (BAD, [class_loss(CLOSE, q) for q in found]),
              "entropy $H_q(y\\,|\\,x)$": (FAKE, [label_entropy(q) for q in found]),
              "JS with the label": (GOOD, [within(CLOSE, q, grid_js) for q in found])}
    truth = label_entropy(CLOSE)

    def setup(figure):
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
        title = figure.suptitle(" ", fontsize=11)
        for law, colour, name in zip(CLOSE.laws, (REAL, SKY), "01"):
            draw_density(left, X, law, colour, f"real, label {name}")
        fakes = [left.plot(X, X, color=colour, lw=2.2, label=f"generated, label {name}")[0]
                 for colour, name in zip((FAKE, BAD), "01")]
        classifier, = left.plot(X, X, color=CRITIC, lw=1.6, ls=":", label="$C^*(1\\,|\\,x)$")
        left.set(xlabel="$x$", xlim=(-4.5, 4.5), ylim=(0, 1.38))
        left.legend(frameon=False, fontsize=9, loc="upper center", ncols=3, columnspacing=1)
        for name, (colour, values) in curves.items():
            right.plot(weights, values, color=colour, lw=2, label=name)
        right.axhline(truth, color=CRITIC, ls=":", lw=1.2, label="entropy of real samples")
        right.set(xlabel="weight of the class loss, $\\lambda$", ylim=(0, .4), ylabel="nats")
        right.legend(frameon=False, fontsize=9, loc="upper right", bbox_to_anchor=(1, .88))
        dots = [right.plot([0], [0], "o", color=colour, ms=7)[0] for colour, _ in curves.values()]
        open_axes(left, right)
        return fakes, classifier, dots, title

    def update(artists, weight):
        fakes, classifier, dots, title = artists
        i = int(np.abs(weights - weight).argmin())
        q = found[i]
        for line, law in zip(fakes, q.laws):
            line.set_ydata(law.pdf(X))
        classifier.set_ydata(np.exp(log_posterior(mixed(CLOSE, q), 1)(X)))
        for dot, (_, values) in zip(dots, curves.values()):
            dot.set_data([weights[i]], [values[i]])
        loss, entropy, js = (values[i] for _, values in curves.values())
        title.set_text(f"λ = {weight:.1f}"
                       f"      means ±{q.laws[1].mean:.2f}, width {q.laws[1].sd:.2f}"
                       f"      class loss {loss:.3f}"
                       f"      entropy {entropy:.3f} (real {truth:.3f})      JS {abs(js):.3f}")

    return Explorer(
        setup, update,
        dict(weight=slider(0.0, 3.0, .1, 1.0, "weight λ of the class loss")),
        figsize=(9.6, 3.5),
        alt="Left, two real densities that overlap, and the generated ones, narrower and "
            "farther apart, with the classifier between them; right, class loss, entropy and JS "
            "against the weight.")


# -- class against style ---------------------------------------------------------------------------

def _generator(run):
    """That of a stored long run; of a training the averaged one, where there is one."""
    return run.generator if hasattr(run, "generator") else run.ema.get("g", run.players["g"])


def _codes(run, n: int, seed: int = 4):
    """n codes of the prior, (n, d), the same for the same seed."""
    return run.latent(n, seed) if hasattr(run, "latent") else run.source.noise(n, seed=seed)


def blended(run, z, y):
    """g(z, y), also for labels between whole numbers: (n, d), (n,) -> (n, ...), on the CPU.

    Between y and y + 1 the two one-hot vectors are mixed.
    """
    g, y = _generator(run), torch.as_tensor(y, dtype=torch.float32)
    low = y.floor().long().clamp(max=g.classes - 1)
    share = (y - low)[:, None]                                     # (n, 1), of the label above
    eye = torch.eye(g.classes)
    one_hot = (1 - share) * eye[low] + share * eye[(low + 1).clamp(max=g.classes - 1)]
    with evaluating(g), torch.no_grad():
        device = next(g.parameters()).device
        return g.net(torch.cat([z.cpu(), one_hot], 1).to(device)).float().cpu()


def style_sheet(ax, run, styles: int = 6, seed: int = 4):
    """A row for each noise, a column for each label: the same noise all along a row.

    run: a training, or what `long_run(name)` returned.
    """
    z, classes = _codes(run, styles, seed), _generator(run).classes
    z, y = z.repeat_interleave(classes, 0), torch.arange(classes).repeat(styles)
    pictures(ax, blended(run, z, y), columns=classes, gap=2)


def walk(run, stops: int = 24, between: int = 4):
    """Walk in the noise and in the label of a generator, a slider each.

    run: a training, or what `long_run(name)` returned. On the left one sample, in the middle its
    noise under every label, on the right its label under ten noises. Every picture is made
    beforehand.
    """
    classes = _generator(run).classes
    turn = 2 * np.pi * torch.arange(stops) / stops
    one, other = _codes(run, 2)
    # cos² + sin² = 1: every stop is a typical noise
    z = turn.cos()[:, None] * one + turn.sin()[:, None] * other
    labels = torch.arange(between * (classes - 1) + 1) / between
    made = blended(run, z.repeat_interleave(len(labels), 0), labels.repeat(stops))   # row by row
    said = class_probabilities(made).numpy().reshape(stops, len(labels), -1)
    made = made.numpy().reshape(stops, len(labels), *made.shape[1:])   # (stops, labels, c, h, w)
    entropy = -(said * np.log(np.maximum(said, 1e-30))).sum(-1)

    def setup(figure):
        big, column, row = figure.subplots(1, 3, width_ratios=(1, 1.72, 1.72))
        title = figure.suptitle(" ", fontsize=11)
        images = [pictures(big, made[:1, 0], columns=1),
                  pictures(column, made[0, ::between], columns=(classes + 1) // 2, gap=2),
                  pictures(row, made[:, 0][_spread(stops)], columns=5, gap=2)]
        big.set_title("here", fontsize=10)
        column.set_title("this noise, every label", fontsize=10)
        row.set_title("this label, ten noises", fontsize=10)
        return images, title

    def update(artists, label, style):
        (big, column, row), title = artists
        i = int(round(label * between))
        for image, stack, columns in ((big, made[style, i:i + 1], 1),
                                      (column, made[style, ::between], (classes + 1) // 2),
                                      (row, made[:, i][_spread(stops)], 5)):
            image.set_data(sheet(stack, columns, gap=2))
        read = said[style, i]
        asked = f"{label:g}" if label == int(label) else f"{label:.2f}, between two labels"
        title.set_text(f"asked for {asked}"
                       f"      the classifier reads {read.argmax()}, {read.max():.0%} sure"
                       f"      entropy {entropy[style, i]:.3f}")

    return Explorer(
        setup, update,
        dict(label=slider(0.0, float(classes - 1), 1 / between, 3.0, "label y"),
             style=slider(0, stops - 1, 1, min(7, stops - 1), "noise z, a walk in a circle")),
        figsize=(9.4, 2.6),
        alt="One generated digit, the same noise under all ten labels, and the same label under "
            "ten noises; the title says what a classifier reads in the digit and how sure it is.")


def _spread(stops: int, count: int = 10):
    """`count` stops of a walk, evenly spread."""
    return np.arange(count) * stops // count


# -- class by class --------------------------------------------------------------------------------

def class_by_class(pictures, labels, real, real_labels):
    """Fakes (n, c, h, w) of labels (n,) beside real ones: three arrays (K,), a number a class.

    Fréchet distance of the class to the real class; share of fakes that the classifier of the
    course reads as their label; diversity, the mean distance of two fakes of the class in that
    classifier's features, divided by the same for real ones.
    """
    made, true = features(pictures).double(), features(real).double()
    right = (class_probabilities(pictures).argmax(1) == labels).double()
    far, share, spread = [], [], []
    for y in range(int(real_labels.max()) + 1):
        mine, theirs = made[labels == y], true[real_labels == y]
        far.append(frechet(*moments(mine), *moments(theirs)))
        share.append(right[labels == y].mean().item())
        spread.append(apart(mine) / apart(theirs))
    return np.array(far), np.array(share), np.array(spread)


def apart(points) -> float:
    """The mean distance of two different points (n, d), over at most 1,000 of them."""
    points = points[:1000]
    n = len(points)
    return (torch.cdist(points, points).sum() / (n * (n - 1))).item()


def by_class(axes, tables):
    """Dots for each class: distance, share as asked, diversity; tables: name -> class_by_class."""
    titles = "Fréchet distance", "read as the label asked for", "diversity, real = 1"
    for k, (ax, title) in enumerate(zip(axes, titles)):
        for (name, table), colour, mark in zip(tables.items(), (CRITIC, FAKE, GOOD, BAD), "_os^"):
            ax.plot(range(len(table[k])), table[k], mark, color=colour, ms=12 if mark == "_" else 6,
                    mew=1.5, alpha=.85, label=name)
        ax.set(title=title, xlabel="label", xticks=range(len(table[k])))
        open_axes(ax)
    axes[0].set_ylim(bottom=0)
    axes[0].legend(frameon=False, fontsize=9)


def three_critics(axes):
    """Where the label enters: joined to the input, multiplied with the features, nowhere."""
    plans = {
        "concatenation": ({"x": (.27, .08), "y": (.73, .08), "[x, one-hot y]": (.5, .36),
                           "network": (.5, .64), "f(x, y)": (.5, .92)},
                          ("x>[x, one-hot y]", "y>[x, one-hot y]", "[x, one-hot y]>network",
                           "network>f(x, y)")),
        "projection": ({"x": (.27, .08), "y": (.73, .08), "h(x)": (.27, .36), "w(y)": (.73, .36),
                        "w(y) · h(x)": (.73, .64), "ψ": (.27, .64), "sum  f(x, y)": (.5, .92)},
                       ("x>h(x)", "y>w(y)", "h(x)>w(y) · h(x)", "w(y)>w(y) · h(x)", "h(x)>ψ",
                        "ψ>sum  f(x, y)", "w(y) · h(x)>sum  f(x, y)")),
        "ACGAN": ({"x": (.5, .08), "network": (.5, .36), "source c(x)": (.24, .64),
                   "classes a(x)": (.76, .64), "real or not?": (.24, .92), "which y?": (.76, .92)},
                  ("x>network", "network>source c(x)", "network>classes a(x)",
                   "source c(x)>real or not?", "classes a(x)>which y?"))}
    for ax, (title, (boxes, arrows)) in zip(axes, plans.items()):
        for arrow in arrows:
            start, end = (boxes[name] for name in arrow.split(">"))
            ax.annotate("", (end[0], end[1] - .065), (start[0], start[1] + .065),
                        arrowprops=dict(arrowstyle="-|>", color=CRITIC, lw=1.2))
        for name, place in boxes.items():
            label = "y" in name and name != "network"
            ax.text(*place, name, ha="center", va="center", fontsize=10.5,
                    bbox=dict(boxstyle="round,pad=.35", fc="#FDF1D8" if label else "#E5F0F7",
                              ec=FAKE if label else REAL, lw=1.2))
        ax.set(title=title, xlim=(0, 1), ylim=(0, 1))
        ax.set_axis_off()


# -- figures ---------------------------------------------------------------------------------------

def by_label(ax, points, labels, size: float = 5, numbers: bool = True):
    """Points of the plane (n, 2), coloured by label (n,), its number outside their mean."""
    points, labels = np.asarray(points), np.asarray(labels)
    for y in np.unique(labels):
        mine = points[labels == y]
        ax.scatter(*mine.T, s=size, color=LABEL_COLOURS[y % len(LABEL_COLOURS)], alpha=.5, lw=0)
        if numbers:
            ax.text(*1.25 * mine.mean(0), f"{y}", ha="center", va="center", fontsize=11,
                    color=CRITIC)
    ax.set(aspect="equal", xlim=(-2.8, 2.8), ylim=(-2.8, 2.8), xticks=[], yticks=[])


def roads(ax, x, x_fake, measured, title):
    """Segments from real points (n, 2) to fake ones, and where slopes are measured on them."""
    for a, b in zip(x, x_fake):
        ax.plot(*zip(a, b), color=CRITIC, lw=.5, alpha=.25)
    ax.scatter(*np.asarray(x).T, s=10, color=REAL, lw=0, label="real")
    ax.scatter(*np.asarray(x_fake).T, s=10, color=FAKE, lw=0, label="generated")
    ax.scatter(*np.asarray(measured).T, s=10, color=GOOD, lw=0, label="measured")
    ax.set(aspect="equal", xlim=(-2.5, 2.5), ylim=(-2.5, 2.5), xticks=[], yticks=[], title=title)
