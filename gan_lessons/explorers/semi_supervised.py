"""Pictures of notebooks/14_semi_supervised.ipynb: a boundary on the line, the doubt of a
classifier, and few labels in the plane.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from scipy.special import entr, expit

from ..data.batches import batches
from ..drawing.diagrams import arrow, blank, box, boxes
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
    smooth,
    square_grid,
)
from ..exact.laws import Mixture, Moons, Normal, Ring
from ..measures.prediction import ClassLoss, predict
from ..objectives.loss_sensitive import margin
from ..objectives.semi_supervised import improved_gan, semi_supervised, supervised
from ..players.networks import Concatenated, mlp_critic, mlp_generator
from ..training.budgets import pictures as most_pictures
from ..training.budgets import steps
from ..training.loop import train
from ..training.optimizers import adam

# -- a boundary on the line ------------------------------------------------------------------------

# unlabelled samples u of two classes on the line
UNLABELLED = Mixture([Normal(-2, .8), Normal(2, .8)], [.3, .7])
LABELLED, LABELS = np.array([-2.6, .8]), np.array([0, 1])      # the only two with a label
SHARP = 3.0                                                    # s(1 | x) = σ(SHARP (x - b))
X = np.linspace(-6, 6, 601)
FINE = np.linspace(-6, 6, 4801)


def doubt(s):
    """-log max(s, 1 - s), the min_y l(x, y) of two classes. Any shape -> same."""
    return -np.log(np.maximum(s, 1 - s))


def shannon(s):
    """Entropy of (s, 1 - s) in nats. Any shape -> same."""
    return entr(s) + entr(1 - s)


def labelled_loss(b):
    """Mean -log s(y | x) of the two labelled samples, boundary at b: (k,) -> (k,)."""
    logit = (2 * LABELS - 1) * SHARP * (LABELLED - np.asarray(b)[..., None])       # (k, 2)
    return np.logaddexp(0, -logit).mean(-1)


def unlabelled_loss(b, cost=doubt, law=UNLABELLED):
    """E cost(s(1 | u)) over unlabelled samples, boundary at b: (k,) -> (k,), on an even grid."""
    s = expit(SHARP * (FINE - np.asarray(b)[..., None]))                            # (k, grid)
    return cost(s) @ law.pdf(FINE) * (FINE[1] - FINE[0])


def misclassified(b, law=UNLABELLED):
    """Share of samples on the wrong side of the boundary b."""
    zeros, ones = law.laws
    return law.weights[0] * zeros.sf(b) + law.weights[1] * ones.cdf(b)


def downhill(values, start: int) -> int:
    """Where a walk along a curve (k,) ends that takes the lower neighbour while there is one."""
    while True:
        near = range(max(start - 1, 0), min(start + 2, len(values)))
        lower = min(near, key=lambda i: values[i])
        if values[lower] >= values[start]:
            return start
        start = lower


def boundary():
    """A boundary to drag, and the weight η of the unlabelled samples' doubt.

    Left the classifier s and its doubt move over the density, right the loss of the labelled
    samples, the doubt and their sum against it; a triangle shows where a walk downhill ends.
    """
    b = np.linspace(-4.5, 4.5, 361)
    known, unknown = labelled_loss(b), unlabelled_loss(b)

    def setup(figure):
        left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
        title = figure.suptitle(" ", fontsize=11)
        draw_density(left, X, UNLABELLED, REAL, "density $p(u)$")
        said, = left.plot(X, X, color=CRITIC, lw=2, label=r"$s(1\,|\,x)$")
        doubtful, = left.plot(X, X, color=BAD, lw=1.6, label="doubt $m(x)$")
        for x, y in zip(LABELLED, LABELS):
            left.plot([x], [.04], "o", color=(SKY, FAKE)[y], ms=9, mec=CRITIC,
                      label=f"label {y}")
        left.set(xlabel="$x$", xlim=(-5, 5), ylim=(0, 1.45))
        left.legend(frameon=False, fontsize=9, ncols=2, loc="upper left")
        right.plot(b, known, color=SKY, lw=2, label="labelled loss")
        right.plot(b, unknown, color=BAD, lw=2, label=r"doubt E$\,m(u)$")
        total, = right.plot(b, known, color=CRITIC, lw=2.4, label=r"sum with weight $\eta$")
        right.set(xlabel="border $b$", ylim=(0, 6.5), xlim=(b[0], b[-1]))
        right.legend(frameon=False, fontsize=9, loc="upper left")
        here, = right.plot([0], [0], "o", color=CRITIC, ms=8)
        rest, = right.plot([0], [0], "v", color=GOOD, ms=9)
        open_axes(left, right)
        return said, doubtful, total, here, rest, title

    def update(artists, at, eta):
        said, doubtful, total, here, rest, title = artists
        s, sum_ = expit(SHARP * (X - at)), known + eta * unknown
        said.set_ydata(s)
        doubtful.set_ydata(doubt(s))
        total.set_ydata(sum_)
        value = labelled_loss(at) + eta * unlabelled_loss(at)
        here.set_data([at], [value])
        end = downhill(sum_, int(np.abs(b - at).argmin()))
        rest.set_data([b[end]], [sum_[end]])
        title.set_text(f"loss here {value:.3f}, misclassified {misclassified(at):.1%}"
                       f"      downhill from here: b = {b[end]:+.2f}, misclassified "
                       f"{misclassified(b[end]):.1%}")

    return Explorer(
        setup, update,
        dict(at=slider(-4.0, 4.0, .05, 3.0, "border b"),
             eta=slider(0.0, 30.0, .5, 20.0, "weight η of the doubt")),
        figsize=(9.6, 3.6),
        alt="Left, the density of unlabelled samples with two components, two labelled samples, "
            "and a classifier with its doubt; right, the labelled loss, the mean doubt and their "
            "weighted sum against the border.")


def doubts(ax):
    """Two measures of doubt between two classes, and the loss of a sample whose label is known."""
    s = np.linspace(.001, .999, 999)
    ax.plot(s, shannon(s), color=FAKE, lw=2, label="entropy $H$")
    ax.plot(s, doubt(s), color=BAD, lw=2.2, label="$m=\\min_y l(x,y)$")
    for y, style in enumerate(("--", ":")):
        ax.plot(s, -np.log(s if y else 1 - s), color=SKY, ls=style, lw=1.6, label=f"$l(x,{y})$")
    ax.axhline(np.log(2), color=CRITIC, lw=.8)
    ax.text(.01, np.log(2) + .03, "$\\log 2$", fontsize=9)
    ax.set(xlabel="$s(1\\,|\\,x)$", ylabel="nats", ylim=(0, 1.6), xlim=(0, 1))
    ax.legend(frameon=False, fontsize=9, loc="upper center")


# -- few labels in the plane -----------------------------------------------------------------------

REACH, SIDE = 2.6, 140
DATA = {"two moons": Moons(), "three blobs": Ring(3, radius=1.4, sd=.5)}
COLOURS = (REAL, FAKE, GOOD, THIRD)
COUNTS = (1, 3, 8, 24)                                      # labels a class
METHODS = ("supervised", "K + 1 classes", "CLS-GAN")


class Labelled:
    """`each` labelled points of every class of a mixture, as `batches` takes them.

    images (each · classes, 2), labels (each · classes,), classes.
    """

    def __init__(self, law, each: int, seed: int = 0):
        rng, self.classes = np.random.default_rng(seed), tuple(range(len(law.laws)))
        points = np.concatenate([part.sample(each, rng) for part in law.laws])
        self.images = torch.from_numpy(points).float()
        self.labels = torch.arange(len(law.laws)).repeat_interleave(each)


class Between:
    """Fakes where data have next to no density: uniform on a square where p(x) < `below`."""

    dim = 2

    def __init__(self, law, below: float = .02, reach: float = REACH):
        x = np.random.default_rng(0).uniform(-reach, reach, (20_000, 2))
        self.points = x[law.pdf(x) < below]

    def sample(self, n, rng):
        return self.points[rng.integers(len(self.points), size=n)]


class FarAway:
    """Fakes on a circle well outside of all real points."""

    dim = 2

    def sample(self, n, rng):
        turn = rng.uniform(0, 2 * np.pi, n)
        circle = 4 * np.stack([np.cos(turn), np.sin(turn)], axis=1)               # (n, 2)
        return circle + .15 * rng.standard_normal((n, 2))


def best_guess(law, x):
    """argmax_y p(y | x): (k, 2) -> (k,). No classifier is right more often."""
    log_joint = [np.log(share) + part.logpdf(x) for share, part in zip(law.weights, law.laws)]
    return np.stack(log_joint).argmax(0)


def accuracy(law, guess, n: int = 4000, seed: int = 9) -> float:
    """Share of n fresh points whose label a classifier `guess`: (n, 2) -> (n,) finds."""
    points, y = law.sample_with_modes(n, np.random.default_rng(seed))
    return float((np.asarray(guess(points)) == y).mean())


def guesser(net):
    """A network of class logits, or a ClassLoss, as a classifier of arrays: (k, 2) -> (k,)."""
    if not isinstance(net, ClassLoss):
        net = ClassLoss(net, net.shape[0])
    return lambda points: predict(net, torch.as_tensor(np.asarray(points, np.float32))).numpy()


def learn(law, method: str, each: int, seed: int = 0, rounds: int = 300, width: int = 32):
    """A classifier of the plane, trained on `each` labelled points a class and unlabelled ones.

    method: one of METHODS. Returns the network of class logits, (n, 2) -> (n, K). CLS-GAN starts
    from the supervised classifier.
    """
    K, known = len(law.laws), Labelled(law, each, seed)
    net = mlp_critic(2, width=width, outputs=K)

    def play(game, rate, **players):
        train(game, players, batches(known, z=Normal(dim=2), seed=seed, unlabelled=law),
              steps=steps(laptop=rounds), optimizer=adam(rate), watch=None, precision="highest")
    if method == "K + 1 classes":
        play(improved_gan(), 3e-3, f=net, g=mlp_generator(2, 2, width=width))
    else:
        play(supervised(), 3e-3, f=net)
    if method == "CLS-GAN":
        play(semi_supervised(margin(.1)), 1e-3, l=ClassLoss(net, K),
             g=Concatenated(mlp_generator(2 + K, 2, width=width), K))
    return net.eval()


def shades(net):
    """The classes' colours mixed by softmax a(x), paler where in doubt: (SIDE, SIDE, 3)."""
    with torch.no_grad():
        grid = torch.as_tensor(square_grid(REACH, SIDE)[1], dtype=torch.float32)
        s = net(grid).double().softmax(1).numpy()                          # (SIDE², K)
    mixed = s @ np.array([to_rgb(colour) for colour in COLOURS[:s.shape[1]]])
    sure = ((s.max(1) - 1 / s.shape[1]) / (1 - 1 / s.shape[1]))[:, None]   # 0 … 1, (SIDE², 1)
    return (1 - .55 * sure * (1 - mixed)).reshape(SIDE, SIDE, 3)


