"""Semi-supervised GANs: K logits as K + 1 classes, the least loss of an unknown label, refusals."""
import copy
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import answers_to
from scipy.integrate import quad
from scipy.stats import norm
from scipy.stats import t as student
from torch import nn
from torch.nn import functional as F

from gan_lessons import (
    Images,
    Mixture,
    Normal,
    Ring,
    batches,
    expectation,
    mlp_critic,
    mlp_generator,
    train,
)
from gan_lessons.data.label_budget import t_interval
from gan_lessons.drawing import plots
from gan_lessons.exact.laws import Moons
from gan_lessons.explorers import semi_supervised as explorers
from gan_lessons.measures.prediction import ClassLoss
from gan_lessons.objectives.loss_sensitive import margin
from gan_lessons.objectives.semi_supervised import (
    improved_gan,
    semi_supervised,
    source_logit,
    supervised,
    with_fake_class,
)
from gan_lessons.players.image_networks import dcgan_critic
from gan_lessons.players.networks import Concatenated, Noise, noisy
from gan_lessons.questions.semi_supervised import two_rounds

LOGITS = torch.tensor([[-5, 1.4, 12.5, 2.7], [.3, -.2, .0, 7.], [-30, -31, -29, -40.]],
                      dtype=torch.float64)


def nets(K=3, dim=2, labels=False):
    f = mlp_critic(dim, width=8, outputs=K).double()
    g = mlp_generator(2, dim, width=8).double()
    if not labels:
        return f, g
    return ClassLoss(f, K), Concatenated(mlp_generator(2 + K, dim, width=8), K).double()


def batch(n, seed, K=3):
    torch.manual_seed(seed)
    x, u, z = (torch.randn(n, 2, dtype=torch.float64) for _ in range(3))
    return dict(x=x, u=u - .5, z=z, y=torch.randint(K, (n,)))


def pick(batch, *names):
    return {name: batch[name] for name in names}


def gradients(value, *networks):
    return torch.autograd.grad(value, [w for net in networks for w in net.parameters()],
                               allow_unused=True)


# ---------------------------------------------------------------- K logits are K + 1 classes

def test_zero_logits():
    for K in (2, 10):
        a = torch.zeros(1, K, dtype=torch.float64)
        cost = F.softplus(-source_logit(a)) + F.softplus(source_logit(a))
        assert cost.item() == pytest.approx(math.log(1 + 1 / K) + math.log(1 + K), abs=1e-14)


