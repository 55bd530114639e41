"""Sliders around a drawing: one Agg figure that stays, redrawn where it moves.

Core ipywidgets of versions 7 and 8 only, so an explorer runs in JupyterLab, Notebook, VS Code,
Colab and Voilà.
Its rich repr also carries the first frame, which GitHub, nbconvert and print show.
Introduced in notebooks/00_start_here.ipynb.
"""
from __future__ import annotations

import base64
import html
import inspect
import itertools
import math
import struct
import zlib
from collections.abc import Iterable, Mapping
from numbers import Integral, Real

import ipywidgets as widgets
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

LARGEST = 20_000                # pixels of a side of a picture: 1.6 GB for a square one
WIDGET = "application/vnd.jupyter.widget-view+json"


def slider(low, high, step, value, label):
    """A slider from `low` to `high`; whole numbers throughout give an integer slider.

    ValueError unless low <= value <= high, 0 < step <= high - low, all of them finite numbers.
    """
    _check_label(label)
    given = (low, high, step, value)
    real = all(isinstance(n, Real) and not isinstance(n, (bool, np.bool_)) and abs(n) < 1e300
               for n in given)
    if not (real and low < high and low <= value <= high
            and 0 < step <= (high - low) * (1 + 1e-9)):
        raise ValueError(f"slider {label!r}: need low < high, step > 0 and low <= value <= high, "
                         f"got {low}, {high}, step {step}, value {value}")
    if all(isinstance(n, Integral) for n in given):
        low, high, step, value = map(int, given)
        return widgets.IntSlider(value, low, high, step, description=label)
    low, high, step, value = map(float, given)
    return widgets.FloatSlider(value, min=low, max=high, step=step, description=label,
                               readout_format=_readout(low, high, step))


def _readout(low: float, high: float, jump: float) -> str:
    """The format that tells every two neighbouring values of a slider apart.

    As few decimals as write low and the step, `jump`, exactly, at most 6; where these would show
    neighbours alike, or numbers of ten digits, digits and a power of ten: 1.05e-8.
    """
    size = max(abs(low), abs(high))
    exact = lambda d: all(abs(n - round(n, d)) < 1e-9 * jump for n in (low, jump))
    digits = next((d for d in range(6) if exact(d)), 6)
    if jump > .5 * 10. ** -digits and size < 1e9:
        return f".{digits}f"
    return f".{math.ceil(math.log10(size / jump) - 1e-9)}e"


def choice(options, value, label):
    """A menu over `options`: a list, or a dict from what is shown to what `update` receives.

    ValueError for a start that is not among them.
    """
    _check_label(label)
    if isinstance(options, str) or not isinstance(options, Iterable) or hasattr(options, "detach"):
        raise ValueError(f"choice {label!r}: its options are a list or a dict, not {options!r}")
    if not isinstance(options, Mapping):
        options = list(itertools.islice(options, 1_000))     # some never end
    known = list(options.values()) if isinstance(options, Mapping) else options
    if len(known) == 1_000:
        raise ValueError(f"choice {label!r}: a menu has fewer than 1,000 options")
    if value not in known:
        raise ValueError(f"choice {label!r}: {value!r} is not one of {known}")
    return widgets.Dropdown(options=options, value=value, description=label)


def _check_label(label):
    if not isinstance(label, str):
        raise ValueError(f"the label of a control is text, not {label!r}")


def _check_call(how: str, function, many: int, named=()):
    """TypeError where a function cannot be called `how`, as far as its signature tells."""
    try:
        inspect.signature(function).bind(*[None] * many, **dict.fromkeys(named))
    except ValueError:                                   # of C: it will say so itself
        return
    except TypeError as error:
        raise TypeError(f"{how} is called so, and this function does not take that ({error}): give "
                        "it these arguments, the controls by their names") from error


def _checked_controls(controls) -> dict:
    """Controls by their names; TypeError for what has no value to move."""
    if not isinstance(controls, Mapping):
        raise TypeError("controls are a dict from arguments of update, as dict(theta=slider(0, 1, "
                        f".1, .5, \"θ\")), not {type(controls).__name__}")
    for name, control in controls.items():
        if not isinstance(name, str) or not (hasattr(control, "value")
                                             and hasattr(control, "observe")):
            raise TypeError(f"the control {name!r} is a slider(...), a choice(...) or another "
                            f"control of ipywidgets, not {control!r:.60}")
    return dict(controls)


