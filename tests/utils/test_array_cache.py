"""What took long to make is kept on disk: once, whole, and not without end."""

from __future__ import annotations

import os

import numpy as np
import pytest

from fer_core.utils.array_cache import cached_array, content_key


def test_a_damaged_memory_is_made_again(tmp_path):
    assert cached_array(tmp_path, "x", lambda: np.arange(3)).tolist() == [0, 1, 2]
    (tmp_path / "x.npy").write_bytes(b"not an array")
    assert cached_array(tmp_path, "x", lambda: np.arange(4)).tolist() == [0, 1, 2, 3]
    assert cached_array(tmp_path, "x", lambda: pytest.fail("asked again")).tolist() == [0, 1, 2, 3]


def test_a_memory_that_cannot_be_written_is_none(tmp_path):
    (tmp_path / "file").write_text("")
    assert cached_array(tmp_path / "file" / "below", "x", lambda: np.arange(3)).tolist() == [0, 1, 2]


def test_only_so_much_is_kept_and_the_longest_unasked_goes(tmp_path, monkeypatch):
    monkeypatch.setattr("fer_core.utils.array_cache.MOST_BYTES", 2500)
    for number, key in enumerate("ab"):
        cached_array(tmp_path, key, lambda: np.zeros(125))
        os.utime(tmp_path / f"{key}.npy", (number, number))
    cached_array(tmp_path, "a", lambda: pytest.fail("asked again"))
    cached_array(tmp_path, "c", lambda: np.zeros(125))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npy", "c.npy"]
    cached_array(tmp_path, "large", lambda: np.zeros(1000))
    assert [path.name for path in tmp_path.iterdir()] == ["large.npy"]


def test_nothing_is_kept_of_what_was_not_finished(tmp_path):
    def stopped() -> np.ndarray:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_array(tmp_path, "x", stopped)
    assert list(tmp_path.iterdir()) == []


def test_the_key_changes_with_values_and_shape():
    zeros = np.zeros((2, 3), np.uint8)
    keys = [
        content_key(zeros),
        content_key(zeros.T),
        content_key(zeros + 1),
        content_key(zeros, zeros),
        content_key(zeros[::-1]),
    ]
    assert len(set(keys)) == 4 and keys[0] == keys[4]
