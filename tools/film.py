"""An explorer as a film: its states drawn ahead, so that a page can move it without a kernel.

The frames are those of all combinations, so no control resets another. Where these are too many,
sliders keep fewer positions, and then some stay where they stand; the page says so.
"""
from __future__ import annotations

import hashlib
import html
import itertools
import math
import pathlib
from collections.abc import Mapping

import numpy as np
from PIL import Image
from scipy.ndimage import binary_dilation, label

MOST, SMOKE = 160, 24                       # frames of one explorer, some 5 KB each
PATIENCE = 540                              # and where MOST would leave sliders fewer than FEW
FEW, FEWEST = 5, 3                          # positions that a slider keeps: both ends, where it is
DPI = 100                                   # of a frame: a pixel of the page each
SEEN = 32                                   # frames that tell what all have in common
COLOURS = 32                                # of a film: more look no better and weigh more
APART, WORTH = 12, .05                      # pixels between layers, and what one of its own saves


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
    """HTML with a native slider or menu for each control, and pictures one above the other.

    Lowest lies what most frames have in common, common.webp in `folder`; above it one or more
    layers with what is different in one state, clear elsewhere: a0000.webp, a0001.webp, b0000.webp.
    A layer is a region of its own where few controls move it; what looks alike is stored once.
    data-files tells a script which picture a layer shows in which state, the last control moving
    fastest. The page finds them in _films/ and the folder's last two names.
    """

    def __init__(self, explorer, folder, most: int = MOST, patience: int = PATIENCE):
        self.explorer, self.folder = explorer, pathlib.Path(folder)
        self.grid = grid(explorer.controls, most, patience, explorer.still)
        explorer.figure.set_dpi(DPI)

    def states(self):
        """Every state that is drawn, in the order in which the page counts them."""
        return [dict(zip(self.grid, state)) for state in itertools.product(*self.grid.values())]

    def draw(self) -> list[tuple[int, ...]]:
        """Write all pictures; for each layer, the number of its picture in each state."""
        self.folder.mkdir(parents=True, exist_ok=True)
        states = self.states()
        drawn = lambda number: fine(self.explorer.pixels(**states[number]))
        some = {number: drawn(number) for number in range(0, len(states), -(-len(states) // SEEN))}
        colours, nearest_of = palette(some.values())
        below = common(nearest_of[np.stack([*some.values()])])
        save(colours[below], self.folder / "common.webp")
        above = np.stack([apart(nearest_of[some[k] if k in some else drawn(k)], below)
                          for k in range(len(states))])
        cut = layers(above)
        for letter, (mask, numbers) in zip(LETTERS, cut):
            for number in range(max(numbers) + 1):
                picture = np.where(mask, above[numbers.index(number)], np.uint8(COLOURS))
                save(colours[picture], self.folder / f"{letter}{number:04d}.webp")
        return [numbers for _, numbers in cut]

    def _repr_html_(self):
        files = self.draw()
        moving = {name: values for name, values in self.grid.items() if len(values) > 1}
        controls = [self.explorer.controls[name] for name in moving]
        counts = [len(values) for values in moving.values()]
        stand = [nearest(values, control.value)
                 for values, control in zip(moving.values(), controls)]
        start = int(np.ravel_multi_index(stand, counts))
        rows = map(_row, controls, moving.values(), stand)
        frames = html.escape("/".join(["_films", *self.folder.parts[-2:]]))
        picture = f'<img class="dark-light" width="{self.explorer.width}" loading="lazy" alt='
        above = "".join(f'{picture}"" src="{frames}/{letter}{numbers[start]:04d}.webp">'
                        for letter, numbers in zip(LETTERS, files))
        return (f'<div class="gan-film" data-counts="{" ".join(map(str, counts))}" '
                f'data-frames="{frames}" data-at="{start}" '
                f'data-files="{";".join(" ".join(map(str, numbers)) for numbers in files)}">'
                f'{"".join(rows)}<div class="gan-frame">{picture}"{html.escape(self.explorer.alt)}"'
                f' src="{frames}/common.webp">{above}</div>{self.coarse()}</div>')

    def coarse(self) -> str:
        """What the notebook moves and this page does not, as a paragraph; "" for nothing."""
        said, held = "", []
        for name, values in self.grid.items():
            control = self.explorer.controls[name]
            if len(values) == 1 < len(_values(control)):
                held.append(f"{control.description} at {_said(control, values[0])}")
            elif len(values) < len(_values(control)):
                said = "Sliders move in coarser steps on this page than in the notebook."
        if held:
            said += f" It holds {' and '.join(held)}; the notebook moves these, too."
        return f"<p class='gan-coarse'>{html.escape(said.strip())}</p>" if said else ""


def fine(pixels: np.ndarray) -> np.ndarray:
    """The number of each pixel's colour in 32 steps of red, green and blue: (h, w, 4) -> (h, w)."""
    red, green, blue = (pixels[..., k].astype(np.uint16) >> 3 for k in range(3))
    return red << 10 | green << 5 | blue


def palette(frames, count: int = COLOURS) -> tuple[np.ndarray, np.ndarray]:
    """The colours of a film and, for each fine one, the nearest of them.

    frames: some, as `fine` has them. Returns (count + 1, 4) uint8, the last one clear, and
    (32768,) uint8. The most frequent colour is taken first, then again and again the one that is
    served worst: far from all that were taken, and not rare.
    """
    steps = np.arange(32)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    weight = sum(np.bincount(frame.ravel(), minlength=len(cube)) for frame in frames) ** .5
    chosen, far = [int(weight.argmax())], np.full(len(cube), np.inf)
    nearest_of = np.zeros(len(cube), np.uint8)
    while True:
        away = ((cube - cube[chosen[-1]]) ** 2).sum(-1)
        nearest_of[away < far] = len(chosen) - 1
        far = np.minimum(far, away)
        worst = int((weight * far).argmax())
        if len(chosen) == count or weight[worst] * far[worst] == 0:
            break
        chosen.append(worst)
    colours = cube[chosen] << 3 | cube[chosen] >> 2                     # 31 -> 255
    solid = np.concatenate([colours, np.full((len(chosen), 1), 255)], 1)
    filled = np.concatenate([solid, np.zeros((count + 1 - len(chosen), 4), int)])
    return filled.astype(np.uint8), nearest_of


def common(frames: np.ndarray) -> np.ndarray:
    """The most frequent colour of each pixel: (k, h, w) numbers of colours -> (h, w)."""
    counts = [(frames == colour).sum(0, dtype=np.uint16) for colour in range(frames.max() + 1)]
    return np.argmax(counts, 0).astype(np.uint8)


def apart(frame: np.ndarray, below: np.ndarray, clear: int = COLOURS) -> np.ndarray:
    """Where a frame is unlike the picture below it, `clear` elsewhere: (h, w) -> (h, w).

    With two pixels around: a browser that scales both blends at the edge what is the same there.
    """
    return np.where(binary_dilation(frame != below, iterations=2), frame, np.uint8(clear))


def layers(above: np.ndarray, clear: int = COLOURS) -> list[tuple[np.ndarray, tuple[int, ...]]]:
    """Regions that move by themselves: (mask, the number of its picture in each state) each.

    above: (k, h, w), `clear` where a state shows nothing of its own. Regions that are alike in the
    same states are one, and those with nearly as many pictures as there are states: WORTH.
    """
    often = (above != clear).sum(0)                                     # (h, w)
    regions, count = label(binary_dilation(often > 0, iterations=APART))
    found, rest = {}, np.zeros(often.shape, bool)
    for number in range(1, count + 1):
        mask = regions == number
        numbers = alike(above, mask)
        found[numbers] = found.get(numbers, False) | mask
    saved = {numbers: often[mask].sum() / often.sum() * (1 - (max(numbers) + 1) / len(above))
             for numbers, mask in found.items()}
    for numbers in sorted(saved, key=saved.get):                        # the least worth first
        if saved[numbers] < WORTH or len(found) >= len(LETTERS):
            rest |= found.pop(numbers)
    made = [(mask, numbers) for numbers, mask in found.items()]
    return made + [(rest, alike(above, rest))] if rest.any() or not made else made


def alike(above: np.ndarray, mask: np.ndarray) -> tuple[int, ...]:
    """For each state the number of its picture under a mask, counted as they appear."""
    box = np.ix_(mask.any(1), mask.any(0))
    inside, seen = mask[box], {}
    shown = (hashlib.sha1((one[box] * inside).tobytes()).digest() for one in above)
    return tuple(seen.setdefault(digest, len(seen)) for digest in shown)


def save(picture: np.ndarray, path: pathlib.Path):
    """Write (h, w, 4) as lossless WebP; half a file never bears the name."""
    part = path.with_suffix(".part")
    Image.fromarray(picture).save(part, "webp", lossless=True, quality=60, method=4)
    part.replace(path)


LETTERS = "abdefgh"                         # of layers; none is the first of "common"
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


def grid(controls, most: int = MOST, patience: int = PATIENCE, still=()) -> dict:
    """control -> the values it takes, at most `most` states in all where that is possible.

    Sliders are thinned out, the longest first, to FEW or more; menus are not. Where FEW are too
    many, sliders in `still` stay where they stand, and up to `patience` states are drawn; then
    come sliders of FEWEST. If that is too much, one slider after another stays, those in `still`
    first, then the last ones. The ends and where a control stands are among the values. ValueError
    where the menus alone have more than PATIENCE states.
    """
    full = {name: _values(control) for name, control in controls.items()}
    sliders = sorted(name for name, control in controls.items() if not _is_menu(control))
    last = [name for name in reversed(controls) if name in sliders and name not in still]
    for few, allowed, enough, held in (
            (FEW, most, most if still else max(most, patience), 0),
            (FEW, most, max(most, patience), len(still)),
            *((FEWEST, patience, PATIENCE, count) for count in range(len(sliders) + 1))):
        fixed = [*still, *last][:held]
        counts = {name: 1 if name in fixed else len(values) for name, values in full.items()}
        while math.prod(counts.values()) > allowed:
            long = [name for name in sliders if counts[name] > few]
            if not long:
                break
            counts[max(long, key=counts.get)] -= 1
        if math.prod(counts.values()) <= max(allowed, enough):
            return {name: [controls[name].value] if name in fixed
                    else thinned(values, counts[name], controls[name].value)
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
