"""Each rule of the pages can fail: small notebooks that break exactly one."""
import textwrap

import lesson_rules as rules
import nbformat
import pytest

SLIDE = {"slideshow": {"slide_type": "slide"}}


def code(source, *tags, outputs=(), **metadata):
    return nbformat.v4.new_code_cell(textwrap.dedent(source).strip(), outputs=list(outputs),
                                     metadata={**SLIDE, "tags": list(tags), **metadata})


def text(source, **metadata):
    return nbformat.v4.new_markdown_cell(textwrap.dedent(source).strip(),
                                         metadata={**SLIDE, **metadata})


def notebook(*cells):
    return nbformat.v4.new_notebook(cells=list(cells))


SENTENCE = text("The number says what it says.")


def test_a_good_page_has_no_problem():
    nb = notebook(text("# A title"), code("x = 1", "setup"), SENTENCE,
                  code("x + 1", "hide-input", jupyter={"source_hidden": True}))
    assert rules.form(nb) == rules.setup_cell(nb) == []


@pytest.mark.parametrize("cells, problem",
                         [([code("x", "fun")], "vocabulary"),
                          ([code("x", "nbval-skip")], "vocabulary"),
                          ([nbformat.v4.new_markdown_cell("x")], "no slide"),
                          ([text("### Sub\n\nand text")], "is a subslide"),
                          ([text("## Idea", slideshow={"slide_type": "-"})], "is a slide"),
                          ([code("x", "hide-input")], "go together"),
                          ([code("x", jupyter={"source_hidden": True})], "go together"),
                          ([code("\n".join("x" for _ in range(26)))], "26 lines"),
                          ([code("x = " + "1" * 96)], "100 columns"),
                          ([code("x"), code("y")], "no sentence"),
                          ([code("x"), text("### Only a heading of many words",
                                            slideshow={"slide_type": "subslide"}), code("y")],
                           "no sentence"),
                          ([code("\n".join("x" for _ in range(9)))], "median")])
def test_form(cells, problem):
    found = rules.form(notebook(*cells))
    assert len(found) == 1 + (problem == "26 lines") and problem in found[0]


@pytest.mark.parametrize("source, problem",
                         [("twice $2\\,$KL", "touches $2\\,$K"), ("a gap$/p$", "touches p$/p$"),
                          ("is $-$gap", "touches $-$g"), ("semi-$f$", "touches -$f$"),
                          ("$|a| $ is", "a blank beside"), ("$ a$ is", "a blank beside"),
                          ("$\\operatorname{sign} x$", "refuses \\operatorname"),
                          ("$$\\operatorname*{sup}_x$$", "refuses \\operatorname")])
def test_what_github_does_not_set(source, problem):
    found = rules.github(notebook(text(source)))
    assert len(found) == 1 and problem in found[0], found


def test_what_github_sets():
    nb = notebook(text("Of ($x$), $y$-th, \"$z$\", **$a$**: $$ b \\mathrm{sign} $$ and `$ code`, "
                       "\\$5."),
                  code("'a$ b $c'"))
    assert rules.github(nb) == []


def test_parts_in_order():
    nb = notebook(text("# T"), text("\n\n".join(rules.PARTS)))
    assert rules.parts(nb) == []
    assert "no section «## Summary»" in rules.parts(
        notebook(text("# T"), text("\n\n".join(p for p in rules.PARTS if p != "## Summary"))))[0]
    assert "out of order" in rules.parts(notebook(text("# T"),
                                                  text("\n\n".join(rules.PARTS[::-1]))))[0]
    assert "beyond" in rules.parts(notebook(text("# T"),
                                            text("\n\n".join([*rules.PARTS, "## More"]))))[0]
    assert "no title" in rules.parts(notebook(text("\n\n".join(rules.PARTS))))[0]


