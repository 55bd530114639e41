"""Every public function was called with each argument of 44 wrong kinds: what ended wrongly, kind
by kind. Refused by name, or right."""
import copy
import functools
import io
import itertools
import math
import os
import pickle
import types
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

import gan_lessons as gl
from gan_lessons.data import datasets, folders
from gan_lessons.data.deskew import deskew
from gan_lessons.data.downloads import fetch
from gan_lessons.data.label_budget import Ledger, t_interval
from gan_lessons.drawing import diagrams, explorer, plots
from gan_lessons.exact import (
    clustering,
    conditional,
    convergence,
    infomax,
    laws,
    lipschitz,
    minimax,
    quadrature,
    relativistic,
    sinkhorn,
)
from gan_lessons.exact import conditional_loss_sensitive as exact_cls
from gan_lessons.exact import mmd as exact_mmd
from gan_lessons.exact import particles as flowing
from gan_lessons.exact import wasserstein_divergence as exact_div
from gan_lessons.exact.checks import fits
from gan_lessons.exact.divergences import softplus
from gan_lessons.exact.loss_sensitive import best_loss, distances, svm
from gan_lessons.exact.transport import best_critic, wasserstein_1_slope
from gan_lessons.explorers.gradients import entries
from gan_lessons.game import arguments
from gan_lessons.map import advice, results, scores
from gan_lessons.map.arena import contest, run_arena
from gan_lessons.map.best_critic import best_score, best_value, pushes, score_losses
from gan_lessons.map.edge import check_edge
from gan_lessons.map.edges import EDGES
from gan_lessons.map.gradients import atlas_curve, own_entry
from gan_lessons.map.ground import ground
from gan_lessons.map.long_runs import LongRunError, train_long
from gan_lessons.map.recipes import RECIPES, longer
from gan_lessons.map.stored_runs import strip_looks, write_png
from gan_lessons.map.study import load
from gan_lessons.measures import classifier, frechet, metrics, prediction, probes
from gan_lessons.objectives import adversarial_autoencoder as aae
from gan_lessons.objectives import clustering as games_clustering
from gan_lessons.objectives import f_vae, loss_sensitive, particles, variational
from gan_lessons.objectives import infomax as bounds
from gan_lessons.objectives import minimax as minimax_game
from gan_lessons.objectives import mmd as games_mmd
from gan_lessons.objectives import relativistic as relativistic_game
from gan_lessons.objectives.conditional import acgan
from gan_lessons.objectives.f_gan import f_gan
from gan_lessons.objectives.semi_supervised import semi_supervised, supervised
from gan_lessons.pixels import scaled
from gan_lessons.players import (
    encoders,
    flow_decoder,
    flows,
    fourier,
    marginals,
    networks,
    penalties,
)
from gan_lessons.players import image_networks as image
from gan_lessons.players.spectral import (
    circular_norm,
    operator_norm,
    spectrally_normalised,
    unrolled,
)
from gan_lessons.questions.mmd import half_energy

P, Q = gl.Normal(), gl.Normal(1, 1)
KL = gl.f_divergence("KL")
FLOW = flowing.LineFlow("JS", P, Q, 8)
X, Y = torch.ones(4, 2), torch.tensor([0, 1, 1, 0])
BYTES = torch.full((4, 1, 8, 8), 9, dtype=torch.uint8)
F = gl.mlp_critic(2, width=4)
HANDED_G = nn.Linear(2, 2)
SQUARES = np.array([[0., 0.], [1., 0.], [0., 2.], [1., 1.]])
PAIR = [[.25, .25], [.25, .25]]
AXES = plots.figure()[1]


@pytest.mark.parametrize("number", [Decimal("1.5"), Fraction(3, 2)])
@pytest.mark.parametrize("act", [
    lambda n: laws.Ring(radius=n), lambda n: laws.Grid(spacing=n), lambda n: laws.SwissRoll(n),
    lambda n: laws.SwissRoll(radius=n), lambda n: laws.Moons(n), lambda n: gl.Normal(0, n),
    lambda n: lipschitz.penalised_gap(P, Q, n), lambda n: distances(X, X, n),
    lambda n: best_loss(X, X, weight=n), lambda n: best_loss(X, X, kappa=n),
    lambda n: exact_div.linear_divergence(1., n), lambda n: exact_div.divergence(P, Q, 2., n),
    lambda n: exact_cls.best_class_loss(PAIR, PAIR, np.ones((2, 2)), first=n),
    lambda n: penalties.penalised(gl.minimax(), penalties.gradient_penalty, n),
    lambda n: marginals.Marginals(BYTES, n), lambda n: probes.linear_probe(X, Y, X, Y, n),
    lambda n: bounds.deep_infomax(n)])
def test_decimals_and_fractions_are_refused_by_name(act, number):
    with pytest.raises(ValueError, match=r"Decimal\('1.5'\)|Fraction\(3, 2\)|1\.5|3/2"):
        act(number)


@pytest.mark.parametrize("act, right", [
    (lambda n: exact_cls.asked_posterior(PAIR, PAIR, n), [[.5, .5], [.5, .5]]),
    (lambda n: exact_div.divergence(P, Q, n, 6.).gap, exact_div.divergence(P, Q, 2., 6.).gap),
    (lambda n: clustering.gaussian_mixture(SQUARES, 2, 5, n / 1000).shares,
     clustering.gaussian_mixture(SQUARES, 2, 5, .002).shares)])
def test_a_tensor_of_one_number_is_a_number(act, right):
    np.testing.assert_allclose(act(torch.tensor(2., dtype=torch.float64)), right)


@pytest.mark.parametrize("seed", [None, "a", -1, 1.5, math.nan, True, [0], np.zeros(2)])
@pytest.mark.parametrize("act", [
    lambda s: flows.Mixing(2, s), lambda s: flows.point_flow(seed=s),
    lambda s: flows.image_flow((1, 4, 4), 1, seed=s), lambda s: encoders.image_encoder(seed=s),
    lambda s: encoders.linear_encoder(2, 3, seed=s), lambda s: encoders.Statistics(2, 3, 4, seed=s),
    lambda s: networks.Projected(F, 3, s),
    lambda s: flow_decoder.FlowDecoder(F, couplings=1, seed=s),
    lambda s: games_clustering.GaussianMixturePrior(2, 2, seed=s),
    lambda s: aae.ClusterHeadDecoder(F, 3, seed=s)])
def test_a_seed_is_a_whole_number(act, seed):
    with pytest.raises(ValueError, match="seed = "):
        act(seed)


@pytest.mark.parametrize("flag", ["no", "", None, 1, 0., np.zeros(2), torch.zeros(2), [True]])
@pytest.mark.parametrize("name, act", [
    ("batch_norm", lambda v: image.image_generator(batch_norm=v)),
    ("batch_norm", lambda v: image.dcgan_critic(batch_norm=v)),
    ("batch_norm", lambda v: image.dcgan_generator(batch_norm=v)),
    ("squash", lambda v: encoders.image_encoder(squash=v)),
    ("normalise", lambda v: encoders.image_encoder(normalise=v)),
    ("swap", lambda v: flows.Coupling(F, swap=v)),
    ("affine", lambda v: flows.Coupling(F, affine=v)),
    ("affine", lambda v: flows.point_flow(affine=v)), ("mix", lambda v: flows.point_flow(mix=v)),
    ("mix", lambda v: flows.image_flow((1, 4, 4), 1, mix=v)),
    ("widths", lambda v: games_clustering.GaussianMixturePrior(2, 2, widths=v)),
    ("tilts", lambda v: games_clustering.GaussianMixturePrior(2, 2, tilts=v)),
    ("answers", lambda v: games_clustering.clustering(answers=v))])
def test_a_word_is_neither_true_nor_false(name, act, flag):
    with pytest.raises(ValueError, match=f"{name} = .*: True or False"):
        act(flag)


@pytest.mark.parametrize("net", [None, "f", 3, X, nn.Linear])
@pytest.mark.parametrize("act", [
    lambda net: networks.Concatenated(net, 3), lambda net: flows.Coupling(net),
    lambda net: flow_decoder.FlowDecoder(net), lambda net: f_vae.LearntNoise(net),
    lambda net: aae.ClusterHeadDecoder(net, 3), lambda net: spectrally_normalised(net)])
