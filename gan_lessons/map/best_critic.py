"""What a game stakes on a score: A on a real sample, B on a fake one, C paid by the generator; and what follows from them.

The three functions are read off the losses of a Game by calling them with coins that are their own scores. From them
alone come the best critic at every density ratio and the generator's gradient before it. Derived in
notebooks/20_map.ipynb.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import expit

from ..exact.laws import log_ratio
from ..exact.quadrature import masses, panels
from ..game import Game

_TRIED = [torch.tensor(v, dtype=torch.float64) for v in ([.7, -1.3, 2.1], [-.4, 1.9, .2])]     # real scores, fake scores
_FAR = 300.0                                # |log p/q| beyond this is taken as this: slopes stay inside the range of floats
_REACH = np.cumsum(1 + np.arange(88) / 4)   # brackets of a best score end at 2^0, 2^1, 2^2.25, …, 2^1043
_REACH = _REACH[_REACH < 1000]
_MANY = 600                                 # more scores than this are sought between those of a coarse table


@dataclass(frozen=True)
class ScoreLosses:
    """E_p A(f(x)) + E_q B(f(g(z))), which the critic minimises, and E_q C(f(g(z))), which the generator does.

    real = A, fake = B, pays = C: scores (n,) -> (n,). A and B are known up to a constant that one may hand the other;
    here A(0) = B(0). `critic` is the critic's symbol, f or l; `twice`: its loss can be differentiated twice by torch.
    """

    game: Game
    critic: str
    twice: bool = True

    def real(self, score):
        return self._each(self.critic, score, None) - self._at_0() / 2

    def fake(self, score):
        return self._each(self.critic, None, score) - self._at_0() / 2

    def pays(self, score):
        return self._each("g", None, score)

    def slopes(self, score):
        """A', B', A'', B'' at scores (n,), four arrays (n,), by differentiating the critic's loss twice."""
        real, fake = (torch.tensor(score, dtype=torch.float64, requires_grad=True) for _ in range(2))
        loss = _play(self.game, self.critic, self.critic, real, fake) * len(real)
        first = [_slope(loss, s) for s in (real, fake)]
        second = [_slope(part.sum(), s) for part, s in zip(first, (real, fake))]
        return tuple(part.detach().numpy() for part in (*first, *second))

    def price_slope(self, score):
        """C' at scores (n,) -> (n,)."""
        fake = torch.tensor(score, dtype=torch.float64, requires_grad=True)
        return _slope(_play(self.game, self.critic, "g", torch.zeros_like(fake), fake) * len(fake), fake).detach().numpy()

    def _each(self, player, real, fake):
        """The player's loss on one pair after the other; None is a score of 0."""
        score = np.asarray(real if fake is None else fake, dtype=float)
        known, where = np.unique(score, return_inverse=True)
        zero = torch.zeros(1, dtype=torch.float64)
        one = lambda s: _play(self.game, self.critic, player, *((s, zero) if fake is None else (zero, s))).reshape(())
        alone = torch.tensor(known)[:, None]
        try:
            paid = torch.func.vmap(one)(alone)
        except Exception:                                            # a loss that looks at its numbers
            paid = torch.stack([one(s) for s in alone])
        return paid.detach().numpy()[where].reshape(score.shape)

    def _at_0(self):
        return float(self._each(self.critic, np.zeros(1), None)[0])


