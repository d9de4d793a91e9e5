"""Settings: what each kind accepts, what it is refused with, and whose word counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from yekta.services.config import SETTINGS, ConfigError, Setting, Settings, load, remarks
from yekta.services.kinds import LONGEST_NAMESPACE, positive
from yekta.services.listening import _is_ours, endpoints
from yekta.services.options import ServiceOptions
from yekta.services.refusal import Refused
from yekta.socketio.packet import MAX_NAMESPACE
from yekta.web.forwarded import NOBODY, parse_trusted

BY_NAME = {setting.name: setting for setting in SETTINGS}


ACCEPTED = [
    ("PORT", "0", 0),
    ("PORT", " 65535 ", 65535),
    ("DISABLE_CORS", "Yes", True),
    ("DISABLE_CORS", "1", True),
    ("DISABLE_CORS", "off", False),
    ("DISABLE_CORS", "", False),
    ("MAX_PAYLOAD", "123456789012345", 123456789012345),
    ("MAX_QUEUED", "0", 0),
    ("PING_TIMEOUT", "0.5", 0.5),
    ("DRAIN_SECONDS", "0.5", 0.5),
    ("DRAIN_SECONDS", "0", 0.0),
    ("RECOVERY_SECONDS", "0", 0.0),
    ("RECOVERY_SECONDS", "0.5", 0.5),
    ("WEBSOCKET_PATH", "/live/", "/live"),
    ("WEBSOCKET_PATH", "/", "/"),
    ("WEBSOCKET_PATH", "/socket.iox", "/socket.iox"),
    ("WEBSOCKET_PATH", "/%D8%B3/v1.0~a:b@c", "/%D8%B3/v1.0~a:b@c"),
    ("CORS_ORIGIN", " https://a.example , http://b.example:1,", ("https://a.example", "http://b.example:1")),
    ("CORS_ORIGIN", "https://a.example/,capacitor://localhost", ("https://a.example/", "capacitor://localhost")),
    ("CORS_ORIGIN", "http://[::1]:8100", ("http://[::1]:8100",)),
    ("CORS_ORIGIN", "*", ("*",)),
    ("CORS_ORIGIN", "null,file://", ("null", "file://")),
    ("CORS_ORIGIN", "", ()),
    ("TRUSTED_PROXIES", "", NOBODY),
    ("TRUSTED_PROXIES", " ::1, 10.0.0.0/8 ,unix,", parse_trusted(["10.0.0.0/8", "::1", "unix"])),
    ("PROCESS_NAME", "b2", "b2"),
    ("MAX_NAMESPACE_LENGTH", "256", 256),
    ("AI_BASE_URL", "https://ai.example/v1/", ("https://ai.example/v1",)),
    ("AI_BASE_URL", "http://a/v1/, https://b/v1,", ("http://a/v1", "https://b/v1")),
    ("AI_BASE_URL", "http://[::1]:8000/v1,http://gpu_1", ("http://[::1]:8000/v1", "http://gpu_1")),
    ("AI_BASE_URL", "", ()),
    ("AI_API_KEY", "a, ,c", ("a", "", "c")),
    ("AI_MODEL_FILE", "", ""),
    ("MANHOLE_KEYS", __file__, __file__),
    ("LOG_FORMAT", "json", "json"),
    ("LOG_FORMAT", "journal", "journal"),
    ("MANHOLE", "", ""),
    ("MANHOLE", "2222", "tcp:2222:interface=127.0.0.1"),
    ("MANHOLE", "127.0.0.2:22", "tcp:22:interface=127.0.0.2"),
    ("MANHOLE", "[::1]:22", r"tcp:22:interface=\:\:1"),
]

# Nothing can be asked there.
NO_URLS = (
    "http://",
    "http:///v1",
    "http://:80/v1",
    "http://localhost:abc/v1",
    "http://127.0.0.1:99999/v1",
    "http://[::1/v1",
    "http://[::g]/v1",
    "http://ho st/v1",
    "http://ho\tst/v1",
    "http://a..b/v1",
    f"http://{'a' * 64}/v1",
    "http://a/v1?key=1",
    "http://a/v1#x",
)

REFUSED = {
    "PORT": ("65536", "-1", "x", "", "٣", "²", "9" * 5000, "0x10", "1 2"),
    "DISABLE_CORS": ("maybe", "2"),
    "HOST": ("", " "),
    "MAX_QUEUED": ("-1", "1.5", "1e6", "", "٣", "²", "9" * 5000),
    "MAX_PAYLOAD": ("0", "-1", "x"),
    "DATABASE_CONNECTIONS": ("0",),
    "PING_TIMEOUT": ("0", "-1", "nan", "inf", "1e9", "", "soon"),
    "RECOVERY_SECONDS": ("-1", "never", ""),
    "DRAIN_SECONDS": ("-1", "nan", "inf", "1e9", "", "soon"),
    "WEBSOCKET_PATH": (
        *("ws", "", "/ws?x=1", "http://h/ws", "/socket.io", "/socket.io/", "/socket.io/ws"),
        *("/سلام", "/w s", "/ws#x", "/caf\udce9"),
    ),
    "CORS_ORIGIN": (
        *("app.example", "nullish", "https://a.example,b.example", "https://*.example", "*.example", "*://a"),
        *("https://a/b", "https://a?b", "https://a#b", "https://a b", "https://a.example https://b.example"),
    ),
    "MAX_NAMESPACE_LENGTH": ("257", "0", "x"),
    "TRUSTED_PROXIES": ("proxy.example", "10.0.0.1/8", "10.0.0.0/33", "*", "127.0.0.1:80"),
    "PROCESS_NAME": ("a b", "a.b", "پ", "a" * 33),
    "LOG_FORMAT": ("xml", "JSON", "syslog"),
    "MANHOLE": ("0.0.0.0:22", ":::22", "192.0.2.1:22", "localhost:22", "22:tcp", "127.0.0.1:", "70000", "tcp:22"),
    "MANHOLE_KEYS": ("/no/where/keys", "/"),
    "AI_MODEL_FILE": ("/no/where/model.gguf", "/", __file__, "/dev/null"),
    "AI_BASE_URL": ("ai.example", "ftp://ai.example", "//ai.example", "http://a/v1 http://b/v1,c", *NO_URLS),
}


@pytest.mark.parametrize(("name", "text", "value"), ACCEPTED)
def test_what_a_setting_may_be(name: str, text: str, value: object) -> None:
    assert getattr(load({name: text}, {}), name.lower()) == value


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in REFUSED.items() for text in texts])
def test_what_a_setting_may_not_be(name: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load({name: text}, {})
    sentence = str(caught.value)
    assert sentence.startswith(f"{name} must be ")
    assert sentence.endswith(f", not {text!r}.")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("PORT", "9" * 5000, "a port number from 0 to 65535"),
        ("MAX_QUEUED", "9" * 5000, "a whole number, 0 or above"),
        ("MAX_PAYLOAD", "x", "a whole number above 0"),
        ("WEBSOCKET_PATH", "/ws?x=1", "a path as a request has it, percent-encoded"),
    ],
)
def test_what_cannot_be_is_refused_in_words_of_its_kind(name: str, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load({name: text}, {})
    assert str(caught.value) == f"{name} must be {words}, not {text!r}."


def test_a_model_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.write_bytes(b"GGUF\x03")
    assert load({"AI_MODEL_FILE": str(model)}, {}).ai_model_file == str(model)


def test_the_longest_namespace_is_the_longest_of_a_packet() -> None:
    assert LONGEST_NAMESPACE == MAX_NAMESPACE


def test_every_kind_of_setting_is_refused_above() -> None:
    any_text = {BY_NAME["CARE_FOLDER"].parse, BY_NAME["AI_MODEL"].parse}
    # A URL of Redis, which is not shown, is refused below.
    refused = {BY_NAME[name].parse for name in (*REFUSED, "REDIS_URL")}
    assert {setting.parse for setting in SETTINGS} - any_text == refused


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_has_a_usable_default_and_can_be_an_option(setting: Any) -> None:
    value = getattr(load({}, {}), setting.attribute)
    assert value == setting.read(setting.default)
    options = ServiceOptions()
    assert setting.option in options.longOpt or f"{setting.option}=" in options.longOpt


def test_an_option_is_stronger_than_the_environment() -> None:
    assert load({"PORT": "1"}, {"port": "2"}).port == 2
    assert load({"PORT": "1"}, {"port": None}).port == 1
    assert load({"PORT": "bad"}, {"port": "2"}).port == 2
    assert load({"AI_BASE_URL": "http://h/v1"}, {"ai_base_url": ""}).ai_base_url == ()


@pytest.mark.parametrize(
    ("name", "meant"),
    [("EVENT_RAET", "EVENT_RATE"), ("WORKRES", "WORKERS"), ("event_rate", "EVENT_RATE")],
)
def test_a_name_that_is_nearly_a_setting_s_is_told_of(name: str, meant: str) -> None:
    assert list(remarks([name], ".env")) == [f"{name} in .env is not a setting, but {meant} is."]


def test_settings_and_names_of_other_programs_are_not_told_of() -> None:
    assert list(remarks(["PORT", "HOSTNAME", "DATABASE_NAME", "REDIS_HOST"], ".env")) == []


def test_a_secret_is_not_shown() -> None:
    assert {setting.name for setting in SETTINGS if setting.secret} == {"DATABASE_URL", "REDIS_URL", "AI_API_KEY"}
    settings = load({"AI_API_KEY": "sk-secret"}, {})
    assert settings.ai_api_key == ("sk-secret",)
    assert "sk-secret" not in repr(settings)
    with pytest.raises(ConfigError) as caught:
        load({"REDIS_URL": "redis://:secret@h:port"}, {})
    assert str(caught.value) == (
        "REDIS_URL must be redis://HOST:PORT/DATABASE, rediss:// for TLS, or unix:///PATH."
    )
    assert load({"REDIS_URL": "redis://:secret@h"}, {}).redis_url == "redis://:secret@h"
    with pytest.raises(ConfigError) as caught:
        Setting("PIN", "", positive, "", secret=True).read("-4321")
    assert str(caught.value) == "PIN must be a whole number above 0."


@pytest.mark.parametrize("url", ["http://user:secret@h/v1", "https://secret@h", "http://a/v1,http://u:secret@b:x/v1"])
def test_a_url_with_a_password_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigError, match="AI_BASE_URL must be a comma-separated list") as caught:
        load({"AI_BASE_URL": url}, {})
    assert "secret" not in str(caught.value)
    assert "***@" in str(caught.value)


def test_a_setting_that_does_not_exist_is_no_attribute() -> None:
    with pytest.raises(AttributeError):
        _ = Settings({}).colour


def test_a_refusal_is_an_exit_and_an_exception() -> None:
    """As an exit it shows no traceback; as an exception twistd tells of it where it has become a daemon."""
    with pytest.raises(Refused) as caught:
        ServiceOptions().parseOptions(["--port", "x"])
    assert isinstance(caught.value, SystemExit)
    assert isinstance(caught.value, Exception)
    assert caught.value.code == 1
    assert str(caught.value) == "yekta: PORT must be a port number from 0 to 65535, not 'x'."


def test_endpoints_are_repeatable_and_kept_in_order() -> None:
    options = ServiceOptions()
    options.parseOptions(["--listen", "tcp:1", "--listen", "unix:x", "--no-console"])
    assert options["settings"].listen == ("tcp:1", "unix:x")
    assert options["settings"].console is False


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("0.0.0.0", "tcp:80:interface=0.0.0.0"),
        ("::", r"tcp:80:interface=\:\:"),
        ("2001:db8:0:0::1", r"tcp:80:interface=2001\:db8\:0\:0\:\:1"),
    ],
)
def test_an_address_becomes_an_endpoint(host: str, expected: str) -> None:
    assert endpoints(host, 80) == (expected,)


def test_localhost_is_its_ipv4_address_first() -> None:
    assert endpoints("localhost", 80)[0] == "tcp:80:interface=127.0.0.1"
    assert set(endpoints("localhost", 80)) <= {"tcp:80:interface=127.0.0.1", r"tcp:80:interface=\:\:1"}


def test_an_address_that_the_machine_does_not_have_is_not_listened_on() -> None:
    assert [_is_ours(address) for address in ("127.0.0.1", "192.0.2.1", "2001:db8::1")] == [True, False, False]


@pytest.mark.parametrize("password", ["secret", "sec/ret", "sec ret", "sec@ret", "sec,ret"])
def test_a_password_in_a_url_is_in_no_sentence(password: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load({"AI_BASE_URL": f"http://h/v1,http://user:{password}@x/v1"}, {})
    assert "sec" not in str(caught.value)
