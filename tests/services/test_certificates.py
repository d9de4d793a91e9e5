"""The certificate of a service that ends TLS by itself: what clients get of it, and how it is renewed."""

from __future__ import annotations

import re
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, PrivateFormat
from OpenSSL.SSL import WantReadError
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread
from twisted.logger import globalLogPublisher

from tests.support.attacks import Wire
from tests.support.certificates import HOUR, Signed, sign
from tests.support.patience import reactor
from tests.support.services import Service, started
from yekta.services.certificates import Certificate
from yekta.services.config import ConfigError
from yekta.services.listening import service

AGAIN = re.compile("has read its settings again")
KINDS = pytest.mark.parametrize("kind", ["ssl", "haproxy:ssl"])
HEADER = b"PROXY UNKNOWN\r\n"
ANY = Factory.forProtocol(Protocol)


def write(folder: Path, signed: Signed, *chain: Signed) -> str:
    """The files of a certificate as Let's Encrypt's programs leave them; the endpoint that names them."""
    (folder / "privkey.pem").write_text(signed.private)
    (folder / "fullchain.pem").write_text("".join(each.pem for each in (signed, *chain)))
    return f"ssl:0:interface=127.0.0.1:privateKey={folder}/privkey.pem:certKey={folder}/fullchain.pem"


def trusting(signed: Signed, port: int, before: bytes = b"") -> Wire:
    """A client that trusts nobody else. Raises `ssl.SSLCertVerificationError` where the server is somebody else."""
    plain = socket.create_connection(("127.0.0.1", port), 10)
    plain.sendall(before)
    context = ssl.create_default_context(cadata=signed.pem)
    return Wire.of(context.wrap_socket(plain, server_hostname="localhost"))


def is_well(client: Wire) -> bool:
    return client.request("GET", "/health/live").status == 200


def is_served(signed: Signed, port: int) -> bool:
    """Whether a new client gets that one."""
    try:
        with trusting(signed, port) as client:
            return is_well(client)
    except ssl.SSLCertVerificationError:
        return False


def reload(running: Service, line: re.Pattern[str] = AGAIN) -> None:
    running.output.clear()
    running.process.send_signal(signal.SIGHUP)
    running.await_line(line)


def told_end(folder: Path) -> float:
    """Of the certificate, as Prometheus hears it."""
    with socket.socket(socket.AF_UNIX) as metrics:
        metrics.connect(str(folder / "metrics"))
        text = Wire.of(metrics).request("GET", "/metrics").body.decode()
    [end] = re.findall(r"^yektayar_certificate_not_after_seconds\S+ (\S+)$", text, re.MULTILINE)
    return float(end)


@contextmanager
def told() -> Iterator[list[str]]:
    """What is logged."""
    sentences: list[str] = []

    def observe(event: Any) -> None:
        sentences.append(event["log_format"].format(**event) if event.get("log_format") else "")

    globalLogPublisher.addObserver(observe)
    yield sentences
    globalLogPublisher.removeObserver(observe)


def test_a_renewed_one_is_for_clients_to_come_and_those_who_are_here_stay(tmp_path: Path) -> None:
    old, new = sign(["localhost"]), sign(["localhost"], ends=5 * HOUR)
    settings = {"METRICS_LISTEN": "unix:metrics"}
    with started("yektayar-ws", folder=tmp_path, listen=(write(tmp_path, old),), settings=settings) as running:
        port = running.port
        with trusting(old, port) as early:
            write(tmp_path, new)
            assert is_served(old, port)
            assert told_end(tmp_path) == old.certificate.not_valid_after_utc.timestamp()
            reload(running)
            assert (is_served(old, port), is_served(new, port)) == (False, True)
            assert told_end(tmp_path) == new.certificate.not_valid_after_utc.timestamp()
            assert is_well(early)
        assert running.stop() == 0
        assert "Traceback" not in running.text


def test_one_that_cannot_be_used_leaves_the_one_before_and_settings_count(tmp_path: Path) -> None:
    old, other = sign(["localhost"]), sign(["localhost"])
    key, chain = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
    with started("yektayar-ws", folder=tmp_path, listen=(write(tmp_path, old),)) as running:
        port = running.port
        for path, text, reason in (
            (key, other.private, "key values mismatch"),
            (key, "", f"there is no private key in {key}"),
            (chain, old.private, f"there is no certificate in {chain}"),
            (chain, None, "No such file or directory"),
        ):
            write(tmp_path, old)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
            (tmp_path / ".env").write_text("CORS_ORIGIN=https://new.example\n")
            reload(running)
            warning = running.await_line(re.compile("The certificate that was read before stays")).string
            for each in ("#warn", "--listen must be an endpoint, not 'ssl:0:", reason):
                assert each in warning
            with trusting(old, port) as client:
                answer = client.request("GET", "/", "Origin: https://new.example")
            assert answer.headers["access-control-allow-origin"] == "https://new.example"
        assert running.stop() == 0
        assert "Traceback" not in running.text


