"""Hostile datasets: tables, archives, arrays, folders."""

from __future__ import annotations

import io
import pickle
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from helpers import media
from helpers.hostile.base import CHANGES, SECRET, Touch, add, cut, given, good_csv, good_zip, link, png, zipped

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


MARKUP = ["<script>alert(1)</script>", "=cmd|' C'!A0", "a\n\u202e\x1b[31m**b**"]
PLAIN = {"images": np.arange(3 * 48 * 48).reshape(3, 48, 48) % 256, "labels": np.array(["happy", "sad", "happy"])}


def packed_arrays() -> bytes:
    """Half a gigabyte of nothing in half a megabyte."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("images.npy", "w") as member:
            np.lib.format.write_array_header_1_0(
                member, {"descr": "|u1", "fortran_order": False, "shape": (512, 1024, 1024)}
            )
            for _ in range(512):
                member.write(bytes(1024 * 1024))
        with archive.open("labels.npy", "w") as member:
            np.lib.format.write_array(member, np.arange(512))
    return data.getvalue()


def arrays(**parts: np.ndarray) -> bytes:
    data = io.BytesIO()
    np.savez(data, **parts, allow_pickle=True)  # type: ignore[arg-type]
    return data.getvalue()


def lying_arrays(shape: tuple[int, ...]) -> bytes:
    """Arrays whose header claims another shape than there are bytes."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": shape})
    labels = io.BytesIO()
    np.save(labels, PLAIN["labels"])
    return zipped({"images.npy": head.getvalue() + bytes(5000), "labels.npy": labels.getvalue()})


add("dataset", "npz with a pickle", given("faces.npz", lambda: arrays(images=np.array([Touch()], object))))
add(
    "dataset",
    "npz with a pickle beside arrays",
    given("faces.npz", lambda: arrays(**PLAIN, names=np.array([Touch()], object))),
)
add("dataset", "npz that says a billion images", given("faces.npz", lambda: lying_arrays((10**9, 48, 48))))
add("dataset", "npz that says more than there is", given("faces.npz", lambda: lying_arrays((90_000, 48, 48))))
add("dataset", "npz with labels of markup", given("faces.npz", lambda: arrays(**PLAIN | {"labels": np.array(MARKUP)})))
add("dataset", "npz with splits of markup", given("faces.npz", lambda: arrays(**PLAIN, splits=np.array(MARKUP))))
add("dataset", "npz with rows beyond all", given("faces.npz", lambda: arrays(**PLAIN, rows=np.array([2**62, -1, 0]))))
add(
    "dataset",
    "npz with pixels that are no numbers",
    given("faces.npz", lambda: arrays(**PLAIN | {"images": np.full((3, 48, 48), np.nan)})),
)
add(
    "dataset",
    "npz of images without a side",
    given("faces.npz", lambda: arrays(**PLAIN | {"images": np.zeros((3, 0, 48))})),
)
add("dataset", "npz that is a bomb by ratio", given("faces.npz", packed_arrays))
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
