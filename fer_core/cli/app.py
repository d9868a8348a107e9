"""Command `app`: the pages in a browser."""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys

from fer_core.errors import FerError
from fer_core.utils.distribution import shipped

__all__ = ["HELP", "add_arguments", "run"]

HELP = "open the app in the browser"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument("--port", type=int, metavar="N", help="port of the server (8501)")
    command.add_argument("--headless", action="store_true", help="start the server alone, open no browser")


def run(args: argparse.Namespace) -> int:
    """Start the server and wait until it ends.

    Raises:
        FerError: Streamlit is not installed.
    """
    if importlib.util.find_spec("streamlit") is None:
        raise FerError("Streamlit is not installed here, and the app needs it: pip install streamlit.")
    command = [sys.executable, "-m", "ui.app.serve"]
    if args.port is not None:
        command.append(f"--server.port={args.port}")
    if args.headless:
        command.append("--server.headless=true")
    # `ui` is imported from there, and Streamlit reads .streamlit/config.toml there.
    return subprocess.call(command, cwd=shipped("app.py").parent)
