"""Adversarial autoencoders: a critic of latent codes takes the place of each sample's KL.

Samples of the prior are real to it, codes are fake. Makhzani et al. 2015, arXiv 1511.05644.
Derived in notebooks/15_adversarial_autoencoder.ipynb.

Players: e encoder, d decoder, f critic of the code z, f_y critic of the class code.
Laws, in the letters of the course: p(z | x) encoder, p(z) = E_x p(z | x) aggregate, q(z) prior,
which is the z of a batch: `batches(images, z=Normal(dim=2))`. sp is softplus, CE cross-entropy.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot, pad

from ..exact.checks import check_count, check_room, fits
from ..game import (
    Game,
    Move,
    both,
    check_player,
    check_takes,
    check_tensors,
    in_full,
    softplus,
)
from ..players.networks import check_labels
from .variational import draw_code, gaussian_code

# -- three kinds of codes --------------------------------------------------------------------------

def deterministic(e, x: Tensor) -> Tensor:
    """z = e(x): (n, ...) -> (n, k). All that is random is which x came. Lesson 15."""
    return e(x)


def gaussian(e, x: Tensor) -> Tensor:
    """z = m(x) + s(x) ε, ε ~ N(0, I): an encoder of 2k numbers gives codes (n, k). Lesson 15."""
    return draw_code(*gaussian_code(e, x))


def universal(noise: int = 10):
    """z = e(x, η), η ~ N(0, I): the law of a code may have any shape. Lesson 15.

    e takes the numbers of x and `noise` random ones, (n, size + noise) -> (n, k).
    ValueError for noise < 1.
    """
    if not fits(noise, least=1, whole=True):
        raise ValueError(f"noise={noise}: a universal code needs one random number or more; "
                         "with none it is `deterministic`")

    def code(e, x):
        x = x.flatten(1)                                                     # (n, size)
        eta = torch.randn(len(x), noise, dtype=x.dtype, device=x.device)
        return e(torch.cat([x, eta], 1))
    return code


# -- what every variant is made of -----------------------------------------------------------------

def squares(x: Tensor, mean: Tensor) -> Tensor:
    """The mean of (x - mean)² over samples and numbers: (n, ...), (n, ...) -> ().

    ValueError for shapes that differ.
    """
    check_tensors(x=x, mean=mean)
    if x.shape != mean.shape:
        raise ValueError(f"the decoder makes {tuple(mean.shape)} of {tuple(x.shape)}: "
                         "choose one for samples of that shape")
    return (in_full(x, "samples") - in_full(mean, "what the decoder makes")).square().mean()


def code_loss(f, z: Tensor, code: Tensor) -> Tensor:
    """E sp(-f(z)) + E sp(f(code)), the critic's loss: prior (n, k) is real, codes (m, k) are fake.

    ValueError for codes and prior of different sizes.
    """
    check_tensors(z=z, code=code)
    if z.shape[1:] != code.shape[1:]:
        raise ValueError(f"codes of shape {tuple(code.shape[1:])} under a prior of shape "
                         f"{tuple(z.shape[1:])}: set z=Normal(dim=...) in batches(...) to the "
                         "size of a code, or the encoder's outputs to the prior's")
    real, fake = both(f, z, code)
    return softplus(-real).mean() + softplus(fake).mean()


def fooled(f, code: Tensor) -> Tensor:
    """E sp(-f(code)), what an encoder minimises to fool the critic: (n, k) -> ()."""
    check_player("f", f)
    check_tensors(code=code)
    return softplus(-in_full(f(code))).mean()


# -- one code --------------------------------------------------------------------------------------

def adversarial_autoencoder(code=deterministic, joint: float | None = None) -> Game:
    """A round in separate phases, or, with a weight `joint`, a common step for e and d.

    e d   E |x - d(z)|² per number,  z = code(e, x)          [+ joint · E sp(-f(z))]
    f     E_prior sp(-f(z)) + E_x sp(f(code(e, x)))
    e     E sp(-f(code(e, x)))                               [not with `joint`]

    code: deterministic, gaussian or universal(noise). e: (n, ...) -> (n, k), d: (n, k) -> (n, ...),
    f: (n, k) -> (n,). ValueError for a weight that is not above 0.
    Makhzani et al. 2015, arXiv 1511.05644; lesson 15.
    """
    if joint is not None and not fits(joint, above=0):
        raise ValueError(f"joint = {joint}: the weight of the fooling term is above 0; "
                         "None plays separate phases")
    code = _coded(code)

    def reconstruction(e, d, x):
        return squares(x, d(code(e, x)))

    def code_critic(f, e, x, z):
        return code_loss(f, z, code(e, x))

    def fool_the_critic(e, f, x):
        return fooled(f, code(e, x))

    def joint_step(e, d, f, x):
        z = code(e, x)
        return squares(x, d(z)) + joint * fooled(f, z)

    if joint is not None:
        return Game([Move("e d", joint_step), Move("f", code_critic)])
    return Game([Move("e d", reconstruction), Move("f", code_critic), Move("e", fool_the_critic)])


def _coded(code):
    """`code`, whose codes are looked at; TypeError for what is no function of e and x."""
    check_takes("code", code, 2, "e and x, as deterministic, gaussian or universal(10)")

    def coded(e, x):
        z = code(e, x)
        check_tensors(**{"what code gives": z})
        return z
    return coded


def supervised_style(code=deterministic) -> Game:
    """The decoder is told the label, so that the code keeps what the label does not say: the style.

    e d   E |x - d(code(e, x), y)|² per number; f and e as in `adversarial_autoencoder`

    d as Concatenated(...): (n, k), (n,) -> (n, ...). Makhzani et al. 2015, arXiv 1511.05644;
    lesson 15.
    """
    code = _coded(code)

    def reconstruction(e, d, x, y):
        return squares(x, d(code(e, x), y))
    return Game([Move("e d", reconstruction), *adversarial_autoencoder(code).moves[1:]])


# -- labels for the code critic --------------------------------------------------------------------

def tied(prior, y: Tensor, classes: int) -> Tensor:
    """Samples of the part of the prior that belongs to each label: (n,) int64 -> (n, k).

    prior: `Ring`, `Grid` or `SwissRoll`, whose mixture components are shared out among the classes
    in their order, equally many each. Drawn with torch's generator.
    ValueError for a prior without components, where they cannot be shared out, and for labels that
    are none of the classes. Lesson 15.
    """
    _check_two_or_more(classes)
    check_labels(y, y, classes)
    if not hasattr(prior, "centres"):
        raise ValueError(f"{prior!r} has no mixture components to tie labels to: "
                         f"take Ring(modes={classes}), Grid or SwissRoll")
    share, left = divmod(len(prior.centres), classes)
    if left or not share:
        raise ValueError(f"{len(prior.centres)} mixture components cannot be shared out among "
                         f"{classes} classes: Ring(modes={classes})")
    centres = torch.as_tensor(prior.centres, dtype=torch.float32, device=y.device)
    # Label y owns components y · share … (y + 1) · share - 1: one of them, for each sample
    at = centres[y * share + torch.randint(share, y.shape, device=y.device)]
    return at + prior.sd * torch.randn_like(at)


def label_informed(prior, classes: int = 10) -> Game:
    """The critic f(z, y) is told the label, or "unlabelled", an extra class of number `classes`.

    e d   E |u - d(e(u))|² per number, u all pictures
    f     E sp(-f(z_y, y)) + E sp(f(e(x), y)),  z_y from the part of the prior tied to y,
          + the same for z, e(u) and "unlabelled"
    e     E sp(-f(e(x), y)) + E sp(-f(e(u), "unlabelled"))

    f: Concatenated(mlp_critic(k + classes + 1), classes + 1).
    batches(few_labels(...), z=prior, unlabelled=images)
    ValueError for fewer than 2 classes. Makhzani et al. 2015, arXiv 1511.05644; lesson 15.
    """
    with torch.random.fork_rng(devices=[]):
        tied(prior, torch.zeros(1, dtype=torch.int64), classes)      # refuses what it cannot tie

    def unlabelled(y):
        return torch.full_like(y, classes)

    def reconstruction(e, d, u):
        return squares(u, d(e(u)))

    def code_critic(f, e, x, y, u, z):
        told = code_loss(lambda code: f(code, y), tied(prior, y, classes).to(z), e(x))
        return told + code_loss(lambda code: f(code, unlabelled(y)), z, e(u))

    def fool_the_critic(e, f, x, y, u):
        told = fooled(lambda code: f(code, y), e(x))
        return told + fooled(lambda code: f(code, unlabelled(y)), e(u))

    return Game([Move("e d", reconstruction), Move("f", code_critic), Move("e", fool_the_critic)])


# -- two codes: class and style --------------------------------------------------------------------

def _check_two_or_more(classes: int):
    if not fits(classes, least=2, whole=True):
        raise ValueError(f"classes={classes}: labels and clusters tell apart two or more; "
                         "without any, play adversarial_autoencoder()")


def split_code(numbers: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Class logits (n, classes) and style (n, k) of an encoder's (n, classes + k) numbers.

    ValueError for fewer than 2 classes, or where no number is left for the style. Lesson 15.
    """
    check_tensors(numbers=numbers)
    _check_two_or_more(classes)
    if numbers.dim() != 2 or numbers.shape[1] <= classes:
        raise ValueError(f"{tuple(numbers.shape)} numbers do not split into {classes} class logits "
                         f"and a style: build the encoder with outputs={classes} + k, k the size "
                         "of the style and of its prior")
    return numbers[:, :classes], numbers[:, classes:]


