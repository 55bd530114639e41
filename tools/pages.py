"""A notebook as one HTML file that needs no network: mathematics becomes MathML ahead of time."""
from __future__ import annotations

import base64
import copy
import html
import io
import math
import re
import unicodedata
from xml.etree import ElementTree

import nbformat
from jinja2 import pass_context
from latex2mathml.commands import MATRICES
from latex2mathml.converter import convert
from nbconvert import HTMLExporter, SlidesExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from PIL import Image
from screens import screens
from traitlets.config import Config


class UnknownMarkup(Exception):
    """A formula that cannot be set, with its cell."""


LIMITS = set("min max sup inf lim argmin argmax".split())      # written below, in display
FUNCTIONS = LIMITS | set("log ln exp sin cos tan tanh det tr".split())
WITH_LIMITS = ("msub", "msup", "msubsup", "munder", "munderover")
THIN = {"width": "0.167em"}
OPERANDS = set("mi mn mfrac msub msup msubsup msqrt mrow mstyle munder".split())
FONT = """<style>math { font-family: "STIX Two Math", "Latin Modern Math", "Cambria Math",
"DejaVu Math TeX Gyre", math; } .boxed { border: 1px solid; padding: .3em; }
/* browsers leave the attribute columnalign alone */
mtd[columnalign="right"] { text-align: -webkit-right; text-align: right; }
mtd[columnalign="left"] { text-align: -webkit-left; text-align: left; }
.jp-OutputArea-output pre { word-break: normal; overflow-wrap: anywhere; }</style>"""


def mathml(latex, display="inline"):
    """LaTeX -> MathML. UnknownMarkup, with the formula, where a command is not known."""
    source = re.sub(r"\\(begin|end)\{aligned\}", r"\\\1{align*}", latex)
    source = re.sub(r"\\operatorname\*?\{arg\\,(min|max)\}", r"\\operatorname{arg\1}", source)
    # as GitHub wants it, where \operatorname is forbidden
    source = re.sub(r"\\mathrm\{(argmin|argmax|arcsinh|sign)\}", r"\\operatorname{\1}", source)
    for name in re.findall(r"\\begin\{(.*?)\}", source):
        if "\\" + name not in MATRICES:
            raise UnknownMarkup(f"${latex.strip()}$ uses the environment {name}, "
                                "which is not known")
    try:                            # without a namespace ElementTree keeps the tags' names short
        made = convert(source, display=display).replace("xmlns=", "data-ns=")
        root = ElementTree.fromstring(made)
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise UnknownMarkup(f"${latex.strip()}$ cannot be set: {reason}") from None
    del root.attrib["data-ns"]
    for parent in list(root.iter()):
        as_in_tex(parent, display)
        if parent.text in ("argmin", "argmax"):
            parent.text = f"arg\u2006{parent.text[3:]}"
    for leaf in root.iter():
        if "\\" in (leaf.text or ""):
            raise UnknownMarkup(f"${latex.strip()}$ holds {leaf.text.strip()}, which is not known")
    return ElementTree.tostring(root, encoding="unicode")


def as_in_tex(parent, display):
    """Thin spaces around log and its kin, limits below min and sup, letters of other alphabets."""
    text, variant = parent.text or "", parent.get("mathvariant")
    if re.fullmatch(r"\\[{}|]", text):                   # \Bigl\{ comes out with its backslash
        parent.text = text[1:]
    if variant and variant != "normal":                 # browsers no longer know the attribute
        parent.text = "".join(in_alphabet(variant, letter) for letter in text)
        del parent.attrib["mathvariant"]
    if parent.get("columnspacing") == "0em 2em":
        parent.set("columnspacing", "0em 0.3em")
    if parent.tag == "menclose":
        parent.tag, parent.attrib = "mrow", {"class": "boxed"}
    if parent.tag in ("msub", "msubsup") and display == "block" and word(parent[0]) in LIMITS:
        parent.tag = {"msub": "munder", "msubsup": "munderover"}[parent.tag]
    before = None
    for child in list(parent) if parent.tag in ("mrow", "mtd", "math", "mstyle") else []:
        operator = word(child) in FUNCTIONS or word(before) in FUNCTIONS
        closed = before is not None and (before.text in (")", "]") or before.tag in OPERANDS)
        if operator and closed and child.tag in OPERANDS:
            parent.insert(list(parent).index(child), ElementTree.Element("mspace", THIN))
        if child.text in ("-", "\u2212") and (before is None or before.tag == "mspace" or
                                              before.tag == "mo" and before.text not in (")", "]")):
            child.set("form", "prefix")                 # a sign, not a difference
        before = child


def word(element):
    """What an operator says, without its limits: log, min, ..."""
    while element is not None and element.tag in WITH_LIMITS:
        element = element[0]
    return "" if element is None else " ".join("".join(element.itertext()).split())


