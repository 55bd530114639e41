"""Conditional recipes: digits to order, in a minute of one core each.

    run = CONDITIONAL["projection"].train(load_images())        seed 0
    run.samples(20, torch.arange(20) % 10)                      two of each digit

The settings of `recipes`; new are only the networks, which take the label or predict it. Rates are
those of the games without labels where these did, else chosen by the score of seed 0 alone.
Introduced in notebooks/12_conditional.ipynb.
"""
from __future__ import annotations

from functools import partial

from torch import nn

from ..measures.prediction import ClassLoss
from ..objectives.conditional import acgan, conditional
from ..objectives.loss_sensitive import loss_sensitive, margin
from ..objectives.minimax import non_saturating
from ..objectives.wasserstein import hinge
from ..players.image_networks import dcgan_critic, image_critic, image_generator
from ..players.networks import Concatenated, Projected
from .recipes import Recipe, Recipes

# -- networks with labels --------------------------------------------------------------------------

def concatenated_critic(shape, classes: int = 10, seed: int = 1, **options) -> nn.Module:
    """f(x, y) of the picture and a constant channel a class: 1 where it is y, else 0. Lesson 12."""
    channels, *size = shape
    return Concatenated(image_critic((channels + classes, *size), seed=seed, **options), classes)


def projected_critic(shape, classes: int = 10, seed: int = 1, **options) -> nn.Module:
    """f(x, y) = f(x) + w_y · h(x), h the last hidden layer. Lesson 12."""
    return Projected(image_critic(shape, seed=seed, **options), classes, seed=seed + 2)


def class_loss(shape, classes: int = 10, seed: int = 1, **options) -> nn.Module:
    """l(x, y) = -log softmax_y of a critic with batch norm, as its author has it. Lesson 13."""
    critic = dcgan_critic(shape, batch_norm=True, seed=seed, outputs=classes, **options)
    return ClassLoss(critic, classes)


def labelled_generator(shape, noise: int = 64, classes: int = 10, seed: int = 2,
                       **options) -> nn.Module:
    """g(z, y) of noise and one-hot label side by side. Lesson 12."""
    net = image_generator(shape, noise=noise + classes, seed=seed, **options)
    return Concatenated(net, classes)


# -- recipes ---------------------------------------------------------------------------------------

def cgan():
    """The non-saturating game with labels."""
    return conditional(non_saturating())


def conditional_hinge():
    """The hinge game with labels."""
    return conditional(hinge())


def cls_gan():
    """LS-GAN's game with labels and the margins of its author's code."""
    return conditional(loss_sensitive(margin(8e-4)))


_LABELLED = dict(generator=labelled_generator, normalised=True, steps=2_400)

CONDITIONAL = Recipes({
    "concatenation": Recipe(cgan, dict(f=2e-2, g=5e-3), critic=concatenated_critic, **_LABELLED),
    "projection": Recipe(cgan, dict(f=2e-2, g=5e-3), critic=projected_critic, **_LABELLED),
    # without spectral normalisation, which would bound the class logits
    "ACGAN": Recipe(acgan, dict(f=4e-3, g=4e-3), critic=partial(image_critic, outputs=1 + 10),
                    **_LABELLED | dict(normalised=False)),
    # the author's rates and batch norm
    "CLS-GAN": Recipe(cls_gan, dict(l=1e-3, g=1e-3), critic=class_loss,
                      generator=labelled_generator, batch=128, betas=(0.5, 0.999), steps=1_200),
})

# photographs to order: lesson 07's, with the label in both networks
CONDITIONAL_PHOTOGRAPHS = Recipes({
    "projection": Recipe(conditional_hinge, dict(f=4e-3, g=1.5e-3), critic=projected_critic,
                         generator=labelled_generator, normalised=True, steps=1_200, ema=.999),
})
