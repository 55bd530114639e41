"""An objective is a game: for each player, the loss that it alone minimises.

    Game({"f": critic_loss, "g": generator_loss})                        players in order of play
    Game([Move("f", critic_loss, after=clip), Move("g", generator_loss)])
    Game([Move("e d", negative_elbo)])                                   two players move together

A loss asks for what it needs by the names of its arguments: players (f l g e d a …) and parts of
a batch (x y u z). Arguments with a default are optional. Introduced in
notebooks/00_start_here.ipynb.
"""
from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

MOST = 1_000            # moves of a game, names: some iterables never end


def arguments(loss: Callable) -> Mapping[str, inspect.Parameter]:
    """What a loss asks for: name -> `inspect.Parameter`, in order.

    They are read off its signature. A loss that is made of another one, such as those of
    `conditional(game)`, has no signature of its own to read and says them itself, as the mapping
    `loss.arguments`. ValueError or TypeError where there is neither.
    """
    if hasattr(loss, "arguments"):
        return loss.arguments
    if not callable(loss):
        raise TypeError(f"a loss is a function of named arguments, not {_kind(loss)}")
    return inspect.signature(loss).parameters


@dataclass(frozen=True)
class Move:
    """One player's turn: minimise `loss` over the weights of `player`.

    player: a symbol such as "f", or several ("e d") that move together.
    loss: function whose argument names say what it needs, returns a scalar Tensor.
    after: called with the player's network once its weights have moved, for example to clip them.
    `move.loss` is to be called by hand, and says by name what it cannot take, as `game["f"]` does;
    `move.bare` is the loss as it was given, which a training calls.
    TypeError for a loss that is no function of named arguments, NameError, in `asks`, for a name
    that nobody provides. Introduced in notebooks/00_start_here.ipynb.
    """

    player: str
    loss: Callable[..., Tensor] = field(compare=False)
    after: Callable[[nn.Module], None] | None = None
    bare: Callable[..., Tensor] = field(init=False, repr=False)

    def __post_init__(self):
        given = self.loss
        object.__setattr__(self, "loss", _plain(given))
        if not callable(self.loss) or not isinstance(self.player, str) or not self.player.split():
            raise TypeError("Move takes a player's symbol and its loss, "
                            f"not {self.player!r}, {self.loss!r}")
        if isinstance(self.loss, nn.Module) or isinstance(self.loss, type):
            raise TypeError(f"the loss of {self.player!r} is a function such as lambda f, x: "
                            f"f(x).mean(), not a network: {_kind(self.loss)}")
        if self.after is not None and not callable(self.after):
            raise TypeError(f"after is a function of the player's network, not {_kind(self.after)}")
        if any(a.kind in (a.VAR_POSITIONAL, a.VAR_KEYWORD) for a in arguments(self.loss).values()):
            raise TypeError(f"the loss of {self.player!r} must name its arguments: "
                            "no *args, no **kwargs")
        object.__setattr__(self, "bare", self.loss)
        object.__setattr__(self, "loss", by_hand(self.bare) if given is self.bare else given)

    def __reduce__(self):                                # pickle finds a function by its name
        home = sys.modules.get(getattr(self.bare, "__module__", None))
        named = getattr(home, getattr(self.bare, "__name__", ""), None)
        return Move, (self.player, named if _plain(named) is self.bare else self.bare, self.after)

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """The names that the loss cannot do without: its arguments that have no default."""
        return tuple(n for n, a in arguments(self.bare).items() if a.default is a.empty)

    @cached_property
    def optional(self) -> tuple[str, ...]:
        """The names that the loss takes where somebody provides them."""
        return tuple(n for n, a in arguments(self.bare).items() if a.default is not a.empty)

    @property
    def movers(self) -> tuple[str, ...]:
        """The players that move: ("e", "d") for "e d"."""
        return tuple(self.player.split())

    def asks(self, known: Iterable[str]) -> tuple[str, ...]:
        """The names to hand to the loss, out of `known`.

        NameError, listing the known ones, if one that it needs is missing.
        """
        known = tuple(itertools.islice(known, MOST))
        for name in self.needs:
            if name not in known:
                raise NameError(f"the loss of player {self.player!r} asks for {name!r}, "
                                "which is not among: " + ", ".join(sorted(known)))
        return self.needs + tuple(name for name in self.optional if name in known)


def _kind(value) -> str:
    """What came in place of a loss or a game, for a message: "the function minimax", "a dict"."""
    if name := getattr(value, "__name__", None):
        return f"the {'class' if isinstance(value, type) else 'function'} {name}"
    return repr(value) if isinstance(value, (str, int, float, type(None))) else \
        f"a {type(value).__name__}"


