"""What the process of a training says of itself, and what it is told: status.json, and the file `stop`."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from fer_core.utils.files import read_object, write_atomic
from fer_core.utils.platform import remove_file

__all__ = ["Status", "read_status"]

RESERVE = 65536


def read_status(folder: Path) -> dict[str, Any]:
    """Return what the process of a run last said; empty where it has not spoken."""
    try:
        return read_object(folder / "status.json")
    except (OSError, ValueError):
        return {}


class Status:
    """The writing side. Keeps a little space on the disk, so that the last word can be said when it is full."""

    def __init__(self, folder: Path):
        self.folder, self.known = folder, read_status(folder)
        self._lock = threading.RLock()
        with contextlib.suppress(OSError):
            (folder / "reserve").write_bytes(bytes(RESERVE))

    def say(self, **values: Any) -> None:
        """Replace these values, and keep the others."""
        with self._lock:
            self.known = {**self.known, **values, "updated": time.time()}
            try:
                write_atomic(self.folder / "status.json", json.dumps(self.known))
            except OSError:
                remove_file(self.folder / "reserve")
                write_atomic(self.folder / "status.json", json.dumps(self.known))

    def leave(self, **values: Any) -> None:
        """Say a last word, and end the process whatever its other threads do."""
        with self._lock:  # nobody speaks after it
            with contextlib.suppress(OSError):
                self.say(**values)
                self.close()
            os._exit(0)

    @property
    def stop(self) -> bool:
        """Whether somebody asked it to stop, or took its folder away."""
        return (self.folder / "stop").exists() or not (self.folder / "config.json").exists()

    def close(self) -> None:
        """The process ends: what was there for it alone goes."""
        for name in ("stop", "reserve"):
            remove_file(self.folder / name)
