"""Pictures of every kind come upright and in their colours; those of phones are shrunk in place of being refused."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import media
from PIL import Image
from pillow_heif import register_heif_opener

from fer_core.errors import LimitError, MediaError
from fer_core.video.images import PICTURE_SUFFIXES, picture_header, read_still
from fer_core.video.limits import Limits
from fer_core.video.reader import probe

EXACT = ("png", "bmp", "tif", "tiff", "ppm", "jp2", "gif")


def saved(path: Path, image: np.ndarray | None = None, **how: object) -> Path:
    """A picture (BGR, `pattern(5)` by default) written by Pillow; the suffix chooses the kind."""
    register_heif_opener()
    bgr = media.pattern(5) if image is None else image
    picture = Image.fromarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    kinds = {".jfif": "JPEG", ".heif": "HEIF", ".heic": "HEIF", ".pgm": "PPM", ".pbm": "PPM"}
    if path.suffix in (".pgm", ".pbm"):
        picture = picture.convert("L" if path.suffix == ".pgm" else "1")
    picture.save(path, kinds.get(path.suffix), **how)
    return path


def shown(path: Path, limits: Limits | None = None) -> np.ndarray:
    with open(path, "rb") as file:
        return read_still(file, limits).image


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_each_kind_is_a_picture_with_its_pixels(tmp_path: Path, suffix: str) -> None:
    path = saved(tmp_path / f"a.{suffix}")
    info = probe(path)
    assert (info.width, info.height, info.frames, info.is_image, info.notes) == (96, 64, 1, True, ())
    image = shown(path)
    assert media.number_in(image) == 5
    assert suffix in ("pgm", "pbm") or media.is_upright(image)
    if suffix in EXACT:
        assert np.abs(image.astype(int) - media.pattern(5)).max() <= 12


def test_a_phone_picture_in_tiles_is_read_whole(tmp_path: Path) -> None:
    # libheif writes tiles as phones do only on demand; what counts is that all of it comes, and not one tile.
    register_heif_opener()
    big = cv2.resize(media.pattern(5), (1600, 1200), interpolation=cv2.INTER_NEAREST)
    path = saved(tmp_path / "a.heic", big, tile_size=512)
    assert probe(path).width == 1600 and probe(path).height == 1200
    assert media.number_in(shown(path)) == 5


# HEIC has its turns in the container, where its decoder undoes them; its EXIF is no order (ISO/IEC 23008-12).
@pytest.mark.parametrize("suffix", ["jpg", "tiff", "avif", "png", "webp"])
def test_a_turned_picture_is_brought_upright(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    stored = cv2.rotate(media.pattern(5), cv2.ROTATE_90_COUNTERCLOCKWISE)
    path = saved(tmp_path / f"a.{suffix}", stored, exif=exif)
    image = shown(path)
    assert image.shape == (64, 96, 3)
    assert media.number_in(image) == 5 and media.is_upright(image)


@pytest.mark.parametrize("depth", ["gray", "color"])
def test_sixteen_bits_are_brought_to_eight(tmp_path: Path, depth: str) -> None:
    image = media.pattern(5).astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "a.tiff"), image if depth == "color" else image[..., 1])
    found = shown(tmp_path / "a.tiff")
    assert found.dtype == np.uint8 and media.number_in(found) == 5
    assert found[2, 24].tolist() == [0, 0, 0] and found.max() == 255


def test_one_picture_of_a_gif_is_a_still_and_several_are_a_clip(tmp_path: Path) -> None:
    first, second = (Image.fromarray(media.pattern(n)) for n in (1, 2))
    first.save(tmp_path / "one.gif")
    first.save(tmp_path / "two.gif", save_all=True, append_images=[second], duration=100)
    assert probe(tmp_path / "one.gif").is_image
    assert not probe(tmp_path / "two.gif").is_image


@pytest.mark.parametrize("suffix", ["jpg", "png", "heic"])
def test_what_is_too_large_is_shrunk_and_said(tmp_path: Path, suffix: str) -> None:
    big = cv2.resize(media.pattern(5), (960, 640), interpolation=cv2.INTER_NEAREST)
    path = saved(tmp_path / f"a.{suffix}", big)
    limits = Limits(max_pixels=300 * 200)
    info = probe(path, limits)
    assert info.width * info.height <= 300 * 200 and info.width > 200
    assert info.width / info.height == pytest.approx(1.5, abs=0.02)
    assert f"960 x 640 pixels was read at {info.width} x {info.height}" in info.notes[0]
    assert media.number_in(shown(path, limits)) == 5


def jpeg_that_claims(width: int, height: int, *, progressive: bool) -> bytes:
    """A small JPEG whose header claims another size."""
    file = io.BytesIO()
    Image.fromarray(media.pattern(5)).save(file, "JPEG", progressive=progressive)
    data = bytearray(file.getvalue())
    at = data.index(b"\xff\xc2" if progressive else b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def test_a_jpeg_is_never_decoded_larger_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    flags: list[int] = []
    monkeypatch.setattr(cv2, "imdecode", lambda data, flag: flags.append(flag) or np.zeros((8, 8, 3), np.uint8))
    for width, height in ((4032, 3024), (8064, 6048), (16320, 12240)):
        read_still(io.BytesIO(jpeg_that_claims(width, height, progressive=False)))
    assert flags == [cv2.IMREAD_COLOR, cv2.IMREAD_REDUCED_COLOR_2, cv2.IMREAD_REDUCED_COLOR_4]
    with pytest.raises(LimitError, match="16320 x 12240 pixels; at most 80,000,000"):
        read_still(io.BytesIO(jpeg_that_claims(16320, 12240, progressive=True)))


@pytest.mark.parametrize("suffix", [s for s in PICTURE_SUFFIXES if s != "gif"])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_what_is_cut_off_is_damaged_and_no_other_error(tmp_path: Path, suffix: str, share: float) -> None:
    path = saved(tmp_path / f"a.{suffix}")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    try:
        assert probe(path).is_image  # some decoders give what they have
    except MediaError as error:
        assert "damaged" in str(error)


@pytest.mark.parametrize(
    "head", [b"%PDF-1.7", b"<svg xmlns=", b"\0\0\0\x18ftypmp42", b"\0\0\0\x18ftypavis", b"P9 1 1", b"PK\3\4"]
)
def test_no_other_kind_of_file_is_taken_for_a_picture(head: bytes) -> None:
    assert picture_header(io.BytesIO(head + bytes(40)))[0] == ""
