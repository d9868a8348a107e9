"""Live sessions: camera frames in, overlays and history out."""
