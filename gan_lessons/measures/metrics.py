"""How good are the fakes: Fréchet distance, precision and recall, classes and modes reached.

Distances between images are distances between the 64 features of a small classifier
(`classifier.py`), so a score is only comparable with scores of the same classifier: read it
between its anchors, which `report` prints beside it. Used from notebooks/01_minimax.ipynb on.
"""
from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ..data.datasets import Images, load_images
from ..exact.checks import as_numbers, check_count, fits, told
from ..pixels import scaled
from .classifier import judge
from .frechet import features_of, frechet, moments

_known_moments: WeakKeyDictionary = WeakKeyDictionary()         # Images -> mean, covariance


class PrecisionRecall(NamedTuple):
    """precision: share of fakes that could be real; recall: share of reals that could be fake."""

    precision: float
    recall: float


class Coverage(NamedTuple):
    """Which modes were reached.

    hit: modes with at least one point near them; covered: with at least 1 % of all points near
    them; modes: how many there are; quality: share of points that lie near a mode.
    """

    hit: int
    covered: int
    modes: int
    quality: float

    def __str__(self):
        return (f"{self.covered} of {self.modes} modes covered ({self.hit} hit), "
                f"{self.quality:.1%} of the points near a mode")


def features(images, name: str = "mnist") -> Tensor:
    """(n, c, h, w) uint8 or float in [-1, 1] -> (n, 64), by the classifier of set `name`.

    ValueError for images of another shape or range, or for a set that has no classifier.
    """
    return _read("features", images, name)


def frechet_distance(fake, real=None) -> float:
    """|m - m'|² + tr(C + C' - 2 (C C')^½) between the features of fakes and of real images.

    fake  (n, c, h, w), uint8 or float in [-1, 1]; or points (n, d), compared as they are
    real  an Images or tensor like `fake`; by default the test images of `load_images()`

    In squares of the feature's unit (points: of theirs). It reads high for small n: compare scores
    of the same n only, 10,000 for those of the lessons. ValueError for too few samples or shapes
    that do not fit. (Dowson & Landau 1982; on a network's features: Heusel et al. 2017,
    arXiv 1706.08500.)
    """
    real = _default_test() if real is None else real
    a = _points(fake, like=real)
    return frechet(*moments(a), *_real_moments(real))


def anchors(name: str | None = None) -> dict[str, float]:
    """What distances to the test images of set `name` mean, by default of that of `load_images()`.

    {"real", "blurred", "five classes", "noise"} -> distance: of other real images, of blurred
    ones, of real ones of five classes only, of uniform noise; 10,000 of each.
    """
    name = _default_test().name if name is None else _checked_name(name)
    return dict(judge(name).anchors[name])


def report(fake, real=None) -> str:
    """The Fréchet distance in one line, between its anchors; arguments as `frechet_distance`."""
    real = _default_test() if real is None else real
    distance, scale = frechet_distance(fake, real), anchors(_set_of(real))
    few = "" if len(fake) >= 5000 else f" from only {len(fake):,} samples, which reads high"
    between = " · ".join(f"{what} {_short(scale[what])}"
                         for what in ("real", "five classes", "noise"))
    return f"Fréchet distance {_short(distance)}{few} ({between})"


