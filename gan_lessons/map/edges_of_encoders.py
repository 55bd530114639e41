"""Edges between objectives with labels and with encoders.

Each function returns both sides of an edge; its arguments are the setting in which the statement
holds, and `wrong` is one in which it does not. EDGES_OF_ENCODERS, at the end, lists them in the
order of their numbers. Used in notebooks/20_map.ipynb.
"""
from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn.functional import cross_entropy, log_softmax

from ..exact.divergences import kl
from ..exact.f_table import f_divergence
from ..exact.laws import Mixture, Normal
from ..exact.quadrature import expectation
from ..exact.variational import LinearVAE, best_linear, discrete_terms
from ..measures.prediction import ClassLoss
from ..objectives.adversarial_autoencoder import adversarial_autoencoder
from ..objectives.clustering import GaussianMixturePrior, clustering
from ..objectives.conditional import acgan, conditional
from ..objectives.f_gan import f_gan
from ..objectives.f_vae import f_vae, flow, flow_nll
from ..objectives.infomax import deep_infomax, information_bound, jensen_shannon, nwj
from ..objectives.loss_sensitive import loss_sensitive, margin
from ..objectives.minimax import minimax, non_saturating
from ..objectives.semi_supervised import improved_gan, semi_supervised, source_logit
from ..objectives.variational import kl_to_normal, vae
from ..players.flows import Flow, point_flow
from .edge import FAKE, MASS, REAL, Q, draws, itself, leaf, played, related

# -- labels --------------------------------------------------------------------------------------

# four logits for each of three samples: real, fake and unlabelled; the labels of the real ones
HEADS_REAL = [[-5., 1.4, 12.5, 2.7], [.3, -7.1, 4., 1.], [1.1, .2, -.6, 2.]]
HEADS_FAKE = [[2.2, -.4, .9, 3.1], [-1.7, 5.5, .2, -6.], [.4, 1.3, -2.5, .8]]
MORE = [[.5, -1., 2.2, .1], [0., 3., 1.4, -.7], [1.2, 1., -2., .6]]
LABELS = torch.tensor([2, 0, 1])


class _Logits(torch.nn.Module):
    """A network without weights: the logits are the sample."""

    def forward(self, x):
        return x


# a generator without weights that is told a label: the sample is its noise
same_for_all = lambda z, y: z


@related("CGAN", "minimax GAN", "contains",
         "Conditional minimax pays Σ p(y) times minimax's loss within class y",
         wrong=dict(shares=(.5, .5)),
         test="lessons/test_conditional.py::"
              "test_the_loss_is_the_games_own_on_the_scores_of_each_label")
def within_classes(shares=(.75, .25)):
    y = torch.tensor([0, 0, 1, 0])
    scale, shift = torch.tensor([.7, -1.3]).double(), torch.tensor([.2, 2.]).double()
    f = lambda x, y: scale[y] * x + shift[y]

    def together(x, z):
        return conditional(minimax())["f"](f, same_for_all, x, z, y=y)

    def apart(x, z):
        alone = [minimax()["f"](lambda x: f(x, k), itself, x[y == k], z[y == k]) for k in (0, 1)]
        return sum(share * loss for share, loss in zip(shares, alone))
    return tuple(played(loss, leaf(REAL), leaf(FAKE)) for loss in (together, apart))


@related("ACGAN · weight 0", "non-saturating GAN", "contains",
         "Without its class loss ACGAN is the non-saturating game of its source logit",
         wrong=dict(weight=.5),
         test="lessons/test_conditional.py::test_acgan_by_hand")
def source_alone(weight=0.0):
    game, plain = acgan(weight), non_saturating()
    source = lambda rows: rows[:, 0]                                 # (n, 1 + K) -> (n,)
    x, z = leaf(HEADS_REAL), leaf(HEADS_FAKE)
    left = [played(lambda x, z: game["f"](itself, same_for_all, x, LABELS, z), x, z),
            played(lambda z: game["g"](itself, same_for_all, LABELS, z), z)]
    right = [played(lambda x, z: plain["f"](source, itself, x, z), x, z),
             played(lambda z: plain["g"](source, itself, z), z)]
    return np.concatenate(left), np.concatenate(right)