@lru_cache
def _learnt():
    """For each data set and count: labelled points, and shades and accuracy for each method.

    Twenty-four short trainings, made once.
    """
    found = {}
    for name, law in DATA.items():
        for each in COUNTS:
            nets = [learn(law, method, each) for method in METHODS]
            right = [accuracy(law, guesser(net)) for net in nets]
            found[name, each] = Labelled(law, each), [shades(net) for net in nets], right
    return found


def few_labels():
    """What three trained classifiers make of few labels.

    A menu chooses two moons or three blobs, a slider how many points of a class bear a label.
    """
    found = _learnt()
    clouds = {name: law.sample(400, np.random.default_rng(5)) for name, law in DATA.items()}
    best = {name: accuracy(law, lambda x, law=law: best_guess(law, x))
            for name, law in DATA.items()}

    def setup(figure):
        axes = figure.subplots(1, 3)
        title = figure.suptitle(" ", fontsize=11)
        panels = []
        for ax, method in zip(axes, METHODS):
            image = ax.imshow(np.ones((SIDE, SIDE, 3)), extent=(-REACH, REACH, -REACH, REACH),
                              origin="lower", interpolation="nearest", zorder=0)
            cloud, = ax.plot([0], [0], ".", color=CRITIC, ms=2, alpha=.45, zorder=1)
            marks = [ax.plot([0], [0], "o", color=colour, mec="white", ms=8, zorder=2)[0]
                     for colour in COLOURS[:3]]
            ax.set(title=method, xticks=[], yticks=[], xlim=(-REACH, REACH), ylim=(-REACH, REACH))
            panels.append((image, cloud, marks))
        return panels, title

    def update(artists, data, each):
        panels, title = artists
        points, pictures, right = found[data, COUNTS[each]]
        for (image, cloud, marks), picture in zip(panels, pictures):
            image.set_data(picture)
            cloud.set_data(*clouds[data].T)
            for y, mark in enumerate(marks):
                mark.set_data(*points.images[points.labels == y].numpy().T)
        n = COUNTS[each]
        shares = "      ".join(f"{method} {share:.1%}" for method, share in zip(METHODS, right))
        title.set_text(f"{n} label{'s' * (n > 1)} a class      accuracy: {shares}"
                       f"      Bayes {best[data]:.1%}")

    return Explorer(
        setup, update,
        dict(data=choice(list(DATA), "two moons", "data"),
             each=slider(0, len(COUNTS) - 1, 1, 1,
                         "labels: " + ", ".join(map(str, COUNTS)) + " a class")),
        figsize=(9.6, 3.7),
        alt="The plane in the colours of the predicted classes for three trained classifiers, "
            "with unlabelled points and the few labelled ones; the title gives each one's "
            "accuracy.")


