"""One JupyterLab and one Chromium for all browser tests, over a throw-away copy of the lessons."""
import os
import pathlib
import shutil
import sys

import nbformat
import pytest
from cells import trimmed
from jupyter_client.manager import start_new_kernel
from nb import lessons, tags

REPO = pathlib.Path(__file__).resolve().parents[2]
for folder in "browser", "course":                  # test_film has toys for us, too
    sys.path.insert(0, str(REPO / "tests" / folder))

from labtools import chromium, lab_server  # noqa: E402

WHOLE = ("00", "01", "02")        # run cell by cell here too; nbval runs every cell of every lesson


@pytest.fixture(scope="session")
def lab_root(tmp_path_factory):
    """The lessons; from 03 on only the explorers, with the cells that they need."""
    root = tmp_path_factory.mktemp("lab")
    shutil.copytree(REPO / "notebooks", root / "notebooks", dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns(".ipynb_checkpoints", "mine"))
    for path in lessons():
        if not path.stem.startswith(WHOLE):
            nb = nbformat.read(path, as_version=4)
            trimmed(nb, {cell.id for cell in nb.cells if "explore" in tags(cell)})
            nbformat.write(nb, root / "notebooks" / path.name)
    return root


@pytest.fixture(scope="session")
def browser():
    try:
        from playwright.sync_api import Error
    except ImportError as missing:
        give_up(f"playwright is not installed ({missing})")
    opened = chromium()
    try:
        browser = opened.__enter__()
    except Error as error:
        give_up(f"no usable Chromium ({str(error).strip().splitlines()[0]})")
    yield browser
    opened.__exit__(None, None, None)


def give_up(reason):
    if os.environ.get("GAN_LESSONS_REQUIRE_BROWSER") == "1":
        pytest.fail(f"GAN_LESSONS_REQUIRE_BROWSER is 1, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def lab(browser, lab_root):     # asks for the browser first: without one, no JupyterLab is started
    manager, client = start_new_kernel(startup_timeout=180, kernel_name="python3")
    client.stop_channels()          # the first one loads torch, for longer than JupyterLab waits
    manager.shutdown_kernel(now=True)
    with lab_server(lab_root, GAN_LESSONS_BUDGET="smoke", OMP_NUM_THREADS="1") as opened:
        yield opened


def opened(browser):
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(60_000)
    page.js_errors = []
    page.on("pageerror", lambda error: page.js_errors.append(str(error)))
    return page


@pytest.fixture
def page(browser):
    """A page of its own."""
    page = opened(browser)
    yield page
    page.context.close()


@pytest.fixture(scope="session")
def kept():
    """The page that holds JupyterLab from one test to the next, if the last one left it tidy."""
    return []


@pytest.fixture
def lab_page(browser, kept):
    """A page for JupyterLab: loading that takes seconds, so it is used again.

    Not after a failure: only a test that came to its `shut_down` leaves it as it was found.
    """
    page = kept.pop() if kept else opened(browser)
    page.tidy = False
    page.js_errors.clear()
    yield page
    if page.tidy:
        kept.append(page)
    else:
        page.context.close()
