"""Image sets in memory: local files first, then the cache, then a download, or drawn offline.

    load_images()                 MNIST where it can be had, else glyphs, with a line that says so
    load_images("cifar10")        also mnist, fashion_mnist, svhn, glyphs
    load_images("~/faces", size=64)   a folder of your own pictures

Files of your own are looked for under $GAN_LESSONS_DATA, in the layouts in which they are
published. Explained in notebooks/00_start_here.ipynb.
"""
from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..exact.checks import check_count, told
from . import formats
from .batches import Batches, batches
from .downloads import cache, fetch
from .files import atomic_write
from .formats import DataUnavailable
from .images import Images

__all__ = ["Batches", "DataUnavailable", "Images", "batches", "load_images"]

DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Source:
    """A published image set: where it is found, what its files are called, how they are read."""

    classes: tuple[str, ...]
    folders: tuple[str, ...]             # under $GAN_LESSONS_DATA, in the order of looking
    files: dict[str, tuple[str, ...]]    # split -> names of the unpacked files
    read: Callable[[dict[str, bytes]], tuple[np.ndarray, np.ndarray]]    # files -> images, labels
    mirrors: tuple[str, ...]
    md5: dict[str, str]                  # of the published files, as their publishers state it
    sha256: dict[str, str]               # of the unpacked ones, where it is known
    megabytes: int                       # of all published files together


IDX = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
       "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")}


def _idx(files):
    images, labels = files.values()
    return formats.idx_pair(images, labels, tuple(files))


def _svhn(files):
    (name, data), = files.items()
    return formats.svhn(data, name)


SOURCES = {
    "mnist": Source(
        classes=DIGITS,
        folders=("mnist", "MNIST/raw", "mnist/raw", "MNIST", "."),
        files=IDX, read=_idx, megabytes=12,
        mirrors=("https://ossci-datasets.s3.amazonaws.com/mnist/",
                 "https://storage.googleapis.com/cvdf-datasets/mnist/"),
        md5={"train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
             "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
             "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
             "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c"},
        sha256={
            "train-images-idx3-ubyte":
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte":
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte":
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte":
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}),
    "fashion_mnist": Source(
        classes=tuple(
            "t-shirt trouser pullover dress coat sandal shirt sneaker bag boot".split()),
        folders=("fashion_mnist", "FashionMNIST/raw", "fashion-mnist", "fashion"),
        files=IDX, read=_idx, megabytes=31,
        mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                 "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/"
                 "fashion/"),
        md5={"train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
             "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
             "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
             "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310"},
        sha256={}),
    "cifar10": Source(
        classes=tuple("airplane automobile bird cat deer dog frog horse ship truck".split()),
        folders=("cifar-10-batches-bin", "cifar10/cifar-10-batches-bin", "cifar10", "."),
        files={"train": tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
               "test": ("test_batch.bin",)},
        read=formats.cifar, megabytes=170,
        mirrors=("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/",
                 "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/"),
        md5={"cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530"},
        sha256={}),
    "svhn": Source(
        classes=DIGITS,
        folders=("svhn", "SVHN", "."),
        files={"train": ("train_32x32.mat",), "test": ("test_32x32.mat",)},
        read=_svhn, megabytes=246,
        mirrors=("http://ufldl.stanford.edu/housenumbers/",),
        md5={"train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
             "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3"},
        sha256={}),
}


def load_images(name=None, split: str = "train", size: int | None = None) -> Images:
    """All images of a set, in memory.

    name   "mnist", "fashion_mnist", "cifar10", "svhn", "glyphs", or a folder of pictures, whose
           subfolders are the classes; without a name MNIST, or glyphs where it cannot be had
    split  "train" or "test"; a folder without these subfolders gives every tenth picture to "test"
    size   pixels of a side; a folder's pictures are cut to their centre square (32 if not stated)

    A folder's pictures are in colour, upright, and on white where they are transparent; one printed
    line says what was left out. Raises DataUnavailable, with the remedy, for a set that cannot be
    had or files that are truncated, corrupt or of the wrong size; ValueError for an unknown name,
    split or size, and for a GAN_LESSONS_DATA that is no folder.
    """
    if not isinstance(split, str) or split not in ("train", "test"):
        raise ValueError(f'split={told(split)}: choose "train" or "test"')
    if size is not None:
        check_count("size", size, 8, 256, "the pixels of a side; our networks take 28, 32 or 64")
        size = int(size)
    known = {_plain(key): key for key in SOURCES}
    if name is None:
        try:
            found = _published("mnist", split)
        except _Nowhere as error:
            _say_once(f"Digits drawn from fonts stand in for MNIST. {error}")
            found = _glyphs(split)
    elif (key := _plain(name)) in known:
        found = _published(known[key], split)
    elif key == "glyphs":
        found = _glyphs(split)
    else:
        return _folder(_existing(name), split, size or 32)
    return found if size in (None, found.images.shape[-1]) else _resized(found, size)


