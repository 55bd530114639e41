"""The pictures of README's gallery, from the stored outputs of the lessons: never from another run.

    python tools/gallery.py          writes docs/gallery/NN.png and prints README's table
"""
from __future__ import annotations

import base64

import nbformat
from nb import ROOT, lessons

FOLDER = ROOT / "docs" / "gallery"
PICTURES = {                                         # lesson -> how the picture's alt text begins
    "02": "Left, both densities and the optimal discriminator; right, both gradients",
    "05": "Points on a ring and in a blob",
    "07": "Critics on the ring after 800",
    "10": "Left, four real and four fake points in the plane",
    "13": "The plane in three colours",
    "15": "Left, a map of test digits in ten islands",
    "18": "Two moons as an exact density",
    "19": "Ten columns of digits, one for each component",
    "20": "Map of all objectives of the course",
    "21": "Six phase portraits",
}
COLUMNS = 2


def picture(number: str, begins: str) -> tuple[bytes, str, str]:
    """(PNG, alt text, stem) of the stored picture whose alt text begins so.

    KeyError where there is none, or more.
    """
    path, = (path for path in lessons() if path.stem.startswith(number))
    found = {}
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                alt = output.metadata["image/png"]["alt"]
                if alt.startswith(begins):
                    found[alt] = output.data["image/png"]
    if len(found) != 1:
        raise KeyError(f"{path.name} stores {len(found)} pictures whose alt text begins with "
                       f"{begins!r}")
    (alt, png), = found.items()
    return base64.b64decode(png), alt, path.stem


def table() -> str:
    """README's gallery: a Markdown table of linked pictures, each with its alt text."""
    shown = []
    for number, begins in PICTURES.items():
        _, alt, stem = picture(number, begins)
        shown.append(f"[![{alt}](docs/gallery/{number}.png)](notebooks/{stem}.ipynb)")
    rows = [shown[at:at + COLUMNS] for at in range(0, len(shown), COLUMNS)]
    lines = ["| " + " | ".join(row + [""] * (COLUMNS - len(row))) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * COLUMNS, *lines[1:]])


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for number, begins in PICTURES.items():
        (FOLDER / f"{number}.png").write_bytes(picture(number, begins)[0])
    print(table())
