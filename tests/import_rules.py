"""Who may import whom inside the package, read from the files."""
from __future__ import annotations

import ast
import graphlib
import pathlib

PACKAGE = pathlib.Path(__file__).resolve().parents[1] / "gan_lessons"
RULE = ("game, pixels, exact, drawing < players, data < objectives, training, measures < map"
        " < headlines < explorers, questions")
FLOORS = [floor.split(", ") for floor in RULE.split(" < ")]
FLOOR = {wing: number for number, wing_list in enumerate(FLOORS) for wing in wing_list}
TOP = {"__init__", "moved"}  # the door and its sign: they may know all
WIDGETS = {"drawing.explorer", "training.progress"}          # where ipywidgets may be imported
OUTSIDE = {"notebooks", "tests", "tools", "benchmarks"}      # what the package never builds on


def modules(package=PACKAGE):
    return sorted(package.rglob("*.py"))


def dotted(path, package=PACKAGE):
    """gan_lessons/exact/laws.py -> "exact.laws"; a wing's __init__ is the wing."""
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imports(path, package=PACKAGE):
    """(absolute module names) of everything a file imports, also inside functions."""
    inside = [package.name, *path.relative_to(package).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = inside[:len(inside) - node.level + 1] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            # `from .exact import laws` names a module, `from .exact.laws import Normal` does not
            folder = package.parent.joinpath(*base.split("."))
            yield from (f"{base}.{alias.name}" if folder.is_dir() else base
                        for alias in node.names)


def wrong_ways(package=PACKAGE):
    """Imports against the rule, as a list of lines."""
    found = []
    for path in modules(package):
        name = dotted(path, package)
        wing = name.split(".")[0]
        if name in TOP:
            continue
        if wing not in FLOOR:
            found.append(f"{name} stands on no floor: {RULE}")
            continue
        for target in imports(path, package):
            top, *inside = target.split(".")
            if top in OUTSIDE:
                found.append(f"{name} imports {target}")
            if top == "torch" and wing == "exact":
                found.append(f"{name} imports torch; exact works without")
            if top == "ipywidgets" and name not in WIDGETS:
                found.append(f"{name} imports ipywidgets; only {', '.join(sorted(WIDGETS))} may")
            if top == package.name and inside and inside[0] != wing:
                other = inside[0]
                if other in FLOOR and FLOOR[other] >= FLOOR[wing]:
                    found.append(f"{name} imports {other}, which is no lower floor")
    return found


def private_names(package=PACKAGE):
    """Private names that a module imports from, or reads in, another: a list of lines."""
    found = []
    for path in modules(package):
        siblings = set()
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        for node in nodes:
            ours = isinstance(node, ast.ImportFrom) and (
                node.level or (node.module or "").startswith(package.name))
            if ours:
                siblings |= {alias.asname or alias.name for alias in node.names}
                found += [f"{dotted(path, package)} imports {alias.name} of {node.module}"
                          for alias in node.names if alias.name.startswith("_")]
        for node in nodes:
            if (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
                    and node.value.id in siblings and node.attr.startswith("_")
                    and not node.attr.startswith("__")):
                found.append(f"{dotted(path, package)} reads {node.value.id}.{node.attr}")
    return found


def circle(package=PACKAGE):
    """Modules that import each other in a circle, imports inside functions counted; [] for none."""
    graph = {}
    for path in modules(package):
        name = dotted(path, package)
        if name not in TOP:
            graph[name] = {target.partition(".")[2] for target in imports(path, package)
                           if target.startswith(package.name + ".")} - {name}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []
