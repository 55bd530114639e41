"""The one loop: equal to loops written by hand, and honest about everything that can go wrong."""
import copy
import math
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import pytest
import torch
from helpers import assert_same
from torch import nn
from torch.nn.functional import softplus
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrizations import spectral_norm

from gan_lessons import (
    Game,
    Line,
    Move,
    Normal,
    Ring,
    TrainingDiverged,
    adam,
    batches,
    fading,
    minimax,
    mlp_critic,
    non_saturating,
    rmsprop,
    train,
)
from gan_lessons.objectives.minimax import critic_loss, non_saturating_loss

PLAIN = dict(watch=None, precision="highest")


def critic(*extra, seed=1):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(2, 6), *extra, nn.LeakyReLU(.2), nn.Linear(6, 1),
                             nn.Flatten(0))


def generator(*extra, seed=2):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(3, 5), *extra, nn.ReLU(), nn.Linear(5, 2))


def toy(batch=8, seed=0):
    return batches(Ring(), z=Normal(dim=3), batch=batch, seed=seed)


def quick(game=None, steps=3, f=None, g=None, samples=None, **options):
    samples = toy() if samples is None else samples
    return train(game or non_saturating(), dict(f=f or critic(), g=g or generator()), samples,
                 steps=steps, **PLAIN | options)


def weights(net):
    return {name: value.clone() for name, value in net.state_dict().items()}


# -- equal to a loop written by hand, with .detach() -----------------------------------------------

class statistics_kept:
    """By hand, a forward of somebody else's network must not move its running statistics."""
    def __init__(self, net):
        self.norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm1d)]

    def __enter__(self):
        self.before = [{name: b.clone() for name, b in m.named_buffers()} for m in self.norms]

    def __exit__(self, *error):
        for norm, buffers in zip(self.norms, self.before):
            norm._buffers.update(buffers)


def by_hand(f, g, samples, generator_loss, steps, critic_turns, reuse=False):
    optimizers = [adam()(net.parameters()) for net in (f, g)]
    one_pass = not any(isinstance(m, nn.BatchNorm1d) for m in f.modules())
    for _ in range(steps):
        for turn in range(critic_turns):
            batch = samples.draw(["x", "z"])
            if reuse and turn == critic_turns - 1:
                x_fake = g(batch["z"])
            else:
                with statistics_kept(g):
                    x_fake = g(batch["z"])
            x = batch["x"]
            if one_pass:
                real, fake = f(torch.cat([x, x_fake.detach()])).split(len(x))
            else:
                real, fake = f(x), f(x_fake.detach())
            optimizers[0].zero_grad()
            (softplus(-real).mean() + softplus(fake).mean()).backward()
            optimizers[0].step()
        if not reuse:
            x_fake = g(samples.draw(["z"])["z"])
        with statistics_kept(f):
            loss = generator_loss(f(x_fake))
        optimizers[1].zero_grad()
        loss.backward()
        optimizers[1].step()


@pytest.mark.parametrize("seed, batch, turns", [(0, 8, 1), (1, 5, 3), (2, 8, 2)])
@pytest.mark.parametrize("norms", ["", "g", "fg"])
@pytest.mark.parametrize("reuse", [None, "g"])
@pytest.mark.parametrize("game, generator_loss", [(minimax, lambda c: -softplus(c).mean()),
                                                  (non_saturating, lambda c: softplus(-c).mean())])
def test_weights_equal_those_of_a_loop_by_hand_exactly(
    game, generator_loss, reuse, norms, seed, batch, turns
):
    f = critic(*[nn.BatchNorm1d(6)] * ("f" in norms), seed=seed)
    g = generator(*[nn.BatchNorm1d(5)] * ("g" in norms), seed=seed + 10)
    f_hand, g_hand = copy.deepcopy(f), copy.deepcopy(g)
    start = weights(g)
    quick(game(), 6, f, g, toy(batch, seed), turns={"f": turns}, reuse=reuse)
    by_hand(f_hand, g_hand, toy(batch, seed), generator_loss, 6, turns, reuse == "g")
    assert_same(f, f_hand)
    assert_same(g, g_hand)
    assert not torch.equal(start["0.weight"], g[0].weight)
    for mine, theirs in [*zip(g.parameters(), g_hand.parameters())]:
        assert torch.equal(mine.grad, theirs.grad)


