"""Cousins of faults that were found once: acts that were answered wrongly, or without a remedy."""
import functools
import math
import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import itself
from torch import nn

import gan_lessons as gl
from gan_lessons.data import downloads
from gan_lessons.data.folders import _deep_grey, _Unclear
from gan_lessons.drawing import explorer, plots
from gan_lessons.exact.f_table import f_divergence
from gan_lessons.exact.transport import earth_mover, plan
from gan_lessons.game import couples_batch
from gan_lessons.map.arena import run_arena
from gan_lessons.map.recipes import RECIPES
from gan_lessons.map.study import load, study
from gan_lessons.measures import metrics
from gan_lessons.objectives.own_divergence import own_divergence
from gan_lessons.players.penalties import slopes
from gan_lessons.players.spectral import lipschitz_bound
from gan_lessons.questions.judges import agree
from gan_lessons.training import devices


def drawn(n, dim=3, seed=0):
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


_, AX = plots.figure()


def played(f=None, g=None, draw=lambda: 0., data=None, after=None, **how):
    """A training of three steps; `draw` is a number that the critic's loss draws for itself."""
    game = gl.Game([
        gl.Move("f", lambda f, g, x, z: (f(g(z)) - f(x)).mean() + draw() * f(x).mean(), after),
        gl.Move("g", lambda f, g, z: -f(g(z)).mean())])
    torch.manual_seed(0)
    players = dict(f=f or gl.mlp_critic(2, width=4), g=g or nn.Linear(3, 2))
    samples = gl.batches(data or gl.Ring(), z=gl.Normal(dim=3), batch=4)
    return gl.train(game, players, samples, **dict(steps=3, watch=None) | how)


class Returns(nn.Linear):
    """A critic whose forward returns what `made` makes of the scores."""
    def __init__(self, made, ins=2):
        super().__init__(ins, 1)
        self.made = made

    def forward(self, x):
        return self.made(super().forward(x)[:, 0])


KL = f_divergence("KL")


def explores(controls=(), setup=lambda figure: figure.subplots().plot([0, 1]), **how):
    return explorer.Explorer(setup, lambda line: None, dict(controls) if controls == () else
                             controls, alt="a line", **how)


@pytest.mark.parametrize("n", [1000, 1002, 1003, 1999])
def test_a_short_block_weighs_no_more_than_its_samples(n):
    """Samples of one distribution: a last block of two or three pairs once made it 7.1."""
    assert abs(metrics.kernel_distance(drawn(n), drawn(n, seed=1))) < .2


def test_no_real_sample_is_dropped_where_there_are_more_of_them():
    near, far = drawn(1000), drawn(2000, seed=1) + 5
    found = [metrics.kernel_distance(drawn(100, seed=2), torch.cat(order))
             for order in ((near, far), (far, near))]
    assert min(found) > 100


PICTURES = torch.randint(0, 256, (20, 1, 28, 28), generator=torch.Generator().manual_seed(0))
BITS = (PICTURES > 127).to(torch.uint8)


