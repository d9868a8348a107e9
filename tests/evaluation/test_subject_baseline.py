"""A model on pictures of known people, with and without their own neutral face."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from helpers.fakes import probabilities

from fer_core.datasets import synthetic
from fer_core.datasets.synthetic import Features
from fer_core.errors import DatasetError, OptionError
from fer_core.evaluation.subject_baseline import MIN_SUBJECTS, evaluate_subject_baseline
from fer_core.labels import FER7
from fer_core.models.classifier import Classifier
from fer_core.tracking.neutral import Baseline, adjust

NEUTRAL = FER7.index("neutral")


def drawn_people(count: int, monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Drawn people with brows, eyes and a mouth of their own at rest, each once with every expression."""
    rng, drawn = np.random.default_rng(1), synthetic._features
    images, who = [], []
    for person in range(count):
        parts = {
            f.name: 0.0 if f.name in ("teeth", "nose", "opening") else rng.normal(0, 0.35) for f in fields(Features)
        }
        parts["frown"] = abs(parts["frown"])
        look = int(rng.integers(1 << 30))

        def moved(label: str, _: np.random.Generator, own: dict[str, float] = parts) -> Features:
            form = drawn(label, np.random.default_rng(5))
            return replace(form, **{name: getattr(form, name) + value for name, value in own.items()})

        monkeypatch.setattr(synthetic, "_features", moved)
        for label in FER7:
            images.append(synthetic.draw_face(label, np.random.default_rng(look)))
            who.append(f"S{person}")
    return np.array(images), np.tile(np.arange(len(FER7)), count), np.array(who)


def test_shipped_network_on_drawn_people_gains_by_their_own_neutral(monkeypatch):
    images, labels, who = drawn_people(40, monkeypatch)
    classifier = Classifier()
    assert classifier.labels == FER7
    found = evaluate_subject_baseline(classifier(images), labels, FER7, who)
    assert found.images == 40 * 6
    assert found.gain_interval is not None
    assert found.gain_interval[0] > 0.05
    assert found.adjusted.recall["disgust"] + found.adjusted.recall["fear"] > (
        found.plain.recall["disgust"] + found.plain.recall["fear"]
    )


def people(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, labels and subjects: everybody's readings are pulled towards what they look like at rest."""
    rng = np.random.default_rng(seed)
    rows, labels, who = [], [], []
    for person in range(count):
        own = rng.normal(0, 1.5, len(FER7))
        for label in (*range(len(FER7)), NEUTRAL):
            logits = own + rng.normal(0, 0.2, len(FER7))
            logits[label] += 2.5 if label != NEUTRAL else 0.5
            rows.append(np.exp(logits) / np.exp(logits).sum())
            labels.append(label)
            who.append(f"S{person}")
    return np.array(rows), np.array(labels), np.array(who)


def test_baseline_helps_people_who_do_not_look_neutral_at_rest():
    given, labels, who = people(12)
    found = evaluate_subject_baseline(given, labels, FER7, who)
    assert (found.subjects, found.images, found.baseline_images) == (12, 12 * 7, 12)
    assert found.adjusted.accuracy > found.plain.accuracy + 0.2
    assert found.gain == pytest.approx(found.adjusted.accuracy - found.plain.accuracy)
    assert found.gain_interval[0] < found.gain < found.gain_interval[1]
    assert found.gain_interval[0] > 0
    named = evaluate_subject_baseline(given, labels, tuple(name.title() for name in FER7), who)
    assert named.gain == found.gain
    assert json.loads(json.dumps(found.to_dict()))["images"] == 84


def test_scores_are_those_of_the_rule_by_hand():
    given, labels, who = people(3, seed=4)
    found = evaluate_subject_baseline(given, labels, FER7, who)
    right, plain, kept = [], [], []
    for subject in ("S0", "S1", "S2"):
        own = np.flatnonzero(who == subject)
        first = own[labels[own] == NEUTRAL][0]
        rest = [i for i in own if i != first]
        shares = adjust(given[rest], Baseline.of(given[[first]], FER7, subject, np.zeros(1)))
        right += (shares.argmax(1) == labels[rest]).tolist()
        plain += (given[rest].argmax(1) == labels[rest]).tolist()
        kept += labels[rest].tolist()
    assert found.adjusted.accuracy == pytest.approx(np.mean(right))
    assert found.plain.accuracy == pytest.approx(np.mean(plain))
    recalls = [np.mean(np.array(right)[np.array(kept) == i]) for i in range(7)]
    assert found.adjusted.balanced_recall == pytest.approx(np.mean(recalls))
    assert found.adjusted.recall["happy"] == pytest.approx(recalls[FER7.index("happy")])


def test_pictures_of_the_baseline_are_not_scored():
    given, labels, who = people(2)
    wrong = labels.copy()
    given[(who == "S0") & (labels == NEUTRAL)] = probabilities("neutral", 0.99)
    one = evaluate_subject_baseline(given, wrong, FER7, who)
    both = evaluate_subject_baseline(given, wrong, FER7, who, images_each=2)
    assert (one.images, both.images) == (14, 12)
    assert "neutral" in one.plain.recall
    assert "neutral" not in both.plain.recall  # none is left
    assert (one.gain_interval, MIN_SUBJECTS) == (None, 5)


def test_people_without_a_neutral_image_are_left_out_and_named():
    given, labels, who = people(3)
    keep = ~((who == "S1") & (labels == NEUTRAL)) & ~((who == "S2") & (labels != NEUTRAL))
    keep[np.flatnonzero((who == "S2") & (labels == NEUTRAL))[1]] = False
    found = evaluate_subject_baseline(given[keep], labels[keep], FER7, who[keep])
    assert found.left_out == ("S1", "S2")
    assert found.images == 7


def test_what_cannot_be_measured_is_refused():
    given, labels, who = people(2)
    with pytest.raises(DatasetError, match="nothing to measure a baseline on"):
        evaluate_subject_baseline(given, np.zeros_like(labels), FER7, who)
    with pytest.raises(OptionError, match="images_each"):
        evaluate_subject_baseline(given, labels, FER7, who, images_each=0)
    with pytest.raises(OptionError, match="'neutral'"):
        evaluate_subject_baseline(given[:, :2], labels % 2, ("happy", "sad"), who)
    with pytest.raises(ValueError, match="subjects"):
        evaluate_subject_baseline(given, labels, FER7, who[:3])


def test_floor_holds_for_baseline_and_images_alike():
    rest, other = np.full(7, 1e-8), np.full(7, 1e-8)
    rest[NEUTRAL] = other[NEUTRAL] = 1.0
    other[FER7.index("fear")] = 5e-7  # fifty times more than at rest, and still nothing
    given, labels = np.array([rest, other]), np.array([NEUTRAL, NEUTRAL])
    assert evaluate_subject_baseline(given, labels, FER7, ["A", "A"]).adjusted.accuracy == 1
    assert evaluate_subject_baseline(given, labels, FER7, ["A", "A"], floor=1e-9).adjusted.accuracy == 0
