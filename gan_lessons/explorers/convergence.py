"""Pictures of notebooks/21_convergence.ipynb: the chase of two players, phase portraits, the
eigenvalues of a round, and critics under R₁.
"""
from __future__ import annotations

import numpy as np

from ..drawing.explorer import Explorer, choice, slider
from ..drawing.plots import BAD, CRITIC, FAKE, GOOD, REAL, SKY, THIRD, open_axes
from ..exact.convergence import Dirac, penalised_critic, round_matrix, spectral_radius, walk

ROUNDS = 400
REACH = 2.2                                               # of the phase portraits
ORDERS = {"alternating": dict(order="alternating"),
          "simultaneous": dict(order="simultaneous"),
          "five critic moves a round": dict(order="alternating", moves=5),
          "extragradient": dict(order="extragradient"),
          "optimistic": dict(order="optimistic")}
GAMES = {"non-saturating, RpGAN": "non-saturating", "minimax": "minimax", "WGAN": "WGAN",
         "WGAN-GP, λ = 1": "WGAN-GP"}


# -- the chase -------------------------------------------------------------------------------------

def chase(axes, game: Dirac, rounds, rate: float = .2):
    """One axes a moment: real atom at 0, fake atom at θ, the critic ψ x, and where the fake is
    pushed. rounds: the moments, numbers of rounds from (ψ, θ) = (0, 1) on.
    """
    places = walk(game.field, (0., 1.), max(rounds), rate)
    x = np.array([-1.7, 1.7])
    for number, (ax, at) in enumerate(zip(axes, rounds), 1):
        psi, theta = places[at]
        ax.axhline(0, color=CRITIC, lw=.8)
        ax.plot(x, psi * x, color=CRITIC, lw=2)
        ax.plot(0, 0, "o", color=REAL, ms=11)
        ax.plot(theta, 0, "o", color=FAKE, ms=11)
        push = game.field(places[at])[1]
        if abs(push) > .04:
            ax.annotate("", (theta + 1.9 * push, .42), (theta, .42),
                        arrowprops=dict(arrowstyle="-|>", color="#9a6a00", lw=1.8))
        ax.set(xlim=(-1.7, 1.7), ylim=(-1.5, 1.5), xticks=[-1, 0, 1], yticks=[],
               title=f"{number}: round {at}")
        ax.spines["left"].set_visible(False)


# -- phase portraits -------------------------------------------------------------------------------

def arrows(ax, field, reach: float = REACH, a_side: int = 13):
    """Directions of a field over the square, all of one length: places (2, k, k), and arrows."""
    line = np.linspace(-reach, reach, a_side)
    grid = np.stack(np.meshgrid(line, line))                             # (ψ or θ, row, column)
    u, v = _directions(field, grid)
    return grid, ax.quiver(*grid, u, v, color="0.72", scale=26, width=.005, pivot="mid")


def _directions(field, grid):
    pushes = field(grid)
    return pushes / np.maximum(np.hypot(*pushes), 1e-9)


def portrait(ax, game: Dirac, title: str, rounds: int = ROUNDS, rate: float = .1, **play):
    """The field of a Dirac-GAN, a walk from (1, 1) in it, and how far it still is at its end."""
    arrows(ax, game.field)
    path = walk(game.field, (1., 1.), rounds, rate, **play)
    ax.plot(*path.T, color=BAD, lw=1.3)
    ax.plot(*path[0], "o", color=BAD, ms=5)
    ax.plot(*path[-1], "s", color=CRITIC, ms=5)
    ax.plot(0, 0, "+", color=REAL, ms=11, mew=2)
    left = np.hypot(*path[-1])
    ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal", xticks=[-2, 0, 2],
           yticks=[-2, 0, 2])
    ax.set_title(f"{title}\nstill {left:.2f} away", fontsize=10)


