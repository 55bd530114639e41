"""The command `long`: which runs are meant, how many at a time, and how it ends."""
import subprocess
import sys

import long_runs as tool
import pytest

from gan_lessons.map.long_runs import LONG
from lessons import Stop


@pytest.mark.parametrize("wanted, found", [
    ([], list(LONG)), (["07"], [n for n in LONG if n.startswith("07")]),
    (["1"], ["01 non-saturating"]),
    (["07 WGAN-GP", "7"], ["07 WGAN-GP", "07 hinge", "07 WGAN-LP", "07 hinge, photographs"])])
def test_runs_are_chosen_by_lesson_or_by_name(wanted, found):
    assert tool.chosen(wanted, LONG) == found


@pytest.mark.parametrize("word", ["99", "07 nonsense", "", "../07"])
def test_an_unknown_run_lists_the_known(word):
    with pytest.raises(Stop, match="no long run.*07 WGAN-GP"):
        tool.chosen([word], LONG)


@pytest.mark.parametrize("code", [0, 1])
def test_runs_are_processes_and_one_that_fails_is_told(monkeypatch, tmp_path, capfd, code):
    monkeypatch.setattr(tool, "LOOK", .01)
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path))
    going = []

    def start(name, again, out):
        going.append(name)
        return subprocess.Popen([sys.executable, "-S", "-c", f"print('end of {name}'); "
                                 f"raise SystemExit({code})"], stdout=subprocess.PIPE, text=True)
    monkeypatch.setattr(tool, "_start", start)
    assert tool.main(["07"], 2, False, tmp_path) == code
    assert going == tool.chosen(["07"], LONG)
    said = "".join(capfd.readouterr())
    assert all(f"end of {name}" in said for name in going)


def test_the_process_of_one_run_says_in_one_line_why_it_ended(tmp_path):
    done = subprocess.run([sys.executable, tool.__file__, "07 nonsense", str(tmp_path)],
                          capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 1 and "no long run" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
