"""The Admin UI looks on."""

import os

from twisted.internet import reactor

from yekta.socketio.admin import AdminSettings, instrument
from yekta.socketio.server import Server

io = Server(reactor, cors_origins=["https://admin.socket.io"])
admin = instrument(io, AdminSettings("operator", os.environ["ADMIN_PASSWORD"], read_only=True))

reactor.callWhenRunning(admin.start)
reactor.addSystemEventTrigger("before", "shutdown", admin.stop)
