"""Labels: any game conditional, ACGAN by hand, and what is exact about both on a line."""
import copy
import math
from functools import partial

import numpy as np
import pytest
import torch
from helpers import FAKE, REAL, answers_to, leaf
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from torch import nn
from torch.nn.functional import relu, softplus

from gan_lessons import (
    Game,
    Images,
    Mixture,
    Move,
    Normal,
    Ring,
    adam,
    agree,
    batches,
    js,
    minimax,
    mlp_critic,
    mlp_generator,
    non_saturating,
    train,
    wasserstein,
)
from gan_lessons.drawing import plots
from gan_lessons.exact import conditional as exact
from gan_lessons.explorers import conditional as explorers
from gan_lessons.game import couples_batch
from gan_lessons.map.conditional_recipes import CONDITIONAL
from gan_lessons.objectives.conditional import WithLabels, acgan, conditional
from gan_lessons.objectives.least_squares import least_squares
from gan_lessons.objectives.loss_sensitive import loss_sensitive, margin
from gan_lessons.objectives.relativistic import relativistic
from gan_lessons.objectives.wasserstein import hinge
from gan_lessons.players.image_networks import dcgan_critic, dcgan_generator
from gan_lessons.players.networks import Concatenated, Projected, takes_labels
from gan_lessons.players.penalties import lipschitz_penalty, slopes

Y = [2, 0, 1, 2]
SHIFT = torch.tensor([.5, -1.25, 3.], dtype=torch.float64)
shifted = lambda x, y: x + SHIFT[y]  # a critic whose score moves with the label


# ---------------------------------------------------------------- conditional(game)

GAMES = {
    "minimax": minimax(),
    "non-saturating": non_saturating(),
    "least squares": least_squares(),
    "WGAN": wasserstein(),
    "hinge": hinge(),
    "relativistic": relativistic(),
}


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("real, fake", [(REAL, FAKE), (FAKE[:2], REAL[:2])])
def test_the_loss_is_the_games_own_on_the_scores_of_each_label(name, real, fake):
    """f(x, y) = x + shift[y], g(z, y) = -2 z + shift[y]: the plain loss of scores moved by hand."""
    y = torch.tensor(Y[:len(real)])
    for player in "fg":
        results = []
        for labelled in (True, False):
            x, z = leaf(real), leaf(fake)
            if labelled:
                loss = conditional(GAMES[name])[player]
                arguments = dict(f=shifted, g=lambda z, y: -2 * z + SHIFT[y], x=x, y=y, z=z)
            else:
                loss = GAMES[name][player]
                arguments = dict(f=lambda score: score, g=lambda score: score, x=x + SHIFT[y],
                                 z=-2 * z + 2 * SHIFT[y])
            move = Move(player, loss)
            value = loss(**{n: arguments[n] for n in move.needs})
            results.append([value, *torch.autograd.grad(value, (x, z), allow_unused=True)])
        for mine, theirs in zip(*results):
            assert (mine is None) == (theirs is None)
            if mine is not None:
                torch.testing.assert_close(mine, theirs, rtol=1e-13, atol=1e-13)


def test_non_saturating_and_loss_sensitive_by_hand():
    x, z, y = torch.tensor(REAL).double(), torch.tensor(FAKE).double(), torch.tensor(Y)
    g = lambda z, y: 3 * z - SHIFT[y]
    real, fake = x + SHIFT[y], 3 * z                                     # f(g(z, y), y) = 3 z
    loss = conditional(non_saturating())["f"](shifted, g, x, z, y=y)
    assert loss.item() == pytest.approx((softplus(-real).mean() + softplus(fake).mean()).item(),
                                        rel=1e-14)
    x, z = x[:, None], z[:, None]
    l, g = lambda x, y: x[:, 0] + SHIFT[y], lambda z, y: 3 * z - SHIFT[y][:, None]
    game = conditional(loss_sensitive(margin(.5), weight=2.))
    gap = .5 * (x - g(z, y)).abs()[:, 0]
    by_hand = real.mean() + 2 * relu(gap + real - fake).mean()
    assert game["l"](l=l, g=g, x=x, z=z, y=y).item() == pytest.approx(by_hand.item(), rel=1e-14)
    assert game["g"](l=l, g=g, z=z, y=y).item() == pytest.approx(fake.mean().item(), rel=1e-14)