def locus(left, right):
    """Eigenvalues of the Dirac-GAN under R₁ as γ grows; right, the rate of the slower one."""
    weights = np.linspace(0, 3, 601)
    roots = -weights / 2 + np.sqrt(weights ** 2 / 4 - .25 + 0j), \
        -weights / 2 - np.sqrt(weights ** 2 / 4 - .25 + 0j)
    left.axvspan(0, .5, color=BAD, alpha=.12, lw=0)
    left.axhline(0, color=CRITIC, lw=.6)
    left.axvline(0, color=CRITIC, lw=.6)
    for root, colour in zip(roots, (REAL, SKY)):
        left.plot(root.real, root.imag, color=colour, lw=2)
        left.plot(root.real[0], root.imag[0], "o", color=colour, ms=7)
    for weight, place in ((.5, (-46, 4)), (1, (-40, 8)), (2, (-14, 9))):
        at = np.searchsorted(weights, weight)
        left.plot(roots[0].real[at], roots[0].imag[at], ".", color=CRITIC, ms=8)
        left.annotate(f"$\\gamma={weight:g}$", (roots[0].real[at], roots[0].imag[at]), place,
                      textcoords="offset points", fontsize=9)
    left.annotate("$\\gamma=0$", (0, .5), (8, 4), textcoords="offset points", fontsize=9)
    left.text(.25, -.58, "grows", ha="center", color="#8a3c00", fontsize=9)
    left.set(xlim=(-2.2, .5), ylim=(-.7, .7), xlabel="real part", ylabel="imaginary part",
             title="both eigenvalues")
    right.plot(weights, -roots[0].real, color=REAL, lw=2)
    right.plot(1, .5, "o", color=GOOD, ms=8)
    right.set(xlabel="weight $\\gamma$ of $R_1$", ylabel="rate of decay", ylim=(0, .6),
              title="the slower one decides")