class _Nowhere(DataUnavailable):
    """A set of which the reader has no file, and which cannot be fetched either."""


def _plain(name) -> str:
    """A name without case, dashes and blanks: "CIFAR-10" and "cifar_10" are one. "" for no name."""
    if not isinstance(name, (str, os.PathLike)):
        return ""
    return str(name).lower().translate(dict.fromkeys(map(ord, "-_ ")))


def _existing(name) -> Path:
    """The folder of this name. ValueError where there is none, DataUnavailable where nobody may
    look."""
    remedy = f"there are {', '.join(SOURCES)}, glyphs, or the path of a folder of pictures"
    try:
        folder = Path(name).expanduser()
        if str(name).strip() and folder.is_dir():
            return folder
        if folder.is_file():
            raise ValueError(f"{str(name)!r} is a file: name the folder that it lies in")
        if str(name).strip() and "\0" not in str(name):
            folder.stat()
    except PermissionError as error:
        raise DataUnavailable(f"{str(name)!r} cannot be looked into ({error.strerror}): make the "
                              "folders above it readable") from error
    except (TypeError, RuntimeError, OSError):    # no name at all, "~nobody", longer than can be
        pass
    raise ValueError(f"no image set and no folder is called {str(name)!r}; {remedy}")


def _published(name: str, split: str) -> Images:
    """One of `SOURCES`: files of the reader's own, else of the cache, else of a mirror."""
    source, root, said = SOURCES[name], _own_folder(), []
    files = _local(name, source, split, root, said)
    if files is None:
        try:
            files = _fetched(name, source, split)
        except DataUnavailable as error:
            why = f"{name} cannot be had here: {error}. {_remedy(source)}"
            other = {"train": "test", "test": "train"}[split]
            if root and _lies_in(root, source, other):      # nothing else may stand in for a half
                raise DataUnavailable(f"{name} in {root} has its {other} files alone: {why}") \
                    from None
            raise _Nowhere(why + (f"; it is set to {root}, where none of them lies" if root else "")
                           ) from None
    try:
        images, labels = source.read(files)
    except DataUnavailable as error:
        raise DataUnavailable(f"{name}, {split}: {error}. Delete the file and fetch it again"
                              ) from error
    for line in said:
        _say_once(line)
    return Images(images, labels, source.classes, name)


def _own_folder() -> Path | None:
    """$GAN_LESSONS_DATA, or None where it is not set. ValueError where that is no folder."""
    if not (named := os.environ.get("GAN_LESSONS_DATA", "").strip()):
        return None
    try:
        root = Path(named).expanduser()
        if root.is_dir():
            return root
        root.stat()
    except PermissionError as error:
        raise ValueError(f"GAN_LESSONS_DATA is {named!r}, which cannot be looked into "
                         f"({error.strerror}): make the folders above it readable, or unset it"
                         ) from error
    except (RuntimeError, OSError):                          # "~nobody", or longer than can be
        pass
    raise ValueError(f"GAN_LESSONS_DATA is {named!r}, which is no folder: correct or unset it")


def _lies_in(root: Path, source: Source, split: str) -> bool:
    """Whether any file of this split lies in a folder where it is looked for."""
    return any(_either(root / folder, file)
               for folder in source.folders for file in source.files[split])


def _local(name: str, source: Source, split: str, root: Path | None,
           said: list[str]) -> dict[str, bytes] | None:
    """The files of one split in `root`, the reader's folder: unpacked, gz, or in the archive.

    None if there is none of them; DataUnavailable if only some are there, or one cannot be read.
    Contents without a known checksum are taken, with a line for `said` that says so: they may be a
    reader's own edition.
    """
    if root is None:
        return None
    try:
        return _found_in(root, name, source, split, said)
    except OSError as error:
        raise DataUnavailable(f"{name} in {root} cannot be read ({error}): make it readable, or "
                              "unset GAN_LESSONS_DATA") from error


