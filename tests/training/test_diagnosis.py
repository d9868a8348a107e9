import pytest
from helpers.fake_runs import epoch_table

from fer_core.training.diagnosis import PATIENCE, best_epoch, diagnose

NONE = epoch_table([])


def say(state="running", validation=(), training=None, **how):
    planned = how.pop("planned", 20)
    return diagnose(state, epoch_table(list(validation), training), planned=planned, **how)


def test_best_epoch_is_the_first_of_equals():
    assert best_epoch(epoch_table([0.2, 0.5, 0.5, 0.4])) == (2, 0.5)
    assert best_epoch(NONE) is None
    assert best_epoch(epoch_table([float("nan")])) is None
    assert best_epoch(epoch_table([0.3, float("nan")])) == (1, 0.3)


def test_before_the_first_epoch():
    assert say().kind == "starting" and "Getting ready" in say().words
    assert "Warming up" in say(under_way=True).words


def test_the_queue():
    assert "in a moment" in say("queued").words
    assert "one other training" in say("queued", place=1).words
    assert "3 other trainings" in say("queued", place=3).words


def test_guessing_is_said_and_later_doubted():
    early, late = say(validation=[0.15]), say(validation=[0.15] * 6)
    assert early.kind == late.kind == "guessing"
    assert "Warming up" in early.words and "14.3 %" in early.words
    assert "another learning rate" in late.words


def test_learning_tells_the_gain():
    assert say(validation=[0.3]).words == "It is learning: of 100 new faces it names 30 right."
    assert "45 right, 5 more than one epoch ago" in say(validation=[0.4, 0.45]).words
    assert "15 more than 3 epochs ago" in say(validation=[0.3, 0.3, 0.4, 0.42, 0.45]).words
    assert "a little more" in say(validation=[0.4, 0.405]).words
    assert say(validation=[0.4, 0.4005]).words.endswith("40 right.")


def test_a_pause_is_no_end():
    found = say(validation=[0.3, 0.5, 0.49])
    assert found.kind == "pausing" and "The last epoch" in found.words
    assert "The last 2 epochs" in say(validation=[0.3, 0.5, 0.49, 0.5]).words


def test_memorising_counts_the_epochs():
    found = say(validation=[0.3, 0.5] + [0.49] * 5, training=[0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
    assert found.kind == "memorising"
    assert "stopped improving 5 epochs ago (50.0 %)" in found.words
    assert "more training now only memorises" in found.words


def test_nothing_improves_any_more():
    found = say(validation=[0.3, 0.5] + [0.49] * PATIENCE, training=[0.3, 0.5] + [0.5] * PATIENCE)
    assert found.kind == "level" and "for 3 epochs" in found.words


def test_a_loss_that_is_no_number():
    table = epoch_table([0.4, 0.1])
    table.loc[1, "loss"] = float("nan")
    found = diagnose("running", table, planned=5)
    assert found.kind == "broken" and "weights of epoch 1 are kept" in found.words
    table = epoch_table([float("nan")])
    assert diagnose("running", table, planned=5).kind == "broken"


def test_stopping_and_stopped():
    assert "keeps the best" in say("stopping", [0.4]).words
    found = say("stopped", [0.4, 0.5, 0.45])
    assert found.words.startswith("Stopped after 3 epochs of 20. The weights of epoch 2 are kept: 50.0 % of")
    assert "no model yet" in say("stopped").words


def test_failed_says_why_and_what_is_kept():
    assert (
        say("failed", error="No space is left.").words == "No space is left. No epoch was complete, so nothing is kept."
    )
    assert "No space is left. The weights of epoch 1" in say("failed", [0.4], error="No space is left.").words
    assert "unexpectedly" in say("failed").words


def test_done():
    found = say("done", [0.3, 0.5], [0.3, 0.5], planned=2)
    assert found.words == "Done. The weights of epoch 2 are kept: 50.0 % of the validation images right."
    early = say("done", [0.3, 0.5, 0.4], [0.3, 0.9, 0.9])
    assert "after 3 epochs of 20" in early.words and "40 points better" in early.words
    assert "no model" in say("done").words


@pytest.mark.parametrize("state", ["queued", "running", "stopping", "stopped", "done", "failed"])
def test_every_state_has_a_sentence(state):
    for count in range(4):
        words = say(state, [0.2, 0.4, 0.3][:count]).words
        assert words and words[0].isupper() and words.endswith(".")


def with_recall(**shares):
    epochs = epoch_table([0.2, 0.24])
    epochs["recall"] = [shares] * len(epochs)
    return diagnose("running", epochs, planned=20)


def test_always_the_same_answer_is_not_called_learning():
    found = with_recall(happy=0.97, sad=0.0, angry=0.02, fear=0.1, disgust=0.0, neutral=0.05, surprise=0.0)
    assert found.kind == "guessing"
    assert "nearly every face happy" in found.words and "24 of 100" in found.words
    found = with_recall(happy=0.9, sad=0.5, angry=0.3, fear=0.04, disgust=0.0, neutral=0.4, surprise=0.6)
    assert found.kind == "learning" and found.words.endswith("It hardly ever finds fear and disgust.")
    found = with_recall(happy=0.9, sad=0.5, angry=0.3)
    assert found.kind == "learning" and "hardly" not in found.words