def test_it_asks_for_y_and_keeps_players_moves_and_what_comes_after():
    clipped = []
    game = Game([Move("f", lambda f, g, x, z, u0=None: None, after=clipped.append),
                 Move("g", lambda f, g, z: None)])
    labelled = conditional(game)
    assert labelled.players == ("f", "g")
    assert [m.needs for m in labelled.moves] == [("f", "g", "x", "z", "y"), ("f", "g", "z", "y")]
    assert labelled.moves[0].optional == ("u0",) and labelled.moves[0].after == clipped.append
    assert repr(conditional(wasserstein())) == "Game(f: critic_loss, g: generator_loss)"


@pytest.mark.parametrize("game, message",
                         [(Game({"f": lambda f, x, y: None}), "asks for y already"),
                          (conditional(minimax()), "asks for y already"),
                          (acgan(), "asks for y already"),
                          (Game({"f": lambda f, u: None}), "asks for u: there is no label")])
def test_games_that_cannot_become_conditional(game, message):
    with pytest.raises(ValueError, match=message):
        conditional(game)


@pytest.mark.parametrize("sign, mark", [(1, "✓"), (-1, "✗")])
def test_agree_plays_its_losses_as_any_other(sign, mark, capsys):
    def mine(f, g, x, y, z):
        return softplus(-f(x, y)).mean() + softplus(sign * f(g(z, y), y)).mean()
    nets = dict(f=Projected(mlp_critic(2), 3).double(),
                g=Concatenated(mlp_generator(2 + 3, 2), 3).double())
    agree(mine, conditional(non_saturating())["f"], **nets)
    assert capsys.readouterr().out.startswith(f"{mark} critic_loss: values ")


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_network_and_its_labels_are_one_network(batch_norm):
    net = Projected(dcgan_critic((1, 28, 28), width=4, batch_norm=batch_norm), 3)
    x, y = torch.randn(4, 1, 28, 28), torch.tensor(Y)
    f = WithLabels(net, y)
    assert torch.equal(f(x), net(x, y)) and f.classes == 3 and f.embedding is net.embedding
    assert couples_batch(f) == batch_norm
    with pytest.raises(ValueError, match="5 samples and 4 labels"):
        f(torch.randn(5, 1, 28, 28))
    with pytest.raises(AttributeError, match="colour"):
        f.colour  # noqa: B018
    assert WithLabels(lambda x, y: x + y, y)(torch.ones(4)).tolist() == [3, 1, 2, 3]
    if not batch_norm:                                                    # one pass of [real; fake]
        torch.testing.assert_close(f(torch.cat([x, -x])), torch.cat([f(x), f(-x)]),
                                   rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(slopes(f, x), slopes(lambda x: net(x, y), x))


@pytest.mark.parametrize("player", "fg")
def test_a_network_without_labels_is_refused_with_the_remedy(player):
    players = dict(f=Projected(mlp_critic(2), 6), g=Concatenated(mlp_generator(8, 2), 6))
    players[player] = mlp_critic(2) if player == "f" else mlp_generator(2, 2)
    with pytest.raises(ValueError, match="Player takes no labels.*Concatenated"):
        train(conditional(non_saturating()), players, batches(Ring(6), z=Normal(dim=2)),
              steps=1, watch=None)


def test_between_stays_within_a_class():
    """Slopes are measured between a real and a fake of one label, and f is told that label."""
    seen = []

    def spy(f, x, x_fake):
        middle = (x + x_fake) / 2
        seen.append((middle, f.y))
        return f(middle).square().mean()
    x, y = torch.tensor([[0.], [10.], [20.], [10.]]).double(), torch.tensor([0, 1, 2, 1])
    game = conditional(wasserstein(spy, weight=1.))
    game["f"](lambda x, y: x[:, 0], lambda z, y: 10. * y[:, None] + z, x=x,
              z=torch.ones(4, 1).double(), y=y)
    (middle, label), = seen
    assert torch.equal(middle[:, 0], 10. * y + .5) and torch.equal(label, y)


# ---------------------------------------------------------------- acgan

def outputs(values, requires_grad=True):
    return torch.tensor(values, dtype=torch.float64, requires_grad=requires_grad)


HEADS_REAL = [[-5., 1.4, 12.5, 2.7], [.3, -7.1, 4., 1.]]
HEADS_FAKE = [[2.2, -.4, .9, 3.1], [-1.7, 5.5, .2, -6.]]


def by_hand(rows, y, sign):
    """mean softplus(sign · c), mean -log softmax_y, with plain Python numbers."""
    source = [math.log1p(math.exp(sign * row[0])) for row in rows]
    named = [math.log(sum(math.exp(a) for a in row[1:])) - row[1:][k] for row, k in zip(rows, y)]
    return sum(source) / len(rows), sum(named) / len(rows)


@pytest.mark.parametrize("weight", [0., .25, 1., 3.])
@pytest.mark.parametrize("y", [[2, 0], [1, 1]])
def test_acgan_by_hand(weight, y):
    x, z, labels = outputs(HEADS_REAL), outputs(HEADS_FAKE), torch.tensor(y)
    itself, make = lambda x: x, lambda z, y: z
    (s, c), (s_fake, c_fake) = by_hand(HEADS_REAL, y, -1), by_hand(HEADS_FAKE, y, 1)
    loss = acgan(weight)["f"](itself, make, x, labels, z)
    assert loss.item() == pytest.approx(s + s_fake + weight * (c + c_fake), rel=1e-13)
    grads = torch.autograd.grad(loss, (x, z))
    for rows, grad, sign in ((HEADS_REAL, grads[0], -1), (HEADS_FAKE, grads[1], 1)):
        for row, k, mine in zip(rows, y, grad):
            share = np.exp(row[1:]) / np.exp(row[1:]).sum() - np.eye(3)[k]
            expected = [sign / (1 + math.exp(-sign * row[0])), *(weight * share)]
            assert mine.tolist() == pytest.approx([v / 2 for v in expected], rel=1e-12, abs=1e-15)
    s_fake, c_fake = by_hand(HEADS_FAKE, y, -1)
    assert acgan(weight)["g"](itself, make, labels, z).item() == pytest.approx(
        s_fake + weight * c_fake, rel=1e-13)


def test_acgan_asks_for_x_alone_in_the_critic():
    game = acgan()
    assert game.players == ("f", "g")
    assert [m.needs for m in game.moves] == [("f", "g", "x", "y", "z"), ("f", "g", "y", "z")]


@pytest.mark.parametrize("critic, message", [
        (Projected(mlp_critic(2), 6),
         "Projected takes labels; the discriminator of ACGAN sees x alone"),
        (mlp_critic(2), r"f gives \(64,\) where g draws 6 classes: build f with outputs=7"),
        (mlp_critic(2, outputs=6), "outputs=7"),
        (mlp_critic(2, outputs=11), "outputs=7")])
def test_acgan_refuses_other_critics(critic, message):
    with pytest.raises(ValueError, match=message):
        train(acgan(), dict(f=critic, g=Concatenated(mlp_generator(8, 2), 6)),
              batches(Ring(6), z=Normal(dim=2)), steps=1, watch=None)


@pytest.mark.parametrize("weight", [-1., math.nan])
def test_acgan_refuses_negative_weights(weight):
    with pytest.raises(ValueError, match="0 or more"):
        acgan(weight)


@pytest.mark.parametrize("classes", [3, 10])
def test_a_softmax_too_many_has_a_floor_and_no_gradient(classes):
    floor = math.log(math.e + classes - 1) - 1
    sure = torch.zeros(1, classes, dtype=torch.float64)
    sure[0, 1] = 60.
    y = torch.tensor([1])
    twice = nn.functional.cross_entropy(sure.softmax(1), y).item()
    assert twice == pytest.approx(floor, abs=1e-12)
    assert classes != 10 or round(floor, 3) == 1.461
    for seed in range(5):
        a = 9 * torch.randn(50, classes, generator=torch.Generator().manual_seed(seed)).double()
        assert nn.functional.cross_entropy(a.softmax(1),
                                           torch.ones(50, dtype=torch.long)).item() > floor
    wrong = outputs([[20., *[0.] * (classes - 1)]])
    once, = torch.autograd.grad(nn.functional.cross_entropy(wrong, y), wrong)
    lost, = torch.autograd.grad(nn.functional.cross_entropy(wrong.softmax(1), y), wrong)
    assert once[0, 1] < -.999 and lost.abs().max() < 1e-7


# ---------------------------------------------------------------- trained with the one loop

def pairs(modes=6, batch=32, seed=0):
    return batches(Ring(modes), z=Normal(dim=2), batch=batch, seed=seed)


def players(critic="f", modes=6, **options):
    return {critic: Projected(mlp_critic(2, width=16), modes),
            "g": Concatenated(mlp_generator(2 + modes, 2, width=16), modes)}


TRAINED = {
    "non-saturating": (non_saturating(), "f"),
    "WGAN-LP": (wasserstein(lipschitz_penalty), "f"),
    "clipped": (wasserstein(clip=.01), "f"),
    "LS-GAN": (loss_sensitive(), "l"),
    "relativistic": (relativistic(), "f"),
}


@pytest.mark.parametrize("name", TRAINED)
def test_any_game_trains_by_the_same_line(name):
    game, critic = TRAINED[name]
    nets = players(critic)
    before = copy.deepcopy(nets)
    run = train(conditional(game), nets, pairs(), steps=4, watch=None, precision="highest")
    assert all(np.isfinite(values).all() for values in run.losses.values())
    for player in nets:
        moved = [not torch.equal(a, b)
                 for a, b in zip(nets[player].parameters(), before[player].parameters())]
        assert sum(moved) >= len(moved) - 1  # a difference of scores knows no bias
    if name == "clipped":
        assert max(w.abs().max() for w in nets["f"].parameters()) <= .01


def test_the_generator_learns_which_mode_is_asked_for():
    learn = partial(train, steps=200, watch=None, precision="highest", ema=.97,
                    optimizer=adam(5e-3))
    run = learn(conditional(non_saturating()), players(), pairs(batch=64))
    points, y = run.samples(600).numpy(), np.arange(600) % 6
    nearest = np.linalg.norm(points[:, None] - Ring(6).centres, axis=2).argmin(1)
    assert (nearest == y).mean() > .9
    loose = conditional(non_saturating())
    shuffled = Game({p: _loose(loose, p) for p in "fg"})
    run = learn(shuffled, players(), pairs(batch=64))
    points = run.samples(600).numpy()
    nearest = np.linalg.norm(points[:, None] - Ring(6).centres, axis=2).argmin(1)
    assert (nearest == y).mean() < .5


def _loose(game, player):
    if player == "g":
        return game["g"]
    return lambda f, g, x, y, z: game["f"](f, g, x, z, y=y[torch.randperm(len(y))])


@pytest.mark.parametrize("game",
                         [conditional(non_saturating()), conditional(relativistic()), acgan(.5)])
def test_reused_fakes_keep_their_labels(game):
    """reuse="g" equals a loop by hand in which both players see one batch."""
    mine, hand = _nets(game), _nets(game)
    sgd = lambda weights: torch.optim.SGD(weights, lr=.05)
    train(game, mine, pairs(), steps=5, watch=None, precision="highest", reuse="g", optimizer=sgd)
    samples = pairs()
    for _ in range(5):
        batch = samples.draw({"x", "y", "z"})
        for move in game.moves:  # f moves first, and g answers the f that has moved
            loss = move.loss(**{name: {**batch, **hand}[name] for name in move.needs})
            weights = list(hand[move.player].parameters())
            with torch.no_grad():
                for weight, gradient in zip(weights, torch.autograd.grad(loss, weights)):
                    weight -= .05 * gradient
    for name in mine:
        for a, b in zip(mine[name].parameters(), hand[name].parameters()):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)


