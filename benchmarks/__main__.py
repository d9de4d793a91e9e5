"""``python -m benchmarks``: every benchmark there is, one after the other."""

import subprocess
import sys

# Each in a process of its own: a reactor runs once.
for name in ("answers", "readers"):
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
