"""The book in a real browser that has no network: read, searched, moved, printed, on any screen."""
import os
import tarfile

import book
import films
import pytest
from nb import ROOT, lessons, read

pytestmark = pytest.mark.browser
STEMS = ("00_start_here", "05_transport", "reference")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A book of two lessons and the page of reference, with few frames."""
    try:
        import myst_nb  # noqa: F401
        import sphinx_book_theme  # noqa: F401
    except ImportError as missing:
        if os.environ.get("GAN_LESSONS_REQUIRE_BOOK") == "1":
            pytest.fail(f"GAN_LESSONS_REQUIRE_BOOK is 1, but {missing}")
        pytest.skip(f"python lessons.py book was not asked for here ({missing})")
    out = tmp_path_factory.mktemp("book") / "book"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_LESSONS_BUDGET", "smoke")
        assert book.build([ROOT / "notebooks" / f"{stem}.ipynb" for stem in STEMS], out) == 0
    return out


@pytest.fixture
def offline(page):
    """A page without network that remembers what it asked for."""
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.context.set_offline(True)
    yield page
    assert all(url.startswith(("file:", "data:")) for url in page.asked), page.asked
    assert page.js_errors == []


def test_it_is_read_without_kernel_and_network(built, offline):
    offline.goto((built / "index.html").as_uri())
    for stem in STEMS[:2]:
        assert offline.locator(f"article a[href='{stem}.html']").count() == 1
    offline.locator("article a[href='05_transport.html']").click()
    assert offline.locator("article h1").inner_text().startswith("05 ·")
    assert offline.locator("math").count() > 50 and offline.locator("img:not([alt])").count() == 0
    assert offline.locator("article").inner_text().count("$") == 0
    offline.locator("article a[href^='reference.html'], nav a[href='reference.html']").first.click()
    assert "Reference" in offline.locator("article h1").inner_text()


def test_a_first_view_is_light_and_shows_its_icons(built, page):
    sizes = []
    page.on("request", lambda request: sizes.append(request.url))
    page.goto((built / "05_transport.html").as_uri())
    page.wait_for_load_state("load")
    files = {url.partition("?")[0].partition("#")[0].removeprefix("file://") for url in sizes
             if url.startswith("file://")}
    assert sum(os.path.getsize(one) for one in files) < 1.5e6
    page.locator("svg.fa-rocket, svg.svg-inline--fa").first.wait_for(state="attached")
    assert page.locator("svg[data-icon=rocket] path").count() >= 1
    assert not list(built.rglob("*.map"))


@pytest.mark.parametrize("word", ["Lipschitz", "推土机"])
def test_its_search_finds(built, offline, word):
    offline.goto((built / "search.html").as_uri() + f"?q={word}")
    found = offline.locator("#search-results li a")
    found.first.wait_for()
    assert any("05" in text for text in found.all_inner_texts())


def test_all_controls_of_a_film_move_and_none_resets_another(built, offline):
    offline.goto((built / "05_transport.html").as_uri())
    films = offline.locator(".gan-film").all()
    assert len(films) == sum("explore" in cell.metadata.get("tags", [])
                             for cell in read(ROOT / "notebooks/05_transport.ipynb").cells)
    for film in films:
        controls = film.locator("input, select").all()
        asked, stands = [], [control.input_value() for control in controls]
        for k, control in enumerate(controls):
            before = film.get_attribute("data-at")
            control.focus()
            offline.keyboard.press("ArrowLeft" if stands[k] not in ("0", "") else "ArrowRight")
            if control.input_value() == stands[k]:
                offline.keyboard.press("ArrowRight")
            stands[k] = control.input_value()
            offline.wait_for_function("([film, at]) => film.dataset.at !== at",
                                      arg=[film.element_handle(), before])
            asked.append(film.get_attribute("data-at"))
            assert [one.input_value() for one in controls] == stands
        assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen(built, offline, width, scheme):
    offline.set_viewport_size({"width": width, "height": 900})
    offline.emulate_media(color_scheme=scheme)
    for path in sorted(built.glob("*.html")):
        offline.goto(path.as_uri())
        assert offline.evaluate("document.documentElement.scrollWidth") <= width, path.stem
        cut = offline.evaluate("""() => [...document.querySelectorAll(".bd-article math, "
            + ".bd-article pre, .bd-article table, .bd-article img")].filter(one => {
                if (one.closest("details:not([open])")) return false;
                const right = one.getBoundingClientRect().right;
                let box = one;
                while (box && !/auto|scroll/.test(getComputedStyle(box).overflowX))
                    box = box.parentElement;
                return right > innerWidth + 1 && !box; }).map(one => one.outerHTML.slice(0, 80))""")
        assert cut == [], path.stem


AXE, AXE_HASH = "axe-core-4.14.1.tgz", (
    "sha256:e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745")     # MPL 2.0


@pytest.fixture(scope="module")
def axe():
    """The script of axe-core, which finds what a reader with another screen or none cannot use."""
    from gan_lessons import DataUnavailable
    from gan_lessons.data.downloads import cache, fetch
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_LESSONS_OFFLINE", "0")
        try:
            path = fetch(AXE, AXE_HASH, ["https://registry.npmjs.org/axe-core/-/",
                                         "https://registry.npmmirror.com/axe-core/-/"], cache())
        except DataUnavailable as error:
            pytest.skip(f"no package registry: {error}")
    with tarfile.open(path) as archive:
        return archive.extractfile("package/axe.min.js").read().decode("utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_hard_to_reach(built, offline, axe, scheme):
    offline.emulate_media(color_scheme=scheme)
    for stem in ("index", *STEMS, "terms", "package"):
        offline.goto((built / f"{stem}.html").as_uri())
        offline.evaluate(axe)
        found = offline.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert [(one["id"], [node["html"][:100] for node in one["nodes"][:3]])
                for one in found["violations"]
                if one["impact"] in ("serious", "critical")] == [], stem


def test_code_is_whole_in_print(built, offline):
    offline.goto((built / "05_transport.html").as_uri())
    offline.emulate_media(media="print")
    cut = offline.evaluate("""() => [...document.querySelectorAll(".bd-article pre")].filter(
        one => one.offsetParent && one.scrollWidth > one.clientWidth + 1).length""")
    assert cut == 0


def test_a_long_table_is_cut_into_sheets_in_print(built, offline):
    """What scrolls is never cut: its heading would stand alone on the first sheet."""
    offline.goto((built / "terms.html").as_uri())
    offline.emulate_media(media="print")
    whole = offline.evaluate("""() => { const found = [];
        for (let one = document.querySelector(".bd-article table"); one; one = one.parentElement) {
            const style = getComputedStyle(one);
            if (style.breakInside !== "auto" || /auto|scroll/.test(style.overflowY)
                || style.display === "inline-block") found.push(one.tagName + one.className); }
        return found; }""")
    assert whole == []


def test_frames_that_are_up_to_date_are_left_alone(built, monkeypatch, capsys):
    monkeypatch.setenv("GAN_LESSONS_BUDGET", "smoke")
    frames = sorted((built.parent / ".book.work" / "films").rglob("*.webp"))
    before = [path.stat().st_mtime_ns for path in frames]
    assert len(frames) > 50
    monkeypatch.setattr(films, "execute", lambda *a, **k: pytest.fail("drawn again"))
    paths = [ROOT / "notebooks" / f"{stem}.ipynb" for stem in STEMS]
    assert book.build(paths, built) == 0
    assert [path.stat().st_mtime_ns for path in frames] == before


def test_a_broken_lesson_publishes_nothing(built, tmp_path, monkeypatch, capsys):
    text = (ROOT / "notebooks" / "05_transport.ipynb").read_text(encoding="utf-8")
    broken = tmp_path / "05_transport.ipynb"
    broken.write_text(text.replace("explorers.distances()", "explorers.no_such()"),
                      encoding="utf-8")
    monkeypatch.setenv("GAN_LESSONS_BUDGET", "smoke")
    before = (built / "index.html").stat().st_mtime_ns
    assert book.build([broken], built) == 1
    said = capsys.readouterr().err
    assert "no_such" in said and "Nothing was published" in said
    assert (built / "index.html").stat().st_mtime_ns == before


def test_every_lesson_is_in_a_chapter():
    from book_pages import CHAPTERS
    numbers = [number for _, chapter in CHAPTERS for number in chapter]
    assert {int(path.stem[:2]) for path in lessons()} <= set(numbers)
    assert len(numbers) == len(set(numbers))