@pytest.mark.parametrize("act, remedy", [
    (lambda: metrics.features(PICTURES / 255), "2 [*] images - 1"),
    (lambda: metrics.features(BITS), "255 [*] images"),
    (lambda: metrics.features(BITS.bool()), "255 [*] images"),
    (lambda: gl.Images(BITS), "255 [*] images"),
    (lambda: gl.Images(BITS.long()), "255 [*] images"),
    (lambda: gl.Images(PICTURES.byte(), classes={"b", "a"}), "sorted"),
    (lambda: gl.Images(PICTURES.byte(), classes=("a", "a")), "two classes are called a"),
    (lambda: gl.Images(np.ma.array(PICTURES.numpy().astype(np.uint8), mask=BITS.numpy())),
     "masked"),
    (lambda: gl.batches(np.ma.array([[0., 1.]], mask=[[0, 1]])), "masked"),
    (lambda: gl.batches(gl.Ring), r"Ring\(\)"),
    (lambda: gl.batches(gl.Ring(), z=gl.Normal), "is a class"),
    (lambda: earth_mover(np.ma.array([0, 1e9], mask=[0, 1]), [0.]), "masked"),
    (lambda: gl.expectation(gl.Normal(), np.cos, edges=[40, 0, -40]), "rise"),
    (lambda: gl.expectation(gl.Normal(), __import__("math").sin), "np.sin"),
    (lambda: gl.expectation(gl.Normal(), lambda x: None), "write return"),
    (lambda: gl.expectation(gl.Normal(), lambda x: np.exp(1j * x)), "real"),
    (lambda: own_divergence(lambda u: u.float() ** 2 - 1), "float32"),
    (lambda: played(optimizer=torch.optim.LBFGS), "several times"),
    (lambda: played(optimizer=torch.optim.SparseAdam), "sparse"),
    (lambda: played(watch=lambda: 1), "watch is called with one argument, the Run"),
    (lambda: played(watch=None, rate=lambda t, u: 1.), "rate is called with one argument"),
    (lambda: plots.losses(AX, [1., 2.]), "a Run.*not of list: .*smooth"),
    (lambda: plots.losses(PICTURES, None), "losses.ax, run. draws on axes"),
    (lambda: plots.points(AX, PICTURES), "missing|n, 2"),
    (lambda: plots.points(AX, drawn(4), "k"), r"x\[:, :2\]"),
    (lambda: plots.points(AX, AX, "k"), "run.samples"),
    (lambda: plots.smooth([1., 2.], span=0), "span = 0"),
    (lambda: plots.smooth("abc"), "not str"),
    (lambda: plots.classes(AX, [1, 2], range(10)), "10 names"),
    (lambda: plots.classes(AX, [np.nan]), "one count"),
    (lambda: plots.plane(AX, nn.Linear(2, 1)), "a network tensors"),
    (lambda: plots.plane(AX, lambda x: x.sum()), "one number each"),
    (lambda: plots.plane(AX, itself, reach=0), "larger than 0"),
    (lambda: plots.scores(AX, [1]), "gl.long_run"),
    (lambda: plots.draw_density(AX, np.arange(3.), gl.Normal, "k"), "the class Normal"),
    (lambda: plots.figure(0), "columns = 0"),
    (lambda: plots.figure(width=-1), "inches"),
    (lambda: explorer.slider(0, 1, .1, .5, 5), "label"),
    (lambda: explorer.choice(None, "a", "x"), "a list or a dict"),
    (lambda: explores([1]), "controls are a dict"),
    (lambda: explores(dict(a=3)), "the control 'a' is a slider"),
    (lambda: explores({}, figsize=3), "inches"),
    (lambda: explores({}, dpi=0), "dots per inch"),
    (lambda: explores(setup=None), "are functions"),
    (lambda: played(after=lambda: 1), "after of 'f' is called with one argument"),
    (lambda: played(f=Returns(lambda s: (s, 1))), "f returns tuple"),
    (lambda: played(f=Returns(torch.Tensor.mean)), "f returns one number for all"),
    (lambda: played(g=Returns(lambda s: None, 3)), "g returns NoneType"),
    (lambda: played(f=nn.Linear(2, 1, device="meta")), "no numbers yet"),
    (lambda: gl.mlp_critic(2, seed=None), "seed = None"),
    (lambda: plots.png(AX), "as fig, ax = figure"),
    (lambda: plots.show_sheet(np.full((4, 4), 255), alt="a b c d"), "0 to 1"),
    (lambda: plots.show_sheet(np.full((4, 4), np.nan), alt="a b c d"), "0 to 1"),
    (lambda: plots.points(AX, np.full((3, 1), np.nan), "k"), "diverged"),
    (lambda: plots.plane(AX, "f"), "a function of points"),
    (lambda: plots.open_axes([AX]), "draws on axes"),
    (lambda: plots.square_grid(-1, 3), "larger than 0"),
    (lambda: gl.Images(torch.zeros(3, 1, 8, 8).byte().to_sparse()), "to_dense"),
    (lambda: gl.batches(torch.eye(4, device="meta")), "one by one"),
    (lambda: gl.Images(PICTURES.byte(), classes={0: "a"}), "values"),
    (lambda: played(checkpoint="https://x.y/c.pt"), "is an address"),
    (lambda: played(checkpoint=Path("https://x.y/c.pt")), "is an address"),
    (lambda: run_arena("toys", Path("https://x.y/a.csv")), "is an address"),
    (lambda: run_arena("toys", "a.csv", seeds=3), "seeds=3: one whole number or more, as range.3."),
    (lambda: gl.expectation(gl.Normal(), lambda x: np.ma.masked_less(x, 0)), "masks"),
    (lambda: gl.expectation(gl.Normal(), lambda x: np.where(x > 0, np.inf, -np.inf)), "-inf at"),
    (lambda: KL.dual(gl.Normal(), gl.Normal(1), T=lambda x: x[:5]), "one number each"),
    (lambda: own_divergence(lambda u: u ** 2 - torch.ones(1)), "number by number"),
    (lambda: load(3), "path of a file"),
    (lambda: study(itself, dict(a=[1]), "never.csv", cluster="nonsense"), "port"),
    (lambda: study(itself, dict(a=[1]), "never.csv", cluster=5), "a Client, not 5"),
    (lambda: study(itself, dict(a=[1]), "never.csv", aside=[1]), "aside = "),
    (lambda: plots.sheet(PICTURES), "uint8"),
    (lambda: plots.sheet(PICTURES[:, 0].byte()), r"images\[:, None\]"),
    (lambda: plots.sheet(PICTURES.byte().permute(0, 2, 3, 1)), "channels"),
    (lambda: plots.sheet(PICTURES.byte(), columns=0), "columns"),
    (lambda: plots.sheet(PICTURES.byte(), gap=-1), "gap"),
    (lambda: RECIPES["wgan"], "WGAN-GP"),
    (lambda: RECIPES["LSGAN"].train(PICTURES.byte()), r"gl.Images"),
    (lambda: gl.long_run(RECIPES["LSGAN"]), "01 non-saturating"),
    (lambda: gl.long_run("01 non-saturating").neighbours(PICTURES.byte()), "load_images"),
])
def test_what_cannot_be_right_is_refused_with_a_remedy(act, remedy):
    with pytest.raises((ValueError, TypeError, KeyError, RuntimeError), match=remedy):
        act()


