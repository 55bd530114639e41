"""What a code knows about labels it never saw: nearest neighbours, and the best linear classifier.

Used in notebooks/17_infomax.ipynb.
"""
from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from ..exact.checks import fits
from ..game import check_samples

MANY = 10_000           # classes that bear no code, at most: a table of them would fill the memory


class Share(NamedTuple):
    """A share of n, with the ends of its 95 % interval (Wilson 1927)."""

    value: float
    low: float
    high: float

    def __str__(self):
        return f"{self.value:6.1%} ({self.low:.1%} to {self.high:.1%})"


def share(hits: int, n: int) -> Share:
    """p = hits / n of n independent tries, with Wilson's 95 % interval.

    (p + z²/2n ± z √(p (1 - p)/n + z²/4n²)) / (1 + z²/n), z the normal 97.5 % quantile; unlike
    p ± z √(p (1 - p)/n) it keeps a width at p = 0 and p = 1. ValueError unless 0 ≤ hits ≤ n and
    n ≥ 1. (Wilson 1927.)
    """
    if not (fits(n, least=1, whole=True) and fits(hits, least=0, most=n, whole=True)):
        raise ValueError(f"{hits} of {n}: hits are between 0 and n, and n is 1 or more")
    z, p = 1.959963984540054, hits / n
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = ((centre + s * half) / (1 + z * z / n) for s in (-1, 1))
    return Share(p, min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0))       # rounding may leave it


def nearest(codes: Tensor, queries: Tensor, k: int = 10) -> Tensor:
    """Rows of the k codes with the largest cosine to each query, nearest first.

    (n, d), (m, d) -> (m, k) int64. Lengths do not count; a code of zeros has cosine 0 with all.
    ValueError for k outside 1 to n, codes of different sizes, and codes that are not finite.
    """
    check_samples(codes=codes, queries=queries)
    if codes.dim() != 2 or queries.dim() != 2 or not codes.shape[1] or (
            codes.shape[1] != queries.shape[1]):
        raise ValueError(f"codes (n, d) and queries (m, d) of one size d, not "
                         f"{tuple(codes.shape)} and {tuple(queries.shape)}: flatten pictures "
                         "first, with .flatten(1)")
    if not fits(k, least=1, most=len(codes), whole=True):
        raise ValueError(f"k = {k} neighbours among {len(codes)} codes: choose 1 to {len(codes)}")
    codes, queries = _directions(codes), _directions(queries)
    return torch.cat([(part @ codes.T).topk(k, dim=1).indices for part in queries.split(500)])


def _directions(codes: Tensor) -> Tensor:
    """Codes of length 1, float32: (n, d) -> (n, d)."""
    _refuse_infinite(codes)
    # of a length whose square is no float, first divided by the largest number
    size = codes.abs().amax(1, keepdim=True)
    near = (size > 1e-6) & (size < 1e15) | (size == 0)
    return normalize((codes / torch.where(near, 1, size)).float())


def _refuse_infinite(*codes: Tensor):
    for table in codes:
        if table.is_complex() or table.dtype == torch.bool:
            raise ValueError(f"codes of {table.dtype}: real numbers (n, d) are compared")
        if not table.isfinite().all():
            raise ValueError("codes hold nan or inf: the encoder that made them has diverged")


def neighbours_agree(codes: Tensor, labels: Tensor, queries: Tensor, truth: Tensor,
                     k: int = 10) -> Share:
    """How often the majority of the k nearest codes has the query's label: k-NN (最近邻).

    (n, d), (n,) int64, (m, d), (m,) int64. Of labels with equally many votes the smallest wins.
    ValueError as in `nearest`, and for labels that are not one whole number for each code.
    """
    _labelled(codes, labels)
    _labelled(queries, truth)
    labels, truth = labels.long(), truth.long()
    found = labels[nearest(codes, queries, k)]                                        # (m, k)
    votes = one_hot(found, _classes(labels, truth)).sum(1)                            # (m, K)
    return share(int((votes.argmax(1) == truth).sum()), len(truth))


def linear_probe(codes: Tensor, labels: Tensor, queries: Tensor, truth: Tensor,
                 ridge: float = 1e-2) -> Share:
    """Accuracy of the linear classifier that ridge regression (岭回归) fits to one-hot labels.

    W = argmin 1/n |Y - C W|² + ridge |W|², on standardised codes C, the constant column
    unpenalised; it predicts the argmax of c W. Shapes and errors as in `neighbours_agree`;
    ValueError for ridge < 0.
    """
    if not fits(ridge, least=0):
        raise ValueError(f"ridge = {ridge}: 0 or more")
    _labelled(codes, labels)
    _labelled(queries, truth)
    _refuse_infinite(codes, queries)
    labels, truth = labels.long(), truth.long()
    if codes.dim() != 2 or queries.dim() != 2 or not codes.shape[1] or (
            codes.shape[1] != queries.shape[1]):
        raise ValueError(f"codes (n, d) and queries (m, d) of one size d, not "
                         f"{tuple(codes.shape)} and {tuple(queries.shape)}")
    # columns whose squares are no float32 are first divided by their largest number
    size = codes.abs().amax(0)
    size = torch.where((size > 1e-12) & (size < 1e15) | (size == 0), 1, size)
    c, q = (codes / size).float(), (queries / size).float()
    mean, sd = c.mean(0), c.std(0, correction=0)
    sd = torch.where(sd > 1e-9 * sd.max(), sd, torch.inf)                # a dead unit says nothing
    c, q = (c - mean) / sd, (q - mean) / sd
    y = one_hot(labels, _classes(labels, truth)).double()                             # (n, K)
    # The normal equations, (CᵀC/n + ridge) W = Cᵀ(Y - mean)/n: with centred columns the constant
    # is the mean of Y. Without a ridge CᵀC may be singular, hence least squares. With one, W is
    # Cᵀ(CCᵀ/n + ridge)⁻¹(Y - mean)/n too: smaller where there are fewer codes than numbers.
    centred, few = (y - y.mean(0)) / len(c), bool(ridge) and len(c) < c.shape[1]
    a = c.T if few else c
    gram = (a.T @ a).double() / len(c) + ridge * torch.eye(a.shape[1], dtype=torch.float64)
    right = centred if few else c.T.double() @ centred
    weights = torch.linalg.solve(gram, right) if ridge else torch.linalg.lstsq(gram, right).solution
    weights = c.T.double() @ weights if few else weights
    said = q.double() @ weights + y.mean(0)
    return share(int((said.argmax(1) == truth).sum()), len(truth))


def _classes(labels, truth) -> int:
    """How many classes there are: up to the largest label on either side."""
    return int(max(labels.max(), truth.max())) + 1


def _labelled(codes, labels):
    """ValueError unless there is a whole-number label, 0 or more, for each of 1 code or more, and
    not far above their number."""
    check_samples(codes=codes, labels=labels)
    if not len(codes):
        raise ValueError(f"codes of shape {tuple(codes.shape)} hold no sample")
    if labels.shape != (len(codes),) or labels.is_floating_point():
        raise ValueError(f"{len(codes)} codes need {len(codes)} whole-number labels, not "
                         f"{labels.dtype} of shape {tuple(labels.shape)}")
    if labels.min() < 0:
        raise ValueError(f"a label of {int(labels.min())}: classes are numbered from 0")
    if labels.max() >= len(labels) + MANY:
        raise ValueError(f"a label of {int(labels.max()):,} among {len(labels):,}: number the "
                         "classes from 0, without gaps, as labels.unique(return_inverse=True)[1]")
