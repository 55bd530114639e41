"""JupyterLab's side of a slider: messages of the kernel leave at once.

    jupyter lab --ServerApp.kernel_websocket_connection_class=gan_lessons.drawing.server.PromptConnection

Without it the picture waits for the browser to acknowledge the small "busy" message before it
(Nagle's algorithm against delayed acknowledgement): 40 ms on Linux, most of the way from key to picture.
"""
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """The usual connection, with TCP_NODELAY on its websocket."""

    def connect(self):
        self.websocket_handler.set_nodelay(True)
        return super().connect()
