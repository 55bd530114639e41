"""A slider from key to picture, in JupyterLab with headless Chromium; what a frame costs Python.

    python benchmarks/slider.py [--presses 100]

Prints two markdown tables. The clock starts in the page's own keydown handler and stops after the
frame in which the new picture is painted. `interact` with plt.show() draws the same two Normals:
times move from machine to machine, so read the ratio too.
"""
from __future__ import annotations

import argparse
import io
import pathlib
import sys
import tempfile
import time

import nbformat
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from labtools import ERRORS, RUN_ALL, chromium, lab_server, open_notebook, shut_down  # noqa: E402

TARGET = "p50 ≤ 45 ms, p95 ≤ 65 ms"

DRAWING = '''
import numpy as np
from gan_lessons import Explorer, Normal, js, slider

X, real = np.linspace(-4, 8, 481), Normal(0, 1)

def setup(figure):
    ax = figure.subplots()
    ax.fill_between(X, real.pdf(X), alpha=.35)
    ax.set(xlim=(-4, 8), ylim=(0, 1.02), xlabel="$x$")
    fake, = ax.plot(X, X, label="$q$")
    best, = ax.plot(X, X, label="$D^*$")
    ax.legend(loc="center right")
    return fake, best, ax.text(2, 1.05, "", ha="center")

def update(artists, mu, sigma):
    fake, best, title = artists
    p, q = real.pdf(X), Normal(mu, sigma).pdf(X)
    fake.set_ydata(q)
    best.set_ydata(p / (p + q))
    title.set_text(f"JS = {js(real, Normal(mu, sigma)):.4f}")
'''
EXPLORER = '''
explorer = Explorer(setup, update, dict(mu=slider(0., 8., .1, 3., "distance"),
                                        sigma=slider(.4, 3., .1, 1., "width")),
                    alt="Two Normals and the best discriminator.")
'''
INTERACT = '''
import matplotlib.pyplot as plt
from ipywidgets import interact

@interact(mu=slider(0., 8., .1, 3., "distance"), sigma=slider(.4, 3., .1, 1., "width"))
def show(mu, sigma):
    figure = plt.figure(figsize=(6.4, 3.6), layout="constrained")
    update(setup(figure), mu, sigma)
    plt.show()
'''
LISTEN = """() => { let pressed = null, tell;
  const arm = () => { window.painted = new Promise(done => { tell = done; }); };
  arm();
  document.addEventListener('keydown', () => { pressed = performance.now(); }, true);
  document.addEventListener('load', event => {
    if (event.target.tagName !== 'IMG' || pressed === null) return;
    const start = pressed; pressed = null;
    requestAnimationFrame(() => {                       // this frame paints it;
      const next = new MessageChannel();                // a message runs after the paint
      next.port1.onmessage = () => tell(performance.now() - start);
      next.port2.postMessage(0); });
  }, true);
  window.arm = arm; }"""


def key_to_picture(page, lab, path, presses):
    """Milliseconds from keydown to painted picture, one for each press."""
    open_notebook(page, lab, path)
    page.evaluate(RUN_ALL)
    assert not (errors := page.evaluate(ERRORS)), errors
    handle = page.locator(".noUi-handle").first
    handle.wait_for()
    page.wait_for_timeout(1_000)
    page.evaluate(LISTEN)
    handle.focus()
    times = []
    for press in range(presses + 5):
        page.evaluate("window.arm()")
        page.keyboard.press("ArrowRight" if press % 40 < 20 else "ArrowLeft")
        times.append(page.evaluate("window.painted"))
        page.wait_for_timeout(25)
    shut_down(page)
    return np.array(times[5:])      # the first few warm up


def in_the_browser(presses):
    cells = {
        "Explorer": [DRAWING + EXPLORER, "explorer"],
        "interact + plt.show()": [DRAWING, INTERACT],
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        with lab_server(folder, OMP_NUM_THREADS="1") as lab:
            for name, sources in cells.items():
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                path = f"{name.split()[0].lower()}.ipynb"
                kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
                nb = nbformat.v4.new_notebook(metadata={"kernelspec": kernel},
                                              cells=[nbformat.v4.new_code_cell(s) for s in sources])
                nbformat.write(nb, pathlib.Path(folder) / path)
                times = key_to_picture(page, lab, path, presses)
                rows.append((name, *np.percentile(times, [50, 95]), times.min()))
                page.close()
    print(f"\nKey to picture in JupyterLab, ms, {presses} presses (target {TARGET})\n")
    print("| | p50 | p95 | best |\n|---|---|---|---|")
    for name, *figures in rows:
        print(f"| {name} | " + " | ".join(f"{figure:.0f}" for figure in figures) + " |")


def cost(draw, states):
    """Median CPU milliseconds and bytes of a frame."""
    draw(states[0])
    spent, size = [], 0
    for state in states:
        start = time.process_time()
        size = len(draw(state))
        spent.append(1e3 * (time.process_time() - start))
    return np.median(spent), size


def in_python():
    here = {}
    exec(DRAWING + EXPLORER, here)
    explorer, states = here["explorer"], np.linspace(0, 8, 60)

    def saved(mu):
        here["update"](explorer._artists, mu, 1.)
        out = io.BytesIO()
        explorer.figure.savefig(out, format="png")
        return out.getvalue()

    def update_only(mu):
        here["update"](explorer._artists, mu, 1.)
        return b""

    rows = {
        "the update alone": update_only,
        "a frame: Explorer.draw": lambda mu: explorer.draw(mu=mu),
    }
    print("\nWhat a frame costs Python, CPU ms (960 × 540 pixels)\n")
    print("| | ms | KiB |\n|---|---|---|")
    for name, draw in rows.items():
        print("| {} | {:.1f} | {:.0f} |".format(name, *np.array(cost(draw, states)) / (1, 1024)))
    for artist in explorer._moving:
        artist.set_animated(False)
    print(
        "| the same by savefig | {:.1f} | {:.0f} |".format(
            *np.array(cost(saved, states)) / (1, 1024)
        )
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presses", type=int, default=100)
    args = parser.parse_args()
    in_python()
    in_the_browser(args.presses)
