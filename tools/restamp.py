"""Keep a lesson's stored outputs where only imports, names and prose have changed.

    python tools/restamp.py [--since REV] [--rerun] [PATH ...]

A stored lesson bears a fingerprint of its code, so moving a helper to another module would ask for
every training again. Here both versions of a page, that of REV (by default HEAD) and today's, are
read as syntax trees. Imports of this package leave the trees, and each name that one bound is
replaced by what it stands for: the full name of its new home, for old places by the table in
`gan_lessons/moved.py`, which also names the attributes of objects that are called otherwise now.
Only where the two trees are then equal, cell by cell and tag by tag, the outputs of REV are kept
under a new fingerprint; otherwise the first difference is named. That the package still computes
the same numbers is not proved here: the suite runs every cell.

Outputs are stored under the laptop budget, so `steps(laptop=10_000, smoke=500)` is read as 10_000,
`x[:None]` as x, and a name that the page binds once, to a constant, as that constant: sizes may be
given to the smoke budget without a training made again.

--rerun: cells that depend on no training may change as well, as long as no training depends on what
they bind. The page is run once under the smoke budget, and the outputs of such cells are taken from
that run where their code changed, or where they print or draw something else now.
"""
from __future__ import annotations

import argparse
import ast
import copy
import pathlib
import subprocess
import sys
from collections import Counter
from importlib.metadata import version

import nbformat
import nbformat.v4
from cells import flow, tree
from launch import without
from nb import LessonFailed, dumps, execute, fingerprint, lessons, normalise, read, tags, write

import gan_lessons
from gan_lessons.moved import NEW_ATTRIBUTE, new_name

PACKAGE = "gan_lessons"
STEPS = "gan_lessons.training.budgets.steps"


def home(dotted: str, old: bool) -> str:
    """The full name of what `gan_lessons.<dotted>` stands for today; old: as written in REV."""
    if old:
        dotted = new_name(dotted)
    first, dot, rest = dotted.partition(".")
    first = gan_lessons._MODULES.get(first, first)                     # metrics, plots
    if first in gan_lessons._WHERE:                                    # a name of the top
        first = f"{gan_lessons._WHERE[first]}.{first}"
    return first + dot + rest


def imported(trees) -> dict[str, str]:
    """Local name -> what an import of the package bound it to, as written: "", "kl", "exact.laws".

    ValueError where one name is bound to two things.
    """
    known = {}
    for node in (node for one in trees for node in ast.walk(one)):
        if isinstance(node, ast.Import):
            pairs = [(alias.asname or PACKAGE, alias.name if alias.asname else PACKAGE)
                     for alias in node.names if alias.name.split(".")[0] == PACKAGE]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            pairs = [(alias.asname or alias.name, f"{node.module}.{alias.name}")
                     for alias in node.names]
        else:
            continue
        for local, full in pairs:
            written = full.partition(".")[2]
            if known.setdefault(local, written) != written:
                raise ValueError(f"{local} is imported as {known[local]} and as {written}")
    return known


class _Plain(ast.NodeTransformer):
    """Without imports of the package; every name that one bound in full, wherever it stands.

    A page that binds such a name itself, as a variable or a parameter, thereby differs from one
    that does not: better one refusal too many.
    """

    def __init__(self, known: dict[str, str], old: bool):
        self.known, self.old = known, old

    def _full(self, written: str) -> str:
        return f"{PACKAGE}.{home(written, self.old)}" if written else PACKAGE

    def visit_Import(self, node):
        node.names = [a for a in node.names if a.name.split(".")[0] != PACKAGE]
        return node if node.names else None

    def visit_ImportFrom(self, node):
        return None if (node.module or "").split(".")[0] == PACKAGE else node

    def visit_Name(self, node):
        name = self._full(self.known[node.id]) if node.id in self.known else node.id
        return ast.Name(name, node.ctx)

    def visit_arg(self, node):
        return ast.arg(self._full(self.known[node.arg]) if node.arg in self.known else node.arg)

    def visit_Call(self, node):
        self.generic_visit(node)
        sizes = {word.arg: word.value for word in node.keywords}
        if getattr(node.func, "id", "") == STEPS and not node.args and "laptop" in sizes:
            return sizes["laptop"]
        return node

    def visit_Attribute(self, node):
        parts, inner = [node.attr], node.value
        while isinstance(inner, ast.Attribute):
            parts.insert(0, inner.attr)
            inner = inner.value
        if not (isinstance(inner, ast.Name) and inner.id in self.known):
            # an attribute of an object, whose class is not known here: by its name alone
            attr = NEW_ATTRIBUTE.get(node.attr, node.attr) if self.old else node.attr
            return ast.Attribute(self.visit(node.value), attr, node.ctx)
        written = ".".join(filter(None, [self.known[inner.id], *parts]))
        return ast.Name(self._full(written), node.ctx)


