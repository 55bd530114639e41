"""Lesson 00's pictures: the game as boxes and arrows, and the least cross-entropy at D = 1/2."""
import numpy as np
import pytest
from helpers import title_of

from gan_lessons import plots
from gan_lessons.explorers import start_here as explorers
from gan_lessons.questions.start_here import QUESTIONS


@pytest.mark.parametrize("D", [.05, .3, .5, .91])
def test_the_cost_of_one_answer_for_everything(D):
    """The sum is 2 log 2 plus twice the KL divergence of (½, ½) from (D, 1 - D)."""
    said = title_of(explorers.constant_answer(), D=D)
    real, fake, both = (float(word)
                        for word in said.split("(")[0].replace("+", " ").replace("=", " ").split()
                        if word.replace(".", "").isdigit())
    kl = .5 * np.log(.5 / D) + .5 * np.log(.5 / (1 - D))
    assert both == pytest.approx(2 * np.log(2) + 2 * kl, abs=6e-4)
    assert real + fake == pytest.approx(both, abs=2e-3)
    assert real == pytest.approx(-np.log(D), abs=6e-4)
    assert "(2 log 2 = 1.386)" in said


def test_the_game_as_a_picture_names_every_part():
    figure, ax = plots.figure()
    explorers.game_picture(ax)
    assert {"noise $z$", "generator $g$", "fakes $g(z)$", "real $x$", "critic $f$",
            "losses $L_f$, $L_g$", "gradient of $L_f$", "gradient of $L_g$"} <= {
        text.get_text().replace("\n", " ") for text in ax.texts}


def test_the_best_constant_answer_is_the_share_of_real_samples():
    assert QUESTIONS["00 quarter"][0]() == pytest.approx(3 / 4, abs=1e-6)
