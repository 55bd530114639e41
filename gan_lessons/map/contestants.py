"""Who competes in the arena of notebooks/20_map.ipynb: objective, players, turns, optimizer.

On the toys everybody gets the same networks, batches and number of generator updates; what an
objective needs besides is its own, as its lesson found it. Digits have two tracks: "own", where
each objective has the networks and settings of its lesson (`own_settings`), and "common", where
networks, optimiser and turns are the same for all, and nothing is normalised. Both tracks play one
game (`OneGame`); the toys may play another, as f-GAN does, whose generators take the trick there.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from ..data.label_budget import few_labels
from ..exact.clustering import gaussian_mixture, kmeans
from ..game import Game, Move
from ..measures.prediction import ClassLoss
from ..objectives.adversarial_autoencoder import adversarial_autoencoder
from ..objectives.clustering import GaussianMixturePrior, clustering
from ..objectives.conditional import acgan, conditional
from ..objectives.f_gan import f_gan
from ..objectives.f_vae import LearntNoise, Residual, f_vae, flow
from ..objectives.least_squares import least_squares
from ..objectives.loss_sensitive import leaky, loss_sensitive, margin
from ..objectives.minimax import minimax, non_saturating
from ..objectives.relativistic import relativistic
from ..objectives.semi_supervised import improved_gan, semi_supervised
from ..objectives.variational import vae
from ..objectives.wasserstein import hinge, wasserstein
from ..objectives.wasserstein_divergence import wasserstein_divergence
from ..pixels import GREY
from ..players.flows import image_flow, point_flow
from ..players.networks import Concatenated, Projected
from ..players.penalties import (
    at_both,
    at_real,
    gradient_penalty,
    lipschitz_penalty,
    penalised,
    zero_centred,
)
from ..players.spectral import spectrally_normalised
from . import objectives
from .ground import (
    PICTURES,
    TOYS,
    Ground,
    Play,
    codes_of,
    decoded,
    ground,
    last,
    noise_of,
    of_components,
    pictures_of,
)
from .own_settings import OWN

__all__ = ["CONTESTANTS", "PICTURES", "TOYS", "Contestant", "Ground", "Play", "ground", "labelled",
           "pictures_of"]


class Contestant(NamedTuple):
    """Who competes.

    name: of an objective, after " · " a setting · play: Ground -> Play, None for who never does ·
    needs: what it must be told about the data · absent: data -> why it does not compete there.
    """

    name: str
    play: Callable[[Ground], Play]
    needs: str = ""
    absent: dict[str, str] = {}

    @property
    def objective(self):
        """Its entry in the list of objectives, without the setting in its name."""
        return objectives.objective(self.name.split(" · ")[0])

    @property
    def own_play(self):
        """Ground -> Play on digits with the settings of its lesson, or the common ones."""
        return OWN.get(self.name, self.common_play)

    def common_play(self, at: Ground) -> Play:
        """Its Play where networks, optimiser and turns are everybody's."""
        return replace(self.play(at), turns={}, optimizer="adam", lr=None)


class OneGame(Contestant):
    """Who plays one game on both tracks of digits: that of its own settings, with its margins and
    weights. What cannot do without a bound critic plays as `_UNBOUND` has it on the common track.
    """

    __slots__ = ()

    def common_play(self, at: Ground) -> Play:
        """Its Play with everybody's networks, optimiser and turns, and the game of its own ones."""
        if at.toy:
            return super().common_play(at)
        mine = self.own_play(at)
        words = [word for word in mine.own.split(", ") if word != "spectral normalisation"]
        change, word = _UNBOUND.get(self.name, (lambda game: game, ""))
        return replace(super().common_play(at), game=change(mine.game),
                       own=", ".join(filter(None, [*words, word])))


def _free(at: Ground) -> int:
    """Turns of a critic that nothing binds: two on the toys, as in lessons, one on pictures."""
    return 2 if at.toy else 1


def _at(at: Ground, value):
    """A setting, which may be a function of the Ground."""
    return value(at) if callable(value) else value


def _everywhere(make, *settings, **named):
    """The same game on every Ground."""
    return lambda at: make(*settings, **named)


