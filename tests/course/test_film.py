"""Films of explorers: which states are drawn ahead, and that the right frame is found."""
import re

import numpy as np
import pytest
from film import (
    FEW,
    LETTERS,
    PATIENCE,
    Film,
    apart,
    common,
    film,
    fine,
    grid,
    layers,
    palette,
    thinned,
)
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


def test_menus_are_never_thinned_out_and_sliders_as_late_as_can_be():
    def size(*asked, **more):
        return [len(values) for values in grid(controls(**more), *asked).values()]
    assert size(FEW * FEW) == [FEW, FEW]
    assert size(FEW * FEW - 1) == [FEW, FEW]               # patience comes before fewer positions
    assert size(FEW * FEW - 1, 10) == [3, 3] == size(5, 5)  # no fewer, however few are asked for
    assert size(200, a=choice(list(range(12)), 3, "a")) == [FEW, FEW, 12]
    assert size(400, a=choice(list(range(12)), 3, "a")) == [6, 5, 12]
    assert size(200, a=choice(list(range(50)), 3, "a")) == [3, 3, 50]
    with pytest.raises(ValueError, match=f"3 controls have more than {PATIENCE}.*fewer entries"):
        size(200, a=choice(list(range(PATIENCE + 1)), 3, "a"))


def test_where_all_states_are_too_many_sliders_stay_where_they_stand_by_turns():
    many = controls(a=choice(list(range(100)), 3, "a"))
    size = lambda **how: {name: len(values) for name, values in grid(many, **how).items()}
    assert size() == {"mean": 5, "count": 1, "a": 100}              # the last slider first
    assert size(still=("mean",)) == {"mean": 1, "count": 5, "a": 100}
    assert grid(many)["count"] == [13]
    many["a"] = choice(list(range(200)), 3, "a")
    assert size(still=("mean",)) == {"mean": 1, "count": 1, "a": 200}


def test_a_page_says_what_it_holds(tmp_path):
    shown = blocks()
    shown.still = ("left",)
    made = Film(shown, tmp_path / "c", most=4)
    made.grid = {"left": [4], "right": [0, 7, 10]}
    text = made._repr_html_()
    assert "It holds left at 4; the notebook moves these, too." in text
    assert text.count('type="range"') == 1 and 'data-counts="3"' in text
    assert [greys(text, made.folder, k) for k in range(3)] == [[4, 0], [4, 7], [4, 10]]


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


def files_of(text):
    """For each layer the number of its picture in each state, as a page says."""
    layers = re.search('data-files="(.*?)"', text)[1].split(";")
    return [[int(number) for number in layer.split()] for layer in layers]


