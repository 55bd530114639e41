"""The one loop that plays every game. Introduced in notebooks/01_minimax.ipynb.

    run = train(non_saturating(), dict(f=critic, g=generator), batches(load_images()), steps=1_000)
"""
from __future__ import annotations

import contextlib
import copy
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from ..data.files import remedy, sweep
from ..game import Game, Move, of_labels
from ..players.networks import takes_labels
from . import checkpoints
from .again import remember, trained_before
from .devices import choose
from .held import put_back, standing
from .optimizers import adam
from .plan import hashes, plan
from .refusals import (
    check_loss,
    check_reached,
    check_request,
    check_reuse,
    check_shapes,
    checked_rate,
    made_optimizer,
    no_step,
)
from .run import Run, TrainingDiverged
from .settings import bfloat16_pays, process_settings, stop_button
from .turns import Turn

SAVE_EVERY = 30.0           # seconds between two checkpoints
LOOK_EVERY = 50             # steps between two looks at the losses on an accelerator


def train(game: Game, players: Mapping[str, nn.Module], samples, *, steps: int,
          turns: Mapping[str, int] | None = None, optimizer=adam(), watch="auto", ema=None,
          device="auto", seed: int = 0, checkpoint=None, precision: str = "medium",
          threads: int = 1, reuse: str | None = None, rate=None) -> Run:
    """Play `game` for `steps` rounds and return the Run.

    The stop button, or Ctrl-C in a terminal (SIGINT), ends it after the round under way, and
    returns the run so far.

    It trains the networks that it is given, not copies of them: they and the samples are moved to
    `device` and stay there, and the players of the game are left in training mode.

    players: symbol -> network; samples: from `batches(...)`; turns: moves per round, {"f": 5}
    optimizer: parameters -> optimiser, or one such per player, {"f": adam(4e-4), "g": adam(1e-4)}
    watch: "auto" shows progress, None is silent, a function is called with the Run after each round
    ema: decay of an averaged copy of g, which `run.samples` then uses; or player -> decay,
        {"g": .99, "l": .99}
    device: "auto" is what $GAN_LESSONS_DEVICE says, else a CUDA device where there is one that can
        compute, else the CPU
    seed: of all that the networks draw themselves, as dropout; batches have a seed of their own
    checkpoint: a file, written now and then and at the end; if it exists, training continues from
        it bit-identically
    precision: "highest" float32, "medium" (float32 products may round; fast), "bfloat16" (autocast;
        "medium" where the processor has no bfloat16). Under a penalty on slopes use "highest".
    threads: of the CPU, for the time of the training
    reuse: "g" lets the generator move on the very fakes that the player before it has just seen, so
        that g(z) is computed once a round.
    rate: factor of all learning rates, a function of the part of the training that is over, from 0
        to 1: `fading()`; None leaves them as they are

    ValueError, NameError, TypeError: no steps, unknown names, shared weights, shapes that do not
    fit; CheckpointError: a file that is broken or another training's; TrainingDiverged: a loss
    that is NaN or infinite.
    """
    asked = SimpleNamespace(**locals())        # all arguments by name, so that none is listed again
    asked.turns = {} if turns is None else turns
    asked.decays = {} if ema is None else dict(ema) if isinstance(ema, Mapping) else {"g": ema}
    return _Loop(asked).play()


@dataclass
class _Planned:
    """A move with everything it needs at hand."""

    label: str                                 # the player, "f", or "f₂" for its second move
    move: Move
    turn: Turn
    optimizer: torch.optim.Optimizer
    players: dict[str, nn.Module]              # what its loss asks for: networks,
    batch: tuple[str, ...]                     # and parts of a batch


