"""Who may import whom inside the package."""
from __future__ import annotations

import ast
import pathlib

PACKAGE = pathlib.Path(__file__).resolve().parents[1] / "gan_lessons"
DATA = {"batching", "downloads", "formats", "glyphs", "laws"}
LOOP = {"game", "checkpoints", "checks", "optimizers", "runs", "settings", "turns", "live", "budgets"}
# Module -> siblings that it may import. Modules that are not listed may import anything but LAST.
ALLOWED = {
    "game": set(), "laws": set(), "networks": set(), "plots": set(), "budgets": set(),
    "optimizers": set(), "settings": set(), "formats": set(), "explorer": set(),
    "datasets": DATA, "batching": {"laws"}, "downloads": {"formats"}, "glyphs": DATA,
    "objectives": {"game", "penalties", "divergences", "f_divergences", "f_table", "transport"},
    "training": LOOP, "turns": LOOP, "checkpoints": LOOP, "checks": LOOP, "runs": LOOP,
}
LAST = {"explorers", "notebooks", "tests", "tools"}     # what nothing else builds on
WIDGETS = {"explorer", "live"}


def modules(package=PACKAGE):
    return sorted(package.rglob("*.py"))


def imports(path, package=PACKAGE):
    """(absolute module names) of everything a file imports, also inside functions."""
    inside = [package.name, *path.relative_to(package).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = inside[:len(inside) - node.level + 1] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            if base == package.name:
                yield from (f"{base}.{alias.name}" for alias in node.names)
            else:
                yield base


def one_way(package=PACKAGE):
    """Imports that go the wrong way, as a list of lines."""
    found = []
    for path in modules(package):
        name = path.relative_to(package).with_suffix("").parts[0]
        if name == "__init__":
            continue
        for target in imports(path, package):
            top, *rest = target.split(".")
            sibling = rest[0] if rest else None
            if top in LAST:
                found.append(f"{path.name} imports {target}")
            if top == "ipywidgets" and name not in WIDGETS:
                found.append(f"{path.name} imports ipywidgets; only {', '.join(sorted(WIDGETS))} may")
            if top != package.name or sibling in (None, name):
                continue
            if sibling not in ALLOWED.get(name, {sibling}) or sibling in LAST:
                found.append(f"{path.name} imports {sibling}")
    return found
