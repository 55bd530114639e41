"""A checkpoint is continued by the training that wrote it and by no other; no file ends a process.
"""
import functools
import math
import os
import pickle
import signal
import threading
import zipfile
from collections import defaultdict, deque
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from types import SimpleNamespace
from weakref import WeakKeyDictionary

import numpy as np
import pytest
import torch
from scipy import interpolate, stats
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_lessons import (
    Game,
    Grid,
    Mixture,
    Move,
    Normal,
    Ring,
    Uniform,
    adam,
    batches,
    minimax,
    non_saturating,
    rmsprop,
    train,
    wasserstein,
)
from gan_lessons.map.fingerprint import fingerprint, parts
from gan_lessons.objectives.f_gan import f_gan
from gan_lessons.objectives.least_squares import least_squares
from gan_lessons.players.fourier import fourier_critic
from gan_lessons.training import checkpoints, loop
from gan_lessons.training.checkpoints import CheckpointError
from gan_lessons.training.plan import described

POINTS = torch.arange(40.).reshape(20, 2)


def critic(*, activation=None, after=nn.Flatten(0), wide=6):
    return nn.Sequential(nn.Linear(2, wide), activation or nn.LeakyReLU(.2), nn.Linear(wide, 1),
                         after)


def play(path, game=None, steps=2, *, f=None, g=None, data=None, z=None, batch=8, order=7,
         unlabelled=None, e=None, **options):
    """A training of fresh objects, small: a step takes a millisecond."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        f, g = (make() if callable(make) and not isinstance(make, nn.Module) else make
                for make in (f or critic, g or (lambda: nn.Linear(3, 2))))
        samples = batches(Ring() if data is None else data, z or Normal(dim=3), batch, order,
                          unlabelled)
        players = dict(f=f, g=g) if e is None else dict(f=f, g=g, e=e)
        return train(game or non_saturating(), players, samples, steps=steps,
                     checkpoint=path, **dict(watch=None, optimizer=adam(1e-2)) | options)


# -- of another training -----------------------------------------------------------------------

def bends(factor):
    return Game({"f": lambda f, g, x, z: factor * (f(g(z)) - f(x)).square().mean(),
                 "g": lambda f, g, z: -f(g(z)).mean()})


def default(factor):
    def loss(f, g, x, z, *, factor=factor):
        return factor * (f(g(z)) - f(x)).square().mean()
    return Game({"f": loss, "g": lambda f, g, z: -f(g(z)).mean()})


class Loss:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, f, g, x, z):
        return self.factor * (f(g(z)) - f(x)).square().mean()


def clipped(bound):
    def clip(net):
        for weight in net.parameters():
            weight.data.clamp_(-bound, bound)
    return Game([Move("f", non_saturating()["f"], clip), Move("g", non_saturating()["g"])])


class Own(nn.Module):
    """A network of the reader's, with a constant and a function of its own."""

    def __init__(self, slope=1., act=torch.tanh):
        super().__init__()
        self.slope, self.act, self.layer = slope, act, nn.Linear(2, 1)

    def forward(self, x):
        return (self.slope * self.act(self.layer(x))).flatten()


class Other(Own):
    def forward(self, x):
        return (self.layer(x) - self.slope).flatten()


def unfrozen(number):
    net = nn.Sequential(*[nn.Linear(2, 2) for _ in range(3)], nn.Linear(2, 1), nn.Flatten(0))
    net[1] = nn.Linear(2, 2, bias=False)
    return net.requires_grad_(False), net[number].requires_grad_(True)


def thawed(number):
    return lambda: unfrozen(number)[0]


class Signed(torch.optim.SGD):
    def __init__(self, weights, lr, k=1):
        super().__init__(weights, lr=lr)
        self.k = k


def edited(weights):
    made = type("Signed", (Signed,), {"step": lambda self, closure=None: 3})
    return made(weights, lr=.1)


def cut(bound):
    def make(weights):
        optimizer = torch.optim.SGD(weights, lr=.1)
        optimizer.register_step_pre_hook(
            lambda *_: (nn.utils.clip_grad_norm_(weights, bound), None)[1])
        return optimizer
    return make


with_helper = Game({"f": lambda f, g, e, x, z: (f(e(g(z))) - f(e(x))).mean(),
                    "g": lambda f, g, e, z: -f(e(g(z))).mean()})


def helped(seed, mode):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return dict(game=with_helper, e=nn.Sequential(nn.Linear(2, 2), nn.Dropout()).train(mode))


groups = lambda weights: torch.optim.Adam([{"params": weights[:1], "lr": .1},
                                           {"params": weights[1:]}], fused=True)
