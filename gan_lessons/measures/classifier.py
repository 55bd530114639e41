"""The small classifiers on whose last hidden layer fakes are compared with real images.

Scores mean nothing outside their classifier, so two are fixed, made by `tools/train_classifier.py`:
`mnist_features.safetensors` knows MNIST and the drawn digits, `cifar10_features.safetensors` the
photographs. For other image sets one is trained when it is first asked for, and kept in the cache.
Used from notebooks/01_minimax.ipynb on, through `metrics`.
"""
from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, autocast, nn
from torch.nn.functional import affine_grid, cross_entropy, dropout, grid_sample

from ..data.datasets import SOURCES, Images, load_images
from ..data.downloads import cache
from ..data.files import atomic_write, usable
from ..exact.checks import MANY, check_count, fits, told
from ..game import check_tensors
from ..pixels import scaled
from .frechet import anchors_of

FEATURES = 64
FIVE_CLASSES = 199.0                     # the distance that fixes the unit, see `rescale`
SHIPPED = Path(__file__).with_name("mnist_features.safetensors")
SHIPPED_PHOTOGRAPHS = Path(__file__).with_name("cifar10_features.safetensors")


class Classifier(nn.Module):
    """(n, c, h, w) in [-1, 1] -> logits (n, classes); `features` are the 64 before them.

    Digits, in grey, need three blocks; pictures in colour get a fourth one, wider ones, and batch
    norm, which stands still once the classifier is trained. ValueError for no channel or fewer than
    two classes.
    """

    def __init__(self, channels: int = 1, classes: int = 10):
        super().__init__()
        check_count("channels", channels, most=1000)
        check_count("classes", classes, least=2, most=MANY)

        def block(ins, outs, side, *end):
            norm = [nn.BatchNorm2d(outs)] if channels > 1 else []
            return [nn.Conv2d(ins, outs, side, padding=side // 2), *norm, nn.ReLU(), *end]

        if channels == 1:
            blocks = [*block(1, 16, 5, nn.MaxPool2d(2)), *block(16, 32, 3, nn.MaxPool2d(2)),
                      *block(32, 48, 3, nn.MaxPool2d(2))]
            pooled, wide = 3, 48
        else:
            blocks = [*block(channels, 32, 3, nn.MaxPool2d(2)), *block(32, 64, 3, nn.MaxPool2d(2)),
                      *block(64, 112, 3, nn.MaxPool2d(2)), *block(112, 112, 3)]
            pooled, wide = 1, 112
        self.body = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(pooled), nn.Flatten(),
                                  nn.Linear(pooled ** 2 * wide, FEATURES), nn.ReLU())
        self.head = nn.Linear(FEATURES, classes)
        self.channels = channels
        self.to(memory_format=torch.channels_last)                   # twice as fast on a CPU

    def features(self, x: Tensor) -> Tensor:
        """(n, c, h, w) in [-1, 1] -> (n, 64), none below 0."""
        return self.body(self._checked(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(dropout(self.body(self._checked(x)), 0.3, self.training))

    def _checked(self, x: Tensor) -> Tensor:
        check_tensors(x=x)
        if x.dim() != 4 or x.shape[1] != self.channels or not x.is_floating_point():
            raise ValueError(f"this classifier reads numbers (n, {self.channels}, h, w) in [-1, 1],"
                             f" not {x.dtype} {tuple(x.shape)}")
        return x


@dataclass(eq=False)
class Judge:
    """A trained classifier with what it says of the real images it belongs to."""

    net: Classifier
    accuracy: dict[str, float]               # set -> share of its test images named right
    anchors: dict[str, dict[str, float]]     # set -> what distances to its test images mean
    moments: dict[str, tuple[np.ndarray, np.ndarray]]    # set -> mean, covariance of features


@lru_cache
def judge(name: str) -> Judge:
    """The classifier for an image set: the shipped one for mnist and glyphs, else from the cache.

    Trained now if it is not there yet (minutes; prints its accuracy). ValueError for a set that is
    none of the known ones, DataUnavailable where it cannot be had.
    """
    if name in ("mnist", "glyphs"):
        return load(SHIPPED)
    if name == "cifar10" and SHIPPED_PHOTOGRAPHS.exists():
        return load(SHIPPED_PHOTOGRAPHS)
    if name not in SOURCES:
        raise ValueError(f"there is no classifier to score {name!r} with; there is one for "
                         f"{', '.join(SOURCES)} and glyphs")
    path = cache() / "classifiers" / f"{name}-v1.safetensors"
    if path.exists():
        try:
            return load(path)
        except ValueError as error:
            print(f"{error}; it is made anew.")
    print(f"Training the classifier that scores {name}, once: it takes a few minutes.")
    made = fit([name])
    print(f"{name}: {made.accuracy[name]:.2%} of the test images named right")
    try:
        save(made, usable(path))
    except OSError as error:
        print(f"The classifier cannot be kept for the next time ({error}). Free some disk space, "
              "or set GAN_LESSONS_CACHE to a folder of yours.")
    return made


def fit(names, epochs: int = 8, seed: int = 0, batch: int = 128, lr: float = 2e-3) -> Judge:
    """A classifier for the training images of the sets `names` together, with all that it says.

    Adam on the cross-entropy of mildly warped images, one-cycle learning rate up to `lr`; then
    measured on the test images, and its features rescaled. ValueError for no set, and numbers that
    train nothing.
    """
    names = list(names)
    if not names or not fits(lr, above=0):
        raise ValueError(f"names = {names}, lr = {lr}: one image set or more, and a learning rate "
                         "above 0")
    check_count("epochs", epochs)
    check_count("batch", batch)
    sets = [load_images(name) for name in names]
    images, labels = torch.cat([s.images for s in sets]), torch.cat([s.labels for s in sets])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Classifier(images.shape[1], len(sets[0].classes))
        rounds = len(images) // batch
        optimizer = torch.optim.Adam(net.parameters(), lr, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, epochs * rounds)
        for _ in range(epochs):
            for rows in torch.randperm(len(images))[:rounds * batch].split(batch):
                x = warped(scaled(images[rows]))
                if net.channels > 1:                         # photographs, unlike digits, have
                    x = torch.where(torch.rand(len(x), 1, 1, 1) < .5, x, x.flip(3))  # no left side
                with autocast("cpu", torch.bfloat16, enabled=net.channels > 1):
                    loss = cross_entropy(net(x).float(), labels[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
    net.eval().requires_grad_(False)
    tests = [load_images(name, "test") for name in names]
    accuracy = {name: accuracy_of(net, test) for name, test in zip(names, tests)}
    measured = [anchors_of(net, train, test) for train, test in zip(sets, tests)]
    # What was measured is rescaled with the features, s for lengths and s² for squares of them;
    # to measure again would take minutes.
    first, _ = measured[0]
    s = rescale(net, (FIVE_CLASSES / first["five classes"]) ** 0.5)
    anchors = {name: {what: round(s * s * d, 2) for what, d in distances.items()}
               for name, (distances, _) in zip(names, measured)}
    moments = {name: (s * mean, s * s * covariance)
               for name, (_, (mean, covariance)) in zip(names, measured)}
    return Judge(net, accuracy, anchors, moments)


def rescale(net: Classifier, s: float) -> float:
    """Multiply the features by s > 0 and leave the logits as they are; returns s. ValueError else.

    features = relu(W h + b), and s · relu(a) = relu(s · a): so W and b are multiplied by s, and the
    weights of the layer after the features divided by it. Every Fréchet distance is multiplied by
    s²: its unit is free, and `fit` sets it so that real images of only five classes lie at
    `FIVE_CLASSES`.
    """
    if not isinstance(net, Classifier):
        raise TypeError(f"net is a Classifier, not {type(net).__name__}")
    if not fits(s, above=0):
        raise ValueError(f"s = {s}: features are multiplied by a finite number above 0")
    last = next(m for m in reversed(net.body) if isinstance(m, nn.Linear))
    last.weight.mul_(s)
    last.bias.mul_(s)
    net.head.weight.div_(s)
    return s


def warped(x: Tensor) -> Tensor:
    """Each image turned by up to 0.15, stretched by up to 10 %, moved by up to 7 % of a side.

    (n, c, h, w) -> the same; the turn is in radians. ValueError for other shapes.
    """
    check_tensors(x=x)
    if x.dim() != 4 or not x.is_floating_point():
        raise ValueError(f"images (n, c, h, w) of numbers are warped, not {x.dtype} "
                         f"{tuple(x.shape)}")
    n = len(x)
    turn = 0.3 * torch.rand(n) - 0.15
    stretch = 0.9 + 0.2 * torch.rand(2, n)
    shift = 0.28 * torch.rand(2, n) - 0.14               # a side is 2 long on grid_sample's scale
    cos, sin = turn.cos(), turn.sin()
    maps = torch.stack([cos * stretch[0], -sin, shift[0],
                        sin, cos * stretch[1], shift[1]], 1).reshape(n, 2, 3)  # (n, 6) -> (n, 2, 3)
    grid = affine_grid(maps, list(x.shape), align_corners=False)
    return grid_sample(x, grid, padding_mode="border", align_corners=False)


def accuracy_of(net: Classifier, test: Images) -> float:
    """Share of the images whose label has the largest logit. ValueError for none, or no labels."""
    if not isinstance(test, Images):
        raise TypeError(f"test = {told(test)}: Images with labels, as load_images(name, \"test\")")
    if not len(test) or test.labels is None:
        raise ValueError(f"{test!r}: an accuracy is that of one labelled image or more")
    right = sum((net(scaled(x)).argmax(1) == y).sum().item()
                for x, y in zip(test.images.split(100), test.labels.split(100)))
    return right / len(test)


def save(made: Judge, path: Path) -> None:
    """Weights, moments and anchors in one safetensors file, whole or not at all. OSError."""
    from safetensors.torch import save as serialise
    tensors = {f"net.{k}": v.contiguous() for k, v in made.net.state_dict().items()}
    for name, (mean, covariance) in made.moments.items():
        tensors[f"{name}.mean"] = torch.from_numpy(mean)
        tensors[f"{name}.covariance"] = torch.from_numpy(covariance)
    about = {"accuracy": made.accuracy, "anchors": made.anchors, "checksum": _checksum(tensors)}
    with atomic_write(path) as file:
        file.write(serialise(tensors, {"about": json.dumps(about)}))


def load(path: Path) -> Judge:
    """What `save` wrote; the network in evaluation mode, its weights fixed.

    ValueError for a file that is damaged, no classifier, or cannot be read.
    """
    from safetensors import safe_open
    path = Path(path)
    try:
        if not path.is_file():
            raise ValueError("it is no file")
        with open(path, "rb"):                               # says why better than safetensors
            pass
        with safe_open(path, "pt") as file:
            about = json.loads(file.metadata()["about"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}
        # the shipped one is older than checksums; git keeps its own
        if "checksum" in about and about["checksum"] != _checksum(tensors):
            raise ValueError("its checksum is wrong")
        weights = {k.removeprefix("net."): v for k, v in tensors.items() if k.startswith("net.")}
        net = Classifier(weights["body.0.weight"].shape[1], len(weights["head.bias"]))
        net.load_state_dict(weights)
        moments = {name: (tensors[f"{name}.mean"].numpy(), tensors[f"{name}.covariance"].numpy())
                   for name in about["anchors"]}
        made = Judge(net, about["accuracy"], about["anchors"], moments)
    except Exception as error:                               # safetensors has errors of its own
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise ValueError(f"{path} is no classifier that can be read ({reason})") from error
    net.eval().requires_grad_(False)
    return made


def _checksum(tensors) -> str:
    """Of all numbers, by name: a flipped bit changes it."""
    found = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.contiguous().numpy().tobytes())
    return found.hexdigest()
