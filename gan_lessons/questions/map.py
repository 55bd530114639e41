"""Questions of notebooks/20_map.ipynb and their answers."""
from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from ..exact.divergences import js_slope
from ..exact.laws import Normal
from ..map.results import coverage


def coded_gain():
    """The gain of least squares with a, b, c = -1, 1, 0 at r = 1/3, from the game's own losses."""
    from ..map.best_critic import best_score, score_losses  # here, as they load torch
    from ..objectives.least_squares import least_squares

    game, log_r = least_squares(-1, 1, 0), np.log([1 / 3])
    best = best_score(game, log_r)
    return float(-score_losses(game).generator_slope(best.score)[0] * best.slope[0])


def one_in_a_batch():
    """The distance, in widths, at which KL's share is 1/64."""
    return brentq(lambda d: np.exp(-d ** 2) - 1 / 64, .1, 5)


def nothing_asked():
    """The ν for which C_ν(1.5) + C_ν(-2.5) + C_ν(0.5) = 0."""
    return brentq(lambda nu: sum(max(a, nu * a) for a in (1.5, -2.5, .5)), 0, 1)


def thousand_times():
    """The distance at which the non-saturating gradient is 1000 times the saturating one, σ = 1."""
    saturating = lambda d: 2 * js_slope(Normal(0, 1), Normal(d, 1))
    non_saturating = lambda d: d - saturating(d)
    return brentq(lambda d: non_saturating(d) / saturating(d) - 1000, 3, 9)


def seeds_for(wanted=.99):
    """The smallest n for which [lowest, highest] of n runs holds the true median so surely."""
    return next(n for n in range(1, 100) if coverage(n) >= wanted)


QUESTIONS = {
    "20 gain": (coded_gain, "c* = (r - 1)/(r + 1) = tanh(½ log r), and C = ½ c² has the slope c*"),
    "20 share": (one_in_a_batch,
                 "KL's share at distance d is exp(-d²), widths 1: for which d is it 1/64?"),
    "20 nothing": (nothing_asked,
                   "max(a, νa) is a for a > 0 and νa for a < 0 (0 ≤ ν ≤ 1): add the three up"),
    "20 thousand": (thousand_times, "read both numbers on the ladder, and move the distance until "
                                    "one is a thousand times the other"),
    "20 seeds": (seeds_for, "solve 1 - 2^(1 - n) ≥ 0.99 for a whole n"),
}
