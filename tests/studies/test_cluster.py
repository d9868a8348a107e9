"""Where the work runs: workers that listen on this machine alone, and errors of a cluster as sentences."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from fer_core.errors import FerError, OptionError
from fer_core.studies.cluster import checked_scheduler, local_workers, open_engine
from fer_core.studies.manifest import StudyError

ROOT = Path(__file__).resolve().parent.parent.parent


def double(number: int) -> dict[str, Any]:
    return {"number": 2 * number, "process": os.getpid()}


def die() -> dict[str, Any]:
    os._exit(1)


def outcomes(engine: Any, count: int) -> dict[Any, dict[str, Any]]:
    found = {}
    for _ in range(600):
        got = engine.next(0.25)
        if got is not None:
            found[got[0]] = got[1]
        if len(found) == count:
            return found
    raise AssertionError(f"only {found} came back")


def test_one_worker_is_this_process_and_brings_no_dask() -> None:
    code = """
import sys
from fer_core.studies.cluster import open_engine
import fer_core.studies.runner
with open_engine(1) as engine:
    engine.submit("a", lambda: {"state": "done"})
    assert engine.next(0.1) == ("a", {"state": "done"}) and engine.next(0.1) is None
assert not {"dask", "distributed"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)


def test_own_workers_listen_on_this_machine_alone_and_a_task_that_kills_is_said() -> None:
    with open_engine(2) as engine:
        assert engine.slots == 2
        engine.submit("fatal", die)
        for number in range(6):
            engine.submit(number, double, number)
        found = outcomes(engine, 7)
        own = psutil.Process()
        sockets = [c for p in (own, *own.children(recursive=True)) for c in p.net_connections("inet")]
        heard = {c.laddr.ip for c in sockets if c.status == psutil.CONN_LISTEN}
    assert heard == {"127.0.0.1"}
    fatal = found.pop("fatal")
    assert fatal["state"] == "failed" and "ended 3 times" in fatal["error"]
    assert [found[n].get("number") for n in range(6)] == [0, 2, 4, 6, 8, 10], "others are not blamed for it"
    assert os.getpid() not in {one["process"] for one in found.values()}


def test_a_scheduler_that_does_not_answer_and_odd_numbers_are_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FerError, match="tcp://host:8786"):
        checked_scheduler("host:8786")
    monkeypatch.setenv("FER_SCHEDULER", "tcp://10.0.0.5:8786")
    assert checked_scheduler(None) == "tcp://10.0.0.5:8786"
    assert checked_scheduler("tls://other:1") == "tls://other:1"
    for count in (0, 257):
        with pytest.raises(OptionError, match="between 1 and 256"):
            local_workers(count)
    assert local_workers(3) == 3 and 1 <= local_workers() <= (os.cpu_count() or 1)
    monkeypatch.setattr("fer_core.studies.cluster.PATIENCE", 1)
    with pytest.raises(StudyError, match="does not answer"), open_engine(1, "tcp://127.0.0.1:9"):
        pass
