"""How good is a clustering, when the true classes are known after all? And two classical ones.

Two scores that differ, and the empty clusters: derived in
notebooks/15_adversarial_autoencoder.ipynb. k-means and a Gaussian mixture by expectation
maximisation: what notebooks/19_clustering.ipynb starts from. NumPy and SciPy, no torch.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.cluster.vq import kmeans2
from scipy.linalg import solve_triangular
from scipy.optimize import linear_sum_assignment
from scipy.special import logsumexp

from .checks import MANY, as_numbers, check_count, check_room, fits


def contingency(clusters, labels, k: int, classes: int | None = None) -> np.ndarray:
    """How many samples of each label lie in each cluster: (n,), (n,) -> (k, classes) int64.

    clusters, labels: whole numbers from 0; classes: by default as many as the labels need.
    ValueError for k < 2, for numbers outside 0 … k - 1, or where the two are not equally long.
    """
    clusters, labels = _as_given(clusters, "clusters"), _as_given(labels, "labels")
    if clusters.dtype.kind not in "iu" or labels.dtype.kind not in "iu":
        raise ValueError("clusters and labels are whole numbers from 0, not "
                         f"{clusters.dtype} and {labels.dtype}")
    if classes is None:
        classes = int(labels.max(initial=0)) + 1
    check_count("classes", classes, most=MANY)
    if not fits(k, least=2, whole=True):
        raise ValueError(f"k={k}: one cluster says nothing; take two or more")
    if clusters.shape != labels.shape or clusters.ndim != 1 or not len(labels):
        raise ValueError("clusters and labels are two lists of one length, not "
                         f"{clusters.shape} and {labels.shape}")
    if not (0 <= clusters.min() and clusters.max() < k
            and 0 <= labels.min() and labels.max() < classes):
        raise ValueError(f"clusters run from 0 to {k - 1} and labels from 0 to {classes - 1}; "
                         f"these from {clusters.min()} to {clusters.max()} and from "
                         f"{labels.min()} to {labels.max()}")
    check_room("a table", int(k), int(classes))
    # cluster and label as one number, so that one count gives the whole table; bytes have no room
    clusters, labels, classes = clusters.astype(np.int64), labels.astype(np.int64), int(classes)
    return np.bincount(clusters * classes + labels, minlength=k * classes).reshape(k, classes)


def vote_accuracy(table) -> float:
    """The share that is right if each cluster (row) takes the label of most of its samples.

    (k, classes) -> 0 … 1. Never falls when a cluster is split, so scores of different k are not
    comparable; empty clusters cast no vote. ValueError for what is no table of counts, and for an
    empty one.
    """
    table = _counts(table)
    return float(table.max(axis=1).sum() / table.sum())


def matching_accuracy(table) -> float:
    """The share that is right if clusters and labels are paired off one to one, as well as can be.

    (k, classes) -> 0 … 1. With more clusters than labels the clusters without a partner count as
    wrong. Kuhn 1955's assignment problem. ValueError as in `vote_accuracy`.
    """
    table = _counts(table)
    rows, columns = linear_sum_assignment(-table)              # it minimises
    return float(table[rows, columns].sum() / table.sum())


def empty_clusters(table, share: float = .001) -> np.ndarray:
    """Numbers of the clusters (rows) that hold less than `share` of all samples.

    (k, classes) -> (m,). ValueError as in `vote_accuracy`, and for a share outside 0 … 1.
    """
    if not fits(share, least=0, most=1):
        raise ValueError(f"share = {share}: a share lies between 0 and 1")
    table = _counts(table)
    return np.flatnonzero(table.sum(axis=1) < share * table.sum())


def _counts(table):
    """table as an array (k, classes) of counts; ValueError for what is none, or holds no sample."""
    table = as_numbers(table, "table")                  # in bytes -table would be no negative
    if table.ndim != 2 or table.min(initial=0) < 0 or not table.sum() > 0:
        raise ValueError(f"a table (k, classes) of counts, 0 or more and not all 0, not "
                         f"{np.array2string(table, threshold=6)} of shape {table.shape}")
    return table


def _as_given(x, what: str) -> np.ndarray:
    """x as an array of its own kind; ValueError for what makes none."""
    as_numbers(x, what, finite=False)
    return np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)


# -- two classical clusterings -------------------------------------------------------------------


def kmeans(x, k: int, tries: int = 10, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Centres (k, d) and the number of the nearest one (n,), for points x (n, d).

    The least Σ |x - centre|² of several `tries`. Every try starts from k spread points of x
    (k-means++) and alternates: nearest centre, mean of those near it. Arthur & Vassilvitskii 2007.
    ValueError for k < 2 and for fewer than k different points: a cluster would stay empty.
    """
    check_count("tries", tries, most=10_000)
    check_count("seed", seed, least=0)
    x = _enough_points(x, k)
    least = np.inf
    for rng in np.random.default_rng(seed).spawn(tries):
        centres, clusters = kmeans2(x, k, iter=100, minit="++", rng=rng)
        squares = np.square(x - centres[clusters]).sum()
        if squares < least:
            least, found = squares, (centres, clusters)
    return found


