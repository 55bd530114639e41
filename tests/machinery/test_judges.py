"""The judges: right, wrong, not answered yet, and never an exception."""
import itertools
import math
import re
from decimal import Decimal
from fractions import Fraction
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
    wrong = (not right if isinstance(right, bool) else "nonsense" if isinstance(right, str)
             else np.asarray(right) * 1.01 + .01)
    check(name, wrong)
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
    ("number", torch.tensor(2., requires_grad=True), "✓"),
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
    "all detached": (lambda f, g, x, z: mine(f, g, x, z).detach(), "✗.*no gradient"),
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
    "too few arguments": (lambda f: f, "✗ critic_loss: yours returns Sequential, not what"),
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


# ---- what a person would call right -----------------------------------------------------------

def judged(monkeypatch, capsys, answer, right):
    monkeypatch.setattr(judges, "questions", lambda number: {"q": (right, "h")})
    check("q", answer)
    return said(capsys)


T = torch.tensor
RIGHT = {
    1.5: [[1.5], (1.5,), [[1.5]], np.float32(1.5), np.array(1.5), np.array([[1.5]]), T([1.5]),
          T(1.5, requires_grad=True), T([1.5]).half(), T(1.5, dtype=torch.bfloat16),
          torch.nn.Parameter(T([1.5])), Fraction(3, 2), Decimal("1.5"), 1.5 + 0j, b"1.5",
          (x for x in [1.5]), np.array([1.5], dtype=object), np.array("1.5"), "1.5", "1,5", "+1.5",
          " 1.5 ", "150%", "150 %", "3/2", " 3 / 2 ", "1 1/2", "1½", "１.５", "≈ 1.5", "c* = 1.5",
          "$1.5$", "15e-1", "15·10^-1", "15×10⁻¹", "0.15 * 10**1", "[1.5]", "'1.5'", "1,5e0"],
    -1.5: ["−1.5", "–1.5", "- 1.5", "-3/2", "-1 1/2", "−1½", "−150 %", "-1,5"],
    1234.: [1234, np.int16(1234), T(1234), "1,234", "1 234", "1_234", "1'234", "1’234", "1.234e3",
            "1,234.0", "1.234,0", "1\u202f234", "1\u00a0234", "1,234.00", "123,400%", "12.34·10²"],
    1.234: ["1,234", "1.234", "0,001234e3"],
    1234567.: ["1,234,567", "1.234.567", "1 234 567", "1'234'567.0", "1.234.567,0"],
    .336: ["0,336", ".336", ",336", "33.6%", "33,6 %"],
    .5: ["½", "50%", "1⁄2", "1/2", "2/4"],
    np.inf: ["inf", "∞", "Infinity", "+∞", math.inf, T(math.inf), "oo"],
    -np.inf: ["-∞", "−inf", -math.inf],
    (1., 2.): [(1, 2), range(1, 3), "1, 2", "1; 2", "1 2", "1,2", "[1, 2]", "(1,2)", "1 and 2",
               "1,0; 2,0", "1,000, 2", np.array([[1, 2]]), np.array([[1], [2]]), ["1", "4/2"],
               ["100%", T(2.)], [T(1., requires_grad=True), 2], [np.array([1]), np.array([2])],
               T([1., 2.], requires_grad=True), (x for x in (1, 2)), [[1, 2]],
               {"a": 1, "b": 2}.values()],
    (1., 2., 3.): ["1, 2 and 3", "1, 2, and 3", "1 und 2 und 3"],
    (.5, np.inf): [["½", "∞"], (.5, np.inf), ["50%", "inf"]],
    "wasserstein": ["Wasserstein", "wasserstein.", ["wasserstein"], np.array("wasserstein"),
                    np.str_("WASSERSTEIN"), b"wasserstein", "„Wasserstein“"],
    "non-saturating": ["non saturating", "Nonsaturating", "NON-SATURATING"],
    True: [True, np.True_, T(True), "yes", "Ja", "true", 1, [True]],
    False: [False, np.bool_(False), "no", "False"],
}


@pytest.mark.parametrize("right", RIGHT, ids=str)
def test_what_a_person_calls_right_is_right(monkeypatch, capsys, right):
    for answer in RIGHT[right]:
        assert judged(monkeypatch, capsys, answer, right) == "✓ q: right", repr(answer)


class Odd:
    """A foreign object that raises whatever one does with it."""

    def __float__(self):
        raise OSError("odd")

    __repr__ = __float__


