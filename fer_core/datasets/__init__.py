"""Labelled face images: readers of every layout, the library, synthetic faces."""
