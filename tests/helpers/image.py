"""Follows the Dockerfile where there is no Docker: the base is a clean virtual environment, the user an ordinary one.

    python tests/helpers/image.py [requirements-analysis.txt]

builds the image in a temporary folder, starts it, asks its health check, and says how large it is. Two kinds of steps
change the whole machine and are left out: packages of the system (looked up instead) and the user's account.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Image", "build", "instructions", "interpreter", "kept"]

ROOT = Path(__file__).resolve().parent.parent.parent
SOMEBODY = 1000
"""An ordinary user's number, as the Dockerfile has it."""
OF_THE_MACHINE = ("apt-get", "useradd")


def instructions(text: str) -> list[tuple[str, str]]:
    """The Dockerfile's steps as (word, rest), with continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in whole.splitlines() if line.strip()]  # type: ignore[misc]


def kept(path: str, ignored: list[str]) -> bool:
    """Whether a file of the project gets into the image, by the lines of .dockerignore: the last that fits decides."""
    keep = True
    for line in ignored:
        rule = line.removeprefix("!")
        pattern = re.escape(rule).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if re.fullmatch(f"{pattern}(/.*)?", path):
            keep = line.startswith("!")
    return keep


def interpreter() -> str | None:
    """A Python that an ordinary user may run; None where there is none."""
    for name in (sys.executable, *(shutil.which(f"python3.{i}", path="/usr/bin") for i in (11, 12, 13))):
        if name and _run([name, "-c", "import ensurepip, venv"], "/", {}, SOMEBODY).returncode == 0:
            return name
    return None


def _run(
    command: list[str], folder: str | Path, environment: dict[str, str], user: int | None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as that user where this process may become another."""
    try:
        return subprocess.run(
            command, cwd=folder, env={**_MACHINE, **environment}, capture_output=True, text=True, **_as(user)
        )
    except PermissionError as error:
        return subprocess.CompletedProcess(command, 126, "", str(error))


_MACHINE = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_")) or k in ("LANG", "OPENBLAS_CORETYPE")}
"""What pip and NumPy must know of this machine; nothing else of the environment gets into the image."""


def _as(user: int | None) -> dict[str, Any]:
    return {} if user is None or os.getuid() != 0 else {"user": user, "group": user, "extra_groups": []}


