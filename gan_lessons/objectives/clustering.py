"""One-step clustering: a variational autoencoder whose prior is a mixture of K Normal components.

The responsibilities of a latent code say which components it may be from, and these are the
clusters. Derived in notebooks/19_clustering.ipynb. Su 2018, a post; Jiang et al. 2017,
arXiv 1611.05148 (VaDE).

Players: e encoder, d decoder, h the mixture prior, and in one variant a, a network that predicts
p(y | z). Distributions: p(x) data, p(z | x) encoder, p(y | z) responsibilities, q(y) q(z | y) the
prior, component by component, q(x | z) decoder.
"""
from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from ..exact.checks import as_numbers, check_count, check_flag, check_room, fits
from ..game import Game, Move, check_samples, check_tensors, in_full, one_format
from ..players.networks import check_labels
from .variational import draw_code, gaussian_code, gaussian_nll


class GaussianMixturePrior(nn.Module):
    """A mixture of K Normals, prior of the codes: h(z) = log q(y) + log q(z | y), in nats.

    (n, k) -> (n, K), a number for each component.
    q(z | y) = N(μ_y, I) and q(y) = 1/K, with centres μ_y (K, k) that are learnt. Learnt besides:
    widths: log s_y (K, k), the logarithm of a deviation for each component and axis.
    shares: the logits (K,) of q(y).
    tilts: T_y, the strict lower triangle of `tilt` (K, k, k). With |(1 + T_y) (z - μ_y)/s_y|² in
        the exponent any covariance can be had, a full one too; 1 + T_y has determinant 1.
    sd: deviation of the first centres. ValueError for K < 2, and for codes of another size.
    Jiang et al. 2017, arXiv 1611.05148; lesson 19.
    """

    def __init__(self, K: int, k: int, widths: bool = False, shares: bool = False,
                 tilts: bool = False, sd: float = 1.0, seed: int = 4):
        super().__init__()
        if not fits(K, least=2, whole=True):
            raise ValueError(f"K={K}: a clustering takes two components or more; "
                             "with one, play vae()")
        check_count("k", k, why="it is how many numbers a code has")
        check_room("tilts", K, k, k)
        check_flag(widths=widths, shares=shares, tilts=tilts)
        check_count("seed", seed, least=0)
        if not fits(sd, least=0):
            raise ValueError(f"sd = {sd}: the deviation of the first centres is 0 or more")
        rng = torch.Generator().manual_seed(seed)
        self.centres = nn.Parameter(sd * torch.randn(K, k, generator=rng))
        self.log_s = nn.Parameter(torch.zeros(K, k), requires_grad=widths)
        self.log_q = nn.Parameter(torch.zeros(K), requires_grad=shares)
        self.tilt = nn.Parameter(torch.zeros(K, k, k), requires_grad=tilts)
        self.tilted = tilts

    def forward(self, z: Tensor) -> Tensor:
        check_tensors(z=z)
        K, k = self.centres.shape
        if z.dim() != 2 or z.shape[1] != k:
            raise ValueError(f"codes of shape {tuple(z.shape)} for components of {k} numbers: "
                             "build GaussianMixturePrior(K, k) with k the numbers of a code")
        with one_format(self, z):
            u = (z[:, None] - self.centres) * (-self.log_s).exp()            # (n, K, k)
            if self.tilted:
                u = u + torch.einsum("nyj,yij->nyi", u, self.tilt.tril(-1))  # determinant 1
            normal = -u.square().sum(2) / 2 - self.log_s.sum(1) - k / 2 * math.log(2 * math.pi)
            return self.log_q.log_softmax(0) + normal                        # (n, K)

    @torch.no_grad()
    def start(self, centres, covariances=None, shares=None) -> GaussianMixturePrior:
        """The same prior, moved to what a clustering of codes found. Returns itself.

        centres (K, k), covariances (K, k, k), shares (K,): tensors or arrays. Without `tilts` only
        the diagonals of the covariances are taken. ValueError for centres of another shape, and
        for what is not finite.
        """
        if tuple(getattr(centres, "shape", ())) != tuple(self.centres.shape):
            raise ValueError(f"centres of shape {np.shape(centres)} for components of shape "
                             f"{tuple(self.centres.shape)}")
        for name, part in dict(centres=centres, covariances=covariances, shares=shares).items():
            if part is not None:
                as_numbers(part, name)
        K, k = self.centres.shape
        if covariances is not None and np.shape(covariances) != (K, k, k):
            raise ValueError(f"covariances of shape {np.shape(covariances)}, not {(K, k, k)}")
        if shares is not None and not (np.shape(shares) == (K,) and (as_numbers(shares) > 0).all()):
            raise ValueError(f"shares = {shares}: {K} numbers above 0")
        self.centres.copy_(torch.as_tensor(centres))
        if covariances is not None:
            C = torch.as_tensor(covariances)
            if not self.tilted:
                C = torch.diag_embed(C.diagonal(dim1=1, dim2=2))
            # C = L Lᵀ: L⁻¹ (z - μ) is standard Normal, and is (1 + T) (z - μ)/s for the s on the
            # diagonal of L, because multiplying the columns of L⁻¹ by s makes its diagonal 1
            root = torch.linalg.cholesky(C)
            s = root.diagonal(dim1=1, dim2=2)                                # (K, k)
            self.log_s.copy_(s.log())
            self.tilt.copy_(torch.linalg.inv(root) * s[:, None] - torch.eye(s.shape[1]).to(s))
        if shares is not None:
            self.log_q.copy_(torch.as_tensor(shares).log())
        return self

    @torch.no_grad()
    def draw(self, y: Tensor) -> Tensor:
        """A code from component y for each y, with torch's generator: (n,) int64 -> (n, k).

        ValueError for labels that are none of the K.
        """
        check_labels(y, y, len(self.centres))
        u = torch.randn_like(self.centres[y])
        T = self.tilt.tril(-1) + torch.eye(u.shape[1]).to(u)                 # (K, k, k)
        u = torch.linalg.solve_triangular(T[y], u[:, :, None], upper=False, unitriangular=True)
        return self.centres[y] + self.log_s[y].exp() * u[:, :, 0]