def test_gradients_of_one_move_equal_the_detached_version_exactly():
    """Frozen weights: f's gradient carries nothing of g's move, though both losses pass f."""
    f, g = critic(), generator()
    f_hand, g_hand = copy.deepcopy(f), copy.deepcopy(g)
    batch = toy().draw(["x", "z"])
    still = partial(torch.optim.SGD, lr=0.)
    quick(minimax(), 1, f, g, toy(), optimizer=still)
    real, fake = f_hand(torch.cat([batch["x"], g_hand(batch["z"]).detach()])).split(8)
    loss = softplus(-real).mean() + softplus(fake).mean()
    gradients = torch.autograd.grad(loss, list(f_hand.parameters()))
    for mine, by_hand in zip(f.parameters(), gradients):
        assert torch.equal(mine.grad, by_hand)
    assert all(w.grad is None for w in f_hand.parameters())


def test_running_statistics_move_only_in_their_own_players_turn():
    f, g = critic(nn.BatchNorm1d(6)), generator(nn.BatchNorm1d(5))
    quick(steps=4, f=f, g=g, turns={"f": 3})
    assert g[1].num_batches_tracked == 4
    assert f[1].num_batches_tracked == 4 * 3 * 2  # each of its moves sees real and fake
    assert f[1].track_running_stats and g[1].track_running_stats
    g = generator(nn.BatchNorm1d(5))
    quick(steps=4, g=g, turns={"f": 3}, reuse="g")
    assert g[1].num_batches_tracked == 4


def test_two_players_move_together():
    loss = lambda e, d, x: ((d(e(x)) - x) ** 2).mean()
    e, d = critic()[:-2], generator()[-1:]
    torch.manual_seed(0)
    e, d = nn.Linear(2, 3), nn.Linear(3, 2)
    e_hand, d_hand, samples = copy.deepcopy(e), copy.deepcopy(d), toy()
    run = train(Game([Move("e d", loss)]), dict(e=e, d=d), toy(), steps=5, **PLAIN)
    optimizer = adam()([*e_hand.parameters(), *d_hand.parameters()])
    for _ in range(5):
        optimizer.zero_grad()
        loss(e_hand, d_hand, samples.draw(["x"])["x"]).backward()
        optimizer.step()
    assert_same(e, e_hand)
    assert_same(d, d_hand)
    assert list(run.losses) == ["e d"]


def test_a_player_moves_more_than_once_with_an_optimiser_each():
    fit = lambda a, x: ((a(x) - x) ** 2).mean()
    judge = lambda f, a, x: (softplus(-f(x)) + softplus(f(a(x)))).mean()
    fool = lambda f, a, x: softplus(-f(a(x))).mean()
    torch.manual_seed(0)
    a, f = nn.Sequential(nn.Linear(2, 2), nn.Tanh()), critic()
    a_hand, f_hand, samples = copy.deepcopy(a), copy.deepcopy(f), toy()
    game = Game([Move("a", fit), Move("f", judge), Move("a", fool), Move("a", fit)])
    run = train(game, dict(a=a, f=f), toy(), steps=4, **PLAIN)
    optimizers = [adam()(net.parameters()) for net in (a_hand, f_hand, a_hand, a_hand)]
    for _ in range(4):
        for move, net, optimizer in zip(game.moves, (a_hand, f_hand, a_hand, a_hand), optimizers):
            names = dict(a=a_hand, f=f_hand, x=samples.draw(["x"])["x"])
            loss = move.loss(**{n: names[n] for n in move.needs})
            gradients = torch.autograd.grad(loss, list(net.parameters()))
            for w, grad in zip(net.parameters(), gradients):
                w.grad = grad
            optimizer.step()
    assert_same(a, a_hand)
    assert_same(f, f_hand)
    assert list(run.losses) == ["a", "f", "a₂", "a₃"]
    assert all(len(v) == 4 for v in run.losses.values())