@related("CLS-GAN", "LS-GAN", "contains",
         "Within one class CLS-GAN is LS-GAN with l(x) = −log softmax_y a(x)",
         wrong=dict(said=1),
         test="machinery/test_prediction.py::test_the_conditional_game_by_hand")
def one_class(said=2):
    game, l, y = loss_sensitive(margin(.25), 1.5), ClassLoss(_Logits(), 4), torch.full((3,), 2)
    alone = lambda rows: -log_softmax(rows, 1)[:, said]              # (n, K) -> (n,)
    x, z = leaf(HEADS_REAL), leaf(HEADS_FAKE)
    return (played(lambda x, z: conditional(game)["l"](l, same_for_all, x, z, y=y), x, z),
            played(lambda x, z: game["l"](alone, itself, x, z), x, z))


@related("semi-supervised CLS-GAN · η = 0", "CLS-GAN", "contains",
         "Without the unlabelled pictures it is CLS-GAN",
         wrong=dict(eta=.5),
         test="lessons/test_semi_supervised.py::test_without_unlabelled_samples_it_is_conditional_ls_gan")
def no_unlabelled(eta=0.0):
    l, g = ClassLoss(_Logits(), 4), same_for_all
    few = semi_supervised(margin(.25), 1.5, eta)
    labelled = conditional(loss_sensitive(margin(.25), 1.5))
    x, z, u = leaf(HEADS_REAL), leaf(HEADS_FAKE), leaf(MORE)
    left = [played(lambda x, z, u: few["l"](l, g, x, LABELS, u, z), x, z, u),
            played(lambda z: few["g"](l, g, LABELS, z), z)]
    right = [played(lambda x, z, u: labelled["l"](l, g, x, z, y=LABELS), x, z, u),
             played(lambda z: labelled["g"](l, g, z, y=LABELS), z)]
    return np.concatenate(left), np.concatenate(right)


@related("Improved GAN", "minimax GAN", "part",
         "Its critic pays cross-entropy, and weight times minimax's loss of the logit log Σ exp a",
         wrong=dict(logit=lambda a: a.amax(1)),
         test="lessons/test_semi_supervised.py::test_equal_to_k_plus_one_classes")
def implicit_class(logit=source_logit, weight=1.5):
    improved, plain = improved_gan(weight), minimax()

    def in_two(x, z, u):
        return cross_entropy(x, LABELS) + weight * plain["f"](logit, itself, u, z)
    leaves = leaf(HEADS_REAL), leaf(HEADS_FAKE), leaf(MORE)
    return (played(lambda x, z, u: improved["f"](itself, itself, x, LABELS, u, z), *leaves),
            played(in_two, *leaves))


# -- encoders ------------------------------------------------------------------------------------

@related("AAE", "non-saturating GAN", "part",
         "Its moves of f and e are the non-saturating game: the prior is real, codes are fake",
         wrong=dict(swapped=True),
         test="lessons/test_map.py::test_codes_play_the_non_saturating_game")
def game_of_codes(swapped=False):
    aae, plain = adversarial_autoencoder(), non_saturating()
    x, z = draws(5, 2, seed=0), draws(5, 2, seed=1) + 1
    f = lambda code: torch.tanh(code[:, 0]) * 3 - code[:, 1].square() + .3

    def both_moves(of_f, of_e):
        """Losses of f and of e as functions of a linear encoder, by its matrix."""
        e = lambda A: lambda x: x @ A
        A = leaf([[1.4, -.5], [.3, .7]])
        return np.concatenate([played(lambda A: of_f(e(A)), A), played(lambda A: of_e(e(A)), A)])

    def plain_critic(e):
        real, fake = (e(x), z) if swapped else (z, e(x))
        return plain["f"](f, itself, real, fake)
    _, of_f, of_e = aae.moves
    return (both_moves(lambda e: of_f.loss(f, e, x, z), lambda e: of_e.loss(e, f, x)),
            both_moves(plain_critic, lambda e: plain["g"](f, e, x)))


@related("VAE", "AAE", "part",
         "The VAE's rate is I(x; z) + KL(p(z)‖q(z)); AAE minds the second term alone",
         wrong=dict(information=0),
         test="lessons/test_variational.py::test_rate_is_information_plus_aggregate")
