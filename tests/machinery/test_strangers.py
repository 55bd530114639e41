"""Acts of strangers that once ended wrongly, kind by kind: each is refused by name, or right."""
import os
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import gan_lessons as gl
from gan_lessons.data import datasets, downloads
from gan_lessons.data.formats import DataUnavailable
from gan_lessons.data.label_budget import few_labels
from gan_lessons.drawing import plots
from gan_lessons.exact import information
from gan_lessons.exact.f_table import f_divergence
from gan_lessons.map import stored_runs
from gan_lessons.map.arena import run_arena
from gan_lessons.map.long_runs import LongRunError
from gan_lessons.map.study import depends, load, study
from gan_lessons.measures import metrics, probes
from gan_lessons.players.penalties import gradient_penalty, slopes
from gan_lessons.players.spectral import operator_norm, unrolled
from gan_lessons.questions import judges
from gan_lessons.training import refusals

KL, P, Q = f_divergence("KL"), gl.Normal(), gl.Normal(1, 1)
PICTURES = torch.full((12, 1, 28, 28), 9, dtype=torch.uint8)


def critic(*end, ins=2, outputs=1):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(ins, outputs), *end)


def players(**others):
    torch.manual_seed(0)
    return dict(f=gl.mlp_critic(2, width=4), g=nn.Linear(3, 2)) | others


class Bodiless(nn.Module):
    """A network whose author has forgotten forward."""
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)


OTHER = gl.mlp_critic(2, width=4)


def played(game=None, steps=2, data=None, checkpoint=None, watch=None, batch=4, **others):
    samples = gl.batches(gl.Ring() if data is None else data, z=gl.Normal(dim=3), batch=batch)
    return gl.train(game or gl.minimax(), players(**others), samples, steps=steps, watch=watch,
                    checkpoint=checkpoint)


def lost(net):
    nn.init.constant_(net.layers[1].weight, torch.nan)
    return net


# -- numbers ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["KL", "reverse KL", "JS", "total variation"])
@pytest.mark.parametrize("how", ["T", "v"])
@pytest.mark.parametrize("made", [lambda x: x * np.nan, lambda x: np.where(x > 1, np.nan, -1.),
                                  gl.on_arrays(lost(gl.mlp_critic(1)))])
def test_a_critic_that_is_nan_has_no_dual(name, how, made):
    with pytest.raises(ValueError, match=f"{how} is nan at x = .* where there is mass"):
        f_divergence(name).dual(P, Q, **{how: made})


def test_what_is_nan_where_nobody_is_changes_no_dual():
    right = KL.dual(P, Q, v=lambda x: 0 * x)
    assert KL.dual(P, Q, v=lambda x: np.where(abs(x) > 60, np.nan, 0.)) == right
    assert np.isnan(KL.dual(P, Q, T=lambda x: x * 0 + np.inf))              # ∞ - ∞, as promised


@pytest.mark.parametrize("act, says", [
    (lambda: KL.dual(P, Q, T=gl.mlp_critic(1)), "on_arrays"),
    (lambda: gl.expectation(P, gl.mlp_critic(1)), "on_arrays"),
    (lambda: KL.phi_prime([.5, -1]), "u = -1"),
    (lambda: gl.log_ratio(P, gl.Normal), "is no law"),
    (lambda: gl.kl(gl.Normal, P), "is no law|need a law"),
    (lambda: gl.wasserstein_1(P, gl.Normal), "distribution function"),
    (lambda: gl.Mixture([gl.Normal]), "is no law"),
    (lambda: information.mutual_information([[.5, -.5], [.5, .5]]), "holds -0.5"),
    (lambda: P.cdf(None), "None"),
    (lambda: gl.earth_mover([1, None], [1., 2.]), "None"),
    (lambda: gl.Ring().sample(3, np.random), "default_rng"),
    (lambda: metrics.kernel_distance(torch.ones(9, 2).double() * 1e200, torch.ones(9, 2)),
     "rescale"),
    (lambda: metrics.features(torch.zeros(3, 1, 28, 28, device="meta")), "on cpu"),
    (lambda: gl.frechet_distance(torch.zeros(9, 2, device="meta"), torch.zeros(9, 2)), "on cpu"),
    (lambda: gl.on_arrays(gl.mlp_critic(1).to("meta")), "on cpu"),
    (lambda: gl.on_arrays(gl.mlp_critic(1))(np.zeros((3, 2))), r"\(3, 2\)"),
    (lambda: operator_norm(nn.Conv2d(1, 1, 3), (2, 8, 8)), r"\(2, 8, 8\)"),
    (lambda: unrolled(nn.Conv2d(1, 1, 5), (1, 3, 3)), r"\(1, 3, 3\)"),
    (lambda: probes.neighbours_agree(torch.ones(20, 2), torch.full((20,), 10 ** 12),
                                     torch.ones(2, 2), torch.tensor([0, 1])), "without gaps"),
    (lambda: few_labels(gl.Images(PICTURES, torch.full((12,), 10 ** 12)), 4), "without gaps"),
])
def test_numbers_that_are_none_are_named(act, says):
    with pytest.raises((ValueError, TypeError), match=says):
        act()