def test_the_implicit_class_by_hand():
    s = with_fake_class(LOGITS).softmax(1)
    Z = LOGITS.exp().sum(1)
    torch.testing.assert_close(s[:, -1], 1 / (1 + Z), rtol=1e-12, atol=0)
    torch.testing.assert_close(source_logit(LOGITS).sigmoid(), Z / (1 + Z), rtol=1e-12, atol=0)
    # an explicit fake logit …
    free = torch.cat([LOGITS, torch.tensor([[3.], [-2.], [.5]], dtype=torch.float64)], 1)
    same = with_fake_class(free[:, :-1] - free[:, -1:])  # … subtracted
    torch.testing.assert_close(free.softmax(1), same.softmax(1), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("n, seed, weight", [(5, 0, 1.), (8, 1, .5), (5, 2, 3.)])
def test_equal_to_k_plus_one_classes(n, seed, weight):
    """The loss, written with K + 1 probabilities alone, to 1e-12 in values and gradients."""
    (f, g), b = nets(), batch(n, seed)
    mine = improved_gan(weight)["f"](f, g, **b)

    def classes(x):
        return with_fake_class(f(x)).softmax(1)
    labelled, unlabelled, fake = classes(b["x"]), classes(b["u"]), classes(g(b["z"]))
    among_real = labelled[torch.arange(n), b["y"]] / (1 - labelled[:, -1])
    theirs = -among_real.log().mean() + weight * (
        -(1 - unlabelled[:, -1]).log().mean() - fake[:, -1].log().mean())
    assert mine.item() == pytest.approx(theirs.item(), abs=1e-12)
    for a, c in zip(gradients(mine, f), gradients(theirs, f)):
        assert (a - c).abs().max() < 1e-12


def test_large_logits_keep_value_and_slope():
    a = torch.full((1, 3), -800., dtype=torch.float64, requires_grad=True)
    cost = F.softplus(-source_logit(a)).sum()
    assert cost.item() == pytest.approx(800 - math.log(3))
    assert torch.autograd.grad(cost, a)[0].sum() == pytest.approx(-1)


def test_features_are_matched_in_the_mean():
    (f, g), b = nets(), batch(6, 3)
    loss = improved_gan()["g"](f, g, **pick(b, "u", "z"))
    h = lambda x: f.layers[:-1](x).detach().numpy()
    apart = h(b["u"]).mean(0) - h(g(b["z"])).mean(0)
    assert loss.item() == pytest.approx((apart ** 2).sum() / 8, abs=1e-14)
    torch.testing.assert_close(f.layers[-1](f.features(b["u"])), f(b["u"]))
    shuffled = improved_gan()["g"](f, lambda z: b["u"][torch.randperm(6)], u=b["u"], z=b["z"])
    assert shuffled.item() < 1e-28  # real samples in another order cost nothing


@pytest.mark.parametrize("seed", [0, 1])
def test_a_perfect_generator_pushes_no_class(seed):
    torch.manual_seed(seed)
    a = 3 * torch.randn(7, 4, dtype=torch.float64)
    a = (a - a.logsumexp(1, keepdim=True)).requires_grad_()
    cost = F.softplus(-source_logit(a)).mean() + F.softplus(source_logit(a)).mean()
    assert cost.item() == pytest.approx(2 * math.log(2), abs=1e-14)
    assert torch.autograd.grad(cost, a)[0].abs().max() < 1e-15


# ---------------------------------------------------------------- CLS-GAN

@pytest.mark.parametrize("n, seed", [(5, 0), (8, 1), (3, 2)])
def test_the_least_loss_of_an_unknown_label_by_hand(n, seed):
    (l, g), b = nets(labels=True), batch(n, seed)
    weight, eta, first, scale = 1.7, .6, .9, .4
    game = semi_supervised(margin(scale), weight, eta, first)
    mine = game["l"](l, g, **b)

    def losses(x):  # by NumPy, from the logits
        a = l.net(x).detach().numpy()
        return np.log(np.exp(a).sum(1, keepdims=True)) - a
    fake = g(b["z"], b["y"]).detach()
    of_x, of_u, of_fake, y = losses(b["x"]), losses(b["u"]), losses(fake), b["y"].numpy()
    far = lambda x: scale * np.abs((x - fake).numpy()).sum(1)
    hinge = lambda delta, low, high: (first * low.mean()
                                      + weight * np.maximum(delta + low - high, 0).mean())
    rows = np.arange(n)
    expected = (hinge(far(b["x"]), of_x[rows, y], of_fake[rows, y])
                + eta * hinge(far(b["u"]), of_u.min(1), of_fake.min(1)))
    assert mine.item() == pytest.approx(expected, abs=1e-12)
    lost = game["g"](l, g, **pick(b, "z", "y"))
    assert lost.item() == pytest.approx(of_fake[rows, y].mean() + eta * of_fake.min(1).mean(),
                                        abs=1e-12)


def test_gradient_is_a_difference_quotient():
    (l, g), b = nets(labels=True), batch(6, 4)
    loss = lambda: semi_supervised(margin(.3), 2., .7)["l"](l, g, **b)
    slope = gradients(loss(), l)[0][0, 0].item()
    weight = next(l.parameters())
    values = []
    with torch.no_grad():
        for sign in (1, -1):
            weight[0, 0] += sign * 1e-6
            values.append(loss().item())
            weight[0, 0] -= sign * 1e-6
    assert slope == pytest.approx((values[0] - values[1]) / 2e-6, abs=1e-6)


def test_without_unlabelled_samples_it_is_conditional_ls_gan():
    from gan_lessons.objectives.conditional import conditional
    from gan_lessons.objectives.loss_sensitive import loss_sensitive
    (l, g), b = nets(labels=True), batch(5, 5)
    mine = semi_supervised(margin(.3), weight=2., eta=0.)
    theirs = conditional(loss_sensitive(margin(.3), weight=2.))
    assert mine["l"](l, g, **b).item() == pytest.approx(
        theirs["l"](l, g, **pick(b, "x", "y", "z")).item(), abs=1e-12)
    assert mine["g"](l, g, **pick(b, "z", "y")).item() == pytest.approx(
        theirs["g"](l, g, **pick(b, "z", "y")).item(), abs=1e-12)


def test_no_label_costs_no_more_than_any_label():
    l, _ = nets(K=4, labels=True)
    x = 3 * torch.randn(50, 2, dtype=torch.float64)
    losses = l.losses(x)
    least, entropy = losses.amin(1), (losses * (-losses).exp()).sum(1)
    assert (0 <= least).all()
    assert (least <= entropy + 1e-12).all()
    assert (entropy <= math.log(4) + 1e-12).all()
    assert (least[:, None] <= losses).all()


def test_batch_norm_sees_three_batches():
    """One pass over [x; u; fakes] would be another loss: three calls, as the formula says."""
    (f, g), b = nets(), batch(6, 6)
    f.layers.insert(2, nn.BatchNorm1d(8).double())
    alone = copy.deepcopy(f)
    mine = improved_gan()["f"](f, g, **b)
    sp, logZ = F.softplus, lambda x: alone(x).logsumexp(1)
    known = F.cross_entropy(alone(b["x"]), b["y"])
    assert mine.item() == pytest.approx(
        (known + sp(-logZ(b["u"])).mean() + sp(logZ(g(b["z"]))).mean()).item(), abs=1e-12)


# ---------------------------------------------------------------- what is refused

def labelled(n=12, K=3, shift=0):
    y = torch.arange(n) % K + shift
    return Images(torch.randint(0, 256, (n, 1, 28, 28), dtype=torch.uint8), y, tuple("abcdef"[:K]))


def start(game=improved_gan(), K=3, images=None, unlabelled=None, outputs=None, lone=False):
    images = labelled() if images is None else images
    net = mlp_critic((1, 28, 28), width=8, outputs=outputs or K)
    if game.players[0] == "l":
        players = dict(l=ClassLoss(net, K),
                       g=Concatenated(mlp_generator(3 + K, (1, 28, 28), width=8), K))
    else:
        players = dict(f=net) if lone else dict(f=net, g=mlp_generator(3, (1, 28, 28), width=8))
    return train(game, players, batches(images, z=Normal(dim=3), batch=12,
                                        unlabelled=images if unlabelled is None else unlabelled),
                 steps=2, watch=None)


def test_both_games_train_on_pictures():
    for game in (improved_gan(), semi_supervised(margin(.01)), supervised()):
        run = start(game, lone=len(game.players) == 1)
        assert all(np.isfinite(run.losses[player]).all() for player in game.players)


@pytest.mark.parametrize(
    "wrong, message",
    [(dict(K=4), r"f gives \(4,\) for a sample, the data have 3 classes: build it with outputs=3"),
     (dict(K=2), "outputs=3"),
     (dict(game=semi_supervised(), K=4), "l is built for 4 classes, the data have 3"),
     (dict(images=lambda: labelled(shift=1)), "label 3 has no name among the 3 classes"),
     (dict(images=Images(labelled().images[:8], torch.tensor([0, 2] * 4), tuple("abc"))),
      "no sample of class 1"),
     (dict(unlabelled=torch.zeros(9, 1, 32, 32)),
      r"unlabelled samples have shape \(1, 32, 32\), labelled ones \(1, 28, 28\)"),
     (dict(game=supervised(), outputs=2, lone=True),
      "labels from . to 2 for a network of 2 classes")])
def test_misfits_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        if callable(images := wrong.get("images")):             # made here: it is refused itself
            wrong = wrong | dict(images=images())
        start(**wrong)


def test_losses_refuse_what_they_cannot_use():
    (f, g), b = nets(), batch(5, 0)
    with pytest.raises(ValueError, match="labels from . to 3 for a network of 3 classes"):
        improved_gan()["f"](f, g, **b | dict(y=torch.tensor([0, 1, 2, 3, 0])))
    with pytest.raises(ValueError, match=r"class logits \(n, K\)"):
        improved_gan()["f"](mlp_critic(2).double(), g, **b)
    with pytest.raises(ValueError, match="no .features"):
        improved_gan()["g"](nn.Linear(2, 3).double(), g, **pick(b, "u", "z"))
    l, g = nets(labels=True)
    with pytest.raises(ValueError, match="no .losses"):
        semi_supervised()["l"](f, g, **b)
    with pytest.raises(ValueError, match="pair one to one"):
        semi_supervised()["l"](l, g, **b | dict(u=b["u"][:3]))
    with pytest.raises(ValueError, match="labels from -1 to"):
        semi_supervised()["l"](ClassLoss(lambda x: f(x), 3), lambda z, y: b["x"] + 1,
                               **b | dict(y=torch.tensor([0, 1, -1, 2, 0])))


@pytest.mark.parametrize("make",
                         [lambda: improved_gan(-1), lambda: improved_gan(math.nan),
                          lambda: semi_supervised(eta=-.1), lambda: semi_supervised(weight=-2),
                          lambda: semi_supervised(first=-1)])
def test_negative_weights(make):
    with pytest.raises(ValueError, match="0 or more"):
        make()


def test_a_missing_unlabelled_set_is_named():
    with pytest.raises(NameError, match="asks for 'u'"):
        train(improved_gan(), {name: net.float() for name, net in zip("fg", nets())},
              batches(Ring(3), z=Normal(dim=2)), steps=1, watch=None)


# ---------------------------------------------------------------- networks, seeds, laws

def test_noise_is_for_training_only():
    net = noisy(mlp_critic((1, 28, 28), width=16, outputs=10), first=.6, sd=.5)
    x = torch.randn(4, 1, 28, 28)
    assert not torch.equal(net(x), net(x))
    net.eval()
    assert torch.equal(net(x), net(x))
    assert net(x).shape == (4, 10)
    assert net.features(x).shape == (4, 16)
    # weight norm starts at the plain weights
    plain = mlp_critic((1, 28, 28), width=16, outputs=10).eval()
    torch.testing.assert_close(net(x), plain(x))
    kinds = [type(layer) for layer in net.layers]
    assert kinds.count(Noise) == 3 and kinds[0] is Noise
    loud = Noise(2.)(torch.zeros(20_000))
    assert loud.std() == pytest.approx(2, abs=.05)
    photo = noisy(dcgan_critic((3, 32, 32), width=4, outputs=10))
    assert photo(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    with pytest.raises(ValueError, match="noisy takes"):
        noisy(nn.Linear(2, 2))


def test_intervals_of_few_runs():
    values = [.91, .88, .94]
    mean, half = t_interval(values)
    lower, upper = student.interval(.95, 2, loc=np.mean(values),
                                    scale=np.std(values, ddof=1) / math.sqrt(3))
    assert (mean - half, mean + half) == pytest.approx((lower, upper))
    covered = 0
    for seed in range(400):  # 95 in 100 intervals hold the truth
        mean, half = t_interval(np.random.default_rng(seed).normal(3, 2, 4))
        covered += abs(mean - 3) < half
    assert .92 < covered / 400 < .98
    with pytest.raises(ValueError, match="two runs or more"):
        t_interval([.9])


def test_moons():
    law, rng = Moons(), np.random.default_rng(0)
    points, y = law.sample_with_modes(4000, rng)
    assert set(y) == {0, 1} and abs(y.mean() - .5) < .05
    line = np.linspace(-3.5, 3.5, 281)
    grid = np.stack(np.meshgrid(line, line), -1)
    assert law.pdf(grid).sum() * (line[1] - line[0]) ** 2 == pytest.approx(1, abs=1e-6)
    upper, lower = law.laws
    # one is the other, turned by 180°
    np.testing.assert_allclose(upper.pdf(grid), lower.pdf(-grid), atol=1e-12)
    centre = 1.4 * np.array([-.5, -.25])  # on the arc, ± the noise
    assert np.linalg.norm(points[y == 0] - centre, axis=1).mean() == pytest.approx(1.4, abs=.02)
    assert explorers.accuracy(law, lambda x: explorers.best_guess(law, x)) > .98


# ---------------------------------------------------------------- exact numbers of the page

def test_what_unlabelled_samples_are_worth():
    """Two labelled samples, p(x) known and not, by quadrature over both instead of the formula."""
    x0, x1 = np.meshgrid(np.linspace(-8, 8, 321), np.linspace(-8, 8, 321))
    density = norm.pdf(x0 + 1.5) * norm.pdf(x1 - 1.5) * .05 ** 2

    def misnamed(b):
        share = (norm.cdf(b - 1.5) + norm.sf(b + 1.5)) / 2
        return (density * np.where(x1 > x0, share, np.where(x1 < x0, 1 - share, .5))).sum()
    w = norm.cdf(-3 / 2 ** .5)
    assert misnamed((x0 + x1) / 2) == pytest.approx(w + (1 - 2 * w) * norm.cdf(-1.5 / 1.5 ** .5),
                                                    abs=1e-4)
    assert misnamed(0.) == pytest.approx(w + (1 - 2 * w) * norm.cdf(-1.5), abs=1e-4)


def test_matched_means_are_no_proof():
    p, q = Mixture([Normal(-2, .5), Normal(2, .5)]), Normal(0, 4.25 ** .5)
    assert expectation(p, lambda x: x ** 2) == pytest.approx(expectation(q, lambda x: x ** 2))


@pytest.mark.parametrize("b", [-3., -.4, 2.])
def test_doubt_about_unlabelled_samples_by_quadrature(b):
    law, s = explorers.UNLABELLED, lambda x: 1 / (1 + math.exp(-explorers.SHARP * (x - b)))
    exact = sum(quad(lambda x: law.pdf(x) * -math.log(max(s(x), 1 - s(x))), *ends, limit=200)[0]
                for ends in ((-9, b), (b, 9)))
    assert explorers.unlabelled_loss(b) == pytest.approx(exact, abs=2e-6)
    assert explorers.unlabelled_loss(b, explorers.shannon) > explorers.unlabelled_loss(b)
    named = np.mean([math.log1p(math.exp((1 - 2 * y) * explorers.SHARP * (x - b)))
                     for x, y in zip(explorers.LABELLED, explorers.LABELS)])
    assert explorers.labelled_loss(b) == pytest.approx(named)
    assert explorers.misclassified(b) == pytest.approx(
        .3 * norm.sf((b + 2) / .8) + .7 * norm.cdf((b - 2) / .8))


def test_downhill():
    curve = np.array([3, 2, 1, 2, 3, 2.5, 2, 1.5, 4])
    assert [explorers.downhill(curve, k) for k in (0, 2, 3, 5, 8)] == [2, 2, 2, 7, 7]


def test_boundary_explorer():
    ex = explorers.boundary()
    ex.draw(at=-1.5, eta=0.)
    assert "downhill from here: b = -0.90" in ex._artists[-1].get_text()
    ex.draw(at=-3., eta=25.)  # beyond the lighter component: it never comes home
    end = float(re.search(r"downhill from here: b = (\S+),", ex._artists[-1].get_text())[1])
    total = lambda b: explorers.labelled_loss(b) + 25 * explorers.unlabelled_loss(b)
    assert end < -2.5
    assert total(end) < min(total(end - .1), total(end + .1))
    assert total(0.) < total(end)


def test_answers_by_independent_means():
    known = answers_to("14")
    sd, least = known["14 feature matching"]
    assert quad(lambda x: 2 * x * norm.pdf(x, scale=sd), 0, 40)[0] == pytest.approx(2, abs=1e-5)
    losses = [((s * math.sqrt(2 / math.pi) - 2) ** 2 + (s * s - 4.25) ** 2) / 2
              for s in np.linspace(1.9, 2.2, 3001)]
    assert least == pytest.approx(min(losses), abs=1e-5)
    D, weaker = known["14 log"]
    assert F.softplus(-torch.logit(torch.tensor(D))).item() == pytest.approx(.02, abs=1e-6)
    assert weaker == pytest.approx(.5 / (1 - D))
    ex = explorers.boundary()

    def home(at):
        ex.draw(at=at, eta=20.)
        return abs(float(re.search(r"b = (\S+),", ex._artists[-1].get_text())[1])) < 1
    assert home(known["14 watershed"] - .05) and not home(known["14 watershed"])


def test_two_rounds_by_train():
    """What exercise 7 asks for, played by the loop itself with plain gradient descent."""
    (f, g), b = nets(), batch(6, 3)
    mine = two_rounds(f, g, **b)
    trained = {"f": copy.deepcopy(f), "g": copy.deepcopy(g)}
    for player in "fgfg":
        move, game = torch.optim.SGD(trained[player].parameters(), .1), improved_gan(.5)
        move.zero_grad()
        game[player](**trained, **pick(b, *("xyuz" if player == "f" else "uz"))).backward()
        move.step()
    assert mine == pytest.approx(trained["f"](b["u"]).logsumexp(1).mean().item(), abs=1e-12)


@pytest.mark.parametrize("b", [-3., -1., 1.8])
def test_the_doubt_is_the_density_at_a_sharp_border(b):
    law, sharp = explorers.UNLABELLED, 200.
    exact = sum(quad(lambda x: law.pdf(x) * math.log1p(math.exp(-sharp * abs(x - b))), *ends)[0]
                for ends in ((b - .3, b), (b, b + .3)))
    assert exact == pytest.approx(math.pi ** 2 / 6 / sharp * law.pdf(b), rel=1e-3)


def test_few_labels_explorer(monkeypatch):
    monkeypatch.setattr(explorers, "COUNTS", (1, 3))
    monkeypatch.setenv("GAN_LESSONS_BUDGET", "smoke")
    explorers._learnt.cache_clear()
    ex = explorers.few_labels()
    frames = {ex.draw(data=data, each=each) for data in explorers.DATA for each in (0, 1)}
    assert len(frames) == 4 and "accuracy: supervised" in ex._artists[1].get_text()
    explorers._learnt.cache_clear()


def test_resting_generators_and_guesses():
    law, rng = Moons(), np.random.default_rng(1)
    gap = explorers.Between(law).sample(500, rng)
    assert gap.shape == (500, 2)
    assert (law.pdf(gap) < .02).all()
    assert np.abs(gap).max() <= explorers.REACH
    assert np.linalg.norm(explorers.FarAway().sample(100, rng), axis=1).min() > 3
    named = explorers.Labelled(law, 3, seed=2)
    assert named.images.shape == (6, 2) and named.labels.tolist() == [0, 0, 0, 1, 1, 1]
    net = nn.Linear(2, 2, bias=False)
    net.shape = (2,)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[0., 1.], [0., -1.]]))
    assert explorers.guesser(net)(np.array([[0., 2.], [5., -1.]])).tolist() == [0, 1]
    assert explorers.accuracy(law, explorers.guesser(net)) == pytest.approx(.85, abs=.06)


