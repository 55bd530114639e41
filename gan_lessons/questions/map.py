"""Questions of notebooks/20_map.ipynb and their answers."""
from __future__ import annotations

from copy import deepcopy
from itertools import combinations

import numpy as np
from scipy.optimize import brentq

from ..exact.divergences import js_slope
from ..exact.laws import Normal
from ..map.advice import by_luck, tell_apart
from ..map.results import summary


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


def thousand_times():
    """The distance at which the non-saturating gradient is 1000 times the saturating one, σ = 1."""
    saturating = lambda d: 2 * js_slope(Normal(0, 1), Normal(d, 1))
    non_saturating = lambda d: d - saturating(d)
    return brentq(lambda d: non_saturating(d) / saturating(d) - 1000, 3, 9)


def seeds_for(wanted=1e-3):
    """The smallest n for which two objectives of one distribution are apart by luck so rarely."""
    return next(n for n in range(1, 100) if by_luck(n) <= wanted)


LOG = {"A": (41.2, 47.9, 43.0), "B": (46.8, 49.6, 52.3), "C": (58.7, 54.7, 62.8),
       "D": (51.1, 70.5, 60.7)}


def pairs_apart():
    """How many pairs of the log are told apart, by the rule of the advice."""
    rows = [{"objective": name, "data": "mnist", "seed": seed, "frechet": value}
            for name, values in LOG.items() for seed, value in enumerate(values, 1)]
    return sum(bool(tell_apart(*pair)) for pair in combinations(summary(rows, "frechet"), 2))


def only_the_recognised(f, g, z):
    """A generator's loss for c* = log r, max(-c, 0) in the mean: gain 1 where r < 1, else 0."""
    return (-f(g(z))).clamp(min=0).mean()


def paired_step(f, g, x, z, optimizer):
    """A step of RSGAN's critic: each fake has a real partner, and g collects no gradient."""
    from torch.nn.functional import softplus

    optimizer.zero_grad()
    softplus(-(f(x) - f(g(z).detach()))).mean().backward()
    optimizer.step()


def left_by(step):
    """What a critic's step leaves behind, as a function of (f, g, x, z): the mean score of the real
    batch, plus the size of every gradient that g has collected, a number. It plays on copies, by
    gradient descent with rate 0.1; None for a step that is not written."""
    def played(f, g, x, z):
        from torch.optim import SGD

        f, g = deepcopy([f, g])
        step(f, g, x, z, SGD(f.parameters(), lr=.1))
        slopes = [[w.grad for w in player.parameters() if w.grad is not None] for player in (f, g)]
        left = sum(slope.abs().sum() for slope in slopes[1])
        return f(x).mean().item() + float(left) if any(slopes) else None
    return played


QUESTIONS = {
    "20 gain": (coded_gain, "c* = (r - 1)/(r + 1) = tanh(½ log r), and C = ½ c² has the slope c*"),
    "20 share": (one_in_a_batch,
                 "KL's share at distance d is exp(-d²), widths 1: for which d is it 1/64?"),
    "20 thousand": (thousand_times, "read both numbers on the ladder, and move the distance until "
                                    "one is a thousand times the other"),
    "20 seeds": (seeds_for, "solve 2 / C(2n, n) ≤ 0.001 for a whole n"),
    "20 apart": (pairs_apart, "a pair is apart if the highest of the one is below the lowest of "
                              "the other"),
}
