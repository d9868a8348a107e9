"""ZIP archive from which the same numbers can be made again: tables, settings, model's fingerprint, and the command."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from fer_core import __version__
from fer_core.analysis.export import ClipResult, json_parts
from fer_core.exports import delimited, parquet
from fer_core.exports.format import Format
from fer_core.exports.tables import clip_name

__all__ = ["COMMAND", "FORMATS", "README", "settings_file", "write"]

COMMAND = "python -m fer_core analyze CLIP --settings settings.json --export csv --out again"
"""Makes the table anew, with CLIP as the path of the clip."""

README = """\
Expressions in {clip}, as Expression Lab {version} named them.

frames.csv, frames.parquet  a row for each face and analysed frame
episodes.csv                a row for each stretch in which a person shows the same expression
people.csv                  a row for each person
codebook.csv                what each column means
result.json                 all of it as one document
settings.json               version, model with its SHA-256, detector and options

The same numbers again, with the clip in this folder (it is not part of the archive):

    {command}

It needs Expression Lab {version} and the model "{model}" with the fingerprint
{sha256}. The command refuses another one.

An expression is not a feeling: a model names what a face shows, as people would name it.
"""


def write(result: ClipResult) -> Iterator[bytes]:
    """Write the archive; the same result gives the same bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, parts in _files(result).items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w") as file:
                for part in parts:
                    file.write(part)
    yield data.getvalue()


def settings_file(result: ClipResult) -> bytes:
    """Return what `analyze --settings` reads: settings of the analysis, beside the clip's facts and the command."""
    content: dict[str, Any] = {"settings": result.settings, "clip": result.clip, "command": COMMAND}
    return json.dumps(content, default=str, ensure_ascii=True, indent=2).encode()


def _files(result: ClipResult) -> dict[str, Iterable[bytes]]:
    readme = README.format(
        clip=clip_name(result),
        version=result.settings.get("fer_core") or __version__,
        command=COMMAND,
        model=result.settings.get("model") or "not known",
        sha256=result.settings.get("model_sha256") or "not known",
    )
    return {
        "README.txt": [readme.encode()],
        "settings.json": [settings_file(result)],
        "frames.csv": delimited.write_frames(result),
        "frames.parquet": parquet.write(result),
        "episodes.csv": delimited.write_episodes(result),
        "people.csv": delimited.write_people(result),
        "codebook.csv": delimited.write_codebook(result),
        "result.json": json_parts(result),
    }


FORMATS = (
    Format(
        "bundle",
        "Bundle",
        "-bundle.zip",
        "any",
        "Tables, codebook, settings, version, fingerprint of the model, and the command that makes the numbers again",
        write,
    ),
)