def class_and_style(
    e, x: Tensor, classes: int, noise: float = 0.0, shift: int = 0
) -> tuple[Tensor, Tensor]:
    """The two codes of x: class logits (n, classes), whose softmax is the class code, style (n, k).

    With `noise`, e sees x + noise · ε, ε ~ N(0, I): the simplest universal code. With `shift`, it
    sees every picture (n, c, h, w) moved by up to so many pixels each way. ValueError as in
    `split_code`, for noise < 0, and for a shift that is no whole number from 0. Lesson 15.
    """
    check_player("e", e)
    check_tensors(x=x)
    if not fits(noise, least=0):
        raise ValueError(f"noise = {noise}: the deviation of noise is 0 or more")
    if not fits(shift, least=0, whole=True):
        raise ValueError(f"shift = {shift}: pictures are moved by a whole number of pixels, 0 or "
                         "more")
    if noise or shift:
        x = in_full(x, "samples")
    if shift:
        x = _moved(x, shift)
    return split_code(e(x + noise * torch.randn_like(x) if noise else x), classes)


def _moved(x: Tensor, shift: int) -> Tensor:
    """Each picture moved by up to `shift` pixels up or down, left or right: (n, c, h, w) -> same.

    What comes in at the border is white, -1. ValueError for what are no pictures.
    """
    if x.dim() != 4:
        raise ValueError(f"shift = {shift} moves pictures (n, c, h, w), and these samples are "
                         f"{tuple(x.shape)}: shift=0")
    n, _, h, w = x.shape
    wide = pad(x, (shift,) * 4, value=-1.0)                    # (n, c, h + 2 shift, w + 2 shift)
    down, right = torch.randint(2 * shift + 1, (2, n, 1), device=x.device)
    rows = down + torch.arange(h, device=x.device)                                      # (n, h)
    columns = right + torch.arange(w, device=x.device)                                  # (n, w)
    sample = torch.arange(n, device=x.device)[:, None, None]
    return wide[sample, :, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)


