"""What the hostile files are made of: the case itself, a few good files, and what may happen to their bytes."""

from __future__ import annotations

import io
import os
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
from helpers import media

SECRET = "canary.txt"
"""A file beside the hostile one's folder that no reader was given."""

SHIPPED = Path(__file__).resolve().parents[3] / "models" / "expression-s"


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile file.

    Attributes:
        name: what it is, for the test's id.
        kind: clip, dataset, model or run: who reads it.
        make: given an empty folder, makes the file in it and returns its path.
    """

    name: str
    kind: str
    make: Callable[[Path], Path]


CASES: list[Case] = []


def add(kind: str, name: str, make: Callable[[Path], Path]) -> None:
    CASES.append(Case(name, kind, make))


def given(name: str, data: bytes | Callable[[], bytes]) -> Callable[[Path], Path]:
    """Makes a file of that name with those bytes."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data() if callable(data) else data)
        return path

    return make


# What a good file looks like, and what may happen to its bytes.


@cache
def good_clip(suffix: str, codec: str, pixels: str = "yuv420p") -> bytes:
    with TemporaryDirectory() as folder:
        return media.make_clip(Path(folder) / f"a{suffix}", codec=codec, pixel_format=pixels).read_bytes()


@cache
def good_picture(suffix: str) -> bytes:
    return cv2.imencode(suffix, media.pattern(5))[1].tobytes()


@cache
def good_csv() -> bytes:
    pixels = " ".join(str(i % 256) for i in range(48 * 48))
    lines = [f"{code},{pixels},{use}" for code in range(7) for use in ("Training", "PublicTest")]
    return ("emotion,pixels,Usage\n" + "\n".join(lines) + "\n").encode()


@cache
def good_zip() -> bytes:
    return zipped({f"train/{label}/{i}.png": good_picture(".png") for label in ("happy", "sad") for i in range(3)})


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def flipped(data: bytes, seed: int, count: int = 40) -> bytes:
    damaged, chance = bytearray(data), random.Random(seed)
    for _ in range(count):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def zeroed(data: bytes, start: float, end: float) -> bytes:
    a, b = int(len(data) * start), int(len(data) * end)
    return data[:a] + bytes(b - a) + data[b:]


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "cut at 3 %": lambda data: cut(data, 0.03),
    "cut at 40 %": lambda data: cut(data, 0.4),
    "cut at 95 %": lambda data: cut(data, 0.95),
    "bits flipped": lambda data: flipped(data, 1),
    "many bits flipped": lambda data: flipped(data, 2, 400),
    "beginning flipped": lambda data: flipped(data[:200], 3, 8) + data[200:],
    "middle zeroed": lambda data: zeroed(data, 0.3, 0.6),
    "beginning zeroed": lambda data: zeroed(data, 0.0, 0.02),
    "twice": lambda data: data * 2,
}


def png(width: int, height: int, depth: int = 8, color: int = 2, data: bytes = b"") -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", data or zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def link(target: str | None, name: str = "a.mp4") -> Callable[[Path], Path]:
    """A symbolic link to a path, or to the secret beside the folder."""

    def make(folder: Path) -> Path:
        (folder / name).symlink_to(target or folder.parent / SECRET)
        return folder / name

    return make


class Touch:
    """Unpickled, it makes a file: what a hostile pickle would do."""

    def __reduce__(self) -> tuple:
        return os.mkdir, ("pwned",)