def _found_in(root: Path, name: str, source: Source, split: str,
              said: list[str]) -> dict[str, bytes] | None:
    """As `_local`; OSError for what cannot be read."""
    for folder in (root / part for part in source.folders):
        here = {file: _either(folder, file) for file in source.files[split]}
        if all(here.values()):
            files = {file: formats.gunzip(path.read_bytes(), path.name)
                     for file, path in here.items()}
            unknown = (hashlib.sha256(data).hexdigest() != source.sha256.get(file)
                       and not _is_official(here[file], source) for file, data in files.items())
            if any(unknown):
                said.append(f"{name}, {split}: loaded, though the contents have no checksum that "
                            "is known here.")
            return files
        if any(here.values()):
            missing = ", ".join(file for file, path in here.items() if not path)
            raise DataUnavailable(f"{name} in {folder} is not complete: {missing} is missing")
    for folder in {root, *(root / part for part in source.folders)}:
        for archive in source.md5:
            if archive.endswith(".tar.gz") and (folder / archive).is_file():
                if not _is_official(folder / archive, source):
                    said.append(f"{name}: {archive} is not the published file; loaded all the "
                                "same.")
                return formats.tar_members(folder / archive, source.files[split])
    return None


def _either(folder: Path, file: str) -> Path | None:
    """`file` in `folder`, with or without .gz, with MNIST's dash or dot before "idx"; also in a
    folder of its own name, as Kaggle packs them."""
    dotted = file.replace("-idx", ".idx")
    for name in (file, file + ".gz", dotted, dotted + ".gz"):
        for path in (folder / name, folder / file / name, folder / dotted / name):
            if path.is_file():
                return path
    return None


def _is_official(path: Path, source: Source) -> bool:
    """Whether a file is, byte for byte, the published one of this name."""
    digest = source.md5.get(path.name)
    return digest is not None and hashlib.md5(path.read_bytes()).hexdigest() == digest


def _fetched(name: str, source: Source, split: str) -> dict[str, bytes]:
    """The files of one split, out of the cache or downloaded into it."""
    folder, files = cache() / name, {}
    most = round(1.1e6 * source.megabytes) + 1_000_000     # an endless answer is cut off
    for published, digest in source.md5.items():
        if published.endswith(".tar.gz"):
            # both splits in one
            path = fetch(published, f"md5:{digest}", source.mirrors, folder, most)
            return formats.tar_members(path, source.files[split])
        if (file := published.removesuffix(".gz")) in source.files[split]:
            path = fetch(published, f"md5:{digest}", source.mirrors, folder, most)
            files[file] = formats.gunzip(path.read_bytes(), path.name)
    return {file: files[file] for file in source.files[split]}    # in the order that `read` expects


def _remedy(source: Source) -> str:
    return (f"With a network it is downloaded once ({source.megabytes} MB); or put "
            f"{', '.join(source.md5)} into a folder {source.folders[0]}/ and set GAN_LESSONS_DATA "
            "to the folder above it")


@lru_cache
def _glyphs(split: str) -> Images:
    """The drawn digits, kept in the cache because drawing takes a few seconds."""
    from . import glyphs
    n, seed = {"train": (20_000, 1), "test": (10_000, 2)}[split]
    path = cache() / "glyphs" / f"{split}-{n}-v2.npz"

    def mark(images, labels) -> str:
        """Of the split, the stencils and all that is kept: a foreign or changed file has another.
        """
        found = hashlib.sha256(f"{split} {n} {seed} {images.shape} {labels.dtype}".encode())
        for part in (glyphs.stencils(), images, labels):
            found.update(np.ascontiguousarray(part).data)
        return found.hexdigest()
    try:
        if not path.is_file():                  # a pipe would be waited for
            raise FileNotFoundError(path)
        with np.load(path, allow_pickle=False) as kept:
            images, labels = kept["images"], kept["labels"]
            if str(kept["mark"]) != mark(images, labels):
                raise ValueError("not what was drawn")
    except Exception:  # not there yet, damaged or foreign: draw it again
        images, labels = glyphs.draw(n, seed)
        try:
            with atomic_write(path) as file:
                np.savez(file, images=images, labels=labels, mark=mark(images, labels))
        except OSError:  # a cache that cannot be written only costs the drawing, a few seconds
            pass
    return Images(images, labels, DIGITS, "glyphs")


def _folder(folder: Path, split: str, size: int) -> Images:
    """The pictures of a folder; its subfolders, if they hold pictures, are the classes."""
    from .folders import read_folder
    images, labels, classes, line = read_folder(folder, split, size)
    if line:
        _say_once(line)
    return Images(images, labels, classes, folder.resolve().name)


def _resized(found: Images, size: int) -> Images:
    """Scaled to (size, size), smoothed when made smaller; bytes stay bytes."""
    from torch.nn.functional import interpolate
    images = interpolate(found.images, (size, size), mode="bilinear", antialias=True)
    return Images(images, found.labels, found.classes, found.name)


@lru_cache
def _say_once(line: str) -> None:
    """Prints a line, the first time only: a cached function runs once for each argument."""
    print(line)
