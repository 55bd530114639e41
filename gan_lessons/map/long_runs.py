"""The long runs of the course: trainings of ten minutes to an hour, each declared once.

`long_training` trains and stores them, `stored_runs` loads what is stored.
Introduced in notebooks/01_minimax.ipynb.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from safetensors.torch import load_file

from ..data.datasets import Images, load_images
from ..objectives.f_gan import f_gan
from ..objectives.loss_sensitive import leaky, loss_sensitive, margin
from ..objectives.minimax import minimax
from ..objectives.mmd import gaussian, mmd_gan
from ..objectives.wasserstein import wasserstein
from ..players.image_networks import image_critic, image_generator
from ..players.penalties import gradient_penalty, lipschitz_penalty
from ..training.code import bytes_hash
from .conditional_recipes import (
    CONDITIONAL,
    CONDITIONAL_PHOTOGRAPHS,
    concatenated_critic,
    labelled_generator,
    projected_critic,
)
from .recipes import PHOTOGRAPHS, RECIPES, Recipe, longer
from .study import depends


class LongRunError(RuntimeError):
    """A long run that cannot be made, stored or read; the message names the remedy."""


@dataclass(frozen=True)
class Long:
    """One long run: what is trained, on which images. `recipe.steps` is its whole length."""

    recipe: Recipe
    data: str = "mnist"
    seed: int = 0


_WIDE = dict(critic=partial(image_critic, width=64), generator=partial(image_generator, width=48),
             ema=.999, fade=.5)
_WIDE_LABELLED = _WIDE | dict(generator=partial(labelled_generator, width=48))


def _gls(nu: float) -> Recipe:
    """GLS-GAN with C_ν: all settings are those of "09 LS-GAN", which is ν = 0."""
    game = partial(loss_sensitive, margin(5e-4), cost=leaky(nu), first=0.0)
    return longer(RECIPES["LS-GAN"], 36_000, game=game, rates=dict(l=5e-3, g=2.5e-3), **_WIDE)


# unlike a minute's, their rates fade to 0 in the second half
LONG = {
    "01 non-saturating": Long(longer(
        RECIPES["non-saturating"], 36_000, rates=dict(f=8e-3, g=3e-3), **_WIDE)),
    # the minimax loss with all the settings of "01 non-saturating": one sign differs
    "02 minimax": Long(longer(
        RECIPES["non-saturating"], 36_000, game=minimax, rates=dict(f=8e-3, g=3e-3), **_WIDE)),
    "03 squared Hellinger": Long(longer(
        RECIPES["squared Hellinger"], 36_000, rates=dict(f=5e-3, g=2.5e-3), **_WIDE)),
    # the score bent: T = f grows without end, and e^T overflows at the second round
    "03 KL": Long(longer(
        RECIPES["squared Hellinger"], 36_000, game=partial(f_gan, "KL", bend=torch.asinh),
        rates=dict(f=5e-3, g=2.5e-3), **_WIDE)),
    "04 LSGAN": Long(longer(RECIPES["LSGAN"], 36_000, rates=dict(f=5e-3, g=2.5e-3), **_WIDE)),
    # the paper's settings (arXiv 1701.07875, Algorithm 1): RMSprop 5e-5, c = .01, five critic
    # steps, batches of 64
    "06 WGAN, clipped": Long(longer(
        RECIPES["WGAN, clipped"], 20_000, rates=dict(f=5e-5, g=5e-5), turns={"f": 5}, batch=64,
        critic=partial(image_critic, dense=256), generator=partial(image_generator, width=48),
        fade=.8, ema=.999)),
    "07 hinge": Long(longer(RECIPES["hinge"], 36_000, rates=dict(f=8e-3, g=3e-3), **_WIDE)),
    # a minute's rates lose their digits again after two; slower, and two critic steps a round
    "07 WGAN-GP": Long(longer(RECIPES["WGAN-GP"], 16_000, rates=dict(f=3e-3, g=1e-3),
                              game=partial(wasserstein, gradient_penalty, 1.0),
                              turns={"f": 2}, ema=.999, fade=.5)),
    "07 WGAN-LP": Long(longer(RECIPES["WGAN-LP"], 16_000, rates=dict(f=3e-3, g=1e-3),
                              game=partial(wasserstein, lipschitz_penalty, 1.0),
                              turns={"f": 2}, ema=.999, fade=.5)),
    "08 WGAN-div": Long(longer(RECIPES["WGAN-div"], 16_000, rates=dict(f=2.5e-3, g=1.5e-3),
                               turns={"f": 2}, ema=.999, fade=.5)),
    "09 LS-GAN": Long(longer(RECIPES["LS-GAN"], 36_000, rates=dict(l=5e-3, g=2.5e-3), **_WIDE)),
    "10 GLS-GAN, nu minus 1": Long(_gls(-1.0)),
    "10 GLS-GAN, nu 1": Long(_gls(1.0)),
    "11 RSGAN": Long(longer(RECIPES["RSGAN"], 36_000, rates=dict(f=5e-3, g=2.5e-3), **_WIDE)),
    "11 RaSGAN": Long(longer(RECIPES["RaSGAN"], 36_000, rates=dict(f=5e-3, g=2.5e-3), **_WIDE)),
    "12 concatenation": Long(longer(
        CONDITIONAL["concatenation"], 24_000, rates=dict(f=8e-3, g=3e-3),
        **_WIDE_LABELLED | dict(critic=partial(concatenated_critic, width=64)))),
    "12 projection": Long(longer(
        CONDITIONAL["projection"], 24_000, rates=dict(f=8e-3, g=3e-3),
        **_WIDE_LABELLED | dict(critic=partial(projected_critic, width=64)))),
    "12 ACGAN": Long(longer(
        CONDITIONAL["ACGAN"], 24_000, rates=dict(f=2e-3, g=2e-3),
        **_WIDE_LABELLED | dict(critic=partial(image_critic, width=64, outputs=1 + 10)))),
    "13 CLS-GAN": Long(longer(CONDITIONAL["CLS-GAN"], 12_000, ema=.999, fade=.5)),
    "22 repulsive MMD GAN": Long(longer(
        RECIPES["non-saturating"], 36_000, rates=dict(f=5e-3, g=2.5e-3),
        game=partial(mmd_gan, gaussian(.5, 1., 2., 4.), True),
        **_WIDE | dict(critic=partial(image_critic, width=64, outputs=16)))),
    "07 hinge, photographs": Long(longer(PHOTOGRAPHS["hinge"], 84_000, ema=.9995, fade=.5),
                                  data="cifar10"),
    "11 RpGAN + R1 + R2, photographs": Long(longer(
        PHOTOGRAPHS["RpGAN + R1 + R2"], 20_000, ema=.9995, fade=.5), data="cifar10"),
    "12 projection, photographs": Long(longer(
        CONDITIONAL_PHOTOGRAPHS["projection"], 24_000, ema=.9995, fade=.5), data="cifar10"),
}


def images_of(name: str, split: str = "train") -> Images:
    """The images of a long run. LongRunError where the real ones are not at hand."""
    data = known(name).data
    images = load_images(data, split)
    if images.name != data:
        raise LongRunError(f"{name!r} is trained on {data}, and only {images.name} is here: "
                           "allow the download once, or set GAN_LESSONS_DATA to its folder")
    return images


@depends(lambda name: {"run": LONG[name]}, apart=[
    LONG, RECIPES, PHOTOGRAPHS, CONDITIONAL, CONDITIONAL_PHOTOGRAPHS])
def train_long(name: str, **options):
    """The training of LONG[name], whole; options as in `Recipe.train`."""
    long = known(name)
    return long.recipe.train(images_of(name), seed=long.seed, **options)


def known(name: str) -> Long:
    """LONG[name]; LongRunError, listing the names, for an unknown one."""
    if not isinstance(name, str) or name not in LONG:
        raise LongRunError(f"no long run {name!r}; there are: {', '.join(LONG)}")
    return LONG[name]


def slug(name: str) -> str:
    """"07 hinge, photographs" -> "07/hinge-photographs", its folder. LongRunError for no name."""
    if not isinstance(name, str):
        raise LongRunError(f"name = {name!r:.60}: what a long run is called, as \"07 WGAN-GP\"")
    lesson, _, rest = name.partition(" ")
    words = "".join(c if c.isalnum() else " " for c in rest.lower()).split()
    return f"{lesson}/{'-'.join(words)}"


def generator(name: str, shape, weights) -> object:
    """The generator of a long run with the weights of a file, in evaluation mode.

    LongRunError where they do not fit the network that its recipe builds today.
    """
    net = known(name).recipe.players(tuple(shape), known(name).seed)["g"]
    try:
        net.load_state_dict({key: value.float() if value.is_floating_point() else value
                             for key, value in load_file(weights).items()})
    except Exception as error:
        raise LongRunError(f"the weights in {weights} do not fit {name!r} "
                           f"({str(error).splitlines()[0]}): run python lessons.py long "
                           f"{name[:2]}, or fetch the file again") from error
    return net.eval().requires_grad_(False)


def data_words(images: Images) -> str:
    """"mnist, 60,000 of 1 × 28 × 28, 3f2a…": which data a run has really used."""
    size = " × ".join(map(str, images.shape))
    return f"{images.name}, {len(images):,} of {size}, {bytes_hash(images.images)}"
