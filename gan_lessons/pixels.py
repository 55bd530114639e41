"""Pixels as numbers: one scale for the whole course, bytes 0 … 255 as numbers from -1 to 1."""
from __future__ import annotations

GREY = 1 / 127.5                             # distance of neighbouring grey values on that scale


def scaled(images):
    """Bytes -> float32 in [-1, 1], x = (byte - 127.5) / 127.5; any shape -> same shape.

    images: a uint8 tensor, or a uint8 array, which becomes float64. What is no bytes comes back
    as it is: it is taken to be on that scale already. TypeError
    for what is neither.
    """
    if not hasattr(images, "dtype"):
        raise TypeError(f"pixels are a tensor or an array, not {type(images).__name__}: "
                        "torch.as_tensor(images) makes one")
    if not str(images.dtype).endswith("uint8"):
        return images
    x = images - 127.5                       # a new tensor: dividing it in place is safe
    x /= 127.5
    return x
