"""A newcomer's slips: one clear error each, which names the argument, what came, the remedy."""
import functools
import math

import numpy as np
import pytest
import torch

import gan_lessons as gl
from gan_lessons import Game, Move, Normal, Ring, adam, batches, rmsprop, steps, train
from gan_lessons.training.optimizers import fading

f_loss = lambda f, g, x, z: (f(g(z)) - f(x)).mean()
g_loss = lambda f, g, z: -f(g(z)).mean()
SGD = functools.partial(torch.optim.SGD, lr=.1)


def players(**other):
    return dict(f=gl.mlp_critic(2, width=4), g=gl.mlp_generator(2, 2, width=4)) | other


def played(game=None, players=players, steps=1, **how):
    game = Game({"f": f_loss, "g": g_loss}) if game is None else game
    samples = how.pop("samples", None) or batches(Ring(), z=Normal(dim=2), batch=4)
    players = players() if players is globals()["players"] else players
    return train(game, players, samples, steps=steps, **{"watch": None} | how)


def swapped():
    return train(players(), Game({"f": f_loss}), batches(Ring()), steps=1)


A = "a Game, as Game"
TRAIN = {                                    # what is given besides good arguments -> the message
    "a dictionary for the game": (dict(game={"f": f_loss}), A + r".* not \{'f'|not dict"),
    "the function, not called": (dict(game=gl.minimax), A + ".*not the function minimax"),
    "a loss": (dict(game=f_loss), A + ".*not the function <lambda>"),
    "its name": (dict(game="minimax"), A + ".*not 'minimax'"),
    "players in a list": (dict(players=[1, 2]), "players is a dictionary.*not .1, 2"),
    "one player": (dict(players=players()["f"]), "players is a dictionary.*not Player"),
    "no players": (dict(players=None), "players is a dictionary.*not None"),
    "a player, not called": (dict(players=players(f=gl.mlp_critic)), r"'f' must.*_critic\(...\)"),
    "a class": (dict(players=players(f=torch.nn.ReLU)), r"'f' must be a torch Module.*ReLU\(...\)"),
    "no network": (dict(players=players(f=None)), "'f' must be a torch Module, not NoneType"),
    "a law for samples": (dict(samples=Ring()), r"samples come from batches\(...\), not from Ring"),
    "the function batches": (dict(samples=batches), "not from function"),
    "steps with a point": (dict(steps=1e3), "steps must be.*not 1000.0"),
    "steps as text": (dict(steps="10"), "steps must be.*not '10'"),
    "steps True": (dict(steps=True), "steps must be.*not True"),
    "no steps": (dict(steps=None), "steps must be.*not None"),
    "steps NaN": (dict(steps=math.nan), "steps must be.*not nan"),
    "the function steps": (dict(steps=steps), "steps must be.*not the function steps"),
    "an optimiser for a rate": (dict(rate=adam()), "rate = .* cannot be called with 0"),
    "a class to watch": (dict(watch=dict), "watch is .auto., None or a function of the Run"),
    "turns of all": (dict(turns=5), 'turns is a dictionary.*{"f": 5}, not 5'),
    "turns in pairs": (dict(turns=[("f", 2)]), "turns is a dictionary.*not .*'f', 2"),
    "turns as text": (dict(turns={"f": "5"}), "turns are whole numbers"),
    "turns True": (dict(turns={"f": True}), "turns are whole numbers"),
    "an optimiser's name": (dict(optimizer="sgd"), "optimizer makes .*SGD.*this is 'sgd'"),
    "names": (dict(optimizer={"f": "sgd", "g": adam()}), "optimizer makes"),
    "adam, not called": (dict(optimizer=adam), "optimizer of player 'f'.*give adam"),
    "rmsprop, not called": (dict(optimizer=rmsprop), "optimizer of player 'f'.*rmsprop"),
    "an optimiser made": (dict(optimizer=SGD(players()["f"].parameters())), "this is SGD"),
    "a rate": (dict(optimizer=1e-4), "optimizer makes.*this is 0.0001"),
    "a factory of nothing": (dict(optimizer=lambda w: None), "optimizer made None for player 'f'"),
    "a factory without weights": (dict(optimizer=lambda: 1), "optimizer of player 'f' cannot be"),
    "a rate as text, in it": (dict(optimizer=functools.partial(SGD, lr="a")), "cannot be made"),
    "a negative one": (dict(optimizer=functools.partial(SGD, lr=-1)), "cannot be made.*Invalid"),
    "watch as text": (dict(watch="none"), 'watch is "auto", None or a function'),
    "ema as text": (dict(ema="0.9"), "ema is the decay.*not '0.9'"),
    "ema in a list": (dict(ema=[.9]), "ema is the decay"),
    "ema as text, by player": (dict(ema={"g": "x"}), "ema is the decay"),
    "ema True": (dict(ema=True), "ema is the decay"), "ema NaN": (dict(ema=math.nan), "ema is the"),
    "no seed": (dict(seed=None), "seed = None: a whole number, as 0"),
    "a seed as text": (dict(seed="0"), "seed = '0'"), "1.5": (dict(seed=1.5), "seed = 1.5"),
    "a seed too long": (dict(seed=2 ** 70), "seed = 118"), "True": (dict(seed=True), "seed = T"),
    "no threads": (dict(threads=0), "threads = 0: a whole number from 1"),
    "threads None": (dict(threads=None), "threads = None"), "-1": (dict(threads=-1), "threads"),
    "threads as text": (dict(threads="4"), "threads = '4'"), "2.5": (dict(threads=2.5), "threads"),
    "a million threads": (dict(threads=10 ** 6), "threads = 1000000"),
    "precision as dtype": (dict(precision=torch.float32), "precision is one of"),
    "reuse True": (dict(reuse=True), 'reuse is None or "g"'),
    "half precision": (dict(players={k: p.half() for k, p in players().items()}),
                       r"'f' has weights in torch.float16, batches are in .*: f.float\(\)"),
    "one in double": (dict(players=players(g=players()["g"].double())), "'g' has weights in.*64"),
}


