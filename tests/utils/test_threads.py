"""Threads that stand back."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest
from helpers.fakes import FakeRecognizer, patch_frame

from fer_core.live.session import LiveSession
from fer_core.models.registry import DEFAULT
from fer_core.utils.threads import NICE, lower_priority
from ui.app.resources import recognizer


@pytest.mark.skipif(sys.platform != "linux", reason="no other system has a priority for a thread alone")
def test_one_thread_stands_back_and_no_other() -> None:
    before, seen = os.getpriority(os.PRIO_PROCESS, 0), []

    def work() -> None:
        lower_priority()
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert seen == [max(NICE, before)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


@pytest.mark.skipif(sys.platform != "linux", reason="no other system has a priority for a thread alone")
def test_reading_and_recording_let_the_picture_go_first(tmp_path) -> None:
    seen = threading.Event()

    class Looking(FakeRecognizer):
        def __call__(self, image):
            seen.set()
            return super().__call__(image)

    session = LiveSession(Looking(), side=160, annotated=tmp_path / "a.mp4")
    session.process(patch_frame([(30, 20, 50)]), 0.0)
    assert seen.wait(60)
    threads = {thread.name: thread.native_id for thread in threading.enumerate() if thread.name.startswith("live-")}
    assert set(threads) == {"live-look", "live-write"}
    end = time.monotonic() + 60
    while any(os.getpriority(os.PRIO_PROCESS, number) < NICE for number in threads.values()):
        assert time.monotonic() < end
        time.sleep(0.01)
    session.close(wait=60)


def test_nobody_waits_for_a_network_that_the_queue_holds() -> None:
    page, again = (recognizer(DEFAULT, "yunet", 320) for _ in range(2))
    queue = recognizer(DEFAULT, "yunet", 320, queue=True)
    assert page.classifier is again.classifier and page.detector is again.detector
    assert queue.classifier is not page.classifier
    assert queue.detector._yunet._session is not page.detector._yunet._session
