"""Files that somebody may bring to do harm, or by mistake: over two hundred, made on the spot from a few good ones.

A `Case` is a name, a kind (which reader is given it) and a function that makes the file in an empty folder.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import bad_media
import cv2
import media
import numpy as np

__all__ = ["CASES", "SECRET", "Case"]

SECRET = "canary.txt"
"""A file beside the hostile one's folder that no reader was given."""

SHIPPED = Path(__file__).resolve().parent.parent / "models" / "expression-s"


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

# Clips and pictures.

CLIPS = {
    ".mp4": ("libx264", "yuv420p"),
    ".webm": ("libvpx", "yuv420p"),
    ".avi": ("mpeg4", "yuv420p"),
    ".ts": ("libx264", "yuv420p"),
    ".gif": ("gif", "rgb8"),
}
PICTURES = (".jpg", ".png", ".webp", ".bmp")

for suffix, (codec, pixels) in CLIPS.items():
    for change, alter in CHANGES.items():
        add(
            "clip",
            f"{suffix} {change}",
            given(f"a{suffix}", lambda s=suffix, c=codec, p=pixels, alter=alter: alter(good_clip(s, c, p))),
        )
for suffix in PICTURES:
    for change, alter in CHANGES.items():
        add("clip", f"{suffix} {change}", given(f"a{suffix}", lambda s=suffix, alter=alter: alter(good_picture(s))))
    add("clip", f"{suffix} empty", given(f"a{suffix}", b""))
