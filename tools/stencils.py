"""Make gan_lessons/data/stencils.png, ten digits of seventeen fonts: python tools/stencils.py.

The drawn digits of the course depend on every pixel of it, and through them all that a page shows
where MNIST cannot be had. So the file is part of the package, and no font is asked for at run time:
matplotlib before 3.11 lacks some of these, and another FreeType draws them with other edges. Make
it again only if all stored outputs are made again, too.
"""
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gan_lessons.data.glyphs import SHEET, SIDE  # noqa: E402

FONTS = ("DejaVuSans DejaVuSans-Bold DejaVuSans-Oblique DejaVuSans-BoldOblique DejaVuSerif "
         "DejaVuSerif-Bold DejaVuSerif-Italic DejaVuSerif-BoldItalic STIXGeneral STIXGeneralBol "
         "STIXGeneralItalic STIXGeneralBolIta cmr10 cmb10 cmss10 cmti10 cmtt10").split()


def sheet(fonts=FONTS) -> Image.Image:
    """A grey picture, one row for each font, ten columns: each digit 40 pixels high, centred."""
    import matplotlib
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    drawn = np.zeros((len(fonts), 10, SIDE, SIDE), np.uint8)
    for i, font in enumerate(fonts):
        letters = ImageFont.truetype(str(folder / f"{font}.ttf"), 4 * SIDE)
        for digit in range(10):
            left, top, right, bottom = letters.getbbox(str(digit))     # where its ink begins, ends
            picture = Image.new("L", (right - left, bottom - top))
            ImageDraw.Draw(picture).text((-left, -top), str(digit), font=letters, fill=255)
            scale = 40 / max(picture.size)                    # leaves 8 pixels around for turning
            size = [max(1, round(scale * side)) for side in picture.size]
            x, y = ((SIDE - side) // 2 for side in size)
            picture = picture.resize(size, Image.Resampling.BOX)
            drawn[i, digit, y:y + size[1], x:x + size[0]] = np.asarray(picture)
    rows, columns = len(fonts) * SIDE, 10 * SIDE
    return Image.fromarray(drawn.transpose(0, 2, 1, 3).reshape(rows, columns))


if __name__ == "__main__":
    sheet().save(SHEET, optimize=True)
    print(f"{SHEET}: {SHEET.stat().st_size // 1024} KiB")
