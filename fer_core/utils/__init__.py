"""Files, memory, threads, and jobs: what knows nothing of faces."""