def test_after_a_move_its_networks_are_handed_over():
    def clip(net):
        assert all(w.requires_grad for w in net.parameters())
        handed.append(net)
        with torch.no_grad():
            for w in net.parameters():
                w.clamp_(-.05, .05)
    handed, f, g = [], critic(), generator()
    game = non_saturating()
    quick(Game([Move("f", game["f"], after=clip), Move("g", game["g"])]), 2, f, g, turns={"f": 3})
    assert handed == [f] * 6
    assert max(w.abs().max() for w in f.parameters()) <= .05 < max(w.abs().max()
                                                                   for w in g.parameters())


def test_what_a_loss_does_not_ask_for_it_does_not_get():
    seen = {}
    def f_loss(f, x, u=None, weight=7):
        seen.update(u=u, weight=weight)
        return f(x).mean()
    run = train(Game({"f": f_loss}), dict(f=critic()), toy(), steps=1, **PLAIN)
    assert seen == dict(u=None, weight=7) and run.step == 1
    train(Game({"f": f_loss}), dict(f=critic()), batches(Ring(), unlabelled=torch.ones(4, 2)),
          steps=1, **PLAIN)
    assert torch.equal(seen["u"], torch.ones(64, 2))


# -- whose turn it is ------------------------------------------------------------------------------

def test_flags_are_put_back_as_they_were_also_after_an_error():
    f, g = critic(nn.BatchNorm1d(6)), generator(nn.BatchNorm1d(5))
    f[0].bias.requires_grad_(False)
    f[1].track_running_stats = True
    g[1].weight.requires_grad_(False)
    before = {id(w): (w.requires_grad, w.clone()) for net in (f, g) for w in net.parameters()}

    def flags_as_before():
        return all(w.requires_grad == before[id(w)][0] for net in (f, g) for w in net.parameters())

    quick(f=f, g=g, steps=4)
    assert flags_as_before()
    for frozen in (f[0].bias, g[1].weight):
        assert torch.equal(frozen, before[id(frozen)][1]) and frozen.grad is None

    def breaks(f, g, z):
        assert not f[2 if len(f) > 5 else 3].weight.requires_grad and f(g(z)).requires_grad
        raise RuntimeError("in the middle of a move")
    with pytest.raises(RuntimeError, match="in the middle") as caught:
        quick(Game({"f": critic_loss, "g": breaks}), f=f, g=g)
    assert flags_as_before() and f[1].track_running_stats and g[1].track_running_stats
    assert "player 'g' moved, on the batch z (8, 3)" in caught.value.__notes__[0]


def test_a_network_that_never_moves_is_a_constant():
    g = generator(nn.BatchNorm1d(5), nn.Dropout(.5)).eval()
    before = weights(g)
    loss = lambda f, g, x, z: f(x).mean() - f(g(z)).mean()
    train(Game({"f": loss}), dict(f=critic(), g=g), toy(), steps=3, **PLAIN)
    assert_same(before, g)
    assert not g.training and all(w.requires_grad and w.grad is None for w in g.parameters())


def test_shared_weights_are_refused():
    f, g = critic(), generator()
    g.append(f[0])
    with pytest.raises(ValueError, match="'f' and 'g' share a parameter.*together"):
        quick(f=f, g=g)


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("reuse", [None, "g"])
def test_spectral_norm_iterates_once_per_move_of_its_own_player(monkeypatch, mode, reuse):
    f = nn.Sequential(spectral_norm(nn.Linear(2, 6)), nn.Tanh(), spectral_norm(nn.Linear(6, 1)),
                      nn.Flatten(0))
    g = nn.Sequential(spectral_norm(nn.Linear(3, 2)))
    whose = {id(net[i].parametrizations.weight[0]): name
             for name, net, i in (("f", f, 0), ("f", f, 2), ("g", g, 0))}
    getattr(f, mode)(), getattr(g, mode)()
    iterated, moves = [], []
    power = parametrizations._SpectralNorm._power_method
    monkeypatch.setattr(parametrizations._SpectralNorm, "_power_method",
                        lambda self, *rest: (iterated.append(whose[id(self)]),
                                             power(self, *rest))[1])

    def f_loss(f, g, x, z):
        moves.append("f")
        return f(g(z)).mean() - f(x).mean() + f(x).square().mean()       # three calls of f
    def g_loss(f, g, z):
        moves.append("g")
        return -f(g(z)).mean()
    quick(Game({"f": f_loss, "g": g_loss}), 4, f, g, turns={"f": 3}, reuse=reuse)
    assert moves == ["f", "f", "f", "g"] * 4
    assert (iterated.count("f"), iterated.count("g")) == (2 * 12, 4)
    if reuse is None:
        assert iterated == (["f", "f"] * 3 + ["g"]) * 4


