"""Facts about the scores: closed forms, hand-made sets, and what the shipped classifier can do."""

from functools import partial

import numpy as np
import pytest
import torch

from gan_lessons import DataUnavailable, Grid, Images, Ring, load_images
from gan_lessons.measures import classifier, metrics
from gan_lessons.measures.frechet import features_of, frechet, moments
from gan_lessons.pixels import scaled


@pytest.fixture(scope="module")
def mnist():
    try:
        return load_images("mnist", "test")
    except DataUnavailable as error:
        pytest.skip(f"needs MNIST: {error}")


@pytest.fixture(scope="module")
def glyphs():
    return load_images("glyphs", "test")


def test_frechet_of_commuting_normals_is_the_closed_form():
    # |m - m'|² + Σ (s_i - s'_i)² with standard deviations s
    a, b = np.array([1.0, 4.0, 0.25]), np.array([9.0, 0.49, 0.0])
    mean, mean2 = np.array([0.5, -2.0, 3.0]), np.array([1.5, 0.0, 3.5])
    expected = np.square(mean - mean2).sum() + np.square(np.sqrt(a) - np.sqrt(b)).sum()
    found = frechet(mean, np.diag(a), mean2, np.diag(b))
    assert found == pytest.approx(expected, rel=1e-12)


def test_frechet_agrees_with_the_matrix_square_root():
    from scipy.linalg import sqrtm
    rng = np.random.default_rng(3)
    a, b = (m @ m.T for m in rng.normal(size=(2, 7, 7)))
    mean, mean2 = rng.normal(size=(2, 7))
    expected = np.square(mean - mean2).sum() + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert frechet(mean, a, mean2, b) == pytest.approx(expected, rel=1e-9)
    assert frechet(mean2, b, mean, a) == pytest.approx(expected, rel=1e-9)
    assert frechet(mean, a, mean, a) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("n", [50, 311])
def test_distance_of_points_that_are_moved_is_the_square_of_the_move(n):
    x = torch.randn(n, 3, generator=torch.Generator().manual_seed(n))
    moved = x + torch.tensor([3.0, 0, -4])
    assert metrics.frechet_distance(moved, x) == pytest.approx(25, rel=1e-5)
    # scaling by 3 moves the standard deviations by twice themselves
    centred = x - x.mean(0)
    expected = 4 * centred.double().var(0).sum().item()
    assert metrics.frechet_distance(3 * centred, centred) == pytest.approx(expected, rel=1e-5)


def test_precision_and_recall_of_sets_made_by_hand():
    real = torch.tensor([[0.0], [1], [2], [10], [11], [12]])
    low = torch.tensor([[0.5], [1.0], [1.5], [0.2]])  # one of the two groups only
    assert metrics.precision_recall(low, real, k=1) == (1.0, 0.5)
    mixed = torch.tensor([[0.0], [1.0], [50.0], [51.0], [100.0]])  # two real, three astray
    found = metrics.precision_recall(mixed, real, k=1)
    assert found.precision == pytest.approx(2 / 5)
    # balls of the fakes: [-1, 1], [0, 2], [49, 51], [50, 52], [51, 149] hold 0, 1, 2
    assert found.recall == pytest.approx(3 / 6)
    assert metrics.precision_recall(real, real, k=2) == (1.0, 1.0)


def test_precision_and_recall_by_brute_force():
    rng = np.random.default_rng(0)
    fake, real = rng.normal(0.5, 1, (57, 4)), rng.normal(0, 1.2, (83, 4))

    def inside(points, balls, k):
        own = np.linalg.norm(balls[:, None] - balls, axis=2)
        radius = np.sort(own, 1)[:, k]
        return (np.linalg.norm(points[:, None] - balls, axis=2) <= radius).any(1).mean()

    found = metrics.precision_recall(torch.tensor(fake), torch.tensor(real), k=3)
    assert found.precision == pytest.approx(inside(fake, real, 3))
    assert found.recall == pytest.approx(inside(real, fake, 3))


def test_modes_of_a_ring():
    ring = Ring(modes=8, radius=2.0, sd=0.05)
    points = np.concatenate([np.repeat(ring.centres[:3], [600, 391, 5], axis=0), [[0.0, 0]] * 4])
    found = metrics.modes_covered(points, ring)
    assert (found.hit, found.covered, found.modes) == (3, 2, 8)
    assert found.quality == pytest.approx(996 / 1000)
    assert str(found) == "2 of 8 modes covered (3 hit), 99.6% of the points near a mode"


@pytest.mark.parametrize("law, seed", [(Ring(8), 0), (Grid(5), 1)])
def test_samples_of_the_law_itself_cover_every_mode(law, seed):
    points = law.sample(5000, np.random.default_rng(seed))
    found = metrics.modes_covered(torch.from_numpy(points), law, sds=3)
    assert found.hit == found.covered == found.modes == len(law.centres)
    # within 3 deviations of a centre in the plane: 1 - exp(-9/2)
    assert found.quality == pytest.approx(1 - np.exp(-4.5), abs=0.006)


def test_a_diverged_toy_covers_nothing():
    assert metrics.modes_covered(np.full((10, 2), np.nan), Ring(8))[:2] == (0, 0)


