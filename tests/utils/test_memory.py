"""Memory that nothing uses goes back to the system."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest

from fer_core.utils.memory import collect_rarely

CODE = """
import os
from pathlib import Path
from fer_core.utils.memory import give_back

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
    root = Path(__file__).resolve().parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=root, env=dict(os.environ), capture_output=True, text=True, timeout=120
    )
    grown, kept = map(float, done.stdout.split())
    assert grown > 100 and kept < 10, done.stderr


class Ring:
    """Knows itself."""

    def __init__(self) -> None:
        self.ring = self


def test_memory_is_looked_through_at_our_time_and_no_more_through_what_stays() -> None:
    usual, gone = gc.get_threshold(), threading.Event()
    over = collect_rarely(every=0.05)
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "collect")
    try:
        assert gc.get_freeze_count() > 10_000 and gc.get_threshold()[2] > 10_000
        ring = Ring()
        weakref.finalize(ring, gone.set)
        del ring
        assert gone.wait(60)
    finally:
        over.set()
        thread.join(60)
    assert gc.get_threshold() == usual and gc.get_freeze_count() == 0
