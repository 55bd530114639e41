"""Speed of the teaching loop against a plain loop, per CPU-second of one thread, both in one run.

    python benchmarks/loop.py                      prove equal updates, then measure; prints tables
    python benchmarks/loop.py --rounds 20 --repeats 3

The plain loop is written the way popular one-script-per-GAN collections do it: a DataLoader over
pictures that are converted and normalised one by one, every network recording every gradient, one
critic pass for real and one for fake. Networks, optimisers, batch and number of updates are equal.
"""
from __future__ import annotations

import argparse
import platform
import statistics
import time
from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, pad
from torch.utils.data import DataLoader, Dataset

import gan_lessons as gl
from gan_lessons.drawing import plots
from gan_lessons.players.penalties import gradient_penalty
from gan_lessons.training.progress import Progress

BATCH, NOISE, CRITIC_TURNS, CLIP = 64, 100, 5, .01
rmsprop = partial(torch.optim.RMSprop, lr=5e-5)


# -- networks, alike for both loops. BatchNorm's second argument is eps: such scripts run with 0.8

def mlp():
    """WGAN-style critic 784-512-256-1 and generator 100-128-256-512-1024-784."""
    act = partial(nn.LeakyReLU, .2, inplace=True)
    torch.manual_seed(0)
    f = nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 512),
        act(),
        nn.Linear(512, 256),
        act(),
        nn.Linear(256, 1),
        nn.Flatten(0),
    )
    block = lambda a, b: [nn.Linear(a, b), nn.BatchNorm1d(b, .8), act()]
    g = nn.Sequential(
        nn.Linear(NOISE, 128),
        act(),
        *block(128, 256),
        *block(256, 512),
        *block(512, 1024),
        nn.Linear(1024, 784),
        nn.Tanh(),
        nn.Unflatten(1, (1, 28, 28)),
    )
    return f, g


def dcgan():
    """32 × 32 DCGAN, about 700 MFLOP per picture for a generator's step."""
    act = partial(nn.LeakyReLU, .2, inplace=True)
    torch.manual_seed(0)
    down = lambda a, b, norm=True: [
        nn.Conv2d(a, b, 3, 2, 1),
        act(),
        nn.Dropout2d(.25),
        *[nn.BatchNorm2d(b, .8)] * norm,
    ]
    f = nn.Sequential(
        *down(1, 16, False),
        *down(16, 32),
        *down(32, 64),
        *down(64, 128),
        nn.Flatten(),
        nn.Linear(512, 1),
        nn.Flatten(0),
    )
    up = lambda a, b: [
        nn.Upsample(scale_factor=2),
        nn.Conv2d(a, b, 3, 1, 1),
        nn.BatchNorm2d(b, .8),
        act(),
    ]
    g = nn.Sequential(
        nn.Linear(NOISE, 128 * 8 * 8),
        nn.Unflatten(1, (128, 8, 8)),
        nn.BatchNorm2d(128),
        *up(128, 128),
        *up(128, 64),
        nn.Conv2d(64, 1, 3, 1, 1),
        nn.Tanh(),
    )
    return f, g


# -- the plain loops -------------------------------------------------------------------------------

class OneByOne(Dataset):
    """Every picture by way of PIL to a float tensor, normalised on its own."""
    def __init__(self, images):
        self.images, self.labels = images[:, 0], torch.zeros(len(images), dtype=torch.int64)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        picture = Image.fromarray(self.images[i].numpy(), mode="L")
        x = (
            torch.from_numpy(np.array(picture, copy=True))
            .unsqueeze(2)
            .permute(2, 0, 1)
            .contiguous()
            .float()
            .div(255)
        )
        mean, sd = torch.as_tensor([.5])[:, None, None], torch.as_tensor([.5])[:, None, None]
        return x.clone().sub_(mean).div_(sd), int(self.labels[i])


def loaded(images):
    while True:
        for x, _ in DataLoader(OneByOne(images), batch_size=BATCH, shuffle=True, drop_last=True):
            yield x


def drawn_noise():
    while True:
        yield torch.from_numpy(np.random.normal(0, 1, (BATCH, NOISE))).float()


