"""FER2013 from Kaggle by kagglehub, with the user's own token: work for the queue that ends in the library."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from fer_core.datasets.library import save_dataset
from fer_core.datasets.readers import read_dataset
from fer_core.errors import Cancelled, DatasetError
from fer_core.utils.child_process import FAILED, run_worker
from fer_core.utils.platform import temporary_folder
from fer_core.utils.workspace import use_workspace, workspace

__all__ = ["SOURCES", "KaggleDownload", "credentials"]

SOURCES = {
    "msambare/fer2013": "FER2013 as pictures in folders, about 60 MB",
    "deadskull7/fer2013": "FER2013 as one table, about 100 MB",
}
"""Datasets of Kaggle that hold FER2013, with what each is."""

ROOM = 1024**3
"""Bytes that must be free: what is loaded, what is unpacked of it, and the dataset that is kept."""

QUIET = 90.0
"""Seconds without a byte or a word after which a download is given up; kagglehub itself waits for 15."""

DOWNLOADED = 0.8
WHERE = "On kaggle.com choose Settings, API, and make a new token"
SAID = {
    "none": f"No Kaggle token was given, and there is none on this computer. {WHERE}; then paste it here.",
    "token": f"Kaggle does not accept this token. {WHERE}, and paste the whole of it.",
    "gone": "Kaggle has no such dataset any more. Choose the other one.",
    "often": "Kaggle asks to wait, as too much was loaded with this token. Try again in some minutes.",
    "network": "Kaggle cannot be reached. Look whether this computer is connected to the internet, and try again.",
    "broken": "The download broke off before it was whole. Try again.",
    "full": "The disk is full. Free about a gigabyte, and try again.",
    "kaggle": "Kaggle answered with an error of its own. Try again later.",
}


def credentials(text: str) -> dict[str, str]:
    """What somebody pasted as their token: a token, or the text of kaggle.json; empty stands for this computer's own.

    Raises:
        DatasetError: it is neither.
    """
    text = text.strip()
    if not text:
        return {}
    with contextlib.suppress(ValueError):
        given = json.loads(text)
        if isinstance(given, dict) and all(isinstance(given.get(k), str) and given[k] for k in ("username", "key")):
            return {"username": given["username"], "key": given["key"]}
    if re.fullmatch(r"[\w.~+/=-]{8,500}", text, re.ASCII):
        return {"token": text}
    raise DatasetError(f"This is no Kaggle token. {WHERE}; paste the token, or the text of kaggle.json.")


class KaggleDownload:
    """Downloads a dataset and keeps it in the library, whole or not at all; read while it runs.

    Attributes:
        handle: its name on Kaggle.
        progress: 0 to 1; `doing` says in words what is being done.
        kept: name of the dataset in the library, once it is there; `images` tells how many it has.
    """

    def __init__(self, handle: str, token: str, folder: Path):
        """Prepare; `run` may then be called on another thread, for whoever's `workspace()` it is now.

        Args:
            handle: one of `SOURCES`.
            token: the user's, see `credentials`.
            folder: for what is loaded; emptied in the end.

        Raises:
            DatasetError: no such dataset, or this is no token.
        """
        if handle not in SOURCES:
            raise DatasetError(f"{handle!r} is none of the datasets that are offered: {', '.join(SOURCES)}.")
        self.handle, self._given, self._folder, self._home = handle, credentials(token), folder, workspace()
        self.progress, self.doing = 0.0, "Asking Kaggle"
        self.kept, self.images = "", 0

    def run(self, cancelled: Callable[[], bool]) -> None:
        """Download, read and keep; raises DatasetError, or Cancelled at a wish, and leaves nothing then."""
        if importlib.util.find_spec("kagglehub") is None:
            raise DatasetError("kagglehub is not installed here: pip install kagglehub.")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(self._folder).free < ROOM:
                raise DatasetError(SAID["full"])
            with use_workspace(self._home), temporary_folder(parent=self._folder) as folder:
                self._fetch(folder, cancelled)
                self.progress, self.doing = DOWNLOADED, "Reading the images"
                data, skipped = read_dataset(folder / "data", keep=False)
                if cancelled():
                    raise Cancelled("The download was stopped; nothing of it was kept.")
                self.progress, self.doing = 0.95, "Keeping them"
                source = f"Downloaded from kaggle.com/datasets/{self.handle}."
                self.kept = save_dataset("fer2013", data, title="FER2013 from Kaggle", source=source, note=str(skipped))
                self.images, self.progress = len(data), 1.0
        except OSError as error:
            raise DatasetError(f"The download cannot be stored: {error.strerror}. Free about a gigabyte.") from error

    def _fetch(self, folder: Path, cancelled: Callable[[], bool]) -> None:
        heard, state = time.monotonic(), (0, 0)

        def listen() -> None:
            nonlocal heard, state
            if cancelled():
                raise Cancelled("The download was stopped; nothing of it was kept.")
            self._look(folder / "log.txt")
            now = _size(folder)
            if now != state:
                heard, state = time.monotonic(), now
            elif time.monotonic() - heard > QUIET:
                raise DatasetError(SAID["network"])

        cache, token = {"KAGGLEHUB_CACHE": str(folder / "cache")}, json.dumps(self._given).encode()
        ended = run_worker("fer_core.datasets.kaggle_worker", folder, listen, self.handle, settings=cache, given=token)
        if ended.status == FAILED and ended.words in SAID:
            raise DatasetError(SAID[ended.words])
        if ended.status:
            raise DatasetError(f"kagglehub failed; the last that was heard: {ended.words[:200]}")

    def _look(self, log: Path) -> None:
        """The share that kagglehub's progress bar shows."""
        with open(log, "rb") as file:
            file.seek(max(0, log.stat().st_size - 2000))
            shares = re.findall(rb"(\d{1,3})%\|", file.read())
        if shares:
            share = min(int(shares[-1]), 100) / 100
            self.progress = max(self.progress, share * DOWNLOADED)
            self.doing = "Loading from Kaggle" if share < 1 else "Unpacking"


def _size(folder: Path) -> tuple[int, int]:
    """Return the number and bytes of the files there are; they change while anything happens."""
    sizes = []
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                sizes.append(os.stat(os.path.join(parent, name)).st_size)
    return len(sizes), sum(sizes)
