"""Where samples come from: `datasets` that are found, downloaded (`downloads`, `formats`) or drawn offline
(`glyphs`), `deskew` for upright digits, `batches` that draw x, y, u and z, and `label_budget`, which
counts the labels that were read. May import game, exact and drawing. Objectives, training, measures and
all above may import it.
"""
