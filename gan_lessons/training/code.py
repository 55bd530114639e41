"""Code as short hashes that can be compared later: what a study's row and a checkpoint depend on.

    met = Code(function)
    met.follow(function, "")
    met.hashes()                {"gan_lessons.objectives.minimax": "5f0c…", …}

Two ways to count code, neither of which sees comments or docstrings:
- a module of a lower wing counts whole, and with it all that it imports, read from the files;
- a function is followed through the names it uses, definition by definition, through its own wing
  of this package, or through the modules of the reader. So one contestant can be changed without
  touching the hashes of the others.
What a function holds counts by its values: numbers, arrays, the attributes of objects, also of
installed packages, which are taken apart as pickle does it.
What is not seen: names that are put together at run time, as getattr(module, "f_" + name); what
stands in files; and what nobody can take apart, which `unseen` lists by its kind.
Torch-free. Used by gan_lessons/map/fingerprint.py and gan_lessons/training/plan.py.
"""
from __future__ import annotations

import ast
import dis
import functools
import hashlib
import re
import sys
import sysconfig
from collections import defaultdict
from importlib import import_module
from importlib.util import resolve_name
from pathlib import Path
from types import CodeType, FunctionType, MappingProxyType, MethodType, ModuleType

from . import held

PLAIN = (str, int, float, bool, type(None))
ROOT = Path(__file__).parents[1]
PACKAGE = __name__.partition(".")[0]
# These say where names live, write results down, or draw them; they compute none.
BESIDE = tuple(f"{PACKAGE}.{name}" for name in (
    "moved", "map.study", "map.journal", "map.fingerprint", "training.code", "training.held",
    "drawing"))
WALKS = 20_000              # objects of installed packages that are taken apart for one hash


def _dotted(path: Path) -> str:
    *folders, stem = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(folders if stem == "__init__" else [*folders, stem])


