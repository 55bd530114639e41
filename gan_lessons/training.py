"""The one loop that plays every game. Introduced in notebooks/01_minimax.ipynb.

    run = train(non_saturating(), dict(f=critic, g=generator), batches(load_images()), steps=1_000)
"""
from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from . import checkpoints
from .game import Game
from .optimizers import adam
from .settings import bfloat16_pays, evaluating, process_settings, stop_button
from .turns import Turn, refuse_shared_weights

PRECISIONS = ("highest", "medium", "bfloat16")


class TrainingDiverged(ArithmeticError):
    """A loss was NaN or infinite. `.step`, `.player`, and `.run`: everything up to that step."""

    def __init__(self, step: int, player: str, value: float, run: "Run"):
        super().__init__(f"the loss of player {player!r} became {value} at step {step:,}: lower the learning rate, or "
                         "look for a logarithm or a square root of 0 in the loss (use softplus and logits)")
        self.step, self.player, self.run = step, player, run


@dataclass
class Run:
    """What `train` returns, and hands to watchers while it runs.

    losses: player -> list of float, one per step · players: the networks that played · ema: averaged
    copies · seconds, images_per_second (real images shown per second) · step of steps · interrupted.
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
        return {name: values[:self.step].tolist() for name, values in self._losses.items()}

    @property
    def images_per_second(self) -> float:
        return self.images / self.seconds if self.seconds else 0.0

    def samples(self, n: int = 64, *, player: str = "g", averaged: bool = True, seed: int = 0) -> Tensor:
        """n fakes of the generator, its averaged copy if there is one: (n, ...) float32 on the CPU.

        The same seed always draws the same noise, so pictures of two runs can be compared.
        """
        if player not in self.players:
            raise KeyError(f"no player {player!r} to draw samples from; there are {', '.join(self.players)}")
        net = self.ema.get(player, self.players[player]) if averaged else self.players[player]
        z = self.source.noise(n, seed=seed).to(self.device)
        with evaluating(net), torch.no_grad():
            return torch.cat([net(part).float().cpu() for part in z.split(1000)])

    def __repr__(self):
        stopped = ", interrupted" if self.interrupted else ""
        return (f"Run({self.step:,} of {self.steps:,} steps in {self.seconds:.1f} s, "
                f"{self.images_per_second:,.0f} samples/s{stopped})")


def train(game: Game, players: Mapping[str, nn.Module], samples, *, steps: int,
          turns: Mapping[str, int] | None = None, optimizer=adam(), watch="auto", ema: float | None = None,
          device="auto", seed: int = 0, checkpoint=None, precision: str = "medium", threads: int = 1,
          reuse: str | None = None) -> Run:
    """Play `game` for `steps` rounds and return the Run. Stopping it (SIGINT) returns the run so far.

    players: symbol -> network · samples: from `batches(...)` · turns: moves per round, {"f": 5}
    optimizer: parameters -> optimiser, or one such per player, {"f": adam(4e-4), "g": adam(1e-4)}
    watch: "auto" shows progress, None is silent, a function is called with the Run after every round
    ema: decay of an averaged copy of g, which `run.samples` then uses
    checkpoint: a file, written now and then and at the end; if it exists, training continues from it bit-identically
    precision: "highest" float32, "medium" (float32 products may round; fast), "bfloat16" (autocast;
        "medium" where the processor has no bfloat16). Under a penalty on slopes use "highest".
    reuse: "g" lets the generator move on the very fakes that the player before it has just seen, so that g(z)
        is computed once a round.
    ValueError, NameError: no steps, unknown names, shared weights, shapes that do not fit; TrainingDiverged: a NaN.
    """
    return _Loop(game, players, samples, steps=steps, turns=turns, optimizer=optimizer, watch=watch, ema=ema,
                 device=device, seed=seed, checkpoint=checkpoint, precision=precision, threads=threads,
                 reuse=reuse).play()


class _Loop:
    def __init__(self, game, players, samples, *, steps, turns, optimizer, watch, ema, device, seed, checkpoint,
                 precision, threads, reuse):
        turns = dict(turns or {})
        self._check(game, players, samples, steps, turns, optimizer, watch, ema, precision, reuse)
        self.device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
        self.players = {name: net.to(self.device) for name, net in players.items()}
        self.samples, self.watch, self.seed, self.path = samples.to(self.device), watch, seed, checkpoint
        self.threads, self.reuse = threads, reuse
        self.precision = "medium" if precision == "bfloat16" and not bfloat16_pays(self.device) else precision
        for name in game.players:                            # who never moves keeps its mode
            self.players[name].train()
        known, before = [*self.players, *samples.names], []
        self.moves = []
        for move in game.moves:
            asks = move.asks(known)
            label = move.player + " ₂₃₄₅₆₇₈₉"[before.count(move.player)].strip()
            before.append(move.player)
            factory = optimizer[move.player] if isinstance(optimizer, Mapping) else optimizer
            weights = [w for name in move.movers for w in self.players[name].parameters() if w.requires_grad]
            if not weights:
                raise ValueError(f"player {move.player!r} has no weights that may move: leave it out of the game, or "
                                 "unfreeze it with .requires_grad_(True)")
            self.moves.append(_Planned(label, move, Turn(move.movers, self.players), factory(weights),
                                       {n: self.players[n] for n in asks if n in self.players},
                                       tuple(n for n in asks if n not in self.players)))
        self.schedule = [m for m in self.moves for _ in range(turns.get(m.move.player, 1))]
        self._check_reuse()
        self._check_shapes(set(game.players))
        kind = torch.float32 if self.device.type == "mps" else torch.float64
        self.run = Run(self.players, self.samples, steps, self.device)
        self.run._losses = {m.label: torch.zeros(steps, dtype=kind, device=self.device) for m in self.moves}
        if ema is not None:
            self.run.ema["g"] = copy.deepcopy(self.players["g"]).requires_grad_(False)
        self.decay = ema

    @staticmethod
    def _check(game, players, samples, steps, turns, optimizer, watch, ema, precision, reuse):
        if not isinstance(steps, int) or steps <= 0:
            raise ValueError(f"steps must be a whole number above 0, not {steps!r}: steps(laptop=1_000)")
        if not hasattr(samples, "draw"):
            raise TypeError(f"samples come from batches(...), not from {type(samples).__name__}: batches(load_images())")
        if not (watch in ("auto", None) or callable(watch)):
            raise TypeError(f'watch is "auto", None or a function of the Run, not {watch!r}')
        missing = [name for name in game.players if name not in players]
        if missing:
            raise NameError(f"the game is played by {', '.join(game.players)}; players lacks {', '.join(missing)}")
        for name, net in players.items():
            if not isinstance(net, nn.Module):
                raise TypeError(f"player {name!r} must be a torch Module, not {type(net).__name__}")
        movers = {move.player for move in game.moves}
        for what, names in (("turns", turns), ("optimizer", optimizer if isinstance(optimizer, Mapping) else {})):
            if unknown := set(names) - movers:
                raise NameError(f"{what} names {', '.join(sorted(unknown))}; the moves are {', '.join(sorted(movers))}")
        if isinstance(optimizer, Mapping) and movers - set(optimizer):
            raise NameError(f"optimizer lacks {', '.join(sorted(movers - set(optimizer)))}")
        if not all(map(callable, optimizer.values() if isinstance(optimizer, Mapping) else [optimizer])):
            raise TypeError("optimizer makes an optimiser from the weights of a player, as adam(2e-4) or "
                            f"partial(torch.optim.SGD, lr=.1) do; this is {optimizer!r}")
        if any(not isinstance(n, int) or n < 1 for n in turns.values()):
            raise ValueError(f"turns are whole numbers above 0, not {turns}")
        if ema is not None and not (0 < ema < 1 and "g" in players):
            raise ValueError(f"ema is the decay of an averaged copy of g, between 0 and 1, not {ema!r}")
        if precision not in PRECISIONS:
            raise ValueError(f"precision is one of {', '.join(PRECISIONS)}, not {precision!r}")
        if reuse not in (None, "g"):
            raise ValueError(f'reuse is None or "g", not {reuse!r}')
        refuse_shared_weights(players)

    def _check_reuse(self):
        *_, critic, generator = [None, *self.schedule]
        if self.reuse and not (critic and generator.move.player == "g" != critic.move.player and all(
                "g" in m.players and "z" in m.batch for m in (critic, generator))):
            raise ValueError('reuse="g" needs a game in which g moves last, once, and both its loss and that of the '
                             "player before it ask for g and z")

    def _check_shapes(self, movers: set[str]):
        """Two samples through critic and generator: what would not fit, or broadcast silently, is refused here."""
        asked = {name for m in self.moves for name in m.batch}
        if asked != {"x", "z"} or movers not in ({"f", "g"}, {"l", "g"}):
            return
        critic, = movers - {"g"}
        with contextlib.ExitStack() as stack:
            stack.enter_context(torch.random.fork_rng(devices=[]))
            stack.enter_context(torch.no_grad())
            for net in self.players.values():
                stack.enter_context(evaluating(net))
            probe = self.samples.probe(("x", "z"))
            x_fake = self._try("g", probe["z"], "noise", "set z=Normal(dim=...) in batches(...) to what g takes")
            x = probe["x"]
            if x.shape[1:] != x_fake.shape[1:]:
                raise ValueError(f"g makes samples of shape {tuple(x_fake.shape[1:])}, the data have "
                                 f"{tuple(x.shape[1:])}: choose a generator for that size")
            scores = self._try(critic, x, "samples", "choose a critic for that size")
            if isinstance(scores, Tensor) and scores.dim() > 1 and scores[0].numel() == 1:
                shape = ", ".join(["n", *map(str, scores.shape[1:])])
                raise ValueError(f"{critic} returns shape ({shape}), which broadcasts against (n,) without a word: "
                                 "end the critic with .flatten() or nn.Flatten(0)")

    def _try(self, name: str, value: Tensor, what: str, remedy: str):
        try:
            return self.players[name](value)
        except RuntimeError as error:
            raise ValueError(f"{name} cannot take {what} of shape {tuple(value.shape[1:])} ({error}): {remedy}") from error

    # -- the loop itself -------------------------------------------------------------------------

    def play(self) -> Run:
        run = self.run
        with contextlib.ExitStack() as stack:
            stack.enter_context(process_settings(self.precision, self.threads, self.device))
            torch.manual_seed(self.seed)
            self._resume()
            resumed = run.step
            report = self._watcher()
            stopped = stack.enter_context(stop_button())
            saved, began = time.monotonic(), time.perf_counter() - run.seconds
            try:
                while run.step < run.steps and not stopped:
                    self._round()
                    run.step += 1
                    run.seconds = time.perf_counter() - began
                    self._refuse_nan()
                    report(run)
                    if self.path is not None and time.monotonic() - saved > 30:
                        self._save()
                        saved = time.monotonic()
            finally:
                run.interrupted = run.step < run.steps
                getattr(report, "close", lambda run: None)(run)
            if run.step > resumed:
                self._save()
        if run.interrupted:
            print(f"Stopped at step {run.step:,} of {run.steps:,}: the run so far is kept.", flush=True)
        return run

    def _round(self):
        reused, left = {}, len(self.schedule)
        for planned in self.schedule:
            batch, players = self.samples.draw(set(planned.batch) - reused.keys()) | reused, planned.players
            left -= 1
            if self.reuse and left == 1:                          # the player before g
                reused = {"z": batch["z"]}
                x_fake = self._fakes(batch["z"])
                players = {**players, "g": _answer(batch["z"], x_fake.detach())}
            elif reused:
                players = {**players, "g": _answer(batch["z"], x_fake)}
            self.run._losses[planned.label][self.run.step] = self._move(planned, players, batch)
            self.run.images += len(batch["x"]) if "x" in batch else 0
        if self.decay is not None:
            self._average()

    def _fakes(self, z) -> Tensor:
        """g(z) with its graph, computed as in g's own move; the critic gets it as a constant."""
        with self.moves[-1].turn, self._autocast():
            return self.players["g"](z)

    def _autocast(self):
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16")

    def _move(self, planned, players, batch) -> Tensor:
        with planned.turn:
            try:
                with self._autocast():
                    loss = planned.move.loss(**players, **batch)
                if not isinstance(loss, Tensor) or loss.dim():
                    shape = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
                    raise ValueError(f"a loss returns one number, this one {shape}: take its .mean()")
                if not loss.requires_grad:
                    raise ValueError("this loss does not depend on the weights of its player: look for a .detach(), "
                                     "a no_grad() or the wrong player in it")
                planned.optimizer.zero_grad()
                loss.backward()
            except (RuntimeError, ValueError, TypeError) as error:
                shapes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in batch.items())
                error.add_note(f"This happened when player {planned.label!r} moved, on the batch {shapes}.")
                raise
            planned.optimizer.step()
        if planned.move.after is not None:
            planned.move.after(*(self.players[name] for name in planned.move.movers))
        return loss.detach()

    @torch.no_grad()
    def _average(self):
        """Exponential moving average, quick at first so that the start is forgotten."""
        decay = min(self.decay, (1 + self.run.step) / (10 + self.run.step))
        mine, theirs = self.run.ema["g"].state_dict().values(), self.players["g"].state_dict().values()
        pairs = [(a, b) for a, b in zip(mine, theirs) if a.is_floating_point()]
        torch._foreach_lerp_([a for a, _ in pairs], [b for _, b in pairs], 1 - decay)

    def _refuse_nan(self):
        step, every = self.run.step, 1 if self.device.type == "cpu" else 50
        if step % every and step != self.run.steps:
            return
        first = max(0, step - every)
        recent = torch.stack([values[first:step] for values in self.run._losses.values()])
        if not recent.isfinite().all():
            at, who = (~recent.isfinite()).T.nonzero()[0].tolist()
            raise TrainingDiverged(first + at + 1, list(self.run._losses)[who], recent[who, at].item(), self.run)

    # -- outside the mathematics -----------------------------------------------------------------

    def _watcher(self):
        if self.watch is None:
            return lambda run: None
        from .live import Progress
        progress = Progress(self.run)
        if self.watch == "auto":
            return progress
        def report(run):
            self.watch(run)
            progress(run)
        report.close = progress.close
        return report

    def _state(self) -> dict:
        run = self.run
        return {
            "plan": {"moves": [m.label for m in self.moves], "players": sorted(self.players), "ema": self.decay,
                     "optimizers": [type(m.optimizer).__name__ for m in self.moves],
                     **{f"shapes of {name}": [list(w.shape) for w in net.state_dict().values()]
                        for name, net in self.players.items()}},
            "step": run.step, "seconds": run.seconds, "images": run.images,
            "losses": {name: values[:run.step] for name, values in run._losses.items()},
            "players": {name: net.state_dict() for name, net in self.players.items()},
            "ema": {name: net.state_dict() for name, net in run.ema.items()},
            "optimizers": [m.optimizer.state_dict() for m in self.moves],
            "random": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
            "samples": self.samples.state(),
        }

    def _save(self):
        if self.path is None:
            return
        try:
            checkpoints.save(self._state(), self.path)
        except OSError as error:
            print(f"Checkpoint not written ({error}); training goes on. Free some disk space.", flush=True)

    def _resume(self):
        if self.path is None or not checkpoints.Path(self.path).exists():
            return
        state, run = checkpoints.load(self.path, self._state()), self.run
        run.step, run.seconds, run.images = min(state["step"], run.steps), state["seconds"], state["images"]
        for name, values in state["losses"].items():
            run._losses[name][:run.step] = values[:run.step]
        for name, net in self.players.items():
            net.load_state_dict(state["players"][name])
        for name, net in run.ema.items():
            net.load_state_dict(state["ema"][name])
        for planned, optimizer in zip(self.moves, state["optimizers"]):
            planned.optimizer.load_state_dict(optimizer)
        torch.set_rng_state(state["random"])
        if state["cuda"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda"], self.device)
        self.samples.load_state(state["samples"])
        print(f"Continuing from {self.path} at step {run.step:,} of {run.steps:,}.", flush=True)


@dataclass
class _Planned:
    """A move with everything it needs at hand."""
    label: str
    move: object
    turn: Turn
    optimizer: torch.optim.Optimizer
    players: dict[str, nn.Module]
    batch: tuple[str, ...]


def _answer(z, x_fake):
    """g for one move of a round that reuses its fakes: it knows g(z) for this z only."""
    def g(noise):
        if noise is not z:
            raise ValueError('reuse="g" needs losses that call g on z itself, nothing else')
        return x_fake
    return g
