"""The rule that makes what pages show of a network's heads."""

import numpy as np
import pytest

from fer_core.models.decision_rule import DecisionRule, HeadOutput, HeadTerm, log_softmax

NAMES = ("happy", "sad", "contempt")
PRIOR = {"happy": 0.6, "sad": 0.3, "contempt": 0.1}
VOTES = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]])
LABELS = np.array([[0.2, 0.8], [0.6, 0.4]])


def outputs() -> dict[str, HeadOutput]:
    """Two faces; any constant may be added to a row of logits."""
    return {
        "votes": HeadOutput(NAMES, np.log(VOTES) + 3),
        "labels": HeadOutput(("sad", "happy"), np.log(LABELS[:, ::-1]) - 1),
    }


def test_one_head_alone_is_its_softmax_over_what_is_asked_for():
    alone = DecisionRule.of_head("votes")
    np.testing.assert_allclose(alone.probabilities(outputs(), NAMES), VOTES)
    np.testing.assert_allclose(alone.probabilities(outputs(), ("sad", "happy")), [[0.375, 0.625], [8 / 9, 1 / 9]])


def test_temperature():
    warm = DecisionRule("warm", (HeadTerm("votes"),), temperature=2.0)
    root = np.sqrt(VOTES)
    np.testing.assert_allclose(warm.probabilities(outputs(), NAMES), root / root.sum(1, keepdims=True))


def test_both_heads_and_their_priors():
    rule = DecisionRule(
        "both", (HeadTerm("votes", 0.75, 0.5, PRIOR), HeadTerm("labels", 0.25, 0.2, {"happy": 0.7, "sad": 0.3}))
    )
    wished = VOTES[:, :2] ** 0.75 * LABELS**0.25 / np.array([0.6, 0.3]) ** 0.5 / np.array([0.7, 0.3]) ** 0.2
    found = rule.probabilities(outputs(), NAMES[:2])
    np.testing.assert_allclose(found, wished / wished.sum(1, keepdims=True))
    assert (found.argmax(1) == [1, 1]).all() and VOTES[0, 0] > VOTES[0, 1], "the rule can change the answer"


def test_a_head_that_lacks_a_label_takes_over_the_share_of_the_first():
    rule = DecisionRule(
        "both", (HeadTerm("votes", 0.5, 0.5, PRIOR), HeadTerm("labels", 0.5, 0.2, {"happy": 0.7, "sad": 0.3}))
    )
    eight, seven = rule.probabilities(outputs(), NAMES), rule.probabilities(outputs(), NAMES[:2])
    np.testing.assert_allclose(eight[:, :2] / eight[:, :2].sum(1, keepdims=True), seven)
    taken = np.column_stack([LABELS * (1 - VOTES[:, 2:]), VOTES[:, 2]])
    off = np.array([0.6, 0.3, 0.1]) ** 0.5 * np.array([0.7 * 0.9, 0.3 * 0.9, 0.1]) ** 0.2
    wished = np.sqrt(VOTES * taken) / off
    np.testing.assert_allclose(eight, wished / wished.sum(1, keepdims=True))


def test_a_head_without_weight_may_still_take_its_prior_off():
    rule = DecisionRule("one", (HeadTerm("votes"), HeadTerm("labels", 0.0, 1.0, {"happy": 0.8, "sad": 0.2})))
    wished = VOTES[:, :2] / [0.8, 0.2]
    np.testing.assert_allclose(rule.probabilities(outputs(), NAMES[:2]), wished / wished.sum(1, keepdims=True))


def test_no_faces():
    none = {"votes": HeadOutput(NAMES, np.empty((0, 3)))}
    assert DecisionRule.of_head("votes").probabilities(none, NAMES).shape == (0, 3)


def test_an_unknown_label_or_head_is_an_error():
    with pytest.raises(KeyError, match="bored"):
        DecisionRule.of_head("votes").scores(outputs(), ("bored",))
    with pytest.raises(KeyError, match="other"):
        DecisionRule.of_head("other").scores(outputs(), NAMES)


def test_it_goes_through_a_card():
    rule = DecisionRule("both", (HeadTerm("votes", 0.9, 0.3, PRIOR), HeadTerm("labels", 0.1)), 0.7)
    heads = {name: output.names for name, output in outputs().items()}
    assert DecisionRule.from_card(rule.to_card(), heads) == rule
    assert rule.describe() == "both: votes weighs 0.9, its prior off by 0.3; labels weighs 0.1; temperature 0.7"
    short = rule.to_card()
    del short["terms"][0]["prior"]["contempt"]
    with pytest.raises(ValueError, match="prior of votes lacks contempt"):
        DecisionRule.from_card(short, heads)
    with pytest.raises(KeyError):
        DecisionRule.from_card(rule.to_card(), {"votes": NAMES})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"weight": -0.1}, "weight must be 0 or more; received -0.1"),
        ({"weight": float("nan")}, "weight"),
        ({"prior_exponent": float("inf"), "prior": PRIOR}, "prior_exponent must be a number"),
        ({"prior_exponent": 0.5}, "prior is needed"),
        ({"prior_exponent": 0.5, "prior": {"happy": 0.0}}, "shares above 0"),
    ],
)
def test_terms_out_of_range(settings, words):
    with pytest.raises(ValueError, match=words):
        HeadTerm("votes", **settings)


@pytest.mark.parametrize(
    ("terms", "temperature", "words"),
    [
        ((), 1.0, "begin with a head"),
        ((HeadTerm("votes", 0.0),), 1.0, "begin with a head"),
        ((HeadTerm("votes"), HeadTerm("votes")), 1.0, "each head once"),
        ((HeadTerm("votes"),), 0.0, "temperature must be above 0"),
        ((HeadTerm("votes"),), float("nan"), "temperature"),
    ],
)
def test_rules_out_of_range(terms, temperature, words):
    with pytest.raises(ValueError, match=words):
        DecisionRule("bad", terms, temperature)


def test_log_softmax_of_large_numbers():
    found = log_softmax(np.array([[1000.0, 999.0]]))
    np.testing.assert_allclose(np.exp(found).sum(), 1)
