"""Lesson 15: codes, their critics, codes of class and of style, clusterings and the explorers."""
import itertools

import numpy as np
import pytest
import torch
from helpers import softplus
from scipy.integrate import quad
from torch.nn.functional import one_hot

import gan_lessons as gl
from gan_lessons import plots
from gan_lessons.data.label_budget import Ledger, few_labels
from gan_lessons.exact.clustering import (
    contingency,
    empty_clusters,
    matching_accuracy,
    vote_accuracy,
)
from gan_lessons.explorers import adversarial_autoencoder as explorers
from gan_lessons.objectives import adversarial_autoencoder as aae
from gan_lessons.objectives.adversarial_autoencoder import (
    ClusterHeadDecoder,
    adversarial_autoencoder,
    clustering_autoencoder,
    label_informed,
    semi_supervised_autoencoder,
    supervised_style,
)

SCORES = [-5., 1.4, 12.5, 2.7], [.3, -2.2, 4.1, -.7]


def table(scores):
    """A critic that gives sample i of a batch, marked by its first number, the i-th score."""
    return lambda z: torch.tensor(scores, dtype=torch.float64)[z[:, 0].long()]


def marked(n=4, k=2):
    return torch.cat([torch.arange(n)[:, None].double(), torch.zeros(n, k - 1).double()], 1)


def small(seed=0, outputs=2, inputs=2):
    return dict(e=gl.mlp_critic(2, width=8, outputs=outputs, seed=seed).double(),
                d=gl.mlp_generator(inputs, 2, width=8, seed=seed + 1).double(),
                f=gl.mlp_critic(2, width=8, seed=seed + 2).double())


def gradients(loss, net):
    return torch.cat([w.flatten() for w in torch.autograd.grad(loss, list(net.parameters()))])


# -- one code --------------------------------------------------------------------------------------

def test_prior_is_real_and_codes_are_fake():
    real, fake = SCORES
    loss = adversarial_autoencoder()["f"](lambda z: table(real if z[0, 1] == 0 else fake)(z),
                                          lambda x: x,
                                          x=marked() + torch.tensor([0., 1.]), z=marked())
    assert loss.item() == pytest.approx(softplus(-np.array(real)).mean() + softplus(fake).mean(),
                                        abs=1e-12)


def test_encoder_climbs_what_the_critic_is_high_on():
    move = adversarial_autoencoder().moves[2]
    loss = move.loss(lambda x: x, table(SCORES[0]), marked())
    assert loss.item() == pytest.approx(softplus(-np.array(SCORES[0])).mean(), abs=1e-12)


@pytest.mark.parametrize("n", (3, 8))
@pytest.mark.parametrize("seed", (0, 1))
def test_joint_step_is_the_weighted_sum_of_the_phases_in_value_and_gradient(n, seed):
    torch.manual_seed(seed)
    x, nets = torch.randn(n, 2).double(), small(seed)
    e, d, f = (nets[player] for player in "edf")
    phases, joint = adversarial_autoencoder().moves, adversarial_autoencoder(joint=.37).moves
    together = lambda: joint[0].loss(e, d, f, x)
    apart = lambda: phases[0].loss(e, d, x) + .37 * phases[2].loss(e, f, x)
    assert together().item() == pytest.approx(apart().item(), abs=1e-12)
    for net in (e, d):
        torch.testing.assert_close(gradients(together(), net), gradients(apart(), net),
                                   rtol=0, atol=1e-12)
    assert [m.player for m in joint] == ["e d", "f"]
    assert [m.player for m in phases] == ["e d", "f", "e"]


def test_trained_critic_approaches_the_log_ratio_of_prior_and_aggregate():
    q, p = gl.Normal(0, 1), gl.Normal(.8, .6)
    f = gl.mlp_critic(1, width=32)
    gl.train(gl.Game({"f": adversarial_autoencoder()["f"]}), dict(f=f, e=gl.Line(.8, .6, learn="")),
             gl.batches(gl.Normal(0, 1), z=gl.Normal(dim=1), batch=256), steps=500,
             optimizer=gl.adam(5e-3), watch=None, precision="highest")
    z = np.linspace(-.6, 1.8, 25)
    exact = q.logpdf(z) - p.logpdf(z)
    assert np.abs(gl.on_arrays(f)(z) - exact).max() < .35
    assert np.corrcoef(gl.on_arrays(f)(z), exact)[0, 1] > .97


