"""Bounds of a study: how many clips, minutes and bytes it may hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fer_core.errors import LimitError
from fer_core.studies.manifest import ClipEntry

__all__ = ["Bounds"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a study may hold; None for no bound.

    Attributes:
        clips, seconds, bytes: of all its clips together.
    """

    clips: int | None = None
    seconds: float | None = None
    bytes: int | None = None

    def check(self, held: Sequence[ClipEntry], more: ClipEntry) -> None:
        """Raise LimitError where one more clip would be too much."""
        if self.clips is not None and len(held) >= self.clips:
            raise LimitError(f"This study holds {len(held)} clips already; at most {self.clips} are allowed here.")
        length = sum(entry.seconds or 0.0 for entry in (*held, more))
        if self.seconds is not None and length > self.seconds:
            raise LimitError(f"With it the study would be longer than the {self.seconds / 60:g} minutes allowed here.")
        size = sum(entry.bytes for entry in (*held, more))
        if self.bytes is not None and size > self.bytes:
            raise LimitError(f"With it the study would be larger than the {self.bytes / 1024**2:,.0f} MB allowed here.")