def plain_wgan(f, g, x_batches, z_batches, rounds, losses=None):
    optimizer_f, optimizer_g = rmsprop(f.parameters()), rmsprop(g.parameters())
    for _ in range(rounds):
        for _ in range(CRITIC_TURNS):
            x, z = next(x_batches), next(z_batches)
            optimizer_f.zero_grad()
            x_fake = g(z).detach()
            loss_f = -f(x).mean() + f(x_fake).mean()
            loss_f.backward()
            optimizer_f.step()
            for w in f.parameters():
                w.data.clamp_(-CLIP, CLIP)
        optimizer_g.zero_grad()
        loss_g = -f(g(next(z_batches))).mean()
        loss_g.backward()
        optimizer_g.step()
        if losses is not None:
            losses.append((loss_f.item(), loss_g.item()))


def plain_wgan_gp(f, g, x_batches, z_batches, rounds, losses=None):
    """As such scripts do, the critic's loss keeps the fakes' graph: its backward runs through g."""
    optimizer_f, optimizer_g = (
        torch.optim.Adam(net.parameters(), 2e-4, (.5, .999)) for net in (f, g)
    )
    for _ in range(rounds):
        for _ in range(CRITIC_TURNS):
            x, z = next(x_batches), next(z_batches)
            optimizer_f.zero_grad()
            x_fake = g(z)
            epsilon = torch.rand(len(x), 1, 1, 1)
            x_hat = (epsilon * x + (1 - epsilon) * x_fake.data).requires_grad_(True)
            score = f(x_hat)
            gradient = torch.autograd.grad(
                score, x_hat, torch.ones_like(score), create_graph=True, retain_graph=True
            )[0]
            slope = gradient.view(len(x), -1).norm(2, dim=1)
            loss_f = -f(x).mean() + f(x_fake).mean() + 10 * ((slope - 1) ** 2).mean()
            loss_f.backward()
            optimizer_f.step()
        optimizer_g.zero_grad()
        loss_g = -f(g(next(z_batches))).mean()
        loss_g.backward()
        optimizer_g.step()
        if losses is not None:
            losses.append((loss_f.item(), loss_g.item()))


def plain_dcgan(f, g, x_batches, z_batches, rounds):
    """As such scripts do, the generator moves first, and the critic sees the same fakes."""
    optimizer_f, optimizer_g = (
        torch.optim.Adam(net.parameters(), 2e-4, (.5, .999)) for net in (f, g)
    )
    valid, fake = torch.ones(BATCH), torch.zeros(BATCH)
    loss = binary_cross_entropy_with_logits
    for _ in range(rounds):
        x = next(x_batches)
        optimizer_g.zero_grad()
        x_fake = g(next(z_batches))
        loss_g = loss(f(x_fake), valid)
        loss_g.backward()
        optimizer_g.step()
        optimizer_f.zero_grad()
        loss_f = (loss(f(x), valid) + loss(f(x_fake.detach()), fake)) / 2
        loss_f.backward()
        optimizer_f.step()
        loss_f.item(), loss_g.item()


# -- the teaching loop -----------------------------------------------------------------------------

def critic_loss(f, g, x, z):
    real, fake = gl.both(f, x, g(z))
    return fake.mean() - real.mean()


def generator_loss(f, g, z):
    return -f(g(z)).mean()


def clip(f):
    with torch.no_grad():
        for w in f.parameters():
            w.clamp_(-CLIP, CLIP)


wgan = gl.Game([gl.Move("f", critic_loss, after=clip), gl.Move("g", generator_loss)])


def teach_wgan(f, g, samples, rounds, **options):
    return gl.train(wgan, dict(f=f, g=g), samples, steps=rounds, turns={"f": CRITIC_TURNS},
                    **dict(optimizer=gl.rmsprop(5e-5), watch=None) | options)


def teach_wgan_gp(f, g, samples, rounds, **options):
    return gl.train(
        gl.wasserstein(gradient_penalty),
        dict(f=f, g=g),
        samples,
        steps=rounds,
        turns={"f": CRITIC_TURNS},
        **dict(optimizer=gl.adam(2e-4), watch=None) | options,
    )


