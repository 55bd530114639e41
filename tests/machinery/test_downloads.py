"""Downloads that break off, are damaged, are refused or never start: with a server of our own."""

import gzip
import hashlib
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mirror import DATA, HASH

from gan_lessons import DataUnavailable, load_images
from gan_lessons.data import datasets, downloads
from gan_lessons.data.downloads import fetch

FETCH = ("import sys; from pathlib import Path; from gan_lessons.data.downloads import fetch\n"
         "fetch('a.gz', sys.argv[1], [sys.argv[2]], Path(sys.argv[3]))")


def whole(folder):
    """Files that could be taken for data."""
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))


def test_a_file_is_fetched_once(serve, tmp_path):
    server = serve({"a.gz": DATA})
    for _ in range(2):
        assert fetch("a.gz", HASH, [server.url], tmp_path).read_bytes() == DATA
    assert server.asked == [("a.gz", None)] and whole(tmp_path) == ["a.gz"]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("breaks", [[70_000], [70_000, 110_000, 1]])
def test_a_broken_transfer_is_resumed(serve, tmp_path, breaks):
    server = serve({"a.gz": DATA}, breaks)
    assert fetch("a.gz", HASH, [server.url], tmp_path).read_bytes() == DATA
    starts = [int((wanted or "bytes=0-")[6:-1]) for _, wanted in server.asked]
    assert starts[0] == 0 and len(starts) == 1 + len(breaks)
    for start, before, length in zip(starts[1:], starts, breaks):  # at most one chunk is lost
        assert before + length - 8192 <= start <= before + length
    assert os.listdir(tmp_path) == ["a.gz"]


def test_it_is_resumed_later_and_from_another_mirror(serve, tmp_path):
    first = serve({"a.gz": DATA}, [90_000, 0, 0])
    with pytest.raises(DataUnavailable, match="a.gz could not .* 127.0.0.1: the transfer broke"):
        fetch("a.gz", HASH, [first.url], tmp_path)
    assert whole(tmp_path) == []
    second = serve({"a.gz": DATA})
    assert fetch("a.gz", HASH, [second.url], tmp_path).read_bytes() == DATA
    (wanted,) = (int(wanted[6:-1]) for _, wanted in second.asked)
    assert 80_000 < wanted <= 90_000


def test_a_server_that_cannot_resume_starts_again(serve, tmp_path):
    server = serve({"a.gz": DATA}, [70_000], ranges=False)
    assert fetch("a.gz", HASH, [server.url], tmp_path).read_bytes() == DATA


def test_pieces_that_do_not_fit_together_are_thrown_away(serve, tmp_path):
    (tmp_path / ".a.gz.left.part").write_bytes(b"something else" * 1000)
    server = serve({"a.gz": DATA})
    assert fetch("a.gz", HASH, [server.url], tmp_path).read_bytes() == DATA
    assert [r for _, r in server.asked] == ["bytes=14000-", None]
    (tmp_path / "a.gz").unlink()
    (tmp_path / ".a.gz.left.part").write_bytes(bytes(len(DATA) + 5))  # longer than the file
    assert fetch("a.gz", HASH, [server.url], tmp_path).read_bytes() == DATA


def test_a_corrupt_file_is_refused_and_the_next_mirror_taken(serve, tmp_path):
    bad, good = serve({"a.gz": DATA[:-1] + b"!"}), serve({"a.gz": DATA})
    with pytest.raises(DataUnavailable, match="a.gz.*127.0.0.1: the checksum is wrong"):
        fetch("a.gz", HASH, [bad.url], tmp_path)
    assert list(tmp_path.iterdir()) == [] and len(bad.asked) == 1
    assert fetch("a.gz", HASH, [bad.url, good.url], tmp_path).read_bytes() == DATA


def test_a_missing_file_is_looked_for_at_the_next_mirror(serve, tmp_path):
    empty, good = serve({}), serve({"a.gz": DATA})
    assert fetch("a.gz", HASH, [empty.url, good.url], tmp_path).read_bytes() == DATA
    with pytest.raises(DataUnavailable, match="HTTP status 404"):
        fetch("b.gz", HASH, [empty.url, good.url], tmp_path)


def test_a_damaged_file_in_the_cache_is_fetched_again(serve, tmp_path):
    (tmp_path / "a.gz").write_bytes(DATA[:1000])
    server = serve({"a.gz": DATA})
    assert fetch("a.gz", HASH, [server.url], tmp_path).read_bytes() == DATA


