"""The names that are given in a session to the people of a clip."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

__all__ = ["names_of"]


def names_of(key: str, names: Mapping[int, str] | None = None) -> dict[int, str]:
    """Return the names that are given in this session to the people of a clip, by track; at first those of `names`."""
    given: dict[int, str] = st.session_state.setdefault(f"{key}-names", dict(names or {}))
    return given
