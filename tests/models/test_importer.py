"""Models of other people: brought in they answer as they did in Keras, and what could run code is refused."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import streamlit as st
from helpers.hostile.base import CHANGES, cut, zipped
from streamlit.testing.v1 import AppTest

from fer_core.cli.main import main
from fer_core.datasets.synthetic import synthetic_faces
from fer_core.errors import FerError, ModelError
from fer_core.labels import FER7
from fer_core.models import importer as importing
from fer_core.models.architectures import ARCHITECTURES
from fer_core.models.bundle import Bundle
from fer_core.models.classifier import Classifier, softmax
from fer_core.models.foreign_model import ORDERS, ForeignModel
from fer_core.models.importer import import_model, inspect_model, known_labels
from fer_core.models.keras_rebuild import LAYERS, rebuild
from fer_core.models.preprocessing import SCALES
from fer_core.models.registry import SHIPPED, active_bundle, list_models, load_model

ROOT = Path(__file__).resolve().parent.parent.parent


LOOP = """
import sys
from pathlib import Path
sys.path[:0] = ["tests"]
from helpers import keras_files
from fer_core.models.import_worker import main
for line in sys.stdin:
    task, _, folder = line.strip().partition(" ")
    tasks = {"make": keras_files.main, "read": main, "rebuild": keras_files.rebuild_all, "pair": keras_files.ask_pair}
    print("status", tasks[task](Path(folder)), flush=True)
"""


class Worker:
    """One process with TensorFlow that does what many would: it loads in seconds."""

    def __init__(self, log: Path):
        settings = {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        self._log = open(log, "wb")  # noqa: SIM115 (as long as the process)
        self._child = subprocess.Popen(
            [sys.executable, "-c", LOOP],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.log = log

    def do(self, task: str, folder: Path) -> str:
        assert self._child.stdin is not None and self._child.stdout is not None
        self._child.stdin.write(f"{task} {folder}\n")
        self._child.stdin.flush()
        for line in self._child.stdout:
            if line.startswith("status "):
                return line.split()[1]
        raise AssertionError(self.log.read_text()[-3000:])

    def wait_for(self, module: str, folder: Path, progress: object) -> None:
        assert module == "fer_core.models.import_worker"
        status = self.do("read", folder)
        if status == "3":
            raise ModelError((folder / "error.txt").read_text())
        assert status == "0"

    def close(self) -> None:
        self._child.communicate(timeout=60)
        self._log.close()


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    started = Worker(tmp_path_factory.mktemp("worker") / "log.txt")
    yield started
    started.close()


@pytest.fixture(scope="module")
def files(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models as Keras 2 and Keras 3 wrote them."""
    folder = tmp_path_factory.mktemp("keras")
    assert worker.do("make", folder) == "None"
    return folder


