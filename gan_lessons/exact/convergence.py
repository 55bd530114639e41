"""What gradient steps do to a game: the smallest GAN, its Jacobians, its rounds, and a critic
under R₁ and R₂.

The Dirac-GAN of Mescheder, Geiger & Nowozin 2018, arXiv 1801.04406: the data are an atom at 0, the
generator is an atom at θ, the critic is f(x) = ψ x, and v = (ψ, θ). A field is what the players
follow, minus the gradient of each one's own loss. Derived in notebooks/21_convergence.ipynb.
NumPy and SciPy, no torch.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import solveh_banded
from scipy.special import expit

from .checks import MANY, as_numbers, check_count, check_function, fits
from .laws import log_ratio
from .quadrature import on_the_line

GAMES = ("minimax", "non-saturating", "RpGAN", "WGAN", "WGAN-GP")
ORDERS = ("alternating", "simultaneous", "extragradient", "optimistic")
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(80)        # E h(ε) = Σ weight · h(node)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


# -- the smallest GAN ------------------------------------------------------------------------------

@dataclass(frozen=True)
class Dirac:
    """A Dirac-GAN: game, one of GAMES; weights of the penalties; sd of noise on all samples.

    r1, r2    R₁ + R₂ = (r1 + r2) ψ² / 2, as the critic is equally steep everywhere
    gp        λ of WGAN-GP's λ (|ψ| - 1)²
    noise     sd of N(0, sd²) added to real and fake samples ("instance noise")

    ValueError for an unknown game, and for a weight or a deviation below 0. Lesson 21.
    """

    game: str = "non-saturating"
    r1: float = 0.0
    r2: float = 0.0
    gp: float = 1.0
    noise: float = 0.0

    def __post_init__(self):
        if self.game not in GAMES:
            raise ValueError(f"no Dirac-GAN of {self.game!r}; there are {', '.join(GAMES)}")
        for name in ("r1", "r2", "gp", "noise"):
            if not fits(getattr(self, name), least=0):
                raise ValueError(f"{name} = {getattr(self, name)!r}: a finite number of 0 or more")

    def field(self, v):
        """(-∂L_f/∂ψ, -∂L_g/∂θ) at v = (ψ, θ): (2, ...) -> (2, ...). ValueError for others."""
        v = as_numbers(v, "v", finite=False)
        if v.shape[:1] != (2,):
            raise ValueError(f"v has shape {v.shape}: the two places (ψ, θ), (2, ...)")
        psi, theta = v
        push = self._wasserstein(psi, theta) if self.game.startswith("WGAN") else \
            self._logistic(psi, theta)
        return np.array([push[0] - (self.r1 + self.r2) * psi, push[1]])

    def _wasserstein(self, psi, theta):
        """L_f = ψ θ + λ (|ψ| - 1)², L_g = -ψ θ; noise of mean 0 changes neither."""
        steep = 2 * self.gp * (abs(psi) - 1) * np.sign(psi) if self.game == "WGAN-GP" else 0.0
        return -theta - steep, psi

    def _logistic(self, psi, theta):
        """L_f = E sp(-ψ x) + E sp(ψ x'), or E sp(-ψ (x - x')) of pairs; x = sd ε, x' = θ + sd ε."""
        sd = self.noise * (2 ** .5 if self.game == "RpGAN" else 1)      # of x' - x
        ahead = lambda score: expit(score) if self.game == "minimax" else expit(-score)
        if not self.noise:
            return -theta * expit(psi * theta), psi * ahead(psi * theta)
        mean = lambda h: sum(w * h(sd * e) for e, w in zip(_NODES, _WEIGHTS))
        on_real = 0.0 if self.game == "RpGAN" else mean(lambda e: e * expit(-psi * e))
        on_fake = mean(lambda e: (theta + e) * expit(psi * (theta + e)))
        return on_real - on_fake, psi * mean(lambda e: ahead(psi * (theta + e)))

    def jacobian(self):
        """J at the equilibrium (0, 0), by hand: (2, 2), of the motion v' = J v near it.

        With s the slope of the loss at score 0, ½ for the logistic ones and 1 for WGAN:
        [[-(r1 + r2) - a, -s], [s, 0]], where noise adds a = sd²/2 to the logistic ones. ValueError
        for WGAN-GP, whose field jumps at ψ = 0.
        """
        if self.game == "WGAN-GP":
            raise ValueError("the field of WGAN-GP jumps at ψ = 0, where it asks for |ψ| = 1: "
                             "there is no Jacobian at the equilibrium")
        linear = self.game == "WGAN"
        s, damping = (1.0, 0.0) if linear else (.5, self.noise ** 2 / 2)
        return np.array([[-(self.r1 + self.r2) - damping, -s], [s, 0.0]])


