"""The table of f-divergences, row by row: φ, φ*, and a critic's score turned into an admissible T.

Every function takes NumPy arrays and torch tensors alike; the module itself needs no torch.
Conjugates are over u ≥ 0: below φ'(0) they stay at -φ(0). Rows of Nowozin, Cseke, Tomioka 2016, arXiv
1606.00709, completed; activations of their own where v = log p/q is simpler or safer (α < 1, JS-weighted,
Le Cam). Derived in notebooks/03_f_gan.ipynb.
"""
from __future__ import annotations

import sys

import numpy as np
from scipy.special import xlogy

from .f_divergences import FDivergence


def _module(x):
    torch = sys.modules.get("torch")
    return torch if torch is not None and isinstance(x, torch.Tensor) else np


def _named(name):
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
    """value where t ≤ t_max, else ∞."""
    return _module(t).where(t <= t_max, value, np.inf)


def _W(t):
    """log W with W + log W = 1 - t, Lambert's W of e^(1-t), by Newton from the right; no overflow.

    On tensors the last step alone is differentiated, which is exact by the implicit function theorem.
    """
    tensor = _module(t) is not np
    a = 1 - t.detach() if tensor else np.minimum(1 - np.asarray(t, dtype=float), 1e300)
    y = _module(a).where(a > 1, log(positive(a - 1) + 1), a)
    for _ in range(8):
        y = y - (exp(y) + y - a) / (exp(y) + 1)
    return y - (exp(y) + y - (1 - t)) / (exp(y) + 1) if tensor else y


def _quotient(a, b):
    with np.errstate(divide="ignore", invalid="ignore"):
        return a / b if _module(a) is not np else np.divide(a, b)


# ------------------------------------------------------------------ the table

def _alpha(alpha):
    """(u^α - 1 - α(u - 1)) / α(α - 1): KL as α -> 1, reverse KL as α -> 0, half of Pearson at 2."""
    a = float(alpha)
    if not np.isfinite(a) or a in (0, 1):
        raise ValueError(f"alpha must be a finite number other than 0 and 1, not {alpha}: its limits there are "
                         '"reverse KL" and "KL"')
    k = min(1.0, 1 - a)                                 # keeps both exponents below |v|
    if a > 1:
        shape = dict(t_max=np.inf, activation=lambda v: v, best=lambda c: expm1((a - 1) * c) / (a - 1),
                     conjugate=lambda t: (positive(t * (a - 1) + 1) ** (a / (a - 1)) - 1) / a)
        shape["composed"] = shape["conjugate"]
    else:
        shape = dict(t_max=1 / (1 - a), best=lambda c: c * (1 - a) / k,
                     activation=lambda v: -expm1(-k * v) / (1 - a),
                     composed=lambda v: expm1(a * k / (1 - a) * v) / a,
                     conjugate=lambda t: _up_to(1 / (1 - a), t, (_power(1 - (1 - a) * t, a / (a - 1)) - 1) / a))
    mixed = lambda lp, lq: a * lp + (1 - a) * lq
    return FDivergence(f"alpha = {a:g}", **shape, log_weight=mixed,
                       phi=lambda u: (_power(u, a) - 1 - a * (u - 1)) / (a * (a - 1)),
                       integrand=lambda lp, lq: (np.exp(mixed(lp, lq)) - a * np.exp(lp) - (1 - a) * np.exp(lq))
                       / (a * (a - 1)))


def _power(base, exponent):
    with np.errstate(divide="ignore", over="ignore"):
        return positive(base * 1.0) ** exponent


def _js_weighted(pi):
    """π KL(p ‖ m) + (1 - π) KL(q ‖ m) with m = πp + (1 - π)q: the usual JS at π = ½."""
    if not 0 < pi < 1:
        raise ValueError(f"pi must lie between 0 and 1, not {pi}: it is the share of p in the mixture")
    lp0, lq0 = float(np.log(pi)), float(np.log1p(-pi))
    mixed = lambda a, b: _module(b).logaddexp(_module(b).zeros_like(b) + a, b)
    table = lambda lp, lq: np.logaddexp(lp0 + lp, lq0 + lq)
    return FDivergence(f"JS-weighted {pi:g}", t_max=-pi * lp0, best=lambda c: c,
                       phi=lambda u: pi * u_log_u(u) - u_log_u(1 - pi + pi * u),
                       conjugate=lambda t: (1 - pi) * (lq0 - log(positive(1 - pi * exp(t / pi)))),
                       activation=lambda v: -pi * mixed(lp0, lq0 - v),
                       composed=lambda v: (1 - pi) * mixed(lq0, lp0 + v),
                       integrand=lambda lp, lq: pi * np.exp(lp) * (lp - table(lp, lq))
                       + (1 - pi) * np.exp(lq) * (lq - table(lp, lq)),
                       log_weight=lambda lp, lq: lp0 + lq0 + lp + lq - table(lp, lq))


_LOG2 = float(np.log(2))
_js_integrand = lambda lp, lq: (np.exp(lp) * (_LOG2 + lp - np.logaddexp(lp, lq))
                                + np.exp(lq) * (_LOG2 + lq - np.logaddexp(lp, lq)))
_js_weight = lambda lp, lq: lp + lq - np.logaddexp(lp, lq)
_sigma = lambda v: exp(-softplus(-v))

