"""The judges of a lesson: `check` an answer, `agree` on a formula. They report; they never raise.

✓ right · ✗ not yet, with a hint · ○ not answered yet. Unsolved pages therefore run to the end.
Introduced in notebooks/00_start_here.ipynb.
"""
from __future__ import annotations

import html

import numpy as np

from . import questions


def _say(mark: str, name: str, text: str):
    """Show a judgement: in colour in a notebook, as a line elsewhere."""
    from ..training.progress import in_notebook
    if not in_notebook():
        return print(f"{mark} {name}: {text}")
    from IPython.display import display
    colour = {"✓": "#00694e", "✗": "#a02000", "○": "#555555"}[mark]
    shown = f'<b>{mark} {html.escape(name)}</b>: {html.escape(text)}'
    display({"text/html": f'<p style="color:{colour}">{shown}</p>',
             "text/plain": f"{mark} {name}: {text}"}, raw=True)


def _empty(answer) -> bool:
    """Whether a stub has not been filled in yet."""
    return answer is None or answer is ...


def check(name: str, answer, tolerance: float = 1e-3):
    """Judge the answer to a question of a lesson: |answer - right| ≤ tolerance · max(1, |right|).

    answer: a number, a sequence of numbers or a word; `...` means not answered yet.
    KeyError, listing the questions, for an unknown name.
    """
    known = questions(name.split()[0])
    if name not in known:
        raise KeyError(f"no question {name!r}; there are {', '.join(known)}")
    right, hint = known[name]
    if _empty(answer):
        return _say("○", name, "not answered yet")
    right = right() if callable(right) else right
    try:
        good = _right(answer, right, tolerance)
    except Exception as error:
        return _say("✗", name, f"your answer cannot be read ({type(error).__name__}: {error})")
    if good:
        _say("✓", name, "right")
    else:
        _say("✗", name, f"not yet. Hint: {hint}")


def _right(answer, right, tolerance: float) -> bool:
    """Whether an answer is the right word, or of the right shape and near enough everywhere."""
    if isinstance(right, str):
        return str(answer).strip().lower() == right
    mine, theirs = np.asarray(answer, dtype=float), np.asarray(right, dtype=float)
    if mine.shape != theirs.shape:
        return False
    room = tolerance * np.maximum(1, np.abs(np.where(np.isinf(theirs), 0, theirs)))
    with np.errstate(invalid="ignore"):                 # ∞ - ∞ is nan: then only equal is right
        return bool(((mine == theirs) | (np.abs(mine - theirs) <= room)).all())


def agree(mine, theirs, *, name: str | None = None, tolerance: float = 1e-12, **inputs):
    """Compare two functions, in values and gradients, and say how far apart they are.

    Losses (arguments such as f, g, x, z) are played with small random networks in float64, on
    batches of 5 and 8, with three seeds; the gradients are those of every weight. Other functions
    are called on random numbers of shape (5,) and (8,), with the gradient for each. `inputs`
    overrides an argument; with arrays of NumPy for all of them only values are compared.
    """
    name = name or getattr(theirs, "__name__", "yours")
    if _empty(mine):
        return _say("○", name, "not answered yet")
    try:
        worst, what = max(_distance(mine, theirs, n, seed, inputs)
                          for n in (5, 8) for seed in (0, 1, 2))
    except _Unanswered:
        return _say("○", name, "not answered yet")
    except Exception as error:
        return _say("✗", name, f"yours raised {type(error).__name__}: {error}")
    if worst <= tolerance:
        return _say("✓", name, f"{what.replace(' or ', ' and ')} agree to {tolerance:.0e}")
    _say("✗", name, f"{what} differ by up to {worst:.2g}")


class _Unanswered(Exception):
    """A function that still returns nothing."""


def _distance(mine, theirs, n: int, seed: int, inputs: dict) -> tuple[float, str]:
    """How far apart two functions are on one draw, relative above 1, and what was compared.

    _Unanswered where one returns nothing; ValueError, ArithmeticError and what `mine` raises.
    """
    import torch

    results = []
    for function in (theirs, mine):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            arguments, leaves = _arguments(theirs, n, inputs)
            value = function(**_renamed(function, arguments))
        if _empty(value):
            raise _Unanswered
        kept = value.dtype if isinstance(value, torch.Tensor) else torch.float64
        value = torch.as_tensor(value, dtype=kept)
        grads = [None] * len(leaves)
        if leaves and value.requires_grad:
            grads = torch.autograd.grad(value.sum(), leaves, allow_unused=True)
        grads = [torch.zeros_like(w) if g is None else g for w, g in zip(leaves, grads)]
        results.append([value.detach(), *grads])
    if any(a.shape != b.shape for a, b in zip(*results)):
        raise ValueError(f"shape {tuple(results[1][0].shape)} where "
                         f"{tuple(results[0][0].shape)} is right")
    if not all(b.isfinite().all() for b in results[1]):
        raise ArithmeticError("a value or a gradient is not finite")
    worst = max(float((a - b).abs().max() / (1 + a.abs().max())) for a, b in zip(*results))
    return worst, "values or gradients" if leaves else "values"


def _renamed(function, arguments: dict) -> dict:
    """Plain functions may name their arguments as they like: then position decides."""
    from ..game import arguments as asked
    names = list(asked(function))
    if set(arguments) <= set(names):
        return arguments
    return dict(zip(names, arguments.values()))


def _arguments(function, n: int, inputs: dict):
    """Random arguments for a loss, by the course's names, and the tensors to differentiate by."""
    import torch
    from torch import nn

    from ..game import arguments as asked

    def net(out):
        """(n, 2) -> (n, out), or (n,) for one output."""
        end = nn.Flatten(0) if out == 1 else nn.Identity()
        return nn.Sequential(nn.Linear(2, 7), nn.Tanh(), nn.Linear(7, out), end).double()

    def numbers():
        """For an argument of any other name."""
        return torch.randn(n).double() * 2 + 0.3

    make = {
        "f": lambda: net(1),
        "l": lambda: net(1),
        "g": lambda: net(2),
        "e": lambda: net(2),
        "d": lambda: net(2),
        "z": lambda: torch.randn(n, 2).double(),
        "x": lambda: torch.randn(n, 2).double() * 1.7 + 0.4,
        "u": lambda: torch.randn(n, 2).double() - 0.3,
        "y": lambda: torch.randint(3, (n,)),
    }
    arguments, leaves = {}, []
    for name, parameter in asked(function).items():
        if name not in inputs and parameter.default is not parameter.empty:
            continue                                    # a hyper-parameter keeps its default
        value = inputs[name] if name in inputs else make.get(name, numbers)()
        if isinstance(value, nn.Module):
            leaves += value.parameters()
        elif isinstance(value, torch.Tensor) and value.is_floating_point():
            leaves.append(value.requires_grad_())
        arguments[name] = value
    return arguments, leaves
