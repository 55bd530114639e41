"""Numbers that are none, kind by kind and function by function: a refusal by name, or the right
value.

REFUSED, RIGHT and NOTHING_TO_BREAK together name every public function of the wings below, so a new
one stands in the table or fails here. A refusal counts only if our own code raises it, without a
warning, and if it names what was wrong.
"""
import importlib
import itertools
import math
import pathlib
import pkgutil
import re
import traceback
import warnings

import numpy as np
import pytest
import torch
from helpers import itself
from torch import nn

import gan_lessons
from gan_lessons import Game, Images, Mixture, Normal, Uniform, batches, game
from gan_lessons.exact import (
    checks,
    clustering,
    conditional,
    convergence,
    divergences,
    f_table,
    infomax,
    information,
    laws,
    least_squares,
    lipschitz,
    loss_sensitive,
    minimax,
    mmd,
    particles,
    quadrature,
    relativistic,
    sinkhorn,
    transport,
    variational,
    wasserstein_divergence,
)
from gan_lessons.exact import conditional_loss_sensitive as exact_cls
from gan_lessons.exact import generalised_loss_sensitive as capped
from gan_lessons.measures import classifier, frechet, metrics, prediction, probes
from gan_lessons.objectives import adversarial_autoencoder as aae
from gan_lessons.objectives import clustering as games_clustering
from gan_lessons.objectives import conditional as games_conditional
from gan_lessons.objectives import f_gan, f_vae, own_divergence, semi_supervised, wasserstein
from gan_lessons.objectives import infomax as bounds
from gan_lessons.objectives import least_squares as games_squares
from gan_lessons.objectives import loss_sensitive as games_ls
from gan_lessons.objectives import minimax as games_minimax
from gan_lessons.objectives import mmd as games_mmd
from gan_lessons.objectives import particles as games_particles
from gan_lessons.objectives import relativistic as games_relativistic
from gan_lessons.objectives import variational as vae
from gan_lessons.objectives import wasserstein_divergence as games_div
from gan_lessons.players import (
    encoders,
    flow_decoder,
    flows,
    fourier,
    image_networks,
    marginals,
    networks,
    penalties,
    spectral,
)

NAN, INF = math.nan, math.inf
P, Q = Normal(0, 1), Normal(3, 1)
PLANE, CUBE = Normal(dim=2), Uniform(0, 1, dim=2)
PAIRS, OTHERS = Mixture([P, Q]), Mixture([Q, P])
RNG = np.random.default_rng(0)
T = torch.tensor
HALVES = (torch.float16, torch.bfloat16)


class Vague(laws.Law):
    """A law of one's own with a hole: its density is NaN above `hole`."""

    def __init__(self, hole=1.0):
        self.hole = hole

    def logpdf(self, x):
        return np.where(np.asarray(x) > self.hole, np.nan, P.logpdf(x))

    def cdf(self, x):
        return np.where(np.asarray(x) > self.hole, np.nan, P.cdf(x))

    score, sf, edges = P.score, P.sf, P.edges

    def sample(self, n, rng):
        return np.full((n, 1), np.nan)


class Heavy(laws.Law):
    """Twice a Normal: no density."""

    cdf, sf, score, edges, sample = P.cdf, P.sf, P.score, P.edges, P.sample

    def logpdf(self, x):
        return P.logpdf(x) + math.log(2)


class Fewer(laws.Law):
    """A law that gives one sample less than it was asked for."""

    logpdf = P.logpdf

    def sample(self, n, rng):
        return rng.standard_normal((n - 1, 1))


class Deviation(nn.Module):
    """A score that the spread of the whole batch moves, as minibatch-deviation layers do."""

    def __init__(self, detached=False):
        super().__init__()
        self.layer, self.detached = nn.Linear(2, 1), detached

    def forward(self, x):
        spread = x.std(0).mean()
        return self.layer(x)[:, 0] + (spread.detach() if self.detached else spread)


class Tripled(nn.Linear):
    """A linear layer with a forward of its own."""

    def forward(self, x):
        return 3 * super().forward(x)


class Shortcut(nn.Module):
    """x + act(x), the act in place where it says so: what it changes is the shortcut, too."""

    def __init__(self, act):
        super().__init__()
        self.first, self.act = nn.Linear(2, 3), act

    def forward(self, x):
        h = self.first(x)
        return (self.act(h) + 2 * h).sum(1)


def net(*layers):
    torch.manual_seed(0)
    return nn.Sequential(*[layer() for layer in layers], nn.Flatten(0))


def grey():
    return torch.zeros(3, 1, 2, 2, dtype=torch.uint8)


def statless():
    return net(lambda: nn.Linear(2, 3), lambda: nn.BatchNorm1d(3, track_running_stats=False),
               lambda: nn.Linear(3, 1)).eval()


def linear(*rows, **kind):
    layer = nn.Linear(len(rows[0]), len(rows), bias=False, **kind)
    layer.weight.data = T(rows, dtype=layer.weight.dtype)
    return layer


def conv(mode, stride=1):
    torch.manual_seed(1)
    return nn.Conv2d(1, 2, 3, stride, padding=1, padding_mode=mode, bias=False)


def points(n=6, d=2):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(4))


def images(*labels, n=2, **more):
    return Images(torch.zeros(n, 1, 28, 28, dtype=torch.uint8), *labels, **more)


def loss(a_game, player, score, fake=None, **batch):
    """The loss of one player where scores are given as samples."""
    given = dict(f=itself, l=itself, g=itself, x=score, z=score if fake is None else fake, **batch)
    move = next(m for m in a_game.moves if m.player == player)
    return move.loss(**{name: given[name] for name in move.needs})


def formats(network):
    with game.one_format(network, torch.ones(3, 2).double()):
        network(torch.ones(3, 2).double())


def plus(value):
    """Both scores (4,) with one of them `value`."""
    return T([.5, -1., value, 2.])


def ones(n=6):
    return torch.ones(n, dtype=torch.int64)


def Ring2():
    return laws.Ring(2)


def zeroed(network):
    for weight in network.parameters():
        nn.init.zeros_(weight)
    return network


def linear_vae(**parts):
    usual = dict(covariance=np.eye(2), encoder=[[1., 0.]], noise=[.5], decoder=[[1.], [0.]], sd=1.)
    return variational.LinearVAE(**{name: part if name == "sd" else np.asarray(part)
                                    for name, part in (usual | parts).items()})


TABLES = dict(p=np.full((2, 2), .25), q=np.full((2, 2), .25))
CODES = T([[0., 1.], [1., 0.], [2., 2.]])