class _Loop:
    """One training: everything that can be refused is refused here, then `play` plays it."""

    def __init__(self, asked):
        check_request(asked)
        asked.steps, asked.seed, asked.threads = map(int, (asked.steps, asked.seed, asked.threads))
        asked.turns = {player: int(n) for player, n in asked.turns.items()}    # not of NumPy
        self.asked, self.game = asked, asked.game
        self.device = choose(asked.device)
        self.players = {name: net.to(self.device) for name, net in asked.players.items()}
        self.samples = asked.samples.to(self.device)
        self.precision = asked.precision
        if self.precision == "bfloat16" and not bfloat16_pays(self.device):
            self.precision = "medium"
        for name in self.game.players:                       # who never moves keeps its mode
            self.players[name].train()
        self.moves = list(self._planned_moves())
        self.schedule = [planned for planned in self.moves
                         for _ in range(asked.turns.get(planned.move.player, 1))]
        self.rates = [] if asked.rate is None else [
            LambdaLR(planned.optimizer, lambda done: checked_rate(asked.rate, done / asked.steps))
            for planned in self.moves]
        # before anything is tried out: what a hook remembers of a try belongs to no training
        self.plan = None if asked.checkpoint is None else self._plan()
        if asked.reuse:
            check_reuse(self.schedule, labelled=takes_labels(self.players["g"]))
        check_shapes(self.players, self.samples, set(self.game.players),
                     {name for planned in self.moves for name in planned.batch})
        self.run = Run(self.players, self.samples, asked.steps, self.device)
        # Losses stay on the device, because fetching a number waits for it; MPS has no float64.
        kind = torch.float32 if self.device.type == "mps" else torch.float64
        self.run._losses = {planned.label: torch.zeros(asked.steps, dtype=kind, device=self.device)
                            for planned in self.moves}
        for name in asked.decays:
            self.run.ema[name] = copy.deepcopy(self.players[name]).requires_grad_(False)
        self.target = checkpoints.target(asked.checkpoint)

    def _plan(self) -> dict:
        """What a checkpoint is compared by; a line names what it cannot compare."""
        unseen, self.generators = set(), []
        made = plan(self, unseen, self.generators)
        if unseen:
            print(f"cannot be compared: {', '.join(sorted(unseen))}. A checkpoint takes another "
                  "one for the same.", flush=True)
        return made

    def _planned_moves(self):
        """A `_Planned` for each move of the game; an optimiser each, with a memory of its own."""
        optimizer = self.asked.optimizer
        known, before = [*self.players, *self.samples.names], []
        for move in self.game.moves:
            asks = move.asks(known)
            label = move.player + " ₂₃₄₅₆₇₈₉"[before.count(move.player)].strip()
            before.append(move.player)
            weights = [w for name in move.movers for w in self.players[name].parameters()
                       if w.requires_grad]
            if not weights:
                raise ValueError(f"player {move.player!r} has no weights that may move: leave it "
                                 "out of the game, or unfreeze it with .requires_grad_(True)")
            factory = optimizer[move.player] if isinstance(optimizer, Mapping) else optimizer
            yield _Planned(label, move, Turn(move.movers, self.players),
                           made_optimizer(factory, weights, label),
                           players={n: self.players[n] for n in asks if n in self.players},
                           batch=tuple(n for n in asks if n not in self.players))

    # -- the loop itself -------------------------------------------------------------------------

    def play(self) -> Run:
        """All rounds that are left, or as many as there are before SIGINT or a NaN comes."""
        run = self.run
        with contextlib.ExitStack() as stack:
            stack.enter_context(process_settings(self.precision, self.asked.threads, self.device))
            torch.manual_seed(self.asked.seed)
            self._resume()
            resumed = run.step
            self._tell_who_is_trained()
            report, close = self._watchers()
            stopped = stack.enter_context(stop_button())
            saved, began = time.monotonic(), time.perf_counter() - run.seconds
            try:
                while run.step < run.steps and not stopped:      # the round under way is finished
                    self._round()
                    run.step += 1
                    run.seconds = time.perf_counter() - began
                    self._refuse_nan()
                    report(run)
                    if self.target is not None and time.monotonic() - saved > SAVE_EVERY:
                        self._refuse_nan(now=True)               # no checkpoint ever holds one
                        self._save()
                        saved = time.monotonic()
            finally:
                run.interrupted = run.step < run.steps
                remember(self._movers(), self._kind())
                close(run)
            if run.step > resumed:                               # else the file is as it should be
                self._refuse_nan(now=True)
                self._save()
        if run.interrupted:
            print(f"Stopped at step {run.step:,} of {run.steps:,}: the run so far is kept.",
                  flush=True)
        return run

    def _round(self):
        """Every move of the schedule once; with `reuse` the last two share noise and fakes."""
        alone = self.schedule[:-2] if self.asked.reuse else self.schedule
        for planned in alone:
            self._move(planned, planned.players, self.samples.draw(set(planned.batch)))
        if self.asked.reuse:
            self._two_moves_on_the_same_fakes(*self.schedule[-2:])
        if self.asked.decays:
            self._average()
        for rate in self.rates:
            rate.step()

    def _two_moves_on_the_same_fakes(self, critic: _Planned, generator: _Planned):
        """g(z), or g(z, y), is computed once: the critic gets it detached, g's move with its graph.

        It is computed as in g's own move, before the critic's: g's batch norm and spectral norm
        count it once, and g's weights do not change in between.
        """
        batch = self.samples.draw(set(critic.batch))
        labelled = takes_labels(self.players["g"])
        given = (batch["z"], batch["y"]) if labelled else (batch["z"],)
        with generator.turn, self._autocast():
            x_fake = self.players["g"](*given)
        answer = _answer(self.players["g"], given, x_fake.detach())
        self._move(critic, critic.players | {"g": answer}, batch)

        # A fake keeps its label, and with y goes the x that bears it. Without labels only the
        # noise is the same: a generator's loss that asks for x gets new ones, as without reuse.
        shared = batch if labelled else {"z": batch["z"]}
        kept = {name: shared[name] for name in generator.batch if name in shared}
        batch = self.samples.draw(set(generator.batch) - kept.keys()) | kept
        answer = _answer(self.players["g"], given, x_fake)
        self._move(generator, generator.players | {"g": answer}, batch)

    def _autocast(self):
        return torch.autocast(self.device.type, torch.bfloat16,
                              enabled=self.precision == "bfloat16")

    def _move(self, planned: _Planned, players, batch):
        """One player moves: loss, gradient, step, and what the game wants `after`."""
        with planned.turn:
            try:
                with self._autocast():
                    loss = planned.move.bare(**players, **batch)
                check_loss(loss)
                planned.optimizer.zero_grad()
                loss.backward()
                check_reached(planned.optimizer, planned.label)
            except Exception as error:
                shapes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in batch.items())
                error.add_note(f"This happened when player {planned.label!r} moved, on the batch "
                               f"{shapes}.")
                if isinstance(error, RuntimeError) and re.search("shape|size of", str(error)):
                    error.add_note("Two shapes do not fit: what a network is given, and what it "
                                   "was built for, or what a loss subtracts. See what g makes.")
                if isinstance(error, TypeError) and (cure := of_labels(error)):
                    error.add_note(f"{cure[0].upper()}{cure[1:]}.")
                if "backward through the graph a second time" in str(error):
                    error.add_note("train calls .backward() itself: leave it out of the loss.")
                raise
            try:
                planned.optimizer.step()
            except (TypeError, ValueError, AssertionError, AttributeError) as error:
                raise no_step(error, planned.label) from error
        if planned.move.after is not None:
            planned.move.after(*(self.players[name] for name in planned.move.movers))
        self.run._losses[planned.label][self.run.step] = loss.detach()
        self.run.images += len(batch["x"]) if "x" in batch else 0

    @torch.no_grad()
    def _average(self):
        """Exponential moving averages of the weights: mine <- d · mine + (1 - d) · theirs.

        d = min(decay, (1 + t) / (10 + t)) after round t: .1 at first, .5 at t = 8, near 1 after
        hundreds of rounds. With `decay` from the start, an average of .999 would hold random
        weights for thousands of rounds.
        """
        for name, decay in self.asked.decays.items():
            decay = min(decay, (1 + self.run.step) / (10 + self.run.step))
            mine = self.run.ema[name].state_dict().values()
            theirs = self.players[name].state_dict().values()
            pairs = [(a, b) for a, b in zip(mine, theirs) if a.is_floating_point()]    # no counters
            torch._foreach_lerp_([a for a, _ in pairs], [b for _, b in pairs], 1 - decay)

    def _refuse_nan(self, now: bool = False):
        """TrainingDiverged if a loss since the last look is NaN or infinite.

        On the CPU every step is looked at. An accelerator would have to wait for each number, so
        there `LOOK_EVERY` steps are looked at together, and the rest when it must be known `now`.
        """
        step, every = self.run.step, 1 if self.device.type == "cpu" else LOOK_EVERY
        if step % every and not now:
            return
        first = max(0, step - every)
        recent = torch.stack([values[first:step] for values in self.run._losses.values()])
        finite = recent.isfinite()                                           # (moves, steps)
        if not finite.all():
            at, who = (~finite).T.nonzero()[0].tolist()                      # the earliest step
            raise TrainingDiverged(first + at + 1, list(self.run._losses)[who],
                                   recent[who, at].item(), self.run)

    # -- outside the mathematics -----------------------------------------------------------------

    def _watchers(self):
        """What is called with the Run after every round, and what is called with it at the end."""
        watch = self.asked.watch
        if watch is None:
            return (lambda run: None), (lambda run: None)
        from .progress import Progress
        progress = Progress(self.run)
        if watch == "auto":
            return progress, progress.close

        def report(run):
            watch(run)
            progress(run)
        return report, progress.close

    def _tell_who_is_trained(self):
        """One line where this very training is played again on the networks that it has left."""
        if self.target is None and self.asked.watch is not None and trained_before(
                self._movers(), self._kind()):
            print(f"{', '.join(self.game.players)} come trained by this very game: it goes on from "
                  "there. To start afresh make them anew.", flush=True)

    def _movers(self) -> list[nn.Module]:
        return [self.players[name] for name in self.game.players]

    def _kind(self) -> tuple:
        """What tells a cell that is run twice from another training of the same networks."""
        return tuple((planned.label, getattr(planned.move.bare, "__code__", None),
                      repr(planned.optimizer.defaults)) for planned in self.schedule)

    def _state(self) -> dict:
        """All that a checkpoint needs to continue exactly, and in `plan` what makes it this one."""
        run = self.run
        return {
            "plan": self.plan,
            "left": hashes(self),                    # of the plan what the run itself has changed
            "step": run.step,
            "seconds": run.seconds,
            "images": run.images,
            "losses": {name: values[:run.step] for name, values in run._losses.items()},
            "players": {name: net.state_dict() for name, net in self.players.items()},
            "ema": {name: net.state_dict() for name, net in run.ema.items()},
            "optimizers": [planned.optimizer.state_dict() for planned in self.moves],
            "rates": [rate.state_dict() for rate in self.rates],
            "random": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
            "samples": self.samples.state(),
            "generators": [standing(one) for one in self.generators],     # held by a loss or a law
        }

    def _save(self):
        """A checkpoint; a full disk is told and ends no training."""
        if self.target is None:
            return
        try:
            checkpoints.save(self._state(), self.target)
        except (OSError, checkpoints.CheckpointError) as error:
            cure = f": {remedy(error)}" if isinstance(error, OSError) else ""
            print(f"Checkpoint not written ({error}); training goes on{cure}.", flush=True)

    def _resume(self):
        """Continue from the checkpoint if there is one: every memory is put back, of weights,
        averages, optimisers, and of all that draws at random, so that no bit differs from a
        training that was never stopped.
        """
        path = self.target
        if path is None or not path.exists():
            return
        sweep(path.resolve().parent)                 # what a killed training left beside it
        run, like = self.run, self._state()
        state = checkpoints.load(path, like)
        optimizers = [planned.optimizer for planned in self.moves]
        if isinstance(state["step"], int) and state["step"] > run.steps:
            raise checkpoints.CheckpointError(
                f"{path} holds {state['step']:,} steps, and steps={run.steps:,} are asked for: ask "
                "for as many or more, or use another file name")
        checkpoints.refuse_misfit(state, like, optimizers, self.samples, path)
        try:
            for generator, stood in zip(self.generators, state["generators"]):
                put_back(generator, stood)
        except Exception as error:                           # of whatever kind its package has
            raise checkpoints.CheckpointError(
                f"{path} does not say where a random generator stood ({error}); "
                f"{checkpoints.AFRESH}") from error
        self.plan, run.step = state["plan"], state["step"]
        run.seconds, run.images = state["seconds"], state["images"]
        for name, values in state["losses"].items():
            run._losses[name][:run.step] = values
        for name, net in self.players.items():
            net.load_state_dict(state["players"][name])
        for name, net in run.ema.items():
            net.load_state_dict(state["ema"][name])
        for optimizer, memory in zip(optimizers, state["optimizers"]):
            optimizer.load_state_dict(memory)
        for rate, saved in zip(self.rates, state["rates"]):
            rate.load_state_dict(saved)
        torch.set_rng_state(state["random"])
        if state["cuda"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda"], self.device)
        print(f"Continuing from {path} at step {run.step:,} of {run.steps:,}.", flush=True)


def _answer(net, given, x_fake):
    """Stands for g in a move that reuses fakes: it knows `x_fake` = g(*given), and nothing else.

    Asked for anything but the very tensors in `given` it refuses with a ValueError: another answer
    would be another fake, and the two moves would no longer be about the same ones.
    """
    def g(*asked):
        if len(asked) != len(given) or any(a is not b for a, b in zip(asked, given)):
            raise ValueError('reuse="g" needs losses that call g on z itself, with its own label y '
                             "if it takes one")
        return x_fake
    if takes_labels(net):
        g.classes = net.classes                  # losses ask it whether to hand over labels
    return g
