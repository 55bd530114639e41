"""One module an objective, with the stem of the lesson that derives it: functions that return a
`Game`. `own_divergence` makes an f-divergence of a reader's own φ. May import game, exact, drawing,
players and data, and each other. The map, explorers and questions may import it.
"""
