"""A folder of the reader's own pictures, as a person sees them: upright, on white, square.

What is left out is said in one line, what cannot be shown faithfully is refused by name.
Introduced in notebooks/00_start_here.ipynb.
"""
from __future__ import annotations

import os
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np

from .formats import DataUnavailable

PICTURES = {".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm",
            ".tif", ".tiff", ".webp"}
SPLITS = {"train": ("train", "training"), "test": ("test", "testing")}     # in any case
# What programs leave in folders and nobody means to show, besides all that begins with a dot
HIDDEN = {"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found",
          "thumbs.db", "desktop.ini", "__pycache__"}
MOST = 300_000              # files and folders below one; a whole disk would take minutes


def read_folder(folder: Path, split: str, size: int):
    """(images (n, 3, size, size) uint8, labels (n,) int64 or None, names of the classes, line).

    Subfolders train and test, where there are any, are the splits; else every tenth picture is for
    the test. Subfolders that hold pictures are the classes, the same in both splits. Pictures
    beside them bear no label and are left out, unless most are there: then nothing has labels.
    `line` says what was left out and why; it is empty where nothing was. DataUnavailable, by name,
    for a picture that cannot be read and for a split without pictures. Where all lies in one only
    folder of folders, as archives are unpacked, that one is read.
    """
    found, given = _Found(folder), folder
    while inner := found.wrapped():
        folder = folder / inner
        found = _Found(folder)
    inside = {part: next((name for name in found.tops if name.casefold() in names), None)
              for part, names in SPLITS.items()}
    divided = any(inside.values())
    if divided and not inside[split]:
        there, = filter(None, inside.values())
        raise DataUnavailable(f"{_shown(folder)} has a folder {there}/ and none called {split}/ "
                              f"for the split {split!r}: make one, or name a folder without either")
    pictures = _Sorted(found, set(filter(None, inside.values())))
    if divided:
        chosen = [path for path, parts in pictures.kept if parts[0] == inside[split]]
    else:                                                    # every tenth is for the test
        chosen = [path for i, (path, _) in enumerate(pictures.kept)
                  if (i % 10 == 9) == (split == "test")]
    if not chosen:
        few = (f"; every tenth is for the test, and it has {len(pictures.kept)}"
               if pictures.kept and not divided else "")
        holds = f"; it holds {found.others()}" if found.other and not pictures.kept else ""
        if strays := pictures.strays_of(inside[split]) if divided else ():
            holds = (f"; {_count(strays, 'picture')} in it ({_first(strays)}) would have no class, "
                     "and other pictures have one")
        place = folder / inside[split] if divided else folder
        raise DataUnavailable(f"{_shown(place)} has no pictures for the split {split!r}{few}"
                              f"{holds}: put some there, as {', '.join(sorted(PICTURES))}")
    images, animated = np.empty((len(chosen), 3, size, size), np.uint8), 0
    for i, path in enumerate(chosen):
        images[i], moves = _read(path, size)
        animated += moves
    labels = [pictures.classes.index(pictures.label[path]) for path in chosen] \
        if pictures.classes else None
    return images, labels, tuple(map(_text, pictures.classes)), pictures.line(animated, given)


