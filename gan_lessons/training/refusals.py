"""What `train` refuses before it begins, each with its remedy. All checks return nothing."""
from __future__ import annotations

import contextlib
import inspect
from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor, nn

from ..exact.checks import check_count, fits, told
from ..game import SHAPES_TELL, Game
from ..players.modes import evaluating
from ..players.networks import takes_labels
from .turns import refuse_shared_weights

PRECISIONS = ("highest", "medium", "bfloat16")


def check_request(asked):
    """What can be said from the arguments of `train` alone, which `asked` has by their names.

    `asked.turns` and `asked.decays` are dictionaries by now. ValueError, TypeError, NameError.
    """
    if not isinstance(asked.game, Game):
        raise TypeError('game is a Game, as Game({"f": critic_loss, "g": generator_loss}) or '
                        f"minimax(), not {told(asked.game)}")
    if not fits(asked.steps, least=1, whole=True):
        raise ValueError(f"steps must be a whole number above 0, not {told(asked.steps)}: "
                         "steps(laptop=1_000)")
    if not hasattr(asked.samples, "draw"):
        raise TypeError(f"samples come from batches(...), not from {type(asked.samples).__name__}: "
                        "batches(load_images())")
    for name, like in (("players", "dict(f=critic, g=generator)"), ("turns", '{"f": 5}')):
        if not isinstance(getattr(asked, name), Mapping):
            raise TypeError(f"{name} is a dictionary from players' symbols, as {like}, not "
                            f"{told(getattr(asked, name))}")
    if not (asked.watch in ("auto", None) or callable(asked.watch)) or isinstance(
            asked.watch, type):
        raise TypeError(f'watch is "auto", None or a function of the Run, not {asked.watch!r}')
    if callable(asked.watch):
        _check_call("watch", asked.watch, "the Run, as lambda run: print(run.step)")
    for move in asked.game.moves:
        if move.after is not None:
            _check_call(f"after of {move.player!r}", move.after, "the network that has moved, as "
                        "lambda f: …", len(move.movers))
    _check_players(asked.game, asked.players, getattr(asked.samples, "dtype", None))
    _check_moves({move.player for move in asked.game.moves}, asked.turns, asked.optimizer)
    if not all(name in asked.players and fits(decay, above=0, below=1)
               for name, decay in asked.decays.items()):
        raise ValueError("ema is the decay of an averaged copy of g, between 0 and 1, not "
                         f'{asked.ema!r}; for others, {{"g": .99, "l": .99}}')
    if asked.precision not in PRECISIONS:
        raise ValueError(f"precision is one of {', '.join(PRECISIONS)}, not {asked.precision!r}")
    if asked.reuse not in (None, "g"):
        raise ValueError(f'reuse is None or "g", not {asked.reuse!r}')
    _check_rate(asked.rate)
    if not fits(asked.seed, whole=True, least=-2 ** 63, most=2 ** 63 - 1):
        raise ValueError(f"seed = {told(asked.seed)}: a whole number, as 0; without one nobody can "
                         "draw the same again")
    check_count("threads", asked.threads, 1, 4096, "one for each core of the processor at most")
    if torch.is_inference_mode_enabled():
        raise ValueError("within torch.inference_mode() nothing learns: train outside of it")
    refuse_shared_weights(asked.players)
    if getattr(asked.samples, "batch", None) == 1:
        for name, net in asked.players.items():
            if any(isinstance(m, nn.BatchNorm1d) for m in net.modules()):
                raise ValueError(f"{name} has batch norm, and one sample has no spread: take more, "
                                 "as batches(..., batch=64)")
    _check_ends(asked.game, asked.players, asked.samples)


# Those read scores as they are; an objective of the reader's own may want anything
_LOGITS = ("minimax", "f_gan", "relativistic", "wasserstein", "wasserstein_divergence")
_SHAPING = (nn.Flatten, nn.Unflatten, nn.Identity, nn.Dropout)