@dataclass(slots=True)
class Image:
    """What the steps made.

    Attributes:
        root: stands for the image's `/`.
        workdir: where its commands run.
        environment: as its commands see it.
        command, health: CMD and HEALTHCHECK.
        left_out: steps that were not followed.
        user: who runs its commands; None for whoever runs this.
    """

    root: Path
    workdir: Path
    environment: dict[str, str]
    command: list[str] = field(default_factory=list)
    health: str = ""
    left_out: list[str] = field(default_factory=list)
    user: int | None = None

    def run(self, *command: str) -> str:
        """What a command in the image prints; CalledProcessError where it fails."""
        done = _run(list(command), self.workdir, self.environment, self.user)
        if done.returncode:
            raise AssertionError(f"{command}\n{done.stdout}\n{done.stderr}"[-4000:])
        return done.stdout

    def healthy(self) -> bool:
        """What HEALTHCHECK says."""
        return _run(["sh", "-c", self.health], self.workdir, self.environment, self.user).returncode == 0

    @contextmanager
    def started(self) -> Iterator[str]:
        """The app as CMD starts it, on a free port, once it is healthy; gives its address."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.environment["PORT"] = str(probe.getsockname()[1])
        log = self.root / "tmp" / "server.log"
        with open(log, "wb") as output:
            server = subprocess.Popen(
                self.command,
                cwd=self.workdir,
                env={**_MACHINE, **self.environment},
                stdout=output,
                stderr=output,
                **_as(self.user),
            )
        try:
            end = time.monotonic() + 240
            while not self.healthy():
                words = log.read_text(errors="replace")
                assert server.poll() is None and time.monotonic() < end, f"The image does not start:\n{words}"
                time.sleep(0.5)
            yield f"http://127.0.0.1:{self.environment['PORT']}"
        finally:
            server.terminate()
            server.wait(60)


@contextmanager
def build(arguments: dict[str, str] | None = None, *, python: str | None = None) -> Iterator[Image]:
    """Follow the Dockerfile; the image is deleted at the end.

    Args:
        arguments: build arguments other than the usual.
        python: makes the clean virtual environment; where it is None, this process's own stands for it, and nothing
            is installed, by whoever runs this.
    """
    root = Path(tempfile.mkdtemp(prefix="image-"))
    try:
        yield _follow(root, arguments or {}, python)
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(root)], check=False)
        shutil.rmtree(root, ignore_errors=True)


def _follow(root: Path, arguments: dict[str, str], python: str | None) -> Image:
    for folder in (root / "tmp", root / "home"):
        folder.mkdir()
        _give(folder)
    _give(root)
    binaries = Path(sys.executable).parent
    environment = {"HOME": str(root / "home"), "TMPDIR": str(root / "tmp"), "LANG": "C.UTF-8"}
    if python is not None:
        binaries = root / "python" / "bin"
        assert _run([python, "-m", "venv", str(root / "python")], root, environment, SOMEBODY).returncode == 0
    image = Image(root, root, {**environment, "PATH": f"{binaries}:/usr/local/bin:/usr/bin:/bin"})
    image.user = SOMEBODY if python is not None else None
    known = dict(arguments)
    for word, rest in instructions((ROOT / "Dockerfile").read_text()):
        if word == "ARG":
            name, _, usual = rest.partition("=")
            known.setdefault(name, usual)
        elif word == "WORKDIR":
            image.workdir = root / rest.lstrip("/")
            image.workdir.mkdir(parents=True)
            _give(image.workdir)
        elif word == "COPY":
            _copy(rest.split(), image.workdir)
        elif word == "RUN":
            if rest.startswith(OF_THE_MACHINE) or (python is None and rest.startswith("pip ")):
                image.left_out.append(rest)
                continue
            done = _run(["sh", "-c", rest], image.workdir, {**image.environment, **known}, image.user)
            assert done.returncode == 0, f"{rest}\n{done.stdout}\n{done.stderr}"[-4000:]
        elif word == "ENV":
            pairs = (pair.partition("=") for pair in rest.split())
            image.environment |= {k: v.replace("/home/app", str(root / "home")) for k, _, v in pairs}
        elif word == "USER":
            subprocess.run(["chmod", "-R", "a-w", str(image.workdir)], check=True)
        elif word == "HEALTHCHECK":
            image.health = rest.split(" CMD ", 1)[-1].removeprefix("CMD ")
        elif word == "CMD":
            image.command = json.loads(rest)
        else:
            assert word in {"FROM", "EXPOSE"}, f"tests/helpers/image.py does not know {word}"
    return image


def _give(path: Path) -> None:
    if os.getuid() == 0:
        os.chown(path, SOMEBODY, SOMEBODY)


def _copy(names: list[str], to: Path) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    ignored = [line for line in ignored if line and not line.startswith("#")]
    *sources, target = names
    for source in sources:
        place = ROOT / source
        for path in [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file()):
            name = path.relative_to(ROOT).as_posix()
            if kept(name, ignored):
                copy = to / target / name
                for folder in reversed(copy.relative_to(to).parents):
                    (to / folder).mkdir(exist_ok=True)
                    _give(to / folder)
                shutil.copyfile(path, copy)
                _give(copy)


def size(folder: Path) -> float:
    """Megabytes of a folder."""
    done = subprocess.run(["du", "-sm", str(folder)], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[0])


def main() -> int:
    """Build, start and ask; prints what came of it."""
    python = interpreter()
    if python is None:
        print("There is no Python here that an ordinary user may run.", file=sys.stderr)
        return 1
    chosen = sys.argv[1] if len(sys.argv) > 1 else "requirements.txt"
    begin = time.monotonic()
    with build({"REQUIREMENTS": chosen}, python=python) as image:
        took = time.monotonic() - begin
        with image.started() as address:
            print(f"{chosen}: {took:.0f} s to build, healthy at {address} as user {image.run('id', '-u').strip()}")
        print(f"environment {size(image.root / 'python'):.0f} MB, app {size(image.workdir):.0f} MB")
        print("left out: " + "; ".join(image.left_out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
