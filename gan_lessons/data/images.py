"""A set of pictures in memory: bytes, labels, names; what is handed over by hand is looked at.

Introduced in notebooks/00_start_here.ipynb, where `load_images` returns one.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..exact.checks import as_list, told

CHANNELS = (1, 2, 3, 4)                 # grey or colour, with or without transparency


@dataclass(eq=False)
class Images:
    """A set of pictures: images (n, c, h, w) uint8; labels (n,) int64 or None; a name per class.

    Arrays of NumPy become tensors, whole numbers of any other kind int64 labels. ValueError for
    images or labels of another shape or kind, and for a label without a name where there are names;
    TypeError for what is neither a tensor nor an array. Both say how to make one of what came.
    """

    images: Tensor
    labels: Tensor | None = None
    classes: tuple[str, ...] = ()
    name: str = "images"

    def __post_init__(self):
        self.images = _pictures(self.images)
        if self.labels is not None:
            self.labels = _labels(self.labels, len(self))
        self.classes = _names(self.classes)
        if not isinstance(self.name, str):
            raise TypeError(f'name = {told(self.name)}: what the set is called, as "faces"')
        if self.classes and isinstance(self.labels, Tensor) and len(self.labels) and (
                most := int(self.labels.max())) >= len(self.classes):
            raise ValueError(f"label {most} has no name among the {len(self.classes)} classes: "
                             "number them from 0, name every class, or leave classes= out")

    def __len__(self):
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """One image's (channels, height, width): what a network for them needs to know."""
        return tuple(self.images.shape[1:])

    def __repr__(self):
        n, c, h, w = self.images.shape
        kind = f", {len(self.classes)} classes" if self.classes else ""
        return f"{self.name}: {n:,} images, {c} × {h} × {w}{kind}"


def _pictures(images) -> Tensor:
    """The pictures as a uint8 tensor (n, c, h, w), or the refusal."""
    images = as_tensor(images, "images are a uint8 tensor or array (n, c, h, w)")
    if images.dtype != torch.uint8 or images.dim() != 4:
        raise ValueError(f"images must be uint8 (n, c, h, w), not {images.dtype} "
                         f"{tuple(images.shape)}: {_remedy(images)}")
    n, c, h, w = images.shape
    if not c * h * w:
        raise ValueError(f"images of {c} × {h} × {w} numbers show nothing: give (n, c, h, w)")
    if images.numel() and images.max() == 1 and images.flatten(1).diff(dim=1).any():
        raise ValueError("images whose bytes are all 0 or 1 are black: white is 255, as in "
                         "255 * images")
    if c not in CHANNELS and w in CHANNELS:
        raise ValueError(f"images must be uint8 (n, c, h, w), and {(n, c, h, w)} has its channels "
                         "last: images.permute(0, 3, 1, 2), or np.moveaxis(images, -1, 1)")
    return images


def _remedy(images: Tensor) -> str:
    """How to make uint8 (n, c, h, w) of a tensor that is not."""
    if images.dtype == torch.uint8:
        return {2: "one grey picture is images[None, None]",
                3: "add the axis that lacks, of channels by images[:, None] or of pictures by "
                   "images[None]"}.get(images.dim(), "give one axis for each of these four")
    if images.numel() == 0 or images.is_complex():
        return "give bytes"
    low, high = (float(end) for end in images.double().aminmax())
    if images.dtype == torch.bool:
        how = "255 * images.to(torch.uint8)"
    elif not (np.isfinite(low) and np.isfinite(high)):
        return "they hold numbers that are not finite"
    elif not images.is_floating_point():
        how = f"{'255 * ' * (high == 1)}images.to(torch.uint8)"
    elif low >= 0:
        how = f"({255 if high <= 1 else 1} * images).round().to(torch.uint8)"
    else:
        how = "(127.5 * images + 127.5).round().to(torch.uint8)"
    if low < (0 if high > 1 or not images.is_floating_point() else -1) or high > 255:
        return f"they go from {low:g} to {high:g}; bring them to 0 … 255 first"
    return f"from {low:.3g} to {high:.3g}, bytes are {how}"


def _labels(labels, n: int):
    """One label for each of n pictures, int64, or the refusal. A ledger stays what it is."""
    if not hasattr(labels, "spent"):               # a Ledger counts who reads: nobody does here
        labels = as_tensor(labels, "labels are whole numbers, one for each picture")
    if tuple(labels.shape) != (n,):
        how = ""
        if len(labels.shape) == 2 and labels.shape[0] == n:
            how = ": labels.flatten()" if labels.shape[1] == 1 else ": labels.argmax(1) of one-hot"
        raise ValueError(f"{n} images need labels of shape ({n},), not {tuple(labels.shape)}{how}")
    if isinstance(labels, Tensor):
        if labels.is_floating_point() or labels.is_complex():
            raise ValueError(f"labels must be whole numbers from 0, int64, not {labels.dtype}: "
                             "labels.long(), where all are whole")
        if len(labels := labels.long()) and labels.min() < 0:
            raise ValueError(f"labels must be whole numbers from 0, not {int(labels.min())}: leave "
                             "pictures without a label out, or pass them as unlabelled=")
    return labels


def _names(classes) -> tuple[str, ...]:
    """The names of the classes; TypeError for one string or a number in their place."""
    if isinstance(classes, (str, bytes, Tensor, type)) or not hasattr(classes, "__iter__"):
        raise TypeError(f'classes are names, as ("cat", "dog") or ("cat",), not {told(classes)}')
    if isinstance(classes, Mapping):
        raise TypeError("classes are names in the order of their labels, not a dictionary: "
                        "tuple(classes.values()), where that is right")
    if isinstance(classes, (set, frozenset)):
        raise TypeError("classes are names in the order of their labels, and a set has no order: "
                        "tuple(sorted(classes)), where that is right")
    classes = tuple(as_list("classes", classes))
    if any(name is None for name in classes):
        raise TypeError("a class is called None: give each its own name")
    names = tuple(map(str, classes))
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two classes are called {', '.join(twice)}: give each its own name")
    return names


def as_tensor(values, what: str) -> Tensor:
    """A tensor of a tensor, an array, or a list of numbers. TypeError for anything else."""
    if isinstance(values, Tensor):
        if values.is_nested or values.is_quantized or values.is_meta or (
                values.layout is not torch.strided):
            raise TypeError(f"{what}, and this tensor does not hold its numbers one by one: give "
                            "a plain one, as .to_dense(), .dequantize() or torch.stack make it")
        return values
    if np.ma.is_masked(values):
        raise TypeError(f"{what}, and some numbers of this array are masked: fill them, or leave "
                        "them out")
    try:
        array = np.asarray(values)
        # torch has no negative strides, no foreign byte order and no read-only memory: then a copy
        array = np.asarray(array, array.dtype.newbyteorder("="), order="C")
        return torch.from_numpy(array if array.flags.writeable else array.copy())
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{what}, not {told(values)}") from None