def _against(make, critic="f", turns=_free, own="", normalised=False, **settings):
    """A critic against a generator, both the common ones.

    make: Ground -> Game. turns (of the critic), own and further settings of Play may be functions
    of the Ground. normalised: the critic is spectrally normalised, on the toys.
    """
    def play(at):
        f = spectrally_normalised(at.critic()) if normalised and at.toy else at.critic()
        players = {critic: f, "g": at.generator()}
        here = {name: _at(at, value) for name, value in settings.items()}
        return Play(make(at), players, {critic: _at(at, turns)}, own=_at(at, own), **here)
    return play


# -- critics -------------------------------------------------------------------------------------

def _bent_f_gan(row):
    """Lesson 03, full size: the trick, and scores bent by asinh where they stand in an exponent."""
    if row == "Pearson":
        return _against(_everywhere(f_gan, row, "trick", bend=None))
    return _against(_everywhere(f_gan, row, "trick", bend=torch.asinh), own="scores bent by asinh")


def _clipped(at):
    """Lesson 06 clips at .3 on the ring, lesson 08 at .03 on pictures."""
    return wasserstein(clip=.3 if at.toy else .03)


def _penalty_weight(at) -> int:
    """10 as in Gulrajani et al. 2017; 1 on the toys: with 10 lesson 07 covered no mode."""
    return 1 if at.toy else 10


def _penalised(at):
    return wasserstein(gradient_penalty, weight=float(_penalty_weight(at)))


def _margin(at, digits=.003):
    """The distance itself in the plane, a small multiple of the 1-norm between pictures."""
    return margin(p=2) if at.toy else margin(digits)


def _ls_gan(at):
    """Lesson 09: without the first term; wider margins than the other objectives take."""
    return loss_sensitive(_margin(at, digits=.1), first=0)


def _gls_gan(nu):
    """Lesson 10: the cost C_ν, without the first term."""
    return lambda at: loss_sensitive(_margin(at), cost=leaky(nu), first=0)


def _bounded_gls_gan(at):
    """Lesson 10: ν = 1 has a best l only with bound slopes, here by the one-sided penalty."""
    game = _gls_gan(1)(at)

    def loss_of_l(l, g, x, z):
        return game["l"](l, g, x, z) + 10 * lipschitz_penalty(l, x, g(z))
    return Game([Move("l", loss_of_l), *game.moves[1:]])


def _zero_centred(game, where, name):
    """Slopes penalised towards 0 at samples: γ = .1 in the plane, that of lesson 11 on digits."""
    def make(at):
        return penalised(game(), zero_centred(where), .1 if at.toy else .005)
    return _against(make, own=f"{name} penalty")


# On digits spectral normalisation bounds both critics, and nothing is normalised on the common
# track: e^v of a free score overflows, and ν = 1 has no best l (lessons 03 and 10).
_UNBOUND = {
    "f-GAN · squared Hellinger": (lambda game: f_gan("squared Hellinger", bend=torch.asinh),
                                  "scores bent by asinh"),
    "GLS-GAN · ν = 1": (partial(penalised, penalty=lipschitz_penalty, weight=10., player="l"),
                        "slope penalty"),
}


# -- labels --------------------------------------------------------------------------------------

def labelled(at: Ground) -> dict[str, nn.Module]:
    """The common networks, told the label: f(x, y) = f(x) + w_y · h(x), g(z, one-hot y)."""
    return dict(f=Projected(at.critic(), at.classes, seed=10 * at.seed + 3),
                g=Concatenated(at.generator(at.noise + at.classes), at.classes))


def _class_loss(at) -> dict[str, nn.Module]:
    """l(x, y) = -log softmax_y of the common critic with a logit a class; g as in `labelled`."""
    return dict(l=ClassLoss(at.critic(at.classes), at.classes), g=labelled(at)["g"])


def _cgan(at):
    return Play(conditional(non_saturating()), labelled(at), {"f": _free(at)}, own="labels of all")


def _concatenated(at):
    """The label joins the sample: one-hot, for a picture as constant channels."""
    shape = 2 + at.classes if at.toy else (at.shape[0] + at.classes, *at.shape[1:])
    f = Concatenated(at.critic(shape=shape), at.classes)
    return replace(_cgan(at), players=dict(labelled(at), f=f))