UNREADABLE = [                                # the answer, the right one, what the sentence says
    ([1.5, 2], 1.5, "one number is asked for, and yours are 2"),
    (range(3), 1.5, "one number is asked for, and yours are 3"),
    ("1.5, 2", 1.5, "is no number: a number alone"), ([], (1., 2.), "○"), ("", 1.5, "○"),
    ("...", 1.5, "○"), ([..., ...], (1., 2.), "○"), (" ", 1.5, "○"),
    (1.5, (1., 2.), "2 numbers, in order, are asked for, and yours is one"),
    ([1], (1., 2.), "2 numbers, in order.*yours is one"),
    ([1, 2, 3], (1., 2.), "yours are 3"), ("1 2 3", (1., 2.), "give a list, not the text '1 2 3'"),
    ([[1, 2], [3, 4]], (1., 2.), r"yours have shape \(2, 2\)"),
    ([[1, 2], [3]], (1., 2.), "lists are of unlike length"),
    ([1, None], (1., 2.), "still missing"), ([1, ...], (1., 2.), "still missing"),
    ({1, 2}, (1., 2.), "no order"), ({"a": 1, "b": 2}, (1., 2.), "a dictionary has names"),
    (float("nan"), 1.5, "nan is no number.*0/0"), (T(math.nan), 1.5, "nan"), ("nan", 1.5, "nan"),
    ([1, np.nan], (1., 2.), "nan"), (1 + 2j, 1.5, "complex"), (np.complex64(1j), 1.5, "complex"),
    (True, 1., "True says yes or no"), (np.bool_(1), 1., "yes or no"), (T(True), 1., "yes or no"),
    (lambda: 1.5, 1.5, "not what it returns: call it"), (float, 1.5, "the class float"),
    (print, 1.5, "the function print"), (torch.nn.Linear(1, 1), 1.5, "call it"),
    (math, 1.5, "module is no number"), (object(), 1.5, "object is no number"),
    (Odd(), 1.5, "Odd is no number"), ([Odd(), 1], (1., 2.), "Odd is no number"),
    (10 ** 400, 1.5, "too large"), (np.zeros(5000), 1.5, "5,000 numbers"),
    (itertools.count(), 1.5, "yours are 1000"), ("two", 1.5, "a number alone"),
    ("1.50 nats", 1.5, "a number alone"), ("1/0", 1.5, "divides by 0"), ("1e999", 1.5, "no number"),
    ("1.5.2", 1.5, "no number"), ("1,23,4", 1.5, "no number"), ("--1", 1.5, "no number"),
    ("1/2/3", 1.5, "no number"), ("/", 1.5, "no number"), ("%", 1.5, "no number"),
    ("np.log(3)", 1.5, "text is not evaluated"), ("sqrt(2)", 1.5, "not evaluated"),
    ("2 * 3", 6., "not evaluated"), ("__import__('os').abort()", 1.5, "not evaluated"),
    ("1" * 5000, 1.5, "not yet|no number"), (3, "word", "a word is asked for, not 3"),
    (print, "word", "a word"), (["a", "b"], "word", "one word is asked for, and yours are 2"),
    (np.array(["a", "b"]), "word", "one word"), ("maybe", True, "True or False is asked for"),
    (2.5, True, "True or False"), (-1.5, 1.5, "not yet. Hint: h"), ("1.234", 1234., "not yet"),
    ("50", .5, "not yet"), ("hinge", "word", "not yet. Hint: h"), ("no", True, "not yet"),
]


@pytest.mark.parametrize("answer, right, says", UNREADABLE, ids=map(str, range(len(UNREADABLE))))
def test_else_a_sentence_says_what_was_wanted(monkeypatch, capsys, answer, right, says):
    text = judged(monkeypatch, capsys, answer, right)
    assert re.match("○ q: not" if says == "○" else f"✗ q: .*({says})", text), text
    assert "\n" not in text and "Error" not in text


@pytest.mark.parametrize("name", [1.5, None, "", "  ", ["q"], T(1.)])
def test_the_name_comes_first(name):
    with pytest.raises(TypeError, match="check takes the name of a question first.*not"):
        check(name, 1.5)


# ---- functions that are judged ----------------------------------------------------------------

def leave(f, g, x, z):
    raise SystemExit("done")


def writes(f, g, x, z):
    print("the loss is", mine(f, g, x, z))


def talks(f, g, x, z):
    print("looking")
    return mine(f, g, x, z)


