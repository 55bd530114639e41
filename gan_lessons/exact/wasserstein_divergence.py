"""Best critics of the Wasserstein divergence of Wu et al. 2018, arXiv 1712.01026, on the line.

W = sup over f of E f(x) - E f(x') - k E |f'(x̂)|ᵖ, x real, x' fake, x̂ where slopes are measured,
with density ρ. At each place alone the best slope is (|F - G| / (k p ρ))^(1/(p - 1)), falling where
F > G. Derived in notebooks/08_wasserstein_divergence.ipynb. NumPy only, no torch; the exponent p is
`power` here.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .checks import as_numbers, fits
from .lipschitz import own_density, segment_density
from .quadrature import expectation, nodes, panels
from .transport import cdf_difference, pieces


class Reading(NamedTuple):
    """What a critic reports: gap = E f(x) - E f(x') and penalty = k E ‖∇f(x̂)‖ᵖ."""

    gap: float
    penalty: float

    @property
    def value(self) -> float:
        """gap - penalty, what the critic maximises; the divergence for the best critic."""
        return self.gap - self.penalty


def linear_divergence(distance, k=2.0, power=6.0) -> Reading:
    """The best linear critic for means `distance` apart, in any dimension.

    Its slope is (distance / kp)^(1/(p - 1)). For two atoms and x̂ between them, no other critic does
    better. ∞ where a float cannot hold it. ValueError for k ≤ 0, p ≤ 1 and a distance that is not
    finite.
    """
    k, power = check(k, power)
    numbers = as_numbers(distance, "distance")
    plain = isinstance(distance, (list, tuple)) or "bool" in str(getattr(distance, "dtype", ""))
    distance = numbers[()] if plain else distance
    try:
        gap = abs(distance) * (abs(distance) / (k * power)) ** (1 / (power - 1))
    except OverflowError:                                      # a power of 1.001 is the 1000th
        gap = np.inf
    return Reading(gap, gap / power)


def divergence_slope(real, fake, k=2.0, power=6.0, where=segment_density):
    """x -> f*'(x), the best critic's slope: any shape -> same shape.

    Infinite where F ≠ G and ρ = 0.
    where: (real, fake) -> density ρ of x̂, as segment_density and sample_density of
    exact/lipschitz. ValueError for k ≤ 0 or p ≤ 1.
    """
    k, power = check(k, power)
    difference, density = cdf_difference(real, fake), own_density(where, real, fake)

    def slope(x):
        d = difference(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(d == 0, 0, np.abs(d) / (k * power * density(x)))     # 0 also for 0 / 0
            return -np.sign(d) * ratio ** (1 / (power - 1))
    return slope


def divergence(real, fake, k=2.0, power=6.0, where=segment_density) -> Reading:
    """The best critic's gap ∫ |F - G| |f*'| and penalty gap / p; (1 - 1/p) gap is the divergence.

    ∞ where mass must cross a place with ρ = 0. N(0,1), N(3,1), k = 2, p = 6: gap 2.2810, value
    1.9008, where W₁ = 3. ValueError for k ≤ 0 or p ≤ 1.
    """
    k, power = check(k, power)
    x, share = nodes(pieces(real, fake)[0])
    d, density = np.abs(cdf_difference(real, fake)(x)), own_density(where, real, fake)(x)
    there = d > 1e-250                                         # beyond, d and ρ underflow together
    d, density, share = d[there], density[there], share[there]
    with np.errstate(divide="ignore", over="ignore"):
        slope = (d / (k * power * density)) ** (1 / (power - 1))
    gap = float(share @ (d * slope))
    return Reading(gap, gap / power)


def divergence_gradient(real, fake, k=2.0, power=6.0, where=segment_density) -> float:
    """d/dθ of the generator's -E f*(x' + θ) when all fakes move by θ: -E f*'(x').

    The best critic stays as it is while the fakes move. ValueError for k ≤ 0 or p ≤ 1.
    """
    slope = divergence_slope(real, fake, k, power, where)
    return -expectation(fake, slope, panels(real, fake))


def check(k, power) -> tuple[float, float]:
    """k and p as floats; ValueError unless k > 0 and p > 1, both finite."""
    if not fits(k, above=0):
        raise ValueError(f"k = {k}: without a penalty k > 0 on slopes the supremum is infinite; "
                         "the paper takes k = 2")
    if not fits(power, above=1):
        raise ValueError(f"p = {power}: the power of a slope must be above 1 and finite, or the "
                         "supremum over critics is 0 or infinite; the paper takes p = 6")
    return float(k), float(power)
