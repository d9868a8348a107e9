"""Facial expressions in pictures and clips: detect faces, name their expression, and keep what was found.

The public names stand in `__init__.pyi`. Each is imported when it is first used: `import fer_core` costs little.

Example:
    >>> import fer_core
    >>> options = fer_core.AnalysisOptions(sample_fps=1)
    >>> table = fer_core.to_table(fer_core.analyze(fer_core.sample_clip(), options=options))
    >>> table["person"].nunique() >= 2
    True
"""

import logging
import os

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

# ONNX Runtime reports to its maker unless this is set before it is imported; its own switch comes too late. Every way
# of starting imports this package first: app, command line, library, child processes.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

logging.getLogger(__name__).addHandler(logging.NullHandler())
