"""What an object holds, for a hash that shall see it: an object into which nobody has looked before
is taken apart as pickle and copy would do it, so that a law of SciPy shows its parameters.

Torch-free. Used by gan_lessons/training/code.py.
"""
from __future__ import annotations

import contextlib
import copyreg
import functools
import pickle
import random
import re
import sys
import threading
import types
import weakref

# Objects of C that are found under a name; those that are bound hold an object besides.
BUILT_IN = (types.BuiltinFunctionType, types.MethodWrapperType, types.WrapperDescriptorType,
            types.MethodDescriptorType, types.ClassMethodDescriptorType,
            types.GetSetDescriptorType, types.MemberDescriptorType)
# They hold nothing that a result could depend on: what stands under weak keys is remembered only.
MUTE = (type(threading.Lock()), type(threading.RLock()), weakref.ReferenceType,
        weakref.WeakKeyDictionary, weakref.WeakValueDictionary, weakref.WeakSet)
MUTE_HOMES = ("_abc", "_thread", "dataclasses", "inspect", "torch._dynamo")
MUTE_NAMES = ("ScriptModule", "ConcreteModuleType", "_tuplegetter", "no_grad")
UNSEEDED = 2 ** 64          # an entropy as long as this came from the system: no seed was given
DEEP = 8_000                # frames of Python, which take no room on the stack of C
REMEMBERED = {"__doc__", "_ufunc"}     # docstrings; what np.vectorize makes when it is called


def get(value, name: str, default=None):
    """getattr for objects that raise what they like."""
    try:
        return getattr(value, name, default)
    except Exception:
        return default


def words(value) -> str:
    """repr, or the kind of an object that has none."""
    try:
        return repr(value)
    except ValueError:                          # a number of more digits than Python writes
        return hex(value) if isinstance(value, int) else type(value).__name__
    except Exception:
        return type(value).__name__


def called(value) -> str:
    """The name of a function or class, for others that of their class."""
    found = get(value, "__qualname__")
    return found if isinstance(found, str) else type(value).__name__


def name_of(value) -> str | None:
    """The name of a function, a class or a built-in object; None for what has none."""
    found = get(value, "__qualname__", get(value, "__name__"))
    return found if isinstance(found, str) else None


def attributes(value) -> dict | None:
    """The attributes of an object, also where its class hides them."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except Exception:
        return None
    return found if isinstance(found, dict) else None


def slots(value) -> dict:
    """What stands in __slots__, of its class and those above."""
    found = {}
    for kind in type(value).__mro__:
        for name, one in vars(kind).items():
            if isinstance(one, types.MemberDescriptorType) and _readers(kind):
                with contextlib.suppress(AttributeError):            # a slot that is still empty
                    found.setdefault(name, one.__get__(value))
    return found


def _readers(kind: type) -> bool:
    """Classes written in Python: what C shows as members is the machinery's own."""
    return "__slots__" in vars(kind)


def parts(value):
    """What an object is made of: (its maker, arguments, state, items, pairs); () for what is known
    by its name alone, None for what nobody can take apart."""
    try:
        reduce = copyreg.dispatch_table.get(type(value))
        if isinstance(value, BaseException):     # tblib, which Dask imports, adds the traceback
            reduce = BaseException.__reduce__
        made = reduce(value) if reduce else value.__reduce_ex__(4)
        if isinstance(made, str):
            pickle.dumps(value)                 # an error where its module knows it not, as a
            return ()                           # function that NumPy has made of another
        maker, arguments, state, items, pairs = (*made, None, None, None)[:5]
        return maker, arguments, _plain(state), list(items or ()), list(pairs or ())
    except Exception:
        held = attributes(value), slots(value)
        return [_plain(one) for one in held] if any(held) else None


def has_more(value) -> bool:
    """Does an object keep more than attributes and slots, as a deque its elements?"""
    kind = type(value)
    return (kind.__reduce__ is not object.__reduce__
            or kind.__reduce_ex__ is not object.__reduce_ex__)


def _plain(state):
    """A state without what changes no result."""
    if isinstance(state, dict) and not REMEMBERED.isdisjoint(state):
        return {name: one for name, one in state.items() if name not in REMEMBERED}
    return state


