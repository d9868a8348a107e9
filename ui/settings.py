"""Settings of the host, from environment variables; all have a default that suits a laptop."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SAMPLE", "VIDEOS", "Settings", "settings"]

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "samples" / "two-people.mp4"
VIDEOS = ROOT / "videos"


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of this host.

    Attributes:
        hosted: FER_HOSTED=1; visitors are strangers, so folders of the server are not offered.
        max_upload_mb: FER_MAX_UPLOAD_MB, largest upload in megabytes.
        max_minutes: FER_MAX_MINUTES, longest clip in minutes.
        keep_minutes: FER_KEEP_MINUTES, how long a result stays after its page was last open.
        workers: FER_WORKERS, analyses at the same time.
        waiting: FER_WAITING, analyses that may wait.
        live_viewers: FER_LIVE_VIEWERS, people who may use their camera at the same time.
        notice: FER_NOTICE, what is said before a camera starts, in Markdown; empty for the usual words.
    """

    hosted: bool
    max_upload_mb: int
    max_minutes: float
    keep_minutes: float
    workers: int
    waiting: int
    live_viewers: int
    notice: str


def settings() -> Settings:
    """The settings as they are now; a value that is no number counts as not set."""

    def number(name: str, default: float) -> float:
        try:
            return max(0.01, float(os.environ.get(name, "")))
        except ValueError:
            return default

    return Settings(
        hosted=os.environ.get("FER_HOSTED", "") not in ("", "0", "false"),
        max_upload_mb=int(max(1, number("FER_MAX_UPLOAD_MB", 500))),
        max_minutes=number("FER_MAX_MINUTES", 60),
        keep_minutes=number("FER_KEEP_MINUTES", 30),
        workers=int(max(1, number("FER_WORKERS", 1))),
        waiting=int(max(1, number("FER_WAITING", 8))),
        live_viewers=int(max(1, number("FER_LIVE_VIEWERS", 4))),
        notice=os.environ.get("FER_NOTICE", "").strip(),
    )