def _acgan(at):
    players = dict(f=at.critic(1 + at.classes), g=labelled(at)["g"])      # source and class logits
    return Play(acgan(), players, {"f": _free(at)}, own="labels of all")


def _cls_gan(at):
    """Lesson 13: weight 8 on the toys; on pictures a margin of 8e-4 times the 1-norm."""
    game = loss_sensitive(margin(p=2), weight=8.) if at.toy else loss_sensitive(margin(8e-4))
    return Play(conditional(game), _class_loss(at), {"l": _free(at)}, own="labels of all")


def _few(at):
    """A hundred labelled pictures, or ten points of each mode."""
    if not at.toy:
        return few_labels(at.source, 100, seed=at.seed)
    y = np.repeat(np.arange(at.classes), 10)
    spread = np.random.default_rng(at.seed).standard_normal((len(y), 2))
    points = at.source.centres[y] + at.source.sd * spread
    return SimpleNamespace(images=torch.tensor(points, dtype=torch.float32), labels=torch.tensor(y),
                           classes=tuple(range(at.classes)))


def _improved(at):
    players = dict(f=at.critic(at.classes), g=at.generator())
    return Play(improved_gan(), players, {"f": _free(at)}, source=_few(at), unlabelled=at.source,
                own="few labels")


def _semi(at):
    return Play(semi_supervised(_margin(at)), _class_loss(at), {"l": _free(at)}, source=_few(at),
                unlabelled=at.source, own="few labels")


# -- encoders ------------------------------------------------------------------------------------

def _encoder(at):
    """The common critic with a mean and a log deviation for every number of a code."""
    return at.critic(2 * at.code)


def _aae(at):
    players = dict(e=at.critic(at.code), d=at.generator(at.code), f=at.critic(shape=at.code))
    return Play(adversarial_autoencoder(), players, noise=at.code, draw=decoded,
                own="a critic of codes")


def _vae(at):
    players = dict(e=_encoder(at), d=at.generator(at.code))
    return Play(vae(sd=.1 if at.toy else .3), players, noise=at.code, draw=decoded)


