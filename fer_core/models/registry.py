"""Bundles that are there: shipped and own, and which is in use."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path

from fer_core.errors import ModelError
from fer_core.models.bundle import CARD, WEIGHTS, Bundle, _read
from fer_core.utils.distribution import shipped
from fer_core.utils.files import read_object, write_atomic
from fer_core.utils.workspace import workspace

__all__ = ["DEFAULT", "SHIPPED", "active_bundle", "list_models", "load_model", "set_active", "unreadable_bundles"]

DEFAULT = "expression-s"
SHIPPED = shipped("models")


def _folders() -> Iterator[tuple[str, Path]]:
    """(name, folder) of all that may be a model; the first of a name counts. What begins with a dot is a draft."""
    roots = ((SHIPPED, "*"), (workspace() / "models", "*"), (workspace() / "runs", "*/bundle"))
    for root, pattern in roots:
        for card in sorted(root.glob(f"{pattern}/{CARD}")):
            name = card.relative_to(root).parts[0]
            if not name.startswith("."):
                yield name, card.parent


def list_models() -> list[Bundle]:
    """Return the usable models: the default, other shipped ones, the user's own; see also `unreadable_bundles`.

    Example:
        >>> "expression-s" in [model.name for model in list_models()]
        True
    """
    return sorted(_survey()[0].values(), key=lambda bundle: bundle.name != DEFAULT)


def unreadable_bundles() -> dict[str, str]:
    """Return the models that cannot be listed as their card is damaged: a sentence by name."""
    return _survey()[1]


def _survey() -> tuple[dict[str, Bundle], dict[str, str]]:
    found: dict[str, Bundle] = {}
    bad: dict[str, str] = {}
    for name, folder in _folders():
        if name in found or name in bad:
            continue  # the first of a name counts, as for `load_model`
        try:
            found[name] = _read(folder, name)
        except ModelError as error:
            bad[name] = str(error)
    return found, bad


def load_model(name: str = DEFAULT) -> Bundle:
    """Return the model of that name; raises ModelError that lists what there is.

    Example:
        >>> load_model("expression-s").name
        'expression-s'
    """
    for found, folder in _folders():
        # Compared with what there is, never joined to a path: a name from outside cannot leave the folders.
        if found == name:
            return _read(folder, name)
    names = ", ".join(bundle.name for bundle in list_models()) or "none"
    raise ModelError(f"There is no model called {name!r}. Available: {names}.")


def _choice() -> Path:
    return workspace() / "model-in-use.json"


def active_bundle() -> str:
    """Name of the model in use: the one that was chosen last, or the default where that is gone or damaged."""
    try:
        name = read_object(_choice())["name"]
        bundle = load_model(name)
        stat = (bundle.folder / WEIGHTS).stat()
        _check(bundle.folder, stat.st_mtime_ns, stat.st_size, str(bundle.card.get("sha256")))
        return bundle.name
    except (OSError, ValueError, KeyError, TypeError, ModelError):
        return DEFAULT


@functools.lru_cache(maxsize=64)
def _check(folder: Path, changed: int, size: int, sha256: str) -> None:
    """Raises ModelError where the weights are damaged; read once for as long as the file stays as it is."""
    _read(folder, folder.name).weights()


def set_active(name: str) -> None:
    """Put a model in use from now on, for pages and commands.

    Raises:
        ModelError: there is none of that name, it is damaged, or the choice cannot be kept.
    """
    load_model(name).weights()
    try:
        workspace().mkdir(parents=True, exist_ok=True)
        write_atomic(_choice(), json.dumps({"name": name}) + "\n")
    except OSError as error:
        raise ModelError(f"The choice of a model cannot be kept: {error.strerror}.") from error
