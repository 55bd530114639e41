"""An explorer as a film: its states drawn ahead, so that a page can move it without a kernel.

Every control moves and none resets another: the frames are those of all combinations. Where these
are too many, sliders keep fewer positions, and the page says so.
"""
from __future__ import annotations

import html
import io
import itertools
import math
import pathlib
from collections.abc import Mapping

import numpy as np
from PIL import Image
from scipy.ndimage import binary_dilation

MOST, SMOKE = 240, 24                       # frames of one explorer, some 5 KB each
PATIENCE = 500                              # and where MOST would leave a slider fewer than FEW
FEW, FEWEST = 5, 3                          # positions that a slider keeps: both ends, where it is
DPI = 100                                   # of a frame: a pixel of the page each
SEEN = 32                                   # frames that tell what all have in common


def film(shown, folder, most: int | None = None):
    """The Film of an Explorer, its frames in `folder`; anything else as it is."""
    from gan_lessons.drawing.explorer import Explorer
    from gan_lessons.training.budgets import budget
    if not isinstance(shown, Explorer):
        return shown
    if budget() == "smoke":
        return Film(shown, folder, most or SMOKE, most or SMOKE)
    return Film(shown, folder, most or MOST)


class Film:
    """HTML with a native slider or menu for each control, and two pictures one above the other.

    Below lies what most frames have in common, common.webp in `folder`; above it what is different
    in one state: 0000.webp, 0001.webp …, clear elsewhere, the last control moving fastest. A script
    changes the upper one. The page finds them in _films/ and the folder's last two names.
    """

    def __init__(self, explorer, folder, most: int = MOST, patience: int = PATIENCE):
        self.explorer, self.folder = explorer, pathlib.Path(folder)
        self.grid = grid(explorer.controls, most, patience)
        explorer.figure.set_dpi(DPI)

    def states(self):
        """Every state that is drawn, in the order in which the page counts them."""
        return [dict(zip(self.grid, state)) for state in itertools.product(*self.grid.values())]

    def draw(self):
        """Write the common picture and a file for every state."""
        self.folder.mkdir(parents=True, exist_ok=True)
        states = self.states()
        some = states[::max(1, len(states) // SEEN)]
        below = common(np.stack([self.frame(state) for state in some]))
        save(below, self.folder / "common.webp")
        for number, state in enumerate(states):
            save(apart(self.frame(state), below), self.folder / f"{number:04d}.webp")

    def frame(self, state) -> np.ndarray:
        """The picture of a state in 16 steps a colour: (h, w, 3) uint8."""
        png = Image.open(io.BytesIO(self.explorer.draw(**state))).convert("RGB")
        return (np.asarray(png) >> 4) * np.uint8(17)

    def _repr_html_(self):
        self.draw()
        controls = [self.explorer.controls[name] for name in self.grid]
        counts = [len(values) for values in self.grid.values()]
        stand = [nearest(values, control.value)
                 for values, control in zip(self.grid.values(), controls)]
        start = int(np.ravel_multi_index(stand, counts))
        rows = map(_row, controls, self.grid.values(), stand)
        coarse = any(len(values) < len(_values(control))
                     for values, control in zip(self.grid.values(), controls))
        note = ("<p class='gan-coarse'>Sliders move in coarser steps on this page than in the "
                "notebook.</p>" if coarse else "")
        frames = html.escape("/".join(["_films", *self.folder.parts[-2:]]))
        picture = f'class="dark-light" width="{self.explorer.width}" loading="lazy"'
        return (f'<div class="gan-film" data-counts="{" ".join(map(str, counts))}" '
                f'data-frames="{frames}">{"".join(rows)}<div class="gan-frame">'
                f'<img {picture} alt="{html.escape(self.explorer.alt)}" src="{frames}/common.webp">'
                f'<img {picture} alt="" src="{frames}/{start:04d}.webp"></div>{note}</div>')


def common(frames: np.ndarray) -> np.ndarray:
    """The most frequent colour of each pixel: (k, h, w, 3) -> (h, w, 3) uint8."""
    red, green, blue = np.moveaxis(frames.astype(np.int32), -1, 0)
    colours = np.sort(red << 16 | green << 8 | blue, axis=0)               # (k, h, w)
    best, run = colours[0].copy(), np.ones(colours.shape[1:], int)
    longest = run.copy()
    for before, now in itertools.pairwise(colours):
        run = np.where(now == before, run + 1, 1)
        best, longest = np.where(run > longest, now, best), np.maximum(run, longest)
    return np.stack([best >> 16, best >> 8 & 255, best & 255], -1).astype(np.uint8)


def apart(frame: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Where a frame is unlike the picture below it, clear elsewhere: (h, w, 3) -> (h, w, 4).

    With two pixels around: a browser that scales both blends at the edge what is the same there.
    """
    other = binary_dilation((frame != below).any(-1), iterations=2)[..., None]
    return np.concatenate([frame * other, other * np.uint8(255)], -1)


def save(picture: np.ndarray, path: pathlib.Path):
    """Write a picture as lossless WebP; half a file never bears the name."""
    part = path.with_suffix(".part")
    Image.fromarray(picture).save(part, "webp", lossless=True, quality=60, method=4)
    part.replace(path)


GAP = "\x1f"                                # between what the positions of a slider say


def _row(control, values, at) -> str:
    label = html.escape(control.description or "")
    says = [_said(control, value) for value in values]
    if _is_menu(control):
        options = "".join(f'<option{" selected" if i == at else ""}>{html.escape(text)}</option>'
                          for i, text in enumerate(says))
        return (f'<label><span>{label}</span> '
                f'<select>{options}</select></label>')
    return (f'<label><span>{label}</span> <input type="range" min="0" max="{len(values) - 1}" '
            f'value="{at}" aria-valuetext="{says[at]}" data-says="{html.escape(GAP.join(says))}"> '
            f'<output>{says[at]}</output></label>')


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


def grid(controls, most: int = MOST, patience: int = PATIENCE) -> dict:
    """control -> the values it takes, at most `most` states in all where that is possible.

    Sliders are thinned out, the longest first, to FEW or more; menus are not. Where even that is
    too many, up to `patience` states are allowed, then sliders of FEWEST, and if need be up to
    PATIENCE of these. The ends and where a control stands are among the values. ValueError where
    the menus alone have more than that.
    """
    full = {name: _values(control) for name, control in controls.items()}
    sliders = sorted(name for name, control in controls.items() if not _is_menu(control))
    for few, allowed in ((FEW, most), (FEW, patience), (FEWEST, patience)):
        counts = {name: len(values) for name, values in full.items()}
        while math.prod(counts.values()) > allowed:
            long = [name for name in sliders if counts[name] > few]
            if not long:
                break
            counts[max(long, key=counts.get)] -= 1
        else:
            break
    if math.prod(counts.values()) <= max(allowed, PATIENCE):
        return {name: thinned(values, counts[name], controls[name].value)
                for name, values in full.items()}
    raise ValueError(f"the menus of {len(counts)} controls have more than {PATIENCE} states: give "
                     "them fewer entries, and the explorer can be drawn ahead")


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
