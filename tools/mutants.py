"""Would the tests notice? Change one operator, number or word of the mathematics at a time.

    python tools/mutants.py [--number N] [--seed S] [--only exact/laws.py ...] [--out FILE]

A mutant is the package with one small change: + for -, < for <=, a number that is another, a mean
that is a sum, a sign less. For each, in a copy of the project, the tests that import the changed
module run until one fails; if none does, so do a dozen that import what imports it. A mutant that
no test notices is printed, and is either a hole in the tests or changes nothing that can be seen:
those that were judged so are listed with the reason in `tools/mutants_known.txt`. Draws evenly from
modules by their size, the same for a seed. Linux and macOS: each runs in a fork with torch at hand.
"""
from __future__ import annotations

import argparse
import ast
import copy
import io
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))
TARGETS = ("exact/*.py", "objectives/*.py", "players/penalties.py", "training/*.py")
KNOWN = ROOT / "tools" / "mutants_known.txt"
BESIDE = {"test_arena", "test_study", "test_fingerprint"}      # whole studies, in processes
MOST = 12                                            # test files that are asked in the second place
PATIENCE = 180                                       # seconds; a mutant that hangs is noticed
OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
             ast.Pow: ast.Mult, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
             ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.And: ast.Or, ast.Or: ast.And}
WORDS = {"mean": "sum", "sum": "mean", "min": "max", "max": "min", "minimum": "maximum",
         "maximum": "minimum", "exp": "expm1", "softplus": "relu", "sin": "cos", "cos": "sin",
         "argmin": "argmax", "argmax": "argmin", "low": "high", "high": "low", "real": "fake",
         "fake": "real", "rows": "columns"}
NAMES = {word: other for word, other in WORDS.items() if word not in ("rows", "low", "high")}


# -- mutations: (what is said, how the tree changes) ---------------------------------------------

def places(tree):
    """(node, field, index, new value, words) of every single change, in the order of the source."""
    silent = set()                                   # what no test of numbers can see
    for node in ast.walk(tree):
        if isinstance(node, (ast.Raise, ast.JoinedStr)):
            silent |= set(map(id, ast.walk(node)))
        for field in ("annotation", "returns"):
            if getattr(node, field, None) is not None:
                silent |= set(map(id, ast.walk(getattr(node, field))))
    found = []
    for node in ast.walk(tree):
        if id(node) in silent:
            continue
        if isinstance(node, (ast.BinOp, ast.BoolOp)) and type(node.op) in OPERATORS:
            new = OPERATORS[type(node.op)]()
            found.append((node, "op", None, new, f"{_sign(node.op)} -> {_sign(new)}"))
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in OPERATORS:
            new = OPERATORS[type(node.ops[0])]()
            found.append((node, "ops", 0, new, f"{_sign(node.ops[0])} -> {_sign(new)}"))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            found.append((node, "op", None, ast.UAdd(), "a minus less"))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            twice = ast.UnaryOp(ast.Not(), node.operand)
            found.append((node, "operand", None, twice, "a not less"))
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            new = node.value + 1 if node.value in (0, 1) else node.value * 2
            found.append((node, "value", None, new, f"{node.value} -> {new}"))
        elif isinstance(node, ast.Attribute) and node.attr in NAMES:
            new = NAMES[node.attr]
            found.append((node, "attr", None, new, f".{node.attr} -> .{new}"))
        elif isinstance(node, ast.IfExp):
            swapped = ast.UnaryOp(ast.Not(), node.test)
            found.append((node, "test", None, swapped, "if <-> else"))
    return sorted(found, key=lambda place: (place[0].lineno, place[0].col_offset, place[4]))


def _sign(op) -> str:
    names = dict(Add="+", Sub="-", Mult="*", Div="/", Pow="**", Lt="<", LtE="<=", Gt=">", GtE=">=",
                 Eq="==", NotEq="!=", And="and", Or="or")
    return names[type(op).__name__]


def mutated(source: str, number: int) -> tuple[str, str]:
    """The source with its change of this number, and what that is: 'line text: + -> -'."""
    tree = ast.parse(source)
    node, field, index, new, words = places(tree)[number]
    line = source.splitlines()[node.lineno - 1].strip()
    if index is None:
        setattr(node, field, copy.deepcopy(new))
    else:
        getattr(node, field)[index] = new
    return ast.unparse(ast.fix_missing_locations(tree)), f"{line}: {words}"


def drawn(paths, number: int, seed: int):
    """(path, number of a change) of `number` mutants, spread over modules by how much they hold."""
    every = [(path, i) for path in paths
             for i in range(len(places(ast.parse(path.read_text(encoding="utf-8")))))]
    rng = random.Random(seed)
    stride = len(every) / number                     # one from each stretch of the whole
    return [every[int(i * stride + rng.random() * stride)] for i in range(min(number, len(every)))]


# -- which tests ---------------------------------------------------------------------------------

def rings(path):
    """Test files that import a module, and those that import what imports it."""
    import import_rules
    package = ROOT / "gan_lessons"
    module = f"gan_lessons.{import_rules.dotted(path)}"
    tests = [test for folder in ("lessons", "machinery")
             for test in (ROOT / "tests" / folder).glob("test_*.py") if test.stem not in BESIDE]
    # its own test first, then the short ones
    tests.sort(key=lambda test: (test.stem != f"test_{path.stem}", test.stat().st_size))
    seen = {test: _imports(test) for test in tests}
    first = [test for test in tests if module in seen[test]
             or test.stem == f"test_{path.stem}"]
    users = {f"gan_lessons.{import_rules.dotted(other)}" for other in import_rules.modules()
             if module in set(import_rules.imports(other))}
    names = {module, *users} - {"gan_lessons.__init__"}
    second = [test for test in tests if test not in first and seen[test] & names]
    if path.parent == package / "training":          # the loop's own tests reach all of it
        first += [test for test in tests if test not in first
                  and test.stem in ("test_loop", "test_checkpoints", "test_run")]
    return first, second[:MOST]


