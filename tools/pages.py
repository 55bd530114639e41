"""A notebook as one HTML file that needs no network: mathematics becomes MathML ahead of time."""
from __future__ import annotations

import copy
import html
import re

from jinja2 import pass_context
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from traitlets.config import Config


class UnknownMarkup(Exception):
    """A formula that cannot be set, with its cell."""


def mathml(latex, display="inline"):
    """LaTeX -> MathML. UnknownMarkup, with the formula, where a command is not known."""
    try:
        made = convert(latex, display=display)
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise UnknownMarkup(f"${latex.strip()}$ cannot be set: {reason}") from None
    made = re.sub(r">\\([{}|])<", r">\1<", made)        # \Bigl\{ comes out with its backslash
    made = _spaced_as_in_tex(made, display)
    if left := re.search(r">\s*\\\w*", made):
        raise UnknownMarkup(f"${latex.strip()}$ holds {left[0][1:].strip()}, which is not known")
    return made


_OPERAND = r"(?=<(?:mi|mn|mfrac|msub|msup|msubsup|msqrt|mrow|mstyle)\b)"
_THIN = '<mspace width="0.167em" />'


def _spaced_as_in_tex(made, display):
    """Thin spaces around log and its kin, limits under min and max, a frame around what is boxed."""
    made = re.sub(r"(<mi>(?:log|exp|ln|sin|cos|det|tr)</mi>)" + _OPERAND, rf"\1{_THIN}", made)
    made = re.sub(r"(?<=</mn>|</mi>)(?=<mi>(?:log|exp|ln|det)</mi>)", _THIN, made)
    if display == "block":
        made = re.sub(r"<msub>(<mo>(?:min|max|sup|inf)</mo>)(.*?)</msub>", r"<munder>\1\2</munder>", made)
    frame = '<mrow style="border:1px solid;padding:.3em">'
    return made.replace('<menclose notation="box">', frame).replace("</menclose>", "</mrow>")


class Renderer(IPythonRenderer):
    def inline_math(self, text):
        return mathml(text)

    def block_math(self, text):
        return mathml(text, "block")

    def latex_environment(self, name, body):
        return mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", "block")


@pass_context
def markdown_to_html(context, source):
    cell = context.get("cell", {})
    renderer = Renderer(escape=False, attachments=cell.get("attachments", {}))
    try:
        return MarkdownWithMath(renderer=renderer).render(source)
    except UnknownMarkup as error:
        raise UnknownMarkup(f"cell {cell.get('id', '?')}: {error}") from None


def with_alt(outputs):
    """Pictures as <img alt>: the template of nbconvert drops their alternative text."""
    for output in outputs:
        if "image/png" in output.get("data", {}):
            options = {"alt": "", "style": "max-width:100%", **output.metadata.get("image/png", {}),
                       "src": "data:image/png;base64," + output.data["image/png"].replace("\n", "")}
            output.data = {"text/html": "<img " + " ".join(
                f'{key}="{html.escape(str(value))}"' for key, value in options.items()) + ">"}


def page(nb, title):
    """HTML of `nb` as it is stored; cells tagged hide-input show only their output."""
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        with_alt(cell.get("outputs", []))
    config = Config()
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_input_tags = {"hide-input"}
    config.HTMLExporter.preprocessors = ["nbconvert.preprocessors.TagRemovePreprocessor"]
    exporter = HTMLExporter(config=config, template_name="lab", embed_images=True, mathjax_url="",
                            require_js_url="", jquery_url="", mermaid_js_url="", widget_renderer_url="")
    exporter.register_filter("markdown2html", markdown_to_html)
    body, _ = exporter.from_notebook_node(nb, {"metadata": {"name": title}})
    return re.sub(r"<script\b.*?</script>\s*", "", body, flags=re.S)     # nothing here needs one
