"""Pure drawing: data and `ax` in, artists out. No training, no widgets, no torch.

REAL, FAKE and CRITIC are the colours of real samples, fake samples and the critic in every figure.
What a figure shows stands in words beside it: `show` asks for them. Introduced in
notebooks/00_start_here.ipynb.
"""
from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from numbers import Real

import numpy as np
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure

# The palette of Okabe and Ito 2008, "Color Universal Design": whatever their colour vision, people
# can tell its colours apart. Of its eight, yellow is left out, as it is faint on white, and black
# is softened to a dark grey.
REAL, FAKE, CRITIC = "#0072B2", "#E69F00", "#333333"
GOOD, BAD, THIRD, SKY = "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
PLAYER_COLOURS = {"f": CRITIC, "l": CRITIC, "g": FAKE}


def figure(columns: int = 1, rows: int = 1, *, width: float = 6.4, height: float = 3.2, **share):
    """(figure, axes): one axes, or an array of them, (columns,), (rows,) or (rows, columns).

    width and height in inches; share: sharex, sharey and other arguments of Figure.subplots. The
    figure never enters pyplot, which would keep it in memory. ValueError for sizes that are none.
    """
    for name, value in dict(columns=columns, rows=rows).items():
        if not _whole(value) or not 1 <= value <= 100:
            raise ValueError(f"{name} = {value!r}: a figure has a whole number of {name}, 1 to 100")
    _check_size(width, height)
    fig = Figure(figsize=(width, height), dpi=110, layout="constrained")
    axes = fig.subplots(rows, columns, **share)
    for ax in np.ravel(axes):
        ax.spines[["top", "right"]].set_visible(False)
    return fig, axes


def _check_size(width, height):
    """ValueError unless a figure can be so many inches wide and high."""
    if not all(isinstance(side, Real) and 0 < side < 1000 for side in (width, height)):
        raise ValueError(f"a figure of {width!r} × {height!r}: inches, two numbers above 0, as "
                         "6.4 × 3.2")


def _check_axes(ax, how: str):
    """TypeError for what is no axes; how: the call as it should be."""
    if not hasattr(ax, "set_axis_off"):
        raise TypeError(f"{how} draws on axes, as fig, ax = figure() gives them, not on "
                        f"{_kind(ax)}")


def check_colour(colour):
    """ValueError for what Matplotlib knows no colour by."""
    if not is_color_like(colour):
        raise ValueError(f"colour = {colour!r:.60}: a colour, as \"k\", \"C0\" or \"#E69F00\"")


def _check_square(reach, points_a_side):
    if not (isinstance(reach, Real) and 0 < reach < 1e300
            and isinstance(points_a_side, (int, np.integer)) and 2 <= points_a_side <= 5000):
        raise ValueError(f"reach = {reach!r}, points_a_side = {points_a_side!r}: a square is "
                         "larger than 0, with 2 to 5,000 points a side")


def _whole(value) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _kind(value) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def _numbers(values, what: str) -> np.ndarray:
    """An array of numbers, also of a tensor in a graph; ValueError for what is none."""
    if getattr(values, "is_meta", False):
        raise ValueError(f"{what}; on the device meta there are shapes and no numbers: draw what "
                         "lies on cpu")
    layout = str(getattr(values, "layout", "torch.strided"))
    if layout != "torch.strided" or getattr(values, "is_quantized", False):
        raise ValueError(f"{what}; this tensor does not hold its numbers one by one: give a plain "
                         "one, as .to_dense() or .dequantize() make it")
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if "bfloat16" in str(values.dtype) else values
    try:
        array = np.asarray(values)
    except ValueError:                                       # rows of several lengths
        array = np.empty(0, object)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{what}, not {_kind(values)}")
    return array


def png(fig) -> str:
    """The figure as a PNG in base64. TypeError for what is no figure."""
    if not hasattr(fig, "savefig"):
        raise TypeError(f"a figure is shown, as fig, ax = figure() gives it, not {_kind(fig)}")
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    return base64.b64encode(buffer.getvalue()).decode()