def in_alphabet(variant, letter):
    """The Unicode letter of a mathematical alphabet, or the letter itself where there is none."""
    style, name = variant.replace("script", "SCRIPT").upper(), unicodedata.name(letter, "")
    kind = re.sub(r"^(LATIN|GREEK) (SMALL|CAPITAL) LETTER ", r"\2 ", name)
    style = style.replace("-", " ") if style.startswith("BOLD") else style
    for candidate in (f"MATHEMATICAL {style} {kind}", f"{style} {kind}"):
        try:
            return unicodedata.lookup(candidate)
        except KeyError:
            continue
    return letter


class Renderer(IPythonRenderer):
    def inline_math(self, text):
        return mathml(text)

    def block_math(self, text):
        return mathml(text, "block")

    def latex_environment(self, name, body):
        return mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", "block")


def to_html(source, attachments=None):
    """Markdown -> HTML, its formulas MathML; UnknownMarkup for one that cannot be set."""
    renderer = Renderer(escape=False, attachments=attachments or {})
    return MarkdownWithMath(renderer=renderer).render(source)


@pass_context
def markdown_to_html(context, source):
    cell = context.get("cell", {})
    try:
        return to_html(source, cell.get("attachments", {}))
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


def rendered(exporter, template, nb, title):
    """HTML of `nb` as it is stored, without scripts; of cells tagged hide-input only the output."""
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        with_alt(cell.get("outputs", []))
    config = Config()
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_input_tags = {"hide-input"}
    config.HTMLExporter.preprocessors = ["nbconvert.preprocessors.TagRemovePreprocessor"]
    made = exporter(config=config, template_name=template, embed_images=True, mathjax_url="",
                    require_js_url="", jquery_url="", mermaid_js_url="", widget_renderer_url="")
    made.register_filter("markdown2html", markdown_to_html)
    body, _ = made.from_notebook_node(nb, {"metadata": {"name": title}})
    body = re.sub(r"<script\b.*?</script>\s*", "", body, flags=re.S)    # nothing here needs one
    return together(body)


def together(body):
    """HTML whose lines do not break between a formula and the comma or bracket behind it."""
    return re.sub(r"""(<math\b(?:(?!</math>|display="block").)*</math>)([,.;:!?)\]”’]+)""",
                  r'<span style="white-space: nowrap">\1\2</span>', body, flags=re.S)


def page(nb, title):
    """One HTML page of a lesson."""
    return rendered(HTMLExporter, "lab", nb, title).replace("</head>", FONT + "</head>", 1)