def _imports(test) -> set[str]:
    """Modules of the package that a test names, also through the top."""
    import gan_lessons
    found = set()
    for node in ast.walk(ast.parse(test.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gan_lessons"):
            for alias in node.names:
                home = gan_lessons._WHERE.get(alias.name, "")
                found |= {node.module, f"{node.module}.{alias.name}", f"gan_lessons.{home}"}
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "gl":
            found.add(f"gan_lessons.{gan_lessons._WHERE.get(node.attr, '')}")
    return found


# -- running -------------------------------------------------------------------------------------

def noticed(folder, tests) -> str | None:
    """The first test that fails in a fork whose package is that of `folder`; None if all pass."""
    answer = folder / "answer.txt"
    answer.unlink(missing_ok=True)
    child = os.fork()
    if not child:
        os.setsid()
        try:
            _run(folder, tests, answer)
        finally:
            os._exit(0)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if os.waitpid(child, os.WNOHANG)[0]:
            said = answer.read_text(encoding="utf-8") if answer.exists() else "the process died"
            return said or None
        time.sleep(.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "it hangs"


def _run(folder, tests, answer):
    import pytest
    for name in [name for name in sys.modules if name.split(".")[0] in ("gan_lessons", "helpers")]:
        del sys.modules[name]                        # the copy's package is imported, not this one
    sys.dont_write_bytecode = True                   # an edit within a second is seen
    os.chdir(folder)
    sys.path[:0] = [str(folder), str(folder / "tests"), str(folder / "tools")]
    sys.stdout = sys.stderr = io.StringIO()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    failed = []

    class First:
        def pytest_runtest_logreport(self, report):
            if report.failed:
                failed.append(report.nodeid)

        def pytest_collectreport(self, report):
            if report.failed:
                failed.append(report.nodeid)
    code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:nbval",
                        "-o", "addopts=", *map(str, tests)], plugins=[First()])
    said = failed[0] if failed else "" if code in (0, 5) else f"pytest ends with {code}"
    answer.write_text(said, encoding="utf-8")


def known() -> dict[str, str]:
    """Survivors that were judged: 'module: line: change' -> the reason, on the line below it."""
    if not KNOWN.exists():
        return {}
    lines = KNOWN.read_text(encoding="utf-8").splitlines()
    pairs = zip(lines, lines[1:])
    return {line: reason.strip() for line, reason in pairs
            if line[:1].strip() and reason[:1] == " "}


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", metavar="MODULE", help="as exact/laws.py")
    parser.add_argument("--out", type=pathlib.Path, help="write the table there as well")
    asked = parser.parse_args(argv)
    os.environ.update(GAN_LESSONS_BUDGET="smoke", OMP_NUM_THREADS="1", MPLBACKEND="agg")
    os.environ.setdefault("GAN_LESSONS_OFFLINE", "1")
    import matplotlib.figure  # noqa: F401  what every fork has at hand
    import pytest  # noqa: F401
    import scipy.optimize
    import scipy.stats  # noqa: F401
    import torch  # noqa: F401
    package = ROOT / "gan_lessons"
    paths = sorted(path for pattern in asked.only or TARGETS for path in package.glob(pattern)
                   if path.stem != "__init__")
    judged, lines, survivors = known(), [], 0
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place).resolve() / "project"
        skipped = shutil.ignore_patterns(".git", ".venv", "build", "__pycache__", "*.csv.runs")
        shutil.copytree(ROOT, folder, ignore=skipped)
        chosen = drawn(paths, asked.number, asked.seed)
        broken = folder / "gan_lessons" / "game.py"
        kept = broken.read_bytes()
        broken.write_text("1 / 0", encoding="utf-8")
        if not noticed(folder, [folder / "tests/machinery/test_game.py"]):
            sys.exit("a broken package is not noticed: the tests do not run in the copy")
        broken.write_bytes(kept)
        for path, number in chosen:
            inside = path.relative_to(package)
            source = path.read_text(encoding="utf-8")
            text, words = mutated(source, number)
            name = f"{inside.as_posix()}: {words}"
            (folder / "gan_lessons" / inside).write_text(text, encoding="utf-8")
            found = None
            for ring in rings(path):
                tests = [folder / test.relative_to(ROOT) for test in ring]
                found = found or (noticed(folder, tests) if tests else None)
            (folder / "gan_lessons" / inside).write_text(source, encoding="utf-8")
            survives = found is None and name not in judged
            survivors += survives
            mark = "SURVIVES" if survives else "known   " if found is None else "caught  "
            lines.append(f"{mark} {name}" + (f"   [{found}]" if found else ""))
            print(lines[-1], flush=True)
            if asked.out:
                asked.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    share = 1 - survivors / len(chosen)
    print(f"{len(chosen)} mutants, {survivors} that no test notices and nobody judged: {share:.0%}")
    return int(share < .9)


if __name__ == "__main__":
    sys.exit(main())
