"""One-step clustering: a variational autoencoder with K hats for a prior, and notes that say which hat they may be from.

Derived in notebooks/19_clustering.ipynb. Su 2018, a post; Jiang et al. 2017, arXiv 1611.05148 (VaDE).

Players: e encoder, d decoder, h the hats, and in one variant a, who answers p(y | z). Laws: p(x) data, p(z | x)
encoder, p(y | z) responsibilities, q(y) q(z | y) hats, q(x | z) decoder.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..game import Game, Move
from .variational import draw_code, gaussian_code, gaussian_nll


class GaussianMixturePrior(nn.Module):
    """K Normal laws of notes: h(z) = log q(y) + log q(z | y) in nats, (n, k) -> (n, K).

    The centres μ_y (K, k) are learnt. With `widths` so are the logarithms of deviations log_s (K, k), with `shares` the
    logits log_q (K,) of q(y), with `tilts` what makes any covariance of them: |(1 + T_y) (z - μ_y)/s_y|² in the exponent, T_y
    the lower triangle of tilt (K, k, k). Without, q(z | y) = N(μ_y, I) and q(y) = 1/K. ValueError for K < 2.
    """

    def __init__(self, K: int, k: int, widths: bool = False, shares: bool = False, tilts: bool = False, sd: float = 1.0,
                 seed: int = 4):
        super().__init__()
        if K < 2:
            raise ValueError(f"K={K}: a clustering takes two hats or more; with one hat, play vae()")
        self.centres = nn.Parameter(sd * torch.randn(K, k, generator=torch.Generator().manual_seed(seed)))
        self.log_s = nn.Parameter(torch.zeros(K, k), requires_grad=widths)
        self.log_q = nn.Parameter(torch.zeros(K), requires_grad=shares)
        self.tilt = nn.Parameter(torch.zeros(K, k, k), requires_grad=tilts)
        self.tilted = tilts

    def forward(self, z: Tensor) -> Tensor:
        if z.dim() != 2 or z.shape[1] != self.centres.shape[1]:
            raise ValueError(f"notes of shape {tuple(z.shape)} for hats of {self.centres.shape[1]} numbers: build Hats(K, k) "
                             "with k the numbers of a note")
        u = (z[:, None] - self.centres) * (-self.log_s).exp()
        if self.tilted:
            u = u + torch.einsum("nyj,yij->nyi", u, self.tilt.tril(-1))                # determinant 1
        normal = -u.square().sum(2) / 2 - self.log_s.sum(1) - z.shape[1] / 2 * math.log(2 * math.pi)
        return self.log_q.log_softmax(0) + normal

    @torch.no_grad()
    def start(self, centres, covariances=None, shares=None) -> GaussianMixturePrior:
        """The same hats, moved to centres (K, k), covariances (K, k, k) and shares (K,) that a clustering of notes found.

        Without `tilts` only the diagonals of the covariances are taken. Returns itself.
        """
        if tuple(centres.shape) != tuple(self.centres.shape):
            raise ValueError(f"centres of shape {tuple(centres.shape)} for hats of shape {tuple(self.centres.shape)}")
        self.centres.copy_(torch.as_tensor(centres))
        if covariances is not None:
            C = torch.as_tensor(covariances)
            C = C if self.tilted else torch.diag_embed(C.diagonal(dim1=1, dim2=2))
            root = torch.linalg.cholesky(C)
            s = root.diagonal(dim1=1, dim2=2)
            self.log_s.copy_(s.log())
            self.tilt.copy_(torch.linalg.inv(root) * s[:, None] - torch.eye(s.shape[1]).to(s))
        if shares is not None:
            self.log_q.copy_(torch.as_tensor(shares).log())
        return self

    @torch.no_grad()
    def draw(self, y: Tensor) -> Tensor:
        """A note from hat y for each y, with torch's generator: (n,) int64 -> (n, k)."""
        u = torch.randn_like(self.centres[y])
        T = self.tilt.tril(-1) + torch.eye(u.shape[1]).to(u)
        u = torch.linalg.solve_triangular(T[y], u[:, :, None], upper=False, unitriangular=True)[:, :, 0]
        return self.centres[y] + self.log_s[y].exp() * u