# function -> [(kind, act, what the message names)]
REFUSED = {
    # -- laws
    "exact.laws.Normal": [
        ("nan", lambda: Normal(NAN), "mean"), ("nan", lambda: Normal(0, NAN), "sd"),
        ("inf", lambda: Normal(INF), "mean"), ("inf", lambda: Normal(0, INF), "sd"),
        ("zero", lambda: Normal(0, 0), "sd"), ("negative", lambda: Normal(dim=-3), "dim"),
        ("zero", lambda: Normal(dim=0), "dim"), ("dtype", lambda: Normal(dim=2.5), "dim"),
        ("dtype", lambda: Normal("a"), "mean"), ("dtype", lambda: Normal(1j), "mean"),
        ("dtype", lambda: Normal(0, None), "sd"), ("dtype", lambda: Normal(0, True), "sd"),
        ("empty", lambda: Normal([]), "dim"), ("rank", lambda: Normal(np.zeros((2, 2))), "shape"),
        ("rank", lambda: Normal(0, [1., 2.]), "sd"),
        ("magnitude", lambda: Normal(0, 1e-200), "sd"),
        ("magnitude", lambda: Normal(1e17, 1), "mean 1e"),
        ("rank", lambda: PLANE.logpdf(np.zeros(5)), r"\(..., 2\)"),
        ("rank", lambda: PLANE.cdf(0.), "cdf"), ("rank", lambda: PLANE.edges(), "edges"),
        ("negative", lambda: P.sample(-1, RNG), "n = -1"),
        ("dtype", lambda: P.sample(2.5, RNG), "n = 2.5"),
        ("dtype", lambda: P.sample(2, None), "rng")],
    "exact.laws.Uniform": [
        ("nan", lambda: Uniform(NAN, 1), "nan"), ("inf", lambda: Uniform(0, INF), "inf"),
        ("zero", lambda: Uniform(1, 1), "low < high"), ("zero", lambda: Uniform(dim=0), "dim"),
        ("magnitude", lambda: Uniform(-1e308, 1e308), "low < high"),
        ("magnitude", lambda: Uniform(1e17, 1e17 + 64), "1e10"),
        ("rank", lambda: CUBE.logpdf(0.), r"\(..., 2\)"), ("rank", lambda: CUBE.sf(0.), "sf")],
    "exact.laws.Mixture": [
        ("inf", lambda: Mixture([P, Q], [INF, 1]), "weights"),
        ("nan", lambda: Mixture([P, Q], [NAN, 1]), "weights"),
        ("zero", lambda: Mixture([P, Q], [0, 0]), "weights"),
        ("magnitude", lambda: Mixture([P, Q], [1e308, 1e308]), "weights"),
        ("dtype", lambda: Mixture([P, Q], ["a", "b"]), "weights"),
        ("empty", lambda: Mixture([]), "at least one"), ("dtype", lambda: Mixture([1.]), "no law"),
        ("rank", lambda: Mixture([PLANE]).score(np.zeros((3, 2))), "score"),
        ("dtype", lambda: PAIRS.sample(1.5, RNG), "n = 1.5")],
    "exact.laws.Ring": [
        ("dtype", lambda: laws.Ring(2.5), "modes"), ("zero", lambda: laws.Ring(0), "modes"),
        ("nan", lambda: laws.Ring(radius=NAN), "radius"), ("nan", lambda: laws.Ring(sd=NAN), "sd"),
        ("negative", lambda: laws.Ring(radius=-1), "radius"),
        ("rank", lambda: laws.Ring().logpdf(np.zeros((4, 1))), r"\(..., 2\)")],
    "exact.laws.Grid": [
        ("negative", lambda: laws.Grid(-2), "side"), ("zero", lambda: laws.Grid(spacing=0), "spac"),
        ("inf", lambda: laws.Grid(spacing=INF), "spacing")],
    "exact.laws.SwissRoll": [
        ("nan", lambda: laws.SwissRoll(NAN), "turns"), ("zero", lambda: laws.SwissRoll(spots=0),
                                                        "spots"),
        ("inf", lambda: laws.SwissRoll(radius=INF), "radius")],
    "exact.laws.Moons": [
        ("dtype", lambda: laws.Moons(spots=1.5), "spots"),
        ("zero", lambda: laws.Moons(0), "radius"),
        ("nan", lambda: laws.Moons(sd=NAN), "sd")],
    # -- integrals and divergences
    "exact.quadrature.on_the_line": [
        ("rank", lambda: quadrature.on_the_line(p=PLANE), "p = Normal"),
        ("dtype", lambda: quadrature.on_the_line(q=[1., 2.]), r"q = \[")],
    "exact.quadrature.nodes": [
        ("nan", lambda: quadrature.nodes([0, NAN]), "edges"),
        ("empty", lambda: quadrature.nodes([]), "edges"),
        ("rank", lambda: quadrature.nodes(np.eye(2)), "edges"),
        ("zero", lambda: quadrature.nodes([0, 1], 0), "order")],
    "exact.quadrature.expectation": [
        ("rank", lambda: quadrature.expectation(PLANE, np.square), "dim=2"),
        ("nan", lambda: quadrature.expectation(Vague(), np.square), "nan at"),
        ("nan", lambda: quadrature.expectation(P, np.sqrt), "h is nan at x = -"),
        ("magnitude", lambda: quadrature.expectation(P, np.square, [0, 9]), "integrates to 0.5"),
        ("rank", lambda: quadrature.expectation(P, lambda x: x[:, None]), "shape")],
    "exact.quadrature.check_whole": [
        ("magnitude", lambda: quadrature.check_whole(P, Heavy()), "Heavy integrates to 2 ")],
    "exact.quadrature.masses": [("nan", lambda: quadrature.masses(Vague()), "nan")],
    "exact.quadrature.panels": [("rank", lambda: quadrature.panels(P, PLANE), "q = Normal")],
    "exact.quadrature.sign_changes": [
        ("nan", lambda: quadrature.sign_changes(lambda x: x * NAN, np.arange(3.)), "nan")],
    "exact.quadrature.bisect": [
        ("inf", lambda: quadrature.bisect(lambda x: x < 0, [-INF], [1.]), "low"),
        ("nan", lambda: quadrature.bisect(lambda x: x < 0, [0.], [NAN]), "high")],
    **{f"exact.divergences.{name}": [
        ("rank", lambda f=getattr(divergences, name): f(PLANE, PLANE), "p = Normal"),
        ("rank", lambda f=getattr(divergences, name): f(P, Ring2()), "q = Ring"),
        ("nan", lambda f=getattr(divergences, name): f(Vague(), P), "nan"),
        ("dtype", lambda f=getattr(divergences, name): f(P, 3.), "q = 3")]
       for name in ("kl", "reverse_kl", "js", "kl_slope", "reverse_kl_slope", "js_slope")},
    "exact.divergences.refuse_jumps": [
        ("edges", lambda: divergences.refuse_jumps(q=CUBE), "q = Uniform")],
    "exact.f_divergences.FDivergence": [
        ("magnitude", lambda: f_table.f_divergence("KL")(Heavy(), P), "Heavy integrates to 2 "),
        ("magnitude", lambda: divergences.kl(Heavy(), P), "Heavy integrates to 2 "),
        ("magnitude", lambda: divergences.js(Heavy(), P), "Heavy integrates to 2 "),
        ("magnitude", lambda: transport.wasserstein_1(P, Heavy()), "Heavy integrates to 2 "),
        ("rank", lambda: f_table.f_divergence("KL")(PLANE, PLANE), "p = Normal"),
        ("nan", lambda: f_table.f_divergence("KL")(P, Vague(-60)), "nan"),
        ("nan", lambda: f_table.f_divergence("JS").slope(P, Vague(-60)), "nan"),
        ("rank", lambda: f_table.f_divergence("JS").dual(P, PLANE), "q = Normal"),
        ("dtype", lambda: f_table.f_divergence("JS").dual(P, Q, np.sin, v=np.sin), "give one")],
    "exact.f_table.f_divergence": [
        ("nan", lambda: f_table.f_divergence("alpha", alpha=NAN), "alpha"),
        ("inf", lambda: f_table.f_divergence("alpha", alpha=INF), "alpha"),
        ("zero", lambda: f_table.f_divergence("alpha", alpha=1e-12), "alpha = 1e-12"),
        ("dtype", lambda: f_table.f_divergence("alpha", alpha="2"), "alpha"),
        ("magnitude", lambda: f_table.f_divergence("alpha", alpha=1 + 1e-12), "KL"),
        ("magnitude", lambda: f_table.f_divergence("alpha", alpha=1e16), "1e4"),
        ("magnitude", lambda: f_table.f_divergence("JS-weighted", pi=1e-300), "pi"),
        ("nan", lambda: f_table.f_divergence("JS-weighted", pi=NAN), "pi"),
        ("dtype", lambda: f_table.f_divergence(None), "None")],
    # -- information
    "exact.information.table": [
        ("nan", lambda: information.table([NAN, 1]), "p"), ("empty", lambda: information.table([]),
                                                            "p"),
        ("dtype", lambda: information.table([1j, 1]), "p"),
        ("dtype", lambda: information.table(["a"]), "p"),
        ("negative", lambda: information.table([-1, 2]), "0 or more")],
    "exact.information.normalised_rows": [
        ("nan", lambda: information.normalised_rows([[NAN, 1]], 0), "mass"),
        ("inf", lambda: information.normalised_rows([[INF, 1]], 0), "mass"),
        ("negative", lambda: information.normalised_rows([[-1., 2]], 0), "0 or more")],
    "exact.information.entropy": [("inf", lambda: information.entropy([INF, 0]), "probabilities")],
    "exact.information.discrete_kl": [
        ("nan", lambda: information.discrete_kl([.5, .5], [NAN, .5]), "q is"),
        ("rank", lambda: information.discrete_kl([1.], [.5, .5]), "shape")],
    "exact.information.mutual_information": [
        ("rank", lambda: information.mutual_information([.5, .5]), "shape"),
        ("nan", lambda: information.mutual_information([[NAN, 1]]), "joint")],
    "exact.information.gaussian_information": [
        ("nan", lambda: information.gaussian_information(NAN), "correlation"),
        ("dtype", lambda: information.gaussian_information("a"), "rho")],
    "exact.information.gaussian_kl": [
        ("nan", lambda: information.gaussian_kl(NAN, 1), "mean"),
        ("inf", lambda: information.gaussian_kl(0, INF), "covariance"),
        ("negative", lambda: information.gaussian_kl(0, -1), "covariance"),
        ("zero", lambda: information.gaussian_kl(0, 1, 0, 0), "singular"),
        ("empty", lambda: information.gaussian_kl([], np.zeros((0, 0))), "fit"),
        ("magnitude", lambda: information.gaussian_kl([0, 0], [[1e-10, 9e-11], [0, 1e-10]]),
         "symmetric")],
    # -- transport
    "exact.transport.plan": [
        ("nan", lambda: transport.plan([NAN, 1], [1.], np.ones((2, 1))), "p holds"),
        ("nan", lambda: transport.plan([1.], [1.], [[NAN]]), "cost"),
        ("dtype", lambda: transport.plan([1.], [1.], [["a"]]), "cost"),
        ("negative", lambda: transport.plan([-1, 2.], [1.], np.ones((2, 1))), "p holds"),
        ("empty", lambda: transport.plan([], [1.], np.ones((0, 1))), "p has")],
    "exact.transport.potential_critic": [
        ("nan", lambda: transport.potential_critic([0.], [NAN]), "h"),
        ("inf", lambda: transport.potential_critic([INF], [0.]), "points"),
        ("rank", lambda: transport.potential_critic([0.], [0.])(np.zeros((3, 2))), "numbers"),
        ("empty", lambda: transport.potential_critic([], []), "points")],
    "exact.transport.projected_bound": [
        ("nan", lambda: transport.projected_bound([[NAN]], [[1.]], [[0, 0]]), "p"),
        ("negative", lambda: transport.projected_bound([[2, -1]], [[.5, .5]], np.eye(2)), "p is"),
        ("zero", lambda: transport.projected_bound([[1.]], [[1.]], [[0, 0]], 0), "directions")],
    "exact.transport.earth_mover": [
        ("nan", lambda: transport.earth_mover([NAN], [1]), "nan"),
        ("nan", lambda: transport.earth_mover([0], [1], power=NAN), "power"),
        ("inf", lambda: transport.earth_mover([0], [1], power=INF), "power"),
        ("empty", lambda: transport.earth_mover([], [1]), "shape"),
        ("rank", lambda: transport.earth_mover([[0]], [1]), "shape"),
        ("dtype", lambda: transport.earth_mover(["a"], [1]), "points"),
        ("magnitude", lambda: transport.earth_mover([-1e308], [1e308]), "rescale")],
    "exact.transport.monotone_plan": [
        ("inf", lambda: transport.monotone_plan([INF], [1]), "inf"),
        ("rank", lambda: transport.monotone_plan([[0, 1]], [1]), "shape")],
    "exact.transport.cdf_difference": [
        ("rank", lambda: transport.cdf_difference(P, PLANE), "q = Normal"),
        ("dtype", lambda: transport.cdf_difference([0, 1], P), r"p = \[")],
    "exact.transport.pieces": [("nan", lambda: transport.pieces(P, Vague()), "nan")],
    "exact.transport.wasserstein_1": [
        ("nan", lambda: transport.wasserstein_1(P, Vague()), "nan"),
        ("rank", lambda: transport.wasserstein_1(PLANE, PLANE), "distribution function")],
    "exact.transport.wasserstein_1_slope": [
        ("nan", lambda: transport.wasserstein_1_slope(Vague(), P), "nan")],
    "exact.transport.best_critic": [
        ("dtype", lambda: transport.best_critic(P, None), "q = None")],
    "exact.transport.normal_w1": [
        ("rank", lambda: transport.normal_w1(PLANE, PLANE), "dimensions"),
        ("dtype", lambda: transport.normal_w1(P, CUBE), "two Normals")],
    "exact.transport.normal_w2": [("rank", lambda: transport.normal_w2(P, PLANE), "two Normals")],
    # -- best critics
    "exact.minimax.gan_value": [("rank", lambda: minimax.gan_value(PLANE, P), "p = Normal")],
    "exact.minimax.generator_gradient": [
        ("dtype", lambda: minimax.generator_gradient(P, Q, None), "loss"),
        ("nan", lambda: minimax.generator_gradient(P, Vague()), "nan")],
    "exact.least_squares.least_squares_critic": [
        ("nan", lambda: least_squares.least_squares_critic(P, Q, fake=NAN), "fake")],
    "exact.least_squares.triangular": [
        ("rank", lambda: least_squares.triangular(P, PLANE), "q = Normal")],
    "exact.least_squares.triangular_slope": [
        ("rank", lambda: least_squares.triangular_slope(P, PLANE), "q = Normal")],
    "exact.least_squares.least_squares_value": [
        ("inf", lambda: least_squares.least_squares_value(P, Q, target=INF), "target")],
    "exact.least_squares.least_squares_gradient": [
        ("dtype", lambda: least_squares.least_squares_gradient(P, Q, real="1"), "real")],
    "exact.lipschitz.own_density": [
        ("dtype", lambda: lipschitz.own_density(3, P, Q), "where"),
        ("dtype", lambda: lipschitz.own_density(lambda p, q: 3, P, Q), "gives 3"),
        ("nan", lambda: lipschitz.own_density(lambda p, q: lambda x: x * NAN, P, Q)(np.ones(2)),
         "below 0, or nan"),
        ("rank", lambda: lipschitz.own_density(lambda p, q: np.ravel, P, Q)(np.ones((2, 2))),
         "gives a density of shape")],
    "exact.lipschitz.segment_density": [
        ("magnitude", lambda: lipschitz.segment_density(P, Normal(1e9))(0.), "sds apart"),
        ("rank", lambda: lipschitz.segment_density(P, PLANE), "q = Normal"),
        ("dtype", lambda: lipschitz.segment_density(P, Uniform()), "Normals")],
    "exact.lipschitz.sample_density": [
        ("rank", lambda: lipschitz.sample_density(PLANE, P), "p = Normal")],
    "exact.lipschitz.penalised_slope": [
        ("nan", lambda: lipschitz.penalised_slope(P, Q, NAN), "weight"),
        ("negative", lambda: lipschitz.penalised_slope(
            P, Q, where=lambda p, q: lambda x: x - 9)(np.zeros(2)), "where")],
    "exact.lipschitz.penalised_gap": [
        ("zero", lambda: lipschitz.penalised_gap(P, Q, 0), "weight"),
        ("nan", lambda: lipschitz.penalised_gap(P, Q, where=lambda p, q: lambda x: x * NAN),
         "where"),
        ("dtype", lambda: lipschitz.penalised_gap(P, Q, None), "weight")],
    "exact.wasserstein_divergence.linear_divergence": [
        ("nan", lambda: wasserstein_divergence.linear_divergence(NAN), "distance"),
        ("inf", lambda: wasserstein_divergence.linear_divergence(1, INF), "k = inf")],
    **{f"exact.wasserstein_divergence.{name}": [
        ("nan", lambda f=getattr(wasserstein_divergence, name): f(P, Q, NAN), "k = nan"),
        ("inf", lambda f=getattr(wasserstein_divergence, name): f(P, Q, 2, INF), "p = inf")]
       for name in ("divergence_slope", "divergence", "divergence_gradient")},
    "exact.wasserstein_divergence.check": [
        ("dtype", lambda: wasserstein_divergence.check("2", 6), "k = 2"),
        ("zero", lambda: wasserstein_divergence.check(0, 6), "k = 0")],
    "exact.generalised_loss_sensitive.capped_transport": [
        ("nan", lambda: capped.capped_transport([NAN, 1], [.5, .5], np.ones((2, 2)), 0), "p"),
        ("inf", lambda: capped.capped_transport([.5, .5], [.5, .5], np.ones((2, 2)), -INF), "nu"),
        ("nan", lambda: capped.capped_transport([.5, .5], [.5, .5], np.full((2, 2), NAN), 0),
         "distance"),
        ("rank", lambda: capped.capped_transport([.5, .5], [.5, .5], np.ones((2, 3)), 0),
         "distance"),
        ("negative", lambda: capped.capped_transport([-1, 2], [.5, .5], np.ones((2, 2)), 0), "p"),
        ("empty", lambda: capped.capped_transport([], [], np.ones((0, 0)), 0), "p")],
    **{f"exact.relativistic.{name}": [
        ("rank", lambda f=getattr(relativistic, name): f(PLANE, P), "p = Normal"),
        ("nan", lambda f=getattr(relativistic, name): f(P, Vague()), "nan")]
       for name in ("pairwise_value", "product_js", "rsgan_gradient", "ralsgan_critic",
                    "ralsgan_value", "ralsgan_gradient")},
    "exact.relativistic.average_value": [
        ("rank", lambda: relativistic.average_value(P, PLANE, np.sin), "q = Normal")],
    # -- samples
    "exact.loss_sensitive.svm": [
        ("nan", lambda: loss_sensitive.svm([[NAN], [1]], [1, -1]), "x"),
        ("nan", lambda: loss_sensitive.svm([[0], [1]], [1, NAN]), "labels"),
        ("nan", lambda: loss_sensitive.svm([[0], [1]], [1, -1], NAN), "C = nan"),
        ("repeated", lambda: loss_sensitive.svm([[0], [0]], [1, -1]), "separates"),
        ("rank", lambda: loss_sensitive.svm([0, 1], [1, -1]), "labels")],
    "exact.loss_sensitive.distances": [
        ("nan", lambda: loss_sensitive.distances([NAN], [0]), "samples"),
        ("rank", lambda: loss_sensitive.distances([0, 1], np.zeros((2, 3))), "one size"),
        ("nan", lambda: loss_sensitive.distances([0], [0], NAN), "p = nan"),
        ("negative", lambda: loss_sensitive.distances([0], [0], -1), "p = -1"),
        ("empty", lambda: loss_sensitive.distances([], [0]), "samples")],
    "exact.loss_sensitive.best_loss": [
        ("inf", lambda: loss_sensitive.best_loss([0, INF], [1]), "samples"),
        ("nan", lambda: loss_sensitive.best_loss([0], [1], weight=NAN), "weight"),
        ("nan", lambda: loss_sensitive.best_loss([0], [1], kappa=NAN), "kappa"),
        ("nan", lambda: loss_sensitive.best_loss([0], [1], mass=[NAN]), "masses"),
        ("nan", lambda: loss_sensitive.best_loss(
            [0], [1], margin=lambda x, y: x * y.T * NAN), "margin"),
        ("rank", lambda: loss_sensitive.best_loss([0, 1], [1], margin=lambda x, y: x[:, 0]),
         "margin"),
        ("rank", lambda: loss_sensitive.best_loss([0], np.ones((2, 2))), "one size"),
        ("rank", lambda: loss_sensitive.best_loss([0], [1], kappa=1).upper(np.ones((2, 2))),
         "one size")],
    "exact.conditional.within": [
        ("dtype", lambda: conditional.within(P, Q), "p = Normal"),
        ("rank", lambda: conditional.within(Mixture([PLANE]), Mixture([PLANE])), "p = Normal")],
    "exact.conditional.log_posterior": [
        ("negative", lambda: conditional.log_posterior(PAIRS, -1), "y = -1"),
        ("dtype", lambda: conditional.log_posterior(PAIRS, .5), "y = 0.5"),
        ("dtype", lambda: conditional.log_posterior(P, 0), "p = Normal")],
    "exact.conditional.label_entropy": [("dtype", lambda: conditional.label_entropy(P), "Mixture")],
    "exact.conditional.mixed": [("dtype", lambda: conditional.mixed(PAIRS, Q), "q = Normal")],
    "exact.conditional.class_loss": [
        ("rank", lambda: conditional.class_loss(PAIRS, Mixture([P])), "labels")],
    "exact.conditional.acgan_gradient": [
        ("nan", lambda: conditional.acgan_gradient(PAIRS, OTHERS, NAN), "weight"),
        ("dtype", lambda: conditional.acgan_gradient(PAIRS, Mixture([Uniform(), P])), "Normals")],
    "exact.conditional.acgan_rest": [
        ("inf", lambda: conditional.acgan_rest(PAIRS, INF), "weight"),
        ("dtype", lambda: conditional.acgan_rest(P), "p = Normal"),
        ("rank", lambda: conditional.acgan_rest(PAIRS, 1, Mixture([P])), "labels")],
    "exact.conditional_loss_sensitive.asked_weights": [
        ("nan", lambda: exact_cls.asked_weights([NAN, 1], [0, 1]), "p"),
        ("nan", lambda: exact_cls.asked_weights([0, 1], [0, 1], NAN), "weight"),
        ("empty", lambda: exact_cls.asked_weights([], []), "tables")],
    "exact.conditional_loss_sensitive.asked_posterior": [
        ("inf", lambda: exact_cls.asked_posterior([0, 1], [INF, 1]), "q")],
    "exact.conditional_loss_sensitive.best_class_loss": [
        ("nan", lambda: exact_cls.best_class_loss(**TABLES, delta=np.full((2, 2), NAN)), "delta"),
        ("nan", lambda: exact_cls.best_class_loss(**TABLES, delta=np.ones((2, 2)), first=NAN),
         "first"),
        ("zero", lambda: exact_cls.best_class_loss(**TABLES, delta=np.ones((2, 2)), ceiling=.1),
         "ceiling"),
        ("rank", lambda: exact_cls.best_class_loss([.5, .5], [.5, .5], np.ones((2, 2))), "tables")],
    "exact.clustering.contingency": [
        ("dtype", lambda: clustering.contingency([0., 1.], [0, 1], 2), "whole"),
        ("nan", lambda: clustering.contingency([0, 1], [NAN, 1], 2), "whole"),
        ("empty", lambda: clustering.contingency(np.array([], int), np.array([], int), 2), "list"),
        ("dtype", lambda: clustering.contingency([0, 1], [0, 1], 2.), "k=2.0"),
        ("negative", lambda: clustering.contingency([0, -1], [0, 1], 2), "-1")],
    **{f"exact.clustering.{name}": [
        ("zero", lambda f=getattr(clustering, name): f(np.zeros((2, 2))), "table"),
        ("nan", lambda f=getattr(clustering, name): f([[NAN, 1]]), "table"),
        ("negative", lambda f=getattr(clustering, name): f([[-1, 3]]), "table"),
        ("rank", lambda f=getattr(clustering, name): f([1, 2]), "table")]
       for name in ("vote_accuracy", "matching_accuracy", "empty_clusters")},
    "exact.clustering.kmeans": [
        ("nan", lambda: clustering.kmeans([[NAN], [1.]], 2), "x"),
        ("repeated", lambda: clustering.kmeans(np.zeros((9, 2)), 2), "different"),
        ("dtype", lambda: clustering.kmeans(np.eye(3), 2.5), "k=2.5"),
        ("zero", lambda: clustering.kmeans(np.eye(3), 2, tries=0), "tries"),
        ("magnitude", lambda: clustering.kmeans(1e200 * np.eye(3), 2), "rescale"),
        ("magnitude", lambda: clustering.kmeans(1e-200 * np.eye(3), 2), "rescale")],
    "exact.clustering.GaussianMixture": [
        ("nan", lambda: clustering.gaussian_mixture(np.eye(3), 2).log_joint([[NAN] * 3]), "x"),
        ("rank", lambda: clustering.gaussian_mixture(np.eye(3), 2).log_joint(np.eye(2)), "shape")],
    "exact.clustering.gaussian_mixture": [
        ("inf", lambda: clustering.gaussian_mixture([[INF], [1.]], 2), "x"),
        ("nan", lambda: clustering.gaussian_mixture(np.eye(3), 2, floor=NAN), "floor"),
        ("zero", lambda: clustering.gaussian_mixture(np.eye(3), 2, steps=0), "steps"),
        ("repeated", lambda: clustering.gaussian_mixture(np.eye(2), 2, floor=0), "floor")],
    "exact.variational.Terms": [
        ("nan", lambda: variational.Terms(1., 1., 1., 0.).loss(NAN), "beta")],
    "exact.variational.discrete_terms": [
        ("rank", lambda: variational.discrete_terms(
            np.full((2, 2), .25), np.eye(2), [.5, .5], np.eye(2)), "p has"),
        ("nan", lambda: variational.discrete_terms(
            [.5, .5], [[NAN, 1], [0, 1]], [.5, .5], np.eye(2)), "encoder")],
    "exact.variational.best_decoder": [
        ("nan", lambda: variational.best_decoder([NAN, 1], np.eye(2)), "p is"),
        ("rank", lambda: variational.best_decoder([.5, .5], [1, 0]), "encoder")],
    "exact.variational.LinearVAE": [
        ("nan", lambda: linear_vae(decoder=[[NAN], [0]]).terms(), "decoder"),
        ("inf", lambda: linear_vae(covariance=np.diag([INF, 1])).residual(), "covariance"),
        ("nan", lambda: linear_vae(sd=NAN).evidence(), "sd"),
        ("zero", lambda: linear_vae(noise=[0.]).terms(), "noise"),
        ("rank", lambda: linear_vae(encoder=[1., 0]).aggregate(), "shapes")],
    "exact.variational.best_linear": [
        ("nan", lambda: variational.best_linear([NAN]), "variances"),
        ("dtype", lambda: variational.best_linear([1.], k=.5), "k = 0.5"),
        ("inf", lambda: variational.best_linear([1.], beta=INF), "beta"),
        ("empty", lambda: variational.best_linear([]), "variances")],
    "exact.infomax.CorrelatedNormal": [
        ("nan", lambda: infomax.CorrelatedNormal(NAN), "rho"),
        ("dtype", lambda: infomax.CorrelatedNormal(.5, 1.5), "k = 1.5"),
        ("rank", lambda: infomax.CorrelatedNormal(.5, 2).log_ratio([1.], [1.]), "last axis"),
        ("rank", lambda: infomax.CorrelatedNormal(.5).scores([1.], [1.]), r"\(n, 1\)"),
        ("negative", lambda: infomax.CorrelatedNormal(.5).pairs(-2, RNG), "n = -2"),
        ("dtype", lambda: infomax.CorrelatedNormal(.5).sample(2, 0), "rng")],
    "exact.infomax.ratio_spread": [
        ("nan", lambda: infomax.ratio_spread(NAN, 3), "information"),
        ("negative", lambda: infomax.ratio_spread(-1, 3), "information"),
        ("zero", lambda: infomax.ratio_spread(1, 0), "n = 0"),
        ("zero", lambda: infomax.ratio_spread(1, 1, shuffled=True), "n = 1")],
    "exact.infomax.copies_info_nce": [
        ("dtype", lambda: infomax.copies_info_nce(2.5, 3), "kinds"),
        ("zero", lambda: infomax.copies_info_nce(2, 0), "n = 0")],
    "exact.infomax.patch_pictures": [
        ("magnitude", lambda: infomax.patch_pictures(60), "patches"),
        ("zero", lambda: infomax.patch_pictures(0), "patches")],
    "exact.infomax.code_table": [
        ("empty", lambda: infomax.code_table(np.zeros((0, 2)), lambda x: 0), "codes"),
        ("nan", lambda: infomax.code_table(np.eye(2), lambda x: NAN), "nan"),
        ("rank", lambda: infomax.code_table(np.eye(2), lambda x: x), "codes")],
    "exact.infomax.patch_information": [
        ("rank", lambda: infomax.patch_information(np.zeros(3), lambda x: 0), "pictures"),
        ("nan", lambda: infomax.patch_information(np.full((2, 2), NAN), lambda x: 0), "pictures")],
    "exact.infomax.reconstruction_error": [
        ("nan", lambda: infomax.reconstruction_error(
            infomax.patch_pictures(2), lambda x: 0, [1, NAN]), "scale"),
        ("rank", lambda: infomax.reconstruction_error(
            infomax.patch_pictures(2), lambda x: 0, [1, 2, 3]), "scale")],
    "exact.infomax.linear_information": [
        ("zero", lambda: infomax.linear_information(np.eye(4), np.zeros((2, 2)), 1), "weights"),
        ("zero", lambda: infomax.linear_information(np.eye(4), np.eye(2), 0), "noise"),
        ("nan", lambda: infomax.linear_information(np.eye(4) * NAN, np.eye(2), 1), "covariance"),
        ("rank", lambda: infomax.linear_information(np.eye(3), np.eye(2), 1), "covariance")],
    # -- checks
    "exact.checks.check_function": [
        ("dtype", lambda: checks.check_function("h", 3.), "h = 3.0")],
    "exact.checks.as_shape": [
        ("zero", lambda: checks.as_shape((1, 0)), "shape"),
        ("dtype", lambda: checks.as_shape("ab"), "shape"),
        ("rank", lambda: checks.as_shape((), least=1), "shape")],
    "exact.checks.as_list": [
        ("count", lambda: checks.as_list("names", itertools.count()), "names: more than")],
    "exact.checks.check_count": [("dtype", lambda: checks.check_count("n", "3"), "n = '3'"),
                                 ("negative", lambda: checks.check_count("n", -1), "n = -1")],
    "exact.checks.check_flag": [("dtype", lambda: checks.check_flag(mix="no"), "mix = 'no'")],
    "exact.checks.check_room": [
        ("magnitude", lambda: checks.check_room("points", 10 ** 9, 3),
         "points of 1,000,000,000 × 3 numbers would take 24 GB")],
    "exact.checks.as_numbers": [("dtype", lambda: checks.as_numbers([1j], "z"), "z must"),
                                ("rank", lambda: checks.as_numbers([[1], [1, 2]], "z"), "z must"),
                                ("nan", lambda: checks.as_numbers(NAN, "z"), "z: nan")],
    "exact.checks.as_points": [("inf", lambda: checks.as_points([INF], "z"), "z: nan or inf")],
    "exact.checks.as_shares": [("nan", lambda: checks.as_shares([NAN], 1), "weights")],
    "exact.checks.as_masses": [("nan", lambda: checks.as_masses([NAN], "m"), "m: nan"),
                               ("zero", lambda: checks.as_masses([0.], "m"), "sum to 1")],
    # -- players
    "players.networks.Line": [("nan", lambda: networks.Line(NAN), "mean"),
                              ("inf", lambda: networks.Line(0, INF), "sd")],
    "players.networks.mlp_critic": [
        ("zero", lambda: networks.mlp_critic(0), "shape"),
        ("zero", lambda: networks.mlp_critic(2, width=0), "width"),
        ("negative", lambda: networks.mlp_critic(2, depth=-1), "depth"),
        ("zero", lambda: networks.mlp_critic(2, outputs=0), "outputs")],
    "players.networks.mlp_generator": [
        ("zero", lambda: networks.mlp_generator(0), "width"),
        ("dtype", lambda: networks.mlp_generator(2, depth=1.5), "depth")],
    **{f"players.image_networks.{name}": [
        ("zero", lambda make=make: make((0, 28, 28)), "shape"),
        ("zero", lambda make=make: make(width=0), "width"),
        ("rank", lambda make=make: make((28, 28)), "pictures are")]
       for name, make in vars(image_networks).items() if name.endswith(("_critic", "_generator"))},
    "players.image_networks.picture_shape": [
        ("zero", lambda: image_networks.picture_shape((0, 28, 28)), "shape"),
        ("magnitude", lambda: image_networks.picture_shape((1, 29, 29)), "28, 32 or 64")],
    "players.networks.output_shape": [("dtype", lambda: networks.output_shape(1.5), "outputs")],
    "players.networks.shape_of": [("dtype", lambda: networks.shape_of("ab"), "shape")],
    "players.networks.Noise": [("nan", lambda: networks.Noise(NAN), "sd"),
                               ("negative", lambda: networks.Noise(-1), "sd")],
    "players.networks.noisy": [
        ("nan", lambda: networks.noisy(networks.mlp_critic(2), NAN), "sd"),
        ("dtype", lambda: networks.noisy(nn.Linear(2, 1)), "mlp_critic")],
    "players.networks.Concatenated": [
        ("dtype", lambda: networks.Concatenated(nn.Linear(4, 1), 2)(points(), torch.ones(6)),
         "labels"),
        ("dtype", lambda: networks.Concatenated(nn.Linear(4, 1), 2)(points(), [1] * 6), "tensor"),
        ("negative", lambda: networks.Concatenated(nn.Linear(4, 1), 2)(points(), -ones()), "-1")],
    "players.networks.Projected": [
        ("zero", lambda: networks.Projected(networks.mlp_critic(2), 0), "classes"),
        ("rank", lambda: networks.Projected(networks.mlp_critic(2), 2)(points(), ones(3)),
         "labels")],
    "players.networks.check_classes": [
        ("dtype", lambda: networks.check_classes(2.), "classes"),
        ("dtype", lambda: networks.check_classes(None), "classes")],
    "players.networks.check_labels": [
        ("nan", lambda: networks.check_labels(points(), torch.full((6,), NAN), 2), "labels"),
        ("dtype", lambda: networks.check_labels(points(), torch.ones(6) * 1j, 2), "labels")],
    "players.networks.on_arrays": [
        ("layers", lambda: networks.on_arrays(nn.ReLU()), "weights"),
        ("dtype", lambda: networks.on_arrays(np.sin), "weights")],
    "players.encoders.image_encoder": [
        ("zero", lambda: encoders.image_encoder(code=0), "code"),
        ("rank", lambda: encoders.image_encoder((28, 28)), "pictures")],
    "players.encoders.linear_encoder": [
        ("zero", lambda: encoders.linear_encoder(0, 2), "patches"),
        ("nan", lambda: encoders.linear_encoder(2, 2, NAN), "noise")],
    "players.encoders.Statistics": [
        ("zero", lambda: encoders.Statistics(1, 1, 0), "code"),
        ("dtype", lambda: encoders.Statistics(1, 1.5, 1), "places")],
    "players.encoders.statistics_network": [
        ("dtype", lambda: encoders.statistics_network(nn.Linear(2, 2)), "channels"),
        ("zero", lambda: encoders.statistics_network(encoders.linear_encoder(2, 2), 0), "code")],
    "players.encoders.codes": [
        ("empty", lambda: encoders.codes(nn.Identity(), torch.zeros(0, 2)), "one picture"),
        ("zero", lambda: encoders.codes(nn.Identity(), points(), 0), "batch"),
        ("dtype", lambda: encoders.codes(nn.Identity(), np.zeros((2, 2))), "tensor")],
    "players.flows.Coupling": [
        ("inf", lambda: flows.Coupling(nn.Linear(1, 2), bound=INF), "bound"),
        ("rank", lambda: flows.Coupling(nn.Linear(1, 2))(torch.zeros(3)), "two parts"),
        ("layers", lambda: flows.Coupling(nn.Linear(1, 3))(points()), "network")],
    "players.flows.ActNorm": [
        ("empty", lambda: flows.ActNorm(2)(points()[:0]), "n ≥ 1"),
        ("repeated", lambda: flows.ActNorm(2)(points()[:1]), "constant"),
        ("repeated", lambda: flows.ActNorm(2)(torch.ones(4, 2)), "constant"),
        ("nan", lambda: flows.ActNorm(2)(points() * NAN), "nan"),
        ("inf", lambda: flows.ActNorm(2)(points() * INF), "inf"),
        ("magnitude", lambda: flows.ActNorm(2)(points() * 1e-30), "constant"),
        ("rank", lambda: flows.ActNorm(1)(points()), "1 channels"),
        ("rank", lambda: flows.ActNorm(2).inverse(torch.zeros(2)), "2 channels"),
        ("zero", lambda: flows.ActNorm(0), "channels")],
    "players.flows.Mixing": [
        ("rank", lambda: flows.Mixing(3)(points()), "3 channels"),
        ("zero", lambda: zeroed(flows.Mixing(2)).inverse(points()), "singular"),
        ("negative", lambda: flows.Mixing(-1), "channels")],
    "players.flows.Squeeze": [
        ("rank", lambda: flows.Squeeze()(points()), "tile"),
        ("rank", lambda: flows.Squeeze().inverse(torch.zeros(1, 3, 2, 2)), "fours")],
    "players.flows.Shaped": [("rank", lambda: flows.Shaped((1, 2, 2))(points()), "codes")],
    "players.flows.Flow": [("rank", lambda: flows.point_flow(2)(points(6, 3)), "channels")],
    "players.flows.point_flow": [
        ("zero", lambda: flows.point_flow(couplings=0), "couplings"),
        ("dtype", lambda: flows.point_flow(2.5), "dim=2.5")],
    "players.flows.image_flow": [
        ("zero", lambda: flows.image_flow(levels=0), "levels"),
        ("rank", lambda: flows.image_flow((28, 28)), "shape")],
    "players.flows.picture_net": [
        ("rank", lambda: flows.picture_net((1, 27, 28)), "even"),
        ("zero", lambda: flows.picture_net(times=0), "times")],
    "players.flow_decoder.FlowDecoder": [
        ("rank", lambda: flow_decoder.FlowDecoder(nn.Identity(), (1, 6, 6)), "divides"),
        ("negative", lambda: flow_decoder.FlowDecoder(nn.Identity(), couplings=-1), "couplings"),
        ("zero", lambda: flow_decoder.FlowDecoder(nn.Identity(), width=0), "width"),
        ("nan", lambda: flow_decoder.FlowDecoder(nn.Identity(), start=NAN), "start = nan"),
        ("dtype", lambda: flow_decoder.FlowDecoder(nn.Identity()).nll([1.], points()), "tensor")],
    "players.marginals.Marginals": [
        ("dtype", lambda: marginals.Marginals(torch.zeros(3, 1, 2, 2)), "bytes"),
        ("empty", lambda: marginals.Marginals(grey()[:0]), "bytes"),
        ("rank", lambda: marginals.Marginals(grey()[0]), "bytes"),
        ("zero", lambda: marginals.Marginals(grey(), smooth=0.), "smooth = 0"),
        ("nan", lambda: marginals.Marginals(grey(), smooth=NAN), "smooth = nan"),
        ("rank", lambda: marginals.Marginals(grey())(torch.zeros(1, 1, 3, 3)), "histograms of"),
        ("nan", lambda: marginals.Marginals(grey())(torch.full((1, 1, 2, 2), NAN)), "nan")],
    "players.penalties.slopes": [
        ("layers", lambda: penalties.slopes(statless(), points()), "batch norm"),
        ("layers", lambda: penalties.slopes(statless(), points(1)), "batch norm"),
        ("layers", lambda: penalties.slopes(Deviation(), points()), "another's score"),
        ("layers", lambda: penalties.slopes(Deviation(detached=True), points()), "another's score"),
        ("layers", lambda: penalties.slopes(lambda x: statless()(x), points()), "another's score"),
        ("layers", lambda: penalties.slopes(net(lambda: nn.Linear(2, 1), lambda: nn.Softmax(0)),
                                            points()), "another's score"),
        ("layers", lambda: penalties.slopes(lambda x: torch.zeros(len(x)), points()), "depend"),
        ("layers", lambda: penalties.slopes(lambda x: x.detach().sum(1), points()), "depend"),
        ("dtype", lambda: penalties.slopes(net(), torch.ones(3, 2, dtype=torch.uint8)), "uint8"),
        ("dtype", lambda: penalties.slopes(net(), [1., 2.]), "list"),
        ("empty", lambda: penalties.slopes(net(), points()[:0]), "n ≥ 1"),
        ("rank", lambda: penalties.slopes(lambda x: x, points()), "one score")],
    "players.penalties.between": [
        ("rank", lambda: penalties.between(points(), points(3)), "equal shapes"),
        ("dtype", lambda: penalties.between(ones(), ones()), "int64"),
        ("empty", lambda: penalties.between(points()[:0], points()[:0]), "one or more")],
    "players.penalties.at_both": [
        ("dtype", lambda: penalties.at_both(ones(), ones()), "int64"),
        ("rank", lambda: penalties.at_both(points(), points(6, 3)), "shape")],
    "players.penalties.at_real": [
        ("dtype", lambda: penalties.at_real([1.], points()), "x is a torch")],
    "players.penalties.at_fake": [
        ("dtype", lambda: penalties.at_fake(points(), None), "x_fake is a torch")],
    "players.penalties.at_few": [("zero", lambda: penalties.at_few(penalties.at_real, 0), "n = 0"),
                                 ("nan", lambda: penalties.at_few(penalties.at_real, NAN), "n ="),
                                 ("dtype", lambda: penalties.at_few("real", 2), "where")],
    "players.penalties.zero_centred": [
        ("zero", lambda: penalties.zero_centred(sd=0.), "sd = 0"),
        ("nan", lambda: penalties.zero_centred(sd=NAN), "sd = nan"),
        ("dtype", lambda: penalties.zero_centred("real", sd=.1), "where"),
        ("layers", lambda: penalties.zero_centred()(statless(), points(), points()), "score")],
    "players.penalties.penalised": [
        ("nan", lambda: penalties.penalised(wasserstein.hinge(), penalties.gradient_penalty, NAN),
         "weight = nan"),
        ("negative", lambda: penalties.penalised(wasserstein.hinge(), penalties.gradient_penalty,
                                                 -1.), "weight = -1"),
        ("dtype", lambda: penalties.penalised({}, penalties.gradient_penalty, 1.), "a Game"),
        ("dtype", lambda: penalties.penalised(wasserstein.hinge(), 1., 1.), "a penalty")],
    "players.penalties.power": [("nan", lambda: penalties.power(NAN), "p = nan"),
                                ("dtype", lambda: penalties.power("6"), "p = 6")],
    "players.penalties.penalty": [("dtype", lambda: penalties.penalty(None), "where"),
                                  ("dtype", lambda: penalties.penalty(ask=2.), "ask")],
    "players.penalties.gradient_penalty": [
        ("layers", lambda: penalties.gradient_penalty(statless(), points(), points()), "batch")],
    "players.penalties.lipschitz_penalty": [
        ("layers", lambda: penalties.lipschitz_penalty(Deviation(), points(), points()), "score")],
    "players.penalties.clip_weights": [("nan", lambda: penalties.clip_weights(NAN), "c = nan"),
                                       ("dtype", lambda: penalties.clip_weights(None), "c = None")],
    "players.spectral.matrix": [("layers", lambda: spectral.matrix(nn.ReLU()), "matrix")],
    "players.spectral.power_iteration": [
        ("zero", lambda: spectral.power_iteration(torch.eye(2), 0), "steps"),
        ("dtype", lambda: spectral.power_iteration(torch.eye(2), 1.5), "steps"),
        ("rank", lambda: spectral.power_iteration(torch.ones(3)), "matrix"),
        ("rank", lambda: spectral.power_iteration(torch.eye(2), 1, torch.ones(3)), "v of"),
        ("dtype", lambda: spectral.power_iteration(ones().reshape(2, 3)), "int64"),
        ("empty", lambda: spectral.power_iteration(torch.zeros(0, 3)), "matrix")],
    "players.spectral.unrolled": [
        ("magnitude", lambda: spectral.unrolled(conv("zeros"), (1, 224, 224)), "memory"),
        ("layers", lambda: spectral.unrolled(nn.ReLU(), (1, 4, 4)), "weights"),
        ("zero", lambda: spectral.unrolled(conv("zeros"), (1, 0, 4)), "shape")],
    "players.spectral.circular_norm": [
        ("nan", lambda: spectral.circular_norm(torch.full((1, 1, 3, 3), NAN), 8), "nan"),
        ("rank", lambda: spectral.circular_norm(torch.ones(3, 3), 8), "kernel"),
        ("zero", lambda: spectral.circular_norm(torch.ones(1, 1, 1, 1), 0), "size")],
    "players.spectral.operator_norm": [
        ("inf", lambda: spectral.operator_norm(linear([INF, 1.]), (2,)), "inf"),
        ("layers", lambda: spectral.operator_norm(nn.Tanh(), (2,)), "weights"),
        ("zero", lambda: spectral.operator_norm(linear([1., 1.]), (2,), 0), "steps")],
    "players.spectral.sigmas": [("nan", lambda: spectral.sigmas(linear([NAN])), "nan")],
    "players.spectral.lipschitz_bound": [
        ("layers", lambda: spectral.lipschitz_bound(nn.LeakyReLU(-3.)), "norm of"),
        ("layers", lambda: spectral.lipschitz_bound(nn.Sequential(Tripled(2, 2))), "Tripled"),
        ("layers", lambda: spectral.lipschitz_bound(Shortcut(nn.ReLU())), "Shortcut"),
        ("layers", lambda: spectral.lipschitz_bound(statless()), "BatchNorm1d"),
        ("nan", lambda: spectral.lipschitz_bound(nn.Sequential(linear([NAN]))), "nan")],
    "players.spectral.spectrally_normalised": [
        ("zero", lambda: spectral.spectrally_normalised(nn.Sequential(linear([0., 0]))), "all 0"),
        ("nan", lambda: spectral.spectrally_normalised(nn.Sequential(linear([NAN]))), "nan"),
        ("half", lambda: spectral.spectrally_normalised(nn.Sequential(linear([1.])).half()),
         "float16"),
        ("zero", lambda: spectral.spectrally_normalised(nn.Linear(2, 2), 0), "steps"),
        ("layers", lambda: spectral.spectrally_normalised(nn.ReLU()), "layers")],
    "players.spectral.spectral_regularisation": [
        ("nan", lambda: spectral.spectral_regularisation(NAN), "weight"),
        ("layers", lambda: spectral.spectral_regularisation()(nn.ReLU()), "no Linear")],
    # -- objectives
    "objectives.own_divergence.own_divergence": [
        ("dtype", lambda: own_divergence.own_divergence(np.log), "tensors"),
        ("dtype", lambda: own_divergence.own_divergence(3.), "tensors"),
        ("rank", lambda: own_divergence.own_divergence(lambda u: u.sum()), "tensors"),
        ("nan", lambda: own_divergence.own_divergence(lambda u: u * NAN), "finite"),
        ("magnitude", lambda: own_divergence.own_divergence(lambda u: u ** 100 - 1), "finite")],
    "objectives.f_gan.f_gan": [
        ("dtype", lambda: f_gan.f_gan("KL", bend=2.), "bend"),
        ("nan", lambda: f_gan.f_gan("alpha", alpha=NAN), "alpha"),
        ("dtype", lambda: loss(f_gan.f_gan("KL"), "f", ones()), "int64"),
        ("empty", lambda: loss(f_gan.f_gan("KL"), "g", torch.zeros(0)), "no sample")],
    "objectives.minimax.critic_loss": [
        ("dtype", lambda: loss(games_minimax.minimax(), "f", ones()), "int64"),
        ("empty", lambda: loss(games_minimax.minimax(), "f", torch.zeros(0)), "no sample"),
        ("dtype", lambda: loss(games_minimax.minimax(), "f", torch.ones(3) * 1j), "complex")],
    "objectives.minimax.saturating_loss": [
        ("empty", lambda: loss(games_minimax.minimax(), "g", torch.zeros(0)), "no sample")],
    "objectives.minimax.non_saturating_loss": [
        ("dtype", lambda: loss(games_minimax.non_saturating(), "g", ones()), "int64")],
    "objectives.wasserstein.wasserstein": [
        ("nan", lambda: wasserstein.wasserstein(weight=NAN), "weight"),
        ("dtype", lambda: wasserstein.wasserstein(weight="10"), "weight"),
        ("dtype", lambda: wasserstein.wasserstein(10.), "penalty"),
        ("nan", lambda: wasserstein.wasserstein(clip=NAN), "c = nan"),
        ("empty", lambda: loss(wasserstein.wasserstein(), "g", torch.zeros(0)), "no sample")],
    "objectives.wasserstein.hinge": [
        ("empty", lambda: loss(wasserstein.hinge(), "f", torch.zeros(0)), "no sample"),
        ("dtype", lambda: loss(wasserstein.hinge(), "g", ones()), "int64")],
    "objectives.wasserstein_divergence.wasserstein_divergence": [
        ("nan", lambda: games_div.wasserstein_divergence(NAN), "k = nan"),
        ("dtype", lambda: games_div.wasserstein_divergence(p=None), "p = None")],
    "objectives.least_squares.least_squares": [
        ("nan", lambda: games_squares.least_squares(NAN), "fake=nan"),
        ("dtype", lambda: games_squares.least_squares(real=None), "real=None"),
        ("empty", lambda: loss(games_squares.least_squares(), "g", torch.zeros(0)), "no sample")],
    "objectives.relativistic.pairwise": [
        ("dtype", lambda: games_relativistic.pairwise(torch.square, ones(), ones()), "int64"),
        ("rank", lambda: games_relativistic.pairwise(torch.square, ones(), ones(3)), "pair")],
    "objectives.relativistic.average": [
        ("rank", lambda: games_relativistic.average(torch.square, points(), points()), "one num"),
        ("empty", lambda: games_relativistic.average(torch.square, points()[:0, 0], points()[:, 0]),
         "no sample")],
    "objectives.relativistic.relativistic": [
        ("dtype", lambda: games_relativistic.relativistic(None), "None"),
        ("dtype", lambda: games_relativistic.relativistic((None, "logistic")),
         "a comparison is a function")],
    "objectives.loss_sensitive.margin": [
        ("inf", lambda: games_ls.margin(INF), "scale"), ("nan", lambda: games_ls.margin(1, NAN),
                                                         "p = nan"),
        ("dtype", lambda: games_ls.margin("1"), "scale"),
        ("rank", lambda: games_ls.margin()(points(), points(1)), "one shape"),
        ("dtype", lambda: games_ls.margin()(ones(), ones()), "int64")],
    "objectives.loss_sensitive.leaky": [("nan", lambda: games_ls.leaky(NAN), "nu"),
                                        ("dtype", lambda: games_ls.leaky("0"), "nu")],
    "objectives.loss_sensitive.own_cost": [
        ("dtype", lambda: games_ls.own_cost(np.abs), "torch"),
        ("dtype", lambda: games_ls.own_cost(1.), "torch"),
        ("nan", lambda: games_ls.own_cost(lambda a: a * NAN), "finite"),
        ("magnitude", lambda: games_ls.own_cost(lambda a: a + (-a).exp()), "finite")],
    "objectives.loss_sensitive.matched": [("rank", lambda: games_ls.matched(3, 2), "pair")],
    "objectives.loss_sensitive.loss_sensitive": [
        ("rank", lambda: loss(games_ls.loss_sensitive(), "l", points(4, 1)), "broadcast"),
        ("nan", lambda: games_ls.loss_sensitive(weight=NAN), "weight"),
        ("inf", lambda: games_ls.loss_sensitive(first=INF), "first"),
        ("dtype", lambda: loss(games_ls.loss_sensitive(), "g", ones()), "int64"),
        ("empty", lambda: loss(games_ls.loss_sensitive(), "g", torch.zeros(0)), "no sample")],
    "objectives.loss_sensitive.checked_margins": [
        ("negative", lambda: games_ls.checked_margins(T([-1.]), 1), "margin"),
        ("rank", lambda: games_ls.checked_margins(torch.ones(2, 2), 2), "margin")],
    "objectives.conditional.WithLabels": [
        ("empty", lambda: games_conditional.WithLabels(lambda x, y: x, ones(0))(points()), "label"),
        ("rank", lambda: games_conditional.WithLabels(lambda x, y: x, ones(4))(points()), "label")],
    "objectives.conditional.conditional": [
        ("dtype", lambda: games_conditional.conditional({}), "Game"),
        ("layers", lambda: penalties.slopes(games_conditional.WithLabels(
            lambda x, y: statless()(x), ones()), points()), "another's score")],
    "objectives.conditional.acgan": [
        ("inf", lambda: games_conditional.acgan(INF), "weight"),
        ("nan", lambda: games_conditional.acgan(NAN), "weight")],
    "objectives.infomax.own_and_other": [
        ("rank", lambda: bounds.own_and_other(torch.ones(2, 3)), "square"),
        ("empty", lambda: bounds.own_and_other(torch.ones(0, 0)), "square"),
        ("dtype", lambda: bounds.own_and_other(torch.eye(3, dtype=torch.int64)), "int64")],
    **{f"objectives.infomax.{name}": [
        ("empty", lambda f=getattr(bounds, name): f(torch.ones(0), torch.ones(3)), "no sample"),
        ("empty", lambda f=getattr(bounds, name): f(torch.ones(3), torch.ones(0)), "no sample"),
        ("rank", lambda f=getattr(bounds, name): f(torch.ones(3, 2), torch.ones(3)), "places"),
        ("dtype", lambda f=getattr(bounds, name): f(ones(), ones()), "int64")]
       for name in ("donsker_varadhan", "nwj", "jensen_shannon")},
    "objectives.infomax.info_nce": [
        ("rank", lambda: bounds.info_nce(torch.ones(1, 1)), "square"),
        ("dtype", lambda: bounds.info_nce(torch.eye(3, dtype=torch.int64)), "int64")],
    "objectives.infomax.information_bound": [
        ("dtype", lambda: bounds.information_bound(None), "None")],
    "objectives.infomax.deep_infomax": [
        ("nan", lambda: bounds.deep_infomax(alpha=NAN), "alpha"),
        ("dtype", lambda: bounds.deep_infomax(beta=None), "beta"),
        ("inf", lambda: bounds.deep_infomax(gamma=INF), "gamma")],
    "objectives.semi_supervised.source_logit": [
        ("rank", lambda: semi_supervised.source_logit(torch.ones(3)), "logits"),
        ("dtype", lambda: semi_supervised.source_logit(torch.ones(3, 2).long()), "int64")],
    "objectives.semi_supervised.with_fake_class": [
        ("rank", lambda: semi_supervised.with_fake_class(torch.ones(3)), "logits")],
    "objectives.semi_supervised.supervised": [
        ("dtype", lambda: loss(semi_supervised.supervised(), "f", points(), y=torch.ones(6)),
         "labels"),
        ("rank", lambda: loss(semi_supervised.supervised(), "f", points(), y=ones(3)), "labels"),
        ("rank", lambda: loss(semi_supervised.supervised(), "f", points(6, 1), y=ones()), "logit")],
    "objectives.semi_supervised.improved_gan": [
        ("nan", lambda: semi_supervised.improved_gan(NAN), "weight"),
        ("inf", lambda: semi_supervised.improved_gan(INF), "weight")],
    "objectives.semi_supervised.semi_supervised": [
        ("nan", lambda: semi_supervised.semi_supervised(eta=NAN), "eta"),
        ("dtype", lambda: semi_supervised.semi_supervised(first="1"), "first")],
    "objectives.variational.gaussian_code": [
        ("rank", lambda: vae.gaussian_code(itself, points(6, 3)), "outputs"),
        ("dtype", lambda: vae.gaussian_code(itself, points().long()), "int64"),
        ("empty", lambda: vae.gaussian_code(itself, points()[:0]), "no sample")],
    "objectives.variational.draw_code": [
        ("rank", lambda: vae.draw_code(points(), points(3)), "means")],
    "objectives.variational.kl_to_normal": [
        ("rank", lambda: vae.kl_to_normal(points(), points()[0]), "means"),
        ("rank", lambda: vae.kl_to_normal(points()[0], points()[0]), "means")],
    "objectives.variational.code_logpdf": [
        ("rank", lambda: vae.code_logpdf(points(2, 3), points(), points()), "codes"),
        ("rank", lambda: vae.code_logpdf(points(), points(), points(3)), "means")],
    "objectives.variational.split_rate": [
        ("nan", lambda: vae.split_rate(points() * NAN, points()), "nan"),
        ("zero", lambda: vae.split_rate(points(), points(), draws=0), "draws"),
        ("empty", lambda: vae.split_rate(points()[:0], points()[:0]), "no sample")],
    "objectives.variational.gaussian_nll": [
        ("zero", lambda: vae.gaussian_nll(points(), points(), 0), "sd"),
        ("nan", lambda: vae.gaussian_nll(points(), points(), NAN), "sd"),
        ("rank", lambda: vae.gaussian_nll(points(), points(1)), "decoder"),
        ("dtype", lambda: vae.gaussian_nll(ones(), ones()), "int64")],
    "objectives.variational.vae": [("nan", lambda: vae.vae(NAN), "beta"),
                                   ("inf", lambda: vae.vae(sd=INF), "sd"),
                                   ("dtype", lambda: vae.vae("1"), "beta")],
    "objectives.f_vae.bits_per_dimension": [
        ("zero", lambda: f_vae.bits_per_dimension(1., (1, 28, 28), 0), "step"),
        ("zero", lambda: f_vae.bits_per_dimension(1., (0, 28, 28)), "shape")],
    "objectives.f_vae.dequantised": [
        ("dtype", lambda: f_vae.dequantised(torch.zeros(2, 2, dtype=torch.uint8)), "uint8"),
        ("nan", lambda: f_vae.dequantised(points(), NAN), "step")],
    "objectives.f_vae.normal_nll": [("dtype", lambda: f_vae.normal_nll(ones()), "int64"),
                                    ("empty", lambda: f_vae.normal_nll(points()[:0]), "no sample")],
    "objectives.f_vae.flow_nll": [
        ("rank", lambda: f_vae.flow_nll(lambda x: (x, x), points()), "log_det"),
        ("empty", lambda: f_vae.flow_nll(lambda x: (x, x[:, 0]), points()[:0]), "no sample")],
    "objectives.f_vae.flow": [("nan", lambda: f_vae.flow(NAN), "step"),
                              ("inf", lambda: f_vae.flow(INF), "step")],
    "objectives.f_vae.LearntNoise": [
        ("nan", lambda: f_vae.LearntNoise(nn.Identity(), start=NAN), "start"),
        ("zero", lambda: f_vae.LearntNoise(nn.Identity(), pace=0), "pace")],
    "objectives.f_vae.Residual": [
        ("nan", lambda: f_vae.Residual(networks.mlp_generator(2), NAN), "sd")],
    "objectives.f_vae.f_vae_terms": [
        ("rank", lambda: f_vae.f_vae_terms(itself, itself, itself, points(6, 3), 1.), "outputs"),
        ("zero", lambda: f_vae.f_vae_terms(
            lambda x: torch.cat([x, x], 1), itself, itself, points(), 0.), "sd")],
    "objectives.f_vae.f_vae": [("nan", lambda: f_vae.f_vae(NAN), "sd"),
                               ("inf", lambda: f_vae.f_vae(step=INF), "step")],
    "objectives.adversarial_autoencoder.universal": [
        ("dtype", lambda: aae.universal(1.5), "noise"),
        ("zero", lambda: aae.universal(0), "noise")],
    "objectives.adversarial_autoencoder.squares": [
        ("dtype", lambda: aae.squares(ones(), ones()), "int64"),
        ("empty", lambda: aae.squares(points()[:0], points()[:0]), "no sample"),
        ("rank", lambda: aae.squares(points(), points(1)), "decoder")],
    "objectives.adversarial_autoencoder.code_loss": [
        ("rank", lambda: aae.code_loss(itself, points(), points(6, 3)), "prior"),
        ("empty", lambda: aae.code_loss(itself, points()[:0], points()[:0]), "no sample")],
    "objectives.adversarial_autoencoder.fooled": [
        ("empty", lambda: aae.fooled(itself, points()[:0]), "no sample"),
        ("dtype", lambda: aae.fooled(itself, ones()), "int64")],
    "objectives.adversarial_autoencoder.adversarial_autoencoder": [
        ("nan", lambda: aae.adversarial_autoencoder(joint=NAN), "joint"),
        ("inf", lambda: aae.adversarial_autoencoder(joint=INF), "joint")],
    "objectives.adversarial_autoencoder.tied": [
        ("negative", lambda: aae.tied(laws.Ring(2), -ones(), 2), "-1"),
        ("nan", lambda: aae.tied(laws.Ring(2), torch.full((3,), NAN), 2), "labels"),
        ("zero", lambda: aae.tied(laws.Ring(2), ones(), 0), "classes")],
    "objectives.adversarial_autoencoder.label_informed": [
        ("dtype", lambda: aae.label_informed(laws.Ring(2), 2.), "classes")],
    "objectives.adversarial_autoencoder.split_code": [
        ("rank", lambda: aae.split_code(torch.ones(3), 2), "numbers"),
        ("zero", lambda: aae.split_code(points(), 1), "classes")],
    "objectives.adversarial_autoencoder.class_and_style": [
        ("nan", lambda: aae.class_and_style(itself, points(6, 5), 2, NAN), "noise")],
    "objectives.adversarial_autoencoder.random_classes": [
        ("rank", lambda: aae.random_classes(torch.ones(3)), "shares"),
        ("empty", lambda: aae.random_classes(torch.ones(3, 0)), "shares")],
    "objectives.adversarial_autoencoder.imbalance": [
        ("rank", lambda: aae.imbalance(torch.ones(3)), "shares"),
        ("empty", lambda: aae.imbalance(torch.ones(0, 3)), "no sample")],
    **{f"objectives.adversarial_autoencoder.{name}": [
        ("dtype", lambda f=getattr(aae, name): f(2.5), "classes"),
        ("nan", lambda f=getattr(aae, name): f(3, balance=NAN), "balance"),
        ("inf", lambda f=getattr(aae, name): f(3, apart=INF), "apart")]
       for name in ("clustering_autoencoder", "semi_supervised_autoencoder")},
    "objectives.adversarial_autoencoder.ClusterHeadDecoder": [
        ("rank", lambda: aae.ClusterHeadDecoder(nn.Identity(), 2)(torch.ones(4)), "codes")],
    "objectives.adversarial_autoencoder.crowding": [
        ("empty", lambda: aae.crowding(torch.ones(1, 2), 1.), "heads"),
        ("nan", lambda: aae.crowding(torch.ones(3, 2), NAN), "apart")],
    "objectives.clustering.GaussianMixturePrior": [
        ("dtype", lambda: games_clustering.GaussianMixturePrior(2.5, 2), "K=2.5"),
        ("zero", lambda: games_clustering.GaussianMixturePrior(2, 0), "k = 0"),
        ("nan", lambda: games_clustering.GaussianMixturePrior(2, 2, sd=NAN), "sd"),
        ("nan", lambda: games_clustering.GaussianMixturePrior(2, 2).start(
            torch.full((2, 2), NAN)), "centres")],
    "objectives.clustering.responsibilities": [
        ("rank", lambda: games_clustering.responsibilities(torch.ones(3)), "components"),
        ("empty", lambda: games_clustering.responsibilities(torch.ones(0, 3)), "components")],
    "objectives.clustering.mixture_kl": [
        ("rank", lambda: games_clustering.mixture_kl(points(), points(1)), "components")],
    "objectives.clustering.usage_kl": [
        ("empty", lambda: games_clustering.usage_kl(torch.ones(0, 3)), "components"),
        ("dtype", lambda: games_clustering.usage_kl(points().long()), "int64")],
    "objectives.clustering.clustering": [
        ("nan", lambda: games_clustering.clustering(NAN), "beta"),
        ("inf", lambda: games_clustering.clustering(sd=INF), "sd")],
    "objectives.clustering.restart_empty": [
        ("nan", lambda: games_clustering.restart_empty(
            games_clustering.GaussianMixturePrior(2, 2), points() * NAN), "codes"),
        ("nan", lambda: games_clustering.restart_empty(
            games_clustering.GaussianMixturePrior(2, 2), points(), NAN), "share")],
    # -- measures
    "measures.frechet.frechet": [
        ("nan", lambda: frechet.frechet([NAN], [[1]], [0], [[1]]), "mean"),
        ("inf", lambda: frechet.frechet([0], [[1]], [0], [[INF]]), "covariance2"),
        ("rank", lambda: frechet.frechet([0, 0], np.eye(2), [0], np.eye(1)), "alike"),
        ("rank", lambda: frechet.frechet([0], np.eye(2), [0], np.eye(1)), "shape"),
        ("negative", lambda: frechet.frechet([0], [[-1]], [0], [[1]]), "variances"),
        ("magnitude", lambda: frechet.frechet([0], [[1e200]], [0], [[1]]), "1e150"),
        ("dtype", lambda: frechet.frechet(["a"], [[1]], [0], [[1]]), "mean")],
    "measures.frechet.moments": [
        ("nan", lambda: frechet.moments(np.full((3, 1), NAN)), "nan"),
        ("rank", lambda: frechet.moments(np.ones(3)), "shape"),
        ("magnitude", lambda: frechet.moments(np.linspace(0, 1e300, 5)[:, None]), "rescale"),
        ("empty", lambda: frechet.moments(np.ones((0, 2))), "samples"),
        ("dtype", lambda: frechet.moments(np.ones((3, 1)) * 1j), "points")],
    "measures.frechet.features_of": [
        ("empty", lambda: frechet.features_of(classifier.Classifier(), "features",
                                              torch.zeros(0, 1, 28, 28)), "n ≥ 1"),
        ("rank", lambda: frechet.features_of(classifier.Classifier(), "features", points()),
         "channels")],
    "measures.metrics.features": [
        ("nan", lambda: metrics.features(torch.full((2, 1, 28, 28), NAN)), "nan"),
        ("empty", lambda: metrics.features(torch.zeros(0, 1, 28, 28)), "n ≥ 1"),
        ("magnitude", lambda: metrics.features(torch.full((2, 1, 28, 28), 255.)), "tanh")],
    "measures.metrics.frechet_distance": [
        ("nan", lambda: metrics.frechet_distance(points() * NAN, points()), "nan"),
        ("dtype", lambda: metrics.frechet_distance(points() * 1j, points()), "complex"),
        ("rank", lambda: metrics.frechet_distance(points(6, 3), points()), "alike"),
        ("empty", lambda: metrics.frechet_distance(points()[:0], points()), "samples")],
    "measures.metrics.kernel_distance": [
        ("nan", lambda: metrics.kernel_distance(points() * NAN, points()), "nan"),
        ("rank", lambda: metrics.kernel_distance(points(6, 3), points()), "alike"),
        ("empty", lambda: metrics.kernel_distance(points()[:1], points()), "pairs"),
        ("zero", lambda: metrics.kernel_distance(points(), points(), block=0), "block")],
    "measures.metrics.report": [
        ("nan", lambda: metrics.report(torch.full((2, 1, 28, 28), NAN),
                                       images(name="mnist")), "nan")],
    "measures.metrics.anchors": [
        ("dtype", lambda: metrics.anchors("nothing"), "classifier")],
    "measures.metrics.precision_recall": [
        ("nan", lambda: metrics.precision_recall(points() * NAN, points()), "nan"),
        ("inf", lambda: metrics.precision_recall(points(), points() * INF), "inf"),
        ("zero", lambda: metrics.precision_recall(points(), points(), k=0), "k = 0"),
        ("dtype", lambda: metrics.precision_recall(points(), points(), k=1.5), "k = 1.5"),
        ("zero", lambda: metrics.precision_recall(points(), points(), most=0), "most"),
        ("empty", lambda: metrics.precision_recall(points()[:2], points()), "samples")],
    "measures.metrics.class_probabilities": [
        ("nan", lambda: metrics.class_probabilities(torch.full((1, 1, 28, 28), NAN)), "nan")],
    "measures.metrics.colour_features": [
        ("inf", lambda: metrics.colour_features(torch.full((1, 1, 28, 28), INF)), "-1, 1"),
        ("rank", lambda: metrics.colour_features(points()), "channels")],
    "measures.metrics.class_histogram": [
        ("rank", lambda: metrics.class_histogram(points()), "channels")],
    "measures.metrics.modes_covered": [
        ("nan", lambda: metrics.modes_covered(points(), laws.Ring(), NAN), "sds"),
        ("empty", lambda: metrics.modes_covered(points()[:0], laws.Ring()), "n ≥ 1"),
        ("dtype", lambda: metrics.modes_covered(["a"], laws.Ring()), "points")],
    "measures.classifier.Classifier": [
        ("zero", lambda: classifier.Classifier(0), "channels"),
        ("dtype", lambda: classifier.Classifier(1, 2.5), "classes")],
    "measures.classifier.judge": [("dtype", lambda: classifier.judge("nothing"), "nothing")],
    "measures.classifier.fit": [
        ("empty", lambda: classifier.fit([]), "names"),
        ("zero", lambda: classifier.fit(["mnist"], epochs=0), "epochs"),
        ("nan", lambda: classifier.fit(["mnist"], lr=NAN), "lr")],
    "measures.classifier.rescale": [
        ("nan", lambda: classifier.rescale(classifier.Classifier(), NAN), "s = nan"),
        ("zero", lambda: classifier.rescale(classifier.Classifier(), 0), "s = 0")],
    "measures.classifier.warped": [("rank", lambda: classifier.warped(points()), "images"),
                                   ("dtype", lambda: classifier.warped(images().images), "uint8")],
    "measures.classifier.accuracy_of": [
        ("empty", lambda: classifier.accuracy_of(classifier.Classifier(), images()), "labelled")],
    "measures.prediction.ClassLoss": [
        ("dtype", lambda: prediction.ClassLoss(itself, 2.), "classes"),
        ("rank", lambda: prediction.ClassLoss(nn.Identity(), 3).losses(points()), "logits")],
    "measures.prediction.all_losses": [
        ("zero", lambda: prediction.all_losses(lambda x, y: x[:, 0], points(), 0), "classes"),
        ("empty", lambda: prediction.all_losses(lambda x, y: x[:, 0], points()[:0], 2), "sample")],
    "measures.prediction.predict": [
        ("nan", lambda: prediction.predict(lambda x, y: x[:, 0] * NAN, points(), 2), "nan"),
        ("nan", lambda: prediction.predict(prediction.ClassLoss(nn.Identity(), 2),
                                           points() * NAN), "nan")],
    "measures.prediction.confusion": [
        ("dtype", lambda: prediction.confusion(torch.ones(6), ones(), 2), "labels"),
        ("negative", lambda: prediction.confusion(-ones(), ones(), 2), "-1"),
        ("dtype", lambda: prediction.confusion(ones(), ones(), 2.5), "classes")],
    "measures.prediction.reliability": [
        ("nan", lambda: prediction.reliability(torch.full((6, 2), NAN), ones()), "nan"),
        ("rank", lambda: prediction.reliability(torch.ones(6), ones()), "losses"),
        ("empty", lambda: prediction.reliability(torch.ones(0, 2), ones(0)), "losses"),
        ("zero", lambda: prediction.reliability(torch.full((6, 2), math.log(2)), ones(), 0),
         "bins")],
    "measures.probes.share": [
        ("nan", lambda: probes.share(NAN, 3), "nan of 3"),
        ("zero", lambda: probes.share(0, 0), "n"),
        ("dtype", lambda: probes.share(1.5, 3), "1.5 of 3"),
        ("negative", lambda: probes.share(-1, 3), "-1")],
    "measures.probes.nearest": [
        ("nan", lambda: probes.nearest(CODES * NAN, CODES, 1), "codes"),
        ("inf", lambda: probes.nearest(CODES, CODES * INF, 1), "codes"),
        ("zero", lambda: probes.nearest(CODES, CODES, 0), "k = 0"),
        ("dtype", lambda: probes.nearest(CODES, CODES, 1.5), "k = 1.5")],
    "measures.probes.neighbours_agree": [
        ("negative", lambda: probes.neighbours_agree(CODES, -ones(3), CODES, ones(3), 1), "-1"),
        ("empty", lambda: probes.neighbours_agree(CODES, ones(3), CODES[:0], ones(0), 1), "no")],
    "measures.probes.linear_probe": [
        ("nan", lambda: probes.linear_probe(CODES * NAN, ones(3), CODES, ones(3)), "codes"),
        ("nan", lambda: probes.linear_probe(CODES, ones(3), CODES, ones(3), NAN), "ridge"),
        ("rank", lambda: probes.linear_probe(CODES, ones(3), CODES[:, :1], ones(3)), "size d"),
        ("dtype", lambda: probes.linear_probe(CODES, torch.ones(3), CODES, ones(3)), "labels")],
    # -- data and games
    "data.batches.batches": [
        ("nan", lambda: batches(points() * NAN), "nan"), ("inf", lambda: batches(points() * INF),
                                                          "inf"),
        ("magnitude", lambda: batches(points().double() * 1e200), "float32"),
        ("dtype", lambda: batches(points() * 1j), "complex"),
        ("dtype", lambda: batches(points() > 0), "bool"),
        ("dtype", lambda: batches(torch.zeros(2, 1, 4, 4, dtype=torch.int64)), "uint8"),
        ("magnitude", lambda: batches(torch.rand(2, 1, 4, 4)), "2 \\* x - 1"),
        ("magnitude", lambda: batches(torch.randn(2, 1, 4, 4) * 255), "-1, 1"),
        ("empty", lambda: batches(points()[:0]), "no samples"),
        ("rank", lambda: batches(torch.ones(3)), "no samples"),
        ("dtype", lambda: batches(points(), batch=2.5), "batch"),
        ("dtype", lambda: batches(points(), batch=True), "batch"),
        ("dtype", lambda: batches(points(), seed=None), "seed"),
        ("negative", lambda: batches(points(), seed=-1), "seed"),
        ("nan", lambda: batches(points(), unlabelled=points() * NAN), "nan"),
        ("dtype", lambda: batches(points(), z=3), "z=3")],
    "data.batches.Batches": [
        ("nan", lambda: batches(Vague()).draw({"x"}), "nan"),
        ("nan", lambda: batches(points(), z=Vague()).draw({"z"}), "nan"),
        ("rank", lambda: batches(Fewer()).draw({"x"}), "64 samples"),
        ("zero", lambda: batches(P).noise(0), "n = 0"),
        ("dtype", lambda: batches(P).probe({"x"}, 1.5), "n = 1.5")],
    "game.Move": [("empty", lambda: game.Move("", itself), "player")],
    "game.Game": [("empty", lambda: Game({}), "Game takes"), ("dtype", lambda: Game([1]), "Game")],
    "game.by_hand": [
        ("dtype", lambda: game.by_hand(lambda f, x: f(x))(3, ones()), "f is a network"),
        ("rank", lambda: game.by_hand(lambda f, x: f(x))(itself, T(1.)), "x is a single number")],
    "game.check_tensors": [("dtype", lambda: game.check_tensors(x=[1.]), "x is a torch.Tensor")],
    "game.check_samples": [("rank", lambda: game.check_samples(x=T(1.)), "x is a single number")],
    "game.one_format": [("dtype", lambda: formats(nn.Linear(2, 1)), "weights in float32, samples")],
    "game.check_noisy": [("dtype", lambda: game.check_noisy(x=T([1])), "noise is added")],
    "game.check_takes": [
        ("dtype", lambda: game.check_takes("f", 3, 1, "x"), "f is a function of x, and 3 is none"),
        ("rank", lambda: game.check_takes("f", itself, 2, "x and y"), "does not take that")],
    "game.check_player": [("dtype", lambda: game.check_player("f", 3), "f is a network")],
    "game.check_network": [("dtype", lambda: game.check_network("f", itself), "f is a network")],
    "game.in_full": [
        ("dtype", lambda: game.in_full(ones()), "int64"),
        ("dtype", lambda: game.in_full(torch.zeros(2, dtype=torch.float8_e5m2)), "float8"),
        ("dtype", lambda: game.in_full(torch.zeros(2) > 0), "bool"),
        ("empty", lambda: game.in_full(torch.zeros(0, 2)), "no sample")],
    "game.both": [("dtype", lambda: game.both(itself, ones(), ones()), "int64"),
                  ("empty", lambda: game.both(itself, torch.zeros(0), torch.zeros(3)), "no ")],
}

