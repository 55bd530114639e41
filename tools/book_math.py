"""Formulas of the book as MathML, set when it is built: no script, no fonts, no network."""
from __future__ import annotations

from html import escape

from pages import UnknownMarkup, mathml, together
from sphinx.errors import ExtensionError


def setup(app):
    """Make MathML the way in which Sphinx writes formulas."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.config.html_math_renderer = "mathml"
    app.connect("html-page-context", _no_break)


def _no_break(app, page, template, context, tree):
    if "body" in context:
        context["body"] = together(context["body"])


def inline(self, node):
    self.body.append(made(self, node, "inline"))
    _skip()


def block(self, node):
    self.body.append(f'<div class="gan-formula">{made(self, node, "block")}</div>')
    _skip()


def made(self, node, display):
    """ExtensionError, with page and formula, for what cannot be set."""
    latex = node.astext()
    try:
        return mathml(latex, display)
    except UnknownMarkup as error:
        where = self.builder.current_docname
        raise ExtensionError(f"{where}: {escape(str(error))}") from None


def _skip():
    from docutils import nodes
    raise nodes.SkipNode
