"""docs/formats.md says what the code reads and writes: no ending more, and none less."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fer_core.analysis.export import FORMATS
from fer_core.models.importer import SUFFIXES
from fer_core.video.formats import CLIP_SUFFIXES, MEDIA_SUFFIXES
from fer_core.video.images import JPEG_SHARE, PICTURE_SUFFIXES
from fer_core.video.limits import Limits
from ui.video.upload import SUFFIXES as OFFERED

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")

TESTS = {
    "Clips": [
        "tests/video/test_formats.py::test_each_ending_of_a_clip_is_read",
        "tests/video/test_formats.py::test_the_rate_comes_from_the_stamps_where_the_container_only_knows_milliseconds",
        "tests/video/test_formats.py::test_further_tracks_are_said",
        "tests/video/test_formats.py::test_side_data_that_pyav_has_no_name_for_does_not_matter",
        "tests/video/test_tone_mapping.py::test_a_clip_says_so_and_is_written_with_its_light",
        "tests/video/test_completeness.py::test_a_clip_that_breaks_off_says_how_far_it_goes",
        "tests/video/test_completeness.py::test_a_file_that_changes_while_it_is_read_is_noticed",
        "tests/video/test_bad_clips.py::test_frames_that_are_lost_do_not_shift_the_numbers_of_later_ones",
        "tests/analysis/test_detail.py::test_small_faces_ask_for_a_closer_look",
        "tests/analysis/test_detail.py::test_a_squashed_picture_is_noticed",
    ],
    "Pictures": [
        "tests/video/test_images.py::test_each_kind_is_a_picture_with_its_pixels",
        "tests/video/test_images.py::test_a_phone_picture_in_tiles_is_read_whole",
        "tests/video/test_images.py::test_a_turned_picture_is_brought_upright",
        "tests/video/test_images.py::test_sixteen_bits_are_brought_to_eight",
        "tests/video/test_images.py::test_a_jpeg_is_never_decoded_larger_than_allowed",
    ],
    "Models of others": [
        "tests/models/test_importer.py::test_other_layouts",
        "tests/models/test_importer.py::test_a_list_of_layers_as_in_keras_2_2",
        "tests/models/test_importer.py::test_a_zip_with_the_pair_of_files_or_a_whole_one",
        "tests/models/test_importer.py::test_files_of_other_kinds_are_told_by_a_look",
    ],
    "Written": [
        "tests/cli/test_commands.py::test_analyze_writes_table_json_and_clip",
        "tests/cli/test_commands.py::test_an_annotated_picture_is_a_picture",
        "tests/video/test_audio.py::test_sound_keeps_its_stamps_over_a_gap",
        "tests/video/test_writer.py::test_a_long_last_picture_keeps_its_time_and_its_sound",
        "tests/analysis/test_clip.py::test_a_disk_that_is_full_keeps_the_table",
    ],
}


def first_cells(title: str) -> list[str]:
    """The words in code marks of the first column of a section's table."""
    section = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row.split("|")[1])]


def test_each_ending_that_is_read_has_its_row_and_no_other() -> None:
    assert sorted(first_cells("Clips")) == sorted(CLIP_SUFFIXES)
    assert sorted(first_cells("Pictures")) == sorted(PICTURE_SUFFIXES)
    assert sorted(set(first_cells("Models of others"))) == sorted(SUFFIXES)


def test_what_is_written_has_its_row() -> None:
    endings = {Path(name.replace("<", "").replace(">", "")).suffix.lstrip(".") for name in first_cells("Written")}
    assert endings == {*FORMATS, "mp4", "jpg"}


def test_the_page_that_takes_clips_offers_all_that_is_read() -> None:
    assert sorted(OFFERED) == sorted(MEDIA_SUFFIXES)


def test_the_limits_are_those_of_the_code() -> None:
    limits = Limits()
    assert f"more than {limits.max_pixels / 1e6:.1f} megapixels" in PAGE
    most = limits.max_still_pixels / 1e6
    assert f"Up to {most:.0f} megapixels (JPEG that is not progressive: {most * JPEG_SHARE:.0f})" in PAGE


@pytest.mark.parametrize("title", TESTS)
def test_each_section_has_its_tests(title: str) -> None:
    assert f"## {title}\n" in PAGE
    for place in TESTS[title]:
        path, name = place.split("::")
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), place
