"""On what a result depends: code, versions and data, as short hashes that can be compared later.

    parts(run, settings)       {"gan_lessons.training.loop": "5f0c…", "torch": "2.13.0", …}
    fingerprint(found)         one word for all of them
    changes(before, now)       ["gan_lessons.training.loop", "torch 2.12.0 → 2.13.0"]

How code is counted stands in gan_lessons/training/code.py.
Torch-free. Used by gan_lessons/map/study.py.
"""
from __future__ import annotations

import json
import platform
import re
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version

from ..training.code import Code, short

VERSIONS = ("gan-lessons", "torch", "numpy")


GIVEN = "the function itself or what it is given, as in partial(run, …) or an object's attributes"


def parts(run: Callable, settings: Mapping, unseen: set | None = None) -> dict[str, str]:
    """All that run(**settings) depends on: {module, version or kind of data: short hash or words}.

    A function may say more about itself: `run.depends(**settings)` is a dictionary of what this
    combination depends on besides, words (as the data) or objects to follow (as one entry of a
    table); `run.apart` holds objects, such as that table, that are not followed. See
    `study.depends`. unseen: takes the kinds of what nobody can look into.
    """
    code = Code(run)
    code.look(run, "")
    found = {}
    if depends := getattr(run, "depends", None):
        said = depends(**settings)
        if not isinstance(said, Mapping):
            raise TypeError(f"depends gives {said!r:.60}: a dictionary of what a row depends on, "
                            "as lambda name, seed: {\"entry\": TABLE[name]}")
        for name, value in said.items():
            if isinstance(value, str):
                found[name] = value
            else:
                code.look(value, code.home)
    if unseen is not None:
        unseen |= code.unseen
    return {**code.hashes(), **found, **versions()}


def fingerprint(found: Mapping[str, str]) -> str:
    """Sixteen hexadecimal digits for what `parts` found."""
    return short(json.dumps(found, sort_keys=True))


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What differs between two results of `parts`: names of modules, "torch 2.12.0 → 2.13.0"."""
    said = []
    for key in sorted({**before, **now}):
        old, new = before.get(key), now.get(key)
        name = key or GIVEN
        if old == new:
            continue
        if old is None or new is None:
            said.append(f"{name} ({'new' if old is None else 'no longer used'})")
        else:
            said.append(name if re.fullmatch("[0-9a-f]{16}", new) else f"{name} {old} → {new}")
    return said


def versions() -> dict[str, str]:
    """{"python": "3.11.7", "torch": "2.13.0", …}, without packages that are not installed."""
    found = {"python": platform.python_version()}
    for name in VERSIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