def _nets(game):
    acgan_like = "x" in game.moves[0].needs and game.moves[0].needs.index("y") == 3
    f = mlp_critic(2, width=16, outputs=7) if acgan_like else Projected(mlp_critic(2, width=16), 6)
    return dict(f=f, g=Concatenated(mlp_generator(8, 2, width=16), 6))


def test_reuse_refuses_a_critic_that_sees_fewer_labels_than_g():
    game = Game({"f": lambda f, g, x, z: f(g(z)).mean() - f(x).mean(),
                 "g": lambda f, g, y, z: f(g(z, y)).mean()})
    nets = dict(f=mlp_critic(2), g=Concatenated(mlp_generator(8, 2), 6))
    with pytest.raises(ValueError, match="with labels needs a player before g that asks for y"):
        train(game, nets, pairs(), steps=1, watch=None, reuse="g")


@pytest.mark.parametrize("game", [conditional(non_saturating()), acgan()])
def test_a_stopped_conditional_game_continues_exactly(tmp_path, game):
    options = dict(watch=None, ema=.9, precision="highest")
    whole = train(game, _nets(game), pairs(), steps=6, **options)
    train(game, _nets(game), pairs(), steps=3, checkpoint=tmp_path / "half.pt", **options)
    rest = train(game, _nets(game), pairs(), steps=6, checkpoint=tmp_path / "half.pt", **options)
    assert rest.losses == whole.losses
    assert torch.equal(rest.samples(12), whole.samples(12))