def test_a_part_that_is_no_network_is_named(act, net):
    with pytest.raises(TypeError, match="net is a network"):
        act(net)


@pytest.mark.parametrize("act", [
    lambda: gl.both(nn.Linear, X, X), lambda: penalties.slopes(nn.Linear, X),
    lambda: prediction.ClassLoss(nn.Linear), lambda: variational.gaussian_code(nn.Linear, X),
    lambda: encoders.codes(nn.Linear, X)])
def test_a_class_in_the_place_of_a_network(act):
    with pytest.raises((TypeError, ValueError), match="is the class Linear: make one of it"):
        act()


@pytest.mark.parametrize("act", [
    lambda x: gl.both(F, x, X), lambda x: gl.both(F, X, x), lambda x: penalties.slopes(F, x),
    lambda x: networks.check_labels(x, Y, 2), lambda x: prediction.confusion(Y, x.long(), 2),
    lambda x: prediction.predict(prediction.ClassLoss(F), x), lambda x: bounds.info_nce(x),
    lambda x: probes.nearest(x, X, 1), lambda x: probes.linear_probe(x, Y, X, Y),
    lambda x: variational.gaussian_code(F, x), lambda x: f_vae.flow_nll(flows.point_flow(), x),
    lambda x: encoders.codes(F, x),
    lambda x: games_clustering.restart_empty(games_clustering.GaussianMixturePrior(2, 2), x)])
def test_a_single_number_is_no_batch(act):
    with pytest.raises(ValueError, match=r"single number|\(n, \.\.\.\)"):
        act(torch.tensor(2.))


PACKED = [torch.eye(4).to_sparse(), torch.eye(4).to_sparse_csr(),
          torch.quantize_per_tensor(torch.ones(4, 4), .1, 0, torch.qint8)]


@pytest.mark.parametrize("x", PACKED, ids=["sparse", "csr", "quantised"])
@pytest.mark.parametrize("act", [
    lambda x: gl.both(F, x, x), lambda x: penalties.slopes(F, x), lambda x: penalties.equal_one(x),
    lambda x: penalties.at_most_one(x), lambda x: probes.nearest(x, x, 1),
    lambda x: probes.linear_probe(x, Y, x, Y), lambda x: variational.draw_code(x, x),
    lambda x: prediction.all_losses(lambda x, y: x[:, 0], x, 2), lambda x: bounds.info_nce(x),
    lambda x: games_clustering.responsibilities(x), lambda x: games_clustering.usage_kl(x),
    lambda x: circular_norm(x, 8), lambda x: plots.smooth(x), lambda x: plots.sheet(x),
    lambda x: plots.points(plots.figure()[1], x, "k"), lambda x: clustering.vote_accuracy(x),
    lambda x: clustering.contingency(x, x, 2), lambda x: encoders.codes(F, x),
    lambda x: plots.show_sheet(x, "Four words and more."), lambda x: softplus(x)])
def test_packed_tensors_are_refused_by_name(act, x):
    with pytest.raises((ValueError, TypeError), match="one by one|must be real numbers|slopes are"):
        act(x)


@pytest.mark.parametrize("act", [
    lambda x: probes.nearest(x, X, 1), lambda x: probes.nearest(X, x, 1),
    lambda x: probes.neighbours_agree(x, Y, X, Y, 1), lambda x: probes.linear_probe(x, Y, X, Y),
    lambda x: penalties.equal_one(x), lambda x: f_vae.bits_per_dimension(x, (2,)),
    lambda x: encoders.codes(lambda _: x, X)])
def test_imaginary_parts_are_not_dropped(act):
    with pytest.raises(ValueError, match="complex64|real numbers|is needed"):
        act(torch.ones(4, 2, dtype=torch.complex64))


# -- numbers of few bits ---------------------------------------------------------------------------

@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.int16, np.int64, np.bool_])
def test_tables_and_labels_of_few_bits_are_counted_right(kind):
    table = np.array([[1, 0], [0, 1]], kind)
    assert clustering.matching_accuracy(table) == clustering.vote_accuracy(table) == 1
    if kind is not np.bool_:
        clusters, labels = np.array([9, 9, 3], kind), np.array([99, 99, 1], kind)
        found = clustering.contingency(clusters, labels, 10, 100)
        assert found[9, 99] == 2 and found[3, 1] == 1 and found.sum() == 3


def test_counts_of_few_bits_stay_in_their_range():
    n = np.uint8(200)
    assert infomax.CorrelatedNormal(.5, n).dim == 400
    assert infomax.ratio_spread(.5, n, True) == infomax.ratio_spread(.5, 200, True)
    assert infomax.copies_info_nce(n, n) == infomax.copies_info_nce(200, 200)
    side = np.uint8(28)
    assert gl.mlp_critic((1, side, side), width=4)(torch.zeros(2, 1, 28, 28)).shape == (2,)
    assert gl.mlp_generator(2, (1, side, side), width=4)(torch.zeros(2, 2)).shape == (2, 1, 28, 28)
    critic = image.image_critic(width=np.uint8(130), dense=np.uint8(4))
    assert critic.layers[2].out_channels == 260
    assert encoders.Statistics(np.uint8(20), np.uint8(20), 2).picture[0].in_features == 400
    assert encoders.linear_encoder(np.uint8(20), np.uint8(20)).rest[1].in_features == 400


@pytest.mark.parametrize("kind", [torch.uint8, torch.int16, torch.int32])
def test_labels_of_few_bits_are_labels(kind):
    codes = torch.tensor([[1., 0.], [0., 1.], [.1, 1.], [1., .1]])
    for probe in (lambda y: probes.neighbours_agree(codes, y, codes, y, 1),
                  lambda y: probes.linear_probe(codes, y, codes, y)):
        assert probe(Y.to(kind)) == probe(Y)


# -- what is no function, no table, no set ---------------------------------------------------------

AX = plots.figure()[1]
ROW = dict(data="ring", objective="WGAN", seed=0, steps=3, wasserstein=1.)


