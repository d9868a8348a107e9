"""What runs in the child process of a download: kagglehub with somebody's token, and what went wrong in one word.

    python -m fer_core.datasets.kaggle_worker FOLDER HANDLE < credentials.json

A process of its own, as kagglehub keeps the token for all of a process, draws its progress on stderr, and cannot be
stopped in any other way.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fer_core.utils.child_process import FAILED
from fer_core.utils.platform import disk_is_full

__all__ = ["main"]

STATUS = {401: "token", 403: "token", 404: "gone", 429: "often"}


def main(folder: Path, handle: str) -> str:
    """Download a dataset into `data` of a folder; gives what went wrong in a word, nothing where it is there."""
    import kagglehub
    import requests
    from kagglehub import config
    from kagglehub.exceptions import DataCorruptionError

    try:
        given = json.load(sys.stdin)
        if given.get("token"):
            config.set_kaggle_api_token(given["token"])
        elif given.get("username"):
            config.set_kaggle_credentials(given["username"], given["key"])
        elif config.get_kaggle_credentials() is None:
            return "none"
    except ValueError:  # a kaggle.json of this computer that is none
        return "none"
    try:
        kagglehub.dataset_download(handle, output_dir=str(folder / "data"))
    except requests.HTTPError as error:
        status = 0 if error.response is None else error.response.status_code
        return STATUS.get(status, "kaggle")
    except (requests.ConnectionError, requests.Timeout) as error:
        return "full" if disk_is_full(error) else "network"
    except (DataCorruptionError, ValueError, EOFError, requests.RequestException):
        return "broken"
    except OSError as error:
        if disk_is_full(error):
            return "full"
        raise
    return ""


if __name__ == "__main__":
    place = Path(sys.argv[1])
    said = main(place, sys.argv[2])
    if said:
        (place / "error.txt").write_text(said, encoding="utf-8")
        sys.exit(FAILED)