# -- lesson 22: distances without a critic
REFUSED |= {
    "exact.mmd.gaussian": [("zero", lambda: mmd.gaussian(0.), "bandwidth"),
                           ("nan", lambda: mmd.gaussian(NAN), "bandwidth = nan")],
    "exact.mmd.mean_kernel": [("dtype", lambda: mmd.mean_kernel(P, Q, 3), "kernel"),
                              ("rank", lambda: mmd.mean_kernel(PLANE, Q, mmd.gaussian()), "line")],
    "exact.mmd.mmd2": [("nan", lambda: mmd.mmd2(P, Q, lambda x, y: x * y * NAN), "finite"),
                       ("rank", lambda: mmd.mmd2(P, Q, lambda x, y: x), "shape")],
    "exact.mmd.witness": [("nan", lambda: mmd.witness(P, Q, mmd.gaussian())(NAN), "x"),
                          ("dtype", lambda: mmd.witness(P, Q, "k"), "kernel"),
                          ("nan", lambda: mmd.witness(P, Vague(), mmd.gaussian()), "nan")],
    "exact.mmd.estimate_variance": [
        ("zero", lambda: mmd.estimate_variance(P, Q, mmd.gaussian(), 1), "n = 1"),
        ("dtype", lambda: mmd.estimate_variance(P, Q, mmd.gaussian(), 2.5), "n = 2.5")],
    "exact.mmd.normal_mmd2": [("dtype", lambda: mmd.normal_mmd2(P, Uniform(0, 1)), "Normals"),
                              ("rank", lambda: mmd.normal_mmd2(P, PLANE), "one dimension"),
                              ("negative", lambda: mmd.normal_mmd2(P, Q, -1.), "bandwidth")],
    "exact.mmd.normal_mmd2_slope": [("nan", lambda: mmd.normal_mmd2_slope(NAN), "distance"),
                                    ("zero", lambda: mmd.normal_mmd2_slope(1., 0.), "bandwidth")],
    "exact.mmd.cramer": [("rank", lambda: mmd.cramer(PLANE, PLANE), "distribution function")],
    "exact.mmd.cramer_slope": [("nan", lambda: mmd.cramer_slope(P, Vague()), "Vague|nan")],
    "exact.mmd.cramer_slope_of_normals": [
        ("nan", lambda: mmd.cramer_slope_of_normals([1., NAN]), "distance")],
    "exact.mmd.unbiased": [
        ("empty", lambda: mmd.unbiased(np.ones((0, 0)), np.ones((0, 0)), np.ones((0, 0))), "n ≥ 2"),
        ("rank", lambda: mmd.unbiased(np.ones(3), np.ones(3), np.ones(3)), "tables"),
        ("nan", lambda: mmd.unbiased(np.eye(2) * NAN, np.eye(2), np.eye(2)), "kxx")],
    "exact.mmd.shadow": [("zero", lambda: mmd.shadow(0), "dim = 0"),
                         ("dtype", lambda: mmd.shadow(1.5), "dim = 1.5")],
    "exact.sinkhorn.softmin": [
        ("rank", lambda: sinkhorn.softmin(np.ones((2, 3)), np.ones(2), np.ones(3), 1.), "cost"),
        ("zero", lambda: sinkhorn.softmin(np.ones((1, 1)), [1.], [1.], 0.), "epsilon")],
    "exact.sinkhorn.sinkhorn": [
        ("nan", lambda: sinkhorn.sinkhorn([NAN, 1], [1.], np.ones((2, 1)), 1.), "p"),
        ("nan", lambda: sinkhorn.sinkhorn([1.], [1.], [[NAN]], 1.), "cost"),
        ("inf", lambda: sinkhorn.sinkhorn([1.], [1.], [[INF]], 1.), "cost"),
        ("rank", lambda: sinkhorn.sinkhorn([1.], [1.], np.ones((2, 1)), 1.), "need"),
        ("nan", lambda: sinkhorn.sinkhorn([1.], [1.], [[1.]], NAN), "epsilon"),
        ("negative", lambda: sinkhorn.sinkhorn([2., -1.], [1.], np.ones((2, 1)), 1.), "p")],
    "exact.sinkhorn.sinkhorn_divergence": [
        ("nan", lambda: sinkhorn.sinkhorn_divergence([1.], [1.], [NAN], [0.], 1.), "nan"),
        ("zero", lambda: sinkhorn.sinkhorn_divergence([1.], [1.], [1.], [0.], 1., 0), "power")],
    "exact.sinkhorn.divergence_slope": [
        ("rank", lambda: sinkhorn.divergence_slope([1.], [1.], [[1.]], [0.], 1.), "line"),
        ("nan", lambda: sinkhorn.divergence_slope([1.], [1.], [NAN], [0.], 1.), "x")],
    "exact.sinkhorn.normal_entropic": [
        ("rank", lambda: sinkhorn.normal_entropic(PLANE, PLANE, 1.), "on the line"),
        ("inf", lambda: sinkhorn.normal_entropic(P, Q, INF), "epsilon")],
    "objectives.mmd.gaussian": [
        ("empty", lambda: games_mmd.gaussian(), "bandwidths"),
        ("nan", lambda: games_mmd.gaussian(1., NAN), "bandwidths"),
        ("dtype", lambda: games_mmd.gaussian(1.)([1.], points()), "x is a torch")],
    "objectives.mmd.minus_distance": [
        ("dtype", lambda: games_mmd.minus_distance(points(), None), "y is a torch")],
    "objectives.mmd.cubic": [("dtype", lambda: games_mmd.cubic(3., points()), "x is a torch")],
    "objectives.mmd.mmd2": [
        ("rank", lambda: games_mmd.mmd2(games_mmd.cubic, points(), points(6, 3)), "one size"),
        ("empty", lambda: games_mmd.mmd2(games_mmd.cubic, points(), points()[:1]), "two samples"),
        ("dtype", lambda: games_mmd.mmd2(games_mmd.cubic, ones(), ones()), "int64")],
    "objectives.mmd.sliced": [
        ("rank", lambda: games_mmd.sliced(points(), points(4)), "as many"),
        ("zero", lambda: games_mmd.sliced(points(), points(), 0), "directions")],
    "objectives.mmd.entropic": [
        ("zero", lambda: games_mmd.entropic(points(), points(), 0.), "epsilon"),
        ("nan", lambda: games_mmd.entropic(points(), points(), NAN), "epsilon"),
        ("zero", lambda: games_mmd.entropic(points(), points(), 1., 0), "rounds")],
    "objectives.mmd.matching": [
        ("dtype", lambda: games_mmd.matching("energy"), "distance"),
        ("dtype", lambda: games_mmd.matching(games_mmd.sliced, 3), "features")],
    "objectives.mmd.mmd_gan": [("dtype", lambda: games_mmd.mmd_gan(1.), "kernel")],
    "players.fourier.Waves": [("zero", lambda: fourier.Waves(0, 3, 1.), "dim"),
                              ("nan", lambda: fourier.Waves(1, 3, NAN), "bandwidth")],
    "players.fourier.fourier_critic": [
        ("zero", lambda: fourier.fourier_critic(1, waves=0), "k = 0"),
        ("negative", lambda: fourier.fourier_critic(1, -1.), "bandwidth")],
}



