"""What many tests need: leaves for gradients, laws moved aside, and the title that an explorer shows in a given state."""
from gan_lessons import Mixture, Normal, Uniform


def leaf(values):
    """values as a float64 tensor that collects its gradient."""
    import torch
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def shifted(law, by):
    """The same law on the line, moved."""
    if isinstance(law, Mixture):
        return Mixture([shifted(part, by) for part in law.laws], law.weights)
    return Normal(law.mean + by, law.sd) if isinstance(law, Normal) else Uniform(law.low + by,
                                                                                 law.high + by)


def title(explorer, **state):
    """What the title says after drawing with these values of the controls."""
    explorer.draw(**state)
    return explorer._artists[-1].get_text()
