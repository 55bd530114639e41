"""The rules of a lesson's page. Each takes a notebook (nbformat) and returns a list of problems."""
from __future__ import annotations

import ast
import re
import statistics

from cells import tree
from launch import without
from nb import tags

VOCABULARY = set("setup derive explore train exercise solution bug hide-input lecture-skip "
                 "raises-exception nbval-check-output nbval-ignore-output "
                 "nbval-raises-exception".split())
SLIDES = {"slide", "subslide", "fragment", "notes", "skip", "-"}
HEADS = {"#": "slide", "##": "slide", "###": "subslide"}
PARTS = [
    "## Idea",
    "## Derivation",
    "## By hand",
    "## In code",
    "## Let it play",
    "## What goes wrong",
    "## Full size",
    "## Summary",
    "## Exercises",
    "## References",
]
# what a story says for discriminator, generator, sample, distribution, component, label, encoder
STORY = re.compile(r"(?<![\\\w])(polic\w*|officers?|forge(?:d|s|rs?|ry|ries)?|coins?|heaps?|hats?|"
                   r"stamp\w*|dealers?|clerks?|assistants?|fences?|streets?)(?!\w)", re.I)
CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
SOLUTION = re.compile(r"<details>\s*<summary>(?!Hint)[^<]*</summary>(.*?)</details>", re.S)
PYTHON = re.compile(r"```python\n(.*?)```", re.S)
JUDGES = {"check", "agree"}


