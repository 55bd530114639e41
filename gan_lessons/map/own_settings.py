"""The track "own" of the arena's digits: each objective with the settings of its lesson.

    OWN["WGAN-GP"](ground("mnist", seed=1))             its Play

Recipes are those of a minute (`recipes`, `conditional_recipes`), played for as many rounds as about
90 CPU-seconds hold, with rates that fall to 0 in the second half, as in the long runs. What has no
recipe of its own takes that of its nearest relative, and says so here. Nothing was chosen by a
score of seeds 1, 2, 3, …, which the arena plays.
Used in notebooks/20_map.ipynb.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch

from ..data.label_budget import few_labels
from ..exact.clustering import gaussian_mixture
from ..game import Game, Move
from ..objectives.adversarial_autoencoder import adversarial_autoencoder
from ..objectives.clustering import GaussianMixturePrior, clustering
from ..objectives.f_gan import f_gan
from ..objectives.f_vae import dequantised, flow, flow_nll, normal_nll
from ..objectives.loss_sensitive import leaky, loss_sensitive, margin
from ..objectives.minimax import non_saturating
from ..objectives.relativistic import relativistic
from ..objectives.semi_supervised import improved_gan, semi_supervised
from ..objectives.variational import gaussian_code, vae
from ..pixels import GREY
from ..players.flow_decoder import FlowDecoder
from ..players.flows import Flow, image_flow, point_flow
from ..players.image_networks import image_critic, image_generator
from ..players.marginals import Marginals
from ..players.networks import mlp_critic, mlp_generator
from ..players.penalties import at_few, at_real, penalised, zero_centred
from .conditional_recipes import CONDITIONAL, class_loss, labelled_generator
from .ground import Ground, Play, codes_of, decoded, last, noise_of, of_components
from .recipes import RECIPES, Recipe

FADE = 0.5                  # the share of the training after which all rates fall to 0


def played(recipe: Recipe, steps: int, own: str = "", fade: float | None = FADE
           ) -> Callable[[Ground], Play]:
    """The Play of a recipe, for other than its own number of rounds."""
    def play(at):
        words = "spectral normalisation" * recipe.normalised
        return Play(recipe.game(), recipe.players(at.shape, at.seed), turns=dict(recipe.turns),
                    optimizer=recipe.optimizer, lr=dict(recipe.rates), betas=recipe.betas,
                    batch=recipe.batch, decay=recipe.ema, fade=fade, noise=recipe.noise,
                    precision=recipe.precision, reuse=recipe.reuse, steps=steps,
                    own=", ".join(filter(None, (words, own))))
    return play


# -- what has no recipe of its own: its nearest relative's -----------------------------------------

def _f_gan(row, **options):
    return replace(RECIPES["squared Hellinger"], game=partial(f_gan, row, **options))


def _relativistic(kind):
    return replace(RECIPES["RSGAN"], game=partial(relativistic, kind))


def _gls_gan(nu):
    """Lesson 10: all as LS-GAN, which is ν = 0."""
    game = partial(loss_sensitive, margin(5e-4), cost=leaky(float(nu)), first=0.0)
    return replace(RECIPES["LS-GAN"], game=game)


def _r1():
    """All as "RpGAN + R1 + R2", one sample at a time and slopes at real ones alone."""
    slopes = zero_centred(at_few(at_real, 8), sd=.01)
    return replace(RECIPES["RpGAN + R1 + R2"],
                   game=partial(penalised, non_saturating(), slopes, .005))


# -- few labels ------------------------------------------------------------------------------------

LABELS = 100


def _improved(at: Ground) -> Play:
    """Lesson 14's rates and weight; its fully connected networks made room for convolutions."""
    players = dict(f=image_critic(at.shape, outputs=at.classes, seed=10 * at.seed + 1),
                   g=image_generator(at.shape, 64, seed=10 * at.seed + 2))
    return Play(improved_gan(.5), players, lr=dict(f=2e-3, g=1e-3), betas=(.5, .999), batch=64,
                decay=.999, fade=FADE, precision="bfloat16", steps=5_500, own=f"{LABELS} labels",
                source=few_labels(at.source, LABELS, seed=at.seed), unlabelled=at.source)


def _semi(at: Ground) -> Play:
    """Lesson 14: first labels alone, for by itself the best guess of a new l is any guess. Networks
    of lesson 13."""
    players = dict(l=class_loss(at.shape, seed=10 * at.seed + 1),
                   g=labelled_generator(at.shape, seed=10 * at.seed + 2))

    def read(l, x, y):
        return l(x, y).mean()
    return Play(semi_supervised(margin(.003)), players, lr=1e-3, betas=(.5, .999), batch=64,
                decay=.998, fade=FADE, precision="bfloat16", steps=3_000, own=f"{LABELS} labels",
                source=few_labels(at.source, LABELS, seed=at.seed), unlabelled=at.source,
                opening=(Game({"l": read}), .1, lambda run, players: None))


# -- encoders: the networks of lessons 15, 16, 18 and 19 -------------------------------------------

_ENCODER = dict(lr=1e-3, betas=(.5, .999), decay=.998, fade=FADE)


def _pair(at, code, outputs, width):
    return dict(e=mlp_critic(at.shape, width, outputs=outputs, seed=10 * at.seed + 1),
                d=mlp_generator(code, at.shape, width, seed=10 * at.seed + 2))


def _aae(at: Ground) -> Play:
    """Lesson 15, with eight numbers of a code, as in its pictures of style."""
    players = dict(_pair(at, 8, 8, 256), f=mlp_critic(8, 256, seed=10 * at.seed + 3))
    return Play(adversarial_autoencoder(), players, batch=100, noise=8, precision="bfloat16",
                steps=9_000, draw=decoded, own="a critic of codes", **_ENCODER)


