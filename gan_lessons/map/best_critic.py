"""The losses of a single score, read off a Game, and what follows from them for the best critic.

Where a critic f and a generator g have losses that are means over samples, three functions of
one score say everything: the critic minimises E_p A(f(x)) + E_q B(f(g(z))), the generator
E_q C(f(g(z))). `score_losses` reads A, B and C off a Game, by calling its losses on samples that
are their own scores. From these alone follow the best critic at every density ratio (`best_score`),
the least loss that it can reach (`best_value`) and the generator's gradient before it (`push`).
Derived in notebooks/20_map.ipynb.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import expit

from ..exact.checks import as_list, as_numbers, told
from ..exact.laws import log_ratio
from ..exact.quadrature import masses, panels
from ..game import Game

# |log p/q| beyond this is taken as this: slopes stay inside the range of floats
_FAR = 300.0
# brackets of the best score begin with ±1 and grow to ±2^1, 2^2.25, 2^3.75, …, 2^999.75
_EXPONENTS = np.cumsum(1 + np.arange(88) / 4)
_EXPONENTS = _EXPONENTS[_EXPONENTS < 1000]
# more scores than this are sought between those of a coarse table
_MANY = 600
# rounds of Newton's method or halving; the widest bracket needs fewer
_ROUNDS = 150
# three real and three fake scores on which the losses of a game are tried
_TRIED = [torch.tensor(scores, dtype=torch.float64) for scores in ([.7, -1.3, 2.1], [-.4, 1.9, .2])]


@dataclass(frozen=True)
class ScoreLosses:
    """The three functions of a score that a game of two players consists of.

    The critic minimises E_p A(f(x)) + E_q B(f(g(z))), the generator E_q C(f(g(z))). Here real = A,
    fake = B, generator = C: scores (n,) -> (n,). A and B are known up to a constant that one may
    hand the other; here A(0) = B(0).

    game: the Game · critic: the critic's symbol, f or l · twice: whether torch can differentiate
    the critic's loss twice. Derived in notebooks/20_map.ipynb.
    """

    game: Game
    critic: str
    twice: bool = True

    def real(self, score):
        """A, the critic's loss of a real sample's score: (n,) -> (n,)."""
        return self._each(self.critic, score, None) - self._at_0() / 2

    def fake(self, score):
        """B, the critic's loss of a fake sample's score: (n,) -> (n,)."""
        return self._each(self.critic, None, score) - self._at_0() / 2

    def generator(self, score):
        """C, the generator's loss of a fake sample's score: (n,) -> (n,)."""
        return self._each("g", None, score)

    def slopes(self, score):
        """A', B', A'', B'' at scores (n,), four arrays (n,), by torch on the critic's loss."""
        score = as_numbers(score, "score", finite=False)
        if not len(score):                              # a loss is a mean, and none is over nothing
            return (np.zeros(0),) * 4
        real, fake = (torch.tensor(score, dtype=torch.float64, requires_grad=True)
                      for _ in range(2))
        # the loss is a mean over n samples: times n, its slope by a score is that score's own
        loss = _play(self.game, self.critic, self.critic, real, fake) * len(real)
        first = [_slope(loss, s) for s in (real, fake)]
        second = [_slope(part.sum(), s) for part, s in zip(first, (real, fake))]
        return tuple(part.detach().numpy() for part in (*first, *second))

    def generator_slope(self, score):
        """C' at scores (n,) -> (n,), by torch on the generator's loss."""
        score = as_numbers(score, "score", finite=False)
        fake = torch.tensor(score, dtype=torch.float64, requires_grad=True)
        loss = _play(self.game, self.critic, "g", torch.zeros_like(fake), fake) * len(fake)
        return _slope(loss, fake).detach().numpy()

    def _each(self, player, real, fake):
        """The player's loss on one pair after the other; None stands for a score of 0."""
        score = as_numbers(real if fake is None else fake, "score", finite=False)
        known, where = np.unique(score, return_inverse=True)
        zero = torch.zeros(1, dtype=torch.float64)

        def one(s):
            pair = (s, zero) if fake is None else (zero, s)
            return _play(self.game, self.critic, player, *pair).reshape(())

        alone = torch.tensor(known)[:, None]                         # (k, 1): k batches of one
        try:
            losses = torch.func.vmap(one)(alone)
        except Exception:           # a loss that branches on its numbers cannot be vectorised
            losses = torch.stack([one(s) for s in alone])
        return losses.detach().numpy()[where].reshape(score.shape)

    def _at_0(self):
        """A(0) + B(0), which the two share equally."""
        return float(self._each(self.critic, np.zeros(1), None)[0])


