"""Long runs of notebooks/19_clustering.ipynb: digits in ten clusters, without a label.

One step: a plain VAE, a mixture fitted to its codes, then encoder, decoder and mixture together.
Two steps, the control: the plain VAE for as many rounds, then the mixture. Each for raw digits and
for upright ones. Labels of the test digits are read for the scores alone.
"""
from __future__ import annotations

import numpy as np
import torch

from ..data.batches import batches
from ..data.datasets import load_images
from ..data.deskew import deskew
from ..drawing.plots import sheet
from ..exact.clustering import (
    contingency,
    empty_clusters,
    gaussian_mixture,
    matching_accuracy,
    vote_accuracy,
)
from ..exact.laws import Normal
from ..measures.metrics import frechet_distance
from ..objectives.clustering import GaussianMixturePrior, clustering
from ..objectives.variational import gaussian_code, vae
from ..pixels import scaled
from ..players.networks import mlp_critic, mlp_generator
from ..training.loop import train
from ..training.optimizers import adam, fading
from .headline import Headline

K, CODE = 10, 10                # components; numbers of a code
SD = .5                         # noise of a pixel, in pixels from -1 to 1
FIRST, JOINT = 8_000, 10_000    # rounds of the plain VAE, and of all three players
FITTED = 10_000                 # codes that a mixture is fitted to


def train_raw(seed, note, folder):
    """One step on the digits as they are."""
    return one_step(_digits(), seed, note, folder)


def train_upright(seed, note, folder):
    """One step on digits that were set upright."""
    return one_step(_digits(deskew), seed, note, folder)


def two_steps_raw(seed, note, folder):
    """The control: as many rounds of the plain VAE, then a mixture; digits as they are."""
    return two_steps(_digits(), seed, note, folder)


def two_steps_upright(seed, note, folder):
    """The control on upright digits."""
    return two_steps(_digits(deskew), seed, note, folder)


# -- trainings -------------------------------------------------------------------------------------

def one_step(digits, seed, note, folder, first=FIRST, joint=JOINT):
    """A plain VAE, a mixture on its codes, then all three players. The scores, by name."""
    images, test = digits
    players, _ = _plain_vae(digits, seed, note, folder, first, note_every=first // 4)
    prior, before = _fitted(players["e"], digits, seed)
    look = _every(joint // 10, lambda run: note(
        first + run.step, accuracy=_scores(run.ema["h"], run.ema["e"], test)["accuracy"]))
    run = _play(clustering(sd=SD), dict(**players, h=prior), images, seed + 1_000, joint,
                look, folder / "joint.pt")
    e, d, h = (run.ema[name].eval() for name in "edh")
    refitted = _fitted(e, digits, seed)[1]
    return _result(d, h, e, test) | {"two_steps": before["accuracy"],
                                     "refitted": refitted["accuracy"]}


def two_steps(digits, seed, note, folder, rounds=FIRST + JOINT):
    """A plain VAE, and a mixture on its codes at the end. The scores, by name."""
    players, e = _plain_vae(digits, seed, note, folder, rounds, note_every=rounds // 10)
    prior, _ = _fitted(e, digits, seed)
    return _result(players["d"], prior, e, digits[1])


def _plain_vae(digits, seed, note, folder, rounds, note_every):
    """The averaged encoder and decoder of a plain VAE, free to be trained on; and the encoder."""
    images, _ = digits
    players = dict(e=mlp_critic(images.shape, width=512, outputs=2 * CODE, seed=10 * seed + 1),
                   d=mlp_generator(CODE, images.shape, width=512, seed=10 * seed + 2))
    look = _every(note_every, lambda run: note(
        run.step, accuracy=_fitted(run.ema["e"], digits, seed)[1]["accuracy"]))
    run = _play(vae(sd=SD), players, images, seed, rounds, look, folder / "vae.pt")
    found = {name: net.eval().requires_grad_(True) for name, net in run.ema.items()}
    return found, found["e"]


def _play(game, players, images, seed, rounds, look, checkpoint):
    """One training with the settings of this page; averages of all players in `run.ema`."""
    source = batches(images, z=Normal(dim=CODE), batch=256, seed=seed)
    return train(game, players, source, steps=rounds, optimizer=adam(1e-3), rate=fading(.3),
                 ema={name: .998 for name in players}, precision="bfloat16", seed=seed,
                 watch=look, checkpoint=checkpoint)


def _every(rounds, look):
    """Calls `look` with the run after every so many rounds."""
    return lambda run: run.step % max(rounds, 1) or look(run)


# -- codes, mixtures and scores --------------------------------------------------------------------

def _digits(change=lambda images: images):
    return change(load_images("mnist")), change(load_images("mnist", "test"))


@torch.no_grad()
def _codes(e, images) -> np.ndarray:
    """Mean codes, (n, k) float64."""
    return torch.cat([gaussian_code(e, scaled(part))[0]
                      for part in images.split(1_000)]).double().numpy()


def _fitted(e, digits, seed):
    """A mixture on codes of training digits, as a prior, and its scores on the test digits."""
    images, test = digits
    found = gaussian_mixture(_codes(e, images.images[:FITTED]), K, steps=200, seed=seed)
    prior = GaussianMixturePrior(K, CODE, widths=True, shares=True, tilts=True)
    prior.start(found.centres, found.covariances, found.shares)
    return prior, _scores(prior, e, test)


@torch.no_grad()
def _table(prior, e, test) -> np.ndarray:
    """Test digits by component and label, (K, 10)."""
    codes = torch.tensor(_codes(e, test.images)).float()
    return contingency(prior(codes).argmax(1).numpy(), test.labels.numpy(), K, 10)


def _scores(prior, e, test) -> dict[str, float]:
    table = _table(prior, e, test)
    return {"accuracy": matching_accuracy(table), "vote": vote_accuracy(table),
            "in_use": K - len(empty_clusters(table))}


@torch.no_grad()
def _result(d, prior, e, test):
    """Scores, the Fréchet distance of samples, and a column of samples for each component."""
    torch.manual_seed(0)
    y = torch.multinomial(prior.log_q.softmax(0), 10_000, replacement=True)
    samples = torch.cat([d(part) for part in prior.draw(y).split(1_000)])
    order = _table(prior, e, test).argmax(1).argsort(kind="stable")
    draws = d(prior.draw(torch.arange(K).repeat_interleave(7))).unflatten(0, (K, 7))
    stacks = torch.cat([d(prior.centres)[:, None], draws], 1)[order]             # (K, 8, 1, 28, 28)
    columns = sheet(stacks.transpose(0, 1).flatten(0, 1).numpy(), K, gap=2)
    return _scores(prior, e, test) | {"distance": frechet_distance(samples, test),
                                      "pictures": {"columns": columns}}


PAPER = "94.46 % at best (Jiang et al. 2017, the authors' program)"
HEADLINES = {
    "19 VAE clustering, raw digits": Headline(train_raw, "accuracy", PAPER),
    "19 VAE clustering, upright digits": Headline(train_upright, "accuracy", "no figure"),
    "19 two steps, raw digits": Headline(two_steps_raw, "accuracy", "no figure"),
    "19 two steps, upright digits": Headline(two_steps_upright, "accuracy", "no figure"),
}
