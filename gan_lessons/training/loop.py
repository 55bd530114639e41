"""The one loop that plays every game. Introduced in notebooks/01_minimax.ipynb.

    run = train(non_saturating(), dict(f=critic, g=generator), batches(load_images()), steps=1_000)
"""
from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..game import Game
from ..players.networks import takes_labels
from . import checkpoints
from .optimizers import adam
from .refusals import check_request, check_reuse, check_shapes
from .run import Run, TrainingDiverged
from .settings import bfloat16_pays, process_settings, stop_button
from .turns import Turn


def train(game: Game, players: Mapping[str, nn.Module], samples, *, steps: int,
          turns: Mapping[str, int] | None = None, optimizer=adam(), watch="auto", ema=None,
          device="auto", seed: int = 0, checkpoint=None, precision: str = "medium", threads: int = 1,
          reuse: str | None = None) -> Run:
    """Play `game` for `steps` rounds and return the Run. Stopping it (SIGINT) returns the run so far.

    players: symbol -> network · samples: from `batches(...)` · turns: moves per round, {"f": 5}
    optimizer: parameters -> optimiser, or one such per player, {"f": adam(4e-4), "g": adam(1e-4)}
    watch: "auto" shows progress, None is silent, a function is called with the Run after every round
    ema: decay of an averaged copy of g, which `run.samples` then uses; or player -> decay, {"g": .99, "l": .99}
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
        check_request(game, players, samples, steps, turns, optimizer, watch, ema, precision, reuse)
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
        if reuse:
            check_reuse(self.schedule, labelled=takes_labels(self.players["g"]))
        check_shapes(self.players, self.samples, set(game.players), {n for m in self.moves for n in m.batch})
        kind = torch.float32 if self.device.type == "mps" else torch.float64
        self.run = Run(self.players, self.samples, steps, self.device)
        self.run._losses = {m.label: torch.zeros(steps, dtype=kind, device=self.device) for m in self.moves}
        self.decay = ema
        for name in _decays(ema):
            self.run.ema[name] = copy.deepcopy(self.players[name]).requires_grad_(False)

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
                        self._refuse_nan(now=True)               # no checkpoint ever holds one
                        self._save()
                        saved = time.monotonic()
            finally:
                run.interrupted = run.step < run.steps
                getattr(report, "close", lambda run: None)(run)
            if run.step > resumed:
                self._refuse_nan(now=True)
                self._save()
        if run.interrupted:
            print(f"Stopped at step {run.step:,} of {run.steps:,}: the run so far is kept.", flush=True)
        return run

    def _round(self):
        reused, left = {}, len(self.schedule)
        for planned in self.schedule:
            kept = {name: reused[name] for name in planned.batch if name in reused}
            batch, players = self.samples.draw(set(planned.batch) - kept.keys()) | kept, planned.players
            left -= 1
            if self.reuse and left == 1:                          # the player before g
                labelled = takes_labels(players["g"])
                reused = batch if labelled else {"z": batch["z"]}     # a fake keeps its label, and x goes with y
                given = [batch[name] for name in ("z", "y")[:1 + labelled]]
                x_fake = self._fakes(*given)
                players = {**players, "g": _answer(players["g"], given, x_fake.detach())}
            elif reused:
                players = {**players, "g": _answer(players["g"], given, x_fake)}
            self.run._losses[planned.label][self.run.step] = self._move(planned, players, batch)
            self.run.images += len(batch["x"]) if "x" in batch else 0
        if self.decay is not None:
            self._average()

    def _fakes(self, *given) -> Tensor:
        """g(z), or g(z, y), with its graph, computed as in g's own move; the critic gets it as a constant."""
        with self.moves[-1].turn, self._autocast():
            return self.players["g"](*given)

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
        for name, decay in _decays(self.decay).items():
            decay = min(decay, (1 + self.run.step) / (10 + self.run.step))
            mine, theirs = self.run.ema[name].state_dict().values(), self.players[name].state_dict().values()
            pairs = [(a, b) for a, b in zip(mine, theirs) if a.is_floating_point()]
            torch._foreach_lerp_([a for a, _ in pairs], [b for _, b in pairs], 1 - decay)

    def _refuse_nan(self, now: bool = False):
        """Looks at every loss; on an accelerator, where looking waits, at fifty together or `now`."""
        step, every = self.run.step, 1 if self.device.type == "cpu" else 50
        if step % every and not now:
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
        from .progress import Progress
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
            "plan": {"moves": [m.label for m in self.moves], "round": [m.label for m in self.schedule],
                     "players": sorted(self.players), "ema": self.decay, "seed": self.seed,
                     "batch": getattr(self.samples, "batch", None),
                     "optimizers": [type(m.optimizer).__name__ for m in self.moves],
                     "learning rates": [m.optimizer.defaults.get("lr") for m in self.moves],
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


def _decays(ema) -> dict[str, float]:
    """player -> decay of its average."""
    return {} if ema is None else dict(ema) if isinstance(ema, Mapping) else {"g": ema}


@dataclass
class _Planned:
    """A move with everything it needs at hand."""
    label: str
    move: object
    turn: Turn
    optimizer: torch.optim.Optimizer
    players: dict[str, nn.Module]
    batch: tuple[str, ...]


def _answer(net, given, x_fake):
    """g for one move of a round that reuses its fakes: it knows g(z), or g(z, y), for what was given only."""
    def g(*asked):
        if len(asked) != len(given) or any(mine is not theirs for mine, theirs in zip(asked, given)):
            raise ValueError('reuse="g" needs losses that call g on z itself, with its own label y if it takes one')
        return x_fake
    if takes_labels(net):
        g.classes = net.classes
    return g
