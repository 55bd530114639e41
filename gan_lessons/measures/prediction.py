"""Prediction by loss: a loss l(x, y), low where x and y belong together, is a classifier.

Derived in notebooks/13_conditional_loss_sensitive.ipynb; without most labels in
14_semi_supervised.ipynb. Qi 2017, arXiv 1701.06264.
"""
from __future__ import annotations

import contextlib
import inspect
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from ..exact.checks import MANY, check_count, check_room, told
from ..game import check_player, check_samples, check_tensors, in_full, one_format
from ..pixels import scaled
from ..players.modes import evaluating
from ..players.networks import check_classes, check_labels


class ClassLoss(nn.Module):
    """l(x, y) = -log softmax_y a(x): (n, ...), (n,) int64 -> (n,) ≥ 0, for a network a of logits.

    a: (n, ...) -> (n, K). Σ_y exp -l(x, y) = 1 at every x: the labels compete, and
    argmin_y l(x, y) names one. `losses(x)` gives all K at once. ValueError for fewer than 2
    classes, a network with another number of outputs, and labels that are none of the K.
    """

    def __init__(self, net: nn.Module, classes: int = 10):
        super().__init__()
        check_player("net", net)
        self.net, self.classes = net, check_classes(classes)

    def losses(self, x: Tensor) -> Tensor:
        """l(x, y) for every y: (n, ...) -> (n, K)."""
        check_tensors(x=x)
        with one_format(self.net, x, shapes=True):
            logits = self.net(x)
        if logits.shape != (len(x), self.classes):
            raise ValueError(f"{self.classes} classes need logits (n, {self.classes}), not "
                             f"{tuple(logits.shape)}: build the network with "
                             f"outputs={self.classes}")
        return -log_softmax(in_full(logits, "logits"), 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        losses = self.losses(x)                                                       # (n, K)
        y = check_labels(x, y, self.classes)
        return losses.gather(1, y[:, None])[:, 0]                                     # (n,)


def all_losses(l, x: Tensor, classes: int | None = None) -> Tensor:
    """l(x, y) for every class y: (n, ...), pixels uint8 or float -> (n, K).

    Without gradients, a network in evaluation mode. l: a ClassLoss, or any function
    (x, y) -> (n,), with `classes` where it does not say how many. ValueError where nobody says,
    where both say and differ, and for no samples.
    """
    check_samples(x=x)
    if not callable(l) or isinstance(l, type):
        raise TypeError(f"l is a loss (x, y) -> (n,), not {told(l)}")
    if isinstance(l, nn.Module) and len(inspect.signature(l.forward).parameters) < 2:
        raise TypeError(f"l is a loss (x, y) -> (n,), and {type(l).__name__} takes x alone: "
                        "ClassLoss(net, classes) makes one of a network of logits")
    known = getattr(l, "classes", None)
    if classes is None and known is None:
        raise ValueError("how many classes? pass classes=10")
    classes = classes if classes is None else check_classes(classes)
    if None not in (classes, known) and classes != known:
        raise ValueError(f"l is built for {known} classes, not for {classes}: leave classes= out")
    classes = check_classes(known if classes is None else classes)
    if not len(x):
        raise ValueError(f"x of shape {tuple(x.shape)} holds no sample")

    def class_by_class(part):
        labels = [torch.full((len(part),), y, device=part.device) for y in range(classes)]
        each = [l(part, y) for y in labels]
        for losses in each:
            check_tensors(**{"what l returns": losses})
        return torch.stack(each, 1)                                                   # (n, K)

    each = getattr(l, "losses", None) or class_by_class
    mode = evaluating(l) if isinstance(l, nn.Module) else contextlib.nullcontext()
    with mode, torch.no_grad(), one_format(l, x, shapes=True):
        # a few hundred at a time: what a network makes of more does not stay in the cache
        return torch.cat([each(scaled(part)) for part in x.split(250)])


def predict(l, x: Tensor, classes: int | None = None) -> Tensor:
    """argmin_y l(x, y): (n, ...) samples, uint8 or float -> (n,) int64.

    ValueError as above, and for losses that are NaN, of which none is the least.
    """
    losses = all_losses(l, x, classes)
    if losses.isnan().any():
        raise ValueError("losses hold nan, and no label is the best of them: the samples do, or "
                         "the training of l has diverged")
    return losses.argmin(1)


def confusion(predicted: Tensor, y: Tensor, classes: int = 10) -> Tensor:
    """How many samples of class a (row) were taken for class b (column); 混淆矩阵.

    (n,), (n,) -> (K, K) int64. ValueError for labels or predictions that are none of the K.
    """
    check_samples(predicted=predicted, y=y)
    check_classes(classes)
    check_room("a table", classes, classes)
    predicted, y = (check_labels(y, labels.cpu(), classes) for labels in (predicted, y))
    cells = torch.bincount(y * classes + predicted, minlength=classes ** 2)           # (K²,)
    return cells.reshape(classes, classes)


class Reliability(NamedTuple):
    """Bin by bin: mean confidence, share that was right, number of samples, each (bins,); and the
    expected calibration error over all.
    """

    confidence: Tensor
    right: Tensor
    count: Tensor
    error: float


def reliability(losses: Tensor, y: Tensor, bins: int = 15) -> Reliability:
    """Of the predictions that are "90 % sure", how many are right? 校准 (calibration).

    losses (n, K) with Σ_y exp -l = 1, y (n,) -> Reliability. The confidence is exp -min_y l;
    samples fall into `bins` of equal width on [0, 1]; error = Σ count/n |right - confidence| over
    the bins, an estimate that depends on n and bins and is above 0 even for a perfect classifier.
    Empty bins are nan. ValueError for losses that are no softmax's, and for labels that are none
    of the K. (Guo et al. 2017, arXiv 1706.04599.)
    """
    check_tensors(losses=losses, y=y)
    check_count("bins", bins, most=MANY)
    if losses.dim() != 2 or not losses.numel():
        raise ValueError(f"losses are (n, K) with n ≥ 1, not {tuple(losses.shape)}")
    losses = losses.detach().double().cpu()
    y = check_labels(losses, y.cpu(), losses.shape[1])
    off = (losses.neg().logsumexp(1)).abs().max()
    if not off < 1e-3:
        raise ValueError(f"log Σ_y exp -l(x, y) is {off:.3g} somewhere, not 0: only a softmax's "
                         "losses (ClassLoss) are probabilities, exp -l")
    least, named = losses.min(1)                                                      # (n,), (n,)
    sure, good = least.neg().exp(), (named == y).double()
    which = (sure * bins).long().clamp(max=bins - 1)         # confidence 1 goes into the last bin
    count = torch.bincount(which, minlength=bins)                                     # (bins,)
    total = lambda values: torch.bincount(which, values, minlength=bins)
    error = ((total(good) - total(sure)).abs().sum() / len(y)).item()
    return Reliability(total(sure) / count, total(good) / count, count, error)
