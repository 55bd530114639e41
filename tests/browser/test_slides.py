"""A deck of slides in a real browser that has no network."""
import nb as tool
import pytest
from pages import deck

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def reveal():
    """reveal.js itself is fetched once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_LESSONS_OFFLINE", "0")
        try:
            return tool.reveal()
        except tool.LessonFailed as error:
            pytest.skip(f"no package registry: {error}")


# Every slide of a deck: its number, how far down and to the right it reaches, whether it was made
# smaller, and its smallest letters outside code, tables and marks of formulas.
WALK = """() => {
  const seen = [];
  for (let k = 0; k < 1000; k++) {
    const now = Reveal.getCurrentSlide(), box = now.getBoundingClientRect();
    let down = box.bottom, right = box.right;
    for (const one of now.querySelectorAll("p, pre, img, table, math, h1, h2, h3, li")) {
      const edge = one.getBoundingClientRect();
      if (edge.width && !one.closest("details:not([open])")) {
        down = Math.max(down, edge.bottom);
        right = Math.max(right, edge.right);
      }
    }
    seen.push([k, down, right, Number(now.style.zoom || 1)]);
    if (Reveal.isLastSlide()) break;
    Reveal.next();
  }
  return seen; }"""


@pytest.mark.parametrize("lesson", tool.lessons(), ids=lambda path: path.stem)
def test_no_slide_is_higher_or_wider_than_the_screen(page, reveal, tmp_path, lesson):
    page.set_viewport_size({"width": 1280, "height": 720})
    path = tmp_path / "deck.html"
    path.write_text(deck(tool.read(lesson), lesson.stem, reveal), encoding="utf-8")
    page.goto(path.as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    seen = page.evaluate(WALK)
    assert len(seen) > 20
    assert [one for one in seen if one[1] > 721 or one[2] > 1281] == []
    smaller = [one for one in seen if one[3] < 1]
    assert len(smaller) <= len(seen) / 12 and all(one[3] > .6 for one in smaller), smaller
    assert page.js_errors == []


def test_a_deck_plays_to_its_end_without_a_network(page, reveal, tmp_path):
    lesson = next(path for path in tool.lessons() if path.stem.startswith("01"))
    assert tool.main(["slides", str(lesson), "--out", str(tmp_path)]) == 0
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.context.set_offline(True)
    page.goto((tmp_path / "01_minimax.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    assert page.locator("section.present h1").inner_text().startswith("01 ·")
    slides, presses = page.evaluate("Reveal.getTotalSlides()"), 0
    while not page.evaluate("Reveal.isLastSlide()"):
        page.keyboard.press("Space")
        presses += 1
        assert presses < 400
    assert presses == slides - 1 >= 30
    assert all(url.startswith(("file:", "data:")) for url in asked) and page.js_errors == []


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
