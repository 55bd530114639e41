"""What a training leaves behind: the networks, the losses, and where samples come from.

Introduced in notebooks/00_start_here.ipynb.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..players.modes import evaluating
from ..players.networks import takes_labels
from .budgets import pictures


class TrainingDiverged(ArithmeticError):
    """A loss was NaN or infinite. `.step`, `.player`, and `.run`: everything up to that step."""

    def __init__(self, step: int, player: str, value: float, run: Run):
        super().__init__(f"the loss of player {player!r} became {value} at step {step:,}: lower "
                         "the learning rate, or look for a logarithm or a square root of 0 in the "
                         "loss (use softplus and logits)")
        self.step, self.player, self.run = step, player, run


@dataclass
class Run:
    """What `train` returns, and hands to watchers while it runs.

    losses         player -> list of float, one per step; a second move of f is called "f₂"
    players, ema   player -> the network that played, and its averaged copy
    step, steps    rounds that were played, and that were asked for; interrupted: fewer than asked
    seconds        of playing, over all parts of a training that was continued
    images         real samples shown; images_per_second: of them, per second
    source         the batches, which `samples(n)` takes its noise from; device: where all that is
    """

    players: Mapping[str, nn.Module]
    source: object
    steps: int
    device: torch.device
    ema: dict[str, nn.Module] = field(default_factory=dict)
    step: int = 0
    seconds: float = 0.0
    images: int = 0
    interrupted: bool = False
    _losses: dict[str, Tensor] = field(default_factory=dict, repr=False)

    @property
    def losses(self) -> dict[str, list[float]]:
        """player -> its losses up to now, one number a step."""
        return {name: values[:self.step].tolist() for name, values in self._losses.items()}

    @property
    def images_per_second(self) -> float:
        """Real samples shown in a second of playing; 0 before the first step."""
        return self.images / self.seconds if self.seconds else 0.0

    def samples(self, n: int = 64, y=None, *, player: str = "g", averaged: bool = True,
                seed: int = 0) -> Tensor:
        """n fakes of the generator, its averaged copy if there is one: (n, ...) float32 on the CPU.

        The same seed always draws the same noise, so pictures of two runs can be compared.
        y: labels (n,), or one for all, for a generator that takes them; by default 0, 1, 2, … in
        turn. Under the smoke budget many pictures are a few hundred, repeated.

        KeyError for an unknown player, ValueError for labels that do not fit or are not taken, and
        for a player that takes no noise.
        """
        if not isinstance(player, str) or player not in self.players:
            raise KeyError(f"no player {player!r} to draw samples from; there are "
                           f"{', '.join(self.players)}")
        net = self.ema.get(player, self.players[player]) if averaged else self.players[player]
        given = [self.source.noise(n, seed=seed).to(self.device)]
        if takes_labels(net):
            y = torch.arange(n) % net.classes if y is None else torch.as_tensor(y)
            if y.shape not in ((), (n,)) or not 0 <= y.min() <= y.max() < net.classes:
                raise ValueError(f"{n} samples of {net.classes} classes need {n} labels from 0 to "
                                 f"{net.classes - 1}, or one for all, not "
                                 f"{y.tolist() if y.numel() < 9 else tuple(y.shape)}")
            given.append(y.expand(n).to(self.device))
        elif y is not None:
            raise ValueError(f"player {player!r} takes no labels: train a conditional game with a "
                             "labelled generator")
        with evaluating(net), torch.no_grad():
            try:
                made = [net(*part).float().cpu() for part in self._parts(net, given)]
            except (RuntimeError, ValueError) as error:
                raise ValueError(f"player {player!r} makes no samples of noise of shape "
                                 f"{tuple(given[0].shape[1:])} ({error}): name a generator, as "
                                 'player="g"') from error
        made = torch.cat(made)
        return made if len(made) == n else made[torch.arange(n) % len(made)]

    def _parts(self, net, given):
        """What g is given, noise and perhaps labels, in parts that stay in the cache.

        A smoke run only proves that a page works, and pictures are what takes its time: of many
        only the first few hundred are given, for `samples` to repeat in turn. Not where their
        labels do not repeat in turn as well, for then a picture would bear another's label. Points
        are cheap, and fewer distinct ones would change what is counted.
        """
        noise, *labels = given
        n, few = len(noise), pictures(len(noise))
        if few < n and self._draws_pictures(net, given):
            turn = torch.arange(n, device=noise.device) % few                 # 0 … few - 1, 0 …
            if all(torch.equal(y, y[turn]) for y in labels):
                given = [values[:few] for values in given]
        return zip(*(values.split(250) for values in given))

    def _draws_pictures(self, net, given) -> bool:
        """Whether the net makes (n, c, h, w) of what it is given; one sample tells."""
        return net(*(values[:1] for values in given)).dim() == 4

    def __repr__(self):
        stopped = ", interrupted" if self.interrupted else ""
        return (f"Run({self.step:,} of {self.steps:,} steps in {self.seconds:.1f} s, "
                f"{self.images_per_second:,.0f} samples/s{stopped})")