def test_gaussian_codes_have_the_mean_and_width_that_the_encoder_says():
    torch.manual_seed(0)
    said = torch.tensor([1.5, -2., np.log(.3), np.log(2.)], dtype=torch.float32)
    e = lambda x: said.repeat(len(x), 1)
    z = aae.gaussian(e, torch.zeros(40_000, 2))
    torch.testing.assert_close(z.mean(0), torch.tensor([1.5, -2.]), rtol=0, atol=5 * 2 / 200)
    torch.testing.assert_close(z.std(0), torch.tensor([.3, 2.]), rtol=.02, atol=0)


def test_universal_codes_differ_for_one_sample_and_reach_laws_that_are_no_gaussian():
    torch.manual_seed(0)
    e = lambda numbers: torch.sign(numbers[:, 2:3]) * 3 + numbers[:, :1]  # two points around x
    z = aae.universal(1)(e, torch.full((4_000, 2), .25))
    assert sorted(set(z.flatten().tolist())) == [-2.75, 3.25]
    assert abs((z > 0).double().mean().item() - .5) < 5 * .5 / np.sqrt(4_000)


def test_universal_takes_pictures_flat():
    assert aae.universal(3)(lambda numbers: numbers, torch.zeros(2, 1, 4, 4)).shape == (2, 19)


@pytest.mark.parametrize("call, remedy", [
        (lambda: adversarial_autoencoder(joint=0.), "above 0"),
        (lambda: aae.universal(0), "deterministic"),
        (lambda: adversarial_autoencoder()["f"](lambda z: z[:, 0], lambda x: x, torch.zeros(3, 2),
                                                torch.zeros(3, 5)), r"dim=\.\.\."),
        (lambda: adversarial_autoencoder()["e"](lambda x: x, lambda z: z[:, :1], torch.zeros(3, 2)),
         "choose one"),
        (lambda: aae.gaussian(lambda x: x, torch.zeros(3, 5)), "outputs=2")])
def test_what_does_not_fit_is_refused_with_the_remedy(call, remedy):
    with pytest.raises(ValueError, match=remedy):
        call()


# -- labels ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("prior, classes", [(gl.Ring(modes=10, radius=3, sd=.1), 10),
                                            (gl.SwissRoll(), 10), (gl.Grid(2), 2)])
def test_tied_samples_come_from_their_part_of_the_prior_and_fill_it(prior, classes):
    torch.manual_seed(0)
    y = torch.arange(classes).repeat(400)
    z, share = aae.tied(prior, y, classes).numpy(), len(prior.centres) // classes
    for label in range(classes):
        mine, centres = z[y.numpy() == label], prior.centres[label * share:(label + 1) * share]
        nearest = np.linalg.norm(mine[:, None] - centres, axis=2)
        assert nearest.min(1).max() < 6 * prior.sd and set(nearest.argmin(1)) == set(range(share))


def test_the_labelled_see_their_label_and_the_others_the_extra_class():
    seen = []

    def f(z, y):
        seen.append((z.clone(), y.clone()))
        return z.sum(1)

    prior = gl.Ring(modes=3, radius=5, sd=.01)
    y, e = torch.tensor([2, 0, 1, 1]), lambda x: 10 * x
    x, u, z = torch.ones(4, 2), torch.full((4, 2), 2.), torch.full((4, 2), -7.)
    torch.manual_seed(0)
    loss = label_informed(prior, 3)["f"](f, e, x, y, u, z)
    told = [pair for pair in seen if (pair[1] < 3).all()]
    untold = [pair for pair in seen if (pair[1] == 3).all()]
    assert len(told) == len(untold) == 2 and all((labels == y).all() for _, labels in told)
    assert np.abs(told[0][0].numpy() - prior.centres[y]).max() < .1 and (told[1][0] == 10).all()
    assert (untold[0][0] == -7).all() and (untold[1][0] == 20).all()
    expected = (softplus(-told[0][0].sum(1).numpy()).mean() + softplus(20.) + softplus(14.)
                + softplus(40.))
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_supervised_style_hands_the_label_to_the_decoder_only():
    game = supervised_style()
    assert [m.needs for m in game.moves] == [("e", "d", "x", "y"), ("f", "e", "x", "z"),
                                             ("e", "f", "x")]
    x = torch.tensor([[1., 2.], [3., 5.]])
    loss = game["d"](lambda x: x, lambda z, y: z + y[:, None], x, torch.tensor([0, 2]))
    assert loss.item() == pytest.approx((0 + 0 + 4 + 4) / 4)