def precision_recall(fake, real=None, k: int = 3, most: int = 5000) -> PrecisionRecall:
    """Share of fakes within the k-nearest-neighbour balls of real images, and the reverse.

    A ball reaches from one image to its k-th nearest neighbour of the same kind. fake, real as in
    `frechet_distance`; of each the first `most` at most. ValueError for k samples or fewer, k < 1,
    and samples that are not finite.
    (Kynkäänniemi et al. 2019, arXiv 1904.06991, eq. 1 and 2.)
    """
    check_count("k", k, why="a ball reaches to the k-th neighbour")
    check_count("most", most)
    real = _default_test() if real is None else real
    if not hasattr(fake, "__getitem__"):
        raise ValueError(f"fakes are samples (n, ...), not {told(fake)}")
    fake = _tensor(fake, "fakes")
    if not fake.dim():
        raise ValueError(f"fakes are samples (n, ...), not {told(fake)}")
    a, b = _points(fake[:most], real), _points(getattr(real, "images", real)[:most], real)
    if min(len(a), len(b)) <= k:
        raise ValueError(f"{k} nearest neighbours need more than {k} samples on both sides, not "
                         f"{len(a)} and {len(b)}")
    if not (a.isfinite().all() and b.isfinite().all()):
        raise ValueError("the samples hold nan or inf: the training that made them has diverged")
    return PrecisionRecall(_inside(a, b, k), _inside(b, a, k))


