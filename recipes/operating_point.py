"""Operating point of a network: what each decision rule gives and costs, and the rule that a bundle ships with.

    python -m recipes.operating_point --data fer2013.csv --ferplus fer2013new.csv --photos FOLDER
        [--model expression-s] [--outputs outputs.npz] [--curve curve.csv] [--write]

A rule (see `fer_core.models.decision_rule`) has a weight for each head and takes some of each head's log prior off.
It is chosen on PublicTest, by what most of FER+'s ten people saw among the seven names, and on photos that go through
the whole pipeline, together: of all settings the one that falls least short of the goals, and the better one by
FER2013's label where two are equal. Figures are means of one view, which pages show, and of two. The temperature is
fitted after that. How much of it is luck: the choice is made again on random halves and measured on the others.
With --write the rule goes into the bundle's card; measure the card again afterwards (`python -m recipes.card`).
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path

import numpy as np

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.readers import read_fer2013
from fer_core.datasets.votes import fer7_majority, majority
from fer_core.evaluation.metrics import calibration_error
from fer_core.labels import FER7, FERPLUS8, FERPLUS_TO_FER7
from fer_core.models.bundle import CARD, Bundle
from fer_core.models.classifier import Classifier, split_heads
from fer_core.models.decision_rule import DecisionRule, HeadTerm, log_softmax
from fer_core.models.registry import load_model
from recipes.photos import read_photos

WEIGHTS = (1.0, 0.975, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.25, 0.0)
"""Of the FER+ head; the FER-7 head has the rest."""
FERPLUS_EXPONENTS = tuple(np.round(np.arange(0, 1.001, 0.025), 3).tolist())
FER7_EXPONENTS = (0.0, 0.05, 0.1, 0.2, 0.3)
GOALS = {"majority_accuracy": 0.905, "majority_recall": 0.88, "photo_recall": 0.75}
COMMON = 30
"""Photos of a class from which on its recall says something."""
STEP = 0.01
"""Majority accuracy between two rows of the curve."""
HALVES = 40


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """A network's outputs on all that the choice is made on; the first axis of logits is one view, two views.

    Attributes:
        faces: float32 (2, n, outputs), PublicTest.
        labels: int (n,), FER2013's labels.
        seen: int (n,), what most people saw, -1 where there is no clear majority for one of the seven.
        photos: float32 (2, m, outputs).
        photo_labels: int (m,).
        ferplus_prior, fer7_prior: shares in Training, in the order of FERPLUS8 and of FER7.
    """

    faces: np.ndarray
    labels: np.ndarray
    seen: np.ndarray
    photos: np.ndarray
    photo_labels: np.ndarray
    ferplus_prior: np.ndarray
    fer7_prior: np.ndarray

    @classmethod
    def measure(cls, bundle: Bundle, data: Dataset, photos: Path) -> Outputs:
        """Show everything to the network, in both ways."""
        test, training, found = data.split("PublicTest"), data.split("Training"), read_photos(photos)
        print(f"{len(found.labels)} photos with a face; none was found in {found.missed}, which are left out.")
        classifiers = Classifier(bundle), Classifier(bundle, flip=True)
        known, seen = fer7_majority(test.votes)
        clear, most = majority(training.votes)
        return cls(
            np.stack([c.logits(test.images) for c in classifiers]),
            test.labels,
            np.where(known, seen, -1),
            np.stack([c.logits(found.crops) for c in classifiers]),
            found.labels,
            np.bincount(most[clear], minlength=len(FERPLUS8)) / clear.sum(),
            np.bincount(training.labels, minlength=len(FER7)) / len(training),
        )

    def save(self, path: Path, sha256: str) -> None:
        """Write them beside the hash of the weights that gave them."""
        np.savez(path, sha256=sha256, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def read(cls, path: Path, sha256: str) -> Outputs | None:
        """What `save` wrote of the same weights; None where there is no such file."""
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as file:
            if str(file["sha256"]) != sha256:
                return None
            return cls(*(file[f.name] for f in fields(cls)))


@dataclass(frozen=True, slots=True)
class Point:
    """What a rule gives; means of one view and two.

    Attributes:
        label_accuracy, label_recall: by FER2013's label, of all images; recall is the mean over the seven classes.
        majority_accuracy, majority_recall: by what most of ten people saw.
        photo_accuracy, photo_recall: on photos; recall is the mean over the classes that are common there.
    """

    label_accuracy: float
    label_recall: float
    majority_accuracy: float
    majority_recall: float
    photo_accuracy: float
    photo_recall: float

    @property
    def shortfall(self) -> float:
        """By how much the goals are missed in all."""
        return float(sum(max(0.0, goal - getattr(self, name)) for name, goal in GOALS.items()))


def rule(outputs: Outputs, weight: float, ferplus: float, fer7: float, temperature: float = 1.0) -> DecisionRule:
    """Build the rule with a weight for the FER+ head, and how much of each head's log prior is taken off."""
    shown = [FERPLUS_TO_FER7.get(name, name) for name in FERPLUS8]
    priors = (dict(zip(shown, outputs.ferplus_prior, strict=True)), dict(zip(FER7, outputs.fer7_prior, strict=True)))
    rounded = [{name: round(float(share), 5) for name, share in prior.items()} for prior in priors]
    terms = (
        HeadTerm("ferplus8", max(weight, 1e-9), ferplus, rounded[0]),
        HeadTerm("fer7", round(1 - weight, 3), fer7, rounded[1]),
    )
    return DecisionRule("both heads, prior taken off", terms, temperature)


