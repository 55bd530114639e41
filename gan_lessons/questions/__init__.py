"""The exercises of the lessons: a module of questions for each, and the `judges` of answers.

A module has QUESTIONS: name -> (right answer, hint). A name begins with the number of its lesson.
An answer is a number, a sequence of numbers, a word, or a function that computes it when it is
asked for. May import every other wing but explorers. Only notebooks, tests and tools import it.
"""
from importlib import import_module

# the place of a stem is the number of its lesson
STEMS = (
    "start_here", "minimax", "vanishing_gradients", "f_gan", "least_squares",
    "transport", "wasserstein", "lipschitz", "wasserstein_divergence", "loss_sensitive",
    "generalised_loss_sensitive", "relativistic", "conditional", "conditional_loss_sensitive",
    "semi_supervised", "adversarial_autoencoder", "variational", "infomax", "f_vae", "clustering",
    "map",
    "convergence",
    "mmd",
    "particles",
)


def questions(number: str) -> dict:
    """The QUESTIONS of the lesson with this number, as "04". KeyError where there is none."""
    if not (number.isdigit() and int(number) < len(STEMS)):
        raise KeyError(f"no lesson {number!r}; questions begin with 00 to {len(STEMS) - 1:02}")
    return import_module(f".{STEMS[int(number)]}", __name__).QUESTIONS