REFUSED |= {
    "exact.convergence.Dirac": [("dtype", lambda: convergence.Dirac("GAN"), "no Dirac-GAN"),
                                ("nan", lambda: convergence.Dirac(r1=NAN), "r1"),
                                ("negative", lambda: convergence.Dirac(noise=-1.), "noise")],
    "exact.convergence.walk": [
        ("nan", lambda: convergence.walk(lambda v: -v, [NAN, 1.], 3), "start"),
        ("rank", lambda: convergence.walk(lambda v: -v, 1., 3), "shape"),
        ("negative", lambda: convergence.walk(lambda v: -v, [1., 1.], 3, rates=-1.), "rates"),
        ("dtype", lambda: convergence.walk(lambda v: -v, [1., 1.], 2.5), "rounds"),
        ("inf", lambda: convergence.walk(lambda v: -v, [1., 1.], 3, momentum=INF), "momentum")],
    "exact.convergence.round_matrix": [
        ("rank", lambda: convergence.round_matrix(np.ones((2, 3))), "square"),
        ("nan", lambda: convergence.round_matrix([[NAN, 1.], [1., 1.]]), "jacobian")],
    "exact.convergence.spectral_radius": [
        ("nan", lambda: convergence.spectral_radius([[NAN]]), "matrix"),
        ("rank", lambda: convergence.spectral_radius(np.ones((2, 3))), "square"),
        ("empty", lambda: convergence.spectral_radius(np.ones((0, 0))), "square")],
    "exact.convergence.penalised_critic": [
        ("negative", lambda: convergence.penalised_critic(P, Q, r1=-1.), "r1"),
        ("nan", lambda: convergence.penalised_critic(P, Q, r2=NAN), "r2"),
        ("rank", lambda: convergence.penalised_critic(PLANE, PLANE), "line"),
        ("zero", lambda: convergence.penalised_critic(P, Q, 1., 1., 0), "cells")],
    "exact.particles.flow_weight": [
        ("dtype", lambda: particles.flow_weight("JS", "far"), "c"),
        ("dtype", lambda: particles.flow_weight("total variation", 0.), "second derivative")],
    "exact.particles.velocity": [
        ("dtype", lambda: particles.velocity("total variation", P, Q), "second derivative"),
        ("nan", lambda: particles.velocity("JS", P, Q)("x"), "x")],
    "exact.particles.normal_flow": [("nan", lambda: particles.normal_flow(P, NAN), "time"),
                                    ("negative", lambda: particles.normal_flow(P, -1), "time"),
                                    ("dtype", lambda: particles.normal_flow(Uniform(), 1.),
                                     "Normal")],
    "exact.particles.LineFlow": [
        ("zero", lambda: particles.LineFlow("JS", P, Q, 0), "n = 0"),
        ("rank", lambda: particles.LineFlow("JS", PLANE, PLANE), "line"),
        ("nan", lambda: particles.LineFlow("JS", P, Q, 5)([0., NAN]), "times"),
        ("negative", lambda: particles.LineFlow("JS", P, Q, 5)([-1., 1.]), "times"),
        ("rank", lambda: particles.LineFlow("JS", P, Q, 5).velocity([1., 2.]), "5")],
    "exact.particles.quantiles": [("nan", lambda: particles.quantiles(P, [NAN]), "share"),
                                  ("zero", lambda: particles.quantiles(P, [0.]), "between"),
                                  ("rank", lambda: particles.quantiles(PLANE, [.5]), "line")],
    "objectives.particles.rescaled": [
        ("dtype", lambda: games_particles.rescaled(3), "rising function"),
        ("dtype", lambda: games_particles.rescaled("steep"), "no rescaling")],
    "objectives.particles.noised": [
        ("zero", lambda: games_particles.noised(points(), 0.), "sigma"),
        ("nan", lambda: games_particles.noised(points(), NAN), "sigma"),
        ("dtype", lambda: games_particles.noised([1.], .5), "x is a torch")],
    "objectives.particles.denoising_loss": [
        ("rank", lambda: games_particles.denoising_loss(nn.Linear(2, 3), points(), .5),
         "gives back"),
        ("dtype", lambda: games_particles.denoising_loss(None, points(), .5), "m")],
    "objectives.particles.distribution_matching": [
        ("inf", lambda: games_particles.distribution_matching(INF), "sigma"),
        ("dtype", lambda: games_particles.distribution_matching(.5, "total variation"),
         "second derivative")],
}


