"""Variational autoencoders whose every term is known: as tables, and linear with Normal noise.

p(x) data, p(z | x) encoder, p(z) = E p(z | x) aggregate, q(z) prior, q(x | z) decoder; in nats.
Derived in notebooks/16_variational.ipynb. NumPy only, no torch.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .checks import as_numbers, fits
from .information import discrete_kl, gaussian_kl, mutual_information, normalised_rows, table


class Terms(NamedTuple):
    """The terms of a variational autoencoder's loss, in nats.

    distortion E -log q(x | z) · rate E KL(p(z | x) ‖ q(z)) · information I(x; z) · aggregate
    KL(p(z) ‖ q(z)). The last two are computed from their own definitions, not as a difference:
    rate = information + aggregate.
    """

    distortion: float
    rate: float
    information: float
    aggregate: float

    def loss(self, beta: float = 1.0) -> float:
        """distortion + beta · rate; with beta = 1 minus the evidence lower bound.

        ValueError for a beta that is not finite.
        """
        if not fits(beta):
            raise ValueError(f"beta = {beta}: the weight of the rate is a finite number")
        return self.distortion + beta * self.rate


# ---------------------------------------------------------------- tables


def discrete_terms(p, encoder, prior, decoder) -> Terms:
    """p (n,), encoder (n, k) with rows p(z | x), prior (k,), decoder (k, n) with rows q(x | z).

    Distortion and rate are ∞ where q forbids what p does. ValueError unless p, prior and every row
    sum to 1, and for shapes that do not fit.
    """
    p, prior = _law(p, "p"), _law(prior, "prior")
    encoder = _rows(encoder, "encoder", len(p), len(prior))
    decoder = _rows(decoder, "decoder", len(prior), len(p))
    joint = p[:, None] * encoder                                                  # (n, k)
    there = joint > 0
    with np.errstate(divide="ignore"):
        surprise = -np.log(decoder.T[there])
    distortion = (joint[there] * surprise).sum()
    rate = sum(share * discrete_kl(row, prior) for share, row in zip(p, encoder) if share > 0)
    return Terms(float(distortion), float(rate), mutual_information(joint),
                 discrete_kl(joint.sum(0), prior))


def best_decoder(p, encoder) -> np.ndarray:
    """q(x | z) = p(x | z) by Bayes, (n,), (n, k) -> (k, n): no decoder has less distortion.

    p(x) where z never occurs. ValueError unless p and every row of encoder sum to 1.
    """
    p = _law(p, "p")
    joint = (p[:, None] * _rows(encoder, "encoder", len(p))).T                    # (k, n)
    return normalised_rows(joint, otherwise=p)


def _law(p, what):
    """A checked distribution (n,)."""
    p = table(p, what)
    if p.ndim != 1:
        raise ValueError(f"{what} has shape {p.shape}; a law is (n,), a number for each value")
    return p


def _rows(rows, what, n, k=None):
    """Checked conditional distributions, one in each of n rows (of k numbers): (n, k) -> (n, k)."""
    rows = as_numbers(rows, what, finite=False)
    if rows.ndim != 2 or len(rows) != n or k not in (None, rows.shape[1]):
        raise ValueError(f"{what} has shape {rows.shape}; needed is "
                         f"({n}, {'k' if k is None else k}), a law in each row")
    for row in rows:
        table(row, f"a row of {what}")
    return rows


# ---------------------------------------------------------------- linear, with Normal noise


class LinearVAE(NamedTuple):
    """x ~ N(0, covariance), z | x ~ N(encoder x, diag(noise²)), x | z ~ N(decoder z, sd² I).

    The prior is N(0, I). covariance (d, d), encoder (k, d), noise (k,) deviations above 0, decoder
    (d, k), sd > 0.
    """

    covariance: np.ndarray
    encoder: np.ndarray
    noise: np.ndarray
    decoder: np.ndarray
    sd: float

    def aggregate(self) -> np.ndarray:
        """Covariance of p(z), (k, k). ValueError, here and below, for parts that do not fit."""
        self._check()
        means = self.encoder @ self.covariance @ self.encoder.T
        return means + np.diag(np.square(self.noise))

    def residual(self) -> float:
        """E |x - decoder z|², a sum over the d numbers."""
        self._check()
        missed = np.eye(len(self.covariance)) - self.decoder @ self.encoder       # (d, d)
        return float(np.trace(missed @ self.covariance @ missed.T)
                     + np.square(self.decoder * self.noise).sum())

    def terms(self) -> Terms:
        """All four in closed form, the information from the covariance of (x, z).

        ValueError for a noise or sd that is not above 0, and for data on a plane (a singular
        covariance).
        """
        self._check()
        if not ((np.asarray(self.noise) > 0).all() and fits(self.sd, above=0)):
            raise ValueError(f"noise = {self.noise}, sd = {self.sd}: deviations must be above 0. A "
                             "code without noise costs infinitely many nats")
        if np.linalg.matrix_rank(self.covariance) < len(self.covariance):
            raise ValueError("the data lie on a plane: some direction has no variance, and they "
                             "have no density there. Leave that direction out, or add noise to it")
        d, k, spread = len(self.covariance), len(self.noise), self.aggregate()
        log_det = lambda C: np.linalg.slogdet(C)[1]
        distortion = (self.residual() / (2 * self.sd ** 2)
                      + d / 2 * np.log(2 * np.pi * self.sd ** 2))
        # E KL(N(encoder x, S) ‖ N(0, I)): that of the noise, and E |encoder x|² / 2
        S = np.diag(np.square(self.noise))
        means = np.trace(self.encoder @ self.covariance @ self.encoder.T)
        rate = gaussian_kl(np.zeros(k), S) + means / 2
        # I(x; z) = ½ log det C_x det C_z / det C_xz
        cross = self.encoder @ self.covariance                                    # (k, d)
        joint = np.block([[self.covariance, cross.T], [cross, spread]])           # (d + k, d + k)
        information = (log_det(self.covariance) + log_det(spread) - log_det(joint)) / 2
        aggregate = gaussian_kl(np.zeros(k), spread)
        return Terms(float(distortion), float(rate), float(information), aggregate)

    def evidence(self) -> float:
        """E -log q(x), q(x) = N(0, decoder decoderᵀ + sd² I): what -ELBO bounds at beta = 1."""
        self._check()
        model = self.decoder @ self.decoder.T + self.sd ** 2 * np.eye(len(self.covariance))
        inside = np.trace(np.linalg.solve(model, self.covariance)) + np.linalg.slogdet(model)[1]
        return float((inside + len(model) * np.log(2 * np.pi)) / 2)


    def _check(self):
        """ValueError unless all parts are finite and of shapes that fit."""
        shapes = [as_numbers(part, name).shape
                  for name, part in zip(self._fields[:4], self[:4])]
        d, k = (shapes[3] + (0, 0))[:2]
        if shapes != [(d, d), (k, d), (k,), (d, k)]:
            raise ValueError(f"covariance, encoder, noise, decoder of shapes {shapes}: needed are "
                             "(d, d), (k, d), (k,), (d, k)")
        if not fits(self.sd):
            raise ValueError(f"sd = {self.sd}: a finite number above 0")


def best_linear(variances, beta: float = 1.0, sd: float = 1.0, k: int | None = None) -> LinearVAE:
    """The LinearVAE with least distortion + beta · rate for data N(0, diag(variances)), sd fixed.

    It keeps the (at most k) directions of variance v above the water level beta · sd², with
    information ½ log(v/level) and mean square error `level` each; the rest collapse. At beta = 1
    this is probabilistic principal component analysis (Tipping & Bishop 1999; there with a learnt
    sd). ValueError for variances, beta or sd that are not above 0, and for k not from 1 to d.
    """
    v = as_numbers(variances, "variances", finite=False)
    usable = v.ndim == 1 and v.size and (v > 0).all() and np.isfinite(v).all()
    if not (usable and fits(beta, above=0) and fits(sd, above=0, most=1e150)):
        raise ValueError(f"variances {v}, beta = {beta}, sd = {sd}: all must be finite and above "
                         "0. A direction without variance has nothing to encode: leave it out")
    k = len(v) if k is None else k
    if not fits(k, least=1, most=len(v), whole=True):
        raise ValueError(f"k = {k} code numbers for {len(v)} directions: choose 1 to {len(v)}")
    beta, sd = float(beta), float(sd)
    level = beta * sd ** 2
    chosen = np.argsort(-v, kind="stable")[:k]                 # (k,): the largest variances
    # decoder² = v - level, encoder = decoder / v, noise² = level / v; below the level the code is
    # noise of sd 1, as the prior is, and says nothing
    slope = np.sqrt(np.clip(v[chosen] - level, 0, None))
    noise = np.sqrt(np.minimum(level / v[chosen], 1))
    decoder, encoder = np.zeros((len(v), k)), np.zeros((k, len(v)))
    decoder[chosen, range(k)] = slope
    encoder[range(k), chosen] = slope / v[chosen]
    return LinearVAE(np.diag(v), encoder, noise, decoder, float(sd))