def rate_in_two(information=1):
    # p(z | x) of four x and three codes, and q(x | z)
    encoder = np.array([[.7, .2, .1], [.1, .6, .3], [.25, .25, .5], [.05, .05, .9]])
    decoder = np.array([[.4, .3, .2, .1], [.1, .1, .1, .7], [.25, .35, .3, .1]])
    terms = discrete_terms(MASS, encoder, [.5, .2, .3], decoder)
    return terms.rate, information * terms.information + terms.aggregate


@related("Deep InfoMax · JSD", "minimax GAN", "is",
         "The JSD bound is minus minimax's critic loss: own pairs are real, others fake",
         wrong=dict(bound=nwj), test="lessons/test_map.py::test_two_bounds_are_two_rows")
def own_pairs_are_real(bound=jensen_shannon):
    critic = minimax()["f"]
    return (played(lambda own, other: -bound(own, other), leaf(REAL), leaf(FAKE)),
            played(lambda own, other: critic(itself, itself, own, other), leaf(REAL), leaf(FAKE)))


@related("Deep InfoMax · NWJ", "f-GAN · KL", "is",
         "The NWJ bound is the dual of the row KL, between p(x, z) and p(x) p(z)",
         wrong=dict(row="Pearson"), test="lessons/test_map.py::test_two_bounds_are_two_rows")
def nwj_is_kl(row="KL"):
    critic = f_gan(row)["f"]
    return (played(lambda own, other: -nwj(own, other), leaf(REAL), leaf(FAKE)),
            played(lambda own, other: critic(itself, itself, own, other), leaf(REAL), leaf(FAKE)))


class _Views:
    """A linear encoder, (n, 3) -> (n, 4), that returns its features too.

    As a critic it scores every x with every code: (n, 3), (m, 2) -> (n, m).
    """

    def __init__(self, A):
        self.views = lambda x: (x, x @ A)

    def whole(self, features, z):
        return features[:, :2] @ z.T


@related("Deep InfoMax · Normal prior", "VAE", "part",
         "Its prior term is γ times the VAE's rate E KL(p(z|x)‖q(z))",
         wrong=dict(charged=.5),
         test="lessons/test_infomax.py::test_the_losses_of_the_normal_prior_and_of_none")
def rate_of_codes(charged=.3, gamma=.3):
    A, x = draws(3, 4, seed=2).requires_grad_(), draws(5, 3, seed=3)

    def infomax(A):
        torch.manual_seed(0)
        e = _Views(A)
        return deep_infomax(1, 0, gamma, prior="normal")["e t"](e, e, x)

    def separately(A):
        torch.manual_seed(0)                            # the same noise as above
        m, log_s = (x @ A).chunk(2, 1)                  # (n, 4) -> (n, 2), (n, 2)
        z = m + log_s.exp() * torch.randn_like(m)
        bound = information_bound("JSD")(x[:, :2] @ z.T)             # scores (n, n)
        return charged * kl_to_normal(m, log_s).mean() - bound
    with torch.random.fork_rng(devices=()):
        return played(infomax, A), played(separately, A)


@related("flow", "f-GAN · KL", "is",
         "The flow's loss is KL(p‖q) + H(p): the row KL, and no critic to estimate it",
         wrong=dict(divergence=lambda p, q: kl(q, p)),
         test="lessons/test_map.py::test_a_flow_descends_kl")
def likelihood(divergence=f_divergence("KL")):
    mean, sd = float(Q.mean), float(Q.sd)

    def b(x):
        """The bijection that takes Q to the standard Normal, and its log-determinant."""
        return (x - mean) / sd, torch.full((len(x),), -math.log(sd), dtype=torch.float64)
    nll = lambda x: flow_nll(b, torch.tensor(x)[:, None]).numpy()    # (k,) -> (k, 1) -> (k,)
    p = Mixture([Normal(-1, .6), Normal(1.5, 1)], [.3, .7])
    loss = expectation(p, nll, Q.edges())
    entropy = expectation(p, lambda x: -p.logpdf(x), Q.edges())
    return loss, entropy + divergence(p, Q)


