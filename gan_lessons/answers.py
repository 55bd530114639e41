"""The judges of a lesson: `check` an answer, `agree` on a formula. They report; they never raise.

✓ right · ✗ not yet, with a hint · ○ not answered yet. Unsolved pages therefore run to the end.
"""
from __future__ import annotations

import html
import inspect

import numpy as np
from scipy.optimize import brentq

from .divergences import js, js_slope
from .f_table import f_divergence
from .laws import Normal, Uniform
from .oracle import (GENERATOR_LOSSES, generator_gradient, least_squares_gradient, least_squares_value,
                     triangular)

# question -> (right answer, hint). An answer is a number, a sequence of numbers, a word, or a
# function that computes it when it is asked for.
QUESTIONS = {
    "00 quarter": (lambda: -np.log(.25) - np.log(.75), "-log ¼ - log ¾"),
    "00 slider": (lambda: (1 + np.sqrt(1 - 4 * np.exp(-2))) / 2, "between 0.8 and 0.9"),
    "01 four of five": (lambda: _where_equal(.8, .2), "solve 2 - 2x = -log 4, and mind the sign"),
    "01 overlap": (lambda: js(Uniform(0, 1), Uniform(.5, 1.5)), "log p/m is log 2 where one law lives alone, else 0"),
    "01 steepest": (lambda: _steepest(), "the slope rises from 0, then falls: use the arrow keys near the top"),
    "02 sigma": (lambda: 3 * _distance_at(.336), "JS of two equal widths depends on distance / σ alone"),
    "02 sum": (lambda: sum(generator_gradient(Normal(0, 2), Normal(6, 2), loss) for loss in GENERATOR_LOSSES),
               "σ(c) + σ(-c) = 1, so the sum is -E_q c'(x), and c is a straight line here"),
    "02 half": (np.log(1e-8), "σ / (σ + ε) = ½, and σ(c) is about exp(c) far below 0"),
    "02 fog": (lambda: _best_fog(), "between 2 and 4: use the arrow keys and read the title"),
    "03 corner": (lambda: f_divergence("Pearson").conjugate(np.array([-1., -3.])), "a ratio is never negative: where does the line lean?"),
    "03 uniforms": (lambda: [f_divergence(name)(Uniform(0, 1), Uniform(.25, 1.25))
                             for name in ("squared Hellinger", "KL")], "look at each place where only one of the two lives"),
    "03 width": (lambda: _widest(f_divergence("alpha", alpha=1.5)), "the exponents of p^1.5 q^-0.5 must add up to a fall"),
    "03 trick": (lambda: _alpha_of_the_trick("squared Hellinger"), "φ'' of the α-family is u^(α - 2): divide it by u"),
    "04 ends": (lambda: [least_squares_value(Uniform(0, 1), law, 2, 5, 3) for law in (Uniform(0, 1), Uniform(2, 3))],
                "χ² is 0 in the one case and 2 in the other"),
    "04 log": (lambda: (2 - triangular(Uniform(0, 1), Uniform(.25, 1.25))) / 2, "χ² = ½, then step 6 with b - a = 2"),
    "04 hardest": (lambda: [_hardest(0, 1, 1), _hardest(-1, 1, 0)], "between 1.5 and 2.5: use the arrow keys near the top"),
    "04 silent": (lambda: _silent_target(2), "r + κ (1 + r) = 0, and c = ½ + κ/2"),
}


def _where_equal(genuine: float, forged: float) -> float:
    return brentq(lambda x: genuine * Normal(0, 1).pdf(x) - forged * Normal(2, 1).pdf(x), -5, 5)


def _steepest() -> float:
    distances = np.arange(0, 8.05, .1)
    return float(distances[np.argmax([js_slope(Normal(0, 1), Normal(d, 1)) for d in distances])])


def _distance_at(divergence: float) -> float:
    return brentq(lambda d: js(Normal(0, 1), Normal(d, 1)) - divergence, 1, 5)


def _best_fog() -> float:
    fogs = np.arange(0, 6.05, .1)
    felt = [js_slope(Normal(0, width), Normal(8, width)) for width in np.hypot(1, fogs)]
    return float(fogs[np.argmax(felt)])


def _hardest(*labels) -> float:
    distances = np.arange(0, 8.05, .1)
    return float(distances[np.argmax([least_squares_gradient(Normal(0, 1), Normal(d, 1), *labels) for d in distances])])


def _silent_target(distance: float) -> float:
    return brentq(lambda c: least_squares_gradient(Normal(0, 1), Normal(distance, 1), 0, 1, c), 0, 1)


def _widest(D) -> float:
    widths = np.arange(.4, 2.05, .1)
    return float(max(w for w in widths if np.isfinite(D(Normal(0, w), Normal(0, 1)))))


def _alpha_of_the_trick(name: str) -> float:
    """The α whose slope has the trick's proportions at two distances."""
    pairs = [(Normal(0, 1), Normal(far, 1)) for far in (1, 2)]
    trick = np.divide(*(f_divergence(name).trick_slope(*pair) for pair in pairs))
    slopes = lambda a: np.divide(*(f_divergence("alpha", alpha=a).slope(*pair) for pair in pairs))
    return brentq(lambda a: slopes(a) - trick, -.99, -.01)


