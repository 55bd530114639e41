"""Relativistic games: the critic compares real with fake, and only differences of scores count.

A game is a comparison (each sample with its partner, or each with the average of the others) × a
pair loss h of the difference of the two scores. Jolicoeur-Martineau 2018, arXiv 1807.00734.
Derived in notebooks/11_relativistic.ipynb: the best critic log p/q + const of RSGAN and its value
log 2 - JS(p⊗q, q⊗p).
"""
from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import relu

from ..exact.checks import told
from ..game import Game, both, check_takes, check_tensors, in_full, softplus

# -- losses h(a) of a difference a of scores: any shape -> same shape, low where a is large --------

PAIR_LOSSES = {
    "logistic": lambda a: softplus(-a),
    "squares": lambda a: (a - 1).square(),
    "hinge": lambda a: relu(1 - a),
    "identity": lambda a: -a,
}


# -- who is compared with whom ---------------------------------------------------------------------

def pairwise(h, first: Tensor, second: Tensor) -> Tensor:
    """E h(firstᵢ - secondᵢ), each with its partner: (n,), (n,) -> ().

    ValueError for scores that do not pair.
    """
    check_tensors(first=first, second=second)
    if first.shape != second.shape:
        raise ValueError(f"scores of shape {tuple(first.shape)} and {tuple(second.shape)} do not "
                         "pair: draw as many fakes as real samples, or compare with the average, "
                         "as in relativistic(\"RaSGAN\")")
    _check_cost(h)
    return _cost(h(in_full(first) - in_full(second))).mean()


def _check_cost(h):
    if not callable(h) or isinstance(h, type):
        raise TypeError(f"h = {told(h)}: a function of differences of scores, as torch.square")


def _cost(costs: Tensor) -> Tensor:
    """The costs themselves; ValueError where h has returned none."""
    check_tensors(**{"what h returns": costs})
    return costs


def average(h, first: Tensor, second: Tensor) -> Tensor:
    """E h(first - E second) + E h(E first - second), each with the mean of the others.

    (n,), (m,) -> (). ValueError for scores with more than one axis.
    """
    check_tensors(first=first, second=second)
    if first.dim() != 1 or second.dim() != 1:
        raise ValueError(f"scores of shape {tuple(first.shape)} and {tuple(second.shape)}: "
                         "one number per sample, (n,), or differences broadcast without a word; "
                         "end the critic with nn.Flatten(0)")
    _check_cost(h)
    first, second = in_full(first), in_full(second)
    return _cost(h(first - second.mean())).mean() + _cost(h(first.mean() - second)).mean()


KINDS = {
    "RGAN": (pairwise, "identity"), "RSGAN": (pairwise, "logistic"),
    "RLSGAN": (pairwise, "squares"), "RHinge": (pairwise, "hinge"),
    "RaGAN": (average, "identity"), "RaSGAN": (average, "logistic"),
    "RaLSGAN": (average, "squares"), "RaHinge": (average, "hinge"),
}


def relativistic(kind: str | tuple[Callable, Callable | str] = "RSGAN") -> Game:
    """compare(h, f(x), f(g(z))) for the critic; for the generator the same with the roles swapped.

    kind: a name of KINDS, or (comparison, h): a function like `pairwise` or `average`, and a name
        of PAIR_LOSSES or a function of your own. With a the difference of two scores, "S" in a
        name is h(a) = softplus(-a), "LS" (a - 1)², "Hinge" relu(1 - a). Without a letter h(a) = -a,
        which is WGAN for RGAN and twice WGAN for RaGAN: add a Lipschitz constraint.
    f: (n, ...) -> (n,). Both losses need x. KeyError, listing the names, for an unknown one;
    TypeError for what is neither; ValueError for scores that do not pair. Jolicoeur-Martineau
    2018, arXiv 1807.00734; lesson 11.
    """
    if isinstance(kind, str) and kind not in KINDS:
        raise KeyError(f"no relativistic game {kind!r}; there are {', '.join(KINDS)}")
    if not isinstance(kind, str) and not (isinstance(kind, tuple) and len(kind) == 2):
        raise TypeError("kind is a name or (comparison, pair loss), such as (average, "
                        f"\"logistic\"), not {kind!r}")
    compare, h = KINDS[kind] if isinstance(kind, str) else kind
    if isinstance(h, str) and h not in PAIR_LOSSES:
        raise KeyError(f"no pair loss {h!r}; there are {', '.join(PAIR_LOSSES)}")
    h = PAIR_LOSSES[h] if isinstance(h, str) else h
    check_takes("a comparison", compare, 3, "h and the scores of either side, such as pairwise")
    check_takes("a pair loss", h, 1, "differences, (n,) -> (n,), such as torch.relu")

    def critic_loss(f, g, x, z):
        real, fake = both(f, x, g(z))
        return compare(h, real, fake)

    def generator_loss(f, g, x, z):
        return compare(h, f(g(z)), f(x))

    return Game({"f": critic_loss, "g": generator_loss})