@pytest.mark.parametrize("act, says", [
    (lambda: gl.both(lambda x: None, X, X), "write return before its scores"),
    (lambda: gl.both(F, SQUARES, SQUARES), "x is a torch.Tensor, not ndarray"),
    (lambda: gl.both(F, gl.Images(BYTES), X), "x is a torch.Tensor, not Images"),
    (lambda: gl.Game(torch.tensor(1.)), "a Game takes"),
    (lambda: gl.minimax()[np.zeros(2)], "does not move"),
    (lambda: arguments(3), "a function of named arguments, not 3"),
    (lambda: gl.mlp_critic(2, outputs=np.zeros(2)), "outputs"),
    (lambda: image.image_critic(outputs=np.zeros(2)), "outputs"),
    (lambda: gl.mlp_critic([]), "shape = "), (lambda: gl.mlp_generator(2, ()), "shape = "),
    (lambda: penalties.penalised(gl.minimax(), gl.minimax()["f"], 1., np.zeros(2)), "not move"),
    (lambda: f_vae.flow_nll(lambda x: x, X), "a bijection gives a pair"),
    (lambda: f_vae.flow_nll(lambda x: None, X), "a bijection gives a pair"),
    (lambda: variational.gaussian_code(lambda x: None, X), "what e gives is a torch.Tensor"),
    (lambda: encoders.codes(lambda x: None, X), "net gives None for a batch"),
    (lambda: prediction.ClassLoss(None), "net is a network or a function"),
    (lambda: relativistic.pairwise_value(P, Q, lambda x: None), "f of the places"),
    (lambda: relativistic.pairwise_value(P, Q, lambda x: x[:3]), "one score each"),
    (lambda: infomax.code_table(np.ones((2, 2)), lambda x: {}), "one value|that equals itself"),
    (lambda: best_value(nn.Linear(2, 1), P, Q), "those of a Game"),
    (lambda: best_value(3, P, Q), "those of a Game"),
    (lambda: softplus("a"), "c must be real numbers"), (lambda: softplus(None), "c must be"),
    (lambda: softplus(1j), "c must be"), (lambda: scaled([1, 2]), "pixels are a tensor"),
    (lambda: scaled(None), "pixels are a tensor"), (lambda: deskew(BYTES), "deskew takes Images"),
    (lambda: deskew(None), "deskew takes Images"),
    (lambda: Ledger(None, 1), "labels are whole numbers"),
    (lambda: Ledger(torch.ones(4), 1), "labels are whole numbers"),
    (lambda: Ledger("abc", 1), "labels are whole numbers"),
    (lambda: Ledger(Y[:, None], 1), "labels are whole numbers"),
    (lambda: t_interval([1., 2.], None), "level"), (lambda: t_interval([1., 2.], "a"), "level"),
    (lambda: t_interval([10 ** 400, 1.]), "finite numbers|one number each"),
    (lambda: gl.Images(BYTES, Y, torch.tensor(1)), "classes are names"),
    (lambda: gl.Images(BYTES, Y, torch.arange(2)), "classes are names"),
    (lambda: gl.Images(BYTES, Y, name=3), "what the set is called"),
    (lambda: gl.load_images("mnist", np.zeros(2)), "choose .train. or"),
    (lambda: gl.load_images("mnist", None), "choose .train. or"),
    (lambda: plots.figure(True), "columns = True"),
    (lambda: plots.square_grid(10 ** 400, 3), "reach"),
    (lambda: plots.smooth([[1.], [1., 2.]]), "what is smoothed is numbers"),
    (lambda: plots.sheet([[1.], [1., 2.]]), "a sheet shows pictures"),
    (lambda: plots.draw_densities(AX, [0., 1.], P, Q, lambda x: None), "c gives logits"),
    (lambda: plots.classes(AX, [1, 2], dict), "names are a list"),
    (lambda: gl.Images(BYTES, Y, dict), "classes are names"),
    (lambda: gl.expectation(P, gl.Normal), "h = the class Normal: a function"),
    (lambda: quadrature.sign_changes(lambda x: None, [0., 1.]), "h of the edges"),
    (lambda: quadrature.sign_changes(np.sin, [0., 1.], from_zero="no"), "True or False"),
    (lambda: relativistic_game.pairwise(lambda d: None, X[:, 0], X[:, 0]), "what h returns"),
    (lambda: relativistic_game.average(dict, X[:, 0], X[:, 0]), "h = the class dict"),
    (lambda: prediction.all_losses(lambda x, y: None, X, 2), "what l returns"),
    (lambda: prediction.all_losses(dict, X, 2), "the class dict"),
    (lambda: prediction.predict(F, X, 2), r"takes x alone: ClassLoss\(net, classes\)"),
    (lambda: metrics.precision_recall([[1.], [1., 2.]], X), "fakes are a tensor"),
    (lambda: metrics.precision_recall(torch.eye(4).to_sparse(), X), "one by one"),
    (lambda: metrics.kernel_distance(PACKED[2], X), "one by one"),
    (lambda: games_clustering.restart_empty(games_clustering.GaussianMixturePrior(2, 2), X > 0),
     "codes of torch.bool"),
    (lambda: f_gan("KL", np.zeros(2)), "no generator loss"),
    (lambda: bounds.deep_infomax(prior=np.zeros(2)), "prior is"),
    (lambda: f_vae.normal_nll(torch.tensor(1.)), "single number"),
    (lambda: results.arena_rows(os.sep), "no results"), (lambda: results.arena_rows(""), "no res"),
    (lambda: results.short(10 ** 400), "in short"), (lambda: results.short(True), "in short"),
    (lambda: results.summary(torch.tensor(1.)), "rows are"),
    (lambda: plots.draw_density(None, [0., 1.], P, "k"), "draws on axes"),
    (lambda: plots.draw_density(nn.Linear(2, 1), [0., 1.], P, "k"), "draws on axes"),
    (lambda: plots.draw_density(AX, 3., P, "k"), "places on the line"),
    (lambda: plots.draw_density(AX, np.zeros((2, 2)), P, "k"), "places on the line"),
    (lambda: plots.draw_density(AX, "ab", P, "k"), "places on the line"),
    (lambda: plots.draw_densities(AX, [0., 1.], P, Q, "c"), "c is the logit"),
    (lambda: plots.draw_densities(AX, [0., 1.], P, Q, F), "on_arrays"),
    (lambda: plots.classes(AX, [1, 2], {"a", "b"}), "names are a list"),
    (lambda: plots.classes(AX, [1, 2], 3), "names are a list"),
    (lambda: plots.classes(AX, [1, 2], "ab"), "names are a list"),
    (lambda: explorer.slider(0, 10 ** 400, 1, 1, "a"), "slider 'a'"),
    (lambda: explorer.slider(-10 ** 400, 1, 1, 1, "a"), "slider 'a'"),
    (lambda: explorer.choice(torch.tensor(1), 1, "a"), "its options are a list"),
    (lambda: results.coverage(None), "n = None"), (lambda: results.coverage(math.nan), "n = nan"),
    (lambda: results.coverage(2.5), "n = 2.5"), (lambda: results.short(None), "not None"),
    (lambda: results.short("a"), "not 'a'"), (lambda: results.arena_rows(None), "results are"),
    (lambda: results.arena_rows(3), "results are"), (lambda: results.summary(None), "rows are"),
    (lambda: results.summary("toys"), "rows are"), (lambda: results.summary(ROW), "rows are"),
    (lambda: results.summary([3]), "a row is a dictionary"),
    (lambda: results.summary([{"data": "ring"}]), "lacks objective, seed"),
    (lambda: results.summary([ROW], 3), "measures are names"),
    (lambda: results.summary([ROW], {"recall"}), "measures are names"),
    (lambda: results.summary([ROW], [3]), "measures are names"),
    (lambda: results.table([ROW], ["recall"], None), "data is the name"),
    (lambda: results.table(None, ["recall"], "ring"), "rows are"),
    (lambda: results.summary([ROW | dict(wasserstein="x")]), "wasserstein of WGAN on ring is 'x'"),
    (lambda: results.summary([ROW | dict(wasserstein=None)]), "is None, no number"),
    (lambda: results.summary([ROW | dict(recall=True)]), "recall of WGAN on ring is True"),
    (lambda: results.summary([ROW | dict(data=["ring"])]), "data of a row is"),
    (lambda: results.summary([ROW | dict(objective=3)]), "objective of a row is 3"),
    (lambda: results.recompute(None), "a row is a dictionary"),
    (lambda: contest("mine", "ring", own=gl.minimax()), "own = Game.*games by their names"),
    (lambda: contest("mine", "ring", own=3), "own = 3: games by their names"),
    (lambda: contest("x", "ring", own={"x": 3}), "own.'x'. is a Game, .Game, dict"),
    (lambda: contest("x", "ring", own={"x": (gl.minimax(), 3)}), "own.'x'. is a Game"),
    (lambda: contest("x", "ring", own={"x": (gl.minimax(),)}), "own.'x'. is a Game"),
    (lambda: contest("x", "ring", own={"x": gl.minimax().move_of("f").loss}), "own.'x'. is a func"),
    (lambda: contest("x", "ring", 0, 2, {"x": lambda at: 3}), "'x' gives 3 for the Ground"),
    (lambda: contest("x", "ring", own={"x": (gl.minimax(), dict(turns=5))}), "turns = 5: moves"),
    (lambda: contest("x", "ring", own={"x": (gl.minimax(), dict(lr="a"))}), "lr = 'a': a learning"),
    (lambda: contest("x", "ring", own={"x": (gl.minimax(), dict(optimizer="sgdd"))}),
     "optimizer = 'sgdd': one of adam, rmsprop"),
    (lambda: contest("x", "ring", own={"x": (gl.minimax(), dict(normalised="no"))}), "True or Fa"),
    (lambda: contest("WGAN", "ring", "a", 2), "seed = 'a': a whole number"),
    (lambda: contest("WGAN", ["ring"], 0, 2), "data = .'ring'.: the name of an arena"),
    (lambda: check_edge("WGAN"), "edge = 'WGAN': an Edge"),
    (lambda: load("https://x.org/a.csv"), "is an address: fetch the file"),
    (lambda: entries([gl.minimax()]), "games by their names"),
    (lambda: results.recompute({"data": "ring"}), "lacks objective, seed, steps"),
    (lambda: pushes(gl.minimax(), None), r"pairs = None: a list of pairs of laws, as \[\(p, q\)"),
    (lambda: pushes(gl.minimax(), (P, Q)), "a list of pairs"),
    (lambda: pushes(gl.minimax(), P), "a list of pairs"),
    (lambda: pushes(gl.minimax(), [(P, Q, P)]), "a list of pairs"),
    (lambda: pushes(gl.minimax(), "pq"), "a list of pairs"),
    (lambda: KL.phi("a"), "u must be real numbers"), (lambda: KL.phi(None), "u must be"),
    (lambda: KL.phi(-1.), "u = -1: a ratio of densities"),
    (lambda: gl.f_divergence("Pearson").phi([1., -2.]), "u = -2: a ratio of densities"),
    (lambda: KL.conjugate("a"), "t must be real numbers"), (lambda: KL.conjugate({}), "t must be"),
    (lambda: KL.activation(None), "v must be"), (lambda: KL.composed("a"), "v must be"),
    (lambda: KL.best("a"), "c must be"),
    (lambda: games_mmd.mmd2(1., X, X), "kernel is a function of two batches.* 1.0 is none"),
    (lambda: games_mmd.mmd2(lambda x: x, X, X), "does not take that"),
    (lambda: games_mmd.mmd2(exact_mmd.gaussian(1.), X, X), r"kernel gives \(4, 2\) for 4 and 4"),
    (lambda: games_mmd.mmd_gan(1.), "kernel is a function"),
    (lambda: games_mmd.mmd2(nn.Linear(2, 2), X, X), "Linear is no kernel.*as gaussian"),
    (lambda: gl.Line().to("meta")(X), "these weights are on the device meta"),
    (lambda: games_mmd.mmd2(games_mmd.cubic, X, X.double()), "real samples in torch.float32"),
    (lambda: games_mmd.sliced(torch.tensor(1.), X), "x is a single number"),
    (lambda: games_clustering.usage_kl(5 * X), "rows of r sum to 1.* not to 10"),
    (lambda: atlas_curve("WGAN", "a"), "distance must be real numbers"),
    (lambda: atlas_curve("WGAN", [1.], "a"), "sigma = 'a'"),
    (lambda: atlas_curve("minimax GAN", [1.], beta=3), "has no parameter 'beta': its own are none"),
    (lambda: atlas_curve("VAE", [1.], gamma=3), "no parameter 'gamma': its own are beta"),
    (lambda: games_mmd.mmd_gan(nn.Linear), "the class Linear is none"),
    (lambda: games_mmd.matching(games_mmd.mmd2), "as sliced or partial.*missing a required"),
    (lambda: games_mmd.matching(nn.MSELoss), "the class MSELoss is none"),
    (lambda: games_mmd.matching(games_mmd.sliced, lambda: 0), "features is a function of a batch"),
    (lambda: particles.rescaled(np.tanh), "a rising function of tensors"),
    (lambda: particles.rescaled(nn.Softplus), "the class Softplus"),
    (lambda: particles.rescaled(lambda c: c.mean()), "a rising function of tensors"),
    (lambda: particles.rescaled(torch.neg), "falls between -1 and 1.*take -h"),
    (lambda: particles.denoising_loss(nn.Linear(3, 3), X, .1), r"samples of shape \(4, 2\)"),
    (lambda: particles.denoising_loss(lambda x: [x], X, .1), "what the denoiser makes is"),
    (lambda: particles.distribution_matching(.1, "JS")["g"](
        HANDED_G, nn.Linear(2, 2), HANDED_G, HANDED_G, X), r"f gives \(4, 2\) for 4 samples"),
    (lambda: flow_decoder.FlowDecoder(nn.Linear(2, 9), (1, 4, 4))(X), r"net makes \(9,\) of"),
    (lambda: diagrams.boxes(AX, ["a"]), r"boxes are a dictionary, name -> \(x, y, text\)"),
    (lambda: diagrams.boxes(AX, {"a": (0,)}), "boxes are a dictionary"),
    (lambda: particles.noised(BYTES, .1), "x of format torch.uint8: noise is added"),
    (lambda: networks.Noise(.1)(Y), "x of format torch.int64: noise is added"),
    (lambda: gl.wasserstein(penalties.penalty), "penalty is a function of .f, x, x_fake.*does not"),
    (lambda: gl.wasserstein(3.), "penalty is a function of"),
    (lambda: penalties.penalised(gl.minimax(), penalties.zero_centred, 1.), "does not take that"),
    (lambda: penalties.penalty("between"), "where is a function of x and x_fake.*'between'"),
    (lambda: penalties.penalty(ask=penalties.power(2.)(X[:, 0])), "ask is a function of slopes"),
    (lambda: penalties.at_few(3, 3), "where is a function"),
    (lambda: penalties.zero_centred(penalties.zero_centred(), .1), "where.*does not take that"),
    (lambda: loss_sensitive.loss_sensitive(1.), "margin is a function of x and x_fake.* 1.0 is"),
    (lambda: loss_sensitive.loss_sensitive("l1"), "margin is a function"),
    (lambda: loss_sensitive.loss_sensitive(cost=.5), "cost is a function"),
    (lambda: loss_sensitive.loss_sensitive(pairs="all"), "pairs is a function"),
    (lambda: semi_supervised(2e-4), "margin is a function"),
    (lambda: f_gan("KL", bend="asinh"), "bend is a function of scores that rises"),
    (lambda: f_gan("KL", bend=nn.Softplus), "the class Softplus is none"),
    (lambda: relativistic_game.relativistic((3, "logistic")), "a comparison is a function of h"),
    (lambda: relativistic_game.relativistic((relativistic_game.pairwise, 3)),
     "a pair loss is a function"),
    (lambda: gl.wasserstein(lambda f, x, x_fake: None)["f"](F, HANDED_G, X, X),
     "what the penalty gives is a torch.Tensor, not NoneType"),
    (lambda: penalties.penalised(gl.minimax(), lambda f, x, x_fake: None, 1.)["f"](
        f=F, g=HANDED_G, x=X, z=X), "what the penalty gives is"),
    (lambda: penalties.penalty(ask=lambda s: "a")(F, X, X), "what ask gives is a torch.Tensor"),
    (lambda: loss_sensitive.loss_sensitive(cost=lambda a: None)["l"](F, HANDED_G, X, X),
     "what the cost gives is"),
    (lambda: loss_sensitive.loss_sensitive(pairs=lambda n, m: [0])["l"](F, HANDED_G, X, X),
     "pairs gives .0.: the numbers i of the real"),
    (lambda: aae.adversarial_autoencoder(lambda e, x: None)["e d"](HANDED_G, HANDED_G, X),
     "what code gives is a torch.Tensor"),
    (lambda: aae.adversarial_autoencoder("gaussian"), "code is a function of e and x.*'gaussian'"),
    (lambda: aae.adversarial_autoencoder(aae.universal), "code is a function.*does not take that"),
    (lambda: aae.supervised_style(3), "code is a function"),
    (lambda: aae.label_informed(10), "10 has no mixture components to tie labels to"),
    (lambda: aae.label_informed(gl.Ring(8)), "8 mixture components cannot be shared out among 10"),
    (lambda: bounds.deep_infomax(gamma=0)["e"](F, encoders.Statistics(2, 3, 4), X),
     r"Player has no .views\(x\).*take image_encoder"),
    (lambda: bounds.deep_infomax(gamma=0)["e"](
        encoders.image_encoder(width=2), nn.Linear(2, 1), torch.ones(4, 1, 28, 28)),
     r"Linear has no .local\(features, z\).*take statistics_network"),
    (lambda: games_clustering.clustering()["e"](
        gl.mlp_critic(2, outputs=4), gl.mlp_generator(2, 2), F, X), "h gives .4,. for 4 codes"),
    (lambda: best_loss([[0.]], [[1.]], margin=[[1.]]), "margin = .*a function"),
    (lambda: fourier.fourier_critic((1, 8, 8))(X), r"does not take samples of shape \(4, 2\)"),
    (lambda: F(X[0]), r"does not take samples of shape \(2,\).*built for"),
    (lambda: F(torch.tensor(1.)), r"does not take samples of shape \(\)"),
    (lambda: penalties.slopes(F, X[0]), r"does not take samples of shape \(2,\)"),
    (lambda: encoders.image_encoder(width=2)(torch.ones(1, 28, 28)), r"of shape \(1, 28, 28\)"),
    (lambda: gl.image_critic(width=2)(torch.ones(4, 1, 32, 32)), r"built for, \(n, 1, 28, 28\)"),
    (lambda: image.dcgan_critic((3, 32, 32), 2)(torch.ones(4, 3, 28, 28)), r"\(n, 3, 32, 32\)"),
    (lambda: flows.Coupling(lambda h: None)(X), "what the network of a coupling says is a torch"),
    (lambda: flows.Mixing(2).to("meta")(X), "the matrix of this step lies on the device meta"),
    (lambda: metrics.report(None, X), "fakes? "),
    (lambda: acgan()["f"](gl.mlp_critic(2, outputs=3), HANDED_G, X, Y, X),
     r"takes 2 positional arguments.*take Concatenated\(...\)"),
    (lambda: gl.minimax()["f"](networks.Projected(F, 2), HANDED_G, X, X), "play conditional.game"),
    (lambda: fourier.fourier_critic(2).to("meta")(X), "on meta, the samples on cpu"),
    (lambda: score_losses(gl.minimax()).real("a"), "score must be real numbers"),
    (lambda: score_losses(gl.minimax()).slopes("ab"), "score must be real numbers"),
    (lambda: score_losses(gl.minimax()).generator_slope(None), "score must be real numbers"),
    (lambda: gl.Images(BYTES, Y, ["a", None]), "a class is called None"),
    (lambda: train_long("07 WGANGP", steps=1), "no long run '07 WGANGP'; there are"),
    (lambda: half_energy(np.eye(2), np.eye(2)), r"are \(n,\) and \(m,\), not \(2, 2\)"),
    (lambda: F(torch.ones(4, 3)), r"does not take samples of shape \(4, 3\).*built for"),
    (lambda: F.features(torch.ones(4, 3)), r"does not take samples of shape \(4, 3\)"),
    (lambda: exact_mmd.mmd2(P, Q, exact_mmd.gaussian), "is no kernel.*as gaussian.1..* makes one"),
    (lambda: exact_mmd.witness(P, Q, lambda x: x)(0.), "is no kernel"),
    (lambda: exact_mmd.witness(P, Q, lambda x, y: x)(0.), "kernel gives shape"),
    (lambda: exact_mmd.normal_mmd2_slope(1., 1., -1.), "sd = -1.0"),
    (lambda: exact_mmd.normal_mmd2_slope(1., 1., math.nan), "sd = nan"),
    (lambda: convergence.Dirac().field(1.), r"v has shape \(\): the two places"),
    (lambda: convergence.Dirac().field([1., 2., 3.]), r"v has shape \(3,\)"),
    (lambda: convergence.Dirac().field("ab"), "v must be real numbers"),
    (lambda: convergence.walk(lambda v: None, [1., 0.], 3), "field must be real numbers"),
    (lambda: convergence.walk(lambda v: np.ones(3), [1., 0.], 3), r"field gives shape \(3,\)"),
    (lambda: convergence.walk(np.sin, [1., 0.], 10 ** 9), "rounds = 1000000000.*from 0 to"),
    (lambda: convergence.walk(np.sin, [1., 0.], 3, moves=10 ** 9), "moves = 1000000000"),
    (lambda: convergence.penalised_critic(P, Q, 1., 1., 10 ** 9), "cells = 1000000000"),
    (lambda: convergence.penalised_critic(P, Q, 1., 1., 9)("a"), "x must be real numbers"),
    (lambda: flowing.LineFlow("JS", P, Q, 10 ** 9), "n = 1000000000"),
    (lambda: FLOW.energy(FLOW.x[::-1]), "positions that do not rise"),
    (lambda: FLOW.velocity([0., 1.]), r"positions of shape \(2,\)"),
    (lambda: FLOW.density(np.zeros(8)), "positions that do not rise"),
    (lambda: FLOW.velocity("a" * 8), "positions must be real numbers"),
    (lambda: sinkhorn.sinkhorn([.5, .5], [.5, .5], np.eye(2), 1., "a"), "tolerance = 'a'"),
    (lambda: sinkhorn.softmin(np.eye(2), [0., math.nan], [.5, .5], 1.), "potential: nan"),
    (lambda: sinkhorn.softmin(np.eye(2), [0., 1.], [-.5, 1.5], 1.), "masses = .*0 or more"),
    (lambda: sinkhorn.softmin(np.eye(2), ["a", "b"], [.5, .5], 1.), "potential must be real"),
    (lambda: sinkhorn.sinkhorn_divergence([.5, .5], [.5, .5], np.eye(2), np.ones((2, 3)), 1.),
     "have 2 numbers each, fake ones 3"),
    # a critic with another number of scores than samples, samples without a number
    (lambda: gl.both(lambda x: F(x)[1:], X, X), r"f returns shape \(3,\) for 4 samples"),
    (lambda: gl.both(nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)), torch.ones(4, 1, 2, 2), X),
     r"shape \(8,\) for 4 samples"),
    (lambda: gl.both(F, X[:0], X), r"x of shape \(0, 2\): no sample"),
    (lambda: gl.batches(torch.ones(4, 0)), r"the data have shape \(4, 0\)"),
    (lambda: gl.Images(BYTES[:, :, :0]), "show nothing"),
    (lambda: plots.sheet(np.zeros((4, 1, 0, 8))), "a sheet shows pictures"),
    (lambda: metrics.precision_recall(X[:, :0], X[:, :0], k=1), "hold no number"),
    (lambda: probes.nearest(X[:, :0], X[:, :0], 1), "of one size d"),
    # what never ends
    (lambda: gl.Game(itertools.repeat(gl.Move("f", lambda f, x: 0))), "a Game takes"),
    (lambda: gl.Images(BYTES, None, map(str, itertools.count())), "classes: more than 1,000,000"),
    (lambda: gl.batches(gl.Ring()).draw(itertools.repeat("x")), "names: more than 1,000"),
    (lambda: explorer.choice(map(str, itertools.count()), "1", "c"), "fewer than 1,000 options"),
    (lambda: results.summary(itertools.repeat({})), "rows: more than 1,000,000"),
    (lambda: pushes(gl.minimax(), itertools.repeat((P, Q))), "pairs: more than 1,000,000"),
    (lambda: run_arena("toys", "x.csv", seeds=itertools.count()), "seeds: more than 1,000,000"),
    # functions that take or give something else
    (lambda: quadrature.expectation(P, torch.sin), "sin of torch, which takes tensors"),
    (lambda: quadrature.bisect(lambda x: None, 0., 1.), "true or false for each"),
    (lambda: quadrature.bisect(lambda a, b: a, 0., 1.), r"\(k,\) -> \(k,\), and .* does not take"),
    (lambda: quadrature.sign_changes(lambda x: np.ones(2), [0., 1.]), "before gives"),
    (lambda: relativistic.pairwise_value(P, Q, None, lambda a: 1.), r"h gives shape \(\)"),
    (lambda: infomax.CorrelatedNormal(.5).own(np.sin), "h is a function of two arrays|does not ta"),
    (lambda: infomax.CorrelatedNormal(.5).own(lambda x, z: 1j * x), "h must be real numbers"),
    (lambda: lipschitz.penalised_gap(P, Q, 1., lambda p, q: None), "where=... gives None"),
    (lambda: lipschitz.penalised_gap(P, Q, 1., lambda p: p.pdf), "where is a function, .p, q."),
    (lambda: exact_div.divergence(P, Q, 2., 6., lambda p, q: lambda x: 1.), "of shape .. for plac"),
    (lambda: exact_div.divergence(P, Q, 2., 6., lambda p, q: lambda x: -p.pdf(x)), "below 0"),
    (lambda: conditional.within(gl.Mixture([P, Q]), gl.Mixture([Q, P]), lambda p, q: None),
     "a divergence is one number"),
    (lambda: exact_mmd.mmd2(P, Q, np.sin), "sin is no kernel"),
    (lambda: loss_sensitive.loss_sensitive(lambda x, y: 1.)["l"](F, HANDED_G, X, X),
     "what the margin gives is a torch.Tensor, not float"),
    (lambda: loss_sensitive.loss_sensitive(pairs=lambda n, m: (torch.tensor([9]),) * 2)["l"](
        F, HANDED_G, X, X), "pairs gives numbers that no sample"),
    (lambda: gl.log_ratio(gl.Ring(), P), "samples of 2 and of 1 numbers have no ratio"),
    (lambda: gl.log_ratio(types.SimpleNamespace(logpdf=lambda x: "a"), P)(0.),
     "a log density must be real numbers"),
    (lambda: penalties.zero_centred(sd=.1)(lambda x: x.numpy().sum(1), X, X),
     "what f returns is a torch.Tensor, not ndarray"),
    (lambda: spectrally_normalised(nn.Sequential(nn.LazyLinear(1))), "no numbers yet.*nn.Lazy"),
    (lambda: operator_norm(nn.LazyLinear(1), (2,)), "no numbers yet.*nn.Lazy"),
    (lambda: unrolled(nn.LazyLinear(1), (2,)), "no numbers yet.*nn.Lazy"),
    # the map's tables and figures
    (lambda: advice.by_luck("3"), "n = '3'"), (lambda: advice.by_luck(2, 0), "m = 0"),
    (lambda: advice.choices("rows"), "rows are a list"),
    (lambda: advice.decision_table([], 0), "most = 0"),
    (lambda: advice.tell_apart("WGAN", "GAN"), "no entry of summary"),
    (lambda: advice.tell_apart({"measure": "recall"}, {"measure": "frechet"}), "two measures"),
    (lambda: best_score(gl.minimax(), math.nan), "log_r holds nan"),
    (lambda: check_edge(EDGES[0], colour=3), "take no colour"),
    (lambda: own_entry(3, gl.minimax()), "name = 3"),
    (lambda: scores.assignment_distance("a", "b"), "fakes must be real numbers"),
    (lambda: scores.assignment_distance(X * math.nan, X), "fakes: nan"),
    (lambda: scores.score(X, "ring"), "at = 'ring': a Ground"),
    (lambda: scores.anchor("nois", ground("ring")), "no anchor 'nois'"),
    (lambda: longer(RECIPES["WGAN-GP"], 0), "steps = 0"),
    (lambda: longer(RECIPES["WGAN-GP"], 9, colour=3), "a Recipe has no colour"),
    (lambda: longer(3, 9), "recipe = 3: a Recipe"),
    (lambda: strip_looks(-1), "n = -1"), (lambda: write_png("x.png", "text"), "a picture must"),
    (lambda: results.sheet_path(None, "own", "WGAN"), "folder = None"),
    (lambda: classifier.accuracy_of(None, X), "Images with labels"),
    (lambda: frechet.features_of(classifier.Classifier(), "feature", torch.ones(2, 1, 28, 28)),
     "the name of its method"),
    (lambda: explored(still=3), "names of controls"),
    (lambda: diagrams.arrow(AXES, 3, (0, 0)), "between boxes, or points"),
    (lambda: diagrams.box(AXES, 0, 0, "a", "greenish"), "colour = 'greenish'"),
    (lambda: plots.points(AXES, X, ["k"] * 3), "colour = "),
    (lambda: plots.classes(AXES, [1, 2], colour="greenish"), "colour = 'greenish'"),
])
def test_what_it_is_not_is_said(act, says):
    with pytest.raises((TypeError, ValueError, KeyError, FileNotFoundError, LongRunError),
                       match=says):
        act()


