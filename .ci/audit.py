"""Security holes known of what the installation brings: pip-audit asks PyPI about each package at its version here.

Exit status 1 where there is one. Where the service cannot be reached nothing is known, and this says so.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


def listed(path: Path) -> list[Requirement]:
    """The requirements of a file and of those that it includes."""
    found = []
    for line in path.read_text().splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("-r "):
            found += listed(path.parent / line[3:])
        elif line:
            found.append(Requirement(line))
    return found


def brought(wanted: list[Requirement]) -> dict[str, str]:
    """What is installed for these requirements, and for what they require: name to version."""
    found: dict[str, str] = {}
    while wanted:
        one = wanted.pop()
        name = canonicalize_name(one.name)
        extras = one.extras or {""}
        if name in found or (one.marker and not any(one.marker.evaluate({"extra": extra}) for extra in extras)):
            continue
        try:
            package = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system or another Python
        found[name] = package.version
        for line in package.requires or []:
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                needed.marker = None
                wanted.append(needed)
    return found


def main() -> int:
    packages = brought(listed(ROOT / "requirements.txt"))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        # Versions of one's own build (1.0+cpu) are unknown to everybody else.
        file.writelines(f"{name}=={re.sub(r'[+].*', '', version)}\n" for name, version in sorted(packages.items()))
        file.flush()
        command = [sys.executable, "-m", "pip_audit", "-r", file.name, "--no-deps", "--disable-pip", "-f", "json"]
        done = subprocess.run([*command, "--progress-spinner", "off"], capture_output=True, text=True, check=False)
    try:
        answers = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"security holes: NOT CHECKED, the service could not be asked ({last[:200]})")
        return 0
    unknown = [answer["name"] for answer in answers if "skip_reason" in answer]
    holes = [(answer, hole) for answer in answers for hole in answer.get("vulns", [])]
    for answer, hole in holes:
        fixed = ", ".join(hole["fix_versions"]) or "no version yet"
        print(f"{answer['name']} {answer['version']}: {hole['id']}, mended in {fixed}")
    if len(unknown) == len(answers):
        print(
            f"security holes: NOT CHECKED, the service that can be reached here knows none of {len(answers)} packages"
        )
    else:
        left = f"; not known to the service: {', '.join(unknown)}" if unknown else ""
        print(f"security holes: {len(holes)} in {len(answers) - len(unknown)} packages{left}")
    return int(bool(holes))


if __name__ == "__main__":
    sys.exit(main())
