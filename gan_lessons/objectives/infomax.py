"""Deep InfoMax: bounds of mutual information from scores, and an encoder that maximises them.

Scores are a square table T[i, j] = T(x_i, z_j) of every sample of a batch with every latent code:
(n, n), or (n, n, M) where a picture is looked at in M places. A sample's own code stands on the
diagonal; all other codes are those of other samples. Everything in nats.
Derived in notebooks/17_infomax.ipynb. Hjelm et al. 2019, arXiv 1808.06670.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor

from ..exact.checks import fits
from ..game import Game, Move, both, check_samples, check_tensors, in_full, softplus
from .variational import draw_code, gaussian_code, kl_to_normal

# -- bounds: I is the mutual information of x and z, r = p(x, z) / (p(x) p(z)) ---------------------

def own_and_other(scores: Tensor) -> tuple[Tensor, Tensor]:
    """(n, n, ...) -> own (n, ...), the diagonal, and other (n (n - 1), ...), all the rest.

    ValueError unless the table is square with at least two rows: one sample alone has no others.
    """
    check_samples(scores=scores)
    n = len(scores)
    if scores.dim() < 2 or scores.shape[1] != n or n < 2:
        raise ValueError("scores of every sample with every code are a square table (n, n, ...) "
                         f"with n of 2 or more, not {tuple(scores.shape)}: compare at least two "
                         "samples, T[i, j] = T(x_i, z_j)")
    own = torch.eye(n, dtype=torch.bool, device=scores.device)
    scores = in_full(scores)
    return scores[own], scores[~own]


def donsker_varadhan(own: Tensor, other: Tensor) -> Tensor:
    """E T - log E e^T ≤ I, tight at T = log r + any constant: (n, ...), (m, ...) -> ().

    Trailing axes are averaged. The mean of exponentials is taken before its logarithm, so on a
    batch it reads too high on average.
    ValueError for no scores, or unlike trailing axes. Donsker & Varadhan 1983; Belghazi et al.
    2018, arXiv 1801.04062; lesson 17.
    """
    own, other = _alike(own, other)
    log_mean_exp = other.logsumexp(0) - math.log(len(other))
    return own.mean() - log_mean_exp.mean()


def nwj(own: Tensor, other: Tensor) -> Tensor:
    """E T - E e^(T - 1) ≤ I, tight at T = 1 + log r only: (n, ...), (m, ...) -> ().

    The dual of KL in lesson 03. ValueError as there. Nguyen, Wainwright & Jordan 2010,
    arXiv 0809.0853; lesson 17.
    """
    own, other = _alike(own, other)
    return own.mean() - (other - 1).exp().mean()


def jensen_shannon(own: Tensor, other: Tensor) -> Tensor:
    """-E softplus(-T) - E softplus(T) ≤ 2 JS(p(x, z), p(x) p(z)) - 2 log 2, tight at T = log r.

    Not a bound of I. (n, ...), (m, ...) -> (), between -2 log 2 for T = 0 and 0 for perfect scores.
    ValueError as there. Hjelm et al. 2019, arXiv 1808.06670; lesson 17.
    """
    own, other = _alike(own, other)
    return -softplus(-own).mean() - softplus(other).mean()


def _alike(own: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Both read `in_full`; ValueError for trailing axes that differ."""
    check_tensors(own=own, other=other)
    if own.dim() < 1 or other.dim() < 1 or own.shape[1:] != other.shape[1:]:
        raise ValueError(f"own scores {tuple(own.shape)} and others {tuple(other.shape)} are "
                         "(n, ...) and (m, ...), of the same places")
    return in_full(own), in_full(other)


def info_nce(scores: Tensor) -> Tensor:
    """E log [e^T(x_j, z_j) / (1/n Σ_i e^T(x_i, z_j))] ≤ min(I, log n): (n, n, ...) -> ().

    For each code z_j, which of the n samples does it belong to? So it contrasts over x, axis 0 of
    the scores: the mean in the logarithm runs over all n samples, the own one included. Any
    function of z alone may be added to T. To contrast over codes, pass the table transposed.
    ValueError as in `own_and_other`. van den Oord et al. 2018, arXiv 1807.03748; lesson 17.
    """
    own_and_other(scores)                                        # refuses what is not square
    scores = in_full(scores)
    own = torch.diagonal(scores, dim1=0, dim2=1).movedim(-1, 0)              # (n, ...)
    return (own - scores.logsumexp(0)).mean() + math.log(len(scores))


