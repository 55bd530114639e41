"""A walk through the latent space of a stored generator, for every lesson that has a long run."""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..drawing.explorer import Explorer, slider
from ..drawing.plots import BAD, pictures, sheet

STEPS = 11                              # pictures of the strip


def between_codes(a: Tensor, b: Tensor, t: float) -> Tensor:
    """The code at the part t of the great circle from a to b: (d,), (d,) -> (d,).

        sin((1 - t) φ)/sin φ · a + sin(t φ)/sin φ · b,   φ the angle between them

    Codes of N(0, I) in d dimensions lie near a sphere of radius √d; the straight line would leave
    it and pass codes that the generator has never seen. ValueError for a code of 0. Shoemake 1985;
    White 2016, arXiv 1609.04468.
    """
    if not (a.any() and b.any()):
        raise ValueError("a code of 0 has no direction: draw codes from the prior")
    cos = torch.clamp(a @ b / (a.norm() * b.norm()), -1, 1)
    phi = torch.arccos(cos)
    if phi < 1e-4:
        return (1 - t) * a + t * b
    return (torch.sin((1 - t) * phi) * a + torch.sin(t * phi) * b) / torch.sin(phi)


def walk(run, a: int = 0, b: int = 1):
    """Walk from one code to another and see what the generator makes on the way.

    run: what `long_run(name)` returned. Two sliders choose the ends, at first a and b of 0 to 9, a
    third one walks.
    """
    codes = run.latent(20)
    where = np.linspace(0, 1, STEPS)

    def made(a, b, parts):
        z = torch.stack([between_codes(codes[a], codes[b], float(t)) for t in parts])
        with torch.no_grad():
            return run.generator(z).numpy()

    first = made(a, b, where)
    side = first.shape[-1]                                          # pixels of a picture

    def setup(figure):
        above, below = figure.subplots(2, 1, height_ratios=[2.2, 1])
        big, row = pictures(above, first[:1], 1), pictures(below, first, STEPS)
        here, = below.plot([0], [side + 4], "^", color=BAD, ms=9, clip_on=False)
        below.set_title("the whole way from A to B")
        return big, row, here, above.set_title("")

    def update(artists, t, a, b):
        big, row, here, title = artists
        big.set_data(sheet(made(a, b, [t]), 1))
        row.set_data(sheet(made(a, b, where), STEPS))
        x = (t * (STEPS - 1) + .5) * side - .5
        here.set_xdata([x])
        title.set_text(f"t = {t:.2f}")

    return Explorer(
        setup, update,
        dict(t=slider(0.0, 1.0, .05, .5, "part t of the way"), a=slider(0, 9, 1, a, "code A"),
             b=slider(0, 9, 1, b, "code B")), figsize=(5.4, 3.6),
        alt="A picture that the stored generator makes of a code between two codes A and B, above "
            "eleven pictures along the whole way.")