BASE = "the training in `play` as it stands"
FOREIGN = {
    # losses
    "minimax": (BASE, dict(game=minimax()), "loss of g"),
    "least squares": (BASE, dict(game=least_squares()), "loss of f"),
    "Wasserstein": (BASE, dict(game=wasserstein()), "loss of f"),
    "the codes of least squares": (dict(game=least_squares()), dict(game=least_squares(-1, 1, 0)),
                                   "loss of f"),
    "a row of the table": (dict(game=f_gan("KL")), dict(game=f_gan("Pearson")), "loss of f"),
    "a number in a closure": (dict(game=bends(1.)), dict(game=bends(2.)), "loss of f"),
    "a tensor in a closure": (dict(game=bends(torch.tensor(1.))),
                              dict(game=bends(torch.tensor(2.))), "loss of f"),
    "a default": (dict(game=default(1.)), dict(game=default(2.)), "loss of f"),
    "an object that is a loss": (dict(game=Game({"f": Loss(1.)})), dict(game=Game({"f": Loss(2.)})),
                                 "loss of f"),
    "what follows a move": (dict(game=clipped(.1)), dict(game=clipped(.2)), "after of f"),
    "nothing follows": (dict(game=clipped(.1)), dict(game=Game({
        "f": non_saturating()["f"], "g": non_saturating()["g"]})), "after of f"),
    # data
    "Grid": (BASE, dict(data=Grid()), "data"),
    "a wider ring": (BASE, dict(data=Ring(radius=3.)), "data"),
    "more modes": (BASE, dict(data=Ring(modes=7)), "data"),
    "points": (BASE, dict(data=POINTS), "data"),
    "another point": (dict(data=POINTS), dict(data=POINTS + torch.eye(20, 2)), "data"),
    "more points": (dict(data=POINTS), dict(data=POINTS[:19]), "data"),
    "another noise": (BASE, dict(z=Uniform(-1, 1, dim=3)), "noise"),
    "wider noise": (BASE, dict(z=Normal(0, 2, dim=3)), "noise"),
    "another order": (BASE, dict(order=8), "seed of batches"),
    "another batch": (BASE, dict(batch=9), "batch"),
    "unlabelled": (BASE, dict(unlabelled=POINTS), "unlabelled"),
    "points with gradients": (dict(data=torch.zeros(9, 2, requires_grad=True)),
                              dict(data=torch.ones(9, 2, requires_grad=True)), "data"),
    # networks that do not move
    "a helper's weights": (helped(0, True), helped(1, True), "network e"),
    "a helper's mode": (helped(0, True), helped(0, False), "network e"),
    # settings
    "betas": (BASE, dict(optimizer=adam(1e-2, betas=(.9, .99))), "optimizer of f"),
    "betas of one": (BASE, dict(optimizer={"f": adam(1e-2, (.9, .99)), "g": adam(1e-2)}),
                     "optimizer of f"),
    "eps": (BASE, dict(optimizer=partial(torch.optim.Adam, lr=1e-2, betas=(.5, .999), fused=True,
                                         eps=1e-6)), "optimizer of f"),
    "decay of weights": (BASE, dict(optimizer=partial(
        torch.optim.Adam, lr=1e-2, betas=(.5, .999), fused=True, weight_decay=.1)),
        "optimizer of f"),
    "not fused": (BASE, dict(optimizer=partial(torch.optim.Adam, lr=1e-2, betas=(.5, .999))),
                  "optimizer of f"),
    "alpha": (dict(optimizer=rmsprop(1e-2)), dict(optimizer=rmsprop(1e-2, .9)), "optimizer of f"),
    "momentum": (dict(optimizer=partial(torch.optim.SGD, lr=.1)),
                 dict(optimizer=partial(torch.optim.SGD, lr=.1, momentum=.9)), "optimizer of f"),
    "groups of weights": (dict(optimizer=partial(torch.optim.Adam, fused=True)),
                          dict(optimizer=lambda w: groups(list(w))), "weights of f"),
    "an edited step": (dict(optimizer=partial(Signed, lr=.1)),
                       dict(optimizer=edited), "step of f"),
    "an attribute": (dict(optimizer=partial(Signed, lr=.1)),
                     dict(optimizer=partial(Signed, lr=.1, k=5)), "step of f"),
    "gradients cut": (dict(optimizer=partial(torch.optim.SGD, lr=.1)), dict(optimizer=cut(1.)),
                      "step of f"),
    "cut elsewhere": (dict(optimizer=cut(1.)), dict(optimizer=cut(1e-6)), "step of f"),
    "no longer cut": (dict(optimizer=cut(1.)), dict(optimizer=partial(torch.optim.SGD, lr=.1)),
                      "step of f"),
    "precision": (BASE, dict(precision="highest"), "precision"),
    "reuse": (BASE, dict(reuse="g"), "reuse"),
    "averages": (dict(ema=.9), dict(ema={"g": .9, "f": .9}), "ema"),
    # networks of the same shapes
    "another activation": (BASE, dict(f=partial(critic, activation=nn.Tanh())), "network f"),
    "another slope": (BASE, dict(f=partial(critic, activation=nn.LeakyReLU(.1))), "network f"),
    "dropout": (dict(f=partial(critic, activation=nn.Dropout(.1))),
                dict(f=partial(critic, activation=nn.Dropout(.2))), "network f"),
    "a constant of one's own": (dict(f=Own), dict(f=partial(Own, 2.)), "network f"),
    "a function of one's own": (dict(f=Own), dict(f=partial(Own, act=torch.sin)), "network f"),
    "another forward": (dict(f=Own), dict(f=Other), "network f"),
    "spectral steps": (dict(f=lambda: spectral_norm(critic(), "weight") if 0 else nn.Sequential(
        spectral_norm(nn.Linear(2, 1)), nn.Flatten(0))), dict(f=lambda: nn.Sequential(
            spectral_norm(nn.Linear(2, 1), n_power_iterations=2), nn.Flatten(0))), "network f"),
    "another layer thawed": (dict(f=thawed(1)), dict(f=thawed(3)), "weights of f"),
    "a layer of the same shape thawed": (dict(f=thawed(0)), dict(f=thawed(2)), "weights of f"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_another_trainings_checkpoint_is_refused_by_what_differs(tmp_path, kind):
    mine, other, says = FOREIGN[kind]
    mine = {} if mine is BASE else mine
    play(tmp_path / "run.pt", **mine)
    before = (tmp_path / "run.pt").read_bytes()
    with pytest.raises(CheckpointError, match=f"run.pt belongs to another training: its {says} is "
                                              "(?s:.*), here it is .*Use another file name"):
        play(tmp_path / "run.pt", **mine | other)
    assert (tmp_path / "run.pt").read_bytes() == before
    assert play(tmp_path / "run.pt", steps=3, **mine).step == 3     # and its own goes on


@pytest.mark.parametrize("n", [20, 140_000])            # a large tensor is hashed once a training
@pytest.mark.parametrize("change", [lambda array, points: array.__iadd__(50),
                                    lambda array, points: points.data.add_(50)])
def test_points_that_are_changed_behind_their_version_are_other_points(tmp_path, n, change):
    points = torch.from_numpy(array := np.zeros((n, 2), np.float32))
    play(tmp_path / "run.pt", data=points)
    change(array, points)
    with pytest.raises(CheckpointError, match="its data is"):
        play(tmp_path / "run.pt", data=points, steps=3)


def stopped_at(step):
    def watch(run):
        if run.step == step:
            os.kill(os.getpid(), signal.SIGINT)
    return watch


@pytest.mark.skipif(os.name == "nt", reason="os.kill ends the process there")
@pytest.mark.parametrize("rate, other, says", [
    (lambda t: 1. if t < .3 else .1, lambda t: 1. if t < .35 else .1, "rate between these points"),
    (lambda t: 1. + 0 * t, lambda t: 1., "code of the rate")])
def test_another_rate_is_another_training(tmp_path, rate, other, says):
    play(tmp_path / "run.pt", steps=9, rate=rate, watch=stopped_at(2))
    with pytest.raises(CheckpointError, match=f"its {says} is"):
        play(tmp_path / "run.pt", steps=9, rate=other)
    assert play(tmp_path / "run.pt", steps=9, rate=rate).step == 9


@pytest.mark.parametrize("factor", [-1., math.nan, math.inf])
def test_a_rate_that_is_wrong_between_two_samples_is_named(factor):
    with pytest.raises(ValueError, match=r"rate\(0.3008\) is .*factor of the learning rates"):
        play(None, rate=lambda t: factor if .299 < t < .304 else 1.)
    with pytest.raises(ValueError, match=r"rate\(0.3333\) is"):       # where it is used
        play(None, rate=lambda t: factor if abs(t - 1 / 3) < 1e-9 else 1., steps=3)


def test_a_relative_path_stays_where_it_was(tmp_path, monkeypatch):
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path)
    play("run.pt", watch=lambda run: os.chdir(tmp_path / "else"))
    assert (tmp_path / "run.pt").exists() and not os.listdir(tmp_path / "else")


# -- of the same training, though not the same objects -----------------------------------------

def filling(seen):
    def loss(f, g, x, z):
        seen.append(float(x.sum()))
        return non_saturating()["f"](f, g, x, z)
    return Game({"f": loss, "g": non_saturating()["g"]})


def counting():
    count = 0

    def loss(f, g, x, z):
        nonlocal count
        count += 1
        return non_saturating()["f"](f, g, x, z)
    return Game({"f": loss, "g": non_saturating()["g"]})


def teacher(net):
    return Game({"f": lambda f, g, x, z: (f(x) - net(x)).square().mean() + f(g(z)).mean(),
                 "g": lambda f, g, z: -f(g(z)).mean()})


def game_of(text):
    names = {}
    exec(text, names)
    return Game({"f": names["loss"], "g": non_saturating()["g"]})


TEXT = "half = .5\ndef loss(f, g, x, z):\n    return half * (f(g(z)) - f(x)).square().mean()\n"
HELD = critic()
SAME = {
    "made again": ({}, {}),
    "another device": ({}, dict(device="cpu")), "two threads": ({}, dict(threads=2)),
    "a watcher": ({}, dict(watch=lambda run: None)),
    "a list that the run fills": (dict(game=filling([])),) * 2,
    "the list anew": (dict(game=filling([])), dict(game=filling([]))),
    "a counter": (dict(game=counting()),) * 2,
    "a network that a loss holds": (dict(game=teacher(HELD)), dict(game=teacher(deepcopy(HELD)))),
    "equal numbers": (dict(data=POINTS), dict(data=POINTS.clone())),
    "NumPy's numbers": (dict(optimizer=adam(np.float64(1e-2))), dict(optimizer=adam(1e-2))),
    "NumPy's seed and averages": (dict(seed=np.int64(3), ema=np.float64(.9)), dict(seed=3, ema=.9)),
    "equal laws": (dict(data=Mixture([Normal([0, 0]), Normal([1, 1])])),
                   dict(data=Mixture([Normal([0, 0]), Normal([1, 1])]))),
    "other comments": (dict(game=game_of(TEXT)),
                       dict(game=game_of("# why\n\n" + TEXT.replace(":\n", ":\n    'It.'\n")))),
    "a half that nobody knows": (dict(game=bends(torch.ones((), dtype=torch.bfloat16))),) * 2,
}


def test_a_network_of_other_weights_that_a_loss_holds_is_another_training(tmp_path):
    play(tmp_path / "run.pt", game=teacher(critic()))
    with pytest.raises(CheckpointError, match="its loss of f is"):
        play(tmp_path / "run.pt", game=teacher(critic()), steps=3)


@pytest.mark.parametrize("kind", SAME)
def test_what_changes_no_result_is_continued(tmp_path, kind, capsys):
    first, then = SAME[kind]
    play(tmp_path / "run.pt", **first)
    for steps in (3, 4):
        assert play(tmp_path / "run.pt", steps=steps, **then).step == steps
        assert f"Continuing from {tmp_path / 'run.pt'} at step {steps - 1}" in \
            capsys.readouterr().out
    assert os.listdir(tmp_path) == ["run.pt"]


def test_the_first_loss_a_run_had_is_known_after_it_was_continued(tmp_path):
    """A new process has the list empty, also where an older one has filled it twice."""
    seen = []
    for steps in (2, 3):
        play(tmp_path / "run.pt", filling(seen), steps)
    assert len(seen) == 3
    assert play(tmp_path / "run.pt", filling([]), 4).step == 4
    with pytest.raises(CheckpointError, match="loss of f"):
        play(tmp_path / "run.pt", filling(["other"]), 5)


class Odd:
    """It hides all that it has."""

    def __init__(self, k):
        self.k = k

    def __repr__(self):
        return "Odd()"

    def __getattribute__(self, name):
        if name in ("__class__", "__repr__"):
            return object.__getattribute__(self, name)
        raise OSError(name)


def test_what_cannot_be_looked_into_is_named_once_and_counts_as_equal(tmp_path, capsys):
    def drawn(numbers):
        return Game({"f": lambda f, g, x, z: next(numbers) * (f(g(z)) - f(x)).square().mean()})
    play(tmp_path / "run.pt", drawn(k for k in range(1, 9)))
    play(tmp_path / "run.pt", drawn(k for k in range(9, 1, -1)), 3)
    said = capsys.readouterr().out
    assert said.count("cannot be compared: generator. A checkpoint takes another one") == 2
    assert "Continuing" in said


# -- what an object holds ----------------------------------------------------------------------

def of_class(body):
    names = {"dataclass": dataclass, "functools": functools, "__name__": "readers_own"}
    exec(body, names)
    return names["K"]


def nested(k):
    for _ in range(3000):
        k = [k]
    return lambda: k


def layer(change, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(2, 3), nn.Dropout(.5))
        change(net)
    return net


SLOTS = of_class("class K:\n    __slots__ = ('w',)\n    def __init__(self, w): self.w = w")
BELOW = type("Below", (SLOTS,), {})
DATA = of_class("@dataclass(slots=True, frozen=True)\nclass K:\n    w: float")
RATES = [of_class(f"class K(float):\n    def __call__(self, t): return self * t ** {k}")
         for k in (1, 2)]
CACHED = [of_class(f"class K:\n    @functools.cached_property\n    def k(self): return {k}")
          for k in (1, 2)]
SCRIPTS = [torch.jit.CompilationUnit(f"def f(x):\n    return {k} * x\n").f for k in (1, 9)]
# kind: k -> an object that holds it; those of equal k are alike, the others are not
HELD = {
    "a law of SciPy": lambda k: stats.norm(k, 1), "a density": lambda k: stats.gaussian_kde(
        [0., 1., k]), "a spline": lambda k: interpolate.CubicSpline([0, 1, 2], [0, 1, k]),
    "a vectorised function": lambda k: np.vectorize([lambda u: u, lambda u: u * 9][k - 1]),
    "a script": lambda k: SCRIPTS[k - 1], "a deque": lambda k: deque([k, torch.relu]),
    "a namespace": lambda k: SimpleNamespace(w=k, act=torch.relu),
    "a function in it": lambda k: SimpleNamespace(act=[torch.relu, torch.sin][k - 1]),
    "slots": SLOTS, "slots above": BELOW, "data in slots": DATA,
    "a distribution": lambda k: torch.distributions.Normal(torch.full((3,), 1. * k), 1.),
    "a generator": np.random.default_rng, "an older one": np.random.RandomState,
    "its method": lambda k: np.random.default_rng(k).normal,
    "torch's generator": lambda k: torch.Generator().manual_seed(k),
    "a number of one's own": lambda k: RATES[k - 1](.5),
    "a cached property": lambda k: CACHED[k - 1](), "what is missing": lambda k: defaultdict(
        [int, list][k - 1]), "hidden": Odd, "deep": nested,
    "objects in an array": lambda k: np.array([None, "a" * k], dtype=object),
    "a mask": lambda k: np.ma.array([1., 2.], mask=[k == 1, False]),
    "a sparse tensor": lambda k: (k * torch.eye(3)).to_sparse(),
    "half a number": lambda k: torch.tensor(1. * k, dtype=torch.bfloat16),
    "objects in a set": lambda k: {SLOTS(1), SLOTS(5), SLOTS(k + 10)},
    "a hook": lambda k: layer(lambda net: net.register_forward_hook(lambda m, i, o: k * o)),
    "a hook on a weight": lambda k: layer(lambda net: net[0].weight.register_hook(
        lambda grad: k * grad)), "a mode": lambda k: layer(lambda net: net.train(k == 1)),
    "a buffer": lambda k: layer(lambda net: net.register_buffer("b", torch.ones(k), False)),
    "frozen weights": lambda k: layer(lambda net: net.requires_grad_(False), k),
    "an older spectral norm": lambda k: layer(
        lambda net: nn.utils.spectral_norm(net[0], n_power_iterations=k)),
}


@pytest.mark.parametrize("kind", HELD)
def test_what_an_object_holds_counts(kind):
    made, unseen = HELD[kind], set()
    one, same, other = (described([made(k)], unseen) for k in (1, 1, 2))
    assert one == same != other and not unseen
    found = [fingerprint(parts(lambda seed, held=made(k): held, {"seed": 0})) for k in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


def test_what_no_result_depends_on_does_not_count():
    for make in (np.random.default_rng, threading.Lock, WeakKeyDictionary,
                 lambda: nn.Linear(2, 2)):
        assert described([make()]) == described([make()])
    for draw in (np.random.normal, np.random.default_rng(0).normal,
                 np.vectorize(math.sqrt, otypes=[float])):
        before = described(draw)
        draw(1.)
        assert described(draw) == before


def test_values_of_a_readers_modules_and_functions_count_as_they_are(tmp_path, monkeypatch):
    (tmp_path / "helpa_of_mine.py").write_text(
        "import helpb_of_mine\nW = 1.\ndef scale(x): return helpb_of_mine.K * x\n"
        "def unused(): return helpb_of_mine.K2\n")
    (tmp_path / "helpb_of_mine.py").write_text("K, K2 = 1., 1.\n")
    monkeypatch.syspath_prepend(tmp_path)
    import helpa_of_mine as helpa

    def use(x):
        return use.weight * helpa.W * helpa.scale(x)
    use.weight = 1.
    found = [described(use)]
    for home, name in ((helpa, "W"), (helpa.helpb_of_mine, "K"), (use, "weight")):
        monkeypatch.setattr(home, name, 9.)
        found.append(described(use))
    assert len(set(found)) == 4
    monkeypatch.setattr(helpa.helpb_of_mine, "K2", 9.)
    assert described(use) == found[-1]


# -- damaged, odd, hostile ---------------------------------------------------------------------

@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "run.pt"
    play(path, steps=3, ema=.9)
    return path.read_bytes()


def resumed(path):
    return play(path, steps=5, ema=.9)


def test_no_flipped_bit_is_ever_trained_on(tmp_path, whole):
    """Either the file is refused, or the bit was one of those that mean nothing."""
    path, rng = tmp_path / "run.pt", np.random.default_rng(0)
    good, refused = torch.load(BytesIO(whole), weights_only=True), 0
    for at in rng.integers(0, 8 * len(whole), 120):
        bits = bytearray(whole)
        bits[at // 8] ^= 1 << at % 8
        path.write_bytes(bits)
        try:
            state = checkpoints.load(path, {"plan": good["plan"]})
        except CheckpointError as error:
            assert "delete it to start afresh" in str(error)
            refused += 1
        else:
            assert str(state) == str(good)
    assert refused > 60


def rezipped(whole, compress=zipfile.ZIP_STORED, change=lambda name, data: data):
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(whole)) as old, zipfile.ZipFile(out, "w", compress) as new:
        for one in old.infolist():
            new.writestr(one.filename, change(one.filename, old.read(one)))
    return out.getvalue()


def saved(value, **how):
    out = BytesIO()
    torch.save(value, out, **how)
    return out.getvalue()


BYTES = {
    "cut by one": lambda whole: whole[:-1], "cut in the middle": lambda whole: whole[:9000],
    "without its head": lambda whole: whole[100:], "twice": lambda whole: whole[:5000] + whole,
    "zeros": lambda whole: bytes(len(whole)), "a line": lambda whole: b"import os\n",
    "packed": lambda whole: rezipped(whole, zipfile.ZIP_DEFLATED),
    "short records": lambda whole: rezipped(
        whole, change=lambda name, data: data[:4] if "/data/" in name else data),
    "no code": lambda whole: rezipped(
        whole, change=lambda name, data: b"" if name.endswith("data.pkl") else data),
    "another archive": lambda whole: rezipped(whole)[:0] + _archive(),
    "weights alone": lambda whole: saved(critic().state_dict()),
    "a network": lambda whole: saved(critic()),
    "the first format": lambda whole: saved(torch.load(BytesIO(whole)),
                                            _use_new_zipfile_serialization=False),
    "a pickle": lambda whole: pickle.dumps({"plan": {}}), "a number": lambda whole: saved(3),
}


def _archive():
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "not a checkpoint")
    return out.getvalue()


@pytest.mark.parametrize("kind", BYTES)
def test_what_is_no_checkpoint_is_refused_with_the_remedy(tmp_path, whole, kind):
    path = tmp_path / "run.pt"
    path.write_bytes(before := BYTES[kind](whole))
    with pytest.raises(CheckpointError, match="run.pt is not a readable checkpoint .*delete it"):
        resumed(path)
    assert path.read_bytes() == before


def inner(*keys):
    """A change of one value, deep inside."""
    def change(state, new):
        *way, last = keys
        for key in way:
            state = state[key]
        state[last] = new(state[last]) if callable(new) else new
    return change


memory = ("optimizers", 0, "state", 0)
CRAFTED = {
    "step negative": (inner("step"), -1), "step a word": (inner("step"), "3"),
    "step a tensor": (inner("step"), torch.tensor(3)), "step NaN": (inner("step"), float("nan")),
    "images a word": (inner("images"), "many"), "seconds None": (inner("seconds"), None),
    "losses short": (inner("losses", "f"), lambda x: x[:1]),
    "losses a list": (inner("losses", "f"), [1., 2., 3.]),
    "losses whole numbers": (inner("losses", "f"), lambda x: x.long()),
    "losses of another": (inner("losses"), lambda x: {"f": x["f"]}),
    "players a list": (inner("players"), []), "a player less": (inner("players"), {}),
    "weights of another shape": (inner("players", "f", "0.weight"), torch.zeros(3, 2)),
    "weights of another type": (inner("players", "f", "0.weight"), lambda w: w.double()),
    "weights a number": (inner("players", "f", "0.weight"), 1.),
    "sparse weights": (inner("players", "f", "0.weight"), lambda w: w.to_sparse()),
    "an average of another shape": (inner("ema", "g", "weight"), torch.zeros(1)),
    "an average less": (inner("ema"), {}),
    "random of another length": (inner("random"), torch.zeros(9, dtype=torch.uint8)),
    "random numbers": (inner("random"), lambda x: x.float()),
    "random None": (inner("random"), None),
    "random zeros": (inner("random"), lambda x: x * 0), "images below 0": (inner("images"), -5),
    "losses NaN": (inner("losses", "f"), lambda x: x * math.nan),
    "rates None": (inner("rates"), None), "a rate": (inner("rates"), [3]),
    "lr a word": (inner("optimizers", 0, "param_groups", 0, "lr"), "x"),
    "lr NaN": (inner("optimizers", 0, "param_groups", 0, "lr"), math.nan),
    "betas one": (inner("optimizers", 0, "param_groups", 0, "betas"), [.5]),
    "cuda a word": (inner("cuda"), "cuda"), "samples None": (inner("samples"), None),
    "samples a word": (inner("samples"), "here"),
    "samples of another generator": (inner("samples"), '[{"bit_generator": "MT19937"}, {}]'),
    "one optimiser": (inner("optimizers"), lambda x: x[:1]),
    "an optimiser of None": (inner("optimizers", 0), None),
    "a memory of another shape": (inner(*memory, "exp_avg"), torch.zeros(1)),
    "a memory far too short": (inner(*memory, "exp_avg_sq"), torch.zeros(0)),
    "a memory of words": (inner(*memory, "exp_avg"), "none"),
    "a memory of whole numbers": (inner(*memory, "exp_avg"), lambda x: x.long()),
    "a memory less": (inner(*memory), lambda x: {"step": x["step"], "exp_avg": x["exp_avg"]}),
    "steps in a memory": (inner(*memory, "step"), torch.zeros(5)),
    "a weight more": (inner("optimizers", 0, "state"), lambda x: {**x, 99: x[0]}),
    "other numbers of weights": (inner("optimizers", 0, "param_groups", 0, "params"), [0, 1, 2, 7]),
    "no groups": (inner("optimizers", 0, "param_groups"), []),
    "no betas": (inner("optimizers", 0, "param_groups", 0), lambda x: {"params": x["params"]}),
    "no longer fused": (inner("optimizers", 0, "param_groups", 0, "fused"), None),
}


@pytest.mark.parametrize("kind", CRAFTED)
def test_a_state_that_does_not_fit_is_refused_before_anything_is_put_back(tmp_path, whole, kind):
    change, new = CRAFTED[kind]
    state = deepcopy(torch.load(BytesIO(whole), weights_only=True))
    change(state, new)
    path = tmp_path / "run.pt"
    path.write_bytes(saved(state))
    f, g = critic(), nn.Linear(3, 2)
    before = deepcopy((f.state_dict(), g.state_dict()))
    with pytest.raises(CheckpointError, match="run.pt does not fit this training .*delete it"):
        play(path, steps=5, ema=.9, f=f, g=g)
    for net, old in zip((f, g), before):
        assert all(torch.equal(w, old[name]) for name, w in net.state_dict().items())


def test_a_memory_that_lies_otherwise_is_laid_out_as_its_weight(tmp_path, whole):
    """A fused step takes it for granted; one number for all would be written over and over."""
    state = torch.load(BytesIO(whole), weights_only=True)
    first = state["optimizers"][0]["state"][0]
    first["exp_avg"] = first["exp_avg"].T.contiguous().T
    (tmp_path / "run.pt").write_bytes(saved(state))
    (tmp_path / "as it was.pt").write_bytes(whole)
    one, other = resumed(tmp_path / "run.pt"), resumed(tmp_path / "as it was.pt")
    assert one.losses == other.losses


def test_a_checkpoint_of_an_older_version_says_so(tmp_path, whole):
    state = torch.load(BytesIO(whole), weights_only=True)
    del state["plan"]["precision"]
    (tmp_path / "run.pt").write_bytes(saved(state))
    with pytest.raises(CheckpointError, match="does not say its precision: another version"):
        resumed(tmp_path / "run.pt")


# -- where nothing can be written --------------------------------------------------------------

PLACES = {
    "a folder": (lambda at: at, "is a folder: name a file in it"),
    "a folder to be": (lambda at: f"{at}/new/", "is a folder: name a file in it"),
    "here": (lambda at: ".", "is a folder"),
    "under a file": (lambda at: at / "file" / "run.pt", "above it is a file, no folder"),
    "deep under a file": (lambda at: at / "file" / "a" / "run.pt", "above it is a file, no folder"),
    "a long name": (lambda at: at / ("a" * 300), "choose a shorter name"),
    "links in a circle": (lambda at: at / "circle" / "run.pt", "name another place"),
    "the void": (lambda at: os.devnull, "is a device or a pipe, no file: choose another path"),
    "a pipe": (lambda at: at / "pipe", "is a device or a pipe, no file: choose another path"),
    "no folder of mine": (lambda at: at / "theirs" / "run.pt", "a folder that you may write to"),
    "no folder in mine": (lambda at: at / "theirs" / "a" / "run.pt", "that you may write to"),
    "a protected file": (lambda at: at / "protected", "is write-protected: choose another path"),
    "nothing": (lambda at: "", "checkpoint='' names no file"),
    "a zero": (lambda at: "a\0b", "names no file"), "a number": (lambda at: 3, "path of a file"),
    "bytes": (lambda at: b"run.pt", "checkpoint is the path of a file, as 'run.pt', not b'run.pt'"),
    "true": (lambda at: True, "checkpoint is the path of a file"),
    "an open file": (lambda at: BytesIO(), "checkpoint is the path of a file"),
}


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
@pytest.mark.parametrize("kind", PLACES)
def test_where_nothing_can_be_written_is_said_before_the_training(tmp_path, kind, nobody):
    (tmp_path / "file").write_text("")
    (tmp_path / "circle").symlink_to("circle")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "theirs").mkdir(mode=0o555)
    (tmp_path / "protected").write_bytes(b"")
    (tmp_path / "protected").chmod(0o444)
    where, says = PLACES[kind]
    played = []
    with nobody(tmp_path), pytest.raises((CheckpointError, TypeError, ValueError), match=says):
        play(where(tmp_path), watch=played.append)
    assert not played and not (tmp_path / "new").exists()


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_file_of_somebody_elses_is_not_called_broken(tmp_path, whole, nobody):
    (tmp_path / "run.pt").write_bytes(whole)
    (tmp_path / "run.pt").chmod(0o200)
    says = "cannot be read .Permission denied.: ask its owner"
    with nobody(tmp_path), pytest.raises(CheckpointError, match=says):
        resumed(tmp_path / "run.pt")


