"""Files that are written whole or not at all."""
import os
import threading

import pytest

from gan_lessons.data.files import atomic_write


def write(path, *parts):
    with atomic_write(path) as file:
        for part in parts:
            file.write(part)


def test_a_file_is_there_when_the_block_has_ended_and_not_before(tmp_path):
    path = tmp_path / "deep" / "er" / "a.bin"
    with atomic_write(path) as file:
        file.write(b"one")
        assert not path.exists() and len(os.listdir(path.parent)) == 1
    assert path.read_bytes() == b"one" and os.listdir(path.parent) == ["a.bin"]
    with atomic_write(str(path)) as file:
        file.write(b"two\n")
        file.flush()
        assert path.read_bytes() == b"one"
    assert path.read_bytes() == b"two\n" and os.listdir(path.parent) == ["a.bin"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("old", [b"old", None])
def test_an_error_leaves_what_was_there_and_nothing_else(tmp_path, old, error):
    path = tmp_path / "a.bin"
    if old is not None:
        path.write_bytes(old)
    with pytest.raises(error), atomic_write(path) as file:
        file.write(b"half of ")
        raise error
    assert os.listdir(tmp_path) == ["a.bin"] * (old is not None)
    assert old is None or path.read_bytes() == old


def test_the_contents_are_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    done, sync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append(os.fstat(handle).st_size),
                                                     sync(handle))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("renamed"), replace(a, b))[1])
    write(tmp_path / "a.bin", b"12345")
    assert done == [5, "renamed"]


def test_two_writers_of_one_file_do_not_write_into_each_others(tmp_path):
    path, both_open = tmp_path / "a.bin", threading.Barrier(2)

    def writer(letter):
        with atomic_write(path) as file:
            both_open.wait(20)
            for _ in range(100):
                file.write(letter)
                file.flush()
            both_open.wait(20)

    threads = [threading.Thread(target=writer, args=(letter,)) for letter in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in (b"a" * 100, b"b" * 100) and os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_the_file_has_the_permissions_that_the_umask_gives(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "a.bin", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a.bin").stat().st_mode & 0o777 == 0o640


def test_a_folder_that_cannot_be_made_is_an_oserror(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        write(tmp_path / "file" / "a.bin", b"")