def teach_dcgan(f, g, samples, rounds, **options):
    f, g = (net.to(memory_format=torch.channels_last) for net in (f, g))
    return gl.train(
        gl.non_saturating(), dict(f=f, g=g), samples, steps=rounds, **dict(watch=None) | options
    )


# -- measuring -------------------------------------------------------------------------------------

def prove_equal_updates(images, rounds=25):
    """Both loops on the same batches, in exact float32.

    With two critic passes all weights are equal bit for bit. With one pass of [real; fake] a
    product rounds otherwise, and RMSprop, which divides by the size of a gradient, enlarges that
    where one is nearly 0: losses then agree to 1e-5.
    """
    source = lambda: gl.batches(images, z=gl.Normal(dim=NOISE), batch=BATCH, seed=1)
    recorded = source()
    pairs = [
        recorded.draw(names)
        for _ in range(rounds)
        for names in [("x", "z")] * CRITIC_TURNS + [("z",)]
    ]
    f, g, losses = *mlp(), []
    plain_wgan(
        f,
        g,
        iter([b["x"] for b in pairs if "x" in b]),
        iter([b["z"] for b in pairs]),
        rounds,
        losses,
    )
    two_passes = lambda f, g, x, z: f(g(z)).mean() - f(x).mean()
    for passes, loss, optimizer in (
        ("two critic passes", two_passes, rmsprop),
        ("one", critic_loss, rmsprop),
        ("one, fused RMSprop", critic_loss, gl.rmsprop(5e-5)),
    ):
        game = gl.Game([gl.Move("f", loss, after=clip), gl.Move("g", generator_loss)])
        players = dict(zip("fg", mlp()))
        run = gl.train(
            game,
            players,
            source(),
            steps=rounds,
            turns={"f": CRITIC_TURNS},
            optimizer=optimizer,
            watch=None,
            precision="highest",
        )
        mine, theirs, start = (
            torch.cat([w.detach().flatten() for net in nets for w in net.parameters()])
            for nets in (players.values(), (f, g), mlp())
        )
        apart, moved = (((a - theirs).norm() / theirs.norm()).item() for a in (mine, start))
        off = (
            (torch.tensor([run.losses["f"], run.losses["g"]]).T - torch.tensor(losses))
            .abs()
            .max()
            .item()
        )
        assert (
            moved > .1 and off < 1e-5 and (apart < 1e-4 if loss is critic_loss else apart == 0)
        ), (passes, apart, off)
        print(
            f"Same batches, {rounds} rounds, {passes}: losses differ by at most {off:.1e}, "
            f"weights by {apart:.1e} of their norm (they moved by {moved:.2f} of it)."
        )

    recorded, (f, g), losses = source(), mlp(), []
    pairs = [
        recorded.draw(names)
        for _ in range(rounds)
        for names in [("x", "z")] * CRITIC_TURNS + [("z",)]
    ]
    torch.manual_seed(0)  # as train does: the same points between real and fake
    plain_wgan_gp(
        f,
        g,
        iter([b["x"] for b in pairs if "x" in b]),
        iter([b["z"] for b in pairs]),
        rounds,
        losses,
    )
    run = teach_wgan_gp(*mlp(), source(), rounds, precision="highest")
    off = (
        torch.tensor([run.losses["f"], run.losses["g"]]).T - torch.tensor(losses)
    ).abs() / torch.tensor(losses).abs()
    assert off.max() < 1e-3, off.max()
    print(f"WGAN-GP, {rounds} rounds: losses differ by at most {off.max():.1e} of themselves.\n")


def cpu_seconds(play) -> float:
    began = time.process_time()
    play()
    return time.process_time() - began