@pytest.mark.parametrize("reuse", [None, "g"])
def test_a_layer_that_g_uses_twice_iterates_once_per_move_of_g(monkeypatch, reuse):
    torch.manual_seed(0)
    twice = spectral_norm(nn.Linear(3, 3))
    iterated, power = [], parametrizations._SpectralNorm._power_method
    monkeypatch.setattr(parametrizations._SpectralNorm, "_power_method",
                        lambda self, *rest: (iterated.append(self), power(self, *rest))[1])
    quick(steps=4, g=nn.Sequential(twice, nn.Tanh(), twice, nn.Linear(3, 2)), reuse=reuse)
    assert len(iterated) == 4


def test_networks_and_samples_are_moved_to_the_device_and_stay_there():
    f, g, samples = critic(), generator(), toy()
    moved = []
    for thing in (f, g, samples):
        thing.to = lambda device, thing=thing: (moved.append(device), thing)[1]
    run = quick(f=f, g=g, samples=samples, device="cpu")
    assert moved == [torch.device("cpu")] * 3
    assert run.players["f"] is f and run.players["g"] is g and run.source is samples


# -- what a run tells ------------------------------------------------------------------------------

def test_losses_are_floats_one_per_step_and_images_are_counted():
    seen = []
    run = quick(steps=5, turns={"f": 3},
                watch=lambda run: seen.append((run.step, dict(run.losses))))
    assert list(run.losses) == ["f", "g"]
    assert all(type(value) is float and math.isfinite(value) for values in run.losses.values()
               for value in values)
    assert [step for step, _ in seen] == [1, 2, 3, 4, 5] and len(run.losses["g"]) == 5
    for step, losses in seen:
        assert losses == {name: values[:step] for name, values in run.losses.items()}
    assert run.images == 5 * 3 * 8 and run.images_per_second == run.images / run.seconds
    assert not run.interrupted and repr(run).startswith("Run(5 of 5 steps in ")


def test_the_first_loss_is_the_loss_of_the_first_batch():
    f, g = critic(), generator()
    batch = toy().draw(["x", "z"])
    expected = critic_loss(f, g, **batch).item()
    assert quick(f=f, g=g).losses["f"][0] == pytest.approx(expected, rel=1e-6)


def test_the_same_seed_gives_the_same_run():
    def play(seed):
        return quick(steps=5, f=critic(nn.Dropout(.4)), g=generator(nn.Dropout(.2)), seed=seed)
    torch.manual_seed(77)
    one = play(3)
    torch.manual_seed(78)
    two, other = play(3), play(4)
    assert one.losses == two.losses != other.losses
    assert_same(one.players["g"], two.players["g"])


def test_looking_changes_nothing():
    def look(run):
        run.samples(5), run.samples(3, averaged=False, seed=9), run.losses, repr(run)
        torch.manual_seed(5)
        run.source.noise(4)
    def play(watch):
        torch.manual_seed(1)
        f = nn.Sequential(spectral_norm(nn.Linear(2, 6)), nn.Tanh(), nn.Linear(6, 1), nn.Flatten(0))
        return quick(steps=6, f=f, g=generator(nn.BatchNorm1d(5)), ema=.9, watch=watch)
    one, two = play(None), play(look)
    assert one.losses == two.losses
    for name in "fg":
        assert_same(one.players[name], two.players[name])
    assert_same(one.ema["g"], two.ema["g"])