def test_nan_stays_nan():
    assert np.isnan(gl.Uniform(0, 1).score([np.nan, .5])).tolist() == [True, False]
    x, nan = torch.zeros(4, 2), torch.full((4, 2), torch.nan)
    found = slopes(gl.mlp_critic(2), torch.cat([x, nan]))
    assert found.isnan().tolist() == 4 * [False] + 4 * [True]
    assert gradient_penalty(gl.mlp_critic(2), x, nan).isnan()


def test_tables_out_of_float32_are_tables():
    p = torch.randn(1000, generator=torch.Generator().manual_seed(0)).softmax(0)
    exact = information.entropy(p.double() / p.double().sum())
    assert information.entropy(p) == pytest.approx(exact, rel=1e-5)
    with pytest.raises(ValueError, match="not 1.00001"):
        information.entropy([.5, .50001])


# -- slips of a training ---------------------------------------------------------------------------

@pytest.mark.parametrize("act, says", [
    (lambda: played(f=nn.Sequential(nn.LazyLinear(1), nn.Flatten(0))), "nn.Lazy"),
    (lambda: played(f=critic(outputs=2)), "2 numbers for a sample"),
    (lambda: played(gl.wasserstein(), f=critic(nn.Identity(), outputs=2)), "2 numbers"),
    (lambda: played(gl.Game({"f": lambda x: OTHER(x).mean()})), "not from outside"),
    (lambda: played(f=nn.Module()), "no weights|forward"),
    (lambda: played(f=Bodiless()), "a method forward"),
    (lambda: played(g=nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)), batch=1), "batch=64"),
    (lambda: torch.inference_mode()(played)(), "inference_mode"),
    (lambda: played(f=torch.inference_mode()(gl.mlp_critic)(2)), "inference_mode"),
    (lambda: played(f=nn.Sequential(nn.Linear(2, 1, dtype=torch.complex64), nn.Flatten(0))),
     "complex64"),
    (lambda: played(f=nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1, affine=False, device="meta"),
                                    nn.Flatten(0))), "no numbers yet"),
    (lambda: played().samples(4, player="f"), "makes no samples"),
    (lambda: gl.mlp_critic(2, act=nn.ReLU()), "act makes"),
    (lambda: gl.mlp_critic(2, act="relu"), "act makes"),
    (lambda: gl.mlp_generator(2, act=torch.relu), "act makes"),
    (lambda: gl.batches(gl.Ring()).to("gpu"), "take .cpu"),
    (lambda: gl.batches(gl.Ring()).to("meta"), "take .cpu"),
    (lambda: gl.batches(gl.Ring()).draw({"x"}, device="gpu"), "take .cpu"),
    (lambda: plots.show(plots.figure()[0], 5), "sentence"),
    (lambda: plots.sheet(np.full((4, 1, 3, 3), np.nan)), "diverged"),
    (lambda: plots.sheet(torch.arange(36.).reshape(4, 1, 3, 3)), "bytes are uint8"),
    (lambda: judges.check("00 quarter", 1, tolerance="a"), "tolerance"),
    (lambda: judges.check("00 quarter", 1, tolerance=-1), "tolerance"),
    (lambda: judges.agree(abs, abs, tolerance=np.nan), "tolerance"),
])
def test_slips_are_named(act, says):
    with pytest.raises((ValueError, TypeError), match=says):
        act()


