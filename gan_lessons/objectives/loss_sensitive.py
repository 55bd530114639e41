"""The loss-sensitive games of Qi 2017, arXiv 1701.06264: l is low on real samples, by a margin.

Derived in notebooks/09_loss_sensitive.ipynb; other costs in
notebooks/10_generalised_loss_sensitive.ipynb; with labels, as conditional(loss_sensitive()), in
notebooks/13_conditional_loss_sensitive.ipynb.
"""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import relu

from ..exact.checks import check_count, check_room, fits, told
from ..game import Game, both, check_takes, check_tensors, in_full

# -- margins and costs -----------------------------------------------------------------------------

def margin(scale: float = 1.0, p: float = 1.0) -> Callable[[Tensor, Tensor], Tensor]:
    """Δ(x, x') = scale · ‖x - x'‖_p over all axes but the first: (n, ...), (n, ...) -> (n,).

    A sum over the numbers of a sample, not a mean. ValueError unless scale ≥ 0 and p ≥ 1.
    Lesson 09.
    """
    if not (fits(scale, least=0) and fits(p, least=1, infinite=True)):
        raise ValueError(f"scale = {scale}, p = {p}: a margin is scale ≥ 0 times a p-norm, p ≥ 1")

    def delta(x: Tensor, x_fake: Tensor) -> Tensor:
        check_tensors(x=x, x_fake=x_fake)
        if x.shape != x_fake.shape:
            raise ValueError(f"a margin of pairs: real {tuple(x.shape)} and fake "
                             f"{tuple(x_fake.shape)} samples need one shape, or differences "
                             "broadcast without a word")
        apart = in_full(x, "samples") - in_full(x_fake, "samples")
        # (n, ...) -> (n, D); the numbers (n,) of a law on the line are (n, 1)
        return scale * apart.reshape(len(x), -1).norm(p, dim=1)
    return delta


def leaky(nu: float = 0.0) -> Callable[[Tensor], Tensor]:
    """C_ν(a) = max(a, ν a) = a + (1 - ν) max(-a, 0), ν ≤ 1: any shape -> same shape.

    ν = 0 is relu, -1 is |a|, 1 is a itself. ν is what a surplus (a < 0: the margin is kept, and
    more) is worth: for ν > 0 l is unbounded without a Lipschitz constraint.
    ValueError for ν > 1. Lesson 10.
    """
    if not fits(nu, most=1):
        raise ValueError(f"nu = {nu}: max(a, nu·a) is a cost (a itself for a ≥ 0) for finite "
                         "nu ≤ 1 only; 1 is the Wasserstein game, 0 LS-GAN, -1 the cost |a|")

    def cost(a: Tensor) -> Tensor:
        check_tensors(a=a)
        return torch.maximum(a, nu * a)
    return cost


def own_cost(cost: Callable[[Tensor], Tensor], name: str = "yours") -> OwnCost:
    """A cost of your own, (n,) -> (n,), once it keeps C(a) = a for a ≥ 0 and C(a) ≥ a.

    Both are tried on 1,155 numbers from -1000 to 1000, in float64, with slopes. What comes back is
    called like `cost`, as in own_cost(torch.relu), and its repr is the report.
    ValueError naming an a where a property fails, where value or slope is not finite, and for a
    cost that does not work number by number. Derived in
    notebooks/10_generalised_loss_sensitive.ipynb.
    """
    size = torch.logspace(-6, 3, 577, dtype=torch.float64)           # 1 is among them
    a = torch.cat([-size.flip(0), torch.zeros(1, dtype=torch.float64), size]).requires_grad_()
    try:
        value = cost(a)
    except (TypeError, ValueError, RuntimeError):                    # NumPy on a tensor, say
        value = None
    if not (isinstance(value, Tensor) and value.requires_grad):
        raise ValueError("a cost is written with torch and keeps the gradient: "
                         "no NumPy, no .item(), no .detach()")
    if (value.shape != a.shape
            or not torch.allclose(cost(a[:7]), value[:7], rtol=1e-9, equal_nan=True)):
        raise ValueError("a cost works number by number, (n,) -> (n,): "
                         "leave the mean to loss_sensitive")
    slope, = torch.autograd.grad(value.sum(), a)
    a, value = a.detach(), value.detach()

    def refuse(where, why):
        if where.any():
            # |log |a|| is 0 at ±1: of all that fail, the one nearest to there is the plainest
            at = torch.where(where, a.abs().log().abs().clamp(max=99), 100).argmin()
            raise ValueError(f"at a = {a[at]:.3g} your cost is {value[at]:.6g}; {why}")

    refuse(~value.isfinite(), "it must be finite for every a")
    refuse(~slope.isfinite(), "its slope there is not: torch.where computes both branches, so "
                              "clamp what overflows, as in torch.exp(a.clamp(max=0))")
    room = 1e-7 * (1 + a.abs())                                      # for rounding
    refuse((a >= 0) & ((value - a).abs() > room), "C(a) = a is asked for every a ≥ 0")
    refuse(value < a - room, "C(a) ≥ a is asked for every a")
    return OwnCost(cost, name, slope[0].item())