def test_a_link_stays_a_link_and_a_name_may_be_long_and_strange(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "run.pt").symlink_to(tmp_path / "kept" / "real.pt")
    play(tmp_path / "run.pt")
    assert (tmp_path / "run.pt").is_symlink() and os.listdir(tmp_path / "kept") == ["real.pt"]
    assert play(tmp_path / "run.pt", steps=3).step == 3
    for name in ("a" * 250 + ".pt", "[x]*?.pt", "数 é\n.pt", "-rf", ".hidden"):
        play(tmp_path / "new" / name)
        assert play(tmp_path / "new" / name, steps=3).step == 3
    assert len(os.listdir(tmp_path / "new")) == 5


def test_a_folder_that_vanishes_or_fills_up_ends_no_training(tmp_path, monkeypatch, capsys):
    def vanish(run):
        if run.step == 2:
            monkeypatch.setattr(checkpoints, "atomic_write", full)

    def full(path):
        raise PermissionError(13, "Permission denied")
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.)
    assert play(tmp_path / "run.pt", steps=4, watch=vanish).step == 4
    said = [line for line in capsys.readouterr().out.splitlines() if "not written" in line]
    assert len(said) == 4 and said[0].endswith(
        "training goes on: choose a folder that you may write to.")


class Remembers(torch.optim.SGD):
    def step(self, closure=None):
        super().step(closure)
        self.state[self.param_groups[0]["params"][0]]["seen"] = {1, 2}