@related("f-VAE", "flow", "contains",
         "With e = d = id and s = sd f-VAE's loss is the flow's on x + sd · u",
         wrong=dict(s=.5),
         test="lessons/test_f_vae.py::test_with_straight_wires_f_vae_is_the_flow")
def identity_encoder(s=.3, sd=.3):
    b, x = point_flow(3, couplings=2, width=8).double().eval(), draws(5, 3, seed=0).requires_grad_()
    e = lambda x: torch.cat([x, math.log(s) * torch.ones_like(x)], 1)    # (n, 3) -> (n, 6)

    def noisy(loss):
        """A loss and its gradients under noise that is the same for both sides."""
        def drawn(x):
            torch.manual_seed(1)
            return loss(x)
        return played(drawn, x)
    with torch.random.fork_rng(devices=()):
        return (noisy(lambda x: f_vae(sd)["e d b"](e, itself, b, x)),
                noisy(lambda x: flow()["b"](b, x + sd * torch.randn_like(x))))


def _one_draw(game, surplus, **more):
    """A loss on drawn codes m + s u, and the VAE's plus `surplus(m, s, u)`, whose mean over u is 0.

    Both with their gradients by the encoder's matrix; `more` are players of the game beside e, d.
    """
    x, B = draws(4, 3, seed=6), draws(2, 3, seed=5)

    def drawn(game, A, **more):
        torch.manual_seed(2)
        return game["e"](e=lambda x: x @ A, d=lambda z: z @ B, x=x, **more)

    def corrected(A):
        plain = drawn(vae(sd=.7), A)
        torch.manual_seed(2)                            # the u that both losses drew
        m, log_s = (x @ A).chunk(2, 1)                  # (n, 4) -> (n, 2), (n, 2)
        return plain + surplus(m, log_s.exp(), torch.randn_like(m)).sum(1).mean()
    A = (draws(3, 4, seed=4) / 2).requires_grad_()
    with torch.random.fork_rng(devices=()):
        return played(lambda A: drawn(game, A, **more), A), played(corrected, A)


@related("f-VAE · b = id", "VAE", "contains",
         "With b = id f-VAE's loss is the VAE's, in the mean over the drawn codes",
         wrong=dict(b=lambda v: (2 * v, v.new_full((len(v),), 2 * math.log(2)))),
         test="lessons/test_f_vae.py::test_with_the_identity_f_vae_is_the_vae")
def identity_bijection(b=Flow()):
    surplus = lambda m, s, u: m * s * u + (s.square() - 1) * (u.square() - 1) / 2
    return _one_draw(f_vae(.7), surplus, b=b)


@related("VAE clustering · in one place", "VAE", "contains",
         "With all components at 0 the loss is the VAE's, in the mean over codes",
         wrong=dict(at=1.),
         test="lessons/test_clustering.py::test_components_in_one_place_at_zero_are_the_vae")
def one_component(at=0.0):
    prior = GaussianMixturePrior(3, 2, sd=0.).double()
    with torch.no_grad():
        prior.centres += at
    surplus = lambda m, s, u: m * s * u + s.square() * (u.square() - 1) / 2
    return _one_draw(clustering(sd=.7), surplus, h=prior)


@related("flow", "VAE", "bounds",
         "A flow pays E −log q(x); a VAE pays no less for its own q, "
         "and as much if p(z|x) = q(z|x)",
         wrong=dict(beta=.5), tolerance=1e-10,
         test="lessons/test_map.py::test_a_vae_pays_the_evidence_and_its_encoders_error")
def from_above(beta=1.0):
    covariance = np.array([[2., .5], [.5, .7]])
    encoder, noise, decoder = np.array([[.6, -.1]]), np.array([.5]), np.array([[1.1], [.4]])
    some = LinearVAE(covariance, encoder, noise, decoder, .9)
    best = best_linear([3., .4], sd=.9)                 # here p(z|x) = q(z|x)
    return [some.evidence(), best.evidence()], [some.terms().loss(beta), best.terms().loss(beta)]


EDGES_OF_ENCODERS = (
    # labels
    within_classes, source_alone, one_class, no_unlabelled, implicit_class,
    # encoders
    game_of_codes, rate_in_two, own_pairs_are_real, nwj_is_kl, rate_of_codes, likelihood,
    identity_encoder, identity_bijection, one_component, from_above,
)
