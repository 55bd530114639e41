"""What a batch holds, where its randomness comes from, and how it continues after a stop."""

import json

import numpy as np
import pytest
import torch

from gan_lessons import Images, Normal, Ring, batches


def coded(n, side=4, channels=1):
    """Images whose pixels all equal their number, labelled by that number modulo 7."""
    numbers = torch.arange(n)
    images = numbers.to(torch.uint8)[:, None, None, None].expand(n, channels, side, side)
    return Images(images.contiguous(), numbers % 7, tuple("abcdefg"), "coded")


@pytest.mark.parametrize("batch, side", [(1, 4), (33, 6)])
def test_shapes_and_range(batch, side):
    images = coded(256, side)
    b = batches(images, z=Normal(dim=5), batch=batch, seed=3)
    drawn = b.draw(["x", "y", "z"])
    assert drawn["x"].shape == (batch, 1, side, side) and drawn["x"].dtype == torch.float32
    assert drawn["y"].shape == (batch,) and drawn["y"].dtype == torch.int64
    assert drawn["z"].shape == (batch, 5) and drawn["z"].dtype == torch.float32


def test_black_is_exactly_minus_one_and_white_exactly_one():
    x = batches(coded(256), z=Normal(dim=2), batch=5000).draw(["x"])["x"]
    assert x.min() == -1 and x.max() == 1
    torch.testing.assert_close(sorted(set(x.flatten().tolist())),
                               [i / 127.5 - 1 for i in range(256)])


def test_labels_belong_to_their_images():
    drawn = batches(coded(200), z=Normal(dim=2), batch=500, seed=1).draw({"y", "x"})
    numbers = (drawn["x"][:, 0, 0, 0] * 127.5 + 127.5).round().long()
    assert torch.equal(numbers % 7, drawn["y"])
    assert len(set(numbers.tolist())) > 150 and numbers.max() == 199


def test_images_are_drawn_with_replacement_and_uniformly():
    x = batches(coded(10), z=Normal(dim=2), batch=20_000, seed=2).draw(["x"])["x"]
    counts = torch.bincount((x[:, 0, 0, 0] * 127.5 + 127.5).round().long(), minlength=10)
    assert len(counts) == 10 and ((counts - 2000).abs() < 5 * (20_000 * 0.09) ** 0.5).all()


def test_only_what_is_asked_for_is_given():
    b = batches(coded(9), z=Normal(dim=2))
    for names in (["z"], ["x"], ["y", "z"], []):
        assert set(b.draw(names)) == set(names)


def test_unlabelled_images_are_a_pool_of_their_own():
    b = batches(coded(3), z=Normal(dim=2), batch=50, unlabelled=coded(90).images[60:])
    assert b.names == ("x", "y", "u", "z")
    u = (b.draw(["u"])["u"][:, 0, 0, 0] * 127.5 + 127.5).round()
    assert u.min() >= 60 and u.shape == (50,)


@pytest.mark.parametrize("seed", [0, 11])
def test_the_seed_decides(seed):
    draw = [batches(coded(99), Normal(dim=3), seed=s).draw(["x", "z"])
            for s in (seed, seed, seed + 1)]
    assert torch.equal(draw[0]["x"], draw[1]["x"]) and torch.equal(draw[0]["z"], draw[1]["z"])
    assert not torch.equal(draw[0]["x"], draw[2]["x"])


def test_looking_at_samples_does_not_disturb_training():
    calm, looked = (batches(coded(99), Normal(dim=3), seed=4) for _ in range(2))
    calm.draw(["x", "z"]), looked.draw(["x", "z"])
    assert looked.noise(17).shape == (17, 3)
    assert not torch.equal(looked.noise(17), looked.noise(17))
    looked.probe(["x", "y", "z"])
    assert torch.equal(looked.noise(5, seed=8), looked.noise(5, seed=8))
    a, b = calm.draw(["x", "z"]), looked.draw(["x", "z"])
    assert torch.equal(a["x"], b["x"]) and torch.equal(a["z"], b["z"])


def test_a_state_continues_exactly():
    b = batches(coded(99), Normal(dim=3), seed=5)
    b.draw(["x", "z"]), b.noise(3)
    state = b.state()
    json.loads(state)
    expected, noise = b.draw(["x", "y", "z"]), b.noise(4)
    again = batches(coded(99), Normal(dim=3), seed=99)
    again.load_state(state)
    drawn = again.draw(["x", "y", "z"])
    assert all(torch.equal(drawn[k], expected[k]) for k in "xyz")
    assert torch.equal(again.noise(4), noise)
    for broken in ("no", "[1, 2]", "{}", "[" * 100_000, None, 3, "[{}, {}]"):
        with pytest.raises(ValueError, match="state"):
            again.load_state(broken)


def test_points_of_a_law_and_the_mode_they_came_from():
    ring = Ring(modes=8, radius=2.0, sd=0.05)
    drawn = batches(ring, z=Normal(dim=2), batch=400).draw(["x", "y"])
    assert drawn["x"].shape == (400, 2) and drawn["x"].dtype == torch.float32
    centres = torch.from_numpy(ring.centres)[drawn["y"]]
    assert (drawn["x"] - centres).norm(dim=1).max() < 0.05 * 6
    line = batches(Normal(3.0, 0.5), z=Normal(), batch=2000)
    assert line.names == ("x", "z") and line.draw(["x"])["x"].shape == (2000, 1)
    assert line.draw(["x"])["x"].mean().item() == pytest.approx(3, abs=0.06)


def test_noise_is_a_hundred_normals_unless_told_otherwise():
    z = batches(coded(5), batch=300).draw(["z"])["z"]
    assert z.shape == (300, 100) and z.std().item() == pytest.approx(1, abs=0.02)


def test_a_tensor_is_a_pool_too():
    x = batches(np.array([[1.5, -2.0]]), Normal(dim=2), batch=3).draw(["x"])["x"]
    assert x.tolist() == [[1.5, -2.0]] * 3


@pytest.mark.parametrize("make, error, says", [
    (lambda: batches(coded(5), batch=0), ValueError, "batch=0"),
    (lambda: batches(coded(5), batch=2.5), ValueError, "whole number"),
    (lambda: batches(coded(0)), ValueError, "no samples"),
    (lambda: batches("mnist"), TypeError, "load_images"),
    (lambda: batches(coded(5), z=100), TypeError, "Normal"),
    (lambda: batches(coded(5)).draw(["x", "w"]), ValueError, "no 'w'. It can give x, y, z"),
    (lambda: batches(coded(5)).draw(["u"]), ValueError, "unlabelled="),
    (lambda: batches(coded(5).images).draw(["y"]), ValueError, "no labels"),
    (lambda: Images(torch.zeros(2, 1, 4, 4)), ValueError, "uint8"),
    (lambda: Images(coded(3).images, torch.zeros(4)), ValueError, "labels"),
])
def test_mistakes_are_named(make, error, says):
    with pytest.raises(error, match=says):
        make()


@pytest.mark.parametrize("source, classes", [
    (Images(torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.tensor([0, 2, 2, 1])), 3),
    (Images(torch.zeros(2, 1, 8, 8, dtype=torch.uint8), torch.tensor([0, 1]), tuple("abcde")), 5),
    (Images(torch.zeros(4, 1, 8, 8, dtype=torch.uint8)), None),
    (Ring(7), 7),
    (Normal(), None),
    (torch.zeros(4, 2), None),
])
def test_how_many_classes_there_are(source, classes):
    assert batches(source).classes == classes