@pytest.mark.parametrize("call, remedy", [
    (lambda: label_informed(gl.Ring(), 1), "two or more"),
    (lambda: aae.tied(gl.Normal(dim=2), torch.zeros(3).long(), 10), "Ring"),
    (lambda: aae.tied(gl.Ring(modes=8), torch.zeros(3).long(), 10), "shared out"),
    (lambda: aae.tied(gl.Ring(modes=8), torch.zeros(3).long(), 16), "shared out"),
])
def test_priors_without_components_are_refused(call, remedy):
    with pytest.raises(ValueError, match=remedy):
        call()


# -- two codes -------------------------------------------------------------------------------------

@pytest.mark.parametrize("n", (5, 12))
def test_class_and_style_splits_the_numbers(n):
    torch.manual_seed(n)
    numbers = torch.randn(n, 7).double()
    a, style = aae.class_and_style(lambda x: x, numbers, 3)
    assert (a == numbers[:, :3]).all() and (style == numbers[:, 3:]).all()


def test_noise_is_added_to_what_the_encoder_sees_and_to_nothing_else():
    torch.manual_seed(0)
    seen = []
    game = semi_supervised_autoencoder(3, noise=.3)

    def e(x):
        seen.append(x)
        return torch.cat([x, x], 1)[:, :5]

    u = torch.full((4_000, 4), .7).double()
    for loss in (game.moves[0].loss(e, lambda code: torch.zeros(len(code), 4).double(), u),
                 game.moves[3].loss(e, u, torch.zeros(4_000).long())):
        assert loss.isfinite()
    nothing = lambda code: torch.zeros(len(code), 4).double()
    assert game.moves[0].loss(e, nothing, u).item() == pytest.approx(.49)
    for x in seen:
        assert abs(x.mean().item() - .7) < 5 * .3 / np.sqrt(16_000)
        assert abs(x.std().item() - .3) < .01


@pytest.mark.parametrize("classes, outputs, remedy",
                         [(1, 5, "two or more"), (0, 5, "two or more"), (3, 3, r"outputs=3 \+ k"),
                          (3, 2, r"outputs=3 \+ k")])
def test_codes_that_do_not_split_are_refused(classes, outputs, remedy):
    with pytest.raises(ValueError, match=remedy):
        aae.split_code(torch.zeros(4, outputs), classes)


@pytest.mark.parametrize("make", (clustering_autoencoder, semi_supervised_autoencoder,
                                  lambda K: ClusterHeadDecoder(gl.mlp_generator(2, 2), K)))
@pytest.mark.parametrize("K", (1, 0, -2))
def test_fewer_than_two_classes_are_refused(make, K):
    with pytest.raises(ValueError, match="two or more"):
        make(K)


def test_critics_of_class_and_style_each_see_their_own_prior():
    torch.manual_seed(0)
    drawn = []

    def f_y(y):
        drawn.append(y)
        return y @ torch.tensor([1., -2., .5]).double()

    u, z = torch.randn(6, 5).double(), torch.randn(6, 2).double()
    loss = clustering_autoencoder(3)["f_y"](lambda s: s.sum(1), f_y, lambda x: x, u, z)
    shares, style = u[:, :3].softmax(1), u[:, 3:]
    corners = next(y for y in drawn if set(y.unique().tolist()) == {0., 1.})
    assert (corners.sum(1) == 1).all()
    value = lambda y: (y @ torch.tensor([1., -2., .5]).double()).numpy()
    expected = (softplus(-z.sum(1).numpy()).mean() + softplus(style.sum(1).numpy()).mean()
                + softplus(-value(corners)).mean() + softplus(value(shares)).mean())
    assert loss.item() == pytest.approx(expected, abs=1e-12)