def score_losses(game: Game) -> ScoreLosses:
    """The Stakes of a game of a critic, f or l, and a generator g. ValueError, saying why, where it has none.

    Tried on three scores of either side: the losses may depend on scores alone, must be sums of a part of the real and a
    part of the fake scores, and means over the batch.
    """
    if isinstance(game, ScoreLosses):
        return game
    critics = [name for name in game.players if name in ("f", "l")]
    if len(game.moves) != 2 or len(critics) != 1 or set(game.players) != {*critics, "g"}:
        raise ValueError(f"stakes are those of two players, a critic f or l and a generator g, with one move each; this game "
                         f"has the moves {', '.join(move.player for move in game.moves)}")
    if any(move.after for move in game.moves):
        raise ValueError("this game moves weights by hand after a step (clipping): what its critic can do depends on the "
                         "network, not on scores; leave `after` out")
    critic, (real, fake) = critics[0], _TRIED
    for player in (critic, "g"):
        play = lambda real, fake, unit=1.0: _tried(game, critic, player, real, fake, unit)
        whole = play(real, fake)
        if not np.isfinite(whole):
            raise ValueError(f"the loss of {player} is {whole} at scores {real.tolist()} and {fake.tolist()}: write it for "
                             "scores of any size, with softplus in the place of log D")
        if not _same(whole, play(real, fake, 2.0)):
            raise ValueError(f"the loss of {player} sees more than scores: it changes when the coins move and their scores "
                             "stay. A penalty on slopes or a margin between coins does that; see the oracles of lessons 07 "
                             "to 10, or leave that term out")
        pairs = np.array([[play(a[None], b[None]) for b in fake] for a in real])
        mixed = pairs - pairs[:, :1] - pairs[:1] + pairs[0, 0]
        if not _same(np.abs(mixed).max() + 1, 1.0):
            raise ValueError(f"the loss of {player} compares: what a fake score costs depends on the real ones beside it, as "
                             "in relativistic games (lesson 11), which have an oracle of their own")
        for n in (2, 3):
            if not _same(play(real[:n], fake[:n]), pairs[:n, :n].mean()):
                raise ValueError(f"the loss of {player} is no mean over the batch: {n} pairs of scores cost "
                                 f"{play(real[:n], fake[:n]):.6g}, on average alone {pairs[:n, :n].mean():.6g}; end it with "
                                 ".mean()")
    known, at, h = ScoreLosses(game, critic), np.concatenate(_TRIED), 1e-5
    A, B, A2, B2 = known.slopes(at)
    above, below = known.slopes(at + h), known.slopes(at - h)
    twice = all(np.allclose((up - down) / (2 * h), bend, rtol=1e-4, atol=1e-6)
                for up, down, bend in zip(above, below, (A2, B2)))
    return ScoreLosses(game, critic, twice)


class Best(NamedTuple):
    """score: the best critic's where log p/q is log_r · slope: d score / d log_r, 0 on a step."""

    score: np.ndarray
    slope: np.ndarray
    step: np.ndarray


def best_score(game: Game | ScoreLosses, log_r) -> Best:
    """The score c that minimises r A(c) + B(c): r A'(c) + B'(c) = 0, by bisection and Newton; log_r any shape.

    slope = -r A' / (r A'' + B''), by implicit differentiation. Where c sits in a corner of A or B (hinge), `step` is True
    and the slope 0: c jumps from one corner to another. ValueError where no finite score is best.
    """
    known = score_losses(game)
    shape, lr = np.shape(log_r), np.clip(np.ravel(np.asarray(log_r, dtype=float)), -_FAR, _FAR)
    real, fake = expit(lr), expit(-lr)

    def pull(c, at=slice(None)):
        A, B, *_ = known.slopes(c)
        with np.errstate(invalid="ignore", over="ignore"):
            return real[at] * A + fake[at] * B

    low, high, c = _bracket(known, lr, pull)
    last = high - low
    open_ = np.arange(len(c))
    for _ in range(150):                                             # Newton, or halving where it does not gain on halving
        if not len(open_):
            break
        at = c[open_]
        A, B, A2, B2 = known.slopes(at)
        with np.errstate(all="ignore"):
            F, bend = real[open_] * A + fake[open_] * B, real[open_] * A2 + fake[open_] * B2
            bend = bend if known.twice else np.nan * bend
            low[open_], high[open_] = np.where(F < 0, at, low[open_]), np.where(F < 0, high[open_], at)
            newton, middle = at - F / bend, (low[open_] + high[open_]) / 2
            fast = (newton >= low[open_]) & (newton <= high[open_]) & (2 * np.abs(newton - at) <= last[open_])
        c[open_] = np.where(F == 0, at, np.where(fast, newton, middle))
        last[open_] = np.abs(c[open_] - at)
        open_ = open_[(last[open_] > np.where(fast, 1e-9, 1e-16) * np.abs(at)) & (F != 0)]
    A, B, A2, B2 = known.slopes(c)
    level = (A == 0) & (B == 0) & (np.abs(lr) < 60)
    if level.any():
        _no_best(known, lr[level][0])
    width = 1e-12 * np.abs(c) + 1e-300
    with np.errstate(all="ignore"):
        step = pull(c + width) - pull(c - width) > 1e-6 * (np.abs(real * A) + np.abs(fake * B)) + 1e-10
        stake, bend = np.where(lr < 0, -real * A, fake * B), real * A2 + fake * B2     # equal; the one that does not cancel
        if not known.twice:
            width = 1e-5 * (1 + np.abs(c))
            bend = (pull(c + width) - pull(c - width)) / (2 * width)
        slope = np.where(step | (bend == 0), 0, stake / bend)
    return Best(c.reshape(shape), slope.reshape(shape), step.reshape(shape))