def test_samples_by_label():
    run = train(conditional(non_saturating()), players(), pairs(), steps=2, watch=None, ema=.9)
    assert torch.equal(run.samples(13), run.samples(13, torch.arange(13) % 6))
    assert torch.equal(run.samples(5, 4), run.samples(5, [4] * 5))
    assert not torch.equal(run.samples(5, 4), run.samples(5, 3))
    g, z = run.ema["g"], run.source.noise(5, seed=0)
    torch.testing.assert_close(run.samples(5, 4), g(z, torch.full((5,), 4)).detach())
    assert not torch.equal(run.samples(5, 4), run.samples(5, 4, averaged=False))
    for wrong in (6, -1, [0, 1], [0, 1, 2, 3, 6], torch.zeros(5, 1, dtype=torch.long)):
        with pytest.raises(ValueError, match="5 samples of 6 classes need 5 labels from 0 to 5"):
            run.samples(5, wrong)
    with pytest.raises(ValueError, match="whole-number labels"):
        run.samples(5, 1.5)
    plain = train(non_saturating(), dict(f=mlp_critic(2), g=mlp_generator(2, 2)), pairs(),
                  steps=1, watch=None)
    with pytest.raises(ValueError, match="takes no labels"):
        plain.samples(5, 1)


@pytest.mark.parametrize(
    "wrong, message",
    [(dict(g=Concatenated(mlp_generator(12, 2), 10)), "g is built for 10 classes, the data have 6"),
     (dict(f=Projected(mlp_critic(2), 5)), "f is built for 5 classes, the data have 6"),
     (dict(g=Concatenated(mlp_generator(7, 2), 6)),
      r"g cannot take noise of shape \(2,\) and a label"),
     (dict(f=Concatenated(mlp_critic(7), 6)), r"f cannot take samples of shape \(2,\) and a label"),
     (dict(g=Concatenated(mlp_generator(8, 3), 6)),
      r"g makes samples of shape \(3,\), the data have \(2,\)")])