def score_losses(game: Game) -> ScoreLosses:
    """The ScoreLosses of a game of a critic, f or l, and a generator g.

    The losses are tried on three scores of either side: they may depend on scores alone, must be
    sums of a part of the real and a part of the fake scores, and means over the batch. ValueError,
    saying which of these a loss is not, for games that have no such functions.
    """
    if isinstance(game, ScoreLosses):
        return game
    if not isinstance(game, Game):
        raise TypeError(f"losses of a score are those of a Game, as minimax(), not {told(game)}")
    critic = _critic_of(game)
    for player in (critic, "g"):
        _refuse_unless_scores_alone(game, critic, player)
    return ScoreLosses(game, critic, _differentiable_twice(ScoreLosses(game, critic)))


class Best(NamedTuple):
    """The best critic where log p/q is log_r, three arrays of the shape of log_r.

    score: its score · slope: d score / d log_r, 0 on a step · step: True where the score sits in a
    corner of A or B.
    """

    score: np.ndarray
    slope: np.ndarray
    step: np.ndarray


def best_score(game: Game | ScoreLosses, log_r) -> Best:
    """The score c that minimises r A(c) + B(c), log r of any shape: r A'(c) + B'(c) = 0.

    slope = -r A' / (r A'' + B''), by implicit differentiation. Where c sits in a corner of A or B
    (hinge), `step` is True and the slope 0: c jumps from one corner to another. ValueError where no
    finite score is best, and as in `score_losses`. Derived in notebooks/20_map.ipynb.
    """
    known = score_losses(game)
    log_r = as_numbers(log_r, "log_r", finite=False)
    if np.isnan(log_r).any():
        raise ValueError("log_r holds nan, which is the ratio of no two densities: leave it out")
    shape, log_r = log_r.shape, np.clip(log_r.ravel(), -_FAR, _FAR)      # (n,)
    condition = _Condition(known, log_r)
    score = _root(condition, *_bracket(condition))
    slope, step = _response(condition, score)
    return Best(score.reshape(shape), slope.reshape(shape), step.reshape(shape))


def push(game: Game | ScoreLosses, p, q) -> float:
    """The generator's gradient before the best critic, for smooth laws p and q on the line.

    d/dtheta of the generator's loss when all fakes move by theta and the best critic stays:
    E_q C'(c*) c*'(x). Where the best score jumps (hinge), or torch differentiates a loss only once,
    it is computed as -E_q C(c*) score_q, which needs no slope of the critic.

    As exact as torch's derivatives: those of sigmoids are right to the last digits, expm1 gives e^v
    up to 1e-16 only, and softplus is v itself above 20. ValueError as in `score_losses` and
    `best_score`. Derived in notebooks/20_map.ipynb.
    """
    return float(pushes(game, [(p, q)])[0])


