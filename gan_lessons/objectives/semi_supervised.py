"""Semi-supervised: class logits with an implicit fake class, and the loss-sensitive game.

Salimans et al. 2016, arXiv 1606.03498: K logits serve as K + 1 classes. Qi 2017, arXiv 1701.06264:
where no label is known, min_y l(x, y) takes the place of l(x, y). Derived in
notebooks/14_semi_supervised.ipynb.
"""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad, relu

from ..exact.checks import fits
from ..game import Game, check_takes, check_tensors, couples_batch, in_full, softplus
from .loss_sensitive import checked_margins, margin


def source_logit(a: Tensor) -> Tensor:
    """log Z, Z = Σ_k exp a_k: the logit of "real" when "fake" is one more class of logit 0.

    (n, K) -> (n,). ValueError for other shapes. Salimans et al. 2016, arXiv 1606.03498; lesson 14.
    """
    return _logits(a).logsumexp(1)


def with_fake_class(a: Tensor) -> Tensor:
    """The K + 1 logits that K stand for, with 0 for the class "fake": (n, K) -> (n, K + 1).

    ValueError for other shapes.
    """
    return pad(_logits(a), (0, 1))


def _logits(a: Tensor) -> Tensor:
    """a itself, read `in_full`; ValueError for what is no (n, K)."""
    check_tensors(a=a)
    if a.dim() != 2:
        raise ValueError(f"class logits are (n, K), not {tuple(a.shape)}")
    return in_full(a, "class logits")


def supervised() -> Game:
    """Labelled samples alone, the baseline of this lesson: f minimises CE(a(x), y), in nats.

    f(x): (n, ...) -> (n, K) logits a. ValueError for labels out of range and an f without class
    logits. Lesson 14.
    """
    def loss_of_f(f, x, y):
        a = in_full(f(x))
        _check_fits(a, y)
        return cross_entropy(a, y)

    return Game({"f": loss_of_f})


def improved_gan(weight: float = 1.0) -> Game:
    """K logits serve as K + 1 classes; the generator matches features of unlabelled real pictures.

    f   CE(a(x), y) + weight · (E sp(-log Z(u)) + E sp(log Z(g(z))))
    g   |E h(u) - E h(g(z))|² / d,  h = f.features

    f(x): (n, ...) -> (n, K) logits a, with `f.features`: (n, ...) -> (n, d). sp is softplus. u are
    unlabelled real pictures. The official code has weight = 1/2.
    ValueError for a negative weight, labels out of range, an f without class logits or without
    features. Salimans et al. 2016, arXiv 1606.03498; lesson 14.
    """
    if not fits(weight, least=0):
        raise ValueError(f"weight = {weight}: the unlabelled part is weighed with a number of 0 "
                         "or more")

    def loss_of_f(f, g, x, y, u, z):
        known, unknown, fake = _on_all_three(f, x, u, g(z))
        _check_fits(known, y)
        unlabelled = softplus(-source_logit(unknown)).mean() + softplus(source_logit(fake)).mean()
        return cross_entropy(known, y) + weight * unlabelled

    def loss_of_g(f, g, u, z):
        if not hasattr(f, "features"):
            raise ValueError(f"{type(f).__name__} has no .features(x) to match: take "
                             "mlp_critic(..., outputs=K), image_critic(..., outputs=K), or give "
                             "your network that method, (n, ...) -> (n, d)")
        real, fake = in_full(f.features(u), "features"), in_full(f.features(g(z)), "features")
        return (real.mean(0) - fake.mean(0)).square().mean()

    return Game({"f": loss_of_f, "g": loss_of_g})


