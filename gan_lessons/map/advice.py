"""Advice for somebody who must choose an objective, drawn from the stored rows of the arena.

    choices(rows)                 a Choice for each question, with its evidence
    decision_table(rows)          the same as a Markdown table, with links to the lessons
    tell_apart(a, b)              "a", "b", or "" where the seeds do not decide

One objective is ahead of another only where each of its seeds is better than each of the other's.
If both had the same distribution this would happen with probability 2 / C(2n, n) (`by_luck`).
Seconds to a distance are known to one look of `LOOKS`: who is ahead by less is not.
Without torch. Used in notebooks/20_map.ipynb.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from ..exact.checks import MANY, check_count, told
from .objectives import OBJECTIVES, objective
from .results import ANCHORS, MEASURES, checked_rows, short, summary

LEAST = 3                       # seeds of either side, below which nothing is said
CRITICS = ("f-divergence", "transport", "margin", "comparison")
LOOKS = 14                      # of gan_lessons/map/scores.py: the k-th after (k / 14)^1.5 of all


class Choice(NamedTuple):
    """An answer: take one of `take`, best median first, none of which is told apart from the first.

    evidence: the numbers, in words · settings: of the first, as they stand in its rows · lessons:
    stems · known: whether enough seeds are stored to say anything.
    """

    question: str
    take: list[str]
    settings: str
    lessons: list[str]
    evidence: str
    known: bool


class Question(NamedTuple):
    """question, in words · measure: of MEASURES · track · among: row -> does it compete here?"""

    question: str
    measure: str
    track: str
    among: Callable[[dict], bool]


def _named(*names):
    return lambda row: row["objective"].split(" · ")[0] in names


QUESTIONS = (
    Question("samples, no labels: lowest FD", "frechet", "own",
             lambda row: row["family"] in (*CRITICS, "encoders")),
    Question("the same, from a critic", "frechet", "own", lambda row: row["family"] in CRITICS),
    Question("to choose a class, labels of all", "frechet", "own",
             _named("CGAN", "ACGAN", "CLS-GAN")),
    # the generator of Improved GAN takes no class
    Question("to choose a class, a hundred labels", "frechet", "own",
             _named("semi-supervised CLS-GAN")),
    Question("a code for each picture", "frechet", "own",
             _named("AAE", "VAE", "f-VAE", "VAE clustering")),
    Question("an exact likelihood", "frechet", "own", _named("flow")),
    Question("a critic, no labels, few CPU-seconds", "seconds_to_100", "own",
             lambda row: row["family"] in CRITICS),
    Question("a critic, no labels, nothing normalised or tuned", "frechet", "common",
             lambda row: row["family"] in CRITICS),
)


def by_luck(n: int, m: int | None = None) -> float:
    """The probability that n and m independent runs of one distribution fall apart completely:
    2 / C(n + m, n). All orders of n + m different numbers are equally likely, and in two of the
    C(n + m, n) ways to say whose they are, all of one side come first. ValueError for n, m < 1."""
    m = n if m is None else m
    for name, runs in dict(n=n, m=m).items():
        check_count(name, runs, most=MANY, why="two sides need one run each, or more")
    return 2 / math.comb(n + m, n)


def tell_apart(one: dict, other: dict) -> str:
    """Which of two entries of `summary` is ahead in every seed: its objective, or ""."""
    for entry in (one, other):
        if not isinstance(entry, Mapping) or "measure" not in entry:
            raise TypeError(f"{told(entry)} is no entry of summary(rows), a dictionary with its "
                            "measure, n, low and high")
    if one["measure"] != other["measure"]:
        raise ValueError(f"{one['measure']} and {other['measure']} are two measures: compare two "
                         "objectives by one")
    if "median" not in one or "median" not in other or min(one["n"], other["n"]) < LEAST:
        return ""
    if MEASURES[one["measure"]].best == "highest":
        if one["low"] > other["high"]:
            return one["objective"]
        return other["objective"] if other["low"] > one["high"] else ""
    if one["high"] < other["low"]:
        return one["objective"]
    return other["objective"] if other["high"] < one["low"] else ""


def choices(rows: Iterable[dict], questions=QUESTIONS) -> list[Choice]:
    """A Choice for each question, by the rows of one set of pictures; TypeError, ValueError for
    what are no rows."""
    rows = checked_rows(rows)
    return [_choice(rows, one) for one in questions]


def _choice(rows, asked: Question) -> Choice:
    here = [row for row in rows if row["objective"] not in ANCHORS
            and row.get("track", "own") == asked.track and asked.among(row)]
    found = [one for one in summary(here, asked.measure) if "median" in one
             and math.isfinite(one["median"])]
    whole = [one for one in found if one["n"] >= LEAST]
    asked_for = [name for name, one in OBJECTIVES.items()
                 if asked.among({"objective": name, "family": one.family})]
    if not found or not whole and len(asked_for) > 1:     # to choose the only one needs no seeds
        return Choice(asked.question, [], "", [], _so_far(found), False)
    best, *others = whole or found
    level = [one for one in others if not tell_apart(best, one)
             or asked.measure == "seconds_to_100" and _before(here, one) <= best["high"]]
    take = [best["objective"], *(one["objective"] for one in level)]
    behind = [one for one in others if one not in level]
    evidence = f"{MEASURES[asked.measure].label} {_interval(best)}{_recall(here, best)}"
    if behind:
        evidence += f"; told apart from {_first(behind)}"
        evidence += f" and {len(behind) - 1} more" * (len(behind) > 1)
    settings = next(_settings(row) for row in here if row["objective"] == best["objective"])
    return Choice(asked.question, take, settings, _lessons(take), evidence, True)


def _before(rows, one) -> float:
    """The seconds of the look before the one that first found the distance, of the fastest seed."""
    found = []
    for row in rows:
        if row["objective"] == one["objective"] and math.isfinite(
                seconds := row.get("seconds_to_100", math.inf)):
            share = seconds / row.get("cpu_seconds", math.inf)
            look = max(1, round(LOOKS * share ** (2 / 3)))
            found.append(seconds * ((look - 1) / look) ** 1.5)
    return min(found, default=math.inf)


def _interval(one) -> str:
    if one["n"] == 1:
        return f"{short(one['median'])}, 1 seed"
    return (f"{short(one['median'])} [{short(one['low'])} – {short(one['high'])}], "
            f"{_seeds(one['n'])}")


def _recall(rows, one) -> str:
    """The median recall of who stands first by distance: a low distance can hide a low recall."""
    for two in summary(rows, "recall") if one["measure"] == "frechet" else ():
        if two["objective"] == one["objective"] and "median" in two:
            return f", recall {two['median']:.2f}"
    return ""


def _so_far(found) -> str:
    """Who is first while too few seeds are stored: no advice."""
    if not found:
        return "nothing is stored"
    one = found[0]
    return (f"first so far, of {len(found)}: {one['objective']}, "
            f"{MEASURES[one['measure']].label} {short(one['median'])}")


def _first(behind) -> str:
    one = behind[0]
    return (f"{one['objective']} "
            f"({short(one['median'])} [{short(one['low'])} – {short(one['high'])}])")


def _seeds(n: int) -> str:
    return f"{n} seed" + "s" * (n != 1)


def _settings(row) -> str:
    """What is its own, and its rates."""
    own = row.get("own") or "nothing besides"
    return f"{own}; rates {row['lr']}" if "lr" in row else own


def _lessons(names) -> list[str]:
    return sorted({objective(name.split(" · ")[0]).lesson for name in names})


def decision_table(rows, most: int = 3):
    """The choices as a Markdown table, `most` names a row, each a link to its lesson.

    Where something is not known, a sentence above the table says why.
    """
    from IPython.display import Markdown
    check_count("most", most, why="names in a row")
    found, lines = choices(rows), []
    if not all(one.known for one in found):
        lines = [f"Where it says *not known yet*, fewer than {LEAST} seeds are stored. Who is "
                 "first so far is no advice: another seed may turn the order round.", ""]
    lines += ["| you need | take | settings of the first | evidence |", "|---|---|---|---|"]
    for one in found:
        names = ", ".join(f"[**{name}**]({_lessons([name])[0]}.ipynb)"
                          for name in one.take[:most]) or "*not known yet*"
        if len(one.take) > most:
            names += f" or {len(one.take) - most} more that are not told apart"
        elif len(one.take) > 1:
            names += " (not told apart)"
        lines.append(f"| {one.question} | {names} | {one.settings} | {one.evidence} |")
    return Markdown("\n".join(lines))
