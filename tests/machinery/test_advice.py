"""Advice from rows: who is ahead, how often luck does that, what is said of too few seeds."""
import itertools
import math
import re

import numpy as np
import pytest

from gan_lessons.map import advice
from gan_lessons.map.advice import QUESTIONS, by_luck, choices, decision_table, tell_apart
from gan_lessons.map.common_table import ROWS, common_table
from gan_lessons.map.objectives import OBJECTIVES
from gan_lessons.map.results import summary


def made(name, values, family="f-divergence", track="own", **more):
    return [{"objective": name, "data": "mnist", "track": track, "seed": i, "family": family,
             "frechet": v, "lr": "f 0.02 g 0.005", **more} for i, v in enumerate(values, 1)]


def entries(*rows):
    return {one["objective"]: one for one in summary(itertools.chain(*rows), "frechet")}


@pytest.mark.parametrize("n, m", [(1, 1), (2, 3), (3, 3), (4, 2)])
def test_by_luck_counts_all_orders(n, m):
    orders = list(itertools.permutations(range(n + m)))
    apart = sum(max(order[:n]) < min(order[n:]) or max(order[n:]) < min(order[:n])
                for order in orders)
    assert by_luck(n, m) == pytest.approx(apart / len(orders)) and by_luck(n) == by_luck(n, n)
    with pytest.raises(ValueError, match="one run each"):
        by_luck(0)


def test_ahead_is_who_is_better_in_every_seed():
    found = entries(made("minimax GAN", [1, 2, 3]), made("hinge", [3.1, 4, 9]),
                    made("WGAN", [3, 5, 6]), made("LS-GAN", [.1, .2]))
    told = lambda a, b: tell_apart(found[a], found[b])
    assert told("minimax GAN", "hinge") == told("hinge", "minimax GAN") == "minimax GAN"
    assert told("minimax GAN", "WGAN") == told("hinge", "WGAN") == ""
    assert told("LS-GAN", "hinge") == ""                            # two seeds say nothing
    rows = [{**row, "recall": value} for row, value in zip(
        made("minimax GAN", [1, 1, 1]) + made("hinge", [1, 1, 1]), (.1, .2, .3, .4, .5, .6))]
    one, other = summary(rows, "recall")
    assert tell_apart(one, other) == tell_apart(other, one) == "hinge"
    assert tell_apart({"n": 3, "measure": "recall"}, one) == ""            # none of them ended


def test_a_choice_names_all_that_are_not_told_apart_from_the_first():
    rows = (made("minimax GAN", [40, 42, 50], own="spectral normalisation")
            + made("hinge", [45, 46, 47], "transport") + made("WGAN", [60, 70, 80], "transport")
            + made("RSGAN", [51, 52, 53], "comparison") + made("VAE", [1, 2, 3], "encoders")
            + made("LS-GAN", [math.inf, math.inf, 1.], "margin")
            + made("hinge", [1, 1, 1], "transport", "common"))
    every, one, *_ = choices(rows)
    assert every.take == ["VAE"] and one.question == "the same, from a critic"
    assert one.take == ["minimax GAN", "hinge"] and one.known
    assert one.lessons == ["01_minimax", "07_lipschitz"]
    assert one.settings == "spectral normalisation; rates f 0.02 g 0.005"
    assert one.evidence == ("Fréchet distance 42 [40 – 50], 3 seeds; told apart from RSGAN "
                            "(52 [51 – 53]) and 1 more")
    common = next(one for one in choices(rows) if "nothing normalised" in one.question)
    assert common.take == ["hinge"] and common.evidence.endswith("1 [1 – 1], 3 seeds")


def test_the_evidence_tells_recall_beside_the_distance():
    rows = [{**row, "recall": .6 + .01 * row["seed"]} for row in made("VAE", [1, 2, 3], "encoders")]
    assert choices(rows)[0].evidence == "Fréchet distance 2 [1 – 3], 3 seeds, recall 0.62"


def test_too_few_seeds_are_said_to_be_too_few():
    few = choices(made("minimax GAN", [40, 42]) + made("hinge", [38, 40], "transport"))
    assert not any(one.known or one.take for one in few)
    assert few[0].evidence == "first so far, of 2: hinge, Fréchet distance 39"
    assert few[2].evidence == "nothing is stored"
    sentence, _, *lines = decision_table(made("minimax GAN", [40])).data.splitlines()
    assert "fewer than 3 seeds" in sentence
    assert len(lines) == 2 + len(QUESTIONS) and all(line.count("|") == 5 for line in lines)
    assert "first so far" in lines[2] and "| *not known yet* |" in lines[2]
    assert decision_table([]).data.count("nothing is stored") == len(QUESTIONS)


