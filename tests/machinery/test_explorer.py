"""Explorer: a pure drawing, an honest widget. In the browser: tests/browser."""
import base64
import io
import math
import subprocess
import sys

import ipywidgets
import numpy as np
import pytest
from PIL import Image

from gan_lessons.drawing.explorer import Explorer, choice, slider


def setup(figure):
    ax = figure.subplots()
    line, = ax.plot([.2, .8], [0, 0])
    ax.set(xlim=(0, 1), ylim=(0, 10))
    return {"line": line, "text": [ax.text(.5, 9, "")]}


def update(artists, height):
    if height == 7:
        raise ValueError("seven <is> missing")
    artists["line"].set_ydata([height, height])
    artists["text"][0].set_text(f"{height}")


def explorer():
    return Explorer(setup, update, {"height": slider(0, 10, 1, 2, "height of the line")},
                    alt="A \"flat\" line.", figsize=(4, 2))


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def count_full_draws(ex):
    calls, draw = [], ex.figure.canvas.draw
    ex.figure.canvas.draw = lambda: (calls.append(1), draw())
    return calls


def test_a_drawing_is_a_pure_function_of_its_state():
    ex = explorer()
    first, shown = ex.draw(height=2), ex._picture.value
    assert ex.draw(height=9) != first
    assert ex.draw(height=2) == first == ex.draw()
    assert ex.values == {"height": 2} and ex._picture.value == shown


def test_a_blitted_frame_equals_a_full_one():
    ex = explorer()
    calls = count_full_draws(ex)
    blitted = pixels(ex.draw(height=8))
    assert not calls
    for artist in ex._moving:
        artist.set_animated(False)
    ex.figure.canvas.draw()
    assert (blitted == np.asarray(ex.figure.canvas.buffer_rgba())[..., :3]).all()


def test_changed_limits_are_seen_without_asking():
    def only_the_line(figure):
        ax = figure.subplots()
        return ax.plot([0, 1], [1, 1])

    def zoom(lines, top):
        lines[0].axes.set_ylim(0, top)

    ex = Explorer(only_the_line, zoom, {"top": slider(1., 9., 1., 2., "top")}, alt="A line.")
    calls = count_full_draws(ex)
    near = ex.draw(top=2.)
    assert ex.draw(top=8.) != near and len(calls) >= 1
    assert ex.draw(top=2.) == near


def test_moving_the_slider_changes_the_picture_and_set_says_how_far_it_goes():
    ex = explorer()
    before = ex._picture.value
    ex.controls["height"].value = 5
    assert ex._picture.value != before
    assert ex.set(height=3) is ex and ex.values == {"height": 3}
    with pytest.raises(ValueError, match="stopped at 10"):
        ex.set(height=11)


def test_an_error_while_moving_is_shown_and_the_next_state_clears_it():
    ex = explorer()
    before = ex._picture.value
    ex.controls["height"].value = 7
    assert "ValueError: seven &lt;is&gt; missing" in ex._message.value
    assert 'role="alert"' in ex._message.value
    assert ex._picture.value == before and ex.error == "ValueError: seven <is> missing"
    ex.controls["height"].value = 8
    assert ex._message.value == "" and ex.error is None
    with pytest.raises(ValueError, match="seven"):
        ex.draw(height=7)


def test_alt_text_in_the_widget_and_in_the_first_frame():
    ex = explorer()
    assert 'alt="A &quot;flat&quot; line."' in ex._picture.value
    data, metadata = ex._repr_mimebundle_()
    assert metadata["image/png"] == {"width": 400, "alt": 'A "flat" line.'}
    assert ex.width == 400 and 'width="400"' in ex._picture.value
    with pytest.raises(AttributeError):
        ex.width = 300                              # the picture would not follow
    assert data["text/plain"] == "Explorer(height=2)"
    assert data["application/vnd.jupyter.widget-view+json"] == {
        "version_major": 2, "version_minor": 0, "model_id": ex.widget.model_id}
    assert base64.b64decode(data["image/png"]) == ex.draw()


