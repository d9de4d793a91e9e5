"""The four reverse proxies, as Debian has them, started with the files of ``etc/``.

Each file is used as it is but for what a test must have its own way: ports, certificates, logs, and time-outs, which
are a hundredth. What a file says about a second process, or about the PROXY protocol, is done as it says. What is to be
replaced and is not there is an error.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import attrs

from tests.support.certificates import certificate
from tests.support.services import free_port

ETC = Path(__file__).parents[2] / "etc"
API, WS = "api.yektayar.ir", "ws.yektayar.ir"

# Where clients come from: not the address that the proxies themselves come from.
CLIENT = "127.0.0.2"

PATIENCE = 15.0


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


IPV6 = _has_ipv6()
# Where the proxies listen.
HERE = ("127.0.0.1", "[::1]") if IPV6 else ("127.0.0.1",)

# Those that our file names, and what Debian loads by itself.
APACHE_MODULES = (
    *("headers", "macro", "lbmethod_byrequests"),
    *("mpm_event", "authz_core", "socache_shmcb", "ssl", "proxy", "proxy_http", "slotmem_shm", "proxy_balancer"),
)


@attrs.frozen
class Behind:
    """The ports of the gateways: of each service, the first process and the second. ``several``: there is a second."""

    api: tuple[int, int]
    ws: tuple[int, int]
    several: bool = True

    def shipped(self, path: str) -> str:
        """A file of ``etc/``, for as many processes."""
        text = (ETC / path).read_text()
        return uncommented(text, "b") if self.several else text


@attrs.define(eq=False)
class Proxy:
    """One that runs, or is about to, as the process ``pid``. ``logs``: everything that it writes is below."""

    name: str
    folder: Path
    pid: int = 0
    http: int = attrs.field(factory=free_port)
    https: int = attrs.field(factory=free_port)

    @property
    def logs(self) -> str:
        """All that was logged."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    @property
    def pem(self) -> str:
        """Its certificate."""
        return (self.folder / "fullchain.pem").read_text()

    def connect(self, scheme: str, host: str, source: str = CLIENT) -> socket.socket:
        """A connection to ``host``, which its certificate has to prove, from ``source``, by IPv6 if that is so."""
        port = self.https if scheme == "https" else self.http
        here = "::1" if ":" in source else "127.0.0.1"
        plain = socket.create_connection((here, port), PATIENCE, source_address=(source, 0))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if scheme == "http":
            return plain
        return ssl.create_default_context(cadata=self.pem).wrap_socket(plain, server_hostname=host)


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """``text`` with each of ``changes``, all of which must apply; what one puts there is nothing to another."""
    for old in changes:
        assert old in text, f"{old!r} is not there"
    return re.sub("|".join(map(re.escape, changes)), lambda found: changes[found[0]], text)


def uncommented(text: str, mark: str) -> str:
    """``text`` with its lines that begin with ``#MARK``."""
    text, count = re.subn(rf"(?m)^(\s*)#{mark} ", r"\1", text)
    assert count
    return text


def _ports(behind: Behind) -> dict[str, str]:
    pairs = zip(("3000", "3001", "3500", "3501"), (*behind.api, *behind.ws), strict=True)
    return {f"127.0.0.1:{shipped}": f"127.0.0.1:{port}" for shipped, port in pairs}


