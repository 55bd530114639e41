"""Kinships of the course's objectives: the edges of the map of notebooks/20_map.ipynb, each with the test that proves it.

Both sides of an edge are computed by the package's own losses and oracles, values and gradients, on asymmetric numbers.
"""
from __future__ import annotations

from . import kinship_critics, kinship_codes            # noqa: F401  they add their edges, in this order
from .catalogue import objective
from .kinship_edges import KIND_WORDS, KINSHIPS, Kinship, both_sides, check_kinship, related       # noqa: F401


def kinships_of(name: str) -> list[Kinship]:
    """The edges that touch an objective. KeyError, listing the names, for an unknown one."""
    name = objective(name).name
    return [edge for edge in KINSHIPS if name in edge.ends]


def kinship_table():
    """The edges as a Markdown table: statement, difference of the sides computed now, links to the lessons, the test."""
    from IPython.display import Markdown
    rows = ["| # | statement | difference | lessons | tested by |", "|---|---|---|---|---|"]
    for i, edge in enumerate(KINSHIPS):
        said = f"**{edge.a} {KIND_WORDS[edge.kind]} {edge.b}**: {edge.statement}".replace("|", "&#124;").replace("_", "&#95;")
        links = ", ".join(f"[{stem[:2]}]({stem}.ipynb)" for stem in edge.lessons)
        test = edge.test.replace("_", "&#95;<wbr>").replace("::", "::<wbr>")
        difference = check_kinship(edge)
        rows.append(f"| {i + 1} | {said} | {f'{difference:.0e}' if difference else '0'} | {links} | {test} |")
    return Markdown("\n".join(rows))
