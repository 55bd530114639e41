"""What a person means by an answer: numbers, lists and words as they are written.

Nothing is evaluated: text is read character by character, or refused in a sentence.
Used by `check`, which notebooks/00_start_here.ipynb introduces.
"""
from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Set
from numbers import Complex, Real

import numpy as np

from ..exact.checks import told

MOST = 1000                                     # numbers in an answer; no question asks for as many
_MINUS = dict.fromkeys(map(ord, "−–‒﹣－"), "-")
_BLANK = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f"), " ")
_FULL = str.maketrans("０１２３４５６７８９．，＋", "0123456789.,+")
_UPPER = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_GROUPS = re.compile(r"\d{1,3}([ _'’]\d{3})+(?!\d)")          # 1 234 567, 1_234_567, 1'234'567
_OF_TEN = re.compile(r"(?:(.+?)\s*[·×*x⋅]\s*)?(-?)10\s*(?:\^|\*\*)\s*[({]?([+-]?\d{1,3})[)}]?")
_THOUSANDS = {",": re.compile(r"\d{1,3}(,\d{3})+"), ".": re.compile(r"\d{1,3}(\.\d{3})+")}
YES, NO = {"yes", "true", "ja", "1", "是"}, {"no", "false", "nein", "0", "否"}


class Unreadable(ValueError):
    """The answer is of another kind or shape than the question asks for; the text says how."""


def same(answer, right, tolerance: float) -> bool:
    """Whether an answer is the right word, or near enough to the right numbers everywhere.

    right: a word, yes or no (a bool), a number, or a sequence of numbers in order. Numbers may come
    in a list of one, as tensors with or without a gradient, as arrays, fractions or text. Where a
    text has two readings, as "1,234", either may be the right one.
    Unreadable for another kind of answer, or for another number of numbers.
    """
    if isinstance(right, str):
        return _word(answer) == _letters(right)
    if isinstance(right, (bool, np.bool_)):
        return _yes(answer) == bool(right)
    right = np.asarray(right, dtype=float)
    meant, shape = _numbers(answer, right.size)
    wanted = [n for n in right.shape if n != 1]                       # (1, 3) and (3,) are alike
    if shape != wanted:
        raise Unreadable(f"{_many(wanted)} asked for, and yours {_yours(shape)}")
    if any(map(math.isnan, itertools.chain(*meant))) and not np.isnan(right).any():
        raise Unreadable("nan is no number; it comes of 0/0, inf - inf or the log of a negative "
                         "number further up")
    return all(any(_near(x, y, tolerance) for x in either)
               for either, y in zip(meant, right.flat))


def blank(answer) -> bool:
    """Whether a stub has not been filled in yet: None, ..., an empty text, or a list of these."""
    if isinstance(answer, str):
        return not answer.strip() or answer.strip() in ("...", "…")
    if isinstance(answer, (list, tuple)):
        return all(part is ... or isinstance(part, str) and blank(part) for part in answer)
    return answer is None or answer is ...


def _near(x: float, y: float, tolerance: float) -> bool:
    if math.isinf(x) or math.isinf(y):
        return x == y
    return abs(x - y) <= tolerance * max(1, abs(y))


# -- what is asked for, and what came --------------------------------------------------------------

def _many(shape) -> str:
    if not shape:
        return "one number is"
    if len(shape) == 1:
        return f"{shape[0]} numbers, in order, are"
    return f"numbers of shape {tuple(shape)} are"


def _yours(shape) -> str:
    if not shape:
        return "is one number"
    return f"are {shape[0]}" if len(shape) == 1 else f"have shape {tuple(shape)}"


def _numbers(answer, many: int) -> tuple[list[tuple[float, ...]], list[int]]:
    """The numbers of an answer, each with all its readings, and their shape without axes of 1."""
    if isinstance(answer, str) and many > 1:
        answer = _split(answer, many)
    meant, shape = _read(answer)
    return meant, [n for n in shape if n != 1]


