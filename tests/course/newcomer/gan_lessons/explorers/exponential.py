"""Explorer of notebooks/NN_exponential.ipynb: the best critic and the generator's gradient."""
from __future__ import annotations

import numpy as np

from ..drawing.explorer import Explorer, slider
from ..drawing.plots import CRITIC, FAKE, REAL, draw_density, open_axes
from ..exact.exponential import exponential_critic, exponential_gradient, exponential_value
from ..exact.laws import Normal

X = np.linspace(-4, 8, 481)
P = Normal(0, 1)                             # the data


def best_critic():
    """Move the fakes N(θ, 1): the best critic answers at once; the title gives loss and gradient.
    """
    def setup(figure):
        ax = figure.subplots()
        draw_density(ax, X, P, REAL, "real, $p$")
        fake, = ax.plot(X, X, color=FAKE, lw=2.2, label="fake, $q$")
        best, = ax.plot(X, X, color=CRITIC, lw=2.2, label="$f^*/10$")
        open_axes(ax)
        ax.set(xlabel="$x$", xlim=(X[0], X[-1]), ylim=(-1, 1))
        ax.legend(frameon=False, loc="lower left")
        title = ax.text(.5, 1.04, "", transform=ax.transAxes, ha="center", fontsize=11)
        return fake, best, title

    def update(artists, distance):
        fake, best, title = artists
        q = Normal(distance, 1)
        fake.set_ydata(q.pdf(X))
        best.set_ydata(exponential_critic(P, q)(X) / 10)
        title.set_text(f"critic's loss {exponential_value(P, q):.4f}      "
                       f"gradient for $g$ {exponential_gradient(P, q):.4g}")

    return Explorer(
        setup, update, dict(distance=slider(0.0, 4.0, .1, 1.0, "distance θ")),
        alt="Real and fake densities and the best critic, a falling line; the title gives the "
            "critic's loss and the generator's gradient.")
