"""Names are followed from cell to cell."""
import nbformat
import pytest
from cells import flow, trimmed


def code(source):
    return nbformat.v4.new_code_cell(source)


@pytest.mark.parametrize("source, needs, binds, surely",
                         [("import numpy as np\nx = np.ones(k)", "k", "np x", "np x"),
                          ("y = [x + a for x in range(n)]", "a range n", "y", "y"),
                          ("for x in xs:\n    print(x, y)\n    y = x", "xs print y", "x y", ""),
                          ("def f(x):\n    z = x\n    return lambda t: t + z + a", "a", "f", "f"),
                          ("a[i].b = 5", "a i", "a", ""),
                          ("n += 1", "n", "n", ""),
                          ("try:\n    a = b\nexcept E:\n    a = 0", "b E", "a", "")])
def test_flow_of_names(source, needs, binds, surely):
    assert flow(code(source)) == tuple(set(names.split()) for names in (needs, binds, surely))


def test_only_the_cells_that_a_solution_needs_are_left():
    cells = [code("import numpy as np"), code("a = 0"), code("a = np.ones(3)"),
             code("b = 2"), code("a[0] = 5"), nbformat.v4.new_markdown_cell("A sentence."),
             code("def f(x):\n    return x + a"), code("a = [b for x in 'ab']"), code("a = f(1)"),
             code("f(1) + a"), code("c = f(2)")]
    nb = nbformat.v4.new_notebook(cells=cells)
    trimmed(nb, {cells[9].id})
    assert [cell.id for cell in nb.cells] == [cells[i].id for i in (0, 2, 4, 6, 8, 9)]