class Game:
    """The moves of a round, in order. `game["f"]` is the (first) loss of player f, to be called.

    TypeError for anything but {player: loss} or a list of Moves, KeyError for a player without a
    move. A loss that is called so says, by name, what it cannot take: TypeError for a player that
    is no function, ValueError for samples that are no tensor or do not fit.
    Introduced in notebooks/00_start_here.ipynb.
    """

    def __init__(self, moves: Mapping[str, Callable[..., Tensor]] | Iterable[Move]):
        if isinstance(moves, Mapping):
            moves = [Move(player, loss) for player, loss in moves.items()]
        given = isinstance(moves, Iterable) and not isinstance(moves, Tensor)
        self.moves = tuple(itertools.islice(moves, MOST)) if given else ()
        if not 0 < len(self.moves) < MOST or not all(isinstance(move, Move) for move in self.moves):
            raise TypeError('a Game takes {"f": loss, …} or a list of Move(player, loss), not '
                            f"{_kind(moves)}")

    @property
    def players(self) -> tuple[str, ...]:
        """Symbols of all who move, in order of first appearance."""
        return tuple(dict.fromkeys(name for move in self.moves for name in move.movers))

    def __getitem__(self, player: str) -> Callable[..., Tensor]:
        return self.move_of(player).loss

    def move_of(self, player: str) -> Move:
        """The first move of a player; KeyError as `game[player]`."""
        for move in self.moves:
            if isinstance(player, str) and player in (move.player, *move.movers):
                return move
        raise KeyError(f"{player!r} does not move in this game; "
                       f"its players are {', '.join(self.players)}")

    def __repr__(self):
        moves = ", ".join(f"{m.player}: {getattr(m.bare, '__name__', m.bare)}" for m in self.moves)
        return f"Game({moves})"


# -- what is handed over ---------------------------------------------------------------------------

_PLAIN_KINDS = "builtins", "numpy", "torch"              # numbers, texts, arrays: no player
_PARTS = "x", "y", "u", "z"                              # of a batch
_losses: WeakKeyDictionary = WeakKeyDictionary()         # what `game["f"]` hands out -> the loss


def _plain(loss):
    """The loss itself, where a game has handed it out: a training calls it as it is."""
    try:
        return _losses.get(loss, loss)
    except TypeError:                                    # one of a kind that has no hash
        return loss


def by_hand(loss):
    """`loss` for a reader who calls it: what it is given is looked at first, by its name.

    Samples are x, y, u, z; every other argument without a default is a player. A Move takes the
    loss itself out of it, so that a training calls that.
    """
    asked, spoken = arguments(loss), hasattr(loss, "arguments")
    players = {name for name, one in asked.items() if one.default is one.empty} - {*_PARTS}

    @functools.wraps(loss)
    def called(*given, **named):
        handed = dict(zip(asked, given)) | named
        if len(given) > len(asked):
            raise TypeError(f"this loss takes {', '.join(asked)}, and {len(given)} are given")
        nets = [one for one in handed.values() if isinstance(one, nn.Module)]
        for name, value in handed.items():
            if name in players:
                # an object of one's own may have what the loss asks for, as .views(x)
                if callable(value) or type(value).__module__.partition(".")[0] in _PLAIN_KINDS:
                    check_player(name, value)
            # functions of one's own may take arrays
            elif name in _PARTS and (nets or not getattr(value, "shape", ())):
                check_samples(**{name: value})
        try:
            # one without a signature takes names alone
            return loss(**handed) if spoken else loss(*given, **named)
        except SHAPES_TELL:
            tensors = [one for one in handed.values() if isinstance(one, Tensor)]
            with one_format(nn.ModuleList(nets), *tensors, shapes=True):
                raise
        except TypeError as error:
            if not (remedy := of_labels(error)):
                raise
            raise TypeError(f"{error}: {remedy}") from error
    called.arguments = asked                             # also of a loss that has no signature
    _losses[called] = loss
    return called


def of_labels(error: TypeError) -> str:
    """The remedy where a network was called with a label too many or too few; "" for others."""
    text = str(error)
    if re.search(r"forward\(\) takes \d+ positional arguments? but \d+ were given", text):
        return ("a network that takes no labels is handed some: take Concatenated(...) or "
                "Projected(...), or a game without y")
    if re.search(r"forward\(\) missing 1 required positional argument: 'y'", text):
        return "a network that takes labels is handed none: play conditional(game)"
    return ""


