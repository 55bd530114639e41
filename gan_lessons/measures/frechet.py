"""The Fréchet distance of two sets of features, and the anchors that make a score readable.

Dowson & Landau 1982; on a network's features: Heusel et al. 2017, arXiv 1706.08500.
Used from notebooks/01_minimax.ipynb on, through `metrics`.
"""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from ..data.datasets import Images
from ..exact.checks import as_numbers
from ..game import check_tensors
from ..pixels import scaled


def frechet(mean, covariance, mean2, covariance2) -> float:
    """Fréchet (2-Wasserstein) distance, squared, of two Normals; (d,), (d, d) each.

    |m - m'|² + tr(C + C' - 2 (C C')^½), with the trace of the last root as Σ √λ over the
    eigenvalues λ of C^½ C' C^½. These are those of C C', and that matrix is symmetric, so no λ
    comes out complex. ValueError for shapes that do not fit, for what is not finite, and for what
    is no covariance.
    """
    from scipy.linalg import eigh, eigvalsh
    mean, mean2 = as_numbers(mean, "mean"), as_numbers(mean2, "mean2")
    covariance = _checked(covariance, "covariance", len(mean) if mean.ndim == 1 else -1)
    covariance2 = _checked(covariance2, "covariance2", len(mean2) if mean2.ndim == 1 else -1)
    if mean.shape != mean2.shape:
        raise ValueError(f"means of {mean.shape} and {mean2.shape} numbers are not alike")
    values, vectors = eigh(covariance)                   # below 0 by rounding only: clipped
    root = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
    cross = np.sqrt(np.clip(eigvalsh(root @ covariance2 @ root), 0, None)).sum()
    shift = np.square(mean - mean2).sum()
    # below 0 by rounding only, between laws that are alike
    return max(float(shift + np.trace(covariance) + np.trace(covariance2) - 2 * cross), 0.0)


def _checked(covariance, what: str, d: int) -> np.ndarray:
    """A covariance (d, d); ValueError for other shapes, and unless it is symmetric with no variance
    below 0."""
    covariance = as_numbers(covariance, what)
    if covariance.shape != (d, d):
        raise ValueError(f"{what} has shape {covariance.shape}: a mean (d,) has a covariance "
                         "(d, d) beside it")
    size = abs(covariance).max(initial=0)
    if size > 1e150 or (covariance.diagonal() < 0).any() or not np.allclose(
            covariance, covariance.T, atol=1e-6 * size):
        raise ValueError(f"{what} is none: it is symmetric, with variances from 0 to 1e150")
    return covariance


def moments(points) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and covariance (d, d) of points (n, d), in float64.

    ValueError for n ≤ d, where the covariance has no full rank, for points that are not finite, and
    for other shapes.
    """
    points = as_numbers(points.float() if str(getattr(points, "dtype", "")) == "torch.bfloat16"
                        else points, "points", finite=False)
    if points.ndim != 2 or not points.shape[1]:
        raise ValueError(f"points have shape (n, d), not {points.shape}")
    n, d = points.shape
    if n <= d:
        raise ValueError(f"{n} samples cannot give the covariance of {d} features: take at least "
                         f"{d + 1}, better 10,000")
    if not np.isfinite(points).all():
        raise ValueError("the samples hold nan or inf: the training that made them has diverged")
    if abs(points).max() > 1e140:
        raise ValueError(f"samples as large as {abs(points).max():g} have no variance that a float "
                         "can hold: rescale them")
    return points.mean(0), np.cov(points, rowvar=False).reshape(d, d)     # d = 1 gives a number


def anchors_of(net, train: Images, test: Images):
    """The anchors of a classifier and image set, {name: distance to the test images}, and the
    moments (mean, covariance) of the test features. 10,000 images each.
    """
    rng = torch.Generator().manual_seed(0)
    first = train.images[:10_000]
    few = {"real": first, "blurred": _blurred(first),
           "five classes": train.images[train.labels < 5][:10_000],
           "noise": torch.randint(0, 256, first.shape, generator=rng, dtype=torch.uint8)}
    goal = moments(features_of(net, "features", test.images))
    anchors = {what: frechet(*moments(features_of(net, "features", images)), *goal)
               for what, images in few.items()}
    return anchors, goal


def _blurred(images: Tensor) -> Tensor:
    """uint8 images, blurred by a Normal of one pixel's standard deviation."""
    weights = torch.exp(-torch.arange(-3, 4.0).square() / 2)
    kernel = torch.outer(weights, weights) / weights.sum() ** 2
    channels = images.shape[1]
    padded = pad(images.float(), (3, 3, 3, 3), mode="replicate")
    kernel = kernel.expand(channels, 1, 7, 7)                # each channel by itself, hence groups
    return conv2d(padded, kernel, groups=channels).round().to(torch.uint8)


@torch.no_grad()
def features_of(net, method: str, images: Tensor) -> Tensor:
    """net.method of images (n, c, h, w), bytes or numbers in [-1, 1], a hundred at a time: (n, d).

    ValueError for images of another number of channels, or smaller than 12 pixels, and for none.
    """
    check_tensors(images=images)
    if images.dim() != 4 or not len(images):
        raise ValueError(f"images must be (n, channels, height, width) with n ≥ 1, not "
                         f"{tuple(images.shape)}")
    if not hasattr(net, "channels") or not isinstance(method, str) or (
            not callable(getattr(net, method, None))):
        raise TypeError(f"features are those of a Classifier by the name of its method, not of "
                        f"{type(net).__name__}, {method!r}")
    if images.shape[1] != net.channels or min(images.shape[2:]) < 12:
        raise ValueError(f"this classifier knows images of {net.channels} channel(s), not "
                         f"{tuple(images.shape[1:])}: name the image set they belong to")
    parts = (scaled(x).float() for x in images.split(100))
    return torch.cat([getattr(net, method)(x) for x in parts])
