"""Settings of a study: how all its clips are analysed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2

from fer_core.analysis.pipeline import AnalysisOptions
from fer_core.errors import FerError, OptionError
from fer_core.faces.detector import DETECTORS, STILL, FaceDetector
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.models.classifier import Classifier
from fer_core.models.registry import DEFAULT, load_model
from fer_core.tracking.smoothing import Smoothing
from fer_core.utils.files import read_object

__all__ = ["StudySettings", "read_settings"]


@dataclass(frozen=True, slots=True)
class StudySettings:
    """How the clips of a study are analysed.

    Attributes:
        model: name of the model that names the expressions.
        detector: "yunet" or "haar".
        detector_side: longer side in pixels of the picture that the detector sees; pictures get a closer look.
        sample_fps: frames analysed in a second of a clip; None for all.
        frame_stride: only each n-th frame is analysed; used where `sample_fps` is None.
        time_constant, min_dwell_s, switch_margin: see `Smoothing`.
        annotate: also make a clip with boxes and expressions.
        blur: make faces unrecognisable in that clip.

    Raises:
        OptionError: a value is outside its range.
    """

    model: str = DEFAULT
    detector: str = "yunet"
    detector_side: int = 320
    sample_fps: float | None = 10.0
    frame_stride: int = 1
    time_constant: float = 0.4
    min_dwell_s: float = 0.3
    switch_margin: float = 0.15
    annotate: bool = False
    blur: bool = False

    def __post_init__(self) -> None:
        if self.detector not in DETECTORS:
            raise OptionError(f"'detector' must be one of {', '.join(DETECTORS)}; received {self.detector!r}.")
        if not 64 <= self.detector_side <= 2048:
            raise OptionError(f"'detector_side' must lie between 64 and 2048 pixels; received {self.detector_side}.")
        self.options()  # checks the rest

    @classmethod
    def from_object(cls, given: Mapping[str, Any], source: str) -> StudySettings:
        """Make settings of what a JSON file holds.

        Args:
            given: names and values; what is missing has its default.
            source: what an error calls the file.

        Raises:
            OptionError: a name is not known, or a value is of another kind or outside its range.
        """
        kinds = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}
        types = {field.name: str(field.type) for field in fields(cls)}
        for name, value in given.items():
            if name not in types:
                raise OptionError(f"{source}: there is no setting {name!r}. Choose from: {', '.join(types)}.")
            kind, *empty = types[name].split(" | ")
            fits = type(value) in kinds[kind] or (value is None and empty)
            if not fits:
                raise OptionError(f"{source}: {name!r} must be {types[name]}; received {value!r}.")
        return cls(**given)

    def as_object(self) -> dict[str, Any]:
        """Return all settings as JSON can hold them."""
        return asdict(self)

    @property
    def key(self) -> str:
        """Short hash: results of equal keys were made with the same settings."""
        return hashlib.blake2b(json.dumps(self.as_object(), sort_keys=True).encode(), digest_size=4).hexdigest()

    def options(self, confidence_threshold: float = 0.0) -> AnalysisOptions:
        """Return the options of each clip's analysis; the threshold is the model's."""
        smoothing = Smoothing(self.time_constant, self.min_dwell_s, self.switch_margin)
        return AnalysisOptions(
            sample_fps=self.sample_fps,
            frame_stride=self.frame_stride,
            smoothing=smoothing,
            confidence_threshold=confidence_threshold,
        )

    def analysis_options(self) -> AnalysisOptions:
        """Return the options of each clip's analysis, with the model's threshold.

        Raises:
            ModelError: there is no such model.
        """
        return self.options(load_model(self.model).confidence_threshold)

    def recognizer(self, *, picture: bool = False) -> ExpressionRecognizer:
        """Return what finds and names faces, loaded once in a process.

        Args:
            picture: for a picture that stands alone, in which smaller faces are found.
        """
        sha256 = str(load_model(self.model).card.get("sha256"))
        return _recognizer(self.model, sha256, self.detector, STILL if picture else self.detector_side)


@lru_cache(maxsize=4)
def _recognizer(model: str, sha256: str, detector: str, side: int | tuple[int, ...]) -> ExpressionRecognizer:
    # The hash is in the key: a model that was trained again under the same name is loaded again.
    cv2.setNumThreads(1)  # several processes are at work; more threads would only get in each other's way
    return ExpressionRecognizer(Classifier(load_model(model)), FaceDetector(detector, side=side, alone=True))


def read_settings(path: Path) -> StudySettings:
    """Read settings from a JSON file.

    Raises:
        FerError: it cannot be read, or holds something else.
    """
    try:
        return StudySettings.from_object(read_object(path), path.name)
    except OSError as error:
        raise FerError(f"{path} cannot be read: {error.strerror}. Name a JSON file with settings.") from error
    except ValueError as error:
        raise FerError(f"{path} is no JSON object with settings: {error}. Write it as in docs/studies.md.") from error
