"""The report is one file: it says what was measured, loads and runs nothing, escapes names, and prints."""

from __future__ import annotations

import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from helpers import made
from helpers.browser import WIDTH, chromium
from helpers.comparisons import TRUTH, WRONG, compare, votes

from fer_core.datasets.dataset import Dataset
from fer_core.evaluation.baselines import BASELINES, CAUTION
from fer_core.evaluation.comparison import Comparison
from fer_core.evaluation.results import FERPLUS, LABELS, SubsetKey
from fer_core.evaluation.saliency import SaliencyMap
from fer_core.labels import FER7
from fer_core.reports.html import report_html

EVIL = "</title><script>document.title='ran'</script><img src=http://x.test/a onerror=alert(1)>\" & {{ 7*7 }} 'x"
WHEN = datetime(2026, 5, 4, 3, 2)
SEEN = ["anger", "disgust", "fear", "happiness", "neutral", "sadness", "happiness", "surprise", *["fear"] * 3]


def comparison() -> Comparison:
    """Two models, one that does not load, votes, two near copies, images made worse, and hostile names throughout."""
    data = made.dataset(TRUTH)
    images = np.concatenate([data.images, data.images[:2, :, ::-1], made.dataset([0], seed=9).images])
    where = np.array(["PublicTest"] * 8 + ["Training"] * 3)
    names = (*FER7[:6], "surprise")
    whole = Dataset(images, np.array([*TRUTH, *TRUTH[:2], 0]), names, where, votes(SEEN))
    good, evil = made.Scripted("good", made.saying(TRUTH)), Reading("evil", made.saying(WRONG))
    evil.title = EVIL
    evil.card = {"summary": EVIL, "limits": [EVIL, 3], "licence": {"not": "text"}, "data": [1], "not_for": [EVIL]}
    good.card = {"summary": "Knows them all.", "data": {"trained_on": "itself"}, "limits": ["None."]}
    return compare(whole, good, evil, names=["good", "evil", EVIL], dataset_name=EVIL)


class Reading(made.Scripted):
    card: dict[str, object]


@pytest.fixture(scope="module")
def work() -> Comparison:
    found = comparison()
    for evaluation in found.evaluations:
        rows = [
            {"condition": c, "amount": a, "accuracy": 0.5, "n": 8, "interval": (0.2, 0.8)}
            for c, amounts in (("size", (12.0, 48.0)), ("blur", (0.0, 3.0)), ("brightness", (1.0,)), ("roll", (0.0,)))
            for a in amounts
        ]
        seen = [{**row, "accuracy": 0.25, "n": 7} for row in rows]
        evaluation.conditions = {SubsetKey(LABELS): rows, SubsetKey(FERPLUS): seen}
    heat = np.zeros((48, 48), np.float32)
    heat[:16, :16] = 1
    found.keep_saliency("the first image", [SaliencyMap(EVIL, "sad", found.images[0], heat)])
    return found


@pytest.fixture(scope="module")
def page(work: Comparison) -> str:
    return report_html(work, when=WHEN, images=3).decode()


