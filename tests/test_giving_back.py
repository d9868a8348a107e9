"""Memory that nothing uses goes back to the system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import os
from pathlib import Path
from fer_core.giving_back import give_back

def used():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

give_back()
before = used()
rings = []
for _ in range(2000):  # small enough for the allocator's own heap, and unreachable only together
    ring = [bytearray(60_000)]
    ring.append(ring)
    rings.append(ring)
end = bytearray(60_000)  # above them: without a trim the heap ends here
most = used()
del rings, ring
give_back()
print(most - before, used() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only the C library of Linux keeps so much")
def test_what_is_unreachable_goes_back_to_the_system() -> None:
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=root, env=dict(os.environ), capture_output=True, text=True, timeout=120
    )
    grown, kept = map(float, done.stdout.split())
    assert grown > 100 and kept < 10, done.stderr
