"""Long runs of notebooks/18_f_vae.ipynb: digits in bits, by a flow and by an f-VAE of its size.

Both see the same histograms (`Marginals`) and give bits per number on the test pictures; that of
the f-VAE is an upper bound, from one drawn code for each picture.
"""
from __future__ import annotations

import torch

from ..data.batches import batches
from ..data.datasets import load_images
from ..drawing.plots import sheet
from ..exact.laws import Normal
from ..game import Game, Move
from ..measures.metrics import frechet_distance
from ..objectives.f_vae import bits_per_dimension, dequantised, flow, flow_nll, normal_nll
from ..objectives.variational import gaussian_code
from ..players.flow_decoder import FlowDecoder
from ..players.flows import Flow, image_flow, point_flow
from ..players.image_networks import image_critic, image_generator
from ..players.marginals import Marginals
from ..training.budgets import steps
from ..training.loop import train
from ..training.optimizers import adam, fading
from .headline import Headline

GREY, CODE, SHAPE = 1 / 127.5, 16, (1, 28, 28)
POINTS = 12                                     # of a curve


def held_out() -> torch.Tensor:
    """The pictures that measure, with the noise of dequantisation: always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return dequantised(load_images(split="test").images[:steps(laptop=10_000, smoke=100)]
                           / 127.5 - 1)


def in_bits(nats) -> float:
    """Bits per number of nats, (n,)."""
    return bits_per_dimension(nats.mean().item(), SHAPE)


def averaged(run) -> dict:
    """The averaged players, in evaluation mode."""
    return {name: net.eval() for name, net in run.ema.items()}


def now_and_then(note, length: int, done: int, measured):
    """A `watch` that notes measured(run), in bits, a dozen times in `length` rounds."""
    every = max(1, length // POINTS)

    def watch(run):
        if run.step % every == 0 or run.step == length:
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                note(done + run.step, bits=measured(run))
    return watch


def looks(made: torch.Tensor) -> dict:
    """Fréchet distance and a sheet of samples."""
    return {"distance": frechet_distance(made), "pictures": {"sheet": sheet(made[:64], gap=2)}}


# -- the flow --------------------------------------------------------------------------------------

def train_flow(seed, note, folder):
    """Histograms, then two levels of four steps with convolutions 44 wide: 65,000 weights."""
    images, pictures, length = load_images(), held_out(), steps(laptop=6_000)
    b = Flow(Marginals(images), image_flow(SHAPE, width=44, seed=10_000 * seed + 4))

    def measured(run):
        b = averaged(run)["b"]
        return in_bits(torch.cat([flow_nll(b, x) for x in pictures.split(500)]))

    run = train(flow(GREY), {"b": b}, batches(images, batch=64, seed=seed), steps=length, seed=seed,
                optimizer=adam(2e-3), rate=fading(), ema={"b": .998}, checkpoint=folder / "flow.pt",
                watch=now_and_then(note, length, 0, measured))
    torch.manual_seed(seed)
    with torch.no_grad():
        made = torch.cat([averaged(run)["b"].inverse(torch.randn(500, 16, 7, 7))
                          for _ in range(steps(laptop=20, smoke=1))])
        return {"bits": measured(run), **looks(made.clamp(-1, 1))}


# -- the f-VAE -------------------------------------------------------------------------------------

def terms(h, e, d, b, x):
    """(distortion, rate), (n,) each, in nats: of y = h(x), with the log-determinant of h."""
    y, log_det = h(x)
    m, log_s = gaussian_code(e, y)
    u = torch.randn_like(m)
    v = m + log_s.exp() * u
    return d.nll(y, v) - log_det, flow_nll(b, v) - normal_nll(u) - log_s.sum(1)


def train_f_vae(seed, note, folder):
    """First a Normal decoder, so that codes are used. Then encoder and prior rest, and the decoder
    learns couplings for its residual.
    """
    images, pictures = load_images(), held_out()
    h = Marginals(images)
    loss = lambda e, d, b, x: sum(terms(h, e, d, b, dequantised(x, GREY))).mean()

    def measured(run):
        players = averaged(run)
        return in_bits(torch.cat([sum(terms(h, **players, x=x)) for x in pictures.split(500)]))

    def play(movers, players, length, done, name):
        return train(Game([Move(movers, loss)]), players,
                     batches(images, z=Normal(dim=CODE), batch=64, seed=seed), steps=length,
                     seed=seed, optimizer=adam(2e-3), rate=fading(),
                     ema=dict.fromkeys(players, .998), checkpoint=folder / name,
                     watch=now_and_then(note, length, done, measured))

    first, second = steps(laptop=8_000), steps(laptop=8_000)
    mean = image_generator(SHAPE, CODE, 14, seed=10_000 * seed + 2).layers[:-1]    # without tanh
    e = image_critic(SHAPE, 14, outputs=2 * CODE, seed=10_000 * seed + 1)
    b = point_flow(CODE, couplings=4, width=24, mix=True, seed=10_000 * seed + 4)
    plain = FlowDecoder(mean, SHAPE)
    run = play("e d b", dict(e=e, d=plain, b=b), first, 0, "normal.pt")
    d = FlowDecoder(mean, SHAPE, couplings=2, width=24, seed=10_000 * seed + 5)
    d.grown = plain.grown
    before = averaged(run)
    torch.manual_seed(seed)
    with torch.no_grad():
        v = before["b"].inverse(torch.randn(steps(laptop=10_000, smoke=500), CODE))
        means = torch.cat([h.inverse(before["d"](part)) for part in v.split(500)]).clamp(-1, 1)
    found = {"bits_normal_decoder": measured(run), "distance_normal_decoder":
             frechet_distance(means)}
    run = play("d", dict(e=e.eval(), d=d, b=b.eval()), second, first, "flow.pt")
    players = averaged(run)
    torch.manual_seed(seed)
    with torch.no_grad():
        v = players["b"].inverse(torch.randn(steps(laptop=10_000, smoke=500), CODE))
        made = torch.cat([h.inverse(players["d"].sample(part)) for part in v.split(500)])
        rate = torch.cat([terms(h, **players, x=x)[1] for x in pictures.split(500)]).mean().item()
        found |= {"bits": measured(run), "rate": rate, **looks(made.clamp(-1, 1))}
    found["pictures"]["means"] = sheet(means[:64], gap=2)
    return found


_TUTORIAL = ("1.08 bits (a flow of 556,312 weights with the same dequantisation, UvA deep learning "
             "tutorial 11)")
HEADLINES = {
    "18 flow": Headline(train_flow, "bits", paper=_TUTORIAL, form="{:.3f} bits"),
    "18 f-VAE": Headline(train_f_vae, "bits", form="{:.3f} bits",
                         paper=f"none in bits; a flow: {_TUTORIAL}"),
}
