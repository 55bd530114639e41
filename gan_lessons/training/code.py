"""Code as short hashes that can be compared later: what a study's row and a checkpoint depend on.

    met = Code(function)
    met.follow(function, "")
    met.hashes()                {"gan_lessons.objectives.minimax": "5f0c…", …}

Two ways to count code, neither of which sees comments or docstrings:
- a module of a lower wing counts whole, and with it all that it imports, read from the files;
- a function is followed through the names it uses, definition by definition, through its own wing
  of this package, or through the modules of the reader. So one contestant can be changed without
  touching the hashes of the others.
What is not seen: names that are put together at run time, as getattr(module, "f_" + name).
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

PLAIN = (str, int, float, bool, type(None))
ROOT = Path(__file__).parents[1]
PACKAGE = __name__.partition(".")[0]
# These say where names live, write results down, or draw them; they compute none.
BESIDE = tuple(f"{PACKAGE}.{name}" for name in (
    "moved", "map.study", "map.journal", "map.fingerprint", "training.code", "drawing"))


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
        return tensor.numpy()
    except TypeError:                           # bfloat16 and its kin, which NumPy does not know
        import torch
        return tensor.contiguous().view(torch.uint8).numpy()


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
        self.home = getattr(run, "__module__", None) or type(run).__module__
        self.wing = self.home.rpartition(".")[0] + "." if _ours(self.home) else None
        self.apart = [id(value) for value in getattr(run, "apart", ())]
        self.texts, self.whole, self.met = defaultdict(list), set(), {}

    def hashes(self) -> dict[str, str]:
        modules = {name for name in set().union(*map(_reached, self.whole)) - {PACKAGE}
                   if not f"{name}.".startswith(tuple(f"{beside}." for beside in BESIDE))}
        folders = {name.rpartition(".")[0].replace(".", "/") for name in modules}
        return {**{name: short("\n".join(texts)) for name, texts in self.texts.items()},
                **{name: tree(TEXTS[name]) for name in modules},
                **{name: digest for folder in folders for name, digest in _weights(folder).items()}}

    def follow(self, value, where: str):
        """Count a value that is used by a definition in the module `where`, and what it uses."""
        if isinstance(value, (*PLAIN, bytes, complex, type(...))):
            self.texts[where].append(repr(value))
            return
        # each use leaves a name, also where the thing itself was counted before
        self.texts[where].append(getattr(value, "__qualname__", type(value).__name__))
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
        elif hasattr(value, "__wrapped__"):     # lru_cache, staticmethod, classmethod
            self.follow(value.__wrapped__, where)
        elif isinstance(value, (dict, MappingProxyType)):
            self.each([part for item in value.items() for part in item], where)
        elif isinstance(value, (set, frozenset)):
            self.each(sorted(value, key=repr), where)
        elif isinstance(value, (list, tuple)):
            if type(value) not in (list, tuple):
                self.follow(type(value), where)
            self.each(value, where)
        elif hasattr(value, "dtype") and hasattr(value, "shape"):
            self.array(value, where)
        else:
            self.instance(value, where)

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
            text = Path(file).read_text(encoding="utf-8")
            self.texts[name].append(tree(text))
            self.whole |= _imports(name, text)

    def function(self, value, where):
        module = value.__module__ or where
        # a function made by another, as a margin, is its maker's code and what it holds
        held = [found for cell in value.__closure__ or () for found in _contents(cell)]
        if not self.named(module, value, where):
            self.texts[module].append(f"{value.__qualname__} {_code(value.__code__)}")
            for name in _globals(value.__code__):
                if name in value.__globals__:
                    found = value.__globals__[name]
                    self.follow(found, module)
                    if found is sys.modules[PACKAGE]:
                        self.attributes(found, value.__code__, module)
            package = value.__globals__.get("__package__")
            for name, wanted in _inner_imports(value.__code__, package):
                self.imported(name, wanted, module)
            where = module
        elif not _ours(module):
            return
        self.each((value.__defaults__, value.__kwdefaults__, *held), where)

    def attributes(self, door, code, where):
        """`gl.train` of `import gan_lessons as gl`: names after dots that the door hands out."""
        for name in sorted(_attributes(code)):
            if name in door.__all__ or f"{PACKAGE}.{name}" in TEXTS:
                self.follow(getattr(door, name), where)

    def imported(self, name, wanted, where):
        for one in wanted or ("",):
            try:
                module = import_module(name)
                if f"{name}.{one}" in TEXTS:
                    import_module(f"{name}.{one}")
                self.follow(getattr(module, one) if one else module, where)
            except (ImportError, AttributeError):
                continue                        # the run says so better

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
        self.follow(type(value), where)
        module = type(value).__module__
        if _ours(module) or not _installed(module):
            self.follow(getattr(value, "__dict__", None), where)
        elif name := getattr(value, "__qualname__", getattr(value, "__name__", None)):
            self.texts[where].append(name)      # built-in functions, as torch.asinh
        elif " at 0x" not in (text := repr(value)):
            self.texts[where].append(text)


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
        return str(sorted(map(repr, value)))
    return repr(value)


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
