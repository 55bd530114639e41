"""The judges of a lesson: `check` an answer, `agree` on a formula. They report; they never raise.

✓ right · ✗ not yet, with a hint · ○ not answered yet. Unsolved pages therefore run to the end.
Introduced in notebooks/00_start_here.ipynb.
"""
from __future__ import annotations

import contextlib
import html
import inspect
import io
import sys

from ..exact.checks import fits, told
from . import questions
from .answers import Unreadable, blank, same


def _say(mark: str, name: str, text: str):
    """Show a judgement: in colour in a notebook, as a line elsewhere."""
    from ..training.progress import in_notebook, written
    if not in_notebook():
        return print(written(f"{mark} {name}: {text}", sys.stdout))
    from IPython.display import display
    colour = {"✓": "#00694e", "✗": "#a02000", "○": "#555555"}[mark]
    shown = f'<b>{mark} {html.escape(name)}</b>: {html.escape(text)}'
    display({"text/html": f'<p style="color:{colour}">{shown}</p>',
             "text/plain": f"{mark} {name}: {text}"}, raw=True)


def check(name: str, answer, tolerance: float = 1e-3):
    """Judge the answer to a question of a lesson: |answer - right| ≤ tolerance · max(1, |right|).

    answer: a number, a sequence of numbers or a word, as a person writes them (see `answers`);
    `...` means not answered yet. KeyError, listing the questions, for an unknown name, TypeError
    for a name that is no text, ValueError for a tolerance that is no number of 0 or more.
    """
    if not isinstance(name, str) or not name.strip():
        raise TypeError(f'check takes the name of a question first, check("00 quarter", answer), '
                        f"not {told(name)}")
    known = questions(name.split()[0])
    if name not in known:
        raise KeyError(f"no question {name!r}; there are {', '.join(known)}")
    _check_tolerance(tolerance)
    right, hint = known[name]
    right = right() if callable(right) else right
    try:
        if blank(answer):
            return _say("○", name, "not answered yet")
        good = same(answer, right, tolerance)
    except Unreadable as error:
        return _say("✗", name, f"your answer cannot be read: {error}")
    except Exception as error:                       # foreign objects raise what they like
        return _say("✗", name, f"your answer cannot be read ({type(error).__name__}: {error})")
    if good:
        _say("✓", name, "right")
    else:
        _say("✗", name, f"not yet. Hint: {hint}")


def _check_tolerance(tolerance):
    if not fits(tolerance, least=0):
        raise ValueError(f"tolerance = {tolerance!r}: how far off an answer may be, a number of 0 "
                         "or more")


def agree(mine, theirs, *, name: str | None = None, tolerance: float = 1e-12, **inputs):
    """Compare two functions, in values and gradients, and say how far apart they are.

    Losses (arguments such as f, g, x, z) are played with small random networks in float64, on
    batches of 5 and 8, with three seeds; the gradients are those of every weight. Other functions
    are called on random numbers of shape (5,) and (8,), with the gradient for each. `inputs`
    overrides an argument; with arrays of NumPy for all of them only values are compared.
    ValueError for a tolerance that is no number of 0 or more.
    """
    _check_tolerance(tolerance)
    name = name or getattr(theirs, "__name__", "yours")
    if blank(mine):
        return _say("○", name, "not answered yet")
    printed = []
    mark, text = _compared(mine, theirs, inputs, tolerance, printed)
    print(*printed[:1], end="")                      # six calls print the same: once is enough
    _say(mark, name, text)


def _compared(mine, theirs, inputs: dict, tolerance: float, printed: list) -> tuple[str, str]:
    """The mark and the sentence of `agree`; what `mine` prints goes to the list `printed`."""
    try:
        worst, what, kind = max(_distance(mine, theirs, n, seed, inputs, printed)
                                for n in (5, 8) for seed in (0, 1, 2))
    except _Unanswered:
        if any(printed):
            return "✗", "yours prints and returns nothing: write return in place of print"
        return "○", "not answered yet"
    except Unreadable as error:
        return "✗", f"yours {error}"
    except (Exception, SystemExit, GeneratorExit) as error:
        if "backward through the graph a second time" in str(error):
            return "✗", "yours calls .backward() itself: leave it out, and return the loss"
        return "✗", f"yours raised {type(error).__name__}: {error}"
    if worst <= tolerance:
        return "✓", f"{what.replace(' or ', ' and ')} agree to {tolerance:.0e}"
    if what == _CUT:
        return "✗", ("the values agree, and yours hands on no gradient: leave out .item(), "
                     ".detach() and torch.no_grad()")
    why = "" if kind == "float64" else f"; yours comes in {kind}, what it is given in float64"
    if worst < 1e-6 and kind in ("float32", "float64"):
        why += " (the digits of float32: write torch.ones_like(score), not torch.ones(n))"
    return "✗", f"{what} differ by up to {worst:.2g}{why}"


