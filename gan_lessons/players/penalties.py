"""What is asked of a critic's slopes: penalties at chosen points, and clipped weights.

A penalty is where slopes are measured × what is asked of them: penalty(between, equal_one) is the
gradient penalty. Derived in notebooks/07_lipschitz.ipynb; clipping in
notebooks/06_wasserstein.ipynb.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu
from torch.overrides import TorchFunctionMode

from ..exact.checks import check_count, fits
from ..game import (
    Game,
    arguments,
    both,
    check_network,
    check_player,
    check_samples,
    check_takes,
    check_tensors,
    couples_batch,
    in_full,
    one_format,
    opaque,
)


def slopes(f, x: Tensor) -> Tensor:
    """‖∇f(xᵢ)‖₂ for every sample, over all axes but the first: (n, ...) -> (n,).

    Differentiable by f's weights. One backward pass serves all samples, because the gradient of
    Σᵢ f(xᵢ) by xᵢ is that of f(xᵢ) alone. Where the gradient is 0, the slope's own gradient is
    taken as 0, and where a score is NaN the slope is. In units of the score per unit of x; float32
    where x is in half precision.
    ValueError for a critic in which one sample moves another's score, as with batch norm, where the
    sum mixes samples; for one that gives no score a sample, and for one that does not look at x.
    Lesson 07.
    """
    check_player("f", f)
    if not (isinstance(x, Tensor) and x.dim() and x.is_floating_point() and len(x)):
        came = f"{x.dtype} {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise ValueError("slopes are taken at floating-point samples (n, ...) with n ≥ 1, not at "
                         + came)
    check_tensors(x=x)
    if not opaque(f) and couples_batch(f, x):
        raise ValueError(_MIXES.replace("a layer", "batch norm") if _has_norm(f) else _MIXES)
    x = x.detach().requires_grad_()
    with one_format(f, x, shapes=True), torch.enable_grad(), _NoBends():
        # what f changes in place is a copy: on a leaf torch would refuse to
        score = f(x.clone() if _changes_input(f) or opaque(f) else x)
        check_tensors(**{"what f returns": score})
        if score.is_complex():
            raise ValueError("scores of f are complex: take their .real")
        if score.numel() != len(x):
            raise ValueError("slopes are those of one score a sample: "
                             f"f gave {tuple(score.shape)} for {len(x)} samples")
        gradient = None
        if score.requires_grad:
            gradient, = torch.autograd.grad(score.sum(), x, create_graph=True, allow_unused=True)
        if gradient is None:
            raise ValueError("this score does not depend on x as torch sees it: a critic that "
                             "ignores its samples, or detaches them, has no slopes to govern")
        if opaque(f) and len(x) > 1:
            # Σ vᵢ f(xᵢ) has the gradients vᵢ ∇f(xᵢ), if no sample moves another's score
            v = 1 + torch.arange(len(x), dtype=score.dtype, device=x.device) % 7
            mixed, = torch.autograd.grad((v * score.flatten()).sum(), x, retain_graph=True)
            own = gradient.detach() * v.to(x.dtype).reshape(-1, *[1] * (x.dim() - 1))
            if (mixed - own).norm() > 1e-3 * own.norm():
                raise ValueError(_MIXES)
    gradient = in_full(gradient, "gradients")
    # a rectifier's slope at nan is a number: there the score says that it is none
    lost = score.detach().isnan().reshape(len(x)).to(gradient.device)
    norms = gradient.reshape(len(x), -1).norm(dim=1)                 # (n, ...) -> (n, D) -> (n,)
    return torch.where(lost, torch.nan, norms)


_MIXES = ("a layer lets one sample move another's score, so no sample has a slope of its own: "
          "build the penalised critic without it (layer norm is harmless)")


def _has_norm(f) -> bool:
    return any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in f.modules())


def _changes_input(f) -> bool:
    """Whether some activation works in place: on a leaf torch would refuse to."""
    return isinstance(f, nn.Module) and any(getattr(m, "inplace", False) for m in f.modules())


class _NoBends(TorchFunctionMode):
    """Within it relu and leaky_relu are x · mask with a constant mask: the same values and slopes.

    A penalty on slopes is differentiated twice. The second derivative of these two is 0 wherever it
    exists, but autograd, which does not know, would carry the zeros back through every layer, a
    quarter of the work. A constant mask has no derivative to carry.
    """

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function not in (relu, leaky_relu):
            return function(*args, **kwargs)
        # relu(input, inplace) and leaky_relu(input, negative_slope, inplace)
        names = ("input", "inplace") if function is relu else ("input", "negative_slope", "inplace")
        given = dict(zip(names, args)) | kwargs
        x, below = given["input"], 0.0 if function is relu else given.get("negative_slope", 0.01)
        mask = torch.where(x.detach() > 0, x.new_tensor(1.0), x.new_tensor(below))
        # in place it stays: a shortcut that shares x sees the change
        return x.mul_(mask) if given.get("inplace") else x * mask


# -- where -----------------------------------------------------------------------------------------

def between(x: Tensor, x_fake: Tensor) -> Tensor:
    """Random points ε xᵢ + (1 - ε) g(zᵢ) of the segments, one ε in [0, 1] per sample.

    (n, ...), (n, ...) -> (n, ...). ValueError for shapes that differ.
    Gulrajani et al. 2017, arXiv 1704.00028; lesson 07.
    """
    check_tensors(x=x, x_fake=x_fake)
    if x.shape != x_fake.shape:
        raise ValueError(f"points between real {tuple(x.shape)} and fake {tuple(x_fake.shape)} "
                         "need equal shapes: draw as many fakes as real samples, of the same size")
    _check_samples(x, x_fake)
    ones = [1] * (x.dim() - 1)
    epsilon = torch.rand(len(x), *ones, dtype=x.dtype, device=x.device)      # (n, 1, ...)
    return x + (1 - epsilon) * (x_fake - x)


def at_both(x: Tensor, x_fake: Tensor) -> Tensor:
    """The real and the fake samples themselves: (n, ...), (m, ...) -> (n + m, ...).

    ValueError for sizes that differ.
    """
    check_tensors(x=x, x_fake=x_fake)
    if x.shape[1:] != x_fake.shape[1:]:
        raise ValueError(f"one real sample has shape {tuple(x.shape[1:])}, one fake "
                         f"{tuple(x_fake.shape[1:])}: reshape the fakes to the size of the data")
    _check_samples(x, x_fake)
    return torch.cat([x, x_fake])


def at_real(x: Tensor, x_fake: Tensor) -> Tensor:
    """The real samples: (n, ...), (m, ...) -> (n, ...). Mescheder et al. 2018's R₁ looks there."""
    check_tensors(x=x)
    return x