BOUNDS = {
    "DV": lambda scores: donsker_varadhan(*own_and_other(scores)),
    "NWJ": lambda scores: nwj(*own_and_other(scores)),
    "JSD": lambda scores: jensen_shannon(*own_and_other(scores)),
    "InfoNCE": info_nce,
}


def information_bound(name: str):
    """scores (n, n, ...) -> () by name: "DV", "NWJ", "JSD" or "InfoNCE".

    KeyError, listing them, for another.
    """
    if not isinstance(name, str) or name not in BOUNDS:
        raise KeyError(f"no bound {name!r}; there are {', '.join(BOUNDS)}")
    return BOUNDS[name]


def _views(e, x: Tensor):
    """(features at all places, code) of an encoder; ValueError for a network without places."""
    if not hasattr(e, "views"):
        raise ValueError(f"{type(e).__name__} has no .views(x), the features at the places of a "
                         "picture and its code: take image_encoder(...) or linear_encoder(...)")
    return e.views(x)


# -- the game --------------------------------------------------------------------------------------

def deep_infomax(
    alpha: float = 0.0,
    beta: float = 1.0,
    gamma: float = 0.1,
    bound: str = "JSD",
    prior: str = "uniform",
) -> Game:
    """e t   -alpha · bound(T(x, z)) - beta · bound(T(x at m, z)) + gamma · prior term

    The second bound is a mean over places m.
    e: an encoder with e(x) = z, (n, ...) -> (n, k), and e.views(x) = (features, z).
    t: a statistics network with t.whole(features, z) -> (n, n) and t.local(features, z) ->
        (n, n, M), as `statistics_network(e)` makes.
    prior "uniform": the term is E softplus(-f(e(x))), and f minimises E softplus(-f(z)) +
        E softplus(f(e(x))): it tells samples z of the prior from codes. Wants an encoder with
        squash=True and f: (n, k) -> (n,).
    prior "normal": e gives (n, 2k), means and log deviations; z is drawn, and the term is
        E KL(p(z | x) ‖ N(0, I)).
    gamma = 0 leaves the prior, and f, out. The paper's (alpha, beta, gamma): (1, 0, 1) global,
    (0, 1, 0.1) local.
    ValueError for negative or infinite weights, no information term, or another prior; KeyError for
    another bound. Hjelm et al. 2019, arXiv 1808.06670; lesson 17.
    """
    weights = (alpha, beta, gamma)
    if not all(fits(w, least=0) for w in weights) or alpha + beta == 0:
        raise ValueError(f"alpha, beta, gamma = {weights}: weights are 0 or more, and alpha or "
                         "beta above 0, or nothing asks the code to know its picture")
    if not isinstance(prior, str) or prior not in ("uniform", "normal"):
        raise ValueError('prior is "uniform" (a critic f compares codes with noise) or "normal" '
                         f"(a KL), not {prior!r}")
    score = information_bound(bound)

    def information(t, features, z):
        for way in ["whole"] * bool(alpha) + ["local"] * bool(beta):
            if not hasattr(t, way):
                raise ValueError(f"{type(t).__name__} has no .{way}(features, z) to score pairs "
                                 "with: take statistics_network(e)")
        total = 0.0
        if alpha:
            total = total + alpha * score(t.whole(features, z))
        if beta:
            total = total + beta * score(t.local(features, z))
        return total

    def no_prior(e, t, x):
        return -information(t, *_views(e, x))

    def normal_prior(e, t, x):
        features, numbers = _views(e, x)
        m, log_s = gaussian_code(lambda x: numbers, x)           # e(x) is known already
        kl = kl_to_normal(m, log_s).mean()
        return gamma * kl - information(t, features, draw_code(m, log_s))

    def uniform_prior(e, t, f, x):
        features, z = _views(e, x)
        return gamma * softplus(-in_full(f(z))).mean() - information(t, features, z)

    def critic_loss(f, e, x, z):
        score, score_code = both(f, z, e(x))
        return softplus(-score).mean() + softplus(score_code).mean()

    if gamma == 0:
        return Game([Move("e t", no_prior)])
    if prior == "normal":
        return Game([Move("e t", normal_prior)])
    return Game([Move("f", critic_loss), Move("e t", uniform_prior)])