def _bracket(known, lr, pull):
    """low, high, start: scores (n,) on both sides of the best ones, where `pull` is negative and positive."""
    low, high, start = np.full(lr.shape, -1.0), np.ones(lr.shape), np.zeros(lr.shape)
    apart = np.arange(len(lr))
    if len(lr) > _MANY:
        grid = np.quantile(np.unique(lr), np.linspace(0, 1, _MANY // 2))
        table = best_score(known, grid).score
        right = np.clip(np.searchsorted(grid, lr), 1, len(grid) - 1)
        start = np.interp(lr, grid, table)
        low, high = (table[side] + sign * 1e-9 * (1 + np.abs(table[side])) for side, sign in ((right - 1, -1), (right, 1)))
        apart = np.flatnonzero((pull(low) > 0) | (pull(high) < 0))
        low[apart], high[apart], start[apart] = -1.0, 1.0, 0.0
    for end, other, sign in ((high, low, 1), (low, high, -1)):
        open_ = apart[sign * pull(end[apart], apart) < 0]
        for exponent in _REACH:
            if not len(open_):
                break
            other[open_] = end[open_]
            end[open_] = sign * 2.0 ** exponent
            open_ = open_[sign * pull(end[open_], open_) < 0]
        if len(open_):
            _no_best(known, lr[open_[np.argmin(np.abs(lr[open_]))]])
    start[apart] = (low[apart] + high[apart]) / 2
    return low, high, start


def push(game: Game | ScoreLosses, p, q) -> float:
    """d/dtheta of the generator's loss when all fakes move by theta and the best critic stays: E_q C'(c*) c*'(x).

    p, q: smooth laws on the line. Where the best score jumps (hinge), or torch differentiates a loss once only,
    -E_q C(c*) score_q, which needs no slope of the critic. As exact as torch's derivatives: those of sigmoids are right to
    the last digits, expm1 gives e^v up to 1e-16 only, and softplus is v itself above 20.
    ValueError as in `stakes_of` and `best_score`.
    """
    return float(pushes(game, [(p, q)])[0])


def pushes(game: Game | ScoreLosses, pairs) -> np.ndarray:
    """`push` for several pairs (p, q) at once, which is faster: (k,)."""
    known = score_losses(game)
    nodes = [masses(q, panels(p, q)) for p, q in pairs]
    lr = [log_ratio(p, q)(x) for (p, q), (x, _) in zip(pairs, nodes)]
    best = best_score(known, np.concatenate(lr))
    if best.step.any() or not known.twice:
        return _pushes_by_scores(known, _jumps(known) if best.step.any() else [], pairs)
    price, ends = known.price_slope(best.score), np.cumsum([0, *map(len, lr)])
    results = []
    for (p, q), (x, mass), start, end in zip(pairs, nodes, ends, ends[1:]):
        root = np.sqrt(mass)                                     # price and slope may each be huge where q is tiny
        with np.errstate(over="ignore", invalid="ignore"):
            felt = (root * price[start:end]) * (root * best.slope[start:end])
        results.append(felt @ (p.score(x) - q.score(x)))
    return np.array(results)


def best_value(game: Game | ScoreLosses, p, q) -> float:
    """E_p A(c*) + E_q B(c*), what the best critic pays: as far down as its loss goes. One call of the loss a node."""
    known = score_losses(game)
    total = 0.0
    for law, cost in ((p, known.real), (q, known.fake)):
        x, mass = _heavy(law, _edges_at_jumps(_jumps(known), p, q))
        score = best_score(known, log_ratio(p, q)(x)).score
        total += mass @ cost(np.round(score, 13))
    return float(total)


# -- steps -------------------------------------------------------------------------------------------------

class _Tilted:
    """p times e^-jump, so that `panels` finds the places where log p/q is `jump`."""

    def __init__(self, law, jump):
        self.law, self.jump, self.edges, self.score = law, jump, law.edges, law.score

    def logpdf(self, x):
        return self.law.logpdf(x) - self.jump


def _jumps(known: ScoreLosses) -> list[float]:
    """The log p/q at which the best score jumps, between -40 and 40."""
    grid = np.linspace(-40.03, 40.07, 161)
    best = best_score(known, grid)
    found = []
    for i in np.flatnonzero((best.step[1:] | best.step[:-1]) & (np.abs(np.diff(best.score)) > 1e-6)):
        low, high, middle = grid[i], grid[i + 1], (best.score[i] + best.score[i + 1]) / 2
        for _ in range(8):                                           # 64^8 times closer
            finer = np.linspace(low, high, 65)
            at = np.clip(np.argmax(best_score(known, finer).score >= middle), 1, 64)
            low, high = finer[at - 1], finer[at]
        found.append((low + high) / 2)
    return found


def _edges_at_jumps(jumps, p, q):
    return np.unique(np.concatenate([panels(p, q), *(panels(_Tilted(p, jump), q) for jump in jumps)]))


def _pushes_by_scores(known, jumps, pairs):
    nodes = [_heavy(q, _edges_at_jumps(jumps, p, q)) for p, q in pairs]
    lr = [log_ratio(p, q)(x) for (p, q), (x, _) in zip(pairs, nodes)]
    price = np.split(known.pays(np.round(best_score(known, np.concatenate(lr)).score, 13)), np.cumsum([*map(len, lr)])[:-1])
    return np.array([-float(mass @ (paid * q.score(x))) for (_, q), (x, mass), paid in zip(pairs, nodes, price)])


def _heavy(law, edges):
    """Nodes of more than 1e-40, for losses that are called once a node."""
    return masses(law, edges, least=1e-40)


# -- playing with scores -----------------------------------------------------------------------------------

def _play(game, critic, player, real, fake, unit=1.0):
    """The player's loss where every coin x is its own score f(x) = unit · x, and g(z) = z: scores (n,), (m,)."""
    move = next(move for move in game.moves if move.player == player)
    known = {critic: lambda coin: unit * coin[:, 0], "g": lambda z: z, "x": real[:, None] / unit, "z": fake[:, None] / unit}
    return move.loss(**{name: known[name] for name in move.asks(known)})


def _tried(game, critic, player, real, fake, unit):
    try:
        loss = _play(game, critic, player, real, fake, unit)
    except NameError as error:
        raise ValueError(f"{error}. Here coins have no labels and only one game is played: a conditional game is this one "
                         "within each class, so give the game that conditional(...) was made of") from error
    except Exception as error:
        raise ValueError(f"the loss of {player} could not be called with scores alone, f: (n, 1) -> (n,) and g(z) = z: "
                         f"{type(error).__name__}: {error}") from error
    if not (torch.is_tensor(loss) and loss.numel() == 1):
        raise ValueError(f"the loss of {player} is one number, a tensor of shape (), not {loss!r}: end it with .mean()")
    return float(loss)


def _slope(total, s):
    """d total / d s, of the same shape, itself differentiable; 0 where total does not hold s."""
    slope = None
    if total.requires_grad:
        slope, = torch.autograd.grad(total, s, create_graph=True, allow_unused=True)
    return torch.zeros_like(s) if slope is None else slope


def _same(a, b):
    return abs(a - b) <= 1e-9 * (1 + abs(a) + abs(b))


def _no_best(known, lr):
    far = np.array([-2.0 ** 40, 2.0 ** 40])
    A, B, *_ = known.slopes(far)
    if np.abs(expit(lr) * A + expit(-lr) * B).max() > 1e-9:
        raise ValueError(f"no score is best where log p/q = {lr:.3g}: more is always better, and the gap can be made as large "
                         "as one likes; it needs a constraint on the critic's slopes, as WGAN does (lessons 06 to 08)")
    raise ValueError(f"no finite score is best where log p/q = {lr:.3g}: the stakes level off, and the critic goes on towards "
                     "infinity, as under total variation (f_divergence has its exact slope)")