@pytest.mark.parametrize("act", [
    lambda f, x: gl.both(f, x, x), lambda f, x: penalties.slopes(f, x),
    lambda f, x: gl.minimax()["f"](f, lambda z: x, x, x),
    lambda f, x: variational.gaussian_code(f, x),
    lambda f, x: prediction.all_losses(lambda x, y: f(x), x, 2),
    lambda f, x: encoders.codes(f, x)])
@pytest.mark.parametrize("f", [F, nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)),
                               encoders.image_encoder(width=2).eval()],
                         ids=["ours", "theirs", "image"])
def test_samples_of_another_shape_are_named(act, f):
    with pytest.raises(ValueError, match=r"does not take samples of shape .*3, 3.*of the size"):
        act(f, torch.ones(4, 3, 3))


def test_an_empty_set_stays_empty_when_it_is_made_upright():
    assert len(deskew(gl.Images(BYTES[:0]))) == 0


def test_a_whole_disk_is_no_folder_of_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "MOST", 20)
    for folder in "ab":
        (tmp_path / folder).mkdir()
        for i in range(9):
            (tmp_path / folder / f"{i}.txt").write_text("")
    with pytest.raises(datasets.DataUnavailable, match="has no pictures"):
        gl.load_images(tmp_path, size=8)                        # 18 files in 2 folders: looked at
    (tmp_path / "more.txt").write_text("")
    with pytest.raises(datasets.DataUnavailable, match="more than 20 files and folders below it: "
                                                       "name the folder of the pictures"):
        gl.load_images(os.fspath(tmp_path), size=8)