def test_big_endian_reversed_and_read_only_samples_are_samples():
    x = np.arange(8.).reshape(4, 2)
    fixed = x.copy()
    fixed.flags.writeable = False
    for same in (x.astype(">f8"), x[::-1], fixed):
        assert set(gl.batches(same, batch=50).draw(["x"])["x"][:, 0].tolist()) <= {0., 2., 4., 6.}


@pytest.mark.parametrize("high, known", [(300, False), (1023, False), (4095, False), (65535, True)])
def test_deep_grey_of_ten_or_twelve_bits_states_no_white(high, known):
    picture = SimpleNamespace(mode="I;16", info={}, __array__=None)
    grey = np.array([[0, high]], dtype=np.uint16)
    picture.__array_interface__ = grey.__array_interface__
    if known:
        assert _deep_grey(picture, "PNG").tolist() == [[0, 255]]
    else:
        with pytest.raises(_Unclear, match="nearly black"):
            _deep_grey(picture, "PNG")


class Neighbours(nn.Module):
    """Scores of two neighbours, or of samples two apart, mixed with each other only."""
    def __init__(self, step):
        super().__init__()
        self.step = step

    def forward(self, x):
        return x[:, 0] + 2 * x[torch.arange(len(x)) ^ self.step, 0]


@pytest.mark.parametrize("step", [1, 2])
def test_samples_mixed_within_halves_are_seen(step):
    x = drawn(8, 2)
    assert couples_batch(Neighbours(step), x)
    with pytest.raises(ValueError, match="one sample move another's score"):
        slopes(lambda x: Neighbours(step)(x), x)
    assert slopes(lambda x: 3 * x[:, 0], x).tolist() == pytest.approx([3.] * 8)