def semi_supervised(
    margin=margin(), weight: float = 1.0, eta: float = 1.0, first: float = 1.0
) -> Game:
    """The loss-sensitive game with labels, and once more with the best guess where none is known.

    l   [first · E l(x, y) + weight · E max(0, Δ(x, x') + l(x, y) - l(x', y))]
        + eta · [first · E m(u) + weight · E max(0, Δ(u, x') + m(u) - m(x'))]
    g   E l(x', y) + eta · E m(x')

    with x' = g(z, y) and the best guess m(x) = min_y l(x, y). l: a ClassLoss, whose `losses`:
    (n, ...) -> (n, K); g(z, y) takes labels. u are unlabelled real pictures, the i-th is paired
    with the i-th fake, like x. eta = 0 is conditional LS-GAN.
    ValueError for negative numbers, labels out of range, an l without `losses`, and u of another
    number or shape than x. Qi 2017, arXiv 1701.06264; lesson 14.
    """
    if not all(fits(w, least=0) for w in (weight, eta, first)):
        raise ValueError(f"weight = {weight}, eta = {eta}, first = {first}: all weigh a term of "
                         "the loss and are 0 or more")
    check_takes("margin", margin, 2, "x and x_fake, such as margin(1.) makes one")

    def part(delta, real, fake):
        delta = checked_margins(delta.detach(), len(real))
        return first * real.mean() + weight * relu(delta + real - fake).mean()

    def loss_of_l(l, g, x, y, u, z):
        if not hasattr(l, "losses"):
            raise ValueError(f"{type(l).__name__} has no .losses(x), one for each class: "
                             "wrap the network in ClassLoss(net, classes)")
        x_fake = g(z, y)
        if not x.shape == u.shape == x_fake.shape:
            raise ValueError(f"labelled {tuple(x.shape)}, unlabelled {tuple(u.shape)} and fake "
                             f"{tuple(x_fake.shape)} samples pair one to one: give as many of "
                             "each, of one shape")
        known, unknown, fake = _on_all_three(l.losses, x, u, x_fake, net=l)  # (n, K) each
        _check_fits(known, y)
        labelled = part(margin(x, x_fake), _of_label(known, y), _of_label(fake, y))
        return labelled + eta * part(margin(u, x_fake), unknown.amin(1), fake.amin(1))

    def loss_of_g(l, g, y, z):
        losses = in_full(l.losses(g(z, y)))
        return _of_label(losses, y).mean() + eta * losses.amin(1).mean()

    return Game({"l": loss_of_l, "g": loss_of_g})


def _of_label(losses: Tensor, y: Tensor) -> Tensor:
    """losses[i, y_i]: (n, K), (n,) -> (n,)."""
    return losses.gather(1, y[:, None])[:, 0]


def _on_all_three(function, x: Tensor, u: Tensor, x_fake: Tensor, net=None):
    """function of all three, in one pass where that gives the same numbers.

    net: the network behind `function`, where that is one of its methods.
    """
    alike = x.shape[1:] == u.shape[1:] == x_fake.shape[1:]
    method = "__call__" if net is None else function.__name__
    if not alike or couples_batch(net or function, x, u, x_fake, call=method):
        return in_full(function(x)), in_full(function(u)), in_full(function(x_fake))
    return in_full(function(torch.cat([x, u, x_fake]))).split([len(x), len(u), len(x_fake)])


def _check_fits(a: Tensor, y: Tensor):
    """Refuses all but class logits (n, K), K ≥ 2, and a label from 0 to K - 1 for each."""
    if a.dim() != 2 or a.shape[1] < 2:
        raise ValueError(f"this game needs class logits (n, K), not {tuple(a.shape)}: "
                         "build the network with outputs=K")
    if y.shape != a.shape[:1] or y.is_floating_point() or y.is_complex():
        raise ValueError(f"{len(a)} samples need {len(a)} whole-number labels, not {y.dtype} of "
                         f"shape {tuple(y.shape)}")
    # On an accelerator reading a label would make the processor wait
    if y.device.type == "cpu" and not 0 <= int(y.min()) <= int(y.max()) < a.shape[1]:
        raise ValueError(f"labels from {y.min()} to {y.max()} for a network of {a.shape[1]} "
                         f"classes, 0 to {a.shape[1] - 1}: build it with outputs=K for as many "
                         "classes as the data have")
