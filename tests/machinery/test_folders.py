"""Folders of the reader's own pictures: every mode as a person sees it, every odd thing said."""
import io
import os

import numpy as np
import pytest
from PIL import Image

from gan_lessons import DataUnavailable, load_images
from gan_lessons.data import datasets

RAMP = np.tile(np.linspace(0, 1, 16), (16, 1))               # black on the left, white on the right
GREY = (RAMP * 255).round().astype(np.uint8)
CLEAR = Image.new("RGBA", (16, 16), (200, 0, 0, 0))


@pytest.fixture(autouse=True)
def said_anew():
    datasets._say_once.cache_clear()


def one(folder, picture, name="a.png", **how):
    """The only picture of a folder, as loaded: (3, 16, 16), or (h, w) where it is grey."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(picture, bytes):
        (folder / name).write_bytes(picture)
    else:
        (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(
            folder / name, **how)
    x = load_images(folder, size=16).images[0].numpy()
    return x[0] if (x == x[0]).all() else x


def palette():
    picture = Image.new("P", (16, 16), 1)
    picture.putpalette([9, 9, 9, 200, 0, 0])
    return picture


def turned(where=6):
    note = Image.Exif()
    note[0x112] = where
    return note


def deep(kind=np.uint16, high=65535):
    return (RAMP * high).round().astype(kind)


def pgm(high):
    return b"P5 16 16 %d\n" % high + (RAMP * high).round().astype(">u2").tobytes()


RED = Image.new("RGB", (16, 16), "red")
SEEN = {                                     # what is saved -> the colour of the middle, or a ramp
    "8-bit grey": (GREY, {}, RAMP),
    "16-bit grey": (deep(), {}, RAMP),
    "16-bit grey in a TIFF": (deep(), dict(name="a.TIF"), RAMP),
    "16-bit grey, highest byte first": (
        Image.frombytes("I;16B", (16, 16), deep(">u2").tobytes()), dict(name="a.tiff"), RAMP),
    "16-bit PGM": (pgm(65535), dict(name="a.pgm"), RAMP),
    "12-bit PGM, which says so": (pgm(4095), dict(name="a.PGM"), RAMP),
    "float from 0 to 1": (RAMP.astype(np.float32), dict(name="a.tif"), RAMP),
    "1 bit": (Image.new("1", (16, 16), 1), {}, (255, 255, 255)),
    "palette": (palette(), {}, (200, 0, 0)),
    "palette, transparent": (palette(), dict(transparency=1), (255, 255, 255)),
    "gif, transparent": (palette(), dict(name="a.GIF", transparency=1), (255, 255, 255)),
    "transparent": (CLEAR, {}, (255, 255, 255)),
    "half transparent": (Image.new("RGBA", (16, 16), (255, 0, 0, 127)), {}, (255, 128, 128)),
    "grey, transparent": (Image.new("LA", (16, 16), (7, 0)), {}, (255, 255, 255)),
    "a transparent colour": (RED, dict(transparency=(255, 0, 0)), (255, 255, 255)),
    "a transparent grey": (Image.new("L", (16, 16), 7), dict(transparency=7), (255, 255, 255)),
    "a transparent deep grey": (deep() * 0 + 32767, dict(transparency=32767), (255, 255, 255)),
    "webp, transparent": (CLEAR, dict(name="a.WebP", lossless=True), (255, 255, 255)),
    "CMYK jpeg": (Image.new("CMYK", (16, 16), (0, 255, 255, 0)), dict(name="a.JPG"), (255, 0, 0)),
    "CMYK tiff": (Image.new("CMYK", (16, 16), (0, 255, 255, 0)), dict(name="a.tif"), (255, 0, 0)),
    "YCbCr": (Image.new("YCbCr", (16, 16), (76, 85, 255)), dict(name="a.jpeg"), (254, 0, 0)),
    "bmp": (RED, dict(name="a.BMP"), (255, 0, 0)),
    "another suffix than its kind": (RED, dict(name="a.jpg", format="PNG"), (255, 0, 0)),
    "one pixel": (Image.new("RGB", (1, 1), "red"), {}, (255, 0, 0)),
    "one row": (Image.new("RGB", (3000, 1), "red"), {}, (255, 0, 0)),
    "a damaged note of the camera": (GREY, dict(exif=b"Exif\0\0garbage!!"), RAMP),
    "turned by the camera": (GREY, dict(exif=turned(6)), RAMP.T),
    "turned upside down": (GREY, dict(exif=turned(3)), RAMP[:, ::-1]),
    "turned, as jpeg": (GREY, dict(name="a.jpg", exif=turned(8), quality=99), RAMP.T[::-1]),
    "unicode": (RED, dict(name="Ünï 猫.png"), (255, 0, 0)),
}


@pytest.mark.parametrize("case", SEEN)
def test_as_a_person_sees_it(tmp_path, capsys, case):
    picture, how, right = SEEN[case]
    x = one(tmp_path / "d", picture, **how)
    if isinstance(right, tuple):
        assert np.broadcast_to(x, (3, 16, 16))[:, 8, 8].tolist() == list(right)
    else:
        assert x.ndim == 2 and np.abs(x - 255 * right).max() <= (2 if "jpeg" in case else .51)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("end", ["gif", "webp", "tif", "png"])
def test_of_several_frames_the_first(tmp_path, capsys, end):
    how = {"lossless": True} if end == "webp" else {}
    frames = dict(save_all=True, append_images=[Image.new("RGB", (16, 16), "blue")])
    x = one(tmp_path / "d", RED, f"a.{end}", **frames, **how)
    assert x[:, 8, 8].tolist() == [255, 0, 0]
    assert capsys.readouterr().out == "d: of 1 with several frames the first is taken.\n"


NUMBERS = {
    "floats to 255": ((RAMP * 255).astype(np.float32), "a.tif", "from 0 to 255, and only 0 to 1"),
    "negative floats": ((RAMP - .5).astype(np.float32), "a.tif", "from -0.5 to 0.5"),
    "NaN": (np.where(RAMP > .5, np.nan, RAMP).astype(np.float32), "a.tif", "nan"),
    "32 bits": (deep(np.int32, 1e6), "a.tif", "32-bit grey from 0 to 1e"),
    "32 bits to 255": (deep(np.int32, 255), "a.tif", "32-bit grey from 0 to 255"),
    "16 bits that would be black": (deep(high=255), "a.png", "up to 255 of 65,535"),
    "no picture": (b"not a picture", "a.png", "no picture that can be read"),
    "empty": (b"", "a.jpg", "no picture that can be read"),
    "a page in its place": (b"<!DOCTYPE html><html>404</html>", "a.jpeg", "no picture"),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_what_cannot_be_shown_is_refused_by_name(tmp_path, case):
    picture, name, says = NUMBERS[case]
    with pytest.raises(DataUnavailable, match=f"d.{name}.* {says}"):
        one(tmp_path / "d", picture, name)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("end", ["png", "jpeg", "bmp", "gif", "tiff", "webp", "ppm"])
def test_a_truncated_picture_is_whole_or_refused(tmp_path, end):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    file = io.BytesIO()
    noise.save(file, end)
    whole = one(tmp_path / "whole", file.getvalue(), f"a.{end}")
    refused = 0
    for cut in (1, 9, 40, 200, file.tell() // 2, file.tell() - 10):
        try:
            assert (one(tmp_path / str(cut), file.getvalue()[:-cut], f"a.{end}") == whole).all()
        except DataUnavailable:
            refused += 1
    assert refused >= 3


# ---- what lies in folders besides pictures of classes -----------------------------------------

def tree(folder, *paths):
    """Files in a folder: pictures of one colour, something else under other suffixes."""
    for i, path in enumerate(paths):
        place = folder / path
        if path.endswith("/"):
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.suffix.lower() in (".png", ".jpg"):
            Image.new("L", (8 + i % 5, 9), i % 250).save(place)
        else:
            place.write_bytes(b"text")
    return folder


PETS = ["cats/1.png", "cats/2.png", "dogs/1.png", "dogs/2.png"]
CATS, BOTH = ("cats",), ("cats", "dogs")
FOUND = {                                # what lies there -> classes, how many, what the line says
    "classes": (PETS, BOTH, 4, ""),
    "one class": (["cats/1.png"], CATS, 1, ""),
    "no class": (["1.png", "2.png"], (), 2, ""),
    "mixed sizes": ([f"{i}.png" for i in range(8)], (), 7 + 1, ""),
    "a folder of the editor": ([*PETS, ".ipynb_checkpoints/x.png"], BOTH, 4,
                               "left out 1 hidden (.ipynb_checkpoints)."),
    "one in a class": ([*PETS, "cats/.ipynb_checkpoints/x.png"], BOTH, 4, "left out 1 hidden"),
    "what a Mac packs": ([*PETS, "__MACOSX/cats/._1.png", ".DS_Store", "cats/._1.png"], BOTH, 4,
                         "left out 2 hidden (__MACOSX)."),
    "what Windows leaves": ([*PETS, "cats/Thumbs.db", "desktop.ini"], BOTH, 4, ""),
    "previews of a disk": ([*PETS, "cats/@eaDir/1.png"], BOTH, 4, "left out 1 hidden (@eaDir)."),
    "a stray picture": ([*PETS, "stray.png"], BOTH, 4,
                        "left out 1 picture beside the folders of the classes (stray.png)."),
    "four strays": ([*PETS, *"a.png b.png c.png d.png".split()], BOTH, 4,
                    "left out 4 pictures beside the folders of the classes (a.png, b.png, c.png, "),
    "more strays than pictures in classes": (
        ["old/1.png", "1.png", "2.png"], (), 3,
        "no labels, as most pictures lie beside the subfolders."),
    "other kinds": ([*PETS, "labels.csv", "cats/3.heic", "cats/4.HEIC", "README"], BOTH, 4,
                    "left out 4 of other kinds (.heic, without a suffix, .csv)."),
    "an empty folder": ([*PETS, "ants/"], BOTH, 4, "left out 1 folder without pictures (ants)."),
    "a folder of texts": ([*PETS, "notes/1.txt"], BOTH, 4,
                          "1 of other kinds (.txt); 1 folder without pictures (notes)."),
    "deeper folders": (["cats/in/1.png", "cats/out/far/2.png", "dogs/1.png"], BOTH, 3, ""),
    "names of any alphabet": (["猫/1.png", "собаки/1.png"], ("собаки", "猫"), 2, ""),
    "accents in two pieces": (["cafe\u0301/1.png", "tea/1.png"], ("café", "tea"), 2, ""),
    "a suffix in capitals": (["cats/1.PNG", "cats/2.JPG"], CATS, 2, ""),
    "splits": (["train/cats/1.png", "test/cats/1.png", "train/dogs/1.png"], BOTH, 2, ""),
    "splits in capitals": (["Train/cats/1.png", "TEST/cats/1.png"], CATS, 1, ""),
    "splits in other words": (["training/cats/1.png", "testing/cats/1.png"], CATS, 1, ""),
    "a class that only the test has": (["train/dogs/1.png", "test/cats/1.png"], BOTH, 1, ""),
    "a third split": (["train/cats/1.png", "test/cats/1.png", "val/cats/1.png"], CATS, 1,
                      "left out 1 picture outside test and train (1.png)."),
    "a folder with a picture's name": ([*PETS, "cats/x.png/"], BOTH, 4, ""),
}


@pytest.mark.parametrize("case", FOUND)
def test_what_is_taken_and_what_is_said(tmp_path, capsys, case):
    paths, classes, many, line = FOUND[case]
    found = load_images(tree(tmp_path / "pets", *paths), size=8)
    assert (found.classes, len(found)) == (classes, many)
    assert (found.labels is None) == (not classes)
    said = capsys.readouterr().out
    assert said.count("\n") == bool(line) and line in said
    assert not line or said.startswith("pets: ")
    load_images(tmp_path / "pets", size=8)
    assert capsys.readouterr().out == ""                                       # said once


def test_a_class_bears_one_number_in_both_splits(tmp_path):
    tree(tmp_path, *(f"ants/{i}.png" for i in range(5)), *(f"bees/{i}.png" for i in range(6)))
    train, test = (load_images(tmp_path, split, 8) for split in ("train", "test"))
    assert train.classes == test.classes == ("ants", "bees")
    assert test.labels.tolist() == [1] and train.labels.tolist() == [0] * 5 + [1] * 5


def test_links_are_followed_and_lead_nowhere_twice(tmp_path, capsys):
    tree(tmp_path / "far", "1.png", "2.png")
    pets = tree(tmp_path / "pets", "dogs/1.png")
    os.symlink(tmp_path / "far", pets / "cats")                     # a class that lies elsewhere
    os.symlink(pets, pets / "dogs" / "up")                          # back to where one came from
    os.symlink("gone.png", pets / "dogs" / "broken.png")
    os.symlink("itself.png", pets / "dogs" / "itself.png")
    found = load_images(pets, size=8)
    assert found.classes == BOTH and found.labels.tolist() == [0, 0, 1]
    assert "3 of other kinds (broken links, links to themselves)" in capsys.readouterr().out


@pytest.mark.skipif(os.name == "nt", reason="POSIX")
def test_a_pipe_with_a_pictures_name_is_not_waited_for(tmp_path, capsys):
    os.mkfifo(tree(tmp_path / "pets", "1.png") / "2.png")
    assert len(load_images(tmp_path / "pets", size=8)) == 1
    assert "1 of other kinds (no files)" in capsys.readouterr().out


NOTHING = {
    "nothing": ([], "train", "has no pictures for the split 'train': put some there, as .bmp"),
    "texts": (["1.txt", "2.heic"], "train", r"it holds 2 of other kinds \(.txt, .heic\): put some"),
    "hidden ones": ([".x.png", ".git/1.png"], "train", "has no pictures"),
    "too few for a test": (["1.png", "2.png"], "test", "every tenth is for the test, and it has 2"),
    "no test": (["train/1.png"], "test", "has a folder train/ and none called test/"),
    "no train": (["Testing/1.png"], "train", "has a folder Testing/ and none called train/"),
    "an empty test": (["train/1.png", "test/"], "test", "test has no pictures for the split"),
}


@pytest.mark.parametrize("case", NOTHING)
def test_a_split_without_pictures(tmp_path, case):
    paths, split, says = NOTHING[case]
    with pytest.raises(DataUnavailable, match=says):
        load_images(tree(tmp_path / "pets", *paths, "here/"), split)


def test_a_folder_that_cannot_be_opened_is_named(tmp_path, monkeypatch):
    look = os.scandir
    tree(tmp_path / "pets", *PETS, ".git/1.png")

    def scandir(path):
        if os.path.basename(path) in (closed, ".git"):
            raise PermissionError(13, "Permission denied")
        return look(path)

    monkeypatch.setattr(os, "scandir", scandir)
    closed = "dogs"
    with pytest.raises(DataUnavailable, match="dogs cannot be looked into .Permission denied"):
        load_images(tmp_path / "pets")
    closed = ".git"                                             # a hidden one is not missed
    assert len(load_images(tmp_path / "pets")) == 4


@pytest.mark.parametrize("name", ["", "  ", "mnits", "cifar100", "~nobody-of-this-name/x",
                                  "a" * 5000, "a\0b", b"mnist", 3, True, ["mnist"], object()])
def test_no_set_and_no_folder(name):
    with pytest.raises(ValueError, match="no image set and no folder is called .*there are mnist"):
        load_images(name)


def test_a_file_in_place_of_its_folder(tmp_path):
    with pytest.raises(ValueError, match="1.png' is a file: name the folder"):
        load_images(tree(tmp_path, "1.png") / "1.png")


@pytest.mark.parametrize("size", [0, 7, 257, 28.0, "28", True, (28, 28), np.nan])
def test_sizes_that_are_none(tmp_path, size):
    with pytest.raises(ValueError, match="size = .*: a whole number from 8 to 256"):
        load_images(tree(tmp_path, "1.png"), size=size)


def test_folders_that_look_alike_are_one_class(tmp_path, capsys):
    for name in ("\u00e9", "e\u0301", "z", "z "):          # é in one piece and in two
        (tmp_path / name).mkdir()
        RED.save(tmp_path / name / "a.png")
    found = load_images(tmp_path, size=16)
    assert found.classes == ("z", "é") and sorted(found.labels.tolist()) == [0, 0, 1, 1]
    assert "folders that look alike are one class: z, é" in capsys.readouterr().out
