"""Several models over the same images: a bad one costs the others nothing, and what was done stays."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
from helpers import made
from helpers.comparisons import TRUTH, WRONG, compare, finder, votes

from fer_core.datasets.dataset import Dataset
from fer_core.errors import Cancelled, DatasetError, ModelError
from fer_core.evaluation.comparison import Comparison
from fer_core.evaluation.corruptions import CONDITIONS
from fer_core.evaluation.results import COVERAGES, FERPLUS, LABELS, SubsetKey
from fer_core.labels import FER7, FERPLUS8, FERPLUS_TO_FER7
from fer_core.models.bundle import Head
from fer_core.models.predictor import Prediction, Predictor
from fer_core.utils.workspace import use_workspace, workspace

PLUS = {fer7: plus for plus, fer7 in FERPLUS_TO_FER7.items()}


def test_two_models_and_where_they_differ():
    work = compare(
        made.dataset(TRUTH), made.Scripted("good", made.saying(TRUTH)), made.Scripted("bad", made.saying(WRONG))
    )
    good, bad = work.evaluations
    assert (work.progress, work.doing, work.failures) == (1.0, "Done", [])
    assert good.figures[SubsetKey("labels")]["accuracy"] == 1.0 and bad.figures[SubsetKey("labels")]["accuracy"] == 0.75
    assert work.subset().against(good, bad) == {"only_first": 2, "only_second": 0, "p": 0.5}
    report = work.report(bad)
    assert report["mcnemar"] == {"good": {"only_first": 0, "only_second": 2, "p": 0.5}}
    assert report["ferplus"] is None and report["ferplus_accuracy"] is None and report["votes"] is None
    assert report["one_ms"] == 2.5 and report["bytes"] == 1000 and report["views"] == 2
    assert sorted(report["risk_at_coverage"]) == sorted(map(str, COVERAGES))
    assert report["risk_at_coverage"]["1.0"] == 0.25
    json.dumps(report, allow_nan=False)
    assert any("no FER+ votes" in note for note in report["notes"])


def test_labels_are_matched_by_name():
    order = ("surprise", "happiness", "sadness", "anger", "neutral", "fear", "disgust")
    own = [order.index({"angry": "anger", "happy": "happiness", "sad": "sadness"}.get(FER7[i], FER7[i])) for i in TRUTH]
    work = compare(made.dataset(TRUTH), made.Scripted("other", made.saying(own), (Head("main", order),)))
    assert work.evaluations[0].figures[SubsetKey("labels")]["accuracy"] == 1.0


def test_the_votes_are_a_truth_of_their_own():
    seen = ["anger", "disgust", "fear", "happiness", "neutral", "sadness", "happiness", "surprise"]
    data = made.dataset(TRUTH, votes=votes(seen))
    work = compare(data, made.Scripted("bad", made.saying(WRONG)))  # says what the people say, not what the labels say
    report = work.report(work.evaluations[0])
    assert report["accuracy"] == 0.75 and report["ferplus_accuracy"] == 1.0 and report["ferplus"]["n"] == 8
    assert report["votes"]["agreement"] == pytest.approx(0.9) and report["votes"]["ceiling"] == pytest.approx(0.9)
    assert any("does not know contempt" in note for note in report["notes"])


def test_votes_without_a_clear_majority():
    split = np.zeros((8, 10), np.uint8)
    split[:, :2] = 5
    work = compare(made.dataset(TRUTH, votes=split), made.Scripted("good", made.saying(TRUTH)))
    report = work.report(work.evaluations[0])
    assert report["ferplus_accuracy"] is None and report["votes"]["n"] == 8
    assert "The FER+ votes have a clear majority for none of these images." in report["notes"]


def test_a_model_without_words_for_what_people_see_is_held_against_the_labels_alone():
    seen = votes(["anger"] * 8)
    data = made.dataset([0, 1] * 4, names=("cat", "dog"), votes=seen)
    work = compare(data, made.Scripted("pets", made.saying([0, 1] * 4, 2), (Head("a", ("cat", "dog")),)))
    (pets,) = work.evaluations
    assert pets.figures[SubsetKey("labels")]["accuracy"] == 1.0 and pets.ferplus is None and not work.failures
    assert work.report(pets)["ferplus"] is None and any("not held against the FER+ votes" in n for n in pets.notes)
    assert work.subset(FERPLUS).figures(pets) is None and not work.subset(FERPLUS).right(pets).any()
    assert compare(made.dataset([0, 1], names=("cat", "dog")), pets.predictor).evaluations[0].notes == []


def test_a_view_holds_the_images_that_count():
    seen = ["anger", "disgust", "fear", "happiness", "neutral", "sadness", "happiness", "surprise"]
    data = with_copies(2)
    shown = Dataset(data.images, data.labels, FER7, data.splits, np.concatenate([votes(seen), votes(["fear"] * 3)]))
    work = compare(shown, made.Scripted("bad", made.saying(WRONG)))
    subset = work.subset(FERPLUS, clean=True)
    assert subset.which.tolist() == [2, 3, 4, 5, 6, 7] and subset.names == FERPLUS8 and len(subset) == 6
    assert [FERPLUS8[i] for i in subset.truth] == seen[2:]
    assert subset.right(work.evaluations[0]).all() and work.subset().right(work.evaluations[0]).sum() == 6
    assert subset.figures(work.evaluations[0])["n"] == work.evaluations[0].figures[SubsetKey("ferplus", True)]["n"] == 6


def test_it_works_on_another_thread_for_the_home_it_was_made_in(tmp_path):
    found = []

    def find(name: str) -> Predictor:
        found.append(workspace())
        return made.Scripted(name, made.saying(TRUTH))

    with use_workspace(tmp_path):
        work = Comparison(made.dataset(TRUTH), "PublicTest", ["one"], find=find)
    thread = threading.Thread(target=work.run)
    thread.start()
    thread.join()
    assert found == [tmp_path] and workspace() != tmp_path and len(work.evaluations) == 1


def test_images_of_training_are_known_by_heart():
    data = made.dataset(TRUTH, splits=["Training"] * 8)
    assert any("by heart" in note for note in Comparison(data, "Training", ["m"]).notes)


class Breaks(made.Scripted):
    def predict(self, images, *, flip, progress):
        raise ModelError("Its weights are of another kind.")


@pytest.mark.parametrize(
    "bad, says",
    [
        (None, "There is no model called 'bad'"),
        (Breaks("bad", made.saying(TRUTH)), "another kind"),
        (made.Scripted("bad", made.saying(TRUTH) * np.nan), "not numbers"),
        (made.Scripted("bad", made.saying(TRUTH, 9)), "did not give 7 scores"),
        (made.Scripted("bad", made.saying([0] * 8, 2), (Head("a", ("cat", "dog")),)), "knows none"),
    ],
    ids=["missing", "breaks", "nan", "shape", "labels"],
)
def test_a_bad_model_is_a_sentence_and_the_others_go_on(bad, says):
    models = [made.Scripted("one", made.saying(TRUTH)), made.Scripted("two", made.saying(WRONG))]
    work = compare(made.dataset(TRUTH), *models, *([bad] if bad else []), names=["one", "bad", "two"])
    assert [e.predictor.name for e in work.evaluations] == ["one", "two"]
    assert [name for name, _ in work.failures] == ["bad"] and says in work.failures[0][1]
    assert work.progress == 1.0


def test_a_model_that_is_named_twice_is_asked_once():
    model = made.Scripted("one", made.saying(TRUTH))
    assert len(compare(made.dataset(TRUTH), model, names=["one", "one"]).evaluations) == 1 and model.asked == 1


def test_images_of_one_class():
    work = compare(made.dataset([3, 3, 3]), made.Scripted("m", made.saying([3, 3, 0])))
    report = work.report(work.evaluations[0])
    assert report["accuracy"] == pytest.approx(2 / 3) and report["per_class"]["happy"] == pytest.approx(2 / 3)
    assert report["per_class"]["sad"] is None and any("All images show happy" in n for n in report["notes"])
    json.dumps(report, allow_nan=False)


def test_a_dataset_with_one_class_alone():
    work = compare(made.dataset([0, 0], names=("happiness",)), made.Scripted("m", made.saying([3, 5])))
    assert work.names == FER7 and work.evaluations[0].figures[SubsetKey("labels")]["accuracy"] == 0.5
    with pytest.raises(DatasetError, match="one class"):
        Comparison(made.dataset([0], names=("cat",)), "PublicTest", [])


def test_an_empty_split_is_refused():
    with pytest.raises(DatasetError, match="no split called 'Nowhere'"):
        Comparison(made.dataset(TRUTH), "Nowhere", ["one"])
    with pytest.raises(DatasetError):
        Comparison(made.dataset([]), "PublicTest", ["one"])


def test_cancel_keeps_what_was_done():
    one, two = made.Scripted("one", made.saying(TRUTH)), made.Scripted("two", made.saying(TRUTH))
    work = Comparison(made.dataset(TRUTH), "PublicTest", ["one", "two"], find=finder(one, two))
    with pytest.raises(Cancelled):
        work.run(lambda: bool(work.evaluations))
    assert [e.predictor.name for e in work.evaluations] == ["one"] and two.asked == 0
    assert work.progress < 1 and work.report(work.evaluations[0])["accuracy"] == 1.0


def test_cancel_in_the_middle_of_a_model():
    model = made.Scripted("one", made.saying(TRUTH))
    work = Comparison(made.dataset(TRUTH), "PublicTest", ["one"], find=finder(model))
    with pytest.raises(Cancelled):
        work.run(lambda: model.asked > 0)
    assert model.asked == 1 and work.evaluations == [] and work.failures == []


def with_copies(copied: int) -> Dataset:
    """Eight images of PublicTest, of which so many lie in Training too, and one more there."""
    data = made.dataset(TRUTH)
    images = np.concatenate([data.images, data.images[:copied, :, ::-1], made.dataset([0], seed=9).images])
    where = np.array(["PublicTest"] * 8 + ["Training"] * (copied + 1))
    return Dataset(images, np.array([*TRUTH, *TRUTH[:copied], 0]), FER7, where)


def test_the_part_without_near_copies():
    work = compare(with_copies(2), made.Scripted("bad", made.saying(WRONG)))
    assert work.clean is not None and work.clean.tolist() == [False] * 2 + [True] * 6
    clean = work.report(work.evaluations[0], clean=True)
    assert (clean["n"], clean["accuracy"], clean["clean"]) == (6, pytest.approx(4 / 6), True)
    full = work.report(work.evaluations[0])
    assert full["n"] == 8 and full["full"] is None
    assert clean["full"] == {key: full[key] for key in clean["full"]} and clean["full"]["n"] == 8


def test_the_votes_of_the_part_without_near_copies():
    seen = ["surprise"] * 2 + ["fear", "happiness", "neutral", "sadness", "happiness", "surprise"] + ["fear"] * 3
    data = with_copies(2)
    work = compare(
        Dataset(data.images, data.labels, data.names, data.splits, votes(seen)),
        made.Scripted("bad", made.saying(WRONG)),
    )
    report = work.report(work.evaluations[0], clean=True)
    assert report["votes"]["n"] == 6 and report["votes"]["agreement"] == pytest.approx(0.9)
    assert report["ferplus"]["n"] == 6 and work.report(work.evaluations[0])["votes"]["n"] == 8


def test_the_curve_of_risk_against_coverage():
    rng = np.random.default_rng(5)
    labels, logits = rng.integers(0, 7, 250), rng.normal(0, 2, (250, 7))
    work = compare(made.dataset(labels.tolist()), made.Scripted("m", logits))
    found, p = work.report(work.evaluations[0]), work.evaluations[0].probabilities
    rows = sorted(zip(p.max(1), p.argmax(1) == labels, strict=True), key=lambda pair: -pair[0])
    risks = [sum(not right for _, right in rows[: i + 1]) / (i + 1) for i in range(250)]
    assert found["aurc"] == pytest.approx(sum(risks) / 250)
    curve = found["risk_coverage"]
    assert len(curve["risk"]) == len(curve["coverage"]) == 100 and curve["coverage"][-1] == 1.0
    assert curve["risk"] == pytest.approx([risks[round(c * 250) - 1] for c in curve["coverage"]])
    assert curve["risk"][-1] == pytest.approx(1 - found["accuracy"])


@pytest.mark.parametrize("data, says", [(with_copies(8), "no clean part"), (made.dataset(TRUTH), "no other split")])
def test_no_part_without_near_copies(data, says):
    work = compare(data, made.Scripted("one", made.saying(TRUTH)))
    assert work.clean is None and any(says in note for note in work.notes)
    with pytest.raises(DatasetError, match="without near copies"):
        work.report(work.evaluations[0], clean=True)


def test_rows_are_those_of_the_source():
    work = Comparison(with_copies(2).select([8, 3, 5]), "PublicTest", [])
    assert work.rows.tolist() == [3, 5]


def test_answers_are_remembered_by_model_and_images(tmp_path):
    model, data = made.Scripted("one", made.saying(TRUTH)), made.dataset(TRUTH)
    first = compare(data, model, cache=tmp_path)
    again = compare(data, model, cache=tmp_path)
    assert model.asked == 1
    np.testing.assert_array_equal(first.evaluations[0].probabilities, again.evaluations[0].probabilities)
    assert again.evaluations[0].speed == first.evaluations[0].speed
    compare(made.dataset(TRUTH, seed=1), model, cache=tmp_path)
    compare(data, model, cache=tmp_path, flip=False)
    assert model.asked == 3


class Measuring(made.Scripted):
    """Says happy where the picture is brighter than 100, else sad."""

    def predict(self, images, *, flip, progress):
        self.asked += 1
        progress(1.0)
        said = np.where(images.mean((1, 2)) > 100, FER7.index("happy"), FER7.index("sad"))
        return Prediction(made.saying(said), 100.0, 2.5)


def test_images_made_worse():
    light = Dataset(
        np.full((6, 48, 48), 160, np.uint8), np.full(6, FER7.index("happy")), FER7, np.full(6, "PublicTest")
    )
    model = Measuring("m", made.saying([0]))
    work = compare(light, model, worse=4)
    rows = work.report(work.evaluations[0])["conditions"]
    assert [(r["condition"], r["amount"]) for r in rows] == [
        (c, a) for c, amounts in CONDITIONS.items() for a in amounts
    ]
    assert {r["n"] for r in rows} == {4} and model.asked == 2
    dark = {r["amount"]: r["accuracy"] for r in rows if r["condition"] == "brightness"}
    assert dark == {0.1: 0, 0.25: 0, 0.5: 0, 1.0: 1, 1.5: 1, 2.0: 1}
    assert all(r["accuracy"] == 1 for r in rows if r["condition"] != "brightness")
    assert compare(light, model).evaluations[0].conditions == {}
    assert compare(light, model, worse=100).evaluations[0].conditions[SubsetKey(LABELS)][0]["n"] == 6


def test_images_made_worse_are_held_against_each_truth_and_part():
    """All are labelled happy; people see sadness in two of them and do not agree on a third; one is in Training."""
    images = np.random.default_rng(2).integers(140, 180, (7, 48, 48), dtype=np.uint8)
    images[6] = images[5]
    seen = np.zeros((7, 10), np.uint8)
    seen[:, FERPLUS8.index("happiness")] = [10, 10, 10, 0, 0, 5, 0]
    seen[:, FERPLUS8.index("sadness")] = [0, 0, 0, 10, 10, 5, 0]
    splits = np.array(["PublicTest"] * 6 + ["Training"])
    data = Dataset(images, np.full(7, FER7.index("happy")), FER7, splits, seen)
    work = compare(data, Measuring("m", made.saying([0])), worse=6)
    rows = work.evaluations[0].conditions
    bright = {key: (own[0]["n"], {r["amount"]: r["accuracy"] for r in own}) for key, own in by_brightness(rows).items()}
    assert bright[SubsetKey("labels")] == (6, {0.1: 0, 0.25: 0, 0.5: 0, 1.0: 1, 1.5: 1, 2.0: 1})
    assert bright[SubsetKey("labels", True)][0] == 5 and bright[SubsetKey("labels", True)][1][1.0] == 1
    # Bright images are said to be happy, which people see in three of five; dark ones sad, as they see in two.
    assert bright[SubsetKey("ferplus")] == (5, {a: 0.4 if a < 1 else 0.6 for a in (0.1, 0.25, 0.5, 1.0, 1.5, 2.0)})
    assert bright[SubsetKey("ferplus", True)] == bright[SubsetKey("ferplus")]
    report = work.report(work.evaluations[0], clean=True)
    assert (
        report["conditions"] == rows[SubsetKey("labels", True)]
        and report["ferplus_conditions"] == rows[SubsetKey("ferplus", True)]
    )


def by_brightness(conditions: dict[str, list]) -> dict[str, list]:
    return {key: [r for r in rows if r["condition"] == "brightness"] for key, rows in conditions.items()}


def test_harder_can_be_asked_afterwards():
    model = Measuring("m", made.saying([0]))
    work = compare(made.dataset(TRUTH), model)
    told: list[float] = []
    work.run_corruptions(3, told.append)
    assert work.evaluations[0].conditions[SubsetKey(LABELS)][0]["n"] == 3 and model.asked == 2 and told == [1.0]

    def stop(share: float) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        work.run_corruptions(4, stop)
    assert work.evaluations[0].conditions[SubsetKey(LABELS)][0]["n"] == 3


def test_cancel_while_images_are_made_worse():
    model = Measuring("m", made.saying([0]))
    work = Comparison(made.dataset(TRUTH), "PublicTest", ["m"], worse=4, find=finder(model))
    with pytest.raises(Cancelled):
        work.run(lambda: model.asked == 2)
    assert [(e.predictor.name, e.conditions) for e in work.evaluations] == [("m", {})]


def test_what_pages_show_is_held_against_what_people_see():
    """The labels are of no account there; contempt, which is not among the seven, is left out."""
    seen = ["anger", "fear", "sadness", "contempt", "fear", "neutral"]
    says = ["anger", "fear", "neutral", "happiness", "neutral", "neutral"]
    said = np.full((6, 8), -2.0)
    said[np.arange(6), [FERPLUS8.index(name) for name in says]] = 0
    said[4, FERPLUS8.index("fear")] = -0.5  # fear comes next, and is rare
    model = made.Scripted("votes", said, (Head("plus", FERPLUS8, shown=dict(FERPLUS_TO_FER7)),))
    prior = {FERPLUS_TO_FER7.get(name, name): 0.01 if name == "fear" else 0.2 for name in FERPLUS8}
    rule = {"head": "plus", "weight": 1.0, "prior_exponent": 0.5, "prior": prior}
    model.card = {"main": "plus", "rule": {"name": "rare ones sooner", "terms": [rule], "temperature": 1.0}}
    given = votes([name if name != "contempt" else "neutral" for name in seen])
    given[3] = [0, 0, 0, 0, 0, 0, 0, 10, 0, 0]
    work = compare(made.dataset([0, 1, 2, 3, 4, 5], votes=given), model)
    found = work.report(work.evaluations[0])["shown"]
    assert found["n"] == 5 and found["labels"] == list(FER7)
    assert found["accuracy"] == pytest.approx(4 / 5) and found["main_head"]["accuracy"] == pytest.approx(3 / 5)
    assert found["balanced_recall"] == pytest.approx((1 + 1 + 0 + 1) / 4)
    assert found["change"]["accuracy"] == pytest.approx(1 / 5)
    assert found["change"]["balanced_recall"] == pytest.approx(0.5 / 4)
    assert found["rule"] == "rare ones sooner: plus weighs 1, its prior off by 0.5; temperature 1"
    assert work.subset("shown").which.tolist() == [0, 1, 2, 4, 5]


def test_a_model_without_a_rule_shows_its_main_head():
    heads = (Head("seven", FER7), Head("other", FER7))
    model = made.Scripted("two", np.concatenate([made.saying(TRUTH), made.saying(WRONG)], 1), heads)
    model.card = {"main": "other"}
    work = compare(made.dataset(TRUTH, votes=votes([PLUS[FER7[i]] for i in TRUTH])), model)
    report = work.report(work.evaluations[0])
    assert report["accuracy"] == 1.0 and report["shown"]["accuracy"] == 0.75
    assert set(report["shown"]["change"].values()) == {0.0}


def test_nothing_is_shown_where_nobody_voted_or_the_words_are_others():
    work = compare(made.dataset(TRUTH), made.Scripted("good", made.saying(TRUTH)))
    assert work.report(work.evaluations[0])["shown"] is None
    people = votes([PLUS[FER7[i]] for i in TRUTH])
    letters = made.Scripted("letters", made.saying([0, 1] * 4, outputs=2), (Head("own", ("cat", "dog")),))
    work = compare(made.dataset([0, 1] * 4, names=("cat", "dog"), votes=people), letters)
    assert work.report(work.evaluations[0])["shown"] is None and work.failures == []