_ROWS = {row.name: row for row in [
    FDivergence("KL", phi=u_log_u, conjugate=lambda t: exp(t - 1), t_max=np.inf,
                activation=lambda v: v, composed=lambda v: exp(v - 1), best=lambda c: 1 + c,
                integrand=lambda lp, lq: np.exp(lp) * (lp - lq - 1) + np.exp(lq), log_weight=lambda lp, lq: lp),
    FDivergence("reverse KL", phi=lambda u: -log(u), conjugate=lambda t: -1 - log(positive(-t)), t_max=0.0,
                activation=lambda v: -exp(-v), composed=lambda v: v - 1, best=lambda c: c,
                integrand=lambda lp, lq: np.exp(lq) * (lq - lp - 1) + np.exp(lp), log_weight=lambda lp, lq: lq),
    FDivergence("Pearson", phi=lambda u: (u - 1) ** 2, conjugate=lambda t: positive(t / 2 + 1) ** 2 - 1, t_max=np.inf,
                activation=lambda v: v, composed=lambda v: positive(v / 2 + 1) ** 2 - 1, best=lambda c: 2 * expm1(c),
                integrand=lambda lp, lq: np.exp(2 * lp - lq) - 2 * np.exp(lp) + np.exp(lq),
                log_weight=lambda lp, lq: _LOG2 + 2 * lp - lq),
    FDivergence("Neyman", phi=lambda u: _quotient((1 - u) ** 2, u), t_max=1.0, best=lambda c: 2 * c,
                conjugate=lambda t: _up_to(1, t, 2 - 2 * sqrt(positive(1 - t))),
                activation=lambda v: -expm1(-v), composed=lambda v: -2 * expm1(-v / 2),
                integrand=lambda lp, lq: np.exp(2 * lq - lp) - 2 * np.exp(lq) + np.exp(lp),
                log_weight=lambda lp, lq: _LOG2 + 2 * lq - lp),
    FDivergence("squared Hellinger", phi=lambda u: (sqrt(u) - 1) ** 2, t_max=1.0, best=lambda c: c / 2,
                conjugate=lambda t: _quotient(t, positive(1 - t)), activation=lambda v: -expm1(-v), composed=expm1,
                integrand=lambda lp, lq: (np.exp(lp / 2) - np.exp(lq / 2)) ** 2,
                log_weight=lambda lp, lq: (lp + lq) / 2 - _LOG2),
    FDivergence("Jeffrey", phi=lambda u: (u - 1) * log(u), conjugate=lambda t: exp(-_W(t)) - 1 - _W(t), t_max=np.inf,
                activation=lambda v: v, composed=lambda v: exp(-_W(v)) - 1 - _W(v), best=lambda c: c - expm1(-c),
                integrand=lambda lp, lq: (np.exp(lp) - np.exp(lq)) * (lp - lq),
                log_weight=lambda lp, lq: np.logaddexp(lp, lq)),
    FDivergence("JS", phi=lambda u: u_log_u(u) - (u + 1) * log((1 + u) / 2), t_max=_LOG2, best=lambda c: c,
                conjugate=lambda t: -log(positive(2 - exp(t))),
                activation=lambda v: _LOG2 - softplus(-v), composed=lambda v: softplus(v) - _LOG2,
                integrand=_js_integrand, log_weight=_js_weight),
    FDivergence("GAN", phi=lambda u: u_log_u(u) - u_log_u(u + 1), t_max=0.0, best=lambda c: c,
                conjugate=lambda t: -log(positive(-expm1(t))),
                activation=lambda v: -softplus(-v), composed=softplus,
                integrand=_js_integrand, log_weight=_js_weight),
    FDivergence("total variation", phi=lambda u: abs(u - 1) / 2, t_max=0.5,
                conjugate=lambda t: _up_to(0.5, t, positive(t + 0.5) - 0.5),
                activation=lambda v: tanh(v) / 2, composed=lambda v: tanh(v) / 2,
                best=lambda c: sign(c) * 1e3,                  # ±∞; tanh is ±1 to the last digit here
                integrand=lambda lp, lq: abs(np.exp(lp) - np.exp(lq)) / 2),
    FDivergence("Le Cam", phi=lambda u: (u - 1) ** 2 / (u + 1), t_max=1.0, best=lambda c: c,
                conjugate=lambda t: _up_to(1, t, 7 - positive(t + 3) - 4 * sqrt(positive(4 - positive(t + 3)))),
                activation=lambda v: 1 - 4 * _sigma(-v) ** 2,
                composed=lambda v: 3 - 8 * _sigma(-v) + 4 * _sigma(-v) ** 2,
                integrand=lambda lp, lq: (np.exp(lp) - np.exp(lq)) * np.tanh((lp - lq) / 2),
                log_weight=lambda lp, lq: 3 * _LOG2 + 2 * lp + 2 * lq - 3 * np.logaddexp(lp, lq)),
]}
_FAMILIES = {"alpha": _alpha, "JS-weighted": _js_weighted}
F_DIVERGENCES = (*_ROWS, *_FAMILIES)


def f_divergence(name: str, **parameter) -> FDivergence:
    """A row of the table by name: one of F_DIVERGENCES; "alpha" takes alpha=, "JS-weighted" takes pi=.

    KeyError, listing the names, for an unknown one; TypeError, ValueError for a parameter that is
    missing, unknown or out of range.
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
