"""The ways into a lesson from its page: buttons under its title, and a line for Colab and Kaggle.

    python tools/launch.py             write both into every lesson; then: python tools/restamp.py
    python tools/launch.py --check     say which lesson lacks them, and change nothing

The repository's address is said once, in pyproject.toml; all others are made from it here.
"""
import argparse
import pathlib
import re
import sys
import tomllib

from nb import ROOT, dumps, lessons, normalise, read, write

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]                   # https://github.com/OWNER/NAME
OWNER_NAME = REPOSITORY.removeprefix("https://github.com/")
BRANCH = "main"

# First in a lesson's first code cell. Where the package is found, and everywhere but on Colab and
# on Kaggle, it does nothing: nobody's own environment is changed. There this package alone is
# fetched, for the Python of this very kernel (%pip, not !pip); --no-deps, as both have all that it
# needs, in versions that others rely on.
LINE = f"""\
if not __import__("importlib").util.find_spec("gan_lessons") and (       # on Colab, on Kaggle only
        {{"COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}} & {{*__import__("os").environ}}):
    get_ipython().run_line_magic("pip", "install -q --no-deps git+{REPOSITORY}")
"""
ANY_LINE = re.compile(r'^if not __import__\("importlib"\)\.util\.find_spec\("gan_lessons"\).*\n'
                      r'(?:        .*\n)?    get_ipython\(\)\.run_line_magic\("pip", .*\n', re.M)
ANY_BUTTONS = re.compile(r"\n*^\[\*\*▶ Open in Colab\*\*\]\(.*$", re.M)


def colab(path: str) -> str:
    """Address that opens a notebook of the repository on Colab."""
    return f"https://colab.research.google.com/github/{OWNER_NAME}/blob/{BRANCH}/{path}"


def binder(path: str) -> str:
    """Address that opens a notebook in a JupyterLab on Binder, with environment.yml installed."""
    return f"https://mybinder.org/v2/gh/{OWNER_NAME}/{BRANCH}?urlpath=lab/tree/{path}"


def buttons(stem: str) -> str:
    """The buttons of a lesson. Words and no pictures: a page needs no network to be read."""
    path = f"notebooks/{stem}.ipynb"
    return f"[**▶ Open in Colab**]({colab(path)}) · [**▶ Open on Binder**]({binder(path)})"


def without(source: str) -> str:
    """A cell's source without the line, of whatever repository."""
    return ANY_LINE.sub("", source)


def first_code(nb):
    """The first code cell; None where there is none."""
    return next((cell for cell in nb.cells if cell.cell_type == "code"), None)


def add(nb, stem: str):
    """Put line and buttons into a lesson, in place of those that are there; it is returned."""
    title, setup = nb.cells[0], first_code(nb)
    title.source = ANY_BUTTONS.sub("", title.source).rstrip() + "\n\n" + buttons(stem)
    setup.source = LINE + without(setup.source)
    return nb


def problems(nb, stem: str) -> list[str]:
    """What a lesson lacks: a list of lines."""
    title, setup = nb.cells[0].source, first_code(nb)
    found = []
    if ANY_BUTTONS.findall(title) != ["\n\n" + buttons(stem)]:
        found.append("its title does not end with its own buttons")
    if setup is None or not setup.source.startswith(LINE) or without(setup.source) != (
            setup.source.removeprefix(LINE)):
        found.append("its first code cell does not begin with the line for Colab and Kaggle")
    return [f"{line}: run python tools/launch.py" for line in found]


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=pathlib.Path, metavar="PATH")
    parser.add_argument("--check", action="store_true", help="change nothing")
    args = parser.parse_args(argv)
    failed = False
    for path in args.paths or lessons():
        nb = read(path)
        if args.check:
            for line in problems(nb, path.stem):
                failed = True
                print(f"{path.name}: {line}", file=sys.stderr)
        else:
            write(path, dumps(normalise(add(nb, path.stem))))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