def responsibilities(log_joint: Tensor) -> Tensor:
    """r_y = q(y) q(z | y) / Σ q(y) q(z | y), from the logarithms h(z) of the summands: (n, K) -> (n, K)."""
    return log_joint.softmax(1)


def mixture_kl(log_joint: Tensor, log_r: Tensor) -> Tensor:
    """Σ_y r_y [-log q(z | y)] + KL(r ‖ q(y)) = Σ_y r_y log(r_y / q(y) q(z | y)), in nats: (n, K), (n, K) -> (n,).

    At least -log Σ_y q(y) q(z | y), and equal to it where r are the responsibilities. Takes log r: r may underflow.
    """
    return (log_r.exp() * (log_r - log_joint)).sum(1)


def usage_kl(r: Tensor) -> Tensor:
    """KL(p(y) ‖ 1/K), p(y) the mean of the rows of r, in nats: (n, K) -> (). 0 where all hats are used equally."""
    mean = r.mean(0).clamp_min(1e-30)
    return math.log(r.shape[1]) + (mean * mean.log()).sum()


def clustering(beta: float = 1.0, sd: float = 1.0, balance: float = 0.0, answers: bool = False) -> Game:
    """e d h   E [-log q(x | z) + beta · (log p(z | x) + hat_price(h(z), log r))] + balance · usage_kl(r),  z ~ p(z | x)

    e: (n, ...) -> (n, 2k), means and log deviations; d: (n, k) -> (n, ...) with noise sd; h: `Hats(K, k)`. r are the exact
    responsibilities; with `answers` they are a(z).softmax, of a fourth player a: (n, k) -> (n, K). E log p(z | x) is
    taken in closed form. beta = 1, balance = 0: minus the joint evidence bound, in nats. `Hats` refuses K < 2;
    ValueError for beta < 0, balance < 0 or sd ≤ 0. Su 2018; Jiang et al. 2017, arXiv 1611.05148; lesson 19.
    """
    if not (beta >= 0 and balance >= 0 and sd > 0):
        raise ValueError(f"beta = {beta}, balance = {balance}, sd = {sd}: the two weights are 0 or more, the deviation of a "
                         "pixel above 0")

    def loss(e, d, h, x, log_r_of):
        m, log_s = gaussian_code(e, x)
        z = draw_code(m, log_s)
        log_joint = h(z)
        log_r = log_r_of(z, log_joint)
        sharpness = -(log_s + .5 * math.log(2 * math.pi * math.e)).sum(1)              # E log p(z | x)
        rate = sharpness + mixture_kl(log_joint, log_r)
        return (gaussian_nll(x, d(z), sd) + beta * rate).mean() + (balance * usage_kl(log_r.exp()) if balance else 0)

    def with_responsibilities(e, d, h, x):
        return loss(e, d, h, x, lambda z, log_joint: log_joint.log_softmax(1))

    def with_answers(e, d, h, a, x):
        return loss(e, d, h, x, lambda z, log_joint: a(z).log_softmax(1))

    return Game([Move("e d h a", with_answers) if answers else Move("e d h", with_responsibilities)])


@torch.no_grad()
def restart_empty(hats: GaussianMixturePrior, notes: Tensor, share: float = .01) -> list[int]:
    """The cure of empty hats: one that owns less than `share` of the notes (n, k) goes to the worst priced note of the fullest.

    A hat owns the notes that it is most responsible for. The moved hat takes the fullest one's shape and half of its
    q(y). Returns the numbers of the hats moved; train on, with a new optimiser.
    """
    moved = []
    for y in range(len(hats.centres)):
        log_joint = hats(notes)
        counts = log_joint.argmax(1).bincount(minlength=len(hats.centres))
        if counts[y] < share * len(notes):
            full = counts.argmax()
            priced = torch.where(log_joint.argmax(1) == full, -log_joint.logsumexp(1), -torch.inf)
            hats.centres[y], hats.log_s[y], hats.tilt[y] = notes[priced.argmax()], hats.log_s[full], hats.tilt[full]
            hats.log_q[y] = hats.log_q[full] = hats.log_q[full] - math.log(2)
            moved.append(y)
    return moved
