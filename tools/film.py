"""An explorer as a film: every state of its controls drawn ahead, so that a page can move it without a kernel."""
from __future__ import annotations

import base64
import html
import itertools
import math

import numpy as np
from nb import few_colours

MOST = 160                                   # frames of one explorer, some 15 KB each


def film(shown, most: int = MOST):
    """The Film of an Explorer; anything else as it is."""
    from gan_lessons.explorer import Explorer
    return Film(shown, most) if isinstance(shown, Explorer) else shown


class Film:
    """HTML with a native slider or menu for each control and one picture; `static_site` brings the few lines of script."""

    def __init__(self, explorer, most: int = MOST):
        self.explorer, self.grid = explorer, grid(explorer.controls, most)

    def frames(self):
        """base64 PNG of every state, the last control moving fastest."""
        for state in itertools.product(*self.grid.values()):
            png = self.explorer.draw(**dict(zip(self.grid, state)))
            yield few_colours(base64.b64encode(png).decode())

    def _repr_html_(self):
        pictures, start, rows = list(self.frames()), 0, []
        for name, values in self.grid.items():
            control = self.explorer.controls[name]
            at = nearest(values, control.value)
            start = start * len(values) + at
            rows.append(_row(control, values, at))
        width = self.explorer._width
        return (f'<div class="gan-film" data-counts="{" ".join(str(len(v)) for v in self.grid.values())}">{"".join(rows)}'
                f'<img alt="{html.escape(self.explorer.alt)}" width="{width}" style="max-width:100%" '
                f'src="data:image/png;base64,{pictures[start]}"><div hidden>{" ".join(pictures)}</div></div>')


def _row(control, values, at) -> str:
    label, says = html.escape(control.description or ""), [_said(control, value) for value in values]
    if hasattr(control, "options") or isinstance(values[0], bool):
        options = "".join(f'<option{" selected" if i == at else ""}>{html.escape(text)}</option>' for i, text in enumerate(says))
        return f'<label><span>{label}</span> <select>{options}</select></label>'
    return (f'<label><span>{label}</span> <input type="range" min="0" max="{len(values) - 1}" value="{at}" '
            f'aria-valuetext="{says[at]}" data-says="{html.escape(" ".join(says))}"> <output>{says[at]}</output></label>')


def _said(control, value) -> str:
    if hasattr(control, "options"):
        return next((str(label) for label, option in _options(control) if option is value or option == value), str(value))
    return str(value) if isinstance(value, (bool, int)) else format(value, getattr(control, "readout_format", "g"))


def _options(control):
    """(label, value) of a menu, however it was given."""
    return list(zip(control._options_labels, control._options_values))


def grid(controls, most: int = MOST) -> dict:
    """control -> the values it takes, at most `most` states in all; sliders are thinned out, menus are not.

    The ends and where a control stands are among them. ValueError where menus alone have more states.
    """
    full = {name: _values(control) for name, control in controls.items()}
    fixed = {name for name, c in controls.items() if hasattr(c, "options") or isinstance(c.value, bool)}
    if (menus := math.prod(len(full[name]) for name in fixed)) > most:
        raise ValueError(f"the menus of this explorer have {menus} states; {most} frames are allowed")
    counts = {name: len(values) for name, values in full.items()}
    while math.prod(counts.values()) > most:
        largest = max(counts.keys() - fixed, key=counts.get)
        counts[largest] -= 1
        if counts[largest] < 3:                              # both ends, and where the control stands
            raise ValueError(f"{len(counts)} controls need more than {most} frames")
    return {name: thinned(values, counts[name], controls[name].value) for name, values in full.items()}


def _values(control) -> list:
    if hasattr(control, "options"):
        return [value for _, value in _options(control)]
    if isinstance(control.value, bool):
        return [False, True]
    steps = round((control.max - control.min) / control.step)
    values = [control.min + i * control.step for i in range(steps + 1)]
    return values if isinstance(control.value, int) else [round(value, 10) for value in values]


def thinned(values: list, count: int, keep) -> list:
    """`count` of the values, evenly spread, with both ends, and the one nearest to `keep` in place of its neighbour."""
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
