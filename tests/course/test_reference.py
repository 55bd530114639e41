"""The page of reference is no lesson: symbols, borrowed letters, words in English and Chinese."""
import re

import lesson_rules as rules
import nbformat
import pytest
from nb import lessons, pages

PAGE = nbformat.read(pages()[-1], as_version=4)
TEXT = "\n\n".join(cell.source for cell in PAGE.cells)
ENTRY = re.compile(r"(\D+) (\S*[\u3400-\u9fff].*) \((\d\d)\)")


@pytest.mark.parametrize("rule", [rules.form, rules.tables], ids=lambda rule: rule.__name__)
def test_it_keeps_the_rules_of_a_page(rule):
    assert rule(PAGE) == []


def test_it_has_nothing_to_run_and_is_no_lesson():
    assert {cell.cell_type for cell in PAGE.cells} == {"markdown"}
    assert pages()[-1].stem == "reference" and pages()[-1] not in lessons()


def test_the_glossary_is_sorted_and_each_word_has_its_translation_and_its_lesson():
    glossary = TEXT.partition("## Glossary")[2].partition("\n## ")[0]
    entries = [entry for line in re.findall(r"^\*\*[A-Z]\*\* (.*)$", glossary, re.M)
               for entry in line.split(" · ")]
    words = [ENTRY.fullmatch(entry) for entry in entries]
    assert len(words) > 150 and all(words), [e for e, w in zip(entries, words) if not w]
    names = [word[1].lower() for word in words]
    assert names == sorted(names) and len(set(names)) == len(names)
    assert {word[3] for word in words} <= {path.stem[:2] for path in lessons()}


def test_the_first_lesson_leads_here():
    first = nbformat.read(lessons()[0], as_version=4)
    assert any("](reference.ipynb)" in cell.source for cell in first.cells)
