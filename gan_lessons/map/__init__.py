"""All objectives side by side, for lesson 20.

`objectives` is the list, `edges` are the exact statements that join them, `gradients` and
`best_critic` say what each leaves to the generator, `arena` compares them by training, with its
`contestants` and `results`, and `study` runs any function over many settings, with a
`journal` of what is done and the `fingerprint` of all that a result depends on. `recipes` are the
settings of each training on pictures, `conditional_recipes` of those that take a label,
`long_runs` the long ones, which `long_training` plays, and
`stored_runs` what they have left. May import all floors below. Explorers and questions may import
it.
"""