def normal_kl(mean, sd, mean2, sd2):
    """The closed form of KL between two Normals."""
    return math.log(sd2) - math.log(sd) + (sd ** 2 + (mean - mean2) ** 2) / (2 * sd2 ** 2) - .5


def copies(d=2):
    """Eight places, five times each: more copies than k = 3 reaches past."""
    return points(8, d).repeat(5, 1)


def leaf():
    return points().requires_grad_()


PRIOR = games_clustering.GaussianMixturePrior(2, 2)
ELEMENTWISE = {
    "exact.divergences.softplus": divergences.softplus, "exact.f_table.exp": f_table.exp,
    "exact.f_table.expm1": f_table.expm1, "exact.f_table.log": f_table.log,
    "exact.f_table.sqrt": f_table.sqrt, "exact.f_table.tanh": f_table.tanh,
    "exact.f_table.sign": f_table.sign, "exact.f_table.softplus": f_table.softplus,
    "exact.f_table.u_log_u": f_table.u_log_u, "exact.f_table.positive": f_table.positive,
    "exact.relativistic.logistic": relativistic.logistic,
    "exact.minimax.optimal_logit": lambda x: minimax.optimal_logit(P, Vague())(np.array(2.)) * x,
    "exact.minimax.optimal_discriminator":
        lambda x: minimax.optimal_discriminator(P, Vague())(np.array(2.)) * x,
    "players.penalties.equal_one": lambda x: penalties.equal_one(T(x)),
    "players.penalties.at_most_one": lambda x: penalties.at_most_one(T(x)),
    "game.softplus": lambda x: game.softplus(T(x))}