# Texts as they are when this is first imported: a file that is edited later is not the code that
# runs.
TEXTS = {_dotted(path): path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py")}
_FOLDERS = {_dotted(path) for path in ROOT.rglob("__init__.py")}


def bytes_hash(*arrays) -> str:
    """Twelve hexadecimal digits for arrays or tensors: their types, shapes and numbers."""
    found = hashlib.blake2b(digest_size=6)
    for array in arrays:
        if hasattr(array, "detach"):
            array = _as_numpy(array.detach().cpu())
        found.update(f"{array.dtype} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def _as_numpy(tensor):
    try:
        return tensor.resolve_conj().resolve_neg().numpy()
    except TypeError:                           # bfloat16 and its kin, which NumPy does not know
        import torch
        tensor = tensor.contiguous() if tensor.dim() else tensor.reshape(1)
        return tensor.view(torch.uint8).numpy()


def short(text: str) -> str:
    """Sixteen hexadecimal digits for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# -- modules of this package, whole ------------------------------------------------------------

@functools.cache
def tree(text: str) -> str:
    """A hash of the syntax tree: no comments, no docstrings, no layout."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        documented = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return short(ast.dump(tree))


@functools.cache
def _imports(name: str, text: str) -> set[str]:
    """Modules of this package that a module imports, also inside functions."""
    found, package = set(), name if name in _FOLDERS else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            # `from ..exact import laws` names a module, `from ..exact.laws import Normal` a value
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
            if base == PACKAGE:             # the door hands out names of many modules
                found |= {home for alias in node.names if (home := _behind_the_door(alias.name))}
    return found & TEXTS.keys()


def _behind_the_door(name: str) -> str | None:
    """The module whose name the top of the package hands out; None for what is no such name."""
    door = sys.modules[PACKAGE]
    if name not in door.__all__:
        return None
    value = getattr(door, name)
    return value.__name__ if isinstance(value, ModuleType) else value.__module__


@functools.cache
def _reached(name: str) -> frozenset[str]:
    """A module of this package and all that it imports, directly or not."""
    found, todo = set(), [name]
    while todo:
        if (one := todo.pop()) not in found:
            found.add(one)
            todo += _imports(one, TEXTS[one])
    return frozenset(found)


@functools.cache
def _weights(folder: str) -> dict[str, str]:
    """Files of a wing that are no code, as the classifier's weights: a measure depends on them."""
    return {f"{folder}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            for path in sorted((ROOT.parent / folder).glob("*.safetensors"))}


# -- a function, followed through the names that it uses ---------------------------------------

class Code:
    """What was met on the way: texts of definitions by module, and modules that count whole."""

    def __init__(self, run):
        while isinstance(run, functools.partial):
            run = run.func
        self.home = held.get(run, "__module__") or type(run).__module__
        self.wing = self.home.rpartition(".")[0] + "." if _ours(self.home) else None
        self.apart = [id(value) for value in held.get(run, "apart", ())]
        self.texts, self.whole, self.met = defaultdict(list), set(), {}
        self.read, self.walks = set(), 0
        self.unseen = set()                     # kinds of what nobody can take apart
        self.generators = []                    # random ones, in the order in which they are met

    def hashes(self) -> dict[str, str]:
        modules = {name for name in set().union(*map(_reached, self.whole)) - {PACKAGE}
                   if not f"{name}.".startswith(tuple(f"{beside}." for beside in BESIDE))}
        folders = {name.rpartition(".")[0].replace(".", "/") for name in modules}
        return {**{name: short("\n".join(texts)) for name, texts in self.texts.items()},
                **{name: tree(TEXTS[name]) for name in modules},
                **{name: digest for folder in folders for name, digest in _weights(folder).items()}}

    def look(self, value, where: str):
        """`follow`, and whatever happens on the way: an object that cannot be looked into ends
        neither a training nor a study. False where it was not seen to its end."""
        try:
            with held.deep():
                self.follow(value, where)
            return True
        except Exception:
            self.unseen.add(type(value).__name__)
            return False

    def follow(self, value, where: str):
        """Count a value that is used by a definition in the module `where`, and what it uses."""
        if isinstance(value, (*PLAIN, bytes, complex, type(...))):
            self.texts[where].append(held.words(value))
            self.own(value, where)
            return
        # each use leaves a name, also where the thing itself was counted before
        self.texts[where].append(held.called(value))
        if id(value) in self.apart or id(value) in self.met:
            return
        self.met[id(value)] = value             # held, so that no other object takes its id
        if isinstance(value, ModuleType):
            self.module(value, where)
        elif isinstance(value, FunctionType):
            self.function(value, where)
        elif isinstance(value, type):
            self.kind(value, where)
        elif isinstance(value, functools.partial):
            self.each((value.func, value.args, value.keywords), where)
        elif isinstance(value, MethodType):
            self.each((value.__func__, value.__self__), where)
        elif isinstance(value, property):
            self.each((value.fget, value.fset, value.fdel), where)
        elif isinstance(value, (staticmethod, classmethod, functools._lru_cache_wrapper)):
            self.follow(value.__wrapped__, where)
        elif isinstance(value, (dict, MappingProxyType)):
            self.each([part for item in value.items() for part in item], where)
            self.own(value, where)
        elif isinstance(value, (set, frozenset)):
            self.each(sorted(value, key=self.alone), where)
            self.own(value, where)
        elif isinstance(value, (list, tuple)):
            if type(value) not in (list, tuple):
                self.follow(type(value), where)
            self.each(value, where)
            self.own(value, where)
        elif not self.numbers(value, where):
            self.instance(value, where)

    def numbers(self, value, where) -> bool:
        """Count an array or a tensor by its numbers; False for what is none."""
        if held.get(value, "dtype") is None or held.get(value, "shape") is None or not (
                hasattr(type(value), "tobytes") or hasattr(type(value), "detach")):
            return False
        try:
            if getattr(value.dtype, "hasobject", False):            # addresses, not values
                self.texts[where].append(str(value.shape))
                self.each(value.ravel().tolist(), where)
            else:
                self.array(value, where)
            if hasattr(type(value), "mask"):                        # a masked array of NumPy
                self.texts[where].append(bytes_hash(value.mask))
        except Exception:                                           # sparse, quantised: in parts
            return False
        self.own(value, where)
        return True

    def own(self, value, where):
        """Class and attributes of a reader's own number, list or array, as `class Rate(float)`;
        what makes the missing entries of a defaultdict."""
        if type(value).__module__ != "builtins" and not _installed(type(value).__module__):
            if not isinstance(value, (list, tuple)):                # theirs was counted before
                self.follow(type(value), where)
            if found := {**(held.attributes(value) or {}), **held.slots(value)}:
                self.follow(found, where)
        elif isinstance(value, defaultdict):
            self.follow(value.default_factory, where)

    def alone(self, value) -> tuple[str, str]:
        """Words by which the elements of a set can be sorted, the same in every process."""
        text = re.sub(" at 0x[0-9a-f]+", "", whole := held.words(value))
        if text == whole:
            return text, ""
        other = object.__new__(type(self))
        vars(other).update(vars(self), texts=defaultdict(list), met=dict(self.met),
                           read=set(self.read))
        other.follow(value, "")
        return text, short(str(sorted((where, *texts) for where, texts in other.texts.items())))

    def array(self, value, where):
        self.texts[where].append(bytes_hash(value))

    def each(self, values, where):
        self.texts[where].append(f"{len(values)} of")
        for value in values:
            self.follow(value, where)

    def named(self, module: str, value, where) -> bool:
        """Count a function or class of `module` by name or by its module; False: follow it."""
        if _ours(module) and not (self.wing and module.startswith(self.wing)):
            self.whole.add(module)
            return True
        if not _ours(module) and _installed(module):
            self.texts[where].append(f"{module}.{value.__qualname__}")      # versions tell the rest
            return True
        return False

    def module(self, value, where):
        name = value.__name__
        if name == PACKAGE:
            return                              # whatever is taken from it is seen in `function`
        if _ours(name):
            self.whole |= {one for one in TEXTS if one == name or one.startswith(name + ".")}
        elif _installed(name):
            self.texts[where].append(name)
        elif file := getattr(value, "__file__", None):
            try:
                text = Path(file).read_text(encoding="utf-8")
                self.texts[name].append(tree(text))
                self.whole |= _imports(name, text)
            except (OSError, ValueError, SyntaxError):      # gone, half written, or of C
                self.texts[name].append(name)

    def function(self, value, where):
        module = value.__module__ or where
        # a function made by another, as a margin, is its maker's code and what it holds
        inside = [found for cell in value.__closure__ or () for found in _contents(cell)]
        if not self.named(module, value, where):
            self.texts[module].append(f"{value.__qualname__} {_code(value.__code__)}")
            for name in _globals(value.__code__):
                if name in value.__globals__:
                    found = value.__globals__[name]
                    self.follow(found, module)
                    self.attributes(found, value.__code__, module)
            for found in inside:
                self.attributes(found, value.__code__, module)
            package = value.__globals__.get("__package__")
            for name, wanted in _inner_imports(value.__code__, package):
                self.imported(name, wanted, module, value.__code__)
            where = module
        elif not _ours(module) and "<locals>" not in value.__qualname__:
            return                              # what it holds was given to its maker, else
        self.each((value.__defaults__, value.__kwdefaults__, *inside), where)

    def attributes(self, home, code, where):
        """What `code` takes after dots: `gl.train` of `import gan_lessons as gl`, where the door
        hands it out; `helper.W` of a reader's module, `loss.weight` of a reader's function, as
        these are now."""
        if home is sys.modules[PACKAGE]:
            for name in sorted(_attributes(code)):
                if name in home.__all__ or f"{PACKAGE}.{name}" in TEXTS:
                    self.follow(getattr(home, name), where)
            return
        if isinstance(home, ModuleType) and (
                one := held.shared(home.__name__, _attributes(code))):
            self.draws_from(one)
        if not isinstance(home, (ModuleType, FunctionType)) or (id(home), code) in self.read:
            return
        module = home.__name__ if isinstance(home, ModuleType) else home.__module__ or where
        if _ours(module) or _installed(module):
            return
        self.read.add((id(home), code))
        for name in sorted(_attributes(code) & vars(home).keys()):
            self.texts[where].append(name)
            self.follow(vars(home)[name], where)
            self.attributes(vars(home)[name], code, where)

    def imported(self, name, wanted, where, code):
        for one in wanted or ("",):
            try:
                module = import_module(name)
                if f"{name}.{one}" in TEXTS or not hasattr(module, one or "__name__"):
                    import_module(f"{name}.{one}")      # a module within, as the import does it
                found = getattr(module, one) if one else module
            except (ImportError, AttributeError):
                continue                        # the run says so better
            self.follow(found, where)
            if found is not sys.modules[PACKAGE]:
                self.attributes(found, code, where)

    def kind(self, value, where):
        if self.named(value.__module__, value, where):
            return
        self.texts[value.__module__].append(value.__qualname__)
        self.each(value.__bases__, value.__module__)
        for name, one in vars(value).items():
            # dunder values that are no functions are Python's own: positions, docstrings, tables
            if isinstance(one, FunctionType) or not re.fullmatch("__.*__", name):
                self.texts[value.__module__].append(name)
                self.follow(one, value.__module__)

    def instance(self, value, where):
        if held.is_network(value):
            self.network(value, where)
            return
        self.follow(type(value), where)
        module = type(value).__module__
        if _ours(module) or not _installed(module):
            self.follow(held.attributes(value), where)
            if found := held.slots(value):
                self.follow(found, where)
            if held.has_more(value) and (made := held.parts(value)):
                self.each(made, where)
        elif isinstance(value, held.BUILT_IN):
            self.texts[where].append(held.name_of(value))           # as torch.asinh
            home = held.get(value, "__self__")
            if held.draws(home):
                self.draws_from(home)
            if not isinstance(home, (ModuleType, type, type(None))) and not held.of_the_process(
                    home):
                self.follow(home, where)
        else:
            self.taken_apart(value, where)

    def draws_from(self, generator):
        if all(generator is not one for one in self.generators):
            self.generators.append(generator)

    def taken_apart(self, value, where):
        """An object of an installed package: its name or its words, and what it is made of."""
        if held.draws(value):
            self.draws_from(value)
        name = held.name_of(value)
        if name or " at 0x" not in (text := held.words(value)):
            self.texts[where].append(name or text)
        if held.of_the_process(value) or held.is_global(value, name) or held.is_mute(value):
            return
        if said := held.seed_of(value) or held.graph_of(value):
            self.texts[where].append(said)
            return
        self.walks += 1
        made = held.parts(value) if self.walks <= WALKS else None
        if made:
            self.each(made, where)
        elif made is None and (name or " at 0x" in text):     # else its words are all there is
            self.unseen.add(type(value).__name__)

    def network(self, net, where):
        """Its layers by name and kind, the constants, hooks and weights that each holds."""
        own, fixed = held.torchs_own(), self.is_fixed(net)
        for name, layer in net.named_modules():
            self.met[id(layer)] = layer
            self.texts[where].append(name)
            for kind in type(layer).__mro__[:-1]:
                self.follow(kind, where)
            if graph := held.graph_of(layer):
                self.texts[where].append(graph)
            mine = {} if held.is_mute(layer) else vars(layer)
            for key, value in mine.items():
                if key not in own and not held.derived(key, layer):
                    self.texts[where].append(key)
                    self.follow(value, where)
            if not layer.training:
                self.texts[where].append("evaluating")
            hooks = {key: vars(layer).get(key) for key in own
                     if key.endswith("_hooks") and "state_dict" not in key}
            loose = vars(layer).get("_non_persistent_buffers_set", ())
            for key, tensor in {**layer._parameters, **layer._buffers}.items():
                if tensor is None:
                    continue
                hooks[f"hooks of {key}"] = tensor._backward_hooks
                if fixed or not tensor.requires_grad and (key in layer._parameters or key in loose):
                    self.texts[where].append(key)
                    self.weight(tensor, where)
            for key, those in hooks.items():
                if those:
                    self.texts[where].append(key)
                    self.each(list(those.values()), where)

    def is_fixed(self, net) -> bool:
        """Do all the weights of a network count? Else only those that are frozen."""
        return True

    def weight(self, tensor, where):
        if not self.numbers(tensor, where):
            self.texts[where].append(type(tensor).__name__)


def _ours(module: str) -> bool:
    return module in TEXTS


@functools.cache
def _installed(module: str) -> bool:
    """Is it Python's own or of an installed package, so that its version says what it is?"""
    if module.partition(".")[0] in sys.stdlib_module_names and module != "__main__":
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    if module == "__main__" or module not in sys.modules:
        return False
    homes = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return file is None or any(Path(file).is_relative_to(home) for home in homes)


def _contents(cell) -> list:
    try:
        return [cell.cell_contents]
    except ValueError:                          # a name that is not bound yet
        return []


@functools.cache
def _instructions(code: CodeType) -> tuple[dis.Instruction, ...]:
    return tuple(dis.get_instructions(code))


def _inner(code: CodeType):
    """A code object and those of the functions inside it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _inner(const)


@functools.cache
def _code(code: CodeType) -> str:
    """What a function does, without line numbers and without its docstring: it is never loaded."""
    arguments = code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]
    done = [f"{one.opname} {_constant(one.argval)}" for one in _instructions(code)]
    return f"{arguments} {code.co_flags & 0x0f} {'; '.join(done)}"


def _constant(value) -> str:
    if isinstance(value, CodeType):
        return f"({_code(value)})"
    if isinstance(value, frozenset):            # its order changes from process to process
        return str(sorted(map(held.words, value)))
    return held.words(value)


@functools.cache
def _globals(code: CodeType) -> tuple[str, ...]:
    """Names that are looked up in the module, in order."""
    return tuple(dict.fromkeys(one.argval for inner in _inner(code) for one in _instructions(inner)
                               if one.opname in ("LOAD_GLOBAL", "LOAD_NAME")))


def _attributes(code: CodeType) -> set[str]:
    return {one.argval for inner in _inner(code) for one in _instructions(inner)
            if one.opname in ("LOAD_ATTR", "LOAD_METHOD")}


def _inner_imports(code: CodeType, package):
    """(module, names) of the imports inside a function."""
    for inner in _inner(code):
        done = _instructions(inner)
        for level, wanted, one in zip(done, done[1:], done[2:]):
            if one.opname == "IMPORT_NAME":
                name = "." * level.argval + one.argval
                yield (resolve_name(name, package) if level.argval else name), wanted.argval
