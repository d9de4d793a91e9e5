"""The two services of yekta, as twistd finds them."""

from twisted.application.service import ServiceMaker

api = ServiceMaker(
    "YektaYar API",
    "yekta.services.api",
    "YektaYar's REST API, Socket.IO and native WebSocket (port 3000)",
    "yektayar-api",
)

websocket = ServiceMaker(
    "YektaYar WebSocket",
    "yekta.services.ws",
    "YektaYar's Socket.IO and native WebSocket (port 3500)",
    "yektayar-ws",
)
