"""Every objective of the course by name: its family, its lesson, what makes it, and what it leaves to the generator.

The map, the atlas and the arena of notebooks/20_map.ipynb all take their names from here. Imports no sibling.
"""
from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

FAMILIES = ("f-divergence", "transport", "margin", "comparison", "labels", "encoders")


class Objective(NamedTuple):
    """name, family, stem of the lesson that derives it, "module:function" that makes its Game, and what it measures."""

    name: str
    family: str
    lesson: str
    maker: str
    measures: str

    def make(self, **settings):
        """The Game itself, with the maker's settings."""
        module, function = self.maker.split(":")
        return getattr(import_module(f"gan_lessons.objectives.{module}"), function)(**settings)


_TABLE = """
minimax GAN             | f-divergence | 01_minimax | minimax:minimax | 2 JS − 2 log 2
non-saturating GAN      | f-divergence | 02_vanishing_gradients | minimax:non_saturating | KL(q‖p) − 2 JS
f-GAN                   | f-divergence | 03_f_gan | f_gan:f_gan | any f-divergence
least squares GAN       | f-divergence | 04_least_squares | least_squares:least_squares | triangular (Le Cam)
WGAN                    | transport | 06_wasserstein | wasserstein:wasserstein | W₁, up to a factor
WGAN-GP                 | transport | 07_lipschitz | wasserstein:wasserstein | W₁, inflated
WGAN-LP                 | transport | 07_lipschitz | wasserstein:wasserstein | W₁, inflated
hinge                   | transport | 07_lipschitz | wasserstein:hinge | 2 − 2 TV, slopes bound
WGAN-div                | transport | 08_wasserstein_divergence | wasserstein_divergence:wasserstein_divergence | Wₖ,ₚ
LS-GAN                  | margin | 09_loss_sensitive | loss_sensitive:loss_sensitive | TV, up to the margin
GLS-GAN                 | margin | 10_generalised_loss_sensitive | loss_sensitive:loss_sensitive | capped transport
RSGAN                   | comparison | 11_relativistic | relativistic:relativistic | JS of pairs
RaSGAN                  | comparison | 11_relativistic | relativistic:relativistic | none: its infimum is 0
RaLSGAN                 | comparison | 11_relativistic | relativistic:relativistic | a function of Le Cam
RaHinge                 | comparison | 11_relativistic | relativistic:relativistic | not known in closed form
CGAN                    | labels | 12_conditional | conditional:conditional | the game's, in each class
ACGAN                   | labels | 12_conditional | conditional:acgan | JS and the class's cross-entropy
CLS-GAN                 | labels | 13_conditional_loss_sensitive | loss_sensitive:loss_sensitive | a margin in each class
Improved GAN            | labels | 14_semi_supervised | semi_supervised:improved_gan | distance of mean features
semi-supervised CLS-GAN | labels | 14_semi_supervised | semi_supervised:semi_supervised | a margin, labels guessed
AAE                     | encoders | 15_adversarial_autoencoder | adversarial_autoencoder:adversarial_autoencoder | JS of codes and prior
VAE                     | encoders | 16_variational | variational:vae | KL of the joint laws
Deep InfoMax            | encoders | 17_infomax | infomax:deep_infomax | mutual information, from below
flow                    | encoders | 18_f_vae | f_vae:flow | KL(p‖q)
f-VAE                   | encoders | 18_f_vae | f_vae:f_vae | KL(p‖q), from above
VAE clustering          | encoders | 19_clustering | clustering:clustering | KL of the joint laws
"""
OBJECTIVES = {o.name: o for o in (Objective(*(part.strip() for part in line.split("|")))
                                  for line in _TABLE.strip().splitlines())}


def objective(name: str) -> Objective:
    """The Objective of this name. KeyError, listing the names, for an unknown one."""
    if name not in OBJECTIVES:
        raise KeyError(f"no objective {name!r} in the catalogue; there are {', '.join(OBJECTIVES)}")
    return OBJECTIVES[name]