# -- figures ---------------------------------------------------------------------------------------

def plan(ax):
    """Improved GAN: one network f for three kinds of samples, and which number each costs."""
    blank(ax, 10, 10)
    ax.add_patch(Rectangle((3.3, 2.5), 3.1, 7.2, fc="#F2F2F2", ec=CRITIC, lw=1.4))     # network f
    drawn = boxes(ax, {"x": (1, 8.8, "$x$, label $y$", SKY),
                       "named": (8.6, 8.8, "cross-entropy\nof softmax $a$", SKY),
                       "u": (1, 6.0, "$u$, no label", REAL),
                       "real": (8.6, 6.0, r"softplus$(-\log Z)$", REAL),
                       "g": (1, 3.2, "$g(z)$", FAKE),
                       "fake": (8.6, 3.2, r"softplus$(\log Z)$", FAKE),
                       "a": (4.85, 8.0, "$K$ logits $a$", CRITIC),
                       "h": (4.85, 3.8, "features $h$", CRITIC)}, ("h>a",), size=12.5)
    ax.text(4.85, 6, "network $f$ ", ha="right", va="center", fontsize=12.5, color=CRITIC)
    for y, colour in ((8.8, SKY), (6.0, REAL), (3.2, FAKE)):
        arrow(ax, (1.9, y), (3.2, y), colour)
        arrow(ax, (6.5, y), (7.1, y), colour)
    loss = box(ax, 4.85, .6, r"generator: $\Vert$ mean $h(u)$ − mean $h(g(z))$ $\Vert^2$", FAKE,
               fill=.15, size=12.5)
    arrow(ax, drawn["h"], loss, FAKE)
    arrow(ax, loss, drawn["g"], FAKE, dashed=True)


