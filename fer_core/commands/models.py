"""`models`: the models that can be used."""

from __future__ import annotations

import argparse
import json

from ..bundles import DEFAULT, list_bundles

__all__ = ["HELP", "add_arguments", "run"]

HELP = "the models that can be used"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """This command has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Print the models."""
    bundles = list_bundles()
    if args.json:
        print(json.dumps([{"name": b.name, "default": b.name == DEFAULT, "card": b.card} for b in bundles], indent=2))
        return 0
    for bundle in bundles:
        print(f"{bundle.name}{' (default)' if bundle.name == DEFAULT else ''}: {bundle.card.get('summary', '')}")
    return 0
