"""Each lesson in a real JupyterLab: its explorers appear, and their sliders move by keyboard."""
import ast
import os
import pathlib

import film
import nbformat
import pytest
from labtools import ERRORS, RUN_ALL, open_notebook, shut_down
from nb import KERNEL, ROOT, lessons
from nbformat.v4 import new_code_cell, new_notebook, new_output

from gan_lessons.explorers.map import linked_map

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("GAN_LESSONS_SCREENSHOTS")       # a folder, to look at afterwards


def move_first_slider(explorer, page):
    """Press → three times on the first slider; the number and the picture must follow.

    Without a slider, a menu.
    """
    from playwright.sync_api import TimeoutError
    picture, handle = explorer.locator("img").first, explorer.locator("[role=slider]").first
    assert len(picture.get_attribute("alt").split()) > 3, "an explorer without alternative text"
    if not handle.count():
        return move_first_menu(explorer, page)
    readout = explorer.locator(".widget-readout").first
    before, value = picture.get_attribute("src"), readout.inner_text()
    moved = "([readout, value]) => readout.innerText !== value"
    for key in "ArrowRight", "ArrowLeft":       # left, where it stands at its right end
        handle.focus()
        for _ in range(3):
            page.keyboard.press(key)
        try:
            page.wait_for_function(moved, arg=[readout.element_handle(), value], timeout=3_000)
            break
        except TimeoutError:
            continue
    else:
        pytest.fail(f"the slider stays at {value}")
    page.wait_for_function("([explorer, before]) => explorer.querySelector('img').src !== before",
                           arg=[explorer.element_handle(), before], timeout=10_000)
    assert explorer.locator("[role=alert]").all_inner_texts() == []


def move_first_menu(explorer, page):
    """Choose the last entry of the first menu, or the first one; the picture must follow.

    (JupyterLab takes arrows on a closed menu itself.)
    """
    picture, menu = explorer.locator("img").first, explorer.locator("select").first
    before, value = picture.get_attribute("src"), menu.input_value()
    last = menu.locator("option").count() - 1
    menu.select_option(index=last if menu.evaluate("menu => menu.selectedIndex") < last else 0)
    page.wait_for_function("([explorer, before]) => explorer.querySelector('img').src !== before",
                           arg=[explorer.element_handle(), before], timeout=10_000)
    assert menu.input_value() != value
    assert explorer.locator("[role=alert]").all_inner_texts() == []


# How many explorers the kernel holds, and how many states a book would draw of each.
FILMS = """async (tools) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const said = [], asked = kernel.requestExecute({store_history: false, code: `
import gc, math, sys
sys.path.append(${JSON.stringify(tools)})
import film
from gan_lessons.drawing.explorer import Explorer
print([math.prod(map(len, film.grid(one.controls, still=one.still).values()))
       for one in gc.get_objects() if isinstance(one, Explorer)])`});
  asked.onIOPub = message => said.push(message.content.text || message.content.evalue || "");
  await asked.done;
  return said.join("").trim(); }"""


@pytest.mark.parametrize("path", lessons(), ids=lambda path: path.stem)
def test_a_lesson_is_alive(lab, lab_page, path):
    page = lab_page
    open_notebook(page, lab, f"notebooks/{path.name}")
    page.evaluate(RUN_ALL)
    assert page.evaluate(ERRORS) == []
    assert page.get_by_text("Error displaying widget").count() == 0
    explorers = page.locator(".jp-Notebook .gan-explorer")
    asked = path.read_text(encoding="utf-8").count('"explore"')
    assert explorers.count() >= asked
    states = ast.literal_eval(page.evaluate(FILMS, str(ROOT / "tools")))
    assert len(states) >= asked and all(1 < count <= film.PATIENCE for count in states)
    for number in range(explorers.count()):
        explorer = explorers.nth(number)
        explorer.scroll_into_view_if_needed()
        move_first_slider(explorer, page)
        if SHOTS:
            explorer.screenshot(path=pathlib.Path(SHOTS) / f"{path.stem}-{number}.png")
    assert page.evaluate(ERRORS) == []
    assert page.js_errors == []
    shut_down(page)


