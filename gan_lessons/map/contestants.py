"""Who competes in the arena of notebooks/20_map.ipynb: objective, players, turns, optimizer.

Everybody gets the same networks, the same batches and the same number of generator updates. What an
objective needs besides is its own, as its lesson found it, and stands in its row of the results.
The common rate and length were settled with three objectives (non-saturating, least squares,
WGAN-GP); nobody's settings were tuned on a score of the arena.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from ..data.datasets import load_images
from ..data.label_budget import few_labels
from ..exact.checks import check_count, told
from ..exact.clustering import gaussian_mixture, kmeans
from ..exact.laws import Grid, Ring, SwissRoll
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
from ..objectives.variational import gaussian_code, vae
from ..objectives.wasserstein import hinge, wasserstein
from ..objectives.wasserstein_divergence import wasserstein_divergence
from ..pixels import GREY
from ..players.flows import image_flow, point_flow
from ..players.networks import Concatenated, Projected, mlp_critic, mlp_generator
from ..players.penalties import gradient_penalty, lipschitz_penalty
from ..players.spectral import spectrally_normalised
from . import objectives

TOYS = {"ring": Ring, "grid": Grid, "swiss roll": SwissRoll}
PICTURES = ("mnist", "cifar10")


# -- what everybody gets -------------------------------------------------------------------------

@dataclass(frozen=True)
class Ground:
    """What is common to all contestants on one data set: the data, the networks, the training.

    Pictures are (c, h, w), points (2,). seed: of the networks and of the batches.
    """

    data: str                               # the name of the data set
    seed: int = 0
    source: object = None                   # a law in the plane, or Images
    toy: bool = True                        # points in the plane, no pictures
    shape: object = 2                       # of a sample
    classes: int | None = None              # how many labels, None where they mean nothing
    noise: int = 2                          # numbers of z
    code: int = 2                           # numbers of a latent code, for encoders
    width: int = 64                         # units of a hidden layer
    batch: int = 128
    lr: float = 2e-3                        # of Adam
    decay: float = .98                      # of the averaged copy that samples are drawn from
    precision: str = "highest"
    steps: int = 600                        # generator updates in the laptop budget

    def critic(self, outputs=None, shape=None):
        """The common critic, of samples or of another shape: (n, ...) -> (n,) or (n, outputs)."""
        shape = self.shape if shape is None else shape
        return mlp_critic(shape, self.width, seed=10 * self.seed + 1, outputs=outputs)

    def generator(self, noise=None):
        """The common generator, of `noise` numbers: (n, noise) -> (n, ...)."""
        return mlp_generator(noise or self.noise, self.shape, self.width, seed=10 * self.seed + 2)


def pictures_of(data: str, split: str = "train"):
    """The Images of an arena, "mnist" or "cifar10".

    MNIST is replaced by the drawn digits where it cannot be had; CIFAR-10 raises DataUnavailable.
    """
    return load_images(None if data == "mnist" else data, split)


def ground(data: str, seed: int = 0) -> Ground:
    """The Ground of "ring", "grid", "swiss roll", "mnist" or "cifar10".

    ValueError, listing these, for other data, and for a seed that is none. Where MNIST cannot be
    had the drawn digits stand in; CIFAR-10 raises DataUnavailable.
    """
    seed = check_count("seed", seed, least=0, most=2 ** 60)
    if not isinstance(data, str):
        raise ValueError(f"data = {told(data)}: the name of an arena, as \"ring\"")
    if data in TOYS:
        law = TOYS[data]()
        return Ground(data, seed, law, classes=None if data == "swiss roll" else len(law.centres))
    if data not in PICTURES:
        raise ValueError(f"there is no arena on {data!r}; "
                         f"there is one on {', '.join([*TOYS, *PICTURES])}")
    images = pictures_of(data)
    return Ground(data, seed, images, toy=False, shape=tuple(images.shape),
                  classes=len(images.classes), noise=64, code=10, width=256, batch=64, lr=1e-3,
                  decay=.995, precision="medium", steps=1_000 if data == "mnist" else 500)


# -- how one objective is played -----------------------------------------------------------------

@dataclass(frozen=True)
class Play:
    """A game with its players on one Ground, and what is its own in the training."""

    game: Game
    players: dict[str, nn.Module]
    turns: dict[str, int] = field(default_factory=dict)
    optimizer: str = "adam"                 # or "rmsprop"
    lr: float | None = None                 # where it is not the ground's
    source: object = None                   # in the place of the ground's: data with few labels
    unlabelled: object = None
    noise: int | None = None                # numbers of z where they are not the ground's
    draw: Callable | None = None            # draw(run, n): n samples, by default run.samples
    own: str = ""                           # what the objective needs besides, in words
    # (game, after): this game is played for the first half of the steps, then after(run, players)
    opening: tuple | None = None


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
    of the Ground. normalised: the critic is spectrally normalised.
    """
    def play(at):
        f = spectrally_normalised(at.critic()) if normalised else at.critic()
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


def _margin(at, digits=.003, photos=.001):
    """The distance itself in the plane, a small multiple of the 1-norm between pictures."""
    if at.toy:
        return margin(p=2)
    return margin(digits if at.data == "mnist" else photos)


def _ls_gan(at):
    """Lesson 09: without the first term; wider margins than the other objectives take."""
    return loss_sensitive(_margin(at, digits=.1, photos=.03), first=0)