def responsibilities(log_joint: Tensor) -> Tensor:
    """r_y = q(y) q(z | y) / Σ q(y) q(z | y), from the logarithms h(z) of the summands.

    (n, K) -> (n, K). ValueError for other shapes. Lesson 19.
    """
    _check_table(log_joint)
    return in_full(log_joint, "log_joint").softmax(1)


def mixture_kl(log_joint: Tensor, log_r: Tensor) -> Tensor:
    """Σ_y r_y [-log q(z | y)] + KL(r ‖ q(y)) = Σ_y r_y log(r_y / q(y) q(z | y)), in nats.

    (n, K), (n, K) -> (n,). At least -log Σ_y q(y) q(z | y), and equal to it where r are the
    responsibilities. Takes log r, because r may underflow; where it is 0, log r = -∞, it adds 0.
    ValueError for other shapes. Lesson 19.
    """
    _check_table(log_joint, log_r)
    log_joint, log_r = in_full(log_joint, "log_joint"), in_full(log_r, "log_r")
    apart = (log_r - log_joint).masked_fill(log_r == -math.inf, 0)
    return (log_r.exp() * apart).sum(1)


def _check_table(table: Tensor, *others: Tensor):
    """ValueError unless all are (n, K), of one shape, with n and K of 1 or more."""
    check_tensors(table=table, **{f"table {i}": other for i, other in enumerate(others, 2)})
    if table.dim() != 2 or not table.numel() or any(t.shape != table.shape for t in others):
        shapes = ", ".join(str(tuple(t.shape)) for t in (table, *others))
        raise ValueError(f"a number for each of n codes and K components, (n, K), not {shapes}")


def usage_kl(r: Tensor) -> Tensor:
    """KL(p(y) ‖ 1/K), p(y) the mean of the rows of r, in nats: (n, K) -> ().

    0 where all components are used equally. ValueError for other shapes, and rows that do not sum
    to 1. Lesson 19.
    """
    _check_table(r)
    r = in_full(r, "r")
    # on an accelerator nobody waits for the sums
    if r.device.type == "cpu" and (r.sum(1) - 1).abs().max() > 1e-2:
        raise ValueError("rows of r sum to 1, as responsibilities do, not to "
                         f"{r.sum(1)[0]:g}: divide each by its sum")
    mean = r.mean(0).clamp_min(1e-30)                    # an unused component counts 0, not NaN
    return math.log(r.shape[1]) + (mean * mean.log()).sum()


