"""Few labels, many pictures: K logits with an implicit fake class, and the loss-sensitive game with min_y l(x, y).

Salimans et al. 2016, arXiv 1606.03498; Qi 2017, arXiv 1701.06264. Derived in notebooks/14_semi_supervised.ipynb.
"""
from __future__ import annotations

from torch import Tensor
from torch.nn.functional import cross_entropy, softplus

from ..game import Game


def source_logit(a: Tensor) -> Tensor:
    """log Z, Z = Σ_k exp a_k: the logit of "real" when "fake" is one more class of logit 0. (n, K) -> (n,)."""
    return a.logsumexp(1)


def improved_gan(weight: float = 1.0) -> Game:
    """K logits serve as K + 1 classes; the generator matches features of unlabelled real pictures.

    f(x): (n, ...) -> (n, K) logits a, with `f.features`: (n, ...) -> (n, d). u are unlabelled real pictures.
    f   CE(a(x), y) + weight · (E sp(-log Z(u)) + E sp(log Z(g(z))))
    g   |E h(u) - E h(g(z))|² / d,  h = f.features
    """
    if not weight >= 0:
        raise ValueError(f"weight = {weight}: the unlabelled part is weighed with a number of 0 or more")

    def loss_of_f(f, g, x, y, u, z):
        unlabelled = softplus(-source_logit(f(u))).mean() + softplus(source_logit(f(g(z)))).mean()
        return cross_entropy(f(x), y) + weight * unlabelled

    def loss_of_g(f, g, u, z):
        return (f.features(u).mean(0) - f.features(g(z)).mean(0)).square().mean()

    return Game({"f": loss_of_f, "g": loss_of_g})
