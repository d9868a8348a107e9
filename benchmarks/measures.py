"""How far head pose, eyes and gaze are off, and what measuring costs: the figures of docs/measures.md.

    python -m benchmarks.measures [--photos FOLDER] [--json FILE]

Portraits in the public domain are turned by known angles, in their plane and, on a head of the canonical depth, in
space; their lids are closed, their irises moved, their faces covered. `--photos` is a folder of photos with one face
each, whose measures are compared with those of their mirror images.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.clips import make
from benchmarks.heads import DEPTHS, PORTRAITS, close_eyes, cover, mesh_of, portrait, turn_head, turn_picture
from fer_core.analysis.clip import ClipAnalysis
from fer_core.analysis.measure_events import measure_events
from fer_core.analysis.pipeline import AnalysisOptions, analyze
from fer_core.analysis.table import to_table
from fer_core.faces.detector import FaceDetector
from fer_core.faces.head_pose import CANONICAL, angles_of, fit_pose, rotation_of
from fer_core.faces.measures import MEASURES, FaceMeasurer, gaze_angles
from fer_core.faces.mesh import FaceMesh, Mesh
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.types import MeasureGap
from fer_core.video.writer import ClipWriter

EYEBALL = 1.05
"""Centimetres from the middle of the eyeball to the iris: a radius of 1.2 less the depth of the front chamber."""

HEIGHTS = (40, 60, 80, 120, 200)


def rotation_by_fit(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The rotation that the library finds."""
    return fit_pose(points).rotation