def test_samples_are_the_same_for_the_same_seed_and_leave_the_network_alone():
    g = generator(nn.BatchNorm1d(5), nn.Dropout(.5))
    run = quick(steps=4, g=g)
    g[1].eval()
    before = weights(g)
    a, b, c = run.samples(7), run.samples(7), run.samples(7, seed=1)
    assert torch.equal(a, b) and not torch.equal(a, c)
    torch.testing.assert_close(run.samples(1500)[:7], a)
    assert a.shape == (7, 2) and a.dtype == torch.float32 and not a.requires_grad
    assert_same(before, g)
    assert g.training and not g[1].training
    with pytest.raises(KeyError, match="no player 'd'.*f, g"):
        run.samples(3, player="d")


@pytest.mark.parametrize("decay", [.2, .97])
def test_the_average_follows_its_formula(decay):
    g, path = generator(nn.BatchNorm1d(5)), []
    start = weights(g)
    run = quick(steps=12, g=g, ema=decay, watch=lambda run: path.append(weights(run.players["g"])))
    for name, average in start.items():
        if average.is_floating_point():
            average = average.double()
            for step, now in enumerate(path):
                d = min(decay, (1 + step) / (10 + step))
                average = d * average + (1 - d) * now[name].double()
            torch.testing.assert_close(run.ema["g"].state_dict()[name].double(), average,
                                       rtol=1e-5, atol=1e-6)
    assert not torch.equal(run.samples(4), run.samples(4, averaged=False))
    assert not any(w.requires_grad for w in run.ema["g"].parameters())


def test_a_player_learns():
    """Not a snapshot: a generator that can only move its centre finds the data's."""
    class Shift(nn.Module):
        def __init__(self):
            super().__init__()
            self.centre = nn.Parameter(torch.zeros(1))
        def forward(self, z):
            return z + self.centre
    torch.manual_seed(0)
    f, g = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0)), Shift()
    train(non_saturating(), dict(f=f, g=g), batches(Normal(2.), z=Normal(), batch=256), steps=400,
          turns={"f": 2}, optimizer=adam(.02, (0., .9)), **PLAIN)
    assert g.centre.item() == pytest.approx(2, abs=.3)


@pytest.mark.parametrize("precision", ["medium", "bfloat16"])
def test_lower_precision_stays_near(precision):
    exact, fast = quick(steps=8), quick(steps=8, precision=precision)
    assert fast.losses["f"] == pytest.approx(exact.losses["f"], rel=.03)
    assert all(w.dtype == torch.float32 for w in fast.players["g"].parameters())


def test_optimisers_by_player_and_turns():
    f, g = critic(), generator()
    f_before, g_before = weights(f), weights(g)
    quick(f=f, g=g, steps=1,
          optimizer={"f": partial(torch.optim.SGD, lr=0.), "g": partial(torch.optim.SGD, lr=.5)})
    assert_same(f, f_before)
    by_hand = copy.deepcopy(generator())
    samples = toy()
    samples.draw(["x", "z"])
    loss = non_saturating_loss(f, by_hand, samples.draw(["z"])["z"])
    for w, grad in zip(by_hand.parameters(), torch.autograd.grad(loss, list(by_hand.parameters()))):
        w.data -= .5 * grad
    torch.testing.assert_close(weights(g), weights(by_hand))
    assert not torch.equal(g_before["0.weight"], g[0].weight)


# -- the process is left as it was found -----------------------------------------------------------

def settings():
    return (torch.get_num_threads(), torch.get_float32_matmul_precision(),
            torch.get_rng_state().tolist(), signal.getsignal(signal.SIGINT))