class Parts(HTMLParser):
    """Tags with their attributes, and the words between them."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_it_loads_and_runs_nothing(page):
    parts = Parts(page)
    tags = {tag for tag, _ in parts.tags}
    assert not tags & {"script", "link", "iframe", "object", "embed", "base", "form", "a", "image", "use"}
    for tag, attributes in parts.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in {"src", "href", "srcset", "xlink:href", "action", "data", "poster"}:
                assert tag == "img" and (value or "").startswith("data:image/png;base64,")
            assert "url(" not in (value or "").replace("url(#", ""), (tag, name, value)
    style = re.search(r"<style>(.*?)</style>", page, re.S)
    assert style is not None and "@import" not in style[1] and "url(" not in style[1]
    assert "default-src 'none'" in page


def test_names_are_shown_as_they_are(page):
    words = Parts(page).words
    assert sum(EVIL in text for text in words) >= 5, "dataset, title, card, table, chart"
    assert "<img src=http" not in page and "49" not in "".join(w for w in words if "7*7" in w).replace("7*7", "")


def test_it_says_what_was_measured(work, page):
    words = " ".join(" ".join(Parts(page).words).split())
    good, evil = (e.figures[SubsetKey("labels")] for e in work.evaluations)
    for figures in (good, evil):
        assert f"{figures['accuracy']:.1%}" in words and f"{figures['nll']:.3f}" in words
    assert f"<b>{good['accuracy']:.1%}</b>" in page and f"<b>{evil['accuracy']:.1%}</b>" not in page.split("<h2>")[1]
    assert "2 of the 8 images have a near copy in Training" in words
    assert "The 6 images without a near copy in Training" in words
    assert "Good alone is right on 2 images" in words and "2026-05-04 03:02" in words
    assert "could not be asked. There is no model called" in words
    assert "Knows them all." in words and "itself" in words and "not text" not in words
    assert "Against what most people saw" in words and "Votes that agree (at best 90.0%)" in words


def test_published_rows_stand_apart_and_are_marked(page):
    measured, published = page.split("What others have published on FER2013")
    assert CAUTION in published and all(row.title in published for row in BASELINES)
    assert not [row for row in BASELINES if f'<th scope="row">{row.title}</th>' in measured]


def test_charts_are_drawn_and_have_words(page):
    parts = Parts(page)
    drawn = [
        attributes["aria-label"] for tag, attributes in parts.tags if tag == "div" and attributes.get("role") == "img"
    ]
    # Two confusions, reliability and risk and four conditions for each kind of truth.
    assert len(drawn) == 2 * (4 + 4) == sum(tag == "svg" for tag, _ in parts.tags)
    assert drawn[0] == "Good: 8 of 8 images are named right."
    assert "Most often happy is taken for surprise (1 image)" in drawn[1]
    ticks = set(re.findall(r">(\u2212?[\d.e+]+)</text>", page))
    assert {"12", "48", "0.7", "0.25", "\u221230"} <= ticks and not any("e" in tick for tick in ticks)
    labels, people = page.split("<h2>Against what most people saw</h2>")
    assert "50% at 12, 50% at 48" in labels and "25% at 12, 25% at 48" in people
    assert (
        "says the label when 8 of the images" in labels and "says what most people saw when 7 of the images" in people
    )
    assert labels.count("Good is ") == people.count("Good is ") == 2 + 4, "below each curve"


def test_faces_are_shown_only_where_somebody_asks(work, page):
    shown = [attributes for tag, attributes in Parts(page).tags if tag == "img"]
    assert len(shown) == 3 + 2 + 1 and all(attributes["alt"] for attributes in shown)  # hardest, contested, a look
    assert "lies mostly at the top left" in str(shown[-1]["alt"])
    assert not [tag for tag, _ in Parts(report_html(work, when=WHEN).decode()).tags if tag == "img"]


def test_the_hardest_image_comes_first(work, page):
    first = page.split("The hardest images")[1].split("</figure>")[0]
    assert re.search(r"Image [67]: (surprise|happy)", first) and "People: " in first


def test_without_votes_or_copies():
    work = compare(made.dataset(TRUTH), made.Scripted("one", made.saying(TRUTH)))
    words = " ".join(Parts(report_html(work, when=WHEN).decode()).words)
    assert "what most people saw" not in words and "without a near copy" not in words
    assert "When the picture is worse" not in words and "Is the difference real?" not in words


@pytest.mark.browser
def test_it_opens_offline_on_a_phone_and_prints(page, tmp_path):
    path: Path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    said: list[str] = []
    with chromium() as started:
        for width in (1280, 390):
            profile = started.new_context(viewport={"width": width, "height": 900}, offline=True)
            opened = profile.new_page()
            opened.on("console", lambda message: said.append(message.text))
            opened.on("pageerror", lambda error: said.append(str(error)))
            opened.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
            opened.on("request", lambda request: said.append(request.url) if request.url[:4] == "http" else None)
            opened.goto(path.as_uri())
            assert opened.evaluate(WIDTH) <= width and opened.title().startswith("Comparison: </title>")
            sizes = opened.evaluate(
                "() => [...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect().width)"
            )
            assert len(sizes) == 16 and min(sizes) > 200
            broken = opened.evaluate("() => [...document.images].filter(i => !i.naturalWidth).length")
            assert broken == 0
            if width == 1280:
                assert opened.pdf(prefer_css_page_size=True).startswith(b"%PDF")
                opened.emulate_media(media="print")
                whole = (
                    "() => [...document.querySelectorAll('table, figure')].map(e => getComputedStyle(e).breakInside)"
                )
                assert set(opened.evaluate(whole)) == {"avoid"}, "no page ends within a table or a chart"
            profile.close()
    assert said == []