def test_a_setting_that_cannot_be_used_keeps_no_renewed_one_away(tmp_path: Path) -> None:
    new = sign(["localhost"])
    with started("yektayar-ws", folder=tmp_path, listen=(write(tmp_path, sign(["localhost"])),)) as running:
        port = running.port
        write(tmp_path, new)
        (tmp_path / ".env").write_text("CORS_ORIGIN=nonsense\n")
        reload(running, re.compile("What was set before stays"))
        assert is_served(new, port)


@pytest_twisted.ensureDeferred
@KINDS
async def test_a_chain_in_one_file_is_sent_and_renewed(tmp_path: Path, kind: str) -> None:
    kept: list[Certificate] = []
    roots = [sign(["a root"]), sign(["another"])]
    between = [sign(["between"], root) for root in roots]
    leaves = [sign(["localhost"], each) for each in between]
    endpoint = write(tmp_path, leaves[0], between[0]).replace("ssl", kind, 1)
    port = await service("SETTING", endpoint, ANY, reactor, kept.append).endpoint.listen(ANY)
    for at, root in enumerate(roots):
        write(tmp_path, leaves[at], between[at])
        kept[0].renew()
        before = HEADER if kind != "ssl" else b""
        (await deferToThread(trusting, root, port.getHost().port, before)).close()
    await port.stopListening()


@pytest_twisted.ensureDeferred
async def test_a_chain_in_a_file_of_its_own_is_sent(tmp_path: Path) -> None:
    root = sign(["a root"])
    between = sign(["between"], root)
    endpoint = write(tmp_path, sign(["localhost"], between), root)
    (tmp_path / "chain.pem").write_text(between.pem)
    endpoint += f":extraCertChain={tmp_path}/chain.pem"
    port = await service("SETTING", endpoint, ANY, reactor).endpoint.listen(ANY)
    (await deferToThread(trusting, root, port.getHost().port)).close()
    await port.stopListening()


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_behind_a_passphrase_is_refused_and_nobody_is_asked_for_it(tmp_path: Path, form: PrivateFormat) -> None:
    signed = sign(["localhost"])
    endpoint = write(tmp_path, signed)
    (tmp_path / "privkey.pem").write_text(signed.locked(BestAvailableEncryption(b"secret"), form))
    with pytest.raises(ConfigError, match=r"SETTING .*: the private key in .*/privkey.pem has a passphrase\.$"):
        Certificate("SETTING", endpoint)


def test_tls_1_2_is_the_oldest_that_is_spoken_whoever_has_built_python(tmp_path: Path) -> None:
    endpoint = write(tmp_path, sign(["localhost"]))
    assert Certificate("SETTING", endpoint).connection()._tls.context.minimum_version == ssl.TLSVersion.TLSv1_2
    with pytest.raises(ConfigError, match=r"SETTING .*: sslmethod cannot be chosen, TLS 1.2 and 1.3 are spoken\.$"):
        Certificate("SETTING", f"{endpoint}:sslmethod=TLSv1_1_METHOD")


def test_a_key_that_was_cut_off_is_named(tmp_path: Path) -> None:
    endpoint = write(tmp_path, signed := sign(["localhost"]))
    (tmp_path / "privkey.pem").write_text(signed.private[:-40])
    with pytest.raises(ConfigError, match=r"SETTING .*: there is no private key in .*/privkey.pem that can be read\.$"):
        Certificate("SETTING", endpoint)


def test_what_openssl_would_say_to_the_first_client_is_said_at_once(tmp_path: Path) -> None:
    endpoint = write(tmp_path, sign(["localhost"]))
    with pytest.raises(ConfigError, match=r"SETTING .*: (?!\[).*No such file or directory: /no/where\.$"):
        Certificate("SETTING", f"{endpoint}:dhParameters=/no/where")


def test_one_that_has_ended_is_told_of(tmp_path: Path) -> None:
    endpoint = write(tmp_path, sign(["localhost"], ends=-HOUR))
    with told() as sentences:
        Certificate("SETTING", endpoint)
        write(tmp_path, sign(["localhost"], ends=timedelta(minutes=1)))
        Certificate("SETTING", endpoint)
    assert sentences == [f"The certificate of {endpoint} has expired."]


@pytest.mark.parametrize(("offered", "agreed"), [(["h2", "http/1.1"], "http/1.1"), (["h2"], None), ([], None)])
def test_http_1_1_is_agreed_on_where_it_is_offered(tmp_path: Path, offered: list[str], agreed: str | None) -> None:
    client = ssl.create_default_context(cadata=(signed := sign(["localhost"])).pem)
    client.set_alpn_protocols(offered)
    come, gone = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(come, gone, server_hostname="localhost")
    answering = Certificate("SETTING", write(tmp_path, signed)).connection()
    for _ in range(2):
        with suppress(ssl.SSLWantReadError):
            asking.do_handshake()
        answering.bio_write(gone.read())
        with suppress(WantReadError):
            answering.do_handshake()
        come.write(answering.bio_read(1 << 14))
    assert asking.selected_alpn_protocol() == agreed
    assert answering.get_alpn_proto_negotiated() == (agreed or "").encode()