# function -> [(kind, act, the right value)]
RIGHT = {
    **{name: [("nan", lambda f=f: f(NAN), NAN)] for name, f in ELEMENTWISE.items()},
    "exact.laws.log_ratio": [
        ("nan", lambda: laws.log_ratio(P, Vague())(np.array([2.])), [NAN]),
        ("zero", lambda: laws.log_ratio(Uniform(0, 1), Uniform(2, 3))(np.array([1.5])), [0])],
    "exact.laws.Uniform": [
        ("nan", lambda: Uniform(0, 1).logpdf([NAN, .5]), [NAN, 0]),
        ("nan", lambda: CUBE.logpdf([[.5, NAN], [.5, 2]]), [NAN, -INF])],
    "exact.laws.Mixture": [
        ("repeated", lambda: Mixture([P, P]).logpdf([0., 9.]), P.logpdf(np.array([0., 9.]))),
        ("zero", lambda: Mixture([P, Q], [0, 1]).pdf([0.]), Q.pdf(np.zeros(1)))],
    "exact.divergences.kl": [
        ("magnitude", lambda: divergences.kl(Normal(0, 1e-90), Normal(0, 1e90)),
         normal_kl(0, 1e-90, 0, 1e90)),
        ("magnitude", lambda: divergences.kl(Normal(1e9), P), 5e17),
        ("repeated", lambda: divergences.kl(P, P), 0)],
    "exact.divergences.js": [("magnitude", lambda: divergences.js(P, Normal(1e9)), math.log(2))],
    "exact.quadrature.expectation": [("rank", lambda: quadrature.expectation(P, lambda x: 3), 3)],
    "exact.f_divergences.FDivergence": [
        ("nan", lambda: f_table.f_divergence("Neyman").conjugate(NAN), NAN),
        ("inf", lambda: f_table.f_divergence("Neyman").conjugate(INF), INF)],
    "exact.f_table.f_divergence": [
        ("magnitude", lambda: f_table.f_divergence("alpha", alpha=1e-6)(P, Normal(.5)), .125),
        ("magnitude", lambda: f_table.f_divergence("JS-weighted", pi=1e-8)(P, Normal(.5)),
         1.25e-9)],
    "exact.information.gaussian_kl": [
        ("magnitude", lambda: information.gaussian_kl(0, 1e-200, 0, 2e-200),
         normal_kl(0, 1, 0, math.sqrt(2)))],
    "exact.transport.earth_mover": [
        ("magnitude", lambda: transport.earth_mover([0, 5], [.5, 5], power=1e4), .5 ** 1.0001),
        ("magnitude", lambda: transport.earth_mover([0], [1e200], power=2), 1e200),
        ("repeated", lambda: transport.earth_mover([1, 1, 1], [1]), 0)],
    "exact.transport.plan": [
        ("zero", lambda: transport.plan([1., 0], [0, 1.], np.zeros((2, 2))).cost, 0),
        ("magnitude", lambda: transport.plan([.5, .5], [1.], [[3e200], [1e200]]).cost, 2e200)],
    "exact.transport.wasserstein_1": [
        ("magnitude", lambda: transport.wasserstein_1(Normal(0, 1e50), Normal(1e50, 2e50)),
         transport.normal_w1(Normal(0, 1e50), Normal(1e50, 2e50)))],
    "exact.lipschitz.segment_density": [
        ("magnitude", lambda: lipschitz.segment_density(Normal(0, 1e4), P)(np.zeros(1)),
         [math.log((math.hypot(1e4, 1) * 1e4 + 1e8) / (math.hypot(1e4, 1) - 1))
          / math.hypot(1e4, 1) / math.sqrt(2 * math.pi)])],
    "exact.wasserstein_divergence.linear_divergence": [
        ("zero", lambda: wasserstein_divergence.linear_divergence(0.), (0, 0)),
        ("magnitude", lambda: wasserstein_divergence.linear_divergence(100., 2, 1.0001),
         (INF, INF))],
    "exact.loss_sensitive.svm": [
        ("repeated", lambda: loss_sensitive.svm([[3], [3]], [1, -1], 1.).value, 2)],
    "exact.loss_sensitive.best_loss": [
        ("repeated", lambda: loss_sensitive.best_loss([2, 2], [2]).real, [0, 0])],
    "exact.conditional.log_posterior": [
        ("zero", lambda: conditional.log_posterior(Mixture([P, Q], [0, 1]), 0)(0.), -INF)],
    "exact.conditional.label_entropy": [
        ("zero", lambda: conditional.label_entropy(Mixture([P, Q], [0, 1])), 0)],
    "exact.clustering.gaussian_mixture": [
        ("repeated", lambda: sorted(clustering.gaussian_mixture(
            np.repeat([[0.], [4.]], 5, 0), 2).centres[:, 0]), [0, 4])],
    "exact.infomax.ratio_spread": [("magnitude", lambda: infomax.ratio_spread(400., 3), INF),
                                   ("zero", lambda: infomax.ratio_spread(0., 3), 0)],
    "exact.checks.fits": [
        ("nan", lambda: [checks.fits(value) for value in (NAN, INF, None, "1", 1j, True, [1])],
         [False] * 7),
        ("dtype", lambda: [checks.fits(v, whole=True) for v in (1., np.int8(1), T(1), 10 ** 400)],
         [False, True, True, False])],
    "players.flows.Mixing": [
        ("zero", lambda: zeroed(flows.Mixing(2))(points())[1], [-INF] * 6)],
    "players.penalties.slopes": [
        ("layers", lambda: penalties.slopes(zeroed(net(lambda: nn.Linear(2, 1))), points()),
         [0] * 6),
        ("rank", lambda: penalties.slopes(linear([3., 4.]), points()), [5] * 6),
        ("layers", lambda: penalties.slopes(Shortcut(nn.ReLU()), points(1)).shape, [1])],
    "players.spectral.power_iteration": [
        ("zero", lambda: spectral.power_iteration(torch.zeros(2, 3))[0], 0),
        ("zero", lambda: spectral.power_iteration(torch.eye(2), 9, torch.zeros(2))[0], 1),
        ("nan", lambda: spectral.power_iteration(torch.full((2, 2), NAN))[0], NAN),
        ("magnitude", lambda: spectral.power_iteration(
            1e-25 * torch.diag(T([2., 1.])), 40)[0] * 1e25, 2),
        ("magnitude", lambda: spectral.power_iteration(
            1e25 * torch.diag(T([2., 1.])), 40)[0] / 1e25, 2),
        ("half", lambda: spectral.power_iteration(torch.eye(300).half(), 1)[0], 1)],
    "players.spectral.operator_norm": [
        ("zero", lambda: spectral.operator_norm(linear([0., 0.]), (2,)), 0),
        ("half", lambda: spectral.operator_norm(linear([3., 4.]).half(), (2,)), 5),
        ("magnitude", lambda: spectral.operator_norm(linear([3e-25, 4e-25]), (2,)) * 1e25, 5)],
    "players.spectral.sigmas": [
        ("half", lambda: spectral.sigmas(linear([3., 4.]).bfloat16()), [5]),
        ("zero", lambda: spectral.sigmas(linear([0., 0.])), [0])],
    "players.spectral.circular_norm": [
        ("half", lambda: spectral.circular_norm(torch.ones(1, 1, 3, 3).half(), 5), 9)],
    "players.spectral.lipschitz_bound": [
        ("layers", lambda: spectral.lipschitz_bound(nn.Sequential(*[linear([2., 0], [0, 2.])] * 2)),
         4),
        ("layers", lambda: spectral.lipschitz_bound(nn.Sequential(
            *[nn.Sequential(linear([2.]), nn.LeakyReLU(-1.))] * 3)), 8),
        ("zero", lambda: spectral.lipschitz_bound(zeroed(networks.mlp_critic(2))), 0),
        ("half", lambda: spectral.lipschitz_bound(nn.Sequential(linear([2.]).half())), 2)],
    "players.spectral.spectral_regularisation": [
        ("zero", lambda: spectral.spectral_regularisation()(linear([0., 0.])), 0)],
    "objectives.infomax.nwj": [
        ("magnitude", lambda: bounds.nwj(torch.zeros(2), T([1e4, 0.])), -INF)],
    "objectives.infomax.donsker_varadhan": [
        ("magnitude", lambda: bounds.donsker_varadhan(T([1e4]), T([1e4])), 0)],
    "objectives.loss_sensitive.margin": [
        ("rank", lambda: games_ls.margin()(T([0., 2.]), T([3., 2.])), [3, 0]),
        ("half", lambda: games_ls.margin()(torch.full((1, 5000), .5).half(),
                                           torch.zeros(1, 5000).half()), [2500])],
    "objectives.variational.code_logpdf": [
        ("magnitude", lambda: vae.code_logpdf(T([[20.0078125]]), T([[20.]]), T([[-6.]])),
         [[-(2 ** -7 * math.exp(6)) ** 2 / 2 + 6 - math.log(2 * math.pi) / 2]])],
    "objectives.clustering.mixture_kl": [
        ("zero", lambda: games_clustering.mixture_kl(T([[-INF, 0.]]), T([[-INF, 0.]])), [0])],
    "objectives.clustering.usage_kl": [
        ("zero", lambda: games_clustering.usage_kl(T([[1., 0.]])), math.log(2))],
    "measures.frechet.frechet": [
        ("zero", lambda: frechet.frechet([0, 0], np.zeros((2, 2)), [3, 4], np.zeros((2, 2))), 25),
        ("magnitude", lambda: frechet.frechet([0], [[4e100]], [0], [[1e100]]), 1e100)],
    "measures.metrics.frechet_distance": [
        ("half", lambda: metrics.frechet_distance(points().bfloat16(), points().bfloat16()), 0),
        ("repeated", lambda: metrics.frechet_distance(torch.ones(9, 2), torch.ones(9, 2)), 0)],
    "measures.metrics.precision_recall": [
        ("repeated", lambda: metrics.precision_recall(copies(), copies()), (1, 1)),
        ("repeated", lambda: metrics.precision_recall(copies()[::8], copies()), (1, .125)),
        ("repeated", lambda: metrics.precision_recall(copies(40), copies(40)), (1, 1)),
        ("repeated", lambda: metrics.precision_recall(
            copies(40), torch.cat([copies(40)] * 100)), (1, 1)),
        ("magnitude", lambda: metrics.precision_recall(1e8 + copies(), 1e8 + copies()), (1, 1))],
    "measures.metrics.modes_covered": [
        ("nan", lambda: metrics.modes_covered(points() * NAN, laws.Ring())[:2], (0, 0)),
        ("dtype", lambda: metrics.modes_covered(leaf() * 0 + T([2., 0]), laws.Ring())[:2], (1, 1))],
    "measures.probes.nearest": [
        ("magnitude", lambda: probes.nearest(CODES[:2] * 1e-30, CODES[:2] * 1e30, 1),
         [[0], [1]]),
        ("magnitude", lambda: probes.nearest(CODES[:2].double() * 1e300, CODES[:2], 1),
         [[0], [1]])],
    "measures.probes.linear_probe": [
        ("magnitude", lambda: probes.linear_probe(
            CODES * 1e-30, T([0, 1, 1]), CODES * 1e-30, T([0, 1, 1]))[0], 1),
        ("magnitude", lambda: probes.linear_probe(
            CODES.double() * 1e300, T([0, 1, 1]), CODES.double() * 1e300, T([0, 1, 1]))[0], 1)],
    "game.in_full": [("half", lambda: game.in_full(torch.ones(2).half()).double(), [1, 1]),
                     ("nan", lambda: game.in_full(T([NAN])), [NAN])],
    "game.softplus": [("magnitude", lambda: game.softplus(T(21., dtype=torch.float64)) - 21,
                       math.log1p(math.exp(-21)))],
    "game.opaque": [("layers", lambda: [game.opaque(itself), game.opaque(nn.ReLU()), game.opaque(
        games_conditional.WithLabels(lambda x, y: x, ones()))], [True, False, True])],
    "game.couples_batch": [
        ("layers", lambda: [game.couples_batch(f, points()) for f in (
            statless(), Deviation(), Deviation(detached=True), Shortcut(nn.ReLU()),
            Tripled(2, 1), nn.Sequential(nn.Linear(2, 2), nn.Softmax(1)), nn.Dropout())],
         [True, True, True, False, False, False, False])],
}

