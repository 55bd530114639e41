"""How good are the samples, and how good is what was learnt? `metrics` between two sets of
pictures, with `frechet` and the `classifier` whose features they compare; `prediction` by a
conditional loss, and `probes` of codes. May import game, pixels, exact, drawing, players and data.
The map, explorers and questions may import it.
"""
