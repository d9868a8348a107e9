"""A short form of benchmarks/load.py: visitors at once, over the app's own HTTP and WebSocket; nothing is timed."""

from __future__ import annotations

from pathlib import Path

from benchmarks.load import Told, served, state, table, visit


def test_visitors_at_once_get_their_answers_and_leave_no_file(tmp_path: Path) -> None:
    told = Told()
    with served(tmp_path) as (address, process):
        _, _, paces = visit(address, process, clips=2, cameras=1, browsers=0, explorers=1, minutes=0, told=told)
        left = state(process, tmp_path)
    assert told.problems == []
    assert told.done == {"clip 1": 1, "clip 2": 1, "explorer 1": 1}
    assert len(paces) == 1 and paces[0] > 0, "live pictures came back"
    assert {"upload", "press “Analyse”", "choose in “View”", "open explore", "press “Start”"} <= set(told.answers)
    assert "upload" in table(told)
    assert not [name for name in left.files if "visits-" not in name], "clips and results go when they are deleted"
    assert "Traceback" not in (tmp_path / "server.log").read_text(errors="replace")