def check_tensors(**given):
    """ValueError, by its name, for what is no Tensor, and for one on the device meta, which has a
    shape and no numbers: `check_tensors(x=x, y=y)`."""
    for name, value in given.items():
        if not isinstance(value, Tensor):
            raise ValueError(f"{name} is a torch.Tensor, not {type(value).__name__}: "
                             f"torch.as_tensor({name}) makes one")
        if isinstance(value, nn.parameter.UninitializedTensorMixin):
            raise ValueError(f"{name} has no numbers yet, as its layer takes its shape from the "
                             "first sample (nn.Lazy…): hand the network one before, as in net(x)")
        if value.is_meta:
            raise ValueError(f"{name} lies on the device meta, where there are shapes and no "
                             "numbers: make it on cpu")
        if value.layout is not torch.strided or value.is_quantized or value.is_nested:
            raise ValueError(f"{name} does not hold its numbers one by one: give a plain tensor, "
                             "as .to_dense(), .dequantize() or torch.stack make it")


def check_samples(**given):
    """ValueError, by its name, for what is no Tensor of samples (n, ...): a single number."""
    check_tensors(**given)
    for name, value in given.items():
        if not value.dim():
            raise ValueError(f"{name} is a single number, and samples are (n, ...): "
                             f"{name}[None] is a batch of one")


def check_noisy(**given):
    """ValueError, by its name, for what noise cannot be added to: no Tensor, or whole numbers."""
    check_tensors(**given)
    for name, value in given.items():
        if not value.is_floating_point():
            raise ValueError(f"{name} of format {value.dtype}: noise is added to floating-point "
                             f"numbers; {name}.float() makes some, of bytes of pictures "
                             "pixels.scaled")


def check_player(symbol: str, value):
    """TypeError, by its symbol, for what is neither a network nor a function."""
    if not callable(value):
        raise TypeError(f"{symbol} is a network or a function of samples, not {_kind(value)}")
    if isinstance(value, type):
        raise TypeError(f"{symbol} is a network or a function of samples, and this is the class "
                        f"{value.__name__}: make one of it, {value.__name__}(...)")


def check_takes(name: str, function, many: int, what: str):
    """TypeError, by its name, for what is no function of `many` arguments, as far as that can be
    told; what: those arguments, and examples."""
    given = f"{name} is a function of {what}, and {_kind(function)} "
    if not callable(function) or isinstance(function, type):
        raise TypeError(given + "is none")
    try:
        inspect.signature(function).bind(*[None] * many)
    except ValueError:                                   # of C: it will say so itself
        return
    except TypeError as error:
        raise TypeError(f"{given}does not take that ({error})") from None


def check_network(name: str, value):
    """TypeError, by its name, for what is no network."""
    if not isinstance(value, nn.Module):
        raise TypeError(f"{name} is a network, a torch.nn.Module, not {type(value).__name__}")


@contextlib.contextmanager
def one_format(network, *samples, shapes: bool = False):
    """`with one_format(f, x): f(x)` says why f cannot take x where its weights and the samples have
    two formats (float32 and float64, whole numbers) or lie on two devices.

    ValueError with the remedy; other errors pass as they are, and so does a network that converts
    what it is given. shapes: also where it is built for samples of another shape.
    """
    try:
        yield
    except SHAPES_TELL as error:
        if isinstance(error, ValueError) and not re.search(_OF_TORCH, str(error)):
            raise
        reason = _unlike(network, samples, str(error)) or shapes and _misshapen(samples, str(error))
        if reason:
            raise ValueError(reason) from error
        raise


# what torch raises where formats, devices or shapes do not fit
SHAPES_TELL = RuntimeError, NotImplementedError, IndexError, ValueError
_UNLIKE = "dtype|scalar type|nput type|same device|device meta|meta tensor|two devices|on device"
_OF_TORCH = r"[Ee]xpected .* input \(got"
_MISSHAPEN = ("cannot be multiplied|size mismatch|Given (groups|normalized_shape)|[Ee]xpected .* "
              "input|must match the size|is invalid for input|Dimension out of range|"
              "output size is too small|Padding size")


def _misshapen(samples, error: str) -> str:
    """That a network takes samples of another shape; "" where it is something else."""
    if not re.search(_MISSHAPEN, error):
        return ""
    given = " and ".join(str(tuple(one.shape)) for one in samples)
    return (f"a network does not take samples of shape {given} ({error}): give (n, ...) of the "
            "size that it was built for")