def greys(text, folder, state):
    """What the page shows in one state: the common picture with the layers of that state."""
    picture = Image.open(folder / "common.webp").convert("RGBA")
    for letter, numbers in zip(LETTERS, files_of(text)):
        name = f"{letter}{numbers[state]:04d}.webp"
        picture.alpha_composite(Image.open(folder / name).convert("RGBA"))
    w, h = picture.size
    return [round(picture.convert("L").getpixel((x, h // 2)) / 25.5) for x in (w // 4, 3 * w // 4)]


def test_frames_are_in_the_order_in_which_the_page_counts(tmp_path):
    shown = Film(blocks(), tmp_path / "07_lesson" / "cell", most=30)
    text = shown._repr_html_()
    states = shown.states()
    assert [greys(text, shown.folder, k) for k in range(len(states))] == [list(state.values())
                                                                    for state in states]
    assert len(states) == np.prod([len(values) for values in shown.grid.values()]) <= 30
    start = states.index({"left": 4, "right": 7})
    assert f'data-at="{start}"' in text
    for letter, numbers in zip(LETTERS, files_of(text)):
        assert f'src="_films/07_lesson/cell/{letter}{numbers[start]:04d}.webp"' in text
    assert 'data-frames="_films/07_lesson/cell"' in text
    assert 'alt="two grey blocks side by side"' in text
    assert text.count('type="range"') == 2 and "<output>7</output>" in text
    assert not list(shown.folder.glob("*.part"))


def test_a_page_says_that_its_sliders_are_coarser(tmp_path):
    assert "coarser" in Film(blocks(), tmp_path / "a", most=30)._repr_html_()
    assert "coarser" not in Film(blocks(), tmp_path / "b", most=121)._repr_html_()


def test_a_frame_and_the_common_picture_make_the_state():
    random = np.random.default_rng(0)
    frames = random.integers(0, 3, (5, 12, 17), dtype=np.uint8)
    frames[:, :6] = 7                                               # half is the same in all
    below = common(frames)
    assert (below[:6] == 7).all()
    counts = [(frames[:, 8, 3] == colour).sum() for colour in frames[:, 8, 3]]
    assert (frames[:, 8, 3] == below[8, 3]).sum() == max(counts)
    for frame in frames:
        above = apart(frame, below, clear=9)
        assert (np.where(above < 9, above, below) == frame).all()
        assert (above[:4] == 9).all()                               # clear where nothing differs


def test_a_palette_keeps_flat_colours_and_serves_all():
    random = np.random.default_rng(0)
    picture = np.full((40, 50, 4), 255, np.uint8)
    picture[3:30, 3:30, :3] = [0, 114, 178]
    picture[33, 3:9, :3] = [214, 93, 0]                             # six pixels of a line
    picture[36:, :, :3] = random.integers(0, 256, (4, 50, 1))       # a photograph, in grey
    colours, nearest_of = palette([fine(picture)], 12)
    shown = colours[nearest_of[fine(picture)]].astype(int)
    assert len(np.unique(shown.reshape(-1, 4), axis=0)) <= 12 and (colours[12] == 0).all()
    assert abs(shown[:36] - picture[:36]).max() <= 8                # 32 steps of each colour
    assert abs(shown - picture).max() <= 40


def test_a_palette_may_have_fewer_colours_than_it_could():
    colours, nearest_of = palette([fine(np.full((4, 5, 4), 255, np.uint8))], 6)
    assert colours.tolist() == [[255] * 4] + [[0] * 4] * 6 and not nearest_of.any()


def test_what_moves_by_itself_is_a_layer_of_its_own():
    above = np.full((6, 10, 60), 9, np.uint8)
    left, right = np.repeat([1, 2], 3), np.tile([3, 4, 5], 2)
    above[:, 2:8, 2:20] = left[:, None, None]
    above[:, 2:8, 45:55] = right[:, None, None]
    made = layers(above, clear=9)
    assert sorted(numbers for _, numbers in made) == [(0, 0, 0, 1, 1, 1), (0, 1, 2, 0, 1, 2)]
    for mask, _ in made:
        assert mask.any() and not (mask & (made[0][0] if mask is not made[0][0] else ~mask)).any()
    assert sum(mask for mask, _ in made)[above.min(0) < 9].all()


def test_there_are_no_more_layers_than_letters():
    above = np.full((20, 10, 60 * 12), 9, np.uint8)
    for k in range(12):                                             # each its own two pictures
        above[:, 2:8, 60 * k:60 * k + 20] = np.where(np.arange(20) > k, 1, 2)[:, None, None]
    made = layers(above, clear=9)
    assert len(made) == len(LETTERS)
    assert sum(mask for mask, _ in made)[above.min(0) < 9].all()


def test_what_is_never_alike_or_near_is_one_layer():
    above = np.full((6, 10, 60), 9, np.uint8)
    above[:, 2:8, 2:20] = above[:, 2:8, 45:55] = np.arange(6)[:, None, None]
    (mask, numbers), = layers(above, clear=9)
    assert numbers == tuple(range(6)) and mask[5, 5] and mask[5, 50]
    above[:, 2:8, 22:40] = 1
    above[3:, 2:8, 22:40] = 2                                       # two pixels beside others
    (_, numbers), = layers(above, clear=9)
    assert numbers == tuple(range(6))
    still = np.full((3, 4, 5), 9, np.uint8)
    assert [numbers for _, numbers in layers(still, clear=9)] == [(0, 0, 0)]


def test_what_is_no_explorer_stays_as_it_is(tmp_path):
    assert film(5, tmp_path) == 5