def random_classes(like: Tensor) -> Tensor:
    """Labels of the uniform prior, one-hot, as many as `like` has rows: (n, K) -> (n, K).

    ValueError for other shapes.
    """
    check_tensors(like=like)
    if like.dim() != 2 or not like.numel():
        raise ValueError(f"class shares are (n, K) with n and K of 1 or more, not "
                         f"{tuple(like.shape)}")
    n, K = like.shape
    return one_hot(torch.randint(K, (n,), device=like.device), K).to(like)


def imbalance(shares: Tensor) -> Tensor:
    """KL of the batch's mean class shares from uniform, log K - H(mean), in nats: (n, K) -> ().

    0 if all classes are used equally. ValueError for what is no (n, K) with n ≥ 1. Lesson 15.
    """
    check_tensors(shares=shares)
    if shares.dim() != 2:
        raise ValueError(f"class shares are (n, K), not {tuple(shares.shape)}")
    mean = in_full(shares, "class shares").mean(0)
    return math.log(len(mean)) - torch.special.entr(mean).sum()


def clustering_autoencoder(
    classes: int, balance: float = 0.0, apart: float = 0.0, noise: float = 0.0, shift: int = 0,
    joint: float | None = None, class_weight: float = 1.0
) -> Game:
    """No labels at all: a class code and a style code, each with a prior and a critic of its own.

    e d       E |u - d([class, style])|² per number    [+ crowding(d.heads, apart), if apart > 0]
    f f_y     code critics: style against z, class against random one-hot labels
              (two players, one pass of e)
    e         E sp(-f(style)) + class_weight · E sp(-f_y(class))
              [+ balance · imbalance(class shares)]

    balance: the remedy for empty clusters. apart: wants d = ClusterHeadDecoder(...).
    noise, shift: what e sees is u + noise · ε, moved by up to `shift` pixels each way.
    joint: a weight: e and d minimise the first loss + joint · the third in one step, before f f_y.
    batches(images, z=Normal(dim=k), unlabelled=images).
    ValueError for classes < 2, for weights below 0, for joint = 0, and for a decoder without heads
    to keep apart. Makhzani et al. 2015, arXiv 1511.05644; lesson 15.
    """
    return _two_codes(False, classes, balance, apart, noise, shift, joint, class_weight)