def is_global(value, name: str | None) -> bool:
    """Is it what its module calls so?"""
    home = get(value, "__module__")
    found = sys.modules.get(home) if isinstance(home, str) else None
    for part in (name or "").split("."):
        found = get(found, part)
    return found is value and value is not None


def of_the_process(value) -> bool:
    """One of the random generators that a whole process shares: no training's own."""
    homes = (("numpy.random.mtrand", "_rand"), ("torch", "default_generator"))
    return value is random._inst or any(
        value is get(sys.modules.get(module), name, random) for module, name in homes)


def is_mute(value) -> bool:
    """A lock, a cache with weak keys, a compiler's notes: no result depends on them."""
    home = f"{type(value).__module__}."
    return isinstance(value, MUTE) or home.startswith(tuple(f"{one}." for one in MUTE_HOMES)) or (
        type(value).__name__ in MUTE_NAMES)


def derived(name: str, layer) -> bool:
    """What a layer computes anew from a weight before each call, as an older spectral_norm does."""
    return any(f"{name}{end}" in layer._parameters for end in ("_orig", "_g"))


def seed_of(value) -> str | None:
    """The seed of a random generator of NumPy or torch, None for anything else. How far it has
    drawn does not count: other cells of a notebook may draw from the same one."""
    home = type(value).__module__
    if home.startswith("torch.") and type(value).__name__ == "Generator":
        return f"seed {value.initial_seed()}"
    if not home.startswith("numpy.random"):
        return None
    bits = get(value, "bit_generator", value)
    sequence = get(bits, "seed_seq")
    entropy = get(sequence, "entropy")
    if entropy is None:
        return None
    if isinstance(entropy, int) and entropy >= UNSEEDED:
        entropy = "of the system"               # no seed was given, and none can be compared
    return f"{type(bits).__name__} {entropy} {get(sequence, 'spawn_key')}"


def draws(value) -> bool:
    """A random generator that can be put back to where it stood."""
    home, kind = type(value).__module__, type(value).__name__
    return (isinstance(value, random.Random) and not isinstance(value, random.SystemRandom)
            or home.startswith("numpy.random") and (
                kind in ("Generator", "RandomState") or hasattr(value, "random_raw"))
            or home.startswith("torch.") and kind == "Generator")


def standing(value):
    """Where a random generator stands, in numbers and words."""
    if isinstance(value, random.Random):
        return value.getstate()
    if hasattr(value, "get_offset"):                        # of torch
        return value.get_state()
    return _listed(value.get_state(legacy=False) if hasattr(value, "get_state") else
                   get(value, "bit_generator", value).state)


def put_back(value, state):
    """Let a random generator stand where `standing` found it."""
    if isinstance(value, random.Random):
        value.setstate(state)
    elif hasattr(value, "get_offset"):
        value.set_state(state)
    elif hasattr(value, "get_state"):
        inner = {name: one for name, one in state["state"].items() if name != "key"}
        key = sys.modules["numpy"].array(state["state"]["key"], dtype="uint32")
        value.set_state(state | {"state": inner | {"key": key}})
    else:
        get(value, "bit_generator", value).state = state


def shared(module: str, names: set[str]):
    """The generator of the whole process that code draws from which says random.gauss or
    np.random.normal; None for none."""
    if module == "random":
        return random._inst
    if module == "numpy.random" or module == "numpy" and "random" in names:
        return None if "default_rng" in names else get(sys.modules.get("numpy.random.mtrand"),
                                                       "_rand")
    return None


def _listed(state):
    if isinstance(state, dict):
        return {name: _listed(one) for name, one in state.items()}
    return state.tolist() if hasattr(state, "tolist") else state


def graph_of(value) -> str | None:
    """What TorchScript has made of a function or a network, without the lines of its source."""
    graph = get(value, "inlined_graph") if type(value).__module__.startswith("torch.") else None
    return re.sub(" #.*", "", str(graph)) if graph is not None else None


def is_network(value) -> bool:
    """A torch Module, told without importing torch."""
    return any(kind.__name__ == "Module" and kind.__module__ == "torch.nn.modules.module"
               for kind in type(value).__mro__)


@functools.cache
def torchs_own() -> dict:
    """The attributes that every network has: hooks, weights, the mode."""
    return vars(sys.modules["torch"].nn.Module())


@contextlib.contextmanager
def deep():
    """Lists in lists in lists: more frames than usual, for a while."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, DEEP))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