def _unlike(network, samples, error: str) -> str:
    """What does not go together, with the remedy; "" where it is something else."""
    if not re.search(_UNLIKE, error):
        return ""
    weights = list(network.parameters()) if isinstance(network, nn.Module) else []
    given = [one for one in samples if isinstance(one, Tensor)]
    for what, some in (("weights", weights), ("samples", given)):
        if any(one.is_meta for one in some):
            return (f"these {what} are on the device meta, where there are shapes and no numbers: "
                    "make them on cpu")
    if whole := [one.dtype for one in given if not one.is_floating_point()]:
        return (f"samples of {_word(whole[0])} for a network, which takes floating-point numbers: "
                "x.float() makes some, and of bytes of pictures pixels.scaled(x)")
    for part, remedy in (("dtype", "f.float() and x.float()"), ("device", "x.to(…)")):
        ours, theirs = ({_word(getattr(one, part)) for one in some if one.is_floating_point()}
                        for some in (weights, given))
        if len(ours | theirs) > 1:
            return (f"weights in {', '.join(sorted(ours))}, samples in "
                    f"{', '.join(sorted(theirs)) or 'none'}: bring them to one {_CALLED[part]}, "
                    f"as {remedy}")
    if weights:
        return ""
    return f"two formats of numbers or two devices meet in it ({error}): f.float(), x.float()"


_CALLED = {"dtype": "format", "device": "device"}


def _word(kind) -> str:
    """ "float32" for torch.float32, "cuda:0" for a device."""
    return str(kind).removeprefix("torch.")


# -- how scores are read ---------------------------------------------------------------------------

def in_full(scores, what: str = "scores"):
    """Scores in float32 where they come in float16 or bfloat16, else as they are: same shape.

    Losses are computed in float32 or float64. Half precision, as a network of one's own gives it
    under autocast, costs the rounding of the scores and no more. ValueError for tensors of other
    formats (whole numbers, complex ones, eight bits) and without any number. What is no tensor is
    handed back.
    """
    if not isinstance(scores, Tensor):
        return scores
    if scores.is_meta:
        raise ValueError(f"{what} on the device meta: there are shapes and no numbers there; "
                         "build the networks on cpu")
    if scores.dtype in (torch.float16, torch.bfloat16):
        scores = scores.float()
    if scores.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"{what} of format {scores.dtype}: losses take float32 and float64, and "
                         "read float16 and bfloat16 as float32; end the network with .float()")
    if not scores.numel():
        raise ValueError(f"{what} of shape {tuple(scores.shape)}: no sample, and a mean over none "
                         "is no number")
    return scores


def softplus(v: Tensor) -> Tensor:
    """log(1 + e^v): any shape -> same shape.

    torch's own is v above 20, off by up to 2e-9; from 40 on the two are one number in float64.
    """
    check_tensors(v=v)
    if not v.is_floating_point():
        raise ValueError(f"v of format {v.dtype}: scores are floating-point numbers")
    return nn.functional.softplus(v, threshold=40.0)


def both(f, x: Tensor, x_fake: Tensor) -> tuple[Tensor, Tensor]:
    """(f(x), f(x_fake)): (n, ...), (m, ...) -> (n,), (m,), read `in_full`.

    In one pass of [x; x_fake] where that gives the same numbers. Plain functions and networks that
    couple the samples of a batch are called twice, so that the formula on the page holds.
    ValueError, with the remedy, for samples of another shape, format or device than f's weights,
    and for an f that returns no scores.
    """
    check_player("f", f)
    for name, samples in dict(x=x, x_fake=x_fake).items():
        # a function of one's own may take arrays
        if isinstance(samples, Tensor) or isinstance(f, nn.Module) or not getattr(
                samples, "shape", ()):
            check_samples(**{name: samples})
        if isinstance(samples, Tensor) and not samples.numel():
            in_full(samples.float(), name)                               # says what is missing
    alike = x.shape[1:] == x_fake.shape[1:] and x.dtype == x_fake.dtype
    with one_format(f, x, x_fake, shapes=True):
        if not alike or couples_batch(f, x, x_fake):
            return in_full(_made(f(x), len(x))), in_full(_made(f(x_fake), len(x_fake)))
        many = [len(x), len(x_fake)]
        return in_full(_made(f(torch.cat([x, x_fake])), sum(many))).split(many)


def _made(scores, many: int):
    """The scores themselves; ValueError where a function has returned none, or not so `many`."""
    if scores is None:
        raise ValueError("f returns nothing: write return before its scores")
    if not hasattr(scores, "dtype"):
        raise ValueError(f"f returns {_kind(scores)}: scores are one tensor, (n,) for n samples")
    if isinstance(scores, Tensor) and scores.dim() and len(scores) != many:
        raise ValueError(f"f returns shape {tuple(scores.shape)} for {many} samples: one score "
                         "each, (n,); see the shape of the samples, and how f ends")
    return scores


# -- does one sample change another's score? -------------------------------------------------------