def at_fake(x: Tensor, x_fake: Tensor) -> Tensor:
    """The fakes: (n, ...), (m, ...) -> (m, ...). Mescheder et al. 2018's R₂ looks there."""
    check_tensors(x_fake=x_fake)
    return x_fake


def at_few(where: Callable, n: int) -> Callable:
    """`where` of the first n real samples and the first n fakes of a batch, for a cheaper penalty.

    Samples of a batch are drawn alike, so the expectation is the same, and only its estimate is
    rougher. ValueError unless n is a whole number of 1 or more, TypeError for what is no function.
    """
    check_count("n", n, why="a penalty needs one sample of a batch at least")
    check_takes("where", where, 2, "x and x_fake, such as at_both")

    def few(x: Tensor, x_fake: Tensor) -> Tensor:
        check_samples(x=x, x_fake=x_fake)
        return where(x[:n], x_fake[:n])
    few.__name__ = f"at_few({_name(where)}, {n})"
    return few


def _check_samples(*samples: Tensor):
    for x in samples:
        if not (x.is_floating_point() and x.numel()):
            raise ValueError("slopes are measured at floating-point samples, one or more, not at "
                             f"{x.dtype} {tuple(x.shape)}: batches(...) makes numbers of bytes")


# -- what is asked ---------------------------------------------------------------------------------

def equal_one(slope: Tensor) -> Tensor:
    """(slope - 1)², (k,) -> (k,): every slope 1 (Gulrajani et al. 2017, arXiv 1704.00028)."""
    return (_checked(slope) - 1).square()


def at_most_one(slope: Tensor) -> Tensor:
    """max(0, slope - 1)², (k,) -> (k,): no slope above 1 (Petzka et al. 2018, arXiv 1709.08894)."""
    return relu(_checked(slope) - 1).square()


def _checked(slope: Tensor) -> Tensor:
    check_tensors(slope=slope)
    if not slope.is_floating_point():
        raise ValueError(f"slopes are floating-point numbers, not {slope.dtype}")
    return slope


def power(p: float = 6.0) -> Callable[[Tensor], Tensor]:
    """slopeᵖ, (k,) -> (k,). ValueError unless p > 1 and finite.

    Wu et al. 2018, arXiv 1712.01026; lesson 08.
    """
    if not fits(p, above=1):
        raise ValueError(f"p = {p}: the power of a slope must be above 1 and finite, or the "
                         "supremum over critics does not exist; the paper takes p = 6")

    def to_the_power(slope: Tensor) -> Tensor:
        return _checked(slope) ** p
    to_the_power.__name__ = f"power({p:g})"
    return to_the_power