_CUT = "gradients that are cut off"


class _Unanswered(Exception):
    """A function that still returns nothing."""


def _distance(mine, theirs, n: int, seed: int, inputs: dict, printed: list):
    """(how far apart two functions are on one draw, relative above 1, what was compared, dtype).

    What `mine` prints goes to the list `printed`. _Unanswered where one returns nothing; Unreadable
    for another kind or shape of result; ValueError, ArithmeticError and what `mine` raises.
    """
    import torch

    results, learns = [], []
    for function in (theirs, mine):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            arguments, leaves = _arguments(theirs, n, inputs)
            value = _called(function, arguments, printed if function is mine else [])
        if blank(value):
            raise _Unanswered
        value = _tensor(value)
        learns.append(value.requires_grad)
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
    kind = str(results[1][0].dtype).removeprefix("torch.")
    (right, *_), (value, *_) = results
    near = bool((right - value).abs().max() <= 1e-6 * (1 + right.abs().max()))
    if learns == [True, False] and near and worst > 0:
        return worst, _CUT, kind
    return worst, "values or gradients" if leaves else "values", kind


def _tensor(value):
    """What a function returned, as a tensor; Unreadable for what is no number or array."""
    import torch
    if isinstance(value, torch.Tensor):
        if value.is_complex():
            raise Unreadable("returns complex numbers, and real ones are right")
        return value
    if callable(value):
        raise Unreadable(f"returns {told(value)}, not what that returns: call it")
    try:
        if isinstance(value, (list, tuple)) and any(isinstance(v, torch.Tensor) for v in value):
            raise TypeError                          # torch would take them for numbers
        return torch.as_tensor(value, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise Unreadable(f"returns {told(value)}, and a number or a tensor is right") from None


def _called(function, arguments: dict, printed: list):
    """The function's result on the arguments; what it prints goes to the list.

    Plain functions may name their arguments as they like: then position decides. TypeError for
    what is no function, Unreadable for one that takes another number of arguments.
    """
    if not callable(function):
        raise TypeError(f"{told(function)} is no function: pass its name, without calling it")
    by_name = _fitted(function, arguments)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            return function(*arguments.values()) if by_name is None else function(**by_name)
        finally:
            printed.append(said.getvalue())


def _fitted(function, arguments: dict) -> dict | None:
    """The arguments by the names that a function gives them; None where only position counts."""
    from ..game import arguments as asked
    try:
        named = dict(asked(function))
    except (TypeError, ValueError):                  # built in: its signature cannot be read
        return None
    kinds = {parameter.kind for parameter in named.values()}
    if {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} <= kinds:
        return None                                  # takes anything, as a network's call does
    if inspect.Parameter.POSITIONAL_ONLY not in kinds and (
            set(arguments) <= set(named) or inspect.Parameter.VAR_KEYWORD in kinds):
        return arguments
    needed = [name for name, parameter in named.items() if parameter.default is parameter.empty
              and parameter.kind is not parameter.VAR_POSITIONAL]
    if inspect.Parameter.POSITIONAL_ONLY not in kinds and (
            set(needed) <= set(arguments) and needed):   # a loss may ask for less than the other
        return {name: value for name, value in arguments.items() if name in named}
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return None
    if not len(needed) <= len(arguments) <= len(named):
        raise Unreadable(f"takes {_listed(named)}, and {_listed(arguments)} are given")
    if inspect.Parameter.POSITIONAL_ONLY in kinds:
        return None
    return dict(zip(named, arguments.values()))


def _listed(names) -> str:
    return f"{len(names)} argument{'s' * (len(names) != 1)} ({', '.join(names)})"


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
