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
# smaller, its smallest letters outside code, tables and marks of formulas, and whether an arrow
# covers anything.
WALK = """() => {
  const seen = [];
  for (let k = 0; k < 1000; k++) {
    const now = Reveal.getCurrentSlide(), box = now.getBoundingClientRect();
    const zoom = Number(now.style.zoom || 1), scale = zoom * Reveal.getScale();
    const arrows = [...document.querySelectorAll(".controls button")].map(
      one => one.getBoundingClientRect()).filter(one => one.width);
    let down = box.bottom, right = box.right, letters = 99, covered = arrows.length < 2;
    for (const one of now.querySelectorAll(
        "p, pre, img, table, math, h1, h2, h3, li, summary, label")) {
      const edge = one.getBoundingClientRect();
      if (edge.width && !one.closest("details:not([open])")) {
        down = Math.max(down, edge.bottom);
        right = Math.max(right, edge.right);
        covered ||= arrows.some(arrow => arrow.left < edge.right && edge.left < arrow.right
                                         && arrow.top < edge.bottom && edge.top < arrow.bottom);
      }
      if (edge.width && !one.closest("pre, table, math, img")) {
        letters = Math.min(letters, parseFloat(getComputedStyle(one).fontSize) * scale);
      }
    }
    seen.push([k, down, right, zoom, letters, covered]);
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
    assert [one for one in seen if one[4] < 24 and one[3] == 1] == []
    assert [one for one in seen if one[5]] == []
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


def test_a_slide_says_where_it_stands(page, reveal, tmp_path):
    """Under a heading of its own it begins at the top; without one it stands in the middle, and the
    heading is at its foot."""
    lesson = next(path for path in tool.lessons() if path.stem.startswith("01"))
    path = tmp_path / "deck.html"
    path.write_text(deck(tool.read(lesson), lesson.stem, reveal), encoding="utf-8")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(path.as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    seen, last = set(), ""
    while not page.evaluate("Reveal.isLastSlide()"):
        page.keyboard.press("Space")
        own, top, foot = page.evaluate("""() => {
            const now = Reveal.getCurrentSlide(), own = [...now.querySelectorAll("h2, h3")].pop();
            return [own ? own.textContent.replace("¶", "").trim() : "", parseFloat(
                now.style.paddingTop), document.querySelector(".gan-where").textContent]; }""")
        last = own or last
        assert foot == (f"01 · {last}" if last else "01")
        assert top == 0 or not own
        seen.add((bool(own), top > 0))
    assert seen >= {(True, False), (False, True)}


def test_films_move_in_a_deck(page, reveal, tmp_path, monkeypatch):
    """One file: their frames are in it. An arrow key moves a slider, and turns no page."""
    monkeypatch.setenv("GAN_LESSONS_BUDGET", "smoke")
    lesson = next(path for path in tool.lessons() if path.stem.startswith("05"))
    assert tool.main(["slides", str(lesson), "--out", str(tmp_path / "slides")]) == 0
    page.context.set_offline(True)
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto((tmp_path / "slides" / "05_transport.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    seen = []
    for film in page.locator(".gan-film").all():
        film.evaluate("one => Reveal.slide(...Object.values(Reveal.getIndices(one.closest("
                      "'section'))).slice(0, 2))")
        box = film.bounding_box()
        assert box["y"] + box["height"] < 690
        one, *others = (image.bounding_box() for image in film.locator("img").all())
        assert others and all(other == one for other in others)     # one above the other
        before, at = film.get_attribute("data-at"), page.evaluate("Reveal.getIndices()")
        for control in film.locator("input, select").all():
            control.focus()
            page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowDown" if control.evaluate("x => x.tagName") == "SELECT"
                                else "ArrowRight")
        page.wait_for_function("([film, at]) => film.dataset.at !== at",
                               arg=[film.element_handle(), before])
        assert page.evaluate("Reveal.getIndices()") == at
        seen.append(at)
    assert len(seen) == sum("explore" in tool.tags(cell) for cell in tool.read(lesson).cells)
    assert page.js_errors == []


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