@pytest.mark.parametrize(
    "precision, inside", [("highest", "highest"), ("medium", "medium"), ("bfloat16", "medium")]
)
def test_process_settings_are_set_and_put_back(precision, inside):
    threads, matmul = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(2)
    torch.set_float32_matmul_precision("high")
    try:
        before, seen = settings(), []
        quick(steps=1, precision=precision, watch=lambda run: seen.extend(settings()[:2]))
        assert seen == [1, inside] and settings() == before
        def fails(run):
            torch.manual_seed(99)
            raise LookupError
        with pytest.raises(LookupError):
            quick(precision=precision, watch=fails)
        assert settings() == before
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(matmul)


# -- what goes wrong -------------------------------------------------------------------------------

column = lambda: critic()[:-1]
WRONG = {
    "steps": (dict(steps=0), ValueError,
              r"steps must be a whole number above 0, not 0.*steps\(laptop"),
    "steps below": (dict(steps=-3), ValueError, "not -3"),
    "steps broken": (dict(steps=2.5), ValueError, "not 2.5"),
    "turns unknown": (dict(turns={"h": 2}), NameError, "turns names h; the moves are f, g"),
    "turns none": (dict(turns={"f": 0}), ValueError, "turns are whole numbers above 0"),
    "turns broken": (dict(turns={"f": 1.5}), ValueError, "turns are whole numbers above 0"),
    "optimizer unknown": (dict(optimizer={"f": adam(), "g": adam(), "h": adam()}), NameError,
                          "optimizer names h"),
    "optimizer missing": (dict(optimizer={"f": adam()}), NameError, "optimizer lacks g"),
    "optimizer word": (dict(optimizer="adam"), TypeError, r"as adam\(2e-4\) or.*'adam'"),
    "optimizer made": (dict(optimizer={"f": adam(), "g": torch.optim.SGD(critic().parameters())}),
                       TypeError, "makes an"),
    "ema": (dict(ema=1.0), ValueError, "between 0 and 1, not 1.0"),
    "ema below": (dict(ema=-.1), ValueError, "between 0 and 1"),
    "precision": (dict(precision="float16"), ValueError,
                  "one of highest, medium, bfloat16, not 'float16'"),
    "reuse": (dict(reuse="f"), ValueError, "reuse is None or"),
    "reuse order": (dict(reuse="g", game=Game({"g": non_saturating_loss, "f": critic_loss})),
                    ValueError, "g moves last"),
    "reuse alone": (dict(reuse="g", game=Game({"g": non_saturating_loss})), ValueError,
                    "g moves last"),
    "reuse turns": (dict(reuse="g", turns={"g": 2}), ValueError, "last, once"),
    "reuse unasked": (dict(reuse="g",
                           game=Game({"f": lambda f, x: f(x).mean(), "g": non_saturating_loss})),
                      ValueError, "ask for g and z"),
    "watch": (dict(watch="always"), TypeError, 'watch is "auto", None or a function'),
    "samples": (dict(samples=torch.ones(5, 2)), TypeError,
                r"samples come from batches\(...\), not from Tensor"),
    "players": (dict(game=Game({"f": critic_loss, "h": non_saturating_loss})), NameError,
                "played by f, h; players lacks h"),
    "function": (dict(f=lambda x: x.sum(1)), TypeError, "'f' must be a torch Module, not function"),
    "asks": (dict(game=Game({"f": lambda f, x, y: f(x).mean()}), samples=batches(torch.ones(5, 2))),
             NameError, "'f' asks for 'y', which is not among: f, g, x, z"),
    "frozen": (dict(f=critic().requires_grad_(False)), ValueError,
               "'f' has no weights that may move.*leave it out"),
    "sizes": (dict(g=nn.Linear(3, 4)), ValueError,
              r"g makes samples of shape \(4,\), the data have \(2,\): choose"),
    "noise": (dict(g=nn.Linear(7, 2)), ValueError,
              r"g cannot take noise of shape \(3,\).*set z=Normal"),
    "data": (dict(f=nn.Sequential(nn.Linear(9, 1), nn.Flatten(0))), ValueError,
             r"f cannot take samples of shape \(2,\)"),
    "column": (dict(f=column()), ValueError, r"f returns shape \(n, 1\).*\.flatten\(\)"),
    "maps": (dict(f=column().append(nn.Unflatten(1, (1, 1, 1)))), ValueError,
             r"f returns shape \(n, 1, 1, 1\)"),
    "not a number": (dict(game=Game({"f": lambda f, x: f(x)})), ValueError,
                     r"one number, this one \(8,\): take its .mean"),
    "nothing": (dict(game=Game({"f": lambda f, x: None})), ValueError,
                "one number, this one NoneType"),
    "constant": (dict(game=Game({"f": lambda f, g, z: g(z).mean()})), ValueError,
                 "does not depend on the weights"),
    "detached": (dict(game=Game({"f": critic_loss, "g": lambda f, g, z: f(g(z).detach()).mean()})),
                 ValueError, "look for a .detach"),
}