def test_the_shipped_classifier_is_small_and_right_on_mnist(mnist):
    assert classifier.SHIPPED.stat().st_size <= 300_000
    made = classifier.judge("mnist")
    found = metrics.features(mnist)
    assert found.shape == (10_000, 64)
    accuracy = (made.net.head(found).argmax(1) == mnist.labels).double().mean().item()
    assert accuracy >= 0.992 and accuracy == pytest.approx(made.accuracy["mnist"], abs=3e-4)
    for mine, kept in zip(moments(found), made.moments["mnist"]):
        np.testing.assert_allclose(mine, kept, rtol=1e-3, atol=1e-2)


def test_the_unit_is_such_that_five_classes_lie_at_199(mnist):
    train = load_images("mnist")
    five = metrics.frechet_distance(train.images[train.labels < 5][:10_000])
    assert five == pytest.approx(199, rel=1e-3)
    assert metrics.anchors("mnist")["five classes"] == pytest.approx(five, rel=1e-3)
    scale = metrics.anchors("mnist")
    assert scale["real"] < 5 < 50 < scale["blurred"] < 199 < 600 < scale["noise"] < 1500


def test_the_shipped_classifier_reads_the_drawn_digits(glyphs):
    some = Images(glyphs.images[:2000], glyphs.labels[:2000])
    assert classifier.accuracy_of(classifier.judge("glyphs").net, some) >= 0.99


def test_report_puts_the_score_between_its_anchors(glyphs):
    fakes = scaled(load_images("glyphs").images[:5000])
    real = Images(glyphs.images[:3000], glyphs.labels[:3000], glyphs.classes, "glyphs")
    line = metrics.report(fakes, real)
    assert line.startswith("Fréchet distance ") and "five classes" in line and "noise" in line
    assert metrics.frechet_distance(fakes[:700], real) < 20
    assert "only 700 samples" in metrics.report(fakes[:700], real)


def test_uint8_and_float_images_score_the_same(glyphs):
    x = glyphs.images[:300]
    torch.testing.assert_close(metrics.features(x), metrics.features(scaled(x)))


@pytest.mark.parametrize("n", [300, 999, 1000])
def test_pictures_that_come_again_are_read_once_and_score_the_same(glyphs, monkeypatch, n):
    pictures, read = glyphs.images[:300][torch.arange(n) % 300], []
    net = classifier.judge("mnist").net
    each = features_of(net, "features", pictures)

    def counted(net, method, images):
        read.append(len(images))
        return features_of(net, method, images)

    monkeypatch.setattr(metrics, "features_of", counted)
    torch.testing.assert_close(metrics.features(pictures), each, rtol=0, atol=0)
    pictures = pictures.clone()
    pictures[-1] = 255 - pictures[-1]                       # one other: none is left out
    metrics.features(pictures)
    assert read == [300, n]


@pytest.mark.parametrize("digit, n", [(3, 40), (8, 25)])
def test_class_histogram_of_one_digit(glyphs, digit, n):
    counts = metrics.class_histogram(glyphs.images[glyphs.labels == digit][:n])
    assert counts.sum() == n and counts.argmax() == digit and counts[digit] >= n - 1


@pytest.mark.parametrize("scale", [0.3, 7.0])
def test_the_unit_of_the_features_is_free(glyphs, scale):
    torch.manual_seed(1)
    net = classifier.Classifier().eval().requires_grad_(False)
    x = scaled(glyphs.images[:200])
    logits, found = net(x), net.features(x)
    classifier.rescale(net, scale)
    torch.testing.assert_close(net(x), logits, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(net.features(x), scale * found, rtol=1e-4, atol=1e-5)


def test_a_classifier_for_another_set_is_trained_once_and_kept(tmp_path, monkeypatch, capsys):
    def tiny(name, split="train", size=None):
        rng = np.random.default_rng(len(split))
        labels = torch.from_numpy(rng.integers(0, 10, 150))
        images = torch.from_numpy(rng.integers(0, 25, (150, 3, 32, 32)).astype(np.uint8))
        return Images(images + 22 * labels[:, None, None, None].to(torch.uint8), labels,
                      tuple("abcdefghij"), name)

    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path))
    monkeypatch.setattr(classifier, "load_images", tiny)
    classifier.judge.cache_clear()
    try:
        made = classifier.judge("svhn")
        assert "of the test images named right" in capsys.readouterr().out
        classifier.judge.cache_clear()
        again = classifier.judge("svhn")
        assert capsys.readouterr().out == "" and again.anchors == made.anchors
        x = scaled(tiny("svhn").images[:9])
        torch.testing.assert_close(again.net(x), made.net(x))
        assert [p.suffix for p in tmp_path.rglob("*.*")] == [".safetensors"]
    finally:
        classifier.judge.cache_clear()


