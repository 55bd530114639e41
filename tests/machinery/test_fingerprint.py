"""Fingerprints: every kind of change is seen and named, comments and docstrings are not."""
import functools
import json
import math
import os
import re
import shutil
import subprocess
import sys
import types
from importlib.metadata import version

import numpy as np
import pytest
import torch

from gan_lessons.map.fingerprint import changes, fingerprint, parts
from gan_lessons.training import code

# -- a copy of the package, changed in one place -----------------------------------------------

# kind: ((file, text, its successor), rows of 2 that become stale, what the refusal names)
EDITS = {
    "a contestant's weight": (
        ("map/contestants.py", "weight=8.", "weight=1."), 1, "gan_lessons.map.contestants"),
    "an objective's formula": (
        ("objectives/wasserstein.py", "relu(1 - real)", "relu(2 - real)"), 1,
        "gan_lessons.objectives.wasserstein"),
    "a network": (
        ("players/networks.py", "LeakyReLU(0.2)", "LeakyReLU(0.1)"), 2,
        "gan_lessons.players.networks"),
    "the loop": (
        ("training/loop.py", "loss.backward()", "(2 * loss).backward()"), 2,
        "gan_lessons.training.loop"),
    "a metric": (
        ("measures/metrics.py", "sds: float = 3.0", "sds: float = 2.0"), 2,
        "gan_lessons.measures.metrics"),
    "weights of the classifier that measures": (
        ("measures/mnist_features.safetensors", "", "\0"), 2,
        "gan_lessons/measures/mnist_features.safetensors"),
    "the data": (
        ("exact/laws.py", "radius=2.0", "radius=2.5"), 2,
        r"gan_lessons.exact.laws, source (Ring\(8 modes, dim=2\), \w{12})( → (?!\1)Ring.*\w{12})"),
    "the contest": (
        ("map/arena.py", "before = _resident()", "before = _resident() or 0"), 2,
        "gan_lessons.map.arena"),
    "a version": ((), 2, f"torch {re.escape(version('torch'))} → 0.0.1"),
}
# ... and what these two rows do not depend on; "" is the end of the file
HARMLESS = [
    ("map/contestants.py", "turns=lambda at: 5", "turns=lambda at: 4"),         # that of WGAN
    ("objectives/least_squares.py", "", "\nEXTRA = 1\n"),
    ("drawing/plots.py", "", "\nEXTRA = 1\n"),
    ("training/loop.py", '"""Play `game`', '"""Now play `game`'),
    ("map/contestants.py", 'def _cls_gan(at):\n    """', 'def _cls_gan(at):  # why\n    """New. '),
    ("map/arena.py", "    at = ground(data, seed)\n", "    # why\n\n    at = ground(data, seed)\n"),
]

# One process imports torch; each edit then has a child of its own, which imports the package anew.
DRIVER = """
import json, os, pathlib, pickle, sys
sys.dont_write_bytecode = True              # an edit within a second, of equal size, must be seen
import torch, scipy.optimize, scipy.spatial, joblib, filelock
edits, folder, csv = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
kept = folder / "read.pickle"

def remembered(function, known):
    # what the first child has read of a text is not read again: a second for each child
    def ask(*texts):
        key = function.__name__, *texts
        if key not in known:
            known[key] = function(*texts)
        return known[key]
    return ask

def play(kind=None):
    import gan_lessons.map.fingerprint as of
    from gan_lessons.training import code
    assert str(folder) in of.__file__
    known = pickle.loads(kept.read_bytes()) if kept.exists() else {}
    code.tree, code._imports = remembered(code.tree, known), remembered(code._imports, known)
    if kind == "a version":
        known, of.version = of.version, lambda name: "0.0.1" if name == "torch" else known(name)
    from gan_lessons.map.arena import run_arena
    run_arena("toys", csv, only=["CLS-GAN", "hinge"], data="ring", seeds=[0], steps=1,
              processes=1, watch=False)
    kept.write_bytes(pickle.dumps(known))

def child(kind=None):
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            play(kind)
            said = "ran"
        except ValueError as error:
            said = str(error)
        except BaseException as error:
            said = f"broke: {error!r}"
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        said = file.read().decode()
    os.wait()
    return said

def changed(edits):
    before = {}
    for name, old, new in edits:
        path = folder / "gan_lessons" / name
        text = path.read_bytes()
        before.setdefault(path, text)
        assert old.encode() in text, f"{name} has no {old!r} any more: name another text"
        new = new.encode()
        path.write_bytes(text.replace(old.encode(), new, 1) if old else text + new)
    return before

said = {"first": child()}
for kind, these in edits.items():
    before = changed(these)
    said[kind] = child(kind)
    for path, text in before.items():
        path.write_bytes(text)
said["last"] = child()
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What a study says that is resumed after each of EDITS, and after all of HARMLESS."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(code.ROOT, folder / "gan_lessons", ignore=shutil.ignore_patterns("__pycache__"))
    edits = {kind: [edit] if edit else [] for kind, (edit, *_) in EDITS.items()}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps({**edits, "harmless": HARMLESS}), str(folder),
         str(folder / "a.csv")],
        env={**os.environ, "PYTHONPATH": str(folder)}, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each edit is imported by a fork")
@pytest.mark.parametrize("kind", EDITS)
def test_what_changes_results_is_refused_by_name(said, kind):
    _, rows, names = EDITS[kind]
    assert f"holds {rows} results (_of_a_study) of other code, data or versions, of 2" in said[kind]
    assert re.search(f"Changed: {names}. Choose", said[kind])
    for remedy in ("another path", "fresh=True", 'stale="again"'):
        assert remedy in said[kind]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each edit is imported by a fork")
def test_comments_docstrings_drawings_and_other_contestants_are_not_refused(said):
    assert said["first"] == said["harmless"] == said["last"] == "ran"


# -- functions of the reader -------------------------------------------------------------------

BASE = """
import math
import gan_lessons as gl
from gan_lessons import non_saturating

