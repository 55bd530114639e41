"""The connection that lets a slider's picture leave at once."""
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from gan_lessons.drawing.server import PromptConnection


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
