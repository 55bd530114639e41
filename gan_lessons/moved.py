"""Where the names of the first edition live now, for pages that were written against it.

A reader's own notebook that imports an old name gets an error that names the new place;
`tools/restamp.py` reads the same table. `old>new` is a name that changed with its place.
"""
from __future__ import annotations

import importlib.abc
import sys

# wing -> modules of the first edition
MODULES = {
    "data": "batching>batches datasets deskew downloads formats glyphs labels>label_budget",
    "drawing": "explorer plots server",
    "exact": (
        "capped_plans>generalised_loss_sensitive clusters>clustering divergences f_divergences "
        "f_table infomax_oracle>infomax information label_oracle>conditional laws "
        "lipschitz_oracle>lipschitz margins>loss_sensitive oracle>minimax "
        "prediction_oracle>conditional_loss_sensitive relativistic_oracle>relativistic "
        "transport variational_oracle>variational "
        "wasserstein_divergence_oracle>wasserstein_divergence"),
    "explorers": "explorers.atlas>gradients",
    "map": (
        "arena atlas>gradients catalogue>objectives contestants kinship>edges "
        "kinship_codes>edges_of_encoders kinship_critics>edges_of_critics kinship_edges>edge "
        "stakes>best_critic standings>results sweep>study"),
    "measures": "classifier metrics prediction probes",
    "objectives": "f_own>own_divergence objectives.flow>f_vae",
    "players": "encoders flows networks penalties spectral",
    "questions": "answers>judges",
    "training": (
        "budgets checkpoints checks>refusals live>progress optimizers runs>run settings "
        "training>loop turns"),
}
# module -> names that stood at the top of the package
NAMES = {
    "data.deskew": "straighten>deskew",
    "data.label_budget": "LabelBudgetSpent Ledger few_labels t_interval",
    "drawing.explorer": "Explorer choice slider",
    "drawing.plots": "show",
    "exact.clustering": (
        "contingency empty_clusters gaussian_mixture kmeans matching_accuracy vote_accuracy"),
    "exact.divergences": "kl_slope reverse_kl reverse_kl_slope",
    "exact.f_divergences": "FDivergence",
    "exact.f_table": "F_DIVERGENCES",
    "exact.generalised_loss_sensitive": "capped_transport",
    "exact.infomax": "CorrelatedNormal",
    "exact.information": (
        "discrete_kl entropy gaussian_information gaussian_kl mutual_information"),
    "exact.loss_sensitive": "best_loss distances svm",
    "exact.transport": "wasserstein_1_slope",
    "map.arena": "contest hold>run_arena",
    "map.best_critic": "best_score best_value push stakes_of>score_losses",
    "map.contestants": "CONTESTANTS Play",
    "map.edges": (
        "KINSHIPS>EDGES check_kinship>check_edge kinship_table>edge_table kinships_of>edges_of"),
    "map.gradients": "ATLAS atlas_curve",
    "map.results": "arena_rows recompute summary",
    "map.study": "study",
    "measures.metrics": "anchors class_histogram features modes_covered precision_recall report",
    "measures.prediction": "ClassLoss all_losses confusion predict reliability",
    "measures.probes": "linear_probe nearest neighbours_agree",
    "objectives.adversarial_autoencoder": (
        "Headed>ClusterHeadDecoder adversarial_autoencoder clustering_autoencoder "
        "label_informed semi_supervised_autoencoder supervised_style"),
    "objectives.clustering": (
        "Hats>GaussianMixturePrior clustering hat_price>mixture_kl responsibilities "
        "restart_empty usage_kl"),
    "objectives.conditional": "Given>WithLabels acgan conditional",
    "objectives.f_gan": "f_gan",
    "objectives.f_vae": (
        "OwnNoise>LearntNoise Straight>Residual bits_per_dimension dequantised f_vae "
        "f_vae_terms flow flow_nll normal_nll"),
    "objectives.infomax": (
        "deep_infomax donsker_varadhan info_nce information_bound jensen_shannon nwj "
        "own_and_other"),
    "objectives.least_squares": "least_squares",
    "objectives.loss_sensitive": "all_pairs leaky loss_sensitive margin matched own_cost",
    "objectives.own_divergence": "own_divergence",
    "objectives.relativistic": "relativistic",
    "objectives.semi_supervised": (
        "improved_gan semi_supervised source_logit supervised with_fake_class"),
    "objectives.variational": (
        "code_logpdf draw_code gaussian_code gaussian_nll kl_to_normal split_rate vae"),
    "objectives.wasserstein": "hinge",
    "objectives.wasserstein_divergence": "wasserstein_divergence",
    "players.encoders": "codes image_encoder linear_encoder statistics_network",
    "players.flows": (
        "ActNorm Coupling Flow Mixing Shaped Squeeze image_flow picture_net point_flow"),
    "players.networks": "Concatenated Projected noisy",
    "players.penalties": (
        "at_both at_most_one between clip_weights equal_one gradient_penalty lipschitz_penalty "
        "penalty power slopes"),
}
# module -> names that changed, or left the module that they stood in
RENAMED = {
    "data.deskew": "deskew.straighten>deskew",
    "drawing.plots": "plots.heap>draw_density plots.two_heaps>draw_densities",
    "exact.infomax": (
        "infomax_oracle.note_table>code_table "
        "infomax_oracle.redrawing_error>reconstruction_error"),
    "exact.least_squares": (
        "oracle.least_squares_critic>least_squares_critic oracle.triangular>triangular "
        "oracle.triangular_slope>triangular_slope "
        "oracle.least_squares_value>least_squares_value "
        "oracle.least_squares_gradient>least_squares_gradient"),
    "exact.transport": (
        "transport.lead>cdf_difference transport.price>potential_critic "
        "transport.seen_along_lines>projected_bound"),
    "explorers.clustering": (
        "explorers.clustering.one_hat_or_three>one_component_or_three "
        "explorers.clustering.hats_and_notes>components_and_codes "
        "explorers.clustering.notes_by_hat>codes_by_component"),
    "explorers.conditional": "explorers.conditional.stamps>labels",
    "explorers.conditional_loss_sensitive": (
        "explorers.conditional_loss_sensitive.a_loss_for_every_stamp>class_losses"),
    "explorers.generalised_loss_sensitive": (
        "explorers.generalised_loss_sensitive.officers>critics "
        "explorers.generalised_loss_sensitive.tariffs>cost_functions"),
    "explorers.infomax": "explorers.infomax.notes>code_bars",
    "explorers.lipschitz": (
        "explorers.lipschitz.cameras>penalty_points "
        "explorers.lipschitz.speed_limits>lipschitz_limits"),
    "explorers.loss_sensitive": "explorers.loss_sensitive.street>svm_margin",
    "explorers.map": "explorers.map.kin>edges",
    "explorers.minimax": (
        "explorers.minimax.police>discriminator explorers.minimax.forger>generator"),
    "explorers.semi_supervised": (
        "explorers.semi_supervised.forgers>generators "
        "explorers.semi_supervised.few_names>few_labels"),
    "explorers.variational": (
        "explorers.variational.three_notes>three_codes "
        "explorers.variational.water>water_filling"),
    "explorers.wasserstein_divergence": "explorers.wasserstein_divergence.fines>slope_costs",
    "map.arena": "arena.hold>run_arena arena.carried>assignment_distance",
    "map.best_critic": "stakes.stakes_of>score_losses stakes.Stakes>ScoreLosses",
    "map.edge": "kinship_edges.Kinship>Edge kinship_edges.check_kinship>check_edge",
    "map.edges": (
        "kinship_edges.KINSHIPS>EDGES "
        "kinship.Kinship>Edge kinship.KINSHIPS>EDGES kinship.check_kinship>check_edge "
        "kinship.kinship_table>edge_table kinship.kinships_of>edges_of"),
    "measures.metrics": (
        "measures.metrics.plain_features>colour_features "
        "metrics.plain_features>colour_features"),
    "objectives.adversarial_autoencoder": (
        "objectives.adversarial_autoencoder.Headed>ClusterHeadDecoder"),
    "objectives.clustering": (
        "objectives.clustering.Hats>GaussianMixturePrior "
        "objectives.clustering.hat_price>mixture_kl"),
    "objectives.conditional": "objectives.conditional.Given>WithLabels",
    "objectives.f_vae": "objectives.flow.Straight>Residual objectives.flow.OwnNoise>LearntNoise",
    "objectives.relativistic": "objectives.relativistic.PRICES>PAIR_LOSSES",
    "players.modes": "settings.evaluating>evaluating",
}
# class -> attributes that changed their names
ATTRIBUTES = {
    "map.best_critic.ScoreLosses": "pays>generator price_slope>generator_slope",
}


