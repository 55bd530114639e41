"""Checks of numbers, points and weights that several modules and wings share. NumPy only.

No lesson derives them. A refusal says what was given and what is needed; NaN fits nowhere.
"""
from __future__ import annotations

import inspect
import itertools
import math
import operator
from fractions import Fraction
from numbers import Integral, Real

import numpy as np


def fits(value, *, least=-math.inf, above=-math.inf, most=math.inf, below=math.inf,
         whole: bool = False, infinite: bool = False) -> bool:
    """Whether value is one finite number with least ≤ value ≤ most and above < value < below.

    whole: a whole number, of Python or NumPy; infinite: ∞ fits as well. A tensor of one number
    without a graph is one. False for NaN, truth values, text, None, complex numbers, arrays, and
    what products with arrays and tensors do not know, as fractions, decimals and objects that
    float() alone understands: a caller has one refusal for all that is no number.
    """
    if isinstance(value, (bool, np.bool_, Fraction)):
        return False
    if not isinstance(value, Integral if whole else Real) and not _one_number(value):
        return False
    try:
        number = operator.index(value) if whole else float(value)
        if number == math.inf:
            return infinite
        return math.isfinite(number) and least <= number <= most and above < number < below
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return False


def _one_number(value) -> bool:
    """A tensor of one number, not of truth values, that no gradient runs through."""
    return (hasattr(value, "detach") and value.ndim == 0 and not value.requires_grad
            and "bool" not in str(value.dtype))


def check_count(name: str, value, least: int = 1, most: float = math.inf, why: str = "") -> int:
    """value as an int of Python, which no product takes out of its range.

    ValueError, by its name, unless it is a whole number from `least` to `most`.
    """
    if not fits(value, least=least, most=most, whole=True):
        limit = f"of {least} or more" if most == math.inf else f"from {least} to {most:g}"
        raise ValueError(f"{name} = {value!r}: a whole number {limit}" + (why and f"; {why}"))
    return operator.index(value)


def check_flag(**flags):
    """ValueError, by its name, for what is neither True nor False: a word as "no" would be true."""
    for name, value in flags.items():
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"{name} = {told(value)}: True or False")


MANY = 1_000_000            # of what is made one by one, or of the numbers of one sample
ROOM = 200_000_000          # numbers of one table: 1.6 GB in float64


def as_list(what: str, things, most: int = MANY) -> list:
    """What an iterable gives, as a list; ValueError where it gives more than `most`: some never
    end."""
    found = list(itertools.islice(things, most + 1))
    if len(found) > most:
        raise ValueError(f"{what}: more than {most:,} of them, or without an end; give a list")
    return found


def check_room(what: str, *counts):
    """ValueError where a table of so many numbers would fill the memory, and perhaps end the
    process: check_room("points", n, dim)."""
    counts = [int(count) for count in counts]
    if (numbers := math.prod(counts)) > ROOM:
        size = " × ".join(f"{count:,}" for count in counts)
        raise ValueError(f"{what} of {size} numbers would take {numbers // 125_000_000:,} GB: take "
                         "fewer, or make them part by part")


def as_shape(shape, what: str = "shape", least: int = 0) -> tuple[int, ...]:
    """shape as a tuple of whole numbers of 1 or more, `least` of them at least; ValueError else."""
    sides = tuple(shape) if isinstance(shape, (list, tuple)) else (shape,)
    if len(sides) < least or not all(fits(side, least=1, whole=True) for side in sides):
        raise ValueError(f"{what} = {shape!r}: whole numbers of 1 or more, such as (1, 28, 28)")
    check_room(f"{what}: samples", *sides)
    return tuple(map(operator.index, sides))


def check_function(name: str, value, shape: str = "(k,) -> (k,)", many: int = 1):
    """TypeError, by its name, for what cannot be called with so `many` arguments (0: not looked
    at), for a network and for a function of torch; shape: what it maps to what."""
    if not callable(value) or isinstance(value, type):
        raise TypeError(f"{name} = {told(value)}: a function, {shape}")
    home = getattr(value, "__module__", None) or getattr(getattr(value, "__self__", None),
                                                         "__module__", None) or ""
    if home.partition(".")[0] == "torch":
        raise TypeError(f"{name} is {told(value)} of torch, which takes tensors, and arrays are "
                        f"handed over: take NumPy's, {shape}")
    if hasattr(value, "forward"):
        raise TypeError(f"{name} is a network, which takes tensors, and arrays are handed over: "
                        f"{name}=on_arrays(f) makes a function of it, {shape}")
    try:
        if many and getattr(value, "nin", many) != many:     # of NumPy: what is left over is "out"
            raise TypeError(f"it takes {value.nin}")
        if many:
            inspect.signature(value).bind(*[None] * many)
    except ValueError:                                   # of C: it will say so itself
        return
    except TypeError as error:
        raise TypeError(f"{name} is a function, {shape}, and {told(value)} does not take that "
                        f"({error})") from None


