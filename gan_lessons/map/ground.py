"""Where the arena of notebooks/20_map.ipynb is played, and how one objective is played there.

    at = ground("ring", seed=3)             the data, the common networks, the common settings
    Play(game, dict(f=at.critic(), g=at.generator()))

Who plays stands in `contestants` and `own_settings`; `arena` trains and scores.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from ..data.datasets import load_images
from ..exact.checks import check_count, told
from ..exact.laws import Grid, Ring, SwissRoll
from ..game import Game
from ..objectives.variational import gaussian_code
from ..players.image_networks import image_critic, image_generator
from ..players.networks import mlp_critic, mlp_generator

TOYS = {"ring": Ring, "grid": Grid, "swiss roll": SwissRoll}
PICTURES = ("mnist",)


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
    width: int = 64                         # units of a hidden layer, channels on pictures
    batch: int = 128
    lr: float = 2e-3                        # of Adam
    betas: tuple[float, float] = (.5, .999)
    decay: float = .98                      # of the averaged copy that samples are drawn from
    precision: str = "highest"
    steps: int = 600                        # generator updates in the laptop budget

    def critic(self, outputs=None, shape=None):
        """The common critic, of samples or of another shape: (n, ...) -> (n,) or (n, outputs).

        Pictures are read by `image_critic`, points and codes by `mlp_critic`.
        """
        shape = self.shape if shape is None else shape
        seed = 10 * self.seed + 1
        if isinstance(shape, int):
            return mlp_critic(shape, self.width if self.toy else 256, seed=seed, outputs=outputs)
        return image_critic(shape, self.width, seed=seed, outputs=outputs)

    def generator(self, noise=None):
        """The common generator, of `noise` numbers: (n, noise) -> (n, ...)."""
        noise, seed = noise or self.noise, 10 * self.seed + 2
        if self.toy:
            return mlp_generator(noise, self.shape, self.width, seed=seed)
        return image_generator(self.shape, noise, self.width, seed=seed)


def pictures_of(data: str, split: str = "train"):
    """The Images of an arena, "mnist". The drawn digits stand in where MNIST cannot be had."""
    return load_images(None if data == "mnist" else data, split)


def ground(data: str, seed: int = 0) -> Ground:
    """The Ground of "ring", "grid", "swiss roll" or "mnist".

    On digits everybody's settings are those of RECIPES["minimax"], a game without a remedy.
    ValueError, listing these, for other data, and for a seed that is none.
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
                  classes=len(images.classes), noise=64, code=10, width=32, batch=32, lr=4e-3,
                  betas=(0., .99), decay=.998, precision="medium", steps=5_000)


@dataclass(frozen=True)
class Play:
    """A game with its players on one Ground, and what is its own in the training.

    Where a setting is None, the ground's is taken. lr: one rate, or player -> rate. draw(run, n)
    makes n samples, by default run.samples. opening: (game, share, after): this game is played for
    that share of the steps, then after(run, players).
    """

    game: Game
    players: dict[str, nn.Module]
    turns: dict[str, int] = field(default_factory=dict)
    optimizer: str = "adam"                 # or "rmsprop"
    lr: float | Mapping[str, float] | None = None
    betas: tuple[float, float] | None = None
    batch: int | None = None
    decay: float | None = None
    fade: float | None = None               # the share after which the rates fall to 0
    precision: str | None = None
    reuse: str | None = None                # as in `train`
    steps: int | None = None
    source: object = None                   # in the place of the ground's: data with few labels
    unlabelled: object = None
    noise: int | None = None                # numbers of z
    draw: Callable | None = None
    own: str = ""                           # what the objective needs besides, in words
    opening: tuple | None = None


def last(run, player):
    """The averaged copy of a player where there is one, in evaluation mode."""
    return run.ema.get(player, run.players[player]).eval()


def decoded(run, n):
    """n codes of the prior, decoded by d: (n, ...)."""
    return run.samples(n, player="d")


def noise_of(run, n):
    """The noise that n samples are made of, always the same: (n, noise)."""
    return run.source.noise(n, seed=0).to(run.device)


def codes_of(run, n):
    """Mean codes of n samples of the data or a few more: (n, code) float64."""
    x = torch.cat([run.source.draw(["x"])["x"] for _ in range(n // run.source.batch + 1)])
    with torch.no_grad():
        mean, *_ = gaussian_code(last(run, "e"), x)
    return mean.double().cpu().numpy()


def of_components(run, n):
    """n samples of the components of a mixture h, in proportion to their shares, decoded."""
    h = last(run, "h")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        y = torch.multinomial(h.log_q.softmax(0), n, replacement=True)
        return torch.cat([last(run, "d")(z) for z in h.draw(y).split(500)])