def kernel_distance(fake, real=None, block: int = 1000) -> float:
    """The kernel distance (KID) between the features of fakes and of real images, unbiased.

        E k(x, x') + E k(y, y') - 2 E k(x, y),   k(x, y) = (x · y / d + 1)³

    over independent pairs, so that unlike the Fréchet distance its mean does not depend on n: 0 for
    samples of one law, and a little below as often as above. fake, real as in `frechet_distance`;
    the mean over equal blocks of about `block` of the larger side. ValueError for fewer than two
    samples, for such whose products leave the range of floats, and as there.
    (Bińkowski et al. 2018, arXiv 1801.01401.)
    """
    check_count("block", block, least=2, why="a pair of one block is two samples")
    real = _default_test() if real is None else real
    a, b = _points(fake, real).double(), _points(getattr(real, "images", real), real).double()
    if min(len(a), len(b)) < 2:
        raise ValueError(f"{len(a)} fakes and {len(b)} real samples: a kernel distance takes pairs")
    if not (a.isfinite().all() and b.isfinite().all()):
        raise ValueError("the samples hold nan or inf: the training that made them has diverged")

    def mean_of_pairs(x):                                       # without those of one with itself
        k = _cubic(x, x)
        return (k.sum() - k.diagonal().sum()) / (len(x) * (len(x) - 1))
    # equal blocks, for a small last one would weigh as much as the others; none is left out
    blocks = max(1, min(min(len(a), len(b)) // 2, max(len(a), len(b)) // block))
    found = [mean_of_pairs(x) + mean_of_pairs(y) - 2 * _cubic(x, y).mean()
             for x, y in zip(a.tensor_split(blocks), b.tensor_split(blocks))]
    distance = torch.stack(found).mean().item()
    if not math.isfinite(distance):
        raise ValueError("samples so large that the cube of their products is no number: rescale "
                         "them")
    return distance


def _cubic(x: Tensor, y: Tensor) -> Tensor:
    """(x · y / d + 1)³: (n, d), (m, d) -> (n, m)."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def class_probabilities(images, name: str = "mnist") -> Tensor:
    """p(y | x) of the classifier of set `name`: (n, c, h, w) uint8 or float in [-1, 1] ->
    (n, classes), each row sums to 1. ValueError as in `features`.
    """
    return _read("forward", images, name).softmax(1)


def colour_features(images) -> Tensor:
    """Mean colour of each of 4 × 4 fields, and how much neighbouring pixels differ there.

    (n, c, h, w) uint8 or float in [-1, 1] -> (n, 16 (c + 1)). It sees colours and roughness and no
    objects, which the classifier of photographs does. Used in lesson 12.
    """
    x = scaled(_images(images)).float()
    grey = x.mean(1, keepdim=True)                                                # (n, 1, h, w)
    # differences to the pixel above and to the one on the left, where there are both
    rough = grey.diff(dim=2)[..., 1:].abs() + grey.diff(dim=3)[..., 1:, :].abs()
    fields = [adaptive_avg_pool2d(of, 4).flatten(1) for of in (x, rough)]       # (n, 16 c), (n, 16)
    return torch.cat(fields, 1)


def class_histogram(fake, name: str = "mnist") -> np.ndarray:
    """(classes,) int64: how many fakes the classifier of set `name` takes for each class."""
    probabilities = class_probabilities(fake, name)
    return np.bincount(probabilities.argmax(1).numpy(), minlength=probabilities.shape[1])


def modes_covered(points, law, sds: float = 3.0) -> Coverage:
    """Which modes of a `Ring` or `Grid` the points (n, 2) reach: within `sds` deviations.

    A point that is not finite is near no mode. TypeError for a law without centres, ValueError for
    points of another shape and for sds ≤ 0.
    """
    from scipy.spatial import cKDTree
    if not hasattr(law, "centres"):
        raise TypeError(f"{law!r} has no centres to count: use a Ring or a Grid")
    if not fits(sds, above=0):
        raise ValueError(f"sds = {sds}: how many deviations are near is above 0")
    points, sds = as_numbers(points, "points", finite=False), float(sds)
    if points.ndim != 2 or points.shape[1] != law.centres.shape[1] or not len(points):
        raise ValueError(f"points must be (n, {law.centres.shape[1]}) with n ≥ 1, not "
                         f"{points.shape}")
    distance, mode = cKDTree(law.centres).query(points[np.isfinite(points).all(1)])
    counts = np.bincount(mode[distance <= sds * law.sd], minlength=len(law.centres))
    return Coverage(hit=int((counts > 0).sum()),
                    covered=int((counts >= 0.01 * len(points)).sum()),
                    modes=len(law.centres),
                    quality=float(counts.sum() / len(points)))


@lru_cache
def _default_test() -> Images:
    return load_images(split="test")


def _set_of(real) -> str:
    """The set whose classifier is asked; tensors are taken for digits."""
    return real.name if isinstance(real, Images) else "mnist"


def _real_moments(real):
    """Mean and covariance of the real side; kept for an `Images`, shipped for the default one."""
    if not isinstance(real, Images):
        return moments(_points(real, real))
    if real not in _known_moments:
        if real is _default_test():
            _known_moments[real] = judge(real.name).moments[real.name]
        else:
            _known_moments[real] = moments(_points(real.images, real))
    return _known_moments[real]


def _points(samples, like) -> Tensor:
    """Samples as points (n, d): features of images, or samples that are points already.

    like  the real side, whose shape they share and whose classifier is asked; else ValueError
    """
    samples = _tensor(samples, "fakes").detach().cpu()
    if samples.is_complex() or not samples.dim():
        raise ValueError(f"samples of {samples.dtype} and shape {tuple(samples.shape)}: real "
                         "numbers (n, ...) are compared")
    real = _tensor(getattr(like, "images", like), "real samples")
    if samples.shape[1:] != real.shape[1:]:
        raise ValueError(f"fakes {tuple(samples.shape)} and real samples {tuple(real.shape)} are "
                         "not alike: reshape the fakes, or pass the images they imitate")
    return samples if samples.dim() == 2 else features(samples, _set_of(like))


def _read(method: str, images, name: str) -> Tensor:
    """What the classifier of set `name` says of each image (n, c, h, w) by `method`: (n, d).

    `Run.samples` repeats a few hundred pictures under the smoke budget: those are read once.
    """
    net, images = judge(_checked_name(name)).net, _images(images)
    period = _period(images)
    return features_of(net, method, images[:period])[torch.arange(len(images)) % period]


def _period(images: Tensor) -> int:
    """After how many images they come again in the same order; all of them if they do not.

    A multiple of 100, the batches of `features_of`, so that the features are the same to the bit.
    """
    again = (images[100::100] == images[0]).flatten(1).all(1).nonzero()
    if len(again):
        period = 100 * (int(again[0]) + 1)
        if torch.equal(images[period:], images[:-period]):
            return period
    return len(images)


def _tensor(samples, what: str) -> Tensor:
    """Samples as a tensor; ValueError for what makes none."""
    try:
        samples = torch.as_tensor(samples)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{what} are a tensor or array of numbers, not "
                         f"{type(samples).__name__} ({error})") from error
    if samples.layout is not torch.strided or samples.is_quantized:
        raise ValueError(f"{what} do not hold their numbers one by one: give a plain tensor, as "
                         ".to_dense() or .dequantize() make it")
    if samples.dim() > 1 and not samples[:1].numel() and len(samples):
        raise ValueError(f"{what} of shape {tuple(samples.shape)} hold no number: give (n, ...)")
    if samples.is_meta:
        raise ValueError(f"{what} on the device meta have a shape and no numbers: make them on cpu")
    return samples


def _checked_name(name) -> str:
    if not isinstance(name, str):
        raise ValueError(f"name = {name!r}: the name of an image set, such as \"mnist\"")
    return name


def _images(images) -> Tensor:
    """Images (n, c, h, w) on the CPU, uint8 or in [-1, 1]; ValueError for anything else."""
    images = _tensor(getattr(images, "images", images), "images").detach().cpu()
    if images.dim() != 4 or not len(images):
        raise ValueError(f"images must be (n, channels, height, width) with n ≥ 1, not "
                         f"{tuple(images.shape)}: reshape them, as fake.view(-1, 1, 28, 28)")
    if images.dtype == torch.bool or images.is_complex():
        raise ValueError(f"images of {images.dtype}: pass bytes, 255 * images.to(torch.uint8)")
    if images.dtype == torch.uint8:
        if images.max() == 1:
            raise ValueError("bytes that are all 0 or 1 show black pictures: 255 * images")
    elif images.min() >= 0 and images.min() < .01 and images.max() > .5:
        raise ValueError("float images on [0, 1]: -1 is black and 1 white here, as generators make "
                         "them: 2 * images - 1")
    if images.dtype != torch.uint8 and not (images.abs() <= 1.001).all():
        raise ValueError("float images must lie in [-1, 1], without nan: let the generator end in "
                         "tanh, or pass uint8")
    return images


def _inside(points: Tensor, balls: Tensor, k: int) -> float:
    """Share of `points` nearer to one of `balls` than its k-th neighbour among them."""
    points, balls = points.double(), balls.double()
    size = max(points.abs().max().item(), balls.abs().max().item())
    if not 1e-100 < size < 1e100:                              # else squares leave the range
        by = 2.0 ** min(-math.frexp(size)[1], 1000)
        points, balls = points * by, balls * by
    radius = torch.cat([_distances(part, balls).kthvalue(k + 1).values        # the first is itself
                        for part in balls.split(1000)])                       # (n,)
    hits = [(_distances(part, balls) <= radius).any(1) for part in points.split(1000)]
    return torch.cat(hits).double().mean().item()


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """|a_i - b_j|, and exactly 0 between equal points: (n, d), (m, d) -> (n, m).

    torch's way by products of matrices, three times as fast for the features of pictures, leaves
    1e-8 of their size between copies: what is that near is computed again, term by term.
    """
    exactly = "donot_use_mm_for_euclid_dist"
    if a.shape[1] <= 16:
        return torch.cdist(a, b, compute_mode=exactly)
    distance = torch.cdist(a, b)
    near = distance < 1e-5 * max(a.norm(dim=1).max(), b.norm(dim=1).max())
    if near.sum() > 100_000:
        return torch.cdist(a, b, compute_mode=exactly)
    i, j = near.nonzero(as_tuple=True)
    distance[i, j] = (a[i] - b[j]).norm(dim=1)
    return distance


def _short(distance: float) -> str:
    """Two or three digits: more mean nothing in an estimate from 10,000 samples."""
    return f"{distance:.0f}" if distance >= 20 else f"{distance:.1f}"
