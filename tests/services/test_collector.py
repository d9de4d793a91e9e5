"""The collector of a service that is ready: it leaves alone what is there to stay, and still finds cycles."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own: what is frozen stays so.
PROGRAM = """
import gc, weakref
from yekta.services.collector import THRESHOLDS, settle

class Node: pass

kept = [Node() for _ in range(1000)]
settle()
assert gc.get_threshold() == THRESHOLDS
assert gc.isenabled()
assert gc.get_freeze_count() > 1000
assert not any(isinstance(each, Node) for each in gc.get_objects())
lost = Node()
lost.itself = lost
found = []
seen = weakref.ref(lost, found.append)
del lost
made = []
# Asking ``seen`` itself would hold it: since Python 3.12 the collector may come right after any call.
while not found:
    assert len(made) < 1000 * THRESHOLDS[0]
    made.append([])
"""


def test_what_is_there_at_the_start_is_not_walked_again_and_new_cycles_are_found() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
