"""The networks that play, and what is done to them: `networks` and `encoders` for points and
pictures, `flows` that can be inverted, `marginals` as the first step of one, `flow_decoder` for
decoders that are flows, `penalties` on slopes (where they are measured times what is asked of
them), `spectral` normalisation, `modes` of evaluation. May import game, pixels, exact and drawing.
Objectives, training, measures and all above may import it.
"""