def clustering(
    beta: float = 1.0, sd: float = 1.0, balance: float = 0.0, answers: bool = False
) -> Game:
    """A VAE with a mixture for a prior, all three trained at once. The loss of "e d h" is

    E [-log q(x | z) + beta · (log p(z | x) + mixture_kl(h(z), log r))] + balance · usage_kl(r)

    with z ~ p(z | x). e: (n, ...) -> (n, 2k), means and log deviations; d: (n, k) -> (n, ...) with
    noise sd, in units of x; h: `GaussianMixturePrior(K, k)`.
    r are the exact responsibilities; with `answers` they are a(z).softmax, of a fourth player
    a: (n, k) -> (n, K). E log p(z | x) is taken in closed form. beta = 1, balance = 0: minus the
    joint evidence bound, in nats.
    The prior refuses K < 2; ValueError for beta < 0, balance < 0 or sd ≤ 0.
    Su 2018; Jiang et al. 2017, arXiv 1611.05148; lesson 19.
    """
    check_flag(answers=answers)
    if not (fits(beta, least=0) and fits(balance, least=0) and fits(sd, above=0)):
        raise ValueError(f"beta = {beta}, balance = {balance}, sd = {sd}: the two weights are 0 "
                         "or more, the deviation of a pixel above 0")

    def loss(e, d, h, x, log_r_of):
        m, log_s = gaussian_code(e, x)
        z = draw_code(m, log_s)
        log_joint = h(z)
        if log_joint.dim() != 2:
            raise ValueError(f"h gives {tuple(log_joint.shape)} for {len(z)} codes, and log q(z, y)"
                             " of every component, (n, K), is needed: take GaussianMixturePrior(K,"
                             " k)")
        log_r = log_r_of(z, log_joint)
        sharpness = -(log_s + .5 * math.log(2 * math.pi * math.e)).sum(1)    # E log p(z | x)
        rate = sharpness + mixture_kl(log_joint, log_r)
        bound = (gaussian_nll(x, d(z), sd) + beta * rate).mean()
        return bound + (balance * usage_kl(log_r.exp()) if balance else 0)

    def with_responsibilities(e, d, h, x):
        return loss(e, d, h, x, lambda z, log_joint: log_joint.log_softmax(1))

    def with_answers(e, d, h, a, x):
        return loss(e, d, h, x, lambda z, log_joint: a(z).log_softmax(1))

    if answers:
        return Game([Move("e d h a", with_answers)])
    return Game([Move("e d h", with_responsibilities)])


@torch.no_grad()
def restart_empty(
    prior: GaussianMixturePrior, codes: Tensor, share: float = .01
) -> list[int]:
    """The cure of empty components: one that owns less than `share` of the codes (n, k) is moved.

    A component owns the codes that it is most responsible for. The moved one goes to that code of
    the fullest component which the prior finds least likely, and takes the fullest one's shape and
    half of its q(y). Returns the numbers of those moved; train on, with a new optimiser.
    ValueError for codes that are not finite and a share outside 0 … 1. Lesson 19.
    """
    check_samples(codes=codes)
    if not isinstance(prior, GaussianMixturePrior):
        raise TypeError(f"prior is a GaussianMixturePrior, not {type(prior).__name__}")
    if not fits(share, least=0, most=1):
        raise ValueError(f"share = {share}: a share of the codes lies between 0 and 1")
    if not codes.is_floating_point():
        raise ValueError(f"codes of {codes.dtype}: floating-point numbers (n, k)")
    if not (len(codes) and codes.isfinite().all()):
        raise ValueError("codes hold nan or inf, or there is none: no component owns them")
    moved = []
    for y in range(len(prior.centres)):
        log_joint = prior(codes)                         # again: the one before may have moved
        owner = log_joint.argmax(1)
        counts = owner.bincount(minlength=len(prior.centres))
        if counts[y] < share * len(codes):
            full = counts.argmax()
            nll = torch.where(owner == full, -log_joint.logsumexp(1), -torch.inf)
            prior.centres[y] = codes[nll.argmax()]
            prior.log_s[y] = prior.log_s[full]
            prior.tilt[y] = prior.tilt[full]
            prior.log_q[full] -= math.log(2)
            prior.log_q[y] = prior.log_q[full]
            moved.append(y)
    return moved