OWN = gl.Game({"f": lambda f, g, x, z: (f(g(z)) - f(x)).mean(),
               "g": lambda f, g, z: -f(g(z)).mean()})
INK = gl.Images(torch.arange(784).reshape(1, 1, 28, 28).remainder(256).byte().repeat(9, 1, 1, 1))
DRAWS = dict(f=gl.mlp_critic((1, 28, 28), width=4))


@pytest.mark.parametrize("game, data, nets, says", [
    (gl.minimax(), None, dict(f=critic(nn.Sigmoid(), nn.Flatten(0))), "f ends in a Sigmoid"),
    (gl.wasserstein(), None, dict(f=critic(nn.Flatten(0), nn.Sigmoid())), "f ends in a Sigmoid"),
    (OWN, None, dict(f=critic(nn.Sigmoid(), nn.Flatten(0))), ""),           # may want shares
    (gl.minimax(), None, dict(f=critic(nn.Sigmoid(), nn.Linear(1, 1), nn.Flatten(0))), ""),
    (gl.minimax(), INK, DRAWS | dict(g=nn.Sequential(
        nn.Linear(3, 784), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28)))), "g ends in a Sigmoid"),
    (gl.minimax(), INK, DRAWS | dict(g=gl.mlp_generator(3, (1, 28, 28), width=4)), ""),
    (gl.minimax(), None, dict(g=critic(nn.Sigmoid(), ins=3, outputs=2)), ""),   # points: any scale
])
def test_a_last_sigmoid_is_told_once(capsys, game, data, nets, says):
    refusals._say_once.cache_clear()
    for _ in range(2):
        played(game, 1, data, **nets)
    said = capsys.readouterr().out
    assert said.count("\n") == bool(says) and says in said


def test_samples_out_of_a_graph_are_numbers():
    assert played(data=nn.Linear(3, 2)(torch.ones(9, 3)), steps=3).step == 3


def cut(f, g, x, z):
    return right(f, g, x, z).item()


def backwards(f, g, x, z):
    loss = right(f, g, x, z)
    loss.backward()
    return loss


right = gl.minimax()["f"]


@pytest.mark.parametrize("mine, says", [
    (cut, "no gradient: leave out .item()"), (torch.no_grad()(right), "leave out .item()"),
    (backwards, "calls .backward() itself")])
def test_a_loss_without_gradient_is_told_why(capsys, mine, says):
    judges.agree(mine, right, name="loss")
    assert says in capsys.readouterr().out


# -- checkpoints -----------------------------------------------------------------------------------

def test_of_two_trainings_on_one_path_none_writes_over_the_other(tmp_path, capsys):
    path = tmp_path / "c.pt"

    def another(run):
        if run.step == 2:
            played(gl.wasserstein(), 3, checkpoint=path)
    assert played(steps=4, checkpoint=path, watch=another).step == 4
    assert "belongs to another training" in capsys.readouterr().out
    assert played(gl.wasserstein(), 5, checkpoint=path).step == 5           # whose file it is
    assert played(gl.wasserstein(), 6, checkpoint=path).step == 6


def test_a_file_that_is_damaged_meanwhile_is_written_anew(tmp_path):
    path = tmp_path / "c.pt"
    played(steps=3, checkpoint=path, watch=lambda run: path.write_bytes(b""))
    assert played(steps=3, checkpoint=path).step == 3


@pytest.mark.parametrize("spoil", [
    lambda path: torch.save(nn.Linear(2, 2), path),
    lambda path: path.write_bytes(b"\n" + path.read_bytes())])
def test_nobody_is_advised_to_run_what_a_file_holds(tmp_path, spoil):
    path = tmp_path / "c.pt"
    played(checkpoint=path)
    spoil(path)
    with pytest.raises(RuntimeError, match="(?s)not a readable.*use another file name") as refusal:
        played(checkpoint=path)
    assert "weights" not in str(refusal.value) and "\x1b" not in str(refusal.value)


