"""The static pages in a real browser that has no network: they are read, and their sliders move."""
import pytest
import static_site
from nb import lessons

pytestmark = pytest.mark.browser


def test_a_lesson_without_kernel_and_network(page, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GAN_LESSONS_BUDGET", "smoke")
    lesson = str(lessons()[0])
    assert static_site.main(["--out", str(tmp_path), lesson]) == 0
    written = (tmp_path / "00_start_here.html").stat().st_mtime_ns
    assert (
        static_site.main(["--out", str(tmp_path), lesson]) == 0
        and "up to date" in capsys.readouterr().out
    )
    assert (tmp_path / "00_start_here.html").stat().st_mtime_ns == written

    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.context.set_offline(True)
    page.goto((tmp_path / "index.html").as_uri())
    assert page.locator("li").count() == len(lessons())
    page.get_by_role("link", name="Start here").click()
    assert page.locator("math").count() > 5 and page.locator("img:not([alt])").count() == 0
    film = page.locator(".gan-film").first
    slider, picture = film.locator("input[type=range]").first, film.locator("img")
    before, said = picture.get_attribute("src"), film.locator("output").first.inner_text()
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert picture.get_attribute("src") != before
    assert (
        film.locator("output").first.inner_text() == slider.get_attribute("aria-valuetext") != said
    )
    page.keyboard.press("ArrowLeft")
    assert picture.get_attribute("src") == before
    page.get_by_role("link", name="All lessons").first.click()
    assert page.url.endswith("index.html")
    assert all(url.startswith(("file:", "data:")) for url in asked) and page.js_errors == []


def test_one_control_at_a_time(page, tmp_path):
    """Where all combinations are too many, a frame shows one control moved, the others at rest."""
    from film import Film
    from test_film import blocks, greys
    made = Film(blocks(), most=22)
    (tmp_path / "film.html").write_text(
        f"<body>{made._repr_html_()}{static_site.SCRIPT}</body>", encoding="utf-8"
    )
    page.goto((tmp_path / "film.html").as_uri())
    left, right = page.locator("input").all()
    shown = lambda: greys(page.locator("img").get_attribute("src").split("base64,")[1])
    assert shown() == [4, 7]
    left.focus()
    page.keyboard.press("ArrowRight")
    assert shown() == [5, 7]
    right.focus()
    page.keyboard.press("ArrowLeft")
    assert shown() == [4, 6] and page.locator("output").all_inner_texts() == ["4", "6"]
    right.focus()
    page.keyboard.press("End")
    assert shown() == [4, 10]
