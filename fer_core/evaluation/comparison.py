"""Models over the same images: what each answered, how good that is, and where they differ."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fer_core.curation.near_duplicates import duplicated_in
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.votes import fer7_majority, majority
from fer_core.errors import Cancelled, DatasetError, FerError, ModelError
from fer_core.evaluation.corruptions import CONDITIONS, corrupt
from fer_core.evaluation.label_mapping import map_labels, map_probabilities, shown_probabilities, shown_rules
from fer_core.evaluation.metrics import compute_vote_metrics
from fer_core.evaluation.results import FERPLUS, LABELS, MAIN_HEAD, SHOWN, Evaluation, Subset, SubsetKey
from fer_core.evaluation.saliency import SaliencyMap
from fer_core.labels import FER7, FERPLUS8
from fer_core.models.catalog import load_predictor
from fer_core.models.predictor import Prediction, Predictor
from fer_core.utils.array_cache import cached_array, content_key
from fer_core.utils.progress import Progress, time_left
from fer_core.utils.workspace import use_workspace, workspace

__all__ = ["Comparison"]

BESIDE = ("n", "accuracy", "accuracy_interval", "macro_f1", "nll", "ece", "aurc")
"""What of the whole split stands beside the figures of its clean part."""


LOOKS = 12
"""Pictures whose maps of where models look are kept."""


class Comparison:
    """Work that evaluates models one after the other; read while it runs, kept as far as it came when it is stopped.

    Attributes:
        images, labels, names, votes, rows: the images and what is known of them; `names` are the classes.
        known, majority: which images have a clear majority of FER+'s people, and for what (`labels.FERPLUS8`).
        clean: bool (n,), which images have no near copy in Training; None where there is nothing to compare with.
        evaluations: of the models that are through.
        failures: (name, sentence) of the models that could not be evaluated.
        notes: what a reader has to know of the dataset, a sentence each.
        looks: where models look, as far as somebody asked; by what was asked, see `keep_saliency`.
        progress: 0 to 1; `doing` says in words what is being done.

    Example:
        >>> from fer_core import load_dataset
        >>> work = Comparison(load_dataset("synthetic"), "PublicTest", ["expression-s"], flip=False)
        >>> work.run()
        >>> figures = work.evaluations[0].figures[SubsetKey("labels")]
        >>> 0 < figures["accuracy"] <= 1
        True
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
        find: Callable[[str], Predictor] = load_predictor,
    ):
        """Prepare; `run` may then be called on another thread, for whoever's `workspace()` it is now.

        Args:
            dataset: with all its splits, as the others say which images were seen in training.
            split: whose images are shown to the models.
            models: names, see `contenders`.
            dataset_name: for people.
            flip: also show the mirrored images and take the mean of both answers.
            check_copies: look for near copies in Training.
            worse: how many of the images are also shown smaller, blurred, darker and turned, see `run_corruptions`.
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
        self.names, self.labels, self.notes = map_labels(chosen.names, chosen.labels)
        self.known, self.majority = majority(self.votes)
        if not self.votes.any():
            self.notes.append("There are no FER+ votes for these images, so they are compared with their labels alone.")
        elif not self.known.any():
            self.notes.append("The FER+ votes have a clear majority for none of these images.")
        if split == "Training":
            self.notes.append("A model that was trained on these images knows them by heart: choose another split.")
        self.clean: np.ndarray | None = None
        self.evaluations: list[Evaluation] = []
        self.failures: list[tuple[str, str]] = []
        self.looks: dict[str, list[SaliencyMap]] = {}
        self.progress, self.doing = 0.0, "Waiting"
        self._worse, self._cache, self._find, self._home = worse, cache, find, workspace()
        self._started = 0.0
        # The whole dataset is held only until its copies were looked for: others may wait in the same queue.
        self._whole: Dataset | None = dataset if check_copies else None

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the pace so far; None where there is none yet."""
        return time_left(time.monotonic() - self._started, self.progress) if self._started else None

    def run(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Evaluate; raises Cancelled where it was stopped. A model that cannot be evaluated is a failure, no more."""
        with use_workspace(self._home):
            self._look_for_copies()
            self._started = time.monotonic()
            for i, name in enumerate(self.models):
                self.doing, self.progress = f"Asking {name}", i / len(self.models)
                try:
                    self.evaluations.append(self._evaluate(self._find(name), self._step(cancelled, i)))
                except Cancelled:
                    raise
                except FerError as error:
                    self.failures.append((name, str(error)))
            if self._worse:
                self.run_corruptions(self._worse, self._step(cancelled, 0, 1))
        self.progress, self.doing = 1.0, "Done"

    def run_corruptions(self, count: int, progress: Progress = lambda share: None) -> None:
        """Show some of the images smaller, blurred, darker and turned to the models that are through, in one view.

        Args:
            count: how many images, drawn at random but the same each time.
            progress: is told the share done; where it raises Cancelled, the models done by then keep their rows.
        """
        sample = np.sort(np.random.default_rng(0).permutation(len(self.images))[:count])
        asked = [(condition, amount) for condition, amounts in CONDITIONS.items() for amount in amounts]
        self._started = time.monotonic()
        stack = np.concatenate([corrupt(self.images[sample], condition, amount) for condition, amount in asked])
        for i, evaluation in enumerate(self.evaluations):
            model = evaluation.predictor
            self.doing = f"Making it harder for {model.title}"
            prediction = self._ask(model, stack, False, lambda s, i=i: progress((i + s) / len(self.evaluations)))  # type: ignore[misc]
            given = {LABELS: map_probabilities(model, prediction.logits, self.names)[0]}
            if evaluation.ferplus is not None:
                given[FERPLUS] = map_probabilities(model, prediction.logits, FERPLUS8)[0]
            evaluation.conditions = self._worse_figures(given, sample, asked)

    def _worse_figures(
        self, given: dict[str, np.ndarray], sample: np.ndarray, asked: list[tuple[str, float]]
    ) -> dict[SubsetKey, list[dict[str, Any]]]:
        """Return the rows for each subset that has images in the sample; see `Evaluation.conditions`."""
        found = {}
        for clean in (False, True) if self.clean is not None else (False,):
            for kind, probabilities in given.items():
                subset = self.subset(kind, clean=clean)
                truth = np.full(len(self.images), -1)
                truth[subset.which] = subset.truth
                counted = truth[sample] >= 0
                if not counted.any():
                    continue
                guess = probabilities.argmax(1).reshape(len(asked), -1)
                right = (guess == truth[sample])[:, counted].mean(1)
                found[subset.key] = [
                    {"condition": condition, "amount": amount, "accuracy": float(share), "n": int(counted.sum())}
                    for (condition, amount), share in zip(asked, right, strict=True)
                ]
        return found

    def keep_saliency(self, asked: str, found: list[SaliencyMap]) -> None:
        """Keep where models look for the report; of more than `LOOKS` the first go."""
        self.looks.setdefault(asked, found)
        for old in list(self.looks)[:-LOOKS]:
            self.looks.pop(old, None)

    def subset(self, kind: str = LABELS, *, clean: bool = False) -> Subset:
        """The images that count for a kind of truth, see `results`; of the part without near copies if `clean`."""
        if clean and self.clean is None:
            raise DatasetError(
                "There is no part without near copies: every image has one in Training, or there is no other split "
                "called Training. Count all images."
            )
        key = SubsetKey(kind, clean)
        keep = self.clean if clean and self.clean is not None else np.ones(len(self.images), bool)
        if kind == LABELS:
            return Subset(key, np.flatnonzero(keep), self.labels[keep], self.names)
        if kind in (SHOWN, MAIN_HEAD):
            known, seen = fer7_majority(self.votes)
            return Subset(key, np.flatnonzero(keep & known), seen[keep & known], FER7)
        keep = keep & self.known
        return Subset(key, np.flatnonzero(keep), self.majority[keep], FERPLUS8)

    def report(self, evaluation: Evaluation, *, clean: bool = False) -> dict[str, Any]:
        """Return all figures of a model as plain objects for JSON; those of the clean part where `clean` is set."""
        subset, ferplus = self.subset(clean=clean), SubsetKey(FERPLUS, clean)
        model, plus = evaluation.predictor, evaluation.figures.get(ferplus)
        return {
            "model": model.name,
            "title": model.title,
            "fingerprint": model.fingerprint,
            "dataset": self.dataset_name,
            "split": self.split,
            "clean": clean,
            "views": 2 if self.flip else 1,
            **evaluation.figures[subset.key],
            "labels": list(self.names),
            "ferplus_accuracy": plus["accuracy"] if plus else None,
            "ferplus": plus,
            "shown": self._shown_figures(evaluation, clean),
            "votes": evaluation.votes.get(ferplus),
            "full": {key: evaluation.figures[SubsetKey(LABELS)][key] for key in BESIDE} if clean else None,
            "conditions": evaluation.conditions.get(subset.key),
            "ferplus_conditions": evaluation.conditions.get(ferplus),
            **{k: round(v, 3) for k, v in evaluation.speed.items()},
            "bytes": model.size,
            "notes": evaluation.notes + self.notes,
            "mcnemar": {
                other.predictor.name: subset.against(evaluation, other)
                for other in self.evaluations
                if other is not evaluation
            },
        }

    def _shown_figures(self, evaluation: Evaluation, clean: bool) -> dict[str, Any] | None:
        """Return what pages show by what most people saw, and what the rule gains over the main head alone."""
        shown, alone = (evaluation.figures.get(SubsetKey(kind, clean)) for kind in (SHOWN, MAIN_HEAD))
        if not shown or not alone:
            return None
        change = {key: shown[key] - alone[key] for key in ("accuracy", "balanced_recall", "ece")}
        return {**shown, "labels": list(FER7), "rule": evaluation.rule, "main_head": alone, "change": change}

    def _step(self, cancelled: Callable[[], bool], i: int, of: int | None = None) -> Callable[[float], None]:
        """Return what is told the share of the i-th model that is done."""

        def step(share: float) -> None:
            if cancelled():
                raise Cancelled("The comparison was stopped.")
            self.progress = (i + share) / (of or len(self.models))

        step(0.0)
        return step

    def _look_for_copies(self) -> None:
        whole, self._whole = self._whole, None
        if whole is None:
            return
        others = whole.images[whole.splits == "Training"] if self.split != "Training" else whole.images[:0]
        if not len(others):
            self.notes.append("There is no other split called Training, so copies there were not looked for.")
            return
        self.doing = "Looking for near copies in Training"
        key = "copies-" + content_key(self.images, others)
        self.clean = ~cached_array(self._cache, key, lambda: duplicated_in(self.images, others))
        if not self.clean.any():
            self.clean = None
            self.notes.append("Every image has a near copy in Training, so no clean part is left.")

    def _evaluate(self, model: Predictor, step: Callable[[float], None]) -> Evaluation:
        self.doing = f"Asking {model.title}"
        prediction = self._ask(model, self.images, self.flip, step)
        speed = {"images_per_second": prediction.images_per_second, "one_ms": prediction.one_ms}
        given, known, notes = map_probabilities(model, prediction.logits, self.names)
        found = Evaluation(model, given, None, speed, {LABELS: known}, notes)
        if self.votes.any():
            try:
                found.ferplus, found.known[FERPLUS], more = map_probabilities(model, prediction.logits, FERPLUS8)
            except ModelError as error:
                more = [f"{error} So it is not held against the FER+ votes."]
            else:
                found.votes[SubsetKey(FERPLUS)] = compute_vote_metrics(found.ferplus, self.votes)
                if self.clean is not None:
                    part = compute_vote_metrics(found.ferplus[self.clean], self.votes[self.clean])
                    found.votes[SubsetKey(FERPLUS, True)] = part
            found.notes += [note for note in more if note not in notes]
            self._add_shown(found, prediction.logits)
        for clean in (False, True) if self.clean is not None else (False,):
            for kind in (LABELS, FERPLUS, SHOWN, MAIN_HEAD):
                subset = self.subset(kind, clean=clean)
                if figures := subset.figures(found):
                    found.figures[subset.key] = figures
        return found

    def _add_shown(self, found: Evaluation, logits: np.ndarray) -> None:
        """What pages show, by the rule and by the main head alone; nothing where the model has no such words."""
        try:
            rules = shown_rules(found.predictor)
            for kind, rule in zip((SHOWN, MAIN_HEAD), rules, strict=True):
                found.shown[kind], found.known[kind] = shown_probabilities(found.predictor, logits, rule)
        except ModelError:
            return
        found.rule = rules[0].describe()

    def _ask(self, model: Predictor, images: np.ndarray, flip: bool, progress: Callable[[float], None]) -> Prediction:
        def ask() -> np.ndarray:
            found = model.predict(images, flip=flip, progress=progress)
            speed = np.array([found.images_per_second, found.one_ms])
            return np.concatenate([found.logits.astype(np.float32).ravel(), speed.astype(np.float32)])

        flat = cached_array(self._cache, f"answers-{model.fingerprint}-{content_key(images)}-{int(flip)}", ask)
        outputs = sum(len(head.labels) for head in model.heads)
        if flat.size != len(images) * outputs + 2:
            raise ModelError(f"{model.title} did not give {outputs} scores for each image. Install it again.")
        logits = flat[:-2].reshape(len(images), outputs)
        if not np.isfinite(logits).all():
            raise ModelError(
                f"{model.title} gave scores that are not numbers. Train it again, or choose another model."
            )
        return Prediction(logits, float(flat[-2]), float(flat[-1]))