for seed in range(12):
    noise = random.Random(seed).randbytes(3000)
    heads = (b"", b"RIFF", b"\x1aE\xdf\xa3", b"\0\0\0\x18ftypmp42", b"GIF89a", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
    add("clip", f"noise {seed}", given("a.mp4", heads[seed % len(heads)] + noise))


def png(width: int, height: int, depth: int = 8, colour: int = 2, data: bytes = b"") -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", data or zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def bmp(width: int, height: int) -> bytes:
    return (
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 200, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(100)
    )


def jpeg(width: int, height: int) -> bytes:
    data = bytearray(good_picture(".jpg"))
    at = next(i for i in range(len(data) - 1) if data[i] == 0xFF and data[i + 1] in (0xC0, 0xC2))
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


for side in (2**31 - 1, 60000, 5000):
    add("clip", f"png says {side}", given("a.png", png(side, side)))
    add("clip", f"bmp says {side}", given("a.bmp", bmp(side, -side)))
for width, height in ((65535, 65535), (65535, 1), (5000, 5000)):
    add("clip", f"jpeg says {width} x {height}", given("a.jpg", jpeg(width, height)))
add("clip", "png of nothing", given("a.png", png(0, 0)))
add("clip", "bmp of nothing", given("a.bmp", bmp(0, 0)))
add("clip", "png whose data are a bomb", given("a.png", lambda: png(2000, 1500, data=zlib.compress(bytes(60_000_000)))))
add("clip", "huge gif", lambda folder: bad_media.make_huge_gif(folder / "a.gif"))
add("clip", "clip that says 16384", lambda folder: bad_media.make_lying_clip(folder / "a.mov"))
add("clip", "clip that grows", lambda folder: bad_media.make_growing_clip(folder / "a.ts", 2880, 1600))
add("clip", "clip with nothing decodable", lambda folder: bad_media.make_undecodable(folder / "a.mp4"))
add("clip", "clip of an unknown codec", lambda folder: bad_media.make_unknown_codec(folder / "a.mp4"))
add("clip", "song", lambda folder: media.make_sound(folder / "a.m4a"))
add(
    "clip",
    "clip of ten hours in three frames",
    lambda folder: media.make_clip(folder / "a.mkv", media.patterns(3), times=[0, 1, 36000]),
)
add(
    "clip",
    "clip of ten thousand frames a second",
    lambda folder: media.make_clip(folder / "a.mp4", times=[i / 1000 for i in range(12)]),
)
for kind in ("m3u8", "ffconcat", "sdp", "dash"):
    for suffix in (".mp4", ".m3u8"):
        add(
            "clip",
            f"playlist {kind} as {suffix}",
            lambda folder, k=kind, s=suffix: bad_media.make_playlist(folder / f"a{s}", folder.parent / SECRET, k),
        )
for scheme in ("file:", "concat:", "subfile,,start,0,end,9,,:", "http://127.0.0.1:1/", "data:text/plain,", "crypto:"):
    text = f"#EXTM3U\n#EXTINF:1,\n{scheme}/etc/passwd\n#EXT-X-ENDLIST\n".encode()
    add("clip", f"playlist of {scheme}", given("a.m3u8", text))
for head, what in (
    (b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>', "svg"),
    (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "xml"),
    (b"%PDF-1.7\n1 0 obj\n", "pdf"),
    (b"MZ" + bytes(200), "program"),
    (b"#!/bin/sh\ntouch pwned\n", "script"),
    (b"push graphic-context\nviewbox 0 0 640 480\nimage over 0,0 0,0 '|touch pwned'\n", "mvg"),
    (b"\x1f\x8b\x08" + bytes(100), "gzip"),
):
    add("clip", f"{what} called a clip", given("a.mp4", head))


def clip_named(name: str) -> Callable[[Path], Path]:
    return given(name, lambda: good_clip(".mp4", "libx264"))


NAMES = [
    "<script>alert(1)</script>.mp4".replace("/", ""),
    '"><img src=x onerror=alert(1)>.mp4',
    "**bold** :red[x] $y$ `z`.mp4",
    "=cmd|' C'!A0.mp4",
    "a\nb\tc\x1b[31m\x07.mp4",
    "\u202e4pm.exe",
    "\u200b\u2066\ufeff.mp4",
    "%s%n%d{0}{name}.mp4",
    "; rm -rf $(pwd) && `id`.mp4",
    "-i.mp4",
    "CON.mp4",
    "a" * 251 + ".mp4",
    "😀" * 62 + ".mp4",
    "…",
    " .mp4",
    os.fsdecode(b"\xff\xfe\x80.mp4"),
]
for name in NAMES:
    add("clip", f"named {ascii(name)[:40]}", clip_named(name))


def link(target: str | None, name: str = "a.mp4") -> Callable[[Path], Path]:
    """A symbolic link to a path, or to the secret beside the folder."""

    def make(folder: Path) -> Path:
        (folder / name).symlink_to(target or folder.parent / SECRET)
        return folder / name

    return make


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "a.mp4")
    return folder / "a.mp4"


add("clip", "link to a text", link(None))
add("clip", "link to itself", link("a.mp4"))
add("clip", "link to a device", link("/dev/zero"))
add("clip", "named pipe", pipe)
add("clip", "folder", lambda folder: folder)
add("clip", "no file", lambda folder: folder / "gone.mp4")

# Tables of images.

HEAD = b"emotion,pixels,Usage\n"
FACE = b" ".join(b"7" for _ in range(2304))
ROWS = {
    "nothing": b"",
    "header alone": HEAD,
    "other header": b"a,b,c\n1,2,3\n",
    "no pixels": HEAD + b"1,,Training\n",
    "too few pixels": HEAD + b"1,1 2 3,Training\n",
    "too many pixels": HEAD + b"1," + FACE * 3 + b",Training\n",
    "pixels beyond 255": HEAD + b"1," + FACE.replace(b"7", b"256") + b",Training\n",
    "pixels below 0": HEAD + b"1," + FACE.replace(b"7", b"-1") + b",Training\n",
    "pixels that are no numbers": HEAD + b"1," + FACE.replace(b"7", b"x") + b",Training\n",
    "pixels of a million digits": HEAD + b"1," + b"9" * 1_000_000 + b",Training\n",
    "unknown code": HEAD + b"99," + FACE + b",Training\n",
    "huge code": HEAD + b"9" * 5000 + b"," + FACE + b",Training\n",
    "code of letters": HEAD + b"happy," + FACE + b",Training\n",
    "usage of markup": HEAD + b"1," + FACE + b",<script>alert(1)</script>\n",
    "usage of a formula": HEAD + b"1," + FACE + b",=1+1\n",
    "one cell of a megabyte": HEAD + b"1," + b"1 " * 500_000 + b",Training\n",
    "a million commas": HEAD + b"," * 1_000_000 + b"\n",
    "a hundred thousand empty lines": HEAD + b"\n" * 100_000,
    "an open quotation": HEAD + b'1,"' + FACE + b",Training\n" * 3,
    "zero bytes": HEAD + bytes(5000),
    "no line breaks": b"emotion,pixels,Usage" + b"1," + FACE,
    "other bytes": HEAD + bytes(range(128, 256)) * 50,
    "UTF-16": (HEAD + b"1," + FACE + b",Training\n").decode().encode("utf-16"),
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "JSON": b'{"emotion": 1}',
    "a pickle": pickle.dumps({"a": 1}),
}
for name, data in ROWS.items():
    add("dataset", f"csv with {name}", given("fer2013.csv", data))
for change in ("cut at 3 %", "cut at 40 %", "cut at 95 %", "bits flipped", "middle zeroed"):
    add("dataset", f"csv {change}", given("fer2013.csv", lambda alter=CHANGES[change]: alter(good_csv())))
    add("dataset", f"zip {change}", given("faces.zip", lambda alter=CHANGES[change]: alter(good_zip())))


def bomb_by_ratio() -> bytes:
    return zipped({f"train/happy/{i}.png": bytes(20_000_000) for i in range(8)})


def bomb_by_count() -> bytes:
    return zipped({f"train/happy/{i}.png": b"" for i in range(20_000)}, zipfile.ZIP_STORED)


def lying_zip() -> bytes:
    """A member whose header claims 4 GB."""
    data = bytearray(good_zip())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 2**32 - 2)
    return bytes(data)


