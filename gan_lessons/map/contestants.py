"""Who plays in the arena of notebooks/20_map.ipynb, and how: an objective, its players, its turns, its optimiser.

Everybody gets the same networks, the same batches and the same number of generator updates. What an objective needs besides
is its own, as its lesson found it, and stands in its row of the results. The common rate and length were settled with three
objectives (non-saturating, least squares, WGAN-GP); nobody's settings were tuned on a score of the arena.
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


# -- what everybody gets -------------------------------------------------------------------------------

@dataclass(frozen=True)
class Ground:
    """Where a contest takes place: the data, the common networks, and what is common in their training."""

    data: str
    seed: int = 0
    source: object = None
    toy: bool = True
    shape: object = 2
    classes: int | None = None              # kinds with a label, None where labels mean nothing
    noise: int = 2
    code: int = 2                           # numbers of a note, for encoders
    width: int = 64
    batch: int = 128
    lr: float = 2e-3                        # of Adam
    decay: float = .98                      # of the averaged copy that samples are drawn from
    precision: str = "highest"
    steps: int = 600                        # generator updates in the laptop budget

    def critic(self, outputs=None, shape=None):
        return mlp_critic(self.shape if shape is None else shape, self.width, seed=10 * self.seed + 1, outputs=outputs)

    def generator(self, noise=None):
        return mlp_generator(noise or self.noise, self.shape, self.width, seed=10 * self.seed + 2)


def pictures_of(data: str, split: str = "train"):
    """The Images of an arena: MNIST, or the drawn digits where it cannot be had; CIFAR-10, or DataUnavailable."""
    return load_images(None if data == "mnist" else data, split)


def ground(data: str, seed: int = 0) -> Ground:
    """The Ground of "ring", "grid", "swiss roll", "mnist" or "cifar10". ValueError, listing them, for other data.

    Where MNIST cannot be had the drawn digits stand in; CIFAR-10 raises DataUnavailable.
    """
    if data in TOYS:
        law = TOYS[data]()
        return Ground(data, seed, law, classes=None if data == "swiss roll" else len(law.centres))
    if data not in PICTURES:
        raise ValueError(f"there is no arena on {data!r}; there is one on {', '.join([*TOYS, *PICTURES])}")
    images = pictures_of(data)
    return Ground(data, seed, images, False, tuple(images.shape), len(images.classes), noise=64, code=10, width=256,
                  batch=64, lr=1e-3, decay=.995, precision="medium", steps=1_000 if data == "mnist" else 500)


# -- how one objective is played -----------------------------------------------------------------------

@dataclass(frozen=True)
class Play:
    """A game with its players, and what is its own in the training; `draw(run, n)` gives n samples."""

    game: Game
    players: dict[str, nn.Module]
    turns: dict[str, int] = field(default_factory=dict)
    optimizer: str = "adam"
    lr: float | None = None                 # where it is not the ground's
    source: object = None                   # in the place of the ground's: data with few labels
    unlabelled: object = None
    noise: int | None = None                # numbers of z where they are not the ground's
    draw: Callable | None = None            # by default run.samples
    own: str = ""                           # what the objective needs besides, in words
    opening: tuple | None = None            # (game, after): played for the first half; after(run, players) before the second


class Contestant(NamedTuple):
    """name; play: Ground -> Play; needs: what it must be told about the data; absent: data -> why it does not compete."""

    name: str
    play: Callable[[Ground], Play]
    needs: str = ""
    absent: dict[str, str] = {}

    @property
    def objective(self):
        """Its entry in the catalogue, without the setting in its name."""
        return objectives.objective(self.name.split(" · ")[0])


def _free(at: Ground) -> int:
    """Turns of a critic that nothing binds: two on the toys, as in lessons 01 to 12, one on pictures."""
    return 2 if at.toy else 1


def _against(make, critic="f", turns=None, own="", normalised=False, **settings):
    """A critic against a generator, both the common ones."""
    def play(at):
        f = spectrally_normalised(at.critic()) if normalised else at.critic()
        here = {name: value(at) if callable(value) else value for name, value in dict(settings, own=own).items()}
        many = _free(at) if turns is None else turns(at) if callable(turns) else turns
        return Play(make(at), {critic: f, "g": at.generator()}, {critic: many}, **here)
    return play


def _clipped(at):
    return wasserstein(clip=.3 if at.toy else .03)


def _fined(at):
    """Weight 1 on the toys: with 10 no spot of the ring was covered in lesson 07."""
    return wasserstein(gradient_penalty, weight=1. if at.toy else 10.)


def _delta(at, digits=.003, photos=.001):
    """Margins: the distance itself in the plane, a small multiple of the 1-norm between pictures."""
    return margin(p=2) if at.toy else margin(digits if at.data == "mnist" else photos)


def _bound(game):
    """The one-sided slope penalty on the loss of l."""
    def loss_of_l(l, g, x, z):
        return game["l"](l, g, x, z) + 10 * lipschitz_penalty(l, x, g(z))
    return Game([Move("l", loss_of_l), *game.moves[1:]])


def labelled(at: Ground) -> dict[str, nn.Module]:
    """The common networks, told the label: f(x, y) = f(x) + w_y · h(x) and g of noise and one-hot label."""
    return dict(f=Projected(at.critic(), at.classes, seed=10 * at.seed + 3),
                g=Concatenated(at.generator(at.noise + at.classes), at.classes))


def _cgan(at):
    return Play(conditional(non_saturating()), labelled(at), {"f": _free(at)}, own="labels of all")


def _acgan(at):
    return Play(acgan(), dict(labelled(at), f=at.critic(1 + at.classes)), {"f": _free(at)}, own="labels of all")


def _cls_gan(at):
    game = loss_sensitive(margin(p=2), weight=8.) if at.toy else loss_sensitive(margin(8e-4))
    return Play(conditional(game), dict(l=ClassLoss(at.critic(at.classes), at.classes), g=labelled(at)["g"]),
                {"l": _free(at)}, own="labels of all")


def _few(at):
    """A thousand labelled pictures, or ten points of each spot."""
    if not at.toy:
        return few_labels(at.source, 1_000, seed=at.seed)
    y = np.repeat(np.arange(at.classes), 10)
    points = at.source.centres[y] + at.source.sd * np.random.default_rng(at.seed).standard_normal((len(y), 2))
    return SimpleNamespace(images=torch.tensor(points, dtype=torch.float32), labels=torch.tensor(y),
                           classes=tuple(range(at.classes)))


def _improved(at):
    return Play(improved_gan(), dict(f=at.critic(at.classes), g=at.generator()), {"f": _free(at)}, source=_few(at),
                unlabelled=at.source, own="few labels")


def _semi(at):
    game = semi_supervised(_delta(at, photos=5e-4), eta=.3 if at.data == "cifar10" else 1.)
    return Play(game, dict(l=ClassLoss(at.critic(at.classes), at.classes), g=labelled(at)["g"]), {"l": _free(at)},
                source=_few(at), unlabelled=at.source, own="few labels")


def _decoded(run, n):
    return run.samples(n, player="d")


def _encoder(at):
    return at.critic(2 * at.code)


def _aae(at):
    f = at.critic(shape=at.code)
    return Play(adversarial_autoencoder(), dict(e=at.critic(at.code), d=at.generator(at.code), f=f), noise=at.code,
                draw=_decoded, own="a critic of codes")


def _vae(at):
    return Play(vae(sd=.1 if at.toy else .3), dict(e=_encoder(at), d=at.generator(at.code)), noise=at.code, draw=_decoded)


def last(run, player):
    """The averaged copy of a player where there is one, in evaluation mode."""
    return run.ema.get(player, run.players[player]).eval()


def _noise(run, n):
    return run.source.noise(n, seed=0).to(run.device)


def _flow(at):
    b = (point_flow(2, couplings=6, width=32, seed=10 * at.seed) if at.toy else
         image_flow(at.shape, couplings=2, seed=10 * at.seed))
    if at.toy:
        draw = lambda run, n: last(run, "b").inverse(_noise(run, n))
    else:
        coded = (16 * at.shape[0], at.shape[1] // 4, at.shape[2] // 4)
        draw = lambda run, n: torch.cat([last(run, "b").inverse(z.reshape(-1, *coded)) for z in _noise(run, n).split(500)])
    return Play(flow(0. if at.toy else GREY), dict(b=b), lr=3e-3 if at.toy else 2e-3, draw=draw,
                noise=2 if at.toy else int(np.prod(at.shape)), own="a bijection of its own in the place of networks")


def _f_vae(at):
    if at.toy:
        b, start, pace = point_flow(2, couplings=6, width=32, seed=10 * at.seed), .1, 1.
        e, d = Residual(at.critic(4), sd=.1), Residual(at.generator())
    else:
        b, start, pace = point_flow(at.code, couplings=4, width=32, seed=10 * at.seed), .3, 10.
        e, d = _encoder(at), at.generator(at.code)
    return Play(f_vae(None, 0. if at.toy else GREY), dict(e=e, d=LearntNoise(d, () if at.toy else at.shape, start, pace), b=b),
                lr=3e-3 if at.toy else 2e-3, noise=at.code, own="a bijection of codes",
                draw=lambda run, n: last(run, "d")(last(run, "b").inverse(_noise(run, n))))


def _clustering(at):
    K, sd = (at.classes or 20) if at.toy else 10, .1 if at.toy else .5
    hats = GaussianMixturePrior(K, at.code, widths=not at.toy, shares=not at.toy, tilts=not at.toy, seed=10 * at.seed + 4)

    def after(run, players):                            # hats are put where the notes of a plain VAE lie
        x = torch.cat([run.source.draw(["x"])["x"] for _ in range(4_000 // at.batch + 1)])
        with torch.no_grad():
            notes = gaussian_code(last(run, "e"), x)[0].double().cpu().numpy()
        if at.toy:
            hats.start(kmeans(notes, K, seed=at.seed)[0])
        else:
            found = gaussian_mixture(notes, K, seed=at.seed)
            hats.start(found.centres, found.covariances, found.shares)

    def draw(run, n):
        h = last(run, "h")
        with torch.random.fork_rng():
            torch.manual_seed(0)
            y = torch.multinomial(h.log_q.softmax(0), n, replacement=True)
            return last(run, "d")(h.draw(y))
    return Play(clustering(sd=sd), dict(e=_encoder(at), d=at.generator(at.code), h=hats), noise=at.code, draw=draw,
                own=f"{K} hats, placed after half of the steps", opening=(vae(beta=0. if at.toy else 1., sd=sd), after))


# -- everybody -----------------------------------------------------------------------------------------

_NO_LABELS = {"swiss roll": "the swiss roll has no kinds to label"}


def _f(row):
    bend = None if row == "Pearson" else torch.asinh           # where scores stand in an exponent, lesson 03
    return Contestant(f"f-GAN · {row}", _against(lambda at: f_gan(row, "trick", bend=bend),
                                                 own="" if bend is None else "scores bent by asinh"))


def _all():
    three = dict(turns=3)
    yield Contestant("minimax GAN", _against(lambda at: minimax()))
    yield Contestant("non-saturating GAN", _against(lambda at: non_saturating()))
    yield from map(_f, ("KL", "reverse KL", "Pearson", "squared Hellinger"))
    yield Contestant("least squares GAN", _against(lambda at: least_squares()))
    yield Contestant("WGAN", _against(_clipped, turns=lambda at: 5 if at.toy else 3, optimizer="rmsprop",
                                      lr=lambda at: 1e-3 if at.toy else 5e-4, own="weights clipped"))
    yield Contestant("WGAN-GP", _against(_fined, own=lambda at: f"slope penalty, weight {1 if at.toy else 10}", **three))
    yield Contestant("WGAN-LP", _against(lambda at: wasserstein(lipschitz_penalty), own="slope penalty", **three))
    yield Contestant("hinge", _against(lambda at: hinge(), normalised=True, own="spectral normalisation", **three))
    yield Contestant("WGAN-div", _against(lambda at: wasserstein_divergence(), own="slope penalty", **three))
    yield Contestant("LS-GAN", _against(lambda at: loss_sensitive(_delta(at, .1, .03), first=0), "l"))
    yield Contestant("GLS-GAN · ν = −1", _against(lambda at: loss_sensitive(_delta(at), cost=leaky(-1), first=0), "l"))
    yield Contestant("GLS-GAN · ν = 1", _against(lambda at: _bound(loss_sensitive(_delta(at), cost=leaky(1), first=0)), "l",
                                                 own="slope penalty", **three))
    for kind in ("RSGAN", "RaSGAN", "RaLSGAN", "RaHinge"):
        yield Contestant(kind, _against(lambda at, kind=kind: relativistic(kind)))
    yield Contestant("CGAN", _cgan, "labels", _NO_LABELS)
    yield Contestant("ACGAN", _acgan, "labels", _NO_LABELS)
    yield Contestant("CLS-GAN", _cls_gan, "labels", _NO_LABELS)
    yield Contestant("Improved GAN", _improved, "few labels", _NO_LABELS)
    yield Contestant("semi-supervised CLS-GAN", _semi, "few labels", _NO_LABELS)
    yield Contestant("AAE", _aae)
    yield Contestant("VAE", _vae)
    yield Contestant("Deep InfoMax", None, absent=dict.fromkeys([*TOYS, *PICTURES], "it learns codes and generates nothing"))
    yield Contestant("flow", _flow)
    yield Contestant("f-VAE", _f_vae)
    yield Contestant("VAE clustering", _clustering)


CONTESTANTS = {one.name: one for one in _all()}