def _check_ends(game, players, samples):
    """How critic and generator end, where that can be wrong in a game of the course.

    ValueError for a critic of several numbers a sample where one score is read. A line, once, for
    scores between 0 and 1 out of a sigmoid, which the losses take themselves, and for pictures
    between 0 and 1 where those of the data go from -1.
    """
    ours = {f"gan_lessons.objectives.{name}" for name in _LOGITS}
    if set(game.players) != {"f", "g"} or not all(
            getattr(move.bare, "__module__", None) in ours for move in game.moves):
        return
    f, g = players["f"], players["g"]
    last = _last_layer(f)
    if isinstance(last, nn.Sigmoid) or (isinstance(last, nn.Linear) and last.out_features > 1):
        scores = _tried(f, samples, "x")
        if scores is not None and scores.dim() == 2 and scores.shape[1] > 1:
            raise ValueError(f"f gives {scores.shape[1]} numbers for a sample, and this game reads "
                             "one score: end it with one output, as mlp_critic(...) does")
        if isinstance(last, nn.Sigmoid) and _between_0_and_1(scores):
            _say_once("f ends in a Sigmoid, and this game reads scores of any size, of which it "
                      "takes the sigmoid itself where one is needed: leave that layer out.")
    if isinstance(_last_layer(g), nn.Sigmoid) and _between_0_and_1(_tried(g, samples, "z")):
        x = _tried(lambda x: x, samples, "x")
        if x is not None and x.dim() == 4 and (x < 0).any():
            _say_once("g ends in a Sigmoid, and pictures go from -1 to 1: let it end in a Tanh.")


def _last_layer(net):
    """The last layer that computes something, in the order of their registration; None for none."""
    ends = [m for m in net.modules() if not (isinstance(m, _SHAPING) or list(m.children()))]
    return ends[-1] if ends else None


def _tried(function, samples, what: str):
    """function of two samples or noises, a tensor; None where that cannot be had: others say why.
    """
    net = function if isinstance(function, nn.Module) else None
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad(), (
                evaluating(net) if net is not None else contextlib.nullcontext()):
            given = samples.probe({what})[what]
            weight = next(net.parameters(), given) if net is not None else given
            made = function(given.to(weight.device))
        return made if isinstance(made, Tensor) else None
    except Exception:
        return None


def _between_0_and_1(made) -> bool:
    return made is not None and bool(((made >= 0) & (made <= 1)).all())


@lru_cache
def _say_once(line: str) -> None:
    print(line, flush=True)


def _check_rate(rate):
    """A rate is a function that gives a finite factor of 0 or more; else TypeError, ValueError."""
    if rate is None:
        return
    if not callable(rate):
        raise TypeError(f"rate is None or a function of the part of the training that is over, "
                        f"such as fading(), not {rate!r}")
    _check_call("rate", rate, "the part of the training that is over, as lambda t: 1 - t")
    for part in range(257):
        checked_rate(rate, part / 256)


def _check_call(name: str, function, what: str, many: int = 1):
    """TypeError for a function that cannot be called with so many arguments, where that can be
    told."""
    try:
        inspect.signature(function).bind(*[None] * many)
    except ValueError:                                   # of C: it will say so itself
        return
    except TypeError as error:
        given = "one argument" if many == 1 else f"{many} arguments"
        raise TypeError(f"{name} is called with {given}, {what}, and {told(function)} does not "
                        f"take that ({error})") from error


def checked_rate(rate, done: float) -> float:
    """rate(done), or the ValueError that names it: a rate may be wrong between two samples.
    TypeError for what takes something else than a number, and for what raises."""
    try:
        factor = rate(done)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise TypeError(f"rate = {told(rate)} cannot be called with {done:.4g}, the part of the "
                        f"training that is over ({error}): give a function such as fading()"
                        ) from error
    if not (isinstance(factor, bool) or fits(factor, least=0)):
        raise ValueError(f"rate({done:.4g}) is {told(factor)}: the factor of the learning rates "
                         "is a finite number of 0 or more, as that of fading()")
    return float(factor)


def _check_players(game, players, dtype):
    """NameError for a player who is missing, TypeError for one that is no network, ValueError for
    one whose weights have another dtype than the samples, or no numbers that can learn."""
    if missing := [name for name in game.players if name not in players]:
        raise NameError(f"the game is played by {', '.join(game.players)}; players lacks "
                        f"{', '.join(missing)}")
    for name, net in players.items():
        if not isinstance(net, nn.Module):
            remedy = f": call it, {net.__name__}(...)" if hasattr(net, "__name__") else ""
            raise TypeError(f"player {name!r} must be a torch Module, not {type(net).__name__}"
                            + remedy)
        if any(isinstance(w, nn.parameter.UninitializedTensorMixin) for w in net.parameters()):
            raise ValueError(f"player {name!r} has layers that take their shape from the first "
                             "sample (nn.Lazy…): hand it one before the training, as in net(x)")
        if any(w.is_meta for w in [*net.parameters(), *net.buffers()]):
            raise ValueError(f"player {name!r} has shapes and no numbers yet: build it outside of "
                             "torch.device(\"meta\")")
        if any(w.is_inference() for w in net.parameters()):
            raise ValueError(f"player {name!r} was made within torch.inference_mode(), and can "
                             "never learn: build it outside of it")
        strange = {w.dtype for w in net.parameters()
                   if w.is_floating_point() or w.is_complex()} - {dtype}
        if dtype is not None and strange:
            raise ValueError(f"player {name!r} has weights in {strange.pop()}, batches are in "
                             f"{dtype}: {name}.float(), or build it before "
                             "torch.set_default_dtype(...)")


