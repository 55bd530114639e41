"""JupyterLab's side of a slider: messages of the kernel leave at once.

    c.ServerApp.kernel_websocket_connection_class = "gan_lessons.drawing.server.PromptConnection"

Without this line of a configuration file the picture waits for the browser to acknowledge the small
"busy" message before it (Nagle's algorithm against delayed acknowledgement): 40 ms on Linux, most
of the way from key to picture.
"""
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """The usual connection, with TCP_NODELAY on its websocket."""

    def connect(self):
        """Connect as usual; small messages are no longer held back."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