def pushes(game: Game | ScoreLosses, pairs) -> np.ndarray:
    """`push` for k pairs (p, q) at once, which is faster: (k,). ValueError for what is no list of
    pairs, TypeError and ValueError, as in `push`, for laws that are none."""
    known, pairs = score_losses(game), _pairs(pairs)
    if not pairs:
        return np.zeros(0)
    nodes = [masses(q, panels(p, q)) for p, q in pairs]
    log_r = [log_ratio(p, q)(x) for (p, q), (x, _) in zip(pairs, nodes)]
    best = best_score(known, np.concatenate(log_r))
    if best.step.any():
        return _pushes_by_scores(known, _jumps(known), pairs)
    if not known.twice:
        return _pushes_by_scores(known, [], pairs)
    loss_slope = known.generator_slope(best.score)
    ends = np.cumsum([0, *map(len, log_r)])             # where the nodes of each pair begin
    results = []
    for (p, q), (x, mass), start, end in zip(pairs, nodes, ends, ends[1:]):
        # either slope may be huge where q is tiny: half of the mass tames each before they meet
        root = np.sqrt(mass)
        with np.errstate(over="ignore", invalid="ignore"):
            felt = (root * loss_slope[start:end]) * (root * best.slope[start:end])
        # p.score - q.score is d log r / dx, which turns d c*/d log r into c*'
        results.append(felt @ (p.score(x) - q.score(x)))
    return np.array(results)


def _pairs(pairs) -> list:
    """A list of pairs (p, q), also of what gives them one by one."""
    found = as_list("pairs", pairs) if isinstance(pairs, Iterable) else None
    if found is None or not all(isinstance(pair, (tuple, list)) and len(pair) == 2
                                for pair in found):
        raise ValueError(f"pairs = {told(pairs)}: a list of pairs of laws, as [(p, q), (p, q2)]")
    return found


def best_value(game: Game | ScoreLosses, p, q) -> float:
    """The critic's least loss E_p A(c*) + E_q B(c*), for laws p and q on the line.

    The loss is called once for each node of the quadrature. ValueError as in `score_losses` and
    `best_score`.
    """
    known = score_losses(game)
    total = 0.0
    for law, loss in ((p, known.real), (q, known.fake)):
        x, mass = _heavy(law, _edges_at_jumps(_jumps(known), p, q))
        score = best_score(known, log_ratio(p, q)(x)).score
        total += mass @ loss(np.round(score, 13))       # equal scores are then asked for once
    return float(total)


# -- the best score: a bracket, then Newton's method ---------------------------------------------
#
# At a log ratio log r = log p/q the best score is the root of
#
#     F(c) = w A'(c) + v B'(c),    w = p/(p + q),  v = q/(p + q),
#
# which is r A' + B' = 0 divided by 1 + r: no weight overflows, however far apart p and q are. F is
# negative left of the root and positive right of it. All n roots are sought at once:
#
# 1. `_bracket` finds low < c < high with F(low) < 0 < F(high), by moving an end away in ever longer
#    strides. Of many roots a few hundred are found first, and these bracket the others.
# 2. `_root` evaluates F at c, which becomes the new low or the new high. The next c is Newton's
#    c - F/F' where this lies in the bracket and is at most half of the last step away; elsewhere
#    it is the middle of the bracket. Newton's method is fast near the root and wild far from it,
#    halving is slow and sure: so no step gains less than halving does.
# 3. `_response` differentiates the root by log r, and finds the roots that sit in a corner.

class _Condition:
    """F at n log ratios: its values and slopes at n scores, or at those with the indices `at`."""

    def __init__(self, known: ScoreLosses, log_r):
        self.known, self.log_r = known, log_r
        self.p_share, self.q_share = expit(log_r), expit(-log_r)     # w and v

    def __call__(self, c, at=slice(None)):
        """F: scores (m,) -> (m,)."""
        A, B, *_ = self.known.slopes(c)
        with np.errstate(invalid="ignore", over="ignore"):
            return self.p_share[at] * A + self.q_share[at] * B

    def with_slope(self, c, at):
        """F and F': scores (m,) -> (m,), (m,); F' is nan where torch cannot differentiate twice."""
        A, B, A2, B2 = self.known.slopes(c)
        with np.errstate(all="ignore"):
            value = self.p_share[at] * A + self.q_share[at] * B
            slope = self.p_share[at] * A2 + self.q_share[at] * B2
        return value, slope if self.known.twice else np.nan * slope