def test_tables_have_equal_rows():
    head = "| a | b |\n|---|---|\n"
    assert rules.tables(notebook(text(head + r"| $p(x\,\vert\,y)$ | 1 |"))) == []
    assert r"\vert" in rules.tables(notebook(text(head + r"| $p(x\,|\,y)$ | 1 |")))[0]


def test_story_words():
    alt = nbformat.v4.new_output("display_data", data={"image/png": "x"},
                                 metadata={"image/png": {"alt": "Two heaps."}})
    told = notebook(text("## Idea\n\nA forger and the police.\n\n## Derivation\n\nThe Coins."),
                    code("hats = 1"), code("x", outputs=[alt]))
    assert [problem.split(":")[1].strip() for problem in rules.story(told)] == [
        "Coins", "hats", "heaps"]
    assert rules.story(notebook(text(r"Digits as heaps of ink; $\hat p$, forget, coincide."))) == []


def test_setup_cell():
    assert "not tagged" in rules.setup_cell(notebook(code("x")))[0]
    assert "9 lines" in rules.setup_cell(notebook(code("\n".join("x" * 9), "setup")))[0]
    assert "install" in rules.setup_cell(notebook(code("!pip install torch", "setup")))[0]


def test_stored_outputs():
    picture = nbformat.v4.new_output("display_data", data={"image/png": "x"})
    wrong = nbformat.v4.new_output("stream", text="✗ half: not yet")
    cell = code("x")
    cell.outputs = [picture]
    assert "alternative text" in rules.stored_outputs(notebook(cell))[0]
    cell.outputs[0].metadata["image/png"] = {"alt": "Two clusters of samples."}
    assert rules.stored_outputs(notebook(cell)) == []
    cell.outputs = [wrong]
    assert "judged wrong" in rules.stored_outputs(notebook(cell))[0]


def test_chinese_stays_in_the_prose():
    assert rules.no_chinese_in_code(notebook(text("散度"), code("x = 'divergence'  # 散度"))) == []
    assert "散度" in rules.no_chinese_in_code(
        notebook(code("%matplotlib inline\nax.set(title='散度')")))[0]


@pytest.mark.parametrize("source, problem", [
    ("train(game, nets, data, steps=steps(laptop=9))", ""),
    ("n = steps(laptop=9)\ntrain(game, nets, data, steps=2 * n)", ""),
    ("train(game, nets, data, steps=900)", "bare steps=900"),
    ("taste(steps=900)", "bare steps=900"),
    ("n = 900\ntrain(game, nets, data, steps=n)", "bare steps=n"),
    ("train(game, nets, data)", "without"),
    ("def play(**more):\n    train(game, nets, data, **more)\nplay(steps=90)", "bare steps=90"),
    ("for _ in range(900):\n    optimizer.step()", "training loop"),
    ("for _ in range(steps(laptop=900)):\n    optimizer.step()", ""),
])
def test_steps_are_budgeted(source, problem):
    found = rules.steps_are_budgeted(notebook(code(source)))
    assert len(found) == bool(problem) and problem in "".join(found)


TRAIN = "run = train(game, dict(f=critic), data, steps=steps(laptop=9))"


