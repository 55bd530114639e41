"""What a study refuses before its first run, and what it survives in the middle."""
import asyncio
import errno
import itertools
import json
import math
import os
from functools import partial

import numpy as np
import pytest

from gan_lessons.data.files import Unwritable
from gan_lessons.map import arena, journal
from gan_lessons.map.study import combinations, depends, load, study

GRID = {"name": ["gan", "wgan"], "seed": [0, 1]}


def score(name, seed):
    return {"distance": len(name) + seed / 7}


def never(name, seed):
    pytest.fail("a run began")


def play(path, run=score, settings=GRID, **how):
    return study(run, settings, path, **dict(processes=1, watch=False) | how)


# -- before the first run ----------------------------------------------------------------------

def folder_at(path):
    path.mkdir()
    return path


PLACES = {
    "a folder": (lambda at: at, "is a folder: name a file in it, as .*arena.csv"),
    "a folder to be": (lambda at: f"{at}/new/", "is a folder"),
    "the journal is a folder": (lambda at: folder_at(at / "a.csv.runs").with_suffix(""),
                                "a.csv.runs is a folder"),
    "the lock is a folder": (lambda at: folder_at(at / "a.csv.lock").with_suffix(""),
                             "a.csv.lock is a folder"),
    "the odd lines are a folder": (
        lambda at: folder_at(at / "a.csv.runs.odd").with_suffix("").with_suffix(""),
        "a.csv.runs.odd is a folder"),
    "the void": (lambda at: os.devnull, "is a device or a pipe, no file: choose another path"),
    "a pipe": (lambda at: at / "pipe", "is a device or a pipe"),
    "under a file": (lambda at: at / "file" / "a.csv", "is a file, no folder"),
    "a long name": (lambda at: at / ("a" * 253), "choose a shorter name"),
    "no folder of mine": (lambda at: at / "theirs" / "a.csv", "choose a folder that you may write"),
    "a protected file": (lambda at: at / "protected.csv", "is write-protected"),
    "a protected journal": (lambda at: at / "half.csv", "half.csv.runs is write-protected"),
    "a reader's table": (lambda at: at / "mine.csv", "is there and is no table of a study: choose"),
    "a reader's picture": (lambda at: at / "mine.png", "is no table of a study"),
    "nothing": (lambda at: "", "names no file"), "a number": (lambda at: 3, "path of a file"),
    "None": (lambda at: None, "path is the path of a file, as 'arena.csv', not None"),
    "bytes": (lambda at: b"a.csv", "path of a file"), "a zero": (lambda at: "a\0", "names no file"),
}


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("fresh", [False, True])
def test_an_output_that_cannot_be_written_is_refused_before_the_first_run(tmp_path, kind, fresh,
                                                                          nobody):
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "theirs").mkdir(mode=0o555)
    for name in ("protected.csv", "half.csv.runs"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o444)
    (tmp_path / "mine.csv").write_text("name,grade\nme,1\n")
    (tmp_path / "mine.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    where, says = PLACES[kind]
    with nobody(tmp_path), pytest.raises((OSError, TypeError, ValueError), match=says):
        play(where(tmp_path), never, fresh=fresh)
    assert (tmp_path / "mine.csv").read_text() == "name,grade\nme,1\n"


CALLS = {
    "no function": (dict(run="score"), TypeError, "plays a function of its settings, not 'score'"),
    "a result": (dict(run=3), TypeError, "plays a function"),
    "a setting too many": (dict(settings={**GRID, "lr": [1.]}), TypeError,
                           r"score\(name, seed\) cannot be called with name, seed, lr: .*'lr'"),
    "a setting less": (dict(settings={"name": ["gan"]}), TypeError, "missing .*'seed'"),
    "aside too many": (dict(aside={"folder": "x"}), TypeError, "cannot be called with .*folder"),
    "aside and setting": (dict(aside={"seed": 3}), ValueError, "seed of aside are settings"),
    "no processes": (dict(processes=0), ValueError, "processes=0: a whole number, 1 or more"),
    "half a process": (dict(processes=1.5), ValueError, "processes=1.5"),
    "minus one": (dict(processes=-1), ValueError, "processes=-1"),
    "true": (dict(processes=True), ValueError, "processes=True"),
    "a word": (dict(processes="all"), ValueError, "processes='all'"),
    "stale": (dict(stale="mix"), ValueError, 'choose "refuse" or "again"'),
    "fresh": (dict(fresh="no"), ValueError, "fresh='no': True to forget .* or False"),
    "fresh by a number": (dict(fresh=1), ValueError, "fresh=1"),
    "no settings": (dict(settings=[]), ValueError, "no combination"),
    "None": (dict(settings=None), TypeError, "settings are {name: values}, or a list of dict"),
    "a text": (dict(settings="seed"), TypeError, "settings are"),
    "numbers": (dict(settings=[1, 2]), TypeError, "settings are"),
    "the key": (dict(settings={**GRID, "key": [1]}), ValueError, "'key' is no name for a setting"),
    "an error": (dict(settings={"error": [1]}), ValueError, "'error' is no name for a setting"),
    "seconds": (dict(settings={"seconds": [1]}), ValueError, "'seconds' is no name"),
    "a number": (dict(settings={3: [1]}), ValueError, "3 is no name for a setting"),
    "a dictionary": (dict(settings={"seed": {"a": 1}}), TypeError, "are numbers and words"),
    "bytes": (dict(settings={"seed": b"ab"}), TypeError, "are numbers and words"),
    "an array in a list": (dict(settings={"seed": [np.zeros(2)]}), TypeError, "are numbers and"),
    "an endless list": (dict(settings={"name": "a", "seed": itertools.count()}), ValueError,
                        "more than 1,000,000 combinations"),
    "too many": (dict(settings={"name": "a", "seed": range(10 ** 9)}), ValueError, "more than 1,0"),
    "too many together": (dict(settings={"name": range(2000), "seed": range(2000)}), ValueError,
                          "more than 1,000,000 combinations"),
    "an endless list of settings": (dict(settings=({"name": "a", "seed": i}
                                                   for i in itertools.count())), ValueError,
                                    "more than 1,000,000 combinations"),
    "too long a number": (dict(settings={"name": "a", "seed": [10 ** 5000]}), ValueError,
                          "seed is a number of more than 300 digits"),
    "1 and 1.0": (dict(settings={"name": "a", "seed": [1, 1.0]}), ValueError, "stands twice"),
    "twice": (dict(settings={"name": ["a", "a"], "seed": 1}), ValueError, "stands twice"),
    "not a number, twice": (dict(settings={"name": "a", "seed": [np.nan, float("nan")]}),
                            ValueError, "stands twice"),
}


@pytest.mark.parametrize("kind", CALLS)
def test_a_study_that_cannot_be_played_is_refused_at_once(tmp_path, kind):
    how, error, says = CALLS[kind]
    with pytest.raises(error, match=says):
        play(tmp_path / "a.csv", **how)
    assert not (tmp_path / "a.csv").exists()


def test_numpys_numbers_are_settings(tmp_path):
    assert combinations({"a": np.arange(2), "b": np.float64(.5), "c": np.array(3)}) == [
        {"a": 0, "b": .5, "c": 3}, {"a": 1, "b": .5, "c": 3}]
    assert len(play(tmp_path / "a.csv", settings={"name": ["gan"], "seed": np.arange(3)})) == 3


# -- odd lines ---------------------------------------------------------------------------------

def changed(**values):
    return lambda line: json.dumps({**json.loads(line), **values}).encode()


def less(name):
    def without(line):
        row = json.loads(line)
        del row[name]
        return json.dumps(row).encode()
    return without


ODD = {
    "a word": lambda line: b"hello", "a number": lambda line: b"3",
    "a list": lambda line: b"[1, 2]", "nothing": lambda line: b"null",
    "an empty row": lambda line: b"{}",
    "no text": lambda line: b"\xff\xfe\x00", "zeros": lambda line: bytes(300),
    "half a line": lambda line: line[:40], "two in one": lambda line: line + line,
    "deep": lambda line: b"[" * 100_000, "no key": less("key"),
    "a key of numbers": changed(key=3), "a key of lists": changed(key=[1]),
    "another key": changed(key="0" * 16), "a setting changed by hand": changed(seed=7),
    "a setting less": less("seed"), "settings of numbers": changed(settings=[1]),
    "settings None": changed(settings=None), "a fingerprint of lists": changed(fingerprint=["a"]),
    "an error of numbers": changed(error=3), "a result that is a list": changed(distance=[1.]),
    "a number changed by hand": changed(distance=9.5), "a nan by hand": changed(distance=math.nan),
    "a number less": less("distance"), "a number more": changed(recall=1.0),
    "a time changed": changed(finished="2020-01-01T00:00:00Z"), "no checksum": less("checksum"),
    "another's checksum": changed(checksum="0" * 16),
    "an error by hand": changed(error="ValueError: no"),
    "a half character": lambda line: b'{"key": "\xc3"}',
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_line_is_named_and_kept_aside_and_its_run_played_again(tmp_path, kind, capsys):
    path, runs = tmp_path / "a.csv", tmp_path / "a.csv.runs"
    before = play(path)
    lines = runs.read_bytes().splitlines()
    odd = lines[2] = ODD[kind](lines[2])
    runs.write_bytes(b"\n".join(lines) + b"\n")
    again = play(path)
    assert f"{runs}: no results in line 3; kept aside in {runs}.odd" in capsys.readouterr().out
    assert (tmp_path / "a.csv.runs.odd").read_bytes() == odd + b"\n"
    assert [row["distance"] for row in again] == [row["distance"] for row in before]
    assert [again[0], *again[2:]] == [before[0], *before[2:]]       # these were not played again
    assert play(path) == again and capsys.readouterr().out == ""


def test_a_row_that_stands_twice_counts_once_and_what_was_put_in_beside_it_is_kept_aside(tmp_path):
    path, runs = tmp_path / "a.csv", tmp_path / "a.csv.runs"
    before = play(path)
    lines = runs.read_bytes().splitlines()
    forged = changed(distance=-1.)(lines[1])
    runs.write_bytes(b"\n".join([*lines, lines[1], forged]) + b"\n")
    assert play(path) == before
    assert (tmp_path / "a.csv.runs.odd").read_bytes() == forged + b"\n"
    assert len(runs.read_bytes().splitlines()) == 5


def test_a_journal_of_before_there_were_checksums_goes_on(tmp_path):
    path, runs = tmp_path / "a.csv", tmp_path / "a.csv.runs"
    before = play(path)
    head, *rows = runs.read_bytes().splitlines()
    runs.write_bytes(b"\n".join([less("checksums")(head), *map(less("checksum"), rows)]) + b"\n")
    assert play(path, settings={**GRID, "seed": [0, 1, 2]})[:2] == before[:2]
    assert all(b"checksum" in line for line in runs.read_bytes().splitlines())


HEADS = {"a word": b"hello", "a list": b"[]", "no study": b'{"code": "a"}', "no text": b"\xff\xfe",
         "a row": b'{"key": "a", "seed": 1}', "a study of numbers": b'{"study": 3}',
         "parts that are none": b'{"study": "score", "parts": 3}',
         "numbers beyond": b'{"study": "score", "parts": [], "fingerprints": {"a": [5]}}',
         "a reader's notes": "Läufe vom Montag".encode()}


@pytest.mark.parametrize("kind", HEADS)
def test_a_file_that_is_no_journal_is_refused_and_untouched(tmp_path, kind):
    path, runs = tmp_path / "a.csv", tmp_path / "a.csv.runs"
    runs.write_bytes(HEADS[kind] + b"\nmore\n")
    with pytest.raises(ValueError, match="line 1 of .*a.csv.runs is no head of a study's journal: "
                                         "choose another path, or fresh=True to forget it"):
        play(path, never)
    assert runs.read_bytes() == HEADS[kind] + b"\nmore\n"
    assert len(play(path, fresh=True)) == 4


@pytest.mark.parametrize("text", [b"", b"\n", b"\n\n"])
def test_an_empty_journal_is_a_new_one(tmp_path, text):
    (tmp_path / "a.csv.runs").write_bytes(text)
    assert len(play(tmp_path / "a.csv")) == 4


# -- in the middle -----------------------------------------------------------------------------

class Mute(Exception):
    def __str__(self):
        raise OSError("no words")


class Own(BaseException):
    pass


def ends(with_what, name, seed):
    if (name, seed) == ("gan", 1):
        raise with_what
    return score(name, seed)


ENDS = {"SystemExit": (SystemExit(3), "SystemExit: 3"), "exit": (SystemExit(), "SystemExit: "),
        "an end of one's own": (Own("x"), "Own: x"), "no words": (Mute(), "Mute"),
        "cancelled": (asyncio.CancelledError("c"), "CancelledError: c"),
        "out of memory": (MemoryError("m"), "MemoryError: m"),
        "half a character": (ValueError("\udcff"), "ValueError: "),
        "lines": (ValueError('a\n"b",c'), 'ValueError: a\n"b",c')}


@pytest.mark.parametrize("kind", ENDS)
def test_whatever_ends_a_run_ends_no_study(tmp_path, kind):
    what, says = ENDS[kind]
    rows = play(tmp_path / "a.csv", partial(ends, what))
    assert ["error" in row for row in rows] == [False, True, False, False]
    assert rows[1]["error"].startswith(says)
    assert load(tmp_path / "a.csv")[1]["error"].startswith(says)
    assert len(play(tmp_path / "a.csv", partial(ends, what))) == 4          # and can be read again


@pytest.mark.parametrize("result, says", [
    ({"seconds": "fast"}, "seconds of the result are 'fast', and must be a number"),
    ({"seconds": None}, "must be a number"), ({"key": 1}, "rename"), ({"settings": 1}, "rename"),
    ({3: 1}, "3 of the result is no name"), ({"x": 10 ** 5000}, "ValueError"), (None, "TypeError"),
    ({"x": np.float32(1)}, "plain numbers"),
])
def test_a_result_that_no_file_can_hold_is_an_error_of_its_run(tmp_path, result, says):
    row, = play(tmp_path / "a.csv", lambda seed: result, {"seed": [0]})
    assert says in row["error"]


def test_ctrl_c_still_ends_the_study_and_keeps_what_is_done(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        play(tmp_path / "a.csv", partial(ends, KeyboardInterrupt()))
    assert len(load(tmp_path / "a.csv")) == 1


class Full:
    """A journal on a disk that is full after some bytes."""

    def __init__(self, file, left):
        self.file, self.left = file, left

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, data):
        written = self.file.write(data[:self.left])
        self.left -= written
        if not written:
            raise OSError(errno.ENOSPC, "No space left on device")
        return written


@pytest.mark.parametrize("room", [0, 400, 700])
def test_a_disk_that_fills_up_is_told_and_loses_no_result(tmp_path, monkeypatch, room):
    path, known = tmp_path / "a.csv", journal.Journal.open

    def opened(self):
        known(self)
        self.file = Full(self.file, room)
    monkeypatch.setattr(journal.Journal, "open", opened)
    with pytest.raises(Unwritable, match="a.csv.runs cannot be written .No space left on device.: "
                                         r"free some disk space.*; \d results are kept, and the"):
        play(path)
    monkeypatch.undo()
    kept = len((tmp_path / "a.csv.runs").read_text().splitlines()) - 1
    assert kept == len(load(path)) == room // 300
    assert len(play(path)) == 4 and not (tmp_path / "a.csv.runs.odd").exists()


def test_a_smaller_study_takes_no_rows_out_of_the_file(tmp_path):
    path = tmp_path / "a.csv"
    whole = play(path)
    part = play(path, settings={"name": ["wgan"], "seed": [1]})
    assert part == whole[3:]
    assert {(row["name"], row["seed"]) for row in load(path)} == {
        (name, seed) for name in ("gan", "wgan") for seed in (0, 1)}
    assert not [name for name in os.listdir(tmp_path) if "part" in name]


def test_a_table_with_half_a_character_can_be_written(tmp_path):
    play(tmp_path / "a.csv", lambda name: {"x": name}, {"name": ["\udcff"]})
    assert load(tmp_path / "a.csv")[0]["x"] == r"\udcff"


@pytest.mark.parametrize("text, says", [
    (b"\xff\xfe\x00", "no table of a study"), (b"a,b\n1\n", "not the same length"),
    (b"a,b\n1,2,3\n", "not the same length"), (b"a;b\n1;2\n", "semicolons; save it with commas"),
    (b"a,a\n1,2\n", "a column stands twice")])
def test_what_is_no_table_is_refused_by_load(tmp_path, text, says):
    (tmp_path / "a.csv").write_bytes(text)
    with pytest.raises(ValueError, match=says):
        load(tmp_path / "a.csv")


WORDS = ["1e5", "true", "null", "nan", "-inf", "[1]", '"a"', " 1 ", "", "NaN", "a", "007"]


def test_words_stay_words_and_numbers_numbers(tmp_path):
    play(tmp_path / "a.csv", lambda word: {"x": word, "y": 1}, {"word": WORDS})
    rows = load(tmp_path / "a.csv")
    assert [row["word"] for row in rows] == [row["x"] for row in rows] == WORDS
    (tmp_path / "b.csv").write_bytes(b"\xef\xbb\xbfa,b\n1,[1]\n")
    assert load(tmp_path / "b.csv") == [{"a": 1, "b": "[1]"}]


class Scored:
    def __init__(self, k):
        self.k = k

    def __call__(self, name, seed):
        return {"x": self.k}


@pytest.mark.parametrize("run", [Scored, lambda k: Scored(k).__call__,
                                 lambda k: partial(ends, k)])
def test_what_a_run_is_given_is_named_where_it_changed(tmp_path, run):
    play(tmp_path / "a.csv", run(1))
    with pytest.raises(ValueError, match=r"Changed: the function itself or what it is given"):
        play(tmp_path / "a.csv", run(2))


def test_a_relative_path_stays_where_it_was(tmp_path, monkeypatch):
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path)
    play("a.csv", lambda name, seed: os.chdir(tmp_path / "else") or score(name, seed))
    assert len(load(tmp_path / "a.csv")) == 4 and not os.listdir(tmp_path / "else")


# -- the arena ---------------------------------------------------------------------------------

COMMANDS = {
    "a folder": (["--out", "{at}"], "is a folder: name a file in it"),
    "under a file": (["--out", "{at}/file/a.csv"], "name another place"),
    "the void": (["--out", os.devnull], "is a device or a pipe"),
    "a reader's file": (["--out", "{at}/mine.csv"], "no table of a study: choose another file"),
    "no seeds": (["--seeds", "0"], "seeds=[]: one whole number or more"),
    "a seed below": (["--seed", "-1"], "none below 0"),
    "no steps": (["--steps", "0"], "steps=0: a whole number of generator updates"),
    "no processes": (["--processes", "0"], "processes=0"),
    "pictures in a file": (["--keep", "{at}/file"], "name another place"),
    "pictures in the void": (["--keep", os.devnull], "name another place"),
}


@pytest.mark.parametrize("kind", COMMANDS)
def test_the_arena_refuses_before_anybody_plays(tmp_path, kind, capsys, monkeypatch):
    (tmp_path / "file").write_text("")
    (tmp_path / "mine.csv").write_text("name,grade\n")
    monkeypatch.setattr(arena, "contest", never)
    words, says = COMMANDS[kind]
    words = [word.format(at=tmp_path) for word in words]
    known = [] if "--out" in words else ["--out", str(tmp_path / "a.csv")]
    steps = [] if "--steps" in words else ["--steps", "1"]
    assert arena.main(["toys", "--data", "ring", "--only", "noise", *known, *steps, *words]) == 1
    said = capsys.readouterr().err
    assert said.startswith("arena: ") and says in said and said.count("\n") == 1


def test_the_folder_of_sheets_is_beside_the_table_and_must_be_free(tmp_path, capsys, monkeypatch):
    (tmp_path / "a").write_text("")
    monkeypatch.setattr(arena, "contest", never)
    words = ["mnist", "--only", "VAE", "--track", "own", "--seed", "1", "--steps", "1"]
    assert arena.main([*words, "--out", str(tmp_path / "a.csv")]) == 1
    said = capsys.readouterr().err
    assert str(tmp_path / "a") in said and "name another place" in said
    assert not (tmp_path / "a.csv").exists()


def test_an_exception_that_was_raised_is_still_the_same(tmp_path):
    """Whoever imports Dask has tracebacks in what pickle sees of an exception."""
    from tblib import pickling_support
    what = ValueError("v")
    pickling_support.install(ValueError)
    try:
        rows = play(tmp_path / "a.csv", partial(ends, what))
    finally:
        import copyreg
        copyreg.dispatch_table.pop(ValueError, None)
    assert ["error" in row for row in rows] == [False, True, False, False]


def test_words_with_a_zero_byte_are_read_again(tmp_path):
    def wordy(name, seed):
        return {"said": f"{name}\0{seed}"}
    rows = study(wordy, dict(name=["a"], seed=[1]), tmp_path / "w.csv", processes=1, watch=False)
    assert load(tmp_path / "w.csv")[0]["said"] == rows[0]["said"] == "a\0" + "1"


def test_what_rows_depend_on_is_a_function_of_their_settings():
    with pytest.raises(TypeError, match="depends takes a function of the settings.*not {'a': 1}"):
        depends({"a": 1})
