"""Overlays on frames, blurred faces, annotated clips."""
