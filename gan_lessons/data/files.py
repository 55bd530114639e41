"""Files that are written whole or not at all: checkpoints, weights, drawn sets, stored lessons."""
from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path):
    """A binary file to write into; when the block ends without an error, it becomes `path`.

    Until then `path` is what it was, or is not there: an error in the block, a full disk or a
    crash never leave half a file under that name. Folders above `path` are made where they are
    missing. OSError where nothing can be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside `path`, because a rename is atomic only within one file system; under a name of its
    # own, so that two processes that write the same file do not write into each other's.
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(part, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())              # the contents are on the disk before the name is
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