class Explorer:
    """Controls around a picture, which is redrawn when one of them moves.

    setup(figure) draws once and returns the artists that move; update(artists, **values) moves
    them. controls: a dict from the arguments of `update` to a `slider(...)`, a `choice(...)` or any
    other ipywidgets control with a `value`. figsize in inches, dpi for the sharpness; width in CSS
    pixels, 100 per inch unless given. alt: a sentence that says what the picture shows. still:
    names of controls that a page without a kernel may hold where they stand, the first ones first.

    A drawing must depend on `values` alone: then `draw` can render any state, in a test or ahead of
    time for a page without a kernel. Returned artists lie above the rest of the figure, and only
    they are redrawn; changing anything else in `update` (limits, ticks) works too, but is slower.

    Raises ValueError where `alt` is empty, a control unknown or a size none, TypeError where
    `setup` returns something else than artists and for controls that are none. An error of `update`
    while a control moves is shown in the widget.
    Introduced in notebooks/00_start_here.ipynb.
    """

    def __init__(self, setup, update, controls, *, figsize=(6.4, 3.6), dpi=150, width=None, alt,
                 still=()):
        if not isinstance(alt, str) or not alt.strip():
            raise ValueError("an Explorer needs alt=\"...\": one sentence that says what it shows")
        self.alt = " ".join(alt.split())
        self.controls = _checked_controls(controls)
        if not (callable(setup) and callable(update)):
            raise TypeError("setup(figure) and update(artists, …) are functions, not "
                            f"{setup!r:.60} and {update!r:.60}")
        sizes = [*figsize] if isinstance(figsize, Iterable) else [figsize]
        rest = [dpi] if width is None else [dpi, width]
        if len(sizes) != 2 or not all(isinstance(n, Real) and 0 < n < 1e5
                                      for n in (*sizes, *rest)):
            raise ValueError(f"figsize = {figsize!r}, dpi = {dpi!r}, width = {width!r}: inches "
                             "(6.4, 3.6), dots per inch and pixels, all above 0")
        if max(sizes) * dpi > LARGEST:
            raise ValueError(f"figsize = {figsize!r} at dpi = {dpi!r}: a picture has at most "
                             f"{LARGEST:,} pixels a side")
        if not isinstance(still, (list, tuple, set, frozenset)):
            raise TypeError(f"still = {still!r}: names of controls, as (\"theta\",)")
        if unknown := [name for name in still if name not in self.controls]:
            raise ValueError(f"still={still!r}: there is no control {unknown[0]!r}")
        self.still = tuple(still)
        _check_call("setup(figure)", setup, 1)
        self.error = None                           # of the state shown, as a sentence
        self.figure = Figure(figsize=figsize, dpi=dpi, layout="constrained")
        FigureCanvasAgg(self.figure)
        self._update = update
        self._width = width or round(100 * figsize[0])
        self._artists = setup(self.figure)
        self._moving = sorted(_artists_in(self._artists), key=Artist.get_zorder)
        _check_call(f"update({', '.join(['artists', *self.controls])})", update, 1, self.controls)
        self._background = None                     # the pixels of all that does not move
        self._still = False                         # while several controls are set at once

        update(self._artists, **self.values)
        self.figure.draw_without_rendering()        # the layout settles once: axes that jump while
        self.figure.set_layout_engine("none")       # a slider moves cannot be read
        for artist in self._moving:
            artist.set_animated(True)               # left out of the background

        self._picture, self._message = widgets.HTML(), widgets.HTML()
        self._align_labels()
        self.widget = widgets.VBox([*self.controls.values(), self._message, self._picture])
        self.widget.add_class("gan-explorer")
        self._show(self.draw())
        for control in self.controls.values():
            control.observe(self._moved, names="value")

    @property
    def values(self):
        """What the controls say now, by name."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def width(self) -> int:
        """Width of the picture in CSS pixels."""
        return self._width

    def draw(self, **state) -> bytes:
        """PNG of any state; what is not given comes from the controls, and no control moves.

        ValueError for a control that is not there; what `update` raises is raised.
        """
        return _png(self.pixels(**state))

    def pixels(self, **state) -> np.ndarray:
        """Red, green, blue and alpha of any state: (h, w, 4) uint8, overwritten by the next one.

        Raises what `draw` raises.
        """
        self._refuse_unknown(state)
        self._update(self._artists, **{**self.values, **state})
        canvas = self.figure.canvas
        if self._background is None or self.figure.stale:   # animated artists never make it stale
            canvas.draw()
            self._background = canvas.copy_from_bbox(self.figure.bbox)
        canvas.restore_region(self._background)
        for artist in self._moving:
            self.figure.draw_artist(artist)
        return np.asarray(canvas.buffer_rgba())

    def set(self, **values):
        """Move controls from code, in one redraw; returns the explorer.

        ValueError for a control that is not there, or a value that it cannot take.
        """
        self._refuse_unknown(values)
        self._still = True
        try:
            for name, value in values.items():
                try:
                    self.controls[name].value = value
                except Exception as error:               # of a kind that traitlets has
                    raise ValueError(f"{name} = {value!r} is nothing that its control takes: "
                                     f"{error}") from error
                if self.controls[name].value != value:
                    raise ValueError(f"{name} = {value} is out of reach of its control, "
                                     f"which stopped at {self.controls[name].value}")
        finally:
            self._still = False
            self._moved()
        return self

    def refresh(self):
        """Draw everything anew, after a change to the figure that `update` did not make."""
        self._background = None
        self._moved()

    def _moved(self, change=None):
        if self._still:
            return
        try:
            picture, self.error = self.draw(), None
        except Exception as error:      # out of a callback it would vanish in the server's log
            self.error = f"{type(error).__name__}: {error}"
        else:
            self._show(picture)
        text = self.error and (f'<p role="alert" style="color:#a00">This state cannot be drawn. '
                               f'{html.escape(self.error)}</p>')
        self._message.value = text or ""

    def _show(self, png):
        self._png = png
        w, h = self.figure.get_size_inches()
        self._picture.value = (             # ipywidgets.Image has no alternative text
            f'<img alt="{html.escape(self.alt)}" decoding="sync" width="{self.width}" '
            f'style="max-width:100%;aspect-ratio:{w:g}/{h:g}" '
            f'src="data:image/png;base64,{base64.b64encode(png).decode()}">')

    def _align_labels(self):
        """All labels as wide as the longest, so that the sliders stand in one column."""
        named = [c for c in self.controls.values() if getattr(c, "description", "")]
        width = max((len(c.description) for c in named), default=0)
        for control in named:
            control.style.description_width = f"{width + 1}ch"
            control.layout.width = f"min(100%, calc(360px + {width + 1}ch))"

    def _refuse_unknown(self, values):
        if unknown := sorted(set(values) - set(self.controls)):
            raise ValueError(f"no control named {', '.join(unknown)}; "
                             f"this explorer has {', '.join(self.controls) or 'none'}")

    def __repr__(self):
        return f"Explorer({', '.join(f'{name}={value!r}' for name, value in self.values.items())})"

    def _repr_mimebundle_(self, **kwargs):
        # The view is named here, for ipywidgets 7 (on Colab) has no _repr_mimebundle_ to ask.
        live = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        data = {WIDGET: live, "text/plain": repr(self),
                "image/png": base64.b64encode(self._png).decode()}
        return data, {"image/png": {"width": self.width, "alt": self.alt}}


def _artists_in(made):
    """The artists in whatever `setup` returned: one, a sequence or mapping of them, nested."""
    if isinstance(made, Artist):
        return [made]
    if isinstance(made, Mapping):
        made = made.values()
    if made is None or isinstance(made, str) or not isinstance(made, Iterable):
        raise TypeError(f"setup must return the artists that move, not {made!r}")
    return [artist for part in made for artist in _artists_in(part)]


def _png(rgba):
    """(h, w, 4) uint8 -> PNG bytes.

    Three times faster than Pillow, which tries filters on each row.
    """
    height, width, _ = rgba.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)          # each begins with its filter: none
    pixels = rows[:, 1:].reshape(height, width, 3)              # a view: (h, 3 w) -> (h, w, 3)
    for channel in range(3):                # three strided copies: three times faster than one
        pixels[..., channel] = rgba[..., channel]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks)