def test_a_judge_writes_where_only_ascii_can_be_written(monkeypatch):
    for encoding in ("ascii", "cp1252"):
        said = io.TextIOWrapper(io.BytesIO(), encoding)
        monkeypatch.setattr("sys.stdout", said)
        gl.check("00 quarter", 3)
        gl.agree(lambda x: x, lambda x: x, name="σ")
        said.flush()
        monkeypatch.undo()
        assert b"00 quarter: not yet" in said.buffer.getvalue()


def test_samples_are_those_of_a_player_by_its_symbol():
    nets = dict(f=gl.mlp_critic(2, width=4), g=gl.mlp_generator(2, 2, width=4))
    run = gl.train(gl.minimax(), nets, gl.batches(gl.Ring(), z=gl.Normal(dim=2)), steps=1,
                   watch=None)
    for player in (["g"], None, 3, {"g"}):
        with pytest.raises(KeyError, match="no player .* to draw samples from"):
            run.samples(2, player=player)


def test_a_number_that_is_none_counts_as_a_run_that_broke_down():
    rows = [ROW | dict(seed=i, wasserstein=w) for i, w in enumerate([1., math.nan, 2.])]
    found, = results.summary(rows, "wasserstein")
    assert (found["median"], found["low"], found["high"], found["failed"]) == (2., 1., math.inf, 1)