def show(fig, alt: str):
    """Display a figure once, with the sentence that stands for it where it cannot be seen.

    alt: what one should see, not how it is drawn; readers with a screen reader hear it, and a page
    without pictures shows it. ValueError below four words, which are a title and no sentence.
    """
    _display(png(fig), alt)


def _display(picture: str, alt: str):
    if not isinstance(alt, str) or len(alt.split()) < 4:
        raise ValueError('show(fig, alt="…") needs a sentence that says what the picture shows')
    from IPython.display import display
    data = {"image/png": picture, "text/plain": alt}
    display(data, raw=True, metadata={"image/png": {"alt": alt}})


def draw_density(ax, x, law, colour, label=None):
    """The density of a law on the line at x (k,), filled."""
    _check_axes(ax, "draw_density(ax, x, law, colour)")
    if not hasattr(law, "pdf") or isinstance(law, type):
        raise TypeError(f"a density is that of a law on the line, as Normal(0, 1), not of "
                        f"{_kind(law)}")
    check_colour(colour)
    x = _line(x)
    return ax.fill_between(x, law.pdf(x), alpha=.35, color=colour, lw=0, label=label)


def _line(x) -> np.ndarray:
    x = _numbers(x, "places on the line are numbers (k,), as np.linspace(-5, 5, 400)")
    if x.ndim != 1:
        raise ValueError("places on the line are numbers (k,), as np.linspace(-5, 5, 400), not of "
                         f"shape {x.shape}")
    return x


def draw_densities(ax, x, p, q, c=None):
    """Real and fake densities at x (k,), and the discriminator σ(c) of a logit c: (k,) -> (k,)."""
    draw_density(ax, x, p, REAL, "real, $p$")
    draw_density(ax, x, q, FAKE, "fake, $q$")
    if c is not None and (not callable(c) or isinstance(c, type) or hasattr(c, "state_dict")):
        raise TypeError(f"c is the logit, a function of an array (k,), not {_kind(c)}: of a "
                        "network on_arrays(f) makes one")
    if c is not None:
        logits = _numbers(c(x), "c gives logits (k,), a number for each place")
        D = 1 / (1 + np.exp(-np.clip(logits, -700, 700)))       # beyond 700 exp overflows
        ax.plot(x, D, color=CRITIC, lw=2, label="$D^*(x)$")
    ax.legend(frameon=False)


def smooth(values, span: int = 25):
    """Running mean over the last `span` values, fewer at the start: (k,) -> (k,).

    Where one of them is not finite the mean is NaN. ValueError for other shapes, and for a span
    that is no whole number above 0.
    """
    values = _numbers(values, "what is smoothed is numbers (k,)")
    if values.ndim != 1 or not isinstance(span, (int, np.integer)) or span < 1:
        raise ValueError(f"span = {span!r}, values of shape {values.shape}: a running mean of (k,) "
                         "numbers takes a whole number of them, 1 or more")
    span = min(span, len(values) + 1)
    known = np.isfinite(values)
    if not known.all():
        lost = smooth(~known, span) > 0
        return np.where(lost, np.nan, smooth(np.where(known, values, 0.0), span))
    total = np.concatenate([[0.0], np.cumsum(values)])
    end = np.arange(1, len(total))
    start = np.maximum(end - span, 0)
    return (total[end] - total[start]) / (end - start)


def losses(ax, run):
    """Each player's loss against the step: a running mean over a faint trace. run: a Run."""
    _check_axes(ax, "losses(ax, run)")
    if not hasattr(run, "losses"):
        raise TypeError(f"losses(ax, run) draws those of a Run, as train(...) returns it, not of "
                        f"{_kind(run)}: of plain numbers ax.plot(smooth(values))")
    for name, values in run.losses.items():
        colour = PLAYER_COLOURS.get(name, THIRD)
        ax.plot(values, color=colour, alpha=.25, lw=.6)
        ax.plot(smooth(values), color=colour, lw=1.8, label=f"loss of {name}")
    ax.set_xlabel("step")
    ax.legend(frameon=False)