def code_cells(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def calls(node, *names):
    """Calls of a function, or of a method, that bears one of the names."""
    return [n for n in ast.walk(node) if isinstance(n, ast.Call) and called(n) in names]


def called(call):
    return getattr(call.func, "id", None) or getattr(call.func, "attr", None)


# ---------------------------------------------------------------- form

def form(nb):
    """Tags, slide metadata, folded cells, sizes, and a sentence between any two code cells."""
    found, lines, words = [], [], None
    for cell in nb.cells:
        where = f"cell {cell.id}"
        if unknown := tags(cell) - VOCABULARY:
            found.append(f"{where}: tag {', '.join(sorted(unknown))} is not in the vocabulary")
        if cell.metadata.get("slideshow", {}).get("slide_type") not in SLIDES:
            found.append(f"{where}: no slide metadata")
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        if (head := HEADS.get(cell.source.partition(" ")[0])) and head != kind:
            found.append(f"{where}: a cell that begins with this heading is a {head}")
        if ("hide-input" in tags(cell)) != bool(
                cell.metadata.get("jupyter", {}).get("source_hidden")):
            found.append(f"{where}: hide-input and jupyter.source_hidden go together")
        if cell.cell_type != "code":
            text = re.sub(r"^#.*$", "", cell.source, flags=re.M)
            words = (words or 0) + len(text.split())
            continue
        source = without(cell.source).splitlines()
        lines.append(len(source))
        if not 1 <= len(source) <= 25:
            found.append(f"{where}: {len(source)} lines of code; 1 to 25")
        if long := [line for line in source if len(line) >= 100]:
            found.append(f"{where}: a line of {len(long[0])} columns; under 100")
        if len(lines) > 1 and (words or 0) < 4:
            found.append(f"{where}: no sentence between it and the code cell before")
        words = None
    if lines and statistics.median(lines) > 8:
        found.append(f"the median code cell has {statistics.median(lines):g} lines; at most 8")
    return found


def parts(nb):
    """The setup cell and the headings of a lesson, in their order."""
    headings = [line.strip() for cell in nb.cells if cell.cell_type == "markdown"
                for line in re.sub(r"```.*?```", "", cell.source, flags=re.S).splitlines()
                if line.startswith("## ")]
    found = [f"no section «{part}»" for part in PARTS if part not in headings]
    if extra := [heading for heading in headings if heading not in PARTS]:
        found.append(f"sections beyond the {len(PARTS)}: {', '.join(extra)}")
    if not found and headings != PARTS:
        found.append("the sections are out of order or doubled: " + ", ".join(headings))
    if not nb.cells or not nb.cells[0].source.startswith("# "):
        found.append("the first cell has no title")
    return found


def tables(nb):
    """Rows of a table with as many cells as its head; a bare | in a formula makes one more."""
    found = []
    for cell in nb.cells:
        lines = cell.source.splitlines() if cell.cell_type == "markdown" else []
        for above, line in zip(lines, lines[1:]):
            wide = len(re.findall(r"(?<!\\)\|", line))
            rows = above.startswith("|") and line.startswith("|")
            if rows and wide != len(re.findall(r"(?<!\\)\|", above)):
                found.append(f"{wide - 1} cells where the row above has another number "
                             f"(write \\vert, not |): {line[:60]}")
    return found


FENCED = re.compile(r"```.*?```|`[^`\n]*`", re.S)
REFUSED = re.compile(r"\\(?:operatorname|mbox|newcommand|renewcommand|def|let|require|phantom)\b")


def github(nb):
    """Formulas that GitHub leaves as they are typed, or refuses.

    A $ opens where no letter, digit or dash stands before it, closes where none stands after it,
    and has no blank on its inner side; macros that could define others are forbidden there.
    """
    found = []
    for cell in nb.cells:
        if cell.cell_type != "markdown":
            continue
        text = FENCED.sub(lambda code: "`" * len(code[0]), cell.source)
        for macro in REFUSED.findall(text):
            found.append(f"cell {cell.id}: GitHub refuses {macro} (write \\mathrm)")
        text = re.sub(r"\$\$.*?\$\$", lambda shown: " " * len(shown[0]), text, flags=re.S)
        for formula in re.finditer(r"(?<!\\)\$(.+?)(?<!\\)\$", text, re.S):
            before, after = text[:formula.start()][-1:], text[formula.end():][:1]
            if formula[1] != formula[1].strip():
                found.append(f"cell {cell.id}: a blank beside the $ in {formula[0]}")
            if before.isalnum() or before in tuple("-–") or after.isalnum():
                found.append(f"cell {cell.id}: a letter or a dash touches "
                             f"{(before + formula[0] + after).strip()}")
    return found


def story(nb):
    """Words of a story outside the section Idea: in text, code, figures' texts; none is allowed.

    In small or large letters, in the singular and the plural; "heaps of ink" are what lesson 05
    measures.
    """
    found, part = [], ""
    for cell in nb.cells:
        chunks = [cell.source]
        if cell.cell_type == "markdown":
            chunks = re.split(r"^(?=## )", cell.source, flags=re.M)
        for chunk in [*chunks, *alt_texts(cell)]:
            if cell.cell_type == "markdown" and chunk.startswith("## "):
                part = chunk.splitlines()[0]
            words = STORY.findall(chunk.replace("heaps of ink", ""))
            if words and part != "## Idea":
                found.append(f"cell {cell.id}: {', '.join(words)}: a word of the story; the field "
                             "says discriminator, generator, sample, distribution …")
    return found


def alt_texts(cell):
    """The alternative texts of a cell's pictures."""
    return [output.get("metadata", {}).get("image/png", {}).get("alt", "")
            for output in cell.get("outputs", [])]


def setup_cell(nb):
    code = code_cells(nb)
    if not code or "setup" not in tags(code[0]):
        return ["the first code cell is not tagged setup"]
    lines = len(without(code[0].source).splitlines())         # the line for Colab not counted
    found = [f"{lines} lines of setup; at most 8"] * (lines > 8)
    return found + ["an install in a cell"] * any(
        re.search(r"^\s*[%!].*\b(pip|conda)\b", cell.source, re.M) for cell in code)


def stored_outputs(nb):
    """Alternative text on every picture; no answer stored as wrong."""
    found = []
    for cell in code_cells(nb):
        for output in cell.outputs:
            data = output.get("data", {})
            alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
            if "image/png" in data and len(alt.split()) < 4:
                found.append(f"cell {cell.id}: a picture without alternative text")
            if "✗" in f"{output.get('text', '')}{data.get('text/plain', '')}":
                found.append(f"cell {cell.id}: stores an answer judged wrong")
    return found


def chinese_strings(source):
    """String constants with Chinese characters: fonts differ, so none may reach a figure."""
    return [node.value for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            and CHINESE.search(node.value)]


def no_chinese_in_code(nb):
    return [f"cell {cell.id}: Chinese in the code string {text!r}"
            for cell in code_cells(nb) for text in chinese_strings(ast.unparse(tree(cell)))]


# ---------------------------------------------------------------- steps and training

def steps_are_budgeted(nb):
    """Every number of training steps comes from steps(laptop=..., full=...)."""
    found, budgeted = [], set()
    for cell in code_cells(nb):
        for node in ast.walk(tree(cell)):
            if isinstance(node, ast.Assign) and calls(node.value, "steps"):
                budgeted |= {n.id for target in node.targets for n in ast.walk(target)
                             if isinstance(n, ast.Name)}
        for call in (n for n in ast.walk(tree(cell)) if isinstance(n, ast.Call)):
            for keyword in call.keywords:
                if keyword.arg == "steps" and not calls(keyword.value, "steps") and not (
                        names(keyword.value) & budgeted):
                    found.append(f"cell {cell.id}: a bare steps={ast.unparse(keyword.value)}")
            if called(call) == "train" and not {"steps", None} & {k.arg for k in call.keywords}:
                found.append(f"cell {cell.id}: train(...) without steps=steps(...)")
        for loop in (n for n in ast.walk(tree(cell)) if isinstance(n, ast.For)):
            counted = calls(loop.iter, "steps") or names(loop.iter) & budgeted
            if is_training(loop) and not counted:
                found.append(f"cell {cell.id}: a training loop over {ast.unparse(loop.iter)}")
    return found


def names(node):
    """Names that are read."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def is_training(node):
    """A hand-written loop counts: it calls some .step() without arguments."""
    return any(isinstance(call.func, ast.Attribute) and not call.args
               for call in calls(node, "step"))


def held_by(call):
    """rows, in a call rows.append(...); None for a call of another shape."""
    holder = call.func.value if isinstance(call.func, ast.Attribute) else None
    return holder.id if isinstance(holder, ast.Name) else None


def trainers(sources):
    """Names of the functions in these modules' sources that train, themselves or through others."""
    bodies = {f.name: f for source in sources for f in ast.walk(ast.parse(source))
              if isinstance(f, ast.FunctionDef)}
    known = {"train"}
    while more := {name for name, f in bodies.items()
                   if calls(f, *known) or names(f) & known - {"train"}} - known:
        known |= more
    return known


class Follower:
    """Follows names from cell to cell: which of them hold something that a training made."""

    def __init__(self, trainers):
        self.trainers, self.trained, self.own, self.made_of = set(trainers), set(), set(), {}
        self.containers, self.fills = set(), {}  # lists and dicts; what a function puts into them

    def depends(self, node):
        read = names(node) | {n.target.id for n in ast.walk(node)
                              if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)}
        return bool(read & self.trained or calls(node, *self.trainers) or is_training(node))

    def cell(self, body):
        """True if the result of these statements depends on a training."""
        return any([self.statement(statement) for statement in body])

    def statement(self, node, certain=True):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            return False
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):    # to define is not yet to train
            self.bind(node.name, self.depends(node), certain)
            self.fills[node.name] = {name for call in ast.walk(node) if isinstance(call, ast.Call)
                                     for name in [held_by(call)] if name in self.containers}
            return any(self.depends(d) for d in node.decorator_list)
        if isinstance(node, (ast.For, ast.While, ast.If, ast.With, ast.Try)):
            head = self.head(node)
            blocks = [b for field in ("body", "orelse", "finalbody")
                      for b in getattr(node, field, [])]
            blocks += [b for handler in getattr(node, "handlers", []) for b in handler.body]
            for _ in range(2):                                   # a loop feeds its own start
                inside = [self.statement(b, certain=False) for b in blocks]
            if is_training(node):
                self.trained |= {held_by(call) for call in ast.walk(node)
                                 if isinstance(call, ast.Call)} & self.own
            return any([head, *inside, is_training(node)])
        depends = self.depends(node)
        for call in calls(node, *self.trainers):
            self.train_in_place(call)
        for call in calls(node, *self.trainers, *self.trained & self.fills.keys()):  # watch=, felt
            given = {n.id for part in [*call.args, *(k.value for k in call.keywords)]
                     for n in [part] if isinstance(n, ast.Name)}
            self.trained |= given & self.containers
            self.trained |= {name for callback in given for name in self.fills.get(callback, ())}
        # history.append(trained)
        for call in (n for n in ast.walk(node) if isinstance(n, ast.Call)):
            arguments = [*call.args, *(k.value for k in call.keywords)]
            if held_by(call) in self.own and any(map(self.depends, arguments)):
                self.trained.add(held_by(call))
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            for target in getattr(node, "targets", [getattr(node, "target", None)]):
                self.assign(target, node.value, depends,
                            certain and not isinstance(node, ast.AugAssign))
        return depends

    def head(self, node):
        if isinstance(node, ast.For):
            self.assign(node.target, node.iter, self.depends(node.iter), False)
            return self.depends(node.iter)
        if isinstance(node, ast.With):
            for item in node.items:
                if item.optional_vars is not None:
                    self.assign(item.optional_vars, item.context_expr,
                                self.depends(item.context_expr), False)
            return any(self.depends(item.context_expr) for item in node.items)
        return hasattr(node, "test") and self.depends(node.test)

    def assign(self, target, value, depends, certain):
        whole = isinstance(target, (ast.Name, ast.Tuple, ast.List))
        if whole and any(isinstance(n, (ast.List, ast.Dict, ast.Set)) for n in ast.walk(value)):
            self.containers |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
        for n in ast.walk(target):
            if isinstance(n, ast.Name) and (whole or n.id in self.own):
                self.bind(n.id, depends, certain and whole)
                if value is not None:
                    self.made_of[n.id] = names(value)

    def bind(self, name, depends, certain):
        self.own.add(name)
        if depends:
            self.trained.add(name)
        elif certain:
            self.trained.discard(name)

    def train_in_place(self, call):
        """train(game, players, samples): networks change, and so does the state of the samples."""
        arguments = {k.arg: k.value for k in call.keywords}
        arguments |= dict(zip(("game", "players", "samples"), call.args))
        reached = names(arguments["players"]) if "players" in arguments else set()
        for name in list(reached):
            reached |= self.made_of.get(name, set())
        if isinstance(arguments.get("samples"), ast.Name):
            reached.add(arguments["samples"].id)
        self.trained |= reached & self.own


