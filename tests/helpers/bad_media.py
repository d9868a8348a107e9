"""Clips that are damaged, lie or claim too much, made on the spot."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import av
from helpers.media import FRAMES, HEIGHT, OPTIONS, WIDTH, make_clip, make_picture, patterns


def make_empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def make_text(path: Path) -> Path:
    """Prose that begins like a BMP."""
    path.write_bytes(b"BM, dear diary,\n" * 100)
    return path


def make_cut_picture(path: Path, size: int) -> Path:
    """The first `size` bytes of a picture."""
    path.write_bytes(make_picture(path).read_bytes()[:size])
    return path


def make_huge_png(path: Path, side: int = 16384) -> Path:
    """A few bytes that claim to be a picture of `side` x `side`."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    pixels = zlib.compress(bytes(side * 4))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    return path


def make_huge_gif(path: Path, side: int = 16384) -> Path:
    size = struct.pack("<HH", side, side)
    path.write_bytes(
        b"GIF89a" + size + b"\x80\0\0" + bytes(6) + b"\x2c" + bytes(4) + size + b"\0\x02\x03\x4c\x01\0\0\x3b"
    )
    return path


def make_lying_clip(path: Path, side: int = 16384) -> Path:
    """A MOV whose header claims a much larger picture than it has; its codec (qtrle) believes the header."""
    data = bytearray(make_clip(path, codec="qtrle", pixel_format="rgb24").read_bytes())
    at = data.index(b"rle ", data.index(b"stsd")) + 28
    assert struct.unpack(">HH", data[at : at + 4]) == (WIDTH, HEIGHT)
    data[at : at + 4] = struct.pack(">HH", side, side)
    path.write_bytes(data)
    return path


def make_growing_clip(path: Path, width: int, height: int) -> Path:
    """A clip whose picture grows in the middle: two TS files, one after the other."""
    small = make_clip(path.with_suffix(".1.ts")).read_bytes()
    large = make_clip(path.with_suffix(".2.ts"), patterns(4, width, height)).read_bytes()
    path.write_bytes(small + large)
    return path


def make_truncated(path: Path, share: float, *, header_first: bool) -> Path:
    """An MP4 of 50 frames that breaks off."""
    options = {"movflags": "+faststart"} if header_first else None
    data = make_clip(path, patterns(50), container_options=options).read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def make_damaged(path: Path, number: int = 6, codec: str = "libvpx-vp9", count: int = FRAMES) -> Path:
    """A clip whose packet `number` is overwritten."""
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    options = OPTIONS[codec] | {"lag-in-frames": "0"} if "vpx" in codec else None
    make_clip(path, patterns(count), codec=codec, pixel_format=pixels, options=options)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        wanted = bytes(packets[number])
    data = path.read_bytes()
    assert data.count(wanted) == 1
    path.write_bytes(data.replace(wanted, b"\xff" * len(wanted)))
    return path


def make_unknown_codec(path: Path) -> Path:
    """An MP4 whose pictures say that they are compressed by something nobody knows."""
    data = bytearray(make_clip(path).read_bytes())
    at = data.index(b"avc1", data.index(b"stsd"))
    data[at : at + 4] = b"zzzz"
    path.write_bytes(data)
    return path


def make_undecodable(path: Path) -> Path:
    """An MP4 with a good header and nothing decodable in it."""
    data = bytearray(make_clip(path, container_options={"movflags": "+faststart"}).read_bytes())
    at = data.index(b"mdat") + 4
    data[at:] = b"\xff" * (len(data) - at)
    path.write_bytes(data)
    return path


def make_playlist(path: Path, target: Path, kind: str) -> Path:
    """A playlist that names another file, under the name of a clip."""
    text = {
        "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n",
        "ffconcat": f"ffconcat version 1.0\nfile '{target}'\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5000 RTP/AVP 96\n",
        "dash": f'<?xml version="1.0"?><MPD><Period><BaseURL>{target}</BaseURL></Period></MPD>',
    }
    path.write_text(text[kind])
    return path
