"""Words in pictures."""

from __future__ import annotations

import numpy as np
import pytest

from fer_core.annotation.text import drawable, put_text, text_size


def drawn(text: str, size: tuple[int, int] = (60, 300)) -> np.ndarray:
    return put_text(np.zeros((*size, 3), np.uint8), text, (0, 0), 1.0, (255, 255, 255))


@pytest.mark.parametrize("name", ["Zoë", "Łukasz", "Ирина", "Ελένη", "Nguyễn"])
def test_letters_beyond_ascii_are_letters(name: str) -> None:
    plain = name.encode("ascii", "replace").decode()
    assert drawn(name).any()
    assert not np.array_equal(drawn(name), drawn(plain)), "no question marks"
    missing = drawn("\uffff" * len(name))
    assert not np.array_equal(drawn(name), missing), "no empty boxes"


def test_signs_without_a_picture_are_left_out() -> None:
    assert drawable("Zoë 李") == "Zoë" and drawable("李") == "" and drawable("a\nb") == "ab"


def test_words_stay_within_the_size_that_is_told_and_the_picture() -> None:
    width, height = text_size("Grace 84%", 1.0)
    image = drawn("Grace 84%")
    assert image[:height, :width].any() and not image[height:].any() and not image[:, width:].any()
    assert drawn("Grace 84%", (5, 5)).shape == (5, 5, 3)
    assert text_size("Grace", 2.0)[1] > 1.5 * text_size("Grace", 1.0)[1]
