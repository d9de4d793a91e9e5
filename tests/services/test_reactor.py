"""The reactor that the services choose: it is there where none was chosen, and does what Twisted's does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# In a process of its own: a process has one reactor. Prints what happens to three connections.
PROGRAM = '''
import socket, sys
from yekta.services import reactor as chosen
chosen.install()
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
print(type(reactor).__module__)

class Server(Protocol):
    def dataReceived(self, data):
        print(data.decode())
        if data == b"raise":
            raise ZeroDivisionError
        if data == b"close":
            other.transport.loseConnection()
    def connectionMade(self):
        global other
        other = self
    def connectionLost(self, reason):
        global left
        left -= 1
        print("lost", reason.type.__name__)
        if not left:
            reactor.stop()

print(reactor.waker in reactor.getReaders())
left = 3
port = reactor.listenTCP(0, Factory.forProtocol(Server), interface="127.0.0.1")
clients = [socket.create_connection(("127.0.0.1", port.getHost().port)) for _ in range(3)]
clients[0].sendall(b"raise")
reactor.callLater(0.05, lambda: clients[1].close())
reactor.callLater(0.1, lambda: clients[2].sendall(b"close"))
reactor.run()
'''

# What is said in a turn to two clients, and then to one while the reactor stops.
TURNS = '''
import socket
from yekta.services import reactor as chosen
chosen.install()
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from yekta.ports import Listening

class Server(Protocol):
    def dataReceived(self, data):
        self.transport.write_now(data.upper())
        for client in clients:
            try:
                print(client.recv(100, socket.MSG_DONTWAIT).decode())
            except BlockingIOError:
                print("nothing yet")
        if data == b"stop":
            reactor.stop()

class Broken:
    def uncork(self):
        raise ZeroDivisionError

port = Listening(reactor).listenTCP(0, Factory.forProtocol(Server), interface="127.0.0.1")
clients = [socket.create_connection(("127.0.0.1", port.getHost().port)) for _ in range(2)]

def go_on():
    print(*(client.recv(100).decode() for client in clients))
    clients[0].sendall(b"stop")

def begin():
    # Both have been accepted: both are read in the same turn.
    reactor.corked.append(Broken())
    for client in clients:
        client.sendall(b"hello")
    reactor.callLater(0.1, go_on)

reactor.callLater(0.1, begin)
reactor.run()
print(clients[0].recv(100).decode())
'''

# The reactor waits for a client before it stops: its last turn ends nowhere.
LAST = '''
import socket
from yekta.services import reactor as chosen
chosen.install()
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from yekta.ports import Listening
from yekta.turns import EndOfTurn

done = Deferred()
ended = EndOfTurn(reactor, print)

class Server(Protocol):
    def dataReceived(self, data):
        ended.add("said last")
        done.callback(None)

port = Listening(reactor).listenTCP(0, Factory.forProtocol(Server), interface="127.0.0.1")
client = socket.create_connection(("127.0.0.1", port.getHost().port))
reactor.addSystemEventTrigger("before", "shutdown", lambda: client.sendall(b"go") or done)
reactor.callLater(0.1, reactor.stop)
reactor.run()
'''

# A connection goes to another process, here to ourselves, and comes back: likely with the number that it had.
GIVEN = '''
import os, socket
from yekta.services import reactor as chosen
chosen.install()
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.web.resource import Resource
from yekta.ports import Listening
from yekta.web.site import Limits, Site

class Server(Protocol):
    def dataReceived(self, data):
        print(data.decode())
        reactor.stop()

given = []

def give(fd, head):
    given.append((fd, os.dup(fd)))
    reactor.callLater(0.1, come_back)
    return True

def come_back():
    [(was, descriptor)] = given
    connection = Listening(reactor).adoptStreamConnection(descriptor, socket.AF_INET, Factory.forProtocol(Server))
    print(was == connection.fileno())
    client.sendall(b"hello again")

site = Site(reactor, Resource(), Limits())
site.route = lambda target: give
port = Listening(reactor).listenTCP(0, site, interface="127.0.0.1")
client = socket.create_connection(("127.0.0.1", port.getHost().port))
client.sendall(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
reactor.run()
'''


# What twistd is to start, with another reactor or ours; it is not started.
CLOCKS = """
import time
from yekta.services.SERVICE import Options, makeService
options = Options()
options.parseOptions(["--listen=tcp:0"])
makeService(options)
from twisted.internet import reactor
print(type(reactor).__name__, reactor.seconds is time.monotonic, reactor.wall is time.time)
"""


def run(program: str, folder: Path) -> list[str]:
    ended = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


@pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")
def test_what_a_listener_raises_ends_its_connection_alone(tmp_path: Path) -> None:
    ours = run(PROGRAM, tmp_path)
    assert ours.pop(0) == "yekta.services.reactor"
    assert ours == ["True", "raise", "lost ZeroDivisionError", "lost ConnectionDone", "close", "lost ConnectionDone"]
    twisteds = run("import twisted.internet.epollreactor as epoll; epoll.install()" + PROGRAM, tmp_path)
    assert twisteds.pop(0) == "twisted.internet.epollreactor"
    assert twisteds == ours


@pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")
def test_what_is_said_in_a_turn_leaves_at_its_end(tmp_path: Path) -> None:
    told = run(TURNS, tmp_path)
    assert told == [*["nothing yet"] * 4, "HELLO HELLO", *["nothing yet"] * 2, "STOP"]


@pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")
def test_the_last_turn_has_an_end_too(tmp_path: Path) -> None:
    assert run(LAST, tmp_path) == ["['said last']"]


@pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")
def test_a_connection_that_was_given_away_may_come_back(tmp_path: Path) -> None:
    assert run(GIVEN, tmp_path) == ["True", "hello again"]


@pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")
@pytest.mark.parametrize("service", ["api", "ws"])
def test_the_services_measure_by_a_clock_that_nobody_sets_whoever_chose_the_reactor(
    tmp_path: Path, service: str
) -> None:
    program = CLOCKS.replace("SERVICE", service)
    assert run(program, tmp_path) == ["Reactor True True"]
    others = "import twisted.internet.asyncioreactor as asyncio; asyncio.install()" + program
    assert run(others, tmp_path) == ["AsyncioSelectorReactor True True"]
