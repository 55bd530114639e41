"""Caches of downloads and classifiers: verified, of a known size, readable by others, and no error
without its remedy."""
import errno
import os

import pytest
import torch
from helpers import FullDisk
from mirror import DATA, HASH

from gan_lessons import DataUnavailable
from gan_lessons.data import datasets, downloads, files
from gan_lessons.data.downloads import fetch
from gan_lessons.data.files import atomic_write, claim, sweep, usable
from gan_lessons.measures import classifier

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX permissions and locks")


# -- downloads ---------------------------------------------------------------------------------

def endless(server, announced):
    """Every answer goes on until the other side has enough, whatever length it announces."""
    class Endless(server.RequestHandlerClass):
        def do_GET(self):
            self.send_response(200)
            if announced:
                self.send_header("Content-Length", announced)
            self.end_headers()
            while self.server.sent < 40_000_000:
                self.wfile.write(bytes(50_000))
                self.server.sent += 50_000
    server.RequestHandlerClass, server.sent = Endless, 0
    return server


@pytest.mark.parametrize("announced, says", [
    ("1000000000", "sends 1,000,000,000 bytes, and the file has at most 400,000"),
    (None, "sends more than 400,000 bytes"), ("many", "sends more than 400,000 bytes"),
])
def test_an_endless_answer_is_cut_and_the_next_mirror_asked(serve, tmp_path, announced, says):
    bad, good = endless(serve({}), announced), serve({"a.gz": DATA})
    with pytest.raises(DataUnavailable, match=f"a.gz could not be downloaded: 127.0.0.1: {says}"):
        fetch("a.gz", HASH, [bad.url], tmp_path, 400_000)
    assert os.listdir(tmp_path) == [] and bad.sent < 20_000_000
    assert fetch("a.gz", HASH, [bad.url, good.url], tmp_path, 400_000).read_bytes() == DATA
    assert os.listdir(tmp_path) == ["a.gz"]


def test_every_published_set_says_how_large_it_is(monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr(datasets, "fetch", lambda name, digest, mirrors, folder, most:
                        asked.setdefault(name, most) and tmp_path)
    known = {"train-images-idx3-ubyte.gz": 9_912_422, "cifar-10-binary.tar.gz": 170_052_171,
             "train_32x32.mat": 182_040_794}
    for name in ("mnist", "cifar10", "svhn"):
        with pytest.raises((OSError, DataUnavailable)):      # a folder is no data
            datasets._fetched(name, datasets.SOURCES[name], "train")
    assert all(size < asked[name] < 2 * size + 6_000_000 for name, size in known.items())


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS])
def test_a_full_cache_names_space_and_the_variable_and_asks_no_other_mirror(
        serve, tmp_path, monkeypatch, code):
    one, two = serve({"a.gz": DATA}), serve({"a.gz": DATA})
    monkeypatch.setattr(downloads, "new_part",
                        lambda part: FullDisk(files.new_part(part), 100_000, code))
    with pytest.raises(DataUnavailable, match=f"a.gz cannot be kept in .*{os.strerror(code)}.: free"
                                              " some disk space, or set GAN_LESSONS_CACHE to a fo"):
        fetch("a.gz", HASH, [one.url, two.url], tmp_path)
    assert not two.asked
    monkeypatch.undo()
    monkeypatch.delenv("GAN_LESSONS_OFFLINE", raising=False)
    assert fetch("a.gz", HASH, [two.url], tmp_path).read_bytes() == DATA
    assert two.asked[0][1].startswith("bytes=") and os.listdir(tmp_path) == ["a.gz"]    # it went on


def made(tmp_path, kind):
    path = tmp_path / "a.gz"
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "unreadable":
        path.write_bytes(DATA)
        path.chmod(0)
    elif kind == "protected":
        path.write_bytes(DATA[:-1])
        path.chmod(0o444)
    elif kind == "no folder":
        (tmp_path / "file").write_text("")
        return tmp_path / "file" / "cache"
    elif kind == "no folder of mine":
        (tmp_path / "theirs").mkdir(mode=0o555)
        return tmp_path / "theirs" / "cache"
    elif kind == "a long name":
        return tmp_path / ("a" * 300)
    elif kind == "a link in a circle":
        path.symlink_to("a.gz")
    return tmp_path


