"""The archive: what lies in it, and that it is the same each time."""

import io
import json
import shlex
import zipfile

import pandas as pd
from helpers.exported import SETTINGS, export, make_result

from fer_core.cli.main import parser
from fer_core.exports import FORMATS, bundle


def test_what_lies_in_it(tmp_path):
    result = make_result()
    path = export(result, tmp_path, "bundle")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    for name, kind in (("frames.csv", "csv"), ("episodes.csv", "episodes"), ("people.csv", "people")):
        assert files[name] == export(result, tmp_path, kind).read_bytes()
    assert files["codebook.csv"] == export(result, tmp_path, "codebook").read_bytes()
    assert len(pd.read_parquet(io.BytesIO(files["frames.parquet"]))) == len(result.table)
    assert len(json.loads(files["result.json"])["frames"]) == 20
    document = json.loads(files["settings.json"])
    assert document["settings"] == SETTINGS and document["clip"]["name"] == "Jürgen.mp4"
    readme = files["README.txt"].decode()
    assert all(words in readme for words in ("Jürgen.mp4", "ab" * 32, "expression-s", "0.0", bundle.COMMAND))
    assert {name for name in files if name not in readme} == {"README.txt"}


def test_the_same_result_gives_the_same_bytes(tmp_path):
    first = export(make_result(), tmp_path, "bundle").read_bytes()
    assert export(make_result(), tmp_path, "bundle").read_bytes() == first


def test_the_command_is_one_that_the_program_takes():
    words = shlex.split(bundle.COMMAND)
    assert words[:3] == ["python", "-m", "fer_core"]
    args = parser().parse_args(words[3:])
    assert args.command == "analyze" and str(args.settings) == "settings.json" and args.export in FORMATS