# -- pictures --------------------------------------------------------------------------------------

def tree(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), "red").save(folder / path)
    return folder


PETS = ["cats/1.png", "dogs/1.png", "dogs/2.png"]


@pytest.mark.parametrize("paths, classes, says", [
    ([f"pets/{path}" for path in PETS], ("cats", "dogs"), "all lies in pets, which is read"),
    ([f"a/b/{path}" for path in PETS], ("cats", "dogs"), "all lies in a/b, which"),
    ([f"pets/{split}/{path}" for path in PETS for split in ("train", "test")], ("cats", "dogs"),
     "all lies in pets"),
    ([f"train/{path}" for path in PETS], ("cats", "dogs"), ""),
    (["cats/1.png", "cats/far/2.png"], ("cats",), "")])
def test_folders_around_the_classes_are_no_class(tmp_path, capsys, paths, classes, says):
    datasets._say_once.cache_clear()
    found = gl.load_images(tree(tmp_path / "d", *paths), size=8)
    said = capsys.readouterr().out
    assert found.classes == classes and says in said and bool(says) == bool(said)


def test_pictures_beside_the_classes_of_the_other_split_are_named(tmp_path):
    tree(tmp_path, "train/1.png", "test/c/1.png")
    with pytest.raises(DataUnavailable, match="1 picture in it .1.png. would have no class"):
        gl.load_images(tmp_path, size=8)


@pytest.mark.parametrize("high", [255, 4095, 65535])
def test_colours_of_16_bits_that_would_be_black_are_refused(tmp_path, high):
    rows = (b"\0" + struct.pack(">HHH", high, high // 2, 0) * 16) * 16
    chunks = (b"IHDR", struct.pack(">IIBBBBB", 16, 16, 16, 2, 0, 0, 0)), (
        b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks))
    if high == 65535:
        assert gl.load_images(tmp_path, size=16).images[0, :, 8, 8].tolist() == [255, 127, 0]
    else:
        with pytest.raises(DataUnavailable, match="nearly black"):
            gl.load_images(tmp_path, size=16)


@pytest.mark.parametrize("labels, classes", [([0, 2], ("a", "b")), ([1, 2], ("a", "b"))])
def test_labels_without_a_name_are_refused(labels, classes):
    with pytest.raises(ValueError, match="label 2 has no name among the 2 classes"):
        gl.Images(PICTURES[:2], labels, classes)
    assert gl.Images(PICTURES[:2], labels).labels.tolist() == labels


@pytest.fixture
def official(tmp_path, monkeypatch):
    """A folder for official sets, and a function that puts the files of a test split there."""
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path))
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "none"))
    datasets._say_once.cache_clear()
    images = struct.pack(">IIII", 2051, 2, 28, 28) + bytes(2 * 784)
    labels = struct.pack(">II", 2049, 2) + bytes([3, 4])

    def put(folder="mnist/{}", images=images, labels=labels):
        for name, content in zip(datasets.IDX["test"], (images, labels)):
            path = tmp_path / folder.format(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return put


def test_a_file_that_is_none_is_not_called_loaded_and_has_a_remedy(official, capsys):
    official(images=b"<html>404</html>")
    with pytest.raises(DataUnavailable, match="mnist, test: .*Delete the file and fetch it again"):
        gl.load_images("mnist", "test")
    assert capsys.readouterr().out == ""


def test_files_in_folders_of_their_names_are_found(official):
    official("mnist/{0}/{0}")
    assert gl.load_images("mnist", "test").labels.tolist() == [3, 4]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_a_place_that_may_not_be_entered_is_not_called_missing(tmp_path, monkeypatch):
    def closed(self, **_):
        raise PermissionError(13, "Permission denied")
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path))
    monkeypatch.setattr(datasets.Path, "stat", closed)
    with pytest.raises(DataUnavailable, match="cannot be looked into .Permission denied"):
        gl.load_images(str(tmp_path / "d"))
    with pytest.raises(ValueError, match="GAN_LESSONS_DATA .* cannot be looked into"):
        gl.load_images("mnist")


@pytest.mark.parametrize("word, forbids", [("0", False), ("false", False), (" No ", False),
                                           ("", False), ("1", True), ("yes", True)])