def test_two_at_once_do_not_disturb_each_other(serve, tmp_path):
    server, target = serve({"a.gz": DATA}, wait=0.02), tmp_path / "a.gz"
    root = Path(downloads.__file__).parents[2]
    both = [subprocess.Popen([sys.executable, "-c", FETCH, HASH, server.url, str(tmp_path)],
                             cwd=root, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(30) for process in both] == [0, 0]
    assert target.read_bytes() == DATA and os.listdir(tmp_path) == ["a.gz"]


def test_a_killed_download_leaves_nothing_that_looks_like_data(serve, tmp_path):
    server = serve({"a.gz": DATA}, wait=0.3)
    process = subprocess.Popen([sys.executable, "-c", FETCH, HASH, server.url, str(tmp_path)],
                               cwd=Path(downloads.__file__).parents[2], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not any(p.stat().st_size for p in tmp_path.glob(".a.gz.*.part")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    (piece,) = tmp_path.glob(".a.gz.*.part")
    assert 0 < piece.stat().st_size < len(DATA)
    assert [name for name in whole(tmp_path) if name == "a.gz"] == []
    have = piece.stat().st_size
    os.utime(piece, (1, 1))  # as if a while ago: its writer is gone, and it is gone on from
    server.wait = 0.0
    assert fetch("a.gz", HASH, [server.url], tmp_path).read_bytes() == DATA
    assert server.asked[-1] == ("a.gz", f"bytes={have}-") and not list(tmp_path.glob("*.part"))


def test_no_network_answers_fast_and_only_once(monkeypatch, tmp_path):
    monkeypatch.delenv("GAN_LESSONS_OFFLINE", raising=False)
    monkeypatch.setattr(downloads, "_silent", {})
    monkeypatch.setattr(downloads, "CONNECT", 0.3)
    asked = []

    def hangs(host, **_):
        asked.append(host)
        time.sleep(5)

    monkeypatch.setattr("requests.head", hangs)
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(DataUnavailable, match="no mirror answers"):
            fetch("a.gz", HASH, ["http://one.invalid/x/", "http://two.invalid/"], tmp_path)
    assert time.monotonic() - began < 1.5
    assert sorted(asked) == ["http://one.invalid/", "http://two.invalid/"]


def test_downloads_can_be_forbidden(serve, tmp_path, monkeypatch):
    server = serve({"a.gz": DATA})
    monkeypatch.setenv("GAN_LESSONS_OFFLINE", "1")
    with pytest.raises(DataUnavailable, match="GAN_LESSONS_OFFLINE"):
        fetch("a.gz", HASH, [server.url], tmp_path)
    assert server.asked == []
    (tmp_path / "a.gz").write_bytes(DATA)
    assert fetch("a.gz", HASH, [server.url], tmp_path).read_bytes() == DATA


def test_a_cache_that_cannot_be_written_says_what_to_do(serve, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataUnavailable, match="set GAN_LESSONS_CACHE"):
        fetch("a.gz", HASH, [serve({"a.gz": DATA}).url], tmp_path / "file" / "cache")


@pytest.mark.parametrize("split, head", [("train", "train"), ("test", "t10k")])
def test_a_whole_set_comes_over_the_network_and_stays(serve, tmp_path, monkeypatch, split, head):
    x = np.random.default_rng(1).integers(0, 256, (4, 28, 28), np.uint8)
    y = np.array([7, 0, 9, 2], np.uint8)
    shape = b"\0\0\0\4\0\0\0\x1c\0\0\0\x1c"
    files = {f"{head}-images-idx3-ubyte.gz": b"\0\0\x08\3" + shape + x.tobytes(),
             f"{head}-labels-idx1-ubyte.gz": b"\0\0\x08\1\0\0\0\4" + y.tobytes()}
    files = {name: gzip.compress(data) for name, data in files.items()}
    server = serve(files, breaks=[99])
    source = replace(datasets.SOURCES["mnist"], mirrors=(server.url,),
                     md5={name: hashlib.md5(data).hexdigest() for name, data in files.items()})
    monkeypatch.setitem(datasets.SOURCES, "mnist", source)
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path))
    found = load_images(split=split)
    assert found.name == "mnist" and np.array_equal(found.images[:, 0], x)
    assert found.labels.tolist() == [7, 0, 9, 2]
    count = len(server.asked)
    monkeypatch.setenv("GAN_LESSONS_OFFLINE", "1")
    assert np.array_equal(load_images("mnist", split).images[:, 0], x)
    assert len(server.asked) == count
