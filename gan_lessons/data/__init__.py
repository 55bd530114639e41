"""Where samples come from: `datasets` that are found, downloaded (`downloads`, `formats`) or drawn
offline (`glyphs`), `deskew` for upright digits, `batches` that draw x, y, u and z, `label_budget`,
which counts the labels that were read, and `files` that are written whole or not at all. May import
game, pixels, exact and drawing. Objectives, training, measures and all above may import it.
"""
