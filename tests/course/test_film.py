"""Films of explorers: which states are drawn ahead, and that the right frame is found."""
import base64
import io

import numpy as np
import pytest
from film import FEW, Film, TooMany, film, grid, thinned
from PIL import Image

from gan_lessons.drawing.explorer import Explorer, choice, slider


def controls(**more):
    return {"mean": slider(-2.0, 2.0, .1, .7, "mean"),
            "count": slider(1, 40, 1, 13, "count"), **more}


@pytest.mark.parametrize("most", [50, 160, 100_000])
def test_a_grid_keeps_the_ends_and_where_the_controls_stand(most):
    made = grid(controls(law=choice({"narrow": .5, "wide": 2.}, 2., "law")), most)
    assert np.prod([len(values) for values in made.values()]) <= most
    assert made["law"] == [.5, 2.]
    for name, (low, high, here) in {"mean": (-2., 2., .7), "count": (1, 40, 13)}.items():
        values = made[name]
        assert values[0] == low and values[-1] == high and values == sorted(set(values))
        assert here in values
    if most == 100_000:
        assert made["count"] == list(range(1, 41)) and len(made["mean"]) == 41


def test_menus_are_never_thinned_out_and_sliders_not_below_a_few():
    assert [len(values) for values in grid(controls(), FEW * FEW).values()] == [FEW, FEW]
    with pytest.raises(TooMany, match="2 controls"):
        grid(controls(), FEW * FEW - 1)
    with pytest.raises(TooMany, match="3 controls"):
        grid({"a": choice(list(range(12)), 3, "a"), **controls()}, 200)


def test_thinned_values_are_evenly_spread():
    assert thinned(list(range(101)), 5, 50) == [0, 25, 50, 75, 100]
    assert thinned(list(range(101)), 5, 60) == [0, 25, 60, 75, 100]
    assert thinned([1, 2], 5, 1) == [1, 2]


def blocks():
    """An explorer whose picture says its state: grey of the left half and of the right half."""
    def setup(figure):
        axes = figure.subplots(1, 2, gridspec_kw={"wspace": 0})
        for ax in axes:
            ax.set_axis_off()
        return [ax.imshow([[0]], cmap="gray", vmin=0, vmax=10, aspect="auto") for ax in axes]

    def update(artists, left, right):
        for artist, value in zip(artists, (left, right)):
            artist.set_data([[value]])

    return Explorer(setup, update,
                    {"left": slider(0, 10, 1, 4, "left"), "right": slider(0, 10, 1, 7, "right")},
                    figsize=(1, 1), alt="two grey blocks side by side")


def greys(png):
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("L")
    w, h = picture.size
    return [round(picture.getpixel((x, h // 2)) / 25.5) for x in (w // 4, 3 * w // 4)]


def test_frames_are_in_the_order_in_which_the_page_counts():
    shown = Film(blocks(), most=30)
    assert [greys(frame) for frame in shown.frames()] == [list(state.values())
                                                          for state in shown.states()]
    assert len(shown.states()) == np.prod([len(values) for values in shown.grid.values()]) <= 30
    text = shown._repr_html_()
    first = text.split("base64,")[1].split('"')[0]
    assert greys(first) == [4, 7] and 'alt="two grey blocks side by side"' in text
    assert text.count('type="range"') == 2 and "<output>7</output>" in text


def test_one_control_at_a_time_where_all_are_too_many():
    shown = Film(blocks(), most=22)
    assert not shown.together and "one control moves at a time" in shown._repr_html_()
    right = [[value, 7] for value in range(11)] + [[4, value] for value in range(11)]
    assert [greys(frame) for frame in shown.frames()] == right
    assert greys(shown._repr_html_().split("base64,")[1].split('"')[0]) == [4, 7]


def test_what_is_no_explorer_stays_as_it_is():
    assert film(5) == 5
