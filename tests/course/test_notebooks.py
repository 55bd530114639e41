"""Stored lessons are fresh, in normal form and small."""
import pytest
from nb import lessons, problems


@pytest.mark.parametrize("path", lessons(), ids=lambda path: path.stem)
def test_stored_lesson_is_fresh_and_normal(path):
    assert problems(path) == []
