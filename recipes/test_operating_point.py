"""The choice of a rule, on a network's outputs that are made up."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_core.labels import FER7, FERPLUS8, FERPLUS_TO_FER7
from fer_core.models.bundle import CARD, Bundle, read_bundle
from fer_core.models.classifier import split_heads
from fer_core.models.registry import load_model
from recipes import operating_point
from recipes.card import training_time, turned_figures
from recipes.card_page import readable
from recipes.operating_point import GOALS, Outputs, Point, Sweep, choice, curve, rule
from recipes.photos import Photos

SHOWN = [FERPLUS_TO_FER7.get(name, name) for name in FERPLUS8]
PRIOR = np.array([0.34, 0.33, 0.12, 0.11, 0.06, 0.01, 0.02, 0.01])


def made(seed: int = 0, n: int = 600) -> Outputs:
    """Outputs of a network that has learned how rare each expression is: noise, a hint of the truth, the log prior."""
    rng = np.random.default_rng(seed)

    def logits(truth: np.ndarray) -> np.ndarray:
        plus = np.log(PRIOR) + rng.normal(0, 1, (2, len(truth), 8))
        plus[:, np.arange(len(truth)), [SHOWN.index(FER7[k]) for k in truth]] += 2
        fer7 = rng.normal(0, 1, (2, len(truth), 7))
        fer7[:, np.arange(len(truth)), truth] += 1
        return np.concatenate([fer7, plus], -1).astype(np.float32)

    truth, photo_truth = rng.integers(0, 7, n), rng.integers(0, 7, n)
    seen = np.where(rng.random(n) < 0.9, truth, -1)
    return Outputs(logits(truth), truth, seen, logits(photo_truth), photo_truth, PRIOR, np.full(7, 1 / 7))


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    return Sweep(load_model(), made())


def test_a_point_is_what_its_rule_gives(sweep: Sweep) -> None:
    points, outputs, bundle = sweep.points(), sweep.outputs, load_model()
    at = sweep.settings.index((0.9, 0.5, 0.1))
    chosen = rule(outputs, 0.9, 0.5, 0.1)
    guesses = [chosen.scores(split_heads(bundle.heads, view), FER7).argmax(1) for view in outputs.faces]
    clear = outputs.seen >= 0
    accuracy = np.mean([(guess == outputs.seen)[clear].mean() for guess in guesses])
    recall = [np.mean([(g == k)[outputs.seen == k].mean() for k in range(7)]) for g in guesses]
    assert points[at].majority_accuracy == pytest.approx(accuracy)
    assert points[at].majority_recall == pytest.approx(np.mean(recall))
    assert points[at].label_accuracy == pytest.approx(np.mean([(g == outputs.labels).mean() for g in guesses]))


def test_taking_the_prior_off_finds_rare_ones(sweep: Sweep) -> None:
    points = sweep.points()
    with_it, without = (points[sweep.settings.index((1.0, a, 0.0))] for a in (0.0, 1.0))
    assert without.majority_recall > with_it.majority_recall + 0.05
    assert without.photo_recall > with_it.photo_recall


def test_the_temperature_makes_it_honest(sweep: Sweep) -> None:
    setting = (1.0, 1.0, 0.0)
    fitted = sweep.temperature(setting)
    errors = {t: sum(sweep.calibration(setting, t)) for t in (0.3, fitted, 2.0)}
    assert errors[fitted] < errors[0.3] and errors[fitted] < errors[2.0]
    assert all(0 < luck < 0.1 for luck in sweep.luck(setting, fitted, draws=20))


def test_the_least_shortfall_is_chosen_and_of_equals_the_better_by_the_label() -> None:
    met = Point(0.6, 0.6, 0.91, 0.9, 0.8, 0.76)
    points = [
        replace(met, majority_recall=0.87),
        met,
        replace(met, label_accuracy=0.65),
        replace(met, photo_recall=0.7),
    ]
    assert [round(point.shortfall, 3) for point in points] == [0.01, 0, 0, 0.05]
    assert choice(points) == 2 and choice(points[:2]) == 1
    assert set(GOALS) == {"majority_accuracy", "majority_recall", "photo_recall"}


def test_the_curve_pays_for_nothing_without_a_gain() -> None:
    first = Point(0.6, 0.6, 0.92, 0.8, 0.7, 0.7)
    gains = replace(first, majority_accuracy=0.905, majority_recall=0.85)
    better_label = replace(first, majority_accuracy=0.88, label_accuracy=0.7)
    worse = replace(first, majority_accuracy=0.86)
    assert curve([worse, better_label, gains, first]) == [3, 2, 1]


def test_halves_are_measured_apart(sweep: Sweep) -> None:
    pairs = sweep.halves(3)
    assert len(pairs) == 3 and all(on != off for on, off in pairs)


def test_outputs_are_kept_for_the_same_weights_only(tmp_path: Path) -> None:
    outputs = made(n=20)
    outputs.save(tmp_path / "outputs.npz", "abc")
    again = Outputs.read(tmp_path / "outputs.npz", "abc")
    assert again is not None
    np.testing.assert_array_equal(again.faces, outputs.faces)
    assert Outputs.read(tmp_path / "outputs.npz", "other") is None
    assert Outputs.read(tmp_path / "gone.npz", "abc") is None


def test_the_command_writes_the_rule_it_chose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(load_model().folder, folder)
    bundle: Bundle = read_bundle(folder)
    made().save(tmp_path / "outputs.npz", str(bundle.card["sha256"]))
    monkeypatch.setattr(operating_point, "load_model", lambda name: bundle)
    monkeypatch.setattr(operating_point, "HALVES", 2)
    files = ["--data", "x", "--ferplus", "x", "--photos", "x", "--outputs", str(tmp_path / "outputs.npz")]
    monkeypatch.setattr(sys, "argv", ["operating_point", *files, "--curve", str(tmp_path / "curve.csv"), "--write"])
    operating_point.main()
    assert "FER+ head alone" in capsys.readouterr().out
    rows = (tmp_path / "curve.csv").read_text().splitlines()
    chosen = next(row for row in rows if row.endswith("chosen")).split(",")
    written = read_bundle(folder).rule
    assert written.terms[0].weight == float(chosen[0]) and written.terms[0].prior_exponent == float(chosen[1])
    assert written.temperature == float(chosen[3]) and json.loads((folder / CARD).read_text())["rule"]["terms"]


def test_the_page_of_the_shipped_card_is_what_the_card_gives() -> None:
    bundle = load_model()
    assert (bundle.folder / "README.md").read_text(encoding="utf-8") == readable(bundle.card)


def test_hours_come_from_the_logs(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("epoch,seconds\n1,1800\n2,1800\n")
    (tmp_path / "b.csv").write_text("epoch,seconds\n1,9\n2,9\n")
    (tmp_path / "curve.csv").write_text("weight\n1\n")
    found = training_time(tmp_path)
    assert (found["processor_hours"], found["gpu_hours_logged"]) == (1.0, 0.01)


def test_turned_heads_are_counted_apart() -> None:
    turn, quality = np.array([0.1, 0.1, 0.5, 0.5]), np.array([0, 0, 4, 0], np.uint8)
    faces = Photos(np.zeros((4, 48, 48), np.uint8), np.array([0, 1, 1, 0]), quality, turn, 0)

    def sure(crops: np.ndarray) -> np.ndarray:
        return np.eye(7)[[0, 0, 1, 2]] * 0.9

    rows = turned_figures(sure, faces, 0.5)  # type: ignore[arg-type]
    assert [(r["turn_from"], r["n"], r["right"], r["unsure"], r["wrong"]) for r in rows] == [
        (0.0, 2, 0.5, 0.0, 0.5),
        (0.45, 2, 0.0, 0.5, 0.5),
    ]
