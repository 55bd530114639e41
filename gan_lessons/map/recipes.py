"""Recipes: how each objective is trained on pictures, settings that were found once and are kept.

    recipe = RECIPES["WGAN-GP"]
    run = recipe.train(load_images())                      a minute of one core, seed 0
    print(recipe)                                          all that it is made of

The rates of a recipe were chosen by the score of seed 0 alone, which a page trains; the table of
benchmarks/digits.py has the seeds after it. What all share: batches of 32, Adam with β = (0, .99)
(RMSprop where weights are clipped), an averaged generator, rates that stay as they are.
Introduced in notebooks/01_minimax.ipynb.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from textwrap import fill
from types import MappingProxyType

from torch import nn

from ..data.batches import batches
from ..data.datasets import Images
from ..exact.checks import check_count, told
from ..exact.laws import Normal
from ..game import Game
from ..objectives.f_gan import f_gan
from ..objectives.least_squares import least_squares
from ..objectives.loss_sensitive import loss_sensitive, margin
from ..objectives.minimax import minimax, non_saturating
from ..objectives.relativistic import relativistic
from ..objectives.wasserstein import hinge, wasserstein
from ..objectives.wasserstein_divergence import wasserstein_divergence
from ..players.image_networks import image_critic, image_generator
from ..players.penalties import (
    at_both,
    at_few,
    at_most_one,
    between,
    equal_one,
    penalised,
    penalty,
    zero_centred,
)
from ..players.spectral import spectrally_normalised
from ..training.loop import train
from ..training.optimizers import adam, fading, rmsprop
from ..training.run import Run


@dataclass(frozen=True)
class Recipe:
    """A game with its networks and the settings of its training.

    game      makes the Game
    rates     player -> learning rate
    steps     rounds of one minute of one core
    critic, generator     (shape, seed=) -> network
    normalised            spectral normalisation of the critic
    noise     numbers of z; batch: samples a round; turns: moves of a player each round
    betas     of Adam; ema: decay of the averaged generator
    fade      the part of the training after which the rates fall to 0; None: they stay
    precision, reuse      as in `train`
    """

    game: Callable[[], Game]
    rates: Mapping[str, float]
    steps: int
    critic: Callable[..., nn.Module] = image_critic
    generator: Callable[..., nn.Module] = image_generator
    normalised: bool = False
    noise: int = 64
    batch: int = 32
    turns: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    betas: tuple[float, float] = (0.0, 0.99)
    ema: float = 0.998
    fade: float | None = None
    precision: str = "bfloat16"
    reuse: str | None = "g"
    optimizer: str = "adam"

    @property
    def judge(self) -> str:
        """The symbol of the player against the generator: "f", or "l" for a loss function."""
        return next(name for name in self.game().players if name != "g")

    def players(self, shape, seed: int = 0) -> dict[str, nn.Module]:
        """New networks for pictures of `shape`: {"f" or "l": critic, "g": generator}."""
        critic = self.critic(shape, seed=10 * seed + 1)
        if self.normalised:
            critic = spectrally_normalised(critic)
        return {self.judge: critic, "g": self.generator(shape, noise=self.noise,
                                                        seed=10 * seed + 2)}

    def train(self, images: Images, *, steps: int | None = None, seed: int = 0, **options) -> Run:
        """Train new networks on the images; options are those of `train`, as watch or checkpoint.

        steps: by default those of a minute. The seed is that of networks and batches.
        """
        if not isinstance(images, Images):
            raise TypeError(f"a recipe trains on Images, as load_images() gives them, not on "
                            f"{told(images)}: gl.Images(bytes) makes them of a tensor")
        make = {"adam": partial(adam, betas=self.betas), "rmsprop": rmsprop}[self.optimizer]
        source = batches(images, z=Normal(dim=self.noise), batch=self.batch, seed=seed)
        settings = dict(steps=self.steps if steps is None else steps, turns=self.turns,
                        optimizer={name: make(rate) for name, rate in self.rates.items()},
                        ema=self.ema, rate=None if self.fade is None else fading(self.fade),
                        precision=self.precision, reuse=self.reuse, seed=seed)
        return train(self.game(), self.players(images.shape, seed), source, **settings | options)

    def __str__(self):
        f, g = self.judge, "g"
        rows = {
            "game": _said(self.game),
            f"critic {f}": _said(self.critic) + (", spectrally normalised" * self.normalised),
            "generator g": _said(self.generator),
            "rates": f"{f} {self.rates[f]:g}, g {self.rates[g]:g}, "
                     + ("to the end" if self.fade is None else
                        f"falling to 0 from {self.fade:.0%} of the training on"),
            "optimiser": f"Adam, β = {self.betas}" if self.optimizer == "adam" else "RMSprop",
            "a round": f"{self.batch} samples, {self.turns.get(f, 1)} : {self.turns.get(g, 1)} "
                       f"moves of {f} and g, {self.precision}",
            "length": f"{self.steps:,} rounds; g averaged with decay {self.ema:g}"}
        return "\n".join(fill(f"{name:12} {text}", 60, subsequent_indent=" " * 13,
                              break_long_words=False, break_on_hyphens=False)
                         for name, text in rows.items())


def _said(value) -> str:
    """A function as one would write it: partial(wasserstein, weight=1.) -> wasserstein(weight=1)"""
    if isinstance(value, partial):
        given = [*map(_said, value.args), *(f"{k}={_said(v)}" for k, v in value.keywords.items())]
        return f"{_said(value.func)}({', '.join(given)})"
    maker, inside, name = getattr(value, "__qualname__", "").partition(".<locals>.")
    made = getattr(value, "__globals__", {}).get(maker)
    if inside and made and name == value.__name__:              # what margin(.1) has made
        held, given = inspect.getclosurevars(value).nonlocals, []
        usual = inspect.signature(made).parameters.items()
        for place, (key, one) in enumerate(usual):
            if key in held and held[key] != one.default:
                given.append(_said(held[key]) if len(given) == place else
                             f"{key}={_said(held[key])}")
        return f"{maker}({', '.join(given)})"
    return getattr(value, "__name__", None) or (f"{value:g}" if isinstance(value, float)
                                                else str(value))


# -- digits in a minute ----------------------------------------------------------------------------

_NORMALISED = dict(normalised=True, steps=4_800)
_PENALISED = dict(critic=partial(image_critic, dense=256), precision="medium", steps=2_900)

class Recipes(dict):
    """Recipes by their name; KeyError, listing the names, for an unknown one."""

    def __missing__(self, name):
        raise KeyError(f"no recipe {name!r}; there are: {', '.join(self)}")


RECIPES = Recipes({
    "minimax": Recipe(minimax, dict(f=4e-3, g=4e-3), steps=5_000),
    "non-saturating": Recipe(non_saturating, dict(f=2e-2, g=5e-3), **_NORMALISED),
    "hinge": Recipe(hinge, dict(f=2e-2, g=6e-3), **_NORMALISED),
    "LSGAN": Recipe(least_squares, dict(f=1e-2, g=4e-3), **_NORMALISED),
    "squared Hellinger": Recipe(partial(f_gan, "squared Hellinger"), dict(f=1e-2, g=4e-3),
                                **_NORMALISED),
    "RSGAN": Recipe(partial(relativistic, "RSGAN"), dict(f=1e-2, g=4e-3), **_NORMALISED),
    "RaSGAN": Recipe(partial(relativistic, "RaSGAN"), dict(f=1e-2, g=4e-3), **_NORMALISED),
    "RpGAN + R1 + R2": Recipe(
        partial(penalised, relativistic("RSGAN"), zero_centred(at_few(at_both, 8), sd=.01), .005),
        dict(f=2e-2, g=5e-3), normalised=True, steps=4_300),
    "WGAN, clipped": Recipe(partial(wasserstein, clip=.01), dict(f=5e-4, g=5e-4), steps=5_400,
                            optimizer="rmsprop"),
    # slopes at 8 of 32 segments: the same expectation, cheaper, so that a minute has more rounds
    "WGAN-GP": Recipe(partial(wasserstein, penalty(at_few(between, 8), equal_one), 1.0),
                      dict(f=5e-3, g=2e-3), **_PENALISED | dict(steps=3_300)),
    "WGAN-LP": Recipe(partial(wasserstein, penalty(at_few(between, 8), at_most_one), 1.0),
                      dict(f=5e-3, g=2e-3), **_PENALISED | dict(steps=3_300)),
    "WGAN-div": Recipe(wasserstein_divergence, dict(f=4e-3, g=3e-3), **_PENALISED),
    # a margin of the size of the gaps of a normalised l: .1 is never kept, and acts as a WGAN
    "LS-GAN": Recipe(partial(loss_sensitive, margin(5e-4), first=0.0), dict(l=1e-2, g=4e-3),
                     **_NORMALISED),
})

# -- photographs -----------------------------------------------------------------------------------

PHOTOGRAPHS = {
    "hinge": Recipe(hinge, dict(f=4e-3, g=1.5e-3), normalised=True, steps=1_200, ema=.999),
    "RpGAN + R1 + R2": Recipe(
        partial(penalised, relativistic("RSGAN"), zero_centred(at_few(at_both, 8), sd=.01), .005),
        dict(f=4e-3, g=1.5e-3), normalised=True, steps=1_000, ema=.999),
}


def longer(recipe: Recipe, steps: int, **changed) -> Recipe:
    """The same recipe for more rounds, and what else changes with them. TypeError for what is no
    Recipe, or none of its fields; ValueError for rounds that are none."""
    if not isinstance(recipe, Recipe):
        raise TypeError(f"recipe = {told(recipe)}: a Recipe, as one of RECIPES")
    check_count("steps", steps)
    if unknown := changed.keys() - {one.name for one in fields(Recipe)}:
        raise TypeError(f"a Recipe has no {', '.join(sorted(unknown))}; it has "
                        f"{', '.join(one.name for one in fields(Recipe))}")
    return replace(recipe, steps=steps, **changed)
