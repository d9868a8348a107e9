"""What a person does on the page for clips, in headless Chromium: upload, watch, click, reload, stop, download."""

from __future__ import annotations

import io
import re
from pathlib import Path

import av
import pandas as pd
import pytest
from helpers.browser import PHONE, PLAYABLE, ROOT, WIDTH, server, settled, tab
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

SAMPLE = ROOT / "samples" / "two-people.mp4"
LONG = 240_000
VIDEO = """() => { const v = document.querySelector('video');
  return v && {ready: v.readyState, time: v.currentTime, error: v.error && v.error.message, width: v.videoWidth} }"""


def upload(page: Page, path: Path) -> None:
    page.locator('input[type="file"]').set_input_files(str(path))


def analyse(page: Page, address: str, *, rate: str = "Quick") -> None:
    """From the start page to the finished result of the sample clip."""
    page.goto(address)
    upload(page, SAMPLE)
    page.get_by_role("button", name=rate, exact=True).or_(page.get_by_text(rate, exact=True)).first.click()
    page.get_by_role("button", name="Analyse").click()
    expect(page.get_by_role("heading", name="Key moments")).to_be_visible(timeout=LONG)


def play_time(page: Page) -> float:
    return float(page.evaluate(VIDEO)["time"])


def wait_for_time(page: Page, low: float, high: float) -> None:
    page.wait_for_function(
        f"() => {{ const v = document.querySelector('video'); return v && v.currentTime >= {low} "
        f"&& v.currentTime <= {high} }}"
    )


def test_a_deep_link_as_first_visit_shows_the_same_app(browser: Browser, tmp_path: Path) -> None:
    with server(tmp_path) as url:
        seen = []
        for path in ("/video", "/"):
            with tab(browser) as page:
                page.goto(url + path)
                expect(page.get_by_role("button", name="Try the sample clip")).to_be_visible()
                expect(page).to_have_title("Analyse a clip · Expression Lab")
                seen.append((page.url, page.locator('[data-testid="stSidebarNav"]').count()))
        assert seen[0] == seen[1]


def test_from_upload_to_a_clip_that_plays(page: Page, address: str) -> None:
    analyse(page, address)
    charts = page.locator('[data-testid="stVegaLiteChart"] canvas, [data-testid="stVegaLiteChart"] svg')
    expect(charts.nth(3)).to_be_attached()
    assert settled(charts.first)["width"] > 300

    page.wait_for_function(PLAYABLE)
    page.evaluate("() => { const v = document.querySelector('video'); v.muted = true; return v.play() }")
    wait_for_time(page, 0.5, 15)
    page.evaluate("() => document.querySelector('video').pause()")
    state = page.evaluate(VIDEO)
    assert state["error"] is None
    assert state["width"] == 640

    # A key moment moves the player to it, and does so again after the person moved on.
    button = page.get_by_role("button", name=re.compile(r"0:1\d .*%")).last
    label = button.inner_text()
    seconds = int(re.search(r"0:(\d+)", label).group(1))
    for _ in range(2):
        button.click()
        wait_for_time(page, seconds, seconds + 1)
        page.evaluate("() => { document.querySelector('video').currentTime = 0 }")
        wait_for_time(page, 0, 0.1)

    # A click on a curve moves it too: the chart's x axis is the clip's time.
    expect(page.get_by_text("Click a curve to see that moment")).to_be_visible()
    curves = page.locator('[data-testid="stVegaLiteChart"]').last
    box = settled(curves)
    there = {"x": box["width"] * 0.9, "y": box["height"] * 0.4}
    curves.hover(position=there)
    expect(page.locator("#vg-tooltip-element")).to_contain_text("Surprise")
    curves.click(position=there)
    wait_for_time(page, 11, 15.5)


