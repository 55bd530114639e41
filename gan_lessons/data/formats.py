"""The official file formats of the image sets, read from bytes: (images, labels) as uint8 arrays.

Nothing is unpickled and nothing is unpacked to disk. Every reader refuses a file that is not
exactly what its format says, by name.
"""
from __future__ import annotations

import gzip
import io
import math
import tarfile
import zlib
from pathlib import Path, PurePosixPath

import numpy as np


class DataUnavailable(RuntimeError):
    """The images cannot be had; the message says why and what to do about it."""


def gunzip(data: bytes, name: str) -> bytes:
    """`data`, unpacked if it is gzip."""
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise DataUnavailable(f"{name} is truncated or corrupt ({error}): delete it and fetch it "
                              "again") from error


def idx(data: bytes, name: str) -> np.ndarray:
    """One IDX file (MNIST's format) of unsigned bytes, as an array of the shape it states.

    Two zero bytes, 8 for unsigned bytes, the number of axes; then the length of each axis in four
    bytes, the highest first; then the values. DataUnavailable for anything else.
    """
    data = memoryview(data)                           # slices of it are no copies
    dims = data[3] if len(data) >= 4 else 0
    if len(data) < 4 + 4 * dims or bytes(data[:3]) != b"\0\0\x08" or not 1 <= dims <= 4:
        raise DataUnavailable(f"{name} is not an IDX file of unsigned bytes")
    shape = np.frombuffer(data[4:4 + 4 * dims], ">u4").tolist()
    promised, pixels = math.prod(shape), len(data) - 4 - 4 * dims      # of any size: no overflow
    if pixels != promised:
        raise DataUnavailable(f"{name} is truncated or has the wrong size: its header promises "
                              f"{promised:,} values, it holds {pixels:,}")
    return np.frombuffer(data[4 + 4 * dims:], np.uint8).reshape(shape)


def idx_pair(images: bytes, labels: bytes, names) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 1, 28, 28) and labels (n,) of two IDX files; DataUnavailable for other shapes."""
    x, y = idx(images, names[0]), idx(labels, names[1])
    if x.ndim != 3 or x.shape[1:] != (28, 28):
        raise DataUnavailable(f"{names[0]} has shape {x.shape}, not (n, 28, 28)")
    if y.ndim != 1 or len(y) != len(x):
        raise DataUnavailable(f"{names[1]} has shape {y.shape}: not one label for each of the "
                              f"{len(x):,} images of {names[0]}")
    return x[:, None], _labels(y, names[1])


def cifar(batches: dict[str, bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 3, 32, 32) and labels (n,) of files of CIFAR-10's binary version.

    A record is a label and 3 · 32 · 32 pixels. DataUnavailable for a broken one.
    """
    images, labels = [], []
    for name, data in batches.items():
        if not data or len(data) % 3073:
            raise DataUnavailable(f"{name} is truncated or has the wrong size: {len(data):,} "
                                  "bytes are not a whole number of records of 3,073")
        records = np.frombuffer(data, np.uint8).reshape(-1, 3073)
        labels.append(_labels(records[:, 0], name))
        images.append(records[:, 1:].reshape(-1, 3, 32, 32))             # (n, 3072) -> pictures
    return np.concatenate(images), np.concatenate(labels)


def svhn(data: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 3, 32, 32) and labels (n,) of SVHN's .mat file; its label 10 is the digit 0.

    DataUnavailable for a file that SciPy cannot read, of another shape, or with other labels.
    """
    from scipy.io import loadmat
    try:
        mat = loadmat(io.BytesIO(data), variable_names=["X", "y"])
        x, y = mat["X"], mat["y"]
    except Exception as error:  # scipy raises a dozen kinds for a broken file
        raise DataUnavailable(f"{name} is truncated or corrupt: scipy.io cannot read it "
                              f"({error})") from error
    if x.dtype != np.uint8 or x.ndim != 4 or x.shape[:3] != (32, 32, 3) or y.size != x.shape[3]:
        raise DataUnavailable(f"{name} holds X {x.shape} {x.dtype} and y {y.shape}, not uint8 "
                              "(32, 32, 3, n) with n labels")
    x = np.ascontiguousarray(x.transpose(3, 2, 0, 1))         # (32, 32, 3, n) -> (n, 3, 32, 32)
    y = _labels(y.reshape(-1), name, highest=10)
    return x, y % 10


def tar_members(path: Path, wanted) -> dict[str, bytes]:
    """The files of an archive whose base name is in `wanted`, read without unpacking any.

    One member that would leave the folder, or a link, condemns the whole archive: nobody packed
    it in good faith. DataUnavailable for that, for a broken archive and for a missing file.
    """
    found = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                inside = PurePosixPath(member.name.replace("\\", "/"))
                if inside.is_absolute() or ".." in inside.parts or not (
                        member.isfile() or member.isdir()):
                    raise DataUnavailable(f"{path.name} is refused: its member {member.name!r} "
                                          "is a link or points outside the archive")
                if member.isfile() and inside.name in wanted:
                    found[inside.name] = archive.extractfile(member).read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise DataUnavailable(f"{path.name} is truncated or corrupt ({error}): delete it and "
                              "fetch it again") from error
    if missing := [name for name in wanted if name not in found]:
        raise DataUnavailable(f"{path.name} has no {', '.join(missing)}")
    return {name: found[name] for name in wanted}


def _labels(y: np.ndarray, name: str, highest: int = 9) -> np.ndarray:
    """(n,) as int64; DataUnavailable for none at all, and for what is no whole number from 0 to
    `highest`: SVHN's files hold any kind of number."""
    if len(y) == 0:
        raise DataUnavailable(f"{name} has no labels")
    remedy = f"the ten classes are {'0 to 9' if highest == 9 else '1 to 10'}"
    if y.dtype.kind not in "uif":
        raise DataUnavailable(f"{name} has labels of the kind {y.dtype}: {remedy}")
    strange = ~((y >= 0) & (y <= highest) & (y == np.floor(y)))                # NaN is strange, too
    if strange.any():
        worst = y[strange].max()
        raise DataUnavailable(f"{name} has the label {worst}: {remedy}")
    return y.astype(np.int64)
