"""What many tests need: asymmetric scores, leaves for gradients, moved laws, titles of explorers.

A loss that swaps real and fake, or flips a sign, gives another number on these scores.
"""
import errno
import os

import numpy as np

from gan_lessons import Mixture, Normal, Uniform

REAL = [-5., 1.4, 12.5, 2.7]
FAKE = [.3, -7.1, 4., 1.9]
FEWER = FAKE[:3]                        # where a batch of fakes may have another size


def itself(x):
    """The player that changes nothing: scores are given as samples."""
    return x


def leaf(values):
    """values as a float64 tensor that collects its gradient."""
    import torch
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def sigma(c):
    """σ(c) = 1 / (1 + exp(-c)), of numbers and arrays."""
    return 1 / (1 + np.exp(-np.asarray(c)))


def softplus(c):
    """log(1 + exp(c)), of numbers and arrays."""
    return np.logaddexp(0, c)


def shifted(law, by):
    """The same law on the line, moved."""
    if isinstance(law, Mixture):
        return Mixture([shifted(part, by) for part in law.laws], law.weights)
    if isinstance(law, Normal):
        return Normal(law.mean + by, law.sd)
    return Uniform(law.low + by, law.high + by)


def title_of(explorer, **state):
    """What the title says after drawing with these values of the controls."""
    explorer.draw(**state)
    return explorer._artists[-1].get_text()


def assert_same(a, b, where="state"):
    """Tensors, networks and all that holds them: equal to the bit."""
    import torch
    a, b = (x.state_dict() if isinstance(x, torch.nn.Module) else x for x in (a, b))
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_same(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), where
        for i, pair in enumerate(zip(a, b)):
            assert_same(*pair, f"{where}[{i}]")
    else:
        assert a == b, where


def answers_to(lesson):
    """The answers of a lesson's exercises, computed: "12" -> {name: answer}."""
    from gan_lessons.questions import questions
    return {name: answer() if callable(answer) else answer
            for name, (answer, _) in questions(lesson).items()}


class FullDisk:
    """A file on a disk that is full after `room` bytes more; code: of its OSError."""

    def __init__(self, file, room: int, code: int = errno.ENOSPC):
        self.file, self.room, self.code = file, room, code

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(self.code, os.strerror(self.code))
        return self.file.write(data)
