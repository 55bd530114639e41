"""Kinships of the course's objectives: the edges of the map of notebooks/20_map.ipynb, each with the test that proves it.

Both sides of an edge are computed by the package's own losses and oracles, values and gradients, on asymmetric numbers.
"""
from __future__ import annotations

from . import edges_of_critics, edges_of_encoders  # noqa: F401  they add their edges, in this order
from .edge import EDGES, KIND_WORDS, Edge, both_sides, check_edge, related  # noqa: F401
from .objectives import objective


def edges_of(name: str) -> list[Edge]:
    """The edges that touch an objective. KeyError, listing the names, for an unknown one."""
    name = objective(name).name
    return [edge for edge in EDGES if name in edge.ends]


def edge_table():
    """The edges as a Markdown table: statement, difference of the sides computed now, links to the lessons, the test."""
    from IPython.display import Markdown
    rows = ["| # | statement | difference | lessons | tested by |", "|---|---|---|---|---|"]
    for i, edge in enumerate(EDGES):
        said = f"**{edge.a} {KIND_WORDS[edge.kind]} {edge.b}**: {edge.statement}".replace("|", "&#124;").replace("_", "&#95;")
        links = ", ".join(f"[{stem[:2]}]({stem}.ipynb)" for stem in edge.lessons)
        test = edge.test.replace("_", "&#95;<wbr>").replace("::", "::<wbr>")
        difference = check_edge(edge)
        rows.append(f"| {i + 1} | {said} | {f'{difference:.0e}' if difference else '0'} | {links} | {test} |")
    return Markdown("\n".join(rows))
