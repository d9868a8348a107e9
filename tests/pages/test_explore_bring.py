"""Bringing images in by the page: a folder of this computer, FER2013 from Kaggle; on a host neither is offered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from helpers.archives import FACES, folders
from helpers.kaggle_server import TOKEN, Kaggle, serving
from streamlit.testing.v1 import AppTest

from fer_core.datasets.library import list_datasets, load_dataset
from tests.datasets.test_read_cache import csv_of, folder_of

PAGE = str(Path(__file__).resolve().parent.parent.parent / "pages" / "explore.py")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An empty home, nothing cached, room on the disk."""
    monkeypatch.delenv("FER_HOSTED", raising=False)
    monkeypatch.setenv("FER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("fer_core.datasets.kaggle.ROOM", 1)
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.fixture
def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kaggle]:
    with serving(monkeypatch, tmp_path) as server:
        server.archive = folders()
        yield server


def start() -> AppTest:
    return whole(AppTest.from_file(PAGE, default_timeout=120).run())


def whole(app: AppTest) -> AppTest:
    assert not app.exception
    return app


def press(app: AppTest, label: str) -> AppTest:
    return whole(next(b for b in app.button if b.label == label).click().run())


def write(app: AppTest, key: str, text: str) -> None:
    app.text_input(key=key).set_value(text)


def name_place(app: AppTest, place: object) -> AppTest:
    write(app, "explore-place-path", str(place))
    return press(app, "Read and keep it")


def words(app: AppTest) -> str:
    return " ".join(element.value for kind in (app.markdown, app.info, app.success, app.error) for element in kind)


def until(app: AppTest, wished: str) -> AppTest:
    """Runs the page, as its own timer would, until it says that."""
    for _ in range(600):
        if wished in words(app) or any(wished in bar.proto.text for bar in app.get("progress")):
            return app
        threading.Event().wait(0.2)
        whole(app.run())
    raise AssertionError(f"{wished!r} was never said: {words(app)}")


@pytest.mark.parametrize("source", [csv_of, folder_of])
def test_a_place_on_this_computer(tmp_path: Path, source) -> None:
    app = start()
    write(app, "explore-place-name", "Mine")
    name_place(app, f'"{source(tmp_path)}"')
    assert f"{len(FACES) + 2} images were read" in words(app) and app.selectbox[0].value == "mine"
    assert len(load_dataset("mine")) == len(FACES) + 2
    assert "1 left out" in list_datasets()[1].note and str(tmp_path) in list_datasets()[1].source


def test_votes_beside_a_file_are_taken(tmp_path: Path) -> None:
    head = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
    (tmp_path / "fer2013new.csv").write_text(head + "Training,x,9,0,0,0,0,0,0,0,0,1\n" * 9)
    app = name_place(start(), csv_of(tmp_path))
    assert load_dataset(app.selectbox[0].value).votes[0, 0] == 9


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("", "Name a folder or file first"),
        ("/no/such/place", "cannot be used"),
        ("~nobody-of-that-name/x", "no place on this computer"),
        ("a\0b", "no place on this computer"),
        ("x" * 900, "no place on this computer"),
        ("/dev/zero", "is a device"),
    ],
)
def test_a_place_that_is_none_is_one_sentence(place: str, says: str) -> None:
    app = name_place(start(), place)
    assert len(app.error) == 1 and says in app.error[0].value and len(list_datasets()) == 1


def test_a_download_is_followed_and_opened(kaggle: Kaggle) -> None:
    kaggle.archive, kaggle.slow = folders() + b"\0" * 10_000_000, True
    app = start()
    write(app, "explore-kaggle-token", TOKEN)
    press(app, "Download")
    until(app, "Loading from Kaggle")
    other = until(start(), "Loading from Kaggle")  # a page that is opened anew follows it too
    assert "A download runs" in words(other) and TOKEN not in str(other.session_state)
    press(other, "Stop the download")
    until(other, "was stopped; nothing of it was kept")  # the stand-in holds the rest back until then
    assert len(list_datasets()) == 1
    kaggle.archive, kaggle.slow = folders(), False
    write(other, "explore-kaggle-token", TOKEN)
    press(other, "Download")
    until(other, f"{len(FACES)} images were loaded and kept as")
    assert other.selectbox[0].value == "fer2013" and "was stopped" not in words(other)


def test_what_went_wrong_with_a_download_stands_there(kaggle: Kaggle) -> None:
    app = start()
    write(app, "explore-kaggle-token", "not a token")
    assert "no Kaggle token" in words(press(app, "Download")) and kaggle.asked == []
    write(app, "explore-kaggle-token", "KGAT_of_somebody_else")
    until(press(app, "Download"), "Kaggle does not accept this token")
    assert len(app.error) == 1 and len(list_datasets()) == 1


def test_a_host_offers_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_HOSTED", "1")
    monkeypatch.setenv("FER_NOTICE", "off")
    app = start()
    assert [button.label for button in app.button if button.label == "Read and keep"]
    assert not {"Download", "Read and keep it"} & {button.label for button in app.button} and not app.tabs
