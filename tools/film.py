"""An explorer as a film: its states drawn ahead, so that a page can move it without a kernel."""
from __future__ import annotations

import base64
import html
import itertools
import math
from collections.abc import Mapping

import numpy as np
from nb import few_colours

MOST = 160                                   # frames of one explorer, some 15 KB each; smoke: 24
FEW = 5                                      # positions that a slider keeps at least


def film(shown, most: int | None = None):
    """The Film of an Explorer; anything else as it is."""
    from gan_lessons.drawing.explorer import Explorer
    from gan_lessons.training.budgets import steps
    most = most or steps(laptop=MOST, smoke=24)
    return Film(shown, most) if isinstance(shown, Explorer) else shown


class Film:
    """HTML with a native slider or menu for each control and one picture.

    The few lines of script that move them are brought by `static_site`. Where all combinations are
    too many, one control moves at a time and the others go back to where they stood.
    """

    def __init__(self, explorer, most: int = MOST):
        self.explorer, self.together = explorer, True
        try:
            self.grid = grid(explorer.controls, most)
        except TooMany:
            self.together, share = False, max(2 * FEW, most // len(explorer.controls))
            self.grid = {name: _values(control) for name, control in explorer.controls.items()}
            for name, control in explorer.controls.items():
                if not _is_menu(control):               # every entry of a menu stays
                    self.grid[name] = thinned(self.grid[name], share, control.value)

    def states(self):
        """Every state that is drawn, in the order in which the page counts them."""
        if self.together:
            return [dict(zip(self.grid, state)) for state in itertools.product(*self.grid.values())]
        return [{name: value} for name, values in self.grid.items() for value in values]

    def frames(self):
        """base64 PNG of every state."""
        for state in self.states():
            yield few_colours(base64.b64encode(self.explorer.draw(**state)).decode())

    def _repr_html_(self):
        controls = [self.explorer.controls[name] for name in self.grid]
        counts = [len(values) for values in self.grid.values()]
        stand = [nearest(values, control.value)
                 for values, control in zip(self.grid.values(), controls)]
        rows = map(_row, controls, self.grid.values(), stand)
        start = int(np.ravel_multi_index(stand, counts)) if self.together else stand[0]
        pictures = list(self.frames())
        note = "" if self.together else ("<p><em>On this page one control moves at a time; "
                                         "in the notebook all do.</em></p>")
        return (f'<div class="gan-film" data-counts="{" ".join(map(str, counts))}" '
                f'data-together="{int(self.together)}">{"".join(rows)}{note}'
                f'<img alt="{html.escape(self.explorer.alt)}" width="{self.explorer.width}" '
                f'style="max-width:100%" src="data:image/png;base64,{pictures[start]}">'
                f'<div hidden>{" ".join(pictures)}</div></div>')


def _row(control, values, at) -> str:
    label = html.escape(control.description or "")
    says = [_said(control, value) for value in values]
    if _is_menu(control):
        options = "".join(f'<option{" selected" if i == at else ""}>{html.escape(text)}</option>'
                          for i, text in enumerate(says))
        return (f'<label><span>{label}</span> '
                f'<select data-start="{at}">{options}</select></label>')
    return (f'<label><span>{label}</span> <input type="range" min="0" max="{len(values) - 1}" '
            f'value="{at}" data-start="{at}" aria-valuetext="{says[at]}" '
            f'data-says="{html.escape(" ".join(says))}"> <output>{says[at]}</output></label>')


def _is_menu(control) -> bool:
    return hasattr(control, "options") or isinstance(control.value, bool)


def _options(control):
    """(label, value) of a menu, by the three ways in which ipywidgets lets options be given."""
    options = control.options
    if isinstance(options, Mapping):
        return list(options.items())
    if all(isinstance(one, (list, tuple)) and len(one) == 2 for one in options):
        return [tuple(one) for one in options]
    return [(str(one), one) for one in options]


def _said(control, value) -> str:
    if hasattr(control, "options"):
        return next(str(label) for label, option in _options(control)
                    if option is value or option == value)
    if isinstance(value, (bool, int)):
        return str(value)
    return format(value, getattr(control, "readout_format", "g"))


class TooMany(ValueError):
    """More states than frames are allowed."""


def grid(controls, most: int = MOST) -> dict:
    """control -> the values it takes, at most `most` states in all.

    Sliders are thinned out to FEW or more, menus are not. The ends and where a control stands are
    among the values. TooMany where that cannot be.
    """
    full = {name: _values(control) for name, control in controls.items()}
    counts = {name: len(values) for name, values in full.items()}
    while math.prod(counts.values()) > most:
        sliders = [name for name, control in controls.items()
                   if not _is_menu(control) and counts[name] > FEW]
        if not sliders:
            raise TooMany(f"{len(counts)} controls have more than {most} states")
        counts[max(sliders, key=counts.get)] -= 1
    return {name: thinned(values, counts[name], controls[name].value)
            for name, values in full.items()}


def _values(control) -> list:
    if hasattr(control, "options"):
        return [value for _, value in _options(control)]
    if isinstance(control.value, bool):
        return [False, True]
    steps = round((control.max - control.min) / control.step)
    values = [control.min + i * control.step for i in range(steps + 1)]
    return values if isinstance(control.value, int) else [round(value, 10) for value in values]


def thinned(values: list, count: int, keep) -> list:
    """`count` of the values, evenly spread, with both ends.

    The one nearest to `keep` is among them, in place of its neighbour.
    """
    if count >= len(values):
        return values
    chosen = sorted({round(i) for i in np.linspace(0, len(values) - 1, count)})
    here = nearest(values, keep)
    if here not in chosen:
        chosen[chosen.index(min(chosen[1:-1], key=lambda i: abs(i - here)))] = here
    return [values[i] for i in sorted(chosen)]


def nearest(values: list, value) -> int:
    """Where in `values` the value stands, or the number nearest to it."""
    if value in values:
        return values.index(value)
    return min(range(len(values)), key=lambda i: abs(values[i] - value))