def compare(title, ways, images_per_play, repeats):
    """Median images per CPU-second of every way, interleaved, and the median ratio to the first."""
    for play in ways.values():
        play(2)
    seconds = {name: [] for name in ways}
    for _ in range(repeats):
        for name, play in ways.items():
            seconds[name].append(cpu_seconds(play))
    first = next(iter(seconds.values()))
    print(f"| {title} | images / CPU-second | ratio | lowest – highest |\n|---|---|---|---|")
    for name, taken in seconds.items():
        ratios = [a / b for a, b in zip(first, taken)]
        print(
            f"| {name} | {images_per_play / statistics.median(taken):,.0f} | "
            f"{statistics.median(ratios):.2f} | {min(ratios):.2f} – {max(ratios):.2f} |"
        )
    print(flush=True)


def live_share(images, rounds):
    """Share of CPU time that the progress of a notebook takes, its pictures included."""
    from unittest import mock
    f, g = mlp()
    plots.png(plots.figure()[0])  # a lesson has drawn something before it trains
    spent = []

    class Timed(Progress):
        def __call__(self, run):
            began = time.process_time()
            super().__call__(run)
            spent.append(time.process_time() - began)

    with (
        mock.patch("gan_lessons.training.progress.in_notebook", return_value=True),
        mock.patch("gan_lessons.training.progress.Progress", Timed),
        mock.patch("IPython.display.display"),
    ):
        total = cpu_seconds(lambda: teach_wgan(f, g, gl.batches(images), rounds, watch="auto"))
    print(
        f"Live progress in a notebook: {100 * sum(spent) / total:.1f} % of {total:.0f} CPU-seconds."
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rounds", type=int, default=30, help="rounds of the MLP a measurement; a third for DCGAN"
    )
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(
        f"torch {torch.__version__}, {platform.processor() or platform.machine()}, "
        f"{torch.backends.cpu.get_cpu_capability()}, "
        f"bfloat16 {torch.cpu._is_avx512_bf16_supported()}, "
        f"AMX {torch.cpu._is_amx_tile_supported()}\n"
    )
    images = gl.load_images()
    prove_equal_updates(images)

    rounds = options.rounds
    samples = gl.batches(images, z=gl.Normal(dim=NOISE), batch=BATCH)
    x, z, nets = loaded(images.images), drawn_noise(), mlp()
    teach = lambda **how: lambda n=rounds: teach_wgan(*nets, samples, n, **how)
    compare(
        "WGAN, MLP, 5 critic steps",
        {
            "plain loop": lambda n=rounds: plain_wgan(*nets, x, z, n),
            "teaching loop, highest": teach(precision="highest"),
            "teaching loop, medium": teach(precision="medium"),
            'teaching loop, medium, reuse="g"': teach(precision="medium", reuse="g"),
            'teaching loop, bfloat16, reuse="g"': teach(precision="bfloat16", reuse="g"),
        },
        rounds * CRITIC_TURNS * BATCH,
        options.repeats,
    )

    nets = mlp()
    teach = lambda **how: lambda n=rounds: teach_wgan_gp(*nets, samples, n, **how)
    compare(
        "WGAN-GP, MLP, 5 critic steps",
        {
            "plain loop": lambda n=rounds: plain_wgan_gp(*nets, x, z, n),
            "teaching loop, highest": teach(precision="highest"),
            "teaching loop, medium": teach(precision="medium"),
            'teaching loop, medium, reuse="g"': teach(precision="medium", reuse="g"),
        },
        rounds * CRITIC_TURNS * BATCH,
        options.repeats,
    )

    rounds = max(3, options.rounds // 3)
    padded = pad(images.images, (2, 2, 2, 2))
    samples = gl.batches(padded, z=gl.Normal(dim=NOISE), batch=BATCH)
    x_32, plain_nets, nets = loaded(padded), dcgan(), dcgan()
    teach = lambda **how: lambda n=rounds: teach_dcgan(*nets, samples, n, **how)
    compare("DCGAN, 32 × 32", {
        "plain loop": lambda n=rounds: plain_dcgan(*plain_nets, x_32, z, n),
        "teaching loop, highest": teach(precision="highest"),
        "teaching loop, bfloat16": teach(precision="bfloat16"),
        'teaching loop, bfloat16, reuse="g"': teach(precision="bfloat16", reuse="g"),
    }, rounds * BATCH, options.repeats)
    live_share(images, 20 * options.rounds)


if __name__ == "__main__":
    main()
