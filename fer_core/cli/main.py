"""Command line: `expression-lab COMMAND`, or `python -m fer_core COMMAND`; each command is a module beside this one.

Results go to files or standard output, progress and errors to standard error. Exit status: 0 done, 1 some of several
inputs could not be used, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2

import fer_core
from fer_core.cli import analyze, app, dataset, evaluate, import_model, models, predict, runs, studies, train
from fer_core.cli.common import say
from fer_core.errors import FerError
from fer_core.utils.platform import is_closed_pipe, prepare_console, silence_output

__all__ = ["COMMANDS", "main", "parser"]

COMMANDS = {
    "app": app,
    "dataset": dataset,
    "analyze": analyze,
    "studies": studies,
    "predict": predict,
    "evaluate": evaluate,
    "models": models,
    "train": train,
    "runs": runs,
    "import-model": import_model,
}


def parser() -> argparse.ArgumentParser:
    """Return all commands and their options; each also takes --json."""
    about = "Read facial expressions in clips and pictures. Without a command, the app opens in the browser."
    own = Path(sys.argv[0]).stem == "expression-lab"
    top = argparse.ArgumentParser(prog="expression-lab" if own else "python -m fer_core", description=about)
    top.add_argument("--version", action="version", version=f"Expression Lab {fer_core.__version__}")
    commands = top.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        command = commands.add_parser(name, help=module.HELP)
        module.add_arguments(command)
        command.add_argument("--json", action="store_true", help="print JSON on standard output")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: those after the program's name; of the process if None.

    Returns:
        The exit status.
    """
    prepare_console()
    given = sys.argv[1:] if arguments is None else list(arguments)
    args = parser().parse_args(given or ["app"])
    cv2.setNumThreads(1)  # two frames are in work at a time; a tenth faster than two threads for each
    try:
        return int(COMMANDS[args.command].run(args))
    except FerError as error:
        say(f"Error: {error}")
        return 2
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if not is_closed_pipe(error):
            raise
        silence_output()  # the reader of our output, such as `head`, has left
        return 0


if __name__ == "__main__":
    sys.exit(main())