def _vae(at: Ground) -> Play:
    return Play(vae(1., .3), _pair(at, 10, 20, 512), batch=128, noise=10, precision="medium",
                steps=7_000, draw=decoded, **_ENCODER)


def _clustering(at: Ground) -> Play:
    """Lesson 19: a plain VAE for two fifths, a mixture on its codes, then all three together."""
    prior = GaussianMixturePrior(10, 10, widths=True, shares=True, tilts=True)

    def place_components(run, players):
        found = gaussian_mixture(codes_of(run, 10_000), 10, seed=at.seed)
        prior.start(found.centres, found.covariances, found.shares)
    return Play(clustering(sd=.5), dict(_pair(at, 10, 20, 512), h=prior), batch=256, noise=10,
                precision="bfloat16", steps=5_500, draw=of_components,
                own="10 mixture components, placed after two fifths",
                opening=(vae(sd=.5), .4, place_components), **_ENCODER)


def _flow(at: Ground) -> Play:
    """Lesson 18: histograms, then two levels of four steps."""
    b = Flow(Marginals(at.source), image_flow(at.shape, width=40, seed=10 * at.seed + 4))

    def draw(run, n):
        return torch.cat([last(run, "b").inverse(z.reshape(-1, 16, 7, 7))
                          for z in noise_of(run, n).split(500)])
    return Play(flow(GREY), dict(b=b), lr=2e-3, betas=(.5, .999), batch=64, decay=.99, fade=FADE,
                noise=784, precision="medium", steps=1_100, draw=draw,
                own="a bijection behind histograms")


def _f_vae(at: Ground) -> Play:
    """Lesson 18: codes of sixteen numbers, whose prior is a flow of four couplings."""
    h = Marginals(at.source)
    mean = image_generator(at.shape, 16, 20, seed=10 * at.seed + 2).layers[:-1]     # without tanh
    players = dict(e=image_critic(at.shape, 20, outputs=32, seed=10 * at.seed + 1),
                   d=FlowDecoder(mean, at.shape),
                   b=point_flow(16, couplings=4, width=24, mix=True, seed=10 * at.seed + 4))

    def loss(e, d, b, x):
        y, log_det = h(dequantised(x, GREY))
        m, log_s = gaussian_code(e, y)
        u = torch.randn_like(m)
        v = m + log_s.exp() * u
        rate = flow_nll(b, v) - normal_nll(u) - log_s.sum(1)
        return (d.nll(y, v) - log_det + rate).mean()

    def draw(run, n):
        return torch.cat([h.inverse(last(run, "d")(last(run, "b").inverse(z)))
                          for z in noise_of(run, n).split(500)])
    return Play(Game([Move("e d b", loss)]), players, lr=2e-3, betas=(.5, .999), batch=64,
                decay=.99, fade=FADE, noise=16, precision="medium", steps=5_500, draw=draw,
                own="histograms, a bijection of codes")


# -- everybody -------------------------------------------------------------------------------------

OWN = {
    "minimax GAN": played(RECIPES["minimax"], 7_500),
    "non-saturating GAN": played(RECIPES["non-saturating"], 7_200),
    "non-saturating GAN · R1": played(_r1(), 6_500, "R1 penalty"),
    "f-GAN · KL": played(_f_gan("KL", bend=torch.asinh), 7_200, "scores bent by asinh"),
    "f-GAN · reverse KL": played(_f_gan("reverse KL", bend=torch.asinh), 7_200,
                                 "scores bent by asinh"),
    "f-GAN · Pearson": played(_f_gan("Pearson"), 7_200),
    "f-GAN · squared Hellinger": played(RECIPES["squared Hellinger"], 7_200),
    "least squares GAN": played(RECIPES["LSGAN"], 7_200),
    "WGAN": played(RECIPES["WGAN, clipped"], 8_100, "weights clipped"),
    "WGAN-GP": played(RECIPES["WGAN-GP"], 4_950, "slope penalty"),
    "WGAN-LP": played(RECIPES["WGAN-LP"], 4_950, "slope penalty"),
    "hinge": played(RECIPES["hinge"], 7_200),
    "WGAN-div": played(RECIPES["WGAN-div"], 4_350, "slope penalty"),
    "LS-GAN": played(RECIPES["LS-GAN"], 7_200),
    "GLS-GAN · ν = −1": played(_gls_gan(-1), 7_200),
    "GLS-GAN · ν = 1": played(_gls_gan(1), 7_200),
    "RSGAN": played(RECIPES["RSGAN"], 7_200),
    "RaSGAN": played(RECIPES["RaSGAN"], 7_200),
    "RaLSGAN": played(_relativistic("RaLSGAN"), 7_200),
    "RaHinge": played(_relativistic("RaHinge"), 7_200),
    "RpGAN + R1 + R2": played(RECIPES["RpGAN + R1 + R2"], 6_500, "R1 and R2 penalty"),
    "CGAN · projection": played(CONDITIONAL["projection"], 6_000, "labels of all"),
    "CGAN · concatenation": played(CONDITIONAL["concatenation"], 4_800, "labels of all"),
    "ACGAN": played(CONDITIONAL["ACGAN"], 7_500, "labels of all"),
    "CLS-GAN": played(CONDITIONAL["CLS-GAN"], 2_000, "labels of all"),
    "Improved GAN": _improved,
    "semi-supervised CLS-GAN": _semi,
    "AAE": _aae,
    "VAE": _vae,
    "flow": _flow,
    "f-VAE": _f_vae,
    "VAE clustering": _clustering,
}
