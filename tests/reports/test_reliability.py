"""What speaks against a model's answers, by its card."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer_core.models.bundle import Bundle
from fer_core.models.registry import DEFAULT, load_model
from fer_core.reports.reliability import measured_accuracy, reliability_warning


def model(trained_on: str, metrics: object = None, name: str = "mine") -> Bundle:
    return Bundle(Path(), name, (), "", 0.0, {"data": {"trained_on": trained_on}, "metrics": metrics})


@pytest.mark.parametrize(
    ("trained_on", "accuracy", "says"),
    [
        ("synthetic, Training, 1,750 images", 0.98, "drawn faces"),
        ("mine, Training, 4,999 images", 0.98, "4,999 images only"),
        ("mine, Training, 5,000 images", 0.98, None),
        ("FER2013, Training, 28,709 images", 0.5, "50%"),
        ("FER2013, Training, 28,709 images", 0.65, None),
        ("not known", None, None),
    ],
)
def test_a_model_of_little_worth_says_so(trained_on: str, accuracy: float | None, says: str | None) -> None:
    warning = reliability_warning(model(trained_on, {"PublicTest": {"accuracy": accuracy}}), load_model(DEFAULT))
    assert warning is None if says is None else says in str(warning)


def test_the_shipped_models_need_no_warning() -> None:
    shipped = load_model(DEFAULT)
    assert measured_accuracy(shipped) == pytest.approx(0.725, abs=0.001)
    assert reliability_warning(shipped, shipped) is None
    assert reliability_warning(load_model("reference-cnn"), shipped) is None
