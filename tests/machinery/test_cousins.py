"""Cousins of faults that were found once: acts that were answered wrongly, or without a remedy."""
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import gan_lessons as gl
from gan_lessons.data.folders import _deep_grey, _Unclear
from gan_lessons.drawing import plots
from gan_lessons.exact.transport import earth_mover
from gan_lessons.game import couples_batch
from gan_lessons.map.recipes import RECIPES
from gan_lessons.measures import metrics
from gan_lessons.players.penalties import slopes
from gan_lessons.players.spectral import lipschitz_bound
from gan_lessons.questions.judges import agree
from gan_lessons.training import devices


def drawn(n, dim=3, seed=0):
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


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
