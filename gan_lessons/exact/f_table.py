"""The table of f-divergences, row by row: φ, φ*, and a critic's score turned into an admissible T.

Conjugates are over u ≥ 0: below φ'(0) they stay at -φ(0). Rows of Nowozin, Cseke, Tomioka 2016,
arXiv 1606.00709, completed; activations of their own where v = log p/q is simpler or safer (α < 1,
JS-weighted, Le Cam). Every function takes NumPy arrays and torch tensors alike, any shape -> same
shape. Derived in notebooks/03_f_gan.ipynb. NumPy and SciPy; the module itself needs no torch.
"""
from __future__ import annotations

import sys

import numpy as np
from scipy.special import xlogy

from .checks import fits
from .f_divergences import FDivergence

# ------------------------------------------------------------------ for arrays and tensors alike


def _module(x):
    """torch for a tensor, else numpy."""
    # asked of sys.modules, since this wing never imports torch: who has a tensor has imported it
    torch = sys.modules.get("torch")
    return torch if torch is not None and isinstance(x, torch.Tensor) else np


def _named(name):
    """The function that numpy and torch both call `name`; NumPy's ∞ at a border is no warning."""
    def function(x):
        with np.errstate(divide="ignore", over="ignore"):
            return getattr(_module(x), name)(x)
    return function


exp, expm1, log, sqrt, tanh, sign = map(_named, "exp expm1 log sqrt tanh sign".split())


def softplus(x):
    """log(1 + e^x) without overflow."""
    return _module(x).logaddexp(x, _module(x).zeros_like(x))


def u_log_u(u):
    """u log u, and 0 at 0."""
    return xlogy(u, u) if _module(u) is np else _module(u).xlogy(u, u)


def positive(x):
    """max(x, 0)."""
    return x.clamp(min=0) if _module(x) is not np else np.maximum(x, 0)


def _up_to(t_max, t, value):
    """value where t ≤ t_max, else ∞; NaN stays NaN."""
    return _module(t).where(t > t_max, np.inf, value)