def train_tags(nb, trainers=("train",)):
    """`train` stands on every cell whose result depends on a training.

    It may also stand on a cell that depends on the images at hand (MNIST, or glyphs where there is
    no network), and must where that cell stores a picture; it stands on no other.
    """
    trained, data, found = Follower(trainers), Follower({*trainers, "load_images"}), []
    for cell in code_cells(nb):
        body = tree(cell).body
        needed, allowed = trained.cell(body), data.cell(body) or any(map(data.depends, body))
        picture = any("image/png" in output.get("data", {}) for output in cell.outputs)
        if "train" in tags(cell):
            if not allowed:
                found.append(
                    f"cell {cell.id}: tagged train, but nothing in it depends on a training")
        elif needed:
            found.append(f"cell {cell.id}: depends on a training and is not tagged train")
        elif allowed and picture:
            found.append(f"cell {cell.id}: a picture of load_images() not tagged train: the images "
                         "differ where MNIST cannot be had")
    return found


# ---------------------------------------------------------------- exercises

def judged(cell):
    """The call of check or agree that ends an exercise cell; None where there is none."""
    body = tree(cell).body
    last = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    return last if isinstance(last, ast.Call) and called(last) in JUDGES else None


def solution_after(nb, index):
    """The python block of the <details> Solution in the markdown that follows cell `index`."""
    for cell in nb.cells[index + 1:]:
        if cell.cell_type == "code":
            return None
        for solution in SOLUTION.findall(cell.source):
            if block := PYTHON.search(solution):
                return block[1]
    return None


