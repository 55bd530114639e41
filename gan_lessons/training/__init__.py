"""The one loop that plays every game (`loop`), whose `turns` it is, what it refuses (`refusals`),
what it leaves behind (`run`) and on the disk (`checkpoints`), by what `plan` and `code` a training
is known, who is trained `again`, on which of the `devices` it runs, what it changes in the process
(`settings`), `optimizers`, `budgets` in steps, and its `progress` on the screen. May import game,
pixels, exact, drawing, players and data. The map, explorers and questions may import it.
"""


def __getattr__(name):
    """`from gan_lessons.training import train`, as the first edition had it."""
    if name == "train":
        raise ImportError("train has moved: write  from gan_lessons import train", name=name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