def sheet(images, columns: int = 8, gap: int = 0):
    """Pictures (n, c, h, w) side by side in rows: (rows · h, columns · w[, 3]), from 0 to 1.

    They are uint8, or floats from -1 to 1. A last row that is not full is left out. gap: pixels of
    paper between two pictures, so that rows are rows · h + (rows - 1) · gap high. ValueError for
    other shapes, on another scale, and for nan.
    """
    images = getattr(images, "images", images)
    if getattr(images, "is_floating_point", bool)():            # a tensor
        images = images.float()
    images = _numbers(images, "a sheet shows pictures, numbers (n, 1 or 3, h, w)")
    if not (_whole(columns) and columns >= 1 and _whole(gap) and 0 <= gap <= 1000):
        raise ValueError(f"columns = {columns!r}, gap = {gap!r}: whole numbers, 1 column or more "
                         "and a gap of 0 to 1,000 pixels")
    if images.ndim != 4 or images.shape[1] not in (1, 3) or not images.size:
        raise ValueError(f"a sheet shows pictures (n, 1 or 3, h, w), not {images.shape}: add the "
                         "axis that lacks, as images[:, None], or move the channels to the front")
    if images.dtype.kind in "iu" and images.dtype != np.uint8 or np.abs(images).max() > 255:
        raise ValueError(f"pictures of {images.dtype} up to {images.max():g}: bytes are uint8, and "
                         "numbers lie in [-1, 1]")
    if images.dtype.kind == "f" and images.min() >= 0 and images.max() > 1.001:
        raise ValueError(f"pictures of {images.dtype} from {images.min():g} to {images.max():g}: "
                         "bytes are uint8, and numbers lie in [-1, 1]")
    if images.dtype.kind == "f" and np.isnan(images).any():
        raise ValueError("these pictures hold nan: the training that made them has diverged")
    columns = min(columns, len(images))
    if images.dtype == np.uint8:
        images = images / 127.5 - 1
    if gap:                             # grey pictures are drawn dark on white: paper is -1
        paper = 1.0 if images.shape[1] > 1 else -1.0
        edges = (0, 0), (0, 0), (0, gap), (0, gap)
        images = np.pad(images, edges, constant_values=paper)
    n, channels, height, wide = images.shape
    rows = n // columns
    cells = images[:rows * columns].reshape(rows, columns, channels, height, wide)
    joined = cells.transpose(0, 3, 1, 4, 2)                     # (rows, h, columns, w, c)
    joined = joined.reshape(rows * height, columns * wide, channels).squeeze()
    joined = joined[:rows * height - gap, :columns * wide - gap]
    return np.clip((joined + 1) / 2, 0, 1)


def pictures(ax, images, columns: int = 8, gap: int = 0):
    """A `sheet` of pictures (n, c, h, w) on axes without frame."""
    _check_axes(ax, "pictures(ax, images)")
    joined = sheet(images, columns, gap)
    ax.set_axis_off()
    grey = "gray_r" if joined.ndim == 2 else None               # digits are dark on white
    return ax.imshow(joined, cmap=grey, vmin=0, vmax=1, interpolation="nearest")


