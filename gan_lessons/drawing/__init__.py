"""How things look: `plots` for figures and sheets of pictures, `explorer` for sliders that redraw a
picture, `server`, which answers a slider at once. Imports no other wing. Everybody may import it.
"""
