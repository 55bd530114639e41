"""Do the pages say the same on another processor? Run them under lowered instruction sets.

    python tools/processors.py [--set NAME ...] [--compared] [PATH ...]

Products of matrices are summed in another order with AVX-512, AVX2 or none of them, so the last
digits differ. A page must print the digits that do not, and draw what an eye cannot tell apart.
All cells that depend on no training are run here, in one process a set, and compared with the
stored outputs: what is printed to the letter, pictures as the suite compares them. --compared: only
the cells whose printed output the suite compares, and what they need. Linux and x86; elsewhere the
sets change nothing, and the run itself is the other processor.
"""
from __future__ import annotations

import argparse
import ast
import json
import os
import pathlib
import re
import subprocess
import sys

import nbformat
from cells import flow, tree
from nb import ROOT, LessonFailed, lessons, may_raise, read, tags

sys.path.append(str(ROOT / "tests"))

SETS = {
    "plain": dict(ATEN_CPU_CAPABILITY="default", ONEDNN_MAX_CPU_ISA="SSE41",
                  OPENBLAS_CORETYPE="Nehalem",
                  NPY_DISABLE_CPU_FEATURES="AVX2 FMA3 AVX512F AVX512CD AVX512_SKX"),
    "avx2": dict(ATEN_CPU_CAPABILITY="avx2", ONEDNN_MAX_CPU_ISA="AVX2",
                 OPENBLAS_CORETYPE="Haswell",
                 NPY_DISABLE_CPU_FEATURES="AVX512F AVX512CD AVX512_SKX"),
    "this": {},
    "two threads": dict(OMP_NUM_THREADS="2"),
}
KINDS = ("text/plain", "text/markdown", "image/png")        # of outputs that are compared
# what moves torch's own generator, and so the random numbers of later cells
DRAWS = re.compile(r"torch\.(rand|manual_seed|normal|multinomial)|draw_code|dequantised")
CHANGES = [(r"0x[0-9a-f]{6,}", "ADDRESS"), (r"\d+(\.\d+)? ?(s|ms|µs)\b", "TIME")]   # as nbval's


def settled(text: str) -> str:
    for pattern, word in CHANGES:
        text = re.sub(pattern, word, text)
    return text.rstrip()


def said(outputs) -> str:
    """What outputs print: streams first, then the plain text of what is shown without a picture."""
    streams = [output["text"] for output in outputs if output["output_type"] == "stream"]
    shown = [output["data"].get("text/markdown") or output["data"].get("text/plain", "")
             for output in outputs if "data" in output and "image/png" not in output["data"]]
    return settled("\n".join(filter(None, ["".join(streams).rstrip("\n"), *shown])))


def chosen(nb, compared: bool) -> list[tuple[str, str]]:
    """(cell id, source) to run: all that depend on no training, or the compared ones with theirs.

    Of the cells left out, imports and definitions are run all the same, under no id, for others.
    """
    wanted, kept = set(), []
    for cell in reversed([cell for cell in nb.cells if cell.cell_type == "code"]):
        needs, binds, surely = flow(cell)
        draws = DRAWS.search(cell.source)                             # the next cell's numbers
        asked = not compared or "nbval-check-output" in tags(cell) or binds & wanted or draws
        if tags(cell) & {"train", "exercise"} or may_raise(cell):
            kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
            body = [node for node in tree(cell).body if isinstance(node, kinds)]
            kept += [("", ast.unparse(node)) for node in reversed(body)]
        elif asked:
            wanted = wanted - surely | needs
            kept.append((cell.id, cell.source))
    return kept[::-1]


# -- inside the process whose processor was lowered ----------------------------------------------

def run_here(paths, compared: bool) -> dict:
    """{lesson: {cell id: outputs}} of the chosen cells, run one after the other in one shell."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output
    shell = InteractiveShell.instance()
    shell.kernel = None                       # judges and pictures answer as they do in a notebook
    values = []                               # what the last expressions of a cell would show
    hook = shell.displayhook
    hook.write_output_prompt = hook.finish_displayhook = lambda: None
    hook.write_format_data = lambda data, metadata=None: values.append(data)
    here = pathlib.Path.cwd()
    found = {}
    for path in paths:
        shell.reset(new_session=True)
        os.chdir(path.parent)
        found[path.stem] = mine = {}
        for name, source in chosen(read(path), compared):
            with capture_output() as caught:
                done = shell.run_cell(source, store_history=False)
            if name and not done.success:
                problem = done.error_in_exec or done.error_before_exec
                raise LessonFailed(f"{path.name}, cell {name}: {type(problem).__name__}: {problem}")
            outputs = [dict(output_type="stream", text=caught.stdout)] if caught.stdout else []
            for data in [*(shown.data for shown in caught.outputs), *values]:
                data = {kind: data[kind] for kind in KINDS if kind in data}
                outputs.append(dict(output_type="display_data", data=data))
            mine |= {name: outputs} if name else {}
            values.clear()
        os.chdir(here)
    return found


# -- outside -------------------------------------------------------------------------------------

def run_lowered(paths, name: str, compared: bool) -> dict:
    """`run_here` in a process under the instruction set `name` of SETS."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0",
                   "GAN_LESSONS_BUDGET": "smoke", **SETS[name]}
    command = [sys.executable, __file__, "--inside", *["--compared"] * compared, *map(str, paths)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True,
                          encoding="utf-8")
    if done.returncode:
        raise LessonFailed(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def complaint(cell, outputs) -> str | None:
    """What fresh outputs of a cell say otherwise than the stored ones, as a sentence; None."""
    from pictures import difference, pngs
    old, new = said(cell.outputs), said(outputs)
    if old != new:
        pairs = zip(old.splitlines() + [""], new.splitlines() + [""])
        was, now = next((pair for pair in pairs if pair[0] != pair[1]), (old, new))
        return f"prints {now[:90]!r}, stored is {was[:90]!r}"
    return difference(pngs(cell.outputs), pngs(outputs))


def complaints(path, outputs: dict) -> list[str]:
    """What fresh outputs of a lesson, {cell id: outputs}, say otherwise than the stored ones."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.id in outputs]
    return [f"{path.name}, cell {cell.id} {found}" for cell in cells
            if (found := complaint(cell, outputs[cell.id]))]


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=pathlib.Path, metavar="PATH")
    parser.add_argument("--set", action="append", choices=list(SETS), dest="sets")
    parser.add_argument("--compared", action="store_true", help="what the suite compares")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    paths = [path.resolve() for path in asked.paths or lessons()]
    if asked.inside:
        print(json.dumps(run_here(paths, asked.compared)))
        return 0
    failed = False
    for name in asked.sets or SETS:
        try:
            outputs = run_lowered(paths, name, asked.compared)
        except LessonFailed as error:
            failed = True
            print(error, file=sys.stderr, flush=True)
            continue
        lines = [line for path in paths for line in complaints(path, outputs[path.stem])]
        cells = sum(map(len, outputs.values()))
        print("\n".join([f"{name}: {cells} cells, {len(lines)} differ", *lines]), flush=True)
        failed |= bool(lines)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