def test_the_view_is_what_ipywidgets_itself_would_show(monkeypatch):
    """And version 7, where the method is missing, is asked for nothing that it lacks."""
    ex = explorer()
    data, _ = ex._repr_mimebundle_()
    if hasattr(ex.widget, "_repr_mimebundle_"):
        view = "application/vnd.jupyter.widget-view+json"
        assert ex.widget._repr_mimebundle_()[view] == data[view]
        monkeypatch.delattr(ipywidgets.Widget, "_repr_mimebundle_")
    assert ex._repr_mimebundle_()[0] == data


@pytest.mark.parametrize("make, message", [
    (lambda: Explorer(setup, update, {}, alt=" "), "one sentence"),
    (lambda: explorer().draw(hight=3), "no control named hight; this explorer has height"),
    (lambda: explorer().set(hight=3), "no control named hight"),
    (lambda: slider(0, 1, .1, 2, "x"), "low <= value <= high"),
    (lambda: slider("0", 1, .1, 0, "x"), "got 0, 1, step 0.1"),
    (lambda: slider(0, math.inf, .1, 0, "x"), "got 0, inf"),
    (lambda: slider(0, math.nan, .1, 0, "x"), "got 0, nan"),
    (lambda: slider(0, 1, math.nan, 0, "x"), "step nan"),
    (lambda: slider(0, 1, 0, 0, "x"), "step 0"), (lambda: slider(0, 1, -.1, 0, "x"), "step -0.1"),
    (lambda: slider(0, 1, 5., 0, "x"), "step 5.0"), (lambda: slider(1, 1, .1, 1, "x"), "low <"),
    (lambda: slider(None, 1, .1, 0, "x"), "got None"),
    (lambda: slider(0, True, .1, 0, "x"), "True"),
    (lambda: explorer().set(height="three"), "height = 'three' is nothing that its control takes"),
    (lambda: explorer().set(height=None), "height = None is nothing"),
    (lambda: explorer().set(height=2.5), "height = 2.5 is out of reach.*stopped at 2"),
    (lambda: choice([], None, "x"), "None is not one of"),
    (lambda: choice(["a", "b"], "c", "letter"), "not one of"),
])
def test_bad_input_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_setup_must_return_artists():
    with pytest.raises(TypeError, match="artists that move"):
        Explorer(lambda figure: None, update, {}, alt="Nothing.")


def test_sliders_take_their_kind_and_digits_from_the_numbers():
    assert slider(0, 5, 1, 2, "k").value == 2 and isinstance(slider(0, 5, 1, 2, "k").value, int)
    assert slider(0, 5, .25, 2, "k").readout_format == ".2f"
    assert choice({"one": 1, "two": 2}, 2, "k").value == 2


SHOWN = [                                          # low, high, step, a value -> what is read
    (1e-8, 5e-8, 5e-10, 1.05e-8, "1.05e-08"), (0., 1., 1e-7, 1e-7, "1.0000000e-07"),
    (1., 1.00001, 1e-6, 1.000003, "1.000003"), (0., 1., .25, .75, "0.75"), (0., 5., .1, 2.3, "2.3"),
    (.125, 1.125, .25, .375, "0.375"), (-2., 2., .5, -1.5, "-1.5"),
    (0, 1, 1 / 3, 1 / 3, "0.333333"),
    (0., 1e12, 1e9, 3e9, "3.000e+09"), (1e-300, 9e-300, 1e-300, 2e-300, "2.0e-300"),
    (-1e-9, 1e-9, 1e-10, -3e-10, "-3.0e-10"), (100., 1e5, 100., 4300., "4300"),
    (1e6, 1e6 + 1, .001, 1e6 + .002, "1000000.002")]


@pytest.mark.parametrize("low, high, step, value, read", SHOWN)
def test_the_readout_tells_neighbouring_values_apart(low, high, step, value, read):
    shown = slider(low, high, step, value, "x").readout_format
    assert format(value, shown) == read
    places = [low + k * step for k in range(round((high - low) / step) + 1)]
    some = places[:40] + places[-40:]
    assert all(format(a, shown) != format(b, shown) for a, b in zip(some, some[1:]) if a < b)


def test_no_pyplot_and_no_torch():
    code = ("import sys, gan_lessons.drawing.explorer; "
            "print({'torch', 'matplotlib.pyplot'} & set(sys.modules))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stdout + done.stderr
