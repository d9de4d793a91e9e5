"""Certificates that nobody has signed but themselves, or one another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOUR = timedelta(hours=1)


@attrs.frozen
class Signed:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def private(self) -> str:
        return self.locked(serialization.NoEncryption())

    def locked(
        self,
        by: serialization.KeySerializationEncryption,
        form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    ) -> str:
        """The key, behind a passphrase or none."""
        return self.key.private_bytes(serialization.Encoding.PEM, form, by).decode()


def sign(names: Sequence[str], by: Signed | None = None, ends: timedelta = HOUR) -> Signed:
    """One for host ``names``, which begins two hours ago and ends in a while; signed by itself, or by another."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    issuer = subject if by is None else by.certificate.subject
    now, serial = datetime.now(UTC), x509.random_serial_number()
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), serial, now - 2 * HOUR, now + ends)
    hosts = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    builder = builder.add_extension(hosts, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return Signed(builder.sign(key if by is None else by.key, hashes.SHA256()), key)


def certificate(names: Sequence[str]) -> tuple[str, str]:
    """A certificate for host ``names``, good for an hour, and its key, as PEM."""
    signed = sign(names)
    return signed.pem, signed.private


def certify(folder: Path, *names: str) -> Path:
    """A PEM file with a key and a certificate for host ``names``."""
    signed, private = certificate(names)
    path = folder / "certificate.pem"
    path.write_text(private + signed)
    return path