def linked_zip() -> bytes:
    """A member that is a symbolic link to a file outside."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        member = zipfile.ZipInfo("train/happy/a.png")
        member.create_system = 3
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, f"../../../{SECRET}")
    return data.getvalue()


def locked_zip() -> bytes:
    data = bytearray(good_zip())
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(sign)
        while at >= 0:
            data[at + place] |= 1
            at = data.find(sign, at + 4)
    return bytes(data)


face = cv2.imencode(".png", media.pattern(3, 48, 48))[1].tobytes()
ZIPS: dict[str, bytes | Callable[[], bytes]] = {
    "nothing": b"",
    "no members": lambda: zipped({}),
    "only a text": lambda: zipped({"read me.txt": b"hello"}),
    "paths upward": lambda: zipped({f"../../{SECRET}": b"x", "../../../../tmp/pwned.png": face}),
    "absolute paths": lambda: zipped({"/tmp/pwned.png": face, "C:\\pwned.png": face, "\\\\host\\share\\a.png": face}),
    "the same member twice": lambda: zipped({"train/happy/a.png": face, "train/happy/A.png": face, "a/": b""}),
    "a bomb by ratio": bomb_by_ratio,
    "a bomb by count": bomb_by_count,
    "a bomb within": lambda: zipped({"train/happy/inner.zip": bomb_by_ratio()}),
    "a header that lies": lying_zip,
    "a link": linked_zip,
    "a password": locked_zip,
    "names of markup": lambda: zipped({f"train/<b>{i}</b>/=1+{i}.png": face for i in range(3)}),
    "names of control characters": lambda: zipped({"train/ha\nppy/\x1b[31m\u202e.png": face}),
    "names of 255 bytes": lambda: zipped({f"train/happy/{'a' * 251}.png": face, f"{'b' * 255}/c.png": face}),
    "deep folders": lambda: zipped({"a/" * 400 + "b.png": face}),
    "pictures that lie": lambda: zipped({"train/happy/a.png": png(60000, 60000), "train/sad/b.png": face}),
    "damaged pictures": lambda: zipped({"train/happy/a.png": cut(face, 0.5), "train/sad/b.jpg": b"no"}),
    "a csv that is too much": lambda: zipped({"fer2013.csv": HEAD + b"0 " * 60_000_000}),
    "a csv of nonsense": lambda: zipped({"fer2013.csv": bytes(1000)}),
    "another ending": lambda: b"\x1f\x8b\x08" + bytes(50),
}
for name, content in ZIPS.items():
    add("dataset", f"zip with {name}", given("faces.zip", content))


class Touch:
    """Unpickled, it makes a file: what a hostile pickle would do."""

    def __reduce__(self) -> tuple:
        return os.mkdir, ("pwned",)


def arrays(**parts: np.ndarray) -> bytes:
    data = io.BytesIO()
    np.savez(data, **parts, allow_pickle=True)  # type: ignore[arg-type]
    return data.getvalue()


add("dataset", "npz with a pickle", given("faces.npz", lambda: arrays(images=np.array([Touch()], object))))
add("dataset", "npy with a pickle", given("faces.npy", pickle.dumps(Touch())))
add("dataset", "link to a device", link("/dev/zero", "fer2013.csv"))
add("dataset", "no file", lambda folder: folder / "gone.csv")
add("dataset", "empty folder", lambda folder: folder)


def linked_folder(folder: Path) -> Path:
    """Class folders with links: to a file outside, to a folder outside, in a circle."""
    (folder / "train" / "happy").mkdir(parents=True)
    (folder / "train" / "happy" / "a.png").symlink_to(folder.parent / SECRET)
    (folder / "train" / "sad").symlink_to(folder / "train")
    (folder / "train" / "happy" / "b.png").symlink_to("/dev/zero")
    return folder


add("dataset", "folder of links", linked_folder)

# Models and runs: a folder of somebody's home.


def model(card: object, weights: bytes | None = None, name: str = "bad") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        own = folder / "models" / name
        own.mkdir(parents=True)
        (own / "card.json").write_bytes(card if isinstance(card, bytes) else json.dumps(card).encode())
        if weights is not None:
            (own / "model.tflite").write_bytes(weights)
        return own

    return make


def card(**changes: object) -> dict:
    whole = json.loads((SHIPPED / "card.json").read_text())
    whole.pop("sha256")
    return whole | changes


HEADS = [{"name": "fer7", "labels": ["angry", "happy"]}]
CARDS: dict[str, object] = {
    "empty": b"",
    "that is no JSON": b"{",
    "that is a list": [],
    "that is a number": 3,
    "that is null": None,
    "that is very deep": b"[" * 100_000,
    "of huge numbers": b'{"heads": [], "main": ' + b"9" * 100_000 + b"}",
    "of other bytes": bytes(range(256)),
    "without heads": {"main": "x"},
    "with heads that are text": {"heads": "abc", "main": "a"},
    "with labels that are numbers": {"heads": [{"name": "a", "labels": [1, 2]}], "main": "a"},
    "with labels that are a number": {"heads": [{"name": "a", "labels": 7}], "main": "a"},
    "with temperature 0": {"heads": [HEADS[0] | {"temperature": 0}], "main": "fer7"},
    "with temperature NaN": b'{"heads": [{"name": "a", "labels": ["x"], "temperature": NaN}], "main": "a"}',
    "with another main": {"heads": HEADS, "main": "gone"},
    "with labels of markup": {"heads": [{"name": "a", "labels": ["<script>", "=1+1"]}], "main": "a"},
    "with a title of markup": card(title="<img src=x onerror=alert(1)> **b** =1+1"),
    "with a title that is a list": card(title=["a", {}]),
    "with another size of crop": card(preprocessing={"side": 10**9, "scale": "unit"}),
    "with a size of crop that is text": card(preprocessing={"side": "../../x", "scale": []}),
    "with preprocessing that is text": card(preprocessing="none"),
}
WEIGHTS = {
    "of none": b"",
    "of noise": random.Random(5).randbytes(5000),
    "of a pickle": pickle.dumps(Touch()),
    "with the right sign only": b"\x1c\0\0\0TFL3" + bytes(500),
    "with the sign and noise": b"\x1c\0\0\0TFL3" + random.Random(6).randbytes(500),
    "cut short": cut((SHIPPED / "model.tflite").read_bytes(), 0.3),
}
for name, content in CARDS.items():
    add("model", f"card {name}", model(content, (SHIPPED / "model.tflite").read_bytes()))
for name, weights in WEIGHTS.items():
    add("model", f"weights {name}", model(card(), weights))
add("model", "weights missing", model(card()))
add("model", "of other outputs", model({"heads": HEADS, "main": "fer7"}, (SHIPPED / "model.tflite").read_bytes()))
add("model", "named like markup", model(card(), WEIGHTS["of noise"], "<b>=1+1</b>".replace("/", "")))


def linked_model(folder: Path) -> Path:
    own = folder / "models" / "bad"
    own.mkdir(parents=True)
    (own / "card.json").symlink_to(folder.parent / SECRET)
    (own / "model.tflite").symlink_to("/dev/zero")
    return own


add("model", "of links", linked_model)


def run(**files: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        own = folder / "runs" / "bad"
        own.mkdir(parents=True)
        for name, data in files.items():
            (own / name.replace("_", ".")).write_bytes(data)
        return own

    return make


CONFIG = b'{"architecture": "tiny", "dataset": "synthetic"}'
RUNS: dict[str, dict[str, bytes]] = {
    "empty": {},
    "of empty files": {"config_json": b"", "status_json": b"", "epochs_jsonl": b""},
    "of noise": {name: random.Random(7).randbytes(999) for name in ("config_json", "status_json", "epochs_jsonl")},
    "with a config that is a list": {"config_json": b"[]", "status_json": b"[]", "epochs_jsonl": b"[]\n"},
    "with a deep status": {"config_json": CONFIG, "status_json": b"[" * 100_000},
    "with a foreign process": {"config_json": CONFIG, "status_json": b'{"state": "running", "pid": 1}'},
    "with a process that is text": {"config_json": CONFIG, "status_json": b'{"state": "running", "pid": "rm -rf"}'},
    "with an unknown state": {"config_json": CONFIG, "status_json": b'{"state": "<script>"}'},
    "with half a line": {"config_json": CONFIG, "status_json": b'{"state": "done"}', "epochs_jsonl": b'{"epoch": 1, '},
    "with epochs that are text": {"config_json": CONFIG, "epochs_jsonl": b'{"epoch": "<b>", "loss": []}\n' * 3},
    "with epochs of NaN": {"config_json": CONFIG, "epochs_jsonl": b'{"epoch": NaN, "loss": Infinity}\n'},
    "with a note of markup": {"config_json": CONFIG, "note_txt": b"<script>alert(1)</script>=1+1\xff\xfe"},
}
for name, files in RUNS.items():
    add("run", name, run(**files))


def each(kind: str) -> Iterator[Case]:
    return (case for case in CASES if case.kind == kind)