# -- laws and functions of one's own ---------------------------------------------------------------

class Own(laws.Law):
    """A law of one's own: that of `P`, but for what is said."""
    def __init__(self, more=0., cdf=P.cdf, as_tensor=False):
        self.more, self.cdf, self.as_tensor = more, cdf, as_tensor

    def logpdf(self, x):
        found = P.logpdf(x) + self.more
        return torch.as_tensor(found) if self.as_tensor else found

    def sf(self, x):
        return 1 - self.cdf(x)

    edges, score = staticmethod(P.edges), staticmethod(P.score)


@pytest.mark.parametrize("act", [
    minimax.generator_gradient, relativistic.pairwise_value, relativistic.product_js,
    relativistic.rsgan_gradient])
def test_a_density_that_is_none_has_no_gradient(act):
    for laws_ in ((Own(1.), Q), (Q, Own(-1.))):
        with pytest.raises(ValueError, match="integrates to .* not to 1"):
            act(*laws_)


@pytest.mark.parametrize("cdf", [
    lambda x: 1 - P.cdf(x), lambda x: 2 * P.cdf(x), lambda x: 0 * x + .5,
    lambda x: P.cdf(x) + .3 * np.sin(x) ** 2])
def test_shares_that_are_none_have_no_distance(cdf):
    for act in (gl.wasserstein_1, wasserstein_1_slope, best_critic):
        with pytest.raises(ValueError, match="cdf and sf of .* are no shares of a law|nan|rises"):
            act(Own(cdf=cdf), Q)