# -- rounds of play --------------------------------------------------------------------------------

def _round(field, v, memory, rates, order, momentum, moves, critic):
    """One round: (v, memory) -> (v, memory); the first `critic` entries of v are the critic's.

    memory: the players' velocities or, for "optimistic", the field of the round before.
    """
    if order == "extragradient":
        return v + rates * field(v + rates * field(v)), 0 * memory      # keeps nothing
    if order == "optimistic":
        now = field(v)
        return v + rates * (2 * now - memory), now
    if order == "simultaneous":
        memory = momentum * memory + field(v)
        return v + rates * memory, memory
    v, memory = v.copy(), memory.copy()
    for part in [slice(0, critic)] * moves + [slice(critic, None)]:
        memory[part] = momentum * memory[part] + field(v)[part]
        v[part] += rates[part] * memory[part]
    return v, memory


def walk(field, start, rounds: int, rates=.1, order: str = "alternating", momentum: float = 0.0,
         moves: int = 1, critic: int = 1):
    """The places of the players, round by round, the start included: (rounds + 1, d).

    field: v (d,) -> (d,), what the players follow, the first `critic` entries the critic's.
    rates: of all, or (d,). order: one of ORDERS; "alternating" moves the critic first, `moves`
    times a round. momentum: velocity ← momentum · velocity + field, as torch.optim.SGD has it; for
    the first two orders. ValueError for another order, rates or moves, and a field of another
    shape; a walk that leaves all bounds ends in inf and nan. Lesson 21.
    """
    start = as_numbers(start, "start")
    if start.ndim != 1 or len(start) < 2:
        raise ValueError(f"start has shape {start.shape}: the places of two players, (d,)")
    check_count("rounds", rounds, least=0, most=MANY)
    rates = _checked(field, len(start), rates, order, momentum, moves, critic)
    field = _pushes(field, len(start))
    v, places = start.copy(), [start]
    memory = field(start) if order == "optimistic" else np.zeros(len(start))
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(rounds):
            v, memory = _round(field, v, memory, rates, order, momentum, moves, critic)
            places.append(v)
    return np.array(places)


def _pushes(field, d: int):
    """A reader's field, whose values are looked at: (d,) -> (d,)."""
    def pushes(v):
        found = as_numbers(field(v), "field", finite=False)
        if found.shape != (d,):
            raise ValueError(f"field gives shape {found.shape} for {d} numbers: what each of them "
                             "follows, (d,) -> (d,)")
        return found
    return pushes


def round_matrix(jacobian, rates=.1, order: str = "alternating", momentum: float = 0.0,
                 moves: int = 1, critic: int = 1):
    """One round near an equilibrium as a matrix on (v, memory): (d, d) -> (2 d, 2 d).

    A round of a linear field is linear: the columns are what it makes of the unit vectors.
    Arguments as in `walk`.
    """
    jacobian = as_numbers(jacobian, "jacobian")
    if jacobian.ndim != 2 or len(set(jacobian.shape)) != 1:
        raise ValueError(f"a Jacobian is a square (d, d), not {jacobian.shape}")
    field, d = lambda v: jacobian @ v, len(jacobian)
    rates = _checked(field, d, rates, order, momentum, moves, critic)
    columns = [np.concatenate(_round(field, unit[:d], unit[d:], rates, order, momentum, moves,
                                     critic)) for unit in np.eye(2 * d)]
    return np.stack(columns, 1)