@posix
@pytest.mark.parametrize("kind, says", [
    ("a folder", "is a folder or a device, and should be a file: move it away, or set GAN_LESSONS"),
    ("a pipe", "is a folder or a device"),
    ("unreadable", "cannot be read .Permission denied.: ask its owner for permission, or set GAN_"),
    ("protected", "the cache cannot be written .*write-protected.*set GAN_LESSONS_CACHE"),
    ("no folder", "the cache cannot be written .*: set GAN_LESSONS_CACHE to a folder of yours"),
    ("no folder of mine", "the cache cannot be written .*that you may write to.*GAN_LESSONS_CACHE"),
    ("a long name", "(cannot be written|cannot be read) .*GAN_LESSONS_CACHE"),
    ("a link in a circle", "GAN_LESSONS_CACHE"),
])
def test_a_cache_that_cannot_be_used_names_the_variable(serve, tmp_path, kind, says, nobody):
    server = serve({"a.gz": DATA})
    folder = made(tmp_path, kind)
    with nobody(tmp_path), pytest.raises(DataUnavailable, match=says):
        fetch("a.gz", HASH, [server.url], folder)
    assert not server.asked


@posix
def test_what_was_fetched_can_be_read_by_others_and_read_where_nobody_may_write(
        serve, tmp_path, nobody):
    server, before = serve({"a.gz": DATA}), os.umask(0o022)
    try:
        path = fetch("a.gz", HASH, [server.url], tmp_path / "shared")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.parent.stat().st_mode & 0o777 == 0o755
    path.parent.chmod(0o555)
    path.chmod(0o444)
    with nobody(tmp_path):
        assert fetch("a.gz", HASH, [], path.parent) == path


@posix
def test_pieces_of_killed_transfers_go_and_those_of_living_ones_stay(serve, tmp_path):
    (tmp_path / ".a.gz.12345678.part").write_bytes(DATA[:1000])
    (tmp_path / ".a.gz.87654321.part").write_bytes(DATA[:3000])
    readers = [tmp_path / name for name in ("b.part", ".b.gz.12345678.part", "a.gz.part", "tmpabc")]
    for path in readers:
        path.write_bytes(b"mine")
    living = files.new_part(tmp_path / ".a.gz.aaaaaaaa.part")
    living.write(DATA[:200_000])
    living.flush()
    server = serve({"a.gz": DATA})
    assert fetch("a.gz", HASH, [server.url], tmp_path).read_bytes() == DATA
    assert server.asked == [("a.gz", "bytes=3000-")]          # from the largest that nobody writes
    assert sorted(p.name for p in tmp_path.glob(".a.gz*")) == [".a.gz.aaaaaaaa.part"]
    living.close()
    fetch("a.gz", HASH, [], tmp_path)
    assert not list(tmp_path.glob(".a.gz*")) and all(p.read_bytes() == b"mine" for p in readers)


# -- parts of files that are written whole -----------------------------------------------------

@posix
def test_a_part_of_a_killed_writer_is_removed_and_nothing_else(tmp_path):
    keep = ["run.pt.part", "run.pt.12345678.part", ".gan-lessons-1234.part", "tmp1234",
            ".gan-lessons-12345678.part.txt", "gan-lessons-12345678.part"]
    for name in [*keep, ".gan-lessons-12345678.part", ".gan-lessons-abcdef01.part"]:
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".gan-lessons-00000000.part").mkdir()
    (tmp_path / ".gan-lessons-00000001.part").symlink_to(tmp_path / "run.pt.part")
    with atomic_write(tmp_path / "one") as file:
        file.write(b"1")
        with atomic_write(tmp_path / "two") as other:        # does not sweep the first away
            other.write(b"2")
    assert (tmp_path / "one").read_bytes() == b"1" and (tmp_path / "two").read_bytes() == b"2"
    assert set(os.listdir(tmp_path)) == {*keep, "one", "two", ".gan-lessons-00000000.part",
                                         ".gan-lessons-00000001.part"}


@posix
def test_a_part_is_claimed_by_one_alone(tmp_path):
    path = tmp_path / ".gan-lessons-12345678.part"
    with files.new_part(path):
        assert claim(path) is None                           # its writer lives
    with claim(path) as first:
        assert first is not None and claim(path) is None
    path.chmod(0o400)
    assert claim(tmp_path / "none") is None and claim(tmp_path) is None
    sweep(tmp_path / "no folder")


@posix
def test_a_part_that_is_swept_before_it_is_locked_is_made_anew(tmp_path, monkeypatch):
    path, known, swept = tmp_path / "x.part", files._locked, []

    def swept_first(file):
        if not swept:
            swept.append(path.unlink())
        return known(file)
    monkeypatch.setattr(files, "_locked", swept_first)
    with files.new_part(path) as file:
        assert path.exists() and swept == [None]
        file.write(b"1")