def as_numbers(x, what: str = "x", finite: bool = True):
    """x as a float64 array of any shape; a tensor leaves its graph behind.

    what: how the message calls it. ValueError for what is no array of real numbers and, where they
    have to be `finite`, for NaN and ±∞.
    """
    if np.ma.is_masked(x):
        raise ValueError(f"{what}: some of these numbers are masked; leave them out, as "
                         "x.compressed() does")
    try:
        if hasattr(x, "detach"):                               # NumPy has no bfloat16, no float8
            x = x.detach().cpu()
            x = x.double() if "bfloat" in str(x.dtype) or "float8" in str(x.dtype) else x
        array = np.asarray(x)
        if array.dtype.kind not in "fiubO":                    # complex numbers, text, dates
            raise TypeError(f"{array.dtype}")
        if array.dtype.kind == "O" and any(one is None for one in array.ravel()):
            raise TypeError("None is no number")               # NumPy would read it as nan
        array = array.astype(float, copy=False)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise ValueError(f"{what} must be real numbers, an array that NumPy reads as float64, not "
                         f"{_short(x)} ({error})") from error
    if finite and not np.isfinite(array).all():
        raise ValueError(f"{what}: nan or inf among the numbers; leave them out, or see where they "
                         "come from")
    return array


def as_points(x, what: str = "points", least: int = 0):
    """x as float64 points: (k, d) -> (k, d), and numbers on the line (k,) -> (k, 1).

    what: how the message calls them. ValueError for other shapes, for fewer than `least` points,
    and for points that are not finite.
    """
    x = as_numbers(x, what, finite=False)
    x = x[:, None] if x.ndim == 1 else x                                          # (k, d)
    if x.ndim != 2 or len(x) < least:
        raise ValueError(f"{what} are (n, d), or (n,) on the line, not of shape {x.shape}")
    return as_numbers(x, what)


def as_shares(weights, n: int, of: str = "samples", word: str = "weights"):
    """n weights ≥ 0, scaled to sum 1: (n,) -> (n,), equal ones for None.

    of, word: how the message calls the n things and their weights. ValueError for another number
    of weights, for negative ones or NaN, and where all are 0 or their sum is no number.
    """
    weights = np.ones(n) if weights is None else as_numbers(weights, word, finite=False)
    with np.errstate(over="ignore"):
        total = weights.sum()
    if weights.shape != (n,) or not (weights >= 0).all() or not 0 < total < np.inf:
        raise ValueError(f"{n} {of} need as many {word} ≥ 0, not {weights}")
    return weights / total


def as_masses(p, what: str = "p", shape=None):
    """p as float64 masses of sum 1, (n,) or of the `shape` that is asked for.

    A sum that rounding has moved by up to 1e-6 is left as it is. ValueError for other shapes,
    negative numbers, NaN and another sum.
    """
    p = as_numbers(p, what)
    if p.ndim != 1 if shape is None else p.shape != shape:
        raise ValueError(f"{what} has shape {p.shape}; masses of places are "
                         f"{'(n,)' if shape is None else shape}")
    if not (p.size and (p >= 0).all() and abs(p.sum() - 1) < 1e-6):
        raise ValueError(f"{what} must hold masses of 0 or more that sum to 1, not to "
                         f"{p.sum():g}: divide it by its sum")
    return p


def _short(x) -> str:
    """What x is, in a few words."""
    shape = getattr(x, "shape", None)
    text = repr(x) if shape is None else f"{getattr(x, 'dtype', type(x).__name__)} {tuple(shape)}"
    return text if len(text) <= 60 else text[:57] + "..."


def told(value) -> str:
    """What came, for a message: its text where that is short and tells something, else its type."""
    if isinstance(value, type) or callable(value) and hasattr(value, "__name__"):
        return f"the {'class' if isinstance(value, type) else 'function'} {value.__name__}"
    try:
        text = repr(value)
    except Exception:                                    # a foreign object need not have a text
        text = ""
    short = 0 < len(text) <= 40 and "\n" not in text and " at 0x" not in text
    return text if short else type(value).__name__
