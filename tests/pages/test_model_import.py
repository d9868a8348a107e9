"""Bringing in a model on the page that trains, without TensorFlow: what is asked, what is kept, what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from fer_core.errors import ModelError
from fer_core.labels import FER7
from fer_core.models.bundle import Bundle
from fer_core.models.foreign_model import ForeignModel
from fer_core.models.registry import active_bundle, load_model

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[dict]]:
    """What was asked for; models are looked at and made by stand-ins (the real ones: test_importing)."""
    for name in ("FER_HOSTED", "FER_TRAINING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FER_HOME", str(tmp_path))
    found: list[dict] = []

    def inspect_model(files: Sequence[Path]) -> ForeignModel:
        found.append({"looked": [(path.name, path.read_bytes()) for path in files]})
        if files[0].read_bytes() == b"bad":
            raise ModelError("x.keras is no Keras model.")
        return ForeignModel(48, 1, 7, 1234, False)

    def import_model(files: Sequence[Path], **how: object) -> Bundle:
        found.append({"files": [path.name for path in files], **how})
        shutil.copytree(load_model("reference-cnn").folder, tmp_path / "models" / "brought")
        return load_model("brought")

    monkeypatch.setenv("FER_QUEUE", str(tmp_path / "queue"))
    monkeypatch.setattr("ui.train.time_estimate.SpeedTrial", lambda config: SimpleNamespace(ended=False))
    monkeypatch.setattr("ui.train.model_import.inspect_model", inspect_model)
    monkeypatch.setattr("ui.train.model_import.import_model", import_model)
    st.cache_resource.clear()
    yield found
    st.cache_resource.clear()


def start() -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / "train.py"), default_timeout=60).run()
    assert not app.exception
    return app


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def upload(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    box = next(box for box in app.file_uploader if box.label == "Keras model")
    box.set_value([(name, data, "application/octet-stream") for name, data in files]).run()
    assert not app.exception
    return app


def labelled(kind: Sequence, label: str):
    return next(one for one in kind if one.label == label)


def test_a_model_is_brought_in_when_its_labels_are_confirmed_and_can_be_used(asked: list[dict]) -> None:
    app = upload(start(), ("../My model.json", b"{}"), ("My weights.h5", b"h5"))
    assert asked == [{"looked": [("My-model.json", b"{}"), ("My-weights.h5", b"h5")]}]
    text = " ".join(str(m.value) for m in app.markdown)
    assert "48 × 48 pixels" in text and "1,234 parameters" in text and "7 answers" in text
    press(app, "Bring it in")
    assert "confirm the order" in app.warning[-1].value and len(asked) == 1, "looked at once, and not kept yet"
    order = labelled(app.radio, "What do its answers stand for?")
    assert len(order.options) == 6
    order.set_value(order.options[1])
    labelled(app.text_input, "Name of the model").set_value("Mine")
    app.checkbox[-1].check()
    press(app, "Bring it in")
    assert asked[1] == {
        "files": ["My-model.json", "My-weights.h5"],
        "labels": ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
        "scale": "unit",
        "name": "Mine",
    }
    assert set(asked[1]["labels"]) == set(FER7)
    assert "among your models" in app.success[-1].value
    press(app, "Use this model")
    assert active_bundle() == "brought"
    assert any("In use" in str(m.value) for m in app.markdown)


def test_what_is_refused_is_said(asked: list[dict]) -> None:
    app = upload(start(), ("x.keras", b"bad"))
    assert "no Keras model" in app.error[-1].value
    assert not any(button.label == "Bring it in" for button in app.button)
