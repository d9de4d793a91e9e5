"""A Python prompt inside the running service, over SSH (RFC 4252, 7: by public key alone), on loopback alone.

Imported only where it is wanted: it needs the extra ``manhole``. The keys are read anew for every login, so that one
taken out of the file is out.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from twisted.conch.checkers import IAuthorizedKeysDB, SSHPublicKeyChecker, readAuthorizedKeyFile
from twisted.conch.insults.insults import ServerProtocol
from twisted.conch.manhole import ColoredManhole
from twisted.conch.manhole_ssh import ConchFactory, TerminalRealm, TerminalSession, TerminalUser
from twisted.conch.ssh.keys import BadKeyError, EncryptedKeyError, Key
from twisted.conch.ssh.session import SSHSession
from twisted.cred.portal import Portal
from twisted.internet.interfaces import IProtocolFactory
from zope.interface import implementer

from yekta.services.config import ConfigError, Settings


@implementer(IAuthorizedKeysDB)
class Keys:
    """Whoever has one of those in the file may come, by any name."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def getAuthorizedKeys(self, avatarId: bytes) -> Iterator[Any]:
        with self._path.open("rb") as file:
            yield from readAuthorizedKeyFile(file)


class Session(TerminalSession):
    """One terminal."""

    def eofReceived(self) -> None:
        """Input that came through a pipe has ended; Twisted's own fails, and what was typed is lost."""


class Channel(SSHSession):
    """One session of a connection."""

    def request_exec(self, data: bytes) -> int:
        """Refused. Twisted's own logs the command, which may name somebody, and then that there are none."""
        return 0


class User(TerminalUser):
    """Whoever has come."""

    def __init__(self, original: Any, avatar_id: bytes) -> None:
        super().__init__(original, avatar_id)
        self.channelLookup[b"session"] = Channel


def factory(settings: Settings, namespace: dict[str, Any]) -> IProtocolFactory:
    """What answers on the manhole's port. Raises :class:`ConfigError`, which names the setting."""
    for name in ("MANHOLE_KEYS", "MANHOLE_HOST_KEY"):
        if not getattr(settings, name.lower()):
            raise ConfigError(f"{name} must be the path of a file, since MANHOLE is set.")
    try:
        host_key = Key.fromFile(settings.manhole_host_key)
    except (BadKeyError, EncryptedKeyError, OSError):
        raise ConfigError("MANHOLE_HOST_KEY must be a private key without a passphrase.") from None
    realm: Any = TerminalRealm()
    realm.userFactory, realm.sessionFactory = User, Session
    realm.chainedProtocolFactory = partial(ServerProtocol, ColoredManhole, namespace)
    ssh: Any = ConchFactory(Portal(realm, [SSHPublicKeyChecker(Keys(Path(settings.manhole_keys)))]))
    ssh.privateKeys = {host_key.sshType(): host_key}
    ssh.publicKeys = {host_key.sshType(): host_key.public()}
    prompt: IProtocolFactory = ssh
    return prompt
