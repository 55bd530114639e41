"""Which cells of a page need which: a name is followed from where it is used to what binds it."""
from __future__ import annotations

import ast
import re
import symtable

BINDING = (ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


def tree(cell):
    """Syntax tree of a cell; lines of IPython magic count as blank."""
    return ast.parse(re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.M))


def trimmed(nb, ids):
    """Leave only the cells `ids` and those before that bind a name they need, if through others."""
    wanted, kept = set(), []
    for cell in reversed(nb.cells):
        if cell.cell_type == "code":
            needs, binds, surely = flow(cell)
            if cell.id in ids or binds & wanted:
                wanted = wanted - surely | needs
                kept.append(cell)
    nb.cells = kept[::-1]


def flow(cell):
    """Three sets of names, by a look at each statement of a cell in turn.

    Those it takes from before it, those it binds or changes, and of these the ones that it surely
    binds anew: what stood under such a name before is not needed.
    """
    needs, binds, surely = set(), set(), set()
    for node in tree(cell).body:
        table = symtable.symtable(ast.unparse(node), "cell", "exec")
        own = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
        used = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
        used = used.union(*map(outside, table.get_children()))
        parts = list(ast.walk(node))
        changed = {base(part) for part in parts if isinstance(part, (ast.Attribute, ast.Subscript))
                   and not isinstance(part.ctx, ast.Load)}
        used |= {base(part.target) for part in parts if isinstance(part, ast.AugAssign)}
        first = set()                   # a loop's own variable is bound before it is used
        if isinstance(node, ast.For):
            first = {part.id for part in ast.walk(node.target) if isinstance(part, ast.Name)}
        needs |= used - first - surely
        binds |= own | changed
        if isinstance(node, BINDING):
            surely |= own
    return needs, binds, surely


def base(node):
    """The name at the bottom of a.b[i].c; None where there is none."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return getattr(node, "id", None)


def outside(table):
    """Names that a function, or what lies inside it, takes from the page."""
    own = {s.get_name() for s in table.get_symbols() if s.is_global()}
    return own.union(*map(outside, table.get_children()))
