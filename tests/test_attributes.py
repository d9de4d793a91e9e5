from __future__ import annotations

import sys
from typing import Any

from yekta.attributes import share


class Sharing:
    early: int
    late: int


class Alone(Sharing):
    """Another class has names of its own."""


def crowd(kind: type) -> Any:
    """One of many objects of ``kind``, each of which is given its last attribute when all are there."""
    objects: list[Any] = [kind() for _ in range(100)]
    for each in objects:
        each.early = 1
    for each in objects:
        each.late = 2
    return objects[-1]


def test_objects_of_a_crowd_share_their_names() -> None:
    share(Sharing, "early", "late")
    shared, alone = vars(crowd(Sharing)), vars(crowd(Alone))
    assert shared == alone == {"early": 1, "late": 2}
    assert sys.getsizeof(shared) < sys.getsizeof(alone)