RESULT, NETWORK = "what a function returns", "says something about a network, takes no number"
NOTHING_TO_BREAK = {
    "exact.laws.Law": "a base class",
    **dict.fromkeys("""exact.clustering.GaussianMixture exact.transport.Plan
        exact.generalised_loss_sensitive.CappedTransport exact.loss_sensitive.SVM
        exact.loss_sensitive.BestLoss exact.conditional_loss_sensitive.BestClassLoss
        exact.wasserstein_divergence.Reading objectives.loss_sensitive.OwnCost
        objectives.variational.RateSplit measures.metrics.PrecisionRecall measures.metrics.Coverage
        measures.probes.Share measures.prediction.Reliability measures.classifier.Judge
        exact.sinkhorn.Entropic exact.convergence.PenalisedCritic""".split(),
        RESULT),
    **dict.fromkeys("""players.modes.evaluating players.networks.takes_labels
        players.spectral.layers players.networks.Player players.encoders.Encoder
        game.arguments""".split(), NETWORK),
    "exact.checks.told": "takes anything", "game.of_labels": "takes any error",
    **dict.fromkeys("""objectives.minimax.minimax objectives.minimax.non_saturating
        objectives.adversarial_autoencoder.supervised_style
        objectives.adversarial_autoencoder.deterministic
        objectives.adversarial_autoencoder.gaussian""".split(), "losses of others"),
    "objectives.loss_sensitive.all_pairs": "counts of two batches, of any size",
    "measures.frechet.anchors_of": "of the course's own images",
    **dict.fromkeys(["measures.classifier.save", "measures.classifier.load"], "files of our own"),
}