def test_misfits_are_refused_before_training(wrong, message):
    with pytest.raises(ValueError, match=message):
        train(conditional(non_saturating()), players() | wrong, pairs(), steps=1, watch=None)


def test_a_plain_game_with_labelled_networks_names_the_remedy():
    with pytest.raises(ValueError, match=r"f takes labels.*play conditional\(game\)"):
        train(non_saturating(), players(), pairs(), steps=1, watch=None)


def test_data_without_labels():
    with pytest.raises(NameError, match="asks for 'y', which is not among"):
        train(conditional(non_saturating()), players(),
              batches(torch.randn(50, 2), z=Normal(dim=2)), steps=1, watch=None)


# ---------------------------------------------------------------- exact, on the line

def random_pairs(seed, K=3):
    rng = np.random.default_rng(seed)
    law = lambda: [Normal(rng.uniform(-3, 3), rng.uniform(.5, 1.8)) for _ in range(K)]
    shares = rng.uniform(.2, 1, K)
    return Mixture(law(), shares), Mixture(law(), shares)


@pytest.mark.parametrize("seed", range(4))
def test_the_value_is_that_of_the_pairs(seed):
    """-(critic loss at log p(x|y)/q(x|y)) = E_y 2 JS - 2 log 2, by quadrature of the joint."""
    p, q = random_pairs(seed)
    value = 0.
    for share, a, b in zip(p.weights, p.laws, q.laws):
        f = lambda x: a.logpdf(x) - b.logpdf(x)
        value -= share * quad(
            lambda x: a.pdf(x) * np.logaddexp(0, -f(x)) + b.pdf(x) * np.logaddexp(0, f(x)), -16, 16,
            points=sorted([a.mean, b.mean]), limit=300, epsabs=1e-12)[0]
    assert 2 * exact.within(p, q) - 2 * math.log(2) == pytest.approx(value, abs=1e-9)
    assert exact.within(p, q) >= js(p, q) - 1e-12                  # the critic may ignore the label
    for y, x in ((0, -.7), (2, 1.9)):  # pointwise: nothing beats the log-ratio
        u, v = p.laws[y].pdf(x), q.laws[y].pdf(x)
        best = minimize_scalar(lambda f: u * np.logaddexp(0, -f) + v * np.logaddexp(0, f)).x
        assert best == pytest.approx(math.log(u / v), abs=1e-5)


def test_labels_of_two_laws_are_refused():
    p = Mixture([Normal(), Normal(1)], [.5, .5])
    with pytest.raises(ValueError, match="labels must have one law"):
        exact.within(p, Mixture([Normal(), Normal(1)], [.9, .1]))
    with pytest.raises(ValueError, match="labels must have one law"):
        exact.class_loss(p, Mixture([Normal(), Normal(1), Normal(2)]))