RATE, SIZES = 1e-3, {"a": [1, 2], "b": {3, 4}}

class Net:
    depth = 2
    def forward(self, x):
        return x + self.depth

def helper(x):
    return [Net().forward(x) * RATE for _ in SIZES["a"]]

def run(seed):
    def inner(x):
        return math.sin(x) in (1.5, "name")
    return {"x": helper(inner(seed))}
"""


def of_source(source, name="run"):
    """What the function `run` of a reader's module depends on."""
    module = types.ModuleType("readers_own")
    exec(source, vars(module))
    return parts(vars(module)[name], {"seed": 0})


@pytest.mark.parametrize("old, new", [
    ("1e-3", "2e-3"), ("[1, 2]", "[1, 3]"), ("{3, 4}", "{3, 5}"), ("depth = 2", "depth = 3"),
    ("x + self", "x - self"), ("* RATE", "/ RATE"), ("math.sin", "math.cos"), ("1.5", "1.25"),
    ('"name"', '"word"'), ("helper(inner(seed))", "inner(helper(seed))"), ("(seed)", "(seed=1)"),
])
def test_whatever_a_function_uses_counts(old, new):
    assert BASE.count(old) >= 1
    before, now = of_source(BASE), of_source(BASE.replace(old, new, 1))
    assert changes(before, now) == ["readers_own"] and fingerprint(before) != fingerprint(now)


@pytest.mark.parametrize("old, new", [
    ("RATE, SIZES", "# comment\n\n\nRATE, SIZES"), ("class Net:", 'class Net:\n    """Net."""'),
    ("def run(seed):", 'def run(seed):\n    """Run."""'),
    ("inner(x):", 'inner(x):\n        """Inner."""'),
    ("def helper", "def unused():\n    return 1\n\ndef helper"), ("{3, 4}", "{4, 3}"),
])
def test_what_changes_nothing_does_not_count(old, new):
    assert old in BASE and of_source(BASE.replace(old, new, 1)) == of_source(BASE)


def test_what_a_function_holds_counts():
    def made(value):
        return lambda seed: {"x": value}

    values = [1, 2, "1", [1], [1, 2], [[1], 2], {"a": 1}, None, torch.tanh, torch.asinh, np.sin,
              math.sin, np.zeros(2), np.ones(2), torch.zeros(2), np.float64(.5), made(1), made(2),
              functools.partial(made, 1), functools.partial(made, 2)]
    found = [fingerprint(parts(made(value), {"seed": 0})) for value in values]
    assert len(set(found)) == len(values)
    assert found == [fingerprint(parts(made(value), {"seed": 0})) for value in values]


@pytest.mark.parametrize("source, module", [
    ("def run(seed): return gl.train", "gan_lessons.training.loop"),
    ("def run(seed): return gl.metrics", "gan_lessons.measures.frechet"),
    ("def run(seed): return gl.objectives.f_gan", "gan_lessons.objectives.relativistic"),
    ("def run(seed): return non_saturating", "gan_lessons.objectives.minimax"),
    ("def run(seed):\n    from gan_lessons import train", "gan_lessons.training.turns"),
    ("def run(seed):\n    from gan_lessons.map import arena", "gan_lessons.map.contestants"),
    ("def run(seed):\n    import gan_lessons.map.contestants", "gan_lessons.players.flows"),
])
def test_a_readers_function_depends_on_all_that_its_part_of_the_package_imports(source, module):
    without = parts(of_source_function("def run(seed): return seed"), {"seed": 0})
    assert not any(name.startswith("gan_lessons") for name in without)
    found = of_source(BASE + source)
    assert module in found and found[module] == code.tree(code.TEXTS[module])
    assert not {"gan_lessons", "gan_lessons.map.study", "gan_lessons.drawing.plots"} & found.keys()


def test_a_module_imported_within_a_function_counts_the_same_before_and_after(monkeypatch):
    """The first sheet of the arena imports PIL.Image: rows that follow may not differ by that."""
    import wsgiref
    monkeypatch.delitem(sys.modules, "wsgiref.validate", raising=False)
    monkeypatch.delattr(wsgiref, "validate", raising=False)
    run = of_source_function("def run(seed):\n    from wsgiref import validate\n    validate.re")
    before = parts(run, {"seed": 0})
    run(0)
    assert parts(run, {"seed": 0}) == before


def of_source_function(source):
    names = {"__name__": "readers_own"}
    exec(source, names)
    return names["run"]


def test_versions_and_words_are_shown_and_modules_named():
    before = {"python": "3.11.7", "torch": "2.12.0", "a.b": "0" * 16, "old": "1" * 16}
    now = {"python": "3.11.7", "torch": "2.13.0", "a.b": "2" * 16, "new": "3" * 16}
    assert changes(before, now) == ["a.b", "new (new)", "old (no longer used)",
                                    "torch 2.12.0 → 2.13.0"]
    assert changes(now, now) == []
    assert {"python", "torch", "numpy", "gan-lessons"} <= parts(len, {}).keys()


def test_a_hash_of_numbers_sees_types_shapes_and_values():
    one = np.arange(6, dtype=np.uint8)
    others = [one.astype(np.int64), one.reshape(2, 3), one[::-1].copy(), one + 1]
    assert len({code.bytes_hash(x) for x in [one, *others]}) == 5
    assert code.bytes_hash(torch.arange(6, dtype=torch.uint8)) == code.bytes_hash(one)