class Sweep:
    """All settings over the same outputs; answers are kept, so that any part of the images is counted quickly."""

    def __init__(self, bundle: Bundle, outputs: Outputs):
        self.outputs = outputs
        self.settings = list(product(WEIGHTS, FERPLUS_EXPONENTS, FER7_EXPONENTS))
        self._heads = [
            [split_heads(bundle.heads, logits) for logits in group] for group in (outputs.faces, outputs.photos)
        ]
        guesses = [[self.scores(setting, group) for group in (0, 1)] for setting in self.settings]
        self.faces, self.photos = (np.stack([g[group].argmax(-1).astype(np.int8) for g in guesses]) for group in (0, 1))
        count = np.bincount(outputs.photo_labels, minlength=len(FER7))
        self.common = np.flatnonzero(count >= COMMON)

    def scores(self, setting: tuple[float, float, float], group: int) -> np.ndarray:
        """Scores before the temperature of PublicTest (0) or the photos (1), (2, n, 7)."""
        chosen = rule(self.outputs, *setting)
        return np.stack([chosen.scores(heads, FER7) for heads in self._heads[group]])

    def points(self, faces: np.ndarray | None = None, photos: np.ndarray | None = None) -> list[Point]:
        """What each setting gives, of all images or of some: indices."""
        o = self.outputs
        faces = np.arange(len(o.labels)) if faces is None else faces
        photos = np.arange(len(o.photo_labels)) if photos is None else photos
        clear = faces[o.seen[faces] >= 0]
        every = np.arange(len(FER7))
        columns = [
            *_shares(self.faces[:, :, faces], o.labels[faces], every),
            *_shares(self.faces[:, :, clear], o.seen[clear], every),
            *_shares(self.photos[:, :, photos], o.photo_labels[photos], self.common),
        ]
        return [Point(*map(float, row)) for row in zip(*columns, strict=True)]

    def temperature(self, setting: tuple[float, float, float]) -> float:
        """Temperature with the least log-likelihood lost, PublicTest and photos weighing the same, to two digits."""
        grid = np.round(np.arange(0.3, 2.001, 0.01), 2)
        return float(min(grid, key=lambda t: sum(_nll(s / t, truth) for s, truth in self._sets(setting))))

    def calibration(self, setting: tuple[float, float, float], temperature: float) -> tuple[float, float]:
        """Calibration error on PublicTest and on the photos, means of one view and two."""
        found = []
        for scores, truth in self._sets(setting):
            p = np.exp(log_softmax(scores / temperature))
            found.append(float(np.mean([calibration_error(view, truth) for view in p])))
        return found[0], found[1]

    def luck(self, setting: tuple[float, float, float], temperature: float, draws: int = 200) -> tuple[float, float]:
        """The calibration error that as many images give by chance where the confidence is right: means of draws."""
        rng, found = np.random.default_rng(0), []
        for scores, _ in self._sets(setting):
            p = np.exp(log_softmax(scores[0] / temperature))
            up_to = p.cumsum(1)
            errors = []
            for _ in range(draws):
                truth = np.minimum((rng.random((len(p), 1)) > up_to).sum(1), len(FER7) - 1)
                errors.append(calibration_error(p, truth))
            found.append(float(np.mean(errors)))
        return found[0], found[1]

    def halves(self, count: int) -> list[tuple[Point, Point]]:
        """Choose on a random half and measure on the other: (on the half, on the other), `count` times."""
        rng, found = np.random.default_rng(0), []
        for _ in range(count):
            faces, photos = (rng.permutation(len(x)) for x in (self.outputs.labels, self.outputs.photo_labels))
            first = self.points(faces[::2], photos[::2])
            second = self.points(faces[1::2], photos[1::2])
            best = choice(first)
            found.append((first[best], second[best]))
        return found

    def _sets(self, setting: tuple[float, float, float]) -> list[tuple[np.ndarray, np.ndarray]]:
        o = self.outputs
        clear = o.seen >= 0
        return [(self.scores(setting, 0)[:, clear], o.seen[clear]), (self.scores(setting, 1), o.photo_labels)]


