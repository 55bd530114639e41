"""The connection that lets a slider's picture leave at once."""
import pytest

pytest.importorskip("jupyter_server", reason="the connection is jupyter_server's")

from jupyter_server.services.kernels.connection.channels import (  # noqa: E402
    ZMQChannelsWebsocketConnection,
)

from gan_lessons.drawing.server import PromptConnection  # noqa: E402


def test_no_delay_is_set_before_the_usual_connection(monkeypatch):
    class Handler:
        def set_nodelay(self, value):
            done.append(value)

    done = []
    monkeypatch.setattr(PromptConnection, "websocket_handler", Handler())
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "connect",
                        lambda self: done.append("usual"))
    PromptConnection.connect(PromptConnection.__new__(PromptConnection))
    assert done == [True, "usual"]
