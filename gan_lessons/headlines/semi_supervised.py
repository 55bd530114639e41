"""Headline results of lesson 14: one hundred labels of MNIST, by three games on one network.

A ledger stands before all other labels: the number read is returned as "labels". Introduced in
notebooks/14_semi_supervised.ipynb.
"""
from __future__ import annotations

import torch
from torch import nn

from ..data.batches import batches
from ..data.datasets import load_images
from ..data.images import Images
from ..data.label_budget import Ledger, few_labels
from ..drawing.plots import sheet
from ..exact.laws import Normal
from ..measures.prediction import ClassLoss, predict
from ..objectives.loss_sensitive import margin
from ..objectives.semi_supervised import improved_gan, semi_supervised, supervised
from ..players.networks import Concatenated, mlp_critic, mlp_generator, noisy
from ..training.budgets import pictures, steps
from ..training.loop import train
from ..training.optimizers import adam, fading
from .headline import Headline

LABELS, WIDTH, NOISE, LOOKS = 100, 256, 64, 14


def train_improved_gan(seed: int, note, folder) -> dict:
    """Improved GAN with both unlabelled terms at ½, as in the authors' program."""
    g = mlp_generator(NOISE, (1, 28, 28), WIDTH, act=_normed, seed=20 + seed)
    return _play(improved_gan(.5), dict(f=_classifier(seed), g=g),
                 {"f": adam(2e-3), "g": adam(1e-3)}, 80_000, seed, note, folder)


def train_cls_gan(seed: int, note, folder) -> dict:
    """CLS-GAN from a network that has had 200 rounds of labels: where η is 1 the start decides."""
    net = _classifier(seed)
    named, _ = _hundred(seed)
    train(supervised(), dict(f=net), batches(named, seed=seed), steps=steps(laptop=200), seed=seed,
          optimizer=adam(1e-3), precision="bfloat16", watch=None)
    g = mlp_generator(NOISE + 10, (1, 28, 28), WIDTH, act=_normed, seed=20 + seed)
    return _play(semi_supervised(margin(.003)), dict(l=ClassLoss(net), g=Concatenated(g)),
                 adam(1e-3), 30_000, seed, note, folder)


def train_on_labels_alone(seed: int, note, folder) -> dict:
    """The control: the same network, labels and noise, and no unlabelled picture."""
    return _play(supervised(), dict(f=_classifier(seed)), adam(1e-3), 20_000, seed, note, folder)


def _play(game, players, optimizer, rounds: int, seed: int, note, folder) -> dict:
    """Trains with 100 labels of `seed`; accuracy of the averaged classifier in the end."""
    named, ledger = _hundred(seed)
    test, steps_ = load_images(split="test"), steps(laptop=rounds)
    classifier = game.players[0]
    looks = {max(1, round(steps_ * (k / LOOKS) ** 2)) for k in range(1, LOOKS + 1)}

    def watch(run):
        if run.step in looks:
            note(run.step, accuracy=_accuracy(run.ema[classifier], test))

    run = train(game, players,
                batches(named, z=Normal(dim=NOISE), seed=seed, unlabelled=_unlabelled()),
                steps=steps_, seed=seed, optimizer=optimizer, rate=fading(.5), watch=watch,
                ema={name: .999 for name in game.players}, precision="bfloat16",
                checkpoint=folder / "training.pt")
    found = {"accuracy": _accuracy(run.ema[classifier], test),
             "last_round": _accuracy(run.players[classifier], test), "labels": ledger.spent}
    if "g" in players:
        made = run.samples(100)
        found["pictures"] = {"sheet": sheet(made, columns=10, gap=2)}
    return found


def _accuracy(net, test) -> float:
    """Share of the test pictures (under the smoke budget 500) whose label the classifier finds."""
    few = pictures(len(test))
    found = predict(net if isinstance(net, ClassLoss) else ClassLoss(net), test.images[:few])
    return float((found == test.labels[:few]).double().mean())


def _hundred(seed: int) -> tuple[Images, Ledger]:
    """A hundred labelled digits, ten of each, and the ledger that counted their labels."""
    digits = load_images()
    ledger = Ledger(digits.labels, budget=LABELS)
    return few_labels(digits, LABELS, seed, ledger), ledger


def _unlabelled() -> Images:
    """All sixty thousand pictures, without any label."""
    return Images(load_images().images)


def _classifier(seed: int) -> nn.Module:
    """784-256-256-256-10 with normalised weights, and noise before every hidden layer.

    Every hidden layer begins with outputs of mean 0 and deviation 1 on 500 pictures, noise
    included, and keeps the lengths of its rows of weights: else the noise of .5 would drown it.
    """
    net = noisy(mlp_critic((1, 28, 28), WIDTH, depth=3, outputs=10, seed=10 + seed))
    x = load_images().images[:500] / 127.5 - 1
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for layer in net.layers[:-1]:
            if hasattr(layer, "parametrizations"):              # a row of weights is s v / |v|
                out, s = layer(x), layer.parametrizations.weight.original0
                s.div_(out.std(0)[:, None]).requires_grad_(False)
                layer.bias.copy_((layer.bias - out.mean(0)) / out.std(0))
            x = layer(x)
    return net


def _normed() -> nn.Module:
    """Batch norm and ReLU, the generators' activation."""
    return nn.Sequential(nn.BatchNorm1d(WIDTH), nn.ReLU())


HEADLINES = {
    "14 Improved GAN, 100 labels": Headline(
        train_improved_gan, "accuracy",
        paper="99.07 %, 93 ± 6.5 errors of 10,000 (Salimans et al. 2016, Table 1)"),
    "14 CLS-GAN, 100 labels": Headline(
        train_cls_gan, "accuracy", paper="no figure for MNIST (Qi 2017)"),
    "14 labels alone, 100 labels": Headline(
        train_on_labels_alone, "accuracy", paper="a control, no figure"),
}
