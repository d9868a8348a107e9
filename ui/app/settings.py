"""Settings of the host, from its secrets or environment variables; all have a default that suits a laptop.

FER_HOSTED turns the app into one that strangers may use: the defaults of the limits then are those of HOSTED.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import streamlit as st

from fer_core.utils.distribution import default_workspace, is_checkout, shipped
from fer_core.video.limits import Limits

__all__ = ["SAMPLE", "VIDEOS", "Settings", "setting", "settings"]

SAMPLE = shipped("samples/two-people.mp4")
VIDEOS = shipped("videos") if is_checkout() else default_workspace() / "videos"

LOCAL = {
    "FER_MAX_UPLOAD_MB": 500.0,  # what the browser may send; a larger clip goes into videos/
    "FER_MAX_MINUTES": math.inf,
    "FER_MAX_PIXELS": float(Limits().max_pixels),
    "FER_KEEP_MINUTES": 30.0,
    "FER_WAITING": 8.0,
    "FER_PER_VISITOR": math.inf,
    "FER_TRAINING_MINUTES": math.inf,
    "FER_STUDY_CLIPS": math.inf,
    "FER_STUDY_MINUTES": math.inf,
    "FER_STUDY_MB": math.inf,
}
HOSTED = {
    "FER_MAX_UPLOAD_MB": 100.0,
    "FER_MAX_MINUTES": 5.0,
    "FER_MAX_PIXELS": 2560.0 * 1440,
    "FER_KEEP_MINUTES": 60.0,
    "FER_WAITING": 8.0,
    "FER_PER_VISITOR": 2.0,
    "FER_TRAINING_MINUTES": 5.0,
    "FER_STUDY_CLIPS": 20.0,
    "FER_STUDY_MINUTES": 20.0,
    "FER_STUDY_MB": 500.0,
}
NAMES = ("FER_HOSTED", *LOCAL, "FER_WORKERS", "FER_TRAINING", "FER_LIVE_VIEWERS", "FER_NOTICE")


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of this host; infinite where there is none.

    Attributes:
        hosted: FER_HOSTED=1; visitors are strangers: folders of the server are not offered, and what is theirs is
            private to them and deleted with their visit.
        max_upload_mb: FER_MAX_UPLOAD_MB, largest upload in megabytes.
        max_minutes: FER_MAX_MINUTES, longest clip in minutes.
        max_pixels: FER_MAX_PIXELS, largest picture of a clip, width times height.
        keep_minutes: FER_KEEP_MINUTES, how long a result stays after its page was last open; on a host also how long
            a visit lasts in which nothing is done.
        workers: FER_WORKERS, analyses at the same time.
        waiting: FER_WAITING, analyses that may wait.
        per_visitor: FER_PER_VISITOR, analyses of one visitor that may run or wait.
        training: FER_TRAINING; networks may be trained here. On unless hosted.
        training_minutes: FER_TRAINING_MINUTES, longest training.
        study_clips, study_minutes, study_mb: FER_STUDY_CLIPS, FER_STUDY_MINUTES and FER_STUDY_MB, what a study holds.
        live_viewers: FER_LIVE_VIEWERS, people who may use their camera at the same time.
        live_minutes: longest session of a camera: as a clip, but at most an hour, as its table lies in memory.
        notice: FER_NOTICE, what is said beforehand, in Markdown; empty for the usual words, "off" for none.
    """

    hosted: bool
    max_upload_mb: int
    max_minutes: float
    max_pixels: int
    keep_minutes: float
    workers: int
    waiting: int
    per_visitor: float
    training: bool
    training_minutes: float
    study_clips: float
    study_minutes: float
    study_mb: float
    live_viewers: int
    live_minutes: float
    notice: str


_secrets: tuple[object, Mapping[str, Any]] = None, {}


def setting(name: str) -> Any:
    """Return one setting as it was given, in the host's secrets (.streamlit/secrets.toml) or else the environment.

    The secrets are read once: each look for their files is a wait for the disk, and a page asks some thirty times.
    """
    global _secrets
    if _secrets[0] is not st.secrets:
        _secrets = st.secrets, dict(st.secrets) if st.secrets.load_if_toml_exists() else {}
    found = _secrets[1]
    return found[name] if name in found else os.environ.get(name, "")


def settings() -> Settings:
    """Return the settings as they are now; a value that is no number counts as not set."""
    return _read(tuple(str(setting(name)).strip() for name in NAMES))


@lru_cache(maxsize=8)
def _read(values: tuple[str, ...]) -> Settings:
    given = dict(zip(NAMES, values, strict=True))
    hosted = _switch(given["FER_HOSTED"], False)
    usual = HOSTED if hosted else LOCAL

    def number(name: str, default: float | None = None) -> float:
        try:
            value = float(given[name])
        except ValueError:
            value = math.nan
        return (usual[name] if default is None else default) if math.isnan(value) else max(0.01, value)

    minutes = number("FER_MAX_MINUTES")
    return Settings(
        hosted=hosted,
        max_upload_mb=int(min(2000, max(1, number("FER_MAX_UPLOAD_MB")))),
        max_minutes=minutes,
        max_pixels=int(min(2**31, max(1, number("FER_MAX_PIXELS")))),
        keep_minutes=number("FER_KEEP_MINUTES"),
        workers=int(min(64, max(1, number("FER_WORKERS", 1)))),
        waiting=int(min(1000, max(1, number("FER_WAITING")))),
        per_visitor=max(1, number("FER_PER_VISITOR")),
        training=_switch(given["FER_TRAINING"], not hosted),
        training_minutes=number("FER_TRAINING_MINUTES"),
        study_clips=max(1, number("FER_STUDY_CLIPS")),
        study_minutes=number("FER_STUDY_MINUTES"),
        study_mb=number("FER_STUDY_MB"),
        live_viewers=int(min(1000, max(1, number("FER_LIVE_VIEWERS", 4)))),
        live_minutes=min(60.0, minutes),
        notice=given["FER_NOTICE"],
    )


def _switch(given: str, default: bool) -> bool:
    return default if given == "" else given.lower() not in ("0", "false", "no", "off")