@pytest.fixture
def quick(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in the one process that is there, rather than in a new one each time."""
    monkeypatch.setattr(importing, "wait_for", worker.wait_for)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def parity(folder: Path, expected: str, bundle: object) -> float:
    with np.load(folder / "expected.npz") as arrays:
        found = softmax(Classifier(bundle).logits(arrays["faces"]))  # type: ignore[arg-type]
        assert arrays[expected].std(0).max() > 0.05, "the pictures are told apart"
        return float(np.abs(found - arrays[expected]).max())


def test_it_is_read_in_a_process_of_its_own(files: Path) -> None:
    told: list[float] = []
    assert inspect_model([files / "notebook.keras"], progress=told.append).outputs == 7
    assert told, "whoever waits can be told, and can end it"


def test_the_notebooks_pair_of_files_reads_clips_like_any_other(quick: None, files: Path, home: Path) -> None:
    pair = [files / "model_weights.h5", files / "model.json"]  # in any order
    seen = inspect_model(pair)
    assert (seen.side, seen.channels, seen.outputs, seen.scale) == (48, 1, 7, "unit")
    assert list(seen.orders)[:2] == ["by name", "of Kaggle's fer2013.csv"], (
        "it has learned nothing: the usual ones first"
    )
    labels = seen.orders["of Kaggle's fer2013.csv"]
    bundle = import_model(pair, labels=labels, scale="unit", name="My notebook!")
    assert bundle.folder == home / "models" / "my-notebook" and bundle.title == "My notebook!"
    assert parity(files, "notebook", bundle) <= 1e-3
    assert bundle.card["keras_parity"] <= 1e-3
    classifier = Classifier(bundle)
    assert classifier.labels == FER7 and bundle.heads[0].labels == labels
    with np.load(files / "expected.npz") as arrays:
        happy = arrays["notebook"][:, labels.index("happy")]
        np.testing.assert_allclose(classifier(arrays["faces"])[:, FER7.index("happy")], happy, atol=1e-3)
    again = import_model(pair, labels=labels, scale="unit", name="My notebook!")
    assert again.name == "my-notebook-2" and {bundle.name, again.name} < {b.name for b in list_models()}


def test_a_bundle_holds_the_pair_of_files_and_all_of_it_agrees(
    quick: None, worker: Worker, files: Path, home: Path
) -> None:
    bundle = import_model([files / "notebook.h5"], labels=FER7, scale="unit", name="first")
    assert worker.do("pair", bundle.folder) == "None"
    with np.load(files / "expected.npz") as arrays:
        engine = softmax(Classifier(bundle).logits(arrays["faces"]))
        pair = np.load(bundle.folder / "asked.npy")  # Keras on model.json and model.weights.h5
        assert np.abs(pair - engine).max() <= 1e-3 and np.abs(pair - arrays["notebook"]).max() <= 1e-3
        for names in (["model.keras"], ["model.json", "model.weights.h5"]):
            again = import_model([bundle.folder / name for name in names], labels=FER7, scale="unit", name="again")
            assert np.abs(softmax(Classifier(again).logits(arrays["faces"])) - engine).max() <= 1e-3
    assert not [path for path in (home / "models").iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("names", "expected", "outputs", "scale"),
    [
        (["residual.json", "residual_weights.h5"], "residual", 8, "unit"),
        (["residual.h5"], "residual", 8, "unit"),
        (["residual.keras"], "residual", 8, "unit"),
        (["notebook.keras"], "notebook", 7, "unit"),
        (["new.json", "new.weights.h5"], "notebook", 7, "unit"),
        (["colours.keras"], "colours", 7, "raw"),
        (["modern.keras"], "modern", 7, "raw"),
    ],
)
def test_other_layouts(quick: None, files: Path, names: list[str], expected: str, outputs: int, scale: str) -> None:
    labels = next(order for order in ORDERS.values() if len(order) == outputs)
    bundle = import_model([files / name for name in names], labels=labels, scale=scale, name="x")
    assert parity(files, expected, bundle) <= 1e-3
    assert Classifier(bundle).labels == FER7, "contempt is not shown"


def slashed(value: object, names: set[str]) -> object:
    """The same description with a slash in each layer's name, as in Keras 2's DenseNet."""
    if isinstance(value, dict):
        return {key: slashed(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [slashed(one, names) for one in value]
    return f"block/{value}" if value in names else value


def test_slashes_in_the_names_of_layers(quick: None, files: Path, tmp_path: Path) -> None:
    described = json.loads((files / "residual.json").read_text())
    names = {one["config"]["name"] for one in described["config"]["layers"]}
    path = tmp_path / "slashed.json"
    path.write_text(json.dumps(slashed(described, names)))
    assert "block/" in path.read_text()
    labels = next(order for order in ORDERS.values() if len(order) == 8)
    bundle = import_model([path, files / "residual_weights.h5"], labels=labels, scale="unit", name="x")
    assert parity(files, "residual", bundle) <= 1e-3


def test_a_list_of_layers_as_in_keras_2_2(quick: None, files: Path, tmp_path: Path) -> None:
    described = json.loads((files / "model.json").read_text())
    described["config"] = described["config"]["layers"]
    for one in described["config"]:
        if one["class_name"] in ("Flatten", "Dropout"):
            one["config"].pop("name", None)
    (tmp_path / "old.json").write_text(json.dumps(described))
    bundle = import_model([tmp_path / "old.json", files / "model_weights.h5"], labels=FER7, scale="unit", name="x")
    assert parity(files, "notebook", bundle) <= 1e-3


def test_a_zip_with_the_pair_of_files_or_a_whole_one(quick: None, files: Path, tmp_path: Path) -> None:
    for names in (["model.json", "model_weights.h5"], ["notebook.h5"], ["notebook.keras"]):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for name in names:
                archive.write(files / name, f"folder/{name}")
            archive.writestr("__MACOSX/folder/._model.json", b"x")
            archive.writestr("README.md", b"x")
        bundle = import_model([tmp_path / "a.zip"], labels=FER7, scale="unit", name="x")
        assert parity(files, "notebook", bundle) <= 1e-3
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.write(files / "notebook.h5", "a.h5")
        archive.write(files / "notebook.h5", "b.h5")
    with pytest.raises(ModelError, match="does not hold one model"):
        inspect_model([tmp_path / "b.zip"])
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("model/saved_model.pb", b"x")
    with pytest.raises(ModelError, match="SavedModel"):
        inspect_model([tmp_path / "c.zip"])


def test_a_dataset_in_hdf5_is_called_one(quick: None, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "faces.h5", "w") as file:
        file["images"] = np.zeros((4, 48, 48), np.uint8)
    with pytest.raises(ModelError, match="such as a dataset"):
        inspect_model([tmp_path / "faces.h5"])


def tried(answers: dict[str, list[int]], outputs: int = 7, rescales: bool = False) -> ForeignModel:
    """A model whose strongest output for each of FER7 is the one given; 10 faces each."""
    counts = {scale: [[10 * (i == place) for i in range(outputs)] for place in row] for scale, row in answers.items()}
    return ForeignModel(48, 1, outputs, 1, rescales, counts)


def test_scale_and_order_are_those_with_which_most_answers_are_right() -> None:
    kaggle = [ORDERS["of Kaggle's fer2013.csv"].index(name) for name in FER7]
    seen = tried({"unit": [0] * 7, "signed": kaggle})
    assert seen.scale == "signed" and next(iter(seen.orders)) == "of Kaggle's fer2013.csv"
    assert seen.accuracy("signed", ORDERS["of Kaggle's fer2013.csv"]) == 1.0
    assert not seen.doubt("signed", ORDERS["of Kaggle's fer2013.csv"])
    doubt = seen.doubt("signed", ORDERS["by name"])
    assert "names 57% of drawn faces rightly" in doubt and "of Kaggle's fer2013.csv" in doubt and "100%" in doubt


def test_answers_no_better_than_guessing_say_nothing() -> None:
    assert tried({"unit": [3] * 7, "signed": [0] * 7}).scale == "unit"
    assert tried({"unit": [3] * 7, "raw": [0] * 7}, rescales=True).scale == "raw"
    assert ForeignModel(48, 1, 7, 1, False).scale == "unit"


@pytest.mark.parametrize("outputs", [5, 6, 7, 8])
def test_each_number_of_outputs_has_its_orders(outputs: int) -> None:
    orders = [labels for labels in ORDERS.values() if len(labels) == outputs]
    assert len(orders) >= 2 and len(set(orders)) == len(orders)
    assert all(known_labels(labels) for labels in orders)


def test_a_model_is_tried_on_drawn_faces_and_on_those_that_are_given(quick: None, files: Path) -> None:
    seen = inspect_model([files / "notebook.keras"])
    assert set(seen.answers) == set(SCALES) and all(sum(map(sum, rows)) == 280 for rows in seen.answers.values())
    given = np.repeat(synthetic_faces(1).images[:1], 5, 0), np.array(["happy"] * 5)
    seen = inspect_model([files / "notebook.keras"], examples=given)
    assert sum(seen.answers["unit"][FER7.index("happy")]) == 5 == sum(map(sum, seen.answers["unit"]))
    assert seen.tried_on == "the dataset's faces"


def test_it_tells_what_a_model_takes(quick: None, files: Path) -> None:
    seen = inspect_model([files / "colours.keras"])
    assert (seen.side, seen.channels, seen.scale) == (56, 3, "raw")
    assert seen.parameters == 3 * 3 * 3 * 6 + 6 + 6 * 7 + 7


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["lambda.keras"], "Lambda layer"),
        (["lambda.h5"], "Lambda layer"),
        (["custom.keras"], "of the kind 'Custom'"),
        (["sigmoid.keras"], "ends in sigmoid"),
        (["nan.keras"], "not numbers"),
        (["model_weights.h5"], "weights only"),
        (["model.json", "linked.h5"], "points to other"),
        (["model.json", "residual_weights.h5"], "do not fit"),
        (["empty.keras"], "damaged"),
        (["model.json"], "or two"),
        (["model.json", "new.json"], "or two"),
        (["notebook.keras", "colours.keras"], "or two"),
    ],
)
def test_what_is_refused(quick: None, files: Path, home: Path, names: list[str], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        import_model([files / name for name in names], labels=FER7, scale="unit", name="x")
    assert not home.exists() or not any((home / "models").iterdir())


def test_damaged_files_are_said_to_be_damaged(quick: None, files: Path, tmp_path: Path) -> None:
    for name in ("notebook.keras", "notebook.h5"):
        data = (files / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        with pytest.raises(ModelError, match="damaged"):
            inspect_model([tmp_path / name])


def damaged(whole: bytes, weights: bytes) -> dict[str, bytes]:
    """Keras files after the tricks that archives and damaged bytes can play, by their names."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    description = parts["config.json"]
    made = {f"{change}.keras": alter(whole) for change, alter in CHANGES.items()}
    made |= {f"{change}.h5": alter(weights) for change, alter in CHANGES.items()}
    made["paths upward.keras"] = zipped({**parts, "../../pwned": b"x", "/tmp/pwned": b"x"})
    made["a pickle within.keras"] = zipped({**parts, "assets/a.pkl": pickle.dumps(Evil())})
    made["a pickle as weights.keras"] = zipped({**parts, "model.weights.h5": pickle.dumps(Evil())})
    made["a pickle as description.keras"] = zipped({**parts, "config.json": pickle.dumps(Evil())})
    made["a bomb as weights.keras"] = zipped({**parts, "model.weights.h5": bytes(400_000_000)})
    made["a bomb as description.keras"] = zipped({**parts, "config.json": b" " * 400_000_000})
    made["many members.keras"] = zipped({f"{i}": b"" for i in range(20_000)} | parts)
    made["deep description.keras"] = zipped({**parts, "config.json": b"[" * 100_000})
    made["sizes beyond all.keras"] = zipped({**parts, "config.json": description.replace(b"48", b"9" * 12)})
    made["names of markup.keras"] = zipped(
        {**parts, "config.json": description.replace(b'"Conv2D"', b'"<script>alert(1)</script>"')}
    )
    made["\u202esdne.keras"] = zipped({})
    made["<b>=1+1\n\x1b[31m.keras"] = cut(whole, 0.5)
    made["a" * 249 + ".keras"] = cut(whole, 0.5)
    return made


def test_no_damage_and_no_trick_brings_more_than_a_sentence(quick: None, files: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    cases = damaged((files / "notebook.keras").read_bytes(), (files / "notebook.h5").read_bytes())
    assert len(cases) >= 30
    refused = 0
    for name, data in cases.items():
        (given / name).write_bytes(data)
        try:
            inspect_model([given / name])
        except FerError as error:
            refused += 1
            said = str(error)
            assert len(said) > 15 and said.endswith(".") and "Traceback" not in said, name
            assert len(said) <= 600 and all(c.isprintable() for c in said) and str(tmp_path) not in said, name
        (given / name).unlink()
        assert not list(given.iterdir()) and not Path("/tmp/pwned").exists(), name
    assert refused >= 20
    assert not Path("/tmp/evil-was-here").exists()
    assert inspect_model([files / "notebook.keras"]).outputs == 7, "the next is read as before"


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/evil-was-here",)


def test_files_of_other_kinds_are_told_by_a_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "wait_for", lambda *_: pytest.fail("a process was started"))
    torch = io.BytesIO()
    with zipfile.ZipFile(torch, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Evil()))
    kinds = {
        "a.pkl": (pickle.dumps(Evil()), "pickled"),
        "a.h5": (pickle.dumps(Evil()), "pickled"),
        "a.pth": (torch.getvalue(), "PyTorch"),
        "b.keras": (torch.getvalue(), "PyTorch"),
        "a.tflite": (b"\x1c\0\0\0TFL3" + bytes(99), "for use alone"),
        "a.onnx": (b"\x08\x07", "for use alone"),
        "e.h5": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "pointer of Git LFS"),
        "f.h5": (b"\n<!DOCTYPE html><html>", "a web page"),
        "g.h5": (b"\x89HDF\n\x1a\n" + bytes(99), "took it for text"),
        "h.h5": (b"?HDF\r\n\x1a\n" + bytes(99), "took it for text"),
        "i.pb": (b"\x08\x01", "is a SavedModel"),
        "c.keras": (b"hello", "no Keras model"),
        "d.keras": (b"", "is empty"),
    }
    for name, (data, words) in kinds.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ModelError, match=words):
            inspect_model([tmp_path / name])
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"x")
    with pytest.raises(ModelError, match="is a SavedModel"):
        inspect_model([tmp_path / "saved"])
    with pytest.raises(ModelError, match="cannot be opened"):
        inspect_model([tmp_path / "nowhere.h5"])
    with open(tmp_path / "huge.keras", "wb") as file:
        file.truncate(importing.LARGEST + 1)
    with pytest.raises(ModelError, match="larger than"):
        inspect_model([tmp_path / "huge.keras"])
    monkeypatch.setattr(importing, "has_keras", lambda: False)
    with pytest.raises(ModelError, match="pip install tensorflow"):
        inspect_model([tmp_path / "a.pkl"])