def test_random_classes_are_uniform_and_one_hot():
    torch.manual_seed(0)
    y = aae.random_classes(torch.zeros(8_000, 4, dtype=torch.float64))
    assert y.dtype == torch.float64 and (y.sum(1) == 1).all() and ((y == 0) | (y == 1)).all()
    np.testing.assert_allclose(y.mean(0), .25, atol=5 * np.sqrt(.25 * .75 / 8_000))


def test_semi_supervised_adds_one_phase_with_the_cross_entropy_of_the_labelled():
    game = semi_supervised_autoencoder(3)
    assert [m.player for m in game.moves] == ["e d", "f f_y", "e", "e"]
    assert game.moves[-1].needs == ("e", "x", "y")
    a = torch.tensor([[-5., 1.4, 12.5, 2.7], [.3, -2.2, 4.1, -.7]]).double()
    y = torch.tensor([0, 1])
    expected = np.mean([np.log(np.exp(row[:3]).sum()) - row[k] for row, k in zip(a.numpy(), y)])
    assert game.moves[-1].loss(lambda x: x, a, y).item() == pytest.approx(expected, abs=1e-12)


def test_the_ledger_counts_what_the_semi_supervised_game_reads():
    rng = np.random.default_rng(0)
    pictures = gl.Images(torch.tensor(rng.integers(0, 255, (300, 1, 28, 28)), dtype=torch.uint8),
                         torch.arange(300) % 3, list("abc"), "noise")
    ledger = Ledger(pictures.labels, 30)
    few = few_labels(pictures, 30, ledger=ledger)
    size = 3 + 2
    players = dict(e=gl.mlp_critic(pictures.shape, 8, outputs=size),
                   d=gl.mlp_generator(size, pictures.shape, 8), f=gl.mlp_critic(2, 8),
                   f_y=gl.mlp_critic(3, 8))
    gl.train(semi_supervised_autoencoder(3), players,
             gl.batches(few, z=gl.Normal(dim=2), unlabelled=pictures), steps=3, watch=None)
    assert ledger.spent == 30


@pytest.mark.parametrize("n", (4, 9))
def test_imbalance_is_the_kl_from_uniform_and_its_gradient_is_right(n):
    torch.manual_seed(n)
    a = torch.randn(n, 5, dtype=torch.float64, requires_grad=True)
    mean = a.detach().softmax(1).mean(0).numpy()
    assert aae.imbalance(a.softmax(1)).item() == pytest.approx((mean * np.log(mean * 5)).sum(),
                                                               abs=1e-12)
    assert torch.autograd.gradcheck(lambda a: aae.imbalance(a.softmax(1)), a)
    assert aae.imbalance(torch.eye(5).double()).item() == pytest.approx(0, abs=1e-15)


def test_balance_adds_the_remedy_to_the_encoders_loss():
    torch.manual_seed(0)
    u, f, f_y = torch.randn(6, 5).double(), lambda s: s.sum(1), lambda y: y[:, 0]
    plain, balanced = (clustering_autoencoder(3, balance=b).moves[2].loss(lambda x: x, f, f_y, u)
                       for b in (0., 2.5))
    assert (balanced - plain).item() == pytest.approx(
        2.5 * aae.imbalance(u[:, :3].softmax(1)).item(), abs=1e-12)


@pytest.mark.parametrize("weights", (dict(balance=-1.), dict(apart=-.1), dict(noise=-.3)))
def test_negative_weights_are_refused(weights):
    with pytest.raises(ValueError, match="0 or more"):
        clustering_autoencoder(3, **weights)


def two_codes(K=3, k=2):
    """e, d, f and f_y on samples of 4 numbers, without layers that couple a batch."""
    make = lambda ins, outs, seed: gl.mlp_critic(ins, width=8, outputs=outs, seed=seed).double()
    return dict(e=make(4, K + k, 0), d=gl.mlp_generator(K + k, 4, width=8, seed=1).double(),
                f=gl.mlp_critic(k, width=8, seed=2).double(),
                f_y=gl.mlp_critic(K, width=8, seed=3).double())