def _pairs(table):
    for place, words in table.items():
        for word in words.split():
            old, _, new = word.partition(">")
            yield old, f"{place}.{new or old}"


TABLE = dict([*_pairs(MODULES), *_pairs(NAMES), *_pairs(RENAMED)])     # old dotted name -> new one

NEW_ATTRIBUTE = {old: place.rpartition(".")[2] for old, place in _pairs(ATTRIBUTES)}


def new_name(old: str) -> str:
    """The new dotted name inside gan_lessons of an old one; a name that never moved stays."""
    if old in TABLE:
        return TABLE[old]
    module, dot, name = old.rpartition(".")
    return new_name(module) + dot + name if module else old


def place_of(old: str) -> str | None:
    """A sentence that says where an old name lives now; None for a name that never was."""
    if old not in TABLE:
        return None
    module, _, name = TABLE[old].rpartition(".")
    return f"write  from gan_lessons.{module} import {name}" + (
        f"  ({old} is called {name} now)" if old.rpartition(".")[2] != name else "")


class _OldModules(importlib.abc.MetaPathFinder):
    """Asked last, for modules that no other finder knows."""

    def __init__(self, package: str):
        self.package = package

    def find_spec(self, name, path=None, target=None):
        package, _, module = name.partition(".")
        if package == self.package and (place := place_of(module)):
            raise ModuleNotFoundError(f"{name} has moved: {place}", name=name)
        return None


def watch_imports(package: str):
    """From now on `import package.old_module` says where the module lives now."""
    sys.meta_path.append(_OldModules(package))