def _say(mark: str, name: str, text: str):
    from .live import in_notebook
    if not in_notebook():
        return print(f"{mark} {name}: {text}")
    from IPython.display import display
    colour = {"✓": "#00694e", "✗": "#a02000", "○": "#555555"}[mark]
    display({"text/html": f'<p style="color:{colour}"><b>{mark} {html.escape(name)}</b>: {html.escape(text)}</p>',
             "text/plain": f"{mark} {name}: {text}"}, raw=True)


def _empty(answer) -> bool:
    return answer is None or answer is ...


def check(name: str, answer, tolerance: float = 1e-3):
    """Judge the answer to a question of a lesson: |answer - right| ≤ tolerance · max(1, |right|).

    answer: a number, a sequence of numbers or a word; `...` means not answered yet.
    KeyError, listing the questions, for an unknown name.
    """
    if name not in QUESTIONS:
        raise KeyError(f"no question {name!r}; there are {', '.join(QUESTIONS)}")
    right, hint = QUESTIONS[name]
    if _empty(answer):
        return _say("○", name, "not answered yet")
    right = right() if callable(right) else right
    try:
        if isinstance(right, str):
            good = str(answer).strip().lower() == right
        else:
            mine, theirs = np.asarray(answer, dtype=float), np.asarray(right, dtype=float)
            room = tolerance * np.maximum(1, np.abs(np.where(np.isinf(theirs), 0, theirs)))
            with np.errstate(invalid="ignore"):                        # ∞ - ∞: right, if they are equal
                good = mine.shape == theirs.shape and bool(
                    ((mine == theirs) | (np.abs(mine - theirs) <= room)).all())
    except Exception as error:
        return _say("✗", name, f"your answer cannot be read ({type(error).__name__}: {error})")
    _say("✓", name, "right") if good else _say("✗", name, f"not yet. Hint: {hint}")


def agree(mine, theirs, *, name: str | None = None, tolerance: float = 1e-12, **inputs):
    """Compare two functions, in values and gradients, and say how far apart they are.

    Losses (arguments such as f, g, x, z) are played with small random networks in float64, on batches
    of 5 and 8, with three seeds; the gradients are those of every weight. Other functions are called
    on random numbers of shape (5,) and (8,), with the gradient for each. `inputs` overrides an argument.
    """
    name = name or getattr(theirs, "__name__", "yours")
    if _empty(mine):
        return _say("○", name, "not answered yet")
    try:
        worst = max(_distance(mine, theirs, n, seed, inputs) for n in (5, 8) for seed in (0, 1, 2))
    except _Unanswered:
        return _say("○", name, "not answered yet")
    except Exception as error:
        return _say("✗", name, f"yours raised {type(error).__name__}: {error}")
    if worst <= tolerance:
        return _say("✓", name, f"values and gradients agree to {tolerance:.0e}")
    _say("✗", name, f"values or gradients differ by up to {worst:.2g}")


class _Unanswered(Exception):
    """A function that still returns nothing."""


def _distance(mine, theirs, n: int, seed: int, inputs: dict) -> float:
    import torch
    results = []
    for function in (theirs, mine):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            arguments, leaves = _arguments(theirs, n, inputs)
            value = function(**_renamed(function, arguments))
        if _empty(value):
            raise _Unanswered
        value = torch.as_tensor(value)
        grads = [None] * len(leaves)
        if leaves and value.requires_grad:
            grads = torch.autograd.grad(value.sum(), leaves, allow_unused=True)
        results.append([value.detach(), *(torch.zeros_like(w) if g is None else g for w, g in zip(leaves, grads))])
    if any(a.shape != b.shape for a, b in zip(*results)):
        raise ValueError(f"shape {tuple(results[1][0].shape)} where {tuple(results[0][0].shape)} is right")
    if not all(b.isfinite().all() for b in results[1]):
        raise ArithmeticError("a value or a gradient is not finite")
    return max(float((a - b).abs().max() / (1 + a.abs().max())) for a, b in zip(*results))


def _renamed(function, arguments: dict) -> dict:
    """Plain functions may name their arguments as they like: then position decides."""
    names = list(inspect.signature(function).parameters)
    if set(arguments) <= set(names):
        return arguments
    return dict(zip(names, arguments.values()))


def _arguments(function, n: int, inputs: dict):
    """Random arguments for a loss, by the course's names, and the tensors to differentiate by."""
    import torch
    from torch import nn

    def net(out):
        return nn.Sequential(nn.Linear(2, 7), nn.Tanh(), nn.Linear(7, out), nn.Flatten(0) if out == 1 else nn.Identity()).double()

    make = {"f": lambda: net(1), "l": lambda: net(1), "g": lambda: net(2), "e": lambda: net(2), "d": lambda: net(2),
            "z": lambda: torch.randn(n, 2).double(), "x": lambda: torch.randn(n, 2).double() * 1.7 + 0.4,
            "u": lambda: torch.randn(n, 2).double() - 0.3, "y": lambda: torch.randint(3, (n,))}
    arguments, leaves = {}, []
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in inputs and parameter.default is not parameter.empty:
            continue
        value = inputs[name] if name in inputs else make.get(name, lambda: torch.randn(n).double() * 2 + 0.3)()
        if isinstance(value, nn.Module):
            leaves += value.parameters()
        elif isinstance(value, torch.Tensor) and value.is_floating_point():
            leaves.append(value.requires_grad_())
        arguments[name] = value
    return arguments, leaves
