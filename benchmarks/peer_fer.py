"""The other side of `benchmarks/video.py`: the `fer` package on the same clip, in its own environment.

Started as `PEER_PYTHON peer_fer.py CLIP`. Says once, as a line of JSON, what it is; then for each line that it is
sent, `frames` or `analyze`, works through the clip once and answers with a line of JSON. Loading is not counted.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("fer", "tensorflow", "opencv-contrib-python", "numpy", "moviepy", "pandas")
WARM_UP = 25


def main() -> None:
    """Answer until standard input ends."""
    # TensorFlow and OpenCV print what they like; the answers have a channel of their own.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    clip = str(Path(sys.argv[1]).resolve())

    import cv2
    from fer.classes import Video
    from fer.fer import FER

    detector = FER(mtcnn=False)

    def frames(limit: int | None = None) -> dict[str, int]:
        capture, n, faces = cv2.VideoCapture(clip), 0, 0
        while limit is None or n < limit:
            there, image = capture.read()
            if not there:
                break
            faces += bool(detector.detect_emotions(image))
            n += 1
        capture.release()
        return {"frames": n, "frames_with_face": faces}

    def analyze() -> dict[str, int]:
        # Its own way through a clip, writing the clip with boxes, as ours does; without a JPEG of every frame.
        # It puts a data.csv into the working folder.
        table = Video(clip, outdir="annotated").analyze(
            detector, display=False, output="pandas", save_frames=False, zip_images=False
        )
        n = int(cv2.VideoCapture(clip).get(cv2.CAP_PROP_FRAME_COUNT))
        return {"frames": n, "frames_with_face": len(table)}

    frames(WARM_UP)
    answers.write(json.dumps({"versions": {name: version(name) for name in PACKAGES}}) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for line in sys.stdin:
            work = {"frames": frames, "analyze": analyze}[line.strip()]
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                answer = work()
            except Exception as error:  # whatever a peer raises is a result, not our failure
                answers.write(json.dumps({"error": f"{type(error).__name__}: {error}"}) + "\n")
                continue
            seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
            answers.write(json.dumps(answer | seconds) + "\n")
        os.chdir("/")


if __name__ == "__main__":
    main()
