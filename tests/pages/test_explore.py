"""The page that explores a dataset, without a browser: the drawn faces, an upload, a cleaned copy, what is bad."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import streamlit as st
from helpers.fake_runs import fake_run
from streamlit.testing.v1 import AppTest
from streamlit.typing import VegaLiteState

from fer_core.curation.embeddings import embed_2d, features
from fer_core.curation.image_stats import image_stats
from fer_core.curation.quality_report import check_dataset
from fer_core.curation.summary import listing_csv, mean_faces, people_say, sprite
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import SYNTHETIC, list_datasets, load_dataset, save_dataset
from fer_core.datasets.readers import open_dataset
from fer_core.datasets.synthetic import BLANK, CONFLICTS, LEAKS
from fer_core.datasets.votes import agreement, most_voted, votes_of
from fer_core.labels import FER7
from fer_core.training.config import TrainingConfig
from fer_core.training.runs import Run
from ui.app.resources import jobs
from ui.components.datasets import load
from ui.explore.library import means

PAGE = str(Path(__file__).resolve().parent.parent.parent / "pages" / "explore.py")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An empty home, nothing cached."""
    monkeypatch.delenv("FER_HOSTED", raising=False)
    monkeypatch.setenv("FER_HOME", str(tmp_path / "home"))
    st.cache_resource.clear()
    yield
    jobs().close()
    st.cache_resource.clear()


def voted() -> Dataset:
    """Six images: a pair across splits, one that people see otherwise, one on which they do not agree."""
    images = np.random.default_rng(0).integers(0, 256, (6, 48, 48)).astype(np.uint8)
    images[5] = images[0]
    votes = np.zeros((6, 10), np.uint8)
    votes[:, 1] = 10
    votes[2] = [0, 0, 0, 9, 0, 0, 0, 0, 1, 0]
    votes[3] = [3, 4, 0, 3, 0, 0, 0, 0, 0, 0]
    splits = np.array(["Training"] * 5 + ["Test"])
    return Dataset(images, np.array([0, 0, 0, 0, 1, 0]), ("happy", "=sad"), splits, votes)


def test_what_is_found_in_the_drawn_faces_is_kept_for_all_and_in_others_for_their_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drawn, own = next(stored for stored in list_datasets() if stored.name == SYNTHETIC), voted()
    first = means(load(drawn)), means(own)
    monkeypatch.setenv("FER_HOME", str(tmp_path / "other"))
    second = means(load(drawn)), means(own)
    assert second[0][1] is first[0][1] and second[1][1] is not first[1][1]
    np.testing.assert_array_equal(second[1][1], first[1][1])


def start() -> AppTest:
    return whole(AppTest.from_file(PAGE, default_timeout=120).run())


def whole(app: AppTest) -> AppTest:
    assert not app.exception
    return app


def view(app: AppTest, name: str) -> AppTest:
    app.segmented_control[0].set_value(name)
    return whole(app.run())


def show(app: AppTest, name: str) -> AppTest:
    app.segmented_control[1].set_value(name)
    return whole(app.run())


def words(app: AppTest) -> str:
    return " ".join(element.value for kind in (app.markdown, app.info, app.success, app.error) for element in kind)