def penalty(where=between, ask=equal_one):
    """(f, x, x_fake) -> E ask(‖∇f(x̂)‖), x̂ = where(x, x_fake): a scalar for a critic's loss.

    where: `between`, `at_both` or your own, (n, ...), (m, ...) -> (k, ...).
    ask: `equal_one`, `at_most_one`, `power(p)` or your own, (k,) -> (k,).
    The ValueErrors are those of `where` and of `slopes`; TypeError for what is no function.
    Lesson 07.
    """
    check_takes("where", where, 2, "x and x_fake, such as between")
    check_takes("ask", ask, 1, "slopes, (k,) -> (k,), such as equal_one")

    def penalised(f, x: Tensor, x_fake: Tensor) -> Tensor:
        """E ask(‖∇f(x̂)‖) over x̂ = where(x, x_fake): (n, ...), (n, ...) -> scalar."""
        price = ask(slopes(f, where(x, x_fake)))
        check_tensors(**{"what ask gives": price})
        return price.mean()
    penalised.__name__ = f"penalty({_name(where)}, {_name(ask)})"
    return penalised


def _name(function) -> str:
    """What a function is called; a partial has no name of its own."""
    return getattr(function, "__name__", type(function).__name__)


def zero_centred(where=at_real, sd: float | None = None):
    """(f, x, x_fake) -> E ‖∇f(x̂)‖², x̂ = where(x, x_fake): a scalar for a critic's loss.

    where = at_real is R₁ and at_fake R₂, times 2/γ; at_both is the mean of the two, times 2/γ.
    sd: None takes the slopes exactly, by a second backward pass. A number takes a difference,

        E (f(x̂ + sd ε) - f(x̂))² / sd²,   ε ~ N(0, I),

    which needs none: for sd -> 0 the difference is ε · ∇f(x̂), and E (ε · ∇f)² = ‖∇f‖².
    ValueError unless sd > 0. Mescheder, Geiger & Nowozin 2018, arXiv 1801.04406; differences in
    the place of a second backward pass: Finlay & Oberman 2019, arXiv 1905.11468. Lesson 08.
    """
    if sd is None:
        return penalty(where, power(2.0))
    check_takes("where", where, 2, "x and x_fake, such as at_real")
    if not fits(sd, above=0):
        raise ValueError(f"sd = {sd}: the step of a difference is finite and above 0, such as 0.01")

    def penalised(f, x: Tensor, x_fake: Tensor) -> Tensor:
        """E (f(x̂ + sd ε) - f(x̂))² / sd² over x̂ = where(x, x_fake): scalar."""
        at = where(x, x_fake).detach()
        _check_samples(at)
        here, there = both(f, at, at + sd * torch.randn_like(at))
        check_tensors(**{"what f returns": here})
        return ((there - here) / sd).square().mean()
    penalised.__name__ = f"zero_centred({_name(where)}, sd={sd:g})"
    return penalised


def penalised(game: Game, penalty: Callable, weight: float, player: str = "f") -> Game:
    """The same game, with weight · penalty(f, x, g(z)) added to the loss of its critic.

    penalty: (f, x, x_fake) -> one number, as `gradient_penalty` or `zero_centred(at_real)`.
    player: the critic's symbol. KeyError if it does not move in the game, ValueError for a weight
    that is not finite and ≥ 0, TypeError for a game and a penalty that are none.
    """
    if not isinstance(game, Game) or not callable(penalty):
        raise TypeError("penalised takes a Game and a penalty, a function of f, x and x_fake, not "
                        f"{game!r}, {penalty!r}")
    if not fits(weight, least=0):
        raise ValueError(f"weight = {weight}: a penalty is weighed with a number of 0 or more")
    plain = game.move_of(player).bare
    check_takes("penalty", penalty, 3, "(f, x, x_fake) -> one number, such as gradient_penalty")
    asked = arguments(plain)

    def loss(**given) -> Tensor:
        x_fake = given["g"](given["z"])
        price = penalty(given[player], given["x"], x_fake)
        check_tensors(**{"what the penalty gives": price})
        return (plain(**{name: value for name, value in given.items() if name in asked})
                + weight * price)

    needed = arguments(lambda g, x, z: None)
    loss.arguments = {**asked, **{name: needed[name] for name in needed}}
    loss.__name__ = f"{getattr(plain, '__name__', 'loss')} + {weight:g} · penalty"
    return Game([dataclasses.replace(move, loss=loss) if move.bare is plain else move
                 for move in game.moves])


gradient_penalty = penalty(between, equal_one)
lipschitz_penalty = penalty(between, at_most_one)
gradient_penalty.__name__, lipschitz_penalty.__name__ = "gradient_penalty", "lipschitz_penalty"


def clip_weights(c: float = 0.01) -> Callable[[nn.Module], None]:
    """A function that moves every weight of a network into [-c, c]. ValueError unless c > 0.

    Arjovsky et al. 2017, arXiv 1701.07875, algorithm 1; lesson 06.
    """
    if not fits(c, above=0, most=1e30):
        raise ValueError(f"c = {c}: weights are clipped to [-c, c] with a finite c > 0, "
                         "such as 0.01")

    def clip(network: nn.Module):
        check_network("network", network)
        with torch.no_grad():
            for weight in network.parameters():
                weight.clamp_(-c, c)
    return clip
