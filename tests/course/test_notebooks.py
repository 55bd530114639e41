"""Stored lessons are fresh, in normal form and small."""
import pytest
from nb import pages, problems


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_stored_lesson_is_fresh_and_normal(path):
    assert problems(path) == []