@pytest.mark.parametrize("labelled", (False, True))
def test_joint_step_of_class_and_style_is_the_weighted_sum_of_the_phases(labelled):
    torch.manual_seed(0)
    x, u, y, nets = *torch.randn(2, 7, 4).double(), torch.arange(7) % 3, two_codes()
    make = semi_supervised_autoencoder if labelled else clustering_autoencoder
    options = dict(balance=.7, class_weight=.3)
    given = dict(nets, x=x, y=y, u=u)
    ask = lambda move: move.loss(**{name: given[name] for name in move.needs})
    joint, phases = make(3, joint=.37, **options).moves, make(3, **options).moves
    together = lambda: ask(joint[0])
    apart = lambda: ask(phases[0]) + .37 * sum(ask(move) for move in phases[2:])
    assert together().item() == pytest.approx(apart().item(), abs=1e-12)
    for net in (nets["e"], nets["d"]):
        torch.testing.assert_close(gradients(together(), net), gradients(apart(), net),
                                   rtol=0, atol=1e-12)
    assert [move.player for move in joint] == ["e d", "f f_y"]


def test_the_class_weight_is_a_factor_of_one_term():
    torch.manual_seed(0)
    u, f, f_y = torch.randn(6, 5).double(), lambda s: s.sum(1), lambda y: y[:, 0]
    plain, weighed = (clustering_autoencoder(3, class_weight=w).moves[2].loss(lambda x: x, f, f_y,
                                                                             u)
                      for w in (0., 2.5))
    shares = u[:, :3].softmax(1)
    assert (weighed - plain).item() == pytest.approx(2.5 * aae.fooled(f_y, shares).item(),
                                                     abs=1e-12)


def test_every_picture_is_moved_by_itself_and_the_decoder_draws_it_where_it_was():
    torch.manual_seed(0)
    u, seen = torch.full((500, 1, 6, 6), -1.), []
    u[:, :, 2, 3] = 1.

    def e(x):
        seen.append(x)
        return x.new_zeros(len(x), 5)

    loss = clustering_autoencoder(3, shift=2).moves[0].loss(e, lambda code: u, u)
    assert loss.item() == 0                                   # the target is where it was
    spots = seen[0].flatten(1).argmax(1)
    rows, columns = spots // 6 - 2, spots % 6 - 3
    assert set(rows.tolist()) == set(columns.tolist()) == {-2, -1, 0, 1, 2}
    assert len(set(zip(rows.tolist(), columns.tolist()))) == 25
    assert seen[0].shape == u.shape and ((seen[0] == 1).flatten(1).sum(1) == 1).all()


def test_a_shift_moves_all_channels_alike_and_keeps_the_format():
    torch.manual_seed(1)
    x = torch.randn(40, 3, 5, 5).double()
    moved = aae._moved(x, 1)
    assert moved.dtype == x.dtype and moved.shape == x.shape
    wide = torch.nn.functional.pad(x, (1,) * 4, value=-1.)
    for one, around in zip(moved, wide):
        assert any(torch.equal(one, around[:, i:i + 5, j:j + 5])
                   for i in range(3) for j in range(3))


@pytest.mark.parametrize("options, remedy", [
    (dict(shift=-1), "whole number"), (dict(shift=.5), "whole number"),
    (dict(joint=0.), "above 0"), (dict(class_weight=-1.), "0 or more")])
@pytest.mark.parametrize("make", (clustering_autoencoder, semi_supervised_autoencoder))
def test_weights_and_shifts_that_are_none_are_refused(make, options, remedy):
    with pytest.raises(ValueError, match=remedy):
        make(3, **options)


def test_only_pictures_are_moved():
    with pytest.raises(ValueError, match="shift=0"):
        aae.class_and_style(lambda x: x, torch.randn(4, 5), 3, shift=1)


# -- heads -----------------------------------------------------------------------------------------

def test_cluster_heads_add_the_style_to_the_place_of_the_head():
    d = ClusterHeadDecoder(torch.nn.Identity(), 3, 2)
    code = torch.cat([one_hot(torch.tensor([2, 0]), 3).float(),
                      torch.tensor([[.5, -1.], [0., 0.]])], 1)
    torch.testing.assert_close(d(code), d.heads[[2, 0]] + torch.tensor([[.5, -1.], [0., 0.]]))
    with pytest.raises(ValueError, match="outputs=3"):
        d(torch.zeros(2, 6))