def _quotient(a, b):
    """a / b, ±∞ or nan where b = 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        # np.divide: a Python number that is divided by 0 would raise
        return a / b if _module(a) is not np else np.divide(a, b)


def _power(base, exponent):
    """max(base, 0) to a power, ∞ where a power below 0 meets 0."""
    with np.errstate(divide="ignore", over="ignore"):
        return positive(base * 1.0) ** exponent


def _sigma(v):
    """σ(v), in log space so that it keeps its digits where it is close to 0."""
    return exp(-softplus(-v))


def _log_W(t):
    """y = log W with W + log W = 1 - t, W being Lambert's function at e^(1-t); no overflow.

    By Newton on e^y + y - (1 - t), which increases and is convex: from the right of its root every
    step lands to the right again, and eight arrive. On tensors the last step alone is
    differentiated, which is exact by the implicit function theorem.
    """
    tensor = _module(t) is not np
    a = 1 - t.detach() if tensor else np.minimum(1 - np.asarray(t, dtype=float), 1e300)
    # both starts lie to the right: e^y + y - a is log a > 0 at y = log a, and e^a > 0 at y = a
    y = _module(a).where(a > 1, log(positive(a - 1) + 1), a)
    for _ in range(8):
        y = y - (exp(y) + y - a) / (exp(y) + 1)
    return y - (exp(y) + y - (1 - t)) / (exp(y) + 1) if tensor else y


# ------------------------------------------------------------------ two families


def _alpha(alpha):
    """(u^α - 1 - α(u - 1)) / α(α - 1): KL as α -> 1, reverse KL as α -> 0, half of Pearson at 2."""
    if not fits(alpha) or alpha in (0, 1):
        raise ValueError(f"alpha must be a finite number other than 0 and 1, not {alpha!r}: its "
                         'limits there are "reverse KL" and "KL"')
    a = float(alpha)
    # nearer than 1e-6 to 0 or 1 the difference u^α - 1 - α(u - 1) has no digits left to divide
    if min(abs(a), abs(a - 1)) < 1e-6 or abs(a) > 1e4:
        raise ValueError(f"alpha = {a:g} leaves no digits to a float: take \"reverse KL\" and "
                         '"KL" nearer than 1e-6 to 0 and 1, and no power above 1e4')
    # T = φ'(u) = (u^(α-1) - 1) / (α - 1), so 1 + (α - 1) T = u^(α-1), and φ*(T) = (u^α - 1) / α
    if a > 1:
        # T has no upper bound: every score is admissible as it is
        conjugate = lambda t: (positive(t * (a - 1) + 1) ** (a / (a - 1)) - 1) / a
        shape = dict(
            t_max=np.inf,
            activation=lambda v: v,
            best=lambda c: expm1((a - 1) * c) / (a - 1),
            conjugate=conjugate,
            composed=conjugate)
    else:
        # 1 - (1 - α) T = e^(-kv) keeps T below 1/(1-α), and makes u^α = e^(αkv/(1-α)). With k = 1
        # for α < 0 and 1 - α for α > 0 neither exponent is larger than |v|
        k = min(1.0, 1 - a)
        t_max = 1 / (1 - a)
        shape = dict(
            t_max=t_max,
            activation=lambda v: -expm1(-k * v) / (1 - a),
            best=lambda c: c * (1 - a) / k,
            conjugate=lambda t: _up_to(t_max, t, (_power(1 - (1 - a) * t, a / (a - 1)) - 1) / a),
            composed=lambda v: expm1(a * k / (1 - a) * v) / a)
    geometric = lambda lp, lq: a * lp + (1 - a) * lq           # log p^α q^(1-α)

    def integrand(lp, lq):
        above = np.exp(geometric(lp, lq)) - a * np.exp(lp) - (1 - a) * np.exp(lq)
        return above / (a * (a - 1))

    return FDivergence(
        f"alpha = {a:g}", **shape,
        phi=lambda u: (_power(u, a) - 1 - a * (u - 1)) / (a * (a - 1)),
        integrand=integrand,
        log_weight=geometric)


def _js_weighted(pi):
    """π KL(p ‖ m) + (1 - π) KL(q ‖ m) with m = πp + (1 - π)q: the usual JS at π = ½."""
    if not fits(pi, above=0, below=1):
        raise ValueError(f"pi must lie between 0 and 1, not {pi}: it is the share of p in the "
                         "mixture")
    if not 1e-8 <= pi <= 1 - 1e-8:
        raise ValueError(f"pi = {pi}: nearer to 0 or 1 than 1e-8 rounding takes every digit")
    # All in log space: with v = log p/q, m/p = π + (1 - π) e^(-v) and m/q = (1 - π) + π e^v
    log_pi, log_rest = float(np.log(pi)), float(np.log1p(-pi))
    log_sum = lambda number, b: _module(b).logaddexp(_module(b).zeros_like(b) + number, b)
    log_m = lambda lp, lq: np.logaddexp(log_pi + lp, log_rest + lq)

    def integrand(lp, lq):
        m = log_m(lp, lq)
        return pi * np.exp(lp) * (lp - m) + (1 - pi) * np.exp(lq) * (lq - m)

    return FDivergence(
        f"JS-weighted {pi:g}", t_max=-pi * log_pi,
        phi=lambda u: pi * u_log_u(u) - u_log_u(1 - pi + pi * u),
        conjugate=lambda t: (1 - pi) * (log_rest - log(positive(1 - pi * exp(t / pi)))),
        activation=lambda v: -pi * log_sum(log_pi, log_rest - v),
        composed=lambda v: (1 - pi) * log_sum(log_rest, log_pi + v),
        best=lambda c: c,
        integrand=integrand,
        log_weight=lambda lp, lq: log_pi + log_rest + lp + lq - log_m(lp, lq))


# ------------------------------------------------------------------ the table

_LOG2 = float(np.log(2))


def _js_integrand(lp, lq):
    """p log p/m + q log q/m with m = (p + q) / 2."""
    log_sum = np.logaddexp(lp, lq)
    return np.exp(lp) * (_LOG2 + lp - log_sum) + np.exp(lq) * (_LOG2 + lq - log_sum)


def _js_weight(lp, lq):
    """log pq / (p + q)."""
    return lp + lq - np.logaddexp(lp, lq)


_ROWS = {row.name: row for row in [
    FDivergence(
        "KL", t_max=np.inf,
        phi=u_log_u,
        conjugate=lambda t: exp(t - 1),
        activation=lambda v: v,
        composed=lambda v: exp(v - 1),
        best=lambda c: 1 + c,
        integrand=lambda lp, lq: np.exp(lp) * (lp - lq - 1) + np.exp(lq),
        log_weight=lambda lp, lq: lp),
    FDivergence(
        "reverse KL", t_max=0.0,
        phi=lambda u: -log(u),
        conjugate=lambda t: -1 - log(positive(-t)),
        activation=lambda v: -exp(-v),
        composed=lambda v: v - 1,
        best=lambda c: c,
        integrand=lambda lp, lq: np.exp(lq) * (lq - lp - 1) + np.exp(lp),
        log_weight=lambda lp, lq: lq),
    FDivergence(
        "Pearson", t_max=np.inf,
        phi=lambda u: (u - 1) ** 2,
        conjugate=lambda t: positive(t / 2 + 1) ** 2 - 1,
        activation=lambda v: v,
        composed=lambda v: positive(v / 2 + 1) ** 2 - 1,
        best=lambda c: 2 * expm1(c),
        integrand=lambda lp, lq: np.exp(2 * lp - lq) - 2 * np.exp(lp) + np.exp(lq),
        log_weight=lambda lp, lq: _LOG2 + 2 * lp - lq),
    FDivergence(
        "Neyman", t_max=1.0,
        phi=lambda u: _quotient((1 - u) ** 2, u),
        conjugate=lambda t: _up_to(1, t, 2 - 2 * sqrt(positive(1 - t))),
        activation=lambda v: -expm1(-v),
        composed=lambda v: -2 * expm1(-v / 2),
        best=lambda c: 2 * c,
        integrand=lambda lp, lq: np.exp(2 * lq - lp) - 2 * np.exp(lq) + np.exp(lp),
        log_weight=lambda lp, lq: _LOG2 + 2 * lq - lp),
    FDivergence(
        "squared Hellinger", t_max=1.0,
        phi=lambda u: (sqrt(u) - 1) ** 2,
        conjugate=lambda t: _quotient(t, positive(1 - t)),
        activation=lambda v: -expm1(-v),
        composed=expm1,
        best=lambda c: c / 2,
        integrand=lambda lp, lq: (np.exp(lp / 2) - np.exp(lq / 2)) ** 2,
        log_weight=lambda lp, lq: (lp + lq) / 2 - _LOG2),
    FDivergence(
        "Jeffrey", t_max=np.inf,
        phi=lambda u: (u - 1) * log(u),
        conjugate=lambda t: exp(-_log_W(t)) - 1 - _log_W(t),   # T = φ'(u) where W = 1/u
        activation=lambda v: v,
        composed=lambda v: exp(-_log_W(v)) - 1 - _log_W(v),
        best=lambda c: c - expm1(-c),
        integrand=lambda lp, lq: (np.exp(lp) - np.exp(lq)) * (lp - lq),
        log_weight=lambda lp, lq: np.logaddexp(lp, lq)),
    FDivergence(
        "JS", t_max=_LOG2,                                     # twice the usual JS
        phi=lambda u: u_log_u(u) - (u + 1) * log((1 + u) / 2),
        conjugate=lambda t: -log(positive(2 - exp(t))),
        activation=lambda v: _LOG2 - softplus(-v),
        composed=lambda v: softplus(v) - _LOG2,
        best=lambda c: c,
        integrand=_js_integrand,
        log_weight=_js_weight),
    FDivergence(
        "GAN", t_max=0.0,                                      # JS - 2 log 2
        phi=lambda u: u_log_u(u) - u_log_u(u + 1),
        conjugate=lambda t: -log(positive(-expm1(t))),
        activation=lambda v: -softplus(-v),
        composed=softplus,
        best=lambda c: c,
        integrand=_js_integrand,
        log_weight=_js_weight),
    FDivergence(
        "total variation", t_max=0.5,
        phi=lambda u: abs(u - 1) / 2,
        conjugate=lambda t: _up_to(0.5, t, positive(t + 0.5) - 0.5),
        activation=lambda v: tanh(v) / 2,
        composed=lambda v: tanh(v) / 2,
        best=lambda c: sign(c) * 1e3,                          # for ±∞: there tanh is exactly ±1
        integrand=lambda lp, lq: abs(np.exp(lp) - np.exp(lq)) / 2),
    FDivergence(
        "Le Cam", t_max=1.0,
        phi=lambda u: (u - 1) ** 2 / (u + 1),
        # 4 - t - 4 √(1 - t) from φ'(0) = -3 on, and -φ(0) = -1 below
        conjugate=lambda t: _up_to(
            1, t, 7 - positive(t + 3) - 4 * sqrt(positive(4 - positive(t + 3)))),
        activation=lambda v: 1 - 4 * _sigma(-v) ** 2,          # φ'(u) = 1 - 4 / (1 + u)²
        composed=lambda v: 3 - 8 * _sigma(-v) + 4 * _sigma(-v) ** 2,
        best=lambda c: c,
        integrand=lambda lp, lq: (np.exp(lp) - np.exp(lq)) * np.tanh((lp - lq) / 2),
        log_weight=lambda lp, lq: 3 * _LOG2 + 2 * lp + 2 * lq - 3 * np.logaddexp(lp, lq)),
]}
_FAMILIES = {"alpha": _alpha, "JS-weighted": _js_weighted}
F_DIVERGENCES = (*_ROWS, *_FAMILIES)


def f_divergence(name: str, **parameter) -> FDivergence:
    """A row of the table by name: one of F_DIVERGENCES, in any case of letters.

    "alpha" takes alpha=, "JS-weighted" takes pi=; an FDivergence is returned as it is. KeyError,
    listing the names, for an unknown one; TypeError for a parameter that is missing or unknown,
    ValueError for one that is out of range.
    """
    if isinstance(name, FDivergence):
        return name
    known = {key.lower(): key for key in F_DIVERGENCES}
    key = known.get(str(name).lower())
    if key is None:
        raise KeyError(f"no f-divergence {name!r}; there are {', '.join(F_DIVERGENCES)}")
    wanted = {"alpha": {"alpha"}, "JS-weighted": {"pi"}}.get(key, set())
    if set(parameter) != wanted:
        needs = f"needs {', '.join(wanted)}=..." if wanted else "takes no parameter"
        raise TypeError(f"{key} {needs}, not {', '.join(parameter) or 'nothing'}")
    return _FAMILIES[key](**parameter) if key in _FAMILIES else _ROWS[key]