class OwnCost:
    """What `own_cost` returns: the cost, (n,) -> (n,), with its name.

    surplus: its slope at a = -1000, where it plays the part of ν of `leaky`. Lesson 10.
    """

    def __init__(self, cost, name: str, surplus: float):
        self.cost = cost
        self.name = name
        self.surplus = surplus

    def __call__(self, a: Tensor) -> Tensor:
        check_tensors(a=a)
        return self.cost(a)

    def __repr__(self):
        need = "; bind the slopes of l, or its loss has no bottom" if self.surplus > 1e-9 else ""
        return (f"{self.name}: C(a) = a for a ≥ 0 and C(a) ≥ a hold; "
                f"slope {self.surplus:.3g} at a = -1000{need}")


# -- which real sample is compared with which fake -------------------------------------------------

def matched(n: int, m: int) -> tuple[Tensor, Tensor]:
    """The i-th real sample with the i-th fake: indices (n,), (n,), of real and of fake.

    ValueError unless n = m.
    """
    check_count("n", n, least=0)
    check_count("m", m, least=0)
    if n != m:
        raise ValueError(f"{n} real and {m} fake samples do not pair one to one: "
                         "draw as many of each, or take all_pairs")
    check_room("pairs", n)
    return torch.arange(n), torch.arange(n)


def all_pairs(n: int, m: int) -> tuple[Tensor, Tensor]:
    """Every real sample with every fake: indices (n m,), (n m,), of real and of fake.

    The same expectation as `matched`, less noise. ValueError for what are no counts.
    """
    check_count("n", n, least=0)
    check_count("m", m, least=0)
    check_room("pairs", n, m)
    return torch.arange(n).repeat_interleave(m), torch.arange(m).repeat(n)


# -- the game --------------------------------------------------------------------------------------

def loss_sensitive(
    margin=margin(), weight: float = 1.0, cost=relu, first: float = 1.0, pairs=matched
) -> Game:
    """l(x) should stay below l(g(z)) by the margin Δ(x, g(z)); `cost` says what a violation costs.

    l   first · E l(x) + weight · E cost(Δ(x, g(z)) + l(x) - l(g(z)))        weight is the paper's λ
    g   E l(g(z))

    l: (n, ...) -> (n,), and l ≥ 0 unless first = 0, or the loss has no bottom. The margin is a
    constant for both.
    pairs: matched or all_pairs. The official code has margin(2e-4) on 3 · 64 · 64 numbers in
    [-1, 1], first = 0, matched.
    ValueError for weight < 0, first < 0, negative margins, and batches that do not pair.
    Qi 2017, arXiv 1701.06264; lesson 09, other costs lesson 10.
    """
    if not (fits(weight, least=0) and fits(first, least=0)):
        raise ValueError(f"weight = {weight}, first = {first}: both weigh a term of the loss and "
                         "are 0 or more")
    check_takes("margin", margin, 2, "x and x_fake, such as margin(1.) makes one")
    check_takes("cost", cost, 1, "what is lacking, (k,) -> (k,), such as relu or leaky(.5)")
    check_takes("pairs", pairs, 2, "two numbers of samples, such as matched")

    def loss_of_l(l, g, x, z):
        x_fake = g(z)
        if x.shape[1:] != x_fake.shape[1:]:
            raise ValueError(f"real {tuple(x.shape)} and fake {tuple(x_fake.shape)} do not pair: "
                             "one sample of each must have the same shape")
        i, j = _two(pairs(len(x), len(x_fake)))
        try:
            delta = margin(x[i], x_fake[j])
        except IndexError as error:
            raise ValueError(f"pairs gives numbers that no sample of {len(x)} and {len(x_fake)} "
                             f"bears ({error}): whole numbers from 0, as matched does") from error
        check_tensors(**{"what the margin gives": delta})
        delta = checked_margins(delta.detach(), len(i))
        real, fake = both(l, x, x_fake)
        if real.dim() != 1 or fake.dim() != 1:
            raise ValueError(f"scores of shape {tuple(real.shape)} and {tuple(fake.shape)}: one "
                             "number per sample, (n,), or differences broadcast without a word; "
                             "end the critic with nn.Flatten(0)")
        price = cost(delta + real[i] - fake[j])
        check_tensors(**{"what the cost gives": price})
        return first * real.mean() + weight * price.mean()

    def loss_of_g(l, g, z):
        return in_full(l(g(z))).mean()

    return Game({"l": loss_of_l, "g": loss_of_g})


def _two(found):
    """The numbers of the real and of the fake samples of all pairs; ValueError for others."""
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        raise ValueError(f"pairs gives {told(found)}: the numbers i of the real samples and j of "
                         "the fakes, two of one length, as matched does")
    return found


def checked_margins(delta: Tensor, pairs: int) -> Tensor:
    """The margins `delta` (pairs,) themselves; ValueError unless there is one ≥ 0 for each pair.

    On an accelerator the sign is not looked at: to read it, the processor would have to wait.
    """
    check_tensors(delta=delta)
    check_count("pairs", pairs, least=0)
    if delta.shape != (pairs,):
        raise ValueError(f"a margin is one number a pair, ({pairs},), not {tuple(delta.shape)}")
    if delta.device.type == "cpu" and (delta < 0).any():
        raise ValueError(f"a margin of {delta.min():g}: "
                         "a real sample must cost no more than a fake; take Δ ≥ 0")
    return delta
