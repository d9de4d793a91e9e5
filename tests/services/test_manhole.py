"""The manhole, by a real ssh client: who has a key gets a prompt with the node, nobody else gets anything."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

from tests.support.services import PATIENCE, Service, attempt, free_port, started

pytestmark = pytest.mark.needs("ssh", "ssh-keygen")


def key(folder: Path, name: str) -> Path:
    """A new private key; the public one is beside it."""
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


@attrs.frozen
class Manhole:
    """A service with a manhole, and a folder with the keys."""

    service: Service
    folder: Path
    port: int

    def ssh(self, identity: str, typed: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Type something, and hang up after it."""
        common = ("StrictHostKeyChecking=no", f"UserKnownHostsFile={self.folder}/known", "IdentitiesOnly=yes")
        return subprocess.run(
            [
                *("ssh", "-tt", "-F", "none", "-p", str(self.port), "-i", str(self.folder / identity)),
                *(f"-o{option}" for option in (*common, *options)),
                "anybody@127.0.0.1",
            ],
            input=typed,
            text=True,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )

    def told(self, typed: str) -> str:
        """What whoever has the key reads after a line, without its colours."""
        said = self.ssh("ours", f"{typed}\n\x04").stdout
        return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", said)


@contextmanager
def opened(folder: Path, *given: str) -> Iterator[Manhole]:
    """A service that was started with ``given``, and has a manhole."""
    host, ours = key(folder, "host"), key(folder, "ours")
    port = free_port()
    settings = {
        "MANHOLE": str(port),
        "MANHOLE_KEYS": str(ours.with_suffix(".pub")),
        "MANHOLE_HOST_KEY": str(host),
    }
    with started("yektayar-ws", *given, folder=folder, settings=settings) as service:
        yield Manhole(service, folder, port)
        assert service.stop() == 0
        assert "Traceback" not in service.text


@pytest.fixture(scope="module")
def manhole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manhole]:
    folder = tmp_path_factory.mktemp("manhole")
    key(folder, "stranger")
    with opened(folder) as manhole:
        yield manhole


def test_a_key_opens_a_prompt_with_the_node(manhole: Manhole) -> None:
    assert "('sum', 41)" in manhole.told("'sum', len(node.hub.peers) + 41")


def test_the_short_path_is_taken_unless_it_is_turned_off(manhole: Manhole, tmp_path: Path) -> None:
    typed = "'short', node.sites[0].doors is not None"
    assert "('short', True)" in manhole.told(typed)
    with opened(tmp_path, "--http-short-path=false") as longer:
        assert "('short', False)" in longer.told(typed)


def test_the_port_has_its_turns_with_all_else(manhole: Manhole) -> None:
    assert "('together', True)" in manhole.told("'together', node.sites[0].rests is node.websockets.rests")


def test_another_key_does_not(manhole: Manhole) -> None:
    said = manhole.ssh("stranger", "1\n")
    assert said.returncode == 255
    assert "Permission denied (publickey)" in said.stderr


def test_a_password_is_not_even_asked_for(manhole: Manhole) -> None:
    methods = "PreferredAuthentications=password,keyboard-interactive"
    said = manhole.ssh("ours", "1\n", "PubkeyAuthentication=no", methods)
    assert said.returncode == 255
    assert "Permission denied (publickey)" in said.stderr


def test_a_command_is_refused_and_not_logged(tmp_path: Path) -> None:
    with opened(tmp_path) as manhole:
        said = manhole.ssh("ours", "", "RemoteCommand=find somebody@example.org")
        assert said.returncode == 255
        assert "request failed" in said.stderr
    assert "somebody" not in manhole.service.text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"MANHOLE": "0.0.0.0:22"}, "MANHOLE must be a port of a loopback address, such as 2222 or "),
        ({"MANHOLE_KEYS": ""}, "MANHOLE_KEYS must be the path of a file, since MANHOLE is set."),
        ({"MANHOLE_HOST_KEY": ""}, "MANHOLE_HOST_KEY must be the path of a file, since MANHOLE is set."),
        ({"MANHOLE_HOST_KEY": __file__}, "MANHOLE_HOST_KEY must be a private key without a passphrase."),
    ],
)
def test_a_manhole_that_cannot_be_safe_is_refused(tmp_path: Path, change: dict[str, str], sentence: str) -> None:
    settings = {"MANHOLE": str(free_port()), "MANHOLE_KEYS": __file__, "MANHOLE_HOST_KEY": str(key(tmp_path, "host"))}
    ended = attempt("yektayar-ws", folder=tmp_path, settings={**settings, **change})
    assert ended.status == 1
    assert ended.err.startswith(f"yektayar-ws: {sentence}")
    assert len(ended.err.splitlines()) == 1