@pytest.mark.parametrize("sources, trained", [
    (["x = 1", TRAIN, "x"], [1]),
    ([TRAIN, "y = run.losses['f'][-1]", "print(y)", "print(2)"], [0, 1, 2]),
    (["critic = net()", TRAIN, "critic(3)"], [1, 2]),                           # trained in place
    (["critic = net()", "nets = dict(f=critic)", "train(game, nets, data)", "critic(3)"], [2, 3]),
    (["data = batches(x)", "data.draw('x')", TRAIN, "data.draw('x')"], [2, 3]),
    ([TRAIN, "run = 3", "run"], [0]),                                           # a new value
    ([TRAIN, "if x:\n    run = 3", "run"], [0, 2]),                             # perhaps a new one
    (["seen = []", "def look(run):\n    seen.append(run.step)",
      "train(g, n, d, watch=look)", "seen"], [2, 3]),                           # by a callback
    (["seen = []", "n = 1", "def play(into):\n    train(g, x, d)",
      "play(seen)", "seen", "n"], [3, 4]),
    (["rows = []", TRAIN, "rows.append(run.step)", "rows"], [1, 2, 3]),
    (["table = {}", TRAIN, "table['a'] = run", "table"], [1, 2, 3]),
    (["for k in 1, 2:\n    r = train(game, k, data)", "r"], [0, 1]),
    (["import numpy as np", TRAIN, "np.mean(run.losses)", "np.pi"], [1, 2]),
    (["a, b = 1, 2", TRAIN, "b += run.step", "b", "a"], [1, 2, 3]),
    (["taste()", "x"], [0]),                                                    # in the package
    (["net = Net()\nfor _ in range(9):\n    opt.step()", "x"], [0]),
    (["f = lambda x: 2 * x", TRAIN, "f(2)"], [1]),
    (["rows = {n: train(game, n, data) for n in 'ab'}",
      "for n, r in rows.items():\n    print(r)"], [0, 1]),
])
def test_train_follows_the_names(sources, trained):
    def page(tagged):
        return notebook(*(code(s, *["train"] * (i in tagged)) for i, s in enumerate(sources)))
    assert rules.train_tags(page(trained), {"train", "taste"}) == []
    found = rules.train_tags(page(set(range(len(sources))) - set(trained)), {"train", "taste"})
    found += [s for s in sources if s.startswith("def ") and "train(" in s]  # may be tagged, or not
    assert len(found) == len(sources)


def test_pictures_of_the_images_at_hand_count_as_trained():
    nb = notebook(code("images = load_images()"), code("show(images)"),
                  code("images.name", "train"))
    assert rules.train_tags(nb) == []
    nb.cells[1].outputs = [nbformat.v4.new_output("display_data", data={"image/png": "x"})]
    assert "a picture of load_images()" in rules.train_tags(nb)[0]


def test_functions_of_the_package_that_train_are_found():
    package = ["def taste():\n    return helper()", "def helper():\n    train(1)",
               "def draw():\n    pass"]
    assert rules.trainers(package) == {"train", "helper", "taste"}


SOLVED = """
**1 (code).** Double.

<details><summary>Solution</summary>

```python
answer = 2 * x
```

</details>
"""


def exercise_page(source="answer = ...\ncheck('double', answer)", tail=SOLVED):
    more = "".join(f"**{n}** Say.\n\n<details><summary>Solution</summary>\n\nSo.\n\n</details>\n\n"
                   for n in (2, 3, 4))
    return notebook(text("x\n\n## Exercises\n\nTry these."), code(source, "exercise"),
                    text(tail + "\n" + more))


def test_exercises():
    assert rules.exercises(exercise_page()) == []
    assert "ends with" in rules.exercises(exercise_page("check('double', ...)\nx"))[0]
    assert "placeholder" in rules.exercises(exercise_page("answer = 3\ncheck('double', answer)"))[0]
    assert "no solution" in rules.exercises(exercise_page(tail="**1** Say."))[0]
    assert "at least four" in "".join(
        rules.exercises(notebook(text("x\n\n## Exercises\n\n**1** Say."))))


def test_a_solution_replaces_what_stands_before_the_judge_but_for_imports():
    nb = exercise_page("def answer(x):\n    ...\n\nagree(answer, right)")
    assert rules.with_solutions(nb) == [nb.cells[1].id]
    assert nb.cells[1].source == "answer = 2 * x\nagree(answer, right)"
    nb = exercise_page("from math import pi\ndef answer(x):\n    ...\n\nagree(answer, pi)")
    rules.with_solutions(nb)
    assert nb.cells[1].source == "from math import pi\nanswer = 2 * x\nagree(answer, pi)"
