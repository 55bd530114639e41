"""The pages print digits that every processor agrees on, also one without vector instructions."""
import pytest
from nb import lessons
from nbformat.v4 import new_code_cell, new_notebook, new_output
from processors import SETS, chosen, complaint, complaints, main, run_lowered, said


def cell(source, *tags, outputs=()):
    made = new_code_cell(source, metadata={"tags": list(tags)})
    made.outputs = list(outputs)
    return made


def stream(text):
    return new_output("stream", name="stdout", text=text)


def test_compared_cells_say_the_same_without_vector_instructions():
    outputs = run_lowered(lessons(), "plain", compared=True)
    assert sum(map(len, outputs.values())) > 100
    assert [line for path in lessons() for line in complaints(path, outputs[path.stem])] == []


def test_what_differs_is_said_and_times_and_addresses_are_not():
    one = cell("x", outputs=[stream("a 1.5 in 12.3 s at 0x7f12ab34cd\n"),
                             new_output("display_data", {"text/plain": "✓ right"})])
    same = [dict(output_type="display_data", data={"text/plain": "✓ right"}),
            dict(output_type="stream", text="a 1.5 in 9 s at 0x1234567890")]
    assert said(one.outputs) == "a 1.5 in TIME at ADDRESS\n✓ right"
    assert complaint(one, same) is None
    other = [dict(same[0]), dict(same[1], text="a 1.6 in 9 s at 0x1234567890")]
    assert "prints 'a 1.6 in" in complaint(one, other)
    assert "stored is 'a 1.5" in complaint(one, other)
    assert "1 drawn now" in complaint(one, [*same, dict(output_type="display_data",
                                                        data={"image/png": ""})])


def test_cells_that_train_are_left_out_but_their_imports_and_functions_are_there():
    nb = new_notebook(cells=[
        cell("import math\nx = 1", "setup"),
        cell("from math import pi\nrun = train()\ndef twice(a):\n    return 2 * a", "train"),
        cell("y = twice(pi)", "derive", "nbval-check-output"),
        cell("answer = ...", "exercise"), cell("idle = 3"),
        cell("1 / 0", "nbval-raises-exception")])
    whole, few = chosen(nb, compared=False), chosen(nb, compared=True)
    texts = [source for _, source in whole]
    assert texts[0] == "import math\nx = 1" and "from math import pi" in texts
    assert any(text.startswith("def twice") for text in texts) and "idle = 3" in texts
    assert not any("train()" in text or "..." in text or "1 / 0" in text for text in texts)
    assert [source for name, source in few if name] == ["y = twice(pi)"]


def test_the_command_names_the_cell(monkeypatch, capsys):
    first = lessons()[0]
    monkeypatch.setattr("processors.run_lowered", lambda paths, name, compared: {
        first.stem: {made.id: [] for made in code_with_output(first)[:1]}})
    assert main([str(first), "--set", "avx2"]) == 1
    said = capsys.readouterr().out
    assert "avx2: 1 cells, 1 differ" in said and f"{first.name}, cell " in said
    with pytest.raises(SystemExit):
        main(["--set", "cray"])
    assert "plain" in SETS and SETS["this"] == {}


def code_with_output(path):
    from nb import read
    return [made for made in read(path).cells if made.cell_type == "code" and said(made.outputs)]
