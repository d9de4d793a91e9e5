"""A Python prompt inside the running service, over SSH (RFC 4252, 7: by public key alone), on loopback alone.

Needs the extra ``manhole``. The keys are read anew for every login, so that one taken out of the file is out.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from twisted.cred.portal import Portal
from twisted.internet.interfaces import IProtocolFactory
from zope.interface import implementer

from yekta.services.config import ConfigError, Settings


def factory(settings: Settings, namespace: dict[str, Any]) -> IProtocolFactory:
    """What answers on the manhole's port. Raises :class:`ConfigError`, which names the setting."""
    if not settings.manhole_keys:
        raise ConfigError("MANHOLE_KEYS must be the path of a file of authorized keys, since MANHOLE is set.")
    if not settings.manhole_host_key:
        raise ConfigError("MANHOLE_HOST_KEY must be the path of a private key, since MANHOLE is set.")
    try:
        from twisted.conch.checkers import IAuthorizedKeysDB, SSHPublicKeyChecker, readAuthorizedKeyFile
        from twisted.conch.insults.insults import ServerProtocol
        from twisted.conch.manhole import ColoredManhole
        from twisted.conch.manhole_ssh import ConchFactory, TerminalRealm
        from twisted.conch.ssh.keys import BadKeyError, EncryptedKeyError, Key
    except ImportError:
        raise ConfigError("MANHOLE needs the extra of that name: pip install 'yekta[manhole]'.") from None

    @implementer(IAuthorizedKeysDB)
    class Keys:
        """Whoever has one of them may come, by any name."""

        def getAuthorizedKeys(self, name: bytes) -> Iterator[Any]:
            with Path(settings.manhole_keys).open("rb") as file:
                yield from readAuthorizedKeyFile(file)

    try:
        host_key = Key.fromFile(settings.manhole_host_key)
    except (BadKeyError, EncryptedKeyError, OSError):
        raise ConfigError("MANHOLE_HOST_KEY must be a private key without a passphrase.") from None
    realm: Any = TerminalRealm()
    realm.chainedProtocolFactory = partial(ServerProtocol, ColoredManhole, namespace)
    ssh: Any = ConchFactory(Portal(realm, [SSHPublicKeyChecker(Keys())]))
    ssh.privateKeys = {host_key.sshType(): host_key}
    ssh.publicKeys = {host_key.sshType(): host_key.public()}
    prompt: IProtocolFactory = ssh
    return prompt
