"""The hidden solutions, pasted into their exercises, are judged right."""
import nbformat
import pytest
from cells import trimmed
from lesson_rules import tags, with_solutions
from nb import ROOT, execute, lessons


def judged_wrong(nb, ids):
    """Exercise cells that do not print a ✓, or print anything else of the judge's."""
    found = []
    for cell in nb.cells:
        if cell.id in ids:
            said = "".join(str(out.get("text") or out.get("data", {}).get("text/plain", ""))
                           for out in cell.outputs)
            if "✓" not in said or "✗" in said or "○" in said:
                found.append(f"cell {cell.id}: {said.strip() or 'the judge said nothing'}")
    return found


def with_exercises():
    for path in lessons():
        nb = nbformat.read(path, as_version=4)
        if any("exercise" in tags(cell) for cell in nb.cells if cell.cell_type == "code"):
            yield pytest.param(path, id=path.stem)


@pytest.mark.parametrize("path", list(with_exercises()))
def test_published_solutions_are_judged_right(path):
    nb = nbformat.read(path, as_version=4)
    ids = with_solutions(nb)
    trimmed(nb, ids)                                  # the whole page is run elsewhere
    execute(nb, path.name, ROOT / "notebooks", GAN_LESSONS_BUDGET="smoke")
    assert judged_wrong(nb, ids) == []


def test_a_wrong_solution_is_noticed(tmp_path):
    cells = [nbformat.v4.new_code_cell(f"print('{mark} half')") for mark in "✓✗○"]
    nb = execute(
        nbformat.v4.new_notebook(cells=[*cells, nbformat.v4.new_code_cell("x = 1")]),
        "made up",
        tmp_path,
    )
    found = judged_wrong(nb, {cell.id for cell in nb.cells})
    assert [line.split(": ")[1] for line in found] == ["✗ half", "○ half", "the judge said nothing"]
