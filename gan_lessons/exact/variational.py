"""Variational autoencoders whose every term is known: tables of probabilities, and straight lines with Normal noise.

p(x) data, p(z | x) encoder, p(z) = E p(z | x) aggregate, q(z) prior, q(x | z) decoder. In nats.
Derived in notebooks/16_variational.ipynb. NumPy only, no torch.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .information import discrete_kl, gaussian_kl, mutual_information, table


class Terms(NamedTuple):
    """distortion E -log q(x | z) · rate E KL(p(z | x) ‖ q(z)) · information I(x; z) · aggregate KL(p(z) ‖ q(z)).

    The last two are computed from their own definitions, not as a difference: rate = information + aggregate.
    """

    distortion: float
    rate: float
    information: float
    aggregate: float

    def loss(self, beta: float = 1.0) -> float:
        """distortion + beta · rate; with beta = 1 minus the evidence lower bound."""
        return self.distortion + beta * self.rate


# ---------------------------------------------------------------- tables

def discrete_terms(p, encoder, prior, decoder) -> Terms:
    """p (n,), encoder (n, k) with rows p(z | x), prior (k,), decoder (k, n) with rows q(x | z).

    ValueError unless p, prior and every row sum to 1. Distortion and rate are ∞ where q forbids what p does.
    """
    p, prior = table(p), table(prior, "prior")
    encoder, decoder = _rows(encoder, "encoder", len(p), len(prior)), _rows(decoder, "decoder", len(prior), len(p))
    joint = p[:, None] * encoder
    with np.errstate(divide="ignore"):
        surprise = -np.log(decoder.T[joint > 0])
    rate = sum(share * discrete_kl(row, prior) for share, row in zip(p, encoder) if share > 0)
    return Terms(float((joint[joint > 0] * surprise).sum()), float(rate), mutual_information(joint),
                 discrete_kl(joint.sum(0), prior))


def best_decoder(p, encoder) -> np.ndarray:
    """q(x | z) = p(x | z) by Bayes, (n,), (n, k) -> (k, n): no decoder has less distortion. p(x) where z never occurs."""
    p = table(p)
    joint = (p[:, None] * _rows(encoder, "encoder", len(p))).T
    seen = joint.sum(1, keepdims=True)
    return np.where(seen > 0, joint / np.where(seen > 0, seen, 1), p)


def _rows(rows, what, n, k=None):
    rows = np.asarray(rows, dtype=float)
    if rows.ndim != 2 or len(rows) != n or k not in (None, rows.shape[1]):
        raise ValueError(f"{what} has shape {rows.shape}; needed is ({n}, {'k' if k is None else k}), a law in each row")
    for row in rows:
        table(row, f"a row of {what}")
    return rows


# ---------------------------------------------------------------- straight lines with Normal noise

class LinearVAE(NamedTuple):
    """x ~ N(0, covariance), z | x ~ N(encoder x, diag(noise²)), prior N(0, I), x | z ~ N(decoder z, sd² I).

    covariance (d, d), encoder (k, d), noise (k,) deviations above 0, decoder (d, k), sd > 0.
    """

    covariance: np.ndarray
    encoder: np.ndarray
    noise: np.ndarray
    decoder: np.ndarray
    sd: float

    def aggregate(self) -> np.ndarray:
        """Covariance of p(z), (k, k)."""
        return self.encoder @ self.covariance @ self.encoder.T + np.diag(np.square(self.noise))

    def residual(self) -> float:
        """E |x - decoder z|², a sum over the d numbers."""
        missed = np.eye(len(self.covariance)) - self.decoder @ self.encoder
        return float(np.trace(missed @ self.covariance @ missed.T) + np.square(self.decoder * self.noise).sum())

    def terms(self) -> Terms:
        """All four in closed form, the information from the covariance of (x, z).

        ValueError for a noise or sd that is not above 0, and for data on a plane (a singular covariance).
        """
        if not ((np.asarray(self.noise) > 0).all() and self.sd > 0):
            raise ValueError(f"noise = {self.noise}, sd = {self.sd}: deviations must be above 0. A note without noise costs "
                             "infinitely many nats")
        if np.linalg.matrix_rank(self.covariance) < len(self.covariance):
            raise ValueError("the data lie on a plane: some direction has no variance, and they have no density there. "
                             "Leave that direction out, or add noise to it")
        d, (k, spread) = len(self.covariance), (len(self.noise), self.aggregate())
        S = np.diag(np.square(self.noise))
        distortion = self.residual() / (2 * self.sd ** 2) + d / 2 * np.log(2 * np.pi * self.sd ** 2)
        means = np.trace(self.encoder @ self.covariance @ self.encoder.T)              # E |encoder x|²
        rate = gaussian_kl(np.zeros(k), S) + means / 2
        cross = self.encoder @ self.covariance
        joint = np.block([[self.covariance, cross.T], [cross, spread]])
        log_det = lambda C: np.linalg.slogdet(C)[1]
        information = (log_det(self.covariance) + log_det(spread) - log_det(joint)) / 2
        return Terms(float(distortion), float(rate), float(information), gaussian_kl(np.zeros(k), spread))

    def evidence(self) -> float:
        """E -log q(x), q(x) = N(0, decoder decoderᵀ + sd² I): what -ELBO is a bound of, at beta = 1."""
        model = self.decoder @ self.decoder.T + self.sd ** 2 * np.eye(len(self.covariance))
        inside = np.trace(np.linalg.solve(model, self.covariance)) + np.linalg.slogdet(model)[1]
        return float((inside + len(model) * np.log(2 * np.pi)) / 2)


def best_linear(variances, beta: float = 1.0, sd: float = 1.0, k: int | None = None) -> LinearVAE:
    """The LinearVAE with least distortion + beta · rate for data N(0, diag(variances)) and a fixed sd.

    It keeps the (at most k) directions of variance v above the water level beta · sd², with information ½ log(v/level)
    and mean square error `level` each; the rest collapse. At beta = 1 this is probabilistic principal component analysis
    (Tipping & Bishop 1999; there with a learnt sd). ValueError for variances, beta or sd that are not above 0.
    """
    v = np.asarray(variances, dtype=float)
    if not (v.ndim == 1 and v.size and (v > 0).all() and np.isfinite(v).all() and 0 < beta < np.inf and 0 < sd < np.inf):
        raise ValueError(f"variances {v}, beta = {beta}, sd = {sd}: all must be finite and above 0. A direction without "
                         "variance has nothing to encode: leave it out")
    k = len(v) if k is None else k
    if not 1 <= k <= len(v):
        raise ValueError(f"k = {k} code numbers for {len(v)} directions: choose 1 to {len(v)}")
    chosen, level = np.argsort(-v, kind="stable")[:k], beta * sd ** 2
    slope = np.sqrt(np.clip(v[chosen] - level, 0, None))
    decoder, encoder = np.zeros((len(v), k)), np.zeros((k, len(v)))
    decoder[chosen, range(k)], encoder[range(k), chosen] = slope, slope / v[chosen]
    return LinearVAE(np.diag(v), encoder, np.sqrt(np.minimum(level / v[chosen], 1)), decoder, float(sd))
