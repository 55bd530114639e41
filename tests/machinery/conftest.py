"""What tests of files need: a user who may not write everywhere."""
import contextlib
import os

import pytest


@pytest.fixture
def nobody():
    """with nobody(folder): the files in it are judged as for a user without privileges."""
    @contextlib.contextmanager
    def as_nobody(folder):
        if os.geteuid() != 0:
            yield
            return
        for above in folder.parents:                        # pytest's folders are root's alone
            if above.stat().st_mode & 0o077 == 0:
                above.chmod(0o711)
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)
    return as_nobody
