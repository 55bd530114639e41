"""A deck of slides in a real browser that has no network."""
import nb as tool
import pytest

pytestmark = pytest.mark.browser


def test_a_deck_plays_to_its_end_without_a_network(page, tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LESSONS_OFFLINE", "0")           # reveal.js itself is fetched once
    try:
        tool.reveal()
    except tool.LessonFailed as error:
        pytest.skip(f"no package registry: {error}")
    lesson = next(path for path in tool.lessons() if path.stem.startswith("01"))
    assert tool.main(["slides", str(lesson), "--out", str(tmp_path)]) == 0
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.context.set_offline(True)
    page.goto((tmp_path / "01_minimax.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    assert page.locator("section.present h1").inner_text().startswith("01 ·")
    slides, presses = page.evaluate("Reveal.getTotalSlides()"), 0
    while not page.evaluate("Reveal.isLastSlide() && !Reveal.availableFragments().next"):
        page.keyboard.press("Space")
        shown = page.evaluate("""() => {
            const fragments = document.querySelectorAll('section.present .current-fragment');
            const last = [...fragments].pop();
            return !last || last.getBoundingClientRect().top < innerHeight; }""")
        assert shown, "a fragment appeared below the screen"
        presses += 1
        assert presses < 400
    assert slides >= 10 and presses >= slides
    assert all(url.startswith(("file:", "data:")) for url in asked) and errors == []


def test_without_the_registry_the_remedy_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GAN_LESSONS_OFFLINE", "1")
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path))
    assert tool.main(["slides", str(tool.lessons()[0]), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert (
        "slides need reveal.js once" in said
        and str(tmp_path) in said
        and not (tmp_path / "out").exists()
    )