def _check_moves(movers: set[str], turns, optimizer):
    """Turns and optimisers are those of the game's `movers`, and are what they should be."""
    by_player = optimizer if isinstance(optimizer, Mapping) else {}
    for what, names in (("turns", turns), ("optimizer", by_player)):
        if unknown := set(names) - movers:
            raise NameError(f"{what} names {', '.join(sorted(unknown))}; the moves are "
                            f"{', '.join(sorted(movers))}")
    factories = [optimizer]
    if isinstance(optimizer, Mapping):
        factories = list(optimizer.values())
        if lacking := movers - set(optimizer):
            raise NameError(f"optimizer lacks {', '.join(sorted(lacking))}")
    if not all(map(callable, factories)):
        raise TypeError("optimizer makes an optimiser from the weights of a player, as adam(2e-4) "
                        f"or partial(torch.optim.SGD, lr=.1) do; this is {told(optimizer)}")
    if not all(fits(n, least=1, most=10_000, whole=True) for n in turns.values()):
        raise ValueError(f"turns are whole numbers above 0, up to 10,000, not {turns}")


REMEDY = "give adam(2e-4), rmsprop() or partial(torch.optim.SGD, lr=.1)"


def no_step(error, label: str) -> ValueError:
    """What to raise where an optimiser cannot move the weights, for its own settings as a rule."""
    return ValueError(f"the optimizer of player {label!r} cannot move its weights "
                      f"({type(error).__name__}: {error}): see its settings, or {REMEDY}")


def made_optimizer(factory, weights, label: str):
    """The optimiser that a factory makes of the weights of player `label`.

    TypeError for a factory that makes something else or cannot be called so, ValueError for its
    arguments.
    """
    remedy = REMEDY
    try:
        made = factory(weights)
    except (TypeError, ValueError, AttributeError, RuntimeError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"the optimizer of player {label!r} cannot be made ({error}): {remedy}") \
            from error
    if not isinstance(made, torch.optim.Optimizer):
        raise TypeError(f"optimizer made {told(made)} for player {label!r}, no optimiser: "
                        f"{remedy}")
    if isinstance(made, torch.optim.SparseAdam):
        raise TypeError(f"SparseAdam moves weights by sparse gradients alone, and player {label!r} "
                        f"has dense ones: {remedy}")
    needed = [one for one in inspect.signature(made.step).parameters.values()
              if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD]
    if needed:
        raise TypeError(f"{type(made).__name__} of player {label!r} asks for the loss several "
                        f"times in one step ({needed[0]}), and train computes it once: {remedy}")
    return made


def check_loss(loss):
    """ValueError for what a loss returned, unless it is one number with a gradient."""
    if isinstance(loss, Tensor) and loss.dim() == 0 and loss.is_complex():
        raise ValueError("a loss returns one real number, this one is complex: take its .real")
    if not isinstance(loss, Tensor) or loss.dim():
        shape = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        remedy = ("take its .mean()" if isinstance(loss, Tensor) else "write return before it"
                  if loss is None else "return one tensor, as it is, without .item() or float()")
        raise ValueError(f"a loss returns one number, this one {shape}: {remedy}")
    if not loss.requires_grad:
        raise ValueError("this loss does not depend on the weights of its player: look for a "
                         ".detach(), a no_grad() or the wrong player in it")


def check_reached(optimizer, label: str):
    """ValueError where a backward pass has reached none of the weights that an optimiser moves: the
    loss played with another network, as one of an earlier cell."""
    if all(w.grad is None for group in optimizer.param_groups for w in group["params"]):
        raise ValueError(f"the loss of player {label!r} does not depend on its weights, but on "
                         "those of another network: take the player from the arguments of the "
                         "loss, not from outside")


def check_reuse(schedule, labelled: bool = False):
    """`schedule`: the moves of a round; its last two are another player's and g's, on the same
    noise and, where g takes labels, the same labels. ValueError where they are not.
    """
    *_, critic, generator = [None, *schedule]                # None where nobody moves before g
    if not (critic and generator.move.player == "g" != critic.move.player and all(
            "g" in m.players and "z" in m.batch for m in (critic, generator))):
        raise ValueError('reuse="g" needs a game in which g moves last, once, and both its loss '
                         "and that of the player before it ask for g and z")
    if labelled and not {"y", *generator.batch} <= set(critic.batch):
        raise ValueError('reuse="g" with labels needs a player before g that asks for y and all '
                         "that g asks for")


