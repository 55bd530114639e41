"""Progress while training runs: a bar, the losses and some samples, updated in place.

In a notebook one picture is redrawn (and taken away at the end, where the lesson's own figures
follow); in a terminal one line is. Neither is touched more often than twice a second.
"""
from __future__ import annotations

import sys
import time


def in_notebook() -> bool:
    """True inside a Jupyter kernel."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


def written(text: str, stream) -> str:
    """The text as `stream` can write it: where its encoding lacks a letter, as on a terminal that
    knows ASCII alone, "?" stands for it."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def _terminal():
    """stderr, where it is a terminal; None elsewhere, as in a program without a console."""
    stream = sys.stderr
    there = stream is not None and not getattr(stream, "closed", False) and stream.isatty()
    return stream if there else None


def line(run) -> str:
    """How far, how fast, how long: '━━━━━━┈┈┈┈ 600 / 1,000 steps · 2,410 samples/s · 12 s left'."""
    done = int(24 * run.step / run.steps)
    left = run.seconds / max(run.step, 1) * (run.steps - run.step)
    tail = f"{left:.0f} s left" if run.step < run.steps else f"{run.seconds:.0f} s"
    return (f"{'━' * done}{'┈' * (24 - done)} {run.step:,} / {run.steps:,} steps · "
            f"{run.images_per_second:,.0f} samples/s · {tail}")


class Progress:
    """A watcher for `train`: call it with the Run after every round, `close` it at the end.

    every, pictures_every: seconds from one line, and from one picture, to the next
    """
    # Not tqdm: in a notebook its bar is a widget, of which a stored page keeps the first state,
    # 0 %; or a stream, which cannot be redrawn above a picture: once one is shown, every update
    # is another line below it. Here the text output itself is updated, and the last state stays.

    def __init__(self, run, *, every: float = 0.5, pictures_every: float = 3.0):
        self.every, self.pictures_every = every, pictures_every
        self.drawn = self.pictured = time.monotonic()
        self.text = self.picture = None
        if in_notebook():
            from IPython.display import display
            self.text = display({"text/plain": line(run)}, raw=True, display_id=True)

    def __call__(self, run):
        """Redraw the line, and in a notebook the picture, where their time has come."""
        now = time.monotonic()
        if now - self.drawn < self.every:
            return
        self.drawn = now
        if self.text is None:
            if stream := _terminal():
                print(f"\r{written(line(run), stream)}\x1b[K", end="", file=stream, flush=True)
            return
        self.text.update({"text/plain": line(run)}, raw=True)
        if now - self.pictured >= self.pictures_every:
            try:
                self._draw(run)
            except Exception as error:              # what is only looked at never ends a training
                print(f"No live picture ({type(error).__name__}: {error}); training goes on.",
                      flush=True)
                self.pictures_every = float("inf")
            # a slow picture is drawn less often, so that pictures take a fiftieth of the time
            self.pictures_every = max(self.pictures_every, 50 * (time.monotonic() - now))
            self.pictured = time.monotonic()

    def _draw(self, run):
        from IPython.display import display

        from ..drawing import plots
        figure = plots.progress(run)
        alt = f"losses and samples after {run.step:,} of {run.steps:,} steps"
        content = {"image/png": plots.png(figure), "text/plain": alt}
        options = dict(raw=True, metadata={"image/png": {"alt": alt}})
        if self.picture is None:
            self.picture = display(content, display_id=True, **options)
        else:
            self.picture.update(content, **options)

    def close(self, run):
        """The last line; the picture is taken away."""
        if self.text is not None:
            self.text.update({"text/plain": line(run)}, raw=True)
            if self.picture is not None:
                self.picture.update({"text/plain": ""}, raw=True)
        elif stream := _terminal():
            print(f"\r{written(line(run), stream)}\x1b[K", file=stream, flush=True)