@pytest.mark.parametrize("seed", range(3))
def test_entropy_and_class_loss_by_plain_quadrature(seed):
    p, q = random_pairs(seed + 10)
    joint = lambda law, y, x: law.weights[y] * law.laws[y].pdf(x)
    entropy = -sum(quad(lambda x: joint(q, y, x) * math.log(joint(q, y, x) / q.pdf(x)), -12, 12,
                        limit=300)[0] for y in range(3))
    assert exact.label_entropy(q) == pytest.approx(entropy, abs=1e-8)
    loss = -sum(quad(lambda x: joint(q, y, x) * math.log((joint(p, y, x) + joint(q, y, x))
                                                         / (p.pdf(x) + q.pdf(x))), -12, 12,
                     limit=300)[0] for y in range(3))
    assert exact.class_loss(p, q) == pytest.approx(loss, abs=1e-8)
    assert exact.class_loss(p, q) >= exact.label_entropy(q) - 1e-12
    assert exact.class_loss(q, q) == pytest.approx(entropy, abs=1e-8)
    assert 0 <= entropy <= math.log(3)


def test_entropy_at_its_ends():
    alike = Mixture([Normal(), Normal(), Normal()])
    assert exact.label_entropy(alike) == pytest.approx(math.log(3), abs=1e-12)
    assert exact.label_entropy(Mixture([Normal(-30), Normal(30)])) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("weight", [0., .7, 2.])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_gradient_of_the_generator_is_a_difference_quotient_with_a_frozen_critic(seed, weight):
    p, q = random_pairs(seed + 20, K=2)
    c = lambda x: p.logpdf(x) - q.logpdf(x)
    named = [lambda x, y=y: -np.log((p.weights[y] * (p.laws[y].pdf(x) + q.laws[y].pdf(x)))
                                    / (p.pdf(x) + q.pdf(x))) for y in (0, 1)]

    def loss(means, sds):
        each = [quad(lambda e: Normal().pdf(e) * (np.logaddexp(0, -c(m + s * e))
                                                  + weight * named[y](m + s * e)), -8, 8, limit=300,
                     epsabs=1e-11)[0] for y, (m, s) in enumerate(zip(means, sds))]
        return q.weights @ each
    at = np.array([law.mean for law in q.laws]), np.array([law.sd for law in q.laws])
    mine, h = exact.acgan_gradient(p, q, weight), 1e-4
    for kind in (0, 1):
        for y in (0, 1):
            step = [np.zeros(2), np.zeros(2)]
            step[kind][y] = h
            quotient = (loss(at[0] + step[0],
                             at[1] + step[1]) - loss(at[0] - step[0], at[1] - step[1])) / (2 * h)
            assert mine[kind][y] == pytest.approx(quotient, abs=2e-6)


def test_at_the_truth_only_the_class_loss_pushes():
    mu = 1.
    p = Mixture([Normal(-mu, 1), Normal(mu, 1)])
    assert np.abs(exact.acgan_gradient(p, p, 0.)).max() < 1e-13
    push = quad(lambda x: Normal(mu, 1).pdf(x) * -2 * mu / (1 + math.exp(2 * mu * x)),
                -9, 11)[0] / 2
    means, sds = exact.acgan_gradient(p, p, 1.)
    assert means == pytest.approx([-push, push], abs=1e-9) and push < -.1 and (sds > .1).all()


def test_acgan_rests_beyond_the_data():
    p = Mixture([Normal(-1, 1), Normal(1, 1)])
    assert [law.mean for law in exact.acgan_rest(p, 0.).laws] == pytest.approx([-1, 1], abs=1e-8)
    q = p
    for weight, spread, entropy in ((.25, 1.21879, .15940), (1., 1.39400, .05731),
                                    (3., 1.61408, .01121)):
        before, q = q, exact.acgan_rest(p, weight, q)
        assert q.laws[1].mean == pytest.approx(spread, abs=1e-4)
        assert q.laws[0].mean == pytest.approx(-spread, abs=1e-4)
        assert q.laws[0].sd < before.laws[0].sd
        assert exact.label_entropy(q) == pytest.approx(entropy, abs=1e-4)
        assert np.abs(exact.acgan_gradient(p, q, weight)).max() < 1e-9
    # from elsewhere, downhill: it is a place of rest
    means, sds = np.array([-2., .7]), np.array([.5, 1.4])
    for _ in range(150):
        push, squeeze = exact.acgan_gradient(p, Mixture([Normal(m, s) for m, s in zip(means, sds)]),
                                             1.)
        means, sds = means - .8 * push, sds - .8 * squeeze
    assert means == pytest.approx([-1.394, 1.394], abs=2e-3)
    assert sds == pytest.approx([.689, .689], abs=2e-3)


