"""GAN Lessons: every GAN objective derived, executed, dragged and trained. See notebooks/00_start_here.ipynb.

Names are imported when first used, so that what needs no torch does not load it.
"""
from importlib import import_module

_HOME = {
    "answers": "agree check",
    "batching": "batches",
    "budgets": "budget steps",
    "capped_plans": "capped_transport",
    "datasets": "DataUnavailable Images load_images",
    "divergences": "expectation js js_slope kl kl_slope log_ratio reverse_kl reverse_kl_slope",
    "explorer": "Explorer choice slider",
    "f_divergences": "FDivergence",
    "f_own": "own_divergence",
    "f_table": "F_DIVERGENCES f_divergence",
    "game": "Game Move both",
    "laws": "Grid Mixture Normal Ring SwissRoll Uniform",
    "margins": "best_loss distances svm",
    "metrics": "anchors class_histogram features frechet_distance modes_covered precision_recall report",
    "networks": "Concatenated Line Projected image_critic image_generator mlp_critic mlp_generator on_arrays",
    "objectives.conditional": "Given acgan conditional",
    "objectives.least_squares": "least_squares",
    "objectives.f_gan": "f_gan",
    "objectives.loss_sensitive": "all_pairs leaky loss_sensitive margin matched own_cost",
    "objectives.minimax": "minimax non_saturating",
    "objectives.relativistic": "relativistic",
    "objectives.wasserstein": "hinge wasserstein",
    "objectives.wasserstein_divergence": "wasserstein_divergence",
    "penalties": ("at_both at_most_one between clip_weights equal_one gradient_penalty lipschitz_penalty penalty power "
                  "slopes"),
    "plots": "show",
    "optimizers": "adam rmsprop",
    "runs": "Run TrainingDiverged",
    "training": "train",
    "transport": "earth_mover wasserstein_1 wasserstein_1_slope",
}
_WHERE = {name: module for module, names in _HOME.items() for name in names.split()}
__all__ = sorted(_WHERE)


def __getattr__(name):
    if name not in _WHERE:
        raise AttributeError(f"gan_lessons has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)


def __dir__():
    return [*globals(), *__all__]
