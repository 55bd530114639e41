"""Which cells of a page need which: names are followed from the cell that uses them to those that bind them."""
from __future__ import annotations

import ast
import re
import symtable


def tree(cell):
    """Syntax tree of a cell; lines of IPython magic count as blank."""
    return ast.parse(re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.M))


def trimmed(nb, ids):
    """Leave only the cells `ids` and those before them that bind a name they need, directly or through others."""
    wanted, kept = set(), []
    for cell in reversed(nb.cells):
        if cell.cell_type == "code":
            needs, binds, surely = flow(cell)
            if cell.id in ids or binds & wanted:
                wanted = wanted - surely | needs
                kept.append(cell)
    nb.cells = kept[::-1]


def flow(cell):
    """(names a cell takes from before it, names it binds or changes, those of them that it surely binds anew)."""
    needs, binds, surely = set(), set(), set()
    for node in tree(cell).body:
        table = symtable.symtable(ast.unparse(node), "cell", "exec")
        own = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
        used = {s.get_name() for s in table.get_symbols() if s.is_referenced()} | set().union(*map(outside, table.get_children()))
        changed = {base(part) for part in ast.walk(node) if isinstance(part, (ast.Attribute, ast.Subscript))
                   and not isinstance(part.ctx, ast.Load)}
        used |= {base(part.target) for part in ast.walk(node) if isinstance(part, ast.AugAssign)}
        first = {part.id for part in ast.walk(node.target) if isinstance(part, ast.Name)} if isinstance(node, ast.For) else set()
        needs |= used - first - surely
        binds |= own | changed
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
            surely |= own
    return needs, binds, surely


def base(node):
    """The name at the bottom of a.b[i].c; None where there is none."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return getattr(node, "id", None)


def outside(table):
    """Names that a function, or what lies inside it, takes from the page."""
    return {s.get_name() for s in table.get_symbols() if s.is_global()}.union(*map(outside, table.get_children()))