def test_figures():
    figure, axes = plots.figure(2)
    explorers.before_and_after(axes, Moons())
    assert len(axes[0].lines) == 2 and len(axes[1].lines) == 3
    figure, ax = plots.figure()
    explorers.doubts(ax)
    x, H = ax.lines[0].get_data()
    m = ax.lines[1].get_ydata()
    assert (m <= H + 1e-12).all() and H.max() == pytest.approx(math.log(2), abs=1e-5)
    explorers.plan(plots.figure()[1])
    figure, ax = plots.figure()
    runs = [SimpleNamespace(losses={"g": np.geomspace(1, .1, 60)})] * 2
    explorers.feature_loss(ax, *runs)
    assert len(ax.lines[0].get_xdata()) == 120 and len(ax.lines) == 3
    figure, axes = plots.figure(2)
    net = mlp_critic(2, outputs=2)
    explorers.generators(axes, Moons(), {"none": None, "far": explorers.FarAway()},
                         {"none": net, "far": net}, {"none": "80 %", "far": "81 %"},
                         explorers.Labelled(Moons(), 1))
    assert explorers.shades(net).shape == (explorers.SIDE, explorers.SIDE, 3)
    assert axes[1].get_title().endswith("81 %") and len(axes[1].lines) == len(axes[0].lines) + 1
