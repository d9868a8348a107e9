"""The wheel works outside of the repository: library, models, sample and command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the working tree by the tools of this environment, so that nothing is downloaded."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel alone; what it needs comes from this environment."""
    place = tmp_path_factory.mktemp("installed")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        f"--target={place}",
        str(wheel),
    ]
    subprocess.run(command, check=True, timeout=300)
    return place


def run(installed: Path, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed), "FER_HOME": str(cwd / "home")}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


def test_the_wheel_holds_what_the_app_needs_and_no_more(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"fer_core"}
    app = {name.removeprefix("fer_core/_app/").split("/")[0] for name in names if name.startswith("fer_core/_app/")}
    assert app == {".streamlit", "app.py", "models", "pages", "samples", "ui"}
    assert not [name for name in names if "__pycache__" in name or "secrets" in name]
    assert "fer_core/py.typed" in names and "fer_core/__init__.pyi" in names


def test_the_library_analyses_the_sample(installed: Path, tmp_path: Path) -> None:
    code = """
import fer_core
assert "_app" in str(fer_core.sample_clip()), fer_core.sample_clip()
options = fer_core.AnalysisOptions(sample_fps=2)
table = fer_core.to_table(fer_core.analyze(fer_core.sample_clip(), options=options))
print(table["frame"].nunique(), int(table["face_count"].max()))
"""
    done = run(installed, sys.executable, "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    frames, most = map(int, done.stdout.split())
    assert 29 <= frames <= 32 and most == 2


def test_the_command_analyses_a_clip(installed: Path, tmp_path: Path) -> None:
    command = installed / "bin" / "expression-lab"
    script = str(command if command.exists() else installed / "Scripts" / "expression-lab.exe")
    sample = installed / "fer_core" / "_app" / "samples" / "two-people.mp4"
    done = run(installed, script, "analyze", str(sample), "--fps", "1", "--out", "results", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)
    assert (tmp_path / "results" / "two-people.csv").stat().st_size > 1000
    assert "expression-lab" in run(installed, script, "--help", cwd=tmp_path).stdout


def test_the_extras_say_what_the_requirements_say() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    full = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    lines = [line.split("#")[0].strip() for line in full if line.strip() and not line.startswith(("#", "-r"))]
    extras = project["optional-dependencies"]
    assert [line.replace(" ", "") for line in lines] == [*extras["train"], *extras["measures"]]
