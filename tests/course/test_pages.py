"""Formulas ahead of time: what a browser without MathJax must find in the MathML."""
import nbformat
import pytest
from pages import UnknownMarkup, mathml, page


@pytest.mark.parametrize("latex, holds", [
        (r"\mathbb E_{x\sim p}", "<mi>𝔼</mi>"), (r"\mathbb R", "<mi>ℝ</mi>"),
        (r"\mathcal N", "<mi>𝒩</mi>"), (r"\boldsymbol\theta", "𝜽"), (r"\mathbf x", "𝐱"),
        (r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", "<mtable"),
        (r"\begin{aligned} a &= b \\ &= c \end{aligned}", "<mtable"),
        (r"\underbrace{a+b}_{n}", "<munder>"), (r"\tfrac12", 'displaystyle="false"'),
        (r"\operatorname{softplus}(c)", "softplus"), (r"\operatorname*{arg\,max}_D V", "max</mo>"),
        (r"\Bigl\{ x \Bigr\}", ">{</mo>"), (r"\boxed{x}", 'class="boxed"'),
        (r"\log D", '<mi>log</mi><mspace width="0.167em" />'), (r"a = -b", 'form="prefix"')])
def test_what_lessons_write_is_set(latex, holds):
    made = mathml(latex, "block")
    assert holds in made and "\\" not in made and "mathvariant" not in made


def test_limits_stand_below_only_in_display():
    assert "<munder><mo>min</mo>" in mathml(r"\min_{g_1} x", "block")
    assert "<munder>" not in mathml(r"\min_g x")


@pytest.mark.parametrize("latex", [r"\nosuchcommand x", r"\begin{nosuch} x \end{nosuch}"])
def test_what_is_not_known_is_refused_with_the_formula(latex):
    with pytest.raises(UnknownMarkup) as refused:
        mathml(latex)
    assert latex in str(refused.value)


@pytest.mark.parametrize("source, kept", [
    ("a $D$, b", True), ("a ($D$); b", True), ("a $D$ b", False), ("$$D$$\n\n, b", False)])
def test_no_line_breaks_between_a_formula_and_its_comma(source, kept):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(source)])
    assert ("nowrap" in page(nb, "one").partition("<body")[2]) == kept