def test_what_could_not_be_read_again_is_not_written(tmp_path, capsys):
    assert play(tmp_path / "run.pt", optimizer=partial(Remembers, lr=.1)).step == 2
    said = capsys.readouterr().out
    assert "Checkpoint not written (a checkpoint holds tensors, numbers and words, and " in said
    assert "is set); training goes on" in said and not (tmp_path / "run.pt").exists()


class Scaled(nn.Module):
    """A network with a constant of its reader's that is kept with the weights, and a memory."""

    def __init__(self, scale: float):
        super().__init__()
        self.layer = nn.Linear(2, 1)
        self.register_buffer("scale", torch.tensor(scale))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        if self.training:
            self.calls += 1
        return self.scale * self.layer(x)[:, 0]


def test_a_constant_among_the_weights_counts_and_a_memory_does_not(tmp_path):
    f = Scaled(1.)
    play(tmp_path / "run.pt", f=f)
    assert f.calls > 0 and play(tmp_path / "run.pt", f=Scaled(1.), steps=3).step == 3
    f.calls += 9                                        # as after a run that was broken off
    assert play(tmp_path / "run.pt", f=f, steps=4).step == 4
    with pytest.raises(CheckpointError, match="another training: its buffer f.scale is"):
        play(tmp_path / "run.pt", f=Scaled(2.), steps=5)
    for bandwidth, says in ((1., None), (2., "its buffer f.layers.1.frequencies is")):
        waves = fourier_critic(2, bandwidth, 8)
        if says is None:
            play(tmp_path / "waves.pt", f=waves)
        else:
            with pytest.raises(CheckpointError, match=says):
                play(tmp_path / "waves.pt", f=waves, steps=3)