def test_a_layer_with_a_hook_or_a_forward_of_its_own_has_no_known_bound():
    hooked, own = nn.Linear(2, 1), nn.Linear(2, 1)
    hooked.register_forward_pre_hook(lambda m, x: (x[0] * 100,))
    own.forward = lambda x: 100 * nn.functional.linear(x, own.weight)
    for layer in (hooked, own):
        with pytest.raises(TypeError, match="not known"):
            lipschitz_bound(nn.Sequential(layer))


def test_single_precision_in_a_loss_is_named(capsys):
    bce = nn.functional.binary_cross_entropy_with_logits

    def mine(f, g, x, z):
        real, fake = f(x), f(g(z))
        return (bce(real, .3 * torch.ones(len(real))) + bce(fake, torch.zeros(len(fake)))).mean()

    def right(f, g, x, z):
        real, fake = f(x), f(g(z))
        return (bce(real, .3 * torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))).mean()
    agree(mine, right, name="bce")
    assert "ones_like" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["cuda:00", "cuda:01", "cuda:１"])
def test_devices_are_numbered_plainly(name):
    with pytest.raises(ValueError, match="names no device"):
        devices.choose(name)


def test_the_variable_may_say_auto(monkeypatch):
    monkeypatch.setenv(devices.VARIABLE, "auto")
    assert devices.choose().type in ("cpu", "cuda")


# -- a generator that a loss, a law or a network holds stands where it stood -----------------------

class Drawn(gl.exact.laws.Law):
    dim = 2

    def __init__(self):
        self.own = np.random.RandomState(2)

    def sample(self, n, rng):
        return self.own.normal(size=(n, 2))


class Noisy(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.own = nn.Linear(2, 1), torch.Generator().manual_seed(3)

    def forward(self, x):
        return self.layer(x)[:, 0] + torch.randn(len(x), generator=self.own)


def of_the_process():
    np.random.seed(1)
    random.seed(1)
    return lambda: np.random.normal() + random.gauss(0, 1)


HOLDERS = {
    "NumPy's": lambda: dict(draw=np.random.default_rng(0).normal),
    "its bits": lambda: dict(draw=lambda own=np.random.PCG64(0): own.random_raw() / 2 ** 64),
    "RandomState": lambda: dict(draw=lambda own=np.random.RandomState(0): float(own.normal())),
    "Python's": lambda: dict(draw=lambda own=random.Random(0): own.gauss(0, 1)),
    "torch's": lambda: dict(draw=lambda own=torch.Generator().manual_seed(0): torch.randn(
        (), generator=own).item()),
    "of the process": lambda: dict(draw=of_the_process()),
    "a law's": lambda: dict(data=Drawn()), "a network's": lambda: dict(f=Noisy())}


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_generator_that_is_held_is_put_back(holder, tmp_path, capsys):
    whole = played(**HOLDERS[holder](), steps=6).losses
    played(**HOLDERS[holder](), checkpoint=tmp_path / "c.pt")
    assert played(**HOLDERS[holder](), steps=6, checkpoint=tmp_path / "c.pt").losses == whole


def test_a_file_that_holds_no_state_of_a_generator_is_refused(tmp_path):
    path = tmp_path / "c.pt"
    played(**HOLDERS["NumPy's"](), checkpoint=path)
    state = torch.load(path) | {"generators": [{"bit_generator": "PCG64", "state": 3}]}
    torch.save(state, path)
    with pytest.raises(RuntimeError, match="where a random generator stood"):
        played(**HOLDERS["NumPy's"](), steps=6, checkpoint=path)


def singly(value):
    """A dispatcher of functools, which holds its functions in a closure of functools' own."""
    return functools.singledispatch(lambda one: value)


def test_what_a_foreign_maker_was_given_counts(tmp_path):
    play = lambda value: played(draw=functools.partial(singly(value), 0),
                                checkpoint=tmp_path / "c.pt")
    play(1.)
    with pytest.raises(RuntimeError, match="another training"):
        play(2.)


@pytest.mark.parametrize("spoil, names", [
    (lambda state: state["players"]["g"]["weight"].fill_(math.nan), "weights of g, which hold nan"),
    (lambda state: state["optimizers"][0]["state"][0]["exp_avg_sq"].fill_(-1), "exp_avg_sq")])
def test_memories_that_no_training_has_are_refused(tmp_path, spoil, names):
    path = tmp_path / "c.pt"
    played(checkpoint=path)
    state = torch.load(path)
    spoil(state)
    torch.save(state, path)
    with pytest.raises(RuntimeError, match=names):
        played(steps=6, checkpoint=path)


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_networks_of_torchscript_play():
    made = torch.jit.script(nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)))
    players = dict(f=made, g=nn.Linear(3, 2))
    samples = gl.batches(gl.Ring(), z=gl.Normal(dim=3), batch=4)
    assert gl.train(gl.minimax(), players, samples, steps=1, watch=None).step == 1