def rotation_by_pnp(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The rotation of cv2.solvePnP, which sees x and y alone; the lens is taken to be as long as the picture."""
    height, width = shape[:2]
    camera = np.array([[max(width, height), 0, width / 2], [0, max(width, height), height / 2], [0, 0, 1.0]])
    model = np.array(list(CANONICAL.values())) * [1.0, -1.0, -1.0]
    seen = points[list(CANONICAL), :2].astype(np.float64)
    _, turn, shift = cv2.solvePnP(model, seen, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    _, turn, _ = cv2.solvePnP(model, seen, camera, None, turn, shift, True, cv2.SOLVEPNP_ITERATIVE)
    return np.asarray(cv2.Rodrigues(turn)[0])


Rotate = Callable[[np.ndarray, tuple[int, ...]], np.ndarray]


def _off(name: str, image: np.ndarray, turn: tuple[float, float, float], how: Rotate) -> np.ndarray:
    """Measured less true yaw, pitch and roll of a portrait that was turned so; against its own angles unturned."""
    base = how(mesh_of(portrait(name))[0].points, portrait(name).shape)
    truth = angles_of(rotation_of(*turn) @ base)
    return np.array(angles_of(how(mesh_of(image)[0].points, image.shape))) - truth


def _said(errors: list[np.ndarray]) -> dict[str, list[float]]:
    off = np.abs(np.array(errors))
    return {"mean": off.mean(0).round(1).tolist(), "largest": off.max(0).round(1).tolist()}


def in_plane() -> dict[str, Any]:
    """Roll: both portraits turned in their plane."""
    errors: dict[str, list[np.ndarray]] = {"to 30 degrees": [], "at 40 degrees": []}
    for name in PORTRAITS:
        box = mesh_of(portrait(name))[1]
        for degrees in (-40, -30, -20, -10, 10, 20, 30, 40):
            image = turn_picture(portrait(name), degrees, (box[:2] + box[2:]) / 2)
            key = "at 40 degrees" if abs(degrees) == 40 else "to 30 degrees"
            errors[key].append(_off(name, image, (0, 0, degrees), rotation_by_fit))
    return {key: _said(values) for key, values in errors.items()}


def in_space() -> dict[str, Any]:
    """Yaw and pitch: both portraits on heads of three depths, turned; by the library and by PnP."""
    found: dict[str, Any] = {}
    turns = [(yaw, 0) for yaw in (-40, -30, -20, -10, 10, 20, 30, 40)] + [(0, pitch) for pitch in (-20, -10, 10, 20)]
    turns += [(yaw, pitch) for yaw in (-20, 20) for pitch in (-10, 10)]
    for key, how in (("fit", rotation_by_fit), ("pnp", rotation_by_pnp)):
        near: list[np.ndarray] = []
        far: list[np.ndarray] = []
        for name in PORTRAITS:
            for depth in DEPTHS:
                for yaw, pitch in turns:
                    error = _off(name, turn_head(name, yaw, pitch, depth), (yaw, pitch, 0), how)
                    (far if abs(yaw) > 20 else near).append(error)
        found[key] = {"to 20 degrees": _said(near), "30 and 40 degrees of yaw": _said(far)}
    return found


def sizes() -> dict[str, Any]:
    """How far a smaller face's measures are from those at full size."""
    found = {}
    measurer, detector = FaceMeasurer(), FaceDetector(side=640)
    for height in HEIGHTS:
        rows = []
        for name in PORTRAITS:
            image, box = portrait(name), mesh_of(portrait(name))[1]
            scale = height / float(box[3] - box[1])
            small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            seen, whole = detector(small), detector(image)
            now = measurer(small, seen.boxes[:1], seen.landmarks[:1]).values[0]
            rows.append(np.abs(now - measurer(image, whole.boxes[:1], whole.landmarks[:1]).values[0]))
        mean = np.mean(rows, 0)
        named = zip(MEASURES, mean.tolist(), strict=True)
        found[str(height)] = {name: None if np.isnan(value) else round(value, 3) for name, value in named}
    return found


def eyes() -> dict[str, Any]:
    """Opening against the share of it that a lid covers, and gaze against how far the iris was moved."""
    found: dict[str, Any] = {}
    mesher, measurer, detector = FaceMesh(), FaceMeasurer(), FaceDetector()
    for name in PORTRAITS:
        image = portrait(name)
        mesh = mesh_of(image)[0]
        outlines = mesher.eyes(image, mesh.points)
        opening = {}
        for amount in (0.0, 0.25, 0.5, 0.75, 1.0):
            shut = close_eyes(image, outlines, amount)
            seen = detector(shut)
            values = measurer(shut, seen.boxes[:1], seen.landmarks[:1]).values[0]
            opening[str(amount)] = round(float(values[5:7].mean()), 3)
        found[name] = {"opening by share closed": opening, "gaze": _moved_irises(image, mesh)}
    return found


def _moved_irises(image: np.ndarray, mesh: Mesh) -> dict[str, list[float]]:
    """Gaze in degrees less that of the portrait itself, where its irises were painted anew so far aside."""
    mesher, pose = FaceMesh(), fit_pose(mesh.points)
    eyes_there = mesher.eyes(image, mesh.points)
    base = np.array(gaze_angles(eyes_there, pose))
    found = {}
    for degrees in (-15, -10, 10, 15):
        aside = EYEBALL * pose.scale * np.sin(np.deg2rad(degrees))
        painted = _painted(image, eyes_there.outlines, eyes_there.irises, float(aside))
        again = mesh_of(painted)[0]
        now = np.array(gaze_angles(mesher.eyes(painted, again.points), fit_pose(again.points)))
        found[str(degrees)] = (now - base).round(1).tolist()
    return found


def _painted(image: np.ndarray, outlines: np.ndarray, irises: np.ndarray, aside: float) -> np.ndarray:
    """The picture with both irises moved sideways within their eyes."""
    painted = image.copy()
    for outline, iris in zip(outlines, irises, strict=True):
        order = [*range(9), *range(15, 8, -1)]
        inside = np.zeros(image.shape[:2], np.uint8)
        cv2.fillPoly(inside, [np.round(outline[order]).astype(np.int32)], 1)
        radius = float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
        y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]].astype(np.float32)
        white = image[(inside > 0) & (np.hypot(x - iris[0, 0], y - iris[0, 1]) > 1.2 * radius)]
        eye = image.copy()
        eye[inside > 0] = np.median(white, 0)
        moved = cv2.remap(image, x - np.float32(aside), y, cv2.INTER_CUBIC)
        disc = np.hypot(x - iris[0, 0] - aside, y - iris[0, 1]) < 1.1 * radius
        eye[disc] = moved[disc]
        painted[inside > 0] = eye[inside > 0]
    return np.asarray(cv2.GaussianBlur(painted, (0, 0), 0.6))


def blinks() -> dict[str, Any]:
    """Blinks that were drawn into noisy clips of the portraits, and how many are found, at three sizes of face."""
    found = {}
    for name in PORTRAITS:
        for height in (80, 120, 200):
            events = measure_events(_blink_table(name, height, at=(20, 45, 80, 110, 140)))
            found[f"{name}, {height} px"] = f"{int((events['event'] == 'blink').sum())} of 5"
    return found