def _root(F: _Condition, low, high, c):
    """The roots of F, from brackets and first guesses (n,), which are overwritten: (n,)."""
    last = high - low                                   # the length of each one's last step
    moving = np.arange(len(c))                          # indices of the roots not found yet
    for _ in range(_ROUNDS):
        if not len(moving):
            break
        here = c[moving]
        value, slope = F.with_slope(here, moving)
        root_above = value < 0
        low[moving] = np.where(root_above, here, low[moving])
        high[moving] = np.where(root_above, high[moving], here)
        with np.errstate(all="ignore"):                 # F' may be 0 or nan: then halve
            newton = here - value / slope
            in_bracket = (newton >= low[moving]) & (newton <= high[moving])
            gains = 2 * np.abs(newton - here) <= last[moving]
            middle = (low[moving] + high[moving]) / 2
        by_newton, found = in_bracket & gains, value == 0
        c[moving] = np.where(found, here, np.where(by_newton, newton, middle))
        last[moving] = np.abs(c[moving] - here)
        # after a Newton step the error is about the step's square, after a halving the step itself
        enough = np.where(by_newton, 1e-9, 1e-16) * np.abs(here)
        moving = moving[(last[moving] > enough) & ~found]
    return c


def _bracket(F: _Condition):
    """low, high, guess (n,) with F(low) ≤ 0 ≤ F(high). ValueError where F keeps its sign."""
    n = len(F.log_r)
    if n > _MANY:
        low, high, guess = _bracket_by_table(F)
        missed = np.flatnonzero((F(low) > 0) | (F(high) < 0))
        low[missed], high[missed], guess[missed] = -1.0, 1.0, 0.0
    else:
        low, high, guess = np.full(n, -1.0), np.ones(n), np.zeros(n)
        missed = np.arange(n)
    for end, other, sign in ((high, low, 1), (low, high, -1)):
        short = missed[sign * F(end[missed], missed) < 0]           # the root lies beyond this end
        for exponent in _EXPONENTS:
            if not len(short):
                break
            other[short] = end[short]                               # so it lies above the old end
            end[short] = sign * 2.0 ** exponent
            short = short[sign * F(end[short], short) < 0]
        if len(short):
            nearest = short[np.argmin(np.abs(F.log_r[short]))]
            _no_best(F.known, F.log_r[nearest])
    guess[missed] = (low[missed] + high[missed]) / 2
    return low, high, guess