def test_the_command_looks_first_and_brings_in_when_labels_are_confirmed(
    quick: None, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = [str(files / "model.json"), str(files / "model_weights.h5")]
    assert main(["import-model", *pair]) == 0
    out, err = capsys.readouterr()
    assert "48x48 grey pictures, 7 outputs" in out and "--labels kaggle: angry, disgust, fear, happy, sad" in out
    assert "Bring it in with --labels" in err and len(list_models()) == 2
    assert main(["import-model", *pair, "--labels", "name", "--use"]) == 0
    assert capsys.readouterr().out.startswith("model-weights: ")
    assert active_bundle() == "model-weights" and load_model(active_bundle()).heads[0].labels == FER7
    assert main(["import-model", *pair, "--labels", "happy,sad"]) == 2
    assert "gives 7 answers" in capsys.readouterr().err
    assert main(["import-model", str(files / "colours.keras"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scale"] == "raw"


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["angry"] * 7, "named twice"),
        (["angry", "bored"], "'bored' is not known"),
        (["happy"], "Name the expression"),
        (["happy", "happiness"], "named twice"),
    ],
)
def test_labels_that_make_no_sense(labels: list[str], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        known_labels(labels)


def test_labels_of_other_tools_are_understood() -> None:
    assert known_labels(["Anger", " happiness", "surprised", "contempt"]) == ("angry", "happy", "surprise", "contempt")


def test_each_output_needs_its_label(quick: None, files: Path) -> None:
    with pytest.raises(ModelError, match="gives 7 answers, but 2 expressions are named"):
        import_model([files / "notebook.keras"], labels=["happy", "sad"], scale="unit", name="x")
    with pytest.raises(ModelError, match="must be one of"):
        import_model([files / "notebook.keras"], labels=FER7, scale="loud", name="x")


def hostile(*described: dict) -> dict:
    first = {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [None, 48, 48, 1]}}
    return {"class_name": "Sequential", "config": {"name": "s", "layers": [first, *described]}}


def layer(kind: str, **config: object) -> dict:
    return {"class_name": kind, "config": {"name": "x", **config}}


def test_no_description_can_name_code_or_ask_for_all_memory(worker: Worker, tmp_path: Path) -> None:
    deep: object = layer("Dense", units=7)
    for _ in range(8):
        deep = {"class_name": "Sequential", "config": {"name": "s", "layers": [deep]}}
    cases = [
        (hostile(layer("Flatten"), layer("Dense", units=7, activation="os.system")), "activation 'os.system'"),
        (
            hostile(layer("Dense", units=7, activation={"class_name": "function", "config": "eval", "module": "os"})),
            "activation 'eval'",
        ),
        (hostile(layer("Dense", units={"class_name": "__lambda__", "config": {"value": "x"}})), "setting units"),
        (hostile(layer("TFSMLayer", filepath="/tmp/x")), "kind 'TFSMLayer'"),
        (hostile(layer("keras>Lambda", function="x")), "kind 'keras>Lambda'"),
        (hostile(layer("Flatten"), layer("Dense", units=900_000)), "million parameters"),
        (hostile(layer("Conv2D", filters=900_000, kernel_size=[9, 9])), "million parameters"),
        (hostile(layer("UpSampling2D", size=[900, 900])), "fit into memory"),
        (hostile(layer("Dense", units=10**9)), "setting units"),
        (hostile(layer("Conv2D", filters=8, kernel_size=[3, 3], data_format="channels_first")), "channels_first"),
        (hostile(layer("Conv2D", filters=8, kernel_size=[99, 99])), "cannot be built"),
        (deep, "damaged|within networks"),
        ({"class_name": "get_file", "config": {"origin": "http://x"}, "module": "keras.utils"}, "no network of layers"),
        ({"class_name": "Sequential", "config": {"name": "s", "layers": []}}, "damaged"),
        ([], "damaged"),
        (None, "damaged"),
    ]
    (tmp_path / "cases.json").write_text(json.dumps([case for case, _ in cases]))
    assert worker.do("rebuild", tmp_path) == "None"
    said = json.loads((tmp_path / "said.json").read_text())
    assert len(said) == len(cases)
    for line, (_, words) in zip(said, cases, strict=True):
        assert re.search(words, line), line


def test_no_known_layer_brings_code_of_its_own() -> None:
    assert not {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "Wrapper"} & set(LAYERS)
    assert callable(rebuild)


def test_the_networks_have_the_parameters_and_the_work_that_pages_say(files: Path) -> None:
    counted = json.loads((files / "counted.json").read_text())
    for name, network in ARCHITECTURES.items():
        assert counted[name]["parameters"] == network.parameters, name
        assert counted[name]["multiply_adds"] == network.multiply_adds, name
    # The reference notebook's network exactly.
    assert counted["reference"]["parameters"] == 4_478_727
    kernels = [shape for kind, shape in counted["reference"]["kernels"] if kind in {"Conv2D", "Dense"}]
    convolutions = [[3, 3, 1, 64], [5, 5, 64, 128], [3, 3, 128, 512], [3, 3, 512, 512]]
    assert kernels == [*convolutions, [4608, 256], [256, 512], [512, 7]]


@pytest.fixture
def page(quick: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AppTest]:
    """The page that trains, which measures nothing meanwhile."""
    for name in ("FER_HOSTED", "FER_TRAINING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FER_QUEUE", str(tmp_path / "queue"))
    monkeypatch.setattr("ui.train.time_estimate.SpeedTrial", lambda config: SimpleNamespace(ended=False))
    st.cache_resource.clear()
    app = AppTest.from_file(str(ROOT / "pages" / "train.py"), default_timeout=120).run()
    assert not app.exception
    yield app
    st.cache_resource.clear()


def brought() -> list[Bundle]:
    return [bundle for bundle in list_models() if bundle.folder.parent != SHIPPED]


def upload(app: AppTest, files: list[Path]) -> None:
    box = next(box for box in app.file_uploader if box.label == "Keras model")
    box.set_value([(file.name, file.read_bytes(), "application/octet-stream") for file in files]).run()
    assert not app.exception


@pytest.mark.parametrize("names", [["model.json", "model_weights.h5"], ["notebook.h5"], ["notebook.keras"]])
def test_a_person_brings_a_model_in_on_the_page(page: AppTest, files: Path, names: list[str]) -> None:
    upload(page, [files / name for name in names])
    order = next(radio for radio in page.radio if radio.label == "What do its answers stand for?")
    order.set_value(next(option for option in order.options if "Kaggle" in option))
    press = next(button for button in page.button if button.label == "Bring it in")
    press.click().run()
    assert "confirm the order" in page.warning[-1].value and not brought()
    page.checkbox[-1].check()
    next(button for button in page.button if button.label == "Bring it in").click().run()
    assert not page.exception and "among your models" in page.success[-1].value
    (bundle,) = brought()
    assert bundle.heads[0].labels == ORDERS["of Kaggle's fer2013.csv"]
    assert parity(files, "notebook", bundle) <= 1e-3


def test_the_page_refuses_what_could_run_code(page: AppTest, files: Path, tmp_path: Path) -> None:
    upload(page, [files / "lambda.keras"])
    assert "Lambda layer" in page.error[-1].value
    evil = tmp_path / "evil.h5"
    evil.write_bytes(pickle.dumps(Evil()))
    upload(page, [evil])
    assert "evil" in page.error[-1].value and not any(button.label == "Bring it in" for button in page.button)
    assert not Path("/tmp/evil-was-here").exists() and not brought()
