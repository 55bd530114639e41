"""A lesson cut into screens: nothing is lost, nothing is cut in two, headings begin a slide."""
import re

import pytest
from nb import lessons, read
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from screens import ROOM, blocks, height_of, parts, screens


@pytest.mark.parametrize("path", lessons(), ids=lambda path: path.stem)
def test_a_deck_has_all_of_a_lesson_once(path):
    nb = read(path)
    made = screens(nb)
    words = lambda cells, kind: "".join(cell.source for cell in cells
                                        if cell.cell_type == kind).split()
    assert words(made.cells, "markdown") == words(nb.cells, "markdown") or "".join(
        words(made.cells, "markdown")) == "".join(words(nb.cells, "markdown"))
    for cell in nb.cells:
        if cell.cell_type == "code" and "lecture-skip" not in cell.metadata.get("tags", []):
            mine = [one for one in made.cells if one.id == cell.id
                    or one.id.startswith(f"{cell.id[:58]}-")]
            assert [output for one in mine for output in one.outputs] == cell.outputs
    assert len({cell.id for cell in made.cells}) == len(made.cells)
    for cell in made.cells:
        if cell.cell_type == "markdown":
            kind = cell.metadata["slideshow"]["slide_type"]
            level = re.match("(#+) ", cell.source)
            assert not level or kind == ("slide" if len(level[1]) <= 2 else "subslide")
            assert not re.search(r"^#+ ", re.sub(r"```.*?```", "", cell.source.partition("\n")[2],
                                                 flags=re.S), re.M)


def test_formulas_folds_and_listings_stay_whole():
    text = ("One.\n\n$$a\n\nb$$\n\n<details><summary>x</summary>\n\nHidden.\n\n</details>\n\n"
            "```python\na\n\nb\n```\n\nEnd.")
    assert blocks(text) == ["One.", "$$a\n\nb$$",
                            "<details><summary>x</summary>\n\nHidden.\n\n</details>",
                            "```python\na\n\nb\n```", "End."]


def test_long_text_is_cut_between_blocks_and_headings_begin_a_part():
    text = "\n\n".join(["## A", *["word " * 90] * 6, "### B", "end"])
    found = parts(text)
    assert len(found) >= 4 and found[-1] == "### B\n\nend" and "\n\n".join(found) == text
    assert all(height_of(new_markdown_cell(part)) <= ROOM for part in found)


def test_long_code_stands_alone_and_what_is_to_be_skipped_is():
    shown = [new_output("stream", text="1\n")]
    long = new_code_cell("\n".join("abcdefghijkl"), outputs=shown, execution_count=1)
    short = new_code_cell("a", outputs=shown, execution_count=1)
    skipped = new_code_cell("b", metadata={"tags": ["lecture-skip"]})
    made = screens(new_notebook(cells=[new_markdown_cell("# T"), short, long, skipped])).cells
    assert [cell.source[:1] for cell in made] == ["#", "a", "a", "a"]
    assert not made[2].outputs and made[3].outputs and "hide-input" in made[3].metadata.tags


def test_a_sentence_that_ends_with_a_colon_goes_with_what_it_announces():
    text = new_markdown_cell("\n\n".join(["word " * 170, "word " * 30]))
    code = new_code_cell("a\nb\nc\nd\ne\nf\ng",
                         outputs=[new_output("stream", text="1\n" * 6)], execution_count=1)
    made = screens(new_notebook(cells=[new_markdown_cell("# T"), text,
                                       new_markdown_cell("Look:"), code])).cells
    kinds = [cell.metadata["slideshow"]["slide_type"] for cell in made]
    assert kinds[-2:] == ["subslide", "-"]