def exercises(nb):
    """Exercise cells end in their judge, hold a placeholder, and have a hidden solution."""
    found = []
    for index, cell in enumerate(nb.cells):
        if cell.cell_type == "code" and "exercise" in tags(cell):
            if judged(cell) is None:
                found.append(f"cell {cell.id}: an exercise ends with check(...) or agree(...)")
            if not any(isinstance(n, ast.Constant)
                       and n.value is ... for n in ast.walk(tree(cell))):
                found.append(f"cell {cell.id}: an exercise holds a placeholder ... for the answer")
            if solution_after(nb, index) is None:
                found.append(f"cell {cell.id}: no solution in <details> after it")
    text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    section = text.partition("\n## Exercises")[2].partition("\n## ")[0]
    numbered = re.findall(r"^(?:### |\*\*)(?:Exercise )?\d+", section, re.M)
    if len(numbered) < 4:
        found.append(f"{len(numbered)} exercises; at least four, each beginning **1 … or ### 1 …")
    if len(SOLUTION.findall(section)) < len(numbered):
        found.append("an exercise without a solution in <details>")
    return found


def with_solutions(nb):
    """Paste each hidden solution over the stub; ids of those cells.

    What the exercise imports, and the judge's call, stay.
    """
    pasted = []
    for index, cell in enumerate(nb.cells):
        if cell.cell_type == "code" and "exercise" in tags(cell):
            imports = [ast.unparse(node) for node in tree(cell).body
                       if isinstance(node, (ast.Import, ast.ImportFrom))]
            solution = solution_after(nb, index).rstrip()
            cell.source = "\n".join([*imports, solution, ast.unparse(judged(cell))])
            pasted.append(cell.id)
    return pasted