def as_numbers(f, g, x, z):
    return mine(f, g, x, z).item()


FUNCTIONS = {
    "leaves": (leave, "✗ l: yours raised SystemExit: done"),
    "prints": (writes, "(?s)the loss is .*✗ l: yours prints and returns nothing: write return"),
    "prints and returns": (talks, "looking\n✓ l: values and gradients agree"),
    "a number": (as_numbers, "✗ l: the values agree, and yours hands on no gradient"),
    "text": (lambda f, g, x, z: "0.5", "✗ l: yours returns '0.5', and a number or a tensor"),
    "a pair": (lambda f, g, x, z: (f(x), f(x)), "✗ l: yours returns tuple, and a number or"),
    "a dictionary": (lambda f, g, x, z: {"loss": 1}, r"✗ l: yours returns \{'loss': 1\}"),
    "a function": (lambda f, g, x, z: mine, "✗ l: yours returns the function <lambda>, not what"),
    "a network": (lambda f, g, x, z: f, "✗ l: yours returns Sequential, not what that returns"),
    "a generator": (lambda f, g, x, z: (yield), "✗ l: yours returns generator"),
    "complex": (lambda f, g, x, z: mine(f, g, x, z) + 0j, "✗ l: yours returns complex numbers"),
    "float32": (lambda f, g, x, z: mine(f, g, x, z).float(), "✗ l: .*yours comes in float32"),
    "more arguments": (lambda a, b, c, d, e: a, r"✗ l: yours takes 5 arguments \(a, b, c, d, e\), "
                                                r"and 4 arguments \(f, g, x, z\) are given"),
    "fewer, other names": (lambda a, b: a, r"✗ l: yours takes 2 arguments \(a, b\), and 4"),
    "none": (lambda: 1., r"✗ l: yours takes 0 arguments \(\), and 4"),
    "more, with defaults": (lambda f, g, x, z, extra=0: mine(f, g, x, z) + extra, "✓"),
    "by position": (lambda a, b, c, d, /: mine(a, b, c, d), "✓"),
    "any number": (lambda *all_of_them: mine(*all_of_them), "✓"),
    "any names": (lambda **named: mine(**named), "✓"),
    "other names": (lambda a, b, c, d: mine(a, b, c, d), "✓"),
    "called too early": (1.5, "✗ l: yours raised TypeError: 1.5 is no function: pass its name"),
    "text for a function": ("mine", "✗ l: yours raised TypeError: 'mine' is no function"),
    "changes its input": (lambda f, g, x, z: (x.add_(1), mine(f, g, x, z))[1], "✗ l: yours raised"),
    "a wrong name": (lambda f, g, x, z: f.nothing, "✗ l: yours raised AttributeError"),
    "divides by zero": (lambda f, g, x, z: mine(f, g, x, z) / (0 * x).sum(), "✗ l: .*not finite"),
    "empty text": ("", "○ l: not answered yet"),
}


@pytest.mark.parametrize("case", FUNCTIONS)
def test_agree_says_in_a_sentence_what_is_wrong(case, capsys):
    function, says = FUNCTIONS[case]
    agree(function, critic_loss, name="l")
    assert re.match(says, said(capsys))


def test_a_loss_may_ask_for_less_than_the_right_one(capsys):
    theirs = lambda f, g, x, z: softplus(-f(g(z))).mean()
    agree(lambda f, g, z: softplus(-f(g(z))).mean(), theirs, name="l")
    agree(lambda z, f, g: softplus(-f(g(z))).mean(), theirs, name="l")
    agree(lambda f, x: softplus(-f(x)).mean(), theirs, name="l")
    assert [line[0] for line in said(capsys).splitlines()] == ["✓", "✓", "✗"]


def test_functions_without_a_signature_agree_by_position(capsys):
    agree(torch.sigmoid, lambda c: 1 / (1 + (-c).exp()), name="built in")
    agree(torch.nn.Softplus(), lambda c: c.exp().log1p(), name="a layer")
    assert [line[0] for line in said(capsys).splitlines()] == ["✓", "✓"]


def test_a_function_that_takes_its_arguments_by_place_alone(capsys):
    agree(lambda f, g, z, /: softplus(-f(g(z))).mean(), non_saturating_loss)
    assert "✓" in said(capsys)


def test_nothing_that_a_function_raises_ends_the_page(capsys):
    def ends(f, g, z):
        raise GeneratorExit
    agree(ends, non_saturating_loss)
    assert "✗" in said(capsys)