def test_a_decoder_with_cluster_heads_asks_for_no_labels():
    assert not hasattr(ClusterHeadDecoder(gl.mlp_generator(2, 2), 3), "classes")


def test_apart_without_heads_is_refused():
    with pytest.raises(ValueError, match="Head"):
        clustering_autoencoder(3, apart=1.).moves[0].loss(lambda x: x, lambda code: code,
                                                          torch.zeros(4, 5))


def test_crowding_is_the_mean_shortfall_over_pairs_and_pushes_apart():
    heads = torch.tensor([[0., 0.], [3., 4.], [1., 0.]], dtype=torch.float64, requires_grad=True)
    distances = [np.linalg.norm(a - b)
                 for a, b in itertools.combinations(heads.detach().numpy(), 2)]
    loss = aae.crowding(heads, 2.)
    assert loss.item() == pytest.approx(np.mean(np.maximum(0, 2. - np.array(distances))), abs=1e-12)
    slope, = torch.autograd.grad(loss, heads)
    torch.testing.assert_close(slope, torch.tensor([[1., 0.], [0., 0.], [-1., 0.]],
                                                   dtype=torch.float64) / 3)


def test_apart_needs_and_moves_the_heads():
    players = dict(e=gl.mlp_critic(2, 8, outputs=3 + 2),
                   d=ClusterHeadDecoder(gl.mlp_generator(2, 2, 8), 3), f=gl.mlp_critic(2, 8),
                   f_y=gl.mlp_critic(3, 8))
    before = players["d"].heads.detach().clone()
    ring = gl.Ring(modes=3)
    gl.train(clustering_autoencoder(3, balance=1., apart=5.), players,
             gl.batches(ring, z=gl.Normal(dim=2), unlabelled=ring), steps=3, watch=None)
    assert (players["d"].heads != before).all()


# -- clusterings -----------------------------------------------------------------------------------

def test_vote_and_matching_differ_as_they_should():
    found = [[50, 0, 0], [40, 10, 0], [0, 0, 30]]
    assert vote_accuracy(found) == pytest.approx(120 / 130)
    assert matching_accuracy(found) == pytest.approx(90 / 130)


@pytest.mark.parametrize("seed", range(4))
def test_matching_is_the_best_of_all_assignments_and_never_above_the_vote(seed):
    found = np.random.default_rng(seed).integers(0, 40, (5, 3))
    best = max(sum(found[row, y] for y, row in enumerate(rows))
               for rows in itertools.permutations(range(5), 3))
    assert matching_accuracy(found) == pytest.approx(best / found.sum())
    assert vote_accuracy(found) >= matching_accuracy(found)


def test_contingency_counts_pairs_and_finds_the_empty():
    found = contingency([0, 0, 3, 3, 3], [1, 1, 0, 2, 2], 4, 3)
    assert found.tolist() == [[0, 2, 0], [0, 0, 0], [0, 0, 0], [1, 0, 2]]
    assert empty_clusters(found).tolist() == [1, 2] and vote_accuracy(found) == pytest.approx(4 / 5)
    assert contingency(torch.tensor([0, 1]), torch.tensor([0, 1]), 2).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("arguments, remedy",
                         [(([0], [0], 1, 2), "two or more"), (([0, 1], [0], 2, 2), "one length"),
                          (([0, 2], [0, 1], 2, 2), "run from 0"),
                          (([0, 1], [0, 3], 2, 2), "run from 0")])
def test_contingency_refuses_what_it_cannot_count(arguments, remedy):
    with pytest.raises(ValueError, match=remedy):
        contingency(*arguments)


# -- facts of the page -----------------------------------------------------------------------------

def tiles(n, s, shift=0.):
    """The aggregate of n equally frequent samples with codes N(m_i + shift, s²)."""
    return gl.Mixture([gl.Normal(m + shift, s) for m in explorers.tile_means(n, s)])