def _read(answer) -> tuple[list[tuple[float, ...]], tuple[int, ...]]:
    """An answer of any depth -> its numbers in order, and its shape."""
    if hasattr(answer, "tolist") and not isinstance(answer, str):     # of NumPy, torch, pandas
        if (size := math.prod(getattr(answer, "shape", ()))) > MOST:
            raise Unreadable(f"{size:,} numbers are more than any question asks for")
        answer = answer.tolist()                                      # also of a tensor in a graph
    if isinstance(answer, (Mapping, Set)) or callable(answer) or _one(answer):
        return [_number(answer)], ()
    parts = [_read(part) for part in itertools.islice(answer, MOST)]
    shapes = {shape for _, shape in parts}
    if len(shapes) > 1:
        raise Unreadable("its lists are of unlike length: give the numbers in one list")
    return [x for meant, _ in parts for x in meant], (len(parts), *(shapes.pop() if shapes else ()))


def _one(answer) -> bool:
    """Whether an answer is one thing, and no sequence."""
    return isinstance(answer, (str, bytes)) or not isinstance(answer, Iterable)


def _number(value) -> tuple[float, ...]:
    """The readings of one number. Unreadable, in a sentence, for what is none."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        return _parsed(value)
    if value is None or value is ...:
        raise Unreadable("a number is still missing in it")
    if isinstance(value, (bool, np.bool_)):
        raise Unreadable(f"{value} says yes or no, and a number is asked for")
    if isinstance(value, Mapping):
        raise Unreadable("a dictionary has names: give its numbers alone, in order")
    if isinstance(value, Set):
        raise Unreadable("a set has no order: give the numbers in a list")
    if callable(value):
        raise Unreadable(f"it is {told(value)}, not what it returns: call it, f(...)")
    if isinstance(value, Complex) and not isinstance(value, Real):
        if value.imag == 0:
            return (float(value.real),)
        raise Unreadable(f"{value} is complex, and a real number is asked for")
    try:
        return (float(value),)                                        # Fraction, Decimal, SymPy
    except OverflowError:
        raise Unreadable("it is too large for a number with a point") from None
    except Exception:
        raise Unreadable(f"{told(value)} is no number") from None


# -- text ------------------------------------------------------------------------------------------

def _split(text: str, many: int) -> list[str] | str:
    """A text of several numbers, "1.5; 2", "[1.5, 2]", "1.5 and 2", in `many` parts if it has them.

    Unreadable where it has not.
    """
    inside = text.strip().strip("()[]{}").strip()
    for mark in (r"\s*;\s*", r",?\s+(?:and|und|和)\s+|,\s+", r"\s+", r"\s*,\s*"):
        parts = re.split(mark, inside)
        if len(parts) == many:
            return parts
    raise Unreadable(f"{many} numbers, in order, are asked for: give a list, not the text "
                     f"{_quoted(text)}")


def _parsed(text: str) -> tuple[float, ...]:
    """All readings of a text as one number; Unreadable where it is none."""
    clean = text.strip().strip("()[]{}$'\"").strip().translate(_MINUS).translate(_BLANK)
    clean = re.sub(r"(?<=\d)[.,;。]$", "", clean.translate(_FULL))       # the end of a sentence
    clean = re.split("[=≈≃~]", clean)[-1].strip()                     # "c* = 1.5", "≈ 1.5"
    share = 1.
    if clean.endswith(("%", "％")):
        clean, share = clean[:-1].strip(), .01
    try:
        return tuple(share * value for value in _quotient(clean))
    except ZeroDivisionError:
        raise Unreadable(f"{_quoted(text)} divides by 0") from None
    except (ValueError, OverflowError):
        remedy = "text is not evaluated, so leave out the quotes" if re.search(r"[*(^]|log|sqrt|pi",
                                                                               clean) \
            else "a number alone is asked for"
        raise Unreadable(f"{_quoted(text)} is no number: {remedy}") from None


def _quotient(text: str) -> list[float]:
    """ "16/3", "1 1/2", "½", "3½" or a number alone. ValueError for anything else."""
    for letter in text:
        if len(parts := unicodedata.normalize("NFKC", letter).split("⁄")) == 2:    # ½ is 1⁄2
            text = text.replace(letter, f" {parts[0]}/{parts[1]}").strip()
    sides = re.split(r"\s*[/⁄÷]\s*", text)
    if len(sides) == 1:
        return _power(text)
    if len(sides) > 2:
        raise ValueError
    if mixed := re.fullmatch(r"(-?)\s*(\d+) (\d{1,2})", sides[0]):    # 1 1/2
        sign, whole, over = mixed.groups()
        return [(-1 if sign else 1) * (int(whole) + int(over) / d) for d in _power(sides[1])]
    return [n / d for n in _power(sides[0]) for d in _power(sides[1])]


def _power(text: str) -> list[float]:
    """ "1.5·10^-3", "10⁻³", "2e4" or a number alone."""
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+$", lambda m: "^" + m[0].translate(_UPPER), text)
    if form := _OF_TEN.fullmatch(text):
        front, sign, power = form.groups()
        return [(-1 if sign else 1) * f * 10. ** int(power) for f in _plain(front or "1")]
    front, e, power = text.lower().rpartition("e")
    if e and re.fullmatch(r"[+-]?\d{1,3}", power):
        return [f * 10. ** int(power) for f in _plain(front)]
    return _plain(text)


def _plain(text: str) -> list[float]:
    """Digits with a point or a comma, in groups of three or not, with a sign or none."""
    sign, digits = re.fullmatch(r"([+-]?)\s*(.*)", text, re.S).groups()
    digits = _GROUPS.sub(lambda m: re.sub("[ _'’]", "", m[0]), digits, count=1)
    if digits.lower() in ("inf", "infinity", "∞", "oo", "nan"):
        readings = [float(digits.lower().replace("∞", "inf").replace("oo", "inf"))]
    elif not re.fullmatch(r"(?=.*\d)[\d.,]+", digits):
        raise ValueError
    else:
        readings = [float(form) for form in _forms(digits)]
    return [-x if sign == "-" else x for x in readings]


def _forms(digits: str) -> list[str]:
    """Digits with points and commas -> all that they may mean, with one point at most."""
    commas, points = digits.count(","), digits.count(".")
    if commas and points:                                             # the last one is the point
        point = max(",.", key=digits.rfind)
        group = ",.".replace(point, "")
        front, _, back = digits.rpartition(point)
        if point in front or not _THOUSANDS[group].fullmatch(front):
            raise ValueError
        return [f"{front.replace(group, '')}.{back}"]
    mark = "," if commas else "."
    if commas + points > 1:
        if not _THOUSANDS[mark].fullmatch(digits):
            raise ValueError
        return [digits.replace(mark, "")]
    forms = [digits.replace(",", ".")]
    if commas and _THOUSANDS[","].fullmatch(digits) and digits[0] != "0":
        forms.append(digits.replace(",", ""))                         # 1,234 is either
    return forms


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


# -- words -----------------------------------------------------------------------------------------

def _word(answer) -> str:
    """The letters of a word, also of one in a list. Unreadable for what is no word."""
    while isinstance(answer, (list, tuple)) or hasattr(answer, "tolist"):
        answer = answer.tolist() if hasattr(answer, "tolist") else answer
        if not isinstance(answer, (list, tuple)):
            break
        if len(answer) != 1:
            raise Unreadable(f"one word is asked for, and yours are {len(answer)}")
        answer, = answer
    if isinstance(answer, bytes):
        answer = answer.decode(errors="replace")
    if not isinstance(answer, str):
        raise Unreadable(f"a word is asked for, not {told(answer)}: write it in quotes")
    return _letters(answer)


def _letters(word: str) -> str:
    """A word without case, blanks, dashes and points: "Non-saturating" is "non saturating"."""
    plain = unicodedata.normalize("NFKC", word).casefold()
    return "".join(letter for letter in plain if letter.isalnum()) or plain.strip()


def _yes(answer) -> bool:
    """Yes or no, as a bool, a tensor of one, or a word."""
    while hasattr(answer, "tolist") or isinstance(answer, (list, tuple)) and len(answer) == 1:
        answer = answer.tolist() if hasattr(answer, "tolist") else answer[0]
    word = _letters(str(answer))
    if word not in YES | NO:
        raise Unreadable(f"True or False is asked for, not {told(answer)}")
    return word in YES