def portraits():
    """A phase portrait, the eigenvalues of one round, and the distance round by round.

    Menus choose the game and the order of moves, sliders the weight of R₁ (or R₂), the two step
    sizes and momentum. The title gives the spectral radius of a round and what is left.
    """
    circle = np.exp(1j * np.linspace(0, 2 * np.pi, 200))
    rounds = np.arange(ROUNDS + 1)

    def setup(figure):
        left, middle, right = figure.subplots(1, 3, width_ratios=(1.15, 1, 1.15))
        title = figure.suptitle(" ", fontsize=11)
        quiver = arrows(left, Dirac().field)[1]
        path, = left.plot([0], [0], color=BAD, lw=1.2)
        end, = left.plot([0], [0], "s", color=CRITIC, ms=6)
        left.plot(1, 1, "o", color=BAD, ms=6)
        left.plot(0, 0, "+", color=REAL, ms=12, mew=2)
        left.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal", title="the walk",
                 xlabel="slope of the critic, $\\psi$", ylabel="place of the fakes, $\\theta$")
        middle.plot(circle.real, circle.imag, color=CRITIC, lw=1)
        middle.axhline(0, color="0.8", lw=.8)
        middle.axvline(0, color="0.8", lw=.8)
        roots, = middle.plot([0], [0], "o", color=GOOD, ms=8)
        none = middle.text(0, .3, "", ha="center", fontsize=9.5)
        middle.set(xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), aspect="equal",
                   title="eigenvalues of a round", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
        distance, = right.semilogy(rounds, rounds + 1., color=BAD, lw=1.6, label="the walk")
        predicted, = right.semilogy(rounds, rounds + 1., color=GOOD, lw=5, alpha=.35,
                                    label="$\\sqrt{2}\\,\\rho^{\\,t}$")
        right.set(xlabel="round $t$", ylim=(1e-4, 30), xlim=(0, ROUNDS),
                  title="distance to the equilibrium")
        right.legend(frameon=False, loc="lower left", fontsize=9)
        open_axes(left, right)
        for side in ("top", "right", "left", "bottom"):
            middle.spines[side].set_visible(False)
        return quiver, path, end, roots, none, distance, predicted, title

    def update(artists, game, order, weight, critic, generator, momentum):
        quiver, path, end, roots, none, distance, predicted, title = artists
        one, play = Dirac(game, r1=weight), dict(ORDERS[order], momentum=momentum)
        if ORDERS[order]["order"] in ("extragradient", "optimistic"):
            play["momentum"] = 0.0                        # they do without
        rates = np.array([critic, generator])
        places = walk(one.field, (1., 1.), ROUNDS, rates, **play)
        quiver.set_UVC(*_directions(one.field, np.stack([quiver.X, quiver.Y])))
        shown = np.clip(np.nan_to_num(places, nan=1e3, posinf=1e3, neginf=-1e3), -1e3, 1e3)
        path.set_data(*shown.T)
        end.set_data(*shown[-1:].T)
        far = np.hypot(*shown.T)
        distance.set_ydata(np.maximum(far, 1e-12))
        left = f"{far[-1]:.4f}" if far[-1] < 100 else "more than 100"
        if game == "WGAN-GP":
            roots.set_data([np.nan], [np.nan])
            predicted.set_ydata(np.full(len(rounds), np.nan))
            none.set_text("none: the field\njumps at $\\psi=0$")
            title.set_text(f"after {ROUNDS} rounds {left} is left")
            return
        matrix = round_matrix(one.jacobian(), rates, **play)
        found, radius = np.linalg.eigvals(matrix), spectral_radius(matrix)
        roots.set_data(found.real, found.imag)
        roots.set_color(GOOD if radius < 1 - 1e-9 else BAD if radius > 1 + 1e-9 else CRITIC)
        none.set_text("")
        with np.errstate(over="ignore"):
            predicted.set_ydata(np.minimum(2 ** .5 * radius ** rounds, 1e6))
        title.set_text(f"spectral radius of a round $\\rho$ = {radius:.4f}      "
                       f"after {ROUNDS} rounds {left} is left")

    return Explorer(
        setup, update,
        dict(game=choice(GAMES, "non-saturating", "game"),
             order=choice(list(ORDERS), "alternating", "moves"),
             weight=slider(0.0, 3.0, .02, .2, "γ, weight of R₁ or R₂"),
             critic=slider(.02, 1.0, .02, .2, "step of the critic"),
             generator=slider(.02, 1.0, .02, .2, "step of the generator"),
             momentum=slider(-.9, .9, .05, 0.0, "momentum β")),
        figsize=(9.2, 3.7),
        alt="Left, a phase portrait with the walk of critic and generator from (1, 1); in the "
            "middle, the eigenvalues of one round and the unit circle; right, on a log scale, the "
            "distance to the equilibrium round by round beside the power of the spectral radius. "
            "The title gives that radius and the distance left.")


# -- critics under R₁ ------------------------------------------------------------------------------

def penalised_critics(ax, p, q, weights=(.1, 1., 10.)):
    """The best critics of p and q under R₁ of several weights, over log p/q and the densities."""
    x = np.linspace(-4, 6, 400)
    for law, colour in ((p, REAL), (q, FAKE)):
        ax.fill_between(x, -5 + 4 * law.pdf(x), -5, color=colour, alpha=.35, lw=0)
    ax.plot(x, p.logpdf(x) - q.logpdf(x), color=CRITIC, lw=5, alpha=.25, label="$\\log p/q$")
    colours = (BAD,) if len(weights) == 1 else (GOOD, BAD, THIRD)
    for weight, colour in zip(weights, colours):
        best = penalised_critic(p, q, weight)
        ax.plot(x, best(x), color=colour, lw=2, label=f"$\\gamma={weight:g}$")
    ax.set(xlabel="$x$", ylabel="score", ylim=(-5, 5))
    ax.legend(frameon=False)


# -- trained on two points -------------------------------------------------------------------------

def distances(ax, runs):
    """Distances round by round on a log scale, a thin line a seed: {name: [(rounds,), …]}."""
    for (name, seeds), colour in zip(runs.items(), (BAD, THIRD, REAL, GOOD)):
        for number, far in enumerate(seeds):
            ax.semilogy(np.maximum(far, 1e-7), color=colour, lw=1.4,
                        label=None if number else name)
    ax.set(xlabel="round", ylabel="distance of the fake")
    ax.legend(frameon=False, fontsize=9)
