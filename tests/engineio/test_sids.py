"""Ids that tell which process made them."""

from __future__ import annotations

import pytest

from yekta.engineio.sids import new_sid, new_tag, tag_of


def test_an_id_leads_to_its_process() -> None:
    for _ in range(100):
        tag = new_tag()
        sid = new_sid(tag)
        assert len(sid) == 20
        assert tag_of(f"/socket.io/?EIO=4&transport=polling&sid={sid}&t=x".encode()) == tag


def test_a_proxy_s_name_follows() -> None:
    tag = new_tag()
    sid = new_sid(tag, "b2")
    assert (len(sid), sid[20:]) == (23, ".b2")
    assert tag_of(f"/socket.io/?EIO=4&transport=polling&sid={sid}".encode()) == tag


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/socket.io/?EIO=4",
        b"/socket.io/?sid=",
        b"/?sid=short",
        b"/?sid=" + b"x" * 20 + b".",
        b"/?sid=" + b"x" * 20 + b"../x",
        b"/?sid=" + b"x" * 21,
        b"/?sid=../../x/abcdefghijkl",
        b"/?sid=" + "é".encode("latin-1") * 20,
        b"/?sid=" + b"x" * 19 + b"%0A",
        b"/?" + b"a=1&" * 100 + b"sid=" + b"x" * 20,
    ],
)
def test_anything_else_leads_nowhere(target: bytes) -> None:
    assert tag_of(target) is None