_STRANGE = {"Softmax", "LogSoftmax", "Softmin", "GLU", "MultiheadAttention",      # along any axis
            "EmbeddingBag"}
_KINDS = ("activation", "container", "conv", "dropout", "instancenorm", "linear", "normalization",
          "padding", "pixelshuffle", "pooling", "sparse", "upsampling")
# forward of every layer of torch that works on each sample alone; a subclass with its own is none
_ALONE = {kind.forward for name in _KINDS
          for kind in vars(getattr(nn.modules, name)).values()
          if isinstance(kind, type) and issubclass(kind, nn.Module)
          and kind.__name__ not in _STRANGE} | {nn.Identity.forward, nn.Unflatten.forward}
_tried: WeakKeyDictionary = WeakKeyDictionary()          # strange layer -> network, whether it does


def opaque(network) -> bool:
    """True for a plain function, and a wrapper whose `net` is one: nobody can look into it."""
    if isinstance(network, nn.Module):
        network = vars(network).get("net")
    return callable(network) and not isinstance(network, nn.Module)


def couples_batch(network, *x: Tensor, call: str = "__call__") -> bool:
    """True if some layer lets one sample of a batch change another's output.

    Batch norm does in training, and without running statistics always. A plain function, into which
    nobody can look, counts as one that does, too. Layers that are neither torch's nor the course's
    are tried once, on copies: do scores of some samples of `x` (parts of a batch, of one shape)
    change with the others? Without x they count as layers that do.
    call: the method that is meant, where it is not the network itself.
    """
    if opaque(network):
        return True
    check_network("network", network)
    strange = None
    for m in network.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm):
            if m.training or m.running_mean is None:
                return True
        elif not _alone(m):
            strange = strange or m
    return strange is not None and _tried_out(network, strange, x, call)


def _alone(m: nn.Module) -> bool:
    """Whether a layer is known to work on each sample by itself."""
    kind = type(m)
    if kind.__module__.startswith(("gan_lessons.", "torch.nn.utils.")):
        return True
    if isinstance(m, nn.Flatten):
        return kind.forward is nn.Flatten.forward and m.start_dim > 0
    known = getattr(kind, "forward", None) in _ALONE     # what TorchScript made has none
    return known and not (m._forward_hooks or m._forward_pre_hooks or "forward" in vars(m))


def _tried_out(network, strange: nn.Module, x, call: str) -> bool:
    """What trying says of a network with a `strange` layer; remembered until its layers change."""
    # not of a wrapper's own number, which is made anew for every loss
    layers = [(id(m) if m is not network else 0, m.training) for m in network.modules()]
    if _tried.get(strange, (None,))[0] != layers:
        if not sum(map(len, x)):
            return True
        batch = torch.cat(x if sum(map(len, x)) > 1 else 2 * x).detach()
        _tried[strange] = layers, _changes(network, batch, call)
    return _tried[strange][1]


@torch.no_grad()
def _changes(network, x: Tensor, call: str) -> bool:
    """Whether outputs of some samples change when the others are other samples.

    Kept are the first half, every second one, and four of seven: neighbours and halves that are
    mixed among themselves only are found as well.
    """
    place, half = torch.arange(len(x), device=x.device), len(x) // 2
    kept = [place < half, place % 2 == 0, place % 7 % 3 == 0]
    outputs, cached = [], parametrize._cache_enabled
    # A copy's normalised weight would be kept under the name of the original's, which then would
    # take it for its own: within a training weights are computed once a move
    parametrize._cache_enabled = 0
    try:
        with torch.random.fork_rng([x.device] if x.is_cuda else []):
            for same in (place >= 0, *kept):
                # A copy each, the same noise for both: what a network keeps from call to call and
                # what it draws are no coupling, and a training never notices
                torch.default_generator.manual_seed(0)
                if x.is_cuda:
                    torch.cuda.manual_seed(0)
                method = getattr(copy.deepcopy(network), call)
                which = same.reshape(-1, *[1] * (x.dim() - 1))
                outputs.append(method(torch.where(which, x, .7 - 1.3 * x)).double())
        if outputs[0].shape[:1] != place.shape:          # not one output for each sample
            return True
    except Exception as error:  # noqa: BLE001  who cannot be tried counts as one that couples
        if reason := _unlike(network, [x], str(error)) or _misshapen([x], str(error)):
            raise ValueError(reason) from error
        return True
    finally:
        parametrize._cache_enabled = cached
    return not all(torch.allclose(outputs[0][same], other[same], rtol=1e-4, atol=1e-7,
                                  equal_nan=True) for same, other in zip(kept, outputs[1:]))
