"""The judges: right, wrong, not answered yet, and never an exception."""
import re
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch.nn.functional import softplus

from gan_lessons import Normal, agree, check, js
from gan_lessons.objectives.minimax import critic_loss, non_saturating_loss
from gan_lessons.questions import STEMS, judges, questions


def said(capsys):
    return capsys.readouterr().out.strip()


QUESTIONS = {
    name: entry
    for number, stem in enumerate(STEMS)
    if find_spec(f"gan_lessons.questions.{stem}")
    for name, entry in questions(f"{number:02}").items()
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_knows_its_answer(name, capsys):
    right, hint = QUESTIONS[name]
    right = right() if callable(right) else right
    check(name, right)
    assert said(capsys) == f"✓ {name}: right"
    check(name, "nonsense" if isinstance(right, str) else np.asarray(right) * 1.01 + .01)
    assert said(capsys) == f"✗ {name}: not yet. Hint: {hint}"
    check(name, ...)
    check(name, None)
    assert capsys.readouterr().out == f"○ {name}: not answered yet\n" * 2


@pytest.fixture
def questions(monkeypatch):
    monkeypatch.setattr(
        judges,
        "questions",
        lambda number: {
            "number": (2.0, "h"),
            "list": ([1.0, 2.0], "h"),
            "word": ("wasserstein", "h"),
        },
    )


@pytest.mark.parametrize("name, answer, mark", [
    ("number", 2, "✓"), ("number", 2.001, "✓"), ("number", np.float32(2), "✓"),
    ("number", torch.tensor(2.), "✓"),
    ("number", 2.01, "✗"), ("number", -2, "✗"), ("number", float("nan"), "✗"),
    ("number", [2., 2.], "✗"), ("number", "two", "✗"), ("number", object(), "✗"),
    ("number", torch.tensor(2., requires_grad=True), "✗"),
    ("list", (1, 2), "✓"), ("list", [2, 1], "✗"), ("list", [1], "✗"), ("list", 1.5, "✗"),
    ("list", [1, None], "✗"), ("list", [[1], [2, 3]], "✗"),
    ("word", " Wasserstein ", "✓"), ("word", "hinge", "✗"), ("word", 3, "✗")])
def test_check_judges_and_never_raises(questions, capsys, name, answer, mark):
    check(name, answer)
    assert said(capsys).startswith(f"{mark} {name}: ")


def test_an_unknown_question_is_the_authors_mistake(questions):
    with pytest.raises(KeyError, match="no question 'x'; there are number, list, word"):
        check("x", 1)


mine = lambda f, g, x, z: softplus(-f(x)).mean() + softplus(f(g(z))).mean()
JUDGED = {
    "right": (mine, "✓ critic_loss: values and gradients agree"),
    "in another order": (lambda x, z, g, f: mine(f, g, x, z), "✓"),
    "wrong sign": (
        lambda f, g, x, z: softplus(f(x)).mean() + softplus(f(g(z))).mean(),
        "✗.*differ by up to",
    ),
    "half": (lambda f, g, x, z: .5 * mine(f, g, x, z), "✗.*differ"),
    "a detached term": (
        lambda f, g, x, z: softplus(-f(x)).mean() + softplus(f(g(z).detach())).mean(),
        "✗.*differ",
    ),
    "all detached": (lambda f, g, x, z: mine(f, g, x, z).detach(), "✗.*differ"),
    "slightly off": (lambda f, g, x, z: mine(f, g, x, z) * (1 + 1e-9), "✗.*differ"),
    "right only in value": (
        lambda f, g, x, z: mine(f, g, x, z) + g(z).sum() - g(z).sum().detach(),
        "✗.*differ",
    ),
    "gradients not finite": (
        lambda f, g, x, z: mine(f, g, x, z) + (z * 0).sum().sqrt(),
        "✗.*not finite",
    ),
    "not a mean": (
        lambda f, g, x, z: softplus(-f(x)) + softplus(f(g(z))),
        r"✗.*shape \(5,\) where \(\) is right",
    ),
    "raises": (lambda f, g, x, z: 1 / 0, "✗.*ZeroDivisionError"),
    "too few arguments": (lambda f: f, "✗ critic_loss: yours raised"),
    "no function": (3, "✗.*TypeError"),
    "unfinished": (lambda f, g, x, z: ..., "○ critic_loss: not answered yet"),
    "no return": (lambda f, g, x, z: None, "○"),
    "dots": (..., "○"),
}


@pytest.mark.parametrize("name", JUDGED)
def test_agree_judges_losses(name, capsys):
    function, says = JUDGED[name]
    agree(function, critic_loss)
    assert re.match(says, said(capsys))


def test_agree_on_plain_functions_in_any_names(capsys):
    theirs = lambda c: c.sigmoid()
    for function, mark in [(lambda a: 1 / (1 + (-a).exp()), "✓"), (lambda a: a.tanh(), "✗"),
                           (lambda a: theirs(a).detach(), "✗")]:
        agree(function, theirs, name="sigma")
        assert said(capsys).startswith(f"{mark} sigma: ")


def test_agree_on_numbers_without_gradients(capsys):
    p, q = Normal(0, 1), Normal(.7, 2)
    agree(lambda p, q: js(q, p), js, p=p, q=q)
    agree(lambda p, q: js(p, q) + .1, js, p=p, q=q)
    assert [line[0] for line in said(capsys).splitlines()] == ["✓", "✗"]


def test_agree_leaves_the_random_state_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    agree(non_saturating_loss, non_saturating_loss)
    assert torch.equal(before, torch.get_rng_state())


def test_in_a_notebook_the_mark_is_shown_and_escaped(monkeypatch, questions):
    shown = []
    monkeypatch.setattr("gan_lessons.training.progress.in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda data, **how: shown.append(data))
    check("number", "<b>")
    assert shown[0]["text/plain"].startswith("✗ number: ") and "<b>'" not in shown[0]["text/html"]
    assert "&lt;b&gt;" in shown[0]["text/html"]


def test_functions_of_arrays_agree_in_values(capsys):
    x, w = np.array([-5, 1.4, 12.5, 2.7]), np.array([.1, .2, .3, .4])
    agree(lambda x, w: float((x * w).sum()), lambda x, w: x @ w, x=x, w=w)
    assert (
        "✓" in (text := said(capsys))
        and "values agree to 1e-12" in text
        and "gradients" not in text
    )
    agree(lambda x, w: (x * w).sum() * (1 + 1e-10), lambda x, w: x @ w, x=x, w=w)
    assert "✗" in said(capsys)
