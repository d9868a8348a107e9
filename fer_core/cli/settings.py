"""Settings of an earlier analysis, read from a file, so that the same numbers are made again."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from fer_core import __version__
from fer_core.analysis.pipeline import AnalysisOptions
from fer_core.cli.common import say
from fer_core.errors import ModelError, OptionError
from fer_core.faces.detector import DETECTORS, STILL
from fer_core.models.registry import load_model
from fer_core.tracking.smoothing import Smoothing
from fer_core.utils.files import read_object

__all__ = ["take_settings"]

OWN: dict[str, object] = {
    **{"model": None, "detector": "yunet", "detail": None},
    **{"fps": None, "every": 1, "start": 0.0, "end": None, "measures": False},
}
"""Options of the command line that the file says too, and their defaults."""
USUAL_SIDES = (320, max(STILL))
"""Sides that the command line takes by itself, for clips and for pictures."""


def take_settings(args: argparse.Namespace) -> AnalysisOptions:
    """Read `args.settings`, and set model and detector in `args` as the file says.

    Args:
        args: of `analyze`; `settings` is `settings.json` of a bundle, or the JSON of an analysis.

    Returns:
        The options of that analysis.

    Raises:
        OptionError: the file cannot be read, or an option on the command line says the same a second time.
        ModelError: the model is not there, or has other weights than those of that analysis.
    """
    twice = [f"--{name}" for name, usual in OWN.items() if getattr(args, name) != usual]
    if twice:
        raise OptionError(
            f"--settings already says what {', '.join(twice)} would say. Leave out one of them; "
            "to change a setting, change it in the file."
        )
    settings = _read(args.settings)
    try:
        options = AnalysisOptions(
            **{f.name: _value(f.name, settings[f.name]) for f in dataclasses.fields(AnalysisOptions)}
        )
        args.model, args.detector = str(settings["model"]), settings["detector"]
        side, args.smallest = int(settings["detector_side"]), float(settings["smallest_face"])
    except (KeyError, TypeError, ValueError) as error:
        raise OptionError(
            f"The file {args.settings} holds no complete settings ({_words(error)}). "
            "Take settings.json as it came with the bundle."
        ) from error
    if args.detector not in DETECTORS:
        raise OptionError(f"There is no face detector called {args.detector!r}. Choose one of: {', '.join(DETECTORS)}.")
    args.detail = None if side in USUAL_SIDES else side
    _check_model(args.model, settings.get("model_sha256"))
    if settings.get("fer_core") != __version__:
        say(f"The settings come from version {settings.get('fer_core')}; this is {__version__}. Numbers may differ.")
    return options


def _read(path: Path) -> dict[str, Any]:
    try:
        found = read_object(path).get("settings")
    except (OSError, ValueError) as error:
        raise OptionError(
            f"The settings in {path} cannot be read: {getattr(error, 'strerror', None) or 'it is no JSON file'}. "
            "Give the settings.json of a bundle."
        ) from error
    if not isinstance(found, dict):
        raise OptionError(f'The file {path} holds no "settings". Give the settings.json of a bundle.')
    return found


def _value(name: str, value: Any) -> Any:
    return Smoothing(**value) if name == "smoothing" else value


def _check_model(name: str, expected: object) -> None:
    found = load_model(name).card.get("sha256")
    if expected and found != expected:
        raise ModelError(
            f"The model {name!r} has other weights than those of the settings: {str(found)[:12]} in place of "
            f"{str(expected)[:12]}. Bring in the model that was used, or analyse without --settings."
        )


def _words(error: Exception) -> str:
    return f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