DECK = """<style>%s
%s</style><style>
.reveal { font: 25px/1.45 "DejaVu Sans", Arial, sans-serif; color: #222; background: #fff; }
.reveal .slides { text-align: left; }
.reveal .slides section { padding: 0 .5em; box-sizing: border-box; }
.reveal h1, .reveal h2, .reveal h3 { font-family: inherit; color: #111; text-transform: none;
  line-height: 1.25; }
.reveal h1 { font-size: 1.7em; } .reveal h2 { font-size: 1.5em; } .reveal h3 { font-size: 1.2em; }
.reveal p, .reveal li { font-size: 1em; }
.reveal .jp-RenderedHTMLCommon, .reveal .gan-film { font-size: 25px; line-height: 1.45; }
.reveal pre { width: 100%%; box-shadow: none; font-size: .76em; margin: 0; }
.reveal .jp-Notebook, .reveal { --jp-code-font-size: 18px; }
.reveal table { font-size: .8em; }
.reveal img { margin: 0; zoom: 1.45; max-width: 100%%; max-height: calc(540px / 1.45); }
.reveal .jp-InputPrompt, .reveal .jp-OutputPrompt { display: none; }
.reveal .fragment.current-fragment { outline: none; }
.reveal .gan-film { display: grid; column-gap: 1.5em; }
.reveal .gan-film[data-columns="2"] { grid-template-columns: 1fr 1fr; }
.reveal .gan-film label { display: flex; align-items: center; gap: .5em; min-height: 44px; }
.reveal .gan-film select, .reveal .gan-film output { font: inherit; }
.reveal .gan-film input { flex: 1; min-width: 5em; max-width: 16em; }
.reveal .gan-film output { min-width: 3em; }
.reveal .gan-frame { position: relative; width: fit-content; grid-column: 1 / -1; }
.reveal .gan-frame img { display: block; zoom: 1.3; max-width: 100%%;
  max-height: calc((580px - 44px * var(--rows)) / 1.3); }
.reveal .gan-frame img + img { position: absolute; top: 0; left: 0; }
.reveal .gan-coarse { display: none; }
/* arrows below what a slide may fill, not over it */
.reveal .controls[data-controls-layout] { position: fixed; inset: auto auto 3px 50%%;
  transform: translateX(-50%%); display: flex; gap: 14px; font-size: 7px; }
.reveal .controls[data-controls-layout] button { position: static; margin: 0; }
.reveal .controls .navigate-up, .reveal .controls .navigate-down { display: none; }
.reveal .slide-number { background: none; color: #444; }
.gan-where { position: fixed; left: 12px; bottom: 8px; max-width: 42%%; z-index: 30; color: #444;
  font: 14px/1.2 "DejaVu Sans", Arial, sans-serif; overflow: hidden; white-space: nowrap;
  text-overflow: ellipsis; }
</style></head>"""
PLAY = """<script>%s</script><script>
const screen = 690;                                      // pixels of 720 that a slide may fill
const high = (section) => {                             // how far down all that it holds reaches
  let down = 0;
  for (const one of section.querySelectorAll("*")) {
    const edge = one.getBoundingClientRect();
    const folded = one.closest("details:not([open])") && !one.closest("summary");
    if (edge.height && !folded) down = Math.max(down, edge.bottom);
  }
  return (down - section.getBoundingClientRect().top) / Reveal.getScale();
};
const heading = "h1, h2, h3";
const placed = (section) => {           // what goes on without a heading stands in the middle
  section.style.zoom = 1;
  section.style.paddingTop = 0;
  if (!section.querySelector(heading + ", .gan-film"))
    section.style.paddingTop = Math.max(0, (screen - high(section)) / 2.4) + "px";
  fit(section);
};
const where = (section) => {            // the headings that a slide stands under, at its foot
  const under = {};
  for (const one of document.querySelector(".slides").querySelectorAll(heading)) {
    if (section.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING
        && !section.contains(one)) break;
    under[one.tagName] = one.textContent.replace("¶", "").trim();
    if (one.tagName === "H1") under.H2 = under.H3 = "";
    if (one.tagName === "H2") under.H3 = "";
  }
  const number = (under.H1 || "").split(" · ")[0];
  const said = [number, under.H3 || under.H2].filter(Boolean).join(" · ");
  document.querySelector(".gan-where").textContent = section.querySelector("h1") ? "" : said;
};
const fit = (section) => {                              // what is still too high becomes smaller
  section.style.zoom = 1;
  if (high(section) <= screen) return;
  section.style.paddingTop = 0;
  if (high(section) <= screen) return;
  let fits = .5, not = 1;                               // text flows anew: halve what is between
  for (let k = 0; k < 6; k++) {
    const zoom = section.style.zoom = (fits + not) / 2;
    if (high(section) > screen) not = zoom; else fits = zoom;
  }
  section.style.zoom = fits;
};
Reveal.initialize({hash: true, slideNumber: "c/t", width: 1220, height: 720, margin: .02,
                   center: false, transition: "none", controlsLayout: "bottom-right",
                   keyboardCondition: () => document.activeElement?.tagName !== "SELECT",
                   navigationMode: "linear"});
document.querySelector(".reveal").insertAdjacentHTML("beforeend", "<div class=gan-where></div>");
const turned = (event) => { placed(event.currentSlide); where(event.currentSlide); };
Reveal.on("ready", turned);
Reveal.on("slidechanged", turned);
document.addEventListener("toggle", () => fit(Reveal.getCurrentSlide()), true);
</script></body>"""


def deck(nb, title, reveal, films=None, folder=None):
    """A deck of reveal.js in one file.

    {"reveal.js": …, "reveal.css": …} are put into it, nothing is fetched. Cut by `screens`; a slide
    that is still higher than the screen is shown smaller. films: id of a cell -> HTML of its film,
    whose frames lie in `folder`; they are put into the file, too.
    """
    from films import embedded, script
    nb, frames, made = copy.deepcopy(nb), {}, {}
    for cell in nb.cells:
        if cell.get("id") in (films or {}):
            made[cell.id], frames[f"_films/{title}/{cell.id}"] = embedded(films[cell.id], folder)
            cell.outputs = [output_from_film(made[cell.id])]
    body = rendered(SlidesExporter, "reveal", screens(nb), title)
    body = re.sub(r"<link\b[^>]*>\s*", "", body)
    body = body.replace("</head>", FONT + DECK % (reveal["reset.css"], reveal["reveal.css"]), 1)
    play = PLAY % reveal["reveal.js"].replace("</script", "<\\/script")
    return body.replace("</body>", (script(frames) if frames else "") + play, 1)


def output_from_film(film):
    """What an explorer's cell shows in a deck: touching its controls turns no page."""
    rows = film.count("<label")
    wide = math.ceil(rows / 2) if rows > 2 else rows                    # controls in two columns
    film = film.replace('<div class="gan-film"', '<div class="gan-film" data-prevent-swipe '
                        f'data-columns="{2 if rows > 2 else 1}" style="--rows: {wide}"', 1)
    width, height = picture_size(film)
    return nbformat.v4.new_output("display_data", {"text/html": film},
                                  metadata={"gan_film": [wide, width, height]})


def picture_size(film):
    """Width and height of a film's picture in pixels of the page."""
    width = float(re.search(r'<img [^>]*width="([\d.]+)"', film)[1])
    data = re.search(r'src="data:image/webp;base64,([^"]*)"', film)[1]
    wide, high = Image.open(io.BytesIO(base64.b64decode(data))).size
    return width, width * high / wide