def before_and_after(axes, law, each: int = 3, seed: int = 0):
    """Left the labelled points alone, right the same points on 400 unlabelled ones."""
    known, points = Labelled(law, each, seed), law.sample(400, np.random.default_rng(5))
    axes[1].plot(*points.T, ".", color=CRITIC, ms=3.5, alpha=.4)
    for ax, title in zip(axes, ("six labelled points", "and 400 without a label")):
        _marks(ax, known)
        ax.set(title=title, xticks=[], yticks=[], aspect="equal", xlim=(-REACH, REACH),
               ylim=(-2, 2))


def _marks(ax, known):
    """Labelled points in the colours of their classes."""
    for y in known.classes:
        ax.plot(*known.images[known.labels == y].numpy().T, "o", color=COLOURS[y], mec="white",
                ms=9)


def tested(net, images) -> float:
    """Accuracy of a network of class logits, or of a ClassLoss, on an Images.

    Under the smoke budget, on its first 500 pictures.
    """
    few = most_pictures(len(images))
    guess = predict(net if isinstance(net, ClassLoss) else ClassLoss(net, net.shape[0]),
                    images.images[:few])
    return float((guess == images.labels[:few]).double().mean())


def generators(axes, law, fakes, nets, shares, known):
    """A panel for each generator at rest: the classifier's shades, real points dark, fakes red.

    fakes, nets, shares: by the panel's name; of a name without fakes none are drawn.
    """
    points = law.sample(300, np.random.default_rng(5))
    for ax, (name, net) in zip(axes, nets.items()):
        ax.imshow(shades(net), extent=(-REACH, REACH, -REACH, REACH), origin="lower",
                  interpolation="bilinear")
        ax.plot(*points.T, ".", color=CRITIC, ms=2, alpha=.5)
        if fakes.get(name) is not None:
            ax.plot(*fakes[name].sample(150, np.random.default_rng(6)).T, "x", color=BAD, ms=3,
                    alpha=.7)
        _marks(ax, known)
        ax.set(title=f"{name}\n{shares[name]}", xticks=[], yticks=[], xlim=(-REACH, REACH),
               ylim=(-REACH, REACH))


def feature_loss(ax, *runs):
    """The generator's loss of trainings that went on from one another, on a logarithmic scale.

    Thin each round, thick the mean over some; dotted lines stand between two trainings.
    """
    values = np.concatenate([run.losses["g"] for run in runs])
    ax.semilogy(values, color=FAKE, alpha=.25, lw=.6)
    ax.semilogy(smooth(values), color=FAKE, lw=1.8)
    for end in np.cumsum([len(run.losses["g"]) for run in runs])[:-1]:
        ax.axvline(end, color=CRITIC, ls=":", lw=1)
    ax.set(xlabel="round", title="feature loss of g")
    open_axes(ax)
