"""systemd, as far as a service can tell: it hands over a socket, and listens to what it is told.

    with manager(tmp_path) as systemd:
        with systemd.started("yektayar-ws.service") as service:     # the unit's own command
            systemd.await_message("READY=1")
            Wire(systemd.port)
"""

from __future__ import annotations

import configparser
import shlex
import socket
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from tests.support.services import PATIENCE, TWISTD, Service, started

ETC = Path(__file__).parents[2] / "etc"

# Standard input is the socket, which becomes the first of those that systemd passes (sd_listen_fds(3)).
_HAND_OVER = 'exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_FDNAMES=web LISTEN_PID=$$; exec "$@"'


def unit(name: str) -> configparser.ConfigParser:
    """A unit file of ours."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((ETC / "systemd" / name).read_text())
    return parser


@attrs.define
class Manager:
    """``listening``: the socket of all that it starts. ``folder``: where they run, and where yekta.env is.

    ``run``: what is ``/run`` to them, whose name has to be short: it is part of the names of their own sockets.
    """

    folder: Path
    run: str
    listening: socket.socket
    notified: socket.socket

    @property
    def port(self) -> int:
        port: int = self.listening.getsockname()[1]
        return port

    def started(
        self, name: str, *options: str, settings: Mapping[str, str] | None = None, watchdog: float = 0.0
    ) -> AbstractContextManager[Service]:
        """The command of a unit, with our paths in the place of an installation's."""
        twistd, *arguments = shlex.split(unit(name)["Service"]["ExecStart"])
        assert twistd == "/opt/yekta/bin/twistd"
        file = str(self.folder / "yekta.env")
        paths = {"/etc/yekta/yekta.env": file, "%t/yekta": self.run}
        arguments = [paths.get(argument, argument) for argument in arguments]
        begin = next(index for index, argument in enumerate(arguments) if argument.startswith("yektayar-"))
        told = {"NOTIFY_SOCKET": self.notified.getsockname()}
        if watchdog:
            told["WATCHDOG_USEC"] = str(round(watchdog * 1e6))
        return started(
            arguments[begin],
            *arguments[begin + 1 :],
            *options,
            folder=self.folder,
            settings={**told, **(settings or {})},
            twistd=("sh", "-c", _HAND_OVER, "-", TWISTD[0], *arguments[:begin]),
            listen=(),
            stdin=self.listening.fileno(),
        )

    def await_message(self, first: str) -> dict[str, str]:
        """The next message that begins so; what was said before it is dropped."""
        while not (message := self.notified.recv(4096).decode()).startswith(first):
            pass
        return dict(line.split("=", 1) for line in message.splitlines())


@contextmanager
def manager(folder: Path, **settings: str) -> Iterator[Manager]:
    """See the module. ``settings`` are what yekta.env says."""
    (folder / "yekta.env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    with (
        TemporaryDirectory() as run,
        socket.create_server(("127.0.0.1", 0), backlog=1024) as listening,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified,
    ):
        Path(run).chmod(int(unit("yektayar-api.service")["Service"]["RuntimeDirectoryMode"], 8))
        notified.bind(str(folder / "notify"))
        notified.settimeout(PATIENCE)
        yield Manager(folder, run, listening, notified)