def test_the_stop_button_ends_a_training_and_nothing_else(lab, lab_root, lab_page):
    cells = ["import gan_lessons as gl",
             "players = dict(f=gl.mlp_critic(2), g=gl.mlp_generator(2, 2))\n"
             "data = gl.batches(gl.Ring(), z=gl.Normal(dim=2))",
             "run = gl.train(gl.non_saturating(), players, data, steps=10_000_000)",
             "print('steps', run.step, run.interrupted, len(run.samples(5)))"]
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells],
                                metadata={"kernelspec": KERNEL}), lab_root / "stop.ipynb")
    page = lab_page
    open_notebook(page, lab, "stop.ipynb")
    page.evaluate(f"() => {{ window.ran = ({RUN_ALL})(); }}")
    page.wait_for_function("""() => window.jupyterapp.shell.currentWidget.content.widgets
        .some((cell, i) => cell.model.outputs.length > 0)""")   # the progress bar, or an error
    assert page.evaluate(ERRORS) == []
    page.wait_for_timeout(500)
    page.locator('[data-jp-item-name="interrupt"]:visible').first.click()
    page.evaluate("() => window.ran")
    assert page.evaluate(ERRORS) == []
    trained, after = page.locator(".jp-CodeCell").nth(2), page.locator(".jp-CodeCell").nth(3)
    assert (
        "stopped" in trained.inner_text().lower() or "interrupted" in trained.inner_text().lower()
    )
    said = after.locator(".jp-OutputArea-output").inner_text().split()
    assert said[0] == "steps" and 0 < int(said[1]) < 10_000_000 and said[2:] == ["True", "5"]
    if SHOTS:
        page.screenshot(path=pathlib.Path(SHOTS) / "stop.png")
    assert page.js_errors == []
    shut_down(page)


def test_a_box_of_the_map_opens_its_lesson(lab, lab_root, page):
    """In a notebook that nobody has trusted yet."""
    cell = new_code_cell("linked_map()", execution_count=1)
    cell.outputs = [
        new_output("display_data", {"text/html": linked_map()._repr_html_(), "text/plain": "a map"})
    ]
    nbformat.write(new_notebook(cells=[cell], metadata={"kernelspec": KERNEL}),
                   lab_root / "notebooks" / "boxes.ipynb")
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


PICTURES = """() => [...document.querySelectorAll(".jp-Notebook .gan-picture img")].map(
    image => [image.alt, image.className, getComputedStyle(image).filter])"""
FIRST_EXPLORER = """async () => {
  const content = window.jupyterapp.shell.currentWidget.content;
  const at = content.widgets.findIndex(
    cell => (cell.model.getMetadata("tags") || []).includes("explore"));
  content.activeCellIndex = at;
  await window.jupyterapp.commands.execute("notebook:run-cell");
  return content.widgets[at].model.outputs.toJSON().map(one => one.text || one.ename); }"""


def test_a_lesson_that_is_opened_and_not_run(lab, lab_root, lab_page):
    """Pictures have words and fit a dark theme; nothing is unsaved; a cell run alone is told."""
    page = lab_page
    source = next(path for path in lessons() if path.stem == "05_transport")
    nbformat.write(nbformat.read(source, as_version=4), lab_root / "notebooks" / "whole.ipynb")
    open_notebook(page, lab, "notebooks/whole.ipynb")
    page.locator(".gan-picture img").first.wait_for()
    page.wait_for_timeout(1_000)
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.context.model.dirty") is False
    assert page.locator("#jp-left-stack").bounding_box()["width"] >= 300
    pictures = page.evaluate(PICTURES)
    assert len(pictures) > 10 and all(len(alt.split()) > 3 for alt, _, _ in pictures)
    assert {"gan-plot", "gan-photo"} >= {kind for _, kind, _ in pictures}
    assert {light for _, _, light in pictures} == {"none"}
    theme = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
    page.evaluate(theme, "JupyterLab Dark")
    page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
    for _, kind, dark in page.evaluate(PICTURES):
        assert ("invert" in dark) == (kind == "gan-plot")
    page.evaluate(theme, "JupyterLab Light")
    page.wait_for_selector("body[data-jp-theme-light=true]", state="attached")
    said = page.evaluate(FIRST_EXPLORER)
    assert said[-1] == "NameError" and "Run All Above Selected Cell" in said[0]
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.context.model.dirty") is True
    page.evaluate(RUN_ALL.replace("run-all-cells", "run-all-above"))
    assert page.evaluate(FIRST_EXPLORER) == [None]          # the widget, and no word
    assert page.js_errors == []
    shut_down(page)