def test_a_drag_over_the_bars_looks_closer(page: Page, address: str) -> None:
    analyse(page, address)
    charts = page.locator('[data-testid="stVegaLiteChart"]')
    expect(charts).to_have_count(10)  # shares of five people, the bars, the curves of four
    bars = charts.nth(5)
    box = settled(bars)
    page.mouse.move(box["x"] + 0.12 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
    page.mouse.up()
    expect(charts).to_have_count(7)  # of the first seconds, in which one person is seen


def test_people_are_named_and_joined(page: Page, address: str) -> None:
    analyse(page, address)
    names = page.get_by_label("Name")
    expect(names).to_have_count(5)
    page.get_by_role("button", name="Same person").click()
    expect(names).to_have_count(4)
    names.first.fill("Eileen")
    names.first.press("Enter")
    expect(page.get_by_role("button", name=re.compile("Eileen")).first).to_be_visible()  # below key moments
    page.reload()
    expect(names.first).to_have_value("Eileen")
    page.get_by_role("button", name="Draw these names into the clip").click()
    expect(page.get_by_role("button", name="Draw these names into the clip")).to_have_count(0, timeout=LONG)
    page.wait_for_function(PLAYABLE)
    page.get_by_role("button", name="Separate all again").click()
    expect(names).to_have_count(5)
    page.get_by_role("button", name="Undo").click()
    expect(names).to_have_count(4)
    expect(names.first).to_have_value("Eileen")


def test_downloads_hold_what_the_page_shows(page: Page, address: str) -> None:
    analyse(page, address)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Table (CSV)").click()
    download = waiting.value
    assert download.suggested_filename == "two-people.csv"
    table = pd.read_csv(io.BytesIO(Path(download.path()).read_bytes()))
    frames = table.drop_duplicates("frame")
    assert len(frames) == pytest.approx(5 * 15.4, abs=2)
    assert (table["face_count"] == 0).sum() >= 5
    assert table["time_s"].is_monotonic_increasing
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Annotated clip (MP4)").click()
    assert Path(waiting.value.path()).read_bytes()[4:8] == b"ftyp"


def many_times(source: Path, path: Path, times: int) -> None:
    """The pictures of a clip again and again: work that does not end before a test has looked at it."""
    with av.open(str(source)) as clip, av.open(str(path), "w") as out:
        stream = clip.streams.video[0]
        copy = out.add_stream_from_template(stream)
        packets = [packet for packet in clip.demux(stream) if packet.dts is not None]
        length = stream.duration
        for i in range(times):
            for packet in packets:
                twin = av.Packet(bytes(packet))
                twin.stream, twin.time_base, twin.is_keyframe = copy, packet.time_base, packet.is_keyframe
                twin.pts, twin.dts = packet.pts + i * length, packet.dts + i * length
                out.mux(twin)


def test_a_reload_finds_the_job_and_stop_keeps_what_is_done(page: Page, address: str, tmp_path: Path) -> None:
    many_times(SAMPLE, tmp_path / "long.mp4", 20)
    page.goto(address)
    upload(page, tmp_path / "long.mp4")
    page.get_by_text("Every frame", exact=True).click()
    page.get_by_text("More settings").click()
    page.get_by_text("Tiny", exact=True).click()
    page.get_by_role("button", name="Analyse").click()
    expect(page.get_by_role("button", name="Stop and keep what is done")).to_be_visible()
    page.wait_for_function("() => /[1-9]\\d* frames analysed/.test(document.body.innerText)")
    url = page.url
    page.reload()
    expect(page.get_by_role("button", name="Stop and keep what is done")).to_be_visible()
    assert page.url == url
    page.get_by_role("button", name="Stop and keep what is done").click()
    expect(page.get_by_text("The analysis was stopped early")).to_be_visible()
    page.wait_for_function(PLAYABLE)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.get_by_role("button", name="Try the sample clip")).to_be_visible()
    page.goto(url)
    expect(page.get_by_text("That result is no longer kept")).to_be_visible()


