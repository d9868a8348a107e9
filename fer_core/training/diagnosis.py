"""What the numbers of a training mean, in one plain sentence that changes with its state."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

__all__ = ["PATIENCE", "Diagnosis", "best_epoch", "diagnose"]

PATIENCE = 3
"""Epochs without a better validation accuracy after which it is said that there is no progress."""

STEP = 0.002
"""A gain below this is not told from chance."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A sentence about a run, and what kind of news it is.

    Attributes:
        kind: waiting, starting, guessing, learning, pausing, level, memorising, broken, stopping, stopped, done or
            failed.
        words: one to three sentences, plain text.
    """

    kind: str
    words: str


def best_epoch(epochs: pd.DataFrame) -> tuple[int, float] | None:
    """The epoch with the highest validation accuracy, and that accuracy; the first of equals. None without any."""
    if not len(epochs):
        return None
    values = pd.to_numeric(epochs["val_accuracy"], errors="coerce")
    if not values.notna().any():
        return None
    row = values.idxmax()
    return int(epochs.loc[row, "epoch"]), float(values[row])


def diagnose(
    state: str,
    epochs: pd.DataFrame,
    *,
    planned: int,
    classes: int = 7,
    place: int | None = None,
    under_way: bool = False,
    error: str | None = None,
) -> Diagnosis:
    """Return what a run's numbers mean now.

    Args:
        state: queued, running, stopping, stopped, done or failed.
        epochs: table with epoch, loss, accuracy, val_loss, val_accuracy; one row for each epoch that is complete.
        planned: epochs that the run shall have.
        classes: expressions to choose from; one of them at random is what guessing reaches.
        place: runs ahead in the queue.
        under_way: whether the first images have gone through the network.
        error: why the run failed.
    """
    best = best_epoch(epochs)
    kept = f" The weights of epoch {best[0]} are kept: {_right(best[1])}." if best else ""
    if state == "queued":
        if not place:
            return Diagnosis("waiting", "It starts in a moment.")
        ahead = "one other training" if place == 1 else f"{place} other trainings"
        return Diagnosis("waiting", f"It waits for {ahead}: this computer trains one network at a time.")
    if state == "failed":
        reason = (error or "The training ended unexpectedly.").strip()
        return Diagnosis(
            "failed", f"{reason}{kept}" if best else f"{reason} No epoch was complete, so nothing is kept."
        )
    if state == "stopped":
        if best is None:
            return Diagnosis("stopped", "It was stopped before the first epoch was complete: there is no model yet.")
        done = int(epochs["epoch"].iloc[-1])
        return Diagnosis("stopped", f"Stopped after {_epochs(done)} of {planned}.{kept} It can go on from there.")
    if state == "done":
        return Diagnosis("done", _finished(epochs, best, planned))
    if state == "stopping":
        return Diagnosis("stopping", f"It stops at the next image and keeps the best weights.{kept}")
    return _running(epochs, best, planned, classes, under_way)


def _running(
    epochs: pd.DataFrame, best: tuple[int, float] | None, planned: int, classes: int, under_way: bool
) -> Diagnosis:
    if not len(epochs):
        if under_way:
            return Diagnosis(
                "starting",
                "Warming up: the first round through the images. The network still guesses, the curve jumps.",
            )
        return Diagnosis("starting", "Getting ready: the images are read and the network is built.")
    last = epochs.iloc[-1]
    if best is None or not all(_finite(last[name]) for name in ("loss", "val_loss") if name in epochs):
        kept = f" The weights of epoch {best[0]} are kept." if best else ""
        return Diagnosis(
            "broken", f"The numbers broke: the loss is no number any more. A lower learning rate helps.{kept}"
        )
    done, (when, top) = int(last["epoch"]), best
    since = done - when
    chance = 1 / classes
    if top < 1.3 * chance:
        if done <= PATIENCE:
            return Diagnosis(
                "guessing", f"Warming up: after {_epochs(done)} it is no better than guessing ({_percent(chance)}) yet."
            )
        return Diagnosis(
            "guessing",
            f"After {_epochs(done)} it is still no better than guessing ({_percent(chance)}). "
            "If that stays, stop and choose another learning rate.",
        )
    recall = _recall(epochs, when)
    if (favorite := _favorite(recall)) is not None:
        return Diagnosis(
            "guessing",
            f"It calls nearly every face {favorite}. That alone is right for {100 * top:.0f} of 100 new faces: "
            "it has not learned to tell expressions apart yet.",
        )
    if since == 0:
        gain = _gain(epochs, when, top)
        right = f"of 100 new faces it names {100 * top:.0f} right{gain}."
        return Diagnosis("learning", f"It is learning: {right}{_never(recall)}")
    if since < PATIENCE:
        ago = "the last epoch" if since == 1 else f"the last {since} epochs"
        return Diagnosis(
            "pausing", f"{ago.capitalize()} brought nothing better than {_percent(top)}. A short pause is usual."
        )
    then = epochs.loc[epochs["epoch"] == when].iloc[0]
    if float(last["loss"]) < float(then["loss"]) - 0.01 or float(last["accuracy"]) > float(then["accuracy"]) + 0.01:
        return Diagnosis(
            "memorising",
            f"Validation stopped improving {since} epochs ago ({_percent(top)}) while training goes on improving: "
            "more training now only memorises.",
        )
    return Diagnosis(
        "level",
        f"Nothing has improved for {since} epochs (best {_percent(top)}): these settings have given what they can.",
    )


def _finished(epochs: pd.DataFrame, best: tuple[int, float] | None, planned: int) -> str:
    if best is None:
        return "It ended without a complete epoch: there is no model."
    done = int(epochs["epoch"].iloc[-1])
    early = f" It ended after {_epochs(done)} of {planned}, as nothing improved any more." if done < planned else ""
    train = epochs.loc[epochs["epoch"] == best[0], "accuracy"]
    gap = float(train.iloc[0]) - best[1] if len(train) and _finite(train.iloc[0]) else 0.0
    learned = (
        f" On the images that it learned from it is {100 * gap:.0f} points better: that part is memorised."
        if gap > 0.08
        else ""
    )
    return f"Done. The weights of epoch {best[0]} are kept: {_right(best[1])}.{early}{learned}"


def _gain(epochs: pd.DataFrame, when: int, top: float) -> str:
    """Return how much better than some epochs before, where that is worth saying."""
    back = min(PATIENCE, when - int(epochs["epoch"].iloc[0]))
    before = epochs.loc[epochs["epoch"] == when - back, "val_accuracy"]
    if not back or not len(before) or not _finite(before.iloc[0]):
        return ""
    points = 100 * (top - float(before.iloc[0]))
    if points < 100 * STEP:
        return ""
    ago = "one epoch ago" if back == 1 else f"{back} epochs ago"
    return f", {points:.0f} more than {ago}" if points >= 1 else f", a little more than {ago}"


def _recall(epochs: pd.DataFrame, when: int) -> dict[str, float]:
    """Return the share of the validation images of each expression that was named right in that epoch."""
    found = list(epochs.loc[epochs["epoch"] == when, "recall"]) if "recall" in epochs else []
    shares = found[0] if found else None
    return {str(k): float(v) for k, v in shares.items() if _finite(v)} if isinstance(shares, dict) else {}


def _favorite(recall: dict[str, float]) -> str | None:
    """The one expression that a network gives as its answer to nearly everything; None where it tells some apart."""
    if len(recall) < 2:
        return None
    name = max(recall, key=recall.__getitem__)
    others = [share for other, share in recall.items() if other != name]
    return name if recall[name] >= 0.8 and sum(others) / len(others) <= 0.1 else None


def _never(recall: dict[str, float]) -> str:
    """Return the expressions that are hardly ever found, in a sentence."""
    names = [name for name, share in recall.items() if share < 0.05]
    if not names:
        return ""
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f" It hardly ever finds {listed}."


def _finite(value: object) -> bool:
    try:
        return math.isfinite(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def _right(share: float) -> str:
    return f"{_percent(share)} of the validation images right"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"{count} epochs"
