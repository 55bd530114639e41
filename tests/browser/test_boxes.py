"""The boxes of the map, in a notebook that nobody has trusted yet: each leads to its lesson."""
import nbformat
import pytest
from labtools import open_notebook, shut_down
from nbformat.v4 import new_code_cell, new_notebook, new_output

from gan_lessons.explorers.map import linked_map

pytestmark = pytest.mark.browser


def test_a_box_opens_its_lesson(lab, lab_root, page):
    cell = new_code_cell("linked_map()", execution_count=1)
    cell.outputs = [
        new_output("display_data", {"text/html": linked_map()._repr_html_(), "text/plain": "a map"})
    ]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
    nbformat.write(
        new_notebook(cells=[cell], metadata={"kernelspec": kernel}),
        lab_root / "notebooks" / "boxes.ipynb",
    )
    open_notebook(page, lab, "notebooks/boxes.ipynb")
    box = page.get_by_role("link", name="WGAN", exact=True)
    around, picture = (
        box.bounding_box(),
        page.locator(".jp-OutputArea-output img").first.bounding_box(),
    )
    assert (
        around["x"] > picture["x"]
        and around["y"] + around["height"] < picture["y"] + picture["height"]
    )  # over it
    assert box.evaluate("link => getComputedStyle(link).color") == "rgba(0, 0, 0, 0)"
    box.click()
    page.locator(".lm-TabBar-tabLabel", has_text="06_wasserstein.ipynb").wait_for()
    assert page.js_errors == []
    shut_down(page)
