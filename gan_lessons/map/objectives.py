"""Every objective of the course by name: its family, lesson, maker, and what it measures.

The map, the gradient atlas and the arena of notebooks/20_map.ipynb all take their names from here.
Imports no sibling.
"""
from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

BEYOND = "beyond the map"               # what lessons 21 to 23 add; it plays no arena
FAMILIES = ("f-divergence", "transport", "margin", "comparison", "labels", "encoders", BEYOND)


class Objective(NamedTuple):
    """A row of the list.

    name · family: one of FAMILIES · lesson: stem of the lesson that derives it · maker:
    "module:function" in gan_lessons.objectives that makes its Game · measures: what it leaves to
    the generator when the critic is at its best.
    """

    name: str
    family: str
    lesson: str
    maker: str
    measures: str

    def make(self, **settings):
        """The Game itself; settings are the maker's keyword arguments."""
        module, function = self.maker.split(":")
        return getattr(import_module(f"gan_lessons.objectives.{module}"), function)(**settings)


_ALL = (
    Objective("minimax GAN", "f-divergence", "01_minimax", "minimax:minimax", "2 JS − 2 log 2"),
    Objective("non-saturating GAN", "f-divergence", "02_vanishing_gradients",
              "minimax:non_saturating", "KL(q‖p) − 2 JS"),
    Objective("f-GAN", "f-divergence", "03_f_gan", "f_gan:f_gan", "any f-divergence"),
    Objective("least squares GAN", "f-divergence", "04_least_squares",
              "least_squares:least_squares", "triangular (Le Cam)"),
    Objective("WGAN", "transport", "06_wasserstein",
              "wasserstein:wasserstein", "W₁, up to a factor"),
    Objective("WGAN-GP", "transport", "07_lipschitz", "wasserstein:wasserstein", "W₁, inflated"),
    Objective("WGAN-LP", "transport", "07_lipschitz", "wasserstein:wasserstein", "W₁, inflated"),
    Objective("hinge", "transport", "07_lipschitz", "wasserstein:hinge", "2 − 2 TV, slopes bound"),
    Objective("WGAN-div", "transport", "08_wasserstein_divergence",
              "wasserstein_divergence:wasserstein_divergence", "Wₖ,ₚ"),
    Objective("LS-GAN", "margin", "09_loss_sensitive",
              "loss_sensitive:loss_sensitive", "TV, up to the margin"),
    Objective("GLS-GAN", "margin", "10_generalised_loss_sensitive",
              "loss_sensitive:loss_sensitive", "capped transport"),
    Objective("RSGAN", "comparison", "11_relativistic", "relativistic:relativistic", "JS of pairs"),
    Objective("RaSGAN", "comparison", "11_relativistic",
              "relativistic:relativistic", "none: its infimum is 0"),
    Objective("RaLSGAN", "comparison", "11_relativistic",
              "relativistic:relativistic", "a function of Le Cam"),
    Objective("RaHinge", "comparison", "11_relativistic",
              "relativistic:relativistic", "not known in closed form"),
    Objective("RpGAN + R1 + R2", "comparison", "11_relativistic",
              "relativistic:relativistic", "JS of pairs, less where slopes are bound"),
    Objective("CGAN", "labels", "12_conditional",
              "conditional:conditional", "the game's, in each class"),
    Objective("ACGAN", "labels", "12_conditional",
              "conditional:acgan", "JS and the class's cross-entropy"),
    Objective("CLS-GAN", "labels", "13_conditional_loss_sensitive",
              "loss_sensitive:loss_sensitive", "a margin in each class"),
    Objective("Improved GAN", "labels", "14_semi_supervised",
              "semi_supervised:improved_gan", "distance of mean features"),
    Objective("semi-supervised CLS-GAN", "labels", "14_semi_supervised",
              "semi_supervised:semi_supervised", "a margin, labels guessed"),
    Objective("AAE", "encoders", "15_adversarial_autoencoder",
              "adversarial_autoencoder:adversarial_autoencoder", "JS of codes and prior"),
    Objective("VAE", "encoders", "16_variational", "variational:vae", "KL of the joint laws"),
    Objective("Deep InfoMax", "encoders", "17_infomax",
              "infomax:deep_infomax", "mutual information, from below"),
    Objective("flow", "encoders", "18_f_vae", "f_vae:flow", "KL(p‖q)"),
    Objective("f-VAE", "encoders", "18_f_vae", "f_vae:f_vae", "KL(p‖q), from above"),
    Objective("VAE clustering", "encoders", "19_clustering",
              "clustering:clustering", "KL of the joint laws"),
    Objective("GAN + R1", BEYOND, "21_convergence", "minimax:non_saturating",
              "JS, less where slopes are bound"),
    Objective("GAN + R2", BEYOND, "21_convergence", "minimax:non_saturating",
              "JS, less where slopes are bound"),
    Objective("MMD", BEYOND, "22_mmd", "mmd:matching", "MMD², without a trained critic"),
    Objective("energy distance", BEYOND, "22_mmd", "mmd:matching", "2 ∫ (F − G)² on the line"),
    Objective("sliced W₁", BEYOND, "22_mmd", "mmd:matching", "the mean W₁ of random directions"),
    Objective("Sinkhorn", BEYOND, "22_mmd", "mmd:matching", "W₁ to half the energy distance"),
    Objective("MMD GAN", BEYOND, "22_mmd", "mmd:mmd_gan", "the largest MMD² of features"),
    Objective("gradient flow", BEYOND, "23_particles", "particles:rescaled",
              "KL(q‖p), or as its h says"),
    Objective("distribution matching", BEYOND, "23_particles", "particles:distribution_matching",
              "KL(q‖p) after noise"),
)
OBJECTIVES = {one.name: one for one in _ALL}


def objective(name: str) -> Objective:
    """The Objective of this name. KeyError, listing the names, for an unknown one."""
    if name not in OBJECTIVES:
        raise KeyError(f"no objective {name!r} in the catalogue; there are {', '.join(OBJECTIVES)}")
    return OBJECTIVES[name]
