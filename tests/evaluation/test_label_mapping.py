"""A model's labels are matched with a dataset's by name, whatever their order and their words."""

import numpy as np
import pytest
from helpers.made import Scripted

from fer_core.errors import DatasetError, ModelError
from fer_core.evaluation.label_mapping import map_labels, map_probabilities, people_share
from fer_core.labels import FER7, FERPLUS8
from fer_core.models.bundle import Head
from fer_core.models.classifier import softmax

LOGITS = np.random.default_rng(0).normal(0, 2, (5, 8)).astype(np.float32)


def model(*heads: Head) -> Scripted:
    return Scripted("net", LOGITS, heads)


def test_another_order_and_capitals():
    head = Head("own", ("Happy", " SAD ", "angry"), temperature=1.5)
    found, known, notes = map_probabilities(model(head), LOGITS[:, :3], ("angry", "happy", "sad"))
    np.testing.assert_allclose(found, softmax(LOGITS[:, :3].astype(float), 1.5)[:, [2, 0, 1]])
    assert known == ("angry", "happy", "sad") and notes == []


def test_words_of_ferplus_for_those_of_fer2013():
    found, known, notes = map_probabilities(model(Head("fp", FERPLUS8)), LOGITS, FER7)
    order = [FERPLUS8.index(n) for n in ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")]
    p = softmax(LOGITS.astype(float))[:, order]
    np.testing.assert_allclose(found, p / p.sum(1, keepdims=True))
    assert known == FER7 and notes == ["Net can also say contempt, which the dataset lacks: left out."]


def test_a_class_that_the_model_does_not_know_has_no_probability():
    found, known, notes = map_probabilities(model(Head("fer7", FER7)), LOGITS[:, :7], FERPLUS8)
    assert (found[:, FERPLUS8.index("contempt")] == 0).all()
    np.testing.assert_allclose(found.sum(1), 1)
    assert known == FERPLUS8[:-1] and notes == ["Net does not know contempt: these images count as mistakes."]


def test_the_head_that_fits_is_taken():
    logits = np.concatenate([LOGITS[:, :2], LOGITS], 1)
    heads = (Head("two", ("happy", "sad")), Head("fp", FERPLUS8, temperature=2.0))
    found, known, _ = map_probabilities(model(*heads), logits, FERPLUS8)
    np.testing.assert_allclose(found, softmax(LOGITS.astype(float), 2.0))
    assert known == FERPLUS8
    # Both know happy and sad; the first says them in the dataset's own words.
    np.testing.assert_allclose(
        map_probabilities(model(*heads), logits, ("happy", "sad"))[0], softmax(LOGITS[:, :2].astype(float))
    )


def test_a_model_that_knows_nothing_of_it():
    with pytest.raises(ModelError, match=r"knows none .*\(cat, dog\); its own are: angry, disgust"):
        map_probabilities(model(Head("fer7", FER7)), LOGITS[:, :7], ("cat", "dog"))


def test_a_task_of_several_classes_stays():
    labels = np.array([2, 0, 2])
    names, same, notes = map_labels(["a", "b", "c"], labels)
    assert names == ("a", "b", "c") and same is labels and notes == []


def test_images_of_one_class_are_told_among_all():
    names, labels, notes = map_labels(FER7, np.array([3, 3]))
    assert names == FER7 and labels.tolist() == [3, 3]
    assert len(notes) == 1 and notes[0].startswith("All images show happy.")


@pytest.mark.parametrize("only", ["happy", "Happiness"])
def test_a_dataset_of_one_class_is_told_among_the_seven(only):
    names, labels, notes = map_labels([only], np.array([0, 0]))
    assert names == FER7 and labels.tolist() == [FER7.index("happy")] * 2 and len(notes) == 1


def test_one_class_that_nobody_knows():
    with pytest.raises(DatasetError, match="one class, 'cat'"):
        map_labels(["cat"], np.array([0]))


def test_people_are_shares_by_name():
    votes = np.zeros(10, np.uint8)
    votes[[1, 3, 8]] = [6, 3, 1]  # happiness, sadness, unknown
    shares = people_share(votes, FER7)
    assert shares.tolist() == pytest.approx([0, 0, 0, 0.6, 0, 0.3, 0])
    assert people_share(votes, ("cat", "happiness")).tolist() == pytest.approx([0, 0.6])
    assert people_share(np.zeros(10, np.uint8), FER7) is None