def semi_supervised_autoencoder(
    classes: int = 10, balance: float = 0.0, apart: float = 0.0, noise: float = 0.0,
    shift: int = 0, joint: float | None = None, class_weight: float = 1.0
) -> Game:
    """`clustering_autoencoder` on all pictures u, and a last phase on the few with labels.

    e   CE(class logits of x, y)

    With `joint` it is no phase of its own: joint · CE is added to the common step of e and d, and
    e sees x and u as one batch.
    batches(few_labels(images, 1000, ledger=ledger), z=Normal(dim=k), unlabelled=images)
    ValueError as there. Makhzani et al. 2015, arXiv 1511.05644; lesson 15.
    """
    return _two_codes(True, classes, balance, apart, noise, shift, joint, class_weight)


def _two_codes(labelled, classes, balance, apart, noise, shift, joint, class_weight) -> Game:
    """The game of class and style, with a few labels or none, in phases or with a joint step."""
    _check_two_or_more(classes)
    if not all(fits(weight, least=0) for weight in (balance, apart, noise, class_weight)):
        raise ValueError(f"balance = {balance}, apart = {apart}, noise = {noise}, "
                         f"class_weight = {class_weight}: all are 0 or more")
    if not fits(shift, least=0, whole=True):
        raise ValueError(f"shift = {shift}: a whole number of pixels, 0 or more")
    if joint is not None and not fits(joint, above=0):
        raise ValueError(f"joint = {joint}: the weight of all but the reconstruction is above 0; "
                         "None plays separate phases")

    def codes(e, u):
        a, style = class_and_style(e, u, classes, noise, shift)
        return a.softmax(1), style

    def redrawn(d, u, shares, style):
        error = squares(u, d(torch.cat([shares, style], 1)))
        if not apart:
            return error
        if not hasattr(d, "heads"):
            raise ValueError(f"apart = {apart} keeps heads apart, and this decoder has none: "
                             f"d=ClusterHeadDecoder(decoder, {classes}, k)")
        return error + crowding(d.heads, apart)

    def both_fooled(f, f_y, shares, style):
        loss = fooled(f, style) + class_weight * fooled(f_y, shares)
        return loss + balance * imbalance(shares) if balance else loss

    def reconstruction(e, d, u):
        return redrawn(d, u, *codes(e, u))

    def code_critics(f, f_y, e, u, z):
        shares, style = codes(e, u)
        return code_loss(f, z, style) + code_loss(f_y, random_classes(shares), shares)

    def fool_the_critics(e, f, f_y, u):
        return both_fooled(f, f_y, *codes(e, u))

    def label_loss(e, x, y):
        return cross_entropy(class_and_style(e, x, classes, noise, shift)[0], y)

    def joint_step(e, d, f, f_y, u):
        shares, style = codes(e, u)
        return redrawn(d, u, shares, style) + joint * both_fooled(f, f_y, shares, style)

    def joint_step_with_labels(e, d, f, f_y, x, y, u):
        a, style = class_and_style(e, torch.cat([x, u]), classes, noise, shift)
        named, shares, style = cross_entropy(a[:len(x)], y), a[len(x):].softmax(1), style[len(x):]
        return (redrawn(d, u, shares, style)
                + joint * (both_fooled(f, f_y, shares, style) + named))

    critics = Move("f f_y", code_critics)
    if joint is not None:
        return Game([Move("e d", joint_step_with_labels if labelled else joint_step), critics])
    phases = [Move("e d", reconstruction), critics, Move("e", fool_the_critics)]
    return Game(phases + [Move("e", label_loss)] * labelled)


