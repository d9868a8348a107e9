"""Datasets of the library, loaded once for all visitors."""

from __future__ import annotations

import streamlit as st

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import SYNTHETIC, Stored, load_dataset
from fer_core.utils.workspace import workspace

__all__ = ["load", "shelf"]


@st.cache_resource(show_spinner="Opening the dataset …", max_entries=2)
def _load(folder: str, name: str, stored: str) -> Dataset:
    return load_dataset(name)


@st.cache_resource(show_spinner="Drawing faces …")
def _built_in() -> Dataset:
    return load_dataset(SYNTHETIC)


def load(stored: Stored) -> Dataset:
    """Return the images of a dataset of the library."""
    if stored.name == SYNTHETIC:
        return _built_in()
    return _load(str(workspace()), stored.name, repr(stored))


def shelf(data: Dataset) -> str:
    """Where what is found in a dataset is kept: with the built-in one's for everybody, else for this home alone."""
    return "" if data.fingerprint == _built_in().fingerprint else str(workspace())