@pytest.mark.parametrize("name", WRONG)
def test_mistakes_are_named_with_their_remedy(name):
    options, error, says = WRONG[name]
    before = settings()
    with pytest.raises(error, match=says):
        quick(**options)
    assert settings() == before


def test_an_empty_data_set_is_refused():
    with pytest.raises(ValueError, match="no samples to draw from.*give at least one"):
        batches(torch.empty(0, 2))


def test_reuse_refuses_a_loss_that_asks_for_other_fakes():
    twice = lambda f, g, x, z: (f(g(-z)) - f(x)).mean()
    with pytest.raises(ValueError, match="call g on z itself"):
        quick(Game({"f": twice, "g": non_saturating_loss}), reuse="g")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("player, step", [("g", 4), ("f", 1), ("f", 6)])
def test_divergence_is_reported_with_step_and_player_and_keeps_the_run(bad, player, step):
    count = {"f": 0, "g": 0}
    def breaking(name, loss):
        def f_loss(f, g, x, z):
            count["f"] += 1
            return critic_loss(f, g, x, z) * (bad if (player, step) == ("f", count["f"]) else 1)
        def g_loss(f, g, z):
            count["g"] += 1
            return non_saturating_loss(f, g, z) * (bad
                                                   if (player, step) == ("g", count["g"]) else 1)

        return f_loss if name == "f" else g_loss
    f, g = critic(), generator()
    with pytest.raises(
            TrainingDiverged,
            match=f"player '{player}' became .* at step {step}.*lower the learning") as caught:
        quick(Game({"f": breaking("f", None), "g": breaking("g", None)}), 6, f, g)
    assert isinstance(caught.value, ArithmeticError)
    assert (caught.value.step, caught.value.player) == (step, player)
    run = caught.value.run
    assert run.step == step and len(run.losses["g"]) == step and run.players["f"] is f
    assert all(math.isfinite(v) for values in run.losses.values() for v in values[:-1])
    assert all(w.requires_grad for w in f.parameters())


# -- the stop button -------------------------------------------------------------------------------

posix = pytest.mark.skipif(os.name == "nt", reason="os.kill ends the process there")


@posix
def test_stop_ends_after_the_round_and_keeps_the_run(capsys):
    handler = signal.getsignal(signal.SIGINT)
    def press(run):
        if run.step == 3:
            os.kill(os.getpid(), signal.SIGINT)
    f = critic()
    run = quick(steps=50, f=f, watch=press)
    assert run.interrupted and run.step == 3 and len(run.losses["f"]) == 3
    assert "Stopped at step 3 of 50: the run so far is kept." in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is handler and run.samples(4).shape == (4, 2)
    assert "interrupted" in repr(run) and all(w.requires_grad for w in f.parameters())


@posix
def test_stop_in_the_middle_of_a_round_from_another_thread():
    timer = threading.Timer(.3, os.kill, (os.getpid(), signal.SIGINT))
    began = time.monotonic()
    # started by the first round: on a busy machine setting up takes longer than the timer
    run = quick(steps=5_000_000, watch=lambda run: run.step == 1 and timer.start())
    assert run.interrupted and 0 < run.step < 5_000_000 and time.monotonic() - began < 20


@posix
def test_a_second_stop_is_a_keyboard_interrupt():
    before = settings()
    def press(run):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(.05)
    with pytest.raises(KeyboardInterrupt):
        quick(steps=50, watch=press)
    assert settings() == before