def _flow(at):
    """Lesson 18: six couplings in the plane; on pictures noise of a grey level's width."""
    own = "a bijection of its own in the place of networks"
    if at.toy:
        b = point_flow(2, couplings=6, width=32, seed=10 * at.seed)
        draw = lambda run, n: last(run, "b").inverse(noise_of(run, n))
        return Play(flow(0.), dict(b=b), lr=3e-3, draw=draw, noise=2, own=own)

    b = image_flow(at.shape, couplings=2, seed=10 * at.seed)
    channels, high, wide = at.shape
    coded = (16 * channels, high // 4, wide // 4)       # two squeezes of 2 × 2

    def draw(run, n):
        b = last(run, "b")
        return torch.cat([b.inverse(z.reshape(-1, *coded))           # (500, 16 c, h/4, w/4)
                          for z in noise_of(run, n).split(500)])       # all at once fill the memory
    return Play(flow(GREY), dict(b=b), lr=2e-3, draw=draw, noise=int(np.prod(at.shape)), own=own)


def _f_vae(at):
    """Lesson 18: residual players on the toys; elsewhere common networks and a flow of codes."""
    if at.toy:
        e, d = Residual(at.critic(4), sd=.1), Residual(at.generator())
        d = LearntNoise(d, (), start=.1, pace=1.)
        b = point_flow(2, couplings=6, width=32, seed=10 * at.seed)
    else:
        e, d = _encoder(at), at.generator(at.code)
        d = LearntNoise(d, at.shape, start=.3, pace=10.)
        b = point_flow(at.code, couplings=4, width=32, seed=10 * at.seed)
    draw = lambda run, n: last(run, "d")(last(run, "b").inverse(noise_of(run, n)))
    return Play(f_vae(None, 0. if at.toy else GREY), dict(e=e, d=d, b=b),
                lr=3e-3 if at.toy else 2e-3, noise=at.code, own="a bijection of codes", draw=draw)


def _clustering(at):
    """Lesson 19: a plain VAE first, then mixture components where its codes lie."""
    pictures = not at.toy
    K = 10 if pictures else at.classes or 20
    sd = .5 if pictures else .1
    prior = GaussianMixturePrior(K, at.code, widths=pictures, shares=pictures, tilts=pictures,
                                 seed=10 * at.seed + 4)

    def place_components(run, players):
        codes = codes_of(run, 4_000)
        if at.toy:
            prior.start(kmeans(codes, K, seed=at.seed)[0])
        else:
            found = gaussian_mixture(codes, K, seed=at.seed)
            prior.start(found.centres, found.covariances, found.shares)

    opening = vae(beta=1. if pictures else 0., sd=sd)
    return Play(clustering(sd=sd), dict(e=_encoder(at), d=at.generator(at.code), h=prior),
                noise=at.code, draw=of_components, opening=(opening, .5, place_components),
                own=f"{K} mixture components, placed after half of the steps")


# -- everybody -----------------------------------------------------------------------------------
#
# Where nothing else is said, critic and generator are the common networks with the ground's rate,
# and the critic has `_free` turns. Three turns of a critic whose slopes are bound: lessons 07, 08.

_NO_LABELS = {"swiss roll": "the swiss roll has no classes to label"}
_NO_GENERATOR = dict.fromkeys([*TOYS, *PICTURES], "it learns codes and generates nothing")

_ALL = (
    # divergence
    Contestant("minimax GAN", _against(_everywhere(minimax))),
    Contestant("non-saturating GAN", _against(_everywhere(non_saturating))),
    Contestant("non-saturating GAN · R1", _zero_centred(non_saturating, at_real, "R1")),
    *(Contestant(f"f-GAN · {row}", _bent_f_gan(row))
      for row in ("KL", "reverse KL", "Pearson", "squared Hellinger")),
    Contestant("least squares GAN", _against(_everywhere(least_squares))),

    # transport; WGAN: RMSProp without momentum, as in Arjovsky et al. 2017, five turns as there
    Contestant("WGAN", _against(_clipped, turns=lambda at: 5 if at.toy else 3,
                                own="weights clipped", optimizer="rmsprop",
                                lr=lambda at: 1e-3 if at.toy else 5e-4)),
    Contestant("WGAN-GP", _against(_penalised, turns=3,
                                   own=lambda at: f"slope penalty, weight {_penalty_weight(at)}")),
    Contestant("WGAN-LP", _against(_everywhere(wasserstein, lipschitz_penalty), turns=3,
                                   own="slope penalty")),
    Contestant("hinge", _against(_everywhere(hinge), turns=3, normalised=True,
                                 own="spectral normalisation")),
    Contestant("WGAN-div", _against(_everywhere(wasserstein_divergence), turns=3,
                                    own="slope penalty")),

    # margin: l in the place of f
    Contestant("LS-GAN", _against(_ls_gan, "l")),
    Contestant("GLS-GAN · ν = −1", _against(_gls_gan(-1), "l")),
    Contestant("GLS-GAN · ν = 1", _against(_bounded_gls_gan, "l", turns=3, own="slope penalty")),

    # comparison
    *(Contestant(kind, _against(_everywhere(relativistic, kind)))
      for kind in ("RSGAN", "RaSGAN", "RaLSGAN", "RaHinge")),
    Contestant("RpGAN + R1 + R2", _zero_centred(partial(relativistic, "RSGAN"), at_both, "R1, R2")),

    # labels
    Contestant("CGAN · projection", _cgan, "labels", _NO_LABELS),
    Contestant("CGAN · concatenation", _concatenated, "labels", _NO_LABELS),
    Contestant("ACGAN", _acgan, "labels", _NO_LABELS),
    Contestant("CLS-GAN", _cls_gan, "labels", _NO_LABELS),
    Contestant("Improved GAN", _improved, "few labels", _NO_LABELS),
    Contestant("semi-supervised CLS-GAN", _semi, "few labels", _NO_LABELS),

    # encoders
    Contestant("AAE", _aae),
    Contestant("VAE", _vae),
    Contestant("Deep InfoMax", None, absent=_NO_GENERATOR),
    Contestant("flow", _flow),
    Contestant("f-VAE", _f_vae),
    Contestant("VAE clustering", _clustering),
)
# Encoders keep the game of the common networks: theirs are written for their own.
CONTESTANTS = {one.name: OneGame(*one) if one.name in OWN and one.objective.family != "encoders"
               else one for one in _ALL}
