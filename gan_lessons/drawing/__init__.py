"""How things look.

`plots` draws figures and sheets of pictures, `explorer` puts sliders around a picture, `server`
lets the answer to a slider leave at once. Imports no other wing; every wing may import it.
"""