def nothing(a):
    pass


def test_a_run_without_return_is_told_so(tmp_path, capsys):
    row, = study(nothing, dict(a=[1]), tmp_path / "s.csv", processes=1, watch=False)
    assert "write return" in row["error"]


@pytest.mark.parametrize("named", ["~nobody-here/x", "https://x.y/z"])
def test_a_cache_that_is_no_folder_is_named(monkeypatch, named):
    monkeypatch.setenv("GAN_LESSONS_CACHE", named)
    with pytest.raises(ValueError, match="GAN_LESSONS_CACHE is"):
        downloads.cache()
    monkeypatch.setenv("GAN_LESSONS_CACHE", "  ")
    assert downloads.cache().name == "gan-lessons"


# -- numbers ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("power", [2, 8, 30])
@pytest.mark.parametrize("mean", [-.3, .3])
def test_steep_powers_have_their_divergence(power, mean):
    with np.errstate(all="raise", over="ignore", under="ignore"):
        found = own_divergence(lambda u: u ** power - 1)(gl.Normal(), gl.Normal(mean))
    assert found == pytest.approx(math.expm1(power * (power - 1) / 2 * mean ** 2), rel=1e-9)


def test_a_small_mass_is_moved_and_small_points_are_told_apart():
    assert plan([1 - 1e-9, 1e-9], [1, 0], [[0, 1], [2, 0]]).cost == pytest.approx(2e-9)
    x = torch.arange(9., dtype=torch.float64)[:, None]
    for size in (1e-200, 1, 1e200):
        assert metrics.precision_recall(x * size, (x + .2) * size) == (1, 1)
        assert metrics.precision_recall(x * size, (x + 90) * size) == (0, 0)


def test_half_precision_is_read_and_a_gap_in_a_curve_stays_a_gap():
    assert earth_mover(torch.zeros(3).bfloat16(), torch.ones(3).half()) == 1
    smooth = plots.smooth([1, 2, np.nan, 4, 5, 6], span=2)
    np.testing.assert_allclose(smooth, [1, 1.5, np.nan, np.nan, 4.5, 5.5])


def test_a_margin_is_written_as_it_was_made():
    assert "loss_sensitive(margin(0.0005), first=0)" in str(RECIPES["LS-GAN"])
