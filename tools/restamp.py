"""Keep a lesson's stored outputs where only imports, names and prose have changed.

    python tools/restamp.py [--since REV] [PATH ...]

A stored lesson bears a fingerprint of its code, so moving a helper to another module would ask for
every training again. Here both versions of a page, that of REV (by default HEAD) and today's, are
read as syntax trees. Imports of this package leave the trees, and each name that one bound is
replaced by what it stands for: the full name of its new home, for old places by the table in
`gan_lessons/moved.py`, which also names the attributes of objects that are called otherwise now.
Only where the two trees are then equal, cell by cell and tag by tag, the outputs of REV are kept
under a new fingerprint; otherwise the first difference is named. That the package still computes
the same numbers is not proved here: the suite runs every cell.
"""
from __future__ import annotations

import argparse
import ast
import pathlib
import subprocess
import sys

import nbformat
from cells import tree
from nb import LessonFailed, dumps, fingerprint, lessons, normalise, read, tags, write

import gan_lessons
from gan_lessons.moved import NEW_ATTRIBUTE, new_name

PACKAGE = "gan_lessons"


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


def plain(nb, old: bool) -> list[str]:
    """Every code cell as the dump of its tree, made comparable."""
    trees = [tree(cell) for cell in nb.cells if cell.cell_type == "code"]
    reader = _Plain(imported(trees), old)
    return [ast.dump(reader.visit(one)) for one in trees]


def difference(before, now) -> str | None:
    """What else than imports, names and prose has changed, as a sentence; None where nothing has."""
    code = [[cell for cell in nb.cells if cell.cell_type == "code"] for nb in (before, now)]
    if len(code[0]) != len(code[1]):
        return f"{len(code[0])} code cells have become {len(code[1])}"
    try:
        pairs = zip(*code, plain(before, True), plain(now, False))
        for number, (was, cell, left, right) in enumerate(pairs, 1):
            if tags(was) != tags(cell):
                return f"the tags of code cell {number} have changed"
            if left != right:
                line = next((line for line in cell.source.splitlines()
                             if line not in was.source.splitlines()), cell.source[:60])
                return f"code cell {number} has changed: {line.strip()[:80]}"
    except (SyntaxError, ValueError) as error:
        return str(error)
    return None


def restamp(path, since: str = "HEAD") -> str:
    """Outputs of `since` under today's code, and a line that says so. LessonFailed: the difference."""
    asked = subprocess.run(["git", "show", f"{since}:./{path.name}"], cwd=path.parent,
                           capture_output=True, text=True, encoding="utf-8")
    if asked.returncode:
        raise LessonFailed(f"{path.name}: git has no {since}:{path.name}; name another --since")
    before, now = nbformat.reads(asked.stdout, as_version=4), read(path)
    stamp = before.metadata.get("gan_lessons", {})
    if stamp.get("code") != fingerprint(before):
        raise LessonFailed(f"{path.name}: its outputs were stale at {since} already; refresh it")
    if found := difference(before, now):
        raise LessonFailed(f"{path.name}: {found}; run: python lessons.py refresh {path.stem[:2]}")
    code = [[cell for cell in nb.cells if cell.cell_type == "code"] for nb in (before, now)]
    for was, cell in zip(*code):
        cell.outputs, cell.execution_count = was.outputs, was.execution_count
    now.metadata["gan_lessons"] = {**stamp, "code": fingerprint(now)}
    write(path, dumps(normalise(now)))
    return f"{path.name}: outputs of {since} kept"


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=pathlib.Path, metavar="PATH")
    parser.add_argument("--since", default="HEAD", metavar="REV", help="where the outputs are from")
    args = parser.parse_args(argv)
    failed = False
    for path in args.paths or lessons():
        try:
            print(restamp(path.resolve(), args.since), flush=True)
        except LessonFailed as error:
            failed = True
            print(error, file=sys.stderr, flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
