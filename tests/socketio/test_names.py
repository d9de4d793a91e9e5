"""What is no name, of a room or an event, is refused where it is given, before anything is done."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.guests import Guest
from tests.support.several import Several
from tests.support.socketio import House
from yekta.socketio.socket import Socket

HALF = "\ud800"

NO_ROOMS: dict[str, Callable[[Any, Socket], object]] = {
    "a number": lambda io, socket: io.to(7),
    "none": lambda io, socket: io.to(None),
    "bytes": lambda io, socket: io.to(b"r"),
    "a list of a number": lambda io, socket: io.to(["a", 7]),
    "nobody in a number": lambda io, socket: io.except_(["a", 7]),
    "all join a number": lambda io, socket: io.sockets_join("a", 7),
    "all leave a number": lambda io, socket: io.sockets_leave("r", 7),
    "to a number, from a socket": lambda io, socket: socket.to(7),
    "a socket joins a number": lambda io, socket: socket.join("a", 7),
    "a socket joins a list": lambda io, socket: socket.join("a", ["b"]),
    "a socket leaves a number": lambda io, socket: socket.leave(7),
    "a socket leaves a list": lambda io, socket: socket.leave(["r"]),
}


@pytest.mark.parametrize("do", NO_ROOMS.values(), ids=NO_ROOMS)
def test_what_is_no_room_is_a_type_error(house: House, do: Callable[[Any, Socket], object]) -> None:
    socket = house.browser().connect()
    socket.join("r")
    with pytest.raises(TypeError, match=r"^a room must be a str, not (int|NoneType|list)$"):
        do(house.server, socket)
    assert socket.rooms == {socket.id, "r"}


def test_a_socket_that_is_not_connected_yet_is_to_be_in_no_number(house: House) -> None:
    refused: list[str] = []

    @house.server.use
    def middleware(socket: Socket) -> None:
        with pytest.raises(TypeError) as raised:
            socket.join("a", 7)  # type: ignore[arg-type]
        refused.append(str(raised.value))

    socket = house.browser().connect()
    assert (refused, socket.rooms) == (["a room must be a str, not int"], {socket.id})


NO_EVENTS: dict[str, Callable[[Any, Socket, Any], object]] = {
    "emit": lambda io, socket, event: io.emit(event, 1),
    "emit_with_ack": lambda io, socket, event: io.timeout(1).emit_with_ack(event, 1),
    "server_side_emit": lambda io, socket, event: io.server_side_emit(event, 1),
    "server_side_emit_with_ack": lambda io, socket, event: io.server_side_emit_with_ack(event, 1),
    "of a socket": lambda io, socket, event: socket.volatile.emit(event, 1),
    "asked of a socket": lambda io, socket, event: socket.emit_with_ack(event, 1),
}


@pytest.mark.parametrize("event", [None, True, b"news", ["news"]])
@pytest.mark.parametrize("do", NO_EVENTS.values(), ids=NO_EVENTS)
def test_what_is_no_event_is_a_type_error_and_other_servers_are_told_nothing(
    several: Several, guests: list[Guest], do: Callable[[Any, Socket, Any], object], event: Any
) -> None:
    """Told of it, they would think that this one is not of their kind; and its clients would break off."""
    with pytest.raises(TypeError, match=f"^an event must be a str, not {type(event).__name__}$"):
        do(several["a"].server, guests[0].socket, event)
    several.settle()
    assert [guest.told() for guest in guests] == [[], [], []]
    assert set(several.clusters["b"].others) == {"a", "c"}


class Name(enum.StrEnum):
    """Names of a program's own kind."""

    ROOM = "r"
    RESERVED = "connect"


def test_names_may_be_of_another_kind_of_text(house: House) -> None:
    browser = house.browser()
    socket = browser.connect()
    socket.join(Name.ROOM)
    house.server.to(Name.ROOM).emit(Name.ROOM)
    assert browser.heard() == ['2["r"]']
    with pytest.raises(ValueError, match="reserved"):
        house.server.emit(Name.RESERVED)


@pytest.mark.parametrize("there", ["others", "nobody"])
@pytest.mark.parametrize("change", ["sockets_join", "sockets_leave"])
def test_a_room_that_cannot_be_written_is_joined_and_left_by_nobody(
    several: Several, house: House, guests: list[Guest], change: str, there: str
) -> None:
    io, socket = several["a"].server, guests[0].socket
    if there == "nobody":
        io, socket = house.server, house.browser().connect()
    socket.join("r")
    with pytest.raises(ValueError, match=r"^a room must be text that can be written$"):
        getattr(io, change)("r", "x", HALF)
    assert socket.rooms == {socket.id, "r"}


@pytest.mark.parametrize(
    "change", [lambda to: to.sockets_join("x"), lambda to: to.sockets_leave("r"), lambda to: to.disconnect_sockets()]
)
def test_what_others_cannot_be_told_is_not_done_here(
    several: Several, guests: list[Guest], change: Callable[[Any], None]
) -> None:
    socket = guests[0].socket
    socket.join(HALF)
    with pytest.raises(ValueError, match=r".*"):
        change(several["a"].server.to(HALF))
    assert socket.connected
    assert socket.rooms == {socket.id, "r", HALF}