@pytest.mark.parametrize("name", ["KL", "JS", "reverse KL"])
def test_a_law_that_speaks_torch_is_a_law(name):
    D = gl.f_divergence(name)
    assert D(Own(as_tensor=True), Q) == pytest.approx(D(P, Q), rel=1e-12)
    assert gl.kl(Own(as_tensor=True), Q) == pytest.approx(.5)


@pytest.mark.parametrize("scores", [(X,), [1.] * 4, "a", {}], ids=str)
def test_scores_are_one_tensor(scores):
    with pytest.raises(ValueError, match="scores are one tensor"):
        gl.both(lambda x: scores, X, X)
    with pytest.raises(ValueError, match="scores are one tensor"):
        gl.minimax()["f"](lambda x: scores, lambda z: z, X, X)
    with pytest.raises(ValueError, match="what f returns is a torch.Tensor"):
        penalties.slopes(lambda x: scores, X)


def test_slopes_of_a_function_that_works_in_place():
    x = torch.tensor([[1., 2.], [3., -4.]])
    kept = x.clone()
    assert penalties.slopes(lambda x: x.mul_(2).sum(1), x).tolist() == pytest.approx(2 * [8 ** .5])
    assert torch.equal(x, kept)
    with pytest.raises(ValueError, match="complex"):
        penalties.slopes(lambda x: x.sum(1) + 1j, x)


@pytest.mark.parametrize("layer, shape", [
    (nn.BatchNorm1d(2), (2,)), (nn.LSTM(2, 2), (2,)), (nn.Bilinear(2, 2, 1), (2,)),
    (nn.Linear(3, 1), (2,))], ids=str)
def test_layers_that_take_no_such_sample_are_named(layer, shape):
    for act in (operator_norm, unrolled):
        with pytest.raises(ValueError, match="takes no samples of shape"):
            act(layer, shape)
    if isinstance(layer, nn.Bilinear):
        with pytest.raises(ValueError, match="f takes no points"):
            gl.on_arrays(layer)(np.zeros((3, 2)))


@pytest.mark.parametrize("game", [
    gl.minimax(), gl.wasserstein(), gl.wasserstein(penalties.gradient_penalty), f_gan("KL"),
    relativistic_game.relativistic(), games_mmd.mmd_gan(), particles.rescaled()], ids=str)
@pytest.mark.parametrize("more, kind, says", [
    (dict(g=None), TypeError, "^g is a network or a function of samples, not None"),
    (dict(f="f"), TypeError, "^f is a network or a function of samples, not 'f'"),
    (dict(g=nn.Linear), TypeError, "the class Linear: make one of it"),
    (dict(z=[[1., 2.]]), ValueError, "^z is a torch.Tensor, not list"),
    (dict(z=np.ones((4, 2))), ValueError, "^z is a torch.Tensor, not ndarray"),
    (dict(x=gl.Images(BYTES)), ValueError, "^x is a torch.Tensor, not Images"),
    (dict(z=torch.tensor(1.)), ValueError, "^z is a single number"),
    (dict(z=torch.ones(4, 3)), ValueError, r"does not take samples of shape .*\(4, 3\)"),
    (dict(g=nn.Linear(2, 2).double()), ValueError, "float32, float64|float64, samples in float32"),
])
def test_a_loss_that_is_called_by_hand_says_what_it_is_handed(game, more, kind, says):
    given = dict(f=F, g=HANDED_G, x=X, z=X) | more
    for loss in (game["f"], game.moves[0].loss):         # out of the game, and out of its move
        with pytest.raises(kind, match=says):
            loss(*given.values())
        with pytest.raises(kind, match=says):
            loss(**given)


@pytest.mark.parametrize("given, kind, says", [
    (dict(f=None), TypeError, "^f is a network"), (dict(g=nn.Linear), TypeError, "make one of it"),
    (dict(z="z"), ValueError, "^z is a torch.Tensor, not str"),
    (dict(z=torch.ones(4, 3)), ValueError, "does not take samples of shape"),
    (dict(z=X.half()), ValueError, "float16"), (dict(z=X.long()), ValueError, "torch.int64|float")])
@pytest.mark.parametrize("loss", [minimax_game.critic_loss, minimax_game.saturating_loss,
                                  minimax_game.non_saturating_loss])
def test_a_loss_with_a_name_says_what_it_is_handed(loss, given, kind, says):
    given = {name: value for name, value in (dict(f=F, g=HANDED_G, x=X, z=X) | given).items()
             if name in arguments(loss)}
    with pytest.raises(kind, match=says):
        loss(**given)


def test_a_move_is_copied_and_kept_whole_and_knows_its_loss():
    game = gl.minimax()
    assert pickle.loads(pickle.dumps(game)).moves == copy.deepcopy(game).moves == game.moves
    assert game.moves[0].loss is minimax_game.critic_loss
    assert gl.Game({"f": game.moves[0].loss}).moves[0].bare is game.moves[0].bare
    with pytest.raises(TypeError, match="takes f, g, x, z, and 5 are given"):
        gl.wasserstein().moves[0].loss(F, HANDED_G, X, X, X)
    penalised = penalties.penalised(game, penalties.gradient_penalty, 1.)
    assert penalised["f"](F, HANDED_G, X, X) > game["f"](F, HANDED_G, X, X)


@pytest.mark.parametrize("kernel", [games_mmd.gaussian(1.), games_mmd.minus_distance,
                                    games_mmd.cubic])
@pytest.mark.parametrize("x, y, says", [
    (X, torch.ones(4, 3), r"x \(4, 2\) and y \(4, 3\)"), (X[0], X[0], r"in rows, \(n, d\)"),
    (torch.ones(4, 1, 2, 2), torch.ones(4, 1, 2, 2), "flatten"), (X, X.double(), "of one format"),
    (X.long(), X.long(), "floating-point numbers"), (X, [[1., 2.]], "y is a torch.Tensor")])
def test_a_kernel_takes_samples_in_rows(kernel, x, y, says):
    with pytest.raises(ValueError, match=says):
        kernel(x, y)


def test_a_partial_is_a_function_as_well():
    where = functools.partial(penalties.between)
    for made in (penalties.penalty(where), penalties.at_few(where, 2),
                 penalties.zero_centred(where), penalties.zero_centred(where, .1)):
        assert "partial" in made.__name__


def test_labels_are_handed_over_as_a_tensor():
    with pytest.raises(ValueError, match="^y is a torch.Tensor, not list"):
        supervised()["f"](gl.mlp_critic(2, outputs=2), X, [0, 1, 1, 0])


def test_a_list_of_numbers_is_meant_as_an_array():
    assert KL.phi([1, 2.]).tolist() == KL.phi(np.array([1., 2.])).tolist()
    assert KL.conjugate([0, 1]).tolist() == pytest.approx([math.exp(-1), 1])
    assert sinkhorn.softmin([[0, 1]], [0, 0], [.5, .5], 1.) == pytest.approx(
        -math.log((1 + math.exp(-1)) / 2))
    assert FLOW.velocity(list(FLOW.x)) == pytest.approx(FLOW.velocity(FLOW.x))
    assert convergence.walk(lambda v: [v[1], -v[0]], [1, 0], 2) == pytest.approx(
        convergence.walk(lambda v: torch.tensor([v[1], -v[0]]), [1, 0], 2))
    assert pushes(gl.minimax(), []).shape == (0,)
    assert pushes(gl.minimax(), zip([P], [Q])) == pytest.approx(pushes(gl.minimax(), [(P, Q)]))


# -- methods, and the functions that makers return -------------------------------------------------

