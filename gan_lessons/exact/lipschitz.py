"""Best critics under a penalty on slopes, on the line: their slope, their gap, their penalty.

With F, G the distribution functions of p, q and ρ the density of the points where slopes are
measured, E_p f - E_q f = -∫ f' (F - G) dx, and at each x alone the best slope is
1 + |F - G| / (2 λ ρ), falling where F > G. Derived in notebooks/07_lipschitz.ipynb. Penalties of
Gulrajani et al. 2017, arXiv 1704.00028, and Petzka et al. 2018, arXiv 1709.08894. NumPy only, no
torch.
"""
from __future__ import annotations

import numpy as np

from .checks import as_numbers, check_function, fits, told
from .laws import Mixture, Normal
from .quadrature import nodes, on_the_line
from .transport import cdf_difference, pieces

# -- where slopes are measured: (p, q) -> density ρ of the points --------------------------------


def segment_density(p, q):
    """x -> ρ(x), density of x̂ = ε x + (1 - ε) x', x ~ p, x' ~ q, ε uniform on [0, 1].

    Any shape -> same shape. For Normals and mixtures of them ρ is a mean over ε of Normal
    densities. TypeError for other laws, ValueError for two that lie 2,000 sds or more apart.
    """
    on_the_line(p=p, q=q)
    parts = [(w, w_fake, a, b) for w, a in _normals(p) for w_fake, b in _normals(q)]

    def density(x):
        x = np.asarray(x, dtype=float)
        total = np.zeros_like(x)
        for w, w_fake, a, b in parts:
            epsilon, share = nodes(_borders(a, b))                                # (k,), (k,)
            mean = epsilon * a.mean + (1 - epsilon) * b.mean
            sd = np.hypot(epsilon * a.sd, (1 - epsilon) * b.sd)
            bells = np.exp(-((x[..., None] - mean) / sd) ** 2 / 2)                # (..., k)
            total += w * w_fake * (bells @ (share / sd)) / np.sqrt(2 * np.pi)
        return total
    return density


def _borders(a, b):
    """Borders of panels for ε between two Normals, on which the bells of x̂ change calmly."""
    # given ε, x̂ is Normal; the mean runs through this many widths as ε goes from 0 to 1
    count = 9 + int(abs(a.mean - b.mean) / min(a.sd, b.sd))
    if count > 2000:
        raise ValueError(f"{a!r} and {b!r} lie {count:,} sds apart: too far for the density of the "
                         "points between them; rescale, or give where=sample_density")
    borders = np.linspace(0, 1, count + 1)
    thin = min(a.sd, b.sd) / max(a.sd, b.sd)
    if thin > .02:
        return borders
    # The narrow law counts only where ε has all but left the broad one: panels that halve
    near = thin * 2.0 ** np.arange(-2, int(-np.log2(thin)) + 1)
    return np.unique(np.concatenate([borders, 1 - near if b.sd > a.sd else near]))


def sample_density(p, q):
    """x -> (p + q) / 2, slopes at real and at fake points, half of each. Any shape."""
    on_the_line(p=p, q=q)
    return lambda x: (p.pdf(x) + q.pdf(x)) / 2


def _normals(law):
    """[(share, Normal), …] of a law on the line; a mixture of mixtures is taken apart as well."""
    if isinstance(law, Normal) and law.dim == 1:
        return [(1.0, law)]
    if isinstance(law, Mixture) and law.dim == 1:
        return [(w * share, part)
                for w, inner in zip(law.weights, law.laws) for share, part in _normals(inner)]
    raise TypeError("points between samples have a known density for Normals on the line and "
                    f"mixtures of them, not for {law!r}: give where=sample_density, or a density "
                    "of your own")


# -- the best slope, its gap and its penalty -----------------------------------------------------


def penalised_slope(p, q, weight=10.0, where=segment_density):
    """x -> f*'(x) = -sign(F - G) (1 + |F - G| / (2 λ ρ)): any shape -> same shape.

    The best slope under gradient and Lipschitz penalty alike. weight: λ > 0, ValueError otherwise ·
    where: (p, q) -> density ρ. Where F = G the two differ (|f'| = 1 for the one, |f'| ≤ 1 for the
    other) and 0 is returned; where ρ = 0, it is infinite.
    """
    _check_weight(weight)
    difference, density = cdf_difference(p, q), own_density(where, p, q)

    def slope(x):
        d = difference(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = 2 * weight * density(x)
            return -np.sign(d) * np.where(d == 0, 0, 1 + np.abs(d) / reach)
    return slope


def penalised_gap(p, q, weight=10.0, where=segment_density):
    """(gap, penalty) of the best critic: E_p f* - E_q f*, and λ E (|f*'| - 1)² under ρ.

    gap = W₁ + ∫(F - G)²/ρ / 2λ and penalty = ∫(F - G)²/ρ / 4λ; their difference is the supremum
    that the critic reaches. Both are ∞ where mass must cross a place with ρ = 0. ValueError unless
    weight > 0. For N(0,1), N(3,1), λ = 10: 3.4630 and 0.2315, where W₁ = 3.
    """
    _check_weight(weight)
    difference, density = cdf_difference(p, q), own_density(where, p, q)
    x, share = nodes(pieces(p, q)[0])
    d = np.abs(difference(x))
    there = ~(d <= 1e-150)                                     # beyond, d and ρ underflow together
    x, share, d = x[there], share[there], d[there]
    with np.errstate(divide="ignore"):
        # d · (d / ρ) and not d² / ρ, which underflows where d and ρ are both small
        excess = float(share @ (d * (d / density(x)))) / (2 * weight)
    return float(share @ d) + excess, excess / 2


def own_density(where, p, q):
    """x -> the density that a reader's own `where` gives for p and q, looked at: any shape -> same
    shape. TypeError for a `where` that is no function of two laws; ValueError for one that gives no
    density, and for a density of another shape, below 0 or nan."""
    check_function("where", where, "(p, q) -> density", many=2)
    density = where(p, q)
    if not callable(density):
        raise ValueError(f"where=... gives {told(density)}: it gives a density, a function of x, "
                         "as segment_density does")

    def checked(x):
        found = as_numbers(density(x), "the density of where=...", finite=False)
        if found.shape != np.shape(x):
            raise ValueError(f"where=... gives a density of shape {found.shape} for places of "
                             f"shape {np.shape(x)}: one number each")
        if not (found >= 0).all():
            raise ValueError("where=... gives a density below 0, or nan: it is 0 or more "
                             "everywhere")
        return found
    return checked


def _check_weight(weight):
    if not fits(weight, above=0):
        raise ValueError(f"weight = {weight}: without a penalty λ > 0 on slopes a critic has no "
                         "best slope; papers take 10")
