"""Socket.IO protocol 5, server side, over `yekta.engineio`. Knows no application; usable without ours.

`packet` codes packets, `client` joins one Engine.IO connection to its sockets, `namespace` and `socket` are what an
application sees, `adapter` delivers to many, `server` puts it together. The guide is in ``docs/``.
"""

from yekta.socketio.errors import AckTimeout, ConnectError, Disconnected
from yekta.socketio.namespace import Namespace
from yekta.socketio.server import Server
from yekta.socketio.settings import Settings
from yekta.socketio.socket import Socket

__all__ = ["AckTimeout", "ConnectError", "Disconnected", "Namespace", "Server", "Settings", "Socket"]
