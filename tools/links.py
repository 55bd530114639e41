"""Do the links of all pages lead somewhere? README and its like, docs, the prose of the lessons.

    python tools/links.py              files and headings inside the project; no network
    python tools/links.py --online     the addresses in the world as well (the weekly workflow)

Standard library only, so that it runs before set-up, too.
"""
import argparse
import concurrent.futures
import json
import pathlib
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
LINK = re.compile(r"(?<!\\)\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)"        # [words](target)
                  r"|^\s*\[[^\]]+\]:\s+<?(\S+?)>?\s*$"                          # [label]: target
                  r"|\b(?:href|src)=\"([^\"]+)\"", re.M)
APART = re.compile(r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$", re.S)        # code, mathematics
BARE = re.compile(r"https?://[^\s)>\]\"'|]+")
HERE = "https://mybinder.org/v2/gh/", "https://colab.research.google.com/github/"
ANSWERS = {401, 403, 405, 406, 429, 503, 999}       # somebody is there and does not like robots


def pages(root=ROOT):
    """Path -> Markdown of every page: .md files as they are, of a lesson the cells of prose."""
    found = {}
    for path in sorted([*root.glob("*.md"), *root.glob("docs/**/*.md"),
                        *root.glob("benchmarks/*.md"), *root.glob("notebooks/*.ipynb")]):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            text = "\n\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"]
                               if cell["cell_type"] == "markdown")
        found[path] = text
    return found


def targets(text):
    """Where the links of a page lead, in their order; code and mathematics hold none."""
    return ["".join(match) for match in LINK.findall(APART.sub(" ", text))]


def anchors(text):
    """Names under which a page's headings can be reached, as GitHub and as Jupyter make them."""
    names = set(re.findall(r"\b(?:id|name)=\"([^\"]+)\"", text))
    for heading in re.findall(r"^#{1,6}\s+(.*?)\s*#*$", re.sub(r"```.*?```", "", text, flags=re.S),
                              re.M):
        plain = re.sub(r"[*`]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        names |= {plain.replace(" ", "-"),
                  re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")}
    return names


def broken(root=ROOT):
    """Links inside the project that lead nowhere: a list of lines."""
    texts, found = pages(root), []
    for path, text in texts.items():
        for target in targets(text):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            name, _, anchor = urllib.parse.unquote(target).partition("#")
            place = (path.parent / name).resolve() if name else path
            where = f"{path.relative_to(root).as_posix()}: {target}"
            if not place.exists():
                found.append(f"{where}: there is no such file")
            elif not place.is_relative_to(root):
                found.append(f"{where}: leads out of the project")
            elif anchor and place in texts and anchor not in anchors(texts[place]):
                found.append(f"{where}: no heading of that name")
    return found


def addresses(root=ROOT):
    """Addresses in the world -> the page that names each first, without the launch buttons."""
    found = {}
    for path, text in pages(root).items():
        for target in BARE.findall(APART.sub(" ", text)):
            if not target.startswith(HERE):
                found.setdefault(target.partition("#")[0].rstrip(".,;:"), path)
    return found


def asked(address):
    """None where somebody answers at an address, else what came instead."""
    agent = {"User-Agent": "Mozilla/5.0 (link check of GAN Lessons)"}
    for last in (False, True):
        try:
            with urllib.request.urlopen(urllib.request.Request(address, headers=agent), timeout=30):
                return None
        except urllib.error.HTTPError as error:
            if error.code in ANSWERS:
                return None
            problem = f"{error.code} {error.reason}"
        except (OSError, ValueError) as error:
            problem = str(error)
        if last:
            return problem


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--online", action="store_true", help="ask the addresses in the world, too")
    online = parser.parse_args(argv).online
    found = broken()
    if online:
        known = addresses()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            found += [f"{known[address].relative_to(ROOT).as_posix()}: {address}: {problem}"
                      for address, problem in zip(known, pool.map(asked, known)) if problem]
    for line in found:
        print(line, file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