def show_sheet(joined, alt: str, scale: int = 2):
    """Display a `sheet` (h, w[, 3]) from 0 to 1, each pixel `scale` × `scale`, in true colour.

    alt as in `show`. ValueError for other shapes and a scale that is no whole number above 0.
    """
    joined = _numbers(joined, "a sheet is numbers, as sheet(images) makes them")
    if joined.ndim not in (2, 3) or joined.shape[2:] not in ((), (3,)):
        raise ValueError(f"a sheet is (h, w) or (h, w, 3), not {joined.shape}: sheet(images) makes "
                         "one")
    if joined.dtype.kind not in "fiub" or not (joined.size and joined.min() >= 0
                                               and joined.max() <= 1):
        raise ValueError("a sheet holds numbers from 0 to 1, as sheet(images) makes them, and this "
                         f"one, of {joined.dtype} {joined.shape}, does not")
    if not (isinstance(scale, int) and 0 < scale <= 100):
        raise ValueError(f"scale is a whole number from 1 to 100, not {scale!r}")
    from PIL import Image
    grey = 1 - joined if joined.ndim == 2 else joined           # digits are dark on white
    large = np.repeat(np.repeat((255 * grey).round().astype(np.uint8), scale, 0), scale, 1)
    buffer = io.BytesIO()
    Image.fromarray(large).save(buffer, "png", optimize=True)
    _display(base64.b64encode(buffer.getvalue()).decode(), alt)


def scores(ax, runs):
    """The Fréchet distance of stored trainings against their CPU-seconds, both axes logarithmic.

    runs: name -> what has a `curve()` of round, CPU-seconds and distance, (k, 3).
    """
    _check_axes(ax, "scores(ax, runs)")
    if not isinstance(runs, Mapping) or not all(hasattr(run, "curve") for run in runs.values()):
        raise TypeError("scores are those of stored trainings by name, as {name: "
                        f"gl.long_run(name)}}, not {_kind(runs)}")
    ends = []
    for (name, run), colour in zip(runs.items(), (FAKE, REAL, GOOD, BAD)):
        _, seconds, distance = run.curve().T
        ax.loglog(seconds, distance, "o-", ms=3, color=colour, label=name)
        ends.append((distance[-1], seconds[-1], colour))
    labels = [ax.annotate(f"{y:.0f}", (x, y), (5, 0), textcoords="offset points", color=colour,
                          va="center") for y, x, colour in sorted(ends, key=lambda end: end[0])]
    ax.axvline(60, color="0.8", lw=1, zorder=0)                     # a minute
    ax.xaxis.set_major_formatter("{x:g}")
    low, high = ax.get_ylim()
    ticks = [t for t in (10, 20, 50, 100, 200, 500, 1000) if low <= t <= high]
    ax.set_yticks(ticks, map(str, ticks))
    ax.minorticks_off()
    ax.set(xlabel="CPU-seconds", title="Fréchet distance")
    ax.set_xlim(right=ax.get_xlim()[1] * 1.3)                       # room for the last figures
    ax.legend(frameon=False, loc="upper right")
    _spread(labels)


def _spread(labels, gap: float = 12):
    """Move labels upwards, sorted from the lowest on, until each is `gap` points above the last."""
    lowest = -np.inf
    labels[0].figure.draw_without_rendering()           # only now the axes have their size
    for label in labels:
        height = label.axes.transData.transform(label.xy)[1] * 72 / label.figure.dpi    # points
        lift = max(0, lowest + gap - height)
        label.set_position((5, lift))
        lowest = height + lift


def points(ax, x, colour, label=None, size: float = 4):
    """A cloud of points in the plane (n, 2), or on the line (n, 1) as a histogram.

    ValueError for other shapes.
    """
    _check_axes(ax, "points(ax, x, colour)")
    if colour is not None:                               # None: the next one of the axes
        check_colour(colour)
    x = _numbers(x, "points are (n, 2), as run.samples(500) draws them")
    if x.ndim != 2 or x.shape[1] not in (1, 2):
        raise ValueError(f"points are (n, 2), or (n, 1) on the line, not {x.shape}: choose two "
                         "columns, as x[:, :2], or one, as x[:, None]")
    if not len(x) or not np.isfinite(x).all():
        raise ValueError(f"{len(x)} points, {(~np.isfinite(x)).sum()} of their numbers nan or inf: "
                         "nothing to draw, or the training that made them has diverged")
    if x.shape[1] == 1:
        return ax.hist(x[:, 0], bins=60, density=True, color=colour, alpha=.5, label=label)
    ax.set_aspect("equal")
    return ax.scatter(x[:, 0], x[:, 1], s=size, color=colour, alpha=.5, lw=0, label=label)