class ClusterHeadDecoder(nn.Module):
    """A decoder of one code: (n, classes + k) -> what `net` makes of class shares @ heads + style.

    heads: (classes, k), learnt with the decoder: where each cluster has its place.
    ValueError for fewer than two classes, and for codes of another length.
    Makhzani et al. 2015, arXiv 1511.05644; lesson 15.
    """

    def __init__(self, net: nn.Module, classes: int, k: int = 2, seed: int = 4):
        super().__init__()
        _check_two_or_more(classes)
        check_count("k", k, why="the numbers of a style")
        check_room("heads", classes, k)
        check_count("seed", seed, least=0)
        check_player("net", net)
        self.net = net
        self.count = classes       # not `classes`, by which a network says that it takes labels
        self.k = k
        rng = torch.Generator().manual_seed(seed)
        self.heads = nn.Parameter(3 * torch.randn(classes, k, generator=rng))

    def place(self, code: Tensor) -> Tensor:
        """The points that `net` decodes: (n, classes + k) -> (n, k)."""
        check_tensors(code=code)
        if code.dim() != 2 or code.shape[1] != self.count + self.k:
            raise ValueError(f"codes of {code.shape[-1]} numbers for {self.count} heads and a "
                             f"style of {self.k}: the encoder needs outputs="
                             f"{self.count} + {self.k}")
        return code[:, :self.count] @ self.heads + code[:, self.count:]

    def forward(self, code: Tensor) -> Tensor:
        return self.net(self.place(code))


def crowding(heads: Tensor, apart: float) -> Tensor:
    """Mean over pairs of max(0, apart - distance): heads nearer than `apart` are pushed away.

    (K, k) -> (). ValueError for fewer than two heads, and for apart < 0. Lesson 15.
    """
    check_tensors(heads=heads)
    heads = in_full(heads, "heads")
    if heads.dim() != 2 or len(heads) < 2 or not fits(apart, least=0):
        raise ValueError(f"heads {tuple(heads.shape)}, apart = {apart}: two heads or more, (K, k), "
                         "are kept apart by 0 or more")
    i, j = torch.triu_indices(len(heads), len(heads), 1)                     # every pair once
    return torch.relu(apart - (heads[i] - heads[j]).norm(dim=1)).mean()
