"""One frame in, `Faces` out: detection, alignment, quality, recognition."""
