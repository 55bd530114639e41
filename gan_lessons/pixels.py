"""Pixels as numbers: one scale for the whole course, bytes 0 … 255 as numbers from -1 to 1."""
from __future__ import annotations

GREY = 1 / 127.5                             # distance of neighbouring grey values on that scale


def scaled(images):
    """Bytes -> float32 in [-1, 1], x = (byte - 127.5) / 127.5; what is no bytes comes back as it is.

    A uint8 tensor or array of any shape -> same shape (an array becomes float64).
    """
    if not str(images.dtype).endswith("uint8"):
        return images
    x = images - 127.5                       # a new tensor: dividing it in place is safe
    x /= 127.5
    return x