def test_a_bad_file_gets_one_sentence_and_the_next_one_works(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(address)
    bad = tmp_path / "holiday <b>😀.mp4"
    bad.write_text("This is a letter, not a clip.\n" * 50)
    upload(page, bad)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("cannot be used")
    expect(alert).to_contain_text("holiday <b>")
    assert "Traceback" not in page.content()
    page.get_by_role("button", name="Try the sample clip").click()
    expect(page.get_by_role("heading", name="Key moments")).to_be_visible(timeout=LONG)


def test_a_picture_works_as_well(page: Page, address: str, tmp_path: Path) -> None:
    import cv2
    from skimage.data import astronaut

    path = tmp_path / "portrait.png"
    cv2.imwrite(str(path), astronaut()[:, :, ::-1])
    page.goto(address)
    upload(page, path)
    page.get_by_role("button", name="Analyse").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Annotated picture (JPG)").click()
    assert waiting.value.suggested_filename == "portrait-annotated.jpg"
    expect(page.locator("video")).to_have_count(0)
    for nonsense in ("most of the time", "Seen for", "episode", "Timeline"):
        expect(page.get_by_text(nonsense)).to_have_count(0)


def test_it_fits_a_phone(browser: Browser, address: str) -> None:
    with tab(browser, **PHONE) as page:
        page.goto(address)
        page.get_by_role("button", name="Try the sample clip").click()
        expect(page.get_by_role("heading", name="Key moments")).to_be_visible(timeout=LONG)
        assert page.evaluate(WIDTH) <= 390


def test_a_second_clip_is_not_swallowed_by_the_first(page: Page, address: str, tmp_path: Path) -> None:
    """A result is open, the menu leads to the start page: what is chosen there is analysed, at its own address."""
    analyse(page, address)
    first = page.url
    page.get_by_role("link", name="Analyse a clip").click()
    expect(page.get_by_role("button", name="Try the sample clip")).to_be_visible()
    expect(page).not_to_have_url(re.compile("job="))
    second = tmp_path / "second clip.mp4"
    second.write_bytes(SAMPLE.read_bytes())
    upload(page, second)
    expect(page.get_by_text("second clip.mp4").first).to_be_visible()
    page.get_by_role("button", name="Analyse").click()
    expect(page.get_by_role("heading", name="Key moments")).to_be_visible(timeout=LONG)
    expect(page.get_by_text("second clip.mp4").first).to_be_visible()
    assert "job=" in page.url and page.url != first


def test_a_running_clip_and_its_result_are_one_press_away_on_every_page(
    page: Page, address: str, tmp_path: Path
) -> None:
    many_times(SAMPLE, tmp_path / "long.mp4", 20)
    page.goto(address)
    upload(page, tmp_path / "long.mp4")
    page.get_by_role("button", name="Analyse").click()
    expect(page.get_by_role("button", name="Stop and keep what is done")).to_be_visible()
    clip = page.get_by_role("button", name=re.compile(r"long\.mp4 · "))
    for other in ("Compare", "Analyse a clip"):
        page.get_by_role("link", name=other).click()
        expect(clip).to_contain_text("analysing")
    clip.click()
    page.get_by_role("button", name="Stop and keep what is done").click()
    expect(page.get_by_role("button", name="New clip")).to_be_visible()
    expect(clip).to_have_count(0)
    page.get_by_role("button", name="New clip").click()
    expect(page.get_by_role("button", name="Try the sample clip")).to_be_visible()
    expect(clip).to_contain_text("result")
    clip.click()
    page.get_by_role("button", name="Analyse again with other settings").click()
    expect(page.get_by_role("button", name="Analyse", exact=True)).to_be_visible()
    expect(clip).to_contain_text("result")


def test_no_page_asks_another_server(browser: Browser, address: str) -> None:
    asked: set[str] = set()
    for path in ("/video", "/live", "/explore", "/train", "/compare", "/about"):
        with tab(browser) as page:
            page.on("request", lambda request: asked.add(request.url))
            page.goto(address + path)
            expect(page.get_by_role("link", name="About").first).to_be_visible(timeout=60_000)
            page.wait_for_timeout(1500)
    strangers = {url for url in asked if not url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))}
    assert asked and strangers == set()
