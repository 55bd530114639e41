"""GAN Lessons: every GAN objective derived, executed, dragged and trained. See notebooks/00_start_here.ipynb.

Names are imported when first used, so that what needs no torch does not load it.
"""
from importlib import import_module

_HOME = {
    "answers": "agree check",
    "atlas": "ATLAS atlas_curve",
    "arena": "contest hold",
    "batching": "batches",
    "budgets": "budget steps",
    "capped_plans": "capped_transport",
    "clusters": "contingency empty_clusters gaussian_mixture kmeans matching_accuracy vote_accuracy",
    "contestants": "CONTESTANTS Play",
    "datasets": "DataUnavailable Images load_images",
    "deskew": "straighten",
    "divergences": "expectation js js_slope kl kl_slope log_ratio reverse_kl reverse_kl_slope",
    "encoders": "codes image_encoder linear_encoder statistics_network",
    "explorer": "Explorer choice slider",
    "f_divergences": "FDivergence",
    "f_own": "own_divergence",
    "f_table": "F_DIVERGENCES f_divergence",
    "flows": "ActNorm Coupling Flow Mixing Shaped Squeeze image_flow picture_net point_flow",
    "game": "Game Move both",
    "infomax_oracle": "CorrelatedNormal",
    "information": "discrete_kl entropy gaussian_information gaussian_kl mutual_information",
    "kinship": "KINSHIPS check_kinship kinship_table kinships_of",
    "labels": "LabelBudgetSpent Ledger few_labels t_interval",
    "laws": "Grid Mixture Moons Normal Ring SwissRoll Uniform",
    "margins": "best_loss distances svm",
    "metrics": "anchors class_histogram features frechet_distance modes_covered precision_recall report",
    "networks": "Concatenated Line Projected image_critic image_generator mlp_critic mlp_generator noisy on_arrays",
    "objectives.adversarial_autoencoder": ("Headed adversarial_autoencoder clustering_autoencoder label_informed "
                                           "semi_supervised_autoencoder supervised_style"),
    "objectives.clustering": "Hats clustering hat_price responsibilities restart_empty usage_kl",
    "objectives.conditional": "Given acgan conditional",
    "objectives.f_gan": "f_gan",
    "objectives.flow": "OwnNoise Straight bits_per_dimension dequantised f_vae f_vae_terms flow flow_nll normal_nll",
    "objectives.infomax": ("deep_infomax donsker_varadhan info_nce information_bound jensen_shannon nwj "
                           "own_and_other"),
    "objectives.least_squares": "least_squares",
    "objectives.loss_sensitive": "all_pairs leaky loss_sensitive margin matched own_cost",
    "objectives.minimax": "minimax non_saturating",
    "objectives.relativistic": "relativistic",
    "objectives.semi_supervised": "improved_gan semi_supervised source_logit supervised with_fake_class",
    "objectives.variational": "code_logpdf draw_code gaussian_code gaussian_nll kl_to_normal split_rate vae",
    "objectives.wasserstein": "hinge wasserstein",
    "objectives.wasserstein_divergence": "wasserstein_divergence",
    "optimizers": "adam rmsprop",
    "penalties": ("at_both at_most_one between clip_weights equal_one gradient_penalty lipschitz_penalty penalty power "
                  "slopes"),
    "plots": "show",
    "prediction": "ClassLoss all_losses confusion predict reliability",
    "probes": "linear_probe nearest neighbours_agree",
    "runs": "Run TrainingDiverged",
    "stakes": "best_score best_value push stakes_of",
    "standings": "arena_rows recompute summary",
    "sweep": "study",
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