DECODER = flow_decoder.FlowDecoder(gl.mlp_generator(2, (1, 4, 4)), (1, 4, 4), 1, 2).eval()
STATISTICS = encoders.Statistics(2, 3, 4)
HANDED = {
    "x": [F, F.features, encoders.image_encoder(width=2), networks.Noise(.1),
          classifier.Classifier(),
          lambda x: networks.Concatenated(F, 2)(x, Y), flows.Squeeze(), flows.point_flow()],
    "z": [gl.Line(), lambda z: STATISTICS.whole(torch.ones(4, 2, 3), z)],
    "v": [DECODER, DECODER.sample, f_vae.LearntNoise(nn.Linear(2, 2))],
    "features": [lambda x: STATISTICS.whole(x, X), lambda x: STATISTICS.local(x, X)],
    "y": [flows.Shaped((1, 1, 2)).inverse], "a": [loss_sensitive.leaky(.5),
                                                  loss_sensitive.own_cost(torch.relu)],
    "slope": [penalties.power(2.)], "x, x_fake": [
        lambda x: penalties.at_few(penalties.at_both, 2)(x, X)],
}


@pytest.mark.parametrize("given", [None, [1., 2.], np.ones((4, 2)), "x", 3., gl.Images(BYTES)],
                         ids=["None", "list", "array", "word", "number", "Images"])
@pytest.mark.parametrize("name", HANDED)
def test_a_network_is_handed_a_tensor(name, given):
    for act in HANDED[name]:
        with pytest.raises(ValueError, match=f"^({name.split(',')[0]}) is a torch.Tensor, not "):
            act(given)


@pytest.mark.parametrize("x", [*PACKED, torch.zeros(2, device="meta"), [[1.], [1., 2.]]],
                         ids=["sparse", "csr", "quantised", "meta", "ragged"])
@pytest.mark.parametrize("act", [
    P.logpdf, P.pdf, P.cdf, P.sf, P.score, gl.Uniform().logpdf, gl.Mixture([P, Q]).cdf,
    gl.Ring().logpdf, gl.log_ratio(P, Q), best_critic(P, Q),
    lambda x: infomax.CorrelatedNormal(.5).scores(x, x), lambda x: best_score(gl.minimax(), x)])
def test_laws_are_asked_for_numbers(act, x):
    with pytest.raises(ValueError, match="must be real numbers"):
        act(x)


@pytest.mark.parametrize("act, says", [
    (lambda: penalties.clip_weights()(X), "network is a network"),
    (lambda: penalties.clip_weights()(None), "network is a network"),
    (lambda: penalties.power(2.)(X > 0), "slopes are floating-point"),
    (lambda: penalties.zero_centred(sd=.1)(F, X.long(), X), "floating-point samples"),
    (lambda: flows.point_flow()(X > 0), "floating-point numbers, not torch.bool"),
    (lambda: flows.ActNorm(2)(X.long()), "floating-point numbers"),
    (lambda: flows.Mixing(2).inverse(X > 0), "floating-point numbers"),
    (lambda: flows.Coupling(nn.Linear(1, 2))(torch.ones(4, 2, 2)), "does not take samples of"),
    (lambda: encoders.image_encoder(width=2)(X), "does not take samples of shape"),
    (lambda: DECODER.nll(torch.ones(4, 1, 8, 8), X), "the decoder makes"),
    (lambda: DECODER(torch.ones(4, 3)), "does not take samples of shape"),
    (lambda: STATISTICS.local(X, X), r"\(n, channels, places\)"),
    (lambda: classifier.Classifier()(X), r"\(n, 1, h, w\)"),
    (lambda: classifier.Classifier()(BYTES), "torch.uint8"),
    (lambda: gl.fading()(None), "t = None"), (lambda: gl.fading()("a"), "t = 'a'"),
    (lambda: gl.fading()(X), "the part of the training"),
])
def test_wrong_kinds_in_methods_are_named(act, says):
    with pytest.raises((TypeError, ValueError), match=says):
        act()


@pytest.mark.parametrize("rows", ["ab", 1.5, {}, 10 ** 400, torch.ones(2), object(), [5]])
def test_rows_of_a_ledger_are_whole_numbers(rows):
    ledger = Ledger(Y, 4)
    for read in (lambda: ledger[rows], lambda: ledger.index_select(0, rows)):
        with pytest.raises(IndexError, match="are none of 4 labels: whole numbers from 0"):
            read()
    assert ledger.spent == 0


# -- explorers and downloads -----------------------------------------------------------------------

def explored(setup=lambda figure: figure.subplots().plot([0, 1], [0, 1]),
             update=lambda artists, k: None, **more):
    return explorer.Explorer(setup, update, dict(k=explorer.slider(0, 1, .1, .5, "k")),
                             **dict(alt="a line") | more)


@pytest.mark.parametrize("more, says", [
    (dict(update=lambda artists: None), r"update\(artists, k\) is called so"),
    (dict(update=lambda artists, j: None), r"update\(artists, k\) is called so.*'k'|'j'"),
    (dict(update=lambda: None), r"update\(artists, k\) is called so"),
    (dict(setup=lambda: None), r"setup\(figure\) is called so"),
    (dict(dpi=90_000), "at most 20,000 pixels a side"),
    (dict(figsize=(9e4, 9e4)), "at most 20,000 pixels a side")])
def test_an_explorer_that_cannot_be_drawn_is_refused(more, says):
    with pytest.raises((TypeError, ValueError), match=says):
        explored(**more)


def test_an_update_may_take_any_controls_or_have_more_of_its_own():
    assert explored(update=lambda artists, **values: None).values == {"k": .5}
    assert explored(update=lambda artists, k, more=3: None).values == {"k": .5}


@pytest.mark.parametrize("name, known_hash, folder", [
    (None, "md5:0", "x"), ("a", None, "x"), ("a", "md5:0", None), ("a\0", "md5:0", "x"),
    ("", "md5:0", "x"), (b"a", "md5:0", "x"), ("a", 3, "x")])
def test_what_is_fetched_has_a_name(name, known_hash, folder):
    with pytest.raises(TypeError, match="takes names, as fetch"):
        fetch(name, known_hash, [], folder)


# -- what float() alone understands ----------------------------------------------------------------

class Index:
    def __index__(self):
        return 2


class Floating:
    def __float__(self):
        return 2.


@pytest.mark.parametrize("value", [
    np.array(2.), np.array([2.]), Index(), Floating(), torch.tensor(2., requires_grad=True),
    torch.tensor(True), Decimal(2), Fraction(2), "2", None, 2 + 0j, np.bool_(True)],
    ids=lambda value: type(value).__name__)
def test_what_float_alone_understands_is_no_number(value):
    assert not fits(value) and not fits(value, whole=True)
    for act in (lambda: laws.Ring(radius=value), lambda: loss_sensitive.margin(value),
                lambda: networks.Noise(value), lambda: penalties.clip_weights(value),
                lambda: variational.vae(sd=value), lambda: flows.Coupling(F, bound=value),
                lambda: gl.wasserstein(penalties.gradient_penalty, value), lambda: gl.adam(value),
                lambda: laws.Ring(value), lambda: gl.batches(gl.Ring(), batch=value)):
        with pytest.raises(ValueError):
            act()


@pytest.mark.parametrize("value", [2, 2., np.int8(2), np.float16(2), np.longdouble(2),
                                   torch.tensor(2.)], ids=repr)
def test_numbers_of_every_kind_fit(value):
    assert fits(value) and fits(value, least=2, most=2)
    assert fits(value, whole=True) == isinstance(value, (int, np.int8))
    assert svm([[0., 0.], [1., 1.]], [-1, 1], value).value == pytest.approx(1, abs=.01)


def test_a_limit_that_float32_does_not_hold_is_refused():
    with pytest.raises(ValueError, match="c = 1e[+]308"):
        penalties.clip_weights(1e308)


def test_a_batch_may_be_counted_by_a_tensor():
    drawn = gl.batches(gl.Ring(), batch=torch.tensor(3)).draw({"x", "y"})
    assert drawn["x"].shape == (3, 2) and drawn["y"].shape == (3,)
