"""What an edge of the map is: an exact statement, both sides in float64, the test that proves it.

The edges themselves are in edges_of_critics.py, edges_of_encoders.py and edges_beyond.py, the whole
map in edges.py. Used in notebooks/20_map.ipynb.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from ..exact.checks import told
from ..exact.laws import Normal
from .objectives import objective


class Edge(NamedTuple):
    """An exact relation between two objectives.

    a, b: names of objectives, after " · " a setting · kind: one of KIND_WORDS · statement: the
    relation in words · sides(**setting) -> (left, right): float64 arrays of one shape, equal within
    `tolerance` (relative above 1), or, for "bounds", left ≤ right · wrong: a setting in which they
    are not · test: "tests/…/test_x.py::test_name".
    """

    a: str
    b: str
    kind: str
    statement: str
    sides: Callable
    wrong: dict
    tolerance: float
    test: str

    @property
    def ends(self) -> tuple[str, str]:
        """The names of the two objectives, without settings."""
        return self.a.partition(" · ")[0], self.b.partition(" · ")[0]

    @property
    def lessons(self) -> tuple[str, ...]:
        """Stems of the lessons that derive its ends, in order, each once."""
        return tuple(sorted({objective(name).lesson for name in self.ends}))


# is: for all p and q · if: under the condition in its statement · part: a term, or a sum, is the
# other · contains: with one setting of a, it is b
KIND_WORDS = {"is": "=", "if": "(=)", "part": "+", "contains": "⊃", "limit": "→", "bounds": "≤"}


def related(a: str, b: str, kind: str, statement: str, *, wrong: dict, test: str,
            tolerance: float = 1e-11):
    """A decorator: the function below it, which computes both sides, becomes an Edge.

    Its module lists the edge, too: the order of the lists numbers the edges of the map. KeyError
    for names of no objective, ValueError for an unknown kind or a statement over 90 characters.
    """
    for name in (a, b):
        objective(name.partition(" · ")[0])
    if kind not in KIND_WORDS or not 0 < len(statement) <= 90:
        raise ValueError(f"an edge is one of {', '.join(KIND_WORDS)}, said in at most 90 "
                         f"characters, not {kind!r}, {len(statement)} characters")
    return lambda sides: Edge(a, b, kind, statement, sides, wrong, tolerance, f"tests/{test}")


def check_edge(edge: Edge, **setting) -> float:
    """The largest difference of the two sides, relative where they exceed 1.

    For "bounds" it is that by which left exceeds right. setting: arguments of edge.sides, to see
    the statement fail where it does not hold. ArithmeticError as in `both_sides`.
    """
    left, right = both_sides(edge, **setting)
    excess = left - right if edge.kind == "bounds" else np.abs(left - right)
    return float(max(0., (excess / np.maximum(1, np.abs(right))).max()))


def both_sides(edge: Edge, **setting) -> tuple[np.ndarray, np.ndarray]:
    """(left, right) as float64 arrays (k,), the value first.

    ArithmeticError where the two differ in shape or a number is not finite, TypeError for what is
    no Edge.
    """
    if not isinstance(edge, Edge):
        raise TypeError(f"edge = {told(edge)}: an Edge, as one of edges_of(\"WGAN\")")
    known = inspect.signature(edge.sides).parameters
    if unknown := [name for name in setting if name not in known]:
        raise TypeError(f"the sides of {edge.a} and {edge.b} take no {', '.join(unknown)}; they "
                        f"take {', '.join(known) or 'nothing'}")
    left, right = (np.ravel(np.asarray(side, dtype=float)) for side in edge.sides(**setting))
    if left.shape != right.shape or not (np.isfinite(left).all() and np.isfinite(right).all()):
        raise ArithmeticError(f"{edge.a} and {edge.b}: sides of shape {left.shape} and "
                              f"{right.shape}, or not finite")
    return left, right


# -- numbers that both sides share ---------------------------------------------------------------

# scores of four real and of four fake samples: asymmetric, so that a swapped sign shows
REAL, FAKE = [-5., 1.4, 12.5, 2.7], [.3, -7.1, 4., 1.]
# real and fake laws on the line, and on four places
P, Q = Normal(.3, 1), Normal(1.7, 1.4)
PLACES = np.array([-1.2, .4, 1.1, 3.])
MASS, MASS_FAKE = np.array([.1, .5, .2, .2]), np.array([.4, .1, .3, .2])
# as a critic: a sample is its own score; as a generator: a sample is its noise
itself = lambda x: x


def leaf(values):
    """Numbers as a float64 tensor to differentiate by."""
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def draws(*shape, seed: int):
    """Standard Normal float64 numbers of a shape; torch's own random state stays."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def played(loss, *leaves):
    """[value, gradients by all leaves] of a loss: what two games that train alike must share."""
    value = loss(*leaves)
    grads = torch.autograd.grad(value, leaves, allow_unused=True)
    flat = [np.zeros(leaf.numel()) if grad is None else grad.numpy().ravel()
            for leaf, grad in zip(leaves, grads)]
    return np.concatenate([[value.item()], *flat])


def rounds(game, real=REAL, fake=FAKE):
    """Critic's and generator's loss with their gradients, on given scores."""
    critic = played(lambda x, z: game["f"](itself, itself, x, z), leaf(real), leaf(fake))
    generator = played(lambda z: game["g"](itself, itself, z), leaf(fake))
    return np.concatenate([critic, generator])
