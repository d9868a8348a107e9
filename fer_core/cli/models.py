"""`models`: the models that can be used, and which one is."""

from __future__ import annotations

import argparse

from fer_core.cli.common import print_json, say
from fer_core.models.registry import active_bundle, list_models, set_active, unreadable_bundles

__all__ = ["HELP", "add_arguments", "run"]

HELP = "the models that can be used"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument("--use", metavar="NAME", help="from now on pages and commands use this one")


def run(args: argparse.Namespace) -> int:
    """Choose a model where one is named, and print all."""
    if args.use:
        set_active(args.use)
    for sentence in unreadable_bundles().values():
        say(f"left out: {sentence}")
    bundles, now = list_models(), active_bundle()
    if args.json:
        print_json([{"name": b.name, "default": b.name == now, "card": b.card} for b in bundles])
        return 0
    for bundle in bundles:
        print(f"{bundle.name}{' (default)' if bundle.name == now else ''}: {bundle.card.get('summary', '')}")
    return 0