def test_a_file_that_does_not_say_its_constants_is_continued(tmp_path):
    play(tmp_path / "run.pt", f=Scaled(1.))
    state = torch.load(tmp_path / "run.pt")
    for part in ("plan", "left"):
        state[part] = {key: value for key, value in state[part].items() if "buffer" not in key}
    torch.save(state, tmp_path / "run.pt")
    assert play(tmp_path / "run.pt", f=Scaled(1.), steps=3).step == 3


def test_a_decay_in_other_words_is_the_same_training(tmp_path):
    play(tmp_path / "run.pt", ema=.9)
    assert play(tmp_path / "run.pt", steps=3, ema={"g": .9}).step == 3
    with pytest.raises(CheckpointError, match="its ema is 0.9, here it is 0.8"):
        play(tmp_path / "run.pt", steps=4, ema={"g": .8})


def held_by_a_loss(net):
    """A game whose generator matches features of a network that nobody plays."""
    return Game({"g": lambda g, x, z: (net(g(z)).mean(0) - net(x).mean(0)).square().sum()})


def test_a_network_that_a_loss_holds_counts_by_its_weights(tmp_path):
    features = [critic(after=nn.Identity()) for _ in range(2)]
    with torch.no_grad():
        features[1][0].weight.copy_(features[0][0].weight + 1)
    play(tmp_path / "run.pt", held_by_a_loss(features[0]))
    assert play(tmp_path / "run.pt", held_by_a_loss(deepcopy(features[0])), steps=3).step == 3
    with pytest.raises(CheckpointError, match="another training: its loss of g is"):
        play(tmp_path / "run.pt", held_by_a_loss(features[1]), steps=4)


def test_a_player_that_a_loss_holds_besides_does_not(tmp_path):
    held = critic()
    game = Game({"f": lambda f, g, x, z: (f(g(z)) - f(x)).mean(),
                 "g": lambda g, z: -held(g(z)).mean() + 0 * held[0].weight.sum()})
    play(tmp_path / "run.pt", game, f=held)
    assert play(tmp_path / "run.pt", game, f=held, steps=3).step == 3    # it has learnt meanwhile