def _bracket_by_table(F: _Condition):
    """low, high, guess (n,) from the best scores at 300 log ratios, quantiles of all."""
    grid = np.quantile(np.unique(F.log_r), np.linspace(0, 1, _MANY // 2))
    table = best_score(F.known, grid).score
    right = np.clip(np.searchsorted(grid, F.log_r), 1, len(grid) - 1)
    below, above = table[right - 1], table[right]
    # a little wider than the neighbours, whose last digits are not certain
    low = below - 1e-9 * (1 + np.abs(below))
    high = above + 1e-9 * (1 + np.abs(above))
    return low, high, np.interp(F.log_r, grid, table)


def _response(F: _Condition, c):
    """d c / d log r and whether c sits in a corner, (n,), (n,). ValueError where A, B level off."""
    A, B, A2, B2 = F.known.slopes(c)
    level = (A == 0) & (B == 0) & (np.abs(F.log_r) < 60)
    if level.any():
        _no_best(F.known, F.log_r[level][0])
    width = 1e-12 * np.abs(c) + 1e-300
    with np.errstate(all="ignore"):
        size = np.abs(F.p_share * A) + np.abs(F.q_share * B)
        step = F(c + width) - F(c - width) > 1e-6 * size + 1e-10    # F jumps there
        # -w A' = v B' at the root; of the two the one with the smaller share is the more exact
        numerator = np.where(F.log_r < 0, -F.p_share * A, F.q_share * B)
        if F.known.twice:
            bend = F.p_share * A2 + F.q_share * B2
        else:
            width = 1e-5 * (1 + np.abs(c))
            bend = (F(c + width) - F(c - width)) / (2 * width)
        slope = np.where(step | (bend == 0), 0, numerator / bend)
    return slope, step


def _no_best(known, log_r):
    """ValueError: why no finite score is best, by how steep the losses are 2^40 away."""
    A, B, *_ = known.slopes(np.array([-2.0 ** 40, 2.0 ** 40]))
    if np.abs(expit(log_r) * A + expit(-log_r) * B).max() > 1e-9:
        raise ValueError(
            f"no score is best where log p/q = {log_r:.3g}: more is always better, and the gap can "
            "be made as large as one likes; it needs a constraint on the critic's slopes, as WGAN "
            "does (lessons 06 to 08)")
    raise ValueError(
        f"no finite score is best where log p/q = {log_r:.3g}: the losses level off, and the "
        "critic goes on towards infinity, as under total variation (f_divergence has its exact "
        "slope)")


# -- scores that jump ----------------------------------------------------------------------------

class _Tilted:
    """p times e^-jump, so that `panels` finds the places where log p/q is `jump`."""

    def __init__(self, law, jump):
        self.law, self.jump, self.edges, self.score = law, jump, law.edges, law.score
        self.dim = law.dim

    def logpdf(self, x):
        return self.law.logpdf(x) - self.jump


def _jumps(known: ScoreLosses) -> list[float]:
    """The log p/q at which the best score jumps, between -40 and 40."""
    grid = np.linspace(-40.03, 40.07, 161)
    best = best_score(known, grid)
    in_corner = best.step[1:] | best.step[:-1]
    found = []
    for i in np.flatnonzero(in_corner & (np.abs(np.diff(best.score)) > 1e-6)):
        low, high = grid[i], grid[i + 1]
        middle = (best.score[i] + best.score[i + 1]) / 2
        for _ in range(8):                              # 64^8 times closer
            finer = np.linspace(low, high, 65)
            at = np.clip(np.argmax(best_score(known, finer).score >= middle), 1, 64)
            low, high = finer[at - 1], finer[at]
        found.append((low + high) / 2)
    return found


def _edges_at_jumps(jumps, p, q):
    """Borders of panels for p and q, and at every place where log p/q is one of the jumps."""
    return np.unique(np.concatenate(
        [panels(p, q), *(panels(_Tilted(p, jump), q) for jump in jumps)]))


def _pushes_by_scores(known, jumps, pairs):
    """-E_q C(c*) score_q for k pairs, which needs no slope of the best critic: (k,)."""
    nodes = [_heavy(q, _edges_at_jumps(jumps, p, q)) for p, q in pairs]
    log_r = [log_ratio(p, q)(x) for (p, q), (x, _) in zip(pairs, nodes)]
    score = best_score(known, np.concatenate(log_r)).score
    ends = np.cumsum([*map(len, log_r)])[:-1]
    losses = np.split(known.generator(np.round(score, 13)), ends)    # one array a pair
    return np.array([-float(mass @ (loss * q.score(x)))
                     for (_, q), (x, mass), loss in zip(pairs, nodes, losses)])


def _heavy(law, edges):
    """Nodes of more than 1e-40, for losses that are called once a node."""
    return masses(law, edges, least=1e-40)


# -- calling a loss with scores ------------------------------------------------------------------

def _play(game, critic, player, real, fake, unit=1.0):
    """The player's loss where f(x) = unit · x and g(z) = z, on scores (n,) and (m,).

    The samples x are the scores over the unit: another unit moves the samples and keeps the scores.
    """
    move = next(move for move in game.moves if move.player == player)
    known = {
        critic: lambda x: unit * x[:, 0],               # (n, 1) -> (n,)
        "g": lambda z: z,
        "x": real[:, None] / unit,
        "z": fake[:, None] / unit,
    }
    return move.bare(**{name: known[name] for name in move.asks(known)})


def _tried(game, critic, player, real, fake, unit):
    """`_play` as a float. ValueError, saying why, where the loss asks for more or is no number."""
    try:
        loss = _play(game, critic, player, real, fake, unit)
    except NameError as error:
        raise ValueError(
            f"{error}. Here samples have no labels and only one game is played: a conditional game "
            "is this one within each class, so give the game that conditional(...) was made of"
        ) from error
    except Exception as error:
        raise ValueError(
            f"the loss of {player} could not be called with scores alone, f: (n, 1) -> (n,) and "
            f"g(z) = z: {type(error).__name__}: {error}") from error
    if not (torch.is_tensor(loss) and loss.numel() == 1):
        raise ValueError(f"the loss of {player} is one number, a tensor of shape (), not {loss!r}: "
                         "end it with .mean()")
    return float(loss)


def _critic_of(game) -> str:
    """The critic's symbol, f or l. ValueError unless it and a generator have one move each."""
    critics = [name for name in game.players if name in ("f", "l")]
    if len(game.moves) != 2 or len(critics) != 1 or set(game.players) != {*critics, "g"}:
        raise ValueError(
            "losses of a score are those of two players, a critic f or l and a generator g, with "
            f"one move each; this game has the moves {', '.join(m.player for m in game.moves)}")
    if any(move.after for move in game.moves):
        raise ValueError(
            "this game moves weights by hand after a step (clipping): what its critic can do "
            "depends on the network, not on scores; leave `after` out")
    return critics[0]


def _refuse_unless_scores_alone(game, critic, player):
    """ValueError unless the player's loss is the mean over a batch of A(score) + B(score)."""
    real, fake = _TRIED
    loss = lambda real, fake, unit=1.0: _tried(game, critic, player, real, fake, unit)
    whole = loss(real, fake)
    if not np.isfinite(whole):
        raise ValueError(
            f"the loss of {player} is {whole} at scores {real.tolist()} and {fake.tolist()}: write "
            "it for scores of any size, with softplus in the place of log D")
    if not _same(whole, loss(real, fake, 2.0)):
        raise ValueError(
            f"the loss of {player} sees more than scores: it changes when the samples move and "
            "their scores stay. A penalty on slopes or a margin between samples does that; see "
            "what is exact in lessons 07 to 10, or leave that term out")
    # the loss of each real score beside each fake one: of a sum A + B the mixed differences are 0
    pairs = np.array([[loss(a[None], b[None]) for b in fake] for a in real])        # (3, 3)
    mixed = pairs - pairs[:, :1] - pairs[:1] + pairs[0, 0]
    if not _same(np.abs(mixed).max() + 1, 1.0):
        raise ValueError(
            f"the loss of {player} compares: what a fake score costs depends on the real ones "
            "beside it, as in relativistic games (lesson 11), which gan_lessons.exact.relativistic "
            "solves")
    for n in (2, 3):
        batch, alone = loss(real[:n], fake[:n]), pairs[:n, :n].mean()
        if not _same(batch, alone):
            raise ValueError(
                f"the loss of {player} is no mean over the batch: {n} pairs of scores cost "
                f"{batch:.6g}, on average alone {alone:.6g}; end it with .mean()")


def _differentiable_twice(known: ScoreLosses) -> bool:
    """Whether torch's A'' and B'' are the central differences of its A' and B'."""
    at, h = np.concatenate(_TRIED), 1e-5
    *_, A2, B2 = known.slopes(at)
    above, below = known.slopes(at + h), known.slopes(at - h)
    return all(np.allclose((up - down) / (2 * h), second, rtol=1e-4, atol=1e-6)
               for up, down, second in zip(above, below, (A2, B2)))


def _slope(total, s):
    """d total / d s, of the same shape, itself differentiable; 0 where total does not hold s."""
    slope = None
    if total.requires_grad:
        slope, = torch.autograd.grad(total, s, create_graph=True, allow_unused=True)
    return torch.zeros_like(s) if slope is None else slope


def _same(a, b):
    return abs(a - b) <= 1e-9 * (1 + abs(a) + abs(b))