def pictures(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


def choose(app: AppTest, name: str) -> AppTest:
    return whole(app.selectbox[0].set_value(name).run())


def submit(app: AppTest, label: str) -> AppTest:
    return whole(next(b for b in app.button if b.label == label).click().run())


def upload(app: AppTest, name: str, data: bytes) -> AppTest:
    app.file_uploader[0].set_value((name, data, "application/octet-stream"))
    return submit(app, "Read and keep")


def select(app: AppTest, key: str, selection: dict) -> AppTest:
    """What a click in a chart does: AppTest has no browser that could be clicked."""
    fingerprint = load_dataset(app.selectbox[0].value).fingerprint[:8]
    app.session_state[f"explore-{key.format(fingerprint)}"] = VegaLiteState({"selection": selection})
    return whole(app.run())


def done(app: AppTest, label: str) -> AppTest:
    """Begin work of the background, and draw the page until it is through."""
    submit(app, label)
    end = time.monotonic() + 240
    while any(button.label == "Stop" for button in app.button):
        assert time.monotonic() < end, words(app)
        time.sleep(0.1)
        whole(app.run())
    return app


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, name in enumerate(("train/happy/a", "train/sad/b", "test/happy/c", "test/sad/d")):
            image = np.random.default_rng(number % 3).integers(0, 256, (48, 48)).astype(np.uint8)
            archive.writestr(f"{name}.png", cv2.imencode(".png", image)[1].tobytes())
    return buffer.getvalue()


def test_the_drawn_faces_are_said_to_be_drawn_and_filters_hold():
    app = start()
    assert "These faces are drawn" in words(app) and "**2,100** of 2,100 images" in words(app)
    assert pictures(app).count("<figure ") == 60
    splits, labels = app.multiselect[:2]
    splits.set_value(["PublicTest"])
    labels.set_value(["happy"])
    whole(app.run())
    data = load_dataset("synthetic")
    n = int(((data.splits == "PublicTest") & (data.labels == data.names.index("happy"))).sum())
    assert f"**{n}** of 2,100 images" in words(app)
    assert pictures(app).count("<figcaption>happy") == min(n, 60)
    app.multiselect[0].set_value([])
    app.multiselect[1].set_value([])
    app.number_input[0].set_value(7)
    whole(app.run())
    assert "**1** of 2,100 images" in words(app) and "row 7<" in pictures(app)
    app.number_input[0].set_value(999_999)
    assert "There is no such image" in words(whole(app.run()))


def test_the_quality_report_and_a_cleaned_copy():
    app = view(start(), "What is wrong")
    leaks = LEAKS + CONFLICTS
    assert app.metric[1].value == str(leaks)
    assert f"{leaks / 350:.1%} of PublicTest leak" in words(app)
    assert pictures(app).count('class="group"') == leaks and pictures(app).count("<br>PublicTest<br>row") == leaks
    show(app, "Labels that contradict")
    assert pictures(app).count('class="group"') == CONFLICTS
    for group in pictures(app).split('class="group"')[1:]:
        assert len(set(re.findall(r"<figcaption>(\w+)<", group))) == 2
    show(app, "Blank")
    assert pictures(app).count("<figure ") == BLANK
    show(app, "Odd")
    assert app.metric[4].value == str(pictures(app).count("<figure ")) and "very " in pictures(app)
    app.text_input[-1].set_value("12, many")
    assert "whole numbers" in words(submit(app, "Make the cleaned copy"))
    app.text_input[-1].set_value("999999")
    assert "There is no row 999999" in words(submit(app, "Make the cleaned copy"))
    assert len(list_datasets()) == 1
    app.text_input[-1].set_value("12, 40")
    submit(app, "Make the cleaned copy")
    assert app.selectbox[0].value == "synthetic-clean" and "were left out" in words(app)
    copy = load_dataset("synthetic-clean")
    assert not len(check_dataset(copy).leaked) and not {12, 40} & set(copy.rows.tolist())


def test_the_page_that_trains_offers_the_cleaned_copy(monkeypatch: pytest.MonkeyPatch):
    app = view(start(), "What is wrong")
    app.text_input[-2].set_value("Tidy faces")
    app.text_input[-1].set_value("12, 40")
    submit(app, "Make the cleaned copy")
    copy, whole_set = load_dataset("tidy-faces"), load_dataset("synthetic")
    drawn = check_dataset(whole_set)
    assert len(drawn.leaked) and len(drawn.blank) and {12, 40} < set(whole_set.rows.tolist())
    asked: list[TrainingConfig] = []

    def begin(config: TrainingConfig, *, minutes: float | None) -> Run:
        asked.append(config)
        return fake_run("first", state="queued", **{**json.loads(config.to_json()), "name": "first"})

    monkeypatch.setattr("ui.train.limits.start", begin)
    train = whole(AppTest.from_file(PAGE.replace("explore.py", "train.py"), default_timeout=120).run())
    offered = train.selectbox(key="data")
    assert f"Tidy faces · {len(copy):,} images" in offered.options
    whole(offered.set_value("tidy-faces").run())
    submit(train, "Train")
    # What a trainer opens of that name has neither the rows that were named nor any fault.
    (config,) = asked
    taken = open_dataset(config.data)
    assert taken.fingerprint == copy.fingerprint and not {12, 40} & set(taken.rows.tolist())
    left = check_dataset(taken)
    assert not left.groups and not len(left.leaked) and not len(left.blank)
    assert set(whole_set.rows[drawn.blank].tolist()).isdisjoint(taken.rows.tolist())


def test_mean_faces():
    save_dataset("few", voted())
    assert pictures(view(choose(start(), "few"), "Mean faces")).count("<figure ") == 4


def test_near_copies_are_found_in_the_background_and_may_go():
    data = voted()
    images = data.images.copy()
    images[4] = cv2.flip(images[1], 1)
    images[5] = np.clip(images[1].astype(int) + 1, 0, 255)
    splits = np.array(["Training"] * 5 + ["Test"])
    save_dataset("few", Dataset(images, data.labels, data.names, splits))
    app = show(view(choose(start(), "few"), "What is wrong"), "Near copies")
    done(app, "Look for near copies")
    assert "**3 pairs** of near copies, 2 of them across splits" in words(app)
    assert "**100.0%** of the images outside Training have a twin in it: 1 of 1" in words(app)
    assert pictures(app).count('class="group"') == 3
    show(app, "Blank")  # what was found stays for the form
    assert "2 images in Training with a near copy" in app.checkbox[0].label
    submit(app, "Make the cleaned copy")
    assert load_dataset("few-clean").rows.tolist() == [0, 2, 3, 5]


def test_no_near_copies():
    save_dataset("few", voted())
    app = show(view(choose(start(), "few"), "What is wrong"), "Near copies")
    assert "No near copies" in words(done(app, "Look for near copies"))


def test_the_map_and_the_images_of_a_box():
    data = load_dataset("synthetic").select(np.arange(60))
    save_dataset("few", data)
    app = view(choose(start(), "few"), "Map")
    app.selectbox(key="explore-map-model").set_value("")  # plain pixels
    done(whole(app.run()), "Draw the map")
    places = embed_2d(features(data, None))
    (chart,) = app.get("vega_lite_chart")
    assert json.loads(chart.proto.spec)["params"][0]["select"]["type"] == "interval"
    middle, right = float(np.median(places[:, 0])), 1.0
    select(app, "map-{}-pixels-chart", {"brush": {"x": [right, middle], "y": [-1, 1]}})
    inside = np.flatnonzero(places[:, 0] >= middle)
    assert f"**{len(inside)}** of 60 images" in words(app)
    rows = [int(row) for row in re.findall(r"<br>row (\d+)<", pictures(app))]
    assert rows == inside.tolist()
    counts = np.bincount(data.labels[inside], minlength=7)
    assert f"**{counts.max()}** {FER7[counts.argmax()]}" in words(app)


def test_doubtful_labels_stand_first():
    data = load_dataset("synthetic").split("Training").select(np.arange(240))
    wrong = np.flatnonzero(data.labels == FER7.index("happy"))[:3]
    labels = data.labels.copy()
    labels[wrong] = FER7.index("sad")
    save_dataset("few", Dataset(data.images, labels, data.names, data.splits, rows=data.rows))
    app = view(choose(start(), "few"), "Doubtful labels")
    assert "fitted to the others alone" in " ".join(caption.value for caption in app.caption)
    done(app, "Look for doubtful labels")
    app.multiselect[0].set_value(["sad"])
    whole(app.run())
    tiles = re.findall(r"<figcaption>sad<br>row (\d+)<br>probably (\w+) \((\d+)%\)", pictures(app))
    assert {int(row) for row, name, _ in tiles if name == "happy"} >= set(data.rows[wrong].tolist())


def test_a_map_of_two_images_is_one_sentence():
    save_dataset("two", voted().select([0, 1]))
    app = view(choose(start(), "two"), "Map")
    done(app, "Draw the map")
    assert [error.value for error in app.error] == ["There are 2 images; a map needs at least 3."]


def test_people_and_labels():
    app = view(start(), "Labels and people")
    assert "Nobody was asked" in words(app)
    save_dataset("few", voted())
    app = choose(whole(app.run()), "few")
    assert "**6** images" in words(app) and "**50%**" in words(app)
    first = pictures(app).split("<figure")[1]
    assert "happy · row 3<" in first and 'aria-label="People saw: 4 happiness, 3 neutral, 3 sadness"' in first
    assert [int(width) for width in re.findall(r"width: (\d+)%", first)] == [100, 75, 75]
    select(app, "people-{}", {"cell": [{"label": "happy", "people": "sadness"}]})
    assert pictures(app).count("<figure") == 1 and "happy · row 2<" in pictures(app)


def test_a_click_in_a_histogram_and_the_extremes():
    save_dataset("few", voted())
    app = view(choose(start(), "few"), "Light and sharpness")
    table = image_stats(voted().images)
    order = table["brightness"].argsort(kind="stable").tolist()
    rows = re.findall(r"row (\d)<br>brightness", pictures(app))
    assert [int(row) for row in rows] == order
    show(app, "Sharpest")
    rows = re.findall(r"row (\d)<br>sharpness", pictures(app))
    assert [int(row) for row in rows] == (-table["sharpness"]).argsort(kind="stable").tolist()
    select(app, "light-{}-contrast", {"bin": [{"bin": 39}]})  # the last bin holds the image with the most
    assert f"row {table['contrast'].argmax()}<" in pictures(app) and pictures(app).count("<figure ") < 6
    assert f"to {table['contrast'].max():.1f}**" in words(app)


def test_chosen_images_are_left_out_of_the_cleaned_copy():
    app = start()
    app.multiselect[1].set_value(["sad"])
    whole(app.run())
    shown = next(m for m in app.multiselect if m.label == "Images of this page")
    first = int(shown.options[0].split(" row ")[1])
    shown.set_value([first])
    submit(app, "Leave these out")
    assert pictures(app).count('class=" out"') == 1
    app.multiselect[1].set_value(["fear"])
    fears = int((load_dataset("synthetic").labels == 2).sum())
    submit(whole(app.run()), f"Leave out all {fears}")
    view(app, "What is wrong")
    assert f"**{fears + 1}** images that you chose" in words(app)
    submit(app, "Make the cleaned copy")
    copy = load_dataset("synthetic-clean")
    assert first not in copy.rows and not (copy.labels == 2).any() and (copy.labels == 5).sum() > 250
    choose(app, "synthetic")
    submit(app, "Put all back")
    assert "that you chose" not in words(app)


def test_a_zip_is_kept_under_its_name_and_can_be_deleted():
    app = start()
    app.text_input[0].set_value("Mine")
    upload(app, "own.zip", zipped())
    assert app.selectbox[0].value == "mine" and "4 images were read" in words(app)
    view(app, "What is wrong")
    assert "50.0% of Test leak**: 1 of 2 have an exact copy" in words(app)
    submit(app, "Delete")
    assert app.selectbox[0].value == "synthetic" and len(list_datasets()) == 1


def row(label: str = "3", pixels: int = 48 * 48, value: int = 7) -> str:
    return f"{label},{' '.join([str(value)] * pixels)},Training\n"


HEAD = "emotion,pixels,Usage\n"


def members(*names: str, link: bool = False) -> bytes:
    """A ZIP of such members, each no picture; a link where asked for."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o120777 if link else 0o100644) << 16
            archive.writestr(info, b"/etc/passwd" if link else b"no picture")
    return buffer.getvalue()


BAD = {
    "half.zip": (zipped()[:300], "not whole|no whole ZIP"),
    "outside.zip": (members("../../happy/a.png"), "outside.zip holds"),
    "link.zip": (members("happy/a.png", link=True), "is a link"),
    "letters.zip": (members("happy/a.png", "happy/b.txt"), "no picture"),
    "paper.csv": (b"%PDF-1.7 ...", "is a PDF"),
    "empty.csv": (b"", "empty|no row|no line"),
    "other.csv": (b"a,b\n1,2\n", "column"),
    "short.csv": ((HEAD + row(pixels=2303)).encode(), "2303 pixels"),
    "bright.csv": ((HEAD + row(value=300)).encode(), "0 to 255|300"),
    "label.csv": ((HEAD + row("9")).encode(), "no code from 0 to 6"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_upload_is_one_sentence_and_leaves_nothing(name: str, tmp_path: Path):
    data, says = BAD[name]
    app = upload(start(), name, data)
    assert len(app.error) == 1 and "cannot be used" in app.error[0].value
    assert re.search(says, app.error[0].value), app.error[0].value
    assert len(list_datasets()) == 1 and not list((tmp_path / "home").glob("datasets/*"))


def test_what_would_unpack_to_too_much(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fer_core.utils.archives.MOST_BYTES", 1000)
    app = upload(start(), "bomb.zip", zipped())
    assert "would unpack to" in app.error[0].value and len(list_datasets()) == 1


def test_a_few_bad_rows_are_left_out_counted_and_told():
    table = (
        "\ufeff"
        + HEAD.replace("\n", "\r\n")
        + row()
        + row(value=300)
        + row("0", value=8)
        + row(pixels=2303)
        + row(value=9)
    )
    app = upload(start(), "mixed.csv", table.encode())
    assert "3 images were read" in words(app)
    told = " ".join(caption.value for caption in app.caption)
    assert "2 left out" in told and "line 3" in told and "line 5" in told


def test_an_upload_beyond_the_limit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FER_MAX_UPLOAD_MB", "1")
    app = upload(start(), "large.csv", b"emotion,pixels\n" * 80_000)
    assert "larger than 1 MB" in app.error[0].value and len(list_datasets()) == 1


def test_a_sprite_holds_every_face_in_its_place():
    images = np.arange(12 * 4, dtype=np.uint8).reshape(12, 2, 2)
    sheet = cv2.imdecode(np.frombuffer(sprite(images, 10), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert sheet.shape == (4, 20)
    assert (sheet[:2, 18:] == images[9]).all() and (sheet[2:, 2:4] == images[11]).all() and not sheet[2:, 4:].any()


def test_figures_by_hand():
    data = voted()
    assert agreement(data.votes).round(2).tolist() == [1, 1, 0.9, 0.4, 1, 1]
    assert np.isnan(agreement(np.zeros((1, 10), np.uint8))).all()
    assert votes_of(data.votes[2]) == "9 sadness, 1 unknown"
    assert most_voted(data.votes).tolist() == ["happiness"] * 2 + ["sadness", "no majority"] + ["happiness"] * 2
    assert most_voted(np.zeros((1, 10), np.uint8)).tolist() == [None]
    table = people_say(data).set_index(["label", "people"])["images"]
    assert table["happy", "happiness"] == 3 and table["happy", "sadness"] == 1 and table["happy", "no majority"] == 1
    names, mean, spread = mean_faces(data)
    assert names == ["happy", "=sad"] and (mean[1] == data.images[4]).all() and not spread[1].any()
    assert abs(mean[0].astype(float) - data.images[data.labels == 0].mean(0)).max() <= 0.5
    lines = listing_csv(data, [4, 2]).decode().splitlines()
    assert lines[0].startswith("row,split,label,agreement,votes_neutral")
    assert lines[1].startswith("4,Training,'=sad,1.0") and lines[2].startswith("2,Training,happy,0.9")
    lines = listing_csv(data, [4], pd.DataFrame({"why": ["=1+1"]}, index=[9])).decode().splitlines()
    assert len(lines) == 2 and lines[1].endswith(",'=1+1")