@pytest.mark.parametrize("n, s, shift", [(5, .4, 0.), (12, .15, .7)])
def test_tile_numbers_against_quadrature(n, s, shift):
    aggregate, prior = tiles(n, s, shift), gl.Normal()
    _, per_sample, information, js, recognised = explorers.tile_numbers(n, s, shift)
    direct = np.mean([gl.kl(law, prior) for law in aggregate.laws])
    assert per_sample == pytest.approx(direct, abs=1e-9) == -np.log(s) + shift**2 / 2
    told = np.mean([gl.kl(law, aggregate) for law in aggregate.laws])
    assert information == pytest.approx(told, abs=1e-6)
    assert js == pytest.approx(gl.js(prior, aggregate), abs=1e-7)
    right = quad(lambda z: max(law.pdf(z) for law in aggregate.laws) / n, -6, 7, limit=400)[0]
    assert recognised == pytest.approx(right, abs=1e-3)


def test_aggregate_is_the_prior_to_second_order():
    for n, s in ((3, .2), (32, .7)):
        aggregate = tiles(n, s)
        assert gl.expectation(aggregate, lambda z: z) == pytest.approx(0, abs=1e-12)
        assert gl.expectation(aggregate, lambda z: z**2) == pytest.approx(1, abs=1e-12)


def test_clusters_in_use_and_the_weight_of_the_exercises():
    from gan_lessons.questions import questions
    right = questions("15")
    assert right["15 log"][0]() == 10 and right["15 weight"][0]() == pytest.approx(392)


# -- explorers -------------------------------------------------------------------------------------

def test_information_draws_its_corners_and_says_the_numbers():
    view = explorers.information()
    for n, s, shift in ((2, .02, 0.), (32, 1., 2.), (8, .3, 0.)):
        view.draw(n=n, s=s, shift=shift)
    assert view.error is None


@pytest.fixture(scope="module")
def tiny():
    rng = np.random.default_rng(0)
    images = gl.Images(torch.tensor(rng.integers(0, 255, (80, 1, 28, 28)), dtype=torch.uint8),
                       torch.arange(80) % 10, [str(k) for k in range(10)], "noise")
    players = dict(e=gl.mlp_critic(images.shape, 8, outputs=2),
                   d=gl.mlp_generator(2, images.shape, 8), f=gl.mlp_critic(2, 8))
    run = gl.train(adversarial_autoencoder(), players, gl.batches(images, z=gl.Normal(dim=2)),
                   steps=2, watch=None, ema={"e": .9, "d": .9})
    return images, run


def test_codes_and_decode_use_the_averaged_networks(tiny):
    images, run = tiny
    x = images.images[:5] / 127.5 - 1
    with torch.no_grad():
        torch.testing.assert_close(explorers.codes(run, images.images[:5]), run.ema["e"](x))
        torch.testing.assert_close(explorers.decode(run, torch.ones(2, 2)),
                                   run.ema["d"](torch.ones(2, 2)))
    torch.testing.assert_close(explorers.codes(run, x), explorers.codes(run, images.images[:5]))


def test_cursor_moves_and_shows_what_the_decoder_draws(tiny):
    images, run = tiny
    view = explorers.latent_cursor({"Gaussian": run, "again": run}, images, step=2.)
    view.draw(prior="again", first=2., second=-4.)
    assert view.error is None


@pytest.mark.parametrize("plan, boxes", [(explorers.architecture, 8),
                                         (explorers.class_and_style_architecture, 11)])
def test_the_networks_are_drawn_with_words_that_do_not_touch(plan, boxes):
    fig, ax = plots.figure(width=6.6, height=3.9)
    plan(ax)
    fig.draw_without_rendering()
    frames = [text.get_bbox_patch().get_window_extent() for text in ax.texts
              if text.get_bbox_patch() is not None]
    assert len(frames) == boxes
    assert not any(a.overlaps(b) for a, b in itertools.combinations(frames, 2))


def test_columns_of_a_sheet_bear_their_names():
    fig, ax = plots.figure()
    explorers.greys(ax, torch.zeros(6, 1, 4, 4), columns=3, names="abc")
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c"]
    assert [text.get_position()[0] for text in ax.texts] == [1.5, 5.5, 9.5]
