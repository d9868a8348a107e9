"""What runs in the child process of a download: kagglehub with somebody's token, and what went wrong in one word.

    python -m fer_core.datasets.kaggle_worker HANDLE FOLDER < credentials.json

A process of its own, as kagglehub keeps the token for all of a process, draws its progress on stderr, and cannot be
stopped in any other way.
"""

from __future__ import annotations

import errno
import json
import sys

__all__ = ["main"]

FAILED = 3
STATUS = {401: "token", 403: "token", 404: "gone", 429: "often"}


def main(handle: str, folder: str) -> str:
    """Download a dataset; gives what went wrong in a word, nothing where it is there."""
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
        kagglehub.dataset_download(handle, output_dir=folder)
    except requests.HTTPError as error:
        status = 0 if error.response is None else error.response.status_code
        return STATUS.get(status, "kaggle")
    except (requests.ConnectionError, requests.Timeout) as error:
        return "full" if _full(error) else "network"
    except (DataCorruptionError, ValueError, EOFError, requests.RequestException):
        return "broken"
    except OSError as error:
        if _full(error):
            return "full"
        raise
    return ""


def _full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


if __name__ == "__main__":
    said = main(sys.argv[1], sys.argv[2])
    print(said)
    sys.exit(FAILED if said else 0)
