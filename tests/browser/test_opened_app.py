"""The app in a real browser: explorers alone, from this machine, behind a token."""
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request

import pytest
from nb import ROOT, read, tags

pytestmark = pytest.mark.browser
PATIENCE = 480            # a busy machine; seconds on a free one


@pytest.fixture(scope="module")
def voila():
    try:
        import voila  # noqa: F401
    except ImportError as missing:
        if os.environ.get("GAN_LESSONS_REQUIRE_APP") == "1":
            pytest.fail(f"GAN_LESSONS_REQUIRE_APP is 1, but {missing}")
        pytest.skip(f"python lessons.py app was not asked for here ({missing})")


def started(root, *words):
    """The process of a command, and the address that it prints."""
    app = subprocess.Popen(
        [sys.executable, str(root / "tools" / "course.py"), "app", *words, "--no-browser"],
        env=dict(os.environ, GAN_LESSONS_VENV=sys.prefix, PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1",
                 GAN_LESSONS_BUDGET="smoke"), text=True, stdout=subprocess.PIPE)
    said = ""
    for line in app.stdout:
        said += line
        if "Ctrl-C" in line:
            return app, re.search(r"http://127\.0\.0\.1:\S+", said)[0]
    raise AssertionError(said)


@pytest.fixture(scope="module")
def served(voila, browser):
    app, address = started(ROOT, "05")
    yield app, address
    app.kill()
    app.wait()


@pytest.fixture
def alone(page):
    """A page that reaches this machine only, and remembers what it asked for."""
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.route(re.compile("^https?://(?!127[.]0[.]0[.]1)"), lambda route: route.abort())
    page.set_default_timeout(PATIENCE * 1000)
    yield page
    here = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")
    assert [url for url in page.asked if not url.startswith(here)] == []
    assert page.js_errors == []


def test_its_explorers_move_and_nothing_comes_from_elsewhere(served, alone):
    alone.goto(served[1], wait_until="commit")
    explorers = alone.locator(".gan-explorer")
    explorers.first.wait_for()
    asked = [cell for cell in read(ROOT / "notebooks/05_transport.ipynb").cells
             if "explore" in tags(cell)]
    assert explorers.count() == len(asked)
    for one in explorers.all():
        picture, handle = one.locator("img"), one.locator("[role=slider]").first
        before = picture.get_attribute("src")
        assert len(picture.get_attribute("alt").split()) > 3
        handle.focus()
        alone.keyboard.press("ArrowRight")
        alone.wait_for_function("([one, src]) => one.querySelector('img').src !== src",
                                arg=[one.element_handle(), before])     # it is another element now
    text = alone.locator("#rendered_cells").inner_text()
    assert "Questions:" in text and "What you should have found" in text
    assert alone.locator("math").count() > 5 and "$" not in text
    assert "import" not in text and "def " not in text            # no code


def test_without_the_token_nothing_is_shown(served, alone):
    bare = served[1].partition("?")[0]
    alone.goto(bare)
    assert "token" in alone.content().lower() and alone.locator(".gan-explorer").count() == 0
    alone.goto(bare + "?token=" + "0" * 48)
    assert alone.locator(".gan-explorer").count() == 0
    with pytest.raises(OSError, match="403|404"):
        urllib.request.urlopen(bare + "api/kernels/00000000-0000-0000-0000-000000000000")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_cell_that_fails_is_shown_and_ctrl_c_ends_all(voila, alone, tmp_path):
    for name in ("tools", "docs/app", "lessons.py", "pyproject.toml", "constraints.txt"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    (tmp_path / "notebooks").mkdir()
    text = (ROOT / "notebooks" / "05_transport.ipynb").read_text(encoding="utf-8")
    (tmp_path / "notebooks" / "05_transport.ipynb").write_text(
        text.replace("explorers.distances()", "explorers.no_such()"), encoding="utf-8")
    app, address = started(tmp_path, "05")
    try:
        alone.goto(address, wait_until="commit")
        alone.get_by_text("no_such").first.wait_for()
        alone.locator(".gan-explorer").first.wait_for()             # the one before it
        assert alone.locator(".gan-explorer").count() == 1
        alone.goto("about:blank")
        app.send_signal(signal.SIGINT)
        assert app.wait(60) == 0
    finally:
        app.kill()