def _gls_gan(nu):
    """Lesson 10: the cost C_ν, without the first term."""
    return lambda at: loss_sensitive(_margin(at), cost=leaky(nu), first=0)


def _bounded_gls_gan(at):
    """Lesson 10: ν = 1 has a best l only with bound slopes, here by the one-sided penalty."""
    game = _gls_gan(1)(at)

    def loss_of_l(l, g, x, z):
        return game["l"](l, g, x, z) + 10 * lipschitz_penalty(l, x, g(z))
    return Game([Move("l", loss_of_l), *game.moves[1:]])


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


def _acgan(at):
    players = dict(f=at.critic(1 + at.classes), g=labelled(at)["g"])      # source and class logits
    return Play(acgan(), players, {"f": _free(at)}, own="labels of all")


def _cls_gan(at):
    """Lesson 13: weight 8 on the toys; on pictures a margin of 8e-4 times the 1-norm."""
    game = loss_sensitive(margin(p=2), weight=8.) if at.toy else loss_sensitive(margin(8e-4))
    return Play(conditional(game), _class_loss(at), {"l": _free(at)}, own="labels of all")


def _few(at):
    """A thousand labelled pictures, or ten points of each mode."""
    if not at.toy:
        return few_labels(at.source, 1_000, seed=at.seed)
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
    """Lesson 14: margins of .003 on digits, 5e-4 and η = .3 on photographs."""
    eta = .3 if at.data == "cifar10" else 1.
    game = semi_supervised(_margin(at, photos=5e-4), eta=eta)
    return Play(game, _class_loss(at), {"l": _free(at)}, source=_few(at), unlabelled=at.source,
                own="few labels")


# -- encoders ------------------------------------------------------------------------------------

def last(run, player):
    """The averaged copy of a player where there is one, in evaluation mode."""
    return run.ema.get(player, run.players[player]).eval()


def _decoded(run, n):
    return run.samples(n, player="d")


def _noise(run, n):
    return run.source.noise(n, seed=0).to(run.device)


def _encoder(at):
    """The common critic with a mean and a log deviation for every number of a code."""
    return at.critic(2 * at.code)


def _aae(at):
    players = dict(e=at.critic(at.code), d=at.generator(at.code), f=at.critic(shape=at.code))
    return Play(adversarial_autoencoder(), players, noise=at.code, draw=_decoded,
                own="a critic of codes")


def _vae(at):
    players = dict(e=_encoder(at), d=at.generator(at.code))
    return Play(vae(sd=.1 if at.toy else .3), players, noise=at.code, draw=_decoded)


def _flow(at):
    """Lesson 18: six couplings in the plane; on pictures noise of a grey level's width."""
    own = "a bijection of its own in the place of networks"
    if at.toy:
        b = point_flow(2, couplings=6, width=32, seed=10 * at.seed)
        draw = lambda run, n: last(run, "b").inverse(_noise(run, n))
        return Play(flow(0.), dict(b=b), lr=3e-3, draw=draw, noise=2, own=own)

    b = image_flow(at.shape, couplings=2, seed=10 * at.seed)
    channels, high, wide = at.shape
    coded = (16 * channels, high // 4, wide // 4)       # two squeezes of 2 × 2

    def draw(run, n):
        b = last(run, "b")
        return torch.cat([b.inverse(z.reshape(-1, *coded))           # (500, 16 c, h/4, w/4)
                          for z in _noise(run, n).split(500)])       # all at once fill the memory
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
    draw = lambda run, n: last(run, "d")(last(run, "b").inverse(_noise(run, n)))
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
        batches = [run.source.draw(["x"])["x"] for _ in range(4_000 // at.batch + 1)]
        with torch.no_grad():
            mean, *_ = gaussian_code(last(run, "e"), torch.cat(batches))
        codes = mean.double().cpu().numpy()
        if at.toy:
            prior.start(kmeans(codes, K, seed=at.seed)[0])
        else:
            found = gaussian_mixture(codes, K, seed=at.seed)
            prior.start(found.centres, found.covariances, found.shares)

    def draw(run, n):
        """Samples of the mixture's components, in proportion to their shares, decoded."""
        h = last(run, "h")
        with torch.random.fork_rng():
            torch.manual_seed(0)
            y = torch.multinomial(h.log_q.softmax(0), n, replacement=True)
            return last(run, "d")(h.draw(y))
    opening = vae(beta=1. if pictures else 0., sd=sd)
    return Play(clustering(sd=sd), dict(e=_encoder(at), d=at.generator(at.code), h=prior),
                noise=at.code, draw=draw, own=f"{K} hats, placed after half of the steps",
                opening=(opening, place_components))


# -- everybody -----------------------------------------------------------------------------------
#
# Where nothing else is said, critic and generator are the common networks with the ground's rate,
# and the critic has `_free` turns. Three turns of a critic whose slopes are bound: lessons 07, 08.

_NO_LABELS = {"swiss roll": "the swiss roll has no kinds to label"}
_NO_GENERATOR = dict.fromkeys([*TOYS, *PICTURES], "it learns codes and generates nothing")

_ALL = (
    # divergence
    Contestant("minimax GAN", _against(_everywhere(minimax))),
    Contestant("non-saturating GAN", _against(_everywhere(non_saturating))),
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

    # labels
    Contestant("CGAN", _cgan, "labels", _NO_LABELS),
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
CONTESTANTS = {one.name: one for one in _ALL}
