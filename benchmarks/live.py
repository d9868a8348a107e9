"""Frames per second, delay and memory of a live session, with one and three faces at 640x480.

    python -m benchmarks.live [--seconds S] [--minutes M] [--json FILE]

Frames come at 30 a second, as from a camera, and go through `LiveSession.process` with the conversions of the page.
Network and video coding are not in it: they belong to streamlit-webrtc and the browser. Printed are, for each picture:
frames that came back a second, frames whose faces were read a second, the delay of the way back (median, 95th
percentile), and the age of the marks (median, 95th percentile), that is how long after its arrival a frame's faces are
known. `--minutes` then runs one face for so long and prints memory at each minute. On a busy machine these say little.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import threading
import time
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.live.session import LiveSession
from fer_core.models.classifier import Classifier
from fer_core.video.reader import FrameReader

SAMPLE = Path(__file__).parent.parent / "samples" / "two-people.mp4"
RATE = 30.0
SIZE = 640, 480
MOST_DELAY = 0.2


def pictures(faces: int) -> list[av.VideoFrame]:
    """Two seconds of the sample's first person, forwards and backwards, one or three times in the picture."""
    with FrameReader(SAMPLE, end=2.0) as reader:
        images = [frame.image()[:, 80:560] for frame in reader]  # 480x360
    made = []
    for image in images + images[-2:0:-1]:
        if faces == 1:
            whole = cv2.resize(image, SIZE)
        else:
            small = cv2.resize(image[:, 100:380], (640 // 3, 274))
            whole = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
            for i in range(3):
                whole[100 : 100 + small.shape[0], i * small.shape[1] : (i + 1) * small.shape[1]] = small
        made.append(av.VideoFrame.from_ndarray(whole, format="bgr24").reformat(format="yuv420p"))
    return made


def run(session: LiveSession, frames: list[av.VideoFrame], seconds: float) -> dict[str, list[float]]:
    """Feed a session at the pace of a camera: how long each frame took, and how old the marks were."""
    delays, ages, begin, count = [], [], time.monotonic(), 0
    while (due := count / RATE) < seconds:
        time.sleep(max(0.0, begin + due - time.monotonic()))
        image = frames[count % len(frames)].to_ndarray(format="bgr24")
        av.VideoFrame.from_ndarray(session.process(image, due), format="bgr24")
        delays.append(time.monotonic() - begin - due)  # from the moment it should have come until it went back
        if (age := session.stats().age) is not None:
            ages.append(age)
        count += 1
    return {"delay": delays, "age": ages, "wall": [time.monotonic() - begin]}


def measure(recognizer: ExpressionRecognizer, faces: int, seconds: float) -> dict[str, Any]:
    """Figures for a picture with so many faces."""
    session, frames = LiveSession(recognizer), pictures(faces)
    run(session, frames, 2.0)  # caches fill
    session.close(wait=5)
    session = LiveSession(recognizer)
    took = run(session, frames, seconds)
    session.close(wait=5)
    table = session.recorder.table()
    return {
        "faces": faces,
        "found": float(table["face_count"].median()),
        "frames_per_second": len(took["delay"]) / took["wall"][0],
        "read_per_second": table["frame"].nunique() / took["wall"][0],
        "delay_ms": [1000 * float(np.percentile(took["delay"], p)) for p in (50, 95)],
        "age_ms": [1000 * float(np.percentile(took["age"], p)) for p in (50, 95)],
    }


def resident() -> float:
    """Memory of this process, in MB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> int:
    """Measure and print; 1 where a delay is beyond the goal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--minutes", type=int, default=0, help="also watch the memory for so long")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    cv2.setNumThreads(1)  # as the app does
    recognizer = ExpressionRecognizer(Classifier())
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {SIZE[0]}x{SIZE[1]}")
    print(f"{'faces':>5} {'frames/s':>9} {'read/s':>7} {'delay ms (median, 95 %)':>25} {'age ms (median, 95 %)':>23}")
    rows = []
    for faces in (1, 3):
        row = measure(recognizer, faces, given.seconds)
        rows.append(row)
        print(
            f"{faces:>5} {row['frames_per_second']:>9.1f} {row['read_per_second']:>7.1f} "
            f"{row['delay_ms'][0]:>17.1f} {row['delay_ms'][1]:>7.1f} {row['age_ms'][0]:>15.1f} {row['age_ms'][1]:>7.1f}"
        )
    memory = []
    if given.minutes:
        session, frames = LiveSession(recognizer), pictures(1)
        for minute in range(given.minutes):
            run(session, frames, 60.0)
            memory.append(resident())
            print(f"minute {minute + 1}: {memory[-1]:.0f} MB, {threading.active_count()} threads")
        session.close(wait=5)
    if given.json:
        given.json.write_text(json.dumps({"pictures": rows, "memory_mb": memory}, indent=1))
    return int(any(row["delay_ms"][1] > 1000 * MOST_DELAY for row in rows))


if __name__ == "__main__":
    sys.exit(main())
