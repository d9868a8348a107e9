"""Models over the same images: what each answered, how good that is, and where they differ."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .answers import answers, task
from .contenders import Contender, Prediction
from .datasets import Dataset
from .degradation import CONDITIONS, degrade
from .errors import Cancelled, DatasetError, FerError, ModelError
from .evaluation import against_votes, linked, majority, mcnemar, measure, reliability, risk_coverage
from .labels import FERPLUS8
from .lineup import contender

__all__ = ["Comparison", "Evaluation", "remembered"]

COVERAGES = (0.5, 0.7, 0.8, 0.9, 1.0)


@dataclass(slots=True, eq=False)
class Evaluation:
    """One model over the images of a comparison.

    Attributes:
        contender: the model.
        probabilities: float (n, k), columns as the comparison's `names`.
        ferplus: float (n, 8), columns as `labels.FERPLUS8`.
        figures: by the kind of truth, `labels` or `ferplus`, each also `_clean`; see `evaluation.measure`.
        votes: see `evaluation.against_votes`.
        conditions: rows of condition, amount, accuracy and n, on images made worse; empty where that was not asked for.
        speed: images_per_second and one_ms.
        notes: what a reader of the figures has to know, a sentence each.
    """

    contender: Contender
    probabilities: np.ndarray
    ferplus: np.ndarray
    speed: dict[str, float]
    notes: list[str] = field(default_factory=list)
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    votes: dict[str, float | int] = field(default_factory=dict)
    conditions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def guess(self) -> np.ndarray:
        return self.probabilities.argmax(1)


class Comparison:
    """Work that evaluates models one after the other; read while it runs, kept as far as it came when it is stopped.

    Attributes:
        images, labels, names, votes, rows: the images and what is known of them; `names` are the classes.
        clean: bool (n,), which images have no near copy in Training; None where there is nothing to compare with.
        evaluations: of the models that are through.
        failures: (name, sentence) of the models that could not be evaluated.
        notes: what a reader has to know of the dataset, a sentence each.
        progress: 0 to 1; `doing` says in words what is being done.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: str,
        models: Sequence[str],
        *,
        dataset_name: str = "dataset",
        flip: bool = True,
        check_copies: bool = True,
        worse: int = 0,
        cache: Path | None = None,
        find: Callable[[str], Contender] = contender,
    ):
        """Prepare.

        Args:
            dataset: with all its splits, as the others say which images were seen in training.
            split: whose images are shown to the models.
            models: names, see `contenders`.
            dataset_name: for people.
            flip: also show the mirrored images and take the mean of both answers.
            check_copies: look for near copies in Training.
            worse: how many of the images are also shown smaller, blurred, darker and turned, see `degradation`.
            cache: folder where answers are remembered, by the model's and the images' fingerprints.
            find: gives the model of a name.

        Raises:
            DatasetError: there is no such split, or no image in it.
        """
        chosen = dataset.split(split)
        if not len(chosen):
            raise DatasetError(f"The split {split!r} has no images. Choose another one.")
        self.dataset_name, self.split, self.models, self.flip = dataset_name, split, list(dict.fromkeys(models)), flip
        self.images, self.votes = chosen.images, chosen.votes
        self.rows = chosen.rows
        self.names, self.labels, self.notes = task(chosen.names, chosen.labels)
        self.known, self.majority = majority(self.votes)
        if not self.votes.any():
            self.notes.append("There are no FER+ votes for these images, so they are compared with their labels alone.")
        elif not self.known.any():
            self.notes.append("The FER+ votes have a clear majority for none of these images.")
        self.clean: np.ndarray | None = None
        self.evaluations: list[Evaluation] = []
        self.failures: list[tuple[str, str]] = []
        self.progress, self.doing = 0.0, "Waiting"
        self._sample = np.sort(np.random.default_rng(0).permutation(len(self.images))[:worse])
        self._check_copies, self._cache, self._find = check_copies, cache, find
        self._others = dataset.images[dataset.splits == "Training"] if split != "Training" else dataset.images[:0]

    def run(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Evaluate; raises Cancelled where it was stopped. A model that cannot be evaluated is a failure, no more."""
        if self._check_copies:
            self.doing = "Looking for near copies in Training"
            if len(self._others):
                self.clean = ~remembered(self._cache, self._copies_key(), lambda: linked(self.images, self._others))
                if not self.clean.any():
                    self.clean = None
                    self.notes.append("Every image has a near copy in Training, so no clean part is left.")
            else:
                self.notes.append("There is no other split called Training, so copies there were not looked for.")
        self._others = self._others[:0]
        for i, name in enumerate(self.models):
            if cancelled():
                raise Cancelled("The comparison was stopped.")

            def step(share: float, i: int = i) -> None:
                if cancelled():
                    raise Cancelled("The comparison was stopped.")
                self.progress = (i + share) / len(self.models)

            self.doing, self.progress = f"Asking {name}", i / len(self.models)
            try:
                self.evaluations.append(self._evaluate(self._find(name), step))
            except Cancelled:
                raise
            except FerError as error:
                self.failures.append((name, str(error)))
        self.progress, self.doing = 1.0, "Done"

    def _copies_key(self) -> str:
        return "copies-" + _hash(self.images, self._others)

    def _evaluate(self, model: Contender, step: Callable[[float], None]) -> Evaluation:
        whole = 0.6 if len(self._sample) else 1.0
        prediction = self._ask(model, self.images, self.flip, lambda share: step(whole * share))
        probabilities, named, notes = answers(model, prediction.logits, self.names)
        ferplus, named_plus, plus_notes = answers(model, prediction.logits, FERPLUS8)
        found = Evaluation(
            model,
            probabilities,
            ferplus,
            {"images_per_second": prediction.images_per_second, "one_ms": prediction.one_ms},
            notes + [n for n in plus_notes if self.known.any() and n not in notes],
        )
        everything = np.ones(len(self.images), bool)
        for suffix, keep in (("", everything), ("_clean", self.clean)):
            if keep is None:
                continue
            found.figures["labels" + suffix] = _figures(
                probabilities[keep], self.labels[keep], self.names, answers=named
            )
            clear = keep & self.known
            if clear.any():
                found.figures["ferplus" + suffix] = _figures(
                    ferplus[clear], self.majority[clear], FERPLUS8, answers=named_plus
                )
        if self.votes.any():
            found.votes = against_votes(ferplus, self.votes)
        if len(self._sample):
            self.doing = f"Making it harder for {model.title}"
            found.conditions = self._conditions(model, lambda share: step(0.6 + 0.4 * share))
        return found

    def _ask(self, model: Contender, images: np.ndarray, flip: bool, progress: Callable[[float], None]) -> Prediction:
        def ask() -> np.ndarray:
            found = model.predict(images, flip=flip, progress=progress)
            speed = np.array([found.images_per_second, found.one_ms])
            return np.concatenate([found.logits.astype(np.float32).ravel(), speed.astype(np.float32)])

        flat = remembered(self._cache, f"answers-{model.fingerprint}-{_hash(images)}-{int(flip)}", ask)
        outputs = sum(len(head.labels) for head in model.heads)
        if flat.size != len(images) * outputs + 2:
            raise ModelError(f"{model.title} did not give {outputs} scores for each image. Install it again.")
        logits = flat[:-2].reshape(len(images), outputs)
        if not np.isfinite(logits).all():
            raise ModelError(
                f"{model.title} gave scores that are not numbers. Train it again, or choose another model."
            )
        return Prediction(logits, float(flat[-2]), float(flat[-1]))

    def _conditions(self, model: Contender, progress: Callable[[float], None]) -> list[dict[str, Any]]:
        """Accuracy on the sample under each condition, one view."""
        images, labels = self.images[self._sample], self.labels[self._sample]
        asked = [(condition, amount) for condition, amounts in CONDITIONS.items() for amount in amounts]
        stack = np.concatenate([degrade(images, condition, amount) for condition, amount in asked])
        given = answers(model, self._ask(model, stack, False, progress).logits, self.names)[0]
        right = (given.argmax(1).reshape(len(asked), -1) == labels).mean(1)
        return [
            {"condition": condition, "amount": amount, "accuracy": float(share), "n": len(labels)}
            for (condition, amount), share in zip(asked, right, strict=True)
        ]

    def against(self, first: Evaluation, second: Evaluation, *, clean: bool = False) -> dict[str, float | int]:
        """McNemar's test between two of the evaluations, on the dataset's labels."""
        keep = self.clean if clean and self.clean is not None else np.ones(len(self.images), bool)
        return mcnemar((first.guess == self.labels)[keep], (second.guess == self.labels)[keep])

    def report(self, evaluation: Evaluation, *, clean: bool = False) -> dict[str, Any]:
        """All figures of a model as plain objects for JSON; those of the clean part where `clean` is set."""
        suffix = "_clean" if clean else ""
        if clean and self.clean is None:
            raise DatasetError(
                "There is no part without near copies: every image has one in Training, or there is no other split "
                "called Training. Leave out --clean."
            )
        model, plus = evaluation.contender, evaluation.figures.get("ferplus" + suffix)
        return {
            "model": model.name,
            "title": model.title,
            "fingerprint": model.fingerprint,
            "dataset": self.dataset_name,
            "split": self.split,
            "clean": clean,
            "views": 2 if self.flip else 1,
            **evaluation.figures["labels" + suffix],
            "labels": list(self.names),
            "ferplus_accuracy": plus["accuracy"] if plus else None,
            "ferplus": plus,
            "votes": evaluation.votes or None,
            "conditions": evaluation.conditions or None,
            **{k: round(v, 3) for k, v in evaluation.speed.items()},
            "bytes": model.size,
            "notes": evaluation.notes + self.notes,
            "mcnemar": {
                other.contender.name: self.against(evaluation, other, clean=clean)
                for other in self.evaluations
                if other is not evaluation
            },
        }


def _figures(probabilities: np.ndarray, labels: np.ndarray, names: tuple[str, ...], **how: Any) -> dict[str, Any]:
    figures = measure(probabilities, labels, names, **how)
    risk = risk_coverage(probabilities, labels)[1]
    at = {str(c): float(risk[max(1, round(c * len(risk))) - 1]) for c in COVERAGES}
    return {**figures, "reliability": reliability(probabilities, labels), "risk_at_coverage": at}


def _hash(*arrays: np.ndarray) -> str:
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        found.update(str(array.shape).encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def remembered(folder: Path | None, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """The array of that key, from the folder where it is there, else made and kept; a damaged file is made again."""
    if folder is None:
        return make()
    path = folder / f"{key}.npy"
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        pass
    found = make()
    _keep(path, found)
    return found


def _keep(path: Path, array: np.ndarray) -> None:
    part = path.with_name(f".{secrets.token_hex(6)}.npy")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(part, array, allow_pickle=False)
        os.replace(part, path)
        old = sorted(path.parent.glob("*.npy"), key=lambda p: p.stat().st_mtime)
        for stale in old[: max(0, len(old) - 200)]:
            stale.unlink(missing_ok=True)
    except OSError:  # a full or read-only disk: it will be made again
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