class _Found:
    """All that lies in a folder and below: pictures, and how much else of which kind.

    Links to folders are followed, but not back into a folder that one came through.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.pictures: list[Path] = []
        self.tops: list[str] = []                            # folders at the top, hidden ones not
        self.empty: list[str] = []                           # those of them without pictures
        self.hidden, self.other, self.seen = Counter(), Counter(), 0
        self._walk(folder, (os.path.realpath(folder),))
        self.pictures.sort()
        full = {path.relative_to(folder).parts[0] for path in self.pictures}
        self.empty = sorted(name for name in self.tops if name not in full)

    def _walk(self, folder: Path, above: tuple[str, ...], hidden: str = ""):
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            if hidden:
                return
            raise DataUnavailable(f"{_shown(folder)} cannot be looked into ({error.strerror}): "
                                  "make it readable or take it away") from error
        self.seen += len(entries)
        if self.seen > MOST:
            raise DataUnavailable(f"{_shown(self.folder)} has more than {MOST:,} files and folders "
                                  "below it: name the folder of the pictures themselves")
        for entry in entries:
            name = entry.name
            veil = hidden or (name if name[0] == "." or name.casefold() in HIDDEN else "")
            picture = os.path.splitext(name)[1].lower() in PICTURES
            if _is_folder(entry):
                place = os.path.realpath(entry)
                if place in above:                           # a link back to where one came from
                    self.other["links to themselves"] += 1
                    continue
                if folder == self.folder and not veil:
                    self.tops.append(name)
                self._walk(Path(entry.path), (*above, place), veil)
            elif veil:
                self.hidden[veil if hidden else "."] += picture
            elif not os.path.isfile(entry.path):
                self.other["broken links" if entry.is_symlink() else "no files"] += 1
            elif picture:
                self.pictures.append(Path(entry.path))
            else:
                self.other[os.path.splitext(name)[1].lower() or "without a suffix"] += 1

    def wrapped(self) -> str:
        """The only folder, where all pictures lie in folders of it; "" else."""
        parts = [path.relative_to(self.folder).parts for path in self.pictures]
        names = {part[0] for part in parts}
        if len(names) != 1 or min(map(len, parts)) < 3:
            return ""
        name, = names
        return "" if any(name.casefold() in known for known in SPLITS.values()) else name

    def others(self) -> str:
        """How many things of other kinds, and of which: "3 of other kinds (.heic, .txt)"."""
        kinds = [kind for kind, _ in self.other.most_common()]
        more = ", …" if len(kinds) > 4 else ""
        return f"{self.other.total():,} of other kinds ({_text(', '.join(kinds[:4]))}{more})"


def _is_folder(entry) -> bool:
    try:
        return entry.is_dir()
    except OSError:                                          # a link to itself
        return False


class _Sorted:
    """The pictures that are kept, their labels, and those that are left out."""

    def __init__(self, found: _Found, splits: set[str]):
        self.found = found
        parts = [(path, path.relative_to(found.folder).parts) for path in found.pictures]
        depth = 1 if splits else 0                           # train/cats/1.png or cats/1.png
        self.outside = [path for path, part in parts if splits and part[0] not in splits]
        parts = [(path, part) for path, part in parts if not splits or part[0] in splits]
        stray = [path for path, part in parts if len(part) == depth + 1]
        classed = [(path, part) for path, part in parts if len(part) > depth + 1]
        self.unlabelled = bool(classed) and len(stray) > len(classed)
        self.stray = stray if classed and not self.unlabelled else []
        self.kept = classed if self.stray else parts
        self.label, self.classes, self.twice = {}, (), []
        if classed and not self.unlabelled:
            self.label = {path: _composed(part[depth]) for path, part in classed}
            spelt = {part[depth] for _, part in classed}
            self.twice = sorted(name for name in set(self.label.values())
                                if sum(_composed(one) == name for one in spelt) > 1)
            self.classes = tuple(sorted(set(self.label.values())))
        self.split_folders = splits

    def strays_of(self, split: str) -> list[Path]:
        """The pictures of a split that lie beside the folders of the classes."""
        return [path for path in self.stray
                if path.relative_to(self.found.folder).parts[0] == split]

    def line(self, animated: int, given: Path) -> str:
        """What was left out and why; "" where nothing was. given: the folder that was asked for."""
        found, said = self.found, []
        if self.outside:
            said.append(f"{_count(self.outside, 'picture')} outside "
                        f"{' and '.join(sorted(self.split_folders))} ({_first(self.outside)})")
        if self.stray:
            said.append(f"{_count(self.stray, 'picture')} beside the folders of the classes "
                        f"({_first(self.stray)})")
        if many := found.hidden.total():
            where = sorted(_text(name) for name, count in found.hidden.items()
                           if count and name != ".")
            said.append(f"{many:,} hidden" + (f" ({', '.join(where[:3])})" if where else ""))
        if found.other:
            said.append(found.others())
        empty = [name for name in found.empty if name not in self.split_folders]
        if empty:
            said.append(f"{_count(empty, 'folder')} without pictures "
                        f"({_text(', '.join(empty[:3]))}{', …' if len(empty) > 3 else ''})")
        sentences = [f"left out {'; '.join(said)}"] if said else []
        if given != found.folder:
            sentences.insert(0, f"all lies in {_text(str(found.folder.relative_to(given)))}, which "
                                "is read in its place")
        if self.unlabelled:
            sentences.append("no labels, as most pictures lie beside the subfolders")
        if self.twice:                  # é is one letter or two, and looks the same
            sentences.append(f"folders that look alike are one class: {', '.join(self.twice)}")
        if animated:
            sentences.append(f"of {animated:,} with several frames the first is taken")
        return f"{_text(given.name)}: {'. '.join(sentences)}." if sentences else ""


class _Unclear(ValueError):
    """A picture can be read, and nothing says which of its numbers is white."""


def _read(path: Path, size: int):
    """(3, size, size) uint8 of the picture's centre square, and whether it has several frames."""
    from PIL import Image, ImageOps
    try:
        with Image.open(path) as picture:
            deep = any("16" in str(tile[3]) for tile in picture.tile)    # 16 bits for each colour
            picture.draft("RGB", (size, size))      # lets JPEG decode at a fraction of its size
            picture.load()
            kind = picture.format
            if deep and picture.mode == "RGB" and max(
                    high for _, high in picture.getextrema()) < 16:
                raise _Unclear("has 16 bits for each colour and uses the lowest of them, which "
                               "would be nearly black: save it with 8 bits, or stretched to all 16")
            shown = _as_seen(_upright(picture), kind)
            square = ImageOps.fit(shown, (size, size), Image.Resampling.BICUBIC)
            several = kind not in ("MPO", "JPEG") and getattr(picture, "is_animated", False)
    except _Unclear as error:
        raise DataUnavailable(f"{_shown(path)} {error}") from None
    except Exception as error:                      # Pillow raises a dozen kinds for a broken file
        raise DataUnavailable(f"{_shown(path)} is no picture that can be read ({error}): repair it "
                              "or take it away") from error
    return np.asarray(square).transpose(2, 0, 1), bool(several)        # (h, w, 3) -> (3, h, w)