def test_training_repeats_and_leaves_the_random_state_alone(glyphs, monkeypatch):
    few = Images(glyphs.images[:300], glyphs.labels[:300], glyphs.classes, "few")
    monkeypatch.setattr(classifier, "load_images", lambda *_: few)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second, other = (classifier.fit(["few"], 1, seed) for seed in (2, 2, 3))
    assert torch.equal(before, torch.get_rng_state())
    weights = [made.net.head.weight for made in (first, second, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("ask, says", [
    (lambda x: metrics.features(x.flatten(1)), "reshape"),
    (lambda x: metrics.features(x.expand(-1, 3, 28, 28)), "channel"),
    (lambda x: metrics.features(x + 1.5), "tanh"),
    (lambda x: metrics.features(x[:0]), "n ≥ 1"),
    (lambda x: metrics.frechet_distance(x[:30], x), "at least 65"),
    (lambda x: metrics.frechet_distance(x, torch.zeros(100, 1, 32, 32)), "not alike"),
    (lambda x: metrics.precision_recall(x[:3], x, k=3), "more than 3"),
    (lambda x: metrics.frechet_distance(x[:, 0, :2, 0] * torch.nan, x[:, 0, :2, 0]), "nan"),
    (lambda x: metrics.modes_covered(x.flatten(1), Ring(8)), r"\(n, 2\)"),
])
def test_what_cannot_be_scored_says_what_to_do(ask, says):
    with pytest.raises(ValueError, match=says):
        ask(torch.zeros(100, 1, 28, 28))


def test_sets_without_a_classifier_are_named():
    faces = Images(torch.zeros(70, 3, 32, 32, dtype=torch.uint8), name="faces")
    with pytest.raises(ValueError, match="'faces'.*cifar10"):
        metrics.report(faces.images, faces)


def test_modes_need_a_law_with_centres():
    from gan_lessons import Normal
    with pytest.raises(TypeError, match="Ring or a Grid"):
        metrics.modes_covered(np.zeros((3, 2)), Normal(dim=2))


@pytest.mark.parametrize("digit, n", [(3, 40), (8, 25)])
def test_class_probabilities_are_certain_of_clear_digits(glyphs, digit, n):
    pictures = glyphs.images[glyphs.labels == digit][:n]
    said = metrics.class_probabilities(pictures)
    assert said.shape == (n, 10)
    assert torch.allclose(said.sum(1), torch.ones(n))
    assert (said >= 0).all()
    assert said[:, digit].mean() > .9
    counts = np.bincount(said.argmax(1), minlength=10)
    assert counts.tolist() == metrics.class_histogram(pictures).tolist()
    grey = metrics.class_probabilities(torch.zeros(1, 1, 28, 28))
    assert torch.special.entr(grey).sum() > torch.special.entr(said).sum(1).mean()


@pytest.mark.parametrize("channels", [1, 3])
def test_colour_features_are_mean_colour_features(channels):
    flat = torch.zeros(2, channels, 32, 32)
    flat[1, 0, :8, 8:16] = .5  # one field of sixteen, in the first channel
    found = metrics.colour_features(flat)
    assert found.shape == (2, 16 * (channels + 1)) and (found[0] == 0).all()
    assert found[1, 1] == .5 and found[1, :16 * channels].sum() == .5
    assert found[1, 16 * channels:].sum() > 0                    # its border is rough
    rough = metrics.colour_features(2 * torch.rand(50, channels, 32, 32,
                                                  generator=torch.Generator().manual_seed(0)) - 1)
    steps = {1: 4 / 3, 3: None}[channels]  # two mean differences of uniform numbers, 2/3 each
    assert steps is None or rough[:, 16:].mean().item() == pytest.approx(steps, abs=.01)
    bytes_ = (255 * torch.rand(3, channels, 32, 32)).to(torch.uint8)
    torch.testing.assert_close(
        metrics.colour_features(bytes_),
        metrics.colour_features(bytes_ / 127.5 - 1), rtol=1e-5, atol=1e-5)


def by_sklearn(x, y):
    """The unbiased estimator by scikit-learn's kernel, sample by sample."""
    from sklearn.metrics.pairwise import polynomial_kernel
    kernel = partial(polynomial_kernel, degree=3, coef0=1)                    # gamma is 1/d
    off = lambda k: (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))
    return off(kernel(x, x)) + off(kernel(y, y)) - 2 * kernel(x, y).mean()


@pytest.mark.parametrize("n, m, d", [(30, 40, 5), (2, 9, 64)])
def test_the_kernel_distance_is_the_unbiased_mean_over_pairs(n, m, d):
    x, y = (torch.randn(k, d, generator=torch.Generator().manual_seed(k)) for k in (n, m))
    found = metrics.kernel_distance(x + .3, y)
    assert found == pytest.approx(by_sklearn((x + .3).double().numpy(), y.double().numpy()))


def test_the_kernel_distance_is_a_mean_over_blocks_and_near_0_for_one_law():
    x, y = (torch.randn(400, 4, generator=torch.Generator().manual_seed(k)) for k in (1, 2))
    parts = [by_sklearn(a.numpy(), b.numpy())
             for a, b in zip(x.double().split(100), y.double().split(100))]
    assert metrics.kernel_distance(x, y, block=100) == pytest.approx(np.mean(parts))
    assert abs(metrics.kernel_distance(x, y)) < .1 < metrics.kernel_distance(x + 1, y)