class _Constants(ast.NodeTransformer):
    """A name that is bound once in a page, at its top and to a constant, is that constant."""

    def __init__(self, trees):
        bound = Counter(node.id for one in trees for node in ast.walk(one)
                        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load))
        bound.update(name for one in trees for node in ast.walk(one) for name in _other(node))
        self.known = {
            node.targets[0].id: node.value for one in trees for node in one.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            and len(node.targets) == 1 and bound[getattr(node.targets[0], "id", None)] == 1}

    def visit_Assign(self, node):
        constant = getattr(node.targets[0], "id", None) in self.known
        return None if constant else self.generic_visit(node)

    def visit_Name(self, node):
        return self.known.get(node.id, node)

    def visit_Slice(self, node):
        self.generic_visit(node)
        ends = [None if isinstance(end, ast.Constant) and end.value is None else end
                for end in (node.lower, node.upper, node.step)]
        return ast.Slice(*ends)

    def visit_Subscript(self, node):
        self.generic_visit(node)
        whole = ast.dump(node.slice) == ast.dump(ast.Slice()) and isinstance(node.ctx, ast.Load)
        return node.value if whole else node


def _other(node) -> list[str]:
    """Names that a node binds otherwise than as a `Name`: they may stand for something else."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name for alias in node.names]
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return node.names
    if isinstance(node, (ast.alias, ast.keyword)):
        return []
    name = getattr(node, "name", None) or (node.arg if isinstance(node, ast.arg) else None)
    return [name] if name else []           # functions, classes, errors, parameters, patterns


def plain(nb, old: bool) -> list[str]:
    """Every code cell as the dump of its tree, made comparable; without the line for Colab."""
    sources = [without(cell.source) for cell in nb.cells if cell.cell_type == "code"]
    trees = [tree(nbformat.v4.new_code_cell(source)) for source in sources]
    reader = _Plain(imported(trees), old)
    trees = [reader.visit(one) for one in trees]
    constants = _Constants(trees)
    return [ast.dump(constants.visit(one)) for one in trees]


def code_cells(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def changes(before, now) -> dict[int, str]:
    """Number of a code cell, from 1 -> what else than imports, names and prose has changed in it.

    ValueError where the cells do not correspond, or a name has two meanings.
    """
    was, cells = code_cells(before), code_cells(now)
    if len(was) != len(cells):
        raise ValueError(f"{len(was)} code cells have become {len(cells)}")
    found = {}
    pairs = zip(was, cells, plain(before, True), plain(now, False))
    for number, (one, other, left, right) in enumerate(pairs, 1):
        if tags(one) != tags(other):
            raise ValueError(f"the tags of code cell {number} have changed")
        if left != right:
            known = one.source.splitlines()
            line = next((line for line in other.source.splitlines() if line not in known), "")
            found[number] = f"code cell {number} has changed: {line.strip()[:80]}"
    return found


def feeds_a_training(now, before, number: int) -> str | None:
    """A name that a changed statement binds and a training needs, directly or through other cells.

    Statements that only print otherwise bind as they did, and so do imports, compared already.
    """
    wanted = set()
    for cell in reversed(code_cells(now)[number:]):
        needs, binds, surely = flow(cell)
        if "train" in tags(cell) or binds & wanted:
            wanted = wanted - surely | needs
    old, new = (_statements(code_cells(nb)[number - 1]) for nb in (before, now))
    different = [text for text in old + new if (text in old) != (text in new)]
    binds = set().union(*(flow(nbformat.v4.new_code_cell(text))[1] for text in different))
    return min(binds & wanted, default=None)


class _Silence(ast.NodeTransformer):
    """Without calls of print, which bind nothing, wherever they stand."""

    def visit_Expr(self, node):
        call = node.value
        prints = isinstance(call, ast.Call) and getattr(call.func, "id", "") == "print"
        return ast.Pass() if prints else node


def _statements(cell) -> list[str]:
    """The statements of a cell that are no import, without what they print."""
    return [ast.unparse(_Silence().visit(node)) for node in tree(cell).body
            if not isinstance(node, (ast.Import, ast.ImportFrom))]


def restamp(path, since: str = "HEAD", rerun: bool = False) -> str:
    """Outputs of `since` under today's code; a line that says so. LessonFailed: the difference."""
    asked = subprocess.run(["git", "show", f"{since}:./{path.name}"], cwd=path.parent,
                           capture_output=True, text=True, encoding="utf-8")
    if asked.returncode:
        raise LessonFailed(f"{path.name}: git has no {since}:{path.name}; name another --since")
    before, now = nbformat.reads(asked.stdout, as_version=4), read(path)
    stamp = before.metadata.get("gan_lessons", {})
    if stamp.get("code") != fingerprint(before):
        raise LessonFailed(f"{path.name}: its outputs were stale at {since} already; refresh it")
    remedy = f"run: python lessons.py refresh {path.stem[:2]}"
    try:
        changed = changes(before, now)
    except (SyntaxError, ValueError) as error:
        raise LessonFailed(f"{path.name}: {error}; {remedy}") from None
    for number, what in changed.items():
        cell = code_cells(now)[number - 1]
        if not rerun or "train" in tags(cell):
            raise LessonFailed(f"{path.name}: {what}; {remedy}")
        if name := feeds_a_training(now, before, number):
            raise LessonFailed(f"{path.name}: {what}; a training depends on its {name}; {remedy}")
    for was, cell in zip(code_cells(before), code_cells(now)):
        cell.outputs, cell.execution_count = was.outputs, was.execution_count
    fresh = rerun_untrained(path, now, changed) if rerun else 0
    now.metadata["gan_lessons"] = {**stamp, "code": fingerprint(now)}
    if fresh:
        now.metadata["gan_lessons"]["matplotlib"] = version("matplotlib")
    write(path, dumps(normalise(now)))
    return f"{path.name}: outputs of {since} kept" + f", {fresh} made anew" * bool(fresh)


def rerun_untrained(path, now, changed) -> int:
    """Take outputs of cells without training from a smoke run where they changed: how many."""
    from processors import complaint
    ran = execute(copy.deepcopy(now), path.name, path.parent, GAN_LESSONS_BUDGET="smoke")
    fresh = 0
    pairs = zip(code_cells(now), code_cells(normalise(ran)))
    for number, (cell, done) in enumerate(pairs, 1):
        if "train" not in tags(cell) and (number in changed or complaint(cell, done.outputs)):
            cell.outputs = done.outputs
            fresh += 1
    return fresh


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=pathlib.Path, metavar="PATH")
    parser.add_argument("--since", default="HEAD", metavar="REV", help="where the outputs are from")
    parser.add_argument("--rerun", action="store_true", help="run cells without training again")
    args = parser.parse_args(argv)
    failed = False
    for path in args.paths or lessons():
        try:
            print(restamp(path.resolve(), args.since, args.rerun), flush=True)
        except LessonFailed as error:
            failed = True
            print(error, file=sys.stderr, flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
