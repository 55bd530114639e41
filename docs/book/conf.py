"""Sphinx reads this file when `python lessons.py book` builds the book."""
import os

import book_math
from launch import BRANCH, REPOSITORY

project = "GAN Lessons"
author = copyright = "GAN Lessons contributors"
html_title = "GAN Lessons"
extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["_static"]

nb_execution_mode = "off"                               # outputs are the stored ones
nb_ipywidgets_js = {}                                   # no request to another machine
nb_mime_priority_overrides = [("html", "text/html", 0)]
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "html_image"]
myst_dmath_double_inline = True
myst_heading_anchors = 3
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]

autodoc_preserve_defaults = True                        # RESULTS, not a path of this machine

html_theme = "sphinx_book_theme"
html_static_path = ["_static"]
html_css_files = ["book.css", "math.css"]
html_js_files = [("film.js", {"defer": "defer"})]
html_favicon = "_static/favicon.svg"
html_extra_path = [os.environ["GAN_LESSONS_BOOK_EXTRA"]]
html_show_sphinx = False
html_show_search_summary = False                        # it would be fetched: not from file://
html_theme_options = {
    "repository_url": REPOSITORY, "repository_branch": BRANCH, "path_to_docs": "notebooks",
    "use_repository_button": True, "use_download_button": True, "use_fullscreen_button": False,
    "launch_buttons": {"colab_url": "https://colab.research.google.com",
                       "binderhub_url": "https://mybinder.org"},
    "show_toc_level": 2, "home_page_in_toc": True,
}
html_context = {"default_mode": "auto"}


def setup(app):
    book_math.setup(app)
    app.connect("autodoc-process-docstring", as_text)


def as_text(app, what, name, obj, options, lines):
    """Docstrings are plain text with columns and formulas: set as they are typed."""
    if lines:
        lines[:] = ["::", "", *("    " + line for line in lines), ""]