def test_who_competes_alone_needs_no_seeds():
    """An exact likelihood has one objective: no seeds decide that."""
    of = {one.question: one for one in choices(made("flow", [90.], "encoders"))}
    one = of["an exact likelihood"]
    assert one.take == ["flow"] and one.known and one.evidence == "Fréchet distance 90, 1 seed"
    diverged = choices(made("flow", [math.inf], "encoders"))
    assert not any(one.known for one in diverged)
    whole = list(itertools.chain(*(
        made(name, [40, 41, 42], one.family, track) for name, one in OBJECTIVES.items()
        for track in ("own", "common") if one.lesson < "20")))
    whole = [{**row, "recall": .5, "seconds_to_100": 9.} for row in whole]
    assert decision_table(whole).data.startswith("| you need")


def test_the_table_shows_three_names_and_counts_the_rest():
    names = ["minimax GAN", "hinge", "WGAN-GP", "RSGAN", "LS-GAN"]
    rows = list(itertools.chain(*(made(name, [40 + i, 50, 60]) for i, name in enumerate(names))))
    line = decision_table(rows).data.splitlines()[4]
    assert ("[**minimax GAN**](01_minimax.ipynb), [**hinge**](07_lipschitz.ipynb), "
            "[**WGAN-GP**](07_lipschitz.ipynb) or 2 more that are not told apart") in line


def test_a_hundred_labels_are_asked_for_a_class_alone():
    """Improved GAN knows the labels too, but its generator takes none."""
    rows = made("Improved GAN", [1, 2, 3], "labels") + made(
        "semi-supervised CLS-GAN", [10, 20, 30], "labels")
    of = {one.question: one for one in choices(rows)}
    assert of["to choose a class, a hundred labels"].take == ["semi-supervised CLS-GAN"]


def test_seconds_to_a_distance_are_known_to_one_look():
    """Looks 5 and 6 of 14 lie at .21 and .28 of all rounds: who was seen at the sixth may have been
    there right after the fifth. Look 7 lies later than that."""
    from gan_lessons.map import scores
    assert advice.LOOKS == scores.LOOKS
    seen = lambda name, look: made(name, [40, 41, 42], cpu_seconds=80.,
                                   seconds_to_100=80 * (look / 14) ** 1.5)
    rows = seen("minimax GAN", 5) + seen("hinge", 6) + seen("WGAN", 7)
    one = next(one for one in choices(rows) if "few CPU-seconds" in one.question)
    assert one.take == ["minimax GAN", "hinge"]
    assert "told apart from WGAN" in one.evidence


def test_every_question_is_of_a_measure_that_rows_have():
    assert {one.measure for one in QUESTIONS} <= {"frechet", "seconds_to_100"}
    assert {one.track for one in QUESTIONS} == {"own", "common"}
    rows = [{"objective": name, "family": one.family} for name, one in OBJECTIVES.items()]
    for one in QUESTIONS:
        assert any(map(one.among, rows)), one.question


def test_advice_needs_no_torch():
    text = open(advice.__file__, encoding="utf-8").read()
    assert not re.search(r"^(import|from) torch", text, re.M) and np.isfinite(by_luck(5))


def test_the_common_table_has_every_objective_once():
    named = [name for row in ROWS for name in row.names]
    assert len(named) == len(set(named)) and set(named) <= set(OBJECTIVES)
    # an objective of a later lesson than the map shows what it measures
    assert {name for name, one in OBJECTIVES.items() if one.lesson < "20_map"} <= set(named)
    lines = common_table().data.splitlines()
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 6 for line in lines)
    lessons = re.findall(r"^\| \[(\d\d)\]", "\n".join(lines), re.M)
    assert lessons == sorted(lessons) and len(lessons) == len(lines) - 2


def test_an_objective_without_a_row_shows_what_it_measures(monkeypatch):
    one = OBJECTIVES["VAE"]._replace(name="yours", measures="what it measures")
    monkeypatch.setitem(OBJECTIVES, "yours", one)
    assert "| yours |  | what it measures |  |" in common_table().data