def _shares(guess: np.ndarray, truth: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy and mean recall over classes of guesses (settings, views, n), each (settings,)."""
    right = (guess == truth).astype(np.float32)
    of = (truth[:, None] == classes).astype(np.float32)
    present = of.sum(0) > 0
    recall = (right @ of)[..., present] / of.sum(0)[present]
    return right.mean((1, 2)), recall.mean((1, 2))


def _nll(scores: np.ndarray, truth: np.ndarray) -> float:
    return float(-log_softmax(scores)[:, np.arange(len(truth)), truth].mean())


def choice(points: list[Point]) -> int:
    """Place of the setting to ship."""
    return min(range(len(points)), key=lambda i: (round(points[i].shortfall, 6), -points[i].label_accuracy))


def curve(points: list[Point]) -> list[int]:
    """Places of the best settings by balanced recall on both sets, one for each step of majority accuracy.

    A step is left out where it costs accuracy and gains neither that recall nor anything by FER2013's label.
    """
    recall = [point.majority_recall + point.photo_recall for point in points]
    best: dict[int, int] = {}
    for i, point in enumerate(points):
        place = int(point.majority_accuracy / STEP + 1e-9)
        if place not in best or recall[i] > recall[best[place]]:
            best[place] = i
    kept: list[int] = []
    for place in sorted(best, reverse=True):
        i = best[place]
        if all(recall[i] > recall[k] or points[i].label_accuracy > points[k].label_accuracy for k in kept):
            kept.append(i)
    return kept


def table(sweep: Sweep, points: list[Point], chosen: int) -> list[dict[str, float | str]]:
    """Rows for people and for a file: today's heads alone, the curve, and the choice."""
    alone = [sweep.settings.index((1.0, 0.0, 0.0)), sweep.settings.index((0.0, 0.0, 0.0))]
    named = {alone[0]: "FER+ head alone", alone[1]: "FER-7 head alone"} | {chosen: "chosen"}
    rows: list[dict[str, float | str]] = []
    for i in dict.fromkeys([*alone, *curve(points), chosen]):
        setting, temperature = sweep.settings[i], sweep.temperature(sweep.settings[i])
        errors = sweep.calibration(setting, temperature)
        rows.append(
            {
                "weight": setting[0],
                "ferplus_exponent": setting[1],
                "fer7_exponent": setting[2],
                "temperature": temperature,
                **{f.name: round(getattr(points[i], f.name), 4) for f in fields(Point)},
                "majority_ece": round(errors[0], 4),
                "photo_ece": round(errors[1], 4),
                "what": named.get(i, ""),
            }
        )
    return rows


def show(rows: list[dict[str, float | str]]) -> None:
    """Print them; shares in per cent, balanced recall in brackets."""
    print("FER+ head  prior off  FER-7 prior   T    FER2013 label  FER+ majority  photos (common)    ECE      ECE")
    print("   weight                 off             (balanced)     (balanced)     (balanced)   majority  photos")
    for r in rows:
        shares = "  ".join(
            f"{r[f'{kind}_accuracy']:6.1%} ({r[f'{kind}_recall']:5.1%})" for kind in ("label", "majority", "photo")
        )
        numbers = (
            f"{r['weight']:9.3f}  {r['ferplus_exponent']:9.3f}  {r['fer7_exponent']:11.2f}  {r['temperature']:.2f}"
        )
        print(f"{numbers}  {shares}  {r['majority_ece']:7.3f}  {r['photo_ece']:7.3f}  {r['what']}")


def main() -> None:
    """Measure, print the curve, choose, and write where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--data", "--ferplus", "--photos"):
        parser.add_argument(option, type=Path, required=True)
    parser.add_argument("--model", default="expression-s")
    parser.add_argument("--outputs", type=Path, help="keep the network's outputs here, for a quick second time")
    parser.add_argument("--curve", type=Path, help="write the rows as CSV")
    parser.add_argument("--write", action="store_true", help="put the chosen rule into the bundle's card")
    args = parser.parse_args()
    bundle = load_model(args.model)
    sha256 = str(bundle.card.get("sha256"))
    outputs = Outputs.read(args.outputs, sha256) if args.outputs else None
    if outputs is None:
        outputs = Outputs.measure(bundle, read_fer2013(args.data, args.ferplus), args.photos)
        if args.outputs:
            outputs.save(args.outputs, sha256)
    sweep = Sweep(bundle, outputs)
    points = sweep.points()
    chosen = choice(points)
    rows = table(sweep, points, chosen)
    show(rows)
    report(sweep, chosen)
    if args.curve:
        with open(args.curve, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    if args.write:
        setting = sweep.settings[chosen]
        final = rule(outputs, *setting, temperature=sweep.temperature(setting))
        card = json.loads((bundle.folder / CARD).read_text(encoding="utf-8"))
        card["rule"] = final.to_card()
        (bundle.folder / CARD).write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{bundle.folder / CARD} has the rule now. Measure the card again: python -m recipes.card")


def report(sweep: Sweep, chosen: int) -> None:
    """Print what is behind the choice: luck in calibration error, and the choice made again on halves."""
    setting = sweep.settings[chosen]
    least = sweep.luck(setting, sweep.temperature(setting))
    print(f"A calibration error of {least[0]:.3f} and {least[1]:.3f} would come by chance alone.")
    halves = sweep.halves(HALVES)
    for place, words in ((0, "on the half that it was chosen on"), (1, "on the other half")):
        means = {f.name: np.mean([getattr(pair[place], f.name) for pair in halves]) for f in fields(Point)}
        shares = ", ".join(f"{name.replace('_', ' ')} {means[name]:.1%}" for name in GOALS)
        print(f"Chosen on random halves, {words}: {shares}.")


if __name__ == "__main__":
    main()
