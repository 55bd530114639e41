"""What several tests need: a user who may not write everywhere, mirrors, an asyncio for Dask."""
import asyncio
import contextlib
import inspect
import os

import pytest
from mirror import Server


@pytest.fixture(scope="module")
def dask_can_start():
    """Skips where nest_asyncio has put its own `asyncio.run` in place, which Dask cannot call.

    So it is with the ipykernel of a Kaggle notebook.
    """
    if "nest_asyncio" in asyncio.run.__code__.co_filename and (
            "loop_factory" not in inspect.signature(asyncio.run).parameters):
        pytest.skip("nest_asyncio's asyncio.run takes no loop_factory, which Dask gives")


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
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 65534, 65534, follow_symlinks=False)
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)
    return as_nobody


@pytest.fixture
def serve(monkeypatch):
    """serve({name: bytes}, …): a running mirror, which is asked and not forbidden."""
    from gan_lessons.data import downloads
    servers = []
    monkeypatch.delenv("GAN_LESSONS_OFFLINE", raising=False)
    monkeypatch.delenv("GAN_LESSONS_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(downloads, "_silent", {})

    def start(*args, **kwargs):
        servers.append(Server(*args, **kwargs))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
