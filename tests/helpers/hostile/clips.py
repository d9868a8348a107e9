"""Hostile clips and pictures."""

from __future__ import annotations

import os
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from helpers import bad_media, media
from helpers.hostile.base import CHANGES, SECRET, add, given, good_clip, good_picture, link, png

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


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "a.mp4")
    return folder / "a.mp4"


add("clip", "link to a text", link(None))
add("clip", "link to itself", link("a.mp4"))
add("clip", "link to a device", link("/dev/zero"))
add("clip", "named pipe", pipe)
add("clip", "folder", lambda folder: folder)
add("clip", "no file", lambda folder: folder / "gone.mp4")