def public(wings=("exact", "objectives", "players", "measures", "data.batches", "game")):
    """Every function and class of the wings, by its name below the package."""
    for wing in wings:
        top = importlib.import_module(f"gan_lessons.{wing}")
        inside = pkgutil.iter_modules(getattr(top, "__path__", []), f"{top.__name__}.")
        for module in [top, *(importlib.import_module(found.name) for found in inside)]:
            for name, value in vars(module).items():
                own = getattr(value, "__module__", None) == module.__name__
                if own and callable(value) and not name.startswith("_"):
                    yield f"{module.__name__.removeprefix('gan_lessons.')}.{name}"


def rows(table):
    return [pytest.param(acts, id=name) for name, acts in table.items()]


def test_every_public_function_stands_in_the_table():
    table = REFUSED.keys() | RIGHT.keys() | NOTHING_TO_BREAK.keys()
    assert not (missing := sorted(set(public()) - table)), f"no act for {missing}"
    assert not (gone := sorted(table - set(public()))), f"nothing is called {gone}"


def complaint(act, word):
    """What is wrong with a refusal; "" for a good one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            came = act()
    except (ValueError, TypeError, KeyError) as refusal:
        *_, last = traceback.extract_tb(refusal.__traceback__)
        package = pathlib.Path(gan_lessons.__file__).parent
        if not pathlib.Path(last.filename).is_relative_to(package):
            return f"raised in {last.filename}: {refusal}"
        return "" if re.search(word, str(refusal)) else f"{word!r} is not in: {refusal}"
    except Exception as error:  # noqa: BLE001  a warning, a crash of some library
        return f"{type(error).__name__}: {error}"
    return f"came back with {came}"


@pytest.mark.parametrize("acts", rows(REFUSED))
def test_refused_by_name(acts):
    wrong = [f"{i} {kind}: {said}" for i, (kind, act, word) in enumerate(acts)
             if (said := complaint(act, word))]
    assert not wrong, "\n".join(wrong)


NO_TENSOR = {
    "x": [lambda x: penalties.between(x, points()), lambda x: aae.squares(x, points()),
          lambda x: vae.gaussian_nll(x, points()), lambda x: f_vae.dequantised(x),
          lambda x: prediction.all_losses(lambda x, y: x, x, 2), flows.ActNorm(2),
          lambda x: networks.check_labels(x, ones(), 2), lambda x: games_ls.margin()(x, points()),
          classifier.warped, flows.Squeeze(), flows.point_flow()],
    "first": [lambda x: games_relativistic.pairwise(torch.square, x, x),
              lambda x: games_relativistic.average(torch.square, x, x)],
    "own": [lambda x: bounds.nwj(x, x), lambda x: bounds.donsker_varadhan(x, x)],
    "scores": [bounds.info_nce, bounds.own_and_other],
    "m": [lambda x: vae.kl_to_normal(x, x), lambda x: vae.draw_code(x, x)],
    "codes": [lambda x: probes.nearest(x, x, 1), lambda x: probes.linear_probe(x, x, x, x),
              lambda x: games_clustering.restart_empty(PRIOR, x)],
    "table": [games_clustering.usage_kl, games_clustering.responsibilities],
    "z": [PRIOR, f_vae.normal_nll], "A": [spectral.power_iteration], "a": [
        semi_supervised.source_logit], "shares": [aae.imbalance], "heads": [
        lambda x: aae.crowding(x, 1.)], "kernel": [lambda x: spectral.circular_norm(x, 4)],
    "losses": [lambda x: prediction.reliability(x, ones())]}


@pytest.mark.parametrize("name", NO_TENSOR)
def test_what_is_no_tensor_is_named(name):
    for act in NO_TENSOR[name]:
        for given in ([1., 2.], np.ones((2, 2)), 3., None):
            assert not complaint(lambda: act(given), f"^{name} is a torch.Tensor|^x .* not"), act


@pytest.mark.parametrize("acts", rows(RIGHT))
def test_right_value(acts):
    for kind, act, value in acts:
        with np.errstate(invalid="ignore"):
            found = act()
        found = found.detach().numpy() if isinstance(found, torch.Tensor) else np.asarray(found)
        np.testing.assert_allclose(found, value, rtol=3e-6, atol=1e-12, err_msg=kind)


def test_the_table_has_every_kind_many_times():
    kinds = [kind for table in (REFUSED, RIGHT) for acts in table.values() for kind, _, _ in acts]
    often = dict(nan=100, inf=40, rank=80, zero=60, negative=20, repeated=10, empty=35, dtype=90,
                 layers=20, half=8, magnitude=35)
    assert {kind: kinds.count(kind) for kind in often if kinds.count(kind) < often[kind]} == {}


# -- formats and layers that need more than one line -----------------------------------------------

GAMES = {
    "minimax": games_minimax.minimax, "non-saturating": games_minimax.non_saturating,
    "wasserstein": wasserstein.wasserstein, "hinge": wasserstein.hinge,
    "least squares": games_squares.least_squares, "loss-sensitive": games_ls.loss_sensitive,
    **{name: lambda name=name: games_relativistic.relativistic(name)
       for name in games_relativistic.KINDS},
    **{f"{name} {side}": lambda name=name, side=side: f_gan.f_gan(name, side)
       for name in ("KL", "reverse KL", "Pearson", "Jeffrey", "JS", "Le Cam")
       for side in f_gan.GENERATORS}}


@pytest.mark.parametrize("name", GAMES)
def test_losses_of_half_precision_are_those_of_the_rounded_scores(name):
    real, fake = T([-5., 1.4, 7.7, 2.7]), T([.3, -6.9, 4., 1.9])
    for kind in HALVES:
        for move in GAMES[name]().moves:
            half = loss(GAMES[name](), move.player, real.to(kind), fake.to(kind))
            full = loss(GAMES[name](), move.player, real.to(kind).double(), fake.to(kind).double())
            assert half.dtype == torch.float32
            assert half.item() == pytest.approx(full.item(), rel=2e-6, abs=2e-6)


@pytest.mark.parametrize("name", GAMES)
def test_a_score_that_is_nan_is_never_lost_in_a_loss(name):
    for move in GAMES[name]().moves:
        assert loss(GAMES[name](), move.player, plus(1.), plus(NAN)).isnan()


@pytest.mark.parametrize("f", [statless, Deviation, lambda: Deviation(detached=True),
                               lambda: games_conditional.WithLabels(
                                   lambda x, y: statless()(x), ones(4))],
                         ids=["batch norm without statistics", "deviation", "detached", "hidden"])
def test_both_is_two_calls_where_samples_are_coupled(f):
    torch.manual_seed(3)
    f, x, x_fake = f(), points(4), 3 * points(8)[4:]
    real, fake = game.both(f, x, x_fake)
    assert torch.equal(real, f(x)) and torch.equal(fake, f(x_fake))


def test_trying_a_strange_layer_leaves_no_trace():
    class Counted(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x):
            self.calls += 1
            return x.sum(1) + torch.randn(len(x)) * 1e-3

    f, state = Counted(), torch.get_rng_state()
    assert not game.couples_batch(f, points())
    assert torch.equal(state, torch.get_rng_state()) and f.calls == 0
    game.both(f, points(), points())
    assert f.calls == 1


@pytest.mark.parametrize("act", [nn.ReLU(inplace=True), nn.LeakyReLU(.3, inplace=True),
                                 nn.LeakyReLU(-3.), nn.ReLU(), nn.ELU(inplace=True)])
def test_slopes_are_those_of_the_function_that_is_computed(act):
    torch.manual_seed(5)
    for f in (Shortcut(act).double(), nn.Sequential(act, nn.Linear(2, 1), nn.Flatten(0)).double()):
        x = points().double()
        found = penalties.slopes(f, x)
        found.sum().backward()
        for i, e in enumerate(torch.eye(2).double() * 1e-6):
            slope = (f(x + e) - f(x - e)).detach() / 2e-6
            assert (found ** 2 + 1e-9 >= slope ** 2).all()
            torch.testing.assert_close(slope, gradients(f, x)[:, i], rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(found, gradients(f, x).norm(dim=1))


def gradients(f, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(f(x * 1).sum(), x)[0]


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
def test_the_lipschitz_bound_holds_for_every_padding(mode, stride):
    layer = conv(mode, stride)
    for side in (3, 8):
        true = torch.linalg.matrix_norm(spectral.unrolled(layer, (1, side, side)), 2).item()
        assert true <= spectral.lipschitz_bound(layer) * (1 + 1e-6)


def test_a_layer_that_was_zero_is_regularised_when_it_grows():
    layer, regularise = linear([0., 0.]), spectral.spectral_regularisation(2.)
    regularise(layer)
    layer.weight.data = T([[3., 4.]])
    for _ in range(3):
        total = regularise(layer)
    assert total.item() == pytest.approx(25)
