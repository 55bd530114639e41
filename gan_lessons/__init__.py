"""GAN Lessons: every GAN objective derived, executed, dragged and trained.

Here are the names that a reader types again and again; all others come from their wing, so that
the import line says where they live: `from gan_lessons.players.penalties import gradient_penalty`.

    game         an objective is a game          exact        what is known in closed form
    players      networks, flows, penalties      data         image sets, batches, labels
    objectives   one module for each             training     the loop that plays every game
    measures     how good are the samples?       map          all objectives, compared
    headlines    results beside the papers'      explorers    the sliders of each lesson
    drawing      figures and sliders             questions    the exercises' answers
    pixels       bytes as numbers from -1 to 1

A module imports from lower floors or from its own wing, never upwards, and `exact` never torch:
game, pixels, exact, drawing < players, data < objectives, training, measures < map < headlines <
explorers, questions.
Names are imported when first used, so that what needs no torch does not load it.
"""
from importlib import import_module

from . import moved

_HOME = {
    "game": "Game Move both",
    "training.loop": "train",
    "training.run": "Run TrainingDiverged",
    "training.budgets": "steps budget",
    "training.optimizers": "adam rmsprop fading",
    "data.batches": "batches",
    "data.datasets": "load_images Images DataUnavailable",
    "exact.laws": "Normal Uniform Mixture Ring Grid SwissRoll log_ratio",
    "exact.quadrature": "expectation",
    "exact.divergences": "kl js js_slope",
    "exact.transport": "earth_mover wasserstein_1",
    "exact.f_table": "f_divergence",
    "players.networks": "Line mlp_critic mlp_generator on_arrays",
    "players.image_networks": "image_critic image_generator",
    "objectives.minimax": "minimax non_saturating",
    "objectives.wasserstein": "wasserstein",
    "measures.metrics": "frechet_distance",
    "map.stored_runs": "long_run",
    "headlines.table": "headline",
    "questions.judges": "check agree",
}
_MODULES = {"metrics": "measures.metrics", "plots": "drawing.plots"}      # used on every page
_WHERE = {name: module for module, names in _HOME.items() for name in names.split()}
__all__ = sorted([*_WHERE, *_MODULES])
moved.watch_imports(__name__)


def __getattr__(name):
    if name in _MODULES:
        return import_module(f".{_MODULES[name]}", __name__)
    if name in _WHERE:
        return getattr(import_module(f".{_WHERE[name]}", __name__), name)
    if place := moved.place_of(name):
        raise ImportError(f"gan_lessons.{name} has moved: {place}", name=name)
    raise AttributeError(f"gan_lessons has no {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return [*globals(), *__all__]