def spectral_radius(matrix) -> float:
    """The largest |eigenvalue|: below 1 the rounds converge, near the equilibrium by this factor
    each; above 1 they do not. ValueError for what is no square matrix."""
    matrix = as_numbers(matrix, "matrix")
    if matrix.ndim != 2 or len(set(matrix.shape)) != 1 or not matrix.size:
        raise ValueError(f"eigenvalues are those of a square matrix (d, d), not {matrix.shape}")
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def _checked(field, d, rates, order, momentum, moves, critic):
    """The step of each of d weights, (d,); TypeError and ValueError for a play that is none."""
    check_function("field", field, "(d,) -> (d,)")
    check_count("moves", moves, most=10_000)
    check_count("critic", critic, most=d - 1, why="the rest is the generator's")
    if order not in ORDERS:
        raise ValueError(f"no order {order!r}; there are {', '.join(ORDERS)}")
    if not fits(momentum, above=-1, below=1):
        raise ValueError(f"momentum = {momentum!r}: a number between -1 and 1")
    if momentum and order in ORDERS[2:]:
        raise ValueError(f"{order} steps are played without momentum here")
    given = as_numbers(rates, "rates")
    if given.shape not in ((), (d,)) or not (given >= 0).all():
        raise ValueError(f"rates = {rates!r}: steps of 0 or more, one for all or {d}")
    return np.broadcast_to(given, (d,))


# -- the best critic under R₁ and R₂ ---------------------------------------------------------------

class PenalisedCritic(NamedTuple):
    """The best critic on a grid: places x, its scores f there, and value, the least loss."""

    x: np.ndarray
    f: np.ndarray
    value: float

    def __call__(self, at):
        """Scores at any places, linear between those of the grid: any shape -> same shape."""
        return np.interp(as_numbers(at, "x"), self.x, self.f)


def penalised_critic(p, q, r1: float = 0.0, r2: float = 0.0, cells: int = 1_600):
    """argmin over f of E_p sp(-f) + E_q sp(f) + r1/2 E_p f'² + r2/2 E_q f'², on the line.

    The logistic critic of lesson 01 under R₁ and R₂; without them log p/q. Piecewise linear on
    `cells` cells where p or q has mass (a density above 1e-13), by Newton's method on a convex
    problem; the error falls with the square of a cell. ValueError for laws that are not on the
    line, and for weights below 0.
    """
    on_the_line(p=p, q=q)
    for name, weight in dict(r1=r1, r2=r2).items():
        if not fits(weight, least=0):
            raise ValueError(f"{name} = {weight!r}: a finite number of 0 or more")
    check_count("cells", cells, least=2, most=MANY)
    edges = np.concatenate([p.edges(), q.edges()])
    x = np.linspace(edges.min(), edges.max(), 20_001)
    x = x[np.maximum(p.pdf(x), q.pdf(x)) > 1e-13]
    x = np.linspace(x[0], x[-1], cells + 1)
    step, middle = x[1] - x[0], (x[1:] + x[:-1]) / 2
    a, b = p.pdf(x) * step, q.pdf(x) * step                              # masses of the places
    stiff = (r1 * p.pdf(middle) + r2 * q.pdf(middle)) / step             # of ½ (f_{j+1} - f_j)²

    def loss(f):
        bend = .5 * stiff @ np.diff(f) ** 2
        return a @ np.logaddexp(0, -f) + b @ np.logaddexp(0, f) + bend

    f = np.clip(log_ratio(p, q)(x), -30, 30) if not (r1 or r2) else np.zeros(len(x))
    for _ in range(100):
        pull = stiff * np.diff(f)
        gradient = b * expit(f) - a * expit(-f)
        gradient[1:] += pull
        gradient[:-1] -= pull
        bands = np.zeros((2, len(x)))                                    # upper form: above, main
        bands[1] = (a + b) * expit(f) * expit(-f) + 1e-300
        bands[1, 1:] += stiff
        bands[1, :-1] += stiff
        bands[0, 1:] = -stiff
        newton, size = _solved(bands, gradient), 1.0
        if gradient @ newton < 1e-20:                                    # Newton's decrement
            break
        while loss(f - size * newton) > loss(f) and size > 1e-6:
            size /= 2
        f = f - size * newton
    return PenalisedCritic(x, f, float(loss(f)))


def _solved(bands, right):
    """H⁻¹ right for a tridiagonal H in upper form, its diagonal scaled to 1: tails have no mass."""
    scale = 1 / np.sqrt(bands[1])
    scaled = np.stack([bands[0] * scale * np.roll(scale, 1), np.ones(len(scale))])
    scaled[0, 0] = 0
    scaled[1] += 1e-13
    return scale * solveh_banded(scaled, scale * right)

