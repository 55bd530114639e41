"""The image sets: official files of every kind, and everything that can be wrong with them."""

import gzip
import hashlib
import io
import os
import struct
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lessons import DataUnavailable, load_images
from gan_lessons.data import datasets, glyphs


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No data, an empty cache, no network: each test brings what it needs."""
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GAN_LESSONS_OFFLINE", "1")
    datasets._say_once.cache_clear()
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def idx(array):
    array = np.asarray(array, np.uint8)
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def digits(n, side=28, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, side, side)), rng.integers(0, 10, n)


def put(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def put_idx(folder, n=5, packed=False, train=True, seed=0):
    x, y = digits(n, seed=seed)
    head, pack = "train" if train else "t10k", gzip.compress if packed else bytes
    end = ".gz" if packed else ""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{head}-images-idx3-ubyte{end}").write_bytes(pack(idx(x)))
    (folder / f"{head}-labels-idx1-ubyte{end}").write_bytes(pack(idx(y)))
    return x, y


@pytest.mark.parametrize("name, folder", [
    ("mnist", "mnist"), ("mnist", "MNIST/raw"), ("mnist", "."),
    ("fashion_mnist", "fashion_mnist"), ("fashion_mnist", "FashionMNIST/raw")])
@pytest.mark.parametrize("packed, n, split", [(False, 5, "train"), (True, 3, "test")])
def test_idx_files(nowhere, capsys, name, folder, packed, n, split):
    x, y = put_idx(nowhere / folder, n, packed, split == "train", seed=n)
    found = load_images(name, split)
    assert found.images.dtype == torch.uint8 and found.images.shape == (n, 1, 28, 28)
    assert np.array_equal(found.images[:, 0], x) and np.array_equal(found.labels, y)
    assert found.name == name and len(found) == n and len(found.classes) == 10
    assert "no checksum that is known here" in capsys.readouterr().out
    load_images(name, split)
    assert capsys.readouterr().out == ""  # said once


def test_mnist_and_fashion_mnist_are_not_taken_for_each_other(nowhere):
    put_idx(nowhere / "fashion_mnist")
    with pytest.raises(DataUnavailable, match="GAN_LESSONS_DATA"):
        load_images("mnist")


def records(n, seed=0):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 256, (n, 3, 32, 32), np.uint8), rng.integers(0, 10, n).astype(np.uint8)
    return x, y, np.concatenate([y[:, None], x.reshape(n, -1)], 1).tobytes()


def tarball(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


CIFAR = [f"data_batch_{i}.bin" for i in range(1, 6)]


@pytest.mark.parametrize("packed", [False, True])
def test_cifar_binary_version(nowhere, capsys, packed):
    parts = {name: records(2 + i, i) for i, name in enumerate(CIFAR)}
    files = {f"cifar-10-batches-bin/{name}": part[2] for name, part in parts.items()}
    if packed:
        tarball(nowhere / "cifar-10-binary.tar.gz", files)
    else:
        put(nowhere / "cifar-10-batches-bin", **{n: p[2] for n, p in parts.items()})
    found = load_images("CIFAR10")
    assert found.images.shape == (2 + 3 + 4 + 5 + 6, 3, 32, 32)
    assert np.array_equal(found.images, np.concatenate([p[0] for p in parts.values()]))
    assert np.array_equal(found.labels, np.concatenate([p[1] for p in parts.values()]))
    assert found.classes[3] == "cat"
    assert "cifar10" in capsys.readouterr().out


def test_svhn(nowhere):
    from scipy.io import savemat
    x = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 4), np.uint8)
    (nowhere / "svhn").mkdir(parents=True)
    savemat(nowhere / "svhn" / "test_32x32.mat", {"X": x, "y": np.array([[10], [3], [1], [9]])})
    found = load_images("svhn", "test")
    assert found.labels.tolist() == [0, 3, 1, 9]  # 10 stands for the digit 0
    assert found.images[2, 1, 7, 30] == x[7, 30, 1, 2]


def test_a_folder_of_pictures(tmp_path):
    for kind, count in (("cats", 12), ("dogs", 9)):
        (tmp_path / "pets" / kind).mkdir(parents=True)
        for i in range(count):
            picture = Image.new("RGB", (60, 40), (255, 0, 0) if kind == "cats" else (0, 0, 255))
            picture.paste((0, 255, 0), (0, 0, 6, 40))  # left edge, outside the centre square
            picture.save(tmp_path / "pets" / kind / f"{i:02}.png")
    train, test = (load_images(tmp_path / "pets", split) for split in ("train", "test"))
    assert train.images.shape == (19, 3, 32, 32) and len(test) == 2
    assert train.classes == ("cats", "dogs") and train.labels.tolist() == [0] * 11 + [1] * 8
    assert train.images[0, 0].min() == 255 and train.images[0, 1].max() == 0
    assert train.images[-1, 2].min() == 255
    assert load_images(str(tmp_path / "pets" / "cats"), size=64).images.shape == (11, 3, 64, 64)
    assert load_images(tmp_path / "pets" / "cats").labels is None
    (tmp_path / "pets" / "cats" / "zz.jpg").write_bytes(b"not a picture")
    with pytest.raises(DataUnavailable, match="zz.jpg"):
        load_images(tmp_path / "pets")


def test_a_folder_divided_by_its_owner(tmp_path):
    for split, count in (("train", 3), ("test", 2)):
        (tmp_path / split).mkdir()
        for i in range(count):
            Image.new("L", (50, 50), 10 * i).save(tmp_path / split / f"{i}.png")
    assert len(load_images(tmp_path)) == 3 and len(load_images(tmp_path, "test")) == 2


@pytest.mark.parametrize("size", [32, 64])
def test_other_sizes(nowhere, size):
    put_idx(nowhere / "mnist")
    assert load_images("mnist", size=size).images.shape == (5, 1, size, size)


# ---- what is refused, and by name ------------------------------------------------------------

@pytest.mark.parametrize("damage, says", [
    (lambda data: data[:-1], "train-images.*truncated"),
    (lambda data: data + b"x", "train-images.*wrong size"),
    (lambda data: b"\x80\x04" + data[2:], "train-images.*not an IDX file"),
    (lambda data: data[:7], "train-images.*not an IDX file"),
    (lambda data: b"", "train-images.*not an IDX file"),
    (lambda data: gzip.compress(data)[:-9], "train-images.*truncated or corrupt"),
    (lambda data: gzip.compress(data)[:99] + b"!!" + gzip.compress(data)[101:],
     "train-images.*truncated or corrupt"),
    (lambda data: idx(digits(5, 27)[0]), r"train-images.*not \(n, 28, 28\)"),
    (lambda data: idx(digits(4)[0]), "train-labels.*one label for each"),
])
def test_damaged_idx_files(nowhere, damage, says):
    put_idx(nowhere / "mnist")
    path = nowhere / "mnist" / "train-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataUnavailable, match=says):
        load_images("mnist")


def test_labels_beyond_the_classes(nowhere):
    put_idx(nowhere / "mnist")
    (nowhere / "mnist" / "train-labels-idx1-ubyte").write_bytes(idx([1, 2, 3, 4, 11]))
    with pytest.raises(DataUnavailable, match="train-labels.*11"):
        load_images("mnist")


def test_half_a_set_is_named(nowhere):
    put_idx(nowhere / "mnist")
    (nowhere / "mnist" / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataUnavailable, match="train-labels-idx1-ubyte is missing"):
        load_images("mnist")


def test_damaged_cifar_records(nowhere):
    put(nowhere / "cifar-10-batches-bin", **{n: records(2)[2] for n in CIFAR})
    (nowhere / "cifar-10-batches-bin" / "data_batch_4.bin").write_bytes(records(2)[2][:-1])
    with pytest.raises(DataUnavailable, match="data_batch_4.bin.*truncated"):
        load_images("cifar10")


@pytest.mark.parametrize("bad", ["../data_batch_1.bin", "/etc/data_batch_1.bin", "a/../../b.bin",
                                 "..\\data_batch_1.bin"])
def test_an_archive_that_leaves_its_folder(nowhere, bad):
    files = {f"cifar-10-batches-bin/{n}": records(2)[2] for n in CIFAR} | {bad: b"evil"}
    tarball(nowhere / "cifar-10-binary.tar.gz", files)
    before = sorted(nowhere.parent.rglob("*"))
    with pytest.raises(DataUnavailable, match="cifar-10-binary.tar.gz is refused.*b.*bin"):
        load_images("cifar10")
    assert sorted(nowhere.parent.rglob("*")) == before


def test_an_archive_with_a_link(nowhere):
    with tarfile.open(nowhere / "cifar-10-binary.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("test_batch.bin")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(DataUnavailable, match="test_batch.bin"):
        load_images("cifar10", "test")


@pytest.mark.parametrize("cut", [20, 2000])
def test_a_truncated_archive(nowhere, cut):
    path = nowhere / "cifar-10-binary.tar.gz"
    tarball(path, {n: records(2)[2] for n in CIFAR})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataUnavailable, match="cifar-10-binary.tar.gz"):
        load_images("cifar10")


@pytest.mark.parametrize("content", [b"", b"MATLAB 5.0 MAT-file" + bytes(200)])
def test_a_damaged_mat_file(nowhere, content):
    (nowhere / "svhn").mkdir(parents=True)
    (nowhere / "svhn" / "train_32x32.mat").write_bytes(content)
    with pytest.raises(DataUnavailable, match="train_32x32.mat"):
        load_images("svhn")


def test_a_mat_file_of_another_shape(nowhere):
    from scipy.io import savemat
    (nowhere / "svhn").mkdir(parents=True)
    savemat(nowhere / "svhn" / "train_32x32.mat",
            {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.ones((3, 1))})
    with pytest.raises(DataUnavailable, match=r"train_32x32.mat holds X \(32, 32, 3, 2\)"):
        load_images("svhn")


SVHN_LABELS = {
    "NaN": [1., np.nan, 3.], "below": [1, -1, 3], "broken": [1., 3.7, 2.], "beyond": [1, 11, 3],
    "infinite": [1., np.inf, 3.], "far beyond": np.array([1, 200, 3], np.uint8),
    "complex": [1j, 2, 3], "words": np.array(["1", "2", "3"], object)}


@pytest.mark.parametrize("case", SVHN_LABELS)
def test_svhn_labels_that_are_none(nowhere, case):
    from scipy.io import savemat
    (nowhere / "svhn").mkdir(parents=True)
    savemat(nowhere / "svhn" / "train_32x32.mat", {
        "X": np.zeros((32, 32, 3, 3), np.uint8), "y": np.asarray(SVHN_LABELS[case])[:, None]})
    with pytest.raises(DataUnavailable, match="train_32x32.mat has .*the ten classes are 1 to 10"):
        load_images("svhn")


@pytest.mark.parametrize("header", [
    (2 ** 32 - 1,) * 4, (2 ** 31, 2 ** 31, 4), (0, 28, 28), (5, 28, 29), (5, 28), (3920,)])
def test_idx_headers_that_promise_something_else(nowhere, header):
    put_idx(nowhere / "mnist")
    path = nowhere / "mnist" / "train-images-idx3-ubyte"
    head = struct.pack(f">BBBB{len(header)}I", 0, 0, 8, len(header), *header)
    path.write_bytes(head + path.read_bytes()[16:])
    with pytest.raises(DataUnavailable, match="train-images"):
        load_images("mnist")


# ---- the reader's own folder -----------------------------------------------------------------

@pytest.mark.parametrize("named", ["{}/dta", "{}/data/mnist/train-images-idx3-ubyte",
                                   "~nobody-of-this-name/data", "a" * 5000])
@pytest.mark.parametrize("ask", [(), ("mnist",), ("svhn", "test")])
def test_a_mistyped_folder_never_means_drawn_digits(nowhere, tmp_path, monkeypatch, named, ask):
    put_idx(nowhere / "mnist")
    monkeypatch.setenv("GAN_LESSONS_DATA", named.format(tmp_path))
    with pytest.raises(ValueError, match="GAN_LESSONS_DATA is .* is no folder: correct or unset"):
        load_images(*ask)


def test_blanks_around_the_folder_are_none_of_its_name(nowhere, monkeypatch):
    put_idx(nowhere / "mnist")
    monkeypatch.setenv("GAN_LESSONS_DATA", f" {nowhere}\n")
    assert load_images().name == "mnist"


def test_a_folder_without_mnist_is_named_when_digits_are_drawn(few_glyphs, nowhere, capsys):
    assert load_images().name == "glyphs"
    assert f"it is set to {nowhere}, where none of them lies" in capsys.readouterr().out


def test_damaged_mnist_is_not_replaced_by_drawn_digits(nowhere):
    put_idx(nowhere / "mnist")
    for name, says in (("train-labels-idx1-ubyte", "is truncated"),
                       ("train-images-idx3-ubyte", "is not an IDX file")):
        (nowhere / "mnist" / name).write_bytes(idx([1, 2])[:-1] if "label" in name else b"")
        with pytest.raises(DataUnavailable, match=says):
            load_images()
        put_idx(nowhere / "mnist")
    (nowhere / "mnist" / name).unlink()
    with pytest.raises(DataUnavailable, match="not complete"):
        load_images()


def test_drawn_digits_are_no_test_for_mnist(nowhere):
    put_idx(nowhere / "mnist")
    with pytest.raises(DataUnavailable, match="has its train files alone.*OFFLINE"):
        load_images(split="test")


def test_files_that_cannot_be_read_are_named(nowhere, monkeypatch):
    put_idx(nowhere / "mnist")
    monkeypatch.setattr(datasets.Path, "read_bytes",
                        lambda path: (_ for _ in ()).throw(PermissionError(13, "denied")))
    with pytest.raises(DataUnavailable, match="mnist in .* cannot be read .*denied"):
        load_images()


@pytest.mark.parametrize("name", ["MNIST", "Mnist", " mnist", "Fashion-MNIST", "FashionMNIST",
                                  "CIFAR-10", "cifar_10", "SVHN"])
def test_names_as_their_publishers_write_them(nowhere, name):
    with pytest.raises(DataUnavailable, match="cannot be had here"):
        load_images(name)


@pytest.mark.parametrize("ask, says", [
    (dict(name="mnits"), "fashion_mnist, cifar10, svhn, glyphs"),
    (dict(name="glyphs", split="valid"), '"train" or "test"'),
    (dict(name="glyphs", size=3), "32 or 64"),
])
def test_mistakes_are_named(ask, says):
    with pytest.raises(ValueError, match=says):
        load_images(**ask)


# ---- glyphs ----------------------------------------------------------------------------------

@pytest.fixture
def few_glyphs(monkeypatch):
    """The set of drawn digits, smaller, and not yet drawn."""
    draw = glyphs.draw
    monkeypatch.setattr(glyphs, "draw", lambda n, seed: draw(n // 100, seed))
    datasets._glyphs.cache_clear()
    yield
    datasets._glyphs.cache_clear()


def test_the_stencils_are_those_that_all_stored_pictures_were_drawn_from():
    """Whatever the versions of matplotlib, Pillow and FreeType: a seed means the same picture."""
    grey = np.rint(255 * glyphs.stencils()).astype(np.uint8)
    assert grey.shape == (17, 10, 56, 56) and glyphs.stencils().dtype == np.float32
    assert hashlib.sha256(np.ascontiguousarray(grey).tobytes()).hexdigest() == (
        "1c361b7a209c0207d2da1709eb816c7cbaa71739acf9130d9cdbf14de14901f0")


def test_the_tool_draws_the_shipped_stencils():
    """Up to the edges, which another FreeType smoothes otherwise; of the fonts that all have."""
    import stencils  # tools/ is on the path
    fresh = np.asarray(stencils.sheet(stencils.FONTS[:2])).astype(int)
    shipped = np.asarray(Image.open(glyphs.SHEET)).astype(int)
    assert np.abs(fresh - shipped[:len(fresh)]).mean() < 1


@pytest.mark.parametrize("n, seed", [(60, 0), (1001, 7)])
def test_glyphs_repeat_by_their_seed(n, seed):
    (x, y), (again, labels) = glyphs.draw(n, seed), glyphs.draw(n, seed)
    assert x.shape == (n, 1, 28, 28) and x.dtype == np.uint8
    assert np.array_equal(x, again) and np.array_equal(y, labels)
    assert not np.array_equal(y, glyphs.draw(n, seed + 1)[1])


def test_glyphs_look_like_digits():
    x, y = glyphs.draw(1500, 3)
    assert np.bincount(y, minlength=10).min() > 100
    ink = x.mean((1, 2, 3)) / 255
    assert 0.03 < ink.min() and ink.max() < 0.45
    border = np.concatenate([x[:, 0, 0], x[:, 0, -1], x[:, 0, :, 0], x[:, 0, :, -1]])
    assert border.mean() < 1  # nothing is cut off
    # the nearest of the other images is mostly of the same class
    flat = torch.from_numpy(x.reshape(len(x), -1)).float()
    distance = torch.cdist(flat, flat).fill_diagonal_(torch.inf)
    assert (y[distance.argmin(1)] == y).mean() > 0.8  # by chance 0.1


def test_without_mnist_glyphs_stand_in_and_say_so_once(few_glyphs, capsys):
    found = load_images()
    said = capsys.readouterr().out
    assert found.name == "glyphs" and len(found) == 200 and len(found.classes) == 10
    assert said.count("\n") == 1 and "GAN_LESSONS_DATA" in said
    load_images()
    assert capsys.readouterr().out == ""
    with pytest.raises(DataUnavailable, match="mnist/ and set GAN_LESSONS_DATA"):
        load_images("mnist")


def test_with_mnist_mnist_is_taken(nowhere):
    put_idx(nowhere / "mnist")
    assert load_images().name == "mnist"


def test_glyphs_are_drawn_once_and_drawn_again_if_damaged(few_glyphs, tmp_path, monkeypatch):
    first = load_images("glyphs")
    assert load_images("glyphs") is first
    (kept,) = (p for p in (tmp_path / "cache").rglob("*") if p.is_file())
    with monkeypatch.context() as patch:
        patch.setattr(glyphs, "draw", None)
        datasets._glyphs.cache_clear()
        assert torch.equal(load_images("glyphs").images, first.images)
    kept.write_bytes(kept.read_bytes()[:500])
    datasets._glyphs.cache_clear()
    assert torch.equal(load_images("glyphs").images, first.images)
    assert not torch.equal(load_images("glyphs", "test").images[:10], first.images[:10])


def other_pictures(path, kept):
    np.savez(path, **kept | {"images": kept["images"][::-1]})


def other_labels(path, kept):
    np.savez(path, **kept | {"labels": kept["labels"][::-1]})


FOREIGN = {
    "other pictures": other_pictures, "other labels": other_labels,
    "fewer": lambda path, kept: np.savez(path, **{name: part if part.ndim == 0 else part[:3]
                                                  for name, part in kept.items()}),
    "without a mark": lambda path, kept: np.savez(path, images=kept["images"],
                                                  labels=kept["labels"]),
    "somebody's arrays": lambda path, kept: np.savez(path, a=np.zeros(3)),
    "pickled": lambda path, kept: np.savez(path, **kept | {"images": np.array([{}], object)}),
    "one array": lambda path, kept: path.with_suffix(".npy").rename(path) if np.save(
        path.with_suffix(".npy"), kept["images"]) is None else None,
    "a text": lambda path, kept: path.write_text("hello"),
    "empty": lambda path, kept: path.write_bytes(b""),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_cache_of_digits_is_drawn_anew(few_glyphs, tmp_path, kind):
    first = load_images("glyphs")
    (path,) = (p for p in (tmp_path / "cache").rglob("*") if p.is_file())
    with np.load(path) as file:
        kept = dict(file)
    FOREIGN[kind](path, kept)
    datasets._glyphs.cache_clear()
    found = load_images("glyphs")
    assert torch.equal(found.images, first.images) and torch.equal(found.labels, first.labels)
    with np.load(path) as file:
        assert (file["images"] == kept["images"]).all() and str(file["mark"]) == str(kept["mark"])


def test_the_digits_of_one_split_are_not_those_of_the_other(few_glyphs, tmp_path):
    train, test = load_images("glyphs"), load_images("glyphs", "test")
    one, other = sorted(p for p in (tmp_path / "cache").rglob("*") if p.is_file())
    one.write_bytes(other.read_bytes())
    datasets._glyphs.cache_clear()
    assert torch.equal(load_images("glyphs", "test").images, test.images)
    assert torch.equal(load_images("glyphs").images, train.images)


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_in_the_cache_of_digits_is_not_waited_for(few_glyphs, tmp_path, make):
    first = load_images("glyphs")
    (path,) = (p for p in (tmp_path / "cache").rglob("*") if p.is_file())
    path.unlink()
    make(path)
    datasets._glyphs.cache_clear()
    assert torch.equal(load_images("glyphs").images, first.images)


def inverted(data):
    file = io.BytesIO()
    Image.fromarray(255 - np.asarray(Image.open(io.BytesIO(data)))).save(file, "png")
    return file.getvalue()


@pytest.mark.parametrize("damage", [lambda data: data[:500], lambda data: b"", lambda data: b"hi",
                                    lambda data: data[:-900], inverted])
def test_damaged_stencils_say_how_to_fetch_them(tmp_path, monkeypatch, damage):
    (tmp_path / "s.png").write_bytes(damage(glyphs.SHEET.read_bytes()))
    monkeypatch.setattr(glyphs, "SHEET", tmp_path / "s.png")
    glyphs.stencils.cache_clear()
    with pytest.raises(DataUnavailable, match="s.png, .*git checkout"):
        glyphs.stencils()
    monkeypatch.undo()
    assert glyphs.stencils().shape == (17, 10, 56, 56)


def test_a_cache_that_cannot_be_written_does_not_matter(few_glyphs, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "file"))
    assert len(load_images("glyphs")) == 200
