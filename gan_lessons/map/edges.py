"""The edges of the map of notebooks/20_map.ipynb: exact relations, each with a test that proves it.

Both sides of an edge are computed by the package's own losses and exact results, values and
gradients, on asymmetric numbers.
"""
from __future__ import annotations

from .edge import KIND_WORDS, Edge, both_sides, check_edge, related
from .edges_beyond import EDGES_BEYOND
from .edges_of_critics import EDGES_OF_CRITICS
from .edges_of_encoders import EDGES_OF_ENCODERS
from .objectives import objective

__all__ = ["EDGES", "KIND_WORDS", "Edge", "both_sides", "check_edge", "edge_table", "edges_of",
           "related"]

# an edge's place here is its number on the map
EDGES: list[Edge] = [*EDGES_OF_CRITICS, *EDGES_OF_ENCODERS, *EDGES_BEYOND]


def edges_of(name: str) -> list[Edge]:
    """The edges that touch an objective. KeyError, listing the names, for an unknown one."""
    name = objective(name).name
    return [edge for edge in EDGES if name in edge.ends]


def edge_table():
    """The edges as a Markdown table, computed now.

    Columns: number, statement, difference of the two sides, links to the lessons.
    """
    from IPython.display import Markdown
    rows = ["| # | statement | gap > 1e-11 | lessons |", "|---|---|---|---|"]
    for number, edge in enumerate(EDGES, 1):
        said = f"**{edge.a} {KIND_WORDS[edge.kind]} {edge.b}**: {edge.statement}"
        said = said.replace("|", "&#124;").replace("_", "&#95;")    # no cell ends, no italics
        links = ", ".join(f"[{stem[:2]}]({stem}.ipynb)" for stem in edge.lessons)
        difference = check_edge(edge)
        # below that it is rounding, which differs from processor to processor
        shown = f"{difference:.0e}" if difference >= 1e-11 else "0"
        rows.append(f"| {number} | {said} | {shown} | {links} |")
    return Markdown("\n".join(rows))