class GaussianMixture(NamedTuple):
    """shares q(y) (k,), centres (k, d) and covariances (k, d, d) of k Normals."""

    shares: np.ndarray
    centres: np.ndarray
    covariances: np.ndarray

    def log_joint(self, x) -> np.ndarray:
        """log q(y) + log q(x | y) in nats: (n, d) -> (n, k).

        Its softmax are the responsibilities, its argmax the clusters.
        """
        x, d = as_numbers(x, "x"), len(self.centres[0])
        if x.ndim != 2 or x.shape[1] != d:
            raise ValueError(f"points of shape {x.shape} for clusters of {d} numbers: (n, {d})")
        columns = []
        for share, mean, covariance in zip(*self):
            # C = L Lᵀ: (x - m)ᵀ C⁻¹ (x - m) = |L⁻¹ (x - m)|², and log det C / 2 = Σ log diag L
            try:
                L = np.linalg.cholesky(covariance)
            except np.linalg.LinAlgError as error:
                raise ValueError("a cluster has shrunk to a point or a plane, and has no density: "
                                 "take a floor above 0") from error
            square = np.square(solve_triangular(L, (x - mean).T, lower=True)).sum(0)      # (n,)
            half_log_det = np.log(np.diag(L)).sum()
            columns.append(np.log(share) - square / 2 - half_log_det
                           - x.shape[1] / 2 * np.log(2 * np.pi))
        return np.stack(columns, 1)                                               # (n, k)


def gaussian_mixture(x, k: int, steps: int = 100, floor: float = 1e-3,
                     seed: int = 0) -> GaussianMixture:
    """A mixture of k Normals for points x (n, d), by expectation maximisation (EM).

    Starts from the clusters of `kmeans` and alternates responsibilities r_y(x) = q(y) q(x | y) / Σ
    with the weighted shares, means and covariances, until a step gains less than 1e-4 nats a point
    or `steps` are done. `floor` times the mean variance of x is added to every variance, so that no
    cluster shrinks to a point.
    Dempster, Laird, Rubin 1977. ValueError as in `kmeans`, for floor < 0, for no steps, and where
    without a floor a cluster shrinks to a point.
    """
    check_count("steps", steps, most=MANY)
    if not fits(floor, least=0):
        raise ValueError(f"floor = {floor}: a share of the variance, 0 or more")
    x, floor = _enough_points(x, k), float(floor)
    r = np.eye(k)[kmeans(x, k, seed=seed)[1]]                  # (n, k): all or nothing at first
    # Without a floor the likelihood has no maximum: a Normal on a single point grows without end
    # as its variance goes to 0
    extra = floor * x.var(0).mean() * np.eye(x.shape[1])                          # (d, d)
    nats = -np.inf
    for _ in range(steps):
        mass = r.sum(0) + 1e-9                                 # (k,), above 0 if one is empty
        centres = r.T @ x / mass[:, None]                                         # (k, d)
        covariances = [(weight * (x - centre).T) @ (x - centre) / total + extra
                       for weight, centre, total in zip(r.T, centres, mass)]      # k times (d, d)
        found = GaussianMixture(mass / mass.sum(), centres, np.array(covariances))
        log_joint = found.log_joint(x)                                            # (n, k)
        log_density = logsumexp(log_joint, 1)                                     # (n,)
        r = np.exp(log_joint - log_density[:, None])
        before, nats = nats, log_density.mean()
        if nats - before < 1e-4:
            break
    return found


def _enough_points(x, k: int) -> np.ndarray:
    """x as float64 (n, d), checked to hold k ≥ 2 different points."""
    x = as_numbers(x, "x")
    if not fits(k, least=2, whole=True):
        raise ValueError(f"k={k}: one cluster says nothing; take two or more")
    # the first points nearly always suffice, and sorting all of them takes long
    enough = x.ndim == 2 and (len(np.unique(x[:max(10 * k, 1000)], axis=0)) >= k
                              or len(np.unique(x, axis=0)) >= k)
    if not enough:
        raise ValueError(f"{k} clusters need {k} different points (n, d), or one stays empty; "
                         f"these are {x.shape}: take fewer clusters")
    reach = np.ptp(x, axis=0).max()
    if not 1e-140 < reach < 1e140:
        raise ValueError(f"points that lie {reach:g} apart at most: the squares of their distances "
                         "leave the range of floats; rescale them")
    return x
