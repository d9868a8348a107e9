"""The measured time of an epoch: a real measurement of the smallest network, and what is kept of it."""

import dataclasses
import json
import time

import pytest

from fer_core.errors import FerError
from fer_core.models.architectures import ARCHITECTURES
from fer_core.training import speed_estimate as tempo
from fer_core.training.config import TrainingConfig
from fer_core.training.machine_queue import is_taken, queue_turn
from fer_core.training.speed_estimate import SpeedTrial, TrainingSpeed, estimate_speed, known_speed


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_QUEUE", str(tmp_path))
    return tmp_path


def keep(config: TrainingConfig, found: TrainingSpeed) -> None:
    path = tempo._file(config)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dataclasses.asdict(found)))


def test_a_few_steps_are_measured_and_remembered(own, monkeypatch):
    config = TrainingConfig(batch=16, precision="float32", threads=1)
    assert known_speed(config) is None
    trial = SpeedTrial(config)
    end = time.monotonic() + 200
    while not trial.ended:
        assert time.monotonic() < end
        time.sleep(0.05)
    found = known_speed(config)
    assert found is not None and found.learn > 0 and found.check > 0 and found.prepare > 0
    assert time.time() - found.measured < 300
    assert found.epoch(1000) == pytest.approx(1000 * found.learn)
    assert found.epoch(1000, 100) == pytest.approx(1000 * found.learn + 100 * found.check)
    # What does not change the work finds it too; what does, does not.
    same = {"epochs": 99, "seed": 5, "name": "x", "learning_rate": 0.1, "data": "other"}
    assert known_speed(dataclasses.replace(config, **same)) == found
    for other in ({"batch": 32}, {"architecture": "mobile"}, {"precision": "mixed_bfloat16"}, {"threads": 2}):
        assert known_speed(dataclasses.replace(config, **other)) is None
    monkeypatch.setattr(tempo, "_machine", lambda: ["another"])
    assert known_speed(config) is None


def test_large_batches_share_what_was_measured_of_the_largest():
    assert tempo._file(TrainingConfig(batch=512)) == tempo._file(TrainingConfig(batch=4096))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"learn": "x", "check": 1, "prepare": 1, "measured": 1}', '{"learn": 0}']
)
def test_what_is_no_measurement_counts_as_none(text):
    config = TrainingConfig()
    path = tempo._file(config)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert known_speed(config) is None
    keep(config, TrainingSpeed(0.1, 0.02, 3.0, 5.0))
    assert known_speed(config) == TrainingSpeed(0.1, 0.02, 3.0, 5.0)


def test_other_networks_are_estimated_from_the_nearest():
    tiny, large, small = (TrainingConfig(architecture=name) for name in ("tiny", "reference", "mini_xception"))
    assert estimate_speed(tiny) is None
    keep(tiny, TrainingSpeed(0.001, 0.0002, 3.0, 5.0))
    keep(large, TrainingSpeed(0.1, 0.02, 4.0, 5.0))
    assert estimate_speed(tiny) == known_speed(tiny) and estimate_speed(large) == known_speed(large)
    work = {name: network.multiply_adds for name, network in ARCHITECTURES.items()}
    found = estimate_speed(small)
    assert found.learn == pytest.approx(0.001 * work["mini_xception"] / work["tiny"]) and found.prepare == 3
    assert found.check == pytest.approx(found.learn / 5)
    assert estimate_speed(dataclasses.replace(small, batch=8)) is None, "other settings are another matter"


def test_nothing_is_measured_while_a_training_runs():
    with queue_turn(lambda place: None, lambda: False):
        assert is_taken()
        assert tempo.main([TrainingConfig().to_json(), str(tempo._file(TrainingConfig()))]) == 1
    assert not is_taken() and known_speed(TrainingConfig()) is None


def test_a_measurement_can_be_cancelled_or_given_up(monkeypatch):
    trial = SpeedTrial(TrainingConfig())
    trial.cancel()
    assert trial.ended and known_speed(TrainingConfig()) is None
    monkeypatch.setattr(tempo, "PATIENCE", -1.0)
    assert SpeedTrial(TrainingConfig()).ended and known_speed(TrainingConfig()) is None
    with pytest.raises(FerError, match="no network"):
        SpeedTrial(TrainingConfig(architecture="huge"))