def check_shapes(players, samples, movers: set[str], asked: set[str]):
    """Two samples through critic and generator: ValueError for what would not fit, or would
    broadcast silently. Only for games of a critic, f or l, against g; others say themselves what
    they feed to whom.
    """
    if asked - {"y", "u"} != {"x", "z"} or movers not in ({"f", "g"}, {"l", "g"}):
        return
    critic, = movers - {"g"}
    there = getattr(samples, "classes", None)
    for name in (critic, "g"):
        _check_classes(name, getattr(players[name], "classes", None), "y" in asked, there)
    if "y" in asked and (absent := getattr(samples, "absent", ())):
        more = f" and {len(absent) - 8} more" if len(absent) > 8 else ""
        raise ValueError(f"no sample of class {', '.join(map(str, absent[:8]))}{more} to learn "
                         "from: leave what is missing out of the classes and number the others "
                         "from 0, or give a set that has them all")
    with contextlib.ExitStack() as stack:                    # the try leaves no trace anywhere
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(torch.no_grad())
        for net in players.values():
            stack.enter_context(evaluating(net))
        probe = samples.probe(asked)
        x_fake = _try(players["g"], "g", probe, "z", "noise",
                      "set z=Normal(dim=...) in batches(...) to what g takes")
        if not isinstance(x_fake, Tensor):
            raise ValueError(f"g returns {type(x_fake).__name__}: it makes a tensor of samples, "
                             "(n, …); look at the return of its forward")
        x = probe["x"]
        if x.shape[1:] != x_fake.shape[1:]:
            raise ValueError(f"g makes samples of shape {tuple(x_fake.shape[1:])}, the data have "
                             f"{tuple(x.shape[1:])}: choose a generator for that size")
        scores = _try(players[critic], critic, probe, "x", "samples",
                      "choose a critic for that size")
        if not isinstance(scores, Tensor) or not scores.dim():
            kind = "one number for all" if isinstance(scores, Tensor) else type(scores).__name__
            raise ValueError(f"{critic} returns {kind}: it scores each sample, a tensor (n,) for n "
                             "of them; look at the return of its forward")
        if scores.dim() > 1 and scores[0].numel() == 1:
            shape = ", ".join(["n", *map(str, scores.shape[1:])])
            raise ValueError(f"{critic} returns shape ({shape}), which broadcasts against (n,) "
                             "without a word: end the critic with .flatten() or nn.Flatten(0)")
        if "u" in asked:
            _check_unlabelled(critic, players[critic], scores, probe, there)


def _check_unlabelled(name: str, critic, scores, probe, there: int | None):
    """Labelled and unlabelled samples alike; one class logit for each class of the data."""
    if probe["u"].shape != probe["x"].shape:
        raise ValueError(f"unlabelled samples have shape {tuple(probe['u'].shape[1:])}, labelled "
                         f"ones {tuple(probe['x'].shape[1:])}: both come from one kind of data")
    classifies = "y" in probe and not takes_labels(critic)
    if classifies and there is not None and scores.shape[1:] != (there,):
        raise ValueError(f"{name} gives {tuple(scores.shape[1:])} for a sample, the data have "
                         f"{there} classes: build it with outputs={there}")


def _check_classes(name: str, classes: int | None, labelled: bool, there: int | None):
    """A network for `classes` labels plays a game that has labels, and as many as the data."""
    if classes is not None and not labelled:
        raise ValueError(f"{name} takes labels, and no loss of this game asks for y: play "
                         "conditional(game)")
    if None not in (classes, there) and classes != there:
        raise ValueError(f"{name} is built for {classes} classes, the data have {there}: give it "
                         f"classes={there}")


def _try(net, name: str, probe, what: str, called: str, remedy: str):
    """net(probe[what]), with the labels for a network that takes them."""
    labels = [probe["y"]] if takes_labels(net) else []
    try:
        return net(probe[what], *labels)
    except NotImplementedError as error:
        raise ValueError(f"{name} computes nothing ({error}): give its class a method forward") \
            from error
    except SHAPES_TELL as error:
        why = error.__cause__ if isinstance(error, ValueError) else error
        if not isinstance(why, SHAPES_TELL):             # a refusal that says all itself
            raise
        shape = tuple(probe[what].shape[1:])
        label = " and a label" if labels else ""
        raise ValueError(f"{name} cannot take {called} of shape {shape}{label} ({why}): "
                         f"{remedy}") from why
