"""How long a lesson trains."""
import pytest

from gan_lessons import budget, steps
from gan_lessons.training.budgets import BUDGETS


@pytest.mark.parametrize("value, name", [
    (None, "laptop"), ("", "laptop"), ("smoke", "smoke"), ("laptop", "laptop"), ("full", "full"),
    (" FULL ", "full")])
def test_the_variable_decides_when_it_is_asked(monkeypatch, value, name):
    monkeypatch.delenv("GAN_LESSONS_BUDGET", raising=False)
    if value is not None:
        monkeypatch.setenv("GAN_LESSONS_BUDGET", value)
    assert budget() == name and name in BUDGETS
    assert steps(laptop=1_200, full=40_000) == {"smoke": 3, "laptop": 1_200, "full": 40_000}[name]
    assert steps(laptop=70, smoke=9) == {"smoke": 9, "laptop": 70, "full": 70}[name]


def test_any_other_value_lists_the_three(monkeypatch):
    monkeypatch.setenv("GAN_LESSONS_BUDGET", "fast")
    with pytest.raises(ValueError,
                       match="GAN_LESSONS_BUDGET is 'fast'; set it to one of smoke, laptop, full"):
        steps(laptop=5)


def test_steps_are_named():
    with pytest.raises(TypeError):
        steps(1_000)