def _upright(picture):
    """As the camera's note says (EXIF); a note that cannot be read turns nothing."""
    from PIL import ImageOps
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:                               # a damaged note is no damage to the picture
        return picture


def _as_seen(picture, kind: str):
    """Any mode of Pillow's -> RGB: deep greys scaled, what is transparent shown on white.

    16-bit grey goes from 0 to 65,535, numbers with a point from 0 to 1. _Unclear where a mode
    does not state what is white, or where nothing but black would be seen for that reason.
    """
    from PIL import Image
    if picture.mode[0] in "IF":
        return Image.fromarray(_deep_grey(picture, kind)).convert("RGB")
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        if picture.mode in ("La", "RGBa"):                  # colours that are multiplied by alpha
            picture = picture.convert({"La": "LA", "RGBa": "RGBA"}[picture.mode])
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"),
                                     picture).convert("RGB")
    return picture.convert("RGB")


def _deep_grey(picture, kind: str) -> np.ndarray:
    """(h, w) uint8 of 16-bit, 32-bit or float grey."""
    grey = np.asarray(picture)
    low, high = float(grey.min()), float(grey.max())
    if picture.mode == "F":
        if not (-.001 <= low <= high <= 1.001):             # NaN, too
            raise _Unclear(f"has numbers from {low:g} to {high:g}, and only 0 to 1 states "
                           "what is white: save it with 8 bits")
        return np.round(255 * grey.clip(0, 1)).astype(np.uint8)
    if picture.mode == "I" and (kind not in ("PNG", "PPM") or high > 65535):
        raise _Unclear(f"is 32-bit grey from {low:g} to {high:g}, which does not state what is "
                       "white: save it with 8 or 16 bits")
    if 0 < high < 4096:                 # of 8, 10 or 12 bits: what is white was not stated
        raise _Unclear(f"is 16-bit grey up to {high:g} of 65,535, which would be nearly black: "
                       "save it with 8 bits, or stretched to all 16")
    grey = grey.astype(np.int64)        # NumPy 2.0 crashes where it compares >u2 with -1
    shown = np.round(grey / 257).astype(np.uint8)                       # 65,535 = 255 · 257
    shown[grey == picture.info.get("transparency", -1)] = 255
    return shown


def _count(things, what: str) -> str:
    return f"{len(things):,} {what}{'s' if len(things) > 1 else ''}"


def _first(paths) -> str:
    return ", ".join(_text(path.name) for path in paths[:3]) + (", …" if len(paths) > 3 else "")


def _shown(path: Path) -> str:
    return _text(str(path))


def _composed(name: str) -> str:
    """A name with its accents in one piece and no blank around it: folders that look alike are one.
    """
    return unicodedata.normalize("NFC", name).strip() or name


def _text(name: str) -> str:
    """A name that can be printed: accents in one piece, bytes that are no text as "�"."""
    readable = os.fsencode(name).decode("utf-8", "replace")
    return _composed("".join(letter if letter.isprintable() else "�" for letter in readable))