def _blink_table(name: str, height: int, at: tuple[int, ...]) -> Any:
    image = portrait(name)
    mesh, box = mesh_of(image)
    outlines = FaceMesh().eyes(image, mesh.points)
    scale = height / float(box[3] - box[1])
    noise = np.random.default_rng(0)
    drawn = [cv2.resize(close_eyes(image, outlines, a), None, fx=scale, fy=scale) for a in (0.0, 0.6, 1.0)]
    drawn = [each[: each.shape[0] // 2 * 2, : each.shape[1] // 2 * 2] for each in drawn]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "blinks.mp4"
        with ClipWriter(path, width=drawn[0].shape[1], height=drawn[0].shape[0], frame_rate=25.0) as writer:
            for i in range(170):
                inside = min((i - first for first in at if i >= first), default=99)
                level = (1, 2, 2, 2, 1)[inside] if inside < 5 else 0
                noisy = drawn[level] + noise.normal(0, 2, drawn[level].shape)
                writer.write(np.clip(noisy, 0, 255).astype(np.uint8), i / 25)
        options = AnalysisOptions(measures=True)
        return to_table(analyze(path, ExpressionRecognizer(detector=FaceDetector(side=640)), options))


def covered() -> dict[str, Any]:
    """What is said of faces that are partly hidden: the reason, and the measures that are left."""
    found = {}
    measurer, detector = FaceMeasurer(), FaceDetector()
    for name in PORTRAITS:
        mesh, box = mesh_of(portrait(name))
        for what in ("glasses", "mask", "left half", "right half"):
            image = cover(portrait(name), mesh, box, what)
            seen = detector(image)
            if len(seen.boxes):
                measures = measurer(image, seen.boxes[:1], seen.landmarks[:1])
                left = [n for n, v in zip(MEASURES, measures.values[0], strict=True) if np.isfinite(v)]
                found[f"{name}, {what}"] = {"gap": MeasureGap(int(measures.gaps[0])).words, "measured": left}
    return found


def mirrored(folder: Path) -> dict[str, Any]:
    """How far measures of photos differ from those of their mirror images, and why some are missing."""
    swap = [0, 1, 2, 3, 4, 6, 5, 8, 7, 9, 10, 11]
    sign = np.array([-1, 1, -1, -1, 1, 1, 1, 1, 1, 1, 1, -1])
    detector, measurer = FaceDetector(), FaceMeasurer()
    pairs, gaps = [], []
    for path in sorted(folder.glob("*.jpg")):
        image = cv2.imread(str(path))
        if image is None:
            continue
        both = []
        for view in (image, np.ascontiguousarray(image[:, ::-1])):
            seen = detector(view)
            measures = measurer(view, seen.boxes[:1], seen.landmarks[:1])
            both.append(measures.values[0] if len(measures) else np.full(len(MEASURES), np.nan))
            gaps.append(MeasureGap(int(measures.gaps[0])).words if len(measures) else "not detected")
        pairs.append((both[0], both[1][swap] * sign))
    values = np.array(pairs)
    difference = np.nanmean(np.abs(values[:, 0] - values[:, 1]), axis=0)
    return {
        "photos": len(pairs),
        "mean difference": dict(zip(MEASURES, difference.round(3).tolist(), strict=True)),
        "median": dict(zip(MEASURES, np.nanmedian(values[:, 0], axis=0).round(3).tolist(), strict=True)),
        "gaps": {gap or "all measured": gaps[::2].count(gap) for gap in sorted(set(gaps[::2]))},
    }


def speed(rounds: int = 5) -> dict[str, Any]:
    """Frames a second of a 640x360 clip with one face, with measures and without, in turn."""
    recognizer = ExpressionRecognizer()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.mp4"
        count = make(path, 12)
        pairs = [[_rate(path, count, recognizer, measures=m) for m in (False, True)] for _ in range(rounds + 1)][1:]
    ratios = [with_them / without for without, with_them in pairs]
    return {
        "without": round(statistics.median(p[0] for p in pairs)),
        "with": round(statistics.median(p[1] for p in pairs)),
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
    }


def _rate(path: Path, count: int, recognizer: ExpressionRecognizer, *, measures: bool) -> float:
    begun = time.perf_counter()
    ClipAnalysis(path, recognizer, AnalysisOptions(measures=measures)).run()
    return count / (time.perf_counter() - begun)


def main() -> None:
    """Measure everything, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="photos of one face each, compared with mirrored")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    args = parser.parse_args()
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "speed": speed,
        "in plane": in_plane,
        "in space": in_space,
        "sizes": sizes,
        "eyes": eyes,
        "blinks": blinks,
        "covered": covered,
    }
    if args.photos:
        parts["mirrored"] = lambda: mirrored(args.photos)
    figures = {}
    for name, part in parts.items():
        figures[name] = part()
        print(f"{name}: {json.dumps(figures[name], indent=1)}", flush=True)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