def test_where_nothing_can_be_locked_nothing_is_swept(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")
    if files.fcntl:
        monkeypatch.setattr(files.fcntl, "flock", no_locks)
    (tmp_path / ".gan-lessons-12345678.part").write_bytes(b"x")
    with atomic_write(tmp_path / "a") as file:
        file.write(b"1")
    assert sorted(os.listdir(tmp_path)) == [".gan-lessons-12345678.part", "a"]


def test_without_locks_a_part_is_claimed_when_it_is_old(tmp_path, monkeypatch):
    """As on Windows."""
    monkeypatch.setattr(files, "fcntl", None)
    path = tmp_path / ".gan-lessons-12345678.part"
    path.write_bytes(b"x")
    assert claim(path) is None
    os.utime(path, (1, 1))
    with atomic_write(tmp_path / "a") as file:
        file.write(b"1")
    assert os.listdir(tmp_path) == ["a"]


def test_usable_makes_folders_and_leaves_nothing_in_them(tmp_path, monkeypatch):
    assert usable(tmp_path / "a" / "b" / "c.pt") == tmp_path / "a" / "b" / "c.pt"
    assert os.listdir(tmp_path / "a" / "b") == []
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert usable("~/c.pt") == tmp_path / "c.pt"


# -- the classifier ----------------------------------------------------------------------------

@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A set whose classifier is quickly made: `fit` gives the shipped one, and counts."""
    made, times = classifier.load(classifier.SHIPPED), []
    made.accuracy["svhn"] = .5
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path))
    monkeypatch.setattr(classifier, "fit", lambda names: times.append(names) or made)
    classifier.judge.cache_clear()
    yield times
    classifier.judge.cache_clear()


def kept(tmp_path):
    return tmp_path / "classifiers" / "svhn-v1.safetensors"


def flipped(data):
    data = bytearray(data)
    data[-1000] ^= 4
    return bytes(data)


@pytest.mark.parametrize("damage", [
    lambda data: data[:1000], lambda data: data[:-1], lambda data: b"", flipped,
    lambda data: b"hello" * 99, lambda data: bytes(len(data)), lambda data: data + b"x"])
def test_a_damaged_classifier_is_named_and_made_anew(tmp_path, trained, capsys, damage):
    first = classifier.judge("svhn")
    path = kept(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    classifier.judge.cache_clear()
    capsys.readouterr()
    again = classifier.judge("svhn")
    assert f"{path} is no classifier that can be read (" in capsys.readouterr().out
    assert len(trained) == 2 and again.anchors == first.anchors
    classifier.judge.cache_clear()
    found = classifier.judge("svhn")
    assert capsys.readouterr().out == "" and len(trained) == 2
    assert all(torch.equal(a, b) for a, b in zip(found.net.parameters(), first.net.parameters()))


@posix
@pytest.mark.parametrize("kind", ["a folder", "a pipe", "no folder", "unreadable"])
def test_a_classifier_that_cannot_be_kept_serves_all_the_same(tmp_path, trained, capsys, kind,
                                                              nobody):
    if kind == "no folder":
        (tmp_path / "classifiers").write_text("")
    else:
        (tmp_path / "classifiers").mkdir()
        {"a folder": lambda: kept(tmp_path).mkdir(), "a pipe": lambda: os.mkfifo(kept(tmp_path)),
         "unreadable": lambda: (kept(tmp_path).write_bytes(b""), kept(tmp_path).chmod(0)),
         }[kind]()
    with nobody(tmp_path):
        assert classifier.judge("svhn").accuracy["svhn"] == .5
    said = capsys.readouterr().out
    assert "cannot be kept for the next time (" in said
    assert "Free some disk space, or set GAN_LESSONS_CACHE to a folder of yours." in said


@posix
def test_a_classifier_can_be_read_by_others(tmp_path, trained):
    before = os.umask(0o022)
    try:
        classifier.judge("svhn")
    finally:
        os.umask(before)
    assert kept(tmp_path).stat().st_mode & 0o777 == 0o644


def test_a_classifier_of_before_there_were_checksums_is_taken(tmp_path, trained, capsys):
    kept(tmp_path).parent.mkdir()
    kept(tmp_path).write_bytes(classifier.SHIPPED.read_bytes())
    assert classifier.judge("svhn").accuracy and not trained and capsys.readouterr().out == ""