def test_training_off_the_main_thread_leaves_signals_alone():
    runs, handler = [], signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=lambda: runs.append(quick()))
    thread.start()
    thread.join()
    assert runs[0].step == 3 and signal.getsignal(signal.SIGINT) is handler


@posix
def test_stop_of_a_script(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("""if True:
        import gan_lessons as gl
        toy = gl.batches(gl.Ring(), z=gl.Normal(dim=2), batch=8)
        players = dict(f=gl.mlp_critic(2), g=gl.mlp_generator(2, 2))
        run = gl.train(gl.minimax(), players, toy, steps=5_000_000,
                       watch=lambda run: run.step == 2 and print("playing", flush=True))
        print("after", run.interrupted, len(run.losses["g"]) == run.step, flush=True)
    """)
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "playing\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Stopped at step" in out and "after True True" in out and "Traceback" not in err


@pytest.mark.parametrize("alpha", [.99, .9])
@pytest.mark.parametrize("size", [1., 1e-7])                     # at 1e-7 the 1e-8 beside √v counts
def test_fused_rmsprop_is_rmsprop(alpha, size):
    torch.manual_seed(0)
    mine = [torch.randn(5, 3, dtype=torch.float64, requires_grad=True),
            torch.randn(4, dtype=torch.float64, requires_grad=True)]
    theirs = [w.detach().clone().requires_grad_() for w in mine]
    optimizers = rmsprop(1e-2, alpha)(mine), torch.optim.RMSprop(theirs, lr=1e-2, alpha=alpha)
    for step in range(30):
        for a, b in zip(mine, theirs):
            a.grad = size * (torch.randn_like(a) + 2 * a.detach())
            b.grad = a.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
        for a, b in zip(mine, theirs):
            torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-8)
        if step == 12:  # a resumed optimiser goes on alike
            again = rmsprop(1e-2, alpha)(mine)
            again.load_state_dict(optimizers[0].state_dict())
            optimizers = again, optimizers[1]
    assert optimizers[0].param_groups[0]["lr"] == 1e-2
    assert optimizers[0].param_groups[0]["eps"] == 1e-8


# -- rates -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("start, t, factor", [(.5, 0, 1), (.5, .5, 1), (.5, .75, .5), (.5, 1, 0),
                                              (0, .25, .75), (.9, .95, .5)])
def test_a_fading_rate_is_one_then_falls_to_zero(start, t, factor):
    assert fading(start)(t) == pytest.approx(factor)


@pytest.mark.parametrize("start", [1, -.1, float("nan")])
def test_a_rate_cannot_begin_to_fade_outside_of_the_training(start):
    with pytest.raises(ValueError, match="start"):
        fading(start)


@pytest.mark.parametrize("turns", [{}, {"f": 3}])
def test_a_rate_scales_every_step_of_its_round(turns):
    """Plain descent of w on a loss of slope 1 moves by lr · rate(t) a step: the sum is known."""
    steps, lr = 8, .25
    weight = {name: Line(0., learn="mean") for name in "fg"}
    game = Game({"f": lambda f, z: f.mean.sum(), "g": lambda g, z: g.mean.sum()})
    train(game, weight, batches(Normal(), batch=2), steps=steps, turns=turns, watch=None,
             optimizer=partial(torch.optim.SGD, lr=lr), rate=lambda t: 1 - t)
    moved = -lr * sum(1 - k / steps for k in range(steps))
    assert weight["g"].mean.item() == pytest.approx(moved)
    assert weight["f"].mean.item() == pytest.approx(turns.get("f", 1) * moved)


@pytest.mark.parametrize("rate, error", [(.5, TypeError), ("fading", TypeError),
                                         (lambda t: -1., ValueError),
                                         (lambda t: float("nan"), ValueError),
                                         (lambda t: "half", ValueError)])
def test_a_rate_is_a_function_that_gives_a_factor(rate, error):
    with pytest.raises(error, match="rate"):
        train(minimax(), dict(f=mlp_critic(1), g=Line()), batches(Normal()),
                 steps=2, rate=rate)