def nginx(proxy: Proxy, behind: Behind) -> list[str]:
    """Its command; everything it reads is below the proxy's folder."""
    text = replaced(
        behind.shipped("nginx/yektayar.conf"),
        {
            "listen 80;": f"listen 127.0.0.1:{proxy.http};",
            "listen [::]:80;": f"listen [::1]:{proxy.http};" if IPV6 else "",
            "listen 443 ": f"listen 127.0.0.1:{proxy.https} ",
            "listen [::]:443 ssl http2;": f"listen [::1]:{proxy.https} ssl http2;" if IPV6 else "",
            "/etc/ssl/yektayar": str(proxy.folder),
            "/var/log/nginx": str(proxy.folder),
            "300s": "3s",
            **_ports(behind),
        },
    )
    temporary = "\n".join(
        f"{kind}_temp_path {proxy.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"daemon off; pid {proxy.folder}/pid; events {{}}\nhttp {{ {temporary}\n{text} }}"
    return ["nginx", "-e", f"{proxy.folder}/start.log", "-c", _written(proxy, whole)]


def apache(proxy: Proxy, behind: Behind) -> list[str]:
    """As `nginx`. Debian's own file says what stands before ours."""
    text = replaced(
        behind.shipped("apache/yektayar.conf"),
        {
            "Use Yektayar 80 ": f"Use Yektayar {proxy.http} ",
            "Use Yektayar 443 ": f"Use Yektayar {proxy.https} ",
            "/etc/ssl/yektayar": str(proxy.folder),
            "${APACHE_LOG_DIR}": str(proxy.folder),
            "ProxyTimeout 300": "ProxyTimeout 3",
            **_ports(behind),
        },
    )
    before = [
        *(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in APACHE_MODULES),
        f"ServerRoot {proxy.folder}",
        f"DefaultRuntimeDir {proxy.folder}",
        f"PidFile {proxy.folder}/pid",
        f"ErrorLog {proxy.folder}/start.log",
        *(f"Listen {host}:{proxy.http}" for host in HERE),
        *(f"Listen {host}:{proxy.https} https" for host in HERE),
        "ServerName localhost",
        "Timeout 3",
    ]
    if os.getuid() == 0:
        before += ["User www-data", "Group www-data"]
    return ["apache2", "-DFOREGROUND", "-f", _written(proxy, "\n".join([*before, text]))]


def caddy(proxy: Proxy, behind: Behind) -> list[str]:
    """As `nginx`."""
    text = replaced(
        behind.shipped("caddy/Caddyfile"),
        {
            "http_port 80": f"admin off\n\tdefault_bind {' '.join(HERE)}\n\thttp_port {proxy.http}",
            "grace_period 10s": "grace_period 1s",
            "lb_try_duration 5s": "lb_try_duration 500ms",
            **({"health_interval 2s": "health_interval 100ms"} if behind.several else {}),
            "https_port 443": f"https_port {proxy.https}",
            "/etc/ssl/yektayar": str(proxy.folder),
            "/var/log/caddy": str(proxy.folder),
            "yektayar 3000 3001": f"yektayar {behind.api[0]} {behind.api[1]}",
            "yektayar 3500 3501": f"yektayar {behind.ws[0]} {behind.ws[1]}",
        },
    )
    return ["caddy", "run", "--adapter", "caddyfile", "--config", _written(proxy, text)]


def haproxy(proxy: Proxy, behind: Behind) -> list[str]:
    """As `nginx`."""
    return _haproxy(proxy, behind, lambda text: text)


def haproxy_proxy(proxy: Proxy, behind: Behind) -> list[str]:
    """HAProxy that speaks the PROXY protocol, and sends no header."""
    header = {"http-request set-header X-Forwarded-For %[src]": "http-request del-header X-Forwarded-For"}
    return _haproxy(proxy, behind, lambda text: replaced(uncommented(text, "proxy"), header))


def _haproxy(proxy: Proxy, behind: Behind, change: Callable[[str], str]) -> list[str]:
    # Whoever is not root stays who he is, and where he is.
    roots = ("user haproxy", "group haproxy", "chroot /var/lib/haproxy") if os.getuid() else ()
    text = replaced(
        change(behind.shipped("haproxy/haproxy.cfg")),
        {
            **dict.fromkeys(roots, ""),
            "maxconn 50000": "maxconn 500",
            "log /dev/log local0": "log stdout format raw local0",
            "bind :80,:::80 ": f"bind {','.join(f'{host}:{proxy.http}' for host in HERE)} ",
            "bind :443,:::443 ": f"bind {','.join(f'{host}:{proxy.https}' for host in HERE)} ",
            "/etc/ssl/yektayar": str(proxy.folder),
            "300s": "3s",
            **({"inter 2s": "inter 100ms"} if behind.several else {}),
            **_ports(behind),
        },
    )
    return ["haproxy", "-db", "-f", _written(proxy, text)]


def _written(proxy: Proxy, text: str) -> str:
    path = proxy.folder / "proxy.conf"
    path.write_text(text)
    return str(path)


KINDS = {"nginx": nginx, "apache": apache, "caddy": caddy, "haproxy": haproxy, "haproxy, PROXY protocol": haproxy_proxy}
PROGRAMS = ("nginx", "apache2", "caddy", "haproxy")


@contextmanager
def proxied(name: str, folder: Path, behind: Behind) -> Iterator[Proxy]:
    """A proxy that listens; its logs are whole once it has ended."""
    folder.mkdir()
    if os.getuid() == 0:
        shutil.chown(folder, "www-data")
        for parent in (folder, *folder.parents[:2]):
            parent.chmod(0o755)
    pem, key = certificate([API, WS])
    for file, content in {"fullchain.pem": pem, "privkey.pem": key, "both.pem": pem + key}.items():
        (folder / file).write_text(content)
    proxy = Proxy(name, folder)
    command = KINDS[name](proxy, behind)
    environment = {"PATH": f"{os.environ['PATH']}:/usr/sbin", "HOME": str(folder)}
    with (folder / "output.log").open("w") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        proxy.pid = process.pid
        try:
            _await_ports(proxy, process)
            yield proxy
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def _await_ports(proxy: Proxy, process: subprocess.Popen[bytes]) -> None:
    end = monotonic() + PATIENCE
    for port in (proxy.http, proxy.https):
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert process.poll() is None, f"{proxy.name} has ended: {proxy.logs}"
                assert monotonic() < end, f"{proxy.name} does not listen: {proxy.logs}"
                sleep(0.02)
