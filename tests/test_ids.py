"""Ids: as long as they say, never twice, and not the same in a child."""

from __future__ import annotations

import os
import re

from yekta.ids import new_id


def test_ids_differ_and_have_their_form() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch("[A-Za-z0-9_-]{20}", each) for each in ids)


def test_a_child_makes_its_own() -> None:
    new_id()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100).decode() != new_id()
