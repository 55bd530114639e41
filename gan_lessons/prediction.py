"""Prediction by loss: a loss l(x, y), low where x and y belong together, is a classifier.

Derived in notebooks/13_conditional_loss_sensitive.ipynb; without most labels in 14_semi_supervised.ipynb.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from .settings import evaluating


class ClassLoss(nn.Module):
    """l(x, y) = -log softmax_y a(x) for a network a: (n, ...) -> (n, K) logits. (n, ...), (n,) int64 -> (n,) ≥ 0.

    Qi 2017, arXiv 1701.06264. `losses(x)` gives all K at once.
    """

    def __init__(self, net: nn.Module, classes: int = 10):
        super().__init__()
        self.net, self.classes = net, classes

    def losses(self, x: Tensor) -> Tensor:
        """l(x, y) for every y: (n, ...) -> (n, K)."""
        logits = self.net(x)
        if logits.shape != (len(x), self.classes):
            raise ValueError(f"{self.classes} classes need logits (n, {self.classes}), not {tuple(logits.shape)}: build "
                             f"the network with outputs={self.classes}")
        return -log_softmax(logits, 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        if y.shape != (len(x),):
            raise ValueError(f"{len(x)} samples need {len(x)} labels, not {tuple(y.shape)}")
        if len(y) and y.device.type == "cpu" and not 0 <= int(y.min()) <= int(y.max()) < self.classes:
            raise ValueError(f"labels from {y.min()} to {y.max()} for {self.classes} classes, 0 to {self.classes - 1}")
        return self.losses(x).gather(1, y[:, None])[:, 0]


def all_losses(l, x: Tensor, classes: int | None = None) -> Tensor:
    """l(x, y) for every class y: (n, ...) -> (n, K), without gradients, in evaluation mode.

    l: a ClassLoss, or any network (x, y) -> (n,); `classes` where the network does not say how many.
    """
    classes = classes or getattr(l, "classes", None)
    if classes is None:
        raise ValueError("how many classes? pass classes=10")
    x = x.float() / 127.5 - 1 if x.dtype == torch.uint8 else x
    each = getattr(l, "losses", None) or (lambda part: torch.stack(
        [l(part, torch.full((len(part),), y, device=part.device)) for y in range(classes)], 1))
    with evaluating(l), torch.no_grad():
        return torch.cat([each(part) for part in x.split(1000)])


def predict(l, x: Tensor, classes: int | None = None) -> Tensor:
    """argmin_y l(x, y): (n, ...) samples, uint8 or float -> (n,) int64."""
    return all_losses(l, x, classes).argmin(1)