def plane(ax, score, reach: float = 3.0, points_a_side: int = 80):
    """Shades of a critic over the square [-reach, reach]²: dark is fake.

    score: points (k, 2) of NumPy -> logits (k,). ValueError for other shapes, TypeError for a
    network.
    """
    _check_axes(ax, "plane(ax, score)")
    if hasattr(score, "state_dict"):
        raise TypeError("score takes points of NumPy, and a network tensors: lambda x: "
                        "f(torch.as_tensor(x).float()).detach().numpy()")
    if not callable(score):
        raise TypeError(f"score is a function of points (k, 2), not {_kind(score)}")
    _check_square(reach, points_a_side)
    line = np.linspace(-reach, reach, points_a_side)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)     # (points², 2)
    heights = _numbers(score(grid), "score gives numbers (k,)")
    if heights.size != len(grid) or np.isnan(heights).any():
        raise ValueError(f"score gives shape {heights.shape}, {np.isnan(heights).sum()} of them "
                         f"nan, for {len(grid)} points: one number each")
    D = 1 / (1 + np.exp(-np.clip(heights, -30, 30))).reshape(points_a_side, points_a_side)
    # a narrow range of greys, so that coloured points stay visible on the darkest and the lightest
    return ax.imshow(D, extent=(-reach, reach, -reach, reach), origin="lower", cmap="gray",
                     vmin=-1, vmax=1.15, interpolation="bilinear")


def classes(ax, counts, names=None, colour=FAKE):
    """How many samples a classifier puts in each class, (k,); the dotted line is an equal share.

    names: of the k classes, else their numbers. ValueError for other shapes.
    """
    _check_axes(ax, "classes(ax, counts)")
    check_colour(colour)
    counts = _numbers(counts, "counts are numbers (k,), as class_histogram(fakes) gives them")
    if isinstance(names, (str, bytes, set, frozenset, type)) or not (
            names is None or hasattr(names, "__len__") and not hasattr(names, "detach")):
        raise TypeError(f"names are a list, one of each class in order, not {_kind(names)}")
    names = range(counts.size) if names is None else list(names)
    if counts.ndim != 1 or not counts.size or len(names) != counts.size or not (counts >= 0).all():
        raise ValueError(f"counts of shape {counts.shape} and {len(names)} names: one count of 0 "
                         "or more for each class, as class_histogram(fakes) gives them")
    ax.bar(np.arange(len(counts)), counts, color=colour)
    ax.axhline(counts.sum() / len(counts), color=CRITIC, ls=":", lw=1)
    ax.set_xticks(np.arange(len(counts)), [str(name) for name in names])
    ax.set(xlabel="class", ylabel="samples")


def progress(run):
    """The figure that a training shows while it runs: losses left, samples right. run: a Run."""
    fig, (left, right) = figure(2, width=8, height=2.8)
    losses(left, run)
    if "g" not in run.players:
        right.set_axis_off()
        return fig
    fakes = run.samples(32)
    if fakes.ndim == 4:
        pictures(right, fakes)
    else:
        points(right, run.samples(500), FAKE)
    return fig


def open_axes(*axes):
    """Take the upper and the right border away, as `figure` does."""
    for ax in axes:
        _check_axes(ax, "open_axes(ax, …)")
        ax.spines[["top", "right"]].set_visible(False)


def square_grid(reach: float, points_a_side: int):
    """Places on the square [-reach, reach]²: one side (k,), and the grid, row by row, (k², 2).

    ValueError for sizes that are none.
    """
    _check_square(reach, points_a_side)
    line = np.linspace(-reach, reach, points_a_side)
    return line, np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