def test_offline_is_read_as_it_is_meant(tmp_path, monkeypatch, word, forbids):
    monkeypatch.setenv("GAN_LESSONS_OFFLINE", word)
    with pytest.raises(DataUnavailable) as refusal:
        downloads.fetch("x", "md5:0", [], tmp_path)
    assert ("GAN_LESSONS_OFFLINE" in str(refusal.value)) == forbids


# -- studies and stored runs -----------------------------------------------------------------------

def double(a):
    return {"score": 2 * a}


def wordy(a):
    return {"score": a * "x"}


def studied(path, run=double, a=(1, 2), **how):
    return study(run, dict(a=list(a)), path, processes=1, watch=False, **how)


def test_a_table_whose_journal_is_gone_is_not_written_over(tmp_path):
    path = tmp_path / "s.csv"
    studied(path)
    (tmp_path / "s.csv.runs").unlink()
    before = path.read_bytes()
    with pytest.raises(ValueError, match="s.csv.runs, by which a study goes on, is not beside it"):
        studied(path, a=[3])
    assert path.read_bytes() == before
    assert len(studied(path, a=[3], fresh=True)) == 1


def test_long_words_are_read_again(tmp_path):
    studied(tmp_path / "s.csv", wordy, a=[200_000])
    assert len(load(tmp_path / "s.csv")[0]["score"]) == 200_000


@pytest.mark.parametrize("content, says", [
    (b"", "is empty"), (bytes(40), "zeros in place of letters"), (b"a,b\n1,\0\n", "zeros"),
    (b'a,b\n1,"2\n3,4\n', "run the study again"), (b"<html>\n404\n", "a page of the web"),
    (b",a\n0,1\n", "a column has no name"), ("a,b\n".encode("utf-16"), "in UTF-8")])
def test_tables_that_are_none_are_refused_with_a_remedy(tmp_path, content, says):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(ValueError, match=says):
        load(tmp_path / "t.csv")


def test_a_folder_and_a_table_that_is_not_there_have_a_remedy(tmp_path):
    for path, kind in ((tmp_path, IsADirectoryError), (tmp_path / "no.csv", FileNotFoundError)):
        with pytest.raises(kind, match="give the path of the table that a study wrote"):
            load(path)


@pytest.mark.parametrize("act, says", [
    (lambda path: study(depends(lambda a: a)(double), dict(a=[1]), path, watch=False),
     "a dictionary of what a"),
    (lambda path: run_arena("toys", path, only="noise", seeds=[0], keep=3), "keep = 3: a folder"),
    (lambda path: run_arena("toys", path, only="noise", epochs=3), "run_arena has no epochs"),
])
def test_what_a_study_is_told_is_named(tmp_path, act, says):
    with pytest.raises(TypeError, match=says):
        act(tmp_path / "s.csv")


@pytest.mark.parametrize("name", ["", " "])
def test_a_setting_has_a_name(tmp_path, name):
    with pytest.raises(ValueError, match="no name for a setting"):
        study(lambda **one: {"score": 1}, {name: [1]}, tmp_path / "s.csv", processes=1)


@pytest.mark.parametrize("row, says", [("[]", "everything"), ('{"steps": 3}', "curve"),
                                       ("<<<<<<<", "not stored here")])
def test_a_stored_run_that_is_not_whole_is_named(tmp_path, monkeypatch, row, says):
    place = tmp_path / stored_runs.slug("07 WGAN-GP")
    place.mkdir(parents=True)
    for name in ("weights.safetensors", "sheet.png", "strip.png"):
        (place / name).write_bytes(b"")
    (place / "row.json").write_text(row)
    with pytest.raises(LongRunError, match=says):
        stored_runs.long_run("07 WGAN-GP", tmp_path)
    with pytest.raises(LongRunError, match="no picture that can be read"):
        stored_runs.LongRun("07 WGAN-GP", place, {}).sheet()


def test_runs_that_are_stored_are_whole():
    for name in stored_runs.LONG:
        if (stored_runs.RESULTS / stored_runs.slug(name) / "row.json").exists():
            assert stored_runs.long_run(name).name == name
