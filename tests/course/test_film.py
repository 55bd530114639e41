"""Films of explorers: which states are drawn ahead, and that the right frame is found."""
import numpy as np
import pytest
from film import FEW, PATIENCE, Film, apart, common, film, grid, thinned
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
    assert size(FEW * FEW - 1) == [22, 22]                 # patience comes before fewer positions
    assert size(FEW * FEW - 1, 10) == [3, 3] == size(5, 5)  # no fewer, however few are asked for
    assert size(200, a=choice(list(range(12)), 3, "a")) == [6, 6, 12]
    assert size(200, a=choice(list(range(50)), 3, "a")) == [3, 3, 50]
    with pytest.raises(ValueError, match=f"3 controls have more than {PATIENCE}.*fewer entries"):
        size(200, a=choice(list(range(400)), 3, "a"))


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


def greys(folder, number):
    """What the page shows in one state: the common picture with that of the state above it."""
    picture = Image.open(folder / "common.webp").convert("RGBA")
    picture.alpha_composite(Image.open(folder / f"{number:04d}.webp").convert("RGBA"))
    w, h = picture.size
    return [round(picture.convert("L").getpixel((x, h // 2)) / 25.5) for x in (w // 4, 3 * w // 4)]


def test_frames_are_in_the_order_in_which_the_page_counts(tmp_path):
    shown = Film(blocks(), tmp_path / "07_lesson" / "cell", most=30)
    text = shown._repr_html_()
    states = shown.states()
    assert [greys(shown.folder, k) for k in range(len(states))] == [list(state.values())
                                                                    for state in states]
    assert len(states) == np.prod([len(values) for values in shown.grid.values()]) <= 30
    start = states.index({"left": 4, "right": 7})
    assert f'src="_films/07_lesson/cell/{start:04d}.webp"' in text
    assert 'data-frames="_films/07_lesson/cell"' in text
    assert 'alt="two grey blocks side by side"' in text
    assert text.count('type="range"') == 2 and "<output>7</output>" in text
    assert not list(shown.folder.glob("*.part"))


def test_a_page_says_that_its_sliders_are_coarser(tmp_path):
    assert "coarser" in Film(blocks(), tmp_path / "a", most=30)._repr_html_()
    assert "coarser" not in Film(blocks(), tmp_path / "b", most=121)._repr_html_()


def test_a_frame_and_the_common_picture_make_the_state():
    random = np.random.default_rng(0)
    frames = random.integers(0, 3, (5, 12, 17, 3), dtype=np.uint8) * 100
    frames[:, :6] = 200                                             # half is the same in all
    below = common(frames)
    assert (below[:6] == 200).all()
    counts = [(frames[:, 8, 3] == colour).all(-1).sum() for colour in frames[:, 8, 3]]
    assert (frames[:, 8, 3] == below[8, 3]).all(-1).sum() == max(counts)
    for frame in frames:
        above = apart(frame, below)
        assert (np.where(above[..., 3:] > 0, above[..., :3], below) == frame).all()
        assert not above[:4, :, 3].any()                            # clear where nothing differs


def test_what_is_no_explorer_stays_as_it_is(tmp_path):
    assert film(5, tmp_path) == 5