@pytest.mark.parametrize("weight", [math.nan, -1., math.inf])
def test_odd_weights_are_refused(weight):
    with pytest.raises(ValueError, match="0 or more"):
        exact.acgan_rest(Mixture([Normal(-1, 1), Normal(1, 1)]), weight)


def test_no_place_of_rest_is_said(monkeypatch):
    monkeypatch.setattr(exact, "acgan_gradient", lambda p, q, weight: (np.ones(2), np.ones(2)))
    with pytest.raises(ArithmeticError, match="smaller weight"):
        exact.acgan_rest(Mixture([Normal(-1, 1), Normal(1, 1)]))


# ---------------------------------------------------------------- explorers and questions

def test_with_and_without_the_label():
    assert explorers.grid_js(Normal(-1.5), Normal(2.5)) == pytest.approx(
        js(Normal(-1.5), Normal(2.5)), abs=1e-10)
    swapped = explorers.muddled(1.)
    assert js(explorers.LABELLED, swapped) == pytest.approx(0, abs=1e-12)
    assert exact.within(explorers.LABELLED, swapped) == pytest.approx(
        js(Normal(), Normal(3)), abs=1e-12)
    ex = explorers.labels()
    assert ex.draw(mixed_up=1., shift=0.) != ex.draw(mixed_up=0., shift=0.)
    title = ex._artists[1].get_text()
    ex.draw(mixed_up=1., shift=3.)
    assert "0.0000" in title and ex._artists[1].get_text() != title


def test_the_cost_of_being_classified():
    weights, found = explorers.rests()
    assert weights[0] == 0 and weights[-1] == 3 and len(found) == len(weights) == 31
    spreads = [q.laws[1].mean for q in found]
    assert (np.diff(spreads) > 0).all()
    ex = explorers.class_weight()
    ex.draw(weight=1.)
    assert "means ±1.39, width 0.69" in ex._artists[-1].get_text()
    assert "real 0.356" in ex._artists[-1].get_text()


def small_run(shape=(1, 28, 28), classes=10):
    from gan_lessons import Images

    images = Images(torch.randint(0, 256, (64, *shape), dtype=torch.uint8),
                    torch.arange(64) % classes)
    nets = dict(f=Projected(dcgan_critic(shape, width=4), classes),
                g=Concatenated(dcgan_generator(shape, noise=5 + classes, width=4), classes))
    return train(conditional(non_saturating()), nets, batches(images, z=Normal(dim=5), batch=8),
                 steps=2, watch=None, ema=.9)


def test_walking_through_noise_and_labels():
    run = small_run()
    z = run.source.noise(4, seed=1)
    whole = explorers.blended(run, z, torch.tensor([0, 3, 9, 5]))
    with torch.no_grad():
        torch.testing.assert_close(whole, run.ema["g"].eval()(z, torch.tensor([0, 3, 9, 5])))
    half = explorers.blended(run, z, torch.tensor([.5, 3.25, 8.75, 5.]))
    assert not torch.allclose(half[0], whole[0]) and torch.allclose(half[3], whole[3])
    ex = explorers.walk(run)
    frames = {ex.draw(label=label, style=style) for label in (0., 3.25, 9.) for style in (0, 23)}
    assert len(frames) == 6
    ex.draw(label=3.25, style=7)
    assert "asked for 3.25, between two labels" in ex._artists[1].get_text()
    assert "sure" in ex._artists[1].get_text()


def test_figures_show_what_they_are_given():
    run = small_run()
    figure, (ax, other) = plots.figure(2)
    explorers.style_sheet(ax, run, styles=3)
    assert ax.images[0].get_array().shape == (3 * 28 + 2 * 2, 10 * 28 + 9 * 2)
    points, y = Ring(6).sample_with_modes(60, np.random.default_rng(0))
    explorers.by_label(other, points, y)
    assert sorted(text.get_text() for text in other.texts) == [str(k) for k in np.unique(y)]
    assert sum(len(c.get_offsets()) for c in other.collections) == 60
    explorers.roads(ax, points[:5], points[5:10], points[10:15], "roads")
    assert len(ax.lines) == 5 and ax.get_title() == "roads"


def test_answers_by_independent_means():
    known = answers_to("12")
    assert known["12 one of four"] == pytest.approx(1.5 * math.log(2), abs=1e-9)
    share = minimize_scalar(
        lambda share: abs(exact.within(explorers.LABELLED, explorers.muddled(share, 2.),
                                       explorers.grid_js)), bounds=(0, 1), method="bounded").x
    assert known["12 mixed up"] == pytest.approx(share, abs=.03)
    sure = torch.zeros(1000, 100).double()
    sure[:, 0] = 1                                               # probabilities, always the same
    wrong = int(1000 * known["12 log"])
    loss = nn.functional.cross_entropy(sure, torch.tensor([1] * wrong + [0] * (1000 - wrong)))
    assert loss.item() == pytest.approx(3.7, abs=.002)
    bias = []
    for mu in (known["12 target"] - .1, known["12 target"]):
        p = Mixture([Normal(-mu), Normal(mu)])
        bias.append(exact.within(p, exact.acgan_rest(p, 1.)))
    assert bias[1] <= .015 < bias[0]


