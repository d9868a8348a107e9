"""Wheels of everything that the installation brings, for each system and each Python: uv resolves them all.

    pip install uv && python .ci/resolve_wheels.py [requirements.txt]

Run on demand, as it asks the package index. Nothing is installed or built: a package that has no wheel for a system
fails there. Exit status 1 where a system that is promised lacks one.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SYSTEMS = {
    "Linux x86_64": "x86_64-manylinux_2_28",
    "Windows amd64": "x86_64-pc-windows-msvc",
    "macOS arm64": "aarch64-apple-darwin",
    "macOS x86_64": "x86_64-apple-darwin",
}
PYTHONS = ("3.11", "3.12", "3.13")
OLDEST_MACOS = "14.0"
"""PyAV 18 has no wheel for macOS 13."""
ON_TRIAL = {"macOS x86_64"}
"""Reported, and not promised: LiteRT and TensorFlow have no wheels for it any more."""


def resolve(requirements: Path, system: str, python: str) -> tuple[int, str]:
    """Resolve a file of requirements for a system; returns the number of packages, and why there are none."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--only-binary", ":all:", "--no-header"]
    command += ["--no-annotate", "--python-platform", SYSTEMS[system], "--python-version", python, str(requirements)]
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        words = " ".join(done.stderr.split())
        return 0, words[-400:]
    return sum("==" in line for line in done.stdout.splitlines()), ""


def main() -> int:
    """Resolve for all systems, and print a line for each."""
    names = sys.argv[1:] or ["requirements.txt", "requirements-analysis.txt"]
    failed = False
    for name, system, python in itertools.product(names, SYSTEMS, PYTHONS):
        count, why = resolve(ROOT / name, system, python)
        print(f"{name}, {system}, Python {python}: " + (f"NOT ALL, {why}" if why else f"{count} wheels"), flush=True)
        failed |= bool(why) and system not in ON_TRIAL
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
