"""Server of the app: `python -m ui.app.serve [OPTIONS OF STREAMLIT]`.

As `streamlit run app.py`, and nothing is asked of the internet from the first moment on: `streamlit run` imports our
code only once a page is drawn.
"""

from __future__ import annotations

import sys

from streamlit.web import cli

from fer_core.utils.distribution import shipped
from ui.app.outgoing import ask_nobody

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Run the server until it ends."""
    ask_nobody()
    cli.main(["run", str(shipped("app.py")), *arguments], prog_name="streamlit")


if __name__ == "__main__":
    main(sys.argv[1:])