def test_two_rounds_are_those_of_the_game():
    from gan_lessons.questions.conditional import two_rounds
    torch.manual_seed(0)
    f = mlp_critic(2, outputs=4).double()
    g = Concatenated(mlp_generator(2 + 3, 2), 3).double()
    x, z, y = torch.randn(6, 2).double(), torch.randn(6, 2).double(), torch.arange(6) % 3
    before = [w.clone() for w in f.parameters()]
    found, mine, game = two_rounds(f, g, x, y, z), copy.deepcopy(dict(f=f, g=g)), acgan()
    assert all(torch.equal(a, b) for a, b in zip(before, f.parameters()))
    moves = {name: torch.optim.SGD(net.parameters(), lr=.1) for name, net in mine.items()}
    for _ in range(2):
        for player, given in (("f", (x, y, z)), ("g", (y, z))):
            moves[player].zero_grad()
            game[player](mine["f"], mine["g"], *given).backward()
            moves[player].step()
    assert found == pytest.approx(mine["f"](mine["g"](z, y))[:, 0].mean().item(), rel=1e-12)


def test_a_number_for_each_class():
    from gan_lessons import load_images
    test = load_images(split="test")
    images, labels = test.images[:2000], test.labels[:2000]
    far, right, spread = explorers.class_by_class(images, labels, images, labels)
    assert far == pytest.approx(0, abs=1e-6) and spread == pytest.approx(1) and right.min() > .9
    same = images.clone()
    same[labels == 3] = images[labels == 3][:1]
    far, right, spread = explorers.class_by_class(same, labels, images, labels)
    assert spread[3] == pytest.approx(0, abs=1e-6) and far[3] > 10
    assert far[2] == pytest.approx(0, abs=1e-6)
    points = torch.tensor([[0., 0], [3, 4], [0, 0]])
    assert explorers.apart(points) == pytest.approx(10 / 3)
    figure, axes = plots.figure(3)
    explorers.by_class(axes, {"real": (far, right, spread)})
    assert len(axes[1].lines[0].get_xdata()) == 10
    figure, axes = plots.figure(3)
    explorers.three_critics(axes)
    assert [ax.get_title() for ax in axes] == ["concatenation", "projection", "ACGAN"]


# ---------------------------------------------------------------- recipes

@pytest.mark.parametrize("name", CONDITIONAL)
def test_a_recipe_draws_what_is_asked_for(name):
    images = Images(torch.randint(0, 256, (64, 1, 28, 28), dtype=torch.uint8),
                    torch.arange(64) % 10)
    run = CONDITIONAL[name].train(images, steps=2, watch=None)
    assert run.samples(20).shape == (20, 1, 28, 28)
    assert not torch.equal(run.samples(5, 4), run.samples(5, 3))
    again = CONDITIONAL[name].train(images, steps=2, watch=None)
    assert torch.equal(run.samples(5), again.samples(5))
    nets = [CONDITIONAL[name].players((1, 28, 28), seed)["g"] for seed in (0, 0, 1)]
    first, same, other = (next(net.parameters()) for net in nets)
    assert torch.equal(first, same) and not torch.equal(first, other)


def test_where_the_label_enters():
    x, y = torch.randn(4, 1, 28, 28), torch.tensor([0, 3, 3, 9])
    nets = {name: recipe.players((1, 28, 28)) for name, recipe in CONDITIONAL.items()}
    assert nets["ACGAN"]["f"](x).shape == (4, 11)
    joined, projected = nets["concatenation"]["f"].eval(), nets["projection"]["f"].eval()
    assert joined.net.layers[0].in_channels == 1 + 10
    h = projected.net.layers[:-1](x)
    by_hand = projected.net.layers[-1](h)[:, 0] + (projected.embedding.weight[y] * h).sum(1)
    torch.testing.assert_close(projected(x, y), by_hand)
    l = nets["CLS-GAN"]["l"].eval()
    torch.testing.assert_close(l.losses(x).neg().exp().sum(1), torch.ones(4))
    assert all(takes_labels(pair["g"]) for pair in nets.values())