@pytest.mark.parametrize("case", TRAIN)
def test_slips_of_train(case):
    how, says = TRAIN[case]
    with pytest.raises((TypeError, ValueError, NameError), match=says):
        played(**how)


def test_players_and_game_in_the_other_order():
    with pytest.raises(TypeError, match="game is a Game.*not dict"):
        swapped()


def test_another_default_dtype_is_not_blamed_on_the_noise():
    torch.set_default_dtype(torch.float64)
    try:
        with pytest.raises(ValueError, match="player 'f' has weights in torch.float64"):
            played()
    finally:
        torch.set_default_dtype(torch.float32)


def test_whole_numbers_of_numpy_are_whole_numbers():
    run = played(steps=np.int64(2), seed=np.int32(3), threads=np.int64(1), turns={"f": np.int8(2)})
    assert run.step == 2 and type(run.steps) is int
    assert gl.steps(laptop=np.int64(7), smoke=np.int64(7), full=np.int64(7)) == 7


one = lambda loss: Game({"f": loss})
GAMES = {
    "no return": (lambda: played(one(lambda f, x: None)), "NoneType: write return"),
    "no mean": (lambda: played(one(lambda f, x: f(x))), r"this one \(4,\): take its .mean"),
    "an axis of one": (lambda: played(one(lambda f, x: f(x).mean()[None])), r"\(1,\): take its"),
    "a float": (lambda: played(one(lambda f, x: f(x).mean().item())), "one float.*without .item"),
    "a pair": (lambda: played(one(lambda f, x: (f(x).mean(), 1))), "this one tuple: return one"),
    "text": (lambda: played(one(lambda f, x: "a")), "this one str: return one tensor"),
    "an array": (lambda: played(one(lambda f, x: f(x).detach().numpy())), "this one ndarray: ret"),
    "detached": (lambda: played(one(lambda f, x: f(x).detach().mean())), "look for a .detach"),
    "counted": (lambda: played(one(lambda f, x: (f(x) > 0).sum())), "does not depend on"),
    "complex": (lambda: played(one(lambda f, x: f(x).mean() * 1j)), "one real number.*complex"),
    "another name": (lambda: played(one(lambda f, noise: f(noise).mean())), "asks for 'noise'"),
    "one function": (lambda: Game(gl.minimax), "a Game takes .*not the function minimax"),
    "a number": (lambda: Game(3), "a Game takes .*not 3"), "None": (lambda: Game(None), "not None"),
    "a name": (lambda: Game("f"), "a Game takes"), "nothing": (lambda: Game({}), "a Game takes"),
    "one move": (lambda: Game(Move("f", f_loss)), "a Game takes.*not a Move"),
    "losses in a list": (lambda: Game([f_loss, g_loss]), "a Game takes"),
    "pairs": (lambda: Game([("f", f_loss)]), "a Game takes"),
    "networks for losses": (lambda: Game(players()), "loss of 'f' is a function.*not a network"),
    "a class for a loss": (lambda: one(torch.nn.BCELoss), "not a network: the class BCELoss"),
    "a layer for a loss": (lambda: one(torch.nn.BCELoss()), "not a network: a BCELoss"),
    "a loss, called": (lambda: one(torch.tensor(1.)), "Move takes a player's symbol and its loss"),
    "a player's number": (lambda: Game({1: f_loss}), "Move takes a player's symbol.*not 1"),
    "no symbol": (lambda: Move("", f_loss), "Move takes"), "None for a player": (
        lambda: Move(None, f_loss), "Move takes a player's symbol.*not None"),
    "after a number": (lambda: Move("f", f_loss, after=3), "after is a function.*not 3"),
    "no rounds": (lambda: steps(laptop=0), "laptop = 0: a whole number of 1 or more"),
    "rounds with a point": (lambda: steps(laptop=1e3), "laptop = 1000.0: a whole"),
    "rounds as text": (lambda: steps(laptop="10"), "laptop = '10'"), "none": (steps, "= None"),
    "rounds without a name": (lambda: steps(1_200), r"named by their budget, steps\(laptop=1200\)"),
    "True": (lambda: steps(laptop=True), "laptop = True"),
    "fewer than none": (lambda: steps(laptop=9, full=-1), "full = -1"),
    "no smoke": (lambda: steps(laptop=9, smoke=0), "smoke = 0"),
    "a rate as text": (lambda: adam("1e-4"), "lr='1e-4': a learning rate is"),
    "a negative rate": (lambda: adam(-1), "lr=-1"), "NaN": (lambda: adam(math.nan), "lr=nan"),
    "an infinite rate": (lambda: rmsprop(math.inf), "lr=inf"), "None, a rate": (
        lambda: adam(None), "lr=None"), "weights": (lambda: adam([torch.ones(1)]), "lr=.*rate"),
    "one beta": (lambda: adam(1e-4, .5), "betas=0.5: two numbers"),
    "a beta of one": (lambda: adam(betas=(.5, 1)), "betas="), "three": (
        lambda: adam(betas=(.5, .9, .9)), "betas="), "alpha": (lambda: rmsprop(alpha=2), "alpha=2"),
    "betas of text": (lambda: adam(betas=("a", "b")), "betas="), "betas in a word": (
        lambda: adam(betas="ab"), "betas='ab'"), "betas NaN": (
        lambda: adam(betas=(math.nan, .9)), "betas="),
    "a rate in a graph": (lambda: adam(torch.tensor(.1, requires_grad=True)), "lr="),
    "beta1": (lambda: adam(beta1=.5), r"not beta1: betas=\(beta1, beta2\)"),
    "eps": (lambda: adam(eps=0), "adam takes lr and betas, not eps: functools.partial.*Adam"),
    "momentum": (lambda: rmsprop(momentum=.9), "takes lr and alpha, not momentum: .*RMSprop"),
    "both kinds of steps": (lambda: played(optimizer=functools.partial(
        torch.optim.Adam, foreach=True, fused=True)), "optimizer of player 'f' cannot be made"),
    "a step that cannot be": (lambda: played(optimizer=functools.partial(
        torch.optim.Adam, capturable=True)), "optimizer of player 'f' cannot move its weights"),
    "a rate that raises": (lambda: played(rate=math.log), "rate = .*log cannot be called with 0"),
    "a start as text": (lambda: fading("half"), "start = 'half'"),
    "a start beyond": (lambda: fading(1), "start = 1"), "NaN, a start": (
        lambda: fading(math.nan), "start = nan"),
}


@pytest.mark.parametrize("case", GAMES)
def test_slips_of_games_losses_and_optimisers(case):
    make, says = GAMES[case]
    with pytest.raises((TypeError, ValueError, NameError), match=says):
        make()


def test_whatever_a_loss_raises_is_told_with_its_player():
    with pytest.raises(AttributeError) as raised:
        played(one(lambda f, x: f.score(x)))
    assert "when player 'f' moved" in raised.value.__notes__[0]
